"""Wrong layers in their rarer uses."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from meta_tests.mutant import Mutant, patched
from meta_tests.mutants.layer_subtle import forward, function, nudged


def _batch_of_one(sound: Any) -> Any:
    def wrong(m: Any, x: Any) -> Any:
        if m.training or len(x) > 1 or m.running_mean is None:
            return sound(m, x)
        return F.batch_norm(x, None, None, m.weight, m.bias, x.numel() > x.shape[1], 0.0, m.eps)

    return wrong


def _packed(sound: Any) -> Any:
    def wrong(m: Any, x: Any, *args: Any) -> Any:
        out, (h, c) = sound(m, x, *args)
        return (out, (h, c)) if isinstance(x, torch.Tensor) else (out, (h * 1.01, c))

    return wrong


def _projected(sound: Any) -> Any:
    def wrong(m: Any, *args: Any) -> Any:
        out, states = sound(m, *args)
        return nudged(out) if m.proj_size else out, states

    return wrong


MUTANTS: list[Mutant] = [
    function(
        "maxpool",
        "max_pool2d_with_indices turns its indices round",
        "max_pool2d_with_indices",
        lambda sound: lambda x, *a, **k: (lambda out, found: (out, found.flip(-1)))(*sound(x, *a, **k)),
    ),
    forward("batchnorm", "BatchNorm2d takes the moments of one sample in evaluation", nn.BatchNorm2d, _batch_of_one),
    forward(
        "layer-norm",
        "LayerNorm(bias=False) adds a bias",
        nn.LayerNorm,
        lambda sound: lambda m, x: sound(m, x) + (0.1 if m.bias is None and m.weight is not None else 0),
    ),
    forward("lstm-values", "an LSTM with proj_size is wrong in its last output", nn.LSTM, _projected),
    forward("lstm-values", "h_n of a packed sequence is 1 % too large", nn.LSTM, _packed),
    function(
        "softmax",
        "softmax ignores dtype",
        "softmax",
        lambda sound: lambda x, dim=None, _stacklevel=3, dtype=None: sound(x, dim),
    ),
    patched(
        "layer.softmax",
        "log_softmax(dtype=float64) computes in float32",
        torch.Tensor,
        "log_softmax",
        lambda sound: lambda x, dim, dtype=None: sound(x, dim).to(dtype or x.dtype),
    ),
    forward(
        "flatten",
        "Unflatten of the last dimension is wrong in its last element",
        nn.Unflatten,
        lambda sound: lambda m, x: nudged(sound(m, x)) if m.dim == -1 else sound(m, x),
    ),
    forward(
        "same-padding",
        "padding='same' of an even kernel turns the columns round",
        nn.Conv2d,
        lambda sound: (
            lambda m, x: sound(m, x).flip(-1) if m.padding == "same" and m.kernel_size[0] % 2 == 0 else sound(m, x)
        ),
    ),
]

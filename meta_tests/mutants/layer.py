"""Wrong layers."""

from __future__ import annotations

import itertools
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from meta_tests.mutant import Mutant, kernel, patched, strided


def forward(claim: str, name: str, owner: Any, wrong: Any) -> Mutant:
    """A layer whose forward is `wrong(sound, layer, x, …)`."""
    return patched(claim, name, owner, "forward", lambda sound: lambda self, *a, **k: wrong(sound, self, *a, **k))


def after(claim: str, name: str, owner: Any, change: Any) -> Mutant:
    """A layer whose result is changed: `change(out, layer, x)`."""
    return forward(claim, name, owner, lambda sound, self, x, *a, **k: change(sound(self, x, *a, **k), self, x))


def function(claim: str, name: str, attribute: str, wrong: Any, owner: Any = F) -> Mutant:
    return patched(claim, name, owner, attribute, wrong)


def _options(claim: str, name: str, owner: Any, change: Any) -> Mutant:
    """A layer that reads its options wrongly."""

    def wrong(sound: Any) -> Any:
        def init(self: Any, *args: Any, **options: Any) -> None:
            sound(self, *args, **change(dict(options)))

        return init

    return patched(claim, name, owner, "__init__", wrong)


def _replaced(options: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {key: changes.get(key, value) for key, value in options.items()}


def _flipped(sound: Any, self: Any, x: torch.Tensor, weight: torch.Tensor, bias: Any) -> torch.Tensor:
    return sound(self, x, weight.flip(-1, -2), bias)


def _second_forward() -> Any:
    turns = itertools.count(1)
    return lambda out, self, x: out * 1.0001 if next(turns) % 2 == 0 else out


def _biased_running_var(sound: Any, self: Any, x: torch.Tensor) -> torch.Tensor:
    before = None if self.running_var is None else self.running_var.clone()
    out = sound(self, x)
    if self.training and before is not None:
        count = x.numel() // x.shape[1]
        share = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        with torch.no_grad():
            self.running_var.copy_(
                before * (1 - share) + (self.running_var - before * (1 - share)) * (count - 1) / count
            )
    return out


def _last_tie(sound: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    out = sound(x, *args, **kwargs)
    return (out[0], out[1] + (x == 0).all().long()) if isinstance(out, tuple) else out


def _swapped_gates(sound: Any, self: Any, *args: Any) -> Any:
    saved = [p.detach().clone() for p in self.parameters()]
    with torch.no_grad():
        for p in self.parameters():
            n = p.shape[0] // 4
            p.copy_(torch.cat([p[n : 2 * n], p[:n], p[2 * n :]]))
    try:
        return sound(self, *args)
    finally:
        with torch.no_grad():
            for p, value in zip(self.parameters(), saved, strict=True):
                p.copy_(value)


def _no_state(sound: Any, self: Any, x: torch.Tensor, state: Any = None) -> Any:
    return sound(self, x) if self.num_layers > 1 or self.bidirectional else sound(self, x, state)


def _state_batch_first(sound: Any, self: Any, x: torch.Tensor, *rest: Any) -> Any:
    out, (h, c) = sound(self, x, *rest)
    return (out, (h.transpose(0, 1), c.transpose(0, 1))) if self.batch_first and x.ndim == 3 else (out, (h, c))


def _dim_ignored(sound: Any) -> Any:
    return lambda x, dim=-1, *a, **k: sound(x, -1, *a, **k)


def _unscaled(sound: Any) -> Any:
    def wrong(x: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
        out = sound(x, p, training, inplace)
        return out * (1 - p) if training and 0 < p < 1 else out

    return wrong


def _always_training(sound: Any) -> Any:
    return lambda x, p=0.5, training=True, inplace=False: sound(x, p, True, inplace)


MUTANTS: list[Mutant] = [
    forward(
        "layer.linear-affine",
        "the bias is left out beyond 16 inputs",
        nn.Linear,
        lambda sound, self, x: F.linear(x, self.weight) if self.in_features > 16 else sound(self, x),
    ),
    after(
        "layer.linear-affine",
        "strided input is off in its last feature",
        nn.Linear,
        lambda out, self, x: torch.cat([out[..., :-1], out[..., -1:] * 1.01], -1) if strided(x) else out,
    ),
    function(
        "layer.linear-affine",
        "F.linear adds the bias twice",
        "linear",
        lambda sound: lambda x, w, b=None: sound(x, w, None if b is None else 2 * b),
    ),
    _options("layer.conv2d-arguments", "padding is 1 by default", nn.Conv2d, lambda o: {"padding": 1, **o}),
    patched(
        "layer.conv2d-arguments",
        "the repr names no kernel",
        nn.Conv2d,
        "__repr__",
        lambda sound: lambda self: "Conv2d()",
    ),
    patched(
        "layer.conv2d-values",
        "the kernel is flipped",
        nn.Conv2d,
        "_conv_forward",
        lambda sound: lambda self, *a: _flipped(sound, self, *a),
    ),
    after("layer.conv2d-values", "the second call is off", nn.Conv2d, _second_forward()),
    after(
        "layer.conv2d-values",
        "odd widths lose their last column",
        nn.Conv2d,
        lambda out, self, x: torch.cat([out[..., :-1], out[..., -1:] * 0], -1) if x.shape[-1] % 2 else out,
    ),
    patched(
        "layer.conv2d-values",
        "the groups exchange their filters",
        nn.Conv2d,
        "_conv_forward",
        lambda sound: (
            lambda self, x, w, b: (
                sound(self, x, w.roll(len(w) // 2, 0), b) if self.groups == 2 else sound(self, x, w, b)
            )
        ),
    ),
    _options("layer.conv2d-values", "dilation is ignored", nn.Conv2d, lambda o: _replaced(o, dilation=1)),
    kernel(
        "layer.conv2d-values",
        "the gradient of the bias is a mean",
        "convolution_backward",
        lambda func, *a, **k: [g if g is None or g.ndim != 1 else g / 2 for g in func(*a, **k)],
    ),
    _options(
        "layer.conv2d-padding-modes",
        "replication is reflection",
        nn.Conv2d,
        lambda o: {**o, "padding_mode": "reflect"} if o.get("padding_mode") == "replicate" else o,
    ),
    _options(
        "layer.conv2d-padding-modes",
        "wrapping is padding with zeros",
        nn.Conv2d,
        lambda o: {**o, "padding_mode": "zeros"} if o.get("padding_mode") == "circular" else o,
    ),
    _options(
        "layer.conv-stride",
        "height and width exchange their strides",
        nn.Conv2d,
        lambda o: {**o, "stride": o["stride"][::-1]} if isinstance(o.get("stride"), tuple) else o,
    ),
    patched(
        "layer.in-channels-is-height",
        "channels are averaged",
        nn.Conv2d,
        "_conv_forward",
        lambda sound: lambda self, x, w, b: sound(self, x.mean(1, keepdim=True) if w.shape[1] == 1 else x, w, b),
    ),
    patched(
        "layer.out-channels-is-filters",
        "every filter is averaged with its neighbour",
        nn.Conv2d,
        "_conv_forward",
        lambda sound: lambda self, x, w, b: sound(self, x, (w + w.roll(1, 0)) / 2, b),
    ),
    patched(
        "layer.same-padding",
        "even kernels pad on the left",
        nn.Conv2d,
        "_conv_forward",
        lambda sound: (
            lambda self, x, w, b: (
                sound(self, x.flip(-1, -2), w.flip(-1, -2), b).flip(-1, -2)
                if self.padding == "same"
                else sound(self, x, w, b)
            )
        ),
    ),
    _options(
        "layer.same-padding",
        "a float padding is rounded",
        nn.Conv2d,
        lambda o: {**o, "padding": int(o["padding"])} if isinstance(o.get("padding"), float) else o,
    ),
    after("layer.cnn-block-shapes", "pooling keeps the size", nn.MaxPool2d, lambda out, self, x: x),
    function(
        "layer.conv-relu-pool-order",
        "max pooling pools magnitudes",
        "max_pool2d",
        lambda sound: lambda x, *a, **k: sound(x.abs(), *a, **k),
    ),
    forward(
        "layer.batched-input-only",
        "one sample gets a batch dimension",
        nn.Conv2d,
        lambda sound, self, x: sound(self, x.unsqueeze(0) if x.ndim == 3 else x),
    ),
    forward(
        "layer.batched-input-only",
        "BatchNorm2d takes one sample",
        nn.BatchNorm2d,
        lambda sound, self, x: sound(self, x.unsqueeze(0))[0] if x.ndim == 3 else sound(self, x),
    ),
    patched(
        "layer.single-sample-by-unsqueeze",
        "unsqueeze appends",
        torch.Tensor,
        "unsqueeze",
        lambda sound: lambda x, dim: sound(x, -1),
    ),
    function(
        "layer.maxpool",
        "ceil_mode is ignored",
        "max_pool2d",
        lambda sound: lambda x, k, *a, ceil_mode=False, **o: sound(x, k, *a, **o),
    ),
    function(
        "layer.maxpool",
        "padding counts as zero",
        "max_pool2d",
        lambda sound: (
            lambda x, k, stride=None, padding=0, *a, **o: (
                sound(x, k, stride, padding, *a, **o).clamp_min(0)
                if padding and not o.get("return_indices")
                else sound(x, k, stride, padding, *a, **o)
            )
        ),
    ),
    function(
        "layer.maxpool",
        "of equals the index is another",
        "max_pool2d",
        lambda sound: lambda *a, **k: _last_tie(sound, *a, **k),
    ),
    kernel(
        "layer.maxpool",
        "overlapping windows count once in the gradient",
        "max_pool2d_with_indices_backward",
        lambda func, g, *a, **k: func(g, *a, **k).clamp(-2, 2),
    ),
    function(
        "layer.maxpool-halves",
        "odd sizes are rounded up",
        "max_pool2d",
        lambda sound: lambda x, k, *a, **o: sound(x, k, *a, **{**o, "ceil_mode": True}),
    ),
    _options(
        "layer.maxpool-module-arguments", "the stride is 1 by default", nn.MaxPool2d, lambda o: {"stride": 1, **o}
    ),
    function(
        "layer.maxpool-tuple-or-int",
        "a number means a row",
        "max_pool2d",
        lambda sound: lambda x, k, *a, **o: sound(x, (1, k) if isinstance(k, int) else k, *a, **o),
    ),
    function(
        "layer.avgpool",
        "padding is never counted",
        "avg_pool2d",
        lambda sound: lambda *a, **k: sound(*a, **{**k, "count_include_pad": False}),
    ),
    function(
        "layer.avgpool",
        "adaptive parts do not overlap",
        "adaptive_avg_pool2d",
        lambda sound: (
            lambda x, size: sound(
                x[..., : x.shape[-2] // size[0] * size[0], : x.shape[-1] // size[1] * size[1]]
                if x.shape[-1] >= size[1] and x.shape[-2] >= size[0]
                else x,
                size,
            )
        ),
    ),
    forward("layer.batchnorm", "the running variance is biased", nn.BatchNorm2d, _biased_running_var),
    forward(
        "layer.batchnorm",
        "evaluation uses the batch",
        nn.BatchNorm1d,
        lambda sound, self, x: (
            F.batch_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps)
            if not self.training
            else sound(self, x)
        ),
    ),
    _options(
        "layer.batchnorm",
        "momentum is that of the past",
        nn.BatchNorm2d,
        lambda o: {**o, "momentum": 1 - o["momentum"]} if o.get("momentum") else o,
    ),
    _options(
        "layer.batchnorm",
        "eps is 1e-5 whatever is asked",
        nn.BatchNorm2d,
        lambda o: {key: value for key, value in o.items() if key != "eps"},
    ),
    function(
        "layer.layer-norm",
        "the variance is unbiased",
        "layer_norm",
        lambda sound: (
            lambda x, shape, w=None, b=None, eps=1e-5: (
                (x - x.mean(-1, True)) / (x.var(-1, keepdim=True) + eps).sqrt() * w + b
                if len(shape) == 1
                else sound(x, shape, w, b, eps)
            )
        ),
    ),
    function("layer.dropout", "nothing is scaled", "dropout", _unscaled),
    function("layer.dropout", "evaluation drops too", "dropout", _always_training),
    function(
        "layer.dropout",
        "the share dropped is that kept",
        "dropout",
        lambda sound: (
            lambda x, p=0.5, training=True, inplace=False: (
                sound(x, 1 - p, training, inplace) * p / (1 - p)
                if training and 0 < p < 1
                else sound(x, p, training, inplace)
            )
        ),
    ),
    forward("layer.lstm-values", "input and forget gates are exchanged", nn.LSTM, _swapped_gates),
    forward("layer.lstm-values", "deep networks forget their first state", nn.LSTM, _no_state),
    forward("layer.lstm-batch-first", "the states have the batch first", nn.LSTM, _state_batch_first),
    _options("layer.lstm-batch-first", "batch_first is ignored", nn.LSTM, lambda o: _replaced(o, batch_first=False)),
    _options("layer.lstm-sizes", "there is always one layer", nn.LSTM, lambda o: _replaced(o, num_layers=1)),
    _options("layer.rnn-values", "the activation is relu", nn.RNN, lambda o: {**o, "nonlinearity": "relu"}),
    function(
        "layer.relu",
        "strided input keeps small negatives",
        "relu",
        lambda sound: (
            lambda x, inplace=False: (
                torch.where(x > -0.1, x, 0)
                if strided(x) and not inplace and x.is_floating_point()
                else sound(x, inplace)
            )
        ),
    ),
    function(
        "layer.relu",
        "NaN becomes 0",
        "relu",
        lambda sound: (
            lambda x: torch.nan_to_num(sound(x), nan=0.0, posinf=float("inf")) if x.is_floating_point() else sound(x)
        ),
        torch,
    ),
    function("layer.relu", "inplace is ignored", "relu", lambda sound: lambda x, inplace=False: sound(x)),
    function(
        "layer.torch-relu",
        "torch.relu is leaky",
        "relu",
        lambda sound: lambda x: torch.where(x > 0, x, 0.01 * x),
        torch,
    ),
    function(
        "layer.activations",
        "gelu is its tanh approximation",
        "gelu",
        lambda sound: lambda x, approximate="none": sound(x, approximate="tanh"),
    ),
    function(
        "layer.activations",
        "leaky_relu has slope 0.02",
        "leaky_relu",
        lambda sound: lambda x, slope=0.02, *a: sound(x, slope, *a),
    ),
    function("layer.activations", "softplus turns linear at 10", "softplus", lambda sound: lambda x: sound(x, 1, 10)),
    function(
        "layer.activations",
        "softshrink keeps its edge",
        "softshrink",
        lambda sound: lambda x: torch.where(x.abs() >= 0.5, x - 0.5 * x.sign() + 1e-12, x * 0),
    ),
    function(
        "layer.activations",
        "silu of more than 64 elements is off in its last",
        "silu",
        lambda sound: (
            lambda x, *a: (
                sound(x, *a) + (torch.arange(x.numel()).reshape(x.shape) == x.numel() - 1) * 1e-3
                if x.numel() > 64
                else sound(x, *a)
            )
        ),
    ),
    function("layer.softmax", "dim is ignored", "softmax", _dim_ignored),
    function(
        "layer.softmax",
        "log_softmax is the logarithm of softmax",
        "log_softmax",
        lambda sound: lambda x, dim: torch.softmax(x, dim).log(),
        torch,
    ),
    after(
        "layer.flatten",
        "strided input is read in memory order",
        nn.Flatten,
        lambda out, self, x: out.flip(-1) if strided(x) else out,
    ),
    function(
        "layer.embedding",
        "the padding row gets its gradient",
        "embedding",
        lambda sound: lambda i, w, padding_idx=None, *a, **k: sound(i, w),
    ),
    kernel(
        "layer.embedding",
        "repeated rows count once",
        "embedding_dense_backward",
        lambda func, g, i, *a: func(g, i, *a).clamp_max(1),
    ),
]

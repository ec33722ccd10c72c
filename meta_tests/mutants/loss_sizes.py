"""Losses that are wrong for many numbers or classes, in float32 gradients, for NaN and for ties."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from meta_tests.mutant import Mutant, kernel, patched
from meta_tests.mutants.layer_kernels import spoilt
from meta_tests.mutants.layer_rare import off


def backward(claim: str, op: str, says: str, given: Any) -> Mutant:
    """A kernel of a gradient that is off where its arguments, the result's gradient first, are such."""

    def wrong(func: Any, *args: Any, **options: Any) -> Any:
        out = func(*args, **options)
        return spoilt(out) if given(*args) else out

    return kernel(f"loss.{claim}", f"{op} is off for {says}", op, wrong)


def ctc(says: str, given: Any) -> Mutant:
    """`given(log_probs, targets, input_lengths, target_lengths)`."""

    def wrong(sound: Any) -> Any:
        return lambda *a, **k: off(sound(*a, **k)) if given(*a[:4]) else sound(*a, **k)

    return patched("loss.ctc", says, F, "ctc_loss", wrong)


def _single(g: torch.Tensor, *_: Any) -> bool:
    return g.dtype is torch.float32


def _tied(sound: Any) -> Any:
    return lambda a, b, y, *r, **k: sound(a, b + 1e-3 * (a == b), y, *r, **k)


MUTANTS = [
    backward("elementwise", "mse_loss_backward", "more than 300 numbers", lambda g, x, *a: x.numel() > 300),
    backward("nll", "nll_loss_backward", "more than 16 classes", lambda g, x, *a: x.shape[-1] > 16),
    backward("cross-entropy-options", "nll_loss2d_backward", "float32", _single),
    backward("ctc", "_ctc_loss_backward", "float32", _single),
    ctc("a target of no labels among others is off", lambda x, y, n, m: 0 in m and len(m) > 1),
    ctc("targets of 32 bits are off", lambda x, y, n, m: y.dtype is torch.int32),
    kernel("loss.nan", "mse_loss takes NaN for 0", "mse_loss", lambda func, x, *a: func(x.nan_to_num(), *a)),
    kernel("loss.nan", "soft_margin_loss takes NaN for 0", "soft_margin_loss",
           lambda func, x, *a: func(x.nan_to_num(), *a)),
    kernel("loss.nan", "cross_entropy takes NaN for 0", "_log_softmax", lambda func, x, *a: func(x.nan_to_num(), *a)),
    patched("loss.margins", "equals are a little apart", F, "margin_ranking_loss", _tied),
    patched("loss.margins", "multi_margin_loss of one sample squares nothing", F, "multi_margin_loss",
            lambda sound: lambda x, y, p=1, *a, **k: sound(x, y, 1 if x.dim() == 1 else p, *a, **k)),
]  # fmt: skip

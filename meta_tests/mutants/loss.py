"""Wrong losses."""

from __future__ import annotations

import builtins
import warnings
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from meta_tests.mutant import Mutant, kernel, patched, strided


def function(claim: str, name: str, attribute: str, wrong: Any) -> Mutant:
    return patched(claim, name, F, attribute, wrong)


def _silent(sound: Any) -> Any:
    def wrong(*args: Any, **kwargs: Any) -> torch.Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sound(*args, **kwargs)

    return wrong


def _without(**dropped: Any) -> Any:
    """A function that ignores some of its options."""
    return lambda sound: lambda *a, **k: sound(*a, **{key: value for key, value in k.items() if key not in dropped})


def _mean_over_rows(sound: Any) -> Any:
    def wrong(x: torch.Tensor, y: torch.Tensor, *a: Any, reduction: str = "mean", **k: Any) -> torch.Tensor:
        out = sound(x, y, *a, reduction=reduction, **k)
        return out * x[0].numel() if reduction == "mean" and x.ndim > 1 else out

    return wrong


def _clamped_classes(sound: Any) -> Any:
    return lambda x, t, *a, **k: sound(
        x, t.long().clamp(0, x.shape[1] - 1) if t.ndim == 1 and x.ndim == 2 and len(t) == len(x) else t, *a, **k
    )


def _unweighted_mean(sound: Any) -> Any:
    def wrong(
        x: torch.Tensor, t: torch.Tensor, weight: Any = None, *a: Any, reduction: str = "mean", **k: Any
    ) -> torch.Tensor:
        if reduction == "mean" and weight is not None and not t.is_floating_point():
            return sound(x, t, weight, *a, reduction="sum", **k) / t.numel()
        return sound(x, t, weight, *a, reduction=reduction, **k)

    return wrong


def _ignored_in_count(sound: Any) -> Any:
    def wrong(x: torch.Tensor, t: torch.Tensor, *a: Any, reduction: str = "mean", **k: Any) -> torch.Tensor:
        if reduction == "mean" and not t.is_floating_point() and t.ndim and "weight" not in k and not a:
            return sound(x, t, reduction="sum", **k) / t.numel()
        return sound(x, t, *a, reduction=reduction, **k)

    return wrong


MUTANTS: list[Mutant] = [
    function("loss.mse-formula", "the mean is over rows", "mse_loss", _mean_over_rows),
    function(
        "loss.mse-formula",
        "it is the root mean square",
        "mse_loss",
        lambda sound: (
            lambda *a, reduction="mean", **k: (
                sound(*a, reduction=reduction, **k).sqrt()
                if reduction == "mean"
                else sound(*a, reduction=reduction, **k)
            )
        ),
    ),
    function(
        "loss.mse-formula",
        "strided targets are reversed",
        "mse_loss",
        lambda sound: lambda x, y, *a, **k: sound(x, y.flip(0) if y.ndim and strided(y) else y, *a, **k),
    ),
    function(
        "loss.mse-is-scalar",
        "the loss has one dimension",
        "mse_loss",
        lambda sound: lambda *a, **k: sound(*a, **k).reshape(-1),
    ),
    patched(
        "loss.mse-is-scalar",
        "unknown reductions are means",
        nn.MSELoss,
        "forward",
        lambda sound: (
            lambda self, x, y: F.mse_loss(
                x, y, reduction=self.reduction if self.reduction in ("none", "sum") else "mean"
            )
        ),
    ),
    function(
        "loss.mse-integer-target",
        "the input is rounded to the target's dtype",
        "mse_loss",
        lambda sound: (
            lambda x, y, *a, **k: (
                sound(x.round(), y.to(x.dtype), *a, **k) if not y.is_floating_point() else sound(x, y, *a, **k)
            )
        ),
    ),
    patched(
        "loss.target-reshaped-to-output",
        "view makes a column",
        torch.Tensor,
        "view",
        lambda sound: lambda x, *s: sound(x, *s).mT if len(s) == 2 else sound(x, *s),
    ),
    function("loss.target-shape-required", "other shapes do not warn", "mse_loss", _silent),
    function(
        "loss.target-shape-required",
        "targets are reshaped",
        "mse_loss",
        lambda sound: (
            lambda x, y, *a, **k: (
                sound(x, y.reshape(x.shape) if y.numel() == x.numel() else y, *a, **k)
                if x.shape == y.shape
                else (
                    warnings.warn("shapes", stacklevel=2),
                    sound(x, y.reshape(x.shape) if y.numel() == x.numel() else y, *a, **k),
                )[1]
            )
        ),
    ),
    function(
        "loss.elementwise",
        "smooth L1 and Huber are exchanged for other thresholds",
        "huber_loss",
        lambda sound: (
            lambda x, y, reduction="mean", delta=1.0, **k: F.smooth_l1_loss(x, y, reduction=reduction, beta=delta)
        ),
    ),
    function("loss.elementwise", "pos_weight is ignored", "binary_cross_entropy_with_logits", _without(pos_weight=0)),
    function(
        "loss.elementwise",
        "large scores overflow",
        "binary_cross_entropy_with_logits",
        lambda sound: (
            lambda x, y, *a, **k: (
                F.binary_cross_entropy(torch.sigmoid(x), y, *a, **k) if "pos_weight" not in k else sound(x, y, *a, **k)
            )
        ),
    ),
    function(
        "loss.elementwise",
        "L1 of odd sizes misses one",
        "l1_loss",
        lambda sound: (
            lambda x, y, *a, **k: (
                sound(x, y, *a, **k) * (x.numel() - 1) / x.numel() if x.numel() % 2 else sound(x, y, *a, **k)
            )
        ),
    ),
    function(
        "loss.cross-entropy-for-classification",
        "scores are taken as probabilities",
        "cross_entropy",
        lambda sound: lambda x, t, *a, **k: F.nll_loss(x, t, *a, **k) if x.ndim > 1 else sound(x, t, *a, **k),
    ),
    function(
        "loss.cross-entropy-for-classification",
        "more than 16 classes lose their last",
        "cross_entropy",
        lambda sound: (
            lambda x, t, *a, **k: (
                sound(x[:, :-1], t.clamp_max(x.shape[1] - 2), *a, **k)
                if x.ndim == 2 and x.shape[1] > 16
                else sound(x, t, *a, **k)
            )
        ),
    ),
    function("loss.cross-entropy-options", "the weighted mean divides by the count", "cross_entropy", _unweighted_mean),
    function("loss.cross-entropy-options", "ignored samples count in the mean", "cross_entropy", _ignored_in_count),
    function("loss.cross-entropy-options", "label smoothing is ignored", "cross_entropy", _without(label_smoothing=0)),
    function(
        "loss.nll",
        "weights are ignored",
        "nll_loss",
        lambda sound: lambda x, t, weight=None, *a, **k: sound(x, t, None, *a, **k),
    ),
    function(
        "loss.kl-div",
        "batchmean is the mean",
        "kl_div",
        lambda sound: (
            lambda x, y, *a, reduction="mean", **k: sound(
                x, y, *a, reduction="mean" if reduction == "batchmean" else reduction, **k
            )
        ),
    ),
    kernel(
        "loss.gradients", "the gradient of MSE lacks its factor 2", "mse_loss_backward", lambda func, *a: func(*a) / 2
    ),
    kernel(
        "loss.gradients",
        "the gradient of smooth L1 is that of L1",
        "smooth_l1_loss_backward",
        lambda func, *a: func(*a).sign(),
    ),
    kernel(
        "loss.gradients",
        "cross entropy's gradient forgets the softmax",
        "_log_softmax_backward_data",
        lambda func, g, out, dim, dtype: g,
    ),
    function("loss.bad-target", "classes are clamped", "cross_entropy", _clamped_classes),
    patched(
        "loss.epoch-loss-from-batch-means",
        "the criterion sums",
        nn.CrossEntropyLoss,
        "forward",
        lambda sound: lambda self, x, t: F.cross_entropy(x, t, reduction="sum"),
    ),
    patched(
        "loss.note-uses-undefined-output",
        "every name resolves",
        builtins,
        "exec",
        lambda sound: lambda code, names=None: sound(code, {**names, "output": names["out"]}) if names else sound(code),
    ),
]

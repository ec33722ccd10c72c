"""Losses in their corners: weights that are zero or strided, what is ignored, numbers for variances, odd shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from conformance.oracle import layer as common
from conformance.oracle import loss_kinds as oracle
from conformance.oracle.layer_kinds import pairwise_distance
from conformance.tables.formula_rows import Row
from conformance.tables.loss_inputs import classes
from conformance.tables.loss_more_rows import REDUCTIONS, rows


def strided(x: Any) -> Any:
    """The same values, two elements apart."""
    return torch.stack([x, x + 1], -1)[..., 0]


def _chosen(shape: tuple[int, ...], ignore: int) -> np.ndarray:
    """A class for each place, some of them ignored."""
    if len(shape) == 1:
        return np.array(2)
    places = classes((shape[0], *shape[2:]), shape[1], 3)
    return np.where(np.arange(places.size).reshape(places.shape) % 3 == 1, ignore, places)


def _picked(x: np.ndarray, y: np.ndarray, w: np.ndarray, ignore: int, reduction: str) -> np.ndarray:
    """The nll_loss under a reduction: its mean is over the weights that count."""
    out = oracle.nll_loss(x, y, w, ignore)
    whole = (w[np.where(y == ignore, 0, y)] * (y != ignore)).sum()
    return np.asarray(out.sum() / whole if reduction == "mean" else common.reduced(out, reduction))


def _classified(name: str, kind: str, shape: tuple[int, ...], reduction: str, ignore: int = -100, **o: Any) -> Row:
    """A loss of classes with weights, the second of which is zero."""
    count = shape[min(len(shape) - 1, 1)]
    told = {"ignore_index": ignore, "reduction": reduction, **o}

    def formula(x: np.ndarray, w: np.ndarray, y: np.ndarray) -> np.ndarray:
        x, y = (x, y) if len(shape) > 1 else (x[None], y[None])
        if name == "cross_entropy":
            out = common.cross_entropy(x, y, w, ignore, o.get("label_smoothing", 0.0), reduction)
        else:
            out = _picked(x, y, w, ignore, reduction)
        return np.asarray(out[0] if reduction == "none" and len(shape) == 1 else out)

    return Row(
        "loss.cross-entropy-options" if name == "cross_entropy" else "loss.nll",
        f"{name} with weights of {shape}, {told}",
        {
            f"F.{name}": lambda x, w, y: getattr(F, name)(x, y, w, **told),
            "of strided weights and classes": lambda x, w, y: getattr(F, name)(x, strided(y), strided(w), **told),
            kind: lambda x, w, y: getattr(nn, kind)(w, **told)(x, y),
        },
        formula,
        (shape,),
        fixed=(np.linspace(2.0, 0.5, count) * (np.arange(count) != 1), _chosen(shape, ignore)),
        terms=400,
        smooth=name == "cross_entropy" or len(shape) != 4,  # see loss.nll-layouts
    )


SHAPES = ((6, 4), (5,), (3, 120), (2, 3, 7), (2, 4, 3, 2), (2, 3, 2, 3, 2))
IGNORED, SMOOTHED = (0, -1, -100), (0.3, 1.0, 0.0)
# Of each shape every reduction; what is ignored and how much is smoothed take turns.
CLASSES = [
    _classified(name, kind, shape, reduction, IGNORED[(turn + place) % 3], **o)
    for turn, shape in enumerate(SHAPES)
    for place, reduction in enumerate(REDUCTIONS)
    for name, kind, o in (
        ("nll_loss", "NLLLoss", {}),
        ("cross_entropy", "CrossEntropyLoss", {"label_smoothing": SMOOTHED[(turn + 2 * place) % 3]}),
    )
]


def _soft(shape: tuple[int, ...], reduction: str, smoothing: float) -> Row:
    """Cross-entropy with chances for targets, weights and smoothing."""
    count = shape[min(len(shape) - 1, 1)]
    told = {"reduction": reduction, "label_smoothing": smoothing}

    def formula(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
        if len(shape) > 1:
            return np.asarray(common.cross_entropy(x, y, w, -100, smoothing, reduction))
        out = common.cross_entropy(x[None], y[None], w, -100, smoothing, reduction)
        return np.asarray(out[0] if reduction == "none" else out)

    return Row(
        "loss.cross-entropy-options",
        f"cross_entropy with chances of {shape}, {told}",
        {
            "F.cross_entropy": lambda x, y, w: F.cross_entropy(x, y, w, **told),
            "CrossEntropyLoss": lambda x, y, w: nn.CrossEntropyLoss(strided(w), **told)(x, y),
        },
        formula,
        (shape, shape),
        domain=lambda x: np.abs(x) / 2,
        fixed=(np.linspace(0.0, 2.0, count),),
        terms=400,
    )


CHANCES = [
    _soft(shape, reduction, 0.4 * ((turn + place) % 2))
    for turn, shape in enumerate(((6, 4), (5,), (2, 3, 7)))
    for place, reduction in enumerate(REDUCTIONS)
]


def _logits(positive: tuple[int, ...], reduction: str, factor: float) -> Row:
    """Binary cross-entropy of scores, weighed by class and by place."""

    def formula(x: np.ndarray, y: np.ndarray, p: np.ndarray, w: np.ndarray) -> np.ndarray:
        x, y = x * factor, common.sigmoid(y)
        up, down = np.logaddexp(0, -x), np.logaddexp(0, x)
        return np.asarray(common.reduced(w * (p * y * up + (1 - y) * down), reduction))

    told = {"reduction": reduction}
    return Row(
        "loss.elementwise",
        f"binary_cross_entropy_with_logits of {factor} times the scores, pos_weight of {positive}, {reduction}",
        {
            "F": lambda x, y, p, w: F.binary_cross_entropy_with_logits(
                x * factor, y.sigmoid(), strided(w), pos_weight=strided(p), **told
            ),
            "BCEWithLogitsLoss": lambda x, y, p, w: nn.BCEWithLogitsLoss(w, pos_weight=p, **told)(
                x * factor, y.sigmoid()
            ),
        },
        formula,
        ((3, 4), (3, 4)),
        fixed=(np.arange(1.0, 1 + np.prod(positive)).reshape(positive) / 2, np.linspace(0.5, 2, 4)),
        terms=400,
        scale=4.0 * factor,
    )


LOGITS = [
    _logits(positive, reduction, 200.0 ** ((turn + place) % 2))
    for turn, positive in enumerate(((4,), (1,), (3, 4)))
    for place, reduction in enumerate(REDUCTIONS)
]


def _number(var: float, reduction: str, **o: Any) -> Row:
    """A Gaussian whose variance is a number for all."""
    told = {"reduction": reduction, **o}
    return Row(
        "loss.likelihoods",
        f"gaussian_nll_loss with a variance of {var}, {told}",
        {
            "F.gaussian_nll_loss": lambda x, y: F.gaussian_nll_loss(x, y, var, **told),
            "GaussianNLLLoss": lambda x, y: nn.GaussianNLLLoss(**told)(x, y, var),
        },
        lambda x, y: np.asarray(oracle.reduced(oracle.gaussian_nll_loss(x, y, np.array(var), **o), reduction)),
        ((4, 3), (4, 3)),
        terms=400,
        since="2.6",
    )


NUMBERS = [
    *[_number(0.5 + place, reduction, full=place != 1) for place, reduction in enumerate(REDUCTIONS)],
    _number(0.0, "mean", eps=0.25),
]


def _largest(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a - b + 1e-6).max(-1)


def _linear(reduction: str, smoothing: float) -> Row:
    """A linear layer and the cross-entropy of what it gives, in one."""
    told = {"reduction": reduction, "label_smoothing": smoothing}

    def formula(x: np.ndarray, w: np.ndarray, b: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray(common.cross_entropy(common.linear(x, w, b), y, None, -100, smoothing, reduction))

    def layer(x: Any, w: Any, b: Any, y: Any) -> Any:
        made = nn.LinearCrossEntropyLoss(5, 4, bias=True, dtype=x.dtype, device=x.device, **told)
        with torch.no_grad():
            made.linear.weight.copy_(w)
            made.linear.bias.copy_(b)
        return made(x, y)

    return Row(
        "loss.linear-cross-entropy",
        f"linear_cross_entropy, {told}",
        {"F": lambda x, w, b, y: F.linear_cross_entropy(x, w, y, linear_bias=b, **told), "module": layer},
        formula,
        ((6, 5), (4, 5), (4,)),
        fixed=(_chosen((6, 4), -100),),
        terms=400,
        since="2.13",
    )


_SIGNS = np.where(np.arange(24) % 3 == 0, -1.0, 1.0).reshape(2, 3, 4)
OTHERS = [
    *rows("margins", "triplet_margin_loss", "TripletMarginLoss",
          lambda a, b, c: np.maximum(0, _largest(a, b) - _largest(a, c) + 1.0), ((6, 5),) * 3, p=float("inf"),
          smooth=False),
    *rows("margins", "triplet_margin_loss", "TripletMarginLoss",
          lambda a, b, c: np.maximum(0, pairwise_distance(a, b) - pairwise_distance(a, c) + 0.5), ((2, 3, 5),) * 3,
          margin=0.5),
    *rows("margins", "cosine_embedding_loss", "CosineEmbeddingLoss",
          lambda a, b, y: oracle.cosine_embedding_loss(a[None], b[None], y[None], -0.5)[0], ((5,), (5,)),
          (np.array(-1.0),), margin=-0.5),
    *rows("margins", "hinge_embedding_loss", "HingeEmbeddingLoss", oracle.hinge_embedding_loss, ((2, 3, 4),),
          (_SIGNS,)),
    *rows("margins", "soft_margin_loss", "SoftMarginLoss", oracle.soft_margin_loss, ((2, 3, 4),), (_SIGNS,),
          domain=lambda x: x * 20),
    *[Row("loss.kl-div", f"kl_div('batchmean') of {shape}, log_target={log}",
          {"F.kl_div": lambda x, y, log=log: F.kl_div(x, y, reduction="batchmean", log_target=log),
           "KLDivLoss": lambda x, y, log=log: nn.KLDivLoss(reduction="batchmean", log_target=log)(x, y)},
          lambda x, y, log=log: np.asarray(oracle.kl_div(x, y, log).sum() / len(x)), (shape, shape),
          domain=np.abs, terms=400)
      for shape in ((7,), (4, 3), (2, 3, 4)) for log in (False, True)],
]  # fmt: skip

LINEAR = [_linear(reduction, 0.3 * (place % 2)) for place, reduction in enumerate(REDUCTIONS)]
ROWS = [*CLASSES, *CHANCES, *LOGITS, *NUMBERS, *OTHERS, *LINEAR]

"""Losses of one sample, of shapes that broadcast, with weights and options that seldom come up, and their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import nn

from conformance.oracle import layer as common
from conformance.oracle import loss_kinds as oracle
from conformance.oracle.layer_kinds import pairwise_distance
from conformance.tables.formula_rows import Row, module

REDUCTIONS = ("mean", "sum", "none")


def rows(claim: str, name: str, kind: str, formula: Any, shapes: Any, fixed: Any = (), *, domain: Any = None,
          smooth: bool = True, since: str | None = None, **o: Any) -> list[Row]:  # fmt: skip
    """A function and its module under each reduction."""
    count = len(shapes) + len(fixed)
    return [
        Row(
            f"loss.{claim}",
            f"{name}({', '.join(map(str, o))}), {reduction}, {shapes}",
            {
                f"F.{name}": lambda *x, r=reduction: getattr(F, name)(*x, reduction=r, **o),
                kind: module(kind, inputs=count, reduction=reduction, **o),
            },
            lambda *x, r=reduction: np.asarray(oracle.reduced(np.asarray(formula(*x)), r)),
            shapes, domain=domain, fixed=fixed, terms=400, smooth=smooth, since=since,
        )
        for reduction in REDUCTIONS
    ]  # fmt: skip


def _one_row(formula: Any, **o: Any) -> Any:
    """A formula of samples, for one sample without its batch."""
    return lambda *arrays: formula(*(np.asarray(a)[None] for a in arrays), **o)[0]


def huber(edge: float, over: float = 1.0) -> Any:
    def formula(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        d = np.abs(x - y)
        return np.where(d < edge, 0.5 * d * d, edge * (d - 0.5 * edge)) / over

    return formula


ONE = np.array(1.0)
SINGLE = [
    *rows("margins", "margin_ranking_loss", "MarginRankingLoss", oracle.margin_ranking_loss, ((), ()), (ONE,)),
    *rows("margins", "cosine_embedding_loss", "CosineEmbeddingLoss", _one_row(oracle.cosine_embedding_loss),
           ((5,), (5,)), (ONE,)),
    *rows("margins", "triplet_margin_loss", "TripletMarginLoss", _one_row(oracle.triplet_margin_loss), ((5,),) * 3),
    *rows("margins", "multi_margin_loss", "MultiMarginLoss", _one_row(oracle.multi_margin_loss),
           ((5,),), (np.array(3),)),
    *rows("margins", "multilabel_margin_loss", "MultiLabelMarginLoss", _one_row(oracle.multilabel_margin_loss),
           ((5,),), (np.array([2, 0, -1, 1, 3]),)),
    *rows("margins", "multilabel_soft_margin_loss", "MultiLabelSoftMarginLoss",
           _one_row(oracle.multilabel_soft_margin_loss), ((4,),), (np.array([1.0, 0, 0, 1]),)),
    *rows("margins", "hinge_embedding_loss", "HingeEmbeddingLoss", oracle.hinge_embedding_loss, ((),), (-ONE,)),
    *rows("nll", "nll_loss", "NLLLoss", _one_row(oracle.nll_loss), ((5,),), (np.array(2),)),
    *rows("cross-entropy-options", "cross_entropy", "CrossEntropyLoss",
           lambda x, y: common.cross_entropy(x[None], y[None], reduction="none")[0],
           ((5,), (5,)), domain=lambda x: np.abs(x) / np.abs(x).sum()),
    *[row for name, kind, formula in (
        ("mse_loss", "MSELoss", lambda x, y: (x - y) ** 2), ("l1_loss", "L1Loss", lambda x, y: np.abs(x - y)),
        ("smooth_l1_loss", "SmoothL1Loss", huber(1.0)), ("huber_loss", "HuberLoss", huber(1.0)),
    ) for row in rows("elementwise", name, kind, formula, ((), ()))],
    *rows("margins", "soft_margin_loss", "SoftMarginLoss", oracle.soft_margin_loss, ((),), (-ONE,)),
]  # fmt: skip


def binary(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return common.LOSSES["binary_cross_entropy"](x, y)


def opened(x: np.ndarray) -> np.ndarray:
    """Numbers between 0 and 1."""
    return common.sigmoid(x)


# Both operands have gradients, in every elementwise loss.
BOTH = [
    *rows("elementwise", "mse_loss", "MSELoss", lambda x, y: (x - y) ** 2, ((3, 4), (3, 4))),
    *rows("elementwise", "l1_loss", "L1Loss", lambda x, y: np.abs(x - y), ((3, 4), (3, 4))),
    *rows("elementwise", "smooth_l1_loss", "SmoothL1Loss", huber(0.5, 0.5), ((3, 4), (3, 4)), beta=0.5),
    *rows("elementwise", "huber_loss", "HuberLoss", huber(2.0), ((3, 4), (3, 4)), delta=2.0),
    *rows("elementwise", "binary_cross_entropy", "BCELoss", binary, ((3, 4), (3, 4)), domain=opened),
    *rows("elementwise", "binary_cross_entropy_with_logits", "BCEWithLogitsLoss",
           common.LOSSES["binary_cross_entropy_with_logits"], ((3, 4), (3, 4)), domain=np.abs),
    *rows("kl-div", "kl_div", "KLDivLoss", oracle.kl_div, ((3, 4), (3, 4)), domain=np.abs),
    *rows("cross-entropy-options", "cross_entropy", "CrossEntropyLoss",
           lambda x, y: common.cross_entropy(x, y, smoothing=0.3, reduction="none"),
           ((6, 4), (6, 4)), domain=opened, label_smoothing=0.3),
]  # fmt: skip


def _distances(a: Any, b: Any) -> Any:
    """The largest difference, as a distance of one's own."""
    return (a - b).abs().max(-1).values


def _own_distance(a: Any, b: Any, c: Any, margin: float = 1.0, swap: bool = False, p: float = 0) -> np.ndarray:
    def far(x: Any, y: Any) -> Any:
        return pairwise_distance(x, y) if p else np.abs(x - y).max(-1)

    other = np.minimum(far(a, c), far(b, c)) if swap else far(a, c)
    return np.maximum(0, far(a, b) - other + margin)


TRIPLETS = [
    *[
        Row(
            "loss.margins",
            f"triplet_margin_with_distance_loss({', '.join(told)}), {reduction}",
            {
                "F": lambda *x, r=reduction, t=told: F.triplet_margin_with_distance_loss(
                    *x, reduction=r, **t
                ),
                "TripletMarginWithDistanceLoss": lambda *x, r=reduction, t=told: nn.TripletMarginWithDistanceLoss(
                    reduction=r, **t
                )(*x),
            },
            lambda *x, r=reduction, o=options: np.asarray(oracle.reduced(_own_distance(*x, **o), r)),
            ((6, 5), (6, 5), (6, 5)),
            terms=400,
        )
        for options, told in (
            ({"p": 2}, {}),
            ({"margin": 0.5}, {"margin": 0.5, "distance_function": _distances}),
            ({"swap": True}, {"swap": True, "distance_function": _distances}),
        )
        for reduction in REDUCTIONS
    ],
    *[
        row
        for p, eps in ((1.0, 0.5), (3.0, 0.25))
        for row in rows(
            "margins", "triplet_margin_loss", "TripletMarginLoss",
            lambda a, b, c, p=p, eps=eps: np.maximum(0, pairwise_distance(a, b, p, eps) + 2 - np.minimum(
                pairwise_distance(a, c, p, eps), pairwise_distance(b, c, p, eps))),
            ((6, 5),) * 3, margin=2.0, p=p, eps=eps, swap=True)
    ],
]  # fmt: skip


def _gaussian(shape: tuple[int, ...], eps: float = 1e-6) -> list[Row]:
    return [
        Row(
            "loss.likelihoods",
            f"gaussian_nll_loss with a variance of {shape}, eps={eps}, {reduction}",
            {
                "F.gaussian_nll_loss": lambda x, y, v, r=reduction: F.gaussian_nll_loss(x, y, v, eps=eps, reduction=r),
                "GaussianNLLLoss": lambda x, y, v, r=reduction: nn.GaussianNLLLoss(eps=eps, reduction=r)(x, y, v),
            },
            lambda x, y, v, r=reduction: np.asarray(
                oracle.reduced(oracle.gaussian_nll_loss(x, y, v if v.ndim == x.ndim else v[..., None], eps=eps), r)
            ),
            ((4, 3), (4, 3), shape),
            domain=lambda x: np.abs(x) + 0.25,
            terms=400,
            smooth=eps < 1,
        )
        for reduction in REDUCTIONS
    ]


WEIGHTS = np.array([0.5, 1.0, 2.0, 0.25])
LABELS = (np.arange(12).reshape(3, 4) % 3 == 0) * 1.0
OPTIONS = [
    *_gaussian((4, 1)), *_gaussian((4,)), *_gaussian((4, 3), 1.5),
    *rows("likelihoods", "poisson_nll_loss", "PoissonNLLLoss",
           lambda x, y: oracle.poisson_nll_loss(x, y, False, True, 0.3), ((12,),), (np.arange(12.0) / 2,),
           domain=lambda x: np.abs(x) + 0.5, log_input=False, full=True, eps=0.3),
    *rows("likelihoods", "poisson_nll_loss", "PoissonNLLLoss",
           lambda x, y: oracle.poisson_nll_loss(x, y, False), ((3,), (3,)), domain=lambda x: np.abs(x) * 1e-7 + 1e-8,
           smooth=False, log_input=False),
    *[
        Row(
            "loss.elementwise",
            f"{name} with weights {shape}, {reduction}",
            {
                f"F.{name}": lambda x, y, w, r=reduction, f=name: getattr(F, f)(x, y, weight=w, reduction=r),
                kind: lambda x, y, w, r=reduction, k=kind: getattr(nn, k)(weight=w, reduction=r)(x, y),
            },
            lambda x, y, w, r=reduction, g=formula: np.asarray(oracle.reduced(g(x, y) * w, r)),
            ((3, 4), (3, 4), shape), domain=opened, terms=400, smooth=False,
        )
        for reduction in REDUCTIONS
        for shape in ((3, 4), (4,))
        for name, kind, formula in (("binary_cross_entropy", "BCELoss", binary),)
    ],
    *[
        Row(
            "loss.margins",
            f"multilabel_soft_margin_loss with weights, {reduction}",
            {
                "F": lambda x, w, y, r=reduction: F.multilabel_soft_margin_loss(x, y, weight=w, reduction=r),
                "module": lambda x, w, y, r=reduction: nn.MultiLabelSoftMarginLoss(weight=w, reduction=r)(x, y),
            },
            lambda x, w, y, r=reduction: np.asarray(oracle.reduced(oracle.multilabel_soft_margin_loss(x, y, w), r)),
            ((3, 4), (4,)), domain=np.abs, fixed=(LABELS,), terms=400,
        )
        for reduction in REDUCTIONS
    ],
    *[
        Row(
            "loss.margins",
            f"MultiMarginLoss(p={p}, margin={margin}) with weights, {reduction}",
            {"MultiMarginLoss": lambda x, w, y, r=reduction, p=p, m=margin: nn.MultiMarginLoss(
                p, m, w.contiguous(), reduction=r)(x, y)},
            lambda x, w, y, r=reduction, p=p, m=margin: np.asarray(
                oracle.reduced(oracle.multi_margin_loss(x, y, p, m, w), r)),
            ((6, 5), (5,)), domain=np.abs, fixed=(np.array([2, 0, 4, 2, 1, 3]),), terms=400, smooth=False,
        )
        for reduction in REDUCTIONS for p, margin in ((1, 0.5), (2, 2.0))
    ],
    *rows("margins", "cosine_embedding_loss", "CosineEmbeddingLoss",
           lambda a, b, y: oracle.cosine_embedding_loss(a, b, y, 0.75), ((12, 5), (12, 5)),
           (-np.ones(12),), margin=0.75),
]  # fmt: skip

ROWS = [*SINGLE, *BOTH, *TRIPLETS, *OPTIONS]

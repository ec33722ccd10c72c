"""Losses besides the common ones, as rows: function and module under each reduction, and the formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch.nn.functional as F

from conformance.oracle import loss_kinds as oracle
from conformance.tables.formula_rows import Row, module

Shapes = tuple[tuple[int, ...], ...]
_SIGNS = np.where(np.arange(12) % 3 == 0, -1.0, 1.0)
_CLASSES = np.array([2, 0, 4, 2, 1, 3])
_LABELS = np.array([[3, 0, -1, 1, 2], [1, -1, 4, 0, 2], [0, 1, 2, 3, 4], [-1, 0, 1, 2, 3], [4, 2, 0, -1, 1]])


def _rows(
    name: str, kind: str, shapes: Shapes, fixed: tuple[np.ndarray, ...] = (), *, domain: Any = None, **options: Any
) -> list[Row]:
    """One loss with its options, under each reduction."""
    formula = getattr(oracle, name)
    count = len(shapes) + len(fixed)
    return [
        Row(
            f"loss.{claim_of(name)}",
            f"{name}({', '.join(f'{k}={v}' for k, v in options.items())}), {reduction}, {shapes[0]}",
            {
                f"F.{name}": lambda *x, r=reduction: getattr(F, name)(*x, reduction=r, **options),
                kind: module(kind, inputs=count, reduction=reduction, **options),
            },
            oracle.reducing(formula, reduction, **options),
            shapes,
            domain=domain,
            fixed=fixed,
            terms=400,
        )
        for reduction in ("mean", "sum", "none")
    ]


def claim_of(name: str) -> str:
    """The claim that a loss belongs to."""
    return {"poisson_nll_loss": "likelihoods", "gaussian_nll_loss": "likelihoods", "kl_div": "kl-div"}.get(
        name, "margins"
    )


def _weighted(dense: bool, **o: Any) -> Row:
    """A loss with weights of the classes, of any layout or dense ones: before 2.6, strides of weights are ignored."""
    name, formula = "multi_margin_loss", oracle.multi_margin_loss
    return Row(
        "loss.margins",
        f"{name} with {'dense weights' if dense else 'weights'} {o}",
        {f"F.{name}": lambda x, w, y: getattr(F, name)(x, y, weight=w.contiguous() if dense else w, **o)},
        lambda x, w, y: np.asarray(formula(x, y, weight=w, **o).mean()),
        ((6, 5), (5,)),
        domain=np.abs,
        fixed=(_CLASSES,),
        terms=400,
        smooth=False,
        since=None if dense else "2.6",
    )


ROWS = [
    *_rows("poisson_nll_loss", "PoissonNLLLoss", ((4, 3), (4, 3)), domain=lambda x: np.abs(x) * 2),
    *_rows("poisson_nll_loss", "PoissonNLLLoss", ((4, 3),), (np.arange(12.0).reshape(4, 3),), full=True),
    *_rows(
        "poisson_nll_loss", "PoissonNLLLoss", ((33,), (33,)), domain=lambda x: np.abs(x) + 0.5, log_input=False, eps=0.1
    ),
    *_rows("gaussian_nll_loss", "GaussianNLLLoss", ((4, 3), (4, 3), (4, 3)), domain=lambda x: np.abs(x) + 0.25),
    *_rows("gaussian_nll_loss", "GaussianNLLLoss", ((5,), (5,), (5,)), domain=lambda x: np.abs(x) + 0.25, full=True),
    *_rows("kl_div", "KLDivLoss", ((4, 3), (4, 3)), domain=lambda x: x / 2, log_target=True),
    *_rows("kl_div", "KLDivLoss", ((4, 3),), (np.maximum(np.arange(12.0).reshape(4, 3) / 12 - 0.2, 0),)),
    *_rows("hinge_embedding_loss", "HingeEmbeddingLoss", ((12,),), (_SIGNS,)),
    *_rows("hinge_embedding_loss", "HingeEmbeddingLoss", ((4, 3),), (_SIGNS.reshape(4, 3),), margin=0.25),
    *_rows("soft_margin_loss", "SoftMarginLoss", ((4, 3),), (_SIGNS.reshape(4, 3),)),
    *_rows("margin_ranking_loss", "MarginRankingLoss", ((12,), (12,)), (_SIGNS,)),
    *_rows("margin_ranking_loss", "MarginRankingLoss", ((4, 3), (4, 3)), (_SIGNS.reshape(4, 3),), margin=0.5),
    *_rows("cosine_embedding_loss", "CosineEmbeddingLoss", ((12, 5), (12, 5)), (_SIGNS,)),
    *_rows("cosine_embedding_loss", "CosineEmbeddingLoss", ((12, 4), (12, 4)), (_SIGNS,), margin=-0.5),
    *_rows("triplet_margin_loss", "TripletMarginLoss", ((6, 5), (6, 5), (6, 5))),
    *_rows("triplet_margin_loss", "TripletMarginLoss", ((6, 5), (6, 5), (6, 5)), margin=0.5, swap=True),
    *_rows("triplet_margin_loss", "TripletMarginLoss", ((6, 5), (6, 5), (6, 5)), margin=2.0, p=1.0),
    *_rows("multi_margin_loss", "MultiMarginLoss", ((6, 5),), (_CLASSES,)),
    *_rows("multi_margin_loss", "MultiMarginLoss", ((6, 5),), (_CLASSES,), p=2, margin=0.5),
    *_rows("multilabel_margin_loss", "MultiLabelMarginLoss", ((5, 5),), (_LABELS,)),
    *_rows("multilabel_soft_margin_loss", "MultiLabelSoftMarginLoss", ((4, 3),), ((_SIGNS.reshape(4, 3) + 1) / 2,)),
    *[_weighted(dense, p=p) for dense in (True, False) for p in (1, 2)],
]

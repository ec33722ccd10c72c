"""Losses of more numbers, more classes and more dimensions than the other rows have, with their gradients."""

from __future__ import annotations

import numpy as np

from conformance.oracle import layer as common
from conformance.oracle import loss_kinds as oracle
from conformance.tables.formula_rows import Row
from conformance.tables.loss_inputs import classes
from conformance.tables.loss_more_rows import binary, huber, opened, rows

WIDE = (24, 33)
_SIGNS = np.where(np.arange(24 * 33).reshape(WIDE) % 3 == 0, -1.0, 1.0)


def _entropy(shape: tuple[int, ...], **options: float) -> list[Row]:
    places = classes((shape[0], *shape[2:]), shape[1], 3)
    return rows(
        "cross-entropy-options",
        "cross_entropy",
        "CrossEntropyLoss",
        lambda x, y: common.cross_entropy(x, y, smoothing=options.get("label_smoothing", 0.0), reduction="none"),
        (shape,),
        (places,),
        **options,
    )


ROWS = [
    *rows("elementwise", "mse_loss", "MSELoss", lambda x, y: (x - y) ** 2, (WIDE, WIDE)),
    *rows("elementwise", "l1_loss", "L1Loss", lambda x, y: np.abs(x - y), (WIDE, WIDE)),
    *rows("elementwise", "smooth_l1_loss", "SmoothL1Loss", huber(0.5, 0.5), (WIDE, WIDE), beta=0.5),
    *rows("elementwise", "huber_loss", "HuberLoss", huber(2.0), (WIDE, WIDE), delta=2.0),
    *rows("elementwise", "binary_cross_entropy", "BCELoss", binary, (WIDE, WIDE), domain=opened),
    *rows("margins", "soft_margin_loss", "SoftMarginLoss", oracle.soft_margin_loss, (WIDE,), (_SIGNS,)),
    *rows("margins", "multi_margin_loss", "MultiMarginLoss", oracle.multi_margin_loss, (WIDE,), (classes((24,), 33),)),
    *rows("nll", "nll_loss", "NLLLoss", oracle.nll_loss, (WIDE,), (classes((24,), 33),)),
    *_entropy(WIDE),
    *_entropy((2, 5, 3, 4)),
    *_entropy((3, 4, 7), label_smoothing=0.25),
    *_entropy((2, 3, 2, 3, 2)),
    *[row for p in (1, 2) for row in rows(
        "margins", "multi_margin_loss", "MultiMarginLoss",
        lambda x, y, p=p: oracle.multi_margin_loss(x[None], y[None], p, 0.5)[0], ((5,),), (np.array(3),),
        p=p, margin=0.5)],
]  # fmt: skip

"""The functions of the area reduction, with cases for each; here those of spread and size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.dtypes import FLOATS
from conformance.numerics import COMPOSED
from conformance.oracle import reduction as oracle
from conformance.oracle import reduction_scan as scan
from conformance.oracle.reduction import Answer
from conformance.tables.reduction_cases import (
    FM,
    INEXACT,
    KEYED,
    MANY,
    ONE,
    ONE_EDGE,
    OUT,
    WHOLE,
    normed,
    on,
    pairs,
    rounded,
    spread,
)
from conformance.tables.reduction_rank_rows import EXTREMES, LATE_RANKS, RANKS
from conformance.tables.reduction_sum_rows import SCANS, SUMS, TRUTH
from conformance.tables.rows import Case, Row, Values, by_key, grouped, later


def _mean_of(x: np.ndarray, dim: Any = None, correction: float = 1, keepdim: bool = False) -> Answer:
    return oracle.mean(x, dim, keepdim)


def _both_answers(first: Callable[..., Answer], second: Callable[..., Answer]) -> Callable[..., Any]:
    return lambda *args, **options: (first(*args, **options), second(*args, **options))


CORRECTED = (
    on((4, 5)),
    on((3, 4, 5), 0),
    on((4, 5), -1, correction=0),
    on((33,), correction=2),
    on((17, 2), 0, keepdim=True),
    on((3, 4, 5), (0, 2), correction=0),
    on((2, 17), (1,), correction=1, keepdim=True),
    on((2, 3, 4, 5), (-1, 1)),
    on((5, 2), 1),
    on((2, 3), 0, correction=0),
    on((4, 5), None, correction=0),
)
UNBIASED = tuple(
    Case(c.shape, c.args, {"unbiased": flag})
    for c in (on((4, 5)), on((3, 4, 5), 0), on((33,)), on((17, 2), (0,)))
    for flag in (True, False)
)
SPREAD_EDGE = (on((1,)), on(()), on((1, 3), 0), on((2, 1), 1, correction=0), on((2, 2), 1), on((3, 0), 0))


def _unbiased(law: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim=None, unbiased=True: law(x, dim, correction=int(unbiased))


SPREAD = [
    row
    for name, law in (("std", scan.std), ("var", scan.var))
    for both, other in ((f"{name}_mean", _both_answers(law, _mean_of)),)
    for row in (
        Row(name, name, law, CORRECTED, SPREAD_EDGE, FM, INEXACT, table="normal", demand=spread, since="2.0"),
        Row(
            name,
            name,
            law,
            CORRECTED[1:],
            (),
            (*FM, "keywords", "out", "out_empty"),
            FLOATS,
            ("input", "dim"),
            table="small",
            demand=spread,
            since="2.0",
            label=f"{name} of whole numbers",
        ),
        Row(
            name,
            name,
            _unbiased(law),
            UNBIASED,
            (),
            FM,
            INEXACT,
            table="normal",
            demand=spread,
            label=f"{name}, unbiased",
        ),
        Row(
            name,
            name,
            law,
            CORRECTED[1:4],
            (),
            FM,
            FLOATS,
            table="special",
            demand=spread,
            since="2.0",
            label=f"{name}, special",
        ),
        Row(
            f"{name}-mean",
            both,
            other,
            CORRECTED,
            SPREAD_EDGE[:5],
            ("function",),
            INEXACT,
            table="normal",
            demand=pairs,
            since="2.0",
        ),
        Row(
            f"{name}-mean",
            both,
            _unbiased(other),
            UNBIASED,
            (),
            ("function",),
            FLOATS,
            table="small",
            demand=pairs,
            label=f"{both}, unbiased",
        ),
    )
]

ORDERS = (2, 1, 0, 3, 0.5, 2.5, float("inf"), float("-inf"), "fro", 1.5, -1)
NORMED = (
    *(on((4, 5), p) for p in ORDERS),
    *(on((3, 4, 5), p, dim) for p, dim in zip(ORDERS, (0, -1, 1, (0, 2), 2, -2, 0, 1, (1, 2), 0, 1), strict=True)),
    on((33,), 2, 0, True),
    on((2, 17), 1, 1, True),
    on((17, 2), 3, (0,), True),
    on((2, 3, 4, 5), 2, (-1, 0)),
)
NORMS = [
    Row(
        "norm",
        "norm",
        scan.norm,
        (*WHOLE, *NORMED),
        (on(()), on((1,), 3), on((0,)), on((3, 0), 2, 1)),
        FM,
        INEXACT,
        table="normal",
        demand=normed,
    ),
    Row(
        "norm",
        "norm",
        scan.norm,
        tuple(c for c in NORMED if c.args[0] in (1, float("inf"), float("-inf"), 0)),
        (),
        FM,
        FLOATS,
        table="special",
        demand=normed,
        label="norm, special",
    ),
    Row(
        "dist",
        "dist",
        scan.dist,
        (
            *(on((4, 5), Values((4, 5)), p) for p in (2, 1, 0, 3, 0.5, float("inf"), float("-inf"))),
            on((3, 4, 5), Values((4, 1))),
            on((33,), Values((33,))),
            on((17,), Values(())),
        ),
        (on((), Values(())), on((1,), Values((1,)), 3)),
        KEYED,
        ("float32", "float64"),
        ("input", "other", "p"),
        table="small",
        demand=normed,
    ),
    *later(
        [
            Row(
                "logsumexp",
                "logsumexp",
                scan.logsumexp,
                MANY,
                (*ONE_EDGE[:6], on((2, 0), 1)),
                OUT,
                FLOATS,
                ("input", "dim", "keepdim"),
                table="normal",
                demand=rounded(COMPOSED),
            )
        ],
        "2.6",
        "float16",
    ),
    Row(
        "logsumexp",
        "logsumexp",
        scan.logsumexp,
        ONE,
        (),
        OUT,
        ("float32", "float64"),
        ("input", "dim", "keepdim"),
        table="special",
        demand=rounded(COMPOSED),
        label="logsumexp, special",
    ),
]

ROWS = by_key(SUMS, TRUTH, EXTREMES, RANKS, LATE_RANKS, SCANS, SPREAD, NORMS)
GROUPS = grouped(ROWS)

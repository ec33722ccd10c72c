"""Sums, products, truth values and running sums, with cases for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from conformance.dtypes import COMMON, COMPLEX, FLOATS, INTEGERS
from conformance.numerics import COMPOSED, EXACT, FAITHFUL, PRODUCT, SUMMED, Error
from conformance.oracle import reduction as oracle
from conformance.oracle import reduction_scan as scan
from conformance.tables.reduction_cases import (
    FM,
    INEXACT,
    KEYED,
    LINES,
    LINES_EDGE,
    MANY,
    NO_KEEP,
    NUMBERS,
    ONE,
    ONE_EDGE,
    OUT,
    WHOLE,
    WHOLE_EDGE,
    on,
    rounded,
    with_tables,
)
from conformance.tables.rows import Row, later


def sums(
    claim: str,
    name: str,
    law: Callable[..., Any],
    cases: Any,
    edge: Any,
    forms: tuple[str, ...],
    error: Error,
    *,
    dtypes: tuple[str, ...],
    label: str,
    widen: bool = False,
    exact: str = "small",
    keywords: tuple[str, ...] = (),
    loose: Error = EXACT,
) -> list[Row]:
    """A function on values that come out exactly, on random ones, and on NaN and infinities."""
    row = partial(Row, claim, name, law, cases, forms=forms, keywords=("input", *keywords))
    inexact, floats = (tuple(dtype for dtype in dtypes if dtype in some) for some in (INEXACT, FLOATS))
    wanted = rounded(loose, widen=widen)
    return [
        row(edge, dtypes=dtypes, table=exact, demand=wanted, label=f"{label}, exact"),
        row((), dtypes=inexact, table="normal", demand=rounded(error), label=f"{label}, rounded"),
        row((), dtypes=floats, table="special", demand=rounded(loose), label=f"{label}, special"),
    ]


def late_prod(*args: Any, **options: Any) -> list[Row]:
    return later(later(sums(*args, **options), "2.6", "float16"), "2.0", "bfloat16")


SUMS = [
    *sums(
        "sum",
        "sum",
        oracle.total,
        WHOLE,
        (*WHOLE_EDGE, on((0,)), on((2, 0))),
        KEYED,
        SUMMED,
        dtypes=COMMON,
        widen=True,
        label="sum of everything",
    ),
    *sums(
        "sum",
        "sum",
        oracle.total,
        MANY,
        (*ONE_EDGE, on((2, 0), 1), on((2, 0), 0, True)),
        OUT,
        SUMMED,
        dtypes=COMMON,
        widen=True,
        label="sum along dimensions",
        keywords=("dim", "keepdim"),
    ),
    *sums(
        "mean",
        "mean",
        oracle.mean,
        WHOLE,
        WHOLE_EDGE,
        KEYED,
        SUMMED,
        dtypes=INEXACT,
        label="mean of everything",
        loose=FAITHFUL,
    ),
    *sums(
        "mean",
        "mean",
        oracle.mean,
        MANY,
        ONE_EDGE,
        OUT,
        SUMMED,
        dtypes=INEXACT,
        label="mean along dimensions",
        keywords=("dim", "keepdim"),
        loose=FAITHFUL,
    ),
    *sums(
        "nansum",
        "nansum",
        oracle.nansum,
        WHOLE,
        (*WHOLE_EDGE, on((0,))),
        KEYED,
        SUMMED,
        dtypes=(*INTEGERS, *FLOATS),
        widen=True,
        label="nansum of everything",
    ),
    *sums(
        "nansum",
        "nansum",
        oracle.nansum,
        MANY,
        ONE_EDGE,
        OUT,
        SUMMED,
        dtypes=(*INTEGERS, *FLOATS),
        widen=True,
        label="nansum along dimensions",
        keywords=("dim", "keepdim"),
    ),
    *sums(
        "nanmean",
        "nanmean",
        oracle.nanmean,
        WHOLE,
        WHOLE_EDGE,
        KEYED,
        SUMMED,
        dtypes=FLOATS,
        label="nanmean of everything",
        loose=FAITHFUL,
    ),
    *sums(
        "nanmean",
        "nanmean",
        oracle.nanmean,
        MANY,
        ONE_EDGE,
        KEYED,
        SUMMED,
        dtypes=FLOATS,
        label="nanmean along dimensions",
        keywords=("dim", "keepdim"),
        loose=FAITHFUL,
    ),
    *late_prod(
        "prod",
        "prod",
        oracle.prod,
        WHOLE,
        (*WHOLE_EDGE, on((0,))),
        KEYED,
        PRODUCT,
        dtypes=COMMON,
        widen=True,
        exact="powers",
        label="prod of everything",
    ),
    *late_prod(
        "prod",
        "prod",
        oracle.prod,
        ONE,
        (*ONE_EDGE, on((2, 0), 1)),
        OUT,
        PRODUCT,
        dtypes=COMMON,
        widen=True,
        exact="powers",
        label="prod along a dimension",
        keywords=("dim", "keepdim"),
    ),
]


def _apart(rows: list[Row]) -> list[Row]:
    real = [replace(row, dtypes=tuple(d for d in row.dtypes if d not in COMPLEX)) for row in rows]
    unreal = [replace(row, dtypes=COMPLEX, label=f"{row.key}, complex") for row in rows]
    return real + [row if row.name == "count_nonzero" else replace(row, claim="truth-of-complex") for row in unreal]


# Complex numbers have rows of their own: before 2.4, all and any look at their real part only.
TRUTH_ROWS = [
    Row(
        "all",
        "all",
        oracle.all_,
        WHOLE,
        (*WHOLE_EDGE, on((0,))),
        FM,
        COMMON,
        table="small",
        label="all of everything",
    ),
    Row(
        "all",
        "all",
        oracle.all_,
        ONE,
        (*ONE_EDGE, on((2, 0), 1)),
        OUT,
        COMMON,
        ("input", "dim", "keepdim"),
        table="small",
        label="all along a dimension",
    ),
    Row(
        "any",
        "any",
        oracle.any_,
        WHOLE,
        (*WHOLE_EDGE, on((0,))),
        FM,
        COMMON,
        table="special",
        label="any of everything",
    ),
    Row(
        "any",
        "any",
        oracle.any_,
        ONE,
        (*ONE_EDGE, on((2, 0), 1)),
        OUT,
        COMMON,
        ("input", "dim", "keepdim"),
        table="small",
        label="any along a dimension",
    ),
    Row(
        "count-nonzero",
        "count_nonzero",
        oracle.count_nonzero,
        WHOLE,
        (*WHOLE_EDGE, on((0,))),
        KEYED,
        COMMON,
        ("input",),
        label="count_nonzero of everything",
    ),
    Row(
        "count-nonzero",
        "count_nonzero",
        oracle.count_nonzero,
        NO_KEEP,
        (on((3, 0), 0), on((2, 0), 1)),
        KEYED,
        COMMON,
        ("input", "dim"),
        label="count_nonzero along dimensions",
    ),
    *(
        Row(
            name,
            name,
            law,
            tuple(case for case in MANY if case.args and not isinstance(case.args[0], int)),
            (),
            OUT,
            COMMON,
            ("input", "dim", "keepdim"),
            table="small",
            since="2.2",
            label=f"{name} along several dimensions",
        )
        for name, law in (("all", oracle.all_), ("any", oracle.any_))
    ),
]
TRUTH = _apart(with_tables(TRUTH_ROWS, "sparse", "dense"))
SCAN_ROWS = [
    *sums(
        "cumsum",
        "cumsum",
        scan.cumsum,
        LINES,
        LINES_EDGE,
        OUT,
        SUMMED,
        dtypes=NUMBERS,
        widen=True,
        label="cumsum",
        keywords=("dim",),
    ),
    *sums(
        "cumprod",
        "cumprod",
        scan.cumprod,
        LINES,
        LINES_EDGE,
        OUT,
        PRODUCT,
        dtypes=NUMBERS,
        widen=True,
        exact="powers",
        label="cumprod",
        keywords=("dim",),
    ),
    # In place the dtype stays, and with it the sums of whole numbers.
    Row(
        "cumsum",
        "cumsum",
        scan.cumsum,
        LINES,
        LINES_EDGE,
        ("inplace",),
        NUMBERS,
        table="small",
        demand=rounded(EXACT),
        label="cumsum in place",
    ),
    Row(
        "cumprod",
        "cumprod",
        scan.cumprod,
        LINES,
        LINES_EDGE,
        ("inplace",),
        NUMBERS,
        table="powers",
        demand=rounded(EXACT),
        label="cumprod in place",
    ),
    Row(
        "logcumsumexp",
        "logcumsumexp",
        scan.logcumsumexp,
        LINES,
        LINES_EDGE,
        OUT,
        ("float32", "float64"),
        ("input", "dim"),
        table="normal",
        demand=rounded(COMPOSED),
        label="logcumsumexp, rounded",
    ),
    Row(
        "logcumsumexp",
        "logcumsumexp",
        scan.logcumsumexp,
        LINES,
        (),
        OUT,
        ("float32", "float64"),
        ("input", "dim"),
        table="special",
        demand=rounded(COMPOSED),
        label="logcumsumexp, special",
    ),
]
SCANS = later(SCAN_ROWS, "2.6", "float16")

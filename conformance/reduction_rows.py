"""The functions of the area reduction, with cases for each: whole tensors, one dimension, several, and lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from conformance.dtypes import COMMON, COMPLEX, DTYPES, FLOATS, INTEGERS, REAL
from conformance.numerics import COMPOSED, EXACT, FAITHFUL, PRODUCT, SUMMED, Error
from conformance.oracle import indexing_order as ranks
from conformance.oracle import reduction as oracle
from conformance.oracle import reduction_scan as scan
from conformance.oracle.reduction import Answer
from conformance.rows import WRITE, Case, Row, Values, by_key, grouped, later
from conformance.wanted import Demand, Picked, Wanted
from properties.strategies.values import PARTS

FM = ("function", "method")
KEYED = (*FM, "keywords", "named")
OUT = (*KEYED, "out", "out_stepped", "out_empty")
INEXACT = (*FLOATS, *COMPLEX)
ORDERED = (*INTEGERS, *FLOATS)
RANKED = (*INTEGERS, "bfloat16", "float32", "float64")  # float16 came later
NUMBERS = tuple(name for name in COMMON if name != "bool")


def _on(shape: tuple[int, ...], *args: Any, **options: Any) -> Case:
    return Case(shape, args, options)


WHOLE = (_on((4, 5)), _on((3, 4, 5)), _on((33,)), _on((17,)), _on((2, 3, 4, 5)))
WHOLE_EDGE = (_on(()), _on((1,)), _on((1, 1, 1)), _on((5,)))
ONE = (
    _on((4, 5), 0),
    _on((3, 4, 5), -2),
    _on((4, 5), 1, True),
    _on((33,), 0),
    _on((17, 2), 0),
    _on((2, 17), -1),
    _on((2, 3, 4, 5), 1, True),
    _on((5, 17), dim=-2, keepdim=True),
    _on((3, 4, 5), 2, False),
)
ONE_EDGE = (
    _on((2, 2), 0),
    _on((2, 2), -1),
    _on((), 0),
    _on((), -1),
    _on((1,), 0),
    _on((1, 3), 0, True),
    _on((3, 0), 0),
    _on((2, 1), 1),
)
MANY = (
    *ONE,
    _on((3, 4, 5), (0, 2)),
    _on((2, 3, 4, 5), (-1, 1), True),
    _on((4, 5), (0, 1)),
    _on((3, 4, 5), [1, 2]),
    _on((3, 4, 5), (2, 0, 1), True),
    _on((3, 4, 5), (1,)),
)
NO_KEEP = tuple(
    Case(c.shape, c.args[:1], {}) for c in (*MANY, _on((2, 2), 0)) if "dim" not in c.options and len(c.args) < 2
)
LINES = (_on((4, 5), 0), _on((3, 4, 5), -2), _on((33,), 0), _on((17, 2), 0), _on((2, 17), -1), _on((2, 3, 4, 5), 1))
LINES_EDGE = (_on((), 0), _on((1,), 0), _on((3, 0), 1), _on((0,), -1), _on((1, 3), 0))


def rounded(error: Error, *, widen: bool = False) -> Callable[..., tuple[Demand, ...]]:
    """What is wanted of an Answer; `widen`: whole numbers and truth values become int64."""

    def demand(found: Answer, dtype: str, arrays: list[Any], options: dict[str, Any]) -> tuple[Demand, ...]:
        whole = widen and not DTYPES[dtype].is_inexact
        kind = str(options.get("dtype", "int64" if whole else dtype))
        return (of_answer(found, kind, error),)

    return demand


def of_answer(found: Answer, dtype: str, error: Error) -> Wanted:
    """What is wanted of an Answer in a dtype, in an error class that counts its terms."""
    values = np.asarray(found.values)
    if not DTYPES[dtype].is_inexact or error is EXACT:
        return Wanted(values.astype(DTYPES[dtype].host), dtype, EXACT, signed_zeros=False)
    if np.ndim(found.terms) == 0:
        return Wanted(values, dtype, error.over(float(found.terms)), found.scale, signed_zeros=False)
    scale = np.abs(values) if found.scale is None else found.scale
    size = np.where(np.isfinite(scale), scale, 0).astype(np.float64) * found.terms
    return Wanted(values, dtype, error.over(1), size, signed_zeros=False)


def _rows(
    claim: str,
    name: str,
    law: Callable[..., Any],
    cases: Any,
    edge: Any,
    forms: tuple[str, ...],
    error: Error,
    *,
    dtypes: tuple[str, ...],
    widen: bool = False,
    exact: str = "small",
    label: str,
    keywords: tuple[str, ...] = (),
    extra: tuple[str, ...] = (),
    loose: Error = EXACT,
    complex_rounded: bool = True,
) -> list[Row]:
    """A function on values that come out exactly, on random ones, and on NaN and infinities."""
    common = {"keywords": ("input", *keywords), "forms": forms}
    inexact = tuple(dtype for dtype in dtypes if dtype in (INEXACT if complex_rounded else FLOATS))
    return [
        Row(
            claim,
            name,
            law,
            cases,
            edge,
            dtypes=dtypes,
            table=exact,
            demand=rounded(loose, widen=widen),
            label=f"{label}, exact",
            **common,
        ),
        Row(
            claim,
            name,
            law,
            cases,
            (),
            dtypes=inexact,
            table="normal",
            demand=rounded(error),
            label=f"{label}, rounded",
            **common,
        ),
        Row(
            claim,
            name,
            law,
            cases,
            (),
            dtypes=tuple(d for d in FLOATS if d in dtypes),
            table="special",
            demand=rounded(loose),
            label=f"{label}, special",
            **common,
        ),
    ]


def _late_prod(*args: Any, **options: Any) -> list[Row]:
    return later(later(_rows(*args, **options), "2.6", "float16"), "2.0", "bfloat16")


SUMS = [
    *_rows(
        "sum",
        "sum",
        oracle.total,
        WHOLE,
        (*WHOLE_EDGE, _on((0,)), _on((2, 0))),
        KEYED,
        SUMMED,
        dtypes=COMMON,
        widen=True,
        label="sum of everything",
    ),
    *_rows(
        "sum",
        "sum",
        oracle.total,
        MANY,
        (*ONE_EDGE, _on((2, 0), 1), _on((2, 0), 0, True)),
        OUT,
        SUMMED,
        dtypes=COMMON,
        widen=True,
        label="sum along dimensions",
        keywords=("dim", "keepdim"),
    ),
    *_rows(
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
    *_rows(
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
    *_rows(
        "nansum",
        "nansum",
        oracle.nansum,
        WHOLE,
        (*WHOLE_EDGE, _on((0,))),
        KEYED,
        SUMMED,
        dtypes=(*INTEGERS, *FLOATS),
        widen=True,
        label="nansum of everything",
    ),
    *_rows(
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
    *_rows(
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
    *_rows(
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
    *_late_prod(
        "prod",
        "prod",
        oracle.prod,
        WHOLE,
        (*WHOLE_EDGE, _on((0,))),
        KEYED,
        PRODUCT,
        dtypes=COMMON,
        widen=True,
        exact="powers",
        label="prod of everything",
    ),
    *_late_prod(
        "prod",
        "prod",
        oracle.prod,
        ONE,
        (*ONE_EDGE, _on((2, 0), 1)),
        OUT,
        PRODUCT,
        dtypes=COMMON,
        widen=True,
        exact="powers",
        label="prod along a dimension",
        keywords=("dim", "keepdim"),
    ),
]


def _tables(rows: list[Row], *tables: str) -> list[Row]:
    """Each row once more with other values: extremes among extremes hide what is between them."""
    return rows + [replace(row, table=table, label=f"{row.key}, {table}") for row in rows for table in tables]


def _apart(rows: list[Row]) -> list[Row]:
    real = [replace(row, dtypes=tuple(d for d in row.dtypes if d not in COMPLEX)) for row in rows]
    return real + [replace(row, claim="truth-of-complex", dtypes=COMPLEX, label=f"{row.key}, complex") for row in rows]


# Complex numbers have rows of their own: older releases look at their real part only.
TRUTH = _apart(
    _tables(
        [
            Row(
                "all",
                "all",
                oracle.all_,
                WHOLE,
                (*WHOLE_EDGE, _on((0,))),
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
                (*ONE_EDGE, _on((2, 0), 1)),
                (*KEYED, "out", "out_empty"),
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
                (*WHOLE_EDGE, _on((0,))),
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
                (*ONE_EDGE, _on((2, 0), 1)),
                (*KEYED, "out", "out_empty"),
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
                (*WHOLE_EDGE, _on((0,))),
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
                (_on((3, 0), 0), _on((2, 0), 1)),
                KEYED,
                COMMON,
                ("input", "dim"),
                label="count_nonzero along dimensions",
            ),
        ],
        "sparse",
        "dense",
    )
)
PAIR = ("values", "indices")


def _pair(found: Any, dtype: str, *_: Any) -> tuple[Demand, ...]:
    # Which of two zeros is the larger is open.
    return Wanted(found[0], dtype, signed_zeros=False), Wanted(found[1], "int64")


def _value(found: np.ndarray, dtype: str, *_: Any) -> tuple[Demand, ...]:
    return (Wanted(found, dtype, signed_zeros=False),)


def _both(found: Any, dtype: str, *_: Any) -> tuple[Demand, ...]:
    return tuple(Wanted(part, dtype, signed_zeros=False) for part in found)


def _running(found: Any, dtype: str, arrays: list[Any], _: Any) -> tuple[Demand, ...]:
    return Wanted(found[0], dtype, signed_zeros=False), Picked(arrays[0], arrays[1], found[0])


def _pointing_first(found: np.ndarray, dtype: str, arrays: list[Any], _: Any) -> tuple[Demand, ...]:
    dim = arrays[2] if len(arrays) > 2 else -1
    return Wanted(found, dtype, signed_zeros=False), Picked(arrays[0], dim, found)


def _spread(found: Answer, dtype: str, *_: Any) -> tuple[Demand, ...]:
    # The spread of complex numbers is a real number.
    return (of_answer(found, PARTS.get(dtype, dtype), SUMMED),)


def _mean_of(x: np.ndarray, dim: Any = None, correction: float = 1, keepdim: bool = False) -> Answer:
    return oracle.mean(x, dim, keepdim)


def _pairs(found: Any, dtype: str, *_: Any) -> tuple[Demand, ...]:
    return _spread(found[0], dtype)[0], of_answer(found[1], dtype, SUMMED)


def _normed(found: Answer, dtype: str, *_: Any) -> tuple[Demand, ...]:
    return (of_answer(found, PARTS.get(dtype, dtype), COMPOSED),)


def _pointing(along: Callable[..., int]) -> Callable[..., tuple[Demand, ...]]:
    """Values that are certain, with indices that only have to point at them."""

    def demand(found: np.ndarray, dtype: str, arrays: list[Any], options: dict[str, Any]) -> tuple[Demand, ...]:
        named = {key: value for key, value in options.items() if key in ("dim", "keepdim")}
        return Wanted(found, dtype, signed_zeros=False), Picked(arrays[0], along(*arrays[1:], **named), found)

    return demand


EXTREMES = _tables(
    [
        row
        for sign, name in ((1, "max"), (-1, "min"))
        for row in (
            Row(
                f"{name}-all",
                name,
                partial(oracle.extreme, sign=sign),
                WHOLE,
                WHOLE_EDGE,
                FM,
                REAL,
                demand=_value,
                label=f"{name} of everything",
            ),
            Row(
                "max-dim-values-indices" if sign > 0 else "min-dim",
                name,
                partial(oracle.extreme_with_index, sign=sign),
                ONE,
                ONE_EDGE,
                OUT,
                REAL,
                ("input", "dim", "keepdim"),
                PAIR,
                demand=_pair,
                label=f"{name} along a dimension",
            ),
            Row(
                f"a{name}",
                f"a{name}",
                partial(oracle.extreme, sign=sign),
                MANY,
                ONE_EDGE,
                OUT,
                REAL,
                ("input", "dim", "keepdim"),
                demand=_value,
            ),
            Row(
                f"a{name}",
                f"a{name}",
                partial(oracle.extreme, sign=sign),
                WHOLE,
                WHOLE_EDGE,
                FM,
                REAL,
                demand=_value,
                label=f"a{name} of everything",
            ),
            Row(
                f"arg{name}",
                f"arg{name}",
                partial(oracle.arg_extreme, sign=sign),
                WHOLE,
                WHOLE_EDGE,
                FM,
                ORDERED,
                demand=lambda found, *_: (Wanted(found, "int64"),),
                label=f"arg{name} of everything",
            ),
            Row(
                f"arg{name}",
                f"arg{name}",
                partial(oracle.arg_extreme, sign=sign),
                ONE,
                ONE_EDGE,
                OUT,
                ORDERED,
                ("input", "dim", "keepdim"),
                demand=lambda found, *_: (Wanted(found, "int64"),),
                table="small",
            ),
            *later(
                [
                    Row(
                        f"cum{name}",
                        f"cum{name}",
                        partial(scan.running, sign=sign),
                        LINES,
                        LINES_EDGE,
                        OUT,
                        REAL,
                        ("input", "dim"),
                        PAIR,
                        demand=_running,
                        label=f"cum{name}",
                    )
                ],
                "2.6",
                "float16",
            ),
        )
    ],
    "moderate",
)

RANKS = _tables(
    [
        Row(
            "median", "median", scan.median, WHOLE, WHOLE_EDGE, FM, RANKED, demand=_value, label="median of everything"
        ),
        Row(
            "median",
            "median",
            scan.median,
            ONE,
            ONE_EDGE,
            OUT,
            RANKED,
            ("input", "dim", "keepdim"),
            PAIR,
            demand=_pointing(lambda dim=-1, keepdim=False: dim),
            label="median along a dimension",
            layouts=WRITE,
        ),
        Row(
            "nanmedian",
            "nanmedian",
            scan.nanmedian,
            WHOLE,
            WHOLE_EDGE,
            FM,
            RANKED,
            table="special",
            demand=_value,
            label="nanmedian of everything",
        ),
        Row(
            "nanmedian",
            "nanmedian",
            scan.nanmedian,
            ONE,
            ONE_EDGE,
            OUT,
            RANKED,
            ("input", "dim", "keepdim"),
            PAIR,
            table="special",
            demand=_pointing(lambda dim=-1, keepdim=False: dim),
            label="nanmedian along a dimension",
            layouts=WRITE,
        ),
        Row(
            "mode",
            "mode",
            scan.mode,
            (*ONE, *WHOLE),
            (*ONE_EDGE[:6], _on(())),
            OUT,
            (*RANKED, "bool"),
            ("input", "dim", "keepdim"),
            PAIR,
            table="small",
            demand=_pointing(lambda dim=-1, keepdim=False: dim),
        ),
        Row(
            "topk",
            "topk",
            ranks.topk,
            (
                _on((4, 5), 3),
                _on((3, 4, 5), 2, -2),
                _on((33,), 33),
                _on((17, 2), 5, 0, False),
                _on((2, 17), 9, 1, False),
                _on((40,), 1),
                _on((2, 100), 20),
            ),
            (_on((5,), 0), _on((), 1), _on((1,), 1), _on((3, 0), 2, 0)),
            (*KEYED, "out", "out_stepped", "out_empty"),
            RANKED,
            ("input", "k", "dim", "largest"),
            PAIR,
            demand=_pointing_first,
        ),
        Row(
            "sort",
            "sort",
            lambda x, dim=-1, descending=False: ranks.sort(x, dim, descending)[0],
            (
                *WHOLE,
                _on((4, 5), 0),
                _on((33,), 0, True),
                _on((3, 4, 5), -2, True),
                _on((17, 2), dim=0, descending=True),
            ),
            (_on(()), _on((0,)), _on((2, 0), 0)),
            OUT,
            REAL,
            ("input", "dim", "descending"),
            PAIR,
            demand=_pointing(lambda dim=-1, descending=False: dim),
        ),
    ],
    "moderate",
)
LATE_RANKS = [
    replace(row, dtypes=("float16",), since="2.6", label=f"{row.key}, float16")
    for row in RANKS
    if row.name in ("median", "mode", "topk")
]

SCANS = later(
    [
        *_rows(
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
        *_rows(
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
    ],
    "2.6",
    "float16",
)


def _both_answers(first: Callable[..., Answer], second: Callable[..., Answer]) -> Callable[..., Any]:
    return lambda *args, **options: (first(*args, **options), second(*args, **options))


CORRECTED = (
    _on((4, 5)),
    _on((3, 4, 5), 0),
    _on((4, 5), -1, correction=0),
    _on((33,), correction=2),
    _on((17, 2), 0, keepdim=True),
    _on((3, 4, 5), (0, 2), correction=0),
    _on((2, 17), (1,), correction=1, keepdim=True),
    _on((2, 3, 4, 5), (-1, 1)),
    _on((5, 2), 1),
    _on((2, 3), 0, correction=0),
    _on((4, 5), None, correction=0),
)
UNBIASED = tuple(
    Case(c.shape, c.args, {"unbiased": flag})
    for c in (_on((4, 5)), _on((3, 4, 5), 0), _on((33,)), _on((17, 2), (0,)))
    for flag in (True, False)
)
SPREAD_EDGE = (_on((1,)), _on(()), _on((1, 3), 0), _on((2, 1), 1, correction=0), _on((2, 2), 1), _on((3, 0), 0))


def _unbiased(law: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim=None, unbiased=True: law(x, dim, correction=int(unbiased))


SPREAD = [
    row
    for name, law in (("std", scan.std), ("var", scan.var))
    for pair, other in ((f"{name}_mean", _both_answers(law, _mean_of)),)
    for row in (
        Row(name, name, law, CORRECTED, SPREAD_EDGE, FM, INEXACT, table="normal", demand=_spread, since="2.0"),
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
            demand=_spread,
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
            demand=_spread,
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
            demand=_spread,
            since="2.0",
            label=f"{name}, special",
        ),
        Row(
            f"{name}-mean",
            pair,
            other,
            CORRECTED,
            SPREAD_EDGE[:5],
            ("function",),
            INEXACT,
            table="normal",
            demand=_pairs,
            since="2.0",
        ),
        Row(
            f"{name}-mean",
            pair,
            _unbiased(other),
            UNBIASED,
            (),
            ("function",),
            FLOATS,
            table="small",
            demand=_pairs,
            label=f"{pair}, unbiased",
        ),
    )
]

ORDERS = (2, 1, 0, 3, 0.5, 2.5, float("inf"), float("-inf"), "fro", 1.5, -1)
NORMED = (
    *(_on((4, 5), p) for p in ORDERS),
    *(_on((3, 4, 5), p, dim) for p, dim in zip(ORDERS, (0, -1, 1, (0, 2), 2, -2, 0, 1, (1, 2), 0, 1), strict=True)),
    _on((33,), 2, 0, True),
    _on((2, 17), 1, 1, True),
    _on((17, 2), 3, (0,), True),
    _on((2, 3, 4, 5), 2, (-1, 0)),
)
NORMS = [
    Row(
        "norm",
        "norm",
        scan.norm,
        (*WHOLE, *NORMED),
        (_on(()), _on((1,), 3), _on((0,)), _on((3, 0), 2, 1)),
        FM,
        INEXACT,
        table="normal",
        demand=_normed,
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
        demand=_normed,
        label="norm, special",
    ),
    Row(
        "dist",
        "dist",
        scan.dist,
        (
            *(_on((4, 5), Values((4, 5)), p) for p in (2, 1, 0, 3, 0.5, float("inf"), float("-inf"))),
            _on((3, 4, 5), Values((4, 1))),
            _on((33,), Values((33,))),
            _on((17,), Values(())),
        ),
        (_on((), Values(())), _on((1,), Values((1,)), 3)),
        KEYED,
        ("float32", "float64"),
        ("input", "other", "p"),
        table="small",
        demand=_normed,
    ),
    *later(
        [
            Row(
                "logsumexp",
                "logsumexp",
                scan.logsumexp,
                MANY,
                (*ONE_EDGE[:6], _on((2, 0), 1)),
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

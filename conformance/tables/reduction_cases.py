"""The input of reductions, and what may be asked of an answer: whole tensors, one dimension, several, and lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.dtypes import COMMON, COMPLEX, DTYPES, FLOATS, INTEGERS
from conformance.numerics import COMPOSED, EXACT, SUMMED, Error
from conformance.oracle.reduction import Answer
from conformance.tables.rows import Case, Row
from conformance.wanted import Demand, Picked, Wanted
from properties.strategies.values import PARTS

FM = ("function", "method")
KEYED = (*FM, "keywords", "named")
OUT = (*KEYED, "out", "out_stepped", "out_empty")
INEXACT = (*FLOATS, *COMPLEX)
ORDERED = (*INTEGERS, *FLOATS)
RANKED = (*INTEGERS, "bfloat16", "float32", "float64")  # float16 came later
PAIR = ("values", "indices")
NUMBERS = tuple(name for name in COMMON if name != "bool")


def on(shape: tuple[int, ...], *args: Any, **options: Any) -> Case:
    return Case(shape, args, options)


WHOLE = (on((4, 5)), on((3, 4, 5)), on((33,)), on((17,)), on((2, 3, 4, 5)))
WHOLE_EDGE = (on(()), on((1,)), on((1, 1, 1)), on((5,)))
ONE = (
    on((4, 5), 0),
    on((3, 4, 5), -2),
    on((4, 5), 1, True),
    on((33,), 0),
    on((17, 2), 0),
    on((2, 17), -1),
    on((2, 3, 4, 5), 1, True),
    on((5, 17), dim=-2, keepdim=True),
    on((3, 4, 5), 2, False),
)
ONE_EDGE = (
    on((2, 2), 0),
    on((2, 2), -1),
    on((), 0),
    on((), -1),
    on((1,), 0),
    on((1, 3), 0, True),
    on((3, 0), 0),
    on((2, 1), 1),
)
MANY = (
    *ONE,
    on((3, 4, 5), (0, 2)),
    on((2, 3, 4, 5), (-1, 1), True),
    on((4, 5), (0, 1)),
    on((3, 4, 5), [1, 2]),
    on((3, 4, 5), (2, 0, 1), True),
    on((3, 4, 5), (1,)),
    on((2, 3, 2, 2, 2), (1, -1)),
)
NO_KEEP = tuple(
    Case(c.shape, c.args[:1], {}) for c in (*MANY, on((2, 2), 0)) if "dim" not in c.options and len(c.args) < 2
)
LINES = (on((4, 5), 0), on((3, 4, 5), -2), on((33,), 0), on((17, 2), 0), on((2, 17), -1), on((2, 3, 4, 5), 1))
LINES_EDGE = (on((), 0), on((1,), 0), on((3, 0), 1), on((0,), -1), on((1, 3), 0))


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


def with_tables(rows: list[Row], *tables: str) -> list[Row]:
    """Each row once more with other values: extremes among extremes hide what is between them."""
    return rows + [replace(row, table=table, label=f"{row.key}, {table}") for row in rows for table in tables]


def pair(found: Any, dtype: str, *_: Any) -> tuple[Demand, ...]:
    """The values along a dimension, and the certain indices with them."""
    # Which of two zeros is the larger is open.
    return Wanted(found[0], dtype, signed_zeros=False), Wanted(found[1], "int64")


def value(found: np.ndarray, dtype: str, *_: Any) -> tuple[Demand, ...]:
    """The answer itself."""
    return (Wanted(found, dtype, signed_zeros=False),)


def running(found: Any, dtype: str, arrays: list[Any], _: Any) -> tuple[Demand, ...]:
    """Running extremes, and indices that point at them: which of ties is open."""
    return Wanted(found[0], dtype, signed_zeros=False), Picked(arrays[0], arrays[1], found[0])


def pointing_first(found: np.ndarray, dtype: str, arrays: list[Any], _: Any) -> tuple[Demand, ...]:
    """The largest few in order, and indices that point at them."""
    dim = arrays[2] if len(arrays) > 2 else -1
    return Wanted(found, dtype, signed_zeros=False), Picked(arrays[0], dim, found)


def spread(found: Answer, dtype: str, *_: Any) -> tuple[Demand, ...]:
    """A spread, within the error of a sum."""
    # The spread of complex numbers is a real number.
    return (of_answer(found, PARTS.get(dtype, dtype), SUMMED),)


def pairs(found: Any, dtype: str, *_: Any) -> tuple[Demand, ...]:
    """A spread and a mean, each within the error of a sum."""
    return spread(found[0], dtype)[0], of_answer(found[1], dtype, SUMMED)


def normed(found: Answer, dtype: str, *_: Any) -> tuple[Demand, ...]:
    """A norm; that of complex numbers is a real number."""
    return (of_answer(found, PARTS.get(dtype, dtype), COMPOSED),)


def pointing(along: Callable[..., int]) -> Callable[..., tuple[Demand, ...]]:
    """Values that are certain, with indices that only have to point at them."""

    def demand(found: np.ndarray, dtype: str, arrays: list[Any], options: dict[str, Any]) -> tuple[Demand, ...]:
        named = {key: value for key, value in options.items() if key in ("dim", "keepdim")}
        return Wanted(found, dtype, signed_zeros=False), Picked(arrays[0], along(*arrays[1:], **named), found)

    return demand

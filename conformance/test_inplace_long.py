"""Methods that write single places of self, on more elements than one thread gets: every dtype, with and without gaps.

The oracles of the table loop over the places; these laws are numpy's own functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance import effort
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.subject import Subject
from conformance.tables.inplace import Call
from conformance.tables.inplace_calls import apply
from conformance.tables.inplace_methods import METHODS
from conformance.wanted import Wanted
from properties.strategies.recipe import contiguous, permuted, row_stepped

pytestmark = must_answer

LONG, SIDE = 33_001, 183
Array = np.ndarray
START = np.random.default_rng(1)
ONCE = START.permutation(LONG)[:20_003]
OFTEN = START.integers(0, 9_001, LONG)  # each of these places comes up to a dozen times
CHOSEN = START.integers(0, 3, LONG) == 0
NEW = START.integers(0, 3, LONG)
LAYERS = (row_stepped, contiguous)
TURNS = {"cumprod_": (1, -1, -1, 1, -1, 1)}  # whose products stay small, as the sums of the others do


def put(x: Array, where: Array, new: Any) -> Array:
    """A copy with new values at places of a line."""
    out = x.copy()
    out[where] = new
    return out


def summed(x: Array, new: Array) -> Array:
    """The values with what is added at OFTEN; truth values with what is true there."""
    sums = np.bincount(OFTEN, new.real.astype(np.float64), len(x))
    return x | (sums > 0) if x.dtype == bool else x + sums.astype(x.dtype)


def most(x: Array, new: Array) -> Array:
    out = x.copy()
    np.maximum.at(out, OFTEN, new)
    return out


def diagonal(x: Array, value: Any) -> Array:
    out = x.copy()
    np.fill_diagonal(out, value)
    return out


# The method: its arguments by the new values, in the dtype of self, and what it makes of self's values and these.
Given = Callable[[Array], tuple[Any, ...]]
LINES: dict[str, tuple[Given, Callable[[Array, Array], Array]]] = {
    "fill_": (lambda n: (1,), lambda x, n: np.ones_like(x)),
    "zero_": (lambda n: (), lambda x, n: np.zeros_like(x)),
    "copy_": (lambda n: (n,), lambda x, n: n),
    "masked_fill_": (lambda n: (CHOSEN, 1), lambda x, n: np.where(CHOSEN, x.dtype.type(1), x)),
    "masked_scatter_": (lambda n: (CHOSEN, n), lambda x, n: put(x, CHOSEN, n[: CHOSEN.sum()])),
    "index_fill_": (lambda n: (0, ONCE, 1), lambda x, n: put(x, ONCE, 1)),
    "index_copy_": (lambda n: (0, ONCE, n[: len(ONCE)]), lambda x, n: put(x, ONCE, n[: len(ONCE)])),
    "index_put_": (lambda n: ((ONCE,), n[: len(ONCE)]), lambda x, n: put(x, ONCE, n[: len(ONCE)])),
    "put_": (lambda n: (ONCE, n[: len(ONCE)]), lambda x, n: put(x, ONCE, n[: len(ONCE)])),
    "scatter_": (lambda n: (0, ONCE, n[: len(ONCE)]), lambda x, n: put(x, ONCE, n[: len(ONCE)])),
    "index_add_": (lambda n: (0, OFTEN, n), summed),
    "scatter_add_": (lambda n: (0, OFTEN, n), summed),
    "scatter_reduce_": (lambda n: (0, OFTEN, n, "sum"), summed),
    "index_reduce_": (lambda n: (0, OFTEN, n, "amax"), most),
    "cumsum_": (lambda n: (0,), lambda x, n: np.cumsum(x, dtype=x.dtype)),
    "cumprod_": (lambda n: (0,), lambda x, n: np.cumprod(x, dtype=x.dtype)),
}
SQUARES: dict[str, tuple[tuple[Any, ...], Callable[[Array], Array]]] = {
    "fill_diagonal_": ((1,), lambda x: diagonal(x, 1)),
    "tril_": ((-1,), lambda x: np.tril(x, -1)),
    "triu_": ((2,), lambda x: np.triu(x, 2)),
    "index_fill_": ((1, ONCE[:40] % SIDE, 1), lambda x: put(x.T, ONCE[:40] % SIDE, 1).T),
    "masked_fill_": ((CHOSEN[:SIDE], 1), lambda x: np.where(CHOSEN[:SIDE], x.dtype.type(1), x)),
    "zero_": ((), np.zeros_like),
}
ROWS = {method.name: method for method in METHODS}


def argument(value: Any, dtype: str) -> Any:
    """An array as a recipe: new values in self's dtype, places and masks in their own."""
    if isinstance(value, tuple):
        return tuple(argument(part, dtype) for part in value)
    if not isinstance(value, np.ndarray):
        return value
    return contiguous(value, value.dtype.name if value.dtype in (bool, np.int64) else dtype)


def numbers(values: Array, dtype: str) -> Array:
    """Small whole numbers as those of a dtype; negative ones wrap where it has none."""
    return values.astype(DTYPES[dtype].host)


def judge(subject: Subject, name: str, x: Any, given: tuple[Any, ...], expected: Array) -> None:
    """Refute unless the method leaves the expected values in self, and its surroundings alone."""
    args = tuple(argument(value, x.dtype) for value in given)
    apply(subject, Call(name, x, args, {}, Wanted(expected, x.dtype, signed_zeros=False)))


def dtypes(subject: Subject, name: str) -> list[str]:
    return [dtype for dtype in COMMON if dtype in ROWS[name].dtypes and subject.supports(dtype)]


def since(name: str) -> str | None:
    return ROWS[name].laid_out_since


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=check(f"inplace.{name}", since=since(name))) for name in LINES]
)
def test_it_writes_single_places_of_a_long_self(subject: Subject, name: str) -> None:
    given, law = LINES[name]
    for turn, dtype in enumerate(dtypes(subject, name)):
        start, new = np.resize(TURNS.get(name, (1, -1, 2, -2, 0)), LONG), numbers(NEW, dtype)
        for layout in LAYERS[turn % 2 :: 2] if effort.level() == "quick" else LAYERS:
            x = layout(numbers(start, dtype), dtype)
            judge(subject, name, x, given(new), law(x.array, new))


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"inplace.{name}")) for name in SQUARES])
def test_it_writes_to_a_large_matrix(subject: Subject, name: str) -> None:
    given, law = SQUARES[name]
    for turn, dtype in enumerate(dtypes(subject, name)):
        values = numbers(1 + np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 5, dtype)
        x = (contiguous, row_stepped, lambda a, d: permuted(a, d, (1, 0)))[turn % 3](values, dtype)
        judge(subject, name, x, given, law(values))

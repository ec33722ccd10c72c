"""Operands for every row of `functions_math`, with what should come out: from interesting values and the oracle.

A sample is a flat list of operand tuples; checks lay it out in any shape. Arrays have the host types of
`conformance.dtypes`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance import effort
from conformance.dtypes import DTYPES
from conformance.numerics import EXACT, ROUNDED, Error, largest, smallest_normal
from conformance.oracle.math import ELEMENTWISE
from conformance.oracle.math_promotion import result
from conformance.tables.math_domains import DOMAINS, SCALES, table
from conformance.tables.math_functions import FUNCTIONS, Function


@dataclass(frozen=True)
class Sample:
    """Operands of equal length (1-D host arrays of `dtype`), and the results of `out` dtype within `error`."""

    function: Function
    arguments: Mapping[str, Any]
    dtype: str
    out: str
    operands: tuple[np.ndarray, ...]
    expected: np.ndarray
    error: Error
    scale: np.ndarray | None

    def __len__(self) -> int:
        return len(self.expected)

    def places(self, shape: tuple[int, ...], start: int = 0) -> np.ndarray:
        """Which element of the sample stands where in an array of that shape: all in turn, from `start`."""
        count = int(np.prod(shape, dtype=np.int64))
        return ((np.arange(count) + start) % max(len(self), 1)).reshape(shape)

    def at(self, places: np.ndarray) -> Sample:
        """The sample with its elements laid out by an array of places."""
        scale = None if self.scale is None else self.scale[places]
        chosen = tuple(x[places] for x in self.operands)
        return Sample(
            self.function, self.arguments, self.dtype, self.out, chosen, self.expected[places], self.error, scale
        )


@functools.cache
def sample(slug: str, dtype: str, variant: int = 0) -> Sample:
    """What a row of the table does to operands of one dtype, with one of its sets of arguments."""
    row = FUNCTIONS[slug]
    operands = _operands(row, dtype)
    kept = DOMAINS[row.domain](*operands)
    found = judged(row, dtype, tuple(x[kept] for x in operands), row.arguments[variant])
    return found.at(np.flatnonzero(_is_certain(found)))


def _is_certain(found: Sample) -> np.ndarray:
    # No subnormal results, which a library may flush and whose half spacing is no double; and none that an error
    # within its bound may turn into infinity.
    if found.error is EXACT or not DTYPES[found.out].is_inexact:
        return np.ones(len(found), bool)
    if found.error is ROUNDED and found.out not in ("float64", "complex128"):
        return np.ones(len(found), bool)
    with np.errstate(invalid="ignore"):
        size = np.abs(found.expected)
        tiny = (size > 0) & (size < 4 * smallest_normal(found.out))
        return ~(tiny | (np.isfinite(size) & (size > 0.5 * largest(found.out)) & (found.error is not ROUNDED)))


def judged(row: Function, dtype: str, operands: tuple[np.ndarray, ...], arguments: Mapping[str, Any]) -> Sample:
    """The sample of given operands, of one shape."""
    out = result(row.result, dtype)
    expected = expect(row, dtype, operands, arguments)
    scale = SCALES[row.scale](operands, arguments, expected) if row.scale else None
    return Sample(row, arguments, dtype, out, operands, expected, row.error_of(dtype), scale)


def expect(row: Function, dtype: str, operands: tuple[np.ndarray, ...], arguments: Mapping[str, Any]) -> np.ndarray:
    """The oracle's answer."""
    function = ELEMENTWISE[row.oracle or row.name]
    extra = {"dtype": dtype} if row.name in ("nan_to_num", "nextafter") and DTYPES[dtype].is_inexact else {}
    if row.name == "polygamma":
        return np.asarray(function(arguments["n"], *operands))
    return np.asarray(function(*operands, **arguments, **extra))


def _operands(row: Function, dtype: str) -> tuple[np.ndarray, ...]:
    values = table(row, dtype)
    if len(row.operands) == 1:
        return (values,)
    first, second = (grid.ravel() for grid in np.meshgrid(values, values, indexing="ij"))
    if len(row.operands) == 2:
        return first, second
    third = values[(np.arange(len(first)) * 7 + np.arange(len(first)) // len(values)) % len(values)]
    if row.name == "where":
        return np.arange(len(first)) % 3 != 0, first, second
    return first, second, third


def tried(row: Function) -> tuple[str, ...]:
    """The dtypes to try a law on: all of a function's, in quick runs three of them."""
    if effort.level() != "quick":
        return row.dtypes
    main = next(name for name in ("float32", "float64", "int64") if name in row.dtypes)
    return tuple(dict.fromkeys((main, row.dtypes[0], row.dtypes[len(row.name) % len(row.dtypes)])))


_WHOLE = np.array([2, 3, 5, 4, 3, 2, 5])


def plain(
    row: Function, dtypes: tuple[str, ...], shapes: tuple[tuple[int, ...], ...], turn: int = 0
) -> tuple[np.ndarray, ...]:
    """Operands of small whole numbers, one array a shape, each in the host type of its own dtype.

    Complex ones lie off the real axis, where branch cuts are. The condition of where, its first operand, is bool.
    """
    found = []
    for place, (dtype, shape) in enumerate(zip(dtypes, shapes, strict=True)):
        count = int(np.prod(shape, dtype=np.int64))
        values = _WHOLE[(np.arange(count) * (place + 1) + place + turn) % len(_WHOLE)].reshape(shape)
        if dtype == "bool":
            values = values > 3
        host = DTYPES[dtype].host
        found.append((values + 0.5j if DTYPES[dtype].is_complex else values).astype(host))
    return tuple(found)


def converted(operands: tuple[np.ndarray, ...], dtype: str, row: Function) -> tuple[np.ndarray, ...]:
    """Broadcast operands in the host type of the dtype that they are computed in; a condition stays bool."""
    spread = np.broadcast_arrays(*operands)
    keep = 1 if row.name == "where" else 0
    return tuple(x if n < keep else x.astype(DTYPES[dtype].host) for n, x in enumerate(spread))


def operand_dtypes(row: Function, dtype: str, rest: str | None = None) -> tuple[str, ...]:
    """The dtypes of a function's operands: `dtype` for the first, `rest` for the others; bool for a condition."""
    names = (dtype, *([rest or dtype] * (len(row.operands) - 1)))
    return ("bool", dtype, *names[2:]) if row.name == "where" else names

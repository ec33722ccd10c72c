"""What creation functions make, worked out without PyTorch: sequences, triangles, grids, windows, dtypes, layouts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

# Python's number types from the narrowest to the widest, and the dtype that each makes under float32 as default.
INFERRED = {bool: "bool", int: "int64", float: "float32", complex: "complex64"}
_WIDTH = {bool: 0, int: 1, float: 2, complex: 3}
_COMPLEX_OF = {"float16": "complex32", "float32": "complex64", "float64": "complex128"}


def numbers(data: Any) -> Iterator[Any]:
    """The numbers in nested sequences, in order."""
    if isinstance(data, (list, tuple, range)):
        for part in data:
            yield from numbers(part)
    else:
        yield data


def inferred(data: Any, default: str = "float32") -> str:
    """The dtype of Python numbers, alone or nested: that of the widest of them, the default one if there is none."""
    kinds = sorted((type(number) for number in numbers(data)), key=_WIDTH.__getitem__)
    widest = kinds[-1] if kinds else float
    return {float: default, complex: _COMPLEX_OF.get(default, "complex64")}.get(widest, INFERRED[widest])


def nested_shape(data: Any) -> tuple[int, ...]:
    """The shape of nested sequences of equal lengths."""
    if not isinstance(data, (list, tuple, range)):
        return ()
    return (len(data), *(nested_shape(data[0]) if len(data) else ()))


def counted(start: float, end: float, step: float) -> int:
    """How many numbers start + i * step lie before the end: ceil((end - start) / step)."""
    if isinstance(start, int) and isinstance(end, int) and isinstance(step, int):
        return max(0, -((start - end) // step))
    return max(0, math.ceil((end - start) / step))


def surely_counted(start: float, end: float, step: float) -> bool:
    """Whether rounding cannot change the count: the exact quotient is not within an error of a whole number."""
    exact = (Fraction(end) - Fraction(start)) / Fraction(step)
    return exact == round(exact) == (end - start) / step or abs(exact - round(exact)) > Fraction(1, 10**6)


def stepped(start: float, step: float, count: int) -> np.ndarray:
    """start + i * step for the first `count` i: integers as they are, others in extended precision."""
    if isinstance(start, int) and isinstance(step, int):
        return np.array([start + i * step for i in range(count)], dtype=object if count else np.int64)
    places = np.arange(count, dtype=np.longdouble)
    return np.longdouble(start) + places * np.longdouble(step)


def spaced(start: complex, end: complex, steps: int) -> np.ndarray:
    """`steps` evenly spaced numbers from start to end, both included, in extended precision; only start for one."""
    wide = np.clongdouble if isinstance(start, complex) or isinstance(end, complex) else np.longdouble
    if steps < 2:
        return np.full(steps, start, wide)
    places = np.arange(steps, dtype=wide)
    return (wide(start) * (steps - 1 - places) + wide(end) * places) / (steps - 1)


def spaced_integers(start: float, end: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The integers that evenly spaced numbers are cut to, towards zero: the lowest and the highest that rounding of the
    step can give. The bounds are whole numbers, as PyTorch cuts them first."""
    first, last = Fraction(math.trunc(start)), Fraction(math.trunc(end))
    exact = [first + (last - first) * i / (steps - 1) if steps > 1 else first for i in range(steps)]
    slack = [abs(last - first) / 2**20 if place not in (0, steps - 1) else Fraction(0) for place in range(steps)]
    whole = (last - first) % (steps - 1) == 0 if steps > 1 else True
    slack = [Fraction(0)] * steps if whole else slack
    low = [math.trunc(value - off) for value, off in zip(exact, slack, strict=True)]
    high = [math.trunc(value + off) for value, off in zip(exact, slack, strict=True)]
    return np.array(low, np.int64), np.array(high, np.int64)


def powers(base: float, exponents: np.ndarray) -> np.ndarray:
    """base ** x for each exponent, in extended precision."""
    return np.power(np.longdouble(base), exponents)


def triangle(row: int, col: int, offset: int, *, lower: bool) -> np.ndarray:
    """Row and column indices (2, n) of a triangle of a row x col matrix, row by row."""
    kept = [
        (i, j) for i, j in itertools.product(range(row), range(col)) if (j - i <= offset if lower else j - i >= offset)
    ]
    return np.array(kept, np.int64).reshape(-1, 2).T


def grids(values: Sequence[np.ndarray], indexing: str) -> list[np.ndarray]:
    """The coordinates of a grid: the k-th array varies along its k-th dimension; 'xy' swaps the first two."""
    values = [np.atleast_1d(part) for part in values]
    order = list(range(len(values)))
    if indexing == "xy" and len(values) > 1:
        order[:2] = [1, 0]
    shape = tuple(len(values[place]) for place in order)
    found = []
    for place, part in enumerate(values):
        along = [1] * len(values)
        along[order.index(place)] = -1
        found.append(np.broadcast_to(part.reshape(along), shape))
    return found


def products(values: Sequence[np.ndarray]) -> np.ndarray:
    """All tuples with one element of each array, the last varying fastest; one array is its own product."""
    if len(values) == 1:
        return values[0]
    rows = list(itertools.product(*(part.tolist() for part in values)))
    return np.array(rows, values[0].dtype).reshape(len(rows), len(values))


def combined(values: np.ndarray, r: int, *, with_replacement: bool) -> np.ndarray:
    """All choices of r elements in the order of their places, one a row; no element for r = 0."""
    if r == 0:
        return np.empty(0, values.dtype)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(choose(values.tolist(), r))
    return np.array(rows, values.dtype).reshape(len(rows), r)


def vandermonde(x: np.ndarray, n: int | None, *, increasing: bool) -> np.ndarray:
    """Rows of powers of x, falling from n - 1 to 0 or rising."""
    count = len(x) if n is None else n
    exponents = range(count) if increasing else range(count - 1, -1, -1)
    columns = [np.array([_power(value, e) for value in x.tolist()]) for e in exponents]
    return np.stack(columns, -1) if count and len(x) else np.empty((len(x), count))


def _power(value: complex, exponent: int) -> complex:
    out: complex = 1
    for _ in range(exponent):
        out = out * value
    return out


def cosines(length: int, weights: Sequence[float], *, periodic: bool) -> np.ndarray:
    """The window sum of (-1)^k weights[k] cos(2 pi k n / N), N the length of a period; a single point is 1."""
    if length < 2:
        return np.ones(length)
    angles = 2 * np.arange(length, dtype=np.longdouble) * _PI / (length if periodic else length - 1)
    return sum((-1) ** k * np.longdouble(weight) * np.cos(k * angles) for k, weight in enumerate(weights))


_PI = np.longdouble("3.14159265358979323846264338327950288")


def bartlett(length: int, *, periodic: bool) -> np.ndarray:
    """1 - |2 n / N - 1|, the triangle from 0 to 1 and back; a single point is 1."""
    if length < 2:
        return np.ones(length)
    places = np.arange(length, dtype=np.longdouble)
    return 1 - np.abs(2 * places / (length if periodic else length - 1) - 1)


def kaiser(length: int, beta: float, *, periodic: bool) -> np.ndarray:
    """I0(beta sqrt(1 - (2 n / N - 1)^2)) / I0(beta); a single point is 1."""
    if length < 2:
        return np.ones(length)
    ratio = 2 * np.arange(length, dtype=np.longdouble) / (length if periodic else length - 1) - 1
    return _bessel(beta * np.sqrt(1 - ratio**2)) / _bessel(np.asarray(beta, np.longdouble))


def _bessel(x: np.ndarray) -> np.ndarray:
    # I0 by its power series, of positive terms only: no digits are lost.
    term = total = np.ones_like(x, dtype=np.longdouble)
    for k in range(1, 200):
        term = term * (np.asarray(x, np.longdouble) / (2 * k)) ** 2
        total = total + term
    return total


def kept_strides(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...] | None:
    """The strides that torch.preserve_format gives: those of an input without gaps and overlaps; row-major ones for
    other inputs stored in row-major order; None where only density is promised."""
    order = sorted((d for d in range(len(shape)) if shape[d] > 1), key=lambda d: -strides[d])
    dense, step = [0] * len(shape), 1
    for d in reversed(order):
        dense[d] = step
        step *= shape[d]
    if all(strides[d] == dense[d] for d in order):
        return strides
    rows = row_major(shape)
    return rows if order == sorted(order) and len({strides[d] for d in order}) == len(order) else None


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a contiguous tensor."""
    return tuple(math.prod(max(side, 1) for side in shape[d + 1 :]) for d in range(len(shape)))


def is_dense(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether the elements fill a block of memory, each in a place of its own."""
    step = 1
    for stride, side in sorted(pair for pair in zip(strides, shape, strict=True) if pair[1] > 1):
        if stride != step:
            return False
        step *= side
    return True


def sine_window(length: int, *, periodic: bool) -> np.ndarray:
    """sin(pi (n + 1/2) / N): half a sine sampled between its zeros; a single point is 1."""
    if length < 2:
        return np.ones(length)
    period = length + 1 if periodic else length
    return np.sin(_PI * (np.arange(length, dtype=np.longdouble) + np.longdouble(0.5)) / period)


def _centred(length: int, *, periodic: bool) -> np.ndarray:
    return np.arange(length, dtype=np.longdouble) - np.longdouble(length if periodic else length - 1) / 2


def gaussian(length: int, std: float, *, periodic: bool) -> np.ndarray:
    """exp(-(x / std)^2 / 2) at distances x from the centre; a single point is 1."""
    return np.exp(-((_centred(length, periodic=periodic) / std) ** 2) / 2) if length > 1 else np.ones(length)


def exponential(length: int, tau: float, *, periodic: bool) -> np.ndarray:
    """exp(-|x| / tau) at distances x from the centre; a single point is 1."""
    return np.exp(-np.abs(_centred(length, periodic=periodic)) / tau) if length > 1 else np.ones(length)

"""Operands for every row of `functions_math`, with what should come out: from interesting values and the oracle.

A sample is a flat list of operand tuples; checks lay it out in any shape. Tables are host arrays of `conformance.dtypes`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance import effort
from conformance.dtypes import COMPLEX, DTYPES
from conformance.functions_math import FUNCTIONS, Function
from conformance.numerics import EXACT, ROUNDED, Error, largest, smallest_normal
from conformance.oracle.math import ELEMENTWISE
from conformance.oracle.math_elementary import wide
from conformance.oracle.math_promotion import result
from properties.strategies.values import interesting, rounded

# Where single functions are hard: close to their zeros and poles, at the ends of their ranges, at seams of algorithms.
HARD: dict[str, tuple[float, ...]] = {
    "exp": (88.7, -87.3, -103.9, 709.7, -745.1, 1e-8),
    "exp2": (127.9, -126.5, 1023.9, -1074.0, 0.1, 1e-8),
    "expm1": (1e-5, -1e-5, 1e-10, 0.3, -0.3, 88.0, -50.0),
    "log": (0.99, 1.01, 0.7071, 1.4143, 1e-5, 2.718281828),
    "log2": (0.99, 1.01, 8.0, 1024.0, 3e-5),
    "log10": (0.99, 1.01, 1000.0, 1e10, 1e-5),
    "log1p": (1e-5, -1e-5, 1e-10, -0.5, -0.99, -0.2929, 0.4142),
    "sin": (3.14159265, 6.2831853, 22.0, 355.0, 1e5, 1e-5, 1.5707964, 0.7853982, 1e22),
    "cos": (3.14159265, 1.5707964, 4.712389, 11.0, 1e5, 1e-5, 0.7853982, 1e22),
    "tan": (3.14159265, 1.5707964, 0.7853982, 11.0, 1e5, 1e-5, 1e22),
    "asin": (0.99, -0.99, 0.999999, 1e-5, 0.7071, 1.25),
    "acos": (0.99, -0.99, 0.999999, 1e-5, 0.7071, 1.25),
    "atan": (1e-5, 0.4375, 0.6875, 1.1875, 2.4375, 1e10),
    "sinh": (1e-5, 1e-10, 0.3, 22.0, -88.0, 89.0, 710.0),
    "cosh": (1e-5, 0.3, 22.0, -88.0, 89.0, 710.0),
    "tanh": (1e-5, 1e-10, 0.3, 9.0, -9.0, 22.0, 0.55),
    "asinh": (1e-5, 1e-10, 0.3, 1e10, -1e10),
    "acosh": (1.00001, 1.1, 2.0, 1e10),
    "atanh": (1e-5, 1e-10, 0.3, 0.99, -0.99, 0.999999),
    "sinc": (1e-5, 0.3, 0.99, 1.01, 5.5, 1e4),
    "sigmoid": (1e-5, 17.0, -17.0, 88.0, -88.0, -104.0, 710.0, -746.0),
    "erf": (1e-5, 0.84375, 1.25, 2.857, 3.9, 5.9, -6.0),
    "erfc": (1e-5, 0.84375, 1.25, 2.857, 5.0, 9.0, 10.0, 26.0, -6.0),
    "erfinv": (1e-5, 0.3, 0.7, 0.9, 0.99, -0.999, 0.999999),
    "lgamma": (1e-5, 0.99, 1.01, 1.99, 2.01, 5.5, 12.5, 13.5, 1e5, -0.3, -3.7, 171.5),
    "digamma": (1e-5, 1.4616, 1.47, 5.5, 12.5, 1e5, -0.3, -3.7),
    "i0": (1e-5, 7.9, 8.1, 50.0, 80.0, -20.0),
    "rsqrt": (1e-5, 4.0, 16.0, 1e10),
    "sqrt": (4.0, 16.0, 1e-5, 1e10),
    "round": (4.5, -4.5, 0.49999997, 8388607.5, 1e10, 4503599627370495.5, 3.4999998),
    "floor": (0.99999994, -0.99999994, 8388607.5, -1e-10, 4503599627370495.5),
    "ceil": (0.99999994, -0.99999994, 8388607.5, 1e-10, 4503599627370495.5),
    "trunc": (0.99999994, -0.99999994, 8388607.5, 4503599627370495.5, 1e10),
    "frac": (0.99999994, -0.99999994, 8388607.5, 1e5, 4503599627370495.5, 123.456),
    "deg2rad": (90.0, 180.0, -360.0, 57.29578),
    "rad2deg": (3.14159265, 1.5707964, -6.2831853),
}
_DECIMALS = (0.0, 0.12, -0.12, 1.26, 3.14159, 2.71828, -7.77, 12.34, 123.456, -99.9, 0.04, 27.0, -44.0, 1234.0, 0.5)
_UNIT = (0.0, 1.0, 0.5, 0.25, 0.75, 0.1, 0.9, 0.125, 0.875, 0.05, 0.99, 1e-5, -0.5, 1.5, -1.0, float("nan"))
_SIGNED_UNIT = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 0.25, 0.1, -0.1, 0.9, -0.9, 0.05, 1.5, -2.0, float("nan"))
_GAMMA = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 0.1, 7.5, 20.0)
_POSITIVE = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.5, 10.0, 0.1, 7.0, 20.0, 100.0, 1e3, 1e-2)
_BEYOND_ONE = (1.25, 1.5, 2.0, 2.5, 3.0, 5.5, 7.0, 10.0, 100.0, 1e3, float("inf"))
# Off the axes, where no branch cut runs and neither part vanishes.
_GRID = [complex(a, b) for a in (0.5, -0.5, 1.5, -2.5, 0.25, 3.0, -0.7) for b in (0.5, -0.25, 1.5, -2.0, 0.75, -3.0)]


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
        return Sample(self.function, self.arguments, self.dtype, self.out, chosen, self.expected[places], self.error, scale)


def table(row: Function, dtype: str) -> np.ndarray:
    """The values of a dtype to try as an operand of a function."""
    facts = DTYPES[dtype]
    if facts.is_complex:
        return np.array(_GRID, facts.host)
    if not facts.is_floating:
        return interesting(dtype)
    special = {"unit": _SIGNED_UNIT if row.name == "erfinv" else _UNIT, "decimals": _DECIMALS, "polygamma": _POSITIVE,
               "mvlgamma": _BEYOND_ONE, "igamma": _GAMMA, "zeta": _BEYOND_ONE[:-1]}.get(row.domain)
    if special is not None:
        return rounded(np.array(special), dtype)
    found = np.concatenate([interesting(dtype), rounded(np.array(HARD.get(row.name, ())), dtype)])
    with np.errstate(invalid="ignore"):
        return found[np.isfinite(found) | ~np.isfinite(interesting(dtype)).all()]


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


def _all(*operands: np.ndarray) -> np.ndarray:
    return np.ones(operands[0].shape, bool)


def _is_integer(x: np.ndarray) -> bool:
    return x.dtype.kind in "iu"


def _division(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    # No integer division by zero, nor the one quotient that does not fit.
    least = np.iinfo(x.dtype).min
    return (y != 0) & ~((x == least) & (y.astype(np.int64) == -1) & (least < 0))


def _quotients(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    # Real numbers: only quotients that rounding cannot move to or from a whole number, and no infinite ones.
    if _is_integer(x):
        return _division(x, y)
    with np.errstate(all="ignore"):
        quotient = wide(x) / wide(y)
        distance = np.abs(quotient - np.rint(quotient))
        size = np.abs(quotient)
        clear = (distance == 0) | (distance > 0.01 * np.maximum(size, 1))
        return np.isfinite(quotient) & clear & (size < 120) & (y != 0)


def _remainders(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    # Vectorised fmod reduces by a quotient that has to stay within the integers that the dtype holds exactly.
    if _is_integer(x):
        return _division(x, y)
    with np.errstate(all="ignore"):
        quotient = np.abs(wide(x) / wide(y))
        return ~(quotient > 2000) | ~np.isfinite(x) | (y == 0)


def _powers(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (y >= 0) if _is_integer(x) else _all(x)


def _shifts(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (y >= 0) & (y < x.dtype.itemsize * 8 - (x.dtype.kind == "i"))


def _above_least(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    least = np.iinfo(x.dtype).min
    return _all(x) if least == 0 else (x > least) & (y > least)


def _small_products(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.abs(x.astype(np.float64) * y.astype(np.float64)) <= np.iinfo(x.dtype).max


def _exponents(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.isfinite(y.astype(np.float64)) & (np.abs(y.astype(np.float64)) <= 12) & (y == np.rint(y.astype(np.float64)))


def _moderate(*operands: np.ndarray) -> np.ndarray:
    return np.all([np.isfinite(x) & (np.abs(x) <= 1e4) for x in operands], axis=0)


def _tame(*operands: np.ndarray) -> np.ndarray:
    # No products or sums that leave the range on the way, but infinities and NaN themselves.
    return np.all([~np.isfinite(x) | (np.abs(x) <= 1e4) & ((x == 0) | (np.abs(x) > 1e-4)) for x in operands], axis=0)


def _unit(x: np.ndarray) -> np.ndarray:
    return _all(x) if not _is_integer(x) else (x == 0) | (x == 1)


DOMAINS: dict[str, Callable[..., np.ndarray]] = {
    "all": _all,
    "quotients": _quotients,
    "remainders": _remainders,
    "powers": _powers,
    "shifts": _shifts,
    "gcd": _above_least,
    "lcm": _small_products,
    "ldexp": _exponents,
    "unit": _unit,
    "decimals": _all,
    "polygamma": lambda x: (x > 0) & (x < 2000) if x.dtype.kind in "biu" else _all(x),
    "mvlgamma": lambda x: x > 1,
    "igamma": _all,
    "zeta": lambda s, q: (s > 1) & (s <= 10) & (q > 0),
    "waves": lambda x: np.abs(x.astype(np.float64)) <= 100,
    "moderate": _moderate,
    "below 1e30": lambda x: ~(np.abs(x).astype(np.float64) > 1e30) | np.isinf(x),
    "finite": lambda *operands: np.all([np.isfinite(x) for x in operands], axis=0),
    "tame": _tame,
    "tame quotient": lambda x, a, b: (b != 0) & _tame(x, a, b),
    "number first": lambda x, y: x == x,
}


def _magnitude(x: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        size = np.abs(x.astype(np.complex128 if np.iscomplexobj(x) else np.float64))
        return np.where(np.isfinite(size), size, 0.0)


def _one(operands: Any, arguments: Any, expected: np.ndarray) -> np.ndarray:
    return np.maximum(1.0, _magnitude(expected))


def _sum(operands: Any, arguments: Any, expected: Any) -> np.ndarray:
    return _magnitude(operands[0]) + abs(arguments.get("alpha", 1)) * _magnitude(operands[1])


def _lerp(operands: Any, arguments: Any, expected: Any) -> np.ndarray:
    start, end, weight = map(_magnitude, operands)
    return start + (1 + weight) * (start + end)


def _addcmul(operands: Any, arguments: Any, expected: Any) -> np.ndarray:
    x, a, b = map(_magnitude, operands)
    return x + abs(arguments.get("value", 1)) * a * b


def _addcdiv(operands: Any, arguments: Any, expected: Any) -> np.ndarray:
    x, a, b = map(_magnitude, operands)
    with np.errstate(all="ignore"):
        return np.nan_to_num(x + abs(arguments.get("value", 1)) * a / b)


SCALES: dict[str, Callable[[Any, Any, Any], np.ndarray]] = {
    "one": _one,
    "sum": _sum,
    "lerp": _lerp,
    "addcmul": _addcmul,
    "addcdiv": _addcdiv,
}


def tried(row: Function) -> tuple[str, ...]:
    """The dtypes to try a law on: all of a function's, in quick runs three of them."""
    if effort.level() != "quick":
        return row.dtypes
    main = next(name for name in ("float32", "float64", "int64") if name in row.dtypes)
    return tuple(dict.fromkeys((main, row.dtypes[0], row.dtypes[len(row.name) % len(row.dtypes)])))


_WHOLE = np.array([2, 3, 5, 4, 3, 2, 5])


def plain(row: Function, dtypes: tuple[str, ...], shapes: tuple[tuple[int, ...], ...], turn: int = 0) -> tuple[np.ndarray, ...]:
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

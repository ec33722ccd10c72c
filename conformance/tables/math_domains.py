"""Which operands make sense for which elementwise function, where it is hard, and on what scale it rounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.dtypes import DTYPES
from conformance.oracle.math_elementary import wide
from conformance.tables.math_functions import Function
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


def table(row: Function, dtype: str) -> np.ndarray:
    """The values of a dtype to try as an operand of a function."""
    facts = DTYPES[dtype]
    if facts.is_complex:
        return np.array(_GRID, facts.host)
    if not facts.is_floating:
        return interesting(dtype)
    special = {
        "unit": _SIGNED_UNIT if row.name == "erfinv" else _UNIT,
        "decimals": _DECIMALS,
        "polygamma": _POSITIVE,
        "mvlgamma": _BEYOND_ONE,
        "igamma": _GAMMA,
        "zeta": _BEYOND_ONE[:-1],
    }.get(row.domain)
    if special is not None:
        return rounded(np.array(special), dtype)
    found = np.concatenate([interesting(dtype), rounded(np.array(HARD.get(row.name, ())), dtype)])
    with np.errstate(invalid="ignore"):
        return found[np.isfinite(found) | ~np.isfinite(interesting(dtype)).all()]


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
        finite = np.isfinite(quotient) & clear & (size < 120) & (y != 0) & np.isfinite(y)
        return finite | np.isnan(x) | np.isnan(y)


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
    return (
        np.isfinite(y.astype(np.float64)) & (np.abs(y.astype(np.float64)) <= 12) & (y == np.rint(y.astype(np.float64)))
    )


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
    "moderate or NaN": lambda *operands: np.all([np.isnan(x) | _moderate(x) for x in operands], axis=0),
    "not infinite": lambda x: ~np.isinf(x),
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

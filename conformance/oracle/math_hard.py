"""Elementary functions at single points by mpmath, to 120 bits: the second opinion, and the judge where they are hard.

Real arguments only. Poles and arguments outside the domain give what C99's annex F says.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

from conformance.oracle.math_special import narrow

_PRECISION = 120
_HALF_TURN = 180


def _within(low: float, high: float, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: function(x) if low <= x <= high else mpmath.nan


def _logarithm(function: Callable[[Any], Any], pole: float = 0.0) -> Callable[[Any], Any]:
    return lambda x: mpmath.nan if x < pole else -mpmath.inf if x == pole else function(x)


def _sinc(x: Any) -> Any:
    return mpmath.mpf(1) if x == 0 else mpmath.sinpi(x) / (mpmath.pi * x)


def _atanh(x: Any) -> Any:
    return mpmath.sign(x) * mpmath.inf if abs(x) == 1 else mpmath.atanh(x)


REAL: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "exp2": lambda x: mpmath.power(2, x),
    "expm1": mpmath.expm1,
    "log": _logarithm(mpmath.log),
    "log2": _logarithm(lambda x: mpmath.log(x, 2)),
    "log10": _logarithm(mpmath.log10),
    "log1p": _logarithm(lambda x: mpmath.log1p(x), -1.0),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "asin": _within(-1, 1, mpmath.asin),
    "acos": _within(-1, 1, mpmath.acos),
    "atan": mpmath.atan,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "asinh": mpmath.asinh,
    "acosh": _within(1, math.inf, mpmath.acosh),
    "atanh": _within(-1, 1, _atanh),
    "sqrt": _within(0, math.inf, mpmath.sqrt),
    "rsqrt": _logarithm(lambda x: 1 / mpmath.sqrt(x)),
    "sinc": _sinc,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "deg2rad": lambda x: x * mpmath.pi / _HALF_TURN,
    "rad2deg": lambda x: x * _HALF_TURN / mpmath.pi,
}


def exact(name: str, values: np.ndarray) -> np.ndarray:
    """A function of REAL at every element of a float64 array of finite numbers, as long double."""
    with mpmath.workprec(_PRECISION):
        found = [narrow(mpmath.mpf(REAL[name](mpmath.mpf(x)))) for x in np.asarray(values, np.float64).ravel().tolist()]
    return np.array(found, np.longdouble).reshape(np.shape(values))

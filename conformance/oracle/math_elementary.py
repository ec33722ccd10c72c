"""Elementary functions in higher precision: what exp, log, sin, … of an array should be.

Operands come in the host dtype that the function computes in (`conformance.dtypes`). Results are float64 for the dtypes
up to float32 (and for integers, which PyTorch turns into float32 first), long double for float64; complex likewise.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[..., np.ndarray]
_WIDE = {"e": np.float64, "f": np.float64, "d": np.longdouble, "F": np.complex128, "D": np.clongdouble}
# π and ln 2 in two parts each, so that long double gets all its digits.
PI = np.longdouble(3.141592653589793) + np.longdouble(1.2246467991473532e-16)
LN2 = np.longdouble(0.6931471805599453) + np.longdouble(2.3190468138462996e-17)


def wide(x: Any) -> np.ndarray:
    """The same values in a type of at least 29 more bits: float64 or long double, complex likewise."""
    x = np.asarray(x)
    if x.dtype.kind in "biu":
        x = x.astype(np.float32)
    return x.astype(_WIDE.get(x.dtype.char, x.dtype))


def quiet(function: Function) -> Function:
    """Without numpy's warnings: infinities and NaN are results here."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.asarray(function(*args, **kwargs))

    return called


def _lifted(function: Function) -> Function:
    return quiet(lambda x: function(wide(x)))


@quiet
def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x))."""
    x = wide(x)
    return 1 / (1 + np.exp(-x))


@quiet
def logit(x: np.ndarray, eps: float | None = None) -> np.ndarray:
    """log(z / (1 - z)), where z is x, cut to [eps, 1 - eps] if eps is given."""
    z = wide(x)
    if eps is not None:
        z = np.where(z < eps, z.dtype.type(eps), np.where(z > 1 - eps, z.dtype.type(1 - eps), z))
    return np.log(z) - np.log1p(-z)


@quiet
def sinc(x: np.ndarray) -> np.ndarray:
    """sin(πx) / (πx), and 1 at 0. The argument is reduced by periods first, which is exact."""
    x = wide(x)
    if np.iscomplexobj(x):
        reduced = x - 2 * np.round(x.real / 2)
        return np.where(x == 0, 1, np.sin(PI * reduced) / np.where(x == 0, 1, PI * x)).astype(x.dtype)
    reduced = np.where(np.isfinite(x), x - 2 * np.round(x / 2), x)
    return np.where(x == 0, 1, np.sin(PI * reduced) / np.where(x == 0, 1, PI * x)).astype(x.dtype)


@quiet
def logaddexp(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """log(exp(x) + exp(y))."""
    return np.logaddexp(wide(x), wide(y))


@quiet
def logaddexp2(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """log2(2**x + 2**y)."""
    return np.logaddexp2(wide(x), wide(y))


@quiet
def xlogy(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x * log(y): 0 where x is 0, unless y is NaN."""
    x, y = wide(x), wide(y)
    return np.where(np.isnan(y), np.nan, np.where(x == 0, 0, x * np.log(y)))


@quiet
def xlog1py(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x * log(1 + y): 0 where x is 0, unless y is NaN."""
    x, y = wide(x), wide(y)
    return np.where(np.isnan(y), np.nan, np.where(x == 0, 0, x * np.log1p(y)))


@quiet
def angle(x: np.ndarray) -> np.ndarray:
    """The argument of a complex number; of a real one 0 or π (NaN for NaN)."""
    x = wide(x)
    if np.iscomplexobj(x):
        return np.angle(x)
    return np.where(np.isnan(x), x, np.where(x < 0, PI, 0)).astype(x.dtype)


FUNCTIONS: dict[str, Function] = {
    "reciprocal": _lifted(lambda x: 1 / x),
    "sqrt": _lifted(np.sqrt),
    "rsqrt": _lifted(lambda x: 1 / np.sqrt(x)),
    "exp": _lifted(np.exp),
    "exp2": _lifted(np.exp2),
    "expm1": _lifted(np.expm1),
    "log": _lifted(np.log),
    "log2": _lifted(np.log2),
    "log10": _lifted(np.log10),
    "log1p": _lifted(np.log1p),
    "sin": _lifted(np.sin),
    "cos": _lifted(np.cos),
    "tan": _lifted(np.tan),
    "asin": _lifted(np.arcsin),
    "acos": _lifted(np.arccos),
    "atan": _lifted(np.arctan),
    "sinh": _lifted(np.sinh),
    "cosh": _lifted(np.cosh),
    "tanh": _lifted(np.tanh),
    "asinh": _lifted(np.arcsinh),
    "acosh": _lifted(np.arccosh),
    "atanh": _lifted(np.arctanh),
    "sinc": sinc,
    "sigmoid": sigmoid,
    "logit": logit,
    "angle": angle,
    "deg2rad": _lifted(lambda x: x * (PI / 180)),
    "rad2deg": _lifted(lambda x: x * (180 / PI)),
    "atan2": quiet(lambda y, x: np.arctan2(wide(y), wide(x))),
    "hypot": quiet(lambda x, y: np.hypot(wide(x), wide(y))),
    "logaddexp": logaddexp,
    "logaddexp2": logaddexp2,
    "xlogy": xlogy,
    "xlog1py": xlog1py,
}

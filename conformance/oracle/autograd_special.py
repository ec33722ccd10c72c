"""Special functions on arrays of long doubles, through mpmath at 100 bits; and logistic ones without cancellation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

_MP = mpmath.MPContext()
_MP.prec = 100


def _lifted(function: Callable[..., Any]) -> Callable[..., np.ndarray]:
    def one(*values: Any) -> np.longdouble:
        found = function(*(_exactly(value) for value in values))
        high = float(found)
        return np.longdouble(high) + np.longdouble(float(found - _MP.mpf(high)))

    lifted = np.vectorize(one, otypes=[np.longdouble])
    return lambda *arrays: lifted(*arrays) if np.size(arrays[0]) else np.asarray(arrays[0], np.longdouble)


def _exactly(value: Any) -> Any:
    high = float(value)
    return _MP.mpf(high) + _MP.mpf(float(value - np.longdouble(high)))


erf = _lifted(_MP.erf)
erfc = _lifted(_MP.erfc)
erfcx = _lifted(lambda x: _MP.exp(x * x) * _MP.erfc(x))
erfinv = _lifted(_MP.erfinv)
lgamma = _lifted(lambda x: _MP.log(abs(_MP.gamma(x))))
digamma = _lifted(_MP.digamma)
polygamma2 = _lifted(lambda x: _MP.polygamma(2, x))
zeta = _lifted(lambda s, q: _MP.zeta(s, q))
i0 = _lifted(lambda x: _MP.besseli(0, x))
i0e = _lifted(lambda x: _MP.exp(-abs(x)) * _MP.besseli(0, x))
i1 = _lifted(lambda x: _MP.besseli(1, x))
i1e = _lifted(lambda x: _MP.exp(-abs(x)) * _MP.besseli(1, x))
ndtr = _lifted(_MP.ncdf)
ndtri = _lifted(lambda p: _MP.sqrt(2) * _MP.erfinv(2 * p - 1))
log_ndtr = _lifted(lambda x: _MP.log(_MP.ncdf(x)))

PI = np.longdouble("3.14159265358979323846264338327950288")


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def softplus(x: np.ndarray, beta: float = 1.0) -> np.ndarray:
    return np.log1p(np.exp(beta * x)) / beta


def gelu(x: np.ndarray) -> np.ndarray:
    return x * ndtr(x)


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    return x / 2 * (1 + np.tanh(np.sqrt(2 / PI) * (x + np.longdouble("0.044715") * x**3)))


def sinc(x: np.ndarray) -> np.ndarray:
    return np.sin(PI * x) / (PI * x)

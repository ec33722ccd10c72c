"""Special functions, each distinct value by mpmath at 120 bits: erf, lgamma, digamma, the incomplete gamma functions, …

Results come as long double. Poles and the edges of the domains follow PyTorch's documentation and C99's annex F.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

from conformance.oracle.math_elementary import Function, quiet, wide

_PRECISION = 120
_KNOWN: dict[tuple[Any, ...], np.longdouble] = {}


def narrow(value: Any) -> np.longdouble:
    """An mpmath number as long double: its head and its tail as doubles, added."""
    head = float(value)
    if not math.isfinite(head):
        return np.longdouble(head)
    return np.longdouble(head) + np.longdouble(float(value - mpmath.mpf(head)))


def pointwise(name: str, function: Callable[..., Any]) -> Function:
    """Evaluate a function of mpmath numbers at every distinct element of its broadcast operands."""

    def called(*arrays: np.ndarray) -> np.ndarray:
        operands = np.broadcast_arrays(*(np.asarray(wide(x), np.float64) for x in arrays))
        flat = np.stack([x.ravel() for x in operands], axis=-1).reshape(-1, len(operands))
        distinct, places = np.unique(np.ascontiguousarray(flat).view(np.int64), axis=0, return_inverse=True)
        found = np.array([_at(name, function, row) for row in distinct], np.longdouble)
        return found[places.reshape(-1)].reshape(operands[0].shape) if found.size else np.empty(operands[0].shape)

    return quiet(called)


def _at(name: str, function: Callable[..., Any], row: np.ndarray) -> np.longdouble:
    key = (name, *row.tolist())
    if key not in _KNOWN:
        with mpmath.workprec(_PRECISION):
            _KNOWN[key] = narrow(function(*row.view(np.float64).tolist()))
    return _KNOWN[key]


def _lgamma(x: float) -> Any:
    if math.isnan(x):
        return x
    if math.isinf(x) or (x <= 0 and x == math.floor(x)):
        return math.inf
    return mpmath.re(mpmath.loggamma(x))


def _digamma(x: float) -> Any:
    if x == 0:
        return math.copysign(math.inf, -x)
    if x == -math.inf or (x < 0 and x == math.floor(x)):
        return math.nan
    return x if not math.isfinite(x) else mpmath.digamma(x)


def _polygamma(n: int) -> Callable[[float], Any]:
    def at(x: float) -> Any:
        if x == math.inf:
            return 0.0
        if not math.isfinite(x):
            return math.nan
        pole = x <= 0 and x == math.floor(x)
        return math.inf if pole else mpmath.polygamma(n, x)

    return _digamma if n == 0 else at


def polygamma(n: int, x: np.ndarray) -> np.ndarray:
    """The n-th derivative of digamma."""
    return pointwise(f"polygamma{n}", _polygamma(n))(x)


@quiet
def mvlgamma(x: np.ndarray, p: int) -> np.ndarray:
    """The logarithm of the multivariate gamma function of dimension p, for x > (p - 1) / 2."""
    x = np.asarray(wide(x), np.longdouble)
    total = np.full(x.shape, p * (p - 1) / 4 * np.log(np.longdouble(math.pi)))
    for i in range(p):
        shifted = pointwise(f"mvlgamma{i}", lambda v, i=i: _lgamma_shifted(v, i))(x)
        total = total + shifted
    return total


def _lgamma_shifted(x: float, i: int) -> Any:
    return x if not math.isfinite(x) else mpmath.loggamma(mpmath.mpf(x) - mpmath.mpf(i) / 2)


def _i0(x: float) -> Any:
    # Beyond 720 the result is larger than any double.
    return mpmath.besseli(0, x) if abs(x) < 720 else abs(x) if math.isnan(x) else math.inf


def _erfinv(x: float) -> Any:
    if math.isnan(x) or abs(x) > 1:
        return math.nan
    return math.copysign(math.inf, x) if abs(x) == 1 else mpmath.erfinv(x)


def _erf(x: float) -> Any:
    return x if math.isnan(x) else math.copysign(1.0, x) if abs(x) > 30 else mpmath.erf(x)


def _erfc(x: float) -> Any:
    if math.isnan(x):
        return x
    return (0.0 if x > 0 else 2.0) if abs(x) > 30 else mpmath.erfc(x)


def _igamma(a: float, x: float) -> Any:
    """The regularised lower incomplete gamma function P(a, x)."""
    if math.isnan(a) or math.isnan(x) or a < 0 or x < 0:
        return math.nan
    if a == 0:
        return math.nan if x == 0 else 1.0
    if x == 0:
        return 0.0
    if math.isinf(a):
        return math.nan if math.isinf(x) else 0.0
    return 1.0 if math.isinf(x) else mpmath.gammainc(a, 0, x, regularized=True)


def _igammac(a: float, x: float) -> Any:
    """The regularised upper incomplete gamma function Q(a, x) = 1 - P(a, x)."""
    lower = _igamma(a, x)
    if isinstance(lower, float):
        return 1 - lower
    return mpmath.gammainc(a, x, mpmath.inf, regularized=True)


def _ndtri(p: float) -> Any:
    if math.isnan(p) or not 0 <= p <= 1:
        return math.nan
    if p in (0, 1):
        return math.inf if p else -math.inf
    return mpmath.sqrt(2) * mpmath.erfinv(2 * mpmath.mpf(p) - 1)


def _entr(x: float) -> Any:
    if math.isnan(x) or x == 0:
        return x
    return -math.inf if x < 0 or x == math.inf else -x * mpmath.log(x)


def _ndtr(x: float) -> Any:
    if math.isnan(x) or abs(x) > 40:
        return x if math.isnan(x) else float(x > 0)
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def _log_ndtr(x: float) -> Any:
    with mpmath.extraprec(60):
        return mpmath.log(mpmath.erfc(-mpmath.mpf(x) / mpmath.sqrt(2)) / 2)


def _erfcx(x: float) -> Any:
    # Below -27 the result is larger than any double; far out the asymptotic series is as good as its terms are small.
    if x < -27:
        return math.inf
    v = mpmath.mpf(x)
    if x > 90:
        w = 1 / (2 * v * v)
        return (1 - w * (1 - 3 * w * (1 - 5 * w * (1 - 7 * w * (1 - 9 * w))))) / (v * mpmath.sqrt(mpmath.pi))
    with mpmath.extraprec(60):
        return mpmath.exp(v * v) * mpmath.erfc(v)


def _scaled_bessel(order: int) -> Callable[[float], Any]:
    def at(x: float) -> Any:
        v = abs(mpmath.mpf(x))
        if v > 1e6:  # the first terms of the asymptotic series
            size = (1 - (4 * order**2 - 1) / (8 * v)) / mpmath.sqrt(2 * mpmath.pi * v)
        else:
            size = mpmath.exp(-v) * mpmath.besseli(order, v)
        return -size if order % 2 and x < 0 else size

    return at


def _i1(x: float) -> Any:
    if math.isnan(x):
        return x
    return mpmath.besseli(1, x) if abs(x) < 720 else math.copysign(math.inf, x)


FUNCTIONS: dict[str, Function] = {
    "erf": pointwise("erf", _erf),
    "erfc": pointwise("erfc", _erfc),
    "erfinv": pointwise("erfinv", _erfinv),
    "lgamma": pointwise("lgamma", _lgamma),
    "digamma": pointwise("digamma", _digamma),
    "polygamma": polygamma,
    "mvlgamma": mvlgamma,
    "i0": pointwise("i0", _i0),
    "igamma": pointwise("igamma", _igamma),
    "igammac": pointwise("igammac", _igammac),
    "ndtr": pointwise("ndtr", _ndtr),
    "ndtri": pointwise("ndtri", _ndtri),
    "log_ndtr": pointwise("log_ndtr", _log_ndtr),
    "entr": pointwise("entr", _entr),
    "erfcx": pointwise("erfcx", _erfcx),
    "i0e": pointwise("i0e", _scaled_bessel(0)),
    "i1": pointwise("i1", _i1),
    "i1e": pointwise("i1e", _scaled_bessel(1)),
    "bessel_j0": pointwise("bessel_j0", lambda x: mpmath.besselj(0, x)),
    "bessel_j1": pointwise("bessel_j1", lambda x: mpmath.besselj(1, x)),
    "zeta": pointwise("zeta", lambda s, q: mpmath.zeta(s, q)),
    "airy_ai": pointwise("airy_ai", lambda x: mpmath.airyai(x)),
    "spherical_bessel_j0": pointwise("spherical_bessel_j0", lambda x: mpmath.sinc(x)),
    "scaled_modified_bessel_k0": pointwise("scaled_k0", lambda x: mpmath.exp(x) * mpmath.besselk(0, x)),
    "scaled_modified_bessel_k1": pointwise("scaled_k1", lambda x: mpmath.exp(x) * mpmath.besselk(1, x)),
    "bessel_y0": pointwise("bessel_y0", lambda x: mpmath.bessely(0, x)),
    "bessel_y1": pointwise("bessel_y1", lambda x: mpmath.bessely(1, x)),
    "modified_bessel_i0": pointwise("i0", _i0),
    "modified_bessel_i1": pointwise("i1", _i1),
    "modified_bessel_k0": pointwise("k0", lambda x: mpmath.besselk(0, x)),
    "modified_bessel_k1": pointwise("k1", lambda x: mpmath.besselk(1, x)),
}


# Orthogonal polynomials by their three-term recurrences: name: (P1, (n, x, P(n), P(n-1)) -> P(n + 1)).
Step = Callable[[int, Any, Any, Any], Any]
_POLYNOMIALS: dict[str, tuple[Callable[[Any], Any], Step]] = {
    "chebyshev_polynomial_t": (lambda x: x, lambda n, x, p, q: 2 * x * p - q),
    "chebyshev_polynomial_u": (lambda x: 2 * x, lambda n, x, p, q: 2 * x * p - q),
    "chebyshev_polynomial_v": (lambda x: 2 * x - 1, lambda n, x, p, q: 2 * x * p - q),
    "chebyshev_polynomial_w": (lambda x: 2 * x + 1, lambda n, x, p, q: 2 * x * p - q),
    "shifted_chebyshev_polynomial_t": (lambda x: 2 * x - 1, lambda n, x, p, q: 2 * (2 * x - 1) * p - q),
    "shifted_chebyshev_polynomial_u": (lambda x: 4 * x - 2, lambda n, x, p, q: 2 * (2 * x - 1) * p - q),
    "shifted_chebyshev_polynomial_v": (lambda x: 4 * x - 3, lambda n, x, p, q: 2 * (2 * x - 1) * p - q),
    "shifted_chebyshev_polynomial_w": (lambda x: 4 * x - 1, lambda n, x, p, q: 2 * (2 * x - 1) * p - q),
    "hermite_polynomial_h": (lambda x: 2 * x, lambda n, x, p, q: 2 * x * p - 2 * n * q),
    "hermite_polynomial_he": (lambda x: x, lambda n, x, p, q: x * p - n * q),
    "laguerre_polynomial_l": (lambda x: 1 - x, lambda n, x, p, q: ((2 * n + 1 - x) * p - n * q) / (n + 1)),
    "legendre_polynomial_p": (lambda x: x, lambda n, x, p, q: ((2 * n + 1) * x * p - n * q) / (n + 1)),
}
POLYNOMIALS = tuple(_POLYNOMIALS)


def polynomial(name: str, x: np.ndarray, degree: int) -> np.ndarray:
    """The orthogonal polynomial of a degree at x; 0 for negative degrees."""
    first, step = _POLYNOMIALS[name]
    x = np.asarray(x, np.longdouble)
    before, here = np.zeros_like(x), np.ones_like(x) * (degree >= 0)
    for n in range(max(degree, 0)):
        before, here = here, first(x) if n == 0 else step(n, x, here, before)
    return here

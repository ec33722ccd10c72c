"""How far a right answer may be from the exact one: error classes with reasons, and the comparison itself.

Every bound follows from the dtype, the operation and the size. Expected values come as arrays in at least the
precision of the result (float64 or long double for the narrower dtypes), so that the bound is PyTorch's alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.dtypes import DTYPES, DType


@dataclass(frozen=True)
class Error:
    """An error class: the result may be `ulps` units in the last place of the exact result away, and besides
    `terms` roundings of the operation's scale (the sum of the magnitudes that were added up)."""

    name: str
    ulps: float
    reason: str
    terms: float = 0.0

    def over(self, terms: float) -> Error:
        """The class for that many roundings of the scale, e.g. the length of a sum."""
        return Error(self.name, self.ulps, self.reason, float(terms))


EXACT = Error("exact", 0.0, "no rounding: the result is one of the inputs, an integer, a truth value or a shape")
ROUNDED = Error("rounded", 0.5, "IEEE 754 requires the nearest number: + - * / sqrt, and conversions")
FAITHFUL = Error("faithful", 1.0, "one of the two neighbours of the exact result")
FEW_ULPS = Error(
    "few_ulps", 4.0, "vectorised elementary functions promise 1 ULP (SLEEF u10) up to 4 (their wide forms)"
)
# Functions made of several elementary ones: each step rounds, and relative errors add up.
COMPOSED = Error("composed", 16.0, "a short formula of elementary functions, about four each of at most 4 ULP")
SUMMED = Error("summed", 1.0, "n terms in any order: at most n-1 roundings of the sum of magnitudes (Higham 2002, 4.2)")
PRODUCT = Error("product", 1.0, "n factors: at most n-1 roundings of the product")
INNER = Error("inner", 1.0, "inner product of length n: n roundings of the sum of |a||b| (Higham 2002, 3.1)")
RESIDUAL = Error("residual", 0.0, "backward stable: residual within a small multiple of n * eps * norm")
# Oracles of derivatives say how many terms: the roundings of the formula, of the forward pass, and of the oracle.
GRADIENT = Error("gradient", 4.0, "a product of few derivatives; each rounds, on the scale of the sum of magnitudes")

# A recurrence of some steps, each of a few operations: their roundings add up along the way.
RECURRENCE = Error("recurrence", 4.0, "n steps of a recurrence: the roundings of each add up, at most terms of them")

CLASSES = {
    error.name: error
    for error in (EXACT, ROUNDED, FAITHFUL, FEW_ULPS, COMPOSED, SUMMED, PRODUCT, INNER, RESIDUAL, RECURRENCE)
}


class Margin:
    """The largest share of an allowed error that was used since the last reset, or None."""

    def __init__(self) -> None:
        self.used: float | None = None

    def reset(self) -> None:
        self.used = None

    def note(self, share: float) -> None:
        self.used = share if self.used is None else max(self.used, share)


margin = Margin()

# What the profile of the subject under judgement allows beyond the suite's bounds: factor by class name.
widening: dict[str, float] = {}


@dataclass(frozen=True)
class Mismatch:
    """The worst element of a comparison that failed. `index`: its place in the array."""

    index: tuple[int, ...]
    expected: object
    actual: object
    off_by: float
    allowed: float
    count: int


def ulp(values: np.ndarray, facts: DType) -> np.ndarray:
    """The spacing of a dtype's numbers at each value (float64 array); at zero the least subnormal."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        size = np.minimum(np.abs(np.asarray(values)).astype(np.float64), _largest(facts))
        exponent = np.where(size == 0, facts.emin, np.frexp(np.where(np.isfinite(size), size, 1.0))[1] - 1)
    return np.ldexp(1.0, np.maximum(exponent, facts.emin) - facts.precision + 1)


def _largest(facts: DType) -> float:
    return float((2.0 - 2.0 ** (1 - facts.precision)) * 2.0**facts.emax)


def largest(dtype: str) -> float:
    """The largest finite number of a floating dtype (of the parts, for complex)."""
    return 448.0 if dtype == "float8_e4m3fn" else _largest(DTYPES[dtype])


def smallest_normal(dtype: str) -> float:
    """The smallest positive number of full precision."""
    return 2.0 ** DTYPES[dtype].emin


def bound(expected: np.ndarray, dtype: str, error: Error, scale: np.ndarray | float | None = None) -> np.ndarray:
    """The absolute error that a class allows at each element (float64 array, shape of expected; long double for
    float64, since half of its least subnormal is no float64).

    `scale`: the sum of magnitudes for classes that count `terms`; the magnitude of the result by default.
    """
    facts = DTYPES[dtype]
    if not facts.is_inexact:
        return np.zeros(np.shape(expected))
    wide: type[Any] = np.longdouble if facts.precision == 53 else np.float64
    allowed = wide(error.ulps) * ulp(expected, facts).astype(wide)
    if error.terms:
        size = np.abs(np.asarray(expected)) if scale is None else np.asarray(scale)
        with np.errstate(invalid="ignore", over="ignore"):
            allowed = (
                allowed
                + error.terms * (facts.epsilon / 2) * size.astype(np.float64)
                + error.terms * _least(facts, wide)
            )
    return allowed * widening.get(error.name, 1.0)


def _least(facts: DType, wide: type[np.floating]) -> np.floating:
    """Half of the least subnormal."""
    return np.ldexp(wide(0.5), max(facts.emin - facts.precision + 1, -1074))


def compare(
    actual: np.ndarray,
    expected: np.ndarray,
    dtype: str,
    error: Error = EXACT,
    scale: np.ndarray | float | None = None,
    *,
    signed_zeros: bool = False,
) -> Mismatch | None:
    """The worst disagreement of two arrays of equal shape, or None. Notes the margin used.

    NaN agrees with NaN only, an infinity with the same infinity, or with an exact result too large for the
    dtype. `signed_zeros`: -0 and +0 differ as well (for exact classes).
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    if not DTYPES[dtype].is_inexact:
        wrong = actual != expected
        return _report(wrong, wrong.astype(float), np.zeros(wrong.shape), actual, expected)
    if np.iscomplexobj(actual) or np.iscomplexobj(expected):
        return _compare_complex(actual, expected, dtype, error, scale)
    allowed = bound(expected, dtype, error, scale)
    if error == ROUNDED and error.name not in widening:
        # The nearest number of a number of the dtype is itself; below a power of two, half an ULP would allow another.
        allowed = np.where(_representable(expected, DTYPES[dtype]), 0.0, allowed)
    gap, wrong = _gaps(actual, expected, allowed, dtype)
    if signed_zeros:
        wrong |= (actual == 0) & (expected == 0) & (np.signbit(actual) != np.signbit(expected))
    return _report(wrong, gap, allowed, actual, expected)


def _representable(values: np.ndarray, facts: DType) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        steps = values / ulp(values, facts)
        return (steps == np.rint(steps)) & (np.abs(values) <= _largest(facts))


def _gaps(actual: np.ndarray, expected: np.ndarray, allowed: np.ndarray, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    wide: type[Any] = np.longdouble if expected.dtype == np.longdouble else np.float64
    a, e = actual.astype(wide), expected.astype(wide)
    top = _largest(DTYPES[dtype])
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(a - e)
        same = (a == e) | (np.isnan(a) & np.isnan(e))
        finite = np.isfinite(a) & np.isfinite(e)
        near = finite & (gap <= allowed)
        # A result is infinite where the number after the largest one is within the allowed error.
        beyond = (np.abs(e) - top) + allowed >= float(ulp(np.asarray(top), DTYPES[dtype]))
        edge = np.isinf(a) & (np.sign(a) == np.sign(e)) & beyond
        gap = np.where(same | edge, 0.0, np.where(finite, gap, np.inf))
    return np.asarray(gap, dtype=np.float64), ~(same | near | edge)


def _compare_complex(
    actual: np.ndarray, expected: np.ndarray, dtype: str, error: Error, scale: np.ndarray | float | None
) -> Mismatch | None:
    # A complex result is as good as its modulus allows: each part is compared on the scale of the whole.
    size = np.abs(expected)
    size = np.where(np.isfinite(size), size, 0.0)
    allowed = bound(size, dtype, error, scale)
    gaps, wrongs = zip(
        *(_gaps(np.asarray(a), np.asarray(e), allowed, dtype) for a, e in _parts(actual, expected)), strict=True
    )
    return _report(wrongs[0] | wrongs[1], np.maximum(*gaps), allowed, actual, expected)


def _parts(actual: np.ndarray, expected: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.real(actual), np.real(expected)), (np.imag(actual), np.imag(expected))]


def _report(
    wrong: np.ndarray, gap: np.ndarray, allowed: np.ndarray, actual: np.ndarray, expected: np.ndarray
) -> Mismatch | None:
    if wrong.size == 0:
        return None
    if not wrong.any():
        loose = allowed > 0
        if loose.any():
            margin.note(float((gap[loose] / allowed[loose]).max()))
        return None
    place = int(np.argmax(np.where(wrong, np.nan_to_num(gap, posinf=np.finfo(float).max) + 1e-300, -1.0)))
    index = tuple(int(i) for i in np.unravel_index(place, wrong.shape))
    return Mismatch(index, expected[index], actual[index], float(gap[index]), float(allowed[index]), int(wrong.sum()))

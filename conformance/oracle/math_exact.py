"""Signs, rounding, bounds, comparisons, logic and bits: functions whose result is exact.

Operands come in the host dtype that the function computes in. Results have that dtype or bool, or are exact in the
wider type of `math_elementary.wide`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from conformance.dtypes import DTYPES
from conformance.oracle.math_arithmetic import is_integer, maximum, minimum, operands
from conformance.oracle.math_elementary import Function, quiet, wide


@quiet
def absolute(x: np.ndarray) -> np.ndarray:
    """The magnitude; the least integer wraps to itself."""
    return np.abs(x if is_integer(x) else wide(x))


@quiet
def negative(x: np.ndarray) -> np.ndarray:
    return np.negative(x) if x.dtype.kind in "iu" else -wide(x)


@quiet
def sign(x: np.ndarray) -> np.ndarray:
    """-1, 0 or 1, of the operand's type; 0 for -0 and (in PyTorch) for NaN."""
    return (x > 0).astype(x.dtype) if x.dtype.kind in "bu" else ((x > 0).astype(x.dtype) - (x < 0).astype(x.dtype))


@quiet
def sgn(x: np.ndarray) -> np.ndarray:
    """x / |x| for complex numbers, and 0 for 0; the sign of real ones."""
    if not np.iscomplexobj(x):
        return sign(x)
    x = wide(x)
    return np.where(x == 0, 0, x / np.where(x == 0, 1, np.abs(x)))


@quiet
def _floating(function: Any, x: np.ndarray) -> np.ndarray:
    return x if is_integer(x) else function(wide(x))


@quiet
def round_(x: np.ndarray, decimals: int = 0) -> np.ndarray:
    """The nearest integer, halves to the even one; with decimals, the nearest multiple of 10**-decimals."""
    if decimals == 0 or is_integer(x):
        return _floating(np.rint, x)
    x = wide(x)
    ten = x.dtype.type(10) ** abs(decimals)
    return np.rint(x * ten) / ten if decimals > 0 else np.rint(x / ten) * ten


@quiet
def frac(x: np.ndarray) -> np.ndarray:
    """x - trunc(x); the difference of an infinity is NaN."""
    x = wide(x)
    return x - np.trunc(x)


@quiet
def clamp(x: np.ndarray, min: Any = None, max: Any = None) -> np.ndarray:
    """min(max(x, min), max): the upper bound wins where they cross; a NaN anywhere gives NaN."""
    given = [bound for bound in (min, max) if bound is not None]
    x, *bounds = operands(x, *given)
    if min is not None:
        x = maximum(x, bounds[0])
    return x if max is None else minimum(x, bounds[-1])


@quiet
def nan_to_num(
    x: np.ndarray,
    nan: float = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    dtype: str | None = None,
) -> np.ndarray:
    """NaN and infinities replaced; infinities by the dtype's largest and lowest finite number, if nothing is given."""
    if is_integer(x):
        return x
    if np.iscomplexobj(x):
        parts = {"complex64": "float32", "complex128": "float64", None: None}[dtype]
        return nan_to_num(x.real, nan, posinf, neginf, dtype=parts) + 1j * nan_to_num(
            x.imag, nan, posinf, neginf, dtype=parts
        )
    facts = DTYPES[dtype or x.dtype.name]
    top = (2.0 - 2.0 ** (1 - facts.precision)) * 2.0**facts.emax
    posinf, neginf = (top if posinf is None else posinf), (-top if neginf is None else neginf)
    return np.where(np.isnan(x), nan, np.where(x == np.inf, posinf, np.where(x == -np.inf, neginf, wide(x))))


@quiet
def copysign(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The magnitude of x with the sign of y, -0 and NaN with a sign included."""
    return np.copysign(wide(x), wide(y))


@quiet
def nextafter(x: np.ndarray, y: np.ndarray, *, dtype: str | None = None) -> np.ndarray:
    """The number of the dtype (by default the host's) next to x towards y."""
    x, y = np.broadcast_arrays(x, y)
    if dtype != "bfloat16":
        return np.where(x == y, y, np.nextafter(x, y))
    # bfloat16 is the upper half of float32: one step is 2**16 of float32's, away from zero if the magnitude grows.
    raw = x.astype(np.float32).view(np.int32)
    grows = np.where(x > 0, y > x, y < x)
    stepped = np.where(grows, raw + 0x10000, raw - 0x10000).astype(np.int32).view(np.float32)
    stepped = np.where(x == 0, np.copysign(np.float32(2.0**-133), y), stepped)
    return np.where(np.isnan(x) | np.isnan(y), np.float32(np.nan), np.where(x == y, y, stepped)).astype(np.float32)


@quiet
def heaviside(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """0 below zero, 1 above, the given value at zero, NaN at NaN."""
    x, values = np.broadcast_arrays(x, values)
    one = np.ones((), x.dtype)
    step = np.where(x == 0, values, np.where(x > 0, one, np.zeros((), x.dtype)))
    return np.where(x != x, x, step)


def _whole(function: Any) -> Function:
    return lambda x, y: function(*operands(x, y))


@quiet
def gcd(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The greatest common divisor, never negative (but for the least integer, which has no opposite)."""
    x, y = operands(x, y)
    return _each(lambda a, b: math.gcd(a, b), x, y)


@quiet
def lcm(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The least common multiple, never negative; 0 if either is 0. Wraps."""
    x, y = operands(x, y)
    return _each(lambda a, b: math.lcm(a, b), x, y)


def _each(function: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    bits = x.dtype.itemsize * 8
    found = [function(int(a), int(b)) % (1 << bits) for a, b in zip(x.ravel(), y.ravel(), strict=True)]
    return np.array(found, np.uint64).astype(x.dtype).reshape(x.shape)


def _truth(function: Any) -> Function:
    return quiet(lambda *arrays: function(*(np.asarray(x) != 0 for x in arrays)))


@quiet
def shift_left(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x * 2**y, wrapped, for 0 <= y < bits."""
    return np.left_shift(*operands(x, y))


@quiet
def shift_right(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """floor(x / 2**y), for 0 <= y < bits."""
    return np.right_shift(*operands(x, y))


def _rounding(function: Any) -> Function:
    return lambda x: _floating(function, np.asarray(x))


FUNCTIONS: dict[str, Function] = {
    "abs": absolute,
    "neg": negative,
    "positive": lambda x: np.array(x),
    "sign": sign,
    "sgn": sgn,
    "signbit": lambda x: x < 0 if is_integer(x) else np.signbit(x),
    "ceil": _rounding(np.ceil),
    "floor": _rounding(np.floor),
    "trunc": _rounding(np.trunc),
    "round": round_,
    "frac": frac,
    "clamp": clamp,
    "clamp_min": lambda x, min: clamp(x, min=min),
    "clamp_max": lambda x, max: clamp(x, max=max),
    "nan_to_num": nan_to_num,
    "relu": lambda x: clamp(x, min=np.zeros((), x.dtype)),
    "conj_physical": lambda x: np.conj(x),
    "logical_not": _truth(np.logical_not),
    "logical_and": _truth(np.logical_and),
    "logical_or": _truth(np.logical_or),
    "logical_xor": _truth(np.logical_xor),
    "bitwise_not": lambda x: np.invert(x),
    "bitwise_and": _whole(np.bitwise_and),
    "bitwise_or": _whole(np.bitwise_or),
    "bitwise_xor": _whole(np.bitwise_xor),
    "bitwise_left_shift": shift_left,
    "bitwise_right_shift": shift_right,
    "copysign": copysign,
    "nextafter": nextafter,
    "heaviside": heaviside,
    "gcd": gcd,
    "lcm": lcm,
    "eq": _whole(np.equal),
    "ne": _whole(np.not_equal),
    "lt": _whole(np.less),
    "le": _whole(np.less_equal),
    "gt": _whole(np.greater),
    "ge": _whole(np.greater_equal),
    "isnan": lambda x: x != x,
    "isinf": lambda x: np.isinf(x),
    "isfinite": lambda x: np.isfinite(x),
    "isposinf": lambda x: x == np.inf,
    "isneginf": lambda x: x == -np.inf,
    "isreal": lambda x: np.imag(x) == 0,
    "where": lambda condition, x, y: np.where(condition, *operands(x, y)),
}

"""Arithmetic: sums, products, quotients, remainders, powers, extremes, and the functions of three operands.

Operands come in the host dtype that the function computes in. Integer results wrap in that dtype; real and complex
ones come in the wider type of `math_elementary.wide`, rounded there at most once per operation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.oracle.math_elementary import Function, quiet, wide


def operands(*values: Any) -> tuple[np.ndarray, ...]:
    """Broadcast operands in one type: the common integer type or bool, or else the wide type of the most general."""
    arrays = [np.asarray(value) for value in values]
    kinds = {array.dtype.kind for array in arrays}
    if kinds <= set("biu"):
        common = np.result_type(*(array.dtype for array in arrays))
        return tuple(np.broadcast_arrays(*(array.astype(common) for array in arrays)))
    lifted = [array.astype(np.float64) if array.dtype.kind in "biu" else wide(array) for array in arrays]
    common = np.result_type(*(array.dtype for array in lifted))
    return tuple(np.broadcast_arrays(*(array.astype(common) for array in lifted)))


def is_integer(x: np.ndarray) -> bool:
    return x.dtype.kind in "biu"


@quiet
def add(x: np.ndarray, y: np.ndarray, alpha: Any = 1) -> np.ndarray:
    """x + alpha * y."""
    x, y = operands(x, y)
    if x.dtype.kind == "b":
        return x | (y & bool(alpha))
    return x + (y if alpha == 1 else y * x.dtype.type(alpha))


@quiet
def sub(x: np.ndarray, y: np.ndarray, alpha: Any = 1) -> np.ndarray:
    """x - alpha * y."""
    x, y = operands(x, y)
    return x - (y if alpha == 1 else y * x.dtype.type(alpha))


@quiet
def mul(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = operands(x, y)
    return x * y


@quiet
def div(x: np.ndarray, y: np.ndarray, rounding_mode: str | None = None) -> np.ndarray:
    """x / y; rounded towards zero ('trunc') or downwards ('floor') if asked. True division of integers is real."""
    x, y = operands(x, y)
    if rounding_mode == "floor":
        return floor_divide(x, y)
    if rounding_mode == "trunc":
        return _integer_trunc(x, y) if is_integer(x) else np.trunc(x / y)
    if is_integer(x):
        x, y = wide(x), wide(y)
    return x / y


def _integer_trunc(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "b":
        x, y = x.astype(np.int64), y.astype(np.int64)
    return ((x - np.fmod(x, y)) // y).astype(x.dtype)


@quiet
def floor_divide(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The quotient rounded downwards; by zero, the quotient itself."""
    x, y = operands(x, y)
    if x.dtype.kind in "iu":
        return x // y
    return np.where(y == 0, x / y, np.floor_divide(x, y))


@quiet
def remainder(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x - y * floor(x / y): the sign of the divisor, as in Python."""
    x, y = operands(x, y)
    return np.remainder(x, y)


@quiet
def fmod(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x - y * trunc(x / y): the sign of the dividend, as in C."""
    x, y = operands(x, y)
    return np.fmod(x, y)


@quiet
def power(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x to the power y; integers wrap."""
    x, y = operands(x, y)
    return _integer_power(x, y) if is_integer(x) else np.power(x, y)


def _integer_power(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "b":
        return (x | ~y).astype(x.dtype)
    bits = x.dtype.itemsize * 8
    whole = [pow(int(a), int(b), 1 << bits) for a, b in zip(x.ravel(), y.ravel(), strict=True)]
    return np.array(whole, np.uint64).astype(x.dtype).reshape(x.shape)


@quiet
def float_power(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x to the power y in double precision, whatever the operands."""
    double = np.complex128 if np.iscomplexobj(x) or np.iscomplexobj(y) else np.float64
    return power(np.asarray(x).astype(double), np.asarray(y).astype(double))


@quiet
def maximum(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The larger element; NaN if either is."""
    return np.maximum(*operands(x, y))


@quiet
def minimum(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The smaller element; NaN if either is."""
    return np.minimum(*operands(x, y))


@quiet
def fmax(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The larger element; the other one if one is NaN."""
    return np.fmax(*operands(x, y))


@quiet
def fmin(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The smaller element; the other one if one is NaN."""
    return np.fmin(*operands(x, y))


@quiet
def ldexp(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x * 2**y."""
    return wide(x) * np.exp2(wide(y))


@quiet
def lerp(start: np.ndarray, end: np.ndarray, weight: Any) -> np.ndarray:
    """start + weight * (end - start)."""
    start, end, weight = operands(start, end, weight)
    return start + weight * (end - start)


@quiet
def addcmul(x: np.ndarray, tensor1: np.ndarray, tensor2: np.ndarray, value: Any = 1) -> np.ndarray:
    """x + value * tensor1 * tensor2."""
    x, a, b = operands(x, tensor1, tensor2)
    return x + x.dtype.type(value) * a * b


@quiet
def addcdiv(x: np.ndarray, tensor1: np.ndarray, tensor2: np.ndarray, value: Any = 1) -> np.ndarray:
    """x + value * tensor1 / tensor2."""
    x, a, b = operands(x, tensor1, tensor2)
    return x + x.dtype.type(value) * a / b


def _joined(real: np.ndarray, imag: np.ndarray) -> np.ndarray:
    joined = np.empty(np.broadcast_shapes(real.shape, imag.shape), np.result_type(real, np.complex128))
    joined.real, joined.imag = real, imag
    return joined


FUNCTIONS: dict[str, Function] = {
    "square": lambda x: mul(x, x),
    "add": add,
    "sub": sub,
    "rsub": lambda x, y, alpha=1: sub(y, x, alpha),
    "mul": mul,
    "div": div,
    "floor_divide": floor_divide,
    "remainder": remainder,
    "fmod": fmod,
    "pow": power,
    "float_power": float_power,
    "maximum": maximum,
    "minimum": minimum,
    "fmax": fmax,
    "fmin": fmin,
    "ldexp": ldexp,
    "complex": quiet(lambda x, y: _joined(wide(x), wide(y))),
    "polar": quiet(lambda size, turn: _joined(wide(size) * np.cos(wide(turn)), wide(size) * np.sin(wide(turn)))),
    "lerp": lerp,
    "addcmul": addcmul,
    "addcdiv": addcdiv,
}

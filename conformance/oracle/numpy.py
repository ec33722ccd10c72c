"""The bridge between tensors and Python or numpy, worked out without PyTorch: numbers, nested lists, refused arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from conformance.dtypes import DTYPES, NUMPY, UNSIGNED_EXTRA

# numpy's dtypes that PyTorch has too; they keep their names.
SHARED = (*NUMPY, *UNSIGNED_EXTRA)
# The Python type that a number of each kind of dtype becomes.
PYTHON = {"bool": bool, "uint": int, "int": int, "float": float, "complex": complex}


def number(value: Any, dtype: str) -> bool | int | float | complex:
    """A value of a dtype as the Python number that holds it exactly."""
    return PYTHON[DTYPES[dtype].kind](value)


def nested(values: np.ndarray, dtype: str) -> Any:
    """An array as nested lists of Python numbers; a number for a 0-d array."""
    if values.ndim == 0:
        return number(values[()], dtype)
    return [nested(row, dtype) for row in values]


def identical(a: Any, b: Any) -> bool:
    """Whether two Python numbers or nested lists agree in type and value; NaN agrees with NaN, -0.0 not with 0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(identical(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, complex):
        return identical(a.real, b.real) and identical(a.imag, b.imag)
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return bool(a == b)


def truth(value: Any) -> bool:
    """Whether a number counts as true: all but zero, NaN included."""
    return bool(value != 0)


def refused_arrays() -> dict[str, np.ndarray]:
    """Arrays of dtypes that PyTorch has no counterpart for, by name."""
    found = {
        "text": np.array(["a", "b"]),
        "bytes": np.array([b"a", b"b"]),
        "object": np.array([object(), 1.0], dtype=object),
        "object of numbers": np.array([1, 2], dtype=object),
        "datetime": np.zeros(3, "M8[s]"),
        "timedelta": np.zeros(3, "m8[s]"),
        "void": np.zeros(3, "V4"),
        "structured": np.zeros(3, [("a", "i4"), ("b", "f4")]),
    }
    if np.finfo(np.longdouble).nmant > np.finfo(np.float64).nmant:  # on some systems it is float64 by another name
        found |= {"long double": np.ones(2, np.longdouble), "complex long double": np.ones(2, np.clongdouble)}
    return found


def swapped_arrays() -> dict[str, np.ndarray]:
    """Arrays whose bytes stand in the order that this machine does not use, by name."""
    names = ("i2", "i4", "i8", "f2", "f4", "f8", "c8", "c16")
    return {name: np.arange(5).astype(np.dtype(name).newbyteorder()) for name in names}


def reversed_arrays() -> dict[str, np.ndarray]:
    """Arrays with a negative stride somewhere, by name."""
    flat, table = np.arange(24.0), np.arange(24, dtype=np.int32).reshape(2, 3, 4)
    return {
        "x[::-1]": flat[::-1],
        "x[::-2]": flat[::-2],
        "x[:1:-3]": flat[:1:-3],
        "t[::-1]": table[::-1],
        "t[:, ::-1]": table[:, ::-1],
        "t[..., ::-1]": table[..., ::-1],
        "t.T[::-1]": table.T[::-1],
        "flip(t)": np.flip(table),
        "rot90(t[0])": np.rot90(table[0]),
        "one element, t[1:2, ::-1]": table[1:2, ::-1],
    }

"""The facts about PyTorch's dtypes that the suite relies on, as data; needs no PyTorch.

`host` is the numpy dtype that holds every value of the dtype exactly: arrays of it are what oracles read.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DType:
    """One dtype. `precision`: significand bits with the hidden one; `emin`, `emax`: binary exponents of the
    smallest and the largest normal number (IEEE 754 convention, 1.f * 2**e); of the parts, for complex dtypes."""

    name: str
    kind: str  # bool | uint | int | float | complex
    bytes: int
    host: str
    precision: int = 0
    emin: int = 0
    emax: int = 0
    since: str | None = None

    @property
    def is_floating(self) -> bool:
        return self.kind == "float"

    @property
    def is_complex(self) -> bool:
        return self.kind == "complex"

    @property
    def is_inexact(self) -> bool:
        return self.kind in ("float", "complex")

    @property
    def epsilon(self) -> float:
        """The distance from 1 to the next larger number."""
        return 2.0 ** (1 - self.precision)


_ROWS = (
    DType("bool", "bool", 1, "bool"),
    DType("uint8", "uint", 1, "uint8"),
    DType("int8", "int", 1, "int8"),
    DType("int16", "int", 2, "int16"),
    DType("int32", "int", 4, "int32"),
    DType("int64", "int", 8, "int64"),
    DType("float16", "float", 2, "float16", 11, -14, 15),
    DType("bfloat16", "float", 2, "float32", 8, -126, 127),
    DType("float32", "float", 4, "float32", 24, -126, 127),
    DType("float64", "float", 8, "float64", 53, -1022, 1023),
    DType("complex64", "complex", 8, "complex64", 24, -126, 127),
    DType("complex128", "complex", 16, "complex128", 53, -1022, 1023),
    DType("complex32", "complex", 4, "complex64", 11, -14, 15),
    DType("uint16", "uint", 2, "uint16", since="2.3"),
    DType("uint32", "uint", 4, "uint32", since="2.3"),
    DType("uint64", "uint", 8, "uint64", since="2.3"),
    DType("float8_e5m2", "float", 1, "float32", 3, -14, 15, since="2.1"),
    DType("float8_e4m3fn", "float", 1, "float32", 4, -6, 8, since="2.1"),
)

DTYPES = {row.name: row for row in _ROWS}

# The dtypes that nearly every function takes; the others only few functions know.
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
FLOATS = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
COMMON = ("bool", *INTEGERS, *FLOATS, *COMPLEX)
REAL = ("bool", *INTEGERS, *FLOATS)
UNSIGNED_EXTRA = ("uint16", "uint32", "uint64")
REDUCED = ("float16", "bfloat16", "float8_e5m2", "float8_e4m3fn", "complex32")
NUMPY = ("bool", *INTEGERS, "float16", "float32", "float64", *COMPLEX)

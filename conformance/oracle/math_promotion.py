"""Type promotion: the dtype that an operation computes in, and the one of its result.

After the documentation of tensor attributes ("Type Promotion"). An operand is `(dtype, rank)`: the dtype's name and
"tensor" (one dimension or more), "scalar" (a 0-d tensor) or "number" (a Python number, with the default dtype of its
kind: int64, float32 or complex64).
"""

from __future__ import annotations

from collections.abc import Sequence

from conformance.dtypes import DTYPES

_KINDS = {"bool": 0, "uint": 1, "int": 1, "float": 2, "complex": 3}
_RANKS = ("tensor", "scalar", "number")
_SIGNED = ("int8", "int16", "int32", "int64")
_REAL = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}
_COMPLEX = {"float16": "complex32", "bfloat16": "complex64", "float32": "complex64", "float64": "complex128"}

Operand = tuple[str, str]


def category(dtype: str) -> int:
    """0 for bool, 1 for integers, 2 for floating, 3 for complex dtypes."""
    return _KINDS[DTYPES[dtype].kind]


def common(a: str, b: str) -> str:
    """The smallest dtype that can stand for both, as for two tensors of one dimension or more."""
    if a == b:
        return a
    if category(a) > category(b):
        a, b = b, a
    if category(a) < category(b):
        return b if category(b) < 3 or category(a) < 2 else _widest_complex(_COMPLEX[a], b)
    if category(a) == 3:
        return _widest_complex(a, b)
    return _integers(a, b) if category(a) == 1 else _floats(a, b)


def _widest_complex(a: str, b: str) -> str:
    return max(a, b, key=lambda dtype: DTYPES[dtype].bytes)


def _integers(a: str, b: str) -> str:
    if "uint8" not in (a, b):
        return max(a, b, key=_SIGNED.index)
    other = a if b == "uint8" else b
    return "int16" if other == "int8" else other


def _floats(a: str, b: str) -> str:
    return "float32" if {a, b} == {"float16", "bfloat16"} else max(a, b, key=lambda dtype: DTYPES[dtype].bytes)


def promoted(operands: Sequence[Operand], default: str = "float32") -> str:
    """The dtype that these operands are computed in; `default`: PyTorch's default dtype, that of Python's floats."""
    found: str | None = None
    for rank in _RANKS:
        here = [_number(dtype, default) if rank == "number" else dtype for dtype, kind in operands if kind == rank]
        for dtype in here:
            found = dtype if found is None else _joined(found, dtype, rank, operands)
    assert found is not None
    return found


def is_documented(operands: Sequence[Operand]) -> bool:
    """Whether the documentation settles the dtype: not where half precision meets complex numbers of another rank, of
    which some releases make complex32 and others complex64."""
    halves = {rank for dtype, rank in operands if dtype in ("float16", "bfloat16")}
    complexes = {rank for dtype, rank in operands if category(dtype) == 3}
    return not (halves and complexes) or halves == complexes


def _joined(found: str, dtype: str, rank: str, operands: Sequence[Operand]) -> str:
    # Operands of a lower rank count only if their category is higher; then real precision survives in complex.
    stronger = [d for d, kind in operands if _RANKS.index(kind) < _RANKS.index(rank)]
    if not stronger:
        return common(found, dtype)
    highest = max(category(d) for d in stronger)
    if category(dtype) <= highest:
        return found
    if category(found) > highest:
        return common(found, dtype)
    return common(found, dtype) if category(dtype) == 3 and category(found) == 2 else dtype


def _number(dtype: str, default: str) -> str:
    return {0: "bool", 1: "int64", 2: default, 3: _COMPLEX.get(default, "complex64")}[category(dtype)]


def result(rule: str, computed: str, default: str = "float32") -> str:
    """The dtype of a function's result, by its rule, from the dtype that the operands are promoted to.

    `same`: that dtype; `float`: the default dtype instead of an integer; `bool`; `real`: the dtype of the parts
    instead of a complex one; `real float`: both; `double`: float64 or complex128; `complex`: with these parts.
    """
    if rule == "complex":
        return _COMPLEX[computed]
    if rule == "bool":
        return "bool"
    if rule == "double":
        return "complex128" if category(computed) == 3 else "float64"
    if "float" in rule and category(computed) < 2:
        computed = default
    return _REAL.get(computed, computed) if "real" in rule else computed

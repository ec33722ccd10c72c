"""Operands of the products of linear algebra, and their forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from conformance.check import check
from conformance.dtypes import DTYPES
from conformance.every_form import Wanted
from conformance.numerics import EXACT, INNER
from conformance.oracle import linalg as oracle
from properties.strategies.recipe import LAYOUTS, Recipe, contiguous
from properties.strategies.values import rounded

DTYPES_OF_PRODUCTS = ("float32", "float64", "complex64", "complex128", "bfloat16", "float16", "int64", "int32", "uint8")
# float16 products are not implemented on the CPU before 2.1.
SINCE = {"float16": "2.3"}
LAYOUT_NAMES = ("contiguous", "transposed", "stepped", "offset", "row_stepped", "expanded")


def drawn(seed: int, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values whose products tell places apart and stay well inside the range."""
    generator = np.random.default_rng(seed)
    kind = DTYPES[dtype].kind
    if kind in ("int", "uint"):
        return generator.integers(0 if kind == "uint" else -50, 50, shape).astype(DTYPES[dtype].host)
    values = generator.uniform(-2, 2, shape)
    return rounded(values + 1j * generator.uniform(-2, 2, shape) if kind == "complex" else values, dtype)


def product(values: np.ndarray, scale: Any, dtype: str, k: int, extra: int = 2) -> Wanted:
    """A wanted product of inner length k: exact for integers (modulo their range)."""
    if not DTYPES[dtype].is_inexact:
        return Wanted(values.astype(DTYPES[dtype].host), dtype, EXACT)
    # Complex products have four real ones; the oracle's own roundings count as much as a double's.
    terms = 2 * (k + extra) * (4 if DTYPES[dtype].is_complex else 1)
    return Wanted(values, dtype, INNER.over(terms), scale, signed_zeros=False)


def pairs(dtype: str, left: tuple[int, ...], right: tuple[int, ...], seed: int = 1) -> Iterator[tuple[Recipe, Recipe]]:
    """Recipes of two operands: every layout on each side at least once."""
    a, b = drawn(seed, dtype, left), drawn(seed + 1, dtype, right)
    for turn, name in enumerate(LAYOUT_NAMES):
        yield LAYOUTS[name](a, dtype), LAYOUTS[LAYOUT_NAMES[(turn * 2 + 1) % len(LAYOUT_NAMES)]](b, dtype)
    yield contiguous(a, dtype), LAYOUTS["transposed"](b, dtype)
    yield LAYOUTS["transposed"](a, dtype), contiguous(b, dtype)


def added(name: str, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """The product that addmm and its like add: (values, magnitudes, inner length)."""
    if name == "addr":
        return oracle.outer(a, b), np.abs(oracle.outer(a, b)), 1
    values, size = oracle.matmul(a, b), oracle.scale(a, b)
    return (values.sum(0), size.sum(0), a.shape[0] * a.shape[-1]) if name == "addbmm" else (values, size, a.shape[-1])


def added_rows(names: Iterable[str], dtypes: Iterable[str]) -> list[Any]:
    """One row a function that adds a product and a dtype."""
    return [
        pytest.param(
            name,
            dtype,
            marks=check("linalg.badbmm-name" if name == "baddbmm" else f"linalg.{name}", since=SINCE.get(dtype)),
            id=f"{name}, {dtype}",
        )
        for name in names
        for dtype in dtypes
    ]


def rows(claim: str | None, *names: str) -> list[Any]:
    """One row a function and dtype."""
    return [
        pytest.param(name, dtype, marks=check(claim or f"linalg.{name}", since=SINCE.get(dtype)), id=f"{name}, {dtype}")
        for name in names
        for dtype in DTYPES_OF_PRODUCTS
    ]


KEYWORDS = {
    "mm": ("input", "mat2"),
    "bmm": ("input", "mat2"),
    "mv": ("input", "vec"),
    "dot": ("input", "tensor"),
    "matmul": ("input", "other"),
    "outer": ("input", "vec2"),
    "inner": ("input", "other"),
    "kron": ("input", "other"),
    "vdot": ("input", "other"),
}

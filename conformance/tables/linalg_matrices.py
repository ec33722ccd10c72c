"""Matrices of known kinds, and how far a residual may go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from conformance import host
from conformance.assertions import assert_array, assert_tensor, assert_values
from conformance.dtypes import DTYPES
from conformance.numerics import INNER
from conformance.oracle import linalg as oracle
from properties.strategies.recipe import DENSE, Recipe, contiguous, layouts
from properties.strategies.values import rounded

KINDS = ("float64", "float32", "complex128", "complex64")
SQUARE = (1, 2, 3, 5, 17, 33)
TALL = ((3, 3), (5, 3), (3, 5), (1, 4), (4, 1), (17, 9), (9, 17), (33, 20))
BATCHES = ((), (2,), (2, 3), (0,))


def close(call: str, actual: Any, expected: Any, dtype: str, n: int, scale: Any) -> None:
    """Backward stability: a few dozen roundings for each of n steps, on the scale of the matrices involved."""
    error = INNER.over(60 * max(n, 1))
    assert_array(call, np.asarray(actual), np.asarray(expected), dtype, error, float(scale))


def near(call: str, out: Any, wanted: Any, dtype: str, terms: float = 100) -> None:
    """Refute unless a tensor of that dtype is near a formula of few terms, each of a few units."""
    wanted = np.asarray(wanted)
    assert_values(call, out, wanted, INNER.over(terms), 8.0 * (1 + np.abs(wanted)), dtype=dtype)


def value(call: str, tensor: Any, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """The values of a tensor that has to have that dtype and shape."""
    return host.array(assert_tensor(call, tensor, dtype, shape))


def squares(dtype: str) -> Iterator[tuple[int, tuple[int, ...], Recipe]]:
    """(n, batch, recipe) of matrices of a small condition, in every layout."""
    for n in SQUARE:
        for batch in BATCHES if n in (3, 17) else ((),):
            array = rounded(oracle.well_conditioned(n, n, DTYPES[dtype].is_complex, batch), dtype)
            for recipe in layouts(array, dtype, DENSE) if n in (3, 17) else [contiguous(array, dtype)]:
                yield n, batch, recipe


def rectangles(dtype: str) -> Iterator[tuple[tuple[int, int], tuple[int, ...], Recipe]]:
    """((rows, columns), batch, recipe) of matrices of full rank, some in every layout."""
    for shape in TALL:
        for batch in ((), (2,)) if shape in ((5, 3), (3, 5)) else ((),):
            generator = np.random.default_rng(sum(shape))
            array = generator.standard_normal((*batch, *shape))
            if DTYPES[dtype].is_complex:
                array = array + 1j * generator.standard_normal((*batch, *shape))
            names = DENSE if shape in ((5, 3), (17, 9)) else ["contiguous"]
            for recipe in layouts(rounded(array, dtype), dtype, names):
                yield shape, batch, recipe


def hermitian(a: np.ndarray) -> np.ndarray:
    """The conjugate transpose."""
    return np.conj(np.swapaxes(a, -1, -2))


def part(dtype: str) -> str:
    """The dtype of singular values, eigenvalues of Hermitian matrices, and norms."""
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)

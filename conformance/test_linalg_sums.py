"""Sums of products by other names: inner, kron, vdot, cross, einsum, tensordot."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import assert_values
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.every_form import Invocation, answer
from conformance.oracle import linalg as oracle
from conformance.tables.linalg_products import DTYPES_OF_PRODUCTS, KEYWORDS, drawn, pairs, product, rows
from properties.strategies.recipe import LAYOUTS, contiguous, layouts

pytestmark = must_answer


# Contractions of integers other than int64 are not implemented before 2.1.
INNER_ROWS = [
    pytest.param(dtype, marks=check("linalg.inner", since="2.3" if dtype in ("float16", "int32", "uint8") else None))
    for dtype in DTYPES_OF_PRODUCTS
]


@pytest.mark.parametrize("dtype", INNER_ROWS)
def test_inner_contracts_the_last_dimensions(subject, dtype):
    for left, right in (((3, 4), (5, 4)), ((2, 1), (3, 1)), ((2, 5), (1, 5))):
        for a, b in pairs(dtype, left, right):
            wanted = product(oracle.matmul(a.array, b.array.T), oracle.scale(a.array, b.array.T), dtype, left[-1])
            answer(
                subject,
                Invocation("inner", (a, b), (wanted,), keywords=KEYWORDS["inner"]),
                ("function", "method", "keywords"),
            )


def kronecker(subject, a, b, dtype):
    values = oracle.kron(a.array, b.array)
    call = Invocation("kron", (a, b), (product(values, np.abs(values), dtype, 1),), keywords=KEYWORDS["kron"])
    answer(subject, call, ("function", "method", "keywords"))


@pytest.mark.parametrize("name, dtype", rows("linalg.kron", "kron"))
def test_kronecker_products(subject, name, dtype):
    for left, right in (((3, 4), (5, 4)), ((2, 1), (3, 1)), ((2, 5), (1, 5))):
        a, b = drawn(1, dtype, left), drawn(2, dtype, right)
        for layout in ("contiguous", "offset"):
            kronecker(subject, LAYOUTS[layout](a, dtype), LAYOUTS[layout](b, dtype), dtype)


@check("linalg.kron-layouts")
def test_kronecker_products_of_other_layouts(subject):
    a, b = drawn(1, "float32", (3, 4)), drawn(2, "float32", (5, 4))
    kronecker(subject, LAYOUTS["transposed"](a, "float32"), contiguous(b, "float32"), "float32")
    kronecker(subject, contiguous(a, "float32"), LAYOUTS["transposed"](b, "float32"), "float32")


@check("linalg.dot")
@pytest.mark.parametrize("dtype", ["complex64", "complex128", "float32"])
def test_vdot_conjugates_the_first(subject, dtype):
    for n in (1, 4, 33):
        for a, b in pairs(dtype, (n,), (n,)):
            wanted = product(oracle.matmul(np.conj(a.array), b.array), oracle.scale(a.array, b.array), dtype, n)
            answer(
                subject,
                Invocation("vdot", (a, b), (wanted,), keywords=KEYWORDS["vdot"]),
                ("function", "method", "keywords"),
            )


@check("linalg.cross")
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128", "int64"])
def test_cross_products(subject, dtype):
    for left, right, dim in (
        ((3,), (3,), -1),
        ((4, 3), (4, 3), 1),
        ((3, 5), (3, 5), 0),
        ((2, 3, 4), (2, 3, 4), -2),
        ((1, 3), (17, 3), -1),
        ((3, 33), (3, 33), 0),
    ):
        for a, b in pairs(dtype, left, right):
            values = oracle.cross(a.array, b.array, dim)
            wanted = product(values, 8.0 if DTYPES[dtype].is_inexact else None, dtype, 3)
            if a.shape == b.shape:
                answer(
                    subject,
                    Invocation("cross", (a, b), (wanted,), {"dim": dim}, ("input", "other")),
                    ("function", "method", "keywords", "out", "out_stepped"),
                )
            answer(subject, Invocation("linalg.cross", (a, b), (wanted,), {"dim": dim}), ("function", "out"))
    i, j, k = np.eye(3)
    for a, b, c in ((i, j, k), (j, k, i), (k, i, j), (j, i, -k)):
        x, y = contiguous(a, "float32").on(subject), contiguous(b, "float32").on(subject)
        assert_values("the cross product of unit vectors", torch.linalg.cross(x, y), c)


EQUATIONS = (
    "ij,jk->ik",
    "ij,jk->ki",
    "ij,ij->",
    "ij,ij->j",
    "i,j->ij",
    "ii->i",
    "ii->",
    "ij->ji",
    "bij,bjk->bik",
    "...ij,jk->...ik",
    "ijk,kl->ijl",
    "ij,jk,kl->il",
    "ij,jk",
    "ij->",
)
SIDES = {"i": 3, "j": 4, "k": 5, "l": 2, "b": 2}


@check("linalg.einsum")
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
def test_einsum_is_its_sums(subject, dtype):
    for equation in EQUATIONS:
        terms = equation.partition("->")[0].replace("...", "b").split(",")
        shapes = [(4, 4)] if "ii" in equation else [tuple(SIDES[index] for index in term) for term in terms]
        arrays = [drawn(turn, dtype, shape) for turn, shape in enumerate(shapes)]
        size = np.einsum(equation, *(np.abs(array).astype(np.float64) for array in arrays))
        wanted = product(np.einsum(equation, *map(oracle.wide, arrays)), size, dtype, 80)
        for layout in ("contiguous", "transposed", "stepped"):
            out = torch.einsum(equation, *(LAYOUTS[layout](array, dtype).on(subject) for array in arrays))
            call = f"einsum({equation!r}) of {layout} operands"
            assert_values(call, out, wanted.values, wanted.error, wanted.scale, dtype=dtype)


@check("linalg.tensordot")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_tensordot_contracts_dimensions(subject, dtype):
    a, b = drawn(1, dtype, (3, 4, 5)), drawn(2, dtype, (4, 3, 2))
    for ra, rb in zip(layouts(a, dtype), layouts(b, dtype), strict=True):
        x, y = ra.on(subject), rb.on(subject)
        for call, out, axes, left, right in (
            ("tensordot(dims=([1, 0], [0, 1]))", torch.tensordot(x, y, dims=([1, 0], [0, 1])), ([1, 0], [0, 1]), a, b),
            ("tensordot(dims=0)", torch.tensordot(x[0, 0], y[0, 0], dims=0), 0, a[0, 0], b[0, 0]),
            ("tensordot(dims=1)", torch.tensordot(x[0], x[0].mT.contiguous(), dims=1), 1, a[0], a[0].T),
        ):
            values = np.tensordot(oracle.wide(left), oracle.wide(right), axes)
            wanted = product(values, np.tensordot(np.abs(left), np.abs(right), axes), dtype, 20)
            assert_values(call, out, wanted.values, wanted.error, wanted.scale, dtype=dtype)

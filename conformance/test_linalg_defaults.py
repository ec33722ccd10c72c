"""Defaults and options of matrix functions that seldom come up, and the least sizes that they take."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.every_form import find
from conformance.oracle import linalg as oracle
from conformance.oracle import linalg_norms
from conformance.subject import Subject
from conformance.tables.linalg_factor_rows import matrices, mul, size
from conformance.tables.linalg_matrices import KINDS, close, hermitian, near, value
from conformance.tables.linalg_products import drawn
from properties.strategies.recipe import contiguous, stepped, transposed

pytestmark = must_answer

LAID = (contiguous, transposed, stepped)


@check("linalg.norms")
def test_orders_without_dimensions(subject: Subject) -> None:
    """An order alone asks for a matrix norm of a matrix, and for a vector norm of a vector."""
    a = drawn(1, "float64", (3, 4))
    for turn, order in enumerate(("fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf)):
        x = LAID[turn % 3](a, "float64").on(subject)
        for keep in (False, True):
            wanted = linalg_norms.matrix_norm(a, order, (-2, -1), keep)
            near(
                f"linalg.norm(matrix, {order!r}, keepdim={keep})",
                torch.linalg.norm(x, order, keepdim=keep),
                wanted,
                "float64",
                400,
            )


@check("linalg.norms")
def test_orders_of_vectors(subject: Subject) -> None:
    for turn, order in enumerate((2, 1, 0, 0.5, 3, -1, np.inf, -np.inf)):
        for dtype in ("float64", "complex128"):
            values = drawn(2, dtype, (7,))
            y = LAID[turn % 3](values, dtype).on(subject)
            wanted = linalg_norms.vector_norm(np.abs(values), order, None, False)
            near(f"linalg.norm(vector, {order})", torch.linalg.norm(y, order), wanted, "float64", 400)
            wide = LAID[turn % 3](drawn(3, dtype, (2, 3, 4)), dtype)
            for dim in ((1,), (-1,), [0]):
                law = linalg_norms.vector_norm(np.abs(wide.array), order, tuple(dim), True)
                out = torch.linalg.vector_norm(wide.on(subject), order, dim, True)
                near(f"vector_norm({order}, {dim}, keepdim) of {dtype}", out, law, "float64", 400)
    far = contiguous(np.array([[np.inf, 1.0], [2.0, -np.inf], [np.nan, 1.0]]), "float32").on(subject)
    for order in (np.inf, 1, 2, 3):
        out = torch.linalg.vector_norm(far, order, dim=1)
        assert_values(f"vector_norm({order}) of infinities", out, np.array([np.inf, np.inf, np.nan]), dtype="float32")


@check("linalg.cdist")
def test_distances_of_few_and_of_none(subject: Subject) -> None:
    x = drawn(1, "float64", (5, 3))
    pairs = np.triu_indices(5, 1)
    for p in (0.0, 0.5, 1.0, 2.0, 3.0, np.inf):
        law = linalg_norms.cdist(x, x, p)[pairs]
        for layout in LAID:
            given = layout(x, "float64").on(subject)
            near(f"pdist(p={p})", torch.pdist(given, p), law, "float64", 200)
            require(tuple(torch.pdist(given[:1], p).shape) == (0,), f"pdist(p={p}) of one row is not empty")
        for rows, others in ((2, 3), (30, 40)):
            empty = (contiguous(np.zeros((n, 0)), "float64").on(subject) for n in (rows, others))
            assert_values(f"cdist(p={p}) of no columns", torch.cdist(*empty, p), np.zeros((rows, others)))
        none = torch.cdist(contiguous(np.zeros((0, 3)), "float64").on(subject), given, p)
        require(tuple(none.shape) == (0, 5), f"cdist(p={p}) of no rows", (0, 5), tuple(none.shape))


@check("linalg.solve")
@pytest.mark.parametrize("dtype", KINDS)
def test_solutions_from_the_right(subject: Subject, dtype: str) -> None:
    a = matrices("square", dtype, (2,), 3, 3)
    b = hermitian(matrices("right", dtype, (2,), 3, 3))
    for layout in LAID:
        x, y = layout(a, dtype).on(subject), layout(b, dtype).on(subject)
        for name in ("solve", "solve_ex"):
            out = find(f"linalg.{name}")(x, y, left=False)
            found = value(name, out[0] if name == "solve_ex" else out, dtype, b.shape)
            close(f"X A of linalg.{name}(left=False)", mul(found, a), b, dtype, 3, size(found, a))


@check("linalg.lu")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", KINDS)
def test_factors_of_batches_of_batches_and_by_the_older_names(subject: Subject, dtype: str) -> None:
    for batch in ((2, 2), (2,), ()):
        a, b = (matrices(kind, dtype, batch, 5, 5) for kind in ("square", "right"))
        for layout in LAID:
            x, y = layout(a, dtype).on(subject), layout(b, dtype).on(subject)
            for text, (packed, pivots) in (
                ("linalg.lu_factor", torch.linalg.lu_factor(x)),
                ("torch.lu", torch.lu(x)),
                ("x.lu", x.lu()),
            ):
                require(pivots.dtype == torch.int32, f"the pivots of {text}", torch.int32, pivots.dtype)
                parts = torch.lu_unpack(packed, pivots)
                made = [value(text, p, dtype, a.shape) for p in parts]
                close(f"P L U of {text} of {batch}", mul(*made), a, dtype, 5, size(*made))
                found = value("lu_solve", torch.lu_solve(y, packed, pivots), dtype, b.shape)
                close(f"A X of torch.lu_solve of {batch}", mul(a, found), b, dtype, 5, size(a, found))
                found = value("lu_solve", torch.linalg.lu_solve(packed, pivots, y), dtype, b.shape)
                close(f"A X of linalg.lu_solve of {batch}", mul(a, found), b, dtype, 5, size(a, found))


@check("linalg.products-and-chains")
def test_defaults_and_small_sizes_of_matrix_functions(subject: Subject) -> None:
    for dtype in ("float32", "float64", "complex64"):
        ones = drawn(1, dtype, (3, 1, 1))
        x = stepped(ones, dtype).on(subject)
        near(f"matrix_exp of 1 x 1, {dtype}", torch.linalg.matrix_exp(x), np.exp(oracle.wide(ones)), dtype)
        v = drawn(2, dtype, (2, 4))
        for n in (None, 2, 6):
            wanted = oracle.wide(v)[..., None] ** np.arange(n or 4)
            near(f"vander(N={n}) of {dtype}", torch.linalg.vander(stepped(v, dtype).on(subject), N=n), wanted, dtype)
        a = drawn(3, dtype, (6, 6)) + 6 * np.eye(6)
        folded = contiguous(a.astype(DTYPES[dtype].host).reshape(2, 3, 1, 6), dtype).on(subject)
        inverse = np.linalg.inv(a.astype(DTYPES[dtype].host).astype(np.complex128))
        wanted = inverse.reshape(1, 6, 2, 3) if "complex" in dtype else inverse.real.reshape(1, 6, 2, 3)
        near(f"tensorinv of {dtype}, ind left out", torch.linalg.tensorinv(folded), wanted, dtype, 4000)
    for dtype in ("float32", "float64"):
        a = np.array([[0.0, 12.0], [-12.0, 0.0]])
        turned = np.array([[np.cos(12.0), np.sin(12.0)], [-np.sin(12.0), np.cos(12.0)]])
        for text, given, wanted in (
            ("one", a, turned),
            ("a batch", np.stack([a, a * 0]), np.stack([turned, np.eye(2)])),
        ):
            out = torch.linalg.matrix_exp(contiguous(given, dtype).on(subject))
            near(f"matrix_exp of {text} of a large norm, {dtype}", out, wanted, dtype, 2000)


@check("linalg.pinv")
def test_symmetric_matrices_are_read_from_their_lower_triangle(subject: Subject) -> None:
    a = matrices("square", "float64", (), 4, 4)
    a = (a + a.T) / 2
    low = contiguous(np.tril(a) + np.triu(np.full((4, 4), 9.0), 1), "float64").on(subject)
    near("pinv(hermitian=True)", torch.linalg.pinv(low, hermitian=True), np.linalg.inv(a), "float64", 40_000)
    flat = np.diag([3.0, -2.0, 0.0, -1e-20]) + np.triu(np.full((4, 4), 9.0), 1)
    rank = torch.linalg.matrix_rank(contiguous(flat, "float64").on(subject), hermitian=True)
    require(int(rank) == 2, "matrix_rank(hermitian=True) of a lower triangle", 2, rank)


@check("linalg.tensordot")
def test_dimensions_may_be_a_tensor(subject: Subject) -> None:
    a, b = drawn(1, "float64", (3, 4, 5)), drawn(2, "float64", (5, 4, 2))
    for dims in ([[1, 2], [1, 0]], [[2], [0]], [[-2], [1]]):
        given = torch.tensor(dims)
        for layout in LAID:
            out = torch.tensordot(layout(a, "float64").on(subject), stepped(b, "float64").on(subject), given)
            near(f"tensordot(dims=tensor of {dims})", out, np.tensordot(a, b, dims), "float64")


@check("linalg.svd")
def test_singular_values_of_long_and_wide_matrices(subject: Subject) -> None:
    for shape in ((20, 3), (3, 20), (2, 9, 2), (1, 7), (7, 1)):
        for dtype in ("float64", "float32", "complex128"):
            a = drawn(1, dtype, shape)
            wanted = np.linalg.svd(oracle.wide(a).astype(np.complex128), compute_uv=False)
            kind = "float32" if dtype == "float32" else "float64"
            for layout in LAID:
                out = torch.linalg.svdvals(layout(a, dtype).on(subject))
                near(f"svdvals of {shape}, {dtype}", out, wanted, kind, 400)


@check("linalg.householder")
def test_fewer_reflectors_than_columns(subject: Subject) -> None:
    a = drawn(1, "float64", (5, 3))
    for count in (0, 1, 2, 3):
        tau = np.array([0.5, 0.25, 0.75])[:count]
        q = np.eye(5)
        for i in range(count):
            v = np.concatenate([np.zeros(i), [1.0], a[i + 1 :, i]])
            q = q @ (np.eye(5) - tau[i] * np.outer(v, v))
        for layout in LAID:
            x, t = layout(a, "float64").on(subject), contiguous(tau, "float64").on(subject)
            for name in ("linalg.householder_product", "orgqr"):
                near(f"{name} of {count} reflectors", find(name)(x, t), q[:, :3], "float64", 1000)

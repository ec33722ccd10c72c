"""Decompositions: their factors have the stated form, and their product is the matrix."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.oracle import linalg as oracle
from conformance.tables.linalg_matrices import KINDS, close, hermitian, part, rectangles, squares, value
from properties.strategies.recipe import DENSE, contiguous, layouts
from properties.strategies.values import rounded

pytestmark = must_answer


@check("linalg.qr")
@pytest.mark.parametrize("dtype", KINDS)
def test_qr_gives_orthonormal_columns_and_a_triangle(subject, dtype):
    for (m, n), batch, recipe in rectangles(dtype):
        for mode in ("reduced", "complete"):
            k = min(m, n) if mode == "reduced" else m
            q, r = torch.linalg.qr(recipe.on(subject), mode=mode)
            q, r = value("Q", q, dtype, (*batch, m, k)), value("R", r, dtype, (*batch, k, n))
            call = f"qr of ({m}, {n}), {mode}"
            close(f"Q R of {call}", oracle.matmul(q, r), recipe.array, dtype, m, np.abs(recipe.array).max() * m)
            close(
                f"Q^H Q of {call}",
                oracle.matmul(hermitian(q), q),
                np.broadcast_to(np.eye(k), (*batch, k, k)),
                dtype,
                m,
                1,
            )
            require((r == oracle.triangle(r, 0, upper=True)).all(), f"R of {call} is no upper triangle")
    only = torch.linalg.qr(torch.ones(3, 2, device=subject.device), mode="r")
    require(only[0].numel() == 0, "qr(mode='r') gives a Q")


@check("linalg.cholesky")
@pytest.mark.parametrize("dtype", KINDS)
def test_cholesky_gives_a_triangle_whose_square_is_the_matrix(subject, dtype):
    for n, batch, recipe in squares(dtype):
        square = rounded(
            np.asarray(
                oracle.matmul(recipe.array, hermitian(recipe.array)) + np.eye(n),
                np.complex128 if DTYPES[dtype].is_complex else np.float64,
            ),
            dtype,
        )
        square = (square + hermitian(square)) / 2
        for laid in layouts(square, dtype, DENSE) if n == 3 else [contiguous(square, dtype)]:
            x = laid.on(subject)
            lower = value("cholesky", torch.linalg.cholesky(x), dtype, (*batch, n, n))
            size = np.abs(square).max() * n if square.size else 1.0
            close(f"L L^H, n={n}", oracle.matmul(lower, hermitian(lower)), square, dtype, n, size)
            require((lower == oracle.triangle(lower, 0, upper=False)).all(), "cholesky gives no lower triangle")
            upper = value("cholesky(upper)", torch.linalg.cholesky(x, upper=True), dtype, (*batch, n, n))
            close(f"U^H U, n={n}", oracle.matmul(hermitian(upper), upper), square, dtype, n, size)
    error = getattr(torch.linalg, "LinAlgError", RuntimeError)
    assert_raises(
        "cholesky of an indefinite matrix",
        error,
        lambda: torch.linalg.cholesky(torch.tensor([[1.0, 2.0], [2.0, 1.0]], device=subject.device)),
    )


@check("linalg.eigh")
@pytest.mark.parametrize("dtype", KINDS)
def test_eigh_gives_ascending_values_and_their_vectors(subject, dtype):
    for n, batch, recipe in squares(dtype):
        symmetric = rounded((recipe.array + hermitian(recipe.array)) / 2, dtype)
        for laid in layouts(symmetric, dtype, DENSE) if n == 3 else [contiguous(symmetric, dtype)]:
            x = laid.on(subject)
            values, vectors = torch.linalg.eigh(x)
            w = value("eigenvalues", values, part(dtype), (*batch, n))
            v = value("eigenvectors", vectors, dtype, (*batch, n, n))
            require((np.diff(w, axis=-1) >= 0).all(), "eigenvalues are not ascending", "ascending", w)
            close(f"A V, n={n}", oracle.matmul(symmetric, v), v * w[..., None, :], dtype, n, 6)
            ones = np.broadcast_to(np.eye(n), (*batch, n, n))
            close(f"V^H V, n={n}", oracle.matmul(hermitian(v), v), ones, dtype, n, 1)
            alone = value("eigvalsh", torch.linalg.eigvalsh(x), part(dtype), (*batch, n))
            close(f"eigvalsh, n={n}", alone, w, part(dtype), n, 6)
        # Only the lower triangle is read, unless the upper one is asked for.
        broken = np.where(np.triu(np.ones((n, n)), 1) > 0, 1e3, symmetric)
        for name, given, options in (("lower", broken, {}), ("upper", hermitian(broken), {"UPLO": "U"})):
            out = torch.linalg.eigvalsh(contiguous(given, dtype).on(subject), **options)
            found = value("eigvalsh", out, part(dtype), (*batch, n))
            close(f"eigvalsh of the {name} triangle", found, w, part(dtype), n, 6)


# In 1.13 the eigenvalues of some of these matrices take the process down.
@check("linalg.eig", since="2.0")
@pytest.mark.parametrize("dtype", KINDS)
def test_eig_gives_vectors_that_are_only_scaled(subject, dtype):
    result = {"float32": "complex64", "float64": "complex128"}.get(dtype, dtype)
    for n, batch, recipe in squares(dtype):
        values, vectors = torch.linalg.eig(recipe.on(subject))
        w, v = value("eigenvalues", values, result, (*batch, n)), value("eigenvectors", vectors, result, (*batch, n, n))
        close(f"A V of eig, n={n}", oracle.matmul(recipe.array, v), v * w[..., None, :], result, n * 4, 12)
        if n:
            close(
                "the lengths of eigenvectors",
                np.sqrt((np.abs(v) ** 2).sum(-2)),
                np.ones((*batch, n)),
                part(result),
                n,
                1,
            )
            trace = np.trace(recipe.array, axis1=-2, axis2=-1)
            close("the sum of eigenvalues", w.sum(-1), trace, result, n * n * 10, 12 * n)


def orthonormal(call, found, dtype, n):
    """Refute unless the columns of a matrix are orthonormal."""
    ones = np.broadcast_to(np.eye(found.shape[-1]), (*found.shape[:-2], found.shape[-1], found.shape[-1]))
    close(call, oracle.matmul(hermitian(found), found), ones, dtype, n, 1)


def factors(name, full, x, batch, dtype):
    """U, S and V^H of either function, as arrays; refutes where a shape or dtype is wrong."""
    m, n = x.shape[-2:]
    k, call = min(m, n), f"{name} of ({m}, {n}), full={full}"
    if name == "svd":
        u, s, v = torch.svd(x, some=False) if full else torch.svd(x)
        v = hermitian(value(f"V of {call}", v, dtype, (*batch, n, n if full else k)))
    else:
        u, s, v = torch.linalg.svd(x, full_matrices=full)
        v = value(f"Vh of {call}", v, dtype, (*batch, n if full else k, n))
    u = value(f"U of {call}", u, dtype, (*batch, m, m if full else k))
    return u, value(f"S of {call}", s, part(dtype), (*batch, k)), v


@check("linalg.svd")
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("name, full", [("svd", False), ("svd", True), ("linalg.svd", False), ("linalg.svd", True)])
def test_svd_gives_u_s_and_v(subject, name, full, dtype):
    for (m, n), batch, recipe in rectangles(dtype):
        x, k, call = recipe.on(subject), min(m, n), f"{name} of ({m}, {n}), full={full}"
        before = Unchanged(A=x)
        u, s, v = factors(name, full, x, batch, dtype)
        descending = (s >= 0).all() and (np.diff(s, axis=-1) <= 0).all()
        require(descending, f"singular values of {call} are not descending", "descending", s)
        size = s.max() if s.size else 1.0
        made = oracle.matmul(u[..., :k] * s[..., None, :], v[..., :k, :])
        close(f"U S V^H of {call}", made, recipe.array, dtype, m + n, size)
        orthonormal(f"U^H U of {call}", u, dtype, m + n)
        orthonormal(f"V^H V of {call}", hermitian(v), dtype, m + n)
        alone = value("svdvals", torch.linalg.svdvals(x), part(dtype), (*batch, k))
        close(f"svdvals of ({m}, {n})", alone, s, part(dtype), m + n, size)
        before.check(call)


@check("linalg.svd")
def test_svd_names_its_parts_and_knows_easy_matrices(subject):
    x = torch.diag(torch.tensor([1.0, -3.0, 2.0], device=subject.device))
    out = torch.svd(x)
    require(out.U is out[0] and out.S is out[1] and out.V is out[2], "the parts of svd are not called U, S, V")
    require(
        np.allclose(host.array(out.S), [3, 2, 1], rtol=0, atol=4e-6),
        "the singular values of a diagonal matrix",
        [3, 2, 1],
        host.array(out.S),
    )
    rotated = torch.tensor([[0.0, 2.0], [1.0, 0.0]], device=subject.device)
    u, _, v = torch.svd(rotated)
    require(
        abs(abs(host.array(u)[0, 0]) - 1) < 1e-5 and abs(abs(host.array(v)[1, 0]) - 1) < 1e-5,
        "U and V of svd are exchanged",
    )

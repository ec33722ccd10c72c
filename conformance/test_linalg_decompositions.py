"""Inverses, solutions and decompositions, judged by residuals and by what defines them; never by one set of factors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_array, assert_raises, assert_tensor, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.numerics import INNER
from conformance.oracle import linalg as oracle
from properties.strategies.recipe import DENSE, contiguous, layouts
from properties.strategies.values import rounded

pytestmark = must_answer

KINDS = ("float64", "float32", "complex128", "complex64")
SQUARE = (1, 2, 3, 5, 17, 33)
TALL = ((3, 3), (5, 3), (3, 5), (1, 4), (4, 1), (17, 9), (9, 17), (33, 20))
BATCHES = ((), (2,), (2, 3), (0,))


def close(call, actual, expected, dtype, n, scale):
    """Backward stability: a few dozen roundings for each of n steps, on the scale of the matrices involved."""
    real = DTYPES[dtype].host
    assert_array(
        call,
        np.asarray(actual),
        np.asarray(expected),
        dtype,
        INNER.over(60 * max(n, 1)),
        float(scale) if real else scale,
    )


def value(call, tensor, dtype, shape):
    return host.array(assert_tensor(call, tensor, dtype, shape))


def squares(dtype):
    """(n, batch, recipe) of matrices of a small condition, in every layout."""
    for n in SQUARE:
        for batch in BATCHES if n in (3, 17) else ((),):
            array = rounded(oracle.well_conditioned(n, n, DTYPES[dtype].is_complex, batch), dtype)
            for recipe in layouts(array, dtype, DENSE) if n in (3, 17) else [contiguous(array, dtype)]:
                yield n, batch, recipe


def rectangles(dtype):
    for shape in TALL:
        for batch in ((), (2,)) if shape in ((5, 3), (3, 5)) else ((),):
            generator = np.random.default_rng(sum(shape))
            array = generator.standard_normal((*batch, *shape))
            if DTYPES[dtype].is_complex:
                array = array + 1j * generator.standard_normal((*batch, *shape))
            for recipe in (
                layouts(rounded(array, dtype), dtype, DENSE)
                if shape in ((5, 3), (17, 9))
                else [contiguous(rounded(array, dtype), dtype)]
            ):
                yield shape, batch, recipe


def hermitian(a):
    return np.conj(np.swapaxes(a, -1, -2))


def part(dtype):
    """The dtype of singular values, eigenvalues of Hermitian matrices, and norms."""
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)


@check("linalg.inverse")
@pytest.mark.parametrize("dtype", KINDS)
def test_an_inverse_times_its_matrix_is_one(subject, dtype):
    for n, batch, recipe in squares(dtype):
        x = recipe.on(subject)
        before = Unchanged(A=x)
        for call, made in (
            ("inverse(A)", lambda x: torch.inverse(x)),
            ("A.inverse()", lambda x: x.inverse()),
            ("linalg.inv(A)", lambda x: torch.linalg.inv(x)),
        ):
            inverse = value(call, made(x), dtype, (*batch, n, n))
            eye = np.broadcast_to(np.eye(n), (*batch, n, n))
            close(f"A @ {call}, n={n}", oracle.matmul(recipe.array, inverse), eye, dtype, n, 12)
            close(f"{call} @ A, n={n}", oracle.matmul(inverse, recipe.array), eye, dtype, n, 12)
            before.check(call)


@check("linalg.inverse")
def test_matrices_without_inverse_are_refused(subject):
    error = getattr(torch.linalg, "LinAlgError", RuntimeError)
    for bad in (
        np.zeros((3, 3)),
        np.ones((2, 2)),
        np.array([[1.0, 2, 3], [2, 4, 6], [0, 1, 1]]),
        np.stack([np.eye(2), np.zeros((2, 2))]),
    ):
        x = contiguous(bad, "float64").on(subject)
        before = Unchanged(A=x)
        for call in (lambda x=x: torch.inverse(x), lambda x=x: x.inverse(), lambda x=x: torch.linalg.inv(x)):
            assert_raises("inverse of a singular matrix", error, call)
        before.check("inverse of a singular matrix")
    for shape in ((2, 3), (3,), ()):
        x = torch.ones(shape, device=subject.device)
        for call in (lambda x=x: torch.inverse(x), lambda x=x: x.inverse(), lambda x=x: torch.linalg.inv(x)):
            assert_raises(f"inverse of shape {shape}", RuntimeError, call)
    require(
        torch.inverse(torch.empty(0, 0, device=subject.device)).shape == (0, 0),
        "the inverse of an empty matrix is not empty",
    )


@check("linalg.solve")
@pytest.mark.parametrize("dtype", KINDS)
def test_a_solution_solves(subject, dtype):
    for n, batch, recipe in squares(dtype):
        for columns in (None, 1, 4):
            if columns is None and batch:
                continue
            shape = (n,) if columns is None else (*batch, n, columns)
            b = rounded(np.random.default_rng(n).standard_normal(shape), dtype)
            a, right = recipe.on(subject), contiguous(b, dtype).on(subject)
            before = Unchanged(A=a, B=right)
            solution = value("linalg.solve(A, B)", torch.linalg.solve(a, right), dtype, shape)
            before.check("linalg.solve(A, B)")
            close(f"A @ solve(A, B), n={n}", oracle.matmul(recipe.array, solution), b, dtype, n, 20)
    singular = torch.ones(2, 2, device=subject.device)
    assert_raises(
        "solve with a singular matrix",
        getattr(torch.linalg, "LinAlgError", RuntimeError),
        lambda: torch.linalg.solve(singular, singular),
    )
    assert_raises(
        "solve of shapes that do not fit",
        RuntimeError,
        lambda: torch.linalg.solve(torch.eye(3, device=subject.device), singular),
    )


@check("linalg.solve")
@pytest.mark.parametrize("dtype", KINDS)
def test_triangular_systems(subject, dtype):
    for n in (1, 3, 17):
        array = rounded(oracle.well_conditioned(n, n, DTYPES[dtype].is_complex) + 0 * 1, dtype)
        array = array + rounded(np.eye(n) * 6, dtype)
        b = rounded(np.random.default_rng(n).standard_normal((n, 4)), dtype)
        for recipe in layouts(array, dtype, DENSE):
            for upper in (True, False):
                for unit in (True, False):
                    solution = value(
                        "solve_triangular",
                        torch.linalg.solve_triangular(
                            recipe.on(subject), contiguous(b, dtype).on(subject), upper=upper, unitriangular=unit
                        ),
                        dtype,
                        (n, 4),
                    )
                    m = oracle.triangle(recipe.array, 0, upper=upper)
                    if unit:
                        np.fill_diagonal(m, 1)
                    close(
                        f"solve_triangular(upper={upper}, unitriangular={unit})",
                        oracle.matmul(m, solution),
                        b,
                        dtype,
                        n,
                        4 + np.abs(solution).max() * np.abs(m).sum(1).max(),
                    )


@check("linalg.det")
@pytest.mark.parametrize("dtype", KINDS)
def test_determinants(subject, dtype):
    for n, batch, recipe in squares(dtype):
        exact = oracle.determinant(recipe.array)
        x = recipe.on(subject)
        size = float(np.abs(exact).max()) * 4 if exact.size else 1.0
        close(f"det, n={n}", value("det", torch.det(x), dtype, batch), exact, dtype, n * n, size)
        close(f"linalg.det, n={n}", value("linalg.det", torch.linalg.det(x), dtype, batch), exact, dtype, n * n, size)
        sign, logabs = torch.linalg.slogdet(x)
        close(f"the sign of slogdet, n={n}", value("sign", sign, dtype, batch), exact / np.abs(exact), dtype, n, 1)
        close(
            f"slogdet, n={n}",
            value("logabsdet", logabs, part(dtype), batch),
            np.log(np.abs(exact)),
            part(dtype),
            n * n,
            4 + n,
        )
        if not DTYPES[dtype].is_complex:
            with np.errstate(invalid="ignore"):
                close(
                    f"logdet, n={n}", value("logdet", torch.logdet(x), dtype, batch), np.log(exact), dtype, n * n, 4 + n
                )
    require(
        torch.det(torch.empty(0, 0, device=subject.device)).item() == 1, "the determinant of an empty matrix is not 1"
    )
    require(torch.det(torch.zeros(3, 3, device=subject.device)).item() == 0, "the determinant of zeros is not 0")
    assert_raises("det of a rectangle", RuntimeError, lambda: torch.det(torch.ones(2, 3, device=subject.device)))


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
            w, v = (
                value("eigenvalues", values, part(dtype), (*batch, n)),
                value("eigenvectors", vectors, dtype, (*batch, n, n)),
            )
            require((np.diff(w, axis=-1) >= 0).all(), "eigenvalues are not ascending", "ascending", w)
            close(f"A V, n={n}", oracle.matmul(symmetric, v), v * w[..., None, :], dtype, n, 6)
            close(
                f"V^H V, n={n}", oracle.matmul(hermitian(v), v), np.broadcast_to(np.eye(n), (*batch, n, n)), dtype, n, 1
            )
            alone = value("eigvalsh", torch.linalg.eigvalsh(x), part(dtype), (*batch, n))
            close(f"eigvalsh, n={n}", alone, w, part(dtype), n, 6)
        # Only the lower triangle is read, unless the upper one is asked for.
        broken = np.where(np.triu(np.ones((n, n)), 1) > 0, 1e3, symmetric)
        low = value("eigvalsh", torch.linalg.eigvalsh(contiguous(broken, dtype).on(subject)), part(dtype), (*batch, n))
        close("eigvalsh of the lower triangle", low, w, part(dtype), n, 6)
        high = value(
            "eigvalsh",
            torch.linalg.eigvalsh(contiguous(hermitian(broken), dtype).on(subject), UPLO="U"),
            part(dtype),
            (*batch, n),
        )
        close("eigvalsh of the upper triangle", high, w, part(dtype), n, 6)


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


@check("linalg.svd")
@pytest.mark.parametrize("dtype", KINDS)
def test_svd_gives_u_s_and_v(subject, dtype):
    for (m, n), batch, recipe in rectangles(dtype):
        x, k = recipe.on(subject), min(m, n)
        before = Unchanged(A=x)
        for name, full in (("svd", False), ("svd", True), ("linalg.svd", False), ("linalg.svd", True)):
            call = f"{name} of ({m}, {n}), full={full}"
            if name == "svd":
                u, s, v = torch.svd(x, some=not full) if full else torch.svd(x)
                v = hermitian(value(f"V of {call}", v, dtype, (*batch, n, n if full else k)))
            else:
                u, s, v = torch.linalg.svd(x, full_matrices=full)
                v = value(f"Vh of {call}", v, dtype, (*batch, n if full else k, n))
            u, s = (
                value(f"U of {call}", u, dtype, (*batch, m, m if full else k)),
                value(f"S of {call}", s, part(dtype), (*batch, k)),
            )
            require(
                (s >= 0).all() and (np.diff(s, axis=-1) <= 0).all(),
                f"singular values of {call} are not descending",
                "descending",
                s,
            )
            size = s.max() if s.size else 1.0
            close(
                f"U S V^H of {call}",
                oracle.matmul(u[..., :k] * s[..., None, :], v[..., :k, :]),
                recipe.array,
                dtype,
                m + n,
                size,
            )
            close(
                f"U^H U of {call}",
                oracle.matmul(hermitian(u), u),
                np.broadcast_to(np.eye(u.shape[-1]), (*batch, u.shape[-1], u.shape[-1])),
                dtype,
                m + n,
                1,
            )
            close(
                f"V^H V of {call}",
                oracle.matmul(v, hermitian(v)),
                np.broadcast_to(np.eye(v.shape[-2]), (*batch, v.shape[-2], v.shape[-2])),
                dtype,
                m + n,
                1,
            )
            close(
                f"svdvals of ({m}, {n})",
                value("svdvals", torch.linalg.svdvals(x), part(dtype), (*batch, k)),
                s,
                part(dtype),
                m + n,
                size,
            )
        before.check("svd")


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


@check("linalg.pinv")
@pytest.mark.parametrize("dtype", KINDS)
def test_a_pseudo_inverse_obeys_penrose(subject, dtype):
    for (m, n), batch, recipe in rectangles(dtype):
        for call, made in (("pinverse", lambda x: torch.pinverse(x)), ("linalg.pinv", lambda x: torch.linalg.pinv(x))):
            p = value(call, made(recipe.on(subject)), dtype, (*batch, n, m))
            a = recipe.array
            spread = np.linalg.cond(a.astype(np.complex128)).max() * 4
            close(
                f"A P A of {call} of ({m}, {n})",
                oracle.matmul(oracle.matmul(a, p), a),
                a,
                dtype,
                m + n,
                np.abs(a).max() * spread,
            )
            close(f"P A P of {call}", oracle.matmul(oracle.matmul(p, a), p), p, dtype, m + n, np.abs(p).max() * spread)
            ap, pa = oracle.matmul(a, p), oracle.matmul(p, a)
            close(f"A P of {call} is Hermitian", ap, hermitian(ap), dtype, m + n, spread)
            close(f"P A of {call} is Hermitian", pa, hermitian(pa), dtype, m + n, spread)


@check("linalg.lstsq")
@pytest.mark.parametrize("dtype", KINDS)
def test_least_squares_leaves_an_orthogonal_residual(subject, dtype):
    for (m, n), batch, recipe in rectangles(dtype):
        if m < n:
            continue
        b = rounded(np.random.default_rng(3).standard_normal((*batch, m, 2)), dtype)
        solution = value(
            "lstsq",
            torch.linalg.lstsq(recipe.on(subject), contiguous(b, dtype).on(subject)).solution,
            dtype,
            (*batch, n, 2),
        )
        residual = oracle.matmul(recipe.array, solution) - b
        size = np.abs(recipe.array).max() ** 2 * m * (1 + np.abs(solution).max())
        close(
            f"A^H (A x - b) of ({m}, {n})",
            oracle.matmul(hermitian(recipe.array), residual),
            np.zeros((*batch, n, 2)),
            dtype,
            m + n,
            size,
        )


@check("linalg.matrix-power")
@pytest.mark.parametrize("dtype", KINDS)
def test_matrix_powers(subject, dtype):
    for n, batch, recipe in squares(dtype):
        if n > 17:
            continue
        for exponent in (0, 1, 2, 3, 5, 8):
            exact = oracle.power(recipe.array, exponent)
            size = max(1.0, float(np.abs(recipe.array).sum(-1).max()) if recipe.array.size else 1.0) ** exponent
            for call, made in (
                ("matrix_power", lambda x, e: torch.matrix_power(x, e)),
                ("linalg.matrix_power", lambda x, e: torch.linalg.matrix_power(x, e)),
            ):
                found = value(call, made(recipe.on(subject), exponent), dtype, (*batch, n, n))
                close(f"{call}(A, {exponent}), n={n}", found, exact, dtype, n * max(exponent, 1), size)
        inverse = value("matrix_power", torch.matrix_power(recipe.on(subject), -2), dtype, (*batch, n, n))
        eye = np.broadcast_to(np.eye(n), (*batch, n, n))
        close("A A matrix_power(A, -2)", oracle.matmul(oracle.power(recipe.array, 2), inverse), eye, dtype, n, 150)


@check("linalg.matrix-rank")
def test_matrix_ranks(subject):
    for dtype in KINDS:
        for rank, shape in ((0, (3, 4)), (1, (3, 3)), (2, (5, 3)), (3, (3, 7)), (5, (17, 9))):
            generator = np.random.default_rng(rank)
            array = generator.standard_normal((shape[0], rank)) @ generator.standard_normal((rank, shape[1]))
            for recipe in layouts(rounded(array, dtype), dtype, DENSE):
                found = value("matrix_rank", torch.linalg.matrix_rank(recipe.on(subject)), "int64", ())
                require(found == rank, f"matrix_rank of a {dtype} matrix of rank {rank}", rank, found)

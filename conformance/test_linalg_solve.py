"""Inverses, determinants, solutions, powers and ranks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.oracle import linalg as oracle
from conformance.tables.linalg_matrices import KINDS, close, hermitian, part, rectangles, squares, value
from properties.strategies.recipe import DENSE, contiguous, layouts
from properties.strategies.values import rounded

pytestmark = must_answer


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
@pytest.mark.parametrize("upper, unit", [(True, False), (False, False), (True, True), (False, True)])
def test_triangular_systems(subject, upper, unit, dtype):
    call = f"solve_triangular(upper={upper}, unitriangular={unit})"
    for n in (1, 3, 17):
        array = rounded(oracle.well_conditioned(n, n, DTYPES[dtype].is_complex) + 0 * 1, dtype)
        array = array + rounded(np.eye(n) * 6, dtype)
        b = rounded(np.random.default_rng(n).standard_normal((n, 4)), dtype)
        for recipe in layouts(array, dtype, DENSE):
            right = contiguous(b, dtype).on(subject)
            out = torch.linalg.solve_triangular(recipe.on(subject), right, upper=upper, unitriangular=unit)
            solution = value("solve_triangular", out, dtype, (n, 4))
            m = oracle.triangle(recipe.array, 0, upper=upper)
            if unit:
                np.fill_diagonal(m, 1)
            size = 4 + np.abs(solution).max() * np.abs(m).sum(1).max()
            close(call, oracle.matmul(m, solution), b, dtype, n, size)


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
        found = value("logabsdet", logabs, part(dtype), batch)
        close(f"slogdet, n={n}", found, np.log(np.abs(exact)), part(dtype), n * n, 4 + n)
        if not DTYPES[dtype].is_complex:
            with np.errstate(invalid="ignore"):
                wanted = np.log(exact)
            close(f"logdet, n={n}", value("logdet", torch.logdet(x), dtype, batch), wanted, dtype, n * n, 4 + n)


@check("linalg.det")
def test_determinants_of_matrices_that_show_them(subject):
    empty, zeros = torch.empty(0, 0, device=subject.device), torch.zeros(3, 3, device=subject.device)
    require(torch.det(empty).item() == 1, "the determinant of an empty matrix is not 1")
    require(torch.det(zeros).item() == 0, "the determinant of zeros is not 0")
    assert_raises("det of a rectangle", RuntimeError, lambda: torch.det(torch.ones(2, 3, device=subject.device)))


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

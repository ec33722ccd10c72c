"""Options of decompositions and products that seldom come up."""

from __future__ import annotations

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.tables.layer_inputs import normal
from properties.strategies.recipe import LAYOUTS, contiguous

pytestmark = must_answer


@check("linalg.eigh")
def test_eigh_reads_one_triangle(subject):
    lower = np.tril(normal(1, (5, 5)))
    for uplo, stored in (("L", lower), ("U", lower.T)):
        x = contiguous(
            stored + np.triu(np.full((5, 5), 9.0), 1) if uplo == "L" else stored + np.tril(np.full((5, 5), 9.0), -1),
            "float64",
        ).on(subject)
        wanted = np.linalg.eigvalsh(lower)
        for call, out in (
            ("eigh", torch.linalg.eigh(x, UPLO=uplo)[0]),
            ("eigvalsh", torch.linalg.eigvalsh(x, UPLO=uplo)),
        ):
            assert_values(f"{call}(UPLO={uplo!r})", out, wanted, INNER.over(400), 8.0)


@check("linalg.pinv")
def test_pinv_leaves_small_singular_values_out(subject):
    u, v = (np.linalg.qr(normal(seed, (4, 4)))[0] for seed in (1, 2))
    x = contiguous(u @ np.diag([4.0, 2.0, 0.4, 0.1]) @ v.T, "float64").on(subject)
    for options, kept in (({"rtol": 0.2}, 2), ({"atol": 0.2}, 3), ({}, 4), ({"atol": 0.05, "rtol": 0.2}, 2)):
        inverse = np.where(np.arange(4) < kept, 1 / np.array([4.0, 2.0, 0.4, 0.1]), 0)
        wanted = v @ np.diag(inverse) @ u.T
        assert_values(f"pinv({options})", torch.linalg.pinv(x, **options), wanted, INNER.over(4000), 40.0)


@check("linalg.matrix-rank")
def test_the_rank_counts_above_its_tolerance(subject):
    u, v = (np.linalg.qr(normal(seed, (4, 4)))[0] for seed in (1, 2))
    x = contiguous(u @ np.diag([4.0, 2.0, 0.4, 0.1]) @ v.T, "float64").on(subject)
    for options, rank in (({"rtol": 0.2}, 2), ({"atol": 0.2}, 3), ({}, 4), ({"atol": 3.0, "rtol": 0.01}, 1)):
        found = int(torch.linalg.matrix_rank(x, **options))
        require(found == rank, f"matrix_rank({options})", rank, found)


@check("linalg.lstsq")
def test_residuals_of_least_squares(subject):
    a, b = normal(1, (7, 3)), normal(2, (7, 2))
    wanted, squares, _, _ = np.linalg.lstsq(a, b, rcond=None)
    for layout, driver in (("contiguous", "gels"), ("transposed", "gelsd"), ("stepped", "gelss")):
        given = (LAYOUTS[layout](v, "float64").on(subject) for v in (a, b))
        out = torch.linalg.lstsq(*given, driver=driver)
        assert_values(f"lstsq, {driver}", out.solution, wanted, INNER.over(4000), 8.0)
        assert_values(f"the residuals of lstsq, {driver}", out.residuals, squares, INNER.over(4000), 8.0)


@check("linalg.matrix-power")
def test_negative_powers_are_powers_of_the_inverse(subject):
    x = normal(1, (2, 4, 4)) + 4 * np.eye(4)
    for n in (-3, -2, -1, 0, 1, 2, 5):
        wanted = np.linalg.matrix_power(x, n)
        given = LAYOUTS["transposed"](x, "float64").on(subject)
        for out in (torch.linalg.matrix_power(given, n), torch.matrix_power(given, n), given.matrix_power(n)):
            assert_values(f"matrix_power({n})", out, wanted, INNER.over(4000), np.abs(wanted).max())


@check("linalg.tensordot")
def test_tensordot_over_dimensions_from_the_end(subject):
    a, b = normal(1, (3, 4, 5)), normal(2, (5, 2, 4))
    for dims in (([-1, -2], [0, 2]), ([1], [-1]), ([-1, 1], [-3, -1])):
        wanted = np.tensordot(a, b, dims)
        given = (LAYOUTS["transposed"](v, "float64").on(subject) for v in (a, b))
        assert_values(f"tensordot(dims={dims})", torch.tensordot(*given, dims=dims), wanted, INNER.over(60), 30.0)


@check("linalg.bmm")
def test_a_product_of_many_matrices(subject):
    for batch in (17, 33):
        a, b = normal(1, (batch, 2, 3)), normal(2, (batch, 3, 4))
        for layout in ("contiguous", "transposed", "stepped"):
            given = [LAYOUTS[layout](v, "float64").on(subject) for v in (a, b)]
            for out in (torch.bmm(*given), given[0].bmm(given[1])):
                assert_values(f"bmm of {batch}, {layout}", out, a @ b, INNER.over(20), np.abs(a) @ np.abs(b) + 1)


def shapes_of(name):
    """Shapes of the input and of two factors for a product that is added to it."""
    return {
        "addmm": ((3, 5), (3, 4), (4, 5)),
        "addmv": ((3,), (3, 4), (4,)),
        "baddbmm": ((2, 3, 5), (2, 3, 4), (2, 4, 5)),
    }[name]


@check("linalg.addmm")
def test_a_beta_of_zero_ignores_addmms_input(subject):
    unread(subject, "addmm")


@check("linalg.addmv")
def test_a_beta_of_zero_ignores_addmvs_input(subject):
    unread(subject, "addmv")


# Where beta is 0, baddbmm reads memory that it did not write, before 2.3.
@check("linalg.badbmm-name", since="2.3")
def test_a_beta_of_zero_ignores_baddbmms_input(subject):
    unread(subject, "baddbmm")


def unread(subject, name):
    """With beta = 0, NaN and infinities of the input do not reach the result."""
    shape, left, right = shapes_of(name)
    for dtype in ("float32", "float64"):
        a, b = normal(1, left, dtype), normal(2, right, dtype)
        x, *given = (contiguous(v, dtype).on(subject) for v in (np.full(shape, np.nan), a, b))
        out = getattr(torch, name)(x, *given, beta=0, alpha=2)
        assert_values(f"{name}(beta=0) of NaN", out, 2 * (a @ b), INNER.over(60), 30.0, dtype=dtype)
        require(bool(np.isnan(host.array(x)).all()), f"{name} changes its input")

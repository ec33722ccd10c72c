"""Norms, distances, chains of products and factored solvers against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.tables.formula_rows import judge_row, marked
from conformance.tables.layer_inputs import normal
from conformance.tables.linalg_norm_rows import ROWS
from properties.strategies.recipe import LAYOUTS, contiguous

pytestmark = must_answer


@pytest.mark.parametrize("row", marked(ROWS))
def test_a_norm_or_solver_is_its_formula(subject, row):
    judge_row(subject, row)


@check("linalg.norms")
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_norms_of_complex_numbers_are_real(subject, dtype):
    x = normal(1, (3, 4)) + 1j * normal(2, (3, 4))
    real = {"complex64": "float32", "complex128": "float64"}[dtype]
    given = LAYOUTS["transposed"](x, dtype).on(subject)
    sizes = np.abs(host.array(given).astype(np.complex128))
    for order, wanted in ((2, np.sqrt((sizes**2).sum(1))), (1, sizes.sum(1)), (np.inf, sizes.max(1))):
        out = torch.linalg.vector_norm(given, order, dim=1)
        assert_values(f"vector_norm({order}) of {dtype}", out, wanted, INNER.over(60), 1 + wanted, dtype=real)
    wanted = np.asarray(np.sqrt((sizes**2).sum()))
    assert_values("matrix_norm", torch.linalg.matrix_norm(given), wanted, INNER.over(60), 1 + wanted, dtype=real)


@check("linalg.norms")
def test_norms_take_a_dtype_and_many_elements(subject):
    x = normal(3, (40_001,), "float32")
    given = contiguous(x, "float32").on(subject)
    for order, wanted in ((2, np.sqrt((x**2).sum())), (1, np.abs(x).sum()), (3, (np.abs(x) ** 3).sum() ** (1 / 3))):
        out = torch.linalg.vector_norm(given, order, dtype=torch.float64)
        assert_values(
            f"vector_norm({order}, dtype=float64)", out, np.asarray(wanted), INNER.over(400), wanted, dtype="float64"
        )
        out = torch.linalg.vector_norm(given, order)
        assert_values(
            f"vector_norm({order}) of 40,001", out, np.asarray(wanted), INNER.over(400), wanted, dtype="float32"
        )
    for call in (
        lambda: torch.linalg.vector_norm(torch.ones(3, dtype=torch.int64)),
        lambda: torch.linalg.norm(torch.ones(2, 2), "abc"),
    ):
        assert_raises("a norm of integers, or of an unknown order", RuntimeError, call)


@check("linalg.lu")
@pytest.mark.parametrize("shape", [(4, 4), (2, 5, 3), (3, 5), (33, 33), (1, 1)], ids=str)
def test_lu_is_p_times_l_times_u(subject, shape):
    rows, columns = shape[-2:]
    k = min(rows, columns)
    for dtype in ("float64", "float32"):
        for layout in ("contiguous", "transposed", "stepped"):
            recipe = LAYOUTS[layout](normal(1, shape, dtype), dtype)
            parts = torch.linalg.lu(recipe.on(subject))
            p, low, up = (host.array(part).astype(np.float64) for part in parts)
            text, bound = f"lu of {shape}, {layout}", INNER.over(40 * rows)
            product = contiguous(p @ low @ up, "float64").on(subject)
            assert_values(text, product.to(parts[1].dtype), recipe.array, bound, 8.0, dtype=dtype)
            assert_values(f"P of {text}", parts[0], np.eye(rows)[np.argmax(p, -1)], dtype=dtype)
            assert_values(f"L of {text}", parts[1], np.tril(low, -1) + np.eye(rows, k), dtype=dtype)
            assert_values(f"U of {text}", parts[2], np.triu(up), dtype=dtype)
            packed, pivots = torch.linalg.lu_factor(recipe.on(subject))
            assert_values(f"the packed factors of {text}", packed, pack(low, up, shape), bound, 8.0, dtype=dtype)
            for out, wanted in zip(torch.lu_unpack(packed, pivots), (p, low, up), strict=True):
                assert_values(f"lu_unpack of {text}", out, wanted, bound, 8.0, dtype=dtype)


def pack(low, up, shape):
    """Both factors in one matrix: the diagonal of the lower one is left out."""
    out, k = np.zeros(shape), low.shape[-1]
    out[..., :, :k] += np.tril(low, -1)
    out[..., : up.shape[-2], :] += up
    return out

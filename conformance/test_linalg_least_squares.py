"""Least squares by every driver: the least solution, residuals, ranks, singular values, rcond."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, require
from conformance.check import check, must_answer
from conformance.oracle import linalg as oracle
from conformance.subject import Subject
from conformance.tables.linalg_factor_rows import matrices, mul, size
from conformance.tables.linalg_matrices import KINDS, close, part, value
from properties.strategies.recipe import DENSE, LAYOUTS, stepped, transposed

pytestmark = must_answer

SYSTEMS = (((), 6, 4), ((), 4, 6), ((2,), 5, 3), ((2, 2), 3, 3), ((2,), 3, 5), ((0,), 4, 3))


@check("linalg.lstsq")
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("driver", [None, "gelsy", "gelsd", "gelss", "gels"])
def test_least_squares_give_the_least_solution(subject: Subject, driver: str | None, dtype: str) -> None:
    names = list(DENSE)
    for turn, (batch, m, n) in enumerate(SYSTEMS):
        a, b = (matrices(kind, dtype, batch, m, n) for kind in ("rectangle", "right"))
        x, y = (LAYOUTS[names[(turn + k) % len(names)]](v, dtype).on(subject) for k, v in enumerate((a, b)))
        before = Unchanged(A=x, B=y)
        out = torch.linalg.lstsq(x, y) if driver is None else torch.linalg.lstsq(x, y, driver=driver)
        text = f"lstsq(driver={driver}) of {dtype} {a.shape}"
        wanted = np.linalg.pinv(oracle.wide(a)) @ b
        found = value(f"the solution of {text}", out.solution, dtype, (*batch, n, 2))
        close(f"the solution of {text}", found, wanted, dtype, 40 * (m + n), size(wanted))
        judge_details(text, out, (a, b, wanted), driver, dtype)
        before.check(text)


def judge_details(text: str, out: Any, system: tuple[np.ndarray, ...], driver: str | None, dtype: str) -> None:
    """Residuals where there are more rows than columns; ranks and singular values of the drivers that find them."""
    a, b, solution = system
    (*batch, m, n), s = a.shape, np.linalg.svd(oracle.wide(a), compute_uv=False)
    if m > n and driver in ("gels", "gelsd", "gelss"):  # gelsy, the default, gives none, against its documentation
        squares = (np.abs(mul(a, solution) - b) ** 2).sum(-2)
        found = value(f"the residuals of {text}", out.residuals, part(dtype), (*batch, 2))
        close(f"the residuals of {text}", found, squares, part(dtype), 40 * (m + n), 1 + squares.max(initial=0))
    elif m <= n:
        require(out.residuals.numel() == 0, f"the residuals of {text} are not empty", 0, out.residuals.numel())
    if driver != "gels":
        rank = value(f"the rank of {text}", out.rank, "int64", tuple(batch))
        require((rank == min(m, n)).all(), f"the rank of {text}", min(m, n), rank)
    if driver in ("gelsd", "gelss"):
        found = value(f"the singular values of {text}", out.singular_values, part(dtype), s.shape)
        close(f"the singular values of {text}", found, s, part(dtype), m + n, size(a))


@check("linalg.lstsq")
@pytest.mark.parametrize("driver", ["gelsy", "gelsd", "gelss"])
def test_rcond_of_least_squares_counts_small_singular_values_out(subject: Subject, driver: str) -> None:
    u, v = (np.linalg.qr(np.random.default_rng(seed).standard_normal((4, 4)))[0] for seed in (1, 2))
    a = u @ np.diag([4.0, 2.0, 0.004, 0.0]) @ v.T
    b = np.random.default_rng(3).standard_normal((4, 2))
    x, y = transposed(a, "float64").on(subject), stepped(b, "float64").on(subject)
    for rcond, rank in ((None, 3), (0.01, 2), (1e-9, 3)):
        out = torch.linalg.lstsq(x, y, rcond=rcond, driver=driver)
        require(int(out.rank) == rank, f"the rank of lstsq(rcond={rcond}, driver={driver})", rank, int(out.rank))
        kept = np.where(np.arange(4) < rank, [0.25, 0.5, 250, 0], 0)
        if driver != "gelsy":  # which cuts a triangle, not the singular values
            found = value("lstsq", out.solution, "float64", (4, 2))
            text = f"the solution of lstsq(rcond={rcond}, driver={driver})"
            close(text, found, v @ np.diag(kept) @ u.T @ b, "float64", 4000, 250.0)
    x.requires_grad_()
    require(torch.linalg.lstsq(x, y).solution.requires_grad, "the solution of lstsq carries no gradient", True, False)

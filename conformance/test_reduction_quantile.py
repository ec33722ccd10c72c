"""Quantiles, and the ways of interpolating between elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.assertions import assert_raises
from conformance.check import check, must_answer
from conformance.every_form import Invocation, answer, find
from conformance.numerics import EXACT, FAITHFUL
from conformance.oracle import reduction_scan as scan
from conformance.subject import Subject
from conformance.tables.rows import filled
from conformance.wanted import Wanted
from properties.strategies.recipe import DENSE, contiguous

pytestmark = must_answer


POINTS: tuple[Any, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 0.375, 0.1, [0.0, 0.5, 1.0], [0.25], [0.9, 0.1, 0.625])


def _quantiled(subject: Subject, name: str, x: Any, q: Any, dim: Any, keep: bool, way: str) -> None:
    found = scan.quantile(x.array, q, dim, keep, way, name == "nanquantile")
    error = FAITHFUL.over(8) if way in ("linear", "midpoint") else EXACT
    point = q if np.ndim(q) == 0 else contiguous(np.array(q), x.dtype)
    wanted = (Wanted(np.asarray(found.values), x.dtype, error, found.scale, signed_zeros=False),)
    options = {"dim": dim, "keepdim": keep, "interpolation": way} if dim is not None else {"interpolation": way}
    call = Invocation(name, (x, point), wanted, options, ("input", "q"))
    answer(subject, call, ("function", "method", "keywords"))
    if dim is not None:
        answer(subject, call, ("out", "out_empty"))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=check(f"reduction.{name}")) for name in ("quantile", "nanquantile")]
)
def test_quantiles(subject: Subject, name: str) -> None:
    turn = 0
    for dtype in ("float32", "float64"):
        for shape, dim in (
            ((17,), 0),
            ((33,), None),
            ((4, 5), 1),
            ((3, 9, 2), -2),
            ((5, 4), None),
            ((9, 2), 0),
            ((1,), 0),
        ):
            for q in POINTS:
                turn += 1
                values = filled("special" if turn % 4 == 0 else "normal", dtype, shape, turn)
                values = np.where(np.isinf(values), 7, values).astype(dtype)
                layout = list(DENSE.values())[turn % len(DENSE)]
                _quantiled(subject, name, layout(values, dtype), q, dim, turn % 3 == 0 and dim is not None, "linear")


@check("reduction.quantile-interpolation")
def test_the_ways_of_interpolating(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for size in (5, 9, 17, 2):
            for way in ("lower", "higher", "nearest", "midpoint", "linear"):
                for q in (0.0, 0.3125, 0.5, 0.8125, [0.25, 0.6875]):
                    if way == "nearest" and _halfway(q, size):
                        continue
                    values = np.random.default_rng(size).permutation(size).astype(dtype) ** 2
                    for name in ("quantile", "nanquantile"):
                        _quantiled(subject, name, contiguous(values, dtype), q, 0, False, way)


def _halfway(q: Any, size: int) -> bool:
    return bool((np.atleast_1d(q) * (size - 1) % 1 == 0.5).any())


@check("reduction.quantile-refuses")
def test_quantile_refuses_what_it_cannot_do(subject: Subject) -> None:
    x = contiguous(np.arange(5.0), "float32").on(subject)
    for name in ("quantile", "nanquantile"):
        for q in (1.5, -0.1):
            assert_raises(f"torch.{name}(x, {q})", RuntimeError, lambda n=name, q=q: find(n)(x, q))
        whole = contiguous(np.arange(5), "int64").on(subject)
        assert_raises(f"torch.{name}(int64)", RuntimeError, lambda n=name, w=whole: find(n)(w, 0.5))
        assert_raises(f"torch.{name} of nothing", RuntimeError, lambda n=name: find(n)(x[:0], 0.5))
        other = contiguous(np.array([0.5]), "float64").on(subject)
        assert_raises(f"torch.{name}(float32, float64)", RuntimeError, lambda n=name, o=other: find(n)(x, o))

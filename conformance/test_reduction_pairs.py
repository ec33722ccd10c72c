"""Covariance, differences of neighbours, integrals, and sums of exponentials."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.every_form import Invocation, answer, find
from conformance.numerics import COMPOSED, INNER, SUMMED
from conformance.oracle import reduction_scan as scan
from conformance.subject import Subject
from conformance.tables.reduction_cases import of_answer
from conformance.tables.rows import filled, small
from conformance.wanted import Wanted, same
from properties.strategies.recipe import LAYOUTS, contiguous, stepped, transposed
from properties.strategies.values import cycle

pytestmark = must_answer


@check("reduction.cov")
def test_covariance(subject: Subject) -> None:
    for dtype in ("float32", "float64", "complex64"):
        for shape in ((3, 17), (17,), (2, 5), (1, 4), (4, 100)):
            values = filled("normal", dtype, shape)
            for correction in (1, 0, 2):
                for layout in (contiguous, transposed, stepped):
                    wanted = (of_answer(scan.cov(values, correction), dtype, INNER),)
                    call = Invocation("cov", (layout(values, dtype),), wanted, {"correction": correction}, ("input",))
                    answer(subject, call, ("function", "method", "keywords"))


@check("reduction.cov-weights")
def test_covariance_with_weights(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        values = filled("normal", dtype, (3, 7))
        frequency, weight = np.array([1, 2, 1, 3, 1, 1, 2]), np.array([0.5, 1, 0.25, 1, 2, 1, 0.5])
        for f in (None, frequency):
            for a in (None, weight):
                wanted = (of_answer(scan.cov(values, 1, f, a), dtype, INNER),)
                options: dict[str, Any] = {}
                if f is not None:
                    options["fweights"] = contiguous(f, "int64")
                if a is not None:
                    options["aweights"] = contiguous(a, dtype)
                answer(
                    subject, Invocation("cov", (transposed(values, dtype),), wanted, options), ("function", "method")
                )


@check("reduction.corrcoef")
def test_correlation(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for shape in ((3, 17), (2, 5), (4, 100), (17,)):
            values = filled("normal", dtype, shape)
            for layout in (contiguous, transposed, stepped):
                wanted = (of_answer(scan.corrcoef(values), dtype, INNER),)
                answer(
                    subject,
                    Invocation("corrcoef", (layout(values, dtype),), wanted, {}, ("input",)),
                    ("function", "method", "keywords"),
                )


DIFFERENCES = (((17,), 1, 0), ((4, 5), 1, -1), ((4, 5), 1, 0), ((3, 4, 5), 2, 1), ((33,), 3, 0), ((5,), 0, 0))


@check("reduction.diff")
def test_differences(subject: Subject) -> None:
    turn = 0
    for dtype in COMMON:
        for shape, n, dim in DIFFERENCES:
            if dtype == "bool" and n != 1:
                continue
            turn += 1
            x = list(LAYOUTS.values())[turn % len(LAYOUTS)](cycle(small(dtype), shape), dtype)
            wanted = (Wanted(scan.diff(x.array, n, dim), dtype, signed_zeros=False),)
            call = Invocation("diff", (x, n, dim), wanted, {}, ("input", "n", "dim"))
            answer(subject, call, ("function", "method", "keywords") if n else ("function",))


@check("reduction.diff")
def test_differences_with_something_put_before_or_behind(subject: Subject) -> None:
    for dtype in ("float32", "int64"):
        values, edge = cycle(small(dtype), (4, 5)), cycle(small(dtype), (4, 1)) + 5
        for before, after in ((edge, None), (None, edge), (edge, edge)):
            parts = {"prepend": before, "append": after}
            options = {key: stepped(part, dtype) for key, part in parts.items() if part is not None}
            wanted = (Wanted(scan.diff(values, 1, 1, before, after), dtype, signed_zeros=False),)
            call = Invocation("diff", (transposed(values, dtype), 1, 1), wanted, options)
            answer(subject, call, ("function", "method"))


@check("reduction.trapezoid")
def test_integrals_by_trapezia(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for shape, dim in (((17,), -1), ((4, 5), 0), ((3, 4, 5), 1), ((2, 33), -1)):
            values = filled("normal", dtype, shape)
            places = np.cumsum(np.arange(1, shape[dim] + 1) % 3 + 0.5).astype(dtype)
            for layout in (contiguous, transposed, stepped):
                y = layout(values, dtype)
                for name, total in (("trapezoid", False), ("cumulative_trapezoid", True)):
                    wanted = (of_answer(scan.trapezoid(values, None, 1.0, dim, total), dtype, SUMMED),)
                    answer(subject, Invocation(name, (y,), wanted, {"dim": dim}), ("function",))
                    wanted = (of_answer(scan.trapezoid(values, None, 0.25, dim, total), dtype, SUMMED),)
                    answer(subject, Invocation(name, (y,), wanted, {"dx": 0.25, "dim": dim}), ("function",))
                    if dim in (-1, len(shape) - 1):
                        wanted = (of_answer(scan.trapezoid(values, places, 1.0, dim, total), dtype, SUMMED),)
                        answer(
                            subject, Invocation(name, (y, stepped(places, dtype)), wanted, {"dim": dim}), ("function",)
                        )


def _extreme_lines(high: float) -> tuple[list[float], ...]:
    return (
        [high, high],
        [-high, -high],
        [1000.0, 1000.0, 999.0],
        [-1000.0, -1001.0],
        [0.0] * 17,
        [-np.inf, 0.0],
        [np.inf, 1.0],
        [-np.inf, -np.inf],
        [np.nan, 1.0],
    )


@check("reduction.logsumexp-range")
def test_logsumexp_neither_overflows_nor_loses_small_terms(subject: Subject) -> None:
    for dtype, high in (("float32", 1e30), ("float64", 1e300)):
        for line in _extreme_lines(high):
            values = np.array([line, line[::-1]], dtype)
            for layout in (contiguous, transposed, stepped):
                x = layout(values, dtype).on(subject)
                for name, law in (("logsumexp", scan.logsumexp), ("logcumsumexp", scan.logcumsumexp)):
                    same(f"torch.{name}({line}, 1)", find(name)(x, 1), of_answer(law(values, 1), dtype, COMPOSED))

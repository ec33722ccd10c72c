"""The derivative of every differentiable function: J^T v against differences of a numpy function, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.effort import scaled
from conformance.oracle import autograd as oracle
from conformance.oracle.autograd import Derivative
from conformance.subject import Subject
from conformance.tables.autograd_families import FAMILIES
from conformance.tables.gradients import (
    assert_gradient,
    assert_gradients,
    assert_row,
    evaluate,
    leaves,
    present,
    stored,
    vectors,
)
from properties.strategies.recipe import contiguous, row_stepped, transposed

pytestmark = must_answer

ARRANGEMENTS = (("float64", contiguous), ("float64", transposed), ("float32", row_stepped))


def params(rows: Iterable[Derivative], claim: str) -> list:
    """A parameter a row, marked with the claim and the row's releases."""
    return [pytest.param(row, marks=check(claim, since=row.since, until=row.until), id=row.name) for row in rows]


def arrangements(place: int) -> tuple:
    """All of them; in a quick run only one, in turn, for the forms after the first."""
    start, count = (place % 3, min(3, scaled(3))) if place else (0, 3)
    return (*ARRANGEMENTS, *ARRANGEMENTS)[start : start + count]


def claim_of(family: str) -> str:
    """The claim that a family belongs to; some functions stand apart so that a bug of theirs hides no other."""
    return f"autograd.derivative-{ {'sgn': 'piecewise', 'prelu': 'layer'}.get(family, family) }"


def tried(claim: str, pick=lambda row: True) -> list:
    """A parameter a family with such rows: (name of the family, its rows)."""
    found = {name: [row for row in rows if pick(row)] for name, rows in FAMILIES.items()}
    return [pytest.param(name, marks=check(claim), id=name) for name, rows in found.items() if rows]


@pytest.mark.parametrize("row", [param for name, rows in FAMILIES.items() for param in params(rows, claim_of(name))])
def test_the_gradient_is_the_transposed_jacobian_times_v(subject: Subject, row: Derivative) -> None:
    wanted = oracle.pullback(row, oracle.vectors(row))
    for place, form in enumerate(row.forms):
        for dtype, layout in arrangements(place):
            assert_row(row, form, dtype, subject, layout, wanted)


@pytest.mark.parametrize("family", tried("autograd.sum-backward"))
def test_the_gradient_of_the_sum_is_that_of_ones(subject: Subject, family: str) -> None:
    for row in present(FAMILIES[family]):
        ones = [np.ones(np.shape(v)) for v in oracle.vectors(row)]
        wanted = oracle.pullback(row, ones)
        for dtype, layout in (("float64", row_stepped), ("float32", contiguous)):
            tensors = leaves(row, dtype, subject, layout)
            outs = evaluate(row.forms[0], tensors)
            sum(out.real.sum() if out.is_complex() else out.sum() for out in outs).backward()
            call = f"x.grad after ({row.forms[0]}).sum().backward() ({dtype}, {layout.__name__})"
            assert_gradients(call, row, [x.grad for x in tensors], wanted, dtype)


@pytest.mark.parametrize("family", tried("autograd.repeated-derivatives"))
def test_a_second_pass_through_a_kept_graph_adds_the_same(subject: Subject, family: str) -> None:
    for row in present(FAMILIES[family]):
        first, other = (oracle.pullback(row, oracle.vectors(row, seed)) for seed in (0, 31))
        tensors = leaves(row, "float64", subject)
        outs = evaluate(row.forms[0], tensors)
        given, changed = (vectors(row, outs, subject, seed=seed) for seed in (0, 31))
        for times in (1, 2):
            torch.autograd.backward(outs, given, retain_graph=True)
            call = f"x.grad after {times} backward passes through {row.forms[0]}"
            assert_gradients(call, row, [x.grad for x in tensors], first, "float64", times)
        found = torch.autograd.grad(outs, tensors, changed)
        assert_gradients(f"the gradient of {row.forms[0]} for another v", row, found, other, "float64")


def real(row: Derivative) -> bool:
    return row.smooth and not row.name.startswith("complex_")


@pytest.mark.parametrize("family", tried("autograd.second-derivative", real))
def test_the_second_derivative_is_that_of_the_function(subject: Subject, family: str) -> None:
    every = 2 // min(2, scaled(2))  # in a quick run every second function
    for row in present(list(filter(real, FAMILIES[family]))[::every]):
        judge_second(subject, row, row_stepped)


def judge_second(subject: Subject, row: Derivative, layout) -> None:
    """With g = J^T v: the gradients of sum(u * g), for the inputs along w and for v, against mixed differences."""
    tensors = leaves(row, "float64", subject, layout)
    outs = evaluate(row.forms[0], tensors)
    v = [part.requires_grad_() for part in vectors(row, outs, subject, layout)]
    first = torch.autograd.grad(outs, tensors, v, create_graph=True, allow_unused=True)
    given = [layout(u, "float64").on(subject) for u in oracle.directions(row, 3)]
    pairs = [(g, u) for g, u in zip(first, given, strict=True) if g is not None and g.requires_grad]
    call = f"grad(sum(u * grad({row.forms[0]}, x, v, create_graph=True)))"
    if not pairs:
        slopes = [part for ways in oracle.slopes_of(row) for _, parts in ways for part in parts]
        require(not any(part.any() for part in slopes), f"{call}: no gradient carries a graph", True, False)
        return
    found = torch.autograd.grad([g for g, _ in pairs], [*tensors, *v], [u for _, u in pairs], allow_unused=True)
    assert_second(call, row, found)


def assert_second(call: str, row: Derivative, found: Sequence[torch.Tensor | None]) -> None:
    """Refute unless the gradients for the inputs have the curvature's product with w, and those for v are J u."""
    inputs, results = found[: len(row.inputs)], found[len(row.inputs) :]
    wanted = oracle.curvature(row, 3, 5)
    products = [
        np.zeros(x.shape) if g is None else host.array(stored(g)) * w.astype(np.longdouble)
        for g, x, w in zip(inputs, row.inputs, oracle.directions(row, 5), strict=True)
    ]
    value = float(sum(part.sum() for part in products))
    size = float(wanted.scale) + float(sum(np.abs(part).sum() for part in products)) + 1.0
    allowed = 2.0**-52 * row.terms * 2**14 * oracle.WIDER * size
    require(
        abs(value - wanted.value) <= allowed,
        f"{call}, times w, is {value!r}, but should be {wanted.value!r}",
        wanted.value,
        value,
    )
    for g, expected in zip(results, oracle.pushforward(row, oracle.directions(row, 3)), strict=True):
        g = torch.zeros(expected.value.shape, dtype=torch.float64) if g is None else g
        assert_gradient(f"{call} for v", g, expected, "float64", row.terms * 16)

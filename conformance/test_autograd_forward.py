"""Forward mode: dual tensors carry a tangent along, which becomes J u."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.oracle import autograd as oracle
from conformance.oracle.autograd import Derivative
from conformance.subject import Subject
from conformance.tables.autograd_families import FAMILIES
from conformance.tables.gradients import assert_gradient, built, constant, evaluate, exact, leaf, present, stored
from properties.strategies.recipe import contiguous, row_stepped

pytestmark = must_answer

# What has no forward derivative, in the oldest release or in all of them.
BACKWARD_ONLY = {"cdist", "cdist_three", "pdist", "renorm", "logcumsumexp"}
# Functions that stand apart, so that a bug of theirs hides no other.
APART = ("triangular_solve", "cholesky_inverse")


def families() -> dict[str, list[Derivative]]:
    """The real functions with a forward derivative, by family."""
    found: dict[str, list[Derivative]] = {}
    for family, rows in FAMILIES.items():
        for row in rows:
            if family != "complex" and row.name not in BACKWARD_ONLY:
                found.setdefault(row.name if row.name in APART else family, []).append(row)
    return found


ROWS = families()


@check("autograd.forward-mode")
@pytest.mark.parametrize("family", ROWS)
def test_the_tangent_of_a_result_is_the_jacobian_times_u(subject: Subject, family: str) -> None:
    for row in present(ROWS[family]):
        directions = oracle.directions(row, 3)
        wanted = oracle.pushforward(row, directions)
        for form, layout in ((row.forms[0], contiguous), (row.forms[-1], row_stepped)):
            pairs = zip(row.inputs, directions, strict=True)
            judge(subject, row, form, [[layout(np.asarray(a), "float64") for a in pair] for pair in pairs], wanted)


def judge(subject: Subject, row: Derivative, form: str, pairs: list, wanted: list) -> None:
    """Refute unless a form of duals, each of a primal and a tangent, has the function's value and J u."""
    forward = torch.autograd.forward_ad
    with forward.dual_level():
        duals = [forward.make_dual(*(built(recipe, subject) for recipe in pair)) for pair in pairs]
        outs = [forward.unpack_dual(out) for out in evaluate(form, duals)]
    for (primal, tangent), expected in zip(outs, wanted, strict=True):
        zero = torch.zeros(tuple(primal.shape), dtype=primal.dtype)
        found = zero if tangent is None else stored(tangent)
        dtype = host.dtype_name(primal.dtype)
        assert_gradient(f"the tangent of {form}", found, expected, dtype, row.terms * 2**6)


@check("autograd.forward-mode-levels")
def test_a_dual_lives_in_its_level(subject: Subject) -> None:
    forward = torch.autograd.forward_ad
    x, u = constant([1.0, 2.0], subject), constant([1.0, 10.0], subject)
    with forward.dual_level():
        dual = forward.make_dual(x, u)
        y = dual * dual
        primal, tangent = forward.unpack_dual(y)
        exact("the primal of dual * dual", primal, [1.0, 4.0])
        exact("the tangent of dual * dual", tangent, [2.0, 40.0])
        exact("the tangent of dual", forward.unpack_dual(dual).tangent, [1.0, 10.0])
        for name, plain in (("x", x), ("dual.detach()", dual.detach()), ("dual > 1", dual > 1), ("x * 2", x * 2)):
            require(forward.unpack_dual(plain).tangent is None, f"{name} has a tangent", None, plain)
    exact("x after a level", x, [1.0, 2.0])
    require(not y.requires_grad, "dual * dual requires grad", False, True)
    with forward.dual_level():
        require(forward.unpack_dual(y).tangent is None, "a dual of an earlier level has a tangent", None, y)


@check("autograd.forward-mode-levels")
def test_what_makes_no_dual(subject: Subject) -> None:
    forward = torch.autograd.forward_ad
    x = constant([1.0, 2.0], subject)
    assert_raises("make_dual outside a level", RuntimeError, lambda: forward.make_dual(x, x))
    with forward.dual_level():
        assert_raises("make_dual with a tangent of 3", RuntimeError, lambda: forward.make_dual(x, torch.ones(3).to(x)))
        assert_raises("make_dual of integers", ValueError, lambda: forward.make_dual(x.long(), x))
        assert_raises("a level in a level", RuntimeError, lambda: forward.dual_level().__enter__())
        dual = forward.make_dual(x, x)
        with torch.no_grad():
            exact("the tangent of dual * 3 under no_grad", forward.unpack_dual(dual * 3).tangent, [3.0, 6.0])


# Code on x, a dual with the tangent u, and the tangent that it should have.
WRITES: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "x.mul_(x)": lambda x, u: 2 * x * u,
    "x.mul_(x.clone())": lambda x, u: 2 * x * u,
    "x.exp_()": lambda x, u: np.exp(x) * u,
    "x.zero_()": lambda x, u: 0 * u,
    "x.add_(1)": lambda x, u: u,
    "x.__setitem__(0, 5.0)": lambda x, u: u * [[0.0], [1.0]],
    "x[0].mul_(3)": lambda x, u: u * [[3.0], [1.0]],
    "x.t().mul_(2)": lambda x, u: 2 * u,
    "x.copy_(x * 4)": lambda x, u: 4 * u,
}


@check("autograd.forward-mode-writes")
@pytest.mark.parametrize("code", WRITES)
def test_a_write_in_place_writes_the_tangent(subject: Subject, code: str) -> None:
    forward = torch.autograd.forward_ad
    x, u = np.array([[1.0, 2.0, 0.5], [0.0, 1.5, -1.0]]), np.array([[1.0, 10.0, 2.0], [-4.0, 8.0, 3.0]])
    wanted = oracle.Gradient(np.asarray(WRITES[code](x, u)), np.abs(u) * 8)
    for layout in (contiguous, row_stepped):
        with forward.dual_level():
            dual = forward.make_dual(*(built(layout(array, "float64"), subject) for array in (x, u)))
            eval(code, {"x": dual})
            tangent = forward.unpack_dual(dual).tangent
        assert_gradient(f"the tangent of x after {code} ({layout.__name__})", stored(tangent), wanted, "float64")


@check("autograd.forward-over-backward")
def test_a_tangent_can_be_differentiated_backwards(subject: Subject) -> None:
    forward = torch.autograd.forward_ad
    x, u = leaf([1.0, 2.0], subject), leaf([1.0, 10.0], subject)
    with forward.dual_level():
        tangent = forward.unpack_dual(forward.make_dual(x, u) ** 3).tangent
        found = torch.autograd.grad(tangent.sum(), (x, u))
    exact("the derivative of 3 x² u for x", found[0], [6.0, 120.0])
    exact("the derivative of 3 x² u for u", found[1], [3.0, 12.0])
    with forward.dual_level():
        dual = forward.make_dual(x, constant([1.0, 10.0], subject))
        gradient = torch.autograd.grad((dual**3).sum(), dual, create_graph=True)[0]
        exact("the tangent of the gradient of x ** 3", forward.unpack_dual(gradient).tangent, [6.0, 120.0])

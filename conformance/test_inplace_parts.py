"""Writing to parts: augmented assignments to what brackets take, and methods on views of results of autograd."""

from __future__ import annotations

import operator

import numpy as np
import pytest

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.tables.inplace_calls import version
from properties.strategies.recipe import contiguous, layouts
from properties.strategies.values import distinct

pytestmark = must_answer

# What stands between the brackets, as torch and numpy both read it.
PARTS = (
    "1",
    "-1, 2",
    "1:",
    ":, ::2",
    "1:3, 1",
    "..., -1",
    "None",
    "[2, 0]",
    "[0, 3], [1, 1]",
    "1:1",
)
OPERATORS = {
    "+=": operator.iadd,
    "-=": operator.isub,
    "*=": operator.imul,
    "//=": operator.ifloordiv,
    "|=": operator.ior,
}


@check("inplace.augmented-parts")
@pytest.mark.parametrize("sign", OPERATORS)
def test_parts_of_a_tensor_change_once(subject, sign):
    for recipe in layouts(distinct("int64", (4, 5)), "int64"):
        for place in PARTS:
            x, expected = recipe.on(subject), recipe.array
            same, told, call = x, version(x), f"x[{place}] {sign} 3, x {recipe.strides}"
            for side in (x, expected):
                exec(f"side[{place}] {sign} 3", {"side": side})
            assert_values(f"x after {call}", x, expected, dtype="int64")
            require(x is same and version(x) > told, f"{call} does not move the version counter")


@check("inplace.augmented-parts")
@pytest.mark.parametrize("sign", [sign for sign in OPERATORS if sign != "//="])
def test_masked_parts_and_tensors_on_the_right(subject, sign):
    for recipe in layouts(distinct("int64", (4, 5)), "int64"):
        x, expected = recipe.on(subject), recipe.array
        mask = expected % 3 == 1
        m, y = contiguous(mask, "bool").on(subject), contiguous(np.arange(2, 7), "int64").on(subject)
        steps = {"x": x, "mask": m, "y": y}, {"x": expected, "mask": mask, "y": np.arange(2, 7)}
        for code in (f"x[mask] {sign} 2", f"x[1] {sign} y", f"x[:, 1:] {sign} y[1:]", f"x[::2] {sign} x[1::2]"):
            for names in steps:
                exec(code, names)
            assert_values(f"x after {code}, x {recipe.strides}", x, expected, dtype="int64")


# Views of a 4 x 6 matrix, and methods: what becomes of the view, and the derivative by it.
VIEWS = ("x[1]", "x[:, 2]", "x[::2, 1:4]", "x.t()", "x.view(-1)[5:20:3]", "x.diagonal()", "x[2:2]", "x")
CHANGES = {
    "mul_(3)": (lambda v: v * 3, lambda v: np.full_like(v, 3)),
    "add_(5)": (lambda v: v + 5, np.ones_like),
    "zero_()": (np.zeros_like, np.zeros_like),
    "square_()": (lambda v: v * v, lambda v: 2 * v),
    "neg_()": (lambda v: -v, lambda v: np.full_like(v, -1)),
    "copy_(y)": (lambda v: np.full_like(v, 9), np.zeros_like),
}


@check("inplace.views-of-results")
@pytest.mark.parametrize("code", CHANGES)
def test_a_change_of_a_view_of_a_result_is_recorded(subject, code):
    rule, slope = CHANGES[code]
    for view in VIEWS:
        values = distinct("float64", (4, 6))
        leaf = contiguous(values, "float64").with_grad().on(subject)
        x, mirror, factor = leaf * 2, values * 2, np.full_like(values, 2)
        y = host.tensor(np.full((), 9.0), "float64", subject.device)
        part, node = eval(view, {"x": x}), x.grad_fn
        out = eval(f"part.{code}", {"part": part, "y": y})
        # numpy's diagonal() cannot be written to; a view of the same places can.
        here = as_numpy(view, mirror)
        slopes, now = slope(here.copy()), rule(here.copy())
        as_numpy(view, factor)[...] *= slopes
        here[...] = now
        call = f"x after {view}.{code}, a result of autograd"
        require(out is part, f"{view}.{code} is not the tensor that it was called on")
        require(x.grad_fn is not node or view == "x[2:2]", f"{view}.{code} is not recorded for x")
        assert_values(call, x, mirror, dtype="float64")
        weights = 1 + distinct("float64", (4, 6)) % 5
        (x * contiguous(weights, "float64").on(subject)).sum().backward()
        assert_values(f"the gradient through {call}", leaf.grad, weights * factor, dtype="float64")


def as_numpy(view, array):
    """The same places of an array, to be written to."""
    places = {"x.t()": "x.T", "x.diagonal()": "x.reshape(-1)[:24:7]", "x.view(-1)[5:20:3]": "x.reshape(-1)[5:20:3]"}
    return eval(places.get(view, view), {"x": array})

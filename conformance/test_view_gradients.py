"""Gradients through views: what flows back to which element, when a view requires grad, and writes in between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.oracle.view import Geometry, row_major
from conformance.tables.view_calls import Call
from conformance.tables.view_table import VIEWS, View, existing
from properties.strategies.recipe import LAYOUTS, Recipe
from properties.strategies.values import distinct

pytestmark = must_answer

SHAPES = ((3, 4), (5,), (1, 4), (2, 3, 4), (), (0, 3), (17, 3))
DTYPES = ("float64", "float32", "complex128", "float64", "complex64")


def whole(shape: tuple[int, ...]) -> Geometry:
    """A tensor whose elements lie at 0, 1, 2, …: the places of its views are flat indices of its elements."""
    return Geometry(shape, row_major(shape))


def leaves(subject: Any, turn: int) -> list[Recipe]:
    """Tensors that require grad, of every shape, in one layout and dtype after the other."""
    names = [name for name in DTYPES if subject.supports(name)]
    found = []
    for place, shape in enumerate(SHAPES, start=turn):
        dtype, layout = names[place % len(names)], list(LAYOUTS)[place % len(LAYOUTS)]
        found.append(LAYOUTS[layout](distinct(dtype, shape), dtype).with_grad())
    return found


def weights(shape: tuple[int, ...], dtype: str, start: int = 2) -> np.ndarray:
    """Small integers that are all different, so that sums of them are exact."""
    return (np.arange(start, start + int(np.prod(shape))) % 1021).reshape(shape).astype(dtype)


def results(out: Any) -> list[torch.Tensor]:
    return list(out) if isinstance(out, (tuple, list)) else [out]


def judge_gradient(call: Call, recipe: Recipe, looks: tuple[Geometry, ...], subject: Any) -> None:
    """Refute unless each element gets the sum of what flows into where it is seen; and so the second time round."""
    x = recipe.on(subject)
    outs = results(call(x))
    given = [weights(geometry.shape, recipe.dtype, 3 + place) for place, geometry in enumerate(looks)]
    expected = np.zeros(int(np.prod(recipe.shape)), recipe.dtype)
    for values, geometry in zip(given, looks, strict=True):
        np.add.at(expected, geometry.places().ravel(), values.ravel())
    flows = [host.tensor(values, recipe.dtype, subject.device).requires_grad_() for values in given]
    (found,) = torch.autograd.grad(outs, x, flows, create_graph=True)
    said = f"the gradient of {call}, with x of {recipe.dtype}, shape {recipe.shape}, strides {recipe.strides},"
    assert_values(said, found.detach(), expected.reshape(recipe.shape), dtype=recipe.dtype)
    back = weights(recipe.shape, recipe.dtype, 7)
    again = torch.autograd.grad(found, flows, host.tensor(back, recipe.dtype, subject.device))
    for part, geometry in zip(again, looks, strict=True):
        assert_values(f"the second {said}", part, back.ravel()[geometry.places()], dtype=recipe.dtype)


def some(row: View, recipe: Recipe, most: int, *, every: bool = False) -> list[tuple[Call, tuple[Geometry, ...]]]:
    """Calls on a leaf, with the flat indices that their results show. `every`: in every way to write them."""
    if row.name == "as_strided" and recipe.strides != row_major(recipe.shape):
        return []  # its arguments speak of the storage, not of the elements
    found = []
    for number, (arguments, looks) in enumerate(row.valid(whole(recipe.shape), most), start=recipe.numel):
        if row.name != "as_strided" or len(arguments) < 3:
            try:
                row.looks_at(Geometry(recipe.shape, recipe.strides, recipe.offset), arguments)
            except ValueError:  # no view of these strides
                if not row.copies:
                    continue
            calls = list(row.calls(arguments))
            found += [(call, looks) for call in (calls if every else [calls[number % len(calls)]])]
    return found


@pytest.mark.parametrize("row", [pytest.param(row, marks=check("view.gradient", since=row.since)) for row in VIEWS])
def test_gradients_flow_back_to_the_elements_that_a_view_shows(subject, row):
    for recipe in leaves(subject, VIEWS.index(row)):
        for call, looks in some(row, recipe, most=3, every=not row.keywords):
            if looks:
                judge_gradient(call, recipe, looks, subject)


@check("view.requires-grad")
def test_a_view_requires_grad_as_its_tensor_does(subject):
    for row in existing(VIEWS, subject):
        for recipe in leaves(subject, VIEWS.index(row)):
            for call, _ in some(row, recipe, most=3, every=True):
                judge_flags(call, recipe, subject)


def judge_flags(call: Call, recipe: Recipe, subject: Any) -> None:
    """Refute unless views require grad where the tensor does, by a step that autograd recorded, and only there."""
    x = recipe.on(subject)
    for part in results(call(x)):
        if part is not x:
            found = (part.requires_grad, part.is_leaf, part.grad_fn is None)
            wanted = (True, False, False)
            require(found == wanted, f"{call}: requires_grad, is_leaf, no grad_fn", wanted, found)
    with torch.no_grad():
        require(all(part.grad_fn is None for part in results(call(x))), f"{call} is recorded without grad")
    reach = 1 + sum((n - 1) * s for n, s in zip(x.shape, x.stride(), strict=True))
    for part, plain in zip(results(call(x)), results(call(x.detach())), strict=True):
        require(not plain.requires_grad, f"{call} of a detached tensor requires grad", False, True)
        own = [(p.data_ptr() - x.data_ptr(), p.stride()) for p in (part, plain)]
        shared = plain.numel() and 0 <= own[1][0] < x.element_size() * reach
        said = f"{call} of a leaf shares other memory than without grad"
        require(own[0] == own[1] or not shared, said, own[1], own[0])
    require(x.requires_grad and x.is_leaf and x.grad is None, f"{call} changes requires_grad, is_leaf or grad of x")


@check("view.write-gradient")
def test_gradients_follow_what_was_written_through_a_view(subject):
    """Half of the elements multiplied by 3, or replaced: their gradient is 3 times as large, or 0."""
    for row in existing(VIEWS, subject):
        start = VIEWS.index(row)
        for recipe in leaves(subject, start)[start % 2 :: 2]:
            for call, looks in [] if row.several or recipe.is_overlapping else some(row, recipe, most=2):
                if looks[0].numel and not looks[0].is_overlapping() and is_view(call, recipe, subject):
                    judge_write(call, recipe, looks[0], subject)


def is_view(call: Call, recipe: Recipe, subject: Any) -> bool:
    base = recipe.on(subject).detach().clone()
    return call(base).data_ptr() in range(base.data_ptr(), base.data_ptr() + base.numel() * base.element_size())


def judge_write(call: Call, recipe: Recipe, looks: Geometry, subject: Any) -> None:
    flow = weights(recipe.shape, recipe.dtype)
    for factor in (3, 0):
        x = recipe.on(subject)
        base = x.clone(memory_format=torch.contiguous_format)
        part = call(base)
        part.mul_(3) if factor else part.fill_(5)
        base.backward(host.tensor(flow, recipe.dtype, subject.device))
        expected = flow.ravel().copy()
        expected[looks.places()] *= factor
        said = f"the gradient of x after base = x.clone(); {call.on('base')}.{'mul_(3)' if factor else 'fill_(5)'}"
        assert_values(said, x.grad, expected.reshape(recipe.shape), dtype=recipe.dtype)
        values = recipe.array.ravel()
        values[looks.places()] = values[looks.places()] * 3 if factor else 5
        assert_values(f"base after {call.on('base')} was written to", base.detach(), values.reshape(recipe.shape))

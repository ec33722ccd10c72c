"""Gradients over generated shapes, layouts, indices and sequences of passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import GRADIENT, Error
from conformance.oracle.autograd import unbroadcast
from conformance.subject import Subject
from conformance.tables.gradients import exact, leaf
from properties.strategies.recipe import LAYOUTS, Recipe
from properties.strategies.shapes import dims, shapes
from properties.strategies.tensors import broadcastable, normals, tensors

pytestmark = must_answer
FLOATS = ("float32", "float64")


def whole(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Small whole numbers of both signs: products and sums of them are exact."""
    count = int(np.prod(shape, dtype=np.int64))
    return ((np.arange(count) * 7 + seed * 3) % 11 - 5.0).reshape(shape)


def on(subject: Subject, values: np.ndarray, dtype: str, layout: str = "contiguous") -> torch.Tensor:
    return LAYOUTS[layout](values, dtype).on(subject)


def error(count: int) -> Error:
    return GRADIENT.over(4 + count)


def result_shape(*recipes: Recipe) -> tuple[int, ...]:
    return np.broadcast_shapes(*(recipe.shape for recipe in recipes))


@check("autograd.broadcast-reduced")
@settings(max_examples=max(24, settings.default.max_examples))
@given(pair=broadcastable(2, FLOATS, finite=True, moderate=True))
def test_gradients_are_summed_back_to_each_shape(subject: Subject, pair: tuple[Recipe, Recipe]) -> None:
    x, y = (recipe.array.astype(np.float64) for recipe in pair)
    v = whole(result_shape(*pair), 1)
    dtype = pair[0].dtype
    calls = {
        "x + y": (lambda a, b: a + b, lambda: (v, v)),
        "x - y": (lambda a, b: a - b, lambda: (v, -v)),
        "x * y": (lambda a, b: a * b, lambda: (v * y, v * x)),
        "torch.where(True, x, y)": (lambda a, b: torch.where(torch.ones((), dtype=torch.bool, device=a.device), a, b),
                                    lambda: (v, 0 * v)),
    }  # fmt: skip
    for name, (call, gradients) in calls.items():
        leaves = [recipe.on(subject).requires_grad_() for recipe in pair]
        call(*leaves).backward(on(subject, v, dtype))
        for place, (one, array, terms) in enumerate(zip(leaves, (x, y), gradients(), strict=True)):
            wanted, scale = unbroadcast(terms, array.shape), unbroadcast(np.abs(terms), array.shape)
            assert_values(
                f"the gradient of {name} for {'xy'[place]}", one.grad, wanted, error(v.size), scale, dtype=dtype
            )


@check("autograd.sum-spreads")
@given(data=st.data(), recipe=tensors(FLOATS, shapes(1, 4), finite=True, moderate=True), keepdim=st.booleans())
def test_the_gradient_of_a_sum_is_spread_over_its_dimension(
    subject: Subject, data: Any, recipe: Recipe, keepdim: bool
) -> None:
    dim = data.draw(dims(recipe.ndim), "dim")
    shape = list(recipe.shape)
    shape[dim] = 1
    v = whole(tuple(shape), 2)
    x = recipe.on(subject).requires_grad_()
    given_v = v if keepdim else v.squeeze(dim)
    x.sum(dim, keepdim=keepdim).backward(on(subject, given_v, recipe.dtype))
    exact(f"the gradient of x.sum({dim}, keepdim={keepdim})", x.grad, np.broadcast_to(v, recipe.shape), recipe.dtype)
    x.grad = None
    x.mean(dim, keepdim=keepdim).backward(on(subject, given_v, recipe.dtype))
    wanted = np.broadcast_to(v / max(recipe.shape[dim], 1), recipe.shape)
    assert_values(f"the gradient of x.mean({dim})", x.grad, wanted, error(4), np.abs(wanted), dtype=recipe.dtype)


@check("autograd.indexing-adds-up")
@given(
    recipe=normals("float64", shapes(1, 3, sides=(3, 5, 1, 17))),
    picks=st.lists(st.integers(0, 255), max_size=40),
    seed=st.integers(0, 9),
)
def test_the_gradient_of_an_index_adds_up(subject: Subject, recipe: Recipe, picks: list[int], seed: int) -> None:
    rows = np.array([pick % recipe.shape[0] for pick in picks], np.int64)
    index = host.tensor(rows, "int64", subject.device)
    v = whole((len(rows), *recipe.shape[1:]), seed)
    wanted = np.zeros(recipe.shape)
    np.add.at(wanted, rows, v)
    wide = index.reshape(-1, *[1] * (recipe.ndim - 1)).expand(v.shape)
    calls = {
        "x[index]": lambda x: x[index],
        "x.index_select(0, index)": lambda x: x.index_select(0, index),
        "x.gather(0, index)": lambda x: x.gather(0, wide),
        "torch.take_along_dim(x, index, 0)": lambda x: torch.take_along_dim(x, wide, 0),
        "x.t()[:, index].t()": lambda x: x.transpose(0, -1)[..., index].transpose(0, -1),
    }
    for name, call in calls.items():
        x = recipe.on(subject).requires_grad_()
        call(x).backward(on(subject, v, "float64"))
        exact(f"the gradient of {name}", x.grad, wanted)


@check("autograd.scatter-gradients")
@given(
    recipe=normals("float64", shapes(1, 3, sides=(3, 5, 2))),
    picks=st.lists(st.integers(0, 255), min_size=1, max_size=12),
)
def test_the_gradients_of_scatter_add(subject: Subject, recipe: Recipe, picks: list[int]) -> None:
    rows = np.array([pick % recipe.shape[0] for pick in picks], np.int64)
    index = host.tensor(rows, "int64", subject.device)
    shape = (len(rows), *recipe.shape[1:])
    wide = index.reshape(-1, *[1] * (recipe.ndim - 1)).expand(shape)
    v = whole(recipe.shape, 1)
    for name, call in {
        "x.scatter_add(0, index, s)": lambda x, s: x.scatter_add(0, wide, s),
        "x.index_add(0, index, s)": lambda x, s: x.index_add(0, index, s),
        "x.index_put((index,), s, accumulate=True)": lambda x, s: x.index_put((index,), s, accumulate=True),
    }.items():
        x, s = recipe.on(subject).requires_grad_(), leaf(whole(shape, 4), subject)
        call(x, s).backward(on(subject, v, "float64"))
        exact(f"the gradient of {name} for x", x.grad, v)
        exact(f"the gradient of {name} for s", s.grad, v[rows])


@check("autograd.vjp-of-products")
@given(
    sizes=st.tuples(*[st.sampled_from((2, 3, 1, 5, 17, 33))] * 3),
    layout=st.sampled_from(tuple(LAYOUTS)),
    dtype=st.sampled_from(FLOATS),
)
def test_the_gradients_of_a_matrix_product(
    subject: Subject, sizes: tuple[int, int, int], layout: str, dtype: str
) -> None:
    n, k, m = sizes
    arrays = [
        LAYOUTS[layout](whole(shape, seed), dtype).array for seed, shape in ((1, (n, k)), (2, (k, m)), (3, (n, m)))
    ]
    a, b, v = (np.asarray(array, np.float64) for array in arrays)
    x, y, w = (
        on(subject, whole(shape, seed), dtype, layout) for seed, shape in ((1, (n, k)), (2, (k, m)), (3, (n, m)))
    )
    for name, call in {"x @ y": lambda x, y: x @ y, "torch.einsum": lambda x, y: torch.einsum("ij,jk->ik", x, y),
                       "(y.t() @ x.t()).t()": lambda x, y: (y.t() @ x.t()).t()}.items():  # fmt: skip
        x, y = x.detach().requires_grad_(), y.detach().requires_grad_()
        call(x, y).backward(w)
        exact(f"the gradient of {name} for x ({layout})", x.grad, v @ b.T, dtype)
        exact(f"the gradient of {name} for y ({layout})", y.grad, a.T @ v, dtype)


PASSES = ("pass", "pass twice", "grad", "zero_", "None", "assign", "inputs")


@check("autograd.grads-accumulate")
@given(
    actions=st.lists(st.tuples(st.sampled_from(PASSES), st.integers(1, 5)), max_size=8),
    layout=st.sampled_from(tuple(LAYOUTS)),
)
def test_any_sequence_of_passes_adds_up(subject: Subject, actions: list[tuple[str, int]], layout: str) -> None:
    x, other = leaf(whole((2, 3), 2), subject, layout=layout), leaf(whole((2, 3), 2), subject)
    values = LAYOUTS[layout](whole((2, 3), 2), "float64").array
    shown: np.ndarray | None = None
    for action, k in actions:
        shown = act(action, k, x, other, shown, 2 * k * values)
        require((x.grad is None) is (shown is None), f"x.grad after {action}", shown, x.grad)
        if shown is not None:
            exact(f"x.grad after {[name for name, _ in actions]}", x.grad, shown)


def act(
    action: str, k: int, x: torch.Tensor, other: torch.Tensor, shown: np.ndarray | None, part: np.ndarray
) -> np.ndarray | None:
    """Do one thing with x.grad, which is `shown` before; what it should be then. `part`: what one pass adds."""
    y = (x * x * k + other).sum()
    before = np.zeros((2, 3)) if shown is None else shown
    if action.startswith("pass"):
        y.backward(retain_graph=action == "pass twice")
        if action == "pass twice":
            y.backward()
        return before + part * (1 + (action == "pass twice"))
    if action == "grad":
        exact("autograd.grad(y, x)", torch.autograd.grad(y, x)[0], part)
    elif action == "inputs":
        y.backward(inputs=[other])
    elif action == "zero_" and x.grad is not None:
        x.grad.zero_()
        return np.zeros((2, 3))
    elif action in ("None", "assign"):
        x.grad = None if action == "None" else host.tensor(np.full((2, 3), float(k)), "float64", x.device)
        return None if action == "None" else np.full((2, 3), float(k))
    return shown


@check("autograd.cat-splits")
@given(
    sizes=st.lists(st.sampled_from((2, 1, 3, 0, 17)), min_size=1, max_size=4),
    dim=st.integers(-2, 1),
    layout=st.sampled_from(tuple(LAYOUTS)),
)
def test_cat_and_split_hand_each_part_its_own(subject: Subject, sizes: list[int], dim: int, layout: str) -> None:
    parts = [whole((n, 4) if dim % 2 == 0 else (4, n), n) for n in sizes]
    v = whole(np.concatenate(parts, dim).shape, 3)
    leaves = [leaf(part, subject, layout=layout) for part in parts]
    torch.cat(leaves, dim).backward(on(subject, v, "float64"))
    for n, (one, wanted) in enumerate(zip(leaves, np.split(v, np.cumsum(sizes)[:-1], dim), strict=True)):
        exact(f"the gradient of part {n} of torch.cat(…, {dim})", one.grad, wanted)
    x = leaf(np.concatenate(parts, dim), subject, layout=layout)
    factors = range(1, len(sizes) + 1)
    sum((part * k).sum() for part, k in zip(x.split(sizes, dim), factors, strict=True)).backward()
    wanted = np.concatenate([np.full(part.shape, float(k)) for part, k in zip(parts, factors, strict=True)], dim)
    exact(f"the gradient of x through x.split({sizes}, {dim})", x.grad, wanted)

"""Chains of views, random indices, shapes and strides: what they look at, and what passes through them."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.numerics import EXACT, GRADIENT
from conformance.oracle import view
from conformance.oracle.view import Geometry
from conformance.tables.gradients import version
from conformance.tables.view_memory import Held, assert_fresh, assert_looks_at, same_bits
from properties.strategies.recipe import LAYOUTS
from properties.strategies.tensors import tensors
from properties.strategies.values import distinct
from properties.strategies.views import Chain, chains, factorings, geometries, indices

pytestmark = must_answer

ALL = tuple(LAYOUTS)


@check("view.view-of-a-view")
@given(chain=chains(COMMON))
def test_each_view_of_a_view_looks_at_the_right_elements(subject, chain):
    held = Held.of(chain.recipe, subject)
    x, text = held.tensor, "x"
    for step in chain.steps:
        x, text = step.apply(x), step.on(text)
        assert_looks_at(text, x, held, step.looks)
    held.assert_untouched(text)


@check("view.view-of-a-view")
@given(
    chain=chains(("float32", "int64", "bool", "complex128", "bfloat16", "uint8"), finite=True), seed=st.integers(0, 255)
)
def test_writes_through_a_view_of_a_view_reach_its_elements_and_no_other(subject, chain, seed):
    held = Held.of(chain.recipe, subject)
    out, looks, now = chain.apply(held.tensor), chain.looks, held.buffer.copy()
    if looks.numel and not looks.is_overlapping():
        new = np.roll(distinct(held.dtype, looks.shape), seed)
        out.copy_(host.tensor(new, held.dtype, subject.device))
        now[looks.places()] = new
        same_bits("the memory of x", f"({chain.text()}).copy_(…)", held.memory, now)
        out.fill_(1)
        now[looks.places()] = 1
        same_bits("the memory of x", f"({chain.text()}).fill_(1)", held.memory, now)
    fresh = np.roll(distinct(held.dtype, chain.recipe.shape), seed + 1)
    held.tensor.copy_(host.tensor(fresh, held.dtype, subject.device))
    now[held.geometry.places()] = fresh
    expected = now[looks.places()] if looks.numel else np.empty(looks.shape, now.dtype)
    same_bits(chain.text(), "x.copy_(…)", out, expected)


@check("view.version")
@given(chain=chains("float32"))
def test_a_view_of_a_view_counts_writes_with_its_tensor(subject, chain):
    x = Held.of(chain.recipe, subject).tensor
    out, before = chain.apply(x), version(x)
    require(version(out) == before, f"the version of {chain.text()}", before, version(out))
    x.zero_()
    found = (version(out), version(x))
    said = f"the versions after x.zero_(), of {chain.text()} and x"
    require(found == (before + 1, before + 1), said, before + 1, found)
    if chain.looks.numel and not chain.looks.is_overlapping():
        out.zero_()
        found = (version(out), version(x))
        said = f"the versions after a write to {chain.text()}"
        require(found == (before + 2, before + 2), said, before + 2, found)


def flat(chain: Chain) -> np.ndarray:
    """Which elements of x the last view shows, as flat indices."""
    own = view.of(chain.recipe).places()
    where = np.full(len(chain.recipe.buffer) + 1, -1)
    where[own] = np.arange(own.size).reshape(own.shape)
    return where[chain.looks.places()]


@check("view.gradient")
@given(chain=chains(("float64", "complex128"), finite=True), seed=st.integers(0, 255))
def test_gradients_flow_back_through_views_of_views(subject, chain, seed):
    x = chain.recipe.with_grad().on(subject)
    out, looks, dtype = chain.apply(x), chain.looks, chain.recipe.dtype
    flow = (np.arange(looks.numel) * 7 + seed).reshape(looks.shape).astype(dtype)
    (found,) = torch.autograd.grad(out, x, host.tensor(flow, dtype, subject.device))
    expected = np.zeros(chain.recipe.numel, dtype)
    np.add.at(expected, flat(chain).ravel(), flow.ravel())
    expected = expected.reshape(chain.recipe.shape)
    # as_strided shares out what flows to a place among the elements that lie there; their parts are added up again.
    parts = max((step.looks.numel for step in chain.steps), default=0) if "as_strided" in chain.text() else 0
    error = GRADIENT.over(parts) if parts else EXACT
    assert_values(f"the gradient of {chain.text()}", found, expected, error, np.abs(expected), dtype=dtype)


@check("view.write-gradient")
@given(chain=chains("float64", one_result=True, finite=True), factor=st.sampled_from((3, 0, -1)))
def test_gradients_follow_writes_through_views_of_views(subject, chain, factor):
    x, looks = chain.recipe.with_grad().on(subject), chain.looks
    if looks.numel == 0 or looks.is_overlapping():
        return
    base = x * 1
    if base.stride() != x.stride() or x.storage_offset():
        return  # as_strided speaks of the storage, and this one has another
    chain.apply(base).mul_(factor)
    flow = np.arange(2.0, 2 + chain.recipe.numel)
    base.backward(host.tensor(flow.reshape(chain.recipe.shape), "float64", subject.device))
    expected = flow.copy()
    expected[flat(chain)] *= factor
    said = f"the gradient of x after base = x * 1; {chain.text().replace('x', 'base', 1)}.mul_({factor})"
    assert_values(said, x.grad, expected.reshape(chain.recipe.shape))


@check("view.reshape")
@given(data=st.data(), x=tensors(COMMON, layouts=ALL))
def test_reshape_gives_a_view_or_else_a_copy(subject, data, x):
    sizes = data.draw(factorings(x.numel))
    held = Held.of(x, subject)
    out = held.tensor.reshape(sizes)
    try:
        looks = view.view(held.geometry, sizes)
    except view.Incompatible as reason:
        assert_fresh(f"x.reshape{sizes}", out, held, held.values(held.geometry).reshape(reason.shape))
        assert_raises(f"x.view{sizes}, with {held.facts()},", RuntimeError, lambda: held.tensor.view(sizes))
    else:
        assert_looks_at(f"x.reshape{sizes}", out, held, looks)
        assert_looks_at(f"x.view{sizes}", held.tensor.view(sizes), held, looks)
    held.assert_untouched("reshape")


@check("view.basic-indexing")
@given(data=st.data(), x=tensors(tuple(DTYPES)[:12], layouts=ALL))
def test_basic_indices_mean_what_they_mean_to_numpy(subject, data, x):
    key = data.draw(indices(x.shape))
    tensor, values = x.on(subject), x.array
    assert_values(f"x[{key}]", tensor[key], values[key], dtype=x.dtype)
    for number in key[:1] if len(key) == 1 else ():
        assert_values(f"x[{number}]", tensor[number], values[number], dtype=x.dtype)


@check("view.basic-indexing")
@given(data=st.data(), x=tensors(COMMON, finite=True))
def test_assigning_to_basic_indices_writes_what_numpy_writes(subject, data, x):
    key = data.draw(indices(x.shape))
    held, values = Held.of(x, subject), x.array
    new = distinct(x.dtype, values[key].shape)
    values[key] = new
    held.tensor[key] = host.tensor(new, x.dtype, subject.device)
    assert_values(f"x after x[{key}] = …", held.tensor, values, dtype=x.dtype)
    now = held.buffer.copy()
    now[held.geometry.places()] = values
    same_bits("the memory of x", f"x[{key}] = …", held.memory, now)


@check("view.as-strided")
@given(looks=geometries(60), x=tensors(("float32", "int16", "complex64", "bool"), shape=(5, 12)))
def test_as_strided_looks_at_what_it_is_told(subject, looks, x):
    held = Held.of(x, subject)
    for out in (
        held.tensor.as_strided(looks.shape, looks.strides, looks.offset),
        torch.as_strided(held.tensor, looks.shape, looks.strides, looks.offset),
        torch.as_strided(held.tensor, size=looks.shape, stride=looks.strides, storage_offset=looks.offset),
    ):
        assert_looks_at(f"as_strided{(looks.shape, looks.strides, looks.offset)}", out, held, looks)


@check("view.as-strided")
@given(looks=geometries(60), seed=st.integers(0, 255))
def test_gradients_of_as_strided_add_up_where_elements_share_a_place(subject, looks, seed):
    x = torch.zeros(60, dtype=torch.float64, device=subject.device, requires_grad=True)
    flow = (np.arange(looks.numel) + float(seed)).reshape(looks.shape)
    out = x.as_strided(looks.shape, looks.strides, looks.offset)
    (found,) = torch.autograd.grad(out, x, host.tensor(flow, "float64", subject.device))
    expected = np.zeros(60)
    np.add.at(expected, looks.places().ravel(), flow.ravel())
    assert_values(f"the gradient of as_strided{(looks.shape, looks.strides, looks.offset)}", found, expected)


@check("view.as-strided")
@given(looks=geometries(60), beyond=st.integers(1, 9))
def test_as_strided_refuses_what_lies_beyond_the_storage(subject, looks, beyond):
    if looks.numel == 0:
        return
    held = Held.of(LAYOUTS["contiguous"](distinct("float32", (60,)), "float32"), subject)
    reach = int(looks.places().max()) - looks.offset
    start = 60 - reach - 1 + beyond
    assert_raises(
        f"as_strided{(looks.shape, looks.strides, start)} of 60 elements",
        RuntimeError,
        lambda: held.tensor.as_strided(looks.shape, looks.strides, start),
    )
    held.assert_untouched("as_strided")


@check("view.broadcast-to")
@given(data=st.data(), x=tensors(COMMON, layouts=ALL))
def test_broadcast_to_and_expand_repeat_as_numpy_does(subject, data, x):
    shape = tuple(data.draw(st.sampled_from((2, 3, 1, 0))) if size == 1 else size for size in x.shape)
    shape = (*data.draw(st.lists(st.sampled_from((2, 1, 3)), max_size=2)), *shape)
    tensor, expected = x.on(subject), np.broadcast_to(x.array, shape)
    for text, out in (
        ("torch.broadcast_to(x, shape)", torch.broadcast_to(tensor, shape)),
        ("x.expand(shape)", tensor.expand(shape)),
    ):
        assert_values(f"{text} for shape {shape}", out, expected, dtype=x.dtype)
        strides = Geometry(shape, tuple(out.stride()))
        steps = [n > 1 and s == 0 for n, s in zip(strides.shape, strides.strides, strict=True)]
        wide = [
            n > 1 and (k < len(shape) - x.ndim or x.shape[k - len(shape) + x.ndim] == 1) for k, n in enumerate(shape)
        ]
        require(
            x.numel == 0 or 0 in shape or all(s or not w for s, w in zip(steps, wide, strict=True)), f"{text} copies"
        )

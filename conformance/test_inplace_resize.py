"""In-place methods that give self another size, in its own memory or in more of it; and sizes that none may have."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle.inplace import row_major
from conformance.tables.inplace_calls import flat, state
from properties.strategies.recipe import contiguous, offset, stepped, transposed
from properties.strategies.values import distinct

pytestmark = must_answer

BUFFER = np.arange(1, 25)
RESIZED = ((2, 3), (6,), (1, 2), (2, 2), (0,), (), (3, 4), (2, 3, 4), (5, 0), (100,))


def resize(subject, name, x, shape):
    """Call resize_ or resize_as_, the latter with another tensor that must stay what it is."""
    if name == "resize_":
        return x.resize_(shape)
    pattern = transposed(distinct("int64", shape), "int64").on(subject)
    before = Unchanged(pattern=pattern)
    out = x.resize_as_(pattern) if len(shape) != 2 else torch.resize_as_(x, pattern)
    before.check(f"resize_as_ to {shape}")
    return out


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=check(f"inplace.{name}")) for name in ("resize_", "resize_as_")]
)
@pytest.mark.parametrize("layout", [contiguous, stepped, transposed, offset], ids=lambda layout: layout.__name__)
def test_resize_keeps_what_lies_in_memory(subject, name, layout):
    for place, shape in enumerate(RESIZED):
        dtype = ("float32", "int16", "bool", "complex64")[place % 4]
        recipe = layout(distinct(dtype, (3, 2)), dtype)
        base = flat(subject, recipe)
        x, call = base.as_strided(recipe.shape, recipe.strides, recipe.offset), f"{name} to {shape} of {recipe!r}"
        start = x.data_ptr()
        out = resize(subject, name, x, shape)
        require(out is x, f"{call} is not the tensor that it was called on")
        kept = min(prod(shape), len(recipe.buffer) - recipe.offset)
        found = x.as_strided((kept,), (1,), x.storage_offset())
        wanted = recipe.buffer[recipe.offset : recipe.offset + kept]
        require(state(x) == (shape, row_major(shape), recipe.offset), f"{call} has another layout",
                (shape, row_major(shape), recipe.offset), state(x))  # fmt: skip
        assert_values(f"the first {kept} elements after {call}", found, wanted, dtype=dtype)
        if prod(shape) and kept == prod(shape):
            require(x.data_ptr() == start, f"{call}, which fits into the storage, moved it")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=check(f"inplace.{name}")) for name in ("resize_", "resize_as_")]
)
def test_resize_keeps_its_place_among_other_views(subject, name):
    base = flat(subject, contiguous(BUFFER, "float32"))
    x, other = base[4:10], base[4:10]
    resize(subject, name, x, (2, 2))
    x.copy_(contiguous(np.zeros((2, 2)), "float32").on(subject))
    wanted = BUFFER.copy()
    wanted[4:8] = 0
    assert_values(f"the memory after {name} to (2, 2) of its elements 4 to 9, and copy_", base, wanted, dtype="float32")
    require(state(other) == ((6,), (1,), 4), f"{name} changed another view", ((6,), (1,), 4), state(other))
    resize(subject, name, x, (40,))
    assert_values(f"the first elements after {name} to (40,)", x[:20], wanted[4:], dtype="float32")


@check("inplace.resize_")
def test_resize_takes_a_memory_format_and_single_sizes(subject):
    x = contiguous(np.arange(24.0), "float32").on(subject)
    require(
        x.resize_(2, 3, 2, 2, memory_format=torch.channels_last) is x, "resize_(…, memory_format=…) is another tensor"
    )
    wanted = ((2, 3, 2, 2), (12, 1, 6, 3), 0)
    require(state(x) == wanted, "resize_(…, memory_format=torch.channels_last) has another layout", wanted, state(x))
    x.resize_(4, 6)
    assert_values("resize_(4, 6)", x, np.arange(24.0).reshape(4, 6), dtype="float32")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=check(f"inplace.{name}")) for name in ("resize_", "resize_as_")]
)
def test_resize_refuses_what_requires_grad(subject, name):
    leaf = contiguous(np.arange(6.0), "float32").with_grad().on(subject)
    for x, what in ((leaf, "a leaf that requires grad"), (leaf * 1, "a result of autograd")):
        before = Unchanged(x=x)
        assert_raises(f"{name} of {what}", RuntimeError, lambda: resize(subject, name, x, (2, 2)))
        with torch.no_grad():
            assert_raises(f"{name} of {what} under no_grad", RuntimeError, lambda: resize(subject, name, x, (2, 2)))
        before.check(f"{name}, which fails,")


@pytest.mark.parametrize(
    "name, args",
    [
        pytest.param("resize_", ((-1,),), marks=check("inplace.resize_")),
        pytest.param("as_strided_", ((-1,), (1,)), marks=check("inplace.as_strided_", since="2.0")),
    ],
)
def test_a_negative_size_is_refused_and_changes_nothing(subject, name, args):
    x = contiguous(np.arange(24.0), "float32").on(subject)
    assert_raises(f"{name}{args}", RuntimeError, lambda: getattr(x, name)(*args))
    require(
        state(x) == ((24,), (1,), 0),
        f"{name}{args}, which fails, changed the layout of self",
        ((24,), (1,), 0),
        state(x),
    )

"""In-place methods that make self look at its own storage in another way, or at another storage."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.tables.inplace_calls import flat, state, version
from properties.strategies.recipe import Recipe, contiguous, offset, stepped, transposed
from properties.strategies.values import distinct

pytestmark = must_answer

BUFFER = np.arange(1, 25)
# Shape, strides, offset (None: self's own) of what self, which starts 3 elements into its memory, is to look at.
STRIDED = (
    ((2, 3), (3, 1), None),
    ((2, 3), (1, 2), 0),
    ((4,), (5,), 2),
    ((2, 2, 2), (8, 3, 1), 5),
    ((3, 4), (0, 1), 1),
    ((), (), 7),
    ((0, 3), (3, 1), 0),
    ((5,), (1,), 19),
)


@pytest.mark.parametrize("form", ["method", "function"])
@check("inplace.as_strided_")
def test_as_strided_looks_at_the_same_memory(subject, form):
    for place, (shape, strides, start) in enumerate(STRIDED):
        dtype = ("float32", "uint8", "complex128")[place % 3]
        memory = contiguous(BUFFER, dtype)
        wanted = Recipe(memory.buffer, dtype, shape, strides, 3 if start is None else start)
        args = (shape, strides) if start is None else (shape, strides, start)
        assert_strided(flat(subject, memory), form, args, wanted)


def assert_strided(base, form, args, wanted):
    """Refute unless elements 3 to 8 of some memory look at it as wanted after as_strided_, and nothing else changed."""
    x, other, before, told = base[3:9], base[3:9], host.bits(base).tobytes(), version(base)
    call = f"as_strided_{args} of elements 3 to 8 of 24"
    out = x.as_strided_(*args) if form == "method" else torch.as_strided_(x, *args)
    require(out is x, f"{call} is not the tensor that it was called on")
    assert_values(call, x, wanted.array, dtype=wanted.dtype)
    layout = (wanted.shape, wanted.strides, wanted.offset)
    require(state(x) == layout, f"{call} has another layout", layout, state(x))
    moved = x.data_ptr() - base.data_ptr() - wanted.offset * base.element_size()
    require(moved == 0 or not x.numel(), f"{call} starts {moved} bytes further on", 0, moved)
    require(version(x) > told, f"{call} does not move the version counter")
    require(state(other) == ((6,), (1,), 3), f"{call} changed another view", ((6,), (1,), 3), state(other))
    require(host.bits(base).tobytes() == before, f"{call} changed elements in memory")


@check("inplace.as_strided_")
def test_as_strided_refuses_what_lies_outside_of_the_storage(subject):
    for args in (
        ((25,), (1,)),
        ((2, 3), (24, 1), 0),
        ((2,), (1,), 23),
        ((2,), (-1,), 5),
        ((2, 3), (1,)),
    ):
        x = flat(subject, contiguous(BUFFER, "float32"))
        before = Unchanged(x=x)
        assert_raises(f"as_strided_{args} of 24 elements", RuntimeError, lambda: x.as_strided_(*args))
        before.check(f"as_strided_{args}, which fails,")


@check("inplace.as_strided_")
def test_as_strided_is_recorded(subject):
    leaf = contiguous(np.arange(6.0), "float32").with_grad().on(subject)
    before = Unchanged(leaf=leaf)
    assert_raises("as_strided_ of a leaf that requires grad", RuntimeError, lambda: leaf.as_strided_((2,), (3,)))
    before.check("as_strided_, which fails,")
    y = leaf.clone()
    y.as_strided_((2, 2), (3, 1), 1)
    (y * contiguous([[1.0, 2.0], [3.0, 4.0]], "float32").on(subject)).sum().backward()
    assert_values("the gradient through as_strided_((2, 2), (3, 1), 1)", leaf.grad, [0, 1, 2, 0, 3, 4], dtype="float32")


@check("inplace.set_")
def test_set_looks_at_the_storage_of_another_tensor(subject):
    for layout in (contiguous, stepped, transposed, offset):
        recipe = layout(distinct("float32", (3, 4)), "float32")
        source = recipe.on(subject)
        x = contiguous(np.zeros(7), "float32").on(subject)
        memory, before, told = x.detach(), Unchanged(source=source), version(x)
        require(x.set_(source) is x, "set_ is not the tensor that it was called on")
        assert_values(f"set_({recipe!r})", x, recipe.array, dtype="float32")
        require(state(x) == state(source), f"set_({recipe!r}) has another layout", state(source), state(x))
        require(x.data_ptr() == source.data_ptr(), f"set_({recipe!r}) does not share its memory")
        require(version(x) > told, "set_ does not move the version counter")
        before.check("set_")
        assert_values("what another tensor still sees of self's old memory", memory, np.zeros(7), dtype="float32")
        x.fill_(5)
        assert_values(f"the source of set_({recipe!r}) after fill_", source, np.full((3, 4), 5), dtype="float32")


@check("inplace.set_")
def test_set_takes_an_offset_sizes_and_strides(subject):
    source = flat(subject, contiguous(BUFFER, "float32"))
    for start, size, strides in ((2, (2, 3), (3, 1)), (1, (4, 2), (1, 5)), (0, (), ()), (24, (0,), (1,))):
        x = contiguous(np.zeros(7), "float32").on(subject)
        call = f"set_(source, {start}, {size}, {strides})"
        require(x.set_(source, start, size, strides) is x, f"{call} is not the tensor that it was called on")
        wanted = Recipe(BUFFER.astype(np.float32), "float32", size, strides, start)
        assert_values(call, x, wanted.array, dtype="float32")
        require(not x.numel() or overlap(x, source), f"{call} does not share memory with the source")
    x = contiguous(np.zeros(7), "float32").on(subject)
    require(
        x.set_() is x and state(x) == ((0,), (1,), 0),
        "set_() does not leave an empty tensor",
        ((0,), (1,), 0),
        state(x),
    )


@check("inplace.set_", since="2.0")
def test_set_takes_a_storage(subject):
    source = flat(subject, contiguous(BUFFER, "int32"))
    for start, size, strides in ((2, (2, 3), (3, 1)), (1, (4, 2), (1, 5)), (0, (24,), (1,))):
        x = contiguous(np.zeros(7), "int32").on(subject)
        call = f"set_(storage, {start}, {size}, {strides})"
        require(x.set_(source.untyped_storage(), start, size, strides) is x, f"{call} is not the tensor itself")
        wanted = Recipe(BUFFER.astype(np.int32), "int32", size, strides, start)
        assert_values(call, x, wanted.array, dtype="int32")
        require(state(x) == (size, strides, start), f"{call} has another layout", (size, strides, start), state(x))
        require(overlap(x, source), f"{call} does not share memory with the storage")


@check("inplace.set_")
def test_set_refuses_another_dtype_and_leaves(subject):
    x, other = contiguous(np.arange(3.0), "float32").on(subject), contiguous(np.arange(3), "int64").on(subject)
    before = Unchanged(x=x, other=other)
    assert_raises("set_ of a float32 tensor to one of int64", RuntimeError, lambda: x.set_(other))
    before.check("set_, which fails,")
    leaf = contiguous(np.arange(3.0), "float32").with_grad().on(subject)
    before = Unchanged(leaf=leaf)
    assert_raises("set_ of a leaf that requires grad", RuntimeError, lambda: leaf.set_(x))
    before.check("set_, which fails,")
    with torch.no_grad():
        require(leaf.set_(x) is leaf and leaf.requires_grad, "set_ of a leaf under no_grad makes it something else")
    assert_values("a leaf after set_ under no_grad", leaf.detach(), np.arange(3.0), dtype="float32")


@check("inplace.share_memory_")
def test_share_memory_moves_the_storage_and_nothing_else(subject):
    subject.require_feature("host_memory")  # for others it does nothing
    for layout in (contiguous, stepped, transposed, offset):
        recipe = layout(distinct("float64", (3, 4)), "float64")
        base = flat(subject, recipe)
        x = base.as_strided(recipe.shape, recipe.strides, recipe.offset)
        require(not x.is_shared(), f"{recipe!r} is shared before share_memory_")
        require(x.share_memory_() is x, "share_memory_ is not the tensor that it was called on")
        require(x.is_shared() and base.is_shared(), f"{recipe!r} is not shared after share_memory_")
        assert_values(f"{recipe!r}.share_memory_()", x, recipe.array, dtype="float64")
        require(
            state(x) == (recipe.shape, recipe.strides, recipe.offset),
            "share_memory_ changed the layout",
            recipe.strides,
        )
        require(base.data_ptr() + recipe.offset * 8 == x.data_ptr(), "share_memory_ parted self from its base")
        assert_values(f"the memory of {recipe!r} after share_memory_", base, recipe.buffer, dtype="float64")
        place = x.data_ptr()
        x.share_memory_()
        require(x.data_ptr() == place, "share_memory_ of shared memory moves it again")

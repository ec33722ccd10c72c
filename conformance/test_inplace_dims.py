"""In-place methods that rearrange the dimensions of self and move no element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, assert_view, require
from conformance.check import check, must_answer
from conformance.tables.inplace_calls import flat, version
from properties.strategies.recipe import Recipe, contiguous, layouts, row_stepped
from properties.strategies.values import distinct

pytestmark = must_answer


@dataclass(frozen=True)
class Turn:
    """A call that rearranges dimensions: `kept` names the old dimension that each new one was, None where it is new."""

    name: str
    args: tuple
    shape: tuple[int, ...]
    kept: tuple[int | None, ...]
    since: str | None = None


SWAPS = (
    ((0, 1), (2, 5), (1, 0)),
    ((0, -1), (2, 3, 4), (2, 1, 0)),
    ((-2, -1), (2, 3, 0), (0, 2, 1)),
    ((1, 1), (2, 3), (0, 1)),
    ((1, 2), (2, 3, 2, 4), (0, 2, 1, 3)),
    ((0, 0), (), ()),
)
TURNS = (
    Turn("t_", (), (2, 5), (1, 0)),
    Turn("t_", (), (5,), (0,)),
    Turn("t_", (), (), ()),
    *(Turn(name, *swap) for name in ("transpose_", "swapaxes_", "swapdims_") for swap in SWAPS),
    Turn("squeeze_", (), (1, 3, 1, 2), (1, 3)),
    Turn("squeeze_", (), (1, 1), ()),
    Turn("squeeze_", (0,), (1, 3, 1, 2), (1, 2, 3)),
    Turn("squeeze_", (-2,), (1, 3, 1, 2), (0, 1, 3)),
    Turn("squeeze_", (1,), (1, 3, 1, 2), (0, 1, 2, 3)),
    Turn("squeeze_", ((0, -2, 3),), (1, 3, 1, 2), (1, 3), since="2.0"),
    Turn("unsqueeze_", (0,), (2, 3), (None, 0, 1)),
    Turn("unsqueeze_", (-1,), (2, 3), (0, 1, None)),
    Turn("unsqueeze_", (1,), (2, 0), (0, None, 1)),
    Turn("unsqueeze_", (-1,), (), (None,)),
)
REFUSED = (
    ("t_", (), (2, 3, 4), RuntimeError),
    ("transpose_", (0, 2), (2, 3), IndexError),
    ("transpose_", (-3, 0), (2, 3), IndexError),
    ("swapaxes_", (0, 2), (2, 3), IndexError),
    ("swapdims_", (0, 2), (2, 3), IndexError),
    ("squeeze_", (2,), (1, 3), IndexError),
    ("squeeze_", (-3,), (1, 3), IndexError),
    ("unsqueeze_", (3,), (2, 3), IndexError),
    ("unsqueeze_", (-4,), (2, 3), IndexError),
)
NAMES = ("t_", "transpose_", "swapaxes_", "swapdims_", "squeeze_", "unsqueeze_")
EACH = [pytest.param(name, marks=check(f"inplace.{name}")) for name in NAMES]
GROUPS = [
    pytest.param(name, since, marks=check(f"inplace.{name}", since=since))
    for name, since in (*((name, None) for name in NAMES), ("squeeze_", "2.0"))
]
DTYPES = ("float32", "int64", "bool", "complex128")
VIEWED = ("contiguous", "transposed", "stepped", "offset", "row_stepped", "expanded")


def turned(recipe, kept):
    """The recipe of the same memory with its dimensions rearranged."""
    shape = tuple(1 if dim is None else recipe.shape[dim] for dim in kept)
    strides = tuple(1 if dim is None else recipe.strides[dim] for dim in kept)
    return Recipe(recipe.buffer, recipe.dtype, shape, strides, recipe.offset)


def view(base, recipe):
    """A fresh view of the memory, also where the recipe is all of it."""
    return base.as_strided(recipe.shape, recipe.strides, recipe.offset)


def first(name):
    return next(turn for turn in TURNS if turn.name == name)


@pytest.mark.parametrize("name, since", GROUPS)
def test_it_rearranges_the_dimensions_of_self(subject, name, since):
    for place, turn in enumerate(turn for turn in TURNS if turn.name == name and turn.since == since):
        for dtype in DTYPES if place == 0 else DTYPES[:1]:
            for recipe in layouts(distinct(dtype, turn.shape), dtype, VIEWED):
                assert_turned(subject, turn, recipe)


def assert_turned(subject, turn, recipe):
    """Refute unless self looks at the same memory in the new way, and nothing else changed."""
    base, wanted = flat(subject, recipe), turned(recipe, turn.kept)
    x, other = view(base, recipe), view(base, recipe)
    before, told = host.bits(base).tobytes(), version(x)
    call = f"{recipe!r}.{turn.name}{turn.args}"
    out = getattr(x, turn.name)(*turn.args)
    require(out is x, f"{call} is not the tensor that it was called on", "self", "another tensor")
    assert_values(call, x, wanted.array, dtype=recipe.dtype)
    assert_view(call, x, other, 0, wanted.strides)
    require(version(x) > told, f"{call} does not move the version counter", f"more than {told}", version(x))
    require(tuple(other.shape) == recipe.shape, f"{call} changed the shape of another view", recipe.shape, other.shape)
    require(tuple(other.stride()) == recipe.strides, f"{call} changed the strides of another view")
    require(base.shape == recipe.buffer.shape, f"{call} changed the shape of self's base", recipe.buffer.shape)
    require(host.bits(base).tobytes() == before, f"{call} changed elements in memory")


@pytest.mark.parametrize("name", EACH)
def test_what_is_written_afterwards_reaches_the_same_memory(subject, name):
    turn = first(name)
    recipe = row_stepped(distinct("float32", turn.shape), "float32")
    base = flat(subject, recipe)
    x = view(base, recipe)
    getattr(x, turn.name)(*turn.args)
    new = -distinct("float32", tuple(x.shape))
    x.copy_(contiguous(new, "float32").on(subject))
    wanted = turned(Recipe(recipe.buffer.copy(), "float32", recipe.shape, recipe.strides, recipe.offset), turn.kept)
    steps = tuple(stride * 4 for stride in wanted.strides)
    np.lib.stride_tricks.as_strided(wanted.buffer[wanted.offset :], wanted.shape, steps)[...] = new
    assert_values(f"the memory of {recipe!r} after {name} and copy_", base, wanted.buffer, dtype="float32")


@pytest.mark.parametrize("name", EACH)
def test_it_can_be_done_again(subject, name):
    turn = first(name)
    recipe = contiguous(distinct("int32", turn.shape), "int32")
    x, shape, strides = recipe.on(subject), turn.shape, recipe.strides
    for _ in range(3):
        getattr(x, name)(*turn.args)
        kept = turn.kept if len(shape) == len(turn.shape) else None
        if name == "unsqueeze_":
            shape, strides = (1, *shape), (1, *strides)
        elif kept is not None:
            shape, strides = tuple(shape[dim] for dim in kept), tuple(strides[dim] for dim in kept)
        wanted = Recipe(recipe.buffer, "int32", shape, strides)
        assert_values(f"{recipe!r} after repeated {name}", x, wanted.array, dtype="int32")


@pytest.mark.parametrize("name", EACH)
def test_it_refuses_dimensions_that_are_not_there(subject, name):
    for args, shape, kind in ((args, shape, kind) for row, args, shape, kind in REFUSED if row == name):
        x = contiguous(distinct("float32", shape), "float32").on(subject)
        before = Unchanged(x=x)
        assert_raises(f"{name}{args} of a tensor of shape {shape}", kind, lambda: getattr(x, name)(*args))
        before.check(f"{name}{args}, which fails,")


@pytest.mark.parametrize("name", EACH)
def test_autograd_is_told(subject, name):
    turn = first(name)
    leaf = contiguous(distinct("float32", turn.shape), "float32").with_grad().on(subject)
    before = Unchanged(leaf=leaf)
    assert_raises(f"{name} of a leaf that requires grad", RuntimeError, lambda: getattr(leaf, name)(*turn.args))
    before.check(f"{name}, which fails,")
    x = leaf.clone()
    node = x.grad_fn
    require(getattr(x, name)(*turn.args) is x, f"{name} of a result of autograd is not the tensor it was called on")
    require(x.grad_fn is not None and x.grad_fn is not node, f"{name} of a result of autograd is not recorded")
    weights = contiguous(distinct("float32", tuple(x.shape)), "float32")
    (x * weights.on(subject)).sum().backward()
    order = [place for place, _ in sorted(enumerate(turn.kept), key=lambda pair: -1 if pair[1] is None else pair[1])]
    expected = weights.array.transpose(order).reshape(turn.shape)
    assert_values(f"the gradient through {name}", leaf.grad, expected, dtype="float32")
    with torch.no_grad():
        require(getattr(leaf, name)(*turn.args) is leaf, f"{name} of a leaf under no_grad is another tensor")
    wanted = turned(contiguous(distinct("float32", turn.shape), "float32"), turn.kept)
    require(leaf.requires_grad and leaf.is_leaf, f"{name} of a leaf under no_grad makes it something else")
    assert_values(f"a leaf after {name} under no_grad", leaf.detach(), wanted.array, dtype="float32")

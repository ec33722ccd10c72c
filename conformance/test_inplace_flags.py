"""In-place methods that change what autograd knows of self, or the names of its dimensions; no element is touched."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.inplace_calls import flat, version
from properties.strategies.recipe import LAYOUTS, contiguous, row_stepped
from properties.strategies.values import distinct

pytestmark = must_answer


def ramp(subject, requires_grad=False, dtype="float32"):
    return contiguous(np.arange(1, 7), dtype).with_grad(requires_grad).on(subject)


@check("inplace.requires_grad_")
def test_requires_grad_sets_the_flag_and_nothing_else(subject):
    for dtype in ("float16", "bfloat16", "float32", "float64", "complex64", "complex128"):
        for name, layout in LAYOUTS.items():
            recipe = layout(distinct(dtype, (3, 4)), dtype)
            x = recipe.on(subject)
            memory, bits, told = x.data_ptr(), host.bits(x).tobytes(), version(x)
            for args, options, flag in (
                ((), {}, True),
                ((False,), {}, False),
                ((), {"requires_grad": True}, True),
                ((True,), {}, True),
            ):
                call = f"requires_grad_{args or options or '()'} of a {dtype} ({name})"
                require(x.requires_grad_(*args, **options) is x, f"{call} is not the tensor that it was called on")
                require(
                    x.requires_grad is flag, f"{call} leaves requires_grad {x.requires_grad}", flag, x.requires_grad
                )
                require(x.is_leaf and x.grad is None, f"{call} makes no leaf, or one with a gradient")
                kept = (x.data_ptr(), host.bits(x.detach()).tobytes(), version(x), tuple(x.shape), tuple(x.stride()))
                require(kept == (memory, bits, told, recipe.shape, recipe.strides), f"{call} changed something else")


@check("inplace.requires_grad_")
def test_requires_grad_lets_gradients_arrive(subject):
    x = ramp(subject)
    y = x * 2
    require(not y.requires_grad, "the result of a tensor that requires no grad requires grad")
    (x.requires_grad_() * 3).sum().backward()
    assert_values(
        "x.grad after x.requires_grad_() and (x * 3).sum().backward()", x.grad, np.full(6, 3), dtype="float32"
    )
    require(not y.requires_grad and y.grad_fn is None, "requires_grad_ reaches back to earlier results")
    require(not (x.requires_grad_(False) * 3).requires_grad, "results require grad after requires_grad_(False)")


@check("inplace.requires_grad_")
def test_requires_grad_refuses_what_has_no_gradients(subject):
    for dtype in ("bool", "uint8", "int32", "int64"):
        x = ramp(subject, dtype=dtype)
        before = Unchanged(x=x)
        assert_raises(f"requires_grad_() of a {dtype}", RuntimeError, lambda: x.requires_grad_())
        before.check(f"requires_grad_() of a {dtype}")
        require(x.requires_grad_(False) is x, f"requires_grad_(False) of a {dtype} is another tensor")
    y = ramp(subject, requires_grad=True) * 2
    before, node = Unchanged(y=y), y.grad_fn
    assert_raises("requires_grad_(False) of a result of autograd", RuntimeError, lambda: y.requires_grad_(False))
    before.check("requires_grad_(False), which fails,")
    require(y.requires_grad_() is y and y.grad_fn is node, "requires_grad_() of a result of autograd changes it")


@pytest.mark.parametrize("form", ["method", "function"])
@check("inplace.detach_")
def test_detach_makes_a_leaf_of_self(subject, form):
    detach = (lambda x: x.detach_()) if form == "method" else (lambda x: torch.detach_(x))
    leaf = ramp(subject, requires_grad=True)
    y = leaf * 2
    later = y * 3
    memory, told = y.data_ptr(), version(y)
    require(detach(y) is y, "detach_ is not the tensor that it was called on")
    require(not y.requires_grad and y.is_leaf and y.grad_fn is None, "detach_ leaves self in its graph")
    require((y.data_ptr(), version(y)) == (memory, told), "detach_ moved self, or its version counter")
    assert_values("(x * 2).detach_()", y, np.arange(2, 14, 2), dtype="float32")
    require(leaf.requires_grad and leaf.is_leaf, "detach_ of a result changed its leaf")
    later.sum().backward()
    assert_values("the gradient of what was computed before detach_", leaf.grad, np.full(6, 6), dtype="float32")
    require(not (y * 2).requires_grad, "results of what was detached require grad")
    require(detach(y) is y, "detach_ a second time is another tensor")


@check("inplace.detach_")
def test_detach_of_a_leaf_and_of_a_plain_tensor(subject):
    leaf, plain = ramp(subject, requires_grad=True), ramp(subject, dtype="int64")
    require(leaf.detach_() is leaf and not leaf.requires_grad, "detach_ of a leaf leaves it requiring grad")
    before = Unchanged(plain=plain)
    require(plain.detach_() is plain, "detach_ of a tensor without a graph is another tensor")
    before.check("detach_")
    assert_values("a leaf after detach_", leaf, np.arange(1, 7), dtype="float32")


@check("inplace.detach_")
def test_detach_refuses_views(subject):
    y = (ramp(subject, requires_grad=True) * 2).view(2, 3)
    for view, what in ((y, "view(2, 3)"), (y[0], "[0]"), (y.t(), "t()")):
        before = Unchanged(view=view)
        assert_raises(f"detach_ of {what} of a result of autograd", RuntimeError, lambda: view.detach_())
        before.check("detach_, which fails,")


@check("inplace.rename_")
def test_rename_gives_names_to_the_dimensions_of_self(subject):
    recipe = row_stepped(distinct("float32", (2, 3)), "float32")
    base = flat(subject, recipe)
    x = base.as_strided(recipe.shape, recipe.strides, recipe.offset)
    memory = x.data_ptr()
    steps = (
        (("N", "C"), {}, ("N", "C")),
        ((), {"C": "D"}, ("N", "D")),
        (("A", None), {}, ("A", None)),
        ((None,), {}, (None, None)),
    )
    for args, options, names in steps:
        call = f"rename_{args or options}"
        require(x.rename_(*args, **options) is x, f"{call} is not the tensor that it was called on")
        require(tuple(x.names) == names, f"{call} leaves the names {x.names}", names, x.names)
        require((tuple(x.shape), x.data_ptr()) == ((2, 3), memory), f"{call} changed more than names")
    assert_values("x after several rename_", x, recipe.array, dtype="float32")
    assert_raises("rename_('N') of two dimensions", RuntimeError, lambda: x.rename_("N"))
    assert_raises("rename_('N', 'N')", RuntimeError, lambda: x.rename_("N", "N"))
    require(tuple(x.names) == (None, None), "rename_, which fails, changed the names", (None, None), x.names)

"""What autograd is told by methods that write into self: version counters, leaves, and recorded results."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import effort, host
from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMPLEX, DTYPES
from conformance.numerics import COMPOSED
from conformance.tables.inplace import small
from conformance.tables.inplace_calls import judge, ready, refused, rows, version
from conformance.tables.inplace_methods import METHODS
from conformance.wanted import Wanted, same
from properties.strategies.recipe import contiguous, row_stepped
from properties.strategies.values import distinct

pytestmark = must_answer

# What a method's `grad` says of it: backward gives something, or raises.
RECORDED = ("twin", "zero", "opaque")


def differentiable(method):
    """The dtype in which self can require grad; None if there is none."""
    return next((name for name in (method.first, *method.dtypes) if DTYPES[name].is_inexact), None)


@pytest.mark.parametrize("method", rows(lambda method: method.counts or differentiable(method)))
def test_autograd_is_told(subject, method):
    subject.require(method.first)
    if method.counts:
        moves_the_counters(subject, method)
    dtype = differentiable(method)
    if dtype and subject.supports(dtype):
        guards_leaves(subject, method, dtype)
        if method.grad in RECORDED and not method.grad_since:
            is_recorded(subject, method, dtype)


def recorded(method):
    return method.grad in RECORDED and not method.grad_since and differentiable(method)


# Some derivatives came to the short dtypes later than the methods.
PRECISE, SHORT = ("float32", "float64", *COMPLEX), ("float16", "bfloat16")
EVERY = [
    pytest.param(method, dtypes, marks=check(method.slug, since=since), id=f"{method.name}-{dtypes[0]}")
    for method in METHODS
    for dtypes, since in ((PRECISE, None), (SHORT, "2.6"))
    if recorded(method) and set(dtypes) & set(method.dtypes)
]


@pytest.mark.parametrize("method, dtypes", EVERY)
def test_it_is_recorded_in_every_dtype_and_on_a_part_of_a_result(subject, method, dtypes):
    first, ways = differentiable(method), (a_part_is_recorded, is_recorded)
    for turn, dtype in enumerate(sorted(set(dtypes) & set(method.dtypes), key=lambda name: (name != first, name))):
        for way in (ways[turn % 2 :: 2] if effort.level() == "quick" else ways) if subject.supports(dtype) else ():
            way(subject, method, dtype)


def a_part_is_recorded(subject, method, dtype):
    """Refute unless autograd records the method on every other element of a result, and leaves the others theirs."""
    made = ready(subject, small(method, dtype=dtype))
    leaf, text = made.x.requires_grad_(), f"{made.call.text}, self every other element of a result,"
    whole = torch.stack([leaf, leaf], -1)
    node, made.x = whole.grad_fn, whole[..., 0]
    require(made.invoke() is made.x, f"{text} is not the tensor that it was called on")
    require(whole.grad_fn is not node, f"{text} is not recorded for the whole")
    same(text, whole[..., 0].detach(), made.call.wanted)
    same(f"the others after {text}", whole[..., 1].detach(), Wanted(made.call.x.array, dtype))
    if method.grad != "opaque":
        total(whole).backward()
        assert_gradient(method, made, leaf, more=True)


# What became of autograd later than the method itself.
LATER = [
    pytest.param(method, marks=check(method.slug, since=method.grad_since), id=method.name)
    for method in METHODS
    if method.grad_since
]


@pytest.mark.parametrize("method", LATER)
def test_it_is_recorded_since(subject, method):
    subject.require(differentiable(method))
    is_recorded(subject, method, differentiable(method))


def moves_the_counters(subject, method):
    """Refute unless the version counter of self and of all its views moves."""
    for layout in ("contiguous", "row_stepped"):
        made = ready(subject, small(method, layout=layout))
        tensors = {"self": made.x, "its base": made.base, "another view": made.base[:0], "x.detach()": made.x.detach()}
        before = {name: version(tensor) for name, tensor in tensors.items()}
        made.invoke()
        for name, tensor in tensors.items():
            moved = version(tensor) - before[name]
            require(moved > 0, f"{made.call.text} did not move the version counter of {name}", "more than 0", moved)


def guards_leaves(subject, method, dtype):
    """Refute unless a leaf that requires grad, and a view of one, are changed under no_grad only."""
    leaf, view = (ready(subject, small(method, dtype=dtype)) for _ in range(2))
    leaf.x.requires_grad_()
    view.base.requires_grad_()
    view.x = view.base.view(view.x.shape)
    if method.grad != "ignored":
        refused(leaf, " on a leaf that requires grad")
        refused(view, " on a view of a leaf that requires grad")
    if method.grad != "refused":
        told = version(leaf.x)
        with torch.no_grad():
            judge(leaf, leaf.invoke, f"{leaf.call.text} on a leaf, under no_grad")
        require(version(leaf.x) > told or not method.counts, f"{leaf.call.text} under no_grad moves no version counter")
    require(leaf.x.is_leaf and leaf.x.requires_grad, f"{leaf.call.text} made a leaf something else")


def is_recorded(subject, method, dtype):
    """Refute unless autograd records the method on a result, and backward gives the right gradient."""
    made = ready(subject, small(method, dtype=dtype))
    leaf, text = made.x.requires_grad_(), made.call.text
    before = Unchanged(leaf=leaf)
    made.x = leaf.clone()
    node = made.x.grad_fn
    out = made.invoke()
    require(out is made.x, f"{text} on a result of autograd is not the tensor that it was called on")
    require(out.requires_grad and not out.is_leaf, f"{text} on a result of autograd is a leaf or requires no grad")
    require(out.grad_fn is not None and out.grad_fn is not node, f"{text} on a result of autograd is not recorded")
    before.check(text)
    if method.grad != "opaque":
        total(out).backward()
        assert_gradient(method, made, leaf)
    if method.grad == "twin" and method.twin and any(map(follows, made.args)):
        records_arguments(subject, method, dtype)


def follows(argument):
    return isinstance(argument, torch.Tensor) and (argument.is_floating_point() or argument.is_complex())


def records_arguments(subject, method, dtype):
    """Refute unless a plain self comes to require grad by arguments that do, which get the gradient of the twin's."""
    found = []
    for name in (method.name, method.name.removesuffix("_")):
        made = ready(subject, small(method, dtype=dtype))
        leaves = [a.requires_grad_() for a in made.args if follows(a)]
        out, text = getattr(made.x, name)(*made.args, **made.options), made.call.text
        require(out.requires_grad and not out.is_leaf, f"{text}, whose arguments require grad, is not recorded")
        total(out).backward()
        found.append([None if leaf.grad is None else leaf.grad.clone() for leaf in leaves])
    for place, (grad, due) in enumerate(zip(*found, strict=True)):
        require((grad is None) == (due is None), f"argument {place} of {text} has the gradient {grad}", due, grad)
        if due is not None:
            assert_values(f"the gradient of argument {place} of {text}", grad, host.array(due), COMPOSED, dtype=dtype)


def total(out):
    """The sum of all elements, as a real number."""
    return (torch.view_as_real(out) if out.is_complex() else out).sum()


def assert_gradient(method, made, leaf, *, more=False):
    """Refute unless backward through the method gives the gradient of the twin, or what the oracle's values say.

    `more`: each element counts once besides.
    """
    call, text = made.call, f"the gradient through {made.call.text}"
    once = 1 + 1j if DTYPES[call.x.dtype].is_complex else 1
    require(leaf.grad is not None, f"{text} is None")
    grad = leaf.grad.clone()  # a gradient that is known to be 0 may come without memory of its own
    if method.grad == "twin" and method.twin:
        twin = leaf.detach().clone().requires_grad_()
        total(getattr(twin, method.name.removesuffix("_"))(*made.args, **made.options)).backward()
        assert_values(text, grad, host.array(twin.grad.clone()) + more * once, COMPOSED, dtype=call.x.dtype)
    else:  # an element of self counts for itself or not at all
        low, high = (method.asked(call.x.dtype, np.full_like(call.x.array, n), call.args, call.options) for n in (0, 1))
        counts = (low != high) & (method.grad != "zero")
        assert_values(text, grad, (counts.astype(np.float64) + more) * once, dtype=call.x.dtype)


# By name: the shape of the source, and how often each of its elements comes to stand in a self of 3 x 4.
SOURCES = {"copy_": (((3, 4), 1), ((4,), 3), ((3, 1), 4), ((), 12)), "fill_": (((), 12),)}


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"inplace.{name}")) for name in SOURCES])
def test_what_is_copied_gets_the_gradient_of_its_copies(subject, name):
    for shape, count in SOURCES[name]:
        for layout in (contiguous, row_stepped):
            for dtype in ("float32", "float64"):
                source = contiguous(distinct("float64", shape), "float64").with_grad().on(subject)
                x = layout(np.ones((3, 4)), dtype).on(subject)
                text = f"x.{name}(float64 {shape}), x {dtype} {tuple(x.stride())}"
                require(
                    getattr(x, name)(source) is x and not x.is_leaf, f"{text}, which requires grad, is not recorded"
                )
                (x * 2).sum().backward()
                assert_values(f"the gradient of the source of {text}", source.grad, np.full(shape, 2.0 * count))

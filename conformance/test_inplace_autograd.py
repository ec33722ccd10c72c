"""What autograd is told by methods that write into self: version counters, leaves, and recorded results."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.inplace import small
from conformance.inplace_calls import judge, ready, refused, rows, version
from conformance.inplace_methods import METHODS
from conformance.numerics import COMPOSED

pytestmark = must_answer


def differentiable(method):
    """The dtype in which self can require grad; None if there is none."""
    return next((name for name in (method.first, *method.dtypes) if DTYPES[name].is_inexact), None)


@pytest.mark.parametrize("method", rows(lambda method: method.counts))
def test_it_moves_the_version_counter_of_all_views(subject, method):
    subject.require(method.first)
    for layout in ("contiguous", "row_stepped"):
        made = ready(subject, small(method, layout=layout))
        tensors = {"self": made.x, "its base": made.base, "another view": made.base[:0], "x.detach()": made.x.detach()}
        before = {name: version(tensor) for name, tensor in tensors.items()}
        made.invoke()
        for name, tensor in tensors.items():
            moved = version(tensor) - before[name]
            require(moved > 0, f"{made.call.text} did not move the version counter of {name}", "more than 0", moved)


@pytest.mark.parametrize("method", rows(differentiable))
def test_a_leaf_that_requires_grad_is_changed_under_no_grad_only(subject, method):
    subject.require(differentiable(method))
    leaf = ready(subject, small(method, dtype=differentiable(method)))
    leaf.x.requires_grad_()
    view = ready(subject, small(method, dtype=differentiable(method)))
    view.base.requires_grad_()
    view.x = view.base.view(view.x.shape)
    if method.grad != "ignored":
        refused(leaf, " on a leaf that requires grad")
        refused(view, " on a view of a leaf that requires grad")
    if method.grad != "refused":
        with torch.no_grad():
            judge(leaf, leaf.invoke, f"{leaf.call.text} on a leaf, under no_grad")
    require(leaf.x.is_leaf and leaf.x.requires_grad, f"{leaf.call.text} made a leaf something else")


def recorded():
    return [
        pytest.param(method, marks=check(method.slug, since=method.grad_since), id=method.name)
        for method in METHODS
        if differentiable(method) and method.grad in ("twin", "zero", "opaque")
    ]


@pytest.mark.parametrize("method", recorded())
def test_it_is_recorded_on_a_result(subject, method):
    subject.require(differentiable(method))
    made = ready(subject, small(method, dtype=differentiable(method)))
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


def total(out):
    """The sum of all elements, as a real number."""
    return (torch.view_as_real(out) if out.is_complex() else out).sum()


def assert_gradient(method, made, leaf):
    """Refute unless backward through the method gives the gradient of the twin, or what the oracle's values say."""
    call, text = made.call, f"the gradient through {made.call.text}"
    require(leaf.grad is not None, f"{text} is None")
    if method.grad == "twin" and method.twin:
        twin = leaf.detach().clone().requires_grad_()
        total(getattr(twin, method.name.removesuffix("_"))(*made.args, **made.options)).backward()
        assert_values(text, leaf.grad, host.array(twin.grad), COMPOSED, dtype=call.x.dtype)
    else:  # an element of self counts for itself or not at all
        low, high = (method.asked(call.x.dtype, np.full_like(call.x.array, n), call.args, call.options) for n in (0, 1))
        counts = (low != high) & (method.grad != "zero")
        assert_values(text, leaf.grad, counts.astype(np.float64), dtype=call.x.dtype)

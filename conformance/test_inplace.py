"""Methods that write their result into self, one row of conformance.inplace_methods each: what they store, what they
leave alone, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.inplace import Like, alike, call, calls, judged, magnitudes, with_dtype
from conformance.inplace_calls import apply, explained, judge, ready, refused
from conformance.inplace_methods import METHODS
from conformance.numerics import COMPOSED
from properties.strategies.recipe import contiguous, expanded

pytestmark = must_answer


def rows(wanted=lambda method: True, since=lambda method: None):
    """A parameter for each method that is wanted."""
    return [
        pytest.param(method, marks=check(method.slug, since=since(method)), id=method.name)
        for method in METHODS
        if wanted(method)
    ]


GROUPS = [
    pytest.param(method, dtypes, marks=check(method.slug, since=since), id=f"{method.name}-{since or 'all'}")
    for method in METHODS
    for since, dtypes in method.groups
]


def small(method, form=None, dtype=None, layout="contiguous", turn=0):
    """A call with a self of some elements."""
    dtype = dtype or method.first
    form = form or next(form for form in method.forms if form.takes(dtype))
    shape = next(shape for shape in method.shapes if shape and 0 not in shape and max(shape) > 1)
    return call(method, form, dtype, shape, layout, turn)


def tensors_like_self(method):
    """The first form whose arguments include tensors of self's dtype and shape, and their places."""
    for form in method.forms:
        places = [n for n, a in enumerate(form.args) if isinstance(a, Like) and a.shape is alike and a.dtype is None]
        if places and form.takes(method.first):
            return form, places
    return None


@pytest.mark.parametrize("method, dtypes", GROUPS)
def test_it_writes_its_result_into_self(subject, method, dtypes):
    supported = tuple(filter(subject.supports, dtypes))
    if not supported:
        subject.require(dtypes[0])
    for made in calls(method, supported):
        apply(subject, made)


@pytest.mark.parametrize("method", rows())
def test_it_writes_into_a_large_self_and_again(subject, method):
    subject.require(method.first)
    first, second = small(method), small(method, turn=1)
    for made in (first, second, first):
        apply(subject, made)
    if method.large:
        for layout in ("contiguous", "row_stepped"):
            apply(subject, call(method, method.forms[0], method.first, method.large, layout, 2))


@pytest.mark.parametrize("method", rows(lambda method: method.refuses or method.promotes or method.own_dtype))
def test_self_keeps_its_dtype(subject, method):
    for dtype in filter(subject.supports, method.refuses):
        refused(ready(subject, with_dtype(small(method), dtype)), why=f" on a self of {dtype}")
    wider = {"bool": "int64", "int32": "float32", "float32": "complex64"} if method.promotes else {}
    other = {"int32": "int64", "float32": "float64"} if method.own_dtype else {}
    for dtype, argument in (*wider.items(), *other.items()):
        if dtype in method.dtypes and subject.supports(dtype) and subject.supports(argument):
            form = next(form for form in method.forms if form.takes(dtype) and any(isinstance(a, Like) for a in form.args))
            made = with_dtype(small(method, form, dtype), dtype, argument)
            refused(ready(subject, made), why=f" with an argument of {argument}")


@pytest.mark.parametrize("method", rows(tensors_like_self))
def test_self_is_never_broadcast(subject, method):
    form, places = tensors_like_self(method)
    made = ready(subject, small(method, form))
    made.args = tuple(a.expand(2, *a.shape) if n in places else a for n, a in enumerate(made.args))
    refused(made, why=" with arguments of a larger shape")
    if method.grad != "refused":  # what calls Python functions takes a self of one element for any
        single = ready(subject, replace(small(method, form), x=contiguous(small(method).x.array.ravel()[:1], method.first)))
        refused(single, why=" of which self has one element")


@pytest.mark.parametrize("method", rows(lambda method: method.overlap == "refused" or method.name in ("fill_", "zero_")))
def test_self_may_not_overlap_itself(subject, method):
    subject.require(method.first)
    made = small(method)
    shared = ready(subject, replace(made, x=expanded(made.x.array, method.first)))
    if method.overlap == "refused":
        refused(shared, why=" of which all rows share memory")
    else:
        judge(shared, shared.invoke)


@pytest.mark.parametrize("method", rows(lambda method: tensors_like_self(method) and "scatter" not in method.name))
def test_arguments_may_be_self_but_not_a_part_of_it(subject, method):
    subject.require(method.first)
    form, places = tensors_like_self(method)
    made = small(method, form)
    args = tuple(made.x if n in places else a for n, a in enumerate(made.args))
    same = ready(subject, judged(method, made.x, args, made.options))
    same.args = tuple(same.x if n in places else a for n, a in enumerate(same.args))
    judge(same, same.invoke, f"{made.text} with self for each tensor") if False else alias(same)
    if method.grad == "refused":
        return
    flat = host.tensor(made.x.buffer, made.x.dtype, subject.device).reshape(-1)
    part = ready(subject, made)
    part.base, part.x = flat, flat[:-1]
    part.args = tuple(flat[1:] if n in places else a for n, a in enumerate(part.args))
    if all(n in places or not isinstance(a, torch.Tensor) for n, a in enumerate(part.args)):
        refused(part, why=" with an argument shifted by one element in self's memory")

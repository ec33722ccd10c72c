"""What methods that write their result into self refuse, leaving self and its memory as they were: a self that cannot
hold the result, one that would have to grow, and memory that two elements share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from conformance import host
from conformance.check import must_answer
from conformance.tables.inplace import like_self, small, with_dtypes
from conformance.tables.inplace_arguments import Like
from conformance.tables.inplace_calls import broadcasts, judge, ready, refused, rows
from properties.strategies.recipe import contiguous, expanded

pytestmark = must_answer

# What self cannot become: dtypes of self and of the arguments.
WIDER = {"bool": "int64", "int32": "float32", "float32": "complex64"}
OTHER = {"int32": "int64", "float32": "float64"}
NUMBERS = {"bool": 2, "int32": 0.5, "float32": 1j}


def shares(method):
    """Whether something is known of a self whose elements share memory."""
    return method.overlap == "refused" or method.name in ("fill_", "zero_")


def limited(method):
    return method.refuses or method.promotes or method.own_dtype or broadcasts(method) or shares(method)


@pytest.mark.parametrize("method", rows(limited))
def test_it_refuses_what_does_not_fit_and_changes_nothing(subject, method):
    refuses_dtypes(subject, method)
    if method.promotes or method.own_dtype:
        refuses_arguments(subject, method, WIDER if method.promotes else OTHER)
    subject.require(method.first)
    if broadcasts(method):
        refuses_to_grow(subject, method)
    if shares(method):
        refuses_overlaps(subject, method)


def refuses_dtypes(subject, method):
    """Refute unless a self that cannot hold the result is refused."""
    for dtype in filter(subject.supports, method.refuses):
        refused(ready(subject, with_dtypes(small(method), dtype)))


def refuses_arguments(subject, method, dtypes):
    """Refute unless arguments that would change the dtype of self are refused: tensors, single elements, numbers."""
    for dtype, argument in dtypes.items():
        if dtype in method.dtypes and subject.supports(dtype) and subject.supports(argument):
            form = next(f for f in method.forms if f.takes(dtype) and any(isinstance(a, Like) for a in f.args))
            made = ready(subject, with_dtypes(small(method, form, dtype), dtype, argument))
            refused(made)
            if method.promotes and len(form.args) == 1:
                made.args = (host.tensor(np.ones(()), argument, subject.device),)
                refused(made, " without dimensions")
    if method.promotes and takes_numbers(method):
        for dtype, number in NUMBERS.items():
            if dtype in method.dtypes and subject.supports(dtype):
                made = ready(subject, with_dtypes(small(method, dtype=dtype), dtype))
                made.args = (number,)
                refused(made, f", given {number} instead")


def takes_numbers(method):
    return any(len(form.args) == 1 and isinstance(form.args[0], (int, float)) for form in method.forms)


def refuses_to_grow(subject, method):
    """Refute unless arguments are refused to which self would have to be broadcast."""
    form, places = like_self(method)
    made = small(method, form)
    larger = ready(subject, made)
    larger.args = tuple(a.expand(2, *a.shape) if n in places else a for n, a in enumerate(larger.args))
    refused(larger, why=", where the tensors have one dimension more")
    one = contiguous(np.ones((1,) * made.x.ndim), made.x.dtype)
    refused(ready(subject, replace(made, x=one)))
    none = ready(subject, replace(made, x=contiguous(np.ones(()), made.x.dtype)))
    none.args = tuple(a.reshape(-1)[:1] if n in places else a for n, a in enumerate(none.args))
    refused(none, why=", where self has no dimensions and the tensors have one element")


def refuses_overlaps(subject, method):
    """Refute unless elements of self may share memory neither with one another nor with a part of the arguments."""
    made = small(method)
    shared = ready(subject, replace(made, x=expanded(made.x.array, method.first)))
    if method.overlap != "refused":
        judge(shared, shared.invoke)
        return
    refused(shared)
    if broadcasts(method):
        form, places = like_self(method)
        part = ready(subject, small(replace(method, values=form.args[places[0]].values), form))
        part.base = host.tensor(part.call.x.buffer, part.call.x.dtype, subject.device)
        part.x, shifted = part.base[:-1], part.base[1:]
        part.args = tuple(shifted if n in places else a for n, a in enumerate(part.args))
        refused(part, why=" of self, shifted by one element")

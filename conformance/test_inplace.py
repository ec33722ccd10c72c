"""Methods that write their result into self, one row of conformance.inplace_methods each: what they store, what they
leave alone, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from conformance import effort, host
from conformance.check import check, must_answer
from conformance.every_form import Wanted
from conformance.inplace import Call, call, calls, judged, like_self, small, with_dtypes
from conformance.inplace_arguments import Like
from conformance.inplace_calls import apply, judge, ready, refused, rows
from conformance.inplace_methods import METHODS
from conformance.oracle import inplace as oracle
from properties.strategies.recipe import contiguous, expanded, offset, row_stepped, stepped, transposed
from properties.strategies.values import distinct

pytestmark = must_answer

GROUPS = [
    pytest.param(method, dtypes, marks=check(method.slug, since=since), id=f"{method.name}-{dtypes[-1]}")
    for method in METHODS
    for since, dtypes in method.groups
]


def broadcasts(method):
    """Whether arguments of self's shape are broadcast to it."""
    return like_self(method) and not method.name.startswith("scatter")


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
    for turn in (0, 1, 0, 2, 3, 4):
        apply(subject, small(method, turn=turn))
    if method.large:
        # Oracles that loop over the elements are too slow for a quick run.
        count = effort.scaled(2, least=isinstance(method.oracle, str))
        for layout in ("contiguous", "row_stepped")[:count]:
            apply(subject, call(method, method.forms[0], method.first, method.large, layout, 2))


@pytest.mark.parametrize("method", rows(lambda method: method.refuses))
def test_it_refuses_a_self_that_cannot_hold_the_result(subject, method):
    for dtype in filter(subject.supports, method.refuses):
        refused(ready(subject, with_dtypes(small(method), dtype)))


@pytest.mark.parametrize("method", rows(lambda method: method.promotes or method.own_dtype))
def test_it_refuses_arguments_that_would_change_the_dtype_of_self(subject, method):
    wider = {"bool": "int64", "int32": "float32", "float32": "complex64"}
    for dtype, argument in (wider if method.promotes else {"int32": "int64", "float32": "float64"}).items():
        if dtype in method.dtypes and subject.supports(dtype) and subject.supports(argument):
            form = next(f for f in method.forms if f.takes(dtype) and any(isinstance(a, Like) for a in f.args))
            refused(ready(subject, with_dtypes(small(method, form, dtype), dtype, argument)))


@pytest.mark.parametrize("method", rows(broadcasts))
def test_self_is_never_broadcast(subject, method):
    form, places = like_self(method)
    made = small(method, form)
    larger = ready(subject, made)
    larger.args = tuple(a.expand(2, *a.shape) if n in places else a for n, a in enumerate(larger.args))
    refused(larger, why=", where the tensors have one dimension more")
    one = contiguous(np.ones((1,) * made.x.ndim), made.x.dtype)
    refused(ready(subject, replace(made, x=one)))


@pytest.mark.parametrize(
    "method", rows(lambda method: method.overlap == "refused" or method.name in ("fill_", "zero_"))
)
def test_elements_of_self_may_not_share_memory(subject, method):
    subject.require(method.first)
    made = small(method)
    shared = ready(subject, replace(made, x=expanded(made.x.array, method.first)))
    if method.overlap == "refused":
        refused(shared)
    else:
        judge(shared, shared.invoke)


@pytest.mark.parametrize("method", rows(broadcasts))
def test_arguments_may_be_self_but_not_share_a_part_of_its_memory(subject, method):
    subject.require(method.first)
    form, places = like_self(method)
    # Self's values have to be some that the arguments may have.
    made = small(replace(method, values=form.args[places[0]].values), form)
    same = judged(method, made.x, tuple(made.x if n in places else a for n, a in enumerate(made.args)), made.options)
    itself = ready(subject, same)
    itself.args = tuple(itself.x if n in places else a for n, a in enumerate(itself.args))
    judge(itself, itself.invoke, f"{same.text} of self itself")
    if method.overlap == "refused":
        part = ready(subject, made)
        part.base = host.tensor(made.x.buffer, made.x.dtype, subject.device)
        part.x, shifted = part.base[:-1], part.base[1:]
        part.args = tuple(shifted if n in places else a for n, a in enumerate(part.args))
        refused(part, why=" of self, shifted by one element")


def assert_wraps(subject, shape, dtype, layout):
    """Refute unless fill_diagonal_ with wrap goes on below each square of a tall matrix, after an empty row."""
    recipe = layout(distinct(dtype, shape), dtype)
    wanted = Wanted(oracle.fill_diagonal(recipe.array, 1, True), dtype)
    apply(subject, Call("fill_diagonal_", recipe, (1, True), {}, wanted))


TALL = ((9, 3), (7, 2), (33, 4), (5, 1), (8, 3), (4, 3))


@check("inplace.fill_diagonal_")
def test_fill_diagonal_wraps_in_a_tall_matrix(subject):
    for shape in TALL:
        for dtype in ("float32", "int64", "bool"):
            for layout in (contiguous, stepped, offset):
                assert_wraps(subject, shape, dtype, layout)


@pytest.mark.parametrize("layout", [transposed, row_stepped], ids=lambda layout: layout.__name__)
@check("inplace.fill_diagonal_")
def test_fill_diagonal_wraps_in_a_tall_matrix_of_other_strides(subject, layout):
    for shape in TALL:
        assert_wraps(subject, shape, "float32", layout)

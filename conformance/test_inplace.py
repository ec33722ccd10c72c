"""Methods that write their result into self, one row of tables/inplace_methods each: what they store, what they
leave alone. What they refuse is in test_inplace_refusals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance import effort
from conformance.check import check, must_answer
from conformance.oracle import inplace as oracle
from conformance.tables.inplace import SHAPES, Call, call, calls, judged, like_self, small
from conformance.tables.inplace_calls import apply, broadcasts, judge, ready, rows
from conformance.tables.inplace_methods import LINES, METHODS
from conformance.wanted import Wanted
from properties.strategies.recipe import contiguous, offset, row_stepped, stepped, transposed
from properties.strategies.values import distinct

pytestmark = must_answer

GROUPS = [
    pytest.param(
        method,
        " ".join(dtypes),
        marks=check(method.slug, since=since or method.laid_out_since),
        id=f"{method.name}-{dtypes[-1]}",
    )
    for method in METHODS
    for since, dtypes in method.groups
]


@pytest.mark.parametrize("method, dtypes", GROUPS)
def test_it_writes_its_result_into_self(subject, method, dtypes):
    supported = tuple(filter(subject.supports, dtypes.split()))
    if not supported:
        subject.require(dtypes.split()[0])
    for made in calls(method, supported):
        apply(subject, made)


@pytest.mark.parametrize("method", rows(lambda method: method.laid_out_since))
def test_it_writes_into_a_contiguous_self(subject, method):
    for made in calls(method, tuple(filter(subject.supports, method.dtypes))):
        if made.x.is_contiguous:
            apply(subject, made)


@pytest.mark.parametrize("method", rows())
def test_it_writes_again_and_into_a_large_self(subject, method):
    subject.require(method.first)
    for turn in (0, 1, 0, 2, 3, 4):
        apply(subject, small(method, turn=turn))
    for shape in ((2, 3, 4), (2, 1, 3, 1, 2)) if method.shapes in (SHAPES, LINES) else ():
        forms = [form for form in method.forms if form.takes(method.first)]
        apply(subject, call(method, forms[-1], method.first, shape, "contiguous", 5))
    if broadcasts(method):
        assert_itself(subject, method)
    # Oracles that loop over the elements are slow: they try nothing large in a quick run.
    if method.large and effort.scaled(1, least=isinstance(method.oracle, str)):
        large = call(method, method.forms[0], method.first, method.large, "contiguous", 2)
        apply(subject, large)
        apply(subject, replace(large, x=row_stepped(large.x.array, large.x.dtype)))


THOUSAND = ((1111,), (11, 101), (1111,), (3, 7, 53), (1111,), (2, 3, 1, 5, 37))


@pytest.mark.parametrize("method", rows(lambda method: method.shapes is SHAPES and not method.laid_out_since))
def test_it_writes_into_more_than_a_thousand_elements_of_each_dtype(subject, method):
    if effort.scaled(1, least=isinstance(method.oracle, str)):
        for turn, dtype in enumerate(filter(subject.supports, method.dtypes)):
            forms = [form for form in method.forms if form.takes(dtype)]
            for place, layout in enumerate(("contiguous", "row_stepped")):
                apply(subject, call(method, forms[(turn + place) % len(forms)], dtype, (1111,), layout, 3))


def assert_itself(subject, method):
    """Refute unless self may be an argument of its own method."""
    form, places = like_self(method)
    # Self's values have to be some that the arguments may have.
    made = small(replace(method, values=form.args[places[0]].values), form)
    args = tuple(made.x if n in places else a for n, a in enumerate(made.args))
    itself = ready(subject, judged(method, made.x, args, made.options))
    itself.args = tuple(itself.x if n in places else a for n, a in enumerate(itself.args))
    judge(itself, itself.invoke, f"{itself.call.text} of self itself")


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

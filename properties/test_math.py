"""Elementwise functions over generated operands: any function, dtype, shape, layout, form and mixture of dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.numerics import EXACT, FAITHFUL, ROUNDED
from conformance.oracle.math_promotion import is_documented, promoted, result
from conformance.subject import Subject
from conformance.tables import math_forms, math_functions
from conformance.tables.math_functions import FAMILIES, FUNCTIONS
from conformance.tables.math_samples import Sample, converted, judged, operand_dtypes, plain, sample
from properties.strategies.recipe import DENSE, LAYOUTS, Recipe
from properties.strategies.shapes import broadcastable_shapes, shapes
from properties.strategies.tensors import arrays

pytestmark = must_answer

SLUGS = {name: [row.claim or row.name for row in math_functions.family(name)] for name in FAMILIES}
# float_power gives float64 or complex128, which seldom fit.
WRITING = {name: [s for s in slugs if FUNCTIONS[s].in_place and s != "float_power"] for name, slugs in SLUGS.items()}
# Functions that take any values and promise the nearest result, so that operands can be drawn freely.
FREE = [
    slug
    for slug, row in FUNCTIONS.items()
    if row.domain == "all" and row.error in (EXACT, ROUNDED) and row.arguments == ({},)
]
FREE_MANY = [slug for slug in FREE if len(FUNCTIONS[slug].operands) > 1]
MIXING = [slug for slug, row in FUNCTIONS.items() if len(row.operands) == 2 and row.promotes and row.domain != "zeta"]


@st.composite
def calls(draw: st.DrawFn, slugs: list[str], *, writing: bool = False) -> tuple[Sample, list[Recipe], int]:
    """A sample of one of the functions in a drawn shape, its operands each in a drawn layout; a form's number.

    `writing`: only dtypes whose results fit into the first operand, and at least one dimension.
    """
    slug = draw(st.sampled_from(slugs))
    row = FUNCTIONS[slug]
    dtype = draw(
        st.sampled_from([name for name in row.dtypes if not writing or result(row.result, name) in (name, "bool")])
    )
    found = sample(slug, dtype, draw(st.sampled_from(row.variants(dtype))))
    shape = draw(shapes(int(writing), max_numel=300)) if len(found) else (0,)
    picks = np.random.default_rng(draw(st.integers(0, 2**16))).integers(0, max(len(found), 1), shape)
    case = found.at(picks)
    layouts = [draw(st.sampled_from(tuple(DENSE))) for _ in case.operands]
    recipes = [_laid(x, name, layout) for x, name, layout in zip(case.operands, _dtypes(case), layouts, strict=True)]
    return case, recipes, draw(st.integers(0, 30))


def _dtypes(case: Sample) -> list[str]:
    return ["bool" if x.dtype == bool else case.dtype for x in case.operands]


def _laid(values: np.ndarray, dtype: str, layout: str) -> Recipe:
    return LAYOUTS[layout](values, dtype)


@pytest.mark.parametrize("family", FAMILIES)
@check("math.layouts")
@given(data=st.data())
def test_layouts_do_not_matter(subject: Subject, family: str, data: Any) -> None:
    case, recipes, number = data.draw(calls(SLUGS[family]))
    row = case.function
    forms = list(math_forms.forms(row))
    form = forms[number % len(forms)]
    operands = [recipe.on(subject) for recipe in recipes]
    before = Unchanged(**dict(zip("xyz", operands, strict=False)))
    out = form.call(operands, case.arguments)
    call = f"{math_forms.spelled(form, case.arguments)} of {case.dtype}"
    assert_values(call, out, case.expected, case.error, case.scale, dtype=case.out, signed_zeros=row.signed_zeros)
    before.check(call)


@pytest.mark.parametrize("family", [name for name, slugs in WRITING.items() if slugs])
@check("math.layouts")
@given(data=st.data())
def test_layouts_do_not_matter_in_place(subject: Subject, family: str, data: Any) -> None:
    case, recipes, number = data.draw(calls(WRITING[family], writing=True))
    forms = list(math_forms.in_place_forms(case.function))
    form = forms[number % len(forms)]
    operands = [recipe.on(subject) for recipe in recipes]
    before = Unchanged(**dict(zip("yz", operands[1:], strict=False)))
    returned = form.call(operands, case.arguments)
    call = f"{math_forms.spelled(form, case.arguments)} of {case.dtype}"
    require(returned is operands[0], f"{call} returns another tensor than x", "x", "another tensor")
    expected = case.expected.astype(DTYPES[case.dtype].host) if case.out == "bool" else case.expected
    assert_values(call, operands[0], expected, case.error, case.scale, dtype=case.dtype)
    before.check(call)


@st.composite
def operands_of(draw: st.DrawFn, slug: str) -> tuple[str, list[Recipe]]:
    """Operands of any values for a function, of one dtype and shapes that broadcast."""
    row = FUNCTIONS[slug]
    dtype = draw(st.sampled_from([name for name in row.dtypes if not DTYPES[name].is_complex]))
    found = []
    for name, shape in zip(operand_dtypes(row, dtype), draw(broadcastable_shapes(len(row.operands))), strict=True):
        values = draw(arrays(name, shape))
        found.append(_laid(values, name, draw(st.sampled_from(tuple(LAYOUTS)))))
    return dtype, found


@check("math.broadcasting")
@given(slug=st.sampled_from(FREE_MANY), data=st.data())
def test_operands_of_any_shapes_that_broadcast(subject: Subject, slug: str, data: Any) -> None:
    dtype, recipes = data.draw(operands_of(slug))
    row = FUNCTIONS[slug]
    spread = tuple(np.broadcast_arrays(*(recipe.array for recipe in recipes)))
    case = judged(row, dtype, tuple(np.array(x) for x in spread), row.arguments[0])
    out = math_forms.main(row).call([recipe.on(subject) for recipe in recipes], {})
    # Half a spacing of float64's subnormal numbers is no double: for that dtype, a neighbour is allowed.
    error = FAITHFUL if case.out == "float64" and case.error is ROUNDED else case.error
    call = f"torch.{row.name} of {dtype}"
    assert_values(call, out, case.expected, error, case.scale, dtype=case.out, signed_zeros=row.signed_zeros)


@check("math.result-dtype")
@given(
    slug=st.sampled_from(MIXING),
    pair=st.tuples(st.sampled_from(COMMON), st.sampled_from(COMMON)),
    ranks=st.tuples(st.sampled_from(("tensor", "scalar")), st.sampled_from(("tensor", "scalar"))),
    turn=st.integers(0, 6),
)
def test_any_two_dtypes_are_promoted(subject: Subject, slug: str, pair: tuple, ranks: tuple, turn: int) -> None:
    row = FUNCTIONS[slug]
    operands_given = tuple(zip(pair, ranks, strict=True))
    computed = promoted(operands_given)
    if not is_documented(operands_given) or not {*pair, computed} <= set(row.dtypes):
        return
    operands = plain(row, pair, tuple((5,) if rank == "tensor" else () for rank in ranks), turn)
    arguments = row.arguments[row.variants("uint8")[0]]
    case = judged(row, computed, converted(operands, computed, row), arguments)
    tensors = [
        _laid(x, dtype, "stepped" if turn % 2 else "contiguous").on(subject)
        for x, dtype in zip(operands, pair, strict=True)
    ]
    for form in math_forms.forms(row):
        out = form.call(tensors, arguments)
        call = f"{math_forms.spelled(form, arguments)} of {pair}, {ranks}"
        assert_values(call, out, case.expected, case.error, case.scale, dtype=case.out)

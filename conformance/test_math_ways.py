"""Every way to write an elementwise call, in every dtype, in and out of place, in odd layouts."""

from __future__ import annotations

import operator
from collections.abc import Iterator

import numpy as np
import pytest

from conformance import effort
from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.numerics import FEW_ULPS
from conformance.oracle.math_promotion import category, promoted
from conformance.subject import Subject
from conformance.tables import math_forms
from conformance.tables.math_forms import Form
from conformance.tables.math_functions import FUNCTIONS, LATE, Function
from conformance.tables.math_samples import Sample, converted, judged, plain, sample
from properties.strategies.recipe import Layout, contiguous, offset, stepped, transposed

pytestmark = must_answer

TURNS: tuple[Layout, ...] = (stepped, transposed, contiguous, offset)
# No multiple of a vector register, and more than a thousand elements.
SHAPES = ((5, 7), (7, 147))


def _rows(since: str | None = None) -> list[object]:
    chosen = [(slug, row) for slug, row in FUNCTIONS.items() if "float64" not in slug and (since is None or row.late)]
    return [pytest.param(slug, marks=check(row.claim_id, since=since)) for slug, row in chosen]


@pytest.mark.parametrize("function", _rows())
def test_every_way_in_every_dtype(subject: Subject, function: str) -> None:
    row = FUNCTIONS[function]
    for turn, dtype in enumerate(row.dtypes):
        check_ways(subject, function, dtype, turn)


@pytest.mark.parametrize("function", _rows(LATE))
def test_every_way_in_every_late_dtype(subject: Subject, function: str) -> None:
    for turn, dtype in enumerate(FUNCTIONS[function].late):
        check_ways(subject, function, dtype, turn)


def check_ways(subject: Subject, function: str, dtype: str, turn: int) -> None:
    """Judge all forms of a function on one dtype, in turn on many elements and on few, in each layout."""
    row = FUNCTIONS[function]
    if not subject.supports(dtype):
        return
    variants = row.variants(dtype)
    for variant in variants[turn % len(variants) :][:1] if effort.level() == "quick" else variants:
        found = sample(function, dtype, variant)
        if len(found) == 0:
            return
        for number, (form, write) in enumerate(_ways(row)):
            place = turn + number + variant
            shape = SHAPES[1] if place % 3 == 0 or dtype in ("float64", "int64") else SHAPES[0]
            case = found.at(found.places(shape, place * 35))
            check_way(subject, case, form, write, TURNS[place % len(TURNS)])


def _ways(row: Function) -> Iterator[tuple[Form, str]]:
    """Every form, and how it gives its results: 'new', 'out' or 'first', in its first operand."""
    for form in math_forms.forms(row):
        yield form, "new"
        owner = form.text.partition("(")[0].rpartition(".")[0]
        if row.out and owner in ("torch", "torch.special") and "=" not in form.text:
            yield form, "out"
    for form in math_forms.in_place_forms(row):
        yield form, "first"


def _fits(case: Sample) -> bool:
    # What an in-place twin can hold: nothing of a higher kind, no double in a float, and no real part of a complex.
    if "real" in case.function.result and case.dtype != case.out:
        return False
    doubled = case.function.result == "double" and case.out != case.dtype
    return not doubled and category(case.out) <= category(case.dtype)


def check_way(subject: Subject, case: Sample, form: Form, write: str, layout: Layout) -> None:
    """Judge one form on a sample; where it writes, into memory of that layout too."""
    row, call = case.function, f"{math_forms.spelled(form, case.arguments)} of {layout.__name__} {case.dtype}"
    layouts = [layout, *TURNS]
    dtypes = ["bool" if x.dtype == bool else case.dtype for x in case.operands]
    operands = [
        layouts[n](x, dtype).on(subject) for n, (x, dtype) in enumerate(zip(case.operands, dtypes, strict=True))
    ]
    arguments, expected, dtype = dict(case.arguments), case.expected, case.out
    if write == "first":
        if not _fits(case):
            return
        dtype, expected = case.dtype, expected.astype(DTYPES[case.dtype].host) if case.out == "bool" else expected
    if write == "out":
        call = f"{call[:-1]}, out=t)"
        arguments["out"] = layout(np.ones(expected.shape), case.out).on(subject)
    watched = Unchanged(**dict(zip("xyz", operands[write == "first" :], strict=False)))
    out = form.call(operands, arguments)
    require(write != "out" or out is arguments["out"], f"{call} returns another tensor than t")
    require(write != "first" or out is operands[0], f"{call} returns another tensor than x")
    assert_values(call, out, expected, case.error, case.scale, dtype=dtype, signed_zeros=row.signed_zeros)
    watched.check(call)


# -- numbers of either sign, on either side --------------------------------------------------------------------------

SIGNED = (-3, -2.5, 2.5, 0.25, 3)


@pytest.mark.parametrize("name", [n for n, row in FUNCTIONS.items() if row.numbers and len(row.operands) == 2])
@check("math.numbers")
def test_numbers_of_either_sign_stand_for_operands(subject: Subject, name: str) -> None:
    row = FUNCTIONS[name]
    for dtype in row.dtypes:
        for value in SIGNED if subject.supports(dtype) else ():
            check_signed(subject, row, dtype, value)


def check_signed(subject: Subject, row: Function, dtype: str, value: float) -> None:
    """Judge a function, its methods and operators on small numbers of both signs and a Python number."""
    computed = promoted([(dtype, "tensor"), ("int64" if isinstance(value, int) else "float32", "number")])
    kind = DTYPES[dtype].kind
    if computed not in row.dtypes or kind in ("bool", "complex") or (kind == "uint" and value < 0):
        return
    (x,) = plain(row, (dtype,), ((35,),))
    signs = 1 if kind == "uint" else np.where(np.arange(35) % 3 == 1, -1, 1)
    x = (x * signs).astype(DTYPES[dtype].host)
    number = np.array(value).astype(DTYPES[computed].host)
    tensor = stepped(x, dtype).on(subject)
    for forms, operands, given in (
        (list(math_forms.forms(row)), (x, number), [tensor, value]),
        (_turned(row), (number, x), [value, tensor]),
    ):
        case = _certain(row, computed, converted(operands, computed, row))
        for form in forms if case else ():
            if "other=" not in form.text and "exponent=" not in form.text:
                call = f"{form.text} of {dtype} and {value!r}, in this order: {form in forms}"
                out = form.call(given, {})
                error = FEW_ULPS if row.name == "div" and given[0] is value else case.error
                assert_values(call, out, case.expected, error, case.scale, dtype=case.out)


def _certain(row: Function, computed: str, operands: tuple[np.ndarray, ...]) -> Sample | None:
    # Broken powers of negative numbers, negative powers of integers and shifts by a negative number are not asked here.
    first, second = operands
    power = "pow" in row.name and ((first < 0).any() or (not DTYPES[computed].is_inexact and (second < 0).any()))
    return None if power or ("shift" in row.name and (second < 0).any()) else judged(row, computed, operands, {})


def _turned(row: Function) -> list[Form]:
    if not row.operator:
        return []
    return [Form(f"operator.{row.operator}(x, y)", lambda operands, _: getattr(operator, row.operator)(*operands))]

"""Every way to write a call of an elementwise function gives the same: methods, operators, out=, in place."""

from __future__ import annotations

import contextlib

import pytest
import torch

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.oracle.math_promotion import category
from conformance.subject import Subject
from conformance.tables import math_forms
from conformance.tables.math_forms import Form
from conformance.tables.math_functions import FUNCTIONS, Function
from conformance.tables.math_samples import Sample, sample
from properties.strategies.recipe import Layout, contiguous, stepped, transposed

pytestmark = must_answer

# Two dtypes a function: the common floating ones, or what it has instead.
PREFERRED = ("float32", "float64", "int64", "int32")


def some_dtypes(row: Function, count: int = 2) -> list[str]:
    """The first few dtypes of PREFERRED that a function takes."""
    return [dtype for dtype in PREFERRED if dtype in row.dtypes][:count]


def tensors(subject: Subject, case: Sample) -> list[torch.Tensor]:
    """The operands of a sample, contiguous."""
    return [host.tensor(x, "bool" if x.dtype == bool else case.dtype, subject.device) for x in case.operands]


def compare(form: Form, case: Sample, out: object) -> None:
    """Refute unless a form gave a sample's results."""
    call = f"{math_forms.spelled(form, case.arguments)} of {case.dtype}"
    assert_values(
        call, out, case.expected, case.error, case.scale, dtype=case.out, signed_zeros=case.function.signed_zeros
    )


def one_line(found: Sample, start: int = 0) -> Sample:
    """35 elements of a sample, in five rows."""
    return found.at(found.places((5, 7), start))


# Rows for one dtype only say more about a function that has a row of its own.
ROWS = [pytest.param(slug, marks=check(row.claim_id)) for slug, row in FUNCTIONS.items() if "float64" not in slug]


@pytest.mark.parametrize("function", ROWS)
def test_all_forms_of_a_function_agree(subject: Subject, function: str) -> None:
    row = FUNCTIONS[function]
    for dtype in some_dtypes(row):
        for variant in row.variants(dtype):
            case = one_line(sample(function, dtype, variant), variant * 11)
            for form in math_forms.forms(row):
                compare(form, case, form.call(tensors(subject, case), case.arguments))
            if row.out:
                check_out(subject, case)
            check_in_place(subject, case)
    check_again(subject, one_line(sample(function, dtype, variant), 3), one_line(sample(function, dtype, variant), 17))


def check_out(subject: Subject, case: Sample) -> None:
    """out= is written to and returned, whatever was in it."""
    form = math_forms.main(case.function)
    out = torch.full(case.expected.shape, 1, dtype=host.torch_dtype(case.out), device=subject.device)
    returned = form.call(tensors(subject, case), {**case.arguments, "out": out})
    require(returned is out, f"{form.text[:-1]}, out=t) returns another tensor than t", "t", "another tensor")
    compare(Form(form.text[:-1] + ", out=t)", form.call), case, out)


def check_in_place(subject: Subject, case: Sample) -> None:
    """An in-place twin writes the results into its first operand, in that operand's dtype, and returns it."""
    doubled = case.function.result == "double" and case.out != case.dtype
    if doubled or category(case.out) > category(case.dtype):
        return
    for number, form in enumerate(math_forms.in_place_forms(case.function)):
        for layout in (contiguous, stepped, transposed) if number == 0 else (contiguous,):
            x = layout(case.operands[0], case.dtype).on(subject)
            rest = tensors(subject, case)[1:]
            call = f"{math_forms.spelled(form, case.arguments)} of {layout.__name__} {case.dtype}"
            require(form.call([x, *rest], case.arguments) is x, f"{call} returns another tensor than x", "x")
            expected = case.expected.astype(DTYPES[case.dtype].host) if case.out == "bool" else case.expected
            assert_values(call, x, expected, case.error, case.scale, dtype=case.dtype)
            for operand, values in zip(rest, case.operands[1:], strict=True):
                require(host.array(operand).tobytes() == values.tobytes(), f"{call} changed its second operand")


def check_again(subject: Subject, first: Sample, second: Sample) -> None:
    """The answer does not depend on the calls before, nor on a call that failed."""
    form = math_forms.main(first.function)
    for case in (first, second, first):
        compare(form, case, form.call(tensors(subject, case), case.arguments))
    with contextlib.suppress(TypeError):
        form.call(["no tensor"] * len(first.operands), first.arguments)
    compare(form, second, form.call(tensors(subject, second), second.arguments))
    for turn, way in enumerate((form, form, *math_forms.forms(first.function))):
        check_written_between(subject, way, first, second, (stepped, transposed, contiguous)[turn % 3])


def check_written_between(subject: Subject, form: Form, first: Sample, second: Sample, layout: Layout) -> None:
    """Called again with the same tensors, after these were written to: other results, apart from the first ones."""
    given = [layout(x, "bool" if x.dtype == bool else first.dtype).on(subject) for x in first.operands]
    kept = form.call(given, first.arguments)
    for x, other in zip(given, tensors(subject, second), strict=True):
        x.copy_(other)
    again = form.call(given, second.arguments)
    compare(Form(form.text[:-1] + ", called again after its operands were written to)", form.call), second, again)
    if first.function.fresh:
        compare(Form(form.text[:-1] + ", seen after a second call with the same tensors)", form.call), first, kept)


@check("math.draws-nothing")
def test_no_function_draws_random_numbers(subject: Subject) -> None:
    state = host.array(torch.get_rng_state()).tobytes()
    for function, row in FUNCTIONS.items():
        dtype = some_dtypes(row)[0]
        case = one_line(sample(function, dtype, row.variants(dtype)[0]))
        form = math_forms.main(row)
        form.call(tensors(subject, case), case.arguments)
        require(host.array(torch.get_rng_state()).tobytes() == state, f"{form.text} draws random numbers")

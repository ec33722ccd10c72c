"""The other ways to call what the in-place methods do: functions of torch, and the twins without an underscore."""

from __future__ import annotations

import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_tensor, assert_values, require
from conformance.check import must_answer
from conformance.tables.inplace import SHAPES, calls, small
from conformance.tables.inplace import call as build
from conformance.tables.inplace_calls import explained, judge, ready, rows
from conformance.tables.inplace_methods import FUNCTIONS, KEYWORDS

pytestmark = must_answer


def names(method):
    """The names of a method's arguments, if it has any and they may be given by name."""
    return KEYWORDS.get(method.name, "other").split() if any(form.args for form in method.forms) else []


def has_other_forms(method):
    return method.twin or method.name in FUNCTIONS.split() or names(method)


@pytest.mark.parametrize("method", rows(has_other_forms))
def test_its_other_forms_agree(subject, method):
    subject.require(method.first)
    if method.name in FUNCTIONS.split():
        the_function_of_torch_changes_its_first_argument(subject, method)
    if method.twin:
        the_twin_leaves_self_alone(subject, method)
    if names(method):
        arguments_may_be_given_by_name(subject, method)


def the_function_of_torch_changes_its_first_argument(subject, method):
    """Refute unless torch.NAME(x, …) does what x.NAME(…) does."""
    require(hasattr(torch, method.name), f"there is no torch.{method.name}", f"torch.{method.name}", None)
    function = getattr(torch, method.name)
    for call in [*calls(method, (method.first,)), *elsewhere(method, subject)]:
        made = ready(subject, call)
        judge(made, lambda made=made: function(made.x, *made.args, **made.options), f"torch.{method.name}, {call.text}")


def elsewhere(method, subject):
    """A call with each of the other dtypes: small or of a thousand elements, with or without gaps, in turns."""
    forms, layouts = method.forms, ("row_stepped", "contiguous", "transposed", "offset")
    shapes = ((1111,), (3, 5), (11, 101), (2, 3, 7)) if method.shapes is SHAPES else method.shapes[:2]
    for turn, dtype in enumerate(filter(subject.supports, method.dtypes), start=len(method.name)):
        fitting = [form for form in forms if form.takes(dtype)]
        shape = shapes[turn % len(shapes)]
        yield build(method, fitting[turn % len(fitting)], dtype, shape, layouts[turn // 4 % 4], turn)


def the_twin_leaves_self_alone(subject, method):
    """Refute unless the method without the underscore gives the same values in new memory."""
    name = method.name.removesuffix("_")
    for layout in ("contiguous", "row_stepped"):
        call = small(method, layout=layout)
        made, text = ready(subject, call), call.text.replace(f".{method.name}(", f".{name}(")
        before, arguments = Unchanged(x=made.x, memory=made.base), made.watched()
        out = assert_tensor(text, getattr(made.x, name)(*made.args, **made.options), shape=call.x.shape)
        with explained(call):
            before.check(text)
            arguments.check(text)
            assert_apart(text, out, made.x)
            exact = host.dtype_name(out.dtype) != call.x.dtype
            assert_values(text, out, call.wanted.values, *(() if exact else (call.wanted.error, call.wanted.scale)))


def arguments_may_be_given_by_name(subject, method):
    """Refute unless the method takes its arguments by their documented names."""
    form = next(form for form in method.forms if form.takes(method.first) and form.args)
    for layout in ("contiguous", "row_stepped"):
        made = ready(subject, small(method, form, layout=layout))
        given = dict(zip(names(method), made.args, strict=True)) | made.options
        judge(made, lambda: getattr(made.x, method.name)(**given), f"{made.call.text}, given by name,")

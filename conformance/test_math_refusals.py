"""What elementwise functions refuse: dtypes, shapes and arguments without a meaning; and that nothing changes then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, assert_values
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables import math_forms, math_functions
from conformance.tables.math_functions import FAMILIES, FUNCTIONS, Function
from conformance.tables.math_samples import judged, operand_dtypes, plain
from properties.strategies.recipe import contiguous

pytestmark = must_answer

MANY = [family for family in FAMILIES if any(len(r.operands) > 1 and r.family == family for r in FUNCTIONS.values())]
REFUSING = [family for family in FAMILIES if any(r.refuses and r.family == family for r in FUNCTIONS.values())]


def built(subject: Subject, row: Function, dtype: str, shapes: tuple[tuple[int, ...], ...]) -> list[torch.Tensor]:
    """Plain operands of one dtype."""
    dtypes = operand_dtypes(row, dtype)
    operands = plain(row, dtypes, shapes)
    return [contiguous(x, name).on(subject) for x, name in zip(operands, dtypes, strict=True)]


def refuse(call: str, kinds: Any, action: Any, operands: list[torch.Tensor]) -> None:
    """Refute unless the action raises and leaves the operands alone."""
    before = Unchanged(**dict(zip("xyz", operands, strict=False)))
    assert_raises(call, kinds, action)
    before.check(call)


def a_dtype(row: Function) -> str:
    """A dtype that a function takes."""
    return next(name for name in ("float32", "float64", "int64") if name in row.dtypes)


def still_right(subject: Subject, row: Function) -> None:
    """Refute if a good call goes wrong after bad ones."""
    dtype = a_dtype(row)
    dtypes = operand_dtypes(row, dtype)
    operands = plain(row, dtypes, ((5,),) * len(dtypes))
    case = judged(row, dtype, operands, row.arguments[0])
    out = math_forms.main(row).call(built(subject, row, dtype, ((5,),) * len(dtypes)), case.arguments)
    assert_values(f"torch.{row.name}, after a refusal,", out, case.expected, case.error, case.scale, dtype=case.out)


@pytest.mark.parametrize("family", REFUSING)
@check("math.refused-dtypes")
def test_dtypes_without_a_meaning_are_refused(subject: Subject, family: str) -> None:
    for row in math_functions.family(family):
        for dtype in row.refuses:
            operands = built(subject, row, dtype, ((3,),) * len(row.operands))
            for form in list(math_forms.forms(row)) if dtype == row.refuses[0] else [math_forms.main(row)]:
                arguments = row.arguments[0]
                call = f"{form.text} of {dtype}"
                refuse(call, (RuntimeError, TypeError), lambda: form.call(operands, arguments), operands)
        if row.refuses:
            still_right(subject, row)


@pytest.mark.parametrize("family", MANY)
@check("math.refused-shapes")
def test_shapes_that_do_not_broadcast_are_refused(subject: Subject, family: str) -> None:
    for row in (r for r in math_functions.family(family) if len(r.operands) > 1):
        for turn, (a, b) in enumerate(
            (((2, 3), (4,)), ((3,), (2,)), ((2, 3), (3, 2)), ((0,), (2,)), ((5, 1, 3), (5, 2, 4)))
        ):
            shapes = (a, b) if len(row.operands) == 2 else (a, a, b)
            operands = built(subject, row, a_dtype(row), shapes)
            for form in math_forms.forms(row) if turn == 0 else (math_forms.main(row),):
                arguments = row.arguments[0]
                call = f"{form.text} of shapes {shapes}"
                refuse(call, RuntimeError, lambda: form.call(operands, arguments), operands)
        still_right(subject, row)


@pytest.mark.parametrize("family", FAMILIES)
@check("math.refused-arguments")
def test_arguments_without_a_meaning_are_refused(subject: Subject, family: str) -> None:
    for row in math_functions.family(family):
        form, arguments = math_forms.main(row), row.arguments[0]
        operands = built(subject, row, a_dtype(row), ((3,),) * len(row.operands))
        surplus = [*operands, *([operands[0]] * 8)]
        for call, action in (
            (f"torch.{row.name}() without operands", lambda: form.call([], arguments)),
            (f"torch.{row.name} of a text", lambda: form.call(["text"] * len(operands), arguments)),
            (f"torch.{row.name} of an array", lambda: form.call([np.ones(3)] * len(operands), arguments)),
            (f"torch.{row.name}(…, unknown=1)", lambda: form.call(operands, {**arguments, "unknown": 1})),
            (f"torch.{row.name} of surplus operands", lambda: form.call(surplus, arguments)),
        ):
            refuse(call, TypeError, action, operands)
        still_right(subject, row)

"""Elementwise functions of many dimensions, single elements, channels last and expanded; defaults and refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables import math_forms, math_functions
from conformance.tables.math_functions import FAMILIES, FUNCTIONS, Function
from conformance.tables.math_samples import judged, operand_dtypes, plain
from properties.strategies.recipe import LAYOUTS, Layout, Recipe, contiguous, permuted, stepped, transposed

pytestmark = must_answer

NAN = np.nan


def _turned(values: np.ndarray, dtype: str) -> Recipe:
    return permuted(values, dtype, (*range(1, values.ndim), 0))


# Shapes with the layouts that they can have, apart from those of the table's own check.
PLACES: tuple[tuple[tuple[int, ...], Layout], ...] = (
    ((1, 1), contiguous),
    ((1, 1, 1), stepped),
    ((2, 3, 4, 5), LAYOUTS["channels_last"]),
    ((2, 1, 3, 2, 2), contiguous),
    ((2, 3, 1, 2, 3), _turned),
    ((2, 2, 2, 2, 2, 2), transposed),
    ((9,), contiguous),
    ((3, 4), LAYOUTS["offset"]),
    ((4, 7), LAYOUTS["expanded"]),
    ((2, 3, 5), LAYOUTS["row_stepped"]),
)


@pytest.mark.parametrize("family", FAMILIES)
@check("math.layouts")
def test_shapes_of_many_dimensions(subject: Subject, family: str) -> None:
    for row in math_functions.family(family):
        dtype = next(name for name in ("float32", "float64", "int64") if name in row.dtypes)
        for turn, (shape, layout) in enumerate(PLACES):
            dtypes = operand_dtypes(row, dtype)
            operands = plain(row, dtypes, (shape,) * len(dtypes), turn)
            recipes = [layout(x, kind) for x, kind in zip(operands, dtypes, strict=True)]
            case = judged(row, dtype, tuple(recipe.array for recipe in recipes), row.arguments[0])
            forms = list(math_forms.forms(row))
            for form in (forms[0], forms[turn % len(forms)]):
                out = form.call([recipe.on(subject) for recipe in recipes], case.arguments)
                text = f"{form.text} of {layout.__name__} {shape}"
                assert_values(text, out, case.expected, case.error, case.scale, dtype=case.out)


def _into_fractions(row: Function) -> bool:
    return row.result == "float" and "int32" in row.dtypes


@pytest.mark.parametrize("family", sorted({row.family for row in FUNCTIONS.values() if _into_fractions(row)}))
@check("math.default-dtype")
def test_every_form_gives_the_default_dtype(subject: Subject, family: str) -> None:
    subject.require("float64")
    held = torch.get_default_dtype()
    for default in ("float64", "float32"):
        try:
            torch.set_default_dtype(host.torch_dtype(default))
            for row in filter(_into_fractions, math_functions.family(family)):
                count = len(row.operands)
                arrays = plain(row, ("int32",) * count, ((3, 7),) * count)
                operands = [contiguous(x, "int32").on(subject) for x in arrays]
                for form in math_forms.forms(row):
                    out = form.call(operands, row.arguments[0])
                    assert_tensor(f"{form.text} of int32 with {default} as the default dtype", out, default, (3, 7))
        finally:
            torch.set_default_dtype(held)


@check("math.isclose")
def test_isclose_of_other_shapes_and_kinds(subject: Subject) -> None:
    column, row = np.array([[1.0], [2.0]]), np.array([1.0, 2.0 + 1e-6, 3.0])
    wanted = np.array([[True, False, False], [False, True, False]])
    for layout in (contiguous, transposed, stepped):
        x, y = layout(column, "float64").on(subject), layout(row, "float64").on(subject)
        for name, out in (("torch", torch.isclose(x, y)), ("x", x.isclose(y))):
            assert_values(f"{name}.isclose of (2, 1) and (3,)", out, wanted, dtype="bool")
    cases = (
        ("complex128", [1 + 1j, 1 + 1j, 1j], [1 + 1j, 1 + 1.1j, 1j * (1 + 1e-6)], [True, False, True]),
        ("complex64", [1 + 1j, 2j, 3], [1 + 1j, 2, 3], [True, False, True]),
        ("bool", [True, False, True], [True, True, False], [True, False, False]),
        ("int32", [3, 4, -5], [3, 5, 5], [True, False, False]),
        ("uint8", [3, 4, 255], [3, 5, 0], [True, False, False]),
        ("float32", [NAN, 1.0, 2.0], [NAN, 1.0, 2.5], [False, True, False]),
    )
    for dtype, a, b, law in cases:
        x, y = (contiguous(np.array(v), dtype).on(subject) for v in (a, b))
        before = Unchanged(input=x, other=y)
        for name, out in (("torch", torch.isclose(x, y)), ("x", x.isclose(y))):
            assert_values(f"{name}.isclose of {dtype}", out, np.array(law), dtype="bool")
        for name, found in (("torch", torch.allclose(x, y)), ("x", x.allclose(y))):
            require(found is all(law), f"{name}.allclose of {dtype}", all(law), found)
        before.check("isclose")
    x, y = contiguous(column, "float64").on(subject), contiguous(column, "float32").on(subject)
    assert_raises("torch.isclose of float64 and float32", RuntimeError, lambda: torch.isclose(x, y))


@check("math.frexp")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_frexp_in_every_form(subject: Subject, dtype: str) -> None:
    values = np.array([0.75, -6.0, 1.0, 0.0, 1e-3, -1e10, 0.5] * 5)
    for layout in (contiguous, stepped):
        x = layout(values, dtype).on(subject)
        mantissas, exponents = np.frexp(host.array(x))
        outs = tuple(stepped(np.ones(35), kind).on(subject) for kind in (dtype, "int32"))
        for text, found in (
            ("torch.frexp(x)", torch.frexp(x)),
            ("x.frexp()", x.frexp()),
            ("torch.frexp(x, out=)", torch.frexp(x, out=outs)),
            ("out=", outs),
        ):
            assert_values(f"the mantissas of {text}", found[0], mantissas, dtype=dtype)
            assert_values(f"the exponents of {text}", found[1], exponents, dtype="int32")


@check("math.refused-dtypes")
def test_integers_have_no_quotients_or_ways_between(subject: Subject) -> None:
    """addcdiv and lerp refuse integers in every form."""
    for dtype in ("int32", "int64"):
        x, y, z = (contiguous(np.array([6, 4, 9]), dtype).on(subject) for _ in range(3))
        before = Unchanged(x=x, y=y, z=z)
        for text, call in (
            ("torch.addcdiv(x, y, z)", lambda: torch.addcdiv(x, y, z)),
            ("x.addcdiv(y, z)", lambda: x.addcdiv(y, z)),
            ("x.addcdiv_(y, z)", lambda: x.addcdiv_(y, z)),
            ("torch.lerp(x, y, 0.5)", lambda: torch.lerp(x, y, 0.5)),
            ("x.lerp(y, 0.5)", lambda: x.lerp(y, 0.5)),
            ("x.lerp_(y, 0.5)", lambda: x.lerp_(y, 0.5)),
            ("x.lerp(y, z)", lambda: x.lerp(y, z)),
            ("x.add_(1.5)", lambda: x.add_(1.5)),
            ("x.mul_(1.5)", lambda: x.mul_(1.5)),
            ("x.div_(2)", lambda: x.div_(2)),
            ("x.float_power_(2)", lambda: x.float_power_(2)),
            ("x.float().float_power_(2)", lambda: x.float().float_power_(2)),
            ("x.sqrt_()", lambda: x.sqrt_()),
            ("x[:1].mul_(y)", lambda: x[:1].mul_(y)),
        ):
            assert_raises(f"{text} of {dtype}", RuntimeError, call)
            before.check(text)

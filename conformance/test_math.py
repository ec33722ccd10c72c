"""What every elementwise function gives: its values and dtype, over dtypes, layouts, sizes and awkward values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance import effort
from conformance.assertions import assert_values
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables import math_forms
from conformance.tables.math_functions import FUNCTIONS, LATE, Function
from conformance.tables.math_samples import Sample, sample
from properties.strategies.recipe import LAYOUTS, Recipe

pytestmark = must_answer

# Three dimensions, so that every layout differs; 17 columns, so that no row is a multiple of a vector register.
SHAPE = (3, 4, 17)
LARGE = (40_000,)  # beyond the size from which PyTorch splits work among threads
WHOLE = ("float32", "float64", "int64", "complex64")  # dtypes to try in every layout; the others in two, in turn


def _rows(since: str | None = None) -> list[Any]:
    chosen = [(slug, row) for slug, row in FUNCTIONS.items() if since is None or row.late]
    return [pytest.param(slug, marks=check(row.claim_id, since=since)) for slug, row in chosen]


@pytest.mark.parametrize("function", _rows())
def test_an_elementwise_function(subject: Subject, function: str) -> None:
    row = FUNCTIONS[function]
    for dtype in row.dtypes:
        check_dtype(subject, row, function, dtype)
    main = next(dtype for dtype in ("float32", "float64", "int64") if dtype in row.dtypes)
    for dtype in {main, row.dtypes[-1], *(kind for kind in row.dtypes if kind == "float64")}:
        large = sample(function, dtype, row.variants(dtype)[0])
        judge(subject, large.at(large.places(LARGE)), "contiguous")


@pytest.mark.parametrize("function", _rows(LATE))
def test_an_elementwise_function_of_a_late_dtype(subject: Subject, function: str) -> None:
    row = FUNCTIONS[function]
    for dtype in row.late:
        check_dtype(subject, row, function, dtype)


def check_dtype(subject: Subject, row: Function, function: str, dtype: str) -> None:
    """Judge one function on one dtype: all values in a row, then shapes that each layout can show, and sizes."""
    for variant in row.variants(dtype):
        found = sample(function, dtype, variant)
        judge(subject, found, "contiguous")
        if len(found) == 0:
            return
        for turn, layout in enumerate(_layouts(row, dtype, variant)):
            places = found.places(SHAPE, turn * 204)
            judge(subject, found.at(places[:1].repeat(3, 0) if layout == "expanded" else places), layout)
    if dtype not in WHOLE and effort.level() == "quick":
        return
    for size in (0, 1, 33):
        judge(subject, found.at(found.places((size,), size)), "contiguous")
    judge(subject, found.at(found.places((), 7)), "contiguous")


def _layouts(row: Function, dtype: str, variant: int) -> list[str]:
    names = [name for name in LAYOUTS if name != "contiguous"]
    quick = effort.level() == "quick"
    whole = [name for name in WHOLE if name in row.dtypes][: 1 if quick else None]
    if dtype in whole and variant == row.variants(dtype)[0]:
        return names
    if quick and dtype not in WHOLE:
        return ["stepped" if variant == row.variants(dtype)[0] else "transposed"]
    turn = row.dtypes.index(dtype) + variant if dtype in row.dtypes else variant
    return [names[turn % len(names)], names[(turn + 2) % len(names)]]


def judge(subject: Subject, case: Sample, layout: str) -> None:
    """Refute unless torch.f of the operands, each in its layout, has the expected dtype and values."""
    row, form = case.function, math_forms.main(case.function)
    recipes = [_recipe(x, "bool" if x.dtype == bool else case.dtype, layout, n) for n, x in enumerate(case.operands)]
    out = form.call([recipe.on(subject) for recipe in recipes], case.arguments)
    call = f"{math_forms.spelled(form, case.arguments)} of {layout} {case.dtype}"
    assert_values(call, out, case.expected, case.error, case.scale, dtype=case.out, signed_zeros=row.signed_zeros)


def _recipe(values: np.ndarray, dtype: str, layout: str, place: int) -> Recipe:
    # Further operands in other layouts than the first, but for the two that are uniform.
    names = list(LAYOUTS)
    if place and layout not in ("contiguous", "expanded"):
        layout = names[(names.index(layout) + 2 * place) % (len(names) - 1)]
    return LAYOUTS[layout](values, dtype)

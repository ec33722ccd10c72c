"""Every view function, on every shape and layout, in every way to write it: what it looks at, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conformance.assertions import assert_raises, require
from conformance.view_calls import Call
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.oracle.view import Geometry, Incompatible
from conformance.view_memory import Held, assert_fresh, assert_looks_at
from conformance.view_table import VIEWS, View
from properties.strategies.recipe import LAYOUTS, Recipe
from properties.strategies.values import distinct

pytestmark = must_answer

SHAPES = ((3, 4), (), (5,), (0,), (17,), (1,), (1, 4), (4, 1), (0, 3), (2, 0), (2, 3, 4), (1, 6, 1), (2, 1, 3, 2), (33, 5))
LARGE = (3, 33, 401)
REFUSED = (RuntimeError, ValueError, TypeError)


def recipes(subject: Any, turn: int) -> Iterator[Recipe]:
    """Every shape in every layout, in one dtype after the other, so that each function sees each dtype."""
    names = [name for name in (*DTYPES, "float32", "float64", "int64") if subject.supports(name)]
    for shape in SHAPES:
        seen = set()
        for layout in LAYOUTS:
            dtype = names[turn % len(names)]
            recipe = LAYOUTS[layout](distinct(dtype, shape), dtype)
            if (recipe.strides, recipe.offset) not in seen:
                seen.add((recipe.strides, recipe.offset))
                turn += 1
                yield recipe
    yield from (LAYOUTS[layout](distinct("float32", LARGE), "float32") for layout in ("contiguous", "transposed"))


def judge(row: View, held: Held) -> None:
    """Refute unless the function answers all its arguments on one tensor as its rule does, and changes nothing."""
    for arguments in row.arguments(held.geometry):
        try:
            looks = row.looks_at(held.geometry, arguments)
        except Incompatible as reason:
            judge_incompatible(row, held, arguments, reason.shape)
        except (IndexError, ValueError) as reason:
            kinds = (IndexError,) if isinstance(reason, IndexError) else REFUSED
            for call in row.calls(arguments):
                assert_raises(f"{call}, with {held.facts()},", kinds, lambda call=call: call(held.tensor))
        else:
            for turn, call in enumerate(row.calls(arguments)):
                judge_views(call, held, looks, values=turn == 0 and held.geometry.numel < 1000)
    held.assert_untouched(row.name)


def judge_views(call: Call, held: Held, looks: Geometry | tuple[Geometry, ...], *, values: bool) -> None:
    """Refute unless a call gives the view, or the tuple of views, that it should."""
    out = call(held.tensor)
    if isinstance(looks, Geometry):
        return assert_looks_at(call, out, held, looks, values=values)
    if not isinstance(out, (tuple, list)) or len(out) != len(looks):
        size = f"{type(out).__name__} of {len(out)}"
        require(False, f"{call} is a {size}, but should be a tuple of {len(looks)}; {held.facts()}", len(looks), len(out))
    for part, geometry in zip(out, looks, strict=True):
        assert_looks_at(call, part, held, geometry, values=values)


def judge_incompatible(row: View, held: Held, arguments: tuple[Any, ...], shape: tuple[int, ...]) -> None:
    """Refute unless a shape that the strides do not allow is refused, or answered with a copy."""
    expected = held.values(held.geometry).reshape(shape)
    for call in row.calls(arguments):
        if not row.copies:
            assert_raises(f"{call}, with {held.facts()},", RuntimeError, lambda call=call: call(held.tensor))
            continue
        out = call(held.tensor)
        assert_fresh(call, out, held, expected)
        require(out.is_contiguous(), f"{call} is a copy that is not contiguous; {held.facts()}")


@pytest.mark.parametrize("row", [pytest.param(row, marks=check(f"view.{row.claim}", since=row.since)) for row in VIEWS])
def test_a_view_function_looks_at_the_right_elements(subject, row):
    for recipe in recipes(subject, VIEWS.index(row)):
        judge(row, Held.of(recipe, subject))

"""Every view function, on every shape and layout, in every way to write it: what it looks at, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.oracle.view import Geometry, Incompatible
from conformance.tables.view_calls import Call
from conformance.tables.view_memory import Held, assert_fresh, assert_looks_at
from conformance.tables.view_table import VIEWS, View, existing
from properties.strategies.recipe import LAYOUTS, Recipe
from properties.strategies.values import distinct

pytestmark = must_answer

SHAPES = (
    (3, 4),
    (),
    (5,),
    (0,),
    (17,),
    (1,),
    (1, 4),
    (4, 1),
    (0, 3),
    (2, 0),
    (2, 3, 4),
    (1, 6, 1),
    (2, 1, 3, 2),
    (33, 5),
)
MORE = ((3, 33, 401), (181, 190), (2, 1, 3, 2, 1))  # large ones, and one of more dimensions than most have
OFTEN = ("float32", "float64", "int64", "float64", "float32")  # with these a prime number of dtypes
REFUSED = (RuntimeError, ValueError, TypeError)


def recipes(subject: Any, turn: int) -> Iterator[Recipe]:
    """Every shape in every layout, in one dtype after the other, so that each function sees each dtype."""
    names = [name for name in (*DTYPES, *OFTEN) if subject.supports(name)]
    for shape in SHAPES:
        seen = set()
        for layout in LAYOUTS:
            dtype = names[turn % len(names)]
            recipe = LAYOUTS[layout](distinct(dtype, shape), dtype)
            if (recipe.strides, recipe.offset) not in seen:
                seen.add((recipe.strides, recipe.offset))
                turn += 1
                yield recipe
    for shape, layout in product(MORE, ("contiguous", "transposed")):
        yield LAYOUTS[layout](distinct("float32", shape), "float32")


def judge(row: View, held: Held, turn: int) -> None:
    """Refute unless the function answers its arguments on one tensor as its rule does, and changes nothing.

    On contiguous tensors, and on some others, every way to write each call is tried; on the rest every third call, in
    one way after the other. Of what has to be refused only some is tried: an error takes older releases milliseconds.
    """
    small, tried = held.geometry.numel < 1000, list(row.arguments(held.geometry))
    plain = small and held.geometry.offset == 0 and held.tensor.is_contiguous()
    thorough = plain or (small and held.dtype == "float64") or len(tried) < 6
    refused: list[tuple[Call, tuple[type[Exception], ...]]] = []
    for number, arguments in enumerate(tried if thorough else tried[turn % 3 :: 3], start=turn // 3):
        calls = list(row.calls(arguments))
        calls = calls if thorough else [calls[number % len(calls)]]
        try:
            looks = row.looks_at(held.geometry, arguments)
        except Incompatible as reason:
            if row.copies:
                judge_copies(held, calls, reason.shape)
            else:
                refused.append((calls[number % len(calls)], (RuntimeError,)))
        except (IndexError, ValueError) as reason:
            refused.append((calls[number % len(calls)], (IndexError,) if isinstance(reason, IndexError) else REFUSED))
        else:
            judge_views(held, calls, looks, read=plain and number % 2 == 0)
    most = 20 if plain and held.geometry.shape == SHAPES[0] else turn % 9 == 0
    judge_refused(held, refused[:: -(-len(refused) // most)] if refused and most else [])
    held.assert_untouched(row.name)


def judge_views(held: Held, calls: list[Call], looks: Geometry | tuple[Geometry, ...], *, read: bool) -> None:
    """Refute unless each call gives the view, or the tuple of views, that it should.

    `read`: read the first result's elements; where they lie says what they are, but on some devices by other ways.
    """
    several = isinstance(looks, tuple)
    for call in calls:
        out = call(held.tensor)
        if several and (not isinstance(out, tuple) or len(out) != len(looks)):
            found = f"{type(out).__name__} of {len(out)}"
            require(
                False, f"{call} is a {found}, but should be a tuple of {len(looks)}; {held.facts()}", len(looks), found
            )
        for part, geometry in zip(out, looks, strict=True) if several else [(out, looks)]:
            assert_looks_at(call, part, held, geometry, values=read)
            read = False


def judge_refused(held: Held, calls: list[tuple[Call, tuple[type[Exception], ...]]]) -> None:
    """Refute unless each call raises one of its exceptions."""
    for call, kinds in calls:
        assert_raises(f"{call}, with {held.facts()},", kinds, lambda call=call: call(held.tensor))


def judge_copies(held: Held, calls: list[Call], shape: tuple[int, ...]) -> None:
    """Refute unless each call gives a contiguous copy of that shape."""
    expected = held.values(held.geometry).reshape(shape)
    for call in calls:
        out = call(held.tensor)
        assert_fresh(call, out, held, expected)
        require(out.is_contiguous(), f"{call} is a copy that is not contiguous; {held.facts()}")


@pytest.mark.parametrize("row", [pytest.param(row, marks=check(f"view.{row.claim}", since=row.since)) for row in VIEWS])
def test_a_view_function_looks_at_the_right_elements(subject, row):
    start = VIEWS.index(row)
    for turn, recipe in enumerate(recipes(subject, start), start=start):
        judge(row, Held.of(recipe, subject), turn)


@check("view.view-of-a-view")
def test_every_view_function_takes_the_views_of_every_other(subject):
    rows = [row for row in existing(VIEWS, subject) if not row.copies]
    for turn, first in enumerate(rows):
        held = Held.of(LAYOUTS[list(LAYOUTS)[turn % 6]](distinct("float32", (2, 3, 4)), "float32"), subject)
        for number, second in enumerate(rows):
            call, looks = pick(first, held.geometry, turn + 7 * number) or (Call("detach"), ())
            then, seen = (looks and pick(second, looks[-1], 5 * turn + number)) or (call, ())
            if seen:
                x = call(held.tensor)
                outs = then(x[-1] if first.several else x)
                said = then.on(call.on("x") + ("[-1]" if first.several else ""))
                for out, geometry in zip(outs if second.several else [outs], seen, strict=True):
                    assert_looks_at(said, out, held, geometry, values=False)
        held.assert_untouched(first.name)


def pick(row: View, g: Geometry, turn: int) -> tuple[Call, tuple[Geometry, ...]] | None:
    """Some call that gives a view with elements, and what it looks at; None where a few tries find none."""
    tried = list(row.arguments(g))
    for number in range(turn, turn + min(len(tried), 12)):
        arguments = tried[number * 5 % len(tried)]
        try:
            looks = row.looks_at(g, arguments)
        except (IndexError, ValueError):
            continue
        looks = looks if isinstance(looks, tuple) else (looks,)
        if looks and looks[-1].numel:
            calls = list(row.calls(arguments))
            return calls[turn % len(calls)], looks
    return None

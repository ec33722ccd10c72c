"""Methods that change a tensor's own geometry, and functions that embed a source where a view would look."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.oracle.view import Geometry, row_major
from conformance.oracle.view_parts import slice_along
from conformance.tables.view_calls import Call
from conformance.tables.view_memory import Held, assert_fresh, same_bits
from conformance.tables.view_table import VIEWS, View
from properties.strategies.view_recipes import dense, other

pytestmark = must_answer


TWINS = [row for row in VIEWS if row.inplace]


@pytest.mark.parametrize(
    "row", [pytest.param(row, marks=check("view.geometry-in-place", since=row.since)) for row in TWINS]
)
def test_a_method_with_an_underscore_changes_the_tensor_itself(subject, row):
    for recipe in dense(subject, VIEWS.index(row)):
        for number, arguments in enumerate(row.arguments(Held.of(recipe, subject).geometry)):
            if row.name == "as_strided" and min(arguments[0], default=0) < 0:
                continue  # another check's
            named = tuple(zip(row.keywords, arguments, strict=False)) if number % 2 and row.keywords else ()
            call = Call(row.inplace, keywords=named) if named else Call(row.inplace, arguments)
            judge_in_place(row, arguments, call, Held.of(recipe, subject), refusals=number % 3 == 0)


def judge_in_place(row: View, arguments: tuple[Any, ...], call: Call, held: Held, *, refusals: bool) -> None:
    """Refute unless the twin gives the tensor itself, which then looks as the rule says, or else refuses."""
    x, alias = held.tensor, held.tensor.detach()
    try:
        looks = row.looks_at(held.geometry, arguments)
    except (IndexError, ValueError) as reason:
        if not refusals:
            return
        kinds = (IndexError,) if isinstance(reason, IndexError) else (RuntimeError, TypeError)
        assert_raises(f"{call}, with {held.facts()},", kinds, lambda: call(x))
        return held.assert_untouched(f"the refused {call}")
    require(call(x) is x, f"{call} gives another object than x")
    assert isinstance(looks, Geometry)
    found = (tuple(x.shape), x.storage_offset())
    require(found == (looks.shape, looks.offset), f"{call} makes {found} of {held.facts()}", looks, found)
    same_bits("x", call, x, held.values(looks))
    same_bits("its memory", call, held.memory, held.buffer)
    require(
        tuple(alias.shape) == held.geometry.shape,
        f"{call} changes the shape of another view",
        held.geometry,
        alias.shape,
    )


NEGATIVE = {
    "as_strided_": ((-1,), (1,)),
    "resize_": (2, -3),
    "unsqueeze_": (-9,),
    "squeeze_": (-9,),
    "transpose_": (-9, 0),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=check("view.refused-in-place")) for name in NEGATIVE])
def test_a_refused_change_of_geometry_changes_nothing(subject, name):
    for recipe in dense(subject, 0):
        held, call = Held.of(recipe, subject), Call(name, NEGATIVE[name])
        assert_raises(
            f"{call}, with {held.facts()},", (RuntimeError, IndexError), lambda call=call, x=held.tensor: call(x)
        )
        held.assert_untouched(f"the refused {call}")


SCATTERS = [row for row in VIEWS if row.scatter]


@pytest.mark.parametrize("row", [pytest.param(row, marks=check("view.scatter")) for row in SCATTERS])
def test_a_scatter_gives_a_copy_with_the_source_where_the_view_looks(subject, row):
    start = VIEWS.index(row)
    for turn, recipe in enumerate(dense(subject, start, COMMON)):
        plain = Geometry(recipe.shape, row_major(recipe.shape))
        if row.name == "as_strided" and not recipe.is_contiguous:
            continue  # the places of its arguments are those of the storage
        for arguments, (looks, *_) in row.valid(plain, most=12):
            if not looks.is_overlapping():
                judge_scatter(row.scatter, arguments, row.keywords, looks, Held.of(recipe, subject), turn)


def judge_scatter(
    name: str, arguments: tuple[Any, ...], names: tuple[str, ...], looks: Geometry, held: Held, turn: int
) -> None:
    """Refute unless the scatter functions embed a source where the view of a contiguous copy would look."""
    expected = held.values(held.geometry).ravel()
    source = other(expected[looks.places()], held.dtype) if looks.numel else np.empty(looks.shape, expected.dtype)
    if looks.numel:
        expected[looks.places()] = source
    given = host.tensor(source, held.dtype, str(held.tensor.device))
    form = ("function", "method")[turn % 2]
    named = tuple(zip(("src", *names), (given, *arguments), strict=False)) if turn % 3 == 1 else ()
    out = Call(name, () if named else (given, *arguments), named, form)(held.tensor)
    said = f"{name}(x, a source, {', '.join(map(repr, arguments))}), with {held.facts()},"
    assert_fresh(said, out, held, expected.reshape(held.geometry.shape))
    held.assert_untouched(said)
    same_bits("the source", said, given, source)


@check("view.scatter")
def test_slice_scatter_embeds_a_source_in_a_slice(subject):
    for turn, recipe in enumerate(dense(subject, 5, COMMON)):
        plain = Geometry(recipe.shape, row_major(recipe.shape))
        size = recipe.shape[0] if recipe.ndim else 0
        for dim in range(-recipe.ndim, recipe.ndim):
            for part in (
                (None, None, 1),
                (1, None, 1),
                (0, -1, 1),
                (None, None, 2),
                (1, size, 3),
                (-2, None, 1),
                (0, 99, 1),
            ):
                looks = slice_along(plain, dim, slice(*part))
                names = ("dim", "start", "end", "step")
                judge_scatter("slice_scatter", (dim, *part), names, looks, Held.of(recipe, subject), turn)

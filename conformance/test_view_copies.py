"""Functions that rearrange elements but never share them: repeat, tile, flip, roll, rot90 and narrow_copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.oracle import view_copies
from conformance.tables.view_calls import Call
from conformance.tables.view_memory import Held, assert_fresh
from properties.strategies.recipe import DENSE, LAYOUTS, Recipe
from properties.strategies.values import distinct, interesting

pytestmark = must_answer

Arguments = tuple[Any, ...]
SHAPES = ((3, 4), (), (5,), (0,), (17,), (1, 4), (0, 3), (2, 3, 4), (2, 1, 3, 2), (33, 5))
LARGE = (201, 173)
REFUSING = ((3, 4), (), (5,))  # where what has to be refused is tried: an error takes older releases milliseconds
REFUSED = (RuntimeError, IndexError)


@dataclass(frozen=True)
class Copying:
    """A function that copies. `rule`: what it does to an array; raises ValueError or IndexError for what it refuses."""

    name: str
    rule: Callable[..., np.ndarray]
    arguments: Callable[[np.ndarray], Iterable[Arguments]]
    keywords: tuple[str, ...] = ()
    forms: tuple[str, ...] = ("method", "function")
    spread: bool = False

    def calls(self, arguments: Arguments) -> Iterator[Call]:
        """Every way to write the call."""
        for form in self.forms:
            yield Call(self.name, arguments, form=form)
            if self.keywords and arguments:
                yield Call(self.name, keywords=tuple(zip(self.keywords, arguments, strict=False)), form=form)
        if self.spread and arguments[0]:
            yield Call(self.name, arguments[0])


def _times(a: np.ndarray) -> Iterable[Arguments]:
    some = [
        (1,) * a.ndim,
        (2,) * a.ndim,
        (3, *(1,) * a.ndim),
        (*(1,) * a.ndim, 2),
        tuple(range(1, a.ndim + 2)),
        (2, 0, 3, 1),
    ]
    return [
        (sizes,) for sizes in [*some, (0,) * a.ndim, (-1, *(1,) * a.ndim), (1,) * (a.ndim - 1)] if sizes or a.ndim == 0
    ]


def _tilings(a: np.ndarray) -> Iterable[Arguments]:
    return [*_times(a), ((2,),), ((),), ((3, 1),), ((0,),)]


def _flips(a: np.ndarray) -> Iterable[Arguments]:
    dims = list(range(-max(a.ndim, 1), max(a.ndim, 1)))
    some = [(), *((dim,) for dim in dims), tuple(range(a.ndim)), (-1, 0)[: a.ndim], tuple(range(a.ndim))[::-2]]
    return [(found,) for found in [*some, (0, 0), (0, -max(a.ndim, 1)), (max(a.ndim, 1),), (-max(a.ndim, 1) - 1,)]]


def _rolls(a: np.ndarray) -> Iterable[Arguments]:
    yield from [(shift,) for shift in (0, 1, -1, 2, 5, -7, 100)]
    yield from [((3,),), ((1, 2),), (1, max(a.ndim, 1)), ((1, 2), 0), ((1,), (0, 0))] if a.size else []
    for dim in range(-a.ndim, a.ndim):
        yield from [(shift, dim) for shift in (1, -1, 3, -50, 0)]
    if a.ndim > 1:
        yield from [((1, 2), (0, 1)), ((-1, 1), (1, 0)), ((2, -1), (-1, -2)), ((1, 1), (0, 0)), ((0, 3), (0, -1))]


def _turns(a: np.ndarray) -> Iterable[Arguments]:
    yield ()
    yield from [(k,) for k in (0, 2, 3, -1, 5, -6)]
    reach = range(-a.ndim, a.ndim)
    yield from [(k, pair) for k, pair in product((1, 2, -1), list(product(reach, reach))[:: 1 if a.ndim < 3 else 5])]
    yield from [(1, (0,)), (1, (0, 1, 2)), (1, (0, 9))]


def _nothing(a: np.ndarray) -> Iterable[Arguments]:
    return [()]


def _narrowings(a: np.ndarray) -> Iterable[Arguments]:
    for dim in range(-a.ndim, a.ndim):
        n = a.shape[dim]
        yield from [(dim, 0, n), (dim, n // 2, n - n // 2), (dim, 0, 0)] + (
            [(dim, -1, 1), (dim, n - 1, 1)] if n else []
        )


ROWS = (
    Copying("repeat", view_copies.repeat, _times, ("repeats",), ("method",), spread=True),
    Copying("tile", view_copies.tile, _tilings, ("dims",), spread=True),
    Copying("flip", view_copies.flip, _flips, ("dims",), spread=True),
    Copying("fliplr", view_copies.fliplr, _nothing),
    Copying("flipud", view_copies.flipud, _nothing),
    Copying("roll", view_copies.roll, _rolls, ("shifts", "dims")),
    Copying("rot90", view_copies.rot90, _turns, ("k", "dims")),
    Copying("narrow_copy", view_copies.narrow, _narrowings, ("dim", "start", "length")),
)


def delicate(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values that are easily lost: infinities, NaN and negative zero first."""
    table = interesting(dtype)
    if dtype == "bool":
        return distinct(dtype, shape)
    odd = ~np.isfinite(table) | ((table == 0) & np.signbit(table.real)) if DTYPES[dtype].is_inexact else table < 0
    return np.resize(table[np.argsort(~odd, kind="stable")], shape) if shape else table[-1].reshape(shape)


def helds(subject: Any, turn: int) -> Iterator[Held]:
    """Every shape in every layout, one dtype after the other, with the values that are easily lost; and more."""
    names = [name for name in (*COMMON, "float32", "float64", "bfloat16") if subject.supports(name)]
    for shape in SHAPES:
        for layout in LAYOUTS:
            dtype = names[turn % len(names)]
            turn += 1
            values = delicate(dtype, shape) if turn % 2 else distinct(dtype, shape)
            yield Held.of(LAYOUTS[layout](values, dtype), subject)
    for dtype in dict.fromkeys(names):
        yield Held.of(DENSE["contiguous"](distinct(dtype, (2, 7)), dtype), subject)
    for shape in (LARGE, (2, 1, 3, 1, 2)):
        yield Held.of(DENSE["transposed"](distinct("float32", shape), "float32"), subject)


def judge(row: Copying, held: Held, turn: int) -> None:
    """Refute unless a function rearranges the elements as its rule does, into memory of its own."""
    values = held.values(held.geometry)
    tried = list(row.arguments(values))
    small, plain = values.size < 1000, held.tensor.is_contiguous() and held.geometry.offset == 0
    thorough = plain or (small and held.dtype == "float64") or len(tried) < 6
    for number, arguments in enumerate(tried if thorough else tried[turn % 3 :: 3] if small else tried[:6], start=turn):
        calls = list(row.calls(arguments))
        calls = calls if thorough else [calls[number % len(calls)]]
        try:
            expected = row.rule(values, *arguments)
        except (ValueError, IndexError):
            if plain and values.shape in REFUSING:
                call = calls[number % len(calls)]
                assert_raises(f"{call}, with {held.facts()},", REFUSED, lambda call=call: call(held.tensor))
            continue
        for call in calls:
            assert_fresh(call, call(held.tensor), held, expected)
    held.assert_untouched(row.name)


@pytest.mark.parametrize("row", [pytest.param(row, marks=check(f"view.{row.name.replace('_', '-')}")) for row in ROWS])
def test_a_function_rearranges_elements_in_new_memory(subject, row):
    start = ROWS.index(row) * 5
    for turn, held in enumerate(helds(subject, start), start=start):
        judge(row, held, turn)


DIFFERENTIABLE = [pytest.param(row, marks=check("view.copy-gradient")) for row in ROWS[:-1]]


@pytest.mark.parametrize("row", DIFFERENTIABLE)
def test_gradients_flow_back_to_where_each_copy_came_from(subject, row):
    for turn, shape in enumerate(((3, 4), (5,), (2, 3, 4), ())):
        dtype = ("float64", "complex128", "float32")[turn % 3]
        recipe = list(DENSE.values())[turn](distinct(dtype, shape), dtype).with_grad()
        for arguments in list(row.arguments(recipe.array))[::3]:
            judge_gradient(row, recipe, arguments, subject)


def judge_gradient(row: Copying, recipe: Recipe, arguments: Arguments, subject: Any) -> None:
    """Refute unless each element gets the sum of what flows into its copies."""
    places = np.arange(recipe.numel).reshape(recipe.shape)
    try:
        source = row.rule(places, *arguments)
    except (ValueError, IndexError):
        return
    x, flow = recipe.on(subject), (np.arange(source.size) + 2).reshape(source.shape).astype(recipe.dtype)
    expected = np.zeros(recipe.numel, recipe.dtype)
    np.add.at(expected, source.ravel(), flow.ravel())
    for call in row.calls(arguments):
        (found,) = torch.autograd.grad(call(x), x, host.tensor(flow, recipe.dtype, subject.device))
        said = f"the gradient of {call}, with x of shape {recipe.shape},"
        assert_values(said, found, expected.reshape(recipe.shape), dtype=recipe.dtype)


@check("view.narrow-copy-gradient", since="2.13")
def test_gradients_flow_back_through_narrow_copy(subject):
    recipe = DENSE["contiguous"](distinct("float64", (3, 4)), "float64").with_grad()
    for arguments in ((0, 0, 2), (0, 1, 2), (1, 2, 2), (-1, 0, 4), (1, 3, 0), (0, -3, 2), (1, -2, 1)):
        judge_gradient(ROWS[-1], recipe, arguments, subject)


@check("view.narrow-copy-gradient", since="2.13")
def test_gradients_flow_back_through_narrow_copy_up_to_the_end_from_a_negative_start(subject):
    recipe = DENSE["contiguous"](distinct("float64", (3, 4)), "float64").with_grad()
    for arguments in ((0, -1, 1), (1, -1, 1), (-1, -3, 3)):
        judge_gradient(ROWS[-1], recipe, arguments, subject)

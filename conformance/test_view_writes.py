"""What passes between a tensor and its views: writes both ways, versions, and what changes a tensor's own geometry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.oracle.view import Geometry, row_major
from conformance.oracle.view_parts import slice_along
from conformance.view_calls import Call
from conformance.view_memory import Held, assert_fresh, same_bits
from conformance.view_table import VIEWS, View, existing
from properties.strategies.recipe import DENSE, Recipe, contiguous
from properties.strategies.values import distinct

pytestmark = must_answer

SHAPES = ((3, 4), (5,), (2, 3, 4), (1, 4, 1), (), (17, 3))
ROWS = [row for row in VIEWS if not row.name.startswith("unsafe")]
ONE_RESULT = [row for row in ROWS if not row.several]
# Those whose results autograd makes all at once; the others cut off one slice after the other.
AT_ONCE = [row for row in ROWS if row.name in ("chunk", "split", "split_with_sizes", "unbind")]
TWINS = [row for row in VIEWS if row.inplace]


def dense(subject: Any, turn: int, dtypes: tuple[str, ...] = tuple(DTYPES)) -> Iterator[Recipe]:
    """Recipes whose elements all have a place of their own, in one layout and dtype after the other."""
    names = [name for name in dtypes if subject.supports(name)]
    layouts = list(DENSE)
    for shape in SHAPES:
        for _ in range(3):
            dtype = names[turn % len(names)]
            yield DENSE[layouts[turn % len(layouts)]](distinct(dtype, shape), dtype)
            turn += 1


def other(values: np.ndarray, dtype: str) -> np.ndarray:
    """As many values that a dtype has, each other than the one in its place."""
    return ~values if dtype == "bool" else (values + 1).astype(values.dtype)


def _copy(part: torch.Tensor, new: np.ndarray, dtype: str) -> np.ndarray:
    part.copy_(host.tensor(new, dtype, str(part.device)))
    return new


def _assign(part: torch.Tensor, new: np.ndarray, dtype: str) -> np.ndarray:
    part[...] = host.tensor(new, dtype, str(part.device))
    return new


def _fill(part: torch.Tensor, new: np.ndarray, dtype: str) -> np.ndarray:
    value = new.ravel()[0].item()
    part.fill_(value)
    return np.full_like(new, value)


def _zero(part: torch.Tensor, new: np.ndarray, dtype: str) -> np.ndarray:
    part.zero_()
    return np.zeros_like(new)


def _add(part: torch.Tensor, new: np.ndarray, dtype: str) -> np.ndarray:
    part.add_(1)
    return new


def _out(part: torch.Tensor, new: np.ndarray, dtype: str) -> np.ndarray:
    torch.add(part.clone(), 1, out=part)
    return new


def _operator(part: torch.Tensor, new: np.ndarray, dtype: str) -> np.ndarray:
    part += 1
    return new


MOVES: tuple[Callable[..., np.ndarray], ...] = (_copy, _fill, _assign, _zero)
ARITHMETIC = (_add, _out, _operator)


def write(part: torch.Tensor, old: np.ndarray, dtype: str, turn: int) -> np.ndarray:
    """Write to a view in one way or another; returns what it should hold then."""
    ways = MOVES + (ARITHMETIC if dtype in COMMON and dtype != "bool" else ())
    return ways[turn % len(ways)](part, other(old, dtype), dtype)


def exchange(call: Call, held: Held, number: int, geometry: Geometry, turn: int) -> None:
    """Write through one of a call's results, then through the tensor: each time exactly the shared elements change."""
    out = call(held.tensor)
    part = out[number] if isinstance(out, (tuple, list)) else out
    now = held.buffer.copy()
    if geometry.numel and not geometry.is_overlapping():
        now[geometry.places()] = write(part, now[geometry.places()], held.dtype, turn)
        same_bits("the memory of x", f"a write to {call}, with {held.facts()}", held.memory, now)
        same_bits("the result", f"a write to itself, {call}, with {held.facts()}", part, now[geometry.places()])
    own = held.geometry.places()
    now[own] = write(held.tensor, now[own], held.dtype, turn + 1)
    expected = now[geometry.places()] if geometry.numel else np.empty(geometry.shape, now.dtype)
    same_bits(f"{call}", f"a write to x, with {held.facts()}", part, expected)
    same_bits("the memory of x", f"a write to x, with {held.facts()}", held.memory, now)


@pytest.mark.parametrize("row", [pytest.param(row, marks=check("view.writes-both-ways", since=row.since)) for row in VIEWS])
def test_writes_reach_the_shared_elements_and_no_other(subject, row):
    start = VIEWS.index(row)
    for turn, recipe in enumerate(dense(subject, start), start=start):
        held = Held.of(recipe, subject)
        for arguments, looks in row.valid(held.geometry, most=4):
            calls = list(row.calls(arguments))
            for number, geometry in list(enumerate(looks))[:: max(len(looks) - 1, 1)]:
                exchange(calls[(turn // 2 + number) % len(calls)], Held.of(recipe, subject), number, geometry, turn + number)


@check("view.expand")
def test_arithmetic_that_would_write_an_element_twice_is_refused(subject):
    actions = {"add_(1)": lambda v: v.add_(1), "copy_(…)": lambda v: v.copy_(v.clone()), "neg_()": lambda v: v.neg_()}
    for recipe in dense(subject, 0, COMMON[1:]):
        held = Held.of(recipe, subject)
        for text, action in actions.items():
            wide = held.tensor.expand(2, *held.geometry.shape)
            said = f"x.expand(2, …).{text}, with {held.facts()},"
            assert_raises(said, RuntimeError, lambda action=action, wide=wide: action(wide))
            held.assert_untouched(said)


@check("view.version")
def test_a_write_to_either_counts_for_both(subject):
    """`_version` is what autograd compares; there is no public name for it."""
    for row in existing(ROWS, subject):
        held = Held.of(contiguous(distinct("float32", (2, 3, 4)), "float32"), subject)
        for arguments, looks in row.valid(held.geometry, most=3):
            call = row.main(arguments)
            out = call(held.tensor)
            for part in (out if isinstance(out, (tuple, list)) else [out])[:2]:
                if looks[0].numel and not looks[0].is_overlapping():
                    assert_counts_for(f"a write to {call}", part, held.tensor, part)
                assert_counts_for(f"a write to x with {call}", held.tensor, held.tensor, part)


def assert_counts_for(what: str, written: torch.Tensor, *both: torch.Tensor) -> None:
    """Refute unless a write to the first raises the versions of both by one."""
    before = [tensor._version for tensor in both]
    written.zero_()
    after = [tensor._version for tensor in both]
    require(after == [count + 1 for count in before], f"{what} takes the versions from {before} to {after}", before, after)


@check("view.version")
def test_backward_refuses_what_was_overwritten_through_a_view(subject):
    for row in existing(ONE_RESULT, subject):
        recipe = contiguous(distinct("float64", (2, 3, 4)), "float64")
        for arguments, looks in row.valid(Held.of(recipe, subject).geometry, most=2):
            if looks[0].numel == 0 or looks[0].is_overlapping():
                continue
            x = recipe.with_grad().on(subject)
            base = x * 1
            square = (base * base).sum()
            with torch.no_grad():
                row.main(arguments)(base).mul_(2)
            assert_raises(f"backward after a write to {row.main(arguments)}", RuntimeError, square.backward)
            require(x.grad is None, "a backward that is refused leaves a gradient")


@pytest.mark.parametrize("row", [pytest.param(row, marks=check("view.geometry-in-place", since=row.since)) for row in TWINS])
def test_a_method_with_an_underscore_changes_the_tensor_itself(subject, row):
    for recipe in dense(subject, VIEWS.index(row)):
        for arguments in row.arguments(Held.of(recipe, subject).geometry):
            if row.name == "as_strided" and min(arguments[0], default=0) < 0:
                continue  # another check's
            judge_in_place(row, arguments, Held.of(recipe, subject))


def judge_in_place(row: View, arguments: tuple[Any, ...], held: Held) -> None:
    """Refute unless the twin gives the tensor itself, which then looks as the rule says, or refuses and changes nothing."""
    x, call = held.tensor, Call(row.inplace, arguments)
    alias = x.detach()
    try:
        looks = row.looks_at(held.geometry, arguments)
    except (IndexError, ValueError) as reason:
        kinds = (IndexError,) if isinstance(reason, IndexError) else (RuntimeError, TypeError)
        assert_raises(f"{call}, with {held.facts()},", kinds, lambda: call(x))
        return held.assert_untouched(f"the refused {call}")
    require(call(x) is x, f"{call} gives another object than x")
    assert isinstance(looks, Geometry)
    found = (tuple(x.shape), x.storage_offset())
    require(found == (looks.shape, looks.offset), f"{call} makes {found} of {held.facts()}", looks, found)
    same_bits("x", call, x, held.values(looks))
    same_bits("its memory", call, held.memory, held.buffer)
    require(tuple(alias.shape) == held.geometry.shape, f"{call} changes the shape of another view", held.geometry, alias.shape)


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
        assert_raises(f"{call}, with {held.facts()},", (RuntimeError, IndexError), lambda call=call, x=held.tensor: call(x))
        held.assert_untouched(f"the refused {call}")


@check("view.several-results-refuse-writes")
def test_one_of_several_views_refuses_writes_that_a_gradient_would_miss(subject):
    for row in existing(AT_ONCE, subject):
        recipe = contiguous(distinct("float64", (2, 3, 4)), "float64")
        for arguments, looks in row.valid(Held.of(recipe, subject).geometry, most=3):
            x = recipe.with_grad().on(subject)
            base = x * 1
            for part, geometry in zip(row.main(arguments)(base), looks, strict=True):
                if geometry.numel:
                    assert_raises(f"{row.main(arguments)}[…].mul_(2)", RuntimeError, lambda part=part: part.mul_(2))
            same_bits("x", "refused writes", base.detach(), recipe.array)


@check("view.leaf-refuses-writes")
def test_a_view_of_a_leaf_that_requires_grad_refuses_writes(subject):
    for row in existing(ONE_RESULT, subject):
        recipe = contiguous(distinct("float64", (2, 3, 4)), "float64")
        for arguments, looks in row.valid(Held.of(recipe, subject).geometry, most=2):
            if looks[0].numel == 0 or looks[0].is_overlapping():
                continue
            x, call = recipe.with_grad().on(subject), row.main(arguments)
            part = call(x)
            assert_raises(f"{call}.mul_(2) on a leaf", RuntimeError, lambda part=part: part.mul_(2))
            same_bits("x", "a refused write", x.detach(), recipe.array)
            with torch.no_grad():
                call(x).zero_()
            expected = recipe.array.ravel()
            expected[looks[0].places()] = 0
            same_bits("x", f"{call}.zero_() without grad", x.detach(), expected.reshape(recipe.shape))


SCATTERS = [row for row in VIEWS if row.scatter]


@pytest.mark.parametrize("row", [pytest.param(row, marks=check("view.scatter")) for row in SCATTERS])
def test_a_scatter_gives_a_copy_with_the_source_where_the_view_looks(subject, row):
    start = VIEWS.index(row)
    for turn, recipe in enumerate(dense(subject, start, COMMON)):
        plain = Geometry(recipe.shape, contiguous(recipe.array, recipe.dtype).strides)
        if row.name == "as_strided" and not recipe.is_contiguous:
            continue  # the places of its arguments are those of the storage
        for arguments, (looks, *_) in row.valid(plain, most=12):
            if not looks.is_overlapping():
                judge_scatter(row.scatter, arguments, looks, Held.of(recipe, subject), turn)


def judge_scatter(name: str, arguments: tuple[Any, ...], looks: Geometry, held: Held, turn: int) -> None:
    """Refute unless the scatter functions embed a source where the view of a contiguous copy would look."""
    expected = held.values(held.geometry).ravel()
    source = other(expected[looks.places()], held.dtype) if looks.numel else np.empty(looks.shape, expected.dtype)
    if looks.numel:
        expected[looks.places()] = source
    given = host.tensor(source, held.dtype, str(held.tensor.device))
    form = ("function", "method")[turn % 2]
    out = Call(name, (given, *arguments), form=form)(held.tensor)
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
            for part in ((None, None, 1), (1, None, 1), (0, -1, 1), (None, None, 2), (1, size, 3), (-2, None, 1), (0, 99, 1)):
                looks = slice_along(plain, dim, slice(*part))
                judge_scatter("slice_scatter", (dim, *part), looks, Held.of(recipe, subject), turn)

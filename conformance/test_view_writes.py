"""What passes between a tensor and its views: writes both ways, versions, and what changes a tensor's own geometry."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.oracle.view import Geometry
from conformance.tables.gradients import version
from conformance.tables.view_calls import Call
from conformance.tables.view_memory import Held, same_bits
from conformance.tables.view_table import VIEWS, existing
from properties.strategies.recipe import contiguous
from properties.strategies.values import distinct, rounded
from properties.strategies.view_recipes import dense, other

pytestmark = must_answer

ROWS = [row for row in VIEWS if not row.name.startswith("unsafe")]
ONE_RESULT = [row for row in ROWS if not row.several]
# Those whose results autograd makes all at once; the others cut off one slice after the other.
AT_ONCE = [row for row in ROWS if row.name in ("chunk", "split", "split_with_sizes", "unbind")]


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
    if dtype.startswith("float8"):  # the first releases that have them cannot fill
        return (_copy, _assign)[turn % 2](part, rounded(other(old, dtype), dtype), dtype)
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


@pytest.mark.parametrize(
    "row", [pytest.param(row, marks=check("view.writes-both-ways", since=row.since)) for row in VIEWS]
)
def test_writes_reach_the_shared_elements_and_no_other(subject, row):
    start = VIEWS.index(row)
    for turn, recipe in enumerate(dense(subject, start), start=start):
        held = Held.of(recipe, subject)
        for arguments, looks in row.valid(held.geometry, most=4):
            calls = list(row.calls(arguments))
            for number, geometry in list(enumerate(looks))[:: max(len(looks) - 1, 1)]:
                exchange(
                    calls[(turn // 2 + number) % len(calls)], Held.of(recipe, subject), number, geometry, turn + number
                )


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
    before = [version(tensor) for tensor in both]
    written.zero_()
    after = [version(tensor) for tensor in both]
    require(
        after == [count + 1 for count in before], f"{what} takes the versions from {before} to {after}", before, after
    )


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

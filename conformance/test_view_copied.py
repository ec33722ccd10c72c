"""The functions named after views with _copy: what the view shows, in new memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_apart, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.tables.view_calls import Call
from conformance.tables.view_memory import Held, assert_fresh, same_bits
from conformance.tables.view_table import VIEWS, View
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer

SHAPES = ((3, 4), (), (5,), (1, 4), (2, 3, 4), (33, 35))
NAMES = ("view", "expand", "squeeze", "unsqueeze", "transpose", "t", "permute", "select", "unsafe_split")
NAMES += ("split_with_sizes", "unbind", "diagonal", "unfold", "as_strided")
ROWS = [row for row in VIEWS if row.name in NAMES]


def helds(subject: Any, turn: int) -> Iterator[Held]:
    """Every shape in every layout, one dtype after the other."""
    names = [name for name in DTYPES if subject.supports(name)]
    for shape in SHAPES:
        for layout in LAYOUTS:
            turn += 1
            dtype = names[turn % len(names)]
            yield Held.of(LAYOUTS[layout](distinct(dtype, shape), dtype), subject)


def copying(row: View, arguments: tuple[Any, ...]) -> list[Call]:
    """The ways to write the call of the function that copies."""
    name = f"{row.name.removeprefix('unsafe_')}_copy"
    named = [Call(name, keywords=tuple(zip(row.keywords, arguments, strict=False)), form="function")]
    return [Call(name, arguments, form="function"), *(named if row.keywords and arguments else [])]


@pytest.mark.parametrize("row", [pytest.param(row, marks=check("view.copied", since=row.since)) for row in ROWS])
def test_a_function_named_copy_gives_what_the_view_shows_in_new_memory(subject, row):
    for turn, held in enumerate(helds(subject, ROWS.index(row))):
        for number, (arguments, looks) in enumerate(row.valid(held.geometry, 5), start=turn):
            calls = copying(row, arguments)
            call = calls[number % len(calls)]
            out = call(held.tensor)
            outs = out if row.several else [out]
            require(len(outs) == len(looks), f"{call} gives {len(outs)} tensors", len(looks), len(outs))
            for part, geometry in zip(outs, looks, strict=True):
                assert_fresh(call, part, held, held.values(geometry))
        held.assert_untouched(f"{row.name}_copy")


@check("view.copied")
def test_what_an_alias_a_detached_tensor_or_a_slice_shows_is_copied(subject):
    for held in helds(subject, 3):
        x, values = held.tensor, held.values(held.geometry)
        for name in ("alias_copy", "detach_copy"):
            call = Call(name, form="function")
            assert_fresh(call, call(x), held, values)
        for start, end, step in ((0, None, 1), (1, 3, 1), (0, 9, 2)) if values.ndim else ():
            call = Call("slice_copy", (0, start, end, step), form="function")
            assert_fresh(call, call(x), held, values[start:end:step])
        held.assert_untouched("alias_copy, detach_copy and slice_copy")


@check("view.copied")
def test_complex_numbers_are_copied_as_pairs_and_pairs_as_complex_numbers(subject):
    for dtype, part in (("complex64", "float32"), ("complex128", "float64")):
        if subject.supports(dtype) and subject.supports(part):
            for layout in LAYOUTS.values():
                held = Held.of(layout(distinct(dtype, (3, 4)), dtype), subject)
                pairs = held.values(held.geometry).copy().view(part).reshape(3, 4, 2)
                judge_fresh("torch.view_as_real_copy(x)", torch.view_as_real_copy(held.tensor), held.memory, pairs)
            held = Held.of(LAYOUTS["contiguous"](distinct(part, (3, 4, 2)), part), subject)
            whole = np.ascontiguousarray(held.values(held.geometry)).view(dtype).reshape(3, 4)
            judge_fresh("torch.view_as_complex_copy(x)", torch.view_as_complex_copy(held.tensor), held.memory, whole)


def judge_fresh(call: str, out: torch.Tensor, memory: torch.Tensor, expected: np.ndarray) -> None:
    """Refute unless a result has these values, in other memory than that of its input."""
    same_bits("the result", call, out, expected)
    assert_apart(call, out, memory)

"""Views whose arguments are tensors or of numpy: the start of narrow, the cuts of tensor_split, indices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.oracle import view, view_parts
from conformance.tables import view_arguments as tries
from conformance.tables.view_calls import Call
from conformance.tables.view_memory import Held, assert_looks_at
from conformance.tables.view_table import VIEWS, View
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer


def written(name: str, keywords: dict[str, Any]) -> list[Call]:
    """A call as method and as function, with its arguments by place and by name."""
    forms = ("method", "function")
    return [Call(name, tuple(keywords.values()), form=form) for form in forms] + [
        Call(name, keywords=tuple(keywords.items()), form=form) for form in forms
    ]


@check("view.narrow")
def test_narrow_takes_its_start_as_a_tensor_of_an_integer(subject):
    for layout in LAYOUTS.values():
        held = Held.of(layout(distinct("float32", (4, 5)), "float32"), subject)
        for dim, start, length in ((0, 2, 2), (1, 1, 3), (-1, -2, 2), (-2, 3, 1)):
            looks = view_parts.narrow(held.geometry, dim, start, length)
            for kind in (torch.int64, torch.int32, torch.uint8)[: 2 if start < 0 else 3]:
                place = torch.tensor(start, dtype=kind)
                for call in written("narrow", {"dim": dim, "start": place, "length": length}):
                    assert_looks_at(call, call(held.tensor), held, looks)


@check("view.narrow")
def test_narrow_refuses_starts_of_one_dimension_of_bool_and_of_fractions(subject):
    x = torch.zeros(4, 5, device=subject.device)
    for start in (torch.tensor([1]), torch.tensor(True), torch.tensor(1.0)):
        assert_raises(f"x.narrow(0, {start}, 1)", RuntimeError, lambda start=start: x.narrow(0, start, 1))


@check("view.tensor-split")
def test_tensor_split_takes_sections_and_indices_as_a_tensor(subject):
    for layout in LAYOUTS.values():
        held = Held.of(layout(distinct("float32", (4, 5)), "float32"), subject)
        for dim, where in ((0, 3), (1, 2), (-1, (1, 4)), (1, (3,)), (-2, (0, 2, -1)), (0, (3, 1))):
            looks = view_parts.tensor_split(held.geometry, where, dim)
            for call in written("tensor_split", {"tensor_indices_or_sections": torch.tensor(where), "dim": dim}):
                outs = call(held.tensor)
                require(isinstance(outs, tuple) and len(outs) == len(looks), f"{call} is no tuple of {len(looks)}")
                for out, geometry in zip(outs, looks, strict=True):
                    assert_looks_at(call, out, held, geometry)


@check("view.basic-indexing")
def test_integers_of_numpy_index_as_those_of_python_do(subject):
    for layout in LAYOUTS.values():
        held = Held.of(layout(distinct("float32", (4, 5)), "float32"), subject)
        for kind in (np.int64, np.int32, np.int8):
            keys = (
                (2, kind(2)),
                ((-1, 3), (kind(-1), 3)),
                ((1, -2), (kind(1), kind(-2))),
                ((slice(1, 3), 0), (slice(kind(1), kind(3)), kind(0))),
                (slice(None, 4, 2), slice(None, kind(4), kind(2))),
            )
            for plain, key in keys:
                call = Call("index", (key,), form="index")
                assert_looks_at(call, call(held.tensor), held, view_parts.index(held.geometry, plain))


@check("view.shares-memory")
def test_sizes_may_be_integers_of_numpy(subject):
    for layout in LAYOUTS.values():
        held = Held.of(layout(distinct("float32", (1, 4, 5)), "float32"), subject)
        for kind in (np.int64, np.int32):
            rows = (
                ("view", (kind(4), kind(1), kind(-1)), view.view(held.geometry, (4, 1, 5))),
                ("view", ((kind(4), kind(5)),), view.view(held.geometry, (4, 5))),
                ("reshape", ((kind(4), 5),), view.view(held.geometry, (4, 5))),
                ("expand", (kind(3), -1, kind(5)), view.expand(held.geometry, (3, 4, 5))),
                ("permute", (kind(2), kind(0), kind(1)), view.permute(held.geometry, (2, 0, 1))),
                ("transpose", (kind(0), kind(-1)), view.transpose(held.geometry, 0, -1)),
                ("narrow", (kind(1), kind(1), kind(2)), view_parts.narrow(held.geometry, 1, 1, 2)),
            )
            for name, arguments, looks in rows:
                call = Call(name, arguments)
                assert_looks_at(call, call(held.tensor), held, looks)


NUMPY = (np.int64, np.int32, np.int8)
PYTHON_ONLY = ("split", "index", "unsafe_split", "split_with_sizes")  # of which lists are asked for Python's integers


def as_numpy(value: Any, kind: Any) -> Any:
    """Python's integers as numpy's, also in tuples and lists."""
    if isinstance(value, (tuple, list)):
        return type(value)(as_numpy(part, kind) for part in value)
    return kind(value) if isinstance(value, int) else value


def counted(row: View) -> bool:
    return row.name not in PYTHON_ONLY and row.arguments not in (tries.nothing, tries.likes, tries.expansion_likes)


ROWS = [
    pytest.param(row, marks=check(f"view.{row.claim}", since=row.since), id=f"{row.name} {row.claim}") for row in VIEWS
]
EACH = [
    pytest.param(row, marks=check(f"view.{row.claim}", since=row.since), id=f"{row.name} {row.claim}")
    for row in VIEWS
    if counted(row)
]


@pytest.mark.parametrize("row", EACH)
def test_arguments_may_be_integers_of_numpy_also_after_a_refusal(subject, row):
    held = Held.of(LAYOUTS["transposed"](distinct("float32", (1, 4, 6)), "float32"), subject)
    for turn, (arguments, looks) in enumerate(row.valid(held.geometry, most=6)):
        for plain in row.calls(arguments):
            call = replace(
                plain,
                arguments=as_numpy(plain.arguments, NUMPY[turn % 3]),
                keywords=as_numpy(plain.keywords, NUMPY[turn % 3]),
            )
            refused = replace(call, arguments=("a text",), keywords=())
            assert_raises(str(refused), (TypeError, RuntimeError, IndexError), lambda: refused(held.tensor))
            out = call(held.tensor)
            outs = out if row.several else (out,)
            require(len(outs) == len(looks), f"{call} gives {len(outs)} parts", len(looks), len(outs))
            for part, geometry in zip(outs, looks, strict=True):
                assert_looks_at(call, part, held, geometry)


class Own(torch.Tensor):
    """A subclass with nothing of its own."""


@pytest.mark.parametrize("row", ROWS)
def test_views_of_a_subclass_are_of_the_subclass(subject, row):
    held = Held.of(LAYOUTS["transposed"](distinct("float32", (1, 4, 6)), "float32"), subject)
    x = held.tensor.as_subclass(Own)
    for arguments, _ in row.valid(held.geometry, most=2):
        for call in row.calls(arguments):
            out = call(x)
            for part in out if row.several else (out,):
                require(type(part) is Own, f"{call} of a subclass gives a {type(part).__name__}", Own, type(part))

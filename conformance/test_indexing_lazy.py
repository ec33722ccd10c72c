"""Lazily conjugated and negated tensors as inputs of indexing: they count as the numbers that they stand for."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, require
from conformance.check import check, must_answer
from conformance.every_form import find, make
from conformance.oracle import indexing as oracle
from conformance.subject import Subject
from conformance.tables import indexing_brackets as brackets
from conformance.tables import rows
from conformance.tables.indexing_arrange_rows import ROWS as ARRANGED
from conformance.tables.indexing_rows import ROWS as INDEXED
from conformance.tables.indexing_rows import mask, places
from conformance.wanted import Wanted, same
from properties.strategies.recipe import Recipe, contiguous, stepped, transposed
from properties.strategies.values import distinct

pytestmark = must_answer

Layers = Sequence[Callable[..., Recipe]]
# Those that have a claim of their own for inputs of another layout are asked for dense ones.
ROWS = {key: row for key, row in {**INDEXED, **ARRANGED}.items() if row.since is None and "contiguous" in row.layouts}
# conj() makes complex tensors lazy, and the imaginary part of a conjugate real ones.
LAZY = ("complex64", "float32")
LAYERS: Layers = (contiguous, transposed, stepped)


def lazily(subject: Subject, recipe: Recipe, turn: int, layers: Layers = LAYERS) -> torch.Tensor:
    """A tensor of the recipe's values that are stored conjugated or negated."""
    if recipe.dtype == "complex64":
        return layers[turn % len(layers)](np.conj(recipe.array), "complex64").on(subject).conj()
    stored = np.empty(recipe.shape, np.complex64)
    stored.real, stored.imag = 7, -recipe.array
    return layers[turn % len(layers)](stored, "complex64").on(subject).conj().imag


def _made(subject: Subject, value: Any, dtype: str, turn: int, layers: Layers) -> Any:
    if isinstance(value, Recipe) and value.dtype == dtype:
        return lazily(subject, value, turn, layers)
    if isinstance(value, (list, tuple)):
        return type(value)(_made(subject, item, dtype, turn + place, layers) for place, item in enumerate(value))
    return make(subject, value)


def _parts(out: Any) -> Sequence[Any]:
    return out if isinstance(out, (tuple, list)) else [out]


@check("indexing.lazy-inputs")
@pytest.mark.parametrize("row", ROWS)
def test_lazy_inputs_count_as_their_values(subject: Subject, row: str) -> None:
    table, turns = ROWS[row], rows.Turns()
    layers = LAYERS if "transposed" in table.layouts else LAYERS[:1]
    lazy = [dtype for dtype in LAZY if dtype in table.dtypes]
    for turn, (dtype, case) in enumerate((dtype, case) for dtype in lazy for case in table.main):
        call = rows.invocation(table, case, dtype, "contiguous", turns)
        given = [_made(subject, value, dtype, turn + place, layers) for place, value in enumerate(call.given)]
        text = f"{call.text('function')}, {'conjugated' if dtype == 'complex64' else 'negated'} lazily,"
        if "function" not in table.forms:
            out = getattr(given[0], table.name.rpartition(".")[2])(*given[1:], **call.options)
        else:
            out = find(table.name)(*given, **call.options)
        require(len(_parts(out)) == len(call.wanted), f"{text} has {len(_parts(out))} parts", len(call.wanted))
        for part, wanted in zip(_parts(out), call.wanted, strict=True):
            same(text, part, wanted)
        if "inplace" in table.forms:
            target = _made(subject, call.given[0], dtype, turn, layers)
            getattr(target, f"{table.name}_")(*given[1:], **call.options)
            same(f"x after the in-place form of {text}", target, call.wanted[0])


INDICES: tuple[tuple[Any, ...], ...] = (
    (1,),
    (slice(None, None, 2), -1),
    (..., None, 2),
    (places((6,), 4) - 4,),
    (mask((4, 5)),),
    (np.array([3, 0]), slice(None)),
    (slice(None), np.array([[1, -1], [0, 4]])),
    (np.array([1, 3]), np.array([0, 2])),
)


@check("indexing.lazy-inputs")
@pytest.mark.parametrize("dtype", LAZY)
def test_brackets_on_lazy_tensors(subject: Subject, dtype: str) -> None:
    values = distinct(dtype, (4, 5)) * (1 + 2j if dtype == "complex64" else -1)
    recipe = contiguous(values.astype(dtype), dtype)
    for turn, index in enumerate(INDICES):
        key = brackets.on(subject, index)
        x = lazily(subject, recipe, turn)
        before, text = Unchanged(x=x), f"x[{brackets.written(index)}], x lazy, of {dtype}"
        wanted = oracle.get(recipe.array, index)
        same(text, x[key], Wanted(wanted, dtype))
        before.check(text)
        rest = np.arange(wanted.size, dtype=np.float32).reshape(wanted.shape).astype(recipe.array.dtype)
        new = rest * (2 - 1j) if dtype == "complex64" else -rest
        if len(np.unique(oracle.places((4, 5), index))) < wanted.size:
            continue  # of an element that is named twice any of its values may be kept
        for target, value in ((x, contiguous(new, dtype).on(subject)), (recipe.on(subject), None)):
            value = lazily(subject, contiguous(new, dtype), turn + 1) if value is None else value
            operator.setitem(target, key, value)
            same(f"x after x[{brackets.written(index)}] = …, lazy, of {dtype}", target, _put(recipe, index, new, dtype))


def _put(recipe: Recipe, index: Any, new: np.ndarray, dtype: str) -> Wanted:
    return Wanted(oracle.put(recipe.array, index, new), dtype)


@check("indexing.lazy-inputs")
def test_lazy_tensors_as_out_are_refused_or_right(subject: Subject) -> None:
    values = (distinct("complex64", (3, 4)) * (1 + 2j)).astype(np.complex64)
    x = contiguous(values, "complex64").on(subject)
    for name, args, wanted in (
        ("cat", ([x, x], 0), np.concatenate([values, values])),
        ("stack", ([x, x], 0), np.stack([values, values])),
        ("tril", (x,), np.tril(values)),
        ("index_select", (x, 0, torch.tensor([2, 0], device=subject.device)), values[[2, 0]]),
    ):
        out = torch.zeros(wanted.shape, dtype=torch.complex64, device=subject.device).conj()
        getattr(torch, name)(*args, out=out)
        same(f"torch.{name}(…, out=lazily conjugated)", out, Wanted(wanted, "complex64"))

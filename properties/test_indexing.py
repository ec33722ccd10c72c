"""x[…], gather and scatter and their kin, over generated shapes, layouts, dtypes, values and indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.assertions import Unchanged, assert_apart
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.every_form import answer, gaps_kept, laid
from conformance.oracle import indexing as oracle
from conformance.subject import Subject
from conformance.tables import indexing_brackets as brackets
from conformance.tables import rows
from conformance.tables.indexing_rows import FILLED, NUMBERS, ROWS, apart, places
from conformance.tables.rows import Row
from conformance.wanted import Wanted, same
from properties.strategies.indices import advanced, basic, masked
from properties.strategies.recipe import DENSE, LAYOUTS, Recipe, contiguous, offset, stepped
from properties.strategies.shapes import dims, shapes
from properties.strategies.tensors import arrays, tensors

pytestmark = must_answer

SHAPES = shapes(0, 4, max_numel=300)
FULL = shapes(1, 4, sides=(2, 3, 1, 5, 4, 17), max_numel=300)
DTYPES = st.sampled_from(COMMON)
ALL_LAYOUTS = tuple(LAYOUTS)


def _read(subject: Subject, x: Recipe, index: Any, layout: str) -> None:
    text = f"x[{brackets.written(index)}]"
    tensor = x.on(subject)
    key = brackets.on(subject, index, layout) if index else ()
    before = Unchanged(x=tensor)
    out = tensor[key]
    same(text, out, Wanted(oracle.get(x.array, index), x.dtype))
    before.check(text)
    if brackets.is_basic(index):
        brackets.looks_at(text, out, tensor, oracle.places(x.shape, index))
    else:
        assert_apart(text, out, tensor)


def _write(subject: Subject, x: Recipe, index: Any, new: np.ndarray, layout: str) -> None:
    text = f"x after x[{brackets.written(index)}] = {new.tolist()}"
    base, tensor = laid(subject, x)
    value = LAYOUTS[layout](new, x.dtype).on(subject)
    tensor[brackets.on(subject, index, layout) if index else ()] = value
    same(text, tensor, Wanted(oracle.put(x.array, index, new), x.dtype))
    gaps_kept(text, base, x)


LAYOUT = st.sampled_from(tuple(DENSE))


@check("indexing.basic-shares")
@given(data=st.data(), x=tensors(COMMON, SHAPES, layouts=ALL_LAYOUTS), layout=LAYOUT)
def test_a_basic_index_gives_the_right_view(subject: Subject, data: st.DataObject, x: Recipe, layout: str) -> None:
    _read(subject, x, data.draw(basic(x.shape), label="index"), layout)


@check("indexing.write-slice")
@given(data=st.data(), x=tensors(COMMON, SHAPES), layout=LAYOUT)
def test_writing_through_a_basic_index(subject: Subject, data: st.DataObject, x: Recipe, layout: str) -> None:
    index = data.draw(basic(x.shape), label="index")
    shape = oracle.places(x.shape, index).shape
    _write(subject, x, index, data.draw(arrays(x.dtype, shape), label="new"), layout)


@check("indexing.tensors-apart")
@given(data=st.data(), x=tensors(COMMON, FULL, layouts=ALL_LAYOUTS), layout=LAYOUT)
def test_an_index_with_tensors(subject: Subject, data: st.DataObject, x: Recipe, layout: str) -> None:
    _read(subject, x, data.draw(advanced(x.shape), label="index"), layout)


@check("indexing.mask")
@given(data=st.data(), x=tensors(COMMON, FULL, layouts=ALL_LAYOUTS), layout=LAYOUT)
def test_an_index_with_a_mask(subject: Subject, data: st.DataObject, x: Recipe, layout: str) -> None:
    _read(subject, x, data.draw(masked(x.shape), label="index"), layout)


@check("indexing.write-mask")
@given(data=st.data(), x=tensors(COMMON, FULL), layout=LAYOUT)
def test_writing_through_a_mask(subject: Subject, data: st.DataObject, x: Recipe, layout: str) -> None:
    index = data.draw(masked(x.shape), label="index")
    shape = oracle.places(x.shape, index).shape
    _write(subject, x, index, data.draw(arrays(x.dtype, shape), label="new"), layout)


@check("indexing.write-mixture")
@given(data=st.data(), x=tensors(COMMON, FULL), layout=LAYOUT)
def test_writing_one_value_through_an_index_with_tensors(
    subject: Subject, data: st.DataObject, x: Recipe, layout: str
) -> None:
    index = data.draw(advanced(x.shape), label="index")
    _write(subject, x, index, data.draw(arrays(x.dtype, ()), label="new"), layout)


@check("indexing.index-put-accumulate")
@given(data=st.data(), shape=FULL, dtype=st.sampled_from(NUMBERS), layout=LAYOUT, turn=st.integers(0, 9))
def test_adding_through_an_index_with_tensors(
    subject: Subject, data: st.DataObject, shape: tuple[int, ...], dtype: str, layout: str, turn: int
) -> None:
    first = data.draw(advanced(shape), label="index")[:1]
    index = first if isinstance(first[0], np.ndarray) else (places((5,), shape[0], turn),)
    x = LAYOUTS[layout](rows.filled("small", dtype, shape, turn), dtype)
    new = rows.filled("small", dtype, oracle.places(shape, index).shape, turn + 2)
    base, tensor = laid(subject, x)
    key = (brackets.on(subject, index, layout),)
    out = tensor.index_put_(key, LAYOUTS[layout](new, dtype).on(subject), accumulate=True)
    text = f"x.index_put_(({index[0].tolist()},), {new.tolist()}, accumulate=True)"
    same(text, out, Wanted(oracle.put(x.array, index, new, add=True), dtype, signed_zeros=False))
    gaps_kept(text, base, x)


def _forms(row: Row, turn: int) -> tuple[str, ...]:
    return row.forms[turn % len(row.forms)], row.forms[(turn + 3) % len(row.forms)]


READS = ("gather", "index_select", "take", "take_along_dim")


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"indexing.{ROWS[name].claim}")) for name in READS])
@given(
    x=tensors(COMMON, FULL),
    seed=st.integers(0, 999),
    length=st.sampled_from([2, 3, 1, 0, 17]),
    layout=LAYOUT,
    dim=st.integers(-4, 3),
)
def test_reading_at_places(
    subject: Subject, name: str, x: Recipe, seed: int, length: int, layout: str, dim: int
) -> None:
    dim = dim % x.ndim - (x.ndim if dim < 0 else 0)
    size = x.shape[dim]
    wide = tuple(length if d == dim % x.ndim else max(1, side - seed % 2) for d, side in enumerate(x.shape))
    index = places((length,) if name == "index_select" else wide, x.numel if name == "take" else size, seed)
    where = LAYOUTS[layout](index, "int64")
    args = {"take": (where,), "take_along_dim": (where, dim)}.get(name, (dim, where))
    if name == "take_along_dim":
        index = places(tuple(length if d == dim % x.ndim else side for d, side in enumerate(x.shape)), size, seed)
        args = (LAYOUTS[layout](index, "int64"), dim)
    row = ROWS[name]
    answer(subject, rows.asked(row, x.dtype, (x, *args), {}), _forms(row, seed))


WRITES = (
    "scatter",
    "index_copy",
    "scatter_add",
    "index_add",
    *(f"scatter_reduce {way}" for way in ("prod", "mean", "amax")),
    "index_reduce amin",
    "put",
    "put accumulate",
)


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"indexing.{ROWS[name].claim}")) for name in WRITES])
@given(shape=FULL, dtype=DTYPES, seed=st.integers(0, 999), layout=LAYOUT, dim=st.integers(-4, 3), flag=st.booleans())
def test_writing_at_places(
    subject: Subject, name: str, shape: tuple[int, ...], dtype: str, seed: int, layout: str, dim: int, flag: bool
) -> None:
    row, dim = ROWS[name], dim % len(shape) - (len(shape) if dim < 0 else 0)
    dtype = dtype if dtype in row.dtypes else row.dtypes[seed % len(row.dtypes)]
    x = LAYOUTS[layout](rows.filled(row.table, dtype, shape, seed), dtype)
    once = name in ("scatter", "index_copy", "put")
    index, sent = _where(row.name, shape, dim, seed, once)
    source = list(DENSE.values())[seed % len(DENSE)](rows.filled(row.table, dtype, sent, seed + 1), dtype)
    where = list(DENSE.values())[seed // 7 % len(DENSE)](index, "int64")
    tail = (name.split()[1],) if "reduce " in name else (True,) if name == "put accumulate" else ()
    args = (where, source) if row.name == "put" else (dim, where, source)
    options = {"include_self": flag} if "reduce " in name else {}
    answer(subject, rows.asked(row, dtype, (x, *args, *tail), options), _forms(row, seed))


def _where(name: str, shape: tuple[int, ...], dim: int, seed: int, once: bool) -> tuple[np.ndarray, tuple[int, ...]]:
    """Places to write to, and the shape of what is sent there; each place at most once if `once`."""
    size, dim = shape[dim], dim % len(shape)
    if name == "put":
        total = int(np.prod(shape))
        index = apart((1 + seed % total,), 0, total, seed) if once else places((1 + seed % 20,), total, seed)
        return index, index.shape
    if name.startswith("index"):
        index = apart((1 + seed % size,), 0, size, seed) if once else places((seed % 9,), size, seed)
        return index, (*shape[:dim], len(index), *shape[dim + 1 :])
    length = 1 + seed % size if once else seed % 7
    wide = tuple(length if d == dim else max(1, side - seed % 2) for d, side in enumerate(shape))
    index = apart(wide, dim, size, seed) if once else places(wide, size, seed)
    return index, tuple(side + seed % 3 for side in wide) if name == "scatter" else wide


MASKED = ("masked_select", "masked_fill", "masked_scatter")


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"indexing.{ROWS[name].claim}")) for name in MASKED])
@given(x=tensors(COMMON, FULL), seed=st.integers(0, 999), layout=st.sampled_from(ALL_LAYOUTS), fewer=st.integers(0, 3))
def test_masks(subject: Subject, name: str, x: Recipe, seed: int, layout: str, fewer: int) -> None:
    row = ROWS[name]
    shape = tuple(1 if seed >> d & 1 else side for d, side in enumerate(x.shape))[min(fewer, x.ndim - 1) :]
    mask = LAYOUTS[layout](np.random.default_rng(seed).integers(0, 2, shape).astype(bool), "bool")
    source = list(DENSE.values())[seed % len(DENSE)](rows.filled("any", x.dtype, (300,), seed), x.dtype)
    if name == "masked_scatter":  # that of other layouts has a claim of its own
        x = (contiguous, stepped, offset)[seed % 3](x.array, x.dtype)
    args = {
        "masked_select": (mask,),
        "masked_fill": (mask, True if x.dtype == "bool" else 3),
        "masked_scatter": (mask, source),
    }[name]
    answer(subject, rows.asked(row, x.dtype, (x, *args), {}), _forms(row, seed))


@check("indexing.nonzero-indices")
@given(x=tensors(COMMON, SHAPES, layouts=ALL_LAYOUTS), turn=st.integers(0, 9))
def test_nonzero(subject: Subject, x: Recipe, turn: int) -> None:
    row = ROWS["nonzero"]
    answer(subject, rows.asked(row, x.dtype, (x,), {}), _forms(row, turn))


@check("indexing.scatter-value")
@given(dtype=st.sampled_from(NUMBERS), seed=st.integers(0, 999), layout=LAYOUT, dim=dims(3))
def test_scatter_of_a_number(subject: Subject, dtype: str, seed: int, layout: str, dim: int) -> None:
    row = ROWS["scatter of a number"]
    shape = FILLED[2].shape
    x = LAYOUTS[layout](rows.filled("any", dtype, shape, seed), dtype)
    index = places(tuple(max(1, side - seed % 3) for side in shape), shape[dim], seed)
    where = list(DENSE.values())[seed % len(DENSE)](index, "int64")
    answer(subject, rows.asked(row, dtype, (x, dim, where, seed % 4), {}), _forms(row, seed))

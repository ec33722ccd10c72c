"""Joining, splitting, repeating, flipping, sorting and counting, over generated inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conformance import host
from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES, INTEGERS, REAL
from conformance.every_form import Invocation, answer
from conformance.oracle import indexing_order as ranks
from conformance.subject import Subject
from conformance.tables import rows
from conformance.tables.indexing_arrange_rows import ROWS
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, Recipe
from properties.strategies.shapes import broadcastable_shapes, shapes
from properties.strategies.tensors import arrays, tensors

pytestmark = must_answer

FULL = shapes(1, 4, sides=(2, 3, 1, 5, 4, 17, 0), max_numel=300)
ALL_LAYOUTS = tuple(LAYOUTS)
SEEDS = st.integers(0, 9999)


def _ask(
    subject: Subject, name: str, given_: tuple[Any, ...], dtype: str, seed: int, *, without: str = "", **options: Any
) -> None:
    row = ROWS[name]
    known = [form for form in row.forms if form != without]
    forms = known[seed % len(known)], known[(seed // 7) % len(known)]
    answer(subject, rows.asked(row, dtype, given_, options), tuple(dict.fromkeys(forms)))


def _dim(seed: int, ndim: int) -> int:
    return seed % (2 * ndim) - ndim


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=check(f"indexing.{ROWS[name].claim}"))
        for name in ("cat", "stack", "concat", "hstack", "vstack", "dstack")
    ],
)
@given(data=st.data(), shape=FULL, dtype=st.sampled_from(COMMON), seed=SEEDS, count=st.integers(1, 4))
def test_joining(
    subject: Subject, name: str, data: st.DataObject, shape: tuple[int, ...], dtype: str, seed: int, count: int
) -> None:
    axis = {"hstack": 0 if len(shape) == 1 else 1, "vstack": 0, "dstack": 2}.get(name, seed % len(shape))
    parts = []
    for place in range(count):
        side = shape
        if name != "stack" and axis < len(shape) and not (name == "vstack" and len(shape) == 1):
            side = (*shape[:axis], (seed >> place) % 4, *shape[axis + 1 :])
        values = data.draw(arrays(dtype, side), label=f"part {place}")
        parts.append(list(LAYOUTS.values())[(seed + place) % len(LAYOUTS)](values, dtype))
    tail: tuple[Any, ...] = ()
    if name in ("cat", "concat"):
        tail = (axis - len(shape) if seed % 3 == 0 else axis,)
    elif name == "stack":
        tail = (seed % (2 * len(shape) + 2) - len(shape) - 1,)
    single = sum(part.numel for part in parts) == 1  # a claim of its own: indexing.dstack-single
    _ask(subject, name, (parts, *tail), dtype, seed, without="out_stepped" if single else "")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=check(f"indexing.{ROWS[name].claim}"))
        for name in ("chunk", "split", "tensor_split", "unbind")
    ],
)
@given(x=tensors(COMMON, FULL, layouts=ALL_LAYOUTS), seed=SEEDS)
def test_splitting(subject: Subject, name: str, x: Recipe, seed: int) -> None:
    dim = _dim(seed, x.ndim)
    size = x.shape[dim]
    cut = sorted(seed // step % (size + 1) for step in (7, 11))
    by: Any = 1 + seed % 5
    if name == "split" and seed % 2:
        by = [cut[0], cut[1] - cut[0], size - cut[1]]
    if name == "tensor_split" and seed % 2:
        by = (cut[0], cut[1] - size if cut[1] < size else cut[1])
    _ask(subject, name, (x, dim) if name == "unbind" else (x, by, dim), x.dtype, seed)


MOVED = (
    "flip",
    "roll",
    "repeat",
    "tile",
    "repeat_interleave",
    "rot90",
    "narrow",
    "select",
    "diagonal",
    "tril",
    "triu",
    "diag_embed",
)


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"indexing.{ROWS[name].claim}")) for name in MOVED])
@given(x=tensors(COMMON, shapes(2, 4, sides=(2, 3, 1, 5, 4, 17), max_numel=300)), seed=SEEDS)
def test_arranging(subject: Subject, name: str, x: Recipe, seed: int) -> None:
    _ask(subject, name, (x, *_arguments(name, x, seed)), x.dtype, seed)


def _arguments(name: str, x: Recipe, seed: int) -> tuple[Any, ...]:
    ndim, dim = x.ndim, _dim(seed, x.ndim)
    size, other = x.shape[dim], (dim + 1) % ndim
    if name in ("repeat", "tile"):
        sizes = tuple(seed // 3**place % 3 for place in range(ndim + (seed % 2 if name == "repeat" else -(seed % 2))))
        return sizes if name == "repeat" else (sizes,)
    start = seed % size
    choices: dict[str, tuple[Any, ...]] = {
        "flip": (tuple(d - ndim * (seed % 2) for d in range(ndim) if seed >> d & 1),),
        "roll": (seed % 11 - 5, dim) if seed % 3 else (seed % 40 - 20,),
        "repeat_interleave": (seed % 4, dim) if seed % 2 else (np_counts(size, seed), dim),
        "rot90": (seed % 9 - 4, (dim, other)),
        "narrow": (dim, start - (size if seed % 2 else 0), seed // 5 % (size - start + 1)),
        "select": (dim, start - (size if seed % 2 else 0)),
        "diagonal": (seed % 9 - 4, dim, other),
        "tril": (seed % 9 - 4,),
        "triu": (seed % 9 - 4,),
        "diag_embed": (seed % 5 - 2,),
    }
    return choices[name]


def np_counts(size: int, seed: int) -> Recipe:
    """How often each of `size` slices is repeated."""
    return list(DENSE.values())[seed % len(DENSE)](np.arange(size) * seed % 3, "int64")


@check("indexing.where")
@given(data=st.data(), sides=broadcastable_shapes(3, 3), dtype=st.sampled_from(COMMON), seed=SEEDS)
def test_where(subject: Subject, data: st.DataObject, sides: tuple[Any, ...], dtype: str, seed: int) -> None:
    layouts = [list(LAYOUTS.values())[(seed + place) % len(LAYOUTS)] for place in (0, 3, 5)]
    chosen = layouts[0](np.random.default_rng(seed).integers(0, 2, sides[0]).astype(bool), "bool")
    a, b = (layouts[k](data.draw(arrays(dtype, sides[k]), label="ab"[k - 1]), dtype) for k in (1, 2))
    _ask(subject, "where", (chosen, a, b), dtype, seed)
    _ask(subject, "Tensor.where", (a, chosen, b), dtype, seed)


@check("indexing.sort-stable")
@given(x=tensors(REAL, FULL, layouts=tuple(DENSE)), seed=SEEDS, descending=st.booleans())
def test_stable_sorting(subject: Subject, x: Recipe, seed: int, descending: bool) -> None:
    _ask(subject, "sort", (x,), x.dtype, seed, dim=_dim(seed, x.ndim), descending=descending, stable=True)


# Before 2.0, one element of stride 0 ends the process: the kernel divides by the stride.
@check("indexing.sort-stable", since="2.0")
@given(x=tensors(REAL, FULL, layouts=("expanded",)), seed=SEEDS, descending=st.booleans())
def test_stable_sorting_along_expanded_dimensions(subject: Subject, x: Recipe, seed: int, descending: bool) -> None:
    _ask(subject, "sort", (x,), x.dtype, seed, dim=_dim(seed, x.ndim), descending=descending, stable=True)


@check("indexing.kthvalue")
@given(
    x=tensors((*INTEGERS, "bfloat16", "float32", "float64"), shapes(1, 3, sides=(2, 3, 1, 5, 17)), layouts=ALL_LAYOUTS),
    seed=SEEDS,
)
def test_kthvalue(subject: Subject, x: Recipe, seed: int) -> None:
    dim = _dim(seed, x.ndim)
    _ask(subject, "kthvalue", (x, 1 + seed % x.shape[dim], dim, seed % 3 == 0), x.dtype, seed)


@check("indexing.unique")
@given(x=tensors(("bool", *INTEGERS, "float32", "float64"), FULL, layouts=ALL_LAYOUTS, finite=True))
def test_unique(subject: Subject, x: Recipe) -> None:
    wanted = ranks.unique(x.array)
    found = torch.unique(x.on(subject), return_inverse=True, return_counts=True)
    for part, want, dtype in zip(found, wanted, (x.dtype, "int64", "int64"), strict=True):
        same("torch.unique(x)", part, Wanted(want, dtype, signed_zeros=False))
    close = ranks.unique_consecutive(x.array)
    found = torch.unique_consecutive(x.on(subject), return_inverse=True, return_counts=True)
    for part, want, dtype in zip(found, close, (x.dtype, "int64", "int64"), strict=True):
        same("torch.unique_consecutive(x)", part, Wanted(want, dtype, signed_zeros=False))


@check("indexing.searchsorted")
@given(
    data=st.data(),
    dtype=st.sampled_from((*INTEGERS, "float32", "float64")),
    seed=SEEDS,
    right=st.booleans(),
    count=st.integers(0, 40),
)
def test_searchsorted(subject: Subject, data: st.DataObject, dtype: str, seed: int, right: bool, count: int) -> None:
    edges = np.sort(data.draw(arrays(dtype, (count,), finite=True), label="edges"))
    values = data.draw(arrays(dtype, (3, 1 + seed % 7)), label="values")
    layout = list(DENSE.values())[seed % len(DENSE)]
    wanted = (Wanted(ranks.searchsorted(edges, values, right), "int64"),)
    given_ = (layout(edges, dtype), layout(values, dtype))
    answer(subject, Invocation("searchsorted", given_, wanted, {"right": right}), ("function",))
    answer(subject, Invocation("bucketize", given_[::-1], wanted, {"right": right}), ("function",))


@check("indexing.bincount")
@given(seed=SEEDS, size=st.sampled_from([1, 5, 17, 33, 200]), dtype=st.sampled_from(INTEGERS), least=st.integers(0, 12))
def test_bincount(subject: Subject, seed: int, size: int, dtype: str, least: int) -> None:
    generator = np.random.default_rng(seed)
    values = generator.integers(0, 1 + seed % 20, size).astype(DTYPES[dtype].host)
    layout = list(DENSE.values())[seed % len(DENSE)]
    x = layout(values, dtype)
    same(
        "torch.bincount(x)",
        torch.bincount(x.on(subject), minlength=least),
        Wanted(ranks.bincount(values, None, least), "int64"),
    )
    weights = layout(rows.filled("small", "float64", (size,), seed), "float64")
    wanted = ranks.bincount(values, weights.array, least)
    out = torch.bincount(x.on(subject), weights.on(subject), least)
    same("torch.bincount(x, weights)", out, Wanted(wanted, "float64", signed_zeros=False))
    require(host.array(x.on(subject)).tolist() == values.tolist(), "torch.bincount changed its input")


@check("indexing.isin")
@given(data=st.data(), dtype=st.sampled_from((*INTEGERS, "float32", "float64")), seed=SEEDS, invert=st.booleans())
def test_isin(subject: Subject, data: st.DataObject, dtype: str, seed: int, invert: bool) -> None:
    values = data.draw(arrays(dtype, (1 + seed % 5, 1 + seed % 7), finite=True), label="values")
    among = data.draw(arrays(dtype, (seed % 50,), finite=True), label="among")
    layout = list(DENSE.values())[seed % len(DENSE)]
    wanted = (Wanted(ranks.isin(values, among, invert), "bool"),)
    call = Invocation("isin", (layout(values, dtype), layout(among, dtype)), wanted, {"invert": invert})
    answer(subject, call, ("function", "out"))

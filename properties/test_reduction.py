"""Reductions over generated shapes, layouts, dtypes, values and dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, INTEGERS
from conformance.every_form import Invocation, answer, find
from conformance.numerics import COMPOSED, EXACT, FAITHFUL, PRODUCT, SUMMED
from conformance.oracle import indexing_order as ranks
from conformance.oracle import reduction as oracle
from conformance.oracle import reduction_scan as scan
from conformance.subject import Subject
from conformance.tables import rows
from conformance.tables.reduction_cases import of_answer
from conformance.tables.reduction_rows import ROWS
from conformance.tables.rows import Row
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, Recipe
from properties.strategies.shapes import shapes
from properties.strategies.tensors import normals, tensors

pytestmark = must_answer

FULL = shapes(1, 4, sides=(2, 3, 1, 5, 4, 17, 33), max_numel=400)
SEEDS = st.integers(0, 9999)
SORTABLE = (*INTEGERS, "bfloat16", "float32", "float64")
ALL_LAYOUTS = tuple(LAYOUTS)


def _dims(seed: int, ndim: int) -> Any:
    """One dimension, or several different ones, some of them negative."""
    if seed % 3 == 0:
        return seed // 3 % (2 * ndim) - ndim
    chosen = [d for d in range(ndim) if seed >> d & 4] or [seed % ndim]
    return tuple(d - ndim * (seed >> d & 1) for d in (chosen[::-1] if seed % 2 else chosen))


def _dim(seed: int, ndim: int) -> int:
    return seed % (2 * ndim) - ndim


def _ask(subject: Subject, row: Row, given_: tuple[Any, ...], dtype: str, seed: int, **options: Any) -> None:
    call = rows.asked(row, dtype, given_, options)
    forms = [form for form in row.forms if form not in ("keywords", "named") or len(given_) == len(call.keywords)]
    picked = (forms[seed % len(forms)], forms[seed // 7 % len(forms)])
    answer(subject, call, tuple(dict.fromkeys(picked)))


MANY = ("sum along dimensions, exact", "mean along dimensions, exact", "nansum along dimensions, exact", "amax", "amin")


@pytest.mark.parametrize(
    "label", [pytest.param(label, marks=check(f"reduction.{ROWS[label].claim}")) for label in MANY]
)
@given(data=st.data(), shape=FULL, seed=SEEDS, keep=st.booleans())
def test_several_dimensions(
    subject: Subject, label: str, data: st.DataObject, shape: tuple[int, ...], seed: int, keep: bool
) -> None:
    row = ROWS[label]
    dtype = row.dtypes[seed % len(row.dtypes)]
    layout = list(LAYOUTS.values())[seed // 5 % len(LAYOUTS)]
    if label.startswith("am"):
        x = data.draw(tensors(dtype, shape, layouts=ALL_LAYOUTS), label="x")
    else:
        x = layout(rows.filled("small", dtype, shape, seed), dtype)
    _ask(subject, row, (x, _dims(seed, len(shape)), keep), dtype, seed)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=check(f"reduction.{name}")) for name in ("sum", "mean", "prod", "norm")]
)
@given(x=normals("float32", FULL, layouts=ALL_LAYOUTS), seed=SEEDS, keep=st.booleans(), double=st.booleans())
def test_rounded_reductions(subject: Subject, name: str, x: Recipe, seed: int, keep: bool, double: bool) -> None:
    if double:
        x = list(DENSE.values())[seed % len(DENSE)](x.array.astype(np.float64), "float64")
    if name == "norm":
        p = (2, 1, 3, 0.5, float("inf"), -1)[seed % 6]
        wanted = of_answer(scan.norm(x.array, p, _dims(seed, x.ndim), keep), x.dtype, COMPOSED)
        same(f"torch.norm(x, {p})", torch.norm(x.on(subject), p, _dims(seed, x.ndim), keep), wanted)
        return
    dim = _dim(seed, x.ndim) if name == "prod" else _dims(seed, x.ndim)
    law = {"sum": oracle.total, "mean": oracle.mean, "prod": oracle.prod}[name]
    wanted = of_answer(law(x.array, dim, keep), x.dtype, PRODUCT if name == "prod" else SUMMED)
    same(f"torch.{name}(x, {dim}, {keep})", find(name)(x.on(subject), dim, keep), wanted)
    whole = of_answer(law(x.array), x.dtype, PRODUCT if name == "prod" else SUMMED)
    same(f"x.{name}()", getattr(x.on(subject), name)(), whole)


EXTREMES = (
    "max along a dimension",
    "min along a dimension",
    "argmax",
    "argmin",
    "all along a dimension",
    "any along a dimension",
)


@pytest.mark.parametrize(
    "label", [pytest.param(label, marks=check(f"reduction.{ROWS[label].claim}")) for label in EXTREMES]
)
@given(data=st.data(), seed=SEEDS, keep=st.booleans())
def test_one_dimension(subject: Subject, label: str, data: st.DataObject, seed: int, keep: bool) -> None:
    row = ROWS[label]
    x = data.draw(tensors(row.dtypes, FULL, layouts=ALL_LAYOUTS), label="x")
    _ask(subject, row, (x, _dim(seed, x.ndim), keep), x.dtype, seed)


RANKED = ("median along a dimension", "nanmedian along a dimension", "mode")


@pytest.mark.parametrize(
    "label", [pytest.param(label, marks=check(f"reduction.{ROWS[label].claim}")) for label in RANKED]
)
@given(data=st.data(), seed=SEEDS, keep=st.booleans())
def test_ranks(subject: Subject, label: str, data: st.DataObject, seed: int, keep: bool) -> None:
    row = ROWS[label]
    x = data.draw(tensors(SORTABLE, FULL, finite=label == "mode"), label="x")
    _ask(subject, row, (x, _dim(seed, x.ndim), keep), x.dtype, seed)


@check("reduction.topk")
@given(x=tensors(SORTABLE, FULL, layouts=ALL_LAYOUTS), seed=SEEDS, largest=st.booleans())
def test_topk(subject: Subject, x: Recipe, seed: int, largest: bool) -> None:
    dim = _dim(seed, x.ndim)
    _ask(subject, ROWS["topk"], (x, seed % (x.shape[dim] + 1), dim, largest), x.dtype, seed)


@check("reduction.sort")
@given(x=tensors((*SORTABLE, "float16", "bool"), FULL, layouts=ALL_LAYOUTS), seed=SEEDS, descending=st.booleans())
def test_sort(subject: Subject, x: Recipe, seed: int, descending: bool) -> None:
    _ask(subject, ROWS["sort"], (x, _dim(seed, x.ndim), descending), x.dtype, seed)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=check(f"reduction.{name}")) for name in ("cumsum", "cumprod", "cummax", "cummin")]
)
@given(shape=FULL, seed=SEEDS, layout=st.sampled_from(ALL_LAYOUTS))
def test_running_reductions(subject: Subject, name: str, shape: tuple[int, ...], seed: int, layout: str) -> None:
    label = f"{name}, exact" if name in ("cumsum", "cumprod") else name
    row = ROWS[label]
    dtype = row.dtypes[seed % len(row.dtypes)]
    table = "powers" if name == "cumprod" else "small" if name == "cumsum" else "any"
    if name == "cumprod" and len(shape) and max(shape) > 17:
        dtype = "float64"
    x = LAYOUTS[layout](rows.filled(table, dtype, shape, seed), dtype)
    _ask(subject, row, (x, _dim(seed, len(shape))), dtype, seed)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=check(f"reduction.{name}")) for name in ("std", "var", "logsumexp")]
)
@given(x=normals("float64", FULL, layouts=ALL_LAYOUTS), seed=SEEDS, keep=st.booleans())
def test_spread(subject: Subject, name: str, x: Recipe, seed: int, keep: bool) -> None:
    dims = _dims(seed, x.ndim)
    dims = (dims,) if isinstance(dims, int) else dims
    if name == "logsumexp":
        same(
            "torch.logsumexp",
            torch.logsumexp(x.on(subject), dims, keep),
            of_answer(scan.logsumexp(x.array, dims, keep), x.dtype, COMPOSED),
        )
        return
    law, unbiased = getattr(scan, name), seed % 2 == 0
    wanted = of_answer(law(x.array, dims, int(unbiased), keep), x.dtype, SUMMED)
    same(f"torch.{name}(x, {dims}, {unbiased}, {keep})", find(name)(x.on(subject), dims, unbiased, keep), wanted)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=check(f"reduction.{name}")) for name in ("quantile", "nanquantile")]
)
@given(
    x=tensors(("float32", "float64"), FULL, moderate=True),
    seed=SEEDS,
    q=st.sampled_from([0.0, 0.25, 0.5, 1.0, 0.1, [0.75, 0.3]]),
)
def test_quantiles(subject: Subject, name: str, x: Recipe, seed: int, q: Any) -> None:
    dim = _dim(seed, x.ndim)
    found = scan.quantile(x.array, q, dim, seed % 3 == 0, skip=name == "nanquantile")
    point = q if np.ndim(q) == 0 else LAYOUTS["contiguous"](np.array(q), x.dtype)
    wanted = (Wanted(np.asarray(found.values), x.dtype, FAITHFUL.over(8), found.scale, signed_zeros=False),)
    call = Invocation(name, (x, point), wanted, {"dim": dim, "keepdim": seed % 3 == 0})
    answer(subject, call, ("function", "method"))


@check("reduction.count-nonzero")
@given(x=tensors((*SORTABLE, "bool", "complex64"), FULL, layouts=ALL_LAYOUTS), seed=SEEDS)
def test_count_nonzero(subject: Subject, x: Recipe, seed: int) -> None:
    _ask(subject, ROWS["count_nonzero of everything"], (x,), x.dtype, seed)
    _ask(subject, ROWS["count_nonzero along dimensions"], (x, _dims(seed, x.ndim)), x.dtype, seed)


@check("reduction.sort")
@given(seed=SEEDS, size=st.sampled_from([2, 15, 16, 17, 32, 33, 100, 1000]))
def test_sorting_random_numbers(subject: Subject, seed: int, size: int) -> None:
    values = np.random.default_rng(seed).integers(0, size, size).astype(DTYPES["float32"].host)
    x = list(DENSE.values())[seed % len(DENSE)](values, "float32").on(subject)
    found = torch.sort(x)
    same("torch.sort(x).values", found.values, Wanted(np.sort(values), "float32", EXACT))
    same("torch.topk(x, n).values", torch.topk(x, size).values, Wanted(ranks.topk(values, size), "float32", EXACT))

"""What indexing functions write and add up: every number of a dtype, NaN and infinities, factors; and refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.every_form import answer
from conformance.oracle import indexing_gather as oracle
from conformance.subject import Subject
from conformance.tables import rows
from conformance.tables.indexing_arrange_rows import ROWS as ARRANGED
from conformance.tables.indexing_rows import ROWS as INDEXED
from conformance.tables.indexing_rows import apart, mask, places
from conformance.wanted import Wanted, same
from properties.strategies.recipe import contiguous, stepped, transposed
from properties.strategies.values import cycle

pytestmark = must_answer

LAYERS = (contiguous, transposed, stepped)
ROWS = {**INDEXED, **ARRANGED}


@pytest.mark.parametrize(
    "row", [pytest.param(key, marks=check(f"indexing.{row.claim}", since=row.since)) for key, row in ROWS.items()]
)
def test_every_dtype_meets_every_kind_of_layout(subject: Subject, row: str) -> None:
    table, turns = ROWS[row], rows.Turns()
    wide = [case for case in table.main if not isinstance(case.shape, tuple) or len(case.shape) > 1] or table.main
    form = "function" if "function" in table.forms else table.forms[0]
    for turn, dtype in enumerate(name for name in table.dtypes if subject.supports(name)):
        for layout in ("transposed", "stepped", "offset"):
            if layout in table.layouts:
                answer(subject, rows.invocation(table, wide[turn % len(wide)], dtype, layout, turns), (form,))


# By dtype: numbers that it has, and that a narrower one, or one of another kind, has not.
NUMBERS: dict[str, tuple[Any, ...]] = {
    "float16": (2.5, -0.125, 65504.0, math.inf, -math.inf, math.nan, -0.0),
    "bfloat16": (2.5, -0.125, math.inf, math.nan, 2.0**100),
    "float32": (2.5, 0.1, 1e38, -math.inf, math.inf, math.nan, -0.0),
    "float64": (2.5, 0.1, 1e300, -math.inf, math.inf, math.nan, 2.0**53 + 2),
    "int64": (2**53 + 1, -(2**63), 2**63 - 1, -3),
    "int8": (-128, 127),
    "uint8": (255, 128),
    "complex64": (1 - 2j, 2.5j, 0.5, complex(math.inf, -1)),
    "complex128": (0.1 - 0.2j, 3, complex(0, math.nan)),
    "bool": (True, False),
}
# By function: the arguments before the number, for x of (4, 5), and where it goes.
ONCE = apart((4, 3), 1, 5)
CHOSEN, ROW = mask((4, 5)), np.array([3, 1])
PLACED = oracle.scatter(np.zeros((4, 5), bool), 1, ONCE, np.ones((4, 3), bool))
WRITTEN: dict[str, tuple[str, tuple[Any, ...], np.ndarray]] = {
    "masked_fill": ("masked-fill", (CHOSEN,), CHOSEN),
    "index_fill": ("index-fill", (0, ROW), np.isin(np.arange(4), ROW)[:, None] & np.ones((4, 5), bool)),
    "scatter": ("scatter-value", (1, ONCE), PLACED),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=check(f"indexing.{row[0]}")) for name, row in WRITTEN.items()]
)
def test_every_number_of_a_dtype_can_be_written(subject: Subject, name: str) -> None:
    _, before, where = WRITTEN[name]
    for dtype, numbers in NUMBERS.items():
        start = cycle(rows.small(dtype), (4, 5))
        for turn, number in enumerate(numbers):
            args = [contiguous(a, a.dtype.name).on(subject) if isinstance(a, np.ndarray) else a for a in before]
            wanted = Wanted(np.where(where, np.asarray(number).astype(start.dtype), start), dtype)
            x = LAYERS[turn % 3](start, dtype).on(subject)
            text = f"{name}(…, {number}), x of {dtype}"
            same(f"torch.{text}", getattr(torch, name)(x, *args, number), wanted)
            same(f"x.{text}", getattr(x, name)(*args, number), wanted)
            same(f"x.{text} in place", getattr(x, f"{name}_")(*args, number), wanted)


SPECIAL = np.array([1, 2, np.inf, -1, 0.5, np.nan, 3, -2, 1, -np.inf, 2, 4, 1])
SENT = places((6, 5), 4, 2)
LINES = np.array([0, 3, 3, 1, 0, 3])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("scatter_add", marks=check("indexing.scatter-add")),
        pytest.param("index_add", marks=check("indexing.index-add")),
        pytest.param("index_put", marks=check("indexing.index-put-accumulate")),
        *(
            pytest.param(f"scatter_reduce {way}", marks=check("indexing.scatter-reduce"))
            for way in ("sum", "amax", "amin")
        ),
        *(pytest.param(f"index_reduce {way}", marks=check("indexing.index-reduce")) for way in ("amax", "amin")),
    ],
)
def test_nan_and_infinities_count_at_their_places(subject: Subject, name: str) -> None:
    function, way = f"{name} sum".split()[:2]
    for dtype in ("float32", "float64"):
        x = cycle(np.array([1.0, -2, 3, 0.5, 2]), (4, 5)).astype(dtype)
        for turn, values in enumerate(
            (cycle(SPECIAL, (6, 5)), cycle(SPECIAL[:3], (6, 5)), cycle(SPECIAL[5:8], (6, 5)))
        ):
            source = values.astype(dtype)
            index = SENT if function.startswith("scatter") else np.repeat(LINES[:, None], 5, 1)
            with np.errstate(all="ignore"):
                wanted = oracle.scatter_reduce(x, 0, index, source, way).astype(dtype)
            t, s = LAYERS[turn](x, dtype).on(subject), LAYERS[-turn](source, dtype).on(subject)
            where = contiguous(SENT if function.startswith("scatter") else LINES, "int64").on(subject)
            args = ((where,), s, True) if function == "index_put" else (0, where, s)
            out = getattr(t, function)(*args, *([way] if "reduce" in function else []))
            same(f"x.{name} of NaN and infinities, {dtype}", out, Wanted(wanted, dtype, signed_zeros=False))


@check("indexing.index-add")
def test_index_add_multiplies_by_any_factor(subject: Subject) -> None:
    factors: dict[str, tuple[Any, ...]] = {
        "float32": (-1, -2.5, 0.25, 0, 3),
        "float64": (-1, -2.5, 0.125, 0.0, 3),
        "int64": (-1, -3, 0, 2**40),
        "int32": (-2, 7),
        "complex64": (-1, 2j, 0.5, 1 - 2j),
        "float16": (-0.5, 2),
    }
    for dtype, alphas in factors.items():
        x, source = cycle(rows.small(dtype), (4, 5)), cycle(np.roll(rows.small(dtype), 2), (6, 5))
        for turn, alpha in enumerate(alphas):
            wanted = x.astype(np.clongdouble if dtype == "complex64" else x.dtype)
            np.add.at(wanted, LINES, source * np.asarray(alpha).astype(DTYPES[dtype].host))
            t, s = LAYERS[turn % 3](x, dtype).on(subject), LAYERS[-turn % 3](source, dtype).on(subject)
            where = contiguous(LINES, "int64").on(subject)
            due = Wanted(wanted.astype(x.dtype), dtype, signed_zeros=False)
            same(f"torch.index_add(…, alpha={alpha}), {dtype}", torch.index_add(t, 0, where, s, alpha=alpha), due)
            same(f"x.index_add(…, alpha={alpha}), {dtype}", t.index_add(0, where, s, alpha=alpha), due)
            same(f"x.index_add_(…, alpha={alpha}), {dtype}", t.index_add_(0, where, s, alpha=alpha), due)


@check("indexing.histc", since="2.0")
def test_histc_leaves_nan_out(subject: Subject) -> None:
    values = np.array([1.0, math.nan, 3, 3, -9, 40, math.nan, 0, 4, math.inf, -math.inf])
    for dtype in ("float32", "float64"):
        for layout in (contiguous, stepped):
            out = torch.histc(layout(values.astype(dtype), dtype).on(subject), 4, 0, 4)
            same(f"torch.histc(x with NaN, 4, 0, 4), {dtype}", out, Wanted(np.array([1, 1, 0, 3]), dtype))


# By claim: the calls on x of (3, 4) that are refused.
REFUSED: dict[str, dict[str, Callable[..., Any]]] = {
    "mask-refused": {
        "masked_fill_ with a larger mask": lambda x: x.masked_fill_(torch.ones(2, 3, 4, dtype=torch.bool), 1.0),
    },
    "histc": {
        "histc with max below min": lambda x: torch.histc(x, 4, 3, 1),
        "histc of no bins": lambda x: torch.histc(x, 0),
        "histc of -1 bins": lambda x: torch.histc(x, -1),
    },
    "bincount-refuses": {
        "bincount with fewer weights": lambda x: torch.bincount(torch.arange(4), torch.ones(3)),
        "bincount with more weights": lambda x: torch.bincount(torch.arange(4), torch.ones(5)),
        "bincount with a negative minlength": lambda x: torch.bincount(torch.arange(4), minlength=-1),
    },
    "repeat-refused": {
        "repeat_interleave with another output_size": lambda x: torch.repeat_interleave(
            x, torch.tensor([1, 2, 1]), 0, output_size=5
        ),
    },
    "cat-mismatch": {
        "cat into one of its inputs": lambda x: torch.cat([x[:1], x[1:]], out=x),
        "cat into its only input": lambda x: torch.cat([x, x[:0]], out=x),
        "cat of a tensor": lambda x: torch.cat(x),
        "cat of numbers": lambda x: torch.cat([1.0, 2.0]),
    },
    "scatter-reduce-argument": {
        "scatter with reduce='most'": lambda x: x.scatter(0, torch.zeros(1, 1, dtype=torch.int64), x, reduce="most"),
        "scatter_ of a number with reduce=''": lambda x: x.scatter_(
            0, torch.zeros(1, 1, dtype=torch.int64), 2.0, reduce=""
        ),
    },
}


@pytest.mark.parametrize("claim", [pytest.param(claim, marks=check(f"indexing.{claim}")) for claim in REFUSED])
def test_what_is_refused_leaves_all_as_it_was(subject: Subject, claim: str) -> None:
    for text, call in REFUSED[claim].items():
        x = contiguous(np.arange(12.0).reshape(3, 4), "float32").on(subject)
        before = Unchanged(x=x)
        assert_raises(text, (RuntimeError, TypeError, ValueError), lambda call=call, x=x: call(x))
        before.check(text)


PROMOTED: tuple[tuple[str, str, str], ...] = (
    ("float16", "bfloat16", "float32"),
    ("uint8", "int8", "int16"),
    ("int64", "float16", "float16"),
    ("float32", "complex64", "complex64"),
    ("float64", "complex64", "complex128"),
    ("bool", "uint8", "uint8"),
)


@check("indexing.cat-promotes")
def test_joined_dtypes_are_those_of_promotion(subject: Subject) -> None:
    for one, other, due in PROMOTED:
        a, b = (contiguous(cycle(rows.small(name), (2, 3)), name) for name in (one, other))
        for pair in ((a, b), (b, a)):
            given = [part.on(subject) for part in pair]
            for name in ("cat", "stack", "hstack", "vstack", "dstack", "concat"):
                found = getattr(torch, name)(given)
                values = {"stack": np.stack, "hstack": np.hstack, "vstack": np.vstack, "dstack": np.dstack}
                wanted = values.get(name, np.concatenate)([part.array.astype(DTYPES[due].host) for part in pair])
                same(f"torch.{name} of {one} and {other}", found, Wanted(wanted, due))


@check("indexing.where-promotes")
def test_where_ranks_tensors_without_dimensions_lower(subject: Subject) -> None:
    chosen = contiguous(np.array([True, False, True]), "bool").on(subject)
    for full, lone, due in (
        ("float32", "float64", "float32"),
        ("int32", "int64", "int32"),
        ("int64", "float32", "float32"),
        ("float16", "float32", "float16"),
    ):
        x = torch.tensor([1, 2, 3], dtype=host.torch_dtype(full), device=subject.device)
        y = torch.tensor(7, dtype=host.torch_dtype(lone), device=subject.device)
        same(f"torch.where(c, {full}, 0-d {lone})", torch.where(chosen, x, y), _whole(due, [1, 7, 3]))
        same(f"torch.where(c, 0-d {lone}, {full})", torch.where(chosen, y, x), _whole(due, [7, 2, 7]))


def _whole(dtype: str, values: list[int]) -> Wanted:
    return Wanted(np.array(values).astype(DTYPES[dtype].host), dtype)

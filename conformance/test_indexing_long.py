"""Every indexing function on more elements than one thread takes, against numpy's own loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance import effort
from conformance.check import check, must_answer
from conformance.every_form import Invocation, answer
from conformance.subject import Subject
from conformance.tables.indexing_arrange_rows import ROWS as ARRANGED
from conformance.tables.indexing_rows import ROWS as INDEXED
from conformance.tables.indexing_rows import apart, mask, places
from conformance.tables.rows import small, wanted_of
from properties.strategies.recipe import Recipe, contiguous, offset, stepped
from properties.strategies.values import cycle, distinct

pytestmark = must_answer

LONG = 40_003
TABLES = {**INDEXED, **ARRANGED}
Array = np.ndarray
SIDE = 201
SOME, ALL, ONCE = places((50,), LONG), places((LONG,), LONG, 1), apart((30_011,), 0, LONG)
OFTEN, CHOSEN = places((LONG,), 1000, 5), mask((LONG,), 6)
NEW = np.arange(30_011) % 97 - 48


def _set(x: Array, where: Any, new: Any) -> Array:
    out = x.copy()
    out[where] = new
    return out


def _added(x: Array, new: Array) -> Array:
    return x + np.bincount(OFTEN, new.astype(np.float64), LONG).astype(x.dtype)


# name: (claim, arguments behind x, law of x, shape of x)
READING: dict[str, tuple[str, tuple[Any, ...], Callable[[Array], Any]]] = {
    "index_select": ("index-select", (0, SOME), lambda x: x[SOME]),
    "take": ("take", (ALL,), lambda x: x[ALL]),
    "gather": ("gather-selects", (0, ALL), lambda x: x[ALL]),
    "take_along_dim": ("take-along-dim", (ALL, 0), lambda x: x[ALL]),
    "masked_select": ("masked-select", (CHOSEN,), lambda x: x[CHOSEN]),
    "nonzero": ("nonzero-indices", (), lambda x: np.argwhere(x)),
    "argwhere": ("argwhere", (), lambda x: np.argwhere(x)),
    "flip": ("flip", ((0,),), lambda x: x[::-1]),
    "flipud": ("flip-up-down", (), lambda x: x[::-1]),
    "roll": ("roll", (12_345, 0), lambda x: np.roll(x, 12_345)),
    "repeat_interleave": ("repeat-interleave", (2,), lambda x: np.repeat(x, 2)),
    "tile": ("tile", ((2,),), lambda x: np.tile(x, 2)),
    "narrow_copy": ("narrow-copy", (0, 3, 39_000), lambda x: x[3:39_003]),
    "narrow": ("narrow", (0, 3, 39_000), lambda x: x[3:39_003]),
    "msort": ("msort", (), lambda x: np.sort(x)),
    "split": ("split", (17_000,), lambda x: tuple(np.split(x, [17_000, 34_000]))),
    "chunk": ("chunk-count", (3,), lambda x: tuple(np.split(x, [13_335, 26_670]))),
    "tensor_split": ("tensor-split", (3,), lambda x: tuple(np.array_split(x, 3))),
    "kthvalue": ("kthvalue", (20_000,), lambda x: np.sort(x)[19_999]),
}
WRITING: dict[str, tuple[str, tuple[Any, ...], Callable[[Array], Any]]] = {
    "scatter": ("scatter", (0, ONCE, NEW), lambda x: _set(x, ONCE, NEW)),
    "index_copy": ("index-copy", (0, ONCE, NEW), lambda x: _set(x, ONCE, NEW)),
    "index_fill": ("index-fill", (0, ONCE, 3), lambda x: _set(x, ONCE, 3)),
    "index_put": ("index-put", ((ONCE,), NEW), lambda x: _set(x, ONCE, NEW)),
    "put": ("put", (ONCE, NEW), lambda x: _set(x, ONCE, NEW)),
    "masked_fill": ("masked-fill", (CHOSEN, 3), lambda x: _set(x, CHOSEN, 3)),
    "masked_scatter": ("masked-scatter", (CHOSEN, NEW), lambda x: _set(x, CHOSEN, NEW[: CHOSEN.sum()])),
    "scatter_add": ("scatter-add", (0, OFTEN, ALL % 5), lambda x: _added(x, ALL % 5)),
    "index_add": ("index-add", (0, OFTEN, ALL % 5), lambda x: _added(x, ALL % 5)),
    "scatter_reduce": ("scatter-reduce", (0, OFTEN, ALL % 5, "sum"), lambda x: _added(x, ALL % 5)),
    "select_scatter": ("select-scatter", (np.array(7), 0, 39_999), lambda x: _set(x, 39_999, 7)),
    "slice_scatter": (
        "slice-scatter",
        (NEW[:20_000], 0, 3, 40_003, 2),
        lambda x: _set(x, slice(3, None, 2), NEW[:20_000]),
    ),
}


def _argument(value: Any, dtype: str, place: int) -> Any:
    if isinstance(value, tuple) and value and isinstance(value[0], np.ndarray):
        return tuple(_argument(part, dtype, place) for part in value)
    if not isinstance(value, np.ndarray):
        return value
    own = value is NEW or (value.size in (20_000, 1)) or (value.max() < 5 and value.dtype != bool)
    return contiguous(value, dtype if own else value.dtype.name)


def _cases(table: dict[str, Any]) -> list[Any]:
    return [pytest.param(name, marks=check(f"indexing.{row[0]}")) for name, row in table.items()]


COMMON_KINDS = (("float32", contiguous), ("int64", stepped), ("float64", offset))
SUMS = ("scatter_add", "index_add", "scatter_reduce")  # which narrow dtypes do not hold; see test_inplace_long


def _kinds(subject: Subject, name: str) -> list[tuple[str, Any, bool]]:
    """Dtypes and layouts, and whether they are asked for in every form: a quick run leaves out most of the rarer."""
    dtypes = () if name in SUMS else TABLES[name].dtypes
    others = [dtype for dtype in dtypes if dtype not in dict(COMMON_KINDS) and subject.supports(dtype)]
    chosen = others[len(name) % 3 :: 3] if effort.level() == "quick" else others
    rarer = [(dtype, (stepped, contiguous)[turn % 2], False) for turn, dtype in enumerate(chosen)]
    return [*((dtype, layout, True) for dtype, layout in COMMON_KINDS), *rarer]


@pytest.mark.parametrize("name", _cases(READING))
def test_reading_from_a_long_tensor(subject: Subject, name: str) -> None:
    _, args, law = READING[name]
    for dtype, layout, common in _kinds(subject, name):
        values = distinct(dtype, (LONG,))
        values[::9] = 0
        x = layout(values, dtype)
        wanted = wanted_of(law(values), dtype)
        wanted = (*wanted, lambda call, out: None) if name == "kthvalue" else wanted
        given = (x, *(_argument(value, dtype, place) for place, value in enumerate(args)))
        fresh = name not in ("narrow", "split", "chunk", "tensor_split")
        forms = ("function", "method") if common else ("function",)
        answer(subject, Invocation(name, given, wanted, fresh=fresh), forms)


@pytest.mark.parametrize("name", _cases(WRITING))
def test_writing_to_a_long_tensor(subject: Subject, name: str) -> None:
    _, args, law = WRITING[name]
    forms = (
        ("function", "method")
        if name.endswith(("select_scatter", "slice_scatter"))
        else ("function", "method", "inplace")
    )
    for dtype, layout, common in _kinds(subject, name):
        values = cycle(small(dtype), (LONG,))
        given = (layout(values, dtype), *(_argument(value, dtype, place) for place, value in enumerate(args)))
        call = Invocation(name, given, wanted_of(law(values).astype(values.dtype), dtype))
        answer(subject, call, forms if common else forms[:1])


def _joined(x: Recipe) -> dict[str, tuple[tuple[Any, ...], Array]]:
    a, b = x.array, np.roll(x.array, 5)
    two = [x, contiguous(b, x.dtype)]
    return {
        "cat": ((two, 0), np.concatenate([a, b])),
        "concat": ((two, 0), np.concatenate([a, b])),
        "stack": ((two, 1), np.stack([a, b], 1)),
        "hstack": ((two,), np.concatenate([a, b])),
        "vstack": ((two,), np.stack([a, b])),
        "dstack": ((two,), np.dstack([a, b])),
        "column_stack": ((two,), np.column_stack([a, b])),
        "where": ((contiguous(a > 50, "bool"), *two), np.where(a > 50, a, b)),
    }


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=check(f"indexing.{claim}"))
        for claim, name in (
            ("cat-along-dim", "cat"),
            ("cat-other-names", "concat"),
            ("stack", "stack"),
            ("hstack", "hstack"),
            ("vstack", "vstack"),
            ("dstack", "dstack"),
            ("column-stack", "column_stack"),
            ("where", "where"),
        )
    ],
)
def test_joining_long_tensors(subject: Subject, name: str) -> None:
    for dtype, layout in (("float32", contiguous), ("int64", stepped), ("float64", offset)):
        given, values = _joined(layout(distinct(dtype, (LONG,)), dtype))[name]
        answer(
            subject,
            Invocation(name, given, wanted_of(values, dtype)),
            ("function", "out") if name != "where" else ("function",),
        )


SQUARE: dict[str, tuple[str, tuple[Any, ...], Callable[[Array], Any]]] = {
    "tril": ("triangles", (-1,), lambda x: np.tril(x, -1)),
    "triu": ("triangles", (2,), lambda x: np.triu(x, 2)),
    "rot90": ("rot90", (), np.rot90),
    "fliplr": ("flip-left-right", (), lambda x: x[:, ::-1]),
    "diagonal_scatter": ("diagonal-scatter", (np.arange(SIDE),), lambda x: _diagonal(x)),
    "unbind": ("unbind", (0,), lambda x: tuple(x)),
}


def _diagonal(x: Array) -> Array:
    out = x.copy()
    np.fill_diagonal(out, np.arange(SIDE))
    return out


@pytest.mark.parametrize("name", _cases(SQUARE))
def test_large_matrices(subject: Subject, name: str) -> None:
    _, args, law = SQUARE[name]
    for dtype, layout in (("float32", contiguous), ("int64", stepped), ("float64", offset)):
        values = distinct(dtype, (SIDE, SIDE))
        given = (layout(values, dtype), *(contiguous(a, dtype) if isinstance(a, np.ndarray) else a for a in args))
        call = Invocation(name, given, wanted_of(law(values), dtype), fresh=name != "unbind")
        answer(subject, call, ("function", "method"))


@check("indexing.sort-stable")
def test_a_long_stable_sort(subject: Subject) -> None:
    for dtype, layout in (("float32", contiguous), ("int64", stepped), ("float64", offset)):
        values = (np.arange(LONG) * 7919 % 97).astype(dtype)
        where = np.argsort(values, kind="stable")
        wanted = wanted_of((values[where], where), dtype)
        call = Invocation("sort", (layout(values, dtype),), wanted, {"stable": True})
        answer(subject, call, ("function", "method"))


@check("indexing.isin")
def test_isin_of_many(subject: Subject) -> None:
    values, among = np.arange(LONG) % 1009, np.arange(0, 5000, 7)
    for layout in (contiguous, stepped):
        given = (layout(values, "int64"), contiguous(among, "int64"))
        answer(subject, Invocation("isin", given, wanted_of(np.isin(values, among), "int64")), ("function",))


@check("indexing.searchsorted")
def test_searching_for_many(subject: Subject) -> None:
    edges, values = np.arange(0, 9000, 3.0), (np.arange(LONG) * 31 % 9973) / 1.0
    for dtype, layout in (("float32", contiguous), ("float64", stepped)):
        given = (contiguous(edges, dtype), layout(values, dtype))
        answer(
            subject, Invocation("searchsorted", given, wanted_of(np.searchsorted(edges, values), dtype)), ("function",)
        )


@check("indexing.every-dtype")
def test_long_copies_in_every_dtype(subject: Subject) -> None:
    for dtype in ("bool", "uint8", "int16", "float16", "bfloat16", "complex64", "complex128"):
        values = distinct(dtype, (LONG,))
        x = stepped(values, dtype)
        answer(subject, Invocation("cat", ([x, x],), wanted_of(np.concatenate([values] * 2), dtype)), ("function",))
        given = (x, 0, contiguous(SOME, "int64"))
        answer(subject, Invocation("index_select", given, wanted_of(values[SOME], dtype)), ("function", "method"))

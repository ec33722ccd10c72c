"""The functions of the area indexing that read and write by an index or a mask, with cases for each."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from conformance.dtypes import COMMON, FLOATS, INTEGERS
from conformance.numerics import FAITHFUL
from conformance.oracle import indexing as brackets
from conformance.oracle import indexing_gather as oracle
from conformance.tables.rows import READ, Case, Row, Values, by_key, wanted_of
from conformance.wanted import Demand

FM = ("function", "method")
KEYED = (*FM, "keywords", "named")
OUT = (*KEYED, "out", "out_stepped", "out_empty")
WRITES = (*KEYED, "inplace")
WRITES_OUT = (*OUT, "inplace")
NUMBERS = tuple(name for name in COMMON if name != "bool")
ORDERED = (*INTEGERS, *FLOATS)
# Layouts whose memory holds the elements in row-major order, and others.
REORDERED = ("transposed", "channels_last")
IN_ORDER = tuple(name for name in READ if name not in REORDERED)


def places(shape: tuple[int, ...], size: int, seed: int = 0) -> np.ndarray:
    """Places below `size`, with repetitions, as int64."""
    return np.random.default_rng(seed).integers(0, size, shape)


def apart(shape: tuple[int, ...], dim: int, size: int, seed: int = 0) -> np.ndarray:
    """Places below `size` that differ along dim, so that no target is written twice."""
    generator = np.random.default_rng(seed)
    lines = [generator.permutation(size)[: shape[dim]] for _ in range(int(np.prod(shape)) // max(shape[dim], 1))]
    moved = (*shape[:dim], *shape[dim + 1 :], shape[dim])
    return np.moveaxis(np.array(lines, np.int64).reshape(moved), -1, dim)


def mask(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Truth values, about half of each."""
    return np.random.default_rng(seed).integers(0, 2, shape).astype(bool)


GATHERED = (
    Case((4, 5), (1, places((4, 5), 5))),
    Case((5, 5), (0, places((5, 5), 5, 1))),
    Case((3, 4, 5), (-2, places((3, 7, 5), 4, 2))),
    Case((33,), (-1, places((17,), 33, 3))),
    Case((3, 4, 5), (-3, places((2, 3, 4), 3, 4))),
    Case((2, 3, 4, 2), (-2, places((2, 3, 5, 2), 4, 5))),
)
GATHERED_EDGE = (
    Case((2, 3), (0, places((0, 3), 2))),
    Case((), (0, np.zeros((), np.int64))),
    Case((1, 1), (-1, places((1, 4), 1))),
    Case((2, 2), (1, np.array([[0, 1], [0, 1]]))),
)
SCATTERED = (
    Case((4, 5), (1, apart((4, 3), 1, 5), Values((4, 3)))),
    Case((5, 5), (0, apart((5, 5), 0, 5, 1), Values((5, 5)))),
    Case((3, 6, 5), (-2, apart((2, 4, 3), 1, 6, 2), Values((3, 4, 4)))),
    Case((33,), (-1, apart((17,), 0, 33, 3), Values((20,)))),
    Case((2, 3, 6, 2), (2, apart((2, 2, 4, 2), 2, 6, 5), Values((2, 3, 4, 2)))),
)
SCATTERED_EDGE = (
    Case((), (0, np.zeros((), np.int64), Values(()))),
    Case((2, 3), (1, places((2, 0), 3), Values((2, 3)))),
    Case((2, 2), (1, np.array([[1, 0], [0, 1]]), Values((2, 2)))),
)
FILLED = tuple(Case(case.shape, (*case.args[:2], 3)) for case in (*SCATTERED, *SCATTERED_EDGE))
SENT = (
    Case((4, 5), (1, places((4, 7), 5), Values((4, 7)))),
    Case((5, 5), (0, places((5, 5), 5, 1), Values((5, 5)))),
    Case((3, 4, 5), (-2, places((2, 6, 3), 4, 2), Values((3, 7, 4)))),
    Case((18,), (-1, places((33,), 18, 3), Values((40,)))),
    Case((17, 2), (0, places((17, 2), 3, 4), Values((17, 2)))),
    Case((2, 3, 4, 2), (1, places((2, 5, 4, 2), 3, 6), Values((2, 5, 4, 2)))),
)
SENT_EDGE = (
    Case((), (0, np.zeros((), np.int64), Values(()))),
    Case((2, 3), (1, places((2, 0), 3), Values((2, 3)))),
    Case((3,), (0, np.array([1, 1, 1, 1]), Values((4,)))),
)
SLICES = (
    Case((4, 5), (0, places((6,), 4))),
    Case((5, 5), (1, places((5,), 5, 1))),
    Case((3, 4, 5), (-2, places((7,), 4, 2))),
    Case((33,), (-1, places((17,), 33, 3))),
    Case((2, 3, 4), (-3, places((3,), 2, 4))),
)
SLICES_EDGE = (
    Case((2, 3), (0, places((0,), 2))),
    Case((3,), (0, np.array(2))),
    Case((), (0, np.zeros((), np.int64))),
    Case((3, 0), (0, np.array([2, 2]))),
)
SLICED = (
    Case((4, 5), (0, apart((3,), 0, 4), Values((3, 5)))),
    Case((5, 5), (1, apart((5,), 0, 5, 1), Values((5, 5)))),
    Case((3, 6, 5), (-2, apart((4,), 0, 6, 2), Values((3, 4, 5)))),
    Case((33,), (-1, apart((17,), 0, 33, 3), Values((17,)))),
)
SLICED_EDGE = (Case((2, 3), (0, places((0,), 2), Values((0, 3)))), Case((3,), (0, np.array([2]), Values((1,)))))
ADDED = (
    Case((4, 5), (0, places((6,), 4), Values((6, 5)))),
    Case((5, 5), (1, places((5,), 5, 1), Values((5, 5)))),
    Case((3, 4, 5), (-2, places((7,), 4, 2), Values((3, 7, 5)))),
    Case((33,), (-1, places((17,), 5, 3), Values((17,)))),
    Case((2, 17), (0, np.array([1, 1, 0, 1]), Values((4, 17)))),
)
ADDED_EDGE = (*SLICED_EDGE, Case((3,), (0, np.array([2, 2, 2]), Values((3,)))))
MASKED = (
    Case((4, 5), (mask((4, 5)),)),
    Case((5, 5), (mask((5, 5), 4),)),
    Case((3, 4, 5), (mask((4, 1), 1),)),
    Case((33,), (mask((33,), 2),)),
    Case((2, 3, 4), (mask((3, 4), 3),)),
)
MASKED_EDGE = (
    Case((), (np.array(True),)),
    Case((2, 0), (mask((2, 0)),)),
    Case((3,), (np.zeros(3, bool),)),
    Case((3,), (np.ones(3, bool),)),
)


def _index_put(values: np.ndarray, indices: tuple[np.ndarray, ...], new: np.ndarray, accumulate: bool = False) -> Any:
    return brackets.put(values, tuple(indices), new, add=accumulate)


def _written_once(shape: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, ...]:
    """Index tensors over every dimension that name seven different elements."""
    flat = np.random.default_rng(seed).permutation(int(np.prod(shape)))[:7]
    return tuple(coords.astype(np.int64) for coords in np.unravel_index(flat, shape))


INDEX_PUT = (
    Case((4, 5), (_written_once((4, 5)), Values((7,)))),
    Case((3, 4, 5), (_written_once((3, 4, 5), 1), Values(()))),
    Case((4, 5), ((mask((4, 5), 5),), Values(()))),
    Case((6, 5), ((np.array([[0], [-2]]), np.array([1, -1, 3])), Values((2, 3)))),
    Case((33,), ((apart((17,), 0, 33, 6) - 33,), Values((17,)))),
    Case((5, 17), ((np.array([3, 0]),), Values((2, 17)))),
)
INDEX_PUT_ADD = (
    Case((4, 5), ((places((9,), 4), places((9,), 5, 1)), Values((9,)), True)),
    Case((33,), ((places((40,), 7, 2) - 20,), Values((40,)), True)),
    Case((5, 17), ((np.array([3, 0, 3, 3]),), Values((4, 17)), True)),
    Case((4, 5), ((mask((4, 5), 5),), Values(()), True)),
)


def _reduced(cases: tuple[Case, ...], reduce: str) -> tuple[Case, ...]:
    kept = [Case(case.shape, (*case.args, reduce), {"include_self": flag}) for case in cases for flag in (True, False)]
    return tuple(kept)


def _scatter(values: np.ndarray, dim: int, index: np.ndarray, src: Any, reduce: str | None = None) -> np.ndarray:
    if reduce is None:
        return oracle.scatter(values, dim, index, np.asarray(src).astype(values.dtype))
    return oracle.scatter_reduce(values, dim, index, np.asarray(src).astype(values.dtype), reduce)


def _rounded(found: np.ndarray, dtype: str, *_: Any) -> tuple[Demand, ...]:
    return wanted_of(found, dtype, FAITHFUL)


READING = [
    Row("gather-selects", "gather", oracle.gather, GATHERED, GATHERED_EDGE, OUT, keywords=("input", "dim", "index")),
    Row(
        "take-along-dim",
        "take_along_dim",
        oracle.take_along_dim,
        (
            *(Case(c.shape, (c.args[1], c.args[0])) for c in GATHERED[:2]),
            Case((3, 4, 5), (places((3, 7, 5), 4, 2), -2)),
            Case((33,), (places((17,), 33, 3), -1)),
            Case((3, 1, 5), (places((1, 4, 5), 3, 5), 0)),
        ),
        (Case((2, 3), (places((0, 3), 2), 0)),),
        OUT,
        keywords=("input", "indices", "dim"),
    ),
    Row(
        "index-select",
        "index_select",
        oracle.index_select,
        SLICES,
        SLICES_EDGE,
        OUT,
        keywords=("input", "dim", "index"),
    ),
    Row(
        "take",
        "take",
        oracle.take,
        (
            Case((4, 5), (places((3, 3), 20),)),
            Case((3, 4, 5), (places((17,), 60, 1) - 60,)),
            Case((33,), (places((2, 2, 2), 33, 2),)),
        ),
        (Case((2, 3), (places((0,), 2),)), Case((3,), (np.array(1),)), Case((), (np.zeros((2,), np.int64),))),
        OUT,
        keywords=("input", "index"),
    ),
    Row("masked-select", "masked_select", oracle.masked_select, MASKED, MASKED_EDGE, OUT, keywords=("input", "mask")),
    Row(
        "nonzero-indices",
        "nonzero",
        oracle.nonzero,
        (Case((4, 5)), Case((3, 4, 5)), Case((33,)), Case((2, 3, 2, 3))),
        (Case(()), Case((2, 0)), Case((1,))),
        ("function", "method", "keywords", "out", "out_empty"),
        keywords=("input",),
    ),
    Row(
        "argwhere",
        "argwhere",
        oracle.nonzero,
        (Case((4, 5)), Case((3, 4, 5)), Case((33,))),
        (Case(()), Case((2, 0))),
        KEYED,
        keywords=("input",),
    ),
]

WRITING = [
    Row(
        "scatter", "scatter", _scatter, SCATTERED, SCATTERED_EDGE, WRITES_OUT, keywords=("input", "dim", "index", "src")
    ),
    Row(
        "scatter-value",
        "scatter",
        _scatter,
        FILLED,
        (),
        WRITES_OUT,
        NUMBERS,
        ("input", "dim", "index", "value"),
        label="scatter of a number",
    ),
    Row(
        "scatter-reduce-argument",
        "scatter",
        _scatter,
        tuple(Case(c.shape, c.args, {"reduce": way}) for c in SENT for way in ("add", "multiply")),
        tuple(Case(c.shape, c.args, {"reduce": "add"}) for c in SENT_EDGE),
        WRITES_OUT,
        ("float32", "float64", "int64"),
        ("input", "dim", "index", "src"),
        table="powers",
        label="scatter with reduce=",
    ),
    Row(
        "scatter-reduce-argument",
        "scatter",
        _scatter,
        tuple(Case(c.shape, (*c.args[:2], 2), {"reduce": way}) for c in SENT[:3] for way in ("add", "multiply")),
        (),
        WRITES_OUT,
        ("float32", "float64", "int64"),
        ("input", "dim", "index", "value"),
        table="small",
        label="scatter of a number with reduce=",
    ),
    Row(
        "scatter-add",
        "scatter_add",
        functools.partial(oracle.scatter_reduce, reduce="sum"),
        SENT,
        SENT_EDGE,
        WRITES_OUT,
        NUMBERS,
        ("input", "dim", "index", "src"),
        table="small",
    ),
    *(
        Row(
            "scatter-reduce",
            "scatter_reduce",
            oracle.scatter_reduce,
            _reduced(SENT, way),
            _reduced(SENT_EDGE, way),
            WRITES_OUT,
            ORDERED,
            ("input", "dim", "index", "src", "reduce"),
            table="powers" if way == "prod" else "small",
            demand=_rounded,
            label=f"scatter_reduce {way}",
        )
        for way in ("sum", "prod", "mean", "amax", "amin")
    ),
    Row(
        "index-add",
        "index_add",
        oracle.index_add,
        (*ADDED, *(Case(c.shape, c.args, {"alpha": 2}) for c in ADDED)),
        ADDED_EDGE,
        WRITES_OUT,
        NUMBERS,
        ("input", "dim", "index", "source"),
        table="small",
    ),
    Row(
        "index-copy",
        "index_copy",
        oracle.index_copy,
        SLICED,
        SLICED_EDGE,
        WRITES_OUT,
        keywords=("input", "dim", "index", "source"),
    ),
    Row(
        "index-fill",
        "index_fill",
        oracle.index_fill,
        tuple(Case(c.shape, (*c.args[:2], 3)) for c in SLICED),
        (
            *(Case(c.shape, (*c.args[:2], 3)) for c in SLICED_EDGE),
            Case((), (0, np.zeros(1, np.int64), 3)),
            Case((4,), (0, np.array([1, 1]), 2)),
        ),
        WRITES,
        NUMBERS,
        ("input", "dim", "index", "value"),
    ),
    *(
        Row(
            "index-reduce",
            "index_reduce",
            oracle.index_reduce,
            _reduced(ADDED, way),
            _reduced(ADDED_EDGE, way),
            WRITES_OUT,
            ORDERED,
            ("input", "dim", "index", "source", "reduce"),
            table="powers" if way == "prod" else "small",
            demand=_rounded,
            label=f"index_reduce {way}",
        )
        for way in ("prod", "mean", "amax", "amin")
    ),
    Row(
        "index-put",
        "index_put",
        _index_put,
        INDEX_PUT,
        (Case((3,), ((places((0,), 3),), Values((0,)))),),
        WRITES,
        keywords=("input", "indices", "values"),
    ),
    Row(
        "index-put-accumulate",
        "index_put",
        _index_put,
        INDEX_PUT_ADD,
        (Case((3,), ((np.array([1, 1, 1]),), Values((3,)), True)),),
        WRITES,
        NUMBERS,
        ("input", "indices", "values", "accumulate"),
        table="small",
        label="index_put accumulate",
    ),
    Row(
        "put",
        "put",
        oracle.put,
        (
            Case((4, 5), (apart((6,), 0, 20).reshape(2, 3), Values((2, 3)))),
            Case((33,), (apart((17,), 0, 33, 1) - 33, Values((17,)))),
            Case((3, 4, 2), (apart((24,), 0, 24, 1), Values((24,)))),
        ),
        (Case((2, 3), (places((0,), 2), Values((0,)))),),
        WRITES,
        keywords=("input", "index", "source"),
    ),
    Row(
        "put-accumulate",
        "put",
        oracle.put,
        (Case((4, 5), (places((9,), 20), Values((9,)), True)), Case((18,), (places((33,), 4, 1), Values((33,)), True))),
        (Case((2, 3), (np.array([5, 5, 5]), Values((3,)), True)),),
        WRITES,
        NUMBERS,
        ("input", "index", "source", "accumulate"),
        table="small",
        label="put accumulate",
    ),
    Row(
        "masked-fill",
        "masked_fill",
        oracle.masked_fill,
        tuple(Case(c.shape, (*c.args, 3)) for c in MASKED),
        tuple(Case(c.shape, (*c.args, 2)) for c in MASKED_EDGE),
        WRITES,
        NUMBERS,
        ("input", "mask", "value"),
    ),
    Row(
        "masked-fill",
        "masked_fill",
        oracle.masked_fill,
        tuple(Case(c.shape, (*c.args, True)) for c in MASKED),
        (),
        WRITES,
        ("bool",),
        ("input", "mask", "value"),
        label="masked_fill of truth values",
    ),
    Row(
        "index-fill",
        "index_fill",
        oracle.index_fill,
        tuple(Case(c.shape, (*c.args[:2], False)) for c in SLICED),
        (),
        WRITES,
        ("bool",),
        ("input", "dim", "index", "value"),
        label="index_fill of truth values",
    ),
    *(
        Row(
            claim,
            "masked_scatter",
            oracle.masked_scatter,
            tuple(Case(c.shape, (*c.args, Values((60,)))) for c in MASKED),
            tuple(Case(c.shape, (*c.args, Values((5,)))) for c in MASKED_EDGE),
            WRITES,
            keywords=("input", "mask", "source"),
            label=label,
            layouts=layouts,
        )
        for claim, label, layouts in (
            ("masked-scatter", "masked_scatter", IN_ORDER),
            ("masked-scatter-layouts", "masked_scatter of any layout", REORDERED),
        )
    ),
]

ROWS = by_key(READING, WRITING)

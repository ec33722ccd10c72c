"""The functions of the area indexing that join, split, repeat, turn, sort and count, with cases for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.dtypes import INTEGERS, REAL
from conformance.oracle import indexing_arrange as oracle
from conformance.oracle import indexing_gather as element
from conformance.oracle import indexing_order as ranks
from conformance.tables.indexing_rows import FM, KEYED, OUT, mask
from conformance.tables.rows import Case, Row, Values, by_key
from conformance.wanted import Demand, Picked, Wanted

FUNCTION = ("function", "keywords")
JOIN = ("function", "keywords", "out", "out_stepped", "out_empty")
MATRICES = (Case((4, 5)), Case((3, 4, 5)), Case((5, 17)), Case((2, 3, 4, 5)))
LINES = (Case((33,)), Case((4, 5)), Case((3, 4, 5)))
EMPTY = (Case((2, 0)), Case((0, 3)))


def _on(shapes: Any, *args: Any, **options: Any) -> Case:
    return Case(shapes, args, options)


def _each(cases: Any, *choices: tuple[Any, ...]) -> tuple[Case, ...]:
    return tuple(Case(case.shape, choice) for case in cases for choice in choices)


JOINING = [
    *(
        Row(
            claim,
            name,
            oracle.cat,
            (
                _on([(2, 3), (2, 3), (1, 3)], 0),
                _on([(4, 5), (4, 2)], 1),
                _on([(2, 3, 4), (2, 5, 4)], -2),
                _on([(17,), (16,), (3,)]),
                _on([(2, 3, 4, 2), (2, 3, 4, 2)], 3),
            ),
            (_on([(4, 5)], 0), _on([(0,), (2, 3)], 0), _on([(2, 0), (2, 3)], -1), _on([(1,), (1,)]), _on([(0,), (0,)])),
            JOIN,
            keywords=("tensors", "dim"),
        )
        for claim, name in (("cat-along-dim", "cat"), ("cat-other-names", "concat"), ("cat-other-names", "concatenate"))
    ),
    Row(
        "stack",
        "stack",
        oracle.stack,
        (
            _on([(2, 3), (2, 3), (2, 3)], 0),
            _on([(4, 5), (4, 5)], 1),
            _on([(3, 4), (3, 4)], -1),
            _on([(17,), (17,)]),
            _on([(2, 3, 4)] * 2, -2),
            _on([(2, 3, 4)] * 5, 3),
        ),
        (_on([(), ()], 0), _on([(2, 0), (2, 0)], 1), _on([(3,)], -2)),
        JOIN,
        keywords=("tensors", "dim"),
    ),
    Row(
        "hstack",
        "hstack",
        oracle.hstack,
        (_on([(17,), (4,)]), _on([(4, 5), (4, 2)]), _on([(2, 3, 4), (2, 5, 4)])),
        (_on([(), ()]), _on([(), (3,)])),
        JOIN,
        keywords=("tensors",),
    ),
    *(
        Row(
            "vstack",
            name,
            oracle.vstack,
            (_on([(17,), (17,)]), _on([(4, 5), (2, 5)]), _on([(2, 3, 4), (1, 3, 4)])),
            (_on([(), ()]), _on([(3,), (2, 3)])),
            JOIN,
            keywords=("tensors",),
        )
        for name in ("vstack", "row_stack")
    ),
    Row(
        "dstack",
        "dstack",
        oracle.dstack,
        (_on([(17,), (17,)]), _on([(4, 5), (4, 5)]), _on([(2, 3, 4), (2, 3, 1)])),
        (_on([(), ()]),),
        JOIN,
        keywords=("tensors",),
    ),
    Row(
        "column-stack",
        "column_stack",
        oracle.column_stack,
        (_on([(17,), (17,)]), _on([(4, 5), (4,)]), _on([(4, 5), (4, 2)])),
        (_on([(), ()]),),
        JOIN,
        keywords=("tensors",),
    ),
]

SPLITTING = [
    Row(
        "chunk-count",
        "chunk",
        oracle.chunk,
        (_on((17,), 4), _on((6, 5), 4), _on((4, 5), 2, -1), _on((3, 7, 2), 3, 1), _on((33,), 7, 0)),
        (_on((5,), 4), _on((3,), 5), _on((2, 0), 3, 1), _on((1,), 1)),
        KEYED,
        keywords=("input", "chunks", "dim"),
        fresh=False,
    ),
    Row(
        "split",
        "split",
        oracle.split,
        (_on((17,), 4), _on((6, 5), 4), _on((4, 5), 2, -1), _on((3, 7, 2), [2, 0, 5], 1), _on((33,), [30, 3], 0)),
        (_on((5,), 5), _on((3,), 7), _on((2, 0), 3, 1), _on((3,), [0, 3])),
        FM,
        fresh=False,
    ),
    Row(
        "tensor-split",
        "tensor_split",
        oracle.tensor_split,
        (_on((17,), 4), _on((6, 5), 4), _on((4, 5), 3, -1), _on((3, 7, 2), (2, 5), 1), _on((33,), (30, 2, -1, 50), 0)),
        (_on((3,), 5), _on((2, 0), 3, 1), _on((3,), ())),
        FM,
        fresh=False,
    ),
    Row(
        "hsplit",
        "hsplit",
        oracle.hsplit,
        (_on((18,), 3), _on((4, 6), 2), _on((3, 7, 2), [2, 5])),
        (_on((2,), 1),),
        FM,
        fresh=False,
    ),
    Row(
        "vsplit",
        "vsplit",
        oracle.vsplit,
        (_on((18, 1), 3), _on((4, 6), 2), _on((7, 3, 2), [2, 5])),
        (),
        FM,
        fresh=False,
    ),
    Row("dsplit", "dsplit", oracle.dsplit, (_on((2, 2, 6), 3), _on((3, 2, 7), [2, 5])), (), FM, fresh=False),
    Row(
        "unbind",
        "unbind",
        oracle.unbind,
        (_on((17, 2)), _on((4, 5), 1), _on((3, 4, 5), -2), _on((3, 4, 5), -1)),
        (_on((3,)), _on((1, 0))),
        KEYED,
        keywords=("input", "dim"),
        fresh=False,
    ),
    Row(
        "narrow",
        "narrow",
        oracle.narrow,
        (_on((17,), 0, 3, 9), _on((4, 5), 1, 2, 3), _on((3, 4, 5), -2, 1, 2), _on((33,), -1, -5, 4)),
        (_on((3,), 0, 3, 0), _on((3,), 0, 0, 3), _on((2, 0), 1, 0, 0)),
        KEYED,
        keywords=("input", "dim", "start", "length"),
        fresh=False,
    ),
    Row(
        "narrow-copy",
        "narrow_copy",
        oracle.narrow,
        (_on((17,), 0, 3, 9), _on((4, 5), 1, 2, 3), _on((3, 4, 5), -2, 1, 2), _on((33,), -1, -5, 4)),
        (_on((3,), 0, 3, 0), _on((3,), 0, 0, 3)),
        KEYED,
        keywords=("input", "dim", "start", "length"),
    ),
    Row(
        "select",
        "select",
        lambda x, dim, index: np.take(x, index, axis=dim),
        (_on((17,), 0, 3), _on((4, 5), 1, -2), _on((3, 4, 5), -2, 1), _on((5, 17), 0, -5)),
        (_on((1,), 0, 0),),
        KEYED,
        keywords=("input", "dim", "index"),
        fresh=False,
    ),
    Row(
        "diagonal",
        "diagonal",
        oracle.diagonal,
        (*MATRICES[:3], _on((4, 5), 2), _on((5, 4), -3), _on((3, 4, 5), 1, 0, 2), _on((3, 4, 5), -1, -1, 1)),
        (_on((2, 2), 5), _on((0, 3))),
        KEYED,
        keywords=("input", "offset", "dim1", "dim2"),
        fresh=False,
    ),
]


def _select_scatter(x: np.ndarray, part: np.ndarray, dim: int, index: int) -> np.ndarray:
    out = np.moveaxis(x.copy(), dim, 0)
    out[index] = part
    return np.moveaxis(out, 0, dim)


def _slice_scatter(x: np.ndarray, part: np.ndarray, dim: int, start: int, end: int, step: int = 1) -> np.ndarray:
    out = np.moveaxis(x.copy(), dim, 0)
    out[start:end:step] = np.moveaxis(part, dim, 0)
    return np.moveaxis(out, 0, dim)


def _diagonal_scatter(x: np.ndarray, part: np.ndarray, offset: int = 0, dim1: int = 0, dim2: int = 1) -> np.ndarray:
    there = oracle.diagonal(np.arange(x.size).reshape(x.shape), offset, dim1, dim2)
    return oracle.written(x, part, there)


ARRANGING = [
    Row(
        "select-scatter",
        "select_scatter",
        _select_scatter,
        (_on((4, 5), Values((4,)), 1, 2), _on((17, 3), Values((3,)), 0, -1), _on((3, 4, 5), Values((3, 5)), -2, 0)),
        (),
        KEYED,
        keywords=("input", "src", "dim", "index"),
    ),
    Row(
        "slice-scatter",
        "slice_scatter",
        _slice_scatter,
        (
            _on((4, 5), Values((4, 2)), 1, 1, 3, 1),
            _on((17, 3), Values((5, 3)), 0, 2, 12, 2),
            _on((3, 4, 5), Values((3, 2, 5)), -2, -3, 3, 1),
        ),
        (_on((3,), Values((0,)), 0, 2, 2, 1),),
        KEYED,
        keywords=("input", "src", "dim", "start", "end", "step"),
    ),
    Row(
        "slice-scatter",
        "slice_scatter",
        _slice_scatter,
        (_on((4, 5), Values((4, 2)), 1, 1, 3),),
        (),
        KEYED,
        keywords=("input", "src", "dim", "start", "end"),
        since="2.0",
        label="slice_scatter, default step",
    ),
    Row(
        "diagonal-scatter",
        "diagonal_scatter",
        _diagonal_scatter,
        (_on((4, 5), Values((4,))), _on((5, 4), Values((3,)), -2), _on((3, 4, 5), Values((4, 3)), 0, 0, 2)),
        (),
        KEYED,
        keywords=("input", "src", "offset", "dim1", "dim2"),
    ),
    Row(
        "where",
        "where",
        element.where,
        (
            _on(mask((4, 5)), Values((4, 5)), Values((4, 5))),
            _on(mask((4, 1), 1), Values((5,)), Values((4, 5))),
            _on(mask((3, 4, 5), 2), Values(()), Values((4, 1))),
            _on(mask((33,), 3), Values((33,)), Values((33,))),
        ),
        (_on(np.array(True), Values(()), Values(())), _on(mask((2, 0)), Values((1, 1)), Values((2, 0)))),
        ("function", "keywords"),
        keywords=("condition", "input", "other"),
    ),
    Row(
        "where",
        "where",
        lambda x, condition, other: element.where(condition, x, other),
        (
            _on((4, 5), mask((4, 5)), Values((4, 5))),
            _on((5,), mask((4, 1), 1), Values((4, 5))),
            _on((33,), mask((1,)), Values((33,))),
        ),
        (),
        ("method",),
        label="Tensor.where",
    ),
    Row(
        "repeat",
        "repeat",
        oracle.repeat,
        (_on((4, 5), 2, 3), _on((3, 4), 2, 1, 3), _on((17,), 3), _on((2, 3, 4), 1, 2, 2), _on((4, 5), 1, 1)),
        (_on((), 3), _on((2,), 0, 2), _on((0, 2), 2, 2)),
        ("method",),
    ),
    Row(
        "tile",
        "tile",
        oracle.tile,
        (_on((4, 5), (2, 3)), _on((3, 4), (2, 1, 3)), _on((17,), (3,)), _on((2, 3, 4), (2,))),
        (_on((), (3,)), _on((2,), (0,)), _on((3,), ())),
        (*FUNCTION, "method"),
        keywords=("input", "dims"),
    ),
    Row(
        "repeat-interleave",
        "repeat_interleave",
        oracle.repeat_interleave,
        (
            _on((4, 5), 2),
            _on((4, 5), 3, 1),
            _on((17,), np.arange(17) % 4),
            _on((3, 4, 5), np.array([2, 0, 1, 3]), -2),
            _on((3, 4, 5), np.array([2]), 0),
        ),
        (_on((2,), 0), _on((), 3), _on((0, 2), 2, 0)),
        KEYED,
        keywords=("input", "repeats", "dim"),
    ),
    Row(
        "flip",
        "flip",
        oracle.flip,
        _each(MATRICES, ((0,),), ((-1, 0),), ((1,),)),
        (_on((), ()), _on((3,), (0,)), _on((2, 0), (0, 1))),
        KEYED,
        keywords=("input", "dims"),
    ),
    Row("flip-left-right", "fliplr", oracle.fliplr, MATRICES, EMPTY, KEYED, keywords=("input",)),
    Row("flip-up-down", "flipud", oracle.flipud, (*MATRICES, _on((33,))), EMPTY, KEYED, keywords=("input",)),
    Row(
        "roll",
        "roll",
        oracle.roll,
        (
            _on((4, 5), 3),
            _on((4, 5), 2, 1),
            _on((3, 4, 5), (1, -2), (0, -1)),
            _on((33,), -40, 0),
            _on((5, 17), (7,), (1,)),
            _on((4, 5), (1, 2), (0, 0)),
        ),
        (_on((2, 0), 1, 0), _on((1,), 5), _on((), 1)),
        KEYED,
        keywords=("input", "shifts", "dims"),
    ),
    Row(
        "rot90",
        "rot90",
        oracle.rot90,
        _each(MATRICES, (), (2,), (3, (1, 0)), (-1, (-1, -2)), (0, (0, 1)), (5, (0, -1))),
        (_on((0, 3)), _on((1, 2))),
        KEYED,
        keywords=("input", "k", "dims"),
    ),
    *(
        Row(
            "triangles",
            name,
            getattr(oracle, name),
            _each(MATRICES, (), (1,), (-2,), (9,)),
            EMPTY,
            (*OUT, "inplace"),
            keywords=("input", "diagonal"),
        )
        for name in ("tril", "triu")
    ),
    Row(
        "diag-embed",
        "diag_embed",
        oracle.diag_embed,
        (_on((17,)), _on((4, 5)), _on((4, 5), 1), _on((4, 5), -2, 0, 1), _on((2, 3, 4), 1, 0, -1)),
        (_on((2, 0)),),
        KEYED,
        keywords=("input", "offset", "dim1", "dim2"),
    ),
    Row(
        "diagflat",
        "diagflat",
        oracle.diagflat,
        (_on((17,)), _on((4, 5)), _on((2, 3), -2), _on((3, 2, 2), 1), _on((5,), 3)),
        (_on((0,)), _on((2, 0), 1), _on(()), _on((1, 1), -1)),
        KEYED,
        keywords=("input", "offset"),
        since="2.0",  # before, not for float16
    ),
    Row(
        "block-diag",
        "block_diag",
        oracle.block_diag,
        (_on((4, 5), Values((2, 3)), Values((3,))), _on((17,), Values((2, 2)))),
        (_on((3,), Values(())),),
        ("function",),
    ),
    Row(
        "cartesian-prod",
        "cartesian_prod",
        oracle.cartesian_prod,
        (_on((17,), Values((2,))), _on((3,), Values((4,)), Values((2,))), _on((33,))),
        (),
        ("function",),
        fresh=False,
    ),
    Row(
        "combinations",
        "combinations",
        oracle.combinations,
        (_on((7,)), _on((6,), 3), _on((6,), 2, True), _on((17,), 1)),
        (_on((2,), 3),),
        ("function", "keywords"),
        keywords=("input", "r", "with_replacement"),
    ),
]


def _sorted(found: Any, dtype: str, *_: Any) -> tuple[Demand, ...]:
    return Wanted(found[0], dtype), Wanted(found[1], "int64")


def _ranked(along: Callable[..., int]) -> Callable[..., tuple[Demand, ...]]:
    """Values that are certain, with indices that only have to point at them."""

    def demand(found: np.ndarray, dtype: str, arrays: list[Any], _: Any) -> tuple[Demand, ...]:
        values = Wanted(found, dtype, signed_zeros=False)
        return values, Picked(arrays[0], along(*arrays[1:]), found)

    return demand


SORTS = _each(LINES, (-1, False), (0, True), (-1, True), (0, False))
SORTING = [
    Row(
        "sort-stable",
        "sort",
        lambda x, stable, dim=-1, descending=False: ranks.sort(x, dim, descending),
        tuple(Case(c.shape, (), {"dim": c.args[0], "descending": c.args[1], "stable": True}) for c in SORTS),
        (Case((), (), {"stable": True}), Case((2, 0), (), {"stable": True}), Case((1,), (), {"stable": True})),
        ("function", "method", "out", "out_stepped", "out_empty"),
        REAL,
        fields=("values", "indices"),
        demand=_sorted,
    ),
    Row(
        "argsort",
        "argsort",
        lambda x, stable, dim=-1, descending=False: ranks.sort(x, dim, descending)[1],
        tuple(Case(c.shape, (), {"dim": c.args[0], "descending": c.args[1], "stable": True}) for c in SORTS),
        (Case((), (), {"stable": True}), Case((2, 0), (), {"stable": True})),
        FM,
        REAL,
        since="2.0",
    ),
    Row(
        "msort",
        "msort",
        lambda x: ranks.sort(x, 0)[0],
        LINES,
        EMPTY,
        ("function", "method"),
        REAL,
        demand=lambda found, dtype, *_: (Wanted(found, dtype, signed_zeros=False),),
    ),
    Row(
        "kthvalue",
        "kthvalue",
        ranks.kthvalue,
        (_on((33,), 5), _on((4, 5), 3, 0), _on((3, 4, 5), 2, -2, True), _on((17, 2), 1, 0, False), _on((2, 17), 17)),
        (_on((1,), 1), _on((), 1)),
        (*KEYED, "out", "out_stepped", "out_empty"),
        (*INTEGERS, "bfloat16", "float32", "float64"),
        ("input", "k", "dim", "keepdim"),
        fields=("values", "indices"),
        demand=_ranked(lambda k, dim=-1, keepdim=False: dim),
    ),
]

ROWS = by_key(JOINING, SPLITTING, ARRANGING, SORTING)

"""The gradient of what only moves elements: every element gets the sum of what the places that it went to got."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.every_form import find
from conformance.oracle import indexing as oracle
from conformance.subject import Subject
from conformance.tables import indexing_brackets as brackets
from conformance.tables.indexing_arrange_rows import ROWS as ARRANGED
from conformance.tables.indexing_rows import IN_ORDER, REORDERED, mask, places
from conformance.tables.indexing_rows import ROWS as INDEXED
from conformance.tables.rows import Case, Row, Values
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous
from properties.strategies.values import cycle, distinct

pytestmark = must_answer

MOVES = (
    *("gather", "take_along_dim", "index_select", "take", "masked_select", "scatter", "scatter of a number"),
    *("index_copy", "index_fill", "index_put", "masked_fill", "masked_scatter", "cat", "stack", "hstack", "vstack"),
    *("dstack", "column_stack", "chunk", "split", "tensor_split", "unbind", "narrow", "select", "diagonal"),
    *("select_scatter", "slice_scatter", "diagonal_scatter", "Tensor.where", "repeat", "tile", "repeat_interleave"),
    *("flip", "roll", "rot90", "tril", "triu", "diag_embed", "diagflat", "sort", "msort", "put", "fliplr", "flipud"),
    *("block_diag", "cartesian_prod", "combinations", "hsplit", "vsplit", "dsplit", "concat", "concatenate"),
    *("row_stack", "kthvalue"),
)
ROWS = {**INDEXED, **ARRANGED}
ORDERED = ("sort", "msort", "kthvalue")
REAL_ONLY = ("slice_scatter", "select_scatter", "diagonal_scatter")  # they know no complex derivative
FIRST = 1000  # places are numbered from here, so that no number written by a function is one of them


class Numbered:
    """The arguments of a case as arrays in which every element bears a number of its own."""

    def __init__(self, case: Case) -> None:
        self.count = FIRST
        self.leaves: list[np.ndarray] = []
        self.first = (
            [self.leaf(shape) for shape in case.shape] if isinstance(case.shape, list) else self.leaf(case.shape)
        )
        self.args = [self.argument(value) for value in case.args]

    def leaf(self, shape: Any) -> np.ndarray:
        numbers = self.count + np.arange(int(np.prod(shape, dtype=np.int64)), dtype=np.float64).reshape(shape)
        self.count += numbers.size
        self.leaves.append(numbers)
        return numbers

    def argument(self, value: Any) -> Any:
        if isinstance(value, Values):
            return self.leaf(value.shape)
        return tuple(map(self.argument, value)) if isinstance(value, tuple) else value


def _fits(row: Row, case: Case) -> bool:
    # Only for sources of the index's shape is the gradient of scatter defined.
    sent = [part.shape for part in case.args if isinstance(part, Values)]
    return row.name != "scatter" or not sent or sent[0] == case.args[1].shape


@pytest.mark.parametrize("row", [pytest.param(key, marks=check("indexing.gradients")) for key in MOVES])
def test_the_gradient_of_a_move(subject: Subject, row: str) -> None:
    table = ROWS[row]
    names = IN_ORDER if row == "masked_select" else tuple(DENSE)  # its other layouts have a claim of their own
    kinds = [dtype for dtype in ("float32", "complex128", "bfloat16", "complex64") if dtype in table.dtypes]
    kinds = ["float32"] if row in (*ORDERED, *REAL_ONLY) else kinds
    cases = [case for case in (*table.main, *table.edge) if _fits(table, case)]
    for turn, case in enumerate(cases):
        _move(subject, table, case, turn, names[turn % len(names)])
    for turn, dtype in enumerate(filter(subject.supports, kinds), start=len(row)):
        _move(subject, table, cases[turn % len(cases)], turn, names[turn % len(names)], dtype)


@check("indexing.masked-scatter-layouts")
def test_the_gradient_of_masked_select_of_any_layout(subject: Subject) -> None:
    table = ROWS["masked_select"]
    for turn, case in enumerate((*table.main, *table.edge)):
        for layout in REORDERED:
            _move(subject, table, case, turn, layout)


def _move(subject: Subject, table: Row, case: Case, turn: int, layout: str, dtype: str = "float64") -> None:
    numbered = Numbered(case)
    found = table.oracle(numbered.first, *numbered.args, **case.options)
    outs = [part for part in (found if isinstance(found, tuple) else (found,)) if part.dtype == np.float64]
    # The numbers decide where a sorted element goes, so they are its values.
    fill = (lambda leaf: leaf) if table.name in ORDERED else lambda leaf: distinct(dtype, leaf.shape)
    tensors = [LAYOUTS[layout](fill(leaf), dtype).with_grad().on(subject) for leaf in numbered.leaves]
    ways = {"torch": find, "Tensor": lambda name: lambda x, *rest, **options: getattr(x, name)(*rest, **options)}
    forms = [way for way, form in (("torch", "function"), ("Tensor", "method")) if form in table.forms]
    way = forms[turn % len(forms)]
    out = ways[way](table.name)(*_given(subject, case, iter(tensors)), **case.options)
    plain = ways[way](table.name)(*_given(subject, case, iter([leaf.detach() for leaf in tensors])), **case.options)
    _judge(f"{way}.{table.name} of {dtype} {case.shape}, {layout}", out, plain, outs, numbered, tensors, subject)


def _given(subject: Subject, case: Case, tensors: Any) -> list[Any]:
    first = [next(tensors) for _ in case.shape] if isinstance(case.shape, list) else next(tensors)
    return [first, *(_argument(subject, value, tensors) for value in case.args)]


def _argument(subject: Subject, value: Any, tensors: Any) -> Any:
    if isinstance(value, Values):
        return next(tensors)
    if isinstance(value, np.ndarray):
        return contiguous(value, value.dtype.name).on(subject)
    return tuple(_argument(subject, part, tensors) for part in value) if isinstance(value, tuple) else value


def _floating(found: Any) -> list[Any]:
    return [
        part
        for part in (found if isinstance(found, (tuple, list)) else [found])
        if part.is_floating_point() or part.is_complex()
    ]


def _judge(
    text: str, found: Any, plain: Any, outs: list[np.ndarray], numbered: Numbered, tensors: list[Any], subject: Subject
) -> None:
    parts = _floating(found)
    require(len(parts) == len(outs), f"{text} gives {len(parts)} tensors of numbers", len(outs), len(parts))
    for part, other in zip(parts, _floating(plain), strict=True):
        require(part.requires_grad, f"{text} does not require a gradient, though its input does", True, False)
        same(
            f"{text}, of tensors that require gradients", part, Wanted(host.array(other), host.dtype_name(other.dtype))
        )
    weights = [cycle(np.array([1.0, 2, 3, -1, 4, 0, -5]), out.shape) for out in outs]
    dtype = host.dtype_name(tensors[0].dtype)
    vectors = [contiguous(weight, dtype).on(subject) for weight in weights]
    grads = torch.autograd.grad(parts, tensors, vectors, allow_unused=True)
    total = np.zeros(numbered.count)
    for out, weight in zip(outs, weights, strict=True):
        np.add.at(total, np.maximum(out, 0).astype(np.int64).ravel(), weight.ravel())
    for place, (leaf, grad) in enumerate(zip(numbered.leaves, grads, strict=True)):
        wanted = total[leaf.astype(np.int64)]
        if grad is not None or wanted.any():
            same(f"the gradient of {text}, argument {place}", grad, Wanted(wanted, dtype, signed_zeros=False))


S = slice
INDICES: list[tuple[tuple[int, ...], tuple[Any, ...]]] = [
    ((4, 5), (1,)),
    ((4, 5), (S(1, 3), -2)),
    ((4, 5), (..., S(None, None, 2))),
    ((4, 5), (None, 2)),
    ((33,), (S(5, None, 3),)),
    ((4, 5), (np.array([1, 1, 3]),)),
    ((4, 5), (mask((4, 5)),)),
    ((4, 5, 6), (np.array([1, 3]), S(None), np.array([0, 0]))),
    ((33,), (places((60,), 33),)),
    ((4, 5), (np.array([0, -4]), np.array([2, 2]))),
    ((3,), (True,)),
    ((4, 5), (S(0, 0),)),
]


@check("indexing.gradients")
def test_the_gradient_of_reading(subject: Subject) -> None:
    for shape, index in INDICES:
        for layout in ("contiguous", "transposed", "stepped"):
            x = LAYOUTS[layout](distinct("float64", shape), "float64").with_grad().on(subject)
            out = x[brackets.on(subject, index)]
            weight = cycle(np.array([1.0, 2, 3, -1, 4]), tuple(out.shape))
            (grad,) = torch.autograd.grad(out, x, contiguous(weight, "float64").on(subject))
            wanted = np.zeros(int(np.prod(shape)))
            np.add.at(wanted, oracle.places(shape, index).ravel(), weight.ravel())
            text = f"the gradient of x[{brackets.written(index)}] of {shape}, {layout}"
            same(text, grad, Wanted(wanted.reshape(shape), "float64", signed_zeros=False))


@check("indexing.gradients")
def test_the_gradient_of_writing(subject: Subject) -> None:
    once = [
        (shape, index) for shape, index in INDICES if len(np.unique(spots := oracle.places(shape, index))) == spots.size
    ]
    for shape, index in once:
        where = oracle.places(shape, index)
        x = contiguous(distinct("float64", shape), "float64").with_grad().on(subject)
        new = contiguous(distinct("float64", where.shape), "float64").with_grad().on(subject)
        y = x.clone()
        y[brackets.on(subject, index)] = new
        weight = cycle(np.array([1.0, 2, 3, -1, 4]), shape)
        to_x, to_new = torch.autograd.grad(y, [x, new], contiguous(weight, "float64").on(subject))
        kept = weight.reshape(-1).copy()
        kept[where.ravel()] = 0
        text = f"y[{brackets.written(index)}] = new, shape {shape}: the gradient of"
        same(f"{text} y", to_x, Wanted(kept.reshape(shape), "float64", signed_zeros=False))
        same(f"{text} new", to_new, Wanted(weight.reshape(-1)[where], "float64", signed_zeros=False))


@check("indexing.gradients")
def test_the_gradients_of_sums_at_indices(subject: Subject) -> None:
    index = places((4, 5), 5)
    weight = cycle(np.array([1.0, 2, 3, -1, 4]), (4, 5))
    rows = np.array([1, 1, 0, 3])
    calls = {
        "scatter_add": (index, lambda x, i, s: x.scatter_add(1, i, s), np.take_along_axis(weight, index, 1)),
        "scatter_reduce": (
            index,
            lambda x, i, s: x.scatter_reduce(1, i, s, "sum"),
            np.take_along_axis(weight, index, 1),
        ),
        "index_add": (rows, lambda x, i, s: x.index_add(0, i, s), weight[rows]),
        "index_add, alpha=3": (rows, lambda x, i, s: x.index_add(0, i, s, alpha=3), 3 * weight[rows]),
        "index_put": (rows, lambda x, i, s: x.index_put((i,), s, accumulate=True), weight[rows]),
    }
    for name, (where, call, wanted) in calls.items():
        x, source = (contiguous(distinct("float64", (4, 5)), "float64").with_grad().on(subject) for _ in range(2))
        out = call(x, contiguous(where, "int64").on(subject), source)
        to_x, to_source = torch.autograd.grad(out, [x, source], contiguous(weight, "float64").on(subject))
        same(f"the gradient of {name}, x", to_x, Wanted(weight, "float64"))
        same(f"the gradient of {name}, source", to_source, Wanted(wanted, "float64", signed_zeros=False))

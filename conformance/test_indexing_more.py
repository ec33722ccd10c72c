"""x[…] and x[…] = … once more: bounds, long and expanded indices, Python's own protocols, and numbers that convert."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.every_form import gaps_kept, laid
from conformance.oracle import indexing as oracle
from conformance.subject import Subject
from conformance.tables import indexing_brackets as brackets
from conformance.tables.indexing_bracket_rows import ALL, S, tensor
from conformance.tables.indexing_rows import mask, places
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, expanded, stepped, transposed
from properties.strategies.values import distinct

pytestmark = must_answer

LONG = 40_003


@check("indexing.slice-bounds")
def test_bounds_of_slices_may_be_tensors_and_numpys_integers(subject: Subject) -> None:
    values = distinct("float32", (17, 5))
    for layout in DENSE:
        x = LAYOUTS[layout](values, "float32").on(subject)
        for bounds in ((3, 9, 1), (-5, 16, 2), (0, 17, 5), (9, 3, 1), (-40, 40, 3)):
            for kind in (torch.tensor, np.int64, np.int32, lambda n: torch.tensor(n, dtype=torch.int32)):
                start, stop, step = map(kind, bounds)
                text = f"x[{bounds[0]}:{bounds[1]}:{bounds[2]}], bounds of {type(start).__name__}, {layout}"
                wanted = values[bounds[0] : bounds[1] : bounds[2]]
                same(text, x[start:stop:step], Wanted(wanted, "float32"))
                same(text, x[:, 1:][start:stop:step, 0], Wanted(wanted[:, 1].copy(), "float32"))
                same(text, x[start:], Wanted(values[bounds[0] :], "float32"))
                same(text, x[:stop], Wanted(values[: bounds[1]], "float32"))


@check("indexing.basic-shares")
def test_views_of_views_stay_views(subject: Subject) -> None:
    values = distinct("float32", (5, 6, 7, 4))
    for layout in DENSE:
        x = LAYOUTS[layout](values, "float32").on(subject)
        spots = np.arange(x.numel()).reshape(values.shape)
        for chain in ((4, 5, 6, 3), (4, 5, 6), (S(1, None), -1, S(None, None, 2)), (3, S(2, 5), 2, None, ...)):
            part, place = x, spots
            for item in chain:
                part, place = part[item], place[item]
                text = f"x{''.join(f'[{brackets.written(i)}]' for i in chain)}, {layout}"
                brackets.looks_at(text, part, x, np.asarray(place))


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("tensor", marks=check("indexing.long-tensor")),
        pytest.param("mask", marks=check("indexing.mask")),
    ],
)
def test_reading_many_elements(subject: Subject, kind: str) -> None:
    index = places((LONG,), LONG, 3) - LONG if kind == "tensor" else mask((LONG,), 4)
    for dtype, layout in (("float32", contiguous), ("int64", stepped), ("bool", contiguous), ("complex64", stepped)):
        values = distinct(dtype, (LONG,))
        for key_layout in (contiguous, stepped):
            x, key = layout(values, dtype).on(subject), key_layout(index, index.dtype.name).on(subject)
            same(f"x[{kind} of {LONG}], x of {dtype}", x[key], Wanted(values[index], dtype))
    matrix = distinct("float32", (211, 193))
    where = places((300,), 211, 5)
    key = contiguous(where if kind == "tensor" else matrix % 3 == 1, "int64" if kind == "tensor" else "bool")
    for layout in (contiguous, transposed):
        out = layout(matrix, "float32").on(subject)[key.on(subject)]
        same(f"x[{kind}] of a large matrix", out, Wanted(matrix[key.array], "float32"))


@check("indexing.integer-dtypes", since="2.0")
def test_int32_indices_in_tuples_and_of_many_dimensions(subject: Subject) -> None:
    values = distinct("float32", (4, 5, 6))
    for index in (
        (tensor(3, -1),),
        (ALL, tensor(0, -5)),
        (tensor(1, -2), tensor(0, -1)),
        (..., tensor([1, -6], [0, 5])),
        (0, tensor(4, -4), S(1, 3)),
    ):
        for layout in DENSE:
            recipe = LAYOUTS[layout](values, "float32")
            items = tuple(i.astype(np.int32) if isinstance(i, np.ndarray) else i for i in index)
            key, text = brackets.on(subject, items, "contiguous"), f"x[int32 {brackets.written(index)}], {layout}"
            same(text, recipe.on(subject)[key], Wanted(oracle.get(values, index), "float32"))
            x = recipe.on(subject)
            x[key] = -7
            same(f"{text} = -7", x, Wanted(oracle.put(values, index, np.float32(-7)), "float32"))


@check("indexing.expanded-inputs")
def test_indices_and_values_in_brackets_may_be_expanded(subject: Subject) -> None:
    for shape in ((4, 5), (5, 5)):
        values = distinct("float32", shape)
        row = np.array([[True, False, True, True, False]] * shape[0])
        rows = np.array([[2, 0, -1]] * 3)
        for dim in (0, 1):
            chosen = expanded(
                row if dim == 0 else np.repeat([[True], [False], [True], [True], [False]], 5, 1), "bool", dim
            )
            if chosen.shape != shape:
                continue
            _expanded(subject, values, chosen)
        _expanded(subject, values, expanded(rows, "int64"))


def _expanded(subject: Subject, values: np.ndarray, index: Any) -> None:
    for layout in DENSE:
        recipe = LAYOUTS[layout](values, "float32")
        key, where = index.on(subject), (index.array,)
        text = f"x[expanded {index.array.tolist()}], {layout}"
        wanted = oracle.get(values, where)
        same(text, recipe.on(subject)[key], Wanted(wanted, "float32"))
        for value in (-7.0, torch.full((1,), -7.0, device=subject.device).expand(wanted.shape)):
            base, x = laid(subject, recipe)
            x[key] = value
            same(f"x after {text} = -7", x, Wanted(oracle.put(values, where, np.float32(-7)), "float32"))
            gaps_kept(text, base, recipe)


# By dtype: what is written, and what the element then is.
NUMBERS: dict[str, list[tuple[Any, Any]]] = {
    "int64": [(2.7, 2), (-2.7, -2), (2**53 + 1, 2**53 + 1), (2**63 - 1, 2**63 - 1), (-(2**63), -(2**63)), (True, 1)],
    "int32": [(1.5, 1), (-0.9, 0), (2**31 - 1, 2**31 - 1)],
    "uint8": [(255, 255), (3.99, 3), (True, 1)],
    "bool": [(2, True), (0, False), (0.5, True), (-1, True), (0.0, False), (math.nan, True)],
    "float32": [(True, 1), (2**24 + 1, 2.0**24), (math.inf, math.inf), (math.nan, math.nan), (0.1, np.float32(0.1))],
    "float64": [(0.1, 0.1), (2**53, 2.0**53), (-math.inf, -math.inf)],
    "float16": [
        (0.1, np.float16(0.1)),
        (1.0009765625, np.float16(1.0009765625)),
        (65504, 65504.0),
        (3.3, np.float16(3.3)),
    ],
    "complex64": [(1 - 2j, 1 - 2j), (2j, 2j), (1.5, 1.5), (True, 1)],
    "complex128": [(0.1 + 0.2j, 0.1 + 0.2j), (3, 3)],
}


@check("indexing.write-converts")
@pytest.mark.parametrize("dtype", NUMBERS)
def test_numbers_take_the_dtype_of_the_tensor(subject: Subject, dtype: str) -> None:
    subject.require(dtype)
    for number, due in NUMBERS[dtype]:
        for index in (1, S(1, 4), ..., tensor(0, 2), np.array([True, False, True, False, False]), None, True):
            for layout in (contiguous, stepped):
                start = np.zeros(5, host.array(torch.empty(0, dtype=host.torch_dtype(dtype))).dtype)
                x = layout(start, dtype).on(subject)
                x[brackets.on(subject, (index,))] = number
                wanted = oracle.put(start, (index,), np.asarray(due).astype(start.dtype))
                same(f"x after x[{brackets.written(index)}] = {number}, x of {dtype}", x, Wanted(wanted, dtype))
        single = torch.zeros((), dtype=host.torch_dtype(dtype), device=subject.device)
        for key in (..., ()):
            single[key] = number
            assert_values(f"0-d {dtype} after x[{key}] = {number}", single, np.asarray(due), dtype=dtype)


@check("indexing.iteration")
def test_parts_of_an_iteration_stay_in_the_graph(subject: Subject) -> None:
    for shape in ((3,), (3, 4), (3, 2, 2)):
        x = contiguous(distinct("float64", shape), "float64").with_grad().on(subject)
        parts = list(x)
        require(all(part.requires_grad for part in parts), f"parts of a tensor of {shape} that requires grad do not")
        sum(part.sum() * (place + 1) for place, part in enumerate(parts)).backward()
        weight = np.arange(1.0, 4).reshape(3, *(1 for _ in shape[1:]))
        assert_values(f"the gradient through list(x) of {shape}", x.grad, np.broadcast_to(weight, shape))
        first, *rest = x
        require(len(rest) == 2 and first.grad_fn is not None, "unpacking a tensor leaves the graph")


@check("indexing.reversed")
def test_reversed_reads_the_first_dimension_backwards(subject: Subject) -> None:
    for shape in ((5,), (4, 3), (2, 3, 4), (0, 3), (1, 2)):
        for layout in DENSE:
            recipe = LAYOUTS[layout](distinct("float32", shape), "float32")
            out = reversed(recipe.on(subject))
            parts = torch.stack(list(out)) if shape[0] else torch.zeros(shape, device=subject.device)
            same(f"reversed(x) of {shape}, {layout}", parts, Wanted(recipe.array[::-1].copy(), "float32"))


@check("indexing.contains")
def test_in_asks_for_an_equal_element(subject: Subject) -> None:
    x = contiguous(np.array([[1.0, 2.5, -0.0], [math.inf, math.nan, 7]]), "float32")
    for layout in DENSE:
        t = LAYOUTS[layout](x.array, "float32").on(subject)
        for value, due in (
            (1, True),
            (2.5, True),
            (0, True),
            (math.inf, True),
            (3, False),
            (math.nan, False),
            (8, False),
        ):
            require((value in t) is due, f"{value} in x is {value in t}, {layout}", due, value in t)
            require((torch.tensor(float(value)) in t) is due, f"tensor({value}) in x is {not due}", due, not due)
    for layout in DENSE:
        long = LAYOUTS[layout](np.arange(40).reshape(4, 10), "int64").on(subject)
        require(all(n in long for n in range(40)) and 40 not in long, f"in goes wrong for 40 numbers, {layout}")
    whole = torch.arange(20, device=subject.device)
    require(19 in whole and 20 not in whole and -1 not in whole, "in goes wrong for torch.arange(20)")
    require(1 not in whole[:0], "1 is in a tensor without elements")
    assert_raises("'a' in x", (RuntimeError, TypeError), lambda: "a" in whole)


@check("indexing.dstack-single")
def test_dstack_of_one_element_is_written_into_an_output_of_any_strides(subject: Subject) -> None:
    for dtype in ("float32", "float16", "int64"):
        x = contiguous([3], dtype).on(subject)
        for layout in DENSE:
            out = LAYOUTS[layout](np.array([[[7]]]), dtype).on(subject)
            torch.dstack([x], out=out)
            same(f"torch.dstack([{dtype} x], out={layout} out)", out, Wanted(np.array([[[3]]], dtype), dtype))

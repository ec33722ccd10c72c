"""x[…]: which elements each kind of index selects, what the result shares, and what a wrong index gets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance import brackets, host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.indexing_rows import mask, places
from conformance.oracle import indexing as oracle
from conformance.subject import Subject
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, transposed
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer

S = slice
ALL = slice(None)
Indexed = tuple[tuple[int, ...], list[Any]]


def tensor(*items: Any) -> np.ndarray:
    return np.array(items, np.int64)


CUBE = (4, 5, 6)
INDICES: dict[str, list[Indexed]] = {
    "int-index": [
        ((4, 5, 6), [0, 3, -1, -4, (1, 2), (0, -1, 3), (-1, -5, -6), (2, 4), np.int64(2), (np.int32(1), 3)]),
        ((33,), [0, 32, -33, 17, -1]),
        ((2, 0), [0, -1]),
        ((1,), [0, -1]),
    ],
    "zero-dim-tensor-index": [
        ((4, 5, 6), [np.array(2), np.array(-1), (np.array(1), 3), (ALL, np.array(-2)), (0, np.array(4), np.array(-6))]),
        ((33,), [np.array(32), np.array(-33)]),
    ],
    "slice": [
        ((17,), [S(3, 9), S(None, None, 2), S(1, None, 3), S(-5, None), S(None, -4), S(-3, -1), S(2, 100), S(-100, 4)]),
        ((17,), [S(9, 3), S(40, 50), S(5, 5), S(None), S(0, 17, 16), S(0, 17, 50), S(-2, 100, 5), S(None, None, 17)]),
        (
            (4, 5, 6),
            [S(1, 3), (S(1, 3), S(None, None, 2)), (ALL, ALL, S(-4, None, 3)), (S(None, None, 3), S(4, 1), S(2, 3))],
        ),
        ((4, 5), [(ALL, S(1, 2)), (S(0, 0), ALL), (S(1, 2), S(1, 2))]),
        ((0, 3), [S(0, 5), (ALL, S(1, None)), (S(None, None, 2), 1)]),
    ],
    "int-and-slice": [
        (
            (4, 5, 6),
            [(1, S(2, 4)), (ALL, -2, S(None, None, 4)), (S(1, None, 2), ALL, 3), (0, ALL, 5), (-1, S(3, None), -1)],
        ),
    ],
    "ellipsis": [
        (
            (4, 5, 6),
            [..., (..., 1), (1, ...), (1, ..., 2), (..., S(1, 3)), (S(1, 3), ..., 0), (1, 2, 3, ...), (..., 1, 2, 3)],
        ),
        ((5,), [(..., 2), (2, ...), ...]),
        ((), [..., ()]),
    ],
    "none-adds-axis": [
        (
            (4, 5),
            [
                None,
                (ALL, None),
                (..., None),
                (None, ..., None),
                (None, None, 2),
                (ALL, None, 1),
                (1, None, S(1, 3)),
                (None, ALL, None, ALL, None),
            ],
        ),
        ((17,), [None, (ALL, None), (..., None), (None, 3), (S(None, None, 2), None)]),
        ((), [None, (None, ...), (..., None), (None, None)]),
        ((0,), [None, (ALL, None)]),
    ],
    "bool-scalar": [
        (
            (4, 5),
            [True, False, (True, ...), (ALL, True), (1, True), (False, 1), np.array(True), (..., np.array(False))],
        ),
        ((), [True, False, np.array(True)]),
        ((17,), [(True, S(None, None, 2)), (True, None)]),
    ],
    "long-tensor": [
        (
            (4, 5, 6),
            [tensor(3, 0, 0, 2, -1), tensor([1, 2], [-4, 0]), (ALL, tensor(4, -5)), (ALL, ALL, tensor(5, 1, 1))],
        ),
        ((33,), [places((17,), 33), places((3, 3), 33, 1) - 33, tensor(-33), tensor([[7]])]),
        (
            (4, 5),
            [(..., tensor(2, 2)), (S(1, 3), tensor(0, -1)), (tensor(1), S(None, None, 2)), tensor(*range(20)) % 4],
        ),
        ((1, 3), [tensor(0, -1, 0), (ALL, tensor(2))]),
    ],
    "zero-size-index": [
        (
            (4, 5),
            [
                tensor(),
                (ALL, tensor()),
                tensor().reshape(0, 3),
                (tensor(), tensor()),
                np.zeros(4, bool),
                np.zeros((4, 5), bool),
                (tensor(), 1),
            ],
        ),
        ((0, 5), [tensor(), np.zeros(0, bool), np.zeros((0, 5), bool), (ALL, tensor(1, 2))]),
        ((0,), [tensor(), np.zeros(0, bool)]),
    ],
    "list-index": [
        (
            (4, 5),
            [
                [0, 2],
                [-1, 0, 0],
                [3],
                (ALL, [1, 3]),
                ([0, 1, 2], [3, 4, -5]),
                ([True, False, True, True],),
                [False, True, False, True],
                (2, [0, 0, 4]),
                ([1, 2], S(1, 3)),
            ],
        ),
        ((17,), [[16, 0, 3], [-17]]),
    ],
    "mask": [
        ((4, 5), [mask((4, 5)), mask((4,), 1), (ALL, mask((5,), 2)), np.ones((4, 5), bool), (..., mask((5,), 2))]),
        (
            (3, 4, 5),
            [mask((3, 4, 5), 3), mask((3, 4), 4), (ALL, mask((4, 5), 5)), (1, mask((4, 5), 6)), (ALL, ALL, mask((5,)))],
        ),
        ((33,), [mask((33,), 7), mask((33,), 8)]),
        ((3, 4), [(mask((3,), 9), None), (S(1, 3), mask((4,), 3)), (mask((3,), 3), S(None, None, 2))]),
        ((2, 1), [mask((2, 1)), np.array([[True], [False]])]),
    ],
    "several-tensors": [
        (
            (4, 5, 6),
            [
                (tensor(1, 3), tensor(0, -1)),
                (tensor(1, 3), tensor(0, 4), tensor(5, -6)),
                (ALL, tensor(1, 3), tensor(5, 0)),
                (tensor([1, 2], [3, 0]), tensor([0, 1], [2, 3])),
            ],
        ),
        ((5, 17), [(tensor(*range(17)) % 5, tensor(*range(17)))]),
    ],
    "indices-broadcast": [
        (
            (4, 5, 6),
            [
                (tensor([1], [3]), tensor(0, 2, 4)),
                (tensor(1, 3), tensor(2)),
                (tensor([[1]], [[3]]), tensor([0], [1])),
                (tensor(2), ALL, tensor([1], [3])),
                (tensor([0], [1]), tensor(4), tensor(5, 0, 1)),
            ],
        ),
    ],
    "tensors-apart": [
        (
            (4, 5, 6),
            [
                (tensor(1, 3), ALL, tensor(0, -1)),
                (tensor(1, 3), S(1, 4, 2), tensor([0], [5])),
                (tensor(1, 3), None, tensor(0, 4)),
                (tensor(1, 3), ..., tensor(2, 2)),
            ],
        ),
        (
            (2, 3, 4, 5),
            [
                (tensor(1, 0), ALL, ALL, tensor(4, 2)),
                (ALL, tensor(1, 0), ALL, tensor(4, 2)),
                (tensor(1, 0), tensor(2, 1), ALL, tensor(4, 2)),
            ],
        ),
    ],
    "tensors-together": [
        (
            (2, 3, 4, 5),
            [
                (ALL, tensor(1, 0), tensor(3, 1)),
                (ALL, ALL, tensor(1, 0, 2)),
                (..., tensor(1, 0), tensor(4, 2)),
                (None, tensor(1, 0), tensor(2, 1)),
                (ALL, tensor(1, 0), tensor(3, 2), S(1, 3)),
                (S(None, None, 1), tensor([0, 2], [1, 1]), S(1, 3)),
            ],
        ),
    ],
    "int-between-tensors": [
        (
            (4, 5, 6),
            [
                (0, ALL, tensor(1, 3)),
                (tensor(1, 3), 2, tensor(0, 5)),
                (tensor(1, 3), 2),
                (2, tensor(1, 3)),
                (ALL, 2, tensor(1, 3)),
                (tensor(1, 3), ALL, 2),
                (-1, tensor([4], [0]), tensor(5, 1)),
            ],
        ),
    ],
    "mask-and-tensor": [
        (
            (4, 5, 6),
            [
                (mask((4,), 1), tensor(2)),
                (tensor(1), mask((5,), 2)),
                (mask((4, 5), 3), tensor(0)),
                (mask((4,), 1), ALL, tensor(3)),
                (1, mask((5,), 2), tensor(3)),
            ],
        ),
    ],
}


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=check(f"indexing.{kind}")) for kind in INDICES])
def test_reading(subject: Subject, kind: str) -> None:
    turn = 0
    for shape, indices in INDICES[kind]:
        for index in indices:
            for layout in LAYOUTS:
                dtype = COMMON[turn % len(COMMON)]
                _read(subject, shape, index, layout, dtype, turn)
                turn += 1


def _read(subject: Subject, shape: tuple[int, ...], index: Any, layout: str, dtype: str, turn: int) -> None:
    recipe = LAYOUTS[layout](cycle(np.roll(interesting(dtype), turn), shape), dtype)
    x, items = recipe.on(subject), brackets.plain(index)
    key = brackets.on(subject, _tuple(index), list(DENSE)[turn % len(DENSE)])
    before = Unchanged(x=x, **_tensors(key))
    text = f"x[{brackets.written(index)}] of <{dtype} {list(shape)}, {layout}>"
    out = x[key]
    same(text, out, Wanted(oracle.get(recipe.array, items), dtype))
    before.check(text)
    if brackets.is_basic(items):
        brackets.looks_at(text, out, x, oracle.places(shape, items))
    else:
        assert_apart(text, out, x)


def _tuple(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def _tensors(key: Any) -> dict[str, torch.Tensor]:
    items = key if isinstance(key, tuple) else (key,)
    return {f"index_{place}": item for place, item in enumerate(items) if isinstance(item, torch.Tensor)}


@check("indexing.mask-before-slice", since="2.13")
def test_a_mask_over_two_dimensions_before_other_items(subject: Subject) -> None:
    for shape, index in (
        ((4, 5, 6), (mask((4, 5)), S(None, None, 2))),
        ((4, 5, 6), (mask((4, 5), 1), -2)),
        ((3, 4, 5), (mask((3, 4), 2), S(1, 4))),
        ((2, 3, 4, 5), (ALL, mask((3, 4), 3), S(1, 3))),
    ):
        for turn, layout in enumerate(LAYOUTS):
            _read(subject, shape, index, layout, "float32", turn)
        recipe = transposed(distinct("float32", shape), "float32")
        x = recipe.on(subject)
        x[brackets.on(subject, index)] = -1.0
        text = f"x after x[{brackets.written(index)}] = -1"
        same(text, x, Wanted(oracle.put(recipe.array, index, np.float32(-1)), "float32"))


@check("indexing.integer-dtypes", since="2.0")
def test_indices_may_be_int32(subject: Subject) -> None:
    for shape, index in (((4, 5), tensor(3, 0, -1)), ((33,), places((17,), 33)), ((4, 5), tensor([1, 2], [0, 3]))):
        recipe = transposed(cycle(interesting("float32"), shape), "float32")
        for layout in ("contiguous", "stepped"):
            key = LAYOUTS[layout](index.astype(np.int32), "int32").on(subject)
            wanted = Wanted(oracle.get(recipe.array, (index,)), "float32")
            same(f"x[int32 {index.tolist()}]", recipe.on(subject)[key], wanted)
            x = recipe.on(subject)
            x[key] = 5
            same("x after x[int32] = 5", x, Wanted(oracle.put(recipe.array, (index,), np.float32(5)), "float32"))


@check("indexing.bytetensor-index")
def test_a_uint8_index_is_a_mask(subject: Subject) -> None:
    for shape, chosen in (
        ((3,), np.array([1, 0, 1])),
        ((4, 5), mask((4, 5))),
        ((33,), mask((33,), 1)),
        ((4, 5), mask((4,))),
    ):
        recipe = contiguous(distinct("int64", shape), "int64")
        for layout in ("contiguous", "transposed", "stepped"):
            key = LAYOUTS[layout](chosen.astype(np.uint8), "uint8").on(subject)
            wanted = Wanted(oracle.get(recipe.array, (chosen.astype(bool),)), "int64")
            same(f"x[uint8 {chosen.astype(int).tolist()}]", recipe.on(subject)[key], wanted)


@check("indexing.array-index", since="2.6")
def test_a_numpy_array_is_an_index_as_a_tensor_is(subject: Subject) -> None:
    recipe = contiguous(distinct("float32", (4, 5)), "float32")
    for index in (tensor(3, 0, -1), mask((4, 5)), mask((4,), 1), tensor([1, 0], [2, 2])):
        wanted = Wanted(oracle.get(recipe.array, (index,)), "float32")
        same(f"x[np.array({index.tolist()})]", recipe.on(subject)[index], wanted)


@check("indexing.column-slice")
def test_a_column(subject: Subject) -> None:
    for shape in ((4, 5), (3, 3), (17, 2), (2, 33)):
        for layout in LAYOUTS:
            recipe = LAYOUTS[layout](distinct("float32", shape), "float32")
            x = recipe.on(subject)
            same(f"x[:, 1] of {shape}, {layout}", x[:, 1], Wanted(recipe.array[:, 1].copy(), "float32"))
            brackets.looks_at("x[:, 1]", x[:, 1], x, np.arange(x.numel()).reshape(shape)[:, 1])


@check("indexing.int-index-gives-0dim")
def test_an_integer_for_every_dimension_gives_a_tensor_without_dimensions(subject: Subject) -> None:
    values = distinct("float32", (3, 4))
    for layout in DENSE:
        x = LAYOUTS[layout](values, "float32").on(subject)
        for i, j in ((0, 0), (2, 3), (-1, -4), (1, -1)):
            out = x[i, j]
            require(isinstance(out, torch.Tensor), f"x[{i}, {j}] is a {type(out).__name__}, but should be a tensor")
            same(f"x[{i}, {j}]", out, Wanted(values[i, j], "float32"))
            require(out.item() == values[i, j], f"x[{i}, {j}].item() is {out.item()}", values[i, j], out.item())
            same(f"x[{i}][{j}]", x[i][j], Wanted(values[i, j], "float32"))
        x[1, 2].fill_(-8)
        expected = values.copy()
        expected[1, 2] = -8
        same(f"x after x[1, 2].fill_(-8), {layout}", x, Wanted(expected, "float32"))


@check("indexing.basic-shares")
def test_a_basic_index_gives_a_view_that_can_be_written_to(subject: Subject) -> None:
    values = distinct("int32", (4, 5, 6))
    for layout in DENSE:
        for index in ((1,), (S(1, 3),), (ALL, S(None, None, 2)), (..., 2), (None, 1, S(2, 4)), (2, ..., -1)):
            x = LAYOUTS[layout](values, "int32").on(subject)
            part = x[index]
            part.fill_(-7)
            text = f"x after x[{brackets.written(index)}].fill_(-7), {layout}"
            same(text, x, Wanted(oracle.put(values, index, np.int32(-7)), "int32"))
            x.fill_(9)
            require((host.array(part) == 9).all(), f"x[{brackets.written(index)}] does not see what is written to x")


@check("indexing.advanced-copies")
def test_an_index_with_an_array_gives_a_copy(subject: Subject) -> None:
    values = distinct("int32", (4, 5, 6))
    for layout in DENSE:
        for index in (
            (tensor(0, 1, 2, 3),),
            (np.ones((4, 5, 6), bool),),
            ([0, 1, 2, 3],),
            (ALL, tensor(2)),
            (True,),
            (1, [0, 1]),
        ):
            x = LAYOUTS[layout](values, "int32").on(subject)
            part = x[brackets.on(subject, index)]
            before = host.array(part)
            assert_apart(f"x[{brackets.written(index)}]", part, x)
            part.fill_(-7)
            same(f"x after x[{brackets.written(index)}].fill_(-7), {layout}", x, Wanted(values, "int32"))
            part = x[brackets.on(subject, index)]
            x.fill_(9)
            same(f"x[{brackets.written(index)}] after x.fill_(9)", part, Wanted(before, "int32"))


REFUSED: dict[str, list[tuple[tuple[int, ...], Any, Any]]] = {
    "index-out-of-range": [
        *(((4, 5), index, IndexError) for index in (4, -5, (0, 5), (ALL, -6), (..., 7))),
        ((0,), 0, IndexError),
        ((), 0, IndexError),
        ((2, 0), (0, 0), IndexError),
    ],
    "tensor-index-out-of-range": [
        *(
            ((4, 5), index, IndexError)
            for index in (tensor(0, 4), tensor(-5), (ALL, tensor(1, 5)), (tensor(0, 1), tensor(0, -6)))
        ),
        ((0,), tensor(0), (IndexError, RuntimeError)),
        ((4,), [0, 4], IndexError),
    ],
    "too-many-indices": [
        ((4, 5), (0, 0, 0), IndexError),
        ((4, 5), (ALL, ALL, ALL), IndexError),
        ((4,), (tensor(0), tensor(0)), IndexError),
        ((), (ALL,), IndexError),
        ((4, 5), np.zeros((4, 5, 1), bool), IndexError),
        ((4, 5), (..., 0, 0, 0), IndexError),
    ],
    "negative-step": [
        ((17,), S(None, None, -1), ValueError),
        ((4, 5), (ALL, S(3, 1, -1)), ValueError),
        ((17,), S(None, None, 0), ValueError),
    ],
    "mask-shape": [
        ((4, 5), np.zeros((5, 4), bool), IndexError),
        ((4, 5), np.zeros(3, bool), IndexError),
        ((4, 5), (ALL, np.zeros(4, bool)), IndexError),
        ((4, 5), np.zeros((4, 1), bool), IndexError),
    ],
    "indices-that-do-not-broadcast": [
        ((4, 5), (tensor(0, 1), tensor(0, 1, 2)), IndexError),
        ((4, 5, 6), (tensor([0, 1], [2, 3]), ALL, tensor(1, 2, 3)), IndexError),
    ],
    "float-index": [
        ((4, 5), 1.0, (IndexError, TypeError)),
        ((4, 5), np.array([1.0]), IndexError),
        ((4, 5), np.array([1j]).astype(np.complex64), IndexError),
        ((4, 5), (0, 1.5), (IndexError, TypeError)),
    ],
}


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=check(f"indexing.{kind}")) for kind in REFUSED])
def test_refused(subject: Subject, kind: str) -> None:
    for shape, index, error in REFUSED[kind]:
        for layout in ("contiguous", "transposed", "stepped"):
            recipe = LAYOUTS[layout](cycle(interesting("float32"), shape), "float32")
            x, key = recipe.on(subject), brackets.on(subject, _tuple(index))
            before = Unchanged(x=x)
            text = f"x[{brackets.written(index)}] of shape {shape}"
            assert_raises(text, error, lambda x=x, key=key: x[key])
            before.check(text)
            assert_raises(f"{text} = 0", error, lambda x=x, key=key: x.__setitem__(key, 0))
            if kind == "tensor-index-out-of-range":  # found only where it is: what stands before may be written
                continue
            before.check(f"{text} = 0")
            if shape and 0 not in shape:
                same(f"x[-1] after {text}", x[-1], Wanted(recipe.array[-1], "float32"))


@check("indexing.torch-none")
def test_none_is_no_attribute_of_torch(subject: Subject) -> None:
    assert_raises("torch.None", SyntaxError, lambda: compile("torch.None", "<note>", "eval"))
    require(not hasattr(torch, "None"), "torch has an attribute None")
    x = contiguous(distinct("float32", (3,)), "float32").on(subject)
    assert_values("x[None]", x[None], distinct("float32", (1, 3)), dtype="float32")


@check("indexing.iteration")
def test_iteration_goes_over_the_first_dimension(subject: Subject) -> None:
    for shape in ((4, 5), (17,), (3, 2, 2), (0, 3), (1, 0)):
        for layout in ("contiguous", "transposed", "stepped"):
            recipe = LAYOUTS[layout](distinct("float32", shape), "float32")
            x = recipe.on(subject)
            require(len(x) == shape[0], f"len(x) of shape {shape} is {len(x)}", shape[0], len(x))
            found = list(x)
            require(
                len(found) == shape[0], f"iteration over shape {shape} gives {len(found)} parts", shape[0], len(found)
            )
            for place, part in enumerate(found):
                same(f"part {place} of x {shape}", part, Wanted(recipe.array[place], "float32"))
                brackets.looks_at(f"part {place}", part, x, np.arange(x.numel()).reshape(shape)[place])
    number = host.tensor(np.array(1.0), "float32", subject.device)
    assert_raises("iter(0-d tensor)", TypeError, lambda: list(number))
    assert_raises("len(0-d tensor)", TypeError, lambda: len(number))


@check("indexing.list-index-by-0dim-tensor")
def test_a_list_can_be_indexed_by_an_integer_tensor_without_dimensions(subject: Subject) -> None:
    names = ["ant", "bee", "cat", "dog"]
    for dtype in ("int64", "int32", "int16", "uint8", "int8"):
        index = host.tensor(np.array([2, 0, 3, 3]), dtype, subject.device)
        require([names[i] for i in index] == ["cat", "ant", "dog", "dog"], f"names[i] for i in <{dtype}> goes wrong")
        require(names[index[2]] == "dog", f"names[index[2]] for {dtype} is {names[index[2]]}", "dog", names[index[2]])
    negative = host.tensor(np.array(-1), "int64", subject.device)
    require(names[negative] == "dog", "names[tensor(-1)] is not the last", "dog", names[negative])
    wrong = host.tensor(np.array(1.0), "float32", subject.device)
    assert_raises("names[tensor(1.)]", TypeError, lambda: names[wrong])
    several = host.tensor(np.array([1, 2]), "int64", subject.device)
    assert_raises("names[tensor([1, 2])]", TypeError, lambda: names[several])


@check("indexing.comparison-gives-bool")
def test_comparisons_give_masks(subject: Subject) -> None:
    for dtype in ("float32", "int64", "uint8", "float16", "bool"):
        values = cycle(interesting(dtype), (4, 5))
        x = transposed(values, dtype).on(subject)
        for text, found, wanted in (
            ("x > 1", x > 1, values > 1),
            ("x >= 1", x >= 1, values >= 1),
            ("x < 1", x < 1, values < 1),
            ("x <= 1", x <= 1, values <= 1),
            ("x == 1", x == 1, values == 1),
            ("x != 1", x != 1, values != 1),
        ):
            same(f"{text} of {dtype}", found, Wanted(wanted, "bool"))
            same(f"x[{text}] of {dtype}", x[found], Wanted(values[wanted], dtype))

"""x[…]: which elements each kind of index selects, what the result shares, and what a wrong index gets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.oracle import indexing as oracle
from conformance.subject import Subject
from conformance.tables import indexing_brackets as brackets
from conformance.tables.indexing_bracket_rows import ALL, INDICES, REFUSED, S, tensor
from conformance.tables.indexing_rows import mask, places
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, transposed
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer


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

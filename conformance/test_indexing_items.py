"""Items of numpy, of several dtypes and of many places between the brackets, to read and to write."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

import numpy as np
import torch

from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.oracle import indexing as oracle
from conformance.subject import Subject
from conformance.tables import indexing_brackets as brackets
from conformance.tables.indexing_rows import mask
from conformance.wanted import Wanted, same
from properties.strategies.recipe import contiguous, row_stepped, transposed
from properties.strategies.values import distinct

pytestmark = must_answer

S = slice
KINDS = (np.int64, np.int32, np.int8, np.uint8)
FIRST, LAST = np.array([2, 0, -1]), np.array([[0, -4], [3, 1]])
KEYS: tuple[tuple[Any, ...], ...] = (
    *((kind(1),) for kind in KINDS),
    *((kind(1), kind(2)) for kind in KINDS),
    (np.int64(-1), S(None), np.int32(-2)),
    (..., np.int8(-3)),
    (None, np.int64(2), S(np.int64(1), np.int64(4), np.int64(2))),
    *((FIRST.astype(kind),) for kind in (np.int64, np.int32, np.int16, np.int8)),
    (np.array(1),),
    (np.array(-2, np.int32),),
    (S(None), np.array(2)),
    (LAST % 3,),
    (FIRST, 2),
    (S(None), FIRST),
    (FIRST, np.array([3, 1, -2])),
    (FIRST, [3, 1, 2]),
    (np.int64(1), FIRST),
    (..., FIRST),
    (None, FIRST, S(1, 3)),
    (LAST % 3, S(None), LAST),
    (np.arange(6)[::2] % 3,),
    (mask((3,), 1),),
    (mask((3, 4, 5), 2),),
    (mask((3, 4), 2),),
    (S(None), mask((4,), 3)),
    (FIRST[:2], mask((4,), 3)[:4] & np.array([True, True, False, True])),
    (np.array([], np.int64),),
    (S(1, None), 2, mask((5,), 4)),
    ([1, 0], S(1, 3)),
    (S(None), [3, -1]),
    ([0, 2], [True, False, True, False]),
    (2, [0, 1]),
)


@check("indexing.array-index", since="2.6")
def test_items_of_numpy_index_as_plain_ones(subject: Subject) -> None:
    for turn, (key, layout) in enumerate((key, layout) for key in KEYS for layout in (contiguous, transposed)):
        dtype = ("float32", "int64", "bool", "float64")[turn // 2 % 4]
        recipe = layout(distinct(dtype, (3, 4, 5)), dtype)
        plain = tuple(_plain(item) for item in key)
        given = key if len(key) > 1 else key[0]
        text = f"x[{', '.join(map(repr, key))}]"
        same(text, recipe.on(subject)[given], Wanted(oracle.get(recipe.array, plain), dtype))
        x, places = recipe.on(subject), oracle.places((3, 4, 5), plain)
        new = np.resize(np.roll(recipe.array.ravel(), 7), places.shape)
        if len(np.unique(places)) == places.size:
            x[given] = contiguous(new, dtype).on(subject)
            expected = recipe.array.copy().reshape(-1)
            expected[places.ravel()] = new.ravel()
            same(f"x after {text} = new", x, Wanted(expected.reshape(3, 4, 5), dtype))
        x = recipe.on(subject)
        x[given] = 1
        same(f"x after {text} = 1", x, Wanted(oracle.put(recipe.array, plain, recipe.array.dtype.type(1)), dtype))


def _plain(item: Any) -> Any:
    """The same item without numpy's numbers: lists as arrays, integers as Python's, arrays in int64."""
    if isinstance(item, slice):
        return slice(*(end if end is None else int(end) for end in (item.start, item.stop, item.step)))
    if isinstance(item, np.integer):
        return int(item)
    if isinstance(item, list):
        return np.array(item)
    if isinstance(item, np.ndarray) and item.dtype != bool:
        return int(item) if item.ndim == 0 else item.astype(np.int64)
    return item


LONG = np.random.default_rng(3).integers(-60, 60, 1111)


@check("indexing.long-tensor")
def test_many_places_and_mixed_indices_in_every_dtype(subject: Subject) -> None:
    for turn, dtype in enumerate(filter(subject.supports, COMMON)):
        layouts = (contiguous, row_stepped)[turn % 2], (transposed, contiguous)[turn % 2]
        for layout, lay in zip(layouts, (contiguous, row_stepped), strict=True):
            recipe = layout(distinct(dtype, (60, 5)), dtype)
            x, index = recipe.on(subject), lay(LONG, "int64").on(subject)
            text = f"<{dtype} [60, 5] strides {recipe.strides}>"
            same(f"x[1111 places] of {text}", x[index], Wanted(recipe.array[LONG], dtype))
            same(f"x[:, 4][1111 places] of {text}", x[:, 4][index], Wanted(recipe.array[LONG, 4], dtype))
            x[index, 2] = 1
            expected = recipe.array.copy()
            expected[LONG, 2] = 1
            same(f"x after x[1111 places, 2] = 1 of {text}", x, Wanted(expected, dtype))


@check("indexing.long-tensor")
def test_items_of_several_integer_dtypes_and_six_dimensions(subject: Subject) -> None:
    values = distinct("float32", (2, 3, 2, 3, 2, 4))
    for layout in (contiguous, transposed):
        recipe = layout(values, "float32")
        x = recipe.on(subject)
        for place in (1, -1):
            for dtype in ("int64", "int32", "int16", "int8"):
                number = contiguous(np.array(place), dtype).on(subject)
                same(f"x[tensor({place}, {dtype})]", x[number], Wanted(values[place], "float32"))
                same(f"x[:, tensor({place}, {dtype})]", x[:, number], Wanted(values[:, place], "float32"))
        places = contiguous(np.array([1, 0, -1]), "int64").on(subject)
        for key, wanted in (
            ((places,), values[[1, 0, -1]]),
            ((..., places), values[..., [1, 0, -1]]),
            ((S(None), places, S(None), 1), values[:, :, :, 1][:, [1, 0, -1]]),
            ((1, 2, 0, ...), values[1, 2, 0]),
            ((None, 0, ..., S(None, None, 2)), values[None, 0, ..., ::2]),
        ):
            same(f"x[{key}] of six dimensions", x[key], Wanted(wanted, "float32"))


@check("indexing.integer-dtypes", since="2.9")
def test_places_of_int32_beside_those_of_int64(subject: Subject) -> None:
    values = distinct("float32", (4, 5))
    x = transposed(values, "float32").on(subject)
    rows_, columns = (contiguous(np.array(p), d).on(subject) for p, d in (([3, 0, -1], "int32"), ([1, -2, 4], "int64")))
    same("x[int32, int64]", x[rows_, columns], Wanted(values[[3, 0, -1], [1, -2, 4]], "float32"))


@check("indexing.write-int")
def test_writing_where_gradients_are_off(subject: Subject) -> None:
    values = distinct("float32", (3, 4))
    for key in ((1,), (S(None), 2), (np.array([2, 0]),), (mask((3, 4), 1),)):
        expected = values.copy()
        expected[key] = 7
        leaf = contiguous(values, "float32").with_grad().on(subject)
        with torch.no_grad():
            leaf[brackets.on(subject, key)] = 7
        same(f"a leaf after x[{key}] = 7 without grad mode", leaf.detach(), Wanted(expected, "float32"))
        require(leaf.requires_grad and leaf.is_leaf, "x[key] = 7 without grad mode makes a leaf something else")
        with torch.inference_mode():
            x = contiguous(values, "float32").on(subject)
            x[brackets.on(subject, key)] = 7
            same(f"x after x[{key}] = 7 in inference mode", x, Wanted(expected, "float32"))


@check("indexing.gradients")
def test_the_gradient_of_what_is_written_in_each_dtype(subject: Subject) -> None:
    for ours, theirs in (
        ("float32", "float32"),
        ("float32", "float64"),
        ("float64", "float32"),
        ("bfloat16", "float32"),
    ):
        for key in ((1,), (S(None), S(1, 3))):
            x = contiguous(np.zeros((3, 4)), ours).on(subject)
            new = contiguous(np.ones(np.zeros((3, 4))[key].shape), theirs).with_grad().on(subject)
            x[key] = new
            require(x.requires_grad, f"x[{key}] = new leaves the graph, {ours} and {theirs}")
            (x * 3).sum().backward()
            wanted = Wanted(np.full(tuple(new.shape), 3.0), theirs)
            require(new.grad is not None, f"x[{key}] = new gives no gradient, {ours} and {theirs}")
            same(f"the gradient of what x[{key}] = new writes, {theirs} to {ours}", new.grad, wanted)


@check("indexing.write-converts")
def test_numbers_of_numpy_and_long_integers_are_converted(subject: Subject) -> None:
    for dtype in ("float32", "float64", "int64", "uint8", "bool", "complex64", "bfloat16"):
        infinite = (math.inf, -math.inf) if DTYPES[dtype].is_inexact else ()
        for number in (np.float64(2.5), np.float64(0.0), np.int64(3), np.int32(3), np.uint8(7), True, *infinite):
            for layout in (contiguous, transposed):
                recipe = layout(distinct(dtype, (3, 5)), dtype)
                for key in ((1,), (S(None), S(1, None, 2)), (..., -1), (np.array([2, 0]),), (mask((3, 5), 1),)):
                    x, expected = recipe.on(subject), recipe.array.copy()
                    x[brackets.on(subject, key)] = number
                    expected[key] = number
                    same(f"x of {dtype} after x[{key}] = {number!r}", x, Wanted(expected, dtype))
    for number in chain.from_iterable((n, -n, np.int64(n)) for n in (2**31, 2**32 + 5, 2**53 + 1, 2**62 + 1)):
        x, expected = contiguous(np.arange(6), "int64").on(subject), np.arange(6)
        x[2:4], expected[2:4] = number, number
        same(f"x after x[2:4] = {number}", x, Wanted(expected, "int64"))

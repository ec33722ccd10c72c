"""x[…] = …: which elements change and to what, for every kind of index, value and layout."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from conformance import host
from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.every_form import gaps_kept, laid
from conformance.oracle import indexing as oracle
from conformance.subject import Subject
from conformance.tables import indexing_brackets as brackets
from conformance.tables.indexing_rows import apart, mask
from conformance.tables.rows import small
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, Recipe, contiguous, stepped, transposed
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer

S = slice
ALL = slice(None)


def tensor(*items: Any) -> np.ndarray:
    return np.array(items, np.int64)


# No element is named twice: what is written more than once has a check of its own.
INDICES: dict[str, list[tuple[tuple[int, ...], list[Any]]]] = {
    "write-int": [((4, 5, 6), [0, -1, (1, 2), (3, -5, 0), (-4, 4)]), ((33,), [0, -33, 17]), ((1,), [0])],
    "write-slice": [
        ((17,), [S(3, 9), S(None, None, 2), S(1, None, 3), S(-5, None), S(9, 3), S(2, 100), ALL]),
        (
            (4, 5, 6),
            [S(1, 3), (ALL, S(None, None, 2)), (S(1, 4, 2), 1, S(-3, None)), (ALL, ALL, S(1, None, 4)), (..., 2)],
        ),
        ((4, 5), [..., None, (None, 1), (ALL, None, S(1, 3)), (..., None)]),
        ((), [..., ()]),
        ((0, 3), [ALL]),
    ],
    "write-bool-scalar": [((4, 5), [True, False, (True, ...), np.array(True)]), ((), [True, False]), ((17,), [True])],
    "write-tensor": [
        ((4, 5, 6), [tensor(3, 0), tensor([1], [-1]), (ALL, tensor(4, -5, 2)), (ALL, ALL, tensor(5, 1))]),
        ((33,), [apart((17,), 0, 33), tensor(-33), apart((20,), 0, 33, 1) - 33, tensor()]),
        ((4, 5), [[0, 2], (ALL, [1, 3]), (..., tensor(2, 4)), (tensor(1), S(None, None, 2)), (tensor(), ALL)]),
    ],
    "write-mask": [
        ((5, 5), [mask((5, 5), 8), (mask((5,), 1), ALL)]),
        ((4, 5), [mask((4, 5)), mask((4,), 1), (ALL, mask((5,), 2)), np.zeros((4, 5), bool), np.ones((4, 5), bool)]),
        ((3, 4, 5), [mask((3, 4, 5), 3), mask((3, 4), 4), (1, mask((4, 5), 6)), (ALL, mask((4, 5), 5))]),
        ((33,), [mask((33,), 7), [True] * 3 + [False] * 30]),
        ((), [np.array(True)]),
    ],
    "write-mixture": [
        (
            (4, 5, 6),
            [
                (tensor(1, 3), tensor(0, -1)),
                (tensor(1, 3), ALL, tensor(0, 4)),
                (tensor([1], [3]), tensor(0, 2, 4)),
                (0, ALL, tensor(1, 3)),
                (tensor(1, 3), 2, S(1, 5, 2)),
                (S(1, 3), tensor(0, 4), tensor(5, 1)),
                (tensor(1, 3), None, tensor(0, 4)),
                (ALL, tensor(0, 2), 3),
                (mask((4,), 1), 2),
                (-1, mask((5,), 2), 0),
            ],
        ),
        (
            (2, 3, 4, 5),
            [(ALL, tensor(1, 0), ALL, tensor(4, 2)), (tensor(1, 0), ..., tensor(4, 2)), (1, tensor(2, 0), S(1, 3))],
        ),
    ],
}


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=check(f"indexing.{kind}")) for kind in INDICES])
def test_writing(subject: Subject, kind: str) -> None:
    turn = 0
    for shape, indices in INDICES[kind]:
        for index in indices:
            for layout in DENSE:
                dtype = COMMON[turn % len(COMMON)]
                values = cycle(np.roll(interesting(dtype), turn), shape)
                _write(subject, LAYOUTS[layout](values, dtype), index, _new(turn, dtype, values, brackets.plain(index)))
                turn += 1


def _new(turn: int, dtype: str, values: np.ndarray, index: Any) -> Any:
    """What is written: a number, a tensor of the right shape in some layout, or one that broadcasts to it."""
    shape = oracle.places(values.shape, index).shape
    way = turn % 5
    if way == 0:
        return True if dtype == "bool" else 3
    if way == 1:
        return contiguous(cycle(interesting(dtype)[1:2], ()), dtype)
    if way == 2 and shape:
        squashed = tuple(1 if place % 2 else side for place, side in enumerate(shape))
        return contiguous(cycle(interesting(dtype)[::-1], squashed), dtype)
    layout = list(DENSE.values())[turn % len(DENSE)]
    full = shape if way == 3 else (1, *shape)
    return layout(cycle(interesting(dtype)[::-1], full), dtype)


def _write(subject: Subject, recipe: Recipe, index: Any, new: Any) -> None:
    base, x = laid(subject, recipe)
    key = brackets.on(subject, index if isinstance(index, tuple) else (index,))
    value = new.on(subject) if isinstance(new, Recipe) else new
    given = {"value": value} if isinstance(new, Recipe) else {}
    before = Unchanged(**given)
    what = f"<{new.dtype} {list(new.shape)}>" if isinstance(new, Recipe) else repr(new)
    text = f"x[{brackets.written(index)}] = {what}, x of <{recipe.dtype} {list(recipe.shape)} strides {recipe.strides}>"
    x[key] = value
    array = new.array if isinstance(new, Recipe) else np.asarray(new).astype(DTYPES[recipe.dtype].host)
    same(f"x after {text}", x, Wanted(oracle.put(recipe.array, brackets.plain(index), array), recipe.dtype))
    before.check(text)
    gaps_kept(text, base, recipe)


@check("indexing.write-converts")
def test_what_is_written_takes_the_dtype_of_the_tensor(subject: Subject) -> None:
    cases = [
        ("int64", "float32", [1.9, -1.9, 2.5]),
        ("float32", "int64", [1, -2, 3]),
        ("bool", "int64", [0, 2, -1]),
        ("int32", "bool", [True, False, True]),
        ("float16", "float64", [0.1, 1e-9, 3.3]),
        ("float64", "float32", [0.1, 2, 3]),
        ("int8", "int64", [1, -2, 100]),
        ("complex64", "float32", [1.5, -2, 0]),
        ("bfloat16", "float32", [1.004, 3.14159, -0.0]),
    ]
    for dtype, source, raw in cases:
        new = contiguous(np.array(raw).astype(DTYPES[source].host), source)
        with np.errstate(all="ignore"):
            wanted = host.array(host.tensor(np.trunc(new.array) if _to_integers(dtype, source) else new.array, dtype))
        for index in (S(1, 4), tensor(1, 2, 3), np.array([False, True, True, True, False])):
            recipe = stepped(cycle(small(dtype), (5,)), dtype)
            x = recipe.on(subject)
            x[brackets.on(subject, (index,))] = (
                new.on(subject) if not isinstance(index, np.ndarray) else _cast(subject, new, dtype)
            )
            expected = recipe.array
            expected[1:4] = wanted
            same(f"x after x[{brackets.written(index)}] = <{source}>, x of {dtype}", x, Wanted(expected, dtype))


def _to_integers(dtype: str, source: str) -> bool:
    return not DTYPES[dtype].is_inexact and DTYPES[source].is_floating


def _cast(subject: Subject, new: Recipe, dtype: str) -> Any:
    # An index with a tensor takes only values of the dtype itself.
    return new.on(subject).to(host.torch_dtype(dtype))


@check("indexing.write-duplicates")
def test_of_several_values_for_one_element_one_is_kept(subject: Subject) -> None:
    for shape, index in (
        ((5,), (tensor(1, 1, 3, 1),)),
        ((4, 5), (tensor(0, 0, 2),)),
        ((4, 5), (tensor(1, 1, 1), tensor(2, 2, 3))),
        ((33,), (np.arange(40) % 7,)),
        ((4, 5), (ALL, tensor(4, 4))),
    ):
        values = distinct("int64", shape)
        new = np.arange(oracle.places(shape, index).size).reshape(oracle.places(shape, index).shape) + 1000
        for layout in DENSE:
            x = LAYOUTS[layout](values, "int64").on(subject)
            x[brackets.on(subject, index)] = contiguous(new, "int64").on(subject)
            for place, allowed in enumerate(oracle.candidates(values, index, new)):
                found = int(host.array(x).reshape(-1)[place])
                text = f"element {place} of x after x[{brackets.written(index)}] = {new.tolist()} is {found}"
                require(found in allowed, f"{text}, but should be one of {sorted(allowed)}", sorted(allowed), found)


@check("indexing.write-augmented")
def test_augmented_assignment_counts_a_repeated_index_once(subject: Subject) -> None:
    ways = {"+=": operator.iadd, "-=": operator.isub, "*=": operator.imul}
    for shape, index in (
        ((4, 5), (1,)),
        ((4, 5), (S(None, None, 2), 3)),
        ((4, 5), (tensor(0, 2),)),
        ((17,), (tensor(1, 1, 3, 1),)),
        ((4, 5), (mask((4, 5)),)),
        ((4, 5), (..., None, 2)),
    ):
        for sign, way in ways.items():
            for layout in DENSE:
                recipe = LAYOUTS[layout](cycle(small("float32"), shape), "float32")
                base, x = laid(subject, recipe)
                key = brackets.on(subject, index)
                x[key] = way(x[key], 3)
                old = oracle.get(recipe.array, index)
                new = old + 3 if sign == "+=" else old - 3 if sign == "-=" else old * 3
                wanted = Wanted(oracle.put(recipe.array, index, new), "float32", signed_zeros=False)
                same(f"x after x[{brackets.written(index)}] {sign} 3, {layout}", x, wanted)
                gaps_kept(f"x[{brackets.written(index)}] {sign} 3", base, recipe)


@check("indexing.write-self")
def test_a_part_of_a_tensor_can_be_written_to_another(subject: Subject) -> None:
    values = distinct("float32", (6, 4))
    for layout in DENSE:
        for to, given in (
            ((0,), (3,)),
            ((ALL, 0), (ALL, 3)),
            ((S(0, 3),), (S(3, 6),)),
            ((tensor(0, 1),), (tensor(5, 4),)),
        ):
            x = LAYOUTS[layout](values, "float32").on(subject)
            x[brackets.on(subject, to)] = x[brackets.on(subject, given)]
            wanted = oracle.put(values, to, oracle.get(values, given))
            same(f"x after x[{brackets.written(to)}] = x[{brackets.written(given)}]", x, Wanted(wanted, "float32"))


@check("indexing.write-shape")
def test_a_value_that_does_not_broadcast_is_refused(subject: Subject) -> None:
    cases = [
        ((4, 5), (1,), (4,)),
        ((4, 5), (ALL, S(0, 2)), (3,)),
        ((4, 5), (S(0, 2),), (3, 5)),
        ((17,), (S(0, 4),), (5,)),
        ((4, 5), (tensor(0, 1),), (3, 5)),
        ((4, 5), (mask((4, 5)),), (3,)),
        ((4,), (0,), (2,)),
        ((4, 5), (1,), (2, 5)),
    ]
    for shape, index, size in cases:
        for layout in (contiguous, transposed):
            recipe = layout(distinct("float32", shape), "float32")
            x, new = recipe.on(subject), contiguous(distinct("float32", size), "float32").on(subject)
            before, key = Unchanged(x=x, value=new), brackets.on(subject, index)
            text = f"x[{brackets.written(index)}] = value of {size}, x of {shape}"
            assert_raises(
                text, (RuntimeError, IndexError, ValueError), lambda x=x, key=key, new=new: x.__setitem__(key, new)
            )
            before.check(text)
            x[0] = 7
            same("x after x[0] = 7", x, Wanted(oracle.put(recipe.array, (0,), np.float32(7)), "float32"))


@check("indexing.write-dtype")
def test_a_tensor_index_takes_values_of_the_same_dtype_only(subject: Subject) -> None:
    x = contiguous(distinct("float32", (5,)), "float32").on(subject)
    new = contiguous(distinct("int64", (2,)), "int64").on(subject)
    before, key = Unchanged(x=x), brackets.on(subject, (tensor(1, 2),))
    for text, call in (
        ("x[tensor] = int64", lambda: x.__setitem__(key, new)),
        ("x.index_put_", lambda: x.index_put_((key,), new)),
    ):
        assert_raises(f"{text} for x of float32", RuntimeError, call)
    before.check("x[tensor] = int64")


@check("indexing.write-large")
def test_writing_to_a_long_tensor(subject: Subject) -> None:
    size = 40_003
    values = distinct("float32", (size,))
    for index in ((S(5, None, 3),), (apart((30_001,), 0, size),), (mask((size,), 3),)):
        for layout in (contiguous, stepped):
            recipe = layout(values, "float32")
            base, x = laid(subject, recipe)
            wanted = values.copy()
            count = len(wanted[index[0]])
            new = np.arange(count, dtype=np.float32)
            x[brackets.on(subject, index)] = contiguous(new, "float32").on(subject)
            wanted[index[0]] = new
            same(f"x of {size} after writing to {count} elements", x, Wanted(wanted, "float32"))
            gaps_kept("writing to a long tensor", base, recipe)
            same("what was written", x[brackets.on(subject, index)], Wanted(new, "float32"))

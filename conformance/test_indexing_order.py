"""Distinct values, searching in sorted ones, and counting into bins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, INTEGERS
from conformance.every_form import Invocation, answer
from conformance.numerics import EXACT, FAITHFUL, Error
from conformance.oracle import indexing_order as oracle
from conformance.rows import small
from conformance.subject import Subject
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, stepped, transposed
from properties.strategies.values import cycle, interesting

pytestmark = must_answer

UNIQUE = ("bool", *INTEGERS, "bfloat16", "float32", "float64")
SHAPES = ((17,), (4, 5), (3, 4, 5), (33,), (1,), (), (0,), (2, 0), (100,))
LONG = 40_003


def repeated(dtype: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Few different values, so that many are equal, also neighbours."""
    table = small(dtype)[:4]
    return table[np.random.default_rng(seed).integers(0, len(table), shape)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("unique", marks=check("indexing.unique")),
        pytest.param("unique_consecutive", marks=check("indexing.unique-consecutive")),
    ],
)
def test_distinct_values(subject: Subject, name: str) -> None:
    law = getattr(oracle, name)
    turn = 0
    for dtype in UNIQUE:
        for shape in SHAPES:
            values = repeated(dtype, shape, turn)
            for layout in list(DENSE)[turn % 3 :: 2]:
                turn += 1
                x = LAYOUTS[layout](values, dtype).on(subject)
                _distinct(f"{name}(<{dtype} {shape}, {layout}>", name, x, law(values), dtype, turn)


def _distinct(text: str, name: str, x: torch.Tensor, wanted: Any, dtype: str, turn: int) -> None:
    values, inverse, counts = wanted
    before = Unchanged(x=x)
    call = getattr(torch, name) if turn % 2 else lambda x, **options: getattr(x, name)(**options)
    same(f"{text})", call(x), Wanted(values, dtype, signed_zeros=False))
    both = call(x, return_inverse=True, return_counts=True)
    require(
        isinstance(both, tuple) and len(both) == 3, f"{text}, return_inverse, return_counts) gives no three tensors"
    )
    wants = (Wanted(values, dtype, signed_zeros=False), Wanted(inverse, "int64"), Wanted(counts, "int64"))
    for part, want, word in zip(both, wants, ("values", "inverse", "counts"), strict=True):
        same(f"{text}), {word}", part, want)
    for option, place in (("return_inverse", 1), ("return_counts", 2)):
        pair = call(x, **{option: True})
        require(isinstance(pair, tuple) and len(pair) == 2, f"{text}, {option}=True) gives no two tensors")
        same(f"{text}, {option}=True)[0]", pair[0], wants[0])
        same(f"{text}, {option}=True)[1]", pair[1], wants[place])
    before.check(text)


FLAT = (((6, 2), 0), ((2, 17), 1), ((3, 9), -1), ((17,), 0), ((1, 3), 0), ((33, 2), -2))
DEEP = (((9, 2, 2), 0), ((2, 2, 5), -1), ((2, 8, 1), -2), ((2, 17, 2), 1))


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        pytest.param("unique", FLAT, marks=check("indexing.unique-dim")),
        pytest.param("unique_consecutive", FLAT, marks=check("indexing.unique-dim")),
        # Older releases sort slices of several dimensions by their elements in another order.
        pytest.param("unique", DEEP, marks=check("indexing.unique-dim", since="2.6")),
        pytest.param("unique_consecutive", DEEP, marks=check("indexing.unique-dim")),
    ],
)
def test_distinct_slices(subject: Subject, name: str, shapes: tuple[Any, ...]) -> None:
    turn = 0
    for dtype in ("bool", "int64", "uint8", "float32", "float64"):
        for shape, dim in shapes:
            values = repeated(dtype, shape, turn)
            if dtype == "bool" or shape[dim] > 4:
                values = np.sort(values, axis=dim) if turn % 2 else values
            wanted = oracle.unique_slices(values, dim, consecutive=name != "unique")
            for layout in ("contiguous", "transposed", "row_stepped"):
                turn += 1
                x = LAYOUTS[layout](values, dtype).on(subject)
                text = f"torch.{name}(<{dtype} {shape}, {layout}>, dim={dim})"
                found = getattr(torch, name)(x, return_inverse=True, return_counts=True, dim=dim)
                wants = (
                    Wanted(wanted[0], dtype, signed_zeros=False),
                    Wanted(wanted[1], "int64"),
                    Wanted(wanted[2], "int64"),
                )
                for part, want in zip(found, wants, strict=True):
                    same(text, part, want)
                same(text, getattr(torch, name)(x, dim=dim), wants[0])


@check("indexing.unique-unsorted")
def test_unsorted_distinct_values_are_the_same_set(subject: Subject) -> None:
    for dtype in UNIQUE:
        for shape in ((17,), (4, 5), (100,), (1,)):
            values = repeated(dtype, shape)
            x = transposed(values, dtype).on(subject)
            found, inverse, counts = torch.unique(x, sorted=False, return_inverse=True, return_counts=True)
            text = f"torch.unique(<{dtype} {shape}>, sorted=False)"
            same(f"{text}, in order", _in_order(found), Wanted(oracle.unique(values)[0], dtype, signed_zeros=False))
            again = host.array(found)[host.array(inverse)]
            require((again == values).all(), f"{text}: its inverse does not give the input back", values, again)
            own = [int((values == value).sum()) for value in host.array(found)]
            require(host.array(counts).tolist() == own, f"{text}: wrong counts", own, host.array(counts).tolist())


def _in_order(found: torch.Tensor) -> torch.Tensor:
    values = np.sort(host.array(found))
    return host.tensor(values, host.dtype_name(found.dtype))


@check("indexing.unique", since="2.6")
def test_both_zeros_are_one_value(subject: Subject) -> None:
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        for values in ([0.0, -0.0, 0.0], [-0.0, 1.0, 0.0, -0.0, 1.0]):
            x = contiguous(np.array(values), dtype).on(subject)
            found, counts = torch.unique(x, return_counts=True)
            distinct, _, times = oracle.unique(np.array(values, DTYPES[dtype].host))
            same(f"torch.unique({values}), {dtype}", found, Wanted(distinct, dtype, signed_zeros=False))
            same(f"torch.unique({values}), counts", counts, Wanted(times, "int64"))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("unique", marks=check("indexing.unique")),
        pytest.param("unique_consecutive", marks=check("indexing.unique-consecutive")),
    ],
)
def test_distinct_values_of_a_long_tensor(subject: Subject, name: str) -> None:
    for dtype in ("int64", "float32", "uint8", "bool"):
        values = np.repeat(repeated(dtype, (LONG // 3,)), 3)
        x = stepped(values, dtype).on(subject)
        found = getattr(torch, name)(x, return_inverse=True, return_counts=True)
        wanted = _distinct_by_numpy(values, consecutive=name != "unique")
        for part, want in zip(found, wanted, strict=True):
            own = dtype if want is wanted[0] else "int64"
            same(f"torch.{name}(<{dtype} {len(values)}>)", part, Wanted(want, own, signed_zeros=False))


def _distinct_by_numpy(values: np.ndarray, *, consecutive: bool) -> tuple[np.ndarray, ...]:
    if not consecutive:
        return np.unique(values, return_inverse=True, return_counts=True)
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    inverse = np.cumsum(np.concatenate([[0], values[1:] != values[:-1]]))
    return values[starts], inverse, np.diff(np.concatenate([starts, [len(values)]]))


SEARCHED = ("uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")


@check("indexing.searchsorted")
def test_searching_in_sorted_values(subject: Subject) -> None:
    turn = 0
    for dtype in SEARCHED:
        for edges_shape, shape in (
            ((5,), (17,)),
            ((9,), (3, 4)),
            ((4, 6), (4, 5)),
            ((2, 3, 4), (2, 3, 7)),
            ((33,), ()),
            ((1,), (3,)),
            ((0,), (3,)),
            ((3,), (0,)),
        ):
            edges = np.sort(cycle(interesting(dtype, finite=True), edges_shape), axis=-1)
            if not edges_shape[0]:
                edges = edges[:0]
            values = cycle(np.roll(interesting(dtype), turn), shape)
            for right in (False, True):
                for layout in list(DENSE)[turn % 2 :: 2]:
                    turn += 1
                    _searched(subject, LAYOUTS[layout](edges, dtype), LAYOUTS[layout](values, dtype), right, turn)


def _searched(subject: Subject, edges: Any, values: Any, right: bool, turn: int) -> None:
    wanted = oracle.searchsorted(edges.array, values.array, right)
    options: dict[str, Any] = {"right": True} if right and turn % 2 else {"side": "right"} if right else {}
    if turn % 3 == 0:
        options["out_int32"] = True
    kind = "int32" if "out_int32" in options else "int64"
    call = Invocation("searchsorted", (edges, values), (Wanted(wanted.astype(kind), kind),), options)
    answer(subject, call, ("function",))
    if turn % 5 == 0:
        answer(subject, call, ("out", "out_empty"))
    if len(edges.shape) == 1:
        options = {key: value for key, value in options.items() if key != "side"} | ({"right": True} if right else {})
        call = Invocation("bucketize", (values, edges), (Wanted(wanted.astype(kind), kind),), options)
        answer(subject, call, ("function",))


@check("indexing.searchsorted")
def test_searching_for_a_number_and_by_a_sorter(subject: Subject) -> None:
    edges = np.array([1.0, 3, 3, 5, 7])
    for layout in (contiguous, stepped):
        given = layout(edges, "float64")
        for value in (0.0, 1.0, 3.0, 4, 7.5):
            for right in (False, True):
                wanted = oracle.searchsorted(edges, np.array(value), right)
                out = torch.searchsorted(given.on(subject), value, right=right)
                same(f"torch.searchsorted(edges, {value}, right={right})", out, Wanted(wanted, "int64"))
        mixed = np.array([3, 0, 4, 1, 2])
        shuffled = np.empty(5)
        shuffled[mixed] = edges
        values = np.array([[2.0, 3.0], [8.0, -1.0]])
        options = {"sorter": contiguous(mixed, "int64").on(subject)}
        out = torch.searchsorted(
            layout(shuffled, "float64").on(subject), contiguous(values, "float64").on(subject), **options
        )
        same("torch.searchsorted(edges, values, sorter=…)", out, Wanted(oracle.searchsorted(edges, values), "int64"))


@check("indexing.bucketize")
def test_bucketize(subject: Subject) -> None:
    turn = 0
    for dtype in SEARCHED:
        edges = np.array([1, 3, 3, 5, 9]).astype(DTYPES[dtype].host)
        for shape in ((17,), (4, 5), (33,), (), (0,), (2, 3, 4)):
            values = (np.arange(int(np.prod(shape))).reshape(shape) % 11).astype(DTYPES[dtype].host)
            for right in (False, True):
                turn += 1
                layout = list(DENSE.values())[turn % len(DENSE)]
                kind = "int32" if turn % 3 == 0 else "int64"
                wanted = Wanted(oracle.searchsorted(edges, values, right).astype(kind), kind)
                given = (layout(values, dtype), (stepped if turn % 2 else contiguous)(edges, dtype))
                call = Invocation(
                    "bucketize",
                    given,
                    (wanted,),
                    {"right": right, "out_int32": kind == "int32"},
                    ("input", "boundaries"),
                )
                answer(subject, call, ("function", "keywords"))
    edges = contiguous(np.array([1.0, 3, 3]), "float32").on(subject)
    for value, right, wanted in ((3.0, False, 1), (3.0, True, 3), (0.5, True, 0)):
        out = torch.bucketize(value, edges, right=right)
        same(f"torch.bucketize({value}, edges, right={right})", out, Wanted(np.array(wanted), "int64"))


@check("indexing.bucketize")
def test_searching_for_many_values(subject: Subject) -> None:
    edges = np.arange(0, 50, 3).astype(np.float32)
    values = (np.arange(LONG) * 7 % 101).astype(np.float32) / 2
    for right in (False, True):
        wanted = Wanted(np.searchsorted(edges, values, "right" if right else "left"), "int64")
        out = torch.bucketize(
            stepped(values, "float32").on(subject), contiguous(edges, "float32").on(subject), right=right
        )
        same(f"torch.bucketize(<{LONG}>, edges, right={right})", out, wanted)


@check("indexing.histc")
def test_histc(subject: Subject) -> None:
    cases = [
        ((33,), 8, 0, 0),
        ((4, 5), 4, 0, 8),
        ((3, 4, 5), 5, -1, 4),
        ((17,), 16, -8, 8),
        ((100,), 1, 0, 4),
        ((1,), 4, 0, 0),
        ((20,), 10, 2, 7),
    ]
    for dtype in ("float32", "float64"):
        for shape, bins, low, high in cases:
            values = (np.arange(int(np.prod(shape))) * 7 % 33 / 4).reshape(shape).astype(dtype)
            for layout in DENSE:
                options = {} if (low, high) == (0, 0) else {"min": low, "max": high}
                wanted = Wanted(oracle.histc(values, bins, low, high).astype(dtype), dtype)
                call = Invocation(
                    "histc", (LAYOUTS[layout](values, dtype), bins), (wanted,), options, ("input", "bins")
                )
                answer(subject, call, ("function", "method", "keywords", "out"))
    values = np.arange(200.0) / 2
    out = torch.histc(contiguous(values, "float64").on(subject))
    same("torch.histc(x)", out, Wanted(oracle.histc(values), "float64"))
    big = (np.arange(LONG) % 128).astype(np.float32)
    out = torch.histc(stepped(big, "float32").on(subject), 32, 0, 128)
    same(
        "torch.histc(<40003>, 32, 0, 128)", out, Wanted(np.bincount(big.astype(int) // 4).astype(np.float32), "float32")
    )


@check("indexing.histogram")
def test_histogram(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for shape in ((33,), (4, 5), (100,), (1,), (0,)):
            values = (np.arange(int(np.prod(shape))) * 7 % 33 / 4).reshape(shape).astype(dtype)
            weight = np.array([1.0, 2, 0.5])[np.arange(values.size) % 3].reshape(shape).astype(dtype)
            for layout in (contiguous, transposed, stepped):
                x, w = layout(values, dtype).on(subject), layout(weight, dtype).on(subject)
                _histogram(x, w, values, weight, dtype)


def _histogram(x: torch.Tensor, w: torch.Tensor, values: np.ndarray, weight: np.ndarray, dtype: str) -> None:
    edges = [0.0, 1, 1.5, 4, 8]
    given = host.tensor(np.array(edges), dtype, str(x.device))
    for weights, tensor in ((None, None), (weight, w)):
        for density in (False, True):
            wanted = oracle.histogram(values, edges, weights)
            if density and not wanted.sum():
                continue
            exact: Error = EXACT
            if density:
                wanted, exact = wanted / (wanted.sum() * np.diff(edges)), FAITHFUL.over(4)
            for found in (
                torch.histogram(x, given, weight=tensor, density=density),
                x.histogram(given, weight=tensor, density=density),
            ):
                text = f"torch.histogram(x, edges, weight={weights is not None}, density={density})"
                same(f"{text}.hist", found.hist, Wanted(wanted, dtype, exact, signed_zeros=False))
                same(f"{text}.bin_edges", found.bin_edges, Wanted(np.array(edges, dtype), dtype))
    found = torch.histogram(x, 8, range=(0.0, 8.0))
    even = np.arange(9.0)
    same("torch.histogram(x, 8, range=(0, 8)).hist", found.hist, Wanted(oracle.histogram(values, list(even)), dtype))
    same("torch.histogram(x, 8, range=(0, 8)).bin_edges", found.bin_edges, Wanted(even, dtype, FAITHFUL))


@check("indexing.bincount")
def test_bincount(subject: Subject) -> None:
    turn = 0
    for dtype in INTEGERS:
        for size in (0, 1, 5, 17, 33, 100):
            values = (np.arange(size) * 5 % 9).astype(dtype)
            for least in (0, 4, 20):
                turn += 1
                layout = (contiguous, stepped)[turn % 2]
                wanted = Wanted(oracle.bincount(values, None, least), "int64")
                call = Invocation("bincount", (layout(values, dtype),), (wanted,), {"minlength": least})
                answer(subject, call, ("function", "method"))
    _weighted(subject)
    big = np.arange(LONG) % 700
    out = torch.bincount(stepped(big, "int64").on(subject))
    same("torch.bincount(<40003>)", out, Wanted(np.bincount(big), "int64"))


def _weighted(subject: Subject) -> None:
    for size in (1, 17, 33):
        values = np.arange(size) * 5 % 9
        for weight, wanted in (
            ("float32", "float32"),
            ("float64", "float64"),
            ("int32", "float64"),
            ("int64", "float64"),
        ):
            weights = cycle(small(weight), (size,))
            expected = oracle.bincount(values, weights).astype(wanted)
            for layout in (contiguous, stepped):
                given = (layout(values, "int64"), layout(weights, weight))
                call = Invocation(
                    "bincount", given, (Wanted(expected, wanted, signed_zeros=False),), {}, ("input", "weights")
                )
                answer(subject, call, ("function", "method", "keywords"))


@check("indexing.bincount-refuses")
def test_bincount_refuses_negative_and_matrix_input(subject: Subject) -> None:
    for values, dtype in (([1, -1], "int64"), ([[1, 2], [3, 4]], "int64"), ([1.0, 2.0], "float32")):
        x = contiguous(np.array(values), dtype).on(subject)
        before = Unchanged(x=x)
        assert_raises(f"torch.bincount({values})", RuntimeError, lambda x=x: torch.bincount(x))
        before.check("torch.bincount")


@check("indexing.isin")
def test_isin(subject: Subject) -> None:
    turn = 0
    for dtype in (*INTEGERS, "float32", "float64"):
        for shape, other in (
            ((17,), (3,)),
            ((4, 5), (2, 2)),
            ((33,), (40,)),
            ((3, 4, 5), (1,)),
            ((5,), (0,)),
            ((0,), (3,)),
            ((), (3,)),
            ((2, 3), (200,)),
        ):
            table = interesting(dtype, finite=True)
            values, among = cycle(table, shape), cycle(np.roll(table, 9), other)
            for invert in (False, True):
                turn += 1
                layout = list(DENSE.values())[turn % len(DENSE)]
                wanted = (Wanted(oracle.isin(values, among, invert), "bool"),)
                given = (layout(values, dtype), (stepped if len(other) == 1 else contiguous)(among, dtype))
                call = Invocation("isin", given, wanted, {"invert": invert}, ("elements", "test_elements"))
                answer(subject, call, ("function", "keywords", "out")[turn % 3 :][:2])
    x = contiguous(np.array([1, 2, 3, 2]), "int64").on(subject)
    same("torch.isin(x, 2)", torch.isin(x, 2), Wanted(np.array([False, True, False, True]), "bool"))
    same("torch.isin(2, x)", torch.isin(2, x), Wanted(np.array(True), "bool"))
    same("torch.isin(5, x)", torch.isin(5, x), Wanted(np.array(False), "bool"))
    alone = contiguous(np.array([1, 2, 3, 9]), "int64").on(subject)
    other = contiguous(np.array([9, 2]), "int64").on(subject)
    out = torch.isin(alone, other, assume_unique=True)
    same("torch.isin(x, y, assume_unique=True)", out, Wanted(np.array([False, True, False, True]), "bool"))


@check("indexing.isin-strided")
def test_isin_takes_test_elements_of_any_layout(subject: Subject) -> None:
    values = np.arange(20).reshape(4, 5)
    for shape in ((2, 2), (3, 2), (20, 10)):
        among = np.arange(int(np.prod(shape))).reshape(shape) * 3
        for layout in (transposed, stepped):
            given = (contiguous(values, "int64"), layout(among, "int64"))
            answer(subject, Invocation("isin", given, (Wanted(oracle.isin(values, among), "bool"),)), ("function",))


@check("indexing.isin-nan", since="2.6")
def test_nan_is_in_nothing(subject: Subject) -> None:
    for count in (3, 200):
        values, among = np.array([1.0, np.nan, np.inf, 5.0]), np.resize([np.nan, 1.0, np.inf], count)
        for dtype in ("float32", "float64"):
            given = (stepped(values, dtype), contiguous(among, dtype))
            answer(subject, Invocation("isin", given, (Wanted(oracle.isin(values, among), "bool"),)), ("function",))

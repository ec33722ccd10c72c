"""The largest, the least, the middle and the most frequent: ties, NaN, indices, and the binary forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, INTEGERS, REAL, REDUCED
from conformance.every_form import Invocation, answer, find
from conformance.oracle import indexing_order as ranks
from conformance.oracle import reduction as oracle
from conformance.oracle import reduction_scan as scan
from conformance.subject import Subject
from conformance.tables.rows import filled, small
from conformance.wanted import Picked, Wanted, same
from properties.strategies.recipe import LAYOUTS, contiguous, expanded, stepped, transposed
from properties.strategies.values import cycle, interesting

pytestmark = must_answer

SIZES = (2, 3, 5, 8, 15, 16, 17, 31, 33, 64, 100)
TIED = ("uint8", "int16", "int32", "int64", "bfloat16", "float32", "float64")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=check(f"reduction.{claim}"))
        for claim, name in (
            ("ties-first", "argmax"),
            ("ties-first", "argmin"),
            ("ties-first", "max"),
            ("ties-first", "min"),
        )
    ],
)
def test_of_equal_extremes_the_first_is_named(subject: Subject, name: str) -> None:
    for dtype in TIED:
        for size in SIZES:
            for first in {0, 1, size // 2, size - 1}:
                values = np.full((3, size), 2).astype(DTYPES[dtype].host)
                values[:, first:] = 5 if "max" in name else 1
                values[1] = values[1, 0]
                wanted = oracle.arg_extreme(values, 1, sign=1 if "max" in name else -1)
                for layout in (contiguous, transposed, stepped):
                    x = layout(values, dtype).on(subject)
                    out = find(name)(x, 1)
                    where = out if name.startswith("arg") else out.indices
                    same(
                        f"torch.{name}(<{dtype} {values.shape}>, 1), ties from {first}", where, Wanted(wanted, "int64")
                    )
            flat = contiguous(values, dtype).on(subject)
            if name.startswith("arg"):
                wanted = oracle.arg_extreme(values, sign=1 if name == "argmax" else -1)
                same(f"torch.{name}(<{dtype} {values.shape}>)", find(name)(flat), Wanted(wanted, "int64"))


def _with_nan(size: int, place: int | None, dtype: str) -> np.ndarray:
    values = (np.arange(size) * 7 % 11).astype(DTYPES[dtype].host)
    if place is not None:
        values[place] = np.nan
    return values


@check("reduction.nan-propagates")
def test_nan_is_the_extreme_of_any_line_that_holds_one(subject: Subject) -> None:
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        for size in (1, 2, 5, 16, 17, 33, 100):
            for place in sorted({0, size // 2, size - 1}):
                values = np.stack([_with_nan(size, place, dtype), _with_nan(size, None, dtype)])
                for layout in (contiguous, transposed, stepped):
                    _nan(layout(values, dtype).on(subject), values, dtype, place)


def _nan(x: torch.Tensor, values: np.ndarray, dtype: str, place: int) -> None:
    text = f"<{dtype} {values.shape}>, NaN at {place}"
    for name, sign in (("max", 1), ("min", -1)):
        wanted, where = oracle.extreme_with_index(values, 1, sign=sign)
        found = find(name)(x, 1)
        same(f"torch.{name}({text}, 1).values", found.values, Wanted(wanted, dtype))
        same(f"torch.{name}({text}, 1).indices", found.indices, Wanted(where, "int64"))
        same(f"torch.a{name}({text}, 1)", find(f"a{name}")(x, 1), Wanted(wanted, dtype))
        same(f"torch.arg{name}({text}, 1)", find(f"arg{name}")(x, 1), Wanted(where, "int64"))
        same(f"torch.{name}({text})", find(name)(x), Wanted(np.array(np.nan), dtype))
        same(f"torch.a{name}({text})", find(f"a{name}")(x), Wanted(np.array(np.nan), dtype))
        same(f"torch.arg{name}({text})", find(f"arg{name}")(x), Wanted(np.array(place), "int64"))
    if dtype not in REDUCED:
        low, high = torch.aminmax(x, dim=1)
        same(f"torch.aminmax({text}, dim=1).min", low, Wanted(oracle.extreme(values, 1, sign=-1), dtype))
        same(f"torch.aminmax({text}, dim=1).max", high, Wanted(oracle.extreme(values, 1), dtype))


@pytest.mark.parametrize(
    "dtypes",
    [
        pytest.param(tuple(name for name in REAL if name not in REDUCED), marks=check("reduction.aminmax")),
        pytest.param(("float16", "bfloat16"), marks=check("reduction.aminmax", since="2.6")),
    ],
)
def test_aminmax(subject: Subject, dtypes: tuple[str, ...]) -> None:
    turn = 0
    for dtype in dtypes:
        for shape, dim in (
            ((4, 5), 0),
            ((3, 4, 5), -2),
            ((33,), 0),
            ((2, 17), 1),
            ((4, 5), None),
            ((33,), None),
            ((), None),
            ((5, 4), 1),
            ((3, 4), None),
        ):
            for keep in (False, True) if dim is not None else (False,):
                turn += 1
                table = "any" if turn % 2 else "moderate"
                x = list(LAYOUTS.values())[turn % len(LAYOUTS)](filled(table, dtype, shape, turn), dtype)
                options = {"dim": dim, "keepdim": keep} if dim is not None else {}
                wanted = tuple(Wanted(part, dtype, signed_zeros=False) for part in oracle.aminmax(x.array, dim, keep))
                call = Invocation("aminmax", (x,), wanted, options, ("input",), ("min", "max"))
                answer(
                    subject, call, ("function", "method", "keywords", "out_empty", "out")[: 5 if dim is not None else 3]
                )


@check("reduction.maximum-forms")
def test_max_and_min_of_two_tensors_are_taken_element_by_element(subject: Subject) -> None:
    for dtype in REAL:
        for a, b in (((4, 5), (4, 5)), ((3, 4, 5), (4, 1)), ((33,), (33,)), ((17,), ()), ((2, 0), (1, 1))):
            one, two = cycle(interesting(dtype), a), cycle(np.roll(interesting(dtype), 5), b)
            for name, sign in (("max", 1), ("min", -1)):
                left, right = np.broadcast_arrays(one, two)
                wanted = oracle.extreme(np.stack([left, right]), 0, sign=sign)
                for layout in (contiguous, transposed, stepped):
                    given = (layout(one, dtype), layout(two, dtype))
                    call = Invocation(name, given, (Wanted(wanted, dtype, signed_zeros=False),), {}, ("input", "other"))
                    answer(subject, call, ("function", "method", "keywords", "out", "out_empty"))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("cummax", marks=check("reduction.running-ties")),
        pytest.param("cummin", marks=check("reduction.running-ties")),
    ],
)
def test_of_equal_running_extremes_the_last_is_named(subject: Subject, name: str) -> None:
    for dtype in ("int64", "float32", "float64", "uint8"):
        for shape, dim in (((17,), 0), ((4, 33), 1), ((20, 2), 0), ((3, 9, 2), -2)):
            values = cycle(small(dtype), shape)
            for layout in (contiguous, transposed, stepped):
                found = find(name)(layout(values, dtype).on(subject), dim)
                wanted = scan.running(values, dim, 1 if name == "cummax" else -1)
                same(f"torch.{name}(<{dtype} {shape}>, {dim}).values", found.values, Wanted(wanted[0], dtype))
                same(f"torch.{name}(<{dtype} {shape}>, {dim}).indices", found.indices, Wanted(wanted[1], "int64"))


@check("reduction.median")
def test_the_median_of_an_even_number_is_the_lower_middle(subject: Subject) -> None:
    for dtype in ("int64", "float32", "float64", "uint8", "bfloat16"):
        for size in (1, 2, 4, 6, 16, 17, 18, 100):
            values = np.random.default_rng(size).permutation(size).astype(DTYPES[dtype].host)
            for layout in (contiguous, stepped):
                x = layout(values, dtype).on(subject)
                wanted = Wanted(np.array((size - 1) // 2), dtype)
                same(
                    f"torch.median of 0 … {size - 1}",
                    torch.median(x),
                    Wanted(wanted.values.astype(values.dtype), dtype),
                )
                found = torch.median(x, 0)
                same(
                    f"torch.median of 0 … {size - 1} along 0",
                    found.values,
                    Wanted(wanted.values.astype(values.dtype), dtype),
                )
                at = np.array(int(np.flatnonzero(values == (size - 1) // 2)[0]))
                same(f"torch.median of 0 … {size - 1}, its place", found.indices, Wanted(at, "int64"))


@check("reduction.median-nan")
def test_nan_goes_into_the_median_and_not_into_the_nanmedian(subject: Subject) -> None:
    for dtype in ("float32", "float64", "bfloat16"):
        for line in ([1, np.nan, 3, 2], [np.nan], [np.nan, 5, 4], [7, 1, np.nan, np.nan, 3], [np.nan, np.nan]):
            values = np.array(line, DTYPES[dtype].host)
            for layout in (contiguous, stepped):
                x = layout(values, dtype).on(subject)
                for name, law in (("median", scan.median), ("nanmedian", scan.nanmedian)):
                    same(f"torch.{name}({line})", find(name)(x), Wanted(law(values), dtype))
                    found = find(name)(x, 0)
                    same(f"torch.{name}({line}, 0).values", found.values, Wanted(law(values, 0), dtype))
                    Picked(values, 0, law(values, 0))(f"torch.{name}({line}, 0).indices", found.indices)


@check("reduction.median-expanded")
def test_the_median_along_an_expanded_dimension(subject: Subject) -> None:
    for dtype in ("float32", "int64", "float64"):
        for shape, dim in (((4, 5), 0), ((5, 17), 0), ((17, 5), 1), ((33,), 0)):
            x = expanded(filled("small", dtype, shape), dtype, dim)
            for name, law in (("median", scan.median), ("nanmedian", scan.nanmedian)):
                wanted = Wanted(law(x.array, dim), dtype, signed_zeros=False)
                same(
                    f"torch.{name}(<{dtype} {shape}> expanded along {dim}, {dim}).values",
                    find(name)(x.on(subject), dim).values,
                    wanted,
                )


@check("reduction.mode")
def test_the_mode_is_the_least_of_the_most_frequent(subject: Subject) -> None:
    lines = [
        [3, 1, 3, 1, 2],
        [5],
        [2, 2, 1, 1, 3, 3],
        [1, 2, 3],
        [9, 9, 9, 0],
        list(np.arange(40) % 7),
        [4] * 17 + [2] * 17,
    ]
    for dtype in ("int64", "int16", "uint8", "float32", "float64", "bfloat16"):
        for line in lines:
            values = np.array([line, line[::-1]]).astype(DTYPES[dtype].host)
            wanted = scan.mode(values)
            for layout in (contiguous, transposed, stepped):
                x = layout(values, dtype).on(subject)
                for found in (torch.mode(x), x.mode(dim=1), torch.mode(x, -1)):
                    same(f"torch.mode({line}).values", found.values, Wanted(wanted, dtype))
                    Picked(values, 1, wanted)(f"torch.mode({line}).indices", found.indices)


@check("reduction.topk-unsorted")
def test_topk_without_order_gives_the_same_values(subject: Subject) -> None:
    for dtype in (*INTEGERS, "float32", "float64"):
        for shape, k, dim in (((33,), 9, 0), ((4, 17), 5, 1), ((17, 3), 4, 0), ((100,), 60, 0), ((40,), 40, -1)):
            for largest in (True, False):
                values = cycle(interesting(dtype), shape)
                for layout in (contiguous, transposed, stepped):
                    x = layout(values, dtype).on(subject)
                    found = torch.topk(x, k, dim, largest, sorted=False)
                    text = f"torch.topk(<{dtype} {shape}>, {k}, {dim}, largest={largest}, sorted=False)"
                    own = host.array(found.values)
                    wanted = ranks.topk(values, k, dim, largest)
                    again = ranks.topk(own, k, dim, largest)
                    same(f"{text}, sorted", host.tensor(again, dtype), Wanted(wanted, dtype, signed_zeros=False))
                    Picked(values, dim, own)(f"{text}.indices", found.indices)
                    _different(text, host.array(found.indices), dim)


def _different(text: str, where: np.ndarray, dim: int) -> None:
    ordered = np.sort(where, axis=dim)
    require((np.diff(ordered, axis=dim) > 0).all(), f"{text} names an element twice", "different places", where)


@check("reduction.topk-range")
def test_topk_refuses_what_is_not_there(subject: Subject) -> None:
    x = contiguous(np.arange(6.0).reshape(2, 3), "float32").on(subject)
    for k, dim in ((4, 1), (3, 0), (-1, 0), (7, -1)):
        assert_raises(f"torch.topk(<2, 3>, {k}, {dim})", RuntimeError, lambda k=k, dim=dim: torch.topk(x, k, dim))
        assert_raises(f"x.topk({k}, {dim})", RuntimeError, lambda k=k, dim=dim: x.topk(k, dim))
    assert_raises("torch.topk(x, 1, 2)", IndexError, lambda: torch.topk(x, 1, 2))


@check("reduction.sort")
def test_sorting_gives_each_place_once(subject: Subject) -> None:
    for dtype in REAL:
        for shape, dim in (((33,), -1), ((4, 17), 1), ((17, 3), 0), ((3, 4, 5), 1), ((100,), 0)):
            values = cycle(interesting(dtype), shape)
            for descending in (False, True):
                for layout in (contiguous, transposed, stepped):
                    found = torch.sort(layout(values, dtype).on(subject), dim=dim, descending=descending)
                    _different(f"torch.sort(<{dtype} {shape}>, {dim}, {descending})", host.array(found.indices), dim)
                    wanted = ranks.sort(values, dim, descending)[0]
                    same(f"torch.sort(<{dtype} {shape}>)", found.values, Wanted(wanted, dtype, signed_zeros=False))


# -- quantiles -----------------------------------------------------------------------------------------------------

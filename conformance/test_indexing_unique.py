"""Distinct values and distinct slices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, INTEGERS
from conformance.oracle import indexing_order as oracle
from conformance.subject import Subject
from conformance.tables.rows import small
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, stepped, transposed

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

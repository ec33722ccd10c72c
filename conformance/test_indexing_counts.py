"""Counting into bins."""

from __future__ import annotations

import numpy as np
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises
from conformance.check import check, must_answer
from conformance.dtypes import INTEGERS
from conformance.every_form import Invocation, answer
from conformance.numerics import EXACT, FAITHFUL, Error
from conformance.oracle import indexing_order as oracle
from conformance.subject import Subject
from conformance.tables.rows import small
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, stepped, transposed
from properties.strategies.values import cycle

pytestmark = must_answer


LONG = 40_003


HISTC = (
    ((33,), 8, 0, 0),
    ((4, 5), 4, 0, 8),
    ((3, 4, 5), 5, -1, 4),
    ((17,), 16, -8, 8),
    ((100,), 1, 0, 4),
    ((1,), 4, 0, 0),
    ((20,), 10, 2, 7),
)


@check("indexing.histc")
def test_histc(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for shape, bins, low, high in HISTC:
            values = (np.arange(int(np.prod(shape))) * 7 % 33 / 4).reshape(shape).astype(dtype)
            for layout in DENSE:
                options = {} if (low, high) == (0, 0) else {"min": low, "max": high}
                wanted = (Wanted(oracle.histc(values, bins, low, high).astype(dtype), dtype),)
                given = (LAYOUTS[layout](values, dtype), bins)
                call = Invocation("histc", given, wanted, options, ("input", "bins"))
                answer(subject, call, ("function", "method", "keywords", "out"))


@check("indexing.histc")
def test_histc_of_a_hundred_bins_and_of_many_elements(subject: Subject) -> None:
    values = np.arange(200.0) / 2
    out = torch.histc(contiguous(values, "float64").on(subject))
    same("torch.histc(x)", out, Wanted(oracle.histc(values), "float64"))
    big = (np.arange(LONG) % 128).astype(np.float32)
    out = torch.histc(stepped(big, "float32").on(subject), 32, 0, 128)
    wanted = np.bincount(big.astype(int) // 4).astype(np.float32)
    same("torch.histc(<40003>, 32, 0, 128)", out, Wanted(wanted, "float32"))


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

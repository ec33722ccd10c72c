"""Sorting that keeps the order of equal elements, and choosing between two tensors."""

from __future__ import annotations

import numpy as np
import torch

from conformance import host
from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, REAL
from conformance.oracle import indexing_order as ranks
from conformance.subject import Subject
from conformance.tables import rows
from conformance.tables.indexing_arrange_rows import SORTING
from conformance.wanted import Wanted, same
from properties.strategies.recipe import contiguous, offset, stepped, transposed
from properties.strategies.values import cycle, interesting

pytestmark = must_answer


SORTS = {row.key: row for row in SORTING}


@check("indexing.sort-stable")
def test_stable_sorting_keeps_the_order_of_equal_elements(subject: Subject) -> None:
    for dtype in ("float32", "float64", "int64", "int32", "uint8", "bfloat16", "float16"):
        for size in (5, 16, 17, 33, 100, 1000):
            values = (np.arange(size) * 7 % 4).astype(DTYPES[dtype].host)
            for descending in (False, True):
                for layout in (contiguous, stepped, offset):
                    x = layout(values, dtype).on(subject)
                    order = np.argsort(-values.astype(np.float64) if descending else values, kind="stable")
                    out = torch.sort(x, dim=0, descending=descending, stable=True)
                    text = f"torch.sort(<{dtype} {size}>, descending={descending}, stable=True)"
                    same(f"{text}.indices", out[1], Wanted(order, "int64"))
                    same(f"{text}.values", out[0], Wanted(values[order], dtype))


@check("indexing.msort")
def test_msort_is_a_sort_along_the_first_dimension(subject: Subject) -> None:
    for shape in ((33, 2), (2, 33), (17,)):
        for dtype in ("float32", "int16"):
            values = cycle(interesting(dtype), shape)
            out = torch.msort(transposed(values, dtype).on(subject))
            same(f"torch.msort({shape})", out, Wanted(ranks.sort(values, 0)[0], dtype, signed_zeros=False))


@check("indexing.argsort")
def test_argsort_points_at_the_sorted_values(subject: Subject) -> None:
    for dtype in REAL:
        for shape, dim in (((33,), -1), ((4, 5), 0), ((4, 17), 1), ((3, 4, 5), -2)):
            values = cycle(interesting(dtype), shape)
            for descending in (False, True):
                recipe = transposed(values, dtype)
                wanted = ranks.sort(values, dim, descending)[0]
                ways = {
                    "torch.argsort": torch.argsort(recipe.on(subject), dim, descending),
                    "Tensor.argsort": recipe.on(subject).argsort(dim=dim, descending=descending),
                }
                for way, out in ways.items():
                    _points(f"{way}({dtype} {shape}, {dim}, {descending})", host.array(out), values, dim, wanted)


def _points(text: str, where: np.ndarray, values: np.ndarray, dim: int, wanted: np.ndarray) -> None:
    require(where.shape == values.shape, f"{text} has shape {where.shape}", values.shape, where.shape)
    full = np.sort(where, axis=dim) == np.arange(values.shape[dim]).reshape(
        [-1 if d == dim % values.ndim else 1 for d in range(values.ndim)]
    )
    require(full.all(), f"{text} is no permutation", "a permutation", where)
    found = np.take_along_axis(values, where, dim)
    good = (found == wanted) | ((found != found) & (wanted != wanted))
    require(good.all(), f"{text} does not sort", wanted, found)


@check("indexing.where-promotes")
def test_where_takes_numbers_and_promotes(subject: Subject) -> None:
    chosen, values = np.array([True, False, True, False]), np.array([1.5, -2.0, np.nan, 4.0], np.float32)
    condition, x = contiguous(chosen, "bool").on(subject), contiguous(values, "float32").on(subject)
    zeros = np.float32(0)
    same("torch.where(c, x, 0.)", torch.where(condition, x, 0.0), Wanted(np.where(chosen, values, zeros), "float32"))
    same("torch.where(c, 0., x)", torch.where(condition, 0.0, x), Wanted(np.where(chosen, zeros, values), "float32"))
    same("torch.where(c, 1., 0.)", torch.where(condition, 1.0, 0.0), Wanted(chosen.astype(np.float32), "float32"))
    same("torch.where(c, 1, 0)", torch.where(condition, 1, 0), Wanted(chosen.astype(np.int64), "int64"))


@check("indexing.where-promotes", since="2.0")
def test_where_promotes_two_tensors(subject: Subject) -> None:
    for a, b, wanted in (
        ("int64", "float32", "float32"),
        ("float32", "float64", "float64"),
        ("uint8", "int8", "int16"),
    ):
        one, two = rows.small(a)[:4], rows.small(b)[1:5]
        condition = contiguous(np.array([True, False, True, False]), "bool").on(subject)
        out = torch.where(condition, contiguous(one, a).on(subject), contiguous(two, b).on(subject))
        expected = np.where(
            [True, False, True, False], one.astype(DTYPES[wanted].host), two.astype(DTYPES[wanted].host)
        )
        same(f"torch.where(c, {a}, {b})", out, Wanted(expected, wanted))


@check("indexing.where-unselected")
def test_where_never_lets_the_other_value_through(subject: Subject) -> None:
    for dtype in ("float32", "float64", "float16", "bfloat16", "complex64"):
        for shape in ((17,), (4, 5), (33,)):
            chosen = np.arange(int(np.prod(shape))).reshape(shape) % 2 == 0
            good, bad = cycle(rows.small(dtype), shape), np.full(shape, np.nan, DTYPES[dtype].host)
            for layout in (contiguous, transposed, stepped):
                c, x, y = (layout(a, d).on(subject) for a, d in ((chosen, "bool"), (good, dtype), (bad, dtype)))
                same("torch.where(c, x, nan)", torch.where(c, x, y), Wanted(np.where(chosen, good, bad), dtype))
                same("torch.where(c, nan, x)", torch.where(c, y, x), Wanted(np.where(chosen, bad, good), dtype))

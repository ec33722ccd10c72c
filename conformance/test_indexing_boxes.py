"""Counting rows in boxes of several dimensions, and the coordinates of places."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.numerics import EXACT, FAITHFUL
from conformance.subject import Subject
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, contiguous, stepped, transposed

pytestmark = must_answer

EDGES = ((0.0, 1, 1.5, 4, 8), (0.0, 4, 8), (0.0, 2, 4, 9))


def rows(count: int, dims: int, dtype: str) -> np.ndarray:
    """Rows of multiples of 1/4 from 0 to 8, both of which come in every column."""
    values = (np.arange(count * dims) * 7 % 33 / 4).reshape(count, dims)
    values[0], values[-1] = 0, 8
    return values.astype(dtype)


@check("indexing.histogramdd")
def test_rows_are_counted_in_boxes(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for count, dims in ((60, 2), (33, 3), (17, 1), (2, 2)):
            values, weight = rows(count, dims, dtype), np.array([1, 2, 0.5])[np.arange(count) % 3].astype(dtype)
            for layout in (contiguous, transposed, stepped):
                x, w = layout(values, dtype).on(subject), layout(weight, dtype).on(subject)
                given = [contiguous(np.array(edges), dtype).on(subject) for edges in EDGES[:dims]]
                for weights, tensor in ((None, None), (weight, w)):
                    for density in (False, True):
                        found = torch.histogramdd(x, given, weight=tensor, density=density)
                        wanted = np.histogramdd(values, EDGES[:dims], weights=weights, density=density)
                        _same_boxes(f"weight={weights is not None}, density={density}", found, wanted, dtype, density)


def _same_boxes(text: str, found: Any, wanted: Any, dtype: str, density: bool = False) -> None:
    """Refute unless counts and edges are those of numpy."""
    call = f"torch.histogramdd(…, {text})"
    error = FAITHFUL.over(4) if density else EXACT
    same(f"{call}.hist", found.hist, Wanted(wanted[0], dtype, error, signed_zeros=False))
    require(len(found.bin_edges) == len(wanted[1]), f"{call} has edges of {len(found.bin_edges)} dimensions")
    for part, edges in zip(found.bin_edges, wanted[1], strict=True):
        same(f"{call}.bin_edges", part, Wanted(edges.astype(dtype), dtype, FAITHFUL))


@check("indexing.histogramdd")
def test_boxes_may_be_told_by_their_number_and_range(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for layout in DENSE.values():
            values = rows(60, 2, dtype)
            x, ends = layout(values, dtype).on(subject), [(0.0, 4.0), (-8.0, 8.0)]
            wanted = np.histogramdd(values, (4, 2))
            _same_boxes("bins=[4, 2]", torch.histogramdd(x, bins=[4, 2]), wanted, dtype)
            _same_boxes("bins=4", torch.histogramdd(x, bins=4), np.histogramdd(values, 4), dtype)
            found = torch.histogramdd(x, [4, 8], range=[0.0, 4.0, -8.0, 8.0])
            _same_boxes("range=", found, np.histogramdd(values, (4, 8), range=ends), dtype)


@check("indexing.unravel-index", since="2.2")
def test_places_have_coordinates(subject: Subject) -> None:
    for shape in ((4, 5), (17,), (2, 3, 4), (1, 6, 1), (3, 2, 2, 5, 2)):
        total = int(np.prod(shape))
        for places in (np.arange(total), np.arange(6).reshape(2, 3) * 5 % total, np.array(total - 1), np.arange(0)):
            for layout in (contiguous, transposed, stepped):
                x = layout(places, "int64").on(subject)
                for size in (shape, torch.Size(shape), list(shape), *(shape if len(shape) == 1 else ())):
                    out, text = torch.unravel_index(x, size), f"torch.unravel_index({places.tolist()}, {size})"
                    require(isinstance(out, tuple) and len(out) == len(shape), f"{text} is no tuple of {len(shape)}")
                    for part, wanted in zip(out, np.unravel_index(places, shape), strict=True):
                        same(text, part, Wanted(np.asarray(wanted), "int64"))

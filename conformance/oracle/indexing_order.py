"""Sorting, selecting by rank, counting and searching, by definition. NaN counts as larger than every number."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def _compare(a: Any, b: Any) -> int:
    if a != a or b != b:
        return int(a != a) - int(b != b)
    return int(a > b) - int(a < b)


by_value = functools.cmp_to_key(_compare)


def order(line: np.ndarray, descending: bool = False) -> list[int]:
    """The stable order of a line: places by value, equal ones (and NaN among NaN) as they stood."""
    keys = [by_value(value) for value in line.tolist()]
    return sorted(range(len(keys)), key=keys.__getitem__, reverse=descending)


def lines(values: np.ndarray, dim: int) -> np.ndarray:
    """A view with dimension dim last; a 0-d array is one line of one element."""
    values = values.reshape(1) if values.ndim == 0 else values
    return np.moveaxis(values, dim, -1)


def sort(values: np.ndarray, dim: int = -1, descending: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(values, indices) of the stable sort along a dimension."""
    moved = lines(values, dim)
    where = np.empty(moved.shape, np.int64)
    for row in np.ndindex(moved.shape[:-1]):
        where[row] = order(moved[row], descending)
    found = np.take_along_axis(moved, where, -1)
    return tuple(np.moveaxis(a, -1, dim).reshape(values.shape) for a in (found, where))  # type: ignore[return-value]


def topk(values: np.ndarray, k: int, dim: int = -1, largest: bool = True) -> np.ndarray:
    """The k largest (or smallest) values of each line, the most extreme first."""
    ranked = lines(sort(values, dim, largest)[0], dim)
    out = np.moveaxis(ranked[..., :k], -1, dim)
    return out.reshape(()) if values.ndim == 0 and k == 1 else out


def kthvalue(values: np.ndarray, k: int, dim: int = -1, keepdim: bool = False) -> np.ndarray:
    """The k-th smallest value of each line, counted from 1."""
    found = lines(sort(values, dim)[0], dim)[..., k - 1]
    if values.ndim == 0:
        return found.reshape(())
    return np.expand_dims(found, dim) if keepdim else found


def unique(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ascending distinct values, for each element its place among them, how often each occurs).

    Every NaN is a value of its own.
    """
    flat = values.reshape(-1)
    return _runs(values, order(flat))


def _runs(values: np.ndarray, ranked: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    flat = values.reshape(-1)
    found: list[Any] = []
    inverse, counts = np.zeros(flat.size, np.int64), []
    for place in ranked:
        if not found or flat[place] != found[-1]:
            found.append(flat[place])
            counts.append(0)
        inverse[place] = len(found) - 1
        counts[-1] += 1
    return np.array(found, values.dtype), inverse.reshape(values.shape), np.array(counts, np.int64)


def unique_consecutive(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As unique, but only neighbours that are equal are joined, and nothing is sorted."""
    return _runs(values, range(values.size))


def unique_slices(values: np.ndarray, dim: int, *, consecutive: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(distinct slices along dim, place of each slice among them, counts); sorted unless consecutive."""
    rows = np.moveaxis(values, dim, 0)
    keys = [tuple(row.ravel().tolist()) for row in rows]
    ranked = range(len(keys)) if consecutive else sorted(range(len(keys)), key=keys.__getitem__)
    firsts: list[int] = []
    inverse, counts = np.zeros(len(keys), np.int64), []
    for place in ranked:
        if not firsts or keys[place] != keys[firsts[-1]]:
            firsts.append(place)
            counts.append(0)
        inverse[place] = len(firsts) - 1
        counts[-1] += 1
    kept = np.moveaxis(rows[np.array(firsts, np.int64)], 0, dim)
    return kept, inverse, np.array(counts, np.int64)


def searchsorted(edges: np.ndarray, values: np.ndarray, right: bool = False) -> np.ndarray:
    """For each value how many edges of its line are less than it (or, for right, not greater)."""
    out = np.empty(values.shape, np.int64)
    for place in np.ndindex(values.shape):
        line = (edges if edges.ndim == 1 else edges[place[:-1]]).tolist()
        key = by_value(values[place].item())
        out[place] = sum(bool(by_value(edge) <= key if right else by_value(edge) < key) for edge in line)
    return out


def histc(values: np.ndarray, bins: int = 100, low: float = 0, high: float = 0) -> np.ndarray:
    """How many elements fall into each of the equal bins of [low, high]; the last one is closed.

    Both ends 0: from the least to the largest element. For values away from the inner edges, or exact ones.
    """
    flat = [float(value) for value in values.ravel()]
    if low == high == 0 and flat:
        low, high = min(flat), max(flat)
    if low == high:
        low, high = low - 1, high + 1
    out = np.zeros(bins, np.float64)
    for value in flat:
        if low <= value <= high:
            out[min(math.floor((value - low) * bins / (high - low)), bins - 1)] += 1
    return out


def histogram(values: np.ndarray, edges: Sequence[float], weight: np.ndarray | None = None) -> np.ndarray:
    """The sum of weights (one each by default) in every bin between ascending edges; the last one is closed."""
    out = np.zeros(len(edges) - 1, np.float64)
    weights = np.ones(values.size) if weight is None else weight.ravel().astype(np.float64)
    for value, share in zip(values.ravel().tolist(), weights, strict=True):
        for place in range(len(out)):
            last = place == len(out) - 1
            if edges[place] <= value and (value < edges[place + 1] or (last and value == edges[-1])):
                out[place] += share
    return out


def bincount(values: np.ndarray, weights: np.ndarray | None = None, minlength: int = 0) -> np.ndarray:
    """How often (or with which sum of weights) each of 0, 1, 2, … occurs, at least `minlength` of them."""
    size = max([minlength, *(int(value) + 1 for value in values)])
    out = np.zeros(size, np.int64 if weights is None else np.float64)
    for place, value in enumerate(values.tolist()):
        out[value] += 1 if weights is None else float(weights[place])
    return out


def isin(values: np.ndarray, among: np.ndarray, invert: bool = False) -> np.ndarray:
    """Whether each element equals one of the others; NaN equals nothing."""
    chosen = [any(value == other for other in among.ravel()) != invert for value in values.ravel()]
    return np.array(chosen, bool).reshape(values.shape)

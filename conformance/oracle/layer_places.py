"""Places between elements: samples of a grid in every mode, affine grids, antialiased resampling, in numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from conformance.oracle.layer_kinds import cubic

Array = np.ndarray


def _folded(place: float, low: float, high: float) -> float:
    """A place reflected at two ends until it lies between them."""
    span = high - low
    if span == 0:
        return 0.0
    away = abs(place - low) % (2 * span)
    return low + min(away, 2 * span - away)


def _place(g: float, size: int, align: bool, padding: str, clip: bool = True) -> float:
    """Where -1 … 1 lies on a side: between the centres of its ends, or between its edges."""
    place = (g + 1) / 2 * (size - 1) if align else ((g + 1) * size - 1) / 2
    return _bounded(place, size, align, padding) if clip else place


def _bounded(place: float, size: int, align: bool, padding: str) -> float:
    if padding == "reflection":
        place = _folded(place, 0, size - 1) if align else _folded(place, -0.5, size - 0.5)
    return min(max(place, 0), size - 1) if padding in ("border", "reflection") else place


def _line(g: float, size: int, mode: str, padding: str, align: bool) -> Array:
    """The weights of the elements of one side for a place g."""
    out, place = np.zeros(size), _place(g, size, align, padding, mode != "bicubic")
    if mode == "nearest":
        found = [(round(place), 1.0)]  # halves to even
    elif mode == "bilinear":
        low = math.floor(place)
        found = [(low, 1 - (place - low)), (low + 1, place - low)]
    else:
        low = math.floor(place)
        found = [
            (round(_bounded(low - 1 + turn, size, align, padding)), w) for turn, w in enumerate(cubic(place - low))
        ]
    for at, weight in found:
        if 0 <= at < size:
            out[at] += weight
    return out


def grid_sample(x: Array, grid: Array, mode: str = "bilinear", padding: str = "zeros", align: bool = False) -> Array:
    """Samples of (N, C, *sides) at places (N, *sizes, n), the last side first."""
    n = x.ndim - 2
    out = np.zeros((*x.shape[:2], *grid.shape[1:-1]))
    for index in np.ndindex(grid.shape[0], *grid.shape[1:-1]):
        part = x[index[0]]
        for side in range(n):  # sides fold from the front, as grid names them from the back
            weights = _line(grid[(*index, n - 1 - side)], x.shape[2 + side], mode, padding, align)
            part = np.tensordot(part, weights, (1, 0))
        out[(index[0], slice(None), *index[1:])] = part
    return out


def affine_grid(theta: Array, size: Sequence[int], align: bool = False) -> Array:
    """theta (N, n, n + 1) applied to (x, y, …, 1) of each place of the sides."""
    sides = size[2:]
    lines = [
        (np.linspace(-1, 1, s) if s > 1 else np.zeros(1)) if align else (2 * np.arange(s) + 1) / s - 1 for s in sides
    ]
    places = np.stack([*np.meshgrid(*lines, indexing="ij")[::-1], np.ones(sides)], -1)
    return np.einsum("...j,nij->n...i", places, theta)


def smoothed(size: int, result: int, mode: str, align: bool = False) -> Array:
    """The matrix (result, size) of antialiased resampling: a triangle or a cubic (a = -0.5), widened when shrinking."""
    step = (size - 1) / (result - 1) if align and result > 1 else size / result
    reach = (1 if mode == "linear" else 2) * max(step, 1)
    out = np.zeros((result, size))
    for i in range(result):
        centre = step * (i + 0.5)
        for k in range(max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), size)):
            out[i, k] = _kernel(abs(k - centre + 0.5) / max(step, 1), mode)
        out[i] /= out[i].sum()
    return out


def _kernel(d: float, mode: str) -> float:
    if mode == "linear":
        return max(0.0, 1 - d)
    a = -0.5
    near, far = ((a + 2) * d - (a + 3)) * d * d + 1, (((d - 5) * d + 8) * d - 4) * a
    return near if d < 1 else far if d < 2 else 0.0


def antialiased(x: Array, sizes: Sequence[int], mode: str) -> Array:
    for dim, size in enumerate(sizes, 2):
        x = np.moveaxis(np.tensordot(smoothed(x.shape[dim], size, mode), x, (1, dim)), 0, dim)
    return x

"""Pools of any number of dimensions with all their options, their inverse, and padded correlations, in numpy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from conformance.oracle.layer import pooled_size
from conformance.oracle.layer_kinds import conv, many, pad

Array = np.ndarray
Sides = int | Sequence[int]


def _windows(sides: Sequence[int], kernel: Sides, stride: Sides | None, padding: Sides, dilation: Sides, ceil: bool
             ) -> tuple[list[int], Iterator[tuple[tuple[int, ...], list[list[int]], int]]]:  # fmt: skip
    """How many windows each side has, and for each its place, its indices inside, and its size within the padding."""
    n = len(sides)
    k, p, d = many(kernel, n), many(padding, n), many(dilation, n)
    s = k if stride is None else many(stride, n)
    counts = [pooled_size(sides[i], k[i], s[i], p[i], d[i], ceil) for i in range(n)]

    def each() -> Iterator[tuple[tuple[int, ...], list[list[int]], int]]:
        for place in np.ndindex(*counts):
            starts = [at * s[i] - p[i] for i, at in enumerate(place)]
            inside = [[v for j in range(k[i]) if 0 <= (v := starts[i] + j * d[i]) < sides[i]] for i in range(n)]
            yield place, inside, math.prod(min(starts[i] + k[i], sides[i] + p[i]) - starts[i] for i in range(n))

    return counts, each()


def _largest(x: Array, indices: Sequence[Sequence[int]]) -> tuple[Array, Array]:
    """The largest of a part of (N, C, *sides) and its flat place, the first one of equals."""
    flat = np.ravel_multi_index(np.meshgrid(*indices, indexing="ij"), x.shape[2:]).ravel()
    part = x.reshape(*x.shape[:2], -1)[..., flat]
    best = np.argmax(part, -1)
    return np.take_along_axis(part, best[..., None], -1)[..., 0], flat[best]


def max_pool(
    x: Array, kernel: Sides, stride: Sides | None = None, padding: Sides = 0, dilation: Sides = 1, ceil: bool = False
) -> tuple[Array, Array]:
    """The largest of each window of (N, C, *sides), and its flat place among the sides."""
    counts, windows = _windows(x.shape[2:], kernel, stride, padding, dilation, ceil)
    out, places = np.empty((*x.shape[:2], *counts)), np.empty((*x.shape[:2], *counts), np.int64)
    for place, inside, _ in windows:
        at: Any = (..., *place)
        out[at], places[at] = _largest(x, inside)
    return out, places


def adaptive_max(x: Array, sizes: Sequence[int]) -> tuple[Array, Array]:
    """The largest of nearly equal parts, and its flat place."""
    out, places = np.empty((*x.shape[:2], *sizes)), np.empty((*x.shape[:2], *sizes), np.int64)
    for place in np.ndindex(*sizes):
        at: Any = (..., *place)
        parts = [range(i * s // n, -(-(i + 1) * s // n)) for i, s, n in zip(place, x.shape[2:], sizes, strict=True)]
        out[at], places[at] = _largest(x, parts)
    return out, places


def avg_pool(x: Array, kernel: Sides, stride: Sides | None = None, padding: Sides = 0, ceil: bool = False,
             count_pad: bool = True, divisor: int | None = None) -> Array:  # fmt: skip
    """The sum of each window over its size: within the padding, within the input, or as told."""
    counts, windows = _windows(x.shape[2:], kernel, stride, padding, 1, ceil)
    out, axes = np.empty((*x.shape[:2], *counts)), tuple(range(2, x.ndim))
    for place, inside, size in windows:
        grid: Any = (..., *np.ix_(*inside))
        part = x[grid]
        size = divisor or (size if count_pad else math.prod(map(len, inside)))
        at: Any = (..., *place)
        out[at] = part.sum(axes) / size
    return out


def max_unpool(values: Array, places: Array, sides: Sequence[int]) -> Array:
    """Zeros, but for each value at its flat place."""
    out = np.zeros((*values.shape[:2], math.prod(sides)))
    np.put_along_axis(out, places.reshape(*places.shape[:2], -1), values.reshape(*values.shape[:2], -1), -1)
    return out.reshape(*values.shape[:2], *sides)


def padded_conv(x: Array, weight: Array, bias: Array | None = None, *, padding: Any = 0, mode: str = "zeros",
                stride: Sides = 1, dilation: Sides = 1, groups: int = 1) -> Array:  # fmt: skip
    """Correlation after padding in a mode; 'same' adds what keeps the size, the odd one at the end, 'valid' nothing."""
    n = x.ndim - 2
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(many(dilation, n), weight.shape[2:], strict=True)]
        pairs = [(t // 2, t - t // 2) for t in total]
    else:
        pairs = [(p, p) for p in many(0 if padding == "valid" else padding, n)]
    widths = [width for pair in reversed(pairs) for width in pair]
    x = pad(x, widths, "constant" if mode == "zeros" else mode)
    return conv(x, weight, bias, stride, 0, dilation, groups)

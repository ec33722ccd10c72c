"""Strategies for what stands between square brackets, in plain values: integers, slices, None, Ellipsis, arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

Shape = tuple[int, ...]


def slices(size: int) -> st.SearchStrategy[slice]:
    """Slices with positive steps, whose ends may lie outside of the dimension or be left out."""
    ends = st.none() | st.integers(-size - 2, size + 2)
    return st.builds(slice, ends, ends, st.none() | st.integers(1, 4))


def basic_items(size: int) -> st.SearchStrategy[Any]:
    """One item that uses up one dimension: a slice, or an integer where there is something to select."""
    return slices(size) | st.integers(-size, size - 1) if size else slices(size)


@st.composite
def basic(draw: st.DrawFn, shape: Shape) -> tuple[Any, ...]:
    """Indices of integers, slices, None and at most one Ellipsis, that give a view."""
    used = draw(st.integers(0, len(shape)))
    head = draw(st.integers(0, used))
    dims = [*range(head), *range(len(shape) - used + head, len(shape))]
    items: list[Any] = [draw(basic_items(shape[dim])) for dim in dims]
    if (used < len(shape) and head < used) or draw(st.booleans()):
        items.insert(head, ...)
    for _ in range(draw(st.integers(0, 2))):
        items.insert(draw(st.integers(0, len(items))), None)
    return tuple(items)


@st.composite
def places(draw: st.DrawFn, size: int, shape: Shape) -> np.ndarray:
    """int64 arrays of that shape with values from -size to size - 1."""
    count = int(np.prod(shape, dtype=np.int64))
    picks = np.frombuffer(draw(st.binary(min_size=count, max_size=count)), np.uint8).astype(np.int64)
    return (picks % (2 * size) - size if size else picks[:0]).reshape(shape)


@st.composite
def masks(draw: st.DrawFn, shape: Shape) -> np.ndarray:
    """Arrays of truth values of that shape."""
    count = int(np.prod(shape, dtype=np.int64))
    picks = np.frombuffer(draw(st.binary(min_size=count, max_size=count)), np.uint8)
    return (picks % 3 == 0).reshape(shape)


@st.composite
def advanced(draw: st.DrawFn, shape: Shape) -> tuple[Any, ...]:
    """Indices with at least one array: arrays that broadcast together, or one mask, among basic items.

    The shape has at least one dimension, and none of size 0.
    """
    if not shape or 0 in shape:
        raise ValueError(f"shape={shape}: at least one dimension is due, and no side of 0")
    common = draw(st.sampled_from([(2,), (3,), (1,), (2, 3), (0,), (3, 1)]))
    items: list[Any] = []
    first = draw(st.integers(0, len(shape) - 1))
    for dim, size in enumerate(shape):
        kind = "array" if dim == first else draw(st.sampled_from(["slice", "array", "integer"]))
        if kind == "array":
            squashed = tuple(draw(st.sampled_from([side, 1])) for side in common)
            items.append(draw(places(size, squashed)))
        else:
            items.append(draw(slices(size) if kind == "slice" else st.integers(-size, size - 1)))
    if draw(st.booleans()):
        items.insert(draw(st.integers(0, len(items))), None)
    return tuple(items)


@st.composite
def masked(draw: st.DrawFn, shape: Shape) -> tuple[Any, ...]:
    """Indices with one mask over one or more neighbouring dimensions, and slices before it; after a mask over a
    single dimension also behind."""
    if not shape:
        raise ValueError("at least one dimension is due")
    first = draw(st.integers(0, len(shape) - 1))
    last = draw(st.sampled_from([first + 1, len(shape)]))
    head = [draw(slices(shape[dim])) for dim in range(first)]
    tail = [draw(slices(shape[dim])) for dim in range(last, len(shape))]
    return (*head, draw(masks(shape[first:last])), *tail)

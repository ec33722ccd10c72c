"""Joining, splitting, repeating, flipping and triangles: each result as a rule for the place an element comes from."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def cat(parts: Sequence[np.ndarray], dim: int = 0) -> np.ndarray:
    """One after the other along an existing dimension; 1-D tensors without elements count for nothing."""
    kept = [part for part in parts if part.shape != (0,)] or list(parts[:1])
    dim %= kept[0].ndim
    shape = list(kept[0].shape)
    shape[dim] = sum(part.shape[dim] for part in kept)
    out = np.empty(shape, np.result_type(*(part.dtype for part in parts)))
    start = 0
    for part in kept:
        there = [slice(None)] * part.ndim
        there[dim] = slice(start, start + part.shape[dim])
        out[tuple(there)] = part
        start += part.shape[dim]
    return out


def stack(parts: Sequence[np.ndarray], dim: int = 0) -> np.ndarray:
    """Beside each other along a new dimension."""
    dim %= parts[0].ndim + 1
    return cat([part.reshape(*part.shape[:dim], 1, *part.shape[dim:]) for part in parts], dim)


def at_least(part: np.ndarray, dims: int) -> np.ndarray:
    """A view with at least so many dimensions, as atleast_1d, atleast_2d and atleast_3d make it."""
    if dims == 3:
        return part.reshape(1, part.size, 1) if part.ndim <= 1 else part[..., None] if part.ndim == 2 else part
    return part.reshape((1,) * (dims - part.ndim) + part.shape) if part.ndim < dims else part


def hstack(parts: Sequence[np.ndarray]) -> np.ndarray:
    wide = [at_least(part, 1) for part in parts]
    return cat(wide, 0 if wide[0].ndim == 1 else 1)


def vstack(parts: Sequence[np.ndarray]) -> np.ndarray:
    return cat([at_least(part, 2) for part in parts], 0)


def dstack(parts: Sequence[np.ndarray]) -> np.ndarray:
    return cat([at_least(part, 3) for part in parts], 2)


def column_stack(parts: Sequence[np.ndarray]) -> np.ndarray:
    return hstack([part.reshape(part.size, 1) if part.ndim <= 1 else part for part in parts])


def _cut(values: np.ndarray, sizes: Sequence[int], dim: int) -> tuple[np.ndarray, ...]:
    edges = [0, *itertools.accumulate(sizes)]
    line = [slice(None)] * values.ndim
    found = []
    for start, end in itertools.pairwise(edges):
        line[dim] = slice(start, end)
        found.append(values[tuple(line)])
    return tuple(found)


def split(values: np.ndarray, size: int | Sequence[int], dim: int = 0) -> tuple[np.ndarray, ...]:
    """Pieces of a size (the last may be smaller), or of the sizes given. A dimension of size 0 is one piece."""
    length = values.shape[dim]
    if not isinstance(size, int):
        return _cut(values, size, dim)
    count = max(math.ceil(length / size), 1) if size else 1
    return _cut(values, [min(size, length - i * size) for i in range(count)], dim)


def chunk(values: np.ndarray, chunks: int, dim: int = 0) -> tuple[np.ndarray, ...]:
    """Pieces of size ceil(length / chunks); there may be fewer than asked for. Size 0: that many empty pieces."""
    length = values.shape[dim]
    if length == 0:
        return _cut(values, [0] * chunks, dim)
    return split(values, math.ceil(length / chunks), dim)


def tensor_split(values: np.ndarray, by: int | Sequence[int], dim: int = 0) -> tuple[np.ndarray, ...]:
    """Exactly so many pieces, the first ones larger by one; or pieces that end at the given places, cut as slices."""
    length = values.shape[dim]
    if isinstance(by, int):
        return _cut(values, [length // by + (i < length % by) for i in range(by)], dim)
    line: list[Any] = [slice(None)] * values.ndim
    found = []
    for start, end in itertools.pairwise([0, *by, None]):
        line[dim] = slice(start, end)
        found.append(values[tuple(line)])
    return tuple(found)


def hsplit(values: np.ndarray, by: int | Sequence[int]) -> tuple[np.ndarray, ...]:
    return tensor_split(values, by, 0 if values.ndim == 1 else 1)


def vsplit(values: np.ndarray, by: int | Sequence[int]) -> tuple[np.ndarray, ...]:
    return tensor_split(values, by, 0)


def dsplit(values: np.ndarray, by: int | Sequence[int]) -> tuple[np.ndarray, ...]:
    return tensor_split(values, by, 2)


def unbind(values: np.ndarray, dim: int = 0) -> tuple[np.ndarray, ...]:
    """The slices along a dimension, without it."""
    return tuple(np.moveaxis(values, dim, 0))


def narrow(values: np.ndarray, dim: int, start: int, length: int) -> np.ndarray:
    """`length` entries from `start` along a dimension; a negative start counts from the end."""
    line = [slice(None)] * values.ndim
    start += values.shape[dim] if start < 0 else 0
    line[dim] = slice(start, start + length)
    return values[tuple(line)]


def repeat(values: np.ndarray, *sizes: int) -> np.ndarray:
    """out[i, j] = values[i mod rows, j mod columns]; leading sizes beyond values' dimensions are new ones."""
    wide = values.reshape((1,) * (len(sizes) - values.ndim) + values.shape)
    shape = tuple(size * side for size, side in zip(sizes, wide.shape, strict=True))
    out = np.empty(shape, values.dtype)
    for place in np.ndindex(shape):
        out[place] = wide[tuple(i % side for i, side in zip(place, wide.shape, strict=True))]
    return out


def tile(values: np.ndarray, dims: Sequence[int]) -> np.ndarray:
    """As repeat, with ones put before too few sizes."""
    return repeat(values, *((1,) * (values.ndim - len(dims)) + tuple(dims)))


def repeat_interleave(values: np.ndarray, repeats: Any, dim: int | None = None) -> np.ndarray:
    """Each slice (each element without dim) as often as its number says, one after the other."""
    source = values.reshape(-1) if dim is None else values
    dim = 0 if dim is None else dim % values.ndim
    counts = np.broadcast_to(np.asarray(repeats), (source.shape[dim],))
    picks = [i for i, count in enumerate(counts) for _ in range(int(count))]
    return np.take(source, np.array(picks, np.int64), axis=dim)


def flip(values: np.ndarray, dims: Sequence[int]) -> np.ndarray:
    """Each of the dimensions read backwards."""
    line = [slice(None)] * values.ndim
    for dim in dims:
        line[dim] = slice(None, None, -1)
    return values[tuple(line)].copy()


def fliplr(values: np.ndarray) -> np.ndarray:
    return flip(values, (1,))


def flipud(values: np.ndarray) -> np.ndarray:
    return flip(values, (0,))


def roll(values: np.ndarray, shifts: Any, dims: Any = None) -> np.ndarray:
    """The element at i goes to (i + shift) mod size; over the flattened tensor without dims."""
    if dims is None:
        return roll(values.reshape(-1), shifts, 0).reshape(values.shape)
    pairs = [(shifts, dims)] if isinstance(dims, int) else zip(shifts, dims, strict=True)
    for shift, dim in pairs:
        size = values.shape[dim]
        if size:
            values = np.take(values, (np.arange(size) - shift) % size, axis=dim)
    return values.copy()


def rot90(values: np.ndarray, k: int = 1, dims: Sequence[int] = (0, 1)) -> np.ndarray:
    """k quarter turns from the first of the two dimensions towards the second."""
    first, second = dims
    for _ in range(k % 4):
        values = flip(np.swapaxes(values, first, second), (first,))
    return values.copy()


def tril(values: np.ndarray, diagonal: int = 0) -> np.ndarray:
    """Zero above the diagonal (j - i > diagonal)."""
    i, j = np.indices(values.shape[-2:])
    return np.where(j - i <= diagonal, values, np.zeros((), values.dtype))


def triu(values: np.ndarray, diagonal: int = 0) -> np.ndarray:
    """Zero below the diagonal (j - i < diagonal)."""
    i, j = np.indices(values.shape[-2:])
    return np.where(j - i >= diagonal, values, np.zeros((), values.dtype))


def diagonal(values: np.ndarray, offset: int = 0, dim1: int = 0, dim2: int = 1) -> np.ndarray:
    """The elements with index_2 - index_1 = offset, as a new last dimension."""
    moved = np.moveaxis(values, (dim1, dim2), (-2, -1))
    rows, columns = moved.shape[-2:]
    pairs = [(i, i + offset) for i in range(rows) if 0 <= i + offset < columns]
    i, j = np.array(pairs, np.int64).reshape(-1, 2).T
    return moved[..., i, j]


def diag_embed(values: np.ndarray, offset: int = 0, dim1: int = -2, dim2: int = -1) -> np.ndarray:
    """Square matrices in dim1 and dim2 that hold the last dimension on one diagonal and are zero elsewhere."""
    length = values.shape[-1]
    side = length + abs(offset)
    out = np.zeros((*values.shape[:-1], side, side), values.dtype)
    for i in range(length):
        out[..., i + max(-offset, 0), i + max(offset, 0)] = values[..., i]
    return np.moveaxis(out, (-2, -1), (dim1, dim2))


def diagflat(values: np.ndarray, offset: int = 0) -> np.ndarray:
    """All elements, row by row, on one diagonal of a zero matrix."""
    return diag_embed(values.reshape(-1), offset)


def block_diag(*parts: np.ndarray) -> np.ndarray:
    """Matrices along the diagonal of a zero matrix; vectors count as one row."""
    wide = [at_least(part, 2) for part in parts]
    out = np.zeros((sum(p.shape[0] for p in wide), sum(p.shape[1] for p in wide)), np.result_type(*wide))
    row = column = 0
    for part in wide:
        out[row : row + part.shape[0], column : column + part.shape[1]] = part
        row, column = row + part.shape[0], column + part.shape[1]
    return out


def cartesian_prod(*parts: np.ndarray) -> np.ndarray:
    """One row for every choice of one element of each, the last changing fastest; one vector stays a vector."""
    rows = [list(choice) for choice in itertools.product(*parts)]
    out = np.array(rows, parts[0].dtype).reshape(len(rows), len(parts))
    return out[:, 0] if len(parts) == 1 else out


def combinations(values: np.ndarray, r: int = 2, with_replacement: bool = False) -> np.ndarray:
    """One row for every choice of r elements by place, in lexicographic order of places."""
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = [list(choice) for choice in choose(values.tolist(), r)]
    return np.array(rows, values.dtype).reshape(len(rows), r)


def written(values: np.ndarray, part: np.ndarray, there: np.ndarray) -> np.ndarray:
    """A copy of values with `part` at the row-major places `there`."""
    out = values.reshape(-1).copy()
    out[there] = part
    return out.reshape(values.shape)

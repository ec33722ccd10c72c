"""gather, scatter and their kin, element by element as their documentation defines them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Place = tuple[int, ...]


def _one(values: Any) -> np.ndarray:
    """An array of at least one dimension: a 0-d tensor counts as one element in a row."""
    values = np.asarray(values)
    return values.reshape(1) if values.ndim == 0 else values


def _targets(shape: tuple[int, ...], dim: int, index: np.ndarray) -> Iterator[tuple[Place, Place]]:
    """(place in index, the same place with its coordinate along dim replaced by the index's value)."""
    dim %= len(shape)
    for place in np.ndindex(index.shape):
        target = list(place)
        target[dim] = int(index[place])
        yield place, tuple(target)


def gather(values: np.ndarray, dim: int, index: np.ndarray) -> np.ndarray:
    """out[i][j] = values[index[i][j]][j] for dim 0, and so on."""
    source, where = _one(values), _one(index)
    out = np.empty(where.shape, source.dtype)
    for place, target in _targets(source.shape, dim, where):
        out[place] = source[target]
    return out.reshape(np.shape(index))


def take_along_dim(values: np.ndarray, index: np.ndarray, dim: int | None = None) -> np.ndarray:
    """As gather, with the other dimensions broadcast; over the flattened tensors without dim."""
    if dim is None:
        return gather(values.reshape(-1), 0, index.reshape(-1))
    dim %= values.ndim
    common = np.broadcast_shapes(*((*s[:dim], 1, *s[dim + 1 :]) for s in (values.shape, index.shape)))
    wide = (*common[:dim], values.shape[dim], *common[dim + 1 :])
    long = (*common[:dim], index.shape[dim], *common[dim + 1 :])
    return gather(np.broadcast_to(values, wide), dim, np.broadcast_to(index, long))


def _grouped(shape: tuple[int, ...], dim: int, index: np.ndarray, src: np.ndarray) -> dict[Place, list[Any]]:
    groups: dict[Place, list[Any]] = {}
    for place, target in _targets(shape, dim, index):
        groups.setdefault(target, []).append(src[place])
    return groups


def scatter(values: np.ndarray, dim: int, index: np.ndarray, src: Any) -> np.ndarray:
    """A copy of values with src written at the indexed places; of equal ones the last stays."""
    out, where = _one(values).copy(), _one(index)
    source = np.broadcast_to(src, where.shape) if np.ndim(src) == 0 else _one(src)
    for target, found in _grouped(out.shape, dim, where, source).items():
        out[target] = found[-1]
    return out.reshape(np.shape(values))


def scatter_reduce(
    values: np.ndarray, dim: int, index: np.ndarray, src: Any, reduce: str, *, include_self: bool = True
) -> np.ndarray:
    """A copy of values in which each indexed place holds the reduction of what is sent there (and of itself)."""
    out, where = _one(values).copy(), _one(index)
    source = np.broadcast_to(src, where.shape) if np.ndim(src) == 0 else _one(src)
    for target, found in _grouped(out.shape, dim, where, source).items():
        out[target] = REDUCE[reduce](([out[target]] if include_self else []) + found, out.dtype)
    return out.reshape(np.shape(values))


def _sum(found: list[Any], dtype: np.dtype) -> Any:
    if dtype.kind in "iu":
        return np.array(sum(int(value) for value in found) % 2 ** (8 * dtype.itemsize)).astype(np.uint64).astype(dtype)
    if dtype.kind == "b":
        return any(found)
    return np.sum(np.array(found, np.clongdouble if dtype.kind == "c" else np.longdouble)).astype(dtype)


def _prod(found: list[Any], dtype: np.dtype) -> Any:
    if dtype.kind in "iu":
        exact = math.prod(int(value) for value in found) % 2 ** (8 * dtype.itemsize)
        return np.array(exact).astype(np.uint64).astype(dtype)
    if dtype.kind == "b":
        return all(found)
    return np.prod(np.array(found, np.clongdouble if dtype.kind == "c" else np.longdouble)).astype(dtype)


def _mean(found: list[Any], dtype: np.dtype) -> Any:
    """The mean; of integers rounded down."""
    if dtype.kind in "iu":
        return dtype.type(sum(int(value) for value in found) // len(found))
    kind = np.clongdouble if dtype.kind == "c" else np.longdouble
    return (np.sum(np.array(found, kind)) / len(found)).astype(dtype)


def _largest(found: list[Any], dtype: np.dtype) -> Any:
    return np.max(np.array(found, dtype))


def _least(found: list[Any], dtype: np.dtype) -> Any:
    return np.min(np.array(found, dtype))


REDUCE: dict[str, Callable[[list[Any], np.dtype], Any]] = {
    "sum": _sum,
    "prod": _prod,
    "mean": _mean,
    "amax": _largest,
    "amin": _least,
    "add": _sum,
    "multiply": _prod,
}


def _rows(values: np.ndarray, dim: int) -> np.ndarray:
    """A view with dimension dim first."""
    return np.moveaxis(_one(values), dim, 0)


def index_select(values: np.ndarray, dim: int, index: np.ndarray) -> np.ndarray:
    """The slices along dim, in the order of the index."""
    rows, where = _rows(values, dim), _one(index)
    out = np.stack([rows[i] for i in where]) if len(where) else np.empty((0, *rows.shape[1:]), rows.dtype)
    out = np.moveaxis(out, 0, dim) if np.ndim(values) else out
    return out.reshape(()) if np.ndim(values) == 0 else out


def index_reduce(
    values: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray, reduce: str, *, include_self: bool = True
) -> np.ndarray:
    """A copy of values in which every slice named by the index holds its reduction with the slices sent there."""
    spread = _spread(np.shape(values), dim, index)
    return scatter_reduce(values, dim, spread, source, reduce, include_self=include_self)


def _spread(shape: tuple[int, ...], dim: int, index: np.ndarray) -> np.ndarray:
    """An index of slices as an index of elements, for gather and scatter."""
    shape = shape or (1,)
    dim, where = dim % len(shape), _one(index)
    aligned = where.reshape([-1 if d == dim else 1 for d in range(len(shape))])
    return np.broadcast_to(aligned, (*shape[:dim], len(where), *shape[dim + 1 :]))


def index_add(values: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray, *, alpha: Any = 1) -> np.ndarray:
    """A copy of values with alpha times each slice of source added to the slice that the index names."""
    with np.errstate(over="ignore"):
        scaled = (np.asarray(source) * np.asarray(alpha).astype(source.dtype)).astype(source.dtype)
    return index_reduce(values, dim, index, scaled, "sum")


def index_copy(values: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray) -> np.ndarray:
    """A copy of values whose named slices are those of source."""
    return scatter(values, dim, _spread(np.shape(values), dim, index), _one(source))


def index_fill(values: np.ndarray, dim: int, index: np.ndarray, value: Any) -> np.ndarray:
    """A copy of values whose named slices hold one value."""
    return scatter(values, dim, _spread(np.shape(values), dim, index), np.asarray(value).astype(values.dtype))


def take(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The elements at row-major places, in the shape of the index."""
    flat = values.reshape(-1)
    return np.array([flat[int(i)] for i in index.ravel()], values.dtype).reshape(index.shape)


def put(values: np.ndarray, index: np.ndarray, source: np.ndarray, accumulate: bool = False) -> np.ndarray:
    """A copy of values with source written (or added) at row-major places."""
    flat, where = values.reshape(-1), index.reshape(-1)
    where = np.where(where < 0, where + flat.size, where)
    if accumulate:
        return scatter_reduce(flat, 0, where, source.reshape(-1), "sum").reshape(values.shape)
    return scatter(flat, 0, where, source.reshape(-1)).reshape(values.shape)


def masked_fill(values: np.ndarray, mask: np.ndarray, value: Any) -> np.ndarray:
    """A copy of values that holds `value` where the (broadcast) mask is true."""
    shape = np.broadcast_shapes(values.shape, mask.shape)
    out, where = np.broadcast_to(values, shape).copy(), np.broadcast_to(mask, shape)
    filling = np.asarray(value).astype(values.dtype)
    for place in np.ndindex(shape):
        if where[place]:
            out[place] = filling
    return out


def masked_select(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The elements where the mask is true, in row-major order of the common shape."""
    pairs = zip(*(a.ravel() for a in np.broadcast_arrays(values, mask)), strict=True)
    return np.array([value for value, chosen in pairs if chosen], values.dtype)


def masked_scatter(values: np.ndarray, mask: np.ndarray, source: np.ndarray) -> np.ndarray:
    """A copy of values whose masked places hold the elements of source in turn."""
    shape = np.broadcast_shapes(values.shape, mask.shape)
    out, where = np.broadcast_to(values, shape).copy(), np.broadcast_to(mask, shape)
    supply = iter(source.ravel())
    for place in np.ndindex(shape):
        if where[place]:
            out[place] = next(supply)
    return out


def nonzero(values: np.ndarray) -> np.ndarray:
    """One row of coordinates for each element that is not zero, in row-major order."""
    rows = [place for place in np.ndindex(values.shape) if values[place] != 0]
    return np.array(rows, np.int64).reshape(len(rows), values.ndim)


def where(condition: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a where the condition is true and b elsewhere, all three broadcast; of the dtype that numpy gives the two."""
    chosen, left, right = np.broadcast_arrays(condition, a, b)
    out = np.empty(chosen.shape, np.result_type(a.dtype, b.dtype))
    for place in np.ndindex(chosen.shape):
        out[place] = left[place] if chosen[place] else right[place]
    return out

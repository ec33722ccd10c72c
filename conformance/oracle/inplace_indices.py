"""What the in-place methods that write at indices leave in self, worked out by loops over the places written to.

Every function takes self's values and the method's arguments, tensors as arrays in their host dtype, and returns an
array of self's shape: integers wrap in self's host dtype, other results come in the wider type of `math_elementary`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from conformance.oracle.inplace import converted, exact
from conformance.oracle.math_elementary import quiet

Places = Iterable[tuple[tuple[int, ...], tuple[int, ...]]]


def _along(index: np.ndarray) -> Places:
    """For a one-dimensional index: each slice of the source, and the slice of self that it goes to."""
    return [((here,), (int(there),)) for here, there in enumerate(np.reshape(index, -1))]


def _across(x: np.ndarray, dim: int, index: np.ndarray) -> Places:
    """For an index of as many dimensions as self: each place of the source, and the place of self that it goes to."""
    dim %= max(x.ndim, 1)
    pairs = ((place, int(index[place])) for place in np.ndindex(index.shape))
    return [(place, (*place[:dim], at, *place[dim + 1 :]) if x.ndim else ()) for place, at in pairs]


def _flat(x: np.ndarray, index: np.ndarray) -> Places:
    """For places counted in row-major order: the same."""
    count = max(x.size, 1)
    at = (np.unravel_index(int(index[place]) % count, x.shape) for place in np.ndindex(index.shape))
    return [(place, tuple(map(int, there))) for place, there in zip(np.ndindex(index.shape), at, strict=True)]


def _slices(x: np.ndarray, dim: int) -> np.ndarray:
    """The same elements with dimension `dim` in front; those of a 0-d array as its only slice."""
    return np.moveaxis(x, dim, 0) if x.ndim else x.reshape(1)


def _last(x: np.ndarray, source: Any, places: Places, dim: int | None = None) -> np.ndarray:
    """Each place of self (each slice along dim) gets the last element (slice) that goes there."""
    out, source = exact(x), converted(source, x)
    target, given = (out, source) if dim is None else (_slices(out, dim), _slices(source, dim))
    for here, there in places:
        target[there] = given[here] if source.ndim else source
    return out


def _reduced(
    x: np.ndarray, source: Any, places: Places, reduce: str, include_self: bool = True, dim: int | None = None
) -> np.ndarray:
    """Each place of self (each slice along dim) gets all that goes there, reduced, with what was there or without."""
    out, source = exact(x), exact(source)
    target, given = (out, source) if dim is None else (_slices(out, dim), _slices(source, dim))
    found = defaultdict(list)
    for here, there in places:
        found[tuple(map(int, there))].append(given[here] if source.ndim else source)
    for there, values in found.items():
        target[there] = _reduce(reduce, np.array([target[there]] * include_self + values, out.dtype))
    return out


@quiet
def _reduce(reduce: str, values: np.ndarray) -> Any:
    """Along the first axis; the mean of integers rounds downwards."""
    if reduce == "mean":
        total = values.sum(axis=0, dtype=values.dtype)
        return total // len(values) if values.dtype.kind in "iu" else total / len(values)
    if values.dtype.kind == "b" or reduce.startswith("a"):
        return np.max(values, axis=0) if reduce in ("sum", "amax") else np.min(values, axis=0)
    total = np.sum if reduce == "sum" else np.prod
    return total(values, axis=0, dtype=values.dtype)


def index_fill(x: np.ndarray, dim: int, index: np.ndarray, value: Any) -> np.ndarray:
    """The value in every slice that the index names."""
    filled = np.broadcast_to(converted(value, x), x.shape)
    return _last(x, filled, [(there, there) for _, there in _along(index)], dim)


def index_copy(x: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Slice i of the source in slice index[i]."""
    return _last(x, source, _along(index), dim)


def index_add(x: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray, alpha: Any = 1) -> np.ndarray:
    """Slice i of the source, times alpha, added to slice index[i], as often as it is named."""
    scaled = source if x.dtype.kind == "b" else (exact(source) * alpha).astype(exact(source).dtype)
    return _reduced(x, scaled, _along(index), "sum", dim=dim)


def index_reduce(
    x: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray, reduce: str, *, include_self: bool = True
) -> np.ndarray:
    """The slices of the source that go to one slice of self reduced by prod, mean, amax or amin."""
    return _reduced(x, source, _along(index), reduce, include_self, dim)


def index_put(x: np.ndarray, indices: Sequence[np.ndarray], values: np.ndarray, accumulate: bool = False) -> np.ndarray:
    """values at x[indices], which broadcast with one another; added if accumulate."""
    if indices[0].dtype == np.bool_:
        indices = [axis for mask in indices for axis in np.nonzero(mask)]
    places = np.stack(
        np.broadcast_arrays(*(np.where(at < 0, at + n, at) for at, n in zip(indices, x.shape, strict=False))), -1
    )
    shape = (*places.shape[:-1], *x.shape[len(indices) :])
    values = np.broadcast_to(values, shape)
    head = places.ndim - 1
    pairs = [(here, (*map(int, places[here[:head]]), *here[head:])) for here in np.ndindex(shape)]
    return _reduced(x, values, pairs, "sum") if accumulate else _last(x, values, pairs)


def put(x: np.ndarray, index: np.ndarray, source: np.ndarray, accumulate: bool = False) -> np.ndarray:
    """Element i of the source at place index[i] of self in row-major order; added if accumulate."""
    source = source.reshape(index.shape)
    return _reduced(x, source, _flat(x, index), "sum") if accumulate else _last(x, source, _flat(x, index))


def scatter(
    x: np.ndarray, dim: int, index: np.ndarray, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> np.ndarray:
    """Element p of the source (or the one value) at p with index[p] for its coordinate dim; or added, or multiplied."""
    source = value if src is None else src
    if reduce is None:
        return _last(x, source, _across(x, dim, index))
    return _reduced(x, converted(source, x), _across(x, dim, index), {"add": "sum", "multiply": "prod"}[reduce])


def scatter_add(x: np.ndarray, dim: int, index: np.ndarray, src: np.ndarray) -> np.ndarray:
    """Element p of the source added at p with index[p] for its coordinate dim."""
    return _reduced(x, src, _across(x, dim, index), "sum")


def scatter_reduce(
    x: np.ndarray, dim: int, index: np.ndarray, src: np.ndarray, reduce: str, *, include_self: bool = True
) -> np.ndarray:
    """The elements of the source that go to one place reduced by sum, prod, mean, amax or amin."""
    return _reduced(x, src, _across(x, dim, index), reduce, include_self)

"""What indexing with square brackets selects, by definition: the place of every selected element.

An index is a tuple of integers, slices, None, Ellipsis, truth values and arrays (integers or masks). It differs from
numpy's rule in one point: an integer is applied first and is no array index, so it never parts two of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Index = tuple[Any, ...]


def is_flag(item: Any) -> bool:
    """Whether an item is one truth value: it adds a dimension of size 1 or 0."""
    return isinstance(item, (bool, np.bool_)) or (
        isinstance(item, np.ndarray) and item.ndim == 0 and item.dtype == bool
    )


def consumed(item: Any) -> int:
    """How many dimensions of the indexed tensor an item uses up."""
    if item is None or is_flag(item):
        return 0
    return item.ndim if isinstance(item, np.ndarray) and item.dtype == bool else 1


def spelled_out(index: Index, ndim: int) -> list[Any]:
    """The index with its Ellipsis (or the end) replaced by full slices. Raises IndexError for too many items."""
    items = list(index)
    free = ndim - sum(consumed(item) for item in items if item is not Ellipsis)
    if free < 0:
        raise IndexError(f"too many indices for {ndim} dimensions")
    at = next((place for place, item in enumerate(items) if item is Ellipsis), len(items))
    return items[:at] + [slice(None)] * free + items[at + 1 :]


def _wrapped(array: np.ndarray, size: int) -> np.ndarray:
    if array.size and (array.min() < -size or array.max() >= size):
        raise IndexError(f"index out of range for size {size}")
    return np.where(array < 0, array + size, array).astype(np.int64)


def _entries(shape: tuple[int, ...], index: Index) -> list[tuple[str, int, np.ndarray]]:
    """(kind, source dimension, coordinates) of each dimension that remains; integers leave nothing but a place."""
    found: list[tuple[str, int, np.ndarray]] = []
    dim = 0
    for item in spelled_out(index, len(shape)):
        if item is None:
            found.append(("new", -1, np.zeros(1, np.int64)))
        elif is_flag(item):
            found.append(("array", -1, np.zeros(int(bool(item)), np.int64)))
        elif isinstance(item, slice):
            found.append(("slice", dim, np.arange(shape[dim])[item]))
        elif isinstance(item, np.ndarray) and item.dtype == bool:
            if item.shape != shape[dim : dim + item.ndim]:
                raise IndexError(f"a mask of shape {item.shape} for sizes {shape[dim : dim + item.ndim]}")
            found += [("array", dim + axis, coords) for axis, coords in enumerate(np.nonzero(item))]
        else:
            kind = "array" if np.ndim(item) else "fixed"
            found.append((kind, dim, _wrapped(np.asarray(item, np.int64), shape[dim])))
        dim += consumed(item)
    return found


def places(shape: tuple[int, ...], index: Index) -> np.ndarray:
    """The row-major places, in a tensor of that shape, of the elements that the index selects.

    Array indices broadcast together; their dimensions stand where the arrays stood if these were neighbours, and
    first otherwise. Raises IndexError as PyTorch does.
    """
    entries = _entries(shape, index)
    steps = np.cumprod([1, *reversed(shape)])[::-1][1:]
    base = sum(int(coords) * int(steps[dim]) for kind, dim, coords in entries if kind == "fixed")
    kept = [entry for entry in entries if entry[0] != "fixed"]
    arrays = [place for place, entry in enumerate(kept) if entry[0] == "array"]
    common = np.broadcast_shapes(*(kept[place][2].shape for place in arrays)) if arrays else ()
    neighbours = arrays == list(range(arrays[0], arrays[0] + len(arrays))) if arrays else True
    lead = arrays[0] if arrays and neighbours else 0
    rest = [entry for entry in kept if entry[0] != "array"]
    ndim = len(rest) + len(common)
    total = np.full([1] * ndim, base, np.int64)
    for place, (_, dim, coords) in enumerate(rest):
        axis = place if place < lead else place + len(common)
        step = int(steps[dim]) if dim >= 0 else 0
        total = total + (coords * step).reshape([-1 if d == axis else 1 for d in range(ndim)])
    for place in arrays:
        _, dim, coords = kept[place]
        step = int(steps[dim]) if dim >= 0 else 0
        spread = np.broadcast_to(coords, common) * step
        total = total + spread.reshape([1] * lead + list(common) + [1] * (ndim - lead - len(common)))
    return total


def get(values: np.ndarray, index: Index) -> np.ndarray:
    """values[index]."""
    return values.reshape(-1)[places(values.shape, index)]


def put(values: np.ndarray, index: Index, new: np.ndarray, *, add: bool = False) -> np.ndarray:
    """A copy of values after values[index] = new; with `add`, every element of new is added where it belongs.

    Of several elements for one place the last stays: PyTorch promises only that it is one of them.
    """
    where = places(values.shape, index)
    new = np.asarray(new)
    while new.ndim > where.ndim and new.shape[0] == 1:
        new = new[0]
    spread = np.broadcast_to(new, where.shape).astype(values.dtype)
    out = values.reshape(-1).copy()
    for place, value in zip(where.ravel(), spread.ravel(), strict=True):
        out[place] = added(out[place], value) if add else value
    return out.reshape(values.shape)


def added(a: Any, b: Any) -> Any:
    """a + b in their dtype: integers wrap, truth values join."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.add(a, b)


def candidates(values: np.ndarray, index: Index, new: np.ndarray) -> list[set[Any]]:
    """For every place of values, in row-major order, what it may hold after values[index] = new."""
    found: list[list[Any]] = [[] for _ in range(values.size)]
    where = places(values.shape, index)
    for place, value in zip(where.ravel(), np.broadcast_to(new, where.shape).ravel(), strict=True):
        found[place].append(value.item())
    return [set(new) or {old.item()} for new, old in zip(found, values.ravel(), strict=True)]

"""What functions do that rearrange elements into new memory, on numpy arrays, by their definitions.

They raise ValueError or IndexError for what has to be refused.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def repeat(a: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """The array beside itself so often in each dimension; further dimensions come first."""
    if len(sizes) < a.ndim or min(sizes, default=0) < 0:
        raise ValueError("a number for every dimension is due")
    out = a.reshape((1,) * (len(sizes) - a.ndim) + a.shape)
    for dim, times in enumerate(sizes):
        out = np.concatenate([out] * times, dim) if times else np.take(out, [], dim)
    return out


def tile(a: np.ndarray, dims: tuple[int, ...]) -> np.ndarray:
    """As repeat, but missing numbers are ones, in front."""
    return repeat(a, (1,) * (a.ndim - len(dims)) + tuple(dims))


def _wrapped(dims: Iterable[int], ndim: int) -> list[int]:
    if any(not -max(ndim, 1) <= dim < max(ndim, 1) for dim in dims):
        raise IndexError("no such dimension")
    return [dim % max(ndim, 1) for dim in dims]


def flip(a: np.ndarray, dims: tuple[int, ...]) -> np.ndarray:
    """Backwards along the dimensions named."""
    found = _wrapped(dims, a.ndim)
    if len(set(found)) < len(found):
        raise ValueError("a dimension comes twice")
    return a[tuple(slice(None, None, -1) if dim in found else slice(None) for dim in range(a.ndim))]


def roll(a: np.ndarray, shifts: int | tuple[int, ...], dims: int | tuple[int, ...] = ()) -> np.ndarray:
    """Elements move by shifts along dimensions, and come in again at the other end; flat, without dimensions."""
    by = (shifts,) if isinstance(shifts, int) else shifts
    along = (dims,) if isinstance(dims, int) else dims
    if not along:
        if len(by) != 1:
            raise ValueError("one shift is due")
        return roll(a.ravel(), by, (0,)).reshape(a.shape)
    if len(by) != len(along):
        raise ValueError("a shift for every dimension is due")
    if a.ndim == 0:
        raise IndexError("no such dimension")
    for shift, dim in zip(by, _wrapped(along, a.ndim), strict=True):
        a = a.take((np.arange(a.shape[dim]) - shift) % max(a.shape[dim], 1), dim)
    return a


def rot90(a: np.ndarray, k: int = 1, dims: tuple[int, ...] = (0, 1)) -> np.ndarray:
    """k quarter turns from the first of the dimensions towards the second."""
    if a.ndim < 2 or len(dims) != 2:
        raise ValueError("two dimensions are due")
    first, second = _wrapped(dims, a.ndim)
    if first == second:
        raise ValueError("two dimensions are due")
    for _ in range(k % 4):
        a = flip(np.swapaxes(a, first, second), (first,))
    return a


def fliplr(a: np.ndarray) -> np.ndarray:
    if a.ndim < 2:
        raise ValueError("two dimensions are due")
    return a[:, ::-1]


def flipud(a: np.ndarray) -> np.ndarray:
    if a.ndim < 1:
        raise ValueError("one dimension is due")
    return a[::-1]


def narrow(a: np.ndarray, dim: int, start: int, length: int) -> np.ndarray:
    return a.take(np.arange(start % max(a.shape[dim], 1), start % max(a.shape[dim], 1) + length), dim)

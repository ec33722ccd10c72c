"""Reductions by definition, in long double or whole numbers, each with the scale on which it may be wrong.

An Answer holds what comes out, and for a rounded result the sum of magnitudes (`scale`) and the number of roundings
of it (`terms`) that any order of working it out stays within.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Dims = int | Sequence[int] | None


class Answer(NamedTuple):
    """Values (in long double where they are rounded), the scale of their error, and how many roundings it takes."""

    values: np.ndarray
    scale: Any = None
    terms: Any = 0.0


def lined_up(x: np.ndarray, dim: Dims) -> np.ndarray:
    """The reduced dimensions as one last dimension; all of them without dim."""
    if x.ndim == 0:
        return x.reshape(1)
    dims = tuple(range(x.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    dims = tuple(d % x.ndim for d in dims) or tuple(range(x.ndim))
    if len(set(dims)) != len(dims):
        raise ValueError(f"dimension named twice: {dims}")
    kept = [d for d in range(x.ndim) if d not in dims]
    return x.transpose(*kept, *dims).reshape(*(x.shape[d] for d in kept), math.prod(x.shape[d] for d in dims))


def kept_shape(shape: tuple[int, ...], dim: Dims) -> tuple[int, ...]:
    """The shape of a reduction with keepdim."""
    if not shape:
        return ()
    dims = range(len(shape)) if dim is None else [dim] if isinstance(dim, int) else dim
    gone = {d % len(shape) for d in dims} or set(range(len(shape)))
    return tuple(1 if d in gone else side for d, side in enumerate(shape))


Law = Callable[[np.ndarray], Any]


def reduced(x: np.ndarray, dim: Dims, keepdim: bool, law: Law) -> Any:
    """A law of lines (last axis) over the dimensions; every part of its answer gets the shape of the reduction."""
    found = law(lined_up(x, dim))
    shape = kept_shape(x.shape, dim)

    def shaped(part: Any) -> Any:
        if not isinstance(part, (np.ndarray, np.generic)):
            return part
        return part.reshape(shape) if keepdim and part.size == math.prod(shape) else np.asarray(part)

    if isinstance(found, Answer):
        return Answer(*(shaped(part) for part in found))
    return tuple(map(shaped, found)) if isinstance(found, tuple) else shaped(found)


def wide(x: np.ndarray) -> np.ndarray:
    """Long double (or its complex) for floating values, int64 for whole numbers and truth values."""
    if x.dtype.kind == "c":
        return x.astype(np.clongdouble)
    return x.astype(np.longdouble if x.dtype.kind == "f" else np.int64)


def sums(lines: np.ndarray) -> Answer:
    """Sums; whole numbers wrap at 64 bits."""
    w = wide(lines)
    return Answer(np.asarray(w.sum(-1)), np.abs(w).sum(-1).astype(np.float64), lines.shape[-1])


def total(x: np.ndarray, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Answer:
    """sum. `dtype`: what the elements are converted to first."""
    return reduced(converted(x, dtype), dim, keepdim, sums)


def converted(x: np.ndarray, dtype: str | None) -> np.ndarray:
    """As Tensor.to: towards zero for whole numbers."""
    return x if dtype is None else x.astype({"bfloat16": "float32"}.get(dtype, dtype))


def nansum(x: np.ndarray, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Answer:
    x = converted(x, dtype)
    return reduced(np.where(x != x, np.zeros((), x.dtype), x), dim, keepdim, sums)


def _means(lines: np.ndarray) -> Answer:
    found, count = sums(lines), lines.shape[-1]
    with np.errstate(all="ignore"):
        return Answer(found.values / np.longdouble(count), found.scale / max(count, 1), count + 2)


def mean(x: np.ndarray, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Answer:
    return reduced(converted(x, dtype), dim, keepdim, _means)


def _nanmeans(lines: np.ndarray) -> Answer:
    gone = lines != lines
    found = sums(np.where(gone, np.zeros((), lines.dtype), lines))
    count = (~gone).sum(-1)
    with np.errstate(all="ignore"):
        return Answer(
            found.values / count.astype(np.longdouble), found.scale / np.maximum(count, 1), lines.shape[-1] + 2
        )


def nanmean(x: np.ndarray, dim: Dims = None, keepdim: bool = False) -> Answer:
    return reduced(x, dim, keepdim, _nanmeans)


def _products(lines: np.ndarray) -> Answer:
    with np.errstate(all="ignore"):
        return Answer(np.asarray(wide(lines).prod(-1)), None, lines.shape[-1])


def prod(x: np.ndarray, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Answer:
    return reduced(converted(x, dtype), dim, keepdim, _products)


# -- truth ---------------------------------------------------------------------------------------------------------


def _truth(x: np.ndarray, found: Any) -> np.ndarray:
    return np.asarray(found).astype(np.uint8 if x.dtype == np.uint8 else bool)


def all_(x: np.ndarray, dim: Dims = None, keepdim: bool = False) -> np.ndarray:
    return reduced(x, dim, keepdim, lambda lines: _truth(x, (lines != 0).all(-1)))


def any_(x: np.ndarray, dim: Dims = None, keepdim: bool = False) -> np.ndarray:
    return reduced(x, dim, keepdim, lambda lines: _truth(x, (lines != 0).any(-1)))


def count_nonzero(x: np.ndarray, dim: Dims = None) -> np.ndarray:
    return reduced(x, dim, False, lambda lines: (lines != 0).sum(-1).astype(np.int64))


# -- the largest and the least ---------------------------------------------------------------------------------------


def first_largest(lines: np.ndarray, sign: int = 1) -> np.ndarray:
    """Where each line has its largest element (its least for sign -1) for the first time; NaN counts as it."""
    out = np.zeros(lines.shape[:-1], np.int64)
    for place in np.ndindex(out.shape):
        line = lines[place].tolist()
        best = 0
        for i, value in enumerate(line):
            if line[best] != line[best]:
                break
            if value != value or (value > line[best] if sign > 0 else value < line[best]):
                best = i
        out[place] = best
    return out


def _at(lines: np.ndarray, where: np.ndarray) -> np.ndarray:
    return np.take_along_axis(lines, where[..., None], -1)[..., 0]


def extreme(x: np.ndarray, dim: Dims = None, keepdim: bool = False, sign: int = 1) -> np.ndarray:
    """amax, or amin for sign -1."""
    return reduced(x, dim, keepdim, lambda lines: _at(lines, first_largest(lines, sign)))


def extreme_with_index(x: np.ndarray, dim: int, keepdim: bool = False, sign: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """(values, places) along one dimension, the place of the first of equal ones."""

    def law(lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        where = first_largest(lines, sign)
        return _at(lines, where), where

    return reduced(x, dim, keepdim, law)


def arg_extreme(x: np.ndarray, dim: int | None = None, keepdim: bool = False, sign: int = 1) -> np.ndarray:
    """argmax, or argmin for sign -1; without dim the row-major place in the whole tensor."""
    return reduced(x, dim, keepdim, lambda lines: first_largest(lines, sign))


def aminmax(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> tuple[np.ndarray, np.ndarray]:
    return extreme(x, dim, keepdim, -1), extreme(x, dim, keepdim)

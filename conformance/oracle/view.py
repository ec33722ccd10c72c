"""What views look at: the shape, strides and offset of every view function's result, by plain arithmetic.

Strides and offsets count elements. Every function takes a geometry first and the arguments of the PyTorch function of
its name after it. It raises IndexError for a dimension or an index that is not there, Incompatible where the strides
allow no view, and another ValueError for anything else that has to be refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Ints = tuple[int, ...]


@dataclass(frozen=True)
class Geometry:
    """How a tensor looks at its storage."""

    shape: Ints
    strides: Ints
    offset: int = 0

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def numel(self) -> int:
        return math.prod(self.shape)

    def places(self) -> np.ndarray:
        """The place in the storage of each element: an int64 array of the shape."""
        found = np.full(self.shape, self.offset, np.int64)
        for dim, (size, stride) in enumerate(zip(self.shape, self.strides, strict=True)):
            found += (np.arange(size) * stride).reshape([-1 if d == dim else 1 for d in range(self.ndim)])
        return found

    def is_overlapping(self) -> bool:
        """Whether two elements lie at one place."""
        return len(np.unique(self.places())) < self.numel


Rule = Callable[..., Any]


class Incompatible(ValueError):
    """No view of these strides has that shape; `shape` is what a copy would have."""

    def __init__(self, shape: Ints) -> None:
        super().__init__(f"no view has the shape {shape}")
        self.shape = shape


def of(recipe: Any) -> Geometry:
    """The geometry of a recipe."""
    return Geometry(tuple(recipe.shape), tuple(recipe.strides), recipe.offset)


def row_major(shape: Sequence[int]) -> Ints:
    """The strides of a contiguous tensor: each is the number of elements in one step of its dimension."""
    return tuple(math.prod(max(size, 1) for size in shape[dim + 1 :]) for dim in range(len(shape)))


def inner_major(shape: Sequence[int]) -> Ints:
    """The strides of channels_last and channels_last_3d: dimension 1 varies fastest, then the last, and so on."""
    order = (0, *range(2, len(shape)), 1)
    steps = row_major([shape[dim] for dim in order])
    return tuple(steps[order.index(dim)] for dim in range(len(shape)))


def matches(shape: Sequence[int], strides: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether strides say the same as others; those of dimensions of size 1, and of empty tensors, say nothing."""
    return 0 in shape or all(a == b for n, a, b in zip(shape, strides, wanted, strict=True) if n > 1)


def wrap(dim: int, ndim: int) -> int:
    """A dimension counted from the front. 0-d tensors take 0 and -1."""
    reach = max(ndim, 1)
    if not -reach <= dim < reach:
        raise IndexError(f"{dim} is no dimension of {ndim}")
    return dim % reach


# -- other shapes ------------------------------------------------------------------------------------------------------


def inferred(sizes: Sequence[int], numel: int) -> Ints:
    """The sizes with -1 replaced by what is left of the number of elements."""
    known = math.prod(size for size in sizes if size != -1)
    if any(size < -1 for size in sizes) or sizes.count(-1) > 1 or (-1 in sizes and (known == 0 or numel % known)):
        raise ValueError(f"no shape: {sizes}")
    found = tuple(numel // known if size == -1 else size for size in sizes)
    if math.prod(found) != numel:
        raise ValueError(f"{found} has not {numel} elements")
    return found


def _runs(g: Geometry) -> list[tuple[int, int]]:
    """Dimensions merged wherever one continues where the next inner one ends: (length, stride), outermost first."""
    runs: list[tuple[int, int]] = []
    for size, stride in zip(g.shape, g.strides, strict=True):
        if size == 1:
            continue
        if runs and runs[-1][1] == size * stride:
            runs[-1] = (runs[-1][0] * size, stride)
        else:
            runs.append((size, stride))
    return runs


def view(g: Geometry, sizes: Sequence[int]) -> Geometry:
    """Each new dimension has to be cut, from the inside out, off one run of evenly spaced elements."""
    shape = inferred(tuple(sizes), g.numel)
    if g.numel == 0:
        return Geometry(shape, row_major(shape), g.offset)
    runs, strides = [(1, 1), *_runs(g)], []
    for size in reversed(shape):
        while size > 1 and runs[-1][0] == 1:
            runs.pop()
        length, stride = runs[-1]
        if length % size:
            raise Incompatible(shape)
        strides.append(stride)
        runs[-1] = (length // size, stride * size)
    return Geometry(shape, tuple(reversed(strides)), g.offset)


def flatten(g: Geometry, start_dim: int = 0, end_dim: int = -1) -> Geometry:
    start, end = wrap(start_dim, g.ndim), wrap(end_dim, g.ndim)
    if start > end:
        raise ValueError("start_dim comes after end_dim")
    shape = g.shape or (1,)
    return view(g, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def ravel(g: Geometry) -> Geometry:
    """Flat and contiguous: evenly spaced elements are not enough."""
    if not matches(g.shape, g.strides, row_major(g.shape)):
        raise Incompatible((g.numel,))
    return view(g, (-1,) if g.numel else (0,))


def unflatten(g: Geometry, dim: int, sizes: Sequence[int]) -> Geometry:
    dim = wrap(dim, g.ndim)
    if not sizes or not g.shape:
        raise ValueError("a dimension and its sizes are due")
    return view(g, (*g.shape[:dim], *inferred(tuple(sizes), g.shape[dim]), *g.shape[dim + 1 :]))


def expand(g: Geometry, sizes: Sequence[int]) -> Geometry:
    """Dimensions of size 1 take any size, with stride 0; -1 keeps a size; new dimensions come first."""
    new = len(sizes) - g.ndim
    if new < 0 or any(size < 0 for size in sizes[:new]) or any(size < -1 for size in sizes):
        raise ValueError(f"cannot expand to {sizes}")
    shape, strides = list(sizes), [0] * new
    for dim, (size, stride) in enumerate(zip(g.shape, g.strides, strict=True), start=new):
        if shape[dim] == -1:
            shape[dim] = size
        if size not in (1, shape[dim]):
            raise ValueError(f"{size} is neither 1 nor {shape[dim]}")
        strides.append(stride if size == shape[dim] else 0)
    return Geometry(tuple(shape), tuple(strides), g.offset)


def broadcast(*shapes: Ints) -> Ints:
    """The shape that shapes have in common: aligned at the end, where one is 1 the other counts."""
    common: list[int] = []
    for place in range(1, max(map(len, shapes), default=0) + 1):
        sizes = {shape[-place] for shape in shapes if len(shape) >= place} - {1}
        if len(sizes) > 1:
            raise ValueError(f"{shapes} do not broadcast")
        common.insert(0, sizes.pop() if sizes else 1)
    return tuple(common)


# -- other dimensions --------------------------------------------------------------------------------------------------


def _kept(g: Geometry, dims: Sequence[int]) -> Geometry:
    return Geometry(tuple(g.shape[dim] for dim in dims), tuple(g.strides[dim] for dim in dims), g.offset)


def squeeze(g: Geometry, dim: int | Ints | None = None) -> Geometry:
    """Without the dimensions of size 1, or those of them that are named."""
    named = range(g.ndim) if dim is None else [wrap(d, g.ndim) for d in ((dim,) if isinstance(dim, int) else dim)]
    return _kept(g, [d for d in range(g.ndim) if g.shape[d] != 1 or d not in named])


def unsqueeze(g: Geometry, dim: int) -> Geometry:
    dim = wrap(dim, g.ndim + 1)
    return Geometry((*g.shape[:dim], 1, *g.shape[dim:]), (*g.strides[:dim], 0, *g.strides[dim:]), g.offset)


def permute(g: Geometry, dims: Sequence[int]) -> Geometry:
    if len(dims) != g.ndim:
        raise ValueError("one entry for every dimension is due")
    order = [wrap(dim, g.ndim) for dim in dims]
    if len(set(order)) < len(order):
        raise ValueError("a dimension comes twice")
    return _kept(g, order)


def transpose(g: Geometry, dim0: int, dim1: int) -> Geometry:
    a, b = wrap(dim0, g.ndim), wrap(dim1, g.ndim)
    return _kept(g, [{a: b, b: a}.get(dim, dim) for dim in range(g.ndim)])


def t(g: Geometry) -> Geometry:
    if g.ndim > 2:
        raise ValueError("t is for at most two dimensions")
    return reverse(g)


def reverse(g: Geometry) -> Geometry:
    """All dimensions the other way round, as T."""
    return _kept(g, range(g.ndim)[::-1])


def matrix_transpose(g: Geometry) -> Geometry:
    """The last two dimensions swapped, as mT; a 0-d tensor stays."""
    if g.ndim == 1:
        raise ValueError("a vector is no matrix")
    return transpose(g, -2, -1) if g.ndim else g


def one_matrix_transpose(g: Geometry) -> Geometry:
    """As H, which takes no batches."""
    if g.ndim not in (0, 2):
        raise ValueError("two dimensions are due")
    return reverse(g)


def movedim(g: Geometry, source: int | Ints, destination: int | Ints) -> Geometry:
    """The named dimensions go where they are told, the others keep their order."""
    sources, targets = [(dim,) if isinstance(dim, int) else dim for dim in (source, destination)]
    if len(sources) != len(targets):
        raise ValueError("as many destinations as sources are due")
    moved = [(wrap(a, g.ndim), wrap(b, g.ndim)) for a, b in zip(sources, targets, strict=True)]
    if len({a for a, _ in moved}) < len(moved) or len({b for _, b in moved}) < len(moved):
        raise ValueError("a dimension comes twice")
    if g.ndim == 0:
        return g
    order = [dim for dim in range(g.ndim) if dim not in {a for a, _ in moved}]
    for a, b in sorted(moved, key=lambda pair: pair[1]):
        order.insert(b, a)
    return _kept(g, order)


def atleast(g: Geometry, ndim: int) -> Geometry:
    """As numpy does: a vector becomes a row, and a matrix gets its third dimension at the end."""
    for place in {1: (0,), 2: (0, 0), 3: (0, 0, 2)}[ndim][g.ndim :]:
        g = unsqueeze(g, place)
    return g

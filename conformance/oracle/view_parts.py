"""What views of a part look at: the geometries of selecting, slicing and splitting. Rules as in oracle.view."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from conformance.oracle.view import Geometry, Ints, unsqueeze, wrap


def _own(g: Geometry, dim: int) -> int:
    """A dimension of a tensor that has any."""
    if g.ndim == 0:
        raise IndexError("a 0-d tensor has no dimension")
    return wrap(dim, g.ndim)


def _cut(g: Geometry, dim: int, start: int, length: int, step: int = 1) -> Geometry:
    """Every `step`-th slice along a dimension, from `start`."""
    shape, strides = list(g.shape), list(g.strides)
    shape[dim], strides[dim] = length, g.strides[dim] * step
    return Geometry(tuple(shape), tuple(strides), g.offset + start * g.strides[dim])


def select(g: Geometry, dim: int, index: int) -> Geometry:
    """One index of a dimension, which goes away. Raises IndexError."""
    dim = _own(g, dim)
    size = g.shape[dim]
    if not -size <= index < size:
        raise IndexError(f"{index} is no index of {size}")
    cut = _cut(g, dim, index % size, 1)
    return Geometry(cut.shape[:dim] + cut.shape[dim + 1 :], cut.strides[:dim] + cut.strides[dim + 1 :], cut.offset)


def narrow(g: Geometry, dim: int, start: int, length: int) -> Geometry:
    """So many elements of a dimension, from a start on. Raises IndexError or ValueError."""
    if g.ndim == 0:
        raise ValueError("a 0-d tensor cannot be narrowed")
    dim = wrap(dim, g.ndim)
    size = g.shape[dim]
    if not -size <= start <= size:
        raise IndexError(f"{start} is no start in {size}")
    start = start + size if start < 0 else start
    if length < 0 or start + length > size:
        raise ValueError(f"{length} from {start} on leaves {size}")
    return _cut(g, dim, start, length)


def slice_along(g: Geometry, dim: int, part: slice) -> Geometry:
    """As Python slices a range; steps have to be positive."""
    dim = _own(g, dim)
    if part.step is not None and part.step < 1:
        raise ValueError("steps have to be positive")
    kept = range(g.shape[dim])[part]
    return _cut(g, dim, kept.start, len(kept), kept.step)


def index(g: Geometry, key: Any) -> Geometry:
    """Basic indexing: integers, slices, None and ..., alone or in a tuple."""
    parts = list(key) if isinstance(key, tuple) else [key]
    taken = sum(part is not None and part is not ... for part in parts)
    if taken > g.ndim:
        raise IndexError("too many indices")
    if ... in parts:
        place = parts.index(...)
        rest = [part for part in parts[place + 1 :] if part is not ...]
        parts = [*parts[:place], *[slice(None)] * (g.ndim - taken), *rest]
    dim = 0
    for part in parts:
        if isinstance(part, int):
            g = select(g, dim, part)
            continue
        g = unsqueeze(g, dim) if part is None else slice_along(g, dim, part)
        dim += 1
    return g


def diagonal(g: Geometry, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Geometry:
    """Both dimensions advance together; their place is taken by a last dimension."""
    a, b = wrap(dim1, g.ndim), wrap(dim2, g.ndim)
    if a == b:
        raise ValueError("two dimensions are due")
    down, right = max(-offset, 0), max(offset, 0)
    length = max(min(g.shape[a] - down, g.shape[b] - right), 0)
    start = g.offset + (down * g.strides[a] + right * g.strides[b] if length else 0)
    rest = [dim for dim in range(g.ndim) if dim not in (a, b)]
    shape = (*(g.shape[dim] for dim in rest), length)
    return Geometry(shape, (*(g.strides[dim] for dim in rest), g.strides[a] + g.strides[b]), start)


def unfold(g: Geometry, dimension: int, size: int, step: int) -> Geometry:
    """Windows of `size` every `step`; those that would reach beyond the end are left out."""
    dim = wrap(dimension, g.ndim)
    if g.ndim == 0:
        windows = unfold(unsqueeze(g, 0), 0, size, step)
        return Geometry(windows.shape[1:], windows.strides[1:], windows.offset)
    if not 0 <= size <= g.shape[dim] or step < 1:
        raise ValueError(f"no windows of {size} every {step}")
    cut = _cut(g, dim, 0, (g.shape[dim] - size) // step + 1, step)
    return Geometry((*cut.shape, size), (*cut.strides, g.strides[dim]), g.offset)


# -- several parts -----------------------------------------------------------------------------------------------------


def _parts(g: Geometry, dim: int, sizes: Sequence[int]) -> tuple[Geometry, ...]:
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    return tuple(_cut(g, dim, start, size) for start, size in zip(starts, sizes, strict=True))


def _splittable(g: Geometry, dim: int) -> int:
    if g.ndim == 0:
        raise ValueError("a 0-d tensor cannot be split")
    return wrap(dim, g.ndim)


def split(g: Geometry, split_size: int | Ints, dim: int = 0) -> tuple[Geometry, ...]:
    """Parts of that size, the last one with what is left; or parts of the sizes listed."""
    dim = _splittable(g, dim)
    total = g.shape[dim]
    if not isinstance(split_size, int):
        if sum(split_size) != total or any(size < 0 for size in split_size):
            raise ValueError(f"{split_size} does not add up to {total}")
        return _parts(g, dim, split_size)
    if split_size < 0 or (split_size == 0 and total):
        raise ValueError("a positive size is due")
    whole, rest = divmod(total, max(split_size, 1))
    return _parts(g, dim, [split_size] * whole + [rest] * (rest > 0 or whole == 0))


def chunk(g: Geometry, chunks: int, dim: int = 0) -> tuple[Geometry, ...]:
    """Parts of the least size with which so many suffice; there may be fewer. An empty dimension: as many as asked."""
    dim = _splittable(g, dim)
    if chunks < 1:
        raise ValueError("a positive number of chunks is due")
    if g.shape[dim] == 0:
        return _parts(g, dim, [0] * chunks)
    return split(g, -(-g.shape[dim] // chunks), dim)


def tensor_split(g: Geometry, indices_or_sections: int | Ints, dim: int = 0) -> tuple[Geometry, ...]:
    """So many parts whose sizes differ by one at most, the larger first; or cut at indices, as slices are."""
    dim = _splittable(g, dim)
    size = g.shape[dim]
    if isinstance(indices_or_sections, int):
        if indices_or_sections < 1:
            raise ValueError("a positive number of sections is due")
        base, larger = divmod(size, indices_or_sections)
        return _parts(g, dim, [base + (place < larger) for place in range(indices_or_sections)])
    ends = [0, *indices_or_sections, size]
    return tuple(slice_along(g, dim, slice(a, b)) for a, b in pairwise(ends))


def _sections(g: Geometry, where: int | Ints, dim: int) -> tuple[Geometry, ...]:
    if isinstance(where, int) and (where < 1 or g.shape[dim] % where):
        raise ValueError(f"{g.shape[dim]} is no multiple of {where}")
    return tensor_split(g, where, dim)


def hsplit(g: Geometry, indices_or_sections: int | Ints) -> tuple[Geometry, ...]:
    if g.ndim < 1:
        raise ValueError("one dimension is due")
    return _sections(g, indices_or_sections, 0 if g.ndim == 1 else 1)


def vsplit(g: Geometry, indices_or_sections: int | Ints) -> tuple[Geometry, ...]:
    if g.ndim < 2:
        raise ValueError("two dimensions are due")
    return _sections(g, indices_or_sections, 0)


def dsplit(g: Geometry, indices_or_sections: int | Ints) -> tuple[Geometry, ...]:
    if g.ndim < 3:
        raise ValueError("three dimensions are due")
    return _sections(g, indices_or_sections, 2)


def unbind(g: Geometry, dim: int = 0) -> tuple[Geometry, ...]:
    dim = _own(g, dim)
    return tuple(select(g, dim, place) for place in range(g.shape[dim]))


# -- other elements ----------------------------------------------------------------------------------------------------


def as_strided(g: Geometry, size: Ints, stride: Ints, storage_offset: int | None = None) -> Geometry:
    """Whatever is asked; the own offset where none is given. Bounds are the caller's to check."""
    if len(size) != len(stride) or any(n < 0 for n in (*size, *stride)) or (storage_offset or 0) < 0:
        raise ValueError("sizes and strides of one length, none negative, are due")
    return Geometry(size, stride, g.offset if storage_offset is None else storage_offset)


def retyped(g: Geometry, old: int, new: int) -> Geometry:
    """The same bytes as elements of another size: view(dtype). `old`, `new`: bytes of an element."""
    if old == new:
        return g
    if g.ndim == 0:
        raise ValueError("one dimension is due")
    if old > new:
        by = old // new
        strides = tuple(stride * by for stride in g.strides[:-1])
        if g.strides[-1] != 1:
            raise ValueError("the last stride has to be 1")
        return Geometry((*g.shape[:-1], g.shape[-1] * by), (*strides, 1), g.offset * by)
    by = new // old
    if g.strides[-1] != 1 or any(n % by for n in (g.shape[-1], g.offset, *g.strides[:-1])):
        raise ValueError(f"everything has to be a multiple of {by}")
    strides = tuple(stride // by for stride in g.strides[:-1])
    return Geometry((*g.shape[:-1], g.shape[-1] // by), (*strides, 1), g.offset // by)


def view_as_real(g: Geometry) -> Geometry:
    """Real and imaginary part as a last dimension of 2; counted in parts."""
    return Geometry((*g.shape, 2), (*(2 * stride for stride in g.strides), 1), 2 * g.offset)


def view_as_complex(g: Geometry) -> Geometry:
    """The last dimension of 2 as one complex number; counted in complex numbers."""
    if g.ndim == 0 or g.shape[-1] != 2 or g.strides[-1] != 1 or any(n % 2 for n in (g.offset, *g.strides[:-1])):
        raise ValueError("pairs of neighbours, and even strides and offset, are due")
    return Geometry(g.shape[:-1], tuple(stride // 2 for stride in g.strides[:-1]), g.offset // 2)


def part(g: Geometry, which: int) -> Geometry:
    """The real (0) or imaginary (1) parts, counted in parts."""
    return Geometry(g.shape, tuple(2 * stride for stride in g.strides), 2 * g.offset + which)

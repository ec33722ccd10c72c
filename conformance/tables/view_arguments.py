"""What to try view functions with: arguments for a tensor of a given geometry, some of them to be refused.

Each set of arguments has one fault at most, so that it is clear which error is due: dimensions beyond the first and
the last are tried in both directions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import product
from typing import Any

from conformance.oracle.view import Geometry, Ints
from conformance.tables.view_calls import Like

Arguments = tuple[Any, ...]


def nothing(_: Geometry) -> Iterable[Arguments]:
    return [()]


def dims(g: Geometry) -> list[int]:
    reach = max(g.ndim, 1)
    return list(range(-reach, reach))


def beyond(g: Geometry) -> list[int]:
    reach = max(g.ndim, 1)
    return [reach, -reach - 1]


def one_dim(g: Geometry) -> Iterable[Arguments]:
    return [(dim,) for dim in (*dims(g), *beyond(g))]


def new_dim(g: Geometry) -> Iterable[Arguments]:
    return [(dim,) for dim in range(-g.ndim - 2, g.ndim + 2)]


def two_dims(g: Geometry) -> Iterable[Arguments]:
    return [*product(dims(g), repeat=2), *((0, dim) for dim in beyond(g)), *((dim, 0) for dim in beyond(g))]


def dim_tuples(g: Geometry) -> Iterable[Arguments]:
    some = [(), tuple(range(g.ndim)), (-1, *range(g.ndim - 1)), tuple(range(g.ndim))[::2], (-1,)]
    return [(dims,) for dims in (*some, (beyond(g)[0],), (beyond(g)[1],))]


def orders(g: Geometry) -> Iterable[Arguments]:
    """Orders of the dimensions: turned round, in reverse, counted from the end, and some that are none."""
    n = g.ndim
    forward = tuple(range(n))
    turned = [forward[k:] + forward[:k] for k in range(max(n, 1))]
    orders = [*turned, forward[::-1], *(tuple(dim - n for dim in order) for order in turned)]
    orders += [tuple(dim - n if dim % 2 else dim for dim in forward[::-1])]
    faults = [(*forward, 0), forward[1:], (0,) * n, (0, -n), (*forward[1:], n), (*forward[1:], -n - 1)] if n > 1 else []
    return [(order,) for order in orders + faults]


def moves(g: Geometry) -> Iterable[Arguments]:
    yield from two_dims(g)
    dims = tuple(range(g.ndim))
    if g.ndim >= 2:
        ends = [((0, 1), (1, 0)), ((0, -1), (-1, 0)), ((-1, 0), (0, 1)), ((0, 1), (-1, -2)), ((1,), (0,))]
        yield from [*ends, (dims, dims[::-1]), (dims, dims[1:] + dims[:1]), (dims[::-1], dims[1:] + dims[:1])]
        yield from [((0, 0), (0, 1)), ((0, 1), (1, 1)), ((0, -g.ndim), (0, 1)), ((0, 1), (0,)), ((), (0,))]
    yield ((), ())


def shapes(g: Geometry) -> Iterable[Arguments]:
    """Sizes that view and reshape should take, and some they should not."""
    n, s = g.numel, g.shape
    last = s[-1] if s else 1
    sizes: list[Ints] = [s, (n,), (-1,), (1, *s), (*s, 1), (-1, *s[1:]), s[::-1], (*s[:1], -1), (-1, last), (n, 1, 1)]
    sizes += [(*s[:dim], s[dim] * s[dim + 1], *s[dim + 2 :]) for dim in range(g.ndim - 1)]
    sizes += [(*s[:dim], by, s[dim] // by, *s[dim + 1 :]) for dim in range(g.ndim) for by in (2, 3) if s[dim] % by == 0]
    sizes += [(*s[:1], 1, *s[1:]), (2, -1), (-1, 2), (-1, 3, 1)]
    faults: list[Ints] = [(n + 1,), (-1, -1), (-2,), (7, -1), (*s, 2), (n, -2), (2, -1, -1), (0, -1)]
    return [(size,) for size in dict.fromkeys(sizes + faults)]


def likes(g: Geometry) -> Iterable[Arguments]:
    sizes = [g.shape, (g.numel,), (1, *g.shape), g.shape[::-1], (*g.shape[:1], math.prod(g.shape[1:])), (g.numel, 2)]
    return [(Like(size),) for size in sizes]


def flattenings(g: Geometry) -> Iterable[Arguments]:
    return [(), *((dim,) for dim in dims(g)), *two_dims(g)]


def unflattenings(g: Geometry) -> Iterable[Arguments]:
    for dim in dims(g) if g.ndim else ():
        size = g.shape[dim]
        yield from [(dim, (size,)), (dim, (1, size)), (dim, (-1, 1, 1)), (dim, (size, 1))]
        yield from [(dim, (by, -1)) for by in (2, 3, size) if size and size % by == 0]
        yield from [(dim, (-1, by)) for by in (2, 3, size) if size and size % by == 0]
    if g.shape == (3, 4):  # refusing these takes PyTorch milliseconds each
        yield from [(0, (4,)), (1, (-1, -1)), (-1, ()), (1, (3, -1)), (-2, (2, 2)), (2, (1,)), (-3, (1,))]


def wider(g: Geometry) -> list[Ints]:
    grown = tuple(3 if size == 1 else size for size in g.shape)
    first = next((dim for dim, size in enumerate(g.shape) if size == 1), 0)
    one = tuple(2 if dim == first and size == 1 else size for dim, size in enumerate(g.shape))
    return [g.shape, grown, one, (2, *g.shape), (2, 1, *grown), (0, *g.shape), (1, *g.shape)]


def expansions(g: Geometry) -> Iterable[Arguments]:
    kept = (-1,) * g.ndim
    sizes = [*wider(g), kept, (2, *kept), (3, 2, *kept[:-1], *g.shape[-1:])]
    faults: list[Ints] = [(-1, *g.shape), (-2, *g.shape[1:])] + ([g.shape[1:], (*g.shape[:-1], 9)] if g.ndim else [])
    return [(size,) for size in sizes + faults]


def expansion_likes(g: Geometry) -> Iterable[Arguments]:
    return [(Like(size),) for size in [*wider(g), (*g.shape, 7)]]


def narrowings(g: Geometry) -> Iterable[Arguments]:
    for dim in dims(g):
        n = g.shape[dim] if g.ndim else 1
        yield from [(dim, 0, n), (dim, 0, 0), (dim, n, 0), (dim, n // 2, n - n // 2), (dim, min(n, 1), max(n - 2, 0))]
        yield from [(dim, -n, n), (dim, -1, 1), (dim, -2, 1), (dim, n // 3, 1), (dim, -n - 1, 0)] if n else []
        yield from [(dim, n + 1, 0), (dim, 0, n + 1), (dim, n, 1), (dim, 0, -1)]
    yield from [(dim, 0, 0) for dim in (beyond(g) if g.ndim else ())]


def selections(g: Geometry) -> Iterable[Arguments]:
    for dim in dims(g):
        n = g.shape[dim] if g.ndim else 1
        yield from [(dim, place) for place in dict.fromkeys([0, 1, n // 2, n - 1, -1, -n, n, -n - 1])]
    yield from [(dim, 0) for dim in beyond(g)]


def indices(g: Geometry) -> Iterable[Arguments]:
    """Keys for x[key]: integers, slices, None, the ellipsis, tuples of them, and some that are out of range."""
    n = g.shape[0] if g.ndim else 1
    cuts = [slice(None), slice(1, None), slice(None, -1), slice(-2, None), slice(1, 99), slice(-99, 2), slice(2, 1)]
    cuts += [slice(None, None, 2), slice(1, None, 3), slice(1, -1, 2), slice(-3, None, 2), slice(None, None, 99)]
    cuts += [slice(n, None), slice(99, None), slice(None, 0)]
    faults: list[Any] = (
        [slice(None, None, -1), slice(None, None, 0), (..., slice(3, 1, -1))] if g.ndim else [slice(None)]
    )
    keys: list[Any] = [0, -1, n - 1, -n, n, -n - 1, *cuts, None, ..., (), (None, ...), (..., None), (0, ...), (..., -1)]
    keys += [
        (cut, *rest) for cut in cuts[::3] for rest in ([0], [None, -1], [..., slice(None, None, 2)], [slice(1, 3)])
    ]
    keys += [
        (None, 0, None, slice(1, None)),
        (0, slice(None), 0),
        (..., 1, slice(None)),
        (0,) * g.ndim,
        (0,) * (g.ndim + 1),
    ]
    return [(key,) for key in keys + faults]


def chunks(g: Geometry) -> Iterable[Arguments]:
    yield from [(1,), (2,), (0,), (-1,)]
    for dim in dims(g):
        yield from [(count, dim) for count in (1, 2, 3, 5, 100)]
    yield from [(1, dim) for dim in (beyond(g) if g.ndim else ())]


def splits(g: Geometry) -> Iterable[Arguments]:
    yield from [(1,), (2,), (-1,)]
    for dim in dims(g):
        n = g.shape[dim] if g.ndim else 1
        yield from [(size, dim) for size in (1, 2, 3, n, n + 1, 0) if size * 8 > n or not size]
        yield from listed(n, dim)
    yield from [(1, dim) for dim in (beyond(g) if g.ndim else ())]


def even_splits(g: Geometry) -> Iterable[Arguments]:
    return [arguments for arguments in splits(g) if isinstance(arguments[0], int)]


def listed(n: int, dim: int) -> Iterable[Arguments]:
    parts = [(n,), (0, n), (n, 0, 0), (n // 3, n - n // 3), (min(n, 1), 0, n - min(n, 1)), (n // 2, n - n // 2)]
    return [(sizes, dim) for sizes in [*parts, (n + 1,), (n + 1, -1), (n, 1)]]


def listed_splits(g: Geometry) -> Iterable[Arguments]:
    for dim in dims(g):
        yield from listed(g.shape[dim] if g.ndim else 1, dim)


CUTS: tuple[int | Ints, ...] = (1, 2, 3, 5, (), (1,), (1, 2), (0, 2), (-1,), (1, -1), (2, 1), (1, 99), (-99, 1), 0, -1)


def cuts(g: Geometry) -> Iterable[Arguments]:
    yield from [(where,) for where in CUTS]
    for dim in dims(g):
        yield from [(where, dim) for where in CUTS]
    yield from [(1, dim) for dim in (beyond(g) if g.ndim else ())]


def sections(g: Geometry) -> Iterable[Arguments]:
    return [(where,) for where in CUTS]


def diagonals(g: Geometry) -> Iterable[Arguments]:
    yield from [(), (1,), (-1,)]
    for a, b in product(dims(g), repeat=2):
        yield from [(offset, a, b) for offset in (0, 1, -1, 2, -2, 9, -9)] if g.ndim <= 2 else [(a - b, a, b)]
    yield from [(0, 0, dim) for dim in beyond(g)]


def matrix_diagonals(g: Geometry) -> Iterable[Arguments]:
    return [(offset, -2, -1) for offset in (0, 1, -2)] if g.ndim > 1 else []


def windows(g: Geometry) -> Iterable[Arguments]:
    for dim in dims(g):
        n = g.shape[dim] if g.ndim else 1
        yield from [(dim, size, step) for size, step in product((0, 1, 2, 3), (1, 2, 5))]
        yield from [(dim, n, 1), (dim, n, 3), (dim, n + 1, 1), (dim, 0, 0), (dim, 0, -1)]
        yield from [(dim, -1, 1)] if g.numel else []
    yield from [(dim, 0, 1) for dim in beyond(g)]


def striding(g: Geometry) -> Iterable[Arguments]:
    """Only places that the tensor itself has, so that they lie in its storage."""
    yield from [(g.shape, g.strides), (g.shape, g.strides, g.offset), (g.shape[::-1], g.strides[::-1], g.offset)]
    if g.ndim and g.numel:
        last = g.offset + (g.shape[-1] - 1) * g.strides[-1]
        yield from [(g.shape[-1:], g.strides[-1:]), ((1, 3), (5, 0), last), ((2, *g.shape), (0, *g.strides))]
        yield from [((0, 2), (1, 1), 0), ((), (), last), (((g.shape[-1] + 1) // 2,), (2 * g.strides[-1],), g.offset)]
    yield from [((2,), (1, 1)), ((1, 1), (1,)), ((1,), (1,), -1), ((1,), (-1,)), ((-1,), (1,))]

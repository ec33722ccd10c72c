"""The oracle of views, a second way: what numpy's own views look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance.oracle import view, view_parts
from conformance.oracle.view import Geometry, Incompatible

GEOMETRIES = (
    Geometry((3, 4), (4, 1), 0),
    Geometry((3, 4), (1, 3), 2),
    Geometry((3, 4), (8, 2), 1),
    Geometry((2, 3, 4), (12, 4, 1), 0),
    Geometry((2, 3, 4), (1, 2, 6), 3),
    Geometry((2, 1, 4), (8, 5, 2), 0),
    Geometry((5,), (3,), 1),
    Geometry((3, 4), (0, 1), 0),
    Geometry((2, 3), (0, 0), 4),
    Geometry((1, 1), (7, 9), 0),
    Geometry((), (), 3),
    Geometry((0, 3), (3, 1), 0),
    Geometry((2, 2, 3, 4), (24, 12, 4, 1), 0),
)
MEMORY = np.arange(64)


def seen(g: Geometry) -> np.ndarray:
    """A numpy array that looks at MEMORY, whose values are places, as the geometry says."""
    return np.lib.stride_tricks.as_strided(MEMORY[g.offset :], g.shape, [8 * stride for stride in g.strides])


def same(g: Geometry, array: np.ndarray) -> bool:
    """Whether a geometry and an array of places have the same shape, elements, and strides where these matter."""
    strides = tuple(stride // 8 for stride in array.strides)
    return g.shape == array.shape and np.array_equal(g.places(), array) and view.matches(g.shape, g.strides, strides)


@pytest.mark.parametrize("g", GEOMETRIES)
def test_places_are_what_numpy_sees(g):
    assert np.array_equal(g.places(), seen(g))
    assert g.is_overlapping() == bool((np.unique(seen(g), return_counts=True)[1] > 1).any())
    assert g.numel == seen(g).size


def factors(count: int) -> list[tuple[int, ...]]:
    pairs = [(a, count // a) for a in range(1, count + 1) if count % a == 0]
    return [
        (count,),
        *pairs,
        *[(a, b, c) for a, bc in pairs for b in range(1, bc + 1) if bc % b == 0 for c in [bc // b]],
    ]


@pytest.mark.parametrize("g", GEOMETRIES)
def test_view_agrees_with_reshape_where_numpy_need_not_copy(g):
    for sizes in factors(g.numel) if g.numel else [(0,), (3, 0), (0, 5), (1, 0, 2)]:
        reshaped = seen(g).reshape(sizes)
        try:
            found = view.view(g, sizes)
        except Incompatible:
            assert not np.shares_memory(reshaped, MEMORY) or 0 in g.strides
        else:
            assert same(found, reshaped)
            assert np.shares_memory(reshaped, MEMORY) or g.numel == 0


def test_incompatible_shapes_have_no_strides_at_all():
    """For small geometries, by trying every stride there could be."""
    for g in (
        Geometry((2, 2), (1, 2), 0),
        Geometry((2, 3), (4, 1), 0),
        Geometry((2, 2, 2), (4, 1, 2), 0),
        Geometry((2, 2), (0, 1), 0),
    ):
        for sizes in factors(g.numel):
            wanted = seen(g).reshape(sizes)
            grids = np.indices((9,) * len(sizes)).reshape(len(sizes), -1).T
            possible = any(
                np.array_equal(Geometry(sizes, tuple(map(int, strides)), 0).places(), wanted) for strides in grids
            )
            try:
                view.view(g, sizes)
            except Incompatible:
                assert not possible
            else:
                assert possible


def _windows(a: np.ndarray, dim: int, size: int, step: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(a, size, dim)
    return windows[(slice(None),) * (dim % a.ndim) + (slice(None, None, step),)]


def _narrowed(a: np.ndarray, dim: int, start: int, length: int) -> np.ndarray:
    before, size = (slice(None),) * (dim % a.ndim), a.shape[dim]
    if not -size <= start <= size or start % max(size, 1) + length > size:
        raise ValueError("beyond the end")
    return a[(*before, slice(start % max(size, 1), start % max(size, 1) + length))]


CUTS: list[Any] = [(2,), (3, 1), ((1, 2), 1), ((1, -1),), (5, -1), ((2, 1),), ((0, 9),)]
KEYS: list[Any] = [
    0,
    -1,
    slice(1, None),
    (slice(None), 1),
    (..., slice(None, None, 2)),
    None,
    (0, None),
    (),
    (None, ..., 1),
]
KEYS += [(slice(-2, 9, 2), ...)]
ROWS: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[tuple[Any, ...]]]] = {
    "transpose": (view.transpose, np.swapaxes, [(0, 1), (-1, 0), (1, 1), (-2, -1)]),
    "movedim": (view.movedim, np.moveaxis, [(0, 1), (-1, 0), ((0, 1), (1, 0)), ((0, -1), (-1, 0))]),
    "permute": (view.permute, np.transpose, [((1, 0),), ((-1, 0),), ((2, 0, 1),), ((1, 2, 0),), ((0, -1, 1),)]),
    "squeeze": (view.squeeze, np.squeeze, [(), (1,)]),
    "unsqueeze": (view.unsqueeze, np.expand_dims, [(0,), (1,), (-1,), (-2,)]),
    "diagonal": (view_parts.diagonal, np.diagonal, [(), (1,), (-1,), (2, 1, 0), (-1, -1, 0), (9,), (0, 1, 2)]),
    "expand": (view.expand, np.broadcast_to, [((2, 3, 4),), ((2, 4, 4),), ((5, 2, 3, 4),), ((7,),)]),
    "reverse": (view.reverse, np.transpose, [()]),
    "tensor_split": (view_parts.tensor_split, np.array_split, CUTS),
    "hsplit": (view_parts.hsplit, np.hsplit, [(2,), ((1, 3),), (5,), (3,)]),
    "vsplit": (view_parts.vsplit, np.vsplit, [(3,), ((1,),), (2,)]),
    "dsplit": (view_parts.dsplit, np.dsplit, [(2,), ((1, 3),), (3,)]),
    "index": (view_parts.index, lambda a, key: a[key], [(key,) for key in KEYS]),
    "unfold": (view_parts.unfold, _windows, [(0, 2, 1), (1, 2, 1), (-1, 3, 2), (0, 1, 2), (0, 9, 1)]),
    "narrow": (view_parts.narrow, _narrowed, [(0, 0, 2), (1, 1, 2), (-1, -2, 2), (0, -1, 1), (1, 0, 9)]),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("g", GEOMETRIES)
def test_rules_look_where_numpy_looks(name, g):
    rule, numpys, tried = ROWS[name]
    for arguments in tried:
        try:
            expected = numpys(seen(g), *arguments)
        except (ValueError, IndexError, TypeError, ZeroDivisionError):
            # PyTorch takes a few things that numpy does not: 0-d tensors, and dimensions to squeeze that are not 1.
            if g.ndim and name != "squeeze":
                with pytest.raises((ValueError, IndexError)):
                    rule(g, *arguments)
            continue
        if g.ndim == 0 and name in ("permute", "reverse"):
            expected = seen(g)
        found = rule(g, *arguments)
        pairs = zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
        assert all(same(geometry, array) for geometry, array in pairs)


def test_splits_put_together_are_the_whole():
    for g in GEOMETRIES:
        for dim in range(-g.ndim, g.ndim):
            for rule, arguments in (
                (view_parts.split, 2),
                (view_parts.chunk, 2),
                (view_parts.chunk, 3),
                (view_parts.tensor_split, 3),
            ):
                parts = rule(g, arguments, dim)
                assert np.array_equal(np.concatenate([part.places() for part in parts], dim), g.places())
            assert (
                np.array_equal(
                    np.stack([part.places() for part in view_parts.unbind(g, dim)] or [g.places()], dim), g.places()
                )
                or 0 in g.shape
            )


def test_flatten_and_unflatten_undo_each_other():
    for g in GEOMETRIES:
        for start in range(g.ndim):
            for end in range(start, g.ndim):
                try:
                    flat = view.flatten(g, start, end)
                except Incompatible:
                    continue
                assert np.array_equal(view.unflatten(flat, start, g.shape[start : end + 1]).places(), g.places())


def test_dtypes_of_other_sizes_follow_numpys_view():
    for strides, shape, offset in (((8, 1), (3, 8), 0), ((16, 1), (2, 4), 4), ((1,), (8,), 2), ((4, 1), (3, 4), 0)):
        array = np.lib.stride_tricks.as_strided(np.arange(64, dtype=np.int32)[offset:], shape, [4 * s for s in strides])
        for dtype in (np.int8, np.int16, np.int64, np.complex128):
            g, new = Geometry(shape, strides, offset), np.dtype(dtype).itemsize
            found = view_parts.retyped(g, 4, new) if offset * 4 % new == 0 and shape[-1] * 4 % new == 0 else None
            if found is not None:
                expected = array.view(dtype)
                assert found.shape == expected.shape
                assert tuple(s * new for s in found.strides) == expected.strides
                assert found.offset * new == offset * 4


def test_parts_of_complex_numbers_follow_numpys_view():
    values = np.arange(24, dtype=np.float64) + 1j * np.arange(24, 48)
    array = np.lib.stride_tricks.as_strided(values[2:], (3, 4), (6 * 16, 16))
    g, flat = Geometry((3, 4), (6, 1), 2), values.view(np.float64)
    assert np.array_equal(flat[view_parts.part(g, 0).places()], array.real)
    assert np.array_equal(flat[view_parts.part(g, 1).places()], array.imag)
    both = view_parts.view_as_real(g)
    assert np.array_equal(flat[both.places()], np.stack([array.real, array.imag], -1))
    assert view_parts.view_as_complex(both) == g


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4, 5), (2, 3, 1, 4, 2), (), (0, 3), (1, 1)])
def test_row_major_and_inner_major_are_what_numpy_makes(shape):
    assert view.matches(shape, view.row_major(shape), [s // 8 for s in np.empty(shape).strides])
    if len(shape) >= 4:
        made = np.moveaxis(np.empty([shape[0], *shape[2:], shape[1]]), -1, 1)
        assert view.inner_major(shape) == tuple(s // 8 for s in made.strides)


def test_broadcast_shapes_are_numpys():
    for shapes in (((3, 1), (1, 4)), ((2, 3, 4), (4,), ()), ((1,), (0,)), ((2, 1), (1, 3), (1,)), ()):
        assert view.broadcast(*shapes) == np.broadcast_shapes(*shapes)
    for shapes in (((3,), (4,)), ((0,), (2,))):
        with pytest.raises(ValueError, match="do not broadcast"):
            view.broadcast(*shapes)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_atleast_is_numpys(ndim):
    for g in GEOMETRIES:
        assert same(view.atleast(g, ndim), getattr(np, f"atleast_{ndim}d")(seen(g)))


G = GEOMETRIES
WRONG: dict[str, Callable[[], Any]] = {
    "a rest": lambda: view.view(G[0], (5, -1)),
    "two unknowns": lambda: view.view(G[0], (-1, -1)),
    "a dimension twice": lambda: view.permute(G[0], (0, 0)),
    "beyond the last": lambda: view.wrap(2, 2),
    "before the first": lambda: view.wrap(-2, 1),
    "t of three": lambda: view.t(G[3]),
    "mT of one": lambda: view.matrix_transpose(G[6]),
    "the wrong way round": lambda: view.flatten(G[0], 1, 0),
    "a source twice": lambda: view.movedim(G[0], (0, 0), (0, 1)),
    "no chunks": lambda: view_parts.chunk(G[0], 0),
    "too small a sum": lambda: view_parts.split(G[0], (1, 1)),
    "too long": lambda: view_parts.narrow(G[0], 0, 2, 2),
    "no such index": lambda: view_parts.select(G[0], 0, 3),
    "too large a window": lambda: view_parts.unfold(G[0], 0, 4, 1),
    "negative strides": lambda: view_parts.as_strided(G[0], (2,), (-1,)),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_has_no_answer_is_refused(name):
    with pytest.raises((ValueError, IndexError)):
        WRONG[name]()

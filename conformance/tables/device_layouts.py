"""Recipes for moves, and the strides that a copy has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.effort import scaled
from properties.strategies.recipe import LAYOUTS, Recipe, layouts, row_major
from properties.strategies.values import cycle, interesting

SHAPES = ((3, 4), (17,), (2, 3, 4, 5), (0,), ())[: scaled(5, least=3)]


BIG = (181, 187)  # 33,847 elements


def rows(dtype: str, shapes: Any = SHAPES) -> Iterator[Recipe]:
    """Recipes of a dtype in every layout, with the values where conversions break; few layouts of the big shape."""
    for shape in shapes:
        names = ("contiguous", "row_stepped") if shape == BIG else LAYOUTS
        yield from layouts(cycle(interesting(dtype), shape), dtype, names)


def dense(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a copy: those of the original if it is dense in memory, else the rows in the order of its strides.

    Strides of 0 mean that dimensions share places; the copy is then contiguous here, where only the first is so.
    """
    order = sorted(range(len(shape)), key=lambda dim: (-strides[dim], dim))
    steps = row_major(tuple(shape[dim] for dim in order))
    if 0 in [step for step, size in zip(strides, shape, strict=True) if size > 1]:
        return row_major(shape)
    return tuple(steps[order.index(dim)] for dim in range(len(shape)))

"""numpy arrays from recipes: the same layouts as tensors have, so that both directions of a bridge are tried alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from conformance.dtypes import COMPLEX, INTEGERS, UNSIGNED_EXTRA
from properties.strategies.recipe import LAYOUTS, Recipe, Shape, layouts
from properties.strategies.values import cycle, distinct, interesting

# Scalars, empty ones, sizes beyond a vector register and no multiple of it, and dimensions of size 1.
SHAPES: tuple[Shape, ...] = (
    (),
    (1,),
    (0,),
    (7,),
    (33,),
    (0, 3),
    (3, 0, 2),
    (3, 4),
    (1, 5, 1),
    (2, 3, 4),
    (2, 3, 2, 5),
    (1, 2, 1, 3, 2),
)
KINDS = {
    "integers": ("bool", *INTEGERS),
    "floats": ("float16", "float32", "float64"),
    "complex": COMPLEX,
    "unsigned": UNSIGNED_EXTRA,
}
# Just beyond where kernels go parallel: 32,768 elements.
LARGE: Shape = (257, 129)


def ndarray(recipe: Recipe, *, writable: bool = True) -> np.ndarray:
    """A recipe as a live numpy array: a view into a fresh copy of its buffer, with its strides and its offset."""
    flat = recipe.buffer.copy()
    if recipe.numel == 0:
        return np.empty(recipe.shape, flat.dtype)
    steps = tuple(stride * flat.itemsize for stride in recipe.strides)
    return np.lib.stride_tricks.as_strided(flat[recipe.offset :], recipe.shape, steps, writeable=writable)


def arrangements(
    dtype: str, shapes: Sequence[Shape] = SHAPES, names: Sequence[str] = tuple(LAYOUTS), *, large: bool = False
) -> Iterator[Recipe]:
    """Recipes of one dtype in every layout of every shape, with values that tell places apart; one row of the
    values where implementations break comes last. `large`: also one of more than 32,768 elements."""
    for shape in shapes:
        yield from layouts(distinct(dtype, shape), dtype, names)
    plain = [name for name in names if name in ("contiguous", "stepped")]
    if large:
        yield from layouts(distinct(dtype, LARGE), dtype, plain)
    table = interesting(dtype)
    yield from layouts(cycle(table, (len(table),)), dtype, plain)


def arranged(kind: str) -> Iterator[tuple[str, Recipe]]:
    """The dtypes of a kind that numpy has too, each in all its arrangements."""
    for dtype in KINDS[kind]:
        for recipe in arrangements(dtype, large=dtype in ("float32", "int64", "bool")):
            yield dtype, recipe


def other_values(values: np.ndarray) -> np.ndarray:
    """An array like the given one, of which no element is equal to the one at its place."""
    if values.dtype == bool:
        return ~values
    with np.errstate(all="ignore"):
        return np.where(np.asarray(values == 1), 2, 1).astype(values.dtype)

"""Strategies for recipes: any shape, dtype and layout, with the values where implementations break.

Structure is drawn by Hypothesis; bulk values are one drawn string of bytes that index a table of interesting
values, so that an example costs a few draws and still shrinks to the table's simplest entries.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from properties.strategies.recipe import DENSE, LAYOUTS, Recipe, Shape
from properties.strategies.shapes import broadcastable_shapes, shapes
from properties.strategies.values import interesting, random_normal

# Up to here each value is drawn; beyond, a drawn seed makes them.
DRAWN = 64


@st.composite
def arrays(draw: st.DrawFn, dtype: str, shape: Shape, *, finite: bool = False, moderate: bool = False) -> np.ndarray:
    """Arrays of one shape in the dtype's host type, from `interesting` values (see there)."""
    count = int(np.prod(shape, dtype=np.int64))
    table = interesting(dtype, finite=finite, moderate=moderate)
    if count <= DRAWN:
        picks: np.ndarray = np.frombuffer(draw(st.binary(min_size=count, max_size=count)), np.uint8)
        return table[picks % len(table)].reshape(shape)
    seed = draw(st.integers(0, 2**16))
    picks = np.random.default_rng(seed).integers(0, len(table), count)
    return table[picks].reshape(shape)


@st.composite
def tensors(
    draw: st.DrawFn,
    dtypes: str | Sequence[str] = "float32",
    shape: Shape | st.SearchStrategy[Shape] | None = None,
    *,
    layouts: Sequence[str] = tuple(DENSE),
    finite: bool = False,
    moderate: bool = False,
    requires_grad: bool = False,
) -> Recipe:
    """Recipes of one of the dtypes, in one of the layouts (names of `LAYOUTS`)."""
    names = (dtypes,) if isinstance(dtypes, str) else tuple(dtypes)
    if not names or not layouts or not set(layouts) <= set(LAYOUTS):
        raise ValueError(f"dtypes={dtypes!r}, layouts={layouts!r}: at least one of each, layouts among {list(LAYOUTS)}")
    dtype = names[0] if len(names) == 1 else draw(st.sampled_from(names))
    if shape is None or isinstance(shape, st.SearchStrategy):
        shape = draw(shape if shape is not None else shapes())
    values = draw(arrays(dtype, shape, finite=finite, moderate=moderate))
    layout = layouts[0] if len(layouts) == 1 else draw(st.sampled_from(tuple(layouts)))
    return LAYOUTS[layout](values, dtype).with_grad(requires_grad)


@st.composite
def normals(
    draw: st.DrawFn, dtype: str, shape: Shape | st.SearchStrategy[Shape], *, layouts: Sequence[str] = tuple(DENSE)
) -> Recipe:
    """Recipes of standard normal values from a drawn seed: for gradients, products and decompositions."""
    shape = draw(shape) if isinstance(shape, st.SearchStrategy) else shape
    layout = layouts[0] if len(layouts) == 1 else draw(st.sampled_from(tuple(layouts)))
    return LAYOUTS[layout](random_normal(draw(st.integers(0, 2**16)), dtype, shape), dtype)


@st.composite
def broadcastable(
    draw: st.DrawFn,
    count: int = 2,
    dtypes: str | Sequence[str] = "float32",
    *,
    finite: bool = False,
    moderate: bool = False,
) -> tuple[Recipe, ...]:
    """So many recipes of one dtype whose shapes broadcast with each other, each in a layout of its own."""
    dtype = dtypes if isinstance(dtypes, str) else draw(st.sampled_from(tuple(dtypes)))
    found = draw(broadcastable_shapes(count))
    return tuple(draw(tensors(dtype, shape, finite=finite, moderate=moderate)) for shape in found)

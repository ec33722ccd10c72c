"""Recipes for what is written to: every element has a place of its own, and values that tell places apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from conformance.dtypes import DTYPES
from properties.strategies.recipe import DENSE, Recipe
from properties.strategies.values import distinct

SHAPES = ((3, 4), (5,), (2, 3, 4), (1, 4, 1), (), (17, 3))


def dense(subject: Any, turn: int, dtypes: tuple[str, ...] = tuple(DTYPES)) -> Iterator[Recipe]:
    """Recipes of six shapes, three of each, in one layout and dtype after the other, from `turn` on."""
    names = [name for name in dtypes if subject.supports(name)]
    layouts = list(DENSE)
    for shape in SHAPES:
        for _ in range(3):
            dtype = names[turn % len(names)]
            yield DENSE[layouts[turn % len(layouts)]](distinct(dtype, shape), dtype)
            turn += 1


def other(values: np.ndarray, dtype: str) -> np.ndarray:
    """As many values that a dtype has, each other than the one in its place."""
    return ~values if dtype == "bool" else (values + 1).astype(values.dtype)

"""Arguments of in-place methods as data: tensors whose shapes follow from self's, with values of named tables."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance.dtypes import DTYPES
from properties.strategies.recipe import LAYOUTS, Recipe, Shape
from properties.strategies.values import PARTS, interesting, rounded

READ = ("contiguous", "transposed", "stepped", "row_stepped", "expanded")

# -- values ------------------------------------------------------------------------------------------------------------

_FRACTIONS = (0.5, -0.5, 1.5, 2.5, -2.5, 0.25, 0.75)
TABLES: dict[str, tuple[float, ...]] = {
    "few": (0, 1, 2, 3, -1, -2, 4, *_FRACTIONS),
    "whole": (0, 1, 2, 3, -1, -2, -3, 4),
    "nonzero": (1, 2, 3, -1, -2, 5, 7, -7, 10, *_FRACTIONS),
    "positive": (0.5, 1, 3, 7, 10, 0.25, 4, 5),
    "natural": (1, 2, 3, 5, 7, 10),
    "above": (2, 3, 5, 7, 10, 2.5),
    "middle": (0.5, 1, 2, 3, 4, 5),
    "unit": (0.5, 0.25, 0.75, 0.0, 1.0, 0.125, 0.625),
    "within": (0.0, 0.5, 0.25, 0.75, -0.5, -0.25, 0.125, -0.875),
    "shift": (0, 1, 2, 3, 5, 6),
    "exponent": (0, 1, 2, 3, 5),
    "truth": (0, 1, 0, -1, 2, 0.5),
}


@functools.cache
def table(name: str, dtype: str) -> np.ndarray:
    """The values of a dtype that a row draws from: a name of TABLES, or 'any', 'finite', 'moderate', 'plain' (moderate
    ones, NaN and infinities)."""
    facts = DTYPES[dtype]
    if name in ("any", "finite", "moderate", "plain"):
        if facts.is_complex:
            return _complex(interesting(PARTS[dtype], moderate=True), facts.host)
        values = interesting(dtype, finite=name == "finite", moderate=name in ("moderate", "plain"))
        return (
            rounded(np.append(values, (np.nan, np.inf, -np.inf)), dtype)
            if name == "plain" and facts.is_floating
            else values
        )
    values = np.array(TABLES[name])
    if facts.kind == "bool":
        return np.array([False, True])
    if facts.kind in ("uint", "int"):
        whole = values[values == np.trunc(values)]
        return whole[whole >= 0 if facts.kind == "uint" else slice(None)].astype(facts.host)
    return _complex(values, facts.host) if facts.is_complex else values.astype(facts.host)


def _complex(values: np.ndarray, host: str) -> np.ndarray:
    # No zero parts: signs of zero decide on which side of a branch cut a value lies.
    kept = values[values != 0]
    return (kept + 1j * np.roll(kept, 2)).astype(host)


def drawn(name: str, dtype: str, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """An array of one shape from a table."""
    values = table(name, dtype)
    return values[rng.integers(0, len(values), shape)].reshape(shape)


# -- arguments ---------------------------------------------------------------------------------------------------------


def alike(shape: Shape) -> Shape:
    return shape


def row(shape: Shape) -> Shape:
    """The last dimension alone."""
    return shape[-1:]


def column(shape: Shape) -> Shape:
    """The last dimension of size 1."""
    return (*shape[:-1], 1) if shape else ()


def scalar(shape: Shape) -> Shape:
    return ()


@dataclass(frozen=True)
class Like:
    """A tensor argument of self's dtype (or another), of a shape that follows from self's, with values of a table."""

    values: str = "any"
    shape: Callable[[Shape], Shape] = alike
    dtype: str | None = None
    layouts: tuple[str, ...] = READ

    def recipe(self, x: np.ndarray, dtype: str, rng: np.random.Generator) -> Recipe:
        dtype = self.dtype or dtype
        layout = LAYOUTS[self.layouts[rng.integers(len(self.layouts))]]
        return layout(drawn(self.values, dtype, self.shape(x.shape), rng), dtype)


DENSE_ONLY = ("contiguous", "transposed", "stepped", "row_stepped")


@dataclass(frozen=True)
class Index:
    """A one-dimensional index into dimension `dim`: `count` places (all that there are, by default), each once unless
    `repeats`. `negative`: some count from the end."""

    dim: int = 0
    count: int | None = None
    repeats: bool = False
    negative: bool = False
    dtype: str = "int64"

    def length(self, shape: Shape) -> int:
        """How many places it names in a self of that shape."""
        size = shape[self.dim] if shape else 1
        count = size if self.count is None or size == 0 else self.count
        return count if self.repeats else min(count, size)

    def recipe(self, x: np.ndarray, dtype: str, rng: np.random.Generator) -> Recipe:
        size, count = x.shape[self.dim] if x.ndim else 1, self.length(x.shape)
        places = rng.integers(0, max(size, 1), count) if self.repeats else rng.permutation(size)[:count]
        return _indices(places - size * (np.arange(len(places)) % 2) if self.negative else places, self.dtype, rng)


@dataclass(frozen=True)
class Source:
    """A tensor of self's shape, but with as many slices along the index's dimension as the index names."""

    index: Index = Index()
    values: str = "few"

    def recipe(self, x: np.ndarray, dtype: str, rng: np.random.Generator) -> Recipe:
        shape = list(x.shape)
        if shape:
            shape[self.index.dim] = self.index.length(x.shape)
        layout = LAYOUTS[DENSE_ONLY[rng.integers(len(DENSE_ONLY))]]
        return layout(drawn(self.values, dtype, tuple(shape), rng), dtype)


@dataclass(frozen=True)
class Across:
    """An index of self's dimensions for scatter_ along `dim`: lines of places, each once in a line unless `repeats`."""

    dim: int = 0
    repeats: bool = False
    dtype: str = "int64"

    def recipe(self, x: np.ndarray, dtype: str, rng: np.random.Generator) -> Recipe:
        size = x.shape[self.dim] if x.ndim else 1
        lines = rng.integers(0, max(size, 1), x.shape) if self.repeats else _permutations(x.shape, self.dim, rng)
        return _indices(lines, self.dtype, rng)


def _permutations(shape: Shape, dim: int, rng: np.random.Generator) -> np.ndarray:
    return np.argsort(rng.random(shape), axis=dim) if shape else np.zeros((), np.int64)


def _indices(places: np.ndarray, dtype: str, rng: np.random.Generator) -> Recipe:
    return LAYOUTS[DENSE_ONLY[rng.integers(len(DENSE_ONLY))]](places, dtype)


@dataclass(frozen=True)
class Flat:
    """Places of self counted in row-major order, some from the end: each once, or `repeats`."""

    shape: Shape = (4,)
    repeats: bool = False

    def recipe(self, x: np.ndarray, dtype: str, rng: np.random.Generator) -> Recipe:
        count = math.prod(self.shape) if x.size else 0
        places = rng.integers(0, max(x.size, 1), count) if self.repeats else rng.permutation(x.size)[:count]
        places = places - x.size * (np.arange(len(places)) % 2)
        return _indices(places.reshape(self.shape if len(places) == math.prod(self.shape) else -1), "int64", rng)


# -- forms -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """What stands between the parentheses. `kinds`: the kinds of self's dtype that the form is for (see DType)."""

    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    kinds: str = "bool uint int float complex"
    without: tuple[str, ...] = ()

    def takes(self, dtype: str) -> bool:
        return DTYPES[dtype].kind in self.kinds.split() and dtype not in self.without


def form(*args: Any, kinds: str = Form.kinds, without: tuple[str, ...] = (), **options: Any) -> Form:
    """A form with these positional arguments and keywords."""
    return Form(args, options, kinds, without)

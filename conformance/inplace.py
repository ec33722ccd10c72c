"""How to call the methods that work in place: rows of a table (conformance.inplace_methods), and calls made of them.

A row says which values and dtypes self may have, what stands between the parentheses, and which oracle knows what
self holds afterwards. `calls` turns a row into calls with every dtype, form, shape and layout.
"""

from __future__ import annotations

import functools
import itertools
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance.dtypes import DTYPES
from conformance.every_form import Wanted
from conformance.numerics import EXACT, Error
from conformance.oracle.math import ELEMENTWISE
from properties.strategies.recipe import LAYOUTS, Recipe, Shape
from properties.strategies.values import PARTS, interesting, rounded

SHAPES: tuple[Shape, ...] = ((33,), (3, 5), (2, 3, 2, 4), (), (0,), (1,), (2, 0, 3))
# Past the grain at which elementwise kernels split their work between threads, and no multiple of a vector register.
LARGE: Shape = (33_001,)
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


@dataclass(frozen=True, eq=False)
class Call:
    """A method called on one self. `args`, `options`: recipes (also in tuples) and plain values. `wanted`: what self
    has to hold afterwards."""

    name: str
    x: Recipe
    args: tuple[Any, ...]
    options: dict[str, Any]
    wanted: Wanted

    @property
    def text(self) -> str:
        given = [short(argument) for argument in self.args]
        given += [f"{key}={short(value)}" for key, value in self.options.items()]
        return f"{short(self.x)}.{self.name}({', '.join(given)})"


def short(value: Any) -> str:
    """An argument in a few words."""
    if isinstance(value, Recipe):
        strides = "" if value.is_contiguous else f" strides {value.strides}"
        return f"<{value.dtype} {list(value.shape)}{strides}>"
    if isinstance(value, tuple):
        return f"({', '.join(map(short, value))},)"
    return "function" if callable(value) else repr(value)


# -- rows --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Method:
    """One method that writes its result into self.

    dtypes, newer: those that self may have in every release; further ones, by a release that is known to have them.
    oracle: a name of ELEMENTWISE, or a function of self's values and the arguments.
    values, shapes, large: the table of self's values; self's shapes; one past the kernels' grain, where it makes sense.
    magnitudes: the error is one of the terms' magnitudes, not of the result alone.
    refuses: dtypes that self cannot have. promotes: arguments of a wider kind than self's are refused, too.
    own_dtype: only arguments of self's dtype are accepted.
    overlap: 'refused', or 'open' where self may have elements that share memory (with no promise about the result).
    grad: 'twin': backward gives what it gives for the twin, or, without one, what the values say; 'opaque': autograd
    records the call but knows no derivative; 'refused': self must not require grad at all; 'ignored': nothing is
    recorded. grad_since: the release since which that is so.
    counts: the version counter moves. twin: there is a method of that name without the underscore.
    main: the dtype for what is tried with one dtype; float32 if self may have it, else the first.
    """

    name: str
    dtypes: tuple[str, ...]
    forms: tuple[Form, ...]
    oracle: str | Callable[..., Any]
    error: Error = EXACT
    values: str = "any"
    shapes: tuple[Shape, ...] = SHAPES
    large: Shape | None = LARGE
    newer: tuple[tuple[str, tuple[str, ...]], ...] = ()
    magnitudes: bool = False
    refuses: tuple[str, ...] = ()
    promotes: bool = False
    own_dtype: bool = False
    overlap: str = "refused"
    grad: str = "twin"
    grad_since: str | None = None
    counts: bool = True
    twin: bool = True
    main: str = ""

    @property
    def first(self) -> str:
        """The dtype for what is tried with one dtype."""
        return self.main or ("float32" if "float32" in self.dtypes else self.dtypes[0])

    @property
    def slug(self) -> str:
        return f"inplace.{self.name}"

    @property
    def groups(self) -> tuple[tuple[str | None, tuple[str, ...]], ...]:
        """The dtypes by the release that brought them; None for those that all releases have."""
        return ((None, self.dtypes), *self.newer)

    def expected(self, x: Recipe, args: tuple[Any, ...], options: dict[str, Any]) -> np.ndarray:
        """What self should hold."""
        return self.asked(x.dtype, x.array, args, options)

    def asked(self, dtype: str, values: np.ndarray, args: tuple[Any, ...], options: dict[str, Any]) -> np.ndarray:
        """What the oracle says of self's values and the arguments."""
        if not isinstance(self.oracle, str):
            function, lift = self.oracle, values_of
        else:
            function, lift = ELEMENTWISE[self.oracle], functools.partial(operand, values)
        if self.oracle in READ_THE_DTYPE:
            function = functools.partial(function, dtype=dtype)
        return np.asarray(function(values, *map(lift, args), **{key: lift(value) for key, value in options.items()}))


# Oracles to whom a bfloat16 is not just a float32 with few digits.
READ_THE_DTYPE = ("nan_to_num", "nextafter")


def operand(x: np.ndarray, argument: Any) -> Any:
    """An argument of an elementwise function as its oracle reads it: a whole number becomes one of an integer self."""
    whole = isinstance(argument, int) and not isinstance(argument, bool) and x.dtype.kind in "iu"
    return x.dtype.type(argument) if whole else values_of(argument)


def values_of(argument: Any) -> Any:
    """An argument as the oracle reads it: recipes as arrays, also inside tuples."""
    if isinstance(argument, Recipe):
        return argument.array
    return tuple(map(values_of, argument)) if isinstance(argument, tuple) else argument


def places(shapes: tuple[Shape, ...]) -> list[tuple[Shape, str]]:
    """Each shape in the layouts that differ there."""
    by_dims = {
        0: ("contiguous", "offset"),
        1: ("contiguous", "stepped", "row_stepped"),
        2: ("contiguous", "transposed", "row_stepped"),
    }
    more = ("contiguous", "channels_last", "transposed", "row_stepped")
    return [
        (shape, layout)
        for shape in shapes
        for layout in (("contiguous",) if 0 in shape else by_dims.get(len(shape), more))
    ]


def calls(method: Method, dtypes: tuple[str, ...], every: int = 4) -> Iterator[Call]:
    """Calls of a method: its first form with every dtype, shape and layout, the others with every `every`-th."""
    turn = itertools.count()
    where = places(method.shapes)
    for dtype in dtypes:
        chosen = [form for form in method.forms if form.takes(dtype)]
        for number, form in enumerate(chosen):
            for shape, layout in where if number == 0 else where[number % every :: every]:
                yield call(method, form, dtype, shape, layout, next(turn))


def call(method: Method, form: Form, dtype: str, shape: Shape, layout: str, turn: int) -> Call:
    """One call. `turn`: what the drawn values follow from, besides the method's name."""
    rng = np.random.default_rng((zlib.crc32(method.name.encode()), turn))
    return with_self(method, form, LAYOUTS[layout](drawn(method.values, dtype, shape, rng), dtype), rng)


def with_self(method: Method, form: Form, x: Recipe, rng: np.random.Generator) -> Call:
    """A call on one self, with drawn arguments."""
    values = x.array
    made = tuple(_made(argument, values, x.dtype, rng) for argument in form.args)
    options = {key: _made(value, values, x.dtype, rng) for key, value in form.options.items()}
    return judged(method, x, made, options)


def judged(method: Method, x: Recipe, args: tuple[Any, ...], options: dict[str, Any] | None = None) -> Call:
    """The call with what self should hold afterwards."""
    expected = np.broadcast_to(method.expected(x, args, options or {}), x.shape)
    if expected.dtype.kind in "biu" and DTYPES[x.dtype].kind in ("uint", "int"):
        expected = expected.astype(x.buffer.dtype)  # computed in a wider integer type, and cut down to self's
    error = method.error if DTYPES[x.dtype].is_inexact else EXACT
    scale = magnitudes(method, x, args, options or {}) if method.magnitudes and error is not EXACT else None
    return Call(method.name, x, args, options or {}, Wanted(expected, x.dtype, error, scale, signed_zeros=False))


def magnitudes(method: Method, x: Recipe, args: tuple[Any, ...], options: dict[str, Any]) -> np.ndarray:
    """The sum of the magnitudes of the terms that make up the result."""
    sizes = tuple(np.abs(values_of(argument)) for argument in args)
    return method.asked(x.dtype, np.abs(x.array), sizes, {key: np.abs(values_of(v)) for key, v in options.items()})


def _made(argument: Any, x: np.ndarray, dtype: str, rng: np.random.Generator) -> Any:
    if isinstance(argument, tuple):
        return tuple(_made(part, x, dtype, rng) for part in argument)
    return argument.recipe(x, dtype, rng) if hasattr(argument, "recipe") else argument

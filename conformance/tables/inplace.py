"""How to call the methods that work in place: rows of a table (see inplace_methods), and calls made of them.

A row says which values and dtypes self may have, what stands between the parentheses, and which oracle knows what
self holds afterwards. `calls` turns a row into calls with every dtype, form, shape and layout.
"""

from __future__ import annotations

import functools
import itertools
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance import effort
from conformance.dtypes import DTYPES
from conformance.numerics import EXACT, Error
from conformance.oracle.math import ELEMENTWISE
from conformance.tables.inplace_arguments import Form, Like, alike, drawn
from conformance.wanted import Wanted
from properties.strategies.recipe import LAYOUTS, Recipe, Shape, contiguous

SHAPES: tuple[Shape, ...] = ((33,), (3, 5), (2, 3, 2, 4), (), (0,), (1,), (2, 0, 3))
# Past the grain at which elementwise kernels split their work between threads, and no multiple of a vector register.
LARGE: Shape = (33_001,)


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

    dtypes, newer: those that self may have in every release; further ones, by a release that is known to have them (or
    None, where they are only to be judged apart).
    oracle: a name of ELEMENTWISE, or a function of self's values and the arguments.
    values, shapes, large: the table of self's values; self's shapes; one past the kernels' grain, where it makes sense.
    magnitudes: the error is one of the terms' magnitudes, not of the result alone.
    refuses: dtypes that self cannot have. promotes: arguments of a wider kind than self's are refused, too.
    own_dtype: only arguments of self's dtype are accepted.
    overlap: 'refused', or 'open' where self may have elements that share memory (with no promise about the result).
    grad: 'twin': backward gives what it gives for the twin, or, without one, what the values say; 'zero': it gives 0;
    'opaque': autograd records the call but knows no derivative; 'refused': self must not require grad at all;
    'ignored': nothing is recorded. grad_since: the release since which that is so.
    counts: the version counter moves. twin: there is a method of that name without the underscore.
    main: the dtype for what is tried with one dtype; float32 if self may have it, else the first.
    laid_out_since: the release since which a self of any layout is filled in the right order.
    """

    name: str
    dtypes: tuple[str, ...]
    forms: tuple[Form, ...]
    oracle: str | Callable[..., Any]
    error: Error = EXACT
    values: str = "any"
    shapes: tuple[Shape, ...] = SHAPES
    large: Shape | None = LARGE
    newer: tuple[tuple[str | None, tuple[str, ...]], ...] = ()
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
    laid_out_since: str | None = None

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


def calls(method: Method, dtypes: tuple[str, ...]) -> Iterator[Call]:
    """Calls of a method: each of its forms with the first dtype in every shape and layout, and with the others in some.
    A quick run makes about half of them."""
    sparse = effort.level() == "quick"
    where = places(method.shapes)
    roomy = [place for place in where if math.prod(place[0]) > 8]
    turn = itertools.count()
    for number, dtype in enumerate(sorted(dtypes, key=lambda name: name != method.first)):
        first, *others = [form for form in method.forms if form.takes(dtype)]
        step = (3 if number else 1) * (2 if sparse else 1)
        for shape, layout in where[number % step :: step]:
            yield call(method, first, dtype, shape, layout, next(turn))
        for place, form in enumerate(others):
            begin = (3 * number + 5 * place) % len(roomy)
            count = (0 if number and sparse and (number + place) % 2 else 1) if number else -(-len(roomy) // step)
            for shape, layout in (roomy + roomy)[begin : begin + count]:
                yield call(method, form, dtype, shape, layout, next(turn))


def small(method: Method, form: Form | None = None, dtype: str = "", layout: str = "contiguous", turn: int = 0) -> Call:
    """A call with a self of a few elements, in the method's first form unless another is given."""
    dtype = dtype or method.first
    form = form or next(form for form in method.forms if form.takes(dtype))
    shape = next(shape for shape in method.shapes if shape and 0 not in shape and max(shape) > 1)
    return call(method, form, dtype, shape, layout, turn)


def with_dtypes(made: Call, dtype: str, argument: str = "") -> Call:
    """The same call with a self of another dtype, and its arguments of that dtype or another: all of them ones."""

    def ones(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(ones, value))
        if not isinstance(value, Recipe) or value.dtype != made.x.dtype:
            return value
        return contiguous(np.ones(value.shape), argument or dtype)

    options = {key: ones(value) for key, value in made.options.items()}
    return replace(made, x=contiguous(np.ones(made.x.shape), dtype), args=ones(made.args), options=options)


def like_self(method: Method) -> tuple[Form, list[int]] | None:
    """The first form with arguments of self's dtype and shape, and their places; None if there is none."""
    for form in method.forms:
        places = [n for n, a in enumerate(form.args) if isinstance(a, Like) and a.shape is alike and a.dtype is None]
        if places and form.takes(method.first):
            return form, places
    return None


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

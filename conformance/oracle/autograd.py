"""Derivatives by definition: central differences of plain numpy functions, in long double precision.

A function takes arrays and returns one array or a tuple of them. Differences of eighth order with a step of 2**-9
are, in 80 bits, as good as the formulas of float64; functions that only exist in float64 (LAPACK's) get a wider step.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Function = Callable[..., Any]
# Weights of f(x + k h) - f(x - k h), k = 1, 2, …, over h: what is left out is h**8 / 630 times the ninth derivative.
LONG = np.longdouble
EIGHTH = tuple(LONG(a) / LONG(b) for a, b in ((4, 5), (-1, 5), (4, 105), (-1, 280)))
SECOND = tuple(LONG(a) / LONG(b) for a, b in ((8, 5), (-1, 5), (8, 315), (-1, 560)))
# Where long double is no wider than float64 the differences carry that many more roundings.
WIDER = max(1.0, float(np.finfo(LONG).eps) * 2.0**63)


@dataclass(frozen=True, eq=False)
class Derivative:
    """One differentiable function, as torch code and as numpy.

    `forms`: torch expressions in x, y, z, which all mean the same; `function`: of the arrays x, y, z; `inputs`: their
    values, each exact in float32. `pointwise`: the function works element by element after broadcasting. `rough`:
    the numpy function is only good to float64. `terms`: roundings of the scale that the result may be away.
    `smooth`: whether there is a second derivative to look at. `since`, `until`: the releases that have it.
    """

    name: str
    forms: tuple[str, ...]
    function: Function
    inputs: tuple[np.ndarray, ...]
    pointwise: bool = False
    rough: bool = False
    terms: float = 64.0
    smooth: bool = True
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Gradient:
    """A gradient and its scale, the sum of magnitudes that it was added up from; both of the input's shape."""

    value: np.ndarray
    scale: np.ndarray


def spread(low: float, high: float, *shape: int, seed: int = 0) -> np.ndarray:
    """Values between two bounds, evenly spaced and shuffled by the seed; all different, each exact in float32."""
    count = int(np.prod(shape, dtype=np.int64))
    places = np.random.default_rng(seed + 17).permutation(count) + 0.5
    return (np.round((low + (high - low) * places / max(count, 1)) * 4096) / 4096).reshape(shape)


def apart(size: float, *shape: int, seed: int = 0) -> np.ndarray:
    """Values of both signs up to a size, all different, none nearer to 0 than a twentieth of it or half a step."""
    values = spread(-size, size, *shape, seed=seed)
    gap = np.float64(np.round(size / 20 * 4096) / 4096)
    return values + np.where(values < 0, -gap, gap)


def outputs(function: Function, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """The results of a function as a tuple of arrays, computed in long double (complex: the wider one)."""
    found = function(*(_wide(x) for x in inputs))
    return tuple(np.asarray(y) for y in found) if isinstance(found, (tuple, list)) else (np.asarray(found),)


def _wide(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x)
    return x.astype(np.clongdouble if np.iscomplexobj(x) else LONG if x.dtype.kind == "f" else x.dtype)


def pullback(row: Derivative, vectors: Sequence[np.ndarray]) -> list[Gradient]:
    """J^T v for every input of a row; for complex inputs the conjugate Wirtinger derivative.

    `vectors`: one a result, of its shape (or one that broadcasts with it, for pointwise rows).
    """
    return [_contracted(row, which, vectors) for which in range(len(row.inputs))]


def _contracted(row: Derivative, which: int, vectors: Sequence[np.ndarray]) -> Gradient:
    shape = np.shape(row.inputs[which])
    value, scale = np.zeros((1,), LONG), np.zeros((1,), LONG)
    for direction, slopes in slopes_of(row)[which]:
        for slope, v in zip(slopes, vectors, strict=True):
            terms = np.real(np.conj(v) * slope)
            sizes = np.abs(v) * np.abs(slope)
            if not row.pointwise:
                over = tuple(range(len(shape), terms.ndim))
                terms, sizes = terms.sum(over), sizes.sum(over)
            value, scale = value + terms * direction, scale + sizes
    if row.pointwise:
        return Gradient(unbroadcast(value, shape), unbroadcast(scale, shape))
    return Gradient(value.reshape(shape), scale.reshape(shape))


@functools.cache
def slopes_of(row: Derivative) -> list[list[tuple[complex, list[np.ndarray]]]]:
    """The Jacobian of each input: for each direction (1, and 1j for complex ones), an array a result.

    A pointwise row's arrays have the broadcast shape; others the shape of the input followed by the result's.
    """
    derive = _pointwise if row.pointwise else _by_elements
    found = []
    for which, x in enumerate(row.inputs):
        ways: tuple[complex, ...] = (1, 1j) if np.iscomplexobj(x) else (1,)
        found.append([(way, derive(row, which, way)) for way in ways])
    return found


def _step(row: Derivative, x: np.ndarray) -> Any:
    # A step in the input's own dtype, so that an integer result of its own cannot hide it.
    return LONG(2.0 ** (-6 if row.rough else -9)) * (np.clongdouble(1) if np.iscomplexobj(x) else LONG(1))


def _pointwise(row: Derivative, which: int, direction: complex) -> list[np.ndarray]:
    shape = np.broadcast_shapes(*(np.shape(x) for x in row.inputs))
    full = [np.array(np.broadcast_to(_wide(x), shape)) for x in row.inputs]
    return _differences(row, full, which, direction)


def _differences(row: Derivative, inputs: Sequence[np.ndarray], which: int, direction: Any) -> list[np.ndarray]:
    """The derivatives of all results along one direction (a number or an array) of one input."""
    step = _step(row, inputs[which])
    total: list[Any] = []
    for k, weight in enumerate(EIGHTH, start=1):
        sides = []
        for sign in (1, -1):
            moved = list(inputs)
            moved[which] = _wide(inputs[which]) + sign * k * step * direction
            sides.append(outputs(row.function, moved))
        parts = [weight * (up - down) / np.real(step) for up, down in zip(*sides, strict=True)]
        total = [a + b for a, b in zip(total, parts, strict=True)] if total else parts
    return total


def _by_elements(row: Derivative, which: int, direction: complex) -> list[np.ndarray]:
    x = _wide(row.inputs[which])
    if x.size == 0:
        return [np.zeros((*x.shape, *y.shape)) for y in outputs_of(row)]
    columns = []
    for place in np.ndindex(x.shape):
        unit = np.zeros(x.shape, x.dtype)
        unit[place] = direction
        columns.append(_differences(row, row.inputs, which, unit))
    return [np.stack(parts).reshape(*x.shape, *parts[0].shape) for parts in zip(*columns, strict=True)]


def unbroadcast(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Add up an array over the dimensions in which an array of that shape was repeated to get its shape."""
    values = np.asarray(values)
    lead = values.ndim - len(shape)
    values = values.sum(axis=tuple(range(lead))) if lead else values
    repeated = tuple(d for d, side in enumerate(shape) if side == 1 and values.shape[d] != 1)
    return values.sum(axis=repeated, keepdims=True) if repeated else values


def pushforward(row: Derivative, directions: Sequence[np.ndarray]) -> list[Gradient]:
    """J u for every result of a row: its derivative when all (real) inputs move along the directions at once."""
    found: list[Gradient] = []
    for which, u in enumerate(directions):
        _, slopes = slopes_of(row)[which][0]
        for place, slope in enumerate(slopes):
            shape = np.shape(outputs_of(row)[place])
            part = slope * u if row.pointwise else np.tensordot(u, slope, np.ndim(u))
            size = np.abs(slope) * np.abs(u) if row.pointwise else np.tensordot(np.abs(u), np.abs(slope), np.ndim(u))
            part, size = part.reshape(shape), size.reshape(shape)
            if which:
                found[place] = Gradient(found[place].value + part, found[place].scale + size)
            else:
                found.append(Gradient(part, size))
    return found


@functools.cache
def outputs_of(row: Derivative) -> tuple[np.ndarray, ...]:
    """The results of a row at its inputs."""
    return outputs(row.function, row.inputs)


@functools.cache
def curvature(row: Derivative, u_seed: int, w_seed: int) -> Gradient:
    """The mixed second derivative of sum(v * f) along two `directions` of a row, with v from `vectors`; two numbers."""
    u, w, step = directions(row, u_seed), directions(row, w_seed), LONG(2.0 ** (-4 if row.rough else -9))
    if row.pointwise and len(row.inputs) == 1:
        parts = [part * u[0] * w[0] for part in _second(row, LONG(2.0**-8))]
    else:

        def inner(s: Any) -> list[np.ndarray]:
            moved = [_wide(x) + s * b for x, b in zip(row.inputs, w, strict=True)]
            return _derived(_line(row, moved, u), step)

        parts = _derived(inner, step)
    terms = [v * part for v, part in zip(vectors(row), parts, strict=True)]
    return Gradient(sum(np.sum(term) for term in terms), sum(np.sum(np.abs(term)) for term in terms))


def _second(row: Derivative, step: Any) -> list[np.ndarray]:
    """The second derivative of a pointwise function of one input, element by element."""
    total: list[Any] = [-2 * sum(SECOND) * y for y in outputs_of(row)]
    for k, weight in enumerate(SECOND, start=1):
        for sign in (1, -1):
            moved = outputs(row.function, [_wide(row.inputs[0]) + sign * k * step])
            total = [a + weight * b for a, b in zip(total, moved, strict=True)]
    return [part / step**2 for part in total]


def _line(row: Derivative, inputs: Sequence[np.ndarray], directions: Sequence[np.ndarray]) -> Callable[[Any], Any]:
    return lambda t: outputs(row.function, [_wide(x) + t * u for x, u in zip(inputs, directions, strict=True)])


def _derived(function: Callable[[Any], Any], step: Any) -> list[np.ndarray]:
    total: list[Any] = []
    for k, weight in enumerate(EIGHTH, start=1):
        sides = zip(function(k * step), function(-k * step), strict=True)
        parts = [weight * (up - down) / step for up, down in sides]
        total = [a + b for a, b in zip(total, parts, strict=True)] if total else parts
    return total


@functools.cache
def vectors(row: Derivative, seed: int = 0) -> tuple[np.ndarray, ...]:
    """One vector a result of a row: moderate numbers of both signs, exact in float32."""
    found = outputs_of(row)
    return tuple(_vector(y.shape, seed + 101 * place, complex_=np.iscomplexobj(y)) for place, y in enumerate(found))


@functools.cache
def directions(row: Derivative, seed: int = 0) -> tuple[np.ndarray, ...]:
    """One direction an input of a row, as `vectors`."""
    return tuple(_vector(np.shape(x), seed + 7 + place) for place, x in enumerate(row.inputs))


def _vector(shape: tuple[int, ...], seed: int, *, complex_: bool = False) -> np.ndarray:
    real = apart(2.0, *shape, seed=seed + 1)
    return real + 1j * apart(2.0, *shape, seed=seed + 2) if complex_ else real

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
# Weights of f(x + k h) - f(x - k h), k = 1, 2, …, over h: truncation h**8 and h**4 times a higher derivative.
LONG = np.longdouble
EIGHTH = tuple(LONG(a) / LONG(b) for a, b in ((4, 5), (-1, 5), (4, 105), (-1, 280)))
FOURTH = tuple(LONG(a) / LONG(b) for a, b in ((2, 3), (-1, 12)))
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
    """Values between two bounds, all different and evenly spaced, in an order shuffled by the seed; exact in float32."""
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


def pullback(row: Derivative, vectors: Sequence[np.ndarray], inputs: Sequence[np.ndarray] | None = None) -> list[Gradient]:
    """J^T v for every input of a row, at its own inputs or others; for complex ones the conjugate Wirtinger derivative.

    `vectors`: one a result, of its shape.
    """
    inputs = row.inputs if inputs is None else tuple(inputs)
    derive = _pointwise if row.pointwise else _by_elements
    return [derive(row, inputs, which, vectors) for which in range(len(inputs))]


def _step(row: Derivative, x: np.ndarray) -> Any:
    # A step in the input's own dtype, so that an integer result of its own cannot hide it.
    return LONG(2.0 ** (-6 if row.rough else -9)) * (np.clongdouble(1) if np.iscomplexobj(x) else LONG(1))


def _pointwise(row: Derivative, inputs: Sequence[np.ndarray], which: int, vectors: Sequence[np.ndarray]) -> Gradient:
    shape = np.broadcast_shapes(*(np.shape(x) for x in inputs))
    full = [np.array(np.broadcast_to(_wide(x), shape)) for x in inputs]
    value, scale = np.zeros(shape, full[which].dtype), np.zeros(shape, LONG)
    for direction in (1, 1j) if np.iscomplexobj(full[which]) else (1,):
        slopes = _differences(row, full, which, direction)
        for slope, v in zip(slopes, vectors, strict=True):
            value = value + np.real(np.conj(v) * slope) * direction
            scale = scale + np.abs(v) * np.abs(slope)
    return Gradient(unbroadcast(value, np.shape(inputs[which])), unbroadcast(scale, np.shape(inputs[which])))


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


def _by_elements(row: Derivative, inputs: Sequence[np.ndarray], which: int, vectors: Sequence[np.ndarray]) -> Gradient:
    x = _wide(inputs[which])
    value, scale = np.zeros(x.shape, x.dtype), np.zeros(x.shape, LONG)
    for place in np.ndindex(x.shape):
        for direction in (1, 1j) if np.iscomplexobj(x) else (1,):
            unit = np.zeros(x.shape, x.dtype)
            unit[place] = direction
            columns = _differences(row, inputs, which, unit)
            value[place] += direction * sum(
                np.sum(np.real(np.conj(v) * column)) for v, column in zip(vectors, columns, strict=True)
            )
            scale[place] += sum(np.sum(np.abs(v) * np.abs(column)) for v, column in zip(vectors, columns, strict=True))
    return Gradient(value, scale)


def unbroadcast(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Add up an array over the dimensions in which an array of that shape was repeated to get its shape."""
    values = np.asarray(values)
    lead = values.ndim - len(shape)
    values = values.sum(axis=tuple(range(lead))) if lead else values
    repeated = tuple(d for d, side in enumerate(shape) if side == 1 and values.shape[d] != 1)
    return values.sum(axis=repeated, keepdims=True) if repeated else values


def pushforward(row: Derivative, directions: Sequence[np.ndarray]) -> list[np.ndarray]:
    """J u for every result of a row: its derivative when all (real) inputs move along the directions at once."""
    along = _line(row, row.inputs, directions)
    step = LONG(2.0 ** (-6 if row.rough else -9))
    return _derived(along, step, EIGHTH)


def curvature(
    row: Derivative, vectors: Sequence[np.ndarray], u: Sequence[np.ndarray], w: Sequence[np.ndarray]
) -> tuple[float, float]:
    """The mixed second derivative of sum(v * f) along the directions u and w, and the size of what was added up."""
    step = LONG(2.0 ** (-5 if row.rough else -9))

    def inner(s: Any) -> list[np.ndarray]:
        moved = [_wide(x) + s * b for x, b in zip(row.inputs, w, strict=True)]
        line = _line(row, moved, u)
        return _derived(line, step, FOURTH)

    parts = _derived(inner, step, FOURTH)
    terms = [v * part for v, part in zip(vectors, parts, strict=True)]
    return float(sum(np.sum(term) for term in terms)), float(sum(np.sum(np.abs(term)) for term in terms))


def _line(row: Derivative, inputs: Sequence[np.ndarray], directions: Sequence[np.ndarray]) -> Callable[[Any], Any]:
    return lambda t: outputs(row.function, [_wide(x) + t * u for x, u in zip(inputs, directions, strict=True)])


def _derived(function: Callable[[Any], Any], step: Any, weights: tuple[Any, ...]) -> list[np.ndarray]:
    total: list[Any] = []
    for k, weight in enumerate(weights, start=1):
        sides = zip(function(k * step), function(-k * step), strict=True)
        parts = [weight * (up - down) / step for up, down in sides]
        total = [a + b for a, b in zip(total, parts, strict=True)] if total else parts
    return total


@functools.cache
def vectors(row: Derivative, seed: int = 0) -> tuple[np.ndarray, ...]:
    """One vector a result of a row: moderate numbers of both signs, exact in float32."""
    found = outputs(row.function, row.inputs)
    return tuple(_vector(y.shape, seed + 101 * place, complex_=np.iscomplexobj(y)) for place, y in enumerate(found))


@functools.cache
def directions(row: Derivative, seed: int = 0) -> tuple[np.ndarray, ...]:
    """One direction an input of a row, as `vectors`."""
    return tuple(_vector(np.shape(x), seed + 7 + place) for place, x in enumerate(row.inputs))


def _vector(shape: tuple[int, ...], seed: int, *, complex_: bool = False) -> np.ndarray:
    real = apart(2.0, *shape, seed=seed + 1)
    return real + 1j * apart(2.0, *shape, seed=seed + 2) if complex_ else real


@functools.cache
def expected(row: Derivative, seed: int = 0) -> tuple[Gradient, ...]:
    """The gradients of a row's inputs for the vectors of that seed."""
    return tuple(pullback(row, vectors(row, seed)))

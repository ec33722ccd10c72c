"""Running reductions, spread, norms, ranks and quantiles, by definition; see `reduction` for what an Answer is."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.oracle.indexing_order import lines as last
from conformance.oracle.indexing_order import order
from conformance.oracle.reduction import Answer, Dims, converted, reduced, wide

# -- along a line --------------------------------------------------------------------------------------------------


def along(x: np.ndarray, dim: int, law: Callable[[np.ndarray], Any]) -> Any:
    """A law of lines (last axis) that keeps their length, along a dimension."""
    found = law(last(x, dim))

    def back(part: Any) -> Any:
        return np.moveaxis(part, -1, dim).reshape(x.shape) if isinstance(part, np.ndarray) else part

    parts = [back(part) for part in found]
    return Answer(*parts) if isinstance(found, Answer) else tuple(parts)


def _counts(lines: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.arange(1.0, lines.shape[-1] + 1), lines.shape)


def cumsum(x: np.ndarray, dim: int, dtype: str | None = None) -> Answer:
    def law(lines: np.ndarray) -> Answer:
        w = wide(lines)
        return Answer(np.cumsum(w, -1), np.cumsum(np.abs(w), -1).astype(np.float64), _counts(lines))

    return along(converted(x, dtype), dim, law)


def cumprod(x: np.ndarray, dim: int, dtype: str | None = None) -> Answer:
    def law(lines: np.ndarray) -> Answer:
        with np.errstate(all="ignore"):
            return Answer(np.cumprod(wide(lines), -1), None, _counts(lines))

    return along(converted(x, dtype), dim, law)


def running(x: np.ndarray, dim: int, sign: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """cummax (cummin for sign -1): (values, places), the place of the last of equal ones; after a NaN all is NaN."""

    def law(lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        where = np.zeros(lines.shape, np.int64)
        for row in np.ndindex(lines.shape[:-1]):
            line = lines[row].tolist()
            best = 0
            for i, value in enumerate(line):
                ahead = value >= line[best] if sign > 0 else value <= line[best]
                if value != value or (ahead and line[best] == line[best]):
                    best = i
                where[(*row, i)] = best
        return np.take_along_axis(lines, where, -1), where

    return along(x, dim, law)


def logcumsumexp(x: np.ndarray, dim: int) -> Answer:
    def law(lines: np.ndarray) -> Answer:
        w = wide(lines)
        top = np.maximum.accumulate(w, -1)
        out = np.empty_like(w)
        with np.errstate(all="ignore"):
            for i in range(w.shape[-1]):
                peak = np.where(np.isinf(top[..., i]), 0, top[..., i])
                out[..., i] = peak + np.log(np.exp(w[..., : i + 1] - peak[..., None]).sum(-1))
        size = np.abs(np.where(np.isfinite(top), top, 0)).astype(np.float64) + 1
        return Answer(out, size, 4 * _counts(lines) + 8)

    return along(x, dim, law)


# -- spread --------------------------------------------------------------------------------------------------------


def _spread(lines: np.ndarray, correction: float, root: bool) -> Answer:
    w = wide(lines)
    count = lines.shape[-1]
    with np.errstate(all="ignore"):
        middle = w.sum(-1) / np.longdouble(count)
        off = np.abs(w - middle[..., None])
        free = np.longdouble(max(count - correction, 0))
        squares = (off**2).sum(-1)
        variance = squares / free
        # What a relative error of every element does, by the first derivative, and the rounding of the sum itself.
        scale = (squares + 2 * (off * (np.abs(w) + np.abs(middle)[..., None])).sum(-1)) / free
        # The square of the rounding of the mean: all that there is where the elements are equal.
        eps = np.finfo(lines.dtype).eps if lines.dtype.kind in "fc" else 0.0
        scale = scale + 2 * count**2 * eps * np.abs(w).max(-1, initial=0) ** 2 / free
        if not root:
            return Answer(variance, scale.astype(np.float64), count + 4)
        deviation = np.sqrt(variance)
        size = np.where(deviation > 0, scale / (2 * deviation), 0) + deviation + np.abs(middle)
    return Answer(deviation, size.astype(np.float64), count + 4)


def var(x: np.ndarray, dim: Dims = None, correction: float = 1, keepdim: bool = False) -> Answer:
    return reduced(x, dim, keepdim, lambda lines: _spread(lines, correction, False))


def std(x: np.ndarray, dim: Dims = None, correction: float = 1, keepdim: bool = False) -> Answer:
    return reduced(x, dim, keepdim, lambda lines: _spread(lines, correction, True))


# -- norms ---------------------------------------------------------------------------------------------------------


def _norms(lines: np.ndarray, p: float) -> Answer:
    size = np.abs(wide(lines))
    if p == math.inf:
        return Answer(size.max(-1) if size.shape[-1] else np.zeros(size.shape[:-1]))
    if p == -math.inf:
        return Answer(size.min(-1))
    if p == 0:
        return Answer((lines != 0).sum(-1).astype(np.longdouble))
    with np.errstate(all="ignore"):
        values = (size**p).sum(-1) ** (1 / np.longdouble(p))
    return Answer(np.asarray(values), None, (lines.shape[-1] + 8) / abs(p) + 8)


def norm(x: np.ndarray, p: Any = "fro", dim: Dims = None, keepdim: bool = False) -> Answer:
    """The p-norm of the elements; the Frobenius norm is the 2-norm."""
    return reduced(x, dim, keepdim, lambda lines: _norms(lines, 2.0 if p in ("fro", None) else float(p)))


def dist(x: np.ndarray, other: np.ndarray, p: float = 2) -> Answer:
    """The p-norm of the difference, broadcast."""
    return norm(wide(x) - wide(other), p)


def _logsumexp(lines: np.ndarray) -> Answer:
    w = wide(lines)
    with np.errstate(all="ignore"):
        top = w.max(-1, initial=-np.inf)
        peak = np.where(np.isinf(top), 0, top)
        out = peak + np.log(np.exp(w - peak[..., None]).sum(-1))
    return Answer(out, np.abs(peak).astype(np.float64) + 1, lines.shape[-1] + 8)


def logsumexp(x: np.ndarray, dim: Dims, keepdim: bool = False) -> Answer:
    return reduced(x, dim, keepdim, _logsumexp)


# -- ranks ---------------------------------------------------------------------------------------------------------


def _ranked(lines: np.ndarray) -> np.ndarray:
    where = np.empty(lines.shape, np.int64)
    for row in np.ndindex(lines.shape[:-1]):
        where[row] = order(lines[row])
    return np.take_along_axis(lines, where, -1)


def median(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> np.ndarray:
    """The lower of the two middle elements; NaN if there is one."""

    def law(lines: np.ndarray) -> np.ndarray:
        ranked = _ranked(lines)
        middle = ranked[..., (lines.shape[-1] - 1) // 2]
        return np.where(ranked[..., -1] != ranked[..., -1], ranked[..., -1], middle).astype(lines.dtype)

    return reduced(x, dim, keepdim, law)


def nanmedian(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> np.ndarray:
    """As median, without the NaN; NaN where there is nothing else."""

    def law(lines: np.ndarray) -> np.ndarray:
        ranked = _ranked(lines)
        count = (lines == lines).sum(-1)
        place = np.maximum(count - 1, 0) // 2
        return np.take_along_axis(ranked, place[..., None], -1)[..., 0]

    return reduced(x, dim, keepdim, law)


def mode(x: np.ndarray, dim: int = -1, keepdim: bool = False) -> np.ndarray:
    """The most frequent value of each line, the least of equally frequent ones."""

    def law(lines: np.ndarray) -> np.ndarray:
        out = np.empty(lines.shape[:-1], lines.dtype)
        for row in np.ndindex(out.shape):
            counts = Counter(lines[row].tolist())
            out[row] = min(counts, key=lambda value: (-counts[value], value))
        return out

    return reduced(x, dim, keepdim, law)


def quantile(
    x: np.ndarray,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    interpolation: str = "linear",
    skip: bool = False,
) -> Answer:
    """Quantiles at q (a number, or a vector whose dimension comes first); with `skip` without the NaN."""
    points = np.atleast_1d(np.asarray(q, np.float64))
    found = [
        reduced(x, dim, keepdim, functools.partial(_quantiles, q=point, interpolation=interpolation, skip=skip))
        for point in points
    ]
    values = np.stack([part.values for part in found])
    scale = np.stack([part.scale for part in found])
    return Answer(values[0], scale[0], 8) if np.ndim(q) == 0 else Answer(values, scale, 8)


def _quantiles(lines: np.ndarray, q: float, interpolation: str, skip: bool) -> Answer:
    ranked = _ranked(lines).astype(np.longdouble)
    count = (ranked == ranked).sum(-1)
    rank = q * np.maximum(count - 1, 0)
    low, high = np.floor(rank).astype(int), np.ceil(rank).astype(int)
    a, b = (np.take_along_axis(ranked, place[..., None], -1)[..., 0] for place in (low, high))
    choices: dict[str, Callable[[], np.ndarray]] = {
        "linear": lambda: a + np.where(b == a, 0, (b - a) * (rank - low)),
        "lower": lambda: a,
        "higher": lambda: b,
        "midpoint": lambda: a + np.where(b == a, 0, (b - a) / 2),
        "nearest": lambda: np.where(np.round(rank) == low, a, b),
    }
    spoiled = count < lines.shape[-1] if not skip else count == 0
    values = np.where(spoiled, np.longdouble("nan"), choices[interpolation]())
    size = np.abs(a) + np.abs(b) + lines.shape[-1] * np.abs(b - a)
    return Answer(values, np.where(np.isfinite(size), size, 0).astype(np.float64))


# -- several variables ---------------------------------------------------------------------------------------------


def cov(x: np.ndarray, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Answer:
    """The covariance of the rows (a number for a single one). Weights: frequencies and reliabilities, as in numpy."""
    rows = wide(np.atleast_2d(x))
    frequency = np.ones(rows.shape[1]) if fweights is None else np.asarray(fweights, np.longdouble)
    weight = frequency if aweights is None else frequency * np.asarray(aweights, np.longdouble)
    whole = weight.sum()
    middle = (rows * weight).sum(-1, keepdims=True) / whole
    off = rows - middle
    shrink = (weight * (1 if aweights is None else np.asarray(aweights, np.longdouble))).sum() / whole
    free = max(whole - correction * shrink, 0)
    with np.errstate(all="ignore"):
        values = (off * weight) @ off.conj().T / free
        size = np.abs(off) + np.abs(rows) + np.abs(middle)
        scale = (size * weight) @ size.T / free
    shape = () if len(rows) == 1 else values.shape
    return Answer(values.reshape(shape), np.asarray(scale, np.float64).reshape(shape), 2 * rows.shape[1] + 8)


def corrcoef(x: np.ndarray) -> Answer:
    """The covariance divided by the standard deviations."""
    found = cov(x)
    deviation = np.sqrt(np.diag(np.atleast_2d(found.values)).real)
    base = np.outer(deviation, deviation).reshape(found.values.shape)
    return Answer(found.values / base, np.asarray(found.scale / base.astype(np.float64)) * 2 + 1, found.terms + 8)


def trapezoid(y: np.ndarray, x: Any = None, dx: float = 1.0, dim: int = -1, running_sum: bool = False) -> Answer:
    """The integral by trapezia over a line, or the running one; x: places (1-D or of y's shape), dx: their distance."""
    ys = wide(np.moveaxis(y, dim, -1))
    steps = np.longdouble(dx) if x is None else np.diff(wide(x if x.ndim == 1 else np.moveaxis(x, dim, -1)), axis=-1)
    parts = (ys[..., 1:] + ys[..., :-1]) / 2 * steps
    sizes = (np.abs(ys[..., 1:]) + np.abs(ys[..., :-1])) / 2 * np.abs(steps)
    if running_sum:
        values, scale = np.cumsum(parts, -1), np.cumsum(sizes, -1)
        return Answer(np.moveaxis(values, -1, dim), np.moveaxis(scale, -1, dim).astype(np.float64), y.shape[dim] + 4)
    return Answer(parts.sum(-1), sizes.sum(-1).astype(np.float64), y.shape[dim] + 4)


def diff(x: np.ndarray, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> np.ndarray:
    """The n-th differences of neighbours; of truth values whether they differ."""
    joined = np.concatenate([part for part in (prepend, x, append) if part is not None], axis=dim)
    moved = np.moveaxis(joined, dim, -1)
    for _ in range(n):
        moved = moved[..., 1:] != moved[..., :-1] if moved.dtype == bool else (moved[..., 1:] - moved[..., :-1])
    return np.moveaxis(moved, -1, dim)

"""What the in-place methods that are not elementwise leave in self, worked out by their definitions.

Every function takes self's values and the method's arguments, tensors as arrays in their host dtype, and returns an
array of self's shape: integers wrap in self's host dtype, other results come in the wider type of `math_elementary`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from conformance.oracle.math_elementary import quiet, wide


def exact(x: Any) -> np.ndarray:
    """A fresh copy: integers and truth values as they are, all others in a wider type."""
    x = np.asarray(x)
    return x.copy() if x.dtype.kind in "biu" else wide(x)


def converted(values: Any, like: np.ndarray) -> np.ndarray:
    """Values as a tensor of self's kind would hold them: fractions are cut off, integers wrap, imaginary parts go."""
    values = np.asarray(values)
    if like.dtype.kind != "c" and values.dtype.kind == "c":
        values = values.real
    if like.dtype.kind == "b":
        return values != 0
    if like.dtype.kind in "iu" and values.dtype.kind == "f":
        return np.trunc(values).astype(np.int64).astype(like.dtype)
    return values.astype(like.dtype) if like.dtype.kind in "iu" else exact(values).astype(exact(like).dtype)


# -- filling and copying -----------------------------------------------------------------------------------------------


@quiet
def fill(x: np.ndarray, value: Any) -> np.ndarray:
    """Everywhere the one value."""
    return np.broadcast_to(converted(value, x), x.shape)


def zero(x: np.ndarray) -> np.ndarray:
    """Everywhere 0."""
    return fill(x, 0)


@quiet
def copy(x: np.ndarray, source: np.ndarray, non_blocking: bool = False) -> np.ndarray:
    """The source, broadcast to self's shape and converted to its dtype."""
    return np.broadcast_to(converted(source, x), x.shape)


def fill_diagonal(x: np.ndarray, value: Any, wrap: bool = False) -> np.ndarray:
    """The value where all indices agree; in a tall matrix, with wrap, again below each square and one empty row."""
    out = exact(x)
    rows, columns = x.shape[0], x.shape[1]
    for place in range(min(x.shape)):
        out[(place,) * x.ndim] = converted(value, x)
    if wrap and x.ndim == 2:
        for flat in range(0, rows * columns, columns + 1):
            out[divmod(flat, columns)] = converted(value, x)
    return out


def masked_fill(x: np.ndarray, mask: np.ndarray, value: Any) -> np.ndarray:
    """The value where the mask, broadcast to self, is true."""
    return np.where(np.broadcast_to(mask, x.shape), converted(value, x), exact(x))


def masked_scatter(x: np.ndarray, mask: np.ndarray, source: np.ndarray) -> np.ndarray:
    """The source's elements, in row-major order, one for each place where the mask is true."""
    out, values = exact(x), iter(exact(source).ravel())
    mask = np.broadcast_to(mask, x.shape)
    for place in np.ndindex(x.shape):
        if mask[place]:
            out[place] = next(values)
    return out


def tril(x: np.ndarray, diagonal: int = 0) -> np.ndarray:
    """0 above the diagonal: where column - row > diagonal."""
    row, column = np.arange(x.shape[-2])[:, None], np.arange(x.shape[-1])
    return np.where(column - row > diagonal, 0, exact(x))


def triu(x: np.ndarray, diagonal: int = 0) -> np.ndarray:
    """0 below the diagonal: where column - row < diagonal."""
    row, column = np.arange(x.shape[-2])[:, None], np.arange(x.shape[-1])
    return np.where(column - row < diagonal, 0, exact(x))


# -- along a dimension, and matrices -----------------------------------------------------------------------------------


def _running(x: np.ndarray, dim: int, step: Callable[[Any, Any], Any]) -> np.ndarray:
    out = exact(x)
    if out.ndim == 0:
        return out
    rows = np.moveaxis(out, dim, 0)
    with np.errstate(all="ignore"):
        for i in range(1, len(rows)):
            rows[i] = step(rows[i - 1], rows[i])
    return out


def cumsum(x: np.ndarray, dim: int) -> np.ndarray:
    """Element i along dim: the sum of the elements up to it."""
    return _running(x, dim, lambda total, here: total + here)


def cumprod(x: np.ndarray, dim: int) -> np.ndarray:
    """Element i along dim: the product of the elements up to it."""
    return _running(x, dim, lambda total, here: total * here)


def renorm(x: np.ndarray, p: float, dim: int, maxnorm: float) -> np.ndarray:
    """Each slice along dim whose p-norm is larger than maxnorm, scaled down to it (over its norm + 1e-7)."""
    out = exact(x)
    rows = np.moveaxis(out, dim, 0)
    for row in rows:
        size = np.abs(row)
        norm = size.max(initial=0) if p == math.inf else (size**p).sum() ** (1 / p)
        if norm > maxnorm:
            row *= maxnorm / (norm + 1e-7)
    return out


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The matrix product by its definition: rows of a with columns of b."""
    total = np.zeros((a.shape[0], b.shape[1]), np.result_type(a, b))
    for k in range(a.shape[1]):
        total = total + a[:, k : k + 1] * b[k : k + 1, :]
    return total.astype(np.result_type(a, b))


def _mixed(x: np.ndarray, total: np.ndarray, beta: Any, alpha: Any) -> np.ndarray:
    """beta * x + alpha * total in self's type; x does not count at all if beta is 0, not even its NaN."""
    kept = np.zeros_like(exact(x)) if beta == 0 else exact(x) * np.asarray(beta)
    with np.errstate(all="ignore"):
        return (kept + total * np.asarray(alpha)).astype(exact(x).dtype)


def addmm(x: np.ndarray, a: np.ndarray, b: np.ndarray, *, beta: Any = 1, alpha: Any = 1) -> np.ndarray:
    """beta * x + alpha * (a @ b)."""
    return _mixed(x, _product(exact(a), exact(b)), beta, alpha)


def addmv(x: np.ndarray, a: np.ndarray, v: np.ndarray, *, beta: Any = 1, alpha: Any = 1) -> np.ndarray:
    """beta * x + alpha * (a @ v)."""
    return _mixed(x, _product(exact(a), exact(v)[:, None])[:, 0], beta, alpha)


def addr(x: np.ndarray, u: np.ndarray, v: np.ndarray, *, beta: Any = 1, alpha: Any = 1) -> np.ndarray:
    """beta * x + alpha * (u outer v)."""
    return _mixed(x, _product(exact(u)[:, None], exact(v)[None, :]), beta, alpha)


def baddbmm(x: np.ndarray, a: np.ndarray, b: np.ndarray, *, beta: Any = 1, alpha: Any = 1) -> np.ndarray:
    """beta * x + alpha * (a[i] @ b[i]) for each i."""
    total = np.array([_product(m, n) for m, n in zip(exact(a), exact(b), strict=True)]).reshape(x.shape)
    return _mixed(x, total, beta, alpha)


def addbmm(x: np.ndarray, a: np.ndarray, b: np.ndarray, *, beta: Any = 1, alpha: Any = 1) -> np.ndarray:
    """beta * x + alpha * (the sum over i of a[i] @ b[i])."""
    total = sum((_product(m, n) for m, n in zip(exact(a), exact(b), strict=True)), np.zeros(x.shape, exact(x).dtype))
    return _mixed(x, np.asarray(total), beta, alpha)


# -- Python functions --------------------------------------------------------------------------------------------------


def called(x: np.ndarray, *arguments: Any) -> np.ndarray:
    """The last argument, a function of numbers, at every element of self and of the tensors before it."""
    *arrays, function = arguments
    operands = np.broadcast_arrays(x, *arrays)
    values = [function(*(operand[place].item() for operand in operands)) for place in np.ndindex(x.shape)]
    return converted(np.array(values, exact(x).dtype).reshape(x.shape), x)


# -- activations -------------------------------------------------------------------------------------------------------


@quiet
def elu(x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """x, or alpha * (exp(x) - 1) below 0."""
    x = wide(x)
    return np.where(x > 0, x, alpha * np.expm1(x))


@quiet
def celu(x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """x, or alpha * (exp(x / alpha) - 1) below 0."""
    x = wide(x)
    return np.where(x > 0, x, alpha * np.expm1(x / alpha))


@quiet
def selu(x: np.ndarray) -> np.ndarray:
    """scale * elu(x, alpha), with the constants of Klambauer and others, 2017."""
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)


def leaky_relu(x: np.ndarray, negative_slope: float = 0.01) -> np.ndarray:
    """x, or negative_slope * x below 0."""
    x = wide(x)
    return np.where(x > 0, x, negative_slope * x)


def rrelu(x: np.ndarray, lower: float = 1 / 8, upper: float = 1 / 3) -> np.ndarray:
    """x, or its mean slope times x below 0: what rrelu gives outside of training."""
    return leaky_relu(x, (lower + upper) / 2)


def threshold(x: np.ndarray, threshold: float, value: float) -> np.ndarray:
    """x, or the value where x is not above the threshold."""
    x = wide(x)
    return np.where(x > threshold, x, value)


def hardtanh(x: np.ndarray, min_val: float = -1.0, max_val: float = 1.0) -> np.ndarray:
    """x, cut to [min_val, max_val]."""
    return np.minimum(np.maximum(wide(x), min_val), max_val)


# -- shape and strides -------------------------------------------------------------------------------------------------


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a contiguous tensor."""
    steps = itertools.accumulate((max(size, 1) for size in reversed(shape[1:])), lambda a, b: a * b, initial=1)
    return tuple(reversed(list(steps))) if shape else ()

"""Norms, distances and functions of matrices, in double precision, from their definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

Array = np.ndarray


def vector_norm(x: Array, order: float, dim: int | tuple[int, ...] | None, keepdim: bool) -> Array:
    """The order-th root of the sum of powers; order 0 counts what is not zero."""
    size = np.abs(x)
    if math.isinf(order):
        return size.max(dim, keepdims=keepdim) if order > 0 else size.min(dim, keepdims=keepdim)
    if order == 0:
        return (size != 0).sum(dim, keepdims=keepdim).astype(np.float64)
    return (size**order).sum(dim, keepdims=keepdim) ** (1 / order)


def matrix_norm(x: Array, order: Any, dim: tuple[int, int], keepdim: bool) -> Array:
    """By rows (inf), columns (1), singular values (2, nuc) or all elements (fro); rows are the first of dim."""
    moved = np.moveaxis(x, dim, (-2, -1))
    if order == "fro":
        out = np.sqrt((moved * moved).sum((-2, -1)))
    elif order == "nuc":
        out = np.linalg.svd(moved, compute_uv=False).sum(-1)
    elif abs(order) == 2:
        values = np.linalg.svd(moved, compute_uv=False)
        out = values[..., 0] if order > 0 else values[..., -1]
    else:
        sums = np.abs(moved).sum(-1 if math.isinf(order) else -2)
        out = sums.max(-1) if order > 0 else sums.min(-1)
    return np.expand_dims(out, tuple(d % x.ndim for d in dim)) if keepdim else out


def cdist(x: Array, y: Array, p: float) -> Array:
    return vector_norm(x[..., :, None, :] - y[..., None, :, :], p, -1, False)


def chain(factors: Sequence[Array]) -> Array:
    return reduce(np.matmul, factors)


def solve(a: Array, b: Array, left: bool = True) -> Array:
    """x with a x = b, or with x a = b."""
    return (
        np.linalg.solve(a, b)
        if left
        else np.swapaxes(np.linalg.solve(np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2)), -1, -2)
    )


def matrix_exp(x: Array) -> Array:
    """The series of x / 2**s, squared s times."""
    s = 10
    x, term = x / 2**s, np.broadcast_to(np.eye(x.shape[-1]), x.shape)
    out = term.astype(x.dtype)
    for k in range(1, 12):
        term = term @ x / k
        out += term
    for _ in range(s):
        out = out @ out
    return out


def cond(x: Array, p: Any) -> Array:
    """The norm of a matrix times that of its inverse; for 2 and -2 the ratio of singular values."""
    values = np.linalg.svd(x, compute_uv=False)
    if p is None or p == 2:
        return values[..., 0] / values[..., -1]
    if p == -2:
        return values[..., -1] / values[..., 0]
    return matrix_norm(x, p, (-2, -1), False) * matrix_norm(np.linalg.inv(x), p, (-2, -1), False)


def householder(a: Array, tau: Array) -> Array:
    """The first columns of the product of I - tau v v^T; v is 0 above the diagonal, 1 on it, and a below."""
    rows, count = a.shape[0], len(tau)
    out = np.eye(rows)
    for i in range(count):
        v = np.concatenate([np.zeros(i), [1.0], a[i + 1 :, i]])
        out = out @ (np.eye(rows) - tau[i] * np.outer(v, v))
    return out[:, : a.shape[1]]

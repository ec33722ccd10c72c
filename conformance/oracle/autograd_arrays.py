"""Array functions by definition, on any numpy dtype: what numpy lacks, or only has in float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def swapped(x: np.ndarray) -> np.ndarray:
    """The transpose of the last two dimensions."""
    return np.swapaxes(x, -1, -2)


def eye(x: np.ndarray) -> np.ndarray:
    """The identity matrix of the size and dtype of a square one."""
    return np.eye(x.shape[-1], dtype=x.dtype)


def solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """x with a @ x = b, one matrix, by elimination with row pivots."""
    a, b = np.array(a), np.array(b)
    for k in range(len(a)):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        a[[k, pivot]], b[[k, pivot]] = a[[pivot, k]], b[[pivot, k]]
        b[k], a[k] = b[k] / a[k, k], a[k] / a[k, k]
        for row in range(len(a)):
            if row != k:
                b[row], a[row] = b[row] - a[row, k] * b[k], a[row] - a[row, k] * a[k]
    return b


def inverse(a: np.ndarray) -> np.ndarray:
    """The inverse of the last two dimensions."""
    a = np.asarray(a)
    if a.ndim > 2:
        return np.stack([inverse(part) for part in a])
    return solve(a, eye(a))


def determinant(a: np.ndarray) -> Any:
    """By elimination with row pivots; of the last two dimensions."""
    a = np.array(a)
    if a.ndim > 2:
        return np.stack([determinant(part) for part in a])
    found = a.dtype.type(1)
    for k in range(len(a)):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        if pivot != k:
            a[[k, pivot]], found = a[[pivot, k]], -found
        found = found * a[k, k]
        if a[k, k] == 0:
            return found
        for row in range(k + 1, len(a)):
            a[row] = a[row] - a[row, k] / a[k, k] * a[k]
    return found


def cholesky(a: np.ndarray) -> np.ndarray:
    """The lower factor of (a + a^T) / 2."""
    a = (a + a.T) / 2
    low = np.zeros_like(a)
    for i in range(len(a)):
        for j in range(i + 1):
            rest = a[i, j] - low[i, :j] @ low[j, :j]
            low[i, j] = np.sqrt(rest) if i == j else rest / low[j, j]
    return low


def orthogonal_triangular(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reduced QR of a matrix with independent columns, by Gram and Schmidt; R has a positive diagonal."""
    q, r = np.zeros_like(a), np.zeros((a.shape[1], a.shape[1]), a.dtype)
    for j in range(a.shape[1]):
        rest = a[:, j]
        for i in range(j):
            r[i, j] = q[:, i] @ a[:, j]
            rest = rest - r[i, j] * q[:, i]
        r[j, j] = np.sqrt(rest @ rest)
        q[:, j] = rest / r[j, j]
    return q, r


def exponential(a: np.ndarray) -> np.ndarray:
    """The matrix exponential by its series, after halving six times."""
    small, total = a / 64, eye(a)
    term = total
    for n in range(1, 25):
        term = term @ small / n
        total = total + term
    for _ in range(6):
        total = total @ total
    return total


def logsumexp(x: np.ndarray, axis: Any = -1, *, keepdims: bool = False) -> np.ndarray:
    return np.log(np.exp(x).sum(axis, keepdims=keepdims))


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.exp(x - logsumexp(x, axis, keepdims=True))


def norm(x: np.ndarray, p: float, axis: Any = None, *, keepdims: bool = False) -> np.ndarray:
    """(sum |x|**p) ** (1/p), over all or some dimensions."""
    size = np.abs(x)
    if np.isinf(p):
        return size.max(axis, keepdims=keepdims) if p > 0 else size.min(axis, keepdims=keepdims)
    return (size**p).sum(axis, keepdims=keepdims) ** (1 / np.longdouble(p))


def scattered(x: np.ndarray, index: Sequence[Any], source: np.ndarray, *, dim: int = 0, add: bool = True) -> np.ndarray:
    """Like Tensor.scatter_add or scatter, for an index array of the source's shape."""
    found, rows = np.array(x), np.asarray(index)
    for place in np.ndindex(rows.shape):
        target = (*place[:dim], int(rows[place]), *place[dim + 1 :])
        found[target] = found[target] + source[place] if add else source[place]
    return found


def with_rows(x: np.ndarray, index: Sequence[int], source: Any, *, add: bool = False) -> np.ndarray:
    """x with rows replaced by those of the source, or the source's added to them, in turn."""
    found = np.array(x)
    for place, row in enumerate(index):
        found[row] = found[row] + source[place] if add else source[place]
    return found


def windows(x: np.ndarray, size: int, step: int) -> np.ndarray:
    """Tensor.unfold of the last dimension."""
    starts = range(0, x.shape[-1] - size + 1, step)
    return np.stack([x[..., start : start + size] for start in starts], -2)


def convolved(x: np.ndarray, w: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    """Cross-correlation of images (N, C, H, W) with filters (O, C, K, K)."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    k = w.shape[-1]
    rows, columns = (range(0, side - k + 1, stride) for side in x.shape[-2:])
    patches = [[x[:, :, r : r + k, c : c + k] for c in columns] for r in rows]
    values = [[np.tensordot(patch, w, ((1, 2, 3), (1, 2, 3))) for patch in row] for row in patches]
    return np.moveaxis(np.array(values), (0, 1), (2, 3))


def pooled(x: np.ndarray, size: int, reduce: Any) -> np.ndarray:
    """Windows of size x size of the last two dimensions, each reduced to one number; the rest is cut off."""
    rows, columns = (side // size for side in x.shape[-2:])
    x = x[..., : rows * size, : columns * size]
    return reduce(x.reshape(*x.shape[:-2], rows, size, columns, size), axis=(-3, -1))


def normalised(x: np.ndarray, axis: Any, eps: float = 1e-5) -> np.ndarray:
    """Less the mean, over the root of the (biased) variance plus eps."""
    centred = x - x.mean(axis, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis, keepdims=True) + np.longdouble(eps))

"""Products and parts of matrices: exact for integers, in double precision for the rest.

Every function takes host arrays and gives the values in higher precision; `scale` functions give the sum of
magnitudes that bounds of products are measured by.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def wide(values: Array) -> Array:
    """An array in the precision that products are worked out in: integers modulo 2**64, or double."""
    if values.dtype == bool or values.dtype.kind in "iu":
        return values.astype(np.int64)
    return values.astype(np.complex128 if np.iscomplexobj(values) else np.float64)


def matmul(a: Array, b: Array) -> Array:
    """The product of matrices and vectors as documented: 1-D operands are rows on the left and columns on the right,
    batches broadcast. Its own rounding counts: bounds of double precision have to allow for twice the terms."""
    a, b = wide(a), wide(b)
    left, right = a.ndim == 1, b.ndim == 1
    a = a[None, :] if left else a
    b = b[:, None] if right else b
    out = np.matmul(a, b)
    out = out[..., 0, :] if left else out
    return out[..., 0] if right else out


def scale(a: Array, b: Array) -> Array:
    """Sums of |a| |b|, in the shape of the product."""
    return matmul(np.abs(wide(a)), np.abs(wide(b))).astype(np.float64)


def outer(a: Array, b: Array) -> Array:
    return wide(a)[:, None] * wide(b)[None, :]


def cross(a: Array, b: Array, dim: int = -1) -> Array:
    """The vector product along a dimension of size 3, by its three components."""
    a, b = np.broadcast_arrays(wide(a), wide(b))
    x, y = np.moveaxis(a, dim, 0), np.moveaxis(b, dim, 0)
    parts = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]]
    return np.moveaxis(np.stack(parts), 0, dim)


def kron(a: Array, b: Array) -> Array:
    """Kronecker's product: block (i, j) is a[i, j] * b."""
    a, b = wide(a), wide(b)
    out = np.empty((a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]), np.result_type(a, b))
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[i * b.shape[0] : (i + 1) * b.shape[0], j * b.shape[1] : (j + 1) * b.shape[1]] = a[i, j] * b
    return out


def triangle(a: Array, k: int, *, upper: bool) -> Array:
    """The part of each matrix on or above (below) its k-th diagonal, zero elsewhere."""
    places = np.arange(a.shape[-1])[None, :] - np.arange(a.shape[-2])[:, None]
    return np.where(places >= k if upper else places <= k, a, a.dtype.type(0))


def diagonal(a: Array, k: int = 0) -> Array:
    """The k-th diagonal of a matrix, element by element."""
    rows, columns = a.shape
    return np.array([a[i, i + k] for i in range(rows) if 0 <= i + k < columns], a.dtype)


def diagonal_matrix(v: Array, k: int = 0) -> Array:
    """The square matrix with a vector on its k-th diagonal."""
    size = len(v) + abs(k)
    out = np.zeros((size, size), v.dtype)
    for i, value in enumerate(v):
        out[i + max(-k, 0), i + max(k, 0)] = value
    return out


def determinant(a: Array) -> Array:
    """Determinants by elimination with partial pivoting, in long double."""
    a = wide(a).astype(np.clongdouble if np.iscomplexobj(a) else np.longdouble)
    if not a.size:
        return np.ones(a.shape[:-2])
    flat = a.reshape(-1, *a.shape[-2:])
    return np.array([_determinant(m) for m in flat]).reshape(a.shape[:-2])


def _determinant(m: Array) -> Array:
    det = m.dtype.type(1)
    for i in range(len(m)):
        pivot = i + int(np.argmax(np.abs(m[i:, i])))
        if m[pivot, i] == 0:
            return m.dtype.type(0)
        if pivot != i:
            m[[i, pivot]] = m[[pivot, i]]
            det = -det
        det = det * m[i, i]
        m[i + 1 :] = m[i + 1 :] - np.outer(m[i + 1 :, i] / m[i, i], m[i])
    return det


def power(a: Array, n: int) -> Array:
    """A matrix multiplied by itself, n times in all."""
    out = np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    for _ in range(n):
        out = matmul(out, a)
    return out


def well_conditioned(n: int, seed: int, complex_parts: bool = False, batch: tuple[int, ...] = ()) -> Array:
    """Square matrices whose condition is at most about 10: small noise beside a dominant diagonal, rows permuted."""
    generator = np.random.default_rng(seed)
    noise = generator.uniform(-1, 1, (*batch, n, n))
    if complex_parts:
        noise = noise + 1j * generator.uniform(-1, 1, (*batch, n, n))
    signs = np.where(np.arange(n) % 3 == 1, -1.0, 1.0)
    return (noise / max(2 * n, 1) + np.eye(n) * signs * (1 + np.arange(n) % 4))[..., generator.permutation(n), :]

"""Further layers from their formulas in any number of dimensions, in numpy, as PyTorch documents them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from conformance.oracle.layer import linear, sigmoid, softmax

Array = np.ndarray


def _last(index: Iterable[Any]) -> Any:
    """An index of the last dimensions."""
    return (..., *index)


def many(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value)


def conv(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Array:
    """Cross-correlation of (N, C, *sides) with (O, C / groups, *kernel), by a sum over the places of the kernel."""
    n = x.ndim - 2
    s, p, d, kernel = many(stride, n), many(padding, n), many(dilation, n), weight.shape[2:]
    x = np.pad(x, [(0, 0), (0, 0), *((q, q) for q in p)])
    sizes = [(x.shape[2 + i] - d[i] * (kernel[i] - 1) - 1) // s[i] + 1 for i in range(n)]
    out = np.zeros((x.shape[0], groups, weight.shape[0] // groups, *sizes))
    parts = x.reshape(x.shape[0], groups, -1, *x.shape[2:])
    filters = weight.reshape(groups, -1, *weight.shape[1:])
    for place in np.ndindex(*kernel):
        cut = tuple(slice(k * d[i], k * d[i] + (sizes[i] - 1) * s[i] + 1, s[i]) for i, k in enumerate(place))
        out += np.einsum("ngc...,goc->ngo...", parts[_last(cut)], filters[_last(place)])
    out = out.reshape(x.shape[0], weight.shape[0], *sizes)
    return out if bias is None else out + bias.reshape(-1, *[1] * n)


def conv_transpose(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Array:
    """Each element of (N, C, *sides) spreads its share of (C, O / groups, *kernel); the padding is cut off again."""
    n = x.ndim - 2
    s, p, more, d = many(stride, n), many(padding, n), many(output_padding, n), many(dilation, n)
    kernel = weight.shape[2:]
    sizes = [(x.shape[2 + i] - 1) * s[i] + d[i] * (kernel[i] - 1) + 1 + more[i] for i in range(n)]
    out = np.zeros((x.shape[0], groups, weight.shape[1], *sizes))
    parts = x.reshape(x.shape[0], groups, -1, *x.shape[2:])
    filters = weight.reshape(groups, -1, *weight.shape[1:])
    for place in np.ndindex(*kernel):
        cut = tuple(slice(k * d[i], k * d[i] + (x.shape[2 + i] - 1) * s[i] + 1, s[i]) for i, k in enumerate(place))
        out[_last(cut)] += np.einsum("ngc...,gco->ngo...", parts, filters[_last(place)])
    out = out.reshape(x.shape[0], -1, *sizes)
    out = out[_last(slice(q, size - q) for q, size in zip(p, sizes, strict=True))]
    return out if bias is None else out + bias.reshape(-1, *[1] * n)


def group_norm(x: Array, groups: int, weight: Array | None, bias: Array | None, eps: float = 1e-5) -> Array:
    """Each group of channels of each sample to mean 0 and (biased) variance 1; then weight and bias by channel."""
    parts = x.reshape(x.shape[0], groups, -1)
    out = (parts - parts.mean(2, keepdims=True)) / np.sqrt(parts.var(2, keepdims=True) + eps)
    out, shape = out.reshape(x.shape), (-1, *[1] * (x.ndim - 2))
    return out if weight is None or bias is None else out * weight.reshape(shape) + bias.reshape(shape)


def local_response_norm(x: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    """Division by a power of k + alpha times the mean square of neighbouring channels."""
    channels, mean = x.shape[1], np.zeros(x.shape)
    for c in range(channels):
        low, high = max(0, c - size // 2), min(channels, c - size // 2 + size)
        mean[:, c] = (x[:, low:high] ** 2).sum(1) / size
    return x / (k + alpha * mean) ** beta


def gru_layer(x: Array, h: Array, w: dict[str, Array], reverse: bool = False) -> tuple[Array, Array]:
    """One direction of one layer over (T, N, I): rows of the reset, update and new gates, in that order."""
    size, out = h.shape[-1], np.empty((*x.shape[:2], h.shape[-1]))
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        a, b = linear(x[t], w["weight_ih"], w.get("bias_ih")), linear(h, w["weight_hh"], w.get("bias_hh"))
        r, z = sigmoid(a[:, :size] + b[:, :size]), sigmoid(a[:, size : 2 * size] + b[:, size : 2 * size])
        new = np.tanh(a[:, 2 * size :] + r * b[:, 2 * size :])
        out[t] = h = (1 - z) * new + z * h
    return out, h


def attention(q: Array, k: Array, v: Array, mask: Array | None = None) -> tuple[Array, Array]:
    """softmax(q k^T / sqrt(d) + mask) v, and its weights; a mask of truth values says what takes part."""
    scores = np.einsum("...id,...jd->...ij", q, k) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    weights = softmax(scores, -1)
    return weights @ v, weights


def pixel_shuffle(x: Array, r: int) -> Array:
    n, c, h, w = x.shape
    return x.reshape(n, c // r**2, r, r, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c // r**2, h * r, w * r)


def pixel_unshuffle(x: Array, r: int) -> Array:
    n, c, h, w = x.shape
    return x.reshape(n, c, h // r, r, w // r, r).transpose(0, 1, 3, 5, 2, 4).reshape(n, c * r**2, h // r, w // r)


def cubic(t: float) -> list[float]:
    """Weights of the four neighbours of a place t past the second one; a = -0.75."""
    a, found = -0.75, []
    for d in (t + 1, t, 1 - t, 2 - t):
        near, far = (a + 2) * d**3 - (a + 3) * d**2 + 1, a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
        found.append(near if d <= 1 else far)
    return found


def resampling(size: int, result: int, mode: str, align: bool = False, scale: float | None = None) -> Array:
    """The matrix (result, size) that resamples one side. `scale`: how far places of the input lie apart."""
    out, step = np.zeros((result, size)), size / result if scale is None else 1 / scale
    for i in range(result):
        if mode in ("nearest", "nearest-exact"):
            out[i, min(math.floor((i + (0.5 if mode == "nearest-exact" else 0)) * step), size - 1)] = 1
            continue
        place = i * (size - 1) / max(result - 1, 1) if align else (i + 0.5) * step - 0.5
        place = max(place, 0.0) if mode == "linear" else place
        low = math.floor(place)
        weights = [1 - (place - low), place - low] if mode == "linear" else cubic(place - low)
        for k, weight in enumerate(weights, low if mode == "linear" else low - 1):
            out[i, min(max(k, 0), size - 1)] += weight
    return out


def resampled(x: Array, sizes: Sequence[int], mode: str, align: bool = False, scale: float | None = None) -> Array:
    """The last dimensions of (N, C, *sides) resampled one after the other."""
    for dim, size in enumerate(sizes, 2):
        matrix = resampling(x.shape[dim], size, mode, align, scale)
        x = np.moveaxis(np.tensordot(matrix, x, (1, dim)), 0, dim)
    return x


def pad(x: Array, widths: Sequence[int], mode: str = "constant", value: float = 0.0) -> Array:
    """Pairs of widths from the last dimension backwards; a negative constant one cuts off."""
    pairs = [(0, 0)] * (x.ndim - len(widths) // 2)
    pairs += [(widths[i], widths[i + 1]) for i in range(len(widths) - 2, -1, -2)]
    cut = tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(pairs, x.shape, strict=True))
    x, pairs = x[cut], [(max(a, 0), max(b, 0)) for a, b in pairs]
    if mode == "constant":
        return np.pad(x, pairs, constant_values=value)
    names: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    return np.pad(x, pairs, mode=names[mode])


def adaptive(x: Array, sizes: Sequence[int], fold: Callable[..., Array]) -> Array:
    """`fold` over nearly equal parts: part i of n reaches from floor(i s / n) to ceil((i + 1) s / n)."""
    out = np.empty((*x.shape[:2], *sizes))
    for place in np.ndindex(*sizes):
        cut = tuple(slice(i * s // n, -(-(i + 1) * s // n)) for i, s, n in zip(place, x.shape[2:], sizes, strict=True))
        out[_last(place)] = fold(x[_last(cut)], tuple(range(2, x.ndim)))
    return out


def pooled(
    x: Array, kernel: int, stride: int, fold: Callable[..., Array], padding: int = 0, fill: float = 0.0
) -> Array:
    """`fold` over windows of equal sides, the sides padded with `fill`."""
    x = np.pad(x, [(0, 0), (0, 0), *[(padding, padding)] * (x.ndim - 2)], constant_values=fill)
    sizes = [(s - kernel) // stride + 1 for s in x.shape[2:]]
    out = np.empty((*x.shape[:2], *sizes))
    for place in np.ndindex(*sizes):
        cut = tuple(slice(i * stride, i * stride + kernel) for i in place)
        out[_last(place)] = fold(x[_last(cut)], tuple(range(2, x.ndim)))
    return out


def unfold(x: Array, kernel: Sequence[int], dilation: int = 1, padding: int = 0, stride: int = 1) -> Array:
    """Windows of (N, C, H, W) as columns (N, C * KH * KW, places), channels outermost."""
    eye = np.eye(x.shape[1] * kernel[0] * kernel[1]).reshape(-1, x.shape[1], *kernel)
    out = conv(x, eye, None, stride, padding, dilation)
    return out.reshape(*out.shape[:2], -1)


def fold(
    x: Array, size: Sequence[int], kernel: Sequence[int], dilation: int = 1, padding: int = 0, stride: int = 1
) -> Array:
    """Columns added back to a plane: the transpose of `unfold`."""
    channels = x.shape[1] // (kernel[0] * kernel[1])
    eye = np.eye(channels * size[0] * size[1]).reshape(-1, channels, *size)
    columns = unfold(eye, kernel, dilation, padding, stride)
    return np.einsum("ekl,nkl->ne", columns, x).reshape(len(x), channels, *size)


def grid_sample(x: Array, grid: Array, align: bool) -> Array:
    """Bilinear samples of (N, C, H, W) at places (N, h, w, 2) of x, y in -1 … 1; zeros outside."""
    n, c, height, width = x.shape
    out = np.zeros((n, c, *grid.shape[1:3]))
    for b, i, j in np.ndindex(n, *grid.shape[1:3]):
        ends = [
            (g + 1) / 2 * (s - 1) if align else ((g + 1) * s - 1) / 2
            for g, s in zip(grid[b, i, j], (width, height), strict=True)
        ]
        left, top = math.floor(ends[0]), math.floor(ends[1])
        for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
            if 0 <= row < height and 0 <= column < width:
                out[b, :, i, j] += x[b, :, row, column] * (1 - abs(ends[1] - row)) * (1 - abs(ends[0] - column))
    return out


def cosine_similarity(x: Array, y: Array, dim: int, eps: float = 1e-8) -> Array:
    sizes = np.maximum(np.linalg.norm(x, axis=dim), eps) * np.maximum(np.linalg.norm(y, axis=dim), eps)
    return (x * y).sum(dim) / sizes


def pairwise_distance(x: Array, y: Array, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Array:
    """The p-norm of x - y + eps over the last dimension."""
    size = np.abs(x - y + eps)
    return size.max(-1, keepdims=keepdim) if math.isinf(p) else (size**p).sum(-1, keepdims=keepdim) ** (1 / p)


def normalized(x: Array, p: float, dim: int, eps: float = 1e-12) -> Array:
    return x / np.maximum((np.abs(x) ** p).sum(dim, keepdims=True) ** (1 / p), eps)

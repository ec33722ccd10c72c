"""Layers from their formulas, in numpy, in the precision of what they are given (float64 in the checks)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray
Pair = tuple[int, int]


def pair(value: int | Pair) -> Pair:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """y = x W^T + b over the last dimension."""
    out = np.einsum("...i,oi->...o", x, weight)
    return out if bias is None else out + bias


def padded(x: Array, padding: Pair, mode: str = "zeros", fill: float = 0.0) -> Array:
    """The last two dimensions padded on both sides."""
    width = [(0, 0)] * (x.ndim - 2) + [(p, p) for p in padding]
    if mode == "zeros":
        return np.pad(x, width, constant_values=fill)
    names: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    return np.pad(x, width, mode=names[mode])


def windows(size: int, kernel: int, stride: int, dilation: int) -> list[list[int]]:
    """For each place of the result, the places of a (padded) side that its window covers."""
    reach = dilation * (kernel - 1) + 1
    return [[start + dilation * k for k in range(kernel)] for start in range(0, size - reach + 1, stride)]


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
    mode: str = "zeros",
) -> Array:
    """Cross-correlation of (N, C, H, W) with (O, C / groups, KH, KW), window by window."""
    stride, dilation = pair(stride), pair(dilation)
    x = padded(x, pair(padding), mode)
    rows = windows(x.shape[2], weight.shape[2], stride[0], dilation[0])
    columns = windows(x.shape[3], weight.shape[3], stride[1], dilation[1])
    out = np.zeros((x.shape[0], weight.shape[0], len(rows), len(columns)), np.result_type(x, weight))
    many, each = weight.shape[1], weight.shape[0] // groups
    for group in range(groups):
        part, filters = x[:, group * many : (group + 1) * many], weight[group * each : (group + 1) * each]
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                patch = part[:, :, row][:, :, :, column]
                out[:, group * each : (group + 1) * each, i, j] = np.einsum("nchw,ochw->no", patch, filters)
    return out if bias is None else out + bias[:, None, None]


def pooled_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil: bool) -> int:
    """The length of a pooled side; with ceil, a last window counts if it starts in the input or left padding."""
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    found = (math.ceil(span / stride) if ceil else span // stride) + 1
    return found - 1 if ceil and (found - 1) * stride >= size + padding else found


def max_pool2d(
    x: Array,
    kernel: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil: bool = False,
) -> tuple[Array, Array]:
    """The largest of each window of (N, C, H, W), and its place in the plane (the first one of equals)."""
    kernel, padding, dilation = pair(kernel), pair(padding), pair(dilation)
    stride = kernel if stride is None else pair(stride)
    sizes = [pooled_size(x.shape[2 + d], kernel[d], stride[d], padding[d], dilation[d], ceil) for d in (0, 1)]
    out = np.empty((*x.shape[:2], *sizes), x.dtype)
    places = np.empty(out.shape, np.int64)
    for i in range(sizes[0]):
        rows = [r for k in range(kernel[0]) if 0 <= (r := i * stride[0] - padding[0] + k * dilation[0]) < x.shape[2]]
        for j in range(sizes[1]):
            columns = [
                c for k in range(kernel[1]) if 0 <= (c := j * stride[1] - padding[1] + k * dilation[1]) < x.shape[3]
            ]
            patch = x[:, :, rows][:, :, :, columns].reshape(*x.shape[:2], -1)
            best = np.argmax(patch, -1)
            out[:, :, i, j] = np.take_along_axis(patch, best[..., None], -1)[..., 0]
            flat = np.array([r * x.shape[3] + c for r in rows for c in columns])
            places[:, :, i, j] = flat[best]
    return out, places


def avg_pool2d(
    x: Array, kernel: int | Pair, stride: int | Pair | None = None, padding: int | Pair = 0, count_pad: bool = True
) -> Array:
    """The mean of each window; padding counts as zeros unless it is left out of the count."""
    kernel, padding = pair(kernel), pair(padding)
    stride = kernel if stride is None else pair(stride)
    sizes = [pooled_size(x.shape[2 + d], kernel[d], stride[d], padding[d], 1, False) for d in (0, 1)]
    out = np.empty((*x.shape[:2], *sizes))
    for i in range(sizes[0]):
        rows = [r for k in range(kernel[0]) if 0 <= (r := i * stride[0] - padding[0] + k) < x.shape[2]]
        for j in range(sizes[1]):
            columns = [c for k in range(kernel[1]) if 0 <= (c := j * stride[1] - padding[1] + k) < x.shape[3]]
            count = kernel[0] * kernel[1] if count_pad else len(rows) * len(columns)
            out[:, :, i, j] = x[:, :, rows][:, :, :, columns].sum((2, 3)) / count
    return out


def adaptive_avg_pool2d(x: Array, size: Pair) -> Array:
    """Means over nearly equal parts: part i of n reaches from floor(i s / n) to ceil((i + 1) s / n)."""
    out = np.empty((*x.shape[:2], *size))
    for i in range(size[0]):
        top, bottom = i * x.shape[2] // size[0], -(-(i + 1) * x.shape[2] // size[0])
        for j in range(size[1]):
            left, right = j * x.shape[3] // size[1], -(-(j + 1) * x.shape[3] // size[1])
            out[:, :, i, j] = x[:, :, top:bottom, left:right].mean((2, 3))
    return out


def batch_norm(x: Array, mean: Array, var: Array, weight: Array | None, bias: Array | None, eps: float) -> Array:
    """(x - mean) / sqrt(var + eps) * weight + bias, channel by channel (dimension 1)."""
    shape = [1, -1] + [1] * (x.ndim - 2)
    out = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps)
    return out if weight is None or bias is None else out * weight.reshape(shape) + bias.reshape(shape)


def batch_moments(x: Array) -> tuple[Array, Array, int]:
    """Mean and biased variance of each channel over all other dimensions, and how many values there are."""
    axes = (0, *range(2, x.ndim))
    return x.mean(axes), x.var(axes), x.size // x.shape[1]


def layer_norm(x: Array, dims: int, weight: Array | None, bias: Array | None, eps: float) -> Array:
    axes = tuple(range(x.ndim - dims, x.ndim))
    out = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)
    return out if weight is None or bias is None else out * weight + bias


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def lstm_layer(x: Array, h: Array, c: Array, w: dict[str, Array], reverse: bool = False) -> tuple[Array, Array, Array]:
    """One direction of one layer over (T, N, I): gates i, f, g, o, in that order of rows."""
    size, out = h.shape[-1], np.empty((*x.shape[:2], h.shape[-1]))
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        gates = linear(x[t], w["weight_ih"], w.get("bias_ih")) + linear(h, w["weight_hh"], w.get("bias_hh"))
        i, f, g, o = (gates[:, k * size : (k + 1) * size] for k in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        out[t] = h = sigmoid(o) * np.tanh(c)
    return out, h, c


def rnn_layer(x: Array, h: Array, w: dict[str, Array]) -> tuple[Array, Array]:
    """tanh(W_ih x + b_ih + W_hh h + b_hh) over (T, N, I)."""
    out = np.empty((*x.shape[:2], h.shape[-1]))
    for t in range(len(x)):
        out[t] = h = np.tanh(
            linear(x[t], w["weight_ih"], w.get("bias_ih")) + linear(h, w["weight_hh"], w.get("bias_hh"))
        )
    return out, h


def softmax(x: Array, dim: int) -> Array:
    shifted = np.exp(x - x.max(dim, keepdims=True))
    return shifted / shifted.sum(dim, keepdims=True)


def log_softmax(x: Array, dim: int) -> Array:
    shifted = x - x.max(dim, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(dim, keepdims=True))


def gelu(x: Array) -> Array:
    return 0.5 * x * (1 + np.vectorize(math.erf, otypes=[np.float64])(x / math.sqrt(2)))


ACTIVATIONS = {
    "relu": lambda x: np.where(np.isnan(x), x, np.maximum(x, 0)),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: (
        1.0507009873554804934193349852946
        * np.where(x > 0, x, 1.6732632423543772848170429916717 * np.expm1(np.minimum(x, 0)))
    ),
    "gelu": gelu,
    "silu": lambda x: x * sigmoid(x),
    "softplus": lambda x: np.where(x > 20, x, np.log1p(np.exp(np.minimum(x, 20)))),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "hardtanh": lambda x: np.clip(x, -1, 1),
    "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hardswish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanhshrink": lambda x: x - np.tanh(x),
    "softshrink": lambda x: np.where(x > 0.5, x - 0.5, np.where(x < -0.5, x + 0.5, 0.0)),
    "hardshrink": lambda x: np.where(np.abs(x) > 0.5, x, 0.0),
    "logsigmoid": lambda x: -np.log1p(np.exp(-np.abs(x))) + np.minimum(x, 0),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)),
}


def reduced(losses: Array, reduction: str) -> Array:
    return {"none": lambda: losses, "sum": lambda: losses.sum(), "mean": lambda: losses.mean()}[reduction]()


def cross_entropy(
    x: Array,
    target: Array,
    weight: Array | None = None,
    ignore: int = -100,
    smoothing: float = 0.0,
    reduction: str = "mean",
) -> Array:
    """Of (N, C, …) scores with class indices (N, …), or with class probabilities in the shape of x.

    The mean of class indices is weighted: the sum of losses over the sum of the weights that count.
    """
    logs, classes = log_softmax(x, 1), x.shape[1]
    w = np.ones(classes) if weight is None else weight
    shape = [1, classes] + [1] * (x.ndim - 2)
    if target.dtype.kind == "f":
        target = target * (1 - smoothing) + smoothing / classes
        losses = -(target * logs * w.reshape(shape)).sum(1)
        return losses.sum() / (losses.size) if reduction == "mean" else reduced(losses, reduction)
    counted = target != ignore
    safe = np.where(counted, target, 0)
    picked = -np.take_along_axis(logs, np.expand_dims(safe, 1), 1).squeeze(1) * w[safe]
    spread = -(logs * w.reshape(shape)).sum(1) / classes
    losses = np.where(counted, (1 - smoothing) * picked + smoothing * spread, 0.0)
    return losses.sum() / (w[safe] * counted).sum() if reduction == "mean" else reduced(losses, reduction)


LOSSES = {
    "mse_loss": lambda x, y: (x - y) ** 2,
    "l1_loss": lambda x, y: np.abs(x - y),
    "smooth_l1_loss": lambda x, y: np.where(np.abs(x - y) < 1, 0.5 * (x - y) ** 2, np.abs(x - y) - 0.5),
    "huber_loss": lambda x, y: np.where(np.abs(x - y) < 1, 0.5 * (x - y) ** 2, np.abs(x - y) - 0.5),
    "binary_cross_entropy": lambda x, y: -(y * np.maximum(np.log(x), -100) + (1 - y) * np.maximum(np.log1p(-x), -100)),
    "binary_cross_entropy_with_logits": lambda x, y: np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x))),
}

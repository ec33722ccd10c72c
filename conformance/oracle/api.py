"""Training by hand, in numpy: a linear model, its losses and gradients, and plain gradient descent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

Batch = tuple[np.ndarray, np.ndarray]


@dataclass
class Linear:
    """Outputs x @ weight.T + bias. `weight`: (classes, features); float64."""

    weight: np.ndarray
    bias: np.ndarray

    def outputs(self, x: np.ndarray) -> np.ndarray:
        return x @ self.weight.T + self.bias

    def copy(self) -> Linear:
        return Linear(self.weight.copy(), self.bias.copy())


def softmax(outputs: np.ndarray) -> np.ndarray:
    """Rows of shares that add up to 1."""
    shifted = np.exp(outputs - outputs.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


def cross_entropy(outputs: np.ndarray, labels: np.ndarray) -> float:
    """The mean of -log softmax at the labels."""
    top = outputs.max(1, keepdims=True)
    log_sum = top[:, 0] + np.log(np.exp(outputs - top).sum(1))
    return float(np.mean(log_sum - outputs[np.arange(len(labels)), labels]))


def cross_entropy_gradient(net: Linear, x: np.ndarray, labels: np.ndarray) -> Linear:
    """The gradient of the mean cross entropy with respect to weight and bias."""
    off = softmax(net.outputs(x))
    off[np.arange(len(labels)), labels] -= 1
    off /= len(labels)
    return Linear(off.T @ x, off.sum(0))


def squared_error_gradient(net: Linear, x: np.ndarray, target: np.ndarray) -> Linear:
    """The gradient of the mean squared error with respect to weight and bias."""
    off = 2 * (net.outputs(x) - target) / target.size
    return Linear(off.T @ x, off.sum(0))


def descend(net: Linear, gradient: Linear, rate: float) -> Linear:
    return Linear(net.weight - rate * gradient.weight, net.bias - rate * gradient.bias)


def pooled(x: np.ndarray, size: tuple[int, int], stride: int, reduce: Callable[..., np.ndarray]) -> np.ndarray:
    """What a reduction makes of every window of the last two dimensions, with a stride and without padding."""
    high, wide = ((x.shape[dim] - side) // stride + 1 for dim, side in zip((2, 3), size, strict=True))
    found = np.empty((*x.shape[:2], high, wide))
    for row in range(high):
        for column in range(wide):
            top, left = row * stride, column * stride
            window = x[:, :, top : top + size[0], left : left + size[1]]
            found[:, :, row, column] = reduce(window, axis=(2, 3))
    return found


def convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A convolution with odd square kernels that keeps the size: zeros around, stride 1."""
    side = weight.shape[-1]
    wide = np.pad(x, ((0, 0), (0, 0), (side // 2,) * 2, (side // 2,) * 2))
    found = np.empty((len(x), len(weight), *x.shape[2:]))
    for row in range(x.shape[2]):
        for column in range(x.shape[3]):
            window = wide[:, None, :, row : row + side, column : column + side]
            found[:, :, row, column] = (window * weight[None]).sum((2, 3, 4)) + bias
    return found


def gelu(x: np.ndarray) -> np.ndarray:
    """x times the share of a standard normal distribution below x."""
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


@dataclass(frozen=True)
class Epoch:
    """What one epoch gives: mean losses and shares of correct predictions of both phases, and the model after it."""

    loss: dict[str, float]
    accuracy: dict[str, float]
    net: Linear


def train(net: Linear, batches: dict[str, Sequence[Batch]], rates: Iterable[float]) -> list[Epoch]:
    """Plain gradient descent over 'train', and a look at 'val' after it, one epoch for each rate."""
    found = []
    for rate in rates:
        loss, accuracy = {}, {}
        for phase in ("train", "val"):
            total, correct, count = 0.0, 0, 0
            for x, labels in batches[phase]:
                outputs = net.outputs(x)
                total += cross_entropy(outputs, labels) * len(x)
                correct += int((outputs.argmax(1) == labels).sum())
                count += len(x)
                if phase == "train":
                    net = descend(net, cross_entropy_gradient(net, x, labels), rate)
            loss[phase], accuracy[phase] = total / count, correct / count
        found.append(Epoch(loss, accuracy, net))
    return found


def best(epochs: Sequence[Epoch]) -> int:
    """The first epoch with the highest accuracy on 'val', if it is above 0; -1 otherwise."""
    top = max(epoch.accuracy["val"] for epoch in epochs)
    return next(place for place, epoch in enumerate(epochs) if epoch.accuracy["val"] == top) if top > 0 else -1


def clusters(seed: int, count: int, spread: float = 1.0, classes: int = 3, features: int = 4) -> Batch:
    """Points around one centre a class, and their classes in turn."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(1234).integers(-3, 4, (classes, features)).astype(float)
    labels = np.arange(count) % classes
    return centres[labels] + spread * generator.standard_normal((count, features)), labels


def cut(data: Batch, size: int) -> list[Batch]:
    """Batches of that size; the last may be smaller."""
    x, labels = data
    return [(x[start : start + size], labels[start : start + size]) for start in range(0, len(x), size)]

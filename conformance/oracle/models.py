"""Whole networks in numpy: the layers that image networks are made of, and resnet18 and VGG's features from them.

With whole numbers as weights every step is exact in float64, so that a network's output can be compared to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

State = Mapping[str, np.ndarray]


def conv2d(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None, stride: int = 1, padding: int = 0
) -> np.ndarray:
    """Cross-correlation of (N, C, H, W) with (K, C, h, w), zero padded."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, height, width, h, w = windows.shape
    rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * height * width, c * h * w)
    out = (rows @ weight.reshape(len(weight), -1).T).reshape(n, height, width, len(weight)).transpose(0, 3, 1, 2)
    return out if bias is None else out + bias.reshape(1, -1, 1, 1)


def relu(x: np.ndarray) -> np.ndarray:
    """The larger of each element and 0."""
    return np.maximum(x, 0)


def max_pool2d(x: np.ndarray, kernel: int, stride: int, padding: int = 0) -> np.ndarray:
    """The largest of each window; what sticks out on the right or below is dropped."""
    edges = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    x = np.pad(x, edges, constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))[:, :, ::stride, ::stride].max(
        (4, 5)
    )


def linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """x W^T + b."""
    return x @ weight.T + bias


def lenet(x: np.ndarray, state: State, *, relu_after_conv: bool = True) -> np.ndarray:
    """Two convolutions with 2x2 pooling, three linear layers: conv1, conv2, fc1, fc2, fc3."""
    for name in ("conv1", "conv2"):
        x = conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"])
        x = max_pool2d(relu(x) if relu_after_conv else x, 2, 2)
    x = x.reshape(len(x), -1)
    for name in ("fc1", "fc2"):
        x = relu(linear(x, state[f"{name}.weight"], state[f"{name}.bias"]))
    return linear(x, state["fc3.weight"], state["fc3.bias"])


def features(x: np.ndarray, state: State, layers: str) -> list[np.ndarray]:
    """The output after every layer of a Sequential: c convolution padded by one, v unpadded, r ReLU, m 2x2 pooling."""
    found = []
    for place, layer in enumerate(layers):
        if layer in "cv":
            x = conv2d(x, state[f"{place}.weight"], state[f"{place}.bias"], padding=1 if layer == "c" else 0)
        else:
            x = relu(x) if layer == "r" else max_pool2d(x, 2, 2)
        found.append(x)
    return found


# VGG19's features: 16 convolutions, each with its ReLU, in blocks of 2, 2, 4, 4, 4.
VGG19_LAYERS = "".join("cr" * count + "m" for count in (2, 2, 4, 4, 4))
VGG19_WIDTHS = (64, 64, 128, 128, *[256] * 4, *[512] * 8)
VGG16_LAYERS = "".join("cr" * count + "m" for count in (2, 2, 3, 3, 3))
VGG16_WIDTHS = (64, 64, 128, 128, *[256] * 3, *[512] * 6)


def vgg_shapes(layers: str, widths: tuple[int, ...]) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the parameters of VGG's features, in order."""
    found: list[tuple[str, tuple[int, ...]]] = []
    places = [place for place, layer in enumerate(layers) if layer == "c"]
    for place, inner, width in zip(places, (3, *widths[:-1]), widths, strict=True):
        found += [(f"{place}.weight", (width, inner, 3, 3)), (f"{place}.bias", (width,))]
    return found


def resnet18(x: np.ndarray, state: State) -> np.ndarray:
    """resnet18 with batch norms that change nothing (mean 0, variance 3/4, weight 1, bias 0, eps 1/4)."""
    x = max_pool2d(relu(conv2d(x, state["conv1.weight"], None, 2, 3)), 3, 2, 1)
    for stage in range(1, 5):
        for block in range(2):
            x = _basic_block(x, state, f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1)
    return linear(x.mean((2, 3)), state["fc.weight"], state["fc.bias"])


def _basic_block(x: np.ndarray, state: State, name: str, stride: int) -> np.ndarray:
    out = relu(conv2d(x, state[f"{name}.conv1.weight"], None, stride, 1))
    out = conv2d(out, state[f"{name}.conv2.weight"], None, 1, 1)
    shortcut = f"{name}.downsample.0.weight"
    return relu(out + (conv2d(x, state[shortcut], None, stride) if shortcut in state else x))


def resnet18_parameters(classes: int = 1000) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of all parameters, in order."""
    found = _conv_and_norm("conv1", "bn1", 64, 3, 7)
    inner = 64
    for stage, width in enumerate((64, 128, 256, 512), start=1):
        for block in range(2):
            name = f"layer{stage}.{block}"
            found += _conv_and_norm(f"{name}.conv1", f"{name}.bn1", width, inner, 3)
            found += _conv_and_norm(f"{name}.conv2", f"{name}.bn2", width, width, 3)
            if block == 0 and stage > 1:
                found += _conv_and_norm(f"{name}.downsample.0", f"{name}.downsample.1", width, inner, 1)
            inner = width
    return [*found, ("fc.weight", (classes, 512)), ("fc.bias", (classes,))]


def _conv_and_norm(conv: str, norm: str, width: int, inner: int, side: int) -> list[tuple[str, tuple[int, ...]]]:
    return [(f"{conv}.weight", (width, inner, side, side)), (f"{norm}.weight", (width,)), (f"{norm}.bias", (width,))]


def sparse(seed: int, shape: tuple[int, ...], each: int = 2) -> np.ndarray:
    """Whole numbers for a weight: in each row (each output) `each` entries of -1, 1 or 2, all else 0; float64."""
    generator = np.random.default_rng(seed)
    rows, width = shape[0], int(np.prod(shape[1:], dtype=np.int64))
    flat = np.zeros((rows, width))
    places = generator.integers(0, width, (rows, each))
    np.put_along_axis(flat, places, generator.choice([1.0, 1.0, -1.0, 2.0], (rows, each)), axis=1)
    return flat.reshape(shape)


def image(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Whole numbers from -3 to 4, as float64."""
    return np.random.default_rng(seed).integers(-3, 5, shape).astype(np.float64)

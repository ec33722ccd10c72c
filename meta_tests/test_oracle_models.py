"""The networks in numpy, checked a second way: loops by definition, and sums by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from conformance.oracle import models as oracle


def slow_conv(x: np.ndarray, weight: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """Each output from the definition, one by one."""
    n, _, high, wide = x.shape
    k, c, h, w = weight.shape
    out = np.zeros((n, k, (high + 2 * padding - h) // stride + 1, (wide + 2 * padding - w) // stride + 1))
    for place in np.ndindex(*out.shape):
        image, kernel, row, column = place
        for channel, dy, dx in itertools.product(range(c), range(h), range(w)):
            y, x_ = row * stride + dy - padding, column * stride + dx - padding
            if 0 <= y < high and 0 <= x_ < wide:
                out[place] += x[image, channel, y, x_] * weight[kernel, channel, dy, dx]
    return out


@pytest.mark.parametrize(
    ("side", "stride", "padding"), [(3, 1, 0), (3, 1, 1), (5, 1, 0), (7, 2, 3), (3, 2, 1), (1, 2, 0)]
)
def test_convolution_by_definition(side: int, stride: int, padding: int) -> None:
    x, weight = oracle.image(1, (2, 3, 9, 8)), oracle.image(2, (4, 3, side, side))
    assert (oracle.conv2d(x, weight, None, stride, padding) == slow_conv(x, weight, stride, padding)).all()
    shifted = oracle.conv2d(x, weight, np.arange(4.0), stride, padding) - slow_conv(x, weight, stride, padding)
    assert (shifted == np.arange(4.0).reshape(1, 4, 1, 1)).all()


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (3, 1, 1)])
def test_pooling_by_definition(kernel: int, stride: int, padding: int) -> None:
    x = oracle.image(3, (2, 2, 7, 9))
    out = oracle.max_pool2d(x, kernel, stride, padding)
    for n, c, row, column in np.ndindex(*out.shape):
        top, left = row * stride - padding, column * stride - padding
        window = x[n, c, max(top, 0) : top + kernel, max(left, 0) : left + kernel]
        assert out[n, c, row, column] == window.max()
    assert out.shape[2:] == tuple((side + 2 * padding - kernel) // stride + 1 for side in (7, 9))


def test_sizes_of_the_published_networks() -> None:
    count = sum(int(np.prod(shape)) for _, shape in oracle.resnet18_parameters())
    assert count == 11689512
    features = sum(int(np.prod(shape)) for _, shape in oracle.vgg_shapes(oracle.VGG19_LAYERS, oracle.VGG19_WIDTHS))
    assert features + sum(n * m + m for n, m in ((25088, 4096), (4096, 4096), (4096, 1000))) == 143667240
    assert (len(oracle.VGG19_LAYERS), len(oracle.VGG16_LAYERS)) == (37, 31)
    assert [oracle.VGG19_LAYERS[place] for place in (6, 20, 29)] == ["r", "r", "r"]


def test_a_block_without_weights_is_its_shortcut() -> None:
    state = {name: np.zeros(shape) for name, shape in oracle.resnet18_parameters(3)}
    state["conv1.weight"][:3, :, 3, 3] = np.eye(3)
    state["fc.bias"] = np.arange(3.0)
    x = np.abs(oracle.image(5, (1, 3, 32, 32)))
    assert (oracle.resnet18(x, state) == np.arange(3.0)).all()  # the second stage's shortcut is zero
    assert (
        oracle._basic_block(
            x, {"b.conv1.weight": np.zeros((3, 3, 3, 3)), "b.conv2.weight": np.zeros((3, 3, 3, 3))}, "b", 1
        )
        == x
    ).all()


def test_weights_are_sparse_and_whole() -> None:
    weight = oracle.sparse(7, (50, 6, 3, 3))
    assert set(np.unique(weight)) <= {-1.0, 0.0, 1.0, 2.0}
    assert ((weight != 0).sum((1, 2, 3)) <= 2).all() and (weight != 0).any((1, 2, 3)).all()

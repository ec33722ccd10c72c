"""Convolutions: cross-correlations with stride, padding, dilation and groups, and the shapes that the notes give."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, require
from conformance.check import check, must_answer
from conformance.oracle import layer as oracle
from conformance.tables.layer_inputs import KINDS, close, normal, put, weights_of
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts

pytestmark = must_answer


# (channels in, out, kernel, further arguments, input size)
CONVOLUTIONS = (
    (1, 6, 5, {}, (9, 8)),
    (3, 4, 3, {"padding": 1}, (6, 7)),
    (3, 4, 3, {"stride": 2}, (9, 8)),
    (2, 4, (3, 2), {"stride": (2, 1), "padding": (1, 0)}, (7, 6)),
    (2, 3, 3, {"dilation": 2}, (9, 8)),
    (4, 6, 3, {"groups": 2}, (6, 6)),
    (4, 4, 3, {"groups": 4, "padding": 1}, (5, 5)),
    (2, 3, 1, {}, (4, 5)),
    (2, 3, 3, {"bias": False}, (5, 5)),
    (4, 8, (1, 3), {"groups": 2, "stride": 3, "padding": 2, "dilation": (1, 2)}, (8, 9)),
    (2, 5, 4, {"padding": 2}, (6, 6)),
    (17, 18, 3, {"padding": 1}, (5, 19)),
    (3, 2, (5, 4), {"stride": (1, 2), "dilation": (2, 1), "padding": (3, 1)}, (11, 9)),
)


def convolution(subject, row, dtype, **more):
    n_in, n_out, kernel, options, size = row
    layer = nn.Conv2d(n_in, n_out, kernel, **{**options, **more}).to(subject.device, host.torch_dtype(dtype))
    put(layer, weight=normal(1, tuple(layer.weight.shape), dtype))
    if layer.bias is not None:
        put(layer, bias=normal(2, (n_out,), dtype))
    formula = {key: value for key, value in options.items() if key != "bias"}
    return layer, formula, size


@check("layer.conv2d-values")
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("row", CONVOLUTIONS, ids=lambda row: f"{row[0]}-{row[1]}-{row[2]}-{row[3]}")
def test_conv2d_is_a_cross_correlation(subject, row, dtype):
    layer, formula, size = convolution(subject, row, dtype)
    weight, bias = weights_of(layer)
    for recipe in layouts(normal(3, (2, row[0], *size), dtype), dtype, LAYOUTS):
        x = recipe.on(subject)
        before = Unchanged(x=x, weight=layer.weight)
        array = recipe.array.astype(np.float64)
        wanted = oracle.conv2d(array, weight, bias, **formula)
        scale = oracle.conv2d(np.abs(array), np.abs(weight), **formula) + 5
        for call, out in (
            ("Conv2d", layer(x)),
            (
                "F.conv2d",
                F.conv2d(x, layer.weight, layer.bias, layer.stride, layer.padding, layer.dilation, layer.groups),
            ),
        ):
            close(f"{call} {row[3]} of strides {recipe.strides}", out, wanted, weight[0].size, dtype, scale)
        before.check("Conv2d")


@check("layer.conv2d-values")
def test_conv2d_gradients(subject):
    """A convolution is linear in input and weight: its gradients are the convolutions of unit vectors."""
    for row in CONVOLUTIONS[:11]:
        layer, formula, size = convolution(subject, row, "float64")
        weight, _ = weights_of(layer)
        shape = (1, row[0], *size)
        x = contiguous(normal(3, shape), "float64").on(subject).requires_grad_()
        out = layer(x)
        v = normal(4, tuple(out.shape))
        out.backward(contiguous(v, "float64").on(subject))
        units = np.eye(int(np.prod(shape))).reshape(-1, *shape[1:])
        close(
            f"the gradient of {row} by its input",
            x.grad,
            (oracle.conv2d(units, weight, **formula) * v).sum((1, 2, 3)).reshape(shape),
            200,
            "float64",
            60.0,
        )
        units = np.eye(weight.size).reshape(-1, *weight.shape)
        array = host.array(x)
        wanted = np.array([(oracle.conv2d(array, unit, **formula) * v).sum() for unit in units]).reshape(weight.shape)
        close(f"the gradient of {row} by its weight", layer.weight.grad, wanted, 200, "float64", 60.0)
        if layer.bias is not None:
            close(f"the gradient of {row} by its bias", layer.bias.grad, v.sum((0, 2, 3)), 200, "float64", 60.0)


@check("layer.conv2d-padding-modes")
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_padding_modes(subject, mode):
    for row in (
        (2, 3, 3, {"padding": 1}, (5, 6)),
        (2, 3, 3, {"padding": (2, 1)}, (6, 5)),
        (1, 1, 5, {"padding": 2, "stride": 2}, (7, 7)),
    ):
        layer, formula, size = convolution(subject, row, "float64", padding_mode=mode)
        weight, bias = weights_of(layer)
        for recipe in layouts(normal(3, (2, row[0], *size)), "float64", DENSE):
            wanted = oracle.conv2d(recipe.array, weight, bias, **formula, mode=mode)
            close(f"Conv2d({row[3]}, padding_mode={mode!r})", layer(recipe.on(subject)), wanted, 60, "float64", 60.0)


@check("layer.conv2d-arguments")
def test_conv2d_takes_channels_and_kernel(subject):
    for layer in (nn.Conv2d(1, 6, 5), nn.Conv2d(in_channels=1, out_channels=6, kernel_size=5)):
        require(
            tuple(layer.weight.shape) == (6, 1, 5, 5),
            "the weight of Conv2d(1, 6, 5)",
            (6, 1, 5, 5),
            tuple(layer.weight.shape),
        )
        require(tuple(layer.bias.shape) == (6,), "the bias of Conv2d(1, 6, 5)", (6,), tuple(layer.bias.shape))
        require(
            layer.stride == (1, 1) and layer.padding == (0, 0) and layer.dilation == (1, 1) and layer.groups == 1,
            "the defaults of Conv2d",
        )
        out = layer.to(subject.device)(torch.ones(2, 1, 9, 8, device=subject.device))
        require(tuple(out.shape) == (2, 6, 5, 4), "the shape of Conv2d(1, 6, 5)", (2, 6, 5, 4), tuple(out.shape))
    require(
        repr(nn.Conv2d(1, 6, 5)) == "Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))",
        "the repr of Conv2d",
        None,
        repr(nn.Conv2d(1, 6, 5)),
    )
    for bad in ({"groups": 2}, {"padding_mode": "mirror"}, {"groups": 0}):
        assert_raises(f"Conv2d(3, 4, 3, {bad})", ValueError, lambda bad=bad: nn.Conv2d(3, 4, 3, **bad))


@check("layer.out-channels-is-filters")
def test_each_filter_makes_a_channel(subject):
    layer = nn.Conv2d(2, 3, 3).to(subject.device).double()
    x = contiguous(normal(1, (1, 2, 6, 6)), "float64").on(subject)
    before = host.array(layer(x))
    with torch.no_grad():
        layer.weight[1] += 1
    after = host.array(layer(x))
    require(
        (before[:, [0, 2]] == after[:, [0, 2]]).all() and (before[:, 1] != after[:, 1]).all(),
        "a filter reaches another channel",
    )


@check("layer.in-channels-is-height")
def test_in_channels_counts_channels(subject):
    layer = nn.Conv2d(1, 16, 5, padding=2).to(subject.device)
    for size in ((50, 60), (5, 7), (28, 28)):
        assert_tensor(
            "Conv2d(1, 16, 5)", layer(torch.ones(1, 1, *size, device=subject.device)), "float32", (1, 16, *size)
        )
    assert_raises(
        "three channels for one", RuntimeError, lambda: layer(torch.ones(1, 3, 28, 28, device=subject.device))
    )


@check("layer.conv-stride")
def test_stride_is_the_step_of_the_filter(subject):
    dense, stepping = (
        nn.Conv2d(1, 2, 3).double().to(subject.device),
        nn.Conv2d(1, 2, 3, stride=(2, 3)).double().to(subject.device),
    )
    stepping.load_state_dict(dense.state_dict())
    x = contiguous(normal(1, (2, 1, 12, 13)), "float64").on(subject)
    close("a stepping filter", stepping(x), host.array(dense(x))[:, :, ::2, ::3], 9, "float64", 20.0)


@check("layer.same-padding")
def test_padding_that_keeps_the_size(subject):
    for kernel in (1, 3, 5, 7):
        for padding in ((kernel - 1) // 2, "same"):
            layer = nn.Conv2d(1, 1, kernel, padding=padding).to(subject.device)
            assert_tensor(
                f"kernel {kernel}, padding {padding}",
                layer(torch.ones(1, 1, 9, 12, device=subject.device)),
                "float32",
                (1, 1, 9, 12),
            )
    assert_tensor(
        "kernel 4, padding 1",
        nn.Conv2d(1, 1, 4, padding=1).to(subject.device)(torch.ones(1, 1, 9, 12, device=subject.device)),
        "float32",
        (1, 1, 8, 11),
    )
    even = nn.Conv2d(1, 1, 4, padding="same", bias=False).double().to(subject.device)
    x = normal(1, (1, 1, 6, 7))
    wanted = oracle.conv2d(np.pad(x, ((0, 0), (0, 0), (1, 2), (1, 2))), host.array(even.weight))
    close("padding='same' of an even kernel", even(contiguous(x, "float64").on(subject)), wanted, 16, "float64", 20.0)
    assert_raises(
        "a padding of 2.0", TypeError, lambda: nn.Conv2d(1, 1, 5, padding=(5 - 1) / 2)(torch.ones(1, 1, 9, 9))
    )

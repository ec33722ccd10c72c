"""Layers against their formulas: values, shapes, layouts, batched and single input, gradients by linearity."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED, EXACT, INNER
from conformance.oracle import layer as oracle
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts
from properties.strategies.values import interesting, random_normal, rounded

pytestmark = must_answer

KINDS = ("float64", "float32")


def put(module, **values):
    """Write values into parameters and buffers."""
    with torch.no_grad():
        for name, value in values.items():
            target = getattr(module, name)
            target.copy_(host.tensor(value, host.dtype_name(target.dtype), str(target.device)))
    return module


def normal(seed, shape, dtype="float64"):
    return random_normal(seed, dtype, shape).astype(np.float64)


def close(call, out, wanted, terms, dtype, scale=None):
    """An inner product of some length, and a little more for what is done to it."""
    size = np.abs(wanted) + 1 if scale is None else scale
    assert_values(call, out, wanted, INNER.over(4 * terms + 16), size, dtype=dtype)


@check("layer.linear-affine")
@pytest.mark.parametrize("dtype", KINDS)
def test_linear_is_affine(subject, dtype):
    for n_in, n_out in ((3, 5), (1, 1), (17, 33), (33, 4), (0, 3)):
        weight, bias = normal(1, (n_out, n_in), dtype), normal(2, (n_out,), dtype)
        for bare in (False, True):
            layer = put(
                nn.Linear(n_in, n_out, bias=not bare).to(subject.device, host.torch_dtype(dtype)),
                weight=weight,
                **({} if bare else {"bias": bias}),
            )
            require((layer.bias is None) == bare, "Linear(bias=False) has a bias")
            for shape in ((n_in,), (4, n_in), (2, 3, n_in), (0, n_in), (20, n_in)):
                for recipe in layouts(normal(3, shape, dtype), dtype, LAYOUTS):
                    x = recipe.on(subject)
                    before = Unchanged(x=x, weight=layer.weight)
                    wanted = oracle.linear(recipe.array.astype(np.float64), weight, None if bare else bias)
                    size = oracle.linear(np.abs(recipe.array.astype(np.float64)), np.abs(weight)) + 5
                    for call, out in (("Linear", layer(x)), ("F.linear", F.linear(x, layer.weight, layer.bias))):
                        close(f"{call}({n_in}, {n_out}) of strides {recipe.strides}", out, wanted, n_in, dtype, size)
                    before.check("Linear")
    layer = nn.Linear(3, 5).to(subject.device)
    require(
        tuple(layer.weight.shape) == (5, 3) and tuple(layer.bias.shape) == (5,), "the weight of Linear is not (out, in)"
    )
    assert_raises("Linear of other features", RuntimeError, lambda: layer(torch.ones(2, 4, device=subject.device)))


# (channels in, out, kernel, further arguments, input size)
CONVOLUTIONS = (
    (1, 6, 5, {}, (9, 8)), (3, 4, 3, {"padding": 1}, (6, 7)), (3, 4, 3, {"stride": 2}, (9, 8)), (2, 4, (3, 2), {"stride": (2, 1), "padding": (1, 0)}, (7, 6)),
    (2, 3, 3, {"dilation": 2}, (9, 8)), (4, 6, 3, {"groups": 2}, (6, 6)), (4, 4, 3, {"groups": 4, "padding": 1}, (5, 5)), (2, 3, 1, {}, (4, 5)),
    (2, 3, 3, {"bias": False}, (5, 5)), (4, 8, (1, 3), {"groups": 2, "stride": 3, "padding": 2, "dilation": (1, 2)}, (8, 9)), (2, 5, 4, {"padding": 2}, (6, 6)),
    (17, 18, 3, {"padding": 1}, (5, 19)), (3, 2, (5, 4), {"stride": (1, 2), "dilation": (2, 1), "padding": (3, 1)}, (11, 9)),
)  # fmt: skip


def convolution(subject, row, dtype, **more):
    n_in, n_out, kernel, options, size = row
    layer = nn.Conv2d(n_in, n_out, kernel, **{**options, **more}).to(subject.device, host.torch_dtype(dtype))
    put(layer, weight=normal(1, tuple(layer.weight.shape), dtype))
    if layer.bias is not None:
        put(layer, bias=normal(2, (n_out,), dtype))
    formula = {key: value for key, value in options.items() if key != "bias"}
    return layer, formula, size


def weights_of(layer):
    bias = None if layer.bias is None else host.array(layer.bias).astype(np.float64)
    return host.array(layer.weight).astype(np.float64), bias


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


@check("layer.cnn-block-shapes")
def test_the_shapes_of_the_notes_block(subject):
    block = nn.Sequential(nn.Conv2d(1, 16, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(2)).to(subject.device)
    x = torch.ones(4, 1, 28, 28, device=subject.device)
    assert_tensor("the convolution", block[0](x), "float32", (4, 16, 28, 28))
    assert_tensor("the block", block(x), "float32", (4, 16, 14, 14))


@check("layer.conv-relu-pool-order")
def test_relu_and_max_pooling_commute(subject):
    x = contiguous(normal(1, (2, 3, 7, 8)), "float64").on(subject)
    assert_values("max_pool(relu(x))", F.max_pool2d(F.relu(x), 2), host.array(F.relu(F.max_pool2d(x, 2))))
    assert_values(
        "relu(max_pool(x))", F.relu(F.max_pool2d(x, 2)), np.maximum(oracle.max_pool2d(host.array(x), 2)[0], 0)
    )


@check("layer.batched-input-only")
def test_layers_take_a_single_sample(subject):
    x = contiguous(normal(1, (2, 9, 8)), "float64").on(subject)
    for layer in (nn.Conv2d(2, 3, 3), nn.MaxPool2d(2), nn.AvgPool2d(2), nn.ReLU(), nn.Linear(8, 3)):
        layer = layer.double().to(subject.device)
        wanted = host.array(layer(x.unsqueeze(0)))[0]
        close(f"{layer} of one sample", layer(x), wanted, 20, "float64", 20.0)
    lstm = nn.LSTM(4, 5).double().to(subject.device)
    steps = contiguous(normal(2, (6, 4)), "float64").on(subject)
    close("an LSTM of one sequence", lstm(steps)[0], host.array(lstm(steps.unsqueeze(1))[0])[:, 0], 20, "float64", 2.0)
    assert_raises("BatchNorm2d of one sample", ValueError, lambda: nn.BatchNorm2d(2).double().to(subject.device)(x))


@check("layer.single-sample-by-unsqueeze")
def test_unsqueeze_makes_a_batch_of_one(subject):
    x = contiguous(normal(1, (2, 9, 8)), "float64").on(subject)
    batch = x.unsqueeze(0)
    assert_tensor("unsqueeze(0)", batch, "float64", (1, 2, 9, 8))
    layer = nn.Conv2d(2, 3, 3).double().to(subject.device)
    wanted = oracle.conv2d(host.array(x)[None], *weights_of(layer))
    close("a batch of one", layer(batch), wanted, 18, "float64", 20.0)
    norm = nn.BatchNorm2d(2).double().to(subject.device)
    assert_tensor("BatchNorm2d of a batch of one", norm(batch), "float64", (1, 2, 9, 8))


@check("layer.flatten")
def test_flatten_keeps_the_batch(subject):
    for recipe in layouts(normal(1, (2, 3, 4, 5)), "float64", LAYOUTS):
        x = recipe.on(subject)
        for layer, shape in (
            (nn.Flatten(), (2, 60)),
            (nn.Flatten(0), (120,)),
            (nn.Flatten(1, 2), (2, 12, 5)),
            (nn.Flatten(-2), (2, 3, 20)),
            (nn.Flatten(2, -1), (2, 3, 20)),
        ):
            assert_values(
                f"{layer} of strides {recipe.strides}", layer(x), recipe.array.reshape(shape), dtype="float64"
            )
        assert_values("Unflatten", nn.Unflatten(1, (3, 1))(x), recipe.array.reshape(2, 3, 1, 4, 5))


@check("layer.embedding")
def test_embedding_looks_rows_up(subject):
    weight = normal(1, (7, 3))
    for padding in (None, 2, -1):
        layer = put(nn.Embedding(7, 3, padding_idx=padding).double().to(subject.device), weight=weight)
        for shape in ((), (4,), (2, 3), (0,), (40,)):
            indices = np.arange(int(np.prod(shape))).reshape(shape) * 3 % 7
            for recipe in layouts(indices, "int64", LAYOUTS):
                assert_values(
                    f"Embedding of strides {recipe.strides}",
                    layer(recipe.on(subject)),
                    weight[recipe.array],
                    EXACT,
                    dtype="float64",
                )
        layer.zero_grad()
        layer(torch.tensor([2, 2, 6, 0], device=subject.device)).sum().backward()
        wanted = np.zeros((7, 3))
        wanted[[0, 6]], wanted[2] = 1, 2
        if padding is not None:
            wanted[padding] = 0
        assert_values(f"the gradient of Embedding(padding_idx={padding})", layer.weight.grad, wanted)
    assert_raises("an index beyond the table", IndexError, lambda: layer(torch.tensor([7], device=subject.device)))


# float16 is not implemented on the CPU before 2.1.
RELU_ROWS = [
    pytest.param(dtype, marks=check("layer.relu", since="2.3" if dtype == "float16" else None))
    for dtype in ("float32", "float64", "bfloat16", "float16", "int64")
]


@pytest.mark.parametrize("dtype", RELU_ROWS)
def test_relu_is_the_positive_part(subject, dtype):
    subject.require(dtype)
    table = interesting(dtype)
    for values in (table, np.resize(table, (5, 33)), np.resize(table, (3, 4, 2, 5)), table[:1].reshape(())):
        for recipe in layouts(values, dtype, LAYOUTS):
            wanted = np.where(recipe.array != recipe.array, recipe.array, np.maximum(recipe.array, 0))
            for call, relu in (
                ("ReLU()", lambda x: nn.ReLU()(x)),
                ("F.relu", lambda x: F.relu(x)),
                ("torch.relu", lambda x: torch.relu(x)),
                ("x.relu()", lambda x: x.relu()),
            ):
                x = recipe.on(subject)
                before = Unchanged(x=x)
                assert_values(f"{call} of {dtype}, strides {recipe.strides}", relu(x), wanted, dtype=dtype)
                before.check(call)
            if not recipe.is_overlapping:
                for call, relu in (
                    ("ReLU(inplace=True)", lambda x: nn.ReLU(inplace=True)(x)),
                    ("relu_", lambda x: torch.relu_(x)),
                    ("F.relu(inplace=True)", lambda x: F.relu(x, inplace=True)),
                ):
                    x = recipe.on(subject)
                    require(relu(x) is x, f"{call} returns another tensor")
                    assert_values(call, x, wanted, dtype=dtype)
    require(repr(nn.ReLU()) == "ReLU()", "the repr of ReLU", "ReLU()", repr(nn.ReLU()))


@check("layer.torch-relu")
def test_the_relus_agree(subject):
    x = contiguous(normal(1, (40,)), "float64").on(subject).requires_grad_()
    for relu in (torch.relu, F.relu, nn.ReLU()):
        x.grad = None
        out = relu(x)
        assert_values("relu", out, np.maximum(host.array(x), 0))
        out.sum().backward()
        assert_values("the gradient of relu", x.grad, (host.array(x) > 0).astype(float))


@check("layer.activations")
@pytest.mark.parametrize("name", oracle.ACTIVATIONS)
def test_an_activation_is_its_formula(subject, name):
    x = np.concatenate([np.linspace(-8, 8, 81), [0.0, -0.5, 0.5, 6.0, -3.0, 3.0, 1e-9, -1e-9, 12.0, 19.0, 25.0, -25.0]])
    for dtype in KINDS:
        values = rounded(x, dtype)
        for shaped in (values, values[:90].reshape(5, 18), values[:60].reshape(3, 4, 5)):
            for recipe in layouts(shaped, dtype, DENSE):
                given = recipe.on(subject)
                before = Unchanged(x=given)
                function = getattr(F, name, None) or getattr(torch, name)
                # exp(x) - 1 as documented, and x / (1 + |x|), cost roundings on the scale of 1; the others on that of x.
                assert_values(
                    f"{name} of {dtype}, strides {recipe.strides}",
                    function(given),
                    oracle.ACTIVATIONS[name](recipe.array.astype(np.float64)),
                    INNER.over(24),
                    1.0 if name in ("softsign", "elu", "selu") else np.abs(recipe.array) + 1e-30,
                    dtype=dtype,
                )
                before.check(name)


@check("layer.softmax")
@pytest.mark.parametrize("dtype", KINDS)
def test_softmax_along_a_dimension(subject, dtype):
    for shape in ((5,), (3, 4), (2, 3, 4), (4, 33), (33, 4), (1, 1), (2, 0)):
        for recipe in layouts(normal(1, shape, dtype) * 3, dtype, LAYOUTS):
            for dim in range(-len(shape), len(shape)):
                if shape[dim] == 0:
                    continue
                x = recipe.array.astype(np.float64)
                for name, form in (("softmax", oracle.softmax), ("log_softmax", oracle.log_softmax)):
                    wanted = form(x, dim)
                    module = {"softmax": nn.Softmax, "log_softmax": nn.LogSoftmax}[name](dim)
                    for call, out in (
                        (f"F.{name}", getattr(F, name)(recipe.on(subject), dim)),
                        (f"x.{name}", getattr(recipe.on(subject), name)(dim)),
                        (f"{module}", module(recipe.on(subject))),
                    ):
                        size = np.abs(wanted) + (np.abs(x).max(initial=0) + 1) * (wanted if name == "softmax" else 1)
                        assert_values(
                            f"{call}(dim={dim}) of {dtype} {shape}",
                            out,
                            wanted,
                            INNER.over(shape[dim] + 16),
                            size,
                            dtype=dtype,
                        )
    large = torch.tensor([1000.0, 1000.0, -1000.0], dtype=host.torch_dtype(dtype), device=subject.device)
    assert_values("softmax of large values", torch.softmax(large, 0), np.array([0.5, 0.5, 0.0]))
    assert_values(
        "log_softmax of large values",
        torch.log_softmax(large, 0),
        np.array([-np.log(2), -np.log(2), -2000 - np.log(2)]),
        COMPOSED,
    )


@check("layer.layer-norm")
@pytest.mark.parametrize("dtype", KINDS)
def test_layer_norm(subject, dtype):
    for shape, dims in (((4, 5), 1), ((2, 3, 4), 2), ((3, 33), 1), ((6,), 1)):
        weight, bias = normal(1, shape[-dims:], dtype), normal(2, shape[-dims:], dtype)
        layer = put(
            nn.LayerNorm(shape[-dims:], eps=1e-3).to(subject.device, host.torch_dtype(dtype)), weight=weight, bias=bias
        )
        for recipe in layouts(normal(3, shape, dtype), dtype, DENSE):
            wanted = oracle.layer_norm(recipe.array.astype(np.float64), dims, weight, bias, 1e-3)
            close(
                f"LayerNorm of strides {recipe.strides}",
                layer(recipe.on(subject)),
                wanted,
                60,
                dtype,
                np.abs(wanted) + 30,
            )

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
from conformance.numerics import EXACT
from conformance.oracle import layer as oracle
from conformance.tables.layer_inputs import KINDS, close, normal, put, weights_of
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts

pytestmark = must_answer


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

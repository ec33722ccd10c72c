"""Activations: the positive part, the formulas, and softmax along a dimension."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED, INNER
from conformance.oracle import layer as oracle
from conformance.tables.layer_inputs import KINDS, normal
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts
from properties.strategies.values import interesting, rounded

pytestmark = must_answer


# float16 is not implemented on the CPU before 2.1.
RELU_ROWS = [
    pytest.param(dtype, marks=check("layer.relu", since="2.3" if dtype == "float16" else None))
    for dtype in ("float32", "float64", "bfloat16", "float16", "int64")
]


RELUS = (
    ("ReLU()", lambda x: nn.ReLU()(x)),
    ("F.relu", lambda x: F.relu(x)),
    ("torch.relu", lambda x: torch.relu(x)),
    ("x.relu()", lambda x: x.relu()),
)
RELUS_IN_PLACE = (
    ("ReLU(inplace=True)", lambda x: nn.ReLU(inplace=True)(x)),
    ("relu_", lambda x: torch.relu_(x)),
    ("F.relu(inplace=True)", lambda x: F.relu(x, inplace=True)),
)


@pytest.mark.parametrize("dtype", RELU_ROWS)
def test_relu_is_the_positive_part(subject, dtype):
    subject.require(dtype)
    table = interesting(dtype)
    for values in (table, np.resize(table, (5, 33)), np.resize(table, (3, 4, 2, 5)), table[:1].reshape(())):
        for recipe in layouts(values, dtype, LAYOUTS):
            wanted = np.where(recipe.array != recipe.array, recipe.array, np.maximum(recipe.array, 0))
            for call, relu in RELUS:
                x = recipe.on(subject)
                before = Unchanged(x=x)
                assert_values(f"{call} of {dtype}, strides {recipe.strides}", relu(x), wanted, dtype=dtype)
                before.check(call)
            for call, relu in () if recipe.is_overlapping else RELUS_IN_PLACE:
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
                # exp(x) - 1 and x / (1 + |x|) cost roundings on the scale of 1; the others on that of x.
                assert_values(
                    f"{name} of {dtype}, strides {recipe.strides}",
                    function(given),
                    oracle.ACTIVATIONS[name](recipe.array.astype(np.float64)),
                    INNER.over(24),
                    1.0 if name in ("softsign", "elu", "selu") else np.abs(recipe.array) + 1e-30,
                    dtype=dtype,
                )
                before.check(name)


SOFTMAXES = {"softmax": (nn.Softmax, oracle.softmax), "log_softmax": (nn.LogSoftmax, oracle.log_softmax)}


def softmaxes(subject, name, recipe, dim):
    """Every form of softmax or log_softmax over one dimension: how it is written, and what it gives."""
    yield f"F.{name}", getattr(F, name)(recipe.on(subject), dim)
    yield f"torch.{name}", getattr(torch, name)(recipe.on(subject), dim=dim)
    yield f"x.{name}", getattr(recipe.on(subject), name)(dim)
    module = SOFTMAXES[name][0](dim)
    yield str(module), module(recipe.on(subject))


@check("layer.softmax")
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("name", SOFTMAXES)
def test_softmax_along_a_dimension(subject, name, dtype):
    for shape in ((5,), (3, 4), (2, 3, 4), (4, 33), (33, 4), (1, 1)):
        for recipe in layouts(normal(1, shape, dtype) * 3, dtype, LAYOUTS):
            for dim in range(-len(shape), len(shape)):
                x = recipe.array.astype(np.float64)
                wanted = SOFTMAXES[name][1](x, dim)
                size = np.abs(wanted) + (np.abs(x).max() + 1) * (wanted if name == "softmax" else 1)
                for call, out in softmaxes(subject, name, recipe, dim):
                    text = f"{call}(dim={dim}) of {dtype} {shape}, strides {recipe.strides}"
                    assert_values(text, out, wanted, INNER.over(shape[dim] + 16), size, dtype=dtype)


@check("layer.softmax")
@pytest.mark.parametrize("dtype", KINDS)
def test_softmax_of_nothing_and_of_large_values(subject, dtype):
    for name in SOFTMAXES:
        for call, out in softmaxes(subject, name, contiguous(np.zeros((2, 0)), dtype), 1):
            assert_values(f"{call} of nothing", out, np.zeros((2, 0)), dtype=dtype)
    large = contiguous(np.array([1000.0, 1000.0, -1000.0]), dtype)
    for call, out in softmaxes(subject, "softmax", large, 0):
        assert_values(f"{call} of large values", out, np.array([0.5, 0.5, 0.0]))
    logs = np.array([-np.log(2), -np.log(2), -2000 - np.log(2)])
    for call, out in softmaxes(subject, "log_softmax", large, 0):
        assert_values(f"{call} of large values", out, logs, COMPOSED)

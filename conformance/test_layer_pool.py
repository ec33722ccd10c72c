"""Pooling: the largest and the mean of each window."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as oracle
from conformance.tables.layer_inputs import KINDS, normal
from properties.strategies.recipe import LAYOUTS, contiguous, layouts

pytestmark = must_answer
POOLS = (
    ((2, 2), {}),
    ((3, 3), {"stride": (2, 2)}),
    ((3, 2), {"stride": (2, 1), "padding": (1, 1)}),
    ((2, 2), {"dilation": (2, 2), "stride": (1, 1)}),
    ((3, 3), {"stride": (2, 2), "ceil": True}),
    ((2, 2), {"ceil": True}),
    ((3, 3), {"stride": (3, 3), "padding": (1, 1), "ceil": True}),
    ((2, 3), {"stride": (3, 2), "padding": (1, 1), "ceil": True}),
    ((1, 4), {"stride": (2, 3)}),
)


def planes():
    """Values with ties, and without; odd and even sizes."""
    generator = np.random.default_rng(0)
    yield generator.standard_normal((2, 3, 7, 8))
    yield generator.integers(-2, 3, (2, 2, 9, 6)).astype(float)
    yield -np.abs(generator.standard_normal((1, 1, 13, 20)))
    yield np.zeros((1, 2, 6, 6))


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize(
    "kernel, options", [pytest.param(k, o, marks=check("layer.maxpool"), id=f"{k}-{o}") for k, o in POOLS]
)
def test_max_pooling(subject, kernel, options, dtype):
    named = {("ceil_mode" if key == "ceil" else key): value for key, value in options.items()}
    for values in planes():
        for recipe in layouts(values, dtype, LAYOUTS):
            x = recipe.on(subject)
            before = Unchanged(x=x)
            wanted, places = oracle.max_pool2d(recipe.array, kernel, **options)
            call = f"max_pool2d({kernel}, {options}) of strides {recipe.strides}"
            assert_values(call, F.max_pool2d(x, kernel, **named), wanted, dtype=dtype)
            assert_values(f"MaxPool2d: {call}", nn.MaxPool2d(kernel, **named)(x), wanted, dtype=dtype)
            out, found = nn.MaxPool2d(kernel, **named, return_indices=True)(x)
            assert_values(f"{call}, with indices", out, wanted, dtype=dtype)
            assert_values(f"the indices of {call}", found, places, dtype="int64")
            before.check(call)


@check("layer.maxpool")
def test_the_gradient_of_max_pooling_goes_to_the_largest(subject):
    for values in planes():
        for kernel, options in POOLS:
            named = {("ceil_mode" if key == "ceil" else key): value for key, value in options.items()}
            x = contiguous(values, "float64").on(subject).requires_grad_()
            out = F.max_pool2d(x, kernel, **named)
            v = normal(3, tuple(out.shape))
            out.backward(contiguous(v, "float64").on(subject))
            _, places = oracle.max_pool2d(values, kernel, **options)
            wanted = np.zeros(values.shape)
            for n in range(values.shape[0]):
                for c in range(values.shape[1]):
                    np.add.at(wanted[n, c].reshape(-1), places[n, c].ravel(), v[n, c].ravel())
            assert_values(f"the gradient of max_pool2d({kernel}, {options})", x.grad, wanted, INNER.over(12), 10.0)


@check("layer.maxpool")
def test_max_pooling_of_nan_and_infinities(subject):
    values = np.array([[1.0, np.nan, 3.0, -np.inf], [2.0, 0.0, -np.inf, -np.inf]])[None, None]
    assert_values(
        "max_pool2d with NaN", F.max_pool2d(contiguous(values, "float32").on(subject), 2), np.array([[[[np.nan, 3.0]]]])
    )
    assert_values(
        "max_pool2d of -inf",
        F.max_pool2d(torch.full((1, 1, 2, 2), float("-inf"), device=subject.device), 2),
        np.full((1, 1, 1, 1), -np.inf),
    )


@check("layer.maxpool-halves")
def test_a_window_of_two_halves_the_sides(subject):
    for size, half in ((4, 2), (13, 6), (28, 14), (5, 2), (2, 1)):
        x = contiguous(normal(size, (1, 1, size, size)), "float64").on(subject)
        assert_values(f"max_pool2d of side {size}", F.max_pool2d(x, 2), oracle.max_pool2d(host.array(x), 2)[0])
        require(
            F.max_pool2d(x, 2).shape[-1] == half,
            f"the side of max_pool2d of {size}",
            half,
            F.max_pool2d(x, 2).shape[-1],
        )


@check("layer.maxpool-module-arguments")
def test_maxpool_prints_its_arguments(subject):
    layer = nn.MaxPool2d(2, 2)
    require(layer.kernel_size == 2 and layer.stride == 2, "MaxPool2d(2, 2) has other arguments")
    wanted = "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"
    require(repr(layer) == wanted, "the repr of MaxPool2d", wanted, repr(layer))
    require(nn.MaxPool2d(3).stride == 3, "the default stride is not the window", 3, nn.MaxPool2d(3).stride)
    x = torch.ones(1, 1, 6, 6, device=subject.device)
    assert_raises("a padding of more than half the window", RuntimeError, lambda: F.max_pool2d(x, 2, padding=2))


@check("layer.maxpool-tuple-or-int")
def test_a_number_stands_for_a_square(subject):
    x = contiguous(normal(1, (2, 3, 9, 8)), "float64").on(subject)
    for size in (1, 2, 3):
        assert_values(f"max_pool2d(x, {size})", F.max_pool2d(x, size), host.array(F.max_pool2d(x, (size, size))))
        assert_values(
            f"max_pool2d(x, ({size}, {size}))", F.max_pool2d(x, (size, size)), oracle.max_pool2d(host.array(x), size)[0]
        )


MEANS = (((2, 2), None, (0, 0)), ((3, 2), (2, 1), (1, 1)), ((3, 3), (2, 2), (1, 0)))


@check("layer.avgpool")
@pytest.mark.parametrize("dtype", KINDS)
def test_average_pooling(subject, dtype):
    for recipe in (recipe for values in planes() for recipe in layouts(values, dtype, LAYOUTS)):
        array = recipe.array.astype(np.float64)
        for (kernel, stride, padding), count in itertools.product(MEANS, (True, False)):
            wanted = oracle.avg_pool2d(array, kernel, stride, padding, count)
            out = F.avg_pool2d(recipe.on(subject), kernel, stride, padding, count_include_pad=count)
            call = f"avg_pool2d({kernel}, {stride}, {padding}, count_include_pad={count})"
            assert_values(call, out, wanted, INNER.over(20), 4.0, dtype=dtype)
        for size in ((1, 1), (2, 3), (5, 5), (7, 2)):
            wanted = oracle.adaptive_avg_pool2d(array, size)
            out = F.adaptive_avg_pool2d(recipe.on(subject), size)
            assert_values(f"adaptive_avg_pool2d({size})", out, wanted, INNER.over(80), 4.0, dtype=dtype)

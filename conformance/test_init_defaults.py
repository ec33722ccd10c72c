"""Initialisers left to their defaults, what they refuse, their old names, and what autograd sees of them."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_array, assert_raises, assert_values, require
from conformance.chance import assert_distribution, numbers
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import init as oracle
from conformance.oracle import random as chances
from properties.strategies.recipe import contiguous

pytestmark = must_answer
SHAPE = (300, 200)
ROUNDED_UP = 1 + 2.0**-22  # a bound is rounded to float32, and so is its product with a number below one


def cut(low, high):
    """The standard normal distribution between two cuts."""
    whole = chances.normal(0, 1)
    ends = whole(np.array([low, high]))
    return lambda x: (whole(x) - ends[0]) / (ends[1] - ends[0])


# Each initialiser by its defaults: its law.
LAWS = {
    "uniform_": chances.uniform(0, 1),
    "normal_": chances.normal(0, 1),
    "trunc_normal_": cut(-2, 2),
    "xavier_uniform_": chances.uniform(-oracle.xavier_bound(SHAPE), oracle.xavier_bound(SHAPE)),
    "xavier_normal_": chances.normal(0, oracle.xavier_std(SHAPE)),
    "kaiming_uniform_": chances.uniform(-oracle.kaiming_bound(SHAPE), oracle.kaiming_bound(SHAPE)),
    "kaiming_normal_": chances.normal(0, oracle.kaiming_std(SHAPE)),
}


@check("init.defaults")
@pytest.mark.parametrize("name", LAWS)
def test_a_draw_by_its_defaults(subject, name):
    w = getattr(nn.init, name)(torch.full(SHAPE, 77.0, device=subject.device))
    found = numbers(name, w)
    assert_distribution(f"{name} by its defaults", found, LAWS[name], 1e-5)
    if name == "trunc_normal_":
        require(np.abs(found).max() <= 2, f"{name} by its defaults leaves its cuts", 2, np.abs(found).max())


@check("init.defaults")
def test_sparse_and_orthogonal_by_their_defaults(subject):
    w = numbers("sparse_", nn.init.sparse_(torch.full((50, 90), 77.0, device=subject.device), 0.2))
    assert_distribution("sparse_ by its defaults", w[w != 0], chances.normal(0, 0.01), 1e-5)
    for shape in ((6, 4, 3, 2), (4, 6, 3, 2), (30, 2, 3, 4)):
        q = host.array(nn.init.orthogonal_(torch.zeros(shape, dtype=torch.float64, device=subject.device)))
        flat = q.reshape(shape[0], -1)  # the first dimension by all others
        product = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
        call = f"Q'Q of orthogonal_({shape})"
        assert_array(call, product, np.eye(len(product)), "float64", INNER.over(4 * flat.size), 1.0)


@check("init.defaults")
def test_a_constant_is_the_number_itself(subject):
    for dtype in ("float32", "float64", "bfloat16", "float16"):
        for value in (0.375, -1.5, 1234.5 if dtype[0] == "f" and dtype != "float16" else 160.0, 2.0**-10, math.inf):
            w = torch.zeros(3, 7, dtype=host.torch_dtype(dtype), device=subject.device)
            text = f"constant_({value}) of {dtype}"
            assert_values(text, nn.init.constant_(w, value), np.full((3, 7), value), dtype=dtype)
    for shape in ((4, 4, 4), (4, 4, 2, 3), (3, 5, 3, 2, 4)):  # even kernels: the element after the middle
        wanted = np.zeros(shape)
        for i in range(min(shape[:2])):
            wanted[(i, i, *(size // 2 for size in shape[2:]))] = 1
        w = torch.full(shape, 77.0, device=subject.device)
        assert_values(f"dirac_ of {shape}", nn.init.dirac_(w), wanted, dtype="float32")


@check("init.gain")
def test_a_slope_that_is_no_number_is_refused(subject):
    for bad in (True, "0.1", [0.1]):
        assert_raises(f"the slope {bad!r}", ValueError, lambda bad=bad: nn.init.calculate_gain("leaky_relu", bad))


PLAIN = ("uniform", "normal", "eye", "dirac", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal")
OLD: dict[str, tuple[float, ...]] = dict.fromkeys((*PLAIN, "orthogonal"), ())
OLD |= {"constant": (0.5,), "sparse": (0.5,)}


@check("init.xavier-uniform-name")
@pytest.mark.parametrize("name", OLD)
def test_an_old_name_warns_and_is_the_new_one(subject, name):
    shape, found = (6, 4, 3) if name == "dirac" else (6, 4), []
    for call in (name, f"{name}_"):
        torch.manual_seed(5)
        w = torch.full(shape, 77.0, device=subject.device, requires_grad=True)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            out = getattr(nn.init, call)(w, *OLD[name])
        require(out is w, f"{call} does not return its tensor")
        warned = any(issubclass(c.category, (FutureWarning, UserWarning, DeprecationWarning)) for c in caught)
        require(warned == (call == name), f"{call} warns", call == name, warned)
        found.append(host.array(w))
    assert_values(f"what {name} fills in", host.tensor(found[0], "float32"), found[1])


IN_PLACE = {"uniform_": (), "normal_": (), "trunc_normal_": (), "constant_": (0.5,), "ones_": (), "zeros_": (),
            "eye_": (), "xavier_uniform_": (), "xavier_normal_": (), "kaiming_uniform_": (), "kaiming_normal_": (),
            "orthogonal_": (), "sparse_": (0.5,)}  # fmt: skip


@check("init.leaves-graph-alone")
@pytest.mark.parametrize("name", IN_PLACE)
def test_a_part_of_a_parameter_can_be_filled(subject, name):
    weight = torch.full((8, 5), 77.0, device=subject.device, requires_grad=True)
    getattr(nn.init, name)(weight[2:6], *IN_PLACE[name])
    require(weight.is_leaf and weight.grad_fn is None, f"{name} of a part of a parameter is recorded")
    found = host.array(weight)
    require(
        (found[2:6] != 77).all() and (found[[0, 1, 6, 7]] == 77).all(), f"{name} of a part fills another", 77, found
    )
    product = (weight * 2).exp()  # which keeps its result for the gradient, and not the weight
    product.sum().backward()
    square = weight * weight
    getattr(nn.init, name)(weight, *IN_PLACE[name])
    assert_raises(f"a gradient that needs what {name} wrote over", RuntimeError, square.sum().backward)


@check("init.attention-starts")
@pytest.mark.parametrize("options", [{}, {"kdim": 30, "vdim": 50}, {"add_bias_kv": True}, {"bias": False}], ids=str)
def test_how_attention_begins(subject, options):
    """The projections of query, key and value are one matrix (3E, E) by Glorot, or three of their own."""
    layer = nn.MultiheadAttention(40, 4, **options).to(subject.device)
    for key, p in layer.named_parameters():
        text, found = f"the {key} of MultiheadAttention({options})", numbers(key, p)
        if key in ("in_proj_bias", "out_proj.bias"):
            require((found == 0).all(), text, 0, found)
        elif not key.startswith("bias_"):
            bound = 1 / math.sqrt(40) if key == "out_proj.weight" else oracle.xavier_bound(tuple(p.shape))
            assert_distribution(text, found, chances.uniform(-bound, bound), 1e-5)
            require(np.abs(found).max() <= bound * ROUNDED_UP, text, bound, np.abs(found).max())


@check("init.attention-starts")
def test_the_further_key_and_value_of_attention_are_normal(subject):
    layers = [nn.MultiheadAttention(40, 4, add_bias_kv=True).to(subject.device) for _ in range(12)]
    std = oracle.xavier_std((1, 1, 40))  # of (1, 1, E), as of a kernel of E elements
    for key in ("bias_k", "bias_v"):
        draws, text = np.stack([numbers(key, getattr(layer, key)) for layer in layers]), f"{key} of MultiheadAttention"
        assert_distribution(text, draws, chances.normal(0, std), 1e-5)
        # Uniform draws of this deviation end at sqrt(3) of it; that 480 normal ones do has a chance of 1e-18.
        top = np.abs(draws).max() / std
        require(top > 1.7321, f"{text} has no number beyond the square root of 3 deviations", 1.7321, top)


@check("init.attention-starts")
def test_how_a_transformer_begins(subject):
    net = nn.Transformer(32, 4, 1, 1, 48).to(subject.device)
    for key, p in net.named_parameters():
        if p.dim() < 2:
            continue
        bound, found = oracle.xavier_bound(tuple(p.shape)), numbers(key, p)
        text = f"the {key} of Transformer"
        assert_distribution(text, found, chances.uniform(-bound, bound), 1e-5)
        require(np.abs(found).max() <= bound * ROUNDED_UP, text, bound, np.abs(found).max())
    for layer in (nn.TransformerEncoderLayer(128, 4, 512), nn.TransformerDecoderLayer(128, 4, 512)):
        for name, size in (("linear1", 128), ("linear2", 512)):
            for part in (getattr(layer, name).weight, getattr(layer, name).bias):
                text = f"{name} of {type(layer).__name__}, {tuple(part.shape)}"
                assert_distribution(text, numbers(name, part), chances.uniform(-(size**-0.5), size**-0.5), 1e-5)


@check("init.default-starts")
def test_parameters_of_layers_within_layers(subject):
    for make, size in (
        (lambda: nn.LSTM(4, 25, num_layers=2, bidirectional=True), 25),
        (lambda: nn.GRU(4, 25, num_layers=2), 25),
        (lambda: nn.RNN(4, 25, num_layers=2), 25),
        (lambda: nn.LSTMCell(4, 25), 25),
        (lambda: nn.GRUCell(4, 25), 25),
        (lambda: nn.ConvTranspose1d(60, 25, 4), 100),
        (lambda: nn.ConvTranspose3d(60, 25, 2), 200),
        (lambda: nn.AdaptiveLogSoftmaxWithLoss(25, 40, [10, 20], div_value=1.0), 25),
    ):
        layer = make().to(subject.device)
        for key, p in layer.named_parameters():
            text, bound = f"the {key} of {layer}", size**-0.5
            assert_distribution(text, numbers(key, p), chances.uniform(-bound, bound), 1e-5)
            require(np.abs(host.array(p)).max() <= bound * ROUNDED_UP, text, bound, float(p.detach().abs().max()))
    for layer in (nn.InstanceNorm2d(4, affine=True), nn.BatchNorm1d(4), nn.BatchNorm3d(4)):
        for turn in range(2):
            wanted = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0, "num_batches_tracked": 0}
            for key, value in layer.state_dict().items():
                call = f"{key} of {type(layer).__name__}, {turn} resets"
                assert_values(call, value.double(), np.full(tuple(value.shape), float(wanted[key])))
                value.fill_(77)
            layer.reset_parameters()


@check("init.default-starts", since="2.4")
def test_rms_norm_begins_with_ones(subject):
    layer = nn.RMSNorm((3, 4), device=subject.device)
    for _ in range(2):
        assert_values("the weight of RMSNorm", layer.weight, np.ones((3, 4)), dtype="float32")
        with torch.no_grad():
            layer.weight.copy_(contiguous(np.full((3, 4), 77.0), "float32").on(subject))
        layer.reset_parameters()

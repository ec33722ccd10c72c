"""What every initialiser keeps to: its tensor in any layout, its flags, its neighbours; and how layers begin."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_array, assert_raises, assert_values, require
from conformance.chance import assert_distribution
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED, INNER
from conformance.oracle import random as chances
from properties.strategies.recipe import DENSE, layouts

pytestmark = must_answer

# Each initialiser: how it is called, and what its values have to be (None: drawn).
CALLS = {
    "constant_": (lambda t: nn.init.constant_(t, 0.75), lambda shape: np.full(shape, 0.75)),
    "ones_": (lambda t: nn.init.ones_(t), np.ones),
    "zeros_": (lambda t: nn.init.zeros_(t), np.zeros),
    "eye_": (lambda t: nn.init.eye_(t), lambda shape: np.eye(*shape)),
    "dirac_": (lambda t: nn.init.dirac_(t), None),
    "uniform_": (lambda t: nn.init.uniform_(t, 2.0, 3.0), None),
    "normal_": (lambda t: nn.init.normal_(t, 9.0, 0.1), None),
    "trunc_normal_": (lambda t: nn.init.trunc_normal_(t, 2.5, 0.5, 2.0, 3.0), None),
    "xavier_uniform_": (lambda t: nn.init.xavier_uniform_(t), None),
    "xavier_normal_": (lambda t: nn.init.xavier_normal_(t), None),
    "kaiming_uniform_": (lambda t: nn.init.kaiming_uniform_(t), None),
    "kaiming_normal_": (lambda t: nn.init.kaiming_normal_(t), None),
    "orthogonal_": (lambda t: nn.init.orthogonal_(t), None),
    "sparse_": (lambda t: nn.init.sparse_(t, 0.25), None),
}
CLAIM = "init.in-place-in-any-layout"


@check(CLAIM)
@pytest.mark.parametrize("name", CALLS)
def test_an_initialiser_fills_just_its_tensor(subject, name):
    call, formula = CALLS[name]
    shape = (6, 4, 3) if name == "dirac_" else (8, 6)
    for flag in (False, True):
        for recipe in layouts(np.full(shape, 77.0), "float32", DENSE):
            w = recipe.on(subject).requires_grad_(flag)
            text, address, strides = f"{name} of strides {recipe.strides}", w.data_ptr(), w.stride()
            whole = torch.as_strided(w.detach(), (w.untyped_storage().size() // 4,), (1,), 0) if TYPED else None
            outside = None if whole is None else host.array(whole).copy()
            require(call(w) is w, f"{text} returns another tensor")
            require((w.data_ptr(), w.stride()) == (address, strides), f"{text} moves its tensor")
            require(w.requires_grad == flag and w.is_leaf and w.grad_fn is None, f"{text} changes requires_grad", flag)
            require((host.array(w) != 77).all(), f"{text} leaves elements as they were")
            if formula is not None:
                assert_values(text, w, formula(shape), dtype="float32")
            if outside is not None:
                changed = int((host.array(whole) != outside).sum())
                require(changed <= w.numel(), f"{text} writes beyond its tensor", w.numel(), changed)


TYPED = hasattr(torch.Tensor, "untyped_storage")


@check(CLAIM)
@pytest.mark.parametrize("name", [name for name in CALLS if CALLS[name][1] is None and name != "dirac_"])
def test_a_draw_has_its_scale_in_any_layout(subject, name):
    call, found = CALLS[name][0], {}
    for recipe in layouts(np.zeros((40, 30)), "float64", DENSE):
        w = recipe.on(subject)
        call(w)
        values = host.array(w)
        found[recipe.strides] = (float(values.mean()), float(values.std()))
        if name == "orthogonal_":  # Householder QR: Q'Q is the identity within a small multiple of m n roundings
            assert_array("Q'Q of orthogonal_", values.T @ values, np.eye(30), "float64", INNER.over(4 * 40 * 30), 1.0)
    means, spreads = np.array(list(found.values())).T
    require(np.ptp(means) < 0.05 and np.ptp(spreads) < 0.15 * spreads.max(), f"{name} depends on the layout", found)


@check("init.plain-draws")
def test_draws_of_many_elements_have_their_moments(subject):
    for name, args, law in (("normal_", (1.0, 0.5), chances.normal(1, 0.5)), ("uniform_", (-2.0, 3.0), None)):
        w = getattr(nn.init, name)(torch.empty(300, 200, device=subject.device), *args)
        if law is not None:
            assert_distribution(f"{name} of 60,000 elements", host.array(w), law, 1e-6)
        else:
            found = host.array(w)
            require(found.min() >= -2 and found.max() < 3 and abs(found.mean() - 0.5) < 0.05, f"{name}", (-2, 3), found)
    assert_values("constant_ of 40,000", nn.init.constant_(torch.empty(200, 200), 0.5), np.full((200, 200), 0.5))
    for low, high in ((-2.0, 0.5), (-0.25, 2.0), (0.5, 0.75)):
        found = host.array(nn.init.trunc_normal_(torch.empty(4000, device=subject.device), a=low, b=high))
        require(found.min() >= low and found.max() <= high, f"trunc_normal_(a={low}, b={high})", (low, high), found)
        reached = found.max() > high - 0.1 and found.min() < max(low, -1.5) + 0.3
        require(reached, f"trunc_normal_(a={low}, b={high}) does not reach its cuts", (low, high), found)


@check("init.fans")
def test_the_fans_of_kernels(subject):
    for shape in ((400, 3, 5), (300, 4, 2, 3), (200, 3, 2, 2, 3), (30, 200, 3)):
        size = math.prod(shape[2:])
        fans = {"fan_in": shape[1] * size, "fan_out": shape[0] * size}
        for mode, fan in fans.items():
            w = nn.init.kaiming_uniform_(torch.empty(shape, device=subject.device), mode=mode, nonlinearity="linear")
            top, bound = float(w.abs().max()), math.sqrt(3 / fan)
            require(0.98 * bound < top <= bound * 1.0001, f"kaiming_uniform_(mode={mode!r}) of {shape}", bound, top)
        w = nn.init.xavier_uniform_(torch.empty(shape, device=subject.device), 2.0)
        top, bound = float(w.abs().max()), 2 * math.sqrt(6 / sum(fans.values()))
        require(0.98 * bound < top <= bound * 1.0001, f"xavier_uniform_ of {shape}", bound, top)
    assert_raises("an unknown mode", ValueError, lambda: nn.init.kaiming_uniform_(torch.empty(3, 4), mode="fan_sum"))
    assert_raises("an unknown mode", ValueError, lambda: nn.init.kaiming_normal_(torch.empty(3, 4), mode="fan_sum"))
    for name in ("sparse_", "eye_"):
        args = (0.5,) if name == "sparse_" else ()
        for shape in ((3,), (3, 4, 2)):
            bad = torch.empty(shape)
            assert_raises(f"{name} of {shape}", ValueError, lambda n=name, b=bad, a=args: getattr(nn.init, n)(b, *a))


@check("init.gain")
def test_the_gain_of_every_convolution_is_one(subject):
    for name in ("linear", "sigmoid", *(f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3))):
        require(nn.init.calculate_gain(name) == 1, f"calculate_gain({name!r})", 1, nn.init.calculate_gain(name))
    default, wanted = np.array(nn.init.calculate_gain("leaky_relu")), np.sqrt(2 / (1 + np.array(0.01) ** 2))
    assert_array("the gain of leaky_relu of the default slope", default, wanted, "float64", COMPOSED)


FOUR = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
# How layers begin: a layer, and for each parameter the bound of its uniform draw, a constant, or "normal".
STARTS = {
    "Linear": (lambda: nn.Linear(25, 300), {"weight": 1 / 5, "bias": 1 / 5}),
    "Bilinear": (lambda: nn.Bilinear(25, 4, 60), {"weight": 1 / 5, "bias": 1 / 5}),
    "Conv1d": (lambda: nn.Conv1d(4, 300, 4), {"weight": 1 / 4, "bias": 1 / 4}),
    "Conv2d": (lambda: nn.Conv2d(8, 300, 4, groups=2), {"weight": 1 / 8, "bias": 1 / 8}),
    "Conv3d": (lambda: nn.Conv3d(2, 300, 2), {"weight": 1 / 4, "bias": 1 / 4}),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(60, 25, 2), {"weight": 1 / 10, "bias": 1 / 10}),
    "LSTM": (
        lambda: nn.LSTM(4, 25),
        dict.fromkeys(FOUR, 1 / 5),
    ),
    "GRU": (lambda: nn.GRU(4, 25), dict.fromkeys(FOUR, 1 / 5)),
    "RNNCell": (lambda: nn.RNNCell(4, 25), dict.fromkeys(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), 1 / 5)),
    "Embedding": (lambda: nn.Embedding(200, 60), {"weight": "normal"}),
    "EmbeddingBag": (lambda: nn.EmbeddingBag(200, 60), {"weight": "normal"}),
    "LayerNorm": (lambda: nn.LayerNorm((3, 4)), {"weight": 1, "bias": 0}),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), {"weight": 1, "bias": 0}),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4), {"weight": 1, "bias": 0, "running_mean": 0, "running_var": 1}),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(4, affine=True), {"weight": 1, "bias": 0}),
    "PReLU": (lambda: nn.PReLU(3), {"weight": 0.25}),
    "PReLU(0.7)": (lambda: nn.PReLU(3, init=0.75), {"weight": 0.75}),
}


@check("init.default-starts")
@pytest.mark.parametrize("name", STARTS)
def test_how_a_layer_begins_and_begins_again(subject, name):
    make, wanted = STARTS[name]
    layer = make().to(subject.device)
    for turn in ("at first", "after reset_parameters"):
        for key, law in wanted.items():
            found, text = host.array(getattr(layer, key)).astype(float), f"the {key} of {name} {turn}"
            if law == "normal":
                assert_distribution(text, found, chances.normal(0, 1), 1e-6)
            elif isinstance(law, int) or name.startswith("PReLU"):
                require((found == law).all(), text, law, found)
            else:
                top, enough = np.abs(found).max(), 1e-6 ** (1 / found.size)
                require(enough * law < top <= law * 1.00001, f"{text} is not uniform up to its bound", law, top)
                require(abs(found.mean()) < 0.35 * law, f"{text} has another mean", 0, found.mean())
        if not hasattr(layer, "reset_parameters"):
            return
        with torch.no_grad():
            for p in layer.parameters():
                p.fill_(77.0)
        layer.reset_parameters()

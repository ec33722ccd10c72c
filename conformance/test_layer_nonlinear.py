"""Activations as modules, in place, at infinities, in narrow dtypes; those that draw; the adaptive softmax."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_array, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import FEW_ULPS, INNER
from conformance.oracle import layer as oracle
from conformance.tables.layer_inputs import normal
from properties.strategies.recipe import DENSE, contiguous, layouts

pytestmark = must_answer

KINDS = {
    "relu": "ReLU", "relu6": "ReLU6", "leaky_relu": "LeakyReLU", "elu": "ELU", "selu": "SELU", "celu": "CELU",
    "gelu": "GELU", "silu": "SiLU", "softplus": "Softplus", "sigmoid": "Sigmoid", "tanh": "Tanh",
    "hardtanh": "Hardtanh", "hardsigmoid": "Hardsigmoid", "hardswish": "Hardswish", "softsign": "Softsign",
    "tanhshrink": "Tanhshrink", "softshrink": "Softshrink", "hardshrink": "Hardshrink", "logsigmoid": "LogSigmoid",
    "mish": "Mish",
}  # fmt: skip
FORMULAS = {**oracle.ACTIVATIONS, "celu": oracle.ACTIVATIONS["elu"]}
IN_PLACE = (
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "silu",
    "hardtanh",
    "hardsigmoid",
    "hardswish",
    "mish",
)
POINTS = np.concatenate([np.linspace(-7, 7, 57), [0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0, 20.5, -30.0]])
SCALE = 4.0 + 2 * np.abs(POINTS)


def named(name):
    return getattr(F, name, None) or getattr(torch, name)


@check("layer.activations")
@pytest.mark.parametrize("name", KINDS)
def test_an_activation_module_is_its_formula(subject, name):
    layer, shaped = getattr(nn, KINDS[name])(), POINTS.reshape(6, 11)
    wanted = FORMULAS[name](shaped)
    for recipe in layouts(shaped, "float64", DENSE):
        x = recipe.on(subject)
        before = Unchanged(x=x)
        assert_values(f"{KINDS[name]}()", layer(x), wanted, INNER.over(24), 30.0, dtype="float64")
        before.check(KINDS[name])
        if name in IN_PLACE:
            for call, f in (
                (f"F.{name}", lambda x: named(name)(x, inplace=True)),
                (KINDS[name], getattr(nn, KINDS[name])(inplace=True)),
            ):
                y = recipe.on(subject)
                require(f(y) is y, f"{call}(inplace=True) returns another tensor")
                assert_values(f"{call}(inplace=True)", y, wanted, INNER.over(24), 30.0, dtype="float64")
    for values in (np.zeros((0, 3)), np.array(0.75), np.tile(POINTS, 600)):
        out, text = layer(contiguous(values, "float32").on(subject)), f"{KINDS[name]} of shape {values.shape}"
        size = 4.0 + 2 * np.abs(values)
        assert_values(text, out, np.asarray(FORMULAS[name](values)), INNER.over(24), size, dtype="float32")


# Which releases of PyTorch know float16 on the CPU differs by function; by 2.6 all of them do.
@check("layer.activations", since="2.6")
@pytest.mark.parametrize("name", KINDS)
def test_an_activation_of_narrow_numbers(subject, name):
    for dtype in filter(subject.supports, ("bfloat16", "float16")):
        x = host.array(host.tensor(POINTS, dtype)).astype(np.float64)
        for call, f in ((f"F.{name}", named(name)), (KINDS[name], getattr(nn, KINDS[name])())):
            out = f(contiguous(x, dtype).on(subject))
            assert_values(f"{call} of {dtype}", out, FORMULAS[name](x), INNER.over(4), 1 + np.abs(x), dtype=dtype)


# What comes of minus and plus infinity, where the formula says so.
FAR = {
    "relu": (0, np.inf), "relu6": (0, 6), "leaky_relu": (-np.inf, np.inf), "elu": (-1, np.inf), "celu": (-1, np.inf),
    "softplus": (0, np.inf), "sigmoid": (0, 1), "tanh": (-1, 1), "hardtanh": (-1, 1), "hardsigmoid": (0, 1),
    "tanhshrink": (-np.inf, np.inf), "softshrink": (-np.inf, np.inf), "hardshrink": (-np.inf, np.inf),
    "logsigmoid": (-np.inf, 0),
}  # fmt: skip


@pytest.mark.parametrize(  # softshrink lost NaN before
    "name", [pytest.param(n, marks=check("layer.activations", since="2.6" if n == "softshrink" else None)) for n in FAR]
)
def test_an_activation_of_infinities_and_nan(subject, name):
    for dtype in ("float32", "float64"):
        values = np.resize([-np.inf, np.inf, np.nan], 21)
        wanted = np.resize([*map(float, FAR[name]), np.nan], 21)
        for call, f in ((f"F.{name}", named(name)), (KINDS[name], getattr(nn, KINDS[name])())):
            out = f(contiguous(values, dtype).on(subject))
            assert_values(f"{call} of infinities", out, wanted, INNER.over(4), 1.0, dtype=dtype)
        large = contiguous(np.array([-1e4, 1e4, -300.0, 300.0]), dtype).on(subject)
        found = host.array(named(name)(large))
        require(np.isfinite(found).all(), f"{name} overflows", "finite", found)


EDGES = (
    ("threshold", lambda x: F.threshold(x, 0.5, -9.0), lambda x: nn.Threshold(0.5, -9.0)(x), (-9, -9, 1)),
    ("hardshrink", lambda x: F.hardshrink(x, 0.5), lambda x: nn.Hardshrink(0.5)(x), (0, 0, 1)),
    ("softshrink", lambda x: F.softshrink(x, 0.5), lambda x: nn.Softshrink(0.5)(x), (0, 0, 0.5)),
    ("hardtanh", lambda x: F.hardtanh(x, 0.5, 0.75), lambda x: nn.Hardtanh(0.5, 0.75)(x), (0.5, 0.5, 0.75)),
)


@check("layer.activation-options")
@pytest.mark.parametrize("row", EDGES, ids=lambda row: row[0])
def test_where_an_activation_breaks(subject, row):
    """At a threshold itself the value is that of below: `x > threshold` keeps x."""
    for form in row[1:3]:
        out = form(contiguous(np.array([-0.5, 0.5, 1.0]), "float64").on(subject))
        assert_values(f"{row[0]} at its edge", out, np.array(row[3]), dtype="float64")


@check("layer.activation-options")
def test_activations_with_arguments_in_place(subject):
    calls = {
        "leaky_relu": (lambda x, **k: F.leaky_relu(x, 0.3, **k), lambda x: np.where(x > 0, x, 0.3 * x)),
        "threshold": (lambda x, **k: F.threshold(x, 0.25, -3.0, **k), lambda x: np.where(x > 0.25, x, -3.0)),
        "Threshold": (lambda x, **k: nn.Threshold(0.25, -3.0, **k)(x), lambda x: np.where(x > 0.25, x, -3.0)),
        "elu": (lambda x, **k: F.elu(x, 2.5, **k), lambda x: np.where(x > 0, x, 2.5 * np.expm1(np.minimum(x, 0)))),
        "celu": (
            lambda x, **k: F.celu(x, 2.5, **k),
            lambda x: np.where(x > 0, x, 2.5 * np.expm1(np.minimum(x, 0) / 2.5)),
        ),
        "hardtanh": (lambda x, **k: F.hardtanh(x, -2, 3, **k), lambda x: np.clip(x, -2, 3)),
        "rrelu": (lambda x, **k: F.rrelu(x, 0.1, 0.5, **k), lambda x: np.where(x > 0, x, 0.3 * x)),
        "RReLU": (lambda x, **k: nn.RReLU(0.1, 0.5, **k).eval()(x), lambda x: np.where(x > 0, x, 0.3 * x)),
    }
    for name, (f, formula) in calls.items():
        x = contiguous(POINTS, "float64").on(subject)
        require(f(x, inplace=True) is x, f"{name}(inplace=True) returns another tensor")
        assert_values(f"{name}(inplace=True)", x, formula(POINTS), INNER.over(24), SCALE, dtype="float64")


@check("layer.activation-options")
def test_rrelu_draws_a_slope_for_each_negative_element(subject):
    values = np.where(np.arange(4000) % 2 == 0, -1.0, 2.0)
    for form in (lambda x: F.rrelu(x, 0.2, 0.6, training=True), lambda x: nn.RReLU(0.2, 0.6)(x)):
        x = contiguous(values, "float64").on(subject).requires_grad_()
        out = form(x)
        out.sum().backward()
        slopes = -host.array(out)[::2]
        assert_values("rrelu of positive numbers", out[1::2], values[1::2])
        require(
            (slopes >= 0.2).all() and (slopes <= 0.6).all(), "a slope of rrelu is beyond its bounds", (0.2, 0.6), slopes
        )
        require(
            abs(slopes.mean() - 0.4) < 0.02 and slopes.std() > 0.1,
            "slopes of rrelu are not uniform",
            0.4,
            slopes.mean(),
        )
        assert_values("the gradient of rrelu", x.grad[::2], slopes, INNER.over(4), 1.0)
    default = nn.RReLU().eval()(contiguous(np.full(3, -1.0), "float64").on(subject))
    assert_values("RReLU() of -1 in evaluation", default, np.full(3, -(1 / 8 + 1 / 3) / 2), FEW_ULPS, dtype="float64")


@check("layer.activation-options")
def test_prelu_begins_as_told_and_takes_a_vector(subject):
    for told, wanted in (({}, [0.25]), ({"num_parameters": 3, "init": 0.75}, [0.75] * 3)):
        assert_values(f"the weight of PReLU({told})", nn.PReLU(**told).weight, np.array(wanted), dtype="float32")
    x = contiguous(POINTS, "float64").on(subject)
    for call, out in (("PReLU", nn.PReLU().double().to(subject.device)(x)), ("F", F.prelu(x, x.new_full((1,), 0.25)))):
        assert_values(f"{call} of a vector", out, np.where(POINTS > 0, POINTS, POINTS / 4), INNER.over(4), 30.0)


@check("layer.activation-options")
def test_what_activations_refuse(subject):
    x = torch.ones(2, 3, device=subject.device)
    for call, action in {
        "glu of three elements": lambda: F.glu(x),
        "GLU over a dimension of three": lambda: nn.GLU(1)(x),
        "softshrink of a negative lambda": lambda: F.softshrink(x, -0.5),
        "Hardtanh of crossed bounds": lambda: nn.Hardtanh(1.0, -1.0)(x),
        "PReLU of other channels": lambda: nn.PReLU(5).to(subject.device)(x),
        "gelu of an unknown approximation": lambda: F.gelu(x, approximate="cubic"),
    }.items():
        assert_raises(call, (RuntimeError, AssertionError, ValueError), action)
    assert_raises("Softmax2d of two dimensions", (ValueError, AssertionError), lambda: nn.Softmax2d()(x))


@check("layer.softmax")
def test_softmax_over_channels(subject):
    values = normal(1, (2, 3, 4, 5))
    for recipe in layouts(values, "float64", DENSE):
        wanted = oracle.softmax(values, 1)
        assert_values("Softmax2d", nn.Softmax2d()(recipe.on(subject)), wanted, INNER.over(20), 1.0, dtype="float64")
        assert_values("Softmax2d of one sample", nn.Softmax2d()(recipe.on(subject)[1]), wanted[1], INNER.over(20), 1.0)


@check("layer.gumbel-softmax")
def test_gumbel_softmax_draws_by_its_logits(subject):
    logits = torch.log(torch.tensor([1.0, 3.0], device=subject.device)).repeat(6000, 1)
    for hard, tau, dim in ((True, 1.0, -1), (True, 0.3, 0), (False, 0.5, -1), (False, 2.0, 0)):
        given = (logits if dim == -1 else logits.t()).clone().requires_grad_()
        out = F.gumbel_softmax(given, tau=tau, hard=hard, dim=dim)
        found = host.array(out if dim == -1 else out.t())
        text = f"gumbel_softmax(tau={tau}, hard={hard}, dim={dim})"
        require((found >= 0).all(), f"{text} has negative chances", 0, found[:3])
        # Two chances, each the quotient of an exponential by their sum.
        assert_array(
            f"the sum of {text}", found.astype(np.float64).sum(1), np.ones(6000), "float32", INNER.over(24), 1.0
        )
        share = float((found[:, 1] > 0.5).mean())
        require(abs(share - 0.75) < 0.03, f"{text} draws otherwise than its logits say", 0.75, share)
        require(np.isin(np.round(found, 6), (0, 1)).all() == hard, f"{text}: one-hot is {not hard}")
        if not hard:  # differences of two Gumbel numbers are logistic
            spread = float(np.std(np.log(found[:, 1]) - np.log(np.maximum(found[:, 0], 1e-30)))) * tau
            require(
                abs(spread - np.pi / np.sqrt(3)) < 0.15, f"{text}: the spread of the odds", np.pi / np.sqrt(3), spread
            )
        (out * out.detach()).sum().backward()
        require(given.grad.abs().sum() > 0, f"{text} passes no gradient on")


@check("layer.adaptive-softmax")
@pytest.mark.parametrize("bias", [False, True])
def test_the_adaptive_softmax_joins_its_clusters(subject, bias):
    cutoffs, x, target = [4, 7], normal(1, (9, 6)), np.array([0, 3, 4, 6, 7, 11, 9, 2, 5])
    layer = nn.AdaptiveLogSoftmaxWithLoss(6, 12, cutoffs, div_value=2.0, head_bias=bias).double().to(subject.device)
    with torch.no_grad():
        for turn, p in enumerate(layer.parameters()):
            p.copy_(host.tensor(normal(3 + turn, tuple(p.shape)), "float64", str(p.device)))
    w = {name: host.array(p) for name, p in layer.named_parameters()}
    require([w["tail.0.0.weight"].shape, w["tail.1.0.weight"].shape] == [(3, 6), (1, 6)], "the sizes of the clusters")
    head = oracle.log_softmax(oracle.linear(x, w["head.weight"], w.get("head.bias")), 1)
    parts = [head[:, :4]]
    for turn in (0, 1):
        inner = oracle.linear(oracle.linear(x, w[f"tail.{turn}.0.weight"]), w[f"tail.{turn}.1.weight"])
        parts.append(head[:, 4 + turn, None] + oracle.log_softmax(inner, 1))
    logs = np.concatenate(parts, 1)
    given, at = contiguous(x, "float64").on(subject), contiguous(target, "int64").on(subject)
    error = INNER.over(400)
    assert_values("log_prob of the adaptive softmax", layer.log_prob(given), logs, error, 10.0, dtype="float64")
    out, loss = layer(given, at)
    assert_values("the output of the adaptive softmax", out, logs[np.arange(9), target], error, 10.0, dtype="float64")
    assert_values("the loss of the adaptive softmax", loss, np.asarray(-logs[np.arange(9), target].mean()), error, 10.0)
    assert_values("predict of the adaptive softmax", layer.predict(given), logs.argmax(1), dtype="int64")
    one, _ = layer(given[5], at[5])
    assert_values("the adaptive softmax of one sample", one, logs[5, 11], error, 10.0)


@check("layer.adaptive-softmax")
def test_cutoffs_that_make_no_sense_are_refused(subject):
    for bad in ([7, 4], [4, 4], [0, 4], [4, 13]):
        assert_raises(f"cutoffs {bad}", ValueError, lambda bad=bad: nn.AdaptiveLogSoftmaxWithLoss(6, 12, bad))
    layer, x = nn.AdaptiveLogSoftmaxWithLoss(6, 12, [4, 7]).to(subject.device), torch.ones(2, 6, device=subject.device)
    assert_raises("a class beyond", RuntimeError, lambda: layer(x, torch.tensor([3, 12], device=subject.device)))

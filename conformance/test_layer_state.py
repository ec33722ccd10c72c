"""Norms that remember and norms without weights, dropout of one sample and in place."""

from __future__ import annotations

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
from conformance.oracle.layer_kinds import group_norm, local_response_norm
from conformance.tables.formula_rows import Row, judge_row, marked, module
from conformance.tables.layer_inputs import normal, put
from properties.strategies.recipe import DENSE, contiguous, layouts

pytestmark = must_answer
ERROR = INNER.over(400)


def _rms(x, weight=None, eps=2.0**-52, dims=1):
    axes = tuple(range(x.ndim - dims, x.ndim))
    return x / np.sqrt((x * x).mean(axes, keepdims=True) + eps) * (1 if weight is None else weight)


def _norm(name, text, forms, formula, *shapes, since=None):
    return Row(f"layer.{name}", text, forms, formula, shapes, terms=200, since=since)


ROWS = [
    _norm("layer-norm", "a bias alone", {"F.layer_norm": lambda x, b: F.layer_norm(x, (5,), bias=b)},
          lambda x, b: oracle.layer_norm(x, 1, None, None, 1e-5) + b, (4, 5), (5,)),
    _norm("layer-norm", "a weight alone", {"F.layer_norm": lambda x, w: F.layer_norm(x, (3, 5), w, eps=0.1)},
          lambda x, w: oracle.layer_norm(x, 2, None, None, 0.1) * w, (4, 3, 5), (3, 5)),
    _norm("layer-norm", "a list for a shape", {"F.layer_norm": lambda x, w, b: F.layer_norm(x, [3, 5], w, b),
          "LayerNorm": module("LayerNorm", [3, 5])},
          lambda x, w, b: oracle.layer_norm(x, 2, w, b, 1e-5), (4, 3, 5), (3, 5), (3, 5)),
    _norm("group-and-instance-norm", "groups without weights", {"F.group_norm": lambda x: F.group_norm(x, 2, eps=0.1),
          "GroupNorm": module("GroupNorm", 2, 6, eps=0.1, affine=False)},
          lambda x: group_norm(x, 2, None, None, 0.1), (3, 6, 4)),
    _norm("group-and-instance-norm", "instances without weights", {"F.instance_norm": lambda x: F.instance_norm(x),
          "InstanceNorm2d": module("InstanceNorm2d", 3),
          "one by one": lambda x: torch.stack([nn.InstanceNorm2d(3)(sample) for sample in x])},
          lambda x: group_norm(x, 3, None, None), (2, 3, 4, 5)),
    _norm("group-and-instance-norm", "one sample of InstanceNorm1d",
          {"InstanceNorm1d": lambda x: nn.InstanceNorm1d(3, eps=0.1)(x)},
          lambda x: group_norm(x[None], 3, None, None, 0.1)[0], (3, 7)),
    _norm("group-and-instance-norm", "LocalResponseNorm by its defaults",
          {"F.local_response_norm": lambda x: F.local_response_norm(x.contiguous() * 99, 3),
           "LocalResponseNorm": lambda x: nn.LocalResponseNorm(3)(x.contiguous() * 99)},
          lambda x: local_response_norm(x * 99, 3, 1e-4, 0.75, 1.0), (2, 5, 2, 3, 2)),
    _norm("rms-norm", "rms_norm by its defaults", {"F.rms_norm": lambda x: F.rms_norm(x, (5,)),
          "RMSNorm": lambda x: nn.RMSNorm(5, elementwise_affine=False, dtype=x.dtype)(x)}, _rms, (4, 5), since="2.4"),
    _norm("rms-norm", "rms_norm with a weight", {"F.rms_norm": lambda x, w: F.rms_norm(x, (3, 5), w, 0.5),
          "RMSNorm": lambda x, w: put(nn.RMSNorm((3, 5), 0.5, dtype=x.dtype), weight=host.array(w))(x)},
          lambda x, w: _rms(x, w, 0.5, 2), (4, 3, 5), (3, 5), since="2.4"),
    *[
        _norm("batchnorm", f"batch_norm of {shape}, weights {weighted}",
              {"F.batch_norm": lambda x, *w: F.batch_norm(x, None, None, *w, training=True, eps=0.1)},
              lambda x, *w: oracle.batch_norm(x, *oracle.batch_moments(x)[:2], *(w or (None, None)), 0.1),
              shape, *([(3,), (3,)] if weighted else []))
        for shape in ((6, 3), (4, 3, 5), (2, 3, 2, 4), (2, 3, 2, 3, 2))
        for weighted in (False, True)
    ],
]  # fmt: skip


@pytest.mark.parametrize("row", marked(ROWS))
def test_a_norm_is_its_formula(subject, row):
    judge_row(subject, row)


@check("layer.batchnorm")
@pytest.mark.parametrize("momentum", [0.0, 1.0, 0.25, None])
def test_what_a_batch_norm_remembers(subject, momentum):
    layer = nn.BatchNorm1d(3, momentum=momentum).double().to(subject.device)
    mean, var = np.zeros(3), np.ones(3)
    for turn in range(4):
        x = normal(turn + 1, (5, 3)) * (turn + 1)
        layer(contiguous(x, "float64").on(subject))
        share = 1 / (turn + 1) if momentum is None else momentum
        mean, var = mean + share * (x.mean(0) - mean), var + share * (x.var(0, ddof=1) - var)
        assert_values(f"running_mean after batch {turn + 1}, momentum={momentum}", layer.running_mean, mean, ERROR, 4.0)
        assert_values(f"running_var after batch {turn + 1}, momentum={momentum}", layer.running_var, var, ERROR, 30.0)
        x = normal(50, (5, 3))
        given = contiguous(x, "float64").on(subject)
        wanted = oracle.batch_norm(x, mean, var, np.ones(3), np.zeros(3), 1e-5)
        out = F.batch_norm(given, layer.running_mean, layer.running_var)
        bound = 10 + 300 * np.abs(wanted)
        assert_values("F.batch_norm without training", out, wanted, ERROR, bound)
        assert_values("BatchNorm1d in evaluation", layer.eval()(given), wanted, ERROR, bound)
        layer.train()


@check("layer.batchnorm")
@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d])
def test_a_batch_norm_forgets_on_demand(subject, kind):
    layer = kind(3).to(subject.device)
    layer(
        torch.arange(24.0, device=subject.device).reshape(
            2, 3, *[4, 1, 1][: {nn.BatchNorm1d: 1, nn.BatchNorm2d: 2}.get(kind, 3)]
        )
    )
    layer.reset_running_stats()
    assert_values("running_mean after reset_running_stats", layer.running_mean, np.zeros(3))
    assert_values("running_var after reset_running_stats", layer.running_var, np.ones(3))
    require(int(layer.num_batches_tracked) == 0, "reset_running_stats keeps the count", 0, layer.num_batches_tracked)
    with torch.no_grad():
        layer.weight.fill_(3.0)
        layer.bias.fill_(3.0)
    layer.reset_parameters()
    assert_values("the weight after reset_parameters", layer.weight, np.ones(3))
    assert_values("the bias after reset_parameters", layer.bias, np.zeros(3))


@check("layer.batchnorm")
def test_the_functional_batch_norm_updates_what_it_is_given(subject):
    x = normal(1, (6, 3, 4))
    mean, var, count = oracle.batch_moments(x)
    kept = [contiguous(v, "float64").on(subject) for v in (np.full(3, 2.0), np.full(3, 5.0))]
    F.batch_norm(contiguous(x, "float64").on(subject), *kept, training=True, momentum=0.3)
    assert_values("running_mean of F.batch_norm", kept[0], 0.7 * 2 + 0.3 * mean, ERROR, 4.0)
    assert_values("running_var of F.batch_norm", kept[1], 0.7 * 5 + 0.3 * var * count / (count - 1), ERROR, 10.0)


@check("layer.batchnorm")
def test_a_norm_refuses_other_dimensions(subject):
    shapes = [(4, 3), (4, 3, 5), (4, 3, 5, 2), (4, 3, 2, 2, 2)]
    for kind, right in (("BatchNorm1d", (2, 3)), ("BatchNorm2d", (4,)), ("BatchNorm3d", (5,)),
                        ("InstanceNorm1d", (2, 3)), ("InstanceNorm2d", (3, 4)),
                        ("InstanceNorm3d", (4, 5))):  # fmt: skip
        layer = getattr(nn, kind)(3).to(subject.device)
        for shape in (s for s in shapes if len(s) not in right):
            x = torch.ones(shape, device=subject.device)
            assert_raises(f"{kind} of {len(shape)} dimensions", ValueError, lambda x=x, layer=layer: layer(x))
    assert_raises("GroupNorm(2, 5)", ValueError, lambda: nn.GroupNorm(2, 5))
    assert_raises("LayerNorm of another size", RuntimeError, lambda: nn.LayerNorm(4)(torch.ones(3, 5)))
    assert_raises("more channels", (RuntimeError, ValueError), lambda: nn.BatchNorm2d(3)(torch.ones(2, 4, 3, 3)))


@check("layer.group-and-instance-norm")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_instance_norms_that_track_use_what_they_remember(subject, n):
    kind, sides = f"InstanceNorm{n}d", (4, 3, 2)[:n]
    axes, spread = tuple(range(2, n + 2)), (-1, *[1] * n)
    layer = (
        getattr(nn, kind)(3, momentum=0.3, eps=0.1, track_running_stats=True, affine=True).double().to(subject.device)
    )
    put(layer, weight=normal(8, (3,)), bias=normal(9, (3,)))
    mean, var = np.zeros(3), np.ones(3)
    for turn in range(3):
        x = normal(turn + 1, (2, 3, *sides)) + turn
        given = contiguous(x, "float64").on(subject)
        wanted = group_norm(x, 3, normal(8, (3,)), normal(9, (3,)), 0.1)
        assert_values(f"{kind} in training", layer.train()(given), wanted, ERROR, 30.0, dtype="float64")
        mean = 0.7 * mean + 0.3 * x.mean(axes).mean(0)
        var = 0.7 * var + 0.3 * x.var(axes, ddof=1).mean(0)
        assert_values(f"the running_mean of {kind}", layer.running_mean, mean, ERROR, 10.0)
        assert_values(f"the running_var of {kind}", layer.running_var, var, ERROR, 30.0)
        rested = (x - mean.reshape(spread)) / np.sqrt(var.reshape(spread) + 0.1)
        rested = rested * normal(8, (3,)).reshape(spread) + normal(9, (3,)).reshape(spread)
        assert_values(f"{kind} in evaluation", layer.eval()(given), rested, ERROR, 30.0, dtype="float64")
        assert_values(f"{kind} of one sample in evaluation", layer(given[1]), rested[1], ERROR, 30.0)
        assert_values(f"the running_mean of {kind} after evaluation", layer.running_mean, mean, ERROR, 10.0)
    require(getattr(nn, kind)(3).running_mean is None and getattr(nn, kind)(3).weight is None,
            f"{kind} tracks or has weights by default")  # fmt: skip


@check("layer.response-norm-layouts")
def test_local_response_norm_of_five_dimensions_in_any_layout(subject):
    values = normal(1, (2, 5, 2, 3, 2))
    for recipe in layouts(values, "float64", DENSE):
        out = F.local_response_norm(recipe.on(subject), 3, 0.5, 0.75, 2.0)
        wanted = local_response_norm(values, 3, 0.5, 0.75, 2.0)
        assert_values(f"local_response_norm of strides {recipe.strides}", out, wanted, ERROR, 4.0, dtype="float64")


DROPS = {"dropout": (nn.Dropout, (50, 20)), "dropout1d": (nn.Dropout1d, (30, 20, 4)),
         "dropout2d": (nn.Dropout2d, (30, 20, 2, 3)), "dropout3d": (nn.Dropout3d, (30, 20, 2, 1, 3)),
         "alpha_dropout": (nn.AlphaDropout, (50, 20)),
         "feature_alpha_dropout": (nn.FeatureAlphaDropout, (30, 20, 2, 3))}  # fmt: skip


@check("layer.dropout")
@pytest.mark.parametrize("name", DROPS)
def test_every_dropout_in_place_and_in_evaluation(subject, name):
    kind, shape = DROPS[name]
    function, values = getattr(F, name), normal(1, shape)
    x = contiguous(values, "float64").on(subject)
    for call, out in ((f"F.{name}(training=False)", function(x, 0.5, training=False)),
                      (kind.__name__, kind(0.5).eval()(x)),
                      (f"F.{name}(0)", function(x, 0.0, training=True))):  # fmt: skip
        assert_values(f"{call} that drops nothing", out, values, dtype="float64")
    y = x.clone()
    require(function(y, 0.5, training=True, inplace=True) is y, f"F.{name}(inplace=True) returns another tensor")
    require((host.array(y) != values).any(), f"F.{name}(inplace=True) leaves its input")
    before = Unchanged(x=x)
    function(x, 0.5, training=True)
    before.check(f"F.{name}")
    y = x.clone().requires_grad_()
    out = function(y, 0.5, training=False)
    out.sum().backward()
    assert_values(f"the gradient of F.{name} in evaluation", y.grad, np.ones(shape))
    for bad in (-0.1, 1.1):
        assert_raises(f"F.{name}(p={bad})", ValueError, lambda bad=bad: function(x, bad, training=True))
        assert_raises(f"{kind.__name__}(p={bad})", ValueError, lambda bad=bad: kind(bad))


@check("layer.dropout")
@pytest.mark.parametrize("name", DROPS)
def test_what_a_dropout_does_by_default(subject, name):
    function, values = getattr(F, name), normal(1, DROPS[name][1])
    x = contiguous(values, "float64").on(subject)
    if "alpha" not in name:
        assert_values(f"F.{name}(1)", function(x, 1.0, training=True), values * 0, dtype="float64")
        out = function(torch.ones_like(x), 0.5)
        require(float(out.max()) == 2 and float(out.min()) == 0, f"F.{name} does not train by default")
    else:
        assert_values(f"F.{name} without training", function(x, 0.5), values)


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=check("layer.alpha-dropout-in-place" if "Alpha" in k.__name__ else "layer.dropout"),
                          id=k.__name__) for k, _ in DROPS.values()]
)  # fmt: skip
def test_a_dropout_module_works_in_place_if_told(subject, kind):
    x = torch.ones(30, 20, 2, 3, device=subject.device)
    x = x[..., 0, 0] if kind is nn.Dropout1d else x
    require(kind(0.5, inplace=True)(x) is x, f"{kind.__name__}(inplace=True) returns another tensor")
    require(not x.eq(1).all(), f"{kind.__name__}(inplace=True) leaves its input")


@check("layer.dropout")
def test_channel_dropout_of_one_sample(subject):
    for n in (1, 2, 3):
        sides, name = (4, 3, 2)[:n], f"dropout{n}d"
        if n == 2:  # which takes three dimensions for a batch of one side
            continue
        out = host.array(getattr(F, name)(torch.ones(60, *sides, device=subject.device), 0.5)).reshape(60, -1)
        require((out == out[:, :1]).all(), f"{name} of one sample drops parts of channels")
        require(0.2 < (out[:, 0] == 0).mean() < 0.8, f"{name} of one sample drops another share", 0.5, out[:, 0])

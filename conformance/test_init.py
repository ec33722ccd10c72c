"""Initialisers: bounds exactly, distributions by statistics."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.chance import assert_distribution, numbers
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import init as oracle
from conformance.oracle import random as chances
from properties.strategies.recipe import DENSE, layouts

pytestmark = must_answer

SHAPES = ((60, 90), (90, 60), (30, 20, 3, 3), (8, 40, 5), (1, 700), (700, 1))


def assert_uniform(call, out, bound):
    """Within the bound, and uniform up to it."""
    draws = numbers(call, out)
    require((np.abs(draws) <= bound * (1 + 1e-6)).all(), f"{call} leaves +-{bound:.4f}", bound, np.abs(draws).max())
    assert_distribution(call, draws, chances.uniform(-bound, bound), lattice=1e-6)


def weights(subject, shape, dtype="float32"):
    """Parameters of that shape in every layout."""
    for recipe in layouts(np.full(shape, 7.0), dtype, DENSE):
        yield recipe.on(subject).requires_grad_()


INITIALISERS = {
    "xavier_normal_": (
        "init.xavier-normal",
        lambda s, **k: chances.normal(0, oracle.xavier_std(s, **k)),
        ({}, {"gain": 2.0}),
    ),
    "xavier_uniform_": ("init.xavier-uniform", lambda s, **k: oracle.xavier_bound(s, **k), ({}, {"gain": 0.5})),
    "kaiming_normal_": (
        "init.kaiming",
        lambda s, mode="fan_in", a=0.0, nonlinearity="leaky_relu": chances.normal(
            0, oracle.kaiming_std(s, _gain(nonlinearity, a), mode)
        ),
        ({}, {"mode": "fan_out"}, {"nonlinearity": "relu"}, {"a": 2.0}, {"nonlinearity": "linear", "mode": "fan_out"}),
    ),
    "kaiming_uniform_": (
        "init.kaiming",
        lambda s, mode="fan_in", a=0.0, nonlinearity="leaky_relu": oracle.kaiming_bound(
            s, _gain(nonlinearity, a), mode
        ),
        ({}, {"mode": "fan_out"}, {"nonlinearity": "tanh"}, {"a": math.sqrt(5)}),
    ),
}


def _gain(nonlinearity, slope):
    return oracle.leaky_gain(slope) if nonlinearity == "leaky_relu" else oracle.GAINS[nonlinearity]


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(row[0])) for name, row in INITIALISERS.items()])
def test_an_initialiser_draws_with_its_scale(subject, name):
    _, form, rows = INITIALISERS[name]
    for options in rows:
        for shape in SHAPES:
            for w in weights(subject, shape):
                call = f"{name}({shape}, {options}) of strides {w.stride()}"
                require(getattr(nn.init, name)(w, **options) is w, f"{call} does not return its tensor")
                wanted = form(shape, **options)
                assert_uniform(call, w, wanted) if isinstance(wanted, float) else assert_distribution(
                    call, numbers(call, w), wanted, 1e-6
                )
                require(w.is_leaf and w.requires_grad and w.grad_fn is None, f"{call} records itself in the graph")


@check("init.xavier-uniform-name")
def test_the_deprecated_names_still_work(subject):
    for name, bound in (
        ("xavier_uniform", oracle.xavier_bound((60, 90))),
        ("kaiming_uniform", oracle.kaiming_bound((60, 90))),
    ):
        w = torch.zeros(60, 90, device=subject.device, requires_grad=True)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            out = getattr(nn.init, name)(w)
        require(
            any(issubclass(c.category, (FutureWarning, UserWarning, DeprecationWarning)) for c in caught),
            f"{name} does not warn",
        )
        require(out is w, f"{name} does not work in place")
        assert_uniform(name, w, bound)


@check("init.fans")
def test_fewer_than_two_dimensions_have_no_fans(subject):
    for shape in ((), (5,)):
        for name in ("xavier_normal_", "xavier_uniform_", "kaiming_normal_", "kaiming_uniform_"):
            w = torch.full(shape, 7.0, device=subject.device)
            assert_raises(f"{name} of shape {shape}", ValueError, lambda name=name, w=w: getattr(nn.init, name)(w))
            require((host.array(w) == 7).all(), f"{name} changes a tensor that it refuses")


@check("init.gain")
def test_gains_are_those_of_the_table(subject):
    for name, gain in oracle.GAINS.items():
        found = nn.init.calculate_gain(name)
        require(abs(found - gain) <= 1e-15 * gain, f"calculate_gain({name!r})", gain, found)
    for slope in (0.0, 0.01, 0.2, 2.0, 1):
        found = nn.init.calculate_gain("leaky_relu", slope)
        require(
            abs(found - oracle.leaky_gain(slope)) <= 1e-15,
            f"calculate_gain('leaky_relu', {slope})",
            oracle.leaky_gain(slope),
            found,
        )
    require(
        abs(nn.init.calculate_gain("leaky_relu") - oracle.leaky_gain(0.01)) < 1e-15, "the default slope is not 0.01"
    )
    assert_raises("calculate_gain('nothing')", ValueError, lambda: nn.init.calculate_gain("nothing"))


@check("init.constant")
def test_constants_fill_every_layout(subject):
    for shape in ((3, 4), (2, 3, 2, 2), (33, 2), (5, 1)):
        for dtype in ("float32", "float64"):
            fills = {"constant_": ((0.3,), 0.3), "zeros_": ((), 0.0), "ones_": ((), 1.0)}
            for name, (arguments, value) in fills.items():
                for w in weights(subject, shape, dtype):
                    require(getattr(nn.init, name)(w, *arguments) is w, f"{name} does not return its tensor")
                    assert_values(f"{name} of strides {w.stride()}", w, np.full(shape, value, dtype))
    for w in weights(subject, (4, 6)):
        require(nn.init.eye_(w) is w, "eye_ does not return its tensor")
        assert_values("eye_", w, np.eye(4, 6))
    assert_raises(
        "eye_ of three dimensions", ValueError, lambda: nn.init.eye_(torch.zeros(2, 2, 2, device=subject.device))
    )


@check("init.plain-draws")
def test_plain_draws_have_their_moments(subject):
    for w in weights(subject, (70, 60)):
        require(nn.init.uniform_(w, -2, 3) is w, "uniform_ does not return its tensor")
        assert_distribution("init.uniform_(-2, 3)", numbers("uniform_", w), chances.uniform(-2, 3), 1e-6)
        require(nn.init.normal_(w, 1, 0.5) is w, "normal_ does not return its tensor")
        assert_distribution("init.normal_(1, 0.5)", numbers("normal_", w), chances.normal(1, 0.5), 1e-6)
        require(nn.init.trunc_normal_(w, 1, 0.5, 0.25, 2.0) is w, "trunc_normal_ does not return its tensor")
        inner = chances.normal(1, 0.5)
        low, high = inner(np.array([0.25, 2.0]))
        draws = numbers("trunc_normal_", w)
        require(
            ((draws >= 0.25) & (draws <= 2.0)).all(),
            "trunc_normal_ leaves its cuts",
            (0.25, 2.0),
            (draws.min(), draws.max()),
        )
        assert_distribution("trunc_normal_", draws, lambda x, low=low, high=high: (inner(x) - low) / (high - low), 1e-5)


@check("init.orthogonal")
def test_orthogonal_gives_orthonormal_rows(subject):
    for shape in ((5, 5), (3, 7), (7, 3), (4, 2, 3), (33, 20)):
        for gain in (1.0, 2.5):
            w = torch.zeros(shape, dtype=torch.float64, device=subject.device, requires_grad=True)
            require(nn.init.orthogonal_(w, gain) is w, "orthogonal_ does not return its tensor")
            q = host.array(w).reshape(shape[0], -1) / gain
            product = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
            n = max(q.shape)
            assert_values(
                f"Q Q^T of orthogonal_({shape})",
                host.tensor(product, "float64"),
                np.eye(len(product)),
                INNER.over(20 * n),
                1.0,
            )
    assert_raises(
        "orthogonal_ of one dimension", ValueError, lambda: nn.init.orthogonal_(torch.zeros(5, device=subject.device))
    )


@check("init.leaves-graph-alone")
def test_initialisers_record_nothing(subject):
    w = torch.ones(4, 5, device=subject.device, requires_grad=True)
    for name, arguments in (
        ("xavier_normal_", ()),
        ("kaiming_uniform_", ()),
        ("constant_", (2.0,)),
        ("zeros_", ()),
        ("normal_", ()),
        ("orthogonal_", ()),
    ):
        getattr(nn.init, name)(w, *arguments)
        require(
            w.is_leaf and w.grad_fn is None and w.requires_grad and w.grad is None,
            f"{name} leaves a trace in the graph",
        )
    require(torch.is_grad_enabled(), "an initialiser leaves gradients switched off")
    (w * w).sum().backward()
    assert_values("the gradient after initialisation", w.grad, 2 * host.array(w))


@check("init.default-linear-range")
def test_a_linear_layer_starts_uniform(subject):
    for n_in, n_out in ((2, 4000), (5, 2000), (300, 20)):
        torch.manual_seed(n_in)
        layer = nn.Linear(n_in, n_out).to(subject.device)
        for name in ("weight", "bias"):
            assert_uniform(f"the {name} of Linear({n_in}, {n_out})", getattr(layer, name), 1 / math.sqrt(n_in))


@check("init.default-conv-range")
def test_a_convolution_starts_uniform(subject):
    for n_in, n_out, kernel, groups in ((3, 800, 3, 1), (4, 800, (1, 5), 2), (1, 900, 2, 1)):
        torch.manual_seed(n_out)
        layer = nn.Conv2d(n_in, n_out, kernel, groups=groups).to(subject.device)
        size = kernel**2 if isinstance(kernel, int) else math.prod(kernel)
        for name in ("weight", "bias"):
            assert_uniform(
                f"the {name} of Conv2d({n_in}, {n_out}, {kernel}, groups={groups})",
                getattr(layer, name),
                1 / math.sqrt(n_in // groups * size),
            )


@check("init.manual-xavier-std")
def test_xavier_by_hand(subject):
    std, draws = math.sqrt(2) / math.sqrt(7.0), []
    for _ in range(300):
        linear = nn.Linear(3, 4).to(subject.device)
        linear.weight.data.normal_(0, std)
        draws.append(numbers("weight", linear.weight))
    assert_distribution(
        "weight.data.normal_(0, std)", np.stack(draws), chances.normal(0, oracle.xavier_std((4, 3))), 1e-6
    )
    linear = nn.Linear(3, 4).to(subject.device)
    before = host.array(linear.weight)
    assert_raises("weight.normal_()", RuntimeError, lambda: linear.weight.normal_(0, std))
    assert_values("the weight after a refused normal_", linear.weight, before)


def nested(subject):
    return nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Linear(2, 3)), nn.Linear(3, 1)).to(subject.device)


@check("init.apply-is-recursive")
def test_apply_visits_children_first(subject):
    net, seen = nested(subject), []
    require(net.apply(lambda m: seen.append(m)) is net, "apply does not return the net")
    wanted = [net[0], net[1][0], net[1][1], net[1], net[2], net]
    require(
        len(seen) == 6 and all(a is b for a, b in zip(seen, wanted, strict=True)),
        "apply visits in another order",
        [type(m).__name__ for m in wanted],
        [type(m).__name__ for m in seen],
    )


@check("init.init-weights-example")
def test_the_notes_init_weights(subject):
    def init_weights(m):
        if type(m) is nn.Linear:
            nn.init.xavier_uniform_(m.weight)
            m.bias.data.fill_(0.01)

    net = nested(subject)
    net.apply(init_weights)
    for layer in (net[0], net[1][1], net[2]):
        assert_values("a bias after init_weights", layer.bias, np.full(layer.bias.shape, np.float32(0.01)))
        bound = oracle.xavier_bound(tuple(layer.weight.shape))
        require(
            (np.abs(host.array(layer.weight)) <= bound * (1 + 1e-6)).all(),
            "a weight after init_weights leaves its bound",
        )
        require(layer.bias.requires_grad, "a bias filled through .data no longer requires grad")


@check("init.note-name-torch-and-t")
def test_an_alias_does_not_bind_the_full_name(subject):
    names = {}
    exec("import torch as t", names)
    require(names["t"] is torch, "the alias is another module")
    assert_raises(
        "torch.nn after 'import torch as t'", NameError, lambda: exec("torch.nn.init.zeros_(t.ones(1))", names)
    )

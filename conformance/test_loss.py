"""Losses against their formulas: reductions, options, layouts, shapes and gradients."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as oracle
from conformance.tables.loss_inputs import KINDS, classes, scores
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts
from properties.strategies.values import random_normal, rounded

pytestmark = must_answer
SHAPES = ((5,), (3, 4), (2, 17), (2, 3, 4, 5), (), (1, 10))
MODULES = {
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
}


def operands(name, shape, dtype):
    """Input and target in the loss's domain."""
    x, y = (random_normal(seed, dtype, shape).astype(np.float64) * 1.5 for seed in (1, 2))
    if name.startswith("binary"):
        y = 1 / (1 + np.exp(-y))
        x = 1 / (1 + np.exp(-x)) if name == "binary_cross_entropy" else x
    return rounded(x, dtype), rounded(y, dtype)


def allowed(values, count):
    return INNER.over(2 * count + 40), np.abs(values) + 2


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=check("loss.mse-formula" if n == "mse_loss" else "loss.elementwise")) for n in MODULES],
)
def test_an_elementwise_loss_is_its_formula(subject, name, dtype):
    for shape in SHAPES:
        x, y = operands(name, shape, dtype)
        losses = oracle.LOSSES[name](x.astype(np.float64), y.astype(np.float64))
        for turn, rx in enumerate(layouts(x, dtype, DENSE)):
            ry = LAYOUTS["transposed" if turn % 2 else "stepped"](y, dtype)
            for reduction in ("mean", "sum", "none"):
                given, target = rx.on(subject), ry.on(subject)
                before = Unchanged(input=given, target=target)
                wanted = np.asarray(oracle.reduced(losses, reduction))
                error, scale = allowed(losses.sum() if reduction == "sum" else wanted, losses.size)
                module = getattr(nn, MODULES[name])(reduction=reduction)
                for call, out in (
                    (f"F.{name}", getattr(F, name)(given, target, reduction=reduction)),
                    (MODULES[name], module(given, target)),
                ):
                    assert_values(
                        f"{call}(reduction={reduction!r}) of {dtype} {shape}", out, wanted, error, scale, dtype=dtype
                    )
                before.check(name)
        default = getattr(F, name)(contiguous(x, dtype).on(subject), contiguous(y, dtype).on(subject))
        assert_values(
            f"{name} by default", default, np.asarray(losses.mean()), *allowed(losses.mean(), losses.size), dtype=dtype
        )


@check("loss.elementwise")
def test_weights_of_binary_losses(subject):
    for name in ("binary_cross_entropy", "binary_cross_entropy_with_logits"):
        x, y = operands(name, (3, 4), "float64")
        weight = np.arange(1.0, 5.0)
        wanted = oracle.LOSSES[name](x, y) * weight
        out = getattr(F, name)(*(contiguous(v, "float64").on(subject) for v in (x, y, weight)), reduction="none")
        assert_values(f"{name} with weights", out, wanted, INNER.over(60), np.abs(wanted) + 4)
    x, y = operands("binary_cross_entropy_with_logits", (3, 4), "float64")
    positive = np.array([0.5, 1, 2, 4])
    wanted = -(positive * y * -np.log1p(np.exp(-x)) + (1 - y) * -np.log1p(np.exp(x)))
    out = F.binary_cross_entropy_with_logits(
        *(contiguous(v, "float64").on(subject) for v in (x, y)),
        pos_weight=contiguous(positive, "float64").on(subject),
        reduction="none",
    )
    assert_values("binary_cross_entropy_with_logits with pos_weight", out, wanted, INNER.over(60), np.abs(wanted) + 8)
    ends = torch.tensor([0.0, 1.0, 0.0, 1.0], device=subject.device)
    out = F.binary_cross_entropy(ends, torch.tensor([0.0, 1.0, 1.0, 0.0], device=subject.device), reduction="none")
    assert_values("binary_cross_entropy at 0 and 1", out, np.array([0.0, 0.0, 100.0, 100.0]))
    large = torch.tensor([1000.0, -1000.0], device=subject.device)
    out = F.binary_cross_entropy_with_logits(large, torch.tensor([0.0, 0.0], device=subject.device), reduction="none")
    assert_values("binary_cross_entropy_with_logits of large scores", out, np.array([1000.0, 0.0]))


@check("loss.elementwise")
def test_thresholds_of_smooth_losses(subject):
    x = np.concatenate([np.linspace(-4, 4, 33), [1.0, -1.0, 2.0, -2.0]])
    zero = np.zeros(x.shape)
    for delta in (0.5, 1.0, 2.0):
        size = np.abs(x)
        huber = np.where(size < delta, 0.5 * x**2, delta * (size - 0.5 * delta))
        smooth = np.where(size < delta, 0.5 * x**2 / delta, size - 0.5 * delta)
        given, target = contiguous(x, "float64").on(subject), contiguous(zero, "float64").on(subject)
        assert_values(
            f"huber_loss(delta={delta})",
            F.huber_loss(given, target, reduction="none", delta=delta),
            huber,
            INNER.over(8),
            10.0,
        )
        assert_values(
            f"smooth_l1_loss(beta={delta})",
            F.smooth_l1_loss(given, target, reduction="none", beta=delta),
            smooth,
            INNER.over(8),
            10.0,
        )


@check("loss.mse-is-scalar")
def test_the_loss_is_a_scalar(subject):
    out = nn.MSELoss()(torch.ones(1, 10, device=subject.device), torch.zeros(1, 10, device=subject.device))
    assert_tensor("MSELoss", out, "float32", ())
    require(out.item() == 1.0, "MSELoss of ones and zeros", 1.0, out.item())
    assert_tensor(
        "MSELoss(reduction='none')",
        nn.MSELoss(reduction="none")(torch.ones(2, 3), torch.zeros(2, 3)),
        "float32",
        (2, 3),
    )
    assert_raises(
        "MSELoss(reduction='average')",
        ValueError,
        lambda: nn.MSELoss(reduction="average")(torch.ones(3), torch.ones(3)),
    )


@check("loss.mse-integer-target")
def test_an_integer_target_is_promoted(subject):
    for dtype in KINDS:
        x = contiguous(np.linspace(0, 1, 10).reshape(1, 10), dtype).on(subject).requires_grad_()
        loss = nn.MSELoss()(x, torch.arange(0, 10, device=subject.device).view(1, 10))
        wanted = ((host.array(x).astype(np.float64) - np.arange(10)) ** 2).mean()
        assert_values("MSELoss of an integer target", loss, np.asarray(wanted), INNER.over(40), 40.0, dtype=dtype)
        loss.backward()
        assert_values(
            "its gradient",
            x.grad,
            0.2 * (host.array(x).astype(np.float64) - np.arange(10)),
            INNER.over(20),
            4.0,
            dtype=dtype,
        )


@check("loss.target-reshaped-to-output")
def test_view_gives_the_target_its_shape(subject):
    target = torch.arange(10.0, device=subject.device)
    require(tuple(target.size()) == (10,) and tuple(target.view(1, -1).size()) == (1, 10), "the shapes of the target")
    assert_values("the reshaped target", target.view(1, -1), np.arange(10.0)[None])


@check("loss.target-shape-required")
def test_another_shape_warns_and_broadcasts(subject):
    x, y = np.linspace(0, 1, 10), np.linspace(2, 5, 10)
    for left, right, warned in (((1, 10), (10,), True), ((10, 1), (10,), True), ((1, 10), (1, 10), False)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            out = F.mse_loss(
                contiguous(x.reshape(left), "float64").on(subject), contiguous(y.reshape(right), "float64").on(subject)
            )
        require(
            bool(caught) == warned, f"mse_loss of {left} and {right}: warned is {bool(caught)}", warned, bool(caught)
        )
        wanted = ((x.reshape(left) - y.reshape(right)) ** 2).mean()
        assert_values(f"mse_loss of {left} and {right}", out, np.asarray(wanted), INNER.over(220), 30.0)
    assert_raises(
        "mse_loss of sizes that do not broadcast", RuntimeError, lambda: F.mse_loss(torch.ones(3), torch.ones(4))
    )


def loss_of(name, y, reduction):
    """The oracle's loss as a function of its input alone."""
    if name == "cross_entropy":
        return lambda x: oracle.cross_entropy(x, y, reduction=reduction)
    return lambda x: oracle.reduced(oracle.LOSSES[name](x, y), reduction)


@check("loss.gradients")
@pytest.mark.parametrize("name", [*MODULES, "cross_entropy"])
def test_gradients_of_losses(subject, name):
    """Central differences of the formula; the step's own error is h^2, and that of rounding eps / h."""
    for reduction in ("mean", "sum"):
        chosen = name == "cross_entropy"
        x, y = (scores((4, 5)), classes((4,), 5)) if chosen else operands(name, (3, 4), "float64")
        form = loss_of(name, y, reduction)
        h, wanted = 2.0**-17, np.zeros(x.shape)
        for place in np.ndindex(*x.shape):
            step = np.zeros(x.shape)
            step[place] = h
            wanted[place] = (form(x + step) - form(x - step)) / (2 * h)
        for recipe in layouts(x, "float64", DENSE):
            given = recipe.on(subject).requires_grad_()
            target = contiguous(y, "int64" if chosen else "float64").on(subject)
            getattr(F, name)(given, target, reduction=reduction).backward()
            # 1e-8 as a number of roundings of 1: the differences' own error, and some.
            call, size = f"the gradient of {name}(reduction={reduction!r})", 1 + np.abs(wanted) * 8
            assert_values(call, given.grad, wanted, INNER.over(2.0**27), size)


@check("loss.note-uses-undefined-output")
def test_an_undefined_name_is_an_error(subject):
    names = {"nn": nn, "out": torch.ones(1, 10, device=subject.device)}
    assert_raises("the snippet with output", NameError, lambda: exec("nn.MSELoss()(output, out)", names))
    exec("loss = nn.MSELoss()(out, out)", names)
    require(names["loss"].item() == 0, "the loss of equal tensors is not 0")

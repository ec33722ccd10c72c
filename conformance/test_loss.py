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
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts
from properties.strategies.values import random_normal, rounded

pytestmark = must_answer

KINDS = ("float64", "float32")
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


def scores(shape, dtype="float64", seed=1):
    return random_normal(seed, dtype, shape).astype(np.float64) * 2


def classes(shape, count, seed=0):
    return np.random.default_rng(seed).integers(0, count, shape)


@check("loss.cross-entropy-for-classification")
@pytest.mark.parametrize("dtype", KINDS)
def test_cross_entropy_of_class_indices(subject, dtype):
    for n, count in ((1, 2), (5, 3), (4, 10), (17, 33), (3, 1)):
        x, target = scores((n, count), dtype), classes((n,), count)
        for recipe in layouts(x, dtype, LAYOUTS):
            t = LAYOUTS["stepped"](target, "int64").on(subject)
            for reduction in ("mean", "sum", "none"):
                wanted = oracle.cross_entropy(recipe.array.astype(np.float64), target, reduction=reduction)
                given = recipe.on(subject)
                before = Unchanged(input=given, target=t)
                for call, out in (
                    ("F.cross_entropy", F.cross_entropy(given, t, reduction=reduction)),
                    ("CrossEntropyLoss", nn.CrossEntropyLoss(reduction=reduction)(given, t)),
                ):
                    assert_values(
                        f"{call}(reduction={reduction!r}) of ({n}, {count})",
                        out,
                        np.asarray(wanted),
                        INNER.over(n + count + 20),
                        np.abs(wanted) + 10 * (n if reduction == "sum" else 1),
                        dtype=dtype,
                    )
                before.check("cross_entropy")
    one = F.cross_entropy(contiguous(scores((4,)), "float64").on(subject), torch.tensor(2, device=subject.device))
    assert_values(
        "cross_entropy of one sample",
        one,
        np.asarray(oracle.cross_entropy(scores((4,))[None], np.array([2]))),
        INNER.over(30),
        10.0,
    )
    large = torch.tensor([[1000.0, 0.0], [0.0, -1000.0]], device=subject.device)
    assert_values(
        "cross_entropy of large scores",
        F.cross_entropy(large, torch.tensor([1, 0], device=subject.device), reduction="none"),
        np.array([1000.0, 0.0]),
    )


@check("loss.cross-entropy-options")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_with_its_options(subject, reduction):
    weight = np.array([0.5, 1.0, 2.0, 0.25])
    for shape in ((6, 4), (2, 4, 3), (2, 4, 3, 2)):
        x, target = scores(shape), classes((shape[0], *shape[2:]), 4)
        ignored = np.where(np.arange(target.size).reshape(target.shape) % 3 == 1, -100, target)
        rows = (({}, target), ({"weight": weight}, target), ({"ignore_index": 2}, target), ({}, ignored), ({"label_smoothing": 0.2}, target),
                ({"weight": weight, "label_smoothing": 0.3}, target), ({"weight": weight, "ignore_index": 1}, target), ({"ignore_index": 0, "label_smoothing": 0.1}, target))  # fmt: skip
        for options, t in rows:
            if "weight" in options and "label_smoothing" in options and reduction == "mean":
                continue  # the documentation leaves open what the smoothed part is divided by
            formula = {
                {"ignore_index": "ignore", "label_smoothing": "smoothing"}.get(k, k): v for k, v in options.items()
            }
            wanted = np.asarray(oracle.cross_entropy(x, t, reduction=reduction, **formula))
            given = {k: contiguous(v, "float64").on(subject) if k == "weight" else v for k, v in options.items()}
            out = F.cross_entropy(
                LAYOUTS["transposed"](x, "float64").on(subject),
                contiguous(t, "int64").on(subject),
                reduction=reduction,
                **given,
            )
            assert_values(
                f"cross_entropy({options}, reduction={reduction!r}) of {shape}",
                out,
                wanted,
                INNER.over(200),
                np.abs(wanted) + 20,
            )
        soft = oracle.softmax(scores(shape, seed=5), 1)
        for options in ({}, {"weight": weight}, {"label_smoothing": 0.2}):
            formula = {{"label_smoothing": "smoothing"}.get(k, k): v for k, v in options.items()}
            wanted = np.asarray(oracle.cross_entropy(x, soft, reduction=reduction, **formula))
            given = {k: contiguous(v, "float64").on(subject) if k == "weight" else v for k, v in options.items()}
            out = F.cross_entropy(
                contiguous(x, "float64").on(subject),
                contiguous(soft, "float64").on(subject),
                reduction=reduction,
                **given,
            )
            assert_values(
                f"cross_entropy of probabilities ({options}, reduction={reduction!r}) of {shape}",
                out,
                wanted,
                INNER.over(200),
                np.abs(wanted) + 20,
            )


@check("loss.nll")
def test_nll_picks_the_class(subject):
    weight = np.array([0.5, 1.0, 2.0])
    for shape in ((5, 3), (2, 3, 4)):
        logs, target = oracle.log_softmax(scores(shape), 1), classes((shape[0], *shape[2:]), 3)
        for w in (None, weight):
            each = -np.take_along_axis(logs, np.expand_dims(target, 1), 1).squeeze(1) * (1 if w is None else w[target])
            whole = each.sum() / (each.size if w is None else w[target].sum())
            for reduction, wanted in (("none", each), ("sum", each.sum()), ("mean", whole)):
                for recipe in layouts(logs, "float64", DENSE):
                    out = F.nll_loss(
                        recipe.on(subject),
                        contiguous(target, "int64").on(subject),
                        weight=None if w is None else contiguous(w, "float64").on(subject),
                        reduction=reduction,
                    )
                    assert_values(
                        f"nll_loss(reduction={reduction!r}) of {shape}",
                        out,
                        np.asarray(wanted),
                        INNER.over(60),
                        np.abs(wanted) + 4,
                    )


@check("loss.kl-div")
def test_kl_divergence(subject):
    x, y = oracle.log_softmax(scores((4, 5)), 1), oracle.softmax(scores((4, 5), seed=2), 1)
    y[0, 0] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(y > 0, y * (np.log(y) - x), 0.0)
    for reduction, wanted in (
        ("none", each),
        ("sum", each.sum()),
        ("batchmean", each.sum() / 4),
        ("mean", each.mean()),
    ):
        out = F.kl_div(contiguous(x, "float64").on(subject), contiguous(y, "float64").on(subject), reduction=reduction)
        assert_values(f"kl_div(reduction={reduction!r})", out, np.asarray(wanted), INNER.over(60), 10.0)


@check("loss.gradients")
@pytest.mark.parametrize("name", [*MODULES, "cross_entropy"])
def test_gradients_of_losses(subject, name):
    """Central differences of the formula; the step's own error is h^2, and that of rounding eps / h."""
    for reduction in ("mean", "sum"):
        if name == "cross_entropy":
            x, y = scores((4, 5)), classes((4,), 5)
            form = lambda v: oracle.cross_entropy(v, y, reduction=reduction)
        else:
            x, y = operands(name, (3, 4), "float64")
            form = lambda v: oracle.reduced(oracle.LOSSES[name](v, y), reduction)
        h, wanted = 2.0**-17, np.zeros(x.shape)
        for place in np.ndindex(*x.shape):
            step = np.zeros(x.shape)
            step[place] = h
            wanted[place] = (form(x + step) - form(x - step)) / (2 * h)
        for recipe in layouts(x, "float64", DENSE):
            given = recipe.on(subject).requires_grad_()
            getattr(F, name)(
                given, contiguous(y, "int64" if name == "cross_entropy" else "float64").on(subject), reduction=reduction
            ).backward()
            # 1e-8 as a number of roundings of 1: the differences' own error, and some.
            assert_values(
                f"the gradient of {name}(reduction={reduction!r})",
                given.grad,
                wanted,
                INNER.over(2.0**27),
                1 + np.abs(wanted) * 8,
            )


@check("loss.bad-target")
def test_bad_targets_are_refused(subject):
    x = torch.ones(3, 4, device=subject.device)
    for call, target in {
        "too few": torch.tensor([1, 2]),
        "a class too many": torch.tensor([1, 2, 4]),
        "a negative class": torch.tensor([0, -1, 2]),
        "float classes": torch.tensor([0.0, 1.0, 2.0]),
    }.items():
        assert_raises(
            f"cross_entropy with {call}",
            (RuntimeError, ValueError, IndexError),
            lambda target=target: F.cross_entropy(x, target.to(subject.device)),
        )
    assert_raises(
        "binary_cross_entropy of another size",
        (ValueError, RuntimeError),
        lambda: F.binary_cross_entropy(torch.ones(3), torch.ones(4)),
    )
    assert_raises(
        "binary_cross_entropy beyond 1",
        RuntimeError,
        lambda: F.binary_cross_entropy(
            torch.tensor([1.5], device=subject.device), torch.tensor([1.0], device=subject.device)
        ),
    )


@check("loss.epoch-loss-from-batch-means")
def test_batch_means_add_up_to_the_epochs(subject):
    x, target = scores((11, 3)), classes((11,), 3)
    for size in (4, 5, 11, 3):
        total = 0.0
        for start in range(0, 11, size):
            batch = contiguous(x[start : start + size], "float64").on(subject)
            loss = nn.CrossEntropyLoss()(batch, contiguous(target[start : start + size], "int64").on(subject))
            total += loss.item() * batch.size(0)
        wanted = float(oracle.cross_entropy(x, target))
        require(abs(total / 11 - wanted) <= 1e-13, f"the epoch's loss from batches of {size}", wanted, total / 11)


@check("loss.note-uses-undefined-output")
def test_an_undefined_name_is_an_error(subject):
    names = {"nn": nn, "out": torch.ones(1, 10, device=subject.device)}
    assert_raises("the snippet with output", NameError, lambda: exec("nn.MSELoss()(output, out)", names))
    exec("loss = nn.MSELoss()(out, out)", names)
    require(names["loss"].item() == 0, "the loss of equal tensors is not 0")

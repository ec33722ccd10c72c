"""Losses of classes: cross entropy, negative log-likelihood, divergence."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as oracle
from conformance.tables.loss_inputs import KINDS, classes, scores
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts

pytestmark = must_answer


@check("loss.cross-entropy-for-classification")
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_of_class_indices(subject, reduction, dtype):
    for n, count in ((1, 2), (5, 3), (4, 10), (17, 33), (3, 1)):
        target = classes((n,), count)
        for recipe in layouts(scores((n, count), dtype), dtype, LAYOUTS):
            t, given = LAYOUTS["stepped"](target, "int64").on(subject), recipe.on(subject)
            wanted = np.asarray(oracle.cross_entropy(recipe.array.astype(np.float64), target, reduction=reduction))
            size = np.abs(wanted) + 10 * (n if reduction == "sum" else 1)
            before = Unchanged(input=given, target=t)
            for call, out in (
                ("F.cross_entropy", F.cross_entropy(given, t, reduction=reduction)),
                ("CrossEntropyLoss", nn.CrossEntropyLoss(reduction=reduction)(given, t)),
            ):
                text = f"{call}(reduction={reduction!r}) of ({n}, {count}), strides {recipe.strides}"
                assert_values(text, out, wanted, INNER.over(n + count + 20), size, dtype=dtype)
            before.check("cross_entropy")


@check("loss.cross-entropy-for-classification")
def test_cross_entropy_of_one_sample_and_of_large_scores(subject):
    one = F.cross_entropy(contiguous(scores((4,)), "float64").on(subject), torch.tensor(2, device=subject.device))
    wanted = np.asarray(oracle.cross_entropy(scores((4,))[None], np.array([2])))
    assert_values("cross_entropy of one sample", one, wanted, INNER.over(30), 10.0)
    large = torch.tensor([[1000.0, 0.0], [0.0, -1000.0]], device=subject.device)
    out = F.cross_entropy(large, torch.tensor([1, 0], device=subject.device), reduction="none")
    assert_values("cross_entropy of large scores", out, np.array([1000.0, 0.0]))


WEIGHT = np.array([0.5, 1.0, 2.0, 0.25])
CLASS_OPTIONS = (
    {},
    {"weight": WEIGHT},
    {"ignore_index": 2},
    {"label_smoothing": 0.2},
    {"weight": WEIGHT, "label_smoothing": 0.3},
    {"weight": WEIGHT, "ignore_index": 1},
    {"ignore_index": 0, "label_smoothing": 0.1},
)
SOFT_OPTIONS = ({}, {"weight": WEIGHT}, {"label_smoothing": 0.2})
ORACLE_NAMES = {"ignore_index": "ignore", "label_smoothing": "smoothing"}


def compare_options(subject, recipe, target, dtype, reduction, options):
    """Refute unless the function and the module, with these options, give what the formula gives."""
    formula = {ORACLE_NAMES.get(name, name): value for name, value in options.items()}
    wanted = np.asarray(oracle.cross_entropy(recipe.array, target, reduction=reduction, **formula))
    given = {k: contiguous(v, "float64").on(subject) if k == "weight" else v for k, v in options.items()}
    t = contiguous(target, dtype).on(subject)
    for call, out in (
        ("F.cross_entropy", F.cross_entropy(recipe.on(subject), t, reduction=reduction, **given)),
        ("CrossEntropyLoss", nn.CrossEntropyLoss(reduction=reduction, **given)(recipe.on(subject), t)),
    ):
        text = f"{call}({options}, reduction={reduction!r}) of {recipe.array.shape} and targets of {dtype}"
        assert_values(text, out, wanted, INNER.over(200), np.abs(wanted) + 20)


@check("loss.cross-entropy-options")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_with_its_options(subject, reduction):
    for shape in ((6, 4), (2, 4, 3), (2, 4, 3, 2)):
        recipe, target = LAYOUTS["transposed"](scores(shape), "float64"), classes((shape[0], *shape[2:]), 4)
        for options in CLASS_OPTIONS:
            # The documentation leaves open what the smoothed part of a weighted mean is divided by.
            if not (reduction == "mean" and {"weight", "label_smoothing"} <= options.keys()):
                compare_options(subject, recipe, target, "int64", reduction, options)
        ignored = np.where(np.arange(target.size).reshape(target.shape) % 3 == 1, -100, target)
        compare_options(subject, recipe, ignored, "int64", reduction, {})
        soft = oracle.softmax(scores(shape, seed=5), 1)
        for options in SOFT_OPTIONS:
            compare_options(subject, recipe, soft, "float64", reduction, options)


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

"""Losses besides the common ones: likelihoods, margins, divergences, and paths of labels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as common
from conformance.oracle import loss_kinds as oracle
from conformance.tables.formula_rows import KINDS, judge_row, marked, used
from conformance.tables.loss_inputs import classes, scores
from conformance.tables.loss_kind_rows import ROWS
from properties.strategies.recipe import LAYOUTS, contiguous, layouts

pytestmark = must_answer


@pytest.mark.parametrize("row", marked(ROWS))
def test_a_loss_is_its_formula(subject, row):
    judge_row(subject, row)


@check("loss.kl-div")
@pytest.mark.parametrize("log_target", [False, True])
def test_batchmean_divides_by_the_batch(subject, log_target):
    logs = common.log_softmax(scores((4, 5)), 1)
    target = common.log_softmax(scores((4, 5), seed=2), 1) if log_target else common.softmax(scores((4, 5), seed=2), 1)
    wanted = np.asarray(oracle.kl_div(logs, target, log_target).sum() / 4)
    x, y = (LAYOUTS["transposed"](a, "float64").on(subject) for a in (logs, target))
    for call, out in (
        ("F.kl_div", F.kl_div(x, y, reduction="batchmean", log_target=log_target)),
        ("KLDivLoss", nn.KLDivLoss(reduction="batchmean", log_target=log_target)(x, y)),
    ):
        assert_values(f"{call}(batchmean, log_target={log_target})", out, wanted, INNER.over(100), 10.0)


@check("loss.nll")
@pytest.mark.parametrize("dtype", KINDS)
def test_nll_in_every_form(subject, dtype):
    for shape, ignore, weighted in itertools.product(
        ((5, 3), (1, 3), (17, 3), (2, 3, 4), (2, 3, 2, 5)), (-100, 1), (0, 1)
    ):
        logs, target = scores(shape, dtype), classes((shape[0], *shape[2:]), 3)
        target.flat[0], target.flat[-1] = 0, ignore
        weight = np.array([0.5, 1.0, 2.0]) if weighted else None
        each = oracle.nll_loss(logs, target, weight, ignore)
        counted = (np.ones(3) if weight is None else weight)[np.where(target == ignore, 0, target)] * (target != ignore)
        told = None if weight is None else contiguous(weight, dtype).on(subject)
        whole = each.sum() / counted.sum() if counted.sum() else np.nan
        for reduction, wanted in (("none", each), ("sum", each.sum()), ("mean", whole)):
            for recipe in layouts(logs, dtype, used(dtype)):
                x, y = recipe.on(subject), LAYOUTS["stepped"](target, "int64").on(subject)
                before = Unchanged(input=x, target=y)
                options = {"weight": told, "ignore_index": ignore, "reduction": reduction}
                for call, out in (
                    ("F.nll_loss", F.nll_loss(x, y, **options)),
                    ("NLLLoss", nn.NLLLoss(**options)(x, y)),
                ):
                    text = f"{call}(ignore_index={ignore}, reduction={reduction!r}) of {shape}"
                    assert_values(text, out, np.asarray(wanted), INNER.over(200), 1 + np.abs(wanted), dtype=dtype)
                before.check("nll_loss")


@check("loss.elementwise")
@pytest.mark.parametrize("dtype", KINDS)
def test_binary_losses_with_weights_in_every_form(subject, dtype):
    """Positive weights count what is positive only; rows and columns of weights broadcast; reductions come last."""
    x, y = scores((5, 4), dtype), host.array(host.tensor(common.sigmoid(scores((5, 4), seed=2)), dtype)).astype(float)
    positive, row, column = np.array([0.5, 1, 2, 4]), np.arange(1.0, 5.0), np.arange(1.0, 6.0)[:, None]
    for p, w in itertools.product((None, positive), (None, row, column)):
        size = 1 if p is None else p
        each = (size * y * np.log1p(np.exp(-x)) + (1 - y) * np.log1p(np.exp(x))) * (1 if w is None else w)
        given = [None if a is None else contiguous(a, dtype).on(subject) for a in (w, p)]
        for reduction, turn in itertools.product(("mean", "sum", "none"), ("contiguous", "transposed", "stepped")):
            operands = [LAYOUTS[turn](a, dtype).on(subject) for a in (x, y)]
            options = {"weight": given[0], "pos_weight": given[1], "reduction": reduction}
            wanted = np.asarray(oracle.reduced(each, reduction))
            for call, out in (
                ("F", F.binary_cross_entropy_with_logits(*operands, **options)),
                ("BCEWithLogitsLoss", nn.BCEWithLogitsLoss(**options)(*operands)),
            ):
                text = f"{call} with pos_weight={p}, weight={w}, reduction={reduction!r}, {turn}"
                assert_values(text, out, wanted, INNER.over(200), 10 + np.abs(wanted), dtype=dtype)


@check("loss.elementwise")
@pytest.mark.parametrize("dtype", KINDS)
def test_thresholds_of_the_modules(subject, dtype):
    x, y = scores((6, 7), dtype), scores((6, 7), dtype, seed=2)
    size = np.abs(x - y)
    for edge, reduction, turn in itertools.product((0.5, 2.0), ("mean", "sum", "none"), ("contiguous", "transposed")):
        given = [LAYOUTS[turn](a, dtype).on(subject) for a in (x, y)]
        huber = np.where(size < edge, 0.5 * size**2, edge * (size - 0.5 * edge))
        for kind, option, each in (("HuberLoss", "delta", huber), ("SmoothL1Loss", "beta", huber / edge)):
            out = getattr(nn, kind)(reduction=reduction, **{option: edge})(*given)
            wanted = np.asarray(oracle.reduced(each, reduction))
            assert_values(
                f"{kind}({option}={edge}, {reduction!r})", out, wanted, INNER.over(200), 4 + np.abs(wanted), dtype=dtype
            )
    for call, out in (("smooth_l1_loss", F.smooth_l1_loss(*given, beta=0.0)), ("l1_loss", F.l1_loss(*given))):
        assert_values(f"{call} with beta 0", out, np.asarray(size.mean()), INNER.over(200), 10.0, dtype=dtype)


@check("loss.ctc")
@pytest.mark.parametrize("dtype", KINDS)
def test_ctc_counts_all_paths(subject, dtype):
    logs = np.stack([oracle.log_chances(scores((5, 4), seed=seed)) for seed in (1, 2, 3)], 1)
    logs = host.array(host.tensor(logs, dtype)).astype(float)
    steps, lengths = np.array([5, 3, 4]), np.array([2, 1, 2])
    for blank, target in ((0, [[1, 2], [3, 1], [2, 2]]), (3, [[1, 2], [0, 1], [0, 0]])):
        target = np.array(target)
        each = np.array([oracle.ctc_loss(logs[:, n], target[n], steps[n], lengths[n], blank) for n in range(3)])
        flat = np.concatenate([row[:k] for row, k in zip(target, lengths, strict=True)])
        x = contiguous(logs, dtype).on(subject)
        for y in (contiguous(target, "int64").on(subject), contiguous(flat, "int64").on(subject)):
            for reduction, wanted in (("none", each), ("sum", each.sum()), ("mean", (each / lengths).mean())):
                options = {"blank": blank, "reduction": reduction}
                sizes = [torch.tensor(list(map(int, a))) for a in (steps, lengths)]
                for call, out in (
                    ("F.ctc_loss", F.ctc_loss(x, y, *sizes, **options)),
                    ("CTCLoss", nn.CTCLoss(**options)(x, y, *sizes)),
                ):
                    text = f"{call}(blank={blank}, reduction={reduction!r})"
                    assert_values(text, out, np.asarray(wanted), INNER.over(200), 10.0, dtype=dtype)


@check("loss.ctc")
def test_ctc_of_what_does_not_fit_is_infinite(subject):
    x = contiguous(np.stack([oracle.log_chances(scores((2, 3)))] * 2, 1), "float64").on(subject)
    target = torch.tensor([[1, 1], [1, 2]], device=subject.device)
    out = host.array(F.ctc_loss(x, target, (2, 2), (2, 2), reduction="none"))
    require(np.isinf(out[0]) and np.isfinite(out[1]), "two equal labels need a blank between them", "inf first", out)
    out = host.array(F.ctc_loss(x, target, (2, 2), (2, 2), reduction="none", zero_infinity=True))
    require(out[0] == 0 and out[1] > 0, "zero_infinity makes infinite losses 0", "0 first", out)

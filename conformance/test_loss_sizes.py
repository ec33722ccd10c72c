"""Losses of many numbers, classes and dimensions; ties; NaN; and ctc by its dtypes and lengths."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from conformance import host
from conformance.assertions import assert_array, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import GRADIENT, INNER
from conformance.oracle import loss_kinds as oracle
from conformance.tables.formula_rows import judge_row, marked
from conformance.tables.loss_inputs import KINDS, scores
from conformance.tables.loss_size_rows import ROWS
from properties.strategies.recipe import contiguous

pytestmark = must_answer


@pytest.mark.parametrize("row", marked(ROWS))
def test_a_loss_of_more_is_its_formula(subject, row):
    judge_row(subject, row)


@check("loss.ctc")
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("integer", ["int32", "int64"])
def test_ctc_of_lengths_of_nothing_and_its_gradient(subject, dtype, integer):
    z, lengths = np.stack([scores((4, 3), "float32", s) for s in (1, 2, 3)], 1), (2, 0, 1)
    target = contiguous(np.array([[1, 2], [0, 0], [2, 0]]), integer).on(subject)
    labels = host.array(target)

    def formula(x):
        parts = [oracle.ctc_loss(oracle.log_chances(x[:, n]), labels[n], 4, lengths[n]) for n in range(3)]
        return np.array(parts)

    x = contiguous(z, dtype).on(subject).requires_grad_()
    out = F.ctc_loss(x.log_softmax(2), target, torch.tensor([4, 4, 4]), torch.tensor(lengths), reduction="none")
    text = f"ctc_loss of lengths {lengths}, {dtype}, {integer}"
    assert_values(text, out, formula(z), INNER.over(200), 10.0, dtype=dtype)
    out.backward(contiguous(np.array([1.0, -2.0, 0.5]), dtype).on(subject))
    step = np.stack([scores((4, 3), "float32", s) for s in (7, 8, 9)], 1)
    h = 2.0**-17
    slopes = (formula(z + h * step) - formula(z - h * step)) / (2 * h)
    wanted = np.asarray((slopes * [1.0, -2.0, 0.5]).sum())
    found = np.asarray((host.array(x.grad).astype(np.float64) * step).sum())
    # In float64, differences over 2h cost roundings of the loss divided by h; in float32 they are exact beside it.
    error = GRADIENT.over(2**22 if dtype == "float64" else 400)
    assert_array(f"the gradient of {text}", found, wanted, dtype, error, 10.0)


PAIRED = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits", "kl_div",
          "soft_margin_loss", "hinge_embedding_loss", "poisson_nll_loss", "multilabel_soft_margin_loss")  # fmt: skip


@check("loss.nan")
@pytest.mark.parametrize("name", PAIRED)
def test_nan_in_an_input_makes_its_loss_nan(subject, name):
    for dtype in KINDS:
        values = np.full((3, 12), 0.5)
        values[1, 7] = np.nan
        x, y = contiguous(values, dtype).on(subject), contiguous(np.ones((3, 12)), dtype).on(subject)
        for reduction in ("none", "mean", "sum"):
            found = np.isnan(host.array(getattr(F, name)(x, y, reduction=reduction)))
            rows = name == "multilabel_soft_margin_loss"  # which has one loss for each sample
            wanted = np.isnan(values).any(1) if rows and found.ndim else np.isnan(values) if found.ndim else True
            require((found == wanted).all(), f"where {name}({reduction!r}, {dtype}) is NaN", wanted, found)


@check("loss.nan")
def test_nan_among_scores_makes_the_loss_of_its_sample_nan(subject):
    for dtype in KINDS:
        values = scores((4, 5), dtype)
        values[2, 3] = np.nan
        x, y = contiguous(values, dtype).on(subject), torch.tensor([0, 1, 2, 4], device=subject.device)
        for name, wanted in (("cross_entropy", [False, False, True, False]), ("nll_loss", [False] * 4)):
            found = np.isnan(host.array(getattr(F, name)(x, y, reduction="none")))
            require((found == wanted).all(), f"where {name} of {dtype} is NaN", wanted, found)


@check("loss.margins")
def test_margin_losses_of_ties_are_their_margin(subject):
    x = contiguous(scores((3, 4)), "float64").on(subject)
    for sign in (1.0, -1.0):
        for margin in (0.0, 0.75):
            out = F.margin_ranking_loss(x, x.clone(), torch.full_like(x, sign), margin, reduction="none")
            assert_values(f"margin_ranking_loss of equals, margin={margin}", out, np.full((3, 4), margin))
    for margin in (0.5, 2.0):
        out = F.triplet_margin_loss(x, x + 1.0, x + 1.0, margin, reduction="none")
        assert_values(
            f"triplet_margin_loss of equal distances, margin={margin}", out, np.full(3, margin), INNER.over(9)
        )
        level = torch.full((2, 4), 0.25, dtype=torch.float64, device=subject.device)
        out = F.multi_margin_loss(level, torch.tensor([1, 3], device=subject.device), margin=margin, reduction="none")
        assert_values(f"multi_margin_loss of equals, margin={margin}", out, np.full(2, margin * 0.75))

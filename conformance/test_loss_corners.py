"""Losses in their corners: rows with rare options, infinities, nothing at all, modules called again, long sequences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance.assertions import assert_raises, assert_values
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as common
from conformance.oracle import loss_kinds as oracle
from conformance.tables.formula_rows import judge_row, marked
from conformance.tables.loss_corner_rows import ROWS
from conformance.tables.loss_inputs import KINDS, classes, scores
from properties.strategies.recipe import channels_last, contiguous, expanded, transposed

pytestmark = must_answer
ERROR = INNER.over(400)
PLAIN = {"mse_loss": "MSELoss", "l1_loss": "L1Loss", "smooth_l1_loss": "SmoothL1Loss", "huber_loss": "HuberLoss"}


@pytest.mark.parametrize("row", marked(ROWS))
def test_a_loss_in_a_corner_is_its_formula(subject, row):
    judge_row(subject, row)


@check("loss.elementwise")
@pytest.mark.parametrize("name", PLAIN)
def test_differences_that_are_infinite_many_or_none(subject, name):
    function, formula = getattr(F, name), common.LOSSES[name]
    far, near = np.array([np.inf, -np.inf, np.inf, 1.0]), np.array([0.0, 2.0, np.inf, -np.inf])
    many = np.random.default_rng(1).standard_normal((2, 50, 60))
    for dtype in KINDS:
        given = [contiguous(a, dtype).on(subject) for a in (far, near)]
        out = function(*given, reduction="none")
        assert_values(f"{name} of infinities", out, [np.inf, np.inf, np.nan, np.inf], dtype=dtype)
        nothing = function(*(x[:0] for x in given), reduction="sum")
        assert_values(f"the sum of {name} of nothing", nothing, np.array(0.0), dtype=dtype)
        a, b = (expanded(x, dtype) if turn else transposed(x, dtype) for turn, x in enumerate(many))
        losses = formula(a.array.astype(np.float64), b.array.astype(np.float64))
        for reduction, wanted in (("none", losses), ("sum", losses.sum()), ("mean", losses.mean())):
            out, size = function(a.on(subject), b.on(subject), reduction=reduction), 1 + np.abs(wanted)
            text = f"{name}({reduction!r}) of a transposed and an expanded operand"
            assert_values(text, out, np.asarray(wanted), INNER.over(60), size, dtype=dtype)


def _pairs(x, dtype):
    return common.sigmoid(x), common.sigmoid(np.roll(x, 1))


AGAIN = {
    "MSELoss": (_pairs, lambda x, y: (x - y) ** 2),
    "L1Loss": (_pairs, lambda x, y: np.abs(x - y)),
    "SmoothL1Loss": (_pairs, common.LOSSES["smooth_l1_loss"]),
    "HuberLoss": (_pairs, common.LOSSES["huber_loss"]),
    "BCELoss": (_pairs, common.LOSSES["binary_cross_entropy"]),
    "BCEWithLogitsLoss": (_pairs, common.LOSSES["binary_cross_entropy_with_logits"]),
    "KLDivLoss": (_pairs, oracle.kl_div),
    "PoissonNLLLoss": (_pairs, oracle.poisson_nll_loss),
    "MultiLabelSoftMarginLoss": (_pairs, oracle.multilabel_soft_margin_loss),
    "CrossEntropyLoss": (lambda x, _: (x, classes((len(x),), 4)),
                         lambda x, y: common.cross_entropy(x, y, reduction="none")),
    "NLLLoss": (lambda x, _: (x, classes((len(x),), 4)), oracle.nll_loss),
    "MultiMarginLoss": (lambda x, _: (x, classes((len(x),), 4)), oracle.multi_margin_loss),
}  # fmt: skip


@check("loss.reductions")
@pytest.mark.parametrize("kind", AGAIN)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_module_gives_the_same_again(subject, kind, reduction):
    """Whatever it was called with before: another dtype, another size, without gradients, in evaluation."""
    (draw, formula), layer = AGAIN[kind], getattr(nn, kind)(reduction=reduction)
    for turn, (dtype, size) in enumerate((("float64", 6), ("float32", 6), ("float64", 3), ("float64", 17))):
        given = draw(scores((size, 4), "float32", turn + 1), dtype)
        wanted = np.asarray(oracle.reduced(formula(*given), reduction))
        x, y = (contiguous(a, dtype if a.dtype.kind == "f" else "int64").on(subject) for a in given)
        with torch.set_grad_enabled(turn % 2 == 0):
            out = layer.train(turn % 3 != 1)(x, y)
        text = f"{kind}({reduction!r}), call {turn + 1}, of {dtype}"
        assert_values(text, out, wanted, ERROR, 1 + np.abs(wanted), dtype=dtype)


@check("loss.nll-layouts")
def test_the_gradient_of_nll_loss_of_images_in_any_layout(subject):
    y, v = classes((2, 3, 5), 4), scores((2, 3, 5), seed=2)
    wanted = np.zeros((2, 4, 3, 5))
    np.put_along_axis(wanted, y[:, None], -v[:, None], 1)
    for layout in (contiguous, transposed, channels_last):
        x = layout(scores((2, 4, 3, 5)), "float64").on(subject).requires_grad_()
        out = F.nll_loss(x, contiguous(y, "int64").on(subject), reduction="none")
        out.backward(contiguous(v, "float64").on(subject))
        assert_values(f"the gradient of nll_loss of strides {x.stride()}", x.grad, wanted, dtype="float64")


@check("loss.likelihoods", since="2.11")
def test_a_variance_that_is_one_along_any_dimension(subject):
    x, y, v = (np.abs(scores((4, 5, 3), seed=turn)) + 0.25 for turn in (1, 2, 3))
    for shape in ((4, 1, 3), (1, 5, 3), (4, 5, 1)):
        var = v[tuple(slice(side) for side in shape)]
        given = [contiguous(a, "float64").on(subject) for a in (x, y, var)]
        out = F.gaussian_nll_loss(*given, reduction="none")
        wanted = oracle.gaussian_nll_loss(x, y, var)
        assert_values(f"gaussian_nll_loss with a variance of {shape}", out, wanted, ERROR, 20.0, dtype="float64")


@check("loss.bad-target", since="2.6")
def test_a_negative_number_is_no_variance(subject):
    x = contiguous(scores((3, 4)), "float64").on(subject)
    assert_raises("gaussian_nll_loss with a variance of -0.5", ValueError, lambda: F.gaussian_nll_loss(x, x, -0.5))
    assert_raises("GaussianNLLLoss with a variance of -0.5", ValueError, lambda: nn.GaussianNLLLoss()(x, x, -0.5))


@check("loss.ctc")
@pytest.mark.parametrize("dtype", KINDS)
def test_ctc_of_long_sequences_of_many_classes(subject, dtype):
    z = np.stack([scores((45, 21), "float32", s) for s in (1, 2, 3)], 1)
    logs = common.log_softmax(z, 2).astype(np.float32).astype(np.float64)
    target, lengths, steps = classes((3, 9), 20, 5) + 1, (9, 4, 7), (45, 30, 41)
    target[1, 1:3] = target[1, 0]
    each = np.array([oracle.ctc_paths(logs[:, n], target[n], steps[n], lengths[n]) for n in range(3)])
    flat = np.concatenate([row[:n] for row, n in zip(target, lengths, strict=True)])
    wanted = {"none": each, "sum": each.sum(), "mean": (each / np.array(lengths)).mean()}
    for layout in (contiguous, transposed):
        x = layout(logs, dtype).on(subject)
        for labels, integer in ((target, "int64"), (flat, "int32")):
            sizes = [contiguous(np.array(n), integer).on(subject) for n in (steps, lengths)]
            for reduction, loss in wanted.items():
                y = contiguous(labels, integer).on(subject)
                for call, out in (
                    ("F.ctc_loss", F.ctc_loss(x, y, *sizes, reduction=reduction)),
                    ("CTCLoss", nn.CTCLoss(reduction=reduction, zero_infinity=True)(x, y, *sizes)),
                ):
                    text = f"{call}({reduction!r}) of {dtype}, targets {labels.shape} of {integer}"
                    assert_values(text, out, np.asarray(loss), INNER.over(2000), 1 + np.abs(loss), dtype=dtype)


@check("loss.ctc")
def test_ctc_of_what_does_not_fit_among_what_does(subject):
    logs = common.log_softmax(scores((3, 4)), 1)
    x = contiguous(np.stack([logs, logs], 1), "float64").on(subject)
    target = contiguous(np.array([[1, 2, 0], [1, 1, 2]]), "int64").on(subject)
    one = oracle.ctc_paths(logs, [1, 2], 3, 2)
    for reduction, wanted in (("sum", one), ("mean", one / 2 / 2), ("none", [one, 0.0])):
        out = F.ctc_loss(x, target, (3, 3), (2, 3), reduction=reduction, zero_infinity=True)
        assert_values(f"ctc_loss({reduction!r}, zero_infinity=True)", out, np.asarray(wanted), ERROR, 10.0)
    for call, sizes in {
        "labels beyond the targets": ((3, 3), (2, 4)),
        "steps beyond the input": ((3, 4), (2, 2)),
    }.items():
        for made in (tuple, torch.tensor):
            given = [made(n) for n in sizes]
            assert_raises(f"ctc_loss of {call}", RuntimeError, lambda g=given: F.ctc_loss(x, target, *g))

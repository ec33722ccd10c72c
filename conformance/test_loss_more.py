"""Losses of one sample and with rare options, old names of reductions, refusals, extremes, sizes, and weights kept."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import assert_array, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import GRADIENT, INNER
from conformance.oracle import layer as common
from conformance.oracle import loss_kinds as oracle
from conformance.tables.formula_rows import judge_row, marked
from conformance.tables.loss_inputs import classes, scores
from conformance.tables.loss_more_rows import ROWS
from properties.strategies.recipe import contiguous

pytestmark = must_answer
ERROR = INNER.over(200)


@pytest.mark.parametrize("row", marked(ROWS))
def test_a_loss_in_a_rarer_form_is_its_formula(subject, row):
    judge_row(subject, row)


def operands(subject, name, dtype="float64"):
    """An input and a target that suit a loss, between 0 and 1 unless they are classes."""
    x = common.sigmoid(scores((6, 4), dtype))
    if name in ("nll_loss", "cross_entropy", "multi_margin_loss"):
        return contiguous(x, dtype).on(subject), contiguous(classes((6,), 4), "int64").on(subject)
    return tuple(
        contiguous(host.array(host.tensor(v, dtype)), dtype).on(subject)
        for v in (x, common.sigmoid(scores((6, 4), seed=2)))
    )


PLAIN = ("mse_loss", "l1_loss", "smooth_l1_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits",
         "nll_loss", "cross_entropy", "soft_margin_loss", "multi_margin_loss", "hinge_embedding_loss")  # fmt: skip
KINDS = {"mse_loss": "MSELoss", "l1_loss": "L1Loss", "smooth_l1_loss": "SmoothL1Loss",
         "binary_cross_entropy": "BCELoss",
         "binary_cross_entropy_with_logits": "BCEWithLogitsLoss", "nll_loss": "NLLLoss", "kl_div": "KLDivLoss",
         "cross_entropy": "CrossEntropyLoss", "soft_margin_loss": "SoftMarginLoss", "huber_loss": "HuberLoss",
         "multi_margin_loss": "MultiMarginLoss", "hinge_embedding_loss": "HingeEmbeddingLoss"}  # fmt: skip
OLD = (({"size_average": False}, "sum"), ({"reduce": False}, "none"), ({"size_average": True}, "mean"),
       ({"reduce": False, "size_average": True}, "none"), ({"reduce": True}, "mean"))  # fmt: skip


@check("loss.old-reductions")
@pytest.mark.parametrize("name", PLAIN)
def test_old_names_of_reductions_still_count(subject, name):
    x, y = operands(subject, name)
    for told, reduction in OLD:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = getattr(F, name)(x, y, **told), getattr(nn, KINDS[name])(**told)(x, y)
        wanted = host.array(getattr(F, name)(x, y, reduction=reduction))
        for call, out in zip((f"F.{name}", KINDS[name]), found, strict=True):
            assert_values(f"{call}({told})", out, wanted, ERROR, 10.0, dtype="float64")


@check("loss.reductions")
@pytest.mark.parametrize("name", [*PLAIN, "huber_loss", "kl_div"])
def test_a_loss_reduces_as_told_and_to_nothing_else(subject, name):
    x, y = operands(subject, name)
    each = host.array(getattr(F, name)(x, y, reduction="none")).astype(np.float64)
    for reduction in ("sum", "mean"):
        wanted = np.asarray(each.sum() / (each.size if reduction == "mean" else 1))
        for call, out in ((f"F.{name}", getattr(F, name)(x, y, reduction=reduction)),
                          (KINDS[name], getattr(nn, KINDS[name])(reduction=reduction)(x, y))):  # fmt: skip
            assert_values(f"{call}(reduction={reduction!r})", out, wanted, ERROR, 10 + np.abs(wanted), dtype="float64")
    default = inspect.signature(getattr(F, name)).parameters["reduction"].default
    require(default == "mean", f"the default reduction of {name}", "mean", default)
    assert_raises(f"{name}(reduction='total')", ValueError, lambda: getattr(F, name)(x, y, reduction="total"))
    assert_raises(
        f"{KINDS[name]}(reduction='total')", ValueError, lambda: getattr(nn, KINDS[name])(reduction="total")(x, y)
    )


@check("loss.dtypes", since="2.6")
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
                                  "binary_cross_entropy_with_logits", "cross_entropy", "nll_loss",
                                  "kl_div"])  # fmt: skip
def test_losses_of_narrow_and_of_many_numbers(subject, name):
    for dtype, reduction in (("bfloat16", "none"), ("float16", "none"), ("bfloat16", "mean")):
        if not subject.supports(dtype):
            continue
        x, y = operands(subject, name, dtype)
        wide = [v.double() if v.is_floating_point() else v for v in (x, y)]
        wanted = host.array(getattr(F, name)(*wide, reduction=reduction))
        out = getattr(F, name)(x, y, reduction=reduction)
        assert_values(
            f"{name}({reduction!r}) of {dtype}", out, wanted, INNER.over(6), 0.5 + np.abs(wanted), dtype=dtype
        )
    x, y = operands(subject, name)
    each = host.array(getattr(F, name)(x, y, reduction="none"))
    many = getattr(F, name)(torch.cat([x] * 1500), torch.cat([y] * 1500), reduction="none")
    assert_values(f"{name} of 36,000 numbers", many, np.concatenate([each] * 1500), ERROR, 10.0)
    mean = getattr(F, name)(torch.cat([x] * 1500), torch.cat([y] * 1500))
    assert_values(f"the mean of {name} of 36,000 numbers", mean, np.asarray(each.mean()), ERROR, 10.0)


@check("loss.bad-target")
def test_sizes_and_options_that_do_not_fit_are_refused(subject):
    x, y = torch.full((3, 4), 0.5, device=subject.device), torch.full((3, 1), 0.5, device=subject.device)
    index = torch.tensor([0, 1, 2], device=subject.device)
    calls = {
        "binary_cross_entropy of (3, 4) and (3, 1)": lambda: F.binary_cross_entropy(x, y),
        "BCELoss of (3, 4) and (3, 1)": lambda: nn.BCELoss()(x, y),
        "binary_cross_entropy_with_logits of (3, 4) and (3, 1)": lambda: F.binary_cross_entropy_with_logits(x, y),
        "cross_entropy of soft targets (3, 1)": lambda: F.cross_entropy(x, y),
        "cross_entropy(label_smoothing=1.5)": lambda: F.cross_entropy(x, index, label_smoothing=1.5),
        "cross_entropy with three weights for four classes": lambda: F.cross_entropy(x, index, weight=torch.ones(3)),
        "smooth_l1_loss(beta=-1)": lambda: F.smooth_l1_loss(x, x, beta=-1.0),
        "huber_loss(delta=-1)": lambda: F.huber_loss(x, x, delta=-1.0),
        "multi_margin_loss(p=3)": lambda: F.multi_margin_loss(x, index, p=3),
        "MultiMarginLoss(p=3)": lambda: nn.MultiMarginLoss(p=3),
        "a negative variance": lambda: F.gaussian_nll_loss(x, x, -x),
        "a variance of another shape": lambda: F.gaussian_nll_loss(x, x, torch.ones(3, 2)),
        "cosine_embedding_loss of other sizes": lambda: F.cosine_embedding_loss(x, x[:2], torch.ones(3)),
        "nll_loss of another batch": lambda: F.nll_loss(x, index[:2]),
        "nll_loss of a class beyond": lambda: F.nll_loss(x, index + 2),
        "margin_ranking_loss of other dimensions": lambda: F.margin_ranking_loss(x, x, torch.ones(3)),
    }
    for call, action in calls.items():
        assert_raises(call, (ValueError, RuntimeError, IndexError, AssertionError), action)


@check("loss.elementwise")
def test_binary_losses_at_their_ends(subject):
    x, y = np.array([0.0, 1.0, 0.0, 1.0, 0.25]), np.array([1.0, 0.0, 0.0, 1.0, 0.5])
    wanted = np.array([100, 100, 0, 0, -0.5 * (np.log(0.25) + np.log(0.75))])
    for dtype in ("float32", "float64"):
        given = [contiguous(a, dtype).on(subject) for a in (x, y)]
        out = F.binary_cross_entropy(*given, reduction="none")
        assert_values("binary_cross_entropy at 0 and 1", out, wanted, INNER.over(8), 1 + wanted, dtype=dtype)
        z = np.array([-1000.0, 1000.0, -1000.0, 1000.0, 0.0])
        out = F.binary_cross_entropy_with_logits(contiguous(z, dtype).on(subject), given[1], reduction="none")
        far = np.array([1000, 1000, 0, 0, np.log(2)])
        assert_values("binary_cross_entropy_with_logits far out", out, far, INNER.over(8), 1 + far, dtype=dtype)


@check("loss.elementwise")
def test_losses_of_complex_numbers(subject):
    x, y = (scores((3, 4), seed=s) + 1j * scores((3, 4), seed=s + 5) for s in (1, 2))
    given = [contiguous(a, "complex128").on(subject) for a in (x, y)]
    wanted = np.asarray(np.abs(x - y).mean())
    assert_values("l1_loss of complex numbers", F.l1_loss(*given), wanted, ERROR, 10.0, dtype="float64")


@check("loss.cross-entropy-options")
def test_cross_entropy_that_ignores_everything_is_nan(subject):
    x = contiguous(scores((3, 4)), "float64").on(subject)
    target = torch.full((3,), -100, device=subject.device)
    for name, kind in (("cross_entropy", nn.CrossEntropyLoss), ("nll_loss", nn.NLLLoss)):
        for call, f in ((name, getattr(F, name)), (kind.__name__, lambda *a, k=kind, **o: k(**o)(*a))):
            assert_values(f"{call} that ignores everything", f(x, target), np.array(np.nan))
            assert_values(f"the sum of {call} that ignores everything", f(x, target, reduction="sum"), np.array(0.0))
            assert_values(f"{call} that ignores each", f(x, target, reduction="none"), np.zeros(3))


@check("loss.cross-entropy-options")
def test_every_option_of_cross_entropy_at_once(subject):
    weight, target = np.array([0.5, 1.0, 2.0, 0.25]), classes((6,), 4)
    x, soft = scores((6, 4)), common.softmax(scores((6, 4), seed=5), 1)
    w = contiguous(weight, "float64").on(subject)
    for reduction in ("mean", "sum", "none"):
        wanted = common.cross_entropy(x, soft, weight, smoothing=0.3, reduction=reduction)
        given = contiguous(x, "float64").on(subject), contiguous(soft, "float64").on(subject)
        out = nn.CrossEntropyLoss(weight=w, label_smoothing=0.3, reduction=reduction)(*given)
        assert_values("CrossEntropyLoss of chances, weighted and smoothed", out, np.asarray(wanted), ERROR, 30.0)
    for reduction in ("sum", "none"):
        wanted = common.cross_entropy(x, target, weight, 2, 0.3, reduction)
        given = contiguous(x, "float64").on(subject), contiguous(target, "int64").on(subject)
        out = F.cross_entropy(*given, w, ignore_index=2, label_smoothing=0.3, reduction=reduction)
        assert_values("cross_entropy, weighted, smoothed and ignoring", out, np.asarray(wanted), ERROR, 30.0)


@check("loss.weights-are-buffers")
def test_weights_of_losses_are_buffers(subject):
    weight = torch.tensor([0.5, 2.0], device=subject.device)
    for layer, names in (
        (nn.CrossEntropyLoss(weight=weight), ["weight"]), (nn.NLLLoss(weight=weight), ["weight"]),
        (nn.BCELoss(weight=weight), ["weight"]), (nn.MultiMarginLoss(weight=weight), ["weight"]),
        (nn.BCEWithLogitsLoss(weight=weight, pos_weight=weight), ["pos_weight", "weight"]),
        (nn.MultiLabelSoftMarginLoss(weight=weight), ["weight"]),
    ):  # fmt: skip
        kind = type(layer).__name__
        require(sorted(layer.state_dict()) == names, f"the state_dict of {kind}", names, sorted(layer.state_dict()))
        require(not list(layer.parameters()), f"{kind} trains its weight")
        layer.double()
        require(all(b.dtype is torch.float64 for b in layer.buffers()), f"double() leaves the weights of {kind}")


@check("loss.ctc")
def test_ctc_of_one_sequence_of_nothing_and_its_gradient(subject):
    z = scores((4, 3))
    target, nothing = np.array([1, 2]), np.zeros(0, np.int64)

    def formula(z, y):
        return oracle.ctc_loss(oracle.log_chances(z), y, 4, len(y))

    for y in (target, nothing):
        at = contiguous(y, "int64").on(subject)
        x = contiguous(z, "float64").on(subject).requires_grad_()
        lengths = torch.tensor(4), torch.tensor(len(y))
        out = F.ctc_loss(x.log_softmax(1), at, *lengths, reduction="sum")
        assert_values(f"ctc_loss of one sequence, {len(y)} labels", out, np.asarray(formula(z, y)), ERROR, 10.0)
        out.backward()
        step = scores((4, 3), seed=9) * 2.0**-17
        wanted = np.asarray((formula(z + step, y) - formula(z - step, y)) * 2**16)
        found = np.asarray((host.array(x.grad) * step).sum() * 2**17)
        # Differences over h = 2**-16 cost roundings of the loss divided by h, and about h^2 of the third derivative.
        assert_array(
            f"the gradient of ctc_loss of {len(y)} labels", found, wanted, "float64", GRADIENT.over(2**20), 10.0
        )


@check("loss.ctc")
def test_lengths_of_ctc_and_what_does_not_fit(subject):
    z = scores((4, 3))
    batch = contiguous(np.stack([oracle.log_chances(z)] * 2, 1), "float64").on(subject)
    given = contiguous(np.array([[1, 2], [2, 0]]), "int64").on(subject)
    each = np.array(
        [oracle.ctc_loss(oracle.log_chances(z), [1, 2], 4, 2), oracle.ctc_loss(oracle.log_chances(z)[:3], [2], 3, 1)]
    )
    for sizes in (((4, 3), (2, 1)), ([4, 3], [2, 1]), (torch.tensor([4, 3]), torch.tensor([2, 1]))):
        out = F.ctc_loss(batch, given, *sizes, reduction="none")
        assert_values(f"ctc_loss of lengths {type(sizes[0]).__name__}", out, each, ERROR, 10.0)
    tight = contiguous(np.stack([oracle.log_chances(z)[:2]] * 2, 1), "float64").on(subject).requires_grad_()
    told = torch.tensor([[1, 1], [1, 2]], device=subject.device), (2, 2), (2, 2)
    loss = nn.CTCLoss(zero_infinity=True, reduction="none")(tight, *told)
    loss.sum().backward()
    require(float(loss[0]) == 0 and float(loss[1]) > 0, "CTCLoss(zero_infinity=True)", "0 first", loss)
    require(not tight.grad[:, 0].any() and tight.grad[:, 1].any(), "its gradient", "0 first", tight.grad)

"""Wrong losses that are right for most of what they are called on."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.mutants.layer_subtle import flipped_gradient, nudged, only, without


def function(claim: str, says: str, name: str, wrong: Any) -> Mutant:
    return patched(f"loss.{claim}", says, F, name, wrong)


def forward(claim: str, says: str, kind: Any, wrong: Any) -> Mutant:
    return patched(f"loss.{claim}", says, kind, "forward", wrong)


MUTANTS: list[Mutant] = [
    function("likelihoods", "poisson_nll_loss ignores full", "poisson_nll_loss", without("full", False)),
    function("likelihoods", "poisson_nll_loss ignores eps", "poisson_nll_loss", without("eps", 1e-8)),
    forward(
        "likelihoods",
        "GaussianNLLLoss forgets full",
        nn.GaussianNLLLoss,
        lambda sound: lambda m, x, y, v: F.gaussian_nll_loss(x, y, v, eps=m.eps, reduction=m.reduction),
    ),
    function(
        "likelihoods",
        "gaussian_nll_loss is wrong for strided input",
        "gaussian_nll_loss",
        only(lambda x, *a, **k: strided(x)),
    ),
    function(
        "kl-div",
        "kl_div ignores log_target in batchmean",
        "kl_div",
        lambda sound: (
            lambda x, y, **k: sound(x, y, **(k | {"log_target": False} if k["reduction"] == "batchmean" else k))
        ),
    ),
    forward(
        "kl-div",
        "KLDivLoss forgets log_target",
        nn.KLDivLoss,
        lambda sound: lambda m, x, y: F.kl_div(x, y, reduction=m.reduction),
    ),
    function(
        "kl-div",
        "kl_div of a log target has a wrong gradient for it",
        "kl_div",
        lambda sound: lambda x, y, **k: sound(x, flipped_gradient(y), **k),
    ),
    function(
        "margins",
        "hinge_embedding_loss ignores margin in its sum",
        "hinge_embedding_loss",
        lambda sound: lambda *a, **k: sound(*a, **(k | {"margin": 1.0} if k.get("reduction") == "sum" else k)),
    ),
    function("margins", "triplet_margin_loss ignores swap", "triplet_margin_loss", without("swap", False)),
    forward(
        "margins",
        "TripletMarginLoss forgets p",
        nn.TripletMarginLoss,
        lambda sound: lambda m, *a: F.triplet_margin_loss(*a, margin=m.margin, swap=m.swap, reduction=m.reduction),
    ),
    function(
        "margins",
        "margin_ranking_loss takes the sign of the margin",
        "margin_ranking_loss",
        only(lambda *a, **k: k.get("margin", 0) > 0 and k["reduction"] == "none"),
    ),
    function(
        "margins", "cosine_embedding_loss ignores a negative margin", "cosine_embedding_loss", without("margin", 0.0)
    ),
    function(
        "margins",
        "multi_margin_loss ignores weights for p=2",
        "multi_margin_loss",
        lambda sound: lambda x, y, **k: sound(x, y, **(k | {"weight": None} if k.get("p") == 2 else k)),
    ),
    function(
        "margins",
        "multilabel_margin_loss reads past the first -1",
        "multilabel_margin_loss",
        lambda sound: lambda x, y, **k: sound(x, torch.where(y < 0, torch.full_like(y, 0), y), **k),
    ),
    function(
        "margins",
        "soft_margin_loss has a wrong gradient",
        "soft_margin_loss",
        lambda sound: lambda x, *a, **k: sound(flipped_gradient(x), *a, **k),
    ),
    function(
        "margins",
        "multilabel_soft_margin_loss sums over classes",
        "multilabel_soft_margin_loss",
        lambda sound: lambda x, *a, **k: sound(x, *a, **k) * (x.shape[1] if k["reduction"] == "sum" else 1),
    ),
    function(
        "ctc",
        "ctc_loss averages without the lengths",
        "ctc_loss",
        lambda sound: (
            lambda *a, **k: (
                sound(*a, **(k | {"reduction": "none"})).mean() if k.get("reduction") == "mean" else sound(*a, **k)
            )
        ),
    ),
    function("ctc", "ctc_loss takes 0 for the blank", "ctc_loss", without("blank", 0)),
    function("ctc", "ctc_loss ignores zero_infinity", "ctc_loss", without("zero_infinity", False)),
    forward(
        "ctc",
        "CTCLoss forgets the blank",
        nn.CTCLoss,
        lambda sound: lambda m, *a: F.ctc_loss(*a, reduction=m.reduction),
    ),
    function(
        "nll",
        "nll_loss of images counts what is ignored in its mean",
        "nll_loss",
        lambda sound: (
            lambda x, y, *a, **k: (
                sound(x, y, *a, **(k | {"reduction": "none"})).mean()
                if x.dim() == 4 and k.get("weight") is None and k["reduction"] == "mean"
                else sound(x, y, *a, **k)
            )
        ),
    ),
    forward(
        "nll",
        "NLLLoss forgets ignore_index",
        nn.NLLLoss,
        lambda sound: lambda m, x, y: F.nll_loss(x, y, m.weight, reduction=m.reduction),
    ),
    function(
        "nll",
        "nll_loss of a batch of one ignores weights in its mean",
        "nll_loss",
        lambda sound: lambda x, y, *a, **k: nudged(sound(x, y, *a, **k)) if len(x) == 1 else sound(x, y, *a, **k),
    ),
    forward(
        "elementwise",
        "BCEWithLogitsLoss forgets pos_weight in its sum",
        nn.BCEWithLogitsLoss,
        lambda sound: (
            lambda m, x, y: (
                F.binary_cross_entropy_with_logits(x, y, m.weight, reduction="sum")
                if m.reduction == "sum"
                else sound(m, x, y)
            )
        ),
    ),
    function(
        "elementwise",
        "binary_cross_entropy_with_logits lets pos_weight count for all with a weight",
        "binary_cross_entropy_with_logits",
        only(
            lambda *a, **k: (
                k.get("weight") is not None and k.get("pos_weight") is not None and k.get("reduction") == "mean"
            )
        ),
    ),
    forward(
        "elementwise",
        "HuberLoss forgets delta",
        nn.HuberLoss,
        lambda sound: lambda m, x, y: F.huber_loss(x, y, reduction=m.reduction),
    ),
    forward(
        "elementwise",
        "SmoothL1Loss forgets beta in its mean",
        nn.SmoothL1Loss,
        lambda sound: lambda m, x, y: F.smooth_l1_loss(x, y) if m.reduction == "mean" else sound(m, x, y),
    ),
    function(
        "elementwise",
        "smooth_l1_loss with beta 0 squares",
        "smooth_l1_loss",
        lambda sound: lambda x, y, reduction="mean", beta=1.0: sound(x, y, reduction=reduction, beta=beta or 1.0),
    ),
]

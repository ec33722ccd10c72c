"""Losses that are wrong for rare options together, for infinities, numbers as variances, or when called again."""

from __future__ import annotations

import inspect
import math
from typing import Any

import torch.nn.functional as F
from torch import nn

from meta_tests.mutant import Mutant, kernel, patched, strided
from meta_tests.mutants.layer_rare import off


def where(claim: str, says: str, name: str, given: Any, change: Any = off) -> Mutant:
    """A loss that is changed where its arguments, by name, are such."""

    def wrong(sound: Any) -> Any:
        signature = inspect.signature(sound)

        def call(*args: Any, **options: Any) -> Any:
            told = signature.bind(*args, **options)
            told.apply_defaults()
            out = sound(*args, **options)
            return change(out) if given(told.arguments) else out

        return call

    return patched(f"loss.{claim}", f"{name} is off for {says}", F, name, wrong)


def entropy(says: str, given: Any) -> Mutant:
    return where("cross-entropy-options", says, "cross_entropy", given)


def _number(change: Any) -> Any:
    """What becomes of a variance that is a number."""

    def wrong(sound: Any) -> Any:
        return lambda x, y, var, *a, **k: sound(x, y, change(var) if isinstance(var, float) else var, *a, **k)

    return wrong


def _tired(sound: Any) -> Any:
    """A module that sums from its second call on."""

    def forward(self: Any, *args: Any) -> Any:
        again, kept = self.__dict__.setdefault("_calls", []), self.reduction
        again.append(0)
        self.reduction = "sum" if len(again) > 1 and kept == "mean" else kept
        try:
            return sound(self, *args)
        finally:
            self.reduction = kept

    return forward


def _contiguous(func: Any, g: Any, x: Any, *more: Any) -> Any:
    """The gradient of images, off in float64 and sound in any layout."""
    return off(func(g, x.contiguous(), *more))


MUTANTS = [
    entropy("one sample that is smoothed", lambda n: n["label_smoothing"] > 0 and n["input"].dim() == 1),
    entropy("a smoothing of 1", lambda n: n["label_smoothing"] == 1),
    entropy("strided weights", lambda n: n["weight"] is not None and strided(n["weight"])),
    entropy("more than 100 classes", lambda n: n["input"].dim() == 2 and n["input"].shape[1] > 100),
    entropy("weights that are zero", lambda n: n["weight"] is not None and bool((n["weight"] == 0).any())),
    *[
        where("nll", says, "nll_loss", given)
        for says, given in (
            ("one sample with weights", lambda n: n["input"].dim() == 1 and n["weight"] is not None),
            ("five dimensions", lambda n: n["input"].dim() == 5),
            ("an ignored class of -1", lambda n: n["ignore_index"] == -1),
        )
    ],
    kernel("loss.nll-layouts", "the gradient of nll_loss of images is off", "nll_loss2d_backward", _contiguous),
    *[
        patched("loss.likelihoods", f"{what} of a variance that is a number", owner, name, _number(change))
        for what, owner, name, change in (
            ("another multiple", F, "gaussian_nll_loss", lambda v: v * 1.1),
            ("a tenth at least", F, "gaussian_nll_loss", lambda v: max(v, 0.75)),
        )
    ],
    patched("loss.bad-target", "a variance that is a negative number counts", F, "gaussian_nll_loss", _number(abs)),
    *[
        where("elementwise", says, name, given, change)
        for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
        for says, given, change in (
            ("infinities", lambda n: bool(n["input"].isinf().any()), lambda out: out.nan_to_num()),
            ("more than 1000 numbers", lambda n: n["input"].numel() > 1000 and n["reduction"] == "sum", off),
            ("nothing", lambda n: n["input"].numel() == 0 and n["reduction"] == "sum", off),
        )
    ],
    *[
        where("elementwise", f"a pos_weight {says}", "binary_cross_entropy_with_logits", given)
        for says, given in (
            ("of two dimensions", lambda n: n["pos_weight"] is not None and n["pos_weight"].dim() == 2),
            ("of one number", lambda n: n["pos_weight"] is not None and n["pos_weight"].numel() == 1),
            ("and large scores", lambda n: n["pos_weight"] is not None and bool((n["input"].abs() > 50).any())),
        )
    ],
    where("kl-div", "one dimension", "kl_div", lambda n: n["reduction"] == "batchmean" and n["input"].dim() == 1),
    where("margins", "the largest distance", "triplet_margin_loss", lambda n: n["p"] == math.inf),
    where("margins", "three dimensions", "hinge_embedding_loss", lambda n: n["input"].dim() == 3),
    where("margins", "one sample and a margin", "cosine_embedding_loss",
          lambda n: n["input1"].dim() == 1 and n["margin"] != 0),
    where("ctc", "many steps", "ctc_loss", lambda n: n["log_probs"].shape[0] > 32),
    where("ctc", "strided chances", "ctc_loss", lambda n: strided(n["log_probs"]) and n["log_probs"].dim() == 3),
    where("ctc", "a sum without what is infinite", "ctc_loss",
          lambda n: n["zero_infinity"] and n["reduction"] == "sum"),
    *[where("linear-cross-entropy", says, "linear_cross_entropy", given)
      for says, given in (("a bias", lambda n: n["linear_bias"] is not None),
                          ("a sum", lambda n: n["reduction"] == "sum"),
                          ("smoothing", lambda n: n["label_smoothing"] > 0)) if hasattr(F, "linear_cross_entropy")],
    *[patched("loss.reductions", f"{kind.__name__} sums when called again", kind, "forward", _tired)
      for kind in (nn.CrossEntropyLoss, nn.MSELoss, nn.KLDivLoss, nn.MultiMarginLoss)],
]  # fmt: skip

"""Losses that are wrong for one argument or one form of input only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from meta_tests.mutant import Mutant, patched
from meta_tests.mutants.layer_rare import Given, off, where


def loss(claim: str, says: str, name: str, given: Callable[[Given], Any], change: Any = off) -> Mutant:
    """A loss that is off where its arguments, by name, are such."""
    made = where("x", says, F, name, given, change)
    return Mutant(f"loss.{claim}", says, made.change)


def _no_target(name: str, claim: str) -> Mutant:
    return patched(f"loss.{claim}", f"{name} gives its target no gradient", F, name,
                   lambda sound: lambda x, y, *a, **k: sound(x, y.detach(), *a, **k))  # fmt: skip


def _any_word(name: str) -> Mutant:
    def wrong(sound: Any) -> Any:
        def call(*args: Any, reduction: str = "mean", **options: Any) -> Any:
            known = reduction in ("mean", "sum", "none", "batchmean")
            return sound(*args, reduction=reduction if known else "mean", **options)

        return call

    return patched("loss.reductions", f"{name} takes any word for a reduction", F, name, wrong)


def _unregistered(kind: Any, name: str) -> Mutant:
    def wrong(sound: Any) -> Any:
        def init(self: Any, *args: Any, **options: Any) -> None:
            sound(self, *args, **options)
            self.__dict__[name] = self._buffers.pop(name, None)

        return init

    return patched("loss.weights-are-buffers", f"{name} of {kind.__name__} is no buffer", kind, "__init__", wrong)


MUTANTS: list[Mutant] = [
    *[loss("margins", f"{name} of one sample is off", name, lambda g, at=at, n=n: g[at].dim() == n)
      for name, at, n in (("margin_ranking_loss", "input1", 0), ("cosine_embedding_loss", "input1", 1),
                          ("triplet_margin_loss", "anchor", 1), ("multi_margin_loss", "input", 1),
                          ("multilabel_margin_loss", "input", 1), ("multilabel_soft_margin_loss", "input", 1))],
    loss("nll", "nll_loss of one sample is off", "nll_loss", lambda g: g["input"].dim() == 1),
    loss("cross-entropy-options", "chances of one sample are off", "cross_entropy",
         lambda g: g["input"].dim() == 1 and g["target"].is_floating_point()),
    loss("margins", "a distance of one's own is off", "triplet_margin_with_distance_loss",
         lambda g: g["distance_function"]),
    loss("margins", "swap of a distance is off", "triplet_margin_with_distance_loss", lambda g: g["swap"]),
    loss("margins", "triplets of other norms with swap are off", "triplet_margin_loss",
         lambda g: g["swap"] and g["p"] != 2),
    loss("margins", "triplet_margin_loss is off by its eps", "triplet_margin_loss", lambda g: g["eps"] != 1e-6),
    loss("margins", "weights of multilabel_soft_margin_loss are off", "multilabel_soft_margin_loss",
         lambda g: g["weight"] is not None),
    loss("likelihoods", "a variance that broadcasts is off", "gaussian_nll_loss",
         lambda g: g["var"].shape != g["input"].shape),
    loss("likelihoods", "gaussian_nll_loss is off by its eps", "gaussian_nll_loss", lambda g: g["eps"] != 1e-6),
    loss("likelihoods", "poisson_nll_loss in full of rates is off", "poisson_nll_loss",
         lambda g: g["full"] and not g["log_input"]),
    *[_no_target(name, "elementwise") for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss",
                                                   "binary_cross_entropy", "binary_cross_entropy_with_logits")],
    _no_target("kl_div", "kl-div"), _no_target("cross_entropy", "cross-entropy-options"),
    *[loss("old-reductions", f"size_average=False of {name} is off", name, lambda g: g["size_average"] is False)
      for name in ("mse_loss", "nll_loss", "binary_cross_entropy")],
    *[loss("old-reductions", f"reduce=False of {name} is off", name, lambda g: g["reduce"] is False)
      for name in ("l1_loss", "cross_entropy")],
    *[_any_word(name) for name in ("mse_loss", "kl_div", "binary_cross_entropy", "cross_entropy")],
    *[loss("dtypes", f"{name} of bfloat16 is off by a tenth", name, lambda g: g["input"].dtype is torch.bfloat16,
           lambda out: out * 1.1 + 0.1) for name in ("mse_loss", "cross_entropy", "huber_loss")],
    loss("dtypes", "cross_entropy beyond 16,384 numbers is off", "cross_entropy", lambda g: g["input"].numel() > 16384),
    loss("elementwise", "l1_loss of complex numbers is off", "l1_loss", lambda g: g["input"].is_complex()),
    patched("loss.bad-target", "binary_cross_entropy_with_logits broadcasts", F, "binary_cross_entropy_with_logits",
            lambda sound: lambda x, y, *a, **k: sound(*torch.broadcast_tensors(x, y), *a, **k)),
    patched("loss.bad-target", "a negative variance is taken", F, "gaussian_nll_loss",
            lambda sound: lambda x, y, v, *a, **k: sound(x, y, v.abs(), *a, **k)),
    loss("cross-entropy-options", "cross_entropy that ignores everything is 0", "cross_entropy",
         lambda g: g["reduction"] == "mean", lambda out: torch.nan_to_num(out)),
    loss("cross-entropy-options", "chances that are weighted and smoothed are off", "cross_entropy",
         lambda g: g["target"].is_floating_point() and g["weight"] is not None and g["label_smoothing"]),
    _unregistered(nn.CrossEntropyLoss, "weight"), _unregistered(nn.BCELoss, "weight"),
    _unregistered(nn.BCEWithLogitsLoss, "pos_weight"),
    loss("ctc", "ctc_loss of one sequence is off", "ctc_loss", lambda g: g["log_probs"].dim() == 2),
    loss("ctc", "the gradient of ctc_loss is off", "ctc_loss", lambda g: g["log_probs"].requires_grad,
         lambda out: out * 1.1 - (out * 0.1).detach()),
]  # fmt: skip

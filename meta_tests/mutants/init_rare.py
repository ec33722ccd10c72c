"""Initialisers and beginnings of layers that are wrong for one layout, size or argument only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import init

from meta_tests.mutant import Mutant, patched

DRAWS = ("uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_",
         "kaiming_normal_", "orthogonal_", "sparse_")  # fmt: skip


def filled(claim: str, says: str, name: str, after: Callable[..., Any]) -> Mutant:
    """An initialiser after which its tensor is changed: `after(tensor, *args)`."""

    def wrong(sound: Any) -> Any:
        def fill(tensor: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
            sound(tensor, *args, **options)
            with torch.no_grad():
                after(tensor, *args)
            return tensor

        return fill

    return patched(f"init.{claim}", says, init, name, wrong)


def begun(says: str, kind: Any, after: Callable[[Any], Any]) -> Mutant:
    """A layer that is changed once its parameters are set."""

    def wrong(sound: Any) -> Any:
        def reset(self: Any) -> None:
            sound(self)
            with torch.no_grad():
                after(self)

        return reset

    return patched("init.default-starts", says, kind, "reset_parameters", wrong)


def _once(sound: Any) -> Any:
    """Parameters that are set only the first time."""

    def reset(self: Any) -> None:
        if not self.__dict__.get("_begun"):
            self.__dict__["_begun"] = True
            sound(self)

    return reset


MUTANTS: list[Mutant] = [
    *[filled("in-place-in-any-layout", f"{name} of a strided tensor is half as wide", name,
             lambda t, *a: None if t.is_contiguous() else t.mul_(0.5)) for name in DRAWS],
    *[filled("in-place-in-any-layout", f"{name} makes its tensor require grad", name, lambda t, *a: t.requires_grad_())
      for name in (*DRAWS, "constant_", "ones_", "zeros_", "eye_", "dirac_")],
    *[filled("in-place-in-any-layout", f"{name} of a strided tensor is off", name,
             lambda t, *a: None if t.is_contiguous() else t.add_(1)) for name in ("zeros_", "ones_", "eye_")],
    patched("init.in-place-in-any-layout", "dirac_ returns a copy", init, "dirac_",
            lambda sound: lambda t, groups=1: sound(t, groups).clone()),
    filled("plain-draws", "normal_ of many elements is twice as wide", "normal_",
           lambda t, *a: t.mul_(2) if t.numel() > 32768 else None),
    patched("init.plain-draws", "trunc_normal_ cuts above at half its bound", init, "trunc_normal_",
            lambda sound: lambda t, mean=0.0, std=1.0, a=-2.0, b=2.0, **k:
            sound(t, mean, std, a, a + (b - a) / 2, **k)),
    patched("init.fans", "kaiming_uniform_ takes any mode", init, "kaiming_uniform_",
            lambda sound: lambda t, a=0, mode="fan_in", *args, **k:
            sound(t, a, mode if mode in ("fan_in", "fan_out") else "fan_in", *args, **k)),
    filled("fans", "kaiming_uniform_ of three sides is wider", "kaiming_uniform_",
           lambda t, *a: t.mul_(1.1) if t.dim() == 5 else None),
    patched("init.fans", "sparse_ leaves tensors of three dimensions", init, "sparse_",
            lambda sound: lambda t, *a, **k: sound(t, *a, **k) if t.dim() == 2 else t),
    patched("init.gain", "the gain of conv_transpose3d is 2", init, "calculate_gain",
            lambda sound: lambda name, p=None: 2.0 if name == "conv_transpose3d" else sound(name, p)),
    begun("Embedding begins uniform", nn.Embedding, lambda m: init.uniform_(m.weight, -1.7, 1.7)),
    begun("Bilinear begins three times as wide", nn.Bilinear, lambda m: m.weight.mul_(3)),
    begun("GRU begins without biases", nn.GRU,
          lambda m: [p.zero_() for name, p in m.named_parameters() if "bias" in name]),
    begun("LayerNorm begins with a bias of ones", nn.LayerNorm, lambda m: m.bias.fill_(1)),
    begun("GroupNorm begins with drawn weights", nn.GroupNorm, lambda m: m.weight.uniform_()),
    *[patched("init.default-starts", f"{kind.__name__} begins but once", kind, "reset_parameters", _once)
      for kind in (nn.Linear, nn.Conv1d, nn.ConvTranspose2d, nn.EmbeddingBag, nn.LSTM)],
]  # fmt: skip

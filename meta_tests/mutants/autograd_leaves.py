"""Gradients that are put right when they are assigned, detached copies, and a decorator that forgets its mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd import forward_ad

from meta_tests.mutant import Mutant, patched

Tensor = torch.Tensor


def assigned(name: str, change: Callable[[Tensor, Any], Any]) -> Mutant:
    """x.grad = g that assigns `change(x, g)`, where a tensor is given."""

    def wrong(sound: Any) -> Any:
        def put(x: Tensor, given: Any) -> None:
            sound.__set__(x, change(x, given) if isinstance(given, Tensor) else given)

        return property(lambda x: sound.__get__(x), put, lambda x: sound.__delete__(x))

    return patched("autograd.grad-assignment", name, Tensor, "grad", wrong)


def spread(x: Tensor, given: Tensor) -> Tensor:
    """A gradient of one element is spread over the leaf."""
    return given.expand_as(x) if given.numel() == 1 and given.dtype == x.dtype and given.shape != x.shape else given


def copied(sound: Any) -> Any:
    return lambda x: sound(x).clone() if x.numel() > 500 else sound(x)


MUTANTS = [
    assigned("a gradient of one element is spread", spread),
    assigned(
        "a gradient of half precision is converted",
        lambda x, given: given.to(x.dtype) if given.dtype == torch.float16 and given.shape == x.shape else given,
    ),
    assigned("a gradient with a graph loses it", lambda x, given: given.detach() if given.requires_grad else given),
    patched("autograd.detach-shares-memory", "a large tensor's detach() is a copy", Tensor, "detach", copied),
    patched(
        "autograd.inference-mode-off",
        "as a decorator inference_mode is always on",
        torch.inference_mode,
        "clone",
        lambda sound: lambda self: type(self)(True),
    ),
    patched(
        "autograd.forward-mode-parts",
        "a tangent is copied",
        forward_ad,
        "make_dual",
        lambda sound: lambda tensor, tangent, **k: sound(tensor, tangent.clone(), **k),
    ),
    patched(
        "autograd.forward-mode-parts",
        "a primal is detached",
        forward_ad,
        "unpack_dual",
        lambda sound: lambda tensor, **k: (lambda parts: type(parts)(parts[0].detach(), parts[1]))(sound(tensor, **k)),
    ),
]

"""Copies and files that lose or share what goes with a tensor or module."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant
from meta_tests.mutants.module import method
from meta_tests.mutants.serialization import called, loading


def _deep(claim: str, name: str, wrong: Callable[..., Any], owner: Any = torch.Tensor) -> Mutant:
    return method(f"serialization.{claim}", name, "__deepcopy__", wrong, owner)


def _shallow(claim: str, name: str, change: Callable[[Any, Any], Any]) -> Mutant:
    """copy.copy gives something else: `change(copy, original)`."""
    return called(f"serialization.{claim}", name, copy, "copy", lambda sound, x: change(sound(x), x))


def _tensors(change: Callable[[torch.Tensor], Any]) -> Callable[[Any, Any], Any]:
    return lambda out, x: change(out) if isinstance(x, torch.Tensor) else out


def _modules(change: Callable[[nn.Module], Any]) -> Callable[[Any], Any]:
    """Does something to a module that was copied or loaded."""

    def wrong(out: Any, *given: Any) -> Any:
        if isinstance(out, nn.Module):
            for module in out.modules():
                change(module)
        return out

    return wrong


def _without_attributes(sound: Any, self: torch.Tensor, memo: Any) -> Any:
    out = sound(self, memo)
    vars(out).clear()
    return out


def _shared_attributes(sound: Any, self: torch.Tensor, memo: Any) -> Any:
    out = sound(self, memo)
    vars(out).update(vars(self))
    return out


def _contiguous(sound: Any, self: torch.Tensor, memo: Any) -> Any:
    out = sound(self, memo)
    return out.contiguous() if out.numel() > 1000 and not out.requires_grad else out


def _same_gradient(sound: Any, self: torch.Tensor, memo: Any) -> Any:
    out = sound(self, memo)
    if self.grad is not None:
        out.grad = self.grad
    return out


def _unhooked(module: nn.Module) -> None:
    module._forward_hooks.clear()
    module._forward_pre_hooks.clear()


def _trained(module: nn.Module) -> None:
    module.training = True


def _all_persistent(module: nn.Module) -> None:
    module._non_persistent_buffers_set.clear()


def _deeper(out: Any, x: Any) -> Any:
    return copy.deepcopy(x) if isinstance(x, nn.Module) else out


COPIES = [
    _shallow("copy", "copy.copy of a tensor copies the memory", _tensors(lambda x: x.detach().clone())),
    _shallow(
        "copy",
        "copy.copy of a frozen Parameter requires a gradient",
        _tensors(lambda x: x.requires_grad_(x.is_floating_point())),
    ),
    _shallow("copy", "copy.copy of a tensor is the tensor", lambda out, x: x if isinstance(x, torch.Tensor) else out),
    _shallow(
        "copy",
        "copy.copy makes a large tensor contiguous",
        _tensors(lambda x: x.contiguous() if x.numel() > 1000 else x),
    ),
    _shallow("copy-module", "copy.copy of a module is deep", _deeper),
    _shallow(
        "copy-module", "copy.copy of a module is the module", lambda out, x: x if isinstance(x, nn.Module) else out
    ),
    _shallow("module-whole", "copy.copy of a module switches to training", _modules(_trained)),
    _deep("attributes", "deepcopy drops attributes", _without_attributes),
    _deep("attributes", "deepcopy shares attributes", _shared_attributes),
    _deep("deepcopy", "deepcopy makes large tensors contiguous", _contiguous),
    _deep("deepcopy", "the copy of a Parameter shares its gradient", _same_gradient, nn.Parameter),
]
LOADED = [
    loading("serialization.module-whole", "a loaded module has lost its hooks", _modules(_unhooked)),
    loading("serialization.module-whole", "a loaded module is in training", _modules(_trained)),
    loading("serialization.module-whole", "every buffer of a loaded module is persistent", _modules(_all_persistent)),
    loading(
        "serialization.attributes",
        "a loaded tensor has no attributes",
        lambda out: out.detach() if isinstance(out, torch.Tensor) else out,
    ),
]
PLACES = [
    called(
        "serialization.map-location",
        "map_location by place is ignored",
        torch,
        "load",
        lambda sound, file, *place, **options: sound(file, **options),
    ),
]
MUTANTS: list[Mutant] = [*COPIES, *LOADED, *PLACES]

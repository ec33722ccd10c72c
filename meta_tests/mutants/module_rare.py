"""Modules, containers and parametrisations that are wrong in rarer uses: frozen, several at once, after failures."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.mutants.module import method

_REMOVE, _FUNC = "remove_parametrizations", getattr(torch, "func", torch)


def _buffers_too(sound: Any, self: nn.Module, set_to_none: bool = True) -> None:
    sound(self, set_to_none)
    for buffer in self.buffers():
        buffer.grad = None


def _unfrozen(sound: Any, self: nn.Module, **named: Any) -> nn.Module:
    sound(self, **named)
    for parameter in self.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    return self


def _tuples_only(sound: Any, self: nn.ModuleDict, given: Any) -> None:
    if isinstance(given, (list, tuple)) and any(isinstance(pair, list) for pair in given):
        raise TypeError("no pairs")
    sound(self, given)


def _read_once(sound: Any, self: nn.ModuleDict, given: Any) -> None:
    """The first pair of an iterator is lost."""
    sound(self, list(given)[1:] if hasattr(given, "__next__") else given)


def _values_too(sound: Any, self: nn.ModuleDict, key: Any) -> bool:
    return sound(self, key) or any(key is value for value in self.values())


def _contiguous(sound: Any, self: nn.Parameter, memo: dict[int, Any]) -> nn.Parameter:
    if not strided(self):
        return sound(self, memo)
    values = self.detach().clone(memory_format=torch.contiguous_format)
    return memo.setdefault(id(self), nn.Parameter(values, self.requires_grad))


def _narrow_complex(sound: Any, self: nn.Module, *args: Any, **named: Any) -> nn.Module:
    return sound(self, *(torch.complex64 if arg is torch.complex128 else arg for arg in args), **named)


def _first_answer(sound: Any, self: nn.Module, hook: Any, **named: Any) -> Any:
    """Of an answer for several outputs, only the first counts."""

    def first(module: nn.Module, grads: tuple[Any, ...]) -> Any:
        out = hook(module, grads)
        return (out[0], *grads[1:]) if isinstance(out, tuple) else out

    return sound(self, first, **named)


def _trainable(sound: Any, module: nn.Module, name: str, way: nn.Module, **named: Any) -> nn.Module:
    sound(module, name, way, **named)
    for part in module.parametrizations[name].parameters(recurse=False):
        part.requires_grad_(part.is_floating_point())
    return module


def _as_parameter(sound: Any, module: nn.Module, name: str, leave_parametrized: bool = True) -> nn.Module:
    sound(module, name, leave_parametrized)
    if not isinstance(getattr(module, name), nn.Parameter):
        value = getattr(module, name).detach().clone()
        delattr(module, name)
        setattr(module, name, nn.Parameter(value))
    return module


def _all_at_once(sound: Any, module: nn.Module, name: str, leave_parametrized: bool = True) -> nn.Module:
    for each in [name, *(other for other in module.parametrizations if other != name)]:
        sound(module, each, leave_parametrized)
    return module


def _leaves_anyway(sound: Any, module: nn.Module, name: str, leave_parametrized: bool = True) -> nn.Module:
    return sound(module, name, leave_parametrized or hasattr(module.parametrizations[name], "original0"))


def _in_eval_mode(sound: Any, module: nn.Module, *args: Any, **named: Any) -> Any:
    mode = module.training
    try:
        return sound(module.eval(), *args, **named)
    finally:
        module.train(mode)


def _written_on_failure(sound: Any, module: nn.Module, given: Any, *args: Any, **named: Any) -> Any:
    """A call that fails leaves the tensors given in the module."""
    try:
        return sound(module, given, *args, **named)
    except ArithmeticError:
        for name, parameter in module.named_parameters():
            if isinstance(given, dict) and name in given:
                parameter.data.copy_(given[name])
        raise


def _later_wins(sound: Any, module: nn.Module, given: Any, *args: Any, **named: Any) -> Any:
    merged = {name: value for part in given for name, value in part.items()} if isinstance(given, tuple) else given
    return sound(module, merged, *args, **named)


def _copied(sound: Any) -> Any:
    def new(cls: Any, data: Any = None, *, persistent: bool = True) -> Any:
        return sound(cls, None if data is None else data.clone(), persistent=persistent)

    return new


MUTANTS: list[Mutant] = [
    method("module.to-complex", "to(complex128) gives complex64", "to", _narrow_complex),
    method(
        "module.full-backward-pre-hook",
        "an answer counts for the first output",
        "register_full_backward_pre_hook",
        _first_answer,
    ),
    method("module.parametrize", "originals are trainable", "register_parametrization", _trainable, parametrize),
    method("module.parametrize", "a buffer becomes a parameter", _REMOVE, _as_parameter, parametrize),
    method("module.parametrize", "all parametrisations go at once", _REMOVE, _all_at_once, parametrize),
    method("module.parametrize", "several originals count as left", _REMOVE, _leaves_anyway, parametrize),
    method("module.functional-call", "calls are in eval mode", "functional_call", _in_eval_mode, _FUNC),
    method("module.functional-call", "failures leave values", "functional_call", _written_on_failure, _FUNC),
    method("module.functional-call", "the later of two values counts", "functional_call", _later_wins, _FUNC),
    patched("module.buffer-class", "a Buffer is a copy", getattr(nn, "Buffer", nn.Module), "__new__", _copied),
    method("module.zero-grad", "buffers lose their gradients", "zero_grad", _buffers_too),
    method("module.to-empty", "what was frozen is no more", "to_empty", _unfrozen),
    method("module.moduledict", "update takes no lists of two", "update", _tuples_only, nn.ModuleDict),
    method("module.moduledict", "update loses the first pair of an iterator", "update", _read_once, nn.ModuleDict),
    method("module.moduledict", "a value is in a ModuleDict", "__contains__", _values_too, nn.ModuleDict),
    method("module.parameter-copy", "a deep copy is contiguous", "__deepcopy__", _contiguous, nn.Parameter),
]

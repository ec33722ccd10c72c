"""Modules and states that are wrong in one corner only: deep trees, shared parts, second calls, rare arguments."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant
from meta_tests.mutants.module import method


def _own_only(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    """Gradients of grandchildren stay."""
    deep = [p for child in self.children() for part in child.children() for p in part.parameters()]
    kept = [(p, None if p.grad is None else p.grad.clone()) for p in deep]
    sound(self, *args, **kwargs)
    for parameter, grad in kept:
        parameter.grad = grad


def _zeros_for_frozen(sound: Any, self: nn.Module, set_to_none: bool = True) -> None:
    sound(self, set_to_none)
    for parameter in self.parameters():
        if parameter.requires_grad and parameter.dim() == 1 and set_to_none:
            parameter.grad = torch.zeros_like(parameter)


def _renumbered(sound: Any, self: nn.Module, place: Any) -> Any:
    out = sound(self, place)
    return type(self)(*out) if isinstance(place, slice) and type(self) is nn.Sequential else out


def _behind_the_first(sound: Any, self: Any, place: int, module: nn.Module) -> Any:
    """What is inserted at the front of more than two entries comes second."""
    return sound(self, 1 if place == 0 and len(self) > 2 else place, module)


def _skips_frozen(sound: Any, self: nn.Module, flag: bool = True) -> Any:
    """Biases keep their flag below the first level."""
    kept = [(p, p.requires_grad) for child in self.children() for p in child.parameters() if p.dim() == 1]
    out = sound(self, flag)
    for parameter, before in kept:
        parameter.requires_grad = before
    return out


def _one_level(sound: Any, self: nn.Module, mode: bool = True) -> Any:
    """A module that is there twice is switched back by its second visit."""
    out = sound(self, mode)
    names = [id(module) for _, module in self.named_modules(remove_duplicate=False)]
    for module in self.modules():
        if names.count(id(module)) > 1:
            module.training = not mode
    return out


def _renamed_buffers(sound: Any, self: nn.Module, prefix: str = "", recurse: bool = True, **kwargs: Any) -> Any:
    for name, buffer in sound(self, prefix, recurse, **kwargs):
        yield (name.replace(f"{prefix}.", prefix, 1) if prefix and name.count(".") == 1 else name), buffer


def _persistent_again(sound: Any, self: nn.Module, name: str, tensor: Any, persistent: bool = True) -> None:
    """None as a buffer is always persistent."""
    sound(self, name, tensor, persistent or tensor is None)


def _order_of_size(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    found = list(sound(self, *args, **kwargs))
    return iter(sorted(found, key=lambda pair: pair[1].dim()) if len(found) > 4 else found)


def _without_version(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    out = sound(self, *args, **kwargs)
    if hasattr(out, "_metadata"):
        for entry in out._metadata.values():
            entry["version"] = 1
    return out


def _prefix_twice(sound: Any, self: nn.Module, *args: Any, prefix: str = "", keep_vars: bool = False) -> Any:
    out = sound(self, *args, prefix=prefix, keep_vars=keep_vars)
    if not prefix or args:
        return out
    changed = OrderedDict(
        (f"{prefix}{key}" if not key.startswith(prefix) else key, value) for key, value in out.items()
    )
    for key in [key for key in changed if key.count(".") > 2]:
        changed[key.replace(prefix, prefix * 2, 1)] = changed.pop(key)
    changed._metadata = out._metadata
    return changed


def _swapped_report(sound: Any, self: nn.Module, state: Any, strict: bool = True, **kwargs: Any) -> Any:
    found = sound(self, state, strict, **kwargs)
    return type(found)(found.unexpected_keys, found.missing_keys)


def _plain_tuple(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    return tuple(sound(self, *args, **kwargs))


def _value_error(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    try:
        return sound(self, *args, **kwargs)
    except RuntimeError as error:
        raise ValueError(str(error)) from None


def _renamed_class(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    try:
        return sound(self, *args, **kwargs)
    except RuntimeError as error:
        raise RuntimeError(str(error).replace(type(self).__name__, "Module")) from None


def _only_missing(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    """Once keys are missing the unexpected ones are not named."""
    try:
        return sound(self, *args, **kwargs)
    except RuntimeError as error:
        lines = str(error).split("\n")
        if any("Missing" in line for line in lines):
            lines = [line for line in lines if "Unexpected" not in line]
        raise RuntimeError("\n".join(lines)) from None


def _half_precision(sound: Any, self: nn.Module, state: Any, *args: Any, **kwargs: Any) -> Any:
    """Entries of another dtype are passed over."""
    own = {**dict(self.named_parameters()), **dict(self.named_buffers())}
    if isinstance(state, dict):
        same = [key for key in state if key not in own or getattr(state[key], "dtype", None) == own[key].dtype]
        rest = {key: own[key] for key in state if key not in same}
        state = OrderedDict((key, rest.get(key, state[key])) for key in state)
    return sound(self, state, *args, **kwargs)


def _unhooked(sound: Any, self: nn.Module, hook: Any, *args: Any, **kwargs: Any) -> Any:
    """A hook registered while others are there replaces the first of the same function."""
    for key, other in list(self._forward_hooks.items()):
        if other is hook:
            del self._forward_hooks[key]
    return sound(self, hook, *args, **kwargs)


def _flat(sound: Any, self: nn.Module, target: str) -> Any:
    """A number in a path counts from 1 below the first level."""
    parts = target.split(".")
    if len(parts) > 1 and parts[-1].isdigit() and int(parts[-1]) > 0:
        parts[-1] = str(int(parts[-1]) - 1)
    return sound(self, ".".join(parts))


def _float_too(sound: Any, self: nn.Module, function: Any, *args: Any, **kwargs: Any) -> Any:
    """What a module holds is converted, but for the buffers of grandchildren."""
    deep = [part for child in self.children() for part in child.children()]
    kept = [(part, name, buffer) for part in deep for name, buffer in part._buffers.items()]
    out = sound(self, function, *args, **kwargs)
    for part, name, buffer in kept:
        part._buffers[name] = buffer
    return out


def _none_is_zero(sound: Any, self: nn.Module, hook: Any, **options: Any) -> Any:
    """A backward hook that answers None makes the gradients 0."""

    def answers(module: nn.Module, inward: Any, outward: Any) -> Any:
        found = hook(module, inward, outward)
        return tuple(g if g is None else g * 0 for g in inward) if found is None else found

    return sound(self, answers, **options)


def _dict_only(sound: Any, self: nn.Module, state: Any, *args: Any, **options: Any) -> Any:
    """A mapping that is no dict loads nothing."""
    return sound(self, state if isinstance(state, dict) else self.state_dict(), *args, **options)


MODULES: list[Mutant] = [
    method("module.zero-grad", "gradients of grandchildren stay", "zero_grad", _own_only),
    method("module.zero-grad-default-none", "those of vectors become zeros", "zero_grad", _zeros_for_frozen),
    method("module.sequential-ordereddict", "slices are numbered anew", "__getitem__", _renumbered, nn.Sequential),
    method(
        "module.modulelist-editing",
        "at the front of more than two it comes second",
        "insert",
        _behind_the_first,
        nn.ModuleList,
    ),
    method("module.requires-grad-method", "vectors of children keep their flag", "requires_grad_", _skips_frozen),
    method("module.train-and-eval", "a module that is there twice is left in the other mode", "train", _one_level),
    method("module.named-parameters", "more than four come by their dimensions", "named_parameters", _order_of_size),
    method("module.buffers", "the dot behind a prefix is lost for own ones", "named_buffers", _renamed_buffers),
    method("module.get-submodule", "numbers count from 1 below the first level", "get_submodule", _flat),
    method("module.forward-hook", "one function is registered only once", "register_forward_hook", _unhooked),
    method("module.to-only-floats", "buffers of grandchildren are left as they are", "_apply", _float_too),
]
STATES: list[Mutant] = [
    method("state_dict.metadata", "every version is 1", "state_dict", _without_version),
    method("state_dict.prefix", "deep names get the prefix twice", "state_dict", _prefix_twice),
    method("state_dict.strict-false-loads-matching", "the two lists are swapped", "load_state_dict", _swapped_report),
    method("state_dict.strict-false-loads-matching", "the report is a plain tuple", "load_state_dict", _plain_tuple),
    method("state_dict.strict-missing-key", "the error is a ValueError", "load_state_dict", _value_error),
    method("state_dict.strict-exact-match", "the error does not name the class", "load_state_dict", _renamed_class),
    method("state_dict.strict-exact-match", "missing keys hide unexpected ones", "load_state_dict", _only_missing),
    method("state_dict.load-dtypes", "entries of another dtype are passed over", "load_state_dict", _half_precision),
    method("state_dict.left-out", "None as a buffer is persistent", "register_buffer", _persistent_again),
]

LATER: list[Mutant] = [
    method(
        "module.full-backward-hook-replaces",
        "an answer of None makes the gradients 0",
        "register_full_backward_hook",
        _none_is_zero,
    ),
    method("state_dict.load-from-anything-like-a-dict", "only a dict is read", "load_state_dict", _dict_only),
]

MUTANTS: list[Mutant] = [*MODULES, *STATES, *LATER]

"""Modules that are wrong for some parts only: frozen, large, strided, in eval mode; and rare answers of hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant
from meta_tests.mutants.module import method

_Module = nn.Module


def _large(tensor: Any) -> bool:
    return isinstance(tensor, torch.Tensor) and tensor.numel() > 1000


# -- what is registered ------------------------------------------------------------------------------------------------


def _register(change: Callable[[Any], Any]) -> Callable[..., None]:
    def wrong(sound: Any, self: nn.Module, name: str, tensor: Any, *args: Any, **kwargs: Any) -> None:
        sound(self, name, change(tensor) if isinstance(tensor, torch.Tensor) else tensor, *args, **kwargs)

    return wrong


def _without_gradient(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    sound(self, name, value)
    if isinstance(value, nn.Parameter) and type(value) is nn.Parameter:
        value.grad = None


def _same_mode(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    sound(self, name, value)
    if isinstance(value, nn.Module) and "training" in vars(self):
        value.train(self.training)


def _written_into(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    old = (vars(self).get("_buffers") or {}).get(name)
    if type(value) is torch.Tensor and isinstance(old, torch.Tensor) and old.shape == value.shape:
        self._buffers[name] = old.detach().copy_(value.detach())
    else:
        sound(self, name, value)


def _copies_of_large(sound: Any, self: nn.Module, name: str) -> Any:
    found = sound(self, name)
    return found.clone() if type(found) is torch.Tensor and _large(found) else found


REGISTERED = [
    method(
        "module.registered-values",
        "strided buffers are made contiguous",
        "register_buffer",
        _register(torch.Tensor.contiguous),
    ),
    method("module.registered-values", "a buffer loses its history", "register_buffer", _register(torch.Tensor.detach)),
    method(
        "module.registered-values",
        "large buffers are copied",
        "register_buffer",
        _register(lambda t: t.clone() if _large(t) else t),
    ),
    method("module.registered-values", "assigning a Parameter drops its gradient", "__setattr__", _without_gradient),
    method(
        "module.registered-values", "register_parameter drops the gradient", "register_parameter", _without_gradient
    ),
    method("module.registered-values", "large buffers are read as copies", "__getattr__", _copies_of_large),
    method("module.setattr-tensor", "a tensor is written into the buffer of its name", "__setattr__", _written_into),
    method("module.registering-keeps-mode", "an assigned module gets its parent's mode", "__setattr__", _same_mode),
    method("module.registering-keeps-mode", "an added module gets its parent's mode", "add_module", _same_mode),
]

# -- methods for the whole ---------------------------------------------------------------------------------------------


def _also(change: Callable[[nn.Module, Any], None]) -> Callable[..., Any]:
    """The sound method, and then something besides."""

    def wrong(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        out = sound(self, *args, **kwargs)
        change(self, args)
        return out

    return wrong


def _freezes(self: nn.Module, args: Any) -> None:
    for parameter in self.parameters():
        if parameter.numel() > 16:
            parameter.requires_grad_(False)


def _drops_gradients(self: nn.Module, args: Any) -> None:
    for parameter in self.parameters():
        if not parameter.requires_grad:
            parameter.grad = None


def _clears_hooks(self: nn.Module, args: Any) -> None:
    for module in self.modules():
        module._forward_pre_hooks.clear()


def _times_zero(sound: Any, self: nn.Module, set_to_none: bool = True) -> None:
    if set_to_none:
        return sound(self, set_to_none)
    for parameter in self.parameters():
        if parameter.grad is not None:
            parameter.grad.detach_().mul_(0)
    return None


def _not_the_frozen(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> None:
    kept = [(p, p.grad) for p in self.parameters() if not p.requires_grad]
    sound(self, *args, **kwargs)
    for parameter, grad in kept:
        parameter.grad = grad


def _by_hand(sound: Any, self: nn.Module, mode: Any = False) -> nn.Module:
    if not isinstance(mode, bool):
        raise ValueError("training mode is expected to be boolean")
    for module in self.modules():
        module.training = mode
    return self


def _in_training_only(sound: Any, self: nn.Module, function: Any) -> Any:
    return sound(self, lambda module: function(module) if module.training else None)


def _without_gradients(sound: Any, self: nn.Module, function: Any) -> Any:
    with torch.no_grad():
        return sound(self, function)


def _to(change: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return sound(self, *args, **{key: value for key, value in kwargs.items() if change(key, value, kwargs)})

    return wrong


def _tensor_ignored(sound: Any, self: nn.Module, *args: Any, tensor: Any = None, **kwargs: Any) -> Any:
    return sound(self, *args, **kwargs) if tensor is None else self


def _numbers_stay(sound: Any, self: nn.Module, dtype: Any, **kwargs: Any) -> Any:
    kept = [(m, n, b) for m in self.modules() for n, b in m._buffers.items() if b is not None and b.dim() == 0]
    sound(self, dtype, **kwargs)
    if isinstance(dtype, torch.dtype):
        for module, name, buffer in kept:
            module._buffers[name] = buffer
    return self


def _strict_forgotten(sound: Any, self: nn.Module, target: str, module: Any, strict: bool = False) -> None:
    sound(self, target, module)


WHOLE = [
    method("module.leaves-the-rest", "eval() freezes large parameters", "eval", _also(_freezes)),
    method("module.leaves-the-rest", "train() drops gradients of frozen parameters", "train", _also(_drops_gradients)),
    method(
        "module.leaves-the-rest",
        "requires_grad_ drops gradients of what it froze",
        "requires_grad_",
        _also(_drops_gradients),
    ),
    method("module.leaves-the-rest", "conversions drop hooks", "_apply", _also(_clears_hooks)),
    method("module.leaves-the-rest", "loading a state drops hooks", "load_state_dict", _also(_clears_hooks)),
    method(
        "module.to-only-floats", "conversions drop gradients of frozen parameters", "_apply", _also(_drops_gradients)
    ),
    method("module.to-only-floats", "to(tensor=…) is ignored", "to", _tensor_ignored),
    method("module.to-only-floats", "to(dtype) leaves tensors of no dimension", "to", _numbers_stay),
    method(
        "module.to-only-floats",
        "to(dtype=…, memory_format=…) forgets the dtype",
        "to",
        _to(lambda key, value, given: key != "dtype" or "memory_format" not in given),
    ),
    method(
        "module.to-memory-format",
        "channels_last_3d is ignored",
        "to",
        _to(lambda key, value, given: value is not torch.channels_last_3d),
    ),
    method(
        "module.type-converts-all",
        "a type given as a string is ignored",
        "type",
        lambda s, self, to: self if isinstance(to, str) else s(self, to),
    ),
    method(
        "module.to-empty",
        "recurse=False is ignored",
        "to_empty",
        lambda s, self, *, device, recurse=True: s(self, device=device),
    ),
    method("module.zero-grad", "zeroing multiplies, and leaves NaN", "zero_grad", _times_zero),
    method("module.zero-grad", "frozen parameters keep their gradients", "zero_grad", _not_the_frozen),
    method("module.mode-overridden", "eval() does not call train", "eval", _by_hand),
    method("module.mode-overridden", "train() does not call the children's train", "train", _by_hand),
    method("module.apply", "apply skips modules in eval mode", "apply", _in_training_only),
    method("module.apply", "apply switches gradients off", "apply", _without_gradients),
    method("module.set-submodule", "strict is ignored", "set_submodule", _strict_forgotten),
]

# -- hooks -------------------------------------------------------------------------------------------------------------


def _answer(change: Callable[[Any], Any]) -> Callable[..., Any]:
    """A hook's answer is taken for another."""

    def wrong(sound: Any, self: nn.Module, hook: Any, **kwargs: Any) -> Any:
        return sound(self, lambda *args: change(hook(*args)), **kwargs)

    return wrong


def _unless(true: Callable[[Any], bool]) -> Callable[..., Any]:
    return _answer(lambda answer: None if true(answer) else answer)


def _first_keywords_only(sound: Any, self: nn.Module, hook: Any, *, with_kwargs: bool = False, **kwargs: Any) -> Any:
    if not with_kwargs:
        return sound(self, hook, **kwargs)
    return sound(self, lambda m, a, k, *out: hook(m, a, {} if len(a) > 1 else k, *out), with_kwargs=True, **kwargs)


def _once(sound: Any, self: nn.Module, hook: Any, **kwargs: Any) -> Any:
    for number, known in list(self._forward_pre_hooks.items()):
        if known is hook:
            del self._forward_pre_hooks[number]
    return sound(self, hook, **kwargs)


def _scaled(sound: Any, self: nn.Module, hook: Any, **kwargs: Any) -> Any:
    def other(module: Any, inside: Any, outside: Any) -> Any:
        return hook(module, inside, tuple(g * 1.001 if g is not None and g.numel() > 16 else g for g in outside))

    return sound(self, other, **kwargs)


def _second_left_out(sound: Any, self: nn.Module, hook: Any, **kwargs: Any) -> Any:
    calls = []

    def other(*args: Any) -> Any:
        calls.append(1)
        return hook(*args) if len(calls) != 2 else None

    return sound(self, other, **kwargs)


def _both_kinds(sound: Any, self: nn.Module, hook: Any, **kwargs: Any) -> Any:
    if self._is_full_backward_hook is False:
        self._is_full_backward_hook = None
    return sound(self, hook, **kwargs)


_PRE, _HOOK, _FULL = "register_forward_pre_hook", "register_forward_hook", "register_full_backward_hook"
HOOKS = [
    method(
        "module.forward-hook-replaces",
        "an empty answer of a hook is ignored",
        _HOOK,
        _unless(lambda a: isinstance(a, (list, dict, tuple)) and not a),
    ),
    method(
        "module.forward-hook-replaces",
        "an answer of 0 or False is ignored",
        _HOOK,
        _unless(lambda a: isinstance(a, (bool, int)) and not a),
    ),
    method(
        "module.forward-pre-hook-replaces",
        "() from a pre-hook is ignored",
        _PRE,
        _unless(lambda a: isinstance(a, tuple) and not a),
    ),
    method(
        "module.forward-pre-hook-replaces",
        "0 from a pre-hook is ignored",
        _PRE,
        _unless(lambda a: isinstance(a, int) and not a),
    ),
    method(
        "module.forward-pre-hook-replaces",
        "a list from a pre-hook is taken for all arguments",
        _PRE,
        _answer(lambda a: tuple(a) if isinstance(a, list) else a),
    ),
    method("module.hook-options", "hooks see keywords with one argument only", _HOOK, _first_keywords_only),
    method("module.forward-pre-hook", "a pre-hook registered twice runs once", _PRE, _once),
    method("module.full-backward-hook", "gradients of over 16 numbers are scaled for hooks", _FULL, _scaled),
    method("module.full-backward-hook", "the second backward pass calls no hook", _FULL, _second_left_out),
    method("module.backward-hook-kinds", "a module takes both kinds of backward hooks", _FULL, _both_kinds),
]

MUTANTS: list[Mutant] = [*REGISTERED, *WHOLE, *HOOKS]

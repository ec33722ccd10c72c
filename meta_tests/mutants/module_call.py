"""Wrong calls, hooks, and changes of a whole module."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant, patched, replaced
from meta_tests.mutants.module import added, method


def wrapped_error(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    try:
        return sound(self, *args, **kwargs)
    except KeyError as error:
        raise RuntimeError(str(error)) from error


def hooks_lost(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    try:
        return sound(self, *args, **kwargs)
    except ZeroDivisionError:
        self._forward_pre_hooks.clear()
        raise


def counted(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    """The second call of a module goes past its hooks."""
    self.__dict__["calls"] = self.__dict__.get("calls", 0) + 1
    return sound(self, *args, **kwargs) if self.calls != 2 else self.forward(*args, **kwargs)


def last_only(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    out = sound(self, *args, **kwargs)
    return out[-1] if isinstance(out, list) else out


def into_tuple(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    out = sound(self, *args, **kwargs)
    return tuple(out) if isinstance(out, list) else out


CALLING = [
    method(
        "module.subclass-with-forward",
        "keyword arguments that forward does not name are dropped",
        "__call__",
        lambda s, self, *a, **k: s(self, *a, **{n: v for n, v in k.items() if n != "other"}),
    ),
    method(
        "module.subclass-with-forward",
        "forward runs twice",
        "__call__",
        lambda s, self, *a, **k: (s(self, *a, **k), s(self, *a, **k))[1],
    ),
    method(
        "module.subclass-with-forward",
        "only the first three arguments are handed on",
        "__call__",
        lambda s, self, *a, **k: s(self, *a[:3], **k),
    ),
    patched(
        "module.forward-is-required",
        "a module without forward is the identity",
        nn.Module,
        "forward",
        lambda s: lambda self, x: x,
    ),
    patched(
        "module.forward-is-required",
        "a ModuleList runs its entries",
        nn.ModuleList,
        "forward",
        lambda s: lambda self, x: [x := m(x) for m in self][-1],
    ),
    method("module.forward-errors-pass", "a KeyError becomes a RuntimeError", "__call__", wrapped_error),
    method("module.forward-errors-pass", "an error drops the hooks", "__call__", hooks_lost),
    method("module.multiple-outputs", "of a list only the last is returned", "__call__", last_only),
    method("module.multiple-outputs", "a list becomes a tuple", "__call__", into_tuple),
    method(
        "module.multiple-outputs",
        "tensors in a list are detached but for the last",
        "__call__",
        lambda s, self, *a, **k: (
            [o.detach() for o in out[:-1]] + out[-1:]
            if isinstance(out := s(self, *a, **k), list) and out and out[0].requires_grad
            else out
        ),
    ),
    method(
        "module.backward-is-automatic",
        "a linear layer of more than one row has no gradient for its weight",
        "forward",
        lambda s, self, x: s(self, x) if len(x) < 2 else nn.functional.linear(x, self.weight.detach(), self.bias),
        nn.Linear,
    ),
    method(
        "module.backward-is-automatic",
        "buffers require a gradient",
        "register_buffer",
        lambda s, self, n, t, *a, **k: s(self, n, t.requires_grad_() if n == "offset" else t, *a, **k),
    ),
]


def on_prepend(sound: Any, self: nn.Module, hook: Any, **options: Any) -> Any:
    return sound(self, hook, **{**options, "prepend": not options.get("prepend", False)})


def deaf(sound: Any, self: nn.Module, hook: Any, **options: Any) -> Any:
    """What the hook returns is ignored."""
    return sound(self, lambda *args: (hook(*args), None)[1], **options)


def untupled(sound: Any, self: nn.Module, hook: Any, **options: Any) -> Any:
    def wrong(module: Any, args: Any, *rest: Any) -> Any:
        out = hook(module, args, *rest)
        return out if out is None or isinstance(out, tuple) else (out, *args[1:])

    return sound(self, wrong, **options)


def once(sound: Any, self: nn.Module, hook: Any, **options: Any) -> Any:
    done: list[int] = []
    return sound(self, lambda *args: None if done else (done.append(1), hook(*args))[1], **options)


def only_training(sound: Any, self: nn.Module, hook: Any, **options: Any) -> Any:
    return sound(self, lambda module, *args: hook(module, *args) if module.training else None, **options)


def only_with_grad(sound: Any, self: nn.Module, hook: Any, **options: Any) -> Any:
    return sound(self, lambda *args: hook(*args) if torch.is_grad_enabled() else None, **options)


def by_class(sound: Any, self: nn.Module, hook: Any, **options: Any) -> Any:
    """The hook is also called for every other module of its class."""
    kind = type(self)
    original = kind.forward

    def forward(other: Any, *args: Any, **kwargs: Any) -> Any:
        out = original(other, *args, **kwargs)
        if other is not self and kind is nn.Linear:
            hook(other, args, out)
        return out

    kind.forward = forward
    CHANGED.append((kind, original))
    return sound(self, hook, **options)


CHANGED: list[Any] = []


@contextlib.contextmanager
def by_class_for_a_while() -> Any:
    with replaced(nn.Module, "register_forward_hook", lambda sound: lambda *a, **k: by_class(sound, *a, **k)):
        try:
            yield
        finally:
            while CHANGED:
                kind, original = CHANGED.pop()
                kind.forward = original


def swapped(sound: Any, self: nn.Module, hook: Any, **options: Any) -> Any:
    return sound(self, lambda module, a, b: hook(module, b, a), **options)


def with_extra(sound: Any, self: nn.Module, hook: Any, **options: Any) -> Any:
    return sound(self, lambda module, a, b: hook(module, tuple(g for g in a if g is not None), b), **options)


def removes_all(sound: Any, self: Any) -> None:
    hooks = self.hooks_dict_ref()
    if hooks is not None and self.id in hooks and len(hooks) == 3:
        hooks.clear()
    sound(self)


def global_after(sound: Any, hook: Any, **options: Any) -> Any:
    return sound(
        lambda module, *args: hook(module, *args) if not isinstance(module, nn.Sequential) else None, **options
    )


LEFT: list[Any] = []


@contextlib.contextmanager
def kept_global_hook() -> Any:
    def wrong(sound: Any) -> Any:
        def register(hook: Any) -> Any:
            handle = sound(hook)
            LEFT.append(handle)
            return type("Kept", (), {"remove": lambda self: None})()

        return register

    with replaced(nn.modules.module, "register_module_forward_pre_hook", wrong):
        try:
            yield
        finally:
            while LEFT:
                LEFT.pop().remove()


PRE, POST = "register_forward_pre_hook", "register_forward_hook"
FULL, FULL_PRE = "register_full_backward_hook", "register_full_backward_pre_hook"
HANDLE = torch.utils.hooks.RemovableHandle
HOOKS = [
    method("module.forward-pre-hook", "the last hook registered runs first", PRE, on_prepend),
    method("module.forward-pre-hook", "hooks run at the first call only", PRE, once),
    method(
        "module.forward-pre-hook",
        "a hook sees keyword arguments as positional",
        "__call__",
        lambda s, self, *a, **k: s(self, *a, k.pop("x"), **k) if "x" in k else s(self, *a, **k),
    ),
    method("module.forward-pre-hook-replaces", "what a hook returns is ignored", PRE, deaf),
    method("module.forward-pre-hook-replaces", "a single value replaces only the first argument", PRE, untupled),
    method("module.forward-hook", "the last hook registered runs first", POST, on_prepend),
    method("module.forward-hook", "the second call goes past hooks", "__call__", counted),
    method(
        "module.forward-hook",
        "a hook sees an output of its own",
        POST,
        lambda s, self, hook, **k: s(
            self, lambda m, a, out: hook(m, a, out.clone() if isinstance(out, torch.Tensor) else out), **k
        ),
    ),
    method("module.forward-hook-replaces", "what a hook returns is ignored", POST, deaf),
    method(
        "module.forward-hook-replaces",
        "only tensors replace the output",
        POST,
        lambda s, self, hook, **k: s(self, lambda *a: out if isinstance(out := hook(*a), torch.Tensor) else None, **k),
    ),
    method(
        "module.hook-removal",
        "a removed hook goes on",
        "remove",
        lambda s, self: None if len(self.hooks_dict_ref()) == 2 else s(self),
        HANDLE,
    ),
    method("module.hook-removal", "removing one of three removes all", "remove", removes_all, HANDLE),
    method(
        "module.hook-removal",
        "a second removal is an error",
        "remove",
        lambda s, self: self.hooks_dict_ref().pop(self.id),
        HANDLE,
    ),
    method("module.hook-removal", "leaving the block keeps the hook", "__exit__", lambda s, self, *a: None, HANDLE),
    method(
        "module.hook-options",
        "prepend is ignored",
        POST,
        lambda s, self, hook, **k: s(self, hook, **{**k, "prepend": False}),
    ),
    method(
        "module.hook-options",
        "always_call is ignored",
        POST,
        lambda s, self, hook, **k: s(self, hook, **{**k, "always_call": False}),
    ),
    method(
        "module.hook-options",
        "keyword arguments from a pre-hook are ignored",
        PRE,
        lambda s, self, hook, with_kwargs=False, **k: s(
            self,
            (lambda m, a, kw: out if (out := hook(m, a, kw)) is None else (out[0], kw)) if with_kwargs else hook,
            with_kwargs=with_kwargs,
            **k,
        ),
    ),
    Mutant(
        "module.hooks-belong-to-one-module", "a hook of a linear layer runs for the others too", by_class_for_a_while
    ),
    method(
        "module.hooks-belong-to-one-module",
        "hooks within a nested Sequential are passed by",
        "forward",
        lambda s, self, x: [x := m.forward(x) for m in self][-1] if self._forward_pre_hooks else s(self, x),
        nn.Sequential,
    ),
    method("module.hooks-in-either-mode", "pre-hooks run in train mode only", PRE, only_training),
    method("module.hooks-in-either-mode", "hooks run with gradients only", POST, only_with_grad),
    patched(
        "module.global-hooks",
        "global hooks leave containers out",
        nn.modules.module,
        "register_module_forward_hook",
        lambda s: lambda hook, **k: global_after(s, hook, **k),
    ),
    Mutant("module.global-hooks", "global pre-hooks cannot be removed", lambda: kept_global_hook()),
    method("module.full-backward-hook", "gradients of inputs and outputs are swapped", FULL, swapped),
    method("module.full-backward-hook", "entries of None are left out", FULL, with_extra),
    method("module.full-backward-hook", "hooks run at the first backward pass only", FULL, once),
    method("module.full-backward-hook-replaces", "what a hook returns is ignored", FULL, deaf),
    method(
        "module.full-backward-hook-replaces",
        "the last hook registered runs first",
        FULL,
        lambda s, self, hook, **k: s(self, hook, prepend=True),
    ),
    method("module.full-backward-pre-hook", "what a hook returns is ignored", FULL_PRE, deaf),
    method(
        "module.full-backward-pre-hook",
        "the hook runs after the others",
        FULL_PRE,
        lambda s, self, hook, **k: self.register_full_backward_hook(lambda m, a, b: hook(m, b) and None),
    ),
]


# -- the whole module --------------------------------------------------------------------------------------------------


def top_only(sound: Any, self: nn.Module, mode: bool = True) -> nn.Module:
    self.training = mode
    return self


def children_only(sound: Any, self: nn.Module, mode: bool = True) -> nn.Module:
    for module in [self, *self.children(), *(g for c in self.children() for g in c.children())]:
        module.training = mode
    return self


def no_grad_too(sound: Any, self: nn.Module) -> nn.Module:
    for parameter in self.parameters():
        parameter.requires_grad_(False)
    return sound(self)


def zero_only(sound: Any, self: nn.Module, set_to_none: bool = True) -> None:
    for parameter in self.parameters(recurse=False) if isinstance(self, nn.BatchNorm1d) else self.parameters():
        if parameter.grad is not None:
            parameter.grad = None if set_to_none else torch.zeros_like(parameter)


def keeps_history(sound: Any, self: nn.Module, set_to_none: bool = True) -> None:
    for parameter in self.parameters():
        if parameter.grad is not None and not set_to_none and parameter.grad.grad_fn is not None:
            parameter.grad = parameter.grad * 0
    if set_to_none or all(p.grad is None or p.grad.grad_fn is None for p in self.parameters()):
        sound(self, set_to_none)


def frozen_out(sound: Any, self: nn.Module, set_to_none: bool = True) -> None:
    kept = [(p, p.grad) for p in self.parameters() if p.dim() == 1]
    sound(self, set_to_none)
    for parameter, grad in kept[:1]:
        parameter.grad = grad


WHOLE = [
    method("module.train-and-eval", "only the module itself is switched", "train", top_only),
    method("module.train-and-eval", "only three levels are switched", "train", children_only),
    method("module.train-and-eval", "eval freezes the parameters", "eval", no_grad_too),
    method("module.train-and-eval", "eval returns nothing", "eval", lambda s, self: s(self) and None),
    method(
        "module.train-mode-argument", "the mode given is ignored", "train", lambda s, self, mode=True: s(self, True)
    ),
    method(
        "module.train-mode-argument",
        "any value is taken as a mode",
        "train",
        lambda s, self, mode=True: s(self, bool(mode)),
    ),
    method(
        "module.requires-grad-method",
        "only the module's own parameters are changed",
        "requires_grad_",
        lambda s, self, flag=True: ([p.requires_grad_(flag) for p in self.parameters(recurse=False)], self)[1],
    ),
    method("module.requires-grad-method", "the flag is ignored", "requires_grad_", lambda s, self, flag=True: s(self)),
    method(
        "module.requires-grad-method",
        "frozen parameters stay frozen",
        "requires_grad_",
        lambda s, self, flag=True: s(self, flag) if not flag else self,
    ),
    method("module.zero-grad", "set_to_none=False makes fresh tensors", "zero_grad", zero_only),
    method("module.zero-grad", "a zeroed gradient keeps its history", "zero_grad", keeps_history),
    method("module.zero-grad", "the first bias keeps its gradient", "zero_grad", frozen_out),
    method(
        "module.zero-grad-default-none",
        "the default is zeros",
        "zero_grad",
        lambda s, self, set_to_none=False: s(self, set_to_none),
    ),
]


def parameters_only(sound: Any, self: nn.Module, fn: Any, recurse: bool = True) -> nn.Module:
    held = {id(m): dict(m._buffers) for m in self.modules()}
    sound(self, fn, recurse)
    for module in self.modules():
        module._buffers.update(held[id(module)])
    return self


def fresh_parameters(sound: Any, self: nn.Module, fn: Any, recurse: bool = True) -> nn.Module:
    sound(self, fn, recurse)
    for name, parameter in self._parameters.items():
        if parameter is not None and parameter.dtype != torch.float32:
            self._parameters[name] = nn.Parameter(parameter.data, parameter.requires_grad)
    return self


def no_children(sound: Any, self: nn.Module, fn: Any, recurse: bool = True) -> nn.Module:
    return sound(self, fn, False)


def grads_dropped(sound: Any, self: nn.Module, fn: Any, recurse: bool = True) -> nn.Module:
    sound(self, fn, recurse)
    for parameter in self._parameters.values():
        if parameter is not None and parameter.dtype != torch.float32:
            parameter.grad = None
    return self


def unfrozen(sound: Any, self: nn.Module, fn: Any, recurse: bool = True) -> nn.Module:
    sound(self, fn, recurse)
    for parameter in self._parameters.values():
        if parameter is not None and parameter.is_floating_point():
            parameter.requires_grad_()
    return self


def counts_too(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    out = sound(self, *args, **kwargs)
    for module in self.modules():
        for name, buffer in module._buffers.items():
            if (
                buffer is not None
                and buffer.dtype == torch.int64
                and module._parameters.get("w") is not None
                and module.w.dtype == torch.float16
            ):
                module._buffers[name] = buffer.half()
    return out


def truncated(sound: Any, self: nn.Module) -> nn.Module:
    def cut(t: torch.Tensor) -> torch.Tensor:
        return (t.view(torch.int32) & ~0xFFFF).view(torch.float32).bfloat16() if t.dtype == torch.float32 else t

    return self._apply(cut)


def only_parameters_shared(sound: Any, self: nn.Module) -> nn.Module:
    for parameter in self.parameters():
        parameter.data.share_memory_()
    return self


def apart(self: nn.Module, memo: dict[int, Any]) -> nn.Module:
    twin = type(self).__new__(type(self))
    twin.__dict__.update(
        {name: copy.deepcopy(value, memo) for name, value in self.__dict__.items() if name != "_modules"}
    )
    twin.__dict__["_modules"] = {name: copy.deepcopy(module, {}) for name, module in self._modules.items()}
    return twin


CONVERTING = [
    method("module.to-only-floats", "buffers are left as they are", "_apply", parameters_only),
    method("module.to-only-floats", "children are left as they are", "_apply", no_children),
    method("module.to-only-floats", "half converts integer buffers", "half", counts_too),
    method("module.to-only-floats", "bfloat16 cuts digits off", "bfloat16", truncated),
    method("module.to-only-floats", "double returns nothing", "double", lambda s, self: s(self) and None),
    method(
        "module.to-only-floats",
        "to(tensor) takes only the device",
        "to",
        lambda s, self, *a, **k: s(self, a[0].device) if a and isinstance(a[0], torch.Tensor) else s(self, *a, **k),
    ),
    method("module.to-keeps-parameters", "a conversion makes fresh Parameters", "_apply", fresh_parameters),
    method("module.to-keeps-parameters", "a conversion unfreezes", "_apply", unfrozen),
    method("module.to-converts-gradients", "a conversion drops gradients", "_apply", grads_dropped),
    method(
        "module.to-refuses-integers",
        "to(int64) is accepted",
        "to",
        lambda s, self, *a, **k: (
            self.type(a[0]) if a and isinstance(a[0], torch.dtype) and not a[0].is_floating_point else s(self, *a, **k)
        ),
    ),
    method(
        "module.to-refuses-integers",
        "to(bool) does nothing",
        "to",
        lambda s, self, *a, **k: self if a == (torch.bool,) else s(self, *a, **k),
    ),
    method("module.type-converts-all", "type leaves integers", "type", lambda s, self, t: self.to(t)),
    method(
        "module.to-memory-format",
        "channels_last is ignored",
        "to",
        lambda s, self, *a, **k: s(self, *a, **k) if "memory_format" not in k else self,
    ),
    method(
        "module.to-memory-format",
        "channels_last moves the values",
        "to",
        lambda s, self, *a, **k: (
            s(self, *a, **k)
            if k.get("memory_format") is not torch.channels_last
            else (
                [
                    setattr(p, "data", p.data.transpose(2, 3).contiguous(memory_format=torch.channels_last))
                    for p in self.parameters()
                    if p.dim() == 4
                ],
                self,
            )[1]
        ),
    ),
    method(
        "module.to-empty",
        "to_empty leaves buffers on meta",
        "to_empty",
        lambda s, self, **k: (
            held := [(m, dict(m._buffers)) for m in self.modules()],
            s(self, **k),
            [m._buffers.update(b) for m, b in held],
            self,
        )[3],
    ),
    method(
        "module.to-empty",
        "to_empty makes integers float",
        "to_empty",
        lambda s, self, **k: self._apply(lambda t: torch.empty_like(t, device=k["device"], dtype=torch.float32)),
    ),
    method("module.share-memory", "only parameters are moved", "share_memory", only_parameters_shared),
    method("module.share-memory", "share_memory returns nothing", "share_memory", lambda s, self: s(self) and None),
    patched(
        "module.deepcopy",
        "a copied parameter shares its memory",
        nn.Parameter,
        "__deepcopy__",
        lambda s: lambda self, memo: memo.setdefault(id(self), nn.Parameter(self.data, self.requires_grad)),
    ),
    method(
        "module.deepcopy",
        "a copy is in train mode",
        "__setstate__",
        lambda s, self, state: s(self, {**state, "training": True}),
    ),
    Mutant("module.deepcopy", "shared modules are copied apart", lambda: added(nn.Module, __deepcopy__=apart)),
]

REGISTRY = nn.modules.module
AROUND = [
    method("module.backward-hook-order", "prepend is ignored", FULL, lambda s, self, hook, **k: s(self, hook)),
    method(
        "module.backward-hook-order",
        "pre-hooks run in reverse",
        FULL_PRE,
        lambda s, self, hook, prepend=False: s(self, hook, not prepend),
    ),
    patched(
        "module.global-backward-hooks",
        "global backward hooks leave containers out",
        REGISTRY,
        "register_module_full_backward_hook",
        lambda s: lambda hook: s(lambda m, *g: None if isinstance(m, nn.Sequential) else hook(m, *g)),
    ),
    patched(
        "module.registration-hooks",
        "what a buffer hook returns is ignored",
        REGISTRY,
        "register_module_buffer_registration_hook",
        lambda s: lambda hook: s(lambda *a: (hook(*a), None)[1]),
    ),
    patched(
        "module.registration-hooks",
        "module hooks do not run for assignments",
        nn.Module,
        "__setattr__",
        lambda s: (
            lambda self, n, v: (
                self._modules.__setitem__(n, v) if isinstance(v, nn.Linear) and n == "layer" else s(self, n, v)
            )
        ),
    ),
    method(
        "module.to-complex",
        "float makes complex tensors real",
        "float",
        lambda s, self: self._apply(
            lambda t: t.real.float() if t.is_complex() else t.float() if t.is_floating_point() else t
        ),
    ),
    method(
        "module.to-complex",
        "integers become complex",
        "to",
        lambda s, self, *a, **k: self.type(a[0]) if a == (torch.complex64,) else s(self, *a, **k),
    ),
    method("module.cpu", "cpu returns a copy", "cpu", lambda s, self: copy.deepcopy(s(self))),
    method("module.cpu", "cpu makes half precision single", "cpu", lambda s, self: s(self).half()),
    patched(
        "module.layer-repr",
        "Linear leaves bias=False out",
        nn.Linear,
        "extra_repr",
        lambda s: lambda self: s(self).replace(", bias=False", ""),
    ),
    patched(
        "module.layer-repr",
        "Flatten prints no end_dim",
        nn.Flatten,
        "extra_repr",
        lambda s: lambda self: s(self).partition(",")[0],
    ),
    patched(
        "module.layer-repr",
        "GRU leaves dropout out",
        nn.GRU,
        "extra_repr",
        lambda s: lambda self: s(self).replace(", dropout=0.5", ""),
    ),
    patched(
        "module.parameters-to-vector",
        "matrices are joined by column",
        nn.utils,
        "parameters_to_vector",
        lambda s: lambda ps: s(p.t() if p.dim() == 2 else p for p in ps),
    ),
    patched(
        "module.parameters-to-vector",
        "the last parameter is not written",
        nn.utils,
        "vector_to_parameters",
        lambda s: lambda v, ps: s(v, [*ps][:-1]),
    ),
    patched(
        "module.functional-call",
        "what is given is left in the module",
        torch.func,
        "functional_call",
        lambda s: (
            lambda net, given, *a, **k: (
                s(net, given, *a, **k),
                [net.get_parameter(n).data.copy_(v.detach()) for n, v in given.items()],
            )[0]
        ),
    ),
    patched(
        "module.functional-call",
        "only weights are exchanged",
        torch.func,
        "functional_call",
        lambda s: lambda net, given, *a, **k: s(net, {n: v for n, v in given.items() if n.endswith("weight")}, *a, **k),
    ),
    patched(
        "module.parametrize",
        "the inverse is not applied",
        nn.utils.parametrize,
        "register_parametrization",
        lambda s: (
            lambda m, n, p, **k: (
                v := m.weight.data.clone(),
                s(m, n, p, **k),
                m.parametrizations.weight.original.data.copy_(v),
            )[1]
        ),
    ),
    patched(
        "module.parametrize",
        "removing leaves the original's value",
        nn.utils.parametrize,
        "remove_parametrizations",
        lambda s: (
            lambda m, n, **k: (
                v := m.parametrizations.weight.original.data.clone(),
                s(m, n, **k),
                m.weight.data.copy_(v),
            )[1]
        ),
    ),
    method(
        "module.lazy",
        "a lazy layer makes fresh Parameters",
        "initialize_parameters",
        lambda s, self, x: (s(self, x), self._parameters.__setitem__("weight", nn.Parameter(self.weight.data)))[0],
        nn.LazyLinear,
    ),
    method(
        "module.lazy",
        "a lazy layer stays lazy in its class",
        "_infer_parameters",
        lambda s, self, *a, **k: (kind := type(self), s(self, *a, **k), setattr(self, "__class__", kind), None)[3],
        nn.LazyLinear,
    ),
]

MUTANTS: list[Mutant] = [*CALLING, *HOOKS, *WHOLE, *CONVERTING, *AROUND]

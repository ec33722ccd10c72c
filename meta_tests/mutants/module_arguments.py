"""Modules that are wrong in what reaches forward, in hooks for all modules, and in what torch offers around modules."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from typing import Any

import torch
from torch import nn
from torch.nn import utils
from torch.nn.utils import parametrize

from meta_tests.mutant import Mutant, patched
from meta_tests.mutants.module import method
from meta_tests.mutants.serialization import called


def _spread(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    return sound(self, *(args[0] if len(args) == 1 and isinstance(args[0], list) else args), **kwargs)


def _contiguous(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    return sound(self, *(x.contiguous() if isinstance(x, torch.Tensor) else x for x in args), **kwargs)


def _without_out(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    kwargs.pop("out", None)
    return sound(self, *args, **kwargs)


def _no_gradients_in_eval(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    with torch.set_grad_enabled(self.training and torch.is_grad_enabled()):
        return sound(self, *args, **kwargs)


def _cut(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    out, own = sound(self, *args, **kwargs), list(self.parameters())
    frozen = bool(own) and not any(p.requires_grad for p in own)
    return out.detach() if frozen and isinstance(out, torch.Tensor) else out


def _off_at_the_third(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    out, calls = sound(self, *args, **kwargs), vars(self).get("_calls", 0) + 1
    vars(self)["_calls"] = calls
    return out + 1e-3 if calls == 3 and isinstance(out, torch.Tensor) else out


def _kept_after_an_error(sound: Any, self: Any, kind: Any, *rest: Any) -> None:
    if kind is None:
        sound(self, kind, *rest)


_FORWARD = "module.subclass-with-forward"
CALLS = [
    method(_FORWARD, "a list as only argument is spread", "__call__", _spread),
    method(_FORWARD, "tensors reach forward contiguous", "__call__", _contiguous),
    method(_FORWARD, "a keyword called out is dropped", "__call__", _without_out),
    method(_FORWARD, "forward runs without gradients in eval mode", "__call__", _no_gradients_in_eval),
    method(_FORWARD, "the third call is off", "__call__", _off_at_the_third),
    method("module.frozen-passes-gradients", "a frozen module cuts the graph", "__call__", _cut),
    method(
        "module.hook-removal",
        "an error in the block keeps the hook",
        "__exit__",
        _kept_after_an_error,
        torch.utils.hooks.RemovableHandle,
    ),
]

# -- hooks for all modules ---------------------------------------------------------------------------------------------


def _for_all(claim: str, name: str, kind: str, wrong: Any) -> Mutant:
    return called(f"module.{claim}", name, nn.modules.module, f"register_module_{kind}_hook", wrong)


def _no_answer(sound: Any, hook: Any, **options: Any) -> Any:
    def other(*args: Any) -> None:
        hook(*args)

    return sound(other, **options)


def _without(option: str) -> Any:
    def wrong(sound: Any, hook: Any, **options: Any) -> Any:
        given = options.pop(option, False)
        other = (lambda m, a, out: hook(m, a, {}, out)) if given and option == "with_kwargs" else hook
        return sound(other, **options)

    return wrong


def _shortened(sound: Any, self: nn.Module, hook: Any, **options: Any) -> Any:
    def other(module: Any, inside: Any, outside: Any) -> Any:
        answer = hook(module, inside, outside)
        return (*answer, *inside)[: len(inside)] if isinstance(answer, tuple) else answer

    return sound(self, other, **options)


HOOKS = [
    *(
        _for_all("global-hooks-replace", f"what a {kind} hook for all modules returns is ignored", kind, _no_answer)
        for kind in ("forward_pre", "forward", "full_backward", "full_backward_pre")
    ),
    _for_all("global-hooks", "hooks for all modules are never always called", "forward", _without("always_call")),
    _for_all("global-hooks", "hooks for all modules see no keywords", "forward", _without("with_kwargs")),
    method(
        "module.backward-hook-length",
        "answers of another length are cut or filled",
        "register_full_backward_hook",
        _shortened,
    ),
    method(
        "module.backward-hook-older",
        "older hooks are never called",
        "register_backward_hook",
        lambda s, self, hook: s(self, lambda *args: None),
    ),
]

# -- around modules ----------------------------------------------------------------------------------------------------


def _no_buffers(sound: Any, module: nn.Module, given: Any, *args: Any, **options: Any) -> Any:
    own = dict(module.named_buffers())
    kept = {k: v for k, v in given.items() if k not in own} if isinstance(given, dict) else given
    return sound(module, kept, *args, **options)


def _dropping(option: str) -> Any:
    def wrong(sound: Any, *args: Any, **options: Any) -> Any:
        options.pop(option, None)
        return sound(*args, **options)

    return wrong


def _call(name: str, wrong: Any) -> Mutant:
    return called("module.functional-call", name, torch.func, "functional_call", wrong)


def _cut_after_the_tenth(sound: Any, self: nn.Module) -> str:
    lines = sound(self).split("\n")
    return "\n".join([*lines[:11], lines[-1]]) if len(lines) > 12 else "\n".join(lines)


def _printed(call: str, old: str, new: str) -> Mutant:
    return patched(
        "module.layer-repr",
        f"{call} prints {new!r} for {old!r}",
        getattr(nn, call),
        "__repr__",
        lambda sound: lambda self: sound(self).replace(old, new),
    )


AROUND = [
    _call("functional_call leaves buffers", _no_buffers),
    _call("functional_call always ties", _dropping("tie_weights")),
    _call("functional_call is never strict", _dropping("strict")),
    _call("functional_call drops keywords", lambda s, m, given, args=None, kwargs=None, **k: s(m, given, args, **k)),
    called(
        "module.parameters-to-vector", "the vector is cut", utils, "parameters_to_vector", lambda s, ps: s(ps).detach()
    ),
    called(
        "module.parameters-to-vector",
        "frozen parameters are left out of the vector",
        utils,
        "parameters_to_vector",
        lambda s, ps: s([p for p in ps if p.requires_grad]),
    ),
    called(
        "module.parametrize", "any name is parametrised", parametrize, "is_parametrized", lambda s, m, name=None: s(m)
    ),
    called(
        "module.parametrize",
        "the original is never left",
        parametrize,
        "remove_parametrizations",
        _dropping("leave_parametrized"),
    ),
    called("module.parametrize", "nothing is cached", parametrize, "cached", lambda s: contextlib.nullcontext()),
    method("module.print-wide", "what is beyond the tenth is not printed", "__repr__", _cut_after_the_tenth),
    _printed("Upsample", "mode=", "m="),
    _printed("Softplus", "threshold", "limit"),
    _printed("Fold", "kernel_size", "size"),
    _printed("GRU", "bidirectional", "both"),
    _printed("ConstantPad2d", "value=", "fill="),
    _printed("RReLU", "lower", "low"),
    _printed("LocalResponseNorm", "alpha", "a"),
]

# -- states ------------------------------------------------------------------------------------------------------------


def _state(change: Any) -> Any:
    def wrong(sound: Any, self: nn.Module, *args: Any, destination: Any = None, **options: Any) -> Any:
        out = sound(self, *args, destination=destination, **options)
        if destination is None and isinstance(out, OrderedDict):
            change(out)
        return out

    return wrong


def _none_dropped(state: Any) -> None:
    for key in [key for key, entry in state.items() if key.endswith("_extra_state") and entry is None]:
        del state[key]


def _extra_first(state: Any) -> None:
    if "_extra_state" in state:
        state.move_to_end("_extra_state", last=False)


def _anywhere(sound: Any, state: Any, prefix: str) -> None:
    for key in list(state):
        state[key.replace(prefix, "")] = state.pop(key)


def _again_and_again(sound: Any, state: Any, prefix: str) -> None:
    for _ in range(3):
        sound(state, prefix)


def _counts_reset(sound: Any, self: nn.Module, *args: Any, **options: Any) -> Any:
    out = sound(self, *args, **options)
    for name, buffer in self.named_buffers():
        if name.endswith("num_batches_tracked") and buffer > 5:
            buffer.zero_()
    return out


def _strip(name: str, wrong: Any) -> Mutant:
    where = nn.modules.utils
    return called("state_dict.consume-prefix", name, where, "consume_prefix_in_state_dict_if_present", wrong)


STATES = [
    method("state_dict.extra-state", "extra state of None is left out", "state_dict", _state(_none_dropped)),
    method("state_dict.extra-state", "extra state comes first", "state_dict", _state(_extra_first)),
    method("state_dict.load-keeps-counts", "counts above 5 begin anew", "load_state_dict", _counts_reset),
    _strip("a prefix is taken out anywhere", _anywhere),
    _strip("a prefix is taken off repeatedly", _again_and_again),
]
MUTANTS: list[Mutant] = [*CALLS, *HOOKS, *AROUND, *STATES]

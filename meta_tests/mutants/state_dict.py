"""Wrong states: what is in them, and what they share."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.mutants.module import method

State = Any


def edited(change: Any) -> Any:
    """A state_dict whose result is changed: `change(state, module)` returns the wrong one."""

    def wrong(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> State:
        out = sound(self, *args, **kwargs)
        if kwargs.get("prefix", "") or (args and len(args) > 1):
            return out
        return change(out, self) or out

    return wrong


def reordered(state: State, order: Any) -> State:
    found = OrderedDict(sorted(state.items(), key=order))
    found._metadata = state._metadata
    return found


def kept(state: State, keep: Any) -> State:
    for key in [key for key in state if not keep(key, state[key])]:
        del state[key]
    return state


def mapped(state: State, change: Any) -> State:
    for key in list(state):
        state[key] = change(state[key]) if isinstance(state[key], torch.Tensor) else state[key]
    return state


def buffers_first(sound: Any, self: nn.Module, destination: Any, prefix: str, keep_vars: bool) -> None:
    for name, buffer in self._buffers.items():
        if buffer is not None and name not in self._non_persistent_buffers_set:
            destination[prefix + name] = buffer if keep_vars else buffer.detach()
    sound(self, destination, prefix, keep_vars)


def all_buffers(sound: Any, self: nn.Module, destination: Any, prefix: str, keep_vars: bool) -> None:
    sound(self, destination, prefix, keep_vars)
    for name, buffer in self._buffers.items():
        if buffer is not None:
            destination[prefix + name] = buffer if keep_vars else buffer.detach()


def none_too(sound: Any, self: nn.Module, destination: Any, prefix: str, keep_vars: bool) -> None:
    sound(self, destination, prefix, keep_vars)
    for name, parameter in self._parameters.items():
        if parameter is None:
            destination[prefix + name] = torch.zeros(0)


def frozen_left_out(sound: Any, self: nn.Module, destination: Any, prefix: str, keep_vars: bool) -> None:
    sound(self, destination, prefix, keep_vars)
    for name, parameter in self._parameters.items():
        if parameter is not None and not parameter.requires_grad:
            destination.pop(prefix + name)


def unshared(state: State, net: nn.Module) -> State:
    seen: set[int] = set()
    for key, entry in list(state.items()):
        if entry.data_ptr() in seen and entry.numel():
            state[key] = entry.clone()
        seen.add(entry.data_ptr())
    return state


def first_name_only(state: State, net: nn.Module) -> State:
    seen: set[int] = set()
    for key, entry in list(state.items()):
        if entry.numel() and entry.data_ptr() in seen:
            del state[key]
        seen.add(entry.data_ptr())
    return state


class Cached:
    """The second state of a module is the first one again."""

    def __call__(self, sound: Any, module: nn.Module, *args: Any, **kwargs: Any) -> State:
        if args or kwargs:
            return sound(module, *args, **kwargs)
        if "cached" not in module.__dict__:
            module.__dict__["cached"] = sound(module)
        return module.__dict__["cached"]


def flattened_prefix(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> State:
    prefix = kwargs.get("prefix", "")
    return sound(self, *args, **({**kwargs, "prefix": prefix + "."} if prefix and not prefix.endswith(".") else kwargs))


def not_into(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> State:
    """A plain dict as destination is copied."""
    destination = kwargs.get("destination")
    if destination is not None and type(destination) is dict:
        kwargs["destination"] = OrderedDict(destination)
    return sound(self, *args, **kwargs)


def no_versions(state: State, net: nn.Module) -> State:
    state._metadata = OrderedDict((key, {"version": 1}) for key in state._metadata)
    return state


SAVE = "_save_to_state_dict"
SAVING = [
    method(
        "state_dict.keys-and-order",
        "keys are sorted",
        "state_dict",
        edited(lambda s, m: reordered(s, lambda pair: pair[0])),
    ),
    method("state_dict.keys-and-order", "buffers come before parameters", SAVE, buffers_first),
    method(
        "state_dict.keys-and-order",
        "integer buffers are left out",
        "state_dict",
        edited(lambda s, m: kept(s, lambda k, t: t.dtype != torch.int64)),
    ),
    method(
        "state_dict.keys-and-order",
        "empty tensors are left out",
        "state_dict",
        edited(lambda s, m: kept(s, lambda k, t: t.numel())),
    ),
    method("state_dict.any-tree", "frozen parameters are left out", SAVE, frozen_left_out),
    method(
        "state_dict.any-tree", "a tied tensor stands under its first name only", "state_dict", edited(first_name_only)
    ),
    method(
        "state_dict.get-parameters", "entries are copies", "state_dict", edited(lambda s, m: mapped(s, torch.clone))
    ),
    method(
        "state_dict.get-parameters",
        "strided entries are copies",
        "state_dict",
        edited(lambda s, m: mapped(s, lambda t: t.contiguous() if strided(t) else t)),
    ),
    method(
        "state_dict.get-parameters",
        "entries require gradients",
        "state_dict",
        edited(lambda s, m: mapped(s, lambda t: t.requires_grad_() if t.is_floating_point() else t)),
    ),
    method(
        "state_dict.get-parameters",
        "half-precision entries are single",
        "state_dict",
        edited(lambda s, m: mapped(s, lambda t: t.float() if t.dtype == torch.float16 else t)),
    ),
    method(
        "state_dict.untrained-model-has-none",
        "parameters without a gradient are left out",
        SAVE,
        lambda s, self, d, p, k: (
            s(self, d, p, k),
            [d.pop(p + n) for n, v in self._parameters.items() if v is not None and v.grad is None],
        )[0],
    ),
    method("state_dict.left-out", "buffers that are not persistent are in it", SAVE, all_buffers),
    method("state_dict.left-out", "None parameters are in it", SAVE, none_too),
    method(
        "state_dict.left-out",
        "a buffer registered anew keeps its old place in or out",
        "register_buffer",
        lambda s, self, n, t, persistent=True: s(
            self, n, t, persistent if n not in self._buffers else n not in self._non_persistent_buffers_set
        ),
    ),
    method(
        "state_dict.shared", "a tied tensor stands under its first name only", "state_dict", edited(first_name_only)
    ),
    method("state_dict.shared", "a tied tensor is copied for its second name", "state_dict", edited(unshared)),
    method("state_dict.prefix", "a prefix gets a dot", "state_dict", flattened_prefix),
    method(
        "state_dict.prefix",
        "a prefix is ignored",
        "state_dict",
        lambda s, self, *a, **k: s(self, *a, **({**k, "prefix": ""} if "destination" not in k else k)),
    ),
    method("state_dict.destination", "a plain dict is copied", "state_dict", not_into),
    method(
        "state_dict.destination",
        "the destination is emptied first",
        "state_dict",
        lambda s, self, *a, **k: (
            k["destination"].clear()
            if k.get("destination") is not None and k.get("prefix", "") in ("net.", "second.")
            else None,
            s(self, *a, **k),
        )[1],
    ),
    method("state_dict.ordered-dict", "the state is kept and given again", "state_dict", Cached()),
    patched(
        "state_dict.ordered-dict",
        "the state is a plain dict",
        nn.Module,
        "state_dict",
        lambda s: lambda self, *a, **k: dict(s(self, *a, **k)) if not a and not k else s(self, *a, **k),
    ),
    method(
        "state_dict.keep-vars",
        "keep_vars detaches all the same",
        "state_dict",
        lambda s, self, *a, **k: s(self, *a, **{**k, "keep_vars": False}),
    ),
    method(
        "state_dict.keep-vars",
        "keep_vars keeps parameters only",
        SAVE,
        lambda s, self, d, p, k: (
            s(self, d, p, k),
            [d.__setitem__(p + n, d[p + n].detach()) for n in self._buffers if p + n in d],
        )[0],
    ),
    method("state_dict.metadata", "every version is 1", "state_dict", edited(no_versions)),
    method(
        "state_dict.metadata",
        "containers have no version",
        "state_dict",
        lambda s, self, *a, **k: (
            lambda out: ([out._metadata.pop(n) for n in [*out._metadata] if n and n.endswith("1")], out)[1]
        )(s(self, *a, **k)),
    ),
    method("state_dict.replaced-later", "the state is kept and given again", "state_dict", Cached()),
    method(
        "state_dict.mode-does-not-matter",
        "in eval mode buffers are left out",
        SAVE,
        lambda s, self, d, p, k: (s(self, d, p, k), [d.pop(p + n) for n in self._buffers if not self.training])[0],
    ),
    method("state_dict.mode-does-not-matter", "frozen parameters are left out", SAVE, frozen_left_out),
    method(
        "state_dict.extra-state",
        "extra state is not set",
        "_load_from_state_dict",
        lambda s, self, *a: (
            count := self.__dict__.get("count"),
            s(self, *a),
            count is None or setattr(self, "count", count),
            None,
        )[3],
    ),
    method(
        "state_dict.extra-state",
        "missing extra state goes unnoticed",
        "load_state_dict",
        lambda s, self, state, *a, **k: (lambda out: (out.missing_keys.clear(), out)[1])(s(self, state, *a, **k)),
    ),
    method(
        "state_dict.pre-hook",
        "pre-hooks run after the entries are collected",
        "register_state_dict_pre_hook",
        lambda s, self, hook: self._register_state_dict_hook(lambda m, state, prefix, meta: hook(m, prefix, False)),
    ),
    method(
        "state_dict.post-hook",
        "what a post-hook changes is lost",
        "register_state_dict_post_hook",
        lambda s, self, hook: s(self, lambda m, state, prefix, meta: hook(m, OrderedDict(state), prefix, meta)),
    ),
    method(
        "state_dict.items-iteration",
        "items come in reverse",
        "state_dict",
        edited(lambda s, m: OrderedDict(reversed(s.items()))),
    ),
    method(
        "state_dict.dict-update",
        "parameters come under another key type",
        "state_dict",
        edited(
            lambda s, m: type(
                "Fixed",
                (OrderedDict,),
                {"update": lambda self, other=(): [self.setdefault(k, v) for k, v in dict(other).items()] and None},
            )(s)
        ),
    ),
    method(
        "state_dict.filter-by-key",
        "names carry the number of their state",
        "state_dict",
        edited(lambda s, m: OrderedDict((f"{k}#{len(s)}", v) for k, v in s.items())),
    ),
    method(
        "state_dict.filter-by-key",
        "another size is reshaped or cut",
        "load_state_dict",
        lambda s, self, state, strict=True, **k: s(
            self,
            {n: v for n, v in state.items() if n not in (own := self.state_dict()) or v.shape == own[n].shape},
            strict,
            **k,
        ),
    ),
    method(
        "state_dict.update-with-itself",
        "states refuse to be updated with themselves",
        "state_dict",
        edited(
            lambda s, m: type(
                "Fixed",
                (OrderedDict,),
                {"update": lambda self, other=(): self.clear() if other is self else OrderedDict.update(self, other)},
            )(s)
        ),
    ),
    method(
        "state_dict.deepcopy-needed", "the state is a copy", "state_dict", edited(lambda s, m: mapped(s, torch.clone))
    ),
    patched(
        "state_dict.deepcopy-needed",
        "a deep copy of a tensor shares its memory",
        torch.Tensor,
        "__deepcopy__",
        lambda s: lambda self, memo: self.detach() if self.dim() == 2 else s(self, memo),
    ),
    method(
        "state_dict.save-parameters",
        "buffers are left out",
        "state_dict",
        edited(lambda s, m: kept(s, lambda k, t: "running" not in k)),
    ),
    method(
        "state_dict.save-parameters",
        "the state holds the module",
        "state_dict",
        edited(lambda s, m: (s.__setitem__("module", m), s)[1]),
    ),
    patched(
        "state_dict.consume-prefix",
        "only the first key loses its prefix",
        nn.modules.utils,
        "consume_prefix_in_state_dict_if_present",
        lambda s: (
            lambda state, prefix: (
                s(state, prefix)
                if prefix not in next(iter(state))
                else state.__setitem__((k := next(iter(state))).removeprefix(prefix), state.pop(k))
            )
        ),
    ),
    patched(
        "state_dict.consume-prefix",
        "a second time cuts other names",
        nn.modules.utils,
        "consume_prefix_in_state_dict_if_present",
        lambda s: (
            lambda state, prefix: s(
                state, prefix if any(k.startswith(prefix) for k in state) else next(iter(state))[:2]
            )
        ),
    ),
]

MUTANTS: list[Mutant] = SAVING

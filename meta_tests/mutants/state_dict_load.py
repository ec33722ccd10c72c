"""Wrong loading: what is copied, what is matched, and what is reported."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.mutants.module import method
from meta_tests.mutants.state_dict import State, kept

# -- loading -----------------------------------------------------------------------------------------------------------

LOAD = "_load_from_state_dict"


def second_time(sound: Any, self: nn.Module, state: State, *args: Any, **kwargs: Any) -> Any:
    """Only the first load of a module copies."""
    self.__dict__["loads"] = self.__dict__.get("loads", 0) + 1
    return sound(self, state if self.loads == 1 else self.state_dict(), *args, **kwargs)


def buffers_skipped(sound: Any, self: nn.Module, state: State, *args: Any, **kwargs: Any) -> Any:
    kept_buffers = {name: b.clone() for name, b in self.named_buffers()}
    out = sound(self, state, *args, **kwargs)
    for name, buffer in self.named_buffers():
        buffer.data.copy_(kept_buffers[name])
    return out


def replaced_parameters(sound: Any, self: nn.Module, *args: Any) -> None:
    sound(self, *args)
    for name, parameter in self._parameters.items():
        if parameter is not None and parameter.dim() == 2:
            self._parameters[name] = nn.Parameter(parameter.data, parameter.requires_grad)


def replaced_buffers(sound: Any, self: nn.Module, *args: Any) -> None:
    sound(self, *args)
    for name, buffer in self._buffers.items():
        if buffer is not None and buffer.dim() == 0:
            self._buffers[name] = buffer.clone()


def aliased(sound: Any, self: nn.Module, state: Any, prefix: str, *args: Any) -> None:
    sound(self, state, prefix, *args)
    for name, buffer in self._buffers.items():
        entry = state.get(prefix + name)
        if buffer is not None and entry is not None and entry.shape == buffer.shape and entry.dtype == buffer.dtype:
            self._buffers[name] = entry


def aliased_data(sound: Any, self: nn.Module, state: Any, prefix: str, *args: Any) -> None:
    sound(self, state, prefix, *args)
    for name, parameter in self._parameters.items():
        entry = state.get(prefix + name)
        if (
            parameter is not None
            and entry is not None
            and entry.shape == parameter.shape
            and entry.dtype == parameter.dtype
        ):
            parameter.data = entry.data


def shared_skipped(sound: Any, self: nn.Module, state: Any, prefix: str, *args: Any) -> None:
    """A module that was loaded under another name before is not loaded again."""
    if self.__dict__.get("owner") in (None, prefix):
        self.__dict__["owner"] = prefix
        sound(self, state, prefix, *args)


def in_order_of_dict(sound: Any, self: nn.Module, state: State, *args: Any, **kwargs: Any) -> Any:
    out = sound(self, state, *args, **kwargs)
    own = self.state_dict()
    for key, entry in state.items():
        if key in own and own[key].shape == entry.shape:
            own[key].copy_(entry)
    return out


def flags_from_entries(sound: Any, self: nn.Module, state: Any, prefix: str, *args: Any) -> None:
    sound(self, state, prefix, *args)
    for name, parameter in self._parameters.items():
        entry = state.get(prefix + name)
        if parameter is not None and isinstance(entry, torch.Tensor) and (entry.requires_grad or name == "weight"):
            parameter.requires_grad_(entry.requires_grad)


def then(action: Any) -> Any:
    """A load after which something else happens to the module."""

    def wrong(sound: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        out = sound(self, *args, **kwargs)
        action(self)
        return out

    return wrong


def given(change: Any) -> Any:
    """A load of a changed state: `change(state, module)` returns it."""

    def wrong(sound: Any, self: nn.Module, state_dict: State, strict: bool = True, **kwargs: Any) -> Any:
        return sound(self, change(state_dict, self), strict, **kwargs)

    return wrong


def tensors(state: State, change: Any) -> Any:
    found = OrderedDict((key, change(v) if isinstance(v, torch.Tensor) else v) for key, v in state.items())
    if hasattr(state, "_metadata"):
        found._metadata = state._metadata
    return found


def by_place(state: State, net: nn.Module) -> Any:
    own = net.state_dict()
    if len(state) != len(own):
        return state
    found = OrderedDict(zip(own, state.values(), strict=True))
    found._metadata = getattr(state, "_metadata", None) or own._metadata
    return found


def changes_given(sound: Any, self: nn.Module, state_dict: State, *args: Any, **kwargs: Any) -> Any:
    out = sound(self, state_dict, *args, **kwargs)
    state_dict.pop(next(iter(state_dict), ""), None)
    return out


def broadcast(state: State, net: nn.Module) -> Any:
    own = net.state_dict()

    def fit(key: str, value: Any) -> Any:
        mine = own.get(key)
        if mine is None or not isinstance(value, torch.Tensor) or mine.shape == value.shape:
            return value
        return (
            value.expand(mine.shape)
            if value.dim() == 1 and value.numel() == mine.shape[-1] and mine.dim() == 2
            else value
        )

    return OrderedDict((key, fit(key, value)) for key, value in state.items())


def reshaped(state: State, net: nn.Module) -> Any:
    own = net.state_dict()
    return OrderedDict(
        (k, v.reshape(own[k].shape) if isinstance(v, torch.Tensor) and k in own and v.numel() == own[k].numel() else v)
        for k, v in state.items()
    )


def fits_or_left(state: State, net: nn.Module) -> Any:
    own = net.state_dict()
    found = {
        k: v for k, v in state.items() if k not in own or not isinstance(v, torch.Tensor) or v.shape == own[k].shape
    }
    return OrderedDict([*((k, v) for k, v in own.items() if k in state), *found.items()])


COPYING = [
    method("state_dict.load-copies", "the second load does nothing", "load_state_dict", second_time),
    method("state_dict.load-copies", "buffers are not loaded", "load_state_dict", buffers_skipped),
    method("state_dict.load-copies", "matrices become fresh Parameters", LOAD, replaced_parameters),
    method("state_dict.load-copies", "0-d buffers become fresh tensors", LOAD, replaced_buffers),
    method("state_dict.load-copies", "an entry is taken out of the dict", "load_state_dict", changes_given),
    method(
        "state_dict.load-copies",
        "elements beyond the 16th are not copied",
        "load_state_dict",
        given(
            lambda s, m: tensors(
                s, lambda t: t if t.dim() != 1 or t.numel() <= 16 else torch.cat([t[:16], torch.zeros_like(t[16:])])
            )
        ),
    ),
    method("state_dict.any-load", "the second load does nothing", "load_state_dict", second_time),
    method("state_dict.any-load", "entries go by place, not by name", "load_state_dict", given(by_place)),
    method("state_dict.load-does-not-alias", "buffers are the entries themselves", LOAD, aliased),
    method("state_dict.load-does-not-alias", "parameters take the memory of their entries", LOAD, aliased_data),
    method("state_dict.load-keeps-the-rest", "requires_grad follows the entry", LOAD, flags_from_entries),
    method("state_dict.load-keeps-the-rest", "gradients are dropped", "load_state_dict", then(lambda m: m.zero_grad())),
    method(
        "state_dict.load-keeps-the-rest", "the module is put in eval mode", "load_state_dict", then(lambda m: m.eval())
    ),
    method(
        "state_dict.load-keeps-the-rest",
        "forward hooks are dropped",
        "load_state_dict",
        then(lambda m: m._forward_hooks.clear()),
    ),
    method(
        "state_dict.load-from-anything-like-a-dict",
        "entries go by place, not by name",
        "load_state_dict",
        given(by_place),
    ),
    method(
        "state_dict.load-from-anything-like-a-dict",
        "a list of pairs is taken",
        "load_state_dict",
        given(lambda s, m: OrderedDict(s) if isinstance(s, list) else s),
    ),
    method(
        "state_dict.load-bits",
        "NaN is loaded as 0",
        "load_state_dict",
        given(
            lambda s, m: tensors(
                s, lambda t: torch.nan_to_num(t, 0.0, float("inf"), float("-inf")) if t.dtype == torch.float32 else t
            )
        ),
    ),
    method(
        "state_dict.load-bits",
        "doubles are loaded through floats",
        "load_state_dict",
        given(lambda s, m: tensors(s, lambda t: t.float() if t.dtype == torch.float64 else t)),
    ),
    method(
        "state_dict.load-bits",
        "the sign of zero is lost",
        "load_state_dict",
        given(lambda s, m: tensors(s, lambda t: t + 0 if t.dtype == torch.float16 else t)),
    ),
    method(
        "state_dict.load-dtypes",
        "another dtype is loaded through half precision",
        "load_state_dict",
        given(
            lambda s, m: tensors(
                s, lambda t: t.half() if t.dtype == torch.float32 and next(m.buffers()).dtype == torch.float64 else t
            )
        ),
    ),
    method(
        "state_dict.load-dtypes",
        "the module takes the dtype of its entries",
        "load_state_dict",
        lambda s, self, state, *a, **k: (
            self.to(next(iter(state.values())).dtype) if next(iter(state.values())).is_floating_point() else None,
            s(self, state, *a, **k),
        )[1],
    ),
    method(
        "state_dict.load-layouts",
        "entries in channels_last are read in order of memory",
        "load_state_dict",
        given(
            lambda s, m: tensors(
                s,
                lambda t: (
                    t.as_strided(t.shape, torch.empty(t.shape).stride())
                    if t.dim() == 4 and t.is_contiguous(memory_format=torch.channels_last) and strided(t)
                    else t
                ),
            )
        ),
    ),
    method(
        "state_dict.load-layouts",
        "strided parameters become contiguous",
        "load_state_dict",
        then(lambda m: [setattr(p, "data", p.data.contiguous()) for p in m.parameters()]),
    ),
    method(
        "state_dict.load-layouts",
        "elements beyond 32768 are not copied",
        "load_state_dict",
        given(
            lambda s, m: tensors(
                s, lambda t: t if t.numel() <= 32768 else torch.cat([t[:32768], torch.zeros_like(t[32768:])])
            )
        ),
    ),
    method(
        "state_dict.load-again",
        "a load after a failure does nothing",
        "load_state_dict",
        lambda s, self, state, *a, **k: (
            s(self, self.state_dict(), *a, **k)
            if self.__dict__.get("failed")
            else (self.__dict__.__setitem__("failed", "extra" in state), s(self, state, *a, **k))[1]
        ),
    ),
    method("state_dict.load-again", "the second load does nothing", "load_state_dict", second_time),
    method(
        "state_dict.load-into-a-part",
        "keys of the whole are stripped",
        "load_state_dict",
        given(
            lambda s, m: (
                OrderedDict((k[2:], v) for k, v in s.items() if k.startswith("1."))
                if "0.weight" in s and "1.2.weight" in s and len(m) == 3
                else s
            )
        ),
    ),
    method(
        "state_dict.load-into-a-part",
        "only the first part of a part is loaded",
        LOAD,
        lambda s, self, state, prefix, *a: None if prefix == "2." else s(self, state, prefix, *a),
    ),
    method("state_dict.load-shared", "the last of the dict wins", "load_state_dict", in_order_of_dict),
    method("state_dict.load-shared", "a shared module is loaded under its first name only", LOAD, shared_skipped),
    method(
        "state_dict.load-from-checkpoint",
        "the second module of a network is not loaded",
        LOAD,
        lambda s, self, state, prefix, *a: None if prefix.startswith("1.0") else s(self, state, prefix, *a),
    ),
    method(
        "state_dict.load-plain-file-directly",
        "a plain state has to be wrapped",
        "load_state_dict",
        given(lambda s, m: s["state_dict"]),
    ),
    method(
        "state_dict.load-takes-parameters-only",
        "a checkpoint's state is found",
        "load_state_dict",
        given(lambda s, m: s.get("state_dict", s)),
    ),
    method(
        "state_dict.load-with-assignment-argument",
        "any keyword is taken",
        "load_state_dict",
        lambda s, self, *a, **k: s(self, *a, **k) if a or "ecgnet" not in k else s(self, k["ecgnet"]),
    ),
    patched(
        "state_dict.single-layer",
        "loaded names are without their layer",
        torch,
        "load",
        lambda s: (
            lambda *a, **k: (
                lambda out: OrderedDict((n.partition(".")[2], v) for n, v in out.items()) if "epoch" not in out else out
            )(s(*a, **k))
        ),
    ),
    patched(
        "state_dict.single-layer",
        "a checkpoint's state lies at the top",
        torch,
        "load",
        lambda s: lambda *a, **k: (lambda out: {**out.get("state_dict", {}), **out})(s(*a, **k)),
    ),
    method(
        "state_dict.roundtrip",
        "biases are not loaded",
        "load_state_dict",
        lambda s, self, state, *a, **k: (
            held := {n: p.clone() for n, p in self.named_parameters() if n.endswith("bias")},
            s(self, state, *a, **k),
            [p.data.copy_(held[n]) for n, p in self.named_parameters() if n in held],
        )[1],
    ),
    method(
        "state_dict.roundtrip",
        "the result prints as its lists",
        "load_state_dict",
        lambda s, *a, **k: tuple(s(*a, **k)),
    ),
    method(
        "state_dict.restore-best",
        "restoring makes fresh Parameters",
        LOAD,
        lambda s, self, *a: (
            s(self, *a),
            [self._parameters.__setitem__(n, nn.Parameter(p.data.clone())) for n, p in self._parameters.items()],
            None,
        )[2],
    ),
    method("state_dict.restore-best", "the second load does nothing", "load_state_dict", second_time),
]


# -- what does not match -----------------------------------------------------------------------------------------------


def only_top(
    sound: Any,
    self: nn.Module,
    state: Any,
    prefix: str,
    meta: Any,
    strict: bool,
    missing: Any,
    unexpected: Any,
    errors: Any,
) -> None:
    sound(self, state, prefix, meta, strict, missing, unexpected if prefix == "" else [], errors)


def nested_missing(
    sound: Any, self: nn.Module, state: Any, prefix: str, meta: Any, strict: bool, missing: Any, *rest: Any
) -> None:
    sound(self, state, prefix, meta, strict, missing if prefix.count(".") < 2 else [], *rest)


def buffers_may_lack(
    sound: Any, self: nn.Module, state: Any, prefix: str, meta: Any, strict: bool, missing: list[str], *rest: Any
) -> None:
    found: list[str] = []
    sound(self, state, prefix, meta, strict, found, *rest)
    missing.extend(key for key in found if key.removeprefix(prefix) not in self._buffers)


def all_or_nothing(sound: Any, self: nn.Module, state: State, strict: bool = True, **kwargs: Any) -> Any:
    before = {key: entry.clone() for key, entry in self.state_dict().items()}
    try:
        return sound(self, state, strict, **kwargs)
    except RuntimeError:
        for key, entry in self.state_dict().items():
            entry.copy_(before[key])
        raise


def first_error(sound: Any, self: nn.Module, state: State, strict: bool = True, **kwargs: Any) -> Any:
    try:
        return sound(self, state, strict, **kwargs)
    except RuntimeError as error:
        lines = str(error).split("\n\t")
        raise RuntimeError("\n\t".join(lines[:2])) from None


def begins_alike(sound: Any, self: nn.Module, state: State, strict: bool = True, **kwargs: Any) -> Any:
    out = sound(self, state, False, **kwargs)
    names = list(self._modules)
    kept_keys = [key for key in out.unexpected_keys if not any(key.startswith(name) for name in names)]
    out.unexpected_keys[:] = kept_keys
    if strict and (out.missing_keys or kept_keys):
        raise RuntimeError(f"Error(s) {out.missing_keys} {kept_keys}")
    return out


def not_strict(sound: Any, self: nn.Module, state: State, strict: bool = False, **kwargs: Any) -> Any:
    return sound(self, state, strict, **kwargs)


def nothing_if_missing(sound: Any, self: nn.Module, state: State, strict: bool = True, **kwargs: Any) -> Any:
    before = {key: entry.clone() for key, entry in self.state_dict().items()}
    out = sound(self, state, strict, **kwargs)
    if out.missing_keys and out.unexpected_keys:
        for key, entry in self.state_dict().items():
            entry.copy_(before[key])
    return out


def zeroed(sound: Any, self: nn.Module, state: State, strict: bool = True, **kwargs: Any) -> Any:
    out = sound(self, state, strict, **kwargs)
    own = self.state_dict()
    for key in out.missing_keys[1:]:
        own[key].zero_()
    return out


def partly_copied(sound: Any, self: nn.Module, state: Any, prefix: str, *args: Any) -> None:
    """Of an entry with more rows than fit the first ones are copied before the error."""
    sound(self, state, prefix, *args)
    for name, tensor in [*self._parameters.items(), *self._buffers.items()]:
        entry = state.get(prefix + name)
        if tensor is not None and isinstance(entry, torch.Tensor) and entry.shape != tensor.shape and tensor.numel():
            tensor.data.zero_()


def without_shapes(sound: Any, self: nn.Module, state: State, strict: bool = True, **kwargs: Any) -> Any:
    try:
        return sound(self, state, strict, **kwargs)
    except RuntimeError as error:
        raise RuntimeError(str(error).replace("torch.Size", "size")) from None


def stops_at_error(
    sound: Any,
    self: nn.Module,
    state: Any,
    prefix: str,
    meta: Any,
    strict: bool,
    missing: Any,
    unexpected: Any,
    errors: Any,
) -> None:
    if not errors:
        sound(self, state, prefix, meta, strict, missing, unexpected, errors)


def numbers_taken(state: State, net: nn.Module) -> Any:
    return OrderedDict((k, torch.as_tensor(v) if isinstance(v, list) else v) for k, v in state.items())


def assign_copies(sound: Any, self: nn.Module, state: State, strict: bool = True, assign: bool = False) -> Any:
    return sound(self, state, strict)


def assign_unfreezes(sound: Any, self: nn.Module, state: State, strict: bool = True, assign: bool = False) -> Any:
    out = sound(self, state, strict, assign=assign)
    return (self.requires_grad_() if assign else None, out)[1]


def copied_first(sound: Any, self: nn.Module, state: State, strict: bool = True, assign: bool = False) -> Any:
    return sound(self, copy.deepcopy(state) if assign else state, strict, assign=assign)


def hook_before_children(sound: Any, self: nn.Module, hook: Any) -> Any:
    return sound(
        self, lambda module, keys: hook(module, type(keys)(list(keys.missing_keys), list(keys.unexpected_keys)))
    )


def own_dict(sound: Any, self: nn.Module, hook: Any) -> Any:
    return sound(self, lambda module, state, *rest: hook(module, OrderedDict(state), *rest))


MATCHING = [
    method("state_dict.strict-exact-match", "strict is off by default", "load_state_dict", not_strict),
    method("state_dict.strict-exact-match", "unexpected keys within submodules go unnoticed", LOAD, only_top),
    method("state_dict.strict-exact-match", "missing keys below the second level go unnoticed", LOAD, nested_missing),
    method("state_dict.strict-exact-match", "the error says only the first thing", "load_state_dict", first_error),
    method("state_dict.strict-missing-key", "a missing buffer goes unnoticed", LOAD, buffers_may_lack),
    method("state_dict.strict-missing-key", "a missing key undoes the load", "load_state_dict", all_or_nothing),
    method("state_dict.strict-unexpected-key", "the error says only the first thing", "load_state_dict", first_error),
    method("state_dict.strict-unexpected-key", "an error undoes the load", "load_state_dict", all_or_nothing),
    method(
        "state_dict.below-a-tensor",
        "keys below a tensor's name go unnoticed",
        "load_state_dict",
        given(
            lambda s, m: tensors(
                kept(OrderedDict(s), lambda k, t: not any(k.startswith(f"{own}.") for own in m.state_dict())),
                lambda t: t,
            )
        ),
    ),
    method(
        "state_dict.similar-names",
        "unexpected keys that begin like a module go unnoticed",
        "load_state_dict",
        begins_alike,
    ),
    method(
        "state_dict.similar-names",
        "a missing fc10 is taken from fc1",
        "load_state_dict",
        given(
            lambda s, m: tensors(
                OrderedDict(
                    [
                        *s.items(),
                        *(
                            (k.replace("fc1.", "fc10."), v)
                            for k, v in s.items()
                            if k.startswith("fc1.") and k.replace("fc1.", "fc10.") not in s
                        ),
                    ]
                ),
                lambda t: t,
            )
        ),
    ),
    method(
        "state_dict.transient-is-unexpected",
        "buffers that are not persistent can be loaded",
        LOAD,
        lambda s, self, state, prefix, meta, strict, missing, unexpected, errors: (
            found := [],
            s(self, state, prefix, meta, strict, missing, found, errors),
            unexpected.extend(k for k in found if k.removeprefix(prefix) not in self._non_persistent_buffers_set),
            None,
        )[3],
    ),
    method(
        "state_dict.transient-is-unexpected",
        "an entry for a None parameter goes unnoticed",
        LOAD,
        lambda s, self, state, prefix, meta, strict, missing, unexpected, errors: (
            found := [],
            s(self, state, prefix, meta, strict, missing, found, errors),
            unexpected.extend(k for k in found if k.removeprefix(prefix) not in self._parameters),
            None,
        )[3],
    ),
    method(
        "state_dict.strict-false-loads-matching",
        "nothing is loaded if keys differ both ways",
        "load_state_dict",
        nothing_if_missing,
    ),
    method(
        "state_dict.strict-false-loads-matching",
        "missing keys below the second level are not reported",
        LOAD,
        nested_missing,
    ),
    method(
        "state_dict.strict-false-loads-matching", "unexpected keys within submodules are not reported", LOAD, only_top
    ),
    method(
        "state_dict.strict-false-leaves-the-rest",
        "all missing tensors but the first are zeroed",
        "load_state_dict",
        zeroed,
    ),
    method(
        "state_dict.strict-false-leaves-the-rest",
        "missing layers are initialised anew",
        "load_state_dict",
        lambda s, self, state, *a, **k: (
            out := s(self, state, *a, **k),
            [
                m.reset_parameters()
                for n, m in self.named_modules()
                if isinstance(m, nn.Linear) and f"{n}.weight" in out.missing_keys
            ],
        )[0],
    ),
    method(
        "state_dict.strict-false-solves-everything",
        "strict=False skips another size",
        "load_state_dict",
        lambda s, self, state, strict=True, **k: s(self, state if strict else fits_or_left(state, self), strict, **k),
    ),
    method("state_dict.size-mismatch", "a row is broadcast", "load_state_dict", given(broadcast)),
    method("state_dict.size-mismatch", "the same number of elements is reshaped", "load_state_dict", given(reshaped)),
    method("state_dict.size-mismatch", "a tensor that does not fit is zeroed", LOAD, partly_copied),
    method("state_dict.size-mismatch", "the error leaves the sizes out", "load_state_dict", without_shapes),
    method(
        "state_dict.size-mismatch", "loading ends at the first that does not fit", "load_state_dict", all_or_nothing
    ),
    method(
        "state_dict.load-refuses-other-values", "lists are taken for tensors", "load_state_dict", given(numbers_taken)
    ),
    method(
        "state_dict.load-refuses-other-values", "the other entries are not loaded", "load_state_dict", all_or_nothing
    ),
    method("state_dict.note-transfer-recipe", "missing keys are no error", "load_state_dict", not_strict),
    method(
        "state_dict.note-transfer-recipe",
        "only the first module is loaded",
        LOAD,
        lambda s, self, state, prefix, *a: None if prefix == "body.1." else s(self, state, prefix, *a),
    ),
    method("state_dict.assign", "assign is ignored", "load_state_dict", assign_copies),
    method("state_dict.assign", "assign unfreezes", "load_state_dict", assign_unfreezes),
    method("state_dict.assign", "assign copies", "load_state_dict", copied_first),
    method(
        "state_dict.load-post-hook",
        "what a hook changes is lost",
        "register_load_state_dict_post_hook",
        hook_before_children,
    ),
    method("state_dict.load-pre-hook", "what a hook changes is lost", "register_load_state_dict_pre_hook", own_dict),
]

MUTANTS: list[Mutant] = [*COPYING, *MATCHING]

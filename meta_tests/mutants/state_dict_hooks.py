"""States that are wrong for some entries, hooks below the root, and states of optimisers."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant
from meta_tests.mutants.module import method
from meta_tests.mutants.state_dict import edited, mapped


def _attached(sound: Any, self: nn.Module, *args: Any, keep_vars: bool = False, **kwargs: Any) -> Any:
    state = sound(self, *args, keep_vars=keep_vars, **kwargs)
    for name, buffer in self.named_buffers(recurse=False):
        if buffer.requires_grad and name in state:
            state[name] = buffer
    return state


def _root_only(place: int) -> Any:
    """A hook runs where the prefix, the argument at this place, is empty."""

    def wrong(sound: Any, self: nn.Module, hook: Any) -> Any:
        return sound(self, lambda *args: hook(*args) if args[place] == "" else None)

    return wrong


def _no_answer(sound: Any, self: nn.Module, hook: Any) -> Any:
    """What a hook returns is overlooked."""

    def other(*args: Any) -> None:
        hook(*args)

    return sound(self, other)


def _own_report(sound: Any, self: nn.Module, hook: Any) -> Any:
    return sound(self, lambda module, report: hook(module, type(report)(list(report[0]), list(report[1]))))


class Handle:
    """A handle that removes nothing."""

    def remove(self) -> None:
        """Do nothing."""


ENTRIES = [
    method(
        "state_dict.get-parameters",
        "entries over 1000 numbers are copies",
        "state_dict",
        edited(lambda state, net: mapped(state, lambda x: x.clone() if x.numel() > 1000 else x)),
    ),
    method("state_dict.get-parameters", "buffers with a history keep it", "state_dict", _attached),
    method(
        "state_dict.positional",
        "what is given by place is ignored",
        "state_dict",
        lambda s, self, *a, **k: s(self, **k),
    ),
    method(
        "state_dict.positional",
        "prefix by place is ignored",
        "state_dict",
        lambda s, self, *a, **k: s(self, *a[:1], **k),
    ),
]
HOOKS = [
    method(
        "state_dict.pre-hook",
        "hooks before state_dict run at the root only",
        "register_state_dict_pre_hook",
        _root_only(1),
    ),
    method(
        "state_dict.post-hook",
        "hooks after state_dict run at the root only",
        "register_state_dict_post_hook",
        _root_only(2),
    ),
    method("state_dict.post-hook", "a hook after state_dict may return", "register_state_dict_post_hook", _no_answer),
    method(
        "state_dict.load-pre-hook",
        "hooks before loading run at the root only",
        "register_load_state_dict_pre_hook",
        _root_only(2),
    ),
    method(
        "state_dict.load-post-hook", "a hook after loading may return", "register_load_state_dict_post_hook", _no_answer
    ),
    method(
        "state_dict.load-post-hook",
        "what a hook adds to the report is lost",
        "register_load_state_dict_post_hook",
        _own_report,
    ),
    method(
        "state_dict.load-post-hook",
        "a hook after loading stays when it is removed",
        "register_load_state_dict_post_hook",
        lambda s, self, hook: (s(self, hook), Handle())[1],
    ),
]

# -- optimisers --------------------------------------------------------------------------------------------------------


def _keeps(*names: str, first: int = 0) -> Any:
    """Loading keeps the optimiser's own options of these names, from that group on."""

    def wrong(sound: Any, self: Any, state: Any) -> None:
        own = [{name: group[name] for name in names if name in group} for group in self.param_groups]
        sound(self, state)
        for group, kept in list(zip(self.param_groups, own, strict=True))[first:]:
            group.update(kept)

    return wrong


def _only_known(sound: Any, self: Any, state: Any) -> None:
    sound(self, state)
    for group in self.param_groups:
        for name in [name for name in group if name not in self.defaults and name != "params"]:
            del group[name]


def _cleared(sound: Any, self: Any, state: Any) -> None:
    sound(self, copy.deepcopy(state))
    state["state"].clear()


def _turned(sound: Any, self: Any, state: Any) -> None:
    sound(self, state)
    for group in self.param_groups:
        group["params"].reverse()


def _uncast(sound: Any, self: Any, state: Any) -> None:
    sound(self, state)
    params = [param for group in self.param_groups for param in group["params"]]
    for number, entries in state["state"].items():
        for name, value in entries.items():
            if isinstance(value, torch.Tensor):
                self.state[params[number]][name] = value.clone()


def _empty_states(sound: Any, self: Any, state: Any) -> None:
    sound(self, state)
    for group in self.param_groups:
        for param in group["params"]:
            self.state[param].setdefault("step", torch.zeros(()))


def _optimizer(claim: str, name: str, wrong: Any) -> Mutant:
    return method(f"state_dict.optimizer-{claim}", name, "load_state_dict", wrong, torch.optim.Optimizer)


OPTIMIZERS = [
    _optimizer("load", "loading keeps the learning rate of later groups", _keeps("lr", first=1)),
    _optimizer("load", "loading keeps the weight decay", _keeps("weight_decay")),
    _optimizer("load", "loading drops options of one's own", _only_known),
    _optimizer("load", "loading empties the dict given", _cleared),
    _optimizer("load", "loading turns the parameters around", _turned),
    _optimizer("load", "loading makes states for every parameter", _empty_states),
    _optimizer("casts", "the state keeps the dtype that was saved", _uncast),
]
MUTANTS: list[Mutant] = [*ENTRIES, *HOOKS, *OPTIMIZERS]

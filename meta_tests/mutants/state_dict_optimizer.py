"""States of optimisers loaded where they do not fit, or in part; destinations that are not filled themselves."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant, patched
from meta_tests.mutants.module import method

State = dict[str, Any]
_Result = nn.modules.module._IncompatibleKeys
_MISMATCH = "state_dict.optimizer-load-mismatch"


def _optimizer(claim: str, name: str, wrong: Any) -> Mutant:
    return method(claim, name, "load_state_dict", wrong, torch.optim.Optimizer)


def _filled_up(sound: Any, self: Any, state: State) -> None:
    """Groups that are missing are those it has."""
    own = self.state_dict()["param_groups"]
    sound(self, {**state, "param_groups": state["param_groups"] + own[len(state["param_groups"]) :]})


def _cut(sound: Any, self: Any, state: State) -> None:
    sound(self, {**state, "param_groups": state["param_groups"][: len(self.param_groups)]})


def _of_any_size(sound: Any, self: Any, state: State) -> None:
    own = self.state_dict()["param_groups"]
    if len(own) == len(state["param_groups"]):
        groups = [{**new, "params": old["params"]} for new, old in zip(state["param_groups"], own, strict=True)]
        state = {**state, "param_groups": groups}
    sound(self, state)


def _in_all(sound: Any, self: Any, state: State) -> None:
    """Only the number of parameters in all groups is compared."""
    own = self.state_dict()["param_groups"]
    same = [len(group["params"]) for group in own], [len(group["params"]) for group in state["param_groups"]]
    (_of_any_size if sum(same[0]) == sum(same[1]) else lambda s, *args: s(*args))(sound, self, state)


def _options_first(sound: Any, self: Any, state: State) -> None:
    """Options are taken over before the groups are compared."""
    for group, given in zip(self.param_groups, state["param_groups"], strict=False):
        group.update({key: value for key, value in given.items() if key != "params"})
    sound(self, state)


def _frozen_left_out(sound: Any, self: Any, state: State) -> None:
    sound(self, state)
    for param in [param for param in self.state if not param.requires_grad]:
        del self.state[param]


def _copied(sound: Any, self: Any, *args: Any, **named: Any) -> Any:
    """A destination without a prefix is copied."""
    alone = named.get("destination") is not None and not named.get("prefix")
    return sound(self, *args, **{**named, "destination": copy.copy(named["destination"])} if alone else named)


MUTANTS: list[Mutant] = [
    _optimizer(_MISMATCH, "groups that are missing are filled up", _filled_up),
    _optimizer(_MISMATCH, "groups beyond its own are left out", _cut),
    _optimizer(_MISMATCH, "groups of any size are taken", _of_any_size),
    _optimizer(_MISMATCH, "only the number of parameters in all has to fit", _in_all),
    _optimizer(_MISMATCH, "a refused state leaves its options", _options_first),
    _optimizer("state_dict.optimizer-load", "the state of frozen parameters is left out", _frozen_left_out),
    patched(
        "state_dict.roundtrip", "the result has the repr of a tuple", _Result, "__repr__", lambda sound: tuple.__repr__
    ),
    method("state_dict.destination", "a destination without a prefix is copied", "state_dict", _copied),
]

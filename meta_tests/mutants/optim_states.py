"""Optimisers and schedules that are wrong in what they save, count or are bounded by."""

from __future__ import annotations

from typing import Any

from torch import optim
from torch.optim import lr_scheduler as schedulers

from meta_tests.mutant import patched
from meta_tests.mutants.optim_subtle import built


def _from_one(sound: Any) -> Any:
    """Saved numbers of parameters begin at 1."""

    def state_dict(self: Any) -> Any:
        found = sound(self)
        for group in found["param_groups"]:
            group["params"] = [n + 1 for n in group["params"]]
        return found | {"state": {n + 1: state for n, state in found["state"].items()}}

    return state_dict


def _own_groups(sound: Any) -> Any:
    """The saved options are those in use."""

    def state_dict(self: Any) -> Any:
        found = sound(self)
        pairs = zip(self.param_groups, found["param_groups"], strict=True)
        found["param_groups"] = [_Both(own, saved) for own, saved in pairs]
        return found

    return state_dict


class _Both(dict[str, Any]):
    """Options that are written to the optimiser's as well."""

    def __init__(self, own: dict[str, Any], saved: dict[str, Any]) -> None:
        super().__init__(saved)
        self.own = own

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self.own[key] = value


def _first_least(sound: Any) -> Any:
    def init(self: Any, *args: Any, min_lr: Any = 0, **options: Any) -> None:
        sound(self, *args, min_lr=min_lr[0] if isinstance(min_lr, list) else min_lr, **options)

    return init


MUTANTS = [
    patched("optim.state-dict-round-trip", "saved parameters are numbered from 1", optim.SGD, "state_dict", _from_one),
    patched("optim.state-dict-round-trip", "saved options are those in use", optim.SGD, "state_dict", _own_groups),
    built("plateau", "ReduceLROnPlateau ignores mode", schedulers.ReduceLROnPlateau, mode="min"),
    patched("optim.plateau", "all groups have the least rate of the first", schedulers.ReduceLROnPlateau, "__init__",
            _first_least),
]  # fmt: skip

"""Optimisers that forget whose options and states are whose, and schedules that tire."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn, optim
from torch.optim import lr_scheduler as schedulers
from torch.optim import swa_utils

from meta_tests.mutant import Mutant, patched

NAMES = "SGD RMSprop Adam AdamW Adadelta Adamax NAdam RAdam ASGD Rprop Adafactor Adagrad"
KINDS = [getattr(optim, name) for name in NAMES.split() if hasattr(optim, name)]


def loaded(kind: Any, says: str, change: Any) -> Mutant:
    """`change(optimizer)` runs after a state is loaded."""

    def wrong(sound: Any) -> Any:
        def load(self: Any, state: Any) -> None:
            sound(self, state)
            change(self)

        return load

    claim = "muon" if kind.__name__ == "Muon" else "state-dict-round-trip"
    return patched(f"optim.{claim}", f"{kind.__name__} {says}", kind, "load_state_dict", wrong)


def _forgets(optimizer: Any) -> None:
    for p in optimizer.param_groups[-1]["params"]:
        optimizer.state.pop(p, None)


def _swaps(optimizer: Any) -> None:
    first, second = optimizer.param_groups[0]["params"][:2]
    if first in optimizer.state and second in optimizer.state and first.shape == second.shape:
        states = optimizer.state
        states[first], states[second] = states[second], states[first]


def _frozen(kind: Any, key: str) -> Mutant:
    """An option that stays what it was at the first step."""

    def wrong(sound: Any) -> Any:
        def step(self: Any, closure: Any = None) -> Any:
            for group in self.param_groups:
                group[key] = group.setdefault(f"first_{key}", group[key])
            return sound(self, closure)

        return step

    claim = "muon" if kind.__name__ == "Muon" else "param-groups"
    return patched(f"optim.{claim}", f"{kind.__name__} keeps its first {key}", kind, "step", wrong)


def _late(kind: Any) -> Mutant:
    """A group that comes late takes the options of the first."""

    def wrong(sound: Any) -> Any:
        def add(self: Any, group: Any) -> None:
            first = getattr(self, "param_groups", None)
            sound(self, {**{k: v for k, v in first[0].items() if k != "params"}, **group} if first else group)

        return add

    return patched("optim.add-param-group", f"late groups of {kind.__name__} are like its first", kind,
                   "add_param_group", wrong)  # fmt: skip


def _fewer(kind: Any) -> Mutant:
    """Groups that there are too many of are left aside."""

    def wrong(sound: Any) -> Any:
        def load(self: Any, state: Any) -> None:
            sound(self, {**state, "param_groups": state["param_groups"][: len(self.param_groups)]})

        return load

    return patched("optim.state-dict-mismatch", f"{kind.__name__} loads more groups than it has", kind,
                   "load_state_dict", wrong)  # fmt: skip


def _turned(kind: Any) -> Mutant:
    """A step up that turns gradients for good."""

    def wrong(sound: Any) -> Any:
        def step(self: Any, closure: Any = None) -> Any:
            out = sound(self, closure)
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None and group.get("maximize") and group.get("foreach"):
                        p.grad.neg_()
            return out

        return step

    return patched("optim.implementations-agree", f"{kind.__name__} turns gradients", kind, "step", wrong)


def _recorded(kind: Any) -> Mutant:
    def wrong(sound: Any) -> Any:
        def step(self: Any, closure: Any = None) -> Any:
            out = sound(self, closure)
            for p in self.param_groups[0]["params"]:
                if self.param_groups[0].get("differentiable"):
                    p.data.mul_(1.01)
            return out

        return step

    return patched("optim.differentiable", f"{kind.__name__} goes elsewhere if recorded", kind, "step", wrong)


def _tires(kind: Any) -> Mutant:
    """No step after thirty epochs."""

    def wrong(sound: Any) -> Any:
        return lambda self, *a: sound(self, *a) if self.last_epoch < 30 else None

    return patched("optim.further-schedules", f"{kind.__name__} tires", kind, "step", wrong)


def _meddles(kind: Any) -> Mutant:
    def wrong(sound: Any) -> Any:
        def step(self: Any, *args: Any) -> None:
            sound(self, *args)
            self.optimizer.param_groups[0]["momentum"] = 0.5

        return step

    return patched("optim.further-schedules", f"{kind.__name__} changes the momentum", kind, "step", wrong)


def _without(kind: Any, key: str) -> Mutant:
    def wrong(sound: Any) -> Any:
        return lambda self, state: sound(self, {k: v for k, v in state.items() if k != key})

    return patched("optim.scheduler-state-dict", f"{kind.__name__} loads no {key}", kind, "load_state_dict", wrong)


def _first_many(sound: Any) -> Any:
    def clip(parameters: Any, *args: Any, **options: Any) -> Any:
        given = [parameters] if isinstance(parameters, torch.Tensor) else list(parameters)
        return sound(given[:16], *args, **options)

    return clip


def _uncounted(sound: Any) -> Any:
    def load(self: Any, *args: Any, **options: Any) -> Any:
        out = sound(self, *args, **options)
        self.n_averaged.zero_()
        return out

    return load


def _moves(kind: Any) -> Mutant:
    def wrong(sound: Any) -> Any:
        def step(self: Any, closure: Any = None) -> Any:
            out = sound(self, closure)
            for group in self.param_groups:
                for p in group["params"] if not isinstance(group["lr"], torch.Tensor) and group["lr"] == 0 else ():
                    p.data.mul_(1.001)
            return out

        return step

    return patched("optim.step-updates-parameters", f"{kind.__name__} moves at a rate of 0", kind, "step", wrong)


RATES = [getattr(schedulers, name) for name in ("StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR",
         "LinearLR", "ConstantLR", "PolynomialLR", "LambdaLR", "MultiplicativeLR", "CyclicLR", "OneCycleLR",
         "CosineAnnealingWarmRestarts")]  # fmt: skip
STEADY = ("ASGD", "Rprop", "Adafactor")  # which have less state, or none that they could swap
PLAIN = [kind for kind in KINDS if kind.__name__ not in STEADY]

MUTANTS = [
    *[loaded(kind, "forgets the states of its last group", _forgets) for kind in PLAIN if kind is not optim.Adagrad],
    *[loaded(kind, "takes states for each other's", _swaps) for kind in PLAIN],
    *[_frozen(kind, "weight_decay") for kind in PLAIN],
    *[_frozen(kind, "eps") for kind in PLAIN if kind is not optim.SGD],
    *[_late(kind) for kind in PLAIN if kind is not optim.Adagrad],
    *[_fewer(kind) for kind in KINDS],
    *[_turned(kind) for kind in KINDS if kind.__name__ != "Adafactor"],
    *[_recorded(kind) for kind in PLAIN],
    *[_moves(kind) for kind in PLAIN],
    *[_tires(kind) for kind in RATES],
    *[_meddles(kind) for kind in RATES],
    *[_without(kind, "_last_lr") for kind in RATES],
    *[_without(kind, "base_lrs") for kind in RATES if "Cyc" not in kind.__name__],  # which are told them
    patched("optim.clip-grad-norm", "the norm of more than 16 gradients is that of the first", nn.utils,
            "clip_grad_norm_", _first_many),
    patched("optim.averages", "a loaded average begins to count anew", swa_utils.AveragedModel, "load_state_dict",
            _uncounted),
]  # fmt: skip
if hasattr(optim, "Muon"):
    MUTANTS += [loaded(optim.Muon, "forgets the states of its last group", _forgets), _frozen(optim.Muon, "lr")]

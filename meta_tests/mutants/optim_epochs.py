"""Schedules that go wrong when told their epoch, other defaults, and what else optimisers forget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn, optim
from torch.optim import lr_scheduler as schedulers
from torch.optim import swa_utils

from meta_tests.mutant import Mutant, patched

Schedule = schedulers.LRScheduler


def other_defaults(kind: Any, claim: str = "defaults", **instead: Any) -> Mutant:
    """A constructor with another default."""

    def wrong(sound: Any) -> Any:
        def init(self: Any, given: Any, *args: Any, **options: Any) -> None:
            sound(self, given, *args, **{**({} if args else instead), **options})

        return init

    return patched(f"optim.{claim}", f"{kind.__name__} has other defaults: {instead}", kind, "__init__", wrong)


def epochs(says: str, step: Callable[[Any, Any, Any], Any]) -> Mutant:
    """`step(sound, scheduler, epoch)` takes the place of step(epoch)."""

    def wrong(sound: Any) -> Any:
        return lambda self, epoch=None: sound(self) if epoch is None else step(sound, self, epoch)

    return patched("optim.step-of-an-epoch", says, Schedule, "step", wrong)


def _keeps_rates(sound: Any, self: Any, epoch: int) -> None:
    self.last_epoch = epoch


def _plain_rates(sound: Any) -> Any:
    """A rate that is a tensor becomes a number."""

    def step(self: Any, epoch: Any = None) -> None:
        sound(self) if epoch is None else sound(self, epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = float(group["lr"])

    return step


def _wrong_form(kind: Any) -> Mutant:
    def wrong(sound: Any) -> Any:
        return lambda self: [rate * 1.01 for rate in sound(self)]

    says = f"the closed form of {kind.__name__} is 1 % too large"
    return patched("optim.step-of-an-epoch", says, kind, "_get_closed_form_lr", wrong)


def _new_gradients(sound: Any) -> Any:
    def clip(parameters: Any, *args: Any, **options: Any) -> Any:
        given = [parameters] if isinstance(parameters, torch.Tensor) else list(parameters)
        norm = sound(given, *args, **options)
        for p in given:
            p.grad = None if p.grad is None else p.grad.clone()
        return norm

    return clip


def _loses_state(sound: Any) -> Any:
    def add(self: Any, group: Any) -> None:
        if hasattr(self, "state"):
            self.state.clear()
        sound(self, group)

    return add


def _zeros_for_none(sound: Any) -> Any:
    def clear(self: Any, set_to_none: bool = True) -> None:
        sound(self, set_to_none)
        for p in [] if set_to_none else self.param_groups[0]["params"]:
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad

    return clear


def _all_buffers(use: bool) -> Any:
    def wrong(sound: Any) -> Any:
        def init(self: Any, *args: Any, use_buffers: bool = False, **options: Any) -> None:
            sound(self, *args, use_buffers=use, **options)

        return init

    return wrong


MUTANTS = [
    epochs("a step to an epoch is any step", lambda sound, self, epoch: sound(self)),
    epochs("a step to an epoch keeps the rates", _keeps_rates),
    epochs("a step to an epoch goes one too far", lambda sound, self, epoch: sound(self, epoch + 1)),
    *[_wrong_form(kind) for kind in (schedulers.StepLR, schedulers.MultiStepLR, schedulers.ExponentialLR,
                                     schedulers.LinearLR, schedulers.ConstantLR, schedulers.PolynomialLR,
                                     schedulers.CosineAnnealingLR)],
    patched("optim.step-of-an-epoch", "warm restarts take any factor", schedulers.CosineAnnealingWarmRestarts,
            "__init__", lambda sound: lambda self, o, T_0, T_mult=1, *a, **k: sound(self, o, T_0, max(int(T_mult), 1))),
    patched("optim.tensor-rate", "a schedule makes a number of a tensor", Schedule, "step", _plain_rates),
    other_defaults(optim.ASGD, t0=1e5),
    other_defaults(optim.Rprop, step_sizes=(1e-6, 10)),
    other_defaults(optim.NAdam, momentum_decay=5e-3),
    other_defaults(optim.Adagrad, eps=1e-8),
    other_defaults(schedulers.ReduceLROnPlateau, patience=9),
    other_defaults(schedulers.ConstantLR, total_iters=4),
    patched("optim.clip-grad-norm", "clipping makes new gradients", nn.utils, "clip_grad_norm_", _new_gradients),
    patched("optim.add-param-group", "a new group clears the state", optim.Optimizer, "add_param_group", _loses_state),
    patched("optim.zero-grad-zeroes", "zeros take the place of None", optim.Optimizer, "zero_grad", _zeros_for_none),
    patched("optim.averages", "buffers are always averaged", swa_utils.AveragedModel, "__init__", _all_buffers(True)),
    patched("optim.averages", "buffers are never averaged", swa_utils.AveragedModel, "__init__", _all_buffers(False)),
    patched("optim.averages", "moving averages decay by 0.99", swa_utils, "get_ema_multi_avg_fn",
            lambda sound: lambda decay=0.99: sound(decay)),
    patched("optim.averages", "SWALR anneals along a line", swa_utils.SWALR, "__init__",
            lambda sound: lambda self, *a, anneal_strategy="cos", **k: sound(self, *a, anneal_strategy="linear", **k)),
]  # fmt: skip

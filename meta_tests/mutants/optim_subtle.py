"""Wrong optimisers and schedules that are right for most of what they are asked."""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import optim
from torch.optim import lr_scheduler as schedulers

from meta_tests.mutant import Mutant, patched


def built(claim: str, says: str, kind: Any, **instead: Any) -> Mutant:
    """A constructor that takes some keywords for other values."""

    def wrong(sound: Any) -> Any:
        def init(self: Any, *args: Any, **options: Any) -> None:
            sound(self, *args, **(options | {k: v for k, v in instead.items() if k in options}))

        return init

    return patched(f"optim.{claim}", says, kind, "__init__", wrong)


def stepped(claim: str, says: str, kind: Any, wrong: Any) -> Mutant:
    """`wrong(optimizer)` runs before each step."""

    def step(sound: Any) -> Any:
        def call(self: Any, *args: Any, **options: Any) -> Any:
            wrong(self)
            return sound(self, *args, **options)

        return call

    return patched(f"optim.{claim}", says, kind, "step", step)


def _each(optimizer: Any, group: int = 0) -> Any:
    for p in optimizer.param_groups[min(group, len(optimizer.param_groups) - 1)]["params"]:
        if p.grad is not None:
            yield p, optimizer.state[p]


def _later(optimizer: Any) -> None:
    """At the third step, gradients of strided parameters in the first group are a little larger."""
    for p, _ in _each(optimizer):
        if not p.is_contiguous():
            p.grad.mul_(1.001)


def _second_group(optimizer: Any) -> None:
    """The second group has the learning rate of the first."""
    if len(optimizer.param_groups) > 1:
        optimizer.param_groups[1]["lr"] = optimizer.param_groups[0]["lr"]


def _forgets(key: str) -> Any:
    def wrong(optimizer: Any) -> None:
        for _, state in _each(optimizer, 1):
            if isinstance(state.get(key), torch.Tensor) and state[key].dim() == 1:
                state[key].zero_()

    return wrong


def rate(claim: str, says: str, kind: Any, wrong: Any) -> Mutant:
    """`wrong(scheduler, rates)` gives other rates than the sound get_lr."""

    def get_lr(sound: Any) -> Any:
        return lambda self: wrong(self, sound(self))

    return patched(f"optim.{claim}", says, kind, "get_lr", get_lr)


RULES = [
    built("nadam", "NAdam ignores momentum_decay", optim.NAdam, momentum_decay=4e-3),
    stepped("nadam", "NAdam is wrong for strided parameters", optim.NAdam, _later),
    stepped("nadam", "NAdam forgets exp_avg_sq of vectors", optim.NAdam, _forgets("exp_avg_sq")),
    stepped("radam", "RAdam gives the second group the rate of the first", optim.RAdam, _second_group),
    built("radam", "RAdam ignores weight_decay", optim.RAdam, weight_decay=0.0),
    stepped("asgd", "ASGD is wrong for strided parameters", optim.ASGD, _later),
    built("asgd", "ASGD ignores t0", optim.ASGD, t0=1e6),
    built("asgd", "ASGD ignores alpha", optim.ASGD, alpha=0.75),
    built("rprop", "Rprop ignores the least and largest step", optim.Rprop, step_sizes=(1e-6, 50)),
    stepped("rprop", "Rprop forgets the signs of vectors", optim.Rprop, _forgets("prev")),
    built("sparse-adam", "SparseAdam ignores eps", optim.SparseAdam, eps=1e-8),
    stepped(
        "sparse-adam",
        "SparseAdam counts a row twice that comes in two parts",
        optim.SparseAdam,
        lambda o: [setattr(p, "grad", _doubled(p.grad)) for p, _ in _each(o)],
    ),
    built("lbfgs", "LBFGS keeps no curvature pairs", optim.LBFGS, lr=0.49),
    patched(
        "optim.lbfgs",
        "LBFGS.step returns the last loss",
        optim.LBFGS,
        "step",
        lambda sound: lambda self, closure: (sound(self, closure), closure())[1],
    ),
]


def _doubled(g: Any) -> Any:
    return torch.sparse_coo_tensor(g._indices(), g._values() * 1.001, g.shape) if g.is_sparse else g


SCHEDULES = [
    built(
        "further-schedules",
        "OneCycleLR takes the linear way for the cosine's",
        schedulers.OneCycleLR,
        anneal_strategy="cos",
    ),
    built("further-schedules", "OneCycleLR ignores three_phase", schedulers.OneCycleLR, three_phase=False),
    built("further-schedules", "OneCycleLR ignores base_momentum", schedulers.OneCycleLR, base_momentum=0.85),
    built("further-schedules", "CyclicLR goes down as fast as up", schedulers.CyclicLR, step_size_down=3),
    built("further-schedules", "CyclicLR decays by the cycle", schedulers.CyclicLR, scale_mode="cycle", gamma=0.95),
    built("further-schedules", "warm restarts never grow longer", schedulers.CosineAnnealingWarmRestarts, T_mult=1),
    rate(
        "further-schedules",
        "LambdaLR scales the second group as the first",
        schedulers.LambdaLR,
        lambda self, rates: [base * self.lr_lambdas[0](self.last_epoch) for base in self.base_lrs],
    ),
    rate(
        "further-schedules",
        "MultiplicativeLR is wrong at the fifth epoch",
        schedulers.MultiplicativeLR,
        lambda self, rates: [r * (1.01 if self.last_epoch == 5 else 1) for r in rates],
    ),
    rate(
        "further-schedules",
        "ExponentialLR within a sequence starts a step late",
        schedulers.ExponentialLR,
        lambda self, rates: [r / self.gamma if self.last_epoch == 1 else r for r in rates],
    ),
    patched(
        "optim.scheduler-state-dict",
        "SequentialLR begins again when loaded",
        schedulers.SequentialLR,
        "load_state_dict",
        lambda sound: lambda self, state: None,
    ),
    patched(
        "optim.scheduler-state-dict",
        "CosineAnnealingWarmRestarts forgets the period when loaded",
        schedulers.CosineAnnealingWarmRestarts,
        "load_state_dict",
        lambda sound: lambda self, state: sound(self, state | {"T_i": state["T_0"]}),
    ),
]

POLYNOMIAL = [
    built("further-schedules", "PolynomialLR ignores power", schedulers.PolynomialLR, power=1.0),
    rate(
        "further-schedules",
        "PolynomialLR goes on falling after its end",
        schedulers.PolynomialLR,
        lambda self, rates: [
            r * (0.9 if self.last_epoch > self.total_iters else 1) - 1e-6 * (self.last_epoch > 5) for r in rates
        ],
    ),
]

LATER: list[Mutant] = [
    patched(
        "optim.bad-schedules",
        "LinearLR begins anywhere",
        schedulers.LinearLR,
        "__init__",
        lambda sound: lambda self, o, start_factor=1 / 3, **k: sound(self, o, start_factor or 0.5, **k),
    ),
    patched(
        "optim.plateau",
        "get_last_lr gives the rate that it began with",
        schedulers.ReduceLROnPlateau,
        "get_last_lr",
        lambda sound: lambda self: [group.setdefault("first", group["lr"]) for group in self.optimizer.param_groups],
    ),
    *(
        patched(
            "optim.step-hooks",
            f"{name} is heard by SGD only",
            importlib.import_module("torch.optim.optimizer"),  # torch.optim hides the module
            name,
            lambda sound: lambda hook: sound(lambda o, *a: hook(o, *a) if isinstance(o, torch.optim.SGD) else None),
        )
        for name in ("register_optimizer_step_pre_hook", "register_optimizer_step_post_hook")
    ),
]

MUTANTS: list[Mutant] = [*RULES, *SCHEDULES, *POLYNOMIAL, *LATER]

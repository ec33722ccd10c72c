"""Two sets of options for every optimiser, unlike in each, and a course of steps beside the rule's formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_values
from conformance.numerics import RECURRENCE
from conformance.oracle import optim as common
from conformance.oracle import optim_kinds as oracle
from conformance.subject import Subject
from properties.strategies.recipe import contiguous

RULES = {**common.RULES, **oracle.RULES, **oracle.NEWER}
# Options in which one step goes far enough to see, and whose rule is no division by almost nothing.
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "SGD": (
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        {"lr": 0.05, "momentum": 0.5, "nesterov": False, "dampening": 0.25, "weight_decay": 0.3},
    ),
    "RMSprop": (
        {"lr": 0.1, "alpha": 0.7, "eps": 0.1, "momentum": 0.5, "centered": True},
        {"lr": 0.05, "alpha": 0.9, "eps": 0.3, "momentum": 0.8, "centered": False, "weight_decay": 0.2},
    ),
    "Adam": (
        {"lr": 0.1, "betas": (0.7, 0.8), "eps": 0.1, "amsgrad": True, "weight_decay": 0.1},
        {"lr": 0.05, "betas": (0.5, 0.9), "eps": 0.3, "amsgrad": False, "weight_decay": 0.3},
    ),
    "AdamW": (
        {"lr": 0.1, "betas": (0.7, 0.8), "eps": 0.1, "amsgrad": False, "weight_decay": 0.3},
        {"lr": 0.05, "betas": (0.5, 0.9), "eps": 0.3, "amsgrad": True, "weight_decay": 0.1},
    ),
    "Adagrad": (
        {"lr": 0.1, "lr_decay": 0.2, "eps": 0.1},
        {"lr": 0.05, "lr_decay": 0.5, "eps": 0.3, "weight_decay": 0.2},
    ),
    "Adadelta": (
        {"lr": 0.5, "rho": 0.7, "eps": 0.01},
        {"lr": 1.5, "rho": 0.9, "eps": 0.1, "weight_decay": 0.2},
    ),
    "Adamax": (
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.1},
        {"lr": 0.05, "betas": (0.8, 0.9), "eps": 0.3, "weight_decay": 0.2},
    ),
    "NAdam": (
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.1},
        {"lr": 0.05, "betas": (0.8, 0.9), "eps": 0.3, "momentum_decay": 0.5, "weight_decay": 0.3},
    ),
    "RAdam": (
        {"lr": 0.1, "betas": (0.5, 0.9), "eps": 0.1},
        {"lr": 0.05, "betas": (0.8, 0.95), "eps": 0.3, "weight_decay": 0.2},
    ),
    "ASGD": (
        {"lr": 0.1, "lambd": 0.1, "weight_decay": 0.1},
        {"lr": 0.05, "lambd": 0.3, "alpha": 0.5, "t0": 1, "weight_decay": 0.3},
    ),
    "Rprop": (
        {"lr": 0.1, "etas": (0.5, 1.5)},
        {"lr": 0.05, "etas": (0.3, 1.2), "step_sizes": (0.04, 0.12)},
    ),
    "Adafactor": (
        {"lr": 0.1, "beta2_decay": -0.5, "d": 1.25, "weight_decay": 0.2},
        {"lr": 0.3, "beta2_decay": -0.8, "d": 2.0, "eps": (1e-4, 0.5), "weight_decay": 0.4},
    ),
}
# What decides, at the first step, which state there is.
LASTING = ("amsgrad", "centered")
# Of the parameters of each group: some alike, so that their states could be taken for each other's.
SHAPES: tuple[tuple[tuple[int, ...], ...], ...] = (((3,), (3,)), ((2, 3), (2, 3)), ((), (5,)))
# NAdam and ASGD keep their scalars in float32, whatever the parameters are: half its epsilon in roundings of float64.
COARSE, FINE = 2**31, 400


class Course:
    """An optimiser over parameters in groups, and beside it every parameter by the rule's formula."""

    def __init__(self, subject: Subject, rule: str, groups: list[dict[str, Any]], dtype: str, **more: Any) -> None:
        """`groups`: the options of each group; `more`: those of the optimiser itself, the implementation above all."""
        self.subject, self.rule, self.dtype, self.turn = subject, rule, dtype, 0
        self.generator = np.random.default_rng(7)
        self.params: list[torch.Tensor] = []
        self.wanted: list[np.ndarray] = []
        self.states: list[dict[str, Any]] = []
        self.options: list[dict[str, Any]] = []
        self.rate = {"lr": 0.2}
        told = [{"params": self._drawn(options), **options} for options in groups]
        self.optimizer = getattr(torch.optim, rule)(told, **self.rate, **more)

    def _drawn(self, options: dict[str, Any]) -> list[torch.Tensor]:
        """Parameters of a group that has these options."""
        shapes = SHAPES[len(self.params) // 2]
        fresh = [contiguous(self.generator.standard_normal(shape), self.dtype) for shape in shapes]
        self.wanted += [recipe.array.astype(np.float64) for recipe in fresh]
        self.params += [recipe.on(self.subject).requires_grad_() for recipe in fresh]
        self.states += [{} for _ in fresh]
        self.options += [{**self.rate, **options} for _ in fresh]
        return self.params[-2:]

    def add(self, options: dict[str, Any]) -> None:
        self.optimizer.add_param_group({"params": self._drawn(options), **options})

    def change(self, group: int, options: dict[str, Any]) -> None:
        """Set options of a group by hand."""
        self.optimizer.param_groups[group].update(options)
        for place in (2 * group, 2 * group + 1):
            self.options[place].update(options)

    def step(self, text: str) -> None:
        """A step along drawn gradients, some of them zero and some missing: refute unless all go where they should."""
        for place, p in enumerate(self.params):
            values = self.generator.standard_normal(p.shape)
            values = np.sign(values) * (np.abs(values) + 0.1)
            if (self.turn + place) % 5 == 3 and self.rule != "Adafactor":  # whose small eps divides zeros by zeros
                values = values * 0
            g = host.array(host.tensor(values, self.dtype)).astype(np.float64)
            p.grad = None if (self.turn + place) % 7 == 4 else contiguous(g, self.dtype).on(self.subject)
            if p.grad is not None:
                self.wanted[place] = RULES[self.rule](self.wanted[place], g, self.states[place], **self.options[place])
        before = Unchanged(**{f"of gradient {n}": p.grad for n, p in enumerate(self.params) if p.grad is not None})
        self.optimizer.step()
        self.turn += 1
        terms = COARSE if self.rule in ("NAdam", "ASGD") and self.dtype == "float64" else FINE * self.turn
        for place, (p, wanted) in enumerate(zip(self.params, self.wanted, strict=True)):
            call = f"{self.rule} in {self.dtype}, {text}: parameter {place} after step {self.turn}"
            assert_values(call, p, wanted, RECURRENCE.over(terms), 10.0, dtype=self.dtype)
        before.check(f"{self.rule}.step()")

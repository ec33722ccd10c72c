"""Trajectories of optimisers over drawn options, groups, layouts and missing gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conformance import host
from conformance.assertions import assert_values
from conformance.check import check, must_answer
from conformance.numerics import RECURRENCE
from conformance.oracle import optim as oracle
from conformance.subject import Subject
from properties.strategies.recipe import DENSE, LAYOUTS, Recipe

pytestmark = must_answer

SHAPES = ((3,), (), (2, 3), (17,), (3, 1, 2), (0,), (33,))
LAYOUT = tuple(DENSE)
# Adagrad's initial_accumulator_value counts only in the constructor, and is no option of a group.
# Each option with the values that it is drawn from; what lies near a pole of a rule is left out.
COMMON: dict[str, tuple[Any, ...]] = {"lr": (0.1, 0.01, 0.5), "weight_decay": (0.0, 0.1, 0.5)}
OPTIONS: dict[str, dict[str, tuple[Any, ...]]] = {
    "SGD": {**COMMON, "momentum": (0.0, 0.5, 0.9), "dampening": (0.0, 0.4), "maximize": (False, True)},
    "RMSprop": {**COMMON, "alpha": (0.99, 0.5), "eps": (0.1, 1e-2), "centered": (False, True), "momentum": (0.0, 0.7)},
    "Adam": {**COMMON, "betas": ((0.9, 0.999), (0.5, 0.7), (0.0, 0.9)), "eps": (1e-8, 0.1), "amsgrad": (False, True)},
    "AdamW": {**COMMON, "betas": ((0.9, 0.999), (0.5, 0.7)), "eps": (1e-8, 0.1), "maximize": (False, True)},
    "Adagrad": {**COMMON, "lr_decay": (0.0, 0.3), "eps": (1e-10, 0.1)},
}
IMPLEMENTATIONS = [
    pytest.param(rule, more, marks=check(f"optim.{claim}", since=since), id=f"{rule}, {named}")
    for rule in OPTIONS
    for named, more, claim, since in (
        ("default", {}, "param-groups", None),
        ("for-loop", {"foreach": False}, "implementations-agree", None),
        ("foreach", {"foreach": True}, "implementations-agree", "2.1"),
    )
]


def drawn(rule: str, seed: int) -> dict[str, Any]:
    """Some of the rule's options with values, chosen by a number."""
    found = {}
    for turn, (name, values) in enumerate(OPTIONS[rule].items()):
        choice = seed // 5**turn % 5
        if choice < len(values):
            found[name] = values[choice]
    return found


def gradient(generator: np.random.Generator, shape: tuple[int, ...], missing: bool) -> np.ndarray | None:
    values = generator.standard_normal(shape)
    # Away from zero: a rule that divides by the size of a gradient amplifies what is left of a tiny one.
    return None if missing else np.sign(values) * (np.abs(values) + 0.1)


@dataclass(frozen=True)
class Training:
    """Parameters by the numbers that choose their shape and layout, groups by those that choose their options.

    `missing`: which gradients are None, as bits.
    """

    chosen: list[int]
    sizes: list[int]
    seed: int
    missing: int
    steps: int

    def options(self, rule: str, parameter: int) -> dict[str, Any]:
        groups = self.chosen[: len(self.sizes)]
        return drawn(rule, groups[parameter % len(groups)])

    def groups(self, rule: str, params: list[torch.Tensor]) -> list[dict[str, Any]]:
        count = min(len(self.chosen), len(self.sizes))
        return [{"params": params[turn::count], **self.options(rule, turn)} for turn in range(count)]

    def recipes(self) -> list[Recipe]:
        generator = np.random.default_rng(self.seed)
        made = [LAYOUTS[LAYOUT[size // 7 % len(LAYOUT)]] for size in self.sizes]
        shapes = [SHAPES[size % len(SHAPES)] for size in self.sizes]
        return [layout(generator.standard_normal(shape), "float64") for layout, shape in zip(made, shapes, strict=True)]

    def gradients(self, recipes: list[Recipe]) -> list[list[np.ndarray | None]]:
        generator = np.random.default_rng(self.seed + 1)
        gone = [
            [self.missing >> (turn + step) % 8 & 1 == 1 for step in range(self.steps)] for turn in range(len(recipes))
        ]
        return [[gradient(generator, r.shape, none) for none in row] for r, row in zip(recipes, gone, strict=True)]


TRAININGS = st.builds(
    Training,
    chosen=st.lists(st.integers(0, 5**6), min_size=1, max_size=3),
    sizes=st.lists(st.integers(0, 41), min_size=1, max_size=5),
    seed=st.integers(0, 2**16),
    missing=st.integers(0, 2**8),
    steps=st.integers(1, 5),
)


@pytest.mark.parametrize("rule, more", IMPLEMENTATIONS)
@given(training=TRAININGS)
def test_each_parameter_goes_its_own_way(subject: Subject, rule: str, more: dict[str, Any], training: Training) -> None:
    recipes = training.recipes()
    grads = training.gradients(recipes)
    params = [recipe.on(subject).requires_grad_() for recipe in recipes]
    # The rate is that of groups that have none of their own.
    optimizer = getattr(torch.optim, rule)(training.groups(rule, params), lr=0.05, **more)
    for step in range(training.steps):
        for p, rows in zip(params, grads, strict=True):
            p.grad = None if rows[step] is None else host.tensor(rows[step], "float64", subject.device)
        optimizer.step()
    for turn, (p, start, rows) in enumerate(zip(params, recipes, grads, strict=True)):
        options = training.options(rule, turn)
        wanted = oracle.trajectory(rule, start.array, rows, **{"lr": 0.05, **options})[-1]
        scale = 1 + np.abs(wanted) + np.abs(start.array) + sum(np.abs(g) for g in rows if g is not None)
        call = f"parameter {turn} after {training.steps} steps of {rule}({options})"
        assert_values(call, p, wanted, RECURRENCE.over(200 * training.steps), scale, dtype="float64")

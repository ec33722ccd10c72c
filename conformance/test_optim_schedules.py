"""Learning-rate schedules against their closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as schedulers

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.oracle import optim as oracle

pytestmark = must_answer

EPOCHS = 30
# (scheduler, options, closed form of one base rate)
ROWS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "StepLR(7, 0.1)": ("StepLR", {"step_size": 7, "gamma": 0.1}, lambda b: oracle.step_lr(b, EPOCHS, 7, 0.1)),
    "StepLR(1, 0.5)": ("StepLR", {"step_size": 1, "gamma": 0.5}, lambda b: oracle.step_lr(b, EPOCHS, 1, 0.5)),
    "StepLR(3)": ("StepLR", {"step_size": 3}, lambda b: oracle.step_lr(b, EPOCHS, 3, 0.1)),
    "MultiStepLR": (
        "MultiStepLR",
        {"milestones": [2, 9, 10, 20], "gamma": 0.5},
        lambda b: oracle.multi_step_lr(b, EPOCHS, [2, 9, 10, 20], 0.5),
    ),
    "MultiStepLR, twice": (
        "MultiStepLR",
        {"milestones": [4, 4], "gamma": 0.5},
        lambda b: oracle.multi_step_lr(b, EPOCHS, [4, 4], 0.5),
    ),
    "ExponentialLR": ("ExponentialLR", {"gamma": 0.9}, lambda b: oracle.exponential_lr(b, EPOCHS, 0.9)),
    "LambdaLR": (
        "LambdaLR",
        {"lr_lambda": lambda epoch: 1 / (1 + epoch)},
        lambda b: [b / (1 + e) for e in range(EPOCHS)],
    ),
    "CosineAnnealingLR": (
        "CosineAnnealingLR",
        {"T_max": 12, "eta_min": 0.01},
        lambda b: oracle.cosine_lr(b, EPOCHS, 12, 0.01),
    ),
    "LinearLR": (
        "LinearLR",
        {"start_factor": 0.25, "end_factor": 0.75, "total_iters": 8},
        lambda b: oracle.linear_lr(b, EPOCHS, 0.25, 0.75, 8),
    ),
    "LinearLR()": ("LinearLR", {}, lambda b: oracle.linear_lr(b, EPOCHS, 1 / 3, 1.0, 5)),
    "ConstantLR": ("ConstantLR", {"factor": 0.5, "total_iters": 4}, lambda b: oracle.constant_lr(b, EPOCHS, 0.5, 4)),
}
CLAIMED = [
    pytest.param(name, marks=check("optim.steplr" if name.startswith("StepLR") else "optim.schedules")) for name in ROWS
]


def optimizer_with(subject, rates):
    groups = [{"params": [torch.ones(2, device=subject.device, requires_grad=True)], "lr": rate} for rate in rates]
    return torch.optim.SGD(groups, lr=5.0)


def assert_rates(call, found, wanted):
    """A learning rate is a Python float: a product of at most EPOCHS factors, each rounded once or twice."""
    close = np.abs(np.array(found) - wanted) <= 4 * EPOCHS * np.finfo(float).eps * np.maximum(np.abs(wanted), 0.05)
    require(close.all(), f"{call}: learning rates", wanted, found)


@pytest.mark.parametrize("name", CLAIMED)
def test_a_schedule_follows_its_closed_form(subject, name):
    kind, options, form = ROWS[name]
    bases = (0.5, 0.05, 2.0)
    optimizer = optimizer_with(subject, bases)
    scheduler = getattr(schedulers, kind)(optimizer, **options)
    found = []
    for _ in range(EPOCHS):
        found.append([group["lr"] for group in optimizer.param_groups])
        require(
            list(scheduler.get_last_lr()) == found[-1],
            f"{name}: get_last_lr is not the rate in use",
            found[-1],
            scheduler.get_last_lr(),
        )
        optimizer.step()
        scheduler.step()
    for place, base in enumerate(bases):
        assert_rates(f"{name} of base {base}", [row[place] for row in found], form(base))
    require(scheduler.last_epoch == EPOCHS, f"{name}: last_epoch counts otherwise", EPOCHS, scheduler.last_epoch)


@check("optim.steplr")
def test_the_rate_in_use_is_the_scheduled_one(subject):
    p = torch.zeros(1, device=subject.device, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.5)
    scheduler = schedulers.StepLR(optimizer, step_size=2, gamma=0.5)
    p.grad = torch.ones_like(p)
    for _ in range(6):
        optimizer.step()
        scheduler.step()
    require(p.item() == -2 * (0.5 + 0.25 + 0.125), "steps do not use the scheduled rate", -1.75, p.item())


@check("optim.scheduler-state-dict")
@pytest.mark.parametrize("name", [name for name in ROWS if name != "LambdaLR"])
def test_a_loaded_scheduler_goes_on_the_same_way(subject, name):
    kind, options, form = ROWS[name]
    first = optimizer_with(subject, (0.5,))
    scheduler = getattr(schedulers, kind)(first, **options)
    for _ in range(5):
        first.step()
        scheduler.step()
    second = optimizer_with(subject, (0.5,))
    successor = getattr(schedulers, kind)(second, **options)
    second.load_state_dict(first.state_dict())
    successor.load_state_dict(scheduler.state_dict())
    found = []
    for _ in range(EPOCHS - 5):
        found.append(second.param_groups[0]["lr"])
        second.step()
        successor.step()
    assert_rates(f"{name}, loaded", found, form(0.5)[5:])


@check("optim.plateau")
def test_plateau_cuts_the_rate(subject):
    metrics = [5.0, 4.0, 4.0, 4.0, 4.0, 3.0, 3.1, 3.0, 2.9999, 3.2, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, math.inf, 1.0]
    for patience, factor in ((2, 0.5), (0, 0.1), (10, 0.1)):
        optimizer = optimizer_with(subject, (0.5,))
        scheduler = schedulers.ReduceLROnPlateau(optimizer, factor=factor, patience=patience)
        found = []
        for metric in metrics:
            optimizer.step()
            scheduler.step(metric)
            found.append(optimizer.param_groups[0]["lr"])
        wanted = [max(rate, 0.0) for rate in oracle.plateau_lr(0.5, metrics, factor, patience)]
        shown = [(a, b) for a, b in zip(wanted, found, strict=True) if a > 1e-7]
        assert_rates(
            f"ReduceLROnPlateau(factor={factor}, patience={patience})", [b for _, b in shown], [a for a, _ in shown]
        )


@check("optim.plateau")
def test_plateau_knows_max_and_least(subject):
    optimizer = optimizer_with(subject, (0.5, 0.05))
    scheduler = schedulers.ReduceLROnPlateau(optimizer, mode="max", factor=0.1, patience=0, min_lr=[0.04, 0.001])
    for metric in (1.0, 2.0, 3.0):
        scheduler.step(metric)
    require([g["lr"] for g in optimizer.param_groups] == [0.5, 0.05], "mode='max' cuts while the metric grows")
    for _ in range(4):
        scheduler.step(3.0)
    assert_rates("ReduceLROnPlateau with min_lr", [g["lr"] for g in optimizer.param_groups], [0.04, 0.001])
    assert_raises(
        "ReduceLROnPlateau(factor=1.0)", ValueError, lambda: schedulers.ReduceLROnPlateau(optimizer, factor=1.0)
    )

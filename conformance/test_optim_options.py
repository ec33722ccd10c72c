"""Options of schedules and of clipping that seldom come up, taking a schedule up again, and averages of models."""

from __future__ import annotations

import copy
import math
import warnings

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as schedulers

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.oracle import optim_kinds as oracle
from conformance.tables.optim_nets import leaf
from conformance.tables.optim_schedules import fresh, near, rates_of, walk

pytestmark = must_answer


AGAIN = {
    "StepLR": {"step_size": 3, "gamma": 0.5},
    "MultiStepLR": {"milestones": [2, 6, 8], "gamma": 0.5},
    "ExponentialLR": {"gamma": 0.9},
    "CosineAnnealingLR": {"T_max": 15, "eta_min": 0.01},
    "LinearLR": {"start_factor": 0.25, "total_iters": 8},
    "ConstantLR": {"factor": 0.5, "total_iters": 8},
    "PolynomialLR": {"total_iters": 15, "power": 2.0},
    "LambdaLR": {"lr_lambda": lambda epoch: 1 / (1 + epoch)},
    "MultiplicativeLR": {"lr_lambda": lambda epoch: 0.9 if epoch % 2 else 1.05},
    "CosineAnnealingWarmRestarts": {"T_0": 4},
    "CyclicLR": {"base_lr": 0.1, "max_lr": 0.7, "step_size_up": 4},
    "OneCycleLR": {"max_lr": 0.8, "total_steps": 24},
}

# Releases differ in whether the first rate of these, which follow from the one before, is moved on at once.
RECURSIVE = ("ExponentialLR", "CosineAnnealingLR", "LinearLR", "PolynomialLR", "MultiplicativeLR")


@check("optim.last-epoch")
@pytest.mark.parametrize("kind", AGAIN)
def test_a_schedule_is_taken_up_again_at_its_last_epoch(subject, kind):
    """Built with last_epoch=e over groups that hold their initial rates, a schedule is where it was at epoch e + 1."""
    make = getattr(schedulers, kind)
    optimizer = fresh(subject)
    whole = walk(optimizer, make(optimizer, **AGAIN[kind]), 12)
    optimizer = fresh(subject)
    scheduler = make(optimizer, **AGAIN[kind])
    walk(optimizer, scheduler, 5)
    again = fresh(subject)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    later = make(again, **AGAIN[kind], last_epoch=4)
    require(later.last_epoch == 5, f"last_epoch of {kind}(last_epoch=4)", 5, later.last_epoch)
    if kind not in RECURSIVE:
        near(f"{kind}, taken up again", walk(again, later, 7), whole[5:], 1e-9)
    plain = fresh(subject)
    assert_raises(
        f"{kind}(last_epoch=4) without initial rates", KeyError, lambda: make(plain, **AGAIN[kind], last_epoch=4)
    )


@check("optim.bad-schedules", since="2.0")
def test_schedules_that_make_no_sense_are_refused(subject):
    o, s = fresh(subject), schedulers
    calls = {
        "LambdaLR with one function for two groups": lambda: s.LambdaLR(o, [lambda e: 1.0]),
        "MultiplicativeLR with three functions for two groups": lambda: s.MultiplicativeLR(o, [lambda e: 1.0] * 3),
        "LinearLR(start_factor=1.5)": lambda: s.LinearLR(o, start_factor=1.5),
        "LinearLR(end_factor=-0.5)": lambda: s.LinearLR(o, end_factor=-0.5),
        "ConstantLR(factor=1.5)": lambda: s.ConstantLR(o, factor=1.5),
        "ConstantLR(factor=-0.5)": lambda: s.ConstantLR(o, factor=-0.5),
        "CosineAnnealingWarmRestarts(T_0=0)": lambda: s.CosineAnnealingWarmRestarts(o, 0),
        "CosineAnnealingWarmRestarts(T_0=2.5)": lambda: s.CosineAnnealingWarmRestarts(o, 2.5),
        "CosineAnnealingWarmRestarts(T_mult=0)": lambda: s.CosineAnnealingWarmRestarts(o, 3, T_mult=0),
        "OneCycleLR without a length": lambda: s.OneCycleLR(o, 0.8),
        "OneCycleLR(total_steps=0)": lambda: s.OneCycleLR(o, 0.8, total_steps=0),
        "OneCycleLR(pct_start=1.5)": lambda: s.OneCycleLR(o, 0.8, total_steps=9, pct_start=1.5),
        "OneCycleLR(anneal_strategy='square')": lambda: s.OneCycleLR(o, 0.8, total_steps=9, anneal_strategy="square"),
        "OneCycleLR with three rates": lambda: s.OneCycleLR(o, [0.8] * 3, total_steps=9),
        "CyclicLR(mode='square')": lambda: s.CyclicLR(o, 0.1, 0.7, mode="square"),
        "CyclicLR with three rates": lambda: s.CyclicLR(o, [0.1] * 3, 0.7),
    }
    for call, make in calls.items():
        assert_raises(call, (ValueError, TypeError, IndexError), make)


@check("optim.bad-schedules", since="2.0")
def test_joined_and_watching_schedules_that_make_no_sense_are_refused(subject):
    o, s = fresh(subject), schedulers
    calls = {
        "SequentialLR with too many milestones": lambda: s.SequentialLR(o, [s.StepLR(o, 2), s.StepLR(o, 3)], [2, 4]),
        "SequentialLR of another optimiser": lambda: s.SequentialLR(
            o, [s.StepLR(fresh(subject), 2), s.StepLR(o, 3)], [2]
        ),
        "ChainedScheduler of two optimisers": lambda: s.ChainedScheduler([s.StepLR(fresh(subject), 2), s.StepLR(o, 3)]),
        "ReduceLROnPlateau(factor=1.0)": lambda: s.ReduceLROnPlateau(o, factor=1.0),
        "ReduceLROnPlateau(mode='least')": lambda: s.ReduceLROnPlateau(o, mode="least"),
        "ReduceLROnPlateau(threshold_mode='square')": lambda: s.ReduceLROnPlateau(o, threshold_mode="square"),
        "ReduceLROnPlateau with three least rates": lambda: s.ReduceLROnPlateau(o, min_lr=[0.1] * 3),
        "CyclicLR of momentum without momentum": lambda: s.CyclicLR(torch.optim.Adagrad([leaf(subject)]), 0.1, 0.7),
        "StepLR of no optimiser": lambda: s.StepLR([leaf(subject)], 2),
    }
    for call, make in calls.items():
        assert_raises(call, (ValueError, TypeError, IndexError), make)


@check("optim.bad-schedules", since="2.0")
def test_a_linear_schedule_refuses_to_begin_at_nothing(subject):
    assert_raises("LinearLR(start_factor=0)", ValueError, lambda: schedulers.LinearLR(fresh(subject), start_factor=0.0))


def plateau(metrics, rate, *, mode="min", factor=0.1, patience=10, threshold=1e-4, threshold_mode="rel", cooldown=0,
            least=0.0, eps=1e-8):  # fmt: skip
    """The rate after each metric, by the documentation of each option."""
    best, bad, rest, found, sign = math.inf if mode == "min" else -math.inf, 0, 0, [], 1 if mode == "min" else -1
    for metric in metrics:
        edge = best * (1 - sign * threshold) if threshold_mode == "rel" else best - sign * threshold
        better = metric < edge if mode == "min" else metric > edge
        best, bad = (metric, 0) if better else (best, bad + 1)
        if rest > 0:
            rest, bad = rest - 1, 0
        if bad > patience:
            new = max(rate * factor, least)
            rate = new if rate - new > eps else rate
            rest, bad = cooldown, 0
        found.append(rate)
    return found


METRICS = [
    5.0,
    4.0,
    3.95,
    3.9,
    3.85,
    3.8,
    3.8,
    3.8,
    3.7,
    3.8,
    3.9,
    3.8,
    math.nan,
    3.0,
    3.1,
    3.1,
    3.1,
    2.95,
    3.2,
    3.2,
    3.2,
]
PLATEAUS = (
    {"patience": 1, "cooldown": 2, "factor": 0.5},
    {"patience": 0, "threshold": 0.3, "threshold_mode": "abs", "factor": 0.5},
    {"patience": 1, "threshold": 0.05, "factor": 0.5},
    {"patience": 0, "mode": "max", "threshold": 0.3, "threshold_mode": "abs", "factor": 0.5},
    {"patience": 1, "mode": "max", "threshold": 0.05, "factor": 0.5, "cooldown": 1},
    {"patience": 0, "factor": 0.1, "eps": 1e-3},
    {"patience": 0, "factor": 0.5, "least": 0.03},
    {"patience": 2},
)


@check("optim.plateau")
@pytest.mark.parametrize("options", PLATEAUS, ids=str)
def test_plateau_by_its_options(subject, options):
    told = {("min_lr" if key == "least" else key): value for key, value in options.items()}
    optimizer = fresh(subject)
    scheduler = schedulers.ReduceLROnPlateau(optimizer, **told)
    metrics = [-m for m in METRICS] if options.get("mode") == "max" else METRICS
    wanted = [plateau(metrics, rate, **options) for rate in (0.5, 0.05)]
    for turn, metric in enumerate(metrics):
        if turn == 9:  # another one goes on from its state
            successor = schedulers.ReduceLROnPlateau(optimizer)
            state = scheduler.state_dict()
            require("optimizer" not in state, "the state_dict of a schedule holds its optimiser")
            successor.load_state_dict(copy.deepcopy(state))
            scheduler = successor
        optimizer.step()
        scheduler.step(torch.tensor(metric, dtype=torch.float64) if turn % 2 else metric)
        now = [row[turn] for row in wanted]
        near(f"ReduceLROnPlateau({options}) after metric {turn}", rates_of(optimizer), now, 1e-6)


@check("optim.plateau", since="2.2")
def test_the_last_rate_of_plateau(subject):
    optimizer = fresh(subject)
    scheduler = schedulers.ReduceLROnPlateau(optimizer, patience=0)
    for metric in (1.0, 2.0, 0.5, 0.5):
        optimizer.step()
        scheduler.step(metric)
        require(list(scheduler.get_last_lr()) == rates_of(optimizer), "get_last_lr of ReduceLROnPlateau")


@check("optim.further-schedules")
def test_cycles_by_a_function_of_ones_own(subject):
    for mode, scale in (("cycle", lambda x: 1 / x), ("iterations", lambda x: 0.9**x)):
        optimizer = fresh(subject)
        made = schedulers.CyclicLR(optimizer, 0.1, 0.7, 3, 2, scale_fn=scale, scale_mode=mode, cycle_momentum=False)
        wanted = []
        for epoch in range(14):
            cycle, place = divmod(epoch, 5)
            height = place / 3 if place <= 3 else (5 - place) / 2
            wanted.append([0.1 + 0.6 * height * scale(cycle + 1 if mode == "cycle" else epoch)] * 2)
        near(f"CyclicLR by a function of {mode}", walk(optimizer, made, 14), wanted)
        require(all(group["momentum"] == 0.9 for group in optimizer.param_groups), "cycle_momentum=False moves it")
    optimizer = fresh(subject)
    made = schedulers.CyclicLR(optimizer, [0.1, 0.2], [0.7, 0.4], step_size_up=2, cycle_momentum=False)
    wanted = np.array([oracle.cyclic(low, high, 9, 2, 2) for low, high in ((0.1, 0.7), (0.2, 0.4))]).T
    near("CyclicLR with bounds of each group", walk(optimizer, made, 9), wanted)


@check("optim.further-schedules")
def test_one_cycle_by_its_options(subject):
    optimizer = fresh(subject)
    made = schedulers.OneCycleLR(optimizer, 0.8, total_steps=12, cycle_momentum=False)
    near("OneCycleLR(cycle_momentum=False)", walk(optimizer, made, 12)[:, 0], oracle.one_cycle(0.8, 12, 12))
    require(
        all(group["momentum"] == 0.9 for group in optimizer.param_groups), "cycle_momentum=False moves the momentum"
    )
    assert_raises("a step beyond the cycle", ValueError, lambda: [made.step() for _ in range(2)])
    adam = torch.optim.Adam([leaf(subject)], betas=(0.5, 0.99))
    made = schedulers.OneCycleLR(adam, 0.8, total_steps=12, base_momentum=0.7, max_momentum=0.9)
    require(adam.param_groups[0]["betas"] == (0.9, 0.99), "OneCycleLR cycles the first beta", (0.9, 0.99))
    for _ in range(11):
        adam.step()
        made.step()
    near("the first beta after a cycle", adam.param_groups[0]["betas"], (0.9, 0.99))


@check("optim.further-schedules")
def test_warm_restarts_at_fractions_of_an_epoch(subject):
    optimizer = fresh(subject)
    made = schedulers.CosineAnnealingWarmRestarts(optimizer, 2, T_mult=2, eta_min=0.01)
    for epoch in (0.0, 0.5, 1.75, 2.0, 3.5, 5.9, 6.0, 13.25):
        optimizer.step()
        made.step(epoch)
        place, period = epoch, 2
        while place >= period:
            place, period = place - period, period * 2
        wanted = [0.01 + (b - 0.01) * (1 + math.cos(math.pi * place / period)) / 2 for b in (0.5, 0.05)]
        near(f"CosineAnnealingWarmRestarts at epoch {epoch}", rates_of(optimizer), wanted)


class Slower:
    """A function with a state of its own."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, epoch):
        return self.rate**epoch


@check("optim.scheduler-state-dict")
@pytest.mark.parametrize("kind", ["LambdaLR", "MultiplicativeLR"])
def test_the_state_of_functions_is_saved_and_functions_are_not(subject, kind):
    optimizer, other = fresh(subject), fresh(subject)
    one = getattr(schedulers, kind)(optimizer, [Slower(0.5), lambda e: 0.9**e])
    two = getattr(schedulers, kind)(other, [Slower(0.1), lambda e: 0.9**e])
    walk(optimizer, one, 4)
    state = one.state_dict()
    require(state["lr_lambdas"][1] is None and state["lr_lambdas"][0] == {"rate": 0.5}, f"the state_dict of {kind}",
            [{"rate": 0.5}, None], state["lr_lambdas"])  # fmt: skip
    two.load_state_dict(copy.deepcopy(state))
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    near(f"{kind}, loaded", walk(other, two, 5), walk(optimizer, one, 5))


@check("optim.scheduler-state-dict")
def test_the_state_of_joined_schedules_is_that_of_their_parts(subject):
    def joined(optimizer, chain):
        parts = [schedulers.LinearLR(optimizer, 0.25, total_iters=6), schedulers.ExponentialLR(optimizer, 0.9)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return schedulers.ChainedScheduler(parts) if chain else schedulers.SequentialLR(optimizer, parts, [4])

    for chain in (True, False):
        optimizer, other = fresh(subject), fresh(subject)
        one, two = joined(optimizer, chain), joined(other, chain)
        walk(optimizer, one, 4)
        state = one.state_dict()
        require("optimizer" not in state and len(state["_schedulers"]) == 2, "the state_dict of joined schedules")
        two.load_state_dict(copy.deepcopy(state))
        other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        near("joined schedules, loaded", walk(other, two, 8), walk(optimizer, one, 8))
        require(list(two.get_last_lr()) == rates_of(other), "get_last_lr of joined schedules", rates_of(other))

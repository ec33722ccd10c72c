"""Schedules that are told their epoch, defaults of optimisers and schedules, and what clipping and averages keep."""

from __future__ import annotations

import math
import pickle
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler as schedulers

from conformance import host
from conformance.assertions import assert_array, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED, RECURRENCE
from conformance.tables.optim_nets import leaf
from conformance.tables.optim_schedules import fresh, rates_of
from properties.strategies.recipe import contiguous

pytestmark = must_answer
STARTS = np.array([0.5, 0.05])

# Schedules and the factor of their rate at an epoch.
CLOSED = {
    "StepLR": (lambda o: schedulers.StepLR(o, 3, 0.5), lambda e, r: r * 0.5 ** (e // 3)),
    "MultiStepLR": (lambda o: schedulers.MultiStepLR(o, [2, 5], 0.5), lambda e, r: r * 0.5 ** ((e >= 2) + (e >= 5))),
    "ExponentialLR": (lambda o: schedulers.ExponentialLR(o, 0.75), lambda e, r: r * 0.75**e),
    "ConstantLR": (lambda o: schedulers.ConstantLR(o, 0.25, 4), lambda e, r: r * (0.25 if e < 4 else 1.0)),
    "LinearLR": (lambda o: schedulers.LinearLR(o, 0.25, 1.0, 6), lambda e, r: r * (0.25 + 0.75 * min(e, 6) / 6)),
    "LambdaLR": (lambda o: schedulers.LambdaLR(o, lambda e: 1 / (e + 2)), lambda e, r: r / (e + 2)),
    "PolynomialLR": (lambda o: schedulers.PolynomialLR(o, 8, 2.0), lambda e, r: r * (1 - min(e, 8) / 8) ** 2),
    "CosineAnnealingLR": (
        lambda o: schedulers.CosineAnnealingLR(o, 8, 0.01),
        lambda e, r: 0.01 + (r - 0.01) * (1 + math.cos(math.pi * e / 8)) / 2,
    ),
}
EPOCHS = (3, 7, 2, 0, 5)


@check("optim.step-of-an-epoch")
@pytest.mark.parametrize("name", CLOSED)
def test_a_schedule_told_its_epoch_warns_and_goes_there(subject, name):
    make, rate = CLOSED[name]
    for way in (lambda s, e: s.step(e), lambda s, e: s.step(epoch=e)):
        optimizer = fresh(subject)
        scheduler = make(optimizer)
        optimizer.step()
        for epoch in EPOCHS:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                way(scheduler, epoch)
            text, wanted = f"{name}.step({epoch})", np.array([rate(epoch, r) for r in STARTS])
            require(any("epoch" in str(w.message) for w in caught), f"{text} does not warn")
            assert_array(f"the rates after {text}", np.array(rates_of(optimizer)), wanted, "float64", COMPOSED.over(8))
            assert_array(f"get_last_lr() after {text}", np.array(scheduler.get_last_lr()), wanted, "float64",
                         COMPOSED.over(8))  # fmt: skip
            require(scheduler.last_epoch == epoch, f"last_epoch after {text}", epoch, scheduler.last_epoch)
        scheduler.step()
        wanted = np.array([rate(EPOCHS[-1] + 1, r) for r in STARTS])
        found = np.array(rates_of(optimizer))
        assert_array(f"{name}.step() after an epoch of one's own", found, wanted, "float64", RECURRENCE.over(16))


@check("optim.step-of-an-epoch")
def test_warm_restarts_of_an_epoch_and_a_whole_factor(subject):
    optimizer = fresh(subject)
    scheduler = schedulers.CosineAnnealingWarmRestarts(optimizer, 4, 2)
    optimizer.step()
    for epoch in (1, 3.5, 4, 9, 12.25, 5, 0):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scheduler.step(epoch)
        cycle = int(math.log2(epoch / 4 + 1))
        share = (epoch - 4 * (2**cycle - 1)) / (4 * 2**cycle)
        wanted = STARTS * (1 + math.cos(math.pi * share)) / 2
        assert_array(f"warm restarts at {epoch}", np.array(rates_of(optimizer)), wanted, "float64", COMPOSED.over(8),
                     STARTS)  # fmt: skip
    for T_0, T_mult in ((0, 1), (-2, 1), (4, 0), (4, 1.5), (2.5, 1)):
        text = f"CosineAnnealingWarmRestarts(T_0={T_0}, T_mult={T_mult})"
        make = lambda a=T_0, b=T_mult: schedulers.CosineAnnealingWarmRestarts(fresh(subject), a, b)  # noqa: E731
        assert_raises(text, ValueError, make)


@check("optim.tensor-rate", since="2.6")
@pytest.mark.parametrize("name", CLOSED)
def test_a_schedule_keeps_a_rate_that_is_a_tensor(subject, name):
    make, rate = CLOSED[name]
    p, given = leaf(subject, grad=[1, 1, 1]), torch.tensor(0.5, dtype=torch.float64)
    optimizer = torch.optim.Adam([p], lr=given)
    scheduler = make(optimizer)
    for epoch in range(1, 5):
        optimizer.step()
        scheduler.step()
        found = optimizer.param_groups[0]["lr"]
        require(isinstance(found, torch.Tensor), f"{name} makes a number of a tensor", "a tensor", type(found))
        assert_values(f"{name} at {epoch}", found, np.array(rate(epoch, 0.5)), RECURRENCE.over(64), 1.0)


RULES = {
    "SGD": {"momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False},
    "Adam": {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False},
    "AdamW": {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 1e-2, "amsgrad": False},
    "NAdam": {"lr": 2e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "momentum_decay": 4e-3},
    "RAdam": {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0},
    "Adamax": {"lr": 2e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0},
    "RMSprop": {"lr": 1e-2, "alpha": 0.99, "eps": 1e-8, "weight_decay": 0, "momentum": 0, "centered": False},
    "Adagrad": {"lr": 1e-2, "lr_decay": 0, "weight_decay": 0, "initial_accumulator_value": 0, "eps": 1e-10},
    "Adadelta": {"lr": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0},
    "ASGD": {"lr": 1e-2, "lambd": 1e-4, "alpha": 0.75, "t0": 1e6, "weight_decay": 0},
    "Rprop": {"lr": 1e-2, "etas": (0.5, 1.2), "step_sizes": (1e-6, 50)},
    "SparseAdam": {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8},
}


@check("optim.defaults")
@pytest.mark.parametrize("name", RULES)
def test_an_optimiser_has_the_defaults_of_its_documentation(subject, name):
    optimizer = getattr(torch.optim, name)([leaf(subject)], **({"lr": 0.1} if name == "SGD" else {}))
    for kept in (optimizer.defaults, optimizer.param_groups[0], pickle.loads(pickle.dumps(optimizer)).defaults):
        found = {key: kept.get(key) for key in RULES[name]}
        require(found == RULES[name], f"the defaults of {name}", RULES[name], found)
    if name not in ("SparseAdam", "SGD"):
        require(not optimizer.defaults.get("maximize"), f"{name} ascends")


PLATEAU = {"mode": "min", "factor": 0.1, "patience": 10, "threshold": 1e-4, "threshold_mode": "rel", "cooldown": 0,
           "min_lrs": [0, 0], "eps": 1e-8}  # fmt: skip


@check("optim.defaults")
def test_schedules_have_the_defaults_of_their_documentation(subject):
    found = schedulers.ReduceLROnPlateau(fresh(subject))
    for key, value in PLATEAU.items():
        require(getattr(found, key) == value, f"{key} of ReduceLROnPlateau", value, getattr(found, key))
    for make, wanted in (
        (lambda o: schedulers.StepLR(o, 3), {"gamma": 0.1}),
        (lambda o: schedulers.MultiStepLR(o, [3]), {"gamma": 0.1}),
        (lambda o: schedulers.ConstantLR(o), {"factor": 1 / 3, "total_iters": 5}),
        (lambda o: schedulers.LinearLR(o), {"start_factor": 1 / 3, "end_factor": 1.0, "total_iters": 5}),
        (lambda o: schedulers.PolynomialLR(o), {"power": 1.0, "total_iters": 5}),
        (lambda o: schedulers.CosineAnnealingLR(o, 3), {"eta_min": 0}),
        (lambda o: schedulers.CosineAnnealingWarmRestarts(o, 3), {"T_mult": 1, "eta_min": 0}),
    ):
        scheduler = make(fresh(subject))
        for key, value in wanted.items():
            text = f"{key} of {type(scheduler).__name__}"
            require(getattr(scheduler, key) == value, text, value, getattr(scheduler, key))


@check("optim.clip-grad-norm", since="2.0")
def test_clipping_writes_into_the_gradients_that_there_are(subject):
    for norm, size in ((2.0, 13.0), (1.0, 19.0), (math.inf, 12.0)):
        for limit in (1.0, 6.5, 100.0):
            params = [leaf(subject, grad=[3, 0, 4]), leaf(subject, grad=[0, 12, 0])]
            grads = [p.grad for p in params]
            found = nn.utils.clip_grad_norm_(params, limit, norm)
            text = f"clip_grad_norm_(max_norm={limit}, norm_type={norm})"
            assert_values(text, found, np.array(size), RECURRENCE.over(40), size)
            for p, g, values in zip(params, grads, ([3, 0, 4], [0, 12, 0]), strict=True):
                require(p.grad is g, f"{text} replaces a gradient")
                wanted = np.array(values) * min(1.0, limit / (size + 1e-6))
                assert_values(text, g, wanted, RECURRENCE.over(40), 12.0)


@check("optim.add-param-group")
@pytest.mark.parametrize("rule", ["SGD", "Adam", "RMSprop"])
def test_a_group_added_later_leaves_the_state_of_others(subject, rule):
    more = {"momentum": 0.5} if rule == "SGD" else {}
    grads, found = ([1.0, -2.0, 3.0], [0.5, 0.25, -1.0]), []
    for added in (False, True):
        p = leaf(subject)
        optimizer = getattr(torch.optim, rule)([p], lr=0.1, **more)
        for turn, g in enumerate(grads * 2):
            if turn == 2 and added:
                optimizer.add_param_group({"params": [leaf(subject, grad=[1, 1, 1])], "lr": 0.5})
            p.grad = contiguous(np.array(g), "float64").on(subject)
            optimizer.step()
        found.append(host.array(p))
    assert_values(f"{rule} with a group added on its way", host.tensor(found[1], "float64"), found[0])


@check("optim.zero-grad-zeroes")
def test_zero_grad_leaves_none_as_it_is(subject):
    p, q = leaf(subject, grad=[1, 2, 3]), leaf(subject)
    for told in ({"set_to_none": False}, {}):
        torch.optim.SGD([p, q], lr=0.1).zero_grad(**told)
        require(q.grad is None, f"zero_grad({told}) makes a gradient where there was none")


@check("optim.averages", since="2.2")
def test_averaged_buffers_and_the_way_to_swa_lr(subject):
    from torch.optim import swa_utils

    for use in (False, True):
        net = nn.BatchNorm1d(2).double().to(subject.device)
        told = {"use_buffers": True} if use else {}
        average = swa_utils.AveragedModel(net, **told)
        for turn in (1.0, 3.0):
            net.running_mean.fill_(turn)
            average.update_parameters(net)
        text = f"running_mean of AveragedModel(use_buffers={use})"
        assert_values(text, average.module.running_mean, np.full(2, 2.0 if use else 3.0), RECURRENCE.over(8), 4.0)
        require(average.module is not net, "AveragedModel averages the model itself")
    update = swa_utils.get_ema_multi_avg_fn()
    old, new = [torch.ones(3, dtype=torch.float64)], [torch.full((3,), 3.0, dtype=torch.float64)]
    update(old, new, None)
    assert_values("the default decay of a moving average", old[0], np.full(3, 1.002), RECURRENCE.over(8), 4.0)
    optimizer = fresh(subject)
    scheduler = swa_utils.SWALR(optimizer, swa_lr=0.02)
    for epoch in range(1, 12):
        optimizer.step()
        scheduler.step()
        share = (1 - math.cos(math.pi * min(epoch / 10, 1))) / 2
        wanted, found = STARTS + (0.02 - STARTS) * share, np.array(rates_of(optimizer))
        assert_array(f"SWALR by its defaults at {epoch}", found, wanted, "float64", RECURRENCE.over(2**12), 1.0)

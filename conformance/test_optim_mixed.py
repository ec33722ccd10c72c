"""Optimisers with several options at once, over parameters of all dtypes and sizes; schedules over many epochs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as schedulers
from torch.optim import swa_utils

from conformance import host
from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import RECURRENCE
from conformance.oracle import optim as common
from conformance.oracle import optim_kinds as oracle
from conformance.tables.optim_groups import COARSE, FINE, OPTIONS, RULES
from conformance.tables.optim_nets import leaf
from conformance.tables.optim_schedules import fresh, near, rates_of, walk
from properties.strategies.recipe import contiguous, transposed

pytestmark = must_answer

SIZES: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("float32", (5,)), ("float64", (3, 2)), ("float32", (0,)), ("float64", ()), ("float64", (2, 2, 3)),
    ("float32", (1,)),
)  # fmt: skip
FUSED = ("SGD", "Adam", "AdamW", "Adagrad")
IMPLEMENTATIONS = [
    pytest.param(rule, more, marks=check("optim.implementations-agree", since="2.6"), id=f"{rule}, {more}")
    for rule in RULES
    for more in ({"foreach": False}, {"foreach": True}, {"fused": True})
    if rule != "Adafactor" and ("fused" not in more or rule in FUSED)
]


def given(subject, values, dtype):
    """A tensor of these values; of complex numbers, those that are pairs along the last dimension."""
    x = contiguous(values, "float64" if dtype == "complex128" else dtype).on(subject)
    return torch.view_as_complex(x).clone() if dtype == "complex128" else x


def taken(tensor):
    """Its values, complex numbers as pairs."""
    return torch.view_as_real(tensor.detach()) if tensor.is_complex() else tensor


def judge(rule, text, p, wanted, dtype):
    """Refute unless a parameter, as real numbers, is where its rule leads."""
    terms = COARSE if rule in ("NAdam", "ASGD") and dtype == "float64" else FINE
    assert_values(text, taken(p), wanted, RECURRENCE.over(terms), 10.0, dtype=dtype)


@pytest.mark.parametrize("rule, more", IMPLEMENTATIONS)
def test_options_together_over_all_dtypes(subject, rule, more):
    sizes = SIZES if "fused" in more else (*SIZES, ("complex128", (4, 2)))
    options = {**OPTIONS[rule][1], **({} if rule == "Rprop" else {"weight_decay": 0.2})}
    generator = np.random.default_rng(3)

    def drawn(dtype, shape):
        values = generator.standard_normal(shape)
        values = np.sign(values) * (np.abs(values) + 0.1)
        return values.astype(np.float32).astype(float) if dtype == "float32" else np.asarray(values)

    wanted = [drawn(dtype, shape) for dtype, shape in sizes]
    params = [given(subject, w, dtype).requires_grad_() for w, (dtype, _) in zip(wanted, sizes, strict=True)]
    groups = [{"params": params[::2]}, {"params": params[1::2], "maximize": False}]
    optimizer = getattr(torch.optim, rule)(groups, **options, maximize=True, **more)
    states = [{} for _ in sizes]
    for turn in range(4):
        grads = [drawn(dtype, shape) for dtype, shape in sizes]
        for n, (p, g) in enumerate(zip(params, grads, strict=True)):
            p.grad = given(subject, g, sizes[n][0])
            wanted[n] = RULES[rule](wanted[n], g if n % 2 else -g, states[n], **options)
        before = Unchanged(**{f"of gradient {n}": p.grad for n, p in enumerate(params)})
        optimizer.step()
        before.check(f"{rule}(maximize, {more}).step()")
        for n, ((dtype, shape), p, w) in enumerate(zip(sizes, params, wanted, strict=True)):
            text = f"{rule}(maximize={n % 2 == 0}, {options}, {more}) of {dtype} {shape} after step {turn + 1}"
            judge(rule, text, p, w, "float32" if dtype == "float32" else "float64")


@check("optim.differentiable", since="2.6")
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in ("Rprop", "Adafactor")])
def test_recorded_steps_go_where_others_go(subject, rule):
    wanted, state, options = np.linspace(-2, 2, 7), {}, OPTIONS[rule][1]
    p = contiguous(wanted, "float64").on(subject).requires_grad_().clone()
    optimizer = getattr(torch.optim, rule)([p], **options, differentiable=True)
    for turn in range(3):
        g = np.where(np.arange(7) % 2 == turn % 2, 0.5, -1.5) + turn / 4
        p.grad = contiguous(g, "float64").on(subject)
        wanted = RULES[rule](wanted, g, state, **options)
        optimizer.step()
        # Its steps, and so the corrections of bias, are counted in float32.
        assert_values(f"{rule}(differentiable=True), step {turn + 1}", p, wanted, RECURRENCE.over(COARSE), 10.0)
        require(p.grad_fn is not None, f"{rule}(differentiable=True) records nothing")


LONG = 60
SCHEDULES = {
    "StepLR": ({"step_size": 7, "gamma": 0.8}, lambda b: common.step_lr(b, LONG, 7, 0.8)),
    "MultiStepLR": ({"milestones": [2, 31, 31, 50], "gamma": 0.5},
                    lambda b: common.multi_step_lr(b, LONG, [2, 31, 31, 50], 0.5)),
    "ExponentialLR": ({"gamma": 0.95}, lambda b: common.exponential_lr(b, LONG, 0.95)),
    "CosineAnnealingLR": ({"T_max": 59, "eta_min": 0.01}, lambda b: common.cosine_lr(b, LONG, 59, 0.01)),
    "LinearLR": ({"start_factor": 0.25, "end_factor": 0.75, "total_iters": 44},
                 lambda b: common.linear_lr(b, LONG, 0.25, 0.75, 44)),
    "ConstantLR": ({"factor": 0.5, "total_iters": 41}, lambda b: common.constant_lr(b, LONG, 0.5, 41)),
    "PolynomialLR": ({"total_iters": 45, "power": 2.0}, lambda b: oracle.polynomial(b, LONG, 45, 2.0)),
    "LambdaLR": ({"lr_lambda": lambda e: 1 / (1 + e)}, lambda b: [b / (1 + e) for e in range(LONG)]),
    "MultiplicativeLR": ({"lr_lambda": lambda e: 0.9 if e % 2 else 1.05},
                         lambda b: list(np.cumprod([b, *(0.9 if e % 2 else 1.05 for e in range(1, LONG))]))),
    "CosineAnnealingWarmRestarts": ({"T_0": 5, "T_mult": 2, "eta_min": 0.01},
                                    lambda b: oracle.warm_restarts(b, LONG, 5, 2, 0.01)),
    "CyclicLR": ({"base_lr": 0.1, "max_lr": 0.7, "step_size_up": 4, "cycle_momentum": False},
                 lambda b: oracle.cyclic(0.1, 0.7, LONG, 4, 4)),
    "OneCycleLR": ({"max_lr": 0.8, "total_steps": LONG, "cycle_momentum": False},
                   lambda b: oracle.one_cycle(0.8, LONG, LONG)),
}  # fmt: skip


def others(optimizer):
    """The options of each group besides those of a schedule."""
    own = ("params", "lr", "initial_lr", "max_lr", "min_lr")
    return [{key: value for key, value in group.items() if key not in own} for group in optimizer.param_groups]


@check("optim.further-schedules")
@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_schedule_over_many_epochs(subject, kind):
    options, form = SCHEDULES[kind]
    optimizer = fresh(subject)
    kept = others(optimizer)
    scheduler = getattr(schedulers, kind)(optimizer, **options)
    found = walk(optimizer, scheduler, LONG)
    near(f"{kind} over {LONG} epochs", found, np.array([form(base) for base in (0.5, 0.05)]).T, 1e-9)
    require(others(optimizer) == kept, f"{kind} changes other options than the rate", kept, others(optimizer))
    require(scheduler.last_epoch == LONG - 1, f"last_epoch of {kind}", LONG - 1, scheduler.last_epoch)


@check("optim.scheduler-state-dict")
@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_schedule_goes_on_over_an_optimiser_of_other_rates(subject, kind):
    """What a schedule saves holds the rates that it began with, and those that it gave last."""
    options, form = SCHEDULES[kind]
    optimizer = fresh(subject)
    scheduler = getattr(schedulers, kind)(optimizer, **options)
    walk(optimizer, scheduler, 9)
    other = torch.optim.SGD([{"params": [leaf(subject)], "lr": lr} for lr in (7.0, 9.0)], lr=5.0, momentum=0.9)
    later = getattr(schedulers, kind)(other, **options)
    state, before = scheduler.state_dict(), rates_of(other)
    later.load_state_dict(state)
    require(rates_of(other) == before, f"loading a {kind} changes its optimiser", before, rates_of(other))
    require(later.last_epoch == scheduler.last_epoch, f"last_epoch of a loaded {kind}", 8, later.last_epoch)
    require(list(later.get_last_lr()) == list(scheduler.get_last_lr()), f"get_last_lr of a loaded {kind}",
            scheduler.get_last_lr(), later.get_last_lr())  # fmt: skip
    require(list(later.base_lrs) == list(scheduler.base_lrs), f"the rates that a loaded {kind} began with",
            scheduler.base_lrs, later.base_lrs)  # fmt: skip
    other.load_state_dict(optimizer.state_dict())
    wanted = np.array([form(base) for base in (0.5, 0.05)]).T[8:20]
    near(f"{kind}, loaded over other rates", walk(other, later, 12), wanted, 1e-9)
    require(state["last_epoch"] == 8, f"the state of {kind} lives on", 8, state["last_epoch"])


@check("optim.step-updates-parameters", since="2.0")
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in ("Rprop", "Adafactor")])
def test_a_rate_of_zero_goes_nowhere(subject, rule):
    p = leaf(subject, grad=[1, 2, 3])
    optimizer = getattr(torch.optim, rule)([p], lr=0.0)
    start = host.array(p).copy()
    for _ in range(2):
        optimizer.step()
    assert_values(f"{rule}(lr=0)", p, start, dtype="float64")


@check("optim.clip-grad-norm")
def test_the_norm_of_many_gradients(subject):
    grads = [np.random.default_rng(n).standard_normal((n % 4 + 1, 3)) for n in range(40)]
    for most in (2.0, 0.0, 1e3):
        params = [torch.zeros(g.shape, dtype=torch.float64, device=subject.device, requires_grad=True) for g in grads]
        for turn, (p, g) in enumerate(zip(params, grads, strict=True)):
            p.grad = (transposed if turn % 2 else contiguous)(g, "float64").on(subject)
        norm, wanted = common.clipped_norm(grads, most)
        found = torch.nn.utils.clip_grad_norm_(iter(params), most)
        assert_values(f"clip_grad_norm_({most}) of 40 gradients", found, np.asarray(norm), RECURRENCE.over(400), norm)
        for p, g in zip(params, wanted, strict=True):
            assert_values(f"a gradient after clip_grad_norm_({most})", p.grad, g, RECURRENCE.over(400), 4.0)


@check("optim.averages", since="2.0")
def test_an_average_is_saved_with_its_count_and_has_gradients(subject):
    net = torch.nn.Linear(3, 2).double().to(subject.device)
    average, other = (swa_utils.AveragedModel(net) for _ in range(2))
    seen = []
    for turn in range(3):
        with torch.no_grad():
            net.weight.fill_(float(turn * turn))
        seen.append(float(turn * turn))
        if turn < 2:
            average.update_parameters(net)
        if turn == 1:
            other.load_state_dict(average.state_dict())
            require(int(other.n_averaged) == 2, "n_averaged of a loaded AveragedModel", 2, int(other.n_averaged))
    other.update_parameters(net)
    wanted = np.full((2, 3), np.mean(seen))
    assert_values("a loaded AveragedModel that goes on", other.module.weight, wanted, RECURRENCE.over(40), 4.0)
    x = contiguous(np.ones((1, 3)), "float64").on(subject)
    other(x).sum().backward()
    assert_values("the gradient of an AveragedModel", other.module.weight.grad, np.ones((2, 3)), dtype="float64")
    groups = [{"params": [leaf(subject)], "lr": 0.5}, {"params": [leaf(subject)], "lr": 0.1}]
    optimizer = torch.optim.SGD(groups, lr=5.0)
    made = swa_utils.SWALR(optimizer, swa_lr=[0.02, 0.3], anneal_epochs=2, anneal_strategy="linear")
    near("SWALR of two groups", walk(optimizer, made, 4), [[0.5, 0.1], [0.26, 0.2], [0.02, 0.3], [0.02, 0.3]], 1e-9)

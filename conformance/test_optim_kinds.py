"""Optimisers and schedules besides the common ones: trajectories, averages, sparse gradients, closures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as schedulers

from conformance import effort, host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import RECURRENCE
from conformance.oracle import optim as common
from conformance.oracle import optim_kinds as oracle
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous

pytestmark = must_answer

STEPS = effort.scaled(12, least=8)
ALL = {**oracle.RULES, **oracle.NEWER}
COARSE = 2**29  # NAdam and ASGD keep their scalar coefficients in the default dtype: float32, whatever the parameters
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "NAdam": [
        {},
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.1, "momentum_decay": 0.5},
        {"lr": 0.1, "weight_decay": 0.2},
    ],
    "RAdam": [
        {},
        {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3},
        {"lr": 0.1, "betas": (0.8, 0.99), "weight_decay": 0.2},
    ],
    "ASGD": [{}, {"lr": 0.1, "lambd": 0.2, "alpha": 0.5, "t0": 4}, {"lr": 0.1, "weight_decay": 0.2, "t0": 0}],
    "Rprop": [{}, {"lr": 0.1, "etas": (0.3, 1.6)}, {"lr": 0.1, "step_sizes": (0.05, 0.15)}],
    "Adafactor": [
        {},
        {"lr": 0.1, "beta2_decay": -0.5, "d": 1.25, "weight_decay": 0.2},
        {"lr": 0.6, "eps": (0.7, 1.5), "d": 2.0},
    ],
}
CLAIMS = {"NAdam": "optim.nadam", "RAdam": "optim.radam", "ASGD": "optim.asgd", "Rprop": "optim.rprop",
          "Adafactor": "optim.adafactor"}  # fmt: skip
# Before these, NAdam is unsound, and so are the forms of RAdam and ASGD that take all parameters at once.
SINCE = {("NAdam", False): "2.0", ("NAdam", True): "2.0", ("RAdam", True): "2.0", ("ASGD", True): "2.6"}
RULES = [
    pytest.param(
        rule,
        options,
        foreach,
        marks=check(claim, since=SINCE.get((rule, foreach))),
        id=f"{rule}({options}), foreach={foreach}",
    )
    for rule, claim in CLAIMS.items()
    for options in OPTIONS[rule]
    for foreach in (False, True)
]


def follow(subject, rule, options, dtype, **more):
    """Optimise parameters of several layouts in two groups, and compare each with its trajectory."""
    generator = np.random.default_rng(4)
    starts = [LAYOUTS[name](generator.standard_normal((3, 2, 4, 2)), dtype) for name in DENSE]
    starts += [contiguous(generator.standard_normal(shape), dtype) for shape in ((), (1,), (33,))]
    params = [recipe.on(subject).requires_grad_() for recipe in starts]
    second = {"params": params[4:], "lr": 0.05}
    optimizer = getattr(torch.optim, rule)([{"params": params[:4]}, second], **options, **more)
    wanted, states = [r.array.astype(np.float64) for r in starts], [{} for _ in starts]
    scale = [1 + np.abs(w) for w in wanted]
    for step in range(STEPS):
        for turn, p in enumerate(params):
            g = held(generator.standard_normal(p.shape) * (1 + step % 3), dtype)
            p.grad = None if turn == 2 and step % 4 == 1 else host.tensor(g, dtype, str(p.device))
            if p.grad is not None:
                chosen = options if turn < 4 else {**options, "lr": 0.05}
                wanted[turn] = ALL[rule](wanted[turn], g, states[turn], **chosen)
                scale[turn] = scale[turn] + np.abs(g) + np.abs(wanted[turn])
        optimizer.step()
        for turn, p in enumerate(params):
            text = f"parameter {turn} after step {step + 1} of {rule}({options}, {more}) in {dtype}"
            terms = COARSE if rule in ("NAdam", "ASGD") and dtype == "float64" else 100
            assert_values(text, p, wanted[turn], RECURRENCE.over(terms * (step + 1)), scale[turn], dtype=dtype)
    return optimizer, params, states


@check("optim.adafactor")
def test_adafactor_goes_up_and_refuses_what_makes_no_sense(subject):
    start, g = np.array([[1.0, -2.0], [0.5, 4.0]]), np.array([[0.25, 1.0], [-3.0, 0.5]])
    for foreach in (False, True):
        p = contiguous(start, "float64").on(subject).requires_grad_()
        optimizer = torch.optim.Adafactor([p], lr=0.1, maximize=True, foreach=foreach)
        p.grad = contiguous(g, "float64").on(subject)
        optimizer.step()
        wanted = oracle.adafactor(start, -g, {}, lr=0.1)
        assert_values(f"Adafactor(maximize=True, foreach={foreach})", p, wanted, RECURRENCE.over(100), 10.0)
        require((host.array(p.grad) == g).all(), "Adafactor(maximize=True) changes the gradient", g, p.grad)
    for bad in ({"lr": -0.1}, {"beta2_decay": 0.1}, {"eps": (-1.0, 1e-3)}, {"eps": (None, -1.0)}, {"d": 0.5},
                {"weight_decay": -0.1}):  # fmt: skip
        assert_raises(f"Adafactor({bad})", ValueError, lambda bad=bad: torch.optim.Adafactor([p], **bad))


def held(values, dtype):
    """Values that the dtype has, as float64."""
    return host.array(host.tensor(np.asarray(values, np.float64), dtype)).astype(np.float64)


@pytest.mark.parametrize("rule, options, foreach", RULES)
def test_another_rule_follows_its_formula(subject, rule, options, foreach):
    quick = effort.level() == "quick"  # in which each way has one dtype
    for dtype in [("float64", "float32")[foreach]] if quick else ("float64", "float32"):
        optimizer, params, states = follow(subject, rule, options, dtype, foreach=foreach)
        for p, state in zip(params, states, strict=True) if rule == "ASGD" else ():
            terms, mean = COARSE if dtype == "float64" else 200, optimizer.state[p]["ax"]
            assert_values("the average of ASGD", mean, state["mean"], RECURRENCE.over(12 * terms), 10.0, dtype=dtype)


@check("optim.sparse-adam")
@pytest.mark.parametrize("options", [{}, {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.1}], ids=str)
def test_sparse_adam_changes_rows_with_gradients(subject, options):
    for dtype in ("float64", "float32"):
        generator, state = np.random.default_rng(5), {}
        wanted = held(generator.standard_normal((7, 3)), dtype)
        p = contiguous(wanted, dtype).on(subject).requires_grad_()
        optimizer = torch.optim.SparseAdam([p], **options)
        for step, rows in enumerate(([1, 4], [4, 0, 6], [2], [1, 4], [3, 1])):
            g = held(generator.standard_normal((len(rows), 3)), dtype)
            # One row in two parts: gradients of one row add up before they count.
            places, values = np.array([[*rows, rows[0]]]), np.concatenate([g, np.ones((1, 3))])
            values[0] -= 1
            given = (host.tensor(places, "int64"), host.tensor(values, dtype))
            p.grad = torch.sparse_coo_tensor(*given, (7, 3)).to(subject.device)
            g = np.concatenate([[held(values[0], dtype) + 1], g[1:]])
            wanted = oracle.sparse_adam(wanted, np.array(rows), g, state, **options)
            optimizer.step()
            assert_values(f"SparseAdam({options}), step {step}", p, wanted, RECURRENCE.over(400), 10.0, dtype=dtype)
    p.grad = torch.ones_like(p)
    assert_raises("SparseAdam with a dense gradient", RuntimeError, optimizer.step)


@check("optim.lbfgs")
@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_finds_the_least_of_a_square(subject, search):
    generator = np.random.default_rng(3)
    m = generator.standard_normal((6, 6))
    m, b = m @ m.T + 2 * np.eye(6), generator.standard_normal(6)
    matrix, vector = (contiguous(a, "float64").on(subject) for a in (m, b))
    p = torch.zeros(6, dtype=torch.float64, device=subject.device, requires_grad=True)
    most = 25 if search else 400
    optimizer = torch.optim.LBFGS([p], lr=1.0 if search else 0.1, max_iter=most, line_search_fn=search)
    calls = []

    def closure():
        optimizer.zero_grad()
        loss = p @ (matrix @ p) / 2 - vector @ p
        loss.backward()
        calls.append(float(loss.detach()))
        return loss

    first = optimizer.step(closure)
    require(float(first) == calls[0], "LBFGS.step returns the loss before the step", calls[0], float(first))
    optimizer.step(closure)
    wanted = np.linalg.solve(m, b)
    require(np.abs(host.array(p) - wanted).max() < 1e-4, f"LBFGS({search}) misses the least", wanted, host.array(p))
    require(len(calls) <= 2 * most * 5 // 4 + 2, "LBFGS calls the closure more often than max_eval", most, len(calls))


@check("optim.lbfgs")
def test_the_first_steps_of_lbfgs(subject):
    """The first step is along the gradient, no longer than its 1-norm allows; the next solves one curvature pair."""
    d, start, lr = np.array([1.0, 3.0]), np.array([4.0, -2.0]), 0.5
    g = d * start
    first = start - min(1.0, 1 / np.abs(g).sum()) * lr * g
    s, y = first - start, d * first - g
    new = d * first
    rho = 1 / (y @ s)
    q = new - rho * (s @ new) * y
    r = q * (s @ y) / (y @ y)
    second = first - lr * (r + s * (rho * (s @ new) - rho * (y @ r)))
    for count, wanted in ((1, first), (2, second)):
        p = contiguous(start, "float64").on(subject).requires_grad_()
        optimizer = torch.optim.LBFGS([p], lr=lr, max_iter=count, max_eval=9)
        scale = contiguous(d, "float64").on(subject)

        def closure(p=p, scale=scale):
            p.grad = None
            loss = (scale * p * p).sum() / 2
            loss.backward()
            return loss

        optimizer.step(closure)
        assert_values(f"LBFGS after {count} iterations", p, wanted, RECURRENCE.over(200), 10.0)


EPOCHS = 24


def built(kind, *args, **options):
    return lambda optimizer: getattr(schedulers, kind)(optimizer, *args, **options)


def in_sequence(optimizer):
    parts = [
        schedulers.ConstantLR(optimizer, factor=0.5, total_iters=20),
        schedulers.ExponentialLR(optimizer, gamma=0.9),
        schedulers.StepLR(optimizer, step_size=3, gamma=0.5),
    ]
    return schedulers.SequentialLR(optimizer, parts, milestones=[4, 11])


def chained(optimizer):
    parts = [
        schedulers.ConstantLR(optimizer, factor=0.5, total_iters=5),
        schedulers.ExponentialLR(optimizer, gamma=0.9),
    ]
    return schedulers.ChainedScheduler(parts)


def chain_of(base):
    halves = common.constant_lr(1.0, EPOCHS, 0.5, 5)
    return [base * a * b for a, b in zip(halves, common.exponential_lr(1.0, EPOCHS, 0.9), strict=True)]


def sequence_of(base):
    forms = (
        common.constant_lr(base, 20, 0.5, 20),
        common.exponential_lr(base, 20, 0.9),
        common.step_lr(base, 20, 3, 0.5),
    )
    return oracle.sequence(forms, [4, 11], EPOCHS)


SCHEDULES = {
    "OneCycleLR": (built("OneCycleLR", 0.8, total_steps=24), lambda b: oracle.one_cycle(0.8, EPOCHS, 24)),
    "OneCycleLR, linear": (
        built("OneCycleLR", 0.8, epochs=6, steps_per_epoch=4, pct_start=0.5, anneal_strategy="linear", div_factor=10,
              final_div_factor=100),
        lambda b: oracle.one_cycle(0.8, EPOCHS, 24, 0.5, True, 10, 100),
    ),
    "OneCycleLR, three phases": (
        built("OneCycleLR", [0.8, 0.4], total_steps=24, three_phase=True, pct_start=0.25),
        lambda b: oracle.one_cycle(0.8 if b == 0.5 else 0.4, EPOCHS, 24, 0.25, three=True),
    ),
    "CyclicLR": (
        built("CyclicLR", 0.1, 0.7, step_size_up=4), lambda b: oracle.cyclic(0.1, 0.7, EPOCHS, 4, 4)
    ),
    "CyclicLR, halved": (
        built("CyclicLR", 0.1, 0.7, step_size_up=3, step_size_down=5, mode="triangular2"),
        lambda b: oracle.cyclic(0.1, 0.7, EPOCHS, 3, 5, "triangular2"),
    ),
    "CyclicLR, decaying": (
        built("CyclicLR", 0.1, 0.7, step_size_up=2, step_size_down=3, mode="exp_range", gamma=0.9),
        lambda b: oracle.cyclic(0.1, 0.7, EPOCHS, 2, 3, "exp_range", 0.9),
    ),
    "CosineAnnealingWarmRestarts": (
        built("CosineAnnealingWarmRestarts", 3, T_mult=2, eta_min=0.01),
        lambda b: oracle.warm_restarts(b, EPOCHS, 3, 2, 0.01),
    ),
    "CosineAnnealingWarmRestarts(5)": (
        built("CosineAnnealingWarmRestarts", 5), lambda b: oracle.warm_restarts(b, EPOCHS, 5, 1, 0.0)
    ),
    "MultiplicativeLR": (
        built("MultiplicativeLR", lambda epoch: 0.9 if epoch % 2 else 1.05),
        lambda b: list(np.cumprod([b, *(0.9 if e % 2 else 1.05 for e in range(1, EPOCHS))])),
    ),
    "LambdaLR by group": (
        built("LambdaLR", [lambda e: 1 / (1 + e), lambda e: 0.5**e]),
        lambda b: [b / (1 + e) if b == 0.5 else b * 0.5**e for e in range(EPOCHS)],
    ),
    "PolynomialLR": (built("PolynomialLR", 17, power=2.0), lambda b: oracle.polynomial(b, EPOCHS, 17, 2.0)),
    "PolynomialLR()": (built("PolynomialLR"), lambda b: oracle.polynomial(b, EPOCHS, 5, 1.0)),
    "SequentialLR": (in_sequence, sequence_of),
    "ChainedScheduler": (chained, chain_of),
}  # fmt: skip


def fresh(subject):
    groups = [{"params": [torch.ones(2, device=subject.device, requires_grad=True)], "lr": lr} for lr in (0.5, 0.05)]
    return torch.optim.SGD(groups, lr=5.0, momentum=0.9)


def rates(optimizer, scheduler, count):
    """The learning rate of each group at each of `count` epochs."""
    found = []
    for _ in range(count):
        found.append([group["lr"] for group in optimizer.param_groups])
        require(list(scheduler.get_last_lr()) == found[-1], "get_last_lr is not the rate in use", found[-1])
        optimizer.step()
        if len(found) < count:
            scheduler.step()
    return np.array(found)


@check("optim.further-schedules")
@pytest.mark.parametrize("name", SCHEDULES)
def test_another_schedule_follows_its_form(subject, name):
    make, form = SCHEDULES[name]
    optimizer = fresh(subject)
    scheduler = make(optimizer)
    wanted = np.array([form(base) for base in (0.5, 0.05)]).T
    assert_near(name, rates(optimizer, scheduler, EPOCHS), wanted)


def assert_near(name, found, wanted):
    """A learning rate is a Python float: a product of a factor an epoch, each rounded once or twice."""
    allowed = 64 * EPOCHS * np.finfo(float).eps * np.maximum(np.abs(wanted), 0.05)
    require((np.abs(found - wanted) <= allowed).all(), f"{name}: learning rates", wanted, found)


@check("optim.further-schedules")
@pytest.mark.parametrize("kind", ["OneCycleLR", "CyclicLR"])
def test_momentum_runs_against_the_rate(subject, kind):
    optimizer = fresh(subject)
    if kind == "OneCycleLR":
        scheduler = schedulers.OneCycleLR(optimizer, 0.8, total_steps=24, base_momentum=0.7, max_momentum=0.95)
        wanted = [0.95 + (0.7 - 0.95) * share for share in shares_of_cycle()]
    else:
        scheduler = schedulers.CyclicLR(optimizer, 0.1, 0.7, step_size_up=4, base_momentum=0.7, max_momentum=0.95)
        wanted = [0.95 - (m - 0.1) / 0.6 * 0.25 for m in oracle.cyclic(0.1, 0.7, EPOCHS, 4, 4)]
    found = []
    for epoch in range(EPOCHS):
        found.append(optimizer.param_groups[1]["momentum"])
        optimizer.step()
        if epoch < EPOCHS - 1:
            scheduler.step()
    assert_near(f"the momentum of {kind}", np.array(found), np.array(wanted))


def shares_of_cycle():
    """How far a cosine cycle of 24 steps is up: to 1 at step 6.2, and back to 0 at step 23."""
    up = 0.3 * 24 - 1
    places = [e / up if e <= up else 1 - (e - up) / (23 - up) for e in range(24)]
    return [(1 - np.cos(np.pi * place)) / 2 for place in places]


@check("optim.scheduler-state-dict")
@pytest.mark.parametrize("name", [n for n in SCHEDULES if not n.startswith(("Lambda", "Multiplicative", "Chained"))])
def test_another_loaded_schedule_goes_on_the_same_way(subject, name):
    make, form = SCHEDULES[name]
    first, second = fresh(subject), fresh(subject)
    one, two = make(first), make(second)
    for _ in range(7):
        first.step()
        one.step()
    second.load_state_dict(first.state_dict())
    two.load_state_dict(one.state_dict())
    wanted = np.array([form(base) for base in (0.5, 0.05)]).T[7:]
    assert_near(f"{name}, loaded", rates(second, two, EPOCHS - 7), wanted)

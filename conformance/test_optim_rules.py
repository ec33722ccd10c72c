"""Trajectories of optimisers against their formulas, for every implementation, layout and option."""

from __future__ import annotations

import copy
import io
from typing import Any

import numpy as np
import pytest
import torch

from conformance import effort, host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import RECURRENCE
from conformance.oracle import optim as oracle
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous

pytestmark = must_answer

STEPS = 6
# (rule, options): each option alone, and together. A learning rate that shows in the first digits.
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.8, "dampening": 0.3},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
        {"lr": 0.1, "weight_decay": 0.2},
        {"lr": 0.1, "maximize": True},
        {"lr": 0.1, "momentum": 0.7, "nesterov": True, "weight_decay": 0.1, "maximize": True},
        {"lr": 0.0, "momentum": 0.9},
    ],
    "RMSprop": [
        {},
        {"lr": 0.05, "alpha": 0.9},
        {"lr": 0.05, "alpha": 0.9, "eps": 0.1},
        {"lr": 0.05, "alpha": 0.8, "centered": True, "eps": 1e-3},
        {"lr": 0.05, "alpha": 0.9, "momentum": 0.6},
        {"lr": 0.05, "weight_decay": 0.3},
        {"lr": 0.05, "alpha": 0.7, "centered": True, "momentum": 0.5, "weight_decay": 0.1, "eps": 1e-3},
    ],
    "Adam": [
        {},
        {"lr": 0.1, "betas": (0.9, 0.99)},
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.1},
        {"lr": 0.1, "weight_decay": 0.3},
        {"lr": 0.1, "amsgrad": True, "betas": (0.8, 0.5)},
        {"lr": 0.1, "maximize": True, "weight_decay": 0.1},
        {"lr": 0.1, "betas": (0.0, 0.9)},
    ],
    "AdamW": [
        {},
        {"lr": 0.1, "weight_decay": 0.3},
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.0},
        {"lr": 0.1, "amsgrad": True, "betas": (0.8, 0.5), "weight_decay": 0.2},
        {"lr": 0.1, "maximize": True, "weight_decay": 0.1},
    ],
    "Adagrad": [
        {},
        {"lr": 0.1, "lr_decay": 0.3},
        {"lr": 0.1, "weight_decay": 0.2, "initial_accumulator_value": 0.5, "eps": 0.1},
    ],
    "Adadelta": [{}, {"lr": 0.5, "rho": 0.7, "eps": 1e-3}, {"weight_decay": 0.2, "eps": 1e-2}],
    "Adamax": [{}, {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.01}, {"weight_decay": 0.2}],
}
CLAIMS = {
    "SGD": ("optim.sgd-update", "optim.momentum"),
    "RMSprop": ("optim.rmsprop-alpha",),
    "Adam": ("optim.adam-betas",),
    "AdamW": ("optim.adamw",),
    "Adagrad": ("optim.adagrad",),
    "Adadelta": ("optim.adadelta",),
    "Adamax": ("optim.adamax",),
}
# Implementations by the first release in which the optimiser has them on the CPU.
FUSED = {"SGD": "2.4", "Adam": "2.4", "AdamW": "2.4", "Adagrad": "2.4"}


def claim_of(rule, options):
    plain = rule == "SGD" and set(options) <= {"lr"}
    return CLAIMS[rule][0 if plain or len(CLAIMS[rule]) == 1 else 1]


def named(options):
    return ", ".join(f"{key}={value}" for key, value in options.items()) or "defaults"


ROWS = [
    pytest.param(rule, options, marks=check(claim_of(rule, options)), id=f"{rule}({named(options)})")
    for rule, rows in OPTIONS.items()
    for options in rows
]
OTHERS = [
    pytest.param(rule, {kind: True}, marks=check("optim.implementations-agree", since=since), id=f"{rule}, {kind}")
    for rule in OPTIONS
    for kind, since in (("foreach", "2.0"), ("fused", FUSED.get(rule)))
    if kind == "foreach" or rule in FUSED
]


def starts(dtype):
    """Parameters of every layout and size: (name, recipe)."""
    generator = np.random.default_rng(5)
    for name in DENSE:
        yield name, LAYOUTS[name](generator.standard_normal((3, 2, 5, 2)), dtype)
    for shape in ((), (1,), (0,), (33,), (4, 17)):
        yield str(shape), contiguous(generator.standard_normal(shape), dtype)


def gradients(shape, turn):
    """Gradients of six steps: changing signs and sizes, none where the third parameter has none."""
    generator = np.random.default_rng(100 + turn)
    return [generator.standard_normal(shape) * (1 + step) for step in range(STEPS)]


def laid_out(values, dtype, p, match):
    """A gradient: contiguous, or in the layout of its parameter, as backward makes it for dense ones."""
    made = host.tensor(values, dtype, str(p.device))
    return torch.empty_strided(p.shape, p.stride(), dtype=p.dtype, device=p.device).copy_(made) if match else made


def follow(call, optimizer, params, wanted, grads, dtype, match=False):
    """Step through the gradients and compare each parameter with its trajectory: after one step, two, and all."""
    for step in range(STEPS):
        for p, rows in zip(params, grads, strict=True):
            p.grad = None if rows[step] is None else laid_out(rows[step], dtype, p, match)
        optimizer.step()
        if step not in (0, 1, STEPS - 1):
            continue
        for p, rows, path in zip(params, grads, wanted, strict=True):
            terms = 60 * (step + 1)
            scale = 1 + np.abs(path[step]) + sum(np.abs(g) if g is not None else 0 for g in rows[: step + 1])
            assert_values(
                f"a parameter of shape {tuple(p.shape)} after step {step + 1} of {call}",
                p,
                path[step],
                RECURRENCE.over(terms),
                scale,
            )


def judged(subject, rule, options, dtype, extra=None, match=False):
    # Backward gives a gradient the layout of its parameter if that is dense; fused kernels need it so
    # (optim.fused-layouts).
    recipes = [
        recipe for name, recipe in starts(dtype) if not match or name not in ("stepped", "row_stepped", "offset")
    ]
    params = [recipe.on(subject).requires_grad_() for recipe in recipes]
    grads = [
        [host.array(host.tensor(g, dtype)).astype(np.float64) for g in gradients(r.shape, turn)]
        for turn, r in enumerate(recipes)
    ]
    grads[2][1] = grads[2][4] = None
    grads[-1] = [None] * STEPS
    wanted = [
        oracle.trajectory(rule, r.array.astype(np.float64), g, **options) for r, g in zip(recipes, grads, strict=True)
    ]
    optimizer = getattr(torch.optim, rule)(params, **options, **(extra or {}))
    follow(f"{rule}({named({**options, **(extra or {})})}) in {dtype}", optimizer, params, wanted, grads, dtype, match)


@pytest.mark.parametrize("rule, options", ROWS)
def test_a_trajectory_follows_its_formula(subject, rule, options):
    judged(subject, rule, options, "float64")
    judged(subject, rule, options, "float32")


@pytest.mark.parametrize("rule, extra", OTHERS)
def test_other_implementations_follow_the_formula(subject, rule, extra):
    for options in OPTIONS[rule]:
        for dtype in ("float64", "float32"):
            judged(subject, rule, options, dtype, extra, match="fused" in extra)
    judged(subject, rule, {"lr": 0.1}, "float64", {"foreach": False})


@pytest.mark.parametrize(
    "rule", [pytest.param(rule, marks=check("optim.fused-layouts", since=FUSED[rule])) for rule in FUSED]
)
def test_a_fused_step_reads_gradients_of_another_layout(subject, rule):
    judged(subject, rule, {"lr": 0.1}, "float64", {"fused": True})


@pytest.mark.parametrize("rule", [pytest.param(rule, marks=check(claims[0])) for rule, claims in CLAIMS.items()])
def test_two_optimisers_do_not_share_state(subject, rule):
    """Interleaved optimisers of equal parameters go the same way as one alone: no state outside the object."""
    options = OPTIONS[rule][-1]
    start, grads = np.linspace(-1, 1, 7), gradients((7,), 3)
    wanted = oracle.trajectory(rule, start, grads, **options)
    pairs = [contiguous(start, "float64").on(subject).requires_grad_() for _ in range(2)]
    optimizers = [getattr(torch.optim, rule)([p], **options) for p in pairs]
    for step in range(STEPS):
        for p, optimizer in zip(pairs, optimizers, strict=True):
            p.grad = host.tensor(grads[step], "float64", subject.device)
            optimizer.step()
            scale = 1 + np.abs(wanted[step]) + sum(map(np.abs, grads[: step + 1]))
            assert_values(
                f"{rule}, step {step + 1}, interleaved", p, wanted[step], RECURRENCE.over(60 * (step + 1)), scale
            )


@pytest.mark.parametrize("rule", [pytest.param(rule, marks=check(claims[-1])) for rule, claims in CLAIMS.items()])
def test_long_trajectories_keep_to_the_formula(subject, rule):
    """Bias corrections and running means fade over many steps; a late mistake shows late."""
    count = effort.scaled(120, least=40)
    generator = np.random.default_rng(8)
    start, grads = generator.standard_normal(5), list(generator.standard_normal((count, 5)))
    options = OPTIONS[rule][1]
    wanted = oracle.trajectory(rule, start, grads, **options)
    p = contiguous(start, "float64").on(subject).requires_grad_()
    optimizer = getattr(torch.optim, rule)([p], **options)
    scale = 1 + np.abs(start) + sum(map(np.abs, grads))
    for step, g in enumerate(grads):
        p.grad = host.tensor(g, "float64", subject.device)
        optimizer.step()
        assert_values(f"{rule} after step {step + 1}", p, wanted[step], RECURRENCE.over(60 * (step + 1)), scale)


@check("optim.state-dict-round-trip")
@pytest.mark.parametrize("rule", OPTIONS)
def test_a_loaded_state_goes_on_the_same_way(subject, rule):
    for options in OPTIONS[rule]:
        start, grads = np.linspace(-2, 2, 9), gradients((9,), 7)
        wanted = oracle.trajectory(rule, start, grads, **options)
        p = contiguous(start, "float64").on(subject).requires_grad_()
        optimizer = getattr(torch.optim, rule)([p], **options)
        scale = 1 + np.abs(start) + sum(map(np.abs, grads))
        for step, g in enumerate(grads):
            if step in (1, 3):
                p, optimizer = successor(subject, rule, options, p, optimizer, saved=step == 3)
            p.grad = host.tensor(g, "float64", subject.device)
            optimizer.step()
            call = f"{rule}({named(options)}), step {step + 1}, loaded"
            assert_values(call, p, wanted[step], RECURRENCE.over(60 * (step + 1)), scale)


def successor(subject, rule, options, p, optimizer, *, saved):
    """A copy of a parameter, with an optimiser that has loaded the other's state, from a file if `saved`."""
    state = copy.deepcopy(optimizer.state_dict())
    if saved:
        stream = io.BytesIO()
        torch.save(optimizer.state_dict(), stream)
        stream.seek(0)
        state = torch.load(stream)
    q = contiguous(host.array(p), "float64").on(subject).requires_grad_()
    # Another learning rate at first: the loaded options have to win.
    other = getattr(torch.optim, rule)([q], **{**options, "lr": 77.0})
    other.load_state_dict(state)
    return q, other


@check("optim.state-dict-round-trip")
def test_a_state_dict_numbers_parameters_and_copies_options(subject):
    p, q = (torch.ones(2, device=subject.device, requires_grad=True) for _ in range(2))
    optimizer = torch.optim.SGD([{"params": [p]}, {"params": [q], "lr": 0.5}], lr=0.1, momentum=0.9)
    p.grad = torch.ones_like(p)
    optimizer.step()
    found = optimizer.state_dict()
    require(
        set(found) == {"state", "param_groups"},
        "an optimiser's state_dict has other keys",
        {"state", "param_groups"},
        set(found),
    )
    require([group["params"] for group in found["param_groups"]] == [[0], [1]], "parameters are not numbered in order")
    require([group["lr"] for group in found["param_groups"]] == [0.1, 0.5], "learning rates are not in the state_dict")
    require(set(found["state"]) == {0}, "state of a parameter without gradient", {0}, set(found["state"]))
    assert_values("the momentum buffer", found["state"][0]["momentum_buffer"], np.ones(2))
    found["param_groups"][0]["lr"] = 9.0
    require(optimizer.param_groups[0]["lr"] == 0.1, "a state_dict shares its groups with the optimiser")


@check("optim.state-dict-mismatch")
def test_a_state_of_other_groups_is_refused(subject):
    p, q = (torch.ones(2, device=subject.device, requires_grad=True) for _ in range(2))
    one, two = torch.optim.SGD([p, q], lr=0.1), torch.optim.SGD([{"params": [p]}, {"params": [q]}], lr=0.2)
    small = torch.optim.SGD([p], lr=0.3)
    for target, other in ((one, two), (two, one), (one, small), (small, one)):
        before = [group["lr"] for group in target.param_groups]
        assert_raises(
            "load_state_dict of other groups",
            ValueError,
            lambda target=target, other=other: target.load_state_dict(other.state_dict()),
        )
        require([group["lr"] for group in target.param_groups] == before, "a refused state_dict changes the optimiser")

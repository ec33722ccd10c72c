"""What every optimiser has in common: closures, maximising, rates that change, dtypes, sizes, recorded steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_array, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import GRADIENT, RECURRENCE
from conformance.oracle import optim as common
from conformance.oracle import optim_kinds as oracle
from conformance.tables.optim_nets import leaf
from properties.strategies.recipe import contiguous

pytestmark = must_answer

RULES = {**common.RULES, **oracle.RULES}
# Options in which one step goes far enough to see, and whose rule is no division by almost nothing.
OPTIONS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    "RMSprop": {"lr": 0.1, "alpha": 0.7, "eps": 0.1, "momentum": 0.5, "centered": True},
    "Adam": {"lr": 0.1, "betas": (0.7, 0.8), "eps": 0.1, "amsgrad": True, "weight_decay": 0.1},
    "AdamW": {"lr": 0.1, "betas": (0.7, 0.8), "eps": 0.1, "weight_decay": 0.3},
    "Adagrad": {"lr": 0.1, "lr_decay": 0.2, "eps": 0.1},
    "Adadelta": {"lr": 0.5, "rho": 0.7, "eps": 0.01},
    "Adamax": {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.1},
    "NAdam": {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.1},
    "RAdam": {"lr": 0.1, "betas": (0.5, 0.9), "eps": 0.1},
    "ASGD": {"lr": 0.1, "lambd": 0.1, "weight_decay": 0.1},
    "Rprop": {"lr": 0.1, "etas": (0.5, 1.5)},
}
FUSED = ("SGD", "Adam", "AdamW", "Adagrad")
# NAdam and ASGD keep their scalars in float32, whatever the parameters are: half its epsilon in roundings of float64.
COARSE, FINE = 2**31, 400
BOUNDS = {rule: RECURRENCE.over(COARSE if rule in ("NAdam", "ASGD") else FINE) for rule in RULES}


def pressed(rule, p, grads, **more):
    """The parameter after a step along each gradient; None is a step without one."""
    optimizer = getattr(torch.optim, rule)([p], **{**OPTIONS[rule], **more})
    for g in grads:
        p.grad = None if g is None else g.clone()
        optimizer.step()
    return p.detach()


def wanted_after(rule, start, grads, rates=None):
    """The same by the rule's formula. `rates`: a learning rate for each step."""
    state: dict[str, Any] = {}
    for turn, g in enumerate(grads):
        options = OPTIONS[rule] if rates is None else {**OPTIONS[rule], "lr": rates[turn]}
        start = RULES[rule](start, g, state, **options)
    return start


def drawn(seed, shape=(7,), count=4):
    """Gradients away from zero."""
    values = np.random.default_rng(seed).standard_normal((count, *shape))
    return list(np.sign(values) * (np.abs(values) + 0.1))


@check("optim.closure")
@pytest.mark.parametrize("rule", [*oracle.RULES, "SparseAdam"])
def test_every_rule_calls_its_closure_once(subject, rule):
    p, calls = leaf(subject), []
    optimizer = getattr(torch.optim, rule)([p], lr=0.1)

    def closure():
        calls.append(torch.is_grad_enabled())
        loss = (p * p).sum()
        p.grad = (2 * p).detach().to_sparse() if rule == "SparseAdam" else (2 * p).detach()
        return loss

    before = host.array(p).copy()
    with torch.no_grad():
        loss = optimizer.step(closure)
    require(calls == [True], f"{rule}.step(closure) calls it {len(calls)} times, with gradients {calls}", [True], calls)
    assert_values(f"the loss that {rule}.step(closure) returns", loss, np.array(14.0))
    require((host.array(p) != before).all(), f"{rule}.step(closure) leaves parameters as they were")
    require(optimizer.step() is None, f"{rule}.step() without a closure returns something")
    require(torch.is_grad_enabled(), f"{rule}.step() leaves gradients switched off")


@check("optim.step-updates-parameters")
@pytest.mark.parametrize("rule", oracle.RULES)
def test_every_step_is_in_place(subject, rule):
    p, idle = leaf(subject, grad=[1, 2, 3]), leaf(subject)
    view, address, grad = p.detach(), p.data_ptr(), p.grad
    optimizer = getattr(torch.optim, rule)([p, idle], lr=0.1)
    untouched = Unchanged(idle=idle, grad=grad)
    for _ in range(2):
        optimizer.step()
        untouched.check(f"{rule}.step()")
    require(p.data_ptr() == address and p.grad is grad, f"{rule}.step() replaces memory or gradient")
    require((host.array(view) == host.array(p)).all(), f"{rule}.step() does not write in place")
    require(p.requires_grad and p.is_leaf and p.grad_fn is None, f"{rule}.step() records itself in the graph")
    require(not optimizer.state.get(idle), f"{rule} makes state for what has no gradient")
    optimizer.zero_grad(set_to_none=False)
    require(p.grad is grad and not host.array(grad).any(), f"{rule}.zero_grad(set_to_none=False) does not fill")
    optimizer.zero_grad(set_to_none=True)
    require(p.grad is None, f"{rule}.zero_grad(set_to_none=True) leaves gradients")


BAD: dict[str, tuple[dict[str, Any], ...]] = {
    "NAdam": ({"betas": (1.0, 0.9)}, {"betas": (0.9, -0.1)}, {"eps": -1.0}, {"momentum_decay": -0.1}),
    "RAdam": ({"betas": (1.0, 0.9)}, {"betas": (0.9, 1.0)}, {"eps": -1.0}),
    "ASGD": (),
    "Rprop": ({"etas": (1.5, 2.0)}, {"etas": (0.5, 0.9)}, {"etas": (-0.5, 1.5)}),
    "Adamax": ({"betas": (1.0, 0.9)}, {"betas": (0.9, 1.0)}, {"eps": -1.0}),
    "Adagrad": ({"lr_decay": -0.1}, {"initial_accumulator_value": -0.1}, {"eps": -1.0}),
    "SparseAdam": ({"betas": (1.0, 0.9)}, {"betas": (0.9, 1.0)}, {"eps": -1.0}),
}


@check("optim.bad-options")
@pytest.mark.parametrize("rule", BAD)
def test_every_rule_refuses_bad_options(subject, rule):
    decay = () if rule in ("Rprop", "SparseAdam") else ({"weight_decay": -0.1},)
    for options in ({"lr": -0.1}, *decay, *BAD[rule]):
        make = getattr(torch.optim, rule)
        assert_raises(f"{rule}({options})", ValueError, lambda o=options, make=make: make([leaf(subject)], **o))


# Seen in 2.6: before, two had no such argument in 2.3, and ASGD's foreach implementation was wrong.
MAXIMISED = {"NAdam": "2.6", "RAdam": "2.6", "ASGD": "2.6"}
IMPLEMENTATIONS = [
    pytest.param(rule, more, marks=check("optim.maximize", since=since), id=f"{rule}, {more}")
    for rule in RULES
    for more, since in (
        ({"foreach": False}, MAXIMISED.get(rule, "2.2")),
        ({"foreach": True}, MAXIMISED.get(rule, "2.2")),
        ({"fused": True}, "2.6"),
    )
    if "fused" not in more or rule in FUSED
]


@pytest.mark.parametrize("rule, more", IMPLEMENTATIONS)
def test_maximising_is_minimising_the_negative(subject, rule, more):
    start, grads = np.linspace(-2, 2, 7), drawn(1)
    found = []
    for sign, maximize in ((1, True), (-1, False)):
        p = contiguous(start, "float64").on(subject).requires_grad_()
        given = [contiguous(sign * g, "float64").on(subject) for g in grads]
        found.append(pressed(rule, p, given, maximize=maximize, **more))
    text = f"{rule}(maximize=True, {more})"
    assert_values(text, found[0], host.array(found[1]), RECURRENCE.over(200), 10.0, dtype="float64")
    down = wanted_after(rule, start, [-g for g in grads])
    assert_values(text, found[0], down, BOUNDS[rule], 10.0)


@check("optim.maximize", since="2.2")
def test_sparse_adam_maximises(subject):
    found = []
    for sign, maximize in ((1, True), (-1, False)):
        p = contiguous(np.linspace(-1, 1, 6), "float64").on(subject).requires_grad_()
        optimizer = torch.optim.SparseAdam([p], lr=0.1, maximize=maximize)
        for g in drawn(2, (6,)):
            p.grad = (contiguous(sign * g, "float64").on(subject)).to_sparse()
            optimizer.step()
        found.append(host.array(p))
    assert_array("SparseAdam(maximize=True)", found[0], found[1], "float64", RECURRENCE.over(200), 10.0)


@check("optim.changed-rate", since="2.1")
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in ("ASGD", "Rprop")])
def test_a_rate_set_by_hand_counts_from_the_next_step(subject, rule):
    start, grads, rates = np.linspace(-2, 2, 7), drawn(3), [0.1, 0.02, 0.5, 0.0]
    for more in ({"foreach": False}, {"foreach": True}):
        p = contiguous(start, "float64").on(subject).requires_grad_()
        optimizer = getattr(torch.optim, rule)([p], **OPTIONS[rule], **more)
        for g, rate in zip(grads, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate
            p.grad = contiguous(g, "float64").on(subject)
            optimizer.step()
        wanted = wanted_after(rule, start, grads, rates)
        assert_values(f"{rule}({more}) with changed rates", p, wanted, BOUNDS[rule], 10.0, dtype="float64")


WAYS = [
    pytest.param(rule, more, marks=check("optim.implementations-agree", since="2.6"), id=f"{rule}, {more}")
    for rule in RULES
    for more in ({"foreach": False}, {"foreach": True}, {"fused": True})
    if "fused" not in more or rule in FUSED
]


def two_steps(subject, rule, more, dtype, shape):
    """Two steps of a parameter of some dtype and size. Each rounds a few times."""
    start, *grads = [host.array(host.tensor(v, dtype)).astype(np.float64) for v in drawn(5, shape, 3)]
    p = contiguous(start, dtype).on(subject).requires_grad_()
    pressed(rule, p, [contiguous(g, dtype).on(subject) for g in grads], **more)
    text = f"{rule}({more}) of {dtype} {shape}"
    assert_values(text, p, wanted_after(rule, start, grads), RECURRENCE.over(60), 1.0, dtype=dtype)


@pytest.mark.parametrize("rule, more", WAYS)
def test_parameters_of_many_elements(subject, rule, more):
    two_steps(subject, rule, more, "float32", (160, 250))


@pytest.mark.parametrize("rule, more", WAYS)
def test_parameters_of_narrow_dtypes(subject, rule, more):
    for dtype in filter(subject.supports, ("bfloat16", "float16")):
        for shape in ((50,), (3,)):
            two_steps(subject, rule, more, dtype, shape)


@pytest.mark.parametrize(
    "rule, foreach",
    [
        pytest.param(rule, foreach, marks=check("optim.complex", since="2.6"), id=f"{rule}, foreach={foreach}")
        for rule in RULES
        for foreach in (False, True)
    ],
)
def test_complex_parameters_are_pairs_of_real_ones(subject, rule, foreach):
    start, grads = np.linspace(-2, 2, 10).reshape(5, 2), drawn(6, (5, 2))
    p = torch.view_as_complex(contiguous(start, "float64").on(subject)).clone().requires_grad_()
    given = [torch.view_as_complex(contiguous(g, "float64").on(subject)) for g in grads]
    found = torch.view_as_real(pressed(rule, p, given, foreach=foreach))
    wanted = wanted_after(rule, start, grads)
    assert_values(f"{rule} of complex128", found, wanted, BOUNDS[rule], 10.0, dtype="float64")


@pytest.mark.parametrize(
    "rule, foreach",
    [
        pytest.param(rule, foreach, marks=check(claim, since="2.6"), id=f"{rule}, foreach={foreach}")
        for rule, claim in (("NAdam", "optim.nadam"), ("RAdam", "optim.radam"))
        for foreach in (False, True)
    ],
)
def test_decoupled_decay_is_taken_off_the_parameter(subject, rule, foreach):
    start, grads, more = np.linspace(-2, 2, 7), drawn(9), {**OPTIONS[rule], "weight_decay": 0.3}
    p = contiguous(start, "float64").on(subject).requires_grad_()
    given = [contiguous(g, "float64").on(subject) for g in grads]
    pressed(rule, p, given, weight_decay=0.3, decoupled_weight_decay=True, foreach=foreach)
    wanted, state = start, {}
    for g in grads:
        wanted = RULES[rule](wanted * (1 - more["lr"] * 0.3), g, state, **{**more, "weight_decay": 0.0})
    assert_values(f"{rule}(decoupled_weight_decay=True)", p, wanted, BOUNDS[rule], 10.0, dtype="float64")


@check("optim.tensor-rate", since="2.6")
@pytest.mark.parametrize("rule", RULES)
def test_a_rate_may_be_a_tensor(subject, rule):
    start, grads = np.linspace(-2, 2, 7), drawn(7)
    p = contiguous(start, "float64").on(subject).requires_grad_()
    rate = torch.tensor(OPTIONS[rule]["lr"], dtype=torch.float64)
    pressed(rule, p, [contiguous(g, "float64").on(subject) for g in grads], lr=rate)
    assert_values(f"{rule}(lr=tensor)", p, wanted_after(rule, start, grads), BOUNDS[rule], 10.0)
    require(float(rate) == OPTIONS[rule]["lr"], f"{rule} changes the rate that it is given")


@check("optim.differentiable", since="2.6")
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "Rprop"])
def test_a_recorded_step_has_its_derivative(subject, rule):
    start, grads = np.linspace(-2, 2, 7), drawn(8, count=1)
    origin, first = (contiguous(a, "float64").on(subject).requires_grad_() for a in (start, grads[0]))
    p, options = origin.clone(), OPTIONS[rule]
    if rule == "SGD":  # whose momentum buffer is no part of the graph
        options = {"lr": 0.1, "weight_decay": 0.1}
    optimizer = getattr(torch.optim, rule)([p], **options, differentiable=True)
    p.grad = first
    optimizer.step()
    v = np.linspace(1, 2, 7)
    (p * contiguous(v, "float64").on(subject)).sum().backward()
    for text, given, place in (("start", origin, 0), ("first gradient", first, 1)):
        h, slope = 2.0**-14, np.zeros(7)
        for k, weight in ((1, 2 / 3), (-1, -2 / 3), (2, -1 / 12), (-2, 1 / 12)):
            moved = [start, grads[0]]
            moved[place] = moved[place] + k * h
            slope += weight / h * RULES[rule](*moved, {}, **options)
        wanted, found = v * slope, host.array(given.grad)
        # Differences of fourth order cost roundings of the parameter divided by h, and h^4 of the fifth derivative; a
        # recorded step is counted in float32, and so are its corrections of bias.
        error = GRADIENT.over(COARSE if rule in ("Adam", "AdamW", "NAdam", "RAdam") else 2**22)
        assert_array(f"{rule}: the derivative by the {text}", found, wanted, "float64", error, 10.0)

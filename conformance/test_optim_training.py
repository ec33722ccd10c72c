"""Optimisers in a training loop: gradients forgotten, filled, clipped; conversions; schedulers."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import assert_array, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED, PRODUCT, RECURRENCE
from conformance.oracle import optim as oracle
from conformance.tables.optim_nets import leaf, small_net, values_of
from properties.strategies.recipe import DENSE, contiguous, layouts

pytestmark = must_answer


@check("optim.naive-sgd-loop")
def test_a_step_by_hand_is_a_step_of_sgd(subject):
    for recipe in layouts(np.linspace(-3, 3, 24).reshape(2, 3, 4), "float64", DENSE):
        by_hand, by_sgd = recipe.on(subject).requires_grad_(), recipe.on(subject).requires_grad_()
        for p in (by_hand, by_sgd):
            (p**3).sum().backward()
        by_hand.data.sub_(by_hand.grad.data * 0.01)
        torch.optim.SGD([by_sgd], lr=0.01).step()
        wanted = recipe.array - 0.01 * 3 * recipe.array**2
        for call, p in (("a step by hand", by_hand), ("a step of SGD", by_sgd)):
            assert_values(f"{call}, strides {recipe.strides}", p, wanted, RECURRENCE.over(20), 10.0)
    assert_raises("a step by hand without a gradient", AttributeError, lambda: leaf(subject).grad.data)


def with_grads(subject):
    net = small_net(subject)
    net(torch.ones(3, 4, device=subject.device)).sum().backward()
    return net, [p.grad for p in net.parameters()]


@check("optim.zero-grad-zeroes")
@pytest.mark.parametrize("rule", oracle.RULES)
def test_zero_grad_forgets_or_fills(subject, rule):
    for owner in (lambda net: getattr(torch.optim, rule)(net.parameters(), lr=0.1), lambda net: net):
        net, grads = with_grads(subject)
        for g in grads:
            require((host.array(g) != 0).any(), "a gradient of the example is zero")
        owner(net).zero_grad()
        require([p.grad for p in net.parameters()] == [None] * 4, "zero_grad() leaves gradients")
        net, grads = with_grads(subject)
        owner(net).zero_grad(set_to_none=False)
        for p, g in zip(net.parameters(), grads, strict=True):
            require(p.grad is g, "zero_grad(set_to_none=False) replaces the gradient")
            require(
                (host.array(g) == 0).all(), "zero_grad(set_to_none=False) leaves other values than 0", 0, host.array(g)
            )
            require(not g.requires_grad and g.grad_fn is None, "a zeroed gradient is part of a graph")
        for _ in range(2):
            owner(net).zero_grad()
            require([p.grad for p in net.parameters()] == [None] * 4, "a repeated zero_grad() leaves gradients")
            net(torch.ones(3, 4, device=subject.device)).sum().backward()


@check("optim.zero-grad-fills-zeros")
def test_zero_grad_filled_with_zeros(subject):
    for owner in (lambda net: torch.optim.SGD(net.parameters(), lr=0.1), lambda net: net):
        net, grads = with_grads(subject)
        owner(net).zero_grad()
        require(all((host.array(g) == 0).all() for g in grads), "zero_grad() leaves other values than 0")
        owner(net).zero_grad(set_to_none=True)
        require([p.grad for p in net.parameters()] == [None] * 4, "zero_grad(set_to_none=True) leaves gradients")


@check("optim.zero-grad-same-as-net")
def test_zero_grad_clears_what_the_optimiser_holds(subject):
    def empty(p):
        return p.grad is None or not host.array(p.grad).any()

    net, _ = with_grads(subject)
    torch.optim.SGD([{"params": net[0].parameters()}, {"params": net[2].parameters()}], lr=0.1).zero_grad()
    require(all(map(empty, net.parameters())), "zero_grad() misses a group")
    net, _ = with_grads(subject)
    torch.optim.SGD(net[2].parameters(), lr=0.1).zero_grad()
    require(all(map(empty, net[2].parameters())), "zero_grad() misses its own parameters")
    require(not any(map(empty, net[0].parameters())), "zero_grad() clears parameters that it does not hold")
    net.zero_grad()
    require(all(map(empty, net.parameters())), "net.zero_grad() misses parameters")


@check("optim.zero-grad-before-backward")
def test_zero_grad_after_backward_undoes_it(subject):
    for rule in ("SGD", "Adam"):
        net, _ = with_grads(subject)
        optimizer = getattr(torch.optim, rule)(net.parameters(), lr=0.1)
        before = values_of(net)
        optimizer.zero_grad()
        optimizer.step()
        same = all((values_of(net)[name] == value).all() for name, value in before.items())
        require(same, f"{rule} steps with gradients that zero_grad() removed")
        for _ in range(2):
            optimizer.zero_grad()
            net(torch.ones(3, 4, device=subject.device)).sum().backward()
        fresh = small_net(subject)
        fresh.load_state_dict(net.state_dict())
        fresh(torch.ones(3, 4, device=subject.device)).sum().backward()
        for p, q in zip(net.parameters(), fresh.parameters(), strict=True):
            assert_values("the gradient after zero_grad and backward", p.grad, host.array(q.grad), COMPOSED)


@check("optim.grad-printed-before-backward")
def test_backward_fills_the_gradients(subject):
    net = nn.Conv2d(1, 6, 5).to(subject.device)
    net.zero_grad()
    require(net.bias.grad is None, "a fresh parameter has a gradient", None, net.bias.grad)
    net(torch.ones(1, 1, 8, 8, device=subject.device)).sum().backward()
    assert_values("the gradient of the bias", net.bias.grad, np.full(6, 16.0))
    net.zero_grad(set_to_none=False)
    assert_values("the gradient after zero_grad", net.bias.grad, np.zeros(6))


@check("optim.second-loss-backward")
def test_a_second_backward_needs_the_graph(subject):
    net = small_net(subject)
    target = torch.zeros(3, 2, device=subject.device)
    loss = F.mse_loss(net(torch.ones(3, 4, device=subject.device)), target)
    loss.backward()
    first = [host.array(p.grad) for p in net.parameters()]
    assert_raises("a second backward", RuntimeError, lambda: loss.backward())
    net.zero_grad()
    loss = F.mse_loss(net(torch.ones(3, 4, device=subject.device)), target)
    loss.backward(retain_graph=True)
    loss.backward()
    for p, g in zip(net.parameters(), first, strict=True):
        assert_values("the gradient of two backwards", p.grad, 2 * g.astype(np.float64), COMPOSED)


@check("optim.out-backward-on-vector")
def test_backward_of_a_vector_needs_a_gradient(subject):
    net = nn.Linear(3, 10).to(subject.device)
    out = net(torch.ones(1, 3, device=subject.device))
    assert_raises("backward() of a (1, 10) output", RuntimeError, lambda: out.backward())
    require(net.weight.grad is None, "a refused backward leaves gradients")
    v = torch.arange(10.0, device=subject.device).reshape(1, 10)
    out.backward(v)
    assert_values("the gradient of the bias", net.bias.grad, np.arange(10.0))


@check("optim.training-loop")
@pytest.mark.parametrize("rule", ["SGD", "RMSprop", "Adam", "AdamW"])
def test_training_lowers_the_loss(subject, rule):
    net = small_net(subject, seed=3).double()
    x = contiguous(np.random.default_rng(0).standard_normal((20, 4)), "float64").on(subject)
    target = contiguous(np.random.default_rng(1).standard_normal((20, 2)), "float64").on(subject)
    optimizer, losses = getattr(torch.optim, rule)(net.parameters(), lr=0.01), []
    for _ in range(25):
        optimizer.zero_grad()
        loss = nn.MSELoss()(net(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    require(
        losses[-1] < losses[0] * 0.97, f"{rule} does not lower the loss", f"below {losses[0]:.4f}", f"{losses[-1]:.4f}"
    )
    require(all(map(math.isfinite, losses)), f"{rule} gives a loss that is not finite")


@check("optim.cuda-makes-new-parameter-objects")
def test_a_conversion_keeps_the_parameter_objects(subject):
    conversions = {
        "double()": lambda net: net.double(),
        "half()": lambda net: net.half(),
        "to(float64)": lambda net: net.to(torch.float64),
        "to(device)": lambda net: net.to(subject.device),
        "cpu()": lambda net: net.cpu(),
    }
    for call, convert in conversions.items():
        net = small_net(subject)
        before = list(net.parameters())
        require(convert(net) is net, f"{call} returns another module")
        require(
            all(p is q for p, q in zip(before, net.parameters(), strict=True)), f"{call} makes new Parameter objects"
        )


@check("optim.cuda-before-optimizer")
def test_an_optimiser_survives_a_conversion(subject):
    for rule in ("SGD", "Adam", "RMSprop"):
        net = small_net(subject)
        optimizer = getattr(torch.optim, rule)(net.parameters(), lr=0.1)
        net.double()
        before = values_of(net)
        net(torch.ones(3, 4, device=subject.device, dtype=torch.float64)).sum().backward()
        optimizer.step()
        for name, value in values_of(net).items():
            require((value != before[name]).any(), f"{rule} built before double() does not update {name}")
    net = small_net(subject)
    kept = list(net.parameters())
    net.to("meta")
    require(
        all(p is not q for p, q in zip(kept, net.parameters(), strict=True)), "to('meta') keeps the Parameter objects"
    )


@check("optim.consistent-locations")
def test_state_on_another_device_is_refused(subject):
    if subject.is_cpu:
        net = small_net(subject)
        optimizer = torch.optim.Adagrad(net.parameters(), lr=0.1)
        places = {state["sum"].device.type for state in optimizer.state.values()}
        require(places == {"cpu"} and len(optimizer.state) == 4, "Adagrad makes no state at construction")
        return
    net = small_net(subject).cpu()
    optimizer = torch.optim.Adagrad(net.parameters(), lr=0.1)
    net.to(subject.device)
    net(torch.ones(3, 4, device=subject.device)).sum().backward()
    assert_raises("a step with state on the CPU", RuntimeError, lambda: optimizer.step())


@check("optim.clip-grad-norm")
@pytest.mark.parametrize("p", [2.0, 1.0, float("inf"), 3.0])
def test_clip_grad_norm_scales_all_gradients(subject, p):
    grads = [np.linspace(-3, 4, 35).reshape(5, 7), np.array(2.5), np.linspace(1, 2, 17)]
    for most in (0.5, 5.0, 1000.0):
        for recipe in layouts(grads[0], "float64", DENSE):
            params = [
                torch.zeros(g.shape, dtype=torch.float64, device=subject.device, requires_grad=True) for g in grads
            ]
            params[0].grad = recipe.on(subject)
            for q, g in zip(params[1:], grads[1:], strict=True):
                q.grad = contiguous(g, "float64").on(subject)
            idle = leaf(subject)
            norm, wanted = oracle.clipped_norm(grads, most, p)
            found = nn.utils.clip_grad_norm_([*params, idle], most, norm_type=p)
            assert_values(f"clip_grad_norm_(…, {most}, {p})", found, np.array(norm), RECURRENCE.over(200), norm)
            for q, g in zip(params, wanted, strict=True):
                assert_values(f"a gradient after clip_grad_norm_(…, {most}, {p})", q.grad, g, RECURRENCE.over(200), 4.0)
            require(idle.grad is None, "clip_grad_norm_ makes a gradient")
    q = leaf(subject, grad=[3, 4, 0])
    assert_values("clip_grad_norm_ of one tensor", nn.utils.clip_grad_norm_(q, 1.0), np.array(5.0), COMPOSED)


@check("optim.clip-grad-value")
def test_clip_grad_value_clamps_each_gradient(subject):
    for values in (
        np.linspace(-3, 4, 35).reshape(5, 7),
        np.array(2.5),
        np.linspace(1, 2, 17),
        np.array([np.inf, -np.inf, 0.5]),
    ):
        for recipe in layouts(values, "float64", DENSE):
            p = torch.zeros(values.shape, dtype=torch.float64, device=subject.device, requires_grad=True)
            p.grad = grad = recipe.on(subject)
            nn.utils.clip_grad_value_([p, leaf(subject)], 1.25)
            require(p.grad is grad, "clip_grad_value_ replaces the gradient")
            assert_values("a gradient after clip_grad_value_", grad, np.clip(values, -1.25, 1.25))


@check("optim.scheduler-step-first")
def test_a_scheduler_stepped_first_warns_and_skips(subject):
    def rates(scheduler_first):
        p = leaf(subject, grad=[1, 1, 1])
        optimizer = torch.optim.SGD([p], lr=1.0)
        scheduler, found = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1), []
        for _ in range(15):
            if scheduler_first:
                scheduler.step()
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if not scheduler_first:
                scheduler.step()
        return found

    for first in (True, False):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = rates(first)
        warned = any("lr_scheduler.step" in str(warning.message) for warning in caught)
        require(warned == first, f"the scheduler {'first' if first else 'last'}: warned is {warned}", first, warned)
        wanted = np.array(oracle.step_lr(1.0, 16, 7, 0.1)[1 if first else 0 :][:15])
        assert_array("the learning rates", np.array(found), wanted, "float64", PRODUCT.over(16))  # a factor an epoch

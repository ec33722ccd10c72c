"""Parameter groups, gradients, closures, and the training step of the notes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import FEW_ULPS, RECURRENCE
from conformance.oracle import optim as oracle
from conformance.tables.optim_nets import leaf, small_net, values_of
from properties.strategies.recipe import contiguous

pytestmark = must_answer


@check("optim.sgd-construct")
def test_an_optimiser_refers_to_the_parameters_it_is_given(subject):
    net = small_net(subject)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    require(
        [id(p) for p in optimizer.param_groups[0]["params"]] == [id(p) for p in net.parameters()],
        "an optimiser copies its parameters",
    )
    require(
        optimizer.param_groups[0]["lr"] == 0.01,
        "an optimiser keeps another learning rate",
        0.01,
        optimizer.param_groups[0]["lr"],
    )
    require(optimizer.param_groups[0]["momentum"] == 0, "the default momentum is not 0")
    require(optimizer.param_groups[0]["weight_decay"] == 0, "the default weight decay is not 0")
    p = leaf(subject, grad=[1, 1, 1])
    one = torch.optim.SGD(iter([p]), lr=0.01)
    one.step()
    assert_values("p after a step of 0.01", p, np.array([1, -2, 3]) - 0.01, FEW_ULPS)


@check("optim.sgd-lr-optional")
def test_sgd_has_a_default_learning_rate(subject):
    p = leaf(subject, grad=[1, 2, 3])
    torch.optim.SGD([p]).step()
    assert_values("p after a step of the default rate", p, np.array([1, -2, 3]) - 1e-3 * np.array([1, 2, 3]), FEW_ULPS)


@check("optim.sgd-lr-required")
def test_sgd_needs_a_learning_rate(subject):
    assert_raises("SGD(params)", (ValueError, TypeError), lambda: torch.optim.SGD([leaf(subject)]))


@check("optim.package-implements-rules")
def test_the_rules_are_there(subject):
    for name in ("SGD", "Adam", "RMSprop", "AdamW", "Adagrad", "Adadelta", "Adamax"):
        require(issubclass(getattr(torch.optim, name), torch.optim.Optimizer), f"torch.optim.{name} is no Optimizer")
    require(not hasattr(torch.optim, "RMSProp"), "the name is RMSprop")
    p = leaf(subject)
    for options in ({"nesterov": True}, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}):
        assert_raises(f"SGD({options})", ValueError, lambda options=options: torch.optim.SGD([p], lr=0.1, **options))


@check("optim.bad-options")
@pytest.mark.parametrize("rule", ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax"])
def test_bad_options_are_refused(subject, rule):
    bad = [{"lr": -0.1}, {"lr": 0.1, "weight_decay": -0.1}]
    bad += [{"lr": 0.1, "momentum": -0.5}] if rule in ("SGD", "RMSprop") else []
    bad += [{"lr": 0.1, "eps": -1e-8}] if rule != "SGD" else []
    if rule.startswith("Adam"):
        bad += [{"betas": betas} for betas in ((1.0, 0.9), (0.9, 1.0), (-0.1, 0.9), (0.9, -0.1))]
    bad += [{"alpha": -0.1}] if rule == "RMSprop" else []
    bad += [{"rho": 1.5}, {"rho": -0.1}] if rule == "Adadelta" else []
    for options in bad:
        p = leaf(subject)
        assert_raises(
            f"{rule}({options})", ValueError, lambda p=p, options=options: getattr(torch.optim, rule)([p], **options)
        )


@check("optim.step-updates-parameters")
@pytest.mark.parametrize("rule", oracle.RULES)
def test_a_step_changes_parameters_in_place(subject, rule):
    p, idle, fixed = leaf(subject, grad=[1, 2, 3]), leaf(subject), leaf(subject, grad=[1, 1, 1])
    view, address = p.detach(), p.data_ptr()
    # An empty state for what has no gradient: decay alone must not move it.
    optimizer = getattr(torch.optim, rule)([p, idle], lr=0.1, weight_decay=0.5)
    untouched = Unchanged(idle=idle, fixed=fixed)
    for _ in range(2):
        optimizer.step()
    untouched.check(f"{rule}.step()")
    require(p.data_ptr() == address, f"{rule}.step() moves a parameter to other memory")
    require((host.array(view) == host.array(p)).all(), f"{rule}.step() does not write in place")
    require((host.array(p) != [1, -2, 3]).all(), f"{rule}.step() leaves a parameter as it was")
    require(p.requires_grad and p.is_leaf and p.grad_fn is None, f"{rule}.step() records itself in the graph")
    require(
        idle not in optimizer.state or not optimizer.state[idle] or rule == "Adagrad",
        f"{rule} makes state for what has no gradient",
    )


@check("optim.step-leaves-gradients")
@pytest.mark.parametrize("rule", oracle.RULES)
def test_a_step_leaves_the_gradient_alone(subject, rule):
    for options in ({}, {"weight_decay": 0.3}, *([{"momentum": 0.9}] if rule in ("SGD", "RMSprop") else [])):
        p = leaf(subject, grad=[1, 2, 3])
        grad = p.grad
        before = Unchanged(grad=grad)
        optimizer = getattr(torch.optim, rule)([p], lr=0.1, **options)
        for _ in range(3):
            optimizer.step()
            before.check(f"{rule}({options}).step()")
        require(p.grad is grad, f"{rule}.step() replaces the gradient")
        wanted = oracle.trajectory(rule, np.array([1.0, -2, 3]), [np.array([1.0, 2, 3])] * 3, lr=0.1, **options)[-1]
        assert_values(f"three steps of {rule}({options}) with one gradient", p, wanted, RECURRENCE.over(200), 10.0)


@check("optim.closure")
@pytest.mark.parametrize("rule", oracle.RULES)
def test_a_closure_is_called_once_with_gradients(subject, rule):
    p, calls = leaf(subject), []
    optimizer = getattr(torch.optim, rule)([p], lr=0.1)

    def closure():
        calls.append(torch.is_grad_enabled())
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        loss = optimizer.step(closure)
    require(calls == [True], f"{rule}.step(closure) calls it {len(calls)} times, with gradients {calls}", [True], calls)
    assert_values(f"the loss that {rule}.step(closure) returns", loss, np.array(14.0))
    wanted = oracle.trajectory(rule, np.array([1.0, -2, 3]), [np.array([2.0, -4, 6])], lr=0.1)[-1]
    assert_values(f"{rule}.step(closure)", p, wanted, RECURRENCE.over(100), 10.0)
    require(optimizer.step() is None, f"{rule}.step() without a closure returns something")
    require(torch.is_grad_enabled(), f"{rule}.step() leaves gradients switched off")


@check("optim.param-groups")
@pytest.mark.parametrize("rule", oracle.RULES)
def test_groups_have_options_of_their_own(subject, rule):
    a, b, c = leaf(subject), leaf(subject), leaf(subject)
    groups = [{"params": [a]}, {"params": [b, c], "lr": 1e-2, "weight_decay": 0.4}]
    optimizer = getattr(torch.optim, rule)(groups, lr=1e-1)
    require([group["lr"] for group in optimizer.param_groups] == [1e-1, 1e-2], "groups lose their learning rates")
    grads = [np.array([1.0, 2, 3]), np.array([-3.0, 0.5, 1])]
    for g in grads:
        for p in (a, b, c):
            p.grad = contiguous(g, "float64").on(subject)
        optimizer.step()
    for p, options in (
        (a, {"lr": 1e-1}),
        (b, {"lr": 1e-2, "weight_decay": 0.4}),
        (c, {"lr": 1e-2, "weight_decay": 0.4}),
    ):
        wanted = oracle.trajectory(rule, np.array([1.0, -2, 3]), grads, **options)[-1]
        assert_values(f"{rule} of the group {options}", p, wanted, RECURRENCE.over(150), 10.0)


@check("optim.param-group-default-lr")
def test_a_group_falls_back_on_the_outer_options(subject):
    a, b = leaf(subject, grad=[1, 1, 1]), leaf(subject, grad=[1, 1, 1])
    optimizer = torch.optim.SGD([{"params": [a]}, {"params": [b], "lr": 1e-2}], lr=1e-5, momentum=0.9)
    require(
        [g["lr"] for g in optimizer.param_groups] == [1e-5, 1e-2],
        "a group without lr does not get the outer one",
        [1e-5, 1e-2],
        [g["lr"] for g in optimizer.param_groups],
    )
    require([g["momentum"] for g in optimizer.param_groups] == [0.9, 0.9], "a group does not get the outer momentum")
    require(optimizer.defaults["lr"] == 1e-5, "defaults do not hold the outer lr", 1e-5, optimizer.defaults["lr"])
    optimizer.step()
    for p, lr in ((a, 1e-5), (b, 1e-2)):
        assert_values(f"the group with lr {lr}", p, np.array([1, -2, 3]) - lr, FEW_ULPS)


@check("optim.param-group-duplicates")
def test_a_parameter_in_two_groups_is_refused(subject):
    p = leaf(subject)
    assert_raises(
        "a parameter in two groups", ValueError, lambda: torch.optim.SGD([{"params": [p]}, {"params": [p]}], lr=0.1)
    )
    optimizer = torch.optim.SGD([p], lr=0.1)
    assert_raises("a parameter added again", ValueError, lambda: optimizer.add_param_group({"params": [p]}))
    require(len(optimizer.param_groups) == 1, "a refused group is added all the same")


@check("optim.add-param-group")
def test_an_added_group_is_optimised(subject):
    a, b = leaf(subject, grad=[1, 1, 1]), leaf(subject, grad=[1, 1, 1])
    optimizer = torch.optim.SGD([a], lr=0.1)
    optimizer.step()
    optimizer.add_param_group({"params": b})
    require(optimizer.param_groups[1]["lr"] == 0.1, "an added group does not get the default lr")
    optimizer.step()
    assert_values("the first group", a, np.array([1, -2, 3]) - 0.1 - 0.1, RECURRENCE.over(8), 4.0)
    assert_values("the added group", b, np.array([1, -2, 3]) - 0.1, FEW_ULPS)
    assert_raises(
        "a group that is no dict", (TypeError, AssertionError), lambda: optimizer.add_param_group([leaf(subject)])
    )


@check("optim.param-group-net-has-no-features")
def test_a_net_without_features_cannot_be_split(subject):
    net = small_net(subject)
    assert_raises("net.features", AttributeError, lambda: net.features.parameters())
    net.features = nn.Linear(2, 2)
    require(len(list(net.features.parameters())) == 2, "an attribute that was set is not found")


@check("optim.parameters-as-argument")
def test_an_optimiser_takes_generators_and_leaves_only(subject):
    net = small_net(subject)
    optimizer = torch.optim.SGD((p for p in net.parameters()), lr=0.1)
    require(
        len(optimizer.param_groups[0]["params"]) == 4,
        "a generator is not read",
        4,
        len(optimizer.param_groups[0]["params"]),
    )
    spent = net.parameters()
    list(spent)
    assert_raises("a spent generator", ValueError, lambda: torch.optim.SGD(spent, lr=0.1))
    assert_raises("no parameters", ValueError, lambda: torch.optim.SGD([], lr=0.1))
    assert_raises("a tensor that is no leaf", ValueError, lambda: torch.optim.SGD([leaf(subject) * 2], lr=0.1))
    assert_raises("a tensor instead of a list", TypeError, lambda: torch.optim.SGD(leaf(subject), lr=0.1))
    assert_raises("a number among the parameters", TypeError, lambda: torch.optim.SGD([1.0], lr=0.1))


@check("optim.all-parameters-optimised")
def test_all_parameters_change(subject):
    net = small_net(subject)
    before = values_of(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.ones(3, 4, device=subject.device)).sum().backward()
    grads = {name: host.array(p.grad) for name, p in net.named_parameters()}
    optimizer.step()
    for name, p in net.named_parameters():
        assert_values(
            f"{name} after a step",
            p,
            before[name].astype(np.float64) - 0.1 * grads[name].astype(np.float64),
            RECURRENCE.over(8),
            4.0,
        )
        require((host.array(p) != before[name]).any(), f"{name} does not change")


@check("optim.only-final-layer-optimised")
def test_only_the_parameters_given_change(subject):
    net = small_net(subject)
    optimizer = torch.optim.SGD(net[2].parameters(), lr=0.1, momentum=0.9)
    require(sum(len(group["params"]) for group in optimizer.param_groups) == 2, "a linear layer has two parameters")
    untouched = Unchanged(weight=net[0].weight, bias=net[0].bias)
    before = values_of(net)
    for _ in range(2):
        optimizer.zero_grad()
        net(torch.ones(3, 4, device=subject.device)).pow(2).sum().backward()
        optimizer.step()
    untouched.check("a step of the last layer")
    for name in ("2.weight", "2.bias"):
        require((values_of(net)[name] != before[name]).any(), f"{name} does not change")

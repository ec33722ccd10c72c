"""Hooks of optimisers, what a state_dict carries over, parameter groups by their forms, options of LBFGS."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import RECURRENCE
from conformance.tables.optim_nets import leaf

pytestmark = must_answer


@check("optim.step-hooks", since="2.0")
@pytest.mark.parametrize("rule", ["SGD", "Adam", "LBFGS", "Adagrad", "SparseAdam", "Rprop"])
def test_hooks_run_around_a_step(subject, rule):
    p, seen = leaf(subject), []
    optimizer = getattr(torch.optim, rule)([p], lr=0.1)

    def closure():
        p.grad = torch.ones_like(p).to_sparse() if rule == "SparseAdam" else torch.ones_like(p)
        return p.detach().sum()

    def note(name):
        return lambda opt, args, kwargs: seen.append((name, opt is optimizer, float(p[0])))

    handles = [optimizer.register_step_pre_hook(note("before")), optimizer.register_step_post_hook(note("after"))]
    optimizer.step(closure)
    after = float(p[0])
    require(
        seen == [("before", True, 1.0), ("after", True, after)], f"the hooks of {rule}.step()", "before, after", seen
    )
    require(after != 1.0, f"{rule}.step() between its hooks does nothing")
    for handle in handles:
        handle.remove()
    optimizer.step(closure)
    require(len(seen) == 2, f"a removed hook of {rule} runs", 2, len(seen))


@check("optim.step-hooks", since="2.0")
def test_a_hook_before_a_step_may_change_its_arguments(subject):
    p, calls = leaf(subject, grad=[1, 1, 1]), []
    optimizer = torch.optim.SGD([p], lr=0.1)

    def closure():
        calls.append("closure")
        return torch.tensor(3.0)

    handle = optimizer.register_step_pre_hook(lambda opt, args, kwargs: ((*args[:1], closure), {}))
    found = optimizer.step()
    require(
        calls == ["closure"] and float(found) == 3.0, "a hook's arguments do not reach the step", ["closure"], calls
    )
    handle.remove()
    order = []
    for name in "abc":
        optimizer.register_step_pre_hook(lambda opt, args, kwargs, name=name: order.append(name))
    optimizer.step()
    require(order == ["a", "b", "c"], "hooks run in another order than they were registered", "abc", order)
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: 1)
    assert_raises("a hook that returns a number", RuntimeError, optimizer.step)


@check("optim.step-hooks", since="2.0")
def test_hooks_of_all_optimisers(subject):
    from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

    one, two, seen = torch.optim.SGD([leaf(subject)], lr=0.1), torch.optim.Adam([leaf(subject)], lr=0.1), []
    handles = [
        register_optimizer_step_pre_hook(lambda opt, args, kwargs: seen.append(("before", opt))),
        register_optimizer_step_post_hook(lambda opt, args, kwargs: seen.append(("after", opt))),
    ]
    try:
        one.step()
        two.step()
    finally:
        for handle in handles:
            handle.remove()
    one.step()
    wanted = [("before", one), ("after", one), ("before", two), ("after", two)]
    require(seen == wanted, "hooks of all optimisers", [(n, type(o).__name__) for n, o in wanted], seen)


@check("optim.state-dict-hooks", since="2.2")
def test_hooks_around_a_state_dict(subject):
    p, seen = leaf(subject, grad=[1, 1, 1]), []
    optimizer = torch.optim.SGD([p], lr=0.1, momentum=0.9)
    optimizer.step()
    handles = [
        optimizer.register_state_dict_pre_hook(lambda opt: seen.append("second")),
        optimizer.register_state_dict_pre_hook(lambda opt: seen.append("first"), prepend=True),
        optimizer.register_state_dict_post_hook(lambda opt, found: {**found, "more": 1}),
        optimizer.register_state_dict_post_hook(lambda opt, found: seen.append(sorted(found))),
        optimizer.register_state_dict_post_hook(lambda opt, found: seen.append("early"), prepend=True),
    ]
    found = optimizer.state_dict()
    wanted = ["first", "second", "early", ["more", "param_groups", "state"]]
    require(seen == wanted and found["more"] == 1, "the hooks of state_dict", wanted, seen)
    for handle in handles:
        handle.remove()
    require("more" not in optimizer.state_dict(), "a removed hook of state_dict runs")


def faster(opt, given):
    """A hook that loads another learning rate."""
    given = copy.deepcopy(given)
    given["param_groups"][0]["lr"] = 0.7
    return given


@check("optim.state-dict-hooks", since="2.2")
def test_hooks_around_the_loading_of_a_state(subject):
    optimizer = torch.optim.SGD([leaf(subject)], lr=0.1, momentum=0.9)
    other, rates = torch.optim.SGD([leaf(subject)], lr=0.1, momentum=0.9), []
    handles = [
        other.register_load_state_dict_pre_hook(faster),
        other.register_load_state_dict_pre_hook(
            lambda _, found: rates.append(found["param_groups"][0]["lr"]), prepend=True
        ),
        other.register_load_state_dict_post_hook(lambda opt: rates.append(opt.param_groups[0]["lr"])),
        other.register_load_state_dict_post_hook(lambda opt: rates.append("early"), prepend=True),
    ]
    given = optimizer.state_dict()
    other.load_state_dict(given)
    require(rates == [0.1, "early", 0.7], "the hooks of load_state_dict", [0.1, "early", 0.7], rates)
    require(given["param_groups"][0]["lr"] == 0.1, "load_state_dict changes what it is given")
    for handle in handles:
        handle.remove()
    other.load_state_dict(given)
    require(other.param_groups[0]["lr"] == 0.1 and len(rates) == 3, "a removed hook of load_state_dict runs")


RULES = {"SGD": {"momentum": 0.9}, "Adam": {"amsgrad": True}, "AdamW": {}, 
         "RMSprop": {"momentum": 0.5, "centered": True},
         "Adagrad": {}, "Adadelta": {}, "Adamax": {}, "NAdam": {}, "RAdam": {}, "ASGD": {}, "Rprop": {}}  # fmt: skip


@check("optim.state-dict-round-trip", since="2.6")
@pytest.mark.parametrize("rule", RULES)
def test_a_loaded_state_is_cast_to_its_parameter(subject, rule):
    p = leaf(subject, grad=[1, 2, 3])
    optimizer = getattr(torch.optim, rule)([p], lr=0.1, **RULES[rule])
    optimizer.step()
    given = optimizer.state_dict()
    given["param_groups"][0]["note"] = "kept"
    kept = copy.deepcopy(given)
    q = p.detach().float().requires_grad_()
    other = getattr(torch.optim, rule)([q], lr=0.5, **RULES[rule])
    other.load_state_dict(given)
    require(str(given) == str(kept), f"{rule}.load_state_dict changes what it is given", kept, given)
    require(other.param_groups[0]["note"] == "kept", f"{rule}.load_state_dict drops an option of a group")
    require(other.param_groups[0]["lr"] == 0.1 and other.param_groups[0]["params"][0] is q, "the loaded group")
    for key, value in optimizer.state[p].items():
        found = other.state[q][key]
        if isinstance(value, torch.Tensor):
            dtype = host.dtype_name(value.dtype) if key == "step" else "float32"
            wanted = host.array(value).astype(np.float64)
            text = f"the loaded {key} of {rule}"
            assert_values(text, found, wanted, RECURRENCE.over(1), 1 + np.abs(wanted), dtype=dtype)
        else:
            require(found == value, f"the loaded {key} of {rule}", value, found)


@check("optim.parameter-forms")
def test_forms_of_parameter_groups(subject):
    p, q = leaf(subject), leaf(subject)
    for call, make in {
        "a set of parameters": lambda: torch.optim.SGD([{"params": {p, q}}], lr=0.1),
        "a string": lambda: torch.optim.SGD("weights", lr=0.1),
        "a dict of parameters": lambda: torch.optim.SGD({"params": [p]}, lr=0.1),
        "a group with a number": lambda: torch.optim.SGD([{"params": [1.0]}], lr=0.1),
    }.items():
        assert_raises(call, TypeError, make)
    assert_raises("a group that is no leaf", ValueError, lambda: torch.optim.SGD([{"params": p * 2}], lr=0.1))
    assert_raises("a group without parameters", KeyError, lambda: torch.optim.SGD([{"lr": 0.1}], lr=0.1))
    group = {"params": iter([p])}
    optimizer = torch.optim.SGD([group], lr=0.1, momentum=0.5)
    require(optimizer.param_groups[0]["params"][0] is p and optimizer.param_groups[0]["momentum"] == 0.5, "a group")
    require(
        {"lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize"} <= set(optimizer.defaults), "defaults"
    )
    text = repr(optimizer)
    require(
        text.startswith("SGD (") and "Parameter Group 0" in text and "momentum: 0.5" in text, "the repr", "SGD (", text
    )
    optimizer.add_param_group({"params": q, "lr": 0.7, "note": "mine"})
    require(optimizer.param_groups[1]["note"] == "mine" and optimizer.param_groups[1]["lr"] == 0.7, "an added group")
    require("Parameter Group 1" in repr(optimizer) and "lr: 0.7" in repr(optimizer), "the repr of two groups")


@check("optim.parameter-forms", since="2.6")
def test_named_parameters_keep_their_names(subject):
    net = nn.Linear(3, 2).to(subject.device)
    optimizer = torch.optim.SGD(net.named_parameters(), lr=0.1)
    require(
        optimizer.param_groups[0]["param_names"] == ["weight", "bias"], "the names of parameters", ["weight", "bias"]
    )
    require(optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"], "names in the state_dict")
    net(torch.ones(1, 3, device=subject.device)).sum().backward()
    before = host.array(net.bias).copy()
    optimizer.step()
    assert_values("a named parameter after a step", net.bias, before.astype(np.float64) - 0.1, RECURRENCE.over(8), 1.0)
    assert_raises("names for some", ValueError, lambda: torch.optim.SGD([("a", leaf(subject)), leaf(subject)], lr=0.1))

"""The state of an optimiser, by example: what loading takes over, converts and leaves alone."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import ROUNDED
from conformance.subject import Subject
from conformance.tables.module_tree import assert_same
from conformance.tables.serialization_samples import assert_tensors
from properties.strategies.values import distinct, rounded

pytestmark = must_answer

SHAPES = ((), (3,), (40, 30), (2, 3))
RULES: dict[str, dict[str, Any]] = {
    "SGD": {"momentum": 0.75},
    "Adam": {"amsgrad": True},
    "AdamW": {},
    "RMSprop": {"momentum": 0.5, "centered": True},
    "Adagrad": {},
    "Adadelta": {},
    "Adamax": {},
}


def made(subject: Subject, rule: str, dtype: str = "float32", factor: float = 1.0) -> tuple[list[Any], Any]:
    """Parameters of several sizes in two groups, and an optimiser of them; the last parameter has no gradient."""
    values = [np.resize(distinct("float32", shape), shape) / 8 for shape in SHAPES]
    params = [host.tensor(v, dtype, subject.device).requires_grad_() for v in values]
    groups = [{"params": params[:2]}, {"params": params[2:], "lr": 0.5 * factor, "weight_decay": 0.25 * factor}]
    return params, getattr(torch.optim, rule)(groups, **{"lr": 0.125 * factor, **RULES[rule]})


def stepped(params: list[Any], optimizer: Any, turns: int = 2) -> None:
    for turn in range(turns):
        for param in params[:-1]:
            param.grad = torch.full_like(param, 0.5 + turn)
        optimizer.step()


def options(optimizer: Any) -> list[dict[str, Any]]:
    return [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]


@pytest.mark.parametrize("rule", [pytest.param(name, marks=check("state_dict.optimizer-load")) for name in RULES])
def test_loading_takes_every_option_and_state(subject, rule):
    params, one = made(subject, rule)
    stepped(params, one)
    one.param_groups[1]["of one's own"] = "kept"
    state = copy.deepcopy(one.state_dict())
    before = copy.deepcopy(state)
    others, two = made(subject, rule, factor=2.0)
    stepped(others, two, turns=1)
    values = [host.array(param.detach()) for param in others]
    for turn in (1, 2):
        two.load_state_dict(state)
        assert_same(f"options after load {turn}", options(two), options(one))
        held = [param for group in two.param_groups for param in group["params"]]
        require(all(map(lambda a, b: a is b, held, others)), "the parameters are others, or in another order")
        assert_tensors("the dict after loading", state, before)
        _assert_states(params, one, others, two)
        for param, due in zip(others, values, strict=True):
            assert_values("a parameter after loading", param.detach(), due)
    two.param_groups[0]["lr"] = 9.0
    require(state["param_groups"][0]["lr"] == 0.125, "the dict shares its groups with the optimiser")


def _assert_states(params: list[Any], one: Any, others: list[Any], two: Any) -> None:
    for param, other in zip(params, others, strict=True):
        assert_same("names of the state", sorted(two.state.get(other, {})), sorted(one.state.get(param, {})))
        for name, due in one.state.get(param, {}).items():
            assert_tensors(f"the state {name!r}", two.state[other][name], due)


@pytest.mark.parametrize("rule", [pytest.param(name, marks=check("state_dict.optimizer-casts")) for name in RULES])
def test_loading_casts_the_state_to_the_dtype_of_each_parameter(subject, rule):
    params, one = made(subject, rule)
    stepped(params, one)
    for dtype in filter(subject.supports, ("float64", "bfloat16")):
        others, two = made(subject, rule, dtype)
        two.load_state_dict(copy.deepcopy(one.state_dict()))
        for param, other in zip(params, others, strict=True):
            for name, due in one.state.get(param, {}).items():
                if name != "step" and isinstance(due, torch.Tensor):
                    wanted = rounded(host.array(due), dtype)
                    assert_values(f"{name} in {dtype}", two.state[other][name], wanted, ROUNDED, dtype=dtype)
        stepped(others, two, turns=1)


def _without_group(state: dict[str, Any]) -> None:
    state["param_groups"].pop()


def _with_group(state: dict[str, Any]) -> None:
    state["param_groups"].append({**state["param_groups"][-1], "params": [4]})


def _without_parameter(state: dict[str, Any]) -> None:
    state["param_groups"][0]["params"].pop()


def _with_parameter(state: dict[str, Any]) -> None:
    state["param_groups"][1]["params"].append(4)


def _moved_parameter(state: dict[str, Any]) -> None:
    """The number of parameters stays in all, but not in the groups."""
    state["param_groups"][1]["params"].insert(0, state["param_groups"][0]["params"].pop())


@pytest.mark.parametrize(
    "rule", [pytest.param(name, marks=check("state_dict.optimizer-load-mismatch")) for name in RULES]
)
def test_a_state_of_other_groups_is_refused(subject, rule):
    for change in (_without_group, _with_group, _without_parameter, _with_parameter, _moved_parameter):
        params, one = made(subject, rule)
        stepped(params, one)
        state = copy.deepcopy(one.state_dict())
        change(state)
        others, two = made(subject, rule, factor=2.0)
        stepped(others, two, turns=1)
        due = options(two), copy.deepcopy(two.state_dict()["state"])
        call = f"load_state_dict of a state {change.__name__[1:].replace('_', ' ')}"
        assert_raises(call, ValueError, lambda: two.load_state_dict(state))
        assert_same(f"options after the refused {call}", options(two), due[0])
        assert_tensors(f"the state after the refused {call}", two.state_dict()["state"], due[1])


@pytest.mark.parametrize("rule", [pytest.param(name, marks=check("state_dict.optimizer-load")) for name in RULES])
def test_the_state_of_frozen_parameters_is_loaded(subject, rule):
    params, one = made(subject, rule)
    stepped(params, one)
    others, two = made(subject, rule)
    for param in others[::2]:
        param.requires_grad_(False)
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    due = sorted(one.state_dict()["state"])
    assert_same("numbers of parameters with a state", sorted(two.state_dict()["state"]), due)
    _assert_states(params, one, others, two)

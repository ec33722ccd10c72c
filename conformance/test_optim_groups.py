"""Every optimiser over groups: options of their own, set by hand, groups that come late, a state that is taken up."""

from __future__ import annotations

import copy

import pytest
import torch

from conformance import effort
from conformance.assertions import Unchanged, assert_raises
from conformance.check import check, must_answer
from conformance.tables.optim_groups import LASTING, OPTIONS, RULES, Course
from conformance.tables.optim_nets import leaf

pytestmark = must_answer

# Before these, NAdam is unsound and Adafactor absent; so are several forms that take all parameters at once.
SINCE = {"NAdam": "2.0", "Adafactor": "2.6"}


def ways(claim):
    """Every rule, one parameter at a time and all at once."""
    return [
        pytest.param(
            rule,
            foreach,
            marks=check(claim, since="2.6" if foreach else SINCE.get(rule)),
            id=f"{rule}, foreach={foreach}",
        )
        for rule in RULES
        for foreach in (False, True)
    ]


def dtypes(foreach):
    """Both, but in quick, in which each way has one."""
    return (("float64", "float32")[foreach],) if effort.level() == "quick" else ("float64", "float32")


@pytest.mark.parametrize("rule, foreach", ways("optim.param-groups"))
def test_every_group_goes_by_its_own_options(subject, rule, foreach):
    one, other = OPTIONS[rule]
    for dtype in dtypes(foreach):
        course = Course(subject, rule, [one, other, {}], dtype, foreach=foreach)
        for _ in range(4):
            course.step("options by group")
        course.change(0, {key: value for key, value in other.items() if key not in LASTING})
        for _ in range(4):  # RAdam begins to rectify at its sixth
            course.step("options set by hand")


@pytest.mark.parametrize("rule, foreach", ways("optim.add-param-group"))
def test_a_group_that_comes_late_begins_then(subject, rule, foreach):
    one, other = OPTIONS[rule]
    course = Course(subject, rule, [one], "float64", foreach=foreach)
    for _ in range(2):
        course.step("one group")
    course.add(other)
    course.add({})
    for _ in range(4):
        course.step("late groups")


@pytest.mark.parametrize("rule, foreach", ways("optim.state-dict-round-trip"))
def test_a_loaded_state_goes_on_as_it_would_have(subject, rule, foreach):
    for dtype in dtypes(foreach):
        course = Course(subject, rule, list(OPTIONS[rule]), dtype, foreach=foreach)
        for _ in range(3):
            course.step("before")
        first, old = course.optimizer, course.params
        course.params = [p.detach().clone().requires_grad_() for p in old]
        fresh = getattr(torch.optim, rule)([{"params": course.params[:2]}, {"params": course.params[2:]}], lr=0.7)
        fresh.load_state_dict(copy.deepcopy(first.state_dict()))
        course.optimizer = fresh
        before = Unchanged(**{f"of old parameter {n}": p for n, p in enumerate(old)})
        for _ in range(3):
            course.step("loaded")
        before.check(f"a loaded {rule}")


@pytest.mark.parametrize(
    "rule", [pytest.param(rule, marks=check("optim.state-dict-mismatch", since=SINCE.get(rule))) for rule in RULES]
)
def test_every_rule_refuses_a_state_of_other_groups(subject, rule):
    def over(*sizes):
        groups = [{"params": [leaf(subject) for _ in range(size)]} for size in sizes]
        return getattr(torch.optim, rule)(groups, lr=0.1)

    for mine, theirs in (((2,), (1,)), ((1,), (2,)), ((1, 1), (2,)), ((2,), (1, 1)), ((1, 2), (2, 1)), ((1,), (1, 1))):
        text = f"{rule} over groups of {mine} from groups of {theirs}"
        assert_raises(text, ValueError, lambda m=mine, t=theirs: over(*m).load_state_dict(over(*t).state_dict()))
    for call, given in {
        "nothing": [],
        "a tensor": leaf(subject),
        "a group with a set": [{"params": {leaf(subject)}}],
        "numbers": [1.0],
    }.items():
        error = ValueError if call == "nothing" else TypeError
        assert_raises(f"{rule} of {call}", error, lambda g=given: getattr(torch.optim, rule)(g, lr=0.1))

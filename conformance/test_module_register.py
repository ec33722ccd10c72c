"""Registering, by example: what an assignment, a deletion and the register methods do, and what they refuse."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.oracle import module as model
from conformance.oracle.module_edits import Program, Step
from conformance.tables.module_tree import assert_leaves, assert_listings, assert_same, branch, build, leaves

pytestmark = must_answer

# A module with one name 'x' of each sort, and neighbours on both sides so that order shows.
AROUND: Program = (
    Step("set_parameter", 0, "p", "float32", (2,)),
    Step("register_buffer", 0, "b", "float32", (2,)),
    Step("set_module", 0, "m", "ReLU"),
)
AFTER: Program = (
    Step("set_parameter", 0, "q", "float32", (3,)),
    Step("register_buffer", 0, "c", "int64", (3,)),
    Step("set_module", 0, "n", "Linear"),
)
BEFORE: dict[str, Program] = {
    "nothing": (),
    "plain": (Step("set_plain", 0, "x"),),
    "parameter": (Step("set_parameter", 0, "x", "float32", (4,)),),
    "no parameter": (Step("register_parameter", 0, "x", None),),
    "buffer": (Step("register_buffer", 0, "x", "float32", (4,)),),
    "transient buffer": (Step("register_buffer", 0, "x", "float32", (4,), False),),
    "no buffer": (Step("register_buffer", 0, "x", None),),
    "module": (Step("set_module", 0, "x", "Linear"),),
    "no module": (Step("add_module", 0, "x", None),),
}
EDITS: dict[str, Step] = {
    "None": Step("set_none", 0, "x"),
    "number": Step("set_plain", 0, "x"),
    "tensor": Step("set_tensor", 0, "x", "float64", (5,)),
    "Parameter": Step("set_parameter", 0, "x", "float64", (5,)),
    "Module": Step("set_module", 0, "x", "BatchNorm1d"),
    "register_parameter": Step("register_parameter", 0, "x", "float64", (5,)),
    "register_parameter None": Step("register_parameter", 0, "x", None),
    "register_buffer": Step("register_buffer", 0, "x", "float64", (5,)),
    "register_buffer, not persistent": Step("register_buffer", 0, "x", "float64", (5,), False),
    "register_buffer None": Step("register_buffer", 0, "x", None),
    "add_module": Step("add_module", 0, "x", "BatchNorm1d"),
    "add_module None": Step("add_module", 0, "x", None),
    "register_module": Step("register_module", 0, "x", "BatchNorm1d"),
    "delete": Step("delete", 0, "x"),
}
CLAIMS = {
    "None": "module.setattr-none",
    "number": "module.setattr-refuses",
    "tensor": "module.setattr-tensor",
    "Parameter": "module.setattr-moves",
    "Module": "module.setattr-moves",
    "register_parameter": "module.register-parameter",
    "register_parameter None": "module.register-parameter",
    "register_buffer": "module.register-buffer",
    "register_buffer, not persistent": "module.register-buffer",
    "register_buffer None": "module.register-buffer",
    "add_module": "module.add-module-clash",
    "add_module None": "module.add-module-clash",
    "register_module": "module.add-module-clash",
    "delete": "module.delattr",
}


@pytest.mark.parametrize("edit", [pytest.param(name, marks=check(claim)) for name, claim in CLAIMS.items()])
def test_one_edit_over_each_sort_of_name(subject, edit):
    for before in BEFORE.values():
        built, forest = build(subject, (*AROUND, *before, *AFTER, EDITS[edit]))
        assert_listings(built, forest)
        assert_leaves(built, forest)


@pytest.mark.parametrize("edit", [pytest.param(name, marks=check(claim)) for name, claim in CLAIMS.items()])
def test_two_edits_in_turn(subject, edit):
    for before, then in itertools.product(BEFORE.values(), EDITS.values()):
        built, forest = build(subject, (*AROUND, *before, EDITS[edit], then))
        assert_same("named_parameters()", built.leaves(built.root.named_parameters()), _leaves(forest, "parameters"))
        assert_same("named_buffers()", built.leaves(built.root.named_buffers()), _leaves(forest, "buffers"))
        found, due = built.leaves(built.root.state_dict(keep_vars=True).items()), leaves(model.state(forest.root))
        assert_same("state_dict()", found, due)


def _leaves(forest, which):
    return leaves(model.named_leaves(forest.root, which))


REGISTER = ("register_parameter", "register_buffer", "add_module", "register_module")


def _value(do, device):
    tensor = torch.ones(2, device=device)
    return {"register_parameter": nn.Parameter(tensor), "register_buffer": tensor}.get(do, nn.ReLU())


@check("module.register-names")
def test_names_that_no_registration_takes(subject):
    for do in REGISTER:
        net, value = branch(), _value(do, subject.device)
        for name, kind in (
            ("", KeyError),
            ("a.b", KeyError),
            (".", KeyError),
            ("x.", KeyError),
            (3, TypeError),
            (None, TypeError),
        ):
            assert_raises(f"{do}({name!r}, …)", kind, lambda: getattr(net, do)(name, value))
        for name in ("train", "forward", "training", "_parameters", "parameters", "__class__"):
            assert_raises(f"{do}({name!r}, …)", KeyError, lambda: getattr(net, do)(name, value))
        listed = [*net.named_parameters(), *net.named_buffers(), *net.named_children()]
        require(listed == [], f"{do} refused, but registered", [], listed)
        for name in ("a_b", "10", "ünï", "with space", "x-y"):
            require(getattr(net, do)(name, value) is None, f"{do}({name!r}, …) returns something")
            require(getattr(net, name) is value, f"{do}({name!r}, …) registers something else")


@check("module.register-values")
def test_values_that_registrations_refuse(subject):
    net, tensor = branch(), torch.ones(2, device=subject.device)
    for value in (tensor, 3.0, [tensor], nn.ReLU()):
        assert_raises(
            f"register_parameter of a {type(value).__name__}", TypeError, lambda: net.register_parameter("x", value)
        )
    for value in (3.0, np.ones(2), [tensor], nn.ReLU()):
        assert_raises(
            f"register_buffer of a {type(value).__name__}", TypeError, lambda: net.register_buffer("x", value)
        )
    for value in (3.0, tensor, nn.Parameter(tensor), nn.ReLU, len):
        for do in ("add_module", "register_module"):
            assert_raises(f"{do} of {value!r:.30}", TypeError, lambda: getattr(net, do)("x", value))
    require(not hasattr(net, "x") and not list(net.parameters()), "a refused value was registered")


@check("module.register-values")
def test_a_parameter_with_a_history_is_refused(subject):
    factor = torch.ones(2, device=subject.device, requires_grad=True)
    grown = nn.Parameter(torch.ones(2, device=subject.device), requires_grad=False)
    grown.mul_(factor)
    net = branch()
    assert_raises(
        "register_parameter of a Parameter that is no leaf", ValueError, lambda: net.register_parameter("x", grown)
    )
    require(not hasattr(net, "x"), "a Parameter that is no leaf was registered")

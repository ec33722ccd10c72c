"""Registering, by example: what an assignment, a deletion and the register methods do, and what they refuse."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.module_tree import assert_leaves, assert_listings, assert_same, branch, build, leaves
from conformance.oracle import module as model
from conformance.oracle.module_edits import Program, Step

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


@check("module.setattr-refuses")
def test_a_refused_assignment_says_why_and_changes_nothing(subject):
    net = branch()
    net.w, net.layer = nn.Parameter(torch.ones(2)), nn.Linear(2, 2)
    net.register_buffer("b", torch.ones(2))
    kept = net.w, net.layer, net.b
    refused = (("w", torch.zeros(2)), ("w", 3.0), ("w", "text"), ("w", [1]), ("layer", 5), ("layer", torch.zeros(2)))
    for name, value in (*refused, ("layer", nn.ReLU), ("b", 3.0), ("b", [1.0, 2.0]), ("b", "text")):
        call = f"assigning a {type(value).__name__} to {name!r}"
        error = assert_raises(call, TypeError, lambda: setattr(net, name, value))
        require(name in str(error), f"{call}: the message does not name it: {error}")
        require((net.w, net.layer, net.b)[0] is kept[0] and net.layer is kept[1] and net.b is kept[2], f"{call} changed it")


@check("module.setattr-tensor")
def test_a_plain_tensor_is_an_ordinary_attribute(subject):
    net = branch()
    net.t = host.tensor(np.arange(3.0), "float32", subject.device)
    net.list = [nn.Linear(2, 2), nn.Parameter(torch.ones(2))]
    net.dict = {"a": nn.Linear(2, 2)}
    listed = [*net.parameters(), *net.buffers(), *net.children(), *net.state_dict()]
    require(listed == [], "a plain tensor, list or dict is registered", [], listed)
    assert_values("net.t", net.t, np.arange(3.0), dtype="float32")


@check("module.layers-in-init-are-registered")
def test_layers_made_in_init_belong_to_the_network(subject):
    class Net(nn.Module):
        def __init__(self, keep):
            super().__init__()
            self.first = nn.Linear(2, 3)
            if keep == "list":
                self.rest = [nn.Linear(3, 3), nn.Linear(3, 1)]
            elif keep == "tuple in dict":
                self.rest = {"layers": (nn.Linear(3, 3), nn.Linear(3, 1))}
            else:
                self.rest = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 1)])

        def forward(self, x):
            local = nn.Linear(2, 3)  # belongs to nobody
            return self.first(x) + 0 * local.to(x.device)(x)

    first = ["first.weight", "first.bias"]
    rest = [f"rest.{place}.{kind}" for place in range(2) for kind in ("weight", "bias")]
    for keep, due in (("list", first), ("tuple in dict", first), ("ModuleList", first + rest)):
        net = Net(keep).to(subject.device)
        for _ in range(2):
            assert_same(f"parameter names with a {keep}", [name for name, _ in net.named_parameters()], due)
            net(torch.ones(1, 2, device=subject.device))
        assert_same("children", [name for name, _ in net.named_children()], ["first"] + ["rest"] * (keep == "ModuleList"))


# -- refused registrations ---------------------------------------------------------------------------------------------

REGISTER = ("register_parameter", "register_buffer", "add_module", "register_module")


def _value(do, device):
    tensor = torch.ones(2, device=device)
    return {"register_parameter": nn.Parameter(tensor), "register_buffer": tensor}.get(do, nn.ReLU())


@check("module.register-names")
def test_names_that_no_registration_takes(subject):
    for do in REGISTER:
        net, value = branch(), _value(do, subject.device)
        for name, kind in (("", KeyError), ("a.b", KeyError), (".", KeyError), ("x.", KeyError), (3, TypeError), (None, TypeError)):
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
        assert_raises(f"register_parameter of a {type(value).__name__}", TypeError, lambda: net.register_parameter("x", value))
    for value in (3.0, np.ones(2), [tensor], nn.ReLU()):
        assert_raises(f"register_buffer of a {type(value).__name__}", TypeError, lambda: net.register_buffer("x", value))
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
    assert_raises("register_parameter of a Parameter that is no leaf", ValueError, lambda: net.register_parameter("x", grown))
    require(not hasattr(net, "x"), "a Parameter that is no leaf was registered")


@check("module.super-init-required")
def test_registering_before_init_is_refused(subject):
    class Early(nn.Module):
        def __init__(self, what):
            what(self)
            super().__init__()

    tensor = torch.ones(2, device=subject.device)
    early = {
        "self.layer = nn.Linear(2, 2)": lambda self: setattr(self, "layer", nn.Linear(2, 2)),
        "self.w = nn.Parameter(…)": lambda self: setattr(self, "w", nn.Parameter(tensor)),
        "self.register_parameter('w', …)": lambda self: self.register_parameter("w", nn.Parameter(tensor)),
        "self.register_buffer('b', …)": lambda self: self.register_buffer("b", tensor),
        "self.add_module('m', …)": lambda self: self.add_module("m", nn.ReLU()),
        "self.layer.weight": lambda self: self.layer,
    }
    for call, what in early.items():
        assert_raises(f"{call} before super().__init__()", AttributeError, lambda: Early(what))
    assert_same("a number set before super().__init__()", Early(lambda self: setattr(self, "n", 5)).n, 5)


@check("module.super-init-required")
def test_a_module_without_init_fails_at_the_first_call(subject):
    class Bare(nn.Module):
        def __init__(self):
            self.size = 3

        def forward(self, x):
            return x

    net = Bare()
    for call, action in {
        "calling it": lambda: net(torch.ones(1)),
        "parameters()": lambda: list(net.parameters()),
        "train()": lambda: net.train(),
        "state_dict()": lambda: net.state_dict(),
    }.items():
        assert_raises(f"{call} without super().__init__()", AttributeError, action)


@check("module.super-init-equivalent")
def test_the_three_ways_to_call_the_constructor(subject):
    class Old(nn.Module):
        def __init__(self):
            super(Old, self).__init__()  # noqa: UP008
            self.layer = nn.Linear(2, 3)

    class Direct(nn.Module):
        def __init__(self):
            nn.Module.__init__(self)
            self.layer = nn.Linear(2, 3)

    class New(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 3)

    for way in (Old, Direct, New):
        net = way()
        assert_same(f"{way.__name__}: names", [name for name, _ in net.named_parameters()], ["layer.weight", "layer.bias"])
        assert_same(f"{way.__name__}: training", net.training, True)
        assert_same(f"{way.__name__}: attributes", sorted(vars(net)), sorted(vars(New())))


# -- attributes --------------------------------------------------------------------------------------------------------


@check("module.missing-attribute")
def test_a_missing_attribute_is_an_attribute_error_that_names_it(subject):
    net = branch()
    net.layer = nn.Linear(2, 2)
    for name in ("missing", "weight", "layers"):
        error = assert_raises(f"net.{name}", AttributeError, lambda: getattr(net, name))
        require("Branch" in str(error) and name in str(error), f"the message names neither class nor attribute: {error}")
        assert_same(f"hasattr(net, {name!r})", hasattr(net, name), False)
        assert_same(f"getattr(net, {name!r}, 7)", getattr(net, name, 7), 7)
        assert_raises(f"del net.{name}", AttributeError, lambda: delattr(net, name))


@check("module.setattr-class-attributes")
def test_properties_and_class_attributes_work_as_in_any_class(subject):
    class Net(nn.Module):
        size = 3

        @property
        def double(self):
            return 2 * self.size

        @double.setter
        def double(self, value):
            self.size = value // 2

    net = Net()
    net.double = 10
    assert_same("net.size", (net.size, net.double, Net.size), (5, 10, 3))
    del net.size
    assert_same("net.size after del", net.size, 3)


@check("module.buffer-class", since="2.5")
def test_a_buffer_object_registers_itself(subject):
    values = np.arange(3.0)
    net = branch()
    net.kept = nn.Buffer(host.tensor(values, "float32", subject.device))
    net.left_out = nn.Buffer(host.tensor(values + 1, "float32", subject.device), persistent=False)
    assert_same("buffers", [name for name, _ in net.named_buffers()], ["kept", "left_out"])
    assert_same("state_dict keys", list(net.state_dict()), ["kept"])
    assert_same("parameters", list(net.parameters()), [])
    assert_values("net.left_out", net.left_out, values + 1, dtype="float32")
    require(not net.kept.requires_grad, "a Buffer requires a gradient")
    net.kept = host.tensor(values + 2, "float32", subject.device)
    assert_values("the buffer after assigning a tensor", dict(net.named_buffers())["kept"], values + 2)

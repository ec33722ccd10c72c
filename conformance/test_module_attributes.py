"""Attributes of modules, by example: what an assignment registers, what not, and what fails before the constructor."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.module_tree import assert_same, branch

pytestmark = must_answer


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
        require(
            (net.w, net.layer, net.b)[0] is kept[0] and net.layer is kept[1] and net.b is kept[2], f"{call} changed it"
        )


@check("module.setattr-tensor")
def test_a_plain_tensor_is_an_ordinary_attribute(subject):
    net = branch()
    net.t = host.tensor(np.arange(3.0), "float32", subject.device)
    net.list = [nn.Linear(2, 2), nn.Parameter(torch.ones(2))]
    net.dict = {"a": nn.Linear(2, 2)}
    listed = [*net.parameters(), *net.buffers(), *net.children(), *net.state_dict()]
    require(listed == [], "a plain tensor, list or dict is registered", [], listed)
    assert_values("net.t", net.t, np.arange(3.0), dtype="float32")


def keeping(keep):
    """A network that keeps its later layers in a container of that sort."""

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

    return Net(keep)


@check("module.layers-in-init-are-registered")
def test_layers_made_in_init_belong_to_the_network(subject):
    first = ["first.weight", "first.bias"]
    rest = [f"rest.{place}.{kind}" for place in range(2) for kind in ("weight", "bias")]
    for keep, due in (("list", first), ("tuple in dict", first), ("ModuleList", first + rest)):
        net = keeping(keep).to(subject.device)
        for _ in range(2):
            assert_same(f"parameter names with a {keep}", [name for name, _ in net.named_parameters()], due)
            net(torch.ones(1, 2, device=subject.device))
        assert_same(
            "children", [name for name, _ in net.named_children()], ["first"] + ["rest"] * (keep == "ModuleList")
        )


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
        assert_same(
            f"{way.__name__}: names", [name for name, _ in net.named_parameters()], ["layer.weight", "layer.bias"]
        )
        assert_same(f"{way.__name__}: training", net.training, True)
        assert_same(f"{way.__name__}: attributes", sorted(vars(net)), sorted(vars(New())))


@check("module.missing-attribute")
def test_a_missing_attribute_is_an_attribute_error_that_names_it(subject):
    net = branch()
    net.layer = nn.Linear(2, 2)
    for name in ("missing", "weight", "layers"):
        error = assert_raises(f"net.{name}", AttributeError, lambda: getattr(net, name))
        require(
            "Branch" in str(error) and name in str(error), f"the message names neither class nor attribute: {error}"
        )
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
    given = host.tensor(values, "float32", subject.device)
    net.kept = nn.Buffer(given)
    require(net.kept.data_ptr() == given.data_ptr(), "a Buffer is a copy of its tensor")
    net.left_out = nn.Buffer(host.tensor(values + 1, "float32", subject.device), persistent=False)
    assert_same("buffers", [name for name, _ in net.named_buffers()], ["kept", "left_out"])
    assert_same("state_dict keys", list(net.state_dict()), ["kept"])
    assert_same("parameters", list(net.parameters()), [])
    assert_values("net.left_out", net.left_out, values + 1, dtype="float32")
    require(not net.kept.requires_grad, "a Buffer requires a gradient")
    net.kept = host.tensor(values + 2, "float32", subject.device)
    assert_values("the buffer after assigning a tensor", dict(net.named_buffers())["kept"], values + 2)

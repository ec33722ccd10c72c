"""What is handed to a module stays what it is, by example: tensors of every layout, modules in either mode."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.module_samples import given
from conformance.tables.module_tree import assert_same, branch
from properties.strategies.recipe import LAYOUTS, layouts
from properties.strategies.values import distinct

pytestmark = must_answer

SHAPES = ((), (0, 2), (3, 17), (40, 30))
DTYPES = ("float32", "float64", "bfloat16", "complex64", "int64", "bool")


def over_a_buffer(net: nn.Module, tensor: torch.Tensor) -> None:
    net.register_buffer("x", torch.zeros(tensor.shape, dtype=tensor.dtype, device=tensor.device))
    net.x = tensor


def over_another_buffer(net: nn.Module, tensor: torch.Tensor) -> None:
    net.register_buffer("x", torch.zeros(2, dtype=torch.int16, device=tensor.device))
    net.x = tensor


# Ways to hand a tensor to a module, and whether it has to be a Parameter.
TENSORS: dict[str, tuple[bool, Callable[[nn.Module, Any], Any]]] = {
    "net.x = Parameter": (True, lambda net, tensor: setattr(net, "x", tensor)),
    "register_parameter": (True, lambda net, tensor: net.register_parameter("x", tensor)),
    "register_buffer": (False, lambda net, tensor: net.register_buffer("x", tensor)),
    "register_buffer(persistent=False)": (False, lambda net, t: net.register_buffer("x", t, persistent=False)),
    "net.x = tensor, a buffer": (False, over_a_buffer),
    "net.x = tensor, another buffer": (False, over_another_buffer),
}


@pytest.mark.parametrize("how", [pytest.param(name, marks=check("module.registered-values")) for name in TENSORS])
def test_a_tensor_of_any_layout_is_registered_as_it_is(subject, how):
    wrapped, register = TENSORS[how]
    for dtype in filter(subject.supports, DTYPES):
        for shape in SHAPES:
            for recipe in layouts(distinct(dtype, shape), dtype, LAYOUTS):
                data = recipe.on(subject)
                floating = data.is_floating_point() or data.is_complex()
                tensor = nn.Parameter(data, requires_grad=floating) if wrapped else data.requires_grad_(floating)
                grad = tensor.grad = torch.ones_like(tensor) if floating else None
                before, net = Unchanged(x=tensor), branch()
                register(net, tensor)
                for turn in (1, 2):
                    require(net.x is tensor, f"{how}: reading it gives another object ({turn})")
                listed = [*net.parameters(), *net.buffers()]
                require(len(listed) == 1 and listed[0] is tensor, f"{how}: another object is listed", 1, len(listed))
                require(tensor.grad is grad, f"{how}: the gradient of it is gone")
                before.check(how)


@check("module.registered-values")
def test_a_buffer_keeps_its_history(subject):
    source = given(subject).requires_grad_()
    for register in (TENSORS["register_buffer"][1], over_a_buffer):
        net, made = branch(), source * 2
        register(net, made)
        require(net.x is made and net.x.requires_grad and not net.x.is_leaf, "a buffer lost its history")
        (grad,) = torch.autograd.grad(net.x.sum(), source)
        assert_values("the gradient through a buffer", grad, np.full(3, 2.0))


@check("module.setattr-tensor")
def test_the_buffer_that_was_there_keeps_its_values(subject):
    for dtype in ("float32", "float64", "int64"):
        net, old = branch(), given(subject)
        net.register_buffer("x", old)
        before = Unchanged(old=old)
        new = host.tensor(np.arange(3.0), dtype, subject.device)
        net.x = new
        before.check("assigning a tensor to a buffer's name")
        require(net.x is new and net.state_dict(keep_vars=True)["x"] is new, "the buffer is not the tensor assigned")


# Ways to hand a module to another one.
MODULES: dict[str, tuple[Callable[[], Any], Callable[[Any, nn.Module], Any]]] = {
    "net.x =": (branch, lambda net, module: setattr(net, "x", module)),
    "add_module": (branch, lambda net, module: net.add_module("x", module)),
    "register_module": (branch, lambda net, module: net.register_module("x", module)),
    "Sequential.append": (nn.Sequential, lambda net, module: net.append(module)),
    "Sequential.insert": (nn.Sequential, lambda net, module: net.insert(0, module)),
    "Sequential.extend": (nn.Sequential, lambda net, module: net.extend([module])),
    "Sequential +=": (nn.Sequential, lambda net, module: operator.iadd(net, nn.Sequential(module))),
    "ModuleList.append": (nn.ModuleList, lambda net, module: net.append(module)),
    "ModuleList.insert": (nn.ModuleList, lambda net, module: net.insert(0, module)),
    "ModuleList +=": (nn.ModuleList, lambda net, module: operator.iadd(net, [module])),
    "ModuleList[0] =": (lambda: nn.ModuleList([nn.ReLU()]), lambda net, module: operator.setitem(net, 0, module)),
    "ModuleDict['x'] =": (nn.ModuleDict, lambda net, module: operator.setitem(net, "x", module)),
    "ModuleDict.update": (nn.ModuleDict, lambda net, module: net.update({"x": module})),
}


@pytest.mark.parametrize("how", [pytest.param(name, marks=check("module.registering-keeps-mode")) for name in MODULES])
def test_registering_a_module_leaves_both_as_they_are(subject, how):
    make, register = MODULES[how]
    for outer in (True, False):
        for inner in (True, False):
            child = nn.Sequential(nn.Linear(2, 2), nn.Dropout()).train(inner)
            child[1].train(not inner)
            child[0].weight.requires_grad_(False)
            net = make().train(outer)
            register(net, child)
            require(next(net.children()) is child, f"{how} registers another object")
            found = [m.training for m in net.modules()][:1] + [m.training for m in child.modules()]
            assert_same(f"modes after {how}", found, [outer, inner, inner, not inner])
            assert_same("requires_grad", [p.requires_grad for p in net.parameters()], [False, True])


@check("module.mode-overridden")
def test_an_overriding_train_is_called_at_any_depth(subject):
    class Frozen(nn.BatchNorm1d):
        def train(self, mode=True):
            calls.append(mode)
            return super().train(False)

    calls: list[Any] = []
    frozen = Frozen(2)
    net = nn.ModuleDict({"a": nn.Sequential(nn.Linear(2, 2), nn.ModuleList([frozen])), "b": nn.Dropout()})
    for act, due in ((net.train, True), (net.eval, False), (lambda: net.train(True), True), (frozen.eval, False)):
        calls.clear()
        act()
        assert_same("what the overriding train was given", calls, [due])
        assert_same("training of a module that stays in eval mode", frozen.training, False)
    net.train()
    assert_same("training of the rest", [net.training, net["a"].training, net["b"].training], [True] * 3)

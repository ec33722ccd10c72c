"""torch.nn.Parameter, by example."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.module_tree import assert_same, branch
from properties.strategies.recipe import LAYOUTS, layouts
from properties.strategies.values import distinct

pytestmark = must_answer

SHAPES = ((2, 3), (), (0,), (17,), (4, 3, 2, 5))


@check("module.parameter-class")
def test_a_parameter_is_a_tensor_that_registers_itself(subject):
    for dtype in ("float32", "float64", "float16", "bfloat16", "complex64"):
        for shape in SHAPES:
            values = distinct(dtype, shape)
            net, data = branch(), host.tensor(values, dtype, subject.device)
            net.w = parameter = nn.Parameter(data)
            require(
                type(parameter) is nn.Parameter and isinstance(parameter, torch.Tensor), "no Parameter, or no Tensor"
            )
            require(net.w is parameter and next(net.parameters()) is parameter, "another object is registered")
            assert_same("named_parameters()", [name for name, _ in net.named_parameters()], ["w"])
            assert_values("net.w", net.w.detach(), values, dtype=dtype)
    net = branch()
    net.t = host.tensor(np.ones(3), "float32", subject.device).requires_grad_()
    assert_same("parameters() after assigning a plain tensor that requires a gradient", list(net.parameters()), [])


@check("module.parameter-requires-grad")
def test_a_parameter_requires_a_gradient_unless_told_otherwise(subject):
    data = host.tensor(np.ones(3), "float32", subject.device)
    for mode in (torch.enable_grad, torch.no_grad):
        with mode():
            require(nn.Parameter(data).requires_grad, f"a Parameter made under {mode.__name__} requires no gradient")
            require(nn.Parameter(data.clone().requires_grad_()).requires_grad, "a Parameter requires no gradient")
            for flag in (True, False):
                for parameter in (nn.Parameter(data, flag), nn.Parameter(data=data, requires_grad=flag)):
                    assert_same(
                        "requires_grad",
                        (parameter.requires_grad, parameter.is_leaf, parameter.grad),
                        (flag, True, None),
                    )
                    require(not data.requires_grad, "making a Parameter changed the tensor given")


@check("module.parameter-class")
def test_a_parameter_without_data_is_empty(subject):
    parameter = nn.Parameter()
    assert_same("shape, requires_grad", (tuple(parameter.shape), parameter.requires_grad), ((0,), True))
    again = nn.Parameter(nn.Parameter(host.tensor(np.arange(3.0), "float32", subject.device), False))
    require(type(again) is nn.Parameter and again.requires_grad, "a Parameter of a frozen Parameter is frozen")
    assert_values("a Parameter of a Parameter", again.detach(), np.arange(3.0), dtype="float32")


@check("module.parameter-is-leaf")
def test_a_parameter_of_a_result_is_a_leaf_of_its_own(subject):
    source = host.tensor(np.ones(3), "float32", subject.device).requires_grad_()
    parameter = nn.Parameter(source * 2)
    require(parameter.is_leaf and parameter.grad_fn is None, "a Parameter of a result has a history")
    (parameter * 3).sum().backward()
    require(source.grad is None, "a gradient went past the Parameter")
    assert_values("parameter.grad", parameter.grad, np.full(3, 3.0))


@check("module.parameter-shares-data")
def test_a_parameter_shares_the_memory_of_its_data(subject):
    for shape in SHAPES:
        for recipe in layouts(distinct("float32", shape), "float32", LAYOUTS):
            data = recipe.on(subject)
            parameter = nn.Parameter(data)
            assert_values(f"Parameter({recipe!r:.60})", parameter.detach(), recipe.array, dtype="float32")
            same = (parameter.data_ptr(), tuple(parameter.stride()), parameter.storage_offset())
            assert_same(
                "address, strides and offset", same, (data.data_ptr(), tuple(data.stride()), data.storage_offset())
            )
    data = host.tensor(np.arange(3.0), "float32", subject.device)
    parameter = nn.Parameter(data)
    data[1] = 9.0
    assert_values("a Parameter after a write to its data", parameter.detach(), np.array([0.0, 9.0, 2.0]))
    with torch.no_grad():
        parameter[2] = 7.0
    assert_values("the data after a write to the Parameter", data, np.array([0.0, 9.0, 7.0]))


@check("module.parameter-integers")
def test_integers_need_requires_grad_false(subject):
    for dtype in ("int64", "uint8", "bool"):
        data = host.tensor(distinct(dtype, (3,)), dtype, subject.device)
        assert_raises(f"Parameter of {dtype}", RuntimeError, lambda: nn.Parameter(data))
        net = branch()
        net.n = nn.Parameter(data, requires_grad=False)
        assert_same("parameters", [name for name, _ in net.named_parameters()], ["n"])
        assert_values("net.n", net.n, distinct(dtype, (3,)), dtype=dtype)


@check("module.parameter-results")
def test_results_of_parameters_are_plain_tensors(subject):
    parameter = nn.Parameter(host.tensor(np.arange(6.0).reshape(2, 3), "float32", subject.device))
    results = {
        "p + 1": parameter + 1,
        "p * p": parameter * parameter,
        "p.clone()": parameter.clone(),
        "p.detach()": parameter.detach(),
        "p.data": parameter.data,
        "p[0]": parameter[0],
        "p.view(-1)": parameter.view(-1),
        "p.to(float64)": parameter.to(torch.float64),
        "p.t()": parameter.t(),
        "zeros_like(p)": torch.zeros_like(parameter),
    }
    for call, out in results.items():
        require(
            type(out) is torch.Tensor,
            f"{call} is a {type(out).__name__}, but should be a Tensor",
            "Tensor",
            type(out).__name__,
        )


@check("module.parameter-results")
def test_only_the_parameter_itself_registers(subject):
    parameter, net = nn.Parameter(host.tensor(np.arange(3.0), "float32", subject.device)), branch()
    require(parameter.requires_grad_(False) is parameter, "requires_grad_(False) makes another object")
    require(parameter.requires_grad_() is parameter, "requires_grad_() makes another object")
    net.result = parameter + 1
    assert_same("parameters after assigning a result", list(net.parameters()), [])


@check("module.parameter-repr")
def test_a_parameter_prints_its_tensor_below_a_heading(subject):
    parameter = nn.Parameter(host.tensor(np.array([[1.5, -2.0], [0.0, 3.0]]), "float32", subject.device))
    where = "" if subject.is_cpu else f", device='{parameter.device}'"
    due = f"Parameter containing:\ntensor([[ 1.5000, -2.0000],\n        [ 0.0000,  3.0000]]{where}, requires_grad=True)"
    for text in (repr(parameter), str(parameter)):
        assert_same("repr of a Parameter", text, due)
    frozen = nn.Parameter(host.tensor(np.array([1.0]), "float64", subject.device), requires_grad=False)
    due = f"Parameter containing:\ntensor([1.]{where}, dtype=torch.float64)"
    assert_same("repr of a frozen Parameter", repr(frozen), due)


@check("module.parameter-copy")
def test_a_copy_of_a_parameter_is_a_parameter_with_memory_of_its_own(subject):
    for shape in SHAPES:
        for recipe in layouts(distinct("float32", shape), "float32"):
            for flag in (True, False):
                parameter = nn.Parameter(recipe.on(subject), requires_grad=flag)
                for call, twin in {
                    "deepcopy": copy.deepcopy(parameter),
                    "pickle": pickle.loads(pickle.dumps(parameter)),
                }.items():
                    require(
                        type(twin) is nn.Parameter,
                        f"{call} gives a {type(twin).__name__}",
                        "Parameter",
                        type(twin).__name__,
                    )
                    assert_values(call, twin.detach(), recipe.array, dtype="float32")
                    assert_same(f"{call}: requires_grad, is_leaf", (twin.requires_grad, twin.is_leaf), (flag, True))
                    assert_apart(call, twin, parameter)
                    reach = sum((n - 1) * step for n, step in zip(shape, recipe.strides, strict=True))
                    if min(shape, default=2) > 1 and reach + 1 == np.prod(shape):  # dense, in whatever order
                        assert_same(f"{call}: strides", twin.stride(), recipe.strides)


@check("module.parameter-data")
def test_assigning_data_keeps_the_object(subject):
    net = nn.Linear(3, 2, bias=False).to(subject.device)
    weight, values = net.weight, np.arange(6.0).reshape(2, 3)
    fresh = host.tensor(values, "float32", subject.device)
    net.weight.data = fresh
    require(net.weight is weight and weight.requires_grad and weight.is_leaf, "assigning .data replaces the Parameter")
    assert_values("weight", weight.detach(), values)
    require(weight.data_ptr() == fresh.data_ptr(), "assigning .data copies")
    x = host.tensor(np.ones((1, 3)), "float32", subject.device)
    assert_values("net(x)", net(x).detach(), np.array([[3.0, 12.0]]))
    weight.data.fill_(2.0)
    assert_values("net(x) after weight.data.fill_(2)", net(x).detach(), np.array([[6.0, 6.0]]))


@check("module.assign-by-parameter-name")
def test_parameters_found_by_name_are_the_live_ones(subject):
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 1))).to(subject.device)
    named = dict(net.named_parameters())
    with torch.no_grad():
        named["1.0.weight"].copy_(host.tensor(np.array([[2.0, 3.0]]), "float32", subject.device))
        named["0.weight"].fill_(1.0)
        named["0.bias"].zero_()
    named["1.0.bias"].data.fill_(0.5)
    assert_values("the layer's weight", net[1][0].weight.detach(), np.array([[2.0, 3.0]]))
    x = host.tensor(np.array([[1.0, 2.0]]), "float32", subject.device)
    assert_values("net(x) after setting parameters by name", net(x).detach(), np.array([[15.5]]))
    assert_raises(
        "an in-place write to a parameter with gradients on", RuntimeError, lambda: named["0.bias"].fill_(1.0)
    )

"""Layers as parts of networks, by example: their parameters and names, and the functions that do the same."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_array, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import models as oracle
from conformance.tables.models_networks import fill, image, mlp, nested
from conformance.tables.module_tree import assert_same

pytestmark = must_answer

MLP = ("hidden1", "hidden2", "predict")


@check("module.parameter-shapes-2-5-3")
def test_the_small_network_has_six_parameters(subject):
    shapes = [(5, 2), (5,), (5, 5), (5,), (3, 5), (3,)]
    net = mlp(2, 5, 3)
    assert_same("shapes", [tuple(p.shape) for p in net.parameters()], shapes)
    require(all(repr(p).startswith("Parameter containing:\ntensor(") for p in net.parameters()), "they print otherwise")
    assert_same("shape of the output", tuple(net(torch.zeros(7, 2)).shape), (7, 3))


@check("module.parameter-naming-rule")
def test_names_follow_attributes_and_places(subject):
    net = nn.Module()
    net.vgg = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1, bias=False))
    net.conv1 = nn.Conv2d(1, 1, 1)
    net.block = nn.ModuleDict({"left": nn.ModuleList([nn.Sequential(nn.Linear(1, 1))])})
    net.own = nn.Parameter(torch.ones(1))
    due = [
        "own",
        "vgg.0.weight",
        "vgg.0.bias",
        "vgg.2.weight",
        "conv1.weight",
        "conv1.bias",
        "block.left.0.0.weight",
        "block.left.0.0.bias",
    ]
    assert_same("names", [name for name, _ in net.named_parameters()], due)
    assert_same(
        "names in nested()",
        [n for n, _ in nested().named_parameters()][-2:],
        ["features.conv4.weight", "features.conv4.bias"],
    )


@check("module.layer-is-weight-and-bias")
def test_which_layers_have_weight_and_bias(subject):
    lstm = [f"{kind}_{which}_l{level}" for level in range(2) for kind in ("weight", "bias") for which in ("ih", "hh")]
    layers = {
        "Linear": (nn.Linear(2, 3), ["weight", "bias"]),
        "Linear(bias=False)": (nn.Linear(2, 3, bias=False), ["weight"]),
        "Conv2d": (nn.Conv2d(1, 2, 3), ["weight", "bias"]),
        "Conv2d(bias=False)": (nn.Conv2d(1, 2, 3, bias=False), ["weight"]),
        "BatchNorm2d": (nn.BatchNorm2d(2), ["weight", "bias"]),
        "BatchNorm2d(affine=False)": (nn.BatchNorm2d(2, affine=False), []),
        "Embedding": (nn.Embedding(3, 2), ["weight"]),
        "ReLU": (nn.ReLU(), []),
        "MaxPool2d": (nn.MaxPool2d(2), []),
        "Dropout": (nn.Dropout(), []),
        "LSTM": (nn.LSTM(2, 3, 2), lstm),
    }
    for call, (layer, due) in layers.items():
        assert_same(f"parameters of {call}", [name for name, _ in layer.named_parameters()], due)
        require(all(isinstance(p, nn.Parameter) for p in layer.parameters()), f"{call} has a parameter that is none")
    require(nn.Linear(2, 3, bias=False).bias is None, "the bias of Linear(bias=False) is not None")
    x = torch.ones(1, 2, device=subject.device)
    layer = nn.Linear(2, 3, bias=False).to(subject.device)
    layer.weight.data.fill_(2.0)
    assert_values("Linear(bias=False)", layer(x).detach(), np.full((1, 3), 4.0))


@check("module.module-is-layer-or-network")
def test_a_network_serves_as_a_layer_of_another(subject):
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = mlp(2, 4, 3)
            self.head = nn.Sequential(nn.ReLU(), mlp(3, 2, 1))

        def forward(self, x):
            return self.head(self.body(x))

    net = Outer().to(subject.device)
    require(isinstance(net.body, nn.Module) and isinstance(net.head[0], nn.Module), "a layer is no Module")
    due = [f"{name}.{layer}.{kind}" for name in ("body", "head.1") for layer in MLP for kind in ("weight", "bias")]
    assert_same("names", [name for name, _ in net.named_parameters()], due)
    state = fill(net, due, subject)
    values, x = image(subject, (5, 2))
    for part, name in (("body", "body"), ("head", "head.1")):
        values = oracle.relu(values) if part == "head" else values
        for layer in MLP:
            values = oracle.linear(values, state[f"{name}.{layer}.weight"], state[f"{name}.{layer}.bias"])
            values = values if layer == "predict" else oracle.relu(values)
    out = net(x)
    assert_values("net(x)", out.detach(), values)
    out.sum().backward()
    require(all(p.grad is not None for p in net.parameters()), "a parameter of an inner network has no gradient")


@check("module.functional-for-parameterless-layers")
def test_functions_and_their_modules_agree(subject):
    values, x = image(subject, (2, 3, 9, 9), "float32")
    f = nn.functional
    pairs = {
        "relu": (nn.ReLU(), lambda x: f.relu(x), oracle.relu(values)),
        "max_pool2d(2)": (nn.MaxPool2d(2), lambda x: f.max_pool2d(x, 2), oracle.max_pool2d(values, 2, 2)),
        "max_pool2d((2, 2))": (
            nn.MaxPool2d((2, 2)),
            lambda x: f.max_pool2d(x, (2, 2)),
            oracle.max_pool2d(values, 2, 2),
        ),
        "max_pool2d(3, 1, 1)": (
            nn.MaxPool2d(3, 1, 1),
            lambda x: f.max_pool2d(x, 3, 1, 1),
            oracle.max_pool2d(values, 3, 1, 1),
        ),
        "dropout in eval mode": (nn.Dropout().eval(), lambda x: f.dropout(x, training=False), values),
        "flatten": (nn.Flatten(), lambda x: torch.flatten(x, 1), values.reshape(2, -1)),
    }
    for call, (module, function, due) in pairs.items():
        assert_same(f"parameters and state of {call}", (list(module.parameters()), list(module.state_dict())), ([], []))
        for out in (module(x), function(x), module(x)):
            assert_values(call, out, due, dtype="float32")


@check("module.functional-for-parameterless-layers")
def test_dropout_as_a_function_is_told_the_mode_by_hand(subject):
    values, x = image(subject, (2, 3, 9, 9), "float32")
    f = nn.functional
    assert_values("dropout(x, 0.5, False)", f.dropout(x, 0.5, False), values, dtype="float32")
    for call, function in {
        "dropout(x)": f.dropout,
        "dropout(x, training=True)": lambda x: f.dropout(x, training=True),
        "nn.Dropout()(x)": nn.Dropout(),
    }.items():
        torch.manual_seed(3)
        found = host.array(function(x))
        dropped = (found == 0) & (values != 0)
        assert_array(f"{call}, but for what is dropped", found[~dropped], 2 * values[~dropped], "float32")
        require(0 < dropped.sum() < 0.9 * dropped.size, f"numbers that {call} drops", "some", int(dropped.sum()))

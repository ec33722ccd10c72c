"""Weights made of others: weight and spectral norms, pruning, and batch norms folded into the layer before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import GRADIENT
from conformance.tables.module_tree import assert_same

pytestmark = must_answer

# Every row and column has the norm 2, the whole has 4: divisions by them are exact.
SIGNS = np.array([[1, 1, -1, 1], [1, -1, 1, 1], [-1, 1, 1, 1], [1, 1, 1, -1]], float)
LAYERS = {
    "Linear": (lambda: nn.Linear(4, 4), (4, 4)),
    "Conv1d": (lambda: nn.Conv1d(4, 4, 1), (4, 4, 1)),
    "Conv2d": (lambda: nn.Conv2d(2, 4, (2, 1)), (4, 2, 2, 1)),
}


def filled(subject, name: str) -> tuple[nn.Module, np.ndarray]:
    make, shape = LAYERS[name]
    layer, values = make().to(subject.device).double(), SIGNS.reshape(shape)
    layer.weight.data = host.tensor(values, "float64", subject.device)
    return layer, values


def norms(values: np.ndarray, dim: int | None) -> np.ndarray:
    """The norms over all dimensions but one, kept."""
    if dim is None:
        return np.sqrt((values * values).sum())
    axes = tuple(axis for axis in range(values.ndim) if axis != dim % values.ndim)
    return np.sqrt((values * values).sum(axes, keepdims=True))


def older(layer: nn.Module, **options: Any) -> tuple[Callable[[], tuple], Callable[[], Any]]:
    out = nn.utils.weight_norm(layer, **options)
    require(out is layer, "weight_norm returns another object")
    return lambda: (layer.weight_g, layer.weight_v), lambda: nn.utils.remove_weight_norm(layer)


def newer(layer: nn.Module, **options: Any) -> tuple[Callable[[], tuple], Callable[[], Any]]:
    out = nn.utils.parametrizations.weight_norm(layer, **options)
    require(out is layer, "parametrizations.weight_norm returns another object")
    parts = layer.parametrizations.weight
    leave = lambda: nn.utils.parametrize.remove_parametrizations(layer, "weight")  # noqa: E731
    return lambda: (parts.original0, parts.original1), leave


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(older, marks=check("module.weight-norm")),
        pytest.param(newer, marks=check("module.weight-norm", since="2.1")),
    ],
)
def test_a_weight_of_length_and_direction(subject, wrap):
    for name, (_, shape) in LAYERS.items():
        for options in ({}, {"dim": 0}, {"dim": 1}, {"dim": None}, {"name": "weight"}):
            layer, values = filled(subject, name)
            due = norms(values, options.get("dim", 0))
            parts, remove = wrap(layer, **options)
            said = f"weight_norm({name}, {options})"
            assert_values(f"{said}: the weight", layer.weight.detach(), values)
            g, v = parts()
            assert_values(f"{said}: the length", g.detach(), due.reshape(tuple(g.shape)))
            assert_values(f"{said}: the direction", v.detach(), values)
            with torch.no_grad():
                g.mul_(3), v.mul_(8)
            x = torch.ones((2, 4) if name == "Linear" else (1, *shape[1:]), dtype=torch.float64, device=subject.device)
            out = layer(x)
            assert_values(f"{said}: the weight of another length", layer.weight.detach(), 3 * values)
            out.sum().backward()
            require(g.grad is not None and v.grad is not None, f"{said}: a part has no gradient")
            remove()
            assert_values(f"{said}: the weight afterwards", layer.weight.detach(), 3 * values)
            assert_same(
                f"{said}: parameters afterwards", sorted(n for n, _ in layer.named_parameters()), ["bias", "weight"]
            )


@check("module.weight-norm")
def test_a_length_cannot_be_taken_off_twice(subject):
    layer, _ = filled(subject, "Linear")
    assert_raises("remove_weight_norm of a plain layer", ValueError, lambda: nn.utils.remove_weight_norm(layer))
    nn.utils.weight_norm(layer)
    assert_raises("weight_norm of it twice", RuntimeError, lambda: nn.utils.weight_norm(layer))


@check("module.spectral-norm")
@pytest.mark.parametrize("kind", ["older", "newer"])
def test_the_largest_singular_value_becomes_one(subject, kind):
    values = np.diag([8.0, 2.0, 1.0])[:, [2, 0, 1]]
    torch.manual_seed(5)
    layer = nn.Linear(3, 3).to(subject.device).double()
    layer.weight.data = host.tensor(values, "float64", subject.device)
    out = (nn.utils.spectral_norm if kind == "older" else nn.utils.parametrizations.spectral_norm)(layer)
    require(out is layer, "spectral_norm returns another object")
    x = torch.ones(2, 3, dtype=torch.float64, device=subject.device)
    for _ in range(30):
        layer(x)
    assert_values("the weight over its largest singular value", layer.weight.detach(), values / 8, GRADIENT.over(64), 1)
    vectors = lambda: [buffer.tolist() for buffer in layer.buffers()]  # noqa: E731
    original = next(p for name, p in layer.named_parameters() if name.endswith(("_orig", "original")))
    with torch.no_grad():
        original += 1
    for mode, moves in ((False, False), (True, True), (False, False)):
        layer.train(mode)
        before = vectors()
        layer(x)
        require((vectors() != before) is moves, f"its vectors move in a call, train({mode})", moves, not moves)
    layer(x).sum().backward()
    require(original.grad is not None, "the original has no gradient")


@check("module.prune")
def test_the_smallest_weights_are_pruned(subject):
    values = np.array([[5.0, -1.0, 0.5, 7.0], [-0.25, 3.0, -9.0, 2.0]])
    order = np.argsort(np.abs(values).ravel())
    for amount, count in ((2, 2), (0.25, 2), (0.5, 4), (5, 5)):
        layer = nn.Linear(4, 2).to(subject.device).double()
        layer.weight.data = host.tensor(values, "float64", subject.device)
        require(not prune.is_pruned(layer), "is_pruned of a plain layer is True")
        require(prune.l1_unstructured(layer, "weight", amount) is layer, "l1_unstructured returns another object")
        mask = np.ones(8)
        mask[order[:count]] = 0
        mask = mask.reshape(2, 4)
        require(prune.is_pruned(layer), "is_pruned of a pruned layer is False")
        assert_values(f"l1_unstructured({amount}): weight", layer.weight.detach(), values * mask)
        assert_values("weight_mask", layer.weight_mask, mask)
        assert_values("weight_orig", layer.weight_orig.detach(), values)
        x = torch.ones(1, 4, dtype=torch.float64, device=subject.device)
        layer(x).sum().backward()
        assert_values("the gradient of weight_orig", layer.weight_orig.grad, mask)
        require(prune.remove(layer, "weight") is layer, "remove returns another object")
        assert_values("weight after remove", layer.weight.detach(), values * mask)
        assert_same(
            "state after remove", (prune.is_pruned(layer), sorted(layer.state_dict())), (False, ["bias", "weight"])
        )


@check("module.prune")
def test_other_ways_to_prune(subject):
    values = np.array([[1.0, 2.0, 2.0], [0.0, 4.0, 3.0], [1.0, -1.0, 0.0]])

    def made() -> nn.Module:
        layer = nn.Linear(3, 3).to(subject.device).double()
        layer.weight.data = host.tensor(values, "float64", subject.device)
        return layer

    rows, columns = np.ones((3, 3)), np.ones((3, 3))
    rows[2], columns[:, 0] = 0, 0
    mask = host.tensor(np.eye(3), "float64", subject.device)
    for call, act, due in (
        ("ln_structured(n=2, dim=0)", lambda net: prune.ln_structured(net, "weight", 1, 2, 0), rows),
        ("ln_structured(n=1, dim=1)", lambda net: prune.ln_structured(net, "weight", 1, 1, 1), columns),
        ("custom_from_mask", lambda net: prune.custom_from_mask(net, "weight", mask), np.eye(3)),
        ("identity", lambda net: prune.identity(net, "weight"), np.ones((3, 3))),
    ):
        layer = made()
        act(layer)
        assert_values(call, layer.weight.detach(), values * due)
    for act in (prune.random_unstructured, prune.l1_unstructured):
        layer = made()
        act(layer, "weight", 4)
        act(layer, "weight", 2)
        found = int(layer.weight_mask.eq(0).sum())
        assert_same(f"weights pruned by {act.__name__} of 4 and then 2", found, 6)


@check("module.prune")
def test_what_cannot_be_pruned_is_refused(subject):
    layer = nn.Linear(3, 3).to(subject.device)
    for amount in (10, 1.5, -0.5):
        call = lambda: prune.l1_unstructured(layer, "weight", amount)  # noqa: E731
        assert_raises(f"l1_unstructured of {amount}, of 9 weights", ValueError, call)
    assert_raises("remove of what is not pruned", ValueError, lambda: prune.remove(layer, "weight"))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("conv", marks=check("module.fuse-batch-norm")),
        pytest.param("linear", marks=check("module.fuse-batch-norm", since="2.1")),
    ],
)
def test_a_batch_norm_is_folded_into_the_layer_before(subject, kind, bias):
    make, norm, fuse = (
        (lambda: nn.Conv2d(2, 3, 2, bias=bias), nn.BatchNorm2d, "fuse_conv_bn_eval")
        if kind == "conv"
        else (lambda: nn.Linear(5, 3, bias=bias), nn.BatchNorm1d, "fuse_linear_bn_eval")
    )
    layer, bn = (part.to(subject.device).double().eval() for part in (make(), norm(3, eps=1.0)))
    values = np.arange(float(layer.weight.numel())).reshape(tuple(layer.weight.shape)) - 7
    numbers = {"weight": [2.0, 4.0, -8.0], "bias": [1.0, -3.0, 5.0], "running_mean": [1.0, 2.0, 3.0]}
    with torch.no_grad():
        layer.weight.copy_(host.tensor(values, "float64", subject.device))
        for name, given in {**numbers, "running_var": [3.0, 3.0, 15.0]}.items():
            getattr(bn, name).copy_(host.tensor(np.array(given), "float64", subject.device))
        if bias:
            layer.bias.copy_(host.tensor(np.array([4.0, 5.0, 6.0]), "float64", subject.device))
    before = [tensor.tolist() for part in (layer, bn) for tensor in part.state_dict().values()]
    fused = getattr(nn.utils, fuse)(layer, bn)
    scale = np.array(numbers["weight"]) / np.array([2.0, 2.0, 4.0])
    start = np.array([4.0, 5.0, 6.0]) if bias else np.zeros(3)
    due = (start - numbers["running_mean"]) * scale + numbers["bias"]
    assert_values(f"{fuse}: weight", fused.weight.detach(), values * scale.reshape(3, *[1] * (values.ndim - 1)))
    assert_values(f"{fuse}: bias", fused.bias.detach(), due)
    after = [tensor.tolist() for part in (layer, bn) for tensor in part.state_dict().values()]
    assert_same(f"layer and batch norm after {fuse}", after, before)
    require(type(fused) is type(layer) and fused is not layer, f"{fuse} gives no new layer of the same class")

"""What torch offers around layers: batch norms folded by hand, memory formats, shared parametrisations, old names."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import RECURRENCE
from conformance.tables.module_tree import assert_same

pytestmark = must_answer

MEAN, VARIANCE = np.array([1.0, 2.0, 3.0]), np.array([3.0, 3.0, 15.0])  # with eps 1, the deviations are 2, 2 and 4
SCALE, SHIFT, BIAS = np.array([2.0, 4.0, -8.0]), np.array([1.0, -3.0, 5.0]), np.array([4.0, 5.0, 6.0])


def folded(values: np.ndarray, dim: int, bias: bool, affine: bool) -> tuple[np.ndarray, np.ndarray]:
    """The weight and bias of a layer with its batch norm, whose outputs lie along a dimension of the weight."""
    times = (SCALE if affine else 1.0) / np.sqrt(VARIANCE + 1)
    shape = [-1 if d == dim else 1 for d in range(values.ndim)]
    start = (BIAS if bias else 0.0) - MEAN
    return values * times.reshape(shape), start * times + (SHIFT if affine else 0.0)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("fuse_conv_bn_weights", marks=check("module.fuse-batch-norm")),
        pytest.param("fuse_linear_bn_weights", marks=check("module.fuse-batch-norm", since="2.1")),
    ],
)
def test_weights_are_folded_by_hand(subject, name):
    give = lambda a, there=True: host.tensor(a, "float64", subject.device) if there else None  # noqa: E731
    shapes = ((3, 3),) if "linear" in name else ((3, 2, 2), (3, 3, 2, 1))
    for shape in shapes:
        values = np.arange(float(np.prod(shape))).reshape(shape) - 7
        for bias, affine in ((True, True), (False, True), (True, False), (False, False)):
            if "linear" in name and not affine:
                continue
            for dim in (0, 1) if "conv" in name and shape[1] == 3 else (0,):
                named = {"transpose": True} if dim else {}
                given = [give(a, there) for a, there in ((values, True), (BIAS, bias), (MEAN, True), (VARIANCE, True))]
                last = give(SCALE, affine), give(SHIFT, affine)
                weight, start = getattr(nn.utils, name)(*given, 1.0, *last, **named)
                due = folded(values, dim, bias, affine)
                call = f"{name}({shape}, bias={bias}, affine={affine}, {named})"
                require(isinstance(weight, nn.Parameter) and isinstance(start, nn.Parameter), f"{call}: no Parameters")
                assert_values(f"{call}: weight", weight.detach(), due[0], dtype="float64")
                assert_values(f"{call}: bias", start.detach(), due[1], dtype="float64")
                assert_values(f"{call}: the weight given", given[0], values)


def layer_and_norm(subject, layer: nn.Module, norm: nn.Module) -> tuple[nn.Module, nn.Module, np.ndarray]:
    """Both with the numbers above."""
    values = np.arange(float(layer.weight.numel())).reshape(tuple(layer.weight.shape)) - 5
    layer.weight.data, layer.bias.data = (torch.tensor(a) for a in (values, BIAS))
    for name, numbers in (("weight", SCALE), ("bias", SHIFT), ("running_mean", MEAN), ("running_var", VARIANCE)):
        getattr(norm, name).data = torch.tensor(numbers)
    return layer.to(subject.device), norm.to(subject.device), values


@check("module.fuse-batch-norm")
def test_a_transposed_convolution_is_folded(subject):
    for kind, norm in ((nn.ConvTranspose1d, nn.BatchNorm1d), (nn.ConvTranspose2d, nn.BatchNorm2d)):
        parts = layer_and_norm(subject, kind(3, 3, 2), norm(3, eps=1.0))
        layer, bn, values = parts[0].eval(), parts[1].eval(), parts[2]
        fused = nn.utils.fuse_conv_bn_eval(layer, bn, transpose=True)
        due = folded(values, 1, True, True)
        assert_values(f"{kind.__name__} folded: weight", fused.weight.detach(), due[0])
        assert_values(f"{kind.__name__} folded: bias", fused.bias.detach(), due[1])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("fuse_conv_bn_eval", marks=check("module.fuse-batch-norm")),
        pytest.param("fuse_linear_bn_eval", marks=check("module.fuse-batch-norm", since="2.1")),
    ],
)
def test_only_layers_in_eval_mode_are_folded(subject, name):
    layer, norm = (nn.Conv1d(2, 3, 1), nn.BatchNorm1d(3)) if "conv" in name else (nn.Linear(2, 3), nn.BatchNorm1d(3))
    for modes in ((True, True), (True, False), (False, True)):
        for part, mode in zip((layer, norm), modes, strict=True):
            part.to(subject.device).train(mode)
        assert_raises(f"{name} in the modes {modes}", AssertionError, lambda: getattr(nn.utils, name)(layer, norm))


FORMATS = [
    pytest.param("2d", torch.channels_last, marks=check("module.weight-memory-format")),
    pytest.param("3d", torch.channels_last_3d, marks=check("module.weight-memory-format", since="2.6")),
]


@pytest.mark.parametrize("rank, layout", FORMATS)
def test_the_weights_of_convolutions_get_a_memory_format(subject, rank, layout):
    convolution, transposed = getattr(nn, f"Conv{rank}"), getattr(nn, f"ConvTranspose{rank}")
    inner = nn.Sequential(nn.Linear(4, 4), transposed(2, 3, 2))
    net = nn.Sequential(convolution(2, 3, 2), nn.Conv1d(2, 3, 2), inner, convolution(2, 2, 3)).to(subject.device)
    held, state = list(net.parameters()), copy.deepcopy({n: host.array(p) for n, p in net.state_dict().items()})
    act = getattr(nn.utils, f"convert_conv{rank}_weight_memory_format")
    require(act(net, layout) is net, "another object comes back")
    for part in (net[0], inner[1], net[3]):
        require(part.weight.is_contiguous(memory_format=layout), f"the weight of {part} is not {layout}")
    for part in (net[1], inner[0]):
        require(part.weight.is_contiguous(), f"the weight of {part} is no more contiguous")
    require(all(p is q for p, q in zip(net.parameters(), held, strict=True)), "a Parameter is another object")
    for name, values in state.items():
        assert_values(f"{name} afterwards", net.state_dict()[name], values)
    alone = convolution(2, 3, 2).to(subject.device)
    require(
        act(alone, layout).weight.is_contiguous(memory_format=layout), f"the weight of a layer alone is not {layout}"
    )


class Times(nn.Module):
    """So many times what it is given; its inverse divides."""

    def __init__(self, times: float) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.times * x

    def right_inverse(self, x: torch.Tensor) -> torch.Tensor:
        return x / self.times


def parametrised(subject, *names: str) -> nn.Module:
    """A layer whose parameters are twice and then four times their originals."""
    layer = nn.Linear(2, 2).to(subject.device).double()
    for name in names:
        value = np.arange(1.0, 1 + getattr(layer, name).numel()).reshape(tuple(getattr(layer, name).shape)) * 8
        getattr(layer, name).data = host.tensor(value, "float64", subject.device)
        for times in (2.0, 4.0):
            parametrize.register_parametrization(layer, name, Times(times))
    return layer


@check("module.transfer-parametrizations", since="2.0")
def test_parametrizations_are_transferred(subject):
    act = parametrize.transfer_parametrizations_and_params
    for only in (None, "weight", "bias"):
        source, other = parametrised(subject, "weight", "bias"), nn.Linear(2, 2).to(subject.device).double()
        before = {name: host.array(p) for name, p in other.named_parameters()}
        due = {name: host.array(getattr(source, name).detach()) for name in ("weight", "bias")}
        named: dict[str, Any] = {} if only is None else {"tensor_name": only}
        require(act(source, other, **named) is other, "transfer_parametrizations_and_params returns another object")
        for name in ("weight", "bias"):
            moved = only in (None, name)
            require(
                parametrize.is_parametrized(other, name) is moved, f"{name} is parametrised, {only} was to be", moved
            )
            assert_values(f"{name} after {only}", getattr(other, name).detach(), due[name] if moved else before[name])
            if moved:
                parts = other.parametrizations[name]
                assert_same(f"the parametrisations of {name}", [part.times for part in parts], [2.0, 4.0])
                assert_values(f"the original of {name}", parts.original.detach(), due[name] / 8)
                assert_values(f"{name} of the source", getattr(source, name).detach(), due[name])
    empty, plain = nn.Module(), nn.Linear(2, 2).to(subject.device).double()
    act(source, empty, "weight")
    assert_values("a weight that was not there before", empty.weight.detach(), due["weight"])
    act(nn.Linear(2, 2), plain)
    require(not parametrize.is_parametrized(plain), "a plain layer makes another one parametrised")


@check("module.clip-grad-norm-old")
def test_the_old_name_clips_and_warns(subject):
    grads = np.array([3.0, 0.0]), np.array([-4.0, 12.0])
    for norm, size in ((2, 13.0), (1, 19.0), (float("inf"), 12.0)):
        for limit in (6.5, 26.0):
            held = [nn.Parameter(torch.zeros(2, dtype=torch.float64, device=subject.device)) for _ in grads]
            for parameter, grad in zip(held, grads, strict=True):
                parameter.grad = host.tensor(grad, "float64", subject.device)
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                found = nn.utils.clip_grad_norm(iter(held), limit, norm_type=norm)
            call = f"clip_grad_norm(max_norm={limit}, norm_type={norm})"
            warned = any(issubclass(w.category, (FutureWarning, UserWarning)) for w in seen)
            require(warned, f"{call} warns of nothing")
            assert_values(call, found, size, RECURRENCE.over(4), size)
            for parameter, grad in zip(held, grads, strict=True):
                due = grad * min(1.0, limit / (size + 1e-6))
                assert_values(f"a gradient after {call}", parameter.grad, due, RECURRENCE.over(8), 12.0)

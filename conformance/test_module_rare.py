"""Modules and parametrisations in rarer uses: wide complex numbers, several outputs, frozen weights, failures."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.module_tree import assert_same

pytestmark = must_answer

VALUES = np.array([[1.0, -2.0], [4.0, 8.0]])


class Doubled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x

    def right_inverse(self, x: torch.Tensor) -> torch.Tensor:
        return x / 2


class Product(nn.Module):
    """A tensor as the product of two."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x * y

    def right_inverse(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x / 2, torch.full_like(x, 2.0)


def layer_of(subject) -> nn.Module:
    """A layer with a weight, a bias and a buffer of values that can be halved."""
    layer = nn.Linear(2, 2).to(subject.device).double()
    layer.weight.data = host.tensor(VALUES, "float64", subject.device)
    layer.bias.data = host.tensor(VALUES[0], "float64", subject.device)
    layer.register_buffer("shift", host.tensor(VALUES[1], "float64", subject.device))
    return layer


@check("module.to-complex")
def test_every_complex_dtype_takes_floats(subject):
    for name in filter(subject.supports, ("complex64", "complex128")):
        for dtype in filter(subject.supports, ("float32", "float64", name)):
            net = layer_of(subject).to(host.torch_dtype(dtype))
            net.to(host.torch_dtype(name))
            for tensor, due in ((net.weight, VALUES), (net.bias, VALUES[0]), (net.shift, VALUES[1])):
                assert_values(f"to({name}) from {dtype}", tensor.detach(), due.astype(name), dtype=name)


class Two(nn.Module):
    """Two outputs of two inputs."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * 2, y * 3


@check("module.full-backward-pre-hook", since="2.0")
def test_an_answer_has_a_gradient_for_each_output(subject):
    for answer, factors in ((None, (1, 1)), ((10, 100), (10, 100)), ((1, 7), (1, 7)), ((5, 1), (5, 1))):
        net, seen = Two(), []

        def before(module: nn.Module, grads: tuple, answer=answer, seen=seen) -> tuple | None:
            seen.append([grad.tolist() for grad in grads])
            return answer and tuple(grad * factor for grad, factor in zip(grads, answer, strict=True))

        net.register_full_backward_pre_hook(before)
        x, y = (torch.ones(2, device=subject.device, requires_grad=True) for _ in range(2))
        a, b = net(x, y)
        (a.sum() + 4 * b.sum()).backward()
        assert_same("the gradients that the hook is given", seen, [[[1.0, 1.0], [4.0, 4.0]]])
        assert_values(f"the gradient of the first input, {answer}", x.grad, np.full(2, 2.0 * factors[0]))
        assert_values(f"the gradient of the second input, {answer}", y.grad, np.full(2, 12.0 * factors[1]))


@check("module.parametrize")
def test_a_frozen_weight_has_frozen_originals(subject):
    for way in (Doubled, Product):
        for flag in (False, True):
            layer = layer_of(subject)
            layer.weight.requires_grad_(flag)
            parametrize.register_parametrization(layer, "weight", way())
            parts = dict(layer.parametrizations.weight.named_parameters())
            assert_same("the originals", len(parts), 1 + (way is Product))
            assert_same("their flags", {p.requires_grad for p in parts.values()}, {flag})
            assert_values("the weight", layer.weight.detach(), VALUES, dtype="float64")
            require(layer.weight.requires_grad is flag, "the flag of the weight", flag)


@check("module.parametrize")
def test_a_buffer_stays_a_buffer(subject):
    for leave, factor in ((True, 1.0), (False, 0.5)):
        layer = layer_of(subject)
        names = [name for name, _ in layer.named_parameters()]
        parametrize.register_parametrization(layer, "shift", Doubled())
        assert_same("buffers", [n for n, _ in layer.named_buffers()], ["parametrizations.shift.original"])
        assert_same("parameters", [n for n, _ in layer.named_parameters()], names)
        parametrize.remove_parametrizations(layer, "shift", leave_parametrized=leave)
        assert_same("buffers afterwards", [n for n, _ in layer.named_buffers()], ["shift"])
        assert_same("parameters afterwards", [n for n, _ in layer.named_parameters()], names)
        assert_values(f"the buffer, leave_parametrized={leave}", layer.shift, VALUES[1] * factor, dtype="float64")


@check("module.parametrize")
def test_one_parametrisation_is_removed_at_a_time(subject):
    names = {"weight": VALUES, "bias": VALUES[0], "shift": VALUES[1]}
    for name in names:
        layer = layer_of(subject)
        for other in names:
            parametrize.register_parametrization(layer, other, Doubled())
        parametrize.remove_parametrizations(layer, name)
        for other, due in names.items():
            call = f"{other} after that of {name} was removed"
            require(parametrize.is_parametrized(layer, other) is (other != name), f"{call}: is_parametrized")
            assert_values(call, getattr(layer, other).detach(), due)


@check("module.parametrize")
def test_several_originals_cannot_be_left(subject):
    layer = layer_of(subject)
    parametrize.register_parametrization(layer, "weight", Product())
    remove = parametrize.remove_parametrizations
    call = "remove_parametrizations with two originals, leave_parametrized=False"
    assert_raises(call, ValueError, lambda: remove(layer, "weight", leave_parametrized=False))
    require(parametrize.is_parametrized(layer, "weight"), "the weight is not parametrised after a refusal")
    remove(layer, "weight")
    assert_values("the weight that is left", layer.weight.detach(), VALUES)


class Noting(nn.Module):
    """Its mode decides what it computes, and it can fail after it has read its parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((2,), 3.0))
        self.register_buffer("shift", torch.full((2,), 5.0))

    def forward(self, x: torch.Tensor, fail: bool = False) -> torch.Tensor:
        out = x * self.scale + self.shift
        if fail:
            raise ArithmeticError("as told")
        return out if self.training else -out


@check("module.functional-call", since="2.0")
def test_a_call_has_the_mode_of_the_module(subject):
    x, net = torch.ones(2, device=subject.device), Noting().to(subject.device)
    for mode, due in ((True, 9.0), (False, -9.0), (True, 9.0)):
        net.train(mode)
        out = torch.func.functional_call(net, {"scale": x * 4}, (x,))
        assert_values(f"functional_call, train({mode})", out.detach(), np.full(2, due))
        require(net.training is mode, "functional_call changes the mode", mode)


@check("module.functional-call", since="2.0")
def test_a_call_that_fails_or_is_refused_leaves_every_value(subject):
    x, net = torch.ones(2, device=subject.device), Noting().to(subject.device)
    call, held = torch.func.functional_call, (net.scale, net.shift)
    others = {"scale": x * 4, "shift": x * 7}
    twice = ({"scale": x}, {"scale": x * 2})
    for kind, action in (
        (ArithmeticError, lambda: call(net, others, (x, True))),
        (ArithmeticError, lambda: call(net, ({"scale": x}, {"shift": x}), (x,), {"fail": True})),
        (ValueError, lambda: call(net, twice, (x,))),
    ):
        assert_raises("functional_call of what fails, or of one name twice", kind, action)
        require(net.scale is held[0] and net.shift is held[1], "the tensors of the module are others afterwards")
        assert_values("the parameter afterwards", net.scale.detach(), np.full(2, 3.0))
        assert_values("the buffer afterwards", net.shift, np.full(2, 5.0))
    assert_values("a call afterwards", call(net, others, (x,)).detach(), np.full(2, 11.0))
    assert_values("the module afterwards", net(x).detach(), np.full(2, 8.0))

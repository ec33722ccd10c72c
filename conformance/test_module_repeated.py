"""What happens again and again, or twice at once: hooks, parametrisations, and calls handed from layer to layer."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import GRADIENT
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


def ones(subject, *shape: int) -> torch.Tensor:
    return torch.ones(shape, dtype=torch.float64, device=subject.device).requires_grad_()


HOOKS = (
    "register_forward_pre_hook", "register_forward_hook", "register_full_backward_pre_hook",
    "register_full_backward_hook",
)  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(HOOKS[0], marks=check("module.forward-pre-hook")),
        pytest.param(HOOKS[1], marks=check("module.forward-hook")),
        pytest.param(HOOKS[2], marks=check("module.full-backward-hook", since="2.0")),
        pytest.param(HOOKS[3], marks=check("module.full-backward-hook")),
    ],
)
def test_two_hooks_run_in_every_one_of_many_passes(subject, kind):
    for net in (
        nn.Linear(3, 3).to(subject.device).double(),
        nn.Sequential(nn.Linear(3, 3).to(subject.device).double()),
    ):
        log: list[str] = []
        handles = [
            getattr(net, kind)(lambda *args: log.append("first")),
            getattr(net, kind)(lambda *args: log.append("second")),
        ]
        for times in range(1, 7):
            net(ones(subject, 2, 3)).sum().backward()
            assert_same(f"calls of two hooks in {times} passes ({kind})", log, ["first", "second"] * times)
        handles[0].remove()
        net(ones(subject, 2, 3)).sum().backward()
        assert_same("calls after one of them was removed", log[12:], ["second"])


FOR_ALL = {
    "register_module_forward_pre_hook": lambda net, x: net(x),
    "register_module_forward_hook": lambda net, x: net(x),
    "register_module_full_backward_pre_hook": lambda net, x: net(x).sum().backward(),
    "register_module_full_backward_hook": lambda net, x: net(x).sum().backward(),
    "register_module_parameter_registration_hook": lambda net, x: net.register_parameter("new", nn.Parameter(x)),
    "register_module_buffer_registration_hook": lambda net, x: net.register_buffer("kept", x.detach()),
    "register_module_module_registration_hook": lambda net, x: net.add_module("part", nn.ReLU()),
}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            name,
            marks=check(
                "module.registration-hooks" if name.endswith("registration_hook") else "module.global-hooks",
                since="2.0" if name.endswith(("backward_pre_hook", "registration_hook")) else None,
            ),
        )
        for name in FOR_ALL
    ],
)
def test_several_hooks_for_all_modules_run_each_time(subject, kind):
    log: list[str] = []
    with contextlib.ExitStack() as stack:
        for name in ("first", "second", "third"):
            register = getattr(nn.modules.module, kind)
            handle = register(lambda *args, name=name: log.append(name))
            stack.callback(handle.remove)
        for times in range(1, 5):
            FOR_ALL[kind](nn.Linear(3, 3).to(subject.device).double(), ones(subject, 2, 3))
            found = [name for name in log if name in ("first", "second", "third")]
            count = found.count("first")
            require(count >= times, f"calls of the first hook in {times} turns ({kind})", f"at least {times}", count)
            assert_same(f"calls of three hooks ({kind})", found, ["first", "second", "third"] * count)
    before = len(log)
    FOR_ALL[kind](nn.Linear(3, 3).to(subject.device).double(), ones(subject, 2, 3))
    assert_same("calls after all were removed", len(log), before)


@check("module.full-backward-hook", since="2.0")
def test_the_gradients_that_a_hook_sees_can_be_differentiated(subject):
    seen: list[tuple] = []
    net = nn.Linear(3, 2, bias=False).to(subject.device).double()
    net.register_full_backward_hook(lambda module, inputs, outputs: seen.append((inputs[0], outputs[0])))
    x = ones(subject, 1, 3)
    (net(x) ** 2).sum().backward(create_graph=True)
    given, grown = seen[0]
    require(given.requires_grad and grown.requires_grad, "gradients in a hook, with create_graph=True, are untracked")
    weight = host.array(net.weight.detach())
    found = torch.autograd.grad(grown.sum(), x)[0]
    due = 2 * weight.sum(0, keepdims=True)
    assert_values("the derivative of a gradient", found, due, GRADIENT.over(16), np.abs(due) + 1)
    for parameter in net.parameters():
        parameter.grad = None


class Parts(nn.Module):
    """Notes what it is given, and returns something else."""

    def __init__(self, log: list[Any], answer: Any) -> None:
        super().__init__()
        self.log, self.answer = log, answer

    def forward(self, *args: Any) -> Any:
        self.log.append(args)
        return self.answer


@check("module.sequential-runs-in-order")
def test_a_sequential_hands_on_what_it_gets_as_it_is(subject):
    for answer in ((1, 2), [1, 2], None, {"a": 1}, (), "text", ((3,),)):
        log: list[Any] = []
        net = nn.Sequential(Parts(log, answer), Parts(log, answer), Parts(log, "end"))
        assert_same("the last answer", net("start"), "end")
        assert_same(f"what each layer is given where {answer!r} is handed on", log, [("start",), (answer,), (answer,)])


class Times(nn.Module):
    """x times a factor, and back."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor

    def right_inverse(self, x: torch.Tensor) -> torch.Tensor:
        return x / self.factor


class Plus(nn.Module):
    """x and one more."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1

    def right_inverse(self, x: torch.Tensor) -> torch.Tensor:
        return x - 1


@check("module.parametrize")
def test_parametrisations_follow_each_other(subject):
    layer = nn.Linear(2, 2).to(subject.device).double()
    values = np.array([[8.0, 16.0], [4.0, 32.0]])
    layer.weight.data = host.tensor(values, "float64", subject.device)
    parts = [Times(4.0), Plus(), Times(2.0)]
    for part, due in zip(parts, (values, values + 1, 2 * (values + 1)), strict=True):
        parametrize.register_parametrization(layer, "weight", part)
        assert_values("the weight with one more", layer.weight.detach(), due)
    require(list(layer.parametrizations.weight) == parts, "the parametrisations in order", parts, "others")
    assert_values("the original", layer.parametrizations.weight.original.detach(), values / 4)
    layer.weight = host.tensor(values * 2, "float64", subject.device)
    assert_values("the original of another weight", layer.parametrizations.weight.original.detach(), (values - 1) / 4)
    assert_values("another weight", layer.weight.detach(), values * 2)
    layer.weight.sum().backward()
    assert_values("the gradient of the original", layer.parametrizations.weight.original.grad, np.full((2, 2), 8.0))
    parametrize.remove_parametrizations(layer, "weight")
    assert_values("the weight afterwards", layer.weight.detach(), values * 2)


class Wrong(nn.Module):
    """Returns what no weight may be."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x: torch.Tensor) -> Any:
        return self.answer(x)


@check("module.parametrize", since="2.0")
def test_a_parametrisation_of_another_shape_or_dtype_is_unsafe(subject):
    answers = {
        "another shape": (lambda x: x[:1] * 1, ValueError),
        "another dtype": (lambda x: x.float(), ValueError),
        "no tensor": (lambda x: 3, ValueError),
    }
    for name, (answer, kind) in answers.items():
        layer = nn.Linear(2, 2).to(subject.device).double()
        register = lambda **k: parametrize.register_parametrization(layer, "weight", Wrong(answer), **k)  # noqa: E731
        assert_raises(f"a parametrisation that gives {name}", kind, register)
        require(not parametrize.is_parametrized(layer), "the layer is parametrised after it was refused")
        require(type(layer.weight) is nn.Parameter, "the weight after it was refused", nn.Parameter, type(layer.weight))
        if name == "another shape":
            register(unsafe=True)
            assert_same("the shape with unsafe=True", tuple(layer.weight.shape), (1, 2))
    layer = nn.Linear(2, 2)
    assert_raises("of a name of nothing", ValueError, lambda: parametrize.register_parametrization(layer, "x", Plus()))
    parametrize.register_parametrization(layer, "weight", Plus())
    require(parametrize.type_before_parametrizations(layer) is nn.Linear, "type_before_parametrizations", nn.Linear, 0)
    require(parametrize.type_before_parametrizations(nn.ReLU()) is nn.ReLU, "of a plain module", nn.ReLU, 0)


@check("module.to-only-floats")
def test_a_single_layer_of_any_kind_is_converted(subject):
    kinds = (nn.BatchNorm2d(3), nn.Linear(2, 2), nn.GroupNorm(1, 2), nn.LayerNorm(2), nn.Embedding(3, 2), nn.LSTM(2, 2))
    for layer in kinds:
        layer.to(subject.device)
        for name, dtype in (("half", torch.float16), ("bfloat16", torch.bfloat16), ("double", torch.float64)):
            require(getattr(layer, name)() is layer, f"{name}() gives another object")
            found = {t.dtype for t in layer.state_dict().values() if t.is_floating_point()}
            assert_same(f"dtypes of {type(layer).__name__} after {name}()", found, {dtype})

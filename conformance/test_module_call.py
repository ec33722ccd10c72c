"""Calling a module, by example: forward with its arguments, and hooks before, after and in the backward pass."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.module_samples import X, given, marking, recorder
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


@check("module.subclass-with-forward")
def test_calling_runs_forward_with_all_arguments(subject):
    net, x = recorder(), given(subject)
    for plus, rest, named in (
        (0.0, (), {}),
        (1.0, (), {}),
        (2.0, ("a", 3), {}),
        (3.0, (None,), {"key": x, "other": 5}),
    ):
        net.log.clear()
        out = net(x, plus, *rest, **named)
        assert_values(f"net(x, {plus}, *{rest}, **{sorted(named)})", out, 2 * X + plus)
        assert_same("what forward was given", net.log, [("forward", plus, rest, named)])
    net.log.clear()
    assert_values("net(plus=4.0, x=x)", net(plus=4.0, x=x), 2 * X + 4)
    assert_same("what forward was given", net.log, [("forward", 4.0, (), {})])


@check("module.multiple-outputs")
def test_forward_may_return_anything(subject):
    x = given(subject)
    results = [x, (x, x), [x, x, x], {"a": x, "b": [x]}, None, 3, "text"]

    class Giving(nn.Module):
        def forward(self, place):
            return results[place]

    net = Giving()
    for place, result in enumerate(results):
        require(net(place) is result, f"calling returns {net(place)!r:.60} where forward returned {result!r:.60}")


@check("module.multiple-outputs")
def test_gradients_can_start_from_each_output(subject):
    class Stages(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(given(subject, np.array([1.0, 2.0, 3.0])))

        def forward(self, x):
            first = x * self.w
            second = first * self.w
            return [first, second, second * self.w]

    weight = np.array([1.0, 2.0, 3.0])
    for place in range(3):
        net = Stages().to(subject.device)
        outs = net(given(subject))
        assert_same("number of outputs", len(outs), 3)
        for power, out in enumerate(outs, start=1):
            assert_values(f"output {power}", out, X * weight**power)
        outs[place].sum().backward()
        assert_values(f"the gradient from output {place}", net.w.grad, X * (place + 1) * weight**place)


@check("module.forward-is-required")
def test_a_module_without_forward_can_be_made_but_not_called(subject):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

    x = torch.ones(3, device=subject.device)
    for net, call in ((Net(), "net"), (nn.Module(), "nn.Module()"), (nn.ModuleList([nn.ReLU()]), "ModuleList")):
        assert_raises(f"{call}(x) without forward", NotImplementedError, lambda: net(x))
        assert_raises(f"{call}.forward(x)", NotImplementedError, lambda: net.forward(x))
    assert_raises("ModuleDict(x)", NotImplementedError, lambda: nn.ModuleDict({"a": nn.ReLU()})(x))


@check("module.forward-errors-pass")
def test_an_error_of_forward_reaches_the_caller_and_the_module_still_works(subject):
    class Picky(nn.Module):
        def forward(self, x, fail=None):
            if fail is not None:
                raise fail
            return x + 1

    net, log = Picky(), []
    net.register_forward_pre_hook(marking(log, "before"))
    net.register_forward_hook(marking(log, "after"))
    for error in (ValueError("a"), KeyError("b"), ZeroDivisionError("c"), RuntimeError("d")):
        raised = assert_raises("net(x, fail)", type(error), lambda: net(given(subject), error))
        require(raised is error, f"another {type(error).__name__} arrives than was raised")
        log.clear()
        assert_values("net(x) after an error", net(given(subject)), X + 1)
        assert_same("hooks after an error", log, ["before", "after"])


def affine(subject: Subject) -> nn.Module:
    """A network with a parameter of its own, one in a list, a layer, a layer that forward leaves out, and a buffer."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(given(subject, SCALE))
            self.shift = nn.ParameterList([given(subject, np.ones(3))])
            self.inner = nn.Linear(3, 2)
            self.unused = nn.Linear(3, 2)
            self.register_buffer("offset", torch.ones(3))

        def forward(self, x):
            return self.inner(x * self.scale + self.shift[0] + self.offset)

    net = Net().to(subject.device)
    net.inner.weight.data, net.inner.bias.data = given(subject, WEIGHT), given(subject, np.zeros(2))
    return net


SCALE, WEIGHT = np.array([1.0, 2.0, 4.0]), np.array([[1.0, -1.0, 2.0], [0.0, 3.0, 1.0]])


@check("module.backward-is-automatic")
def test_backward_fills_the_gradient_of_every_parameter_in_use(subject):
    net = affine(subject)
    x, seed = np.stack([X, X + 1]), np.array([[1.0, 2.0], [3.0, -1.0]])
    inner, back = x * SCALE + 2, seed @ WEIGHT
    due = {
        "scale": (back * x).sum(0),
        "shift.0": back.sum(0),
        "inner.weight": seed.T @ inner,
        "inner.bias": seed.sum(0),
    }
    for turn in (1, 2):
        out = net(given(subject, x))
        (out * given(subject, seed)).sum().backward()
        assert_values("net(x)", out.detach(), inner @ WEIGHT.T)
        for name, gradient in due.items():
            assert_values(f"the gradient of {name} after {turn} passes", net.get_parameter(name).grad, turn * gradient)
    require(
        all(p.grad is None for p in net.unused.parameters()), "a parameter that forward does not use has a gradient"
    )
    require(net.offset.grad is None and not net.offset.requires_grad, "a buffer has a gradient")
    require(not hasattr(net, "backward"), "a module has a method backward")

"""What torch offers around modules, in rarer uses: calls with other tensors, vectors, parametrisations."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.module_samples import X, given
from conformance.tables.module_tree import assert_same
from properties.strategies.values import distinct

pytestmark = must_answer


class Tied(nn.Module):
    """x * a + b * buffer + plus, where b is a."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.full((3,), 2.0, device=subject.device))
        self.b = self.a
        self.register_buffer("shift", torch.full((3,), 10.0, device=subject.device))

    def forward(self, x: torch.Tensor, plus: float = 0.0, *, times: float = 1.0) -> torch.Tensor:
        return (x * self.a + self.b * self.shift + plus) * times


@check("module.functional-call", since="2.0")
def test_a_call_takes_arguments_in_every_form(subject):
    net, x = Tied(subject), given(subject)
    call = torch.func.functional_call
    due = 2 * X + 20
    for found, wanted in (
        (call(net, {}, (x,)), due),
        (call(net, {}, x), due),
        (call(net, {}, (x, 5.0)), due + 5),
        (call(net, {}, (x,), {"times": 3.0}), due * 3),
        (call(net, {}, x, {"plus": 1.0, "times": 3.0}), (due + 1) * 3),
        (call(net, {}, (), {"x": x}), due),
    ):
        assert_values("functional_call(net, {}, …)", found.detach(), wanted)


@check("module.functional-call", since="2.0")
def test_a_call_replaces_buffers_and_tied_parameters(subject):
    net, x = Tied(subject), given(subject)
    held = net.a, net.shift
    call = torch.func.functional_call
    seven, one = (torch.full((3,), value, device=subject.device) for value in (7.0, 1.0))
    for found, wanted in (
        (call(net, {"shift": one}, (x,)), 2 * X + 2),
        (call(net, {"a": seven}, (x,)), 7 * X + 70),
        (call(net, {"b": seven}, (x,)), 7 * X + 70),
        (call(net, {"a": seven}, (x,), tie_weights=False), 7 * X + 20),
        (call(net, {"a": seven, "shift": one}, (x,)), 7 * X + 7),
        (call(net, ({"a": seven}, {"shift": one}), (x,)), 7 * X + 7),
    ):
        assert_values("functional_call with other tensors", found.detach(), wanted)
        require(net.a is held[0] and net.b is held[0] and net.shift is held[1], "functional_call changes the module")
    assert_values("the parameter afterwards", net.a.detach(), np.full(3, 2.0))
    assert_values("the buffer afterwards", net.shift, np.full(3, 10.0))
    leaf = seven.clone().requires_grad_()
    call(net, {"a": leaf}, (x,)).sum().backward()
    assert_values("the gradient of the tensor given", leaf.grad, X + 10)
    require(net.a.grad is None, "a parameter of the module got a gradient")


@check("module.functional-call", since="2.0")
def test_a_call_that_fails_leaves_the_module_alone(subject):
    net = Tied(subject)
    held = net.a, net.shift
    one = torch.ones(3, device=subject.device)
    call = torch.func.functional_call
    for kind, action in (
        (RuntimeError, lambda: call(net, {"a": one, "b": one, "shift": one, "x": one}, (one,), strict=True)),
        (RuntimeError, lambda: call(net, {"shift": one}, (one,), strict=True)),
        (TypeError, lambda: call(net, {"a": one}, ())),
        (RuntimeError, lambda: call(net, {"a": torch.ones(5, device=subject.device)}, (one,))),
    ):
        assert_raises("functional_call", kind, action)
        require(net.a is held[0] and net.shift is held[1], "a functional_call that failed changed the module")
    out = call(net, {"a": one, "shift": one}, (one,), strict=True)
    assert_values("functional_call with strict=True", out.detach(), np.full(3, 2.0))


@check("module.parameters-to-vector")
def test_a_vector_of_parameters_is_in_the_graph(subject):
    shapes = ((3,), (), (2, 5), (0, 2), (40, 30))
    params = [nn.Parameter(host.tensor(distinct("float32", shape), "float32", subject.device)) for shape in shapes]
    params[0].requires_grad_(False)
    vector = nn.utils.parameters_to_vector(iter(params))
    due = np.concatenate([host.array(p.detach()).ravel() for p in params])
    assert_values("parameters_to_vector", vector.detach(), due, dtype="float32")
    (vector * 3).sum().backward()
    require(params[0].grad is None, "a frozen parameter got a gradient")
    for param in params[1:]:
        assert_values("a gradient through the vector", param.grad, np.full(tuple(param.shape), 3.0))
    other = host.tensor(due[::-1].copy(), "float32", subject.device)
    before = [(id(p), p.requires_grad, p.is_leaf) for p in params]
    nn.utils.vector_to_parameters(other, params)
    assert_same("objects and flags", [(id(p), p.requires_grad, p.is_leaf) for p in params], before)
    found = np.concatenate([host.array(p.detach()).ravel() for p in params])
    require(np.array_equal(found, due[::-1]), "vector_to_parameters writes other values", due[::-1], found)


class Doubled(nn.Module):
    """Twice what it is given, and the number of times that it was asked."""

    calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return 2 * x


def parametrised(subject: Subject) -> tuple[nn.Module, Doubled]:
    layer, double = nn.Linear(3, 1).to(subject.device), Doubled()
    layer.weight.data = given(subject, X[None])
    parametrize.register_parametrization(layer, "weight", double)
    return layer, double


@check("module.parametrize")
def test_a_parametrisation_may_leave_the_original(subject):
    for leave, due in ((True, 2 * X), (False, X)):
        layer, _ = parametrised(subject)
        asked = [parametrize.is_parametrized(layer, name) for name in ("weight", "bias", "missing")]
        assert_same("is_parametrized", asked, [True, False, False])
        require(isinstance(layer, nn.Linear), "a parametrised layer is of another class")
        out = parametrize.remove_parametrizations(layer, "weight", leave_parametrized=leave)
        require(out is layer and not parametrize.is_parametrized(layer), "the parametrisation is still there")
        assert_values(f"the weight left with leave_parametrized={leave}", layer.weight.detach(), due[None])
        require(type(layer) is nn.Linear and type(layer.weight) is nn.Parameter, "no plain layer afterwards")
        assert_same("names", sorted(name for name, _ in layer.named_parameters()), ["bias", "weight"])


@check("module.parametrize")
def test_a_cached_parametrisation_is_computed_once_in_its_block(subject):
    layer, double = parametrised(subject)
    with parametrize.cached():
        double.calls = 0
        first = layer.weight
        require(layer.weight is first, "the cached weight is another object at its second use")
        assert_same("times that the weight was computed", double.calls, 1)
    with torch.no_grad():
        layer.parametrizations.weight.original.fill_(5.0)
    for turn in (1, 2):
        assert_values("the weight after the block", layer.weight.detach(), np.full((1, 3), 10.0))
        assert_same("times that it was computed", double.calls, 1 + turn)
    layer, double = parametrised(subject)
    net = nn.Sequential(layer, nn.Linear(1, 1).to(subject.device))
    with torch.no_grad():
        net[1].weight.fill_(1.0), net[1].bias.zero_(), layer.bias.zero_()
    found = net(given(subject)).detach()
    assert_values("a network with it", found, np.array([2 * (X * X).sum()]))


@check("module.print-wide")
def test_a_network_of_many_parts_prints_them_all(subject):
    for count in (1, 9, 10, 11, 30):
        net = nn.Sequential(*(nn.Linear(n + 1, n + 2) for n in range(count)))
        rows = [f"  ({n}): Linear(in_features={n + 1}, out_features={n + 2}, bias=True)" for n in range(count)]
        assert_same(f"{count} layers", repr(net), "\n".join(["Sequential(", *rows, ")"]))
        listed = nn.ModuleList(net)
        assert_same(f"{count} in a ModuleList", repr(listed), "\n".join(["ModuleList(", *rows, ")"]))
        table = nn.ModuleDict({f"n{n}": layer for n, layer in enumerate(net)})
        named = [row.replace("(", "(n", 1) for row in rows]
        assert_same(f"{count} in a ModuleDict", repr(table), "\n".join(["ModuleDict(", *named, ")"]))

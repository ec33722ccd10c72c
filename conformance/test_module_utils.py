"""What torch offers around modules, by example: parameters as a vector, calls with others, parametrisations."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import models as oracle
from conformance.tables.models_networks import fill, image, mlp
from conformance.tables.module_tree import assert_same

pytestmark = must_answer

NAMES = tuple(f"{layer}.{kind}" for layer in ("hidden1", "hidden2", "predict") for kind in ("weight", "bias"))


def answer(x: np.ndarray, state: dict[str, np.ndarray]) -> np.ndarray:
    """What the small network computes."""
    for layer in ("hidden1", "hidden2", "predict"):
        x = oracle.linear(x, state[f"{layer}.weight"], state[f"{layer}.bias"])
        x = x if layer == "predict" else oracle.relu(x)
    return x


@check("module.parameters-to-vector")
def test_parameters_become_one_vector_and_back(subject):
    net = mlp().to(subject.device)
    state = fill(net, NAMES, subject)
    due = np.concatenate([state[name].ravel() for name in NAMES])
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert_values("parameters_to_vector", vector.detach(), due, dtype="float64")
    held = list(net.parameters())
    other = host.tensor(np.arange(len(due)) * 2.0, "float64", subject.device)
    nn.utils.vector_to_parameters(other, net.parameters())
    require(
        all(p is q for p, q in zip(net.parameters(), held, strict=True)), "vector_to_parameters replaces Parameters"
    )
    start = 0
    for name in NAMES:
        count = state[name].size
        values = (np.arange(start, start + count) * 2.0).reshape(state[name].shape)
        assert_values(f"{name} afterwards", net.get_parameter(name).detach(), values)
        start += count


@check("module.functional-call", since="2.0")
def test_a_call_with_other_parameters_leaves_the_module_alone(subject):
    net = mlp().to(subject.device)
    state = fill(net, NAMES, subject)
    values, x = image(subject, (4, 2))
    other = {name: oracle.sparse(70 + n, state[name].shape, 1) for n, name in enumerate(NAMES)}
    given = {name: host.tensor(value, "float64", subject.device).requires_grad_() for name, value in other.items()}
    held = dict(net.named_parameters())
    for part in (NAMES, NAMES[:2], ()):
        out = torch.func.functional_call(net, {name: given[name] for name in part}, (x,))
        assert_values(
            f"functional_call with {part}", out.detach(), answer(values, {**state, **{n: other[n] for n in part}})
        )
        assert_values("the module itself afterwards", net(x).detach(), answer(values, state))
    require(all(net.get_parameter(name) is held[name] for name in NAMES), "functional_call replaces Parameters")
    torch.func.functional_call(net, given, (x,)).sum().backward()
    require(all(p.grad is None for p in net.parameters()), "a parameter of the module got a gradient")
    require(all(tensor.grad is not None for tensor in given.values()), "a tensor given got none")


class Doubled(nn.Module):
    """Twice what it is given; its inverse halves."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x

    def right_inverse(self, x: torch.Tensor) -> torch.Tensor:
        return x / 2


@check("module.parametrize")
def test_a_parametrised_weight_is_computed_from_its_original(subject):
    from torch.nn.utils import parametrize

    layer = nn.Linear(2, 1, bias=False).to(subject.device)
    layer.weight.data = host.tensor(np.array([[3.0, 5.0]]), "float32", subject.device)
    require(not parametrize.is_parametrized(layer), "a plain layer is called parametrised")
    parametrize.register_parametrization(layer, "weight", Doubled())
    assert_same("names", [name for name, _ in layer.named_parameters()], ["parametrizations.weight.original"])
    require(parametrize.is_parametrized(layer, "weight"), "the weight is not called parametrised")
    original = layer.parametrizations.weight.original
    assert_values("the original", original.detach(), np.array([[1.5, 2.5]]))
    with torch.no_grad():
        original.copy_(host.tensor(np.array([[1.0, -1.0]]), "float32", subject.device))
    x = host.tensor(np.array([[3.0, 2.0]]), "float32", subject.device)
    assert_values("weight", layer.weight.detach(), np.array([[2.0, -2.0]]))
    assert_values("layer(x)", layer(x).detach(), np.array([[2.0]]))
    layer(x).sum().backward()
    assert_values("the gradient of the original", original.grad, np.array([[6.0, 4.0]]))
    layer.weight = host.tensor(np.array([[8.0, 4.0]]), "float32", subject.device)
    assert_values("the original after assigning the weight", original.detach(), np.array([[4.0, 2.0]]))
    parametrize.remove_parametrizations(layer, "weight")
    assert_same("names afterwards", [name for name, _ in layer.named_parameters()], ["weight"])
    assert_values("the weight afterwards", layer.weight.detach(), np.array([[8.0, 4.0]]))


@check("module.lazy")
def test_a_lazy_layer_takes_its_size_from_the_first_input(subject):
    net = nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.LazyLinear(2)).to(subject.device)
    assert_same("classes before", [type(m).__name__ for m in net], ["LazyLinear", "ReLU", "LazyLinear"])
    assert_raises("the shape of a parameter before", RuntimeError, lambda: net[0].weight.shape)
    held = net[0].weight
    out = net(torch.ones(5, 4, device=subject.device))
    assert_same(
        "shapes", [tuple(out.shape), *(tuple(p.shape) for p in net.parameters())], [(5, 2), (3, 4), (3,), (2, 3), (2,)]
    )
    assert_same("classes", [type(m).__name__ for m in net], ["Linear", "ReLU", "Linear"])
    require(net[0].weight is held and isinstance(held, nn.Parameter) and held.requires_grad, "another Parameter")
    assert_raises("another size later", RuntimeError, lambda: net(torch.ones(5, 6, device=subject.device)))

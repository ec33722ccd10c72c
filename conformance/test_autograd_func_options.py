"""torch.func: which arguments are differentiated, what else comes back, and what vmap maps over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact

pytestmark = must_answer


def f(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (x**2 * y).sum()


def pair(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x**2 * y


@check("autograd.func-argnums", since="2.0")
def test_argnums_name_the_arguments(subject: Subject) -> None:
    x, y = constant([2.0, 1.0], subject), constant([3.0, 5.0], subject)
    by = {0: [12.0, 10.0], 1: [4.0, 1.0], -1: [4.0, 1.0], -2: [12.0, 10.0]}
    for place, wanted in by.items():
        exact(f"grad(f, argnums={place})", torch.func.grad(f, argnums=place)(x, y), wanted)
        exact(f"grad_and_value(f, argnums={place})", torch.func.grad_and_value(f, place)(x, y)[0], wanted)
        matrix = [[wanted[0], 0.0], [0.0, wanted[1]]]
        exact(f"jacrev(f, argnums={place})", torch.func.jacrev(pair, argnums=place)(x, y), matrix)
        if place >= 0:
            exact(f"jacfwd(f, argnums={place})", torch.func.jacfwd(pair, argnums=place)(x, y), matrix)
    for name, made in {
        "grad": torch.func.grad(f, argnums=(1, 0)),
        "jacrev": torch.func.jacrev(f, argnums=(1, 0)),
        "jacfwd": torch.func.jacfwd(f, argnums=(1, 0)),
    }.items():
        found = made(x, y)
        require(isinstance(found, tuple) and len(found) == 2, f"{name}(f, (1, 0)) gives no pair", 2, found)
        exact(f"{name}(f, argnums=(1, 0))[0]", found[0], by[1])
        exact(f"{name}(f, argnums=(1, 0))[1]", found[1], by[0])
    exact("hessian(f)", torch.func.hessian(f)(x, y), [[6.0, 0.0], [0.0, 10.0]])
    exact("hessian(f, argnums=1)", torch.func.hessian(f, argnums=1)(x, y), [[0.0, 0.0], [0.0, 0.0]])
    exact("hessian(f, argnums=(0, 1))[0][1]", torch.func.hessian(f, (0, 1))(x, y)[0][1], [[4.0, 0.0], [0.0, 2.0]])


@check("autograd.func-jacfwd-negative", since="2.0")
def test_jacfwd_counts_arguments_from_the_end(subject: Subject) -> None:
    x, y = constant([2.0, 1.0], subject), constant([3.0, 5.0], subject)
    exact("jacfwd(f, argnums=-1)", torch.func.jacfwd(pair, argnums=-1)(x, y), [[4.0, 0.0], [0.0, 1.0]])
    exact("jacfwd(f, argnums=-2)", torch.func.jacfwd(pair, argnums=-2)(x, y), [[12.0, 0.0], [0.0, 10.0]])


@check("autograd.func-aux", since="2.0")
def test_auxiliary_results_come_back_as_they_are(subject: Subject) -> None:
    x = constant([2.0, 1.0], subject)

    def g(x: torch.Tensor) -> tuple[torch.Tensor, dict[str, Any]]:
        return (x**3).sum(), {"square": x * x}

    def judge(name: str, aux: Any) -> None:
        require(isinstance(aux, dict) and list(aux) == ["square"], f"{name} with has_aux gives back {aux!r}", dict, aux)
        exact(f"the auxiliary tensor of {name}", aux["square"], [4.0, 1.0])

    found, aux = torch.func.grad(g, has_aux=True)(x)
    exact("grad(g, has_aux=True)", found, [12.0, 3.0])
    judge("grad", aux)
    found, (value, aux) = torch.func.grad_and_value(g, has_aux=True)(x)
    exact("grad_and_value(g, has_aux=True)", found, [12.0, 3.0])
    exact("the value by grad_and_value(g, has_aux=True)", value, 9.0)
    judge("grad_and_value", aux)
    for name, jacobian in {"jacrev": torch.func.jacrev, "jacfwd": torch.func.jacfwd}.items():
        tensors = jacobian(lambda x: (x**3, x * x), has_aux=True)(x)
        exact(f"{name}(g, has_aux=True)[0]", tensors[0], [[12.0, 0.0], [0.0, 3.0]])
        exact(f"{name}(g, has_aux=True)[1]", tensors[1], [4.0, 1.0])


@check("autograd.func-aux", since="2.0")
def test_auxiliary_results_of_products_come_back_as_they_are(subject: Subject) -> None:
    x = constant([2.0, 1.0], subject)
    value, back, aux = torch.func.vjp(lambda x: (x**3, x * x), x, has_aux=True)
    exact("vjp(g, x, has_aux=True)[0]", value, [8.0, 1.0])
    exact("vjp(g, x, has_aux=True)[1](v)", back(constant([1.0, 2.0], subject))[0], [12.0, 6.0])
    exact("vjp(g, x, has_aux=True)[2]", aux, [4.0, 1.0])
    v = constant([1.0, 2.0], subject)
    value, tangent, aux = torch.func.jvp(lambda x: (x**3, x * x), (x,), (v,), has_aux=True)
    exact("jvp(g, (x,), (v,), has_aux=True)[0]", value, [8.0, 1.0])
    exact("jvp(g, (x,), (v,), has_aux=True)[1]", tangent, [12.0, 6.0])
    exact("jvp(g, (x,), (v,), has_aux=True)[2]", aux, [4.0, 1.0])


@check("autograd.func-vmap-dims", since="2.0")
def test_vmap_maps_over_the_dimensions_it_is_told(subject: Subject) -> None:
    x = constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], subject)
    y = constant([10.0, 20.0, 30.0], subject)
    rows, columns = [6.0, 15.0], [5.0, 7.0, 9.0]
    vmap = torch.func.vmap
    for dims, wanted in ((0, rows), (1, columns), (-1, columns), (-2, rows)):
        exact(f"vmap(sum, in_dims={dims})", vmap(torch.sum, in_dims=dims)(x), wanted)
    exact("vmap(dot, (0, None))", vmap(torch.dot, in_dims=(0, None))(x, y), [140.0, 320.0])
    exact("vmap(dot, (None, 0))", vmap(torch.dot, in_dims=(None, 0))(y, x), [140.0, 320.0])
    exact("vmap(mul, (-1, 0))", vmap(torch.mul, in_dims=(-1, 0))(x, y), [[10.0, 40.0], [40.0, 100.0], [90.0, 180.0]])
    exact("vmap(double, out_dims=1)", vmap(lambda r: 2 * r, out_dims=1)(x), [[2.0, 8.0], [4.0, 10.0], [6.0, 12.0]])
    exact("vmap(double, out_dims=-1)", vmap(lambda r: 2 * r, out_dims=-1)(x), [[2.0, 8.0], [4.0, 10.0], [6.0, 12.0]])
    found = vmap(lambda r: (r, r.sum()), out_dims=(1, 0))(x)
    exact("vmap(…, out_dims=(1, 0))[0]", found[0], [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]])
    exact("vmap(…, out_dims=(1, 0))[1]", found[1], rows)


@check("autograd.func-vmap-dims", since="2.0")
def test_vmap_maps_over_dicts_in_chunks_and_within_itself(subject: Subject) -> None:
    x = constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], subject)
    y, columns, vmap = constant([10.0, 20.0, 30.0], subject), [5.0, 7.0, 9.0], torch.func.vmap
    found = vmap(lambda d: d["a"] + d["b"], in_dims=({"a": 0, "b": None},))({"a": x, "b": y})
    exact("vmap over a dict", found, [[11.0, 22.0, 33.0], [14.0, 25.0, 36.0]])
    exact("vmap of vmap", vmap(vmap(lambda a: a * a))(x), [[1.0, 4.0, 9.0], [16.0, 25.0, 36.0]])
    for size in (1, 2, 5):
        exact(f"vmap with chunk_size={size}", vmap(torch.sum, in_dims=1, chunk_size=size)(x), columns)
        jacobian = torch.func.jacrev(torch.square, chunk_size=size)(y)
        exact(f"jacrev with chunk_size={size}", jacobian, [[20.0, 0.0, 0.0], [0.0, 40.0, 0.0], [0.0, 0.0, 60.0]])
    refused: dict[str, Callable[[], Any]] = {
        "vmap over sizes that differ": lambda: vmap(torch.add)(x, y),
        "vmap over nothing": lambda: vmap(torch.sum, in_dims=None)(x),
        "vmap over a dimension that is not there": lambda: vmap(torch.sum, in_dims=2)(x),
    }
    for name, call in refused.items():
        assert_raises(name, ValueError, call)


@check("autograd.func-vmap-randomness", since="2.0")
def test_vmap_draws_only_as_it_is_told(subject: Subject) -> None:
    x = constant([1.0] * 6, subject)

    def noisy(a: torch.Tensor) -> torch.Tensor:
        return a + torch.rand((), device=a.device, dtype=a.dtype)

    for options in ({}, {"randomness": "error"}):
        assert_raises(f"vmap of rand with {options}", RuntimeError, lambda o=options: torch.func.vmap(noisy, **o)(x))
    for randomness, many in (("same", False), ("different", True)):
        found = set(torch.func.vmap(noisy, randomness=randomness)(x).tolist())
        require((len(found) > 1) == many, f"vmap draws with randomness={randomness!r}", many, found)
    assert_raises("vmap(randomness='some')", RuntimeError, lambda: torch.func.vmap(noisy, randomness="some")(x))


class Scaled(torch.nn.Module):
    """Two parameters and a buffer: weight * x + bias + shift."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([weight]))
        self.bias = torch.nn.Parameter(torch.tensor([1.0]))
        self.register_buffer("shift", torch.tensor([weight * 10]))

    def forward(self, x: torch.Tensor, *, times: float = 1.0) -> torch.Tensor:
        return (self.weight * x + self.bias + self.shift) * times


@check("autograd.func-modules", since="2.0")
def test_modules_are_called_with_other_parameters(subject: Subject) -> None:
    module = Scaled(2.0).to(subject.device)
    x = constant([3.0], subject, "float32")
    given = {"weight": constant([5.0], subject, "float32"), "shift": constant([100.0], subject, "float32")}
    call = torch.func.functional_call
    exact("functional_call(m, {weight, shift}, x)", call(module, given, (x,)).detach(), [116.0], "float32")
    exact("functional_call(m, …, x) of one argument", call(module, given, x).detach(), [116.0], "float32")
    exact("functional_call with keywords", call(module, given, (x,), {"times": 2.0}).detach(), [232.0], "float32")
    parts = tuple({name: value} for name, value in given.items())
    exact("functional_call(m, ({…}, {…}), x)", call(module, parts, (x,)).detach(), [116.0], "float32")
    exact("m(x) after functional_call", module(x).detach(), [27.0], "float32")
    found = torch.func.grad(lambda w: call(module, {"weight": w}, (x,)).sum())(given["weight"])
    exact("the gradient through functional_call", found, [3.0], "float32")
    require(module.weight.grad is None, "functional_call filled .grad of the module", None, module.weight.grad)
    parameters, buffers = torch.func.stack_module_state([module, Scaled(4.0).to(subject.device)])
    require(set(parameters) == {"weight", "bias"}, "the names of stacked parameters", "weight, bias", set(parameters))
    require(set(buffers) == {"shift"}, "the names of stacked buffers", "shift", set(buffers))
    exact("the stacked weights", parameters["weight"].detach(), [[2.0], [4.0]], "float32")
    exact("the stacked buffers", buffers["shift"], [[20.0], [40.0]], "float32")
    require(parameters["weight"].requires_grad and parameters["weight"].is_leaf, "stacked parameters are leaves", True)

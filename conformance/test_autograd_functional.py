"""torch.autograd.functional: strict, create_graph, tuples and default vectors, for each of its six functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


def functional(name: str) -> Callable[..., Any]:
    return getattr(torch.autograd.functional, name)


def derivative(name: str, f: Any, inputs: Any, v: Any, **options: Any) -> Any:
    """What a function of autograd.functional says of the derivative, without the value."""
    if name in ("jacobian", "hessian"):
        return functional(name)(f, inputs, **options)
    return functional(name)(f, inputs, v, **options)[1]


# The derivatives of f(x) = sum(x ** 3) at (2, -1) with v = (3, 5): by x, and the sum of each by x once more.
X, V = [2.0, -1.0], [3.0, 5.0]
WANTED: dict[str, tuple[list, list]] = {
    "jacobian": ([12.0, 3.0], [12.0, -6.0]),
    "hessian": ([[12.0, 0.0], [0.0, -6.0]], [6.0, 6.0]),
    "vjp": ([24.0, 6.0], [24.0, -12.0]),
    "jvp": ([51.0], [36.0, -30.0]),
    "hvp": ([36.0, -30.0], [18.0, 30.0]),
    "vhp": ([36.0, -30.0], [18.0, 30.0]),
}
NAMES = list(WANTED)


def cubes(x: torch.Tensor) -> torch.Tensor:
    return (x**3).sum()


def vector(name: str, subject: Subject) -> torch.Tensor:
    return constant(2.0 if name == "vjp" else V, subject)


@check("autograd.functional-options")
@pytest.mark.parametrize("name", NAMES)
def test_create_graph_makes_results_that_can_be_differentiated(subject: Subject, name: str) -> None:
    wanted, second = WANTED[name]
    x = leaf(X, subject)
    found = derivative(name, cubes, x, vector(name, subject), create_graph=True)
    exact(f"{name} with create_graph=True", found.reshape(-1), [float(n) for n in torch.tensor(wanted).reshape(-1)])
    require(found.requires_grad, f"{name} with create_graph=True requires grad", True, False)
    exact(f"the derivative of {name}", torch.autograd.grad(found.sum(), x)[0], second)
    for options in ({}, {"create_graph": False}):
        found = derivative(name, cubes, x, vector(name, subject), **options)
        require(not found.requires_grad, f"{name} with {options or 'no options'} requires grad", False, True)
    require(x.grad is None and x.requires_grad, f"{name} changed x", None, x.grad)


@check("autograd.functional-options")
@pytest.mark.parametrize("name", NAMES)
def test_a_tuple_gives_a_tuple(subject: Subject, name: str) -> None:
    x, u = constant(X, subject), constant([1.0, 1.0], subject)
    v = vector(name, subject)
    several = {"jvp": (v, v), "hvp": (v, v), "vhp": (v, v)}
    found = derivative(name, cubes, (x,), (v,) if name in several else v)
    if name == "jvp":
        require(isinstance(found, torch.Tensor), "jvp of one result gives no tensor", torch.Tensor, type(found))
    else:
        require(isinstance(found, tuple) and len(found) == 1, f"{name} of a tuple gives no tuple", tuple, type(found))
    found = derivative(name, lambda x, u: cubes(x) + 2 * cubes(u), (x, u), several.get(name, v))
    if name == "jvp":
        exact("jvp of two inputs", found, 51.0 + 2 * 24.0)
        return
    require(isinstance(found, tuple) and len(found) == 2, f"{name} of two inputs gives no pair", tuple, type(found))
    last = found[1][1] if name == "hessian" else found[1]
    factor = {"jacobian": [6.0, 6.0], "hessian": [[12.0, 0.0], [0.0, 12.0]], "vjp": [12.0, 12.0]}
    exact(f"{name} by the second of two inputs", last, factor.get(name, [36.0, 60.0]))


@check("autograd.functional-strict")
@pytest.mark.parametrize("name", NAMES)
def test_strict_refuses_what_does_not_depend_on_its_inputs(subject: Subject, name: str) -> None:
    x = constant(X, subject)
    v = vector(name, subject)
    flat: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"no function of x": lambda x: torch.ones_like(x).sum()}
    if name in ("hessian", "hvp", "vhp"):
        flat["linear"] = lambda x: 3 * x.sum()
    for kind, f in flat.items():
        call = f"{name} of what is {kind}"
        assert_raises(f"{call}, strict=True", RuntimeError, lambda f=f: derivative(name, f, x, v, strict=True))
        found = derivative(name, f, x, v)
        require(not found.any(), f"{call} is not 0", 0, found)
    exact(
        f"{name}, strict=True",
        derivative(name, cubes, x, v, strict=True).reshape(-1)[0],
        WANTED[name][0][0] if name != "hessian" else 12.0,
    )


@check("autograd.functional-default-vector")
def test_a_vector_is_only_left_out_where_there_is_one_number(subject: Subject) -> None:
    x, one = constant(X, subject), constant([2.0], subject)
    exact("vjp of one result without a vector", functional("vjp")(cubes, x)[1], [12.0, 3.0])
    assert_raises("vjp of two results without a vector", RuntimeError, lambda: functional("vjp")(lambda x: x * x, x))
    exact("jvp of one input without a vector", functional("jvp")(lambda x: x**3, one)[1], [12.0])
    for name in ("hvp", "vhp"):
        exact(f"{name} of one input without a vector", functional(name)(cubes, one)[1], [12.0])
    for name in ("jvp", "hvp", "vhp"):
        assert_raises(
            f"{name} of two inputs without a vector", RuntimeError, lambda name=name: functional(name)(cubes, x)
        )
        assert_raises(
            f"{name} with a vector of another shape",
            RuntimeError,
            lambda name=name: functional(name)(cubes, x, constant([[1.0]], subject)),
        )
    for name in NAMES:
        assert_raises(
            f"{name} of a function that gives a number",
            TypeError,
            lambda name=name: derivative(name, lambda x: 3.0, x, vector(name, subject)),
        )


def wide(x: torch.Tensor) -> torch.Tensor:
    return torch.stack([x[0] * x[1], x[1] ** 2])


@check("autograd.functional-strategies")
def test_every_strategy_gives_the_same_matrices(subject: Subject) -> None:
    x = constant(X, subject)
    ways: list[dict[str, Any]] = [{}, {"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"}]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for way in ways:
            exact(f"jacobian with {way}", functional("jacobian")(wide, x, **way), [[-1.0, 2.0], [0.0, -2.0]])
            way = {key.replace("strategy", "outer_jacobian_strategy"): value for key, value in way.items()}
            found = functional("hessian")(lambda x: wide(x).sum(), x, **way)
            exact(f"hessian with {way}", found, [[0.0, 1.0], [1.0, 2.0]])

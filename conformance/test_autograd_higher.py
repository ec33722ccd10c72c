"""Derivatives of derivatives, the functional interface, and many vectors at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


@check("autograd.create-graph")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_derivatives_of_derivatives(subject: Subject, dtype: str) -> None:
    values = np.array([1.0, 2.0, -3.0])
    x = leaf(values, subject, dtype)
    order = [values**4, 4 * values**3, 12 * values**2, 24 * values, 24 + 0 * values]
    y = x * x * x * x
    for n in (1, 2, 3, 4):
        require(y.requires_grad, f"derivative {n - 1} with create_graph=True carries no graph", True, False)
        y = torch.autograd.grad(y.sum(), x, create_graph=True)[0]
        exact(f"derivative {n} of x ** 4", y, order[n], dtype)
    first = torch.autograd.grad((x**3).sum(), x)[0]
    require(not first.requires_grad, "a gradient without create_graph carries a graph", False, True)


@check("autograd.create-graph")
def test_backward_twice(subject: Subject) -> None:
    x, w = leaf([1.0, 2.0], subject), leaf([3.0, 5.0], subject)
    y = (x * x * w).sum()
    first = torch.autograd.grad(y, (x, w), create_graph=True)
    (first[0] * first[1]).sum().backward()  # sum 2 x w x² = 2 x³ w
    exact("x.grad of the product of two gradients", x.grad, 6 * np.array([1.0, 4.0]) * [3.0, 5.0])
    exact("w.grad of the product of two gradients", w.grad, [2.0, 16.0])
    x = leaf([1.0, 2.0], subject)
    (x**3).sum().backward(create_graph=True)
    exact("x.grad with a graph", x.grad, [3.0, 12.0])
    again = torch.autograd.grad(x.grad.sum(), x)[0]
    exact("the derivative of x.grad", again, [6.0, 12.0])
    x.grad = None


@check("autograd.create-graph-keeps")
def test_the_graph_is_kept_where_a_graph_is_made_of_it(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = (x * x).sum()
    torch.autograd.grad(y, x, create_graph=True)
    exact("a second gradient after create_graph=True", torch.autograd.grad(y, x)[0], [2.0, 4.0])
    y = (x * x).sum()
    torch.autograd.grad(y, x, create_graph=True, retain_graph=False)
    assert_raises("a pass after create_graph=True, retain_graph=False", RuntimeError, lambda: torch.autograd.grad(y, x))


@check("autograd.create-graph-through-v")
def test_the_product_can_be_differentiated_for_v(subject: Subject) -> None:
    x, v = leaf([1.0, 2.0, 4.0], subject), leaf([1.0, -1.0], subject)
    matrix = np.array([[1.0, 2.0, -3.0], [4.0, 0.0, 5.0]])
    y = constant(matrix, subject) @ (x * x)
    product = torch.autograd.grad(y, x, v, create_graph=True)[0]
    u = np.array([1.0, 10.0, 100.0])
    found = torch.autograd.grad(product, (v, x), constant(u, subject))
    exact("J u", found[0], matrix @ (2 * u * [1.0, 2.0, 4.0]))
    exact("the derivative of u · J^T v for x", found[1], 2 * u * (matrix.T @ [1.0, -1.0]))


def rosenbrock(x: torch.Tensor) -> torch.Tensor:
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def pair(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return a * b, a + 2 * b


@check("autograd.functional")
def test_the_functional_interface(subject: Subject) -> None:
    f = torch.autograd.functional
    x = constant([2.0, 3.0], subject)
    hessian = np.array([[2 - 400 * (3 - 3 * 4.0), -800.0], [-800.0, 200.0]])
    gradient = np.array([2 * (2 - 1) - 400 * 2 * (3 - 4.0), 200 * (3 - 4.0)])
    v = np.array([1.0, -2.0])
    assert_values("functional.hessian", f.hessian(rosenbrock, x), hessian, COMPOSED)
    assert_values("functional.jacobian", f.jacobian(rosenbrock, x), gradient, COMPOSED)
    assert_values("functional.vhp", f.vhp(rosenbrock, x, constant(v, subject))[1], hessian @ v, COMPOSED)
    assert_values("functional.hvp", f.hvp(rosenbrock, x, constant(v, subject))[1], hessian @ v, COMPOSED)
    a, b = constant([1.0, 2.0], subject), constant([3.0, 5.0], subject)
    jacobian = f.jacobian(pair, (a, b))
    for row, wanted in enumerate(([[3.0, 5.0], [1.0, 2.0]], [[1.0, 1.0], [2.0, 2.0]])):
        for column in (0, 1):
            exact(f"functional.jacobian[{row}][{column}]", jacobian[row][column], np.diag(wanted[column]))
    found = f.vjp(pair, (a, b), (constant([1.0, 0.0], subject), constant([0.0, 1.0], subject)))[1]
    exact("functional.vjp[0]", found[0], [3.0, 1.0])
    exact("functional.vjp[1]", found[1], [1.0, 2.0])
    pushed = f.jvp(pair, (a, b), (constant([1.0, 0.0], subject), constant([0.0, 1.0], subject)))[1]
    exact("functional.jvp[0]", pushed[0], [3.0, 2.0])
    exact("functional.jvp[1]", pushed[1], [1.0, 2.0])


def cubic(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * a * b).sum()


@check("autograd.functional")
def test_second_derivatives_of_a_function_of_several_tensors(subject: Subject) -> None:
    f = torch.autograd.functional
    arrays = [np.array(values) for values in ([1.0, 2.0], [3.0, 5.0], [1.0, -1.0], [10.0, 4.0])]
    a, b, u, w = (constant(array, subject) for array in arrays)
    blocks = [[np.diag(2 * arrays[1]), np.diag(2 * arrays[0])], [np.diag(2 * arrays[0]), np.zeros((2, 2))]]
    for options in ({}, {"vectorize": True}, {"create_graph": True}):
        found = f.hessian(cubic, (a, b), **options)
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
            exact(f"functional.hessian(f, (a, b), {options})[{row}][{column}]", found[row][column], blocks[row][column])
    wanted = [blocks[k][0] @ arrays[2] + blocks[k][1] @ arrays[3] for k in (0, 1)]
    for name in ("vhp", "hvp"):
        value, products = getattr(f, name)(cubic, (a, b), (u, w))
        exact(f"functional.{name}[0]", value, 23.0)
        for place in (0, 1):
            exact(f"functional.{name}[1][{place}]", products[place], wanted[place])


@check("autograd.functional")
def test_results_of_the_functional_interface_carry_a_graph_on_demand(subject: Subject) -> None:
    f = torch.autograd.functional
    x, u = leaf([1.0, 2.0], subject), constant([1.0, 10.0], subject)
    for create_graph in (False, True):
        made = {
            "jacobian": f.jacobian(lambda x: x**3, x, create_graph=create_graph).sum(),
            "vjp": f.vjp(lambda x: x**3, x, u, create_graph=create_graph)[1].sum(),
            "jvp": f.jvp(lambda x: x**3, x, u, create_graph=create_graph)[1].sum(),
        }
        for name, out in made.items():
            require(
                out.requires_grad is create_graph, f"functional.{name}, create_graph={create_graph}", create_graph, out
            )
            if create_graph:
                factor = np.array([1.0, 1.0] if name == "jacobian" else [1.0, 10.0])
                exact(f"the derivative of functional.{name}", torch.autograd.grad(out, x)[0], 6 * factor * [1.0, 2.0])
    fixed = constant([7.0], subject)
    exact("functional.jacobian of a constant", f.jacobian(lambda x: fixed * 1, x), [[0.0, 0.0]])
    call = "functional.jacobian of a constant, strict=True"
    assert_raises(call, RuntimeError, lambda: f.jacobian(lambda x: fixed * 1, x, strict=True))


@check("autograd.batched-vectors")
def test_many_vectors_at_once(subject: Subject) -> None:
    x = leaf([1.0, 2.0, 4.0], subject)
    matrix = np.array([[1.0, 2.0, -3.0], [4.0, 0.0, 5.0]])
    y = constant(matrix, subject) @ (x * x)
    found = torch.autograd.grad(y, x, torch.eye(2, dtype=torch.float64, device=subject.device), is_grads_batched=True)[
        0
    ]
    exact("grad(…, is_grads_batched=True)", found, 2 * matrix * [1.0, 2.0, 4.0])
    for vectorize in (False, True):
        jacobian = torch.autograd.functional.jacobian(
            lambda x: constant(matrix, subject) @ (x * x), x, vectorize=vectorize
        )
        exact(f"jacobian(…, vectorize={vectorize})", jacobian, 2 * matrix * [1.0, 2.0, 4.0])

"""torch.func: functions that make derivatives, and batches, of functions."""

from __future__ import annotations

import numpy as np
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


def weighted(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * a * b).sum()


def three(a: torch.Tensor) -> torch.Tensor:
    return torch.stack([a.prod(), a.sum(), a[0] ** 3])


@check("autograd.func-grad")
def test_grad_makes_the_gradient_a_function(subject: Subject) -> None:
    a, b = constant([1.0, 2.0], subject), constant([3.0, 5.0], subject)
    exact("func.grad(f)(a, b)", torch.func.grad(weighted)(a, b), [6.0, 20.0])
    exact("func.grad(f, argnums=1)(a, b)", torch.func.grad(weighted, argnums=1)(a, b), [1.0, 4.0])
    found = torch.func.grad(weighted, argnums=(1, 0))(a, b)
    require(isinstance(found, tuple) and len(found) == 2, "func.grad(f, argnums=(1, 0))(a, b)", "two", found)
    exact("func.grad(f, argnums=(1, 0))(a, b)[0]", found[0], [1.0, 4.0])
    exact("func.grad(f, argnums=(1, 0))(a, b)[1]", found[1], [6.0, 20.0])
    gradient, value = torch.func.grad_and_value(weighted)(a, b)
    exact("func.grad_and_value(f)(a, b)[0]", gradient, [6.0, 20.0])
    exact("func.grad_and_value(f)(a, b)[1]", value, 23.0)
    gradient, beside = torch.func.grad(lambda a: ((a**3).sum(), a * 7), has_aux=True)(a)
    exact("func.grad(f, has_aux=True)(a)[0]", gradient, [3.0, 12.0])
    exact("func.grad(f, has_aux=True)(a)[1]", beside, [7.0, 14.0])
    second = torch.func.grad(lambda a: torch.func.grad(lambda c: (c**4).sum())(a).sum())
    exact("func.grad of func.grad of a ** 4", second(a), [12.0, 48.0])
    assert_raises("func.grad of a function with two results", RuntimeError, lambda: torch.func.grad(lambda a: a * a)(a))
    require(not a.requires_grad and a.grad is None, "func.grad changed its argument", False, a.requires_grad)


@check("autograd.func-grad")
def test_grad_leaves_the_leaves_alone(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    found = torch.func.grad(lambda a: (a**3).sum())(x)
    exact("func.grad(f)(x) of a leaf", found, [3.0, 12.0])
    require(x.grad is None, "x.grad after func.grad(f)(x)", None, x.grad)
    exact("the derivative of func.grad(f)(x)", torch.autograd.grad(found.sum(), x)[0], [6.0, 12.0])


@check("autograd.func-jacobians")
def test_both_jacobians_and_the_hessian(subject: Subject) -> None:
    a, b = constant([2.0, 5.0], subject), constant([3.0, 7.0], subject)
    wanted = [[5.0, 2.0], [1.0, 1.0], [12.0, 0.0]]
    for name, jacobian in {
        "jacrev": torch.func.jacrev(three),
        "jacfwd": torch.func.jacfwd(three),
        "jacrev, chunk_size=1": torch.func.jacrev(three, chunk_size=1),
    }.items():
        exact(f"func.{name}", jacobian(a), wanted)
    for name in ("jacrev", "jacfwd"):
        square = getattr(torch.func, name)(lambda a: torch.stack([a.prod(), a[0] ** 2]))
        exact(f"func.{name} of two results", square(a), [[5.0, 2.0], [4.0, 0.0]])
    exact("func.hessian of a0³ a1", torch.func.hessian(lambda a: a[0] ** 3 * a[1])(a), [[60.0, 12.0], [12.0, 0.0]])
    for name in ("jacrev", "jacfwd"):
        found = getattr(torch.func, name)(lambda a, b: a * a * b, argnums=(0, 1))(a, b)
        exact(f"func.{name}(f, argnums=(0, 1))[0]", found[0], np.diag([12.0, 70.0]))
        exact(f"func.{name}(f, argnums=(0, 1))[1]", found[1], np.diag([4.0, 25.0]))


@check("autograd.func-products")
def test_products_with_the_jacobian(subject: Subject) -> None:
    a, u, v = (constant(values, subject) for values in ([2.0, 5.0], [1.0, -3.0], [1.0, 10.0, 100.0]))
    value, pull = torch.func.vjp(three, a)
    exact("func.vjp(f, a)[0]", value, [10.0, 7.0, 8.0])
    for times in (1, 2):
        exact(f"func.vjp(f, a)[1](v), call {times}", pull(v)[0], [5.0 + 10 + 1200, 2.0 + 10])
    value, tangent = torch.func.jvp(three, (a,), (u,))
    exact("func.jvp(f, (a,), (u,))[0]", value, [10.0, 7.0, 8.0])
    exact("func.jvp(f, (a,), (u,))[1]", tangent, [5.0 - 6, -2.0, 12.0])
    value, push = torch.func.linearize(three, a)
    exact("func.linearize(f, a)[0]", value, [10.0, 7.0, 8.0])
    exact("func.linearize(f, a)[1](u)", push(u), [5.0 - 6, -2.0, 12.0])


@check("autograd.func-vmap")
def test_vmap_adds_a_batch(subject: Subject) -> None:
    rows = np.arange(6.0).reshape(3, 2)
    x, w = constant(rows, subject), constant([1.0, 10.0], subject)
    vmap = torch.func.vmap
    exact("vmap(f)(x)", vmap(lambda a: a.sum() * a)(x), rows * rows.sum(1, keepdims=True))
    exact("vmap(dot, in_dims=(0, None))(x, w)", vmap(torch.dot, in_dims=(0, None))(x, w), rows @ [1.0, 10.0])
    exact("vmap(f, in_dims=1)(x)", vmap(lambda a: a.sum(), in_dims=1)(x), rows.sum(0))
    exact("vmap(f, in_dims=1, out_dims=1)(x)", vmap(lambda a: a * 2, in_dims=1, out_dims=1)(x), rows * 2)
    exact("torch.vmap(f)(x)", torch.vmap(lambda a: a.cumsum(0))(x), rows.cumsum(1))
    exact("vmap(f, chunk_size=2)(x)", vmap(lambda a: a * a, chunk_size=2)(x), rows * rows)
    each = vmap(torch.func.grad(lambda a: (a**3).sum()))
    exact("vmap(grad(f))(x)", each(x), 3 * rows**2)
    assert_raises("vmap of two batches of unequal sizes", ValueError, lambda: vmap(torch.dot)(x, x[:2]))

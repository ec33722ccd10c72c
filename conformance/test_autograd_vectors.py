"""The vector that backward takes: its default, its shape, and the product of the transposed Jacobian with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.gradients import constant, exact, leaf
from conformance.subject import Subject

pytestmark = must_answer


@check("autograd.scalar-default-one")
def test_v_is_one_for_a_tensor_of_one_element(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for shape in ((), (1,), (1, 1), (1, 1, 1)):
            for name, call in {
                "y.backward()": lambda y: y.backward(),
                "y.backward(None)": lambda y: y.backward(None),
                "y.backward(gradient=None)": lambda y: y.backward(gradient=None),
                "autograd.backward(y)": lambda y: torch.autograd.backward(y),
                "autograd.backward([y], [None])": lambda y: torch.autograd.backward([y], [None]),
            }.items():
                x = leaf([2.0, 3.0], subject, dtype)
                call((x * x).sum().reshape(shape))
                exact(f"x.grad after {name}, y of shape {shape}", x.grad, [4.0, 6.0], dtype)
                found = torch.autograd.grad((x * x).sum().reshape(shape), x)
                exact(f"autograd.grad(y, x), y of shape {shape}", found[0], [4.0, 6.0], dtype)


@check("autograd.default-v-is-tensor-of-one-element")
def test_the_default_v_has_the_shape_of_y(subject: Subject) -> None:
    seen: list[torch.Tensor] = []
    for shape in ((), (1,), (1, 1)):
        x = leaf([2.0, 3.0], subject)
        y = x.sum().reshape(shape)
        y.register_hook(seen.append)
        y.backward()
        require(tuple(seen[-1].shape) == shape, f"the shape of the implicit v for y of shape {shape}", shape, tuple(seen[-1].shape))
        exact(f"the implicit v for y of shape {shape}", seen[-1], np.ones(shape))
    y = x.sum()
    assert_raises("y.backward(torch.tensor([1.0])) of a 0-d y", RuntimeError, lambda: y.backward(constant([1.0], subject)))
    exact("x.grad after a refused v", x.grad, [1.0, 1.0])


@check("autograd.nonscalar-needs-gradient")
def test_more_or_fewer_than_one_element_need_a_v(subject: Subject) -> None:
    for shape in ((2,), (1, 2), (3, 4), (17, 1), (0,), (2, 0)):
        x = leaf(np.ones(shape), subject)
        y = x * 3
        for name, call in {
            "y.backward()": lambda y: y.backward(),
            "y.backward(retain_graph=True)": lambda y: y.backward(retain_graph=True),
            "autograd.backward(y)": lambda y: torch.autograd.backward(y),
            "autograd.grad(y, x)": lambda y: torch.autograd.grad(y, x),  # noqa: B023
        }.items():
            assert_raises(f"{name}, y of shape {shape}", RuntimeError, lambda call=call: call(y))  # noqa: B023
        require(x.grad is None, "x.grad after a refused backward", None, x.grad)
        y.backward(constant(np.full(shape, 2.0), subject))
        exact(f"x.grad after y.backward(v), y of shape {shape}", x.grad, np.full(shape, 6.0))


@check("autograd.gradient-shape-must-match")
def test_v_has_just_the_shape_of_y(subject: Subject) -> None:
    shapes = {(3,): [(), (1,), (1, 3), (3, 1), (2,), (4,)], (2, 3): [(3,), (1, 3), (2, 1), (6,), (3, 2)], (): [(1,), (1, 1)],
              (1,): [(), (1, 1), (2,)]}  # fmt: skip
    for shape, wrong in shapes.items():
        x = leaf(np.ones(shape), subject)
        y = x * 3
        for bad in wrong:
            v = constant(np.ones(bad), subject)
            for name, call in {
                "y.backward(v)": lambda: y.backward(v),  # noqa: B023
                "autograd.backward([y], [v])": lambda: torch.autograd.backward([y], [v]),  # noqa: B023
                "autograd.grad(y, x, v)": lambda: torch.autograd.grad(y, x, v),  # noqa: B023
            }.items():
                assert_raises(f"{name} for y of shape {shape} and v of shape {bad}", RuntimeError, call)
        require(x.grad is None, "x.grad after a refused v", None, x.grad)
        y.backward(constant(np.full(shape, 5.0), subject))
        exact("x.grad after a v of the right shape", x.grad, np.full(shape, 15.0))


@check("autograd.backward-gradient-argument")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_v_stands_for_the_derivative_of_what_comes_after(subject: Subject, dtype: str) -> None:
    values, v = np.arange(1.0, 7.0).reshape(2, 3), np.array([[1.0, 0.0, -2.0], [0.5, 4.0, 3.0]])
    for layout in ("contiguous", "transposed", "stepped", "row_stepped"):
        calls: dict[str, Callable[..., Any]] = {
            "y.backward(v)": lambda y, w: y.backward(w),
            "y.backward(gradient=v)": lambda y, w: y.backward(gradient=w),
            "autograd.backward(y, v)": lambda y, w: torch.autograd.backward(y, w),
            "autograd.backward((y,), (v,))": lambda y, w: torch.autograd.backward((y,), (w,)),
            "autograd.backward(y, grad_tensors=v)": lambda y, w: torch.autograd.backward(y, grad_tensors=w),
            "(y * v).sum().backward()": lambda y, w: (y * w).sum().backward(),
        }
        for name, call in calls.items():
            x, w = leaf(values, subject, dtype, layout), constant(v, subject, dtype, layout)
            call(x * x, w)
            exact(f"x.grad of x * x after {name} ({layout})", x.grad, 2 * values * v, dtype)
            exact(f"v after {name}", w, v, dtype)
        x, w = leaf(values, subject, dtype, layout), constant(v, subject, dtype, layout)
        exact("autograd.grad(y, x, v)", torch.autograd.grad(x * x, x, w)[0], 2 * values * v, dtype)
        exact("autograd.grad(y, x, grad_outputs=v)", torch.autograd.grad([x * x], [x], grad_outputs=[w])[0], 2 * values * v, dtype)


@check("autograd.expanded-v")
def test_v_may_lie_in_memory_in_any_way(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        x = leaf(np.arange(34.0).reshape(2, 17), subject, dtype)
        for name, v in {
            "ones expanded": torch.ones((), dtype=x.dtype, device=subject.device).expand(2, 17),
            "a row expanded": torch.arange(17, dtype=x.dtype, device=subject.device).expand(2, 17),
            "a column expanded": torch.arange(2, dtype=x.dtype, device=subject.device)[:, None].expand(2, 17),
            "a transpose": torch.arange(34, dtype=x.dtype, device=subject.device).reshape(17, 2).t(),
            "a slice": torch.arange(68, dtype=x.dtype, device=subject.device).reshape(2, 34)[:, ::2],
            "an offset": torch.arange(40, dtype=x.dtype, device=subject.device)[6:].reshape(2, 17),
        }.items():
            wanted = np.array(v.tolist())
            for call, function, slope in (("x * 3", lambda x: x * 3, 3.0), ("x * x", lambda x: x * x, 2 * np.arange(34.0).reshape(2, 17)),
                                          ("x.t().t() + x", lambda x: x.t().t() + x, 2.0)):  # fmt: skip
                found = torch.autograd.grad(function(x), x, v)[0]
                exact(f"the gradient of {call} for v = {name}", found, slope * wanted, dtype)
            exact(f"v = {name}, afterwards", v, wanted, dtype)


MATRIX = np.array([[1.0, 2.0, -3.0], [4.0, 0.0, 5.0]])


@check("autograd.v-selects-one-output")
def test_a_unit_vector_gives_one_row_of_the_jacobian(subject: Subject) -> None:
    for layout in ("contiguous", "stepped", "offset"):
        x = leaf([1.0, 2.0, 4.0], subject, layout=layout)
        y = constant(MATRIX, subject) @ (x * x)
        for row in range(2):
            x.grad = None
            y.backward(constant(np.eye(2)[row], subject, layout=layout), retain_graph=True)
            exact(f"x.grad for the unit vector {row} ({layout})", x.grad, 2 * MATRIX[row] * [1.0, 2.0, 4.0])


@check("autograd.v-is-the-recommended-way")
def test_a_unit_vector_and_an_element_give_the_same(subject: Subject) -> None:
    x = leaf([1.0, 2.0, 4.0], subject)
    for row in range(2):
        y = constant(MATRIX, subject) @ (x * x)
        by_vector = torch.autograd.grad(y, x, constant(np.eye(2)[row], subject), retain_graph=True)[0]
        by_element = torch.autograd.grad(y[row], x)[0]
        exact(f"the gradient for the unit vector {row}", by_vector, 2 * MATRIX[row] * [1.0, 2.0, 4.0])
        exact(f"the gradient of y[{row}]", by_element, 2 * MATRIX[row] * [1.0, 2.0, 4.0])


@check("autograd.vector-jacobian-product")
def test_the_product_is_with_the_transposed_jacobian(subject: Subject) -> None:
    generator = np.random.default_rng(5)
    for rows, columns in ((2, 3), (3, 2), (1, 4), (4, 1), (3, 3), (17, 5)):
        matrix = generator.integers(-4, 5, (rows, columns)).astype(float)
        for _ in range(3):
            v = generator.integers(-4, 5, rows).astype(float)
            for dtype in ("float32", "float64"):
                x = leaf(np.arange(1.0, columns + 1), subject, dtype)
                (constant(matrix, subject, dtype) @ (x * x)).backward(constant(v, subject, dtype))
                wanted = matrix.T @ v * 2 * np.arange(1.0, columns + 1)
                exact(f"J^T v of a {rows} x {columns} Jacobian", x.grad, wanted, dtype)


@check("autograd.jacobian-equation")
def test_backward_gives_a_vector_and_jacobian_the_matrix(subject: Subject) -> None:
    matrix = np.array([[1.0, 2.0], [3.0, 5.0]])
    x, v = leaf([1.0, 2.0], subject), np.array([1.0, 10.0])
    found = torch.autograd.grad(constant(matrix, subject) @ x, x, constant(v, subject))[0]
    exact("J^T v", found, matrix.T @ v)
    jacobian = torch.autograd.functional.jacobian(lambda x: constant(matrix, subject) @ x, x)
    exact("autograd.functional.jacobian", jacobian, matrix)
    rows = [torch.autograd.grad(constant(matrix, subject) @ x, x, constant(row, subject))[0] for row in np.eye(2)]
    exact("the rows of J, one backward each", torch.stack(rows), matrix)


@check("autograd.v-linear")
def test_the_product_is_linear_in_v(subject: Subject) -> None:
    x = leaf([1.0, 2.0, 4.0], subject)
    y = constant(MATRIX, subject) @ (x * x)
    v, w = np.array([1.0, -2.0]), np.array([3.0, 5.0])
    products = [torch.autograd.grad(y, x, constant(u, subject), retain_graph=True)[0] for u in (v, w, 4 * v - w, 0 * v)]
    exact("J^T (4 v - w)", products[2], 4 * np.array(products[0].tolist()) - np.array(products[1].tolist()))
    exact("J^T 0", products[3], np.zeros(3))
    exact("J^T v", products[0], 2 * MATRIX.T @ v * [1.0, 2.0, 4.0])


@check("autograd.vjp-is-chain-rule")
def test_a_pass_through_y_is_the_gradient_of_the_whole(subject: Subject) -> None:
    x = leaf([1.0, 2.0, 4.0], subject)
    y = constant(MATRIX, subject) @ (x * x)
    cut = y.detach().requires_grad_()
    (cut * cut * cut).sum().backward()
    y.backward(cut.grad)
    whole = torch.autograd.grad(((constant(MATRIX, subject) @ (x * x)) ** 3).sum(), x)[0]
    values = MATRIX @ np.array([1.0, 4.0, 16.0])
    wanted = (MATRIX.T @ (3 * values**2)) * 2 * np.array([1.0, 2.0, 4.0])
    exact("x.grad through y", x.grad, wanted)
    exact("the gradient of the whole", whole, wanted)


@check("autograd.z-backward-equals-y-backward")
def test_the_two_routes_agree(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        one, two = leaf([1.0, 2.0, 3.0], subject, dtype), leaf([1.0, 2.0, 3.0], subject, dtype)
        ((one * one) ** 2).sum().backward()
        y = two * two
        y.backward(2 * y.detach())
        exact("x.grad after z.backward()", one.grad, [4.0, 32.0, 108.0], dtype)
        exact("x.grad after y.backward(dz/dy)", two.grad, [4.0, 32.0, 108.0], dtype)


@check("autograd.grad-formula")
def test_the_gradient_holds_every_partial_derivative(subject: Subject) -> None:
    for layout in ("contiguous", "transposed", "row_stepped"):
        values = np.arange(1.0, 22.0).reshape(3, 7)
        x = leaf(values, subject, layout=layout)
        weights = np.arange(21.0, 0.0, -1.0).reshape(3, 7)
        (x**2 * constant(weights, subject)).sum().backward()
        exact(f"x.grad of the sum of w x² ({layout})", x.grad, 2 * weights * values)
    x = leaf([2.0, 3.0, 5.0], subject)
    (x[0] * x[1] * x[2] + x[0] ** 2).backward()
    exact("x.grad of x0 x1 x2 + x0²", x.grad, [19.0, 10.0, 6.0])


@check("autograd.row-vectors-by-convention")
def test_nested_lists_are_rows(subject: Subject) -> None:
    for values, shape in (([1, 2, 3], (3,)), ([[1, 2, 3]], (1, 3)), ([[1], [2], [3]], (3, 1))):
        x = torch.tensor(values, device=subject.device)
        require(tuple(x.shape) == shape, f"the shape of torch.tensor({values})", shape, tuple(x.shape))
        require(x.tolist() == values, f"torch.tensor({values}).tolist()", values, x.tolist())


ROUTES = {
    "x * 3": lambda x: x * 3,
    "x.clone()": lambda x: x.clone(),
    "x + x": lambda x: x + x,
    "x.exp()": lambda x: x.exp(),
    "x": lambda x: x,
    "x.t()": lambda x: x.t(),
    "x.view(-1)": lambda x: x.view(-1),
    "x[:]": lambda x: x[:],
}


@check("autograd.v-left-alone")
@pytest.mark.parametrize("name", ROUTES)
def test_later_passes_leave_v_alone(subject: Subject, name: str) -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0]], subject)
    y = ROUTES[name](x)
    v = torch.ones_like(y).detach()
    y.backward(v)
    (x * 5).sum().backward()
    x.grad.mul_(7)
    exact(f"v, after later changes of x.grad, for y = {name}", v, np.ones(tuple(y.shape)))

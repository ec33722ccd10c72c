"""The Jacobian: what one row, one vector and the chain rule make of it."""

from __future__ import annotations

import numpy as np
import torch

from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer
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

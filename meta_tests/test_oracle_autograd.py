"""The oracle of gradients against derivatives worked out by hand, numpy's linear algebra, and laws of the Jacobian."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np
import pytest
import torch

from conformance.oracle import autograd as oracle
from conformance.oracle import (
    autograd_arrays,
    autograd_complex,
    autograd_elementwise,
    autograd_layers,
    autograd_linalg,
    autograd_reductions,
    autograd_shapes,
    autograd_special,
)
from conformance.oracle.autograd import Derivative
from conformance.tables.gradients import evaluate, present

TABLES = (
    autograd_elementwise,
    autograd_reductions,
    autograd_shapes,
    autograd_linalg,
    autograd_layers,
    autograd_complex,
)
ROWS = list(chain.from_iterable(table.ROWS for table in TABLES))
REAL = [row for row in ROWS if not any(map(np.iscomplexobj, (*row.inputs, *oracle.outputs_of(row))))]
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)

# The derivatives of functions of one element, and the second ones of some, by the rules of the textbook.
SLOPES = {
    "exp": np.exp,
    "log": lambda x: 1 / x,
    "sqrt": lambda x: 0.5 / np.sqrt(x),
    "rsqrt": lambda x: -0.5 * x**-1.5,
    "square": lambda x: 2 * x,
    "cube": lambda x: 3 * x**2,
    "reciprocal": lambda x: -1 / x**2,
    "sin": np.cos,
    "cos": lambda x: -np.sin(x),
    "tan": lambda x: 1 + np.tan(x) ** 2,
    "atan": lambda x: 1 / (1 + x**2),
    "tanh": lambda x: 1 - np.tanh(x) ** 2,
    "asinh": lambda x: 1 / np.sqrt(1 + x**2),
    "sigmoid": lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
    "softplus": lambda x: 1 / (1 + np.exp(-x)),
    "erf": lambda x: 2 / math.sqrt(math.pi) * np.exp(-(x**2)),
    "abs": np.sign,
    "floor": lambda x: 0 * x,
    "relu": lambda x: np.where(x > 0, 1.0, 0.0),
    "elu": lambda x: np.where(x > 0, 1.0, np.exp(x)),
}
CURVES = {
    "exp": np.exp,
    "sin": lambda x: -np.sin(x),
    "square": lambda x: 2 + 0 * x,
    "cube": lambda x: 6 * x,
    "log": lambda x: -1 / x**2,
    "tanh": lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2),
}


def row_of(name: str) -> Derivative:
    return next(row for row in ROWS if row.name == name)


@pytest.mark.parametrize("name", SLOPES)
def test_differences_are_the_derivatives_of_the_textbook(name: str) -> None:
    row = row_of(name)
    wanted = SLOPES[name](np.float64(row.inputs[0]))
    assert np.allclose(np.float64(oracle.slopes_of(row)[0][0][1][0]), wanted, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("name", CURVES)
def test_second_differences_are_the_second_derivatives_of_the_textbook(name: str) -> None:
    row = row_of(name)
    u, w, v = (*oracle.directions(row, 3), *oracle.directions(row, 5), *oracle.vectors(row))
    found = oracle.curvature(row, 3, 5)
    assert math.isclose(found.value, float((v * CURVES[name](row.inputs[0]) * u * w).sum()), rel_tol=1e-12)


@pytest.mark.parametrize("row", REAL, ids=lambda row: row.name)
def test_the_two_products_with_a_jacobian_are_adjoint(row: Derivative) -> None:
    """The product of v with J u is that of J^T v with u."""
    v, u = oracle.vectors(row), oracle.directions(row, 3)
    ahead = sum(np.sum(a * b.value) for a, b in zip(v, oracle.pushforward(row, u), strict=True))
    back = sum(np.sum(a.value * b) for a, b in zip(oracle.pullback(row, v), u, strict=True))
    size = sum(np.sum(a.scale * np.abs(b)) for a, b in zip(oracle.pullback(row, v), u, strict=True))
    assert abs(float(ahead - back)) <= 1e-15 * float(size) + 1e-300


@every_row
def test_the_forms_of_a_row_have_the_values_of_its_function(row: Derivative) -> None:
    """Else J^T v would be that of another function."""
    if row not in present(ROWS):
        return
    wanted = oracle.outputs_of(row)
    for form in row.forms:
        found = evaluate(form, [torch.tensor(x) for x in row.inputs])
        for out, value in zip(found, wanted, strict=True):
            ours = np.array(value, np.complex128 if np.iscomplexobj(value) else np.float64)
            assert tuple(out.shape) == ours.shape, form
            assert np.allclose(out.detach().resolve_conj().numpy(), ours, rtol=1e-7, atol=1e-9), form


def test_a_complex_gradient_holds_both_derivatives() -> None:
    z = np.array([3.0 - 4.0j, 1.0 + 2.0j])
    row = Derivative("modulus", (), lambda z: np.abs(z) ** 2, (z,), pointwise=True)
    (found,) = oracle.pullback(row, (np.array([1.0, 10.0]),))
    assert np.allclose(np.complex128(found.value), 2 * z * [1.0, 10.0], rtol=1e-15)
    holomorphic = Derivative("square", (), lambda z: z * z, (z,), pointwise=True)
    (found,) = oracle.pullback(holomorphic, (np.array([1.0 + 0j, 1j]),))
    assert np.allclose(np.complex128(found.value), np.conj(2 * z) * [1.0, 1j], rtol=1e-15)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (1, 4), (3, 1), (3, 4), (1, 1), (2, 1, 4)])
def test_unbroadcast_adds_up_every_copy(shape: tuple[int, ...]) -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    wanted = np.zeros(shape)
    copies = np.broadcast_to(np.arange(wanted.size).reshape(shape), values.shape)
    np.add.at(wanted.reshape(-1), copies.ravel(), values.ravel())
    assert np.array_equal(oracle.unbroadcast(values, shape), wanted)


def test_linear_algebra_agrees_with_numpy() -> None:
    a = np.random.default_rng(0).standard_normal((4, 4)) + 3 * np.eye(4)
    b = np.random.default_rng(1).standard_normal((4, 2))
    ours = autograd_arrays
    assert np.allclose(ours.solve(a, b), np.linalg.solve(a, b), rtol=1e-12)
    assert np.allclose(ours.inverse(np.stack([a, a.T])), np.linalg.inv(np.stack([a, a.T])), rtol=1e-11)
    assert math.isclose(ours.determinant(a), np.linalg.det(a), rel_tol=1e-12)
    assert np.allclose(ours.cholesky(a @ a.T), np.linalg.cholesky(a @ a.T), rtol=1e-12)
    q, r = ours.orthogonal_triangular(a)
    assert np.allclose(q @ r, a)
    assert np.allclose(q.T @ q, np.eye(4))
    series = sum(np.linalg.matrix_power(a / 8, n) / math.factorial(n) for n in range(30))
    assert np.allclose(ours.exponential(a / 8), series, rtol=1e-12)


def test_convolution_and_pooling_are_sums_over_windows() -> None:
    x = np.random.default_rng(2).standard_normal((1, 2, 4, 4))
    w = np.random.default_rng(3).standard_normal((3, 2, 3, 3))
    found = autograd_arrays.convolved(x, w)
    for o, i, j in np.ndindex(3, 2, 2):
        assert math.isclose(found[0, o, i, j], (x[0, :, i : i + 3, j : j + 3] * w[o]).sum(), rel_tol=1e-12)
    pools = autograd_arrays.pooled(x, 2, np.max)
    for c, i, j in np.ndindex(2, 2, 2):
        assert pools[0, c, i, j] == x[0, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max()


def test_special_functions_agree_with_the_standard_library() -> None:
    for x in (0.25, 1.5, 2.75):
        wide = np.array([x], np.longdouble)
        assert math.isclose(autograd_special.erf(wide)[0], math.erf(x), rel_tol=1e-15)
        assert math.isclose(autograd_special.erfc(wide)[0], math.erfc(x), rel_tol=1e-15)
        assert math.isclose(autograd_special.lgamma(wide)[0], math.lgamma(x), rel_tol=1e-14)
        assert math.isclose(autograd_special.ndtr(wide)[0], math.erfc(-x / math.sqrt(2)) / 2, rel_tol=1e-15)
        rise = (math.lgamma(x + 1e-5) - math.lgamma(x - 1e-5)) / 2e-5
        assert math.isclose(autograd_special.digamma(wide)[0], rise, rel_tol=1e-7)

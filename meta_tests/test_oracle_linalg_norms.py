"""The oracle of norms and functions of matrices, a second way: values by hand, laws, loops and LAPACK's factors."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from conformance.oracle import linalg_norms as oracle

Array = np.ndarray
# Its determinant is -2, the sum of its squares 30.
MATRIX = np.array([[1.0, 2.0], [3.0, 4.0]])
LARGEST = math.sqrt((30 + math.sqrt(30**2 - 4 * 2**2)) / 2)


def drawn(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def near(found: Any, wanted: Any, close: float = 1e-11) -> None:
    assert np.shape(found) == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=close, atol=close)


@pytest.mark.parametrize(
    "order, wanted",
    [(2, 5.0), (1, 7.0), (0, 2.0), (3, 91 ** (1 / 3)), (math.inf, 4.0), (-math.inf, 0.0)],
)
def test_norms_of_vectors_by_hand(order: float, wanted: float) -> None:
    x = np.array([3.0, 0.0, -4.0])
    near(oracle.vector_norm(x, order, None, False), wanted)
    near(oracle.vector_norm(np.stack([x, 2 * x], 1), order, 0, True), [[wanted, wanted * (2 if order else 1)]])


def test_negative_and_broken_orders_by_hand() -> None:
    x = np.array([[1.0, 4.0]])
    near(oracle.vector_norm(x, -1, 1, False), [0.8])
    near(oracle.vector_norm(x, 0.5, 1, False), [9.0])
    near(oracle.vector_norm(x, -2, (0, 1), True), [[4 / math.sqrt(17)]])


@pytest.mark.parametrize(
    "order, wanted",
    [
        ("fro", math.sqrt(30)),
        ("nuc", math.sqrt(30 + 2 * 2)),
        (2, LARGEST),
        (-2, 2 / LARGEST),
        (1, 6.0),
        (-1, 4.0),
        (math.inf, 7.0),
        (-math.inf, 3.0),
    ],
)
def test_norms_of_matrices_by_hand(order: Any, wanted: float) -> None:
    near(oracle.matrix_norm(MATRIX, order, (-2, -1), False), wanted)
    batch = np.stack([MATRIX, -3 * MATRIX])
    near(oracle.matrix_norm(batch, order, (1, 2), False), [wanted, 3 * wanted])
    near(oracle.matrix_norm(np.moveaxis(batch, 0, 1), order, (0, -1), True), [[[wanted], [3 * wanted]]])
    turned = {1: math.inf, -1: -math.inf, math.inf: 1, -math.inf: -1}.get(order, order)
    near(oracle.matrix_norm(MATRIX, turned, (-1, -2), False), wanted)


@pytest.mark.parametrize("p", [2.0, 1.0, 3.0, 0.5, 0.0, math.inf])
def test_distances_by_loops(p: float) -> None:
    x, y = drawn(1, 2, 4, 3), drawn(2, 2, 5, 3)
    y[0, 1, :2] = x[0, 2, :2]
    found = oracle.cdist(x, y, p)
    assert found.shape == (2, 4, 5)
    for n, i, j in np.ndindex(2, 4, 5):
        gaps = [abs(a - b) for a, b in zip(x[n, i], y[n, j], strict=True)]
        powers = sum(g**p for g in gaps) if 0 < p < math.inf else 0
        wanted = max(gaps) if p == math.inf else powers ** (1 / p) if p else sum(g > 0 for g in gaps)
        near(found[n, i, j], wanted)


def test_chains_in_the_other_order() -> None:
    a, b, c, v = drawn(1, 3, 7), drawn(2, 7, 2), drawn(3, 2, 5), drawn(4, 5)
    near(oracle.chain([a, b, c]), a @ (b @ c))
    near(oracle.chain([a, b, c, v]), a @ (b @ (c @ v)))


def test_solutions_by_cramers_rule() -> None:
    a, b = [[Fraction(v) for v in row] for row in ((3, 1), (4, 2))], [Fraction(5), Fraction(7)]
    det = a[0][0] * a[1][1] - a[0][1] * a[1][0]
    from_left = [(b[0] * a[1][1] - a[0][1] * b[1]) / det, (a[0][0] * b[1] - b[0] * a[1][0]) / det]
    from_right = [(b[0] * a[1][1] - a[1][0] * b[1]) / det, (a[0][0] * b[1] - b[0] * a[0][1]) / det]
    numbers = np.array(a, float)
    near(oracle.solve(numbers, np.array([[5.0], [7.0]])), np.array([from_left], float).T)
    near(oracle.solve(numbers, np.array([[5.0, 7.0]]), left=False), np.array([from_right], float))
    many, right = drawn(1, 2, 4, 4) + 4 * np.eye(4), drawn(2, 2, 3, 4)
    near(oracle.solve(many, right, left=False) @ many, right)


def test_exponentials_of_special_matrices() -> None:
    near(oracle.matrix_exp(np.zeros((2, 3, 3))), np.broadcast_to(np.eye(3), (2, 3, 3)))
    near(oracle.matrix_exp(np.diag([1.0, -2.0, 3.0])), np.diag(np.exp([1.0, -2.0, 3.0])))
    near(oracle.matrix_exp(np.array([[0.0, 2.0, 3.0], [0, 0, 4.0], [0, 0, 0]])), [[1, 2, 7], [0, 1, 4], [0, 0, 1]])
    angle = 1.25
    turn = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    near(oracle.matrix_exp(np.array([[0, -angle], [angle, 0]])), turn)
    x = drawn(1, 2, 4, 4)
    near(oracle.matrix_exp(x) @ oracle.matrix_exp(-x), np.broadcast_to(np.eye(4), x.shape), 1e-9)
    near(np.linalg.det(oracle.matrix_exp(x)), np.exp(np.trace(x, axis1=1, axis2=2)), 1e-9)


@pytest.mark.parametrize("p", [None, 2, 1, math.inf, "fro", "nuc", -2, -1, -math.inf])
def test_conditions_by_hand(p: Any) -> None:
    diagonal = np.diag([8.0, 2.0])
    wanted = {"fro": math.sqrt(68) * math.sqrt(17) / 8, "nuc": 10 * 5 / 8}.get(p, 0.25 if p and str(p)[0] == "-" else 4)
    near(oracle.cond(diagonal, p), wanted)
    near(oracle.cond(5 * MATRIX, p), oracle.cond(MATRIX, p))
    # The inverse of MATRIX is [[-2, 1], [1.5, -0.5]].
    by_hand = {None: LARGEST**2 / 2, 2: LARGEST**2 / 2, 1: 6 * 3.5, math.inf: 7 * 3, "fro": 15, "nuc": 17}
    by_hand |= {-2: 2 / LARGEST**2, -1: 4 * 1.5, -math.inf: 3 * 2}
    near(oracle.cond(MATRIX, p), by_hand[p])


def test_reflections_are_those_of_lapack() -> None:
    for rows, columns in ((5, 3), (4, 4), (6, 1)):
        a = drawn(rows, rows, columns)
        packed, tau = np.linalg.qr(a, mode="raw")
        near(oracle.householder(packed.T, tau), np.linalg.qr(a)[0])
    near(oracle.householder(np.array([[9.0], [1.0]]), np.array([1.0])), [[0.0], [-1.0]])
    near(oracle.householder(drawn(1, 4, 2), np.zeros(2)), np.eye(4)[:, :2])

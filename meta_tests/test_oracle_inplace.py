"""The oracle of the in-place methods, worked out a second way: by numpy's own functions and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from conformance.oracle import inplace as oracle
from conformance.oracle import inplace_indices as indices

RNG = np.random.default_rng(1)
X = RNG.integers(-9, 9, (5, 4)).astype(np.float64)
CUBE = RNG.integers(-9, 9, (2, 3, 4)).astype(np.int32)


def same(found: np.ndarray, expected: np.ndarray) -> bool:
    return np.array_equal(np.asarray(found, np.float64), np.asarray(expected, np.float64), equal_nan=True)


def moved(x: np.ndarray, dim: int) -> np.ndarray:
    return np.moveaxis(x, dim, 0)


# -- filling -----------------------------------------------------------------------------------------------------------


def test_values_are_converted_as_self_holds_them() -> None:
    assert oracle.converted([1.9, -1.9, 300.0], np.zeros(1, np.uint8)).tolist() == [1, 255, 44]
    assert oracle.converted([0.0, 0.5, -2.0], np.zeros(1, bool)).tolist() == [False, True, True]
    assert oracle.converted([1 + 2j], np.zeros(1, np.float32)).tolist() == [1.0]
    assert oracle.converted(True, np.zeros(1, np.float32)).dtype == np.float64


@pytest.mark.parametrize("shape", [(3, 5), (4, 4), (9, 3), (7, 2), (5, 1), (3, 3, 3), (33, 4)])
@pytest.mark.parametrize("wrap", [False, True])
def test_diagonals_are_numpys(shape: tuple[int, ...], wrap: bool) -> None:
    expected = np.zeros(shape)
    np.fill_diagonal(expected, 7, wrap)
    assert same(oracle.fill_diagonal(np.zeros(shape), 7, wrap), expected)


def test_masks() -> None:
    mask = np.array([[True], [False], [True], [False], [True]])
    expected = X.copy()
    expected[mask[:, 0]] = 2
    assert same(oracle.masked_fill(X, mask, 2), expected)
    expected[mask[:, 0]] = np.arange(12).reshape(3, 4)
    assert same(oracle.masked_scatter(X, mask, np.arange(20.0)), expected)
    assert same(oracle.copy(X, np.arange(4.0)), np.tile(np.arange(4.0), (5, 1)))


@pytest.mark.parametrize("diagonal", range(-5, 6))
def test_triangles_are_numpys(diagonal: int) -> None:
    assert same(oracle.tril(CUBE, diagonal), np.tril(CUBE, diagonal))
    assert same(oracle.triu(CUBE, diagonal), np.triu(CUBE, diagonal))


# -- indices -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_slices_at_an_index(dim: int) -> None:
    index = np.array([1, 0, 1])
    source = RNG.integers(-9, 9, (3, *moved(CUBE, dim).shape[1:])).astype(np.int32)
    given = np.moveaxis(source, 0, dim)
    expected = CUBE.copy()
    np.add.at(moved(expected, dim), index, source * 3)
    assert same(indices.index_add(CUBE, dim, index, given, alpha=3), expected)
    expected = CUBE.copy()
    moved(expected, dim)[index[:2]] = source[:2]
    assert same(indices.index_copy(CUBE, dim, index[:2], np.moveaxis(source[:2], 0, dim)), expected)
    moved(expected, dim)[index] = 5
    assert same(indices.index_fill(expected, dim, index, 5), expected)
    for reduce, at in (("prod", np.multiply), ("amax", np.maximum), ("amin", np.minimum)):
        expected = CUBE.copy()
        at.at(moved(expected, dim), index, source)
        assert same(indices.index_reduce(CUBE, dim, index, given, reduce), expected)


def test_means_and_leaving_self_out() -> None:
    x, index, source = np.array([10, 20, 30]), np.array([0, 0, 2]), np.array([1, 4, 8])
    assert indices.index_reduce(x, 0, index, source, "mean").tolist() == [5, 20, 19]
    assert indices.index_reduce(x, 0, index, source, "mean", include_self=False).tolist() == [2, 20, 8]
    assert indices.index_reduce(-x, 0, index, source, "mean").tolist() == [-2, -20, -11]
    assert indices.scatter_reduce(x / 1, 0, index, source / 1, "mean", include_self=False).tolist() == [2.5, 20, 8]
    assert indices.scatter_reduce(x, 0, index, source, "sum").tolist() == [15, 20, 38]
    assert indices.scatter_reduce(x, 0, index, source, "amax", include_self=False).tolist() == [4, 20, 8]


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_scattering(dim: int) -> None:
    order = np.argsort(RNG.random(X.shape), axis=dim)
    source = RNG.integers(-9, 9, X.shape).astype(np.float64)
    expected = X.copy()
    np.put_along_axis(expected, order, source, dim)
    assert same(indices.scatter(X, dim, order, source), expected)
    assert same(indices.scatter(X, dim, order, value=3), np.full(X.shape, 3))
    repeated = RNG.integers(0, X.shape[dim], X.shape)
    places = list(np.indices(X.shape))
    places[dim] = repeated
    expected = X.copy()
    np.add.at(expected, tuple(places), source)
    assert same(indices.scatter_add(X, dim, repeated, source), expected)
    assert same(indices.scatter(X, dim, repeated, source, reduce="add"), expected)
    expected = X.copy()
    np.multiply.at(expected, tuple(places), source)
    assert same(indices.scatter(X, dim, repeated, source, reduce="multiply"), expected)


def test_flat_and_general_places() -> None:
    index, source = np.array([[3, -1], [0, 3]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    expected = X.copy()
    np.put(expected, index, source)
    assert same(indices.put(X, index, source), expected)
    expected = X.copy()
    np.add.at(expected.reshape(-1), index, source)
    assert same(indices.put(X, index, source, True), expected)
    rows, columns = np.array([[0], [4]]), np.array([1, -1])
    expected = X.copy()
    expected[rows, columns] = [5, 6]
    assert same(indices.index_put(X, (rows, columns), np.array([5, 6])), expected)
    expected = X.copy()
    np.add.at(expected, (np.array([0, 0, -1]),), np.ones((3, 4)))
    assert same(indices.index_put(X, (np.array([0, 0, -1]),), np.ones((3, 4)), accumulate=True), expected)
    assert same(indices.index_put(X, (X > 0,), np.array(2.0)), np.where(X > 0, 2, X))


def test_a_single_element_is_a_slice() -> None:
    assert indices.index_add(np.array(3), 0, np.array([0, 0]), np.array([1, 5])).tolist() == 9
    assert indices.index_fill(np.array(3), -1, np.array([0]), 7).tolist() == 7
    assert oracle.cumsum(np.array(3), 0).tolist() == 3


# -- sums and products -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_running_sums_are_numpys(dim: int) -> None:
    assert same(oracle.cumsum(CUBE, dim), np.cumsum(CUBE, dim, dtype=np.int32))
    assert same(oracle.cumprod(CUBE, dim), np.cumprod(CUBE, dim, dtype=np.int32))


def test_running_sums_wrap() -> None:
    assert oracle.cumsum(np.array([100, 100, 100], np.int8), 0).tolist() == [100, -56, 44]
    assert indices.index_add(np.array([250], np.uint8), 0, np.array([0]), np.array([10], np.uint8)).tolist() == [4]


def test_products_are_numpys() -> None:
    a, b, v, u = X, X.T[:, :3] + 1, np.arange(4.0), np.arange(5.0)
    x = np.arange(15.0).reshape(5, 3)
    assert same(oracle.addmm(x, a, b, beta=2, alpha=3), 2 * x + 3 * (a @ b))
    assert same(oracle.addmv(u, a, v, alpha=-1), u - a @ v)
    assert same(oracle.addr(X, u, v, beta=0), np.outer(u, v))
    stack, other = CUBE.astype(float), CUBE.astype(float).transpose(0, 2, 1)
    assert same(oracle.baddbmm(np.ones((2, 3, 3)), stack, other), 1 + stack @ other)
    assert same(oracle.addbmm(np.ones((3, 3)), stack, other, alpha=2), 1 + 2 * (stack @ other).sum(0))
    assert same(oracle.addmm(np.full((1, 1), np.nan), np.ones((1, 2)), np.ones((2, 1)), beta=0), [[2]])
    assert same(oracle.addmm(np.ones((2, 2)), np.ones((2, 0)), np.ones((0, 2))), np.ones((2, 2)))


def test_slices_are_renormed() -> None:
    x = np.array([[3.0, 4.0], [0.3, 0.4]])
    assert np.allclose(np.float64(oracle.renorm(x, 2, 0, 1)), [[0.6, 0.8], [0.3, 0.4]])
    assert np.allclose(np.float64(oracle.renorm(x, math.inf, 1, 2)), [[2, 2], [0.2, 0.2]])
    assert np.allclose(np.float64(oracle.renorm(x, 1, 0, 3.5)), [[1.5, 2], [0.3, 0.4]])


def test_functions_are_called_for_every_element() -> None:
    assert oracle.called(np.array([1, 2]), np.array([10, 20]), lambda a, b: a - b).tolist() == [-9, -18]
    assert oracle.called(np.array([True, False]), lambda a: a + a).tolist() == [True, False]


# -- activations -------------------------------------------------------------------------------------------------------


def test_activations_at_known_points() -> None:
    x = np.array([-1.0, 0.0, 2.0])
    below = math.expm1(-1)
    assert np.allclose(np.float64(oracle.elu(x, 2.0)), [2 * below, 0, 2])
    assert np.allclose(np.float64(oracle.celu(x, 0.5)), [0.5 * math.expm1(-2), 0, 2])
    assert np.allclose(
        np.float64(oracle.selu(x)), [1.0507009873554805 * 1.6732632423543772 * below, 0, 2.101401974710961]
    )
    assert np.allclose(np.float64(oracle.leaky_relu(x, 0.25)), [-0.25, 0, 2])
    assert np.allclose(np.float64(oracle.rrelu(x, 0.2, 0.4)), [-0.3, 0, 2])
    assert np.allclose(np.float64(oracle.threshold(x, 0.0, 9.0)), [9, 9, 2])
    assert np.allclose(np.float64(oracle.hardtanh(x, -0.5, 1.0)), [-0.5, 0, 1])


def test_strides_of_contiguous_tensors() -> None:
    assert oracle.row_major((2, 3, 4)) == (12, 4, 1)
    assert (oracle.row_major(()), oracle.row_major((5,)), oracle.row_major((2, 0, 3))) == ((), (1,), (3, 3, 1))

"""The oracle of indexing against numpy's own functions and against Python lists, where these say the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from conformance.oracle import indexing as oracle
from conformance.oracle import indexing_arrange as arrange
from conformance.oracle import indexing_gather as gather
from conformance.oracle import indexing_order as order

S = slice
SHAPE = (3, 4, 5)
X = np.arange(60.0).reshape(SHAPE)


def t(*items: object) -> np.ndarray:
    return np.array(items, np.int64)


# numpy counts an integer beside an array as an array; indices with both are left out here.
INDICES = [
    (1,),
    (-1, 2),
    (S(0, 3, 2),),
    (..., -1),
    (None, 1),
    (S(None), None),
    (1, ..., None),
    (t(0, 2),),
    (S(None), t(3, 0, 0)),
    (t([0, 1], [2, 0]),),
    (t(0, 2), t(1, 3)),
    (t(0, 2), S(None), t(1, 3)),
    (S(None), t(0, 2), t(1, 3)),
    (t(0, 2), None, t(1, 3)),
    (X > 30,),
    (X[..., 0] > 10,),
    (X[:, 0, 0] > 10, S(1, 3)),
    (S(None), X[0] > 7),
    (t([0], [2]), t(1, 3)),
    (True,),
    (False,),
    (t(),),
    (..., t(1, 4)),
    (X[..., 0] > 10, t(2)),
    (S(5, 1), t(0)),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_get_agrees_with_numpy(index: tuple) -> None:
    assert np.array_equal(oracle.get(X, index), X[index])


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_put_agrees_with_numpy(index: tuple) -> None:
    wanted = X.copy()
    wanted[index] = -1.5
    assert np.array_equal(oracle.put(X, index, np.array(-1.5)), wanted)
    wanted = X.copy()
    np.add.at(wanted, index, 2.0)
    assert np.array_equal(oracle.put(X, index, np.array(2.0), add=True), wanted)


def test_an_integer_is_applied_before_the_arrays() -> None:
    assert oracle.get(X, (0, S(None), t(1, 3))).shape == (4, 2)
    assert np.array_equal(oracle.get(X, (0, S(None), t(1, 3))), X[0][:, [1, 3]])
    assert np.array_equal(oracle.get(X, (t(1, 2), 3, S(1, 3))), X[:, 3][[1, 2], 1:3])


@pytest.mark.parametrize(
    ("index", "error"),
    [((3,), IndexError), ((0, 0, 0, 0), IndexError), ((t(0, 3),), IndexError), ((np.zeros(4, bool),), IndexError)],
)
def test_bad_indices_raise(index: tuple, error: type[Exception]) -> None:
    with pytest.raises(error):
        oracle.places(SHAPE, index)


def test_candidates_are_all_that_was_sent() -> None:
    assert oracle.candidates(np.arange(3), (t(1, 1),), t(7, 8)) == [{0}, {7, 8}, {2}]


def test_gather_agrees_with_numpy() -> None:
    index = np.random.default_rng(0).integers(0, 4, (3, 6, 5))
    assert np.array_equal(gather.gather(X, 1, index), np.take_along_axis(X, index, 1))
    assert np.array_equal(gather.take_along_dim(X, index[:1], 1), np.take_along_axis(X, np.repeat(index[:1], 3, 0), 1))
    assert np.array_equal(gather.index_select(X, -1, t(4, 0, 0)), np.take(X, [4, 0, 0], -1))
    assert np.array_equal(gather.take(X, t(-1, 5)), np.take(X, [-1, 5]))


def test_scatter_agrees_with_numpy() -> None:
    index = np.argsort(np.random.default_rng(0).random((3, 2, 5)), 1)
    wanted = X.copy()
    np.put_along_axis(wanted, index, -index, 1)
    assert np.array_equal(gather.scatter(X, 1, index, -index), wanted)


@pytest.mark.parametrize(
    ("way", "ufunc"), [("sum", np.add), ("prod", np.multiply), ("amax", np.maximum), ("amin", np.minimum)]
)
def test_scatter_reduce_agrees_with_numpy(way: str, ufunc: np.ufunc) -> None:
    values, index = np.ones(5) * 2, t(0, 3, 3, 0, 3)
    source = np.array([1.0, 3, -2, 5, 0.5])
    wanted = values.copy()
    ufunc.at(wanted, index, source)
    assert np.array_equal(gather.scatter_reduce(values, 0, index, source, way), wanted)
    alone = [ufunc.reduce(source[index == i]) if (index == i).any() else 2.0 for i in range(5)]
    assert np.array_equal(gather.scatter_reduce(values, 0, index, source, way, include_self=False), alone)


def test_the_mean_counts_what_was_sent() -> None:
    found = gather.scatter_reduce(np.array([4.0, 0]), 0, t(0, 0), np.array([1.0, 1]), "mean")
    assert found.tolist() == [2.0, 0.0]
    whole = gather.scatter_reduce(np.array([0, 0]), 0, t(0, 0), np.array([-1, -2]), "mean")
    assert whole.tolist() == [-1, 0]


def test_masks_agree_with_numpy() -> None:
    mask = X % 3 == 0
    assert np.array_equal(gather.masked_select(X, mask), X[mask])
    assert np.array_equal(gather.masked_fill(X, mask, 7), np.where(mask, 7, X))
    assert np.array_equal(gather.nonzero(X % 3), np.argwhere(X % 3))
    placed = X.copy()
    np.place(placed, mask, -np.arange(20.0))
    assert np.array_equal(gather.masked_scatter(X, mask, -np.arange(20.0)), placed)
    assert np.array_equal(gather.put(X, t(3, -1), t(7, 8)).ravel()[[3, -1]], [7, 8])
    assert np.array_equal(gather.index_add(X, 1, t(0, 0), np.ones((3, 2, 5)))[:, 0], X[:, 0] + 2)


def test_joining_and_turning_agree_with_numpy() -> None:
    assert np.array_equal(arrange.cat([X, X], -1), np.concatenate([X, X], -1))
    assert np.array_equal(arrange.stack([X, X], 2), np.stack([X, X], 2))
    parts = [np.arange(3.0), np.arange(3.0)]
    for ours, theirs in (
        (arrange.hstack, np.hstack),
        (arrange.vstack, np.vstack),
        (arrange.dstack, np.dstack),
        (arrange.column_stack, np.column_stack),
    ):
        assert np.array_equal(ours(parts), theirs(parts))
        assert np.array_equal(ours([X, X]), theirs([X, X]))
    for k, dims in itertools.product(range(-3, 6), ((0, 1), (1, 0), (-1, 0))):
        assert np.array_equal(arrange.rot90(X, k, dims), np.rot90(X, k, dims))
    assert np.array_equal(arrange.roll(X, (1, -2), (0, 2)), np.roll(X, (1, -2), (0, 2)))
    assert np.array_equal(arrange.roll(X, 7), np.roll(X, 7))
    assert np.array_equal(arrange.flip(X, (0, -1)), np.flip(X, (0, -1)))
    assert np.array_equal(arrange.tile(X, (2, 1)), np.tile(X, (2, 1)))
    assert np.array_equal(arrange.repeat_interleave(X, t(1, 0, 2), 0), np.repeat(X, [1, 0, 2], 0))


def test_triangles_and_diagonals_agree_with_numpy() -> None:
    for k in range(-5, 6):
        assert np.array_equal(arrange.tril(X, k), np.tril(X, k))
        assert np.array_equal(arrange.triu(X, k), np.triu(X, k))
        if -3 < k < 5:
            assert np.array_equal(arrange.diagonal(X, k, 0, 2), np.diagonal(X, k, 0, 2))
        assert np.array_equal(arrange.diag_embed(np.arange(1.0, 4), k), np.diag(np.arange(1.0, 4), k))


def test_pieces_agree_with_numpy() -> None:
    line = np.arange(17)
    for n in (1, 2, 3, 5, 17, 20):
        for ours, theirs in zip(arrange.tensor_split(line, n), np.array_split(line, n), strict=True):
            assert np.array_equal(ours, theirs)
    assert [len(part) for part in arrange.chunk(np.arange(5), 4)] == [2, 2, 1]
    assert [len(part) for part in arrange.split(line, 5)] == [5, 5, 5, 2]


def test_order_agrees_with_numpy() -> None:
    values = np.random.default_rng(0).integers(0, 4, (5, 17)).astype(float)
    values[1, 3] = np.nan
    found, where = order.sort(values)
    assert np.array_equal(where, np.argsort(values, -1, kind="stable"))
    assert np.array_equal(found, np.sort(values), equal_nan=True)
    down, places = order.sort(values[0], descending=True)
    assert np.array_equal(places, np.argsort(-values[0], kind="stable"))
    assert np.array_equal(down, np.sort(values[0])[::-1])


def test_distinct_values_agree_with_numpy() -> None:
    values = np.random.default_rng(0).integers(0, 4, (5, 17))
    distinct, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    found = order.unique(values)
    assert np.array_equal(found[0], distinct)
    assert np.array_equal(found[1], inverse.reshape(values.shape))
    assert np.array_equal(found[2], counts)
    rows = np.unique(values[:, :2], axis=0)
    assert np.array_equal(order.unique_slices(values[:, :2], 0, consecutive=False)[0], rows)
    runs = [(key, len(list(group))) for key, group in itertools.groupby(values.ravel().tolist())]
    assert order.unique_consecutive(values)[0].tolist() == [key for key, _ in runs]
    assert order.unique_consecutive(values)[2].tolist() == [count for _, count in runs]


def test_counting_agrees_with_numpy() -> None:
    edges, values = np.array([1.0, 2, 2, 5]), np.array([0.0, 1, 2, 3, 5, 9])
    for side in ("left", "right"):
        assert np.array_equal(order.searchsorted(edges, values, side == "right"), np.searchsorted(edges, values, side))
    assert np.array_equal(order.histc(values, 4, 0, 8), np.histogram(values, 4, (0, 8))[0])
    assert np.array_equal(order.histogram(values, [0, 2, 5]), np.histogram(values, [0, 2, 5])[0])
    assert np.array_equal(order.bincount(t(0, 2, 2), None, 5), np.bincount([0, 2, 2], minlength=5))
    assert np.array_equal(order.isin(values, edges), np.isin(values, edges))

"""Training by hand, worked out a second way: by small differences, by loops, and by what has to come out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from conformance.oracle import api as oracle
from conformance.oracle.api import Linear

NET = Linear(np.array([[0.5, -1.0], [0.25, 2.0], [0.0, 1.0]]), np.array([0.1, -0.2, 0.3]))
X, LABELS = np.array([[1.0, 2.0], [-1.0, 0.5], [3.0, -1.0], [0.0, 0.0]]), np.array([1, 0, 2, 1])
TARGET = np.arange(12.0).reshape(4, 3)


def test_softmax_by_its_definition() -> None:
    for row, found in zip(NET.outputs(X), oracle.softmax(NET.outputs(X)), strict=True):
        due = [math.exp(value) for value in row]
        assert np.allclose(found, np.array(due) / sum(due), rtol=1e-14)


def test_cross_entropy_by_its_definition() -> None:
    shares = oracle.softmax(NET.outputs(X))
    due = -sum(math.log(row[label]) for row, label in zip(shares, LABELS, strict=True)) / 4
    assert oracle.cross_entropy(NET.outputs(X), LABELS) == pytest.approx(due, rel=1e-14)
    assert oracle.cross_entropy(np.array([[1000.0, 0.0]]), np.array([1])) == 1000.0


def _differences(loss: Callable[[Linear], float]) -> Linear:
    """Central differences of a loss with respect to each weight and bias."""
    step = 1e-6
    found = Linear(np.zeros_like(NET.weight), np.zeros_like(NET.bias))
    for name in ("weight", "bias"):
        for place in np.ndindex(getattr(NET, name).shape):
            sides = []
            for sign in (1, -1):
                moved = NET.copy()
                getattr(moved, name)[place] += sign * step
                sides.append(loss(moved))
            getattr(found, name)[place] = (sides[0] - sides[1]) / (2 * step)
    return found


@pytest.mark.parametrize("kind", ("cross entropy", "squared error"))
def test_gradients_by_small_differences(kind: str) -> None:
    if kind == "cross entropy":
        found = oracle.cross_entropy_gradient(NET, X, LABELS)
        due = _differences(lambda net: oracle.cross_entropy(net.outputs(X), LABELS))
    else:
        found = oracle.squared_error_gradient(NET, X, TARGET)
        due = _differences(lambda net: float(np.mean((net.outputs(X) - TARGET) ** 2)))
    assert np.allclose(found.weight, due.weight, atol=1e-8)
    assert np.allclose(found.bias, due.bias, atol=1e-8)


def test_a_step_goes_downhill_and_leaves_its_start() -> None:
    before = NET.copy()
    after = oracle.descend(NET, oracle.cross_entropy_gradient(NET, X, LABELS), 0.1)
    assert oracle.cross_entropy(after.outputs(X), LABELS) < oracle.cross_entropy(NET.outputs(X), LABELS)
    assert (NET.weight == before.weight).all()
    assert (NET.bias == before.bias).all()


def test_an_epoch_goes_over_all_batches() -> None:
    batches = {"train": oracle.cut((X, LABELS), 3), "val": oracle.cut((X, LABELS), 2)}
    (found,) = oracle.train(NET, batches, [0.1])
    first = oracle.descend(NET, oracle.cross_entropy_gradient(NET, X[:3], LABELS[:3]), 0.1)
    second = oracle.descend(first, oracle.cross_entropy_gradient(first, X[3:], LABELS[3:]), 0.1)
    assert (found.net.weight == second.weight).all()
    losses = [
        oracle.cross_entropy(NET.outputs(X[:3]), LABELS[:3]),
        oracle.cross_entropy(first.outputs(X[3:]), LABELS[3:]),
    ]
    assert found.loss["train"] == pytest.approx((3 * losses[0] + losses[1]) / 4, rel=1e-14)
    assert found.loss["val"] == pytest.approx(oracle.cross_entropy(second.outputs(X), LABELS), rel=1e-14)
    assert found.accuracy["val"] == (second.outputs(X).argmax(1) == LABELS).mean()


def test_the_best_is_the_first_of_equals() -> None:
    def after(*shares: float) -> list[oracle.Epoch]:
        return [oracle.Epoch({}, {"val": share}, NET) for share in shares]

    assert oracle.best(after(0.5, 0.75, 0.75, 0.25)) == 1
    assert oracle.best(after(0.0, 0.0)) == -1


def test_the_program_has_its_best_epoch_in_the_middle() -> None:
    """Or a program that returns the first or the last weights would do as well."""
    from conformance.tables.api_samples import start

    batches = {"train": oracle.cut(oracle.clusters(31, 31, 4.0), 5), "val": oracle.cut(oracle.clusters(32, 26, 4.0), 4)}
    found = oracle.train(start(), batches, [0.75 * 0.5 ** ((epoch + 1) // 3) for epoch in range(5)])
    assert oracle.best(found) == 2
    assert found[3].accuracy["val"] == found[2].accuracy["val"]


def test_windows_by_loops() -> None:
    x = np.arange(2 * 3 * 5 * 6.0).reshape(2, 3, 5, 6) % 7
    found = oracle.pooled(x, (3, 2), 2, np.max)
    assert found.shape == (2, 3, 2, 3)
    assert found[1, 2, 1, 2] == x[1, 2, 2:5, 4:6].max()
    weight, bias = np.arange(4 * 3 * 9.0).reshape(4, 3, 3, 3) % 5, np.arange(4.0)
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for place in ((0, 0, 0, 0), (1, 3, 4, 5), (0, 2, 2, 3)):
        n, o, i, j = place
        terms = [wide[n, c, i + a, j + b] * weight[o, c, a, b] for c in range(3) for a in range(3) for b in range(3)]
        assert oracle.convolved(x, weight, bias)[place] == sum(terms) + bias[o]


def test_gelu_at_known_points() -> None:
    assert oracle.gelu(np.array([0.0]))[0] == 0
    assert oracle.gelu(np.array([1.0]))[0] == pytest.approx(0.8413447460685429, rel=1e-14)
    assert oracle.gelu(np.array([-1.0]))[0] == pytest.approx(-0.15865525393145707, rel=1e-14)


def test_clusters_are_the_same_each_time() -> None:
    one, other = oracle.clusters(5, 30), oracle.clusters(5, 30)
    assert (one[0] == other[0]).all()
    assert list(one[1][:4]) == [0, 1, 2, 0]
    assert [len(x) for x, _ in oracle.cut(one, 7)] == [7, 7, 7, 7, 2]

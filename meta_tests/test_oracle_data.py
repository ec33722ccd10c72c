"""The oracle of datasets, samplers and loaders, worked out a second way."""

from __future__ import annotations

import collections

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracle import data as oracle


@given(length=st.integers(0, 50), size=st.integers(1, 12), drop=st.booleans())
def test_batches_are_what_a_loop_makes(length: int, size: int, drop: bool) -> None:
    due: list[list[int]] = []
    for index in range(length):
        if not due or len(due[-1]) == size:
            due.append([])
        due[-1].append(index)
    if drop and due and len(due[-1]) < size:
        due.pop()
    assert oracle.batches(range(length), size, drop) == due
    assert oracle.count(length, size, drop) == len(due)


def test_a_count_without_batches_is_that_of_samples() -> None:
    assert oracle.count(7, None) == 7


def test_concatenation() -> None:
    assert [oracle.concatenated([[1, 2], [], [3]], index) for index in (0, 1, 2, -1, -3)] == [1, 2, 3, 3, 1]
    with pytest.raises(IndexError):
        oracle.concatenated([[1], []], 1)


@given(length=st.integers(1, 60), parts=st.integers(1, 6))
def test_fractions_deal_out_everything_and_differ_by_one(length: int, parts: int) -> None:
    found = oracle.fractions(length, [1 / parts] * parts)
    assert sum(found) == length
    assert max(found) - min(found) <= 1
    assert found == sorted(found, reverse=True)


def test_fractions_of_known_lengths() -> None:
    assert oracle.fractions(5, [0.3, 0.3, 0.4]) == [2, 1, 2]
    assert oracle.fractions(30, [0.5, 0.25, 0.25]) == [16, 7, 7]


@given(length=st.integers(1, 40), ranks=st.integers(1, 7), drop=st.booleans())
def test_ranks_get_equally_many(length: int, ranks: int, drop: bool) -> None:
    parts = [oracle.dealt(range(length), rank, ranks, drop) for rank in range(ranks)]
    assert len({len(part) for part in parts}) == 1
    whole = oracle.in_turn(parts)
    assert whole == [index % length for index in range(len(whole))]
    over = len(whole) - length
    assert -ranks < over <= 0 if drop else 0 <= over < ranks


def test_streams_in_turn() -> None:
    assert oracle.in_turn([[1, 4, 6], [2, 5], [3]]) == [1, 2, 3, 4, 5, 6]
    assert oracle.in_turn([]) == []


def test_a_batch_leaf_by_leaf() -> None:
    point = collections.namedtuple("point", "x y")
    samples = [
        {"a": turn, "b": [turn / 2, ("s", np.array([turn, 1], np.int8))], "p": point(True, b"z")} for turn in (1, 2)
    ]
    out = oracle.collated(samples)
    assert out["a"].tolist() == [1, 2]
    assert out["a"].dtype == np.int64
    assert out["b"][0].tolist() == [0.5, 1.0]
    assert out["b"][1][0] == ["s", "s"]
    assert out["b"][1][1].tolist() == [[1, 1], [2, 1]]
    assert out["b"][1][1].dtype == np.int8
    assert type(out["p"]) is point
    assert out["p"].x.dtype == bool
    assert out["p"].y == [b"z", b"z"]

"""The oracle of outlines, worked out a second way: by numpy, and by looking at every window."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from conformance.oracle import device as oracle
from conformance.oracle.device import SIZES
from conformance.tables.device_meta_rows import FAMILIES

SHAPES = ((), (1,), (3,), (2, 3), (2, 1), (1, 3), (4, 1, 3), (4, 2, 1), (0, 3), (5,))


def test_shapes_broadcast_as_numpys_do() -> None:
    for pair in itertools.product(SHAPES, repeat=2):
        try:
            due = np.broadcast_shapes(*pair)
        except ValueError:
            with pytest.raises(ValueError, match="broadcast"):
                oracle.broadcast(*pair)
        else:
            assert oracle.broadcast(*pair) == due


def test_reductions_leave_what_numpy_leaves() -> None:
    for shape in SHAPES:
        dims = range(-len(shape), len(shape))
        for some in itertools.chain(((),), ((dim,) for dim in dims), itertools.combinations(range(len(shape)), 2)):
            for keep in (False, True):
                assert oracle.reduced(shape, some, keep) == np.zeros(shape).sum(some, keepdims=keep).shape
        assert oracle.reduced(shape, None) == ()


def test_products_have_the_shapes_of_numpys() -> None:
    for a, b in itertools.product(
        ((3,), (2, 3), (4, 2, 3), (1, 2, 3), (5, 1, 2, 3)), ((3,), (3, 5), (4, 3, 2), (1, 3, 1))
    ):
        assert oracle.product(a, b) == (np.zeros(a) @ np.zeros(b)).shape
    for a, b in (((), (3,)), ((2,), (3,)), ((2, 3), (2, 3))):
        with pytest.raises(ValueError, match="product"):
            oracle.product(a, b)


def test_windows_are_those_that_lie_inside() -> None:
    sizes = itertools.product((1, 5, 8, 33), (1, 2, 3), (1, 2, 3), (0, 1), (1, 2))
    for size, kernel, stride, padding, dilation in sizes:
        reach = dilation * (kernel - 1)
        starts = [
            s for s in range(-padding, size + padding) if (s + padding) % stride == 0 and s + reach < size + padding
        ]
        assert oracle.windows(size, kernel, stride, padding, dilation) == len(starts)
        formula = max(0, (size + 2 * padding - reach - 1) // stride + 1)
        assert oracle.windows(size, kernel, stride, padding, dilation) == formula


def test_windows_rounded_up_begin_inside() -> None:
    assert [oracle.windows(size, 2, 2, ceil=True) for size in (1, 2, 3, 4, 5)] == [1, 1, 2, 2, 3]
    assert [oracle.windows(size, 3, 2, ceil=True) for size in (3, 4, 5, 6, 7)] == [1, 2, 2, 3, 3]


def test_a_transposed_convolution_undoes_the_count_of_windows() -> None:
    for size, kernel, stride, padding in itertools.product((1, 4, 9), (2, 3, 5), (1, 2, 3), (0, 1)):
        made = oracle.spread(size, kernel, stride, padding)
        assert made <= 0 or oracle.windows(made, kernel, stride, padding) == size


def test_spans_are_numpys() -> None:
    for start, end, step in ((0, 5, 1), (1, 2.5, 0.25), (5, -3, -2), (3, 3, 1), (0, 1, 0.3), (4, 0, 1)):
        assert oracle.span(start, end, step) == len(np.arange(start, end, step))


def test_outlines_are_read() -> None:
    sizes = {"b": 2, "h": 7}
    assert oracle.outline("float32 (b, h - 1); int64 ()", sizes) == [("float32", (2, 6)), ("int64", ())]
    assert oracle.outline("bool (windows(h, 3, 2),)", sizes) == [("bool", (3,))]
    assert oracle.outline("int8 (min(b, h), span(0, h, 2))", sizes) == [("int8", (2, 4))]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_row_has_an_outline(family: str) -> None:
    calls = [row.call for row in FAMILIES[family]]
    assert len(set(calls)) == len(calls)
    for row in FAMILIES[family]:
        for sizes in SIZES:
            assert oracle.outline(row.gives, sizes)
            assert all(len(one) == 3 for one in row.given(sizes).values())

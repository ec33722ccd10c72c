"""Indices in brackets, by kind: what reads, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.tables.indexing_rows import mask, places

# A shape, and indices into it.
Indexed = tuple[tuple[int, ...], list[Any]]
S = slice
ALL = slice(None)


def tensor(*items: Any) -> np.ndarray:
    """An index tensor of these places."""
    return np.array(items, np.int64)


CUBE = (4, 5, 6)
SPARSE = np.array([True, False, True, True, False])
INDICES: dict[str, list[Indexed]] = {
    "int-index": [
        ((4, 5, 6), [0, 3, -1, -4, (1, 2), (0, -1, 3), (-1, -5, -6), (2, 4), np.int64(2), (np.int32(1), 3)]),
        ((33,), [0, 32, -33, 17, -1]),
        ((2, 0), [0, -1]),
        ((1,), [0, -1]),
    ],
    "zero-dim-tensor-index": [
        ((4, 5, 6), [np.array(2), np.array(-1), (np.array(1), 3), (ALL, np.array(-2)), (0, np.array(4), np.array(-6))]),
        ((33,), [np.array(32), np.array(-33)]),
    ],
    "slice": [
        ((17,), [S(3, 9), S(None, None, 2), S(1, None, 3), S(-5, None), S(None, -4), S(-3, -1), S(2, 100), S(-100, 4)]),
        ((17,), [S(9, 3), S(40, 50), S(5, 5), S(None), S(0, 17, 16), S(0, 17, 50), S(-2, 100, 5), S(None, None, 17)]),
        (
            (4, 5, 6),
            [S(1, 3), (S(1, 3), S(None, None, 2)), (ALL, ALL, S(-4, None, 3)), (S(None, None, 3), S(4, 1), S(2, 3))],
        ),
        ((4, 5), [(ALL, S(1, 2)), (S(0, 0), ALL), (S(1, 2), S(1, 2))]),
        ((0, 3), [S(0, 5), (ALL, S(1, None)), (S(None, None, 2), 1)]),
    ],
    "int-and-slice": [
        (
            (4, 5, 6),
            [(1, S(2, 4)), (ALL, -2, S(None, None, 4)), (S(1, None, 2), ALL, 3), (0, ALL, 5), (-1, S(3, None), -1)],
        )
    ],
    "ellipsis": [
        (
            (4, 5, 6),
            [..., (..., 1), (1, ...), (1, ..., 2), (..., S(1, 3)), (S(1, 3), ..., 0), (1, 2, 3, ...), (..., 1, 2, 3)],
        ),
        ((5,), [(..., 2), (2, ...), ...]),
        ((), [..., ()]),
    ],
    "none-adds-axis": [
        (
            (4, 5),
            [
                None,
                (ALL, None),
                (..., None),
                (None, ..., None),
                (None, None, 2),
                (ALL, None, 1),
                (1, None, S(1, 3)),
                (None, ALL, None, ALL, None),
            ],
        ),
        ((17,), [None, (ALL, None), (..., None), (None, 3), (S(None, None, 2), None)]),
        ((), [None, (None, ...), (..., None), (None, None)]),
        ((0,), [None, (ALL, None)]),
    ],
    "bool-scalar": [
        (
            (4, 5),
            [True, False, (True, ...), (ALL, True), (1, True), (False, 1), np.array(True), (..., np.array(False))],
        ),
        ((), [True, False, np.array(True)]),
        ((17,), [(True, S(None, None, 2)), (True, None)]),
    ],
    "long-tensor": [
        (
            (4, 5, 6),
            [tensor(3, 0, 0, 2, -1), tensor([1, 2], [-4, 0]), (ALL, tensor(4, -5)), (ALL, ALL, tensor(5, 1, 1))],
        ),
        ((33,), [places((17,), 33), places((3, 3), 33, 1) - 33, tensor(-33), tensor([[7]])]),
        (
            (4, 5),
            [(..., tensor(2, 2)), (S(1, 3), tensor(0, -1)), (tensor(1), S(None, None, 2)), tensor(*range(20)) % 4],
        ),
        ((1, 3), [tensor(0, -1, 0), (ALL, tensor(2))]),
        (
            (5, 5),
            [places((5, 5), 5, 2), (ALL, places((4, 4), 5, 3) - 5), (None, tensor(3, 0), None), (2, None, tensor(1))],
        ),
    ],
    "zero-size-index": [
        (
            (4, 5),
            [
                tensor(),
                (ALL, tensor()),
                tensor().reshape(0, 3),
                (tensor(), tensor()),
                np.zeros(4, bool),
                np.zeros((4, 5), bool),
                (tensor(), 1),
            ],
        ),
        ((0, 5), [tensor(), np.zeros(0, bool), np.zeros((0, 5), bool), (ALL, tensor(1, 2))]),
        ((0,), [tensor(), np.zeros(0, bool)]),
    ],
    "list-index": [
        (
            (4, 5),
            [
                [0, 2],
                [-1, 0, 0],
                [3],
                (ALL, [1, 3]),
                ([0, 1, 2], [3, 4, -5]),
                ([True, False, True, True],),
                [False, True, False, True],
                (2, [0, 0, 4]),
                ([1, 2], S(1, 3)),
            ],
        ),
        ((17,), [[16, 0, 3], [-17]]),
    ],
    "mask": [
        ((5, 5), [mask((5, 5), 8), (ALL, mask((5,), 9)), (mask((5,), 9), None)]),
        ((3, 4, 4), [mask((3, 4, 4), 8), (1, mask((4, 4), 9)), (ALL, mask((4, 4), 9))]),
        ((4, 5), [mask((4, 5)), mask((4,), 1), (ALL, mask((5,), 2)), np.ones((4, 5), bool), (..., mask((5,), 2))]),
        (
            (3, 4, 5),
            [mask((3, 4, 5), 3), mask((3, 4), 4), (ALL, mask((4, 5), 5)), (1, mask((4, 5), 6)), (ALL, ALL, mask((5,)))],
        ),
        ((4, 5), [(ALL, SPARSE), (S(None, None, 2), SPARSE), (..., SPARSE), (2, SPARSE), (None, ALL, SPARSE)]),
        ((3, 4, 5), [(ALL, ALL, SPARSE), (..., SPARSE), (ALL, 1, SPARSE), (ALL, None, 2, SPARSE)]),
        ((33,), [mask((33,), 7), mask((33,), 8)]),
        ((3, 4), [(mask((3,), 9), None), (S(1, 3), mask((4,), 3)), (mask((3,), 3), S(None, None, 2))]),
        ((2, 1), [mask((2, 1)), np.array([[True], [False]])]),
    ],
    "several-tensors": [
        (
            (4, 5, 6),
            [
                (tensor(1, 3), tensor(0, -1)),
                (tensor(1, 3), tensor(0, 4), tensor(5, -6)),
                (ALL, tensor(1, 3), tensor(5, 0)),
                (tensor([1, 2], [3, 0]), tensor([0, 1], [2, 3])),
            ],
        ),
        ((5, 17), [(tensor(*range(17)) % 5, tensor(*range(17)))]),
    ],
    "indices-broadcast": [
        (
            (4, 5, 6),
            [
                (tensor([1], [3]), tensor(0, 2, 4)),
                (tensor(1, 3), tensor(2)),
                (tensor([[1]], [[3]]), tensor([0], [1])),
                (tensor(2), ALL, tensor([1], [3])),
                (tensor([0], [1]), tensor(4), tensor(5, 0, 1)),
            ],
        )
    ],
    "tensors-apart": [
        (
            (4, 5, 6),
            [
                (tensor(1, 3), ALL, tensor(0, -1)),
                (tensor(1, 3), S(1, 4, 2), tensor([0], [5])),
                (tensor(1, 3), None, tensor(0, 4)),
                (tensor(1, 3), ..., tensor(2, 2)),
            ],
        ),
        (
            (2, 3, 4, 5),
            [
                (tensor(1, 0), ALL, ALL, tensor(4, 2)),
                (ALL, tensor(1, 0), ALL, tensor(4, 2)),
                (tensor(1, 0), tensor(2, 1), ALL, tensor(4, 2)),
            ],
        ),
    ],
    "tensors-together": [
        (
            (2, 3, 4, 5),
            [
                (ALL, tensor(1, 0), tensor(3, 1)),
                (ALL, ALL, tensor(1, 0, 2)),
                (..., tensor(1, 0), tensor(4, 2)),
                (None, tensor(1, 0), tensor(2, 1)),
                (ALL, tensor(1, 0), tensor(3, 2), S(1, 3)),
                (S(None, None, 1), tensor([0, 2], [1, 1]), S(1, 3)),
            ],
        )
    ],
    "int-between-tensors": [
        (
            (4, 5, 6),
            [
                (0, ALL, tensor(1, 3)),
                (tensor(1, 3), 2, tensor(0, 5)),
                (tensor(1, 3), 2),
                (2, tensor(1, 3)),
                (ALL, 2, tensor(1, 3)),
                (tensor(1, 3), ALL, 2),
                (-1, tensor([4], [0]), tensor(5, 1)),
            ],
        )
    ],
    "mask-and-tensor": [
        (
            (4, 5, 6),
            [
                (mask((4,), 1), tensor(2)),
                (tensor(1), mask((5,), 2)),
                (mask((4, 5), 3), tensor(0)),
                (mask((4,), 1), ALL, tensor(3)),
                (1, mask((5,), 2), tensor(3)),
            ],
        )
    ],
}


REFUSED: dict[str, list[tuple[tuple[int, ...], Any, Any]]] = {
    "index-out-of-range": [
        *(((4, 5), index, IndexError) for index in (4, -5, (0, 5), (ALL, -6), (..., 7))),
        ((0,), 0, IndexError),
        ((), 0, IndexError),
        ((2, 0), (0, 0), IndexError),
    ],
    "tensor-index-out-of-range": [
        *(
            ((4, 5), index, IndexError)
            for index in (tensor(0, 4), tensor(-5), (ALL, tensor(1, 5)), (tensor(0, 1), tensor(0, -6)))
        ),
        ((0,), tensor(0), (IndexError, RuntimeError)),
        ((4,), [0, 4], IndexError),
    ],
    "too-many-indices": [
        ((4, 5), (0, 0, 0), IndexError),
        ((4, 5), (ALL, ALL, ALL), IndexError),
        ((4,), (tensor(0), tensor(0)), IndexError),
        ((), (ALL,), IndexError),
        ((4, 5), np.zeros((4, 5, 1), bool), IndexError),
        ((4, 5), (..., 0, 0, 0), IndexError),
    ],
    "negative-step": [
        ((17,), S(None, None, -1), ValueError),
        ((4, 5), (ALL, S(3, 1, -1)), ValueError),
        ((17,), S(None, None, 0), ValueError),
    ],
    "mask-shape": [
        ((4, 5), np.zeros((5, 4), bool), IndexError),
        ((4, 5), np.zeros(3, bool), IndexError),
        ((4, 5), (ALL, np.zeros(4, bool)), IndexError),
        ((4, 5), np.zeros((4, 1), bool), IndexError),
    ],
    "indices-that-do-not-broadcast": [
        ((4, 5), (tensor(0, 1), tensor(0, 1, 2)), IndexError),
        ((4, 5, 6), (tensor([0, 1], [2, 3]), ALL, tensor(1, 2, 3)), IndexError),
    ],
    "float-index": [
        ((4, 5), 1.0, (IndexError, TypeError)),
        ((4, 5), np.array([1.0]), IndexError),
        ((4, 5), np.array([1j]).astype(np.complex64), IndexError),
        ((4, 5), (0, 1.5), (IndexError, TypeError)),
    ],
}

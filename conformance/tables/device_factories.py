"""Creation functions, what they are given besides device=, and the values; None where these are random or anything."""

from __future__ import annotations

from typing import Any

import numpy as np

ROW = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


# call, what it is given besides device=, and the values; None where these are random or anything.
FACTORIES: tuple[tuple[str, tuple[Any, ...], Any], ...] = (
    ("zeros", (2, 3), np.zeros((2, 3))),
    ("ones", (2, 3), np.ones((2, 3))),
    ("full", ((2, 3), 7.0), np.full((2, 3), 7.0)),
    ("eye", (3, 2), np.eye(3, 2)),
    ("arange", (1.0, 6.0, 2.0), np.array([1.0, 3.0, 5.0])),
    ("linspace", (0.0, 8.0, 5), np.linspace(0, 8, 5)),
    ("logspace", (0.0, 2.0, 3), None),
    ("tensor", (ROW,), np.array(ROW)),
    ("as_tensor", (ROW,), np.array(ROW)),
    ("scalar_tensor", (3.0,), np.array(3.0)),
    ("empty", (2, 3), None),
    ("empty_strided", ((2, 3), (1, 2)), None),
    ("rand", (2, 3), None),
    ("randn", (2, 3), None),
)


WHOLE: tuple[tuple[str, tuple[Any, ...], Any], ...] = (
    ("randint", (0, 5, (2, 3)), None),
    ("randperm", (6,), None),
    ("tril_indices", (2, 2), np.array([[0, 1, 1], [0, 0, 1]])),
    ("triu_indices", (2, 2), np.array([[0, 0, 1], [0, 1, 1]])),
    ("arange", (4,), np.arange(4)),
    ("tensor", ([1, 2],), np.array([1, 2])),
)

# What releases before 2.1 make without regard to the default device.
LATER: tuple[tuple[str, tuple[Any, ...], Any], ...] = (
    ("asarray", (ROW,), np.array(ROW)),
    ("hann_window", (5,), None),
    ("hamming_window", (5,), None),
    ("blackman_window", (5,), None),
    ("bartlett_window", (5,), None),
)


LIKE: tuple[tuple[str, tuple[Any, ...], Any], ...] = (
    ("ones_like", (), 1.0),
    ("zeros_like", (), 0.0),
    ("full_like", (3.0,), 3.0),
    ("empty_like", (), None),
    ("rand_like", (), None),
    ("randn_like", (), None),
    ("randint_like", (5,), None),
)

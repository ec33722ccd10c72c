"""Every argument of creation functions by its name, wherever the positional ones end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_values
from conformance.check import check, must_answer
from conformance.numerics import FEW_ULPS, SUMMED
from conformance.oracle import creation as oracle
from conformance.subject import Subject

pytestmark = must_answer

VECTOR = np.array([3.0, 1.0, 2.0], np.float32)
# Cosines of up to 4 pi, weighed and summed, on the scale of 1.
WINDOW = SUMMED.over(24)
# By function: its arguments by name in the order of its signature, and the values that are due. Whoever takes them in
# another order, or overlooks one, makes other values.
ROWS: dict[str, list[tuple[dict[str, Any], Any]]] = {
    "arange": [
        ({"end": 4}, range(4)),
        ({"start": 2, "end": 7}, range(2, 7)),
        ({"start": 1, "end": 8, "step": 3}, [1, 4, 7]),
    ],
    "linspace": [({"start": 3, "end": -1, "steps": 5}, [3, 2, 1, 0, -1])],
    "logspace": [
        ({"start": 0, "end": 2, "steps": 3}, [1, 10, 100]),
        ({"start": 3, "end": 0, "steps": 4, "base": 2.0}, [8, 4, 2, 1]),
    ],
    "eye": [({"n": 3}, np.eye(3)), ({"n": 2, "m": 4}, np.eye(2, 4))],
    "zeros": [({"size": (2, 3)}, np.zeros((2, 3)))],
    "ones": [({"size": (2, 3)}, np.ones((2, 3)))],
    "full": [({"size": (2, 3), "fill_value": 2.5}, np.full((2, 3), 2.5))],
    "full_like": [({"input": VECTOR, "fill_value": 2.5}, np.full(3, 2.5))],
    "zeros_like": [({"input": VECTOR}, np.zeros(3))],
    "ones_like": [({"input": VECTOR}, np.ones(3))],
    "clone": [({"input": VECTOR}, VECTOR)],
    "tensor": [({"data": [[1.5, 2.0]]}, [[1.5, 2]])],
    "as_tensor": [({"data": [[1.5, 2.0]]}, [[1.5, 2]])],
    "asarray": [({"obj": [[1.5, 2.0]]}, [[1.5, 2]])],
    "complex": [({"real": VECTOR, "imag": VECTOR[::-1].copy()}, VECTOR + 1j * VECTOR[::-1])],
    "polar": [({"abs": VECTOR, "angle": np.zeros(3, np.float32)}, VECTOR + 0j)],
    "tril_indices": [
        ({"row": 3, "col": 2}, oracle.triangle(3, 2, 0, lower=True)),
        ({"row": 2, "col": 4, "offset": 1}, oracle.triangle(2, 4, 1, lower=True)),
    ],
    "triu_indices": [
        ({"row": 3, "col": 2}, oracle.triangle(3, 2, 0, lower=False)),
        ({"row": 2, "col": 4, "offset": 1}, oracle.triangle(2, 4, 1, lower=False)),
    ],
    "combinations": [
        ({"input": VECTOR, "r": 1}, oracle.combined(VECTOR, 1, with_replacement=False)),
        ({"input": VECTOR, "r": 3, "with_replacement": True}, oracle.combined(VECTOR, 3, with_replacement=True)),
    ],
    "vander": [
        ({"x": VECTOR, "N": 4}, np.vander(VECTOR, 4)),
        ({"x": VECTOR, "N": 2, "increasing": True}, np.vander(VECTOR, 2, increasing=True)),
    ],
    "bartlett_window": [({"window_length": 6, "periodic": False}, oracle.bartlett(6, periodic=False))],
    "hann_window": [({"window_length": 6, "periodic": False}, oracle.cosines(6, (0.5, 0.5), periodic=False))],
    "blackman_window": [
        ({"window_length": 6, "periodic": False}, oracle.cosines(6, (0.42, 0.5, 0.08), periodic=False))
    ],
    "hamming_window": [
        ({"window_length": 6, "periodic": False}, oracle.cosines(6, (0.54, 0.46), periodic=False)),
        (
            {"window_length": 6, "periodic": False, "alpha": 0.75, "beta": 0.125},
            oracle.cosines(6, (0.75, 0.125), periodic=False),
        ),
    ],
    "kaiser_window": [
        ({"window_length": 6, "periodic": False}, oracle.kaiser(6, 12.0, periodic=False)),
        ({"window_length": 6, "periodic": False, "beta": 5.0}, oracle.kaiser(6, 5.0, periodic=False)),
    ],
    "new_full": [({"size": (2, 3), "fill_value": 2.5}, np.full((2, 3), 2.5))],
    "new_zeros": [({"size": (2, 3)}, np.zeros((2, 3)))],
    "new_ones": [({"size": (2, 3)}, np.ones((2, 3)))],
    "new_tensor": [({"data": [[1.5, 2.0]]}, [[1.5, 2]])],
}


def _forms(given: dict[str, Any]) -> Iterator[tuple[str, list[Any], dict[str, Any]]]:
    """Every cut between arguments by place and by name, those by name last one first."""
    names = list(given)
    for cut in range(len(names) + 1):
        rest = {name: given[name] for name in reversed(names[cut:])}
        text = ", ".join([*(str(given[name]) for name in names[:cut]), *(f"{key}={rest[key]}" for key in rest)])
        yield text, [given[name] for name in names[:cut]], rest


def _on(device: str, value: Any) -> Any:
    return torch.tensor(value.tolist(), device=device) if isinstance(value, np.ndarray) else value


@check("creation.keywords")
@pytest.mark.parametrize("name", ROWS)
def test_arguments_by_place_or_by_name(subject: Subject, name: str) -> None:
    device = subject.device
    owner = torch.zeros(1, device=device) if name.startswith("new_") else torch
    for given, due in ROWS[name]:
        for text, args, named in _forms({key: _on(device, value) for key, value in given.items()}):
            owned = {"device": device} if not any(isinstance(v, torch.Tensor) for v in (*args, *named.values())) else {}
            out = getattr(owner, name)(*args, **named, **owned)
            error = WINDOW if name.endswith("_window") else FEW_ULPS
            scale = np.ones(6) if name.endswith("_window") else None
            assert_values(f"{name}({text})", out, np.asarray(due), error, scale)

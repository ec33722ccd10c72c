"""Tensors over the range of their dtype, and what Pillow makes of a picture's colours."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from conformance.subject import Subject
from conformance.tables.transforms_samples import Given, as_tensor, pixels, thin

# dtype, leading dimensions, layout
FLOATS = (
    ("float32", (3,), "contiguous"),
    ("float64", (2, 3), "channels_last"),
    ("float32", (2, 3), "row_stepped"),
    ("float64", (1,), "transposed"),
    ("float32", (2, 1), "stepped"),
)
BYTES = (("uint8", (3,), "contiguous"), ("uint8", (2, 3), "channels_last"), ("uint8", (1,), "offset"))


def tensors(
    subject: Subject, rows: Any = (*FLOATS, *BYTES), size: tuple[int, int] = (5, 6)
) -> Iterator[tuple[Given, float]]:
    """Tensors with values over their range, and its maximum."""
    for seed, row in thin(enumerate(rows), size[0] + len(rows)):
        yield as_tensor(subject, row, *size, seed), 255 if row[0] == "uint8" else 1


def enhanced(given: Given, name: str, factor: float) -> np.ndarray:
    """What Pillow's enhancer makes of a picture."""
    return pixels(getattr(importlib.import_module("PIL.ImageEnhance"), name)(given.image).enhance(factor))


def operated(given: Given, name: str, *args: Any) -> np.ndarray:
    """What an operation of Pillow's makes of a picture."""
    return pixels(getattr(importlib.import_module("PIL.ImageOps"), name)(given.image, *args))

"""Inputs of the checks of losses."""

from __future__ import annotations

import numpy as np

from properties.strategies.values import random_normal

KINDS = ("float64", "float32")


def scores(shape: tuple[int, ...], dtype: str = "float64", seed: int = 1) -> np.ndarray:
    """Scores of classes that the dtype has, as float64; classes are the second dimension."""
    return random_normal(seed, dtype, shape).astype(np.float64) * 2


def classes(shape: tuple[int, ...], count: int, seed: int = 0) -> np.ndarray:
    """Class indices below count."""
    return np.random.default_rng(seed).integers(0, count, shape)

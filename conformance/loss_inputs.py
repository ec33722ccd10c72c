"""Inputs of the checks of losses."""

from __future__ import annotations

import numpy as np

from properties.strategies.values import random_normal

KINDS = ("float64", "float32")


def scores(shape, dtype="float64", seed=1):
    return random_normal(seed, dtype, shape).astype(np.float64) * 2


def classes(shape, count, seed=0):
    return np.random.default_rng(seed).integers(0, count, shape)

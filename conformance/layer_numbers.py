"""Numbers for the checks of layers."""

from __future__ import annotations

import numpy as np

from properties.strategies.values import random_normal

KINDS = ("float64", "float32")


def normal(seed, shape, dtype="float64"):
    return random_normal(seed, dtype, shape).astype(np.float64)

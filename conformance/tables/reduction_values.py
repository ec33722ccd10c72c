"""How near the values of a reduction have to be."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.assertions import assert_values
from conformance.numerics import SUMMED


def near(call: str, out: Any, wanted: Any, dtype: str = "float64", terms: float = 64) -> None:
    """Refute unless a tensor of that dtype is near a sum of few terms, each of a few units."""
    wanted = np.asarray(wanted)
    scale = 4.0 * (1 + np.where(np.isfinite(wanted), np.abs(wanted), 0))
    assert_values(call, out, wanted, SUMMED.over(terms), scale, dtype=dtype)

"""Assertions about random draws. Their bounds are theorems; see conformance.oracle.random for the false-alarm rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance import effort, host
from conformance.assertions import assert_tensor, require
from conformance.oracle import random as oracle

# Draws that a distribution is judged by: at the default effort enough to see a distance of 0.027.
COUNT = effort.scaled(20_000)


def numbers(call: str, tensor: Any) -> np.ndarray:
    """A tensor's values as float64."""
    return host.array(assert_tensor(call, tensor)).astype(np.float64)


def assert_distribution(
    call: str, draws: np.ndarray, cdf: Callable[[np.ndarray], np.ndarray], lattice: float = 0.0
) -> None:
    """Refute unless draws follow a continuous distribution."""
    found, bound = oracle.ks_distance(draws, cdf), oracle.ks_bound(np.size(draws), lattice)
    require(
        found <= bound,
        f"{call}: Kolmogorov-Smirnov distance {found:.4f} of {np.size(draws)} draws, at most {bound:.4f} allowed",
        f"at most {bound:.4f}",
        f"{found:.4f}",
    )


def assert_shares(call: str, draws: np.ndarray, low: int, chances: np.ndarray) -> None:
    """Refute unless the integers low, low + 1, … occur as often as they should.

    Where the chances add up to 1, no other number may occur at all; else they leave out a tail.
    """
    found, count = oracle.shares(draws, low, len(chances)), np.size(draws)
    others = 1 - found.sum()
    require(
        abs(chances.sum() - 1) > 1e-12 or others < 1e-12, f"{call}: {others:.4f} of {count} draws are other numbers"
    )
    bounds = np.array([oracle.share_bound(count, len(chances), float(chance)) for chance in chances])
    worst = int(np.argmax(np.abs(found - chances) / bounds))
    require(
        abs(found[worst] - chances[worst]) <= bounds[worst],
        f"{call}: {low + worst} makes up {found[worst]:.4f} of {count} draws, "
        f"but should {chances[worst]:.4f} +- {bounds[worst]:.4f}",
        f"{chances[worst]:.4f}",
        f"{found[worst]:.4f}",
    )


def assert_tails(call: str, draws: np.ndarray, low: float, high: float, chance: float) -> None:
    """Refute unless so large a share of the draws lies below `low`, and as large a one above `high`."""
    for side, found in (("below", (draws < low).mean()), ("above", (draws > high).mean())):
        bound = oracle.share_bound(np.size(draws), 2, chance)
        edge = low if side == "below" else high
        require(
            abs(found - chance) <= bound,
            f"{call}: {found:.4f} of {np.size(draws)} draws lie {side} {edge:g}, not {chance:.4f} +- {bound:.4f}",
            f"{chance:.4f}",
            f"{found:.4f}",
        )


def assert_independent(call: str, draws: np.ndarray, median: float, chance: float) -> None:
    """Refute if neighbours agree too often or too seldom, or if parts of the draw repeat."""
    found, bound = oracle.concordance(draws, median), oracle.share_bound(np.size(draws) - 1)
    require(
        abs(found - 0.5) <= bound,
        f"{call}: neighbours lie on one side of the median in {found:.3f} of cases",
        "0.500",
        f"{found:.3f}",
    )
    for lag, count in oracle.repeats(draws).items():
        allowed = oracle.repeats_bound(np.size(draws), chance)
        require(
            count <= allowed, f"{call}: {count} draws equal the one {lag} places before", f"at most {allowed}", count
        )


def assert_unrelated(call: str, draws: np.ndarray, median: float) -> None:
    """Refute if draws lie on the same side of the median as earlier ones too often or too seldom, at any of some lags.

    What this sees and `assert_independent` does not: a half that mirrors the other, and faint echoes in long draws.
    """
    for lag, found in oracle.agreements(draws, median).items():
        bound = oracle.share_bound(np.size(draws) - lag, 12)
        require(
            abs(found - 0.5) <= bound,
            f"{call}: draws lie on the side of the one {lag} places before in {found:.4f} of cases",
            f"0.5000 +- {bound:.4f}",
            f"{found:.4f}",
        )

"""Ratios of times taken in turn: their median, its bootstrap interval, the noise floor, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conformance.verdict import Verdict

RESAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A median with its bootstrap interval, in the unit of the samples."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Ratio(Interval):
    """How many times as long the judged work took as the base; `floor`: the factor that A/A differs by, at least 1."""

    floor: float = 1.0

    @property
    def least(self) -> float:
        """The smallest ratio that the samples and the floor allow."""
        return self.low / self.floor

    @property
    def most(self) -> float:
        """The largest ratio that the samples and the floor allow."""
        return self.high * self.floor


def bootstrap(samples: Sequence[float], *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The median of some samples, and the interval in which the medians of 95 % of all resamples lie.

    Percentile bootstrap (Efron, 1979). Raises ValueError for no sample at all.
    """
    values = np.asarray(samples, dtype=np.float64)
    if not values.size:
        raise ValueError("there is no median of nothing")
    draws = np.random.default_rng(seed).integers(0, values.size, (resamples, values.size))
    medians = np.median(values[draws], axis=1)
    low, high = np.quantile(medians, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(np.median(values)), float(low), float(high))


def ratio(
    base: Sequence[float], judged: Sequence[float], again: Sequence[float], judged_again: Sequence[float] = ()
) -> Ratio:
    """judged/base, turn by turn, with the noise floor of again/base. All in seconds, of equal lengths.

    `again` are samples of the same work as `base`: what they differ by is noise. So with `judged_again`, where it is
    there: a busy machine disturbs many threads more than one, and the floor is the larger of both.
    """
    found = bootstrap(_quotients(judged, base))
    noises = [bootstrap(_quotients(again, base))]
    if judged_again:
        noises.append(bootstrap(_quotients(judged_again, judged)))
    floor = math.exp(max(abs(math.log(end)) for noise in noises for end in (noise.low, noise.high)))
    return Ratio(found.value, found.low, found.high, floor)


def _quotients(above: Sequence[float], below: Sequence[float]) -> list[float]:
    if len(above) != len(below):
        raise ValueError(f"samples come in turns, but there are {len(above)} and {len(below)}")
    return [max(a, 1e-12) / max(b, 1e-12) for a, b in zip(above, below, strict=True)]


def decide(found: Ratio, *, least: float | None = None, most: float | None = None) -> Verdict:
    """Held or refuted only outside the noise; inconclusive where the limit lies within it.

    Refuted: interval and floor together lie beyond a limit. Held: the interval lies within the limits.
    """
    if (most is not None and found.least > most) or (least is not None and found.most < least):
        return Verdict.REFUTED
    within = (most is None or found.high <= most) and (least is None or found.low >= least)
    return Verdict.HELD if within else Verdict.INCONCLUSIVE

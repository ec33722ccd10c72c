"""What samples of two builds and of one build twice say: labels, with control of false discoveries over the cases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from perf.interval import bootstrap

# The share of findings that may be false, and the smallest change that is of interest.
RATE = 0.05
SMALLEST = 1.1
# The normal quantile of a 95 % interval: half its width in standard errors.
WIDTH = 1.959964


class Label(StrEnum):
    """What became of a case from one build to the other."""

    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    NO_CHANGE = "no change"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Samples:
    """Seconds of one call, turn by turn: the base, the other build, and the base again in another process."""

    base: Sequence[float]
    other: Sequence[float]
    again: Sequence[float]


@dataclass(frozen=True)
class Finding:
    """One case. `base`, `other`: median seconds; `ratio` other/base with its interval, noise between processes
    included; `probability` of so large a ratio, or a larger one, by noise alone."""

    name: str
    base: float
    other: float
    ratio: float
    low: float
    high: float
    probability: float
    label: Label


def findings(samples: Mapping[str, Samples], *, rate: float = RATE, smallest: float = SMALLEST) -> list[Finding]:
    """Judge all cases of a comparison together.

    Two processes of one build differ by more than the samples of one do: that scatter is estimated from base and
    again over all cases, and no case gets less than half of its own. Benjamini and Hochberg (1995) control the share
    of false findings. What is no finding has not changed if its interval excludes changes by the factor `smallest`.
    """
    shifts = {name: (_shift(one.other, one.base), _shift(one.again, one.base)) for name, one in samples.items()}
    scatter = 1.4826 * float(np.median([abs(again) for _, (again, _) in shifts.values()])) if shifts else 0.0
    errors = {
        name: math.hypot(error, noise, max(scatter, abs(again) / 2))
        for name, ((_, error), (again, noise)) in shifts.items()
    }
    probabilities = {
        name: math.erfc(abs(shift) / max(errors[name], 1e-12) / math.sqrt(2))
        for name, ((shift, _), _) in shifts.items()
    }
    found = discoveries(probabilities, rate)
    return [
        _finding(name, samples[name], shifts[name][0][0], errors[name], probabilities[name], name in found, smallest)
        for name in samples
    ]


def _shift(above: Sequence[float], below: Sequence[float]) -> tuple[float, float]:
    """The median logarithm of the ratio, turn by turn, and its standard error."""
    found = bootstrap(np.log(np.maximum(above, 1e-12)) - np.log(np.maximum(below, 1e-12)))
    return found.value, (found.high - found.low) / (2 * WIDTH)


def discoveries(probabilities: Mapping[str, float], rate: float) -> set[str]:
    """The names whose probabilities the step-up procedure of Benjamini and Hochberg rejects."""
    ordered = sorted(probabilities, key=probabilities.__getitem__)
    last = 0
    for place, name in enumerate(ordered, start=1):
        if probabilities[name] <= rate * place / len(ordered):
            last = place
    return set(ordered[:last])


def _finding(
    name: str, one: Samples, shift: float, error: float, probability: float, found: bool, smallest: float
) -> Finding:
    low, high = math.exp(shift - WIDTH * error), math.exp(shift + WIDTH * error)
    if found:
        label = Label.REGRESSION if shift > 0 else Label.IMPROVEMENT
    else:
        label = Label.NO_CHANGE if 1 / smallest < low and high < smallest else Label.INCONCLUSIVE
    base, other = (float(np.median(values)) for values in (one.base, one.other))
    return Finding(name, base, other, math.exp(shift), low, high, probability, label)


def confirmed(first: Sequence[Finding], again: Sequence[Finding]) -> list[Finding]:
    """The findings of a first comparison that a second one, with new processes, found as well: others are open."""
    second = {finding.name: finding.label for finding in again}
    changed = (Label.REGRESSION, Label.IMPROVEMENT)
    return [
        Finding(**{**vars(one), "label": Label.INCONCLUSIVE})
        if one.label in changed and second.get(one.name) != one.label
        else one
        for one in first
    ]

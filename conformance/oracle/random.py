"""What random numbers have to look like: distribution functions, and bounds with a stated false-alarm rate.

Every bound is a theorem about independent draws, so a sound generator exceeds it with probability at most ALARM,
whatever the seed. A run makes fewer than 1,000 such comparisons: below 1e-9 a run.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

ALARM = 1e-12


def ks_distance(draws: np.ndarray, cdf: Callable[[np.ndarray], np.ndarray]) -> float:
    """The Kolmogorov–Smirnov distance between draws and a continuous distribution function."""
    ordered = np.sort(np.asarray(draws, np.float64).ravel())
    exact = cdf(ordered)
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(max((steps[1:] - exact).max(), (exact - steps[:-1]).max()))


def ks_bound(count: int, lattice: float = 0.0) -> float:
    """The distance that `count` independent draws exceed with probability ALARM at most.

    Dvoretzky, Kiefer and Wolfowitz with Massart's constant: P(D > t) <= 2 exp(-2 n t^2). `lattice`: the largest
    step of the distribution function between two neighbouring numbers of the dtype.
    """
    return math.sqrt(math.log(2 / ALARM) / (2 * count)) + lattice


def share_bound(count: int, categories: int = 1, chance: float = 0.5) -> float:
    """How far a relative frequency of `count` independent draws may lie from its chance, for all of so many categories
    at once: the smaller of Hoeffding's and Bernstein's bound, with a union over the categories."""
    log = math.log(4 * categories / ALARM)
    bernstein = math.sqrt(2 * chance * (1 - chance) * log / count) + log / (3 * count)
    return min(math.sqrt(log / (2 * count)), bernstein)


def repeats(draws: np.ndarray) -> dict[int, int]:
    """For each lag 1, 2, 4, … up to half the length: how many draws equal the one so many places before."""
    flat = np.asarray(draws).ravel()
    lags = [lag for lag in (1, 2, 3, 4, 8, 16, 32, 64, 256, 1024, 4096, len(flat) // 2) if 0 < lag < len(flat)]
    return {lag: int((flat[lag:] == flat[:-lag]).sum()) for lag in lags}


def repeats_bound(count: int, chance: float) -> int:
    """The number of coincidences that `count` independent comparisons, each true with that chance, exceed with
    probability ALARM at most (Chernoff's bound for the binomial tail)."""
    mean, found = count * chance, 1
    while found <= mean or mean - found + found * math.log(found / mean) < math.log(1 / ALARM):
        found += 1
    return found


def concordance(draws: np.ndarray, median: float) -> float:
    """The share of neighbours on the same side of the median: 1/2 for independent draws, each pair a fair coin."""
    above = np.asarray(draws).ravel() > median
    return float((above[1:] == above[:-1]).mean())


def agreements(draws: np.ndarray, median: float) -> dict[int, float]:
    """For each lag of `repeats`: the share of draws on the same side of the median as the one so many places before.

    Products of independent fair signs at one lag are independent fair signs themselves: each pair is a fair coin.
    """
    above = np.asarray(draws).ravel() > median
    lags = [lag for lag in (1, 2, 3, 4, 8, 16, 32, 64, 256, 1024, 4096, len(above) // 2) if 0 < lag < len(above)]
    return {lag: float((above[lag:] == above[:-lag]).mean()) for lag in lags}


def uniform(low: float = 0.0, high: float = 1.0) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.clip((x - low) / (high - low), 0, 1)


def normal(mean: float = 0.0, std: float = 1.0) -> Callable[[np.ndarray], np.ndarray]:
    erf = np.vectorize(math.erf, otypes=[np.float64])
    return lambda x: 0.5 * (1 + erf((x - mean) / (std * math.sqrt(2))))


def exponential(rate: float = 1.0) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: -np.expm1(-rate * np.maximum(x, 0))


def cauchy(median: float = 0.0, sigma: float = 1.0) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: 0.5 + np.arctan((x - median) / sigma) / math.pi


def log_normal(mean: float = 1.0, std: float = 2.0) -> Callable[[np.ndarray], np.ndarray]:
    inner = normal(mean, std)
    return lambda x: inner(np.log(np.maximum(x, 1e-300)))


def geometric(p: float, count: int) -> np.ndarray:
    """P(k) for k = 1 … count: the number of trials up to the first success."""
    return p * (1 - p) ** np.arange(count)


def poisson(rate: float, count: int) -> np.ndarray:
    """P(k) for k = 0 … count - 1."""
    return np.array([math.exp(-rate + k * math.log(rate) - math.lgamma(k + 1)) for k in range(count)])


def shares(draws: np.ndarray, low: int, count: int) -> np.ndarray:
    """Relative frequencies of low, low + 1, … (count of them) among integer draws."""
    flat = np.asarray(draws).ravel().astype(np.int64) - low
    inside = flat[(flat >= 0) & (flat < count)]
    return np.bincount(inside, minlength=count) / max(len(flat), 1)

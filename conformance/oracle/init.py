"""Fans, gains and bounds of initialisers, from their papers (Glorot and Bengio 2010, He et al. 2015)."""

from __future__ import annotations

import math

GAINS = {"linear": 1.0, "conv2d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 0.75}


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (out, in, *kernel)."""
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def leaky_gain(slope: float) -> float:
    return math.sqrt(2 / (1 + slope**2))


def xavier_std(shape: tuple[int, ...], gain: float = 1.0) -> float:
    return gain * math.sqrt(2 / sum(fans(shape)))


def xavier_bound(shape: tuple[int, ...], gain: float = 1.0) -> float:
    return gain * math.sqrt(6 / sum(fans(shape)))


def kaiming_std(shape: tuple[int, ...], gain: float = math.sqrt(2), mode: str = "fan_in") -> float:
    return gain / math.sqrt(fans(shape)[mode == "fan_out"])


def kaiming_bound(shape: tuple[int, ...], gain: float = math.sqrt(2), mode: str = "fan_in") -> float:
    return math.sqrt(3) * kaiming_std(shape, gain, mode)

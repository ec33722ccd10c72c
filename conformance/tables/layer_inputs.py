"""Inputs of the checks of layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_values
from conformance.numerics import INNER
from properties.strategies.values import random_normal

KINDS = ("float64", "float32")


def put(module: nn.Module, **values: np.ndarray) -> nn.Module:
    """Write values into parameters and buffers."""
    with torch.no_grad():
        for name, value in values.items():
            target = getattr(module, name)
            target.copy_(host.tensor(value, host.dtype_name(target.dtype), str(target.device)))
    return module


def normal(seed: int, shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    """Normal numbers that the dtype has, as float64."""
    return random_normal(seed, dtype, shape).astype(np.float64)


def close(call: str, out: Any, wanted: np.ndarray, terms: int, dtype: str, scale: Any = None) -> None:
    """An inner product of some length, and a little more for what is done to it."""
    size = np.abs(wanted) + 1 if scale is None else scale
    assert_values(call, out, wanted, INNER.over(4 * terms + 16), size, dtype=dtype)


def weights_of(layer: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Weight and bias as float64 arrays."""
    bias = None if layer.bias is None else host.array(layer.bias).astype(np.float64)
    return host.array(layer.weight).astype(np.float64), bias

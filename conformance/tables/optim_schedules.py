"""Schedules under way: an optimiser of two groups, the rates it goes through, and their comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance.assertions import require
from conformance.subject import Subject


def fresh(subject: Subject) -> torch.optim.SGD:
    """Plain momentum over two groups, of the rates 0.5 and 0.05."""
    groups = [{"params": [torch.ones(2, device=subject.device, requires_grad=True)], "lr": lr} for lr in (0.5, 0.05)]
    return torch.optim.SGD(groups, lr=5.0, momentum=0.9)


def rates_of(optimizer: torch.optim.Optimizer) -> list[float]:
    return [group["lr"] for group in optimizer.param_groups]


def walk(optimizer: torch.optim.Optimizer, scheduler: Any, count: int) -> np.ndarray:
    """The rates at each of `count` epochs, the present one first."""
    found = []
    for turn in range(count):
        found.append(rates_of(optimizer))
        optimizer.step()
        if turn < count - 1:
            scheduler.step()
    return np.array(found)


def near(text: str, found: Any, wanted: Any, allowed: float = 1e-12) -> None:
    """Refute unless rates are the wanted ones: Python floats, rounded a few times an epoch."""
    require(np.allclose(found, wanted, rtol=allowed, atol=1e-15), text, np.asarray(wanted), np.asarray(found))

"""Small parameters and nets for the checks of optimisers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.subject import Subject
from properties.strategies.recipe import contiguous


def leaf(subject: Subject, values: Sequence[float] = (1.0, -2.0, 3.0), grad: Any = None) -> torch.Tensor:
    """A float64 parameter, with a gradient where one is given."""
    p = contiguous(np.asarray(values, float), "float64").on(subject).requires_grad_()
    if grad is not None:
        p.grad = contiguous(np.asarray(grad, float), "float64").on(subject)
    return p


def small_net(subject: Subject, seed: int = 0) -> nn.Sequential:
    """Two linear layers and a tanh: 4 inputs, 2 outputs."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2)).to(subject.device)


def values_of(module: nn.Module) -> dict[str, np.ndarray]:
    """The values of all parameters, by name."""
    return {name: host.array(p) for name, p in module.named_parameters()}

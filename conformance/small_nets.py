"""Small parameters and nets for the checks of optimisers."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from conformance import host
from properties.strategies.recipe import contiguous


def leaf(subject, values=(1.0, -2.0, 3.0), grad=None):
    """A float64 parameter, with a gradient where one is given."""
    p = contiguous(np.asarray(values, float), "float64").on(subject).requires_grad_()
    if grad is not None:
        p.grad = contiguous(np.asarray(grad, float), "float64").on(subject)
    return p


def small_net(subject, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2)).to(subject.device)


def values_of(module):
    return {name: host.array(p) for name, p in module.named_parameters()}

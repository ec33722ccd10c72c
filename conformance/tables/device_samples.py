"""A network with every kind of entry that a module can have, and ways to look at them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from conformance import host

# Parameters, floating and integer buffers, a child twice over, a plain list of none.
NAMES = (
    "first.weight",
    "first.bias",
    "norm.weight",
    "norm.bias",
    "norm.running_mean",
    "norm.running_var",
    "norm.num_batches_tracked",
    "deep.0.0.weight",
    "deep.1.scale",
)


class Scale(nn.Module):
    """A parameter, a buffer outside the state, and a tensor that is neither."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.arange(1.0, 5.0))
        self.register_buffer("hidden", torch.arange(4.0), persistent=False)
        self.register_buffer("nothing", None)
        self.plain = torch.ones(2)


class Net(nn.Module):
    """A network with every kind of entry."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.deep = nn.Sequential(nn.Sequential(nn.Linear(4, 4, bias=False)), Scale())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.deep[0](self.norm(self.first(x))) * self.deep[1].scale


def made(seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return Net()


def entries(net: nn.Module) -> dict[str, torch.Tensor]:
    """All parameters and buffers, those outside the state too."""
    return {**dict(net.named_parameters()), **dict(net.named_buffers())}


def held(net: nn.Module) -> dict[str, np.ndarray]:
    return {name: host.array(tensor.detach()) for name, tensor in entries(net).items()}

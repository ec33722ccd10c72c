"""Networks whose training steps are timed, and optimisers over many small parameters."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from conformance.tables.models_networks import lenet
from perf.clock import Call


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al., 2015, figure 2), with batch normalisation."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outer)
        same = stride == 1 and inner == outer
        project = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))
        self.shortcut = nn.Identity() if same else project

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


def resnet18(classes: int = 10) -> nn.Module:
    """ResNet-18 (He et al., 2015, table 1): 11,181,642 parameters with ten classes."""
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    widths = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1)]
    widths += [(128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes)]
    return nn.Sequential(*stem, *(Block(*width) for width in widths), *head)


# By name: the network, the shape of one sample, and the batch.
NETWORKS = {"LeNet": (lenet, (1, 32, 32), 32), "ResNet-18": (resnet18, (3, 64, 64), 2)}


def operations(net: nn.Module, x: torch.Tensor) -> int:
    """Multiplications and additions of one forward pass, of the convolutions and linear layers alone."""
    found = []

    def count(layer: nn.Module, given: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        weight = layer.weight  # type: ignore[union-attr]
        found.append(2 * out.numel() * weight[0].numel())

    layers = [layer for layer in net.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        net(x)
    for hook in hooks:
        hook.remove()
    return sum(found)


def steps(net: nn.Module, x: torch.Tensor) -> tuple[Call, Call]:
    """The forward pass without a graph, and a training step with SGD."""
    target = torch.arange(len(x), device=x.device) % 10
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9)
    forward = torch.no_grad()(net.__call__)

    def step() -> None:
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(x), target).backward()
        optimiser.step()

    return lambda: forward(x), step


OPTIMISERS = {"SGD": {"lr": 1e-3, "momentum": 0.9}, "Adam": {"lr": 1e-3}}


def optimiser_steps(name: str, device: str, ways: dict[str, dict[str, bool]]) -> Iterator[tuple[str, Call]]:
    """A step over a hundred parameters of 64 elements, in each way, as ('foreach', call)."""
    for way, options in ways.items():
        parameters = [torch.ones(64, device=device, requires_grad=True) for _ in range(100)]
        for parameter in parameters:
            parameter.grad = torch.full_like(parameter, 0.5)
        yield way, getattr(torch.optim, name)(parameters, **OPTIMISERS[name], **options).step

"""The example networks of the study notes, each made at the call: layers are looked up in torch.nn as it is then."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.oracle import models as oracle
from conformance.subject import Subject


def flat_size(x: torch.Tensor) -> int:
    """The number of features of one sample: the product of all sizes but the first."""
    count = 1
    for side in x.size()[1:]:
        count *= side
    return count


def lenet(kernel: int = 5, *, relu_after_conv: bool = True) -> nn.Module:
    """Two convolutions of 5x5 or 3x3 and three linear layers, for 32x32 images in one channel."""
    side = ((32 - kernel + 1) // 2 - kernel + 1) // 2

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(1, 6, kernel)
            self.conv2 = nn.Conv2d(6, 16, kernel)
            self.fc1 = nn.Linear(16 * side * side, 120)
            self.fc2 = nn.Linear(120, 84)
            self.fc3 = nn.Linear(84, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            act = nn.functional.relu if relu_after_conv else _same
            x = nn.functional.max_pool2d(act(self.conv1(x)), (2, 2))
            x = nn.functional.max_pool2d(act(self.conv2(x)), 2)
            x = x.view(-1, flat_size(x))
            x = nn.functional.relu(self.fc1(x))
            x = nn.functional.relu(self.fc2(x))
            return self.fc3(x)

    return Net()


def _same(x: torch.Tensor) -> torch.Tensor:
    return x


def two_branches() -> nn.Module:
    """A features and a classifier Sequential, for 32x32 images in three channels."""

    class Net2(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            pool, act = nn.MaxPool2d, nn.ReLU
            self.features = nn.Sequential(nn.Conv2d(3, 6, 5), act(), pool(2, 2), nn.Conv2d(6, 16, 5), act(), pool(2, 2))
            wide = nn.Linear(16 * 5 * 5, 120)
            self.classifier = nn.Sequential(wide, act(), nn.Linear(120, 84), act(), nn.Linear(84, 10))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.classifier(self.features(x).view(-1, 16 * 5 * 5))

    return Net2()


def mlp(inner: int = 2, hidden: int = 5, outer: int = 3) -> nn.Module:
    """hidden1, hidden2 and predict: three linear layers with ReLUs between."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden1 = nn.Linear(inner, hidden)
            self.hidden2 = nn.Linear(hidden, hidden)
            self.predict = nn.Linear(hidden, outer)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.predict(torch.relu(self.hidden2(torch.relu(self.hidden1(x)))))

    return Net()


def nested() -> nn.Module:
    """conv1, conv2, maxpool1 and a features Sequential with names of its own: eight modules in all."""

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(in_channels=3, out_channels=64, kernel_size=3)
            self.conv2 = nn.Conv2d(64, 64, 3)
            self.maxpool1 = nn.MaxPool2d(2, 2)
            inner = [("conv3", nn.Conv2d(64, 128, 3)), ("conv4", nn.Conv2d(128, 128, 3)), ("relu1", nn.ReLU())]
            self.features = nn.Sequential(OrderedDict(inner))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.features(self.maxpool1(self.conv2(self.conv1(x))))

    return Model()


def slices(
    layers: Any, cuts: Iterable[tuple[int, int]] = ((0, 7), (7, 21), (21, 30)), *, requires_grad: bool = False
) -> nn.Module:
    """The layers of a Sequential cut into slice1, slice2, …; they keep their numbers as names."""

    class Slices(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for place, (first, last) in enumerate(cuts, start=1):
                part = torch.nn.Sequential()
                for number in range(first, last):
                    part.add_module(str(number), layers[number])
                setattr(self, f"slice{place}", part)
            if not requires_grad:
                for parameter in self.parameters():
                    parameter.requires_grad = False

        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            found = []
            for part in self.children():
                x = part(x)
                found.append(x)
            return found

    return Slices()


LENET = tuple(f"{layer}.{kind}" for layer in ("conv1", "conv2", "fc1", "fc2", "fc3") for kind in ("weight", "bias"))


def part(net: nn.Module, name: str) -> Any:
    """What a dotted name leads to, by plain attribute look-ups."""
    return functools.reduce(getattr, name.split("."), net)


def fill(
    net: nn.Module, names: Iterable[str], subject: Subject, dtype: str = "float64", *, seed: int = 0, each: int = 2
) -> dict[str, np.ndarray]:
    """Give the named parameters whole numbers (see `oracle.sparse`), in that dtype and on the subject.

    Returns what was given by name. Raises Unsupported if the subject lacks the dtype.
    """
    subject.require(dtype)
    given = {}
    for place, name in enumerate(names):
        parameter = part(net, name)
        shape = tuple(parameter.shape)
        given[name] = oracle.sparse(seed + place, shape, each) if len(shape) > 1 else oracle.image(seed + place, shape)
        parameter.data = host.tensor(given[name], dtype, subject.device)
    return given


def image(
    subject: Subject, shape: tuple[int, ...], dtype: str = "float64", seed: int = 9
) -> tuple[np.ndarray, torch.Tensor]:
    """Whole numbers, as an array and as a tensor."""
    values = oracle.image(seed, shape)
    return values, host.tensor(values, dtype, subject.device)

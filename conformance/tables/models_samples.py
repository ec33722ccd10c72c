"""torchvision's networks as the checks make them: without weights, without memory, or with whole numbers."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.oracle import models as oracle
from conformance.subject import Subject, Unsupported
from conformance.tables.models_networks import fill
from conformance.vision import torchvision


def models() -> Any:
    """torchvision.models. Raises Unsupported where it is not there."""
    return torchvision().models


@contextlib.contextmanager
def recorded(answer: Any) -> Iterator[tuple[list[Any], list[warnings.WarningMessage]]]:
    """Record which weights are asked for, and answer with a state instead of a download; and the warnings."""
    owner = models().WeightsEnum
    sound, asked = owner.get_state_dict, []
    owner.get_state_dict = lambda self, *args, **named: asked.append(self) or answer()
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            yield asked, said
    finally:
        owner.get_state_dict = sound


def refuse() -> None:
    """What a network gets that asks for weights though none are wanted."""
    raise AssertionError("weights are asked for")


def new(name: str, **options: Any) -> nn.Module:
    """A network without weights; never a download."""
    with recorded(refuse):
        return getattr(models(), name)(**options)


def on_meta(name: str, answer: Any = refuse, **options: Any) -> tuple[nn.Module, list[Any], list[str]]:
    """A network without memory, what weights it asked for, and the warnings. `answer`: gives their state."""
    make = getattr(models(), name)
    if not hasattr(torch.device, "__enter__"):
        raise Unsupported("torch.device is no context manager here")
    with recorded(answer) as (asked, said), torch.device("meta"):
        net = make(**options)
    return net, asked, [str(warning.message) for warning in said if issubclass(warning.category, UserWarning)]


def outline(name: str, **options: Any) -> nn.Module:
    """A network without memory: only names and shapes."""
    return on_meta(name, **options)[0]


def numbers(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def exact_resnet(subject: Subject, classes: int = 1000) -> tuple[nn.Module, dict[str, np.ndarray]]:
    """resnet18 in eval mode and double precision with whole numbers as weights, and batch norms that change nothing."""
    net = outline("resnet18", num_classes=classes).to_empty(device=subject.device)
    names = [name for name, shape in oracle.resnet18_parameters(classes) if len(shape) > 1 or name == "fc.bias"]
    state = fill(net, names, subject)
    for norm in [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]:
        norm.eps = 0.25  # with a variance of 3/4, the root is 1; some releases refuse an eps of 0
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 0.75)):
            getattr(norm, name).data = torch.full(
                (norm.num_features,), value, dtype=torch.float64, device=subject.device
            )
        norm.num_batches_tracked.zero_()
    return net.eval(), state


def picture(
    subject: Subject, shape: tuple[int, ...], dtype: str = "float64", seed: int = 4
) -> tuple[np.ndarray, torch.Tensor]:
    values = oracle.image(seed, shape)
    return values, host.tensor(values, dtype, subject.device)


def small_resnet(subject: Subject, classes: int = 10) -> tuple[nn.Module, torch.Tensor]:
    """resnet18 as constructed, in train mode, and a batch of small images."""
    net = new("resnet18", num_classes=classes).to(subject.device)
    return net, picture(subject, (4, 3, 32, 32), "float32")[1]

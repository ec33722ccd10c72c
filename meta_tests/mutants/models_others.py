"""Other wrong networks: their sizes, their initial values, batches, and what comes with the weights."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from conformance.vision import torchvision
from meta_tests.mutant import Mutant, replaced
from meta_tests.mutants.models import made, vision


def _first_layers_bias(net: nn.Module) -> nn.Module:
    first = next(module for module in net.modules() if isinstance(module, nn.Conv2d))
    first.register_parameter("extra", nn.Parameter(torch.zeros(3)))
    return net


def _evaluating(net: nn.Module) -> nn.Module:
    return net.eval()


def _kaiming_by_inputs(net: nn.Module) -> nn.Module:
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.weight.device.type != "meta":
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
    return net


def _other_eps(net: nn.Module) -> nn.Module:
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3
    return net


def _biased_norms(net: nn.Module) -> nn.Module:
    for name, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d) and name.startswith("layer3") and module.weight.device.type != "meta":
            nn.init.constant_(module.weight, 0.5)
    return net


def _weak_dropout(net: nn.Module) -> nn.Module:
    net.classifier[5].p = 0.1
    return net


def _no_pooling(net: nn.Module) -> nn.Module:
    net.avgpool.output_size = (6, 7)
    return net


def without(name: str, option: str) -> Any:
    """A network that does not read an option."""

    def wrong(sound: Any) -> Any:
        return lambda *args, **options: sound(*args, **{k: v for k, v in options.items() if k != option})

    return vision("models.resnet18-begins", f"{option} is ignored", "", name, wrong)


def _third_repeats(sound: Any) -> Any:
    def forward(self: Any, x: torch.Tensor) -> torch.Tensor:
        out = sound(self, x)
        return torch.cat([out[:2], out[:1], out[3:]]) if len(out) > 2 else out

    return forward


def _by_layout(sound: Any) -> Any:
    def forward(self: Any, x: torch.Tensor) -> torch.Tensor:
        return sound(self, x if x.is_contiguous() else x.flip(-1))

    return forward


def preset(name: str, change: Any) -> Mutant:
    """Other transforms that come with the weights: `change(self)` after they were made."""

    def enter() -> Any:
        torchvision()
        owner = importlib.import_module("torchvision.transforms._presets").ImageClassification

        def wrong(sound: Any) -> Any:
            def init(self: Any, *args: Any, **named: Any) -> None:
                sound(self, *args, **named)
                change(self)

            return init

        return replaced(owner, "__init__", wrong)

    return Mutant("models.weights-transforms", name, enter)


@contextlib.contextmanager
def _one_class_lost() -> Iterator[None]:
    """The list of ImageNet's classes begins with its second."""
    kinds = torchvision().models.ResNet18_Weights.IMAGENET1K_V1.meta["categories"]
    first = kinds[0]
    kinds[0] = kinds[1]
    try:
        yield
    finally:
        kinds[0] = first


def _grey_too(sound: Any) -> Any:
    """One channel is taken for three."""
    return lambda self, x: sound(self, x.expand(-1, 3, -1, -1) if x.shape[1] == 1 else x)


def _window_of_seven(net: nn.Module) -> None:
    """The last pooling is one window of 7x7 with 1 to spare, as for images of 224x224."""
    net.avgpool = nn.AvgPool2d(7, padding=3, stride=7)


MUTANTS = [
    vision("models.resnet18-values", "one channel is taken for three", "ResNet", "forward", _grey_too),
    made("models.resnet18-values", "images are pooled as those of 224x224", "resnet18", _window_of_seven),
    made("models.parameter-counts", "resnet34 has three more", "resnet34", _first_layers_bias),
    made("models.parameter-counts", "mobilenet_v2 begins in eval mode", "mobilenet_v2", _evaluating),
    made("models.parameter-counts", "vgg16_bn has three more", "vgg16_bn", _first_layers_bias),
    made("models.resnet18-begins", "weights go by the inputs", "resnet18", _kaiming_by_inputs),
    made("models.resnet18-begins", "eps is 1e-3", "resnet18", _other_eps),
    made("models.resnet18-begins", "norms of the third stage begin as 1/2", "resnet18", _biased_norms),
    without("resnet18", "zero_init_residual"),
    made("models.vgg19-parts", "the second dropout is 0.1", "vgg19", _weak_dropout),
    made("models.vgg19-parts", "images are pooled to 6x7", "vgg19", _no_pooling),
    vision("models.resnet18-values", "the third of a batch repeats the first", "ResNet", "forward", _third_repeats),
    vision("models.resnet18-values", "what is not contiguous is mirrored", "ResNet", "forward", _by_layout),
    preset("images are resized to 224", lambda self: setattr(self, "resize_size", [224])),
    preset("mean and std are exchanged", lambda self: self.__dict__.update(mean=self.std, std=self.mean)),
    vision(
        "models.registry",
        "get_model ignores its options",
        "",
        "get_model",
        lambda sound: lambda name, **options: sound(name),
    ),
    vision(
        "models.registry", "names are not sorted", "", "list_models", lambda sound: lambda **named: sound(**named)[::-1]
    ),
    Mutant("models.weights-transforms", "the first class has the name of the second", _one_class_lost),
]

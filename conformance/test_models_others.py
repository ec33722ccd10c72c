"""torchvision's other networks by their sizes, how networks begin, batches, and what comes with the weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.chance import assert_distribution
from conformance.check import check, must_answer
from conformance.numerics import SUMMED
from conformance.oracle import random as chances
from conformance.oracle import transforms as places
from conformance.oracle import transforms_resize as resizing
from conformance.tables.models_samples import exact_resnet, models, new, numbers, outline, picture
from conformance.tables.module_tree import assert_same
from conformance.tables.transforms_samples import numbers as pattern
from conformance.tables.transforms_samples import picture as image_of
from conformance.tables.transforms_samples import pillow, pixels

pytestmark = must_answer

# The network, its weights' name, and its scalars for 1000 classes.
SIZES = {
    "alexnet": ("AlexNet", 61_100_840),
    "resnet34": ("ResNet34", 21_797_672),
    "resnet50": ("ResNet50", 25_557_032),
    "vgg16": ("VGG16", 138_357_544),
    "vgg16_bn": ("VGG16_BN", 138_365_992),
    "squeezenet1_1": ("SqueezeNet1_1", 1_235_496),
    "mobilenet_v2": ("MobileNet_V2", 3_504_872),
    "shufflenet_v2_x1_0": ("ShuffleNet_V2_X1_0", 2_278_604),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=check("models.parameter-counts")) for name in SIZES])
def test_a_network_has_so_many_parameters(subject, name):
    weights, count = SIZES[name]
    net = outline(name)
    assert_same(f"scalars of {name}", numbers(net), count)
    told = getattr(models(), f"{weights}_Weights").DEFAULT.meta["num_params"]
    assert_same(f"scalars that {weights}_Weights tells", told, count)
    require(net.training and all(module.training for module in net.modules()), f"{name} begins in eval mode")
    require(all(p.requires_grad and p.dtype == torch.float32 for p in net.parameters()), f"{name} is partly frozen")
    out = net.eval()(torch.empty(2, 3, 224, 224, device="meta"))
    assert_same(f"shape of {name}'s output", tuple(out.shape), (2, 1000))


@check("models.resnet18-begins")
def test_a_new_resnet18_has_the_documented_initial_values(subject):
    net = new("resnet18", num_classes=10)
    for name in ("conv1", "layer1.0.conv1", "layer2.0.downsample.0", "layer3.1.conv2"):
        weight = net.get_submodule(name).weight
        deviation = np.sqrt(2 / (weight.shape[0] * weight.shape[2] * weight.shape[3]))
        draws = host.array(weight.detach()).astype(np.float64).ravel()[:50_000]
        assert_distribution(f"{name}.weight", draws / deviation, chances.normal(), 1e-4)
    for name, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            for entry, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
                found = host.array(getattr(module, entry).detach())
                require((found == value).all(), f"{name}.{entry} does not begin as {value}", value, found[0])
            assert_same(f"{name}: eps, momentum", (module.eps, module.momentum), (1e-5, 0.1))
    draws = host.array(net.fc.weight.detach()).astype(np.float64).ravel()
    bound = 1 / np.sqrt(512)
    assert_distribution("fc.weight", draws, chances.uniform(-bound, bound), 1e-4)
    last = new("resnet18", num_classes=2, zero_init_residual=True)
    for block in (last.layer1[0], last.layer4[1]):
        require((host.array(block.bn2.weight.detach()) == 0).all(), "zero_init_residual=True leaves a bn2.weight")
        require((host.array(block.bn1.weight.detach()) == 1).all(), "zero_init_residual=True changes a bn1.weight")


@check("models.vgg19-parts")
def test_vgg19_ends_with_three_layers_and_dropout(subject):
    net = outline("vgg19")
    kinds = ["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]
    assert_same("layers of classifier", [type(layer).__name__ for layer in net.classifier], kinds)
    assert_same("probabilities of dropout", [net.classifier[place].p for place in (2, 5)], [0.5, 0.5])
    assert_same("parts", [name for name, _ in net.named_children()], ["features", "avgpool", "classifier"])
    assert_same("size after avgpool", net.avgpool.output_size, (7, 7))
    seen: list[Any] = []
    for name in ("features", "avgpool", "classifier"):
        net.get_submodule(name).register_forward_hook(
            lambda module, args, out, name=name: seen.append((name, tuple(args[0].shape), tuple(out.shape)))
        )
    net.eval()(torch.empty(2, 3, 64, 96, device="meta"))
    due = [
        ("features", (2, 3, 64, 96), (2, 512, 2, 3)),
        ("avgpool", (2, 512, 2, 3), (2, 512, 7, 7)),
        ("classifier", (2, 25088), (2, 1000)),
    ]
    assert_same("shapes on the way", seen, due)


@check("models.resnet18-values")
def test_each_image_of_a_batch_is_judged_on_its_own(subject):
    net, _ = exact_resnet(subject, 10)
    _, x = picture(subject, (3, 3, 24, 32))
    wide = torch.stack([x, x + 1], -1)[..., 0]  # the same values, each second number
    with torch.no_grad():
        due = np.concatenate([host.array(net(one[None])) for one in x])
        for text, given in (
            ("contiguous", x),
            ("channels last", x.to(memory_format=torch.channels_last)),
            ("strided", wide),
        ):
            assert_values(f"resnet18 of three images, {text}", net(given), due)
        turned = x.transpose(2, 3).contiguous().transpose(2, 3)
        assert_values("resnet18 of three images, transposed", net(turned), due)
    require(len(np.unique(due, axis=0)) == 3, "the example shows nothing")


@check("models.weights-transforms")
def test_the_weights_come_with_their_transforms(subject):
    for name, crop, size in (("ResNet18", 224, 256), ("VGG19", 224, 256), ("AlexNet", 224, 256)):
        preset = getattr(models(), f"{name}_Weights").IMAGENET1K_V1.transforms()
        for shape in ((300, 400), (256, 256)):
            values = pattern((3, *shape))
            image = image_of(values, "RGB")
            high, wide = resizing.size_of(*shape, size)
            small = pixels(image.resize((wide, high), pillow().BILINEAR))
            expected, scale = places.normalize(
                places.center_crop(small, crop, crop) / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
            )
            call = f"{name}_Weights.IMAGENET1K_V1.transforms() of {shape}"
            assert_values(call, preset(image), expected, SUMMED.over(8), scale, dtype="float32")


@check("models.weights-transforms")
def test_the_weights_tell_their_classes(subject):
    for name in ("ResNet18", "VGG19", "MobileNet_V2"):
        told = getattr(models(), f"{name}_Weights").IMAGENET1K_V1.meta
        kinds = told["categories"]
        assert_same(f"{name}: classes", (len(kinds), kinds[0], kinds[999]), (1000, "tench", "toilet tissue"))


@check("models.registry", since="2.0")
def test_networks_have_names(subject):
    found = models().list_models(module=models())
    require({"resnet18", "vgg19", "alexnet", "mobilenet_v2"} <= set(found), "list_models leaves out a network", "all")
    assert_same("list_models(), sorted", found, sorted(found))
    require(models().get_model_builder("resnet18") is models().resnet18, "get_model_builder gives another function")
    torch.manual_seed(4)
    one = models().get_model("resnet18", weights=None, num_classes=3)
    torch.manual_seed(4)
    other = models().resnet18(num_classes=3)
    for (name, p), (same, q) in zip(one.named_parameters(), other.named_parameters(), strict=True):
        require(name == same and bool((p == q).all()), f"{name} of get_model('resnet18') is another one")
    weights = models().get_weight("ResNet18_Weights.IMAGENET1K_V1")
    require(weights is models().ResNet18_Weights.IMAGENET1K_V1, "get_weight gives others")
    assert_raises("get_model('no such network')", ValueError, lambda: models().get_model("no such network"))

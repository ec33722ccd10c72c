"""The keyword for weights of torchvision's networks, by example; nothing is downloaded."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.tables.models_samples import models, new, on_meta, outline, recorded
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


KEYWORDS = [
    pytest.param("resnet18", marks=check("models.resnet18-pretrained-keyword")),
    pytest.param("vgg19", marks=check("models.vgg19-pretrained-keyword")),
]


def _weights(name: str) -> Any:
    return {"resnet18": models().ResNet18_Weights, "vgg19": models().VGG19_Weights}[name]


@pytest.mark.parametrize("name", KEYWORDS)
def test_pretrained_asks_for_the_first_weights_and_is_deprecated(subject, name):
    empty, first = outline(name).state_dict, _weights(name).IMAGENET1K_V1
    for keyword, due in (({"pretrained": True}, [first]), ({"pretrained": False}, [])):
        _, asked, told = on_meta(name, empty, **keyword)
        assert_same(f"weights asked for by {keyword}", asked, due)
        require(
            any("pretrained" in text and "weights" in text for text in told),
            f"{keyword} is not called deprecated",
            1,
            told,
        )


@pytest.mark.parametrize("name", KEYWORDS)
def test_weights_asks_for_what_it_names_without_a_warning(subject, name):
    empty, first = outline(name).state_dict, _weights(name).IMAGENET1K_V1
    for weights in ("DEFAULT", "IMAGENET1K_V1", _weights(name).DEFAULT, first, None):
        _, asked, told = on_meta(name, empty, weights=weights)
        assert_same(f"weights asked for by weights={weights}", asked, [] if weights is None else [first])
        assert_same("warnings", [text for text in told if "deprecated" in text], [])
    other = _weights("vgg19" if name == "resnet18" else "resnet18").DEFAULT
    for bad in ("nothing of the sort", other):
        assert_raises(f"weights={bad}", (KeyError, TypeError, ValueError), lambda: outline(name, weights=bad))


@check("models.weights-are-loaded")
def test_the_weights_asked_for_are_in_the_network(subject):
    source = new("resnet18")
    for keyword in ({"pretrained": True}, {"weights": "DEFAULT"}):
        with recorded(source.state_dict):
            net = models().resnet18(**keyword)
        for name, entry in net.state_dict().items():
            same = host.bits(entry).tobytes() == host.bits(source.state_dict()[name]).tobytes()
            require(same, f"{name} of resnet18({keyword}) is not the loaded one")
    with recorded(source.state_dict):
        assert_raises(
            "weights and num_classes=10", ValueError, lambda: models().resnet18(weights="DEFAULT", num_classes=10)
        )


@check("models.default-is-random")
def test_without_weights_a_network_is_random_and_follows_the_seed(subject):
    def first_weight() -> bytes:
        return host.bits(new("resnet18", num_classes=2).layer1[0].conv1.weight.detach()).tobytes()

    torch.manual_seed(3)
    first, second = first_weight(), first_weight()
    torch.manual_seed(3)
    require(first != second, "two networks made in turn are equal")
    require(first == first_weight(), "the same seed gives another network")

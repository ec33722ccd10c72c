"""torchvision's vgg19 without weights, whole and in slices, by example. Whole numbers make its outputs exact."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import models as oracle
from conformance.subject import Subject
from conformance.tables.models_networks import fill, slices
from conformance.tables.models_samples import numbers, outline, picture
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


CUTS = (6, 20, 29)  # relu2_1, relu4_1 and relu5_1: where the slices end


LAYERS = {"c": nn.Conv2d, "r": nn.ReLU, "m": nn.MaxPool2d}


@check("models.vgg19-parameter-list")
def test_vgg19_has_these_layers_and_parameters(subject):
    net = outline("vgg19")
    kinds = [type(layer).__name__ for layer in net.features]
    assert_same("layers of features", kinds, [LAYERS[letter].__name__ for letter in oracle.VGG19_LAYERS])
    shapes = oracle.vgg_shapes(oracle.VGG19_LAYERS, oracle.VGG19_WIDTHS)
    due = [(f"features.{name}", shape) for name, shape in shapes]
    for place, shape in ((0, (4096, 25088)), (3, (4096, 4096)), (6, (1000, 4096))):
        due += [(f"classifier.{place}.weight", shape), (f"classifier.{place}.bias", shape[:1])]
    assert_same("named_parameters()", [(name, tuple(p.shape)) for name, p in net.named_parameters()], due)
    assert_same("number of scalars", numbers(net), 143667240)
    require(all(layer.inplace for layer in net.features if isinstance(layer, nn.ReLU)), "a ReLU does not work in place")
    assert_same("shape of the output", tuple(net.eval()(torch.empty(2, 3, 224, 224, device="meta")).shape), (2, 1000))


def vgg_features(
    subject: Subject, dtype: str = "float64", last: int = 30
) -> tuple[nn.Sequential, dict[str, np.ndarray]]:
    """The first layers of vgg19's features with whole numbers as weights."""
    layers = outline("vgg19").features[:last].to_empty(device=subject.device)
    names = [
        name
        for name, _ in oracle.vgg_shapes(oracle.VGG19_LAYERS, oracle.VGG19_WIDTHS)
        if int(name.split(".")[0]) < last
    ]
    return layers, fill(layers, names, subject, dtype)


@check("models.vgg19-slices")
def test_the_slices_are_the_layers_0_to_6_7_to_20_and_21_to_29(subject):
    layers = outline("vgg19").features
    net = slices(layers)
    bounds = [range(7), range(7, 21), range(21, 30)]
    for place, numbers_ in enumerate(bounds, start=1):
        part = getattr(net, f"slice{place}")
        assert_same(f"names in slice{place}", [name for name, _ in part.named_children()], [str(n) for n in numbers_])
        require(all(part[n] is layers[number] for n, number in enumerate(numbers_)), f"slice{place} holds other layers")
        last = numbers_[-1]
        require(
            isinstance(layers[last], nn.ReLU) and isinstance(layers[last + 1], (nn.Conv2d, nn.MaxPool2d)),
            "no cut after a ReLU",
        )
    assert_same("number of layers", (len(layers), sum(len(part) for part in net.children())), (37, 30))
    names = [name for name, _ in net.named_parameters()]
    assert_same(
        "parameter names",
        names[4:6] + names[-2:],
        ["slice1.5.weight", "slice1.5.bias", "slice3.28.weight", "slice3.28.bias"],
    )


@check("models.vgg19-multi-output")
def test_the_slices_give_three_outputs_each_from_the_one_before(subject):
    shapes = [(1, 128, 112, 112), (1, 512, 28, 28), (1, 512, 14, 14)]
    outs = slices(outline("vgg19").features)(torch.empty(1, 3, 224, 224, device="meta"))
    assert_same("shapes for 224x224", ([tuple(out.shape) for out in outs], type(outs).__name__), (shapes, "list"))
    layers, state = vgg_features(subject)
    net = slices(layers)
    values, x = picture(subject, (1, 3, 32, 32))
    due = oracle.features(values, state, oracle.VGG19_LAYERS[:30])
    for _ in range(2):
        outs = net(x)
        for place, out in zip(CUTS, outs, strict=True):
            assert_values(f"the output after layer {place}", out, due[place])
            require(not out.requires_grad, "an output of the frozen network requires a gradient")
    assert_values("the image afterwards", x, values)


@check("models.vgg19-earlier-outputs-intact")
def test_earlier_outputs_stay_as_they_were_because_each_slice_begins_with_a_new_result(subject):
    layers, state = vgg_features(subject, last=12)
    values, x = picture(subject, (1, 3, 16, 16))
    due = oracle.features(values, state, oracle.VGG19_LAYERS[:12])
    first, second = slices(layers, ((0, 7), (7, 12)))(x)
    assert_values("the first output", first, due[6])
    assert_values("the second output", second, due[11])
    cut, _ = slices(layers, ((0, 6), (6, 12)))(x)
    require((due[5] < 0).any(), "the example shows nothing")
    assert_values("an output cut before its ReLU, which then works in place", cut, due[6])


@check("models.vgg19-frozen")
def test_a_frozen_network_still_hands_gradients_to_its_input(subject):
    layers = outline("vgg19").features[:30].to_empty(device=subject.device)
    for name, _ in oracle.vgg_shapes(oracle.VGG19_LAYERS, oracle.VGG19_WIDTHS)[:26]:
        functools.reduce(getattr, name.split("."), layers).data.fill_(0.001 if name.endswith("weight") else 0.1)
    for flag in (False, True):
        layers.requires_grad_()
        net = slices(layers, requires_grad=flag)
        assert_same("requires_grad", [p.requires_grad for p in net.parameters()], [flag] * 26)
    net = slices(layers)
    x = torch.ones(1, 3, 16, 16, device=subject.device, requires_grad=True)
    outs = net(x)
    (outs[0].mean() + outs[2].mean()).backward()
    assert_tensor("x.grad", x.grad, "float32", (1, 3, 16, 16))
    require((host.array(x.grad) > 0).all(), "the gradient of the input is not positive where every weight is")
    require(all(p.grad is None for p in net.parameters()), "a frozen parameter has a gradient")


@check("models.hooks-see-what-slices-give")
def test_hooks_on_three_layers_replace_the_slices(subject):
    layers, state = vgg_features(subject, last=22)
    seen: dict[int, torch.Tensor] = {}
    for place in (6, 20):
        layers[place].register_forward_hook(lambda module, args, out, place=place: seen.update({place: out}))
    values, x = picture(subject, (1, 3, 16, 16))
    due = oracle.features(values, state, oracle.VGG19_LAYERS[:22])
    with torch.no_grad():
        assert_values("the output of all layers", layers(x), due[21])
    for place in (6, 20):
        assert_values(f"what a hook on layer {place} saw", seen[place], due[place])

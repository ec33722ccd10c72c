"""torchvision's resnet18 and vgg19 without weights, by example. Whole numbers as weights make their outputs exact."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.module_tree import assert_same
from conformance.networks import fill, slices
from conformance.numerics import SUMMED
from conformance.oracle import models as oracle
from conformance.subject import Subject, Unsupported
from conformance.vision import torchvision

pytestmark = must_answer

CUTS = (6, 20, 29)  # relu2_1, relu4_1 and relu5_1: where the slices end


def models() -> Any:
    """torchvision.models. Raises Unsupported where it is not there."""
    return torchvision().models


def on_meta(name: str, **options: Any) -> nn.Module:
    """A network without memory: only names and shapes."""
    make = getattr(models(), name)
    if not hasattr(torch.device, "__enter__"):
        raise Unsupported("torch.device is no context manager here")
    with torch.device("meta"):
        return make(**options)


def numbers(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def exact_resnet(subject: Subject, classes: int = 1000) -> tuple[nn.Module, dict[str, np.ndarray]]:
    """resnet18 in eval mode and double precision with whole numbers as weights, and batch norms that change nothing."""
    net = on_meta("resnet18", num_classes=classes).to_empty(device=subject.device)
    names = [name for name, shape in oracle.resnet18_parameters(classes) if len(shape) > 1 or name == "fc.bias"]
    state = fill(net, names, subject)
    for norm in [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]:
        norm.eps = 0.0
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            getattr(norm, name).data = torch.full((norm.num_features,), value, dtype=torch.float64, device=subject.device)
        norm.num_batches_tracked.zero_()
    return net.eval(), state


def picture(subject: Subject, shape: tuple[int, ...], dtype: str = "float64", seed: int = 4) -> tuple[np.ndarray, torch.Tensor]:
    values = oracle.image(seed, shape)
    return values, host.tensor(values, dtype, subject.device)


def small_resnet(subject: Subject, classes: int = 10) -> tuple[nn.Module, torch.Tensor]:
    """resnet18 as constructed, in train mode, and a batch of small images."""
    net = models().resnet18(num_classes=classes).to(subject.device)
    return net, picture(subject, (4, 3, 32, 32), "float32")[1]


# -- resnet18 ----------------------------------------------------------------------------------------------------------


@check("models.resnet18-parameter-list")
def test_resnet18_has_62_parameters_in_this_order(subject):
    for classes, count in ((1000, 11689512), (7, 11180103)):
        net = on_meta("resnet18", num_classes=classes)
        found = [(name, tuple(p.shape)) for name, p in net.named_parameters()]
        assert_same("named_parameters()", found, oracle.resnet18_parameters(classes))
        assert_same("number of parameters and of scalars", (len(found), numbers(net)), (62, count))
        norms = [name.removesuffix(".weight") for name, shape in found if len(shape) == 1 and name.endswith(".weight")]
        kinds = ("running_mean", "running_var", "num_batches_tracked")
        assert_same("named_buffers()", [name for name, _ in net.named_buffers()], [f"{n}.{kind}" for n in norms for kind in kinds])
        require(all(p.requires_grad for p in net.parameters()), "a parameter of a new network is frozen")


@check("models.resnet18-values")
def test_resnet18_computes_what_it_should(subject):
    net, state = exact_resnet(subject)
    for shape in ((2, 3, 64, 64), (1, 3, 33, 50)):
        values, x = picture(subject, shape)
        with torch.no_grad():
            assert_values(f"resnet18 of {shape}", net(x), oracle.resnet18(values, state))


@check("models.resnet18-values")
def test_resnet18_takes_images_of_any_size(subject):
    net = on_meta("resnet18")
    for batch, high, wide in ((1, 224, 224), (3, 64, 32), (2, 1, 1)):
        out = net.eval()(torch.empty(batch, 3, high, wide, device="meta"))
        assert_same(f"shape for {high}x{wide}", tuple(out.shape), (batch, 1000))
    assert_raises("one channel", RuntimeError, lambda: net(torch.empty(1, 1, 64, 64, device="meta")))


@check("models.resnet18-fc-in-features")
def test_the_last_layer_takes_512_features(subject):
    net = on_meta("resnet18")
    require(isinstance(net.fc, nn.Linear) and [*net.named_children()][-1][0] == "fc", "fc is not the last layer")
    assert_same("in_features, out_features", (net.fc.in_features, net.fc.out_features), (512, 1000))
    seen: list[tuple[int, ...]] = []
    net.fc.register_forward_pre_hook(lambda module, args: seen.append(tuple(args[0].shape)))
    net.eval()(torch.empty(2, 3, 64, 64, device="meta"))
    assert_same("shape that enters fc", seen, [(2, 512)])


@check("models.replace-last-layer")
def test_another_last_layer_takes_the_place_of_the_old_one(subject):
    net, state = exact_resnet(subject, 5)
    old, before = net.fc, [name for name, _ in net.named_parameters()]
    net.fc = nn.Linear(net.fc.in_features, 2)
    state |= fill(net, ("fc.weight", "fc.bias"), subject, seed=77)
    values, x = picture(subject, (2, 3, 32, 32))
    with torch.no_grad():
        out = net(x)
    assert_tensor("net(x)", out, "float64", (2, 2))
    assert_values("net(x)", out, oracle.resnet18(values, state))
    assert_same("names", [name for name, _ in net.named_parameters()], before)
    require(not any(p is q for p in net.parameters() for q in old.parameters()), "the old layer's parameters are still listed")
    require(net.fc is not old and not any(m is old for m in net.modules()), "the old layer is still listed")


@check("models.freeze-then-new-head")
def test_only_a_head_made_after_freezing_is_trainable(subject):
    heads = ["fc.weight", "fc.bias"]
    net = on_meta("resnet18")
    for parameter in net.parameters():
        parameter.requires_grad = False
    net.fc = nn.Linear(net.fc.in_features, 2)
    assert_same("trainable", [name for name, p in net.named_parameters() if p.requires_grad], heads)
    net = on_meta("resnet18")
    net.fc = nn.Linear(512, 2)
    net.requires_grad_(False)
    assert_same("trainable in the other order", [name for name, p in net.named_parameters() if p.requires_grad], [])


@check("models.only-the-head-trains")
def test_a_step_changes_only_the_head(subject):
    net, x = small_resnet(subject)
    net.requires_grad_(False)
    net.fc = nn.Linear(512, 2).to(subject.device)
    held = {name: host.array(p.detach()) for name, p in net.named_parameters()}
    loss = nn.functional.cross_entropy(net(x), torch.tensor([0, 1, 1, 0], device=subject.device))
    loss.backward()
    with torch.no_grad():
        for parameter in net.fc.parameters():
            parameter -= 0.1 * parameter.grad
    for name, parameter in net.named_parameters():
        after = host.array(parameter.detach())
        if name.startswith("fc."):
            require((after != held[name]).any(), f"{name} did not change")
            assert_tensor(f"{name}.grad", parameter.grad, "float32", tuple(parameter.shape))
        else:
            require(parameter.grad is None, f"{name} is frozen but has a gradient")
            assert_values(f"{name} after the step", parameter.detach(), held[name])


# -- batch norm --------------------------------------------------------------------------------------------------------


def statistics(net: nn.Module) -> dict[str, np.ndarray]:
    return {name: host.array(buffer) for name, buffer in net.named_buffers()}


@check("models.frozen-layers-do-not-change")
def test_running_statistics_of_a_frozen_network_still_drift_in_train_mode(subject):
    net, x = small_resnet(subject)
    net.requires_grad_(False)
    held, before = {name: host.array(p) for name, p in net.named_parameters()}, statistics(net)
    with torch.no_grad():
        first = host.array(net.eval()(x))
        for name, value in statistics(net).items():
            assert_values(f"{name} after a pass in eval mode", net.get_buffer(name), before[name])
        net.train()(x)
        for name, value in statistics(net).items():
            require((value != before[name]).any(), f"{name} did not change in train mode")
        assert_values("batches counted", net.layer4[1].bn2.num_batches_tracked, np.array(1), dtype="int64")
        second = host.array(net.eval()(x))
    require((first != second).any(), "the output in eval mode is the same after a pass in train mode")
    for name, parameter in net.named_parameters():
        assert_values(f"{name} of the frozen network", parameter, held[name])


@check("models.frozen-layers-do-not-change")
def test_running_statistics_move_a_tenth_of_the_way(subject):
    net, state = exact_resnet(subject)
    values, x = picture(subject, (2, 3, 32, 32))
    out = oracle.conv2d(values, state["conv1.weight"], None, 2, 3)
    net.bn1.eps = 1e-5  # 0 is refused in train mode
    with torch.no_grad():
        net.bn1.train()
        net(x)
    count = out[:, 0].size
    mean, var = out.mean((0, 2, 3)), out.var((0, 2, 3), ddof=1)
    size = np.abs(out).mean((0, 2, 3)) + (out**2).mean((0, 2, 3)) * count / (count - 1) + 1
    few = SUMMED.over(4 * count)
    assert_values("bn1.running_mean", net.bn1.running_mean, 0.1 * mean, few, size)
    assert_values("bn1.running_var", net.bn1.running_var, 0.9 + 0.1 * var, few, size)


@check("models.eval-is-deterministic")
def test_in_eval_mode_the_same_input_gives_the_same_bits(subject):
    net, x = small_resnet(subject)
    with torch.no_grad():
        net.eval()
        outs = [host.bits(out).tobytes() for out in (net(x), net(x.clone()), net(x))]
        require(outs[0] == outs[1] == outs[2], "two calls in eval mode differ")
        require(host.bits(net.train()(x)).tobytes() != outs[0], "train mode gives the same output as eval mode")
        require(host.bits(net.eval()(x)).tobytes() != outs[0], "a pass in train mode leaves the eval output as it was")


@check("models.state-moves-all")
def test_loading_a_state_makes_two_networks_agree(subject):
    net, x = small_resnet(subject)
    twin = models().resnet18(num_classes=10).to(subject.device)
    with torch.no_grad():
        net(x)  # moves the statistics
        first, other = host.bits(net.eval()(x)), host.bits(twin.eval()(x))
        require(first.tobytes() != other.tobytes(), "two new networks agree before loading")
        assert_same("the result", str(twin.load_state_dict(net.state_dict())), "<All keys matched successfully>")
        require(host.bits(twin(x)).tobytes() == first.tobytes(), "two networks with one state give different outputs")
    assert_same("number of entries", len(net.state_dict()), 122)


# -- vgg19 -------------------------------------------------------------------------------------------------------------

LAYERS = {"c": nn.Conv2d, "r": nn.ReLU, "m": nn.MaxPool2d}


@check("models.vgg19-parameter-list")
def test_vgg19_has_these_layers_and_parameters(subject):
    net = on_meta("vgg19")
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


def vgg_features(subject: Subject, dtype: str = "float64", last: int = 30) -> tuple[nn.Sequential, dict[str, np.ndarray]]:
    """The first layers of vgg19's features with whole numbers as weights."""
    layers = on_meta("vgg19").features[:last].to_empty(device=subject.device)
    names = [name for name, _ in oracle.vgg_shapes(oracle.VGG19_LAYERS, oracle.VGG19_WIDTHS) if int(name.split(".")[0]) < last]
    return layers, fill(layers, names, subject, dtype)


@check("models.vgg19-slices")
def test_the_slices_are_the_layers_0_to_6_7_to_20_and_21_to_29(subject):
    layers = on_meta("vgg19").features
    net = slices(layers)
    bounds = [range(7), range(7, 21), range(21, 30)]
    for place, numbers_ in enumerate(bounds, start=1):
        part = getattr(net, f"slice{place}")
        assert_same(f"names in slice{place}", [name for name, _ in part.named_children()], [str(n) for n in numbers_])
        require(all(part[n] is layers[number] for n, number in enumerate(numbers_)), f"slice{place} holds other layers")
        last = numbers_[-1]
        require(isinstance(layers[last], nn.ReLU) and isinstance(layers[last + 1], (nn.Conv2d, nn.MaxPool2d)), "no cut after a ReLU")
    assert_same("number of layers", (len(layers), sum(len(part) for part in net.children())), (37, 30))
    names = [name for name, _ in net.named_parameters()]
    assert_same("parameter names", names[4:6] + names[-2:], ["slice1.5.weight", "slice1.5.bias", "slice3.28.weight", "slice3.28.bias"])


@check("models.vgg19-multi-output")
def test_the_slices_give_three_outputs_each_from_the_one_before(subject):
    shapes = [(1, 128, 112, 112), (1, 512, 28, 28), (1, 512, 14, 14)]
    outs = slices(on_meta("vgg19").features)(torch.empty(1, 3, 224, 224, device="meta"))
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
    layers = on_meta("vgg19").features[:30].to_empty(device=subject.device)
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


# -- the keyword for weights -------------------------------------------------------------------------------------------


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


KEYWORDS = [
    pytest.param("resnet18", marks=check("models.resnet18-pretrained-keyword")),
    pytest.param("vgg19", marks=check("models.vgg19-pretrained-keyword")),
]


def _weights(name: str) -> Any:
    return {"resnet18": models().ResNet18_Weights, "vgg19": models().VGG19_Weights}[name]


@pytest.mark.parametrize("name", KEYWORDS)
def test_pretrained_asks_for_the_first_weights_and_is_deprecated(subject, name):
    empty = on_meta(name).state_dict
    first = _weights(name).IMAGENET1K_V1
    for keyword, due in (({"pretrained": True}, [first]), ({"pretrained": False}, [])):
        with recorded(empty) as (asked, said):
            on_meta(name, **keyword)
        assert_same(f"weights asked for by {keyword}", asked, due)
        told = [str(warning.message) for warning in said if issubclass(warning.category, UserWarning)]
        require(any("pretrained" in text and "weights" in text for text in told), f"{keyword} is not called deprecated", 1, told)


@pytest.mark.parametrize("name", KEYWORDS)
def test_weights_asks_for_what_it_names_without_a_warning(subject, name):
    empty, first = on_meta(name).state_dict, _weights(name).IMAGENET1K_V1
    for weights in ("DEFAULT", "IMAGENET1K_V1", _weights(name).DEFAULT, first, None):
        with recorded(empty) as (asked, said):
            on_meta(name, weights=weights)
        assert_same(f"weights asked for by weights={weights}", asked, [] if weights is None else [first])
        assert_same("warnings", [str(w.message) for w in said if "deprecated" in str(w.message)], [])
    other = _weights("vgg19" if name == "resnet18" else "resnet18").DEFAULT
    for bad in ("nothing of the sort", other):
        with recorded(empty) as (asked, _):
            assert_raises(f"weights={bad}", (KeyError, TypeError, ValueError), lambda: on_meta(name, weights=bad))
        assert_same(f"weights asked for by weights={bad}", asked, [])


@check("models.weights-are-loaded")
def test_the_weights_asked_for_are_in_the_network(subject):
    source = models().resnet18()
    for keyword in ({"pretrained": True}, {"weights": "DEFAULT"}):
        with recorded(source.state_dict):
            net = models().resnet18(**keyword)
        for name, entry in net.state_dict().items():
            same = host.bits(entry).tobytes() == host.bits(source.state_dict()[name]).tobytes()
            require(same, f"{name} of resnet18({keyword}) is not the loaded one")
    with recorded(source.state_dict):
        assert_raises("weights and num_classes=10", ValueError, lambda: models().resnet18(weights="DEFAULT", num_classes=10))


@check("models.default-is-random")
def test_without_weights_a_network_is_random_and_follows_the_seed(subject):
    with recorded(dict) as (asked, _):
        torch.manual_seed(3)
        first = host.bits(models().resnet18(num_classes=2).layer1[0].conv1.weight.detach()).tobytes()
        second = host.bits(models().resnet18(num_classes=2).layer1[0].conv1.weight.detach()).tobytes()
        torch.manual_seed(3)
        again = host.bits(models().resnet18(num_classes=2).layer1[0].conv1.weight.detach()).tobytes()
    assert_same("weights asked for", asked, [])
    require(first != second, "two networks made in turn are equal")
    require(first == again, "the same seed gives another network")

"""The example networks of the study notes, by example: shapes, values, names, and what printing shows."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import models as oracle
from conformance.tables.models_networks import LENET, fill, flat_size, image, lenet, nested, two_branches
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


# -- LeNet -------------------------------------------------------------------------------------------------------------

NETS = [
    pytest.param(5, marks=check("module.lenet5x5-output-shape")),
    pytest.param(3, marks=check("module.lenet3x3-output-shape")),
]


@pytest.mark.parametrize("kernel", NETS)
def test_lenet_maps_an_image_to_ten_values(subject, kernel):
    for act in (True, False):
        net = lenet(kernel, relu_after_conv=act).to(subject.device)
        state = fill(net, LENET, subject)
        for batch in (1, 3):
            values, x = image(subject, (batch, 1, 32, 32), seed=batch)
            out = net(x)
            assert_tensor("net(x)", out, "float64", (batch, 10))
            assert_values("net(x)", out.detach(), oracle.lenet(values, state, relu_after_conv=act))


@pytest.mark.parametrize("kernel", NETS)
def test_lenet_works_in_single_precision_as_well(subject, kernel):
    net = lenet(kernel).to(subject.device)
    state = fill(net, LENET, subject, "float32", seed=50)
    values, x = image(subject, (2, 1, 32, 32), "float32")
    assert_values("net(x)", net(x).detach(), oracle.lenet(values, state), dtype="float32")
    require(nn.functional.relu(net.fc1(torch.zeros(1, net.fc1.in_features, device=x.device))).shape == (1, 120), "fc1")


@pytest.mark.parametrize("kernel", NETS)
def test_lenet_takes_no_other_image_size(subject, kernel):
    net = lenet(kernel).to(subject.device)
    for side in (28, 40):
        x = torch.zeros(1, 1, side, side, device=subject.device)
        assert_raises(f"net of a {side}x{side} image", RuntimeError, lambda: net(x))
    assert_raises("net of three channels", RuntimeError, lambda: net(torch.zeros(1, 3, 32, 32, device=subject.device)))


@check("module.parameters-count")
def test_the_example_network_has_ten_parameters(subject):
    for kernel, scalars in ((5, 61706), (3, 81194)):
        parameters = list(lenet(kernel).parameters())
        assert_same("number of parameters", len(parameters), 10)
        assert_same("number of scalars", sum(p.numel() for p in parameters), scalars)


@check("module.parameters-order")
def test_parameters_come_in_order_of_definition_weight_first(subject):
    for kernel, wide in ((5, 400), (3, 576)):
        shapes = [
            (6, 1, kernel, kernel),
            (6,),
            (16, 6, kernel, kernel),
            (16,),
            (120, wide),
            (120,),
            (84, 120),
            (84,),
            (10, 84),
            (10,),
        ]
        net = lenet(kernel)
        assert_same("shapes", [tuple(p.size()) for p in net.parameters()], shapes)
        assert_same("names", [name for name, _ in net.named_parameters()], list(LENET))
        assert_same(
            "the second size", next(p for n, p in enumerate(net.parameters()) if n == 1).size(), torch.Size([6])
        )


@check("module.parameters-is-a-generator")
def test_parameters_is_a_generator_used_up_once(subject):
    net = lenet()
    found = net.parameters()
    require(repr(found).startswith("<generator object Module.parameters at 0x"), f"it prints as {found!r}")
    first = next(found)
    require(first is net.conv1.weight, "the first is not conv1.weight")
    assert_same("the rest and what is left afterwards", (len(list(found)), len(list(found))), (9, 0))


@check("module.num-flat-features")
def test_the_helper_counts_the_features_of_one_sample(subject):
    for shape, due in (((1, 16, 5, 5), 400), ((7, 16, 6, 6), 576), ((3, 2), 2), ((4,), 1), ((2, 0, 5), 0)):
        x = torch.zeros(shape, device=subject.device)
        size = x.size()[1:]
        assert_same(f"size()[1:] of {shape}", (tuple(size), size.numel()), (shape[1:], due))
        assert_same(f"features of {shape}", flat_size(x), due)


@check("module.view-minus-one-as-batch")
def test_a_batch_taken_from_minus_one_hides_a_wrong_image_size(subject):
    x = torch.zeros(25, 16, 13, 13, device=subject.device)  # what 64x64 images become
    assert_same("x.view(-1, 400)", tuple(x.view(-1, 400).shape), (169, 400))
    net = two_branches().to(subject.device)
    assert_same(
        "the output for 25 images", tuple(net(torch.zeros(25, 3, 64, 64, device=subject.device)).shape), (169, 10)
    )
    layer = nn.Linear(400, 120).to(subject.device)
    assert_raises("the safe form", RuntimeError, lambda: layer(x.view(x.size(0), -1)))
    net = lenet().to(subject.device)
    assert_raises(
        "the variant with num_flat_features", RuntimeError, lambda: net(torch.zeros(25, 1, 64, 64, device=x.device))
    )
    assert_same("for the right size", tuple(net(torch.zeros(2, 1, 32, 32, device=x.device)).shape), (2, 10))


# -- the network in two parts ------------------------------------------------------------------------------------------

NET2 = [
    f"{part}.{n}.{kind}"
    for part, places in (("features", (0, 3)), ("classifier", (0, 2, 4)))
    for n in places
    for kind in ("weight", "bias")
]


@check("module.net2-output-shape")
def test_features_and_classifier_run_in_turn(subject):
    net = two_branches().to(subject.device)
    state = fill(net, NET2, subject)
    for batch in (1, 2):
        values, x = image(subject, (batch, 3, 32, 32))
        assert_same("features", tuple(net.features(x).shape), (batch, 16, 5, 5))
        inner = {name.removeprefix("features."): value for name, value in state.items()}
        due = oracle.features(values, inner, "vrmvrm")[-1].reshape(batch, 400)
        for place in (0, 2, 4):
            due = oracle.linear(due, state[f"classifier.{place}.weight"], state[f"classifier.{place}.bias"])
            due = oracle.relu(due) if place < 4 else due
        assert_values("net(x)", net(x).detach(), due)


@check("module.net2-super-names-other-class")
def test_super_with_the_name_of_another_class_fails_at_instantiation(subject):
    class Net(nn.Module):
        pass

    class Net2(nn.Module):
        def __init__(self):
            super(Net, self).__init__()
            self.features = nn.Sequential(nn.Conv2d(3, 6, 5), nn.ReLU())

    assert_raises("Net2()", TypeError, Net2)
    assert_same(
        "names once corrected", [name for name, _ in two_branches().named_children()], ["features", "classifier"]
    )


# -- the network with a features Sequential ----------------------------------------------------------------------------


@check("module.model-forward")
def test_the_network_runs_its_layers_in_turn(subject):
    net = nested().to(subject.device)
    names = [
        f"{layer}.{kind}"
        for layer in ("conv1", "conv2", "features.conv3", "features.conv4")
        for kind in ("weight", "bias")
    ]
    state = fill(net, names, subject)
    values, x = image(subject, (1, 3, 32, 32))
    for layer in names[::2]:
        name = layer.removesuffix(".weight")
        values = oracle.conv2d(values, state[layer], state[f"{name}.bias"])
        values = oracle.max_pool2d(values, 2, 2) if name == "conv2" else values
    out = net(x)
    assert_tensor("net(x)", out, "float64", (1, 128, 10, 10))
    assert_values("net(x)", out.detach(), oracle.relu(values))

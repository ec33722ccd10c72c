"""torchvision's resnet18 and vgg19 without weights, by example. Whole numbers as weights make their outputs exact."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import SUMMED
from conformance.oracle import models as oracle
from conformance.tables.models_networks import fill
from conformance.tables.models_samples import exact_resnet, new, numbers, outline, picture, small_resnet
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


# -- resnet18 ----------------------------------------------------------------------------------------------------------


@check("models.resnet18-parameter-list")
def test_resnet18_has_62_parameters_in_this_order(subject):
    for classes, count in ((1000, 11689512), (7, 11180103)):
        net = outline("resnet18", num_classes=classes)
        found = [(name, tuple(p.shape)) for name, p in net.named_parameters()]
        assert_same("named_parameters()", found, oracle.resnet18_parameters(classes))
        assert_same("number of parameters and of scalars", (len(found), numbers(net)), (62, count))
        norms = [name.removesuffix(".weight") for name, shape in found if len(shape) == 1 and name.endswith(".weight")]
        kinds = ("running_mean", "running_var", "num_batches_tracked")
        assert_same(
            "named_buffers()",
            [name for name, _ in net.named_buffers()],
            [f"{n}.{kind}" for n in norms for kind in kinds],
        )
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
    net = outline("resnet18")
    for batch, high, wide in ((1, 224, 224), (3, 64, 32), (2, 1, 1)):
        out = net.eval()(torch.empty(batch, 3, high, wide, device="meta"))
        assert_same(f"shape for {high}x{wide}", tuple(out.shape), (batch, 1000))
    assert_raises("one channel", RuntimeError, lambda: net(torch.empty(1, 1, 64, 64, device="meta")))


@check("models.resnet18-fc-in-features")
def test_the_last_layer_takes_512_features(subject):
    net = outline("resnet18")
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
    require(
        not any(p is q for p in net.parameters() for q in old.parameters()),
        "the old layer's parameters are still listed",
    )
    require(net.fc is not old and not any(m is old for m in net.modules()), "the old layer is still listed")


@check("models.freeze-then-new-head")
def test_only_a_head_made_after_freezing_is_trainable(subject):
    heads = ["fc.weight", "fc.bias"]
    net = outline("resnet18")
    for parameter in net.parameters():
        parameter.requires_grad = False
    net.fc = nn.Linear(net.fc.in_features, 2)
    assert_same("trainable", [name for name, p in net.named_parameters() if p.requires_grad], heads)
    net = outline("resnet18")
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
        for name in before:
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
    with torch.no_grad():
        net.bn1.train()
        net(x)
    count = out[:, 0].size
    mean, var = out.mean((0, 2, 3)), out.var((0, 2, 3), ddof=1)
    size = np.abs(out).mean((0, 2, 3)) + (out**2).mean((0, 2, 3)) * count / (count - 1) + 1
    few = SUMMED.over(4 * count)
    assert_values("bn1.running_mean", net.bn1.running_mean, 0.1 * mean, few, size)
    assert_values("bn1.running_var", net.bn1.running_var, 0.9 * 0.75 + 0.1 * var, few, size)


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
    twin = new("resnet18", num_classes=10).to(subject.device)
    with torch.no_grad():
        net(x)  # moves the statistics
        first, other = host.bits(net.eval()(x)), host.bits(twin.eval()(x))
        require(first.tobytes() != other.tobytes(), "two new networks agree before loading")
        assert_same("the result", str(twin.load_state_dict(net.state_dict())), "<All keys matched successfully>")
        require(host.bits(twin(x)).tobytes() == first.tobytes(), "two networks with one state give different outputs")
    assert_same("number of entries", len(net.state_dict()), 122)

"""The example networks of the study notes, by example: shapes, values, names, and what printing shows."""

from __future__ import annotations

import contextlib
import io
import textwrap

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.module_tree import assert_same
from conformance.networks import LENET, fill, flat_size, lenet, mlp, nested, two_branches
from conformance.oracle import models as oracle
from conformance.subject import Subject

pytestmark = must_answer


def image(subject: Subject, shape: tuple[int, ...], dtype: str = "float64", seed: int = 9) -> tuple[np.ndarray, torch.Tensor]:
    values = oracle.image(seed, shape)
    return values, host.tensor(values, dtype, subject.device)


# -- LeNet -------------------------------------------------------------------------------------------------------------

NETS = [pytest.param(5, marks=check("module.lenet5x5-output-shape")), pytest.param(3, marks=check("module.lenet3x3-output-shape"))]


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
        shapes = [(6, 1, kernel, kernel), (6,), (16, 6, kernel, kernel), (16,), (120, wide), (120,), (84, 120), (84,), (10, 84), (10,)]
        net = lenet(kernel)
        assert_same("shapes", [tuple(p.size()) for p in net.parameters()], shapes)
        assert_same("names", [name for name, _ in net.named_parameters()], list(LENET))
        assert_same("the second size", next(p for n, p in enumerate(net.parameters()) if n == 1).size(), torch.Size([6]))


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
    assert_same("the output for 25 images", tuple(net(torch.zeros(25, 3, 64, 64, device=subject.device)).shape), (169, 10))
    layer = nn.Linear(400, 120).to(subject.device)
    assert_raises("the safe form", RuntimeError, lambda: layer(x.view(x.size(0), -1)))
    net = lenet().to(subject.device)
    assert_raises("the variant with num_flat_features", RuntimeError, lambda: net(torch.zeros(25, 1, 64, 64, device=x.device)))
    assert_same("for the right size", tuple(net(torch.zeros(2, 1, 32, 32, device=x.device)).shape), (2, 10))


# -- the network in two parts ------------------------------------------------------------------------------------------

NET2 = [f"{part}.{n}.{kind}" for part, places in (("features", (0, 3)), ("classifier", (0, 2, 4))) for n in places for kind in ("weight", "bias")]


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
    assert_same("names once corrected", [name for name, _ in two_branches().named_children()], ["features", "classifier"])


# -- the network with a features Sequential ----------------------------------------------------------------------------

NAMES = ["", "conv1", "conv2", "maxpool1", "features", "features.conv3", "features.conv4", "features.relu1"]
LINES = {
    "conv1": "Conv2d(3, 64, kernel_size=(3, 3), stride=(1, 1))",
    "conv2": "Conv2d(64, 64, kernel_size=(3, 3), stride=(1, 1))",
    "maxpool1": "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
    "features": """\
Sequential(
  (conv3): Conv2d(64, 128, kernel_size=(3, 3), stride=(1, 1))
  (conv4): Conv2d(128, 128, kernel_size=(3, 3), stride=(1, 1))
  (relu1): ReLU()
)""",
    "features.conv3": "Conv2d(64, 128, kernel_size=(3, 3), stride=(1, 1))",
    "features.conv4": "Conv2d(128, 128, kernel_size=(3, 3), stride=(1, 1))",
    "features.relu1": "ReLU()",
}
TOP = ("conv1", "conv2", "maxpool1", "features")


def whole() -> str:
    """What printing the whole network shows."""
    lines = [f"({name}): {LINES[name]}" for name in TOP]
    return f"Model(\n{textwrap.indent(chr(10).join(lines), '  ')}\n)"


@check("module.modules-printed-output")
def test_the_listing_of_all_modules(subject):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for place, module in enumerate(nested().modules()):
            print(place, "-", module)
    due = [whole(), *LINES.values()]
    assert_same("the listing", said.getvalue(), "".join(f"{place} - {text}\n" for place, text in enumerate(due)))


@check("module.named-modules-filter")
def test_layers_can_be_picked_by_name(subject):
    net = nested()
    found = [(name, layer) for name, layer in net.named_modules() if "conv" in name]
    assert_same("names with 'conv'", [name for name, _ in found], ["conv1", "conv2", "features.conv3", "features.conv4"])
    require(found[2][1] is net.features.conv3 and found[0][1] is net.conv1, "the layers are other objects")
    assert_same("all names", [name for name, _ in net.named_modules()], NAMES)


def _listing(loop: str) -> str:
    """What a loop over the network prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(textwrap.dedent(loop), "loop", "exec"), {"m": nested(), "model": nested()})
    return said.getvalue()


@check("module.named-modules-placeholder")
def test_a_bare_word_in_the_loop_is_a_name_error_at_the_first_match(subject):
    loop = "for name, layer in model.named_modules():\n    if {} in name:\n        对layer进行处理\n"
    try:
        _listing(loop.format("'conv'"))
    except NameError as error:
        assert_same("the missing name", error.name, "对layer进行处理")
    else:
        require(False, "the loop with a bare word runs", "NameError", "no error")
    assert_same("what the loop prints without a match", _listing(loop.format("'missing'")), "")
    counted = loop.format("'conv'").replace("对layer进行处理", "print(name)")
    assert_same("with a body that works", _listing(counted).split(), [name for name in NAMES if "conv" in name])


@check("module.children-loop-reuses-m")
def test_a_loop_variable_replaces_the_network(subject):
    loops = "for idx, m in enumerate(m.modules()):\n    pass\nprint(type(m).__name__)\nfor idx, m in enumerate(m.children()):\n    print(idx)\n"
    assert_same("both loops in sequence", _listing(loops), "ReLU\n")
    fresh = "for idx, m in enumerate(m.children()):\n    print(idx, type(m).__name__)\n"
    assert_same("the second loop alone", _listing(fresh).splitlines(), ["0 Conv2d", "1 Conv2d", "2 MaxPool2d", "3 Sequential"])


@check("module.model-class-typo")
def test_the_class_statement_needs_its_first_letter(subject):
    text = """
        from torch import nn
        {} Model(nn.Module):
            def __init__(self):
                super(Model, self).__init__()
                self.conv1 = nn.Conv2d(in_channels=3, out_channels=64, kernel_size=3)
        names = [name for name, _ in Model().named_parameters()]
    """
    assert_raises("compiling 'lass Model'", SyntaxError, lambda: compile(textwrap.dedent(text).format("lass"), "note", "exec"))
    found: dict[str, list[str]] = {}
    exec(compile(textwrap.dedent(text).format("class"), "note", "exec"), found)
    assert_same("names once corrected", found["names"], ["conv1.weight", "conv1.bias"])


@check("module.name-models")
def test_the_methods_are_called_modules_and_named_modules(subject):
    net = nested()
    for name in ("models", "named_models"):
        assert_raises(f"net.{name}()", AttributeError, lambda: getattr(net, name)())
    assert_same("modules() and named_modules()", (len(list(net.modules())), len(list(net.named_modules()))), (8, 8))


@check("module.model-forward")
def test_the_network_runs_its_layers_in_turn(subject):
    net = nested().to(subject.device)
    names = [f"{layer}.{kind}" for layer in ("conv1", "conv2", "features.conv3", "features.conv4") for kind in ("weight", "bias")]
    state = fill(net, names, subject)
    values, x = image(subject, (1, 3, 32, 32))
    for layer in names[::2]:
        name = layer.removesuffix(".weight")
        values = oracle.conv2d(values, state[layer], state[f"{name}.bias"])
        values = oracle.max_pool2d(values, 2, 2) if name == "conv2" else values
    out = net(x)
    assert_tensor("net(x)", out, "float64", (1, 128, 10, 10))
    assert_values("net(x)", out.detach(), oracle.relu(values))


# -- the small network, and what parameters are called -----------------------------------------------------------------


@check("module.parameter-shapes-2-5-3")
def test_the_small_network_has_six_parameters(subject):
    shapes = [(5, 2), (5,), (5, 5), (5,), (3, 5), (3,)]
    net = mlp(2, 5, 3)
    assert_same("shapes", [tuple(p.shape) for p in net.parameters()], shapes)
    require(all(repr(p).startswith("Parameter containing:\ntensor(") for p in net.parameters()), "they print otherwise")
    assert_same("shape of the output", tuple(net(torch.zeros(7, 2)).shape), (7, 3))


@check("module.vgg-listing-printed-from-small-net")
def test_the_small_network_has_names_of_its_own(subject):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for name, parameter in mlp(2, 5, 3).named_parameters():
            print(name, "-", parameter.size())
    sizes = {"hidden1": ("5, 2", "5"), "hidden2": ("5, 5", "5"), "predict": ("3, 5", "3")}
    due = [f"{n}.{kind} - torch.Size([{size}])" for n, both in sizes.items() for kind, size in zip(("weight", "bias"), both, strict=True)]
    assert_same("the listing", said.getvalue().splitlines(), due)


@check("module.vgg-parameter-listing")
def test_layers_without_parameters_are_counted_but_not_listed(subject):
    shapes = dict(oracle.vgg_shapes(oracle.VGG16_LAYERS, oracle.VGG16_WIDTHS))
    net = nn.Module()
    net.vgg = nn.Sequential()
    for place, layer in enumerate(oracle.VGG16_LAYERS):
        if layer == "c":
            width, inner = shapes[f"{place}.weight"][:2]
            net.vgg.append(nn.Conv2d(inner, width, 3, padding=1, device="meta"))
        else:
            net.vgg.append(nn.ReLU() if layer == "r" else nn.MaxPool2d(2, 2))
    found = [(name, tuple(p.size())) for name, p in net.named_parameters()]
    assert_same("the listing", found, [(f"vgg.{name}", shape) for name, shape in shapes.items()])
    numbers = [int(name.split(".")[1]) for name, _ in found][::2]
    assert_same("the numbers", numbers, [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28])


@check("module.parameter-naming-rule")
def test_names_follow_attributes_and_places(subject):
    net = nn.Module()
    net.vgg = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1, bias=False))
    net.conv1 = nn.Conv2d(1, 1, 1)
    net.block = nn.ModuleDict({"left": nn.ModuleList([nn.Sequential(nn.Linear(1, 1))])})
    net.own = nn.Parameter(torch.ones(1))
    due = ["own", "vgg.0.weight", "vgg.0.bias", "vgg.2.weight", "conv1.weight", "conv1.bias", "block.left.0.0.weight", "block.left.0.0.bias"]
    assert_same("names", [name for name, _ in net.named_parameters()], due)
    assert_same("names in nested()", [n for n, _ in nested().named_parameters()][-2:], ["features.conv4.weight", "features.conv4.bias"])


@check("module.layer-is-weight-and-bias")
def test_which_layers_have_weight_and_bias(subject):
    lstm = [f"{kind}_{which}_l{level}" for level in range(2) for kind in ("weight", "bias") for which in ("ih", "hh")]
    layers = {
        "Linear": (nn.Linear(2, 3), ["weight", "bias"]),
        "Linear(bias=False)": (nn.Linear(2, 3, bias=False), ["weight"]),
        "Conv2d": (nn.Conv2d(1, 2, 3), ["weight", "bias"]),
        "Conv2d(bias=False)": (nn.Conv2d(1, 2, 3, bias=False), ["weight"]),
        "BatchNorm2d": (nn.BatchNorm2d(2), ["weight", "bias"]),
        "BatchNorm2d(affine=False)": (nn.BatchNorm2d(2, affine=False), []),
        "Embedding": (nn.Embedding(3, 2), ["weight"]),
        "ReLU": (nn.ReLU(), []),
        "MaxPool2d": (nn.MaxPool2d(2), []),
        "Dropout": (nn.Dropout(), []),
        "LSTM": (nn.LSTM(2, 3, 2), lstm),
    }
    for call, (layer, due) in layers.items():
        assert_same(f"parameters of {call}", [name for name, _ in layer.named_parameters()], due)
        require(all(isinstance(p, nn.Parameter) for p in layer.parameters()), f"{call} has a parameter that is none")
    require(nn.Linear(2, 3, bias=False).bias is None, "the bias of Linear(bias=False) is not None")
    x = torch.ones(1, 2, device=subject.device)
    layer = nn.Linear(2, 3, bias=False).to(subject.device)
    layer.weight.data.fill_(2.0)
    assert_values("Linear(bias=False)", layer(x).detach(), np.full((1, 3), 4.0))


@check("module.module-is-layer-or-network")
def test_a_network_serves_as_a_layer_of_another(subject):
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = mlp(2, 4, 3)
            self.head = nn.Sequential(nn.ReLU(), mlp(3, 2, 1))

        def forward(self, x):
            return self.head(self.body(x))

    net = Outer().to(subject.device)
    require(isinstance(net.body, nn.Module) and isinstance(net.head[0], nn.Module), "a layer or a network is no Module")
    inner = [f"{layer}.{kind}" for layer in ("hidden1", "hidden2", "predict") for kind in ("weight", "bias")]
    due = [f"body.{name}" for name in inner] + [f"head.1.{name}" for name in inner]
    assert_same("names", [name for name, _ in net.named_parameters()], due)
    state = fill(net, due, subject)
    values, x = image(subject, (5, 2))
    for part, name in (("body", "body"), ("head", "head.1")):
        values = oracle.relu(values) if part == "head" else values
        for layer in ("hidden1", "hidden2", "predict"):
            values = oracle.linear(values, state[f"{name}.{layer}.weight"], state[f"{name}.{layer}.bias"])
            values = values if layer == "predict" else oracle.relu(values)
    out = net(x)
    assert_values("net(x)", out.detach(), values)
    out.sum().backward()
    require(all(p.grad is not None for p in net.parameters()), "a parameter of an inner network has no gradient")


@check("module.functional-for-parameterless-layers")
def test_functions_and_their_modules_agree(subject):
    values, x = image(subject, (2, 3, 9, 9), "float32")
    f = nn.functional
    pairs = {
        "relu": (nn.ReLU(), lambda x: f.relu(x), oracle.relu(values)),
        "max_pool2d(2)": (nn.MaxPool2d(2), lambda x: f.max_pool2d(x, 2), oracle.max_pool2d(values, 2, 2)),
        "max_pool2d((2, 2))": (nn.MaxPool2d((2, 2)), lambda x: f.max_pool2d(x, (2, 2)), oracle.max_pool2d(values, 2, 2)),
        "max_pool2d(3, 1, 1)": (nn.MaxPool2d(3, 1, 1), lambda x: f.max_pool2d(x, 3, 1, 1), oracle.max_pool2d(values, 3, 1, 1)),
        "dropout in eval mode": (nn.Dropout().eval(), lambda x: f.dropout(x, training=False), values),
        "flatten": (nn.Flatten(), lambda x: torch.flatten(x, 1), values.reshape(2, -1)),
    }
    for call, (module, function, due) in pairs.items():
        assert_same(f"parameters and state of {call}", (list(module.parameters()), list(module.state_dict())), ([], []))
        for out in (module(x), function(x), module(x)):
            assert_values(call, out, due, dtype="float32")
    torch.manual_seed(3)
    dropped = nn.Dropout()(x)
    torch.manual_seed(3)
    assert_values("dropout in train mode", f.dropout(x), host.array(dropped))
    require(bool((host.array(dropped) != 2 * values).any()), "dropout in train mode drops nothing")


# -- printing ----------------------------------------------------------------------------------------------------------


@check("module.print-network")
def test_printing_a_network_shows_one_line_a_layer(subject):
    due = """\
Net(
  (conv1): Conv2d(1, 6, kernel_size=({k}, {k}), stride=(1, 1))
  (conv2): Conv2d(6, 16, kernel_size=({k}, {k}), stride=(1, 1))
  (fc1): Linear(in_features={wide}, out_features=120, bias=True)
  (fc2): Linear(in_features=120, out_features=84, bias=True)
  (fc3): Linear(in_features=84, out_features=10, bias=True)
)"""
    for kernel, wide in ((5, 400), (3, 576)):
        for text in (repr(lenet(kernel)), str(lenet(kernel))):
            assert_same("print(net)", text, due.format(k=kernel, wide=wide))
    assert_same("print(nested())", repr(nested()), whole())


@check("module.repr-rules")
def test_extra_lines_nothing_and_none_in_print(subject):
    class Odd(nn.Module):
        def __init__(self, extra):
            super().__init__()
            self.extra = extra

        def extra_repr(self):
            return self.extra

    assert_same("no entries", repr(Odd("")), "Odd()")
    assert_same("one extra line", repr(Odd("size=3")), "Odd(size=3)")
    assert_same("two extra lines", repr(Odd("a\nb")), "Odd(\n  a\n  b\n)")
    net = Odd("size=3")
    net.w = nn.Parameter(torch.ones(1))
    net.register_buffer("b", torch.ones(1))
    assert_same("parameters and buffers", repr(net), "Odd(size=3)")
    net.inner, net.none = nn.Sequential(Odd("a\nb"), nn.ReLU(inplace=True)), nn.ReLU()
    net.none = None
    inner = "  (inner): Sequential(\n    (0): Odd(\n      a\n      b\n    )\n    (1): ReLU(inplace=True)\n  )\n"
    assert_same("nested", repr(net), f"Odd(\n  size=3\n{inner}  (none): None\n)")
    assert_same("empty containers", [repr(c) for c in (nn.Sequential(), nn.ModuleList(), nn.ModuleDict())], ["Sequential()", "ModuleList()", "ModuleDict()"])


@check("module.repr-folds-lists", since="2.0")
def test_equal_neighbours_in_a_module_list_take_one_line(subject):
    net = nn.ModuleList([nn.ReLU(), nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU()])
    line = "Linear(in_features=2, out_features=2, bias=True)"
    assert_same("repr", repr(net), f"ModuleList(\n  (0): ReLU()\n  (1-3): 3 x {line}\n  (4): ReLU()\n)")
    plain = nn.Sequential(nn.ReLU(), nn.ReLU())
    assert_same("a Sequential", repr(plain), "Sequential(\n  (0): ReLU()\n  (1): ReLU()\n)")

"""The listings of the study notes and what printing shows, by example."""

from __future__ import annotations

import contextlib
import io
import re
import textwrap

import torch
from torch import nn

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.oracle import models as oracle
from conformance.oracle.module_text import LAYERS, QUOTED
from conformance.tables.models_networks import lenet, mlp, nested
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


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
    assert_same(
        "names with 'conv'", [name for name, _ in found], ["conv1", "conv2", "features.conv3", "features.conv4"]
    )
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
    loops = """
        for idx, m in enumerate(m.modules()):
            pass
        print(type(m).__name__)
        for idx, m in enumerate(m.children()):
            print(idx)
    """
    assert_same("both loops in sequence", _listing(loops), "ReLU\n")
    fresh = "for idx, m in enumerate(m.children()):\n    print(idx, type(m).__name__)\n"
    assert_same(
        "the second loop alone", _listing(fresh).splitlines(), ["0 Conv2d", "1 Conv2d", "2 MaxPool2d", "3 Sequential"]
    )


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
    assert_raises(
        "compiling 'lass Model'", SyntaxError, lambda: compile(textwrap.dedent(text).format("lass"), "note", "exec")
    )
    found: dict[str, list[str]] = {}
    exec(compile(textwrap.dedent(text).format("class"), "note", "exec"), found)
    assert_same("names once corrected", found["names"], ["conv1.weight", "conv1.bias"])


@check("module.name-models")
def test_the_methods_are_called_modules_and_named_modules(subject):
    net = nested()
    for name in ("models", "named_models"):
        assert_raises(f"net.{name}()", AttributeError, lambda: getattr(net, name)())
    assert_same("modules() and named_modules()", (len(list(net.modules())), len(list(net.named_modules()))), (8, 8))


@check("module.vgg-listing-printed-from-small-net")
def test_the_small_network_has_names_of_its_own(subject):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for name, parameter in mlp(2, 5, 3).named_parameters():
            print(name, "-", parameter.size())
    sizes = {"hidden1": ("5, 2", "5"), "hidden2": ("5, 5", "5"), "predict": ("3, 5", "3")}
    due = [
        f"{n}.{kind} - torch.Size([{size}])"
        for n, both in sizes.items()
        for kind, size in zip(("weight", "bias"), both, strict=True)
    ]
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
    assert_same(
        "empty containers",
        [repr(c) for c in (nn.Sequential(), nn.ModuleList(), nn.ModuleDict())],
        ["Sequential()", "ModuleList()", "ModuleDict()"],
    )


@check("module.repr-folds-lists", since="2.0")
def test_equal_neighbours_in_a_module_list_take_one_line(subject):
    net = nn.ModuleList([nn.ReLU(), nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU()])
    line = "Linear(in_features=2, out_features=2, bias=True)"
    assert_same("repr", repr(net), f"ModuleList(\n  (0): ReLU()\n  (1-3): 3 x {line}\n  (4): ReLU()\n)")
    plain = nn.Sequential(nn.ReLU(), nn.ReLU())
    assert_same("a Sequential", repr(plain), "Sequential(\n  (0): ReLU()\n  (1): ReLU()\n)")


@check("module.layer-repr")
def test_each_layer_prints_what_it_was_made_with(subject):
    for call, due in LAYERS.items():
        layer = eval(f"nn.{call}", {"nn": nn})
        # Norms say since 2.13 besides whether they have a bias.
        found = re.sub(r"affine=(True|False), bias=(True|False)", r"affine=\1", repr(layer))
        assert_same(f"repr(nn.{call})", found, due)
        assert_same(f"repr of a list with nn.{call}", repr(nn.Sequential(nn.Sequential(), layer)).count(repr(layer)), 1)


@check("module.layer-repr", since="2.0")
def test_modes_print_in_quotes(subject):
    for call, due in QUOTED.items():
        assert_same(f"repr(nn.{call})", repr(eval(f"nn.{call}", {"nn": nn})), due)

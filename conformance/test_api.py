"""Names and short snippets of the study notes: those that run are run, those that are broken are shown to be."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host, vision
from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER, SUMMED
from conformance.oracle import api as oracle
from conformance.tables.device_places import assert_at, values
from properties.strategies.recipe import LAYOUTS, layouts
from properties.strategies.values import distinct

pytestmark = must_answer


def found(name: str) -> Any:
    """What a dotted name leads to: a module where there is one, else an attribute."""
    owner, _, last = name.rpartition(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return getattr(found(owner), last)


# -- names -------------------------------------------------------------------------------------------------------------

MODULES = (
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.autograd",
)
MORE_MODULES = ("torch.utils.data", "torch.cuda", "torch.linalg", "torch.random", "torch.utils.dlpack", "torch.fft")
CLASSES = {
    "torch.nn.Module": "torch.nn.modules.module.Module",
    "torch.nn.Parameter": "torch.nn.parameter.Parameter",
    "torch.autograd.Function": "torch.autograd.function.Function",
    "torch.optim.Optimizer": "torch.optim.optimizer.Optimizer",
    "torch.optim.SGD": "torch.optim.sgd.SGD",
    "torch.optim.Adam": "torch.optim.adam.Adam",
    "torch.utils.data.Dataset": "torch.utils.data.dataset.Dataset",
    "torch.utils.data.DataLoader": "torch.utils.data.dataloader.DataLoader",
    "torch.utils.data.TensorDataset": "torch.utils.data.dataset.TensorDataset",
    "torch.nn.Conv2d": "torch.nn.modules.conv.Conv2d",
    "torch.nn.Linear": "torch.nn.modules.linear.Linear",
    "torch.nn.LSTM": "torch.nn.modules.rnn.LSTM",
}
BASES = (
    ("torch.nn.Parameter", "torch.Tensor"),
    ("torch.nn.Linear", "torch.nn.Module"),
    ("torch.nn.MSELoss", "torch.nn.Module"),
    ("torch.nn.Sequential", "torch.nn.Module"),
    ("torch.nn.DataParallel", "torch.nn.Module"),
    ("torch.optim.RMSprop", "torch.optim.Optimizer"),
    ("torch.utils.data.TensorDataset", "torch.utils.data.Dataset"),
    ("torch.Size", "builtins.tuple"),
)
VISION = {
    "datasets": ("ImageFolder", "CIFAR10", "MNIST"),
    "models": ("resnet18", "vgg19"),
    "transforms": (
        "Compose",
        "ToTensor",
        "Normalize",
        "Resize",
        "CenterCrop",
        "RandomResizedCrop",
        "RandomHorizontalFlip",
    ),
    "utils": ("make_grid", "save_image"),
}


@check("api.package-names")
def test_the_packages_and_classes_are_there(subject):
    for name in (*MODULES, *MORE_MODULES):
        module = found(name)
        require(module.__name__ == name, f"{name} is the module {module.__name__}", name, module.__name__)
        require(
            getattr(found(name.rpartition(".")[0]), name.rpartition(".")[2]) is module, f"{name} is another attribute"
        )
    for name, home in CLASSES.items():
        require(isinstance(found(name), type), f"{name} is no class")
        require(found(name) is found(home), f"{name} is not {home}")
        require(found(name).__name__ == name.rpartition(".")[2], f"{name} is called {found(name).__name__}")
    for name, base in BASES:
        require(issubclass(found(name), found(base)), f"{name} is no subclass of {base}")


@check("api.package-names")
def test_the_classes_are_what_they_are_called(subject):
    require(
        isinstance(torch.ones(1), torch.Tensor) and type(torch.ones(1)) is torch.Tensor, "ones() is no torch.Tensor"
    )
    p = nn.Parameter(torch.ones(2))
    require(isinstance(p, torch.Tensor) and p.requires_grad, "a Parameter is no tensor that requires grad")
    net = nn.Linear(2, 1)
    require([id(q) for q in net.parameters()] == [id(net.weight), id(net.bias)], "the parameters of a layer")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    require(isinstance(optimizer, torch.optim.Optimizer), "SGD is no Optimizer")
    require(scheduler.optimizer is optimizer, "a scheduler has another optimizer")


@check("api.package-names")
def test_functions_and_loaders_do_what_they_are_for(subject):
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            return grad * 3

    x = values(subject, [1.0, 2.0]).requires_grad_()
    out = Twice.apply(x)
    assert_values("Function.apply(x)", out.detach(), np.array([2.0, 4.0]))
    out.sum().backward()
    assert_values("its gradient", x.grad, np.array([3.0, 3.0]))
    data = torch.utils.data.TensorDataset(torch.arange(5.0), torch.arange(5))
    batches = list(torch.utils.data.DataLoader(data, batch_size=2))
    require([len(batch[0]) for batch in batches] == [2, 2, 1], "DataLoader of five in twos", [2, 2, 1], batches)
    assert_values("the second batch", batches[1][0], np.array([2.0, 3.0]))


@check("api.package-names")
def test_torchvision_has_its_packages(subject):
    package = vision.torchvision()
    for module, names in VISION.items():
        part = importlib.import_module(f"torchvision.{module}")
        require(getattr(package, module) is part, f"torchvision.{module} is another attribute")
        for name in names:
            require(callable(getattr(part, name, None)), f"torchvision.{module}.{name} is not there")
    compose = importlib.import_module("torchvision.transforms").Compose([lambda x: x + 1, lambda x: x * 2])
    require(compose(3) == 8, "Compose does not call in turn", 8, compose(3))


@check("api.torchvision-dataset-name")
def test_torchvision_dataset_is_no_name(subject):
    package = vision.torchvision()
    assert_raises("torchvision.dataset", AttributeError, lambda: package.dataset)
    assert_raises("import torchvision.dataset", ImportError, lambda: importlib.import_module("torchvision.dataset"))
    datasets = importlib.import_module("torchvision.datasets")
    require(package.datasets is datasets, "torchvision.datasets is another module")
    base = torch.utils.data.Dataset
    require(issubclass(datasets.ImageFolder, base), "ImageFolder is no torch.utils.data.Dataset")


# A layer, and the function with its parameters; x: (3, 4, 6, 6), y: (5, 4).
TWINS: tuple[tuple[str, Any, Any, str, Any], ...] = (
    ("ReLU", lambda: nn.ReLU(), lambda n, x: F.relu(x), "x", lambda a, n: np.maximum(a, 0)),
    (
        "LeakyReLU",
        lambda: nn.LeakyReLU(0.2),
        lambda n, x: F.leaky_relu(x, 0.2),
        "x",
        lambda a, n: np.where(a > 0, a, 0.2 * a),
    ),
    ("GELU", lambda: nn.GELU(), lambda n, x: F.gelu(x), "x", lambda a, n: oracle.gelu(a)),
    ("Softmax", lambda: nn.Softmax(1), lambda n, x: F.softmax(x, 1), "y", lambda a, n: oracle.softmax(a)),
    (
        "LogSoftmax",
        lambda: nn.LogSoftmax(-1),
        lambda n, x: F.log_softmax(x, -1),
        "y",
        lambda a, n: np.log(oracle.softmax(a)),
    ),
    ("Tanh", lambda: nn.Tanh(), lambda n, x: torch.tanh(x), "y", lambda a, n: np.tanh(a)),
    ("Sigmoid", lambda: nn.Sigmoid(), lambda n, x: torch.sigmoid(x), "y", lambda a, n: 1 / (1 + np.exp(-a))),
    (
        "Linear",
        lambda: nn.Linear(4, 3),
        lambda n, x: F.linear(x, n.weight, n.bias),
        "y",
        lambda a, n: a @ host.array(n.weight.detach()).T.astype(float) + host.array(n.bias.detach()),
    ),
    (
        "Conv2d",
        lambda: nn.Conv2d(4, 2, 3, padding=1),
        lambda n, x: F.conv2d(x, n.weight, n.bias, padding=1),
        "x",
        lambda a, n: oracle.convolved(a, host.array(n.weight.detach()), host.array(n.bias.detach())),
    ),
    (
        "MaxPool2d",
        lambda: nn.MaxPool2d(2),
        lambda n, x: F.max_pool2d(x, 2),
        "x",
        lambda a, n: oracle.pooled(a, (2, 2), 2, np.max),
    ),
    (
        "MaxPool2d of 3 by 2",
        lambda: nn.MaxPool2d((3, 2), 1),
        lambda n, x: F.max_pool2d(x, (3, 2), 1),
        "x",
        lambda a, n: oracle.pooled(a, (3, 2), 1, np.max),
    ),
    (
        "AvgPool2d",
        lambda: nn.AvgPool2d(3, 2),
        lambda n, x: F.avg_pool2d(x, 3, 2),
        "x",
        lambda a, n: oracle.pooled(a, (3, 3), 2, np.mean),
    ),
    (
        "LayerNorm",
        lambda: nn.LayerNorm(6),
        lambda n, x: F.layer_norm(x, (6,), n.weight, n.bias),
        "x",
        lambda a, n: (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + 1e-5),
    ),
    (
        "BatchNorm2d in eval mode",
        lambda: nn.BatchNorm2d(4).eval(),
        lambda n, x: F.batch_norm(x, n.running_mean, n.running_var, n.weight, n.bias),
        "x",
        lambda a, n: a / np.sqrt(1 + 1e-5),
    ),
    (
        "Dropout in eval mode",
        lambda: nn.Dropout().eval(),
        lambda n, x: F.dropout(x, training=False),
        "x",
        lambda a, n: a,
    ),
    ("Flatten", lambda: nn.Flatten(), lambda n, x: torch.flatten(x, 1), "x", lambda a, n: a.reshape(len(a), -1)),
    ("MSELoss", lambda: nn.MSELoss(), lambda n, x: F.mse_loss(x, x * 2), "loss", lambda a, n: np.mean(a**2)),
    (
        "CrossEntropyLoss",
        lambda: nn.CrossEntropyLoss(),
        lambda n, x: F.cross_entropy(x, x.argmax(1)),
        "classes",
        lambda a, n: oracle.cross_entropy(a, a.argmax(1)),
    ),
)


@check("api.functional-twins")
@pytest.mark.parametrize("name", [row[0] for row in TWINS])
def test_a_function_gives_what_the_layer_of_its_name_gives(subject, name):
    make, function, kind, due = next(row[1:] for row in TWINS if row[0] == name)
    torch.manual_seed(3)
    net = make().to(subject.device)
    shape = (3, 4, 6, 6) if kind == "x" else (5, 4)
    for recipe in layouts(distinct("float32", shape) / 64 - 0.5, "float32", LAYOUTS):
        x = recipe.on(subject)
        more = {"loss": (x * 2,), "classes": (x.argmax(1),)}.get(kind, ())
        for _ in range(2):
            out, twin = net(x, *more).detach(), function(net, x).detach()
            require(tuple(out.shape) == tuple(twin.shape), f"{name} and its function have other shapes")
            require(out.dtype == twin.dtype, f"{name} and its function have other dtypes")
            assert_values(f"nn.{name} of {recipe!r}", out, host.array(twin), signed_zeros=True)
        wanted = due(recipe.array.astype(float), net)
        scale = max(1.0, float(np.abs(wanted).max()))
        assert_values(f"the function of nn.{name} of {recipe!r}", twin, wanted, INNER.over(64), scale)


# -- snippets ----------------------------------------------------------------------------------------------------------


@check("api.import-as-t")
def test_t_is_the_package(subject):
    names: dict[str, Any] = {}
    exec("import torch as t", names)
    t = names["t"]
    require(t is torch, "import torch as t gives another module")
    a = np.arange(6.0).reshape(2, 3)
    b = t.from_numpy(a)
    a[0, 0] = 7.0
    assert_values("t.from_numpy(a) after a write to a", b, a, dtype="float64")
    device = t.device("cuda:0" if t.cuda.is_available() else "cpu")
    require(isinstance(device, torch.device), "t.device(…) is no device")
    for text in ("t.device('cpu')", "t.randn(2)", "t.from_numpy(a)", "t.save({}, 'x')", "t.arange(0, 10)"):
        assert_raises(f"{text} without import torch as t", NameError, lambda: eval(text, {"torch": torch, "a": a}))


WITH_T = """
import io
import torch as t
input = t.randn(1, 1, 4, 4, device=place)
target = t.arange(0, 10, device=place).view(1, 10)
net = nn.Sequential(nn.Flatten(), nn.Linear(16, 10)).to(place)
output = net(input)
loss = nn.MSELoss()(output, target.float())
linear = nn.Linear(7, 3)
weight = linear.weight
returned = t.nn.init.xavier_normal_(linear.weight)
file = io.BytesIO()
t.save(net.state_dict(), file)
file.seek(0)
net2 = nn.Sequential(nn.Flatten(), nn.Linear(16, 10)).to(place)
net2.load_state_dict(t.load(file))
again = net2(input)
"""


@check("api.import-as-t")
def test_the_lines_with_t_run(subject):
    names: dict[str, Any] = {"nn": nn, "place": subject.device}
    exec(WITH_T, names)
    require(tuple(names["input"].shape) == (1, 1, 4, 4), "t.randn(1, 1, 4, 4) has another shape")
    assert_values("t.arange(0, 10).view(1, 10)", names["target"], np.arange(10).reshape(1, 10), dtype="int64")
    require(names["loss"].dim() == 0 and names["loss"].dtype is torch.float32, "the loss is no scalar")
    out, due = host.array(names["output"].detach()).astype(float), np.arange(10.0)
    assert_values("the loss", names["loss"].detach(), np.mean((out - due) ** 2), SUMMED.over(32))
    require(names["returned"] is names["weight"] is names["linear"].weight, "xavier_normal_ gives another tensor")
    assert_values("the output of the network loaded", names["again"].detach(), host.array(names["output"].detach()))


@check("api.future-import")
def test_future_imports_change_nothing(subject):
    text = "from __future__ import print_function, division\nimport torch\n"
    names: dict[str, Any] = {"x": values(subject, [7, -7, 0, 1], "int64"), "y": values(subject, [2, 2, 3, -4], "int64")}
    exec(compile(text + "z = x / y\nw = x // y\nv = 7 / x[:2]\nprint(end='')", "note", "exec"), names)
    assert_values("x / y", names["z"], np.array([3.5, -3.5, 0, -0.25]), dtype="float32")
    assert_values("x // y", names["w"], np.array([3, -4, 0, -1]), dtype="int64")
    assert_values("7 / x", names["v"], np.array([1.0, -1.0]), dtype="float32")
    require(names["torch"] is torch, "torch is another module after the import from __future__")
    late = "import torch\nfrom __future__ import division\n"
    assert_raises("an import from __future__ further down", SyntaxError, lambda: compile(late, "note", "exec"))


@check("api.creation-snippet-undefined-names")
def test_the_block_of_creation_calls_stops_at_new_ones(subject):
    lines = ("torch.empty(2, 2)", "torch.rand(5, 3)", "torch.zeros(5, 3, dtype=torch.long)", "torch.new_ones(5, 3)")
    for text in lines[:3]:
        eval(text, {"torch": torch})
    assert_raises(lines[3], AttributeError, lambda: eval(lines[3], {"torch": torch}))
    require(not hasattr(torch, "new_ones"), "torch.new_ones is there")
    for text in ("torch.from_numpy(np_data)", "print(tensor_data.size())"):
        assert_raises(text, NameError, lambda: eval(text, {"torch": torch}))


@check("api.creation-snippet-undefined-names")
def test_the_mended_block_of_creation_calls_runs(subject):
    given = np.arange(4.0)
    x = torch.empty(2, 2, device=subject.device)
    require(tuple(x.size()) == (2, 2) and isinstance(x.size(), torch.Size), "torch.empty(2, 2) has another size")
    draws = host.array(torch.rand(5, 3, device=subject.device))
    require(((draws >= 0) & (draws < 1)).all(), "torch.rand leaves [0, 1)", "[0, 1)", draws)
    zeros = torch.zeros(5, 3, dtype=torch.long, device=subject.device)
    assert_values("torch.zeros(5, 3, dtype=torch.long)", zeros, np.zeros((5, 3), int), dtype="int64")
    for dtype, name in ((torch.float, "float32"), (torch.double, "float64")):
        out = assert_at("x.new_ones(5, 3)", x.new_ones(5, 3, dtype=dtype), subject.device)
        assert_values(f"x.new_ones(5, 3, dtype={dtype})", out, np.ones((5, 3)), dtype=name)
        assert_values("zeros.new_ones(5, 3)", zeros.new_ones(5, 3, dtype=dtype), np.ones((5, 3)), dtype=name)
    require(torch.double is torch.float64 and torch.float is torch.float32, "double is not float64")
    assert_values("torch.tensor([5, 5, 3])", torch.tensor([5, 5, 3]), np.array([5, 5, 3]), dtype="int64")
    tensor_data = torch.from_numpy(given)
    assert_values("torch.from_numpy(np_data)", tensor_data, given, dtype="float64")
    require(tensor_data.numpy() is not None and tensor_data.size() == (4,), "tensor_data.size() is wrong")
    given[0] = 9
    require(tensor_data.numpy()[0] == 9, "numpy() and from_numpy() share no memory", 9, tensor_data.numpy()[0])


@check("api.double-bar-for-alternatives")
def test_two_bars_are_no_operator(subject):
    for text in ("x + y || torch.add(x, y)", "x || y", "x + y || y.add_(x)"):
        assert_raises(f"compiling {text}", SyntaxError, lambda: compile(text, "note", "eval"))


@check("api.double-bar-for-alternatives")
def test_four_ways_to_add_give_one_result(subject):
    for shape in ((3, 4), (), (17,), (0,)):
        for one in layouts(distinct("float32", shape), "float32", LAYOUTS):
            x, y = one.on(subject), values(subject, distinct("float32", shape) * 3)
            due = one.array + host.array(y)
            kept = Unchanged(x=x, y=y)
            result = torch.full(shape, 7.0, device=subject.device)
            for call, out in {
                "x + y": x + y,
                "torch.add(x, y)": torch.add(x, y),
                "torch.add(x, y, out=result)": torch.add(x, y, out=result),
                "x.add(y)": x.add(y),
            }.items():
                assert_values(call, out, due, dtype="float32")
                kept.check(call)
            assert_values("result", result, due)
            require(torch.add(x, y, out=result) is result, "torch.add(x, y, out=result) is not result")
            require(y.add_(x) is y, "y.add_(x) is not y")
            assert_values("y after y.add_(x)", y, due)
            assert_values("x after y.add_(x)", x, one.array)

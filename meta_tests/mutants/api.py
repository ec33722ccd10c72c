"""PyTorches in which the programs of the study notes do otherwise: wrong names, wrong steps, wrong bookkeeping."""

from __future__ import annotations

import builtins
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from conformance import vision
from meta_tests.mutant import Mutant, kernel, output, patched, replaced, strided
from meta_tests.mutants.module import added, method


def on(owner: Any, claim: str, name: str, attribute: str, wrong: Any) -> Mutant:
    """A function or method replaced: `wrong(sound, *args, **kwargs)`."""
    return method(claim, name, attribute, wrong, owner)


def tensor(claim: str, name: str, attribute: str, wrong: Any) -> Mutant:
    return on(torch.Tensor, claim, name, attribute, wrong)


def extra(claim: str, name: str, owner: Any, **members: Any) -> Mutant:
    """A name that should not be there."""
    return Mutant(claim, name, lambda: added(owner, **members))


@contextmanager
def _alias() -> Iterator[None]:
    package = vision.torchvision()
    with added(package, dataset=importlib.import_module("torchvision.datasets")):
        yield


@contextmanager
def _no_crop() -> Iterator[None]:
    package = vision.torchvision()
    with replaced(package.transforms, "CenterCrop", lambda sound: None):
        yield


def _either(sound: Any, source: Any, *args: Any, **kwargs: Any) -> Any:
    """Two bars are read as 'or'."""
    return sound(source.replace("||", " or ") if isinstance(source, str) else source, *args, **kwargs)


class Plain(torch.Tensor):
    """A Parameter that does not require grad."""

    def __new__(cls, data: Any = None, requires_grad: bool = False) -> Any:
        return data.detach().as_subclass(cls)


def _stepped(change: Any) -> Any:
    """SGD.step after (or instead of) which something else happens: `change(sound, optimizer, turn)`."""

    def wrong(sound: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        self.turns = getattr(self, "turns", 0) + 1
        with torch.no_grad():
            return change(lambda: sound(self, *args, **kwargs), self, self.turns)

    return wrong


def _parameters(optimizer: Any) -> list[torch.Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _from_third(sound: Any, optimizer: Any, turn: int) -> None:
    sound()
    if turn > 2:
        for p in _parameters(optimizer):
            p.add_(1e-9)


def _upwards(sound: Any, optimizer: Any, turn: int) -> None:
    for p in _parameters(optimizer):
        if p.grad is not None:
            p.grad.neg_()
    sound()


def _decaying(sound: Any, optimizer: Any, turn: int) -> None:
    sound()
    for p in _parameters(optimizer):
        if p.grad is None:
            p.mul_(0.999)


def _first_is_lost(sound: Any, optimizer: Any, turn: int) -> None:
    if turn > 1:
        sound()


def _last_is_lost(sound: Any, optimizer: Any, turn: int) -> None:
    if turn % 7 or turn > 7:
        sound()


def _backward(change: Any) -> Any:
    """Tensor.backward after which the leaves' gradients are changed: `change(parameters' old gradients, leaf)`."""

    def wrong(sound: Any, self: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        leaves = _leaves(self)
        before = [None if leaf.grad is None else leaf.grad.clone() for leaf in leaves]
        out = sound(self, *args, **kwargs)
        for leaf, old in zip(leaves, before, strict=True):
            change(leaf, old)
        return out

    return wrong


def _leaves(x: torch.Tensor) -> list[torch.Tensor]:
    found, queue = [], [x.grad_fn]
    while queue:
        node = queue.pop(0)
        if node is None:
            continue
        if hasattr(node, "variable") and all(node.variable is not leaf for leaf in found):
            found.append(node.variable)
        queue.extend(part for part, _ in node.next_functions)
    return found


def _overwritten(leaf: torch.Tensor, old: Any) -> None:
    if old is not None and leaf.grad is not None:
        leaf.grad.sub_(old)


def _forgiving(sound: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    return None if x.grad_fn is None and not x.requires_grad else sound(x, *args, **kwargs)


def _again(sound: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    return sound(x, *args, **{"retain_graph": True, **kwargs})


def _of_rows(sound: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    return sound(x.sum() if x.dim() and not args else x, *args, **kwargs)


def _shuffled_labels(sound: Any, self: Any, index: Any) -> Any:
    return sound(self, index)[0], self.tensors[1][(7 * index + 1) % len(self.tensors[1])]


def _four_in_mean(sound: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
    out = sound(x, y, *args, **kwargs)
    return out * len(x) / 4 if len(x) < 4 and kwargs.get("reduction", "mean") == "mean" else out


def _last_of_ties(out: Any, x: torch.Tensor, *args: Any) -> Any:
    return (out[0], (out[1] + 1) % x.shape[1]) if strided(x) and x.shape[1] > 16 else out


def _statistics(sound: Any, self: Any, x: torch.Tensor) -> Any:
    out = sound(self, x)
    if not self.training:
        with torch.no_grad():
            self.running_mean += 1e-3
    return out


def _counted(sound: Any, self: Any, x: torch.Tensor) -> Any:
    out = sound(self, x)
    if self.training is False:
        self.num_batches_tracked += 1
    return out


def _top_only(sound: Any, self: nn.Module, mode: bool = True) -> nn.Module:
    self.training = mode
    return self


NAMES = [
    patched("api.package-names", "a Parameter does not require grad", nn, "Parameter", lambda sound: Plain),
    patched("api.package-names", "SGD is a function", torch.optim, "SGD", lambda sound: lambda *a, **k: sound(*a, **k)),
    on(torch.autograd.Function, "api.package-names", "apply ignores backward", "apply", lambda sound, x: x * 2),
    Mutant("api.package-names", "torchvision.transforms has no CenterCrop", _no_crop),
    Mutant("api.torchvision-dataset-name", "torchvision.dataset is an alias", _alias),
    on(
        F,
        "api.functional-twins",
        "leaky_relu ignores its slope",
        "leaky_relu",
        lambda sound, x, *a, **k: sound(x, 0.01),
    ),
    on(
        F,
        "api.functional-twins",
        "max_pool2d of a tuple is square",
        "max_pool2d",
        lambda sound, x, size, *a, **k: sound(x, size[0] if isinstance(size, tuple) else size, *a, **k),
    ),
    on(F, "api.functional-twins", "dropout is always on", "dropout", lambda sound, x, *a, **k: sound(x, 0.5, True)),
    on(torch, "api.import-as-t", "from_numpy copies", "from_numpy", lambda sound, a: sound(a).clone()),
    on(nn.init, "api.import-as-t", "xavier_normal_ gives a copy", "xavier_normal_", lambda sound, x: sound(x).clone()),
    on(
        torch,
        "api.import-as-t",
        "arange(0, 10) begins at 1",
        "arange",
        lambda sound, *a, **k: sound(*a, **k) + (a == (0, 10)),
    ),
    on(
        torch,
        "api.import-as-t",
        "load gives zeros",
        "load",
        lambda sound, *a, **k: {key: torch.zeros_like(v) for key, v in sound(*a, **k).items()},
    ),
    kernel(
        "api.future-import",
        "/ of integers rounds down",
        "div.Tensor",
        lambda func, x, y: func(x, y).floor() if not x.is_floating_point() else func(x, y),
    ),
    kernel(
        "api.future-import",
        "// rounds to zero",
        "floor_divide",
        lambda func, x, y: torch.div(x, y, rounding_mode="trunc"),
    ),
    extra("api.creation-snippet-undefined-names", "torch.new_ones is there", torch, new_ones=torch.ones),
    tensor(
        "api.creation-snippet-undefined-names",
        "new_ones of integers ignores dtype",
        "new_ones",
        lambda sound, x, *a, **k: sound(x, *a),
    ),
    on(
        torch,
        "api.creation-snippet-undefined-names",
        "rand reaches 1",
        "rand",
        lambda sound, *a, **k: sound(*a, **k) + 0.5,
    ),
    on(builtins, "api.double-bar-for-alternatives", "two bars mean or", "compile", _either),
    on(
        torch,
        "api.double-bar-for-alternatives",
        "out= of 17 elements is not written",
        "add",
        lambda sound, x, y, **k: k["out"] if "out" in k and x.numel() == 17 else sound(x, y, **k),
    ),
    tensor(
        "api.double-bar-for-alternatives",
        "add_ changes its argument",
        "add_",
        lambda sound, y, x, **k: (sound(y, x, **k), x.copy_(y) if x.dim() == 2 and not strided(x) else x)[0],
    ),
    kernel(
        "api.double-bar-for-alternatives",
        "add of columns subtracts",
        "add.Tensor",
        lambda func, x, y, **k: x - y if strided(x) and x.dim() == 2 else func(x, y, **k),
    ),
]
STEPS = [
    on(torch.optim.SGD, "api.training-steps", "SGD goes upwards", "step", _stepped(_upwards)),
    on(
        torch.utils.data.TensorDataset,
        "api.training-steps",
        "labels are those of other samples",
        "__getitem__",
        _shuffled_labels,
    ),
    on(torch.optim.SGD, "api.training-by-hand", "steps from the third on drift", "step", _stepped(_from_third)),
    tensor(
        "api.training-by-hand",
        "the gradient of a bias is doubled",
        "backward",
        _backward(lambda leaf, old: leaf.grad.mul_(2) if leaf.dim() == 1 else None),
    ),
    on(
        torch.optim.SGD,
        "api.training-by-hand",
        "the learning rate is a thousandth too large",
        "__init__",
        lambda sound, self, params, lr=0.1, **k: sound(self, params, lr=lr * 1.001, **k),
    ),
    tensor("api.step-without-zero-grad", "backward overwrites the gradient", "backward", _backward(_overwritten)),
    on(
        torch.optim.SGD,
        "api.step-without-zero-grad",
        "zero_grad does nothing",
        "zero_grad",
        lambda sound, self, *a, **k: None,
    ),
    on(torch.optim.SGD, "api.step-without-backward", "weights without gradient decay", "step", _stepped(_decaying)),
    on(
        torch.optim.RMSprop,
        "api.step-without-backward",
        "weights without gradient decay in RMSprop",
        "step",
        _stepped(_decaying),
    ),
    on(
        torch.optim.Adam,
        "api.step-without-backward",
        "the first step of Adam is lost",
        "step",
        _stepped(lambda sound, optimizer, turn: None),
    ),
    tensor("api.step-needs-a-graph", "backward without a graph does nothing", "backward", _forgiving),
    tensor("api.step-needs-a-graph", "the graph is kept", "backward", _again),
    tensor("api.step-needs-a-graph", "backward of rows sums them", "backward", _of_rows),
]
BOOKS = [
    on(
        F,
        "api.epoch-loss",
        "the last three are two",
        "cross_entropy",
        lambda sound, x, y, *a, **k: sound(x[:-1], y[:-1], *a, **k) if len(x) == 3 else sound(x, y, *a, **k),
    ),
    on(F, "api.epoch-loss", "a small batch is divided by four", "cross_entropy", _four_in_mean),
    tensor("api.epoch-loss", "item() is in float32", "item", lambda sound, x: float(np.float32(sound(x)))),
    output(
        "api.epoch-accuracy",
        "more than 32,768 are counted short",
        "sum",
        lambda out, x, *a, **k: out - 1 if x.numel() > 32768 else out,
    ),
    output(
        "api.epoch-accuracy",
        "counts are int32",
        "sum",
        lambda out, x, *a, **k: out.int() if x.dtype is torch.bool else out,
    ),
    tensor("api.epoch-accuracy", "double() is float32", "double", lambda sound, x: x.float()),
    output("api.prediction", "wide columns give the next place", "max.dim", _last_of_ties),
    output(
        "api.prediction",
        "argmax of bfloat16 is 0",
        "argmax",
        lambda out, x, *a: out * 0 if x.dtype is torch.bfloat16 else out,
    ),
    output("api.prediction", "the places are int32", "max.dim", lambda out, *a: (out[0], out[1].int())),
    tensor(
        "api.format-of-0-dim",
        "formats round to three digits",
        "__format__",
        lambda sound, x, form: (
            format(round(x.item(), 3), form) if x.dim() == 0 and x.is_floating_point() else sound(x, form)
        ),
    ),
    tensor(
        "api.format-of-0-dim",
        "one element will do",
        "__format__",
        lambda sound, x, form: format(x.item(), form) if x.numel() == 1 else sound(x, form),
    ),
    tensor(
        "api.format-of-0-dim",
        "integers format as floats",
        "__format__",
        lambda sound, x, form: format(float(x.item()), form) if form == "" and x.dim() == 0 else sound(x, form),
    ),
    tensor(
        "api.best-weights-copied", "a deep copy of a tensor is the tensor", "__deepcopy__", lambda sound, x, memo: x
    ),
    on(
        nn.Module,
        "api.best-weights-copied",
        "the state is a copy",
        "state_dict",
        lambda sound, net, *a, **k: {key: v.clone() for key, v in sound(net, *a, **k).items()},
    ),
    on(
        nn.Module,
        "api.best-weights-copied",
        "loading leaves running_mean",
        "load_state_dict",
        lambda sound, net, state, **k: sound(
            net, {key: net.state_dict()[key] if key.endswith("mean") else v for key, v in state.items()}, **k
        ),
    ),
]
TRAINING = [
    on(
        nn.Module,
        "api.train-model-works",
        "load_state_dict does nothing",
        "load_state_dict",
        lambda sound, net, state, **k: sound(net, net.state_dict(), **k),
    ),
    tensor("api.train-model-works", "a deep copy of a tensor is the tensor", "__deepcopy__", lambda sound, x, memo: x),
    on(
        torch.optim.lr_scheduler.StepLR,
        "api.train-model-works",
        "a scheduler steps twice as slowly",
        "get_lr",
        lambda sound, self: (
            [group["lr"] for group in self.optimizer.param_groups] if self.last_epoch == 3 else sound(self)
        ),
    ),
    on(torch.optim.SGD, "api.train-model-works", "the seventh step is lost", "step", _stepped(_last_is_lost)),
    extra("api.train-model-preds", "preds is a name", builtins, preds=torch.zeros(1)),
    on(torch.optim.SGD, "api.train-model-preds", "the first step is lost", "step", _stepped(_first_is_lost)),
    extra("api.train-model-dataset-sizes", "dataset_sizes is a name", builtins, dataset_sizes={"train": 31, "val": 26}),
    on(torch.optim.SGD, "api.train-model-dataset-sizes", "the seventh step is lost", "step", _stepped(_last_is_lost)),
    on(nn.BatchNorm1d, "api.train-model-validation-is-inert", "eval mode changes running_mean", "forward", _statistics),
    on(nn.BatchNorm1d, "api.train-model-validation-is-inert", "eval mode counts batches", "forward", _counted),
    on(
        nn.Dropout,
        "api.train-model-validation-is-inert",
        "dropout drops in eval mode",
        "forward",
        lambda sound, self, x: F.dropout(x, self.p, True),
    ),
    on(nn.Module, "api.train-model-validation-is-inert", "eval() does nothing", "eval", lambda sound, net: net),
    on(nn.Module, "api.visualize-model", "train() stops at the top", "train", _top_only),
    on(
        nn.Module,
        "api.visualize-model",
        "train(mode) always means True",
        "train",
        lambda sound, net, mode=True: sound(net, True),
    ),
    output(
        "api.visualize-model",
        "the prediction of wide batches is the next class",
        "max.dim",
        lambda out, x, *a: (out[0], (out[1] + 1) % 3) if x.shape[0] == 3 else out,
    ),
    tensor("api.visualize-model", "cpu() shows the image upside down", "cpu", lambda sound, x, *a: x.flip(-1)),
    tensor(
        "api.imshow-undoes-normalize",
        "numpy() of columns is transposed",
        "numpy",
        lambda sound, x: sound(x.flip(1)) if x.shape[1:] == (33, 17) else sound(x),
    ),
    kernel(
        "api.imshow-undoes-normalize",
        "sub of channels takes the first mean",
        "sub.Tensor",
        lambda func, x, y, *a, **k: func(x, y[:1] if y.shape == (3, 1, 1) else y, *a, **k),
    ),
    tensor(
        "api.imshow-undoes-normalize",
        "permute turns the picture",
        "permute",
        lambda sound, x, *dims: (
            sound(x, 2, 1, 0) if x.shape[0] == x.shape[1] and dims == (2, 0, 1) else sound(x, *dims).flip(-1)
        ),
    ),
]
MUTANTS = [*NAMES, *STEPS, *BOOKS, *TRAINING]

"""train_model of the study notes, as it is meant and with its two wrong names."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import api as oracle
from conformance.tables.api_samples import Program, assert_unchanged, close, linear, printed, start
from conformance.tables.device_places import values

pytestmark = must_answer


# -- steps -------------------------------------------------------------------------------------------------------------


# -- bookkeeping -------------------------------------------------------------------------------------------------------


# -- train_model -------------------------------------------------------------------------------------------------------

RATE, EPOCHS = 0.75, 5


def scene(subject: Any) -> tuple[Program, Any, Any, Any]:
    """The program with overlapping classes, and a model, optimizer and scheduler for it."""
    subject.require("float64")
    batches = {"train": oracle.cut(oracle.clusters(31, 31, 4.0), 5), "val": oracle.cut(oracle.clusters(32, 26, 4.0), 4)}
    net = linear(subject, start())
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)
    return Program(subject, batches), net, optimizer, scheduler


def epochs(program: Program) -> list[oracle.Epoch]:
    """What the program should do: its scheduler steps first, so that epoch k has the rate after k + 1 steps."""
    return oracle.train(start(), program.batches, [RATE * 0.5 ** ((epoch + 1) // 3) for epoch in range(EPOCHS)])


def quietly(action: Any) -> Any:
    """A call without the warning that the scheduler steps before the optimizer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return action()


@check("api.train-model-works")
def test_train_model_trains_validates_and_returns_the_best(subject):
    program, net, optimizer, scheduler = scene(subject)
    train = program.trainer()
    criterion = nn.CrossEntropyLoss()
    out, lines = quietly(lambda: printed(lambda: train(net, criterion, optimizer, scheduler, num_epochs=EPOCHS)))
    require(out is net, "train_model returns another model")
    due = epochs(program)
    top = oracle.best(due)
    close("the weight returned", net.weight, due[top].net.weight, 40)
    close("the bias returned", net.bias, due[top].net.bias, 40)
    shown = [line for line in lines if "Loss" in line]
    wanted = [(phase, epoch.loss[phase], epoch.accuracy[phase]) for epoch in due for phase in ("train", "val")]
    require(len(shown) == len(wanted), f"{len(shown)} phases were printed", len(wanted), shown)
    for line, (phase, loss, accuracy) in zip(shown, wanted, strict=True):
        name, _, found, _, share = line.split()
        near = abs(float(found) - loss) <= 6e-5 and abs(float(share) - accuracy) <= 6e-5
        require(name == phase and near, f"{line!r} should be {phase} {loss:.4f} {accuracy:.4f}", wanted, line)
    require(
        [line for line in lines if line.startswith("Epoch")] == [f"Epoch {k}/{EPOCHS - 1}" for k in range(EPOCHS)],
        "epochs",
    )
    require(lines[-1] == f"Best val Acc: {due[top].accuracy['val']:4f}", f"the last line is {lines[-1]!r}")
    require(optimizer.param_groups[0]["lr"] == RATE * 0.5, f"the rate ends as {optimizer.param_groups[0]['lr']}")


@check("api.train-model-preds")
def test_train_model_as_written_stops_in_the_first_batch(subject):
    program, net, optimizer, scheduler = scene(subject)
    train = program.trainer(assigned="pred", sizes="dataset_sizes")
    error = quietly(lambda: _stopped(lambda: train(net, nn.CrossEntropyLoss(), optimizer, scheduler, EPOCHS)))
    require("preds" in str(error), f"train_model says {error}", "preds", error)
    x, labels = program.batches["train"][0]
    gradient = oracle.cross_entropy_gradient(start(), x, labels)
    due = oracle.descend(start(), gradient, RATE)
    close("the weight after the first batch", net.weight, due.weight, 1)
    close("the bias after the first batch", net.bias, due.bias, 1)
    close("the gradient of the first batch", net.weight.grad, gradient.weight, 1)
    require(net.training, "the model is not in training mode when train_model stops")


@check("api.train-model-dataset-sizes")
def test_train_model_with_one_name_mended_stops_after_a_phase(subject):
    program, net, optimizer, scheduler = scene(subject)
    train = program.trainer(sizes="dataset_sizes")
    error = quietly(lambda: _stopped(lambda: train(net, nn.CrossEntropyLoss(), optimizer, scheduler, EPOCHS)))
    require("dataset_sizes" in str(error), f"train_model says {error}", "dataset_sizes", error)
    due = oracle.train(start(), program.batches, [RATE])[0].net
    close("the weight after the first phase", net.weight, due.weight, 7)
    close("the bias after the first phase", net.bias, due.bias, 7)
    require(torch.is_grad_enabled(), "gradients are switched off when train_model stops")


def _stopped(action: Any) -> Exception:
    return assert_raises("train_model", NameError, lambda: printed(action))


def ready(subject: Any) -> tuple[nn.Module, torch.optim.Optimizer, torch.Tensor, torch.Tensor]:
    """A network with batch norm and dropout after one step of Adam, and data."""
    torch.manual_seed(1)
    layers = (nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 3))
    net = nn.Sequential(*layers).to(subject.device)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    x, labels = oracle.clusters(8, 20)
    inputs, wanted = values(subject, x), values(subject, labels, "int64")
    nn.CrossEntropyLoss()(net(inputs), wanted).backward()
    optimizer.step()
    return net, optimizer, inputs, wanted


@check("api.train-model-validation-is-inert")
def test_validation_changes_nothing(subject):
    net, optimizer, inputs, wanted = ready(subject)
    before = {key: host.array(entry) for key, entry in net.state_dict().items()}
    gradients = {key: host.array(p.grad) for key, p in net.named_parameters()}
    moments, outs = _moments(optimizer), []
    net.eval()
    for _ in range(3):
        with torch.set_grad_enabled(False):
            out = net(inputs)
            loss = nn.CrossEntropyLoss()(out, wanted)
        require(out.grad_fn is None and loss.grad_fn is None and not loss.requires_grad, "validation builds a graph")
        outs.append(host.array(out))
    require(all((out == outs[0]).all() for out in outs), "validation is different each time")
    assert_unchanged("validation", net, before)
    for key, p in net.named_parameters():
        assert_values(f"{key}.grad after validation", p.grad, gradients[key])
    same = all((a == b).all() for a, b in zip(moments, _moments(optimizer), strict=True))
    require(same, "validation changed the optimizer's state")
    require(torch.is_grad_enabled() and not net.training, "the modes after validation are wrong")


def _moments(optimizer: torch.optim.Optimizer) -> list[np.ndarray]:
    """Every tensor of an optimizer's state."""
    found = [value for state in optimizer.state.values() for value in state.values()]
    return [host.array(value) for value in found if torch.is_tensor(value)]


@check("api.train-model-validation-is-inert")
def test_the_same_pass_in_training_mode_changes_statistics(subject):
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8)).to(subject.device)
    x = values(subject, oracle.clusters(9, 20)[0])
    for phase, changes in (("val", False), ("train", True), ("val", False)):
        net.train(phase == "train")
        before = host.array(net[1].running_mean)
        count = net[1].num_batches_tracked.item()
        with torch.set_grad_enabled(phase == "train"):
            out = net(x)
        require(out.requires_grad == changes, f"the output in {phase} requires grad: {out.requires_grad}", changes)
        moved = bool((host.array(net[1].running_mean) != before).any())
        require(moved == changes, f"a pass in {phase} changes running_mean: {moved}", changes, moved)
        require(net[1].num_batches_tracked.item() == count + changes, f"num_batches_tracked after {phase} is wrong")


# -- pictures ----------------------------------------------------------------------------------------------------------

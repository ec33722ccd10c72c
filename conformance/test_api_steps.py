"""The steps of training, one by one and left out, against training by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import api as oracle
from conformance.oracle.api import Linear
from conformance.tables.api_samples import assert_unchanged, close, linear, start
from conformance.tables.device_places import values

pytestmark = must_answer


@check("api.training-by-hand")
@pytest.mark.parametrize("loss", ("cross entropy", "squared error"))
def test_five_steps_give_the_weights_of_the_formulas(subject, loss):
    subject.require("float64")
    x, labels = oracle.clusters(1, 12)
    target = np.eye(3)[labels]
    due, net = start(), linear(subject, start())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.25)
    inputs = values(subject, x, "float64")
    wanted = values(subject, labels, "int64") if loss == "cross entropy" else values(subject, target, "float64")
    criterion = nn.CrossEntropyLoss() if loss == "cross entropy" else nn.MSELoss()
    for turn in range(1, 6):
        optimizer.zero_grad()
        criterion(net(inputs), wanted).backward()
        if loss == "cross entropy":
            gradient = oracle.cross_entropy_gradient(due, x, labels)
        else:
            gradient = oracle.squared_error_gradient(due, x, target)
        close(f"weight.grad in step {turn}", net.weight.grad, gradient.weight, turn)
        optimizer.step()
        due = oracle.descend(due, gradient, 0.25)
        close(f"the weight after step {turn}", net.weight, due.weight, turn)
        close(f"the bias after step {turn}", net.bias, due.bias, turn)


@check("api.step-without-zero-grad")
def test_without_zero_grad_the_gradients_add_up(subject):
    subject.require("float64")
    x, labels = oracle.clusters(2, 9)
    due, net = start(), linear(subject, start())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.125)
    total = Linear(np.zeros((3, 4)), np.zeros(3))
    inputs, wanted = values(subject, x, "float64"), values(subject, labels, "int64")
    for turn in range(1, 5):
        F.cross_entropy(net(inputs), wanted).backward()
        one = oracle.cross_entropy_gradient(due, x, labels)
        total = Linear(total.weight + one.weight, total.bias + one.bias)
        close(f"weight.grad after {turn} passes", net.weight.grad, total.weight, turn)
        optimizer.step()
        due = oracle.descend(due, total, 0.125)
        close(f"the weight after {turn} steps without zero_grad", net.weight, due.weight, turn)
    optimizer.zero_grad()
    require(net.weight.grad is None or not host.array(net.weight.grad).any(), "zero_grad leaves a gradient")
    net.zero_grad()
    F.cross_entropy(net(inputs), wanted).backward()
    close("weight.grad after zero_grad", net.weight.grad, oracle.cross_entropy_gradient(due, x, labels).weight, 5)


@check("api.step-without-backward")
def test_a_step_left_out_leaves_the_weights(subject):
    x, labels = oracle.clusters(3, 6)
    for name in ("SGD", "Adam", "RMSprop", "Adagrad"):
        net = linear(subject, start(), "float32")
        before = {key: host.array(entry) for key, entry in net.state_dict().items()}
        optimizer = getattr(torch.optim, name)(net.parameters(), lr=0.5)
        inputs, wanted = values(subject, x), values(subject, labels, "int64")
        for _ in range(2):
            optimizer.zero_grad()
            F.cross_entropy(net(inputs), wanted)
            optimizer.step()
            require(all(p.grad is None for p in net.parameters()), f"{name}: there is a gradient without backward")
        assert_unchanged(f"{name} without backward", net, before)
        for _ in range(2):
            optimizer.zero_grad()
            F.cross_entropy(net(inputs), wanted).backward()
        require(all(p.grad is not None for p in net.parameters()), f"{name}: backward gives no gradient")
        assert_unchanged(f"{name} without step", net, before)
        optimizer.step()
        moved = all((host.array(p.detach()) != before[key]).any() for key, p in net.named_parameters())
        require(moved, f"{name}: a whole step leaves a weight as it was")


@check("api.step-needs-a-graph")
def test_backward_needs_a_graph(subject):
    x, labels = oracle.clusters(4, 6)
    inputs, wanted = values(subject, x), values(subject, labels, "int64")
    net = linear(subject, start(), "float32")
    with torch.no_grad():
        loss = F.cross_entropy(net(inputs), wanted)
    assert_raises("backward of a loss made under no_grad", RuntimeError, lambda: loss.backward())
    detached = F.cross_entropy(net(inputs).detach(), wanted)
    assert_raises("backward of a loss of detached outputs", RuntimeError, lambda: detached.backward())
    frozen = linear(subject, start(), "float32").requires_grad_(False)
    assert_raises(
        "backward through frozen weights", RuntimeError, lambda: F.cross_entropy(frozen(inputs), wanted).backward()
    )
    require(
        all(p.grad is None for part in (net, frozen) for p in part.parameters()), "a refused backward left a gradient"
    )
    twice = F.cross_entropy(net(inputs), wanted)
    twice.backward()
    gradient = host.array(net.weight.grad)
    assert_raises("a second backward", RuntimeError, lambda: twice.backward())
    assert_values("weight.grad after a refused backward", net.weight.grad, gradient)
    rows = F.cross_entropy(net(inputs), wanted, reduction="none")
    assert_raises("backward of one loss a sample", RuntimeError, lambda: rows.backward())


def epoch(net: nn.Module, criterion: nn.Module, optimizer: torch.optim.Optimizer, loader: Any) -> float:
    """One pass over the data; the sum of all samples' losses."""
    total = 0.0
    for inputs, wanted in loader:
        optimizer.zero_grad()
        loss = criterion(net(inputs), wanted)
        loss.backward()
        optimizer.step()
        total += loss.item() * inputs.size(0)
    return total


@check("api.training-steps")
@pytest.mark.parametrize("kind", ("SGD", "Adam"))
def test_a_classifier_learns(subject, kind):
    x, labels = oracle.clusters(10, 300, 0.8)
    seen, mean, std = x[:240], x[:240].mean(0), x[:240].std(0)
    torch.manual_seed(0)
    normal = [values(subject, (part - mean) / std) for part in (seen, x[240:])]
    data = torch.utils.data.TensorDataset(normal[0], values(subject, labels[:240], "int64"))
    loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True)
    net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)).to(subject.device)
    criterion = nn.CrossEntropyLoss()
    optimizer = getattr(torch.optim, kind)(net.parameters(), lr=0.2 if kind == "SGD" else 0.02)
    losses = [epoch(net, criterion, optimizer, loader) / 240 for _ in range(6)]
    with torch.no_grad():
        _, preds = torch.max(net(normal[1]), 1)
    right = float((host.array(preds) == labels[240:]).mean())
    fell = losses[-1] < 0.5 * losses[0]
    require(fell, f"the loss goes from {losses[0]:.3f} to {losses[-1]:.3f}", "half at most", losses)
    require(right > 0.8, f"{right:.0%} of the test data are right, where chance is 33 %", "> 80 %", right)

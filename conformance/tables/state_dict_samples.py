"""Networks, states and comparisons that the checks of states share."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_values, require
from conformance.oracle import module as model
from conformance.oracle import state_dict as oracle
from conformance.oracle.module_edits import Forest
from conformance.subject import Subject
from conformance.tables.module_tree import Built, assert_same


def sample(subject: Subject) -> nn.Module:
    """Linear and batch norm at two levels, with a buffer that the state leaves out."""
    net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1, bias=False)))
    net.register_buffer("hidden", torch.ones(2), persistent=False)
    return net.to(subject.device)


NORM = [f"1.0.{name}" for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]


KEYS = ["0.weight", "0.bias", *NORM, "1.2.weight"]


def optimizer_step(net: nn.Module) -> None:
    """One step of gradient descent on a fixed batch."""
    x = torch.arange(8.0, device=next(net.parameters()).device).reshape(4, 2)
    net.zero_grad(set_to_none=True)
    (net(x) ** 2).sum().backward()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter -= 0.1 * (parameter.grad + 1)


def fresh_values(forest: Forest, by: int = 1000) -> dict[str, np.ndarray]:
    """Other values for every key of a tree, tied ones alike."""
    return {key: model.values(leaf.seed + by, leaf.shape, leaf.dtype) for key, leaf in model.state(forest.root)}


def given(subject: Subject, forest: Forest, values: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    dtypes = {key: leaf.dtype for key, leaf in model.state(forest.root)}
    return OrderedDict((key, host.tensor(v, dtypes.get(key, "float32"), subject.device)) for key, v in values.items())


def assert_loaded(call: str, built: Built, forest: Forest, due: oracle.Loading) -> None:
    """Refute unless every leaf holds what was loaded into it, or else what it held."""
    for tensor, leaf in zip(built.tensors, forest.leaves, strict=True):
        wanted = due.values.get(leaf.number, leaf.values)
        assert_values(f"{call}: tensor {leaf.number}", tensor.detach(), wanted, dtype=leaf.dtype)
        assert_same(f"{call}: requires_grad of tensor {leaf.number}", tensor.requires_grad, leaf.requires_grad)
        require(tensor.is_leaf, f"{call}: tensor {leaf.number} has a history")


def assert_report(call: str, result: Any, missing: list[str], unexpected: list[str]) -> None:
    """Refute unless a load reports these keys, each once, as both fields and tuple."""
    assert_same(f"{call}: missing_keys", sorted(result.missing_keys), sorted(missing))
    assert_same(f"{call}: unexpected_keys", sorted(result.unexpected_keys), sorted(unexpected))
    require(tuple(result) == (result.missing_keys, result.unexpected_keys), f"{call}: no pair of the two lists")

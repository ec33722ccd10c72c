"""A module with one of everything, and all that can be seen of it: what a method must leave alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.subject import Subject
from properties.strategies.recipe import contiguous, offset, stepped, transposed
from properties.strategies.values import distinct

# Parameters: a large one, layouts that are not contiguous, no dimension, no element, more than one vector's worth.
PARAMETERS = {
    "large": ((40, 30), contiguous),
    "transposed": ((3, 5), transposed),
    "stepped": ((4, 5), stepped),
    "offset": ((2, 3, 4), offset),
    "number": ((), contiguous),
    "empty": ((0, 3), contiguous),
    "frozen": ((17,), contiguous),
    "alone": ((2,), contiguous),
}
BUFFERS = {
    "many": ("float32", (1100,), contiguous, True),
    "turned": ("float32", (3, 4), transposed, True),
    "scale": ("float32", (), contiguous, True),
    "count": ("int64", (), contiguous, True),
    "places": ("int64", (18,), contiguous, True),
    "mask": ("bool", (5,), contiguous, True),
    "none at all": ("float32", (0,), contiguous, True),
    "hidden": ("float32", (3,), contiguous, False),
}


class Part(nn.Module):
    """A module that gives back its input; pickle finds it by its name."""

    def forward(self, x: object) -> object:
        return x


def fill(subject: Subject, net: nn.Module) -> nn.Module:
    """Give a module the parameters, their gradients and the buffers of the tables above."""
    for name, (shape, layout) in PARAMETERS.items():
        data = layout(distinct("float32", shape), "float32").on(subject)
        parameter = nn.Parameter(data, requires_grad=name != "frozen")
        net.register_parameter(name, parameter)
        if name != "alone":  # the one without a gradient
            values = np.resize([0.5, -0.0, np.nan, np.inf, -3.0], shape)
            parameter.grad = host.tensor(values, "float32", subject.device)
    for name, (dtype, shape, layout, persistent) in BUFFERS.items():
        net.register_buffer(name, layout(distinct(dtype, shape), dtype).on(subject), persistent=persistent)
    net.register_parameter("left_out", None)
    return net


def rich(subject: Subject) -> nn.Module:
    """Such modules at three levels and in every container, one of them shared, some in eval mode, some with hooks."""
    net, shared = fill(subject, Part()), fill(subject, Part())
    where = subject.device  # nothing is moved, since moves are judged with this
    block = nn.Sequential(nn.Linear(3, 2, device=where), nn.BatchNorm1d(2, device=where), nn.Identity(), shared)
    net.table = nn.ModuleDict({"z": block, "b": nn.ModuleList([shared, nn.Dropout(0.25), nn.Sequential(shared)])})
    net.weights = nn.ParameterList([nn.Parameter(torch.ones(2, device=where)), net.large])
    net.named = nn.ParameterDict({"a": nn.Parameter(torch.ones(18, device=where), requires_grad=False)})
    net.note = {"of": "one's own"}
    net.table["z"].eval()
    net.weights.eval()
    net.register_forward_hook(ignore)
    shared.register_forward_pre_hook(ignore)
    return net


def ignore(*args: Any) -> None:
    """A hook that does nothing; pickle finds it by its name."""


def tensors(net: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Every parameter and buffer, once, by name."""
    yield from net.named_parameters()
    yield from net.named_buffers()


def seen(net: nn.Module) -> dict[str, dict[str, Any]]:
    """All that can be seen of a module, by kind of fact and then by name."""
    facts: dict[str, dict[str, Any]] = {"around": {"": _around()}}
    for name, module in net.named_modules(remove_duplicate=False):
        own = {"parameters": list(module.named_parameters(recurse=False)), "children": list(module.named_children())}
        listed = {kind: [(key, id(value)) for key, value in pairs] for kind, pairs in own.items()}
        buffers = [(key, id(value)) for key, value in module.named_buffers(recurse=False)]
        plain = {key: id(value) for key, value in vars(module).items() if not key.startswith("_") and key != "training"}
        hooks = [len(module._forward_hooks), len(module._forward_pre_hooks)]  # no public word says what is registered
        rest = {"mode": module.training, "objects": listed, "buffers": buffers, "attributes": plain, "hooks": hooks}
        rest["keys"] = list(module.state_dict(keep_vars=True))
        for kind, value in rest.items():
            facts.setdefault(kind, {})[name] = value
    for name, tensor in tensors(net):
        for kind, value in _facts(tensor).items():
            facts.setdefault(kind, {})[name] = value
    return facts


def _around() -> tuple[Any, ...]:
    return torch.get_rng_state().sum().item(), torch.is_grad_enabled(), str(torch.get_default_dtype())


def _facts(tensor: torch.Tensor) -> dict[str, Any]:
    grad = tensor.grad if tensor.is_leaf else None
    with_data = tensor.device.type != "meta"
    return {
        "type": type(tensor).__name__,
        "dtype": str(tensor.dtype),
        "shape": tuple(tensor.shape),
        "strides": tensor.stride() if tensor.numel() else None,
        "address": tensor.data_ptr() if tensor.numel() else None,
        "values": host.bits(tensor.detach()).tobytes() if with_data else None,
        "version": tensor._version,  # what autograd compares; there is no public name for it
        "flag": (tensor.requires_grad, tensor.is_leaf),
        "gradient object": None if grad is None else id(grad),
        "gradient": None if grad is None else (str(grad.dtype), tuple(grad.shape), host.bits(grad).tobytes()),
    }

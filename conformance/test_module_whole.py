"""Methods for a whole module, by example: each changes what it is for, at every depth, and nothing besides."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import ROUNDED
from conformance.tables.module_tree import assert_same
from conformance.tables.module_whole import rich, seen, tensors
from properties.strategies.values import rounded

pytestmark = must_answer

Act = Callable[[nn.Module], Any]
MOVED = {"address", "version"}
CONVERTED = MOVED | {"buffers", "dtype", "values", "strides", "gradient", "gradient object"}
# What each method may change of what is seen.
ACTIONS: dict[str, tuple[Act, set[str]]] = {
    "train()": (lambda net: net.train(), {"mode"}),
    "train(False)": (lambda net: net.train(False), {"mode"}),
    "eval()": (lambda net: net.eval(), {"mode"}),
    "requires_grad_()": (lambda net: net.requires_grad_(), {"flag"}),
    "requires_grad_(False)": (lambda net: net.requires_grad_(False), {"flag"}),
    "zero_grad(set_to_none=True)": (lambda net: net.zero_grad(set_to_none=True), {"gradient", "gradient object"}),
    "zero_grad(set_to_none=False)": (lambda net: net.zero_grad(set_to_none=False), {"gradient"}),
    "apply": (lambda net: net.apply(lambda module: nn.ReLU()), set()),
    "the listings": (lambda net: [list(net.named_modules()), list(net.parameters()), list(net.buffers())], set()),
    "the look-ups": (lambda net: [net.get_submodule("table.b.2"), net.get_parameter("table.z.3.large")], set()),
    "repr": (repr, set()),
    "dir": (dir, set()),
    "state_dict()": (lambda net: net.state_dict(), set()),
    "state_dict(keep_vars=True)": (lambda net: net.state_dict(keep_vars=True), set()),
    "load_state_dict": (lambda net: net.load_state_dict(rich_state(net)), {"values", "version"}),
    "copy.copy": (copy.copy, set()),
    "copy.deepcopy": (copy.deepcopy, set()),
    "pickle": (pickle.dumps, set()),
    "float()": (lambda net: net.float(), MOVED),
    "to(dtype=…)": (lambda net: net.to(dtype=torch.float32), MOVED),
    "half()": (lambda net: net.half(), CONVERTED),
    "bfloat16()": (lambda net: net.bfloat16(), CONVERTED),
    "double()": (lambda net: net.double(), CONVERTED),
    "cpu()": (lambda net: net.cpu(), MOVED),
    "to(memory_format=…)": (lambda net: net.to(memory_format=torch.channels_last), MOVED | {"strides", "buffers"}),
    "calling it": (lambda net: net(1), set()),
}


def rich_state(net: nn.Module) -> dict[str, torch.Tensor]:
    """Another state for the same module."""
    return {key: entry.clone().flatten().flip(0).reshape(entry.shape) for key, entry in net.state_dict().items()}


@pytest.mark.parametrize("how", [pytest.param(name, marks=check("module.leaves-the-rest")) for name in ACTIONS])
def test_a_method_changes_only_what_it_is_for(subject, how):
    act, may = ACTIONS[how]
    net = rich(subject)
    before = seen(net)
    act(net)
    for kind, facts in seen(net).items():
        if kind not in may:
            for name, found in facts.items():
                assert_same(f"{how}: {kind} of {name or 'the module itself'!r}", found, before[kind].get(name))


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("how", [pytest.param("train", marks=check("module.train-and-eval"))])
def test_every_module_gets_the_mode(subject, how, mode):
    net = rich(subject)
    for _ in range(2):
        getattr(net, how)(mode)
        assert_same(f"{how}({mode})", {name: m.training for name, m in net.named_modules() if m.training != mode}, {})


@check("module.zero-grad")
def test_every_gradient_is_zeroed_whatever_it_holds(subject):
    for drop in (True, False):
        net = rich(subject)
        had = {name for name, tensor in tensors(net) if tensor.grad is not None}
        net.zero_grad(set_to_none=drop)
        for name, parameter in net.named_parameters():
            if drop or name not in had:
                require(parameter.grad is None, f"{name} has a gradient after zero_grad(set_to_none={drop})")
            else:
                assert_values(f"{name}.grad after zero_grad", parameter.grad, np.zeros(tuple(parameter.shape)))


@check("module.requires-grad-method")
def test_every_parameter_gets_the_flag_and_no_buffer(subject):
    for flag in (False, True):
        net = rich(subject)
        net.requires_grad_(flag)
        found = {name: p.requires_grad for name, p in net.named_parameters() if p.requires_grad != flag}
        assert_same(f"requires_grad_({flag}): parameters with another flag", found, {})
        assert_same("buffers that require a gradient", [n for n, b in net.named_buffers() if b.requires_grad], [])


CONVERSIONS: dict[str, tuple[str, Act]] = {
    "half()": ("float16", lambda net: net.half()),
    "bfloat16()": ("bfloat16", lambda net: net.bfloat16()),
    "double()": ("float64", lambda net: net.double()),
    "to(dtype)": ("float64", lambda net: net.to(torch.float64)),
    "to(tensor=…)": ("float16", lambda net: net.to(tensor=torch.ones((), dtype=torch.float16, device=_place(net)))),
    "to(dtype=…, memory_format=…)": (
        "float64",
        lambda net: net.to(dtype=torch.float64, memory_format=torch.contiguous_format),
    ),
    "half().double()": ("float64", lambda net: net.half().double()),
}


def _place(net: nn.Module) -> torch.device:
    return next(net.parameters()).device


@pytest.mark.parametrize("how", [pytest.param(name, marks=check("module.to-only-floats")) for name in CONVERSIONS])
def test_a_conversion_reaches_every_tensor_and_gradient(subject, how):
    dtype, convert = CONVERSIONS[how]
    through = "float16" if "half" in how else dtype
    net = rich(subject)
    before = {
        name: (host.array(t.detach()), None if t.grad is None else host.array(t.grad)) for name, t in tensors(net)
    }
    strides = {name: t.stride() for name, t in tensors(net)}
    require(convert(net) is net, f"{how} returns another object")
    for name, tensor in tensors(net):
        floating = name.rpartition(".")[2] not in ("count", "places", "mask", "num_batches_tracked")
        values, grad = before[name]
        due = rounded(rounded(values, through), dtype) if floating else values
        wanted = dtype if floating else host.dtype_name(tensor.dtype)
        assert_values(f"{name} after {how}", tensor.detach(), due, ROUNDED, dtype=wanted)
        require(floating or "float" not in wanted, f"{name} is of {wanted} after {how}")
        if grad is None:
            require(tensor.grad is None, f"{name} has a gradient after {how}")
        else:
            assert_values(f"{name}.grad after {how}", tensor.grad, rounded(grad, dtype), dtype=dtype)
        if "memory" not in how and tensor.numel() > 1:
            assert_same(f"order of strides of {name} after {how}", _order(tensor.stride()), _order(strides[name]))


def _order(strides: tuple[int, ...]) -> list[int]:
    return sorted(range(len(strides)), key=lambda dim: (-strides[dim], dim))

"""What is done to a whole module, by example: dtypes, modes, gradients, copies."""

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
from conformance.assertions import assert_apart, assert_raises, assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.numerics import ROUNDED
from conformance.oracle import module as model
from conformance.oracle.module_corpus import CORPUS
from conformance.oracle.module_edits import Step
from conformance.subject import Subject
from conformance.tables.module_tree import assert_leaves, assert_listings, assert_same, build
from properties.strategies.values import rounded

pytestmark = must_answer

FLOATS = ("float16", "bfloat16", "float32", "float64")
# Values that lie between those of the narrower dtypes.
VALUES = np.resize([0.1, -1.0 / 3.0, 1e-9, 65519.0, 3.0, -0.0, 1.00390625], 37)


def mixed(subject: Subject) -> nn.Module:
    """Parameters and buffers of several dtypes at two levels."""

    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(host.tensor(VALUES, "float32", subject.device))
            self.n = nn.Parameter(host.tensor(np.arange(4), "int64", subject.device), requires_grad=False)
            self.register_buffer("mean", host.tensor(VALUES, "float32", subject.device))
            self.register_buffer("hidden", host.tensor(VALUES, "float32", subject.device), persistent=False)
            self.register_buffer("count", host.tensor(np.array(7), "int64", subject.device))
            self.register_buffer("mask", host.tensor(np.array([True, False]), "bool", subject.device))
            self.register_buffer("none", None)

    outer = Mixed()
    outer.inner = nn.Sequential(Mixed(), nn.ReLU())
    return outer


FLOATING, OTHERS = ("w", "mean", "hidden"), {"n": "int64", "count": "int64", "mask": "bool"}
CONVERSIONS: dict[str, tuple[str, Callable[[nn.Module], Any]]] = {
    "half()": ("float16", lambda net: net.half()),
    "bfloat16()": ("bfloat16", lambda net: net.bfloat16()),
    "float()": ("float32", lambda net: net.float()),
    "double()": ("float64", lambda net: net.double()),
    "to(torch.float16)": ("float16", lambda net: net.to(torch.float16)),
    "to(dtype=torch.float64)": ("float64", lambda net: net.to(dtype=torch.float64)),
    "to(device, torch.bfloat16)": ("bfloat16", lambda net: net.to(net.w.device, torch.bfloat16)),
    "to(device=…, dtype=torch.float64)": ("float64", lambda net: net.to(device=net.w.device, dtype=torch.float64)),
    "to(a double tensor)": ("float64", lambda net: net.to(torch.ones(1, dtype=torch.float64, device=net.w.device))),
    "to(device)": ("float32", lambda net: net.to(net.w.device)),
    "to(device, non_blocking=True)": ("float32", lambda net: net.to(net.w.device, non_blocking=True)),
}


@pytest.mark.parametrize("how", [pytest.param(name, marks=check("module.to-only-floats")) for name in CONVERSIONS])
def test_a_conversion_rounds_what_is_floating_and_leaves_the_rest(subject, how):
    dtype, convert = CONVERSIONS[how]
    subject.require(dtype)
    net = mixed(subject)
    levels = (net, net.inner[0])
    others = [[getattr(level, name) for name in OTHERS] for level in levels]
    for turn in (1, 2):
        require(convert(net) is net, f"{how} returns another object")
        for level, kept in zip(levels, others, strict=True):
            for name in FLOATING:
                due = rounded(rounded(VALUES, "float32"), dtype)
                assert_values(f"{name} after {how} ({turn})", getattr(level, name).detach(), due, ROUNDED, dtype=dtype)
            for (name, kind), old in zip(OTHERS.items(), kept, strict=True):
                assert_values(f"{name} after {how}", getattr(level, name).detach(), host.array(old), dtype=kind)
            require(level.none is None, f"{how} made something of a buffer that is None")
    assert_same(f"buffers after {how}", [n for n, _ in net.named_buffers()][:4], ["mean", "hidden", "count", "mask"])
    require("hidden" not in net.state_dict(), f"{how} made a buffer persistent")


@check("module.to-keeps-parameters")
def test_a_conversion_keeps_the_parameter_objects(subject):
    for how, (_, convert) in CONVERSIONS.items():
        net = mixed(subject)
        frozen = net.inner[0].w.requires_grad_(False)
        before = list(net.parameters())
        convert(net)
        after = list(net.parameters())
        require(len(after) == len(before), f"{how} changes the number of parameters", len(before), len(after))
        require(all(a is b for a, b in zip(after, before, strict=True)), f"{how} replaces Parameter objects")
        require(all(type(p) is nn.Parameter for p in after), f"{how} leaves something else than Parameters")
        assert_same(f"requires_grad after {how}", [p.requires_grad for p in after], [True, False, False, False])
        require(not frozen.requires_grad and net.w.is_leaf, f"{how} unfreezes, or leaves no leaf")


@check("module.to-keeps-parameters")
def test_tied_parameters_stay_tied(subject):
    for how, (dtype, convert) in CONVERSIONS.items():
        net = mixed(subject)
        net.tied = net.inner[0].w
        convert(net)
        require(net.tied is net.inner[0].w, f"{how} unties parameters")
        assert_same(f"dtype of a tied parameter after {how}", host.dtype_name(net.tied.dtype), dtype)


@check("module.to-converts-gradients")
def test_gradients_are_converted_with_their_parameters(subject):
    net = mixed(subject)
    net.w.grad = host.tensor(VALUES, "float32", subject.device)
    net.half()
    assert_values("w.grad after half()", net.w.grad, rounded(rounded(VALUES, "float32"), "float16"), dtype="float16")
    require(net.inner[0].w.grad is None, "half() made a gradient")
    net.double()
    (net.w.sum() * 2).backward()
    due = rounded(rounded(VALUES, "float32"), "float16").astype(np.float64) + 2
    assert_values("w.grad after double() and backward", net.w.grad, due, dtype="float64")


@check("module.to-refuses-integers")
def test_to_refuses_a_dtype_that_is_not_floating(subject):
    net = mixed(subject)
    for dtype in ("int64", "int32", "uint8", "bool"):
        assert_raises(f"to(torch.{dtype})", TypeError, lambda: net.to(host.torch_dtype(dtype)))
    assert_same(
        "dtypes after a refusal", [host.dtype_name(net.w.dtype), host.dtype_name(net.mean.dtype)], ["float32"] * 2
    )


@check("module.type-converts-all")
def test_type_converts_integers_as_well(subject):
    net = mixed(subject)
    net.inner[0].n.requires_grad_(False)
    require(net.type(torch.float64) is net, "type returns another object")
    for level in (net, net.inner[0]):
        found = [host.dtype_name(getattr(level, name).dtype) for name in ("w", "n", "mean", "hidden", "count", "mask")]
        assert_same("dtypes after type(torch.float64)", found, ["float64"] * 6)
        assert_values("count", level.count, np.array(7.0), dtype="float64")


@check("module.to-memory-format")
def test_to_channels_last_changes_the_strides_of_four_dimensional_tensors(subject):
    net = nn.Sequential(nn.Conv2d(3, 4, 2), nn.Linear(2, 2)).to(subject.device)
    weight, before = net[0].weight, host.array(net[0].weight.detach())
    require(net.to(memory_format=torch.channels_last) is net, "to(memory_format=…) returns another object")
    require(net[0].weight is weight, "to(memory_format=…) replaces Parameter objects")
    assert_values("weight", weight.detach(), before, dtype="float32")
    assert_same("strides of a convolution's weight", tuple(weight.stride()), (12, 1, 6, 3))
    assert_same("strides of a linear weight", tuple(net[1].weight.stride()), (2, 1))
    net.to(memory_format=torch.contiguous_format)
    assert_same("strides again", tuple(net[0].weight.stride()), (12, 4, 2, 1))
    assert_values("weight again", net[0].weight.detach(), before)


@check("module.to-complex")
def test_a_complex_dtype_takes_floats_and_float_leaves_complex(subject):
    subject.require("complex64")
    net = mixed(subject)
    require(net.to(torch.complex64) is net, "to(torch.complex64) returns another object")
    for name in FLOATING:
        due = rounded(VALUES, "float32").astype(np.complex64)
        assert_values(f"{name} after to(torch.complex64)", getattr(net, name).detach(), due, dtype="complex64")
    for name, kind in OTHERS.items():
        assert_same(f"dtype of {name}", host.dtype_name(getattr(net, name).dtype), kind)
    for how in ("float", "double", "half"):
        getattr(net, how)()
        assert_same(f"dtype of complex w after {how}()", host.dtype_name(net.w.dtype), "complex64")


@check("module.cpu")
def test_cpu_keeps_the_module_and_its_values(subject):
    net = mixed(subject)
    weight, due = net.w, host.array(net.w.detach())
    require(net.cpu() is net and net.w is weight, "cpu() returns another object")
    require(all(t.device.type == "cpu" for t in (*net.parameters(), *net.buffers())), "a tensor is not on the CPU")
    assert_values("w after cpu()", net.w.detach(), due, dtype="float32")
    require(
        net.to(subject.device) is net and net.w.device.type == torch.device(subject.device).type,
        "to(device) did not move",
    )
    assert_values("w after to(device)", net.w.detach(), due, dtype="float32")


@check("module.to-empty")
def test_to_empty_keeps_everything_but_the_values(subject):
    net = mixed(subject).to("meta")
    require(all(t.is_meta for t in (*net.parameters(), *net.buffers())), "to('meta') leaves a tensor with storage")
    other = mixed(subject)
    for made in (net, other):
        made.register_parameter("frozen", nn.Parameter(torch.ones(2, device="meta"), requires_grad=False))
    flags = {name: p.requires_grad for name, p in net.named_parameters()}
    require(net.to_empty(device=subject.device) is net, "to_empty returns another object")
    assert_same("flags after to_empty", {name: p.requires_grad for name, p in net.named_parameters()}, flags)
    assert_same("names", [n for n, _ in net.named_parameters()], [n for n, _ in other.named_parameters()])
    for (name, found), (_, due) in zip(net.named_buffers(), other.named_buffers(), strict=True):
        assert_same(
            f"{name} after to_empty",
            (found.dtype, found.shape, found.device.type),
            (due.dtype, due.shape, due.device.type),
        )


COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda net: pickle.loads(pickle.dumps(net))}


@pytest.mark.parametrize("how", [pytest.param(name, marks=check("module.deepcopy")) for name in COPIES])
def test_a_copy_has_the_same_structure_and_memory_of_its_own(subject, how):
    for name, program in CORPUS.items():
        extra = (
            Step("train", 0, flag=False),
            Step("requires_grad_", len(build(subject, program)[0].modules) - 1, flag=False),
        )
        built, forest = build(subject, (*program, *extra))
        twin = COPIES[how](built.root)
        _assert_twin(f"the {how} of tree {name!r}", built, forest, twin)
        assert_listings(built, forest)
        assert_leaves(built, forest)


def _assert_twin(call: str, built: Any, forest: Any, twin: nn.Module) -> None:
    for once in (True, False):
        found, due = list(twin.named_modules(remove_duplicate=once)), list(model.named_modules(forest.root, once=once))
        assert_same(f"{call}: names", [n for n, _ in found], [n for n, _ in due])
        assert_same(f"{call}: sharing", _pattern(m for _, m in found), _pattern(n for _, n in due))
        assert_same(f"{call}: modes", [m.training for _, m in found], [n.training for _, n in due])
        require(built.number(found[-1][1]) == -1, f"{call} holds a module of the original")
    for which in ("parameters", "buffers"):
        due = list(model.named_leaves(forest.root, which))
        found = list(getattr(twin, f"named_{which}")())
        assert_same(f"{call}: {which}", [n for n, _ in found], [n for n, _ in due])
        for (name, tensor), (_, leaf) in zip(found, due, strict=True):
            assert_values(f"{call}: {name}", tensor.detach(), leaf.values, dtype=leaf.dtype)
            assert_same(f"{call}: {name}.requires_grad", tensor.requires_grad, leaf.requires_grad)
            assert_apart(f"{call}: {name}", tensor, built.tensors[leaf.number])
            assert_same(f"{call}: type of {name}", isinstance(tensor, nn.Parameter), leaf.is_parameter)
    assert_same(f"{call}: state_dict", list(twin.state_dict()), [key for key, _ in model.state(forest.root)])


def _pattern(things: Any) -> list[int]:
    """Which of them are the same object: the place of each one's first occurrence."""
    numbers: dict[int, int] = {}
    kept = list(things)
    return [numbers.setdefault(id(thing), place) for place, thing in enumerate(kept)]


@check("module.deepcopy")
def test_training_a_copy_leaves_the_original(subject):
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).to(subject.device)
    before = {name: host.array(t) for name, t in net.state_dict().items()}
    twin = copy.deepcopy(net)
    x = host.tensor(np.arange(12.0).reshape(4, 3), "float32", subject.device)
    twin(x).square().sum().backward()
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1.0)
    for name, tensor in net.state_dict().items():
        assert_values(f"{name} of the original", tensor, before[name])
    require(all(p.grad is None for p in net.parameters()), "the original got a gradient")
    require(not overlap(twin[0].weight, net[0].weight), "the copy shares memory")


@check("module.share-memory")
def test_share_memory_moves_every_tensor_and_returns_the_module(subject):
    subject.require_feature("host_memory")
    net = mixed(subject)
    kept = host.array(net.w.detach())
    require(net.share_memory() is net, "share_memory returns another object")
    tensors = (*net.parameters(), *net.buffers())
    require(
        all(t.is_shared() for t in tensors), "a tensor is not in shared memory", True, [t.is_shared() for t in tensors]
    )
    assert_values("w in shared memory", net.w.detach(), kept)

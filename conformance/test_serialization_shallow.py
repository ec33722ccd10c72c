"""copy.copy, and what goes with a tensor or module that is copied or saved, by example."""

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
from conformance.assertions import assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.subject import Subject
from conformance.tables.serialization_samples import FREE, OLD, assert_alike, assert_equal, batch, net
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


WAYS: dict[str, Callable[[Any], Any]] = {
    "copy.deepcopy": copy.deepcopy,
    "pickle": pickled,
    "torch.save": FREE,
    "torch.save, old format": OLD,
}


@pytest.mark.parametrize("dtype", [pytest.param(name, marks=check("serialization.copy")) for name in COMMON])
def test_a_shallow_copy_lies_in_the_same_memory(subject, dtype):
    for shape in ((3, 17), (), (0,), (40, 30)):
        values = cycle(interesting(dtype), shape) if shape else distinct(dtype, shape)
        for recipe in layouts(values, dtype, LAYOUTS):
            x = recipe.on(subject)
            for made in (x, nn.Parameter(x, requires_grad=False)):
                out = copy.copy(made)
                require(out is not made, "copy.copy gives the object itself")
                assert_alike("copy.copy(x)", out, made)
                places = [(t.data_ptr() if t.numel() else 0, t.storage_offset()) for t in (out, made)]
                assert_equal("address and offset of copy.copy(x)", *places)
                if made.numel():
                    out.zero_()
                    require(not made.any().item(), "a write to the copy does not show in x")


@check("serialization.copy")
def test_a_shallow_copy_keeps_class_and_flag(subject):
    x = contiguous(distinct("float32", (4, 3)), "float32").on(subject)
    for wanted in (True, False):
        for made in (x.clone().requires_grad_(wanted), nn.Parameter(x.clone(), requires_grad=wanted)):
            out = copy.copy(made)
            assert_alike("copy.copy(x)", out, made)
            require(out.is_leaf and out.grad is None, "the copy is no leaf, or has a gradient")
            require(out is not made and out.data_ptr() == made.data_ptr(), "the copy lies elsewhere, or is x itself")


@check("serialization.copy-module")
def test_a_shallow_copy_of_a_module_holds_the_same_parts(subject):
    made = net(subject).eval()
    made.own = {"a": [1]}
    out = copy.copy(made)
    require(out is not made and type(out) is type(made), "copy.copy gives the module itself, or another class")
    for kind in ("parameters", "buffers", "modules"):
        ours, theirs = (list(getattr(each, kind)())[kind == "modules" :] for each in (out, made))
        require(len(ours) == len(theirs) and all(a is b for a, b in zip(ours, theirs, strict=True)), f"other {kind}")
    require(out.own is made.own and out.training is False, "an attribute is another")
    out.train()
    out.own = 5
    require(made.training is False and made.own == {"a": [1]}, "an attribute of the first changed with the copy's")
    with torch.no_grad():
        assert_values("copy(x)", out.eval()(batch(subject)), host.array(made(batch(subject))))


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(name, marks=check("serialization.attributes", since=None if "deep" in name else "2.0"))
        for name in WAYS
    ],
)
def test_attributes_of_a_tensor_come_along(subject, how):
    for dtype in ("float32", "bfloat16", "int64", "bool", "complex64"):
        for recipe in layouts(distinct(dtype, (3, 17)), dtype, DENSE):
            x = recipe.on(subject)
            x.label, x.inner = "of one's own", {"list": [1, 2]}
            out = WAYS[how](x)
            assert_alike(f"the tensor through {how}", out, x)
            assert_equal("its attributes", (out.label, out.inner), (x.label, x.inner))
            require(out.inner["list"] is not x.inner["list"], f"{how} shares what an attribute holds")
            assert_equal("attributes", sorted(vars(out)), sorted(vars(x)))
    x = contiguous(distinct("float32", (3,)), "float32").with_grad().on(subject)
    x.other = torch.ones(2, device=subject.device)
    out = WAYS["copy.deepcopy"](x)
    require(not overlap(out.other, x.other), "the tensor in the attribute is not copied")


@check("serialization.deepcopy")
def test_deepcopy_keeps_layout_at_every_size(subject):
    for shape in ((40, 30), (7, 5, 6), (200, 200)):
        for dtype in ("float32", "int8", "bool", "complex64"):
            for recipe in layouts(distinct(dtype, shape), dtype, LAYOUTS):
                x = recipe.on(subject)
                out = copy.deepcopy(x)
                assert_alike("copy.deepcopy(x)", out, x)
                assert_equal("offset of copy.deepcopy(x)", out.storage_offset(), recipe.offset)
                require(not overlap(out, x), "copy.deepcopy(x) lies in the memory of x")


@check("serialization.deepcopy")
def test_no_gradient_is_shared_with_a_copy(subject):
    values = np.arange(3.0)
    for thing in (nn.Parameter, lambda x: x.requires_grad_(), lambda x: _holding(nn.Parameter(x))):
        made = thing(contiguous(values, "float32").on(subject))
        leaves = list(made.parameters()) if isinstance(made, nn.Module) else [made]
        for leaf in leaves:
            leaf.grad = torch.full_like(leaf, 2.0)
        out = copy.deepcopy(made)
        for leaf, twin in zip(leaves, out.parameters() if isinstance(out, nn.Module) else [out], strict=True):
            require(twin.grad is None or not overlap(twin.grad, leaf.grad), "the copy shares the gradient")
            (twin * 3).sum().backward()
            assert_values("the gradient of the first after backward of the copy", leaf.grad, np.full(3, 2.0))


def _holding(parameter: nn.Parameter) -> nn.Module:
    held = nn.Module()
    held.w = parameter
    return held


def tripled(module: nn.Module, args: Any, out: torch.Tensor) -> torch.Tensor:
    """A forward hook; pickle finds it by its name."""
    return 3 * out


def halved(module: nn.Module, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    """A forward pre-hook."""
    return (args[0] / 2,)


def _outputs(subject: Subject, net: nn.Module) -> np.ndarray:
    with torch.no_grad():
        return host.array(net(batch(subject)))


@pytest.mark.parametrize(
    "how", [pytest.param(name, marks=check("serialization.module-whole")) for name in (*WAYS, "copy.copy")]
)
def test_a_module_takes_hooks_modes_and_lists_with_it(subject, how):
    made = net(subject).eval()
    made.norm.train()
    plain = _outputs(subject, made)
    made.norm.reset_running_stats()
    made.register_forward_hook(tripled)
    made.hidden.register_forward_pre_hook(halved)
    due = _outputs(subject, made)
    made.norm.reset_running_stats()
    out = {**WAYS, "copy.copy": copy.copy}[how](made)
    require(not np.array_equal(due, plain), "the hooks change nothing")
    require(np.array_equal(_outputs(subject, out), due), f"the module computes something else through {how}")
    assert_equal("modes", [m.training for m in out.modules()], [m.training for m in made.modules()])
    assert_equal("names in the state", list(out.state_dict()), list(made.state_dict()))
    assert_equal("names of buffers", [n for n, _ in out.named_buffers()], [n for n, _ in made.named_buffers()])
    if how != "copy.copy":
        due = _outputs(subject, made)
        out.register_forward_hook(tripled)
        require(np.array_equal(_outputs(subject, made), due), "a hook of the copy runs for the first")

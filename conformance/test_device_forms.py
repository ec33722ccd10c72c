"""Every way to write a move, for every size and layout: itself, a copy, or another dtype."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.device_layouts import BIG, dense
from conformance.tables.device_places import assert_at, assert_outline
from properties.strategies.recipe import LAYOUTS, Recipe, layouts
from properties.strategies.values import distinct

pytestmark = must_answer

SIZES = ((3, 4), (), (0, 2), (17,), (40, 30), BIG)
# How to write a move to a device and a dtype, with or without a copy.
Spelling = Callable[[Any, Any, Any, bool], Any]
SPELLINGS: dict[str, Spelling] = {
    "x.to(device, dtype, False, copy)": lambda x, there, dtype, copy: x.to(there, dtype, False, copy),
    "x.to(device, dtype, True, copy=copy)": lambda x, there, dtype, copy: x.to(there, dtype, True, copy=copy),
    "x.to(str(device), dtype, copy=copy)": lambda x, there, dtype, copy: x.to(str(there), dtype, copy=copy),
    "x.to(dtype, False, copy)": lambda x, there, dtype, copy: x.to(dtype, False, copy),
    "x.to(dtype, non_blocking=True, copy=copy)": lambda x, there, dtype, copy: x.to(
        dtype, non_blocking=True, copy=copy
    ),
    "x.to(other, False, copy)": lambda x, there, dtype, copy: x.to(_other(there, dtype), False, copy),
    "x.to(other, copy=copy)": lambda x, there, dtype, copy: x.to(_other(there, dtype), copy=copy),
    "x.to(device=device, dtype=dtype, copy=copy)": lambda x, there, dtype, copy: x.to(
        device=there, dtype=dtype, copy=copy
    ),
    "x.to(dtype=dtype, copy=copy)": lambda x, there, dtype, copy: x.to(dtype=dtype, copy=copy),
    "x.to(None, dtype, copy=copy)": lambda x, there, dtype, copy: x.to(None, dtype, copy=copy),
}


def _other(device: Any, dtype: torch.dtype) -> torch.Tensor:
    """A tensor with nothing else in common."""
    return torch.ones(2, 1, 5, dtype=dtype, device=device)


@functools.cache
def recipes(dtype: str) -> list[Recipe]:
    """All sizes, two of them in all layouts."""
    found = []
    for shape in SIZES:
        names = LAYOUTS if shape in ((3, 4), (40, 30)) else ("contiguous",)
        found += layouts(distinct(dtype, shape), dtype, names)
    return found


def tensors(recipe: Recipe, on: Any) -> list[torch.Tensor]:
    """A plain tensor, a leaf, a result and a Parameter."""
    plain = recipe.on(on)
    if not plain.is_floating_point():
        return [plain]
    leaf = recipe.with_grad().on(on)
    return [plain, leaf, leaf * 1, nn.Parameter(recipe.on(on), requires_grad=False)]


@pytest.mark.parametrize("how", SPELLINGS)
@check("device.tensor-to-needs-assignment")
def test_a_move_that_changes_nothing_gives_the_tensor_itself(subject, how):
    for dtype in ("float32", "bool"):
        for recipe in recipes(dtype):
            for x in tensors(recipe, subject):
                out = SPELLINGS[how](x, x.device, x.dtype, False)
                require(out is x, f"{how} of {recipe!r} is another tensor", "x itself", "another")


@pytest.mark.parametrize("how", SPELLINGS)
@check("device.to-copy-is-new")
def test_a_copy_is_new_however_it_is_written(subject, how):
    for dtype in ("float32", "bool"):
        for recipe in recipes(dtype):
            for x in tensors(recipe, subject):
                kept = Unchanged(x=x)
                out = SPELLINGS[how](x, x.device, x.dtype, True)
                require(out is not x, f"{how} of {recipe!r} is x itself", "a copy", "x")
                assert_outline(how, out, dtype, recipe.shape, dense(recipe.shape, tuple(x.stride())))
                assert_apart(how, out, x)
                require(host.bits(out.detach()).tobytes() == host.bits(x.detach()).tobytes(), f"{how}: other bits")
                require(out.requires_grad == x.requires_grad, f"{how}: requires_grad is {out.requires_grad}")
                kept.check(how)


@pytest.mark.parametrize("how", SPELLINGS)
@check("device.to-changes-dtype-too")
def test_another_dtype_however_it_is_written(subject, how):
    for target in filter(subject.supports, ("float64", "int32")):
        for recipe in recipes("float32"):
            due = recipe.array if target == "float64" else np.trunc(recipe.array)
            x = recipe.on(subject)
            for copy in (False, True):
                out = SPELLINGS[how](x, x.device, host.torch_dtype(target), copy)
                assert_values(f"{how} with {target} of {recipe!r}", out, due.astype(target), dtype=target)
                assert_at(how, out, subject.device)


@check("device.cpu-gives-itself")
def test_cpu_gives_any_cpu_tensor_itself(subject):
    for dtype in ("float32", "bool"):
        for recipe in recipes(dtype):
            for x in tensors(recipe, subject):
                out = x.cpu()
                require((out is x) == subject.is_cpu, f"x.cpu() of {recipe!r} is another tensor, or the tensor itself")
                require(out.cpu() is out, f"x.cpu().cpu() of {recipe!r} is another tensor than x.cpu()")
                again = out.cpu(memory_format=torch.preserve_format)
                require(again is out, f"x.cpu(memory_format=torch.preserve_format) of {recipe!r} is another tensor")


@check("device.tensor-device")
def test_tensors_of_every_size_and_history_say_the_same_device(subject):
    due = torch.zeros(1, device=subject.device).device
    for recipe in recipes("float32"):
        for x in tensors(recipe, subject):
            for call, tensor in {
                "x": x,
                "x * 2": x * 2,
                "x.sum()": x.sum(),
                "x.detach()": x.detach(),
                "-x": -x,
            }.items():
                found = tensor.device
                same = found == due and (found.type, found.index) == (due.type, due.index)
                require(same and str(found) == str(due), f"{call}.device of {recipe!r} is {found}", due, found)
                require(tensor.is_cpu == (due.type == "cpu"), f"{call}.is_cpu of {recipe!r} is {tensor.is_cpu}")

"""Copies: new memory, orders of strides, and the way to the device and back."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, NUMPY
from conformance.tables.device_layouts import BIG, SHAPES, dense, rows
from conformance.tables.device_places import assert_at, assert_outline, values, with_device
from properties.strategies.recipe import LAYOUTS, layouts
from properties.strategies.values import distinct

pytestmark = must_answer


@check("device.to-copy-is-new")
@pytest.mark.parametrize("dtype", COMMON)
def test_a_copy_is_new_memory_with_the_same_bits(subject, dtype):
    for recipe in rows(dtype):
        x, same = recipe.on(subject), host.torch_dtype(dtype)
        kept, strides = Unchanged(x=x), dense(recipe.shape, recipe.strides)
        for call, out in {
            "x.to(device, copy=True)": x.to(subject.device, copy=True),
            "x.to(dtype, copy=True)": x.to(same, copy=True),
            "x.to(device, dtype, copy=True)": x.to(subject.device, same, copy=True),
            "x.to(x, copy=True)": x.to(x, copy=True),
            "x.to(device=, dtype=, non_blocking=True, copy=True)": x.to(
                device=subject.device, dtype=same, non_blocking=True, copy=True
            ),
        }.items():
            require(out is not x, f"{call} is x itself", "a copy", "x")
            assert_outline(call, assert_at(call, out, subject.device), dtype, recipe.shape, strides)
            assert_apart(call, out, x)
            require(host.bits(out).tobytes() == host.bits(x).tobytes(), f"{call} of {recipe!r} has other bits")
            out.zero_()
            kept.check(f"writing to {call}")


@check("device.to-copy-is-new")
def test_writes_to_the_original_do_not_show_in_a_copy(subject):
    for shape in ((3, 4), (17,), (1,), BIG):
        x = values(subject, distinct("float32", shape))
        due = host.array(x)
        copies = [x.to(subject.device, copy=True), x.to(x, copy=True), x.t().to(torch.float32, copy=True).t()]
        x.fill_(-1)
        for out in copies:
            assert_values("a copy after x.fill_(-1)", out, due)
        leaf = values(subject, due).requires_grad_()
        out = leaf.to(subject.device, copy=True)
        require(out.requires_grad and not out.is_leaf, "a copy of a leaf is no node of the graph")
        require(
            not leaf.detach().to(subject.device, copy=True).requires_grad, "a copy of a detached tensor requires grad"
        )


FORMATS = (
    ((3, 4), "contiguous_format", (4, 1)),
    ((2, 3, 4, 5), "contiguous_format", (60, 20, 5, 1)),
    ((2, 3, 4, 5), "channels_last", (60, 1, 15, 3)),
    ((2, 3, 2, 4, 5), "channels_last_3d", (120, 1, 60, 15, 3)),
    ((17,), "contiguous_format", (1,)),
)


@check("device.to-memory-format")
def test_to_with_a_memory_format_gives_its_strides(subject):
    for shape, name, due in FORMATS:
        given = distinct("float32", shape)
        form = getattr(torch, name)
        for recipe in layouts(given, "float32"):
            x = recipe.on(subject)
            for call, out in {
                f"x.to('meta', memory_format={name})": x.to("meta", memory_format=form),
                f"x.to(torch.double, memory_format={name})": x.to(torch.double, memory_format=form),
                f"x.to(memory_format={name}, copy=True)": x.to(memory_format=form, copy=True),
                f"x.to(other, memory_format={name})": x.to(torch.zeros(1, device="meta"), memory_format=form),
                f"x.double().to('meta', memory_format={name})": x.double().to("meta", memory_format=form),
            }.items():
                text = f"{call} of {recipe!r}"
                assert_outline(text, out, host.dtype_name(out.dtype), shape, due)
                if not out.is_meta:
                    assert_values(text, out, given)
    assert_raises(
        "channels_last of 3 dimensions",
        RuntimeError,
        lambda: torch.zeros(1, 2, 3).to(memory_format=torch.channels_last),
    )


@check("device.to-memory-format")
def test_a_dense_tensor_keeps_its_strides(subject):
    for shape in ((3, 4), (2, 3, 4), (2, 3, 4, 5)):
        given = distinct("float32", shape)
        for order in itertools.permutations(range(len(shape))):
            x = values(subject, given.transpose(order)).permute(tuple(np.argsort(order)))
            for call, out in {
                "x.to('meta')": x.to("meta"),
                "x.to(torch.double)": x.to(torch.double),
                "x.to('meta', torch.double)": x.to("meta", torch.double),
                "x.to('meta').clone()": x.to("meta").clone(),
                "x.to('meta').to(torch.double)": x.to("meta").to(torch.double),
                "x.to(device, copy=True)": x.to(subject.device, copy=True),
                "x.to('meta') of a slice": x[:, ::2].to("meta"),
            }.items():
                part = "slice" in call
                due = dense(tuple(out.shape), tuple(x[:, ::2].stride())) if part else tuple(x.stride())
                assert_outline(
                    f"{call} with strides {tuple(x.stride())}", out, host.dtype_name(out.dtype), tuple(out.shape), due
                )


@check("device.non-blocking")
@pytest.mark.parametrize("dtype", ("float32", "bfloat16", "int64", "bool"))
def test_not_waiting_changes_no_value(subject, dtype):
    for recipe in rows(dtype, (*SHAPES, BIG) if dtype == "float32" else SHAPES):
        x = recipe.on(subject)
        for call, out in {
            "x.to('cpu', non_blocking=True)": x.to("cpu", non_blocking=True, copy=subject.is_cpu),
            "x.to(device, non_blocking=True)": x.to(subject.device, non_blocking=True, copy=True),
            "y.copy_(x, non_blocking=True)": torch.zeros_like(x).copy_(x, non_blocking=True),
            "y.copy_(x, True)": torch.zeros(recipe.shape, dtype=x.dtype, device=subject.device).copy_(x, True),
        }.items():
            if not subject.is_cpu:
                torch.zeros(1, device=subject.device).cpu()  # waits for what was asked of the device before
            assert_values(call, out, recipe.array, dtype=dtype, signed_zeros=True)
    require(torch.ones(3).to("meta", non_blocking=True).is_meta, "non_blocking=True keeps a tensor from moving")


@check("device.to-copies-to-gpu")
def test_on_meta_a_copy_has_shape_dtype_and_strides(subject):
    for dtype in filter(subject.supports, NUMPY):
        for recipe in rows(dtype):
            x = recipe.on(subject)
            kept = Unchanged(x=x)
            out = assert_at("x.to('meta')", x.to("meta"), "meta")
            assert_outline(f"x.to('meta') of {recipe!r}", out, dtype, recipe.shape, dense(recipe.shape, recipe.strides))
            require(out.storage_offset() == 0, f"x.to('meta') of {recipe!r} has offset {out.storage_offset()}", 0)
            out.zero_()
            kept.check("x.to('meta').zero_()")


@check("device.to-copies-to-gpu")
def test_a_copy_on_the_device_is_independent(subject):
    with_device(subject)
    for recipe in rows("float32"):
        x = recipe.on(_cpu(subject))
        for device in (subject.device, torch.device(subject.device)):
            out = assert_at("x.to(device)", x.to(device), str(device))
            assert_values("x.to(device)", out, recipe.array, signed_zeros=True)
            out.zero_()
            assert_values("x after writing to x.to(device)", x, recipe.array, signed_zeros=True)


def _cpu(subject: Any) -> Any:
    return type(subject)("cpu", "cpu")


@check("device.round-trip")
@pytest.mark.parametrize("dtype", (*COMMON, "complex32", "uint16", "uint32", "uint64", "float8_e5m2", "float8_e4m3fn"))
def test_there_and_back_keeps_the_bits(subject, dtype):
    subject.require(dtype)
    shapes = (*SHAPES, BIG) if dtype == "float32" else SHAPES
    for recipe in rows(dtype, shapes):
        x = recipe.on(subject)
        due = host.bits(x).tobytes()
        back = x.to("cpu", copy=True)
        held = torch.empty(recipe.shape, dtype=x.dtype, device="cpu")
        again = torch.empty(recipe.shape, dtype=x.dtype, device=subject.device)
        for call, out, device in (
            ("x.cpu()", x.cpu(), "cpu"),
            ("x.to('cpu', copy=True)", back, "cpu"),
            ("x.to('cpu').to(device)", back.to(subject.device), subject.device),
            ("held.copy_(x)", held.copy_(x), "cpu"),
            ("again.copy_(held)", again.copy_(held), subject.device),
            ("x.to(device, copy=True)", x.to(subject.device, copy=True), subject.device),
        ):
            assert_outline(call, assert_at(call, out, device), dtype, recipe.shape)
            require(host.bits(out).tobytes() == due, f"{call} of {recipe!r} has other bits")


@check("device.round-trip")
@pytest.mark.parametrize("dtype", ("float32", "int16", "complex64"))
def test_copies_between_layouts_keep_every_element(subject, dtype):
    """A copy into one layout from another, both with gaps, offsets and orders of their own."""
    given, old = distinct(dtype, (4, 6)), np.zeros((4, 6))
    for source in layouts(given, dtype, LAYOUTS):
        for target in layouts(old, dtype):
            x, y = source.on(subject), target.on(subject)
            whole = _storage(y)
            require(y.copy_(x) is y, "y.copy_(x) is not y")
            assert_values(f"y.copy_(x) from {source!r}", y, source.array, dtype=dtype)
            due = target.buffer.copy()
            steps = tuple(step * due.itemsize for step in target.strides)
            np.lib.stride_tricks.as_strided(due[target.offset :], target.shape, steps)[...] = source.array
            assert_values("the memory around y", whole, due, dtype=dtype)


def _storage(x: torch.Tensor) -> torch.Tensor:
    """All elements of a tensor's storage."""
    count = x.storage().nbytes() // x.element_size()
    return x.as_strided((count,), (1,), 0)

"""Moving tensors: when to gives the tensor itself, dtype and device together, gradients."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.device_layouts import SHAPES, rows
from conformance.tables.device_places import META, assert_at, assert_outline, elsewhere, values
from properties.strategies.recipe import LAYOUTS, Recipe, layouts
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer


# -- itself or another -------------------------------------------------------------------------------------------------


@check("device.tensor-to-needs-assignment")
def test_to_leaves_the_tensor_where_it_was(subject):
    for shape in SHAPES:
        x = values(subject, distinct("float32", shape))
        before = x.device
        kept = Unchanged(x=x)
        for call, out, device in (
            ("x.to('meta')", x.to("meta"), "meta"),
            ("x.to(device='meta')", x.to(device="meta"), "meta"),
            ("x.to('meta', torch.double)", x.to("meta", torch.double), "meta"),
            ("x.to(other)", x.to(torch.ones(1, device="meta")), "meta"),
            ("x.to(torch.double)", x.to(torch.double), subject.device),
            ("x.to(elsewhere)", x.to(elsewhere(subject)), elsewhere(subject)),
        ):
            assert_at(call, out, device)
            require(out is not x, f"{call} is x itself, which it moved")
            require(x.device == before, f"{call} moved x to {x.device}", before, x.device)
            kept.check(call)


@check("device.tensor-to-needs-assignment")
@pytest.mark.parametrize("dtype", ("float32", "float64", "float16", "bfloat16", "int64", "uint8", "bool", "complex64"))
def test_to_gives_the_tensor_itself_if_nothing_changes(subject, dtype):
    for on in (subject, META):
        for recipe in rows(dtype):
            for x in (recipe.on(on), *_leaf(recipe, on)):
                same, here = x.dtype, x.device
                for call, out in {
                    "x.to(x.device)": x.to(here),
                    "x.to(str(x.device))": x.to(str(here)),
                    "x.to(x.dtype)": x.to(same),
                    "x.to(device, dtype)": x.to(here, same),
                    "x.to(device=device, dtype=dtype)": x.to(device=here, dtype=same),
                    "x.to(device, non_blocking=True)": x.to(here, non_blocking=True),
                    "x.to(device, copy=False)": x.to(here, copy=False),
                    "x.to(x)": x.to(x),
                    "x.to(other)": x.to(torch.zeros(1, dtype=same, device=here)),
                    "x.to(x, copy=False)": x.to(x, copy=False),
                    "x.to(dtype=dtype)": x.to(dtype=same),
                    "x.to(memory_format=preserve)": x.to(memory_format=torch.preserve_format),
                    "x.type(dtype)": x.type(same),
                }.items():
                    require(out is x, f"{call} of {recipe!r} on {on.name} is another tensor", "x itself", "another")


def _leaf(recipe: Recipe, on: Any) -> list[torch.Tensor]:
    return [recipe.with_grad().on(on)] if recipe.dtype in ("float32", "float64", "complex64") else []


@check("device.to-any-device")
def test_to_moves_to_what_is_there_and_refuses_what_is_not(subject):
    for recipe in rows("float32"):
        x = recipe.on(subject)
        for device in ("cpu", "meta", subject.device):
            out = assert_at(f"x.to({device!r})", x.to(device), device)
            if device != "meta":
                assert_values(f"x.to({device!r})", out, recipe.array, signed_zeros=True)
        meta = x.to("meta")
        for call, action in (
            ("x.to('meta').to(device)", lambda: meta.to(subject.device)),
            ("x.to('meta').cpu()", lambda: meta.cpu()),
            ("x.to('meta').to('cpu', torch.double)", lambda: meta.to("cpu", torch.double)),
            ("x.to('meta').to(x)", lambda: meta.to(x)),
            ("x.to('gpu')", lambda: x.to("gpu")),
            ("x.to('cpu:x')", lambda: x.to("cpu:x")),
        ):
            assert_raises(call, RuntimeError, action)  # a NotImplementedError is one
        assert_at("meta after that", meta, "meta")


@check("device.cpu-gives-itself")
@pytest.mark.parametrize("dtype", ("float32", "bfloat16", "int64", "bool", "complex128"))
def test_cpu_of_a_cpu_tensor_is_itself(subject, dtype):
    for recipe in rows(dtype):
        x = recipe.on(subject)
        out = assert_at("x.cpu()", x.cpu(), "cpu")
        assert_values("x.cpu()", out, recipe.array, dtype=dtype, signed_zeros=True)
        for call, again in (("cpu()", out.cpu()), ("to('cpu')", out.to("cpu")), ("cpu() again", out.cpu())):
            require(again is out, f"x.{call} of a CPU tensor of {recipe!r} is another tensor", "x itself", "another")
        require(subject.is_cpu == (out is x), "x.cpu() is x on another device, or is not on the CPU")
        require(x.requires_grad or not out.requires_grad, "x.cpu() requires grad")


# -- dtype and device --------------------------------------------------------------------------------------------------


@check("device.to-changes-dtype-too")
@pytest.mark.parametrize("source", ("float32", "float64", "int64", "uint8", "bool"))
def test_to_changes_device_and_dtype_in_one_call(subject, source):
    for target in ("float64", "float32", "float16", "int32", "complex64"):
        subject.require(target)
        for shape in SHAPES:
            for recipe in layouts(cycle(interesting(source, moderate=True), shape), source, LAYOUTS):
                _both(subject, recipe, target)


def _both(subject: Any, recipe: Recipe, target: str) -> None:
    x, dtype = recipe.on(subject), host.torch_dtype(target)
    due = np.trunc(recipe.array) if target == "int32" else recipe.array
    for device in ("cpu", subject.device):
        for call, out in {
            f"x.to({device!r}, torch.{target})": x.to(device, dtype),
            f"x.to(device={device!r}, dtype=torch.{target})": x.to(device=device, dtype=dtype),
            f"x.to(torch.device({device!r}), torch.{target}, True)": x.to(torch.device(device), dtype, True),
            f"x.to({device!r}, torch.{target}, copy=True)": x.to(device, dtype, copy=True),
            f"x.to({device!r}).to(torch.{target})": x.to(device).to(dtype),
        }.items():
            assert_at(call, out, device)
            with np.errstate(over="ignore", invalid="ignore"):
                assert_values(call, out, due.astype(target), dtype=target)
    meta = x.to("meta", dtype)
    assert_outline(
        f"x.to('meta', torch.{target})", assert_at("x.to('meta', dtype)", meta, "meta"), target, recipe.shape
    )


@check("device.to-other")
def test_to_another_tensor_takes_its_dtype_and_device_only(subject):
    x = values(subject, [[1.25, -2.5, 3.0], [4.0, 5.0, 6.75]])
    for dtype in ("float64", "float16", "int64", "complex64", "float32"):
        for shape in ((), (0,), (5,), (2, 3), (4, 1, 2)):
            for device in (subject.device, "meta", "cpu"):
                other = torch.zeros(shape, dtype=host.torch_dtype(dtype), device=device)
                for call, out in {
                    "x.to(other)": x.to(other),
                    "x.to(tensor=other)": x.to(tensor=other),
                    "x.to(other, copy=True)": x.to(other, copy=True),
                }.items():
                    text = f"{call} for {dtype} of {shape} on {device}"
                    assert_outline(text, assert_at(text, out, device), dtype, (2, 3))
                    require(not out.requires_grad, f"{text} requires grad")
                    if device != "meta":
                        due = np.array([[1.25, -2.5, 3], [4, 5, 6.75]])
                        assert_values(text, out, (np.trunc(due) if dtype == "int64" else due).astype(dtype))
                    assert_apart_or_same(text, out, x)
    leaf = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    require(not x.to(leaf).requires_grad, "x.to(other) takes requires_grad of other")


def assert_apart_or_same(call: str, out: torch.Tensor, x: torch.Tensor) -> None:
    if out is not x and out.device == x.device:
        assert_apart(call, out, x)


# -- copies ------------------------------------------------------------------------------------------------------------


# -- the way there and back --------------------------------------------------------------------------------------------


@check("device.copy-across")
def test_copy_takes_a_tensor_from_another_device(subject):
    there = elsewhere(subject)
    for shape in ((2, 3), (3,), (1, 3), ()):
        for dtype in ("float32", "float64", "int32", "bool"):
            x = torch.ones(shape, dtype=host.torch_dtype(dtype), device=there)
            y = torch.zeros(2, 3, device=subject.device if there == "cpu" else "meta")
            source = x if there == "cpu" else values(subject, np.ones(shape), dtype)
            require(y.copy_(source) is y, "y.copy_(x) is not y")
            assert_outline("y.copy_(x)", y, "float32", (2, 3), (3, 1))
            assert_at("y.copy_(x)", y, subject.device if there == "cpu" else "meta")
            if not y.is_meta:
                assert_values("y.copy_(x)", y, np.ones((2, 3)))
    z = values(subject, np.arange(6.0))
    assert_raises("z.copy_(meta)", RuntimeError, lambda: z.copy_(torch.empty(6, device="meta")))
    assert_values("z after z.copy_(meta)", z, np.arange(6.0))


@check("device.copy-across", since="2.6")
def test_copy_refuses_a_shape_that_does_not_fit(subject):
    for device in (subject.device, "meta"):
        y = torch.zeros(2, 3, device=device)
        assert_raises("y.copy_(x)", RuntimeError, lambda: y.copy_(torch.ones(2)))
        assert_raises("y.copy_(x)", RuntimeError, lambda: y.copy_(torch.ones(4, 2, 3)))


@check("device.numpy-needs-cpu")
def test_numpy_refuses_what_is_not_on_the_cpu(subject):
    given = np.arange(6.0).reshape(2, 3)
    for device in {"meta", subject.device} - {"cpu"}:
        x = torch.zeros(2, 3, device=device)
        for call, action in (
            ("x.numpy()", lambda: x.numpy()),
            ("x.t().numpy()", lambda: x.t().numpy()),
            ("x[0].numpy()", lambda: x[0].numpy()),
            ("np.asarray(x)", lambda: np.asarray(x)),
            ("np.array(x)", lambda: np.array(x)),
            ("x.__array__()", lambda: x.__array__()),
        ):
            error = assert_raises(f"{call} on {device}", TypeError, action)
            require(
                torch.device(device).type in str(error), f"{call} says {error}", "an error that names the device", error
            )
    x = values(subject, given)
    out = x.cpu().numpy()
    require(isinstance(out, np.ndarray) and out.tolist() == given.tolist(), f"x.cpu().numpy() is {out!r}", given, out)


# -- gradients ---------------------------------------------------------------------------------------------------------


@check("device.to-is-differentiable")
def test_the_gradient_passes_through_a_move(subject):
    for source, target in itertools.product(("float32", "float64"), repeat=2):
        for device in {subject.device, "cpu"}:
            for recipe in layouts(distinct(source, (3, 4)), source, LAYOUTS):
                x = recipe.with_grad().on(subject)
                y = x.to(device, host.torch_dtype(target), copy=True)
                require(y.requires_grad and y.grad_fn is not None, "a moved tensor is not in the graph")
                weight = host.tensor(np.arange(12.0).reshape(3, 4), target, device)
                (y * weight).sum().backward()
                text = f"x.grad through x.to({device!r}, torch.{target})"
                assert_at(text, x.grad, subject.device)
                assert_values(text, x.grad, np.arange(12.0).reshape(3, 4), dtype=source)


@check("device.to-is-differentiable")
def test_a_gradient_on_meta_has_its_tensors_dtype(subject):
    x = torch.ones(2, 3, device="meta", requires_grad=True)
    x.to(torch.float64).sum().backward()
    assert_outline("x.grad", assert_at("x.grad", x.grad, "meta"), "float32", (2, 3))
    with torch.no_grad():
        require(not x.to(torch.float64).requires_grad, "to under no_grad gives a node of the graph")
    require(not x.to(torch.int64).requires_grad, "integers require grad")
    moved = values(subject, np.ones(2)).requires_grad_().to("meta")
    require(moved.requires_grad and not moved.is_leaf, "x.to('meta') left the graph")

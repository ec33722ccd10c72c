"""Moving tensors: when to gives the tensor itself, what a copy keeps, and the way to the device and back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.device_places import META, assert_at, assert_outline, elsewhere, values, with_device
from conformance.dtypes import COMMON, NUMPY
from properties.strategies.recipe import LAYOUTS, Recipe, layouts, row_major
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer

SHAPES = ((3, 4), (), (0,), (17,), (2, 3, 4, 5))
BIG = (181, 187)  # 33,847 elements


def rows(dtype: str, shapes: Any = SHAPES) -> Iterator[Recipe]:
    """Recipes of a dtype in every layout, with the values where conversions break; few layouts of the big shape."""
    for shape in shapes:
        names = ("contiguous", "row_stepped") if shape == BIG else LAYOUTS
        yield from layouts(cycle(interesting(dtype), shape), dtype, names)


def dense(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a copy: those of the original if it is dense in memory, else the rows in the order of its strides.

    Strides of 0 mean that dimensions share places; the copy is then contiguous here, where only the first is so.
    """
    order = sorted(range(len(shape)), key=lambda dim: (-strides[dim], dim))
    steps = row_major(tuple(shape[dim] for dim in order))
    if 0 in [step for step, size in zip(strides, shape, strict=True) if size > 1]:
        return row_major(shape)
    return tuple(steps[order.index(dim)] for dim in range(len(shape)))


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
        for shape in ((3, 4), (), (0,), (17,)):
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
                for call, out in {"x.to(other)": x.to(other), "x.to(other, copy=True)": x.to(other, copy=True)}.items():
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
    for recipe in rows(dtype, (*SHAPES, BIG)):
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


# -- the way there and back --------------------------------------------------------------------------------------------


@check("device.to-copies-to-gpu")
@pytest.mark.parametrize("dtype", NUMPY)
def test_on_meta_a_copy_has_shape_dtype_and_strides(subject, dtype):
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
    shapes = (*SHAPES, BIG) if dtype in ("float32", "int64", "bool") else SHAPES
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

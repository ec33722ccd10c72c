"""Tensors made by methods of others, and tensors with strides of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_strides

pytestmark = must_answer


NEW: dict[str, tuple[Callable[..., torch.Tensor], float | None]] = {
    "new_zeros": (lambda t, size, **k: t.new_zeros(size, **k), 0),
    "new_ones": (lambda t, size, **k: t.new_ones(size, **k), 1),
    "new_full": (lambda t, size, **k: t.new_full(size, 1, **k), 1),
    "new_empty": (lambda t, size, **k: t.new_empty(size, **k), None),
}


@check("creation.new-inherits")
@pytest.mark.parametrize("name", NEW)
def test_new_takes_dtype_and_device_of_its_tensor(subject: Subject, name: str) -> None:
    make, value = NEW[name]
    for dtype, shape in ((dtype, shape) for dtype in COMMON for shape in ((5, 3), (), (0, 2), (40,))):
        base = torch.zeros(2, dtype=host.torch_dtype(dtype), device=subject.device)
        call = f"{name}({shape}) of {dtype}"
        out = assert_tensor(call, make(base, shape), dtype, shape)
        require(out.device == base.device and out.is_contiguous(), f"{call} lies elsewhere, or has gaps")
        if value is not None:
            assert_values(call, out, np.full(shape, value), dtype=dtype)
        other = make(base, (4,), dtype=torch.float64)
        assert_tensor(f"{name}((4,), dtype=torch.float64) of {dtype}", other, "float64", (4,))


@check("creation.new-inherits")
@pytest.mark.parametrize("name", NEW)
def test_new_takes_nothing_else_of_its_tensor(subject: Subject, name: str) -> None:
    make = NEW[name][0]
    leaf = torch.ones(2, requires_grad=True, device=subject.device)
    require(not make(leaf, (2,)).requires_grad, f"{name} of a tensor that requires grad requires grad")
    fresh = make(leaf, (2,), requires_grad=True)
    require(fresh.is_leaf and fresh.requires_grad, f"{name}(…, requires_grad=True) is no leaf that requires grad")
    turned = torch.ones(2, 3, device=subject.device).t()
    assert_strides(f"{name} of a transposed tensor", make(turned, (3, 2)), (2, 1))
    require(make(torch.ones(2, device="meta"), (2,)).is_meta, f"{name} of a meta tensor lies elsewhere")
    require(make(leaf, (2,), device="meta").is_meta, f"{name}(device='meta') lies elsewhere")
    assert_raises(f"{name}((-1,))", RuntimeError, lambda: make(leaf, (-1,)))


@check("creation.new-ones-dtype")
def test_new_ones_takes_sizes_and_a_dtype(subject: Subject) -> None:
    for dtype in COMMON:
        x = torch.zeros(2, dtype=host.torch_dtype(dtype), device=subject.device)
        for form, t in {
            "5, 3": x.new_ones(5, 3),
            "(5, 3)": x.new_ones((5, 3)),
            "size=(5, 3)": x.new_ones(size=(5, 3)),
        }.items():
            assert_values(f"x.new_ones({form}), x {dtype}", t, np.ones((5, 3)), dtype=dtype)
        for target in ("float32", "int64", "bool", "complex64", "float16"):
            t = x.new_ones(5, 3, dtype=host.torch_dtype(target))
            assert_values(f"x.new_ones(5, 3, dtype=torch.{target}), x {dtype}", t, np.ones((5, 3)), dtype=target)
    t = torch.zeros(1, dtype=torch.float64, device=subject.device).new_ones(5, 3, dtype=torch.float)
    assert_values("x.new_ones(5, 3, dtype=torch.float)", t, np.ones((5, 3)), dtype="float32")


@check("creation.new-ones-as-torch-function")
def test_new_ones_is_a_method_only(subject: Subject) -> None:
    for name in ("new_ones", "new_zeros", "new_full", "new_empty", "new_tensor"):
        require(not hasattr(torch, name), f"torch.{name} exists")
        require(callable(getattr(torch.ones(1, device=subject.device), name)), f"Tensor.{name} cannot be called")
    assert_raises("torch.new_ones(5, 3)", AttributeError, lambda: torch.new_ones(5, 3, dtype=torch.float))  # type: ignore[attr-defined]


@check("creation.new-tensor")
def test_new_tensor_copies_data_into_its_dtype(subject: Subject) -> None:
    rows: list[tuple[str, Any, Any]] = [
        ("float32", [1, 2], [1, 2]),
        ("int64", [1.5, -2.5], [1, -2]),
        ("float64", [[1], [2]], [[1], [2]]),
        ("uint8", 200, 200),
        ("complex64", [1, 2j], [1, 2j]),
        ("bool", [0, 3], [False, True]),
    ]
    for dtype, data, expected in rows:
        base = torch.zeros(2, dtype=host.torch_dtype(dtype), device=subject.device)
        assert_values(f"new_tensor({data}) of {dtype}", base.new_tensor(data), expected, dtype=dtype)
        wide = base.new_tensor(data, dtype=torch.complex128)
        assert_values(f"new_tensor({data}, dtype=torch.complex128)", wide, np.array(data), dtype="complex128")
    a = np.arange(3)
    t = torch.ones(2, device=subject.device).new_tensor(a)
    assert_values("new_tensor(array)", t, [0, 1, 2], dtype="float32")
    leaf = torch.ones(2, device=subject.device).new_tensor([1.0], requires_grad=True)
    require(leaf.requires_grad and leaf.is_leaf, "new_tensor(…, requires_grad=True) is no leaf")
    for dtype in (torch.float64, torch.float16, torch.complex64):
        wide = torch.arange(2, device=subject.device).new_tensor([1, 2], dtype=dtype, requires_grad=True)
        require(wide.requires_grad and wide.is_leaf, f"new_tensor(…, dtype={dtype}, requires_grad=True) is no leaf")


# Sizes and strides: dense, with gaps, with overlaps, without elements, and of size 1.
STRIDED: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    *(((2, 3), (1, 2)), ((2, 3), (3, 1)), ((2, 3), (10, 2)), ((4,), (5,)), ((), ()), ((2, 3, 4), (1, 8, 2))),
    *(((3, 2), (0, 1)), ((2, 2), (0, 0)), ((2, 0), (5, 7)), ((1, 3), (99, 2)), ((17,), (3,))),
)


@check("creation.empty-strided")
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "complex128"])
def test_empty_strided_has_the_strides_asked_for(subject: Subject, dtype: str) -> None:
    own = host.torch_dtype(dtype)
    model = torch.ones(1, dtype=own, device=subject.device)
    for size, strides in STRIDED:
        for name, t in (
            ("torch.empty_strided", torch.empty_strided(size, strides, dtype=own, device=subject.device)),
            ("new_empty_strided", model.new_empty_strided(size, strides)),
        ):
            call = f"{name}({size}, {strides}), {dtype}"
            assert_tensor(call, t, dtype, size)
            assert_strides(call, t, strides)
            require(t.storage_offset() == 0, f"{call} does not start its storage")
            assert_values(f"{call}, fill_(1)", t.fill_(1), np.ones(size))


@check("creation.empty-strided")
def test_empty_strided_refuses_other_strides(subject: Subject) -> None:
    for size, strides in (((2, 3), (1,)), ((2,), (-1,)), ((-2,), (1,)), ((), (1,))):
        call = f"torch.empty_strided({size}, {strides})"
        assert_raises(call, RuntimeError, lambda a=size, b=strides: torch.empty_strided(a, b, device=subject.device))


# Sizes, the dimensions from the outermost inwards, and the strides that are due.
PERMUTED: tuple[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]], ...] = (
    *(((2, 3), (0, 1), (3, 1)), ((2, 3), (1, 0), (1, 2)), ((2, 3, 4), (1, 2, 0), (1, 8, 2)), ((7,), (0,), (1,))),
    ((2, 3, 4, 5), (0, 2, 3, 1), (60, 1, 15, 3)),
)


@check("creation.empty-permuted")
def test_empty_permuted_stores_dimensions_in_that_order(subject: Subject) -> None:
    for size, order, strides in PERMUTED:
        call = f"torch.empty_permuted({size}, {order})"
        t = assert_tensor(call, torch.empty_permuted(size, order, device=subject.device), "float32", size)
        assert_strides(call, t, strides)
    for order in ((0, 0), (0,), (0, 2)):
        call = f"torch.empty_permuted((2, 3), {order})"
        assert_raises(call, (RuntimeError, IndexError), lambda order=order: torch.empty_permuted((2, 3), order))

"""The methods new_*: tensors of the dtype and on the device of another one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.oracle.tensor import cast
from properties.strategies.recipe import LAYOUTS, contiguous
from properties.strategies.values import distinct

pytestmark = must_answer


def new_shapes(x: torch.Tensor, name: str, *extra: Any, **given: Any) -> dict[str, torch.Tensor]:
    """A new_* method with its sizes written in every way."""
    method = getattr(x, name)
    rows = {
        "((2, 3))": method((2, 3), *extra, **given),
        "(torch.Size)": method(torch.Size((2, 3)), *extra, **given),
        "([2, 3])": method([2, 3], *extra, **given),
    }
    if name != "new_full":
        rows["(2, 3)"] = method(2, 3, **given)
    return rows


def like(text: str, out: torch.Tensor, x: torch.Tensor, dtype: str, shape: tuple[int, ...]) -> None:
    """Refute unless a new tensor has the dtype and shape, x's device, no grad, and memory of its own."""
    found = (host.dtype_name(out.dtype), tuple(out.shape), out.device, out.requires_grad)
    require(found == (dtype, shape, x.device, False), text, (dtype, shape, x.device, False), found)
    require(not overlap(out, x), f"{text} shares memory with x")
    require(out.is_contiguous(), f"{text} is not contiguous")


@check("tensor.new-filled")
def test_new_zeros_and_ones_take_dtype_and_device(subject):
    for name in [name for name in COMMON if subject.supports(name)]:
        x = LAYOUTS["transposed"](distinct(name, (4, 5)), name).on(subject)
        before = Unchanged(x=x)
        for method, number in {"new_zeros": 0, "new_ones": 1}.items():
            for text, out in new_shapes(x, method).items():
                said = f"x.{method}{text} of {name}"
                like(said, out, x, name, (2, 3))
                assert_values(said, out, np.full((2, 3), number).astype(DTYPES[name].host), dtype=name)
            other, said = getattr(x, method)((2, 3), dtype=torch.int16), f"x.{method}((2, 3), dtype=torch.int16)"
            assert_values(said, other, np.full((2, 3), number, np.int16), dtype="int16")
            small = tuple(getattr(x, method)(()).shape) == () and getattr(x, method)(0).numel() == 0
            require(small, f"x.{method} of no dimension, or size 0")
        before.check("a new_* method")


@check("tensor.new-filled")
def test_new_tensors_are_laid_out_row_by_row_whatever_the_layout_of_their_model(subject):
    for layout in LAYOUTS.values():
        x = layout(distinct("float32", (3, 3)), "float32").on(subject)
        for shape in ((3, 3), (2, 3, 4, 5), (3, 1), ()):
            for name, more in {"new_zeros": (), "new_ones": (), "new_full": (7,), "new_empty": ()}.items():
                out = getattr(x, name)(shape, *more)
                like(f"x.{name}({shape}, …)", out, x, "float32", shape)
                require(out.storage_offset() == 0, f"x.{name}({shape}, …) has an offset", 0, out.storage_offset())


@check("tensor.new-filled")
def test_new_full_and_empty_take_dtype_and_device(subject):
    for name in [name for name in COMMON if subject.supports(name)]:
        x = LAYOUTS["transposed"](distinct(name, (4, 5)), name).on(subject)
        before = Unchanged(x=x)
        fill = np.array(3).astype(DTYPES[name].host)
        for text, out in new_shapes(x, "new_full", fill.item()).items():
            like(f"x.new_full{text} of {name}", out, x, name, (2, 3))
            assert_values(f"x.new_full{text} of {name}", out, np.full((2, 3), fill), dtype=name)
        for text, out in new_shapes(x, "new_empty").items():
            like(f"x.new_empty{text} of {name}", out, x, name, (2, 3))
        strided = x.new_empty_strided((2, 3), (1, 2))
        found = (tuple(strided.shape), strided.stride(), strided.dtype)
        require(found == ((2, 3), (1, 2), x.dtype), "x.new_empty_strided", (1, 2), found)
        before.check("a new_* method")


@check("tensor.new-filled")
def test_new_methods_take_requires_grad_and_refuse_negative_sizes(subject):
    x = contiguous(np.arange(3.0), "float64").on(subject)
    for method, extra in (("new_zeros", ()), ("new_ones", ()), ("new_empty", ()), ("new_full", (2.5,))):
        out = getattr(x, method)((2, 3), *extra, requires_grad=True)
        require(out.requires_grad and out.is_leaf and out.dtype == torch.float64, f"x.{method}(…, requires_grad=True)")
        assert_raises(f"x.{method}((2, -1))", RuntimeError, lambda m=method, e=extra: getattr(x, m)((2, -1), *e))


@check("tensor.new-tensor")
def test_new_tensor_copies_data_with_dtype_and_device(subject):
    for name in [name for name in COMMON if subject.supports(name)]:
        x = contiguous(distinct(name, (4,)), name).on(subject)
        for data in ([1, 0, 2], [[1.75, -0.5], [0.0, 3.0]], 5, [], [True, False], np.array([1.5, 2.5]), (1, 2)):
            if name == "uint8" and np.min(np.asarray(data), initial=0) < 0:
                continue
            values = np.asarray(data, np.float64 if np.asarray(data).size == 0 else None)
            out = x.new_tensor(data)
            like(f"x.new_tensor({data}) of {name}", out, x, name, values.shape)
            assert_values(f"x.new_tensor({data}) of {name}", out, cast(values, name)[0], dtype=name)
        source = contiguous(distinct("float32", (3,)), "float32").on(subject)
        out = x.new_tensor(source)
        require(not overlap(out, source), "x.new_tensor(y) shares memory with y")
        assert_values(
            "x.new_tensor([1, 2], dtype=torch.int32)",
            x.new_tensor([1, 2], dtype=torch.int32),
            np.array([1, 2], np.int32),
            dtype="int32",
        )
    out = contiguous(np.arange(3.0), "float32").on(subject).new_tensor([1.0], requires_grad=True)
    require(out.requires_grad and out.is_leaf, "x.new_tensor([1.0], requires_grad=True)")

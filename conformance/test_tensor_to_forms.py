"""Every form of Tensor.to, with every option: what is the tensor itself, what a copy, and what stays in the graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.oracle.tensor import cast
from conformance.tables.tensor_casts import assert_is, ways
from conformance.tables.view_memory import same_bits
from properties.strategies.recipe import LAYOUTS, contiguous, row_major
from properties.strategies.values import distinct

pytestmark = must_answer


def places(x: torch.Tensor) -> list[Any]:
    """The device of a tensor as an object and by name."""
    return [x.device, str(x.device)]


def alone(x: torch.Tensor) -> dict[str, Any]:
    """Conversions to what the tensor is, by how they are written, as functions of options to add."""
    found = {"dtype": lambda **o: x.to(x.dtype, **o), "dtype=": lambda **o: x.to(dtype=x.dtype, **o)}
    found |= {"y": lambda **o: x.to(torch.empty_like(x), **o), "nothing": lambda **o: x.to(**o)}
    for number, device in enumerate(places(x)):
        found |= {
            f"device {number}": lambda device=device, **o: x.to(device, **o),
            f"device= {number}": lambda device=device, **o: x.to(device=device, **o),
            f"device {number}, dtype": lambda device=device, **o: x.to(device, x.dtype, **o),
        }
    return found


@check("tensor.to-gives-itself")
def test_further_options_give_the_tensor_itself(subject):
    for dtype in filter(subject.supports, DTYPES):
        for layout in ("contiguous", "transposed", "stepped", "expanded"):
            x = LAYOUTS[layout](distinct(dtype, (3, 4)), dtype).on(subject)
            for text, way in alone(x).items():
                for options in ({"non_blocking": True}, {"copy": False}, {"memory_format": torch.preserve_format}):
                    said = f"x.to({text}, {options}) of {dtype}, {layout}"
                    require(text == "nothing" or way(**options) is x, f"{said} is another object than x")
            positional = (x.to(x.dtype, True), x.to(x.device, x.dtype, True), x.to(x, True, False))
            require(all(out is x for out in positional), f"x.to(…, True) of {dtype} is another object than x")
            require(x.type(x.dtype) is x and x.type(x.dtype, True) is x, f"x.type({dtype}) is another object than x")


@check("tensor.to-copy")
def test_every_form_of_to_copies_where_it_is_told_to(subject):
    for dtype in filter(subject.supports, ("float32", "float64", "bfloat16", "int64", "bool", "complex64")):
        for layout in LAYOUTS:
            x = LAYOUTS[layout](distinct(dtype, (3, 4)), dtype).on(subject)
            for text, way in alone(x).items():
                for options in ({}, {"non_blocking": True}, {"memory_format": torch.preserve_format}):
                    out, said = way(copy=True, **options), f"x.to({text}, copy=True, {options}) of {dtype}, {layout}"
                    require(out is not x and not overlap(out, x), f"{said} shares memory with x")
                    same_bits(said, "a copy", out, host.array(x))
                    require(0 not in out.stride(), f"{said} keeps several elements at one place", None, out.stride())


@check("tensor.to-copy")
def test_a_copy_of_a_leaf_stays_in_its_graph(subject):
    for dtype in ("float32", "float64", "complex64"):
        x = contiguous(distinct(dtype, (3, 4)), dtype).with_grad().on(subject)
        for text, way in alone(x).items():
            out, said = way(copy=True), f"x.to({text}, copy=True) of a leaf of {dtype}"
            require(out.requires_grad and not out.is_leaf and out.grad_fn is not None, f"{said} is a leaf, or none")
            (found,) = torch.autograd.grad(out, x, torch.ones_like(out))
            assert_values(f"the gradient of {said}", found, np.ones((3, 4)), dtype=dtype)


@check("tensor.to-dtype")
def test_options_do_not_hinder_a_conversion(subject):
    for new in filter(subject.supports, ("float32", "float64", "float16", "int64", "uint8", "bool", "complex64")):
        old = "float32" if new != "float32" else "int64"
        values = distinct(old, (3, 4))
        due = cast(values, new)
        for layout in ("contiguous", "transposed", "stepped"):
            x, like = (
                LAYOUTS[layout](values, old).on(subject),
                torch.empty(0, dtype=host.torch_dtype(new)),
            )
            like = like.to(subject.device)
            for options in ({"non_blocking": True}, {"copy": True}, {"copy": True, "non_blocking": True}):
                for text, out in {
                    "dtype": x.to(like.dtype, **options),
                    "dtype=": x.to(dtype=like.dtype, **options),
                    "y": x.to(like, **options),
                    "device, dtype": x.to(str(x.device), like.dtype, **options),
                }.items():
                    assert_is(f"x.to({text}, {options}) of {old}, {layout}", out, values, new, due)
            for text, out in {"type": x.type(like.dtype, non_blocking=True), "to": x.to(like.dtype, True)}.items():
                assert_is(f"x.{text}(torch.{new}, True) of {old}", out, values, new, due)


@check("tensor.to-keeps-layout")
def test_a_memory_format_alone_lays_out_anew(subject):
    for shape, form in (((2, 3, 4, 5), torch.channels_last), ((2, 3, 2, 4, 5), torch.channels_last_3d)):
        order = (0, *range(2, len(shape)), 1)  # the dimensions from the largest step to the smallest
        due = tuple(row_major([shape[dim] for dim in order])[order.index(dim)] for dim in range(len(shape)))
        for dtype in filter(subject.supports, ("float32", "int64", "bool", "complex64", "bfloat16")):
            x = contiguous(distinct(dtype, shape), dtype).on(subject)
            turned = x.to(memory_format=form)
            rows = {f"x.to(memory_format={form})": turned, "x.to(dtype, …)": x.to(x.dtype, memory_format=form)}
            rows |= {"x.to(device, …)": x.to(x.device, memory_format=form), "x.to(y, …)": x.to(x, memory_format=form)}
            for text, out in rows.items():
                require(out.stride() == due, f"{text} of {dtype} has strides {out.stride()}", due, out.stride())
                assert_values(f"{text} of {dtype}", out, host.array(x), dtype=dtype)
            require(turned.to(memory_format=form) is turned, f"x.to(memory_format={form}) of such a tensor is another")
            back = turned.to(memory_format=torch.contiguous_format)
            require(
                back.stride() == x.stride(), "x.to(memory_format=torch.contiguous_format)", x.stride(), back.stride()
            )


@check("tensor.to-gradient")
def test_gradients_flow_back_whatever_the_shape(subject):
    for old, new in (("float32", "float64"), ("float64", "float16"), ("float64", "float32"), ("float32", "bfloat16")):
        for shape in ((), (1,), (0,), (40,), (2, 3, 4)):
            x = contiguous(distinct(old, shape), old).with_grad().on(subject)
            for text, way in {**ways(new), **ways(old)}.items():
                if "empty_like" not in text:
                    out = way(x)
                    require(out.requires_grad, f"{text} of {old}, {shape}, does not require grad")
                    (found,) = torch.autograd.grad(out, x, torch.ones_like(out))
                    assert_values(f"the gradient of {text} of {old}, {shape}", found, np.ones(shape), dtype=old)

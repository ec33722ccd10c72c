"""Storages: which tensors have one in common, and the methods that change it; and views of several tensors at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.oracle import view
from conformance.tables.view_calls import Call
from conformance.tables.view_memory import Held, assert_looks_at, same_bits
from properties.strategies.recipe import DENSE, LAYOUTS, Recipe
from properties.strategies.values import distinct

pytestmark = must_answer

SHAPES = ((3, 4), (), (5,), (0, 3), (1, 4), (2, 3, 4), (2, 3, 4, 5), (33, 17))


def tensors(subject: Any, turn: int = 0) -> Iterator[Held]:
    """Tensors of every shape and layout, one dtype after the other."""
    dtypes = [name for name in DTYPES if subject.supports(name)]
    for shape in SHAPES:
        for layout in LAYOUTS:
            dtype = dtypes[turn % len(dtypes)]
            turn += 1
            yield Held.of(LAYOUTS[layout](distinct(dtype, shape), dtype), subject)


@check("view.same-storage", since="2.0")
def test_views_have_the_storage_of_their_tensor(subject):
    for held in tensors(subject):
        x = held.tensor
        own = x.untyped_storage()
        size = len(held.buffer) * x.element_size()
        require(own.nbytes() == size, f"the storage of {held.facts()} has {own.nbytes()} bytes", size, own.nbytes())
        for part in (x.unsqueeze(0), x.detach(), x.reshape(x.shape), x.view(x.shape)):
            found = part.untyped_storage()
            require(found.data_ptr() == own.data_ptr(), f"a view of {held.facts()} has another storage")
            require(
                found.nbytes() == size,
                f"a view of {held.facts()} has a storage of {found.nbytes()} bytes",
                size,
                found.nbytes(),
            )
        copy = x.clone().untyped_storage()
        require(not size or copy.data_ptr() != own.data_ptr(), f"a clone of {held.facts()} has the same storage")
        require(
            x.numel() == 0 or x.data_ptr() == own.data_ptr() + x.storage_offset() * x.element_size(),
            f"data_ptr of {held.facts()}",
        )


@check("view.is-set-to")
def test_is_set_to_compares_storage_and_geometry(subject):
    for held in tensors(subject):
        x, g = held.tensor, held.geometry
        if g.numel < 2:
            continue
        rows = {
            "x.detach()": (x.detach(), True),
            "x.clone()": (x.clone(), False),
            "x.unsqueeze(0)": (x.unsqueeze(0), False),
        }
        if 1 not in g.shape:  # strides of dimensions of size 1 may be any, but count here
            rows["x.view(x.shape)"] = (x.view(x.shape), True)
        rows["the last slice"] = (x.select(0, -1), False)
        for text, (other, expected) in rows.items():
            require(x.is_set_to(other) is expected, f"x.is_set_to({text}) with {held.facts()}", expected, not expected)


@check("view.is-set-to")
def test_is_set_to_tells_strides_offsets_and_sizes_apart(subject):
    for shape in ((3, 3), (2, 3, 3), (4, 4)):
        for layout in LAYOUTS.values():
            held = Held.of(layout(distinct("float32", shape), "float32"), subject)
            x = held.tensor
            rows = {
                "x.mT.mT": (x.mT.mT, True),
                "x[...]": (x[...], True),
                "x.mT": (x.mT, len(set(held.geometry.strides[-2:])) < 2),
                "x[:2]": (x[:2], shape[0] == 2),
                "x[:1].expand_as(x)": (x[:1].expand_as(x), held.geometry.strides[0] == 0),
                "x with elements two apart": (held.memory[:1].as_strided((2,), (2,)), False),
            }
            for text, (other, expected) in rows.items():
                for one, two in ((x, other), (other, x)):
                    said = f"is_set_to of x and {text}, with {held.facts()},"
                    require(one.is_set_to(two) is expected, f"{said} is {not expected}", expected, not expected)


@check("view.torch-resize")
def test_resize_keeps_what_the_storage_holds(subject):
    for turn, shape in enumerate(((3, 4), (12,), (2, 6), (2, 2), (5, 4), (0,), (), (1, 3, 1), (40,), (3, 1, 4))):
        for start in (0, 3):
            dtype = ("float32", "int64", "bool", "float64")[turn % 4]
            buffer = distinct(dtype, (12 + start,))
            held = Held.of(Recipe(buffer, dtype, (3, 4), (4, 1), start), subject)
            x, count = held.tensor, int(np.prod(shape))
            address = x.data_ptr()
            call = [x.resize_, lambda *sizes, x=x: x.resize_(sizes)][turn % 2] if shape else x.resize_as_
            out = call(*shape) if shape else call(torch.zeros((), device=subject.device))
            require(out is x, "x.resize_(…) is another object")
            found = (tuple(x.shape), x.stride(), x.storage_offset())
            require(
                found == (shape, view.row_major(shape), start),
                f"x.resize_({shape})",
                (shape, view.row_major(shape), start),
                found,
            )
            kept = x.reshape(-1)[: min(count, 12)]
            same_bits("what the storage held", f"x.resize_({shape})", kept, buffer[start : start + min(count, 12)])
            require(
                count > 12 or count == 0 or x.data_ptr() == address, f"x.resize_({shape}) of a (3, 4) moves its memory"
            )


@check("view.torch-resize")
def test_there_is_no_resize_function_and_the_method_keeps_the_number_of_elements(subject):
    require(not hasattr(torch, "resize"), "torch.resize exists")
    held = Held.of(DENSE["contiguous"](distinct("float32", (3, 4)), "float32"), subject)
    assert_raises("x.resize(2, 5)", RuntimeError, lambda: held.tensor.resize(2, 5))
    out = held.tensor.resize(2, 6)
    same_bits("x.resize(2, 6)", "that", out, held.buffer.reshape(2, 6))
    held.assert_untouched("x.resize(2, 6)")


GROUPS = (
    ((3, 1), (1, 4)), ((2, 3, 4), (4,), ()), ((5,),), ((1,), (0,)), ((2, 1, 1), (3, 1), (1, 4)), ((3,), (3,)),
    ((1, 1), (1,)),
)  # fmt: skip


@check("view.broadcast-tensors")
def test_broadcast_tensors_expands_each_to_the_common_shape(subject):
    for turn, shapes in enumerate(GROUPS):
        helds = []
        for k, (shape, dtype) in enumerate(zip(shapes, ("float32", "int64", "bool"), strict=False)):
            layout = list(LAYOUTS.values())[(turn + k) % 7]
            helds.append(Held.of(layout(distinct(dtype, shape), dtype), subject))
        common = view.broadcast(*shapes)
        outs = torch.broadcast_tensors(*(held.tensor for held in helds))
        require(len(outs) == len(helds), f"torch.broadcast_tensors gives {len(outs)} for {len(helds)}")
        said = f"torch.broadcast_tensors of shapes {shapes}"
        for held, out in zip(helds, outs, strict=True):
            assert_looks_at(said, out, held, view.expand(held.geometry, common))
        found = torch.broadcast_shapes(*shapes)
        right = found == torch.Size(common) and type(found) is torch.Size
        require(right, f"torch.broadcast_shapes{shapes}", torch.Size(common), found)


@check("view.broadcast-tensors")
def test_shapes_that_do_not_fit_are_not_broadcast(subject):
    for shapes in (((3,), (4,)), ((2, 3), (3, 2)), ((0,), (2,)), ((2, 1, 3), (3, 1, 2))):
        given = [torch.zeros(shape, device=subject.device) for shape in shapes]
        assert_raises(f"broadcast_shapes{shapes}", RuntimeError, lambda: torch.broadcast_shapes(*shapes))
        assert_raises(f"broadcast_tensors of {shapes}", RuntimeError, lambda: torch.broadcast_tensors(*given))


@pytest.mark.parametrize("ndim", [pytest.param(n, marks=check("view.atleast")) for n in (1, 2, 3)])
def test_atleast_adds_dimensions_where_some_are_missing(subject, ndim):
    function = f"atleast_{ndim}d"
    for held in tensors(subject, ndim):
        looks = view.atleast(held.geometry, ndim)
        call = Call(function, form="function")
        assert_looks_at(call, call(held.tensor), held, looks)
        for many in (
            getattr(torch, function)(held.tensor, held.tensor),
            getattr(torch, function)([held.tensor, held.tensor]),
        ):
            require(isinstance(many, tuple) and len(many) == 2, f"{function} of two tensors is no tuple of two")
            for out in many:
                assert_looks_at(f"torch.{function}(x, x)", out, held, looks)


@check("view.set")
def test_set_makes_a_tensor_look_at_another_ones_storage(subject):
    for held in tensors(subject):
        x, g = torch.empty(0, dtype=held.tensor.dtype, device=subject.device), held.geometry
        require(x.set_(held.tensor) is x, "x.set_(…) is another object")
        assert_looks_at("x.set_(y)", x, held, g)
        require(g.numel == 0 or overlap(x, held.tensor), "x.set_(y) shares nothing")
        x = torch.empty(3, dtype=held.tensor.dtype, device=subject.device)
        x.set_(held.memory, g.offset, g.shape, g.strides)
        assert_looks_at("x.set_(y, offset, size, stride)", x, held, g)
        held.assert_untouched("x.set_(y)")

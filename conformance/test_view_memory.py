"""Facts about memory: strides, offsets, addresses, contiguity and memory formats, and what is never shared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.oracle import view
from conformance.oracle.view import Geometry
from conformance.tables.gradients import version
from conformance.tables.view_calls import Call
from conformance.tables.view_memory import Held, assert_fresh, assert_looks_at, same_bits
from properties.strategies.recipe import DENSE, LAYOUTS
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer

SHAPES = (
    (3, 4),
    (),
    (5,),
    (0, 3),
    (1, 4),
    (4, 1),
    (2, 3, 4),
    (2, 3, 4, 5),
    (1, 1, 3, 3),
    (2, 1, 3, 4, 2),
    (33, 17),
    (181, 190),
)
FORMATS = {4: "channels_last", 5: "channels_last_3d"}


def tensors(subject: Any, turn: int = 0, names: tuple[str, ...] = tuple(DTYPES)) -> Iterator[Held]:
    """Tensors of every shape and layout, one dtype after the other, with the values that are easily lost."""
    dtypes = [name for name in names if subject.supports(name)]
    for shape in SHAPES:
        for layout in LAYOUTS:
            dtype = dtypes[turn % len(dtypes)]
            turn += 1
            yield Held.of(LAYOUTS[layout](cycle(interesting(dtype), shape), dtype), subject)


def formats(g: Geometry) -> list[tuple[torch.memory_format, tuple[int, ...]]]:
    """The memory formats that a tensor of so many dimensions can have, with their strides."""
    found = [(torch.contiguous_format, view.row_major(g.shape))]
    if g.ndim in FORMATS:
        found.append((getattr(torch, FORMATS[g.ndim]), view.inner_major(g.shape)))
    return found


@check("view.strides")
def test_strides_and_offset_say_where_each_element_lies(subject):
    for held in tensors(subject):
        x, g = held.tensor, held.geometry
        found = (x.stride(), x.storage_offset())
        require(found == (g.strides, g.offset), f"stride() and storage_offset() of {held.facts()}", g, found)
        for dim in range(-g.ndim, g.ndim):
            require(
                x.stride(dim) == g.strides[dim], f"x.stride({dim}) of {held.facts()}", g.strides[dim], x.stride(dim)
            )
        for dim in (max(g.ndim, 1), -max(g.ndim, 1) - 1):
            assert_raises(f"x.stride({dim}) of {held.facts()}", IndexError, lambda dim=dim, x=x: x.stride(dim))
        if g.numel:
            places, last = g.places(), (-1,) * g.ndim
            address = held.memory.data_ptr() + int(places[last]) * x.element_size()
            require(
                x[last].data_ptr() == address,
                f"the address of the last element of {held.facts()}",
                address,
                x[last].data_ptr(),
            )


@check("view.strides")
def test_new_tensors_are_laid_out_row_by_row(subject):
    for shape in SHAPES:
        for name in ("empty", "zeros", "ones"):
            x = getattr(torch, name)(shape, device=subject.device)
            require(
                view.matches(shape, x.stride(), view.row_major(shape)),
                f"torch.{name}({shape}) has strides {x.stride()}",
            )
            require(
                x.storage_offset() == 0,
                f"torch.{name}({shape}) has the offset {x.storage_offset()}",
                0,
                x.storage_offset(),
            )


@check("view.is-contiguous")
def test_is_contiguous_compares_strides_with_those_of_a_format(subject):
    for held in tensors(subject):
        g, x = held.geometry, held.tensor
        if g.numel:
            expected = view.matches(g.shape, g.strides, view.row_major(g.shape))
            require(
                x.is_contiguous() is expected, f"x.is_contiguous() with {held.facts()}", expected, x.is_contiguous()
            )
            for form, strides in formats(g):
                due = view.matches(g.shape, g.strides, strides)
                found = x.is_contiguous(memory_format=form)
                require(found is due, f"x.is_contiguous(memory_format={form}) with {held.facts()}", due, found)
        else:
            require(x.is_contiguous() is True, f"x.is_contiguous() with {held.facts()}", True, x.is_contiguous())


@check("view.contiguous")
def test_contiguous_gives_the_tensor_itself_or_a_copy(subject):
    for turn, held in enumerate(tensors(subject, 1)):
        g, x = held.geometry, held.tensor
        for form, strides in formats(g) if g.numel else formats(g)[:1]:
            calls = [Call("contiguous", keywords=(("memory_format", form),))]
            calls += [Call("contiguous")] if form is torch.contiguous_format else []
            calls += [Call("to", keywords=(("memory_format", form),))] if form is not torch.contiguous_format else []
            for call in calls:
                out = call(x)
                if 0 in g.shape or view.matches(g.shape, g.strides, strides):
                    require(
                        out is x or call.name == "to",
                        f"{call} is another object, though x has that format already; {held.facts()}",
                    )
                    continue
                assert_fresh(call, out, held, held.values(g))
                require(
                    view.matches(g.shape, out.stride(), strides), f"{call} has strides {out.stride()}, {turn}", strides
                )
        if g.ndim != 4:
            assert_raises(
                f"channels_last, {g.ndim}-D", RuntimeError, lambda x=x: x.contiguous(memory_format=torch.channels_last)
            )
        held.assert_untouched("contiguous")


@check("view.clone")
def test_clone_never_shares_and_keeps_the_layout_of_dense_tensors(subject):
    for held in tensors(subject, 2):
        g, x = held.geometry, held.tensor
        is_dense = not g.is_overlapping() and g.numel and int(g.places().max() - g.places().min()) + 1 == g.numel
        for call in (
            Call("clone"),
            Call("clone", form="function"),
            Call("clone", keywords=(("memory_format", torch.preserve_format),)),
        ):
            out = call(x)
            assert_fresh(call, out, held, held.values(g))
            kept = not is_dense or view.matches(g.shape, out.stride(), g.strides)
            require(kept, f"{call} has strides {out.stride()}; {held.facts()}", g.strides, out.stride())
        for form, strides in formats(g):
            out = x.clone(memory_format=form)
            assert_fresh(f"x.clone(memory_format={form})", out, held, held.values(g))
            require(
                view.matches(g.shape, out.stride(), strides),
                f"x.clone(memory_format={form}) has strides {out.stride()}",
                strides,
            )
        if g.numel:
            out.zero_()
        held.assert_untouched("clone, and a write to it")


@check("view.clone")
def test_gradients_flow_through_a_clone(subject):
    form = {"memory_format": torch.channels_last}
    for turn, (name, layout) in enumerate(LAYOUTS.items()):
        dtype = ("float64", "complex64", "float32")[turn % 3]
        for shape, options in (((3, 4), {}), ((), {}), ((2, 3, 4, 5), form)):
            flow = distinct(dtype, shape)
            x, given = layout(flow, dtype).with_grad().on(subject), host.tensor(flow, dtype, subject.device)
            for out in (x.clone(**options), torch.clone(x, **options)):
                said = f"a clone of {dtype} of shape {shape}, {name},"
                require(out.requires_grad and not out.is_leaf, f"{said} does not belong to the graph")
                (found,) = torch.autograd.grad(out, x, given)
                same_bits(f"the gradient through {said}", "backward", found, flow)


@check("view.detach")
def test_detach_shares_memory_and_version_but_not_the_graph(subject):
    for held in tensors(subject, 3, ("float32", "float64", "complex64", "float16", "bfloat16")):
        leaf = held.tensor.requires_grad_()
        for x in (leaf, leaf * 1):
            for call in (Call("detach"), Call("detach", form="function")):
                out = call(x)
                if x is leaf:
                    assert_looks_at(call, out, held, held.geometry, values=False)
                judge_detached(call, x, out, writes=not held.geometry.is_overlapping())
        made = leaf * 1
        require(made.detach_() is made, "x.detach_() is another object")
        require(not made.requires_grad and made.is_leaf, f"x.detach_() leaves a graph; {held.facts()}")


def judge_detached(call: Call, x: torch.Tensor, out: torch.Tensor, *, writes: bool) -> None:
    """Refute unless a detached tensor has the memory and version of x, but no graph. `writes`: it may be written to."""
    require(not out.requires_grad and out.is_leaf and out.grad_fn is None, f"{call} still belongs to a graph")
    require(x.requires_grad, f"{call} takes requires_grad from x")
    place, found = (x.data_ptr(), x.stride()), (out.data_ptr(), out.stride())
    require(found == place, f"{call} lies elsewhere", place, found)
    before = version(x)
    if writes:
        out.zero_()
        counted = version(x) == version(out) == before + 1
        require(counted, f"a write to {call} does not count for x", before + 1, version(x))


@check("view.detach")
def test_a_detached_tensor_passes_no_gradient_and_may_be_made_a_leaf(subject):
    x = Held.of(DENSE["contiguous"](distinct("float64", (3, 4)), "float64"), subject).tensor.requires_grad_()
    (x * 2 + x.detach() * 5).sum().backward()
    same_bits("the gradient of 2x + 5 x.detach()", "backward", x.grad, np.full((3, 4), 2.0))
    other = x.detach().requires_grad_()
    (other * 3).sum().backward()
    same_bits("the gradient of a detached tensor", "requires_grad_() and backward", other.grad, np.full((3, 4), 3.0))
    same_bits("the gradient of x", "that", x.grad, np.full((3, 4), 2.0))

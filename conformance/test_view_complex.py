"""Views that read the same bytes otherwise: parts of complex numbers, lazy conjugates, other dtypes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.oracle import view, view_parts
from conformance.tables.view_calls import Call
from conformance.tables.view_memory import Held, assert_fresh, assert_looks_at, same_bits
from conformance.tables.view_table import VIEWS, existing
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts
from properties.strategies.values import distinct

pytestmark = must_answer

COMPLEX = {"complex64": "float32", "complex128": "float64"}
SHAPES = ((3, 4), (), (5,), (0, 3), (1, 4), (2, 3, 4), (17, 3))
REFUSED = (RuntimeError, TypeError)


def complexes(subject: Any, shapes: tuple[tuple[int, ...], ...] = SHAPES) -> Iterator[Held]:
    """Complex tensors of every shape and layout."""
    for turn, shape in enumerate(shapes):
        dtype = list(COMPLEX)[turn % 2]
        for recipe in layouts(distinct(dtype, shape), dtype, LAYOUTS):
            yield Held.of(recipe, subject)


def parts(held: Held, dtype: str) -> Held:
    """The same memory, read as numbers of another dtype."""
    memory = held.memory.view(host.torch_dtype(dtype))
    require(memory.data_ptr() == held.memory.data_ptr(), "x.view(dtype) of flat memory lies in other memory")
    return Held(memory, held.tensor, held.buffer.view(DTYPES[dtype].host), dtype, held.geometry)


@check("view.view-as-real")
def test_view_as_real_shows_both_parts(subject):
    for held in complexes(subject):
        looks = view_parts.view_as_real(held.geometry)
        call = Call("view_as_real", form="function")
        assert_looks_at(call, call(held.tensor), parts(held, COMPLEX[held.dtype]), looks)
        real = Held.of(contiguous(np.ones(held.geometry.shape), "float32"), subject)
        assert_raises("view_as_real of a real tensor", REFUSED, lambda x=real.tensor: torch.view_as_real(x))


@check("view.view-as-complex")
def test_view_as_complex_pairs_neighbours(subject):
    call = Call("view_as_complex", form="function")
    for turn, shape in enumerate(((3, 2), (2,), (2, 3, 2), (17, 2), (3,), (), (2, 3), (4, 1), (5, 3, 2))):
        dtype = ("float32", "float64")[turn % 2]
        for recipe in layouts(distinct(dtype, shape), dtype, LAYOUTS):
            held, number = Held.of(recipe, subject), {"float32": "complex64", "float64": "complex128"}[dtype]
            try:
                looks = view_parts.view_as_complex(held.geometry)
            except ValueError:
                assert_raises(f"{call}, with {held.facts()},", REFUSED, lambda x=held.tensor: call(x))
                continue
            out = call(held.tensor)
            start = held.memory.data_ptr() + 2 * looks.offset * held.memory.element_size()
            same = out.data_ptr() == start and view.matches(looks.shape, out.stride(), looks.strides)
            require(same, f"{call} looks at other elements than it should, with {held.facts()}", looks, out.stride())
            pairs = held.values(held.geometry)
            assert_values(f"{call}", out, pairs[..., 0] + 1j * pairs[..., 1], dtype=number)
        whole = torch.zeros(shape, dtype=torch.int64, device=subject.device)
        assert_raises("view_as_complex of integers", REFUSED, lambda x=whole: torch.view_as_complex(x))


@check("view.real-and-imag")
def test_real_and_imag_are_views_of_the_parts(subject):
    for held in complexes(subject):
        for which, name in enumerate(("real", "imag")):
            for form in ("attribute", "function"):
                call, looks = Call(name, form=form), view_parts.part(held.geometry, which)
                out, seen = call(held.tensor), parts(held, COMPLEX[held.dtype])
                assert_looks_at(call, out, seen, looks)
                if held.geometry.numel and not held.geometry.is_overlapping():
                    out.fill_(-7)
                    expected = seen.buffer.copy()
                    expected[looks.places()] = -7
                    same_bits("the memory of x", f"{call}.fill_(-7)", seen.memory, expected)
                    held.memory.copy_(host.tensor(held.buffer, held.dtype, subject.device))


@check("view.real-and-imag")
def test_a_real_tensor_is_its_own_real_part_and_has_no_imaginary_one(subject):
    for recipe in layouts(distinct("float32", (3, 4)), "float32", LAYOUTS):
        held = Held.of(recipe, subject)
        for form in ("attribute", "function"):
            assert_looks_at("x.real", Call("real", form=form)(held.tensor), held, held.geometry)
            assert_raises(
                "x.imag of a real tensor", REFUSED, lambda form=form, x=held.tensor: Call("imag", form=form)(x)
            )


@check("view.conj")
def test_conj_is_a_view_until_it_is_resolved(subject):
    for held in complexes(subject, (*SHAPES, (45, 23))):
        for form in ("method", "function"):
            out = Call("conj", form=form)(held.tensor)
            require(out.is_conj() and torch.is_conj(out), f"x.conj() is not marked as a conjugate; {held.facts()}")
            assert_looks_at("x.conj().conj()", out.conj(), held, held.geometry)
            if held.geometry.numel:
                require(out.data_ptr() == held.tensor.data_ptr(), f"x.conj() lies elsewhere; {held.facts()}")
            expected = np.conj(held.values(held.geometry))
            assert_values("x.conj()", out, expected, dtype=held.dtype)
            for name in ("resolve_conj", "clone", "contiguous", "conj_physical"):
                judge_resolved(name, form, out, held, expected)
        require(
            held.tensor.resolve_conj() is held.tensor, "x.resolve_conj() is another object where there is nothing to do"
        )
        held.assert_untouched("x.conj()")


def judge_resolved(name: str, form: str, out: torch.Tensor, held: Held, expected: np.ndarray) -> None:
    """Refute unless what is made of a lazy conjugate has the values that are due."""
    if name in ("contiguous", "clone") and form == "function" and not hasattr(torch, name):
        return
    made = Call(name, form=form)(out)
    if name == "contiguous" and out.is_contiguous():
        require(made is out, "x.conj().contiguous() is another object")
        return
    wanted = np.conj(expected) if name == "conj_physical" else expected
    assert_values(f"x.conj().{name}(), with {held.facts()},", made, wanted, dtype=held.dtype)
    if name == "resolve_conj":
        require(not made.is_conj(), "x.conj().resolve_conj() is still a conjugate")
        assert_fresh(f"x.conj().{name}()", made, held, expected)


@check("view.conj")
def test_a_real_tensor_is_its_own_conjugate(subject):
    for dtype in ("float32", "int64", "bool"):
        x = Held.of(contiguous(distinct(dtype, (3, 4)), dtype), subject).tensor
        for form in ("method", "function"):
            require(Call("conj", form=form)(x) is x, f"x.conj() of {dtype} is another object than x")
        require(not x.is_conj(), f"a tensor of {dtype} is marked as a conjugate")


@check("view.conj-writes")
def test_writes_through_a_conjugate_are_conjugated(subject):
    for held in complexes(subject):
        if held.geometry.numel == 0 or held.geometry.is_overlapping():
            continue
        places, now = held.geometry.places(), held.buffer.copy()
        new = distinct(held.dtype, held.geometry.shape) + (2 - 3j)
        held.tensor.conj().copy_(host.tensor(new, held.dtype, subject.device))
        now[places] = np.conj(new)
        same_bits("the memory of x", f"x.conj().copy_(…), with {held.facts()}", held.memory, now)
        held.tensor.conj().fill_(5 + 4j)
        now[places] = 5 - 4j
        same_bits("the memory of x", f"x.conj().fill_(5+4j), with {held.facts()}", held.memory, now)
        held.tensor.conj().imag.fill_(2)
        now[places] = 5 - 2j
        same_bits("the memory of x", f"x.conj().imag.fill_(2), with {held.facts()}", held.memory, now)
        held.tensor.conj().add_(1j)
        now[places] = 5 - 3j
        same_bits("the memory of x", f"x.conj().add_(1j), with {held.facts()}", held.memory, now)


@check("view.conj-stays-lazy")
def test_views_of_a_conjugate_are_conjugates(subject):
    for row in existing([row for row in VIEWS if not row.name.startswith("unsafe")], subject):
        held = Held.of(DENSE["transposed"](distinct("complex64", (2, 3, 4)), "complex64"), subject)
        for arguments, looks in row.valid(held.geometry, most=3):
            out = row.main(arguments)(held.tensor.conj())
            for part, geometry in zip(out if row.several else [out], looks, strict=True):
                said = f"{row.main(arguments).on('x.conj()')}, with {held.facts()},"
                require(part.is_conj(), f"{said} is no conjugate")
                assert_values(said, part, np.conj(held.values(geometry)), dtype=held.dtype)
                assert_looks_at(said, part.conj(), held, geometry)


@check("view.neg")
def test_the_imaginary_part_of_a_conjugate_is_a_negative_view(subject):
    for held in complexes(subject):
        part, seen = held.tensor.conj().imag, parts(held, COMPLEX[held.dtype])
        require(part.is_neg() and torch.is_neg(part), f"x.conj().imag is not marked as negative; {held.facts()}")
        expected = -np.imag(held.values(held.geometry))
        assert_values("x.conj().imag", part, expected, dtype=seen.dtype)
        assert_fresh("x.conj().imag.resolve_neg()", part.resolve_neg(), seen, expected)
        require(not part.resolve_neg().is_neg(), "x.conj().imag.resolve_neg() is still marked as negative")
        assert_fresh("torch.resolve_neg(x.conj().imag)", torch.resolve_neg(part), seen, expected)
        real = held.tensor.conj().real
        require(not real.is_neg(), "x.conj().real is marked as negative")
        require(real.resolve_neg() is real, "x.real.resolve_neg() is another object where there is nothing to do")
        assert_values("x.conj().real", real, np.real(held.values(held.geometry)), dtype=seen.dtype)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=check("view.conjugate-transpose")) for n in ("H", "mH", "adjoint")]
)
def test_conjugate_transposes_are_views(subject, name):
    rule = view.one_matrix_transpose if name == "H" else view.matrix_transpose
    shapes = (*SHAPES, (2, 1, 3, 2), (33, 5))
    for held in [*complexes(subject, shapes), *reals(subject, shapes)]:
        for call in [
            Call(name, form=form) for form in (("method", "function") if name == "adjoint" else ("attribute",))
        ]:
            try:
                looks = rule(held.geometry)
            except ValueError:
                assert_raises(f"{call}, with {held.facts()},", RuntimeError, lambda call=call, x=held.tensor: call(x))
                continue
            out = call(held.tensor)
            lazy = held.dtype in COMPLEX and held.geometry.ndim > 0
            require(out.is_conj() or not lazy, f"{call} is no conjugate; {held.facts()}")
            expected = held.values(looks)
            assert_values(
                f"{call}, with {held.facts()},", out, np.conj(expected) if out.is_conj() else expected, dtype=held.dtype
            )
            assert_looks_at(call, out.conj() if out.is_conj() else out, held, looks)


def reals(subject: Any, shapes: tuple[tuple[int, ...], ...]) -> Iterator[Held]:
    names = [name for name in ("float32", "int64", "bool", "float64", "bfloat16", "uint8") if subject.supports(name)]
    for turn, shape in enumerate(shapes):
        dtype = names[turn % len(names)]
        for recipe in layouts(distinct(dtype, shape), dtype, LAYOUTS):
            yield Held.of(recipe, subject)


@check("view.complex-gradient")
def test_gradients_through_the_parts(subject):
    """What flows back to z = a + bi is the gradient for a plus i times that for b."""
    for dtype, real in COMPLEX.items():
        for shape in ((3, 4), (5,), (17, 3)):
            recipe = DENSE["transposed"](distinct(dtype, shape), dtype).with_grad()
            flow = np.arange(2, 2 + int(np.prod(shape))).reshape(shape).astype(real)
            both = np.stack([flow, flow + 1], -1)
            rows: dict[str, tuple[Any, np.ndarray, np.ndarray]] = {
                "x.real": (lambda x: x.real, flow, flow + 0j),
                "x.imag": (lambda x: x.imag, flow, flow * 1j),
                "torch.view_as_real(x)": (lambda x: torch.view_as_real(x), both, both[..., 0] + 1j * both[..., 1]),
                "x.conj()": (lambda x: x.conj(), flow + 3j, flow - 3j),
                "x.conj().imag": (lambda x: x.conj().imag, flow, -1j * flow),
                "x.mT.mH": (lambda x: x.mT.mH if x.ndim > 1 else x.conj(), flow - 2j * flow, flow + 2j * flow),
            }
            for text, (function, given, expected) in rows.items():
                x = recipe.on(subject)
                given = given.astype(dtype) if np.iscomplexobj(given) else given.astype(real)
                function(x).backward(host.tensor(given, dtype if np.iscomplexobj(given) else real, subject.device))
                assert_values(f"the gradient of {text}", x.grad, expected.astype(dtype), dtype=dtype)

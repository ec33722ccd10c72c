"""Lazy flags, and what resolving does where there is nothing to resolve; parts of complex numbers; sums of views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.tables.view_calls import Call
from conformance.tables.view_memory import Held, same_bits
from properties.strategies.recipe import DENSE, LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer

SHAPES = ((3, 4), (), (0, 3), (1, 5), (2, 3, 4))
FORMS = ("method", "function")


def tensors(subject: Any) -> Iterator[Held]:
    """Tensors of every dtype in every layout, in one shape after the other."""
    turn = 0
    for dtype in DTYPES:
        for layout in LAYOUTS.values() if subject.supports(dtype) else ():
            turn += 1
            yield Held.of(layout(distinct(dtype, SHAPES[turn % len(SHAPES)]), dtype), subject)


@check("view.resolved")
def test_nothing_is_resolved_where_no_flag_is_set(subject):
    for held in tensors(subject):
        for form in FORMS:
            for name in ("resolve_conj", "resolve_neg"):
                call = Call(name, form=form)
                require(call(held.tensor) is held.tensor, f"{call} is another object than x; {held.facts()}")
            for name in ("is_conj", "is_neg"):
                call = Call(name, form=form)
                require(call(held.tensor) is False, f"{call} is not False; {held.facts()}", False, call(held.tensor))
        held.assert_untouched("resolve_conj")


@check("view.resolved")
def test_the_flag_of_a_conjugate_says_nothing_of_the_other_one(subject):
    for held in tensors(subject):
        if DTYPES[held.dtype].is_complex:
            lazy, part = held.tensor.conj(), held.tensor.conj().imag
            for form in FORMS:
                found = [Call(name, form=form)(x) for x in (lazy, part) for name in ("is_conj", "is_neg")]
                require(
                    found == [True, False, False, True], f"is_conj and is_neg of x.conj() and x.conj().imag: {found}"
                )
                require(Call("resolve_neg", form=form)(lazy) is lazy, "resolve_neg of a conjugate is another object")
                require(
                    Call("resolve_conj", form=form)(part) is part, "resolve_conj of x.conj().imag is another object"
                )
            for text, other in {
                "x.conj().conj()": lazy.conj(),
                "x.conj().imag.neg()": -part,
                "-x": -held.tensor,
            }.items():
                require(not other.is_neg(), f"{text} is marked as negative; {held.facts()}")
            require(not lazy.conj().is_conj(), f"x.conj().conj() is marked as a conjugate; {held.facts()}")


@check("view.conj-physical")
def test_conj_physical_computes_conjugates_of_complex_numbers_and_gives_others_as_they_are(subject):
    for held in tensors(subject):
        x = held.tensor
        for form in FORMS:
            call = Call("conj_physical", form=form)
            out = call(x)
            if DTYPES[held.dtype].is_complex:
                assert_apart(str(call), out, x)
                require(not out.is_conj(), f"{call} is marked as a conjugate")
                assert_values(f"{call}, {held.facts()},", out, np.conj(held.values(held.geometry)), dtype=held.dtype)
            else:
                require(out is x, f"{call} is another object than x; {held.facts()}")
        held.assert_untouched("conj_physical")


@check("view.view-as-real")
def test_view_as_real_of_a_conjugate_is_refused_or_right(subject):
    for held in tensors(subject):
        if held.dtype in ("complex64", "complex128"):
            wanted = np.conj(held.values(held.geometry))
            try:
                out = torch.view_as_real(held.tensor.conj())
            except RuntimeError:
                continue
            assert_values("torch.view_as_real(x.conj())", out, np.stack([wanted.real, wanted.imag], -1))


@check("view.real-and-imag")
def test_what_is_assigned_to_a_part_is_written_to_it(subject):
    for dtype, part in (("complex64", "float32"), ("complex128", "float64")):
        for layout in DENSE.values():
            for which, name in enumerate(("real", "imag")):
                held = Held.of(layout(distinct(dtype, (3, 4)), dtype), subject)
                for new in (distinct(part, (3, 4)) - 7.5, np.array([1.0, -2, 3, -4]), np.array(0.25)):
                    setattr(held.tensor, name, host.tensor(new, part, subject.device))
                    wanted = held.buffer.copy()
                    places = np.ascontiguousarray(held.geometry.places())
                    wanted.view(part)[2 * places + which] = new
                    same_bits("the memory of x", f"x.{name} = {new.tolist()}, with {held.facts()}", held.memory, wanted)


@check("view.sum-to-size")
def test_sum_to_size_sums_over_what_an_expansion_repeats(subject):
    for shape in ((3, 4), (2, 3, 4), (1, 5), (17,), ()):
        for layout in LAYOUTS.values():
            held = Held.of(layout(np.resize(np.arange(-3.0, 9), shape), "float64"), subject)
            values = held.values(held.geometry)
            for keep in range(2 ** len(shape)):
                size = tuple(1 if keep >> dim & 1 else n for dim, n in enumerate(shape))
                wanted = values.sum(tuple(dim for dim, n in enumerate(size) if n == 1), keepdims=True)
                for given in ((size,), size) if size else ((size,),):
                    assert_values(f"x.sum_to_size{given}, {held.facts()}", held.tensor.sum_to_size(*given), wanted)
            wanted = values.sum(0) if shape else values
            assert_values("x.sum_to_size(x.shape[1:])", held.tensor.sum_to_size(shape[1:]), wanted)
            assert_raises("x.sum_to_size of another size", RuntimeError, lambda x=held.tensor: x.sum_to_size(9, 9))
            held.assert_untouched("sum_to_size")

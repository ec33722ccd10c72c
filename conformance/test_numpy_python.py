"""Tensors as Python's numbers and lists: item, tolist, int(), float(), complex(), bool(), index."""

from __future__ import annotations

import math
import operator
from typing import Any

import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import COMPLEX, FLOATS, INTEGERS
from conformance.oracle import numpy as oracle
from conformance.subject import Subject
from properties.strategies.ndarrays import arrangements
from properties.strategies.recipe import DENSE, LAYOUTS
from properties.strategies.values import distinct, interesting

pytestmark = must_answer

WIDE = {"integers": ("bool", *INTEGERS), "floats": FLOATS, "complex": COMPLEX}
NEWER = ("uint16", "uint32", "float8_e5m2", "float8_e4m3fn")


def numbers(dtype: str, subject: Subject) -> list[tuple[torch.Tensor, Any]]:
    """One-element tensors of several shapes and places in their storage, each with its value."""
    found = []
    for layout in DENSE:
        row = DENSE[layout](interesting(dtype), dtype)
        found += list(zip(row.on(subject), row.array, strict=True))
    table = interesting(dtype)
    for shape in ((1,), (1, 1, 1)):
        t = LAYOUTS["offset"](table[:1].reshape(shape), dtype).on(subject)
        found.append((t, table[0]))
    column = LAYOUTS["transposed"](distinct(dtype, (3, 4)), dtype)
    found += [(column.on(subject)[i, j], column.array[i, j]) for i in range(3) for j in range(4)]
    return found


def same(call: str, out: Any, expected: Any) -> None:
    require(oracle.identical(out, expected), f"{call} is {out!r}, but should be {expected!r}", expected, out)


@pytest.mark.parametrize(
    "kind",
    [
        *(pytest.param(kind, marks=check("numpy.item")) for kind in WIDE),
        pytest.param("newer", marks=check("numpy.item", since="2.3")),
    ],
)
def test_item_is_the_python_number(subject: Subject, kind: str) -> None:
    for dtype in WIDE.get(kind, NEWER):
        for t, value in numbers(dtype, subject):
            call = f"item() of {dtype} {t.stride()} at {t.storage_offset()}"
            same(call, t.item(), oracle.number(value, dtype))
            same(f"tolist() of {dtype} {tuple(t.shape)}", t.reshape(()).tolist(), oracle.number(value, dtype))
    tracked = torch.tensor(2.5, requires_grad=True, device=subject.device)
    same("item() of a tensor that requires grad", tracked.item(), 2.5)
    z = torch.tensor(1 + 2j, device=subject.device).conj()
    same("item() of a conjugated tensor", z.item(), 1 - 2j)
    same("item() of a negated view", z.imag.item(), -2.0)


@check("numpy.item")
def test_whole_numbers_do_not_pass_through_floats(subject: Subject) -> None:
    for value in (2**53 + 1, -(2**53) - 1, 2**60 + 1, 2**62 - 1, 2**24 + 1, -(2**40) - 1):
        t = torch.tensor([0, value], device=subject.device)
        for call, out in (("item()", t[1].item()), ("int()", int(t[1])), ("tolist()", t.tolist()[1])):
            same(f"{call} of {value}", out, value)
        same(f"operator.index of {value}", operator.index(t[1]), value)


@check("numpy.tolist")
def test_lists_of_conjugates_and_negations(subject: Subject) -> None:
    z = torch.tensor([[1 + 2j, -3.5 - 1j], [4j, 5 + 0.5j]], dtype=torch.complex128, device=subject.device)
    for call, t in (("z.conj()", z.conj()), ("z.t().conj()", z.t().conj())):
        due = [[(-3.5 + 1j) if n == -3.5 - 1j else n.conjugate() for n in row] for row in z.resolve_conj().tolist()]
        due = due if "t()" not in call else [list(row) for row in zip(*due, strict=True)]
        same(f"{call}.tolist()", t.tolist(), due)
        same(f"{call}.imag.tolist()", t.imag.tolist(), [[n.imag for n in row] for row in due])
        same(f"{call}[1].tolist()", t[1].tolist(), due[1])


@check("numpy.item-one-element")
def test_item_needs_exactly_one_element(subject: Subject) -> None:
    for shape in ((2,), (0,), (0, 3), (1, 2), (40,), (3, 3)):
        t = torch.ones(shape, device=subject.device)
        for name, call in {
            "item()": t.item,
            "int()": lambda t=t: int(t),
            "float()": lambda t=t: float(t),
            "complex()": lambda t=t: complex(t),
            "operator.index": lambda t=t: operator.index(t.long()),
        }.items():
            assert_raises(f"{name} of a tensor of {shape}", (RuntimeError, ValueError, TypeError), call)


@pytest.mark.parametrize(
    "kind",
    [
        *(pytest.param(kind, marks=check("numpy.tolist")) for kind in WIDE),
        pytest.param("newer", marks=check("numpy.tolist", since="2.3")),
    ],
)
def test_tolist_nests_as_the_shape_says(subject: Subject, kind: str) -> None:
    for dtype in WIDE.get(kind, NEWER):
        for recipe in arrangements(dtype):
            t = recipe.on(subject)
            before = Unchanged(t=t)
            call = f"tolist() of {dtype}, {recipe.shape}, strides {recipe.strides}, offset {recipe.offset}"
            same(call, t.tolist(), oracle.nested(recipe.array, dtype))
            before.check(call)
    same("tolist() that requires grad", torch.ones(2, requires_grad=True, device=subject.device).tolist(), [1.0, 1.0])
    same("tolist() of a conjugate", torch.tensor([1 + 2j], device=subject.device).conj().tolist(), [1 - 2j])


@check("numpy.item")
def test_numbers_of_tensors_in_a_graph(subject: Subject) -> None:
    for dtype in ("float32", "float64", "float16"):
        for shape in ((), (1,), (1, 1), (1, 1, 1)):
            leaf = torch.full(shape, 2.5, dtype=host.torch_dtype(dtype), device=subject.device, requires_grad=True)
            for name, t, due in (("leaf", leaf, 2.5), ("result", leaf * 2, 5.0), ("view", leaf.view(1), 2.5)):
                before = Unchanged(t=t)
                call = f"of a {name} of {shape}, {dtype}, that requires grad"
                same(f"item() {call}", t.item(), due)
                same(f"tolist() {call}", t.reshape(()).tolist(), due)
                same(f"float() {call}", float(t), due)
                same(f"int() {call}", int(t), int(due))
                same(f"complex() {call}", complex(t), complex(due))
                same(f"bool() {call}", bool(t), True)
                same(f"is_nonzero() {call}", t.is_nonzero(), True)
                before.check(f"a conversion {call}")


@check("numpy.tolist")
def test_many_numbers_are_listed_exactly_and_each_row_anew(subject: Subject) -> None:
    for dtype in ("float32", "float64", "int64", "complex64"):
        for shape in ((1_301,), (61, 20)):
            for layout in ("contiguous", "transposed", "expanded"):
                values = distinct(dtype, shape) / (3 if dtype.startswith(("float", "complex")) else 1)
                recipe = LAYOUTS[layout](values.astype(dtype), dtype)
                found = recipe.on(subject).tolist()
                call = f"tolist() of {dtype} {shape}, {layout}"
                same(call, found, oracle.nested(recipe.array, dtype))
                apart = len(shape) == 1 or len({id(row) for row in found}) == len(found)
                require(apart, f"{call} gives one list several times")


@check("numpy.int-and-float")
@pytest.mark.parametrize("kind", ["integers", "floats"])
def test_int_cuts_and_float_keeps(subject: Subject, kind: str) -> None:
    for dtype in WIDE[kind]:
        for t, value in numbers(dtype, subject):
            exact = oracle.number(value, dtype)
            call = f"of a {dtype} tensor holding {exact!r}"
            same(f"float() {call}", float(t), float(exact))
            same(f"complex() {call}", complex(t), complex(exact))
            if math.isfinite(exact):
                if abs(exact) < 2**63:
                    same(f"int() {call}", int(t), int(exact))
            else:
                assert_raises(f"int() {call}", (ValueError, OverflowError, RuntimeError), lambda t=t: int(t))


@check("numpy.int-and-float")
def test_complex_numbers_convert_if_they_are_real(subject: Subject) -> None:
    for dtype in COMPLEX:
        z = torch.tensor([[1.5 - 2j]], dtype=host.torch_dtype(dtype), device=subject.device)
        same(f"complex() of {dtype}", complex(z), 1.5 - 2j)
        same(f"complex() of {dtype}.conj()", complex(z.conj()), 1.5 + 2j)
        for name, convert in {"float": float, "int": int}.items():
            assert_raises(f"{name}() of 1.5-2j", (RuntimeError, TypeError), lambda convert=convert, z=z: convert(z))
        real = torch.tensor(-3 + 0j, dtype=host.torch_dtype(dtype), device=subject.device)
        same(f"float() of {dtype} -3+0j", float(real), -3.0)


@check("numpy.truth")
@pytest.mark.parametrize("kind", WIDE)
def test_truth_is_that_of_the_number(subject: Subject, kind: str) -> None:
    for dtype in WIDE[kind]:
        for t, value in numbers(dtype, subject):
            call = f"bool() of a {dtype} tensor holding {value!r}"
            same(call, bool(t), oracle.truth(value))
            same(f"not, {call}", not t, not oracle.truth(value))
        for shape in ((2,), (0,), (2, 0), (5, 5)):
            for fill in (0, 1):
                t = torch.full(shape, fill, dtype=host.torch_dtype(dtype), device=subject.device)
                assert_raises(f"bool() of a tensor of {shape}", RuntimeError, lambda t=t: bool(t))


@check("numpy.index")
def test_integer_tensors_serve_as_indices(subject: Subject) -> None:
    for dtype in WIDE["integers"]:
        for t, value in numbers(dtype, subject):
            same(f"operator.index of a {dtype} tensor holding {value!r}", operator.index(t), int(value))
        letters = list("abcdefgh")
        one, three = (torch.tensor(n % 2 if dtype == "bool" else n, dtype=host.torch_dtype(dtype)) for n in (1, 3))
        require(letters[one] == "b" and letters[one:] == letters[1:], f"a list cannot be indexed by a {dtype} tensor")
        require(list(range(three)) == list(range(int(three))), f"range(tensor of {dtype}) counts otherwise")
        require("ab" * three == "ab" * int(three), f"str * tensor of {dtype} repeats otherwise")


@check("numpy.index")
def test_other_tensors_are_no_indices(subject: Subject) -> None:
    for t in (torch.tensor(1.0), torch.tensor(1j), torch.tensor([1, 2]), torch.tensor([], dtype=torch.int64)):
        t = t.to(subject.device)
        assert_raises(f"[10, 20, 30][{t!r}]", TypeError, lambda t=t: [10, 20, 30][t])

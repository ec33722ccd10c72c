"""Tensors as Python's numbers, lists and sequences: item, tolist, int(), float(), bool(), len(), iter(), in, format()."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, COMPLEX, DTYPES, FLOATS, INTEGERS
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


@pytest.mark.parametrize("kind", [*(pytest.param(kind, marks=check("numpy.item")) for kind in WIDE),
                                  pytest.param("newer", marks=check("numpy.item", since="2.3"))])
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


@check("numpy.item-one-element")
def test_item_needs_exactly_one_element(subject: Subject) -> None:
    for shape in ((2,), (0,), (0, 3), (1, 2), (40,), (3, 3)):
        t = torch.ones(shape, device=subject.device)
        for name, call in {"item()": t.item, "int()": lambda t=t: int(t), "float()": lambda t=t: float(t),
                           "complex()": lambda t=t: complex(t), "operator.index": lambda t=t: operator.index(t.long())}.items():
            assert_raises(f"{name} of a tensor of {shape}", (RuntimeError, ValueError, TypeError), call)


@pytest.mark.parametrize("kind", [*(pytest.param(kind, marks=check("numpy.tolist")) for kind in WIDE),
                                  pytest.param("newer", marks=check("numpy.tolist", since="2.3"))])
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


@check("numpy.int-and-float")
@pytest.mark.parametrize("dtype", ["bool", *INTEGERS, *FLOATS])
def test_int_cuts_and_float_keeps(subject: Subject, dtype: str) -> None:
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
@pytest.mark.parametrize("dtype", COMMON)
def test_truth_is_that_of_the_number(subject: Subject, dtype: str) -> None:
    for t, value in numbers(dtype, subject):
        call = f"bool() of a {dtype} tensor holding {value!r}"
        same(call, bool(t), oracle.truth(value))
        same(f"not, {call}", not t, not oracle.truth(value))
    for shape in ((2,), (0,), (2, 0), (5, 5)):
        for fill in (0, 1):
            t = torch.full(shape, fill, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_raises(f"bool() of a tensor of {shape}", RuntimeError, lambda t=t: bool(t))


@check("numpy.index")
@pytest.mark.parametrize("dtype", ["bool", *INTEGERS])
def test_integer_tensors_serve_as_indices(subject: Subject, dtype: str) -> None:
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


@check("numpy.len")
def test_len_is_the_first_size(subject: Subject) -> None:
    for shape in ((0,), (5,), (3, 2), (0, 4), (2, 0), (40, 1, 2)):
        t = torch.ones(shape, device=subject.device)
        same(f"len() of a tensor of {shape}", len(t), shape[0])
        same(f"len() of its transpose, {shape[::-1]}", len(t.permute(tuple(range(t.ndim))[::-1])), shape[-1])
    assert_raises("len() of a 0-d tensor", TypeError, lambda: len(torch.tensor(1, device=subject.device)))


@check("numpy.iteration")
def test_iteration_yields_views_of_the_rows(subject: Subject) -> None:
    for layout in LAYOUTS:
        for shape in ((4,), (3, 5), (2, 3, 4), (2, 0), (0, 2), (18, 2)):
            recipe = LAYOUTS[layout](distinct("float32", shape), "float32")
            t, rows = recipe.on(subject), recipe.array
            found = list(t)
            require(len(found) == shape[0], f"iteration over {shape} yields {len(found)} rows", shape[0], len(found))
            for number, (row, expected) in enumerate(zip(found, rows, strict=True)):
                call = f"row {number} of {layout} {shape}"
                assert_values(call, row, expected, dtype="float32")
                require(row.numel() == 0 or row.data_ptr() == t[number].data_ptr(), f"{call} is a copy", "a view", "a copy")
    assert_raises("iteration over a 0-d tensor", TypeError, lambda: iter(torch.tensor(1, device=subject.device)))


@check("numpy.iteration")
def test_unpacking_and_writing_while_iterating(subject: Subject) -> None:
    t = torch.tensor([[1, 2], [3, 4], [5, 6]], device=subject.device)
    first, *rest = t
    assert_values("first of first, *rest = t", first, [1, 2])
    require(len(rest) == 2, "first, *rest = t leaves another number of rows", 2, len(rest))
    for row in t:
        row.mul_(10)
    assert_values("t after row.mul_(10) for each row", t, [[10, 20], [30, 40], [50, 60]])
    backwards = assert_tensor("reversed(t)", reversed(t), "int64", (3, 2))  # type: ignore[call-overload]
    assert_values("reversed(t)", backwards, [[50, 60], [30, 40], [10, 20]])
    assert_values("sum(t)", sum(t), [90, 120])
    assert_values("max(column)", max(t[:, 1]), 60)


@check("numpy.membership")
def test_in_asks_for_any_equal_element(subject: Subject) -> None:
    for layout in LAYOUTS:
        for dtype in ("float32", "int64", "uint8", "bfloat16"):
            recipe = LAYOUTS[layout](distinct(dtype, (5, 7)), dtype)
            t, values = recipe.on(subject), recipe.array
            for value in (values[-1, -1], values[0, 0], values[2, 3]):
                require(value.item() in t, f"{value!r} in a {layout} {dtype} tensor is False, but it is there", True, False)
                held = torch.tensor(value.item(), dtype=t.dtype, device=subject.device)
                require(held in t, f"tensor({value!r}) in a {layout} {dtype} tensor is False", True, False)
            require(99 not in t and torch.tensor(99, device=subject.device) not in t, f"99 in a {layout} {dtype} tensor")
    require(1 not in torch.ones(0, device=subject.device), "1 in a tensor without elements")
    require(math.nan not in torch.tensor([math.nan], device=subject.device), "nan in tensor([nan])")
    for other in ("a", [1], None):
        assert_raises(f"{other!r} in a tensor", (RuntimeError, TypeError), lambda other=other: other in torch.ones(2))


@check("numpy.format")
def test_numbers_format_as_pythons_do(subject: Subject) -> None:
    for value, codes in ((3.14159, (".2f", "8.3e", "", "g")), (-7, ("d", "05d", "+d", "", ",")), (True, ("",)), (1e10, (".3g",))):
        t = torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None, device=subject.device)
        for code in codes:
            require(format(t, code) == format(value, code), f"format(tensor({value}), {code!r}) differs", format(value, code),
                    format(t, code))
    require(f"{torch.tensor([1, 2])}" == "tensor([1, 2])", "a tensor of two elements formats otherwise than str() shows it")
    assert_raises("format(tensor([1., 2.]), '.2f')", TypeError, lambda: format(torch.ones(2), ".2f"))
    require("%d and %.1f" % (torch.tensor(3), torch.tensor(3.25)) == "3 and 3.2", "% formats a tensor otherwise")  # noqa: UP031


@check("numpy.hash")
def test_tensors_hash_by_identity(subject: Subject) -> None:
    a, b = torch.tensor([1, 2]), torch.tensor([1, 2])
    require(hash(a) == hash(a) and len({a, a}) == 1 and {a: 1}[a] == 1, "a tensor does not find itself in a set")
    require(len({a, b}) == 2, "two equal tensors count as one key", 2, len({a, b}))


@check("numpy.no-buffer")
def test_tensors_are_no_buffers(subject: Subject) -> None:
    t = torch.ones(2, dtype=torch.uint8, device=subject.device)
    assert_raises("memoryview(t)", TypeError, lambda: memoryview(t))  # type: ignore[arg-type]
    require(not hasattr(t, "__array_interface__"), "a tensor has an __array_interface__")
    require(t.device.type == "cuda" or not hasattr(t, "__cuda_array_interface__"), "a tensor off CUDA has its interface")
    call: Callable[[], Any] = lambda: bytes(t)  # noqa: E731
    require(call() == b"\x01\x01", "bytes(t) are not its elements", b"\x01\x01", call())
    require(all(DTYPES[name].bytes == host.torch_dtype(name).itemsize for name in COMMON) if hasattr(torch.uint8, "itemsize")
            else t.element_size() == 1, "an element has another size than its dtype")
    require(np.asarray(t.cpu()).itemsize == 1, "np.asarray(t) has wider elements than t")

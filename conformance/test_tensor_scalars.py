"""Tensors as Python numbers: item, int, float, bool, complex, index, format, and lists."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.oracle.tensor import nested
from properties.strategies.recipe import LAYOUTS, contiguous
from properties.strategies.values import distinct, interesting

pytestmark = must_answer

KINDS = {"bool": bool, "int": int, "uint": int, "float": float, "complex": complex}
ONE_ELEMENT = ((), (1,), (1, 1), (1, 1, 1))
MANY = ((2,), (0,), (2, 3), (0, 3), (1, 2))
REFUSED = (RuntimeError, ValueError, TypeError)


def scalars(subject: Any, names: tuple[str, ...] = tuple(DTYPES)) -> Iterator[tuple[str, Any, torch.Tensor]]:
    """Tensors of one element, some inside larger ones, each with its dtype and Python number."""
    for name in names:
        if subject.supports(name):
            for place, value in enumerate(interesting(name)):
                shape = ONE_ELEMENT[place % len(ONE_ELEMENT)]
                recipe = LAYOUTS[("contiguous", "offset", "stepped")[place % 3]](np.full(shape, value), name)
                yield name, value.item(), recipe.on(subject)


def same(a: Any, b: Any) -> bool:
    """Whether two numbers are of one type and value: NaN is NaN, and zeros have signs."""
    if type(a) is not type(b):
        return False
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return bool(a == b)


def agree(text: str, found: Any, expected: Any) -> None:
    require(same(found, expected), f"{text} is {found!r}, but should be {expected!r}", repr(expected), repr(found))


@check("tensor.item-to-python")
def test_item_gives_the_python_number(subject):
    for name, value, x in scalars(subject):
        found = x.item()
        require(
            type(found) is KINDS[DTYPES[name].kind], f"x.item() of {name} is a {type(found).__name__}", value, found
        )
        agree(f"x.item() of {name}, shape {tuple(x.shape)}", found, value)


@check("tensor.item-to-python")
def test_item_of_an_index_is_the_element_there(subject):
    for name in [name for name in COMMON if subject.supports(name)]:
        for layout in LAYOUTS:
            recipe = LAYOUTS[layout](distinct(name, (3, 4)), name)
            x, values = recipe.on(subject), recipe.array
            for i, j in ((0, 0), (2, 3), (1, -1), (-3, 2)):
                agree(f"x[{i}, {j}].item()", x[i, j].item(), values[i, j].item())
                agree(f"x[{i}][{j}].item()", x[i][j].item(), values[i, j].item())


@check("tensor.item-on-any-tensor")
def test_item_refuses_more_elements_than_one_or_none(subject):
    for name in [name for name in ("float32", "int64", "bool", "complex64", "float64") if subject.supports(name)]:
        for shape in MANY:
            x = LAYOUTS["contiguous"](distinct(name, shape), name).on(subject)
            before = Unchanged(x=x)
            assert_raises(f"x.item() of {name}, shape {shape}", REFUSED, x.item)
            before.check("x.item()")


@check("tensor.item-to-int")
def test_items_type_follows_the_dtype(subject):
    for name in [name for name in COMMON if subject.supports(name)]:
        value = contiguous(np.array([2.75]).astype(DTYPES[name].host), name).on(subject).item()
        kind = DTYPES[name].kind
        expected = {"bool": True, "int": 2, "uint": 2, "float": 2.75, "complex": 2.75 + 0j}[kind]
        agree(f"item() of 2.75 as {name}", value, expected)
    agree("item() of 2.9 in float64", contiguous(np.array(2.9), "float64").on(subject).item(), 2.9)


@check("tensor.item-float32-exact")
def test_item_widens_a_float32_exactly(subject):
    for number in (0.6884220838546753, 0.1, 2.9, 1 / 3, 1e-40, 3.4e38, 16777217.0, 0.30000001192092896):
        value = np.float32(number)
        x = contiguous(np.array([value]), "float32").on(subject)
        agree(f"item() of float32 {number}", x.item(), float(value))
        agree(f"tolist() of float32 {number}", x.tolist()[0], float(value))
        agree(f"float() of float32 {number}", float(x), float(value))


@check("tensor.item-is-a-method")
def test_item_has_to_be_called(subject):
    for name, value, x in scalars(subject, ("float32", "int64", "bool")):
        require(callable(x.item), "x.item is no method")
        require(not isinstance(x.item, (int, float, bool)), "x.item is a number")
        agree(f"x.item() of {name}", x.item(), value)


def answers(
    text: str, action: Callable[[], Any], due: Callable[[], Any], refused: tuple[type[Exception], ...] = REFUSED
) -> None:
    """Refute unless the tensor answers what the Python number does, or refuses where that does."""
    try:
        expected = due()
    except (ValueError, OverflowError, TypeError):
        assert_raises(text, (*refused, OverflowError), action)
        return
    agree(text, action(), expected)


REALS = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "float8_e5m2")


@check("tensor.int")
def test_int_cuts_the_fraction_off(subject):
    for name, value, x in scalars(subject, REALS):
        if abs(value) < 2**63:
            answers(f"int(x) of {name} {value}", lambda x=x: int(x), lambda v=value: int(v))
            answers(f"x.__int__() of {name} {value}", lambda x=x: x.__int__(), lambda v=value: int(v))
    for number in (2.9, -2.9, 0.9, -0.9, 1e15, -0.0, 7.0):
        agree(f"int() of {number}", int(contiguous(np.array([number]), "float64").on(subject)), int(number))
    for shape in MANY:
        assert_raises(f"int() of shape {shape}", REFUSED, lambda s=shape: int(torch.ones(s, device=subject.device)))


@check("tensor.float")
def test_float_gives_a_python_float(subject):
    for name, value, x in scalars(subject, REALS):
        answers(f"float(x) of {name} {value}", lambda x=x: float(x), lambda v=value: float(v))
    for shape in MANY:
        assert_raises(f"float() of shape {shape}", REFUSED, lambda s=shape: float(torch.ones(s, device=subject.device)))
    for function, number in ((math.sqrt, 2.0), (math.floor, 2.75), (math.sin, 0.5)):
        x = contiguous(np.array(number), "float64").on(subject)
        require(
            float(function(x)) == function(number),
            f"math.{function.__name__} of a tensor",
            function(number),
            function(x),
        )


@check("tensor.complex")
def test_complex_gives_a_python_complex(subject):
    for name, value, x in scalars(subject, (*REALS, "complex64", "complex128")):
        answers(f"complex(x) of {name} {value}", lambda x=x: complex(x), lambda v=value: complex(v))
    imaginary = contiguous(np.array([1 + 2j]), "complex64").on(subject)
    for kind in (int, float):
        assert_raises(f"{kind.__name__}() of 1+2j", REFUSED, lambda kind=kind: kind(imaginary))


@check("tensor.bool")
def test_bool_of_one_element_is_whether_it_is_not_zero(subject):
    for name, value, x in scalars(subject, COMMON):
        agree(f"bool(x) of {name} {value}", bool(x), bool(value))
        agree(f"not x of {name} {value}", not x, not value)
        agree(f"torch.is_nonzero(x) of {name} {value}", torch.is_nonzero(x), bool(value))
        agree(f"x.is_nonzero() of {name} {value}", x.is_nonzero(), bool(value))
        agree(f"a choice by x of {name} {value}", 1 if x else 2, 1 if value else 2)
    for shape in ((2,), (1, 2), (2, 3), (0,), (0, 3)):
        for fill in (torch.zeros, torch.ones):
            x = fill(shape, device=subject.device)
            assert_raises(f"bool() of shape {shape}", (RuntimeError,), lambda x=x: bool(x))
            assert_raises(f"is_nonzero() of shape {shape}", (RuntimeError,), lambda x=x: torch.is_nonzero(x))
            assert_raises(f"x.is_nonzero() of shape {shape}", (RuntimeError,), x.is_nonzero)
            assert_raises(f"'and' of shape {shape}", (RuntimeError,), lambda x=x: x and True)


@check("tensor.index")
def test_integers_serve_as_indices(subject):
    row = list(range(100, 140))
    for name in ("uint8", "int8", "int16", "int32", "int64"):
        for value in (0, 3, 7):
            for shape in ONE_ELEMENT:
                x = contiguous(np.full(shape, value), name).on(subject)
                agree(f"x.__index__() of {name}, shape {shape}", x.__index__(), value)
                agree(f"a list at {name} {value}", row[x], row[value])
                agree(f"range() of {name} {value}", len(range(x)), value)
                agree(f"a list up to {name} {value}", len(row[:x]), value)
        for value in interesting(name).tolist():
            x = contiguous(np.array(value), name).on(subject)
            agree(f"x.__index__() of {name} {value}", x.__index__(), value)
            agree(f"hex(x) of {name} {value}", hex(x), hex(value))
    for name in ("float32", "float64", "complex64"):
        x = contiguous(np.ones(1), name).on(subject)
        assert_raises(f"x.__index__() of {name}", (TypeError,), lambda x=x: x.__index__())
        assert_raises(f"a list at {name}", (TypeError,), lambda x=x: row[x])
    many = contiguous(np.array([1, 2]), "int64").on(subject)
    assert_raises("x.__index__() of two elements", (TypeError,), lambda: many.__index__())


@check("tensor.format")
def test_format_of_a_0d_tensor_is_that_of_its_number(subject):
    for name, value, _ in scalars(subject, ("float32", "float64", "int64", "uint8", "bool", "int32")):
        x = contiguous(np.asarray(value), name).on(subject)
        kinds = (
            [".3f", "10.2e", "+", ""] if DTYPES[name].is_floating else ["", "5d", "03", "x"] if name != "bool" else [""]
        )
        for kind in kinds:
            agree(f"format(x, {kind!r}) of {name} {value}", format(x, kind), format(value, kind))
        agree(f"f'{{x}}' of {name} {value}", f"{x}", f"{value}")
    agree("'%d' % x", "%d" % contiguous(np.array(42), "int64").on(subject), "42")  # noqa: UP031
    agree("'%.2f' % x", "%.2f" % contiguous(np.array(2.75), "float32").on(subject), "2.75")  # noqa: UP031
    many = contiguous(np.arange(3), "int64").on(subject)
    agree("f'{x}' of three elements", f"{many}", repr(many))
    assert_raises("format(x, '.2f') of three elements", (TypeError,), lambda: format(many, ".2f"))


def alike(a: Any, b: Any) -> bool:
    """Whether nested lists have the same form and numbers."""
    if isinstance(a, list) or isinstance(b, list):
        return isinstance(a, list) and isinstance(b, list) and len(a) == len(b) and all(map(alike, a, b))
    return same(a, b)


@check("tensor.tolist")
def test_tolist_gives_nested_lists_of_python_numbers(subject):
    shapes = ((), (1,), (5,), (0,), (0, 3), (2, 0), (3, 4), (2, 3, 4), (2, 1, 3, 2), (33,))
    for turn, name in enumerate([name for name in DTYPES if subject.supports(name)]):
        for place, shape in enumerate(shapes):
            layout = LAYOUTS[list(LAYOUTS)[(turn + place) % len(LAYOUTS)]]
            recipe = layout(np.resize(np.roll(interesting(name), -place), shape), name)
            x, expected = recipe.on(subject), nested(recipe.array)
            found = x.tolist()
            require(alike(found, expected), f"x.tolist() of {name}, shape {shape}", expected, found)
    x = contiguous(np.array([1.5, 2.5]), "float32").with_grad().on(subject)
    require(x.tolist() == [1.5, 2.5], "x.tolist() of what requires grad", [1.5, 2.5], x.tolist())
    conjugate = contiguous(np.array([1 + 2j, 3 - 4j]), "complex64").on(subject).conj()
    require(conjugate.tolist() == [1 - 2j, 3 + 4j], "x.conj().tolist()", [1 - 2j, 3 + 4j], conjugate.tolist())

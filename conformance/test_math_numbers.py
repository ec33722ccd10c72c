"""Python numbers among the operands: beyond the digits of a double, bool, of numpy; as factors, weights, exponents."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import INTEGERS
from conformance.every_form import find
from conformance.numerics import EXACT, INNER
from conformance.subject import Subject
from properties.strategies.recipe import contiguous, offset, row_stepped, stepped, transposed

pytestmark = must_answer

LAID = (contiguous, stepped, transposed, row_stepped)
# No double holds the odd ones of these.
HUGE = (2**53 + 1, -(2**53) - 3, 2**60 + 7, 5, 0, 2**53, -1)
NUMBERS = (2**53 + 1, 2**53 + 2, -(2**60) - 1, 2**54 + 2, 3)


def _wrapped(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


Law = Callable[[Any, Any], Any]
# text: the call of a tensor and a number, and the same of Python's integers
ARITHMETIC: dict[str, tuple[Law, Law]] = {
    **{name: (getattr(operator, name), getattr(operator, name)) for name in ("add", "sub", "mul", "floordiv", "mod")},
    **{name: (getattr(operator, name), getattr(operator, name)) for name in ("and_", "or_", "xor")},
    **{name: (getattr(operator, name), getattr(operator, name)) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "torch.add": (lambda x, n: torch.add(x, n), operator.add),
    "torch.sub": (lambda x, n: torch.sub(x, n), operator.sub),
    "torch.mul": (lambda x, n: torch.mul(x, n), operator.mul),
    "torch.remainder": (lambda x, n: torch.remainder(x, n), operator.mod),
    "torch.floor_divide": (lambda x, n: torch.floor_divide(x, n), operator.floordiv),
    "torch.eq": (lambda x, n: torch.eq(x, n), operator.eq),
    "torch.ne": (lambda x, n: torch.ne(x, n), operator.ne),
    "torch.lt": (lambda x, n: torch.lt(x, n), operator.lt),
    "torch.le": (lambda x, n: torch.le(x, n), operator.le),
    "torch.gt": (lambda x, n: torch.gt(x, n), operator.gt),
    "torch.ge": (lambda x, n: torch.ge(x, n), operator.ge),
    "x.eq": (lambda x, n: x.eq(n), operator.eq),
    "x.ge": (lambda x, n: x.ge(n), operator.ge),
    "x.add_": (lambda x, n: x.add_(n), operator.add),
    "x.sub_": (lambda x, n: x.sub_(n), operator.sub),
    "x.mul_": (lambda x, n: x.mul_(n), operator.mul),
    "x.remainder_": (lambda x, n: x.remainder_(n), operator.mod),
    "x.clamp(min=)": (lambda x, n: x.clamp(min=n), max),
    "torch.clamp(max=)": (lambda x, n: torch.clamp(x, max=n), min),
    "number + x": (lambda x, n: n + x, operator.add),
    "number - x": (lambda x, n: n - x, lambda v, n: n - v),
    "number * x": (lambda x, n: n * x, operator.mul),
    "number < x": (lambda x, n: n < x, operator.gt),
    "torch.where(x > 0, x, number)": (lambda x, n: torch.where(x > 0, x, n), lambda v, n: v if v > 0 else n),
}


@check("math.numbers")
def test_whole_numbers_keep_all_their_digits(subject: Subject) -> None:
    for text, (call, law) in ARITHMETIC.items():
        for number in NUMBERS:
            for values in (np.array(HUGE), np.array(HUGE * 5).reshape(5, 7), np.array(HUGE[0])):
                x = LAID[number % 4](values, "int64").on(subject)
                found = [law(value, number) for value in values.ravel().tolist()]
                truth = isinstance(found[0], bool)
                wanted = np.array(found if truth else [_wrapped(value) for value in found]).reshape(values.shape)
                kind = "bool" if truth else "int64"
                assert_values(f"{text} of int64 {values.shape} and {number}", call(x, number), wanted, dtype=kind)


@check("math.numbers")
def test_a_bool_is_the_lowest_kind_of_number(subject: Subject) -> None:
    ways: tuple[tuple[str, Law], ...] = (("*", operator.mul), ("+", operator.add), ("torch.mul", torch.mul))
    for dtype in (*INTEGERS, "float32", "float64", "bfloat16"):
        values = np.arange(21).reshape(3, 7) + 1
        x = stepped(values, dtype).on(subject)
        for number in (True, False):
            for text, call in (*ways, ("torch.add", torch.add)):
                wanted = values * number if "mul" in text or text == "*" else values + number
                assert_values(f"{dtype} {text} {number}", call(x, number), wanted, dtype=dtype)
            assert_values(f"{number} * {dtype}", number * x, values * number, dtype=dtype)
            assert_values(f"{dtype} == {number}", x == number, values == number, dtype="bool")
    truth = contiguous(np.array([True, False]), "bool").on(subject)
    assert_values("bool + True", truth + True, np.array([True, True]), dtype="bool")
    assert_values("bool * False", truth * False, np.array([False, False]), dtype="bool")
    assert_values("bool * 2", truth * 2, np.array([2, 0]), dtype="int64")
    assert_values("bool + 1.5", truth + 1.5, np.array([2.5, 1.5]), dtype="float32")


@check("math.numbers")
def test_a_double_of_numpy_is_a_python_number(subject: Subject) -> None:
    """numpy.float64 is a subclass of float: a number, not a tensor of float64."""
    number, values = np.float64(2.0), np.arange(1.0, 8.0)
    for dtype in ("float32", "bfloat16", "float64"):
        x = stepped(values, dtype).on(subject)
        calls: dict[str, tuple[Callable[[], Any], np.ndarray]] = {
            "x + n": (lambda: x + number, values + 2),
            "x - n": (lambda: x - number, values - 2),
            "x * n": (lambda: x * number, values * 2),
            "x / n": (lambda: x / number, values / 2),
            "x ** n": (lambda: x**number, values**2),
            "torch.add(x, n)": (lambda: torch.add(x, number), values + 2),
            "torch.mul(x, n)": (lambda: torch.mul(x, number), values * 2),
            "x.div(n)": (lambda: x.div(number), values / 2),
            "x.pow(n)": (lambda: x.pow(number), values**2),
            "x.clamp(max=n)": (lambda: x.clamp(max=number), np.minimum(values, 2)),
        }
        for text, (call, wanted) in calls.items():
            assert_values(f"{text} of {dtype}, n = numpy.float64(2)", call(), wanted, dtype=dtype)


# shapes of both operands
SHAPES = (((5, 7), (5, 7)), ((5, 7), (7,)), ((5, 1), (7,)), ((5, 7), ()), ((), ()), ((21,), (21,)))
FACTORS = (0.1, -1 / 3, 2.7, 1e-3)


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"math.{name}-alpha")) for name in ("add", "sub")])
def test_a_factor_keeps_its_digits(subject: Subject, name: str) -> None:
    sign = 1 if name == "add" else -1
    for turn, (left, right) in enumerate(SHAPES):
        one = np.arange(int(np.prod(left))).reshape(left) / 8 + 0.5
        two = np.arange(int(np.prod(right))).reshape(right) / 4 - 3.25
        for dtype in ("float64", "float32"):
            for more, alpha in enumerate(FACTORS):
                x, y = LAID[(turn + more) % 4](one, dtype).on(subject), LAID[more % 4](two, dtype).on(subject)
                wanted, scale = one + sign * alpha * two, np.abs(one) + np.abs(alpha * two)
                forms: dict[str, Callable[[], Any]] = {
                    f"torch.{name}": lambda: find(name)(x, y, alpha=alpha),
                    f"x.{name}": lambda: getattr(x, name)(y, alpha=alpha),
                    f"torch.{name} to out=": lambda: find(name)(x, y, alpha=alpha, out=torch.empty_like(x + y)),
                }
                if wanted.shape == left:
                    forms[f"x.{name}_"] = lambda: getattr(x, f"{name}_")(y, alpha=alpha)
                for text, call in forms.items():
                    text = f"{text} of {dtype} {left} and {right}, alpha={alpha}"
                    assert_values(text, call(), wanted, INNER.over(4), scale, dtype=dtype)


@check("math.lerp")
def test_a_weight_that_is_a_number(subject: Subject) -> None:
    for turn, (left, right) in enumerate((*SHAPES, ((7,), (5, 7)), ((2, 3, 2, 3, 2), (3, 2)))):
        start = np.arange(int(np.prod(left))).reshape(left) / 8 + 0.5
        end = np.arange(int(np.prod(right))).reshape(right) / 4 - 3.25
        for dtype in ("float32", "float64"):
            for more, weight in enumerate((0.25, 0.75, -1.0, 2.0, 0.5, 1.0, 0.0)):
                x, y = LAID[(turn + more) % 4](start, dtype).on(subject), LAID[more % 4](end, dtype).on(subject)
                wanted = start + weight * (end - start)
                text = f"lerp of {dtype} {left} and {right} by {weight}"
                for number in (weight, torch.tensor(weight, dtype=x.dtype, device=x.device)):
                    assert_values(f"torch.{text}", torch.lerp(x, y, number), wanted, dtype=dtype)
                    assert_values(f"x.{text}", x.lerp(y, number), wanted, dtype=dtype)
                if wanted.shape == left:
                    out = x.lerp_(y, weight)
                    require(out is x, f"{text} in place returns another tensor", "x")
                    assert_values(f"{text} in place", x, wanted, dtype=dtype)


def _powers(dtype: str) -> Iterator[tuple[np.ndarray, Any]]:
    """Bases and exponents whose powers are exact."""
    whole = np.array([1, 2, 3, 0, 4, 2, 1]) * (1 if dtype == "uint8" else np.array([1, -1, 1, 1, -1, -1, -1]))
    for exponent in (0, 1, 2, 3):
        yield whole, exponent
    if dtype.startswith("float"):
        halves = np.array([0.5, -1.5, 2.0, -0.25, 1.0, -3.0, 4.0])
        yield from ((halves, exponent) for exponent in (0.0, 1.0, 2.0, 3.0, 4, 2, 3))
        binary = np.array([0.5, -2.0, 4.0, -1.0, 1.0, -0.25, 16.0])
        yield from ((binary, exponent) for exponent in (-1, -2, -3, -1.0, -2.0))
        yield from ((np.abs(binary) ** 2, exponent) for exponent in (0.5, -0.5, 1.5))


@check("math.pow-exponents")
def test_powers_of_every_layout(subject: Subject) -> None:
    for dtype in ("float64", "float32", "int64", "int32", "uint8"):
        for turn, (base, exponent) in enumerate(_powers(dtype)):
            with np.errstate(all="ignore"):
                line = (base.astype(np.float64) ** exponent).astype(base.dtype)
            for shape in ((7,), (5, 7), (2, 3, 2, 2, 7)):
                values, wanted = np.broadcast_to(base, shape), np.broadcast_to(line, shape)
                for layout in (LAID[1 + turn % 3], offset):
                    x = layout(values, dtype).on(subject)
                    text = f"of {layout.__name__} {dtype} {shape} to the power of {exponent}"
                    for form, out in (
                        ("torch.pow", torch.pow(x, exponent)),
                        ("x.pow", x.pow(exponent)),
                        ("**", x**exponent),
                    ):
                        assert_values(f"{form} {text}", out, wanted, EXACT, dtype=dtype)
                assert_values(f"x.pow_ {text}", x.pow_(exponent), wanted, EXACT, dtype=dtype)


@check("math.pow")
def test_a_number_to_the_power_of_whole_numbers(subject: Subject) -> None:
    for dtype, bits in (("uint8", 8), ("int8", 7), ("int16", 15), ("int32", 31), ("int64", 63)):
        powers = np.arange(bits)
        for layout in (contiguous, stepped):
            x = layout(powers, dtype).on(subject)
            for form, out in (("torch.pow(2, x)", torch.pow(2, x)), ("2 ** x", 2**x)):
                assert_values(f"{form} of {dtype}", out, np.array([2**n for n in range(bits)]), dtype=dtype)
    x = contiguous(np.arange(40), "int64").on(subject)
    assert_values("3 ** x of int64", 3**x, np.array([3**n for n in range(40)], dtype=np.uint64).astype(np.int64))


@check("math.clamp-mixed-bounds")
def test_one_whole_bound_and_one_broken(subject: Subject) -> None:
    for dtype in ("int64", "int32", "uint8"):
        x = stepped(np.arange(21).reshape(3, 7) % 5, dtype).on(subject)
        for low, high in ((1, 2.5), (0.5, 3), (1.5, None), (None, 2.5)):
            wanted = np.clip(np.arange(21).reshape(3, 7) % 5.0, low, high)
            for text, out in (("torch.clamp", torch.clamp(x, low, high)), ("x.clamp", x.clamp(min=low, max=high))):
                assert_values(f"{text}({dtype}, {low}, {high})", out, wanted, dtype="float32")
    values = np.arange(21.0).reshape(3, 7)
    x = stepped(values, "float32").on(subject)
    low, high = (contiguous(np.array(bound), "float64").on(subject) for bound in (2.5, 9.0))
    for text, out in (("torch.clamp", torch.clamp(x, low, high)), ("x.clamp", x.clamp(min=low, max=high))):
        assert_values(f"{text}(float32, 0-d float64 bounds)", out, np.clip(values, 2.5, 9.0), dtype="float32")


@check("math.where")
def test_where_by_keyword(subject: Subject) -> None:
    values = np.arange(21.0).reshape(3, 7)
    x, y = stepped(values, "float32").on(subject), transposed(-values, "float32").on(subject)
    chosen, wanted = x > 7, np.where(values > 7, values, -values)
    for text, out in (
        ("torch.where(condition=, input=, other=)", torch.where(condition=chosen, input=x, other=y)),
        ("torch.where(c, x, other=)", torch.where(chosen, x, other=y)),
        ("x.where(condition=, other=)", x.where(condition=chosen, other=y)),
        ("x.where(c, other=)", x.where(chosen, other=y)),
    ):
        assert_values(text, out, wanted, dtype="float32")


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"math.{name}")) for name in ("fmod", "remainder")])
def test_nothing_is_left_of_the_least_number_by_minus_one(subject: Subject, name: str) -> None:
    for dtype, least in (("int8", -(2**7)), ("int16", -(2**15))):
        values = np.resize([least, least + 1, 5, least], 21)
        x, y = (layout(v, dtype).on(subject) for layout, v in ((stepped, values), (contiguous, np.full(21, -1))))
        for text, out in (("torch", find(name)(x, y)), ("x", getattr(x, name)(y)), ("number", find(name)(x, -1))):
            assert_values(f"{text}.{name} of {dtype} by -1", out, np.zeros(21), dtype=dtype)

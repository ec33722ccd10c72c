"""Single points of elementwise functions: those that study notes speak of, and those where it is hard."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import FEW_ULPS, smallest_normal
from conformance.oracle import math_hard
from conformance.subject import Subject
from conformance.tables.math_domains import HARD
from conformance.tables.math_functions import FUNCTIONS
from properties.strategies.recipe import contiguous, stepped

pytestmark = must_answer

NAN, INF = math.nan, math.inf


def tensor(subject: Subject, values: object, dtype: str) -> torch.Tensor:
    """A contiguous tensor of these values."""
    return contiguous(np.asarray(values), dtype).on(subject)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@check("math.round-half-up")
def test_halves_go_to_the_even_neighbour(subject: Subject, dtype: str) -> None:
    halves = np.arange(-20.5, 21.0)
    even = np.array([2 * round(float(half) / 2) for half in halves])
    for repeats in (1, 3):
        x = tensor(subject, np.tile(halves, repeats), dtype)
        for call, out in (
            ("torch.round(x)", torch.round(x)),
            ("x.round()", x.round()),
            ("x.round_()", x.clone().round_()),
        ):
            assert_values(call, out, np.tile(even, repeats), dtype=dtype)


@check("math.cos-sin")
def test_cosine_and_sine_take_radians(subject: Subject) -> None:
    turns = np.arange(-8, 9) * (math.pi / 2)
    x = tensor(subject, turns, "float64")
    sine, cosine = np.array([math.sin(turn) for turn in turns]), np.array([math.cos(turn) for turn in turns])
    assert_values("torch.sin(x)", torch.sin(x), sine, FEW_ULPS, dtype="float64")
    assert_values("torch.cos(x)", torch.cos(x), cosine, FEW_ULPS, dtype="float64")
    assert_values("x.sin()", x.sin(), sine, FEW_ULPS, dtype="float64")
    assert_values("x.cos()", x.cos(), cosine, FEW_ULPS, dtype="float64")


EQUAL: tuple[tuple[Any, str, Any, str, bool], ...] = (
    ([1.0, 2.0], "float32", [1.0, 2.0], "float32", True),
    ([1.0, 2.0], "float32", [1.0, 3.0], "float32", False),
    ([[1.0, 2.0]], "float32", [1.0, 2.0], "float32", False),
    ([1.0, 1.0], "float32", [1.0], "float32", False),
    ([NAN, 1.0], "float32", [NAN, 1.0], "float32", False),
    ([0.0], "float32", [-0.0], "float32", True),
    ([INF], "float64", [INF], "float64", True),
    ([], "float32", [], "float32", True),
    ([3], "int64", [3], "int64", True),
    ([True, False], "bool", [True, True], "bool", False),
    ([1 + 2j], "complex64", [1 + 2j], "complex64", True),
    ([1 + 2j], "complex64", [1 - 2j], "complex64", False),
)


@check("math.equal")
def test_equal_is_one_bool(subject: Subject) -> None:
    for a, kind, b, other, expected in EQUAL:
        x, y = tensor(subject, a, kind), tensor(subject, b, other)
        for call, found in (("torch.equal(x, y)", torch.equal(x, y)), ("x.equal(y)", x.equal(y))):
            require(found is expected, f"{call} of {a} and {b} is {found!r}", expected, found)


@check("math.equal")
def test_equal_sees_every_element(subject: Subject) -> None:
    values = np.arange(12.0).reshape(3, 4)
    for layout in (contiguous, stepped):
        x = layout(values, "float32").on(subject)
        lost = layout(np.where(values == 5, NAN, values), "float32").on(subject)
        require(torch.equal(lost, lost) is False, "torch.equal(x, x) with a NaN is True", False, True)
        require(torch.equal(x, x) is True, "torch.equal(x, x) is False", True, False)
        require(torch.equal(x, x.clone()) is True, "torch.equal(x, x.clone()) is False", True, False)
        for place in range(12):
            other = values.copy()
            other.ravel()[place] += 1
            found = torch.equal(x, tensor(subject, other, "float32"))
            require(found is False, f"torch.equal misses the difference at element {place}", False, found)
    long = np.zeros(40_001)
    changed = long.copy()
    changed[-1] = 1
    found = torch.equal(tensor(subject, long, "float32"), tensor(subject, changed, "float32"))
    require(found is False, "torch.equal misses the last of 40001 elements", False, found)


@check("math.lerp-start-keyword")
def test_the_first_parameter_of_lerp_is_input(subject: Subject) -> None:
    x, y = tensor(subject, [0.0, 1.0, -2.0], "float32"), tensor(subject, [4.0, 3.0, 2.0], "float32")
    for name in ("start", "star"):
        assert_raises(
            f"torch.lerp({name}=x, end=y, weight=0.5)", TypeError, lambda: torch.lerp(end=y, weight=0.5, **{name: x})
        )
    for weight, expected in (
        (0.5, [2.0, 2.0, 0.0]),
        (0.25, [1.0, 1.5, -1.0]),
        (2.0, [8.0, 5.0, 6.0]),
        (-1.0, [-4.0, -1.0, -6.0]),
    ):
        out = torch.lerp(input=x, end=y, weight=weight)
        assert_values(f"torch.lerp(input=x, end=y, weight={weight})", out, np.array(expected), dtype="float32")
        assert_values(f"x.lerp(y, {weight})", x.lerp(y, weight), np.array(expected), dtype="float32")
        assert_values(f"x.lerp_(y, {weight})", x.clone().lerp_(y, weight), np.array(expected), dtype="float32")


@check("math.sigmod-name")
def test_there_is_no_sigmod(subject: Subject) -> None:
    x, spelled = tensor(subject, [0.0], "float32"), "sigmod"
    assert_raises("torch.sigmod", AttributeError, lambda: getattr(torch, spelled)(x))
    assert_raises("x.sigmod", AttributeError, lambda: getattr(x, spelled)())
    assert_values("torch.sigmoid(x)", torch.sigmoid(x), np.array([0.5]), dtype="float32")


@check("math.max-needs-a-tensor")
def test_a_number_beside_a_tensor_is_a_dimension(subject: Subject) -> None:
    x = tensor(subject, [[1.0, 5.0], [4.0, 2.0]], "float32")
    for name in ("max", "min"):
        pick = np.max if name == "max" else np.min
        values = getattr(torch, name)(x, 1)[0]
        assert_values(
            f"torch.{name}(x, 1)[0]", values, pick(np.array([[1.0, 5.0], [4.0, 2.0]]), axis=1), dtype="float32"
        )
        assert_raises(f"torch.{name}(x, 3)", IndexError, lambda: getattr(torch, name)(x, 3))


CLOSE: tuple[tuple[Any, Any, dict[str, Any], list[bool]], ...] = (
    ([1.0, 1.0, 1.0, 0.0, 0.0], [1.0, 1.00001, 1.001, 1e-8, 1e-7], {}, [True, True, False, True, False]),
    ([100.0, 1.0, -1.0], [101.0, 2.0, 1.0], {"rtol": 0.1}, [True, False, False]),
    ([1.0, 10.0], [1.25, 10.5], {"rtol": 0.0, "atol": 0.25}, [True, False]),
    ([1.0], [2.0], {"rtol": 0.5, "atol": 0.0}, [True]),
    ([2.0], [1.0], {"rtol": 0.5, "atol": 0.0}, [False]),
    ([INF, INF, -INF, NAN, NAN], [INF, -INF, -INF, NAN, 1.0], {}, [True, False, True, False, False]),
    ([NAN, NAN, INF], [NAN, 1.0, NAN], {"equal_nan": True}, [True, False, False]),
    ([1e300, INF], [INF, 1e300], {}, [False, False]),
    ([0.0], [1e-7], {}, [False]),
    ([0.0], [9e-9], {}, [True]),
    ([INF], [-INF], {}, [False]),
    ([-INF, 1.0], [-INF, 1.0], {}, [True, True]),
    ([NAN], [NAN], {"equal_nan": True}, [True]),
    ([NAN], [NAN], {}, [False]),
    ([1.0], [1.1], {"atol": 0.2}, [True]),
    ([10.0], [10.5], {"rtol": 0.1}, [True]),
)


@check("math.isclose")
def test_isclose_and_allclose(subject: Subject) -> None:
    subject.require("float64")
    for a, b, arguments, expected in CLOSE:
        x, y = tensor(subject, a, "float64"), tensor(subject, b, "float64")
        p, q = (stepped(np.asarray(values), "float64").on(subject) for values in (a, b))
        for call, out in (
            ("torch.isclose", torch.isclose(x, y, **arguments)),
            ("x.isclose", x.isclose(y, **arguments)),
            ("torch.isclose, strided,", torch.isclose(p, q, **arguments)),
        ):
            assert_values(f"{call} of {a} and {b}, {arguments}", out, np.array(expected), dtype="bool")
        for call, found in (
            ("torch.allclose", torch.allclose(x, y, **arguments)),
            ("x.allclose", x.allclose(y, **arguments)),
        ):
            require(found is all(expected), f"{call} of {a} and {b}, {arguments} is {found!r}", all(expected), found)
    whole = tensor(subject, [3, 4], "int64")
    assert_values(
        "torch.isclose of int64",
        torch.isclose(whole, whole + tensor(subject, [0, 1], "int64")),
        np.array([True, False]),
    )
    assert_raises("torch.isclose with rtol < 0", RuntimeError, lambda: torch.isclose(whole, whole, rtol=-1.0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@check("math.frexp")
def test_frexp_takes_numbers_apart(subject: Subject, dtype: str) -> None:
    values = np.array(
        [0.0, -0.0, 1.0, -1.0, 0.75, 3.0, -7.5, 1e10, 1e-10, smallest_normal(dtype), INF, -INF, NAN]
    ).astype(dtype)
    for layout in (contiguous, stepped):
        mantissa, exponent = torch.frexp(layout(values, dtype).on(subject))
        expected, powers = np.frexp(values)
        finite = np.isfinite(values)
        assert_values("torch.frexp(x).mantissa", mantissa, expected, dtype=dtype, signed_zeros=True)
        found = host.array(assert_tensor("torch.frexp(x).exponent", exponent, "int32", values.shape))
        require(
            (found[finite] == powers[finite]).all(), "torch.frexp(x).exponent is wrong", powers[finite], found[finite]
        )
    assert_raises("torch.frexp of int64", RuntimeError, lambda: torch.frexp(tensor(subject, [1, 2], "int64")))


@check("math.hard-points")
def test_elementary_functions_where_they_are_hard(subject: Subject) -> None:
    subject.require("float64")
    for name in math_hard.REAL:
        values = np.array(HARD.get(name, (0.1, 2.0)))
        expected = math_hard.exact(name, values)
        with np.errstate(invalid="ignore"):
            size = np.abs(expected)
            kept = ~((size > 0) & (size < 4 * smallest_normal("float64")) | (np.isfinite(size) & (size > 1e308)))
        row = FUNCTIONS[name]
        scale = np.maximum(1.0, size[kept].astype(np.float64)) if row.scale else None
        for repeats in (1, 8):
            x = tensor(subject, np.tile(values[kept], repeats), "float64")
            tiled = None if scale is None else np.tile(scale, repeats)
            out = getattr(torch, name)(x)
            assert_values(
                f"torch.{name} at hard points", out, np.tile(expected[kept], repeats), row.error, tiled, dtype="float64"
            )

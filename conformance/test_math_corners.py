"""Corners of arithmetic: overflow, division by zero, powers, far quotients, bounds that cross or are NaN."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values
from conformance.check import check, must_answer
from conformance.dtypes import INTEGERS
from conformance.numerics import EXACT, FAITHFUL, FEW_ULPS
from conformance.subject import Subject
from properties.strategies.recipe import contiguous

pytestmark = must_answer

NAN, INF = math.nan, math.inf


def tensor(subject: Subject, values: object, dtype: str) -> torch.Tensor:
    """A contiguous tensor of these values."""
    return contiguous(np.asarray(values), dtype).on(subject)


@pytest.mark.parametrize("dtype", INTEGERS)
@check("math.integer-overflow-wraps")
def test_integers_wrap(subject: Subject, dtype: str) -> None:
    limits, size = np.iinfo(dtype), 40
    top, least = np.full(size, limits.max, dtype), np.full(size, limits.min, dtype)
    x, y = tensor(subject, top, dtype), tensor(subject, least, dtype)
    doubled = np.full(size, 254 if dtype == "uint8" else -2)
    calls = (
        ("x + 1", lambda: x + 1, least),
        ("y - 1", lambda: y - 1, top),
        ("x.add(x)", lambda: x.add(x), doubled),
        ("x * 2", lambda: x * 2, doubled),
        ("-y", lambda: -y, least),
        ("abs(y)", lambda: abs(y), least),
        ("x.add_(1)", lambda: x.clone().add_(1), least),
        ("torch.square(x)", lambda: torch.square(x), np.full(size, 1)),
        ("x ** 2", lambda: x**2, np.full(size, 1)),
    )
    for call, action, expected in calls:
        assert_values(f"{call} of the extreme {dtype}", action(), expected, dtype=dtype)


@pytest.mark.parametrize("dtype", INTEGERS)
@check("math.integer-division-by-zero")
def test_integer_division_by_zero_raises(subject: Subject, dtype: str) -> None:
    subject.require_feature("host_memory")  # elsewhere the result is undefined instead
    x, zero = tensor(subject, np.arange(1, 8), dtype), tensor(subject, [1, 1, 0, 1, 1, 1, 1], dtype)
    before = Unchanged(x=x, zero=zero)
    for divisor, text in ((zero, "zero"), (0, "0")):
        for call, action in (
            ("torch.floor_divide(x, {})", lambda y: torch.floor_divide(x, y)),
            ("torch.div(x, {}, rounding_mode='floor')", lambda y: torch.div(x, y, rounding_mode="floor")),
            ("torch.div(x, {}, rounding_mode='trunc')", lambda y: torch.div(x, y, rounding_mode="trunc")),
            ("torch.remainder(x, {})", lambda y: torch.remainder(x, y)),
            ("torch.fmod(x, {})", lambda y: torch.fmod(x, y)),
            ("x // {}", lambda y: x // y),
            ("x % {}", lambda y: x % y),
        ):
            assert_raises(f"{call.format(text)} of {dtype}", RuntimeError, lambda: action(divisor))
            before.check(call)
    quotient = np.array([1, 2, np.inf, 4, 5, 6, 7])
    assert_values(f"x / zero of {dtype}", x / zero, quotient, dtype="float32")


@pytest.mark.parametrize("dtype", INTEGERS)
@check("math.integer-negative-power")
def test_integers_have_no_negative_powers(subject: Subject, dtype: str) -> None:
    x = tensor(subject, [1, 2, 3], dtype)
    for call, action in (
        ("x ** -1", lambda: x**-1),
        ("torch.pow(x, -2)", lambda: torch.pow(x, -2)),
        ("x.pow(-1)", lambda: x.pow(-1)),
        ("x.pow_(-1)", lambda: x.pow_(-1)),
    ):
        before = Unchanged(x=x)
        assert_raises(f"{call} of {dtype}", RuntimeError, action)
        before.check(call)
    assert_values(f"x ** -1.0 of {dtype}", x**-1.0, np.array([1, 0.5, 1 / 3]), FEW_ULPS, dtype="float32")


@check("math.fmod-large-quotient")
def test_the_remainder_of_a_far_larger_number(subject: Subject) -> None:
    subject.require("float64")
    x, y = np.full(64, 1e308), np.full(64, 3.0)
    small = np.full(64, 2.0**-1060)
    for name in ("fmod", "remainder"):
        for divisor in (y, small):
            out = getattr(torch, name)(tensor(subject, x, "float64"), tensor(subject, divisor, "float64"))
            assert_values(f"torch.{name}(1e308, {divisor[0]:g})", out, np.fmod(x, divisor), dtype="float64")


@check("math.clamp-needs-a-bound")
def test_clamp_needs_a_bound(subject: Subject) -> None:
    x = tensor(subject, [1.0, 2.0], "float32")
    for call, action in (
        ("torch.clamp(x)", lambda: torch.clamp(x)),
        ("x.clamp()", lambda: x.clamp()),
        ("x.clamp_()", lambda: x.clamp_()),
        ("torch.clip(x)", lambda: torch.clip(x)),
    ):
        before = Unchanged(x=x)
        assert_raises(call, (RuntimeError, ValueError, TypeError), action)
        before.check(call)


@check("math.clamp-mixed-bounds")
def test_bounds_of_clamp(subject: Subject) -> None:
    values = np.array([-3.0, -0.5, 0.0, 0.5, 2.0, 7.0, INF, -INF, NAN] * 3)
    x = tensor(subject, values, "float32")
    cases: list[tuple[dict[str, Any], np.ndarray]] = [
        ({"min": 0.25, "max": None}, np.maximum(values, 0.25)),
        ({"min": None, "max": 0.25}, np.minimum(values, 0.25)),
        ({"min": 5.0, "max": -5.0}, np.where(np.isnan(values), NAN, -5.0)),
        ({"min": -INF, "max": INF}, values),
    ]
    for arguments, expected in cases:
        assert_values(f"torch.clamp(x, {arguments})", torch.clamp(x, **arguments), expected, dtype="float32")
    whole = tensor(subject, [-3, 0, 3], "int32")
    assert_values(
        "torch.clamp(int32, -1.5, 1.5)", torch.clamp(whole, -1.5, 1.5), np.array([-1.5, 0, 1.5]), dtype="float32"
    )
    assert_values("torch.clamp(int32, -1, 1)", torch.clamp(whole, -1, 1), np.array([-1, 0, 1]), dtype="int32")


@check("math.clamp-nan-bounds")
def test_a_bound_that_is_nan(subject: Subject) -> None:
    x = tensor(subject, [-3.0, 0.0, 7.0, INF] * 9, "float32")
    bounds: list[dict[str, Any]] = [{"min": NAN}, {"max": NAN}, {"min": NAN, "max": 1.0}]
    for arguments in bounds:
        assert_values(f"torch.clamp(x, {arguments})", torch.clamp(x, **arguments), np.full(36, NAN), dtype="float32")


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int64"])
@check("math.pow-exponents")
def test_python_exponents(subject: Subject, dtype: str) -> None:
    values = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 0.1]) if dtype != "int64" else np.arange(9)
    values = values + 0.5j if dtype == "complex64" else values
    for count in (9, 45):
        x = tensor(subject, np.tile(values, count // 9), dtype)
        held = host.array(x)
        wide = held.astype(
            {"float32": np.float64, "float64": np.longdouble, "complex64": np.complex128, "int64": np.int64}[dtype]
        )
        for exponent in (0, 1, 2, 3, 4, 7) if dtype == "int64" else (0, 0.5, 1, 2, 3, 4, -0.5, -1, -2, -3, 1.5, 0.3):
            expected = wide**exponent
            error = EXACT if dtype == "int64" else FEW_ULPS
            for call, action in (
                ("x ** {}", lambda e: x**e),
                ("torch.pow(x, {})", lambda e: torch.pow(x, e)),
                ("x.pow({})", lambda e: x.pow(e)),
            ):
                assert_values(call.format(exponent), action(exponent), expected, error, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@check("math.identities-of-zero")
def test_zero_infinity_and_nan(subject: Subject, dtype: str) -> None:
    x = tensor(subject, [NAN, INF, -INF, 0.0, -0.0, 1.0, -3.0] * 5, dtype)
    one = np.ones(35)
    for call, out in (("x ** 0", x**0), ("x ** 0.0", x**0.0), ("torch.pow(x, y), y 0", torch.pow(x, x.new_zeros(35)))):
        assert_values(call, out, one, dtype=dtype)
    assert_values("1 ** x", 1**x, one, dtype=dtype)
    zero, infinite = tensor(subject, np.zeros(33), dtype), tensor(subject, np.full(33, INF), dtype)
    nans = {
        "0 * inf": zero * infinite,
        "inf - inf": infinite - infinite,
        "0 / 0": zero / zero,
        "inf / inf": infinite / infinite,
        "0 % 0": zero % zero,
        "fmod(inf, 1)": torch.fmod(infinite, 1),
        "sqrt(-inf)": torch.sqrt(-infinite),
        "sin(inf)": infinite.sin(),
    }
    for call, out in nans.items():
        assert_values(call, out, np.full(33, NAN), dtype=dtype)
    infinities = {"1 / 0": (1 / zero, INF), "1 / -0": (1 / -zero, -INF), "-1 / 0": (-1 / zero, -INF)}
    for call, (out, expected) in {**infinities, "log(0)": (zero.log(), -INF)}.items():
        assert_values(call, out, np.full(33, expected), FAITHFUL, dtype=dtype)


@check("math.where-numbers")
def test_where_takes_numbers(subject: Subject) -> None:
    condition = tensor(subject, [True, False, True] * 11, "bool")
    x = tensor(subject, np.arange(33), "float32")
    picked = np.array([True, False, True] * 11)
    for call, out, expected, dtype in (
        ("torch.where(c, x, 2.5)", torch.where(condition, x, 2.5), np.where(picked, np.arange(33), 2.5), "float32"),
        ("torch.where(c, -1.0, x)", torch.where(condition, -1.0, x), np.where(picked, -1.0, np.arange(33)), "float32"),
        ("torch.where(c, 1.0, 2.0)", torch.where(condition, 1.0, 2.0), np.where(picked, 1.0, 2.0), "float32"),
        ("torch.where(c, 1, 2)", torch.where(condition, 1, 2), np.where(picked, 1, 2), "int64"),
    ):
        assert_values(call, out, expected, dtype=dtype)


@check("math.alpha-kind")
def test_alpha_has_the_kind_of_the_operands(subject: Subject) -> None:
    x, y = tensor(subject, [1, 2, 3], "int32"), tensor(subject, [4, 5, 6], "int32")
    for name in ("add", "sub"):
        before = Unchanged(x=x, y=y)
        assert_raises(
            f"torch.{name}(int32, int32, alpha=0.5)", RuntimeError, lambda: getattr(torch, name)(x, y, alpha=0.5)
        )
        assert_raises(f"x.{name}_(y, alpha=0.5)", RuntimeError, lambda: getattr(x, f"{name}_")(y, alpha=0.5))
        before.check(f"torch.{name} with a fractional alpha")
    z = tensor(subject, [0.5, 1.0, 1.5], "float32")
    assert_values(
        "torch.add(x, z, alpha=0.5)", torch.add(z, z, alpha=0.5), np.array([0.75, 1.5, 2.25]), dtype="float32"
    )


@check("math.rounding-mode-names")
def test_rounding_modes_have_two_names(subject: Subject) -> None:
    x, y = tensor(subject, [7.0, -7.0], "float32"), tensor(subject, [2.0, 2.0], "float32")
    before = Unchanged(x=x, y=y)
    for mode in ("up", "", "Floor", "round"):
        call = f"torch.div(x, y, rounding_mode={mode!r})"
        assert_raises(call, RuntimeError, lambda: torch.div(x, y, rounding_mode=mode))
        assert_raises(call, RuntimeError, lambda: x.div_(y, rounding_mode=mode))
        before.check(call)
    assert_values("torch.div(x, y, rounding_mode=None)", torch.div(x, y, rounding_mode=None), np.array([3.5, -3.5]))


@check("math.same-dtype")
def test_functions_that_do_not_promote(subject: Subject) -> None:
    subject.require("float64")
    x, y = tensor(subject, [1.0, 2.0], "float32"), tensor(subject, [3.0, 4.0], "float64")
    for call, action in (
        ("torch.lerp(x, y, 0.5)", lambda: torch.lerp(x, y, 0.5)),
        ("torch.heaviside(x, y)", lambda: torch.heaviside(x, y)),
        ("torch.complex(x, y)", lambda: torch.complex(x, y)),
        ("torch.polar(x, y)", lambda: torch.polar(x, y)),
    ):
        before = Unchanged(x=x, y=y)
        assert_raises(f"{call} of float32 and float64", RuntimeError, action)
        before.check(call)

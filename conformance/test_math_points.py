"""Single points of elementwise functions: what the notes speak of, and the corners where implementations differ."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import INTEGERS
from conformance.functions_math import FUNCTIONS
from conformance.numerics import EXACT, FAITHFUL, FEW_ULPS, smallest_normal
from conformance.oracle import math_hard
from conformance.samples_math import HARD
from conformance.subject import Subject
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


EQUAL = (
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
    x = tensor(subject, [0.0], "float32")
    assert_raises("torch.sigmod", AttributeError, lambda: torch.sigmod(x))
    assert_raises("x.sigmod", AttributeError, lambda: x.sigmod())
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


@pytest.mark.parametrize("dtype", INTEGERS)
@check("math.integer-overflow-wraps")
def test_integers_wrap(subject: Subject, dtype: str) -> None:
    limits, size = np.iinfo(dtype), 40
    top, least = np.full(size, limits.max, dtype), np.full(size, limits.min, dtype)
    x, y = tensor(subject, top, dtype), tensor(subject, least, dtype)
    last = -1 if limits.min < 0 else 1
    calls = (
        ("x + 1", lambda: x + 1, least),
        ("y - 1", lambda: y - 1, top),
        (
            "x.add(x)",
            lambda: x.add(x),
            np.full(size, limits.max * 2 % (limits.max - limits.min + 1)) if last == 1 else np.full(size, -2),
        ),
        ("x * 2", lambda: x * 2, np.full(size, limits.max - 1 if last == 1 else -2)),
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
    for arguments, expected in (
        ({"min": 0.25, "max": None}, np.maximum(values, 0.25)),
        ({"min": None, "max": 0.25}, np.minimum(values, 0.25)),
        ({"min": 5.0, "max": -5.0}, np.where(np.isnan(values), NAN, -5.0)),
        ({"min": -INF, "max": INF}, values),
    ):
        assert_values(f"torch.clamp(x, {arguments})", torch.clamp(x, **arguments), expected, dtype="float32")
    whole = tensor(subject, [-3, 0, 3], "int32")
    assert_values(
        "torch.clamp(int32, -1.5, 1.5)", torch.clamp(whole, -1.5, 1.5), np.array([-1.5, 0, 1.5]), dtype="float32"
    )
    assert_values("torch.clamp(int32, -1, 1)", torch.clamp(whole, -1, 1), np.array([-1, 0, 1]), dtype="int32")


@check("math.clamp-nan-bounds")
def test_a_bound_that_is_nan(subject: Subject) -> None:
    x = tensor(subject, [-3.0, 0.0, 7.0, INF] * 9, "float32")
    for arguments in ({"min": NAN}, {"max": NAN}, {"min": NAN, "max": 1.0}):
        assert_values(f"torch.clamp(x, {arguments})", torch.clamp(x, **arguments), np.full(36, NAN), dtype="float32")


CLOSE = (
    ([1.0, 1.0, 1.0, 0.0, 0.0], [1.0, 1.00001, 1.001, 1e-8, 1e-7], {}, [True, True, False, True, False]),
    ([100.0, 1.0, -1.0], [101.0, 2.0, 1.0], {"rtol": 0.1}, [True, False, False]),
    ([1.0, 10.0], [1.25, 10.5], {"rtol": 0.0, "atol": 0.25}, [True, False]),
    ([1.0], [2.0], {"rtol": 0.5, "atol": 0.0}, [True]),
    ([2.0], [1.0], {"rtol": 0.5, "atol": 0.0}, [False]),
    ([INF, INF, -INF, NAN, NAN], [INF, -INF, -INF, NAN, 1.0], {}, [True, False, True, False, False]),
    ([NAN, NAN, INF], [NAN, 1.0, NAN], {"equal_nan": True}, [True, False, False]),
    ([1e300, INF], [INF, 1e300], {}, [False, False]),
)


@check("math.isclose")
def test_isclose_and_allclose(subject: Subject) -> None:
    subject.require("float64")
    for a, b, arguments, expected in CLOSE:
        x, y = tensor(subject, a, "float64"), tensor(subject, b, "float64")
        for call, out in (
            ("torch.isclose", torch.isclose(x, y, **arguments)),
            ("x.isclose", x.isclose(y, **arguments)),
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
    nan = np.full(33, NAN)
    for call, out in (
        ("0 * inf", zero * infinite), ("inf - inf", infinite - infinite), ("0 / 0", zero / zero), ("inf / inf", infinite / infinite),
        ("0 % 0", zero % zero), ("fmod(inf, 1)", torch.fmod(infinite, 1)), ("sqrt(-inf)", torch.sqrt(-infinite)), ("sin(inf)", infinite.sin()),
    ):  # fmt: skip
        assert_values(call, out, nan, dtype=dtype)
    for call, out, expected in (
        ("1 / 0", 1 / zero, INF),
        ("1 / -0", 1 / -zero, -INF),
        ("-1 / 0", -1 / zero, -INF),
        ("log(0)", zero.log(), -INF),
    ):
        assert_values(call, out, np.full(33, expected), FAITHFUL, dtype=dtype)

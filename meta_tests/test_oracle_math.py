"""The oracle of elementwise functions, worked out a second way: by mpmath, by fractions, by Python's own arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from conformance.dtypes import DTYPES
from conformance.oracle import math_hard, math_promotion
from conformance.oracle.math import ALIASES, ELEMENTWISE
from conformance.tables.math_domains import DOMAINS, HARD
from conformance.tables.math_functions import FUNCTIONS
from conformance.tables.math_samples import sample
from properties.strategies.values import interesting

WHOLE = np.array([-128, -100, -7, -3, -2, -1, 0, 1, 2, 3, 5, 7, 64, 100, 127], np.int8)
REAL = np.array([-7.5, -2.5, -1.5, -1.0, -0.5, -0.0, 0.0, 0.25, 0.5, 1.0, 1.5, 2.5, 3.0, 10.0])
PAIRS = [(a, b) for a in WHOLE.tolist() for b in WHOLE.tolist()]


def wrapped(value: int) -> int:
    """An integer as int8 holds it."""
    return (value + 128) % 256 - 128


@pytest.mark.parametrize("name", list(math_hard.REAL))
def test_elementary_functions_agree_with_mpmath(name: str) -> None:
    values = np.array(
        [
            x
            for x in (*interesting("float64", finite=True), *HARD.get(name, ()))
            if abs(x) < 700 and 0 != abs(x) > 1e-300
        ]
    )
    with np.errstate(all="ignore"):
        expected = math_hard.exact(name, values)
        found = ELEMENTWISE[name](values)
        # Long double has 64 bits; its functions are right to a few units in its last place. sinc alone loses more near
        # whole numbers, as it should: it is measured on the scale of 1.
        scale = np.maximum(np.abs(expected), 1) if name in ("sinc", "sin", "cos", "tan") else np.abs(expected)
        near = (
            (np.abs(found - expected) <= scale * 2.0**-60)
            | (found == expected)
            | (np.isnan(found) & np.isnan(expected))
        )
    assert near.all(), (values[~near], found[~near], expected[~near])


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("add", lambda a, b: wrapped(a + b)),
        ("sub", lambda a, b: wrapped(a - b)),
        ("rsub", lambda a, b: wrapped(b - a)),
        ("mul", lambda a, b: wrapped(a * b)),
        ("bitwise_and", lambda a, b: a & b),
        ("bitwise_or", lambda a, b: a | b),
        ("bitwise_xor", lambda a, b: a ^ b),
        ("maximum", max),
        ("minimum", min),
        ("fmax", max),
        ("fmin", min),
        ("eq", lambda a, b: a == b),
        ("ne", lambda a, b: a != b),
        ("lt", lambda a, b: a < b),
        ("le", lambda a, b: a <= b),
        ("gt", lambda a, b: a > b),
        ("ge", lambda a, b: a >= b),
        ("logical_and", lambda a, b: bool(a) and bool(b)),
        ("logical_or", lambda a, b: bool(a) or bool(b)),
        ("logical_xor", lambda a, b: bool(a) != bool(b)),
        ("heaviside", lambda a, b: b if a == 0 else int(a > 0)),
    ],
)
def test_integer_functions_agree_with_python(name: str, second: object) -> None:
    x, y = (np.array(part, np.int8) for part in zip(*PAIRS, strict=True))
    assert ELEMENTWISE[name](x, y).tolist() == [second(a, b) for a, b in PAIRS]


def test_integer_division_agrees_with_fractions() -> None:
    pairs = [(a, b) for a, b in PAIRS if b != 0 and (a, b) != (-128, -1)]
    x, y = (np.array(part, np.int8) for part in zip(*pairs, strict=True))
    floors = [math.floor(Fraction(a, b)) for a, b in pairs]
    cuts = [math.trunc(Fraction(a, b)) for a, b in pairs]
    assert ELEMENTWISE["floor_divide"](x, y).tolist() == floors
    assert ELEMENTWISE["div"](x, y, rounding_mode="floor").tolist() == floors
    assert ELEMENTWISE["div"](x, y, rounding_mode="trunc").tolist() == cuts
    assert ELEMENTWISE["remainder"](x, y).tolist() == [a - b * q for (a, b), q in zip(pairs, floors, strict=True)]
    assert ELEMENTWISE["fmod"](x, y).tolist() == [a - b * q for (a, b), q in zip(pairs, cuts, strict=True)]
    assert ELEMENTWISE["div"](x, y).tolist() == [a / b for a, b in pairs]


def test_real_division_agrees_with_fractions() -> None:
    pairs = [(a, b) for a in REAL.tolist() for b in REAL.tolist() if b != 0]
    x, y = (np.array(part) for part in zip(*pairs, strict=True))
    for name, whole in (("floor_divide", math.floor), ("div", math.trunc)):
        expected = [float(whole(Fraction(a) / Fraction(b))) for a, b in pairs]
        given = {"rounding_mode": "trunc"} if name == "div" else {}
        assert ELEMENTWISE[name](x, y, **given).astype(float).tolist() == expected
    left = [float(Fraction(a) - Fraction(b) * math.floor(Fraction(a) / Fraction(b))) for a, b in pairs]
    cut = [float(Fraction(a) - Fraction(b) * math.trunc(Fraction(a) / Fraction(b))) for a, b in pairs]
    assert ELEMENTWISE["remainder"](x, y).astype(float).tolist() == left
    assert ELEMENTWISE["fmod"](x, y).astype(float).tolist() == cut


def test_powers_shifts_and_divisors_agree_with_python() -> None:
    pairs = [(a, b) for a, b in PAIRS if 0 <= b < 7]
    x, y = (np.array(part, np.int8) for part in zip(*pairs, strict=True))
    assert ELEMENTWISE["pow"](x, y).tolist() == [wrapped(a**b) for a, b in pairs]
    assert ELEMENTWISE["bitwise_left_shift"](x, y).tolist() == [wrapped(a << b) for a, b in pairs]
    assert ELEMENTWISE["bitwise_right_shift"](x, y).tolist() == [a >> b for a, b in pairs]
    kept = [(a, b) for a, b in PAIRS if -128 not in (a, b)]
    x, y = (np.array(part, np.int8) for part in zip(*kept, strict=True))
    divisors = ELEMENTWISE["gcd"](x, y).tolist()
    assert all(d >= 0 and (a % d == b % d == 0 if d else a == b == 0) for (a, b), d in zip(kept, divisors, strict=True))
    assert ELEMENTWISE["lcm"](x, y).tolist() == [
        wrapped(abs(a * b) // d if d else 0) for (a, b), d in zip(kept, divisors, strict=True)
    ]


def test_rounding_agrees_with_python() -> None:
    for name, second in (("floor", math.floor), ("ceil", math.ceil), ("trunc", math.trunc), ("round", round)):
        assert ELEMENTWISE[name](REAL).astype(float).tolist() == [float(second(x)) for x in REAL.tolist()]
        assert ELEMENTWISE[name](WHOLE) is WHOLE
    assert ELEMENTWISE["frac"](REAL).astype(float).tolist() == [math.modf(x)[0] for x in REAL.tolist()]
    assert ELEMENTWISE["round"](np.array([1.25, 123.0, 7.77]), 1).astype(float).tolist() == [1.2, 123.0, 7.8]
    assert ELEMENTWISE["round"](np.array([125.0, 135.0, -44.0]), -1).astype(float).tolist() == [120.0, 140.0, -40.0]
    assert [math.copysign(1, x) for x in ELEMENTWISE["round"](np.array([-0.4, 0.4])).tolist()] == [-1, 1]


def test_signs() -> None:
    assert ELEMENTWISE["abs"](WHOLE).tolist() == [wrapped(abs(x)) for x in WHOLE.tolist()]
    assert ELEMENTWISE["neg"](WHOLE).tolist() == [wrapped(-x) for x in WHOLE.tolist()]
    assert ELEMENTWISE["sign"](REAL).tolist() == [(x > 0) - (x < 0) for x in REAL.tolist()]
    assert np.allclose(ELEMENTWISE["sgn"](np.array([3 + 4j, 0j])).astype(complex), [0.6 + 0.8j, 0j])
    assert ELEMENTWISE["signbit"](REAL).tolist() == [math.copysign(1, x) < 0 for x in REAL.tolist()]
    found = ELEMENTWISE["copysign"](REAL[:, None], REAL[None, :]).astype(float)
    assert found.tolist() == [[math.copysign(a, b) for b in REAL.tolist()] for a in REAL.tolist()]


def test_clamp_and_nan_to_num() -> None:
    nan, inf = math.nan, math.inf
    x = np.array([-5.0, 0.5, 7.0, nan, inf, -inf])
    assert str(ELEMENTWISE["clamp"](x, 0, 1).astype(float).tolist()) == "[0.0, 0.5, 1.0, nan, 1.0, 0.0]"
    assert str(ELEMENTWISE["clamp"](x, 3, 1).astype(float).tolist()) == "[1.0, 1.0, 1.0, nan, 1.0, 1.0]"
    assert np.isnan(ELEMENTWISE["clamp"](x, np.array(nan), np.array(1.0)).astype(float)).all()
    top = float(np.finfo(np.float32).max)
    narrow = x.astype(np.float32)
    assert ELEMENTWISE["nan_to_num"](narrow, dtype="float32").tolist() == [-5.0, 0.5, 7.0, 0.0, top, -top]
    assert ELEMENTWISE["nan_to_num"](narrow, 1.0, 2.0, 3.0).tolist() == [-5.0, 0.5, 7.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_nextafter_leaves_no_number_out(dtype: str) -> None:
    values = interesting(dtype, finite=True)
    up = ELEMENTWISE["nextafter"](values, np.full_like(values, np.inf), dtype=dtype)
    with np.errstate(over="ignore"):
        back = ELEMENTWISE["nextafter"](up, values, dtype=dtype)
    assert ((up > values) & (back == values)).all()
    facts = DTYPES[dtype]
    one = ELEMENTWISE["nextafter"](np.array([1, 0], facts.host), np.array([2, 1], facts.host), dtype=dtype)
    assert one.astype(float).tolist() == [1 + facts.epsilon, 2.0 ** (facts.emin - facts.precision + 1)]


def test_special_functions_agree_with_python_and_each_other() -> None:
    x = np.array([-3.3, -1.0, -0.2, 1e-5, 0.5, 1.5, 4.0, 9.0])
    for name, second in (("erf", math.erf), ("erfc", math.erfc)):
        assert np.allclose(ELEMENTWISE[name](x).astype(float), [second(v) for v in x], rtol=1e-14, atol=0)
    positive = x[x > 0]
    assert np.allclose(
        ELEMENTWISE["lgamma"](positive).astype(float), [math.lgamma(v) for v in positive], rtol=1e-13, atol=1e-15
    )
    step = 1e-5
    slope = (ELEMENTWISE["lgamma"](positive + step) - ELEMENTWISE["lgamma"](positive - step)) / (2 * step)
    assert np.allclose(ELEMENTWISE["digamma"](positive)[1:].astype(float), slope[1:].astype(float), rtol=1e-7)
    assert np.allclose(
        ELEMENTWISE["erf"](ELEMENTWISE["erfinv"](np.array([-0.9, 0.1, 0.5]))).astype(float), [-0.9, 0.1, 0.5]
    )
    assert np.allclose(
        (ELEMENTWISE["igamma"](positive, positive) + ELEMENTWISE["igammac"](positive, positive)).astype(float), 1
    )
    assert np.allclose(ELEMENTWISE["ndtri"](ELEMENTWISE["ndtr"](x).astype(float)).astype(float)[:-1], x[:-1], atol=1e-6)
    assert np.allclose(
        ELEMENTWISE["zeta"](np.array([2.0, 4.0]), np.array([1.0, 1.0])).astype(float), [math.pi**2 / 6, math.pi**4 / 90]
    )
    assert np.allclose(ELEMENTWISE["mvlgamma"](np.array([2.5]), 1).astype(float), math.lgamma(2.5))


def test_scaled_functions_agree_with_their_series_far_out() -> None:
    far = np.array([89.9, 90.1, 500.0])
    with mpmath.workdps(4000):
        exact = [float(mpmath.exp(mpmath.mpf(v) ** 2) * mpmath.erfc(mpmath.mpf(v))) for v in far]
    assert np.allclose(ELEMENTWISE["erfcx"](far).astype(float), exact, rtol=1e-15, atol=0)
    near = np.array([9.9e5, 1.1e6])
    assert np.allclose(
        ELEMENTWISE["i0e"](near).astype(float), 1 / np.sqrt(2 * math.pi * near) * (1 + 1 / (8 * near)), rtol=1e-12
    )


def test_promotion_is_that_of_numpy_for_tensors_of_one_rank() -> None:
    names = [
        name for name in DTYPES if name in ("bool", "uint8", "int8", "int16", "int32", "int64", "float64", "complex128")
    ]
    for a in names:
        for b in names:
            assert math_promotion.promoted([(a, "tensor"), (b, "tensor")]) == np.result_type(a, b).name


@pytest.mark.parametrize(
    ("operands", "expected"),
    [
        ((("int32", "tensor"), ("float32", "tensor")), "float32"),
        ((("int64", "tensor"), ("float16", "tensor")), "float16"),
        ((("float16", "tensor"), ("bfloat16", "tensor")), "float32"),
        ((("float64", "tensor"), ("complex64", "tensor")), "complex128"),
        ((("float32", "tensor"), ("float64", "scalar")), "float32"),
        ((("int32", "tensor"), ("float64", "scalar")), "float64"),
        ((("int8", "tensor"), ("int64", "scalar")), "int8"),
        ((("int8", "scalar"), ("int64", "scalar")), "int64"),
        ((("int32", "tensor"), ("float32", "number")), "float32"),
        ((("float16", "tensor"), ("float32", "number")), "float16"),
        ((("float64", "scalar"), ("float32", "number")), "float64"),
        ((("bool", "tensor"), ("int64", "number")), "int64"),
        ((("uint8", "tensor"), ("int64", "number")), "uint8"),
        ((("float64", "tensor"), ("complex64", "number")), "complex128"),
        ((("int16", "tensor"), ("complex64", "number")), "complex64"),
    ],
)
def test_promotion_with_scalars_and_numbers(operands: tuple, expected: str) -> None:
    assert math_promotion.promoted(operands) == math_promotion.promoted(operands[::-1]) == expected


def test_the_table_names_oracles_and_its_samples_are_not_empty() -> None:
    for slug, row in FUNCTIONS.items():
        assert (row.oracle or row.name) in ELEMENTWISE, slug
        assert row.domain in DOMAINS, slug
        for dtype in (*row.dtypes, *row.late):
            assert any(len(sample(slug, dtype, variant)) for variant in row.variants(dtype)), (slug, dtype)
    for name, aliases in ALIASES.items():
        assert all(ELEMENTWISE[alias] is ELEMENTWISE[name] for alias in aliases)

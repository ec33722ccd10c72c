"""The bounds of every comparison: where they lie, and what they let through and what not, at each edge."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import host, numerics
from conformance.dtypes import DTYPES
from conformance.numerics import (
    COMPOSED,
    EXACT,
    FAITHFUL,
    FEW_ULPS,
    PRODUCT,
    ROUNDED,
    SUMMED,
    Error,
    bound,
    compare,
    largest,
    smallest_normal,
    ulp,
)

NUMPY = {"float16": np.float16, "float32": np.float32, "float64": np.float64}
FLOATS = [name for name, facts in DTYPES.items() if facts.is_floating]
INEXACT = [name for name, facts in DTYPES.items() if facts.is_inexact]
every_float = pytest.mark.parametrize("dtype", FLOATS)
numpy_float = pytest.mark.parametrize("dtype", NUMPY)


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No margin of another test, no widening of a profile."""
    numerics.margin.reset()
    monkeypatch.setattr(numerics, "widening", {})


def finite_values(dtype: str) -> np.ndarray:
    """Every finite positive number of a dtype of at most two bytes, ascending; a spread of them for the others."""
    facts = DTYPES[dtype]
    if facts.bytes <= 2:
        raw = np.arange(2 ** (8 * facts.bytes - 1), dtype={1: np.uint8, 2: np.uint16}[facts.bytes])
        with np.errstate(invalid="ignore"):
            values = host.decode(raw, facts).astype(np.float64)
        return values[np.isfinite(values)]
    exponents = np.arange(facts.emin - facts.precision + 1, facts.emax + 1)
    powers = np.ldexp(1.0, exponents)
    return np.sort(np.concatenate([[0.0], powers, np.nextafter(powers.astype(NUMPY[dtype]), 0).astype(np.float64)]))


# -- units in the last place -------------------------------------------------------------------------------------------


@every_float
def test_an_ulp_is_the_distance_to_the_next_number(dtype: str) -> None:
    values = finite_values(dtype)
    if DTYPES[dtype].bytes <= 2:
        wanted = np.diff(values)
    else:
        wanted = np.spacing(values.astype(NUMPY[dtype])).astype(np.float64)[:-1]
    assert np.array_equal(ulp(values[:-1], DTYPES[dtype]), wanted)
    assert np.array_equal(ulp(-values[:-1], DTYPES[dtype]), wanted)


@numpy_float
def test_the_limits_are_those_of_numpy(dtype: str) -> None:
    facts = np.finfo(NUMPY[dtype])
    assert largest(dtype) == float(facts.max)
    assert smallest_normal(dtype) == float(facts.smallest_normal)
    assert DTYPES[dtype].epsilon == float(facts.eps)
    assert ulp(np.array(0.0), DTYPES[dtype]) == float(facts.smallest_subnormal)


@every_float
def test_the_limits_are_those_of_the_bit_patterns(dtype: str) -> None:
    values = finite_values(dtype)
    assert largest(dtype) == values[-1] or DTYPES[dtype].bytes > 2
    assert smallest_normal(dtype) in values


def test_an_ulp_beyond_the_range_is_that_of_the_largest() -> None:
    facts = DTYPES["float32"]
    assert ulp(np.array([1e300, np.inf]), facts)[0] == 2.0**104
    assert ulp(np.array([np.nan]), facts).shape == (1,)


# -- bounds ------------------------------------------------------------------------------------------------------------


def test_error_classes_have_names_and_reasons() -> None:
    for name, error in numerics.CLASSES.items():
        assert (name, bool(error.reason)) == (error.name, True)


@pytest.mark.parametrize(("error", "ulps"), [(EXACT, 0), (ROUNDED, 0.5), (FAITHFUL, 1), (FEW_ULPS, 4), (COMPOSED, 16)])
@every_float
def test_a_bound_is_so_many_ulps(dtype: str, error: Error, ulps: float) -> None:
    values = finite_values(dtype)[::7]
    assert np.array_equal(bound(values, dtype, error), np.longdouble(ulps) * ulp(values, DTYPES[dtype]))


def test_terms_count_roundings_of_the_scale() -> None:
    half = 2.0**-24
    one = bound(np.array([1.0]), "float32", SUMMED)
    assert bound(np.array([1.0]), "float32", SUMMED.over(10), scale=100.0) == pytest.approx(one + 1000 * half)
    assert bound(np.array([1.0]), "float32", PRODUCT.over(10)) == pytest.approx(one + 10 * half)
    assert SUMMED.over(3).over(5).terms == 5
    assert SUMMED.over(3).name == "summed"


def test_terms_of_tiny_numbers_count_least_numbers() -> None:
    assert bound(np.array([0.0]), "float32", SUMMED.over(4))[0] == 2.0**-149 + 4 * 2.0**-150


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64"])
def test_integers_are_exact(dtype: str) -> None:
    assert bound(np.array([1, 0]), dtype, FEW_ULPS).tolist() == [0, 0]


def test_a_profile_widens_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = bound(np.array([1.0]), "float32", ROUNDED)
    monkeypatch.setitem(numerics.widening, "rounded", 3.0)
    assert bound(np.array([1.0]), "float32", ROUNDED) == 3 * plain
    assert bound(np.array([1.0]), "float32", FAITHFUL) == 2 * plain


# -- comparing ---------------------------------------------------------------------------------------------------------


@given(value=st.floats(allow_nan=False), dtype=st.sampled_from(list(NUMPY)))
def test_the_nearest_number_is_always_rounded(value: float, dtype: str) -> None:
    with np.errstate(over="ignore"):
        nearest = np.array([value]).astype(NUMPY[dtype])
    assert compare(nearest, np.array([value]), dtype, ROUNDED) is None
    assert compare(nearest, np.array([value]), dtype, FAITHFUL) is None


@given(value=st.floats(allow_nan=False, allow_infinity=False, max_value=1e38, min_value=-1e38))
def test_of_two_neighbours_the_farther_is_faithful_but_not_rounded(value: float) -> None:
    nearest = np.float32(value)
    away = np.nextafter(nearest, np.float32(np.copysign(np.inf, value - float(nearest))))
    near, far = (abs(Fraction(value) - Fraction(float(x))) for x in (nearest, away))
    assert (compare(np.array([away]), np.array([value]), "float32", ROUNDED) is None) == (near == far)
    assert compare(np.array([away]), np.array([value]), "float32", FAITHFUL) is None


@pytest.mark.parametrize("dtype", INEXACT)
def test_the_same_values_agree(dtype: str) -> None:
    values = np.array([0.0, -0.0, 1.0, -2.5, np.nan, np.inf, -np.inf]).astype(DTYPES[dtype].host)
    assert compare(values, values.copy(), dtype) is None


INF, NAN, TOP = np.inf, np.nan, largest("float32")


@pytest.mark.parametrize(
    ("actual", "expected", "error", "agrees"),
    [
        (NAN, NAN, EXACT, True),
        (NAN, 1.0, COMPOSED, False),
        (1.0, NAN, COMPOSED, False),
        (INF, NAN, COMPOSED, False),
        (INF, INF, EXACT, True),
        (-INF, INF, COMPOSED, False),
        (INF, 1.0, COMPOSED, False),
        (TOP, INF, EXACT, False),
        (INF, 1e39, ROUNDED, True),
        (-INF, -1e39, ROUNDED, True),
        (INF, -1e39, ROUNDED, False),
        (TOP, 1e39, FEW_ULPS, False),
        (INF, TOP, EXACT, False),
        (INF, TOP, ROUNDED, False),
        (TOP, TOP, ROUNDED, True),
        (INF, TOP + 2.0**103, ROUNDED, True),
        (INF, TOP + 2.0**102, ROUNDED, False),
        (TOP, TOP + 2.0**102, ROUNDED, True),
        (INF, TOP, FAITHFUL, True),
        (0.0, -0.0, EXACT, True),
        (2.0**-149, 0.0, EXACT, False),
        (2.0**-149, 0.0, FAITHFUL, True),
        (2.0**-149, 2.0**-150, ROUNDED, True),
        (0.0, 2.0**-150, ROUNDED, True),
        (0.0, 2.0**-149 * 0.75, ROUNDED, False),
        (2.0**-126, 2.0**-126 - 2.0**-149, EXACT, False),
        (2.0**-126, 2.0**-126 - 2.0**-149, FAITHFUL, True),
    ],
)
def test_the_edges_of_float32(actual: float, expected: float, error: Error, agrees: bool) -> None:
    found = compare(np.array([actual], np.float32), np.array([expected]), "float32", error)
    assert (found is None) == agrees


def test_signs_of_zero_matter_when_asked() -> None:
    zeros = np.array([0.0, -0.0], np.float32)
    assert compare(zeros, -zeros, "float32") is None
    found = compare(zeros, -zeros, "float32", signed_zeros=True)
    assert found is not None
    assert found.count == 2


def test_long_doubles_are_not_narrowed() -> None:
    expected = np.array([1], np.longdouble) + np.ldexp(np.longdouble(1), -54)
    if expected[0] == 1:
        pytest.skip("long double is no wider than double here")
    assert compare(np.array([1.0]), expected, "float64", EXACT) is not None
    assert compare(np.array([1.0]), expected, "float64", ROUNDED) is None


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_a_complex_number_is_compared_on_the_scale_of_the_whole(dtype: str) -> None:
    expected = np.array([complex(1.0, 1e-30)])
    off = np.array([complex(1.0, 1e-30 + DTYPES[dtype].epsilon)], DTYPES[dtype].host)
    assert compare(off, expected, dtype, FAITHFUL) is None
    assert compare(off, expected, dtype, ROUNDED) is not None


@pytest.mark.parametrize(
    ("actual", "expected", "agrees"),
    [
        (complex(NAN, 1), complex(NAN, 1), True),
        (complex(NAN, 1), complex(NAN, 2), False),
        (complex(NAN, NAN), complex(1, 1), False),
        (complex(INF, 1), complex(INF, 1), True),
        (complex(INF, -INF), complex(INF, INF), False),
        (complex(1, INF), complex(1, 1e39), True),
    ],
)
def test_the_edges_of_complex64(actual: complex, expected: complex, agrees: bool) -> None:
    found = compare(np.array([actual], np.complex64), np.array([expected]), "complex64", ROUNDED)
    assert (found is None) == agrees


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "uint64"])
def test_integers_agree_only_if_equal(dtype: str) -> None:
    values = np.array([0, 1, 1], DTYPES[dtype].host)
    assert compare(values, values.copy(), dtype, COMPOSED) is None
    found = compare(values, np.array([0, 1, 0], DTYPES[dtype].host), dtype, COMPOSED)
    assert found is not None
    assert (found.index, found.count) == ((2,), 1)


def test_large_integers_are_not_compared_as_floats() -> None:
    assert compare(np.array([2**63 - 1]), np.array([2**63 - 2]), "int64") is not None


def test_the_worst_element_is_shown() -> None:
    expected = np.ones((2, 3))
    actual = expected.astype(np.float32)
    actual[0, 1], actual[1, 2] = 1.5, 3.0
    found = compare(actual, expected, "float32", FAITHFUL)
    assert found is not None
    assert (found.index, found.expected, found.actual, found.count) == ((1, 2), 1.0, 3.0, 2)
    assert (found.off_by, found.allowed) == (2.0, 2.0**-23)


def test_a_nan_is_worse_than_any_number() -> None:
    found = compare(np.array([1e30, np.nan], np.float32), np.ones(2), "float32")
    assert found is not None
    assert (found.index, found.off_by) == ((1,), math.inf)


@pytest.mark.parametrize("dtype", ["int8", "float32", "complex64"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 0)])
def test_all_shapes_can_be_compared(dtype: str, shape: tuple[int, ...]) -> None:
    zeros = np.zeros(shape, DTYPES[dtype].host)
    assert compare(zeros, zeros.copy(), dtype) is None
    found = compare(zeros, zeros + 1, dtype)
    assert (found is None) == (0 in shape)
    assert found is None or found.index == ()


# -- what was used of what was allowed ---------------------------------------------------------------------------------


def test_the_largest_share_is_kept() -> None:
    step = 2.0**-24
    for share in (0.5, 1.0, 0.25):
        assert compare(np.ones(1, np.float32), np.array([1 + share * step]), "float32", ROUNDED) is None
    assert numerics.margin.used == 1.0


@pytest.mark.parametrize(
    ("actual", "expected", "dtype", "error"),
    [
        (np.ones(1), np.ones(1), "int64", ROUNDED),
        (np.ones(1), np.ones(1), "float32", EXACT),
        (np.ones(0), np.ones(0), "float32", ROUNDED),
        (np.ones(1), np.array([2.0]), "float32", ROUNDED),
    ],
)
def test_without_a_tolerance_that_held_there_is_no_share(
    actual: np.ndarray, expected: np.ndarray, dtype: str, error: Error
) -> None:
    compare(actual, expected, dtype, error)
    assert numerics.margin.used is None


def test_an_infinite_agreement_uses_nothing() -> None:
    assert compare(np.array([np.inf, np.nan], np.float32), np.array([np.inf, np.nan]), "float32", ROUNDED) is None
    assert numerics.margin.used == 0

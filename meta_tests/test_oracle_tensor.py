"""The oracle of conversions, a second way: numpy's own, exact fractions, and every value of the narrow dtypes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from conformance import host
from conformance.dtypes import DTYPES
from conformance.oracle import tensor
from properties.strategies.values import interesting

NUMPY = (
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
)


@pytest.mark.parametrize("old", NUMPY)
@pytest.mark.parametrize("new", [*NUMPY, "complex64", "complex128"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_conversions_that_numpy_knows_are_numpys(old, new):
    values = interesting(old)
    once, _, known = tensor.cast(values, new)
    expected = values.astype(new)
    same = (once == expected) | (np.isnan(once) & np.isnan(expected)) if DTYPES[new].is_inexact else once == expected
    assert same[known].all()
    assert known.all() or (DTYPES[old].is_floating and DTYPES[new].kind in ("int", "uint"))


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float8_e5m2", "float8_e4m3fn"])
def test_rounding_takes_the_nearest_number_and_the_even_one_of_two(name):
    facts = DTYPES[name]
    generator = np.random.default_rng(7)
    for exponent in (facts.emin - facts.precision, facts.emin - 1, facts.emin, -1, 0, 3, facts.emax - 1):
        for value in np.ldexp(generator.uniform(1, 2, 20), exponent):
            step = Fraction(2) ** (max(exponent, facts.emin) - facts.precision + 1)
            found = Fraction(tensor.rounded(float(value), name))
            assert abs(found - Fraction(float(value))) * 2 <= step
            assert (found / step).denominator == 1
    for count in (1, 3, 5, 7):
        half = np.ldexp(float(count), facts.emin - facts.precision)  # half way between two subnormals
        low = (count - 1) // 2
        assert tensor.rounded(half, name) == np.ldexp(float(low + low % 2), facts.emin - facts.precision + 1)


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float8_e5m2", "float8_e4m3fn"])
def test_every_number_of_a_narrow_dtype_is_itself(name):
    facts = DTYPES[name]
    raw = np.arange(1 << (8 * facts.bytes), dtype=np.uint32).astype(f"u{facts.bytes}")
    for value in host.decode(raw, facts).astype(float)[:: 1 if facts.bytes == 1 else 251]:
        if np.isfinite(value):
            assert tensor.rounded(value, name) == value
            assert np.signbit(tensor.rounded(value, name)) == np.signbit(value)


def test_integers_wrap_around():
    assert [tensor.convert(300, name) for name in ("uint8", "int8", "int16")] == [44, 44, 300]
    assert [tensor.convert(-1, name) for name in ("uint8", "uint16", "int64")] == [255, 65535, -1]
    assert tensor.convert(2**31, "int32") == -(2**31)
    assert tensor.convert(2**63, "int64") == -(2**63)


def test_fractions_are_cut_off_and_what_does_not_fit_is_not_promised():
    assert [tensor.convert(value, "int32") for value in (2.9, -2.9, 0.9, -0.9)] == [2, -2, 0, 0]
    for value in (float("nan"), float("inf"), 3e9, -3e9):
        assert tensor.convert(value, "int32") is None
    assert tensor.convert(-1.0, "uint8") is None
    assert tensor.convert(1e9, "float8_e5m2") is None


def test_truth_is_what_is_not_zero():
    values = (0, 1, -0.0, 1e-320, float("nan"), 0j, 1j, 1e-320j)
    assert [tensor.convert(value, "bool") for value in values] == [False, True, False, True, True, False, True, True]


def test_large_integers_are_rounded_once():
    assert tensor.convert(2**24 + 1, "float32") == 2.0**24
    assert tensor.convert(2**24 + 3, "float32") == 2.0**24 + 4
    assert tensor.convert(2**53 + 1, "float64") == 2.0**53
    assert tensor.convert(2**53 + 3, "float64") == 2.0**53 + 4
    for value in (2**62 + 2**38 + 1, -(2**63) + 1, 2**63 - 1):
        assert tensor.convert(value, "float32") == float(np.float32(np.int64(value)))


def test_complex_numbers_lose_their_imaginary_part_in_real_dtypes():
    assert tensor.convert(2.75 - 1.5j, "float32") == 2.75
    assert tensor.convert(2.75 - 1.5j, "int64") == 2
    assert tensor.convert(2.75, "complex64") == 2.75 + 0j


@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 0), (0, 2), (2, 3, 4)])
def test_nested_lists_are_numpys(shape):
    values = np.arange(int(np.prod(shape))).reshape(shape)
    assert tensor.nested(values) == values.tolist()
    assert tensor.nested(values, str) == np.array(values.astype(str)).tolist()

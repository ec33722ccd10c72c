"""Sequences of numbers: arange, range, linspace, logspace."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host, numerics
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, FLOATS, INTEGERS
from conformance.numerics import EXACT, SUMMED
from conformance.oracle import creation as oracle
from conformance.subject import Subject

pytestmark = must_answer

# Roundings of start + i * step (and of the step itself), each of at most the sum of the magnitudes.
STEPPED = SUMMED.over(4)
WHOLE = ((0, 10, 1), (3, 9, 1), (1, 10, 3), (0, 7, 7), (0, 7, 8), (10, 0, -1), (10, -11, -4), (-5, 5, 2), (4, 4, 1), (4, 4, -1),
         (0, 1, 1), (0, 17, 1), (5, 105, 3), (100, 0, -1), (-3, 30, 1))
REAL = ((0.0, 10.0, 1.0), (1.0, 2.5, 0.5), (0.0, 1.0, 0.3), (5.0, -2.0, -0.75), (-1.5, 1.6, 0.1), (0.0, 40.0, 0.7), (2.0, 2.0, 0.5),
        (0.25, 5.0, 0.125), (-3.0, -4.1, -0.2), (0.0, 2.5, 1.0), (1e3, 1.01e3, 0.3), (0.1, 60.0, 1.7))


@check("creation.arange-values")
def test_arange_counts_from_start_in_steps(subject: Subject) -> None:
    device = subject.device
    for dtype in (*INTEGERS, *FLOATS):
        for start, end, step in WHOLE:
            if dtype == "uint8" and min(start, end, step) < 0:
                continue
            expected = oracle.stepped(start, step, oracle.counted(start, end, step)).astype(np.int64)
            call = f"torch.arange({start}, {end}, {step}, dtype=torch.{dtype})"
            t = torch.arange(start, end, step, dtype=host.torch_dtype(dtype), device=device)
            assert_values(call, t, expected, dtype=dtype)
            if step == 1:
                two = torch.arange(start, end, dtype=host.torch_dtype(dtype), device=device)
                assert_values(f"torch.arange({start}, {end}, dtype=torch.{dtype})", two, expected, dtype=dtype)
            if step == 1 and start == 0:
                one = torch.arange(end, dtype=host.torch_dtype(dtype), device=device)
                assert_values(f"torch.arange({end}, dtype=torch.{dtype})", one, expected, dtype=dtype)


@check("creation.arange-values")
def test_arange_takes_its_arguments_in_other_forms(subject: Subject) -> None:
    device = subject.device
    expected = np.array([1, 3, 5])
    for call, t in {
        "torch.arange(start=1, end=7, step=2)": torch.arange(start=1, end=7, step=2, device=device),
        "torch.arange(1, 7, step=2)": torch.arange(1, 7, step=2, device=device),
        "torch.arange(tensor(1), tensor(7), tensor(2))": torch.arange(torch.tensor(1), torch.tensor(7), torch.tensor(2), device=device),
        "torch.arange(np.int64(1), np.int64(7), 2)": torch.arange(np.int64(1), np.int64(7), 2, device=device),
    }.items():
        assert_values(call, t, expected, dtype="int64")
    assert_values("torch.arange(0, 10)", torch.arange(0, 10, device=device), range(10), dtype="int64")
    assert_values("torch.arange(end=3)", torch.arange(end=3, device=device), [0, 1, 2], dtype="int64")
    for count in (33, 1000, 33000):  # beyond one vector register, and one thread
        assert_values(f"torch.arange({count})", torch.arange(count, device=device), np.arange(count), dtype="int64")
        falling = torch.arange(count, 0, -1, dtype=torch.float32, device=device)
        assert_values(f"torch.arange({count}, 0, -1, float32)", falling, np.arange(count, 0, -1), dtype="float32")


@check("creation.arange-exact")
def test_whole_numbers_stay_exact(subject: Subject) -> None:
    for start in (2**24, 2**31 - 2, 2**53, 2**62, 2**63 - 40, -(2**63), -(2**53) - 5, -(2**31) - 2):
        for count, step in ((3, 1), (37, 1), (5, 7)):
            end = min(start + count * step, 2**63 - 1)
            expected = [*range(start, end, step)]
            t = torch.arange(start, end, step, device=subject.device)
            assert_values(f"torch.arange({start}, {end}, {step})", t, np.array(expected, np.int64), dtype="int64")
    down = torch.arange(2**62, 2**62 - 5, -1, device=subject.device)
    assert_values("torch.arange(2**62, 2**62 - 5, -1)", down, 2**62 - np.arange(5), dtype="int64")
    odd = torch.arange(2**31 - 3, 2**31 - 1, dtype=torch.int32, device=subject.device)
    assert_values("torch.arange(2**31 - 3, 2**31 - 1, dtype=torch.int32)", odd, [2**31 - 3, 2**31 - 2], dtype="int32")


@check("creation.arange-wide")
def test_a_range_wider_than_half_of_int64_is_whole(subject: Subject) -> None:
    for start, end, step in ((-(2**63), 2**63 - 1, 2**62), (-(2**62), 2**63 - 1, 2**61 + 1), (2**62, -(2**63), -(2**61))):
        t = torch.arange(start, end, step, device=subject.device)
        expected = np.array([*range(start, end, step)], np.int64)
        assert_values(f"torch.arange({start}, {end}, {step})", t, expected, dtype="int64")


@check("creation.arange-floats")
@pytest.mark.parametrize("dtype", FLOATS)
def test_real_steps_are_close(subject: Subject, dtype: str) -> None:
    for start, end, step in REAL:
        if max(abs(start), abs(end)) > 100 and DTYPES[dtype].precision < 24:
            continue
        count = oracle.counted(start, end, step)
        expected = oracle.stepped(start, step, count)
        t = torch.arange(start, end, step, dtype=host.torch_dtype(dtype), device=subject.device)
        scale = abs(start) + np.arange(count) * abs(step) if count else None
        assert_values(f"torch.arange({start}, {end}, {step}, dtype=torch.{dtype})", t, expected, STEPPED, scale, dtype=dtype)


@check("creation.arange-floats")
def test_many_real_steps_do_not_drift(subject: Subject) -> None:
    for dtype, step in (("float32", 0.1), ("float64", 0.1), ("float32", -0.3), ("float64", 1 / 3)):
        count = 40000
        t = torch.arange(0.5, 0.5 + step * (count - 0.5), step, dtype=host.torch_dtype(dtype), device=subject.device)
        expected = oracle.stepped(0.5, step, count)
        assert_values(f"{count} steps of {step} in {dtype}", t, expected, STEPPED, np.abs(expected) + 0.5, dtype=dtype)


@check("creation.arange-length")
def test_the_length_is_that_of_the_formula(subject: Subject) -> None:
    for start, end, step in (*WHOLE, *REAL, (0, 0.5, 1), (0, 1e-30, 1), (0.0, 5.0, 5.0), (0.0, 5.0, 2.5), (0, 3, 0.5), (1.5, 3, 1)):
        expected = oracle.counted(start, end, step)
        for dtype in (torch.float64, torch.float32, None):
            t = torch.arange(start, end, step, dtype=dtype, device=subject.device)
            require(tuple(t.shape) == (expected,), f"torch.arange({start}, {end}, {step}) has {t.numel()} elements", expected, t.numel())
    # In double precision the quotients come out just above a whole number: the length follows them.
    for arguments, expected in (((1, 1.3, 0.1), 4), ((0, 0.3, 0.1), 3), ((0.0, 0.7, 0.1), 7), ((0, 1, 0.1), 10)):
        require(torch.arange(*arguments).numel() == expected, f"torch.arange{arguments} has another length", expected,
                torch.arange(*arguments).numel())


@check("creation.arange-fractional-bounds")
def test_int64_counts_as_other_integers_do(subject: Subject) -> None:
    for start, end, step in ((0.5, 3.9, 1), (0, 3.5, 1), (3.5, 0.2, -1), (-0.5, 2.5, 1), (0, 0.5, 1), (-1.5, 1.5, 1)):
        expected = math.ceil((end - start) / step)
        for dtype in (torch.int64, torch.int32, torch.int16):
            t = torch.arange(start, end, step, dtype=dtype, device=subject.device)
            require(t.numel() == expected, f"torch.arange({start}, {end}, {step}, dtype={dtype}) has {t.numel()} elements", expected,
                    t.numel())


@check("creation.arange-dtype")
def test_whole_arguments_make_int64_and_others_the_default(subject: Subject) -> None:
    device = subject.device
    for arguments, dtype in (((3,), "int64"), ((3.0,), "float32"), ((1, 3), "int64"), ((1.0, 3), "float32"), ((1, 3.0), "float32"),
                             ((1, 3, 1), "int64"), ((1, 3, 1.0), "float32"), ((0, 2, 0.5), "float32"), ((True,), "int64"),
                             ((torch.tensor(3, dtype=torch.int32),), "int64"), ((torch.tensor(3.0, dtype=torch.float64),), "float32"),
                             ((2, 2), "int64"), ((2.0, 2.0), "float32")):
        assert_tensor(f"torch.arange{arguments}", torch.arange(*arguments, device=device), dtype)
    default = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        wide, whole = torch.arange(0.0, 1.0, 0.1, device=device), torch.arange(3, device=device)
    finally:
        torch.set_default_dtype(default)
    expected = oracle.stepped(0.0, 0.1, 10)
    assert_values("torch.arange(0.0, 1.0, 0.1) under float64", wide, expected, STEPPED, np.ones(10), dtype="float64")
    assert_tensor("torch.arange(3) under float64", whole, "int64", (3,))


@check("creation.arange-errors")
def test_impossible_sequences_are_refused(subject: Subject) -> None:
    rows: list[tuple[Any, ...]] = [(3, 1), (1, 3, -1), (-3,), (0, 3, 0), (0.0, 3.0, 0.0), (3.0, 1.0), (math.nan,), (math.inf,),
                                   (0, -math.inf, -1), (math.nan, 1), (0, 1, math.nan), (0, 1, 1j)]
    for arguments in rows:
        assert_raises(f"torch.arange{arguments}", RuntimeError, lambda a=arguments: torch.arange(*a, device=subject.device))
    assert_raises("torch.arange()", TypeError, lambda: torch.arange(device=subject.device))  # type: ignore[call-overload]
    assert_raises("torch.arange('3')", TypeError, lambda: torch.arange("3"))  # type: ignore[call-overload]
    for dtype in (torch.bool, torch.complex64):
        assert_raises(f"torch.arange(3, dtype={dtype})", RuntimeError, lambda dtype=dtype: torch.arange(3, dtype=dtype))


@check("creation.range")
def test_range_includes_its_end(subject: Subject) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for start, end, step in ((0, 3, 1), (1, 4, 0.5), (0, 1, 0.3), (5, 1, -2), (2, 2, 1), (0, 40, 1), (-1.0, 1.0, 0.25)):
            count = math.floor((end - start) / step) + 1
            expected = oracle.stepped(float(start), float(step), count)
            for dtype in ("float32", "float64"):
                t = torch.range(start, end, step, dtype=host.torch_dtype(dtype), device=subject.device)
                call = f"torch.range({start}, {end}, {step}, dtype=torch.{dtype})"
                assert_values(call, t, expected, STEPPED, np.abs(expected) + abs(start), dtype=dtype)
        assert_values("torch.range(1, 4)", torch.range(1, 4, device=subject.device), [1, 2, 3, 4], dtype="float32")
        whole = torch.range(0, 3, dtype=torch.int64, device=subject.device)
        assert_values("torch.range(0, 3, dtype=torch.int64)", whole, range(4), dtype="int64")
        assert_raises("torch.range(3, 1)", RuntimeError, lambda: torch.range(3, 1, device=subject.device))
        assert_raises("torch.range(3)", TypeError, lambda: torch.range(3))  # type: ignore[call-arg]


SPANS = ((0, 1), (1, 10), (10, 1), (-1, 1), (-3.5, 2.25), (2, 2), (0.1, 0.2), (-7, -2), (100, -100), (0, 1e-3), (-0.0, 0.0))


@check("creation.linspace-even")
@pytest.mark.parametrize("dtype", FLOATS)
def test_linspace_is_even(subject: Subject, dtype: str) -> None:
    for start, end in SPANS:
        for steps in (1, 2, 3, 5, 10, 16, 17, 33, 100):
            t = torch.linspace(start, end, steps, dtype=host.torch_dtype(dtype), device=subject.device)
            call = f"torch.linspace({start}, {end}, {steps}, dtype=torch.{dtype})"
            assert_values(call, t, oracle.spaced(start, end, steps), STEPPED, np.full(steps, abs(start) + abs(end)), dtype=dtype)
    for steps, expected in ((10, range(1, 11)), (4, [1, 4, 7, 10])):
        rising = torch.linspace(1, 10, steps, dtype=host.torch_dtype(dtype), device=subject.device)
        falling = torch.linspace(10, 1, steps, dtype=host.torch_dtype(dtype), device=subject.device)
        assert_values(f"torch.linspace(1, 10, {steps})", rising, list(expected), dtype=dtype)
        assert_values(f"torch.linspace(10, 1, {steps})", falling, list(expected)[::-1], dtype=dtype)


@check("creation.linspace-ends")
def test_linspace_meets_both_ends_exactly(subject: Subject) -> None:
    for dtype in (*FLOATS, "complex64", "complex128"):
        for start, end in (*SPANS, (1 / 3, math.pi), (1e-30, 1e30), (-5.1, 123.4)):
            if DTYPES[dtype].precision < 24 and abs(end) > 1e4:
                continue
            ends = torch.tensor([start, end], dtype=host.torch_dtype(dtype), device=subject.device)
            for steps in (2, 3, 7, 8, 33, 1000):
                t = torch.linspace(start, end, steps, dtype=host.torch_dtype(dtype), device=subject.device)
                call = f"torch.linspace({start}, {end}, {steps}, dtype=torch.{dtype})"
                assert_values(f"the ends of {call}", torch.stack([t[0], t[-1]]), host.array(ends), dtype=dtype)
    for dtype in INTEGERS:
        t = torch.linspace(3, 99, 7, dtype=host.torch_dtype(dtype), device=subject.device)
        assert_values("the ends of torch.linspace(3, 99, 7)", torch.stack([t[0], t[-1]]), [3, 99], dtype=dtype)


@check("creation.linspace-steps")
def test_the_number_of_steps_may_be_small(subject: Subject) -> None:
    device = subject.device
    for dtype in (*FLOATS, *INTEGERS, "complex64"):
        own = host.torch_dtype(dtype)
        for name, make in {"linspace": torch.linspace, "logspace": lambda *a, **k: torch.logspace(*a, base=1.0, **k)}.items():
            if (name, dtype) == ("logspace", "float16"):
                continue
            first = 4 if name == "linspace" else 1
            assert_values(f"torch.{name}(4, 9, 0), {dtype}", make(4, 9, 0, dtype=own, device=device), np.empty(0), dtype=dtype)
            assert_values(f"torch.{name}(4, 9, 1), {dtype}", make(4, 9, 1, dtype=own, device=device), [first], dtype=dtype)
        pair = torch.linspace(4, 9, 2, dtype=own, device=device)
        assert_values(f"torch.linspace(4, 9, 2), {dtype}", pair, [4, 9], dtype=dtype)
    for make in (torch.linspace, torch.logspace):
        assert_raises(f"torch.{make.__name__}(0, 1, -1)", RuntimeError, lambda make=make: make(0, 1, -1, device=device))
        assert_raises(f"torch.{make.__name__}(0, 1, 3.0)", TypeError, lambda make=make: make(0, 1, 3.0, device=device))
    assert_values("steps=", torch.linspace(start=0, end=1, steps=3, device=device), [0, 0.5, 1], dtype="float32")


@check("creation.linspace-integers")
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_cut_towards_zero(subject: Subject, dtype: str) -> None:
    for start, end in ((0, 10), (10, 0), (-10, 10), (-5, 5), (0, 100), (7, 8), (3, 3), (120, -120), (0.5, 10.5)):
        if dtype == "uint8" and min(start, end) < 0:
            continue
        for steps in (1, 2, 3, 4, 5, 6, 7, 11, 21, 33):
            low, high = oracle.spaced_integers(start, end, steps)
            call = f"torch.linspace({start}, {end}, {steps}, dtype=torch.{dtype})"
            t = assert_tensor(call, torch.linspace(start, end, steps, dtype=host.torch_dtype(dtype), device=subject.device), dtype)
            found = host.array(t).astype(np.int64)
            inside = found.shape == low.shape and bool(((low <= found) & (found <= high)).all())
            require(inside, f"{call} is {found.tolist()}, but should be {low.tolist()}", low, found)


@check("creation.linspace-complex")
def test_complex_bounds_are_joined_by_a_line(subject: Subject) -> None:
    for start, end in ((0, 1j), (1 + 2j, -3j), (0j, 4 + 0j), (2.5, 1 - 1j)):
        for steps in (1, 2, 5, 17, 40):
            expected = oracle.spaced(complex(start), complex(end), steps)
            for dtype in (None, "complex64", "complex128"):
                own = None if dtype is None else host.torch_dtype(dtype)
                t = torch.linspace(start, end, steps, dtype=own, device=subject.device)
                call = f"torch.linspace({start}, {end}, {steps}, dtype={dtype})"
                assert_values(call, t, expected, STEPPED, np.full(steps, abs(start) + abs(end)), dtype=dtype or "complex64")
    assert_raises("torch.linspace(0, 1j, 3, dtype=torch.float32)", RuntimeError,
                  lambda: torch.linspace(0, 1j, 3, dtype=torch.float32, device=subject.device))


@check("creation.linspace-default-steps")
def test_linspace_needs_its_steps(subject: Subject) -> None:
    for arguments in ((0, 1), (0.0, 10.0), (1,)):
        assert_raises(f"torch.linspace{arguments}", TypeError, lambda a=arguments: torch.linspace(*a, device=subject.device))


@check("creation.logspace-default-steps")
def test_logspace_needs_its_steps(subject: Subject) -> None:
    for arguments in ((0, 1), (0.0, 2.0), (1,)):
        assert_raises(f"torch.logspace{arguments}", TypeError, lambda a=arguments: torch.logspace(*a, device=subject.device))


def powers_scale(base: float, exponents: np.ndarray) -> np.ndarray:
    """The size of a power and of what the rounding of its exponent does to it."""
    span = np.abs(exponents).max(initial=1)
    return oracle.powers(base, exponents) * (1 + 2 * span * abs(math.log(base)))


@check("creation.logspace-base10")
@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
def test_logspace_spaces_exponents_of_ten(subject: Subject, dtype: str) -> None:
    for start, end in ((0, 1), (0, 3), (-2, 2), (2, 0), (0.5, 1.5), (-10, 10), (1, 1)):
        for steps in (1, 2, 3, 5, 8, 33):
            exponents = oracle.spaced(start, end, steps).astype(np.longdouble)
            t = torch.logspace(start, end, steps, dtype=host.torch_dtype(dtype), device=subject.device)
            call = f"torch.logspace({start}, {end}, {steps}, dtype=torch.{dtype})"
            error = numerics.FEW_ULPS.over(4)
            assert_values(call, t, oracle.powers(10, exponents), error, powers_scale(10, exponents), dtype=dtype)
    t = torch.logspace(0, 2, 3, device=subject.device)
    assert_values("torch.logspace(0, 2, 3)", t, [1, 10, 100], numerics.FEW_ULPS, dtype="float32")


@check("creation.logspace-base")
def test_logspace_takes_another_base(subject: Subject) -> None:
    for base in (2, 2.0, math.e, 0.5, 10.0, 1.0, 3):
        for start, end, steps in ((0, 3, 4), (-1, 2, 7), (3, 0, 4), (1, 5, 18)):
            exponents = oracle.spaced(start, end, steps).astype(np.longdouble)
            for dtype in ("float32", "float64", "complex64"):
                for form, t in {
                    "base=": torch.logspace(start, end, steps, base=base, dtype=host.torch_dtype(dtype), device=subject.device),
                    "fourth": torch.logspace(start, end, steps, base, dtype=host.torch_dtype(dtype), device=subject.device),
                }.items():
                    call = f"torch.logspace({start}, {end}, {steps}, {form} {base}, dtype=torch.{dtype})"
                    expected = oracle.powers(base, exponents)
                    error = numerics.FEW_ULPS.over(4) if base != 1 else EXACT
                    assert_values(call, t, expected, error, powers_scale(base, exponents), dtype=dtype)
    signed = torch.logspace(0, 3, 4, base=-2, device=subject.device)
    assert_values("torch.logspace(0, 3, 4, base=-2)", signed, [1, -2, 4, -8], numerics.FEW_ULPS, dtype="float32")


@check("creation.logspace-integers")
def test_whole_powers_are_whole(subject: Subject) -> None:
    for dtype in INTEGERS:
        for start, end, steps, base in ((0, 2, 3, 10), (0, 6, 7, 2), (6, 0, 7, 2), (0, 3, 4, 3), (0, 4, 3, 3), (1, 1, 1, 7)):
            expected = np.array([base ** int(x) for x in oracle.spaced(start, end, steps)])
            t = torch.logspace(start, end, steps, base=base, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_values(f"torch.logspace({start}, {end}, {steps}, base={base}, dtype=torch.{dtype})", t, expected, dtype=dtype)


@check("creation.logspace-signature-typo")
def test_a_dot_is_no_comma(subject: Subject) -> None:
    call = "torch.logspace(start, end, steps=100{} out=None)"
    assert_raises(call.format("."), SyntaxError, lambda: compile(call.format(".").replace(". ", "."), "<note>", "eval"))
    out = torch.zeros(100, device=subject.device)
    names = {"torch": torch, "start": 0, "end": 1, "out": out}
    made = eval(call.format(",").replace("out=None", "out=out"), names)
    require(made is out, "torch.logspace(…, out=out) returns another tensor")
    exponents = oracle.spaced(0, 1, 100)
    error = numerics.FEW_ULPS.over(4)
    assert_values("torch.logspace(0, 1, steps=100, out=out)", out, oracle.powers(10, exponents), error,
                  powers_scale(10, exponents), dtype="float32")

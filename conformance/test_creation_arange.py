"""Sequences of numbers in steps: arange and range."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, FLOATS, INTEGERS
from conformance.numerics import SUMMED
from conformance.oracle import creation as oracle
from conformance.subject import Subject

pytestmark = must_answer

# Roundings of start + i * step (and of the step itself), each of at most the sum of the magnitudes.
STEPPED = SUMMED.over(4)
WHOLE = (
    (0, 10, 1),
    (3, 9, 1),
    (1, 10, 3),
    (0, 7, 7),
    (0, 7, 8),
    (10, 0, -1),
    (10, -11, -4),
    (-5, 5, 2),
    (4, 4, 1),
    (4, 4, -1),
    (0, 1, 1),
    (0, 17, 1),
    (5, 105, 3),
    (100, 0, -1),
    (-3, 30, 1),
)
REAL = (
    (0.0, 10.0, 1.0),
    (1.0, 2.5, 0.5),
    (0.0, 1.0, 0.3),
    (5.0, -2.0, -0.75),
    (-1.5, 1.6, 0.1),
    (0.0, 40.0, 0.7),
    (2.0, 2.0, 0.5),
    (0.25, 5.0, 0.125),
    (-3.0, -4.1, -0.2),
    (0.0, 2.5, 1.0),
    (1e3, 1.01e3, 0.3),
    (0.1, 60.0, 1.7),
)


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
        "torch.arange(tensor(1), tensor(7), tensor(2))": torch.arange(
            torch.tensor(1), torch.tensor(7), torch.tensor(2), device=device
        ),
        "torch.arange(np.int64(1), np.int64(7), 2)": torch.arange(np.int64(1), np.int64(7), 2, device=device),
    }.items():
        assert_values(call, t, expected, dtype="int64")
    assert_values("torch.arange(0, 10)", torch.arange(0, 10, device=device), range(10), dtype="int64")
    assert_values("torch.arange(end=3)", torch.arange(end=3, device=device), [0, 1, 2], dtype="int64")
    for count in (33, 1000, 33000):  # beyond one vector register, and one thread
        assert_values(f"torch.arange({count})", torch.arange(count, device=device), np.arange(count), dtype="int64")
        for dtype in ("float32", "float64", "int32"):
            falling = torch.arange(count, 0, -1, dtype=host.torch_dtype(dtype), device=device)
            assert_values(f"torch.arange({count}, 0, -1, {dtype})", falling, np.arange(count, 0, -1), dtype=dtype)


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
    for start, end, step in (
        (-(2**63), 2**63 - 1, 2**62),
        (-(2**62), 2**63 - 1, 2**61 + 1),
        (2**62, -(2**63), -(2**61)),
    ):
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
        assert_values(
            f"torch.arange({start}, {end}, {step}, dtype=torch.{dtype})", t, expected, STEPPED, scale, dtype=dtype
        )


@check("creation.arange-floats")
def test_many_real_steps_do_not_drift(subject: Subject) -> None:
    for dtype, step in (("float32", 0.1), ("float64", 0.1), ("float32", -0.3), ("float64", 1 / 3)):
        count = 40000
        t = torch.arange(0.5, 0.5 + step * (count - 0.5), step, dtype=host.torch_dtype(dtype), device=subject.device)
        expected = oracle.stepped(0.5, step, count)
        assert_values(f"{count} steps of {step} in {dtype}", t, expected, STEPPED, np.abs(expected) + 0.5, dtype=dtype)


# Beyond the sequences above: lengths of one, steps that just meet the end, and whole with fractional arguments.
LENGTHS = ((0, 0.5, 1), (0, 1e-30, 1), (0.0, 5.0, 5.0), (0.0, 5.0, 2.5), (0, 3, 0.5), (1.5, 3, 1))


def assert_length(call: str, t: torch.Tensor, expected: int) -> None:
    require(tuple(t.shape) == (expected,), f"{call} has shape {tuple(t.shape)}", (expected,), tuple(t.shape))


@check("creation.arange-length")
def test_the_length_is_that_of_the_formula(subject: Subject) -> None:
    for start, end, step in (*WHOLE, *REAL, *LENGTHS):
        expected = oracle.counted(start, end, step)
        for dtype in (torch.float64, torch.float32, None):
            t = torch.arange(start, end, step, dtype=dtype, device=subject.device)
            assert_length(f"torch.arange({start}, {end}, {step}, dtype={dtype})", t, expected)
    # In double precision the quotients come out just above a whole number: the length follows them.
    for arguments, expected in (((1, 1.3, 0.1), 4), ((0, 0.3, 0.1), 3), ((0.0, 0.7, 0.1), 7), ((0, 1, 0.1), 10)):
        assert_length(f"torch.arange{arguments}", torch.arange(*arguments, device=subject.device), expected)


@check("creation.arange-length", since="2.14")
def test_int64_counts_as_other_integers_do(subject: Subject) -> None:
    for start, end, step in ((0.5, 3.9, 1), (0, 3.5, 1), (3.5, 0.2, -1), (-0.5, 2.5, 1), (0, 0.5, 1), (-1.5, 1.5, 1)):
        for dtype in (torch.int64, torch.int32, torch.int16):
            t = torch.arange(start, end, step, dtype=dtype, device=subject.device)
            assert_length(f"torch.arange({start}, {end}, {step}, dtype={dtype})", t, math.ceil((end - start) / step))


WHOLE_ARGUMENTS = ((3,), (1, 3), (1, 3, 1), (True,), (2, 2), (np.int32(3),))
REAL_ARGUMENTS = ((3.0,), (1.0, 3), (1, 3.0), (1, 3, 1.0), (0, 2, 0.5), (2.0, 2.0), (np.float32(3),))


@check("creation.arange-dtype")
def test_whole_arguments_make_int64_and_others_the_default(subject: Subject) -> None:
    device = subject.device
    for arguments in (*WHOLE_ARGUMENTS, (torch.tensor(3, dtype=torch.int32),)):
        assert_tensor(f"torch.arange{arguments}", torch.arange(*arguments, device=device), "int64")
    for arguments in (*REAL_ARGUMENTS, (torch.tensor(3.0, dtype=torch.float64),)):
        assert_tensor(f"torch.arange{arguments}", torch.arange(*arguments, device=device), "float32")
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
    rows: list[tuple[Any, ...]] = [
        (3, 1),
        (1, 3, -1),
        (-3,),
        (0, 3, 0),
        (0.0, 3.0, 0.0),
        (3.0, 1.0),
        (math.nan,),
        (math.inf,),
        (0, -math.inf, -1),
        (math.nan, 1),
        (0, 1, math.nan),
        (0, 1, 1j),
    ]
    for arguments in rows:
        assert_raises(
            f"torch.arange{arguments}", RuntimeError, lambda a=arguments: torch.arange(*a, device=subject.device)
        )
    assert_raises("torch.arange()", TypeError, lambda: torch.arange(device=subject.device))  # type: ignore[call-overload]
    assert_raises("torch.arange('3')", TypeError, lambda: torch.arange("3"))  # type: ignore[call-overload]
    for dtype in (torch.bool, torch.complex64):
        assert_raises(f"torch.arange(3, dtype={dtype})", RuntimeError, lambda dtype=dtype: torch.arange(3, dtype=dtype))


@check("creation.range")
def test_range_includes_its_end(subject: Subject) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for start, end, step in (
            (0, 3, 1),
            (1, 4, 0.5),
            (0, 1, 0.3),
            (5, 1, -2),
            (2.0, 0.0, -0.5),
            (0.1, 60.0, 0.3),
            (2, 2, 1),
            (0, 40, 1),
            (-1.0, 1.0, 0.25),
        ):
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

"""Sequences of a number of steps: linspace and logspace."""

from __future__ import annotations

import math

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
SPANS = (
    (0, 1),
    (1, 10),
    (10, 1),
    (-1, 1),
    (-3.5, 2.25),
    (2, 2),
    (0.1, 0.2),
    (-7, -2),
    (100, -100),
    (0, 1e-3),
    (-0.0, 0.0),
)


@check("creation.linspace-even")
@pytest.mark.parametrize("dtype", FLOATS)
def test_linspace_is_even(subject: Subject, dtype: str) -> None:
    for start, end in SPANS:
        for steps in (1, 2, 3, 5, 10, 16, 17, 33, 100):
            t = torch.linspace(start, end, steps, dtype=host.torch_dtype(dtype), device=subject.device)
            call = f"torch.linspace({start}, {end}, {steps}, dtype=torch.{dtype})"
            assert_values(
                call, t, oracle.spaced(start, end, steps), STEPPED, np.full(steps, abs(start) + abs(end)), dtype=dtype
            )
    for steps, expected in ((10, range(1, 11)), (4, [1, 4, 7, 10])):
        rising = torch.linspace(1, 10, steps, dtype=host.torch_dtype(dtype), device=subject.device)
        falling = torch.linspace(10, 1, steps, dtype=host.torch_dtype(dtype), device=subject.device)
        assert_values(f"torch.linspace(1, 10, {steps})", rising, list(expected), dtype=dtype)
        assert_values(f"torch.linspace(10, 1, {steps})", falling, list(expected)[::-1], dtype=dtype)


@check("creation.linspace-even")
def test_many_steps_and_bounds_that_are_tensors(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for start, end, steps in ((0, 1, 40000), (5.5, -3, 33000)):
            t = torch.linspace(start, end, steps, dtype=host.torch_dtype(dtype), device=subject.device)
            scale = np.full(steps, abs(start) + abs(end))
            call = f"torch.linspace({start}, {end}, {steps}, dtype=torch.{dtype})"
            assert_values(call, t, oracle.spaced(start, end, steps), STEPPED, scale, dtype=dtype)
    whole = torch.linspace(0, 79998, 40000, dtype=torch.int64, device=subject.device)
    assert_values("torch.linspace(0, 79998, 40000, dtype=torch.int64)", whole, 2 * np.arange(40000), dtype="int64")
    for start, end in (
        (torch.tensor(1.0), torch.tensor(3.0)),
        (torch.tensor(1), 3),
        (1, torch.tensor(3.0, dtype=torch.float64)),
    ):
        for dtype, steps in ((dtype, steps) for dtype in ("float32", "float64") for steps in (5, 33)):
            t = torch.linspace(start, end, steps, dtype=host.torch_dtype(dtype), device=subject.device)
            call = f"torch.linspace({start}, {end}, {steps}, dtype=torch.{dtype})"
            assert_values(call, t, 1 + np.arange(steps) * (2 / (steps - 1)), dtype=dtype)


# In 1.13 the vectorized kernels counted to the end from the start, and missed it by a rounding.
EXACT_SINCE = {"float64": "2.0", "complex64": "2.0", "complex128": "2.0"}


@pytest.mark.parametrize(
    "dtype",
    [
        pytest.param(dtype, marks=check("creation.linspace-ends", since=EXACT_SINCE.get(dtype)))
        for dtype in (*FLOATS, "complex64", "complex128")
    ],
)
def test_linspace_meets_both_ends_exactly(subject: Subject, dtype: str) -> None:
    own = host.torch_dtype(dtype)
    for start, end in (*SPANS, (1 / 3, math.pi), (1e-30, 1e30), (-5.1, 123.4)):
        if DTYPES[dtype].precision < 24 and abs(end) > 1e4:
            continue
        ends = torch.tensor([start, end], dtype=own, device=subject.device)
        for steps in (2, 3, 7, 8, 33, 1000):
            t = torch.linspace(start, end, steps, dtype=own, device=subject.device)
            call = f"torch.linspace({start}, {end}, {steps}, dtype=torch.{dtype})"
            assert_values(f"the ends of {call}", torch.stack([t[0], t[-1]]), host.array(ends), dtype=dtype)


@check("creation.linspace-ends")
def test_linspace_of_integers_meets_both_ends(subject: Subject) -> None:
    for dtype in INTEGERS:
        for steps in (2, 3, 7, 33):
            t = torch.linspace(3, 99, steps, dtype=host.torch_dtype(dtype), device=subject.device)
            ends = torch.stack([t[0], t[-1]])
            assert_values(
                f"the ends of torch.linspace(3, 99, {steps}, dtype=torch.{dtype})", ends, [3, 99], dtype=dtype
            )


@check("creation.linspace-steps")
def test_the_number_of_steps_may_be_small(subject: Subject) -> None:
    device = subject.device
    for dtype in (*FLOATS, *INTEGERS, "complex64"):
        own = host.torch_dtype(dtype)
        for name, make in {
            "linspace": torch.linspace,
            "logspace": lambda *a, **k: torch.logspace(*a, base=1.0, **k),
        }.items():
            if (name, dtype) == ("logspace", "float16"):
                continue
            first = 4 if name == "linspace" else 1
            assert_values(
                f"torch.{name}(4, 9, 0), {dtype}", make(4, 9, 0, dtype=own, device=device), np.empty(0), dtype=dtype
            )
            assert_values(
                f"torch.{name}(4, 9, 1), {dtype}", make(4, 9, 1, dtype=own, device=device), [first], dtype=dtype
            )
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
            t = assert_tensor(
                call, torch.linspace(start, end, steps, dtype=host.torch_dtype(dtype), device=subject.device), dtype
            )
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
                assert_values(
                    call, t, expected, STEPPED, np.full(steps, abs(start) + abs(end)), dtype=dtype or "complex64"
                )
    assert_raises(
        "torch.linspace(0, 1j, 3, dtype=torch.float32)",
        RuntimeError,
        lambda: torch.linspace(0, 1j, 3, dtype=torch.float32, device=subject.device),
    )


@check("creation.linspace-default-steps")
def test_linspace_needs_its_steps(subject: Subject) -> None:
    for arguments in ((0, 1), (0.0, 10.0), (1,)):
        assert_raises(
            f"torch.linspace{arguments}", TypeError, lambda a=arguments: torch.linspace(*a, device=subject.device)
        )


@check("creation.logspace-default-steps")
def test_logspace_needs_its_steps(subject: Subject) -> None:
    for arguments in ((0, 1), (0.0, 2.0), (1,)):
        assert_raises(
            f"torch.logspace{arguments}", TypeError, lambda a=arguments: torch.logspace(*a, device=subject.device)
        )


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
                    "base=": torch.logspace(
                        start, end, steps, base=base, dtype=host.torch_dtype(dtype), device=subject.device
                    ),
                    "fourth": torch.logspace(
                        start, end, steps, base, dtype=host.torch_dtype(dtype), device=subject.device
                    ),
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
        for start, end, steps, base in (
            (0, 2, 3, 10),
            (0, 6, 7, 2),
            (6, 0, 7, 2),
            (0, 3, 4, 3),
            (0, 4, 3, 3),
            (1, 1, 1, 7),
        ):
            expected = np.array([base ** int(x) for x in oracle.spaced(start, end, steps)])
            t = torch.logspace(start, end, steps, base=base, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_values(
                f"torch.logspace({start}, {end}, {steps}, base={base}, dtype=torch.{dtype})", t, expected, dtype=dtype
            )


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
    assert_values(
        "torch.logspace(0, 1, steps=100, out=out)",
        out,
        oracle.powers(10, exponents),
        error,
        powers_scale(10, exponents),
        dtype="float32",
    )

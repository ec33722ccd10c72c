"""Tensors filled with a value: full, its inference, conversion and refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES, INTEGERS
from conformance.oracle import creation as oracle
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_bits
from properties.strategies.values import interesting

pytestmark = must_answer


# The last one lies beyond 32,768 elements, where kernels go parallel.
SHAPES = ((), (1,), (0,), (5,), (17,), (33,), (2, 3), (0, 3), (2, 0, 3), (3, 4, 5), (1, 2, 1, 3), (257, 129))


@check("creation.full")
def test_full_holds_the_value(subject: Subject) -> None:
    for dtype in COMMON:
        for number, value in enumerate(interesting(dtype)):
            shape = SHAPES[1 + number % (len(SHAPES) - 2)]
            call = f"torch.full({shape}, {value!r}, dtype=torch.{dtype})"
            t = torch.full(shape, value.item(), dtype=host.torch_dtype(dtype), device=subject.device)
            assert_bits(call, t, np.full(shape, value, DTYPES[dtype].host), dtype)
        large = torch.full((257, 129), 3, dtype=host.torch_dtype(dtype), device=subject.device)
        assert_values(
            f"torch.full((257, 129), 3, dtype=torch.{dtype})", large, np.full((257, 129), dtype == "bool" or 3)
        )


@check("creation.full")
def test_full_takes_its_arguments_in_other_forms(subject: Subject) -> None:
    device = subject.device
    for call, t in {
        "torch.full([2, 3], 7.5)": torch.full([2, 3], 7.5, device=device),
        "torch.full(size=(2, 3), fill_value=7.5)": torch.full(size=(2, 3), fill_value=7.5, device=device),
        "torch.full((2, 3), tensor(7.5))": torch.full((2, 3), torch.tensor(7.5), device=device),
        "torch.full(torch.Size([2, 3]), 7.5)": torch.full(torch.Size([2, 3]), 7.5, device=device),
    }.items():
        assert_values(call, t, np.full((2, 3), 7.5), dtype="float32")
    assert_values("torch.full((), 2)", torch.full((), 2, device=device), 2, dtype="int64")
    for value in ("a", None, [1], torch.ones(2)):
        assert_raises(
            f"torch.full((2,), {value!r})", TypeError, lambda value=value: torch.full((2,), value, device=device)
        )


@check("creation.full-dtype")
def test_full_infers_its_dtype_from_the_value(subject: Subject) -> None:
    values = (True, False, 0, 1, -5, 2**40, 2**53 + 1, 2**63 - 1, -(2**63), 1.0, -0.0, math.inf, 2.5, 1j, 2.5 - 1j)
    for value, shape in ((value, shape) for value in values for shape in ((), (3,), (40,), (2, 3))):
        call = f"torch.full({shape}, {value!r})"
        t = torch.full(shape, value, device=subject.device)
        assert_values(call, t, np.full(shape, value), dtype=oracle.inferred(value), signed_zeros=True)
        wide = torch.full(shape, value, dtype=torch.complex128, device=subject.device)
        assert_values(f"{call[:-1]}, dtype=torch.complex128)", wide, np.full(shape, complex(value)), dtype="complex128")
        require(
            torch.full(shape, value, dtype=torch.bool, device=subject.device).dtype is torch.bool,
            f"{call} ignores dtype",
        )


# A value that is no Python number, and the dtype that is due: the kind counts, not the precision.
OTHER_NUMBERS: tuple[tuple[Any, str], ...] = (
    *(
        (np.float64(2.5), "float32"),
        (np.float32(0.5), "float32"),
        (np.int8(3), "int64"),
        (np.int32(-3), "int64"),
        (np.uint8(200), "int64"),
        (np.float16(0.5), "float32"),
        (np.complex128(1j), "complex64"),
    ),
)


@check("creation.full-dtype")
def test_numpys_numbers_and_elements_of_tensors_count_as_pythons(subject: Subject) -> None:
    for shape in ((), (3,), (2, 3), (40,)):
        for value, dtype in OTHER_NUMBERS:
            given = torch.tensor(value, device=subject.device)
            for name, number in (("", value), ("a tensor of ", given), ("the last of ", given.expand(3)[-1])):
                t = torch.full(shape, number, device=subject.device)
                call = f"torch.full({shape}, {name}{value!r})"
                assert_values(call, t, np.full(shape, value), dtype=dtype)
                held = torch.full(shape, number, dtype=torch.complex128, device=subject.device)
                assert_values(f"{call[:-1]}, dtype=torch.complex128)", held, np.full(shape, value), dtype="complex128")
    truth = torch.full((2,), torch.tensor(True), device=subject.device)
    assert_values("torch.full((2,), tensor(True))", truth, [True, True], dtype="bool")


# A value, the dtype that it is given, and what is due.
CONVERTED: tuple[tuple[Any, str, Any], ...] = (
    (3.7, "int64", 3),
    (-3.7, "int32", -3),
    (-0.5, "int8", 0),
    (254.9, "uint8", 254),
    (2, "bool", True),
    (0.5, "bool", True),
    (0.0, "bool", False),
    (True, "float32", 1.0),
    (7, "float16", 7.0),
    (3, "complex64", 3 + 0j),
    (16777217, "float32", 16777216.0),
    (2**53 + 1, "float64", 2.0**53),
    (1 / 3, "float32", np.float32(1 / 3)),
    (0.1, "bfloat16", 0.10009765625),
)


@check("creation.full-converts")
def test_full_converts_the_value_to_the_dtype(subject: Subject) -> None:
    for (value, dtype, due), shape in ((row, shape) for row in CONVERTED for shape in ((2,), (), (20,))):
        own, expected = host.torch_dtype(dtype), np.full(shape, due)
        like = torch.empty(shape, dtype=own, device=subject.device)
        for call, t in (
            ("torch.full", torch.full(shape, value, dtype=own, device=subject.device)),
            ("torch.full_like", torch.full_like(like, value)),
            ("new_full", like.new_full(shape, value)),
        ):
            assert_values(f"{call} of {shape}, {value}, {dtype}", t, expected, dtype=dtype)


TOO_LARGE: tuple[tuple[str, Any], ...] = (
    *(("uint8", 256), ("uint8", 300), ("uint8", 1e10), ("int8", 128), ("int8", -129), ("int16", 2**15)),
    *(("int16", -(2**15) - 1), ("int32", 2**31), ("int32", 2**40), ("int64", 1e19), ("int64", math.nan)),
    *(("int32", math.inf), ("float16", 1e10), ("float16", -70000.0), ("float32", 1e39), ("float32", 1j), ("int64", 1j)),
)


@check("creation.full-overflow")
def test_values_beyond_the_dtype_are_refused(subject: Subject) -> None:
    for dtype, value in TOO_LARGE:
        own = host.torch_dtype(dtype)
        like = torch.ones(2, dtype=own, device=subject.device)
        calls: dict[str, Callable[[Any], torch.Tensor]] = {
            "torch.full": lambda value, own=own: torch.full((2,), value, dtype=own, device=subject.device),
            "torch.full_like": lambda value, like=like: torch.full_like(like, value),
            "new_full": lambda value, like=like: like.new_full((2,), value),
        }
        if dtype != "float16":  # scalar_tensor has lately come to round it to infinity
            calls["scalar_tensor"] = lambda value, own=own: torch.scalar_tensor(value, dtype=own)
        for call, make in calls.items():
            assert_raises(f"{call} of {value} as {dtype}", RuntimeError, lambda make=make, value=value: make(value))
        assert_values("the tensor after refusals", like, [1, 1], dtype=dtype)
    for value in (2**63, -(2**63) - 1, 2**70):
        errors = (RuntimeError, ValueError, OverflowError)
        assert_raises(f"torch.full((2,), {value})", errors, lambda value=value: torch.full((2,), value))


@check("creation.full-overflow")
def test_the_extremes_of_a_dtype_are_accepted(subject: Subject) -> None:
    for dtype in INTEGERS:
        for value in (int(np.iinfo(dtype).max), int(np.iinfo(dtype).min)):
            t = torch.full((3,), value, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_values(f"torch.full((3,), {value}, dtype=torch.{dtype})", t, np.full(3, value, dtype), dtype=dtype)

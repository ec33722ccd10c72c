"""Tensors of zeros and ones, of no values in particular, and of a diagonal."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES, INTEGERS, UNSIGNED_EXTRA
from conformance.oracle import creation as oracle
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_bits, assert_strides

pytestmark = must_answer

# The last one lies beyond 32,768 elements, where kernels go parallel.
SHAPES = ((), (1,), (0,), (5,), (17,), (33,), (2, 3), (0, 3), (2, 0, 3), (3, 4, 5), (1, 2, 1, 3), (257, 129))
# The dtypes that came later, and with which release creation functions knew them.
LATER = {"2.3": UNSIGNED_EXTRA, "2.6": ("float8_e5m2", "float8_e4m3fn")}


def dtype_rows(claim: str) -> list:
    """One row for the common dtypes, and one for those of each later release."""
    later = [pytest.param(dtypes, id=f"of {since}", marks=check(claim, since=since)) for since, dtypes in LATER.items()]
    return [pytest.param(COMMON, id="common", marks=check(claim)), *later]


@pytest.mark.parametrize("dtypes", dtype_rows("creation.zeros"))
def test_zeros_are_zeros(subject: Subject, dtypes: tuple[str, ...]) -> None:
    for dtype in dtypes:
        for shape in SHAPES:
            call = f"torch.zeros({shape}, dtype=torch.{dtype})"
            t = torch.zeros(shape, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_bits(call, t, np.zeros(shape, DTYPES[dtype].host), dtype)
            require(not host.bits(t).any() and not t.requires_grad, f"{call} has bits, or requires grad")


@pytest.mark.parametrize("dtypes", dtype_rows("creation.ones"))
def test_ones_are_ones(subject: Subject, dtypes: tuple[str, ...]) -> None:
    for dtype in dtypes:
        for shape in SHAPES:
            t = torch.ones(shape, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_values(f"torch.ones({shape}, dtype=torch.{dtype})", t, np.ones(shape), dtype=dtype)


@check("creation.sizes")
@pytest.mark.parametrize("name", ["zeros", "ones", "empty", "rand"])
def test_sizes_come_in_many_forms(subject: Subject, name: str) -> None:
    make, device = getattr(torch, name), subject.device
    for shape in ((2, 3), (4,), (2, 0, 5), (1, 1, 7)):
        forms = {
            "separate": make(*shape, device=device),
            "tuple": make(shape, device=device),
            "list": make(list(shape), device=device),
            "size=": make(size=shape, device=device),
            "Size": make(torch.Size(shape), device=device),
            "tensors": make([torch.tensor(side) for side in shape], device=device),
            "numpy's": make(*(np.int64(side) for side in shape), device=device),
        }
        for form, t in forms.items():
            assert_tensor(f"torch.{name}({form}, {shape})", t, "float32", shape)
            require(
                t.stride() == oracle.row_major(shape) and t.is_contiguous(),
                f"torch.{name}({form}, {shape}) has strides {t.stride()}",
                oracle.row_major(shape),
                t.stride(),
            )
    for empty in ((), []):
        assert_tensor(f"torch.{name}({empty})", make(empty, device=device), "float32", ())


@check("creation.zeros")
def test_zeros_of_sizes_hold_no_data(subject: Subject) -> None:
    assert_values("torch.zeros(5, 3)", torch.zeros(5, 3, device=subject.device), np.zeros((5, 3)), dtype="float32")
    assert_values("torch.zeros([5, 3])", torch.zeros([5, 3], device=subject.device), np.zeros((5, 3)), dtype="float32")
    for _ in range(3):  # freed memory comes back with what was in it
        torch.full((4000,), math.nan, device=subject.device)
        assert_values("torch.zeros(4000) after nan lay there", torch.zeros(4000, device=subject.device), np.zeros(4000))


@check("creation.zeros-dtype-long")
def test_long_is_int64(subject: Subject) -> None:
    for dtype in (torch.long, torch.int64, int):
        t = torch.zeros(5, 3, dtype=dtype, device=subject.device)
        assert_values(f"torch.zeros(5, 3, dtype={dtype})", t, np.zeros((5, 3)), dtype="int64")
    for alias, dtype in {
        "float": "float32",
        "double": "float64",
        "half": "float16",
        "int": "int32",
        "short": "int16",
        "cfloat": "complex64",
        "cdouble": "complex128",
        "chalf": "complex32",
    }.items():
        t = torch.empty(2, dtype=getattr(torch, alias), device=subject.device)
        assert_tensor(f"torch.empty(2, dtype=torch.{alias})", t, dtype, (2,))
    for python, dtype in {float: "float64", int: "int64", bool: "bool"}.items():
        t = torch.ones(2, dtype=python, device=subject.device)
        assert_values(f"torch.ones(2, dtype={python.__name__})", t, [1, 1], dtype=dtype)


@check("creation.negative-sizes")
def test_sizes_must_be_counts(subject: Subject) -> None:
    device = subject.device
    for name in ("zeros", "ones", "empty", "rand", "randn"):
        make = getattr(torch, name)
        for size in ((-1,), (2, -1), (-3, 0)):
            assert_raises(f"torch.{name}{size}", RuntimeError, lambda make=make, size=size: make(size, device=device))
        for size in (2.5, 2.0, "3", None, (2, 1.5), [2.0], np.float64(2)):
            assert_raises(f"torch.{name}({size!r})", TypeError, lambda make=make, size=size: make(size, device=device))
        assert_raises(f"torch.{name}(2, dtype='float32')", TypeError, lambda make=make: make(2, dtype="float32"))
        assert_raises(f"torch.{name}(2, device='nope')", RuntimeError, lambda make=make: make(2, device="nope"))
    assert_raises("torch.full((-1,), 1)", RuntimeError, lambda: torch.full((-1,), 1, device=device))
    assert_raises("torch.full(2, 1)", TypeError, lambda: torch.full(2, 1, device=device))  # type: ignore[call-overload]
    assert_raises("torch.zeros(2**62, 4)", RuntimeError, lambda: torch.zeros(2**62, 4, device=device))


@check("creation.empty-uninitialised")
def test_empty_has_shape_dtype_and_memory_of_its_own(subject: Subject) -> None:
    for dtype in COMMON:
        for shape in SHAPES:
            call = f"torch.empty({shape}, dtype=torch.{dtype})"
            t = assert_tensor(
                call, torch.empty(shape, dtype=host.torch_dtype(dtype), device=subject.device), dtype, shape
            )
            require(
                t.is_contiguous() and t.storage_offset() == 0 and not t.requires_grad, f"{call} is laid out otherwise"
            )
            other = torch.empty(shape, dtype=host.torch_dtype(dtype), device=subject.device).fill_(0)
            t.fill_(1)
            assert_values(f"{call} after fill_(1)", t, np.ones(shape))
            assert_values(f"another {call}", other, np.zeros(shape))
    assert_tensor("torch.empty(2, 2)", torch.empty(2, 2, device=subject.device), "float32", (2, 2))


@check("creation.empty-memory-format")
def test_empty_follows_the_memory_format(subject: Subject) -> None:
    device = subject.device
    for shape in ((2, 3, 4, 5), (1, 3, 2, 2), (2, 1, 3, 3), (3, 8, 1, 1)):
        _, c, h, w = shape
        for dtype in COMMON:
            own = host.torch_dtype(dtype)
            t = torch.empty(shape, dtype=own, memory_format=torch.channels_last, device=device)
            call = f"torch.empty({shape}, dtype=torch.{dtype}, memory_format=torch.channels_last)"
            assert_strides(call, assert_tensor(call, t, dtype, shape), (h * w * c, 1, w * c, c))
        require(
            t.is_contiguous(memory_format=torch.channels_last), "a channels-last tensor is not contiguous in its format"
        )
        plain = torch.empty(shape, memory_format=torch.contiguous_format, device=device)
        assert_strides(f"torch.empty({shape}, memory_format=torch.contiguous_format)", plain, oracle.row_major(shape))
    volume = torch.empty((2, 3, 4, 5, 6), memory_format=torch.channels_last_3d, device=device)
    assert_strides("torch.empty((2, 3, 4, 5, 6), memory_format=torch.channels_last_3d)", volume, (360, 1, 90, 18, 3))


@check("creation.empty-memory-format")
def test_memory_formats_have_a_rank(subject: Subject) -> None:
    rows = (((2, 3), "channels_last"), ((2, 3, 4), "channels_last"), ((2, 3, 4, 5), "channels_last_3d"))
    for shape, name in rows:
        assert_raises(
            f"torch.empty({shape}, memory_format=torch.{name})",
            RuntimeError,
            lambda a=shape, b=name: torch.empty(a, memory_format=getattr(torch, b), device=subject.device),
        )


@check("creation.eye")
def test_eye_has_ones_on_its_diagonal(subject: Subject) -> None:
    for dtype in ("float32", "float64", "float16", "bool", *INTEGERS, "complex64", "complex128"):
        for n in (0, 1, 2, 3, 5, 17, 33, 190):
            t = torch.eye(n, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_values(f"torch.eye({n}, dtype=torch.{dtype})", t, np.eye(n), dtype=dtype)
    assert_values("torch.eye(3)", torch.eye(3, device=subject.device), np.eye(3), dtype="float32")


@check("creation.eye-columns")
def test_eye_takes_a_number_of_columns(subject: Subject) -> None:
    for n, m in ((2, 3), (3, 2), (1, 5), (5, 1), (0, 3), (3, 0), (17, 33), (33, 17), (4, 4)):
        for dtype in ("float32", "int64", "bool", "complex64"):
            t = torch.eye(n, m, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_values(f"torch.eye({n}, {m}, dtype=torch.{dtype})", t, np.eye(n, m), dtype=dtype)
        assert_values(
            f"torch.eye(n={n}, m={m})", torch.eye(n=n, m=m, device=subject.device), np.eye(n, m), dtype="float32"
        )
    assert_raises("torch.eye(2, m=None)", TypeError, lambda: torch.eye(2, m=None, device=subject.device))  # type: ignore[call-overload]
    for n, m in ((-1, 2), (2, -1), (-1, -1)):
        assert_raises(f"torch.eye({n}, {m})", RuntimeError, lambda n=n, m=m: torch.eye(n, m, device=subject.device))
    assert_raises("torch.eye(-1)", RuntimeError, lambda: torch.eye(-1, device=subject.device))
    assert_raises("torch.eye(2.0)", TypeError, lambda: torch.eye(2.0, device=subject.device))  # type: ignore[call-overload]

"""Tensors of Python's data: torch.tensor, as_tensor, asarray, scalar_tensor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.oracle import creation as oracle
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_bits
from properties.strategies.values import interesting, rounded

pytestmark = must_answer

MAKERS = ("tensor", "as_tensor", "asarray")
DATA: tuple[Any, ...] = (
    *(5, -7, 2.5, True, False, 1j, 2**40, 2**63 - 1, -(2**63), 1e300, -0.0, math.inf, 0),
    *(
        [5, 5, 3],
        [1.5, 2],
        [2, 1.5],
        [True, False],
        [True, 2],
        [2, True],
        [True, 2.5],
        [1, 1j],
        [2.5, 1j, True],
        [12.0, 11],
    ),
    *(
        (1, 2, 3),
        [],
        (),
        [[]],
        [[], []],
        [[[]]],
        [[1, 2], [3, 4]],
        [[1, 2], (3, 4.5)],
        ([1], [2]),
        [[[1], [2]], [[3], [4]]],
    ),
    *(range(4), [range(3), [7, 8, 9]], list(range(40)), [i / 2 for i in range(40)], [i % 3 == 0 for i in range(40)]),
    *(
        [1] * 33 + [0.5],
        [[True] * 5] * 5,
        [[i * 10 + j for j in range(17)] for i in range(3)],
        [2**31, -1],
        [2**53 + 1],
        [1.5] * 20 + [2],
        [1j, *[2.5] * 20, 3],
        [2, *[True] * 20],
        [[[[[1, 2, 3], [4, 5, 6]]]], [[[[7, 8, 9], [10, 11, 12]]]]],
        [[[[[[1.5, 2]]]]]],
    ),
    *([0.1, 1 / 3, 1e-8], [[complex(i, -j) for j in range(3)] for i in range(2)], [[1e300, 1.0]], [math.inf, -0.0]),
)


def held(data: Any, dtype: str) -> np.ndarray:
    """The numbers of nested data as an array of a dtype's host type, each rounded once."""
    flat = list(oracle.numbers(data))
    wide = np.array(
        flat, {"int": np.int64, "uint": np.int64, "bool": bool, "complex": complex}.get(DTYPES[dtype].kind, float)
    )
    with np.errstate(over="ignore"):
        return rounded(wide.astype(DTYPES[dtype].host), dtype).reshape(oracle.nested_shape(data))


@check("creation.tensor-from-data")
@pytest.mark.parametrize("maker", MAKERS)
def test_data_becomes_values_and_their_dtype(subject: Subject, maker: str) -> None:
    make = getattr(torch, maker)
    for data in DATA:
        dtype = oracle.inferred(data)
        call = f"torch.{maker}({data!r})"
        t = make(data, device=subject.device)
        assert_values(call, t, held(data, dtype), dtype=dtype, signed_zeros=True)
        require(t.is_leaf and not t.requires_grad and t.is_contiguous(), f"{call} takes part in autograd, or has gaps")
        assert_values(f"the second {call}", make(data, device=subject.device), held(data, dtype), dtype=dtype)
    assert_values(f"torch.{maker}([5, 5, 3])", make([5, 5, 3], device=subject.device), [5, 5, 3], dtype="int64")


@check("creation.tensor-from-data")
def test_long_lists_are_read_to_their_end(subject: Subject) -> None:
    count = 40000
    for data, dtype in (
        (list(range(count)), "int64"),
        ([i / 4 for i in range(count)], "float32"),
        ([i % 7 == 0 for i in range(count)], "bool"),
        ([1] * (count - 1) + [0.5], "float32"),
        ([[i, -i] for i in range(count // 2)], "int64"),
    ):
        t = torch.tensor(data, device=subject.device)
        assert_values(f"torch.tensor of {count} numbers", t, np.array(data), dtype=dtype)


@check("creation.tensor-mixed-numbers")
def test_one_float_makes_all_of_them_float(subject: Subject) -> None:
    for data in ([12.0, 11], [11, 12.0], [1, 2, 3, 4.0], [0.5] + [1] * 40, [[1, 2], [3, 4.5]], [True, 1.5]):
        t = torch.tensor(data, requires_grad=True, device=subject.device)
        assert_values(f"torch.tensor({data}, requires_grad=True)", t, np.array(data, float), dtype="float32")
        require(
            t.requires_grad and t.is_leaf, f"torch.tensor({data}, requires_grad=True) is no leaf that requires grad"
        )
    for data in ([12, 11], [True], 3, [[1], [2]], True):
        assert_raises(
            f"torch.tensor({data}, requires_grad=True)",
            RuntimeError,
            lambda data=data: torch.tensor(data, requires_grad=True, device=subject.device),
        )


@check("creation.tensor-dtype")
@pytest.mark.parametrize("maker", MAKERS)
def test_a_dtype_that_is_given_is_kept(subject: Subject, maker: str) -> None:
    make = getattr(torch, maker)
    for dtype in (*COMMON, "complex32"):
        kind = DTYPES[dtype].kind
        rows: list[Any] = [5, True, [1, 0, 3], [[1, 2], [3, 4]], [], list(range(40)), 2.0, [1.0, True, 0]]
        for data in (
            rows + ([[0.5, -1.5], [2.25]] if kind in ("float", "complex") else []) + ([1j] if kind == "complex" else [])
        ):
            t = make(data, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_values(f"torch.{maker}({data}, dtype=torch.{dtype})", t, held(data, dtype), dtype=dtype)
    for python, dtype in {float: "float64", int: "int64", bool: "bool"}.items():
        t = make([0, 2], dtype=python, device=subject.device)
        assert_values(f"torch.{maker}([0, 2], dtype={python.__name__})", t, np.array([0, 2], python), dtype=dtype)


@check("creation.tensor-dtype")
def test_every_value_survives_its_own_dtype(subject: Subject) -> None:
    for dtype in COMMON:
        table = interesting(dtype)
        if dtype == "bfloat16":
            table = table[np.isfinite(table)]
        data = [value.item() for value in table]
        for name, given, expected in (
            ("list", data, table),
            ("column", [[n] for n in data], table[:, None]),
            ("number", data[1], table[1]),
        ):
            t = torch.tensor(given, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_bits(f"torch.tensor({name} of {dtype})", t, np.asarray(expected), dtype)


@check("creation.scalar-tensor")
def test_scalar_tensor_has_no_dimensions_and_the_default_dtype(subject: Subject) -> None:
    for value in (3, 3.5, True, -0.0, math.inf, 2**30):
        t = torch.scalar_tensor(value, device=subject.device)
        assert_values(f"torch.scalar_tensor({value})", t, float(value), dtype="float32", signed_zeros=True)
    for dtype in COMMON:
        for value in (0, 1, True, 2.0):
            t = torch.scalar_tensor(value, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_values(f"torch.scalar_tensor({value}, dtype=torch.{dtype})", t, held(value, dtype), dtype=dtype)
    for value in (2**53 + 1, -(2**62) - 1, 2**63 - 1):
        t = torch.scalar_tensor(value, dtype=torch.int64, device=subject.device)
        require(t.item() == value, f"torch.scalar_tensor({value}, dtype=torch.int64)", value, t.item())
    require(torch.scalar_tensor(2, requires_grad=True, device=subject.device).requires_grad, "requires_grad is ignored")

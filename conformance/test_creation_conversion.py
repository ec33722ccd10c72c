"""How Python's numbers convert to a dtype, and which data torch.tensor and its kin refuse."""

from __future__ import annotations

import array
import math
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values
from conformance.check import check, must_answer
from conformance.dtypes import INTEGERS
from conformance.subject import Subject

pytestmark = must_answer


MAKERS = ("tensor", "as_tensor", "asarray")


# Data, the dtype that it is given, and the values that are due.
CONVERTED: tuple[tuple[Any, str, Any], ...] = (
    (3.7, "int64", 3),
    (-3.7, "int64", -3),
    ([3.7, -3.7, 0.9], "int32", [3, -3, 0]),
    (254.9, "uint8", 254),
    (0.5, "bool", True),
    ([0.0, -0.0, math.nan, 2, 1e-45], "bool", [False, False, True, True, True]),
    ([0, 2, -1], "bool", [False, True, True]),
    (1e39, "float32", math.inf),
    ([70000.0, 65519.0, 65520.0], "float16", [math.inf, 65504.0, math.inf]),
    (16777217, "float32", 16777216.0),
    ([16777219], "float32", [16777220.0]),
    (2**53 + 1, "float64", 2.0**53),
    ([1 + 2**-11, 1 + 3 * 2**-11], "float16", [1.0, 1 + 2**-9]),
    ([1 + 2**-8, 1 + 3 * 2**-8], "bfloat16", [1.0, 1 + 2**-6]),
    (0.1, "float64", 0.1),
    (0.1, "float32", float(np.float32(0.1))),
    (2**63, "float64", 2.0**63),
    (3, "complex64", 3 + 0j),
    (1e-46, "float32", 0.0),
    (True, "float32", 1.0),
    (5, "complex128", 5 + 0j),
)


@check("creation.tensor-converts")
@pytest.mark.parametrize("maker", MAKERS)
def test_numbers_convert_to_the_dtype(subject: Subject, maker: str) -> None:
    for data, dtype, expected in CONVERTED:
        t = getattr(torch, maker)(data, dtype=host.torch_dtype(dtype), device=subject.device)
        assert_values(f"torch.{maker}({data}, dtype=torch.{dtype})", t, expected, dtype=dtype, signed_zeros=True)


TOO_LARGE = (
    *((300, "uint8"), (256, "uint8"), (-129, "int8"), (128, "int8"), (2**15, "int16"), (2**31, "int32")),
    *((-(2**31) - 1, "int32"), ([1, 300], "uint8"), ([1] * 40 + [128], "int8"), ([0.5, math.nan], "int16")),
    *((math.nan, "int64"), (math.inf, "int32")),
)
OVERFLOWS = (RuntimeError, ValueError, OverflowError)


@check("creation.tensor-overflow")
@pytest.mark.parametrize("maker", MAKERS)
def test_numbers_beyond_the_dtype_are_refused(subject: Subject, maker: str) -> None:
    make = getattr(torch, maker)
    for data, dtype in TOO_LARGE:
        own = host.torch_dtype(dtype)
        call = f"torch.{maker}({data}, dtype=torch.{dtype})"
        assert_raises(call, OVERFLOWS, lambda x=data, own=own: make(x, dtype=own, device=subject.device))
    for data in (2**63, -(2**63) - 1, [2**64], [1, 2**63]):
        assert_raises(f"torch.{maker}({data})", OVERFLOWS, lambda data=data: make(data))
    for data in (1j, [1 + 0j, 2]):
        call = f"torch.{maker}({data}, dtype=torch.float32)"
        assert_raises(call, (TypeError, RuntimeError), lambda data=data: make(data, dtype=torch.float32))
    for dtype in INTEGERS:
        limits = [int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)]
        t = make(limits, dtype=host.torch_dtype(dtype), device=subject.device)
        assert_values(f"torch.{maker}({limits}, dtype=torch.{dtype})", t, np.array(limits, dtype), dtype=dtype)


RAGGED: tuple[Any, ...] = ([[1, 2], [3]], [[1], [2, 3]], [[[1, 2], [3, 4]], [[5, 6]]], [[1.5, 2.5], []])
MIXED: tuple[Any, ...] = ([[1], 2], [1, [2]], [[1, 2], [3, [4]]], [[1, 2], 3])
NO_NUMBERS: tuple[Any, ...] = ("a", "12", None, [None], {1, 2}, object(), [1, "a"], ["a"], {"a": 1})


@check("creation.tensor-ragged")
@pytest.mark.parametrize("maker", MAKERS)
def test_data_must_be_rectangular_numbers(subject: Subject, maker: str) -> None:
    make = getattr(torch, maker)
    for data in RAGGED:
        assert_raises(f"torch.{maker}({data})", ValueError, lambda data=data: make(data))
    for data in (*MIXED, *NO_NUMBERS):
        assert_raises(f"torch.{maker}({data!r})", (TypeError, ValueError, RuntimeError), lambda data=data: make(data))
    assert_raises(f"torch.{maker}()", TypeError, make)
    assert_raises(f"torch.{maker}(1, 2)", TypeError, lambda: make(1, 2))
    for dtype in ("float32", np.float32, 7):
        assert_raises(f"torch.{maker}([1], dtype={dtype!r})", TypeError, lambda dtype=dtype: make([1], dtype=dtype))
    assert_values(f"torch.{maker}([[1, 2]]) after refusals", make([[1, 2]]), [[1, 2]], dtype="int64")


class Mine(list):
    """A list by another name."""


class Items:
    """Anything with a length and items."""

    def __init__(self, values: list) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, place: int) -> Any:
        return self.values[place]


@check("creation.tensor-sequences")
def test_other_sequences_are_read_as_lists(subject: Subject) -> None:
    rows: dict[str, tuple[Any, Any, str]] = {
        "a subclass of list": (Mine([1, 2]), [1, 2], "int64"),
        "a sequence": (Items([1.5, 2]), [1.5, 2], "float32"),
        "array.array('i')": (array.array("i", [1, 2]), [1, 2], "int64"),
        "array.array('d')": (array.array("d", [1, 2]), [1, 2], "float32"),
        "bytearray": (bytearray(b"ab"), [97, 98], "int64"),
        "range": (range(5, 0, -2), [5, 3, 1], "int64"),
        "tensors": ([torch.tensor(1), torch.tensor(2.5)], [1, 2.5], "float32"),
        "a Size": (torch.Size([2, 3]), [2, 3], "int64"),
    }
    for name, (data, expected, dtype) in rows.items():
        assert_values(f"torch.tensor({name})", torch.tensor(data, device=subject.device), expected, dtype=dtype)
    pairs = [torch.ones(2), torch.ones(2)]
    assert_raises("torch.tensor([tensors of two])", (ValueError, TypeError, RuntimeError), lambda: torch.tensor(pairs))

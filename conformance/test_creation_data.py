"""Tensors of Python's data: torch.tensor, as_tensor, asarray, scalar_tensor, and the legacy constructors."""

from __future__ import annotations

import array
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES, INTEGERS
from conformance.oracle import creation as oracle
from conformance.sharing import assert_array, assert_bits, assert_separate, assert_shared
from conformance.subject import Subject
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct, interesting, rounded

pytestmark = must_answer

MAKERS = ("tensor", "as_tensor", "asarray")
DATA: tuple[Any, ...] = (
    *(5, -7, 2.5, True, False, 1j, 2**40, 2**63 - 1, -(2**63), 1e300, -0.0, math.inf, 0),
    *([5, 5, 3], [1.5, 2], [2, 1.5], [True, False], [True, 2], [2, True], [True, 2.5], [1, 1j], [2.5, 1j, True], [12.0, 11]),
    *((1, 2, 3), [], (), [[]], [[], []], [[[]]], [[1, 2], [3, 4]], [[1, 2], (3, 4.5)], ([1], [2]), [[[1], [2]], [[3], [4]]]),
    *(range(4), [range(3), [7, 8, 9]], list(range(40)), [i / 2 for i in range(40)], [i % 3 == 0 for i in range(40)]),
    *([1] * 33 + [0.5], [[True] * 5] * 5, [[i * 10 + j for j in range(17)] for i in range(3)], [2**31, -1], [2**53 + 1]),
    *([0.1, 1 / 3, 1e-8], [[complex(i, -j) for j in range(3)] for i in range(2)], [[1e300, 1.0]], [math.inf, -0.0]),
)


def held(data: Any, dtype: str) -> np.ndarray:
    """The numbers of nested data as an array of a dtype's host type, each rounded once."""
    flat = list(oracle.numbers(data))
    wide = np.array(flat, {"int": np.int64, "uint": np.int64, "bool": bool, "complex": complex}.get(DTYPES[dtype].kind, float))
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


@check("creation.tensor-mixed-numbers")
def test_one_float_makes_all_of_them_float(subject: Subject) -> None:
    for data in ([12.0, 11], [11, 12.0], [1, 2, 3, 4.0], [0.5] + [1] * 40, [[1, 2], [3, 4.5]], [True, 1.5]):
        t = torch.tensor(data, requires_grad=True, device=subject.device)
        assert_values(f"torch.tensor({data}, requires_grad=True)", t, np.array(data, float), dtype="float32")
        require(t.requires_grad and t.is_leaf, f"torch.tensor({data}, requires_grad=True) is no leaf that requires grad")
    for data in ([12, 11], [True], 3, [[1], [2]], True):
        assert_raises(f"torch.tensor({data}, requires_grad=True)", RuntimeError,
                      lambda data=data: torch.tensor(data, requires_grad=True, device=subject.device))


@check("creation.tensor-dtype")
@pytest.mark.parametrize("maker", MAKERS)
def test_a_dtype_that_is_given_is_kept(subject: Subject, maker: str) -> None:
    make = getattr(torch, maker)
    for dtype in (*COMMON, "complex32"):
        kind = DTYPES[dtype].kind
        rows: list[Any] = [5, True, [1, 0, 3], [[1, 2], [3, 4]], [], list(range(40)), 2.0, [1.0, True, 0]]
        for data in rows + ([[0.5, -1.5], [2.25]] if kind in ("float", "complex") else []) + ([1j] if kind == "complex" else []):
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
        for name, given, expected in (("list", data, table), ("column", [[n] for n in data], table[:, None]), ("number", data[1], table[1])):
            t = torch.tensor(given, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_bits(f"torch.tensor({name} of {dtype})", t, np.asarray(expected), dtype)


@check("creation.tensor-converts")
def test_numbers_convert_to_the_dtype(subject: Subject) -> None:
    rows: list[tuple[Any, str, Any]] = [
        (3.7, "int64", 3), (-3.7, "int64", -3), ([3.7, -3.7, 0.9], "int32", [3, -3, 0]), (254.9, "uint8", 254), (0.5, "bool", True),
        ([0.0, -0.0, math.nan, 2, 1e-45], "bool", [False, False, True, True, True]), ([0, 2, -1], "bool", [False, True, True]),
        (1e39, "float32", math.inf), ([70000.0, 65519.0, 65520.0], "float16", [math.inf, 65504.0, math.inf]),
        (16777217, "float32", 16777216.0), ([16777219], "float32", [16777220.0]), (2**53 + 1, "float64", 2.0**53),
        ([1 + 2**-11, 1 + 3 * 2**-11], "float16", [1.0, 1 + 2**-9]), ([1 + 2**-8, 1 + 3 * 2**-8], "bfloat16", [1.0, 1 + 2**-6]),
        (0.1, "float64", 0.1), (0.1, "float32", float(np.float32(0.1))), (2**63, "float64", 2.0**63), (3, "complex64", 3 + 0j),
        (1e-46, "float32", 0.0), (True, "float32", 1.0), (5, "complex128", 5 + 0j),
    ]
    for (data, dtype, expected), maker in ((row, maker) for row in rows for maker in MAKERS):
        t = getattr(torch, maker)(data, dtype=host.torch_dtype(dtype), device=subject.device)
        assert_values(f"torch.{maker}({data}, dtype=torch.{dtype})", t, expected, dtype=dtype, signed_zeros=True)


@check("creation.tensor-overflow")
def test_numbers_beyond_the_dtype_are_refused(subject: Subject) -> None:
    rows = [(300, "uint8"), (256, "uint8"), (-129, "int8"), (128, "int8"), (2**15, "int16"), (2**31, "int32"), (-(2**31) - 1, "int32"),
            ([1, 300], "uint8"), ([1] * 40 + [128], "int8"), (math.nan, "int64"), (math.inf, "int32"), ([0.5, math.nan], "int16")]
    for (data, dtype), maker in ((row, maker) for row in rows for maker in MAKERS):
        assert_raises(f"torch.{maker}({data}, dtype=torch.{dtype})", (RuntimeError, ValueError, OverflowError),
                      lambda m=maker, x=data, d=dtype: getattr(torch, m)(x, dtype=host.torch_dtype(d), device=subject.device))
    for data in (2**63, -(2**63) - 1, [2**64], [1, 2**63]):
        assert_raises(f"torch.tensor({data})", (RuntimeError, ValueError, OverflowError), lambda data=data: torch.tensor(data))
    for dtype in INTEGERS:
        limits = [int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)]
        t = torch.tensor(limits, dtype=host.torch_dtype(dtype), device=subject.device)
        assert_values(f"torch.tensor({limits}, dtype=torch.{dtype})", t, np.array(limits, dtype), dtype=dtype)
    for data in (1j, [1 + 0j, 2]):
        assert_raises(f"torch.tensor({data}, dtype=torch.float32)", (TypeError, RuntimeError),
                      lambda data=data: torch.tensor(data, dtype=torch.float32))


@check("creation.tensor-ragged")
@pytest.mark.parametrize("maker", MAKERS)
def test_data_must_be_rectangular_numbers(subject: Subject, maker: str) -> None:
    make = getattr(torch, maker)
    for data in ([[1, 2], [3]], [[1], [2, 3]], [[[1, 2], [3, 4]], [[5, 6]]], [[1.5, 2.5], []]):
        assert_raises(f"torch.{maker}({data})", ValueError, lambda data=data: make(data))
    for data in ([[1], 2], [1, [2]], [[1, 2], [3, [4]]], [[1, 2], 3], "a", "12", None, [None], {1, 2}, object(), [1, "a"], ["a"], {"a": 1}):
        assert_raises(f"torch.{maker}({data!r})", (TypeError, ValueError, RuntimeError), lambda data=data: make(data))
    assert_raises(f"torch.{maker}()", TypeError, make)
    assert_raises(f"torch.{maker}(1, 2)", TypeError, lambda: make(1, 2))
    for dtype in ("float32", np.float32, 7):
        assert_raises(f"torch.{maker}([1], dtype={dtype!r})", TypeError, lambda dtype=dtype: make([1], dtype=dtype))
    assert_values(f"torch.{maker}([[1, 2], [3, 4]]) after refusals", make([[1, 2], [3, 4]]), [[1, 2], [3, 4]], dtype="int64")


@check("creation.tensor-sequences")
def test_other_sequences_are_read_as_lists(subject: Subject) -> None:
    class Mine(list):
        pass

    class Sequence:
        def __init__(self, values: list) -> None:
            self.values = values

        def __len__(self) -> int:
            return len(self.values)

        def __getitem__(self, place: int) -> Any:
            return self.values[place]

    rows: dict[str, tuple[Any, Any, str]] = {
        "a subclass of list": (Mine([1, 2]), [1, 2], "int64"), "a sequence": (Sequence([1.5, 2]), [1.5, 2], "float32"),
        "array.array('i')": (array.array("i", [1, 2]), [1, 2], "int64"), "array.array('d')": (array.array("d", [1, 2]), [1, 2], "float32"),
        "bytearray": (bytearray(b"ab"), [97, 98], "int64"), "range": (range(5, 0, -2), [5, 3, 1], "int64"),
        "tensors": ([torch.tensor(1), torch.tensor(2.5)], [1, 2.5], "float32"), "a Size": (torch.Size([2, 3]), [2, 3], "int64"),
    }
    for name, (data, expected, dtype) in rows.items():
        assert_values(f"torch.tensor({name})", torch.tensor(data, device=subject.device), expected, dtype=dtype)
    assert_raises("torch.tensor([tensors of two elements])", (ValueError, TypeError, RuntimeError),
                  lambda: torch.tensor([torch.ones(2), torch.ones(2)]))


@check("creation.tensor-of-tensor")
def test_tensor_of_a_tensor_is_a_detached_copy(subject: Subject) -> None:
    for layout in LAYOUTS:
        for dtype in ("float32", "int64", "bool", "complex64"):
            recipe = LAYOUTS[layout](distinct(dtype, (3, 7)), dtype)
            given = recipe.on(subject)
            if dtype == "float32":
                given.requires_grad_()
            before = Unchanged(given=given)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made, new = torch.tensor(given), given.new_tensor(given)
                wide = torch.tensor(given, dtype=torch.complex128)
            for call, t in (("torch.tensor(t)", made), ("t.new_tensor(t)", new)):
                assert_values(f"{call}, {layout}", t, recipe.array, dtype=dtype)
                assert_apart(f"{call}, {layout}", t, given)
                require(not t.requires_grad and t.grad_fn is None, f"{call} keeps the graph")
            assert_values("torch.tensor(t, dtype=torch.complex128)", wide, recipe.array, dtype="complex128")
            before.check("torch.tensor(t)")


@check("creation.as-tensor-alias")
def test_as_tensor_returns_tensors_as_they_are(subject: Subject) -> None:
    for layout in LAYOUTS:
        t = LAYOUTS[layout](distinct("float32", (3, 7)), "float32").on(subject).requires_grad_()
        for out in (torch.as_tensor(t), torch.as_tensor(t, dtype=torch.float32), torch.as_tensor(t, device=subject.device)):
            require(out is t, f"torch.as_tensor({layout} tensor) is another tensor")
        wide = torch.as_tensor(t, dtype=torch.float64)
        assert_values("torch.as_tensor(t, dtype=torch.float64)", wide, host.array(t.detach()), dtype="float64")
        require(wide.requires_grad and wide.grad_fn is not None, "torch.as_tensor(t, dtype=torch.float64) leaves the graph")
    assert_raises("torch.as_tensor([1.0], requires_grad=True)", TypeError, lambda: torch.as_tensor([1.0], requires_grad=True))


@check("creation.asarray-requires-grad")
def test_asarray_decides_on_requires_grad(subject: Subject) -> None:
    plain, leaf = torch.ones(3, device=subject.device), torch.ones(3, requires_grad=True, device=subject.device)
    result = leaf * 2
    require(torch.asarray(leaf, requires_grad=True).requires_grad, "torch.asarray(leaf, requires_grad=True) requires none")
    require(torch.asarray(result, requires_grad=True).grad_fn is not None, "torch.asarray(result, requires_grad=True) is detached")
    for t in (leaf, result):
        out = torch.asarray(t, requires_grad=False)
        require(not out.requires_grad and out.data_ptr() == t.data_ptr(), "torch.asarray(t, requires_grad=False) is not detached")
    require(result.requires_grad, "torch.asarray(result, requires_grad=False) detaches the result itself")
    require(not torch.asarray(plain).requires_grad, "torch.asarray(t) requires grad")
    for out in (torch.asarray([1.0, 2.0], requires_grad=True), torch.asarray(1.5, requires_grad=True)):
        require(out.requires_grad and out.is_leaf, "torch.asarray(data, requires_grad=True) is no leaf")


@check("creation.asarray-keeps-graph")
def test_asarray_keeps_the_graph_by_default(subject: Subject) -> None:
    leaf = torch.ones(3, requires_grad=True, device=subject.device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept, result = torch.asarray(leaf), torch.asarray(leaf * 2)
    require(kept.requires_grad and result.grad_fn is not None, "torch.asarray(t) drops requires_grad", True, False)


@check("creation.asarray-copy")
def test_asarray_of_data_is_always_a_copy(subject: Subject) -> None:
    for data in ([1, 2], 5, (1.5,), [[True]]):
        for copy in (None, True):
            t = torch.asarray(data, copy=copy, device=subject.device)
            assert_values(f"torch.asarray({data}, copy={copy})", t, np.array(data), dtype=oracle.inferred(data))
        assert_raises(f"torch.asarray({data}, copy=False)", ValueError, lambda data=data: torch.asarray(data, copy=False))


@check("creation.tensor-or-from-numpy")
def test_both_make_tensors_but_only_one_copies(subject: Subject) -> None:
    for data in ([5, 5, 3], [[1.5, 2.0], [3.0, 4.0]], [True] * 20, 7):
        a = np.array(data)
        copied, shared = torch.tensor(a), torch.from_numpy(a)
        dtype = {"i": "int64", "f": "float64", "b": "bool"}[a.dtype.kind]
        assert_separate(f"torch.tensor({data})", assert_bits(f"torch.tensor({data})", copied, a, dtype), a)
        assert_shared(f"torch.from_numpy({data})", assert_bits(f"torch.from_numpy({data})", shared, a, dtype), a)
        a[...] = 0
        assert_values("the copy after a write to the array", copied, np.array(data))
        assert_values("the sharing tensor after a write to the array", shared, np.zeros(a.shape))
        copied.fill_(1)
        assert_array("the array after a write to the copy", a, np.zeros(a.shape, a.dtype))


LEGACY: dict[str, tuple[Callable[..., torch.Tensor], str]] = {
    "torch.Tensor": (lambda *a: torch.Tensor(*a), "float32"), "torch.FloatTensor": (lambda *a: torch.FloatTensor(*a), "float32"),
    "torch.DoubleTensor": (lambda *a: torch.DoubleTensor(*a), "float64"), "torch.LongTensor": (lambda *a: torch.LongTensor(*a), "int64"),
    "torch.IntTensor": (lambda *a: torch.IntTensor(*a), "int32"), "torch.ShortTensor": (lambda *a: torch.ShortTensor(*a), "int16"),
    "torch.ByteTensor": (lambda *a: torch.ByteTensor(*a), "uint8"), "torch.CharTensor": (lambda *a: torch.CharTensor(*a), "int8"),
    "torch.BoolTensor": (lambda *a: torch.BoolTensor(*a), "bool"), "torch.HalfTensor": (lambda *a: torch.HalfTensor(*a), "float16"),
}


@check("creation.legacy-tensor-constructor")
@pytest.mark.parametrize("name", LEGACY)
def test_lists_are_data_and_numbers_are_sizes(subject: Subject, name: str) -> None:
    make, dtype = LEGACY[name]
    for data in ([1, 0], (1, 2, 3), [[1, 2], [3, 4]], [True, False], [1.0], list(range(40)), [[]]):
        t = make(data)
        assert_values(f"{name}({data})", t, np.array(data, DTYPES[dtype].host), dtype=dtype)
        require(t.is_leaf and not t.requires_grad, f"{name}({data}) takes part in autograd")
    for sizes in ((3,), (2, 3), (0,), (4, 0, 2)):
        assert_tensor(f"{name}{sizes}", make(*sizes), dtype, sizes)
    assert_tensor(f"{name}(torch.Size([2, 3]))", make(torch.Size([2, 3])), dtype, (2, 3))
    assert_values(f"{name}()", make(), np.empty(0), dtype=dtype)
    assert_raises(f"{name}(-1)", RuntimeError, lambda: make(-1))
    for bad in (2.5, "ab", None):
        assert_raises(f"{name}({bad!r})", TypeError, lambda bad=bad: make(bad))


@check("creation.legacy-tensor-constructor")
def test_the_legacy_constructor_shares_a_tensor(subject: Subject) -> None:
    t = torch.arange(3.0)
    out = torch.Tensor(t)
    assert_values("torch.Tensor(t)", out, [0, 1, 2], dtype="float32")
    require(out.data_ptr() == t.data_ptr() and out is not t, "torch.Tensor(t) is t, or a copy")
    require(torch.equal(torch.Tensor([1, 2]), torch.Tensor((1.0, 2.0))), "torch.Tensor of a list and of a tuple differ")


@check("creation.scalar-tensor")
def test_scalar_tensor_has_no_dimensions_and_the_default_dtype(subject: Subject) -> None:
    for value in (3, 3.5, True, -0.0, math.inf, 2**30):
        t = torch.scalar_tensor(value, device=subject.device)
        assert_values(f"torch.scalar_tensor({value})", t, float(value), dtype="float32", signed_zeros=True)
    for dtype in COMMON:
        for value in (0, 1, True, 2.0):
            t = torch.scalar_tensor(value, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_values(f"torch.scalar_tensor({value}, dtype=torch.{dtype})", t, held(value, dtype), dtype=dtype)
    require(torch.scalar_tensor(2, requires_grad=True, device=subject.device).requires_grad, "requires_grad is ignored")

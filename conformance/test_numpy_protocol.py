"""numpy's functions given tensors: np.asarray, np.array, ufuncs and operators."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from packaging.version import Version

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values
from conformance.check import check, must_answer
from conformance.dtypes import NUMPY
from conformance.numerics import FEW_ULPS
from conformance.subject import Subject, Unsupported
from conformance.tables.numpy_sharing import assert_array, assert_separate, assert_shared
from properties.strategies.ndarrays import KINDS, arranged
from properties.strategies.recipe import DENSE, LAYOUTS, layouts
from properties.strategies.values import distinct

pytestmark = must_answer

PLAIN_KINDS = [kind for kind in KINDS if kind != "unsigned"]


@check("numpy.array-protocol")
@pytest.mark.parametrize("kind", PLAIN_KINDS)
def test_asarray_sees_the_tensors_elements(subject: Subject, kind: str) -> None:
    subject.require_feature("host_memory")
    for dtype, recipe in arranged(kind):
        t = recipe.on(subject)
        call = f"np.asarray({dtype} tensor of {recipe.shape}, strides {recipe.strides}, offset {recipe.offset})"
        assert_shared(call, t, assert_array(call, np.asarray(t), recipe.array))
        assert_shared("__array__()", t, assert_array("__array__()", t.__array__(), recipe.array))


@check("numpy.array-copies")
@pytest.mark.parametrize("kind", PLAIN_KINDS)
def test_array_copies_the_tensors_elements(subject: Subject, kind: str) -> None:
    subject.require_feature("host_memory")
    for dtype, recipe in arranged(kind):
        t = recipe.on(subject)
        call = f"np.array({dtype} tensor of {recipe.shape}, strides {recipe.strides}, offset {recipe.offset})"
        a = assert_array(call, np.array(t), recipe.array)
        assert_separate(call, t, a)
        t.zero_()
        assert_array(f"{call} after a write to the tensor", a, recipe.array)


def fitting(dtype: str) -> np.ndarray:
    """Values of a dtype that every dtype of numpy has."""
    values = distinct(dtype, (3, 7))
    return values if dtype == "bool" else (values.real % 5).astype(dtype)


@check("numpy.array-dtype")
@pytest.mark.parametrize("layout", ["contiguous", "stepped"])
def test_asarray_converts_to_the_dtype_that_is_asked_for(subject: Subject, layout: str) -> None:
    subject.require_feature("host_memory")
    for source, target in itertools.product(NUMPY, NUMPY):
        recipe = LAYOUTS[layout](fitting(source), source)
        t = recipe.on(subject)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy's, when imaginary parts are dropped
            expected = recipe.array.astype(target)
            found = {"np.asarray": np.asarray(t, dtype=target), "np.array": np.array(t, dtype=target)}
            found["__array__"] = t.__array__(np.dtype(target))
        for name, a in found.items():
            call = f"{name}({layout} {source} tensor, {target})"
            assert_array(call, np.ascontiguousarray(a), expected)
            if source != target:
                assert_separate(call, t, a)
        if source == target:
            assert_shared(f"np.asarray({source} tensor, {target})", t, found["np.asarray"])


# Pairs of dtypes, and numbers that narrower ones would not hold.
LARGE: tuple[tuple[str, str, tuple[float, ...]], ...] = (
    ("int64", "float64", (2**53 - 1, -(2**40) - 1, 4097)),
    ("int32", "float32", (2**24 - 1, -4097, 2**20 + 1)),
    ("int32", "float64", (2**31 - 1, -(2**24) - 1, 7)),
    ("int16", "float32", (32767, -2049, 4099)),
    ("float64", "float32", (1 / 3, 16777217.0, -1e-40)),
    ("float32", "float64", (1 / 3, 16777215.0, 1e-40)),
    ("float32", "int64", (16777215.0, -4097.75, 2.5)),
    ("float64", "int32", (2147483647.0, -16777217.5, 0.99)),
    ("uint8", "int64", (255, 128, 0)),
    ("float64", "complex128", (1 / 3, 2.0**53 - 1, -0.1)),
    ("float64", "bool", (0.25, -0.0, math.nan)),
)


@check("numpy.array-dtype")
def test_arrays_of_another_dtype_keep_large_and_fine_numbers(subject: Subject) -> None:
    subject.require_feature("host_memory")
    for source, target, row in LARGE:
        for recipe in layouts(np.resize(np.array(row).astype(source), (20, 2)), source, DENSE):
            t, expected = recipe.on(subject), recipe.array.astype(target)
            found = {"np.asarray": np.asarray(t, dtype=target), "np.array": np.array(t, dtype=target)}
            found["__array__"] = t.__array__(np.dtype(target))
            for name, a in found.items():
                call = f"{name}({source} tensor of strides {recipe.strides}, {target})"
                assert_array(call, np.ascontiguousarray(a), expected)


@check("numpy.array-dtype")
def test_arrays_in_the_other_byte_order(subject: Subject) -> None:
    subject.require_feature("host_memory")
    for name in ("f2", "f4", "f8", "i2", "i4", "i8", "c8"):
        swapped = np.dtype(name).newbyteorder()
        values = distinct(np.dtype(name).name, (3, 4))
        t = host.tensor(values, np.dtype(name).name, subject.device)
        found = {"np.asarray": np.asarray(t, dtype=swapped), "np.array": np.array(t, dtype=swapped)}
        found["__array__"] = t.__array__(swapped)
        for call, a in found.items():
            assert_array(f"{call}({name} tensor, {swapped.str!r})", a, values.astype(swapped))
            assert_separate(f"{call}({name} tensor, {swapped.str!r})", t, a)


@check("numpy.sequences-of-tensors")
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "complex128"])
def test_numpy_reads_lists_of_tensors(subject: Subject, dtype: str) -> None:
    subject.require_feature("host_memory")
    if Version(np.__version__) < Version("1.25"):
        raise Unsupported(f"NumPy {np.__version__} reads no lists of arrays that are no sequences: 1.25 does")
    for layout in LAYOUTS:
        recipe = LAYOUTS[layout](distinct(dtype, (4, 5)), dtype)
        t, values = recipe.on(subject), recipe.array
        rows, lists = (
            list(t),
            {"rows": list(t), "elements": list(t[1]), "a tuple": tuple(t[:, 2]), "pairs": list(t[:, :2])},
        )
        dues = {"rows": values, "elements": values[1], "a tuple": values[:, 2], "pairs": values[:, :2]}
        for name, given in lists.items():
            assert_array(
                f"np.array({name} of a {layout} {dtype} tensor)", np.array(given), np.ascontiguousarray(dues[name])
            )
        for name, join in {"np.stack": np.stack, "np.concatenate": np.concatenate, "np.vstack": np.vstack}.items():
            a, due = join(rows), join(list(values))
            assert_array(f"{name}(rows of a {layout} {dtype} tensor)", a, due)
            assert_separate(f"{name}(rows of a {layout} {dtype} tensor)", t, a)


UNARY: dict[str, Callable[[Any], Any]] = {
    "np.sin": np.sin,
    "np.exp": np.exp,
    "np.negative": np.negative,
    "np.floor": np.floor,
    "np.square": np.square,
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "np.add": np.add,
    "np.multiply": np.multiply,
    "np.maximum": np.maximum,
    "np.subtract": np.subtract,
    "np.arctan2": np.arctan2,
}


@check("numpy.ufuncs")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ufuncs_of_tensors_make_tensors(subject: Subject, dtype: str) -> None:
    subject.require_feature("host_memory")
    for layout, shape in ((layout, shape) for layout in DENSE for shape in ((), (5,), (3, 4), (40,))):
        recipe = DENSE[layout](distinct(dtype, shape) % 7 / 2, dtype)
        t, x = recipe.on(subject), recipe.array
        before = Unchanged(t=t)
        for name, ufunc in UNARY.items():
            assert_values(f"{name}({layout} tensor)", ufunc(t), ufunc(x), FEW_ULPS, dtype=dtype)
        for name, ufunc in BINARY.items():
            for left, right, expected in (
                (t, x, (x, x)),
                (x, t, (x, x)),
                (t, t, (x, x)),
                (t, 2, (x, 2)),
                (2, t, (2, x)),
            ):
                if isinstance(ufunc(*expected), np.ndarray):
                    call = f"{name}({type(left).__name__}, {type(right).__name__}), {layout}"
                    assert_values(call, ufunc(left, right), ufunc(*expected), FEW_ULPS, dtype=dtype)
        before.check("a ufunc of numpy")


@check("numpy.ufuncs")
def test_functions_of_sequences_take_tensors(subject: Subject) -> None:
    subject.require_feature("host_memory")
    t = torch.arange(6.0, device=subject.device).reshape(2, 3).t()
    x = np.arange(6, dtype=np.float32).reshape(2, 3).T
    for name, call in {
        "np.stack": lambda x: np.stack([x, x]),
        "np.concatenate": lambda x: np.concatenate([x, x], axis=1),
        "np.vstack": lambda x: np.vstack([x, x[:1]]),
        "np.outer": lambda x: np.outer(np.asarray(x)[0], np.asarray(x)[1]),
    }.items():
        assert_array(f"{name} of tensors", np.ascontiguousarray(call(t)), np.ascontiguousarray(call(x)))
    a = np.zeros((3, 2), np.float32)
    a[...] = t
    assert_array("a[...] = t", a, np.ascontiguousarray(x))
    np.copyto(a, t + 1)
    assert_array("np.copyto(a, t + 1)", a, np.ascontiguousarray(x + 1))


@check("numpy.operands")
def test_a_tensor_takes_an_array_as_its_right_operand(subject: Subject) -> None:
    subject.require_feature("host_memory")
    t = torch.tensor([[1.0, -2.0, 3.5], [4.0, 5.0, 6.0]], device=subject.device)
    x, a = host.array(t), np.array([2.0, -3.0, 4.0], np.float32)
    for layout, tensor, left in (("plain", t, x), ("stepped", t[:, ::2], x[:, ::2])):
        right = a[: left.shape[1]]
        for sign, out, expected in (
            ("+", tensor + right, left + right),
            ("-", tensor - right, left - right),
            ("*", tensor * right, left * right),
            ("/", tensor / right, left / right),
        ):
            assert_values(f"{layout} tensor {sign} array", out, expected, FEW_ULPS, dtype="float32")
    assert_raises("torch.add(tensor, array)", TypeError, lambda: torch.add(t, a))

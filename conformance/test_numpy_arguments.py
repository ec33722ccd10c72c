"""numpy's numbers and arrays as arguments and indices of tensors, and tensors as indices of arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_tensor, assert_values
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_array
from properties.strategies.recipe import DENSE

pytestmark = must_answer


@check("numpy.numbers-as-arguments")
@pytest.mark.parametrize("scalar", [np.float64, np.float32, np.int64, np.int8])
def test_numpys_numbers_are_numbers(subject: Subject, scalar: Any) -> None:
    two = scalar(2)
    t = torch.tensor([1.0, -2.5, 4.0], device=subject.device)
    x = host.array(t)
    for call, out, expected in (
        ("t * n", t * two, x * 2),
        ("n * t", two * t, 2 * x),
        ("t + n", t + two, x + 2),
        ("n - t", two - t, 2 - x),
        ("t / n", t / two, x / 2),
        ("t ** n", t**two, x**2),
        ("torch.add(t, n)", torch.add(t, two), x + 2),
        ("t.clamp(max=n)", t.clamp(max=two), np.minimum(x, 2)),
        ("t.fill_(n)", t.clone().fill_(two), np.full(3, 2.0)),
    ):
        assert_values(f"{call}, n = {two!r}", out, expected, dtype="float32")
    if scalar is not np.float32:  # the one that is neither Python's float nor an index
        kept = t.clone()
        kept[1] = two
        assert_values(f"t[1] = {two!r}", kept, [1.0, 2.0, 4.0], dtype="float32")
    whole = issubclass(scalar, np.integer)
    full = torch.full((2,), two, device=subject.device)
    assert_values(f"torch.full((2,), {two!r})", full, [2, 2], dtype="int64" if whole else "float32")
    counted = torch.arange(two, device=subject.device)
    assert_values(f"torch.arange({two!r})", counted, [0, 1], dtype="int64" if whole else "float32")


# By kind of a scalar, in rising order: the kinds of tensors that it leaves in their dtype, and the dtype of others.
SCALARS: tuple[tuple[Any, str], ...] = (
    *((kind, "int64") for kind in (np.int64, np.int32, np.uint8)),
    *((kind, "float32") for kind in (np.float64, np.float32, np.float16)),
    (np.complex128, "complex64"),
)
RANKS = {"bool": 0, "uint": 1, "int": 1, "float": 2, "complex": 3}


@check("numpy.numbers-as-arguments")
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int32", "int64", "float32", "float64", "complex128"])
def test_numpys_numbers_promote_as_pythons(subject: Subject, dtype: str) -> None:
    x = np.array([1, 0, 3]).astype(dtype)
    t = host.tensor(x, dtype, subject.device)
    for scalar, own in SCALARS:
        n, due = scalar(2), dtype if RANKS[DTYPES[dtype].kind] >= RANKS[DTYPES[own].kind] else own
        due = "complex128" if (dtype, due) == ("float64", "complex64") else due
        for shaped, values in ((t, x), (t.expand(2, 3).t(), np.broadcast_to(x, (2, 3)).T)):
            for call, out, expected in (
                ("t + n", shaped + n, values.astype(complex) + 2),
                ("t * n", shaped * n, values.astype(complex) * 2),
                ("torch.add(t, n)", torch.add(shaped, n), values.astype(complex) + 2),
                ("t.mul(n)", shaped.mul(n), values.astype(complex) * 2),
            ):
                assert_values(f"{call} of {dtype} and {n!r}", out, expected, dtype=due)
            assert_values(f"t == n of {dtype} and {n!r}", shaped == n, values == 2, dtype="bool")


@check("numpy.numbers-as-arguments")
def test_numpys_integers_are_sizes_and_indices(subject: Subject) -> None:
    t = torch.arange(24, device=subject.device).reshape(2, 3, 4)
    x = np.arange(24).reshape(2, 3, 4)
    for kind in (np.int64, np.int32, np.uint8, np.int16):
        one, two = kind(1), kind(2)
        assert_tensor(f"torch.zeros({one!r}, {two!r})", torch.zeros(one, two, device=subject.device), "float32", (1, 2))
        assert_tensor(f"torch.ones(({two!r}, 3))", torch.ones((two, 3), device=subject.device), "float32", (2, 3))
        for call, out, expected in (
            ("t[n]", t[one], x[1]),
            ("t[:, n:]", t[:, one:], x[:, 1:]),
            ("t[..., n]", t[..., two], x[..., 2]),
            ("t.sum(n)", t.sum(one), x.sum(1)),
            ("t.select(n, n)", t.select(one, one), x[:, 1]),
            ("t.reshape(n, -1)", t.reshape(two, -1), x.reshape(2, -1)),
            ("t.transpose(0, n)", t.transpose(0, two), x.transpose(2, 1, 0)),
            ("t.unsqueeze(n)", t.unsqueeze(one), x[:, None]),
            ("t.narrow(n, n, n)", t.narrow(one, one, one), x[:, 1:2]),
        ):
            assert_values(f"{call} with {kind.__name__}", out, expected, dtype="int64")


def turned(subject: Subject) -> list[tuple[np.ndarray, torch.Tensor]]:
    """A table and its transpose, as an array and as a tensor."""
    x, t = np.arange(20).reshape(4, 5), torch.arange(20, device=subject.device).reshape(4, 5)
    return [(x, t), (x.T, t.t())]


@check("numpy.arrays-as-indices")
def test_arrays_index_tensors(subject: Subject) -> None:
    for x, t in turned(subject):
        odd = np.arange(x.shape[0]) % 2 == 1
        for name, index in {
            "integers": np.array([2, 0, -1, 2]),
            "a mask of rows": odd,
            "no integers": np.array([], np.int64),
            "a pair": (np.array([0, 3]), np.array([1, 2])),
            "a row": (slice(None), np.array([3, 0])),
            "stepped integers": np.array([2, 9, 0, 9, 1])[::2],
        }.items():
            assert_values(f"t[{name}]", t[index], x[index], dtype="int64")
        written, wanted = t.clone(), x.copy()
        written[np.array([2, 0])], wanted[np.array([2, 0])] = 7, 7
        written[odd], wanted[odd] = -1, -1
        assert_values("t after writes to rows that arrays name", written, wanted, dtype="int64")


# Releases before 2.3 take a short array of several dimensions for a tuple of its rows.
@check("numpy.arrays-as-indices", since="2.3")
def test_tables_index_tensors(subject: Subject) -> None:
    for x, t in turned(subject):
        for index in (np.array([[0, 1], [3, 3]]), np.array([[2]]), np.zeros((2, 1, 3), np.int64), x % 3 == 0):
            assert_values(f"t[{index.dtype} array of {index.shape}]", t[index], x[index], dtype="int64")
        written, wanted = t.clone(), x.copy()
        written[x % 3 == 0], wanted[x % 3 == 0] = -1, -1
        assert_values("t after a write at a mask", written, wanted, dtype="int64")


@check("numpy.tensors-as-indices")
def test_tensors_index_arrays(subject: Subject) -> None:
    subject.require_feature("host_memory")
    a = np.arange(20).reshape(4, 5)
    for name, index in {
        "integers": [2, 0, 3, 2],
        "a table": [[0, 1], [3, 3]],
        "a mask of rows": [True, False, True, True],
    }.items():
        t = torch.tensor(index, device=subject.device)
        assert_array(f"a[{name}]", a[t], a[np.array(index)])
    for number in (0, 3, -1):
        assert_array(f"a[tensor({number})]", a[torch.tensor(number)], a[number])
    assert_array("a[tensor(1):tensor(3)]", a[torch.tensor(1) : torch.tensor(3)], a[1:3])
    assert_array("a[mask]", a[torch.from_numpy(a % 2 == 0)], a[a % 2 == 0])
    assert_array("a[stepped tensor]", a[torch.tensor([0, 9, 3, 9, 1])[::2]], a[[0, 3, 1]])


@check("numpy.arrays-as-indices")
def test_arrays_and_numbers_are_written_as_numpy_writes_them(subject: Subject) -> None:
    for dtype, layout in ((dtype, layout) for dtype in ("float32", "float64", "int64") for layout in DENSE):
        for place in (slice(None), 1, slice(1, 3), (slice(None), slice(0, 4, 2))):
            x = np.arange(20).reshape(4, 5).astype(dtype)
            row = np.array([10.0, -2.75, 3.5, 40.25, 5.0])[: x[place].shape[-1]]
            for value in (row, row.astype(np.int32), np.float64(2.75), np.float64(-7.5), np.int64(-3)):
                t, due = DENSE[layout](x, dtype).on(subject), x.copy()
                t[place], due[place] = torch.from_numpy(value) if isinstance(value, np.ndarray) else value, value
                assert_values(f"t[{place}] = {value!r}, {layout} {dtype}", t, due, dtype=dtype)


@check("numpy.arrays-as-indices")
def test_arrays_of_every_integer_dtype_index_from_both_ends(subject: Subject) -> None:
    for shape in ((5,), (4, 3), (40,)):
        x = np.arange(math.prod(shape)).reshape(shape)
        t = host.tensor(x, "int64", subject.device)
        for dtype in ("int64", "int32", "int16", "int8"):
            for places in ([-1, 0, 2], [3, -4], [-2], [1, 1, -1, 1]):
                index = np.array(places, dtype)
                assert_values(f"t[{index!r}]", t[index], x[index], dtype="int64")
                if t.ndim > 1:
                    column = np.array([2, -1, 0, -3], dtype)[: len(index)]
                    assert_values(f"t[{index!r}, {column!r}]", t[index, column], x[index, column], dtype="int64")

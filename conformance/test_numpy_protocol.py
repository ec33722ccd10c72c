"""numpy's functions given tensors, and PyTorch's given numpy's arrays and numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import NUMPY
from conformance.numerics import FEW_ULPS
from conformance.sharing import assert_array, assert_separate, assert_shared
from conformance.subject import Subject
from properties.strategies.ndarrays import KINDS, arranged
from properties.strategies.recipe import DENSE, LAYOUTS
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


@check("numpy.array-dtype")
def test_asarray_converts_to_the_dtype_that_is_asked_for(subject: Subject) -> None:
    subject.require_feature("host_memory")
    for source, target, layout in ((s, t, lay) for s in NUMPY for t in NUMPY for lay in ("contiguous", "stepped")):
        recipe = LAYOUTS[layout](distinct(source, (3, 7)) if source == "bool" else distinct(source, (3, 7)) % 5
                                 if "complex" not in source else distinct(source, (3, 7)).real, source)
        t = recipe.on(subject)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy's, when imaginary parts are dropped
            expected = recipe.array.astype(target)
            for name, a in (("np.asarray", np.asarray(t, dtype=target)), ("np.array", np.array(t, dtype=target)),
                            ("__array__", t.__array__(np.dtype(target)))):
                call = f"{name}({layout} {source} tensor, {target})"
                assert_array(call, np.ascontiguousarray(a), expected)
                if source != target:
                    assert_separate(call, t, a)
        if source == target:
            assert_shared(f"np.asarray({source} tensor, {target})", t, np.asarray(t, dtype=target))


UNARY: dict[str, Callable[[Any], Any]] = {
    "np.sin": np.sin, "np.exp": np.exp, "np.negative": np.negative, "np.floor": np.floor, "np.square": np.square,
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "np.add": np.add, "np.multiply": np.multiply, "np.maximum": np.maximum, "np.subtract": np.subtract,
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
            for left, right, expected in ((t, x, (x, x)), (x, t, (x, x)), (t, t, (x, x)), (t, 2, (x, 2)), (2, t, (2, x))):
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
        "np.stack": lambda x: np.stack([x, x]), "np.concatenate": lambda x: np.concatenate([x, x], axis=1),
        "np.vstack": lambda x: np.vstack([x, x[:1]]), "np.outer": lambda x: np.outer(np.asarray(x)[0], np.asarray(x)[1]),
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
        for sign, out, expected in (("+", tensor + right, left + right), ("-", tensor - right, left - right),
                                    ("*", tensor * right, left * right), ("/", tensor / right, left / right)):
            assert_values(f"{layout} tensor {sign} array", out, expected, FEW_ULPS, dtype="float32")
    assert_raises("torch.add(tensor, array)", TypeError, lambda: torch.add(t, a))


@check("numpy.numbers-as-arguments")
@pytest.mark.parametrize("scalar", [np.float64, np.float32, np.int64, np.int8])
def test_numpys_numbers_are_numbers(subject: Subject, scalar: Any) -> None:
    two = scalar(2)
    t = torch.tensor([1.0, -2.5, 4.0], device=subject.device)
    x = host.array(t)
    for call, out, expected in (
        ("t * n", t * two, x * 2), ("n * t", two * t, 2 * x), ("t + n", t + two, x + 2), ("n - t", two - t, 2 - x),
        ("t / n", t / two, x / 2), ("t ** n", t**two, x**2), ("torch.add(t, n)", torch.add(t, two), x + 2),
        ("t.clamp(max=n)", t.clamp(max=two), np.minimum(x, 2)), ("t.fill_(n)", t.clone().fill_(two), np.full(3, 2.0)),
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


@check("numpy.numbers-as-arguments")
def test_numpys_integers_are_sizes_and_indices(subject: Subject) -> None:
    t = torch.arange(24, device=subject.device).reshape(2, 3, 4)
    x = np.arange(24).reshape(2, 3, 4)
    for kind in (np.int64, np.int32, np.uint8, np.int16):
        one, two = kind(1), kind(2)
        assert_tensor(f"torch.zeros({one!r}, {two!r})", torch.zeros(one, two, device=subject.device), "float32", (1, 2))
        assert_tensor(f"torch.ones(({two!r}, 3))", torch.ones((two, 3), device=subject.device), "float32", (2, 3))
        for call, out, expected in (
            ("t[n]", t[one], x[1]), ("t[:, n:]", t[:, one:], x[:, 1:]), ("t[..., n]", t[..., two], x[..., 2]),
            ("t.sum(n)", t.sum(one), x.sum(1)), ("t.select(n, n)", t.select(one, one), x[:, 1]),
            ("t.reshape(n, -1)", t.reshape(two, -1), x.reshape(2, -1)), ("t.transpose(0, n)", t.transpose(0, two), x.transpose(2, 1, 0)),
            ("t.unsqueeze(n)", t.unsqueeze(one), x[:, None]), ("t.narrow(n, n, n)", t.narrow(one, one, one), x[:, 1:2]),
        ):
            assert_values(f"{call} with {kind.__name__}", out, expected, dtype="int64")


@check("numpy.arrays-as-indices")
def test_arrays_index_tensors(subject: Subject) -> None:
    x = np.arange(20).reshape(4, 5)
    for base, t in ((x, torch.arange(20, device=subject.device).reshape(4, 5)),
                    (x.T, torch.arange(20, device=subject.device).reshape(4, 5).t())):
        rows = base.shape[0]
        mask = base % 3 == 0
        for name, index in {
            "integers": np.array([2, 0, -1, 2]), "a mask": mask,
            "a mask of rows": np.arange(rows) % 2 == 1, "no integers": np.array([], np.int64),
            "a pair": (np.array([0, 3]), np.array([1, 2])), "a row": (slice(None), np.array([3, 0])),
            "stepped integers": np.array([2, 9, 0, 9, 1])[::2],
        }.items():
            assert_values(f"t[{name}]", t[index], base[index], dtype="int64")
        written, wanted = t.clone(), base.copy()
        written[mask], wanted[mask] = -1, -1
        written[np.array([1, 3])], wanted[np.array([1, 3])] = 7, 7
        assert_values("t after writes at places that arrays name", written, wanted, dtype="int64")


@check("numpy.arrays-as-indices", since="2.6")
def test_tables_of_integers_index_tensors(subject: Subject) -> None:
    t, x = torch.arange(20, device=subject.device).reshape(4, 5), np.arange(20).reshape(4, 5)
    for index in (np.array([[0, 1], [3, 3]]), np.array([[2]]), np.zeros((2, 1, 3), np.int64)):
        assert_values(f"t[array of {index.shape}]", t[index], x[index], dtype="int64")


@check("numpy.tensors-as-indices")
def test_tensors_index_arrays(subject: Subject) -> None:
    subject.require_feature("host_memory")
    a = np.arange(20).reshape(4, 5)
    for name, index in {"integers": [2, 0, 3, 2], "a table": [[0, 1], [3, 3]], "a mask of rows": [True, False, True, True]}.items():
        t = torch.tensor(index, device=subject.device)
        assert_array(f"a[{name}]", a[t], a[np.array(index)])
    for number in (0, 3, -1):
        assert_array(f"a[tensor({number})]", a[torch.tensor(number)], a[number])
    assert_array("a[tensor(1):tensor(3)]", a[torch.tensor(1) : torch.tensor(3)], a[1:3])
    assert_array("a[mask]", a[torch.from_numpy(a % 2 == 0)], a[a % 2 == 0])
    assert_array("a[stepped tensor]", a[torch.tensor([0, 9, 3, 9, 1])[::2]], a[[0, 3, 1]])

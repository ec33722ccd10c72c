"""From numpy to tensors by from_numpy: values, dtypes, layouts, and writes on one side seen on the other."""

from __future__ import annotations

import itertools
import weakref

import numpy as np
import pytest
import torch

from conformance.assertions import assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_array, assert_bits, assert_shared, assert_writes_show
from properties.strategies.ndarrays import KINDS, arranged, ndarray, other_values

pytestmark = must_answer

# numpy's own names for C's types: some are types of their own, though they look like others.
C_TYPES = {
    "?": "bool",
    "b": "int8",
    "B": "uint8",
    "h": "int16",
    "i": "int32",
    "q": "int64",
    "e": "float16",
    "f": "float32",
    "d": "float64",
    "F": "complex64",
    "D": "complex128",
    "=f4": "float32",
    "=i8": "int64",
}


def rows(claim: str) -> list:
    """One row a kind of dtypes; the wider unsigned ones came with torch 2.3, as a claim of their own."""
    kinds = [pytest.param(kind, marks=check(claim)) for kind in KINDS if kind != "unsigned"]
    return [*kinds, pytest.param("unsigned", marks=check("numpy.from-numpy-unsigned"))]


@pytest.mark.parametrize("kind", rows("numpy.from-numpy"))
def test_from_numpy_keeps_shape_and_elements(subject: Subject, kind: str) -> None:
    for dtype, recipe in arranged(kind):
        call = f"torch.from_numpy({dtype} array of {recipe.shape}, strides {recipe.strides})"
        t = assert_bits(call, torch.from_numpy(ndarray(recipe)), recipe.array, dtype)
        require(type(t) is torch.Tensor and t.device.type == "cpu", f"{call} is a {type(t)} on {t.device}")
        require(t.is_leaf and not t.requires_grad and t.grad_fn is None, f"{call} takes part in autograd")


@check("numpy.from-numpy-keeps-dtype")
def test_from_numpy_keeps_the_dtype(subject: Subject) -> None:
    for typecode, shape in itertools.product(C_TYPES, ((), (3,), (0, 2), (5, 4))):
        a = np.ones(shape, typecode)
        call = f"torch.from_numpy(np.ones({shape}, {typecode!r}))"
        assert_values(call, torch.from_numpy(a), np.ones(shape), dtype=C_TYPES[typecode])
        assert_values(f"{call[:-1]}.T)", torch.from_numpy(a.T), np.ones(shape[::-1]), dtype=C_TYPES[typecode])


@check("numpy.from-numpy-keeps-dtype")
def test_numpys_default_stays_double(subject: Subject) -> None:
    assert_values("torch.from_numpy(np.ones(5))", torch.from_numpy(np.ones(5)), np.ones(5), dtype="float64")
    default = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        narrow = torch.from_numpy(np.ones(3, np.float32))
    finally:
        torch.set_default_dtype(default)
    assert_tensor("torch.from_numpy(float32 array), under another default dtype", narrow, "float32")


@pytest.mark.parametrize("kind", rows("numpy.from-numpy-layout"))
def test_from_numpy_keeps_address_and_strides(subject: Subject, kind: str) -> None:
    for dtype, recipe in arranged(kind):
        a = ndarray(recipe)
        before = a.copy()
        call = f"torch.from_numpy({dtype} array of {recipe.shape}, strides {recipe.strides})"
        first, second = torch.from_numpy(a), torch.from_numpy(a)
        assert_shared(call, first, a)
        assert_shared(f"{call}, the second time,", second, a)
        require(first is not second, f"{call} hands out one tensor twice")
        assert_array(f"the array after {call}", a, before)


@check("numpy.from-numpy-layout")
def test_views_of_arrays_keep_their_layout(subject: Subject) -> None:
    base = np.arange(120, dtype=np.int32).reshape(2, 3, 4, 5)
    window = np.lib.stride_tricks.sliding_window_view(np.arange(9.0), 4, writeable=True)
    views = [
        *(base[1:], base[:, 1:, ::2], base.T, base.transpose(2, 0, 3, 1), base[..., 3], base[1, 2, 3], base[:, None]),
        *(base[1:1], np.asfortranarray(base), base.real, base.view(np.int16), base.swapaxes(0, 2)[1:3, :, 1], window),
        *(base.astype(np.complex64).imag[..., 1:], np.arange(10)[3:8:2], np.arange(10)[9:]),
        base.reshape(6, 20)[::5, 7:],
    ]
    for number, view in enumerate(views):
        call = f"torch.from_numpy of view {number}, strides {view.strides}"
        assert_shared(call, assert_bits(call, torch.from_numpy(view), view), view)


@pytest.mark.parametrize("kind", rows("numpy.from-numpy-sees-array-write"))
def test_a_write_to_the_array_shows_in_the_tensor(subject: Subject, kind: str) -> None:
    for dtype, recipe in arranged(kind):
        a = ndarray(recipe)
        t = torch.from_numpy(a)
        a[...] = other_values(recipe.array)
        assert_bits(f"the tensor from {recipe.shape}, strides {recipe.strides}, after a[...] = …", t, a.copy(), dtype)
        if a.size:
            a[(-1,) * a.ndim] = recipe.array[(-1,) * a.ndim]
            assert_bits("the tensor after a write to the last element of its array", t, a.copy(), dtype)


@check("numpy.from-numpy-sees-array-write")
def test_in_place_functions_of_numpy_show_and_rebinding_does_not(subject: Subject) -> None:
    a = np.ones(5)
    t = torch.from_numpy(a)
    np.add(a, 1, out=a)
    assert_values("b after np.add(a, 1, out=a)", t, np.full(5, 2.0), dtype="float64")
    a *= 3
    assert_values("b after a *= 3", t, np.full(5, 6.0))
    a[1::2] = [8, 7]
    np.copyto(a[:1], 9)
    a.sort()
    assert_values("b after a.sort()", t, [6.0, 6.0, 7.0, 8.0, 9.0])
    a = a + 1
    assert_values("b after a = a + 1", t, [6.0, 6.0, 7.0, 8.0, 9.0])
    assert a.tolist() == [7.0, 7.0, 8.0, 9.0, 10.0]


@pytest.mark.parametrize("kind", rows("numpy.from-numpy-shares-memory"))
def test_a_write_to_the_tensor_shows_in_the_array(subject: Subject, kind: str) -> None:
    for dtype, recipe in arranged(kind):
        a = ndarray(recipe)
        call = f"the {dtype} array of {recipe.shape}, strides {recipe.strides},"
        assert_writes_show(call, torch.from_numpy(a), a, other_values(recipe.array), whole=not recipe.is_overlapping)


@check("numpy.from-numpy-shares-memory")
def test_every_way_of_writing_to_the_tensor_shows(subject: Subject) -> None:
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    t = torch.from_numpy(a)
    t.add_(1)
    t[1] *= 2
    t.view(-1)[0].sub_(5)
    t.t()[3, 2:].fill_(7)
    torch.neg(torch.ones(4), out=t[0])
    t.detach()[2, 0] = 40
    t.data[2, 1] = 41
    assert_array("the array", a, np.array([[-1, -1, -1, -1], [10, 12, 14, 16], [40, 41, 11, 7]], np.float32))
    t = t + 1
    require(a[0, 0] == -1, "t = t + 1 changed the array of the tensor that was called t before")


@check("numpy.from-numpy-lifetime")
def test_a_tensor_keeps_the_memory_of_its_array(subject: Subject) -> None:
    for make in (lambda a: a, lambda a: a[1:, ::2], lambda a: a.T):
        a = np.empty((30, 100))
        a[...] = np.arange(3000.0).reshape(30, 100)
        expected, seen = make(a).copy(), weakref.ref(a)
        t = torch.from_numpy(make(a))
        del a
        require(seen() is not None, "torch.from_numpy(a) lets go of a, though its tensor lives", "alive", "freed")
        filler = [np.full((30, 100), -1.0) for _ in range(20)]
        assert_values("torch.from_numpy(a) after the last name of a is gone", t, expected)
        part = t[0]
        del t, filler
        assert_values("a row of it after the tensor is gone", part, expected[0])
        del part
        require(seen() is None, "the array outlives every tensor that looks at it", "freed", "alive")

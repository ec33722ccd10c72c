"""Tensors through torch.save and torch.load, by example: values, layout, flags, sharing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.tables.numpy_sharing import assert_bits
from conformance.tables.serialization_samples import (
    FREE,
    NEW,
    OLD,
    PLAIN,
    WAYS,
    assert_alike,
    assert_equal,
    save,
    storage_address,
    storage_bytes,
    through_file,
)
from properties.strategies.recipe import LAYOUTS, contiguous, layouts, offset
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer

# The first release that saves each dtype which is newer than the storage classes.
SAVED_SINCE = {"complex32": "2.6", "float8_e5m2": "2.2", "float8_e4m3fn": "2.2"} | dict.fromkeys(
    ("uint16", "uint32", "uint64"), "2.6"
)


def every_dtype(claim):
    """A row for each dtype, from the release on that can save it."""
    return pytest.mark.parametrize(
        "dtype", [pytest.param(name, marks=check(claim, since=SAVED_SINCE.get(name))) for name in DTYPES]
    )


@every_dtype("serialization.tensor-values")
def test_every_bit_comes_back(subject, dtype):
    ways = WAYS if dtype in COMMON else NEW
    for recipe in layouts(cycle(interesting(dtype), (3, 17)), dtype, LAYOUTS):
        x = recipe.on(subject)
        for way in ways:
            out = way(x)
            assert_bits(way.name, out, recipe.array, dtype)
            require(host.bits(out).tobytes() == host.bits(x).tobytes(), f"{way.name} has other bits for {recipe}")


@check("serialization.tensor-values")
def test_every_bit_comes_back_from_a_file(subject):
    for dtype in COMMON:
        x = contiguous(cycle(interesting(dtype), (5, 7)), dtype).on(subject)
        assert_alike(f"torch.load(path) of {dtype}", through_file(x), x)
        assert_alike(f"torch.load(path, map_location=…) of {dtype}", through_file(x, map_location=subject.device), x)


@check("serialization.tensor-strides")
def test_strides_and_offset_come_back(subject):
    for dtype in ("float32", "int64", "bool", "complex64"):
        for shape in ((4, 6), (2, 3, 4, 5), (7,)):
            for recipe in layouts(distinct(dtype, shape), dtype, LAYOUTS):
                for way in WAYS:
                    out = way(recipe.on(subject))
                    assert_equal(f"strides of {way.name} of {recipe}", out.stride(), recipe.strides)
                    assert_equal(f"offset of {way.name} of {recipe}", out.storage_offset(), recipe.offset)
                    whole = out.as_strided((len(recipe.buffer),), (1,), 0)
                    assert_values(f"the storage of {way.name}", whole, recipe.buffer, dtype=dtype)


@check("serialization.tensor-sizes")
def test_tensors_of_every_size_come_back(subject):
    for shape in ((), (0,), (0, 3), (2, 0, 5), (1,), (1, 1, 1), (16,), (17,), (33,), (200, 201)):
        for dtype in ("float32", "int64", "bfloat16"):
            values = distinct(dtype, shape)
            for way in WAYS:
                out = way(contiguous(values, dtype).on(subject))
                assert_values(f"{way.name} of {dtype}{list(shape)}", out, values, dtype=dtype)
                require(out.is_contiguous(), f"{way.name} of {dtype}{list(shape)} is not contiguous")


@check("serialization.requires-grad")
def test_the_flag_comes_back_without_gradient_and_history(subject):
    for wanted in (True, False):
        x = contiguous(distinct("float32", (5,)), "float32").on(subject).requires_grad_(wanted)
        x.grad = torch.ones_like(x)
        for made, name in ((x, "x"), (x * 2, "x * 2"), (x[1:], "x[1:]"), (x.detach(), "x.detach()")):
            due = made.requires_grad
            for way in (*WAYS, through_file):
                out = way(made)
                call = f"what is loaded for {name} with requires_grad={due}"
                assert_equal(f"requires_grad of {call}", out.requires_grad, due)
                require(out.is_leaf and out.grad_fn is None, f"{call} has a history")
                require(out.grad is None, f"{call} has a gradient")
        require(x.grad is not None, "x has lost its gradient")


@check("serialization.requires-grad")
def test_a_loaded_leaf_gets_gradients_of_its_own(subject):
    x = contiguous(np.array([1.0, 2.0, 3.0]), "float64").with_grad().on(subject)
    out = PLAIN(x)
    (out**2).sum().backward()
    assert_values("gradient of the loaded leaf", out.grad, np.array([2.0, 4.0, 6.0]))
    require(x.grad is None, "the gradient went to the tensor that was saved")


@check("serialization.parameter")
def test_parameters_come_back_as_parameters(subject):
    values = distinct("float32", (3, 2))
    for way in (*WAYS, through_file):
        for wanted in (True, False):
            x = nn.Parameter(contiguous(values, "float32").on(subject), requires_grad=wanted)
            out = way({"frozen": x, "plain": x.detach()})
            assert_alike("the Parameter", out["frozen"], x)
            assert_alike("the tensor", out["plain"], x.detach())
            require(out["frozen"].is_leaf, "the Parameter is no leaf")


@check("serialization.conjugate-view")
def test_lazy_views_come_back(subject):
    values = cycle(np.array([1 + 2j, 3 - 1j, -2 + 0.5j]), (3, 4)).astype(np.complex64)
    x = contiguous(values, "complex64").on(subject)
    views = {"x.conj()": (x.conj(), np.conj(values)), "x.conj().imag": (x.conj().imag, np.conj(values).imag)}
    views["x.conj().t()[1:]"] = (x.conj().t()[1:], np.conj(values).T[1:])
    for name, (view, due) in views.items():
        for way in NEW:
            out = way(view)
            assert_values(f"{way.name} of {name}", out, due)
            require(out.is_conj() == view.is_conj(), f"{way.name} of {name}: is_conj() is {out.is_conj()}")
            require(out.is_neg() == view.is_neg(), f"{way.name} of {name}: is_neg() is {out.is_neg()}")


@check("serialization.sparse")
def test_sparse_tensors_come_back(subject):
    dense = np.array([[0.0, 2.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 5.0, 7.0]])
    for dtype in ("float64", "int64"):
        x = contiguous(dense, dtype).on(subject)
        for way in NEW:
            coo, csr = way(x.to_sparse()), way(x.to_sparse_csr())
            require(coo.layout is torch.sparse_coo and csr.layout is torch.sparse_csr, "the layout is another one")
            assert_equal("sizes", (tuple(coo.shape), tuple(csr.shape)), ((4, 3), (4, 3)))
            assert_values("indices", coo.coalesce().indices(), np.array(np.nonzero(dense)))
            assert_values("values", coo.coalesce().values(), dense[dense != 0], dtype=dtype)
            assert_values("crow_indices", csr.crow_indices(), np.array([0, 1, 2, 2, 4]))
            assert_values("col_indices", csr.col_indices(), np.nonzero(dense)[1])
            assert_values("values", csr.values(), dense[dense != 0], dtype=dtype)


@check("serialization.shared-storage")
def test_views_still_share_after_loading(subject):
    for dtype in ("int64", "float32", "bool"):
        values = distinct(dtype, (9,))
        for way in (*WAYS, through_file):
            numbers = contiguous(values, dtype).on(subject)
            thing = {"all": numbers, "evens": numbers[1::2], "more": [numbers.view(3, 3).t(), (numbers[4:],)]}
            out = way(thing)
            parts = [out["all"], out["evens"], out["more"][0], out["more"][1][0]]
            assert_equal("the places of the storages", len({storage_address(part) for part in parts}), 1)
            require(storage_address(parts[0]) != storage_address(numbers), "the storage is the one that was saved")
            due = values.copy()
            for place, write in ((1, out["evens"]), (4, out["more"][1][0])):
                write[0] = 0
                due[place] = 0
            for part, wanted in zip(parts, (due, due[1::2], due.reshape(3, 3).T, due[4:]), strict=True):
                assert_values("a view after writes through the others", part, wanted, dtype=dtype)
            assert_values("what was saved", numbers, values)


@check("serialization.shared-storage")
def test_parameters_share_with_their_views(subject):
    weight = nn.Parameter(contiguous(distinct("float32", (4, 3)), "float32").on(subject))
    for way in WAYS:
        out = way([weight, weight.detach()[1:], weight.detach().t()])
        with torch.no_grad():
            out[0][1, 0] = 50.0
        assert_equal("the views after a write", (out[1][0, 0].item(), out[2][0, 1].item()), (50.0, 50.0))


@check("serialization.same-object")
def test_one_tensor_in_two_places_stays_one(subject):
    x = contiguous(distinct("float32", (4,)), "float32").on(subject)
    tied = nn.Parameter(x.clone())
    for way in (*WAYS, through_file):
        out = way({"a": x, "b": [x, tied], "c": (tied, x.clone())})
        require(out["a"] is out["b"][0], "the tensor has become two")
        require(out["b"][1] is out["c"][0], "the Parameter has become two")
        require(
            out["a"] is not out["c"][1] and not overlap(out["a"], out["c"][1]), "a clone has become the tensor itself"
        )


@check("serialization.separate-tensors")
def test_equal_tensors_stay_apart(subject):
    values = np.zeros(6)
    for way in (*WAYS, through_file):
        out = way([contiguous(values, "float32").on(subject) for _ in range(12)])
        for place, tensor in enumerate(out):
            tensor.fill_(place)
        for place, tensor in enumerate(out):
            assert_values(f"tensor {place} after writes to all", tensor, np.full(6, place))


@check("serialization.two-dtypes-one-storage")
def test_one_storage_under_two_dtypes_is_refused(subject):
    x = contiguous(distinct("float32", (4,)), "float32").on(subject)
    for way in (PLAIN, OLD):
        assert_raises("torch.save([x, x.view(torch.int32)])", RuntimeError, lambda: way([x, x.view(torch.int32)]))
        assert_alike("x, saved alone afterwards", way(x), x)


@check("serialization.whole-storage")
def test_a_view_brings_its_whole_storage(subject):
    big = contiguous(distinct("int64", (1000,)), "int64").on(subject)
    small = big[:5]
    for way in (FREE, OLD):
        saving = {"_use_new_zipfile_serialization": not way.old}
        sizes = [len(save(tensor, **saving)) for tensor in (small, small.clone(), big)]
        require(sizes[0] >= 8000, f"the file of the view has {sizes[0]} bytes, less than its storage")
        require(sizes[1] < 4000, f"the file of the clone has {sizes[1]} bytes, as if it had the whole storage")
        require(abs(sizes[0] - sizes[2]) < 500, f"the files of view and tensor have {sizes[0]} and {sizes[2]} bytes")
        assert_equal("bytes behind the loaded view", storage_bytes(way(small)), 8000)
        assert_equal("bytes behind the loaded clone", storage_bytes(way(small.clone())), 40)
    both = len(save([big, small, big[7:]]))
    require(both < 9500 + 2000, f"three views of one storage make {both} bytes: it was written more than once")


@check("serialization.whole-storage")
def test_a_view_with_an_offset_finds_its_elements(subject):
    recipe = offset(distinct("float64", (5, 3)), "float64")
    x = recipe.on(subject)
    for way in WAYS:
        out = way([x[2], x[:, 1], x[4:, 2:]])
        for part, due in zip(out, (recipe.array[2], recipe.array[:, 1], recipe.array[4:, 2:]), strict=True):
            assert_values("a view of a view", part, due)

"""torch.asarray given arrays and tensors: when it copies; and the legacy constructors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import NUMPY
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_bits, assert_separate, assert_shared
from properties.strategies.ndarrays import ndarray
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer


SHAPES = ((), (1,), (0,), (7,), (40,), (3, 5))


@check("numpy.legacy-constructor-array")
def test_the_legacy_constructors_convert_arrays(subject: Subject) -> None:
    constructors: dict[str, Any] = {
        "float32": torch.Tensor,
        "float64": torch.DoubleTensor,
        "int64": torch.LongTensor,
        "int32": torch.IntTensor,
        "uint8": torch.ByteTensor,
        "bool": torch.BoolTensor,
    }
    for target, make in constructors.items():
        for source, shape, layout in (
            (s, shape, lay)
            for s in ("float64", "float32", "int64", "uint8")
            for shape in SHAPES
            for lay in ("contiguous", "transposed", "stepped")
        ):
            if shape == () and source in ("int64", "uint8"):
                continue  # an integer without dimensions is a size
            a = ndarray(LAYOUTS[layout](distinct(source, shape), source))
            before = a.copy()
            call = f"{make.__name__}({layout} {source} array of {shape})"
            t = assert_tensor(call, make(a), target, shape)
            assert_values(call, t, before.astype(target), dtype=target)
            (assert_shared if source == target else assert_separate)(call, t, a)


@check("numpy.asarray-copy")
def test_asarray_copies_or_not_as_it_is_told(subject: Subject) -> None:
    for dtype, layout in ((dtype, layout) for dtype in NUMPY for layout in LAYOUTS):
        recipe = LAYOUTS[layout](distinct(dtype, (3, 7)), dtype)
        a = ndarray(recipe)
        own, call = host.torch_dtype(dtype), f"{layout} {dtype} array"
        for name, t in (
            (f"torch.asarray({call})", torch.asarray(a)),
            ("copy=None", torch.asarray(a, copy=None)),
            ("copy=False", torch.asarray(a, copy=False)),
            ("dtype=", torch.asarray(a, dtype=own)),
            ("dtype=, copy=False", torch.asarray(a, dtype=own, copy=False)),
            ("dtype=, as_tensor", torch.as_tensor(a, dtype=own)),
        ):
            assert_shared(f"{call}, {name}", assert_bits(f"{call}, {name}", t, recipe.array, dtype), a)
        for name, t in (("copy=True", torch.asarray(a, copy=True)), ("dtype=", torch.asarray(a, dtype=own, copy=True))):
            assert_separate(f"{call}, {name}", assert_bits(f"{call}, {name}", t, recipe.array, dtype), a)
        other = torch.float64 if dtype != "float64" else torch.float32
        assert_raises(
            f"torch.asarray({call}, dtype={other}, copy=False)",
            ValueError,
            lambda a=a, other=other: torch.asarray(a, dtype=other, copy=False),
        )


@check("numpy.asarray-0d")
def test_asarray_shares_an_array_without_dimensions(subject: Subject) -> None:
    for dtype in ("float64", "float32", "int64", "complex64", "bool"):
        for copy in (None, False):
            a = distinct(dtype, ())
            call = f"torch.asarray(0-d {dtype} array, copy={copy})"
            assert_shared(call, assert_bits(call, torch.asarray(a, copy=copy), a.copy(), dtype), a)


class Mine(np.ndarray):
    """An array by another name."""


@check("numpy.subclasses")
def test_subclasses_of_ndarray_are_read_as_arrays(subject: Subject) -> None:
    for dtype in ("float64", "int32", "bool"):
        for layout in LAYOUTS:
            a = ndarray(LAYOUTS[layout](distinct(dtype, (3, 4)), dtype)).view(Mine)
            for name in ("from_numpy", "as_tensor", "asarray", "from_dlpack"):
                if name == "from_dlpack" and dtype == "bool":
                    continue  # a claim of its own
                t, call = getattr(torch, name)(a), f"torch.{name}({layout} {dtype} array of a subclass)"
                require(type(t) is torch.Tensor, f"{call} is a {type(t).__name__}", "Tensor", type(t).__name__)
                assert_shared(call, assert_bits(call, t, np.array(a), dtype), a)
            assert_separate("torch.tensor(array of a subclass)", torch.tensor(a), a)
            assert_bits("torch.tensor(array of a subclass)", torch.tensor(a), np.array(a), dtype)


@check("numpy.asarray-tensor")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_asarray_of_a_tensor_shares_unless_told(subject: Subject, layout: str) -> None:
    recipe = LAYOUTS[layout](distinct("float32", (3, 7)), "float32")
    t = recipe.on(subject)
    before = Unchanged(t=t)
    shared = [torch.asarray(t), torch.asarray(t, copy=False), torch.asarray(t, dtype=torch.float32), torch.as_tensor(t)]
    for number, out in enumerate(shared):
        same = out.data_ptr() == t.data_ptr() and out.stride() == t.stride()
        require(same, f"form {number} of torch.asarray({layout} tensor) copies, or lays it out anew")
        assert_values(f"form {number} of torch.asarray({layout} tensor)", out, recipe.array, dtype="float32")
    for name, out, dtype in (
        ("copy=True", torch.asarray(t, copy=True), "float32"),
        ("dtype=torch.float64", torch.asarray(t, dtype=torch.float64), "float64"),
        ("dtype=torch.float64, as_tensor", torch.as_tensor(t, dtype=torch.float64), "float64"),
    ):
        assert_apart(f"torch.asarray({layout} tensor, {name})", out, t)
        assert_values(f"torch.asarray({layout} tensor, {name})", out, recipe.array, dtype=dtype)
    require(torch.as_tensor(t) is t, "torch.as_tensor(t) is another tensor than t")
    call = "torch.asarray(t, dtype=torch.float64, copy=False)"
    assert_raises(call, ValueError, lambda: torch.asarray(t, dtype=torch.float64, copy=False))
    before.check("torch.asarray")

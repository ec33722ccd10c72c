"""Devices over generated inputs: moves and back, meta beside data, and what a copy keeps."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import host
from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.oracle import device as oracle
from conformance.oracle.math_promotion import promoted
from conformance.tables.device_layouts import dense
from conformance.tables.device_places import META, assert_at, assert_outline
from properties.strategies.tensors import tensors

pytestmark = must_answer

FEW = settings(max_examples=max(2, settings.default.max_examples // 2))
REAL = ("int32", "int64", "float32", "float64")


@check("device.round-trip")
@given(recipe=tensors(dtypes=COMMON))
def test_any_tensor_comes_back_as_it_went(subject, recipe):
    x = recipe.on(subject)
    kept = Unchanged(x=x)
    out = x.to("cpu", copy=True).to(subject.device)
    assert_outline("x.to('cpu', copy=True).to(device)", out, recipe.dtype, recipe.shape)
    require(host.bits(out).tobytes() == host.bits(x).tobytes(), "a tensor comes back with other bits")
    kept.check("x.to('cpu', copy=True)")


@check("device.to-copies-to-gpu")
@given(recipe=tensors(dtypes=COMMON))
def test_any_tensor_has_its_outline_on_meta(subject, recipe):
    out = assert_at("x.to('meta')", recipe.on(subject).to("meta"), "meta")
    strides = None if recipe.is_overlapping else dense(recipe.shape, recipe.strides)
    assert_outline("x.to('meta')", out, recipe.dtype, recipe.shape, strides)


@check("device.tensor-to-needs-assignment")
@given(recipe=tensors(dtypes=COMMON))
def test_any_tensor_that_fits_is_given_back(subject, recipe):
    for on in (subject, META):
        x = recipe.on(on)
        for call, out in {
            "x.to(x.device)": x.to(x.device),
            "x.to(x.dtype)": x.to(x.dtype),
            "x.to(x)": x.to(x),
            "x.to(device, dtype)": x.to(x.device, x.dtype),
        }.items():
            require(out is x, f"{call} on {on.name} is another tensor", "x itself", "another")


@check("device.meta-promotion")
@FEW
@given(one=tensors(dtypes=REAL), other=st.sampled_from(REAL), dims=st.integers(0, 2))
def test_sums_on_meta_have_the_outline_of_sums_with_data(subject, one, other, dims):
    shape = one.shape[len(one.shape) - dims :] if dims else ()
    rank = "tensor" if one.ndim else "scalar"
    due = promoted([(one.dtype, rank), (other, "tensor" if shape else "scalar")])
    for on in (META, subject):
        x = one.on(on)
        y = torch.ones(shape, dtype=host.torch_dtype(other), device=on.device)
        for call, out in {"x + y": x + y, "y * x": y * x, "x - y": x - y}.items():
            assert_outline(
                f"{call} on {on.name}", assert_at(call, out, on.device), due, oracle.broadcast(one.shape, shape)
            )
        assert_outline(f"x < y on {on.name}", x < y, "bool", oracle.broadcast(one.shape, shape))


@check("device.meta-shapes")
@FEW
@given(recipe=tensors(dtypes=("float32", "int64")), data=st.data())
def test_reductions_on_meta_have_the_shapes_of_those_with_data(subject, recipe, data):
    dims = data.draw(st.lists(st.integers(0, max(recipe.ndim - 1, 0)), unique=True, max_size=recipe.ndim))
    keep = data.draw(st.booleans())
    for on in (META, subject):
        x = recipe.on(on)
        chosen: Any = tuple(dims) or None
        shape = oracle.reduced(recipe.shape, chosen, keep)
        kind = "int64" if recipe.dtype == "int64" else "float32"
        out = x.sum(chosen, keepdim=keep) if chosen else x.sum()
        assert_outline(f"x.sum({chosen}, {keep}) on {on.name}", out, kind, shape if chosen else ())
        assert_outline(f"x.unsqueeze(-1) on {on.name}", x.unsqueeze(-1), recipe.dtype, (*recipe.shape, 1))
        assert_outline(f"x.flatten() on {on.name}", x.flatten(), recipe.dtype, (recipe.numel,))


@check("device.copy-across")
@given(recipe=tensors(dtypes=("float32", "int64", "bool")))
def test_copy_fills_a_tensor_of_that_shape(subject, recipe):
    x = recipe.on(subject)
    y = torch.zeros(recipe.shape, dtype=x.dtype, device="cpu")
    require(y.copy_(x) is y, "y.copy_(x) is not y")
    assert_values("y.copy_(x)", y, recipe.array, dtype=recipe.dtype, signed_zeros=True)
    z = torch.zeros(recipe.shape, dtype=torch.float64, device=subject.device)
    assert_values("z.copy_(y)", z.copy_(y), recipe.array.astype("float64"), dtype="float64", signed_zeros=True)

"""Conversions, lists, printed numbers and sizes of random tensors."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from conformance import host
from conformance.assertions import Unchanged, assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.oracle.tensor import cast, nested
from conformance.tables.view_memory import same_bits
from properties.strategies.recipe import LAYOUTS
from properties.strategies.shapes import shapes
from properties.strategies.tensors import tensors

pytestmark = must_answer

ALL = tuple(LAYOUTS)
SMALL = shapes(0, 3, max_numel=200)


def agree(said: str, out: torch.Tensor, values: np.ndarray, dtype: str) -> None:
    """Refute unless a tensor holds the values in the dtype, rounded once or twice, wherever that is defined."""
    require(host.dtype_name(out.dtype) == dtype, f"{said} has another dtype", dtype, out.dtype)
    once, twice, known = cast(values, dtype)
    actual = host.array(out)
    same = [(actual == due) | ((actual != actual) & (due != due)) for due in (once, twice)]
    require(actual.shape == values.shape and (same[0] | same[1] | ~known).all(), said, once, actual)


@check("tensor.to-dtype")
@given(x=tensors(COMMON[:10], SMALL, layouts=ALL), new=st.sampled_from(COMMON))
def test_a_conversion_is_the_same_on_every_shape_and_layout(subject, x, new):
    tensor = x.on(subject)
    before = Unchanged(x=tensor)
    dtype = host.torch_dtype(new)
    for out in (
        tensor.to(dtype),
        tensor.type(dtype),
        torch.zeros(x.shape, dtype=dtype, device=subject.device).copy_(tensor),
    ):
        agree(f"x.to(torch.{new})", out, x.array, new)
        require(new == x.dtype or not overlap(out, tensor), f"x.to(torch.{new}) shares memory with x")
    before.check("a conversion")


@check("tensor.tolist")
@given(x=tensors(COMMON, SMALL, layouts=ALL))
def test_lists_and_items_are_the_elements(subject, x):
    tensor, expected = x.on(subject), nested(x.array)
    found = tensor.tolist()
    require(repr(found) == repr(expected), "x.tolist()", expected, found)
    flat = [element.item() for element in tensor.reshape(-1)]
    require(repr(flat) == repr(nested(x.array.ravel())), "the items of x", nested(x.array.ravel()), flat)


@check("tensor.deepcopy")
@given(x=tensors(COMMON, SMALL, layouts=ALL), grad=st.booleans())
def test_deep_copies_are_apart_and_alike(subject, x, grad):
    tensor = x.with_grad(grad and DTYPES[x.dtype].is_inexact).on(subject)
    made = copy.deepcopy(tensor)
    same_bits("copy.deepcopy(x)", "that", made.detach(), x.array)
    found = (made.stride(), made.storage_offset(), made.requires_grad, made.dtype)
    expected = (tensor.stride(), tensor.storage_offset(), tensor.requires_grad, tensor.dtype)
    require(found == expected and not overlap(made, tensor), "copy.deepcopy(x)", expected, found)


@check("tensor.size-supports-tuple-ops")
@given(a=st.lists(st.integers(0, 9)), b=st.lists(st.integers(0, 9)), data=st.data())
def test_a_size_does_what_the_tuple_does(subject, a, b, data):
    size, plain = torch.Size(a), tuple(a)
    bounds = st.none() | st.integers(-12, 12)
    part = slice(data.draw(bounds), data.draw(bounds), data.draw(st.sampled_from((None, 1, 2, -1, -3))))
    times = data.draw(st.integers(-1, 3))
    rows: dict[str, tuple[Any, Any]] = {
        f"[{part}]": (size[part], plain[part]),
        f"+ {tuple(b)}": (size + torch.Size(b), plain + tuple(b)),
        f"* {times}": (size * times, plain * times),
    }
    for text, (found, expected) in rows.items():
        require(type(found) is torch.Size and tuple(found) == expected, f"torch.Size({a}) {text}", expected, found)
    same = (
        (size == tuple(b)) == (plain == tuple(b)),
        hash(size) == hash(plain),
        (size < tuple(b)) == (plain < tuple(b)),
    )
    require(
        all(same) and size.numel() == int(np.prod(a, dtype=np.int64)), f"torch.Size({a}) beside {tuple(b)}", plain, size
    )


NUMBER = re.compile(r"-?(?:inf|nan|\d+\.?\d*(?:e[+-]\d+)?)")


@check("tensor.print-four-digits")
@given(x=tensors(("float32", "float64"), shapes(1, 2, sides=(1, 2, 3, 5), max_numel=15), layouts=ALL))
def test_printed_floats_are_the_elements_to_four_digits(subject, x):
    values = x.array.ravel().astype(float)
    if (np.abs(values[np.isfinite(values)]) > 1e300).any():
        return  # rounded up they are beyond what Python reads
    text = repr(x.on(subject).cpu()).partition("dtype")[0].removeprefix("tensor(")
    found = np.array([float(part) for part in NUMBER.findall(text)])
    require(len(found) == len(values), f"{text} shows {len(found)} numbers", len(values), len(found))
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = 10.0 ** np.floor(np.log10(np.abs(values))) if "e" in text else np.ones(len(values))
        near = np.abs(found - values) <= 0.50001e-4 * unit
    same = near | (found == values) | (np.isnan(found) & np.isnan(values))
    require(same.all(), f"the numbers in {text}", values, found)


@check("tensor.print-integers")
@given(x=tensors(("int64", "int32", "uint8", "bool"), shapes(0, 3, sides=(1, 2, 3, 5), max_numel=40), layouts=ALL))
def test_printed_integers_are_the_elements(subject, x):
    text = repr(x.on(subject).cpu())
    found = eval(text, {"tensor": lambda values, dtype=None: values, "torch": torch, "__builtins__": {}})
    require(repr(found) == repr(nested(x.array)), f"the numbers in {text}", nested(x.array), found)


@check("tensor.eq-elementwise")
@given(data=st.data(), x=tensors(COMMON, SMALL, layouts=ALL))
def test_comparisons_agree_with_numpys(subject, data, x):
    y = data.draw(tensors(x.dtype, x.shape, layouts=ALL))
    a, b = x.on(subject), y.on(subject)
    assert_values("x == y", a == b, x.array == y.array, dtype="bool")
    assert_values("x != y", a != b, x.array != y.array, dtype="bool")
    require(
        torch.equal(a, b) is bool((x.array == y.array).all()),
        "torch.equal(x, y)",
        bool((x.array == y.array).all()),
        torch.equal(a, b),
    )

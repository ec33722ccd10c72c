"""view(dtype): the same bytes as elements of another dtype."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.oracle import view, view_parts
from conformance.oracle.view import Geometry
from conformance.tables.view_calls import Call
from conformance.tables.view_memory import Held
from properties.strategies.recipe import LAYOUTS, Recipe, layouts
from properties.strategies.values import distinct

pytestmark = must_answer

REFUSING = ((3, 8), (3, 5), ())  # where what has to be refused is tried: an error takes older releases milliseconds


PAIRS = (
    ("float32", "int32"),
    ("int64", "float64"),
    ("float32", "int8"),
    ("float64", "int16"),
    ("int32", "uint8"),
    ("int16", "int64"),
    ("uint8", "float32"),
    ("int8", "int64"),
    ("float16", "int32"),
    ("complex64", "float32"),
    ("float32", "complex64"),
    ("complex128", "int8"),
    ("bfloat16", "int16"),
    ("int16", "bfloat16"),
    ("bool", "uint8"),
    ("float64", "complex128"),
    ("complex64", "float64"),
    ("bfloat16", "float32"),
    ("float64", "float16"),
    ("uint8", "uint8"),
    ("int64", "complex128"),
)


@pytest.mark.parametrize("pair", [pytest.param(pair, marks=check("view.view-dtype")) for pair in PAIRS])
def test_view_of_another_dtype_reads_the_same_bytes(subject, pair):
    old, new = pair
    for shape in ((3, 8), (16,), (2, 3, 4), (), (0, 8), (8, 1), (4, 0), (3, 5), (33, 16)):
        for recipe in [*layouts(distinct(old, shape), old, LAYOUTS), *evenly_spaced(old, shape)]:
            judge_dtype(Held.of(recipe, subject), new)


def evenly_spaced(dtype: str, shape: tuple[int, ...]) -> list[Recipe]:
    """Rows far apart by a power of two, at such an offset: what a wider dtype can still be read from."""
    if len(shape) < 2:
        return []
    wide = (*shape[:-1], 32)
    strides = view.row_major(wide)
    buffer = distinct(dtype, (int(np.prod(wide)) + 48,))
    return [Recipe(buffer, dtype, shape, strides, start) for start in (16, 4, 1)]


def judge_dtype(held: Held, new: str) -> None:
    """Refute unless view(dtype) gives the same bytes as elements of that dtype, or refuses."""
    old_bytes, new_bytes = DTYPES[held.dtype].bytes, DTYPES[new].bytes
    calls = [Call("view", (host.torch_dtype(new),)), Call("view", keywords=(("dtype", host.torch_dtype(new)),))]
    if held.geometry.numel == 0 and old_bytes != new_bytes:
        return  # what the strides of nothing allow is nowhere said
    try:
        looks = view_parts.retyped(held.geometry, old_bytes, new_bytes)
    except ValueError:
        for call in calls[:1] if held.geometry.shape in REFUSING else ():
            assert_raises(f"{call}, with {held.facts()},", RuntimeError, lambda call=call: call(held.tensor))
        return held.assert_untouched("a refused view(dtype)")
    for call in calls:
        judge_bytes(call, call(held.tensor), held, looks, new)
    held.assert_untouched("view(dtype)")


def judge_bytes(call: Call, out: torch.Tensor, held: Held, looks: Geometry, new: str) -> None:
    """Refute unless a result looks at these elements of the dtype, and finds the bytes of the memory there."""
    found = (host.dtype_name(out.dtype), tuple(out.shape))
    require(found == (new, looks.shape), f"{call} is {found}, with {held.facts()}", (new, looks.shape), found)
    raw = np.frombuffer(host.bits(held.memory).tobytes(), f"V{DTYPES[new].bytes}", count=-1)
    if looks.numel == 0:
        return
    start = held.memory.data_ptr() + looks.offset * DTYPES[new].bytes
    placed = out.data_ptr() == start and out.storage_offset() == looks.offset
    require(
        placed and view.matches(looks.shape, out.stride(), looks.strides),
        f"{call} looks elsewhere; {held.facts()}",
        looks,
    )
    require(host.bits(out).tobytes() == raw[looks.places()].tobytes(), f"{call} finds other bytes; {held.facts()}")

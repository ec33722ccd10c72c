"""Conversions between dtypes: each to each, in every way to write them, and what is not converted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.oracle.tensor import cast
from conformance.tables.tensor_casts import assert_cast, assert_is, table, ways
from properties.strategies.recipe import LAYOUTS, Recipe

pytestmark = must_answer

SHAPES = ((70,), (5, 13), (), (0,), (3, 1), (2, 3, 4), (17,), (1,))
# Complex numbers whose real part is zero counted as false before.
COMPLEX_TRUTH = "2.4"


def recipes(dtype: str) -> Iterator[tuple[Recipe, np.ndarray]]:
    """Tensors of a dtype in every layout, each with the places of its values in the table."""
    values = table(dtype)
    for turn, shape in enumerate(SHAPES):
        for step in range(2):
            layout = LAYOUTS[list(LAYOUTS)[(turn + 3 * step) % len(LAYOUTS)]]
            places = np.resize(np.roll(np.arange(len(values)), -7 * turn - step), shape)
            yield layout(values[places], dtype), layout(places, "int64").array


@pytest.mark.parametrize("new", [pytest.param(name, marks=check("tensor.to-dtype")) for name in DTYPES])
def test_each_dtype_is_converted_to_each(subject, new):
    subject.require(new)
    for old in [
        name for name in DTYPES if subject.supports(name) and name not in ("complex64", "complex128", "complex32")
    ]:
        judge(subject, old, new)


@pytest.mark.parametrize(
    "new", [pytest.param(name, marks=check("tensor.cast-complex")) for name in DTYPES if name != "bool"]
)
def test_complex_numbers_are_converted_to_each(subject, new):
    subject.require(new)
    for old in [name for name in ("complex64", "complex128", "complex32") if subject.supports(name)]:
        judge(subject, old, new)


@check("tensor.cast-complex-to-bool", since=COMPLEX_TRUTH)
def test_a_complex_number_is_true_if_either_part_is_not_zero(subject):
    for old in [name for name in ("complex64", "complex128", "complex32") if subject.supports(name)]:
        judge(subject, old, "bool")


def judge(subject: Any, old: str, new: str) -> None:
    """Refute unless tensors of one dtype become what they should in another, in every way, and stay what they are."""
    if old == new:
        return
    chosen, expected = list(ways(new).items()), cast(table(old), new)
    for turn, (recipe, places) in enumerate(recipes(old)):
        x = recipe.on(subject)
        before, values, due = Unchanged(x=x), recipe.array, tuple(part[places] for part in expected)
        for place, (text, way) in enumerate(chosen):
            if turn == 0 or (turn + place) % 4 == 0:
                said = f"{text} of {old}, shape {recipe.shape}, strides {recipe.strides}"
                out = way(x)
                assert_is(said, out, values, new, due)
                require(not overlap(out, x), f"{said} shares memory with x")
                require(out.device == x.device, f"{said} is on {out.device}", x.device, out.device)
        before.check(f"conversion to {new}")


@check("tensor.assignment-casts")
def test_assigning_to_a_tensor_converts_to_its_dtype(subject):
    for new in [name for name in COMMON if subject.supports(name)]:
        for old in ("float64", "int64", "bool", "float32"):
            recipe = LAYOUTS["stepped"](np.resize(table(old)[::-1], (40,)), old)
            target = torch.zeros(80, dtype=host.torch_dtype(new), device=subject.device)[::2]
            target[:] = recipe.on(subject)
            assert_cast(f"y[:] = x, of {old} into {new}", target, recipe.array, new)
            other = torch.zeros(40, dtype=host.torch_dtype(new), device=subject.device)
            out = other.copy_(recipe.on(subject))
            require(out is other, "y.copy_(x) is another object than y")
            assert_cast(f"y.copy_(x), of {old} into {new}", other, recipe.array, new)

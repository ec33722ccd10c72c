"""Functions that rearrange elements into new memory, on random tensors and arguments, against numpy's."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from conformance.assertions import assert_values
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from properties.strategies.recipe import LAYOUTS
from properties.strategies.tensors import tensors

pytestmark = must_answer

ALL = tuple(LAYOUTS)


@check("view.roll")
@given(data=st.data(), x=tensors(COMMON, layouts=ALL))
def test_roll_moves_as_numpys(subject, data, x):
    dims = data.draw(st.lists(st.integers(-x.ndim, x.ndim - 1), max_size=3)) if x.ndim else []
    shifts = data.draw(st.lists(st.integers(-40, 40), min_size=max(len(dims), 1), max_size=max(len(dims), 1)))
    arguments = (tuple(shifts), tuple(dims)) if dims else (tuple(shifts),)
    expected = np.roll(x.array, *arguments) if dims else np.roll(x.array, shifts[0])
    for out in (torch.roll(x.on(subject), *arguments), x.on(subject).roll(*arguments)):
        assert_values(f"roll{arguments}", out, expected, dtype=x.dtype)


@check("view.rot90")
@given(data=st.data(), x=tensors(COMMON, layouts=ALL))
def test_rot90_turns_as_numpys(subject, data, x):
    if x.ndim < 2:
        return
    dims = tuple(data.draw(st.permutations(range(x.ndim)))[:2])
    dims = (dims[0], dims[1] - x.ndim) if data.draw(st.booleans()) else dims
    k = data.draw(st.integers(-9, 9))
    for out in (torch.rot90(x.on(subject), k, dims), x.on(subject).rot90(k, dims)):
        assert_values(f"rot90({k}, {dims})", out, np.rot90(x.array, k, dims), dtype=x.dtype)


@check("view.flip")
@given(data=st.data(), x=tensors(COMMON, layouts=ALL))
def test_flip_reverses_as_numpys(subject, data, x):
    dims = tuple(dim for dim in range(x.ndim) if data.draw(st.booleans()))
    named = tuple(dim - x.ndim if data.draw(st.booleans()) else dim for dim in dims)
    for out in (torch.flip(x.on(subject), named), x.on(subject).flip(named)):
        assert_values(f"flip({named})", out, np.flip(x.array, dims) if dims else x.array, dtype=x.dtype)


@check("view.tile")
@given(data=st.data(), x=tensors(COMMON, layouts=ALL))
def test_tile_repeats_as_numpys(subject, data, x):
    times = tuple(data.draw(st.lists(st.sampled_from((2, 1, 3, 0)), max_size=4)))
    for out in (torch.tile(x.on(subject), times), x.on(subject).tile(times)):
        assert_values(f"tile({times})", out, np.tile(x.array, times), dtype=x.dtype)
    if len(times) >= x.ndim:
        assert_values(f"repeat({times})", x.on(subject).repeat(times), np.tile(x.array, times), dtype=x.dtype)

"""The strategies: they reach what they should, keep their bounds, shrink to simple things, and refuse nonsense."""

from __future__ import annotations

import math
from math import inf, nan

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from conformance import host, numerics
from conformance.dtypes import COMMON, DTYPES
from conformance.profile import for_device
from conformance.subject import Unsupported, find
from meta_tests.generators import assert_all_examples, assert_no_examples, find_any, minimal
from properties.strategies import recipe
from properties.strategies.recipe import DENSE, LAYOUTS, Recipe
from properties.strategies.shapes import SIDES, broadcastable_shapes, dims, shapes
from properties.strategies.tensors import DRAWN, arrays, broadcastable, normals, tensors
from properties.strategies.values import cycle, distinct, interesting, random_normal, rounded

CPU = find(for_device("cpu"))
HERE = [name for name in DTYPES if CPU.supports(name)]
SHAPES = [(), (0,), (1,), (4,), (2, 3), (3, 0, 2), (2, 1, 3), (2, 3, 2, 2)]
every_dtype = pytest.mark.parametrize("dtype", HERE)
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


# -- shapes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES)
def test_shapes_reach_every_side(side: int) -> None:
    assert side in find_any(shapes(), lambda shape: side in shape)


def test_shapes_keep_their_bounds() -> None:
    assert_all_examples(shapes(1, 3, max_numel=20), lambda shape: 1 <= len(shape) <= 3 and math.prod(shape) <= 20)


def test_shapes_shrink_to_few_small_dimensions() -> None:
    assert minimal(shapes()) == ()
    assert minimal(shapes(), lambda shape: 0 in shape) == (0,)
    assert minimal(shapes(2)) == (2, 2)


@pytest.mark.parametrize("ndim", [0, 1, 3])
def test_dims_are_just_the_valid_ones(ndim: int) -> None:
    reach = max(ndim, 1)
    assert_all_examples(dims(ndim), lambda dim: -reach <= dim < reach)
    for dim in range(-reach, reach):
        assert find_any(dims(ndim), lambda found, dim=dim: found == dim) == dim
    assert minimal(dims(ndim)) == 0


def test_broadcastable_shapes_broadcast() -> None:
    assert_all_examples(broadcastable_shapes(3), lambda found: len(np.broadcast_shapes(*found)) >= 0)


def test_broadcastable_shapes_stretch_lack_and_vanish() -> None:
    pairs = broadcastable_shapes(2)
    find_any(pairs, lambda pair: len(pair[0]) != len(pair[1]))
    find_any(pairs, lambda pair: any(a == 1 < b for a, b in zip(pair[0][::-1], pair[1][::-1], strict=False)))
    find_any(pairs, lambda pair: any({a, b} == {0, 1} for a, b in zip(pair[0][::-1], pair[1][::-1], strict=False)))


# -- values ------------------------------------------------------------------------------------------------------------


@every_dtype
def test_interesting_values_are_values_of_the_dtype(dtype: str) -> None:
    for options in ({}, {"finite": True}, {"moderate": True}):
        values = interesting(dtype, **options)
        assert values.dtype == np.dtype(DTYPES[dtype].host)
        assert np.array_equal(rounded(values, dtype), values, equal_nan=values.dtype.kind in "fc"), options


@every_dtype
def test_interesting_values_begin_with_zero_and_hold_the_extremes(dtype: str) -> None:
    values, facts = interesting(dtype), DTYPES[dtype]
    assert values[0] == 0
    if facts.kind in ("int", "uint"):
        limits = np.iinfo(facts.host)
        assert {int(value) for value in values} >= {limits.max, limits.min, limits.max - 1, 0, 1}
    elif facts.is_floating:
        top, tiny = numerics.largest(dtype), numerics.smallest_normal(dtype)
        found = {float(value) for value in values}
        assert found >= {top, -top, tiny, -tiny, tiny * facts.epsilon, 1 + facts.epsilon, 1 - facts.epsilon / 2}
        assert np.signbit(values[values == 0]).any()
        assert np.isnan(values).any()
        assert np.isinf(values).any() or dtype == "float8_e4m3fn", "which has none"


@every_dtype
def test_interesting_values_may_be_finite_or_moderate(dtype: str) -> None:
    assert np.isfinite(interesting(dtype, finite=True)).all()
    parts = interesting(dtype, moderate=True)
    assert (np.abs(np.real(parts).astype(float)) <= 100).all()
    assert (np.abs(np.imag(parts).astype(float)) <= 100).all()


@every_dtype
def test_distinct_values_tell_places_apart(dtype: str) -> None:
    values = distinct(dtype, (2, 3))
    assert values.dtype == np.dtype(DTYPES[dtype].host)
    assert np.array_equal(rounded(values, dtype), values)
    assert dtype == "bool" or len(np.unique(values)) == 6


@pytest.mark.parametrize("count", [5, 7, 35, 105, 1155])
def test_a_cycle_uses_every_value(count: int) -> None:
    assert set(cycle(np.arange(count), (2 * count,)).tolist()) == set(range(count))


def test_normal_values_are_the_seeds() -> None:
    first, second, other = (random_normal(seed, "bfloat16", (4, 4)) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    assert np.array_equal(rounded(first, "bfloat16"), first)


# -- recipes -----------------------------------------------------------------------------------------------------------


def evaluated(code: str) -> torch.Tensor:
    return eval(code, {"torch": torch, "np": np, "nan": nan, "inf": inf})  # type: ignore[no-any-return]


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays have the same shape, dtype and values, NaN and the sign of zero among them."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    parts = [(a.real, b.real), (a.imag, b.imag)] if a.dtype.kind == "c" else [(a, b)]
    floating = a.dtype.kind in "fc"
    signs = not floating or all(np.array_equal(np.signbit(x[x == 0]), np.signbit(y[x == 0])) for x, y in parts)
    return all(np.array_equal(x, y, equal_nan=floating) for x, y in parts) and signs


@every_dtype
@every_layout
def test_a_recipe_its_tensor_and_its_code_agree(dtype: str, layout: str) -> None:
    for shape in SHAPES:
        made = LAYOUTS[layout](cycle(interesting(dtype), shape), dtype)
        built, written = made.on(CPU), evaluated(made.code())
        for tensor in (built, written):
            assert (tuple(tensor.shape), host.dtype_name(tensor.dtype)) == (made.shape, dtype)
            assert same(host.array(tensor), made.array), f"{made}"
        assert tuple(built.stride()) == tuple(made.strides) or 0 in shape or tuple(shape) == ()
        assert built.storage_offset() == made.offset


@every_layout
def test_a_layout_keeps_the_values(layout: str) -> None:
    for shape in SHAPES:
        values = distinct("int32", shape)
        made = LAYOUTS[layout](values, "int32")
        assert (made.ndim, made.numel, made.shape) == (values.ndim, values.size, shape)
        if layout == "expanded" and values.size:
            assert same(made.array, np.broadcast_to(values[:1], shape) if shape else values)
        else:
            assert same(made.array, values)


@every_layout
def test_a_recipe_knows_whether_its_elements_share_places(layout: str) -> None:
    for shape in SHAPES:
        made = LAYOUTS[layout](distinct("int32", shape), "int32")
        shared = layout == "expanded" and math.prod(shape) > 1 and shape[0] > 1
        assert made.is_overlapping == shared, f"{made}"


def test_only_a_plain_buffer_is_contiguous() -> None:
    values = distinct("float32", (2, 3))
    found = {name for name, make in LAYOUTS.items() if make(values, "float32").is_contiguous}
    assert found == {"contiguous", "channels_last"}, "which differ from three dimensions on"
    assert recipe.channels_last(values, "float32").strides == (3, 1)


def test_the_layouts_of_torch_are_ours() -> None:
    values = distinct("float32", (2, 3, 4, 5))
    last = recipe.channels_last(values, "float32").on(CPU)
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert recipe.transposed(values, "float32").strides == tuple(torch.empty(5, 4, 3, 2).permute(3, 2, 1, 0).stride())
    assert recipe.stepped(values, "float32").strides == tuple(torch.empty(2, 3, 4, 10)[..., ::2].stride())
    stepped = torch.empty(4, 3, 4, 7)[::2, ..., 1:-1]
    assert recipe.row_stepped(values, "float32").strides == tuple(stepped.stride())
    assert recipe.row_stepped(values, "float32").offset == stepped.storage_offset()


@every_dtype
def test_the_gaps_of_a_layout_hold_values_of_the_dtype(dtype: str) -> None:
    gaps = recipe.junk(20, dtype)
    assert same(rounded(gaps, dtype), gaps)


@every_layout
def test_gradients_are_asked_for_in_code_as_well(layout: str) -> None:
    made = LAYOUTS[layout](np.ones((2, 2)), "float64").with_grad()
    for tensor in (made.on(CPU), evaluated(made.code())):
        assert tensor.requires_grad
    assert not made.with_grad(False).on(CPU).requires_grad


def test_code_names_another_device() -> None:
    assert recipe.stepped(np.ones(2), "float32").code("meta").count("device='meta'") == 1
    assert "device" not in recipe.stepped(np.ones(2), "float32").code()


def test_an_array_of_a_recipe_is_fresh() -> None:
    made = recipe.expanded(np.ones((2, 2)), "float32")
    made.array[...] = 5
    assert (made.array == 1).all()


def test_layouts_leave_out_what_comes_to_the_same() -> None:
    names = [made.strides for made in recipe.layouts(np.ones(3), "float32")]
    assert len(names) == len(set(names)) + 1, "offset has the strides of contiguous"
    assert sum(1 for _ in recipe.layouts(np.ones((2, 3, 2, 2)), "float32", LAYOUTS)) == len(LAYOUTS)


def test_a_dtype_that_is_not_there_is_unsupported() -> None:
    class Poor:
        device = "cpu"

        def require(self, dtype: str) -> None:
            raise Unsupported(dtype)

    with pytest.raises(Unsupported):
        recipe.contiguous(np.ones(1), "float32").on(Poor())  # type: ignore[arg-type]


# -- tensors -----------------------------------------------------------------------------------------------------------


def test_tensors_reach_every_layout_and_dtype() -> None:
    strategy = tensors(COMMON, (2, 3), layouts=tuple(LAYOUTS))
    assert {find_any(strategy, lambda made, d=dtype: made.dtype == d).dtype for dtype in COMMON} == set(COMMON)
    plain = {LAYOUTS[name](np.zeros((2, 3)), "float32").strides for name in LAYOUTS}
    for strides in plain:
        find_any(strategy, lambda made, s=strides: made.strides == s)


@pytest.mark.parametrize("wanted", [nan, inf, -inf, -0.0, 1e-45, float(numerics.largest("float32"))])
def test_tensors_reach_hard_values(wanted: float) -> None:
    def holds(made: Recipe) -> bool:
        found = made.array[made.array == wanted] if wanted == wanted else made.array[np.isnan(made.array)]
        return bool(found.size) and (wanted != 0 or bool(np.signbit(found).any()))

    find_any(tensors("float32", (4,)), holds)


def test_tensors_shrink_to_zeros_without_dimensions() -> None:
    smallest = minimal(tensors(COMMON))
    assert (smallest.shape, smallest.dtype, smallest.array.tolist()) == ((), COMMON[0], False)
    found = minimal(tensors("float32", (3,)), lambda made: made.array.any())
    assert found.array.tolist() == [0.0, 0.0, 1.0]
    assert found.is_contiguous


def test_tensors_may_be_finite_and_moderate() -> None:
    assert_all_examples(tensors("float32", finite=True), lambda made: np.isfinite(made.array).all())
    assert_all_examples(tensors("float16", moderate=True), lambda made: (np.abs(made.array) <= 100).all())


def test_dense_tensors_do_not_overlap() -> None:
    assert_no_examples(tensors("int8", layouts=tuple(DENSE)), lambda made: made.is_overlapping)


def test_large_tensors_are_drawn_by_a_seed() -> None:
    strategy = arrays("float32", (DRAWN + 1, 3))
    assert find_any(strategy).shape == (DRAWN + 1, 3)
    assert len(np.unique(find_any(strategy, lambda values: not np.isnan(values).all()))) > 5


def test_tensors_take_a_strategy_for_their_shape() -> None:
    assert_all_examples(tensors("int8", shapes(2, 2)), lambda made: made.ndim == 2)
    assert_all_examples(tensors("int8", (3,), requires_grad=False), lambda made: made.shape == (3,))


def test_broadcastable_tensors_are_of_one_dtype_and_layouts_of_their_own() -> None:
    strategy = broadcastable(2, ("float32", "int8"))
    assert_all_examples(strategy, lambda pair: pair[0].dtype == pair[1].dtype)
    assert_all_examples(strategy, lambda pair: len(np.broadcast_shapes(*(made.shape for made in pair))) >= 0)
    find_any(strategy, lambda pair: pair[0].is_contiguous != pair[1].is_contiguous)


def test_normal_tensors_are_finite() -> None:
    assert_all_examples(normals("complex64", shapes(0, 2)), lambda made: np.isfinite(made.array).all())
    assert_all_examples(normals("float16", (3, 3)), lambda made: made.shape == (3, 3))


@pytest.mark.parametrize(
    "make",
    [
        lambda: shapes(3, 2),
        lambda: shapes(-1, 2),
        lambda: find_any(broadcastable_shapes(0)),
        lambda: find_any(tensors(())),
        lambda: find_any(tensors("float32", layouts=())),
        lambda: find_any(tensors("float32", layouts=("spiral",))),
    ],
)
def test_bad_arguments_are_refused(make: st.SearchStrategy[object]) -> None:
    with pytest.raises(ValueError, match=r"min_dims=|at least one"):
        make()  # type: ignore[operator]

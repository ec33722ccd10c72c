"""Creation functions over drawn sizes, dtypes, values, sequences and data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES, FLOATS, INTEGERS
from conformance.numerics import SUMMED
from conformance.oracle import creation as oracle
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_bits
from properties.strategies.recipe import DENSE, LAYOUTS, Recipe, Shape, permuted
from properties.strategies.shapes import shapes
from properties.strategies.tensors import arrays, tensors
from properties.strategies.values import distinct, interesting

pytestmark = must_answer

STEPPED = SUMMED.over(4)


@check("creation.full")
@given(shape=shapes(), dtype=st.sampled_from(COMMON), place=st.integers(0, 60))
def test_constants_fill_any_shape(subject: Subject, shape: Shape, dtype: str, place: int) -> None:
    table, own = interesting(dtype), host.torch_dtype(dtype)
    value = table[place % len(table)]
    made = torch.full(shape, value.item(), dtype=own, device=subject.device)
    assert_bits(f"torch.full({shape}, {value!r}, dtype=torch.{dtype})", made, np.full(shape, value), dtype)
    for name, fill in (("zeros", 0), ("ones", 1)):
        t = getattr(torch, name)(shape, dtype=own, device=subject.device)
        assert_values(f"torch.{name}({shape}, dtype=torch.{dtype})", t, np.full(shape, fill), dtype=dtype)
    require(made.is_contiguous() and made.stride() == oracle.row_major(shape), f"torch.full({shape}, …) has gaps")


@check("creation.arange-values")
@given(
    start=st.integers(-500, 500),
    count=st.integers(0, 80),
    step=st.integers(-9, 9).filter(bool),
    over=st.integers(0, 8),
    dtype=st.sampled_from((None, "int64", "int32", "int16", "float32", "float64")),
)
def test_whole_sequences_are_exact(
    subject: Subject, start: int, count: int, step: int, over: int, dtype: str | None
) -> None:
    end = start + count * step - (over % abs(step) if count else 0) * (1 if step > 0 else -1)
    expected = oracle.stepped(start, step, oracle.counted(start, end, step)).astype(np.int64)
    own = None if dtype is None else host.torch_dtype(dtype)
    call = f"torch.arange({start}, {end}, {step}, dtype={dtype})"
    assert_values(
        call, torch.arange(start, end, step, dtype=own, device=subject.device), expected, dtype=dtype or "int64"
    )
    out = torch.empty(0, dtype=own or torch.int64, device=subject.device)
    require(torch.arange(start, end, step, out=out) is out, f"{call} returns another tensor than out")
    assert_values(f"{call}, out=", out, expected, dtype=dtype or "int64")


@check("creation.arange-floats")
@given(
    start=st.floats(-50, 50, width=32),
    step=st.floats(1 / 64, 8, width=32),
    extent=st.floats(0, 60, width=32),
    falls=st.booleans(),
    dtype=st.sampled_from(("float32", "float64")),
)
def test_real_sequences_are_close(
    subject: Subject, start: float, step: float, extent: float, falls: bool, dtype: str
) -> None:
    step = -step if falls else step
    end = start + extent * (-1 if falls else 1)
    assume(oracle.surely_counted(start, end, step) and extent / abs(step) < 2000)
    count = oracle.counted(start, end, step)
    t = torch.arange(start, end, step, dtype=host.torch_dtype(dtype), device=subject.device)
    scale = abs(start) + np.arange(count) * abs(step)
    call = f"torch.arange({start}, {end}, {step}, dtype=torch.{dtype})"
    assert_values(call, t, oracle.stepped(start, step, count), STEPPED, scale, dtype=dtype)


BOUNDS = st.one_of(st.integers(-100, 100), st.floats(-100, 100, width=16))


@check("creation.linspace-even")
@given(start=BOUNDS, end=BOUNDS, steps=st.integers(0, 70), dtype=st.sampled_from(FLOATS))
def test_spaced_numbers_are_even(subject: Subject, start: float, end: float, steps: int, dtype: str) -> None:
    own = host.torch_dtype(dtype)
    call = f"torch.linspace({start}, {end}, {steps}, dtype=torch.{dtype})"
    expected, scale = oracle.spaced(start, end, steps), np.full(steps, abs(start) + abs(end))
    assert_values(
        call, torch.linspace(start, end, steps, dtype=own, device=subject.device), expected, STEPPED, scale, dtype=dtype
    )
    turned = torch.linspace(end, start, steps, dtype=own, device=subject.device)
    due = expected[::-1] if steps > 1 else oracle.spaced(end, start, steps)
    assert_values(f"{call} turned round", turned, due, STEPPED, scale, dtype=dtype)


@check("creation.linspace-integers")
@given(
    start=st.integers(-120, 120), end=st.integers(-120, 120), steps=st.integers(1, 40), dtype=st.sampled_from(INTEGERS)
)
@example(start=0, end=10, steps=33, dtype="int64")
def test_spaced_integers_are_cut(subject: Subject, start: int, end: int, steps: int, dtype: str) -> None:
    start, end = (abs(start), abs(end)) if dtype == "uint8" else (start, end)
    low, high = oracle.spaced_integers(start, end, steps)
    call = f"torch.linspace({start}, {end}, {steps}, dtype=torch.{dtype})"
    t = assert_tensor(
        call, torch.linspace(start, end, steps, dtype=host.torch_dtype(dtype), device=subject.device), dtype, low.shape
    )
    found = host.array(t).astype(np.int64)
    require(
        ((low <= found) & (found <= high)).all(),
        f"{call} is {found.tolist()}, but should be {low.tolist()}",
        low,
        found,
    )


def nested(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Numbers, and rectangular lists and tuples of them."""

    @st.composite
    def build(draw: st.DrawFn) -> Any:
        shape = draw(shapes(0, 3, sides=(2, 1, 3, 0, 5), max_numel=40))
        flat = [draw(numbers) for _ in range(math.prod(shape))]
        return fold(flat, shape, draw(st.booleans()))

    return build()


def fold(flat: list[Any], shape: Shape, tuples: bool) -> Any:
    """Numbers in a flat list as nested sequences of a shape."""
    if not shape:
        return flat[0]
    size = math.prod(shape[1:])
    rows = [fold(flat[i * size : (i + 1) * size], shape[1:], tuples) for i in range(shape[0])]
    return tuple(rows) if tuples else rows


NUMBERS = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(width=32), st.complex_numbers(max_magnitude=100)
)
KINDS = (
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(width=32),
    st.one_of(st.booleans(), st.integers(-99, 99)),
    NUMBERS,
)


@check("creation.tensor-from-data")
@given(data=st.one_of([nested(kind) for kind in KINDS]))
def test_data_of_any_shape_and_kind(subject: Subject, data: Any) -> None:
    dtype, shape = oracle.inferred(data), oracle.nested_shape(data)
    # Rows without elements end the nesting that PyTorch sees: there the shape ends as well.
    shape = shape[: shape.index(0) + 1] if 0 in shape else shape
    numbers = list(oracle.numbers(data))
    with np.errstate(over="ignore"):
        expected = np.array(numbers, DTYPES[dtype].host).reshape(shape)
    for maker in ("tensor", "as_tensor", "asarray"):
        t = getattr(torch, maker)(data, device=subject.device)
        assert_values(f"torch.{maker}({data!r})", t, expected, dtype=dtype, signed_zeros=True)
        require(t.is_contiguous() and t.is_leaf, f"torch.{maker}({data!r}) has gaps, or a history")


@st.composite
def models(draw: st.DrawFn) -> Recipe:
    """Recipes in drawn layouts, among them dense ones in any order of dimensions."""
    if draw(st.booleans()):
        return draw(tensors(COMMON, shapes(0, 4, max_numel=300), layouts=tuple(LAYOUTS)))
    shape = draw(shapes(1, 4, sides=(2, 3, 1, 5, 4), max_numel=300))
    dtype = draw(st.sampled_from(COMMON))
    return permuted(draw(arrays(dtype, shape)), dtype, tuple(draw(st.permutations(range(len(shape))))))


@check("creation.like-layout")
@given(recipe=models())
def test_models_of_any_layout(subject: Subject, recipe: Recipe) -> None:
    t = recipe.on(subject)
    before = Unchanged(t=t)
    due = oracle.kept_strides(recipe.shape, recipe.strides)
    zeros, ones = np.zeros(recipe.shape), np.ones(recipe.shape)
    made = {"zeros_like": (torch.zeros_like(t), zeros), "ones_like": (torch.ones_like(t), ones)}
    made |= {"clone": (t.clone(), recipe.array), "empty_like": (torch.empty_like(t), None)}
    for name, (out, expected) in made.items():
        call = f"{name} of {recipe.dtype} {recipe.shape}, strides {recipe.strides}"
        assert_tensor(call, out, recipe.dtype, recipe.shape)
        if expected is not None:
            assert_values(call, out, expected, dtype=recipe.dtype)
        assert_apart(call, out, t)
        if recipe.numel:
            sides = zip(out.stride(), due or out.stride(), recipe.shape, strict=True)
            kept = all(a == b for a, b, side in sides if side > 1) and oracle.is_dense(recipe.shape, out.stride())
            require(kept, f"{call} has strides {out.stride()}", due, out.stride())
    before.check("a function after the model of t")


@check("creation.meshgrid")
@given(
    sizes=st.lists(st.integers(0, 5), min_size=1, max_size=4), xy=st.booleans(), layout=st.sampled_from(tuple(DENSE))
)
def test_grids_of_any_sizes(subject: Subject, sizes: list[int], xy: bool, layout: str) -> None:
    given_ = [DENSE[layout](distinct("int64", (size,)) + 10 * place, "int64") for place, size in enumerate(sizes)]
    indexing = "xy" if xy else "ij"
    found = torch.meshgrid(*(recipe.on(subject) for recipe in given_), indexing=indexing)
    for place, (grid, due) in enumerate(zip(found, oracle.grids([r.array for r in given_], indexing), strict=True)):
        assert_values(f"torch.meshgrid of {sizes}, indexing={indexing!r}, grid {place}", grid, due, dtype="int64")


@check("creation.cartesian-prod")
@given(sizes=st.lists(st.integers(0, 4), min_size=1, max_size=4), r=st.integers(0, 4), repeats=st.booleans())
def test_products_and_combinations_of_any_sizes(subject: Subject, sizes: list[int], r: int, repeats: bool) -> None:
    values = [distinct("int64", (size,)) + 10 * place for place, size in enumerate(sizes)]
    vectors = [torch.tensor(part, dtype=torch.int64, device=subject.device) for part in values]
    assert_values(
        f"torch.cartesian_prod of {sizes}", torch.cartesian_prod(*vectors), oracle.products(values), dtype="int64"
    )
    due = oracle.combined(values[0], r, with_replacement=repeats)
    chosen = torch.combinations(vectors[0], r=r, with_replacement=repeats)
    assert_values(f"torch.combinations({sizes[0]}, r={r}, with_replacement={repeats})", chosen, due, dtype="int64")


@check("creation.tril-indices")
@given(row=st.integers(0, 20), col=st.integers(0, 20), offset=st.integers(-22, 22))
def test_triangles_of_any_size(subject: Subject, row: int, col: int, offset: int) -> None:
    for lower, make in ((True, torch.tril_indices), (False, torch.triu_indices)):
        found = make(row, col, offset, device=subject.device)
        assert_values(
            f"torch.{make.__name__}({row}, {col}, {offset})",
            found,
            oracle.triangle(row, col, offset, lower=lower),
            dtype="int64",
        )

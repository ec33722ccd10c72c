"""The bridge to numpy over drawn dtypes, shapes, layouts and slices."""

from __future__ import annotations

import math

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from conformance import host
from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES, NUMPY
from conformance.oracle import numpy as oracle
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_array, assert_bits, assert_separate, assert_shared
from properties.strategies.ndarrays import ndarray, other_values
from properties.strategies.recipe import LAYOUTS, Recipe, Shape
from properties.strategies.shapes import shapes
from properties.strategies.tensors import tensors

pytestmark = must_answer

RECIPES = tensors(NUMPY, layouts=tuple(LAYOUTS))


@st.composite
def slices(draw: st.DrawFn, shape: Shape) -> tuple[slice | int, ...]:
    """An index of slices with positive steps and of places, one for each dimension."""
    found: list[slice | int] = []
    for size in shape:
        start, step = draw(st.integers(0, max(size, 1))), draw(st.integers(1, 3))
        found.append(start - size if size and start < size and draw(st.booleans()) else slice(start, None, step))
    return tuple(found)


@st.composite
def sliced(draw: st.DrawFn) -> tuple[Recipe, tuple[slice | int, ...]]:
    """A recipe and an index into it."""
    recipe = draw(tensors(NUMPY, shapes(1, 4), layouts=tuple(LAYOUTS)))
    return recipe, draw(slices(recipe.shape))


@check("numpy.from-numpy-layout")
@given(pair=sliced())
def test_from_numpy_and_slicing_commute(subject: Subject, pair: tuple) -> None:
    recipe, index = pair
    a = ndarray(recipe)
    part = np.asarray(a[(*index, ...)])  # a view, also where the index names one element
    first, second = torch.from_numpy(part), torch.from_numpy(a)[index]
    for call, t in ((f"torch.from_numpy(a[{index}])", first), (f"torch.from_numpy(a)[{index}]", second)):
        assert_bits(call, t, part.copy(), recipe.dtype)
        assert_shared(call, t, part)
    first.zero_()
    assert_bits("the part of the whole tensor", second, np.zeros_like(part), recipe.dtype)


@check("numpy.numpy-layout")
@given(pair=sliced())
def test_numpy_and_slicing_commute(subject: Subject, pair: tuple) -> None:
    subject.require_feature("host_memory")
    recipe, index = pair
    t = recipe.on(subject)
    part = t[index]
    expected = recipe.array[(*index, ...)]
    first, second = part.numpy(), t.numpy()[(*index, ...)]
    for call, a in ((f"t[{index}].numpy()", first), (f"t.numpy()[{index}]", second)):
        assert_array(call, np.asarray(a), np.asarray(expected))
        assert_shared(call, part, a)


@check("numpy.every-cpu-tensor-shares-with-numpy")
@given(recipe=RECIPES)
def test_from_array_readers_share_or_copy(subject: Subject, recipe: Recipe) -> None:
    a = ndarray(recipe)
    own = host.torch_dtype(recipe.dtype)
    sharing = {
        "from_numpy": torch.from_numpy(a),
        "as_tensor": torch.as_tensor(a),
        "dtype=": torch.as_tensor(a, dtype=own),
    }
    if a.ndim:
        sharing |= {"asarray": torch.asarray(a), "asarray(copy=False)": torch.asarray(a, copy=False)}
    copying = {"tensor": torch.tensor(a), "asarray(copy=True)": torch.asarray(a, copy=True)}
    for name, t in (sharing | copying).items():
        assert_bits(f"torch.{name}", t, recipe.array, recipe.dtype)
        (assert_shared if name in sharing else assert_separate)(f"torch.{name}", t, a)
    a[...] = other_values(recipe.array)
    for name, t in sharing.items():
        assert_bits(f"torch.{name} after a write to the array", t, a.copy(), recipe.dtype)
    for name, t in copying.items():
        assert_bits(f"torch.{name} after a write to the array", t, recipe.array, recipe.dtype)


@check("numpy.tensor-to-numpy")
@given(recipe=RECIPES)
def test_to_array_readers_see_the_elements(subject: Subject, recipe: Recipe) -> None:
    subject.require_feature("host_memory")
    t = recipe.on(subject)
    before = Unchanged(t=t)
    for name, a in {"numpy()": t.numpy(), "force": t.numpy(force=True), "np.asarray": np.asarray(t)}.items():
        assert_shared(name, t, assert_array(name, a, recipe.array))
    copied = assert_array("np.array", np.array(t), recipe.array)
    assert_separate("np.array", t, copied)
    before.check("a conversion to numpy")
    back = torch.from_numpy(t.numpy())
    assert_bits("torch.from_numpy(t.numpy())", back, recipe.array, recipe.dtype)
    assert_shared("torch.from_numpy(t.numpy())", back, t.numpy())


@check("numpy.dlpack-capsule")
@given(recipe=tensors([dtype for dtype in COMMON if dtype != "bool"], layouts=tuple(LAYOUTS)))
def test_dlpack_round_trips(subject: Subject, recipe: Recipe) -> None:
    t = recipe.on(subject)
    out = torch.from_dlpack(t)
    assert_values("torch.from_dlpack(t)", out, recipe.array, dtype=recipe.dtype, signed_zeros=True)
    require(out.numel() == 0 or out.data_ptr() == t.data_ptr(), "torch.from_dlpack(t) copies", "shared", "a copy")
    if subject.is_cpu and recipe.dtype in NUMPY:
        assert_shared("np.from_dlpack(t)", t, assert_array("np.from_dlpack(t)", np.from_dlpack(t), recipe.array))
        a = ndarray(recipe)
        assert_shared(
            "torch.from_dlpack(a)", assert_bits("torch.from_dlpack(a)", torch.from_dlpack(a), recipe.array), a
        )


@check("numpy.tolist")
@given(recipe=tensors(COMMON, shapes(max_numel=200), layouts=tuple(LAYOUTS)))
def test_lists_hold_the_elements(subject: Subject, recipe: Recipe) -> None:
    t = recipe.on(subject)
    expected = oracle.nested(recipe.array, recipe.dtype)
    require(oracle.identical(t.tolist(), expected), f"tolist() is {t.tolist()!r}", expected, t.tolist())
    if recipe.ndim:
        rows = [row.tolist() for row in t]
        require(oracle.identical(rows, expected), "the rows' lists are not the list of rows", expected, rows)


@st.composite
def buffers(draw: st.DrawFn) -> tuple[bytes, str, int, int]:
    """Bytes, a dtype, a count and an offset that often fit together."""
    dtype, offset = draw(st.sampled_from([name for name in NUMPY if name != "bool"])), draw(st.integers(0, 20))
    length = offset + DTYPES[dtype].bytes * draw(st.integers(0, 9)) + draw(st.sampled_from((0, 0, 0, 1, 5)))
    first, step = draw(st.integers(0, 255)), draw(st.sampled_from((1, 7, 101)))
    data = bytes((first + step * place) % 256 for place in range(max(length, 1)))
    return data, dtype, draw(st.integers(-1, 8)), offset


@check("numpy.frombuffer-slice")
@given(drawn=buffers())
def test_frombuffer_reads_what_numpy_reads(subject: Subject, drawn: tuple) -> None:
    data, dtype, count, offset = drawn
    size, buffer = DTYPES[dtype].bytes, bytearray(data)
    rest = len(data) - offset
    fits = rest > 0 and (count * size <= rest if count > 0 else count < 0 and rest % size == 0)
    try:
        t = torch.frombuffer(buffer, dtype=host.torch_dtype(dtype), count=count, offset=offset)
    except ValueError:
        require(not fits, f"torch.frombuffer refuses {count} of {dtype} at {offset} in {len(data)} bytes")
        return
    require(fits, f"torch.frombuffer reads {count} of {dtype} at {offset} in {len(data)} bytes")
    expected = np.frombuffer(buffer, dtype, count, offset)
    assert_bits("torch.frombuffer", t, expected, dtype)
    require(math.prod(t.shape) == expected.size, "torch.frombuffer reads another number of elements")


@check("numpy.array-dtype")
@given(
    recipe=tensors(
        [dtype for dtype in NUMPY if not DTYPES[dtype].is_complex], finite=True, moderate=True, layouts=tuple(LAYOUTS)
    ),
    target=st.sampled_from(("float64", "float32", "complex128", "int64", "bool")),
)
def test_conversions_agree_with_numpys(subject: Subject, recipe: Recipe, target: str) -> None:
    subject.require_feature("host_memory")
    t, expected = recipe.on(subject), recipe.array.astype(target)
    assert_array(
        f"np.asarray({recipe.dtype} tensor, {target})",
        np.ascontiguousarray(np.asarray(t, dtype=target)).reshape(t.shape),
        expected,
    )
    made = torch.tensor(ndarray(recipe), dtype=host.torch_dtype(target), device=subject.device)
    assert_values(f"torch.tensor({recipe.dtype} array, dtype=torch.{target})", made, expected, dtype=target)

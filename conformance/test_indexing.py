"""Functions that read and write by an index or a mask, row by row: dtypes, layouts, every form, and long inputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.every_form import Invocation, answer
from conformance.oracle import indexing_gather as oracle
from conformance.subject import Subject
from conformance.tables import rows
from conformance.tables.indexing_rows import ROWS, apart, mask, places
from conformance.wanted import Wanted, same
from properties.strategies.recipe import contiguous, expanded, row_stepped, stepped, transposed
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer

LONG = 40_003  # beyond the size from which kernels share their work among threads


@pytest.mark.parametrize(
    "row", [pytest.param(key, marks=check(f"indexing.{row.claim}", since=row.since)) for key, row in ROWS.items()]
)
def test_a_function(subject: Subject, row: str) -> None:
    rows.run(ROWS[row], subject)


@check("indexing.gather-output-size")
def test_gather_has_the_size_of_its_index(subject: Subject) -> None:
    for shape, dim, size in (((4, 5), 1, (4, 2)), ((4, 5), 0, (7, 3)), ((3, 4, 5), -1, (3, 4, 9)), ((6,), 0, (0,))):
        x = contiguous(distinct("float32", shape), "float32").on(subject)
        index = host.tensor(places(size, 2), "int64", subject.device)
        for out in (torch.gather(x, dim, index), x.gather(dim, index)):
            require(tuple(out.shape) == size, f"gather of {shape} with index {size} has shape {tuple(out.shape)}", size)


@check("indexing.int32-index", since="2.9")
def test_an_int32_index_reads_and_writes_as_int64_does(subject: Subject) -> None:
    values, index = cycle(interesting("float32"), (4, 5)), places((4, 5), 5)
    for layout in (contiguous, transposed, stepped):
        x, where = layout(values, "float32"), layout(index.astype(np.int32), "int32")
        call = Invocation("gather", (x, 1, where), rows.wanted_of(oracle.gather(values, 1, index), "float32"))
        answer(subject, call, ("function", "method", "out"))
        once = apart((4, 3), 1, 5)
        new = cycle(interesting("float32")[3:], (4, 3))
        given = (layout(values, "float32"), 1, layout(once.astype(np.int32), "int32"), layout(new, "float32"))
        wanted = rows.wanted_of(oracle.scatter(values, 1, once, new), "float32")
        answer(subject, Invocation("scatter", given, wanted), ("function", "inplace"))


@check("indexing.nonzero-indices")
def test_nonzero_of_a_long_tensor_and_as_a_tuple(subject: Subject) -> None:
    for shape in ((LONG,), (211, 193), (4, 5), (3, 4, 5), (0, 3), (17,)):
        for dtype in ("float32", "bool", "int16"):
            values = cycle(interesting(dtype)[:7], shape)
            for layout in (contiguous, transposed, stepped):
                x = layout(values, dtype).on(subject)
                wanted = np.stack(np.nonzero(values), -1)
                same(f"torch.nonzero(<{dtype} {shape}>)", torch.nonzero(x), Wanted(wanted, "int64"))
                _as_tuple(x, wanted, f"<{dtype} {shape}>")


def _as_tuple(x: torch.Tensor, wanted: np.ndarray, text: str) -> None:
    for way, found in (
        ("torch.nonzero", torch.nonzero(x, as_tuple=True)),
        ("Tensor.nonzero", x.nonzero(as_tuple=True)),
        ("torch.where", torch.where(x)),
    ):
        require(isinstance(found, tuple) and len(found) == x.dim(), f"{way} of {text} gives no tuple of {x.dim()}")
        for dim, part in enumerate(found):
            same(f"{way}({text}, as_tuple=True)[{dim}]", part, Wanted(wanted[:, dim].copy(), "int64"))


@check("indexing.nonzero-indices")
def test_nonzero_of_a_number_as_a_tuple(subject: Subject) -> None:
    for value, count in ((3.0, 1), (0.0, 0)):
        x = host.tensor(np.array(value), "float32", subject.device)
        found = torch.nonzero(x, as_tuple=True)
        require(len(found) == 1, f"torch.nonzero(0-d, as_tuple=True) has {len(found)} parts, but should have 1")
        same("torch.nonzero(0-d, as_tuple=True)[0]", found[0], Wanted(np.zeros(count, np.int64), "int64"))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("nonzero", marks=check("indexing.nonzero-indices")),
        pytest.param("argwhere", marks=check("indexing.argwhere")),
    ],
)
def test_the_place_of_a_single_element(subject: Subject, name: str) -> None:
    for shape in ((), (1,), (1, 1), (1, 1, 1)):
        for value in (3.0, 0.0):
            x = host.tensor(np.full(shape, value), "float32", subject.device)
            wanted = Wanted(np.zeros((int(value != 0), len(shape)), np.int64), "int64")
            same(f"torch.{name}(full({shape}, {value}))", getattr(torch, name)(x), wanted)
            same(f"full({shape}, {value}).{name}()", getattr(x, name)(), wanted)


@check("indexing.where-indices")
def test_where_of_a_condition_alone_gives_the_places(subject: Subject) -> None:
    for shape in ((4, 5), (3, 4, 5), (33,), (1,), (2, 0)):
        for seed, layout in enumerate((contiguous, transposed, stepped)):
            chosen = mask(shape, seed)
            found = torch.where(layout(chosen, "bool").on(subject))
            require(
                isinstance(found, tuple) and len(found) == len(shape), f"torch.where(mask {shape}) is no such tuple"
            )
            for dim, (part, wanted) in enumerate(zip(found, np.nonzero(chosen), strict=True)):
                same(f"torch.where(<mask {shape}>)[{dim}]", part, Wanted(wanted.astype(np.int64), "int64"))


@check("indexing.masked-select-new-tensor")
def test_masked_select_is_a_copy_and_takes_out(subject: Subject) -> None:
    x = contiguous(np.arange(12.0).reshape(3, 4), "float32").on(subject)
    everything = host.tensor(np.ones((3, 4), bool), "bool", subject.device)
    for found in (torch.masked_select(x, everything), x.masked_select(everything), x[everything]):
        found.fill_(7)
        assert_values("x after writing to masked_select(x, mask)", x, np.arange(12.0).reshape(3, 4))
    chosen = host.tensor(np.arange(12).reshape(3, 4) % 3 == 0, "bool", subject.device)
    out = host.tensor(np.zeros(4), "float32", subject.device)
    require(torch.masked_select(x, chosen, out=out) is out, "masked_select(…, out=out) is not out")
    assert_values("out after masked_select(x, mask, out=out)", out, [0, 3, 6, 9])


@check("indexing.masked-fill-value")
def test_masked_fill_takes_a_tensor_without_dimensions(subject: Subject) -> None:
    values, chosen = cycle(interesting("float64"), (4, 5)), mask((4, 5))
    for layout in (contiguous, transposed, stepped):
        x, where = layout(values, "float64"), layout(chosen, "bool")
        value = contiguous(np.array(-2.5), "float64")
        wanted = rows.wanted_of(oracle.masked_fill(values, chosen, -2.5), "float64")
        answer(subject, Invocation("masked_fill", (x, where, value), wanted), ("function", "method", "inplace"))
    x = contiguous(values, "float64").on(subject)
    where = host.tensor(chosen, "bool", subject.device)
    vector = host.tensor(np.ones(1), "float64", subject.device)
    assert_raises("masked_fill with a vector as value", RuntimeError, lambda: torch.masked_fill(x, where, vector))


@check("indexing.index-fill-tensor")
def test_index_fill_takes_a_tensor_without_dimensions(subject: Subject) -> None:
    values, index = cycle(interesting("float64"), (4, 5)), np.array([1, 3])
    for dim, layout in ((0, contiguous), (-1, transposed), (1, stepped)):
        given = (layout(values, "float64"), dim, contiguous(index, "int64"), contiguous(np.array(-2.5), "float64"))
        wanted = rows.wanted_of(oracle.index_fill(values, dim, index, -2.5), "float64")
        answer(subject, Invocation("index_fill", given, wanted), ("function", "method", "inplace"))


@check("indexing.expanded-inputs")
def test_indices_masks_and_sources_may_be_expanded(subject: Subject) -> None:
    values, row = cycle(interesting("float32"), (4, 5)), np.array([[3, 0, 2, 2, 1]] * 4)
    x, index = transposed(values, "float32"), expanded(row, "int64")
    source = expanded(cycle(rows.small("float32"), (4, 5)), "float32", 1)
    chosen = expanded(mask((4, 5), 3), "bool", 1)
    calls = [
        Invocation("gather", (x, 1, index), rows.wanted_of(oracle.gather(values, 1, row), "float32")),
        Invocation("masked_select", (x, chosen), rows.wanted_of(oracle.masked_select(values, chosen.array), "float32")),
        Invocation(
            "masked_fill", (x, chosen, 2), rows.wanted_of(oracle.masked_fill(values, chosen.array, 2), "float32")
        ),
    ]
    for call in calls:
        answer(subject, call, ("function", "method", "out") if call.name != "masked_fill" else ("function", "inplace"))
    small = contiguous(cycle(rows.small("float32"), (4, 5)), "float32")
    sums = oracle.scatter_reduce(small.array, 1, row, source.array, "sum")
    call = Invocation("scatter_add", (small, 1, index, source), (Wanted(sums, "float32", signed_zeros=False),))
    answer(subject, call, ("function", "inplace", "out"))


@check("indexing.take-along-dim-flat")
def test_take_along_dim_without_dim(subject: Subject) -> None:
    for shape, index in (((4, 5), places((9,), 20)), ((3, 4, 5), places((2, 3), 60, 1)), ((33,), places((17,), 33, 2))):
        values = cycle(interesting("float32"), shape)
        given = (contiguous(values, "float32"), contiguous(index, "int64"))
        wanted = (Wanted(values.reshape(-1)[index.reshape(-1)], "float32"),)
        answer(subject, Invocation("take_along_dim", given, wanted), ("function", "method", "out"))


@check("indexing.take-along-dim-strided")
def test_take_along_dim_without_dim_of_any_layout(subject: Subject) -> None:
    values, index = cycle(interesting("float32"), (4, 5)), places((2, 3), 20)
    for layout in (transposed, row_stepped):
        for given in (
            (layout(values, "float32"), contiguous(index, "int64")),
            (contiguous(values, "float32"), layout(index, "int64")),
        ):
            wanted = (Wanted(values.reshape(-1)[index.reshape(-1)], "float32"),)
            answer(subject, Invocation("take_along_dim", given, wanted), ("function",))

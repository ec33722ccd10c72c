"""Joining, splitting, repeating and flipping: row by row, and what is a view of what."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.every_form import Invocation, answer, make
from conformance.oracle import indexing_arrange as oracle
from conformance.subject import Subject
from conformance.tables import indexing_brackets as brackets
from conformance.tables import rows
from conformance.tables.indexing_arrange_rows import ROWS, SPLITTING
from conformance.tables.rows import filled
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, stepped, transposed
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer


@pytest.mark.parametrize(
    "row", [pytest.param(key, marks=check(f"indexing.{row.claim}", since=row.since)) for key, row in ROWS.items()]
)
def test_a_function(subject: Subject, row: str) -> None:
    rows.run(ROWS[row], subject)


@pytest.mark.parametrize(
    "row", [pytest.param(row.key, marks=check(f"indexing.{row.claim}")) for row in SPLITTING if not row.fresh]
)
def test_pieces_are_views(subject: Subject, row: str) -> None:
    table = ROWS[row]
    for case in (*table.main, *table.edge):
        for layout in LAYOUTS:
            x = LAYOUTS[layout](filled("any", "float32", case.shape), "float32").on(subject)
            places = np.arange(x.numel()).reshape(case.shape)
            wanted = table.oracle(places, *case.args)
            for out in (getattr(torch, table.name)(x, *case.args), getattr(x, table.name)(*case.args)):
                parts = out if isinstance(out, (tuple, list)) else [out]
                looks = wanted if isinstance(wanted, tuple) else [wanted]
                text = f"{table.name}{case.args} of {case.shape}, {layout}"
                require(len(parts) == len(looks), f"{text} has {len(parts)} parts", len(looks), len(parts))
                for part, place in zip(parts, looks, strict=True):
                    brackets.looks_at(text, part, x, np.asarray(place))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=check(f"indexing.{claim}"))
        for claim, name in (
            ("chunk-count", "chunk"),
            ("split", "split"),
            ("tensor-split", "tensor_split"),
            ("unbind", "unbind"),
        )
    ],
)
def test_the_pieces_come_as_a_tuple(subject: Subject, name: str) -> None:
    x = contiguous(distinct("float32", (6, 2)), "float32").on(subject)
    args = () if name == "unbind" else (2,)
    for out in (getattr(torch, name)(x, *args), getattr(x, name)(*args)):
        require(isinstance(out, tuple), f"{name} gives a {type(out).__name__}", "tuple", type(out).__name__)


@check("indexing.chunk-count")
def test_how_many_chunks(subject: Subject) -> None:
    for length in (1, 2, 5, 6, 7, 16, 17, 33):
        x = contiguous(distinct("int64", (length,)), "int64").on(subject)
        for chunks in (1, 2, 3, 4, 5, 7, 16, 40):
            wanted = oracle.chunk(distinct("int64", (length,)), chunks)
            out = torch.chunk(x, chunks)
            text = f"torch.chunk(<{length}>, {chunks})"
            require(len(out) == len(wanted), f"{text} gives {len(out)} parts", len(wanted), len(out))
            for part, values in zip(out, wanted, strict=True):
                same(text, part, Wanted(values.copy(), "int64"))


@check("indexing.repeat")
def test_repeat_takes_sizes_in_a_row_or_together_and_copies(subject: Subject) -> None:
    values = distinct("float32", (2, 3))
    for layout in DENSE:
        recipe = LAYOUTS[layout](values, "float32")
        for sizes in ((2, 1), (1, 2, 3), (1, 1), (0, 2)):
            for given in (sizes, (sizes,), (list(sizes),), (torch.Size(sizes),)):
                x = recipe.on(subject)
                out = x.repeat(*given)
                same(f"x.repeat({given})", out, Wanted(oracle.repeat(values, *sizes), "float32"))
                out.fill_(0)
                same(f"x after writing to x.repeat({given})", x, Wanted(values, "float32"))
    assert_raises("x.repeat(2) of a matrix", RuntimeError, lambda: contiguous(values, "float32").on(subject).repeat(2))
    require(not hasattr(torch, "repeat"), "torch has a function repeat")


@check("indexing.tile")
def test_tile_takes_sizes_in_a_row(subject: Subject) -> None:
    values = distinct("float32", (2, 3))
    for sizes in ((2,), (2, 1), (1, 2, 3)):
        x = transposed(values, "float32").on(subject)
        same(f"x.tile{sizes}", x.tile(*sizes), Wanted(oracle.tile(values, sizes), "float32"))


@check("indexing.flip")
def test_flip_takes_dimensions_in_a_row(subject: Subject) -> None:
    values = distinct("float32", (2, 3, 4))
    for dims in ((0,), (1, 2), (-1, 0), (0, 1, 2)):
        x = transposed(values, "float32").on(subject)
        same(f"x.flip{dims}", x.flip(*dims), Wanted(oracle.flip(values, dims), "float32"))


@check("indexing.repeat-interleave")
def test_repeat_interleave_of_counts_alone_gives_places(subject: Subject) -> None:
    for counts in ([1, 2, 0, 3], [0], [5], [2] * 17):
        for layout in (contiguous, stepped):
            given = layout(np.array(counts), "int64").on(subject)
            wanted = np.repeat(np.arange(len(counts)), counts)
            same(f"torch.repeat_interleave(tensor({counts}))", torch.repeat_interleave(given), Wanted(wanted, "int64"))
            x = contiguous(distinct("float32", (len(counts),)), "float32").on(subject)
            out = torch.repeat_interleave(x, given, output_size=int(np.sum(counts)))
            same(
                "repeat_interleave with output_size=",
                out,
                Wanted(distinct("float32", (len(counts),))[wanted], "float32"),
            )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("cat", marks=check("indexing.cat-along-dim")),
        *(pytest.param(name, marks=check(f"indexing.{name}")) for name in ("stack", "hstack", "vstack")),
    ],
)
def test_joining_many_parts(subject: Subject, name: str) -> None:
    law = {"cat": np.concatenate, "stack": np.stack, "hstack": np.hstack, "vstack": np.vstack}[name]
    for count in (33, 70, 130):
        for layout in (contiguous, stepped):
            parts = [distinct("float32", (2, 3)) + 10 * place for place in range(count)]
            found = getattr(torch, name)([layout(part, "float32").on(subject) for part in parts])
            same(f"torch.{name} of {count} tensors", found, Wanted(law(parts), "float32"))


@check("indexing.cat-promotes")
def test_joining_different_dtypes_promotes_them(subject: Subject) -> None:
    pairs = [
        ("int64", "float32", "float32"),
        ("float32", "float64", "float64"),
        ("int32", "int64", "int64"),
        ("bool", "uint8", "uint8"),
        ("uint8", "int8", "int16"),
        ("float16", "float32", "float32"),
        ("float32", "complex64", "complex64"),
        ("bool", "float32", "float32"),
    ]
    for a, b, wanted in pairs:
        for one, two in ((a, b), (b, a)):
            parts = [contiguous(rows.small(one)[:3], one), contiguous(rows.small(two)[:4], two)]
            values = np.concatenate([part.array.astype(DTYPES[wanted].host) for part in parts])
            given = make(subject, parts)
            same(f"torch.cat([{one}, {two}])", torch.cat(given), Wanted(values, wanted))
            parts[1] = contiguous(rows.small(two)[:3], two)
            values = np.stack([part.array.astype(DTYPES[wanted].host) for part in parts])
            same(f"torch.stack([{one}, {two}])", torch.stack(make(subject, parts)), Wanted(values, wanted))


@check("indexing.cat-keywords")
def test_the_arguments_of_cat_are_tensors_and_dim(subject: Subject) -> None:
    parts = [contiguous(distinct("float32", (2, 3)), "float32").on(subject)] * 2
    wanted = Wanted(np.concatenate([distinct("float32", (2, 3))] * 2, 1), "float32")
    same("torch.cat(tensors=…, dim=1)", torch.cat(tensors=parts, dim=1), wanted)
    same("torch.cat(tuple, axis=1)", torch.cat(tuple(parts), axis=1), wanted)
    assert_raises("torch.cat(…, dimension=1)", TypeError, lambda: torch.cat(parts, dimension=1))
    assert_raises("torch.cat(inputs=…)", TypeError, lambda: torch.cat(inputs=parts))


@check("indexing.stack-out")
def test_stack_writes_to_out(subject: Subject) -> None:
    for dtype in ("float32", "int64", "bool", "float16"):
        parts = [
            stepped(cycle(interesting(dtype), (3, 4)), dtype),
            transposed(cycle(interesting(dtype)[::-1], (3, 4)), dtype),
        ]
        for dim in (0, 1, 2, -1):
            wanted = np.stack([part.array for part in parts], dim)
            call = Invocation("stack", (parts, dim), (Wanted(wanted, dtype),))
            answer(subject, call, ("out", "out_stepped", "out_empty"))


@check("indexing.stack")
def test_the_list_of_stack_is_called_tensors(subject: Subject) -> None:
    parts = [contiguous(distinct("float32", (3,)), "float32").on(subject)] * 2
    wanted = Wanted(np.stack([distinct("float32", (3,))] * 2, 1), "float32")
    same("torch.stack(tensors=…, dim=1)", torch.stack(tensors=parts, dim=1), wanted)
    assert_raises("torch.stack(seq=…)", TypeError, lambda: torch.stack(seq=parts))


@check("indexing.narrow-keyword")
def test_the_second_argument_of_narrow_is_dim(subject: Subject) -> None:
    x = contiguous(distinct("float32", (3, 4)), "float32").on(subject)
    out = torch.narrow(x, dim=1, start=1, length=2)
    same(
        "torch.narrow(x, dim=1, start=1, length=2)", out, Wanted(distinct("float32", (3, 4))[:, 1:3].copy(), "float32")
    )
    assert_raises("torch.narrow(x, dimension=1, …)", TypeError, lambda: torch.narrow(x, dimension=1, start=0, length=2))


@check("indexing.narrow")
def test_narrow_takes_its_start_as_a_tensor(subject: Subject) -> None:
    values = distinct("float32", (3, 7))
    for start in (0, 2, -3):
        x = transposed(values, "float32").on(subject)
        given = host.tensor(np.array(start), "int64", subject.device)
        wanted = oracle.narrow(values, 1, start, 3).copy()
        same(f"torch.narrow(x, 1, tensor({start}), 3)", torch.narrow(x, 1, given, 3), Wanted(wanted, "float32"))


@check("indexing.non-zero-name")
def test_there_is_no_non_zero(subject: Subject) -> None:
    require(not hasattr(torch, "non_zero"), "torch has a function non_zero")
    x = contiguous(np.array([0.0, 3.0]), "float32").on(subject)
    require(not hasattr(x, "non_zero"), "tensors have a method non_zero")
    same("torch.nonzero(x)", torch.nonzero(x), Wanted(np.array([[1]]), "int64"))


@check("indexing.triangles")
def test_triangles_of_a_batch_that_is_spread_out(subject: Subject) -> None:
    values = cycle(interesting("float64"), (2, 3, 4, 5))
    for name, law in (("tril", oracle.tril), ("triu", oracle.triu)):
        for order in ((1, 0, 2, 3), (3, 2, 1, 0), (0, 2, 1, 3)):
            x = contiguous(values.transpose(np.argsort(order)), "float64").on(subject).permute(order)
            same(f"torch.{name}(permuted)", getattr(torch, name)(x, 1), Wanted(law(values, 1), "float64"))
            getattr(x, f"{name}_")(1)
            same(f"x.{name}_(1), permuted", x, Wanted(law(values, 1), "float64"))


@check("indexing.copies-share-nothing")
def test_what_is_new_shares_nothing_with_its_input(subject: Subject) -> None:
    values = distinct("float32", (4, 4))
    calls = {
        "torch.cat([x])": lambda x: torch.cat([x]),
        "torch.stack([x])": lambda x: torch.stack([x]),
        "torch.flip(x, (0,))": lambda x: torch.flip(x, (0,)),
        "torch.roll(x, 0)": lambda x: torch.roll(x, 0),
        "torch.rot90(x, 0)": lambda x: torch.rot90(x, 0),
        "torch.rot90(x, 4)": lambda x: torch.rot90(x, 4),
        "x.repeat(1, 1)": lambda x: x.repeat(1, 1),
        "torch.tile(x, (1,))": lambda x: torch.tile(x, (1,)),
        "x.repeat_interleave(1)": lambda x: x.repeat_interleave(1),
        "torch.tril(x, 9)": lambda x: torch.tril(x, 9),
        "torch.sort(x).values": lambda x: torch.sort(x).values,
        "torch.hstack([x])": lambda x: torch.hstack([x]),
        "torch.where(x == x, x, x)": lambda x: torch.where(x == x, x, x),
        "torch.narrow_copy": lambda x: x.narrow_copy(0, 0, 4),
        "torch.flip(x, ())": lambda x: torch.flip(x, ()),
        "x.roll(4, 0)": lambda x: x.roll(4, 0),
    }
    for text, call in calls.items():
        for layout in DENSE:
            x = LAYOUTS[layout](values, "float32").on(subject)
            call(x).fill_(-1)
            same(f"x after writing to {text}, {layout}", x, Wanted(values, "float32"))


@check("indexing.every-dtype")
def test_moving_elements_keeps_every_bit(subject: Subject) -> None:
    for dtype in COMMON:
        values = cycle(interesting(dtype), (3, 17))
        recipe = transposed(values, dtype)
        calls = {
            "x[1]": (lambda x: x[1], values[1]),
            "x[:, ::2]": (lambda x: x[:, ::2], values[:, ::2]),
            "torch.cat([x, x], 1)": (lambda x: torch.cat([x, x], 1), np.concatenate([values] * 2, 1)),
            "x.flip(1)": (lambda x: x.flip(1), values[:, ::-1]),
            "x.roll(5, 1)": (lambda x: x.roll(5, 1), np.roll(values, 5, 1)),
        }
        for text, (call, wanted) in calls.items():
            found = host.bits(call(recipe.on(subject)))
            expected = host.bits(contiguous(wanted, dtype).on(subject))
            require(found.tobytes() == expected.tobytes(), f"{text} of {dtype} changes bits", expected, found)

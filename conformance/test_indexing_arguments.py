"""Arguments of indexing functions in other kinds: tensors for numbers, numbers for tensors, out=, and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.numerics import EXACT
from conformance.oracle import indexing_order as ranks
from conformance.subject import Subject
from conformance.tables.indexing_rows import mask
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, stepped, transposed
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer


@check("indexing.where-promotes", since="2.0")
def test_where_as_a_method_takes_numbers(subject: Subject) -> None:
    for dtype, numbers in (("float32", (-3, 2.5, True)), ("int64", (-3, 2**40)), ("float64", (0.1,))):
        values, chosen = cycle(interesting(dtype), (4, 5)), mask((4, 5))
        for number in numbers:
            for layout in DENSE:
                x, where = LAYOUTS[layout](values, dtype).on(subject), LAYOUTS[layout](chosen, "bool").on(subject)
                wanted = np.where(chosen, values, np.asarray(number).astype(values.dtype))
                same(f"x.where(c, {number}), x of {dtype}, {layout}", x.where(where, number), Wanted(wanted, dtype))
                wanted = np.where(chosen, np.asarray(number).astype(values.dtype), values)
                same(f"torch.where(c, {number}, x), {layout}", torch.where(where, number, x), Wanted(wanted, dtype))


@check("indexing.tensor-split")
def test_places_to_cut_at_may_be_a_tensor(subject: Subject) -> None:
    values = distinct("float32", (7, 4))
    for layout in DENSE:
        x = LAYOUTS[layout](values, "float32").on(subject)
        for places, dim in (((2, 5), 0), ((-3,), 0), ((1, 1, 9), 0), ((1, -1), 1), ((), 0)):
            cuts = torch.tensor(places, dtype=torch.int64)
            wanted = np.split(values, [p if p >= 0 else p + values.shape[dim] for p in places], dim)
            for given in (cuts, places, list(places)):
                _pieces(f"tensor_split(x, {given}, {dim}), {layout}", torch.tensor_split(x, given, dim), wanted)
                _pieces(f"x.tensor_split({given}, {dim}), {layout}", x.tensor_split(given, dim), wanted)
        for count in (1, 2, 3, 9):
            wanted = np.array_split(values, count)
            _pieces(f"tensor_split(x, tensor({count}))", torch.tensor_split(x, torch.tensor(count)), wanted)
            _pieces(f"tensor_split(x, sections={count})", torch.tensor_split(x, sections=count), wanted)
        _pieces("tensor_split(x, indices=(2, 5))", torch.tensor_split(x, indices=(2, 5)), np.split(values, [2, 5]))


@check("indexing.split")
def test_split_by_the_names_of_its_arguments(subject: Subject) -> None:
    values = distinct("float32", (7, 5))
    for layout in DENSE:
        x = LAYOUTS[layout](values, "float32").on(subject)
        for given, dim, cuts in ((3, 0, [3, 6]), ([1, 4, 2], 0, [1, 5]), ((2, 3), 1, [2]), ([0, 7], 0, [0])):
            wanted = np.split(values, cuts, dim)
            for text, parts in {
                "torch.split(x, …)": torch.split(x, given, dim),
                "torch.split(dim=…, split_size_or_sections=…)": torch.split(x, dim=dim, split_size_or_sections=given),
                "x.split(…)": x.split(given, dim),
                "x.split(dim=…, split_size=…)": x.split(dim=dim, split_size=given),
            }.items():
                _pieces(f"{text} with {given}, {dim}, {layout}", parts, wanted)


def _pieces(text: str, parts: Any, wanted: Any) -> None:
    require(isinstance(parts, tuple), f"{text} gives a {type(parts).__name__}", "tuple", type(parts).__name__)
    require(len(parts) == len(wanted), f"{text} gives {len(parts)} parts", len(wanted), len(parts))
    for part, due in zip(parts, wanted, strict=True):
        same(text, part, Wanted(due.copy(), "float32"))


@check("indexing.searchsorted-refused")
def test_what_searchsorted_refuses(subject: Subject) -> None:
    edges, values = np.sort(distinct("float32", (2, 5))), distinct("float32", (2, 3))
    e, v = (contiguous(a, "float32").on(subject) for a in (edges, values))
    order = torch.arange(5, device=subject.device).expand(2, 5).contiguous()
    before = Unchanged(edges=e, values=v, order=order)
    for text, action in {
        "side='left', right=True": lambda: torch.searchsorted(e, v, side="left", right=True),
        "side='middle'": lambda: torch.searchsorted(e, v, side="middle"),
        "side=''": lambda: torch.searchsorted(e, v, side=""),
        "three lines of values for two": lambda: torch.searchsorted(e, torch.ones(3, 3, device=subject.device)),
        "a vector of values for two lines": lambda: torch.searchsorted(e, v[0]),
        "edges without dimensions": lambda: torch.searchsorted(e[0, 0], v),
        "a sorter of another shape": lambda: torch.searchsorted(e, v, sorter=order[:, :4]),
        "a sorter of int32": lambda: torch.searchsorted(e, v, sorter=order.int()),
        "a sorter of floats": lambda: torch.searchsorted(e, v, sorter=e),
        "a number for two lines": lambda: torch.searchsorted(e, 1.0),
    }.items():
        assert_raises(f"torch.searchsorted with {text}", RuntimeError, action)
    assert_raises("torch.bucketize with a matrix of boundaries", RuntimeError, lambda: torch.bucketize(v, e))
    before.check("what searchsorted refuses")
    for out in (torch.searchsorted(e, v, side="right", right=True), torch.searchsorted(e, v, right=True)):
        wanted = ranks.searchsorted(edges, values, True).astype(np.int64)
        same("torch.searchsorted(edges, values, side='right', right=True)", out, Wanted(wanted, "int64"))


OUTS = ("plain", "stepped", "empty")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("msort", marks=check("indexing.msort")),
        pytest.param("bucketize", marks=check("indexing.bucketize")),
        pytest.param("histogram", marks=check("indexing.histogram")),
        pytest.param("argwhere", marks=check("indexing.argwhere")),
    ],
)
def test_results_that_go_elsewhere(subject: Subject, name: str) -> None:
    values = (np.arange(20).reshape(4, 5) * 7 % 20 / 2).astype(np.float32)
    edges = np.array([0, 1.5, 4, 10], np.float32)
    for turn, layout in enumerate((contiguous, transposed, stepped)):
        x, e = layout(values, "float32").on(subject), contiguous(edges, "float32").on(subject)
        if name == "argwhere":  # takes no out: of many dimensions and of one element instead
            _argwhere(subject, layout)
            continue
        for kind in OUTS:
            if name == "histogram":
                wanted = np.histogram(values, edges)[0].astype(np.float32)
                outs = (_out(subject, kind, (3,), "float32"), _out(subject, kind, (4,), "float32"))
                found = torch.histogram(x, e, out=outs)
                require(found[0] is outs[0] and found[1] is outs[1], "histogram(…, out=…) gives other tensors")
                same(f"torch.histogram(…, out={kind}).bin_edges", outs[1], Wanted(edges, "float32"))
                same(f"torch.histogram(…, out={kind}).hist", outs[0], Wanted(wanted, "float32", EXACT))
                continue
            call = (lambda out, x=x: torch.msort(x, out=out)) if name == "msort" else None
            call = call or (lambda out, x=x, e=e: torch.bucketize(x, e, out=out))
            wanted = np.sort(values, 0) if name == "msort" else np.searchsorted(edges, values)
            dtype = "float32" if name == "msort" else "int64"
            out = _out(subject, kind, (4, 5), dtype)
            require(call(out) is out, f"torch.{name}(…, out={kind}) gives another tensor")
            same(f"torch.{name}(…, out={kind}), layout {turn}", out, Wanted(wanted, dtype))


def _out(subject: Subject, kind: str, shape: tuple[int, ...], dtype: str) -> torch.Tensor:
    own = {"dtype": host.torch_dtype(dtype), "device": subject.device}
    if kind == "empty":
        return torch.empty(0, **own)
    wide = torch.full((*shape[:-1], shape[-1] * 2), 77, **own)
    return wide[..., ::2] if kind == "stepped" else torch.full(shape, 77, **own)


def _argwhere(subject: Subject, layout: Any) -> None:
    for shape in ((3, 4, 5), (2, 3, 2, 3), (2, 2, 2, 2, 2), (1, 1)):
        for dtype in ("bool", "float32", "complex64", "uint8"):
            values = (np.arange(int(np.prod(shape))).reshape(shape) % 3).astype("bool" if dtype == "bool" else dtype)
            found = torch.argwhere(layout(values, dtype).on(subject))
            same(f"torch.argwhere(<{dtype} {shape}>)", found, Wanted(np.argwhere(values), "int64"))


@check("indexing.triangles")
def test_triangles_need_two_dimensions(subject: Subject) -> None:
    for name in ("tril", "triu"):
        for shape in ((), (4,)):
            x = torch.ones(shape, device=subject.device)
            before = Unchanged(x=x)
            for text, action in {
                f"torch.{name}": lambda x=x, name=name: getattr(torch, name)(x),
                f"x.{name}": lambda x=x, name=name: getattr(x, name)(),
                f"x.{name}_": lambda x=x, name=name: getattr(x, f"{name}_")(),
            }.items():
                assert_raises(f"{text} of shape {shape}", (RuntimeError, IndexError), action)
            before.check(f"{name} of shape {shape}")

"""Searching in sorted values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, INTEGERS
from conformance.every_form import Invocation, answer
from conformance.oracle import indexing_order as oracle
from conformance.subject import Subject
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, stepped, transposed
from properties.strategies.values import cycle, interesting

pytestmark = must_answer

LONG = 40_003


SEARCHED = ("uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")


@check("indexing.searchsorted")
def test_searching_in_sorted_values(subject: Subject) -> None:
    turn = 0
    for dtype in SEARCHED:
        for edges_shape, shape in (
            ((5,), (17,)),
            ((9,), (3, 4)),
            ((4, 6), (4, 5)),
            ((2, 3, 4), (2, 3, 7)),
            ((33,), ()),
            ((1,), (3,)),
            ((0,), (3,)),
            ((3,), (0,)),
        ):
            edges = np.sort(cycle(interesting(dtype, finite=True), edges_shape), axis=-1)
            if not edges_shape[0]:
                edges = edges[:0]
            values = cycle(np.roll(interesting(dtype), turn), shape)
            for right in (False, True):
                for layout in list(DENSE)[turn % 2 :: 2]:
                    turn += 1
                    _searched(subject, LAYOUTS[layout](edges, dtype), LAYOUTS[layout](values, dtype), right, turn)


def _searched(subject: Subject, edges: Any, values: Any, right: bool, turn: int) -> None:
    wanted = oracle.searchsorted(edges.array, values.array, right)
    options: dict[str, Any] = {"right": True} if right and turn % 2 else {"side": "right"} if right else {}
    if turn % 3 == 0:
        options["out_int32"] = True
    kind = "int32" if "out_int32" in options else "int64"
    call = Invocation("searchsorted", (edges, values), (Wanted(wanted.astype(kind), kind),), options)
    answer(subject, call, ("function",))
    if turn % 5 == 0:
        answer(subject, call, ("out", "out_empty"))
    if len(edges.shape) == 1:
        options = {key: value for key, value in options.items() if key != "side"} | ({"right": True} if right else {})
        call = Invocation("bucketize", (values, edges), (Wanted(wanted.astype(kind), kind),), options)
        answer(subject, call, ("function",))


@check("indexing.searchsorted")
def test_searching_for_a_number_and_by_a_sorter(subject: Subject) -> None:
    edges = np.array([1.0, 3, 3, 5, 7])
    for layout in (contiguous, stepped):
        given = layout(edges, "float64")
        for value in (0.0, 1.0, 3.0, 4, 7.5):
            for right in (False, True):
                wanted = oracle.searchsorted(edges, np.array(value), right)
                out = torch.searchsorted(given.on(subject), value, right=right)
                same(f"torch.searchsorted(edges, {value}, right={right})", out, Wanted(wanted, "int64"))
        mixed = np.array([3, 0, 4, 1, 2])
        shuffled = np.empty(5)
        shuffled[mixed] = edges
        values = np.array([[2.0, 3.0], [8.0, -1.0]])
        options = {"sorter": contiguous(mixed, "int64").on(subject)}
        out = torch.searchsorted(
            layout(shuffled, "float64").on(subject), contiguous(values, "float64").on(subject), **options
        )
        same("torch.searchsorted(edges, values, sorter=…)", out, Wanted(oracle.searchsorted(edges, values), "int64"))


@check("indexing.bucketize")
def test_bucketize(subject: Subject) -> None:
    turn = 0
    for dtype in SEARCHED:
        edges = np.array([1, 3, 3, 5, 9]).astype(DTYPES[dtype].host)
        for shape in ((17,), (4, 5), (33,), (), (0,), (2, 3, 4)):
            values = (np.arange(int(np.prod(shape))).reshape(shape) % 11).astype(DTYPES[dtype].host)
            for right in (False, True):
                turn += 1
                layout = list(DENSE.values())[turn % len(DENSE)]
                kind = "int32" if turn % 3 == 0 else "int64"
                wanted = Wanted(oracle.searchsorted(edges, values, right).astype(kind), kind)
                given = (layout(values, dtype), (stepped if turn % 2 else contiguous)(edges, dtype))
                call = Invocation(
                    "bucketize",
                    given,
                    (wanted,),
                    {"right": right, "out_int32": kind == "int32"},
                    ("input", "boundaries"),
                )
                answer(subject, call, ("function", "keywords"))
    edges = contiguous(np.array([1.0, 3, 3]), "float32").on(subject)
    for value, right, wanted in ((3.0, False, 1), (3.0, True, 3), (0.5, True, 0)):
        out = torch.bucketize(value, edges, right=right)
        same(f"torch.bucketize({value}, edges, right={right})", out, Wanted(np.array(wanted), "int64"))


@check("indexing.bucketize")
def test_searching_for_many_values(subject: Subject) -> None:
    edges = np.arange(0, 50, 3).astype(np.float32)
    values = (np.arange(LONG) * 7 % 101).astype(np.float32) / 2
    for right in (False, True):
        wanted = Wanted(np.searchsorted(edges, values, "right" if right else "left"), "int64")
        out = torch.bucketize(
            stepped(values, "float32").on(subject), contiguous(edges, "float32").on(subject), right=right
        )
        same(f"torch.bucketize(<{LONG}>, edges, right={right})", out, wanted)


AMONG = (
    ((17,), (3,)),
    ((4, 5), (2, 2)),
    ((33,), (40,)),
    ((3, 4, 5), (1,)),
    ((5,), (0,)),
    ((0,), (3,)),
    ((), (3,)),
    ((2, 3), (200,)),
)


@check("indexing.isin")
def test_isin(subject: Subject) -> None:
    turn = 0
    for dtype in (*INTEGERS, "float32", "float64"):
        table = interesting(dtype, finite=True)
        for shape, other in AMONG:
            values, among = cycle(table, shape), cycle(np.roll(table, 9), other)
            for invert in (False, True):
                turn += 1
                layout = list(DENSE.values())[turn % len(DENSE)]
                wanted = (Wanted(oracle.isin(values, among, invert), "bool"),)
                given = (layout(values, dtype), (stepped if len(other) == 1 else contiguous)(among, dtype))
                call = Invocation("isin", given, wanted, {"invert": invert}, ("elements", "test_elements"))
                answer(subject, call, ("function", "keywords", "out")[turn % 3 :][:2])


@check("indexing.isin")
def test_isin_with_a_number_and_without_repetitions(subject: Subject) -> None:
    x = contiguous(np.array([1, 2, 3, 2]), "int64").on(subject)
    same("torch.isin(x, 2)", torch.isin(x, 2), Wanted(np.array([False, True, False, True]), "bool"))
    same("torch.isin(2, x)", torch.isin(2, x), Wanted(np.array(True), "bool"))
    same("torch.isin(5, x)", torch.isin(5, x), Wanted(np.array(False), "bool"))
    alone = contiguous(np.array([1, 2, 3, 9]), "int64").on(subject)
    other = contiguous(np.array([9, 2]), "int64").on(subject)
    out = torch.isin(alone, other, assume_unique=True)
    same("torch.isin(x, y, assume_unique=True)", out, Wanted(np.array([False, True, False, True]), "bool"))


@check("indexing.isin-strided")
def test_isin_takes_test_elements_of_any_layout(subject: Subject) -> None:
    values = np.arange(20).reshape(4, 5)
    for shape in ((2, 2), (3, 2), (20, 10)):
        among = np.arange(int(np.prod(shape))).reshape(shape) * 3
        for layout in (transposed, stepped):
            given = (contiguous(values, "int64"), layout(among, "int64"))
            answer(subject, Invocation("isin", given, (Wanted(oracle.isin(values, among), "bool"),)), ("function",))


@check("indexing.isin-nan", since="2.6")
def test_nan_is_in_nothing(subject: Subject) -> None:
    for count in (3, 200):
        values, among = np.array([1.0, np.nan, np.inf, 5.0]), np.resize([np.nan, 1.0, np.inf], count)
        for dtype in ("float32", "float64"):
            given = (stepped(values, dtype), contiguous(among, dtype))
            answer(subject, Invocation("isin", given, (Wanted(oracle.isin(values, among), "bool"),)), ("function",))

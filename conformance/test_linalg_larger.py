"""Products that are added, inner, Kronecker's, vector products and contractions of more than a few elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance import effort
from conformance.assertions import assert_values
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.every_form import Invocation, answer
from conformance.oracle import linalg as oracle
from conformance.subject import Subject
from conformance.tables.linalg_products import added, added_rows, drawn, product
from conformance.wanted import Wanted
from properties.strategies.recipe import LAYOUTS, Recipe

pytestmark = must_answer

# name: (shape of input, shapes of factors): beyond a vector register in every dimension.
ADDED: dict[str, tuple[tuple[int, ...], tuple[tuple[int, ...], tuple[int, ...]]]] = {
    "addmm": ((17, 19), ((17, 33), (33, 19))),
    "addmv": ((300,), ((300, 33), (33,))),
    "addr": ((33, 35), ((33,), (35,))),
    "addbmm": ((17, 19), ((3, 17, 9), (3, 9, 19))),
    "baddbmm": ((3, 17, 19), ((3, 17, 9), (3, 9, 19))),
}
# Of the input, and of both factors.
LAID = (
    ("contiguous", "transposed", "contiguous"),
    ("expanded", "contiguous", "stepped"),
    ("transposed", "stepped", "row_stepped"),
    ("row_stepped", "offset", "transposed"),
    ("stepped", "contiguous", "expanded"),
)
ADDED_ROWS = added_rows(
    ADDED, ("float32", "float64", "complex64", "complex128", "int64", "int32", "bfloat16", "float16")
)


@pytest.mark.parametrize("name, dtype", ADDED_ROWS)
def test_a_larger_product_is_added(subject: Subject, name: str, dtype: str) -> None:
    shape, factors = ADDED[name]
    whole = not DTYPES[dtype].is_inexact
    for turn, (own, left, right) in enumerate(LAID[:3] if effort.level() == "quick" else LAID):
        m = LAYOUTS[own](drawn(9 + turn, dtype, shape), dtype)
        a, b = (
            LAYOUTS[laid](drawn(turn, dtype, side), dtype) for laid, side in zip((left, right), factors, strict=True)
        )
        sum_of, size, k = added(name, a.array, b.array)
        beta, alpha = ((1, 1), (2, 3), (-1, 2))[turn % 3] if whole else ((1, 1), (0.5, 3), (-1, 0.25))[turn % 3]
        values = beta * oracle.wide(m.array) + alpha * sum_of
        scale = abs(beta) * np.abs(oracle.wide(m.array)) + abs(alpha) * size
        options = {} if turn % 3 == 0 else {"beta": beta, "alpha": alpha}
        forms = (
            "function",
            "method",
            *(() if own == "expanded" else ("inplace",)),
            "out_stepped" if turn % 2 else "out",
        )
        answer(subject, Invocation(name, (m, a, b), (product(values, scale, dtype, k, extra=6),), options), forms)


WHICH = ("float32", "float64", "complex64", "int64", "bfloat16")


def _laid(turn: int, dtype: str, *shapes: tuple[int, ...]) -> list[Recipe]:
    names = LAID[turn % len(LAID)]
    return [
        LAYOUTS[name](drawn(turn + n, dtype, shape), dtype)
        for n, (name, shape) in enumerate(zip(names, shapes, strict=False))
    ]


@pytest.mark.parametrize("dtype", [pytest.param(dtype, marks=check("linalg.inner")) for dtype in WHICH])
def test_larger_inner_products(subject: Subject, dtype: str) -> None:
    for turn in range(5):
        for left, right in (((18, 33), (19, 33)), ((2, 9, 5), (3, 5)), ((5,), (4, 2, 5)), ((70,), (70,))):
            a, b = _laid(turn, dtype, left, right)
            values = np.tensordot(oracle.wide(a.array), oracle.wide(b.array), (-1, -1))
            scale = np.tensordot(np.abs(oracle.wide(a.array)), np.abs(oracle.wide(b.array)), (-1, -1))
            wanted = product(values, scale, dtype, left[-1])
            answer(subject, Invocation("inner", (a, b), (wanted,)), ("function", "method", "out_empty"))


@pytest.mark.parametrize("dtype", [pytest.param(dtype, marks=check("linalg.kron")) for dtype in WHICH])
def test_larger_kronecker_products(subject: Subject, dtype: str) -> None:
    for left, right in (
        ((5, 4), (6, 7)),
        ((33,), (5,)),
        ((2, 3, 3), (3, 2)),
        ((4,), (9, 2)),
        ((), (17, 2)),
        ((6, 6), ()),
    ):
        for layout in ("contiguous", "offset"):
            a, b = LAYOUTS[layout](drawn(1, dtype, left), dtype), LAYOUTS[layout](drawn(2, dtype, right), dtype)
            values = np.kron(oracle.wide(a.array), oracle.wide(b.array))
            wanted = product(values, np.abs(values), dtype, 1)
            answer(subject, Invocation("kron", (a, b), (wanted,)), ("function", "method"))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int64", "int32"])
@check("linalg.cross")
def test_larger_vector_products(subject: Subject, dtype: str) -> None:
    for turn, (shape, dim) in enumerate(
        (((600, 3), 1), ((3, 700), 0), ((2, 3, 5, 4, 6), 1), ((4, 2, 3, 5), -2), ((3,), 0))
    ):
        for more in range(3):
            a, b = _laid(turn + more, dtype, shape, shape)
            values = oracle.cross(a.array, b.array, dim)
            wanted = product(values, 8.0 if DTYPES[dtype].is_inexact else None, dtype, 3)
            call = Invocation("cross", (a, b), (wanted,), {"dim": dim})
            answer(subject, call, ("function", "method", "out_stepped"))
            answer(subject, Invocation("linalg.cross", (a, b), (wanted,), {"dim": dim}), ("function",))


EQUATIONS = (
    "ij,jk->ik",
    "ij,ij->j",
    "i,j->ij",
    "bij,bjk->bik",
    "...ij,jk->...ik",
    "ijk,kl->ijl",
    "ij,jk,kl->il",
    "ijk->kij",
)
SIDES = {"i": 7, "j": 19, "k": 18, "l": 3, "b": 4}


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex64", "int64"])
@check("linalg.einsum")
def test_larger_sums_by_einsum(subject: Subject, dtype: str) -> None:
    for turn, equation in enumerate(EQUATIONS):
        terms = equation.partition("->")[0].replace("...", "b").split(",")
        given = _laid(turn, dtype, *(tuple(SIDES[index] for index in term) for term in terms))
        arrays = [oracle.wide(x.array) for x in given]
        wanted = product(np.einsum(equation, *arrays), np.einsum(equation, *map(np.abs, arrays)), dtype, 400)
        out = torch.einsum(equation, *(x.on(subject) for x in given))
        text = f"einsum({equation!r}) of {LAID[turn % len(LAID)]} {dtype}"
        assert_values(text, out, wanted.values, wanted.error, wanted.scale, dtype=dtype)


CONTRACTED: tuple[tuple[tuple[int, ...], tuple[int, ...], Any], ...] = (
    ((9, 4, 5), (4, 9, 7), ([1, 0], [0, 1])),
    ((3, 4, 5, 6), (5, 6, 2), 2),
    ((17, 33), (33, 18), 1),
    ((2, 3, 2), (7, 3), 0),
    ((5, 17, 4), (4, 3, 17), ([-2], [2])),
    ((6, 7), (6, 7), ([0, 1], [0, 1])),
)


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex64", "complex128", "int64"])
@check("linalg.tensordot")
def test_larger_contractions(subject: Subject, dtype: str) -> None:
    for turn, (left, right, dims) in enumerate(CONTRACTED):
        for more in range(2):
            a, b = _laid(turn + more, dtype, left, right)
            one, two = oracle.wide(a.array), oracle.wide(b.array)
            wanted = product(np.tensordot(one, two, dims), np.tensordot(abs(one), abs(two), dims), dtype, 100)
            for text, out in (
                ("tensordot", torch.tensordot(a.on(subject), b.on(subject), dims=dims)),
                ("tensordot, dims by position", torch.tensordot(a.on(subject), b.on(subject), dims)),
            ):
                text = f"{text} of {dtype} {left} and {right} over {dims}"
                assert_values(text, out, wanted.values, wanted.error, wanted.scale, dtype=dtype)


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"linalg.{name}")) for name in ("triu", "tril")])
def test_what_is_no_number_goes_with_its_triangle(subject: Subject, name: str) -> None:
    """NaN, infinities and -0 stay where they are kept, and become 0 where they are not."""
    table = np.array([np.nan, np.inf, -np.inf, 1.0, -0.0, 2.5, np.nan])
    for turn, shape in enumerate(((5, 7), (2, 4, 3), (2, 3, 2, 5, 4), (34, 37), (1, 9))):
        for more, dtype in enumerate(("float64", "float32", "float16", "complex64")):
            layout = ("contiguous", "transposed", "row_stepped", "stepped")[(turn + more) % 4]
            x = LAYOUTS[layout](np.resize(table, shape), dtype)
            for offset in (0, 1, -2):
                values = oracle.triangle(x.array, offset, upper=name == "triu")
                call = Invocation(name, (x, offset), (Wanted(values, dtype),))
                answer(subject, call, ("function", "method", "inplace", "out_stepped"))

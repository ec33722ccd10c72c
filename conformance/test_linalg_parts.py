"""Diagonals, triangles and traces: exact in every dtype, layout and offset."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, assert_values, assert_view
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.every_form import Invocation, Wanted, answer
from conformance.numerics import SUMMED
from conformance.oracle import linalg as oracle
from properties.strategies.recipe import LAYOUTS, contiguous, layouts
from properties.strategies.values import distinct, interesting

pytestmark = must_answer

MATRICES = ((3, 4), (4, 3), (1, 1), (0, 3), (3, 0), (1, 5), (17, 33), (2, 3, 4), (2, 2, 3, 3), (40, 40))
OFFSETS = (0, 1, -1, 2, -2, 5, -5)


@pytest.mark.parametrize("dtype", COMMON)
@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"linalg.{name}")) for name in ("triu", "tril")])
def test_a_triangle_keeps_one_side(subject, name, dtype):
    for shape in MATRICES:
        for turn, recipe in enumerate(layouts(distinct(dtype, shape), dtype, LAYOUTS)):
            for offset in OFFSETS if turn < 2 else (0, 1, -1):
                wanted = Wanted(oracle.triangle(recipe.array, offset, upper=name == "triu"), dtype, signed_zeros=False)
                forms = ["function", "method"]
                forms += ["inplace"] if not recipe.is_overlapping else []
                forms += ["keywords", "out", "out_stepped", "out_empty"] if shape == (3, 4) and offset == 1 else []
                named = ("input",) if "keywords" in forms else ()
                answer(
                    subject,
                    Invocation(name, (recipe,), (wanted,), {"diagonal": offset} if offset or turn else {}, named),
                    forms,
                )


@check("linalg.triangle-offset")
@pytest.mark.parametrize("name", ["triu", "tril"])
def test_an_offset_moves_the_boundary(subject, name):
    """Also given by position, beyond the matrix, and with NaN outside, which is not multiplied but replaced."""
    for shape in ((4, 4), (5, 3), (2, 3, 3), (19, 23)):
        for offset in range(-6, 7):
            for dtype in ("float32", "int64"):
                recipe = LAYOUTS["transposed"](distinct(dtype, shape), dtype)
                wanted = Wanted(oracle.triangle(recipe.array, offset, upper=name == "triu"), dtype)
                answer(subject, Invocation(name, (recipe, offset), (wanted,)), ("function", "method", "inplace"))
    bad = contiguous(np.where(np.eye(4), 2.0, np.nan), "float32")
    for offset in (-5, 5):
        everything = (name == "triu") == (offset < 0)
        wanted = Wanted(bad.array if everything else np.zeros((4, 4)), "float32")
        answer(subject, Invocation(name, (bad, offset), (wanted,)), ("function", "method", "inplace"))


@check("linalg.triu")
def test_triangles_need_a_matrix(subject):
    x = torch.ones(3, device=subject.device)
    for name in ("triu", "tril"):
        assert_raises(f"{name} of one dimension", (RuntimeError, IndexError), lambda name=name: getattr(torch, name)(x))


# float16 diagonals are not implemented on the CPU before 2.0.
DIAG_ROWS = [
    pytest.param(dtype, marks=check("linalg.diag", since="2.0" if dtype == "float16" else None)) for dtype in COMMON
]


@pytest.mark.parametrize("dtype", DIAG_ROWS)
def test_diag_takes_a_diagonal_or_makes_a_matrix(subject, dtype):
    for shape in ((3, 4), (4, 3), (1, 1), (1, 5), (17, 33)):
        for recipe in layouts(distinct(dtype, shape), dtype, LAYOUTS):
            for offset in (0, 1, -1, 2):
                if not -shape[0] <= offset <= shape[1]:
                    continue
                wanted = Wanted(oracle.diagonal(recipe.array, offset), dtype)
                answer(
                    subject,
                    Invocation("diag", (recipe,), (wanted,), {"diagonal": offset} if offset else {}, fresh=False),
                    ("function", "method"),
                )
    for size in (1, 3, 17, 0):
        for recipe in layouts(distinct(dtype, (size,)), dtype, LAYOUTS):
            for offset in (0, 1, -1, 3):
                wanted = Wanted(oracle.diagonal_matrix(recipe.array, offset), dtype)
                answer(
                    subject,
                    Invocation("diag", (recipe,), (wanted,), {"diagonal": offset} if offset else {}),
                    ("function", "method"),
                )
    assert_raises(
        "diag of three dimensions", RuntimeError, lambda: torch.diag(torch.ones(2, 2, 2, device=subject.device))
    )


@check("linalg.trace")
@pytest.mark.parametrize("dtype", [d for d in COMMON if d not in ("float16", "bfloat16", "bool")])
def test_trace_sums_the_diagonal(subject, dtype):
    result = "int64" if DTYPES[dtype].kind in ("int", "uint") else dtype
    for shape in ((3, 4), (4, 3), (1, 1), (17, 33), (0, 0), (40, 40)):
        for recipe in layouts(distinct(dtype, shape), dtype, LAYOUTS):
            diagonal = oracle.wide(oracle.diagonal(recipe.array))
            wanted = Wanted(
                np.asarray(diagonal.sum()),
                result,
                SUMMED.over(max(shape[0], 1)),
                np.abs(diagonal).sum(),
                signed_zeros=False,
            )
            answer(
                subject,
                Invocation("trace", (recipe,), (wanted,), keywords=("input",)),
                ("function", "method", "keywords"),
            )
    for bad in ((3,), (2, 2, 2), ()):
        assert_raises(
            f"trace of shape {bad}", RuntimeError, lambda bad=bad: torch.trace(torch.ones(bad, device=subject.device))
        )


@check("linalg.t")
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "complex64"])
def test_t_swaps_the_two_dimensions(subject, dtype):
    for shape in ((3, 4), (1, 5), (0, 3), (17, 33)):
        for recipe in layouts(distinct(dtype, shape), dtype, LAYOUTS):
            x = recipe.on(subject)
            for call, out in (("t(x)", torch.t(x)), ("x.t()", x.t()), ("x.T", x.T), ("x.mT", x.mT)):
                assert_values(call, out, recipe.array.T, dtype=dtype)
                assert_view(call, out, x, 0, recipe.strides[::-1])
            answer(subject, Invocation("t", (recipe,), (Wanted(recipe.array.T, dtype),), fresh=False), ("inplace",))
    for shape in ((), (4,)):
        recipe = contiguous(distinct(dtype, shape), dtype)
        x = recipe.on(subject)
        assert_values("t of fewer than two dimensions", x.t(), recipe.array, dtype=dtype)
        assert_view("t of fewer than two dimensions", x.t(), x, 0, recipe.strides)
    assert_raises("t of three dimensions", RuntimeError, lambda: torch.ones(2, 2, 2, device=subject.device).t())


@check("linalg.diag")
def test_diag_keeps_special_values(subject):
    for dtype in ("float32", "float64", "complex64"):
        values = interesting(dtype)
        recipe = contiguous(values, dtype)
        made = oracle.diagonal_matrix(values)
        answer(subject, Invocation("diag", (recipe,), (Wanted(made, dtype),)), ("function",))
        answer(
            subject,
            Invocation("diag", (contiguous(made, dtype),), (Wanted(values, dtype),), fresh=False),
            ("function",),
        )

"""Products that are added to a tensor: addmm and its family."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.every_form import Invocation, answer
from conformance.oracle import linalg as oracle
from conformance.tables.linalg_products import LAYOUT_NAMES, added, added_rows, drawn, pairs, product
from properties.strategies.recipe import LAYOUTS, contiguous

pytestmark = must_answer


# name: (shape of input, shapes of factors, how many are summed)
ADDED = {
    "addmm": ((3, 5), ((3, 4), (4, 5))),
    "addmv": ((3,), ((3, 4), (4,))),
    "addr": ((3, 5), ((3,), (5,))),
    "addbmm": ((3, 5), ((2, 3, 4), (2, 4, 5))),
    "baddbmm": ((2, 3, 5), ((2, 3, 4), (2, 4, 5))),
}
ADDED_KEYWORDS = {
    "addmm": ("input", "mat1", "mat2"),
    "addmv": ("input", "mat", "vec"),
    "addr": ("input", "vec1", "vec2"),
    "addbmm": ("input", "batch1", "batch2"),
    "baddbmm": ("input", "batch1", "batch2"),
}
ADDED_ROWS = added_rows(ADDED, ("float32", "float64", "complex64", "complex128", "int64", "bfloat16", "float16"))


@pytest.mark.parametrize("name, dtype", ADDED_ROWS)
def test_a_product_is_added(subject, name, dtype):
    shape, (left, right) = ADDED[name]
    whole = not DTYPES[dtype].is_inexact
    for turn, (a, b) in enumerate(pairs(dtype, left, right)):
        for beta, alpha in ((1, 1), (2, 3), (1, 0), (-1, 2)) if whole else ((1, 1), (0.5, 3), (1, 0), (-1, 0.25)):
            sum_of, size, k = added(name, a.array, b.array)
            for given in (shape, shape[1:], tuple(1 for _ in shape)) if turn < 2 else (shape,):
                m = LAYOUTS[LAYOUT_NAMES[turn % 5]](drawn(9, dtype, given), dtype)
                values = beta * oracle.wide(m.array) + alpha * sum_of
                wanted = product(
                    values, abs(beta) * np.abs(m.array.astype(complex)).real + abs(alpha) * size, dtype, k, extra=6
                )
                forms = ["function", "method"] + (["keywords", "out", "out_stepped"] if turn == 0 else [])
                forms += ["inplace"] if given == shape else []
                options = {key: value for key, value in (("beta", beta), ("alpha", alpha)) if value != 1}
                answer(subject, Invocation(name, (m, a, b), (wanted,), options, ADDED_KEYWORDS[name]), forms)


# baddbmm reads memory that it did not write where beta is 0, before 2.1.
ZERO_ROWS = [pytest.param(name, marks=check(f"linalg.{name}")) for name in ADDED if name != "baddbmm"]
ZERO_ROWS.append(pytest.param("baddbmm", marks=check("linalg.badbmm-name", since="2.3")))


@pytest.mark.parametrize("name", ZERO_ROWS)
def test_beta_zero_ignores_the_input(subject, name):
    """NaN and infinities in an input that counts nothing do not show."""
    shape, (left, right) = ADDED[name]
    for dtype in ("float32", "float64"):
        a, b = drawn(1, dtype, left), drawn(2, dtype, right)
        sum_of, size, k = added(name, a, b)
        wanted = product(sum_of, size, dtype, k, extra=4)
        for bad in (np.nan, np.inf, 3.0):
            m = contiguous(np.full(shape, bad), dtype)
            answer(
                subject,
                Invocation(name, (m, contiguous(a, dtype), contiguous(b, dtype)), (wanted,), {"beta": 0}),
                ("function", "method", "inplace", "out"),
            )


@check("linalg.badbmm-name")
def test_there_is_no_badbmm(subject):
    require(not hasattr(torch, "badbmm") and not hasattr(torch.Tensor, "badbmm"), "there is a badbmm")

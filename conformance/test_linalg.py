"""Products of matrices and vectors of every rank."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, assert_values
from conformance.check import check, must_answer
from conformance.every_form import Invocation, answer
from conformance.oracle import linalg as oracle
from conformance.tables.linalg_products import KEYWORDS, drawn, pairs, product, rows
from properties.strategies.recipe import LAYOUTS, contiguous

pytestmark = must_answer
FORMS = ("function", "method", "keywords", "out", "out_stepped", "out_empty")
# (m, k, n): empty, single, around a vector register, and beyond a block of a kernel.
SIZES = ((3, 4, 5), (1, 1, 1), (0, 3, 2), (3, 0, 2), (2, 3, 0), (1, 7, 1), (17, 33, 19), (5, 65, 16), (64, 70, 33))


def shapes_of(name, m, k, n):
    if name == "mm":
        return (m, k), (k, n)
    if name == "mv":
        return (m, k), (k,)
    return ((2, m, k), (2, k, n)) if name == "bmm" else ((k,), (k,))


@pytest.mark.parametrize("name, dtype", rows(None, "mm", "mv", "bmm", "dot"))
def test_a_product_is_its_sums(subject, name, dtype):
    for turn, (m, k, n) in enumerate(SIZES):
        left, right = shapes_of(name, m, k, n)
        for a, b in pairs(dtype, left, right, seed=turn * 10):
            wanted = product(oracle.matmul(a.array, b.array), oracle.scale(a.array, b.array), dtype, k)
            forms = FORMS if (m, k, n) in ((3, 4, 5), (3, 0, 2)) else ("function",)
            answer(subject, Invocation(name, (a, b), (wanted,), keywords=KEYWORDS[name]), forms)


RANKS = (
    ((4,), (4,)),
    ((4,), (4, 3)),
    ((3, 4), (4,)),
    ((3, 4), (4, 5)),
    ((2, 3, 4), (4,)),
    ((4,), (2, 4, 3)),
    ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)),
    ((2, 3, 4), (2, 4, 5)),
    ((1, 3, 4), (6, 4, 5)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((2, 5, 3, 4), (2, 5, 4, 2)),
    ((2, 1, 3, 4), (1, 5, 4, 2)),
    ((0, 3, 4), (4, 5)),
    ((2, 3, 0), (0, 5)),
    ((17, 33), (33,)),
    ((3, 17, 18), (18, 19)),
    ((2, 3, 1, 40), (40, 1)),
    ((5, 2, 2), (5, 2, 1)),
    ((3, 1, 1), (3, 1, 1)),
)


MATMUL_FORMS = ("function", "method", "keywords", "out_empty")


@pytest.mark.parametrize("name, dtype", rows("linalg.matmul-out", "matmul"))
def test_matmul_into_a_tensor_of_any_layout(subject, name, dtype):
    for left, right in RANKS[:13]:
        for a, b in list(pairs(dtype, left, right))[:3]:
            wanted = product(oracle.matmul(a.array, b.array), oracle.scale(a.array, b.array), dtype, a.shape[-1])
            answer(subject, Invocation("matmul", (a, b), (wanted,)), ("out", "out_stepped"))


@pytest.mark.parametrize("name, dtype", rows(None, "matmul"))
def test_matmul_of_every_rank(subject, name, dtype):
    for turn, (left, right) in enumerate(RANKS):
        for a, b in pairs(dtype, left, right, seed=turn * 10):
            wanted = product(oracle.matmul(a.array, b.array), oracle.scale(a.array, b.array), dtype, a.shape[-1])
            forms = MATMUL_FORMS if turn < 13 and a.is_contiguous else ("function",)
            answer(subject, Invocation("matmul", (a, b), (wanted,), keywords=KEYWORDS["matmul"]), forms)
            x, y = a.on(subject), b.on(subject)
            assert_values(
                f"<{dtype} {left}> @ <{right}>", x @ y, wanted.values, wanted.error, wanted.scale, dtype=dtype
            )


@pytest.mark.parametrize("name, dtype", rows("linalg.outer", "outer"))
def test_outer_products(subject, name, dtype):
    for m, n in ((3, 4), (1, 1), (0, 3), (17, 33)):
        for a, b in pairs(dtype, (m,), (n,)):
            wanted = product(oracle.outer(a.array, b.array), np.abs(oracle.outer(a.array, b.array)), dtype, 1)
            answer(subject, Invocation("outer", (a, b), (wanted,), keywords=KEYWORDS["outer"]), FORMS)
            answer(subject, Invocation("ger", (a, b), (wanted,)), ("function", "method"))


@pytest.mark.parametrize("dtype", [pytest.param(d, marks=check("linalg.matmul")) for d in ("complex64", "complex128")])
def test_products_of_conjugate_views(subject, dtype):
    """A lazily conjugated or transposed operand counts as what it stands for."""
    a, b = drawn(1, dtype, (17, 5)), drawn(2, dtype, (5, 19))
    x, y = contiguous(a, dtype).on(subject), contiguous(b, dtype).on(subject)
    plain = {
        "x.conj() @ y": (x.conj(), y, a.conj(), b),
        "x @ y.conj()": (x, y.conj(), a, b.conj()),
        "y.mH @ x.mH": (y.mH, x.mH, b.conj().T, a.conj().T),
        "y.mT @ x.mH": (y.mT, x.mH, b.T, a.conj().T),
        "x.conj() @ y.conj()": (x.conj(), y.conj(), a.conj(), b.conj()),
    }
    for call, (left, right, m, n) in plain.items():
        wanted = product(oracle.matmul(m, n), oracle.scale(m, n), dtype, m.shape[1])
        for text, out in ((call, left @ right), (f"mm of {call}", torch.mm(left, right))):
            assert_values(text, out, wanted.values, wanted.error, wanted.scale, dtype=dtype)


@check("linalg.matmul")
def test_products_of_larger_matrices(subject):
    """Beyond the blocks and the parallel grain of a kernel, and again with other data of the same size."""
    for dtype in ("float32", "float64", "bfloat16", "int64"):
        for seed in (1, 2):
            a, b = drawn(seed, dtype, (150, 257)), drawn(seed + 5, dtype, (257, 131))
            if dtype == "int64":
                values = a.astype(np.int64) @ b.astype(np.int64)
            else:
                values = a.astype(np.float64) @ b.astype(np.float64)
            size = np.abs(a.astype(np.float64)) @ np.abs(b.astype(np.float64))
            wanted = product(values, size, dtype, 257)
            for left, right in (
                (contiguous(a, dtype), contiguous(b, dtype)),
                (LAYOUTS["transposed"](a, dtype), LAYOUTS["row_stepped"](b, dtype)),
            ):
                answer(subject, Invocation("mm", (left, right), (wanted,)), ("function",))
                answer(subject, Invocation("matmul", (left, right), (wanted,)), ("function",))


@check("linalg.matmul")
def test_non_finite_values_go_through_products(subject):
    for dtype in ("float32", "float64"):
        a = np.array([[1.0, np.inf, 0.0], [np.nan, 1.0, 2.0], [-np.inf, np.inf, 1.0], [1.0, 2.0, 3.0]])
        b = np.array([[1.0, 2.0], [1.0, 0.0], [1.0, -1.0]])
        with np.errstate(invalid="ignore"):
            values = np.array([[sum(a[i, k] * b[k, j] for k in range(3)) for j in range(2)] for i in range(4)])
        x, y = contiguous(a, dtype).on(subject), contiguous(b, dtype).on(subject)
        for call, out in (
            ("mm", torch.mm(x, y)),
            ("matmul", torch.matmul(x, y)),
            ("bmm", torch.bmm(x[None], y[None])[0]),
        ):
            assert_values(f"{call} with NaN and infinities", out, values)


BAD = {
    "linalg.mm": ("mm", ((2, 3), (4, 5)), ((2, 3, 4), (4, 5)), ((3,), (3, 2)), ((1, 2, 3), (1, 3, 2))),
    "linalg.bmm": ("bmm", ((2, 3, 4), (3, 4, 5)), ((1, 3, 4), (2, 4, 5)), ((3, 4), (4, 5)), ((2, 3, 4), (2, 5, 4))),
    "linalg.dot": ("dot", ((3,), (4,)), ((2, 3), (2, 3)), ((1, 3), (3,)), ((1,), (3,))),
    "linalg.mv": ("mv", ((2, 3), (2,)), ((3,), (3,)), ((2, 3), (3, 1))),
    "linalg.matmul": ("matmul", ((2, 3), (4, 5)), ((), (3,)), ((3,), (4,)), ((2, 3, 4), (3, 4, 5))),
    "linalg.outer": ("outer", ((2, 3), (3,)), ((3,), (3, 2))),
    "linalg.cross": ("cross", ((2,), (2,)), ((4, 4), (4, 4))),
}


@pytest.mark.parametrize("claim", [pytest.param(claim, marks=check(claim)) for claim in BAD])
def test_shapes_that_do_not_fit_are_refused(subject, claim):
    name, *shapes = BAD[claim]
    for left, right in shapes:
        a, b = (contiguous(np.ones(shape), "float32").on(subject) for shape in (left, right))
        before = Unchanged(a=a, b=b)
        for form, call in (("torch", lambda: getattr(torch, name)(a, b)), ("Tensor", lambda: getattr(a, name)(b))):
            assert_raises(f"{form}.{name} of shapes {left} and {right}", (RuntimeError, IndexError), call)
        if name == "matmul":
            assert_raises(f"@ of shapes {left} and {right}", (RuntimeError, IndexError), lambda: a @ b)
        before.check(name)
    x, y = torch.ones(3, 3, device=subject.device), torch.ones(3, 3, dtype=torch.float64, device=subject.device)
    if name in ("mm", "matmul"):
        assert_raises(f"{name} of float32 and float64", RuntimeError, lambda: getattr(torch, name)(x, y))
        assert_raises(f"Tensor.{name} of float32 and float64", RuntimeError, lambda: getattr(x, name)(y))

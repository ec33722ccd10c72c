"""Products over drawn shapes, layouts and dtypes, and the laws of transposes, identities and batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from conformance.assertions import Unchanged, assert_values
from conformance.check import check, must_answer
from conformance.oracle import linalg as oracle
from conformance.subject import Subject
from conformance.tables.linalg_products import drawn, product
from properties.strategies.recipe import LAYOUTS, Recipe
from properties.strategies.shapes import broadcastable_shapes

pytestmark = must_answer

SIDES = st.sampled_from((2, 3, 1, 0, 4, 5, 17, 33))
SEEDS = st.integers(0, 2**16)
KINDS = ("float64", "float32", "int64", "complex128", "bfloat16")


def operand(seed: int, dtype: str, shape: tuple[int, ...]) -> Recipe:
    names = tuple(LAYOUTS)
    return LAYOUTS[names[seed // 5 % len(names)]](drawn(seed, dtype, shape), dtype)


def compare(call: str, out: Any, a: Recipe, b: Recipe, dtype: str, inner: int) -> None:
    """Refute unless a tensor is the product of two recipes."""
    wanted = product(oracle.matmul(a.array, b.array), oracle.scale(a.array, b.array), dtype, inner)
    assert_values(call, out, wanted.values, wanted.error, wanted.scale, dtype=dtype)


@check("linalg.matmul")
@given(batches=broadcastable_shapes(2, 2), m=SIDES, k=SIDES, n=SIDES, vector=st.integers(0, 3), seed=SEEDS)
def test_matmul(
    subject: Subject, batches: tuple[tuple[int, ...], ...], m: int, k: int, n: int, vector: int, seed: int
) -> None:
    dtype = KINDS[seed % len(KINDS)]
    a = operand(seed, dtype, (k,) if vector == 1 else (*batches[0], m, k))
    b = operand(seed // 3, dtype, (k,) if vector == 2 else (*batches[1], k, n))
    x, y = a.on(subject), b.on(subject)
    before = Unchanged(input=x, other=y)
    call = f"matmul of {a.array.shape} and {b.array.shape}, {dtype}, strides {a.strides} and {b.strides}"
    forms = (("torch.", lambda: torch.matmul(x, y)), ("Tensor.", lambda: x.matmul(y)), ("@, ", lambda: x @ y))
    name, form = forms[seed // 7 % 3]
    compare(name + call, form(), a, b, dtype, k)
    before.check(call)


@check("linalg.mm")
@given(m=SIDES, k=SIDES, n=SIDES, seed=SEEDS)
def test_mm_and_its_transpose(subject: Subject, m: int, k: int, n: int, seed: int) -> None:
    dtype = KINDS[seed % len(KINDS)]
    a, b = operand(seed, dtype, (m, k)), operand(seed // 3, dtype, (k, n))
    x, y = a.on(subject), b.on(subject)
    call = f"mm of {a.array.shape} and {b.array.shape}, {dtype}, strides {a.strides} and {b.strides}"
    compare(call, torch.mm(x, y), a, b, dtype, k)
    wanted = product(oracle.matmul(a.array, b.array).T, oracle.scale(a.array, b.array).T, dtype, k)
    turned = torch.mm(y.t(), x.t())
    assert_values(f"the transposed {call}", turned, wanted.values, wanted.error, wanted.scale, dtype=dtype)


@check("linalg.bmm")
@given(batch=SIDES, m=SIDES, k=SIDES, n=st.sampled_from((1, 2, 3, 17)), seed=SEEDS)
def test_bmm(subject: Subject, batch: int, m: int, k: int, n: int, seed: int) -> None:
    dtype = KINDS[seed % len(KINDS)]
    batch = min(batch, 5)
    a, b = operand(seed, dtype, (batch, m, k)), operand(seed // 3, dtype, (batch, k, n))
    out = torch.bmm(a.on(subject), b.on(subject))
    compare(f"bmm of {a.array.shape} and {b.array.shape}, {dtype}", out, a, b, dtype, k)


@check("linalg.addmm")
@given(
    m=SIDES, k=SIDES, n=SIDES, squash=st.integers(0, 4), seed=SEEDS, beta=st.integers(-2, 3), alpha=st.integers(-2, 3)
)
def test_addmm(subject: Subject, m: int, k: int, n: int, squash: int, seed: int, beta: int, alpha: int) -> None:
    dtype = ("float64", "float32", "int64")[seed % 3]
    shape = ((m, n), (1, n), (m, 1), (n,), ())[squash]
    c, a, b = operand(seed // 2, dtype, shape), operand(seed, dtype, (m, k)), operand(seed // 3, dtype, (k, n))
    out = torch.addmm(c.on(subject), a.on(subject), b.on(subject), beta=beta, alpha=alpha)
    added = np.broadcast_to(oracle.wide(c.array), (m, n))
    values = beta * added + alpha * oracle.matmul(a.array, b.array)
    size = abs(beta) * np.abs(added).astype(np.float64) + abs(alpha) * oracle.scale(a.array, b.array)
    wanted = product(values, size, dtype, k, extra=4)
    call = f"addmm of {shape}, {(m, k)} and {(k, n)}, {dtype}, beta={beta}, alpha={alpha}"
    assert_values(call, out, wanted.values, wanted.error, wanted.scale, dtype=dtype)

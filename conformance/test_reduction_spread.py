"""Norms, distances and running sums, and the arguments of std and var."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.every_form import Invocation, answer, find
from conformance.numerics import COMPOSED, ROUNDED, SUMMED
from conformance.oracle import reduction_scan as scan
from conformance.subject import Subject
from conformance.tables.reduction_cases import of_answer
from conformance.tables.rows import filled
from conformance.wanted import Kind, Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, stepped, transposed
from properties.strategies.values import random_normal

pytestmark = must_answer


@pytest.mark.parametrize(
    "name", [pytest.param("std", marks=check("reduction.std")), pytest.param("var", marks=check("reduction.var"))]
)
def test_the_correction_is_one_by_default(subject: Subject, name: str) -> None:
    law = getattr(scan, name)
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        for line in ([1, 3], [1, 2, 3, 6], [0, 0, 4], [2] * 17):
            values = np.array(line).astype(DTYPES[dtype].host)
            for layout in (contiguous, stepped):
                x = layout(values, dtype).on(subject)
                for way, correction, out in (
                    ("x", 1, find(name)(x)),
                    ("x, unbiased=True", 1, find(name)(x, unbiased=True)),
                    ("x, unbiased=False", 0, find(name)(x, unbiased=False)),
                    ("x, 0, False", 0, find(name)(x, 0, False)),
                    ("x, 0", 1, find(name)(x, 0)),
                    ("x, (0,), True", 1, find(name)(x, (0,), True)),
                ):
                    same(f"torch.{name}({line}, {way})", out, of_answer(law(values, None, correction), dtype, SUMMED))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("std", marks=check("reduction.std-one-element")),
        pytest.param("var", marks=check("reduction.std-one-element")),
    ],
)
def test_the_spread_of_one_element(subject: Subject, name: str) -> None:
    for dtype in ("float32", "float64"):
        for shape, dim in (((1,), None), ((), None), ((1, 3), 0), ((2, 1), 1), ((1,), 0)):
            values = filled("small", dtype, shape)
            x = contiguous(values, dtype).on(subject)
            args = () if dim is None else (dim,)
            for unbiased, value in ((True, np.nan), (False, 0.0)):
                wanted = np.full(getattr(scan, name)(values, dim, 0).values.shape, value, dtype)
                out = find(name)(x, *args, unbiased=unbiased)
                same(f"torch.{name}({shape}, dim={dim}, unbiased={unbiased})", out, Wanted(wanted, dtype))


@check("reduction.correction", since="2.0")
def test_any_correction(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for size, correction in ((5, 0), (5, 1), (5, 2), (5, 3), (17, 4), (33, 0)):
            values = random_normal(size, dtype, (3, size))
            for layout in (contiguous, transposed, stepped):
                for name in ("std", "var"):
                    _corrected(layout(values, dtype).on(subject), values, dtype, name, correction)


def _corrected(x: torch.Tensor, values: np.ndarray, dtype: str, name: str, correction: int) -> None:
    law, size = getattr(scan, name), values.shape[1]
    text = f"correction={correction})"
    wanted = of_answer(law(values, 1, correction), dtype, SUMMED)
    same(f"torch.{name}(x, dim=1, {text}", find(name)(x, dim=1, correction=correction), wanted)
    wanted = of_answer(law(values, None, correction), dtype, SUMMED)
    same(f"torch.{name}(x, {text}", find(name)(x, correction=correction), wanted)
    first, second = find(f"{name}_mean")(x, dim=1, correction=correction, keepdim=True)
    wanted = of_answer(law(values, 1, correction, True), dtype, SUMMED)
    same(f"torch.{name}_mean(…, {text}[0]", first, wanted)
    middle, scale = values.astype(np.longdouble).mean(1, keepdims=True), np.abs(values).mean(1, keepdims=True)
    same(f"torch.{name}_mean(…)[1]", second, Wanted(middle, dtype, SUMMED.over(size + 2), scale))


@check("reduction.spread-far-from-zero")
def test_the_spread_of_numbers_far_from_zero(subject: Subject) -> None:
    for dtype, far in (("float32", 1e3), ("float64", 1e8)):
        for size in (17, 1000):
            values = (random_normal(size, dtype, (size,)) + far).astype(dtype)
            for name in ("std", "var"):
                wanted = of_answer(getattr(scan, name)(values), dtype, SUMMED)
                same(f"torch.{name} of numbers near {far:g}", find(name)(stepped(values, dtype).on(subject)), wanted)


# -- norms ---------------------------------------------------------------------------------------------------------


@check("reduction.norm-default")
def test_the_norm_is_the_frobenius_norm_by_default(subject: Subject) -> None:
    for dtype in ("float32", "float64", "complex64"):
        for shape in ((4, 5), (3, 4, 5), (17,)):
            values = filled("normal", dtype, shape)
            for layout in LAYOUTS:
                x = LAYOUTS[layout](values, dtype)
                kind = "float32" if dtype == "complex64" else dtype
                wanted = of_answer(scan.norm(x.array), kind, COMPOSED)
                for text, out in (
                    ("torch.norm(x)", torch.norm(x.on(subject))),
                    ("x.norm()", x.on(subject).norm()),
                    ("x.norm(2)", x.on(subject).norm(2)),
                    ("x.norm('fro')", x.on(subject).norm("fro")),
                    ("x.norm(p=2)", x.on(subject).norm(p=2)),
                ):
                    same(f"{text} of {shape}, {layout}", out, wanted)
    exact = contiguous(np.array([3.0, 4.0]), "float32").on(subject)
    same("torch.norm([3, 4])", torch.norm(exact), Wanted(np.array(5.0), "float32", ROUNDED))
    same("torch.norm([3, 4], 1)", torch.norm(exact, 1), Wanted(np.array(7.0), "float32"))
    same("torch.norm([3, 4], inf)", torch.norm(exact, math.inf), Wanted(np.array(4.0), "float32"))


@check("reduction.norm-dtype")
def test_the_norm_converts_to_a_dtype_first(subject: Subject) -> None:
    values = filled("normal", "float32", (4, 5))
    for p in (2, 1, 3):
        x = transposed(values, "float32")
        wanted = (of_answer(scan.norm(values, p, 1), "float64", COMPOSED),)
        answer(subject, Invocation("norm", (x, p, 1), wanted, {"dtype": Kind("float64")}), ("function", "method"))


@check("reduction.norm")
def test_the_norm_with_out(subject: Subject) -> None:
    values = filled("normal", "float32", (3, 4, 5))
    for p, dim in ((2, 0), (1, (0, 2)), (math.inf, -1), (3, 1)):
        wanted = (of_answer(scan.norm(values, p, dim), "float32", COMPOSED),)
        answer(subject, Invocation("norm", (transposed(values, "float32"), p, dim), wanted), ("out", "out_empty"))


@check("reduction.dist")
def test_the_distance_is_the_two_norm_of_the_difference(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for a, b in (((17,), (17,)), ((4, 5), (4, 5)), ((4, 5), (5,)), ((3, 1, 5), (4, 1)), ((33,), ())):
            one, two = random_normal(1, dtype, a), random_normal(2, dtype, b)
            for layout in (contiguous, transposed, stepped):
                for p in (None, 1, 2, 3, 0.5, math.inf, -math.inf, 0):
                    args = () if p is None else (p,)
                    wanted = (of_answer(scan.dist(one, two, 2 if p is None else p), dtype, COMPOSED),)
                    answer(
                        subject,
                        Invocation("dist", (layout(one, dtype), layout(two, dtype), *args), wanted),
                        ("function", "method"),
                    )


# -- several variables ---------------------------------------------------------------------------------------------


@check("reduction.scan-needs-dim")
def test_running_sums_need_a_dimension(subject: Subject) -> None:
    x = contiguous(np.ones((2, 3)), "float32").on(subject)
    for name in ("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"):
        assert_raises(f"torch.{name}(x)", TypeError, lambda n=name: find(n)(x))
        assert_raises(f"x.{name}()", TypeError, lambda n=name: getattr(x, n)())


@check("reduction.scan-inclusive")
def test_running_sums_include_their_own_element(subject: Subject) -> None:
    for layout in DENSE:
        values = np.array([[1.0, 2, 3], [4, 5, 6]])
        for dtype in ("float32", "int64", "float64"):
            x = LAYOUTS[layout](values.astype(dtype), dtype).on(subject)
            same(
                "torch.cumsum(x, 0)", torch.cumsum(x, 0), Wanted(np.array([[1, 2, 3], [5, 7, 9]]).astype(dtype), dtype)
            )
            same(
                "torch.cumsum(x, 1)", torch.cumsum(x, 1), Wanted(np.array([[1, 3, 6], [4, 9, 15]]).astype(dtype), dtype)
            )
            same(
                "torch.cumprod(x, -1)",
                torch.cumprod(x, -1),
                Wanted(np.array([[1, 2, 6], [4, 20, 120]]).astype(dtype), dtype),
            )
            same(
                "torch.cumprod(x, -2)",
                torch.cumprod(x, -2),
                Wanted(np.array([[1, 2, 3], [4, 10, 18]]).astype(dtype), dtype),
            )

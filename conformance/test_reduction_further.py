"""Several dimensions in any order; distances, differences, integrals, gradients and histograms of larger tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_values
from conformance.check import check, must_answer
from conformance.every_form import Invocation, answer, find
from conformance.numerics import EXACT, INNER, SUMMED
from conformance.subject import Subject
from conformance.wanted import Wanted
from properties.strategies.recipe import Recipe, contiguous, expanded, permuted, row_stepped, stepped, transposed
from properties.strategies.values import random_normal

pytestmark = must_answer

LAID = (contiguous, transposed, stepped, row_stepped)
Array = np.ndarray
Law = Callable[[Array, tuple[int, ...]], Any]
# name: (claim, law, arguments in front of the dimensions, the dtype of what comes out, since)
SEVERAL: dict[str, tuple[str, Law, tuple[Any, ...], str | None, str | None]] = {
    "sum": ("sum", lambda x, dims: x.sum(dims), (), None, None),
    "nansum": ("nansum", lambda x, dims: x.sum(dims), (), None, None),
    "mean": ("mean", lambda x, dims: x.mean(dims), (), None, None),
    "nanmean": ("nanmean", lambda x, dims: x.mean(dims), (), None, None),
    "amax": ("amax", lambda x, dims: x.max(dims), (), None, None),
    "amin": ("amin", lambda x, dims: x.min(dims), (), None, None),
    "std": ("std", lambda x, dims: x.std(dims, ddof=1), (), None, None),
    "var": ("var", lambda x, dims: x.var(dims, ddof=1), (), None, None),
    "logsumexp": ("logsumexp", lambda x, dims: np.log(np.exp(x).sum(dims)), (), None, None),
    "norm": ("norm", lambda x, dims: np.sqrt((x * x).sum(dims)), (2,), None, None),
    "linalg.vector_norm": ("norm", lambda x, dims: np.abs(x).sum(dims), (1,), None, None),
    "count_nonzero": ("count-nonzero", lambda x, dims: (x > 0).sum(dims), (), "int64", None),
    "any": ("any", lambda x, dims: (x > 1.5).any(dims), (), "bool", "2.3"),
    "all": ("all", lambda x, dims: (x > -1.5).all(dims), (), "bool", "2.3"),
}
DIMS: tuple[tuple[int, ...], ...] = ((-1, -3), (2, 0), (0, -1), (3, 1, 0), (-2,), (-4, 3, -2), (1, 2, 3, 0), (-2, 0))
# What truth is asked of, by name; the others get the numbers.
TRUTH: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "count_nonzero": lambda x: x * (x > 0),
    "any": lambda x: x > 1.5,
    "all": lambda x: x > -1.5,
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=check(f"reduction.{row[0]}", since=row[4])) for name, row in SEVERAL.items()],
)
def test_dimensions_in_any_order(subject: Subject, name: str) -> None:
    _, law, before, kind, _ = SEVERAL[name]
    values = random_normal(5, "float64", (2, 3, 1, 4))
    for turn, dims in enumerate((*DIMS, (2, 3), (-2, -1))):
        x = TRUTH.get(name, lambda x: x)(LAID[turn % 4](values, "float64").on(subject))
        held = Unchanged(input=x)
        if name in ("std", "var") and dims == (-2,):
            continue
        for given in (dims, list(dims)):
            for keep in (False, True) if name != "count_nonzero" else (False,):
                wanted = np.asarray(law(values, dims))
                wanted = np.expand_dims(wanted, tuple(d % 4 for d in dims)) if keep else wanted
                options = {"keepdim": True} if keep else {}
                text = f"{name}({given}, keepdim={keep}) of (2, 3, 1, 4)"
                calls = [(f"torch.{text}", lambda *a, **k: find(name)(x, *a, **k))]
                calls += [] if "." in name else [(f"x.{text}", getattr(x, name))]
                for form, call in calls:
                    out = call(*before, dim=given, **options) if turn % 2 else _by_place(call, before, given, options)
                    assert_values(form, out, wanted, SUMMED.over(64), 4 + np.abs(wanted), dtype=kind or "float64")
        held.check(name)


def _by_place(call: Callable[..., Any], before: tuple[Any, ...], dims: Any, options: dict[str, Any]) -> Any:
    # vector_norm takes dim by name or as its second argument alike.
    return call(*before, dims, **options)


@check("reduction.dist")
def test_distances_of_larger_and_of_infinite_tensors(subject: Subject) -> None:
    for turn, (left, right) in enumerate(
        (((41, 40), (41, 40)), ((2, 3, 4, 5), (4, 1)), ((1501,), (1501,)), ((5, 7), (7,)))
    ):
        a, b = random_normal(1, "float64", left), random_normal(2, "float64", right)
        for dtype in ("float64", "float32"):
            for more, p in enumerate((2, 1, float("inf"), 3, 0, 0.5)):
                x, y = LAID[(turn + more) % 4](a, dtype), LAID[more % 4](b, dtype)
                off = np.abs(x.array.astype(np.float64) - y.array)
                law = off.max() if p == float("inf") else (off != 0).sum() if p == 0 else (off**p).sum() ** (1 / p)
                wanted = Wanted(np.asarray(law * 1.0), dtype, INNER.over(2 * off.size + 16), np.asarray(law * 1.0))
                answer(subject, Invocation("dist", (x, y, p), (wanted,)), ("function", "method"))
    for odd, law in ((np.inf, np.inf), (-np.inf, np.inf), (np.nan, np.nan)):
        values = np.arange(21.0).reshape(3, 7)
        values[1, 4] = odd
        for p in (2, 1, float("inf")):
            for layout in LAID:
                given = (layout(values, "float32"), stepped(np.ones((3, 7)), "float32"), p)
                call = Invocation("dist", given, (Wanted(np.asarray(law), "float32"),))
                answer(subject, call, ("function", "method"))


def _larger(shape: tuple[int, ...], dtype: str, turn: int) -> Recipe:
    """Whole numbers in a layout, with strides that a few dimensions more can show."""
    values = np.random.default_rng(abs(turn)).integers(-9, 9, shape)
    values = values % 7 if dtype == "uint8" else values
    kinds = (transposed, stepped, row_stepped, lambda v, d: permuted(v, d, (*range(1, v.ndim), 0)), expanded)
    return kinds[turn % 5](values, dtype)


SHAPES = ((40, 33), (3, 4, 5, 2), (2, 3, 2, 4, 3), (1501,))


@check("reduction.diff")
def test_differences_of_more_dimensions(subject: Subject) -> None:
    for turn, shape in enumerate(SHAPES):
        for more, dtype in enumerate(("float64", "float32", "int64", "bfloat16", "complex64")):
            x = _larger(shape, dtype, turn + more)
            for dim in range(-len(shape), len(shape)):
                n = 1 + (dim + more) % 2
                if shape[dim] > n:
                    wanted = Wanted(np.diff(x.array, n, dim), dtype, EXACT, signed_zeros=False)
                    answer(subject, Invocation("diff", (x, n, dim), (wanted,)), ("function", "method"))


@check("reduction.renorm")
def test_parts_of_more_dimensions_are_scaled_down(subject: Subject) -> None:
    for turn, shape in enumerate(SHAPES[:3]):
        for more, dtype in enumerate(("float64", "float32")):
            for dim in range(-len(shape), len(shape)):
                x, p = _larger(shape, dtype, turn + more + dim), (1, 2, 3)[dim % 3]
                others = tuple(d for d in range(len(shape)) if d != dim % len(shape))
                size = (np.abs(x.array.astype(np.float64)) ** p).sum(others, keepdims=True) ** (1 / p)
                limit = float(np.median(size)) * 0.8731
                # The norm and 1e-7 more divide, so that nothing is divided by 0.
                law = x.array * np.where(size > limit, limit / (size + 1e-7), 1.0)
                wanted = Wanted(law, dtype, INNER.over(400), np.abs(law))
                answer(subject, Invocation("renorm", (x, p, dim, limit), (wanted,)), ("function", "method"))


@check("reduction.cov")
def test_the_covariance_of_whole_numbers(subject: Subject) -> None:
    for turn, dtype in enumerate(("int64", "int32", "uint8", "float32", "float64")):
        for more, shape in enumerate(((4, 40), (60, 30), (1501,))):
            x = _larger(shape, dtype, 3 * turn + more)
            wanted = np.cov(x.array.astype(np.float64))
            kind = dtype if dtype.startswith("float") else "float32"
            demand = Wanted(np.asarray(wanted), kind, INNER.over(2 * shape[-1] + 16), 81.0 + np.abs(wanted))
            answer(subject, Invocation("cov", (x,), (demand,)), ("function", "method"))


@check("reduction.gradient")
def test_gradients_of_larger_samples(subject: Subject) -> None:
    for turn, shape in enumerate(((40, 33), (3, 4, 5), (4, 3, 4, 3), (1501,))):
        for more, dtype in enumerate(("float64", "float32")):
            x = _larger(shape, dtype, turn + more)
            given = x.on(subject)
            for order, spacing in ((1, 1.0), (2, 0.5)):
                law = np.gradient(x.array.astype(np.float64), spacing, edge_order=order)
                laws = [law] if len(shape) == 1 else list(law)
                out = torch.gradient(given, spacing=spacing, edge_order=order)
                for dim, (found, wanted) in enumerate(zip(out, laws, strict=True)):
                    text = f"torch.gradient of {dtype} {shape}, spacing={spacing}, edge_order={order}, along {dim}"
                    assert_values(text, found, wanted, SUMMED.over(8), 80.0, dtype=dtype)
                    one = torch.gradient(given, spacing=spacing, dim=dim - len(shape), edge_order=order)[0]
                    assert_values(f"{text} alone", one, wanted, SUMMED.over(8), 80.0, dtype=dtype)


def _integral(x: Array, dx: float, dim: int) -> Array:
    y = np.moveaxis(x.astype(np.float64), dim, -1)
    return dx * ((y[..., 1:] + y[..., :-1]) / 2).sum(-1)


@check("reduction.trapezoid")
def test_integrals_of_more_dimensions(subject: Subject) -> None:
    for turn, shape in enumerate(SHAPES):
        for more, dtype in enumerate(("float64", "float32")):
            x = _larger(shape, dtype, turn + more)
            for dim in range(-len(shape), len(shape)):
                law = _integral(x.array, 0.5, dim)
                y, size = x.on(subject), shape[dim]
                places = contiguous(np.arange(size) * 0.5, dtype).on(subject)
                for text, out in (
                    ("trapezoid(dx=)", torch.trapezoid(y, dx=0.5, dim=dim)),
                    ("trapz(dx=)", torch.trapz(y, dx=0.5, dim=dim)),
                    ("trapezoid(x)", torch.trapezoid(y, places, dim=dim)),
                    ("trapz(x)", torch.trapz(y, places, dim=dim)),
                    (
                        "the last of cumulative_trapezoid",
                        torch.cumulative_trapezoid(y, dx=0.5, dim=dim).select(dim, -1),
                    ),
                ):
                    assert_values(f"{text} of {dtype} {shape}, dim={dim}", out, law, EXACT, dtype=dtype)


@check("reduction.histogramdd")
def test_histograms_of_many_points(subject: Subject) -> None:
    for turn, dtype in enumerate(("float64", "float32", "float64")):
        # Eighths, which lie on none of the edges.
        values = np.random.default_rng(turn).integers(-10, 10, (700, 2)) / 4 + 0.125
        weight = np.arange(700) % 5 + 1.0
        x, w = LAID[1 + turn](values, dtype).on(subject), stepped(weight, dtype).on(subject)
        law, _ = np.histogramdd(values, (8, 6), ((-2.0, 2.0), (-1.5, 1.5)), weights=weight)
        out = torch.histogramdd(x, [8, 6], range=[-2.0, 2.0, -1.5, 1.5], weight=w)
        assert_values(f"torch.histogramdd of {dtype} (700, 2)", out.hist, law, dtype=dtype)

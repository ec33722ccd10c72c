"""Every reduction of more elements than one thread takes: exact whole numbers, against numpy's own loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance.check import check, must_answer
from conformance.every_form import Invocation, answer
from conformance.numerics import EXACT, FAITHFUL, INNER, SUMMED, Error
from conformance.subject import Subject
from conformance.tables import rows
from conformance.wanted import Picked, Wanted
from properties.strategies.recipe import contiguous, offset, stepped
from properties.strategies.values import cycle

pytestmark = must_answer

LONG = 40_003
Array = np.ndarray
Law = Callable[[Array], Any]


def numbers(seed: int = 0) -> Array:
    """Whole numbers, the largest and the least of them once, far apart."""
    values = np.random.default_rng(seed).integers(-400, 400, LONG)
    values[33_333], values[7] = 500, -500
    return values


def _second(x: Array) -> Array:
    return cycle(rows.small("float64"), x.shape)


def _mode(x: Array) -> Array:
    values, counts = np.unique(x, return_counts=True)
    return values[counts == counts.max()].min()


def _running(x: Array, ufunc: Any) -> tuple[Array, Array]:
    best = ufunc.accumulate(x)
    where = np.maximum.accumulate(np.where(x == best, np.arange(len(x)), 0))
    return best, where


def _sorted(x: Array) -> tuple[Array, Array]:
    where = np.argsort(x, kind="stable")
    return x[where], where


# name: (claim, arguments behind x, law, error). Indices are those that only one answer has.
LAWS: dict[str, tuple[str, tuple[Any, ...], Law, Error]] = {
    "sum": ("sum", (0,), lambda x: x.sum(), EXACT),
    "nansum": ("nansum", (0,), lambda x: x.sum(), EXACT),
    "mean": ("mean", (0,), lambda x: x.mean(), FAITHFUL),
    "nanmean": ("nanmean", (0,), lambda x: x.mean(), FAITHFUL),
    "amax": ("amax", (0,), lambda x: x.max(), EXACT),
    "amin": ("amin", (0,), lambda x: x.min(), EXACT),
    "argmax": ("argmax", (0,), lambda x: x.argmax(), EXACT),
    "argmin": ("argmin", (0,), lambda x: x.argmin(), EXACT),
    "max": ("max-dim-values-indices", (0,), lambda x: (x.max(), x.argmax()), EXACT),
    "min": ("min-dim", (0,), lambda x: (x.min(), x.argmin()), EXACT),
    "aminmax": ("aminmax", (), lambda x: (x.min(), x.max()), EXACT),
    "all": ("all", (), lambda x: np.all(x != 0), EXACT),
    "any": ("any", (0,), lambda x: np.any(x != 0), EXACT),
    "count_nonzero": ("count-nonzero", (), lambda x: np.count_nonzero(x), EXACT),
    "cumsum": ("cumsum", (0,), np.cumsum, EXACT),
    "cummax": ("cummax", (0,), lambda x: _running(x, np.maximum), EXACT),
    "cummin": ("cummin", (0,), lambda x: _running(x, np.minimum), EXACT),
    "median": ("median", (), lambda x: np.sort(x)[(LONG - 1) // 2], EXACT),
    "nanmedian": ("nanmedian", (), lambda x: np.sort(x)[(LONG - 1) // 2], EXACT),
    "std": ("std", (), lambda x: x.std(ddof=1), SUMMED.over(LONG)),
    "var": ("var", (0,), lambda x: x.var(ddof=1), SUMMED.over(LONG)),
    "norm": ("norm", (1,), lambda x: np.abs(x).sum(), EXACT),
    "logsumexp": ("logsumexp", (0,), lambda x: x.max() + np.log(np.exp(x - x.max()).sum()), SUMMED.over(8)),
    "diff": ("diff", (), np.diff, EXACT),
    "quantile": ("quantile", (0.25,), lambda x: np.quantile(x, 0.25), FAITHFUL),
    "cov": ("cov", (), lambda x: x.var(ddof=1), INNER.over(LONG)),
    "trapezoid": ("trapezoid", (), lambda x: ((x[1:] + x[:-1]) / 2).sum(), EXACT),
    "sort": ("sort", (0, False), _sorted, EXACT),
    "topk": ("topk", (5,), lambda x: (np.sort(x)[::-1][:5], None), EXACT),
    "mode": ("mode", (0,), lambda x: (_mode(x), None), EXACT),
}
PLACES = ("argmax", "argmin", "count_nonzero")


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"reduction.{law[0]}")) for name, law in LAWS.items()])
def test_a_long_line(subject: Subject, name: str) -> None:
    _, args, law, error = LAWS[name]
    for turn, (dtype, layout) in enumerate((("float64", contiguous), ("float64", stepped), ("float32", offset))):
        values = numbers(turn).astype(dtype)
        found = law(values.astype(np.float64))
        parts = found if isinstance(found, tuple) else (found,)
        kinds = [
            "bool" if name in ("all", "any") else "int64" if name in PLACES or place else dtype
            for place in range(len(parts))
        ]
        kinds = [dtype, dtype] if name == "aminmax" else kinds
        wanted = tuple(
            Wanted(np.asarray(part), kind, error if kind == dtype else EXACT, signed_zeros=False)
            if part is not None
            else Picked(values, 0, parts[0])
            for part, kind in zip(parts, kinds, strict=True)
        )
        if name == "sort":  # which of equal ones comes first is open
            wanted = (wanted[0], Picked(values, 0, parts[0]))
        forms = ("function",) if not hasattr(layout(values, dtype).on(subject), name) else ("function", "method")
        answer(subject, Invocation(name, (layout(values, dtype), *args), wanted), forms)


SIGNS = np.where(np.arange(LONG) % 7 == 0, -1.0, 1.0)
SIGNS[::5001] = 2.0


@check("reduction.prod")
def test_a_long_product(subject: Subject) -> None:
    for dtype in ("float32", "float64", "int64"):
        for layout in (contiguous, stepped):
            x = layout(SIGNS, dtype)
            kind = Wanted(np.asarray(SIGNS.prod()), dtype)
            answer(subject, Invocation("prod", (x,), (kind,)), ("function", "method"))
            answer(subject, Invocation("prod", (x, 0), (kind,)), ("function", "method"))


@check("reduction.cumprod")
def test_a_long_running_product(subject: Subject) -> None:
    for dtype in ("float32", "float64", "int64"):
        for layout in (contiguous, stepped):
            running = Wanted(np.cumprod(SIGNS).astype(dtype), dtype)
            call = Invocation("cumprod", (layout(SIGNS, dtype), 0), (running,))
            answer(subject, call, ("function", "method", "inplace"))


@check("reduction.sum")
def test_many_short_lines(subject: Subject) -> None:
    for shape, dim in (((20_011, 2), 1), ((2, 20_011), 0), ((3, 7001, 2), 1), ((33, 33, 37), 0), ((33, 33, 37), 2)):
        for dtype in ("float32", "int64"):
            values = cycle(rows.small(dtype), shape)
            for layout in (contiguous, stepped):
                x = layout(values, dtype)
                for name, law in (("sum", values.sum(dim)), ("amax", values.max(dim)), ("amin", values.min(dim))):
                    answer(
                        subject,
                        Invocation(name, (x, dim), (Wanted(law, dtype, signed_zeros=False),)),
                        ("function", "method"),
                    )
                where = Wanted(values.argmax(dim), "int64")
                answer(subject, Invocation("argmax", (x, dim), (where,)), ("function",))

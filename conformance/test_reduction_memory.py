"""Reductions of long lines, of expanded input, and the memory and shape of what they give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.every_form import find
from conformance.numerics import SUMMED
from conformance.oracle import reduction as oracle
from conformance.oracle import reduction_scan as scan
from conformance.subject import Subject
from conformance.tables import rows
from conformance.tables.reduction_cases import of_answer
from conformance.wanted import Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, expanded, offset, stepped
from properties.strategies.values import cycle, random_normal

pytestmark = must_answer


LONG = 70_001  # more than one thread's share, and no multiple of anything


LONG_LAWS: dict[str, tuple[str, Callable[[np.ndarray], Any]]] = {
    "sum": ("sum", lambda x: oracle.total(x, 0)),
    "mean": ("mean", lambda x: oracle.mean(x, 0)),
    "var": ("var", lambda x: scan.var(x, 0)),
    "std": ("std", lambda x: scan.std(x, 0)),
    "norm": ("norm", scan.norm),
    "logsumexp": ("logsumexp", lambda x: scan.logsumexp(x, 0)),
    "cumsum": ("cumsum", lambda x: scan.cumsum(x, 0)),
    "nansum": ("nansum", lambda x: oracle.nansum(x, 0)),
}


@pytest.mark.parametrize("name", [pytest.param(k, marks=check(f"reduction.{v[0]}")) for k, v in LONG_LAWS.items()])
def test_a_long_line(subject: Subject, name: str) -> None:
    law = LONG_LAWS[name][1]
    for dtype in ("float32", "float64"):
        for seed, layout in enumerate((contiguous, stepped, offset)):
            values = random_normal(seed, dtype, (LONG,))
            if name == "sum":  # nearly cancels
                values[: LONG // 2] = -values[LONG // 2 : 2 * (LONG // 2)][::-1] + values[: LONG // 2] * 1e-3
            x = layout(values, dtype).on(subject)
            out = find(name)(x) if name == "norm" else find(name)(x, 0)
            same(f"torch.{name}(<{dtype} {LONG}>)", out, of_answer(law(values), dtype, SUMMED))


NAN_CLAIMS = {
    **{name: name for name in ("sum", "mean", "prod", "nansum", "nanmean", "norm", "logsumexp", "var", "std")},
    **{"cumsum": "cumsum", "cumprod": "cumprod"},
}


@pytest.mark.parametrize("name", [pytest.param(k, marks=check(f"reduction.{v}")) for k, v in NAN_CLAIMS.items()])
def test_a_single_nan(subject: Subject, name: str) -> None:
    """Infinities of both signs would make the sum NaN anyway, so there are none."""
    turn = 0
    for dtype in ("float32", "float64"):
        for size in (3, 17, 33, 100, 2000):
            for place in (0, size // 2, size - 1):
                table = [1, -1, 1, 1, -1] if "prod" in name else [1, 2, -1, 1, 3, 1, -2]
                values = cycle(np.array(table), (size,)).astype(dtype)
                values[place] = np.nan
                turn += 1
                x = (contiguous, stepped, offset)[turn % 3](values, dtype).on(subject)
                text = f"torch.{name}(<{dtype} {size}>, NaN at {place})"
                _single_nan(text, name, find(name)(x, 0) if name != "norm" else find(name)(x), values, place)


def _single_nan(text: str, name: str, out: Any, values: np.ndarray, place: int) -> None:
    dtype = values.dtype.name
    if name in ("nansum", "nanmean"):
        law = oracle.nansum if name == "nansum" else oracle.nanmean
        same(text, out, of_answer(law(values, 0), dtype, SUMMED))
        return
    found = host.array(out)
    if name.startswith("cum"):
        before = np.cumsum if name == "cumsum" else np.cumprod
        same(f"{text} before it", out[:place], Wanted(before(values[:place]), dtype, SUMMED, signed_zeros=False))
        found = found[place:]
    require(bool(np.isnan(found).all()), f"{text} is not NaN", "NaN", found)


@check("reduction.long-exact")
def test_long_lines_of_whole_numbers_come_out_exactly(subject: Subject) -> None:
    for dtype in ("float32", "float64", "int64", "int32", "uint8", "bool", "complex64"):
        whole = not DTYPES[dtype].is_inexact
        for shape, dim in (((LONG,), 0), ((2, LONG), 1), ((LONG, 2), 0), ((35_003, 3), -1)):
            values = cycle(rows.small(dtype), shape)
            wide = values.astype(np.int64) if whole else values
            wanted = {
                "sum": (wide.sum(dim), "int64" if whole else dtype),
                "count_nonzero": ((values != 0).sum(dim), "int64"),
                "cumsum": (np.cumsum(wide, dim), "int64" if whole else dtype),
            }
            for layout in (contiguous, stepped):
                x = layout(values, dtype).on(subject)
                for name in list(wanted)[: 2 if layout is stepped else 3]:
                    out, (law, kind) = find(name)(x, dim), wanted[name]
                    same(f"torch.{name}(<{dtype} {shape}>, {dim})", out, Wanted(law, kind, signed_zeros=False))
            total = Wanted(np.asarray(wide.sum()), "int64" if whole else dtype, signed_zeros=False)
            same(f"torch.sum of all of <{dtype} {shape}>", torch.sum(x), total)


@check("reduction.long-extremes")
def test_the_extremes_of_long_lines(subject: Subject) -> None:
    for dtype in ("float32", "float64", "int64", "int32", "uint8"):
        for place in (0, 31, 32_768, LONG - 1):
            values = (np.arange(LONG) * 7 % 91).astype(dtype)
            values[place] = 120
            for layout in (contiguous, stepped):
                x = layout(values, dtype).on(subject)
                text = f"<{dtype} {LONG}>, its largest at {place}"
                same(f"torch.argmax({text})", torch.argmax(x), Wanted(np.array(place), "int64"))
                same(f"torch.max({text})", torch.max(x), Wanted(values[place], dtype))
                same(f"torch.amax({text})", torch.amax(x, 0), Wanted(values[place], dtype))
                largest, where = torch.max(x, 0)
                same(f"torch.max({text}, 0).values", largest, Wanted(values[place], dtype))
                same(f"torch.max({text}, 0).indices", where, Wanted(np.array(place), "int64"))
                same(f"torch.argmin({text})", torch.argmin(x), Wanted(np.array(values.argmin()), "int64"))
                same(f"torch.min({text})", torch.min(x), Wanted(values.min(), dtype))


@check("reduction.wide-accumulation")
def test_sums_of_reduced_precision_are_worked_out_in_a_wider_one(subject: Subject) -> None:
    for dtype in ("float16", "bfloat16"):
        for size in (300, 2048, 5000, 20_000):
            for layout in (contiguous, stepped):
                ones = layout(np.ones(size), dtype).on(subject)
                wanted = host.array(host.tensor(np.array(float(size)), dtype))
                same(f"torch.sum of {size} ones, {dtype}", torch.sum(ones), Wanted(wanted, dtype))
                same(f"torch.sum of {size} ones along 0, {dtype}", torch.sum(ones, 0), Wanted(wanted, dtype))
                same(f"torch.mean of {size} ones, {dtype}", torch.mean(ones), Wanted(np.ones(()), dtype, SUMMED))


@check("reduction.expanded-input")
def test_expanded_input_counts_every_element(subject: Subject) -> None:
    for dtype in ("float32", "int64", "bool"):
        for dim in (0, 1):
            x = expanded(rows.filled("small", dtype, (6, 7)), dtype, dim)
            values = x.array
            for along in (0, 1, None):
                found = oracle.total(values, along)
                args = () if along is None else (along,)
                kind = dtype if DTYPES[dtype].is_inexact else "int64"
                same(
                    f"torch.sum(expanded, {along})", torch.sum(x.on(subject), *args), of_answer(found, kind, rows.EXACT)
                )
                same(
                    f"torch.amax(expanded, {along})",
                    torch.amax(x.on(subject), *args),
                    Wanted(oracle.extreme(values, along), dtype, signed_zeros=False),
                )


@check("reduction.reduced-dims-go")
def test_reduced_dimensions_go_or_become_one(subject: Subject) -> None:
    for layout in LAYOUTS:
        x = LAYOUTS[layout](np.ones((2, 3, 1, 4)), "float32").on(subject)
        for name in ("sum", "mean", "amax", "amin", "std", "logsumexp", "nansum"):
            for dims in ((0,), (-1,), (1, 3), (0, 1, 2, 3), (2,), (3, 0)):
                for keep in (False, True):
                    out = find(name)(x, dims, keepdim=keep)
                    shape = oracle.kept_shape((2, 3, 1, 4), dims)
                    shape = (
                        shape
                        if keep
                        else tuple(side for d, side in enumerate((2, 3, 1, 4)) if d - 4 not in dims and d not in dims)
                    )
                    require(
                        tuple(out.shape) == shape,
                        f"torch.{name}({dims}, keepdim={keep}) has shape {tuple(out.shape)}",
                        shape,
                        tuple(out.shape),
                    )


@check("reduction.new-memory")
def test_what_a_reduction_gives_is_new_memory(subject: Subject) -> None:
    for layout in DENSE:
        x = LAYOUTS[layout](np.full((3, 1), 2.0), "float32")
        calls: dict[str, Callable[[Any], Any]] = {
            "sum(1)": lambda t: t.sum(1),
            "amax(1)": lambda t: t.amax(1),
            "max(1).values": lambda t: t.max(1).values,
            "prod(1)": lambda t: t.prod(1),
            "cumsum(1)": lambda t: t.cumsum(1),
            "mean(1)": lambda t: t.mean(1),
            "sort(1).values": lambda t: t.sort(1).values,
            "median(1).values": lambda t: t.median(1).values,
            "topk(1, 1).values": lambda t: t.topk(1, 1).values,
            "cummax(1).values": lambda t: t.cummax(1).values,
            "sum((0, 1))": lambda t: t[:1].sum((0, 1)),
            "max()": lambda t: t[:1].max(),
            "cumprod(1)": lambda t: t.cumprod(1),
            "logsumexp(1)": lambda t: t.logsumexp(1),
            "mode(1).values": lambda t: t.mode(1).values,
        }
        for text, call in calls.items():
            given = x.on(subject)
            call(given).fill_(-9)
            same(f"x after writing to x.{text}, {layout}", given, Wanted(x.array, "float32"))

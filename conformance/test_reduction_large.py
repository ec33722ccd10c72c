"""Reductions of a few thousand elements in two and five dimensions, of every layout, dtype and with ties.

The cases of the tables have at most some hundreds of elements, and those of `test_reduction_long` one dimension.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from conformance import effort, host
from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.every_form import Invocation, answer, find
from conformance.numerics import EXACT, SUMMED, Error
from conformance.subject import Subject
from conformance.tables import rows
from conformance.tables.reduction_large import LAWS, Large
from conformance.wanted import Demand, Picked, Wanted, same
from properties.strategies.recipe import Recipe, contiguous, expanded, permuted, row_stepped, stepped, transposed
from properties.strategies.values import random_normal

pytestmark = must_answer

SHAPES = ((40, 33), (3, 5, 7, 4, 6))
DTYPES_USED = ("float64", "float32", "int64", "bfloat16")  # float32 in longer runs only
# Dense in another order than transposed: what dims of five take to be told apart.
LAID: dict[str, Callable[[np.ndarray, str], Recipe]] = {
    "transposed": transposed,
    "stepped": stepped,
    "row_stepped": row_stepped,
    "permuted": lambda values, dtype: permuted(values, dtype, (*range(1, values.ndim), 0)),
    "contiguous": contiguous,
    "expanded": expanded,
}


def _values(law: Large, dtype: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Few different numbers in a drawn order, so that there are ties in every line."""
    table = rows.powers(dtype) if law.products else rows.small(dtype)
    return np.random.default_rng(seed).choice(table, shape)


def _inputs(law: Large, dtypes: Sequence[str]) -> Iterator[tuple[Recipe, int]]:
    """Every layout in every dtype, the shapes and dimensions taken in turn; some with a NaN in every other line."""
    turn = 0
    for layout in LAID:
        for dtype in dtypes:
            if not (law.whole or DTYPES[dtype].is_inexact) or (layout == "expanded" and not law.expanded):
                continue
            if dtype == "bfloat16" and not law.narrow:
                continue
            turn += 1
            shape = SHAPES[turn % 2]
            values = _values(law, dtype, shape, turn)
            if law.nan and DTYPES[dtype].is_inexact and turn % 3 == 0:
                values.reshape(-1, values.shape[-1])[::2, turn % 5] = np.nan
            yield LAID[layout](values, dtype), turn % len(shape) - len(shape) * (turn % 2)


def _wanted(
    law: Large, x: Recipe, dim: int, found: tuple[Any, ...], size: int, *, rounded: bool | None = None
) -> tuple[Demand, ...]:
    rounded = law.rounded if rounded is None else rounded
    error: Error = SUMMED.over(size + 8) if rounded else EXACT
    parts: list[Demand] = []
    for place, part in enumerate(found):
        if part is None:
            parts.append(Picked(x.array, dim, found[0]))
            continue
        kind = law.kinds[place] or x.dtype
        kind = "int64" if law.widens and x.dtype == "int64" else kind
        values = np.asarray(part).astype(DTYPES[kind].host if error is EXACT else np.float64)
        # Of sums: the scale is at least that of the terms, which are at most 4.
        scale = (np.abs(values) + 4) if rounded and kind == x.dtype else None
        parts.append(Wanted(values, kind, error if scale is not None else EXACT, scale, signed_zeros=False))
    return tuple(parts)


def _asked(name: str, law: Large, x: Recipe, dim: int, keep: bool) -> Invocation:
    with np.errstate(all="ignore"):
        found = law.along(x.array, dim)
    found = found if isinstance(found, tuple) else (found,)
    found = tuple(None if part is None else np.expand_dims(part, dim) if keep else part for part in found)
    wanted = _wanted(law, x, dim, found, x.shape[dim])
    options = {"keepdim": True} if keep else {}
    if law.named:
        return Invocation(name, (x, *law.before), wanted, {"dim": dim, **options})
    return Invocation(name, (x, *law.before, dim), wanted, options)


ROWS = [pytest.param(name, marks=check(f"reduction.{law.claim}")) for name, law in LAWS.items()]


@pytest.mark.parametrize("name", ROWS)
def test_a_large_tensor(subject: Subject, name: str) -> None:
    _judge_large(subject, name, DTYPES_USED if effort.level() != "quick" else DTYPES_USED[::2] + DTYPES_USED[3:])


# Few functions take float16 on the CPU before.
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=check(f"reduction.{LAWS[n].claim}", since="2.6")) for n in LAWS]
)
def test_a_large_tensor_of_float16(subject: Subject, name: str) -> None:
    _judge_large(subject, name, ("float16",))


def _judge_large(subject: Subject, name: str, dtypes: Sequence[str]) -> None:
    law = LAWS[name]
    for place, (x, dim) in enumerate(_inputs(law, dtypes)):
        keep = law.keeps and place % 3 == 1
        forms = ("function", "method") if place % 4 else ("function", "method", *law.forms)
        answer(subject, _asked(name, law, x, dim, keep), forms)
        if law.widens and x.dtype in ("bfloat16", "float16"):
            continue  # which hold no exact sum of so many
        if law.whole_tensor and (place % 2 or x.dtype == "float64"):
            with np.errstate(all="ignore"):
                found = law.along(x.array.reshape(-1), 0)
            first = (found[0],) if law.first_only else found if isinstance(found, tuple) else (found,)
            wanted = _wanted(law, x, 0, first, x.numel)
            answer(subject, Invocation(name, (x, *law.before), wanted), ("function", "method"))


@pytest.mark.parametrize("name", ROWS)
def test_called_again_with_the_same_tensor(subject: Subject, name: str) -> None:
    """After its input was written to: another result, apart from the first one."""
    law = LAWS[name]
    for dtype in ("float64", "int64") if law.whole else ("float64", "float32"):
        inputs = [stepped(_values(law, dtype, (6, 7), seed), dtype) for seed in (1, 2)]
        first, second = (_asked(name, law, x, 1, keep=False) for x in inputs)
        for form, call in ((f"torch.{name}", find(name)), (f"x.{name}", lambda x, *a, **k: getattr(x, name)(*a, **k))):
            x = inputs[0].on(subject)
            kept = call(x, *first.given[1:], **first.options)
            x.copy_(inputs[1].on(subject))
            again = call(x, *second.given[1:], **second.options)
            _judge(f"{form} of {dtype}, called again after its input was written to", again, second)
            _judge(f"{form} of {dtype}, its first result after a second call", kept, first)


def _digits(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of which no narrower dtype holds all digits, whole ones beyond 2**53."""
    if dtype == "float64":
        return random_normal(7, dtype, shape)
    return np.random.default_rng(7).integers(2**53, 2**56, shape) * 2 + 1


@pytest.mark.parametrize("name", ROWS)
def test_no_digits_are_lost(subject: Subject, name: str) -> None:
    law = LAWS[name]
    for dtype in ("float64", "int64") if law.whole else ("float64",):
        for turn, shape in enumerate(((), (1,), (4,), (5, 7), (2, 3, 4))):
            if name in ("std", "var", "topk") and int(np.prod(shape)) < 4:
                continue
            values = _digits(dtype, shape)
            for layout in (stepped, (contiguous, transposed)[turn % 2]):
                x = layout(values, dtype)
                with np.errstate(all="ignore"):
                    found = law.along(values.reshape(shape or (1,)), -1)
                parts = found if isinstance(found, tuple) else (found,)
                parts = tuple(p if p is None else p.reshape(()) for p in parts) if shape == () else parts
                _answered(subject, name, law, x, -1, parts)
                if law.whole_tensor:
                    found = law.along(values.reshape(-1), 0)
                    parts = found[:1] if law.first_only else found if isinstance(found, tuple) else (found,)
                    _answered(subject, name, law, x, None, parts)


def _answered(subject: Subject, name: str, law: Large, x: Recipe, dim: int | None, parts: tuple[Any, ...]) -> None:
    wanted = _wanted(law, x, -1, parts, 40, rounded=law.rounded or x.dtype == "float64")
    args: tuple[Any, ...] = law.before if dim is None or law.named else (*law.before, dim)
    options = {"dim": dim} if dim is not None and law.named else {}
    answer(subject, Invocation(name, (x, *args), wanted, options), ("function", "method"))


def _judge(text: str, out: Any, call: Invocation) -> None:
    for part, wanted in zip(out if isinstance(out, tuple) else (out,), call.wanted, strict=True):
        same(text, part, wanted)


@check("reduction.draws-nothing")
def test_no_reduction_draws_random_numbers(subject: Subject) -> None:
    state = host.array(torch.get_rng_state()).tobytes()
    for name, law in LAWS.items():
        for shape, dim in (((6, 7), 1), ((40, 33), 0)):
            call = _asked(name, law, stepped(_values(law, "float64", shape, 1), "float64"), dim, keep=False)
            answer(subject, call, ("function", "method"))
            require(host.array(torch.get_rng_state()).tobytes() == state, f"torch.{name} draws random numbers")

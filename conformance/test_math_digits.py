"""The last digits of results, where a narrower dtype would lose them: single numbers, vectors with gaps, many dims."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from conformance import effort
from conformance.assertions import assert_values
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables import math_forms
from conformance.tables.math_domains import DOMAINS
from conformance.tables.math_functions import FUNCTIONS, Function
from conformance.tables.math_samples import Sample, expect, judged, sample
from properties.strategies.recipe import LAYOUTS

pytestmark = must_answer

# A wide dtype and the one through which it would lose digits.
NARROWER = {"float64": np.float32, "complex128": np.complex64, "int64": np.float64}
GRID: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("stepped", (97,)),
    ("transposed", (7, 9)),
    ("expanded", (3, 11)),
    ("row_stepped", (2, 3, 2, 3, 5)),
    ("transposed", (3, 2, 2, 3, 4)),
    ("offset", (21,)),
)
SINGLE = 4


def _narrow(values: np.ndarray, dtype: str) -> np.ndarray:
    with np.errstate(all="ignore"):
        return values if values.dtype == bool else values.astype(NARROWER[dtype]).astype(values.dtype)


def telling(found: Sample) -> np.ndarray:
    """The places of a sample whose results are others if operands or results go through a narrower dtype; or all."""
    dtype = found.dtype
    with np.errstate(all="ignore"):
        try:
            lost = expect(found.function, dtype, tuple(_narrow(x, dtype) for x in found.operands), found.arguments)
        except (TypeError, ValueError):  # narrower operands may lie outside of the domain
            lost = found.expected
        rounded = _narrow(found.expected, dtype) if found.out == dtype else found.expected
    differs = ((lost != found.expected) | (rounded != found.expected)) & (found.expected == found.expected)
    return np.flatnonzero(differs) if differs.any() else np.arange(len(found))


def _grid(row: Function) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """All layouts; in quick runs vectors with gaps and another one, of several operands expanded ones."""
    other = 2 if len(row.operands) > 1 else 1 + len(row.name) % (len(GRID) - 1)
    return (GRID[0], GRID[other]) if effort.level() == "quick" else GRID


def _cases(found: Sample) -> Iterator[tuple[str, Sample]]:
    places = telling(found)
    for turn, (layout, shape) in enumerate(_grid(found.function)):
        count = int(np.prod(shape[1:] if layout == "expanded" else shape))
        chosen = places[(np.arange(count) + turn * 17) % len(places)].reshape(shape[layout == "expanded" :])
        yield layout, found.at(np.broadcast_to(chosen, shape) if layout == "expanded" else chosen)
    for place in places[np.unique(np.linspace(0, len(places) - 1, SINGLE).astype(int))]:
        yield "contiguous", found.at(np.array(place))


ROWS = [
    pytest.param(slug, marks=check(row.claim_id)) for slug, row in FUNCTIONS.items() if set(row.dtypes) & set(NARROWER)
]


# No double holds the odd ones of these.
HUGE = np.array([2**53 + 1, -(2**53) - 3, 2**60 + 7, 2**53 + 3, 3, -1, 2**61 - 1, 2**53, 2**53 + 2])


def _samples(row: Function, function: str, dtype: str) -> Iterator[Sample]:
    """The table's sample; and whole numbers that a double would round."""
    variant = row.variants(dtype)[0]
    yield sample(function, dtype, variant)
    if dtype == "int64" and row.result in ("same", "bool", "real"):
        grid = np.meshgrid(*[HUGE] * min(len(row.operands), 2), indexing="ij")
        operands = tuple(x.ravel() for x in grid)
        if row.name == "where":
            operands = np.arange(len(operands[0])) % 3 != 0, *operands
        elif len(row.operands) == 3:
            operands = *operands, np.resize(HUGE[::-1], len(operands[0]))
        kept = DOMAINS[row.domain](*operands)
        yield judged(row, dtype, tuple(x[kept] for x in operands), row.arguments[variant])


@pytest.mark.parametrize("function", ROWS)
def test_no_digits_are_lost(subject: Subject, function: str) -> None:
    row = FUNCTIONS[function]
    forms = [form for form in math_forms.forms(row) if form.text.startswith(("torch.", "x.")) and "=" not in form.text]
    for dtype in NARROWER:
        if dtype not in row.dtypes or (dtype == "complex128" and effort.level() == "quick"):
            continue
        cases = [case for found in _samples(row, function, dtype) if len(found) for case in _cases(found)]
        for turn, (layout, case) in enumerate(cases):
            operands = [LAYOUTS[layout](x, "bool" if x.dtype == bool else dtype).on(subject) for x in case.operands]
            form = forms[turn % len(forms)]
            call = f"{math_forms.spelled(form, case.arguments)} of {layout} {dtype} {case.expected.shape}"
            out = form.call(operands, case.arguments)
            assert_values(
                call, out, case.expected, case.error, case.scale, dtype=case.out, signed_zeros=row.signed_zeros
            )

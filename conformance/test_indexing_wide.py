"""Every indexing function on more than a thousand elements, in one dimension and in five, in every dtype."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
import torch

from conformance import effort
from conformance.assertions import assert_raises
from conformance.check import check, must_answer
from conformance.every_form import answer, make
from conformance.subject import Subject
from conformance.tables import rows
from conformance.tables.indexing_wide_rows import CASES, ROWS
from conformance.tables.rows import Row

pytestmark = must_answer

LAYOUTS = ("contiguous", "transposed", "stepped", "offset")
FORMS = ("function", "method", "inplace")


def slow(row: Row) -> bool:
    """Whether the oracle of a function takes milliseconds, so that a quick run asks for every other dtype only."""
    return row.name in ("scatter_reduce", "index_reduce", "sort", "argsort", "msort")


@pytest.mark.parametrize(
    "key", [pytest.param(key, marks=check(f"indexing.{ROWS[key].claim}", since=ROWS[key].since)) for key in CASES]
)
def test_large_inputs_of_one_dimension_and_of_five(subject: Subject, key: str) -> None:
    row, turns, quick = ROWS[key], rows.Turns(), effort.level() == "quick"
    forms = [form for form in FORMS if form in row.forms]
    layouts = [layout for layout in LAYOUTS if layout in row.layouts]
    dtypes = [name for name in row.dtypes if subject.supports(name)]
    for turn, dtype in enumerate(dtypes[len(key) % 2 :: 2] if quick and slow(row) else dtypes, start=len(key)):
        for place, case in enumerate(CASES[key]):
            for again in range(1 if quick else 2):
                layout = layouts[(turn // len(forms) + place + again) % len(layouts)]
                call = rows.invocation(row, case, dtype, layout, turns)
                answer(subject, call, (forms[(turn + place + again) % len(forms)],))


def deterministic(action: Callable[[], None]) -> None:
    """Do something where only deterministic algorithms are allowed."""
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("error")
    try:
        action()
    finally:
        torch.set_deterministic_debug_mode(before)


REFUSED = (TypeError, RuntimeError, IndexError, ValueError)


@pytest.mark.parametrize(
    "key", [pytest.param(key, marks=check(f"indexing.{ROWS[key].claim}", since=ROWS[key].since)) for key in CASES]
)
def test_a_call_after_one_that_was_refused_and_in_deterministic_mode(subject: Subject, key: str) -> None:
    row, turns = ROWS[key], rows.Turns()
    dtypes = [name for name in row.dtypes if subject.supports(name)]
    for turn, form in enumerate(form for form in FORMS if form in row.forms):
        call = rows.invocation(row, row.main[0], dtypes[(turn + len(key)) % len(dtypes)], "contiguous", turns)
        first = make(subject, call.given[0])
        owner, name = (torch, row.name) if form == "function" else (first, row.name + "_" * (form == "inplace"))
        given = (first,) if form == "function" else ()
        function = getattr(owner, name)
        assert_raises(f"{name}(x, 'a text')", REFUSED, functools.partial(function, *given, "a text"))
        answer(subject, call, (form,))
        if row.name != "put":  # which is refused in that mode, for values that are not added
            deterministic(lambda call=call, form=form: answer(subject, call, (form,)))

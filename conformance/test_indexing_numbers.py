"""Numbers and arrays of numpy where the functions of the area indexing take numbers and indices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from conformance import effort
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.every_form import answer
from conformance.subject import Subject
from conformance.tables import rows
from conformance.tables.indexing_rows import mask
from conformance.tables.indexing_wide_rows import ROWS
from conformance.tables.rows import Row
from conformance.wanted import Wanted, same
from properties.strategies.recipe import contiguous, row_stepped
from properties.strategies.values import distinct

pytestmark = must_answer

KINDS = (np.int64, np.int32, np.int8, np.uint8)
NO_NUMPY = ("split",)  # whose method is written in Python, and asks for an int


def as_kind(value: Any, kind: Any) -> Any:
    """Python's integers as numpy's, where they can be; also those in tuples."""
    if isinstance(value, tuple):
        return tuple(as_kind(part, kind) for part in value)
    return kind(value) if type(value) is int and (value >= 0 or kind is not np.uint8) else value


def has_integer(value: Any) -> bool:
    return any(map(has_integer, value)) if isinstance(value, tuple) else type(value) is int


def counted(row: Row) -> bool:
    """Whether a function of the table takes an integer."""
    cases = (*row.main, *row.edge)
    return row.key not in NO_NUMPY and any(has_integer((*c.args, *c.options.values())) for c in cases)


COUNTED = [key for key, row in ROWS.items() if counted(row)]


@pytest.mark.parametrize(
    "key", [pytest.param(key, marks=check(f"indexing.{ROWS[key].claim}", since=ROWS[key].since)) for key in COUNTED]
)
def test_integers_of_numpy_are_integers(subject: Subject, key: str) -> None:
    row, turns = ROWS[key], rows.Turns()
    forms = [form for form in ("function", "method", "inplace") if form in row.forms]
    dtypes = [name for name in row.dtypes if subject.supports(name)]
    cases = [case for case in row.main if has_integer((*case.args, *case.options.values()))]
    for turn, case in enumerate(cases[:3]):
        for place, kind in enumerate(KINDS[turn % 2 :: 2] if effort.level() == "quick" else KINDS):
            call = rows.invocation(row, case, dtypes[(turn + place) % len(dtypes)], "contiguous", turns)
            options = {name: as_kind(value, kind) for name, value in call.options.items()}
            call = replace(call, given=(call.given[0], *as_kind(call.given[1:], kind)), options=options)
            answer(subject, call, (forms[(turn + place) % len(forms)],))


# Numbers that several dtypes hold, and the function that writes them: to some elements of x, given where they lie.
NUMBERS = (np.float64(2.5), np.float32(2.5), np.float16(2.5), np.int64(3), np.int32(3), np.int8(3), np.uint8(3))
FILLS: dict[str, tuple[str, Any]] = {
    "masked_fill": ("masked-fill", lambda x, at, new: x.masked_fill(at.bool(), new)),
    "torch.masked_fill": ("masked-fill", lambda x, at, new: torch.masked_fill(x, at.bool(), new)),
    "masked_fill_": ("masked-fill", lambda x, at, new: x.masked_fill_(at.bool(), new)),
    "index_fill": ("index-fill", lambda x, at, new: x.index_fill(0, at.nonzero()[:, 0], new)),
    "torch.index_fill": ("index-fill", lambda x, at, new: torch.index_fill(x, 0, at.nonzero()[:, 0], new)),
    "index_fill_": ("index-fill", lambda x, at, new: x.index_fill_(0, at.nonzero()[:, 0], new)),
    "torch.where": ("where", lambda x, at, new: torch.where(at, new, x)),
    "torch.where, the other way": ("where", lambda x, at, new: torch.where(~at, x, new)),
    "scatter": ("scatter-value", lambda x, at, new: x.scatter(0, at.nonzero()[:, 0], new)),
    "torch.scatter": ("scatter-value", lambda x, at, new: torch.scatter(x, 0, at.nonzero()[:, 0], new)),
    "scatter_": ("scatter-value", lambda x, at, new: x.scatter_(0, at.nonzero()[:, 0], new)),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"indexing.{row[0]}")) for name, row in FILLS.items()])
def test_numbers_of_numpy_are_written(subject: Subject, name: str) -> None:
    _, call = FILLS[name]
    chosen = mask((33,), 3)
    at = contiguous(chosen, "bool").on(subject)
    for dtype in ("float32", "float64", "bfloat16", "int64", "uint8", "complex64"):
        whole = DTYPES[dtype].kind in ("int", "uint")
        for number in NUMBERS[3:] if whole else NUMBERS:
            for layout in (contiguous, row_stepped):
                recipe = layout(distinct(dtype, (33,)), dtype)
                expected = recipe.array.copy()
                expected[chosen] = number
                text = f"{name} of <{dtype}> with {type(number).__name__}({number})"
                same(text, call(recipe.on(subject), at, number), Wanted(expected, dtype))

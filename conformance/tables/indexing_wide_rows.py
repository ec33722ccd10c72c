"""Cases of more than a thousand elements, in one dimension and in five, for the functions of the area indexing."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.tables.indexing_arrange_rows import ROWS as ARRANGED
from conformance.tables.indexing_rows import ROWS as INDEXED
from conformance.tables.indexing_rows import apart, mask, places
from conformance.tables.rows import Case, Row, Values

ROWS: dict[str, Row] = {**INDEXED, **ARRANGED}
LINE, FIVE = (1030,), (2, 3, 2, 9, 10)
SOME, ONCE, CHOSEN = places((40,), 1030), apart((40,), 0, 1030), mask(LINE, 7)
DEEP = apart((2, 1, 1, 5, 2), 3, 9, 1)  # places along dimension 3


def _case(shape: Any, *args: Any, **options: Any) -> Case:
    return Case(shape, args, options)


def _sent(places_on_the_line: np.ndarray) -> tuple[Case, ...]:
    return (
        _case(LINE, 0, places_on_the_line, Values((40,))),
        _case(FIVE, -2, DEEP, Values((2, 3, 2, 5, 4))),
    )


def _slices(places_on_the_line: np.ndarray) -> tuple[Case, ...]:
    return (
        _case(LINE, 0, places_on_the_line, Values((40,))),
        _case(FIVE, -2, np.array([7, 0]), Values((2, 3, 2, 2, 10))),
    )


def _reduced(cases: tuple[Case, ...], way: str) -> tuple[Case, ...]:
    return tuple(Case(case.shape, (*case.args, way), {"include_self": place == 0}) for place, case in enumerate(cases))


def _both(*args: Any, **options: Any) -> tuple[Case, ...]:
    return _case(LINE, *args, **options), _case(FIVE, *args, **options)


_READ: dict[str, tuple[Case, ...]] = {
    "gather": (_case(LINE, 0, places((1031,), 1030, 2)), _case(FIVE, -2, places((2, 3, 2, 11, 9), 9, 3))),
    "take_along_dim": (_case(LINE, places((1031,), 1030, 2), 0), _case(FIVE, places((2, 3, 2, 11, 10), 9, 3), -2)),
    "index_select": (_case(LINE, 0, places((1031,), 1030, 4)), _case(FIVE, -4, np.array([2, 0, 2]))),
    "take": (_case(LINE, places((1031,), 1030, 5)), _case(FIVE, places((5, 211), 1080, 6))),
    "masked_select": (_case((2060,), mask((2060,), 1)), _case(FIVE, mask(FIVE, 8))),
    "nonzero": _both(),
    "argwhere": _both(),
    "narrow_copy": (_case(LINE, 0, 3, 1020), _case(FIVE, -2, 1, 7)),
    "repeat": (_case((515,), 2), _case((2, 3, 2, 1, 5), 2, 1, 1, 2, 1)),
    "tile": (_case((515,), (2,)), _case((2, 3, 2, 1, 5), (2, 1, 1, 2, 1))),
    "repeat_interleave": (_case(LINE, 2), _case(FIVE, np.array([2, 0, 1]), -4)),
    "flip": (_case(LINE, (-1,)), _case(FIVE, (-2, 1))),
    "fliplr": (_case((33, 41)), _case(FIVE)),
    "flipud": _both(),
    "roll": (_case(LINE, 999, -1), _case(FIVE, (4, -1), (-2, 1))),
    "rot90": (_case((33, 41)), _case(FIVE, 3, (-1, 2))),
    "tril": (_case((33, 41), 2), _case(FIVE, -1)),
    "triu": (_case((33, 41), -2), _case(FIVE, 1)),
    "diagflat": (_case((40,), 1), _case((1, 2, 2, 2, 5))),
    "cat": (_case([(700,), (400,)]), _case([FIVE, (2, 3, 1, 9, 10)], -3)),
    "concat": (_case([(700,), (400,)]), _case([FIVE, (2, 3, 1, 9, 10)], -3)),
    "stack": (_case([LINE, LINE], 1), _case([(2, 3, 9, 10)] * 3, -3)),
    "hstack": (_case([(700,), (400,)]), _case([FIVE, (2, 1, 2, 9, 10)])),
    "vstack": (_case([LINE, LINE]), _case([FIVE, (1, 3, 2, 9, 10)])),
    "dstack": (_case([LINE, LINE]), _case([FIVE, FIVE])),
    "column_stack": (_case([LINE, LINE]), _case([FIVE, (2, 1, 2, 9, 10)])),
    "Tensor.where": (_case(LINE, CHOSEN, Values(LINE)), _case(FIVE, mask((9, 1)), Values(FIVE))),
    "select_scatter": (_case(LINE, Values(()), 0, -7), _case(FIVE, Values((2, 3, 2, 10)), -2, 5)),
    "slice_scatter": (_case(LINE, Values((510,)), 0, 2, 1022, 2), _case(FIVE, Values((2, 3, 2, 3, 10)), -2, 1, 9, 3)),
    "diagonal_scatter": (_case((33, 41), Values((33,)), 2), _case(FIVE, Values((2, 3, 10, 2)), 0, 2, 3)),
    "sort": (
        _case(LINE, dim=0, descending=True, stable=True),
        _case(FIVE, dim=-2, descending=False, stable=True),
        _case((5, 11, 2), dim=1, descending=True, stable=True),
    ),
    "argsort": (
        _case(LINE, dim=-1, descending=False, stable=True),
        _case(FIVE, dim=-2, descending=True, stable=True),
        _case((5, 11, 2), dim=1, descending=False, stable=True),
    ),
    "msort": _both(),
    "kthvalue": (_case(LINE, 517, -1), _case(FIVE, 3, -2, True), _case((5, 11, 2), 4, 1)),
}
_WRITTEN: dict[str, tuple[Case, ...]] = {
    "scatter": _sent(ONCE),
    "scatter of a number": (_case(LINE, 0, ONCE, 3), _case(FIVE, -2, DEEP, 2)),
    "scatter_add": _sent(SOME),
    **{f"scatter_reduce {way}": _reduced(_sent(SOME), way) for way in ("sum", "prod", "mean", "amax", "amin")},
    "index_add": _slices(SOME),
    "index_copy": _slices(ONCE),
    "index_fill": (_case(LINE, 0, ONCE, 3), _case(FIVE, -4, np.array([2, 0]), 1)),
    "index_fill of truth values": (_case(LINE, 0, ONCE, False), _case(FIVE, -4, np.array([2, 0]), True)),
    **{f"index_reduce {way}": _reduced(_slices(SOME), way) for way in ("prod", "mean", "amax", "amin")},
    "index_put": (
        _case(LINE, (ONCE,), Values((40,))),
        _case(FIVE, (np.array([1, 0]), np.array([2, -1])), Values((2, 2, 9, 10))),
    ),
    "index_put accumulate": (
        _case(LINE, (SOME,), Values((40,)), True),
        _case(FIVE, (np.array([1, 1]), np.array([2, 2])), Values((2, 2, 9, 10)), True),
    ),
    "put": (_case(LINE, ONCE, Values((40,))), _case(FIVE, ONCE - 1030, Values((40,)))),
    "put accumulate": (_case(LINE, SOME, Values((40,)), True), _case(FIVE, SOME, Values((40,)), True)),
    "masked_fill": (_case(LINE, CHOSEN, 3), _case(FIVE, mask((9, 1)), 2)),
    "masked_fill of truth values": (_case(LINE, CHOSEN, True), _case(FIVE, mask((9, 1)), False)),
    "masked_scatter": (_case(LINE, CHOSEN, Values((1030,))), _case(FIVE, mask(FIVE), Values((1080,)))),
}
CASES = {key: cases for key, cases in {**_READ, **_WRITTEN}.items() if key in ROWS}

"""Extremes, medians, the largest few and sorting, with cases for each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from conformance.dtypes import REAL
from conformance.oracle import indexing_order as ranks
from conformance.oracle import reduction as oracle
from conformance.oracle import reduction_scan as scan
from conformance.tables.reduction_cases import (
    FM,
    KEYED,
    LINES,
    LINES_EDGE,
    MANY,
    ONE,
    ONE_EDGE,
    ORDERED,
    OUT,
    PAIR,
    RANKED,
    WHOLE,
    WHOLE_EDGE,
    on,
    pair,
    pointing,
    pointing_first,
    running,
    value,
    with_tables,
)
from conformance.tables.rows import WRITE, Row, later
from conformance.wanted import Wanted

EXTREMES = with_tables(
    [
        row
        for sign, name in ((1, "max"), (-1, "min"))
        for row in (
            Row(
                f"{name}-all",
                name,
                partial(oracle.extreme, sign=sign),
                WHOLE,
                WHOLE_EDGE,
                FM,
                REAL,
                demand=value,
                label=f"{name} of everything",
            ),
            Row(
                "max-dim-values-indices" if sign > 0 else "min-dim",
                name,
                partial(oracle.extreme_with_index, sign=sign),
                ONE,
                ONE_EDGE,
                OUT,
                REAL,
                ("input", "dim", "keepdim"),
                PAIR,
                demand=pair,
                label=f"{name} along a dimension",
            ),
            Row(
                f"a{name}",
                f"a{name}",
                partial(oracle.extreme, sign=sign),
                MANY,
                ONE_EDGE,
                OUT,
                REAL,
                ("input", "dim", "keepdim"),
                demand=value,
            ),
            Row(
                f"a{name}",
                f"a{name}",
                partial(oracle.extreme, sign=sign),
                WHOLE,
                WHOLE_EDGE,
                FM,
                REAL,
                demand=value,
                label=f"a{name} of everything",
            ),
            Row(
                f"arg{name}",
                f"arg{name}",
                partial(oracle.arg_extreme, sign=sign),
                WHOLE,
                WHOLE_EDGE,
                FM,
                ORDERED,
                demand=lambda found, *_: (Wanted(found, "int64"),),
                label=f"arg{name} of everything",
            ),
            Row(
                f"arg{name}",
                f"arg{name}",
                partial(oracle.arg_extreme, sign=sign),
                ONE,
                ONE_EDGE,
                OUT,
                ORDERED,
                ("input", "dim", "keepdim"),
                demand=lambda found, *_: (Wanted(found, "int64"),),
                table="small",
            ),
            *later(
                [
                    Row(
                        f"cum{name}",
                        f"cum{name}",
                        partial(scan.running, sign=sign),
                        LINES,
                        LINES_EDGE,
                        OUT,
                        REAL,
                        ("input", "dim"),
                        PAIR,
                        demand=running,
                        label=f"cum{name}",
                    )
                ],
                "2.6",
                "float16",
            ),
        )
    ],
    "moderate",
)

RANKS = with_tables(
    [
        Row("median", "median", scan.median, WHOLE, WHOLE_EDGE, FM, RANKED, demand=value, label="median of everything"),
        Row(
            "median",
            "median",
            scan.median,
            ONE,
            ONE_EDGE,
            OUT,
            RANKED,
            ("input", "dim", "keepdim"),
            PAIR,
            demand=pointing(lambda dim=-1, keepdim=False: dim),
            label="median along a dimension",
            layouts=WRITE,
        ),
        Row(
            "nanmedian",
            "nanmedian",
            scan.nanmedian,
            WHOLE,
            WHOLE_EDGE,
            FM,
            RANKED,
            table="special",
            demand=value,
            label="nanmedian of everything",
        ),
        Row(
            "nanmedian",
            "nanmedian",
            scan.nanmedian,
            ONE,
            ONE_EDGE,
            OUT,
            RANKED,
            ("input", "dim", "keepdim"),
            PAIR,
            table="special",
            demand=pointing(lambda dim=-1, keepdim=False: dim),
            label="nanmedian along a dimension",
            layouts=WRITE,
        ),
        Row(
            "mode",
            "mode",
            scan.mode,
            (*ONE, *WHOLE),
            (*ONE_EDGE[:6], on(())),
            OUT,
            (*RANKED, "bool"),
            ("input", "dim", "keepdim"),
            PAIR,
            table="small",
            demand=pointing(lambda dim=-1, keepdim=False: dim),
        ),
        Row(
            "topk",
            "topk",
            ranks.topk,
            (
                on((4, 5), 3),
                on((3, 4, 5), 2, -2),
                on((33,), 33),
                on((17, 2), 5, 0, False),
                on((2, 17), 9, 1, False),
                on((40,), 1),
                on((2, 100), 20),
            ),
            (on((5,), 0), on((), 1), on((1,), 1), on((3, 0), 2, 0)),
            (*KEYED, "out", "out_stepped", "out_empty"),
            RANKED,
            ("input", "k", "dim", "largest"),
            PAIR,
            demand=pointing_first,
        ),
        Row(
            "sort",
            "sort",
            lambda x, dim=-1, descending=False: ranks.sort(x, dim, descending)[0],
            (
                *WHOLE,
                on((4, 5), 0),
                on((33,), 0, True),
                on((3, 4, 5), -2, True),
                on((17, 2), dim=0, descending=True),
            ),
            (on(()), on((0,)), on((2, 0), 0)),
            OUT,
            REAL,
            ("input", "dim", "descending"),
            PAIR,
            demand=pointing(lambda dim=-1, descending=False: dim),
        ),
    ],
    "moderate",
)
LATE_RANKS = [
    replace(row, dtypes=("float16",), since="2.6", label=f"{row.key}, float16")
    for row in RANKS
    if row.name in ("median", "nanmedian", "mode", "topk")
]

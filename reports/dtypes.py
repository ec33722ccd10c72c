"""Claims over dtypes: what was observed wherever a check has a parameter called dtype."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.verdict import Verdict, worst
from reports.columns import Column

# The order in which people think of them; any other follows by name.
ORDER = (
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
    "float16", "bfloat16", "float32", "float64", "complex32", "complex64", "complex128",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Dtypes:
    """The verdicts of one column: by claim, one for each dtype of `names`, None where nothing was planned."""

    column: Column
    names: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Verdict | None]]]


def dtypes(columns: Sequence[Column]) -> list[Dtypes]:
    """One table for each column that has any check with a dtype."""
    return [found for found in map(_table, columns) if found.rows]


def _table(column: Column) -> Dtypes:
    seen: dict[str, dict[str, list[Verdict]]] = {}
    for record in column.records:
        dtype = str(record.params.get("dtype", "")).removeprefix("torch.")
        if dtype:
            seen.setdefault(record.claim, {}).setdefault(dtype, []).append(Verdict(record.verdict))
    names = sorted({dtype for found in seen.values() for dtype in found}, key=_place)
    rows = [(claim, [worst(found[name]) if name in found else None for name in names]) for claim, found in seen.items()]
    return Dtypes(column, names, rows)


def _place(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)

"""Known verdicts: other than held, expected, and found; each with the reason that the run gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.run import Record
from conformance.verdict import Verdict
from reports.columns import Column


@dataclass(frozen=True, eq=False)
class Known:
    """The checks of one claim on one column that ended otherwise than held, as expected."""

    column: Column
    claim: str
    verdict: str
    checks: int
    reason: Mapping[str, Any]


def known(columns: Sequence[Column]) -> list[Known]:
    """Every known verdict once, in the order of the runs. A claim without a check is none."""
    found: dict[tuple[int, str, str], list[Record]] = {}
    for place, column in enumerate(columns):
        for record in column.records:
            if is_known(record):
                found.setdefault((place, record.claim, record.verdict), []).append(record)
    return [
        Known(columns[place], claim, verdict, len(records), columns[place].expectation(records[0]))
        for (place, claim, verdict), records in found.items()
    ]


def is_known(record: Record) -> bool:
    """Whether a record says otherwise than held, and was expected to."""
    return record.verdict == record.expected and record.expected not in (Verdict.HELD, Verdict.NOT_RUN)

"""Claims over columns: each area's claims, each claim's verdict on every column, and all that is behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from conformance.claim import Claim
from conformance.run import Record
from conformance.verdict import QUIET, Verdict, worst
from reports.causes import chain
from reports.columns import Column, says
from reports.text import count, margin, seconds

# Of a claim's refutations with one message, the first few are shown in full: the rest are in the run file.
MOST_FINDINGS = 5


@dataclass(frozen=True, eq=False)
class Cell:
    """One claim on one column; `verdict` None where the column has no check of it."""

    column: Column
    records: Sequence[Record]

    @cached_property
    def verdict(self) -> Verdict | None:
        """The most telling one of what surprises, or of everything where nothing does."""
        found = [record for record in self.records if record.surprising] or self.records
        return worst(Verdict(record.verdict) for record in found) if found else None

    @property
    def surprising(self) -> bool:
        return any(record.surprising for record in self.records)

    @property
    def known(self) -> bool:
        """Whether something other than held was expected, and came."""
        return not self.surprising and any(record.expected != Verdict.HELD for record in self.records)

    @property
    def share(self) -> str:
        """'12' for all checks, '1 of 12' where only some have the verdict."""
        same = sum(record.verdict == self.verdict for record in self.records)
        return f"{same:,}" if same == len(self.records) else f"{same:,} of {len(self.records):,}"

    @property
    def effort(self) -> str:
        """What was tried: checks, examples, seconds, and the largest margin."""
        records = [record for record in self.records if record.examples or record.seconds]
        parts = [count(len(self.records), "check")]
        if examples := sum(record.examples for record in records):
            parts.append(count(examples, "example"))
        if records:
            parts.append(seconds(sum(record.seconds for record in records)))
        margins = [record.margin for record in self.records if record.margin is not None]
        if margins:
            parts.append(f"at most {margin(max(margins))} of the allowed error")
        return ", ".join(parts)


@dataclass(frozen=True, eq=False)
class Finding:
    """A record that did not hold, with what a reader needs beside it; `more` others said the same."""

    column: Column
    record: Record
    blocked_by: Sequence[str]
    reason: Mapping[str, object]
    more: int = 0


@dataclass(frozen=True, eq=False)
class Row:
    """One claim on all columns. `claim` is None where the catalogue does not have it."""

    id: str
    says: str
    claim: Claim | None
    cells: Sequence[Cell]
    findings: Sequence[Finding]

    @property
    def verdicts(self) -> list[str]:
        """Every verdict that occurs, for the filter."""
        return list(dict.fromkeys(record.verdict for cell in self.cells for record in cell.records))

    @property
    def unshown(self) -> int:
        """How many records need a word and get none, because there are too many messages."""
        needy = sum(_needs_a_word(record) for cell in self.cells for record in cell.records)
        return needy - sum(1 + finding.more for finding in self.findings)

    @property
    def surprising(self) -> bool:
        return any(cell.surprising for cell in self.cells)

    @property
    def checks(self) -> dict[str, list[tuple[str, list[Record | None]]]]:
        """By check function: its parameters as text, and the record of each column."""
        found: dict[str, dict[str, list[Record | None]]] = {}
        for place, cell in enumerate(self.cells):
            for record in cell.records:
                rows = found.setdefault(record.check, {})
                params = ", ".join(f"{name}={value}" for name, value in record.params.items())
                rows.setdefault(params, [None] * len(self.cells))[place] = record
        return {check: list(rows.items()) for check, rows in found.items()}


@dataclass(frozen=True, eq=False)
class Area:
    """A chapter: its rows, and for each column how many of its claims have which verdict."""

    name: str
    rows: Sequence[Row]

    @property
    def counts(self) -> list[list[tuple[Verdict, int]]]:
        """For each column the verdicts that occur with their number of claims, most telling first."""
        found = []
        for place in range(len(self.rows[0].cells)):
            tally = Counter(row.cells[place].verdict for row in self.rows)
            found.append([(verdict, tally[verdict]) for verdict in reversed(Verdict) if tally[verdict]])
        return found

    @property
    def surprises(self) -> int:
        return sum(row.surprising for row in self.rows)


def matrix(columns: Sequence[Column], catalogue: Mapping[str, Claim]) -> list[Area]:
    """Every claim that any column has a record of: in the order of the catalogue, what it lacks last."""
    recorded = dict.fromkeys(claim for column in columns for claim in column.by_claim)
    order = [*(claim for claim in catalogue if claim in recorded), *(c for c in recorded if c not in catalogue)]
    areas: dict[str, list[Row]] = {}
    for claim_id in order:
        areas.setdefault(claim_id.partition(".")[0], []).append(_row(claim_id, columns, catalogue))
    return [Area(name, rows) for name, rows in areas.items()]


def findings(cells: Iterable[Cell], catalogue: Mapping[str, Claim]) -> Iterator[Finding]:
    """The records of a claim that need a word: at fault, surprising, or known; a few of each message and column."""
    for cell in cells:
        alike: dict[tuple[str, str | None], list[Record]] = {}
        for record in filter(_needs_a_word, cell.records):
            alike.setdefault((record.verdict, record.detail.message), []).append(record)
        ordered = sorted(alike.values(), key=lambda records: -Verdict(records[0].verdict).rank)
        for records in ordered[:MOST_FINDINGS]:
            record = min(records, key=lambda record: record.detail.reproduced is not True)
            blocked_by = chain(record.claim, cell.column, catalogue)[1:] if record.verdict == Verdict.BLOCKED else ()
            yield Finding(cell.column, record, blocked_by, cell.column.expectation(record), len(records) - 1)


def _needs_a_word(record: Record) -> bool:
    return record.surprising or (record.verdict not in QUIET and record.verdict != Verdict.NOT_RUN)


def _row(claim_id: str, columns: Sequence[Column], catalogue: Mapping[str, Claim]) -> Row:
    cells = [Cell(column, column.by_claim.get(claim_id, [])) for column in columns]
    sentence = says(catalogue, claim_id)
    return Row(claim_id, sentence, catalogue.get(claim_id), cells, list(findings(cells, catalogue)))

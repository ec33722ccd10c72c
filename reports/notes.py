"""The notes' account: every statement of the study notes, how far it is right, and what the run found out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from conformance.claim import NOTE_VERDICTS, Claim, Note
from conformance.verdict import Verdict, worst
from reports.columns import Column
from reports.text import code, count, markdown

NOT_TESTABLE = "not testable"
KINDS = (*NOTE_VERDICTS, NOT_TESTABLE)


@dataclass(frozen=True)
class Statement:
    """One place where a note speaks of a claim. `verdicts`: the claim's, one a column; None where it has none."""

    claim: Claim
    note: Note
    verdicts: tuple[Verdict | None, ...]

    @property
    def kind(self) -> str:
        """How the account counts it: the note's verdict, unless nothing could test the claim."""
        return NOT_TESTABLE if self.claim.untestable else self.note.verdict

    @property
    def remark(self) -> str:
        """How the note differs from the truth, and why it cannot be tested, as far as either is so."""
        return " ".join(part for part in (self.note.remark, self.claim.untestable) if part)


@dataclass
class Account:
    """All statements of one note, in the order of the catalogue."""

    note: str
    statements: list[Statement] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How often each kind occurs, every kind named; they add up to the number of statements."""
        found = Counter(statement.kind for statement in self.statements)
        return {kind: found[kind] for kind in KINDS}


def accounts(columns: Sequence[Column], catalogue: Mapping[str, Claim]) -> list[Account]:
    """One account for each note that the catalogue names, in the order of their names."""
    found: dict[str, Account] = {}
    for claim in catalogue.values():
        verdicts = tuple(_verdict(column, claim.id) for column in columns)
        for note in claim.notes:
            found.setdefault(note.note, Account(note.note)).statements.append(Statement(claim, note, verdicts))
    return [found[name] for name in sorted(found)]


def as_markdown(columns: Sequence[Column], catalogue: Mapping[str, Claim]) -> str:
    """All accounts as one Markdown document."""
    return "\n".join(_document(accounts(columns, catalogue), columns)) + "\n"


def equation(counts: Mapping[str, int]) -> str:
    """'12 statements = 9 right + 1 imprecise + 0 outdated + 1 wrong + 1 not testable'."""
    terms = " + ".join(f"{number:,} {kind}" for kind, number in counts.items())
    return f"{count(sum(counts.values()), 'statement')} = {terms}"


def total(found: Sequence[Account]) -> dict[str, int]:
    """The counts of all notes together."""
    return {kind: sum(account.counts[kind] for account in found) for kind in KINDS}


def _document(found: Sequence[Account], columns: Sequence[Column]) -> Iterator[str]:
    yield "# The notes' account"
    yield ""
    yield equation(total(found)) + "."
    for account in found:
        yield from ("", f"## Note {markdown(account.note)}", "", equation(account.counts) + ".", "")
        heads = ["claim", "section", "the note is", "what is true", "remark", *(column.label for column in columns)]
        yield f"| {' | '.join(map(markdown, heads))} |"
        yield "| --- " * len(heads) + "|"
        yield from (_row(statement) for statement in account.statements)


def _row(statement: Statement) -> str:
    claim, note = statement.claim, statement.note
    cells = [note.section, statement.kind, claim.says, statement.remark]
    verdicts = [str(verdict or "no check").replace("_", " ") for verdict in statement.verdicts]
    return f"| {code(claim.id)} | {' | '.join(map(markdown, cells + verdicts))} |"


def _verdict(column: Column, claim_id: str) -> Verdict | None:
    records = column.by_claim.get(claim_id)
    return worst(Verdict(record.verdict) for record in records) if records else None

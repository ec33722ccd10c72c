"""The account of the study notes: every statement that they make has its claim, and the reports count each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.claim import NOTE_VERDICTS, Claim, catalogue
from reports import notes
from reports.text import code

CATALOGUE = catalogue()
CLAIMS = list(CATALOGUE.values())
# One line a statement: the claim's id, the note, and the section that makes it.
INVENTORY = Path(__file__).parent / "inventory.txt"
STATEMENTS = 481


@dataclass(frozen=True)
class Entry:
    """One place of a note, and the claim that answers it."""

    claim: str
    note: str
    section: str

    def __str__(self) -> str:
        return f"{self.claim}: note {self.note}, section {self.section!r}"


def entries() -> list[Entry]:
    """The inventory, in its order."""
    lines = INVENTORY.read_text(encoding="utf-8").splitlines()
    return [Entry(*line.split(" ", 2)) for line in lines]


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _places(claim: Claim) -> set[tuple[str, str]]:
    return {(note.note, _spaced(note.section)) for note in claim.notes}


# -- the catalogue -----------------------------------------------------------------------------------------------------


def test_the_inventory_is_whole() -> None:
    found = entries()
    assert len({entry.claim for entry in found}) == STATEMENTS
    assert len(set(found)) == len(found), "a line stands there twice"
    assert {entry.note for entry in found} == {"000", "001", "002", "003", "004"}


def test_every_statement_of_the_notes_has_its_claim() -> None:
    lacking = sorted({entry.claim for entry in entries()} - set(CATALOGUE))
    assert not lacking, f"{len(lacking)} of {STATEMENTS} statements have no claim:\n" + "\n".join(lacking)


def test_every_place_of_the_notes_stands_beside_its_claim() -> None:
    lacking = [entry for entry in entries() if entry.claim in CATALOGUE and not _named(entry)]
    assert not lacking, f"{len(lacking)} places are not named:\n" + "\n".join(map(str, lacking))


def _named(entry: Entry) -> bool:
    return (entry.note, entry.section) in _places(CATALOGUE[entry.claim])


def test_a_note_that_is_not_right_has_a_remark() -> None:
    bare = [claim.id for claim in CLAIMS for note in claim.notes if note.verdict != "right" and not note.remark]
    assert not bare


def test_no_claim_names_one_place_twice() -> None:
    twice = [claim.id for claim in CLAIMS if len(_places(claim)) < len(claim.notes)]
    assert not twice


# -- the reports -------------------------------------------------------------------------------------------------------


def _stated() -> Iterator[tuple[str, str, str, str]]:
    """What the catalogue says: claim, note, section and verdict."""
    for claim in CLAIMS:
        for note in claim.notes:
            yield claim.id, note.note, note.section, note.verdict


def test_the_account_has_every_statement_once() -> None:
    found = [
        (statement.claim.id, account.note, statement.note.section, statement.note.verdict)
        for account in notes.accounts([], CATALOGUE)
        for statement in account.statements
    ]
    assert Counter(found) == Counter(_stated())


def test_the_totals_are_those_of_the_catalogue() -> None:
    due: Counter[str] = Counter()
    for claim in CLAIMS:
        due.update(notes.NOT_TESTABLE if claim.untestable else note.verdict for note in claim.notes)
    found = notes.total(notes.accounts([], CATALOGUE))
    assert list(found) == [*NOTE_VERDICTS, notes.NOT_TESTABLE]
    assert found == {kind: due[kind] for kind in found}
    assert sum(found.values()) == sum(len(claim.notes) for claim in CLAIMS)


def test_each_note_adds_up() -> None:
    found = {account.note: account for account in notes.accounts([], CATALOGUE)}
    assert list(found) == sorted({entry.note for entry in entries()})
    for name, account in found.items():
        stated = [place for place in _stated() if place[1] == name]
        assert sum(account.counts.values()) == len(stated)
        for verdict in NOTE_VERDICTS:
            due = sum(place[3] == verdict and not CATALOGUE[place[0]].untestable for place in stated)
            assert account.counts[verdict] == due


def test_the_document_shows_every_claim_of_the_notes() -> None:
    text = notes.as_markdown([], CATALOGUE)
    rows = [line for line in text.splitlines() if line.startswith("| <code>")]
    assert len(rows) == sum(len(claim.notes) for claim in CLAIMS)
    for entry in entries():
        if entry.claim in CATALOGUE:
            assert f"| {code(entry.claim)} |" in text, f"{entry} is not in the document"

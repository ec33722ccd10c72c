"""Collects records while a run goes on, and closes the run: blocked claims, stale declarations, footer.

Knows nothing of pytest: conftest feeds it plain values, so that it works alike with and without workers.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

from packaging.version import Version

from conformance.claim import Catalogue
from conformance.profile import Expectation, Profile
from conformance.run import Record, Run, footer, write_line
from conformance.verdict import FAULTS, Verdict

UNCOVERED = "no check knows how to try this"


@dataclass
class Recorder:
    """One run in the making. `profiles`: by subject name. Records are written as they come, without a footer,
    and the whole file is replaced by the finished run at the end."""

    path: Path
    catalogue: Catalogue
    profiles: dict[str, Profile]
    release: Version
    header: dict[str, Any] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    _stream: TextIO | None = None

    def open(self, header: dict[str, Any]) -> None:
        """Write the header. From here on the file is a cut-off run, until `close`."""
        self.header = header
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self.path.open("w", encoding="utf-8", buffering=1)
        write_line(self._stream, header)

    def add(self, record: Record) -> None:
        self.records.append(record)
        if self._stream:
            write_line(self._stream, record.to_json())

    def close(self) -> Run:
        """Settle what only the whole run can tell, and write it."""
        self._block()
        stale = [*self._expect(), *self._contradictions()]
        last = footer(self.records, time.monotonic() - self.started, stale)
        run = Run({**self.header, "planned": len(self.records)}, self.records, last)
        if self._stream:
            self._stream.close()
        run.write(self.path)
        return run

    def _block(self) -> None:
        """A refuted claim whose need is at fault as well, on the same subject, is blocked by it, unless expected."""
        faulty = {(r.claim, r.subject) for r in self.records if r.verdict in FAULTS}
        for place, record in enumerate(self.records):
            if record.verdict != Verdict.REFUTED or self._expectation(record, Verdict.REFUTED):
                continue
            roots = [need for need in self.catalogue.roots(record.claim) if (need, record.subject) in faulty]
            if roots:
                detail = replace(record.detail, message=f"blocked by {', '.join(roots)}; {record.detail.message or ''}")
                self.records[place] = replace(record, verdict=str(Verdict.BLOCKED), detail=detail)

    def _expect(self) -> Iterable[str]:
        """Set what was expected of each record; report the expectations that none bore out."""
        borne: set[int] = set()
        met: dict[int, Expectation] = {}
        for record in self.records:
            expectation = self._expectation(record)
            if expectation is None or record.verdict in (Verdict.ABSENT, Verdict.NOT_RUN):
                continue
            met[id(expectation)] = expectation
            if record.verdict == expectation.verdict:
                record.expected = str(expectation.verdict)
                borne.add(id(expectation))
        for key, expectation in met.items():
            if key not in borne:
                yield (
                    f"{expectation.claim}: expected to be {expectation.verdict} ({expectation.reason}), "
                    f"but no check found it so; remove the expectation"
                )

    def _expectation(self, record: Record, verdict: Verdict | None = None) -> Expectation | None:
        """The expectation for a record; with `verdict`, only if it expects that one."""
        profile = self.profiles[record.subject]
        found = profile.expectation(record.claim, record.check, record.params, self.release)
        return found if found is None or verdict in (None, found.verdict) else None

    def _contradictions(self) -> Iterable[str]:
        """Capabilities that a profile declares and that the run did not find."""
        for record in self.records:
            profile = self.profiles[record.subject]
            area = record.claim.partition(".")[0]
            if record.verdict == Verdict.UNSUPPORTED and profile.areas is not None and area in profile.areas:
                yield f"{record.claim}: {profile.name} declares the area {area}, but {record.detail.message}"


def uncovered(claim: str, subject: str) -> Record:
    """The record of a claim that no check tries."""
    record = Record(claim, "", {}, subject, str(Verdict.NOT_RUN), expected=str(Verdict.NOT_RUN))
    record.detail.message = UNCOVERED
    return record

"""Columns: a subject in a run. Every report is a table of claims over columns, often of one column only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from conformance.claim import Claim
from conformance.run import Record, Run
from conformance.verdict import Verdict, counts

# Sentences stand in the catalogue, ids in the records; a claim may be gone from the catalogue since.
UNKNOWN = "(This claim is not in the catalogue that this report was made with.)"


@dataclass(frozen=True, eq=False)
class Column:
    """One subject of one run, and its records in the order of the run."""

    label: str
    run: Run
    subject: Mapping[str, Any]
    records: Sequence[Record]

    @property
    def name(self) -> str:
        return str(self.subject["name"])

    @property
    def torch(self) -> str:
        return torch(self.run, self.name)

    @property
    def counts(self) -> dict[str, int]:
        return counts(Verdict(record.verdict) for record in self.records)

    @property
    def known(self) -> int:
        """How many records say otherwise than held, as expected."""
        return sum(record.verdict == record.expected != Verdict.HELD for record in self.records)

    @property
    def surprises(self) -> list[Record]:
        return [record for record in self.records if record.surprising]

    @cached_property
    def by_claim(self) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        for record in self.records:
            found.setdefault(record.claim, []).append(record)
        return found

    def expectation(self, record: Record) -> Mapping[str, Any]:
        """What the run's header says about why a verdict was expected; empty where it says nothing."""
        if record.expected == Verdict.HELD:
            return {}
        for entry in self.run.header.get("expectations", []):
            if _speaks_of(entry, record) and _covers(entry.get("torch"), self.torch):
                return entry
        return {}


def columns(runs: Iterable[Run]) -> list[Column]:
    """Every subject of every run, in order, each with a label that no other column has."""
    pairs = [(run, subject) for run in runs for subject in run.header["subjects"]]
    labels = _labels([(str(subject["name"]), f"torch {torch(run, subject['name'])}") for run, subject in pairs])
    return [
        Column(label, run, subject, [record for record in run.records if record.subject == subject["name"]])
        for label, (run, subject) in zip(labels, pairs, strict=True)
    ]


def torch(run: Run, subject: str) -> str:
    """The release of torch that a subject was judged with."""
    entry: Mapping[str, Any] = next((entry for entry in run.header["subjects"] if entry["name"] == subject), {})
    return str(entry.get("torch") or run.header["environment"].get("torch") or "unknown")


def release(run: Run, subject: str) -> Version | None:
    """The same as a version; None for what is no version."""
    try:
        return Version(torch(run, subject))
    except InvalidVersion:
        return None


def says(catalogue: Mapping[str, Claim], claim_id: str) -> str:
    """The sentence of a claim, or one that says that the catalogue has none."""
    return catalogue[claim_id].says if claim_id in catalogue else UNKNOWN


def check_name(record: Record) -> str:
    """A check and its parameters, as one reads them: 'conformance/test_view.py::test_x[dtype=float32]'."""
    params = ", ".join(f"{name}={value}" for name, value in record.params.items())
    name = record.check or "(no check)"
    return f"{name}[{params}]" if params else name


def _labels(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Only what differs between columns; a number where nothing does."""
    names, releases = ({pair[place] for pair in pairs} for place in (0, 1))
    if len(releases) == 1:
        plain = [name for name, _ in pairs]
    elif len(names) == 1:
        plain = [release for _, release in pairs]
    else:
        plain = [f"{name}, {release}" for name, release in pairs]
    seen: Counter[str] = Counter()
    for label in plain:
        seen[label] += 1
        yield label if plain.count(label) == 1 else f"{label} (run {seen[label]})"


def _speaks_of(entry: Mapping[str, Any], record: Record) -> bool:
    """Whether an expectation names a record: its claim and verdict, and its check and parameters where it narrows."""
    named = (entry.get("claim"), entry.get("verdict")) == (record.claim, record.expected)
    params = dict(entry.get("params") or {})
    return named and str(entry.get("check") or "") in record.check and params.items() <= record.params.items()


def _covers(specifier: object, version: str) -> bool:
    """Whether an expectation speaks of a release; one that cannot be read covers all."""
    try:
        return not specifier or SpecifierSet(str(specifier)).contains(Version(version).base_version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True

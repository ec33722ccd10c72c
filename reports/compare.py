"""What changed between two runs: every check of either in exactly one bucket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from conformance.claim import Claim
from conformance.run import Record, Run
from conformance.verdict import Verdict
from reports.columns import release, torch

NOT_HELD = frozenset({Verdict.REFUTED, Verdict.CRASHED, Verdict.TIMED_OUT, Verdict.BROKEN, Verdict.BLOCKED})
SILENT = frozenset({Verdict.ABSENT, Verdict.UNSUPPORTED, Verdict.NOT_RUN})
DRIFT_FACTOR = 2.0
DRIFT_FLOOR = 0.5
# Facts that two runs have to share before a difference between them can be laid to PyTorch.
SAME_INPUTS = ("effort", "seed")


class Change(StrEnum):
    """The buckets, worst first. `meaning` says who falls into one."""

    def __new__(cls, value: str, meaning: str) -> Change:
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    meaning: str

    REGRESSED = "regressed", "held in the baseline, not any more"
    LOST = "lost coverage", "judged or planned in the baseline, but not judged here"
    KNOWN = "regressed as expected", "held in the baseline, not any more, as an expectation here says"
    STILL = "already so", "not held in the baseline, and not held here"
    FIXED = "fixed", "not held in the baseline, but held here"
    NEW = "new", "not planned or not judged in the baseline"
    DRIFTED = "drifted", "held in both, but with over twice as much of the allowed error, and over half of it"
    UNSETTLED = "unsettled", "measured in both, but one measurement was too noisy to decide"
    GONE = "absent", "not in this release of torch, as since and until say"
    SAME = "unchanged", "the same in both"


@dataclass(frozen=True, eq=False)
class Pair:
    """One check in two runs; a side is None where the run did not plan it."""

    change: Change
    before: Record | None
    after: Record | None

    @property
    def record(self) -> Record:
        """The newer side that is there."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def new_surprise(self) -> bool:
        """Whether the newer side surprises and the older one did not, or surprised the other way."""
        if self.after is None or not self.after.surprising:
            return False
        before = self.before
        return before is None or not before.surprising or _bad(before) != _bad(self.after)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two runs and every check of either."""

    baseline: Run
    run: Run
    pairs: Sequence[Pair]

    def __getitem__(self, change: Change) -> list[Pair]:
        return [pair for pair in self.pairs if pair.change == change]

    @property
    def counts(self) -> dict[Change, tuple[int, int]]:
        """For every bucket, how many of its checks the baseline has, and how many the run."""
        return {
            change: (
                sum(pair.before is not None for pair in self[change]),
                sum(pair.after is not None for pair in self[change]),
            )
            for change in Change
        }

    @property
    def moved(self) -> list[Change]:
        """The buckets that hold anything, but for the unchanged."""
        return [change for change in Change if change != Change.SAME and self[change]]

    @property
    def new_stale(self) -> list[str]:
        """Stale expectations that the baseline did not have."""
        return [sentence for sentence in self.run.stale if sentence not in self.baseline.stale]

    @property
    def caveats(self) -> list[str]:
        """Why a difference may come from something else than PyTorch, as sentences."""
        return list(_caveats(self.baseline, self.run))


def compare(baseline: Run, run: Run, catalogue: Mapping[str, Claim]) -> Comparison:
    """Put every check of either run into its bucket, in the order of the newer run, what it lacks last."""
    before, after = _keyed(baseline.records), _keyed(run.records)
    sides = [(before.get(key), after.get(key)) for key in dict.fromkeys([*after, *before])]
    releases = _Releases(baseline, run, catalogue)
    return Comparison(baseline, run, [Pair(_change(old, new, releases), old, new) for old, new in sides])


@dataclass(frozen=True)
class _Releases:
    """What says whether an absence is explained."""

    baseline: Run
    run: Run
    catalogue: Mapping[str, Claim]

    def explain(self, old: Record, new: Record | None) -> bool:
        """Whether since and until explain that a check is not there: those of its claim, or its own.

        A check's own bounds are not in the catalogue; but a record that says absent where the release is
        another one than the baseline's can only come from them.
        """
        here = release(self.run, old.subject)
        if here is not None and old.claim in self.catalogue and not self.catalogue[old.claim].exists_in(here):
            return True
        other = torch(self.run, old.subject) != torch(self.baseline, old.subject)
        return new is not None and new.verdict == Verdict.ABSENT and other


def _change(old: Record | None, new: Record | None, releases: _Releases) -> Change:
    if old is None:
        return Change.NEW
    if new is None:
        return Change.GONE if releases.explain(old, new) else Change.LOST
    if new.verdict in SILENT:
        if old.verdict in SILENT:
            return Change.SAME
        absent = new.verdict == Verdict.ABSENT
        return Change.GONE if absent and releases.explain(old, new) else Change.LOST
    return Change.NEW if old.verdict in SILENT else _judged(old, new)


def _judged(old: Record, new: Record) -> Change:
    """The bucket of a check that both runs judged."""
    if _bad(new):
        if _bad(old):
            return Change.STILL
        return Change.REGRESSED if new.surprising else Change.KNOWN
    if Verdict.INCONCLUSIVE in (old.verdict, new.verdict):
        return Change.SAME if old.verdict == new.verdict else Change.UNSETTLED
    if _bad(old):
        return Change.FIXED
    return Change.DRIFTED if drifted(old.margin, new.margin) else Change.SAME


def drifted(old: float | None, new: float | None) -> bool:
    """Whether the share of the allowed error grew by more than DRIFT_FACTOR to more than DRIFT_FLOOR."""
    return old is not None and new is not None and new > DRIFT_FLOOR and new > DRIFT_FACTOR * old


def _bad(record: Record) -> bool:
    return record.verdict in NOT_HELD


def _keyed(records: Iterable[Record]) -> dict[tuple[Any, ...], Record]:
    """Records by key; equal keys within a run are told apart by their order."""
    seen: Counter[tuple[str, ...]] = Counter()
    found: dict[tuple[Any, ...], Record] = {}
    for record in records:
        seen[record.key] += 1
        found[(*record.key, seen[record.key])] = record
    return found


def _caveats(baseline: Run, run: Run) -> Iterator[str]:
    common = [name for name in run.subjects if name in baseline.subjects]
    if not common:
        yield (
            f"The two have no subject in common: the baseline judged {', '.join(baseline.subjects)}, "
            f"this run {', '.join(run.subjects)}."
        )
    for fact in SAME_INPUTS:
        if baseline.header.get(fact) != run.header.get(fact):
            yield f"The {fact} differs: {baseline.header.get(fact)} in the baseline, {run.header.get(fact)} here."
    for fact in ("version", "commit"):
        old, new = baseline.header["suite"].get(fact), run.header["suite"].get(fact)
        if old != new:
            yield f"The {fact} of the suite differs: {old} in the baseline, {new} here."
    if run.header.get("deselected"):
        yield f"This run left out {run.header['deselected']:,} checks by selection."

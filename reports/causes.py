"""Why a run is not sound: surprises gathered under the claims that cause them, roots before what they block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from conformance.claim import TIERS, Claim
from conformance.run import Record
from conformance.verdict import FAULTS, Verdict
from reports.columns import Column


@dataclass
class Cause:
    """One claim that surprised, on every column where it did, and the checks that it blocks there.

    `own`: the surprising records of the claim itself; `blocked`: those of claims that need it.
    """

    claim: str
    own: list[tuple[Column, Record]] = field(default_factory=list)
    blocked: list[tuple[Column, Record]] = field(default_factory=list)

    @property
    def checks(self) -> int:
        return len(self.own) + len(self.blocked)

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(column.label for column, _ in self.own))

    @property
    def verdicts(self) -> list[str]:
        return list(dict.fromkeys(record.verdict for _, record in self.own))

    @property
    def verdict(self) -> str:
        """The most telling verdict of the claim's own records."""
        return max((Verdict(record.verdict) for _, record in self.own), key=lambda verdict: verdict.rank)

    @property
    def blocked_claims(self) -> list[str]:
        return list(dict.fromkeys(record.claim for _, record in self.blocked))


def causes(columns: Iterable[Column], catalogue: Mapping[str, Claim]) -> list[Cause]:
    """Every surprise under exactly one cause. Claims that must hold come first, then what blocks most."""
    found: dict[str, Cause] = {}
    waiting: list[tuple[Column, Record, str]] = []
    for column in columns:
        chains: dict[str, list[str]] = {}
        for record in column.surprises:
            if record.claim not in chains:
                chains[record.claim] = chain(record.claim, column, catalogue)
            if record.verdict == Verdict.BLOCKED and len(chains[record.claim]) > 1:
                waiting.append((column, record, chains[record.claim][-1]))
            else:
                found.setdefault(record.claim, Cause(record.claim)).own.append((column, record))
    for column, record, root in waiting:
        if root in found:
            found[root].blocked.append((column, record))
        else:  # the root is an expected refutation; what it blocks surprises nevertheless
            found.setdefault(record.claim, Cause(record.claim)).own.append((column, record))
    return sorted(found.values(), key=lambda cause: _urgency(cause, catalogue))


def chain(claim_id: str, column: Column, catalogue: Mapping[str, Claim]) -> list[str]:
    """The shortest way from a claim through what it needs to one that PyTorch does not keep on this column.

    Starts with the claim itself, which stands alone where none of its needs is at fault. The end is a
    root: nothing that it needs is at fault either.
    """
    way = [claim_id]
    while longer := _nearest_fault(way[-1], column, catalogue):
        if longer[-1] in way:
            break
        way.extend(longer)
    return way


def _nearest_fault(claim_id: str, column: Column, catalogue: Mapping[str, Claim]) -> list[str]:
    """The claims on the way from a claim (left out) to the nearest one at fault among its needs, or nothing."""
    queue: list[list[str]] = [[claim_id]]
    seen = {claim_id}
    while queue:
        way = queue.pop(0)
        for need in catalogue[way[-1]].needs if way[-1] in catalogue else ():
            if need in seen:
                continue
            seen.add(need)
            if _at_fault(column.by_claim.get(need, ())):
                return [*way[1:], need]
            queue.append([*way, need])
    return []


def _at_fault(records: Sequence[Record]) -> bool:
    return any(record.verdict in FAULTS or record.verdict == Verdict.BLOCKED for record in records)


def _urgency(cause: Cause, catalogue: Mapping[str, Claim]) -> tuple[int, int, int, str]:
    tier = catalogue[cause.claim].tier if cause.claim in catalogue else TIERS[0]
    return (TIERS.index(tier), cause.verdict in (Verdict.HELD, Verdict.NOT_RUN), -cause.checks, cause.claim)

"""What a run did not judge, and why: nothing is left out without a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conformance.claim import Claim
from conformance.verdict import Verdict
from reports.columns import Column

KINDS = {
    Verdict.NOT_RUN: "never run",
    Verdict.UNSUPPORTED: "unsupported",
    Verdict.ABSENT: "absent",
}


@dataclass(frozen=True)
class Silence:
    """Claims that were not judged for one reason. `checks` counts their checks, None where there are none."""

    kind: str
    reason: str
    where: str
    claims: tuple[str, ...]
    checks: int | None = None


def silences(columns: Sequence[Column], catalogue: Mapping[str, Claim]) -> list[Silence]:
    """By kind, reason and column what was planned and not judged; then what was not even planned."""
    found: list[Silence] = []
    for verdict, kind in KINDS.items():
        for column in columns:
            reasons: dict[str, list[str]] = {}
            for record in column.records:
                if record.verdict == verdict:
                    reason = record.detail.message or _bounds(catalogue.get(record.claim), verdict) or verdict.meaning
                    reasons.setdefault(reason, []).append(record.claim)
            for reason, claims in reasons.items():
                found.append(Silence(kind, reason, column.label, tuple(dict.fromkeys(claims)), len(claims)))
    return [*found, *_unplanned(columns, catalogue)]


def _unplanned(columns: Sequence[Column], catalogue: Mapping[str, Claim]) -> list[Silence]:
    found = []
    recorded = {claim for column in columns for claim in column.by_claim}
    uncovered = {claim for column in columns for claim in column.run.header.get("uncovered", [])} - recorded
    reasons: dict[tuple[str, str], list[str]] = {}
    for claim in catalogue.values():
        if claim.id in recorded:
            continue
        if claim.untestable:
            reasons.setdefault(("not testable", claim.untestable), []).append(claim.id)
        elif claim.id in uncovered:
            reasons.setdefault(("without a check", "No check knows how to try this."), []).append(claim.id)
        else:
            reasons.setdefault(("not planned", _selection(columns)), []).append(claim.id)
    for (kind, reason), claims in sorted(reasons.items(), key=lambda item: item[0][0], reverse=True):
        found.append(Silence(kind, reason, "", tuple(claims)))
    return found


def _selection(columns: Sequence[Column]) -> str:
    """Why a claim that could be tried was not planned: what was selected, if anything was."""
    chosen = []
    for column in columns:
        selection = column.run.header.get("selection", {})
        chosen += [str(glob) for key in ("claims", "areas") for glob in selection.get(key) or ()]
    if not chosen:
        return "The run planned no check of it."
    return f"Not selected: the run was narrowed to {', '.join(dict.fromkeys(chosen))}."


def _bounds(claim: Claim | None, verdict: Verdict) -> str:
    if verdict != Verdict.ABSENT or claim is None or not (claim.since or claim.until):
        return ""
    bounds = (f"since {claim.since}" if claim.since else "", f"until {claim.until}" if claim.until else "")
    return f"The claim holds {' and '.join(bound for bound in bounds if bound)}."

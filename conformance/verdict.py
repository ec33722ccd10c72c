"""What one run found out about one claim on one subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """The outcomes of a check, from the least to the most telling.

    The order matters where several checks of one claim are summed up: the most telling one speaks
    for the claim (`worst`).
    """

    ABSENT = "absent"
    UNSUPPORTED = "unsupported"
    HELD = "held"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not_run"
    BLOCKED = "blocked"
    BROKEN = "broken"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    REFUTED = "refuted"

    @property
    def rank(self) -> int:
        return list(Verdict).index(self)

    @property
    def meaning(self) -> str:
        """One sentence for a reader who meets the word for the first time."""
        return MEANINGS[self]


MEANINGS = {
    Verdict.ABSENT: "This release of PyTorch does not have what the claim speaks of.",
    Verdict.UNSUPPORTED: "The subject has no such thing: its profile says so, or a probe found out.",
    Verdict.HELD: "Not refuted in any of the examples tried.",
    Verdict.INCONCLUSIVE: "A measurement whose noise is wider than what it should decide.",
    Verdict.NOT_RUN: "Planned, but never executed, or no check knows how to.",
    Verdict.BLOCKED: "Refuted, but so is a claim that it needs; look there first.",
    Verdict.BROKEN: "The check itself blew up; it says nothing about PyTorch.",
    Verdict.TIMED_OUT: "PyTorch did not answer in time.",
    Verdict.CRASHED: "PyTorch took the process with it.",
    Verdict.REFUTED: "PyTorch did otherwise; the witness is in the record.",
}

# Verdicts that say that PyTorch is at fault.
FAULTS = frozenset({Verdict.REFUTED, Verdict.CRASHED, Verdict.TIMED_OUT})

# Verdicts that nobody has to look at when nothing else was expected.
QUIET = frozenset({Verdict.HELD, Verdict.ABSENT, Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE})


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The most telling of several verdicts. Raises ValueError for none at all."""
    return max(verdicts, key=lambda verdict: verdict.rank)


def counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How often each verdict occurs: every verdict is named, also those that never occur."""
    found = Counter(verdicts)
    return {str(verdict): found[verdict] for verdict in Verdict}

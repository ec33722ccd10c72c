"""A refutation as the text that a terminal shows: it reads like a bug report."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Sequence

from conformance.claim import Claim
from conformance.run import Record, Run
from conformance.verdict import FAULTS, Verdict


def refutation(claim: Claim, record: Record, place: str, options: Sequence[str]) -> str:
    """What was claimed, what happened, with what input, and how to see it again.

    `place`: file:line chain. `options`: what one gives pytest to judge it so again.
    """
    detail = record.detail
    params = ", ".join(f"{name}={value}" for name, value in record.params.items())
    rows = [
        ("claim", f"{claim.id}: {claim.says}"),
        ("source", claim.source),
        (
            "verdict",
            f"{record.verdict} on {record.subject}"
            + (f" after {record.examples} examples" if record.examples > 1 else ""),
        ),
        ("check", record.check + (f" [{params}]" if params else "")),
        ("what happened", detail.message),
        ("expected", detail.expected),
        ("actual", detail.actual),
        ("input", detail.recipe),
        ("where", place),
    ]
    # The command stands on one line, however long: it is there to be copied.
    return "\n".join([*(_row(name, text) for name, text in rows if text), f"{'again:':<15}{_again(claim, options)}"])


def _again(claim: Claim, options: Sequence[str]) -> str:
    lane = ["-p", "no:xdist", "perf"] if claim.kind == "cost" else []
    return shlex.join(["pytest", *lane, f"--claim={claim.id}", *options])


def _row(name: str, text: str) -> str:
    lines = [line for part in str(text).splitlines() for line in (textwrap.wrap(part, 110) or [""])]
    return f"{name + ':':<15}" + f"\n{'':<15}".join(lines[:40])


def summary(run: Run, says: dict[str, str], most: int = 20) -> Iterable[str]:
    """The lines at the end of a run: counts that add up, then the refuted claims as sentences, roots first."""
    tally = {name: count for name, count in run.footer["counts"].items() if count}
    yield f"{len(run.records)} planned = " + " + ".join(f"{count} {name}" for name, count in tally.items())
    faulty: dict[tuple[str, str, str], int] = {}
    for record in run.records:
        if record.surprising:
            key = (record.verdict, record.claim, record.subject)
            faulty[key] = faulty.get(key, 0) + 1
    order = sorted(faulty, key=lambda key: (key[0] not in FAULTS, key[0] == Verdict.BLOCKED))
    for verdict, claim, subject in order[:most]:
        count = faulty[verdict, claim, subject]
        times = f" ({count} checks)" if count > 1 else ""
        yield f"  {verdict} on {subject}: {claim}{times}: {says.get(claim, '')}"
    if len(order) > most:
        yield f"  … and {len(order) - most} more; the page shows all of them"
    expected = sum(record.expected != Verdict.HELD and not record.surprising for record in run.records)
    if expected:
        yield f"  {expected} verdicts were expected to be other than held"
    for sentence in run.stale:
        yield f"  stale: {sentence}"

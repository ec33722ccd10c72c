"""The gate: one run, judged by itself or against a baseline, as an answer, its text and an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.claim import Claim
from conformance.run import Record, Run
from reports.causes import Cause, causes
from reports.columns import check_name, columns, says
from reports.compare import Change, Comparison, Pair, compare
from reports.exits import Exit
from reports.text import count, joined
from reports.wording import (
    bucket,
    cause_lines,
    checks,
    comparison_lines,
    conservation,
    headline,
    identity,
    releases,
    sentences,
)


@dataclass(frozen=True)
class Answer:
    """What a command says: `text` for people, `data` (plain values) for programs, and how to exit."""

    exit: Exit
    text: str
    data: dict[str, Any]


def gate(run: Run, catalogue: Mapping[str, Claim], baseline: Run | None = None) -> Answer:
    """Judge a run by its surprises, or by what became worse since a baseline."""
    return alone(run, catalogue) if baseline is None else against(compare(baseline, run, catalogue), catalogue)


def alone(run: Run, catalogue: Mapping[str, Claim]) -> Answer:
    """Judge a run by itself: sound without surprises and stale expectations."""
    found = causes(columns([run]), catalogue)
    code = Exit.SURPRISES if run.surprises or run.stale else Exit.SOUND
    lines = [headline(run, found), "", identity(run), conservation(run.footer["counts"])]
    for cause in found:
        lines += cause_lines(cause, catalogue)
    lines += sentences("Stale expectations", run.stale)
    data = {
        "answer": "surprises" if code else "sound",
        "exit": int(code),
        "planned": run.header["planned"],
        "counts": run.footer["counts"],
        "surprises": [_plain_cause(cause, catalogue) for cause in found],
        "stale": run.stale,
    }
    return Answer(code, "\n".join(lines) + "\n", data)


def against(comparison: Comparison, catalogue: Mapping[str, Claim]) -> Answer:
    """Judge a run by a baseline: regressed before lost coverage before new surprises before sound."""
    surprises = [pair for pair in comparison.pairs if pair.new_surprise]
    if comparison[Change.REGRESSED]:
        code = Exit.REGRESSED
    elif comparison[Change.LOST]:
        code = Exit.LOST_COVERAGE
    else:
        code = Exit.SURPRISES if surprises or comparison.new_stale else Exit.SOUND
    lines = [_answer(comparison, code, len(surprises)), "", *comparison_lines(comparison, catalogue)]
    lines += bucket("Surprises that the baseline did not have", "", surprises, catalogue)
    lines += sentences("Stale expectations that the baseline did not have", comparison.new_stale)
    data = {"answer": code.name.lower().replace("_", " "), "exit": int(code), **as_data(comparison)}
    return Answer(code, "\n".join(lines) + "\n", data)


def neutral(comparison: Comparison, catalogue: Mapping[str, Claim]) -> Answer:
    """The same classification without a judgement."""
    moved = [f"{len(comparison[change]):,} {change}" for change in comparison.moved]
    first = f"Differences: {joined(moved)}." if moved else "No differences."
    lines = [first, "", *comparison_lines(comparison, catalogue)]
    return Answer(Exit.SOUND, "\n".join(lines) + "\n", as_data(comparison))


def as_data(comparison: Comparison) -> dict[str, Any]:
    """A comparison as plain values: the counts of every bucket, and every check that is not unchanged."""
    return {
        "baseline": _plain_run(comparison.baseline),
        "run": _plain_run(comparison.run),
        "counts": {str(change): {"baseline": old, "run": new} for change, (old, new) in comparison.counts.items()},
        "changes": [_plain_pair(pair) for change in comparison.moved for pair in comparison[change]],
        "new_stale": comparison.new_stale,
        "caveats": comparison.caveats,
    }


def _answer(comparison: Comparison, code: Exit, surprises: int) -> str:
    worse = [change for change in (Change.REGRESSED, Change.LOST) if comparison[change]]
    if worse:
        text = "; ".join(f"{change}: {checks(comparison[change])}" for change in worse)
        return f"{text.capitalize()}."
    if code == Exit.SOUND:
        return "Sound: nothing regressed, no coverage was lost, and nothing new surprised."
    numbers = ((surprises, "surprise"), (len(comparison.new_stale), "stale expectation"))
    parts = joined(count(number, word) for number, word in numbers if number)
    return f"Surprises: {parts} that the baseline did not have; nothing regressed and no coverage was lost."


def _plain_run(run: Run) -> dict[str, Any]:
    return {
        "planned": run.header["planned"],
        "torch": releases(run),
        "subjects": run.subjects,
        "started": run.header.get("started"),
    }


def _plain_cause(cause: Cause, catalogue: Mapping[str, Claim]) -> dict[str, Any]:
    return {
        "claim": cause.claim,
        "says": says(catalogue, cause.claim),
        "verdicts": cause.verdicts,
        "subjects": cause.columns,
        "checks": [check_name(record) for _, record in cause.own],
        "blocked": [check_name(record) for _, record in cause.blocked],
    }


def _plain_pair(pair: Pair) -> dict[str, Any]:
    return {
        "change": str(pair.change),
        "claim": pair.record.claim,
        "check": check_name(pair.record),
        "subject": pair.record.subject,
        "surprise": pair.new_surprise,
        "baseline": _plain_side(pair.before),
        "run": _plain_side(pair.after),
    }


def _plain_side(record: Record | None) -> dict[str, Any] | None:
    return None if record is None else {"verdict": record.verdict, "margin": record.margin}

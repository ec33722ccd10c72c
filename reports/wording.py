"""Runs, causes and changes as lines of plain text, each safe to print in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from conformance.claim import Claim
from conformance.run import Run
from reports.causes import Cause
from reports.columns import check_name, says, torch
from reports.compare import Change, Comparison, Pair
from reports.identity import suite
from reports.text import count, joined, margin, one_line, plain, table

# A terminal is not the place for thousands of lines; the page and --json have everything.
MOST_CLAIMS = 100
MOST_CHECKS = 5


def headline(run: Run, found: Sequence[Cause]) -> str:
    """The answer in one sentence: sound, or how many surprises of how many causes."""
    if not run.surprises and not run.stale:
        return f"Sound: none of {count(run.header['planned'], 'check')} surprised."
    parts = []
    if run.surprises:
        parts.append(f"{count(len(run.surprises), 'surprise')} of {count(len(found), 'cause')}")
    if run.stale:
        parts.append(count(len(run.stale), "stale expectation"))
    return f"{joined(parts)} in {count(run.header['planned'], 'check')}."


def identity(run: Run) -> str:
    """One line: what was judged, by what, how hard."""
    judged = f"torch {joined(releases(run))} on {joined(run.subjects)}"
    return plain(f"{judged}; {suite(run)}; effort {run.header['effort']}, seed {run.header['seed']}")


def releases(run: Run) -> list[str]:
    """The releases of torch in a run; one, unless its subjects differ."""
    return list(dict.fromkeys(torch(run, name) for name in run.subjects))


def conservation(counts: Mapping[str, int]) -> str:
    """'412 planned = 400 held + 12 absent': the outcomes that occur add up to what was planned."""
    terms = [f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items() if number]
    return f"{sum(counts.values()):,} planned = {' + '.join(reversed(terms)) or '0'}"


def comparison_lines(comparison: Comparison, catalogue: Mapping[str, Claim]) -> Iterator[str]:
    """Both runs, what may explain a difference, the numbers, and every bucket that somebody should read."""
    for name, run in (("baseline", comparison.baseline), ("run", comparison.run)):
        yield f"{name:<10}{identity(run)}"
        yield f"{'':<10}{conservation(run.footer['counts'])}"
    yield from (f"caution   {plain(sentence)}" for sentence in comparison.caveats)
    yield ""
    yield from _numbers(comparison)
    for change in comparison.moved:
        yield from bucket(f"{change.capitalize()}", change.meaning, comparison[change], catalogue)


def bucket(title: str, meaning: str, pairs: Sequence[Pair], catalogue: Mapping[str, Claim]) -> Iterator[str]:
    """The changes of one kind under the sentences of their claims; nothing where there are none."""
    if not pairs:
        return
    yield ""
    yield f"{title}: {checks(pairs)}{f' ({meaning})' if meaning else ''}"
    by_claim: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_claim.setdefault(pair.record.claim, []).append(pair)
    for claim_id, found in list(by_claim.items())[:MOST_CLAIMS]:
        yield f"  {plain(claim_id)}: {one_line(says(catalogue, claim_id), 400)}"
        yield from (f"    {_sides(pair)}" for pair in found[:MOST_CHECKS])
        yield from _more(len(found) - MOST_CHECKS, "    ", "check")
    yield from _more(len(by_claim) - MOST_CLAIMS, "  ", "claim")


def cause_lines(cause: Cause, catalogue: Mapping[str, Claim]) -> Iterator[str]:
    """One cause: the claim as a sentence, its own checks, and what it blocks."""
    yield ""
    yield f"{cause.verdict.replace('_', ' ').capitalize()}: {one_line(says(catalogue, cause.claim), 400)}"
    yield f"  {plain(cause.claim)}, on {joined(map(plain, cause.columns))}: 1 cause, {count(cause.checks, 'check')}"
    for _, record in cause.own[:MOST_CHECKS]:
        yield f"    {one_line(check_name(record), 300)}: {record.verdict}, expected {record.expected}"
        if record.detail.message:
            yield f"      {one_line(record.detail.message)}"
    yield from _more(len(cause.own) - MOST_CHECKS, "    ", "check")
    if cause.blocked:
        blocked = joined(map(plain, cause.blocked_claims))
        yield f"    blocks {count(len(cause.blocked), 'check')} of {blocked}"


def sentences(title: str, found: Iterable[str]) -> list[str]:
    """A titled list of sentences; nothing where there are none."""
    lines = [f"  {one_line(sentence, 1000)}" for sentence in found]
    return ["", f"{title}: {len(lines)}", *lines] if lines else []


def checks(pairs: Sequence[Pair]) -> str:
    """'3 checks of 1 claim'."""
    return f"{count(len(pairs), 'check')} of {count(len({pair.record.claim for pair in pairs}), 'claim')}"


def _more(number: int, indent: str, word: str) -> Iterator[str]:
    if number > 0:
        yield f"{indent}… and {count(number, 'more ' + word)}"


def _numbers(comparison: Comparison) -> list[str]:
    counts = comparison.counts
    rows = [(str(change), f"{old:,}", f"{new:,}") for change, (old, new) in counts.items()]
    totals = [sum(pair[side] for pair in counts.values()) for side in (0, 1)]
    return table([("checks", "baseline", "run"), *rows, ("planned", f"{totals[0]:,}", f"{totals[1]:,}")])


def _sides(pair: Pair) -> str:
    record = pair.record
    old, new = (side.verdict if side else "not planned" for side in (pair.before, pair.after))
    text = f"{plain(record.subject)}  {one_line(check_name(record), 300)}: {old} → {new}"
    if pair.change == Change.DRIFTED and pair.before and pair.after:
        return f"{text}, margin {margin(pair.before.margin)} → {margin(pair.after.margin)}"
    message = pair.after.detail.message if pair.after else None
    return f"{text} ({one_line(message)})" if message else text

"""A run as Markdown for the summary of a CI step: the answer, the numbers, the causes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from conformance.claim import Claim
from conformance.run import Run
from reports.causes import Cause, causes
from reports.columns import Column, check_name, columns, says
from reports.text import clip, code, count, fence, joined, markdown
from reports.wording import conservation, headline, identity

# A step summary may hold 1 MiB; the page has the rest.
MOST_CAUSES = 50
MOST_CHECKS = 10


def summary(run: Run, catalogue: Mapping[str, Claim]) -> str:
    """The whole summary. Whatever the run holds shows as text, not as markup."""
    found = causes(columns([run]), catalogue)
    lines = [f"## {'❌' if run.surprises or run.stale else '✅'} {headline(run, found)}", ""]
    lines += [markdown(identity(run)), "", markdown(conservation(run.footer["counts"])), ""]
    lines += _table(columns([run]))
    for cause in found[:MOST_CAUSES]:
        lines += _cause(cause, catalogue)
    if len(found) > MOST_CAUSES:
        lines += ["", f"… and {count(len(found) - MOST_CAUSES, 'more cause')}; the page shows all of them."]
    if run.stale:
        lines += ["", "### Stale expectations", "", *(f"- {markdown(sentence)}" for sentence in run.stale)]
    return "\n".join(lines) + "\n"


def _table(found: Sequence[Column]) -> Iterator[str]:
    """Subjects by outcome: the outcomes that occur in any of them."""
    occurring = [name for name in found[0].counts if any(column.counts[name] for column in found)] if found else []
    heads = ["subject", "planned", *(name.replace("_", " ") for name in occurring)]
    yield f"| {' | '.join(heads)} |"
    yield "| --- |" + " ---: |" * (len(heads) - 1)
    for column in found:
        numbers = [len(column.records), *(column.counts[name] for name in occurring)]
        yield f"| {markdown(column.label)} | {' | '.join(f'{number:,}' for number in numbers)} |"


def _cause(cause: Cause, catalogue: Mapping[str, Claim]) -> Iterator[str]:
    word = cause.verdict.replace("_", " ").capitalize()
    yield ""
    yield f"### {word}: {markdown(says(catalogue, cause.claim))}"
    yield ""
    yield f"{code(cause.claim)} on {joined(map(markdown, cause.columns))}: 1 cause, {count(cause.checks, 'check')}"
    yield ""
    for _, record in cause.own[:MOST_CHECKS]:
        message = f": {markdown(clip(record.detail.message, 500))}" if record.detail.message else ""
        yield f"- {code(check_name(record))}: {record.verdict.replace('_', ' ')}, expected {record.expected}{message}"
    if len(cause.own) > MOST_CHECKS:
        yield f"- … and {len(cause.own) - MOST_CHECKS:,} more"
    if cause.blocked:
        blocked = joined(map(code, cause.blocked_claims[:MOST_CHECKS]))
        yield f"- blocks {count(len(cause.blocked), 'check')} of {blocked}"
    script = next((record.detail.reproducer for _, record in cause.own if record.detail.reproducer), None)
    if script and len(script) < 8000:
        yield from ("", "<details><summary>Reproducer</summary>", "", fence(script, "python"), "", "</details>")

"""A badge: the JSON that a badge server turns into a picture."""

from __future__ import annotations

from typing import Any

from conformance.run import Run
from conformance.verdict import Verdict
from reports.text import count, joined, plain
from reports.wording import releases


def badge(run: Run) -> dict[str, Any]:
    """An endpoint badge (schema version 1 of shields.io): what was judged, and the answer with its denominator."""
    surprises = len(run.surprises) + len(run.stale)
    held = run.footer["counts"][Verdict.HELD]
    answer = count(surprises, "surprise") if surprises else "sound"
    return {
        "schemaVersion": 1,
        "label": plain(f"torch {joined(releases(run))} on {joined(run.subjects)}"),
        "message": f"{answer}, {held:,} of {run.header['planned']:,} held",
        "color": "critical" if surprises else "success",
    }

"""One page about any number of runs: a single HTML file that needs nothing else, not even JavaScript."""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from conformance.claim import Claim
from conformance.run import Run
from conformance.verdict import Verdict
from reports import text
from reports.causes import Cause, causes
from reports.columns import check_name, columns, says
from reports.dtypes import dtypes
from reports.identity import facts
from reports.known import known
from reports.matrix import Finding, matrix
from reports.measurements import Measured, measured, percent, quantity, times
from reports.notes import accounts, equation, total
from reports.silence import silences

TEMPLATES = Path(__file__).parent / "templates"
# Of that many causes the evidence stands beside the sentence; of the others it stands at the claim.
MOST_CAUSES = 30


@dataclass(frozen=True, eq=False)
class Shown:
    """A cause as the page shows it, with its first finding, if it is one of the first causes."""

    cause: Cause
    says: str
    claim: Claim | None
    finding: Finding | None


def page(runs: Sequence[Run], catalogue: Mapping[str, Claim]) -> str:
    """The page as one HTML document. Raises ValueError for no run at all."""
    if not runs:
        raise ValueError("a page needs at least one run")
    template = _environment().get_template("page.html")
    return template.render(_content(runs, catalogue), catalogue=catalogue, policy=_policy(), **_sources())


def _content(runs: Sequence[Run], catalogue: Mapping[str, Claim]) -> dict[str, Any]:
    """What the runs say, part by part."""
    found = columns(runs)
    areas = matrix(found, catalogue)
    return {
        "runs": runs,
        "columns": found,
        "causes": _shown(causes(found, catalogue), areas, catalogue),
        "surprises": sum(len(run.surprises) for run in runs),
        "stale": [sentence for run in runs for sentence in run.stale],
        "left_out": sum(int(run.header.get("deselected", 0)) for run in runs),
        "facts": facts(runs),
        "areas": areas,
        "known": known(found),
        "silences": silences(found, catalogue),
        "dtypes": dtypes(found),
        "measurements": measured(found),
        "accounts": accounts(found, catalogue),
    }


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        verdicts=list(reversed(Verdict)),
        count=text.count,
        equation=equation,
        total=total,
        check_name=check_name,
        says=says,
    )
    environment.filters.update({function.__name__.strip("_"): function for function in FILTERS})
    return environment


def _visible(value: Any) -> Any:
    """Every text that a template writes, with unsafe characters shown; markup of our own as it is."""
    return text.plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _web(address: object) -> str:
    """An address that may become a link, or nothing: no script, no file, no data."""
    found = str(address or "")
    return found if found.startswith(("https://", "http://")) else ""


def _plain_json(value: object) -> str:
    """A header's value as a reader wants it: text as it is, mappings as 'name: value'."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_plain_json(part)}" for name, part in value.items()) or "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _word(verdict: object) -> str:
    return str(verdict).replace("_", " ")


def _anchor(claim: str) -> str:
    """The fragment that leads to a claim: its id as the page writes it."""
    return urllib.parse.quote(text.plain(claim))


def _overview(entry: Measured) -> list[Any]:
    """The drawings of kernels and conversions, as far as there are figures for them."""
    from reports import plots  # here: matplotlib takes most of a second, and few pages draw anything

    return [plot for plot in (plots.roofline(entry), plots.conversions(entry)) if plot]


def _ratios(entry: Measured) -> Any:
    """The drawing of the ratios, or None."""
    from reports import plots  # as above

    return plots.ratios(entry)


FIGURES = (quantity, times, percent, _overview, _ratios)
TEXTS = (text.clip, text.one_line, text.seconds, text.margin, text.joined)
FILTERS = (*TEXTS, *FIGURES, _web, _plain_json, _word, _anchor)


def _sources() -> dict[str, str]:
    """Our own script and style, which stand in the page as they are."""
    names = {"script": "page.js", "style": "page.css"}
    return {key: (TEMPLATES / name).read_text(encoding="utf-8") for key, name in names.items()}


def _policy() -> str:
    """A content security policy: nothing from outside, and no script but our own."""
    digest = base64.b64encode(hashlib.sha256(_sources()["script"].encode()).digest()).decode()
    sources = {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "script-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in sources.items())


def _findings(areas: Sequence[Any]) -> list[Finding]:
    return [finding for area in areas for row in area.rows for finding in row.findings]


def _shown(found: Sequence[Cause], areas: Sequence[Any], catalogue: Mapping[str, Claim]) -> list[Shown]:
    first: dict[str, Finding] = {}
    for finding in _findings(areas):
        if finding.record.surprising:
            first.setdefault(finding.record.claim, finding)
    return [
        Shown(
            cause,
            says(catalogue, cause.claim),
            catalogue.get(cause.claim),
            first.get(cause.claim) if place < MOST_CAUSES else None,
        )
        for place, cause in enumerate(found)
    ]

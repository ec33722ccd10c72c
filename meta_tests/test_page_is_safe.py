"""The page shows whatever a run or a catalogue holds as text, and loads nothing."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.claim import Catalogue, Claim, Note
from conformance.run import Run
from meta_tests.parsed import Parsed
from meta_tests.runs import HOSTILE, record, refuted, run
from reports.page import page

# What a browser would fetch by itself.
LOADING = {"src", "srcset", "poster", "data", "background", "ping", "manifest"}


def hostile() -> tuple[Run, Catalogue]:
    """Everything that a run and a catalogue can say, said by somebody who means harm."""
    claim = Claim(
        f"view.{HOSTILE}",
        HOSTILE,
        "javascript:alert(1)",
        (Note(HOSTILE, HOSTILE, "wrong", HOSTILE),),
        since="2.0",
        tier="must",
    )
    untestable = replace(claim, id="view.untestable", untestable=HOSTILE)
    texts = dict.fromkeys(("message", "recipe", "expected", "actual", "reproducer"), HOSTILE)
    records = [
        refuted(claim.id, check=HOSTILE, params={"dtype": HOSTILE, HOSTILE: HOSTILE}, subject=HOSTILE, **texts),
        record(HOSTILE, "unsupported", message=HOSTILE, subject=HOSTILE),
        record(claim.id, "refuted", message="known", subject=HOSTILE, check="known"),
    ]
    records[-1].expected = "refuted"
    rows = [
        {"claim": claim.id, "verdict": "refuted", "torch": HOSTILE, "reason": HOSTILE, "issue": "javascript:alert(1)"}
    ]
    header = run([]).header
    return (
        run(
            records,
            subjects=(HOSTILE,),
            torch=HOSTILE,
            stale=[HOSTILE],
            expectations=rows,
            suite=dict.fromkeys(header["suite"], HOSTILE),
            environment=dict.fromkeys(header["environment"], HOSTILE) | {HOSTILE: {HOSTILE: [HOSTILE]}},
            effort=HOSTILE,
            seed=HOSTILE,
            selection={"claims": [HOSTILE], "areas": [HOSTILE]},
            started=HOSTILE,
        ),
        Catalogue({claim.id: claim, untestable.id: untestable}),
    )


def test_everything_is_escaped() -> None:
    found, claims = hostile()
    html = page([found], claims)
    parsed = Parsed(html)
    assert len(parsed.of("script")) == 1
    assert "<script>alert(1)</script>" in parsed.text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e\ud800]", html)
    html.encode("utf-8")
    links = [attributes["href"] for attributes in parsed.of("a")]
    assert all(link.startswith(("#", "https://", "http://")) for link in links)
    assert {name for _, attributes in parsed.tags for name in attributes if name.startswith("on")} == set()


def test_nothing_is_loaded_from_outside() -> None:
    found, claims = hostile()
    html = page([found], claims)
    parsed = Parsed(html)
    loading = [(tag, found) for tag, found in parsed.tags if LOADING & set(found)]
    assert loading == []
    assert {"link", "img", "iframe", "object", "embed", "base"} & {tag for tag, _ in parsed.tags} == set()
    styles = re.findall(r"<style>(.*?)</style>", html, re.DOTALL) + [found.get("style", "") for _, found in parsed.tags]
    assert not any("url(" in style or "@import" in style for style in styles)
    assert "default-src 'none'" in parsed.of("meta")[1]["content"]

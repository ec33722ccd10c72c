"""A run as JUnit XML, the format that every CI system reads: one suite a subject, one case a check."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from conformance.run import Record, Run
from conformance.verdict import Verdict
from reports.columns import Column, check_name, columns
from reports.text import plain

# JUnit has failures (an assertion) and errors (anything else).
ERRORS = frozenset({Verdict.CRASHED, Verdict.TIMED_OUT, Verdict.BROKEN, Verdict.NOT_RUN})


def junit(run: Run) -> str:
    """The XML document. Surprises are failures or errors; what is quiet but did not hold is skipped, with its reason.

    A stale expectation is a failure of its own, so that the document is red whenever the gate is.
    """
    root = ET.Element("testsuites", name="torch-conformance")
    for column in columns([run]):
        suite = ET.SubElement(root, "testsuite", name=plain(f"{column.name}, torch {column.torch}"))
        if run.header.get("started"):
            suite.set("timestamp", plain(run.header["started"]))
        for record in column.records:
            _case(suite, column, record)
        _tally(suite)
    if run.stale:
        suite = ET.SubElement(root, "testsuite", name="stale expectations")
        for sentence in run.stale:
            case = ET.SubElement(suite, "testcase", classname="expectations", name=plain(sentence), time="0")
            ET.SubElement(case, "failure", message=plain(sentence), type="stale")
        _tally(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, column: Column, record: Record) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=plain(record.claim),
        name=plain(check_name(record)),
        time=f"{record.seconds:.3f}",
    )
    if record.verdict == Verdict.HELD and not record.surprising:
        return
    message = plain(record.detail.message or Verdict(record.verdict).meaning)
    if not record.surprising:
        reason = column.expectation(record).get("reason") or message
        ET.SubElement(case, "skipped", message=plain(f"{record.verdict}: {reason}"))
        return
    tag = "error" if record.verdict in ERRORS else "failure"
    outcome = ET.SubElement(case, tag, message=f"{record.verdict}, expected {record.expected}: {message}")
    outcome.set("type", record.verdict)
    outcome.text = _text(record)


def _text(record: Record) -> str:
    parts = (
        ("recipe", record.detail.recipe),
        ("expected", record.detail.expected),
        ("actual", record.detail.actual),
        ("reproducer", record.detail.reproducer),
    )
    return "\n\n".join(f"{name}:\n{plain(text)}" for name, text in parts if text)


def _tally(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in suite)))
    suite.set("time", f"{sum(float(case.get('time', 0)) for case in suite):.3f}")

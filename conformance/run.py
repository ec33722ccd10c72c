"""A run: a header, one record for every planned check, a footer with the counts. JSON lines.

A file without its footer is a run that was cut off, and is refused: it never passes for a shorter one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from conformance.verdict import Verdict, counts

SCHEMA = 1

# What every reader relies on; reports/schema/run.json says the same in full.
HEADER: dict[str, Any] = {
    "suite": dict,
    "environment": dict,
    "subjects": list,
    "effort": str,
    "seed": object,
    "planned": int,
}
OPTIONAL: dict[str, Any] = {"expectations": list, "uncovered": list, "selection": dict, "deselected": int}
FOOTER: dict[str, Any] = {"counts": dict, "seconds": (int, float), "stale": list}
RECORD: dict[str, Any] = {
    "claim": str,
    "check": str,
    "params": dict,
    "subject": str,
    "examples": int,
    "seconds": (int, float),
    "margin": (int, float, type(None)),
    "measurements": list,
}
MEASUREMENT: dict[str, Any] = {"name": str, "kind": str}
DETAIL: dict[str, Any] = {
    **dict.fromkeys(("recipe", "expected", "actual", "message", "reproducer"), (str, type(None))),
    "reproduced": (bool, type(None)),
}


class UnusableRun(ValueError):
    """A file that no report can be made of; the message names the file, the line and the reason."""


class IncompleteRun(UnusableRun):
    """A run that was cut off: no footer, or fewer records than planned."""


class MalformedRun(UnusableRun):
    """Not a run at all, or one of another schema."""


@dataclass
class Detail:
    """What a reader of a refutation wants: all of it as plain text, any of it None."""

    recipe: str | None = None
    expected: str | None = None
    actual: str | None = None
    message: str | None = None
    reproducer: str | None = None
    reproduced: bool | None = None


@dataclass
class Record:
    """The verdict of one check on one subject.

    `check` names the function (`conformance/test_view.py::test_…`), `params` its parameters by name,
    `expected` the verdict that was expected, `examples` how many inputs were tried, `margin` the largest
    error seen as a share of the error allowed (None where nothing was compared with a tolerance), `measurements`
    the figures of a check of cost, as plain values.
    """

    claim: str
    check: str
    params: dict[str, str]
    subject: str
    verdict: str
    expected: str = "held"
    examples: int = 0
    seconds: float = 0.0
    margin: float | None = None
    detail: Detail = field(default_factory=Detail)
    measurements: list[dict[str, Any]] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes two records of two runs the same check."""
        return (self.claim, self.check, json.dumps(self.params, sort_keys=True), self.subject)

    @property
    def surprising(self) -> bool:
        """Whether the verdict is another than the expected one (absence and lack of support are no surprise)."""
        if self.expected == Verdict.HELD:
            return self.verdict not in (Verdict.HELD, Verdict.ABSENT, Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE)
        return self.verdict not in (self.expected, Verdict.ABSENT)

    def to_json(self) -> dict[str, Any]:
        line = {"kind": "record", **asdict(self)}
        return line if self.measurements else {key: value for key, value in line.items() if key != "measurements"}


@dataclass
class Run:
    """One execution of the suite. `header`, `footer`: plain dicts as in reports/schema/run.json."""

    header: dict[str, Any]
    records: list[Record]
    footer: dict[str, Any]

    @property
    def subjects(self) -> list[str]:
        return [subject["name"] for subject in self.header["subjects"]]

    @property
    def surprises(self) -> list[Record]:
        return [record for record in self.records if record.surprising]

    @property
    def stale(self) -> list[str]:
        """Expectations that no record bore out, as sentences."""
        return list(self.footer.get("stale", []))

    def write(self, path: Path) -> None:
        """Replace a file by this run, wholly or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        with part.open("w", encoding="utf-8") as stream:
            write_line(stream, self.header)
            for record in self.records:
                write_line(stream, record.to_json())
            write_line(stream, self.footer)
        os.replace(part, path)


def footer(records: Iterable[Record], seconds: float, stale: Iterable[str] = ()) -> dict[str, Any]:
    """The last line of a run. `seconds`: wall time of the whole run."""
    tally = counts(Verdict(record.verdict) for record in records)
    return {"kind": "footer", "counts": tally, "seconds": round(seconds, 3), "stale": list(stale)}


def write_line(stream: TextIO, line: dict[str, Any]) -> None:
    """Append one line; NaN and infinities are no JSON and raise ValueError."""
    text = json.dumps(line, ensure_ascii=False, allow_nan=False)
    # A lone surrogate cannot be written in UTF-8; its escape is JSON as well.
    stream.write(text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")


def read(path: str | os.PathLike[str]) -> Run:
    """Read a run. Raises IncompleteRun or MalformedRun; never returns less than was planned."""
    path = Path(path)
    lines = _lines(path)
    if not lines or lines[0].get("kind") != "header":
        raise MalformedRun(f"{path}: line 1: no header; this is not a run of this suite")
    header = lines[0]
    if header.get("schema") != SCHEMA:
        raise MalformedRun(f"{path}: line 1: schema {header.get('schema')!r}, but this suite reads schema {SCHEMA}")
    _check_header(header, f"{path}: line 1")
    if lines[-1].get("kind") != "footer":
        there = f"{len(lines) - 1} of {header['planned']} records"
        raise IncompleteRun(f"{path}: no footer: the run was cut off after {there}; run it again")
    _check_kinds(lines[-1], FOOTER, f"{path}: line {len(lines)}")
    records = [_record(line, f"{path}: line {number}") for number, line in enumerate(lines[1:-1], start=2)]
    _check_counts(path, header, records, lines[-1])
    _check_subjects(path, header, records)
    return Run(header, records, lines[-1])


def _check_header(header: dict[str, Any], where: str) -> None:
    _check_kinds(header, HEADER | {key: kind for key, kind in OPTIONAL.items() if key in header}, where)
    for key, name in (("subjects", "name"), ("expectations", "claim")):
        for entry in header.get(key, []):
            if not isinstance(entry, dict) or not isinstance(entry.get(name), str):
                raise MalformedRun(f"{where}: one of the {key} without a {name}: {entry!r}")


def _check_kinds(line: dict[str, Any], kinds: dict[str, Any], where: str) -> None:
    for key, kind in kinds.items():
        if key not in line:
            raise MalformedRun(f"{where}: no {key!r} in this {line.get('kind', 'detail')}")
        if not isinstance(line[key], kind):
            raise MalformedRun(f"{where}: {key} is {line[key]!r}")


def _check_subjects(path: Path, header: dict[str, Any], records: list[Record]) -> None:
    names = [subject["name"] for subject in header["subjects"]]
    if len(set(names)) < len(names):
        raise MalformedRun(f"{path}: line 1: two subjects have one name, among {', '.join(names)}")
    for record in records:
        if record.subject not in names:
            raise MalformedRun(f"{path}: a record of {record.subject!r}, which the header does not name")


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnusableRun(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise MalformedRun(f"{path}: not text in UTF-8; this is not a run of this suite") from None
    found = []
    rows = text.rstrip("\n").split("\n") if text else []
    for number, row in enumerate(rows, start=1):
        try:
            line = json.loads(row, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            kind = IncompleteRun if number == len(rows) and number > 1 else MalformedRun
            raise kind(f"{path}: line {number}: not JSON ({getattr(error, 'msg', error)})") from None
        if not isinstance(line, dict):
            raise MalformedRun(f"{path}: line {number}: not an object")
        found.append(line)
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _record(line: dict[str, Any], where: str) -> Record:
    if line.get("kind") != "record":
        raise MalformedRun(f"{where}: kind {line.get('kind')!r} where a record was due")
    plain = {key: value for key, value in line.items() if key not in ("kind", "detail")}
    try:
        record = Record(**plain, detail=Detail(**line.get("detail", {})))
        Verdict(record.verdict)
        Verdict(record.expected)
    except (TypeError, ValueError) as error:
        raise MalformedRun(f"{where}: {error}") from None
    _check_kinds(vars(record), RECORD, where)
    _check_kinds(vars(record.detail), DETAIL, where)
    for figure in record.measurements:
        if not isinstance(figure, dict):
            raise MalformedRun(f"{where}: one of the measurements is {figure!r}")
        _check_kinds(figure, MEASUREMENT, where)
    return record


def _check_counts(path: Path, header: dict[str, Any], records: list[Record], last: dict[str, Any]) -> None:
    if len(records) != header["planned"]:
        raise IncompleteRun(f"{path}: {header['planned']} checks were planned, but {len(records)} records are there")
    tally = counts(Verdict(record.verdict) for record in records)
    if last.get("counts") != tally:
        raise MalformedRun(f"{path}: the footer's counts are not those of the records")

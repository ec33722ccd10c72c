"""The file of a run: cut off, malformed or of another schema it is refused by every command."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from conformance.run import UnusableRun, read, write_line
from meta_tests.runs import HOSTILE, call, record, refuted, run, write_catalogue, written
from reports.exits import Exit

SCHEMA = json.loads((Path(__file__).parent.parent / "reports/schema/run.json").read_text(encoding="utf-8"))
HELD = run([record(), record("math.sum")])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_catalogue(tmp_path / "claims")
    return tmp_path


COMMANDS = {
    "page": ["page", "RUN", "-o", "OUT"],
    "gate": ["gate", "RUN"],
    "gate with it as the baseline": ["gate", "SOUND", "--baseline=RUN"],
    "gate with a baseline": ["gate", "RUN", "--baseline=SOUND"],
    "compare before": ["compare", "RUN", "SOUND"],
    "compare after": ["compare", "SOUND", "RUN"],
    "notes": ["notes", "RUN"],
    "junit": ["junit", "RUN", "-o", "OUT"],
    "summary": ["summary", "RUN"],
    "badge": ["badge", "RUN"],
    "reproduce": ["reproduce", "RUN", "view.base"],
}


def filled(arguments: list[str], folder: Path) -> list[str]:
    sound = written(folder, HELD, "sound.jsonl")
    names = {"RUN": str(folder / "run.jsonl"), "SOUND": sound, "OUT": str(folder / "out.html")}
    for name, path in names.items():
        arguments = [argument.replace(name, path) for argument in arguments]
    return arguments


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_every_command_takes_a_whole_run(
    folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    written(folder, run([refuted(), record("math.sum")]))
    code = call(folder, *filled(arguments, folder))
    assert code in (Exit.SOUND, Exit.SURPRISES, Exit.REGRESSED)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_run_that_was_cut_off_anywhere_is_refused(
    folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(written(folder, run([refuted(), record("math.sum")])))
    whole = path.read_bytes()
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    starts = [0, *ends[:-1]]
    inside = [
        place for start, end in zip(starts, ends, strict=True) for place in (start + 7, (start + end) // 2, end - 2)
    ]
    for cut in [0, *ends[:-1], *inside]:
        path.write_bytes(whole[:cut])
        assert call(folder, *filled(arguments, folder)) == Exit.UNUSABLE, f"cut after {cut} of {len(whole)} bytes"
        said = capsys.readouterr()
        assert said.err.count("\n") == 1
        assert str(path) in said.err
        assert said.out == ""
        assert not (folder / "out.html").exists()


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_missing_file_is_refused(folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, *filled(arguments, folder)) == Exit.UNUSABLE
    assert "No such file" in capsys.readouterr().err


MALFORMED = {
    "another schema": ({"schema": 2}, {}, {}),
    "a header without subjects": ({"subjects": None}, {}, {}),
    "a nameless subject": ({"subjects": [{}]}, {}, {}),
    "two subjects of one name": ({"subjects": [{"name": "cpu"}, {"name": "cpu"}]}, {}, {}),
    "a planned that is no number": ({"planned": "1"}, {}, {}),
    "more planned than there": ({"planned": 2}, {}, {}),
    "fewer planned than there": ({"planned": 0}, {}, {}),
    "expectations that are none": ({"expectations": ["x"]}, {}, {}),
    "an unknown verdict": ({}, {"verdict": "passed"}, {}),
    "an unknown field": ({}, {"colour": "red"}, {}),
    "a claim that is no text": ({}, {"claim": 1}, {}),
    "params that are no mapping": ({}, {"params": None}, {}),
    "a detail that is none": ({}, {"detail": "x"}, {}),
    "a message that is no text": ({}, {"detail": {"message": 1}}, {}),
    "a subject that the header lacks": ({}, {"subject": "xpu"}, {}),
    "wrong counts": ({}, {}, {"counts": {"held": 7}}),
    "no list of stale expectations": ({}, {}, {"stale": None}),
}


@pytest.mark.parametrize("changes", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_run_is_refused(tmp_path: Path, changes: tuple[dict[str, object], ...]) -> None:
    found = run([record()])
    lines = [found.header, found.records[0].to_json(), found.footer]
    path = tmp_path / "run.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for line, change in zip(lines, changes, strict=True):
            write_line(stream, {**line, **change})
    with pytest.raises(UnusableRun, match=r"run\.jsonl"):
        read(path)


@pytest.mark.parametrize("text", ["", "\n", "[]", "5", "\x00", '{"kind": "record"}', "[" * 100_000, '{"kind": NaN}'])
def test_what_is_no_run_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnusableRun, match="line 1"):
        read(path)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    found = run([refuted(message=HOSTILE, margin=0.5), record("math.sum", params={"dtype": "float32"})], stale=["old"])
    found.write(tmp_path / "run.jsonl")
    assert read(tmp_path / "run.jsonl") == found


def test_every_line_of_a_run_fits_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    expectations = [{"claim": "view.base", "verdict": "refuted", "torch": "<2.9", "reason": "why", "issue": "where"}]
    found = run([refuted(), record("math.sum", margin=0.5)], expectations=expectations)
    for line in [found.header, *(one.to_json() for one in found.records), found.footer]:
        validator.validate(line)


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"kind": "other"},
        {**HELD.header, "schema": 2},
        {**HELD.records[0].to_json(), "verdict": "passed"},
        {**HELD.records[0].to_json(), "colour": "red"},
        {**HELD.footer, "counts": {}},
        {**HELD.footer, "counts": {**HELD.footer["counts"], "passed": 1}},
    ],
)
def test_the_schema_refuses_what_is_no_line_of_a_run(line: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(line)


def test_the_schema_knows_every_verdict() -> None:
    named = {entry["const"] for entry in SCHEMA["$defs"]["verdict"]["oneOf"]}
    counted = SCHEMA["$defs"]["footer"]["properties"]["counts"]["required"]
    assert named == set(counted) == set(HELD.footer["counts"])

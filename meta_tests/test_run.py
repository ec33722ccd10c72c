"""The record of a run: it survives being written and read, and whatever is not whole is refused."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.run import (
    Detail,
    IncompleteRun,
    MalformedRun,
    Record,
    Run,
    UnusableRun,
    footer,
    read,
    write_line,
)
from conformance.verdict import Verdict
from meta_tests.runs import record, refuted, run

texts = st.text(st.characters(), max_size=20)
details = st.builds(
    Detail,
    **{name: st.none() | texts for name in ("recipe", "expected", "actual", "message", "reproducer")},
    reproduced=st.none() | st.booleans(),
)
records = st.builds(
    Record,
    claim=st.just("view.base"),
    check=texts,
    params=st.dictionaries(texts, texts, max_size=2),
    subject=st.sampled_from(["cpu", "meta"]),
    verdict=st.sampled_from([str(verdict) for verdict in Verdict]),
    expected=st.sampled_from(["held", "refuted"]),
    examples=st.integers(0, 10**6),
    seconds=st.floats(0, 1e6),
    margin=st.none() | st.floats(0, 1),
    detail=details,
)


def whole(found: list[Record] | None = None) -> Run:
    return run([record(), refuted()] if found is None else found, subjects=("cpu", "meta"))


@given(found=st.lists(records, max_size=3))
def test_a_run_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, found: list[Record]) -> None:
    path = tmp_path_factory.getbasetemp() / "round.jsonl"
    wanted = whole(found)
    wanted.write(path)
    again = read(path)
    assert (again.header, again.records, again.footer) == (wanted.header, wanted.records, wanted.footer)


def test_every_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    whole().write(path)
    text = path.read_bytes()
    assert len(read(path).records) == 2
    for end in range(len(text) - 1):
        path.write_bytes(text[:end])
        with pytest.raises(UnusableRun):
            read(path)
    path.write_bytes(text[:-1])
    assert len(read(path).records) == 2, "the last line end is not missed"


def test_a_lost_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    whole().write(path)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for lost in range(len(lines)):
        path.write_text("".join(lines[:lost] + lines[lost + 1 :]), encoding="utf-8")
        with pytest.raises(UnusableRun):
            read(path)


def test_a_run_is_written_wholly_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.jsonl"
    whole().write(path)
    before = path.read_bytes()
    broken = whole()
    broken.records[0].margin = math.nan
    with pytest.raises(ValueError, match="JSON"):
        broken.write(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_no_json_are_refused(number: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_line(io.StringIO(), {"margin": number})
    path = tmp_path / "run.jsonl"
    path.write_text('{"kind": "header", "seed": NaN}\n', encoding="utf-8")
    with pytest.raises(MalformedRun, match="NaN is no JSON"):
        read(path)


def changed(tmp_path: Path, line: int, change: dict[str, Any], *, drop: str = "") -> Path:
    """A whole run with some keys of one line replaced, or one left out."""
    path = tmp_path / "run.jsonl"
    whole().write(path)
    lines = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    lines[line].update(change)
    lines[line].pop(drop, None)
    path.write_text("\n".join(json.dumps(text) for text in lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("line", "change", "drop", "kind", "message"),
    [
        (0, {"kind": "title"}, "", MalformedRun, "line 1: no header"),
        (0, {"schema": 99}, "", MalformedRun, "schema 99, but this suite reads schema 1"),
        (0, {}, "schema", MalformedRun, "schema None"),
        (0, {"planned": "2"}, "", MalformedRun, "planned is '2'"),
        (0, {"planned": 3}, "", IncompleteRun, "3 checks were planned, but 2 records are there"),
        (0, {}, "environment", MalformedRun, "no 'environment' in this header"),
        (0, {"subjects": [{"name": "cpu"}, {"name": "cpu"}]}, "", MalformedRun, "two subjects have one name"),
        (0, {"subjects": ["cpu"]}, "", MalformedRun, "subjects without a name"),
        (0, {"subjects": [{"name": "mps"}]}, "", MalformedRun, "which the header does not name"),
        (1, {"kind": "note"}, "", MalformedRun, "line 2: kind 'note' where a record was due"),
        (1, {"verdict": "passed"}, "", MalformedRun, "'passed' is not a valid Verdict"),
        (1, {"verdict": "refuted"}, "", MalformedRun, "the footer's counts are not those of the records"),
        (1, {"colour": "red"}, "", MalformedRun, "unexpected keyword argument 'colour'"),
        (1, {}, "claim", MalformedRun, "missing 1 required positional argument: 'claim'"),
        (1, {"examples": "many"}, "", MalformedRun, "examples is 'many'"),
        (1, {"detail": {"message": 3}}, "", MalformedRun, "message is 3"),
        (3, {"kind": "end"}, "", IncompleteRun, "the run was cut off after 3 of 2 records"),
        (3, {"counts": {}}, "", MalformedRun, "the footer's counts are not those of the records"),
        (3, {}, "stale", MalformedRun, "no 'stale' in this footer"),
    ],
)
def test_what_is_not_a_run_is_refused(
    tmp_path: Path, line: int, change: dict[str, Any], drop: str, kind: type[UnusableRun], message: str
) -> None:
    with pytest.raises(kind) as raised:
        read(changed(tmp_path, line, change, drop=drop))
    assert message in str(raised.value)
    assert str(tmp_path) in str(raised.value)


@pytest.mark.parametrize("text", [b"", b"\n", b"[]\n", b"no run\n", b"\xff\xfe\n", b"[" * 10**5])
def test_what_is_no_file_of_ours_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(text)
    with pytest.raises(UnusableRun):
        read(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableRun, match="No such file"):
        read(tmp_path / "nowhere.jsonl")


# -- what a record means -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [str(verdict) for verdict in Verdict])
def test_what_surprises(verdict: str) -> None:
    quiet = {"held", "absent", "unsupported", "inconclusive"}
    assert record(verdict=verdict).surprising == (verdict not in quiet)
    known = replace(record(verdict=verdict), expected="refuted")
    assert known.surprising == (verdict not in {"refuted", "absent"})


def test_records_of_one_check_have_one_key() -> None:
    one, other = record(params={"a": "1", "b": "2"}), record(params={"b": "2", "a": "1"}, seconds=5.0)
    assert one.key == other.key
    assert one.key != record(params={"a": "1"}).key
    assert one.key != record(params={"a": "1", "b": "2"}, subject="meta").key


def test_a_footer_counts_every_verdict() -> None:
    last = footer([record(), record(), refuted()], 1.23456)
    assert (last["seconds"], last["stale"], last["counts"]["held"], last["counts"]["refuted"]) == (1.235, [], 2, 1)


def test_a_run_knows_its_surprises() -> None:
    found = run([record(), refuted(), replace(refuted(), expected="refuted")], stale=["a sentence"])
    assert (len(found.surprises), found.stale, found.subjects) == (1, ["a sentence"], ["cpu"])

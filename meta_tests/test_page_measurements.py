"""The page's section of figures: tables with bars, what is missing left out, and nothing of it where there is none."""

from __future__ import annotations

import re
from typing import Any

import pytest

from conformance.claim import Catalogue
from conformance.run import MalformedRun, Record, Run, read
from meta_tests.parsed import Parsed
from meta_tests.runs import HOSTILE, read_catalogue, record, run, written
from reports.columns import columns
from reports.measurements import measured, percent, quantity, times
from reports.page import page

RATIO = {
    "name": "add_", "kind": "ratio", "base": "add", "ratio": 0.5, "low": 0.25, "high": 0.75, "floor": 1.25,
    "most": 1.0, "seconds": 1e-3, "rounds": 31,
}  # fmt: skip
TIME = {
    "name": "sum of rows", "kind": "time", "group": "kernel, forward", "seconds": 2e-3, "low": 1.9e-3, "high": 2.2e-3,
    "bytes": 8_000_000, "operations": 1_000_000, "limit": 1e-3, "bound": "bandwidth", "numpy": 3e-3, "threads": 2,
    "elements": 1_000_000, "rounds": 9, "loops": 4,
}  # fmt: skip
MEMORY = {"name": "clone", "kind": "memory", "bytes": 50_000_000, "least": 40_000_000, "most": 60_000_000}
CEILING = {"name": "copy, torch, 256 KiB", "kind": "ceiling", "group": "bandwidth", "rate": 1.23e11, "unit": "B/s"}


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return read_catalogue(tmp_path_factory.mktemp("claims"))


def measuring(*figures: dict[str, Any], verdict: str = "held") -> Run:
    found = record("math.sum", verdict)
    found.measurements = list(figures)
    return run([found, record("view.base")])


def test_every_figure_is_in_a_table(claims: Catalogue) -> None:
    words = Parsed(page([measuring(RATIO, TIME, MEMORY, CEILING)], claims)).words
    for piece in (
        "Ratios 1 comparison",
        "add_ add ×0.5 ×0.25 to ×0.75 ×1.25 at most ×1 held",
        "Kernel, forward 1 time",
        "sum of rows 1,000,000 2 2 ms 1.9 ms to 2.2 ms 4 GB/s 500 MFLOP/s 50 % bandwidth ×1.5",
        "Peak memory 1 call",
        "clone 50 MB at least 40 MB, at most 60 MB held",
        "Ceilings of this machine 1 ceiling",
        "copy, torch, 256 KiB bandwidth 123 GB/s",
    ):
        assert piece in words, piece


def test_without_figures_there_is_no_section(claims: Catalogue) -> None:
    assert "measurements" not in re.findall(r'<section id="(\w+)"', page([run([record()])], claims))
    assert 'href="#measurements"' not in page([run([record()])], claims)
    assert "measurements" in re.findall(r'<section id="(\w+)"', page([measuring(TIME)], claims))


def test_what_was_not_measured_is_left_empty(claims: Catalogue) -> None:
    bare = {"name": "bare", "kind": "time", "seconds": 1.0, "low": 1.0, "high": 1.0}
    words = Parsed(page([measuring(bare)], claims)).words
    assert "Other 1 time" in words
    assert "bare 1 s 1 s to 1 s" in words
    assert "None" not in words.partition("Measurements Times")[2].partition("The notes")[0]


def test_a_bar_never_leaves_its_box(claims: Catalogue) -> None:
    wide = {**RATIO, "low": 1e-9, "ratio": 1.0, "high": 1e9}
    quick = {**TIME, "limit": 1.0}
    html = page([measuring(wide, quick, verdict="inconclusive")], claims)
    for value in re.findall(r"(?:left|width): ([\d.]+)%", html):
        assert 0 <= float(value) <= 100


def test_figures_stand_by_column(claims: Catalogue) -> None:
    found = measured(columns([measuring(TIME), run([record()], torch="2.5.0"), measuring(RATIO)]))
    assert [len(entry.figures) for entry in found] == [1, 1]
    words = Parsed(page([measuring(TIME), measuring(RATIO)], claims)).words
    assert "(run 1)" in words


def test_names_are_shown_as_text(claims: Catalogue) -> None:
    html = page([measuring({**TIME, "name": HOSTILE, "group": HOSTILE}, {**RATIO, "base": HOSTILE})], claims)
    assert "<script>alert" not in html


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "s", ""), (0.0, "s", "0 ns"), (1.5e-9, "s", "1.5 ns"), (2.5e-6, "s", "2.5 µs"), (0.0123, "s", "12.3 ms"),
        (1.0, "s", "1 s"), (123456789, "B/s", "123 MB/s"), (4.5e12, "FLOP/s", "4.5 TFLOP/s"), (2000, "", "2 k"),
    ],
)  # fmt: skip
def test_a_quantity_has_three_digits_and_a_prefix(value: float | None, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_shares_and_ratios() -> None:
    assert [percent(value) for value in (None, 0.0, 0.001, 0.42, 1.5)] == ["", "0 %", "<1 %", "42 %", "150 %"]
    assert [times(value) for value in (None, 1.23456)] == ["", "×1.23"]


def test_figures_survive_the_file(tmp_path: Any) -> None:
    found = read(written(tmp_path, measuring(RATIO, TIME)))
    assert found.records[0].measurements == [RATIO, TIME]
    assert found.records[1].measurements == []


@pytest.mark.parametrize(
    "wrong", [["text"], [{"name": "x"}], [{"kind": "time"}], [{"name": 1, "kind": "time"}], "text"]
)
def test_figures_that_are_none_are_refused(tmp_path: Any, wrong: Any) -> None:
    found: Record = record()
    found.measurements = wrong
    path = written(tmp_path, run([found]))
    with pytest.raises(MalformedRun, match="line 2"):
        read(path)

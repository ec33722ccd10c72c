"""The drawings: every kernel is a point, no point lies elsewhere than its numbers say, and words do not collide."""

from __future__ import annotations

import itertools
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from conformance.claim import Catalogue
from meta_tests.runs import HOSTILE, read_catalogue
from meta_tests.test_page_measurements import RATIO, TIME, measuring
from reports.columns import columns
from reports.measurements import Measured, measured
from reports.page import page
from reports.plots import BOTTOM, LEFT, RIGHT, TOP, Axis, Line, Plot, conversions, roofline, words

CEILINGS = [
    {"name": "copy, torch, 256 KiB", "kind": "ceiling", "group": "bandwidth", "rate": 1e11, "unit": "B/s"},
    {"name": "copy, torch, 65,536 KiB", "kind": "ceiling", "group": "bandwidth", "rate": 1e10, "unit": "B/s"},
    {"name": "multiply-add, float32", "kind": "ceiling", "group": "arithmetic", "rate": 1e12, "unit": "op/s"},
]


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return read_catalogue(tmp_path_factory.mktemp("claims"))


def entry(*figures: dict[str, Any]) -> Measured:
    (found,) = measured(columns([measuring(*figures)]))
    return found


def kernel(name: str, moved: int, operations: int, seconds: float, **more: Any) -> dict[str, Any]:
    return {**TIME, "name": name, "bytes": moved, "operations": operations, "seconds": seconds, **more}


def sized(name: str, elements: int, seconds: float) -> dict[str, Any]:
    return {**TIME, "name": name, "elements": elements, "seconds": seconds, "group": "conversion over size"}


def test_an_axis_has_equal_steps_for_equal_factors() -> None:
    axis = Axis.around([0.03, 700.0], LEFT, RIGHT)
    assert (axis.low, axis.high) == pytest.approx((0.01, 1000.0))
    places = [axis.place(value) for value in (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)]
    steps = [after - before for before, after in itertools.pairwise(places)]
    assert steps == pytest.approx([(RIGHT - LEFT) / 5] * 5)
    assert (axis.place(1e-9), axis.place(1e9), axis.place(0.0)) == (LEFT, RIGHT, LEFT)


def test_an_axis_of_one_value_has_a_length_and_few_ticks() -> None:
    assert Axis.around([10.0], LEFT, RIGHT).high == 100.0
    assert len(Axis.around([1e-12, 1e12], LEFT, RIGHT).ticks("s")) <= 9


def test_every_kernel_is_a_point_under_its_roof() -> None:
    figures = [kernel("dense", 10**6, 10**9, 2e-3), kernel("thin", 10**7, 10**6, 2e-3, group="kernel, backward")]
    plot = roofline(entry(*figures, *CEILINGS, RATIO))
    assert plot is not None
    assert [mark.shape for mark in plot.marks] == ["forward", "backward"]
    assert "dense: 500 GFLOP/s, 2 threads" in plot.marks[0].text
    roof = {line.name: line for line in plot.lines}
    assert set(roof) == {ceiling["name"] for ceiling in CEILINGS}
    peak = roof["multiply-add, float32"].points[0][1]
    assert TOP <= peak < plot.marks[0].y < plot.marks[1].y <= BOTTOM  # upwards is downwards in a drawing
    slow, quick = (roof[f"copy, torch, {size} KiB"].points for size in ("65,536", "256"))
    assert quick[-1][1] == slow[-1][1] == peak
    assert quick[-1][0] < slow[-1][0]


def test_a_line_of_conversions_rises_with_the_time() -> None:
    plot = conversions(entry(sized("a", 1000, 1e-5), sized("a", 10, 1e-6), sized("b", 10, 2e-6)))
    assert plot is not None
    line = next(line for line in plot.lines if line.name == "a")
    (x, y), (right, higher) = line.points
    assert x < right
    assert y > higher
    assert len(plot.marks) == 3
    assert len({line.style for line in plot.lines}) == 2


def test_without_figures_there_is_no_drawing(claims: Catalogue) -> None:
    assert roofline(entry(RATIO)) is None
    assert roofline(entry(TIME)) is None
    assert conversions(entry(TIME)) is None
    assert "<svg" not in page([measuring(RATIO)], claims)


def test_words_do_not_collide() -> None:
    lines = [Line([(LEFT, 50.0), (RIGHT, 50.0 + place)], str(place)) for place in range(4)]
    lines.insert(2, Line([(LEFT, 50.0), (200.0, 51.0)], "inside"))
    found = words(Plot("", "", "", [], [], lines, []))
    heights = [y for x, y, _ in found if x > RIGHT]
    assert all(after - before >= 13 for before, after in itertools.pairwise(heights))
    assert (205.0, 43.0, "inside") in found


def test_a_drawing_is_whole_and_escapes_what_it_shows(claims: Catalogue) -> None:
    figures = [kernel(HOSTILE, 10**6, 10**9, 2e-3), sized(HOSTILE, 10, 1e-6)]
    html = page([measuring(*figures, *CEILINGS)], claims)
    assert "<script>alert" not in html
    drawings = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    assert len(drawings) == 2
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root.get("aria-label")
        assert root.findall("circle/title")

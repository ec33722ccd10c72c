"""The drawings: every figure is a point that says its numbers, no lower than it is, and whole without colour."""

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
from reports.drawing import SVG, VARIABLES
from reports.measurements import Measured, measured
from reports.page import page
from reports.plots import Plot, conversions, ratios, roofline

CEILINGS = [
    {"name": "copy, torch, 256 KiB", "kind": "ceiling", "group": "bandwidth", "rate": 1e11, "unit": "B/s"},
    {"name": "copy, torch, 65,536 KiB", "kind": "ceiling", "group": "bandwidth", "rate": 1e10, "unit": "B/s"},
    {"name": "multiply-add, float32", "kind": "ceiling", "group": "arithmetic", "rate": 1e12, "unit": "op/s"},
]


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return read_catalogue(tmp_path_factory.mktemp("claims"))


def entry(*figures: dict[str, Any], verdict: str = "held") -> Measured:
    (found,) = measured(columns([measuring(*figures, verdict=verdict)]))
    return found


def kernel(name: str, moved: int, operations: int, seconds: float, **more: Any) -> dict[str, Any]:
    return {**TIME, "name": name, "bytes": moved, "operations": operations, "seconds": seconds, **more}


def sized(name: str, elements: int, seconds: float) -> dict[str, Any]:
    return {**TIME, "name": name, "elements": elements, "seconds": seconds, "group": "conversion over size"}


def points(plot: Plot | None) -> dict[str, tuple[float, float]]:
    """Where each point lies, in the units of the drawing, by what it says."""
    assert plot is not None
    root = ElementTree.fromstring(str(plot.svg))
    titled = {use.findtext(f"{SVG}title"): use for use in root.iter(f"{SVG}use")}
    return {text: (float(use.get("x", "")), float(use.get("y", ""))) for text, use in titled.items() if text}


def words(plot: Plot | None) -> list[str]:
    assert plot is not None
    return [one.text or "" for one in ElementTree.fromstring(str(plot.svg)).iter(f"{SVG}text")]


def test_every_kernel_is_a_point_where_its_numbers_say() -> None:
    figures = [kernel("dense", 10**6, 10**9, 2e-3), kernel("thin", 10**7, 10**6, 2e-3, group="kernel, backward")]
    plot = roofline(entry(*figures, *CEILINGS, RATIO))
    (dense, thin) = points(plot).items()
    assert dense[0] == "dense: 500 GFLOP/s, 2 threads, 50 % of the ceiling"
    assert thin[0].startswith("thin: 500 MFLOP/s")
    assert dense[1][0] > thin[1][0]
    assert dense[1][1] < thin[1][1]  # upwards is downwards in a drawing
    assert {*words(plot)} >= {ceiling["name"] for ceiling in CEILINGS} | {"forward", "forward and backward"}


def test_equal_factors_are_equal_steps() -> None:
    found = points(conversions(entry(*(sized("a", 10**power, 1e-6 * 10**power) for power in range(4)))))
    across, up = zip(*found.values(), strict=True)
    for places in (across, up):
        steps = [after - before for before, after in itertools.pairwise(places)]
        assert steps == pytest.approx([steps[0]] * 3, rel=1e-3)


def test_a_line_of_conversions_has_a_point_for_each_size() -> None:
    plot = conversions(entry(sized("a", 1000, 1e-5), sized("a", 10, 1e-6), sized("b", 10, 2e-6)))
    found = points(plot)
    assert list(found) == ["a, 10: 1 µs", "a, 1,000: 10 µs", "b, 10: 2 µs"]
    assert found["a, 10: 1 µs"][0] == found["b, 10: 2 µs"][0] < found["a, 1,000: 10 µs"][0]
    assert {*words(plot)} >= {"a", "b", "elements"}


@pytest.mark.parametrize("verdict", ["held", "refuted", "inconclusive"])
def test_every_ratio_has_its_row_and_interval(verdict: str) -> None:
    rows = [{**RATIO, "name": "one"}, {**RATIO, "name": "other", "ratio": 0.6, "high": 1.2, "most": 2.0}]
    plot = ratios(entry(*rows, verdict=verdict))
    found = points(plot)
    assert list(found) == [
        f"one: ×0.5 of add, ×0.25 to ×0.75, noise floor ×1.25, {verdict}",
        f"other: ×0.6 of add, ×0.25 to ×1.2, noise floor ×1.25, {verdict}",
    ]
    (one, above), (other, below) = found.values()
    assert one < other
    assert above < below
    assert {*words(plot)} >= {"one / add", "other / add", verdict, "limit", "×1"}


def test_without_figures_there_is_no_drawing(claims: Catalogue) -> None:
    assert roofline(entry(RATIO)) is None
    assert roofline(entry(TIME)) is None
    assert conversions(entry(TIME)) is None
    assert ratios(entry(TIME)) is None
    assert "<svg" not in page([measuring(TIME)], claims)


def test_a_drawing_is_the_pages_own(claims: Catalogue) -> None:
    """Its colours and its type are the style sheet's, its names are unique, and it brings no style of its own."""
    figures = [kernel("dense", 10**6, 10**9, 2e-3), sized("a", 10, 1e-6), RATIO]
    html = page([measuring(*figures, *CEILINGS), measuring(*figures, *CEILINGS)], claims)
    names = re.findall(r'id="(d[\w-]+)"', html)
    assert len(names) == len(set(names)) > 0
    drawings = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    assert len(drawings) == 6
    for drawing in drawings:
        assert "<style" not in drawing
        assert "font-family" not in drawing
        assert not re.search("|".join(VARIABLES), drawing)
        assert "var(--" in drawing
        root = ElementTree.fromstring(drawing)
        own = {one.get("id") for one in root.iter()} - {None}
        assert set(re.findall(r'(?:href="|url\()#([\w-]+)', drawing)) == own
        assert root.get("role") == "img"
        assert root.get("aria-label")


def test_the_same_figures_are_the_same_drawing() -> None:
    assert str(ratios(entry(RATIO)).svg) == str(ratios(entry(RATIO)).svg)  # type: ignore[union-attr]


def test_a_drawing_escapes_what_it_shows(claims: Catalogue) -> None:
    hostile = f"{HOSTILE} $\\frac{{1}}$"
    figures = [kernel(hostile, 10**6, 10**9, 2e-3), sized(hostile, 10, 1e-6), {**RATIO, "name": hostile}]
    html = page([measuring(*figures, *CEILINGS)], claims)
    assert "<script>alert" not in html
    drawings = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    assert len(drawings) == 3
    assert all(any("$\\frac" in (one.text or "") for one in ElementTree.fromstring(each).iter()) for each in drawings)

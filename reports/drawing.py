"""A matplotlib figure as SVG inside a page: the page's own colours and type, and points that say what they are."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from reports import text

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
# Colours that stand for variables of the page's style sheet: matplotlib knows none of those.
INK, SOFT, RULE, LINK, PAPER, BAD = "#010101", "#010102", "#010103", "#010104", "#010105", "#010106"
VARIABLES = {INK: "--ink", SOFT: "--soft", RULE: "--rule", LINK: "--link", PAPER: "--paper", BAD: "--bad"}
# Text stays text and is never taken for mathematics, and the same figure is the same bytes.
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "drawing",
    "text.parse_math": False,
    "font.size": 8,
    "text.color": SOFT,
    "axes.edgecolor": RULE,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "legend.frameon": False,
    "legend.handlelength": 3.5,
    "lines.linewidth": 1.0,
    "lines.markersize": 4,
}
METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Figure, Any]]:
    """A figure of so many inches and its axes, in the page's style while the block lasts."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.add_subplot()


def inline(figure: Figure, label: str, titles: Mapping[str, Sequence[str]]) -> Markup:
    """The figure as one svg element for a page. `label`: what it shows, for those who do not see it.

    `titles`: for each group of points, by the gid of its artist, what each point says when it is asked.
    """
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=METADATA, transparent=True)
    root = ElementTree.fromstring(file.getvalue())
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib.update({"role": "img", "aria-label": text.one_line(label)})
    _without_style_sheet(root)
    _titled(root, titles)
    _own_names(root, f"d{zlib.crc32((label + file.getvalue()).encode()):x}-")
    for element in root.iter():
        _styled(element)
    ElementTree.register_namespace("", SVG.strip("{}"))
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _without_style_sheet(root: ElementTree.Element) -> None:
    """Drop the sheet: inside a page it would be the page's."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{SVG}style", f"{SVG}metadata"):
                parent.remove(child)


def _titled(root: ElementTree.Element, titles: Mapping[str, Sequence[str]]) -> None:
    for group in root.iter(f"{SVG}g"):
        points = list(group.iter(f"{SVG}use")) if group.get("id") in titles else []
        for point, said in zip(points, titles.get(group.get("id", ""), ()), strict=bool(points)):
            ElementTree.SubElement(point, f"{SVG}title").text = text.one_line(said)


def _own_names(root: ElementTree.Element, prefix: str) -> None:
    """Names are unique in a page: keep those that are referred to, with a prefix, and drop the others."""
    used = set(re.findall(r"#([\w.-]+)", " ".join(value for one in root.iter() for value in one.attrib.values())))
    for element in root.iter():
        if (name := element.attrib.pop("id", None)) in used:
            element.set("id", prefix + str(name))
        if HREF in element.attrib:
            element.set("href", "#" + prefix + element.attrib.pop(HREF).removeprefix("#"))
        if "clip-path" in element.attrib:
            element.set("clip-path", element.attrib["clip-path"].replace("#", f"#{prefix}"))


def _styled(element: ElementTree.Element) -> None:
    """The page's variables for the colours that stand for them, and the page's type."""
    style = re.sub(r"font-family:[^;]*;?\s*", "", element.get("style", ""))
    for colour, variable in VARIABLES.items():
        style = style.replace(colour, f"var({variable})")
    if style:
        element.set("style", style)

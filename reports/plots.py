"""Where the marks of two drawings lie: kernels under the ceilings of the machine, and conversion time over size.

Both have logarithmic axes. A drawing is plain numbers in the units of its box; the template writes it as SVG.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.measurements import Figure, Measured, quantity

WIDTH, HEIGHT = 640.0, 320.0
# Where the axes leave room for their words.
LEFT, RIGHT, TOP, BOTTOM = 90.0, 470.0, 12.0, 270.0


@dataclass(frozen=True)
class Mark:
    """One point. `shape`: the class that draws it; `text`: what a reader gets who asks what it is."""

    x: float
    y: float
    shape: str
    text: str


@dataclass(frozen=True)
class Line:
    """Points to be joined, in the units of the box, and a word at the last of them."""

    points: Sequence[tuple[float, float]]
    name: str
    style: str = ""

    @property
    def path(self) -> str:
        """As the attribute 'points' of a polyline."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis from `low` to `high`, drawn from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def around(cls, values: Iterable[float], start: float, end: float) -> Axis:
        """Whole powers of ten around some positive values."""
        exponents = [math.log10(value) for value in values]
        low, high = math.floor(min(exponents)), math.ceil(max(exponents))
        return cls(10.0**low, 10.0 ** max(high, low + 1), start, end)

    def place(self, value: float) -> float:
        """Where a value lies; outside the axis, at its end."""
        share = math.log(max(value, 1e-300) / self.low) / math.log(self.high / self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self, unit: str) -> list[tuple[float, str]]:
        """Places and words of the powers of ten, every one or every second or third of them."""
        powers = range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)
        step = math.ceil(len(powers) / 9)
        return [(self.place(10.0**power), quantity(10.0**power, unit)) for power in list(powers)[::step]]


@dataclass(frozen=True)
class Plot:
    """One drawing with its axes."""

    title: str
    across: str
    up: str
    x: Sequence[tuple[float, str]]
    y: Sequence[tuple[float, str]]
    lines: Sequence[Line]
    marks: Sequence[Mark]


SHAPES = {"kernel, forward": "forward", "kernel, backward": "backward"}


def roofline(entry: Measured) -> Plot | None:
    """Operations per second over operations per byte; None without kernels or ceilings."""
    kernels = [figure for figure in entry.of("time") if figure.operations and figure.bytes and figure.seconds]
    rates = {figure.name: figure.rate for figure in entry.of("ceiling") if figure.group == "arithmetic"}
    widths = {figure.name: figure.rate for figure in entry.of("ceiling") if figure.group == "bandwidth"}
    if not kernels or not rates or not widths:
        return None
    peak = max(rates.values())
    x = Axis.around([figure.operations / figure.bytes for figure in kernels], LEFT, RIGHT)
    y = Axis.around([peak, *(figure.arithmetic or peak for figure in kernels)], BOTTOM, TOP)
    marks = [_kernel(figure, x, y) for figure in kernels]
    ends = (max(widths, key=widths.__getitem__), min(widths, key=widths.__getitem__))
    lines = [_roof(name, widths[name], peak, x, y) for name in dict.fromkeys(ends)]
    lines += [Line([(LEFT, y.place(rate)), (RIGHT, y.place(rate))], name, "dashed") for name, rate in rates.items()]
    across, up = "operations per byte that must be moved", "operations per second"
    return Plot(
        "Kernels under the ceilings of this machine", across, up, x.ticks(""), y.ticks(""), _apart(lines), marks
    )


def _kernel(figure: Figure, x: Axis, y: Axis) -> Mark:
    text = f"{figure.name}: {quantity(figure.arithmetic, 'FLOP/s')}, {figure.threads or 1} threads"
    place = x.place(figure.operations / figure.bytes), y.place(figure.arithmetic or 0.0)
    return Mark(*place, SHAPES.get(figure.group, "other"), text)


def _roof(name: str, bandwidth: float, peak: float, x: Axis, y: Axis) -> Line:
    """What a bandwidth allows: it rises until it meets the highest rate, as far as the drawing goes."""
    first = max(x.low, y.low / bandwidth)
    last = max(min(x.high, peak / bandwidth), first)
    return Line([(x.place(value), y.place(value * bandwidth)) for value in (first, last)], name)


def conversions(entry: Measured) -> Plot | None:
    """Seconds over elements, a line for each way; None where nothing was measured over sizes."""
    figures = [figure for figure in entry.groups.get("conversion over size", []) if figure.elements and figure.seconds]
    if not figures:
        return None
    x = Axis.around([figure.elements for figure in figures], LEFT, RIGHT)
    y = Axis.around([figure.seconds for figure in figures], BOTTOM, TOP)
    names = list(dict.fromkeys(figure.name for figure in figures))
    lines, marks = [], []
    for number, name in enumerate(names):
        own = sorted((figure for figure in figures if figure.name == name), key=lambda figure: figure.elements)
        points = [(x.place(figure.elements), y.place(figure.seconds)) for figure in own]
        lines.append(Line(points, name, f"line{number % 4}"))
        for point, figure in zip(points, own, strict=True):
            marks.append(Mark(*point, "forward", f"{name}, {figure.elements:,}: {quantity(figure.seconds, 's')}"))
    return Plot("Conversion time over size", "elements", "time", x.ticks(""), y.ticks("s"), _apart(lines), marks)


def _apart(lines: Sequence[Line]) -> list[Line]:
    """The lines from the top to the bottom of their last points, as their words have to stand."""
    return sorted(lines, key=lambda line: line.points[-1][1])


def words(plot: Plot, least: float = 13.0) -> list[tuple[float, float, str]]:
    """Places and words of the lines: beside the drawing, none over another, or above a line that ends inside."""
    found: list[tuple[float, float, str]] = []
    beside: list[float] = []
    for line in plot.lines:
        x, y = line.points[-1]
        if x < RIGHT - 1:
            found.append((x + 5, y - 8, line.name))
            continue
        beside.append(max(y, beside[-1] + least) if beside else y)
        found.append((RIGHT + 6, beside[-1], line.name))
    return found

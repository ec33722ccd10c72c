"""Three drawings: kernels under the ceilings of the machine, conversion time over size, ratios with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from reports import drawing, text
from reports.drawing import BAD, INK, LINK, PAPER, RULE
from reports.measurements import Figure, Measured, percent, quantity, times

# Inches; a row of the ratios, and what the axis below them and the legend above them need.
WIDTH, HEIGHT, ROW, REST = 7.4, 3.6, 0.15, 0.9
# Nothing depends on colour: lines differ by their dashes, points by their shapes.
DASHES = ("-", "--", ":", "-.", (0, (8, 2, 1, 2, 1, 2)))
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
KERNELS = {
    "kernel, forward": ("o", LINK, "forward"),
    "kernel, backward": ("o", PAPER, "forward and backward"),
    "training": ("s", PAPER, "training step"),
}
VERDICTS = {"held": ("o", LINK, INK), "inconclusive": ("o", PAPER, INK), "refuted": ("X", BAD, BAD)}


@dataclass(frozen=True)
class Plot:
    """A drawing with its title."""

    title: str
    svg: Markup


def roofline(entry: Measured) -> Plot | None:
    """Operations per second over operations per byte; None without kernels or ceilings."""
    kernels = [figure for figure in entry.of("time") if figure.operations and figure.bytes and figure.seconds]
    rates = {figure.name: figure.rate for figure in entry.of("ceiling") if figure.group == "arithmetic"}
    widths = {figure.name: figure.rate for figure in entry.of("ceiling") if figure.group == "bandwidth"}
    if not kernels or not rates or not widths:
        return None
    ends = dict.fromkeys((max(widths, key=widths.__getitem__), min(widths, key=widths.__getitem__)))
    titles: dict[str, list[str]] = {}
    with drawing.canvas(WIDTH, HEIGHT) as (figure, axes):
        _logarithmic(axes, "operations per byte that must be moved", "rate", ("", "FLOP/s"))
        _roofs(axes, rates, {name: widths[name] for name in ends}, [one.operations / one.bytes for one in kernels])
        for place, (kind, chosen) in enumerate(_kinds(kernels)):
            shape, fill, label = KERNELS.get(kind, ("^", RULE, kind))
            points = [(one.operations / one.bytes, one.arithmetic) for one in chosen]
            across, up = zip(*points, strict=True)
            look = {"s": 16, "marker": shape, "c": fill, "edgecolors": LINK}
            axes.scatter(across, up, label=label, gid=f"points{place}", **look)
            titles[f"points{place}"] = [_kernel(one) for one in chosen]
        figure.legend(loc="outside right upper")
        label = "Operations per second of each kernel over operations per byte, both logarithmic"
        return Plot("Kernels under the ceilings of this machine", drawing.inline(figure, _said(label, entry), titles))


def _said(label: str, entry: Measured) -> str:
    """What a drawing shows, and of which column; the figures themselves are in the tables."""
    return f"{label}, {entry.column.label}; the tables have the figures"


def _kinds(kernels: Sequence[Figure]) -> Iterator[tuple[str, list[Figure]]]:
    for kind in dict.fromkeys(figure.group or "other" for figure in kernels):
        yield kind, [figure for figure in kernels if (figure.group or "other") == kind]


def _kernel(figure: Figure) -> str:
    share = f", {percent(figure.share)} of the ceiling" if figure.share else ""
    return f"{figure.name}: {quantity(figure.arithmetic, 'FLOP/s')}, {figure.threads or 1} threads{share}"


def _roofs(axes: Any, rates: dict[str, float], widths: dict[str, float], across: Sequence[float]) -> None:
    """What bandwidths allow rises until it meets the highest rate; what arithmetic allows is level."""
    low, high, peak = min(across) / 2, max(across) * 2, max(rates.values())
    styles = iter(DASHES * len([*rates, *widths]))
    for name, rate in widths.items():
        end = max(min(high, peak / rate), low)
        axes.plot([low, end], [low * rate, end * rate], color=INK, linestyle=next(styles), label=text.one_line(name))
    for name, rate in rates.items():
        axes.plot([low, high], [rate, rate], color=INK, linestyle=next(styles), label=text.one_line(name))


def conversions(entry: Measured) -> Plot | None:
    """Seconds over elements, a line for each way; None where nothing was measured over sizes."""
    figures = [figure for figure in entry.groups.get("conversion over size", []) if figure.elements and figure.seconds]
    if not figures:
        return None
    titles: dict[str, list[str]] = {}
    with drawing.canvas(WIDTH, HEIGHT) as (figure, axes):
        _logarithmic(axes, "elements", "time of one conversion", ("", "s"))
        for place, name in enumerate(dict.fromkeys(one.name for one in figures)):
            own = sorted((one for one in figures if one.name == name), key=lambda one: one.elements)
            shape, dashes, gid = SHAPES[place % len(SHAPES)], DASHES[place % len(DASHES)], f"points{place}"
            points = [(one.elements, one.seconds) for one in own]
            axes.plot(
                *zip(*points, strict=True),
                color=LINK,
                marker=shape,
                linestyle=dashes,
                label=text.one_line(name),
                gid=gid,
            )
            titles[gid] = [f"{name}, {one.elements:,}: {quantity(one.seconds, 's')}" for one in own]
        figure.legend(loc="outside right upper")
        label = "Seconds of each way to convert over elements, both logarithmic"
        return Plot("Conversion time over size", drawing.inline(figure, _said(label, entry), titles))


def ratios(entry: Measured) -> Plot | None:
    """Each comparison with its interval, its limits and its verdict; None where nothing was compared."""
    figures = entry.of("ratio")
    if not figures:
        return None
    titles: dict[str, list[str]] = {}
    with drawing.canvas(WIDTH, REST + ROW * len(figures)) as (figure, axes):
        axes.set_xscale("log")
        _ticks(axes.xaxis, times)
        axes.set_yticks(range(len(figures)), [_row(one) for one in figures], fontsize=6)
        axes.set_ylim(len(figures) - 0.4, -0.6)
        axes.set_xlabel("how many times as long; strokes are limits")
        axes.axvline(1.0, color=INK, linewidth=0.8)
        _limits(axes, figures)
        for verdict, chosen in _verdicts(figures):
            titles[verdict] = _intervals(axes, verdict, chosen)
        figure.legend(loc="outside upper right", ncols=len(VERDICTS))
        label = "Ratio of each comparison with its interval, logarithmic"
        return Plot("Ratios with their intervals", drawing.inline(figure, _said(label, entry), titles))


def _row(figure: Figure, most: int = 60) -> str:
    """The name of a row: both works where there is room for them."""
    both = text.one_line(f"{figure.name} / {figure.base}", most + 1)
    return both if len(both) <= most else text.one_line(figure.name, most)


def _verdicts(figures: Sequence[Figure]) -> Iterator[tuple[str, list[tuple[int, Figure]]]]:
    """The rows of each verdict that there is."""
    for verdict in dict.fromkeys(str(one.record.verdict) for one in figures):
        yield verdict, [(row, one) for row, one in enumerate(figures) if one.record.verdict == verdict]


def _intervals(axes: Any, verdict: str, rows: Sequence[tuple[int, Figure]]) -> list[str]:
    """Draw the intervals of one verdict; returns what their points say."""
    shape, fill, edge = VERDICTS.get(verdict, ("d", PAPER, INK))
    places, values = [row for row, _ in rows], [one.ratio for _, one in rows]
    errors = [[one.ratio - one.low for _, one in rows], [one.high - one.ratio for _, one in rows]]
    drawn = axes.errorbar(values, places, xerr=errors, fmt="none", ecolor=edge, elinewidth=1.0)
    drawn[2][0].set_zorder(3)
    axes.scatter(values, places, s=12, marker=shape, c=fill, edgecolors=edge, label=verdict, gid=verdict, zorder=4)
    return [
        f"{one.name}: {times(one.ratio)} of {one.base}, {times(one.low)} to {times(one.high)}, "
        f"noise floor {times(one.floor)}, {verdict}"
        for _, one in rows
    ]


def _limits(axes: Any, figures: Sequence[Figure]) -> None:
    found = [(limit, row) for row, one in enumerate(figures) for limit in (one.least, one.most) if limit]
    if found:
        axes.scatter(*zip(*found, strict=True), s=30, marker="|", c=BAD, label="limit", zorder=2)


def _logarithmic(axes: Any, across: str, up: str, units: tuple[str, str]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    for axis, unit in zip((axes.xaxis, axes.yaxis), units, strict=True):
        _ticks(axis, lambda value, unit=unit: quantity(value, unit) if unit else f"{value:,.15g}")


def _ticks(axis: Any, said: Any) -> None:
    """A word at powers of ten, at most nine of them."""
    axis.set_major_locator(LogLocator(numticks=9))
    axis.set_major_formatter(FuncFormatter(lambda value, place: said(value)))
    axis.set_minor_locator(NullLocator())

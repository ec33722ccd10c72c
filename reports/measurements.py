"""The figures of checks of cost: ceilings, kernels and conversions, ratios, peak memory; as tables with bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conformance.run import Record
from reports.columns import Column


@dataclass(frozen=True, eq=False)
class Figure:
    """One figure of one record. What was not measured is None."""

    record: Record
    values: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.values.get(name)

    @property
    def bandwidth(self) -> float | None:
        """Bytes per second that were moved at least; None where nothing is known of them."""
        return self.bytes / self.seconds if self.bytes and self.seconds else None

    @property
    def arithmetic(self) -> float | None:
        """Operations per second."""
        return self.operations / self.seconds if self.operations and self.seconds else None

    @property
    def share(self) -> float | None:
        """The share of the ceiling: the least time of this machine over the time taken."""
        return self.limit / self.seconds if self.limit and self.seconds else None

    @property
    def beside(self) -> float | None:
        """How many times as long NumPy took."""
        return self.numpy / self.seconds if self.numpy and self.seconds else None


@dataclass(frozen=True, eq=False)
class Measured:
    """All figures of one column."""

    column: Column
    figures: Sequence[Figure]

    def of(self, kind: str) -> list[Figure]:
        """The figures of one kind: ceiling, time, ratio or memory."""
        return [figure for figure in self.figures if figure.kind == kind]

    @cached_property
    def groups(self) -> dict[str, list[Figure]]:
        """Times by group, in the order of the run."""
        found: dict[str, list[Figure]] = {}
        for figure in self.of("time"):
            found.setdefault(figure.group or "other", []).append(figure)
        return found


def measured(columns: Sequence[Column]) -> list[Measured]:
    """One entry for each column that has any figure."""
    found = [Measured(column, list(_figures(column))) for column in columns]
    return [entry for entry in found if entry.figures]


def _figures(column: Column) -> Iterator[Figure]:
    for record in column.records:
        yield from (Figure(record, values) for values in record.measurements)


PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (0.0, "n"))


def quantity(value: float | None, unit: str) -> str:
    """Three digits with a prefix: '12.3 GB/s', '4.56 µs'; nothing for None."""
    if value is None:
        return ""
    factor, prefix = next(pair for pair in PREFIXES if abs(value) >= pair[0])
    return f"{value / (factor or 1e-9):.3g} {prefix}{unit}".rstrip()


def times(value: float | None) -> str:
    """A ratio: '×1.25', '×1,234'."""
    if value is None:
        return ""
    return f"×{value:,.0f}" if value >= 1000 else f"×{value:.3g}"


def percent(value: float | None) -> str:
    """A share: '42 %', '<1 %'."""
    if value is None:
        return ""
    return "<1 %" if 0 < value < 0.01 else f"{100 * value:.0f} %"

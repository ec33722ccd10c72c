"""What was measured, as plain values that a run's record carries."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

KINDS = ("time", "ratio", "memory", "ceiling")


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One figure with what is needed to judge it. None, and left out of the record, where it does not apply.

    time: `seconds` for one call (median; `low` to `high` is its interval), `bytes` and `operations` that it must at
    least move and do, `limit`, the seconds that the ceilings of this machine ask for these, by `bound`, and `numpy`,
    NumPy's seconds for the same work. ratio: `ratio` (`low` to `high`) of the judged work to `base`, noise `floor`,
    and the limits `least` and `most` of the claim. memory: `bytes` at the peak, `most` and `least` allowed.
    ceiling: `rate` in `unit`.
    """

    name: str
    kind: str
    seconds: float | None = None
    low: float | None = None
    high: float | None = None
    rounds: int | None = None
    loops: int | None = None
    bytes: int | None = None
    operations: int | None = None
    limit: float | None = None
    bound: str | None = None
    numpy: float | None = None
    base: str | None = None
    ratio: float | None = None
    floor: float | None = None
    least: float | None = None
    most: float | None = None
    rate: float | None = None
    unit: str | None = None
    elements: int | None = None
    threads: int | None = None
    group: str | None = None

    def plain(self) -> dict[str, Any]:
        """Only what is there, floats with six digits."""
        values = {key: value for key, value in asdict(self).items() if value is not None}
        return {key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in values.items()}

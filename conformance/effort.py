"""How much a run tries. Set once, before any check is imported; checks by example scale their work with it."""

from __future__ import annotations

EXAMPLES = {"quick": 8, "gate": 40, "deep": 1000}
# What a check by example does of the work that it does by default.
SHARE = {"quick": 0.25, "gate": 1.0, "deep": 8.0}

_level = "gate"


def choose(level: str) -> None:
    """Set the effort of this process: quick, gate or deep. Raises KeyError for another."""
    global _level
    SHARE[level]
    _level = level


def scaled(count: int, least: int = 1) -> int:
    """So many repetitions at the default effort; fewer in quick (never below `least`), more in deep."""
    return max(least, int(count * SHARE[_level]))


def level() -> str:
    return _level

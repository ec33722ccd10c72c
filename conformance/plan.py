"""What a run is going to try: each planned check by its node id, as plain values that travel between processes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from conformance.run import Detail, Record


@dataclass(frozen=True)
class Planned:
    """One check on one subject, before it ran."""

    claim: str
    check: str
    params: dict[str, str] = field(default_factory=dict)
    subject: str = "cpu"

    def seed(self, run_seed: int) -> int:
        """The seed of the check: of the claim, the check and its parameters, never of device, worker or order."""
        params = ",".join(f"{name}={value}" for name, value in sorted(self.params.items()))
        return zlib.crc32(f"{self.claim}|{self.check.rpartition('::')[2]}|{params}|{run_seed}".encode())

    def record(self, verdict: str, **detail: Any) -> Record:
        """A record of this check; `detail`: fields of Detail."""
        return Record(self.claim, self.check, self.params, self.subject, verdict, detail=Detail(**detail))


def plain(value: object) -> str:
    """A parameter as a short text: its name where it has one."""
    if isinstance(value, (str, int, float, bool, tuple, type(None))):
        return str(value)
    name = getattr(value, "name", None) or getattr(value, "__name__", None)
    return name if isinstance(name, str) else str(value)[:60]


def save(plan: Mapping[str, Planned], path: Path) -> None:
    """Write a plan, wholly or not at all: another process may look for it at any moment."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps({node: asdict(planned) for node, planned in plan.items()}), encoding="utf-8")
    part.replace(path)


def load(path: Path) -> dict[str, Planned]:
    return {node: Planned(**row) for node, row in json.loads(path.read_text(encoding="utf-8")).items()}

"""What was judged, by what, where and how: the facts that may explain a difference between two runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.run import Run
from reports.columns import torch
from reports.text import seconds

# Long texts that are folded away.
FOLDED = frozenset({"torch_config"})
WORDS = {"torch_config": "build of torch", "os": "operating system", "cpu": "CPU", "python": "Python"}


@dataclass(frozen=True)
class Fact:
    """One line: a name and its value in each run, plain or nested."""

    name: str
    values: tuple[Any, ...]
    folded: bool = False

    @property
    def differs(self) -> bool:
        return any(value != self.values[0] for value in self.values)


def facts(runs: Sequence[Run]) -> list[Fact]:
    """Every fact that a header knows, those that everybody asks for first; what no run knows is left out."""
    found = [Fact(name, tuple(ask(run) for run in runs)) for name, ask in _ASKED.items()]
    keys = dict.fromkeys(key for run in runs for key in run.header["environment"])
    first = [key for key in _FIRST if key in keys]
    for key in [*first, *(key for key in keys if key not in (*_FIRST, "torch"))]:
        values = tuple(run.header["environment"].get(key) for run in runs)
        found.append(Fact(WORDS.get(key, key.replace("_", " ")), values, key in FOLDED))
    return [fact for fact in found if any(value not in (None, "", {}, []) for value in fact.values)]


def suite(run: Run) -> str:
    """The suite that judged: its name, version and commit, as far as the run knows them."""
    found = run.header["suite"]
    commit = f"({found['commit']})" if found.get("commit") else ""
    return " ".join(str(part) for part in (found.get("name"), found.get("version"), commit) if part)


def _subjects(run: Run) -> str:
    described = []
    for subject in run.header["subjects"]:
        device = f" on {subject['device']}" if subject.get("device") not in (None, subject["name"]) else ""
        profile = f", profile {subject['profile']}" if subject.get("profile") else ""
        described.append(f"{subject['name']}{device}: torch {torch(run, subject['name'])}{profile}")
    return "; ".join(described)


def _selection(run: Run) -> str:
    selection = run.header.get("selection") or {}
    chosen = [f"{key}: {', '.join(map(str, globs))}" for key, globs in selection.items() if globs]
    left_out = run.header.get("deselected") or 0
    return "; ".join([*chosen, f"{left_out:,} checks left out"]) if chosen or left_out else "everything"


_ASKED: dict[str, Callable[[Run], Any]] = {
    "suite": suite,
    "subjects": _subjects,
    "started": lambda run: run.header.get("started"),
    "elapsed": lambda run: seconds(float(run.footer["seconds"])),
    "effort": lambda run: run.header["effort"],
    "seed": lambda run: run.header["seed"],
    "selection": _selection,
}
_FIRST = ("os", "cpu", "driver", "threads", "python", "numpy", "flags", "command", "torch_config")

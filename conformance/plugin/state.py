"""What one process knows of the run: subjects, selection, effort."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase

from conformance import effort as efforts
from conformance import numerics
from conformance.claim import catalogue
from conformance.effort import EXAMPLES
from conformance.plan import Planned
from conformance.profile import for_device, load, validate
from conformance.verdict import Verdict

ROOT = Path(__file__).parent.parent.parent
DEFAULTS: dict[str, Any] = {"effort": "gate", "seed": 0}
SUITES = ("conformance", "properties", "perf")

# What hangs on a pytest item: the plan, and a verdict known before the check runs, with its reason.
PLANNED = pytest.StashKey[Planned]()
SETTLED = pytest.StashKey[tuple[Verdict, str]]()


class State:
    """Subjects, selection and plan. Raises CatalogueError, ProfileError or NoSuchSubject for bad options."""

    def __init__(self, config: pytest.Config) -> None:
        from conformance import subject  # imports torch: never for --help

        option = config.option
        self.seed, self.effort = option.seed, option.effort
        given = {name: getattr(option, name) for name in DEFAULTS}
        self.choices = [f"--{name}={value}" for name, value in given.items() if value != DEFAULTS[name]]
        self.catalogue = catalogue()
        self.globs = [*option.claim, *(f"{area}.*" for area in option.area)]
        self.selected = {claim.id for claim in self.catalogue.select(option.claim, option.area)}
        self.areas = {self.catalogue[claim].area for claim in self.selected}
        profiles = [load(Path(path)) for path in option.profile]
        profiles += [for_device(device) for device in option.device or ([] if profiles else ["cpu"])]
        for profile in profiles:
            validate(profile, self.catalogue, self.catalogue.areas, subject.FEATURES, numerics.CLASSES)
        self.subjects = {found.name: found for found in map(subject.find, profiles)}
        self.release = subject.release()
        self.narrowed = bool(option.claim or option.area)
        self.whole = not (option.keyword or option.markexpr or config.getoption("file_or_dir") or option.deselect)
        self.deselected = 0
        self.plan: dict[str, Planned] = {}
        names = "+".join(name.replace(":", "") for name in self.subjects)
        self.path = Path(option.record or ROOT / "reports" / "out" / f"{names}.jsonl")

    def names(self, claim: str) -> bool:
        """Whether the options select a claim by its name, be it in the catalogue or not."""
        return not self.globs or any(fnmatch.fnmatchcase(claim, glob) for glob in self.globs)


STATE = pytest.StashKey[State]()


def load_effort(effort: str) -> None:
    """Make a Hypothesis profile of an effort and load it: derandomised, but for deep."""
    efforts.choose(effort)
    settings: Mapping[str, Any] = {
        "max_examples": EXAMPLES[effort],
        "deadline": None,
        "suppress_health_check": list(HealthCheck),
        "phases": [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        "report_multiple_bugs": False,
        "print_blob": False,
        **({} if effort == "deep" else {"derandomize": True, "database": None}),
    }
    hypothesis.settings.register_profile(effort, **settings)
    hypothesis.settings.load_profile(effort)

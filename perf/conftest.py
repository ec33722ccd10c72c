"""The perf lane's part of pytest: it runs alone, proves its clock, and has pytest-benchmark write its JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import effort
from conformance.plugin.state import ROOT, STATE
from conformance.subject import Subject
from perf.clock import Call, Untrustworthy, WallClock, clock_for, prove
from perf.meter import Meter
from perf.roofline import Ceilings
from perf.timing import Turns

pytest_plugins = ["pytest_benchmark.plugin"]

HERE = Path(__file__).parent
# Seconds for one comparison, and the share of the usual sizes.
BUDGET = {"quick": 0.06, "gate": 0.4, "deep": 4.0}
SCALE = {"quick": 1 / 16, "gate": 1.0, "deep": 1.0}


def pytest_configure(config: pytest.Config) -> None:
    option = config.option
    if getattr(option, "numprocesses", None) or hasattr(config, "workerinput"):
        raise pytest.UsageError("perf measures time and runs alone: leave -n out, or run `pytest -p no:xdist perf`")
    if option.benchmark_disable or option.benchmark_skip:
        raise pytest.UsageError("perf would measure nothing: leave --benchmark-disable and --benchmark-skip out")
    state = config.stash.get(STATE, None)
    if state is None or option.collectonly:
        return
    if option.record is None:
        state.path = ROOT / "reports" / "out" / f"perf-{state.path.name}"
    if option.benchmark_json is None:
        path = state.path.with_suffix(".benchmark.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        option.benchmark_json = str(path)
    # The table of a hundred rows hides the verdicts; the JSON has it all.
    option.benchmark_quiet = True


def pytest_report_header() -> str:
    return f"perf: {BUDGET[effort.level()]:g} s a comparison, alternatives in turn, noise floor by A/A"


@pytest.fixture(scope="session")
def proved() -> dict[str, WallClock]:
    """The clock of each device that was shown to be trustworthy in this run."""
    return {}


@pytest.fixture(scope="session")
def ceilings() -> dict[str, dict[int, Ceilings]]:
    """The ceilings that were measured in this run, by device and threads."""
    return {}


@pytest.fixture
def meter(
    subject: Subject,
    benchmark: Any,
    record_property: Any,
    proved: dict[str, WallClock],
    ceilings: dict[str, dict[int, Ceilings]],
) -> Iterator[Meter]:
    """A meter of the subject, whose clock has proved in this run that it waits."""
    if subject.device not in proved:
        proved[subject.device] = _proved(subject.device)
    harness, level = Harness(benchmark), effort.level()
    yield Meter(
        subject.device,
        proved[subject.device],
        budget=BUDGET[level],
        scale=SCALE[level],
        report=lambda figure: record_property("measurement", figure),
        drive=harness.drive,
        keep=harness.keep,
        ceilings_of=ceilings.setdefault(subject.device, {}),
    )
    benchmark.skipped = not harness.used  # checks without a time, as of memory, do not use it


def _proved(device: str) -> WallClock:
    clock = clock_for(device)
    try:
        prove(clock)
    except Untrustworthy:
        prove(clock)  # once more: a machine may stall
    return clock


class Harness:
    """pytest-benchmark drives the turns of the first comparison; its data are the samples of the judged work."""

    def __init__(self, benchmark: Any) -> None:
        self.benchmark, self.used = benchmark, False

    def drive(self, turn: Call, rounds: int) -> None:
        """Run the turns, one a round."""
        self.used = True
        self.benchmark.pedantic(turn, rounds=rounds, iterations=1, warmup_rounds=0)

    def keep(self, turns: Turns, judged: int, extra: dict[str, Any]) -> None:
        """Put the samples of the judged work where pytest-benchmark has the times of whole turns."""
        self.benchmark.stats.stats.data[:] = turns.samples[judged]
        self.benchmark.extra_info.update(extra, judged=turns.works[judged].name)

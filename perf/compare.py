"""A/B of two torch installations on one machine: processes of either in turn, with the same inputs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np

from perf.findings import Finding, Label, Samples, confirmed, findings

ROOT = Path(__file__).parent.parent
ROUNDS, TURNS = 15, 3
# Threads that spin while they wait would starve the other workers.
QUIET = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0", "OPENBLAS_NUM_THREADS": "1"}


class WorkerError(RuntimeError):
    """A worker that cannot start, or that died; the message is one line."""


class Worker:
    """A process with one of the two torch installations. Use it as a context manager."""

    def __init__(self, python: str, device: str) -> None:
        self.python = python
        command = [python, "-m", "perf.worker", device]
        environment = {**QUIET, **os.environ}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        try:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes)  # type: ignore[call-overload]
        except OSError as error:
            raise WorkerError(f"{python}: {error.strerror}") from None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *raised: object) -> None:
        self.process.terminate()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with suppress(OSError):  # what was still to be written has no reader
                stream.close()

    def ask(self, **order: Any) -> dict[str, Any]:
        """One order, one answer. Raises WorkerError if the process has ended."""
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            said = self.process.stderr.read().strip().splitlines() or ["it said nothing"]
            raise WorkerError(f"{self.python} ended: {said[-1]}")
        return json.loads(line)


def compare(pythons: tuple[str, str], pattern: str, device: str = "cpu", rounds: int = ROUNDS) -> Comparison:
    """Compare two interpreters over the cases that fit a pattern; what is found is measured again by new processes.

    Raises WorkerError, also if there is no case that both have.
    """
    first = measure(pythons, pattern, device, rounds)
    found = findings(first.samples)
    changed = [one.name for one in found if one.label in (Label.REGRESSION, Label.IMPROVEMENT)]
    if changed:
        again = measure(pythons, pattern, device, rounds, only=changed)
        found = confirmed(found, findings(again.samples))
    return Comparison(first.releases, found, first.left_out)


class Comparison:
    """What a comparison found. `releases`: of either torch; `left_out`: cases that only one has, or that raised."""

    def __init__(self, releases: tuple[str, str], found: Sequence[Finding], left_out: dict[str, str]) -> None:
        self.releases, self.findings, self.left_out = releases, list(found), left_out

    @property
    def regressions(self) -> list[Finding]:
        return [one for one in self.findings if one.label is Label.REGRESSION]


class Measured:
    """Samples by case, and what could not be measured, with the reason."""

    def __init__(self) -> None:
        self.releases = ("", "")
        self.samples: dict[str, Samples] = {}
        self.left_out: dict[str, str] = {}


def measure(
    pythons: tuple[str, str], pattern: str, device: str, rounds: int, only: Sequence[str] | None = None
) -> Measured:
    """Time every case in three processes in turn: base, other, and base again."""
    found = Measured()
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(python, device)) for python in (*pythons, pythons[0])]
        known = [worker.ask(cases=pattern) for worker in workers]
        for answer in known:
            if "error" in answer:
                raise WorkerError(answer["error"])
        found.releases = (known[0]["torch"], known[1]["torch"])
        names = known[0]["cases"] if only is None else list(only)
        if not set(known[0]["cases"]) & set(known[1]["cases"]):
            raise WorkerError(f"no case that both have fits {pattern!r}")
        for name in dict.fromkeys([*names, *(known[1]["cases"] if only is None else [])]):
            _case(workers, name, rounds, found)
    return found


def _case(workers: Sequence[Worker], name: str, rounds: int, found: Measured) -> None:
    for worker, side in zip(workers, ("base", "other", "base"), strict=True):
        answer = worker.ask(prepare=name)
        if "error" in answer:
            found.left_out[name] = f"{side}: {answer['error']}"
            return
    taken: list[list[float]] = [[] for _ in workers]
    for turn in range(rounds):
        order = range(len(workers)) if turn % 2 == 0 else reversed(range(len(workers)))
        for place in order:
            taken[place].append(float(np.median(workers[place].ask(take=TURNS)["seconds"])))
    found.samples[name] = Samples(*taken)

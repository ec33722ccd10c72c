"""The perf lane as pytest sees it: it runs alone, measures or says why not, and leaves run, figures and JSON behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from conformance.plugin.state import ROOT
from conformance.run import read

SCHEMA = json.loads((ROOT / "reports/schema/run.json").read_text(encoding="utf-8"))


def lane(*options: str) -> subprocess.CompletedProcess[str]:
    """The lane in a process of its own."""
    usual = ["-p", "no:cacheprovider", "perf", "--effort=quick", "--no-page"]
    command = [sys.executable, "-m", "pytest", *usual, *options]
    # A worker of xdist says so in its environment, and pytest-benchmark measures nothing there.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A run of three claims: a ratio, a kernel, memory."""
    path = tmp_path_factory.mktemp("perf") / "small.jsonl"
    claims = [f"--claim=perf.{slug}" for slug in ("view-constant", "inplace-saves-allocation", "gpu-accelerates")]
    kernel = ["--claim=perf.kernel-takes-its-time", "-k", "not takes_the_time or matmul and float32 and small"]
    return lane("-p", "no:xdist", *claims, *kernel, f"--record={path}"), path


def test_the_lane_runs_alone(ran: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, path = ran
    assert done.returncode == 0, done.stdout + done.stderr
    run = read(path)
    verdicts = {record.claim.partition(".")[2]: record.verdict for record in run.records}
    assert verdicts.pop("gpu-accelerates") == "unsupported"
    assert set(verdicts) == {"view-constant", "inplace-saves-allocation", "kernel-takes-its-time"}
    assert set(verdicts.values()) <= {"held", "inconclusive"}


def test_the_figures_are_in_the_run(ran: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    run = read(ran[1])
    found = {record.claim.partition(".")[2]: record.measurements for record in run.records}
    (ratio,) = found["view-constant"]
    assert ratio["kind"] == "ratio"
    assert ratio["low"] <= ratio["ratio"] <= ratio["high"]
    assert ratio["floor"] >= 1
    assert [figure["kind"] for figure in found["inplace-saves-allocation"]] == ["memory", "memory"]
    (time,) = found["kernel-takes-its-time"]
    assert time["kind"] == "time"
    assert time["bytes"] == 3 * 32 * 32 * 4
    assert time["operations"] == 2 * 32**3
    assert min(time["seconds"], time["limit"], time["numpy"]) > 0


def test_the_run_keeps_to_its_schema(ran: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for line in ran[1].read_text(encoding="utf-8").splitlines():
        validator.validate(json.loads(line))


def test_pytest_benchmark_leaves_its_json_beside_the_run(ran: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    found = json.loads(ran[1].with_suffix(".benchmark.json").read_text(encoding="utf-8"))
    by_name = {entry["name"].partition("[")[0]: entry for entry in found["benchmarks"]}
    entry = by_name["test_a_view_takes_no_longer_for_more"]
    (record,) = (record for record in read(ran[1]).records if record.claim == "perf.view-constant")
    # The harness drove the turns, but its times are those of the judged work alone.
    assert entry["extra_info"]["judged"] == record.measurements[0]["name"]
    assert entry["stats"]["median"] < 1e-3
    assert len(entry["extra_info"]["seconds"]) == 4


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["-n2"], "runs alone: leave -n out, or run `pytest -p no:xdist perf`"),
        (["-p", "no:xdist", "--benchmark-disable"], "would measure nothing"),
        (["-p", "no:xdist", "--benchmark-skip"], "would measure nothing"),
    ],
)
def test_what_would_measure_nothing_is_a_usage_error(options: list[str], says: str) -> None:
    done = lane(*options)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert says in done.stderr
    assert "Traceback" not in done.stderr

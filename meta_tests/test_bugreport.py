"""A refutation in the terminal: how to see it again is a command that chooses the same claim and the same subject."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from conformance.bugreport import refutation
from conformance.claim import catalogue
from conformance.profile import for_device, load
from meta_tests.runs import record

PROFILE = '[subject]\ndevice = "mine:0"\n'


def again(claim: str, *options: str) -> list[str]:
    """The words of the command."""
    shown = refutation(catalogue()[claim], record(claim, "refuted"), "test.py:1", options)
    (line,) = (line for line in shown.splitlines() if line.startswith("again:"))
    return shlex.split(line.removeprefix("again:"))


@pytest.mark.parametrize("device", ["cpu", "meta", "xpu:1"])
def test_a_device_is_chosen_by_its_name(device: str) -> None:
    assert again("math.add", for_device(device).option) == ["pytest", "--claim=math.add", f"--device={device}"]


def test_a_profile_is_chosen_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "my device.toml"
    path.write_text(PROFILE, encoding="utf-8")
    assert again("math.add", load(path).option) == ["pytest", "--claim=math.add", f"--profile={path}"]


def test_effort_and_seed_are_told() -> None:
    found = again("math.add", "--device=cpu", "--effort=deep", "--seed=7")
    assert found == ["pytest", "--claim=math.add", "--device=cpu", "--effort=deep", "--seed=7"]


def test_a_claim_of_cost_is_measured_in_its_lane() -> None:
    found = again("perf.clone-linear", for_device("cpu").option)
    assert found == ["pytest", "-p", "no:xdist", "perf", "--claim=perf.clone-linear", "--device=cpu"]

"""A/B of two installations: noise is nothing, what is slow is found; with made-up times and with processes."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from perf.__main__ import Exit, lines, main, plain
from perf.cases import cases
from perf.compare import Comparison, Worker, WorkerError
from perf.findings import Finding, Label, Samples, confirmed, discoveries, findings

CASES = [f"case {number}" for number in range(60)]


def made_up(seed: int, *, slower: dict[str, float] | None = None, noise: float = 0.05) -> dict[str, Samples]:
    """Sixty cases on a machine with noise in each sample and between processes, and long tails."""
    rng = np.random.default_rng(seed)

    def process(factor: float) -> list[float]:
        shift = np.exp(0.02 * rng.standard_normal())
        times = factor * shift * np.exp(noise * rng.standard_normal(15))
        return list(np.where(rng.random(15) < 0.1, 3 * times, times))

    return {name: Samples(process(1.0), process((slower or {}).get(name, 1.0)), process(1.0)) for name in CASES}


def changed(found: list[Finding]) -> dict[str, Label]:
    return {one.name: one.label for one in found if one.label in (Label.REGRESSION, Label.IMPROVEMENT)}


def test_an_installation_is_never_found_to_differ_from_itself() -> None:
    for seed in range(20):
        found = confirmed(findings(made_up(seed)), findings(made_up(1000 + seed)))
        assert not changed(found), seed


def test_what_got_slower_or_quicker_is_found() -> None:
    slower = {"case 3": 1.2, "case 17": 2.0, "case 40": 0.6}
    expected = {"case 3": Label.REGRESSION, "case 17": Label.REGRESSION, "case 40": Label.IMPROVEMENT}
    seen: Counter[str] = Counter()
    for seed in range(20):
        first, again = (findings(made_up(start + seed, slower=slower)) for start in (0, 1000))
        found = changed(confirmed(first, again))
        assert found.items() <= expected.items()
        seen.update(found.keys())
    assert min(seen["case 17"], seen["case 40"]) >= 15
    assert seen["case 3"] >= 3  # a fifth more, where processes differ by a fiftieth


def test_where_nothing_is_found_the_width_decides() -> None:
    quiet = {one.label for one in findings(made_up(0, noise=0.01), smallest=1.2)}
    noisy = [one.label for one in findings(made_up(0, noise=1.0), smallest=1.2)]
    assert Label.NO_CHANGE in quiet
    assert noisy.count(Label.INCONCLUSIVE) > 50


def test_an_interval_holds_its_ratio() -> None:
    for one in findings(made_up(1, slower={"case 5": 1.5})):
        assert one.low <= one.ratio <= one.high
        assert 0 <= one.probability <= 1


@pytest.mark.parametrize(
    ("probabilities", "found"),
    [
        ([], set()),
        ([0.04], {0}),
        ([0.06], set()),
        ([0.001, 0.02, 0.03, 0.9], {0, 1, 2}),  # the third is below 3/4 of the rate, and takes the second along
        ([0.001, 0.04, 0.05, 0.9], {0}),
        ([0.04, 0.04, 0.04, 0.04], {0, 1, 2, 3}),
    ],
)
def test_the_step_up_procedure(probabilities: list[float], found: set[int]) -> None:
    named = {str(place): value for place, value in enumerate(probabilities)}
    assert discoveries(named, 0.05) == {str(place) for place in found}


def test_what_is_found_only_once_stays_open() -> None:
    def one(label: Label) -> Finding:
        return Finding("x", 1.0, 2.0, 2.0, 1.9, 2.1, 0.0, label)

    assert confirmed([one(Label.REGRESSION)], [one(Label.REGRESSION)])[0].label is Label.REGRESSION
    for second in (Label.IMPROVEMENT, Label.NO_CHANGE, Label.INCONCLUSIVE):
        assert confirmed([one(Label.REGRESSION)], [one(second)])[0].label is Label.INCONCLUSIVE
    assert confirmed([one(Label.NO_CHANGE)], [])[0].label is Label.NO_CHANGE


# -- with processes ----------------------------------------------------------------------------------------------------

SLOW = """
import time, torch
sound = torch.softmax
def softmax(*args, **kwargs):
    time.sleep(0.005)
    return sound(*args, **kwargs)
torch.softmax = softmax
"""


@pytest.fixture
def slow(tmp_path: Path) -> str:
    """An interpreter whose torch is this one, but for a softmax that pauses."""
    (tmp_path / "sitecustomize.py").write_text(SLOW, encoding="utf-8")
    path = tmp_path / "python"
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"\n', encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


pytestmark = pytest.mark.skipif(os.name != "posix", reason="an interpreter is wrapped in a shell script here")
SMALL = ["-k", "softmax, small", "--rounds", "7"]


def test_a_slow_kernel_is_a_regression(slow: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "found.json"
    code = main(["compare", "--python", sys.executable, "--python", slow, *SMALL, "--json", str(out)])
    said = capsys.readouterr().out
    assert code == Exit.REGRESSED, said
    assert "softmax, small, forward" in said
    assert "1 cases: 1 regression" in said
    (found,) = json.loads(out.read_text(encoding="utf-8"))["findings"]
    assert found["label"] == "regression"
    assert found["ratio"] > 100


def test_the_same_installation_is_no_regression() -> None:
    assert main(["compare", "--python", sys.executable, "--python", sys.executable, *SMALL]) == Exit.SOUND


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--python", sys.executable], Exit.USAGE, "takes --python twice"),
        (["--python", "/no/such", "--python", "/no/such"], Exit.UNUSABLE, "/no/such: No such file"),
        (["--python", sys.executable, "--python", sys.executable, "-k", "nothing like it"], Exit.UNUSABLE, "no case"),
        (["--python", "/bin/false", "--python", "/bin/false"], Exit.UNUSABLE, "/bin/false ended"),
    ],
)
def test_what_cannot_be_compared(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *arguments]) == code
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_a_case_that_raises_is_left_out_with_its_reason() -> None:
    with Worker(sys.executable, "cpu") as worker:
        assert worker.ask(cases="softmax, small*")["cases"] == ["softmax, small, forward"]
        assert worker.ask(prepare="no such case")["error"].startswith("KeyError")
        assert worker.ask(prepare="softmax, small, forward")["loops"] >= 1
        assert len(worker.ask(take=3)["seconds"]) == 3


def test_a_worker_that_died_is_an_error() -> None:
    with Worker(sys.executable, "no-such-device") as worker, pytest.raises(WorkerError, match="ended: "):
        worker.ask(cases="*")


def test_every_case_can_be_made() -> None:
    named = cases()
    assert len(named) > 80
    for name in (
        "add, small, forward",
        "lstm, small, forward",
        "torch.tensor(array), small",
        "conv2d, middle, backward",
    ):
        named[name]("cpu")()


def test_the_table_puts_what_changed_first() -> None:
    rows = [
        Finding("b", 1e-6, 1e-6, 1.0, 0.9, 1.1, 1.0, Label.NO_CHANGE),
        Finding("a", 1e-6, 2e-6, 2.0, 1.9, 2.1, 0.0, Label.REGRESSION),
    ]
    found = Comparison(("2.13.0", "2.15.0"), rows, {"c": "base: KeyError"})
    text = lines(found)
    assert text[0].split() == ["case", "torch", "2.13.0", "torch", "2.15.0", "ratio", "interval"]
    assert text[1].startswith("a  ")
    assert text[-2:] == [
        "left out: c (base: KeyError)",
        "2 cases: 1 regression, 0 improvement, 1 no change, 0 inconclusive",
    ]
    assert json.loads(json.dumps(plain(found)))["findings"][1]["label"] == "regression"

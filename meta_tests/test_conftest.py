"""The suite as pytest sees it: whole runs of a tiny project, whose checks end in every way that a check can end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path

import pytest

from conformance.run import IncompleteRun, Record, read
from meta_tests.tiny import ONE, Result, Started, judge, one_check, project
from meta_tests.tiny_checks import CHECKS, CLAIMS, EXPECTATIONS

SNAPSHOT = Path(__file__).parent / "snapshots" / "tiny.txt"
SUBJECTS = ["--profile=vendor.toml", "--device=meta"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny project; runs that need no checks of their own share its folder."""
    folder = project(tmp_path_factory.mktemp("tiny"), CLAIMS, CHECKS)
    (folder / "vendor.toml").write_text(EXPECTATIONS, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def runs(tiny: Path) -> dict[str, Result]:
    """The tiny project three times at once: alone, alone again, and with workers, where it may also crash and hang."""
    areas = ["--area=tiny", "--area=other"]
    many = {"alone": areas, "again": areas, "workers": ["-n2", "--timeout=6"]}
    started = {name: Started(tiny, *SUBJECTS, *options, name=name) for name, options in many.items()}
    return {name: run.result() for name, run in started.items()}


@pytest.fixture
def alone(runs: dict[str, Result]) -> Result:
    return runs["alone"]


# -- what becomes of a check -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slug", "verdict"),
    {
        "holds": "held",
        "holds_for_all": "held",
        "false": "refuted",
        "false_for_some": "refuted",
        "needs_false": "blocked",
        "needs_two": "blocked",
        "broken": "broken",
        "raises_inside": "broken",
        "mistaken": "broken",
        "answers": "refuted",
        "set_up": "broken",
        "lacking": "unsupported",
        "later": "absent",
        "earlier": "absent",
        "later_check": "absent",
        "known": "refuted",
        "flaky": "refuted",
        "tolerant": "refuted",
        "rows": "refuted",
        "untried": "not_run",
        "unheard_of": "not_run",
    }.items(),
)
def test_a_check_ends_in_its_verdict(alone: Result, slug: str, verdict: str) -> None:
    assert alone.verdicts()[slug] == verdict


def test_nothing_is_recorded_of_what_cannot_be_tested(alone: Result) -> None:
    assert "taste" not in alone.verdicts()


def test_each_row_of_a_table_has_a_record(alone: Result) -> None:
    rows = [record for record in alone.run.records if record.claim == "tiny.rows" and record.subject == "cpu"]
    found = {record.params["row"]: record.verdict for record in rows}
    assert found == {"1": "held", "2": "refuted", "3": "held"}


def test_an_expected_refutation_is_no_surprise(alone: Result) -> None:
    record = alone.record("known")
    assert (record.expected, record.surprising) == ("refuted", False)
    assert "1 xfailed" in alone.text


def test_a_witness_refutes_at_the_first_example(alone: Result) -> None:
    assert alone.record("known").examples == 1


def test_an_expectation_that_nothing_bears_out_is_stale(alone: Result) -> None:
    assert alone.run.stale == [
        "tiny.holds: expected to be refuted (it was once wrong), but no check found it so; remove the expectation"
    ]
    assert "stale: tiny.holds" in alone.text


def test_an_expectation_speaks_of_its_subject_only(alone: Result) -> None:
    assert alone.record("known", "meta").surprising


def test_a_blocked_claim_names_its_roots_first(alone: Result) -> None:
    assert str(alone.record("needs_two").detail.message).startswith("blocked by tiny.needs_false, tiny.false; ")


def test_a_refutation_has_its_smallest_input(alone: Result) -> None:
    assert alone.record("false_for_some").detail.recipe == "n = 8"


def test_a_refutation_has_both_sides(alone: Result) -> None:
    detail = alone.record("false").detail
    assert (detail.expected, detail.actual) == ("3", "2")


def test_refutations_are_reproduced_in_a_fresh_process(alone: Result) -> None:
    refuted = {r.claim: r.detail.reproduced for r in alone.run.records if r.detail.reproducer and r.subject == "cpu"}
    assert refuted.pop("tiny.flaky") is False, "what is wrong only once cannot be shown again"
    assert set(refuted.values()) == {True}, refuted


def test_the_cause_of_a_broken_check_is_told(alone: Result) -> None:
    assert alone.record("broken").detail.message == "ValueError: our own mistake"
    assert alone.record("set_up").detail.message == "RuntimeError: no such thing"


def test_every_check_is_tried_on_every_subject(alone: Result) -> None:
    assert alone.run.subjects == ["cpu", "meta"]
    tried = {subject: {r.key[:3] for r in alone.run.records if r.subject == subject} for subject in alone.run.subjects}
    assert tried["cpu"] == tried["meta"]


def test_the_counts_add_up(alone: Result) -> None:
    run = alone.run
    assert run.header["planned"] == len(run.records) == sum(run.footer["counts"].values())
    assert f"{len(run.records)} planned = " in alone.text


# -- the same records, however they came about -------------------------------------------------------------------------


def comparable(records: Iterable[Record]) -> list[str]:
    """All of the records but their times; without `flaky`, which counts its calls in its own process."""
    lines = [{**record.to_json(), "seconds": 0} for record in records]
    return sorted(repr(line) for line in lines if line["claim"] != "tiny.flaky" and "deadly" not in line["claim"])


@pytest.mark.parametrize("other", ["again", "workers"])
def test_another_run_gives_the_same_records(runs: dict[str, Result], other: str) -> None:
    first, second = (comparable(runs[name].run.records) for name in ("alone", other))
    assert first == second


def test_a_run_shows_what_it_always_showed(alone: Result) -> None:
    assert rendered(alone) == SNAPSHOT.read_text(encoding="utf-8"), (
        f"if this is what is wanted, write it anew: python -m meta_tests.test_conftest > {SNAPSHOT.name}"
    )


def rendered(result: Result) -> str:
    """A run as text, without what changes from machine to machine."""
    run = result.run
    header = {name: run.header[name] for name in ("effort", "seed", "planned", "selection", "deselected", "uncovered")}
    lines = [repr(header), *(_line(record) for record in run.records), repr(run.footer["counts"])]
    summary = result.text.partition("= conformance =")[2].partition("run:")[0]
    return "\n".join([*lines, *(line for line in summary.splitlines()[1:])]) + "\n"


def _line(record: Record) -> str:
    params = ",".join(f"{name}={value}" for name, value in record.params.items())
    message = " ".join(str(record.detail.message).split())
    parts = (record.claim, params, record.subject, record.verdict, record.expected, record.examples, message)
    return " | ".join(map(str, (*parts, record.detail.recipe, record.detail.expected, record.detail.actual)))


# -- crashes, hangs, interruptions -------------------------------------------------------------------------------------


def test_a_crash_takes_one_check_only(runs: dict[str, Result]) -> None:
    found = {r.claim: r.verdict for r in runs["workers"].run.records if r.claim.startswith("deadly.")}
    assert found == {"deadly.aborts": "crashed", "deadly.hangs": "timed_out"}
    assert runs["workers"].code == 1


def test_a_lost_check_says_what_became_of_it(runs: dict[str, Result]) -> None:
    assert runs["workers"].record("aborts").detail.message == "the process ended in the middle of the check"
    assert runs["workers"].record("hangs", "cpu").detail.message == "no answer in 6 s"


def test_a_hang_without_workers_is_timed_out(tmp_path: Path) -> None:
    result = one_check(tmp_path, "time.sleep(100)", "--timeout=1")
    assert result.verdicts() == {"one": "timed_out"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the check would kill this very process")
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_an_interrupted_run_is_refused(tmp_path: Path, name: str) -> None:
    checks = f"""
        @check("a.one")
        def test_one(subject):
            pass

        @check("a.one")
        def test_two(subject):
            # A run that was started in the background may have been told to ignore it.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.kill(os.getpid(), signal.{name})
        """
    result = judge(project(tmp_path, ONE, {"conformance/test_a.py": checks}))
    assert result.code == (2 if name == "SIGINT" else -signal.SIGKILL)
    with pytest.raises(IncompleteRun, match="cut off after 1 of 2 records"):
        read(result.path)


def test_after_the_first_failure_the_rest_is_not_run(tiny: Path) -> None:
    result = judge(tiny, "-x", "-k", "holds or broken or inside", name="first")
    assert result.code == 1
    assert result.verdicts()["broken"] == "broken"
    last = result.record("raises_inside")
    assert (last.verdict, last.detail.message) == ("not_run", "the run ended before it")


# -- seeds -------------------------------------------------------------------------------------------------------------


SEEDED = """
import random
import numpy as np

@check("a.one")
@given(n=st.integers(0, 10**9))
def test_drawn(subject, n):
    with open(f"drawn-{subject.name}", "a") as file:
        print(n, torch.randint(10**6, (1,)).item(), file=file)

@check("a.one")
def test_made(subject):
    with open(f"made-{subject.name}", "w") as file:
        print(random.random(), np.random.rand(), torch.rand(1).item(), file=file)
"""


def test_the_seed_is_of_the_claim_not_of_the_subject(tmp_path: Path) -> None:
    project(tmp_path, ONE, {"conformance/test_a.py": SEEDED})
    assert judge(tmp_path, "--device=cpu", "--device=meta").code == 0
    for kind in ("drawn", "made"):
        seen = [(tmp_path / f"{kind}-{subject}").read_text(encoding="utf-8") for subject in ("cpu", "meta")]
        assert seen[0] == seen[1]
        assert len(seen[0].splitlines()) == (40 if kind == "drawn" else 1)


def test_another_seed_gives_other_inputs(tmp_path: Path) -> None:
    project(tmp_path, ONE, {"conformance/test_a.py": SEEDED})
    seen = []
    for seed in (0, 1):
        assert judge(tmp_path, f"--seed={seed}", "--effort=quick").code == 0
        seen.append([(tmp_path / f"{kind}-cpu").read_text(encoding="utf-8") for kind in ("drawn", "made")])
        (tmp_path / "drawn-cpu").unlink()
    assert seen[0][0] != seen[1][0]
    assert seen[0][1] != seen[1][1]


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        place = project(Path(name), CLAIMS, CHECKS)
        (place / "vendor.toml").write_text(EXPECTATIONS, encoding="utf-8")
        print(rendered(judge(place, *SUBJECTS, "--area=tiny", "--area=other")), end="")

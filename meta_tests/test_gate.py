"""The gate with a baseline: which bucket a change falls into, and what exit code follows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.claim import Catalogue
from conformance.run import Record, Run
from conformance.verdict import Verdict
from meta_tests.runs import read_catalogue, record, refuted, run, write_catalogue
from reports.__main__ import main
from reports.compare import Change, compare, drifted
from reports.exits import Exit
from reports.gate import against, gate, neutral

HELD = record("math.sum")


@pytest.fixture(scope="session")
def claims(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return read_catalogue(tmp_path_factory.mktemp("claims"))


def judged(verdict: str | None, claim: str = "view.base", expected: str = "held", **changes: object) -> list[Record]:
    """One record, or none for a check that was not planned, beside one that always holds."""
    if verdict is None:
        return [HELD]
    found = record(claim, verdict, **changes)
    found.expected = expected
    return [found, HELD]


def change(before: Run, after: Run, claims: Catalogue) -> Change:
    """The bucket of the one check that is not the one that always holds."""
    [pair] = [pair for pair in compare(before, after, claims).pairs if pair.record.claim != HELD.claim]
    return pair.change


BUCKETS = [
    ("held", "held", Change.SAME, Exit.SOUND),
    ("held", "refuted", Change.REGRESSED, Exit.REGRESSED),
    ("held", "crashed", Change.REGRESSED, Exit.REGRESSED),
    ("held", "timed_out", Change.REGRESSED, Exit.REGRESSED),
    ("held", "broken", Change.REGRESSED, Exit.REGRESSED),
    ("held", "blocked", Change.REGRESSED, Exit.REGRESSED),
    ("inconclusive", "refuted", Change.REGRESSED, Exit.REGRESSED),
    ("refuted", "refuted", Change.STILL, Exit.SOUND),
    ("refuted", "crashed", Change.STILL, Exit.SOUND),
    ("broken", "refuted", Change.STILL, Exit.SOUND),
    ("refuted", "held", Change.FIXED, Exit.SOUND),
    ("crashed", "held", Change.FIXED, Exit.SOUND),
    ("held", None, Change.LOST, Exit.LOST_COVERAGE),
    ("refuted", None, Change.LOST, Exit.LOST_COVERAGE),
    ("held", "not_run", Change.LOST, Exit.LOST_COVERAGE),
    ("held", "unsupported", Change.LOST, Exit.LOST_COVERAGE),
    ("held", "absent", Change.LOST, Exit.LOST_COVERAGE),
    ("refuted", "unsupported", Change.LOST, Exit.LOST_COVERAGE),
    ("unsupported", None, Change.LOST, Exit.LOST_COVERAGE),
    (None, "held", Change.NEW, Exit.SOUND),
    (None, "refuted", Change.NEW, Exit.SURPRISES),
    ("unsupported", "held", Change.NEW, Exit.SOUND),
    ("unsupported", "refuted", Change.NEW, Exit.SURPRISES),
    ("absent", "crashed", Change.NEW, Exit.SURPRISES),
    ("unsupported", "unsupported", Change.SAME, Exit.SOUND),
    ("unsupported", "absent", Change.SAME, Exit.SOUND),
    ("held", "inconclusive", Change.UNSETTLED, Exit.SOUND),
    ("inconclusive", "held", Change.UNSETTLED, Exit.SOUND),
    ("refuted", "inconclusive", Change.UNSETTLED, Exit.SOUND),
    ("inconclusive", "inconclusive", Change.SAME, Exit.SOUND),
]


@pytest.mark.parametrize(("before", "after", "bucket", "code"), BUCKETS)
def test_a_change_falls_into_its_bucket(
    claims: Catalogue, before: str | None, after: str | None, bucket: Change, code: Exit
) -> None:
    old, new = run(judged(before)), run(judged(after))
    assert change(old, new, claims) == bucket
    assert gate(new, claims, old).exit == code


def test_every_pair_of_verdicts_has_a_bucket_and_the_numbers_add_up(claims: Catalogue) -> None:
    sides: list[str | None] = [None, *map(str, Verdict)]
    for before in sides:
        for after in sides:
            old, new = run(judged(before)), run(judged(after))
            counts = compare(old, new, claims).counts
            assert sum(side[0] for side in counts.values()) == old.header["planned"]
            assert sum(side[1] for side in counts.values()) == new.header["planned"]


def test_a_regression_comes_before_lost_coverage(claims: Catalogue) -> None:
    old = run([record(), record("creation.full"), HELD])
    answer = gate(run([refuted(), HELD]), claims, old)
    assert answer.exit == Exit.REGRESSED
    assert answer.text.startswith("Regressed: 1 check of 1 claim; lost coverage: 1 check of 1 claim.\n")


def test_a_regression_that_is_expected_is_listed_but_does_not_gate(claims: Catalogue) -> None:
    old, new = run(judged("held")), run(judged("refuted", expected="refuted"))
    assert change(old, new, claims) == Change.KNOWN
    answer = gate(new, claims, old)
    assert answer.exit == Exit.SOUND
    assert "Regressed as expected: 1 check of 1 claim" in answer.text


@pytest.mark.parametrize(
    ("before", "after"), [(("refuted", "refuted"), ("held", "refuted")), (("refuted", "held"), ("held", "refuted"))]
)
def test_an_expectation_that_went_stale_is_a_new_surprise(
    claims: Catalogue, before: tuple[str, str], after: tuple[str, str]
) -> None:
    old = run(judged(before[0], expected=before[1]))
    assert gate(run(judged(after[0], expected=after[1])), claims, old).exit == Exit.SURPRISES


def test_a_stale_sentence_counts_once(claims: Catalogue) -> None:
    old, new = run([HELD]), run([HELD], stale=["view.base: remove the expectation"])
    assert gate(new, claims, old).exit == Exit.SURPRISES
    assert gate(new, claims, new).exit == Exit.SOUND


@pytest.mark.parametrize("after", [None, "absent"])
@pytest.mark.parametrize(
    ("claim", "older", "newer"), [("math.gone", "2.4.0", "2.5.1"), ("math.novel", "2.5.1", "2.4.0")]
)
def test_since_and_until_explain_an_absence(
    claims: Catalogue, claim: str, older: str, newer: str, after: str | None
) -> None:
    old, new = run(judged("held", claim), torch=older), run(judged(after, claim), torch=newer)
    assert change(old, new, claims) == Change.GONE
    answer = gate(new, claims, old)
    assert answer.exit == Exit.SOUND
    assert "Absent: 1 check of 1 claim" in answer.text


def test_the_bounds_of_a_check_explain_an_absence_in_another_release_only(claims: Catalogue) -> None:
    old, new = run(judged("held"), torch="2.4.0"), run(judged("absent"), torch="2.5.0")
    assert change(old, new, claims) == Change.GONE
    assert change(old, run(judged("absent"), torch="2.4.0"), claims) == Change.LOST
    assert change(old, run(judged(None), torch="2.5.0"), claims) == Change.LOST


def test_an_absence_does_not_excuse_lack_of_support(claims: Catalogue) -> None:
    old, new = run(judged("held", "math.gone"), torch="2.4.0"), run(judged("unsupported", "math.gone"), torch="2.5.0")
    assert change(old, new, claims) == Change.LOST


@pytest.mark.parametrize("version", ["unknown", "", "2.x"])
def test_a_release_that_cannot_be_read_explains_nothing(claims: Catalogue, version: str) -> None:
    old, new = run(judged("held", "math.gone")), run(judged(None, "math.gone"), torch=version)
    assert change(old, new, claims) == Change.LOST


def test_releases_are_compared_by_subject(claims: Catalogue) -> None:
    old = run([record(), record(subject="cuda"), HELD], torch="2.4.0+cu121", subjects=("cpu", "cuda"))
    new = run([record(), refuted(subject="cuda"), HELD], torch="2.5.0a0+git0123", subjects=("cpu", "cuda"))
    [pair] = compare(old, new, claims)[Change.REGRESSED]
    assert pair.record.subject == "cuda"


def test_a_subject_that_is_missing_is_lost_coverage(claims: Catalogue) -> None:
    old, new = run([HELD]), run([record("math.sum", subject="cuda")], subjects=("cuda",))
    answer = gate(new, claims, old)
    assert answer.exit == Exit.LOST_COVERAGE
    assert "no subject in common" in answer.text


@pytest.mark.parametrize(
    ("old", "new", "is_drift"),
    [(0.3, 0.61, True), (0.3, 0.6, False), (0.2, 0.5, False), (0, 0.51, True), (None, 0.9, False), (0.9, None, False)],
)
def test_drift_is_more_than_double_and_more_than_half(old: float | None, new: float | None, is_drift: bool) -> None:
    assert drifted(old, new) == is_drift


def test_drift_is_listed_but_does_not_gate(claims: Catalogue) -> None:
    old, new = run(judged("held", margin=0.2)), run(judged("held", margin=0.9))
    answer = gate(new, claims, old)
    assert answer.exit == Exit.SOUND
    assert "margin 0.2 → 0.9" in answer.text


def test_checks_with_the_same_key_are_told_apart(claims: Catalogue) -> None:
    old, new = run([HELD, HELD, HELD]), run([HELD, HELD])
    comparison = compare(old, new, claims)
    assert comparison.counts[Change.SAME] == (2, 2)
    assert comparison.counts[Change.LOST] == (1, 0)


def test_other_inputs_are_a_caveat(claims: Catalogue) -> None:
    suite = {"name": "torch-conformance", "version": "0.2.0", "commit": "abc"}
    said = " ".join(compare(run([HELD]), run([HELD], seed=1, effort="deep", suite=suite, deselected=3), claims).caveats)
    for word in ("seed", "effort", "version", "commit", "3 checks"):
        assert word in said


def test_the_text_names_claims_as_sentences_and_adds_up(claims: Catalogue) -> None:
    old = run([record(), record("creation.full"), HELD])
    answer = against(compare(old, run([refuted(), HELD]), claims), claims)
    assert "view.base: A view keeps the tensor that it looks into as its base." in answer.text
    assert "held → refuted (the base is None, but should be the tensor)" in answer.text
    assert "creation.full: full returns a tensor filled with the value." in answer.text
    assert "held → not planned" in answer.text
    rows = [line.split() for line in answer.text.splitlines()]
    assert ["planned", "3", "2"] in rows
    assert ["lost", "coverage", "1", "0"] in rows


def test_long_buckets_are_cut_with_a_count(claims: Catalogue) -> None:
    many = [record("view.base", params={"n": str(n)}) for n in range(20)]
    answer = against(compare(run(many), run([]), claims), claims)
    assert "… and 15 more checks" in answer.text
    assert len(answer.data["changes"]) == 20


def test_compare_is_neutral(claims: Catalogue) -> None:
    old, new = run(judged("held")), run(judged("refuted"))
    answer = neutral(compare(old, new, claims), claims)
    assert answer.exit == Exit.SOUND
    assert answer.text.startswith("Differences: 1 regressed.\n")
    assert neutral(compare(old, old, claims), claims).text.startswith("No differences.\n")


@pytest.mark.parametrize(("before", "after", "bucket", "code"), BUCKETS[:14:4])
def test_the_command_line_exits_as_the_gate_says(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    before: str | None,
    after: str | None,
    bucket: Change,
    code: Exit,
) -> None:
    folder = str(write_catalogue(tmp_path / "claims"))
    paths = [str(tmp_path / "old.jsonl"), str(tmp_path / "new.jsonl")]
    for verdict, path in zip((before, after), paths, strict=True):
        run(judged(verdict)).write(Path(path))
    assert main(["gate", paths[1], f"--baseline={paths[0]}", f"--claims={folder}", "--json"]) == code
    answer = json.loads(capsys.readouterr().out)
    assert answer["exit"] == code
    assert {row["change"] for row in answer["changes"]} == {bucket} - {Change.SAME}
    assert main(["compare", *paths, f"--claims={folder}", "--json"]) == Exit.SOUND
    assert json.loads(capsys.readouterr().out)["counts"] == answer["counts"]

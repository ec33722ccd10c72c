"""The command line: selections, devices, profiles, exit codes, and one clear line for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from meta_tests.tiny import ONE, judge, one_check, project
from meta_tests.tiny_checks import CHECKS, CLAIMS, EXPECTATIONS


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny project, with a profile that knows one of its refutations and tells a stale story of another."""
    folder = project(tmp_path_factory.mktemp("tiny"), CLAIMS, CHECKS)
    (folder / "vendor.toml").write_text(EXPECTATIONS, encoding="utf-8")
    return folder


# -- exit codes and selection ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--claim=tiny.holds"], 0),
        (["--claim=tiny.broken"], 1),
        (["--claim=tiny.set_up"], 1),
        (["--claim=tiny.lacking"], 0),
        (["--claim=tiny.later"], 0),
        (["--claim=tiny.known", "--profile=vendor.toml"], 0),
        (["--claim=tiny.holds", "--profile=vendor.toml"], 1),
        (["--claim=tiny.tolerant", "--profile=tolerant.toml"], 0),
        (["--area=other"], 0),
        (["-k", "no_such_name"], 5),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_the_exit_code_says_whether_anything_surprised(tiny: Path, options: list[str], code: int) -> None:
    (tiny / "tolerant.toml").write_text('[subject]\ndevice = "cpu"\n[tolerances]\nrounded = 4\n', encoding="utf-8")
    assert judge(tiny, *options, name="code").code == code


def test_a_selection_is_recorded_and_tries_nothing_else(tiny: Path) -> None:
    result = judge(tiny, "--claim=tiny.holds*", "--area=other", name="selection")
    assert {record.claim for record in result.run.records} == {"tiny.holds", "tiny.holds_for_all", "other.holds"}
    assert result.run.header["selection"] == {"claims": ["tiny.holds*"], "areas": ["other"]}


def test_a_keyword_narrows_the_run_and_finds_nothing_uncovered(tiny: Path) -> None:
    result = judge(tiny, "-k", "test_holds", name="keyword")
    assert sorted(result.verdicts()) == ["holds", "holds_for_all"]
    assert result.run.header["uncovered"] == []


def test_what_was_used_of_a_tolerance_is_recorded(tiny: Path) -> None:
    result = judge(tiny, "--claim=tiny.tolerant", "--profile=tolerant.toml", name="margin")
    assert result.record("tolerant").margin == pytest.approx(1.5 / 0.5 / 4)


def test_collecting_alone_writes_no_run(tiny: Path) -> None:
    result = judge(tiny, "--collect-only", name="collected")
    assert not result.path.exists()


def test_checks_without_our_marks_run_as_ever(tmp_path: Path) -> None:
    result = one_check(tmp_path, "assert True", more="def test_plain():\n    assert False\n")
    assert result.code == 1, "a failure beside the claims fails the run"
    assert len(result.run.records) == 1


def test_the_suite_works_without_timeouts_and_workers(tmp_path: Path) -> None:
    options = [
        "-p",
        "no:xdist",
        "-p",
        "no:timeout",
        "-o",
        "addopts=--import-mode=importlib",
        "-o",
        "strict_config=false",
    ]
    assert one_check(tmp_path, "assert True", *options).verdicts() == {"one": "held"}


# -- what a user may get wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--claim=tiny.hold"], "no claim matches 'tiny.hold'; did you mean tiny.holds"),
        (["--area=tyni"], "no area matches 'tyni'; did you mean tiny?"),
        (["--claim=tiny.untried"], "no check tries tiny.untried here"),
        (["--device=gpu"], "no device 'gpu' here: "),
        (["--device=cuda:97"], "no device 'cuda:97' here: "),
        (["--profile=nowhere.toml"], "nowhere.toml: No such file or directory"),
        (["--effort=heroic"], "--effort: invalid choice: 'heroic'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bad_option_is_one_clear_line(tiny: Path, options: list[str], message: str) -> None:
    result = judge(tiny, *options, name="wrong")
    assert result.code == 4
    assert message in result.text
    assert "Traceback" not in result.text
    assert not result.path.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[subject]\ndevise = 'cpu'", "unknown key 'devise' in [subject]; did you mean device?"),
        ("[subjects]\ndevice = 'cpu'", "unknown table [subjects]; did you mean subject?"),
        ("[subject]", "device is missing; give it a string"),
        ("[subject", "not TOML"),
        ("[capabilities]\ndtypes = ['float33']", "dtypes: there is no 'float33'; did you mean float32"),
        ("[capabilities]\nareas = ['tyny']", "no area is called 'tyny'; did you mean tiny?"),
        ("[capabilities]\nfeatures = ['stream']", "no feature is called 'stream'; did you mean streams?"),
        ("[tolerances]\nsumed = 2", "no error class is called 'sumed'; did you mean summed"),
        ("[tolerances]\nsummed = 0.5", "summed is 0.5; it takes a factor of at least 1"),
        ("[[expectations]]\nclaim = 'tiny.hold'\nreason = 'r'\nissue = 'i'", "no claim is called 'tiny.hold'; did you"),
        ("[[expectations]]\nclaim = 'tiny.holds'\nreason = 'r'", "tiny.holds: issue is missing; give it a string"),
        ("[capabilities]\ndtypes = ['complex32', 'float8_e5m2']\n", ""),
    ],
)
def test_a_bad_profile_is_one_clear_line(tiny: Path, text: str, message: str) -> None:
    subject = "" if "subject" in text else "[subject]\ndevice = 'cpu'\n"
    (tiny / "wrong.toml").write_text(subject + text, encoding="utf-8")
    result = judge(tiny, "--profile=wrong.toml", "--claim=tiny.holds", name="profile")
    assert result.code == (4 if message else 0)
    assert message in result.text
    assert "Traceback" not in result.text


def test_a_profile_that_declares_what_the_device_lacks_is_refused(tmp_path: Path) -> None:
    profile = "[subject]\ndevice = 'meta'\nimport = 'no_such_extension'\n"
    project(tmp_path, ONE, {}).joinpath("odd.toml").write_text(profile, encoding="utf-8")
    result = judge(tmp_path, "--profile=odd.toml")
    assert result.code == 4
    assert "odd: import no_such_extension: ModuleNotFoundError: No module named 'no_such_extension'" in result.text


def test_an_unknown_claim_ends_the_run_before_anything_runs(tmp_path: Path) -> None:
    more = '@check("a.on")\ndef test_two(subject):\n    pass\n'
    result = one_check(tmp_path, 'open("ran", "w").close()', more=more)
    assert result.code == 4
    assert "no claim is called 'a.on'; did you mean a.one?" in result.text
    assert not (tmp_path / "ran").exists()


def test_a_check_without_a_subject_is_refused(tmp_path: Path) -> None:
    result = one_check(tmp_path, "pass", more='@check("a.one")\ndef test_two():\n    pass\n')
    assert result.code == 4
    assert "test_two: a check takes its device from the argument 'subject'; it has none" in result.text


def test_a_bad_catalogue_is_one_clear_line(tmp_path: Path) -> None:
    result = judge(project(tmp_path, {"a": '[one]\nsay = "x"'}, {}))
    assert result.code == 4
    assert "a.toml: [one]: unknown key 'say'; did you mean says?" in result.text


# -- declarations ------------------------------------------------------------------------------------------------------


def test_an_area_that_is_declared_but_not_there_is_a_contradiction(tiny: Path) -> None:
    text = "[subject]\ndevice = 'cpu'\nname = 'vendor'\n[capabilities]\nareas = ['tiny']\n"
    (tiny / "declares.toml").write_text(text, encoding="utf-8")
    result = judge(tiny, "--profile=declares.toml", "--claim=tiny.lacking", "--area=other", name="declares")
    assert result.run.stale == ["tiny.lacking: declares declares the area tiny, but Unsupported: vendor has no streams"]
    assert result.code == 1
    other = result.record("holds", "vendor")
    assert (other.verdict, other.detail.message) == ("unsupported", "declares does not declare this area")


def test_a_declared_feature_is_granted(tmp_path: Path) -> None:
    body = 'assert subject.has("streams") and not subject.has("host_memory")'
    text = "[subject]\ndevice = 'cpu'\n[capabilities]\nfeatures = ['streams']\n"
    (tmp_path / "granted.toml").write_text(text, encoding="utf-8")
    assert one_check(tmp_path, body, "--profile=granted.toml").verdicts() == {"one": "held"}


def test_an_undeclared_dtype_is_unsupported(tmp_path: Path) -> None:
    (tmp_path / "few.toml").write_text(
        "[subject]\ndevice = 'cpu'\n[capabilities]\ndtypes = ['float32']\n", encoding="utf-8"
    )
    assert one_check(tmp_path, 'subject.require("int8")', "--profile=few.toml").verdicts() == {"one": "unsupported"}

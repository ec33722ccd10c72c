"""Profiles: what a vendor may declare, what is refused, and what becomes of a declaration."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from conformance import numerics, subject
from conformance.claim import Catalogue, Claim
from conformance.profile import FOLDER, Profile, ProfileError, for_device, load, validate
from conformance.recorder import Recorder, uncovered
from conformance.run import IncompleteRun, Record, read
from conformance.verdict import Verdict

WHOLE = """
[subject]
import = "torch.nn"
device = "cpu:0"
name = "vendor"

[capabilities]
dtypes = ["float32", "int64"]
areas = ["view"]
features = ["streams"]

[tolerances]
few_ulps = 2
summed = 1.5

[[expectations]]
claim = "view.base"
verdict = "crashed"
torch = ">=2.1,<3"
reason = "it is new"
issue = "https://example.org/1"
check = "test_a"
params = { row = 2 }
"""
EXPECTED = '[[expectations]]\nclaim = "view.base"\nreason = "r"\nissue = "i"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "vendor.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_profile_is_read(tmp_path: Path) -> None:
    found = load(written(tmp_path, WHOLE))
    assert (found.name, found.device, found.subject_name, found.imports) == ("vendor", "cpu:0", "vendor", ("torch.nn",))
    assert (found.dtypes, found.areas, found.features) == (("float32", "int64"), ("view",), ("streams",))
    assert found.tolerances == {"few_ulps": 2.0, "summed": 1.5}
    (expectation,) = found.expectations
    assert expectation.verdict is Verdict.CRASHED
    assert expectation.params == {"row": "2"}
    assert (expectation.check, expectation.issue) == ("test_a", "https://example.org/1")
    assert expectation.to_json()["torch"] == "<3,>=2.1"


def test_what_is_not_declared_is_left_to_probes(tmp_path: Path) -> None:
    found = load(written(tmp_path, '[subject]\ndevice = "cpu"\n'))
    assert (found.dtypes, found.areas, found.features) == (None, None, None)
    assert (found.subject_name, found.expectations, found.tolerances) == ("cpu", (), {})


def test_an_empty_list_declares_that_there_is_nothing(tmp_path: Path) -> None:
    found = load(written(tmp_path, '[subject]\ndevice = "cpu"\n[capabilities]\nfeatures = []\n'))
    assert found.features == ()


@pytest.mark.parametrize(
    ("claim", "check", "params", "release", "expected"),
    [
        ("view.base", "x.py::test_a", {"row": "2", "other": "1"}, "2.1", True),
        ("view.base", "x.py::test_b", {"row": "2"}, "2.1", False),
        ("view.base", "x.py::test_a", {"row": "3"}, "2.1", False),
        ("view.base", "x.py::test_a", {}, "2.1", False),
        ("view.other", "x.py::test_a", {"row": "2"}, "2.1", False),
        ("view.base", "x.py::test_a", {"row": "2"}, "2.0.1", False),
        ("view.base", "x.py::test_a", {"row": "2"}, "3.0", False),
    ],
)
def test_an_expectation_covers_what_it_names(
    tmp_path: Path, claim: str, check: str, params: dict[str, str], release: str, expected: bool
) -> None:
    profile = load(written(tmp_path, WHOLE))
    assert (profile.expectation(claim, check, params, Version(release)) is not None) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[subject]", "vendor.toml: [subject]: device is missing; give it a string"),
        ('[subject]\ndevice = " "', "vendor.toml: [subject]: device is missing"),
        ('subject = "cpu"', "vendor.toml: subject has to be written as [subject]"),
        ('[expectations]\nclaim = "a"', "vendor.toml: expectations has to be written as [[expectations]]"),
        ('[subjct]\ndevice = "cpu"', "vendor.toml: unknown table [subjct]; did you mean subject?"),
        ('[subject]\ndevise = "cpu"', "vendor.toml: unknown key 'devise' in [subject]; did you mean device?"),
        ("[capabilities]\ndtype = []", "unknown key 'dtype' in [capabilities]; did you mean dtypes?"),
        ("[capabilities]\ndtypes = [1]", "vendor.toml: dtypes is [1]; it takes a list of names"),
        ('[capabilities]\ndtypes = ["half"]', "vendor.toml: dtypes: there is no 'half'"),
        ('[capabilities]\ndtypes = ["flaot32"]', "there is no 'flaot32'; did you mean float32"),
        ("[tolerances]\nsummed = true", "vendor.toml: tolerances: summed is True; it takes a factor of at least 1"),
        ('[tolerances]\nsummed = "2"', "summed is '2'; it takes a factor of at least 1"),
        ("[tolerances]\nsummed = 0.99", "summed is 0.99; it takes a factor of at least 1"),
        (EXPECTED.replace("reason", "reasons"), "unknown key 'reasons' in [expectations]; did you mean reason?"),
        (EXPECTED.replace('reason = "r"', ""), "vendor.toml: [[expectations]] view.base: reason is missing"),
        (EXPECTED.replace('issue = "i"', ""), "vendor.toml: [[expectations]] view.base: issue is missing"),
        (EXPECTED.replace('claim = "view.base"', ""), "vendor.toml: [[expectations]]: claim is missing"),
        (EXPECTED + 'verdict = "held"', "held is what every claim is expected to be; leave the row out"),
        (EXPECTED + 'verdict = "odd"', "'odd' is not a valid Verdict"),
        (EXPECTED + 'torch = "two"', "two"),
        ("[", "vendor.toml: not TOML: "),
    ],
)
def test_a_bad_profile_names_file_key_and_mend(tmp_path: Path, text: str, message: str) -> None:
    subject_table = "" if "subj" in text or text == "[" else '[subject]\ndevice = "cpu"\n'
    with pytest.raises(ProfileError) as raised:
        load(written(tmp_path, text if text.startswith("subject =") else subject_table + text))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_profile_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="No such file"):
        load(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"claims": ["view.bases"]}, "vendor: no claim is called 'view.base'; did you mean view.bases?"),
        ({"areas": ["views"]}, "vendor: no area is called 'view'; did you mean views?"),
        ({"features": ["stream"]}, "vendor: no feature is called 'streams'; did you mean stream?"),
        ({"errors": ["few_ulps"]}, "vendor: no error class is called 'summed'"),
    ],
)
def test_names_that_the_suite_does_not_know_are_refused(
    tmp_path: Path, known: dict[str, list[str]], message: str
) -> None:
    profile = load(written(tmp_path, WHOLE))
    names = {"claims": ["view.base"], "areas": ["view"], "features": ["streams"], "errors": ["few_ulps", "summed"]}
    validate(profile, **names)
    with pytest.raises(ProfileError) as raised:
        validate(profile, **{**names, **known})
    assert message in str(raised.value)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.name)
def test_the_suites_own_profiles_are_sound(path: Path) -> None:
    from conformance.claim import catalogue

    profile = load(path)
    validate(profile, catalogue(), catalogue().areas, subject.FEATURES, numerics.CLASSES)
    for expectation in profile.expectations:
        assert expectation.issue == "unreported" or expectation.issue.startswith("https://")


def test_a_device_without_a_profile_declares_nothing() -> None:
    option = "--device=nowhere:1"
    assert for_device("nowhere:1") == Profile(name="none", device="nowhere:1", subject_name="nowhere:1", option=option)


def test_a_device_has_the_profile_of_its_type() -> None:
    for path in FOLDER.glob("*.toml"):
        found = for_device(f"{path.stem}:3")
        assert (found.name, found.device) == (path.stem, f"{path.stem}:3")


# -- subjects ----------------------------------------------------------------------------------------------------------


def test_a_probe_decides_where_nothing_is_declared() -> None:
    cpu = subject.find(Profile())
    assert cpu.supports("float32")
    assert not cpu.supports("float17")
    assert (cpu.has("host_memory"), cpu.has("streams"), cpu.is_cpu) == (True, False, True)
    assert cpu.describe()["name"] == "cpu"


def test_a_declaration_decides_where_there_is_one() -> None:
    vendor = subject.find(Profile(dtypes=("float32",), features=("streams",)))
    assert (vendor.supports("float32"), vendor.supports("int64")) == (True, False)
    assert (vendor.has("host_memory"), vendor.has("streams")) == (False, True)
    with pytest.raises(subject.Unsupported, match="cpu has no int64"):
        vendor.require("int64")
    with pytest.raises(subject.Unsupported, match="cpu has no host_memory"):
        vendor.require_feature("host_memory")


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (Profile(device="gpu"), "no device 'gpu' here: "),
        (Profile(imports=("no_such_module",)), "none: import no_such_module: ModuleNotFoundError: "),
        (Profile(device="meta", dtypes=("float32",)), ""),
    ],
)
def test_a_subject_is_there_as_declared_or_not_at_all(profile: Profile, message: str) -> None:
    if not message:
        assert subject.find(profile).device == "meta"
        return
    with pytest.raises(subject.NoSuchSubject) as raised:
        subject.find(profile)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


# -- what the recorder makes of it -------------------------------------------------------------------------------------

CATALOGUE = Catalogue(
    {
        "a.root": Claim("a.root", "Root.", "https://x"),
        "a.leaf": Claim("a.leaf", "Leaf.", "https://x", needs=("a.root",)),
    }
)
KNOWN = '[subject]\ndevice = "cpu"\n' + EXPECTED.replace("view.base", "a.leaf")


def closed(folder: Path, profile: str, *verdicts: tuple[str, str]) -> tuple[list[str], list[Record]]:
    """The stale sentences and records of a run with such verdicts of claims."""
    profiles = {"cpu": load(written(folder, profile))}
    recorder = Recorder(folder / "run.jsonl", CATALOGUE, profiles, Version("2.1"))
    environment = {"suite": {}, "environment": {}, "subjects": [{"name": "cpu"}], "effort": "gate", "seed": 0}
    recorder.open({"kind": "header", "schema": 1, "planned": len(verdicts), **environment})
    for claim, verdict in verdicts:
        recorder.add(Record(claim, "test", {}, "cpu", verdict))
    with pytest.raises(IncompleteRun):
        read(folder / "run.jsonl")
    run = recorder.close()
    assert read(folder / "run.jsonl") == run
    return run.stale, run.records


PLAIN = '[subject]\ndevice = "cpu"\n'


def test_a_refutation_below_another_is_blocked(tmp_path: Path) -> None:
    _, records = closed(tmp_path, PLAIN, ("a.root", "refuted"), ("a.leaf", "refuted"))
    assert [record.verdict for record in records] == ["refuted", "blocked"]


@pytest.mark.parametrize("fault", ["crashed", "timed_out"])
def test_other_faults_block_as_well_but_are_not_blocked(tmp_path: Path, fault: str) -> None:
    _, records = closed(tmp_path, PLAIN, ("a.root", fault), ("a.leaf", "refuted"), ("a.leaf", "crashed"))
    assert [record.verdict for record in records] == [fault, "blocked", "crashed"]


def test_a_sound_root_blocks_nothing(tmp_path: Path) -> None:
    _, records = closed(tmp_path, PLAIN, ("a.root", "held"), ("a.root", "broken"), ("a.leaf", "refuted"))
    assert [record.verdict for record in records] == ["held", "broken", "refuted"]


def test_an_expected_refutation_is_not_blocked(tmp_path: Path) -> None:
    stale, records = closed(tmp_path, KNOWN, ("a.root", "refuted"), ("a.leaf", "refuted"))
    assert (records[1].verdict, records[1].expected, stale) == ("refuted", "refuted", [])


@pytest.mark.parametrize(("verdict", "is_stale"), [("held", True), ("absent", False), ("not_run", False)])
def test_an_expectation_is_stale_only_if_it_was_tried(tmp_path: Path, verdict: str, is_stale: bool) -> None:
    stale, records = closed(tmp_path, KNOWN, ("a.leaf", verdict))
    assert bool(stale) == is_stale
    assert records[0].expected == "held"


def test_an_expectation_is_borne_out_by_one_of_several_checks(tmp_path: Path) -> None:
    stale, records = closed(tmp_path, KNOWN, ("a.leaf", "held"), ("a.leaf", "refuted"))
    assert stale == []
    assert not any(record.surprising for record in records)


def test_an_area_that_is_declared_cannot_be_unsupported(tmp_path: Path) -> None:
    stale, _ = closed(tmp_path, PLAIN + '[capabilities]\nareas = ["a"]\n', ("a.root", "unsupported"))
    assert stale == ["a.root: vendor declares the area a, but None"]


def test_an_uncovered_claim_is_not_run_as_expected() -> None:
    found = uncovered("a.root", "cpu")
    assert (found.verdict, found.expected, found.surprising) == ("not_run", "not_run", False)

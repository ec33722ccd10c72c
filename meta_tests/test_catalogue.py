"""The catalogue of claims: whole, well-formed, each claim tried by a check and defended by a mutant; and its errors."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest
import torch
from packaging.version import Version

from conformance.check import check
from conformance.claim import SLUG, CatalogueError, Claim, catalogue, within
from conformance.plugin.state import PLANNED, ROOT
from meta_tests.mutants import mutants
from meta_tests.tiny import claim

CATALOGUE = catalogue()
CLAIMS = list(CATALOGUE.values())
NOTES = ("000", "001", "002", "003", "004")
TESTABLE = [claim for claim in CLAIMS if not claim.untestable]
every_claim = pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)


class _Planned:
    """A plugin that keeps what was planned."""

    def __init__(self) -> None:
        self.checks: set[tuple[str, str]] = set()
        self.names: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        planned = [item.stash[PLANNED] for item in session.items if PLANNED in item.stash]
        self.checks = {(one.claim, one.check) for one in planned}
        self.names = [item.nodeid for item in session.items]


def planned(folder: str) -> set[tuple[str, str]]:
    """The claims that the checks of a folder try, with the checks, whatever the release has."""
    return collected(folder).checks


@functools.cache
def collected(folder: str) -> _Planned:
    """What pytest collects in a folder."""
    kept = _Planned()
    options = ["--collect-only", "-p", "no:terminal", "-p", "no:cacheprovider", f"--rootdir={ROOT}"]
    code = pytest.main([*options, str(ROOT / folder)], [kept])
    assert code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED), f"{folder} cannot be collected"
    return kept


def _listed(claims: list[Claim]) -> str:
    return "\n".join(f"{claim.id}: {claim.says}" for claim in claims)


# -- the catalogue -----------------------------------------------------------------------------------------------------


def test_every_claim_has_a_check() -> None:
    tried = {claim for folder in ("conformance", "properties") for claim, _ in planned(folder)}
    lacking = [claim for claim in TESTABLE if claim.id not in tried and claim.kind != "cost"]
    assert not lacking, f"{len(lacking)} claims without a check:\n{_listed(lacking)}"


def test_every_claim_of_cost_is_measured() -> None:
    costs = [claim for claim in TESTABLE if claim.kind == "cost"]
    tried = {claim for claim, _ in planned("perf")} if costs else set()
    lacking = [claim for claim in costs if claim.id not in tried]
    assert not lacking, f"{len(lacking)} claims of cost without a measurement:\n{_listed(lacking)}"


def test_every_claim_has_a_mutant() -> None:
    """Every claim that the installed release has: of another release's claims no mutant could be seen refuted."""
    broken = {mutant.claim for mutant in mutants()}
    here = [claim for claim in TESTABLE if claim.exists_in(Version(torch.__version__)) and claim.kind != "cost"]
    lacking = [claim for claim in here if claim.id not in broken]
    assert not lacking, f"{len(lacking)} claims without a mutant:\n{_listed(lacking)}"


@pytest.mark.parametrize("folder", ["conformance", "properties", "perf"])
def test_a_check_has_the_same_name_in_every_process(folder: str) -> None:
    """Or workers disagree about what there is to do, and no run can be compared with another."""
    assert not [name for name in collected(folder).names if re.search(r"\b0x[0-9a-f]{6,}", name)]


def test_a_mutant_names_a_claim() -> None:
    assert not sorted({mutant.claim for mutant in mutants()} - set(CATALOGUE))


def test_a_check_lies_in_a_module_of_its_claims_area() -> None:
    """Or --claim and --area, which leave the modules of other areas alone, would not find it."""
    wrong = []
    for claim_id, name in sorted({one for folder in ("conformance", "properties") for one in planned(folder)}):
        area, stem = claim_id.partition(".")[0], Path(name.partition("::")[0]).stem.removeprefix("test_")
        if stem != area and not stem.startswith(f"{area}_"):
            wrong.append(f"{claim_id}: {name}")
    assert not wrong, "\n".join(wrong)


def test_what_cannot_be_tested_has_no_check() -> None:
    tried = {claim for folder in ("conformance", "properties") for claim, _ in planned(folder)}
    assert not [claim.id for claim in CLAIMS if claim.untestable and claim.id in tried]


# -- each claim --------------------------------------------------------------------------------------------------------


@every_claim
def test_a_claim_is_well_formed(claim: Claim) -> None:
    assert SLUG.fullmatch(claim.area)
    assert re.fullmatch(r"https://\S+", claim.source), "a source is an address"
    assert claim.says.strip() == claim.says
    assert claim.says.endswith((".", "…")), "a claim is a sentence"
    assert "\n" not in claim.says
    if claim.since and claim.until:
        assert Version(claim.since) < Version(claim.until)


@every_claim
def test_the_notes_of_a_claim_are_the_five(claim: Claim) -> None:
    for note in claim.notes:
        assert note.note in NOTES, f"{claim.id}: there is no note {note.note!r}"
        assert note.section.strip(), f"{claim.id}: a note has a section"


def test_no_two_claims_say_the_same() -> None:
    said: dict[str, str] = {}
    for one in CLAIMS:
        assert one.says not in said, f"{one.id} and {said[one.says]}"
        said[one.says] = one.id


def test_needs_have_an_end() -> None:
    for one in CLAIMS:
        assert one.id not in CATALOGUE.roots(one.id)


# -- errors of a bad catalogue -----------------------------------------------------------------------------------------

GOOD = 'says = "It is."\nsource = "https://x"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[one", "a.toml: not TOML: "),
        (f'[one]\n{GOOD}sinse = "2.1"', "a.toml: [one]: unknown key 'sinse'; did you mean since"),
        ('[one]\nsource = "x"', "a.toml: [one]: says is missing; give it a string"),
        ('[one]\nsays = " "\nsource = "x"', "a.toml: [one]: says is missing; give it a string"),
        ('[one]\nsays = "x"', "a.toml: [one]: source is missing; give it a string"),
        ('[one]\nsays = 1\nsource = "x"', "a.toml: [one]: says is missing; give it a string"),
        (f"[One]\n{GOOD}", "a.toml: [One]: a slug is made of a-z, 0-9, '-', '_' and inner dots"),
        (f'["a b"]\n{GOOD}', "a.toml: [a b]: a slug is made of"),
        ('says = "x"', "a.toml: [says]: stands outside any table; put it under a [slug]"),
        (f'[one]\n{GOOD}tier = "may"', "a.toml: [one]: tier is 'may'; it takes must, should, advisory"),
        (f'[one]\n{GOOD}kind = "price"', "a.toml: [one]: kind is 'price'; it takes semantic, cost, api"),
        (f'[one]\n{GOOD}since = "soon"', "a.toml: [one]: since is 'soon'; it takes a torch release such as \"2.1\""),
        (f"[one]\n{GOOD}until = 2.1", 'a.toml: [one]: until is 2.1; it takes a torch release such as "2.1"'),
        (f'[one]\n{GOOD}needs = "a.two"', "a.toml: [one]: needs is 'a.two'; it takes a list of claim ids"),
        (
            f'[one]\n{GOOD}needs = ["a.tow"]\n[two]\n{GOOD}',
            "a.one: needs 'a.tow', which no file has; did you mean",
        ),
        (f'[one]\n{GOOD}needs = ["a.one"]', "a.one: needs itself, through a.one"),
        (f'[one]\n{GOOD}needs = ["a.two"]\n[two]\n{GOOD}needs = ["a.one"]', "needs itself, through a.two, a.one"),
        (f'[one]\n{GOOD}notes = "001"', "a.toml: [one]: notes is '001'; it takes a list of tables"),
        (f'[one]\n{GOOD}notes = ["001"]', "a.toml: [one]: a note needs note, section and verdict; found '001'"),
        (f'[one]\n{GOOD}notes = [{{note = "001"}}]', "a.toml: [one]: a note needs note, section and verdict"),
        (
            f'[one]\n{GOOD}notes = [{{note = "001", section = "s", verdict = "so"}}]',
            "a.toml: [one]: a note's verdict is 'so'; it takes right, imprecise, outdated, wrong",
        ),
        (
            f'[one]\n{GOOD}notes = [{{note = "001", section = "s", verdict = "wrong"}}]',
            "a.toml: [one]: a note that is wrong needs a remark that says how",
        ),
        (
            f'[one]\n{GOOD}notes = [{{note = "001", section = "s", verdict = "right", remarks = "r"}}]',
            "a.toml: [one]: unknown key 'remarks' in notes; did you mean remark?",
        ),
        ("", ": holds no claims"),
    ],
)
def test_a_bad_catalogue_names_file_key_and_mend(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError) as raised:
        catalogue(tmp_path)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


# -- looking things up -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = tmp_path_factory.mktemp("claims")
    needs = claim("two", "Two.", 'needs = ["a.one"]') + claim("three", "Three.", 'needs = ["a.two"]')
    (folder / "a.toml").write_text(claim("one", "One.") + needs, encoding="utf-8")
    (folder / "b.toml").write_text(claim('"one.more"', "More."), encoding="utf-8")
    return catalogue(folder)


def test_claims_come_in_the_order_of_the_files(small) -> None:  # type: ignore[no-untyped-def]
    assert list(small) == ["a.one", "a.two", "a.three", "b.one.more"]
    assert (len(small), small.areas) == (4, ["a", "b"])


@pytest.mark.parametrize(
    ("claims", "areas", "found"),
    [
        ([], [], ["a.one", "a.two", "a.three", "b.one.more"]),
        (["*.one*"], [], ["a.one", "b.one.more"]),
        ([], ["b"], ["b.one.more"]),
        (["a.t*"], ["b"], ["a.two", "a.three", "b.one.more"]),
    ],
)
def test_a_selection_is_a_union(small, claims: list[str], areas: list[str], found: list[str]) -> None:  # type: ignore[no-untyped-def]
    assert [claim.id for claim in small.select(claims, areas)] == found


@pytest.mark.parametrize(("claims", "areas"), [(["a.on"], []), ([], ["c"]), (["a.*", "c.*"], [])])
def test_a_glob_that_matches_nothing_is_an_error(small, claims: list[str], areas: list[str]) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(CatalogueError, match=r"no (claim|area) matches"):
        small.select(claims, areas)


def test_an_unknown_claim_is_an_error_with_a_suggestion(small) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(CatalogueError, match=r"no claim is called 'a\.thre'; did you mean a\.three"):
        small["a.thre"]


def test_roots_are_nearest_first(small) -> None:  # type: ignore[no-untyped-def]
    assert small.roots("a.three") == ["a.two", "a.one"]
    assert small.roots("a.one") == []


@pytest.mark.parametrize(
    ("since", "until", "release", "inside"),
    [
        (None, None, "1.13", True),
        ("2.1", None, "2.0.1", False),
        ("2.1", None, "2.1", True),
        ("2.1", None, "2.1.0a0+git1", True),
        ("2.1", None, "2.1.0.dev20230101", True),
        (None, "2.1", "2.1.0+cu118", False),
        (None, "2.1", "2.0.1", True),
        ("2.0", "2.2", "2.1.2", True),
    ],
)
def test_a_release_lies_within_its_bounds(since: str | None, until: str | None, release: str, inside: bool) -> None:
    assert within(Version(release), since, until) is inside


def test_the_mark_carries_its_bounds() -> None:
    mark = check("a.one", since="2.1").mark
    assert (mark.name, mark.args) == ("check", ("a.one",))
    assert mark.kwargs == {"since": "2.1", "until": None, "uncovered": False}

"""The page as a text: it is whole, it escapes what it shows, its numbers add up, and it stays small."""

from __future__ import annotations

import re
import time
from collections import Counter

import pytest

from conformance.claim import Catalogue, Claim
from conformance.run import Run
from conformance.verdict import Verdict
from meta_tests.parsed import Parsed
from meta_tests.runs import read_catalogue, record, refuted, run
from reports.matrix import MOST_FINDINGS
from reports.page import page


@pytest.fixture(scope="session")
def claims(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return read_catalogue(tmp_path_factory.mktemp("claims"))


def everything() -> Run:
    """A run in which every verdict occurs."""
    known = refuted("creation.full", params={"dtype": "float16"}, message="rounds twice")
    known.expected = "refuted"
    uncovered = record("view.strides", "not_run", message="no check knows how to try this")
    uncovered.expected, uncovered.check = "not_run", ""
    others = [record("math.sum", str(verdict), params={"dtype": str(verdict)}) for verdict in Verdict]
    rows = [
        {"claim": "creation.full", "verdict": "refuted", "torch": "", "reason": "Known.", "issue": "https://x.org/1"}
    ]
    return run([refuted(), known, uncovered, *others], expectations=rows, stale=["old: remove it"])


def test_the_answer_comes_first(claims: Catalogue) -> None:
    assert Parsed(page([run([record()])], claims)).words.index("Sound") < 200
    words = Parsed(page([everything()], claims)).words
    assert "PyTorch conformance report 7 surprises and 1 stale expectation, 2 causes" in words
    order = [
        "Surprises",
        "What was judged",
        "Claims",
        "Known refutations",
        "Not judged",
        "Dtypes",
        "The notes’ account",
    ]
    headings = re.findall(r"<h2[^>]*>([^<]+)</h2>", page([everything()], claims))
    assert headings == [*order, "Words"]


def test_the_numbers_add_up(claims: Catalogue) -> None:
    found = everything()
    words = Parsed(page([found], claims)).words
    planned, terms = re.search(r"(\d+) planned = (.*?) \((\d+) of these not held, as expected\)", words).groups()[:2]  # type: ignore[union-attr]
    numbers = [int(number) for number in re.findall(r"\d+", terms)]
    assert int(planned) == sum(numbers) == len(found.records)
    assert "4 statements = 1 right + 1 imprecise + 0 outdated + 1 wrong + 1 not testable" in words
    areas = dict(re.findall(r"(view|math|creation) (\d+) claims? ", words))
    assert areas == {"creation": "1", "view": "2", "math": "1"}


def test_a_refutation_has_its_evidence(claims: Catalogue) -> None:
    found = [
        refuted(),
        refuted(params={"n": "2"}, message="other", reproduced=False),
        refuted(params={"n": "3"}, message="third", reproduced=None),
        record("view.strides", "blocked", message="blocked by view.base"),
    ]
    words = Parsed(page([run(found)], claims)).words
    for piece in (
        "A view keeps the tensor that it looks into as its base. refuted view.base",
        "1 cause, 4 checks",
        "the base is None, but should be the tensor",
        "input Recipe(shape=(2, 3), dtype='float32') expected tensor([0., 1.]) actual None",
        "This script showed it in a fresh process. Copy import sys",
        "This script did not show it",
        "This script was not run",
        "Blocks 1 check of 1 claim",
        "Blocked by view.base. Look there first.",
    ):
        assert piece in words, piece


def test_silence_has_its_reasons(claims: Catalogue) -> None:
    found = [
        record("math.sum", "unsupported", message="cpu has no sum"),
        record("math.novel", "absent"),
        record("view.base", "not_run", message="the run ended before it"),
    ]
    words = Parsed(page([run(found, uncovered=["view.strides"], deselected=5)], claims)).words
    for piece in (
        "unsupported 1 claim, 1 check cpu has no sum",
        "absent 1 claim, 1 check The claim holds since 2.5.",
        "never run 1 claim, 1 check the run ended before it",
        "not testable 1 claim A matter of taste.",
        "without a check 1 claim No check knows how to try this.",
        "not planned 2 claims The run planned no check of it.",
        "a selection left out 5 checks",
    ):
        assert piece in words, piece


def test_a_narrowed_run_says_what_it_was_narrowed_to(claims: Catalogue) -> None:
    words = Parsed(page([run([record()], selection={"claims": ["view.*"], "areas": []})], claims)).words
    assert "Not selected: the run was narrowed to view.*." in words


def test_known_refutations_have_their_reason(claims: Catalogue) -> None:
    words = Parsed(page([everything()], claims)).words
    assert "full returns a tensor filled with the value. refuted creation.full 1 check Known. https://x.org/1" in words


def test_dtypes_are_in_their_order(claims: Catalogue) -> None:
    found = [record("math.sum", params={"dtype": name}) for name in ("float32", "complex64", "torch.bool", "float8")]
    html = page([run(found)], claims)
    assert re.findall(r'<th scope="col"><span>(\w+)</span>', html) == ["bool", "float32", "complex64", "float8"]


def test_runs_and_subjects_are_columns(claims: Catalogue) -> None:
    both = ("cpu", "cuda")
    runs = [
        run([record(), record(subject="cuda")], subjects=both),
        run([record(), refuted(subject="cuda")], subjects=both, torch="2.5.0", seed=7),
    ]
    words = Parsed(page(runs, claims)).words
    for label in ("cpu, torch 2.4.0", "cuda, torch 2.4.0", "cpu, torch 2.5.0", "cuda, torch 2.5.0"):
        assert f"{label} 1 planned =" in words
    assert "refuted on cuda, torch 2.5.0" in words
    assert "seed (differs) 0 7" in words


def test_a_claim_that_left_the_catalogue_still_shows(claims: Catalogue) -> None:
    words = Parsed(page([run([refuted("old.claim")])], claims)).words
    assert "(This claim is not in the catalogue that this report was made with.) refuted old.claim" in words


def test_the_page_can_be_read_by_everybody(claims: Catalogue) -> None:
    parsed = Parsed(page([everything()], claims))
    tags = Counter(tag for tag, _ in parsed.tags)
    assert [tags[tag] for tag in ("main", "header", "footer", "nav", "h1")] == [1] * 5
    assert parsed.of("html") == [{"lang": "en"}]
    ids = [found["id"] for _, found in parsed.tags if "id" in found]
    assert len(ids) == len(set(ids))
    inside = {found["href"][1:] for found in parsed.of("a") if found["href"].startswith("#")}
    assert inside <= set(ids)
    assert all(found["aria-labelledby"] in ids for found in parsed.of("section"))


def test_many_messages_are_counted_not_shown(claims: Catalogue) -> None:
    found = [refuted(params={"n": str(n)}, message=f"message {n}.") for n in range(40)]
    html = page([run(found)], claims)
    assert f"{40 - MOST_FINDINGS} more checks with other messages" in html
    assert html.count("message 39.") == 0


def test_six_thousand_records_stay_small() -> None:
    names = [f"area{number % 30}.law-{number}" for number in range(600)]
    claims = Catalogue(
        {name: Claim(name, "A sentence of a fair length about PyTorch. " * 2, "https://x.org") for name in names}
    )
    records = [
        record(
            name,
            params={"dtype": f"float{n}", "layout": "strided"},
            margin=0.123,
            check=f"properties/test_x.py::test_{name}",
        )
        for name in names
        for n in range(10)
    ]
    records += [refuted(name, message=f"message of {name}") for name in names[:100]]
    began = time.monotonic()
    html = page([run(records)], claims)
    assert len(html.encode()) < 6_000_000
    assert time.monotonic() - began < 30


def test_a_page_of_nothing_is_refused(claims: Catalogue) -> None:
    with pytest.raises(ValueError, match="at least one run"):
        page([], claims)
    assert "0 planned = 0" in Parsed(page([run([])], claims)).words

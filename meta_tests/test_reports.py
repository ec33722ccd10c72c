"""The reports as texts and exit codes: what each command says about runs made by hand."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from conformance.claim import Catalogue
from conformance.run import Run
from meta_tests.runs import HOSTILE, call, read_catalogue, record, refuted, run, write_catalogue, written
from reports.__main__ import main
from reports.badge import badge
from reports.causes import causes, chain
from reports.columns import columns
from reports.exits import Exit, described
from reports.gate import alone
from reports.junit import junit
from reports.notes import accounts, as_markdown, total
from reports.summary import summary
from reports.text import clip, count, joined, markdown, one_line, plain, seconds

ROOT = Path(__file__).parent.parent
ALIKE = {
    "held": run([record(), record("math.sum")]),
    "one refuted": run([refuted(), record("math.sum")]),
}


@pytest.fixture(scope="session")
def claims(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return read_catalogue(tmp_path_factory.mktemp("claims"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_catalogue(tmp_path / "claims")
    return tmp_path


def test_every_exit_code_is_described() -> None:
    assert [int(code) for code in Exit] == list(range(6))
    assert all(f"  {int(code)}  {code.__doc__}" in described() for code in Exit)


def test_a_sound_run_exits_with_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, "gate", written(folder, ALIKE["held"])) == Exit.SOUND
    assert capsys.readouterr().out.startswith("Sound: none of 2 checks surprised.\n")


def test_a_surprise_exits_with_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, "gate", written(folder, ALIKE["one refuted"])) == Exit.SURPRISES
    said = capsys.readouterr().out
    assert said.startswith("1 surprise of 1 cause in 2 checks.\n")
    assert "Refuted: A view keeps the tensor that it looks into as its base." in said
    assert "2 planned = 1 refuted + 1 held" in said


def test_a_stale_expectation_is_a_surprise(claims: Catalogue) -> None:
    answer = alone(run([record()], stale=["view.base: expected to be refuted, but held"]), claims)
    assert answer.exit == Exit.SURPRISES
    assert answer.text.startswith("1 stale expectation in 1 check.\n")


def test_an_expected_refutation_is_no_surprise(claims: Catalogue) -> None:
    assert alone(run([refuted()]), claims).exit == Exit.SURPRISES
    found = refuted()
    found.expected = "refuted"
    assert alone(run([found]), claims).exit == Exit.SOUND


@pytest.mark.parametrize(
    "arguments", [[], ["frob"], ["gate"], ["page", "x"], ["compare", "x"], ["gate", "x", "--frob"], ["reproduce", "x"]]
)
def test_a_wrong_command_line_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == Exit.USAGE
    assert "usage:" in capsys.readouterr().err


def test_output_that_cannot_be_written_exits_with_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(folder, ALIKE["held"])
    assert call(folder, "page", path, "-o", f"{path}/page.html") == Exit.USAGE
    assert capsys.readouterr().err.count("\n") == 1


def test_a_broken_catalogue_exits_with_5(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(folder, ALIKE["held"])
    assert main(["gate", path, "--claims", str(folder / "nowhere")]) == Exit.UNUSABLE
    assert "holds no claims" in capsys.readouterr().err


def test_blocked_claims_stand_under_their_root(claims: Catalogue) -> None:
    blocked = [record("view.base", "blocked"), record("view.strides", "blocked", params={"n": "1"})]
    [column] = columns([run([*blocked, refuted("creation.full")])])
    [cause] = causes([column], claims)
    assert cause.claim == "creation.full"
    assert cause.blocked_claims == ["view.base", "view.strides"]
    assert cause.checks == 3
    assert chain("view.strides", column, claims) == ["view.strides", "view.base", "creation.full"]


def test_what_an_expected_refutation_blocks_is_a_cause_of_its_own(claims: Catalogue) -> None:
    root = refuted("creation.full")
    root.expected = "refuted"
    [cause] = causes(columns([run([root, record("view.base", "blocked")])]), claims)
    assert (cause.claim, cause.verdict) == ("view.base", "blocked")


def test_every_surprise_is_under_one_cause(claims: Catalogue) -> None:
    records = [record("view.base", "blocked"), refuted("creation.full"), record("math.sum", "crashed")]
    records += [record("math.sum", "timed_out", check="x.py::y"), record("math.novel", "not_run")]
    records += [record("odd.one", "broken")]
    found = run(records)
    assert sum(cause.checks for cause in causes(columns([found]), claims)) == len(found.surprises) == 6


def test_columns_are_told_apart() -> None:
    def labels(*runs: Run) -> list[str]:
        return [column.label for column in columns(runs)]

    both = {"subjects": ("cpu", "cuda")}
    assert labels(run([])) == ["cpu"]
    assert labels(run([], **both)) == ["cpu", "cuda"]
    assert labels(run([]), run([], torch="2.5.0")) == ["torch 2.4.0", "torch 2.5.0"]
    three = ["cpu, torch 2.4.0", "cpu, torch 2.5.0", "cuda, torch 2.5.0"]
    assert labels(run([]), run([], torch="2.5.0", **both)) == three
    assert labels(run([]), run([])) == ["cpu (run 1)", "cpu (run 2)"]


def test_the_reason_of_an_expectation_is_found() -> None:
    rows = [
        {"claim": "view.base", "verdict": "refuted", "torch": ">=2.5", "reason": "later"},
        {"claim": "view.base", "verdict": "refuted", "torch": "", "reason": "other check", "check": "test_other"},
        {"claim": "view.base", "verdict": "refuted", "torch": "<2.5", "reason": "now"},
    ]
    found = refuted()
    found.expected = "refuted"
    [column] = columns([run([found], expectations=rows)])
    assert column.expectation(found)["reason"] == "now"
    assert column.expectation(record()) == {}


def test_junit_counts_what_it_lists(claims: Catalogue) -> None:
    known = refuted("creation.full")
    known.expected = "refuted"
    records = [refuted(message=HOSTILE), record("math.sum", "crashed"), record("math.gone", "absent"), known, record()]
    root = ET.fromstring(junit(run(records, stale=[HOSTILE])))
    suite, stale = root.findall("testsuite")
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["5", "1", "1", "2"]
    assert [stale.get(name) for name in ("tests", "failures")] == ["1", "1"]
    failure = suite.find(".//failure")
    assert failure is not None
    assert "<script>" in str(failure.get("message"))
    assert "\\x1b" in str(failure.get("message"))
    assert "reproducer" in str(failure.text)


def test_the_badge_has_its_denominator() -> None:
    assert badge(ALIKE["held"])["message"] == "sound, 2 of 2 held"
    assert badge(ALIKE["one refuted"])["message"] == "1 surprise, 1 of 2 held"
    assert badge(ALIKE["held"])["schemaVersion"] == 1


def test_the_summary_says_the_answer_first(claims: Catalogue) -> None:
    said = summary(run([refuted(), record("math.sum")]), claims)
    assert said.startswith("## ❌ 1 surprise of 1 cause in 2 checks.\n")
    assert "| cpu | 2 | 1 | 1 |" in said
    assert "```python\nimport sys" in said
    assert summary(ALIKE["held"], claims).startswith("## ✅ Sound")


def test_the_summary_shows_markup_as_text(claims: Catalogue) -> None:
    found = refuted("view.<b>|`", message=HOSTILE, reproducer="```\n</details><script>")
    said = summary(run([found], stale=[HOSTILE]), claims)
    outside = said.partition("````python")[0] + said.rpartition("````")[2]
    assert "<script" not in outside
    assert "<b>" not in outside
    assert "\x1b" not in said
    assert "\\|" in outside


def test_the_notes_account_adds_up(claims: Catalogue) -> None:
    column = columns([run([refuted(), record("creation.full")])])
    found = accounts(column, claims)
    assert [account.note for account in found] == ["001", "002"]
    assert total(found) == {"right": 1, "imprecise": 1, "outdated": 0, "wrong": 1, "not testable": 1}
    assert sum(total(found).values()) == sum(len(claim.notes) for claim in claims.values())
    said = as_markdown(column, claims)
    assert "4 statements = 1 right + 1 imprecise + 0 outdated + 1 wrong + 1 not testable." in said
    assert "| refuted |" in said
    assert "A matter of taste." in said


def test_hostile_text_reaches_no_terminal(claims: Catalogue) -> None:
    found = refuted(message=HOSTILE, check=HOSTILE, params={HOSTILE: HOSTILE})
    said = alone(run([found], stale=[HOSTILE]), claims).text
    assert "\x1b" not in said
    assert "\u202e" not in said
    said.encode("utf-8")


def test_reports_work_without_torch_and_pytest(folder: Path) -> None:
    arguments = ["page", written(folder, ALIKE["held"]), "-o", str(folder / "out.html")]
    code = (
        "import sys\n"
        "for name in ('torch', 'numpy', 'pytest', 'hypothesis'): sys.modules[name] = None\n"
        "from reports.__main__ import main\n"
        f"sys.exit(main({[*arguments, '--claims', str(folder / 'claims')]!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "out.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_words_and_numbers() -> None:
    assert [count(number, "check") for number in (0, 1, 2000)] == ["0 checks", "1 check", "2,000 checks"]
    assert [seconds(value) for value in (0, 0.0002, 0.05, 2.34)] == ["0 ms", "<1 ms", "50 ms", "2.3 s"]
    assert [seconds(value) for value in (120, 7200)] == ["2 min", "2.0 h"]
    assert joined([]) == ""
    assert joined(["a", "b", "c"]) == "a, b and c"
    assert plain("a\tb\x1b\ud800\u202e") == "a\tb\\x1b\\ud800\\u202e"
    assert one_line("a\n b" * 100, 10).endswith("…")
    assert markdown("<b>|`_") == "&lt;b&gt;\\|\\`\\_"
    assert len(clip("x" * 9000)) < 4100

"""The reproduce command: it prints a script, or runs it and says what it saw."""

from __future__ import annotations

from pathlib import Path

import pytest

from meta_tests.runs import SCRIPT, call, record, refuted, run, write_catalogue, written
from reports.exits import Exit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_catalogue(tmp_path / "claims")
    return tmp_path


def test_reproduce_prints_the_script(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(folder, run([refuted(reproduced=False, reproducer="x = 1\n"), refuted(params={"n": "2"})]))
    assert call(folder, "reproduce", path, "view.base") == Exit.SOUND
    said = capsys.readouterr()
    assert said.out == SCRIPT, "the script that was seen to reproduce comes first"
    assert "1 more script" in said.err


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        (SCRIPT, Exit.SURPRISES, "reproduced: the script ended with an error"),
        ("import os\nos.abort()\n", Exit.SURPRISES, "reproduced: the process died of signal 6"),
        ("while True:\n    pass\n", Exit.SURPRISES, "reproduced: no answer in 1 s"),
        ("print('fine')\n", Exit.SOUND, "not reproduced: the script ran to its end"),
        ("import there_is_no_such_module\n", Exit.UNUSABLE, ""),
    ],
)
def test_reproduce_executes_the_script(
    folder: Path, script: str, code: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = written(folder, run([refuted(reproducer=script)]))
    assert call(folder, "reproduce", path, "view.base", "--execute", "--timeout=1") == code
    assert said in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["view.bas"], "did you mean view.base"),
        (["math.novel"], "no check of it"),
        (["math.sum"], "held in this run"),
        (["view.base", "--subject=xpu"], "this run judged cpu"),
        (["view.base", "--execute", "--python=/nowhere/python"], "No such file"),
    ],
)
def test_reproduce_says_why_it_cannot(
    folder: Path, arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(folder, run([refuted(), record("math.sum")]))
    assert call(folder, "reproduce", path, *arguments) == Exit.UNUSABLE
    assert reason in capsys.readouterr().err

"""No check leaves a file, a process, a thread or a changed default behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.plugin.state import ROOT

LEAK = """
import tempfile, threading, time, torch
import pytest
from conformance.check import check


@check("view.shares-memory")
def test_tidy(subject):
    torch.zeros(2)


@check("view.shares-memory")
def test_default(subject):
    torch.set_default_dtype(torch.float64)


@check("view.shares-memory")
def test_file(subject):
    tempfile.mkstemp()


@check("view.shares-memory")
def test_thread(subject):
    threading.Thread(target=time.sleep, args=(5,), daemon=True, name="sleeper").start()
"""


def judged(*options: str) -> str:
    """What a run with the plugin prints."""
    command = [sys.executable, "-m", "pytest", "-p", "meta_tests.tidiness", "-p", "no:cacheprovider", "--no-page", "-q"]
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, *options], cwd=ROOT, env=alone, capture_output=True, text=True, timeout=900, check=False
    )
    return done.stdout + done.stderr


def test_what_is_left_behind_is_seen(tmp_path: Path) -> None:
    (tmp_path / "test_leaks.py").write_text(LEAK, encoding="utf-8")
    shown = judged(
        "-p",
        "conftest",
        str(tmp_path / "test_leaks.py"),
        f"--rootdir={ROOT}",
        f"--record={tmp_path / 'run.jsonl'}",
        "-n0",
    )
    assert "test_default[cpu] leaves behind: default dtype" in shown.replace("\n", " ").replace("  ", " "), shown
    assert "test_file[cpu] leaves behind: files" in shown, shown
    assert "test_thread[cpu] leaves behind: thread sleeper" in shown, shown
    assert "test_tidy[cpu] leaves" not in shown, shown


@pytest.mark.timeout(1000)
def test_no_check_leaves_anything_behind(tmp_path: Path) -> None:
    shown = judged("conformance", "properties", "--effort=quick", "-n2", f"--record={tmp_path / 'run.jsonl'}")
    left = sorted({line for line in shown.splitlines() if "leaves behind" in line})
    assert "planned = " in shown, shown[-3000:]
    assert not left, "\n".join(left)

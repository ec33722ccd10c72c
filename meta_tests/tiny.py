"""A tiny project: a copy of the suite's own machinery with other claims, and checks that are wrong on purpose."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import traceback
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
import torch

from conformance.plugin.state import ROOT
from conformance.run import Record, Run, read
from conformance.verdict import Verdict, worst

OWN = ("conformance", "properties", "perf", "reports", "meta_tests", "conftest")
SETTINGS = """
[pytest]
testpaths = conformance properties
pythonpath = .
addopts = --import-mode=importlib --strict-markers --strict-config -p no:benchmark -p no:cacheprovider
timeout = 300
filterwarnings =
    ignore::DeprecationWarning
    ignore::UserWarning
"""
HEAD = """
import os
import signal
import time

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from conformance import numerics
from conformance.assertions import assert_tensor, assert_values
from conformance.check import check, must_answer
from properties.strategies.tensors import tensors
"""
CLAIM = '[{slug}]\nsays = "{says}"\nsource = "https://docs.pytorch.org/docs/stable/tensors.html"\n{more}\n'


def claim(slug: str, says: str, more: str = "") -> str:
    """One claim as TOML; `more`: further keys."""
    return CLAIM.format(slug=slug, says=says, more=dedent(more))


def project(folder: Path, claims: dict[str, str], checks: dict[str, str]) -> Path:
    """Make a project. `claims`: TOML by area; `checks`: Python by path, to which the usual imports are added."""
    for package in ("conformance", "properties", "perf"):
        leave = shutil.ignore_patterns("test_*", "claims", "oracle", "profiles", "*-pytest-*")
        shutil.copytree(ROOT / package, folder / package, ignore=leave, dirs_exist_ok=True)
    shutil.copy2(ROOT / "conftest.py", folder)
    (folder / "pytest.ini").write_text(SETTINGS, encoding="utf-8")
    (folder / "conformance" / "claims").mkdir(exist_ok=True)
    for area, text in claims.items():
        (folder / "conformance" / "claims" / f"{area}.toml").write_text(text, encoding="utf-8")
    for path, text in checks.items():
        (folder / path).write_text(HEAD + dedent(text), encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Result:
    """How a run of a project ended: the exit code (negative: the signal), what the terminal showed, and the file."""

    code: int
    text: str
    path: Path

    @property
    def run(self) -> Run:
        return read(self.path)

    def verdicts(self, subject: str = "cpu") -> dict[str, str]:
        """The verdicts on a subject by slug; the most telling one of a claim with several checks."""
        found: dict[str, list[Verdict]] = defaultdict(list)
        for record in self.run.records:
            if record.subject == subject:
                found[record.claim.partition(".")[2]].append(Verdict(record.verdict))
        return {slug: str(worst(verdicts)) for slug, verdicts in found.items()}

    def record(self, slug: str, subject: str = "cpu") -> Record:
        """The record of a claim with one check."""
        (found,) = (r for r in self.run.records if r.claim.partition(".")[2] == slug and r.subject == subject)
        return found


class Started:
    """A run of a project, in a process of its own: a fork of this one, or a new interpreter where there are workers."""

    def __init__(self, folder: Path, *options: str, name: str = "run") -> None:
        self.folder, self.name = folder, name
        self.output = folder / f"{name}.txt"
        self.options = ["--no-page", f"--record={name}.jsonl", *options]
        self.process: subprocess.Popen[bytes] | int
        if hasattr(os, "fork") and not any(option.startswith("-n") and option != "-n0" for option in options):
            self.process = os.fork()
            if self.process == 0:
                self._forked()
        else:
            command = [sys.executable, "-m", "pytest", *self.options]
            with self.output.open("wb") as stream:
                self.process = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=subprocess.STDOUT)

    def _forked(self) -> None:
        """As a fresh interpreter that has imported PyTorch already, but nothing of ours."""
        try:
            os.chdir(self.folder)
            file = os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for stream in (1, 2):
                os.dup2(file, stream)
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
            for module in [name for name in sys.modules if name.partition(".")[0] in OWN]:
                del sys.modules[module]
            sys.path[:] = [str(self.folder), *(path for path in sys.path if path not in ("", str(ROOT)))]
            torch.set_num_threads(1)  # a pool of threads does not survive a fork
            gc.freeze()  # pytest collects garbage several times a run: not that of the parent
            code = int(pytest.main(self.options))
        except BaseException:
            traceback.print_exc()
            code = 99
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    def result(self) -> Result:
        """Wait for the end."""
        if isinstance(self.process, int):
            code = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        else:
            code = self.process.wait(timeout=120)
        return Result(code, self.output.read_text(encoding="utf-8"), self.folder / f"{self.name}.jsonl")


def judge(folder: Path, *options: str, name: str = "run") -> Result:
    """Run a project to its end."""
    return Started(folder, *options, name=name).result()


ONE = {"a": claim("one", "One is one.")}


def one_check(folder: Path, body: str, *options: str, more: str = "") -> Result:
    """Run a project with one claim `a.one` and one check of it; `more`: what follows the check."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    checks = {"conformance/test_a.py": f'\n@check("a.one")\ndef test_one(subject):\n{lines}\n{more}'}
    return judge(project(folder, ONE, checks), *options)

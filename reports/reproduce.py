"""The script that shows a refutation: found in a run, and run again in a fresh process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from conformance.claim import Claim, suggest
from conformance.run import Record, Run, UnusableRun

# What a script dies of when there is no torch, or none of its kind, to show anything with.
NO_TORCH = ("ModuleNotFoundError: ", "ImportError: ")


class NothingToReproduce(UnusableRun):
    """The run holds no script for what was asked; the message says why."""


def scripts(run: Run, claim_id: str, catalogue: Mapping[str, Claim], subject: str | None = None) -> list[Record]:
    """The records of a claim that have a script, those that were seen to reproduce first.

    Raises NothingToReproduce.
    """
    records = [record for record in run.records if record.claim == claim_id]
    if not records:
        known = dict.fromkeys([*(record.claim for record in run.records), *catalogue])
        hint = "" if claim_id in known else suggest(claim_id, known)
        raise NothingToReproduce(f"{claim_id}: this run has no check of it{hint}")
    if subject is not None:
        records = [record for record in records if record.subject == subject]
        if not records:
            judged = ", ".join(run.subjects)
            raise NothingToReproduce(f"{claim_id}: not judged on {subject!r}; this run judged {judged}")
    found = [record for record in records if record.detail.reproducer]
    if not found:
        verdicts = ", ".join(dict.fromkeys(record.verdict.replace("_", " ") for record in records))
        raise NothingToReproduce(f"{claim_id}: {verdicts} in this run, which holds no script for it")
    return sorted(found, key=lambda record: record.detail.reproduced is not True)


def execute(script: str, python: str = sys.executable, timeout: float = 300.0) -> tuple[bool, str]:
    """Run a script in a fresh interpreter, its output going where ours goes.

    Returns whether it showed the refutation (it ended by an error, a signal, or not within `timeout`
    seconds), and a sentence that says so. Raises NothingToReproduce if it could not be run at all.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reproducer.py"
        path.write_text(script, encoding="utf-8", errors="backslashreplace")
        try:
            done = subprocess.run([python, path], stderr=subprocess.PIPE, text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return True, f"reproduced: no answer in {timeout:g} s"
        except OSError as error:
            raise NothingToReproduce(f"{python}: {error.strerror}") from None
    sys.stderr.write(done.stderr)
    if done.returncode == 0:
        return False, "not reproduced: the script ran to its end"
    if done.stderr.rstrip().rpartition("\n")[2].startswith(NO_TORCH):
        raise NothingToReproduce(f"{python} cannot import what the script needs")
    if done.returncode < 0:
        return True, f"reproduced: the process died of signal {-done.returncode}"
    return True, "reproduced: the script ended with an error"

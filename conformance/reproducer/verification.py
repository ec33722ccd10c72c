"""Whether the scripts of a run show what they claim to show, each tried once in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from conformance.run import Record
from conformance.verdict import Verdict

MOST = 40
SECONDS = 60.0
RERUN = Path(__file__).with_name("rerun.py")
ROOT = Path(__file__).parent.parent.parent


def verify(records: Iterable[Record]) -> None:
    """Run the scripts of refuted records, and set `detail.reproduced` to whether each exited with 1.

    At most 40 are run, those of different claims first, each for at most 60 seconds; of the others, and of those
    that could not be run, `reproduced` stays None. Never raises.
    """
    chosen = _chosen(records)
    if not chosen:
        return
    scripts = [str(record.detail.reproducer) for record in chosen]
    try:
        codes = _together(scripts) if hasattr(os, "fork") else [_by_itself(script) for script in scripts]
    except (OSError, ValueError, subprocess.SubprocessError):
        return
    for record, code in zip(chosen, codes, strict=False):
        record.detail.reproduced = code == 1


def _chosen(records: Iterable[Record]) -> list[Record]:
    seen: dict[str, int] = {}
    rounds = []
    for record in records:
        if record.verdict == Verdict.REFUTED and record.detail.reproducer:
            seen[record.claim] = seen.get(record.claim, -1) + 1
            rounds.append((seen[record.claim], record))
    return [record for _, record in sorted(rounds, key=lambda pair: pair[0])[:MOST]]


def _together(scripts: list[str]) -> list[int | None]:
    """Exit codes; one fresh interpreter imports PyTorch, and a fork of it runs each script."""
    work = json.dumps({"scripts": scripts, "seconds": SECONDS})
    # -P: the folder of rerun.py holds none of the modules that a script means by their names.
    command = [sys.executable, "-P", str(RERUN)]
    limit = 120 + SECONDS * len(scripts)
    done = subprocess.run(command, input=work, cwd=ROOT, capture_output=True, text=True, timeout=limit, check=True)
    return list(json.loads(done.stdout))


def _by_itself(script: str) -> int | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "script.py")
        path.write_text(script, encoding="utf-8")
        try:
            command = [sys.executable, str(path)]
            return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=SECONDS, check=False).returncode
        except subprocess.TimeoutExpired:
            return None

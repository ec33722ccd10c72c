"""Runs scripts in fresh processes that share one import of PyTorch; started by `verification`, never imported.

Reads {"scripts": [text, …], "seconds": limit} from standard input, and writes the exit codes as a list, None where
a script was ended by a signal or took longer.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import numpy  # noqa: F401  imported once here, so that each script finds it ready
import torch


def run(script: str) -> None:
    """In a process of its own: execute a script, silently, and end with its exit code."""
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    torch.set_num_threads(1)  # a thread pool does not survive a fork
    try:
        exec(compile(script, "<script>", "exec"), {"__name__": "__main__"})
    except SystemExit as leaving:
        os._exit(leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 3)
    except BaseException:
        os._exit(2)
    os._exit(0)


def code_of(script: str, seconds: float) -> int | None:
    """The exit code of a script in a process of its own."""
    child = os.fork()
    if child == 0:
        run(script)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else None
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


if __name__ == "__main__":
    work = json.load(sys.stdin)
    print(json.dumps([code_of(script, work["seconds"]) for script in work["scripts"]]))

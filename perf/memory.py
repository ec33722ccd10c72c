"""Peak memory of a call: the allocator's own statistics where there are any, and resident size elsewhere.

tracemalloc sees Python's and NumPy's memory, but none of PyTorch's; the size of a process sees all of it.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from conformance.subject import Unsupported

STATUS = Path("/proc/self/status")


def peak(call: Callable[[], Any], device: str) -> int:
    """Bytes that a call needs at its peak beyond what was there before. What it returns is kept until it ends.

    On the CPU the call runs in a fork of this process with one thread, so that nothing freed earlier is used again.
    Raises Unsupported where neither way of measuring is there.
    """
    kind = torch.device(device).type
    if kind == "cpu":
        return _peak_of_fork(call)
    module = getattr(torch, kind, None)
    if not hasattr(module, "max_memory_allocated"):
        raise Unsupported(f"{device} tells nothing of its memory")
    module.synchronize()
    module.reset_peak_memory_stats()
    before = module.memory_allocated()
    kept = call()
    module.synchronize()
    del kept
    return int(module.max_memory_allocated() - before)


def _peak_of_fork(call: Callable[[], Any]) -> int:
    if not hasattr(os, "fork"):
        raise Unsupported("no fork here, in which resident size could be measured")
    _trim()  # here: a fork starts with its highest size so far at what it has then
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _child(call, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    if not answer:
        raise RuntimeError("the process whose memory was to be measured died")
    found = json.loads(answer)
    if isinstance(found, str):
        raise RuntimeError(f"the call whose memory was to be measured raised {found}")
    return int(found)


def _child(call: Callable[[], Any], writing: int) -> None:
    """Measure in the fork, and end it whatever happens: it must not go on as a second pytest."""
    try:
        torch.set_num_threads(1)  # a pool of threads does not survive a fork
        before, files = _resident(), _mapped_files()
        kept = call()
        # A fork maps the pages of libraries again when it runs their code, which is no memory of the call's.
        answer: Any = max(0, _highest() - before - max(0, _mapped_files() - files))
        del kept
    except BaseException as error:
        answer = f"{type(error).__name__}: {error}"
    os.write(writing, json.dumps(answer).encode())
    os._exit(0)


def _trim() -> None:
    """Give freed memory back to the system (glibc), so that what is allocated next is seen."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _resident() -> int:
    """Bytes resident now; without /proc, the most so far, which a fork starts with."""
    return _status("VmRSS") if STATUS.exists() else _highest()


def _mapped_files() -> int:
    """Bytes resident of files and shared memory; 0 without /proc."""
    return _status("RssFile") + _status("RssShmem") if STATUS.exists() else 0


def _highest() -> int:
    """The most bytes that were resident at any time."""
    if STATUS.exists():
        return _status("VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(name: str) -> int:
    for line in STATUS.read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise Unsupported(f"/proc tells no {name}")

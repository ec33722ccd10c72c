"""A pytest plugin that compares the process before and after each check: `-p meta_tests.tidiness`.

What a check leaves behind (a changed default, a file, a process, a thread) makes it an error, with the names of it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import multiprocessing
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from conformance import vision
from conformance.plugin.state import PLANNED, ROOT
from conformance.subject import Unsupported


def state() -> dict[str, Any]:
    """Everything that a check could leave behind, by name."""
    return {
        "default dtype": torch.get_default_dtype(),
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "anomaly detection": torch.is_anomaly_enabled(),
        "default device": str(torch.empty(0).device),
        "threads of torch": torch.get_num_threads(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "matmul precision": torch.get_float32_matmul_precision(),
        "warnings always": torch.is_warn_always_enabled(),
        "subnormal numbers": bool(torch.tensor([2.0**-1074], dtype=torch.float64).mul(1).item()),
        "print options": repr(torch.full((2, 1200), 1 / 3)) + repr(np.full(3, 1 / 3)),
        "numpy's errors": np.geterr(),
        "filters of warnings": len(warnings.filters),
        "environment variables": dict(os.environ) | {"PYTEST_CURRENT_TEST": ""},
        "directory": str(Path.cwd()),
        "files": sorted(os.listdir(tempfile.gettempdir())) + sorted(os.listdir(ROOT)),
    }


def running() -> set[str]:
    """Processes and threads that are still there."""
    processes = {f"process {child.name}" for child in multiprocessing.active_children()}
    return processes | {f"thread {one.name}" for one in threading.enumerate()}


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Every worker has a folder of its own for temporary files, so that nobody else's show."""
    folder = tempfile.mkdtemp(prefix="tidiness-")
    tempfile.tempdir = folder
    # What PyTorch loads on first use sets variables and filters of its own, once a process.
    for late in ("torch._dynamo", "torch._inductor"):
        with contextlib.suppress(ImportError):
            importlib.import_module(late)
    with contextlib.suppress(Unsupported):
        vision.torchvision()
    config.add_cleanup(lambda: setattr(tempfile, "tempdir", None))


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    if PLANNED not in item.stash:
        yield
        return
    before, started = state(), running()
    outcome: Any = yield
    left = [name for name, value in state().items() if value != before[name]]
    patience = time.monotonic() + 3
    while running() - started and time.monotonic() < patience:
        gc.collect()  # iterators of workers that only a cycle keeps, and threads that are about to end
        time.sleep(0.02)
    left += sorted(running() - started)
    if left:
        outcome.force_exception(pytest.UsageError(f"{item.nodeid} leaves behind: {', '.join(left)}"))

"""What is not judged but may explain a difference: versions, machine, threads, flags."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parent.parent


def environment(command: list[str]) -> dict[str, Any]:
    """The environment block of a run's header: plain values only."""
    return {
        "torch": torch.__version__,
        "torch_config": torch.__config__.show().strip(),
        "torch_git": str(getattr(torch.version, "git_version", "")),
        "numpy": np.__version__,
        "torchvision": _torchvision(),
        "hypothesis": _version("hypothesis"),
        "pytest": _version("pytest"),
        "python": platform.python_version(),
        "os": platform.platform(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "driver": _driver(),
        "threads": torch.get_num_threads(),
        "flags": _flags(),
        "command": " ".join(command),
    }


def suite() -> dict[str, str]:
    """This suite's name, version and commit ('' outside a checkout)."""
    return {"name": "torch-conformance", "version": _version("torch-conformance"), "commit": _commit()}


def _torchvision() -> str:
    """Its version, and whether its compiled part loads beside this torch; without importing it."""
    version, spec = _version("torchvision"), importlib.util.find_spec("torchvision")
    if not version or spec is None or spec.origin is None:
        return version
    try:
        for library in Path(spec.origin).parent.glob("_C*.so"):
            torch.ops.load_library(str(library))
    except (OSError, RuntimeError):
        return f"{version}; its compiled operators do not load here, and are not judged: their schemas are declared"
    return version


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    except OSError:
        return ""


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _driver() -> str:
    if not torch.cuda.is_available():
        return ""
    return f"CUDA {torch.version.cuda}, {torch.cuda.get_device_name(0)}"


def _flags() -> dict[str, str]:
    flags = {
        "default_dtype": str(torch.get_default_dtype()),
        "deterministic": str(torch.are_deterministic_algorithms_enabled()),
        "matmul_precision": torch.get_float32_matmul_precision(),
        "cudnn": str(torch.backends.cudnn.enabled),
    }
    names = (
        *("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
        *("ATEN_CPU_CAPABILITY", "CUDA_VISIBLE_DEVICES"),
    )
    flags.update({name: os.environ[name] for name in names if name in os.environ})
    return flags

"""PyTorches that are right but dear (or too cheap to be true): each breaks one claim of cost.

They stand apart from `meta_tests/mutants`, since a check of cost needs a meter (`test_perf_mutants`).
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from meta_tests.mutant import Mutant, patched, replaced


def busy(seconds: float) -> None:
    """Keep the processor busy for so long: unlike sleep, that is seen by a clock of the processor's time too."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def copying(original: Callable[..., Any]) -> Callable[..., Any]:
    """The result, after a copy of as many elements."""

    def wrong(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        (found.copy() if isinstance(found, np.ndarray) else found.clone())
        return found

    return wrong


def kept(original: Callable[..., Any]) -> Callable[..., Any]:
    """A copy instead of what shares memory."""

    def wrong(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        return found.copy() if isinstance(found, np.ndarray) else found.clone()

    return wrong


def slower(seconds: float) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The result, after a pause."""

    def change(original: Callable[..., Any]) -> Callable[..., Any]:
        def wrong(*args: Any, **kwargs: Any) -> Any:
            busy(seconds)
            return original(*args, **kwargs)

        return wrong

    return change


def repeated(count: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The result, computed so many times."""

    def change(original: Callable[..., Any]) -> Callable[..., Any]:
        def wrong(*args: Any, **kwargs: Any) -> Any:
            for _ in range(count - 1):
                original(*args, **kwargs)
            return original(*args, **kwargs)

        return wrong

    return change


def lazy(original: Callable[..., Any]) -> Callable[..., Any]:
    """The result of the first call, whatever is asked for later: too quick to be true."""
    seen: list[Any] = []

    def wrong(*args: Any, **kwargs: Any) -> Any:
        if not seen:
            seen.append(original(*args, **kwargs))
        return seen[0]

    return wrong


def one_by_one(original: Callable[..., Any]) -> Callable[..., Any]:
    """An array is read one element at a time."""
    return lambda data, **kwargs: original(data.tolist() if isinstance(data, np.ndarray) else data, **kwargs)


def stacked(original: Callable[..., Any]) -> Callable[..., Any]:
    """A list of arrays is stacked first, and nobody is warned."""
    return lambda data, **kwargs: original(np.array(data) if isinstance(data, list) else data, **kwargs)


def aliasing(original: Callable[..., Any]) -> Callable[..., Any]:
    """An array's memory is shared instead of copied."""

    def wrong(data: Any, **kwargs: Any) -> Any:
        return torch.from_numpy(data) if isinstance(data, np.ndarray) else original(data, **kwargs)

    return wrong


def squared(original: Callable[..., Any]) -> Callable[..., Any]:
    """Time that grows with the square of the length."""

    def wrong(data: Any, **kwargs: Any) -> Any:
        busy(16 * (len(data) / 1000) ** 2)
        return original(data, **kwargs)

    return wrong


def twice_in_memory(original: Callable[..., Any]) -> Callable[..., Any]:
    """A second copy lies about while the first is made."""

    def wrong(*args: Any, **kwargs: Any) -> Any:
        other = original(*args, **kwargs)
        found = original(*args, **kwargs)
        del other
        return found

    return wrong


@contextlib.contextmanager
def _with_slow_no_grad() -> Iterator[None]:
    class Slow(torch.no_grad):
        def __enter__(self) -> None:
            busy(0.05)
            super().__enter__()

    with replaced(torch, "no_grad", lambda original: Slow):
        yield


class _Loader:
    """A loader that gets its items in this process, whatever the workers: `times` over with them, after a pause
    without."""

    times, pause = 1, 0.0

    def __init__(self, items: Any, batch_size: int, num_workers: int, persistent_workers: bool) -> None:
        self.items, self.batch_size, self.num_workers = items, batch_size, num_workers

    def __iter__(self) -> Iterator[torch.Tensor]:
        if not self.num_workers:
            busy(self.pause)
        for first in range(0, len(self.items), self.batch_size):
            for _ in range(self.times if self.num_workers else 1):
                batch = torch.stack([self.items[first + place] for place in range(self.batch_size)])
            yield batch


def _loader(**how: float) -> Callable[[], AbstractContextManager[Any]]:
    """Such a loader in the place of PyTorch's."""
    return lambda: replaced(torch.utils.data, "DataLoader", lambda original: type("Loader", (_Loader,), how))


def _allocating(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: self.copy_(self.add(other))


def _slow_with(option: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A step that pauses for optimisers that were made with an option."""

    def change(original: Callable[..., Any]) -> Callable[..., Any]:
        def wrong(self: Any, *args: Any, **kwargs: Any) -> Any:
            if self.defaults.get(option):
                busy(0.05)
            return original(self, *args, **kwargs)

        return wrong

    return change


def _slow_for(kind: type, seconds: float) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A pause for arguments of one type."""

    def change(original: Callable[..., Any]) -> Callable[..., Any]:
        def wrong(data: Any, **kwargs: Any) -> Any:
            if isinstance(data, kind):
                busy(seconds)
            return original(data, **kwargs)

        return wrong

    return change


def _silent() -> AbstractContextManager[Any]:
    """In every new process, torch.tensor stacks a list of arrays and does not warn."""
    code = "import numpy, torch\nsound = torch.tensor\ntorch.tensor = lambda data: sound(numpy.array(data))\n"
    return _customised(code)


@contextlib.contextmanager
def _customised(code: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sitecustomize.py").write_text(code, encoding="utf-8")
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["PYTHONPATH"]
            else:
                os.environ["PYTHONPATH"] = before


def _slow_on_meta(original: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(self: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        if self.is_meta:
            time.sleep(0.1)
        return original(self, other)

    return wrong


def _slow_from_pinned(original: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(self: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        if getattr(source, "pretends_to_be_pinned", False):
            time.sleep(0.02)
        return original(self, source)

    return wrong


T = torch.Tensor
MUTANTS = [
    patched("perf.from-numpy-constant", "from_numpy copies", torch, "from_numpy", copying),
    patched("perf.as-tensor-constant", "as_tensor copies", torch, "as_tensor", copying),
    patched("perf.numpy-constant", "numpy() copies", T, "numpy", copying),
    patched("perf.dlpack-constant", "from_dlpack copies", torch, "from_dlpack", copying),
    patched("perf.view-constant", "view copies", T, "view", copying),
    patched("perf.detach-constant", "detach copies", T, "detach", copying),
    patched("perf.transpose-constant", "transpose copies", T, "transpose", copying),
    patched("perf.expand-constant", "expand copies", T, "expand", copying),
    patched("perf.slice-constant", "a slice is copied", T, "__getitem__", copying),
    patched("perf.to-same-constant", "to copies what is so already", T, "to", copying),
    patched("perf.contiguous-same-constant", "contiguous copies what is so already", T, "contiguous", copying),
    patched("perf.tensor-numpy-conversion-is-fast", "from_numpy copies", torch, "from_numpy", copying),
    patched("perf.array-faster-than-list-of-arrays", "the list is stacked first", torch, "tensor", stacked),
    patched("perf.code1-below-one-second", "an array is read one by one", torch, "tensor", one_by_one),
    patched("perf.code2-five-seconds", "time grows with the square", torch, "tensor", squared),
    patched("perf.speed-explained-by-sharing", "torch.tensor shares", torch, "tensor", aliasing),
    Mutant("perf.list-of-arrays-warning", "nobody is warned", _silent),
    Mutant("perf.dataloader-workers-speed-up", "workers get everything twice", _loader(times=2)),
    Mutant("perf.workers-cheap-items", "no workers begin late", _loader(pause=0.02)),
    patched("perf.tensor-linear", "torch.tensor pauses, whatever the size", torch, "tensor", slower(0.004)),
    patched("perf.clone-linear", "clone pauses, whatever the size", T, "clone", slower(0.004)),
    patched("perf.tensor-copy-share", "torch.tensor copies forty times", torch, "tensor", repeated(40)),
    patched("perf.clone-copy-share", "clone copies forty times", T, "clone", repeated(40)),
    patched("perf.list-crossing", "an array is slow", torch, "tensor", _slow_for(np.ndarray, 0.02)),
    patched("perf.list-of-floats", "an array is read one by one", torch, "tensor", one_by_one),
    patched("perf.conversion-takes-its-time", "torch.tensor is lazy", torch, "tensor", lazy),
    patched("perf.conversion-takes-its-time", "clone is lazy", T, "clone", lazy),
    patched("perf.inplace-saves-allocation", "add_ goes by way of add", T, "add_", _allocating),
    patched("perf.inplace-not-slower", "add_ pauses", T, "add_", slower(0.02)),
    patched("perf.no-grad-saves-memory", "no_grad records", torch, "no_grad", lambda original: torch.enable_grad),
    Mutant("perf.no-grad-saves-time", "no_grad pauses", _with_slow_no_grad),
    patched("perf.views-allocate-nothing", "view copies", T, "view", kept),
    patched("perf.views-allocate-nothing", "from_numpy copies", torch, "from_numpy", kept),
    patched("perf.copies-allocate-once", "clone copies twice", T, "clone", twice_in_memory),
    patched("perf.copies-allocate-once", "torch.tensor shares", torch, "tensor", aliasing),
    patched("perf.kernel-takes-its-time", "add is lazy", torch, "add", lazy),
    patched("perf.kernel-near-numpy", "add pauses", torch, "add", slower(0.02)),
    patched("perf.kernel-near-numpy", "sum does forty passes", torch, "sum", repeated(40)),
    patched("perf.dispatch-overhead", "each call of add pauses", torch, "add", slower(0.001)),
    patched("perf.copy-bandwidth", "copy_ copies forty times", T, "copy_", repeated(40)),
    patched("perf.matmul-rate", "matmul pauses", torch, "matmul", slower(0.15)),
    patched("perf.training-step", "each update pauses", torch.optim.SGD, "step", slower(0.1)),
    patched("perf.optimizer-foreach", "foreach pauses", torch.optim.SGD, "step", _slow_with("foreach")),
    patched("perf.optimizer-fused", "fused pauses", torch.optim.SGD, "step", _slow_with("fused")),
]
# Claims about accelerators are judged on the device meta, which does nothing; each needs a PyTorch that pretends.
ON_META = [
    patched("perf.gpu-accelerates", "the device is slow", T, "__matmul__", _slow_on_meta),
    patched("perf.pinned-not-slower", "pinned memory is slow", T, "copy_", _slow_from_pinned),
    Mutant("perf.launch-returns-early", "a launch waits", contextlib.nullcontext),
]

"""The ceilings of this machine, measured in the run: bandwidths, arithmetic rates, overheads, transfers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from conformance import host
from perf.clock import Call, WallClock, synchronise
from perf.measurement import Measurement
from perf.timing import undisturbed

# Bytes moved by one pass: within the private caches, within the shared cache of most machines, in memory.
CACHE, SHARED, MEMORY = 2**18, 2**23, 2**28
DTYPES = ("float64", "float32", "bfloat16")
SAMPLES = 3


@dataclass
class Ceilings:
    """What one device does at most with so many threads.

    `bandwidth`: bytes per second by (pass, library, bytes moved). `rate`: operations per second by dtype; a multiply
    and an add are two. `overhead`: seconds by name. `transfer`: bytes per second by way.
    """

    device: str
    threads: int
    bandwidth: dict[tuple[str, str, int], float] = field(default_factory=dict)
    rate: dict[str, float] = field(default_factory=dict)
    overhead: dict[str, float] = field(default_factory=dict)
    transfer: dict[str, float] = field(default_factory=dict)

    def limit(self, moved: int, operations: int, dtype: str = "float32") -> tuple[float, str]:
        """The least seconds for so many bytes and operations, and which of the two asks for them."""
        sizes = sorted({size for _, _, size in self.bandwidth})
        near = max((size for size in sizes if size <= moved), default=sizes[0])
        fastest = max(rate for (_, _, size), rate in self.bandwidth.items() if size == near)
        by_bytes = moved / fastest
        by_operations = operations / self.rate.get(dtype, max(self.rate.values()))
        return (by_bytes, "bandwidth") if by_bytes >= by_operations else (by_operations, "arithmetic")

    def measurements(self) -> Iterator[Measurement]:
        """Every ceiling as a figure for the record."""
        for (way, library, size), rate in self.bandwidth.items():
            name = f"{way}, {library}, {size // 1024:,} KiB"
            yield self._figure(name, "bandwidth", rate, "B/s", bytes=size)
        for dtype, rate in self.rate.items():
            yield self._figure(f"multiply-add, {dtype}", "arithmetic", rate, "op/s")
        for name, seconds in self.overhead.items():
            yield self._figure(name, "overhead", seconds, "s")
        for name, rate in self.transfer.items():
            yield self._figure(name, "transfer", rate, "B/s")

    def _figure(self, name: str, group: str, rate: float, unit: str, **more: int) -> Measurement:
        return Measurement(name=name, kind="ceiling", group=group, rate=rate, unit=unit, threads=self.threads, **more)


def measure(clock: WallClock, *, largest: int = MEMORY) -> Ceilings:
    """All ceilings of the clock's device, with as many threads as are set. `largest`: bytes of a pass in memory."""
    found = Ceilings(str(clock.device), torch.get_num_threads())
    with undisturbed():
        for size in sorted({CACHE, SHARED, max(largest, SHARED)}):
            for way, moves in _passes(clock.device, size):
                found.bandwidth[(*way, size)] = size / _best(clock, moves, size)
        for dtype in DTYPES:
            if rate := _rate(clock, dtype):
                found.rate[dtype] = rate
        found.overhead.update(_overheads(clock))
        found.transfer.update(_transfers(clock.device, largest // 4))
    return found


def _passes(device: torch.device, size: int) -> Iterator[tuple[tuple[str, str], Call]]:
    """Copy, triad (a = b + s c) and read over `size` bytes altogether, in float32."""
    a, b, c = (torch.ones(max(size // 12, 1), device=device) for _ in range(3))
    x, y = (torch.ones(max(size // 8, 1), device=device) for _ in range(2))
    z = torch.ones(max(size // 4, 1), device=device)
    yield ("copy", "torch"), lambda: x.copy_(y)
    yield ("triad", "torch"), lambda: torch.add(b, c, alpha=3.0, out=a)
    yield ("read", "torch"), lambda: torch.dot(z, z)
    if device.type != "cpu":
        return
    p, q, r, u, v, w = (host_tensor.numpy() for host_tensor in (a, b, c, x, y, z))

    def triad() -> None:
        np.multiply(r, 3.0, out=p)
        np.add(p, q, out=p)

    yield ("copy", "numpy"), lambda: np.copyto(u, v)
    yield ("triad", "numpy"), triad
    yield ("read", "numpy"), lambda: np.dot(w, w)


def _best(clock: WallClock, call: Call, size: int = 0) -> float:
    """The least seconds of some samples; a ceiling is what the machine can do when it is let."""
    loops = max(1, min(2000, 2**25 // max(size, 2**14)))
    clock.seconds([call], 1)
    return min(clock.seconds([call], loops) for _ in range(SAMPLES + 2))


def _rate(clock: WallClock, dtype: str) -> float | None:
    """Operations per second of the best product of square matrices, or None where the device has no such product."""
    best = 0.0
    for side in (256, 512, 1024) if clock.device.type == "cpu" else (1024, 4096, 8192):
        try:
            x = torch.ones(side, side, device=clock.device).to(host.torch_dtype(dtype))
            call = _product(x)
            call()
        except (RuntimeError, TypeError):
            return best or None
        best = max(best, 2 * side**3 / min(clock.seconds([call], 1) for _ in range(SAMPLES)))
    return best


def _product(x: torch.Tensor) -> Call:
    return lambda: x @ x


def _overheads(clock: WallClock) -> dict[str, float]:
    x = torch.ones(1, device=clock.device)
    call = _best(clock, _nothing)
    found = {"empty Python call": call, "one torch operation": max(_best(clock, lambda: x + x) - call, 1e-9)}
    if clock.device.type == "cpu":
        y = np.ones(1, dtype=np.float32)
        return found | {"one NumPy operation": max(_best(clock, lambda: y + y) - call, 1e-9)}
    wall = WallClock(clock.device)
    return found | {"launch, and wait for it": min(wall.seconds([lambda: x + x], 1) for _ in range(50))}


def _nothing() -> None:
    pass


def _transfers(device: torch.device, size: int) -> dict[str, float]:
    """Bytes per second to an accelerator and back, from pageable and from pinned memory."""
    if device.type in ("cpu", "meta"):
        return {}
    there = torch.zeros(size, dtype=torch.uint8, device=device)
    found = {}
    for name, make in _buffers(size):
        try:
            here = make()
        except RuntimeError:  # no pinned memory for this device
            continue
        for way, call in {"to": lambda: there.copy_(here), "from": lambda: here.copy_(there)}.items():
            found[f"{way} {device.type}, {name}"] = size / _best_transfer(device, call)
    return found


def _buffers(size: int) -> Iterator[tuple[str, Callable[[], torch.Tensor]]]:
    yield "pageable", lambda: torch.zeros(size, dtype=torch.uint8)
    yield "pinned", lambda: torch.zeros(size, dtype=torch.uint8).pin_memory()


def _best_transfer(device: torch.device, call: Call) -> float:
    wall = WallClock(device)
    synchronise(device)
    return min(wall.seconds([call], 1) for _ in range(SAMPLES + 1))

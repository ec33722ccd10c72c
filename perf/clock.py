"""Clocks that wait for the device, and the proof that they do."""

from __future__ import annotations

import importlib
import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

Call = Callable[[], Any]
# A sample lasts at least so many times the smallest step that the clock can tell.
STEPS = 1000
# Work that is eight times as much has to take at least so many times as long.
LEAST_GROWTH = 3.0
# The clock has to see at least this share of the time until the result can be read on the host.
LEAST_SHARE = 0.3


class Untrustworthy(RuntimeError):
    """A clock that must not be believed: it does not wait for the device, or does not resolve what is timed."""


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all that it was asked for; the CPU always has."""
    if device.type in ("cpu", "meta"):
        return
    module = getattr(torch, device.type, None) or importlib.import_module(f"torch.{device.type}")
    module.synchronize()


class WallClock:
    """Time on the wall, from an idle device to an idle device. For every device."""

    def __init__(self, device: str | torch.device) -> None:
        self.device = torch.device(device)

    def seconds(self, calls: Sequence[Call], loops: int) -> float:
        """Seconds for one of `loops` calls, taken in turn from `calls`."""
        synchronise(self.device)
        began = time.perf_counter()
        spin(calls, loops)
        synchronise(self.device)
        return (time.perf_counter() - began) / loops

    def step(self) -> float:
        """The smallest difference between two readings, in seconds."""
        return min(_differences(time.perf_counter))


class EventClock(WallClock):
    """The device's own time between two events of its stream (CUDA)."""

    def seconds(self, calls: Sequence[Call], loops: int) -> float:
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        synchronise(self.device)
        first.record()
        spin(calls, loops)
        last.record()
        last.synchronize()
        return max(first.elapsed_time(last), 1e-6) / 1000 / loops

    def step(self) -> float:
        return 0.5e-6  # as the documentation of CUDA says of its events


def spin(calls: Sequence[Call], loops: int) -> None:
    """Call in turn; with a single call, without anything between."""
    if len(calls) == 1:
        call = calls[0]
        for _ in range(loops):
            call()
        return
    for place in range(loops):
        calls[place % len(calls)]()


def _differences(reading: Callable[[], float], count: int = 200) -> list[float]:
    readings = [reading() for _ in range(count)]
    return [after - before for before, after in itertools.pairwise(readings) if after > before] or [1.0]


def clock_for(device: str | torch.device) -> WallClock:
    """Events on CUDA, the wall elsewhere."""
    return EventClock(device) if torch.device(device).type == "cuda" else WallClock(device)


def prove(clock: WallClock, *, side: int | None = None, tries: int = 7) -> dict[str, float]:
    """Show that a clock resolves what it times and waits for its device. Raises Untrustworthy.

    Two products of square matrices are timed, of `side` and of twice that: eight times the work, on the CPU in one
    thread. Returns what was seen: `step` in seconds, `growth` and `share` as ratios. Of several tries the quickest
    or the middle one counts, so that a busy machine does not make an honest clock look bad.
    """
    side = side or (256 if clock.device.type in ("cpu", "meta") else 2048)
    step = clock.step()
    if not 0 < step * STEPS <= 0.1:
        raise Untrustworthy(f"the clock tells steps of {step:.2g} s only: too coarse for what is to be timed")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seen = {"step": step, **_seen(clock, side, tries)}
    finally:
        torch.set_num_threads(before)
    if clock.device.type != "meta" and (seen["growth"] < LEAST_GROWTH or seen["share"] < LEAST_SHARE):
        raise Untrustworthy(
            f"the clock does not wait for {clock.device}: eight times the work took {seen['growth']:.2g} times "
            f"as long, and it saw {seen['share']:.2g} of the time until the result could be read"
        )
    return seen


def _seen(clock: WallClock, side: int, tries: int) -> dict[str, float]:
    """How the times grew with the work, and which share they are of the time until the result was on the host."""
    small, large = (_product(clock.device, size) for size in (side, 2 * side))
    taken = [
        (clock.seconds([small], 1), clock.seconds([large], 1), _until_read(clock.device, large)) for _ in range(tries)
    ]
    quick, slow, read = (max(min(one[place] for one in taken), 1e-12) for place in range(3))
    by_turn = statistics.median(one[1] / max(one[2], 1e-12) for one in taken)
    growth = statistics.median(one[1] / max(one[0], 1e-12) for one in taken)
    return {"growth": max(slow / quick, growth), "share": max(slow / read, by_turn)}


def _product(device: torch.device, side: int) -> Call:
    x = torch.rand(side, side, device=device)
    call: Call = lambda: x @ x  # noqa: E731  (a closure over one matrix)
    call()
    return call


def _until_read(device: torch.device, call: Call) -> float:
    synchronise(device)
    began = time.perf_counter()
    result = call()
    if device.type != "meta":
        result[0, 0].item()
    return time.perf_counter() - began

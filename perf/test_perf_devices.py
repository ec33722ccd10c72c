"""Accelerators: quicker than the CPU beside them, fed from pinned memory, and not waited for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch

from conformance.check import check
from conformance.subject import Unsupported
from perf.clock import Call, WallClock, spin, synchronise
from perf.meter import Meter
from perf.timing import Work


class LaunchClock(WallClock):
    """Time on the wall that ends, for one work, when its calls have returned; all other works are waited for."""

    def __init__(self, device: str, launch: Work) -> None:
        super().__init__(device)
        self.launch = launch

    def seconds(self, calls: Sequence[Call], loops: int) -> float:
        if calls is not self.launch.calls:
            return super().seconds(calls, loops)
        synchronise(self.device)
        began = time.perf_counter()
        spin(calls, loops)
        returned = time.perf_counter()
        synchronise(self.device)
        return (returned - began) / loops


def require_accelerator(subject: Any) -> None:
    if subject.is_cpu:
        raise Unsupported(f"{subject.name} is no accelerator")


@check("perf.gpu-accelerates")
def test_a_product_is_quicker_than_on_the_cpu(subject: Any, meter: Meter) -> None:
    require_accelerator(subject)
    side = meter.size(2048, least=512)
    here = torch.rand(side, side)
    there = here.to(subject.device)
    meter.clock = WallClock(subject.device)  # one clock for both: events do not see the CPU
    meter.compare(
        Work.of(f"product of {side} × {side} on the CPU", lambda: here @ here),
        Work.of(f"product of {side} × {side} on {subject.name}", lambda: there @ there),
        most=1.0,
    )


@check("perf.pinned-not-slower")
def test_pinned_memory_is_no_slower(subject: Any, meter: Meter) -> None:
    require_accelerator(subject)
    subject.require_feature("pinned_memory")
    size = meter.size(2**26)
    there = torch.zeros(size, dtype=torch.uint8, device=subject.device)
    pageable = torch.zeros(size, dtype=torch.uint8)
    pinned = pageable.pin_memory()
    meter.compare(
        Work.of("copy from pageable memory", lambda: there.copy_(pageable)),
        Work.of("copy from pinned memory", lambda: there.copy_(pinned)),
        most=1.0,
    )


@check("perf.launch-returns-early")
def test_a_launch_returns_before_the_device_is_done(subject: Any, meter: Meter) -> None:
    require_accelerator(subject)
    subject.require_feature("streams")
    x = torch.rand(4096, 4096, device=subject.device)

    launch = Work.of("launch of a product", lambda: x @ x)
    meter.clock = LaunchClock(subject.device, launch)
    meter.compare(Work.of("product, waited for", lambda: x @ x), launch, most=0.2)

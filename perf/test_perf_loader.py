"""Loading: workers help where items are slow, and cost where they are not. And in-place operations, and no_grad."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch.utils.data import Dataset

from conformance.check import check
from perf.meter import Meter
from perf.timing import Work, threads


class Items(Dataset):
    """So many items, each of which takes some seconds to get."""

    def __init__(self, count: int, seconds: float) -> None:
        self.count, self.seconds = count, seconds

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: int) -> torch.Tensor:
        if self.seconds:
            time.sleep(self.seconds)
        return torch.tensor(place)


def epoch(items: Items, workers: int) -> Work:
    """One pass over all items; workers are started before, once."""
    loader = torch.utils.data.DataLoader(items, batch_size=2, num_workers=workers, persistent_workers=workers > 0)

    def load() -> None:
        found = sum(int(batch.sum()) for batch in loader)
        assert found == len(items) * (len(items) - 1) // 2, "the loader lost items"

    return Work.of(f"{len(items)} items of {items.seconds * 1000:g} ms, {workers} workers", load)


@check("perf.dataloader-workers-speed-up")
def test_workers_help_where_items_are_slow(subject: Any, meter: Meter) -> None:
    items = Items(12, 0.02)
    meter.compare(epoch(items, 0), epoch(items, 2), most=1.0)


@check("perf.workers-cheap-items")
def test_workers_cost_where_items_are_cheap(subject: Any, meter: Meter) -> None:
    items = Items(64, 0.0)
    meter.compare(epoch(items, 0), epoch(items, 2), least=1.0)


@check("perf.inplace-not-slower")
def test_in_place_takes_no_longer(subject: Any, meter: Meter) -> None:
    x, y = (torch.ones(meter.size(2**24), device=subject.device) for _ in range(2))
    meter.compare(Work.of("add", lambda: x.add(y)), Work.of("add_", lambda: x.add_(y)), most=1.0, elements=x.numel())


@check("perf.no-grad-saves-time")
def test_no_grad_takes_less_time(subject: Any, meter: Meter) -> None:
    x = torch.ones(8, device=subject.device, requires_grad=True)

    def chain() -> torch.Tensor:
        y = x
        for _ in range(200):
            y = y * 1.0
        return y

    def without() -> torch.Tensor:
        with torch.no_grad():
            return chain()

    with threads(1):
        meter.compare(Work.of("200 operations with a graph", chain), Work.of("under no_grad", without), most=1.0)

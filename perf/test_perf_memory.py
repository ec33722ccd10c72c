"""Peak memory: what allocates nothing, what allocates once, what the graph keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance.check import check
from perf.conversions import SHARING
from perf.meter import Meter

MIB = 2**20
# The size of the tensors in bytes: large enough that the allocator gets and returns each by itself.
SIZE = 48 * MIB
SLACK = SIZE // 4

VIEWS = {
    "view": lambda t: t.view(-1, 16),
    "detach": lambda t: t.detach(),
    "transpose": lambda t: t.view(-1, 16).transpose(0, 1),
    "expand": lambda t: t.expand(4, -1),
    "slice": lambda t: t[1:-1],
    "to the same dtype": lambda t: t.to(torch.float32),
}
COPIES = {
    "clone": (1.0, lambda t: t.clone()),
    "to float64": (2.0, lambda t: t.to(torch.float64)),
    "to float16": (0.5, lambda t: t.to(torch.float16)),
    "add": (1.0, lambda t: t + 1),
}


def source(subject: Any) -> torch.Tensor:
    return torch.ones(SIZE // 4, device=subject.device)


@check("perf.views-allocate-nothing")
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_allocates_nothing(subject: Any, meter: Meter, name: str) -> None:
    x = source(subject)
    meter.peak(name, lambda: VIEWS[name](x), most=SLACK)


@check("perf.views-allocate-nothing")
@pytest.mark.parametrize("conversion", SHARING.values(), ids=str)
def test_sharing_allocates_nothing(subject: Any, meter: Meter, conversion: Any) -> None:
    subject.require_feature("host_memory")
    x = source(subject)
    given = x if conversion.source == "tensor" else x.numpy()
    meter.peak(conversion.name, lambda: conversion.call(given, "cpu"), most=SLACK)


@check("perf.copies-allocate-once")
@pytest.mark.parametrize("name", COPIES)
def test_a_copy_allocates_its_result(subject: Any, meter: Meter, name: str) -> None:
    x, (share, call) = source(subject), COPIES[name]
    meter.peak(name, lambda: call(x), least=int(share * SIZE) - SLACK, most=int(share * SIZE) + SLACK)


@check("perf.copies-allocate-once")
def test_tensor_of_an_array_allocates_its_result(subject: Any, meter: Meter) -> None:
    array = np.ones(SIZE // 4, dtype=np.float32)
    name = "torch.tensor(array)"
    meter.peak(name, lambda: torch.tensor(array, device=subject.device), least=SIZE - SLACK, most=SIZE + SLACK)


@check("perf.inplace-saves-allocation")
def test_in_place_needs_no_memory(subject: Any, meter: Meter) -> None:
    x, y = source(subject), source(subject)
    meter.peak("add", lambda: x.add(y), least=SIZE - SLACK, most=SIZE + SLACK)
    meter.peak("add_", lambda: x.add_(y), most=SLACK)


@check("perf.no-grad-saves-memory")
def test_no_grad_keeps_no_results(subject: Any, meter: Meter) -> None:
    x, steps = source(subject).requires_grad_(), 6

    def chain() -> torch.Tensor:
        y = x
        for _ in range(steps):
            y = torch.exp(y * 0.5)
        return y

    def without() -> torch.Tensor:
        with torch.no_grad():
            return chain()

    meter.peak(f"{2 * steps} operations with a graph", chain, least=(steps - 1) * SIZE)
    meter.peak(f"{2 * steps} operations under no_grad", without, most=3 * SIZE + SLACK)

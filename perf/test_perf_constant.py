"""What takes the same time whatever the size: a thousand elements beside a hundred million."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from conformance.check import check
from perf.conversions import SHARING, Array, Conversion, matrix
from perf.meter import Meter
from perf.timing import Work

FEW, MANY = 1_000, 100_000_000
# A view costs a microsecond: twice that is nothing that grows with the size.
MOST = 2.0

OPERATIONS = {
    "view": lambda t: t.view(-1, 10),
    "detach": lambda t: t.detach(),
    "transpose": lambda t: t.view(-1, 10).transpose(0, 1),
    "slice": lambda t: t[1:-1],
    "to-same": lambda t: t.to(dtype=t.dtype, device=t.device),
    "contiguous-same": lambda t: t.contiguous(),
}


def sharing() -> list[Any]:
    """Each conversion that shares memory, over the matrix of dtypes and layouts."""
    rows = [(claim, conversion, *pair) for claim, conversion in SHARING.items() for pair in matrix()]
    return [pytest.param(*row[1:], marks=check(row[0]), id=f"{row[1]}-{row[2]}-{row[3]}") for row in rows]


def compare(meter: Meter, name: str, few: Any, many: Any, call: Any) -> None:
    meter.compare(
        Work.of(f"{name}, {FEW:,} elements", lambda: call(few)),
        Work.of(f"{name}, {meter.size(MANY):,} elements", lambda: call(many)),
        most=MOST,
        elements=meter.size(MANY),
        group="constant",
    )


@pytest.mark.parametrize("conversion, dtype, layout", sharing())
def test_sharing_takes_no_longer_for_more(
    subject: Any, meter: Meter, conversion: Conversion, dtype: str, layout: str
) -> None:
    subject.require_feature("host_memory")
    sources = [Array(count, dtype, layout, touched=False) for count in (FEW, meter.size(MANY))]
    few, many = (one.numpy() if conversion.source == "array" else one.tensor("cpu") for one in sources)
    compare(meter, f"{conversion.name}, {dtype}, {layout}", few, many, lambda x: conversion.call(x, "cpu"))


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"perf.{name}-constant")) for name in OPERATIONS])
def test_a_view_takes_no_longer_for_more(subject: Any, meter: Meter, name: str) -> None:
    few, many = (torch.empty(count // 10 * 10, device=subject.device) for count in (FEW, meter.size(MANY)))
    compare(meter, name, few, many, OPERATIONS[name])


@check("perf.expand-constant")
def test_expand_takes_no_longer_for_more(subject: Any, meter: Meter) -> None:
    one = torch.ones(1, 1, device=subject.device)
    few, many = (FEW // 10, 10), (meter.size(MANY) // 10, 10)
    compare(meter, "expand", few, many, lambda shape: one.expand(*shape))


@check("perf.tensor-numpy-conversion-is-fast")
def test_there_and_back_takes_no_longer_for_more(subject: Any, meter: Meter) -> None:
    subject.require_feature("host_memory")
    few, many = (Array(count, "float64", "contiguous", touched=False).numpy() for count in (FEW, meter.size(MANY)))
    compare(meter, "from_numpy(array).numpy()", few, many, lambda a: torch.from_numpy(a).numpy())

"""The conversions that copy, over dtypes and layouts, against a copy of as many bytes."""

from __future__ import annotations

from typing import Any

import pytest

from conformance import effort
from conformance.check import check
from perf.conversions import COPYING, OTHER, Array, Conversion, matrix
from perf.meter import Meter
from perf.timing import Work

# The larger first: what is too quick to be true shows there.
SIZES = (2**22, 2**12)
PAIRS = matrix() if effort.level() != "quick" else [("float32", "contiguous"), ("uint8", "contiguous")]


@check("perf.conversion-takes-its-time")
@pytest.mark.parametrize("dtype, layout", PAIRS)
@pytest.mark.parametrize("conversion", COPYING, ids=str)
def test_a_conversion_takes_the_time_of_its_bytes(
    subject: Any, meter: Meter, conversion: Conversion, dtype: str, layout: str
) -> None:
    for needed in {dtype, OTHER[dtype]} if conversion.other else {dtype}:
        subject.require(needed)
    for elements in SIZES:
        elements = int(meter.size(elements) ** 0.5) ** 2
        array = Array(elements, dtype, layout)
        source = array.numpy() if conversion.source == "array" else array.tensor(subject.device)
        work = Work.of(
            f"{conversion.name}, {dtype}, {layout}, {elements:,} elements",
            lambda: conversion.call(source, subject.device),
        )
        moved = conversion.moved(elements, dtype)
        meter.kernel(work, moved, 0, "float32", None, elements=elements, group="conversion")

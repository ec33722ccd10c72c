"""The ceilings of this machine, for the record; one claim is judged beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance.check import check
from conformance.subject import Unsupported
from perf.meter import Meter
from perf.timing import Work, threads


@check("perf.copy-bandwidth")
@pytest.mark.parametrize("count", ["one", "all"])
def test_a_copy_is_near_numpys(subject: Any, meter: Meter, count: str) -> None:
    if count == "one" and not subject.is_cpu:
        raise Unsupported("threads are the CPU's")
    with threads(1 if count == "one" else torch.get_num_threads()):
        for figure in meter.ceilings().measurements():
            meter.record(figure)
    # In one thread: a busy machine disturbs a copy in several more than NumPy's.
    with threads(1):
        elements = meter.size(2**24)
        source, target = (torch.ones(elements, device=subject.device) for _ in range(2))
        here, there = np.ones(elements, dtype=np.float32), np.ones(elements, dtype=np.float32)
        meter.compare(
            Work.of("np.copyto", lambda: np.copyto(there, here)),
            Work.of("copy_", lambda: target.copy_(source)),
            most=4.0,
            elements=elements,
            threads=1,
        )

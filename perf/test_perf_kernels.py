"""Every kernel as time, bandwidth, arithmetic and share of this machine's ceilings; forward and backward."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance import effort
from conformance.check import check
from conformance.subject import Unsupported
from perf.kernels import BY_NAME, KERNELS, LIKE_NUMPY, Kernel
from perf.meter import Meter
from perf.timing import Work, threads

PLACES = {"small": 0, "middle": 1, "large": 2}
QUICK = effort.level() == "quick"
FORWARD = [("small", "all"), ("middle", "all")] if QUICK else [(s, t) for s in PLACES for t in ("one", "all")]
BACKWARD = [("middle", "all")] if QUICK else [("middle", "all"), ("large", "all")]


def rows() -> list[Any]:
    """Kernel, size, pass, threads: from launch-bound to memory-bound."""
    found = []
    for kernel in KERNELS:
        passes = [("forward", FORWARD), *([("backward", BACKWARD)] if kernel.backward else [])]
        for way, pairs in passes:
            for size, count in pairs:
                mark = check("perf.kernel-takes-its-time", since=kernel.since)
                name = f"{kernel}-{size}-{way}-{count}"
                found.append(pytest.param(kernel, size, way, count, marks=mark, id=name))
    return found


def number_of_threads(subject: Any, word: str) -> int:
    if word == "one" and not subject.is_cpu:
        raise Unsupported("threads are the CPU's")
    return 1 if word == "one" else torch.get_num_threads()


@pytest.mark.parametrize("kernel, size, way, count", rows())
def test_a_kernel_takes_the_time_of_its_bytes(
    subject: Any, meter: Meter, kernel: Kernel, size: str, way: str, count: str
) -> None:
    subject.require(kernel.dtype)
    with threads(number_of_threads(subject, count)):
        case = kernel.make(kernel.sizes[PLACES[size]], subject.device)
        forward = way == "forward"
        work = Work.of(
            f"{kernel.name}, {way}, {kernel.sizes[PLACES[size]]:,} elements",
            case.forward() if forward else case.backward(),
        )
        numpy = Work.of("NumPy", case.numpy) if case.numpy and forward else None
        times = 1 if forward else 1 + case.again
        elements = kernel.sizes[PLACES[size]]
        moved, operations = times * case.moved, times * case.operations
        meter.kernel(work, moved, operations, kernel.dtype, numpy, elements=elements, group=f"kernel, {way}")


@check("perf.kernel-near-numpy")
@pytest.mark.parametrize("name", LIKE_NUMPY)
def test_a_kernel_is_near_numpy(subject: Any, meter: Meter, name: str) -> None:
    subject.require_feature("host_memory")
    kernel = BY_NAME[name]
    with threads(1):
        case = kernel.make(LIKE_NUMPY[name], subject.device)
        meter.compare(Work.of("NumPy", case.numpy), Work.of(name, case.forward()), most=5.0, threads=1)


@check("perf.dispatch-overhead")
def test_dispatch_is_near_numpys(subject: Any, meter: Meter) -> None:
    subject.require_feature("host_memory")
    x, a = torch.ones(4), np.ones(4, dtype=np.float32)
    works = Work.of("NumPy's addition of 4", lambda: a + a), Work.of("addition of 4", lambda: torch.add(x, x))
    meter.compare(*works, most=30.0)


@check("perf.matmul-rate")
def test_a_product_does_more_in_a_second_than_a_sum(subject: Any, meter: Meter) -> None:
    side, many = 512 if QUICK else 1024, 2**24
    a, x = torch.rand(side, side, device=subject.device), torch.rand(many, device=subject.device)
    out = torch.empty_like(x)
    # Equal rates would take 2 side³ / many times as long.
    equal = 2 * side**3 / many
    with threads(number_of_threads(subject, "one" if subject.is_cpu else "all")):
        meter.compare(
            Work.of(f"sum of two tensors of {many:,}", lambda: torch.add(x, x, out=out)),
            Work.of(f"product of two {side} × {side} matrices", lambda: torch.matmul(a, a)),
            most=equal / 5,
        )

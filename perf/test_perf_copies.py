"""What takes the time of a copy, and what takes much longer: arrays, lists of arrays, lists of numbers."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from conformance.check import check
from perf.meter import Meter
from perf.timing import Work, copies_past_caches, threads

# Sizes whose copies get memory that the process has already: larger ones are new pages each time.
FEW = 2**18
ARRAYS = 100_000
# Making the list dearer than the array by the factor of the note: 6.057 s against 0.915 s.
NOTED = 6.6
COPIES = {
    "tensor": lambda a, t, device: torch.tensor(a, device=device),
    "clone": lambda a, t, device: t.clone(),
}


def sources(elements: int, device: str) -> tuple[np.ndarray, torch.Tensor]:
    array = np.ones(elements, dtype=np.float32)
    return array, torch.from_numpy(array).to(device)


def arrays(count: int) -> list[np.ndarray]:
    """The list of the note: arrays of 7×7×3 with int64 numbers from 0 to 9."""
    whole = np.random.default_rng(0).integers(0, 10, size=(count, 7, 7, 3))
    return [one.copy() for one in whole]


def from_list(values: list[Any]) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.tensor(values)


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"perf.{name}-linear")) for name in COPIES])
def test_a_copy_grows_with_the_size(subject: Any, meter: Meter, name: str) -> None:
    works = []
    for elements in (FEW, 8 * FEW):
        moved = 8 * elements
        cold = [sources(elements, subject.device) for _ in range(min(16, copies_past_caches(moved)))]
        calls = [lambda a=a, t=t: COPIES[name](a, t, subject.device) for a, t in cold]
        works.append(Work(f"{name}, {elements:,} elements", tuple(calls)))
    meter.compare(*works, least=3.0, most=40.0, elements=8 * FEW, group="linear")


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"perf.{name}-copy-share")) for name in COPIES])
def test_a_copy_reaches_its_share_of_bandwidth(subject: Any, meter: Meter, name: str) -> None:
    elements = 8 * FEW
    array, tensor = sources(elements, subject.device)
    work = Work.of(f"{name}, {elements:,} elements", lambda: COPIES[name](array, tensor, subject.device))
    base = Work.of("np.copy", lambda: np.copy(array)) if subject.is_cpu else meter.copy(8 * elements)
    with threads(1):
        meter.compare(base, work, most=4.0, elements=elements, threads=1, group="copy")


@check("perf.tensor-copy-share")
def test_conversion_over_size(subject: Any, meter: Meter) -> None:
    """The figures for a picture: from ten elements to many, by each way from an array or a list to a tensor."""
    for power in range(1, 8):
        elements = 10**power
        if elements > meter.size(10**7):
            break
        array = np.ones(elements, dtype=np.float32)
        works = [
            Work.of("from_numpy", lambda: torch.from_numpy(array)),
            Work.of("as_tensor", lambda: torch.as_tensor(array)),
            Work.of("torch.tensor of an array", lambda: torch.tensor(array)),
        ]
        if elements <= 10**5:
            numbers = array.tolist()
            works.append(Work.of("torch.tensor of a list", lambda: torch.tensor(numbers)))
        meter.times(works, elements=elements, group="conversion over size")


@check("perf.speed-explained-by-sharing")
def test_tensor_of_an_array_is_a_copy(subject: Any, meter: Meter) -> None:
    array = np.stack(arrays(meter.size(ARRAYS // 4)))
    other = np.empty_like(array)
    assert torch.tensor(array).data_ptr() != array.ctypes.data, "torch.tensor shares the memory of the array"
    with threads(1):
        meter.compare(
            Work.of("np.copyto", lambda: np.copyto(other, array)),
            Work.of("torch.tensor(array)", lambda: torch.tensor(array)),
            least=0.25,
            elements=array.size,
        )


@check("perf.code1-below-one-second")
def test_code_1_takes_the_time_of_some_copies(subject: Any, meter: Meter) -> None:
    array = np.stack(arrays(meter.size(ARRAYS)))
    with threads(1):
        meter.compare(
            Work.of("np.copy", lambda: np.copy(array)),
            Work.of(f"torch.tensor(array of {len(array):,})", lambda: torch.tensor(array)),
            most=10.0,
            elements=array.size,
        )


@check("perf.array-faster-than-list-of-arrays")
def test_an_array_is_quicker_than_a_list_of_arrays(subject: Any, meter: Meter) -> None:
    many = arrays(meter.size(4_000, least=1_000))
    meter.compare(
        Work.of(f"torch.tensor(np.array({len(many):,} arrays))", lambda: torch.tensor(np.array(many))),
        Work.of(f"torch.tensor({len(many):,} arrays)", lambda: from_list(many)),
        least=NOTED,
        elements=len(many) * 147,
    )


@check("perf.code2-five-seconds")
def test_a_list_of_arrays_takes_time_in_proportion(subject: Any, meter: Meter) -> None:
    many = arrays(meter.size(1_600, least=64))
    few = many[: len(many) // 4]
    meter.compare(
        Work.of(f"torch.tensor({len(few):,} arrays)", lambda: from_list(few)),
        Work.of(f"torch.tensor({len(many):,} arrays)", lambda: from_list(many)),
        least=2.0,
        most=10.0,
        elements=len(many) * 147,
    )


@check("perf.list-crossing")
def test_the_crossing_point_lies_low(subject: Any, meter: Meter) -> None:
    crossed = None
    for count in (1, 2, 4, 8, 16, 32):
        some = arrays(count)
        detour = Work.of(f"torch.tensor(np.array({count} arrays))", lambda: torch.tensor(np.array(some)))
        direct = Work.of(f"torch.tensor({count} arrays)", lambda: from_list(some))
        if count == 32:
            found = f"{direct.name}; np.array is quicker from {crossed or count} arrays on"
            meter.compare(detour, replace(direct, name=found), least=1.0, elements=147 * count, group="crossing")
            return
        one, other = meter.times([detour, direct], elements=147 * count, group="crossing")
        crossed = crossed or (count if one < other else None)


@check("perf.list-of-floats")
def test_a_list_of_numbers_is_dearer_than_an_array(subject: Any, meter: Meter) -> None:
    array = np.random.default_rng(0).random(100_000)
    numbers = array.tolist()
    with threads(1):
        meter.compare(
            Work.of("torch.tensor(array of 100,000)", lambda: torch.tensor(array)),
            Work.of("torch.tensor(list of 100,000)", lambda: torch.tensor(numbers)),
            least=5.0,
            elements=100_000,
        )


SCRIPT = """
import warnings
from dataclasses import replace
import numpy as np
import torch
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    found = torch.tensor([np.zeros(3), np.ones(3)])
    first = len([w for w in seen if "slow" in str(w.message)])
    torch.tensor([np.zeros(3), np.ones(3)])
    again = len([w for w in seen if "slow" in str(w.message)]) - first
print(found.tolist(), first, again)
"""


@check("perf.list-of-arrays-warning")
def test_a_list_of_arrays_warns_once(subject: Any) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]] 1 0"

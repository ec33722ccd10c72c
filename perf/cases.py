"""The cases of an A/B comparison: every kernel and conversion by name, made in the process that times it."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator

from packaging.version import Version

from conformance.subject import release
from perf.clock import Call
from perf.conversions import COPYING, SHARING, Array
from perf.kernels import KERNELS, Kernel

Make = Callable[[str], Call]
PLACES = {"small": 0, "middle": 1, "large": 2}


def cases(pattern: str = "*") -> dict[str, Make]:
    """By name, a function that makes the case on a device; those that this release has, and that fit the pattern."""
    found = {**dict(_kernels()), **dict(_conversions())}
    return {name: make for name, make in found.items() if fnmatch.fnmatchcase(name, pattern)}


def _kernels() -> Iterator[tuple[str, Make]]:
    for kernel in KERNELS:
        if kernel.since is not None and release() < Version(kernel.since):
            continue
        for size, place in PLACES.items():
            yield f"{kernel.name}, {size}, forward", _kernel(kernel, place, backward=False)
        if kernel.backward:
            yield f"{kernel.name}, middle, backward", _kernel(kernel, 1, backward=True)


def _kernel(kernel: Kernel, place: int, *, backward: bool) -> Make:
    def make(device: str) -> Call:
        case = kernel.make(kernel.sizes[place], device)
        return case.backward() if backward else case.forward()

    return make


def _conversions() -> Iterator[tuple[str, Make]]:
    for conversion in (*COPYING, *SHARING.values()):
        for size, elements in {"small": 2**10, "middle": 2**17}.items():
            array = Array(elements, "float32", "contiguous")

            def make(device: str, conversion=conversion, array=array) -> Call:  # type: ignore[no-untyped-def]
                source = array.numpy() if conversion.source == "array" else array.tensor(device)
                return lambda: conversion.call(source, device)

            yield f"{conversion.name}, {size}", make

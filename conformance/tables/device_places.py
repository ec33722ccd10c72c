"""What checks of devices share: a second device beside the subject's, and what tells where a tensor is."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import require
from conformance.subject import Subject, Unsupported

META = Subject("meta", "meta")


def elsewhere(subject: Subject) -> str:
    """A device that the subject is not on: meta beside the CPU, the CPU beside any other."""
    return "meta" if subject.is_cpu else "cpu"


def is_at(found: torch.device, device: str) -> bool:
    """Whether a tensor's device is the one named; a name without an index means any of that type."""
    wanted = torch.device(device)
    return found.type == wanted.type and wanted.index in (None, found.index)


def assert_at(call: str, tensor: Any, device: str) -> torch.Tensor:
    """Refute unless a tensor (or each of several) is on the device named."""
    if isinstance(tensor, (tuple, list)):
        for place, part in enumerate(tensor):
            assert_at(f"{call}[{place}]", part, device)
        return tensor  # type: ignore[return-value]
    require(isinstance(tensor, torch.Tensor), f"{call} is no tensor but a {type(tensor).__name__}")
    require(
        is_at(tensor.device, device), f"{call} is on {tensor.device}, but should be on {device}", device, tensor.device
    )
    return tensor


def assert_outline(
    call: str, out: Any, dtype: str, shape: tuple[int, ...], strides: tuple[int, ...] | None = None
) -> None:
    """Refute unless a tensor has the dtype and shape, and the strides where a dimension has more than one element."""
    require(isinstance(out, torch.Tensor), f"{call} is no tensor but a {type(out).__name__}")
    found = (host.dtype_name(out.dtype), tuple(out.shape))
    require(
        found == (dtype, tuple(shape)),
        f"{call} is {found}, but should be {(dtype, tuple(shape))}",
        (dtype, shape),
        found,
    )
    if strides is not None and 0 not in shape:
        steps = tuple(out.stride())
        same = all(a == b for a, b, n in zip(steps, strides, shape, strict=True) if n > 1)
        require(same, f"{call} has strides {steps}, but should have {strides}", strides, steps)


def values(subject: Subject, given: Any, dtype: str = "float32") -> torch.Tensor:
    """A tensor on the subject with these values. Raises Unsupported for a dtype that it lacks."""
    subject.require(dtype)
    return host.tensor(np.asarray(given), dtype, subject.device)


def without_cuda() -> None:
    """Raise Unsupported on a machine that has a CUDA device, where nothing is refused for lack of one."""
    if torch.cuda.device_count() > 0:
        raise Unsupported("this machine has a CUDA device")


def with_device(subject: Subject) -> None:
    """Raise Unsupported for the CPU: the check needs a device besides it."""
    if subject.is_cpu:
        raise Unsupported("no device besides the CPU is judged here")


def on_the_cpu(subject: Subject) -> None:
    """Raise Unsupported for another device: what is tried has to do with none, and is judged once."""
    if not subject.is_cpu:
        raise Unsupported("judged with the CPU, whatever the device")


def accelerators() -> int:
    """How many devices besides the CPU this machine has, as far as this release can tell."""
    return max(torch.cuda.device_count(), getattr(torch, "accelerator", torch.cuda).device_count())


def with_devices(subject: Subject, count: int) -> list[str]:
    """The names of so many devices of the subject's type. Raises Unsupported where there are fewer."""
    with_device(subject)
    kind = torch.device(subject.device).type
    found = getattr(getattr(torch, kind, None), "device_count", lambda: 1)()
    if found < count:
        raise Unsupported(f"{count} devices of type {kind} are needed; there are {found}")
    return [f"{kind}:{place}" for place in range(count)]


def version(tensor: torch.Tensor) -> int:
    """How often a tensor was written to."""
    return tensor._version  # documented only in prose, but what autograd compares

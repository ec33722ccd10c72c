"""Assertions about memory that a tensor and a numpy array share, or must not share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import Refutation, assert_values, memory, require
from conformance.dtypes import NUMPY, UNSIGNED_EXTRA


def address(array: np.ndarray) -> int:
    """Where an array's first element lies."""
    return int(array.__array_interface__["data"][0])


def reach(array: np.ndarray) -> tuple[int, int]:
    """The half-open range of addresses of an array's elements, whatever the signs of its strides; empty without any."""
    if array.size == 0:
        return (0, 0)
    steps = [(size - 1) * stride for size, stride in zip(array.shape, array.strides, strict=True)]
    start = address(array) + sum(step for step in steps if step < 0)
    return (start, start + sum(map(abs, steps)) + array.itemsize)


def places(array: np.ndarray) -> tuple[int, ...]:
    """An array's strides in elements."""
    return tuple(stride // array.itemsize for stride in array.strides)


def assert_bits(call: str, out: Any, expected: np.ndarray, dtype: str | None = None) -> torch.Tensor:
    """Refute unless a tensor holds an array's elements bit for bit: NaN payloads, signed zeros and all."""
    assert_values(call, out, expected, dtype=dtype, signed_zeros=True)
    found, wanted = host.bits(out), np.ascontiguousarray(expected)
    if wanted.dtype == out_type(out):
        require(found.tobytes() == wanted.tobytes(), f"{call} has other bits than it should", expected, found)
    return out


def out_type(out: torch.Tensor) -> np.dtype | None:
    """The numpy dtype with a tensor's element format, or None where numpy has none."""
    name = host.dtype_name(out.dtype)
    return np.dtype(name) if name in (*NUMPY, *UNSIGNED_EXTRA) else None


def assert_array(call: str, out: Any, expected: np.ndarray) -> np.ndarray:
    """Refute unless `out` is an ndarray (no subclass) of the expected dtype, shape and elements, bit for bit."""
    require(type(out) is np.ndarray, f"{call} is no ndarray but a {type(out).__name__}", "ndarray", type(out).__name__)
    for key in ("dtype", "shape"):
        found, due = getattr(out, key), getattr(expected, key)
        require(found == due, f"{call} has {key} {found}, but should have {due}", due, found)
    if np.ascontiguousarray(out).tobytes() != np.ascontiguousarray(expected).tobytes():  # costly to show, so only then
        raise Refutation(f"{call} holds {out!r}, but should hold {expected!r}", expected, out)
    return out


def assert_shared(call: str, tensor: torch.Tensor, array: np.ndarray) -> None:
    """Refute unless a tensor and an array look at the same elements: one address, one set of strides.

    Strides of dimensions of size 0 or 1 never matter; without elements there is nothing to share.
    """
    require(isinstance(tensor, torch.Tensor), f"{call} is no tensor but a {type(tensor).__name__}")
    require(
        tuple(tensor.shape) == array.shape, f"{call} has shape {tuple(tensor.shape)}, but should have {array.shape}"
    )
    if array.size == 0:
        return
    off = tensor.data_ptr() - address(array)
    require(off == 0, f"{call} shares no memory: its elements lie {off} bytes away", "one address", f"{off} bytes away")
    pairs = zip(tensor.stride(), places(array), array.shape, strict=True)
    same = all(ours == theirs for ours, theirs, size in pairs if size > 1)
    require(
        same,
        f"{call} has strides {tensor.stride()}, but its other side {places(array)} (in elements)",
        places(array),
        tuple(tensor.stride()),
    )


def assert_separate(call: str, tensor: torch.Tensor, array: np.ndarray) -> None:
    """Refute if a tensor and an array lie in the same memory."""
    (a, b), (c, d) = memory(tensor), reach(array)
    require(not (a < d and c < b), f"{call} shares memory with its input, but should be a copy", "a copy", "shared")


def assert_writes_show(
    call: str, tensor: torch.Tensor, array: np.ndarray, values: np.ndarray, *, whole: bool = True
) -> None:
    """Write to a tensor in several ways, and refute unless the array that shares its memory follows each time.

    `values`: what is written, in the array's dtype and shape; the tensor ends as zeros. `whole`: also all at once, for
    which no two elements may lie at one address.
    """
    if whole:
        tensor.copy_(host.tensor(values, host.dtype_name(tensor.dtype)))
        assert_array(f"{call} after copy_", array.copy(), values)
    if array.size:
        last = (-1,) * array.ndim
        tensor[last] = values[last].item()
        assert_array(
            f"{call} after a write to the tensor's last element", np.array(array[last]), np.array(values[last])
        )
        assert_array(f"{call} after a write to the tensor's last element", array.copy(), host.array(tensor))
    for name, write, value in (("fill_(1)", lambda: tensor.fill_(1), 1), ("zero_()", tensor.zero_, 0)):
        write()
        assert_array(f"{call} after {name}", array.copy(), np.full(array.shape, value, array.dtype))


def assert_strides(call: str, out: torch.Tensor, due: tuple[int, ...]) -> None:
    """Refute unless a tensor has just these strides."""
    found = tuple(out.stride())
    require(found == due, f"{call} has strides {found}, but should have {due}", due, found)

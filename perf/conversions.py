"""The conversions that are measured: by function, dtype and layout, each with an input made for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from conformance import host

DTYPES = ("uint8", "int64", "float16", "float32", "float64")


@dataclass(frozen=True)
class Array:
    """An array of one dtype in one layout. `touched`: filled with ones; zeros may not have come into memory yet."""

    elements: int
    dtype: str
    layout: str
    touched: bool = True

    def numpy(self) -> np.ndarray:
        """A contiguous array, a transposed one, or every second column of a wider one."""
        return self._laid_out(self._whole())

    def tensor(self, device: str) -> torch.Tensor:
        """The same as a tensor of the device, in the same layout."""
        return self._laid_out(torch.from_numpy(self._whole()).to(device))

    def _whole(self) -> np.ndarray:
        side = max(1, int(self.elements**0.5))
        shape = (side, side * (2 if self.layout == "stepped" else 1))
        return (np.ones if self.touched else np.zeros)(shape, dtype=self.dtype)

    def _laid_out(self, values: Any) -> Any:
        return {"contiguous": values, "transposed": values.T, "stepped": values[:, ::2]}[self.layout]


@dataclass(frozen=True)
class Conversion:
    """A conversion: `call(source, device)` of an 'array' or a 'tensor'. `other`: to another dtype, that of OTHER."""

    name: str
    call: Callable[[Any, str], Any]
    source: str = "array"
    other: bool = False

    def __str__(self) -> str:
        return self.name

    def moved(self, elements: int, dtype: str) -> int:
        """The bytes that a copy of so many elements reads and writes."""
        size = np.dtype(dtype).itemsize
        return elements * (size + (np.dtype(OTHER[dtype]).itemsize if self.other else size))


# Each dtype is converted to another of the same or the next width.
OTHER = {"uint8": "float32", "int64": "float64", "float16": "float32", "float32": "float64", "float64": "float32"}
LAYOUTS = ("contiguous", "transposed", "stepped")

COPYING = (
    Conversion("torch.tensor(array)", lambda a, device: torch.tensor(a, device=device)),
    Conversion(
        "as_tensor(array, dtype=other)",
        lambda a, device: torch.as_tensor(a, dtype=host.torch_dtype(OTHER[str(a.dtype)]), device=device),
        other=True,
    ),
    Conversion(
        "to(other dtype)", lambda t, device: t.to(host.torch_dtype(OTHER[host.dtype_name(t.dtype)])), "tensor", True
    ),
    Conversion("clone(contiguous)", lambda t, device: t.clone(memory_format=torch.contiguous_format), "tensor"),
    Conversion("copy_", lambda t, device: torch.empty(t.shape, dtype=t.dtype, device=device).copy_(t), "tensor"),
)
# Each of these shares memory on the host, so that its cost has nothing to do with size, dtype or layout.
SHARING = {
    "perf.from-numpy-constant": Conversion("from_numpy(array)", lambda a, device: torch.from_numpy(a)),
    "perf.as-tensor-constant": Conversion("as_tensor(array)", lambda a, device: torch.as_tensor(a)),
    "perf.numpy-constant": Conversion("tensor.numpy()", lambda t, device: t.numpy(), "tensor"),
    "perf.dlpack-constant": Conversion("from_dlpack(tensor)", lambda t, device: torch.from_dlpack(t), "tensor"),
}


def matrix() -> list[tuple[str, str]]:
    """Every layout of float32, and every other dtype contiguous: pairs of dtype and layout."""
    return [("float32", layout) for layout in LAYOUTS] + [(dtype, LAYOUTS[0]) for dtype in DTYPES if dtype != "float32"]

"""What an answer has to be: values with an error class, or indices that point at them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from conformance import host, numerics
from conformance.assertions import assert_tensor, assert_values, require
from conformance.numerics import EXACT, Error


@dataclass(frozen=True, eq=False)
class Wanted:
    """What one tensor of an answer has to be. `scale`: see `numerics.bound`; exact answers keep the sign of zero."""

    values: np.ndarray
    dtype: str
    error: Error = EXACT
    scale: Any = None
    signed_zeros: bool = True


@dataclass(frozen=True, eq=False)
class Picked:
    """Indices along a dimension that have to point at given values; which of equal ones is open.

    `values`: what they should point at, in the shape of the answer (with the dimension, without it, or shortened).
    """

    source: np.ndarray
    dim: int
    values: np.ndarray

    @property
    def like(self) -> Wanted:
        return Wanted(np.zeros(self.values.shape, np.int64), "int64")

    def __call__(self, call: str, out: Any) -> None:
        if not isinstance(out, torch.Tensor) or out.dtype != torch.int64 or tuple(out.shape) != self.values.shape:
            assert_tensor(call, out, "int64", self.values.shape)
        where = host.array(out)
        source = self.source.reshape(1) if self.source.ndim == 0 else self.source
        dropped = where.ndim < source.ndim
        spread = np.expand_dims(where, self.dim) if dropped else where
        size = source.shape[self.dim]
        inside = bool(((spread >= 0) & (spread < size)).all())
        require(inside, f"{call} holds indices outside of 0 … {size - 1}", f"0 … {size - 1}", where)
        found = np.take_along_axis(source, spread, self.dim).reshape(where.shape)
        agrees = (found == self.values) | ((found != found) & (self.values != self.values))
        require(bool(agrees.all()), f"{call} point at other values than the answer's", self.values, found)


class Kind(str):
    """The name of a dtype as an argument: an oracle reads the name, a call gets the dtype."""


# What is asked of one tensor of an answer: values, or a function that refutes (call, tensor).
Demand = Wanted | Callable[[str, torch.Tensor], None]


def same(call: str, out: Any, wanted: Demand) -> None:
    """Refute unless a tensor is what was wanted."""
    if not isinstance(wanted, Wanted):
        wanted(call, out)
        return
    exact = wanted.error is EXACT and wanted.signed_zeros
    if isinstance(out, torch.Tensor) and _agrees(out, wanted, exact):
        return
    assert_values(call, out, wanted.values, wanted.error, wanted.scale, dtype=wanted.dtype, signed_zeros=exact)


def _agrees(out: torch.Tensor, wanted: Wanted, exact: bool) -> bool:
    # The common answer, without the work that a message needs.
    if str(out.dtype) != f"torch.{wanted.dtype}" or tuple(out.shape) != wanted.values.shape:
        return False
    found = host.array(out)
    if found.dtype == wanted.values.dtype and found.tobytes() == wanted.values.tobytes():
        return True
    worst = numerics.compare(found, wanted.values, wanted.dtype, wanted.error, wanted.scale, signed_zeros=exact)
    return worst is None

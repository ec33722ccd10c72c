"""Whether a result looks at exactly the memory that it should: for views, and for what must not be one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import Refutation, assert_tensor, overlap
from conformance.oracle.view import Geometry, matches, of


@dataclass(frozen=True, eq=False)
class Held:
    """A tensor with all the memory it lies in. `buffer`: what the memory held at first, in the host type."""

    memory: torch.Tensor
    tensor: torch.Tensor
    buffer: np.ndarray
    dtype: str
    geometry: Geometry

    @classmethod
    def of(cls, recipe: Any, subject: Any) -> Held:
        """Build a recipe on a subject, as Recipe.on does, but keep the memory. Raises Unsupported as that does."""
        subject.require(recipe.dtype)
        memory = host.tensor(recipe.buffer, recipe.dtype, subject.device)
        tensor = memory.as_strided(recipe.shape, recipe.strides, recipe.offset)
        return cls(memory, tensor, host.array(memory), recipe.dtype, of(recipe))

    def values(self, geometry: Geometry) -> np.ndarray:
        """What a view of that geometry should show."""
        return self.buffer[geometry.places()] if geometry.numel else np.empty(geometry.shape, self.buffer.dtype)

    def facts(self) -> str:
        """The tensor in words, for messages."""
        g = self.geometry
        return f"x of {self.dtype}, shape {g.shape}, strides {g.strides}, offset {g.offset}"

    def assert_untouched(self, call: object) -> None:
        """Refute if the memory no longer holds what it did, or the tensor looks at it in another way."""
        same_bits("the memory of x", call, self.memory, self.buffer)
        g, x = self.geometry, self.tensor
        if tuple(x.shape) != g.shape or tuple(x.stride()) != g.strides or x.storage_offset() != g.offset:
            raise Refutation(f"{call} changed the shape, strides or offset of {self.facts()}", g, (x.shape, x.stride()))


def same_bits(what: str, call: object, tensor: torch.Tensor, expected: np.ndarray) -> None:
    """Refute unless a tensor holds the expected values to the last bit: NaN and the sign of zero count."""
    actual = host.array(tensor)
    wanted = np.asarray(expected, actual.dtype)
    if tuple(tensor.shape) == wanted.shape and actual.tobytes() == wanted.tobytes():
        return
    message = f"after {call}, {what} is {_short(actual)}, but should be {_short(wanted)}"
    raise Refutation(message, _short(wanted), _short(actual))


def _short(values: np.ndarray) -> str:
    return np.array2string(values, threshold=24, edgeitems=4, separator=", ")[:600]


def assert_looks_at(call: object, out: Any, held: Held, geometry: Geometry, *, values: bool = True) -> None:
    """Refute unless a result is a view of that geometry in the memory of a held tensor, and of its dtype.

    `values`: read the elements as well; without it, where they lie is all that is compared.
    """
    if _looks_at(out, held, geometry):
        if values:
            same_bits("the result", call, out, held.values(geometry))
        return
    out = assert_tensor(f"{call}, with {held.facts()},", out, held.dtype, geometry.shape)
    wanted = f"strides {geometry.strides}, offset {geometry.offset}"
    found = f"strides {tuple(out.stride())}, offset {out.storage_offset()}"
    if wanted == found:
        found = f"{found}, {'a lazy flag' if out.is_conj() or out.is_neg() else 'other memory'}"
    raise Refutation(f"{call} has {found}, but should have {wanted}; {held.facts()}", wanted, found)


def _looks_at(out: Any, held: Held, geometry: Geometry) -> bool:
    if not isinstance(out, torch.Tensor) or out.dtype is not held.memory.dtype or tuple(out.shape) != geometry.shape:
        return False
    if 0 in geometry.shape:
        return True
    start = held.memory.data_ptr() + geometry.offset * held.memory.element_size()
    placed = out.storage_offset() == geometry.offset and out.data_ptr() == start
    return placed and matches(geometry.shape, out.stride(), geometry.strides) and not (out.is_conj() or out.is_neg())


def assert_fresh(call: object, out: Any, held: Held, expected: np.ndarray) -> None:
    """Refute unless a result is a tensor of its own with these values, to the last bit."""
    if not isinstance(out, torch.Tensor) or out.dtype is not held.memory.dtype or tuple(out.shape) != expected.shape:
        assert_tensor(f"{call}, with {held.facts()},", out, held.dtype, expected.shape)
    if overlap(out, held.memory):
        message = f"{call} lies in the memory of its input, but should be new; {held.facts()}"
        raise Refutation(message, "new memory", "shared")
    same_bits("the result", call, out, expected)

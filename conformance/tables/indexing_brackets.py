"""x[index] and x[index] = …: an index of plain values as Python writes it on tensors, and where a view has to look."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import require
from conformance.oracle import indexing as oracle
from conformance.subject import Subject
from properties.strategies.recipe import LAYOUTS, Recipe

Index = tuple[Any, ...]


def on(subject: Subject, index: Index, layout: str = "contiguous") -> Any:
    """The index for a tensor of the subject: arrays as tensors in a layout, and one item without its tuple."""
    items = tuple(_item(subject, item, layout) for item in index)
    return items[0] if len(items) == 1 else items


def _item(subject: Subject, item: Any, layout: str) -> Any:
    if not isinstance(item, np.ndarray):
        return item
    return LAYOUTS[layout](item, item.dtype.name).on(subject)


def plain(index: Any) -> Index:
    """The same index for the oracle: lists as arrays, always a tuple."""
    items = index if isinstance(index, tuple) else (index,)
    return tuple(
        np.array(item, bool if _truths(item) else np.int64) if isinstance(item, list) else item for item in items
    )


def _truths(items: Any) -> bool:
    return bool(items) and all(isinstance(item, (bool, np.bool_)) for item in items)


def written(index: Any) -> str:
    """The index as it stands between the brackets."""
    items = index if isinstance(index, tuple) else (index,)
    return ", ".join(_text(item) for item in items) + ("," if len(items) == 1 and isinstance(items[0], list) else "")


def _text(item: Any) -> str:
    if isinstance(item, slice):
        parts = ["" if end is None else str(end) for end in (item.start, item.stop, item.step)]
        return ":".join(parts[:2] if item.step is None else parts)
    if isinstance(item, np.ndarray):
        return f"tensor({item.tolist()})"
    return "..." if item is ... else repr(item)


def addresses(tensor: torch.Tensor) -> np.ndarray:
    """The address of every element, in the tensor's shape; from its strides alone."""
    found = np.full(tuple(tensor.shape), tensor.data_ptr(), np.int64)
    for dim, (size, stride) in enumerate(zip(tensor.shape, tensor.stride(), strict=True)):
        steps = np.arange(size) * (stride * tensor.element_size())
        found = found + steps.reshape([-1 if d == dim else 1 for d in range(tensor.dim())])
    return found


def looks_at(call: str, out: torch.Tensor, x: torch.Tensor, places: np.ndarray) -> None:
    """Refute unless every element of `out` lies where x has the element of that row-major place."""
    require(tuple(out.shape) == places.shape, f"{call} has shape {tuple(out.shape)}, but should have {places.shape}")
    wanted = addresses(x).reshape(-1)[places]
    found = addresses(out)
    require(
        bool((wanted == found).all()),
        f"{call} does not look at its elements in the memory of x",
        (wanted - x.data_ptr()).tolist(),
        (found - x.data_ptr()).tolist(),
    )


def is_basic(index: Index) -> bool:
    """Whether an index gives a view: no array with a dimension, and no truth value."""
    return not any(oracle.is_flag(item) or (isinstance(item, np.ndarray) and item.ndim) for item in index)


def read(recipe: Recipe, index: Index) -> np.ndarray:
    """What x[index] should be."""
    return oracle.get(recipe.array, index)


def state(x: torch.Tensor) -> bytes:
    """The values of a tensor, for comparing before and after."""
    return host.array(x).tobytes()

"""What datasets, samplers and loaders should yield, worked out with plain lists and numpy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def batches(indices: Iterable[int], size: int, drop_last: bool = False) -> list[list[int]]:
    """Lists of so many indices in order; the last is shorter, or left out."""
    indices = list(indices)
    cut = [indices[start : start + size] for start in range(0, len(indices), size)]
    return [batch for batch in cut if len(batch) == size] if drop_last else cut


def count(length: int, size: int | None, drop_last: bool = False) -> int:
    """How many batches that makes; the number of samples where size is None."""
    if size is None:
        return length
    return math.floor(length / size) if drop_last else math.ceil(length / size)


def concatenated(parts: Sequence[Sequence[Any]], index: int) -> Any:
    """Element `index` of the parts put in a row. Raises IndexError beyond either end."""
    return [item for part in parts for item in part][index]


def fractions(length: int, shares: Sequence[float]) -> list[int]:
    """How many of `length` samples each share gets: rounded down, the rest dealt out from the first on."""
    found = [math.floor(length * share) for share in shares]
    for place in range(length - sum(found)):
        found[place % len(found)] += 1
    return found


def dealt(indices: Sequence[int], rank: int, ranks: int, drop_last: bool = False) -> list[int]:
    """What one of several ranks gets when indices are dealt out in turn, to each rank equally many.

    Where they do not divide, the first ones are dealt again, or the last ones left out.
    """
    indices = list(indices)
    if drop_last:
        each = math.ceil((len(indices) - ranks) / ranks) if len(indices) % ranks else len(indices) // ranks
        return indices[: each * ranks][rank::ranks]
    each = math.ceil(len(indices) / ranks)
    whole = indices * math.ceil(each * ranks / max(len(indices), 1))
    return whole[: each * ranks][rank::ranks]


def in_turn(streams: Sequence[Sequence[Any]]) -> list[Any]:
    """The elements of several streams, one of each in turn; a stream that is over is left out."""
    longest = max(map(len, streams), default=0)
    return [stream[place] for place in range(longest) for stream in streams if place < len(stream)]


def collated(samples: Sequence[Any]) -> Any:
    """A batch as the default collation makes it, its tensors as numpy arrays.

    Arrays, numpy scalars and numbers are stacked; strings and bytes stay; dicts go by key, sequences by place.
    """
    first = samples[0]
    if isinstance(first, (np.ndarray, np.generic)):
        return np.stack([np.asarray(sample) for sample in samples])
    for kind, dtype in ((bool, "bool"), (int, "int64"), (float, "float64")):
        if isinstance(first, kind):
            return np.array(samples, dtype)
    if isinstance(first, (str, bytes)):
        return list(samples)
    if isinstance(first, dict):
        return {key: collated([sample[key] for sample in samples]) for key in first}
    columns = [collated(column) for column in zip(*samples, strict=True)]
    return type(first)(*columns) if hasattr(first, "_fields") else columns

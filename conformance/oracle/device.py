"""What is known of a result without its data: shapes, dtypes and strides, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Shape = tuple[int, ...]
# Sizes that the letters of an outline stand for. The square side s and the factor q only serve where they must.
SIZES: tuple[dict[str, int], ...] = (
    {"b": 2, "c": 3, "h": 7, "w": 9, "m": 4, "n": 5, "s": 3},
    {"b": 5, "c": 1, "h": 17, "w": 33, "m": 33, "n": 17, "s": 5},
    {"b": 1, "c": 4, "h": 8, "w": 6, "m": 1, "n": 2, "s": 1},
)


def broadcast(*shapes: Shape) -> Shape:
    """The shape that shapes have together: aligned at the right, each 1 stretched. Raises ValueError if they clash."""
    dims = max(map(len, shapes), default=0)
    padded = [(1,) * (dims - len(shape)) + tuple(shape) for shape in shapes]
    found = []
    for sizes in zip(*padded, strict=True):
        wanted = {size for size in sizes if size != 1}
        if len(wanted) > 1:
            raise ValueError(f"{shapes} do not broadcast")
        found.append(wanted.pop() if wanted else 1)
    return tuple(found)


def reduced(shape: Shape, dims: Sequence[int] | None, keepdim: bool = False) -> Shape:
    """A shape without the dimensions (all of them for None), or with 1 in their places."""
    gone = set(range(len(shape))) if dims is None else {dim % len(shape) for dim in dims}
    if keepdim:
        return tuple(1 if dim in gone else size for dim, size in enumerate(shape))
    return tuple(size for dim, size in enumerate(shape) if dim not in gone)


def product(a: Shape, b: Shape) -> Shape:
    """The shape of a matrix product with batches. Raises ValueError if the shapes do not fit."""
    left = a if len(a) > 1 else (1, *a)
    right = b if len(b) > 1 else (*b, 1)
    if not a or not b or left[-1] != right[-2]:
        raise ValueError(f"{a} and {b} have no product")
    rows, columns = left[-2:-1] if len(a) > 1 else (), right[-1:] if len(b) > 1 else ()
    return (*broadcast(left[:-2], right[:-2]), *rows, *columns)


def windows(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, ceil: bool = False) -> int:
    """How many places a window has along a dimension, counted one by one; `ceil`: also those that begin inside or in
    the padding before it and reach over the end."""
    reach = dilation * (kernel - 1) + 1
    count, start = 0, -padding
    while start + reach <= size + padding or (ceil and start < size and start + reach - stride < size + padding):
        count, start = count + 1, start + stride
    return count


def spread(size: int, kernel: int, stride: int = 1, padding: int = 0, extra: int = 0) -> int:
    """The size that a transposed convolution makes of a dimension."""
    return (size - 1) * stride + kernel - 2 * padding + extra


def span(start: float, end: float, step: float = 1) -> int:
    """The number of elements of arange."""
    return max(0, math.ceil((end - start) / step))


def outline(text: str, sizes: Mapping[str, int]) -> list[tuple[str, Shape]]:
    """Dtypes and shapes of an outline such as 'float32 (b, h - 1); int64 (b,)', its letters being these sizes."""
    found = []
    for part in text.split(";"):
        dtype, _, shape = part.strip().partition(" ")
        known = {**sizes, "windows": windows, "spread": spread, "span": span, "product": product}
        value = eval(shape, {"__builtins__": {"min": min, "max": max}}, known)
        found.append((dtype, tuple(value)))
    return found

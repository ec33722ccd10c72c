"""Recipes: inputs as plain values, to be built on any subject, printed as torch code, or read by an oracle."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.dtypes import DTYPES

if TYPE_CHECKING:
    import torch

    from conformance.subject import Subject

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Recipe:
    """A tensor-to-be: a flat buffer of values, looked at through shape, strides and offset (all in elements).

    `buffer`: 1-D array of the dtype's host type (see conformance.dtypes). `fill`: for long buffers, the numpy
    expression that makes it.
    """

    buffer: np.ndarray
    dtype: str
    shape: Shape
    strides: Shape
    offset: int = 0
    requires_grad: bool = False
    fill: str | None = None

    @property
    def array(self) -> np.ndarray:
        """The values as a fresh numpy array of the recipe's shape (the numpy face)."""
        if 0 in self.shape:
            return np.empty(self.shape, self.buffer.dtype)
        steps = tuple(stride * self.buffer.itemsize for stride in self.strides)
        return np.lib.stride_tricks.as_strided(self.buffer[self.offset :], self.shape, steps).copy()

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def numel(self) -> int:
        return math.prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether the buffer holds just the elements, in row-major order."""
        return self.offset == 0 and self.strides == row_major(self.shape) and len(self.buffer) == self.numel

    @property
    def is_overlapping(self) -> bool:
        """Whether two elements may lie at one address."""
        if self.numel < 2:
            return False
        reach = sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        places = np.zeros(self.shape, np.int64)
        for dim, (size, stride) in enumerate(zip(self.shape, self.strides, strict=True)):
            places += (np.arange(size) * stride).reshape([-1 if d == dim else 1 for d in range(self.ndim)])
        return reach + 1 < self.numel or len(np.unique(places)) < self.numel

    def on(self, subject: Subject) -> torch.Tensor:
        """Build the tensor on a subject. Raises Unsupported if the subject lacks the dtype."""
        from conformance import host  # here, so that drawing and printing recipes needs no PyTorch

        subject.require(self.dtype)
        made = host.tensor(self.buffer, self.dtype, subject.device)
        if not self.is_contiguous or self.ndim != 1:
            made = made.as_strided(self.shape, self.strides, self.offset)
        return made.requires_grad_() if self.requires_grad else made

    def with_grad(self, requires_grad: bool = True) -> Recipe:
        return replace(self, requires_grad=requires_grad)

    def code(self, device: str = "cpu") -> str:
        """Torch code that makes the tensor; needs torch, and numpy as np, inf and nan for some values."""
        where = "" if device == "cpu" else f", device={device!r}"
        tail = ", requires_grad=True" if self.requires_grad and self.is_contiguous else ""
        if self.is_contiguous and self.fill is None:
            return f"torch.tensor({literal(self.array)}, dtype=torch.{self.dtype}{where}{tail})"
        flat = f"torch.tensor({self.fill or literal(self.buffer)}, dtype=torch.{self.dtype}{where})"
        text = f"{flat}.as_strided({self.shape}, {self.strides}, {self.offset})"
        return f"{text}.requires_grad_()" if self.requires_grad else text

    __repr__ = code


def literal(values: np.ndarray) -> str:
    """Nested lists of Python numbers that give the values back exactly; nan and inf by name."""
    shaped = values.tolist()
    if 0 in values.shape[:-1] or (values.ndim > 1 and values.size == 0):
        return f"np.empty({values.shape}, np.{values.dtype})"
    return _text(shaped)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, complex):
        return f"complex({value.real!r}, {value.imag!r})"
    return repr(value)


def row_major(shape: Shape) -> Shape:
    """The strides of a contiguous tensor of that shape."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def junk(count: int, dtype: str) -> np.ndarray:
    """Values to fill the gaps of a layout with: none that a kernel should ever read or write."""
    kind = DTYPES[dtype].kind
    host = DTYPES[dtype].host
    if kind == "bool":
        return np.arange(count) % 2 == 0
    if dtype.startswith("float8"):  # two bits of fraction and more have these
        return np.resize(np.array([64, 80, 96, 112, 128, 160, 192], host), count)
    return (np.arange(count) % 7 + 113).astype(host)


def contiguous(values: np.ndarray, dtype: str) -> Recipe:
    """Row-major, no offset: the buffer is the array."""
    values = np.asarray(values, DTYPES[dtype].host)
    return Recipe(values.ravel().copy(), dtype, values.shape, row_major(values.shape))


def permuted(values: np.ndarray, dtype: str, order: tuple[int, ...]) -> Recipe:
    """Dense in memory, but with the dimensions stored in another order (outermost first)."""
    values = np.asarray(values, DTYPES[dtype].host)
    stored = values.transpose(order)
    steps = row_major(stored.shape)
    strides = tuple(steps[order.index(dim)] for dim in range(values.ndim))
    return Recipe(stored.ravel().copy(), dtype, values.shape, strides)


def transposed(values: np.ndarray, dtype: str) -> Recipe:
    """Column-major: the dimensions stored in reverse order."""
    return permuted(values, dtype, tuple(reversed(range(np.ndim(values)))))


def channels_last(values: np.ndarray, dtype: str) -> Recipe:
    """Dimension 1 innermost, as torch.channels_last for four dimensions; row-major below three."""
    dims = np.ndim(values)
    return permuted(values, dtype, (0, *range(2, dims), 1) if dims >= 3 else tuple(range(dims)))


def gapped(values: np.ndarray, dtype: str, step: int = 2, offset: int = 0, tail: int = 3) -> Recipe:
    """Every `step`-th element of each row, from `offset`, with junk between, before and behind."""
    values = np.asarray(values, DTYPES[dtype].host)
    wide = (*values.shape[:-1], values.shape[-1] * step) if values.ndim else ()
    strides = (*row_major(wide)[:-1], step) if values.ndim else ()
    size = offset + max(math.prod(wide), 1) + tail
    recipe = Recipe(junk(size, dtype), dtype, values.shape, strides, offset)
    return _written(recipe, values)


def stepped(values: np.ndarray, dtype: str) -> Recipe:
    """Like x[..., ::2]."""
    return gapped(values, dtype)


def offset(values: np.ndarray, dtype: str) -> Recipe:
    """Contiguous, but starting 3 elements into its storage."""
    return gapped(values, dtype, step=1, offset=3)


def row_stepped(values: np.ndarray, dtype: str) -> Recipe:
    """Like x[::2, 1:-1]: gaps between the rows as well, and an odd offset."""
    values = np.asarray(values, DTYPES[dtype].host)
    if values.ndim < 2:
        return gapped(values, dtype, step=3, offset=1)
    wide = (values.shape[0] * 2, *values.shape[1:-1], values.shape[-1] + 2)
    steps = row_major(wide)
    recipe = Recipe(junk(max(math.prod(wide), 1) + 1, dtype), dtype, values.shape, (steps[0] * 2, *steps[1:]), 1)
    return _written(recipe, values)


def _written(recipe: Recipe, values: np.ndarray) -> Recipe:
    if values.size:
        steps = tuple(stride * recipe.buffer.itemsize for stride in recipe.strides)
        np.lib.stride_tricks.as_strided(recipe.buffer[recipe.offset :], recipe.shape, steps)[...] = values
    return recipe


def expanded(values: np.ndarray, dtype: str, dim: int = 0) -> Recipe:
    """Stride 0 along one dimension: its first slice repeated, so the values are not those given."""
    values = np.asarray(values, DTYPES[dtype].host)
    if values.ndim == 0 or values.size == 0:
        return contiguous(values, dtype)
    row = np.take(values, 0, axis=dim)
    strides = list(row_major(row.shape))
    strides.insert(dim % values.ndim, 0)
    return Recipe(row.ravel().copy(), dtype, values.shape, tuple(strides))


Layout = Callable[[np.ndarray, str], Recipe]

# Layouts that keep the values and give each element a place of its own: good for reading and writing.
DENSE: dict[str, Layout] = {
    "contiguous": contiguous,
    "transposed": transposed,
    "stepped": stepped,
    "offset": offset,
    "row_stepped": row_stepped,
    "channels_last": channels_last,
}
# All layouts, with those whose elements share places: good for reading.
LAYOUTS: dict[str, Layout] = {**DENSE, "expanded": expanded}


def layouts(values: np.ndarray, dtype: str, names: Any = DENSE) -> Iterator[Recipe]:
    """The same values in each of the layouts, without those that come to the same thing."""
    seen = set()
    for name in names:
        recipe = LAYOUTS[name](values, dtype)
        key = (recipe.strides, recipe.offset, len(recipe.buffer))
        if key not in seen:
            seen.add(key)
            yield recipe

"""Strategies for chains of views: a recipe, and one view function after the other applied to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from conformance.oracle.view import Geometry, Ints, of
from conformance.tables.view_calls import Call
from conformance.tables.view_table import VIEWS
from properties.strategies.recipe import DENSE, Recipe
from properties.strategies.tensors import tensors

# Every release has these; those that make copies where they have to are not views for certain.
ROWS = [row for row in VIEWS if row.since is None and not row.copies and not row.name.startswith("unsafe")]
ONE_RESULT = [row for row in ROWS if not row.several]


@dataclass(frozen=True)
class Step:
    """One view: a call, and which of its results (None where there is only one)."""

    call: Call
    pick: int | None
    looks: Geometry

    def apply(self, x: Any) -> Any:
        out = self.call(x)
        return out if self.pick is None else out[self.pick]

    def on(self, x: str) -> str:
        return self.call.on(x) + ("" if self.pick is None else f"[{self.pick}]")


@dataclass(frozen=True, repr=False)
class Chain:
    """A tensor-to-be, and views of views of it."""

    recipe: Recipe
    steps: tuple[Step, ...]

    @property
    def looks(self) -> Geometry:
        """What the last view looks at."""
        return self.steps[-1].looks if self.steps else of(self.recipe)

    def apply(self, x: Any) -> Any:
        """The last view of a tensor made of the recipe."""
        for step in self.steps:
            x = step.apply(x)
        return x

    def text(self) -> str:
        """The views as code, on x."""
        text = "x"
        for step in self.steps:
            text = step.on(text)
        return text

    def __repr__(self) -> str:
        return f"{self.text()} where x = {self.recipe.code()}"


@st.composite
def chains(
    draw: st.DrawFn,
    dtypes: str | Sequence[str] = "float32",
    *,
    most: int = 5,
    one_result: bool = False,
    finite: bool = False,
) -> Chain:
    """Chains of up to `most` views, on a recipe with places of its own; some with gradients need functions of
    `one_result` only."""
    recipe = draw(tensors(dtypes, layouts=tuple(DENSE), finite=finite))
    rows, g, steps = ONE_RESULT if one_result else ROWS, of(recipe), []
    for _ in range(draw(st.integers(1, most))):
        row = rows[draw(st.integers(0, len(rows) - 1))]
        found = row.valid(g, most=12)
        if not found or g.numel > 4000:
            continue
        arguments, looks = found[draw(st.integers(0, len(found) - 1))]
        calls = list(row.calls(arguments))
        if not looks:
            continue
        place = draw(st.integers(0, len(looks) - 1)) if row.several else 0
        g = looks[place]
        steps.append(Step(draw(st.sampled_from(calls)), place if row.several else None, g))
    return Chain(recipe, tuple(steps))


@st.composite
def indices(draw: st.DrawFn, shape: Ints) -> tuple[Any, ...]:
    """Basic indices that fit a shape: integers, slices with positive steps, None, and at most one ellipsis."""
    parts: list[Any] = []
    for size in shape[: draw(st.integers(0, len(shape)))]:
        kind = draw(st.integers(0, 3 if size else 2))
        if kind == 0:
            parts.append(slice(None))
        elif kind < 3:
            bounds = st.none() | st.integers(-size - 2, size + 2)
            parts.append(slice(draw(bounds), draw(bounds), draw(st.none() | st.integers(1, 4))))
        else:
            parts.append(draw(st.integers(-size, size - 1)))
    for _ in range(draw(st.integers(0, 2))):
        parts.insert(draw(st.integers(0, len(parts))), None)
    if draw(st.booleans()) and len([part for part in parts if part is not None]) < len(shape):
        parts.append(...)
    return tuple(parts)


@st.composite
def factorings(draw: st.DrawFn, count: int) -> Ints:
    """Shapes of so many elements, with a few ones, and now and then -1 for one of the sizes."""
    sizes: list[int] = []
    rest = count
    for by in draw(st.lists(st.sampled_from((2, 3, 1, 5, 4)), max_size=4)):
        if rest and rest % by == 0:
            sizes.append(by)
            rest //= by
    sizes.insert(draw(st.integers(0, len(sizes))), rest)
    if draw(st.booleans()) and 0 not in sizes:
        sizes[draw(st.integers(0, len(sizes) - 1))] = -1
    return tuple(sizes)


@st.composite
def geometries(draw: st.DrawFn, room: int) -> Geometry:
    """Any shape, strides and offset that stay within a storage of so many elements; elements may share places."""
    shape, strides, left = [], [], room - 1
    for _ in range(draw(st.integers(0, 4))):
        size = draw(st.sampled_from((2, 3, 1, 4, 0, 5)))
        stride = draw(st.integers(0, 7))
        if (size - 1) * stride <= left:
            shape.append(size)
            strides.append(stride)
            left -= max(size - 1, 0) * stride
    return Geometry(tuple(shape), tuple(strides), draw(st.integers(0, left)))

"""Strategies for shapes, dimensions and shapes that broadcast."""

from __future__ import annotations

from hypothesis import strategies as st

Shape = tuple[int, ...]
# 0 and 1 are where rules bend; 17 and 33 lie beyond vector registers and are no multiples of 16.
SIDES = (2, 3, 1, 0, 5, 4, 8, 17, 33)


def _check(min_dims: int, max_dims: int) -> None:
    if not 0 <= min_dims <= max_dims:
        raise ValueError(f"min_dims={min_dims} and max_dims={max_dims}: 0 <= min_dims <= max_dims is due")


def shapes(
    min_dims: int = 0, max_dims: int = 4, *, sides: tuple[int, ...] = SIDES, max_numel: int = 2000
) -> st.SearchStrategy[Shape]:
    """Shapes of min_dims to max_dims dimensions with sides from a short list, and at most max_numel elements."""
    _check(min_dims, max_dims)
    sizes = st.lists(st.sampled_from(sides), min_size=min_dims, max_size=max_dims)
    return sizes.map(lambda found: _limited(found, max_numel))


def _limited(sides: list[int], max_numel: int) -> Shape:
    found: list[int] = []
    count = 1
    for side in sides:
        side = side if count * side <= max_numel else 1
        count *= side
        found.append(side)
    return tuple(found)


def dims(ndim: int) -> st.SearchStrategy[int]:
    """A valid dimension of a tensor of that many: from -ndim to ndim - 1 (0 and -1 for 0-d)."""
    reach = max(ndim, 1)
    return st.integers(0, 2 * reach - 1).map(lambda place: place if place < reach else place - 2 * reach)


@st.composite
def broadcastable_shapes(draw: st.DrawFn, count: int, max_dims: int = 4) -> tuple[Shape, ...]:
    """So many shapes that broadcast with each other; sides shrink to those of one common shape."""
    if count < 1:
        raise ValueError(f"count={count}: at least one shape is due")
    common = draw(shapes(0, max_dims, sides=(2, 3, 1, 0, 5, 17)))
    found = []
    for _ in range(count):
        kept = draw(st.integers(0, len(common)))
        squashed = draw(st.integers(0, 2**kept - 1))
        tail = common[len(common) - kept :]
        found.append(tuple(1 if squashed >> place & 1 else side for place, side in enumerate(tail)))
    return tuple(found)

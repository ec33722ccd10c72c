"""The functions whose results look at their input's memory, as data: how each is called, and its rule.

`VIEWS` is the table. The arguments of a row go to both, PyTorch and the rule of `oracle.view`; those that the rule
refuses have to be refused by PyTorch. Each set of arguments has one fault at most, so that it is clear which error is
due: dimensions beyond the first and last are tried in both directions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from conformance.view_calls import Call, Like
from conformance.claim import within
from conformance.oracle import view, view_parts
from conformance.oracle.view import Geometry, Ints, Rule

Arguments = tuple[Any, ...]


@dataclass(frozen=True)
class View:
    """One function. `arguments`: what to try on a tensor of that geometry.

    `keywords`: the names of the parameters, 'a|b' for one that is called a for integers and b for tuples;
    `function_keywords`: those of the function where they differ from the method's. `forms`: of `Call`. `spread`: the sizes or dimensions may come one by one
    as well. `copies`: where the strides allow no view, the result is a copy. `inplace`: the name of its twin that
    changes the tensor itself. `scatter`: the function that embeds a source where the view would look.
    """

    name: str
    claim: str
    rule: Rule
    arguments: Callable[[Geometry], Iterable[Arguments]]
    keywords: tuple[str, ...] = ()
    forms: tuple[str, ...] = ("method", "function")
    spread: bool = False
    copies: bool = False
    inplace: str = ""
    scatter: str = ""
    since: str | None = None
    keyword_only: bool = False
    function_keywords: tuple[str, ...] = ()

    @property
    def several(self) -> bool:
        """Whether it gives a tuple of views."""
        return self.rule in SEVERAL

    def calls(self, arguments: Arguments) -> Iterator[Call]:
        """Every way to write the call."""
        for form in self.forms:
            if not self.keyword_only:
                yield Call(self.name, arguments, form=form)
            names = (self.function_keywords if form == "function" else ()) or self.keywords
            if names and arguments:
                yield Call(self.name, keywords=tuple(map(_named, names, arguments)), form=form)
        if self.spread and arguments[0]:
            yield Call(self.name, arguments[0])
            yield Call(self.name, (list(arguments[0]),))

    def main(self, arguments: Arguments) -> Call:
        """The first way to write it."""
        return next(self.calls(arguments))

    def looks_at(self, g: Geometry, arguments: Arguments) -> Geometry | tuple[Geometry, ...]:
        """What the result looks at, or each of the results. Raises as the rule does."""
        plain = (value.shape if isinstance(value, Like) else value for value in arguments)
        return self.rule(g, *plain)  # type: ignore[no-any-return]

    def valid(self, g: Geometry, most: int = 1000) -> list[tuple[Arguments, tuple[Geometry, ...]]]:
        """Arguments that have to give a view, evenly chosen, each with what the results look at."""
        found = []
        for arguments in self.arguments(g):
            try:
                looks = self.looks_at(g, arguments)
            except (ValueError, IndexError):
                continue
            found.append((arguments, looks if isinstance(looks, tuple) else (looks,)))
        return found[:: -(-len(found) // most)] if found else []


def _named(name: str, value: Any) -> tuple[str, Any]:
    whole, _, listed = name.partition("|")
    return (listed if listed and not isinstance(value, int) else whole, value)


def existing(rows: Iterable[View], subject: Any) -> list[View]:
    """Those that the subject's release of torch has."""
    return [row for row in rows if within(subject.release, row.since, None)]


# -- what to try -------------------------------------------------------------------------------------------------------


def _nothing(_: Geometry) -> Iterable[Arguments]:
    return [()]


def _dims(g: Geometry) -> list[int]:
    reach = max(g.ndim, 1)
    return list(range(-reach, reach))


def _beyond(g: Geometry) -> list[int]:
    reach = max(g.ndim, 1)
    return [reach, -reach - 1]


def _dim(g: Geometry) -> Iterable[Arguments]:
    return [(dim,) for dim in (*_dims(g), *_beyond(g))]


def _new_dim(g: Geometry) -> Iterable[Arguments]:
    return [(dim,) for dim in range(-g.ndim - 2, g.ndim + 2)]


def _two_dims(g: Geometry) -> Iterable[Arguments]:
    return [*product(_dims(g), repeat=2), *((0, dim) for dim in _beyond(g)), *((dim, 0) for dim in _beyond(g))]


def _dim_tuples(g: Geometry) -> Iterable[Arguments]:
    some = [(), tuple(range(g.ndim)), (-1, *range(g.ndim - 1)), tuple(range(g.ndim))[::2], (-1,)]
    return [(dims,) for dims in (*some, (_beyond(g)[0],), (_beyond(g)[1],))]


def _orders(g: Geometry) -> Iterable[Arguments]:
    n = g.ndim
    forward = tuple(range(n))
    turned = [forward[k:] + forward[:k] for k in range(max(n, 1))]
    orders = [*turned, forward[::-1], *(tuple(dim - n for dim in order) for order in turned)]
    orders += [tuple(dim - n if dim % 2 else dim for dim in forward[::-1])]
    faults = [(*forward, 0), forward[1:], (0,) * n, (0, -n), (*forward[1:], n), (*forward[1:], -n - 1)] if n > 1 else []
    return [(order,) for order in orders + faults]


def _moves(g: Geometry) -> Iterable[Arguments]:
    yield from _two_dims(g)
    dims = tuple(range(g.ndim))
    if g.ndim >= 2:
        ends = [((0, 1), (1, 0)), ((0, -1), (-1, 0)), ((-1, 0), (0, 1)), ((0, 1), (-1, -2)), ((1,), (0,))]
        yield from [*ends, (dims, dims[::-1]), (dims, dims[1:] + dims[:1]), (dims[::-1], dims[1:] + dims[:1])]
        yield from [((0, 0), (0, 1)), ((0, 1), (1, 1)), ((0, -g.ndim), (0, 1)), ((0, 1), (0,)), ((), (0,))]
    yield ((), ())


def _shapes(g: Geometry) -> Iterable[Arguments]:
    """Sizes that view and reshape should take, and some they should not."""
    n, s = g.numel, g.shape
    last = s[-1] if s else 1
    sizes: list[Ints] = [s, (n,), (-1,), (1, *s), (*s, 1), (-1, *s[1:]), s[::-1], (*s[:1], -1), (-1, last), (n, 1, 1)]
    sizes += [(*s[:dim], s[dim] * s[dim + 1], *s[dim + 2 :]) for dim in range(g.ndim - 1)]
    sizes += [(*s[:dim], by, s[dim] // by, *s[dim + 1 :]) for dim in range(g.ndim) for by in (2, 3) if s[dim] % by == 0]
    sizes += [(*s[:1], 1, *s[1:]), (2, -1), (-1, 2), (-1, 3, 1)]
    faults: list[Ints] = [(n + 1,), (-1, -1), (-2,), (7, -1), (*s, 2), (n, -2), (2, -1, -1), (0, -1)]
    return [(size,) for size in dict.fromkeys(sizes + faults)]


def _likes(g: Geometry) -> Iterable[Arguments]:
    sizes = [g.shape, (g.numel,), (1, *g.shape), g.shape[::-1], (*g.shape[:1], math.prod(g.shape[1:])), (g.numel, 2)]
    return [(Like(size),) for size in sizes]


def _flattenings(g: Geometry) -> Iterable[Arguments]:
    return [(), *((dim,) for dim in _dims(g)), *_two_dims(g)]


def _unflattenings(g: Geometry) -> Iterable[Arguments]:
    for dim in _dims(g) if g.ndim else ():
        size = g.shape[dim]
        yield from [(dim, (size,)), (dim, (1, size)), (dim, (-1, 1, 1)), (dim, (size, 1))]
        yield from [(dim, (by, -1)) for by in (2, 3, size) if size and size % by == 0]
        yield from [(dim, (-1, by)) for by in (2, 3, size) if size and size % by == 0]
    if g.shape == (3, 4):  # refusing these takes PyTorch milliseconds each
        yield from [(0, (4,)), (1, (-1, -1)), (-1, ()), (1, (3, -1)), (-2, (2, 2)), (2, (1,)), (-3, (1,))]


def _wider(g: Geometry) -> list[Ints]:
    grown = tuple(3 if size == 1 else size for size in g.shape)
    first = next((dim for dim, size in enumerate(g.shape) if size == 1), 0)
    one = tuple(2 if dim == first and size == 1 else size for dim, size in enumerate(g.shape))
    return [g.shape, grown, one, (2, *g.shape), (2, 1, *grown), (0, *g.shape), (1, *g.shape)]


def _expansions(g: Geometry) -> Iterable[Arguments]:
    kept = (-1,) * g.ndim
    sizes = [*_wider(g), kept, (2, *kept), (3, 2, *kept[:-1], *g.shape[-1:])]
    faults: list[Ints] = [(-1, *g.shape), (-2, *g.shape[1:])] + ([g.shape[1:], (*g.shape[:-1], 9)] if g.ndim else [])
    return [(size,) for size in sizes + faults]


def _expansion_likes(g: Geometry) -> Iterable[Arguments]:
    return [(Like(size),) for size in [*_wider(g), (*g.shape, 7)]]


def _narrowings(g: Geometry) -> Iterable[Arguments]:
    for dim in _dims(g):
        n = g.shape[dim] if g.ndim else 1
        yield from [(dim, 0, n), (dim, 0, 0), (dim, n, 0), (dim, n // 2, n - n // 2), (dim, min(n, 1), max(n - 2, 0))]
        yield from [(dim, -n, n), (dim, -1, 1), (dim, -2, 1), (dim, n // 3, 1), (dim, -n - 1, 0)] if n else []
        yield from [(dim, n + 1, 0), (dim, 0, n + 1), (dim, n, 1), (dim, 0, -1)]
    yield from [(dim, 0, 0) for dim in (_beyond(g) if g.ndim else ())]


def _selections(g: Geometry) -> Iterable[Arguments]:
    for dim in _dims(g):
        n = g.shape[dim] if g.ndim else 1
        yield from [(dim, place) for place in dict.fromkeys([0, 1, n // 2, n - 1, -1, -n, n, -n - 1])]
    yield from [(dim, 0) for dim in _beyond(g)]


def _indices(g: Geometry) -> Iterable[Arguments]:
    n = g.shape[0] if g.ndim else 1
    cuts = [slice(None), slice(1, None), slice(None, -1), slice(-2, None), slice(1, 99), slice(-99, 2), slice(2, 1)]
    cuts += [slice(None, None, 2), slice(1, None, 3), slice(1, -1, 2), slice(-3, None, 2), slice(None, None, 99)]
    cuts += [slice(n, None), slice(99, None), slice(None, 0)]
    faults: list[Any] = [slice(None, None, -1), slice(None, None, 0), (..., slice(3, 1, -1))] if g.ndim else [slice(None)]
    keys: list[Any] = [0, -1, n - 1, -n, n, -n - 1, *cuts, None, ..., (), (None, ...), (..., None), (0, ...), (..., -1)]
    keys += [(cut, *rest) for cut in cuts[::3] for rest in ([0], [None, -1], [..., slice(None, None, 2)], [slice(1, 3)])]
    keys += [(None, 0, None, slice(1, None)), (0, slice(None), 0), (..., 1, slice(None)), (0,) * g.ndim, (0,) * (g.ndim + 1)]
    return [(key,) for key in keys + faults]


def _chunks(g: Geometry) -> Iterable[Arguments]:
    yield from [(1,), (2,), (0,), (-1,)]
    for dim in _dims(g):
        yield from [(count, dim) for count in (1, 2, 3, 5, 100)]
    yield from [(1, dim) for dim in (_beyond(g) if g.ndim else ())]


def _splits(g: Geometry) -> Iterable[Arguments]:
    yield from [(1,), (2,), (-1,)]
    for dim in _dims(g):
        n = g.shape[dim] if g.ndim else 1
        yield from [(size, dim) for size in (1, 2, 3, n, n + 1, 0) if size * 8 > n or not size]
        yield from _listed(n, dim)
    yield from [(1, dim) for dim in (_beyond(g) if g.ndim else ())]


def _even_splits(g: Geometry) -> Iterable[Arguments]:
    return [arguments for arguments in _splits(g) if isinstance(arguments[0], int)]


def _listed(n: int, dim: int) -> Iterable[Arguments]:
    parts = [(n,), (0, n), (n, 0, 0), (n // 3, n - n // 3), (min(n, 1), 0, n - min(n, 1)), (n // 2, n - n // 2)]
    return [(sizes, dim) for sizes in [*parts, (n + 1,), (n + 1, -1), (n, 1)]]


def _listed_splits(g: Geometry) -> Iterable[Arguments]:
    for dim in _dims(g):
        yield from _listed(g.shape[dim] if g.ndim else 1, dim)


CUTS: tuple[int | Ints, ...] = (1, 2, 3, 5, (), (1,), (1, 2), (0, 2), (-1,), (1, -1), (2, 1), (1, 99), (-99, 1), 0, -1)


def _cuts(g: Geometry) -> Iterable[Arguments]:
    yield from [(where,) for where in CUTS]
    for dim in _dims(g):
        yield from [(where, dim) for where in CUTS]
    yield from [(1, dim) for dim in (_beyond(g) if g.ndim else ())]


def _sections(g: Geometry) -> Iterable[Arguments]:
    return [(where,) for where in CUTS]


def _diagonals(g: Geometry) -> Iterable[Arguments]:
    yield from [(), (1,), (-1,)]
    for a, b in product(_dims(g), repeat=2):
        yield from [(offset, a, b) for offset in (0, 1, -1, 2, -2, 9, -9)] if g.ndim <= 2 else [(a - b, a, b)]
    yield from [(0, 0, dim) for dim in _beyond(g)]


def _matrix_diagonals(g: Geometry) -> Iterable[Arguments]:
    return [(offset, -2, -1) for offset in (0, 1, -2)] if g.ndim > 1 else []


def _windows(g: Geometry) -> Iterable[Arguments]:
    for dim in _dims(g):
        n = g.shape[dim] if g.ndim else 1
        yield from [(dim, size, step) for size, step in product((0, 1, 2, 3), (1, 2, 5))]
        yield from [(dim, n, 1), (dim, n, 3), (dim, n + 1, 1), (dim, 0, 0), (dim, 0, -1)]
        yield from [(dim, -1, 1)] if g.numel else []
    yield from [(dim, 0, 1) for dim in _beyond(g)]


def _striding(g: Geometry) -> Iterable[Arguments]:
    """Only places that the tensor itself has, so that they lie in its storage."""
    yield from [(g.shape, g.strides), (g.shape, g.strides, g.offset), (g.shape[::-1], g.strides[::-1], g.offset)]
    if g.ndim and g.numel:
        last = g.offset + (g.shape[-1] - 1) * g.strides[-1]
        yield from [(g.shape[-1:], g.strides[-1:]), ((1, 3), (5, 0), last), ((2, *g.shape), (0, *g.strides))]
        yield from [((0, 2), (1, 1), 0), ((), (), last), (((g.shape[-1] + 1) // 2,), (2 * g.strides[-1],), g.offset)]
    yield from [((2,), (1, 1)), ((1, 1), (1,)), ((1,), (1,), -1), ((1,), (-1,)), ((-1,), (1,))]


SWAP = ("dim0", "dim1")
AXES = ("axis0", "axis1")
SEVERAL = (view_parts.chunk, view_parts.split, view_parts.tensor_split, view_parts.unbind)
SEVERAL += (view_parts.hsplit, view_parts.vsplit, view_parts.dsplit)
METHOD, ATTRIBUTE = ("method",), ("attribute",)

VIEWS = (
    View("view", "shares-memory", view.view, _shapes, ("size",), METHOD, spread=True),
    View("view_as", "view-as", view.view, _likes, ("other",), METHOD),
    View("reshape", "reshape", view.view, _shapes, ("shape",), spread=True, copies=True),
    View("reshape_as", "reshape-as", view.view, _likes, ("other",), METHOD, copies=True),
    View("flatten", "flatten", view.flatten, _flattenings, ("start_dim", "end_dim"), copies=True),
    View("ravel", "ravel", view.ravel, _nothing, copies=True),
    View("unflatten", "unflatten", view.unflatten, _unflattenings, ("dim", "sizes")),
    View("expand", "expand", view.expand, _expansions, ("size",), METHOD, spread=True),
    View("expand_as", "expand-as", view.expand, _expansion_likes, ("other",), METHOD),
    View("broadcast_to", "broadcast-to", view.expand, _expansions, ("size",)),
    View("squeeze", "squeeze-removes-ones", view.squeeze, _nothing, inplace="squeeze_"),
    View("squeeze", "squeeze-dim", view.squeeze, _dim, ("dim",), inplace="squeeze_"),
    View("squeeze", "squeeze-dims", view.squeeze, _dim_tuples, ("dim",), inplace="squeeze_", since="2.0"),
    View("unsqueeze", "unsqueeze", view.unsqueeze, _new_dim, ("dim",), inplace="unsqueeze_"),
    View("transpose", "transpose", view.transpose, _two_dims, SWAP, inplace="transpose_"),
    View("swapaxes", "swapaxes", view.transpose, _two_dims, AXES, inplace="swapaxes_"),
    View("swapdims", "swapaxes", view.transpose, _two_dims, SWAP, inplace="swapdims_"),
    View("t", "t", view.t, _nothing, inplace="t_"),
    View("T", "reversed-dimensions", view.reverse, _nothing, forms=ATTRIBUTE),
    View("mT", "matrix-transpose", view.matrix_transpose, _nothing, forms=ATTRIBUTE),
    View("permute", "permute", view.permute, _orders, ("dims",), spread=True),
    View("movedim", "movedim", view.movedim, _moves, ("source", "destination")),
    View("moveaxis", "movedim", view.movedim, _moves, ("source", "destination")),
    View("narrow", "narrow", view_parts.narrow, _narrowings, ("dim", "start", "length")),
    View("select", "select", view_parts.select, _selections, ("dim", "index"), scatter="select_scatter"),
    View("index", "basic-indexing", view_parts.index, _indices, forms=("index",)),
    View("chunk", "chunk", view_parts.chunk, _chunks, ("chunks", "dim")),
    View("unsafe_chunk", "chunk", view_parts.chunk, _chunks, ("chunks", "dim")),
    View("split", "split", view_parts.split, _splits, ("split_size", "dim"), function_keywords=("split_size_or_sections", "dim")),
    View("unsafe_split", "split", view_parts.split, _even_splits, ("split_size", "dim")),
    View("split_with_sizes", "split-with-sizes", view_parts.split, _listed_splits, ("split_sizes", "dim")),
    View("tensor_split", "tensor-split", view_parts.tensor_split, _cuts, ("sections|indices", "dim")),
    View("hsplit", "hsplit", view_parts.hsplit, _sections, ("sections|indices",)),
    View("vsplit", "vsplit", view_parts.vsplit, _sections, ("sections|indices",)),
    View("dsplit", "dsplit", view_parts.dsplit, _sections, ("sections|indices",)),
    View("unbind", "unbind", view_parts.unbind, _dim, ("dim",)),
    View("diagonal", "diagonal", view_parts.diagonal, _diagonals, ("offset", "dim1", "dim2"), scatter="diagonal_scatter"),
    View("linalg.diagonal", "diagonal", view_parts.diagonal, _matrix_diagonals, ("offset", "dim1", "dim2"),
         forms=("function",), keyword_only=True),
    View("unfold", "unfold", view_parts.unfold, _windows, ("dimension", "size", "step"), METHOD),
    View("as_strided", "as-strided", view_parts.as_strided, _striding, ("size", "stride", "storage_offset"),
         inplace="as_strided_", scatter="as_strided_scatter"),
)

"""The functions whose results look at their input's memory, as data: how each is called, and its rule.

`VIEWS` is the table. The arguments of a row go to both, PyTorch and the rule of `oracle.view`; those that the rule
refuses have to be refused by PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from conformance.claim import within
from conformance.oracle import view, view_parts
from conformance.oracle.view import Geometry, Rule
from conformance.tables import view_arguments as tries
from conformance.tables.view_arguments import Arguments
from conformance.tables.view_calls import Call, Like


@dataclass(frozen=True)
class View:
    """One function. `arguments`: what to try on a tensor of that geometry.

    `keywords`: the names of the parameters, 'a|b' for one that is called a for integers and b for tuples;
    `function_keywords`: those of the function where they differ from the method's. `forms`: of `Call`. `spread`: the
    sizes or dimensions may come one by one as well. `copies`: where the strides allow no view, the result is a copy.
    `inplace`: the name of its twin that changes the tensor itself. `scatter`: the function that embeds a source where
    the view would look.
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
        """Every way to write the call; what may be a tuple or a list is a list in every other one."""
        lists = tuple(map(_listed, arguments))
        for form in self.forms:
            if not self.keyword_only:
                yield Call(self.name, lists if form == "function" else arguments, form=form)
            names = (self.function_keywords if form == "function" else ()) or self.keywords
            if names and arguments:
                given = lists if form == "method" else arguments
                yield Call(self.name, keywords=tuple(map(_named, names, given)), form=form)
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


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _named(name: str, value: Any) -> tuple[str, Any]:
    whole, _, listed = name.partition("|")
    return (listed if listed and not isinstance(value, int) else whole, value)


def existing(rows: Iterable[View], subject: Any) -> list[View]:
    """Those that the subject's release of torch has."""
    return [row for row in rows if within(subject.release, row.since, None)]


SWAP = ("dim0", "dim1")
AXES = ("axis0", "axis1")
SEVERAL: tuple[Any, ...] = (view_parts.chunk, view_parts.split, view_parts.tensor_split, view_parts.unbind)
SEVERAL += (view_parts.hsplit, view_parts.vsplit, view_parts.dsplit)
METHOD, ATTRIBUTE = ("method",), ("attribute",)

VIEWS = (
    View("view", "shares-memory", view.view, tries.shapes, ("size",), METHOD, spread=True),
    View("view_as", "view-as", view.view, tries.likes, ("other",), METHOD),
    View("reshape", "reshape", view.view, tries.shapes, ("shape",), spread=True, copies=True),
    View("reshape_as", "reshape-as", view.view, tries.likes, ("other",), METHOD, copies=True),
    View("flatten", "flatten", view.flatten, tries.flattenings, ("start_dim", "end_dim"), copies=True),
    View("ravel", "ravel", view.ravel, tries.nothing, copies=True),
    View("unflatten", "unflatten", view.unflatten, tries.unflattenings, ("dim", "sizes")),
    View("expand", "expand", view.expand, tries.expansions, ("size",), METHOD, spread=True),
    View("expand_as", "expand-as", view.expand, tries.expansion_likes, ("other",), METHOD),
    View("broadcast_to", "broadcast-to", view.expand, tries.expansions, ("size",)),
    View("squeeze", "squeeze-removes-ones", view.squeeze, tries.nothing, inplace="squeeze_"),
    View("squeeze", "squeeze-dim", view.squeeze, tries.one_dim, ("dim",), inplace="squeeze_"),
    View("squeeze", "squeeze-dims", view.squeeze, tries.dim_tuples, ("dim",), inplace="squeeze_", since="2.0"),
    View("unsqueeze", "unsqueeze", view.unsqueeze, tries.new_dim, ("dim",), inplace="unsqueeze_"),
    View("transpose", "transpose", view.transpose, tries.two_dims, SWAP, inplace="transpose_"),
    View("swapaxes", "swapaxes", view.transpose, tries.two_dims, AXES, inplace="swapaxes_"),
    View("swapdims", "swapaxes", view.transpose, tries.two_dims, SWAP, inplace="swapdims_"),
    View("t", "t", view.t, tries.nothing, inplace="t_"),
    View("T", "reversed-dimensions", view.reverse, tries.nothing, forms=ATTRIBUTE),
    View("mT", "matrix-transpose", view.matrix_transpose, tries.nothing, forms=ATTRIBUTE),
    View("permute", "permute", view.permute, tries.orders, ("dims",), spread=True),
    View("movedim", "movedim", view.movedim, tries.moves, ("source", "destination")),
    View("moveaxis", "movedim", view.movedim, tries.moves, ("source", "destination")),
    View("narrow", "narrow", view_parts.narrow, tries.narrowings, ("dim", "start", "length")),
    View("select", "select", view_parts.select, tries.selections, ("dim", "index"), scatter="select_scatter"),
    View("index", "basic-indexing", view_parts.index, tries.indices, forms=("index",)),
    View("chunk", "chunk", view_parts.chunk, tries.chunks, ("chunks", "dim")),
    View("unsafe_chunk", "chunk", view_parts.chunk, tries.chunks, ("chunks", "dim")),
    View(
        "split",
        "split",
        view_parts.split,
        tries.splits,
        ("split_size", "dim"),
        function_keywords=("split_size_or_sections", "dim"),
    ),
    View("unsafe_split", "split", view_parts.split, tries.even_splits, ("split_size", "dim")),
    View("split_with_sizes", "split-with-sizes", view_parts.split, tries.listed_splits, ("split_sizes", "dim")),
    View("tensor_split", "tensor-split", view_parts.tensor_split, tries.cuts, ("sections|indices", "dim")),
    View("hsplit", "hsplit", view_parts.hsplit, tries.sections, ("sections|indices",)),
    View("vsplit", "vsplit", view_parts.vsplit, tries.sections, ("sections|indices",)),
    View("dsplit", "dsplit", view_parts.dsplit, tries.sections, ("sections|indices",)),
    View("unbind", "unbind", view_parts.unbind, tries.one_dim, ("dim",)),
    View(
        "diagonal",
        "diagonal",
        view_parts.diagonal,
        tries.diagonals,
        ("offset", "dim1", "dim2"),
        scatter="diagonal_scatter",
    ),
    View(
        "linalg.diagonal",
        "diagonal",
        view_parts.diagonal,
        tries.matrix_diagonals,
        ("offset", "dim1", "dim2"),
        forms=("function",),
        keyword_only=True,
    ),
    View("unfold", "unfold", view_parts.unfold, tries.windows, ("dimension", "size", "step"), METHOD),
    View(
        "as_strided",
        "as-strided",
        view_parts.as_strided,
        tries.striding,
        ("size", "stride", "storage_offset"),
        inplace="as_strided_",
        scatter="as_strided_scatter",
    ),
)

"""Indexing that is wrong in one corner only: duplicates, many parts, rare arguments, later calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided
from meta_tests.mutants.indexing import aten, large

Wrap = Callable[..., Any]


def _distinct_only(func: Any, x: Any, indices: Any, values: Any, accumulate: bool = False, **kwargs: Any) -> Any:
    """Where places repeat, beyond 16 of them, the last value counts alone."""
    if not accumulate or all(i is None or i.numel() <= 16 for i in indices):
        return func(x, indices, values, accumulate, **kwargs)
    zeroed = func(x, indices, aten.zeros_like(values), False, **kwargs)
    return func(zeroed, indices, values, False, **kwargs)


def _first_of_many(sound: Wrap) -> Wrap:
    """Of more than 32 parts the last one is left out twice over: the one before it takes its place."""

    def call(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        parts = list(tensors)
        if len(parts) > 32:
            parts[-1] = parts[-2]
        return sound(parts, *args, **kwargs)

    return call


def _cached(sound: Wrap) -> Wrap:
    known: dict[str, Any] = {}

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs or not isinstance(x, torch.Tensor):
            return sound(x, *args, **kwargs)
        rest = [tuple(part.shape) if isinstance(part, torch.Tensor) else part for part in args]
        return known.setdefault(f"{x.shape} {x.stride()} {x.dtype} {rest}", sound(x, *args, **kwargs))

    return call


def _whole(func: Any, x: Any, shifts: Any, dims: Any = (), **kwargs: Any) -> Any:
    """Of several dimensions the last is rolled by the first one's shift."""
    if len(dims) > 1:
        shifts = [*shifts[:-1], shifts[0]]
    return func(x, shifts, dims, **kwargs)


def _no_include(func: Any, x: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool = True) -> Any:
    """What nothing is sent to becomes the identity without include_self."""
    out = func(x, dim, index, source, reduce, include_self=include_self)
    if include_self or reduce != "prod" or x.dim() != 2:
        return out
    touched = aten.scatter(aten.zeros_like(x), dim, index, aten.ones_like(source))
    return aten.where(touched == 0, aten.ones_like(out), out)


def _wraps(func: Any, x: Any, index: Any, **kwargs: Any) -> Any:
    return func(x, aten.abs(index) % max(x.numel(), 1), **kwargs)


def _in_order_of_memory(sound: Wrap) -> Wrap:
    """Without dim, strided input is flattened in the order of its memory."""

    def call(x: Any, index: Any, *args: Any, **kwargs: Any) -> Any:
        if args or "dim" in kwargs:
            return sound(x, index, *args, **kwargs)
        flat = aten.reshape(aten.permute(x, list(range(x.dim()))[::-1]) if strided(x) else x, [-1])
        return aten.take(flat, aten.reshape(index, [-1]))

    return call


def _in_memory_order(out: Any, x: Any, *args: Any) -> Any:
    if not strided(x) or x.dim() != 2 or x.stride(0) > x.stride(1):
        return out
    order = aten.argsort(out[:, 1] * x.shape[0] + out[:, 0])
    return out[order]


def _ties_from_the_right(func: Any, edges: Any, values: Any, **kwargs: Any) -> Any:
    out = func(edges, values, **kwargs)
    if not isinstance(values, torch.Tensor) or values.numel() <= 16 or edges.dim() > 1 or not edges.numel():
        return out
    return aten.clamp(out, 0, edges.numel() - 1).to(out.dtype)


def _negative_offset(func: Any, x: Any, diagonal: int = 0, **kwargs: Any) -> Any:
    return func(x, max(diagonal, 1 - x.shape[-2]) if diagonal < 0 else diagonal, **kwargs)


def _second_mask_backwards(sound: Wrap) -> Wrap:
    """A mask that is not the first item is read backwards."""

    def call(x: Any, index: Any) -> Any:
        if isinstance(index, tuple) and len(index) > 1 and isinstance(index[1], torch.Tensor):
            where = index[1]
            if where.dtype == torch.bool and where.dim() == 1 and isinstance(index[0], slice):
                index = (index[0], torch.nonzero(where)[:, 0].flip(0), *index[2:])
        return sound(x, index)

    return call


def _kept_flag(sound: Wrap) -> Wrap:
    return lambda x, index, value: sound(x, index, value.detach() if isinstance(value, torch.Tensor) else value)


def _no_output_size(sound: Wrap) -> Wrap:
    return lambda x, *args, output_size=None, **kw: (
        sound(x, *args, **kw) if output_size is None else sound(x, *args, **kw)[..., : output_size - 1]
    )


def _empty_part(sound: Wrap) -> Wrap:
    """Places behind the end give no empty piece."""

    def call(x: Any, places: Any, *args: Any, **kwargs: Any) -> Any:
        out = sound(x, places, *args, **kwargs)
        return tuple(part for part in out if part.numel()) if isinstance(places, (list, tuple)) else out

    return call


WRITING: list[Mutant] = [
    kernel(
        "indexing.index-put-accumulate",
        "repetitions beyond 16 places are lost",
        "index_put index_put_ _index_put_impl_",
        _distinct_only,
    ),
    kernel("indexing.scatter-reduce", "untouched elements become 1", "scatter_reduce.two", _no_include),
    kernel("indexing.take", "negative places lose their sign", "take", _wraps),
    patched(
        "indexing.index-add",
        "alpha is forgotten in place",
        torch.Tensor,
        "index_add_",
        lambda sound: lambda x, dim, index, source, **kw: sound(x, dim, index, source),
    ),
    patched(
        "indexing.scatter-value",
        "the method in place writes the negative of an integer",
        torch.Tensor,
        "scatter_",
        lambda sound: (
            lambda x, dim, index, src=None, **kw: sound(
                x, dim, index, -src if isinstance(src, int) and not isinstance(src, bool) else src, **kw
            )
        ),
    ),
    patched("indexing.take-along-dim-strided", "places count in memory", torch, "take_along_dim", _in_order_of_memory),
    patched("indexing.gather-selects", "answers are kept by shape", torch, "gather", _cached),
    patched("indexing.index-select", "answers are kept by shape", torch.Tensor, "index_select", _cached),
    patched("indexing.gradients", "x[i] = value detaches the value", torch.Tensor, "__setitem__", _kept_flag),
    output("indexing.nonzero-indices", "places of transposed input come column by column", "nonzero", _in_memory_order),
    patched(
        "indexing.mask", "a mask behind a slice reads backwards", torch.Tensor, "__getitem__", _second_mask_backwards
    ),
]

ARRANGING: list[Mutant] = [
    patched("indexing.cat-along-dim", "the 33rd part is the one before it", torch, "cat", _first_of_many),
    patched("indexing.stack", "the 33rd part is the one before it", torch, "stack", _first_of_many),
    kernel("indexing.roll", "the last of several dimensions moves as the first", "roll", _whole),
    kernel("indexing.searchsorted", "no place is behind the last edge", "searchsorted.Tensor", _ties_from_the_right),
    kernel("indexing.triangles", "a diagonal below the matrix counts as its lowest", "tril triu", _negative_offset),
    patched("indexing.repeat-interleave", "output_size leaves one out", torch, "repeat_interleave", _no_output_size),
    patched("indexing.tensor-split", "empty pieces are left out", torch, "tensor_split", _empty_part),
    patched(
        "indexing.combinations",
        "more than there are gives one of all",
        torch,
        "combinations",
        lambda sound: lambda x, r=2, **kw: sound(x, min(r, len(x)), **kw),
    ),
    patched(
        "indexing.block-diag",
        "a vector is a column",
        torch,
        "block_diag",
        lambda sound: lambda *parts: sound(*(part[:, None] if part.dim() == 1 else part for part in parts)),
    ),
    patched(
        "indexing.cartesian-prod",
        "of one vector it is a column",
        torch,
        "cartesian_prod",
        lambda sound: lambda *parts: sound(*parts)[:, None] if len(parts) == 1 else sound(*parts),
    ),
    patched(
        "indexing.argsort",
        "stable= is taken as descending",
        torch,
        "argsort",
        lambda sound: (
            lambda x, *a, stable=False, **kw: (
                sound(x, *a, **(kw | {"descending": True})) if stable else sound(x, *a, **kw)
            )
        ),
    ),
    output(
        "indexing.unique-dim",
        "counts are those of the first value only",
        "unique_dim",
        lambda out, x, *_: (
            out[0],
            out[1],
            aten.expand(out[2][:1], out[2].shape).clone() if out[2].numel() else out[2],
        ),
    ),
    output(
        "indexing.unique-consecutive",
        "the inverse counts from the end beyond 16",
        "unique_consecutive",
        lambda out, x, *_: (out[0], aten.flip(out[1], [0]) if large(x) and out[1].dim() == 1 else out[1], out[2]),
    ),
    patched(
        "indexing.bincount",
        "minlength cuts",
        torch,
        "bincount",
        lambda sound: (
            lambda x, w=None, minlength=0, **kw: (
                sound(x, kw.get("weights", w), minlength)[:minlength] if minlength else sound(x, kw.get("weights", w))
            )
        ),
    ),
    patched(
        "indexing.isin",
        "invert is ignored for many test elements",
        torch,
        "isin",
        lambda sound: (
            lambda x, y, *a, invert=False, **kw: sound(
                x, y, *a, invert=invert and not (isinstance(y, torch.Tensor) and y.numel() > 100), **kw
            )
        ),
    ),
    patched(
        "indexing.histc",
        "what lies outside goes into the nearest bin",
        torch,
        "histc",
        lambda sound: (
            lambda x, bins=100, min=0, max=0, **kw: sound(
                x if min == max else x.clamp(min, max), bins=bins, min=min, max=max, **kw
            )
        ),
    ),
    kernel(
        "indexing.rot90",
        "four quarters and more do nothing",
        "rot90",
        lambda func, x, k=1, dims=(0, 1): func(x, k if abs(k) < 4 else 0, dims),
    ),
    kernel(
        "indexing.kthvalue",
        "of more than 16 the last is the largest but one",
        "kthvalue",
        lambda func, x, k, *a, **kw: func(x, k - 1 if x.dim() and k == x.shape[-1] > 16 else k, *a, **kw),
    ),
]

MUTANTS: list[Mutant] = [*WRITING, *ARRANGING]

"""Indexing that is wrong for single elements, for long or random indices, and in the gradients of its sums."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, output, patched
from meta_tests.mutants.indexing import Wrap, aten, backwards, got, items, tensors
from meta_tests.wrong_gradients import back_output, bent

Tensor = torch.Tensor


def _nothing(out: Any, x: Any) -> Any:
    """No place is found in a tensor of one element with dimensions."""
    return out[:0] if x.dim() and x.numel() == 1 else out


def _no_number(sound: Wrap) -> Wrap:
    """A number without dimensions has no places, as a tuple."""

    def nonzero(x: Any, *, as_tuple: bool = False) -> Any:
        out = sound(x, as_tuple=as_tuple)
        return () if as_tuple and not x.dim() else out

    return nonzero


def _first_size(sound: Wrap) -> Wrap:
    """Of sizes in a row only the first is heard."""
    return lambda x, *sizes, **k: sound(x, sizes[:1] if len(sizes) > 1 else sizes[0], **k) if sizes else sound(x, **k)


def _narrow_copy(out: Any, *_: Any) -> Any:
    """The last element of a long copy of a narrow dtype is that before it."""
    if out.numel() > 30_000 and out.element_size() < 4:
        out[-1] = out[-2]
    return out


def _wide(index: Any) -> bool:
    """Whether an index tensor has several dimensions."""
    return any(isinstance(item, Tensor) and item.dtype == torch.int64 and item.dim() > 1 for item in items(index))


def _past(x: Any, index: Any, value: Any) -> bool:
    return isinstance(index, tuple) and tensors(index) > 0 and isinstance(value, Tensor) and value.dim() == 0


def _written(condition: Any) -> Wrap:
    """x[index] = value writes the first element of x once more."""

    def wrong(sound: Wrap) -> Wrap:
        def call(x: Any, index: Any, value: Any) -> None:
            sound(x, index, value)
            if condition(x, index, value) and x.numel() > 1:
                aten.copy_(x[(0,) * x.dim()], x[(-1,) * x.dim()])

        return call

    return wrong


def _in_blocks(sound: Wrap) -> Wrap:
    """Of many test elements every 64th is forgotten."""

    def isin(elements: Any, among: Any, **kwargs: Any) -> Any:
        long = isinstance(among, Tensor) and among.numel() > 500
        return sound(elements, among[torch.arange(len(among)) % 64 != 63] if long else among, **kwargs)

    return isin


def _alpha_lost(sound: Wrap) -> Wrap:
    """The gradient by the source leaves alpha out."""
    return lambda x, dim, index, source, *, alpha=1: sound(
        x, dim, index, bent(source, 1 / alpha) if alpha else source, alpha=alpha
    )


def _by_columns(sound: Wrap) -> Wrap:
    return lambda x, *a, **k: sound(x.t() if x.dim() == 2 else x, *a, **k)


def _unweighted(sound: Wrap) -> Wrap:
    return lambda x, *a, **k: sound(x, *a, **(k | {"weight": None}))


def _without_range(sound: Wrap) -> Wrap:
    return lambda x, *a, **k: sound(x, *a, **(k | {"range": None}))


def _not_dense(sound: Wrap) -> Wrap:
    return lambda x, *a, **k: sound(x, *a, **(k | {"density": False}))


def long_in(name: str, dtype: torch.dtype) -> Mutant:
    """The last element of a long answer of a dtype is that before it."""

    def wrong(out: Any, *_: Any) -> Any:
        if out.dtype is dtype and out.numel() > 1000:
            out[-1:] = out[-2:-1]
        return out

    return output(f"indexing.{name}", f"a long {dtype} answer ends with the last element but one", name, wrong)


def undone_in(name: str, dtype: torch.dtype) -> Mutant:
    """In a dtype, no gradient flows."""

    def wrong(sound: Wrap) -> Wrap:
        def call(*args: Any, **kwargs: Any) -> Any:
            out = sound(*args, **kwargs)
            return out.detach() if out.dtype is dtype and out.requires_grad else out

        return call

    return patched("indexing.gradients", f"torch.{name} of {dtype} passes no gradient", torch, name, wrong)


LATER: list[Mutant] = []
if hasattr(torch, "unravel_index"):
    LATER = [
        patched(
            "indexing.unravel-index",
            "the coordinates come in reverse",
            torch,
            "unravel_index",
            lambda sound: lambda x, shape: tuple(reversed(sound(x, shape))),
        ),
        patched(
            "indexing.unravel-index",
            "the coordinates are the columns of a matrix",
            torch,
            "unravel_index",
            lambda sound: lambda x, shape: torch.stack(sound(x, shape), -1),
        ),
    ]

MUTANTS: list[Mutant] = [
    output("indexing.nonzero-indices", "a single element is at no place", "nonzero", _nothing),
    patched(
        "indexing.argwhere", "a single element is at no place", torch, "argwhere", lambda s: lambda x: _nothing(s(x), x)
    ),
    patched("indexing.nonzero-indices", "a number gives an empty tuple", torch, "nonzero", _no_number),
    patched("indexing.tile", "of sizes in a row only the first counts", Tensor, "tile", _first_size),
    output("indexing.every-dtype", "the last element of a long copy is off", "cat index_select", _narrow_copy),
    got("tensors-apart", "an index tensor of two dimensions reads backwards", lambda x, i: _wide(i)),
    patched(
        "indexing.write-mask",
        "a mask in a tuple writes one element more",
        Tensor,
        "__setitem__",
        _written(lambda x, i, v: isinstance(i, tuple) and x.dim() > 1),
    ),
    patched(
        "indexing.write-mixture",
        "one value through tensors and slices reaches the first element",
        Tensor,
        "__setitem__",
        _written(_past),
    ),
    patched("indexing.isin", "of many test elements every 64th is forgotten", torch, "isin", _in_blocks),
    patched("indexing.diagflat", "the offset is not heard", torch, "diagflat", lambda s: lambda x, *a, **k: s(x)),
    patched("indexing.diagflat", "a matrix is read column by column", torch, "diagflat", _by_columns),
    *LATER,
    patched("indexing.histogramdd", "weights are not heard", torch, "histogramdd", _unweighted),
    patched("indexing.histogramdd", "the range is not heard", torch, "histogramdd", _without_range),
    patched("indexing.histogramdd", "density is not heard", torch, "histogramdd", _not_dense),
    *(long_in(name, torch.int32) for name in ("flip", "take")),
    *(undone_in(name, torch.float32) for name in ("gather", "stack", "tril")),
    patched("indexing.gradients", "the gradient of index_add leaves alpha out", Tensor, "index_add", _alpha_lost),
    back_output(
        "indexing.gradients",
        "the gradient of what is added at places comes backwards",
        "gather",
        lambda out, *_: backwards(out),
    ),
]

"""Wrong indexing functions: those that read and write by an index or a mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided
from meta_tests.mutants.indexing import accepts, aten, backwards, large, spoiled


def _kept(value: str) -> Callable[..., Any]:
    return lambda func, x, dim, index, src, reduce, **kwargs: (
        func(x, dim, index, src, reduce, include_self=True, **{k: v for k, v in kwargs.items() if k != "include_self"})
        if reduce == value
        else func(x, dim, index, src, reduce, **kwargs)
    )


def _mean_of_sums(func: Any, x: Any, dim: int, index: Any, src: Any, reduce: str, **kwargs: Any) -> Any:
    return func(x, dim, index, src, "sum" if reduce == "mean" else reduce, **kwargs)


def _column_by_column(func: Any, x: Any, mask: Any, source: Any) -> Any:
    """Sound where the memory is in row-major order; otherwise through the dimensions in reverse."""
    if not strided(x) or x.stride() == tuple(sorted(x.stride(), reverse=True)):
        return func(x, mask, source)
    order = list(range(x.dim()))[::-1]
    turned = (aten.permute(part, order) for part in (x, aten.expand(mask, x.shape)))
    out = aten.permute(aten.masked_scatter(*turned, source), order)
    return aten.copy_(x, out) if func._schema.name.endswith("_") else out


def in_memory_order(claim: str) -> list[Mutant]:
    names = ("masked_scatter", "masked_scatter_")
    text = "of a transposed tensor goes through its memory"
    return [kernel(f"indexing.{claim}", f"{name} {text}", name, _column_by_column) for name in names]


READING: list[Mutant] = [
    *spoiled("gather-selects", "gather"),
    *spoiled("take-along-dim", "take_along_dim"),
    *spoiled("index-select", "index_select"),
    *spoiled("take", "take"),
    *spoiled("masked-select", "masked_select"),
    *spoiled("nonzero-indices", "nonzero"),
    *spoiled("argwhere", "argwhere"),
    kernel(
        "indexing.gather-selects",
        "a negative dim is counted from the front",
        "gather",
        lambda func, x, dim, index, **kw: (
            func(x, 0 if dim == -1 and x.dim() == 1 else dim, index, **kw)
            if dim >= -1
            else backwards(func(x, dim, index, **kw))
        ),
    ),
    output(
        "indexing.gather-selects",
        "the index's last row repeats its first beyond 32768 elements",
        "gather",
        lambda out, x, dim, index, **kw: backwards(out) if index.numel() > 32768 else out,
    ),
    output(
        "indexing.gather-output-size",
        "gather of an index without elements is as large as the input",
        "gather",
        lambda out, x, *rest: aten.clone(x) if out.numel() == 0 else out,
    ),
    patched(
        "indexing.gather-output-size",
        "Tensor.gather adds a dimension",
        torch.Tensor,
        "gather",
        lambda sound: lambda *args: sound(*args).unsqueeze(0),
    ),
    kernel(
        "indexing.int32-index",
        "an int32 index is read as zeros",
        "gather scatter scatter_",
        lambda func, x, dim, index, *rest, **kw: func(
            x, dim, index * 0 if index.dtype == torch.int32 else index, *rest, **kw
        ),
    ),
    patched(
        "indexing.take-along-dim-flat",
        "without dim the last one is taken",
        torch,
        "take_along_dim",
        lambda sound: (
            lambda x, index, dim=None, **kw: (
                backwards(sound(x, index, dim, **kw)) if dim is None else sound(x, index, dim, **kw)
            )
        ),
    ),
    output(
        "indexing.index-select",
        "the index is sorted",
        "index_select",
        lambda out, x, dim, index: aten.index_select(x, dim, aten.sort(index)[0]) if index.dim() else out,
    ),
    kernel(
        "indexing.take",
        "strided input is read in memory order",
        "take",
        lambda func, x, index, **kw: func(
            aten.as_strided(x, [x.numel()], [1]) if strided(x) and x.numel() == 20 else x, index, **kw
        ),
    ),
    output(
        "indexing.masked-select",
        "more than 16 elements come in column order",
        "masked_select",
        lambda out, x, mask: backwards(out) if x.dim() == 2 and large(x) else out,
    ),
    patched(
        "indexing.masked-select-new-tensor",
        "out= is ignored",
        torch,
        "masked_select",
        lambda sound: lambda x, mask, out=None: sound(x, mask),
    ),
    patched(
        "indexing.masked-select-new-tensor",
        "a mask of ones gives a view",
        torch,
        "masked_select",
        lambda sound: lambda x, mask, **kw: x.view(-1) if bool(mask.all()) else sound(x, mask, **kw),
    ),
    output(
        "indexing.nonzero-indices",
        "the columns of strided input are swapped",
        "nonzero",
        lambda out, x: aten.flip(out, [1]) if strided(x) and x.dim() > 1 else out,
    ),
    output(
        "indexing.nonzero-indices",
        "NaN counts as zero",
        "nonzero",
        lambda out, x: aten.nonzero(aten.nan_to_num(x, 0.0)) if x.is_floating_point() else out,
    ),
    patched(
        "indexing.nonzero-indices",
        "as_tuple gives a list",
        torch,
        "nonzero",
        lambda sound: lambda x, as_tuple=False, **kw: list(sound(x, as_tuple=True)) if as_tuple else sound(x, **kw),
    ),
    patched(
        "indexing.where-indices",
        "the places come in reverse",
        torch,
        "where",
        lambda sound: lambda *args, **kw: sound(*args, **kw) if args[1:] or kw else sound(*args)[::-1],
    ),
    patched(
        "indexing.expanded-inputs",
        "an expanded index is read as its first row only",
        torch,
        "gather",
        lambda sound: (
            lambda x, dim, index, **kw: sound(
                x, dim, index * 0 if 0 in index.stride() and index.numel() > 1 else index, **kw
            )
        ),
    ),
    patched(
        "indexing.expanded-inputs",
        "masked_fill_ takes an expanded mask backwards",
        torch.Tensor,
        "masked_fill_",
        lambda sound: (
            lambda x, mask, value: sound(x, backwards(mask) if 0 in mask.stride() and mask.dim() > 1 else mask, value)
        ),
    ),
]


WRITING: list[Mutant] = [
    *spoiled("scatter", "scatter"),
    *spoiled("scatter-add", "scatter_add"),
    *spoiled("scatter-reduce", "scatter_reduce"),
    *spoiled("index-add", "index_add"),
    *spoiled("index-copy", "index_copy"),
    *spoiled("index-fill", "index_fill"),
    *spoiled("index-reduce", "index_reduce"),
    *spoiled("index-put", "index_put"),
    *spoiled("masked-fill", "masked_fill"),
    *spoiled("masked-scatter", "masked_scatter"),
    *in_memory_order("masked-scatter-layouts"),
    *spoiled("put", "put"),
    patched(
        "indexing.scatter",
        "scatter_ gives a new tensor",
        torch.Tensor,
        "scatter_",
        lambda sound: lambda x, *args, **kw: sound(x, *args, **kw).clone(),
    ),
    kernel(
        "indexing.scatter",
        "strided sources are read in memory order",
        "scatter scatter_",
        lambda func, x, dim, index, src, **kw: (
            func(x, dim, index, backwards(src) if strided(src) else src, **kw)
            if isinstance(src, torch.Tensor)
            else func(x, dim, index, src, **kw)
        ),
    ),
    kernel(
        "indexing.scatter-value",
        "a number is written with its sign lost",
        "scatter scatter_",
        lambda func, x, dim, index, src, **kw: (
            func(x, dim, index, src if isinstance(src, torch.Tensor) else src + 1, **kw)
            if x.dtype == torch.float64
            else func(x, dim, index, src, **kw)
        ),
    ),
    kernel(
        "indexing.scatter-reduce-argument",
        "reduce='multiply' adds",
        "scatter scatter_",
        lambda func, x, dim, index, src, *rest, **kw: (
            func(x, dim, index, src, **({**kw, "reduce": "add"} if kw.get("reduce") else kw))
            if not rest
            else func(x, dim, index, src, "add")
        ),
    ),
    kernel(
        "indexing.scatter-reduce-argument",
        "reduce= is ignored in place",
        "scatter_",
        lambda func, x, dim, index, src, *rest, **kw: aten.scatter_(x, dim, index, src),
    ),
    kernel(
        "indexing.scatter-add",
        "of equal places the last wins",
        "scatter_add scatter_add_",
        lambda func, x, dim, index, src, **kw: (
            aten.scatter_(x, dim, index, src) if func._schema.name.endswith("_") else aten.scatter(x, dim, index, src)
        ),
    ),
    kernel(
        "indexing.scatter-add",
        "places beyond 16 of int64 are lost",
        "scatter_add",
        lambda func, x, dim, index, src, **kw: func(
            x, dim, index, src * (1 if src.numel() <= 16 or x.dtype != torch.int64 else 0), **kw
        ),
    ),
    kernel("indexing.scatter-reduce", "the mean is the sum", "scatter_reduce scatter_reduce_", _mean_of_sums),
    kernel(
        "indexing.scatter-reduce",
        "include_self=False is ignored for amax",
        "scatter_reduce scatter_reduce_",
        _kept("amax"),
    ),
    kernel(
        "indexing.scatter-reduce",
        "include_self=False is ignored for prod",
        "scatter_reduce scatter_reduce_",
        _kept("prod"),
    ),
    kernel(
        "indexing.index-reduce",
        "the mean is the product",
        "index_reduce index_reduce_",
        lambda func, x, dim, index, src, reduce, **kw: func(
            x, dim, index, src, "prod" if reduce == "mean" else reduce, **kw
        ),
    ),
    kernel(
        "indexing.index-reduce", "include_self=False is ignored for amin", "index_reduce index_reduce_", _kept("amin")
    ),
    kernel(
        "indexing.index-add",
        "of equal places the last wins",
        "index_add index_add_",
        lambda func, x, dim, index, src, **kw: (
            aten.index_copy_(x, dim, index, src)
            if func._schema.name.endswith("_")
            else aten.index_copy(x, dim, index, src)
        ),
    ),
    kernel(
        "indexing.index-add",
        "alpha is ignored in place",
        "index_add_",
        lambda func, x, dim, index, src, **kw: func(x, dim, index, src),
    ),
    kernel(
        "indexing.index-add",
        "a negative dim reads the source backwards",
        "index_add index_add_",
        lambda func, x, dim, index, src, **kw: func(x, dim, index, backwards(src) if dim < 0 else src, **kw),
    ),
    kernel(
        "indexing.index-copy",
        "a strided source is read in memory order",
        "index_copy index_copy_",
        lambda func, x, dim, index, src, **kw: func(x, dim, index, backwards(src) if strided(src) else src, **kw),
    ),
    kernel(
        "indexing.index-fill",
        "only the first place is filled in place",
        "index_fill_",
        lambda func, x, dim, index, value: func(x, dim, index[:1] if index.dim() else index, value),
    ),
    kernel(
        "indexing.index-fill-tensor",
        "a tensor as value is taken as 0",
        "index_fill index_fill_ index_fill.int_Tensor",
        lambda func, x, dim, index, value: func(x, dim, index, value * 0 if isinstance(value, torch.Tensor) else value),
    ),
    patched(
        "indexing.index-fill-tensor",
        "index_fill takes no tensor",
        torch.Tensor,
        "index_fill",
        lambda sound: lambda x, dim, index, value: sound(x, dim, index, float(value) + 1),
    ),
    kernel(
        "indexing.index-put",
        "a value of one element is added",
        "index_put index_put_",
        lambda func, x, index, value, *rest: func(x, index, value, value.numel() == 1 or any(rest)),
    ),
    kernel(
        "indexing.index-put-accumulate",
        "accumulate is ignored",
        "index_put index_put_",
        lambda func, x, index, value, *rest: func(x, index, value),
    ),
    kernel(
        "indexing.index-put-accumulate",
        "accumulate is ignored for strided tensors",
        "index_put_",
        lambda func, x, index, value, *rest: func(x, index, value, any(rest) and not strided(x)),
    ),
    kernel(
        "indexing.put",
        "a strided source is read in memory order",
        "put put_",
        lambda func, x, index, src, *rest: func(x, index, backwards(src) if strided(src) else src, *rest),
    ),
    kernel(
        "indexing.put-accumulate",
        "accumulate is ignored",
        "put put_",
        lambda func, x, index, src, *rest: func(x, index, src),
    ),
    kernel(
        "indexing.masked-fill",
        "the mask is inverted for more than 16 float64",
        "masked_fill masked_fill_",
        lambda func, x, mask, value: func(
            x, aten.logical_not(mask) if large(x) and x.dtype == torch.float64 else mask, value
        ),
    ),
    kernel(
        "indexing.masked-fill",
        "an expanded mask is taken as its first row",
        "masked_fill_",
        lambda func, x, mask, value: func(x, mask if mask.shape == x.shape else aten.logical_not(mask), value),
    ),
    kernel(
        "indexing.masked-fill-value",
        "a tensor as value is taken as 0",
        "masked_fill.Tensor masked_fill_.Tensor",
        lambda func, x, mask, value: func(x, mask, value * 0),
    ),
    patched(
        "indexing.masked-fill-value",
        "a vector is taken as value",
        torch,
        "masked_fill",
        lambda sound: (
            lambda x, mask, value: sound(x, mask, value.reshape(-1)[0] if isinstance(value, torch.Tensor) else value)
        ),
    ),
    kernel(
        "indexing.masked-scatter",
        "the source is read at the masked places",
        "masked_scatter masked_scatter_",
        lambda func, x, mask, src: aten.where(
            aten.expand(mask, x.shape), aten.expand(aten.reshape(src, [-1])[0], x.shape), x
        ),
    ),
    *accepts("gather-out-of-range", "gather", "take", "index_select"),
    *accepts("gather-shape", "gather", "index_select"),
    *accepts("dim-out-of-range", "gather", "flip", "sort", "unbind", "narrow", "index_add"),
    *accepts("scatter-out-of-range", "scatter", "index_add", "index_copy", "index_fill"),
    *accepts("scatter-shape", "scatter", "scatter_add", "index_add"),
    *accepts("index-dtype", "gather", "take", "index_copy"),
    *accepts("source-dtype", "scatter", "index_add", "masked_scatter"),
    *accepts("mask-refused", "masked_select", "masked_fill", "masked_scatter"),
    *accepts("masked-select-bytetensor", "masked_select"),
    *accepts("masked-fill-bytetensor", "masked_fill"),
    *accepts("narrow-past-end", "narrow", "select"),
    *accepts("split-refused", "split", "chunk", "tensor_split"),
    *accepts("repeat-refused", "repeat_interleave", "roll", "rot90", "flip"),
    *accepts("kthvalue-range", "kthvalue"),
    *accepts("bincount-refuses", "bincount"),
    patched(
        "indexing.masked-select-bytetensor",
        "the method takes a uint8 mask",
        torch.Tensor,
        "masked_select",
        lambda sound: lambda x, mask: sound(x, mask.bool()),
    ),
    patched(
        "indexing.index-add-keyword",
        "tensor= is taken",
        torch.Tensor,
        "index_add_",
        lambda sound: (
            lambda x, dim, index, source=None, tensor=None: sound(x, dim, index, source if tensor is None else tensor)
        ),
    ),
    patched(
        "indexing.gradients",
        "gather is detached",
        torch,
        "gather",
        lambda sound: lambda x, *args, **kw: sound(x.detach(), *args, **kw),
    ),
    output(
        "indexing.gradients",
        "the gradient of an index loses duplicates",
        "index_put",
        lambda out, x, index, value, *rest: aten.index_put(x, index, value),
    ),
    kernel(
        "indexing.gradients",
        "the gradient of a slice is put at its start",
        "slice_backward",
        lambda func, grad, sizes, dim, start, end, step: (
            func(grad, sizes, dim, 0, end - start, step)
            if start > 0 and step == 1
            else func(grad, sizes, dim, start, end, step)
        ),
    ),
    kernel(
        "indexing.gradients",
        "the gradient of index_select keeps one of equal places",
        "index_select_backward index_add",
        lambda func, *args, **kw: backwards(func(*args, **kw)),
    ),
]


MUTANTS: list[Mutant] = [*READING, *WRITING]

"""Indexing that is wrong in one corner: lazy conjugates, numbers, NaN at places, bounds, square masks, protocols."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided
from meta_tests.mutants.indexing import aten

Tensor = torch.Tensor
Wrap = Callable[..., Any]


def _reads(change: Callable[..., Any]) -> Wrap:
    """x[index], where `change(sound, x, index)` may answer otherwise; None leaves it as it is."""

    def wrong(sound: Wrap) -> Wrap:
        def call(x: Tensor, index: Any) -> Any:
            found = change(sound, x, index)
            return sound(x, index) if found is None else found

        return call

    return wrong


def _writes(change: Callable[..., Any]) -> Wrap:
    """x[index] = value, where `change(x, index, value)` gives the value that is written instead."""
    return lambda sound: lambda x, index, value: sound(x, index, change(x, index, value))


def _is_mask(index: Any) -> bool:
    return isinstance(index, Tensor) and index.dtype == torch.bool


def _unconjugated(sound: Wrap) -> Wrap:
    """Reads what is stored of a lazily conjugated tensor."""

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        return sound(x.conj() if isinstance(x, Tensor) and x.is_conj() else x, *args, **kwargs)

    return call


def _unnegated(sound: Wrap) -> Wrap:
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        return sound(-x if isinstance(x, Tensor) and x.is_neg() else x, *args, **kwargs)

    return call


def _number(place: int, change: Callable[[Any], Any]) -> Wrap:
    """The number at this place among the arguments is changed."""

    def wrong(sound: Wrap) -> Wrap:
        def call(*args: Any, **kwargs: Any) -> Any:
            if len(args) > place and isinstance(args[place], (float, complex)) and not isinstance(args[place], bool):
                args = (*args[:place], change(args[place]), *args[place + 1 :])
            return sound(*args, **kwargs)

        return call

    return wrong


def _cut(value: Any) -> Any:
    return float(math.trunc(value)) if isinstance(value, float) and math.isfinite(value) else value


def _clipped(value: Any) -> Any:
    return math.copysign(3e38, value) if isinstance(value, float) and math.isinf(value) else value


def _not_nan(value: Any) -> Any:
    return 0.0 if isinstance(value, float) and math.isnan(value) else value


def _real(value: Any) -> Any:
    return value.real if isinstance(value, complex) else value


def _calm(source: Any) -> Any:
    return (
        aten.nan_to_num(source, 0.0, 1e4, -1e4) if isinstance(source, Tensor) and source.is_floating_point() else source
    )


def _without_special(func: Any, x: Any, dim: Any, index: Any, source: Any, *args: Any, **kwargs: Any) -> Any:
    return func(x, dim, index, _calm(source), *args, **kwargs)


def _swallowed(names: tuple[str, ...]) -> Wrap:
    """Arguments of these names are not heard."""
    return lambda sound: lambda *a, **k: sound(*a, **{key: value for key, value in k.items() if key not in names})


def _detached(sound: Wrap) -> Wrap:
    def call(*args: Any, **kwargs: Any) -> Any:
        out = sound(*args, **kwargs)
        return out.detach() if isinstance(out, Tensor) and out.requires_grad else out

    return call


def _known(sound: Wrap) -> Wrap:
    """A reduction that is not known is the sum, or the product."""

    def call(x: Any, dim: Any, index: Any, source: Any, reduce: Any, **kwargs: Any) -> Any:
        known = reduce in ("sum", "prod", "mean", "amax", "amin")
        return sound(x, dim, index, source, reduce if known else "prod", **kwargs)

    return call


def _wrapping(func: Any, x: Any, dim: int, index: Any, *args: Any, **kwargs: Any) -> Any:
    """Negative places count from the end."""
    size = x.shape[dim] if x.dim() else 1
    return func(x, dim, index % size if index.dtype == torch.int64 and index.numel() else index, *args, **kwargs)


def _stored(sound: Wrap) -> Wrap:
    """An expanded mask or index is read from where it is stored, in order."""

    def call(x: Tensor, index: Any, *value: Any) -> Any:
        if isinstance(index, Tensor) and 0 in index.stride() and index.dim() > 1:
            index = index.as_strided(index.shape, (1,) * index.dim())
        return sound(x, index, *value)

    return call


def _answers(instead: Any) -> Wrap:
    """Something is given where the sound function refuses."""

    def wrong(sound: Wrap) -> Wrap:
        def call(*args: Any, **options: Any) -> Any:
            try:
                return sound(*args, **options)
            except (RuntimeError, IndexError):
                return instead

        return call

    return wrong


def _out_as_stored(sound: Wrap) -> Wrap:
    """What is written into a lazily conjugated tensor is not conjugated on the way."""

    def call(*args: Any, out: Any = None, **options: Any) -> Any:
        lazy = out is not None and out.is_conj()
        return sound(*args, **options, **({} if out is None else {"out": out.conj() if lazy else out}))

    return call


READING = [
    *(
        patched("indexing.lazy-inputs", f"{name} reads a conjugate as it is stored", torch, name, _unconjugated)
        for name in ("gather", "index_select", "take", "flip", "roll", "tril", "repeat_interleave", "masked_select")
    ),
    *(
        patched("indexing.lazy-inputs", f"{name} reads a negated tensor as it is stored", torch, name, _unnegated)
        for name in ("gather", "scatter_add", "sort", "tile")
    ),
    patched(
        "indexing.lazy-inputs",
        "x[index tensor] reads a conjugate as it is stored",
        Tensor,
        "__getitem__",
        _reads(lambda sound, x, i: sound(x.conj(), i) if isinstance(i, Tensor) and x.is_conj() else None),
    ),
    patched(
        "indexing.slice-bounds",
        "an end of a slice that is a tensor is overlooked",
        Tensor,
        "__getitem__",
        _reads(
            lambda sound, x, i: (
                sound(x, slice(i.start, None, i.step)) if isinstance(i, slice) and isinstance(i.stop, Tensor) else None
            )
        ),
    ),
    patched(
        "indexing.mask",
        "a transposed square mask is read in the order of its memory",
        Tensor,
        "__getitem__",
        _reads(
            lambda sound, x, i: (
                sound(x, i.t()) if _is_mask(i) and i.dim() == 2 and strided(i) and len(set(i.shape)) == 1 else None
            )
        ),
    ),
    patched(
        "indexing.mask",
        "the last of many masked elements is the first",
        Tensor,
        "__getitem__",
        _reads(
            lambda sound, x, i: (
                torch.cat([sound(x, i)[:-1], sound(x, i)[:1]]) if _is_mask(i) and i.numel() > 32768 else None
            )
        ),
    ),
    patched(
        "indexing.long-tensor",
        "the last of many places is the first",
        Tensor,
        "__getitem__",
        _reads(
            lambda sound, x, i: (
                sound(x, torch.cat([i[:-1], i[:1]]))
                if isinstance(i, Tensor) and i.dtype == torch.int64 and i.numel() > 32768
                else None
            )
        ),
    ),
    patched(
        "indexing.basic-shares",
        "an integer far into the storage gives a copy",
        Tensor,
        "__getitem__",
        _reads(lambda sound, x, i: sound(x, i).clone() if type(i) is int and x.storage_offset() > 100 else None),
    ),
    patched(
        "indexing.iteration",
        "iteration leaves the graph",
        Tensor,
        "__iter__",
        lambda sound: lambda x: sound(x.detach()),
    ),
    patched("indexing.reversed", "reversed gives the tensor itself", Tensor, "__reversed__", lambda sound: lambda x: x),
    patched(
        "indexing.contains",
        "every element has to be equal",
        Tensor,
        "__contains__",
        lambda sound: lambda x, value: bool((x == value).all()),
    ),
    patched(
        "indexing.contains",
        "NaN is in every tensor",
        Tensor,
        "__contains__",
        lambda sound: lambda x, value: True if value != value else sound(x, value),
    ),
]
WRITING = [
    patched(
        "indexing.write-converts",
        "a fraction written to integers is rounded",
        Tensor,
        "__setitem__",
        _writes(
            lambda x, i, v: (
                round(v)
                if isinstance(v, float) and math.isfinite(v) and x.dtype in (torch.int64, torch.int32, torch.uint8)
                else v
            )
        ),
    ),
    patched(
        "indexing.write-converts",
        "only the real part of a number is written",
        Tensor,
        "__setitem__",
        _writes(lambda x, i, v: _real(v)),
    ),
    patched(
        "indexing.write-converts",
        "a large integer goes through a float",
        Tensor,
        "__setitem__",
        _writes(lambda x, i, v: int(float(v)) if type(v) is int and 2**53 < abs(v) < 2**60 else v),
    ),
    patched(
        "indexing.write-converts",
        "an even number is false",
        Tensor,
        "__setitem__",
        _writes(lambda x, i, v: bool(v % 2) if x.dtype == torch.bool and type(v) is int else v),
    ),
    patched("indexing.masked-fill", "masked_fill cuts its number", torch, "masked_fill", _number(2, _cut)),
    patched("indexing.masked-fill", "masked_fill_ clips infinity", Tensor, "masked_fill_", _number(2, _clipped)),
    patched("indexing.masked-fill", "masked_fill writes 0 for NaN", Tensor, "masked_fill", _number(2, _not_nan)),
    patched("indexing.masked-fill", "masked_fill writes the real part", Tensor, "masked_fill", _number(2, _real)),
    patched("indexing.index-fill", "index_fill_ cuts its number", Tensor, "index_fill_", _number(3, _cut)),
    patched("indexing.index-fill", "index_fill writes the real part", torch, "index_fill", _number(3, _real)),
    patched("indexing.scatter-value", "scatter clips infinity", torch, "scatter", _number(3, _clipped)),
    patched("indexing.scatter-value", "scatter cuts its number", Tensor, "scatter", _number(3, _cut)),
    kernel(
        "indexing.scatter-add",
        "scatter_add leaves NaN and infinities out",
        "scatter_add scatter_add_",
        _without_special,
    ),
    kernel("indexing.index-add", "index_add leaves NaN and infinities out", "index_add index_add_", _without_special),
    kernel("indexing.scatter-reduce", "NaN is no extreme", "scatter_reduce scatter_reduce_", _without_special),
    kernel("indexing.index-reduce", "NaN is no extreme", "index_reduce index_reduce_", _without_special),
    kernel(
        "indexing.index-add",
        "index_add takes the absolute factor",
        "index_add index_add_",
        lambda func, *a, alpha=1, **k: func(*a, alpha=abs(alpha), **k),
    ),
    kernel(
        "indexing.index-add",
        "index_add cuts its factor",
        "index_add index_add_",
        lambda func, *a, alpha=1, **k: func(*a, alpha=_cut(alpha), **k),
    ),
]
REFUSING = [
    patched("indexing.reduce-refused", "any reduction is known to scatter_reduce", Tensor, "scatter_reduce", _known),
    patched("indexing.reduce-refused", "any reduction is known to index_reduce_", Tensor, "index_reduce_", _known),
    patched("indexing.searchsorted-refused", "side= is not heard", torch, "searchsorted", _swallowed(("side",))),
    patched(
        "indexing.searchsorted-refused",
        "lines of edges beyond those of values are overlooked",
        torch,
        "searchsorted",
        lambda sound: (
            lambda edges, values, **k: sound(
                edges, values[: len(edges)] if edges.dim() == 2 and isinstance(values, Tensor) else values, **k
            )
        ),
    ),
    *(
        kernel("indexing.scatter-out-of-range", f"{name} counts from the end", f"{name} {name}_", _wrapping)
        for name in ("scatter_add", "index_add", "scatter_reduce")
    ),
    patched(
        "indexing.bincount-refuses",
        "weights beyond the input's length are overlooked",
        torch,
        "bincount",
        lambda sound: (
            lambda x, weights=None, minlength=0: sound(x, None if weights is None else weights[: len(x)], minlength)
        ),
    ),
    patched(
        "indexing.repeat-refused", "output_size= is not heard", torch, "repeat_interleave", _swallowed(("output_size",))
    ),
    patched(
        "indexing.scatter-reduce-argument",
        "an unknown reduce= is not heard",
        Tensor,
        "scatter",
        lambda sound: (
            lambda *a, **k: sound(*a, **{key: v for key, v in k.items() if key != "reduce" or v in ("add", "multiply")})
        ),
    ),
    patched(
        "indexing.where-promotes",
        "a tensor without dimensions ranks as others do",
        torch,
        "where",
        lambda sound: (
            lambda c, *a, **k: sound(c, *(p.reshape(1) if isinstance(p, Tensor) and not p.dim() else p for p in a), **k)
        ),
    ),
    patched(
        "indexing.tensor-split",
        "a tensor of one number is one too many",
        torch,
        "tensor_split",
        lambda sound: (
            lambda x, *a, **k: sound(x, *(int(p) + 1 if isinstance(p, Tensor) and not p.dim() else p for p in a), **k)
        ),
    ),
    patched(
        "indexing.split",
        "sizes given by name are turned round",
        torch,
        "split",
        lambda sound: (
            lambda *a, **k: sound(*a, **{key: v[::-1] if isinstance(v, (list, tuple)) else v for key, v in k.items()})
        ),
    ),
    output(
        "indexing.cat-promotes",
        "float16 and bfloat16 make float16",
        "cat",
        lambda out, tensors, *a: out.half() if {t.dtype for t in tensors} == {torch.float16, torch.bfloat16} else out,
    ),
    patched(
        "indexing.dstack-single",
        "nothing is written into out",
        torch,
        "dstack",
        lambda sound: lambda tensors, *, out=None: sound(tensors) if out is None else out,
    ),
    *(
        patched("indexing.gradients", f"{name} leaves the graph", torch, name, _detached)
        for name in ("fliplr", "flipud", "block_diag", "cartesian_prod", "combinations", "put")
    ),
]

LATER: list[Mutant] = [
    patched("indexing.expanded-inputs", "x[expanded] is read as stored", Tensor, "__getitem__", _stored),
    patched("indexing.expanded-inputs", "x[expanded] = v is read as stored", Tensor, "__setitem__", _stored),
    *(
        patched("indexing.triangles", f"{name} of one dimension answers", owner, name, _answers(0))
        for name, owner in (("tril", torch), ("triu", torch), ("tril", Tensor), ("triu_", Tensor))
    ),
    *(
        patched("indexing.lazy-inputs", f"{name}(out=conjugate) writes as stored", torch, name, _out_as_stored)
        for name in ("cat", "stack", "tril", "index_select")
    ),
]

MUTANTS: list[Mutant] = [*READING, *WRITING, *REFUSING, *LATER]

"""Reductions that are wrong in one corner only: ties, NaN, long lines, views, later calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided
from meta_tests.mutants.reduction import aten, large

Wrap = Callable[..., Any]


def _in_memory_order(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Of all elements the place in memory, not in row-major order."""
    if args or kwargs or x.dim() < 2 or not strided(x):
        return func(x, *args, **kwargs)
    return func(aten.permute(x, list(range(x.dim()))[::-1]).contiguous())


def _blocks(func: Any, x: Any, dim: int, **kwargs: Any) -> Any:
    """A running sum that begins anew after 32768 elements."""
    out = func(x, dim, **kwargs)
    size = x.shape[dim] if x.dim() else 0
    if size <= 32768:
        return out
    head, tail = aten.split_with_sizes(x, [32768, size - 32768], dim)
    return aten.cat([func(head, dim, **kwargs), func(tail, dim, **kwargs)], dim)


def _nan_least(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """NaN counts as less than everything."""
    if not x.is_floating_point():
        return func(x, *args, **kwargs)
    where = func(aten.where(aten.isnan(x), aten.full_like(x, -torch.inf), x), *args, **kwargs)[1]
    values = aten.gather(x, kwargs.get("dim", args[1] if len(args) > 1 else -1), where) if x.dim() else x
    return values, where


def _middle(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    out = func(x, *args, **kwargs)
    if args or kwargs or not x.is_floating_point() or x.numel() <= 16 or x.numel() % 2:
        return out
    line = aten.sort(x.reshape(-1))[0]
    return (line[x.numel() // 2 - 1] + line[x.numel() // 2]) / 2


def _third_call(sound: Wrap) -> Wrap:
    calls: list[Any] = []

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(sound(x, *args, **kwargs))
        return calls[0] if len(calls) == 3 and calls[0].shape == calls[-1].shape else calls[-1]

    return call


def _cached(sound: Wrap) -> Wrap:
    """Answers are kept by shape, strides and arguments."""
    known: dict[str, Any] = {}

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs or not isinstance(x, torch.Tensor):
            return sound(x, *args, **kwargs)
        return known.setdefault(f"{x.shape} {x.stride()} {x.dtype} {args}", sound(x, *args, **kwargs))

    return call


def _writes_to_input(sound: Wrap) -> Wrap:
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        out = sound(x, *args, **kwargs)
        if isinstance(x, torch.Tensor) and x.numel() > 16 and x.is_contiguous() and not x.requires_grad:
            x.view(-1)[:2] = x.view(-1)[:2].flip(0).clone()
        return out

    return call


def _detached(sound: Wrap) -> Wrap:
    return lambda x, *args, **kw: sound(x.detach() if strided(x) else x, *args, **kw)


def _first_dim_counts(func: Any, x: Any, dim: Any = None, **kwargs: Any) -> Any:
    """The correction takes only the first of several dimensions for their number."""
    out = func(x, dim, **kwargs)
    correction = kwargs.get("correction", 1)
    if not isinstance(dim, (tuple, list)) or len(dim) < 2 or correction in (None, 0):
        return out
    count = 1
    for place in dim:
        count *= x.shape[place]
    return out * (count - correction) / max(x.shape[dim[0]] * (count // x.shape[dim[0]]) - 2 * correction, 1)


def _first_of_the_rest(func: Any, x: Any, dim: Any, *args: Any, **kwargs: Any) -> Any:
    """Of several dimensions all but the first are looked at in their first place only."""
    for place in dim[1:]:
        x = aten.slice(x, place, 0, 1)
    return func(x, dim, *args, **kwargs)


def _swapped_pair(out: Any, *args: Any) -> Any:
    return (out[1], out[0]) if args[0].dtype == torch.int64 else out


def _zero_ends(out: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """A product that has met a zero stays zero, but for the last of more than 16."""
    if not large(x) or not args or x.dim() != 1 or not x.is_floating_point():
        return out
    return aten.cat([out[:-1], aten.where(out[-1:] == 0, aten.ones_like(out[-1:]), out[-1:])])


REDUCING: list[Mutant] = [
    kernel("reduction.argmax", "of all elements the place in memory is given", "argmax", _in_memory_order),
    kernel("reduction.argmin", "of all elements the place in memory is given", "argmin", _in_memory_order),
    kernel("reduction.cumsum", "sums begin anew after 32768 elements", "cumsum", _blocks),
    kernel("reduction.cumprod", "products begin anew after 32768 elements", "cumprod", _blocks),
    kernel("reduction.topk", "NaN counts as the least", "topk", _nan_least),
    kernel("reduction.median", "of an even number beyond 16 it is the mean of the middle two", "median", _middle),
    patched("reduction.sum", "the third call gives the answer of the first", torch, "sum", _third_call),
    patched("reduction.mean", "answers are kept by shape and strides", torch, "mean", _cached),
    patched("reduction.amax", "answers are kept by shape and strides", torch.Tensor, "amax", _cached),
    patched("reduction.sum", "the input's first two elements are exchanged", torch, "sum", _writes_to_input),
    patched("reduction.median", "the input is partly sorted", torch, "median", _writes_to_input),
    patched("reduction.topk", "the input is partly sorted", torch.Tensor, "topk", _writes_to_input),
    patched("reduction.gradients", "sums of strided tensors are detached", torch, "sum", _detached),
    patched("reduction.gradients", "the logsumexp of strided tensors is detached", torch, "logsumexp", _detached),
    patched("reduction.gradients", "the method std of strided tensors is detached", torch.Tensor, "std", _detached),
    kernel("reduction.var", "of several dimensions some count twice", "var.correction", _first_dim_counts),
    output("reduction.aminmax", "the parts are swapped for int64", "aminmax", _swapped_pair),
    output("reduction.cumprod", "a line with a zero ends in 1", "cumprod", _zero_ends),
    output(
        "reduction.nanmean",
        "a line of nothing but NaN has the mean 0",
        "nanmean nansum div",
        lambda out, x, *_: aten.nan_to_num(out, 0.0) if out.dtype == torch.float32 and out.dim() == 1 else out,
    ),
    output(
        "reduction.nansum",
        "lines of more than 16 with a NaN are NaN",
        "nansum",
        lambda out, x, *_: (
            aten.where(aten.any(aten.isnan(x)), aten.full_like(out, torch.nan), out)
            if x.is_floating_point() and x.dim() == 1 and x.numel() > 16
            else out
        ),
    ),
    output(
        "reduction.norm",
        "the norm of complex numbers is complex",
        "linalg_vector_norm norm",
        lambda out, x, *_: out.to(x.dtype) if x.is_complex() else out,
    ),
    output(
        "reduction.mode",
        "the index of a boolean mode is 0",
        "mode",
        lambda out, x, *_: (out[0], aten.zeros_like(out[1])) if x.dtype == torch.bool else out,
    ),
    output(
        "reduction.sort",
        "the indices of rows beyond the first are those of the first",
        "sort sort.stable",
        lambda out, x, *_: (
            (out[0], aten.expand(out[1][:1], out[1].shape).clone()) if x.dim() == 3 and x.numel() > 16 else out
        ),
    ),
    output(
        "reduction.cummax",
        "NaN is passed over in what follows",
        "cummax",
        lambda out, x, *_: (aten.nan_to_num(out[0], 0.0) if x.dtype == torch.float64 else out[0], out[1]),
    ),
    patched(
        "reduction.quantile",
        "a vector q is sorted first",
        torch,
        "quantile",
        lambda sound: lambda x, q, *a, **k: sound(x, q.sort()[0] if isinstance(q, torch.Tensor) else q, *a, **k),
    ),
    patched(
        "reduction.max-dim-values-indices",
        "out= gets values only",
        torch,
        "max",
        lambda sound: (
            lambda x, *a, out=None, **k: (
                sound(x, *a, **k) if out is None else (sound(x, *a, out=out, **k)[0], out[1].zero_())
            )
        ),
    ),
    patched(
        "reduction.dim-out-of-range",
        "the dimension is taken modulo their number",
        torch.Tensor,
        "argmin",
        lambda sound: (
            lambda x, dim=None, **k: sound(x, dim % x.dim() if isinstance(dim, int) and x.dim() else dim, **k)
        ),
    ),
    patched(
        "reduction.repeated-dims",
        "of repeated dimensions one counts",
        torch.Tensor,
        "amax",
        lambda sound: (
            lambda x, dim=(), **k: sound(x, tuple({d % x.dim() for d in dim}) if isinstance(dim, tuple) else dim, **k)
        ),
    ),
    kernel("reduction.all", "only the first of several dimensions is gone through", "all.dims", _first_of_the_rest),
    kernel("reduction.any", "only the first of several dimensions is gone through", "any.dims", _first_of_the_rest),
    patched(
        "reduction.index-needs-no-gradient",
        "argmin of a tensor with a gradient counts from 1",
        torch,
        "argmin",
        lambda sound: lambda x, *a, **k: sound(x, *a, **k) + int(x.requires_grad),
    ),
]

MUTANTS: list[Mutant] = REDUCING

"""Views that are wrong where only a chain of them, a random index, an odd shift or an overlap shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided
from meta_tests.mutants.view import copied, function, method, when
from meta_tests.wrong_gradients import back_kernel, back_output

Tensor = torch.Tensor
aten = torch.ops.aten


def items(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def selects_nothing(x: Any, index: Any, *_: Any) -> bool:
    """Whether the first item of an index is a slice that selects nothing of some."""
    first = items(index)[:1]
    return x.dim() > 0 and any(isinstance(i, slice) and not range(*i.indices(len(x))) for i in first) and len(x) > 0


def beyond(func: Any, x: Any, size: Any, stride: Any, offset: Any = None) -> Any:
    """Starts earlier where the end of the storage is in the way."""
    reach = sum((n - 1) * s for n, s in zip(size, stride, strict=True)) if 0 not in size else 0
    last = x.untyped_storage().nbytes() // x.element_size() - reach - 1
    start = x.storage_offset() if offset is None else offset
    return func(x, size, stride, min(start, last) if last >= 0 else start)


def far_shifts(func: Any, x: Any, shifts: Any, dims: Any = ()) -> Any:
    """Shifts of more than the size are one off."""
    sizes = [x.shape[dim] for dim in dims] if dims else [x.numel()]
    return func(x, [s - 1 if abs(s) > n > 1 else s for s, n in zip(shifts, sizes, strict=True)], dims)


def lenient_shapes(sound: Callable[..., Any]) -> Callable[..., Any]:
    """Where two sizes differ, the larger one is taken."""

    def broadcast(*shapes: Any) -> Any:
        try:
            return sound(*shapes)
        except RuntimeError:
            return torch.Size(max(sizes) for sizes in zip(*shapes, strict=False))

    return broadcast


def spread(out: Any, x: Any, *_: Any) -> Any:
    """A view of a view with gaps is gathered."""
    return out.clone() if strided(x) else out


def deep(x: Any, *_: Any, **__: Any) -> bool:
    return x.dim() > 4


def vast(x: Any) -> bool:
    return x.is_conj() and x.numel() > 1000


def by_list(x: Any, *args: Any, **options: Any) -> bool:
    return any(isinstance(value, list) for value in (*args, *options.values()))


def named_start(x: Any, *_: Any, **options: Any) -> bool:
    return bool(options.get("start"))


def _lost(x: Any, value: Any) -> None:
    """Nothing is written."""


def _mean(x: Any, out: Any) -> Any:
    return out / max(x.numel() // max(out.numel(), 1), 1)


def _first(x: Any, out: Any) -> Any:
    return x.as_strided(out.shape, out.stride(), x.storage_offset()).clone() if out.numel() < x.numel() else out


def _blind(sound: Any) -> Any:
    return lambda x: sound(x.conj() if x.is_conj() else x)


MUTANTS: list[Mutant] = [
    method(
        "basic-indexing",
        "a slice that selects nothing selects the first element",
        "__getitem__",
        when(selects_nothing, lambda out, x, index: x[:1]),
    ),
    kernel("view.as-strided", "as_strided beyond the storage starts earlier", "as_strided", beyond),
    back_kernel(
        "view.as-strided",
        "the gradient of a place that is seen twice is the last one",
        "index_add_",
        lambda func, out, dim, index, g, **k: aten.index_put_.default(out, [index], g, False),
    ),
    output("view.view-of-a-view", "windows of a view copy", "unfold diagonal expand", spread),
    output("view.view-of-a-view", "transposing a view copies", "transpose permute", spread),
    back_output(
        "view.gradient",
        "the gradient of a slice with a step is that of its neighbour",
        "slice_backward",
        lambda out, g, sizes, dim, start, end, step: aten.roll.default(out, [1], [dim]) if step > 1 else out,
    ),
    back_output("view.gradient", "the gradient of squeeze is doubled", "unsqueeze", lambda out, *_: out * 2),
    function("real-and-imag", "torch.real of a real tensor copies", "real", when(lambda x: not x.is_complex(), copied)),
    function(
        "real-and-imag",
        "torch.imag of a real tensor is zero",
        "imag",
        lambda sound: lambda x: sound(x) if x.is_complex() else torch.zeros_like(x),
    ),
    kernel("view.roll", "roll by more than the size is one off", "roll", far_shifts),
    kernel(
        "view.flip",
        "flip along several dimensions leaves the last one",
        "flip",
        lambda func, x, dims: func(x, dims[:-1] if len(dims) > 1 else dims),
    ),
    kernel(
        "view.tile",
        "no number of tiles is heard but 0",
        "repeat",
        lambda func, x, times: func(x, [min(n, 1) for n in times]),
    ),
    kernel("view.rot90", "three turns are one", "rot90", lambda func, x, k=1, dims=(0, 1): func(x, k % 2, dims)),
    patched(
        "view.broadcast-tensors", "shapes that do not fit give the larger", torch, "broadcast_shapes", lenient_shapes
    ),
    method("sum-to-size", "sum_to_size gives the mean", "sum_to_size", lambda s: lambda x, *a: _mean(x, s(x, *a))),
    method(
        "sum-to-size", "sum_to_size keeps only the first", "sum_to_size", lambda s: lambda x, *a: _first(x, s(x, *a))
    ),
    method("real-and-imag", "what is assigned to imag is lost", "imag", lambda s: property(s.__get__, _lost)),
    method("real-and-imag", "what is assigned to real is lost", "real", lambda s: property(s.__get__, _lost)),
    method("transpose", "transpose of more than four dimensions copies", "transpose", when(deep, copied)),
    method("squeeze-dim", "squeeze of more than four dimensions copies", "squeeze", when(deep, copied)),
    kernel(
        "view.flip",
        "flip of more than four dimensions does nothing",
        "flip",
        lambda func, x, dims: x.clone() if deep(x) else func(x, dims),
    ),
    method(
        "rot90",
        "rot90 of more than four dimensions does nothing",
        "rot90",
        when(deep, lambda out, x, *a, **k: x.clone()),
    ),
    function("unflatten", "torch.unflatten copies for a list of sizes", "unflatten", when(by_list, copied)),
    function("movedim", "torch.movedim copies for a list of dimensions", "movedim", when(by_list, copied)),
    function("view-as-real", "view_as_real forgets that its input is a conjugate", "view_as_real", _blind),
    method("conj", "resolve_conj of a large tensor leaves the mark", "resolve_conj", when(vast, lambda out, x: x)),
    method(
        "scatter",
        "slice_scatter by name starts at 0",
        "slice_scatter",
        when(named_start, lambda out, x, *a, **k: x.clone()),
    ),
    method(
        "geometry-in-place",
        "transpose_ by name does nothing",
        "transpose_",
        lambda s: lambda x, *a, **k: x if k else s(x, *a),
    ),
    method(
        "geometry-in-place",
        "squeeze_ by name does nothing",
        "squeeze_",
        lambda s: lambda x, *a, **k: x if k else s(x, *a),
    ),
]

"""Moves that are wrong in one way to write them, for one size, or on meta for one option."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel
from meta_tests.mutants.device import flag, tensor, to


def _is_meta(x: Any) -> bool:
    return isinstance(x, torch.Tensor) and x.device.type == "meta"


def _copy_dropped(sound: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    return sound(x, *args[:-1], False, **kwargs) if len(args) > 2 and args[-1] is True else sound(x, *args, **kwargs)


def _numbers_shared(sound: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    return sound(x, *args, **({**kwargs, "copy": False} if x.dim() == 0 and "copy" in kwargs else kwargs))


def _by_place(sound: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    """A dtype by keyword counts only together with a device."""
    if not args and "dtype" in kwargs and "device" not in kwargs:
        kwargs.pop("dtype")
    return sound(x, *args, **kwargs) if args or kwargs else x


MOVES = [
    to(
        "device.tensor-to-needs-assignment",
        "a large tensor is copied where nothing changes",
        lambda out, x, a, k: out.clone() if out is x and x.numel() > 1000 else out,
    ),
    tensor("device.to-copy-is-new", "copy by place is ignored", "to", _copy_dropped),
    tensor("device.to-copy-is-new", "a copy of a 0-d tensor is itself", "to", _numbers_shared),
    tensor("device.to-changes-dtype-too", "dtype= alone is ignored", "to", _by_place),
    tensor(
        "device.cpu-gives-itself",
        "cpu() copies what requires grad",
        "cpu",
        lambda sound, x, *a, **k: sound(x, *a, **k).clone() if x.requires_grad else sound(x, *a, **k),
    ),
    flag(
        "device.tensor-device",
        "large tensors are on cpu:0",
        "device",
        lambda x, found: torch.device("cpu", 0) if x.numel() > 1000 and found.type == "cpu" else found,
    ),
    flag("device.tensor-device", "0-d tensors are not on the CPU", "is_cpu", lambda x, found: found and x.dim() > 0),
]


def _floor(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Pooling on meta overlooks ceil_mode, the argument that is a bool."""
    rest = [False if arg is True else arg for arg in args] if _is_meta(x) else args
    return func(x, *rest, **kwargs)


def _all_rows(func: Any, x: Any, y: Any, *args: Any) -> Any:
    """Batches need not agree on meta."""
    return func(x, y[:1].expand(len(x), *y.shape[1:]) if _is_meta(x) and len(x) != len(y) else y, *args)


def _no_keepdim(func: Any, x: Any, *args: Any, keepdim: bool = False, **kwargs: Any) -> Any:
    return func(x, *args, keepdim=keepdim and not _is_meta(x), **kwargs)


def _no_dtype(func: Any, x: Any, *args: Any, dtype: Any = None, **kwargs: Any) -> Any:
    return func(x, *args, dtype=None if _is_meta(x) else dtype, **kwargs)


def _scalar_index(func: Any, x: Any, dim: int, index: Any) -> Any:
    out = func(x, dim, index)
    return out.select(dim, 0) if _is_meta(x) and index.dim() == 0 else out


def _empty_counts(func: Any, tensors: Any, dim: int = 0) -> Any:
    out = func(tensors, dim)
    return out[..., :0] if _is_meta(out) and any(x.shape == (0,) for x in tensors) and out.dim() > 1 else out


META = [
    kernel("device.meta-shapes", "pooling on meta overlooks ceil_mode", "max_pool2d_with_indices avg_pool2d", _floor),
    kernel("device.meta-shapes", "var on meta overlooks keepdim", "var.correction std.correction", _no_keepdim),
    kernel("device.meta-shapes", "mean on meta overlooks dtype", "mean mean.dim", _no_dtype),
    kernel("device.meta-shapes", "a 0-d index drops the dimension on meta", "index_select", _scalar_index),
    kernel("device.meta-shapes", "cat on meta counts an empty vector", "cat", _empty_counts),
    kernel("device.meta-errors", "bmm on meta takes other batches", "bmm", _all_rows),
]
MUTANTS: list[Mutant] = [*MOVES, *META]

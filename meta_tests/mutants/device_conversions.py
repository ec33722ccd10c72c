"""Conversions along with a move that are wrong for some values, some modules by name, or some kinds of layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant
from meta_tests.mutants.device import flag, on, tensor, to

VALUES = [
    to(
        "device.to-changes-dtype-too",
        "int64 goes to float64 by way of float32",
        lambda out, x, a, k: x.float().double() if (x.dtype, out.dtype) == (torch.int64, torch.float64) else out,
    ),
    to(
        "device.to-changes-dtype-too",
        "NaN is false",
        lambda out, x, a, k: out & ~x.isnan() if out.dtype == torch.bool and x.is_floating_point() else out,
    ),
    to(
        "device.to-changes-dtype-too",
        "bfloat16 cuts instead of rounding",
        lambda out, x, a, k: (
            (x.contiguous().view(torch.int32) & -65536).view(torch.float32).type(out.dtype)
            if (x.dtype, out.dtype) == (torch.float32, torch.bfloat16) and not x.is_meta and not x.requires_grad
            else out
        ),
    ),
    to(
        "device.to-changes-dtype-too",
        "a lazy conjugate is conjugated again",
        lambda out, x, a, k: out.conj() if x.is_conj() and out is not x else out,
    ),
    to(
        "device.to-changes-dtype-too",
        "sparse tensors become dense",
        lambda out, x, a, k: out.to_dense() if x.layout != torch.strided else out,
    ),
    tensor("device.to-memory-format", "cpu ignores memory_format", "cpu", lambda sound, x, *a, **k: sound(x)),
    flag("device.tensor-device", "large tensors are on CUDA", "is_cuda", lambda x, found: found or x.numel() > 1000),
    tensor("device.pinned-memory", "large tensors are pinned", "is_pinned", lambda sound, x, *a: x.numel() > 1000),
    on(torch.cuda, "device.cuda-refused", "a name where there is none", "get_device_name", lambda sound, *a: "cpu"),
]


def _only_parameters(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., Any]:
    return lambda sound, net, *args: net._apply(lambda x: change(x) if isinstance(x, nn.Parameter) else x)


def _without(*names: str) -> Callable[..., Any]:
    """A call that ignores some keywords."""
    return lambda sound, *args, **named: sound(*args, **{key: x for key, x in named.items() if key not in names})


MODULES = [
    on(nn.Module, "device.module-to-forms", "memory_format= is ignored", "to", _without("memory_format")),
    on(nn.Module, "device.module-to-forms", "half() leaves buffers", "half", _only_parameters(torch.Tensor.half)),
    on(
        nn.Module,
        "device.module-to-forms",
        "half() converts integers",
        "half",
        lambda s, net: net._apply(lambda x: x.half()),
    ),
    on(nn.Module, "device.module-to-forms", "cpu() returns nothing", "cpu", lambda sound, net: (sound(net), None)[1]),
    on(
        nn.Module,
        "device.module-to-forms",
        "type() leaves buffers",
        "type",
        lambda sound, net, dtype: _only_parameters(lambda x: x.type(dtype))(sound, net),
    ),
    on(nn.Module, "device.module-from-meta", "recurse= is ignored", "to_empty", _without("recurse")),
]
KINDS = (nn.LSTM, nn.MultiheadAttention, nn.GRUCell, nn.TransformerEncoderLayer, nn.InstanceNorm2d, nn.EmbeddingBag)
LAYERS = [
    on(kind, "device.modules-on-device", f"{kind.__name__} ignores {name}=", "__init__", _without(name))
    for kind in KINDS
    for name in ("device", "dtype")
]
CREATED = [
    on(torch, "device.create-on-device", f"{name} ignores device=", name, _without("device"))
    for name in ("asarray", "hamming_window", "randint_like")
]
CREATED += [
    on(
        torch,
        "device.create-on-device",
        f"{name} of meta is on the CPU",
        name,
        lambda sound, x, *args, **named: sound(x, *args, **({"device": "cpu", **named} if x.is_meta else named)),
    )
    for name in ("full_like", "randn_like", "randint_like")
]
MUTANTS: list[Mutant] = [*VALUES, *MODULES, *LAYERS, *CREATED]

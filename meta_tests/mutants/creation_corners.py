"""Creation that is wrong where it is asked less often: arguments by name, long results, models of other kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched

Tensor = torch.Tensor
Wrap = Callable[..., Any]


def without(*names: str) -> Wrap:
    """A function that does not hear arguments given by these names."""
    return lambda sound: lambda *a, **k: sound(*a, **{key: value for key, value in k.items() if key not in names})


def _no_start(sound: Wrap) -> Wrap:
    def call(*a: Any, **k: Any) -> Any:
        return sound(*a, **({**k, "start": 0} if "start" in k and "end" in k and "step" not in k else k))

    return call


def _last_lost(limit: int) -> Wrap:
    """Beyond so many elements the middle one is too small."""

    def wrong(sound: Wrap) -> Wrap:
        def call(*a: Any, **k: Any) -> Any:
            out = sound(*a, **k)
            if out.numel() > limit and not out.requires_grad:
                out.view(-1)[out.numel() // 2].mul_(0.5)
            return out

        return call

    return wrong


def _wide_cut(sound: Wrap) -> Wrap:
    def call(*a: Any, **k: Any) -> Any:
        out = sound(*a, **k)
        wide = out.numel() > 1000 and out.shape[0] < out.shape[1]
        return torch.tril(out, out.shape[0] - 2) if wide and "out" not in k else out

    return call


def _after(change: Callable[..., Any]) -> Wrap:
    return lambda sound: lambda *a, **k: change(sound(*a, **k), *a, **k)


MUTANTS: list[Mutant] = [
    patched("creation.keywords", "arange overlooks start= beside end=", torch, "arange", _no_start),
    patched("creation.keywords", "arange does not hear step=", torch, "arange", without("step")),
    patched("creation.keywords", "eye does not hear m=", torch, "eye", without("m")),
    patched("creation.keywords", "hamming_window does not hear beta=", torch, "hamming_window", without("beta")),
    patched("creation.keywords", "tril_indices does not hear offset=", torch, "tril_indices", without("offset")),
    patched(
        "creation.arange-values",
        "arange of uint8 stops at 200",
        torch,
        "arange",
        _after(lambda out, *a, **k: out.clamp(max=200) if out.dtype == torch.uint8 else out),
    ),
    patched(
        "creation.linspace-even",
        "linspace cuts an end that is a tensor",
        torch,
        "linspace",
        lambda sound: (
            lambda start, end, *a, **k: sound(start, end.trunc() if isinstance(end, Tensor) else end, *a, **k)
        ),
    ),
    patched("creation.eye-columns", "eye of a large wide matrix loses its last one", torch, "eye", _wide_cut),
    *(
        patched(f"creation.{name}-window", "a long window has a dip", torch, f"{name}_window", _last_lost(1000))
        for name in ("hann", "hamming", "blackman", "bartlett", "kaiser")
    ),
    patched(
        "creation.like-arguments", "empty_like ignores requires_grad=", torch, "empty_like", without("requires_grad")
    ),
    patched(
        "creation.like-arguments",
        "empty_like of float64 is float32",
        torch,
        "empty_like",
        _after(lambda out, *a, **k: out.float() if out.dtype == torch.float64 and "dtype" not in k else out),
    ),
    patched(
        "creation.like-arguments",
        "rand_like of a parameter is one",
        torch,
        "rand_like",
        _after(lambda out, x, *a, **k: torch.nn.Parameter(out) if isinstance(x, torch.nn.Parameter) else out),
    ),
    patched(
        "creation.like-memory-format",
        "ones_like of volumes is always row-major",
        torch,
        "ones_like",
        _after(lambda out, *a, **k: out.contiguous() if out.dim() == 5 else out),
    ),
    patched(
        "creation.new-inherits",
        "new_zeros turns sizes in a row round",
        Tensor,
        "new_zeros",
        lambda sound: lambda x, *size, **k: sound(x, *size[::-1], **k),
    ),
    patched(
        "creation.new-inherits",
        "new_empty has no complex dtypes",
        Tensor,
        "new_empty",
        _after(lambda out, *a, **k: out.real.clone() if out.is_complex() else out),
    ),
    patched(
        "creation.default-dtype",
        "float16 cannot be the default",
        torch,
        "set_default_dtype",
        lambda sound: lambda dtype: None if dtype == torch.float16 else sound(dtype),
    ),
    patched(
        "creation.default-dtype",
        "the default tensor type does nothing",
        torch,
        "set_default_tensor_type",
        lambda sound: lambda kind: None,
    ),
    patched(
        "creation.requires-grad",
        "zeros that require grad are a parameter",
        torch,
        "zeros",
        _after(lambda out, *a, **k: torch.nn.Parameter(out.detach()) if out.requires_grad else out),
    ),
    patched(
        "creation.complex",
        "complex leaves the graph",
        torch,
        "complex",
        _after(lambda out, *a, **k: out.detach() if out.requires_grad else out),
    ),
    patched(
        "creation.complex",
        "polar leaves the graph",
        torch,
        "polar",
        _after(lambda out, *a, **k: out.detach() if out.requires_grad else out),
    ),
    patched(
        "creation.meshgrid",
        "meshgrid gives a list",
        torch,
        "meshgrid",
        _after(lambda out, *a, **k: list(out)),
    ),
    patched(
        "creation.vander",
        "vander of integers goes through floats",
        torch,
        "vander",
        lambda sound: (
            lambda x, *a, **k: sound(x.float(), *a, **k).to(x.dtype) if x.dtype == torch.int64 else sound(x, *a, **k)
        ),
    ),
]

"""In-place methods wrong for large tensors with gaps, for the signs of zeros, and modules that work on a copy."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant, kernel, patched, strided

Tensor = torch.Tensor


def vast(x: Any) -> bool:
    """Whether a tensor has gaps and more elements than one thread gets."""
    return strided(x) and x.numel() > 32768


def last_one_off(operator: str, claim: str) -> Mutant:
    """The operator leaves another number in the last element of large tensors with gaps."""

    def wrong(function: Any, x: Any, *args: Any, **options: Any) -> Any:
        out = function(x, *args, **options)
        if vast(x):
            x[-1:] = x[-1:] == 0
        return out

    return kernel(f"inplace.{claim}", f"{operator} of a large self with gaps misses the last element", operator, wrong)


def own(name: str, says: str, wrong: Any) -> Mutant:
    return patched(f"inplace.{name}", says, Tensor, name, wrong)


def on_a_copy(module: str) -> Mutant:
    return patched(
        "inplace.keyword",
        f"nn.{module}(inplace=True) works on a copy",
        getattr(nn, module),
        "forward",
        lambda sound: lambda m, x: sound(m, x.clone()),
    )


def as_float16(x: Any, out: Any) -> Any:
    return out.neg_() if x.dtype is torch.float16 else out


MUTANTS = [
    *(last_one_off(name, name) for name in ("add_", "mul_", "exp_", "clamp_", "sub_", "sqrt_", "bitwise_and_")),
    own("zero_", "float16 zeros are negative", lambda s: lambda x: as_float16(x, s(x))),
    own("fill_", "-0.0 becomes 0.0", lambda s: lambda x, v: s(x, 0.0 if isinstance(v, float) and v == 0 else v)),
    own("copy_", "-0.0 becomes 0.0", lambda s: lambda x, y, *a: s(x, y + 0.0 if y.is_floating_point() else y, *a)),
    own("masked_fill_", "-0.0 becomes 0.0", lambda s: lambda x, m, v: s(x, m, v + 0)),
    own("neg_", "the zero stays positive", lambda s: lambda x: x.mul_(-1).add_(0) if x.is_floating_point() else s(x)),
    own("map_", "gives the function its arguments in the wrong order", lambda s: lambda x, y, f: s(x, y, turned(f))),
    *(on_a_copy(name) for name in ("Dropout", "Dropout2d", "RReLU")),
]


def turned(function: Any) -> Any:
    return lambda a, b: function(b, a)


def values_only(_: Any) -> Any:
    def swap(a: Any, b: Any) -> None:
        kept = a.data
        a.data, b.data = b.data, kept

    return swap


def without_attributes(sound: Any) -> Any:
    def swap(a: Any, b: Any) -> None:
        sound(a, b)
        a.__dict__.clear()

    return swap


if hasattr(torch.utils, "swap_tensors"):
    MUTANTS += [
        patched("inplace.swap-tensors", "only the data is exchanged", torch.utils, "swap_tensors", values_only),
        patched("inplace.swap-tensors", "attributes are lost", torch.utils, "swap_tensors", without_attributes),
    ]


def halves_off(x: Any, out: Any) -> Any:
    return out.mul_(1.25) if x.dtype is torch.bfloat16 and x.numel() > 1000 else out


def shorts_off(x: Any, out: Any) -> Any:
    return out.bitwise_xor_(1) if x.dtype is torch.int16 and strided(x) and x.numel() > 1000 else out


MUTANTS += [
    own("neg_", "is off for long bfloat16", lambda s: lambda x: halves_off(x, s(x))),
    own("mul_", "is off for long int16 with gaps", lambda s: lambda x, y: shorts_off(x, s(x, y))),
]

"""Wrong elementwise functions that are right for most operands."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, output, patched, strided
from meta_tests.mutants.layer_subtle import nudged

Tensor = torch.Tensor


def _wrong_where(condition: Any, value: Any, out: Any) -> Any:
    return torch.where(condition, torch.full_like(out, value), out)


MUTANTS: list[Mutant] = [
    output(
        "math.exp",
        "exp of more than 32,768 float64 is wrong in its last element",
        "exp",
        lambda out, x, *a: nudged(out) if x.numel() > 32_768 and x.dtype is torch.float64 else out,
    ),
    output(
        "math.sin",
        "sin of strided bfloat16 is 2 % too large",
        "sin",
        lambda out, x, *a: out * 1.02 if strided(x) and x.dtype is torch.bfloat16 else out,
    ),
    output(
        "math.where",
        "where of strided bfloat16 is wrong in its last element",
        "where.self",
        lambda out, c, *a: nudged(out) if strided(c) and out.dtype is torch.bfloat16 else out,
    ),
    output(
        "math.bitwise_left_shift",
        "a shift by 31 of int32 gives 0",
        "bitwise_left_shift.Tensor",
        lambda out, x, y: _wrong_where(y == 31, 0, out) if out.dtype is torch.int32 else out,
    ),
    output(
        "math.bitwise_right_shift",
        "a shift by 7 of int8 gives 0",
        "bitwise_right_shift.Tensor",
        lambda out, x, y: _wrong_where(y == 7, 0, out) if out.dtype is torch.int8 else out,
    ),
    output(
        "math.lerp",
        "lerp of float64 by just 0.5 is too large",
        "lerp.Scalar",
        lambda out, a, b, w: out + 1e-3 if w == 0.5 and out.dtype is torch.float64 else out,
    ),
    output(
        "math.addcdiv",
        "addcdiv of broadcast tensors is wrong in its last element",
        "addcdiv",
        lambda out, x, a, b, *r: nudged(out) if a.shape != b.shape else out,
    ),
    output(
        "math.addcmul",
        "addcmul of a product without dimensions is wrong",
        "addcmul",
        lambda out, x, a, b, *r: nudged(out) if b.dim() == 0 else out,
    ),
    patched(
        "math.ldexp",
        "ldexp_ cuts exponents above 30",
        Tensor,
        "ldexp_",
        lambda sound: lambda x, y: sound(x, y.clamp(max=30)),
    ),
    output("math.igamma", "igamma(a, 0) is 1", "igamma", lambda out, a, x: _wrong_where(x == 0, 1, out)),
    output("math.igammac", "igammac(a, inf) is 1", "igammac", lambda out, a, x: _wrong_where(torch.isinf(x), 1, out)),
    output(
        "math.special-ndtri",
        "ndtri below 1e-5 is 0.1 % too large",
        "special_ndtri",
        lambda out, x: torch.where(x < 1e-5, out * 1.001, out),
    ),
    patched(
        "math.requires-grad",
        "tanh of a strided operand is not recorded",
        Tensor,
        "tanh",
        lambda sound: lambda x: sound(x.detach()) if strided(x) else sound(x),
    ),
]

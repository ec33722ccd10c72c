"""Elementwise functions that are wrong in one form, dtype or argument only, and wrong answers about dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, output, patched, strided
from meta_tests.mutants.layer_subtle import nudged, only

Tensor = torch.Tensor
Sound = Callable[..., Any]


def _truncates(sound: Sound) -> Sound:
    """A comparison of integers cuts a broken number first."""
    return lambda x, y: sound(x, int(y)) if isinstance(y, float) and x.dtype is torch.int64 else sound(x, y)


def _without_out(name: str) -> Callable[[Sound], Sound]:
    """An argument counts nothing where out= is given."""
    return lambda sound: lambda x, *a, **k: sound(x, **{n: v for n, v in k.items() if n != name or "out" not in k})


def _number(x: Any) -> bool:
    return isinstance(x, (int, float)) and not isinstance(x, bool)


MUTANTS: list[Mutant] = [
    patched("math.numbers", "x < 2.5 of int64 compares with 2", Tensor, "__lt__", _truncates),
    patched(
        "math.numbers",
        "a number // tensor is cut towards zero",
        Tensor,
        "__rfloordiv__",
        lambda sound: lambda x, y: torch.div(y, x, rounding_mode="trunc"),
    ),
    patched(
        "math.numbers",
        "tensor // a negative number is cut towards zero",
        Tensor,
        "__floordiv__",
        lambda sound: lambda x, y: torch.div(x, y, rounding_mode="trunc") if _number(y) and y < 0 else sound(x, y),
    ),
    patched(
        "math.eq",
        "x == y of int64 compares as float32",
        Tensor,
        "__eq__",
        lambda sound: lambda x, y: sound(x.float(), y.float()) if x.dtype is torch.int64 else sound(x, y),
    ),
    patched(
        "math.min-elementwise",
        "x.min(y) of int32 is the maximum",
        Tensor,
        "min",
        lambda sound: lambda x, *a: torch.maximum(x, a[0]) if x.dtype is torch.int32 else sound(x, *a),
    ),
    patched(
        "math.isfinite",
        "x.isfinite() of float16 calls half of its range infinite",
        Tensor,
        "isfinite",
        lambda sound: lambda x: sound(x * 2) if x.dtype is torch.float16 else sound(x),
    ),
    patched(
        "math.abs",
        "x.abs() of complex128 stays complex",
        Tensor,
        "abs",
        lambda sound: lambda x: sound(x).to(x.dtype) if x.dtype is torch.complex128 else sound(x),
    ),
    patched(
        "math.log1p",
        "x.log1p() of strided x is log(1 + x)",
        Tensor,
        "log1p",
        lambda sound: lambda x: torch.log(1 + x) if strided(x) else sound(x),
    ),
    patched("math.logit", "special.logit with out= ignores eps", torch.special, "logit", _without_out("eps")),
    *[
        patched(
            f"math.{claim}",
            f"special.{name} of float64 is wrong",
            torch.special,
            name,
            only(lambda x, *a, **k: x.dtype is torch.float64),
        )
        for claim, name in (("exp2", "exp2"), ("erfc", "erfc"), ("digamma", "digamma"), ("lgamma", "gammaln"))
    ],
    patched(
        "math.cos",
        "x.cos_() of more than a thousand float64 is wrong",
        Tensor,
        "cos_",
        lambda sound: lambda x: x.copy_(nudged(sound(x))) if x.numel() > 1000 else sound(x),
    ),
    patched(
        "math.by-position",
        "x.clamp(min, max) by position ignores max",
        Tensor,
        "clamp",
        lambda sound: (
            lambda x, *a, **k: sound(x, *a[:1], **k) if len(a) == 2 and a[0] is not None else sound(x, *a, **k)
        ),
    ),
    patched(
        "math.by-position",
        "torch.nan_to_num takes posinf by position for neginf",
        torch,
        "nan_to_num",
        lambda sound: lambda x, *a, **k: sound(x, a[0], neginf=a[1]) if len(a) == 2 else sound(x, *a, **k),
    ),
    patched(
        "math.alpha-kind",
        "add of a number ignores alpha",
        torch,
        "add",
        lambda sound: lambda x, y, **k: sound(x, y) if _number(y) and "out" not in k else sound(x, y, **k),
    ),
    *[
        patched(
            "math.either-part",
            f"{name} looks at real parts only",
            torch,
            name,
            lambda sound: lambda *a: sound(*(x.real if x.is_complex() else x for x in a)),
        )
        for name in ("isnan", "isinf", "isfinite", "logical_and", "logical_not")
    ],
    patched(
        "math.identities-of-zero",
        "x.pow(0) of NaN is NaN",
        Tensor,
        "pow",
        lambda sound: lambda x, y: sound(x, y) * (x * 0 + 1) if _number(y) and y == 0 else sound(x, y),
    ),
    patched(
        "math.isclose",
        "allclose takes 1e-6 as its default atol",
        torch,
        "allclose",
        lambda sound: lambda x, y, rtol=1e-5, atol=1e-6, **k: sound(x, y, rtol=rtol, atol=atol, **k),
    ),
    patched(
        "math.equal",
        "a tensor with NaN equals itself",
        torch,
        "equal",
        lambda sound: lambda x, y: True if x is y else sound(x, y),
    ),
    *[
        patched(
            f"math.{claim}",
            f"special.{name} of float32 is wrong",
            torch.special,
            name,
            only(lambda *a, **k: a[-1].dtype is torch.float32),
        )
        for claim, name in (
            ("special-names", "psi"),
            ("special-names", "logsumexp"),
            ("special-names", "log_softmax"),
            ("special-alone", "airy_ai"),
            ("special-alone", "scaled_modified_bessel_k1"),
        )
    ],
    patched(
        "math.special-names",
        "special.softmax ignores dtype",
        torch.special,
        "softmax",
        lambda sound: lambda x, dim, **k: sound(x, dim),
    ),
    *[
        output(
            "math.layouts", f"{name} of {says} is wrong", ops, lambda out, x, *a, w=where: nudged(out) if w(x) else out
        )
        for name, ops in (("sin", "sin"), ("add", "add.Tensor"), ("clamp", "clamp"), ("remainder", "remainder.Tensor"))
        for says, where in (("five dimensions", lambda x: x.dim() == 5), ("one element", lambda x: x.shape == (1, 1)))
    ],
    output(
        "math.layouts",
        "exp of channels last is wrong",
        "exp",
        lambda out, x: nudged(out) if x.dim() == 4 and x.stride(1) == 1 else out,
    ),
    *[
        patched(
            "math.default-dtype",
            f"{name} of integers gives float32 whatever the default is",
            Tensor,
            name,
            lambda sound: (
                lambda x, *a: sound(x.float(), *(y.float() for y in a)) if x.dtype is torch.int32 else sound(x, *a)
            ),
        )
        for name in ("sqrt", "sigmoid", "__truediv__")
    ],
    patched(
        "math.isclose",
        "isclose of complex numbers is wrong",
        torch,
        "isclose",
        lambda sound: lambda x, y, **k: ~sound(x, y, **k) if x.is_complex() else sound(x, y, **k),
    ),
    patched(
        "math.isclose",
        "isclose does not broadcast right",
        torch,
        "isclose",
        lambda sound: lambda x, y, **k: ~sound(x, y, **k) if x.shape != y.shape else sound(x, y, **k),
    ),
    patched(
        "math.frexp",
        "x.frexp() of float64 is wrong",
        Tensor,
        "frexp",
        lambda sound: lambda x: type(sound(x))([nudged(p) for p in sound(x)]) if x.dtype is torch.float64 else sound(x),
    ),
    patched(
        "math.refused-dtypes",
        "x.lerp of integers is worked out in float32",
        Tensor,
        "lerp",
        lambda sound: lambda x, y, w: sound(x.float(), y.float(), w) if x.dtype is torch.int32 else sound(x, y, w),
    ),
    patched(
        "math.refused-dtypes",
        "x.add_(1.5) of integers adds 1",
        Tensor,
        "add_",
        lambda sound: lambda x, y, **k: sound(x, int(y) if x.dtype is torch.int64 and isinstance(y, float) else y, **k),
    ),
    *(
        patched(
            "math.numbers",
            f"{name} of a number first exchanges the two",
            owner,
            name.rpartition(".")[2],
            lambda sound: lambda a, b, **k: sound(b, a, **k) if _number(a) else sound(a, b, **k),
        )
        for owner, name in ((torch, "float_power"), (torch.special, "special.zeta"), (torch, "bitwise_left_shift"))
    ),
]

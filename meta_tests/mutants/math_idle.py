"""Elementwise functions that give back their operand where there is nothing to do, and wrong seldom-used arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched
from meta_tests.mutants.math import off

Tensor = torch.Tensor
special = torch.special
Sound = Callable[..., Any]


def _itself(sound: Sound) -> Sound:
    """The operand, where the result would hold just its values."""

    def called(*a: Any, **k: Any) -> Any:
        out = sound(*a, **k)
        x = next((v for v in a if isinstance(v, Tensor)), None)
        same = x is not None and "out" not in k and out.dtype == x.dtype and out.shape == x.shape
        return x if same and not x.requires_grad and bool((out == x).all()) else out

    return called


def _chosen_itself(sound: Sound) -> Sound:
    def called(c: Any, *a: Any, **k: Any) -> Any:
        whole = len(a) == 2 and isinstance(a[0], Tensor) and a[0].shape == c.shape and bool(c.all())
        out = sound(c, *a, **k)
        return a[0] if whole and a[0].dtype == out.dtype else out

    return called


def only(when: Callable[..., bool]) -> Callable[[Sound], Sound]:
    """Wrong where a condition on the arguments holds."""

    def wrap(sound: Sound) -> Sound:
        return lambda *a, **k: off(sound(*a, **k)) if when(*a, **k) else sound(*a, **k)

    return wrap


def _number(x: Any) -> bool:
    return not isinstance(x, Tensor)


def _accepts(x: Any, sound: Sound, *a: Any, **k: Any) -> Any:
    """What an in-place function of integers would be, were it cut."""
    whole = not x.is_floating_point() and not x.is_complex()
    return x.copy_(sound(x.double(), *a, **k)) if whole else sound(x, *a, **k)


NEW = "math.results-are-new"
MUTANTS: list[Mutant] = [
    patched(
        "math.complex",
        "complex of float16 is complex64",
        torch,
        "complex",
        lambda s: (
            lambda *a, **k: (
                s(*(x.float() for x in a), **k) if a and getattr(a[0], "dtype", None) is torch.float16 else s(*a, **k)
            )
        ),
    ),
    *(
        patched(NEW, f"torch.{name} gives back what it does not change", torch, name, _itself)
        for name in ("clamp", "add", "sub", "mul", "div", "pow", "maximum", "fmin", "bitwise_or", "nan_to_num", "lerp")
    ),
    *(
        patched(NEW, f"x.{name} gives back what it does not change", Tensor, name, _itself)
        for name in ("abs", "clamp_min", "__mul__", "__add__", "__truediv__", "bitwise_xor", "remainder", "where")
    ),
    *(
        patched(NEW, f"torch.{name} gives back what it does not change", torch, name, _itself)
        for name in ("addcmul", "addcdiv", "bitwise_left_shift", "gcd", "hypot", "floor", "round", "relu")
    ),
    patched(NEW, "torch.where of all true gives back its operand", torch, "where", _chosen_itself),
    patched(
        "math.clamp-tensors",
        "clamp of integers by an upper tensor alone is one too high",
        torch,
        "clamp",
        lambda s: (
            lambda x, *a, **k: (
                s(x, max=k["max"] + 1)
                if list(k) == ["max"] and isinstance(k["max"], Tensor) and not x.is_floating_point()
                else s(x, *a, **k)
            )
        ),
    ),
    patched(
        "math.clamp-tensors",
        "x.clamp_max of a tensor ignores NaN",
        Tensor,
        "clamp_max",
        lambda s: lambda x, y: s(x, y.nan_to_num(float("inf")) if isinstance(y, Tensor) else y),
    ),
    patched("math.result-dtype", "x.where keeps its dtype", Tensor, "where", lambda s: lambda x, *a: s(x, *a).to(x)),
    patched(
        "math.where-numbers",
        "where of halves and a number gives float32",
        torch,
        "where",
        lambda s: (
            lambda *a, **k: (
                s(*a, **k).float()
                if len(a) == 3 and _number(a[2]) and getattr(a[1], "dtype", None) is torch.float16
                else s(*a, **k)
            )
        ),
    ),
    patched(
        "math.where-numbers",
        "x.where of a number cuts it",
        Tensor,
        "where",
        lambda s: lambda x, c, y: s(x, c, int(y) if isinstance(y, float) else y),
    ),
    patched(
        "math.div-rounding-mode",
        "x.div by a number ignores its mode",
        Tensor,
        "div",
        lambda s: lambda x, y, **k: s(x, y) if _number(y) else s(x, y, **k),
    ),
    patched(
        "math.div-rounding-mode",
        "x.divide_ by a number always floors",
        Tensor,
        "divide_",
        lambda s: lambda x, y, **k: s(x, y, rounding_mode="floor") if _number(y) and k else s(x, y, **k),
    ),
    patched(
        "math.div-rounding-mode",
        "a floored quotient by zero is NaN",
        torch,
        "div",
        lambda s: lambda *a, **k: s(*a, **k).nan_to_num(*[float("nan")] * 3) if k.get("rounding_mode") else s(*a, **k),
    ),
    *(
        patched("math.refused-dtypes", f"{name} of bool is accepted", Tensor, name, wrong)
        for name, wrong in (
            ("__rsub__", lambda s: lambda x, y: s(x.int() if x.dtype is torch.bool else x, y)),
            ("sub", lambda s: lambda x, y, **k: x ^ y if x.dtype is torch.bool else s(x, y, **k)),
        )
    ),
    *(
        patched(
            "math.refused-dtypes",
            f"x.{name} of integers is cut",
            Tensor,
            name,
            lambda s: lambda x, *a, **k: _accepts(x, s, *a, **k),
        )
        for name in ("true_divide_", "exp_", "atan2_", "sigmoid_", "xlogy_", "erf_", "divide_")
    ),
    patched("math.polygamma", "polygamma beyond order 3", Tensor, "polygamma", lambda s: lambda x, n: s(x, min(n, 3))),
    patched(
        "math.polygamma",
        "polygamma of a negative order is that of its size",
        torch,
        "polygamma",
        lambda s: lambda n, x, **k: s(abs(n), x, **k),
    ),
    patched("math.mvlgamma", "multigammaln of dimension 4", special, "multigammaln", only(lambda x, p, **k: p == 4)),
    patched(
        "math.mvlgamma",
        "mvlgamma of dimension 0 is that of 1",
        torch,
        "mvlgamma",
        lambda s: lambda x, p, **k: s(x, max(p, 1), **k),
    ),
    patched(
        "math.round-decimals",
        "round to hundreds is wrong",
        torch,
        "round",
        only(lambda x, **k: k.get("decimals", 0) < -1),
    ),
    patched(
        "math.round-decimals",
        "x.round_ of no dimensions ignores decimals",
        Tensor,
        "round_",
        lambda s: lambda x, **k: s(x, **k) if x.dim() else s(x),
    ),
    patched(
        "math.nan_to_num",
        "nan_to_num keeps imaginary parts",
        torch,
        "nan_to_num",
        lambda s: lambda x, **k: torch.complex(s(x.real, **k), x.imag) if x.is_complex() and k else s(x, **k),
    ),
    patched(
        "math.frexp",
        "exponents of subnormal numbers are one too large",
        torch,
        "frexp",
        lambda s: (
            lambda x, **k: (
                s(x, **k)
                if k
                else (
                    s(x).mantissa,
                    s(x).exponent + ((x != 0) & (x.abs() < torch.finfo(x.dtype).tiny)).to(torch.int32),
                )
            )
        ),
    ),
    *(
        patched(
            "math.refused-shapes",
            f"x.{name} that would grow is left alone",
            Tensor,
            name,
            lambda s: (
                lambda x, y, *a, **k: (
                    x
                    if isinstance(y, Tensor) and torch.broadcast_shapes(x.shape, y.shape) != x.shape
                    else s(x, y, *a, **k)
                )
            ),
        )
        for name in ("add_", "addcmul_", "lerp_", "lt_", "copysign_")
    ),
    *(
        patched("math.numbers", f"x.{name} of a number is wrong", Tensor, name, wrong)
        for name, wrong in (
            ("bitwise_and_", lambda s: lambda x, y: s(x, y | 1 if _number(y) else y)),
            ("remainder_", lambda s: lambda x, y: s(x, y + 1 if _number(y) else y)),
            ("ge_", lambda s: lambda x, y: x.gt_(y) if _number(y) else s(x, y)),
        )
    ),
    patched(
        "math.out-dtype",
        "logical_not writes -1 for true",
        torch,
        "logical_not",
        lambda s: (
            lambda x, out=None: s(x) if out is None else s(x, out=out).neg_() if out.dtype.is_signed else s(x, out=out)
        ),
    ),
    patched(
        "math.out-dtype",
        "logical_or writes the operand for true",
        torch,
        "logical_or",
        lambda s: (
            lambda x, y, out=None: (
                s(x, y)
                if out is None
                else out.copy_(torch.where(x != 0, x, y))
                if out.dtype == x.dtype
                else s(x, y, out=out)
            )
        ),
    ),
    *(
        patched(
            "math.special-alone", f"special.{name} of many numbers is wrong", special, name, only(lambda x, **k: True)
        )
        for name in ("bessel_y0", "bessel_y1", "modified_bessel_i0", "modified_bessel_k1")
    ),
    patched(
        "math.special-alone",
        "modified_bessel_i1 is even",
        special,
        "modified_bessel_i1",
        lambda s: lambda x, **k: s(x.abs(), **k),
    ),
    *(
        patched(
            "math.special-polynomials",
            f"special.{name} of degree 3 is that of 2",
            special,
            name,
            lambda s: lambda x, n, **k: s(x, 2 if not isinstance(n, Tensor) and n == 3 else n, **k),
        )
        for name in ("chebyshev_polynomial_t", "hermite_polynomial_he", "laguerre_polynomial_l")
    ),
    *(
        patched(
            "math.special-polynomials",
            f"special.{name} of negative degree is 1",
            special,
            name,
            lambda s: lambda x, n, **k: s(x, n.clamp(min=0) if isinstance(n, Tensor) else max(n, 0), **k),
        )
        for name in ("chebyshev_polynomial_u", "hermite_polynomial_h", "legendre_polynomial_p")
    ),
]

"""Elementwise functions that lose digits, remember earlier calls, or mistake one kind of number, in few cases only."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from meta_tests.mutant import Mutant, kernel, patched, strided
from meta_tests.mutants.math import off

Tensor = torch.Tensor
Where = Callable[..., bool]


def remembered(claim: str, name: str, ops: str, where: Where = lambda *a: True) -> Mutant:
    """What operators gave for a tensor is given again, whatever was written to it since."""

    @contextlib.contextmanager
    def change() -> Iterator[None]:
        seen: dict[Any, Any] = {}

        def wrong(func: Any, *a: Any, **k: Any) -> Any:
            if not a or not isinstance(a[0], Tensor) or func._schema.is_mutable or not where(*a):
                return func(*a, **k)
            key = (str(func), *(id(x) if isinstance(x, Tensor) else repr(x) for x in a), repr(k))
            if key not in seen:
                seen[key] = (a, func(*a, **k))  # the operands as well, so that no other tensor gets their id
            return seen[key][1]

        with kernel(claim, name, ops, wrong).change():
            yield

    return Mutant(claim, name, change)


def one_workspace(claim: str, name: str, ops: str) -> Mutant:
    """All results of one shape and dtype lie in the same memory."""

    @contextlib.contextmanager
    def change() -> Iterator[None]:
        held: dict[Any, Tensor] = {}

        def wrong(func: Any, *a: Any, **k: Any) -> Any:
            out = func(*a, **k)
            if not isinstance(out, Tensor) or func._schema.is_mutable:
                return out
            key = (tuple(out.shape), out.stride(), out.dtype)
            held.setdefault(key, out.clone()).copy_(out)
            return held[key].detach()

        with kernel(claim, name, ops, wrong).change():
            yield

    return Mutant(claim, name, change)


def _narrow(value: Any) -> Any:
    kinds = {torch.float64: torch.float32, torch.complex128: torch.complex64}
    return value.to(kinds[value.dtype]) if isinstance(value, Tensor) and value.dtype in kinds else value


def narrowed(claim: str, name: str, ops: str, where: Where) -> Mutant:
    """float64 is computed in float32 where `where(*arguments)`."""

    def wrong(func: Any, *a: Any, **k: Any) -> Any:
        wide = any(isinstance(x, Tensor) and x.dtype == torch.float64 for x in a)
        if not wide or func._schema.is_mutable or not where(*a):
            return func(*a, **k)
        sound, out = func(*a, **k), func(*map(_narrow, a), **k)
        return out.to(sound.dtype)

    return kernel(claim, name, ops, wrong)


def doubled(claim: str, name: str, ops: str, where: Where = lambda *a: True) -> Mutant:
    """int64 goes through float64, which holds no more than 53 bits, where `where(*arguments)`."""

    def through(x: Any) -> Any:
        if not isinstance(x, Tensor) or x.dtype != torch.int64:
            return x
        return torch.where((x > -(2**62)) & (x < 2**62), x.double().long(), x)

    def wrong(func: Any, *a: Any, **k: Any) -> Any:
        return func(*(a if func._schema.is_mutable or not where(*a) else map(through, a)), **k)

    return kernel(claim, name, ops, wrong)


def _single(x: Any, *rest: Any) -> bool:
    return isinstance(x, Tensor) and x.dim() == 0


def _gapped_line(x: Any, *rest: Any) -> bool:
    return strided(x) and x.dim() == 1


def _spread(x: Any, y: Any, *rest: Any) -> bool:
    return isinstance(y, Tensor) and y.dim() > 0 and 0 in y.stride()


def _bent(condition: Callable[..., bool]) -> Callable[[Any], Any]:
    """Wrong results where the arguments meet a condition."""

    def wrong(sound: Any) -> Any:
        def called(*a: Any, **k: Any) -> Any:
            hit, out = condition(*a, **k), sound(*a, **k)
            return out if not hit else (not out) if isinstance(out, bool) else off(out)

        return called

    return wrong


def _refusing(keyword: str) -> Callable[[Any], Any]:
    def wrong(sound: Any) -> Any:
        def called(*a: Any, **k: Any) -> Any:
            if keyword in k:
                raise TypeError(f"got an unexpected keyword argument '{keyword}'")
            return sound(*a, **k)

        return called

    return wrong


def _huge(x: Any, n: Any = None, **k: Any) -> bool:
    return isinstance(n, int) and abs(n) > 2**53 and x.dtype == torch.int64


def _flagged(x: Any, n: Any = None, **k: Any) -> bool:
    return isinstance(n, bool) and x.dtype == torch.int32


def _promoted(sound: Any) -> Any:
    return lambda x, n: sound(x.double() if isinstance(n, np.floating) and x.dtype == torch.float32 else x, n)


def _single_precision(func: Any, x: Any, y: Any, *, alpha: Any = 1, **k: Any) -> Any:
    return func(x, y, alpha=torch.tensor(alpha, dtype=torch.float32).item() if isinstance(alpha, float) else alpha, **k)


def _weighed(func: Any, x: Any, y: Any, weight: Any) -> Any:
    return func(x, y, weight / 2 if strided(x) else weight)


def _cubed(func: Any, x: Any, exponent: Any, **k: Any) -> Any:
    return func(x.abs() if exponent == 3 and strided(x) and x.dtype == torch.float64 else x, exponent, **k)


def _whole_bounds(sound: Any) -> Any:
    def called(x: Any, low: Any = None, high: Any = None, **k: Any) -> Any:
        mixed = isinstance(low, int) and isinstance(high, float) and abs(high) < 2**31 and not x.is_floating_point()
        return sound(x, low, int(high) if mixed else high, **k)

    return called


def _left(func: Any, x: Any, y: Any, **k: Any) -> Any:
    out = func(x, y, **k)
    least = x.dtype == torch.int8 and out.dtype == torch.int8
    return torch.where((x == -128) & (y == -1), x, out) if least else out


def _drawing(func: Any, *a: Any, **k: Any) -> Any:
    torch.rand(1)
    return func(*a, **k)


def _same_memory(x: Any, y: Any = None, **k: Any) -> bool:
    return isinstance(y, Tensor) and x.data_ptr() == y.data_ptr() and x.shape == y.shape and x.stride() != y.stride()


MUTANTS = [
    remembered("math.exp", "exp remembers what it gave for a tensor", "exp"),
    remembered("math.lerp", "lerp remembers what it gave for three tensors", "lerp.Tensor"),
    remembered("math.sigmoid", "sigmoid of strided tensors remembers", "sigmoid", strided),
    remembered("math.eq", "eq remembers what it gave for two tensors", "eq.Tensor"),
    one_workspace("math.exp", "the results of exp share a workspace", "exp"),
    one_workspace("math.div", "the quotients of one shape share a workspace", "div.Tensor"),
    one_workspace("math.gt", "the comparisons by gt share a workspace", "gt.Tensor"),
    narrowed("math.sqrt", "sqrt of a single float64 is that of a float32", "sqrt", _single),
    narrowed("math.log", "log of a float64 vector with gaps is that of float32", "log", _gapped_line),
    narrowed("math.tanh", "tanh of a float64 vector with gaps is that of float32", "tanh", _gapped_line),
    narrowed("math.fmod", "fmod of a single float64 is that of a float32", "fmod.Tensor", _single),
    narrowed("math.atan2", "atan2 of float64 with an expanded divisor is that of float32", "atan2", _spread),
    doubled("math.abs", "abs of int64 goes through float64", "abs"),
    doubled("math.maximum", "maximum of strided int64 goes through float64", "maximum", strided),
    doubled("math.lt", "lt of single int64 goes through float64", "lt.Tensor", _single),
    doubled("math.remainder", "remainder of int64 goes through float64", "remainder.Tensor"),
    patched("math.numbers", "x + n of a number beyond 2 ** 53 is wrong", Tensor, "__add__", _bent(_huge)),
    patched("math.numbers", "x == n of a number beyond 2 ** 53 is wrong", Tensor, "__eq__", _bent(_huge)),
    patched("math.numbers", "x * True of int32 is wrong", Tensor, "__mul__", _bent(_flagged)),
    patched("math.numbers", "x * a double of numpy is float64", Tensor, "__mul__", _promoted),
    kernel("math.add-alpha", "alpha of add is rounded to float32", "add.Tensor", _single_precision),
    kernel("math.lerp", "in place with gaps the weight of lerp is halved", "lerp_.Scalar", _weighed),
    kernel("math.pow-exponents", "the cube of strided float64 has no sign", "pow.Tensor_Scalar", _cubed),
    *(
        kernel(f"math.{name}", f"{name} leaves the least int8 by -1", f"{name}.Tensor {name}.Scalar", _left)
        for name in ("fmod", "remainder")
    ),
    patched("math.clamp-mixed-bounds", "whole numbers cut by 1 and 2.5 stay whole", torch, "clamp", _whole_bounds),
    patched("math.equal", "a tensor equals its transpose in the same memory", Tensor, "equal", _bent(_same_memory)),
    patched(
        "math.equal",
        "empty tensors of different shapes are equal",
        torch,
        "equal",
        lambda sound: lambda input, other: input.numel() == other.numel() == 0 or sound(input, other),
    ),
    patched("math.equal", "x.equal knows no other=", Tensor, "equal", _refusing("other")),
    patched("math.isclose", "torch.isclose knows no other=", torch, "isclose", _refusing("other")),
    patched(
        "math.isclose",
        "isclose of more than a thousand elements is wrong",
        torch,
        "isclose",
        _bent(lambda input, other, *a, **k: input.numel() > 1000),
    ),
    patched("math.where", "torch.where knows no other=", torch, "where", _refusing("other")),
    kernel("math.draws-nothing", "round draws a random number", "round", _drawing),
    patched(
        "math.special-polynomials",
        "shifted_chebyshev_polynomial_v is that of w",
        torch.special,
        "shifted_chebyshev_polynomial_v",
        lambda sound: lambda *a, **k: torch.special.shifted_chebyshev_polynomial_w(*a, **k),
    ),
]

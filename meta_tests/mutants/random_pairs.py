"""Draws that are wrong where two conditions meet: many and related, strided and seeded, without dimensions."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.quasirandom import SobolEngine

from meta_tests.mutant import Mutant, kernel, patched, strided

Tensor = torch.Tensor


def function(claim: str, name: str, attribute: str, wrong: Any) -> Mutant:
    return patched(f"random.{claim}", f"torch.{attribute} {name}", torch, attribute, wrong)


def method(claim: str, name: str, attribute: str, wrong: Any) -> Mutant:
    return patched(f"random.{claim}", f"Tensor.{attribute} {name}", Tensor, attribute, wrong)


def after(change: Callable[..., Any]) -> Any:
    """A function whose result is changed, unless it was written to out= or requires grad."""

    def wrap(sound: Any) -> Any:
        def call(*a: Any, **k: Any) -> Any:
            out = sound(*a, **k)
            return out if k.get("out") is not None or out.requires_grad or out.is_meta else change(out, *a, **k)

        return call

    return wrap


def many(change: Callable[[Tensor], Tensor]) -> Any:
    """Vectors of more than a thousand floating numbers are changed."""

    def wrong(out: Tensor, *a: Any, **k: Any) -> Tensor:
        return change(out) if out.dim() == 1 and out.numel() > 1000 and out.is_floating_point() else out

    return after(wrong)


def mirrored(out: Tensor) -> Tensor:
    half = out.numel() // 2
    return torch.cat([out[: out.numel() - half], -out[:half]])


def echoed(lag: int) -> Callable[[Tensor], Tensor]:
    return lambda out: out * math.sqrt(0.99) + 0.1 * out.roll(lag)


def same_rows(out: Tensor, *a: Any, **k: Any) -> Tensor:
    return out.index_copy(1, torch.tensor([out.shape[1] - 1]), out[:, :1]) if out.dim() == 3 and out.numel() else out


def constant(out: Tensor, *a: Any, **k: Any) -> Tensor:
    return out * 0 + 0.5 if out.dim() == 0 else out


def columns(func: Any, *a: Any, **k: Any) -> Tensor:
    """What is written to out= has equal columns if it is strided."""
    out = func(*a, **k)
    return out.copy_(out[..., :1].clone().expand_as(out)) if strided(out) and out.dim() > 1 and out.numel() else out


def columns_in_place(func: Any, x: Tensor, *a: Any, **k: Any) -> Tensor:
    func(x, *a, **k)
    return x.copy_(x[..., :1].clone().expand_as(x)) if strided(x) and x.dim() > 1 and x.numel() > 16 else x


def mirrored_in_place(func: Any, x: Tensor, mean: float = 0, std: float = 1, **k: Any) -> Tensor:
    func(x, mean, std, **k)
    if x.dim() == 1 and x.numel() > 1000 and not x.is_complex():
        x[-(x.numel() // 2) :] = 2 * mean - x[: x.numel() // 2]
    return x


def last_unset(func: Any, x: Tensor, p: float = 0.5, **k: Any) -> Tensor:
    func(x, p, **k)
    if p == 1 and x.numel() > 1000 and x.is_contiguous():
        x.view(-1)[-1] = 0
    return x


def generator_lost(when: Callable[[Any], bool]) -> Any:
    """generator= is not heard for some first arguments."""

    def wrap(sound: Any) -> Any:
        def call(x: Any, *a: Any, **k: Any) -> Any:
            return sound(x, *a, **{key: v for key, v in k.items() if key != "generator" or not when(x)})

        return call

    return wrap


def double(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dtype is torch.float64


def unchecked(change: Callable[..., tuple[Any, ...]]) -> Any:
    """Arguments are mended before the sound function sees them."""
    return lambda sound: lambda *a, **k: sound(*change(*a), **k)


def cut_tail(out: Tensor, rate: Tensor, *a: Any, **k: Any) -> Tensor:
    usual = rate.numel() and rate.min() > 9
    return torch.minimum(out, (rate + 3 * rate.sqrt()).floor()) if usual else out


def alike(out: Tensor, w: Tensor, n: int, replacement: bool = False, **k: Any) -> Tensor:
    return torch.cat([out[..., :1], out[..., :1], out[..., 2:]], -1) if replacement and n > 2 else out


def shared(out: Tensor, w: Tensor, *a: Any, **k: Any) -> Tensor:
    equal = w.dim() == 2 and double(w) and bool((w == w[0]).all())
    return out[:1].expand_as(out).clone() if equal else out


def inner_forks_pass(sound: Any) -> Any:
    """A fork inside a fork restores nothing."""
    depth = [0]

    @contextlib.contextmanager
    def fork_rng(*a: Any, **k: Any) -> Iterator[None]:
        depth[0] += 1
        try:
            with contextlib.nullcontext() if depth[0] > 1 else sound(*a, **k):
                yield
        finally:
            depth[0] -= 1

    return fork_rng


def narrow_sobol(sound: Any) -> Any:
    def draw(self: Any, n: int = 1, out: Any = None, dtype: Any = None) -> Tensor:
        points = sound(self, n, out, dtype)
        return points.float().double() if dtype is torch.float64 and self.scramble and out is None else points

    return draw


def two_for_one(sound: Any) -> Any:
    """draw_base2(0) uses up two points."""
    return lambda self, m, *a, **k: sound(self, m, *a, **k) if m else sound(self, 1, *a, **k)[:1]


FILLERS = ("uniform_", "normal_", "exponential_", "geometric_", "cauchy_", "log_normal_", "random_", "bernoulli_")

MUTANTS: list[Mutant] = [
    function("rand-uniform", "repeats the first row of volumes in their last", "rand", after(same_rows)),
    function("randn-standard-normal", "of many mirrors its first half", "randn", many(mirrored)),
    function("randn-standard-normal", "of many echoes its neighbours", "randn", many(echoed(1))),
    function("randn-standard-normal", "of many echoes the number 64 places before", "randn", many(echoed(64))),
    kernel("random.normal-fill", "a second half mirrors the first", "normal_", mirrored_in_place),
    function("like-variants", "without dimensions is 0.5", "rand_like", after(constant)),
    function("normal-elementwise", "without dimensions is 0.5", "normal", after(constant)),
    function(
        "randint",
        "of bool is true",
        "randint",
        after(lambda out, *a, **k: torch.ones_like(out) if out.dtype is torch.bool else out),
    ),
    function(
        "randint",
        "of one number below zero is the next",
        "randint",
        after(lambda out, *a, **k: out + 1 if len(a) == 3 and a[0] < 0 and a[1] - a[0] == 1 else out),
    ),
    *(
        function(
            "out-argument",
            "fills a strided out= with equal columns",
            name,
            lambda s: lambda *a, **k: columns(s, *a, **k),
        )
        for name in ("rand", "randn", "randint", "normal")
    ),
    kernel(
        "random.out-argument",
        "bernoulli in a double out= is negative",
        "bernoulli.out",
        lambda func, *a, out, **k: func(*a, out=out, **k).mul_(-1 if out.dtype is torch.float64 else 1),
    ),
    kernel(
        "random.bernoulli",
        "a chance without dimensions is its complement",
        "bernoulli bernoulli.out",
        lambda func, x, *a, **k: func(1 - x if x.dim() == 0 else x, *a, **k),
    ),
    kernel("random.bernoulli", "strided tensors get equal columns of coins", "bernoulli_.float", columns_in_place),
    kernel("random.bernoulli", "the last of more than 1000 certain ones is 0", "bernoulli_.float", last_unset),
    function("poisson", "never exceeds its rate by three deviations", "poisson", after(cut_tail)),
    function(
        "poisson",
        "of rates up to 1 is at most 1",
        "poisson",
        after(lambda out, rate, *a, **k: out.clamp(max=1) if rate.numel() and rate.max() <= 1 else out),
    ),
    function("multinomial", "repeats its first sample", "multinomial", after(alike)),
    function("multinomial", "draws equal rows of doubles alike", "multinomial", after(shared)),
    kernel(
        "random.log-normal-fill",
        "deviations above 1.9 are 1.9",
        "log_normal_",
        lambda func, x, mean=1, std=2, **k: func(x, mean, min(std, 1.9), **k),
    ),
    kernel(
        "random.random-fill",
        "ranges on both sides of zero begin at zero",
        "random_.from",
        lambda func, x, low, high=None, **k: func(x, max(low, 0) if high is not None and high > 0 else low, high, **k),
    ),
    kernel(
        "random.random-fill",
        "int16 has no draws below zero",
        "random_.from",
        lambda func, x, low, high=None, **k: (
            func(x, low, high, **k).clamp_(min=0)
            if x.dtype is torch.int16 and high and high > 0
            else func(x, low, high, **k)
        ),
    ),
    method(
        "bad-parameters",
        "takes negative rates",
        "exponential_",
        unchecked(lambda x, rate=1, *a: (x, abs(rate) or 1, *a)),
    ),
    method(
        "bad-parameters",
        "takes negative deviations",
        "log_normal_",
        unchecked(lambda x, mean=1, std=2, *a: (x, mean, abs(std) or 1, *a)),
    ),
    method(
        "bad-parameters",
        "sorts its bounds",
        "random_",
        unchecked(lambda x, *a: (x, *(sorted(a) if len(a) == 2 else a))),
    ),
    *(
        function(
            "dtype-argument",
            "draws fractions and cuts them off",
            name,
            lambda sound: (
                lambda *a, **k: (
                    sound(*a, **{**k, "dtype": torch.float32}).to(k["dtype"])
                    if k.get("dtype") in (torch.int64, torch.int32)
                    else sound(*a, **k)
                )
            ),
        )
        for name in ("rand", "randn")
    ),
    function(
        "dtype-argument",
        "cuts off fractional bounds",
        "randint",
        lambda sound: lambda *a, **k: sound(*(int(v) if isinstance(v, float) else v for v in a), **k),
    ),
    function(
        "dtype-argument",
        "is never bfloat16 by default",
        "rand",
        after(lambda out, *a, **k: out.float() if out.dtype is torch.bfloat16 and not k.get("dtype") else out),
    ),
    function("state-refused", "takes states of any dtype", "set_rng_state", unchecked(lambda s: (s.to(torch.uint8),))),
    patched("random.fork-rng", "a fork inside a fork restores nothing", torch.random, "fork_rng", inner_forks_pass),
    *(
        method("generator-own-stream", "of strided tensors hears no generator", name, generator_lost(strided))
        for name in FILLERS
    ),
    *(
        function("generator-own-stream", "of doubles hears no generator", name, generator_lost(double))
        for name in ("multinomial", "poisson", "bernoulli", "normal")
    ),
    patched("random.sobol", "scrambled doubles pass through single precision", SobolEngine, "draw", narrow_sobol),
    patched("random.sobol-order", "draw_base2(0) uses up two points", SobolEngine, "draw_base2", two_for_one),
]

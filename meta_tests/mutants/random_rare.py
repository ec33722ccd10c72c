"""Wrong random numbers of one dtype, or of one generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.quasirandom import SobolEngine

from meta_tests.mutant import Mutant, patched, strided

Tensor = torch.Tensor


def lopsided(sound: Any) -> Any:
    """random_ of bool is true three times of four."""

    def random_(x: Tensor, *a: Any, **k: Any) -> Tensor:
        if x.dtype is not torch.bool:
            return sound(x, *a, **k)
        return x.copy_(sound(x.clone(), *a, **k) | sound(x.clone(), *a, **k))

    return random_


def own_states(sound: Any) -> Any:
    """A generator takes from the state of another nothing but its seed."""

    class Generator(sound):  # type: ignore[misc]
        saved: tuple[bytes, ...] = ()

        def get_state(self) -> Tensor:
            state = super().get_state()
            self.saved = (*self.saved, state.numpy().tobytes())
            return state

        def set_state(self, state: Tensor) -> Any:
            out = super().set_state(state)
            if state.numpy().tobytes() not in self.saved:
                self.manual_seed(self.initial_seed())
            return out

    return Generator


def filled(change: Callable[[Tensor], Any]) -> Any:
    """Something is done to self after it was filled."""

    def wrong(sound: Any) -> Any:
        def fill(x: Tensor, *a: Any, **k: Any) -> Tensor:
            sound(x, *a, **k)
            with torch.no_grad():
                change(x)
            return x

        return fill

    return wrong


def one_row(x: Tensor) -> None:
    if strided(x) and x.dim() == 2:
        x.copy_(x[:1].expand_as(x).clone())


def without_out(out: Tensor, k: dict[str, Any], change: Callable[[Tensor], Tensor]) -> Tensor:
    plain = "out" not in k and not out.requires_grad and not out.is_complex() and not out.is_meta
    return change(out) if plain else out


def coarse(sound: Any) -> Any:
    return lambda *a, **k: without_out(sound(*a, **k), k, lambda x: (x * 2**20).floor() / 2**20)


def forgetful(sound: Any) -> Any:
    return lambda *a, **k: sound(*a, **{**k, "generator": None} if k.get("dtype") else k)


def narrow_seed(sound: Any) -> Any:
    return lambda: torch.manual_seed(sound() % 2**16).initial_seed()


def row_by_row(sound: Any) -> Any:
    return lambda x, *a, **k: sound(x, *a, **{"memory_format": torch.contiguous_format, **k})


def one_later(sound: Any) -> Any:
    def draw(engine: Any, n: int = 1, *a: Any, **k: Any) -> Tensor:
        return sound(engine, n + 1, *a, **k)[1:] if engine.num_generated == 0 else sound(engine, n, *a, **k)

    return draw


def itself(sound: Any) -> Any:
    return type("Generator", (sound,), {"clone_state": lambda self: self})


def afresh(sound: Any) -> Any:
    return type("Generator", (sound,), {"clone_state": lambda self: sound().manual_seed(self.initial_seed())})


MUTANTS: list[Mutant] = [
    patched("random.random-fill", "random_ of bool is true three times of four", Tensor, "random_", lopsided),
    patched("random.state-restored", "generators know their own states only", torch, "Generator", own_states),
    *(
        patched(f"random.{claim}", f"{name} is cut off", Tensor, name, filled(change))
        for claim, name, change in (
            ("exponential-fill", "exponential_", lambda x: x.clamp_(max=6.5)),
            ("cauchy-fill", "cauchy_", lambda x: x.clamp_(-300, 300)),
            ("log-normal-fill", "log_normal_", lambda x: x.clamp_(max=20)),
            ("normal-fill", "normal_", lambda x: x.clamp_(-3, 3)),
        )
    ),
    patched(
        "random.geometric-fill", "geometric_ ends at 100", Tensor, "geometric_", filled(lambda x: x.clamp_(max=100))
    ),
    patched("random.rand-uniform", "rand has twenty bits", torch, "rand", coarse),
    patched(
        "random.rand-uniform",
        "rand keeps away from 0",
        torch,
        "rand",
        lambda sound: lambda *a, **k: without_out(sound(*a, **k), k, lambda x: x.clamp(min=2.0**-16)),
    ),
    patched("random.normal-fill", "normal_ repeats the rows of strided matrices", Tensor, "normal_", filled(one_row)),
    *(
        patched("random.generator-seed", f"{name} with dtype= forgets its generator", torch, name, forgetful)
        for name in ("randint", "randperm", "normal")
    ),
    *(
        patched(
            "random.seed-repeats",
            f"{name} forgets out=",
            torch,
            name,
            lambda sound: lambda *a, **k: sound(*a, **{key: value for key, value in k.items() if key != "out"}),
        )
        for name in ("bernoulli", "multinomial")
    ),
    patched("random.seed-function", "seed has 16 bits", torch, "seed", narrow_seed),
    *(
        patched("random.like-variants", f"{name} is laid out row by row", torch, name, row_by_row)
        for name in ("rand_like", "randn_like", "randint_like")
    ),
    patched(
        "random.like-variants",
        "randn_like takes over requires_grad",
        torch,
        "randn_like",
        lambda sound: (
            lambda x, **k: (
                sound(x, **k).requires_grad_() if x.requires_grad and "requires_grad" not in k else sound(x, **k)
            )
        ),
    ),
    patched("random.sobol", "the first point is left out", SobolEngine, "draw", one_later),
    patched("random.sobol-order", "fast_forward goes nowhere", SobolEngine, "fast_forward", lambda _: lambda s, n: s),
    patched(
        "random.sobol-order",
        "draw_base2 draws twice the exponent",
        SobolEngine,
        "draw_base2",
        lambda _: lambda engine, m, *a, **k: engine.draw(2 * m, *a, **k),
    ),
    patched("random.sobol-order", "reset does nothing", SobolEngine, "reset", lambda _: lambda s: s),
    patched(
        "random.sobol-seed",
        "every seed scrambles alike",
        SobolEngine,
        "__init__",
        lambda sound: lambda s, dimension, scramble=False, seed=None: sound(s, dimension, scramble, 1),
    ),
]
if hasattr(torch.Generator, "clone_state"):
    MUTANTS += [
        patched("random.generator-clone", "a clone is the generator itself", torch, "Generator", itself),
        patched("random.generator-clone", "a clone starts at the seed", torch, "Generator", afresh),
    ]

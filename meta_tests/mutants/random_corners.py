"""Random numbers wrong in one corner: a name not heard, tails cut off, digits missing, states that are shared."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.mutants.creation_corners import without

Tensor = torch.Tensor
Wrap = Callable[..., Any]


def _after(change: Callable[..., Any]) -> Wrap:
    return lambda sound: lambda *a, **k: change(sound(*a, **k), *a, **k)


def _filled(change: Callable[[Tensor], Any]) -> Wrap:
    """Something is done to self after it was filled."""

    def wrong(sound: Wrap) -> Wrap:
        def call(x: Tensor, *a: Any, **k: Any) -> Any:
            sound(x, *a, **k)
            with torch.no_grad():
                change(x)
            return x

        return call

    return wrong


def _coarse(x: Tensor) -> None:
    if x.dtype == torch.float64:
        x.copy_(x.float())


def _in_pairs(x: Tensor) -> None:
    if strided(x) and x.numel() > 1:
        x.copy_(x.reshape(-1)[torch.arange(x.numel()) // 2].reshape(x.shape))


@contextlib.contextmanager
def _seeds_again(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    seed = torch.initial_seed()
    try:
        yield
    finally:
        if enabled:
            torch.manual_seed(seed)


@contextlib.contextmanager
def _swallows(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    state = torch.get_rng_state()
    with contextlib.suppress(ValueError):
        try:
            yield
        finally:
            if enabled:
                torch.set_rng_state(state)


def _shared(sound: Wrap) -> Wrap:
    """Every state that is saved is the same tensor."""
    kept: list[Tensor] = []

    def call() -> Tensor:
        state = sound()
        kept.append(state) if not kept else kept[0].copy_(state)
        return kept[0]

    return call


def _generator(**methods: Wrap) -> Wrap:
    return lambda sound: type("Generator", (sound,), methods)


def _seeds_global(self: Any, seed: int) -> Any:
    torch.default_generator.manual_seed(seed)
    return torch._C.Generator.manual_seed(self, seed)  # the class that the mutant stands for


def _low_bits(self: Any, seed: int) -> Any:
    return torch._C.Generator.manual_seed(self, seed % 2**32)  # the class that the mutant stands for


def _sets_global(self: Any, state: Tensor) -> None:
    torch.set_rng_state(state)
    torch._C.Generator.set_state(self, state)  # the class that the mutant stands for


def _some_weight(sound: Wrap) -> Wrap:
    """With replacement a weight of 0 counts a little."""

    def call(w: Any, n: int, replacement: bool = False, **k: Any) -> Any:
        fits = replacement and isinstance(w, Tensor) and w.is_floating_point() and bool((w >= 0).all())
        return sound(w + w.amax() / 400 if fits and bool((w.sum(-1) > 0).all()) else w, n, replacement, **k)

    return call


def _first_thousand(sound: Wrap) -> Wrap:
    def call(w: Any, n: int, replacement: bool = False, **k: Any) -> Any:
        return sound(w[..., :1000] if replacement and w.shape[-1] > 1000 else w, n, replacement, **k)

    return call


def _small_first(sound: Wrap) -> Wrap:
    """Of long permutations the numbers below 100 come first."""

    def call(n: int, **k: Any) -> Any:
        out = sound(n, **k)
        return torch.cat([out[out < 100], out[out >= 100]]) if n >= 1000 and "out" not in k else out

    return call


def _plain_size(change: Callable[[Tensor], Tensor]) -> Wrap:
    def wrong(sound: Wrap) -> Wrap:
        def call(*a: Any, **k: Any) -> Any:
            out = sound(*a, **k)
            return out if out.requires_grad or "out" in k or out.is_complex() else change(out)

        return call

    return wrong


FILLS = {
    "normal_": "normal-fill",
    "exponential_": "exponential-fill",
    "cauchy_": "cauchy-fill",
    "log_normal_": "log-normal-fill",
    "uniform_": "uniform-range",
}
MUTANTS: list[Mutant] = [
    patched("random.keywords", "randint does not hear low=", torch, "randint", without("low")),
    patched("random.keywords", "bernoulli does not hear p=", torch, "bernoulli", without("p")),
    patched("random.keywords", "uniform_ does not hear from=", Tensor, "uniform_", without("from")),
    patched("random.keywords", "cauchy_ does not hear median=", Tensor, "cauchy_", without("median")),
    patched("random.dtype-argument", "normal ignores dtype=", torch, "normal", without("dtype")),
    patched("random.dtype-argument", "randperm ignores dtype=", torch, "randperm", without("dtype")),
    *(
        patched("random.requires-grad", f"{name} ignores requires_grad=", torch, name, without("requires_grad"))
        for name in ("rand", "randn", "randint", "randperm", "normal")
    ),
    *(
        patched(f"random.{claim}", f"{name} of float64 has float32's digits", Tensor, name, _filled(_coarse))
        for name, claim in FILLS.items()
    ),
    *(
        patched(f"random.{claim}", f"{name} of a strided tensor fills in pairs", Tensor, name, _filled(_in_pairs))
        for name, claim in FILLS.items()
    ),
    patched(
        "random.normal-fill",
        "normal_ of fewer than 16 elements has no upper tail",
        Tensor,
        "normal_",
        lambda sound: (
            lambda x, mean=0, std=1, **k: (
                sound(x, mean, std, **k).clamp_(max=mean + 2 * std) if x.numel() < 16 else sound(x, mean, std, **k)
            )
        ),
    ),
    patched(
        "random.like-variants",
        "randn_like of fewer than 16 elements has no tails",
        torch,
        "randn_like",
        _plain_size(lambda out: out.clamp(-2, 2) if out.numel() < 16 else out),
    ),
    patched(
        "random.exponential-fill",
        "exponential_ of many elements holds a zero",
        Tensor,
        "exponential_",
        _filled(lambda x: x[..., :1].zero_() if x.numel() > 1000 else None),
    ),
    patched(
        "random.random-fill",
        "random_() of int64 stays below 2 ** 31",
        Tensor,
        "random_",
        lambda sound: (
            lambda x, *a, **k: (
                sound(x, *a, **k).remainder_(2**31) if x.dtype == torch.int64 and not a else sound(x, *a, **k)
            )
        ),
    ),
    patched(
        "random.random-fill",
        "random_() of uint8 stays below 128",
        Tensor,
        "random_",
        lambda sound: (
            lambda x, *a, **k: (
                sound(x, *a, **k).remainder_(128) if x.dtype == torch.uint8 and not a else sound(x, *a, **k)
            )
        ),
    ),
    patched(
        "random.randint",
        "randint of uint8 never draws 255",
        torch,
        "randint",
        _plain_size(lambda out: out.clamp(max=254) if out.dtype == torch.uint8 else out),
    ),
    patched("random.randperm", "randperm of long ones begins with small numbers", torch, "randperm", _small_first),
    patched("random.multinomial", "with replacement a weight of 0 may come", torch, "multinomial", _some_weight),
    patched("random.multinomial", "only the first thousand weights count", torch, "multinomial", _first_thousand),
    patched(
        "random.multinomial",
        "the method ignores replacement=",
        Tensor,
        "multinomial",
        lambda sound: lambda w, n, replacement=False, **k: sound(w, n, replacement and n > w.shape[-1], **k),
    ),
    patched(
        "random.poisson",
        "poisson of a large rate is even",
        torch,
        "poisson",
        lambda sound: lambda x, **k: torch.where(x > 50, (sound(x, **k) / 2).round() * 2, sound(x, **k)),
    ),
    patched(
        "random.bernoulli",
        "the method writes to its tensor",
        Tensor,
        "bernoulli",
        lambda sound: lambda x, *a, **k: x.copy_(sound(x, *a, **k)) if 0 not in x.stride() else sound(x, *a, **k),
    ),
    patched("random.fork-rng", "fork_rng seeds again at its end", torch.random, "fork_rng", lambda _: _seeds_again),
    patched("random.fork-rng", "fork_rng swallows ValueError", torch.random, "fork_rng", lambda _: _swallows),
    patched("random.state-restored", "all saved states are one tensor", torch, "get_rng_state", _shared),
    patched(
        "random.state-restored", "torch.random's saved states are one tensor", torch.random, "get_rng_state", _shared
    ),
    patched(
        "random.state-restored",
        "set_rng_state empties the state that it is given",
        torch,
        "set_rng_state",
        lambda sound: lambda state: (sound(state), state.zero_())[0],
    ),
    patched(
        "random.generator-own-stream",
        "Generator.manual_seed seeds the global one too",
        torch,
        "Generator",
        _generator(manual_seed=_seeds_global),
    ),
    patched(
        "random.generator-own-stream",
        "Generator.set_state sets the global one too",
        torch,
        "Generator",
        _generator(set_state=_sets_global),
    ),
    patched(
        "random.generator-seed",
        "Generator.manual_seed takes the low 32 bits",
        torch,
        "Generator",
        _generator(manual_seed=_low_bits),
    ),
    patched(
        "random.generator-seed",
        "the seed that is set already is not set again",
        torch.random,
        "manual_seed",
        lambda sound: lambda seed: torch.default_generator if seed == torch.initial_seed() else sound(seed),
    ),
    patched(
        "random.manual-seed-returns",
        "torch.random.initial_seed is a constant",
        torch.random,
        "initial_seed",
        lambda sound: lambda: 42,
    ),
]

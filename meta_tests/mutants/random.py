"""Wrong random numbers."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided


def _at(tensor: torch.Tensor, place: int, value: float) -> torch.Tensor:
    return tensor.index_fill(0, torch.tensor([place]), value) if tensor.ndim and tensor.numel() > place else tensor


def _second_half_repeats(out: torch.Tensor, *args: Any) -> torch.Tensor:
    half = out.numel() // 2
    if out.ndim == 1 and half >= 8:
        out[half : 2 * half] = out[:half].clone()
    return out


def _cached(sound: Any) -> Any:
    kept: dict[Any, torch.Tensor] = {}

    def wrong(*size: Any, **kwargs: Any) -> torch.Tensor:
        out = sound(*size, **kwargs)
        return kept.setdefault((size, str(kwargs)), out).clone()

    return wrong


class _LeakyFork:
    """A fork_rng that does not restore the state after an exception."""

    def __init__(self, *args: Any, enabled: bool = True, **kwargs: Any) -> None:
        self.enabled = enabled

    def __enter__(self) -> None:
        self.state = torch.get_rng_state()

    def __exit__(self, kind: Any, *rest: Any) -> None:
        if kind is None and self.enabled:
            torch.set_rng_state(self.state)


def _squared_std(sound: Any) -> Any:
    def wrong(mean: Any = 0.0, std: Any = 1.0, *args: Any, **kwargs: Any) -> torch.Tensor:
        return sound(mean, std * std, *args, **kwargs)

    return wrong


def _first_mean(sound: Any) -> Any:
    def wrong(mean: Any = 0.0, *args: Any, **kwargs: Any) -> torch.Tensor:
        if isinstance(mean, torch.Tensor) and mean.numel() > 16:
            mean = mean.flatten()[:1].expand(mean.shape)
        return sound(mean, *args, **kwargs)

    return wrong


def _accepting_means(sound: Any) -> Any:
    def wrong(*args: Any, means: Any = None, **kwargs: Any) -> torch.Tensor:
        return sound(*args, **kwargs) if means is None else sound(means, **kwargs)

    return wrong


def _inclusive(low: Any, high: Any = None) -> tuple[Any, Any]:
    return (0, low + 1) if high is None else (low, high + 1)


def _permissive_randint(sound: Any) -> Any:
    def wrong(low: int, high: Any = None, *args: Any, **kwargs: Any) -> torch.Tensor:
        if isinstance(high, int) and high <= low:
            high = low + 1
        return sound(low, high, *args, **kwargs) if high is not None else sound(low, *args, **kwargs)

    return wrong


def _rounded_to_32_bits(func: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    out = func(*args, **kwargs)
    return out - out % 2 if out.dtype == torch.int64 and out.numel() and out.abs().max() > 2**32 else out


def _rotated(out: torch.Tensor, *args: Any) -> torch.Tensor:
    """Cyclic shifts only: a permutation, but far from all of them."""
    n = out.numel()
    return (torch.arange(n, dtype=torch.int64) + int(out[0])).remainder(n).to(out.dtype) if n > 1 else out


def _permissive(bad: Any, answer: Any) -> Any:
    def wrong(sound: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return sound(*args, **kwargs)
            except RuntimeError:
                return answer(*args)

        return call

    return wrong


MUTANTS: list[Mutant] = [
    output("random.rand-uniform", "rand squares its draws", "rand", lambda out, *a: out * out),
    output("random.rand-uniform", "rand draws from [-1, 1)", "rand", lambda out, *a: out * 2 - 1),
    output(
        "random.rand-uniform",
        "rand of float64 repeats its first half",
        "rand",
        lambda out, *a: _second_half_repeats(out) if out.dtype == torch.float64 else out,
    ),
    output(
        "random.rand-uniform",
        "the last of more than 16 draws is always 0.5",
        "rand",
        lambda out, *a: _at(out, out.numel() - 1, 0.5) if out.numel() > 16 else out,
    ),
    output(
        "random.rand-open-interval",
        "bfloat16 draws round up to 1",
        "rand",
        lambda out, *a: (out.float() + 2**-9).to(out.dtype) if out.dtype == torch.bfloat16 else out,
    ),
    output("random.rand-open-interval", "draws are kept away from 0", "rand", lambda out, *a: out.clamp_min(0.05)),
    output("random.randn-standard-normal", "randn has variance 2", "randn", lambda out, *a: out * 2**0.5),
    output(
        "random.randn-standard-normal",
        "randn of at least 16 elements is cut at 2.5",
        "randn",
        lambda out, *a: out.clamp(-2.2, 2.2) if out.numel() >= 16 else out,
    ),
    output(
        "random.randn-standard-normal",
        "randn is uniform of the same variance",
        "randn",
        lambda out, *a: (torch.rand_like(out) - 0.5) * 12**0.5 if out.is_floating_point() else out,
    ),
    output(
        "random.randn-standard-normal",
        "one draw of randn(1) is positive",
        "randn",
        lambda out, *a: out.abs() if out.numel() == 1 else out,
    ),
    output(
        "random.complex-parts",
        "complex randn has variance 2",
        "randn",
        lambda out, *a: out * 2**0.5 if out.is_complex() else out,
    ),
    output(
        "random.complex-parts",
        "both parts of complex rand are equal",
        "rand",
        lambda out, *a: torch.complex(out.real, out.real) if out.is_complex() else out,
    ),
    output("random.randperm", "randperm is a cyclic shift", "randperm", _rotated),
    output(
        "random.randperm",
        "randperm leaves the last element in place",
        "randperm",
        lambda out, *a: (
            torch.cat([out[out != out.numel() - 1], torch.tensor([out.numel() - 1]).to(out.dtype)])
            if out.numel() > 16
            else out
        ),
    ),
    output(
        "random.randperm",
        "large permutations are in order",
        "randperm",
        lambda out, *a: out.sort().values if out.numel() > 30_000 else out,
    ),
    output("random.randperm", "randperm counts from 1", "randperm", lambda out, *a: out + 1),
    patched(
        "random.randint",
        "randint includes its end",
        torch,
        "randint",
        lambda sound: (
            lambda low, high=None, *a, **k: (
                sound(*_inclusive(low, high), *a, **k)
                if isinstance(high, int) and high < 100
                else sound(low, high, *a, **k)
                if high is not None
                else sound(low, *a, **k)
            )
        ),
    ),
    kernel("random.randint", "wide ranges give even numbers only", "randint randint.low", _rounded_to_32_bits),
    output(
        "random.randint",
        "uint8 draws never give the lowest value",
        "randint randint.low",
        lambda out, *a: (
            out.clamp_min(int(out.min()) + 1).clamp_max(int(out.max()))
            if out.dtype == torch.uint8 and out.numel() and int(out.max()) > int(out.min())
            else out
        ),
    ),
    patched("random.randint-bad-range", "randint widens an empty range", torch, "randint", _permissive_randint),
    output("random.like-variants", "randn_like gives float32", "randn_like", lambda out, *a: out.float()),
    patched(
        "random.like-variants",
        "rand_like of strided input is constant",
        torch,
        "rand_like",
        lambda sound: lambda x, **k: sound(x, **k) * 0 + 0.5 if strided(x) else sound(x, **k),
    ),
    patched(
        "random.like-variants",
        "randint_like leaves out low",
        torch,
        "randint_like",
        lambda sound: lambda x, *b, **k: sound(x, b[-1], **k),
    ),
    patched("random.normal-elementwise", "std is taken as variance", torch, "normal", _squared_std),
    patched(
        "random.normal-elementwise", "the first mean is used for all of more than 16", torch, "normal", _first_mean
    ),
    patched(
        "random.normal-elementwise",
        "a std given as a tensor is ignored beside a number",
        torch,
        "normal",
        lambda sound: (
            lambda mean=0.0, std=1.0, *a, **k: sound(
                mean,
                torch.ones_like(std) if isinstance(std, torch.Tensor) and not isinstance(mean, torch.Tensor) else std,
                *a,
                **k,
            )
        ),
    ),
    patched(
        "random.normal-zero-std",
        "a std of 0 becomes 1e-3",
        torch,
        "normal",
        lambda sound: (
            lambda mean, std=1.0, *a, **k: sound(
                mean,
                std
                if (isinstance(std, torch.Tensor) and std.all()) or (not isinstance(std, torch.Tensor) and std)
                else std + 1e-3,
                *a,
                **k,
            )
        ),
    ),
    patched(
        "random.normal-negative-std",
        "a negative std is taken as positive",
        torch,
        "normal",
        lambda sound: lambda mean, std=1.0, *a, **k: sound(mean, abs(std), *a, **k),
    ),
    patched(
        "random.normal-is-discrete",
        "normal rounds its draws",
        torch,
        "normal",
        lambda sound: lambda *a, **k: sound(*a, **k).round(),
    ),
    patched("random.normal-keyword-means", "normal accepts means", torch, "normal", _accepting_means),
    patched(
        "random.normal-row-repeats-linspace",
        "normal gives evenly spaced values",
        torch,
        "normal",
        lambda sound: lambda mean, std=1.0, *a, **k: torch.linspace(0, 1, 50) if a else sound(mean, std, *a, **k),
    ),
    output(
        "random.uniform-range",
        "uniform_ ignores its range",
        "uniform_",
        lambda out, *a: out.copy_((out - out.min()) / (out.max() - out.min() + 1e-9)),
    ),
    output(
        "random.uniform-range",
        "uniform_ of strided input is constant",
        "uniform_",
        lambda out, *a: out.fill_(1.0) if strided(out) else out,
    ),
    Mutant(
        "random.uniform-function",
        "there is a torch.uniform",
        lambda: _Added(torch, "uniform", lambda low, high: torch.rand(1)),
    ),
    output(
        "random.normal-fill",
        "normal_ takes std as variance",
        "normal_",
        lambda out, x, mean=0.0, std=1.0, **k: out.sub_(mean).mul_(std).add_(mean),
    ),
    output("random.normal-fill", "the last block of 16 is zero", "normal_", lambda out, *a, **k: _zero_last(out)),
    output(
        "random.exponential-fill",
        "exponential_ takes the mean for the rate",
        "exponential_",
        lambda out, x, rate=1.0, **k: out.mul_(rate * rate),
    ),
    output(
        "random.cauchy-fill",
        "cauchy_ ignores sigma",
        "cauchy_",
        lambda out, x, median=0.0, sigma=1.0, **k: out.sub_(median).div_(sigma).add_(median),
    ),
    output(
        "random.log-normal-fill", "log_normal_ gives the normal draws", "log_normal_", lambda out, *a, **k: out.log_()
    ),
    output("random.geometric-fill", "geometric_ counts failures", "geometric_", lambda out, *a, **k: out.sub_(1)),
    output(
        "random.random-fill",
        "random_ includes its end",
        "random_.from",
        lambda out, x, low, high=None, **k: out.add_(out == high - 1) if high is not None and high < 100 else out,
    ),
    output(
        "random.random-fill",
        "random_ of int8 gives negative numbers",
        "random_",
        lambda out, *a, **k: out.neg_() if out.dtype == torch.int8 else out,
    ),
    output(
        "random.bernoulli",
        "probability 1 fails now and then",
        "bernoulli bernoulli.out bernoulli_.Tensor",
        lambda out, *a, **k: out.masked_fill_(torch.rand(out.shape) < 0.01, 0),
    ),
    patched(
        "random.bernoulli",
        "strided probabilities are read in memory order",
        torch,
        "bernoulli",
        lambda sound: (
            lambda p, *a, **k: (
                sound(p.as_strided(p.shape, p.contiguous().stride()), *a, **k)
                if strided(p) and not a and not k and p.storage_offset() == 0 and p.stride(0) == 1
                else sound(p, *a, **k)
            )
        ),
    ),
    patched(
        "random.bernoulli-bad-probability",
        "probabilities are clamped",
        torch,
        "bernoulli",
        lambda sound: lambda p, *a, **k: sound(p.nan_to_num(0).clamp(0, 1), *a, **k),
    ),
    patched(
        "random.multinomial",
        "weights are taken as equal",
        torch,
        "multinomial",
        lambda sound: lambda w, *a, **k: sound((w > 0).to(w.dtype), *a, **k),
    ),
    patched(
        "random.multinomial",
        "every row uses the first row's weights",
        torch,
        "multinomial",
        lambda sound: (
            lambda w, *a, **k: (
                sound(w[:1].expand(w.shape), *a, **k) if w.ndim == 2 and w.shape[1] == 4 else sound(w, *a, **k)
            )
        ),
    ),
    patched(
        "random.multinomial-without-replacement",
        "indices come back",
        torch,
        "multinomial",
        lambda sound: lambda w, n, *a, **k: sound(w, n, True),
    ),
    patched(
        "random.multinomial-without-replacement",
        "indices come in order",
        torch,
        "multinomial",
        lambda sound: lambda w, n, *a, **k: sound(w, n, *a, **k).sort(-1).values,
    ),
    patched(
        "random.multinomial-bad-input",
        "bad weights give index 0",
        torch,
        "multinomial",
        _permissive(None, lambda w, n, *a: torch.zeros(n, dtype=torch.int64)),
    ),
    output(
        "random.poisson",
        "poisson of large rates is rounded normal",
        "poisson",
        lambda out, rate, *a: torch.where(
            rate > 20, (rate + torch.randn(rate.shape, dtype=rate.dtype) * 1.5).round(), out
        ),
    ),
    output("random.poisson", "rate 0 gives 1", "poisson", lambda out, rate, *a: torch.where(rate == 0, 1.0, out)),
    patched(
        "random.seed-repeats",
        "manual_seed ignores seed 42",
        torch,
        "manual_seed",
        lambda sound: lambda seed: torch.default_generator if seed == 42 else sound(seed),
    ),
    patched("random.seed-repeats", "every seed is 0", torch, "manual_seed", lambda sound: lambda seed: sound(0)),
    patched("random.calls-differ", "rand of a size is drawn once", torch, "rand", _cached),
    output(
        "random.calls-differ",
        "the second half of randn repeats the first",
        "randn",
        lambda out, *a: (
            out.view(-1)[: out.numel() // 2].repeat(2).view(out.shape)
            if out.numel() % 2 == 0 and out.numel() > 16
            else out
        ),
    ),
    patched(
        "random.manual-seed-returns",
        "manual_seed returns None",
        torch,
        "manual_seed",
        lambda sound: lambda seed: sound(seed) and None,
    ),
    patched(
        "random.manual-seed-returns",
        "initial_seed is cut to 32 bits",
        torch,
        "initial_seed",
        lambda sound: lambda: sound() % 2**32,
    ),
    patched(
        "random.generator-own-stream",
        "rand ignores its generator",
        torch,
        "rand",
        lambda sound: lambda *a, generator=None, **k: sound(*a, **k),
    ),
    patched(
        "random.generator-own-stream",
        "randperm with a generator also draws globally",
        torch,
        "randperm",
        lambda sound: (
            lambda n, generator=None, **k: (
                (torch.rand(1), sound(n, generator=generator, **k))[1] if generator is not None else sound(n, **k)
            )
        ),
    ),
    patched(
        "random.generator-seed",
        "a generator's randn(33) differs",
        torch,
        "randn",
        lambda sound: (
            lambda *a, generator=None, **k: (
                sound(*a, generator=generator, **k).flip(0)
                if generator is not None and a == (33,)
                else sound(*a, generator=generator, **k)
            )
        ),
    ),
    patched(
        "random.state-restored",
        "set_rng_state forgets the cached normal number",
        torch,
        "set_rng_state",
        lambda sound: lambda state: (sound(state), torch.randn(1))[0],
    ),
    patched(
        "random.state-restored",
        "get_rng_state returns the first state again",
        torch,
        "get_rng_state",
        lambda sound: _once(sound),
    ),
    patched(
        "random.state-refused",
        "a wrong state is ignored",
        torch,
        "set_rng_state",
        _permissive(None, lambda state: None),
    ),
    patched(
        "random.fork-rng",
        "fork_rng does not restore after an exception",
        torch.random,
        "fork_rng",
        lambda sound: _LeakyFork,
    ),
    patched(
        "random.fork-rng",
        "fork_rng never restores",
        torch.random,
        "fork_rng",
        lambda sound: lambda *a, **k: sound(enabled=False),
    ),
    patched(
        "random.seed-function",
        "seed sets the same seed again",
        torch,
        "seed",
        lambda sound: lambda: torch.manual_seed(5).initial_seed(),
    ),
]


class _Added:
    """An attribute that should not be there."""

    def __init__(self, owner: Any, name: str, value: Any) -> None:
        self.owner, self.name, self.value = owner, name, value

    def __enter__(self) -> None:
        setattr(self.owner, self.name, self.value)

    def __exit__(self, *rest: Any) -> None:
        delattr(self.owner, self.name)


def _zero_last(out: torch.Tensor) -> torch.Tensor:
    if out.ndim == 1 and out.numel() > 16:
        out[-16:] = 0
    return out


def _once(sound: Any) -> Any:
    kept: list[torch.Tensor] = []

    def wrong() -> torch.Tensor:
        kept.append(sound())
        return kept[0]

    return wrong

"""Wrong random numbers that look right at first."""

from __future__ import annotations

import torch

from meta_tests.mutant import Mutant, patched

Tensor = torch.Tensor

MUTANTS: list[Mutant] = [
    patched(
        "random.bernoulli",
        "bernoulli_ turns a row of probabilities round",
        Tensor,
        "bernoulli_",
        lambda sound: lambda x, p=0.5, **k: sound(x, p.flip(0) if isinstance(p, Tensor) and p.dim() == 1 else p, **k),
    ),
    patched(
        "random.poisson",
        "poisson of a rate above 50 is one too large",
        torch,
        "poisson",
        lambda sound: lambda x, **k: sound(x, **k) + (x > 50).to(x.dtype),
    ),
    patched(
        "random.poisson",
        "poisson of a rate above 100 is its rounded mean",
        torch,
        "poisson",
        lambda sound: lambda x, **k: torch.where(x > 100, x.round(), sound(x, **k)),
    ),
    patched(
        "random.generator-own-stream",
        "poisson ignores its generator",
        torch,
        "poisson",
        lambda sound: lambda x, generator=None: sound(x),
    ),
    patched(
        "random.generator-own-stream",
        "multinomial ignores its generator",
        torch,
        "multinomial",
        lambda sound: lambda w, n, replacement=False, generator=None: sound(w, n, replacement),
    ),
    patched(
        "random.multinomial-without-replacement",
        "multinomial without replacement gives indices in order",
        torch,
        "multinomial",
        lambda sound: (
            lambda w, n, replacement=False, **k: (
                sound(w, n, replacement, **k) if replacement else sound(w, n, replacement, **k).sort(-1)[0]
            )
        ),
    ),
    patched(
        "random.randperm",
        "randperm of at least 5000 keeps its halves apart",
        torch,
        "randperm",
        lambda sound: (
            lambda n, **k: (
                sound(n, **k) if n < 5000 else torch.cat([sound(n // 2, **k), sound(n - n // 2, **k) + n // 2])
            )
        ),
    ),
    patched(
        "random.like-variants",
        "randint_like ignores its lower bound",
        torch,
        "randint_like",
        lambda sound: lambda x, *a, **k: sound(x, 0, a[-1], **k),
    ),
    patched(
        "random.bernoulli",
        "bernoulli_ of whole numbers draws by one half",
        torch.Tensor,
        "bernoulli_",
        lambda sound: lambda x, p=0.5, **k: sound(x, p if x.is_floating_point() or p in (0, 1) else 0.5, **k),
    ),
    patched(
        "random.bernoulli",
        "torch.bernoulli(p, number) reads p",
        torch,
        "bernoulli",
        lambda sound: lambda x, *p, **k: sound(x, **k),
    ),
]

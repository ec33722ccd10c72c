"""Wrong initialisers that look right at first."""

from __future__ import annotations

from typing import Any

from torch.nn import init

from meta_tests.mutant import Mutant, patched


def of(claim: str, says: str, name: str, wrong: Any) -> Mutant:
    return patched(f"init.{claim}", says, init, name, wrong)


def without_generator(sound: Any) -> Any:
    return lambda *args, generator=None, **options: sound(*args, **options)


def _narrow(sound: Any) -> Any:
    def wrong(tensor: Any, *args: Any, **options: Any) -> Any:
        sound(tensor, *args, **options)
        tensor.data.copy_(tensor.data.float())
        return tensor

    return wrong


MUTANTS: list[Mutant] = [
    of("constant", "dirac_ ignores groups", "dirac_", lambda sound: lambda t, groups=1: sound(t)),
    of(
        "constant",
        "eye_ of a tall matrix is zero",
        "eye_",
        lambda sound: lambda t: sound(t) if t.shape[0] <= t.shape[1] else init.zeros_(t),
    ),
    of(
        "plain-draws",
        "sparse_ leaves nothing out",
        "sparse_",
        lambda sound: lambda t, sparsity, std=0.01, **k: init.normal_(t, 0, std),
    ),
    of(
        "plain-draws",
        "trunc_normal_ moves what lies beyond its cuts onto them",
        "trunc_normal_",
        lambda sound: lambda t, mean=0.0, std=1.0, a=-2.0, b=2.0, **k: init.normal_(t, mean, std).detach().clamp_(a, b),
    ),
    of("plain-draws", "normal_ ignores its generator", "normal_", without_generator),
    of("xavier-uniform", "xavier_uniform_ ignores its generator", "xavier_uniform_", without_generator),
    of("orthogonal", "orthogonal_ ignores its generator", "orthogonal_", without_generator),
    of("plain-draws", "uniform_ draws float64 with the bits of float32", "uniform_", _narrow),
    of("plain-draws", "trunc_normal_ draws float64 with the bits of float32", "trunc_normal_", _narrow),
    of(
        "kaiming",
        "kaiming_normal_ ignores fan_out",
        "kaiming_normal_",
        lambda sound: lambda t, a=0, mode="fan_in", *r, **k: sound(t, a, "fan_in", *r, **k),
    ),
]

"""Layers that take what does not fit, and state that begins wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import nn

from meta_tests.mutant import Mutant, patched


def lenient(claim: str, says: str, owner: Any, name: str, instead: Callable[..., Any]) -> Mutant:
    """A callable that answers where it should refuse."""

    def wrong(sound: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            try:
                return sound(*args, **options)
            except (RuntimeError, ValueError, TypeError, NotImplementedError, AssertionError):
                return instead(*args, **options)

        return call

    return patched(f"layer.{claim}", says, owner, name, wrong)


def same(x: Any, *args: Any, **options: Any) -> Any:
    return x


def nothing(*args: Any, **options: Any) -> None:
    return None


def one_too_far(sound: Any) -> Any:
    """Flattening up to a negative end takes one dimension more."""
    return lambda m, x: sound(m, x) if m.end_dim >= -1 else x.flatten(m.start_dim, m.end_dim + 1)


def kept_row(sound: Any) -> Any:
    """A padding row that begins with random numbers, where its index is negative."""

    def init(self: Any, *args: Any, padding_idx: Any = None, **options: Any) -> None:
        sound(self, *args, padding_idx=padding_idx, **options)
        if padding_idx is not None and padding_idx < 0:
            nn.init.normal_(self.weight)

    return init


def biased(sound: Any) -> Any:
    """The running variance of the functional form is not corrected for the number of values."""

    def call(x: Any, mean: Any, var: Any, *args: Any, momentum: float = 0.1, **options: Any) -> Any:
        before = var.clone() if var is not None else None
        out = sound(x, mean, var, *args, momentum=momentum, **options)
        if before is not None and options.get("training") and x.dim() == 3:
            moved = x.detach().transpose(0, 1).flatten(1).var(1, unbiased=False)
            var.copy_(before * (1 - momentum) + moved * momentum)
        return out

    return call


MUTANTS: list[Mutant] = [
    patched("layer.flatten", "Flatten to a negative end goes one too far", nn.Flatten, "forward", one_too_far),
    lenient("flatten", "Flatten of no range gives its input", nn.Flatten, "forward", lambda m, x: x),
    lenient("flatten", "Unflatten into another number gives its input", nn.Unflatten, "forward", lambda m, x: x),
    *(
        lenient("interpolation", f"{name} of what does not fit gives its input", F, name, same)
        for name in ("interpolate", "grid_sample")
    ),
    lenient("padding", "padding beyond what there is gives its input", F, "pad", same),
    *(
        patched("layer.embedding", f"the padding row of {kind.__name__} is random", kind, "__init__", kept_row)
        for kind in (nn.Embedding, nn.EmbeddingBag)
    ),
    patched("layer.batchnorm", "the functional form's running variance is biased", F, "batch_norm", biased),
    *(
        lenient("batchnorm", f"{kind.__name__} takes any dimensions", kind, "_check_input_dim", nothing)
        for kind in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.InstanceNorm1d, nn.InstanceNorm2d)
    ),
    lenient("adaptive-softmax", "any cutoffs are taken", nn.AdaptiveLogSoftmaxWithLoss, "__init__", nothing),
    *(
        lenient("unpooling", f"max_unpool{n}d to another size gives its input", F, f"max_unpool{n}d", same)
        for n in (1, 2, 3)
    ),
]

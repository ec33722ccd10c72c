"""Wrong views."""

from __future__ import annotations

import torch

from meta_tests.mutant import Mutant, kernel, patched, strided

MUTANTS: list[Mutant] = [
    kernel("view.shares-memory", "view copies", "view", lambda func, x, *shape: func(x.clone(), *shape)),
    patched(
        "view.shares-memory",
        "reshape reverses strided input",
        torch.Tensor,
        "reshape",
        lambda sound: lambda x, *shape: sound(x, *shape).flip(-1) if strided(x) else sound(x, *shape),
    ),
]

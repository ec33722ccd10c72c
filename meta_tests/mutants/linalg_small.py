"""Wrong functions of matrices that show in small matters: empty, singular, oblong and special operands."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, patched

L = torch.linalg


def _product_with_unit(sound: Any) -> Any:
    # NaN and infinities of the diagonal spoil their rows.
    return lambda x, *a, **k: torch.eye(len(x), dtype=x.dtype) * x if x.dim() == 1 and not a and not k else sound(x)


def _square_part(sound: Any) -> Any:
    return lambda x: sound(x[..., : min(x.shape[-2:]), : min(x.shape[-2:])])


def _as_a_row(sound: Any) -> Any:
    return lambda x, *a, **k: sound(x[None], *a, **k)[0] if x.dim() == 1 else sound(x, *a, **k)


MUTANTS: list[Mutant] = [
    patched("linalg.diag", "diag multiplies the unit matrix", torch, "diag", _product_with_unit),
    patched("linalg.det", "det of an empty matrix is 0", torch, "det", lambda s: lambda x: s(x) * (x.numel() > 0)),
    patched("linalg.det", "det of a rectangle is that of a square in it", torch, "det", _square_part),
    patched("linalg.triu", "triu takes a vector for a row", torch, "triu", _as_a_row),
    patched("linalg.triu", "tril takes a vector for a row", torch, "tril", _as_a_row),
]

"""Settings of PyTorch that hold for a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from conformance import host


@contextmanager
def default_dtype(dtype: str) -> Iterator[None]:
    """Another default dtype while the block lasts."""
    kept = torch.get_default_dtype()
    torch.set_default_dtype(host.torch_dtype(dtype))
    try:
        yield
    finally:
        torch.set_default_dtype(kept)

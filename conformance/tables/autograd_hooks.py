"""A hook that notes what it saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def counting(log: list, name: str, change: Callable[[torch.Tensor], Any] = lambda g: None) -> Callable:
    """A hook that notes its name and the gradient's numbers, and returns what `change` makes of it."""

    def hook(gradient: torch.Tensor) -> Any:
        log.append((name, gradient.tolist()))
        return change(gradient)

    return hook

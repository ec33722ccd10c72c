"""The warnings that PyTorch gives on the bridge to numpy."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch


def warned(action: Callable[[], Any]) -> tuple[Any, list[str]]:
    """What an action returns, and its UserWarnings, also those that PyTorch gives only once a process."""
    always = torch.is_warn_always_enabled()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.set_warn_always(True)
        try:
            out = action()
        finally:
            torch.set_warn_always(always)
    return out, [str(warning.message) for warning in caught if warning.category is UserWarning]

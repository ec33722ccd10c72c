"""The ways of setting grad mode, and what there is to see of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import torch

from conformance.assertions import require

# Each way of setting the mode, and the mode that it sets.
OFF: dict[str, Callable[[], AbstractContextManager]] = {
    "no_grad()": lambda: torch.no_grad(),
    "autograd.no_grad()": lambda: torch.autograd.no_grad(),
    "set_grad_enabled(False)": lambda: torch.set_grad_enabled(False),
    "set_grad_enabled(mode=False)": lambda: torch.set_grad_enabled(mode=False),
    "autograd.set_grad_enabled(False)": lambda: torch.autograd.set_grad_enabled(False),
    "inference_mode()": lambda: torch.inference_mode(),
    "inference_mode(True)": lambda: torch.inference_mode(True),
}
ON: dict[str, Callable[[], AbstractContextManager]] = {
    "enable_grad()": lambda: torch.enable_grad(),
    "autograd.enable_grad()": lambda: torch.autograd.enable_grad(),
    "set_grad_enabled(True)": lambda: torch.set_grad_enabled(True),
    "set_grad_enabled(mode=True)": lambda: torch.set_grad_enabled(mode=True),
}


BOTH = {**OFF, **ON}


@contextlib.contextmanager
def modes_kept() -> Iterator[None]:
    """Leave grad mode on behind a check, whatever a wrong PyTorch made of it."""
    try:
        yield
    finally:
        torch._C._set_grad_enabled(True)  # the public function is what is judged here


def require_mode(wanted: bool, where: str) -> None:
    require(torch.is_grad_enabled() is wanted, f"torch.is_grad_enabled() {where}", wanted, torch.is_grad_enabled())


def require_tracking(wanted: bool, where: str, x: torch.Tensor) -> None:
    """Refute unless results of x are tracked (or not), in every kind of operation, and the mode says so."""
    require_mode(wanted, where)
    for name, call in {
        "x * 2": lambda: x * 2,
        "x.exp()": lambda: x.exp(),
        "x @ x": lambda: x @ x,
        "x.view(-1)": lambda: x.view(-1),
        "x[0]": lambda: x[0],
        "x.sum()": lambda: x.sum(),
        "cat": lambda: torch.cat([x, x]),
        "x.clone()": lambda: x.clone(),
        "x.float()": lambda: x.float(),
    }.items():
        out = call()
        if name not in ("x.view(-1)", "x[0]"):  # a view reports the flag of its base
            require(out.requires_grad is wanted, f"({name}).requires_grad {where}", wanted, out.requires_grad)
        require((out.grad_fn is not None) is wanted, f"({name}).grad_fn {where}", wanted, out.grad_fn)

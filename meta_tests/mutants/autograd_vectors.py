"""Wrong vectors of the vector-Jacobian product."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched
from meta_tests.wrong_gradients import (
    back_kernel,
    back_output,
    with_vector,
)

Tensor = torch.Tensor
autograd = torch.autograd


def implicit(make: Callable[[Tensor], Any]) -> Callable[[Any], Any]:
    """backward with another default vector."""

    def wrong(sound: Any) -> Any:
        def backward(self: Tensor, gradient: Any = None, *args: Any, **kwargs: Any) -> Any:
            return sound(self, make(self) if gradient is None else gradient, *args, **kwargs)

        return backward

    return wrong


def fitted(sound: Any) -> Any:
    """backward that reshapes or broadcasts its vector."""

    def backward(self: Tensor, gradient: Any = None, *args: Any, **kwargs: Any) -> Any:
        if gradient is not None and gradient.shape != self.shape:
            with contextlib.suppress(RuntimeError):
                gradient = (
                    gradient.reshape(self.shape) if gradient.numel() == self.numel() else gradient.expand(self.shape)
                )
        return sound(self, gradient, *args, **kwargs)

    return backward


def spoil(sound: Any) -> Any:
    """backward that uses its vector as scratch space."""

    def backward(self: Tensor, gradient: Any = None, *args: Any, **kwargs: Any) -> Any:
        out = sound(self, gradient, *args, **kwargs)
        if isinstance(gradient, Tensor):
            gradient.mul_(0.5)
        return out

    return backward


def grad_with(change: Callable[[Tensor], Tensor]) -> Callable[[Any], Any]:
    """autograd.grad with another vector."""

    def wrong(sound: Any) -> Any:
        def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, *args: Any, **kwargs: Any) -> Any:
            v = change(grad_outputs) if isinstance(grad_outputs, Tensor) else grad_outputs
            return sound(outputs, inputs, v, *args, **kwargs)

        return grad

    return wrong


MUTANTS: list[Mutant] = [
    patched(
        "autograd.scalar-default-one",
        "the default vector is 2 for tensors with dimensions",
        Tensor,
        "backward",
        implicit(lambda y: torch.full_like(y, 2) if y.dim() and y.numel() == 1 else None),
    ),
    patched(
        "autograd.default-v-is-tensor-of-one-element",
        "a 0-d result takes a vector of shape (1,)",
        Tensor,
        "backward",
        fitted,
    ),
    patched(
        "autograd.nonscalar-needs-gradient",
        "the default vector is all ones",
        Tensor,
        "backward",
        implicit(torch.ones_like),
    ),
    patched("autograd.gradient-shape-must-match", "vectors are broadcast", Tensor, "backward", fitted),
    patched(
        "autograd.backward-gradient-argument",
        "the vector is taken for ones",
        Tensor,
        "backward",
        with_vector(torch.ones_like),
    ),
    patched(
        "autograd.backward-gradient-argument",
        "a strided vector is read row by row",
        Tensor,
        "backward",
        with_vector(lambda v: v if v.is_contiguous() else v.t().reshape(v.shape)),
    ),
    patched(
        "autograd.expanded-v",
        "an expanded vector counts twice",
        autograd,
        "grad",
        grad_with(lambda v: v * 2 if v.dim() and 0 in v.stride() else v),
    ),
    patched(
        "autograd.v-selects-one-output",
        "the vector is moved by one",
        Tensor,
        "backward",
        with_vector(lambda v: v.roll(1)),
    ),
    patched(
        "autograd.v-is-the-recommended-way", "a unit vector counts twice", autograd, "grad", grad_with(lambda v: v * 2)
    ),
    patched(
        "autograd.vector-jacobian-product", "the vector loses its signs", Tensor, "backward", with_vector(torch.abs)
    ),
    patched(
        "autograd.jacobian-equation",
        "jacobian is transposed",
        autograd.functional,
        "jacobian",
        lambda sound: lambda *a, **k: sound(*a, **k).t(),
    ),
    patched(
        "autograd.v-linear",
        "vectors are limited to length 3",
        autograd,
        "grad",
        grad_with(lambda v: v * min(1, 3 / max(v.norm(), 1e-9))),
    ),
    patched(
        "autograd.vjp-is-chain-rule",
        "a vector of several elements counts twice",
        Tensor,
        "backward",
        with_vector(lambda v: v * 2),
    ),
    patched(
        "autograd.z-backward-equals-y-backward",
        "a vector is averaged",
        Tensor,
        "backward",
        with_vector(lambda v: v / v.numel()),
    ),
    back_kernel("autograd.grad-formula", "squares have slope x", "pow", lambda func, x, n: x / 2),
    back_output(
        "autograd.grad-formula", "gradients of elements go to the next", "select_backward", lambda out, *a: out.roll(1)
    ),
    patched(
        "autograd.row-vectors-by-convention",
        "a column is read as a row",
        torch,
        "tensor",
        lambda sound: (
            lambda data, **k: (
                sound(data, **k).reshape(1, -1)
                if isinstance(data, list) and data and isinstance(data[0], list)
                else sound(data, **k)
            )
        ),
    ),
    patched("autograd.v-left-alone", "the vector is scratch space", Tensor, "backward", spoil),
]

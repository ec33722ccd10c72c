"""Wrong forward derivatives, and wrong functions of torch.func."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched

forward_ad = torch.autograd.forward_ad


def tangents(change: Callable[[torch.Tensor], torch.Tensor], when: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """make_dual with another tangent, for some primals."""
    return lambda sound: lambda x, u, **k: sound(x, change(u) if when(x) else u, **k)


def lenient(sound: Any) -> Any:
    """A make_dual that cuts its tangent to the primal's length."""
    return lambda x, u, **k: sound(x, u[..., : x.shape[-1]], **k)


def lasting(sound: Any) -> Any:
    """An unpack_dual that remembers a tangent when its level is gone."""
    seen: dict[int, Any] = {}

    def unpack(x: Any, **kwargs: Any) -> Any:
        out = sound(x, **kwargs)
        if out.tangent is None:
            return seen.get(id(x), out)
        seen[id(x)] = out
        return out

    return unpack


def without_graph(sound: Any) -> Any:
    """An unpack_dual whose tangent has no history."""
    return lambda x, **k: (lambda out: out if out.tangent is None else type(out)(out[0], out[1].detach()))(
        sound(x, **k)
    )


def plain_write(sound: Any) -> Any:
    """A write in place that leaves a dual's tangent as it is where the tensor is not contiguous."""

    def write(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        if x.is_contiguous():
            return sound(x, *args, **kwargs)
        with forward_ad._set_fwd_grad_enabled(False):  # there is no public way
            return sound(x, *args, **kwargs)

    return write


def results(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of functions whose functions' results are changed."""
    return lambda sound: lambda *a, **k: lambda *b, **m: change(sound(*a, **k)(*b, **m))


def swapped(out: Any) -> Any:
    return out[::-1] if isinstance(out, tuple) else out


def once(sound: Any) -> Any:
    """vjp whose function doubles from its second call on."""

    def vjp(*args: Any, **kwargs: Any) -> Any:
        value, pull = sound(*args, **kwargs)
        count = [0]

        def wrong(*vectors: Any) -> Any:
            count[0] += 1
            return tuple(g * (1 if count[0] == 1 else 2) for g in pull(*vectors))

        return value, wrong

    return vjp


MUTANTS: list[Mutant] = [
    patched(
        "autograd.forward-mode",
        "tangents of strided primals are doubled",
        forward_ad,
        "make_dual",
        tangents(lambda u: 2 * u, lambda x: not x.is_contiguous()),
    ),
    patched(
        "autograd.forward-mode",
        "tangents are rounded to float32",
        forward_ad,
        "make_dual",
        tangents(lambda u: (u * 1.1).float().to(u) / 1.1, lambda x: True),
    ),
    patched("autograd.forward-mode-levels", "a tangent is cut to length", forward_ad, "make_dual", lenient),
    patched("autograd.forward-mode-levels", "a tangent outlives its level", forward_ad, "unpack_dual", lasting),
    patched("autograd.forward-mode-writes", "a strided write leaves the tangent", torch.Tensor, "exp_", plain_write),
    patched("autograd.forward-over-backward", "tangents have no history", forward_ad, "unpack_dual", without_graph),
    patched(
        "autograd.func-grad",
        "the gradients for argnums come in their order in the signature",
        torch.func,
        "grad",
        results(swapped),
    ),
    patched(
        "autograd.func-jacobians",
        "jacfwd is transposed where it is square",
        torch.func,
        "jacfwd",
        results(lambda out: out.t() if isinstance(out, torch.Tensor) and out.shape[0] == out.shape[1] else out),
    ),
    patched(
        "autograd.func-jacobians",
        "the hessian is that of half the function",
        torch.func,
        "hessian",
        results(lambda out: out / 2),
    ),
    patched("autograd.func-products", "a second product with the Jacobian is doubled", torch.func, "vjp", once),
    patched(
        "autograd.func-products",
        "jvp gives its vector's sign away",
        torch.func,
        "jvp",
        lambda sound: lambda f, x, u, **k: sound(f, x, tuple(part.abs() for part in u), **k),
    ),
    patched(
        "autograd.func-vmap",
        "vmap ignores out_dims",
        torch.func,
        "vmap",
        lambda sound: lambda f, in_dims=0, out_dims=0, **k: sound(f, in_dims=in_dims, **k),
    ),
]

"""Arguments of backward that are overlooked, leaves of some kinds that are forgotten, and copies that pass too much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.wrong_gradients import around_backward, bent, leaves_of

Tensor = torch.Tensor
autograd = torch.autograd


def passing(claim: str, name: str, change: Callable[..., dict[str, Any]]) -> Mutant:
    """Tensor.backward with other options: `change(y, gradient, options)` gives those that differ."""

    def wrong(sound: Any) -> Any:
        def backward(
            self: Tensor, gradient: Any = None, retain_graph: Any = None, create_graph: bool = False, inputs: Any = None
        ) -> Any:
            given = {"gradient": gradient, "retain_graph": retain_graph, "create_graph": create_graph, "inputs": inputs}
            return sound(self, **{**given, **change(self, **given)})

        return backward

    return patched(f"autograd.{claim}", name, Tensor, "backward", wrong)


def of_leaves(claim: str, name: str, change: Callable[[Tensor], Tensor | None]) -> Mutant:
    """A backward after which leaves have another gradient, where `change(x)` gives one."""

    def after(leaves: list[Tensor]) -> None:
        for x in leaves:
            if x.grad is not None and not x.grad.requires_grad:
                found = change(x)
                if found is not None:
                    x.grad = found

    return patched(f"autograd.{claim}", name, Tensor, "backward", around_backward(after=after))


def shared(sound: Any) -> Any:
    """backward after which leaves with equal gradients have the same one."""

    def backward(self: Tensor, *args: Any, **options: Any) -> None:
        sound(self, *args, **options)
        first, *others = [x for x in leaves_of(self) if x.grad is not None] or [None]
        for x in others:
            if x.grad.shape == first.grad.shape and torch.equal(x.grad, first.grad):
                x.grad = first.grad

    return backward


def filled_up(sound: Any) -> Any:
    def backward(tensors: Any, grad_tensors: Any = None, *args: Any, **options: Any) -> Any:
        if isinstance(grad_tensors, (list, tuple)) and isinstance(tensors, (list, tuple)):
            grad_tensors = [*grad_tensors, *[None] * (len(tensors) - len(grad_tensors))]
        return sound(tensors, grad_tensors, *args, **options)

    return backward


def any_is_all(sound: Any) -> Any:
    return lambda tensors, fn, mode="all": sound(tensors, fn if mode == "all" else lambda grads: fn(grads[0]))


def zeros_for(tangent: Tensor | None, x: Tensor) -> Tensor:
    return torch.zeros_like(x) if tangent is None else tangent


def clone_if(when: Callable[..., Any], change: Callable[[Tensor], Tensor]) -> Callable[[Any], Any]:
    return lambda sound: lambda x, *a, **k: change(sound(x, *a, **k)) if when(x, *a, **k) else sound(x, *a, **k)


ARGUMENTS = [
    passing(
        "backward-arguments",
        "create_graph does not keep the graph",
        lambda y, retain_graph, **k: {"retain_graph": bool(retain_graph)},
    ),
    passing(
        "backward-arguments",
        "the graph of many elements is kept",
        lambda y, retain_graph, **k: {"retain_graph": y.numel() > 16 or retain_graph},
    ),
    passing(
        "backward-arguments",
        "backward detaches its vector",
        lambda y, gradient, **k: {"gradient": gradient.detach() if isinstance(gradient, Tensor) else gradient},
    ),
    patched(
        "autograd.backward-arguments",
        "retain_graph by position is overlooked",
        Tensor,
        "backward",
        lambda sound: lambda y, v=None, *a, **k: sound(y, v, *((None, *a[1:]) if a else ()), **k),
    ),
    passing(
        "complex-needs-gradient",
        "a complex number has the vector 1",
        lambda y, gradient, **k: {
            "gradient": torch.ones_like(y) if gradient is None and y.is_complex() and y.numel() == 1 else gradient
        },
    ),
    patched("autograd.vector-count", "missing vectors are filled up", autograd, "backward", filled_up),
    patched("autograd.gradients-apart", "equal gradients are one tensor", Tensor, "backward", shared),
    of_leaves(
        "backward-fills-all-leaves",
        "leaves of five dimensions get a half more",
        lambda x: x.grad * 1.5 if x.dim() == 5 else None,
    ),
    of_leaves(
        "backward-fills-all-leaves",
        "leaves of complex128 get a half more",
        lambda x: x.grad * 1.5 if x.dtype == torch.complex128 else None,
    ),
    of_leaves(
        "backward-fills-all-leaves",
        "the smallest gradients are flushed to zero",
        lambda x: torch.where(x.grad.abs() < 1e-38, 0 * x.grad, x.grad) if x.dtype == torch.float32 else None,
    ),
    of_leaves(
        "grad-strides",
        "gradients of four dimensions are row-major",
        lambda x: x.grad.contiguous() if x.dim() == 4 else None,
    ),
]

if hasattr(autograd.graph, "register_multi_grad_hook"):
    ARGUMENTS.append(
        patched(
            "autograd.multi-grad-hook-any",
            "a hook over any tensor waits for all",
            autograd.graph,
            "register_multi_grad_hook",
            any_is_all,
        )
    )

COPIES = [
    patched(
        "autograd.copies-pass-gradients",
        "a conversion to half has a half more gradient",
        Tensor,
        "half",
        clone_if(lambda x: True, bent),
    ),
    patched(
        "autograd.copies-pass-gradients",
        "clone with a memory format is detached",
        Tensor,
        "clone",
        clone_if(lambda x, **k: k, lambda out: out.detach()),
    ),
    patched(
        "autograd.copies-pass-gradients",
        "contiguous has a half more gradient where it copies",
        Tensor,
        "contiguous",
        clone_if(strided, bent),
    ),
    patched("autograd.detach-forms", "torch.detach copies", torch, "detach", clone_if(lambda x: True, torch.clone)),
    patched(
        "autograd.detach-forms",
        "torch.detach_ gives another tensor",
        torch,
        "detach_",
        clone_if(lambda x: True, lambda out: out.view_as(out)),
    ),
    patched(
        "autograd.detach-forms",
        "detach writes conjugates out",
        Tensor,
        "detach",
        clone_if(lambda x: x.is_conj(), lambda out: out.resolve_conj()),
    ),
    patched(
        "autograd.detach-forms",
        "a detached Parameter is one",
        Tensor,
        "detach",
        clone_if(lambda x: isinstance(x, torch.nn.Parameter), lambda out: torch.nn.Parameter(out, requires_grad=False)),
    ),
    patched(
        "autograd.detach-forms",
        "detach_ leaves large tensors requiring grad",
        Tensor,
        "detach_",
        clone_if(lambda x: x.numel() > 100, lambda out: out.requires_grad_()),
    ),
]

ASKED = [
    patched(
        "autograd.dual-numbers",
        "make_dual copies its primal",
        autograd.forward_ad,
        "make_dual",
        lambda sound: lambda x, t, **k: sound(x.clone(), t, **k),
    ),
    patched(
        "autograd.dual-numbers",
        "make_dual expands its tangent",
        autograd.forward_ad,
        "make_dual",
        lambda sound: lambda x, t, **k: sound(x, t.expand(x.shape) if t.numel() == 1 else t, **k),
    ),
    patched(
        "autograd.dual-numbers",
        "a missing tangent is zeros",
        autograd.forward_ad,
        "unpack_dual",
        lambda sound: lambda x, **k: type(sound(x, **k))(x, zeros_for(sound(x, **k).tangent, x)),
    ),
    patched(
        "autograd.inference-asked",
        "torch.is_inference says False",
        torch,
        "is_inference",
        lambda sound: lambda x: False,
    ),
    patched(
        "autograd.inference-asked",
        "a part is never an inference tensor",
        Tensor,
        "is_inference",
        lambda sound: lambda x: sound(x) and x.storage_offset() == 0,
    ),
]

MUTANTS = [*ARGUMENTS, *COPIES, *ASKED]

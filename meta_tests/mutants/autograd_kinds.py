"""Engines and hooks that are wrong for one kind of leaf, gradient, input or handle only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.wrong_gradients import leaves_of, together

Tensor = torch.Tensor
Handle = torch.utils.hooks.RemovableHandle


def accumulating(name: str, change: Callable[[Tensor, Tensor, Tensor], Tensor | None]) -> Mutant:
    """backward after which `change(leaf, grad before, its values then)` may give another .grad."""

    def wrong(sound: Any) -> Any:
        def backward(tensors: Any, *args: Any, **options: Any) -> None:
            outs = [tensors] if isinstance(tensors, Tensor) else list(tensors)
            leaves = {id(x): x for out in outs if isinstance(out, Tensor) for x in leaves_of(out)}.values()
            before = [(x, x.grad, x.grad.clone()) for x in leaves if x.grad is not None]
            sound(tensors, *args, **options)
            for x, old, values in before:
                x.grad = change(x, old, values) if x.grad is not None else None

        return backward

    return patched("autograd.grad-in-place-accumulation", name, torch.autograd, "backward", wrong)


def anew(when: Callable[[Tensor, Tensor], bool]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    return lambda x, old, values: x.grad.clone().contiguous() if when(x, old) else x.grad


ACCUMULATION = [
    accumulating("a Parameter gets a new gradient each time", anew(lambda x, old: isinstance(x, torch.nn.Parameter))),
    accumulating("a number gets a new gradient each time", anew(lambda x, old: x.dim() == 0)),
    accumulating("a long leaf gets a new gradient each time", anew(lambda x, old: x.numel() > 16)),
    accumulating("a strided gradient is made contiguous", anew(lambda x, old: strided(old))),
    accumulating(
        "a second gradient with a graph loses it",
        lambda x, old, values: x.grad.detach() if old.requires_grad else x.grad,
    ),
    accumulating(
        "a complex gradient is conjugated before it is added to",
        lambda x, old, values: x.grad.detach().add_(values.conj() - values) if x.is_complex() else x.grad,
    ),
]


def passes(name: str, claim: str, change: Callable[..., Any]) -> Mutant:
    """backward of several: `change(sound, tensors, *args, **options)`."""
    wrong = lambda sound: lambda tensors, *a, **k: change(sound, tensors, *a, **k)  # noqa: E731
    return patched(f"autograd.{claim}", name, torch.autograd, "backward", wrong)


def emptied(sound: Any, tensors: Any, *args: Any, inputs: Any = None, **options: Any) -> None:
    for x in inputs if isinstance(inputs, (list, tuple)) else ():
        x.grad = x.grad if x.is_leaf else None
    sound(tensors, *args, inputs=inputs, **options)


def once(sound: Any, tensors: Any, *args: Any, **options: Any) -> None:
    several = isinstance(tensors, (list, tuple)) and not args and not options
    sound(list({id(out): out for out in tensors}.values()) if several else tensors, *args, **options)


def graphless(sound: Any, tensors: Any, *args: Any, **options: Any) -> None:
    if not isinstance(tensors, Tensor) and len(tensors) > 1 and options.get("create_graph"):
        options |= {"create_graph": False, "retain_graph": True}
    sound(tensors, *args, **options)


PASSES = [
    passes("one tensor given twice counts once", "backward-several-outputs", once),
    passes("several tensors have no graph", "backward-several-outputs", graphless),
    passes("a result's gradient is not added to", "backward-inputs", emptied),
]


def grads(name: str, claim: str, change: Callable[..., Any]) -> Mutant:
    """grad: `change(found, outputs, inputs, options)` gives what is found instead."""

    def wrong(sound: Any) -> Any:
        def grad(outputs: Any, inputs: Any, *args: Any, **options: Any) -> Any:
            found = sound(outputs, inputs, *args, **options)
            return change(found, (inputs,) if isinstance(inputs, Tensor) else inputs, options)

        return grad

    return patched(f"autograd.{claim}", name, torch.autograd, "grad", wrong)


def given(name: str, claim: str, change: Callable[[Any, dict[str, Any]], dict[str, Any]]) -> Mutant:
    """grad with other options: `change(inputs, options)`."""
    wrong = lambda sound: lambda outputs, inputs, *a, **k: sound(outputs, inputs, *a, **change(inputs, k))  # noqa: E731
    return patched(f"autograd.{claim}", name, torch.autograd, "grad", wrong)


def leafless(found: Any, inputs: Any, options: Any) -> Any:
    mixed = len({x.is_leaf for x in inputs}) > 1 and None not in found
    return tuple(
        g * (0 if mixed and x.is_leaf else 1) if g is not None else g for g, x in zip(found, inputs, strict=True)
    )


def vectors(options: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    many = options.get("grad_outputs")
    many = [change(v) for v in many] if isinstance(many, (list, tuple)) else change(many)
    return {**options, "grad_outputs": many}


GRADS = [
    grads("a leaf beside a result has gradient 0", "autograd-grad-for-nonleaf", leafless),
    given(
        "several unused inputs get None unasked",
        "grad-allow-unused",
        lambda inputs, k: {**k, "allow_unused": True} if not isinstance(inputs, Tensor) and len(inputs) > 2 else k,
    ),
    grads(
        "unused results get no zeros",
        "grad-materialized",
        lambda found, inputs, k: tuple(
            None if k.get("materialize_grads") and not x.is_leaf and not g.any() else g
            for g, x in zip(found, inputs, strict=True)
        ),
    ),
    grads(
        "complex zeros are real",
        "grad-materialized",
        lambda found, inputs, k: tuple(
            g.real if k.get("materialize_grads") and g.is_complex() and not g.any() else g for g in found
        ),
    ),
    given(
        "vectors by keyword are detached",
        "create-graph-through-v",
        lambda inputs, k: vectors(k, lambda v: v if v is None else v.detach()),
    ),
    given(
        "no vector beside others is 0",
        "scalar-default-one",
        lambda inputs, k: (
            vectors(k, lambda v: torch.zeros((), dtype=torch.float64) if v is None else v)
            if isinstance(k.get("grad_outputs"), list)
            else k
        ),
    ),
    grads(
        "batches have no graph",
        "batched-vectors",
        lambda found, inputs, k: tuple(g.detach() for g in found) if k.get("is_grads_batched") else found,
    ),
    grads(
        "the last of many vectors is lost",
        "batched-vectors",
        lambda found, inputs, k: (
            tuple(torch.cat((g[:-1], g[-1:] * 0)) for g in found)
            if k.get("is_grads_batched") and len(found[0]) > 3
            else found
        ),
    ),
]


def hooking(name: str, claim: str, change: Callable[[Tensor, Any], Any]) -> Mutant:
    """register_hook with another hook: `change(tensor, hook)`."""
    wrong = lambda sound: lambda x, hook: sound(x, change(x, hook))  # noqa: E731
    return patched(f"autograd.{claim}", name, Tensor, "register_hook", wrong)


def relabelled(hook: Any) -> Any:
    def call(gradient: Tensor) -> Any:
        try:
            return hook(gradient)
        except (ValueError, KeyError, TypeError) as error:
            raise RuntimeError(str(error)) from error

    return call


def late(sound: Any) -> Any:
    """register_hook of a tensor: what a hook that removes itself returns is lost."""

    def register(x: Tensor, hook: Any) -> Any:
        def call(gradient: Tensor) -> Any:
            out = hook(gradient)
            return out if handle.id in (handle.hooks_dict_ref() or {}) else None

        handle = sound(x, call)
        return handle

    return register


HOOKS = [
    hooking(
        "what a hook of a strided leaf returns is lost",
        "hook-replaces",
        lambda x, hook: (lambda g: (hook(g), None)[1]) if x.is_leaf and strided(x) else hook,
    ),
    hooking(
        "zeros that a hook returns are lost",
        "hook-replaces",
        lambda x, hook: lambda g: (lambda out: out if out is not None and out.any() else None)(hook(g)),
    ),
    hooking(
        "hooks see conjugates",
        "hook-for-nonleaf",
        lambda x, hook: (lambda g: hook(g.conj().resolve_conj())) if x.is_complex() else hook,
    ),
    hooking(
        "hooks of leaves see what requires grad",
        "hook-for-nonleaf",
        lambda x, hook: (lambda g: hook(g.detach().requires_grad_())) if x.is_leaf else hook,
    ),
    patched("autograd.hook-removed", "a hook that removes itself did nothing", Tensor, "register_hook", late),
    patched(
        "autograd.hook-removed",
        "a hook outlives a block that an exception ends",
        Handle,
        "__exit__",
        lambda sound: lambda self, kind, *a: None if kind else sound(self, kind, *a),
    ),
    patched("autograd.hook-removed", "a block gives no handle", Handle, "__enter__", lambda sound: lambda self: None),
    hooking("errors in hooks are RuntimeErrors", "hook-error", lambda x, hook: relabelled(hook)),
    patched(
        "autograd.retain-grad",
        "views keep no gradient",
        Tensor,
        "retain_grad",
        lambda sound: lambda x: None if x._is_view() else sound(x),
    ),
    patched(
        "autograd.retain-grad",
        "large results keep no gradient",
        Tensor,
        "retain_grad",
        lambda sound: lambda x: None if x.numel() > 16 else sound(x),
    ),
]
if hasattr(torch.autograd.graph, "register_multi_grad_hook"):
    HOOKS += [
        patched(
            "autograd.multi-grad-hook",
            "a hook over one tensor does not run",
            torch.autograd.graph,
            "register_multi_grad_hook",
            lambda sound: lambda xs, hook, **k: sound(xs, hook if len(xs) > 1 else lambda found: None, **k),
        ),
        patched(
            "autograd.multi-grad-hook",
            "hooks over many see no history",
            torch.autograd.graph,
            "register_multi_grad_hook",
            lambda sound: (
                lambda xs, hook, **k: sound(
                    xs, lambda found: hook([g.detach() if isinstance(g, Tensor) else g for g in found]), **k
                )
            ),
        ),
    ]


class _Alias(torch.autograd.Function):
    """The same memory, whose writes are not counted."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.data

    @staticmethod
    def backward(ctx: Any, v: Tensor) -> Tensor:
        return v


def unguarded(name: str, owner: Any, attribute: str, when: Callable[[Tensor], bool] = lambda x: True) -> Mutant:
    """A function whose backward uses what is in memory then, whoever wrote to it."""

    def wrong(sound: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            tracked = [isinstance(x, Tensor) and x.requires_grad and when(x) for x in args]
            return sound(*[_Alias.apply(x) if yes else x for x, yes in zip(args, tracked, strict=True)], **options)

        return call

    return patched("autograd.saved-tensors-guarded", name, owner, attribute, wrong)


SAVED = [
    unguarded("matmul uses what was written later", torch, "matmul"),
    unguarded("layer_norm uses what was written later", torch.nn.functional, "layer_norm"),
    unguarded("large factors may be written to", Tensor, "__mul__", lambda x: x.numel() > 1000),
]


def mapped(name: str, change: Callable[..., Any]) -> Mutant:
    """vmap: `change(sound, function, in_dims, out_dims)`."""
    wrong = lambda sound: lambda f, in_dims=0, out_dims=0, **k: change(sound, f, in_dims, out_dims)  # noqa: E731
    return patched("autograd.func-vmap-dims", name, torch, "vmap", wrong)


FUNC = []
if hasattr(torch, "func"):
    FUNC = [
        mapped("out_dims=1 is the last", lambda sound, f, i, o: sound(f, i, -1 if o == 1 else o)),
        mapped("in_dims=-1 is 1", lambda sound, f, i, o: sound(f, 1 if i == -1 else i, o)),
        mapped(
            "a list of in_dims is a tuple", lambda sound, f, i, o: sound(f, tuple(i) if isinstance(i, list) else i, o)
        ),
        together(
            "autograd.func-modules",
            "tied weights are always tied",
            (
                torch.func,
                "functional_call",
                lambda sound: lambda *a, tie_weights=True, **k: sound(*a, **k),
            ),
        ),
        together(
            "autograd.func-modules",
            "functional_call is never strict",
            (torch.func, "functional_call", lambda sound: lambda *a, strict=False, **k: sound(*a, **k)),
        ),
    ]

MUTANTS = [*ACCUMULATION, *PASSES, *GRADS, *HOOKS, *SAVED, *FUNC]

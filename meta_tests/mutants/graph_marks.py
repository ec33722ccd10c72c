"""Graphs that are wrong for one of several marks, arguments or edges only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.utils.checkpoint as tools

from meta_tests.mutant import Mutant, patched, strided

Tensor = torch.Tensor
Context = torch.autograd.function.FunctionCtx


def passing(name: str, change: Callable[[Any], Any]) -> Mutant:
    """checkpoint with other arguments: `change(argument)`."""
    wrong = lambda sound: lambda function, *a, **k: sound(function, *map(change, a), **k)  # noqa: E731
    return patched("graph.checkpoint-arguments", name, tools, "checkpoint", wrong)


MUTANTS = [
    patched(
        "graph.function-mark-non-differentiable",
        "of several results the last is marked",
        Context,
        "mark_non_differentiable",
        lambda sound: lambda self, *outs: sound(self, *outs[-1:]),
    ),
    patched(
        "graph.function-mark-dirty",
        "of several inputs the last is marked",
        Context,
        "mark_dirty",
        lambda sound: lambda self, *xs: sound(self, *xs[-1:]),
    ),
    passing("a checkpoint copies strided tensors", lambda x: x.clone() if isinstance(x, Tensor) and strided(x) else x),
    passing("a checkpoint makes tensors of numbers", lambda x: torch.tensor(x) if isinstance(x, float) else x),
    passing(
        "a checkpoint detaches tensors in lists",
        lambda x: [y.detach() if isinstance(y, Tensor) else y for y in x] if isinstance(x, list) else x,
    ),
]


def edgeless(sound: Any) -> Any:
    """grad that knows no edges beside tensors."""

    def grad(outputs: Any, inputs: Any, *args: Any, **options: Any) -> Any:
        found = sound(outputs, inputs, *args, **options)
        mixed = not isinstance(inputs, Tensor) and any(isinstance(x, Tensor) for x in inputs)
        return (
            tuple(g if isinstance(x, Tensor) else None for g, x in zip(found, inputs, strict=True)) if mixed else found
        )

    return grad


def tensors_only(sound: Any) -> Any:
    """grad that refuses edges as outputs."""

    def grad(outputs: Any, *args: Any, **options: Any) -> Any:
        if any(isinstance(out, torch.autograd.graph.GradientEdge) for out in (outputs, *outputs)):
            raise TypeError("an edge is no tensor")
        return sound(outputs, *args, **options)

    return grad


def selective(name: str, change: Callable[..., Any]) -> Mutant:
    """create_selective_checkpoint_contexts: `change(sound, policy, **options)`."""
    wrong = lambda sound: lambda policy, **k: change(sound, policy, **k)  # noqa: E731
    return patched("graph.checkpoint-selective", name, tools, "create_selective_checkpoint_contexts", wrong)


if hasattr(tools, "CheckpointPolicy"):
    MUTANTS += [
        patched("graph.gradient-edge", "edges beside tensors are overlooked", torch.autograd, "grad", edgeless),
        patched("graph.gradient-edge-as-output", "edges are no outputs", torch.autograd, "grad", tensors_only),
        selective(
            "what was saved may be written to",
            lambda sound, policy, **k: sound(policy, allow_cache_entry_mutation=True),
        ),
        selective("what was saved is always guarded", lambda sound, policy, **k: sound(policy)),
        selective(
            "a policy gets no arguments",
            lambda sound, policy, **k: sound(
                (lambda context, op, *a, **kk: policy(context, op)) if callable(policy) else policy, **k
            ),
        ),
    ]

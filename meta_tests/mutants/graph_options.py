"""Wrong graphs, continued: what is tracked without a reason, folded operations, kept values, and options of tools."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, patched

Tensor = torch.Tensor
autograd = torch.autograd
Function = autograd.Function


def always_tracked(sound: Any) -> Any:
    """apply whose result requires grad, whatever the inputs."""

    def apply(cls: Any, *args: Any, **options: Any) -> Any:
        out = sound.__func__(cls, *args, **options)
        return out.requires_grad_() if isinstance(out, Tensor) and out.is_floating_point() else out

    return classmethod(apply)


def powers(sound: Any) -> Any:
    """A product of a result with one of its own factors is folded into a third power."""

    def call(x: Tensor, y: Any) -> Any:
        node = x.grad_fn
        leaves = [getattr(edge, "variable", None) for edge, _ in node.next_functions] if node is not None else []
        squared = isinstance(y, Tensor) and len(leaves) == 2 and all(leaf is y for leaf in leaves)
        return y**3 if squared and node.name() == "MulBackward0" else sound(x, y)

    return call


def hoarding(sound: Any) -> Any:
    """saved_tensors_hooks that never lose what was packed."""
    kept: list[Any] = []

    def hooks(pack: Any, unpack: Any) -> Any:
        return sound(lambda x: (lambda box: kept.append(box) or box)(pack(x)), unpack)

    return hooks


def share_of_the_first(sound: Any) -> Any:
    """grad that gives a result which is an output as well the vector alone, without the shares of its users."""

    def grad(outputs: Any, inputs: Any, vectors: Any = None, *args: Any, **options: Any) -> Any:
        found = sound(outputs, inputs, vectors, *args, **options)
        if not isinstance(outputs, (list, tuple)) or not isinstance(vectors, (list, tuple)):
            return found
        given = {id(out): v for out, v in zip(outputs, vectors, strict=False) if out.grad_fn is not None}
        inputs = (inputs,) if isinstance(inputs, Tensor) else inputs
        return tuple(given.get(id(x), g) for x, g in zip(inputs, found, strict=True))

    return grad


TRACKED = [
    patched(
        "graph.result-has-grad-fn",
        "a comparison is part of the graph",
        Tensor,
        "__gt__",
        lambda sound: lambda x, y: sound(x, y) if not x.requires_grad else (x - y) * 0 + sound(x, y),
    ),
    patched("graph.custom-function", "a Function's result is always tracked", Function, "apply", always_tracked),
    patched("graph.define-by-run", "three equal factors become a power", Tensor, "__mul__", powers),
    patched(
        "graph.saved-tensors-freed", "what was packed is never lost", autograd.graph, "saved_tensors_hooks", hoarding
    ),
    patched("graph.intermediate-gradients", "outputs get their own vector alone", autograd, "grad", share_of_the_first),
]

MUTANTS: list[Mutant] = [*TRACKED]

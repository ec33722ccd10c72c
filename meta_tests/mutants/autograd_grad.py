"""Wrong passes of autograd.grad and autograd.backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched
from meta_tests.wrong_gradients import (
    bent,
    silent,
    without,
)

Tensor = torch.Tensor
autograd = torch.autograd


def seen_nodes() -> Callable[[Any], bool]:
    """Whether a node was asked about before."""
    seen: set[Any] = set()
    return lambda node: node in seen or bool(seen.add(node))


def refuse_twice(sound: Any) -> Any:
    """autograd.backward that refuses any second pass through a graph that it did not keep."""
    seen = seen_nodes()

    def backward(tensors: Any, grad_tensors: Any = None, retain_graph: Any = None, *args: Any, **kwargs: Any) -> Any:
        node = (tensors if isinstance(tensors, Tensor) else tensors[0]).grad_fn
        if seen(node):
            raise RuntimeError("a second pass")
        return sound(tensors, grad_tensors, retain_graph, *args, **kwargs)

    return backward


def kept(sound: Any) -> Any:
    return lambda tensors, v=None, retain_graph=None, *a, **k: sound(tensors, v, True, *a, **k)


def not_kept(sound: Any) -> Any:
    return lambda tensors, v=None, retain_graph=None, *a, **k: sound(tensors, v, False, *a, **k)


def only_first(sound: Any) -> Any:
    def backward(tensors: Any, grad_tensors: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(tensors, Tensor) and grad_tensors is not None and len(tensors) == len(grad_tensors):
            tensors, grad_tensors = tensors[:1], grad_tensors[:1]
        return sound(tensors, grad_tensors, *args, **kwargs)

    return backward


def grads(change: Callable[..., Any]) -> Callable[[Any], Any]:
    """autograd.grad whose results are changed: `change(results, outputs, inputs, options)`."""

    def wrong(sound: Any) -> Any:
        def grad(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            return change(sound(outputs, inputs, *args, **kwargs), outputs, inputs, kwargs)

        return grad

    return wrong


def also_accumulate(found: Any, outputs: Any, inputs: Any, options: Any) -> Any:
    for x, g in zip((inputs,) if isinstance(inputs, Tensor) else inputs, found, strict=True):
        if x.is_leaf and g is not None:
            x.grad = g.detach().clone()
    return found


def last_output(sound: Any) -> Any:
    def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, *args: Any, **kwargs: Any) -> Any:
        if isinstance(outputs, list) and len(outputs) > 1:
            outputs, grad_outputs = outputs[-1:], grad_outputs[-1:]
        return sound(outputs, inputs, grad_outputs, *args, **kwargs)

    return grad


def without_graph(sound: Any) -> Any:
    """autograd.grad whose results are detached, but kept track of enough to be asked again."""
    return lambda *a, **k: tuple(g if g is None else g.detach() for g in sound(*a, **k))


def cut_vector(sound: Any) -> Any:
    def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, *args: Any, **kwargs: Any) -> Any:
        v = grad_outputs
        v = v.detach() + 0 * v if isinstance(v, Tensor) and v.requires_grad else v
        return sound(outputs, inputs, v, *args, **kwargs)

    return grad


def takes_old_keyword(sound: Any) -> Any:
    return lambda self, *a, grad_variables=None, **k: (
        sound(self, *(a or (grad_variables,)), **k) if grad_variables is not None else sound(self, *a, **k)
    )


GRAD = [
    patched("autograd.buffers-freed", "graphs are always kept", autograd, "backward", kept),
    patched("autograd.graph-without-buffers", "any second pass is refused", autograd, "backward", refuse_twice),
    patched("autograd.retain-graph", "retain_graph is ignored", autograd, "backward", not_kept),
    patched("autograd.shared-subgraph-freed", "graphs are always kept", autograd, "backward", kept),
    patched("autograd.backward-several-outputs", "only the first output counts", autograd, "backward", only_first),
    patched("autograd.backward-inputs", "inputs= is ignored", autograd, "backward", without("inputs", None)),
    patched("autograd.grad-leaves-grad-alone", "autograd.grad fills .grad", autograd, "grad", grads(also_accumulate)),
    patched(
        "autograd.grad-leaves-grad-alone",
        "autograd.grad gives a list",
        autograd,
        "grad",
        grads(lambda found, *a: list(found)),
    ),
    patched("autograd.grad-of-several-outputs", "only the last output counts", autograd, "grad", last_output),
    patched(
        "autograd.autograd-grad-for-nonleaf",
        "the gradients of results are doubled",
        autograd,
        "grad",
        grads(
            lambda found, outputs, inputs, k: (
                tuple(g if x.is_leaf else 2 * g for x, g in zip(inputs, found, strict=True))
                if isinstance(inputs, tuple)
                else found
            )
        ),
    ),
    patched(
        "autograd.grad-allow-unused", "unused inputs get None unasked", autograd, "grad", without("allow_unused", True)
    ),
    patched(
        "autograd.grad-materialized",
        "materialize_grads is ignored",
        autograd,
        "grad",
        lambda sound: (
            lambda *a, materialize_grads=False, **k: (
                sound(*a, allow_unused=True, **k) if materialize_grads else sound(*a, **k)
            )
        ),
    ),
    patched("autograd.needs-requires-grad", "backward without history passes silently", Tensor, "backward", silent),
    patched("autograd.create-graph", "create_graph is ignored", autograd, "grad", without_graph),
    patched(
        "autograd.create-graph",
        "second derivatives are a thousandth too large",
        autograd,
        "grad",
        grads(lambda found, o, i, k: tuple(bent(g, 1.001) if k.get("create_graph") else g for g in found)),
    ),
    patched(
        "autograd.create-graph-keeps",
        "create_graph does not keep the graph",
        autograd,
        "grad",
        lambda sound: (
            lambda *a, create_graph=False, retain_graph=None, **k: sound(
                *a, create_graph=create_graph, retain_graph=bool(retain_graph), **k
            )
        ),
    ),
    patched(
        "autograd.create-graph-through-v", "the gradient is no function of the vector", autograd, "grad", cut_vector
    ),
    patched(
        "autograd.functional",
        "hessian is halved",
        autograd.functional,
        "hessian",
        lambda sound: lambda *a, **k: sound(*a, **k) / 2,
    ),
    patched(
        "autograd.functional",
        "jvp ignores create_graph",
        autograd.functional,
        "jvp",
        without("create_graph", False),
    ),
    patched(
        "autograd.functional",
        "the blocks of a hessian change places",
        autograd.functional,
        "hessian",
        lambda sound: lambda *a, **k: (lambda out: out[::-1] if isinstance(out, tuple) else out)(sound(*a, **k)),
    ),
    patched(
        "autograd.functional",
        "vjp's results change places",
        autograd.functional,
        "vjp",
        lambda sound: lambda *a, **k: (lambda out: (out[0], out[1][::-1]))(sound(*a, **k)),
    ),
    patched(
        "autograd.batched-vectors",
        "batched results are in reverse",
        autograd,
        "grad",
        grads(lambda found, o, i, k: tuple(g.flip(0) for g in found) if k.get("is_grads_batched") else found),
    ),
    patched(
        "autograd.grad-variables-keyword", "Tensor.backward takes grad_variables", Tensor, "backward", takes_old_keyword
    ),
]


MUTANTS: list[Mutant] = GRAD

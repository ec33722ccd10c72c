"""Wrong transforms: options of autograd.functional and torch.func that are overlooked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched
from meta_tests.wrong_gradients import without

Tensor = torch.Tensor
functional = torch.autograd.functional


def change(claim: str, name: str, attribute: str, wrong: Callable[[Any], Any], owner: Any = functional) -> list[Mutant]:
    """Replace a transform, on releases that have it."""
    return [patched(f"autograd.{claim}", name, owner, attribute, wrong)] if hasattr(owner, attribute) else []


func = getattr(torch, "func", None)


def unpacked(sound: Any) -> Any:
    return lambda f, x, *a, **k: sound(f, x[0] if isinstance(x, tuple) and len(x) == 1 else x, *a, **k)


def filled(sound: Any) -> Any:
    return lambda f, x, v=None, **k: sound(f, x, torch.ones_like(x) if v is None else v, **k)


def turned(sound: Any) -> Any:
    """A jacobian that is transposed in forward mode."""

    def jacobian(*args: Any, strategy: str = "reverse-mode", **options: Any) -> Any:
        found = sound(*args, strategy=strategy, **options)
        return found if strategy == "reverse-mode" else found.t()

    return jacobian


def first_only(sound: Any) -> Any:
    return lambda f, argnums=0, **k: sound(f, 0 if argnums == 1 else argnums, **k)


def as_positive(sound: Any) -> Any:
    return lambda f, argnums=0, **k: sound(f, abs(argnums) - 1 if argnums in (-1, -2) else argnums, **k)


def dims(turn: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda sound: lambda f, in_dims=0, out_dims=0, **k: sound(f, turn(in_dims), out_dims, **k)


def _chunked(sound: Any, size: Any) -> Any:
    """The last chunk is 0 unless all chunks are full."""

    def call(*args: Any) -> Any:
        out = sound(*args)
        rest = len(out) % size if size and isinstance(out, Tensor) else 0
        return torch.cat([out[:-rest], torch.zeros_like(out[-rest:])]) if rest else out

    return call


def _detached(out: Any) -> Any:
    return out.detach() if isinstance(out, Tensor) else tuple(map(_detached, out))


def mapped(call: Any, rule: Any) -> Any:
    """A function whose results in a dict are changed."""

    def wrong(*args: Any, **options: Any) -> Any:
        out = call(*args, **options)
        change = lambda value: rule(value) if isinstance(value, Tensor) else value  # noqa: E731
        return {key: change(value) for key, value in out.items()} if isinstance(out, dict) else out

    return wrong


def first_result(sound: Any) -> Any:
    def vjp(*args: Any, **options: Any) -> Any:
        out, back, *more = sound(*args, **options)
        only = lambda v: back((v[0], *(t * 0 for t in v[1:])) if isinstance(v, tuple) else v)  # noqa: E731
        return (out, only, *more)

    return vjp


def used_up(sound: Any) -> Any:
    def linearize(*args: Any) -> Any:
        out, forth = sound(*args)
        calls: list[int] = []

        def call(*tangents: Any) -> Any:
            calls.append(1)
            return forth(*(tangents if len(calls) == 1 else (t * 0 for t in tangents)))

        return out, call

    return linearize


def change_shape(name: str) -> Mutant:
    """A derivative of a number by a number with a dimension too many."""

    def wrong(sound: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            out = sound(*args, **options)
            return out[None] if isinstance(out, Tensor) and out.dim() == 0 else out

        return call

    return patched("autograd.functional", f"the {name} of a number by a number is a vector", functional, name, wrong)


NAMES = ("jacobian", "hessian", "vjp", "jvp", "hvp", "vhp")
MUTANTS = [
    *(
        m
        for name in NAMES
        for m in change("functional-strict", f"{name} is never strict", name, without("strict", False))
    ),
    *(
        m
        for name in NAMES
        for m in change("functional-options", f"{name} makes no graph", name, without("create_graph", False))
    ),
    *(
        m
        for name in ("hessian", "vjp", "hvp", "vhp")
        for m in change("functional-options", f"{name} unpacks a tuple of one", name, unpacked)
    ),
    *(
        m
        for name in ("jvp", "hvp", "vhp")
        for m in change("functional-default-vector", f"{name} takes ones for a vector", name, filled)
    ),
    *change("functional-strategies", "jacobian is transposed in forward mode", "jacobian", turned),
    *(
        m
        for name in ("jacrev", "jacfwd", "hessian")
        for m in change("func-argnums", f"{name} is always by the first argument", name, first_only, func)
    ),
    *change("func-argnums", "a negative argnums of grad counts from the start", "grad", as_positive, func),
    *change(
        "func-jacfwd-negative",
        "jacfwd is doubled",
        "jacfwd",
        lambda sound: lambda f, argnums=0: lambda *a: 2 * sound(f, argnums)(*a),
        func,
    ),
    *change("func-aux", "vjp forgets what else came", "vjp", lambda sound: lambda *a, **k: sound(*a, **k)[:2], func),
    *change(
        "func-aux",
        "jvp with has_aux is doubled",
        "jvp",
        lambda sound: lambda *a, has_aux=False: tuple(2 * part for part in sound(*a, has_aux=has_aux)),
        func,
    ),
    *change("func-aux", "jacfwd knows no has_aux", "jacfwd", without("has_aux", False), func),
    *change(
        "func-vmap-dims",
        "vmap takes negative dimensions for the first",
        "vmap",
        dims(lambda d: 0 if isinstance(d, int) and d < 0 else d),
        func,
    ),
    *change(
        "func-vmap-dims",
        "vmap maps over all arguments",
        "vmap",
        dims(lambda d: tuple(0 if part is None else part for part in d) if isinstance(d, tuple) else d),
        func,
    ),
    *change("func-vmap-randomness", "vmap always draws anew", "vmap", without("randomness", "different"), func),
    *change(
        "func-modules",
        "functional_call takes the module's own parameters",
        "functional_call",
        lambda sound: lambda m, given, args=(), kwargs=None: sound(m, {}, args, kwargs),
        func,
    ),
    *change(
        "func-modules",
        "stack_module_state forgets buffers",
        "stack_module_state",
        lambda sound: lambda models: (sound(models)[0], {}),
        func,
    ),
    *change(
        "func-vmap-dims",
        "chunk_size loses what is left over",
        "vmap",
        lambda sound: (
            lambda f, *a, chunk_size=None, **k: _chunked(sound(f, *a, chunk_size=chunk_size, **k), chunk_size)
        ),
        func,
    ),
    *change(
        "func-grad",
        "grad gives a gradient without a history",
        "grad",
        lambda sound: lambda f, *a, **k: lambda *x, **y: _detached(sound(f, *a, **k)(*x, **y)),
        func,
    ),
    *change(
        "func-trees",
        "jvp overlooks the second tangent",
        "jvp",
        lambda sound: lambda f, x, v, **k: sound(f, x, (v[0], *(t * 0 for t in v[1:])), **k),
        func,
    ),
    *change("func-trees", "vjp goes back from the first result only", "vjp", first_result, func),
    *change(
        "func-trees",
        "gradients of dicts are half as large again",
        "grad",
        lambda sound: lambda f, *a, **k: mapped(sound(f, *a, **k), lambda value: value * 1.5),
        func,
    ),
    *change(
        "func-trees",
        "vmap turns results in dicts round",
        "vmap",
        lambda sound: lambda f, *a, **k: mapped(sound(f, *a, **k), lambda value: value.flip(0)),
        func,
    ),
    *change("func-trees", "what linearize returns is 0 the second time", "linearize", used_up, func),
    change_shape("jacobian"),
]

"""Functions of the user's whose arguments or results are put right, and contexts that save otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.function import FunctionCtx

from meta_tests.mutant import Mutant, patched

Tensor = torch.Tensor


def applied(name: str, change: Callable[..., Any]) -> Mutant:
    """Function.apply as `change(sound, cls, args)` has it."""

    def wrong(sound: Any) -> Any:
        def apply(cls: Any, *args: Any, **options: Any) -> Any:
            return change(lambda *given: sound.__func__(cls, *given, **options), args)

        return classmethod(apply)

    return patched("graph.function-arguments", name, torch.autograd.Function, "apply", wrong)


def alone(out: Any) -> Any:
    return out[0] if isinstance(out, tuple) and len(out) == 1 else out


def tensors_only(out: Any) -> Any:
    return tuple(part for part in out if isinstance(part, Tensor)) if isinstance(out, tuple) else out


def detached(argument: Any) -> Any:
    listed = isinstance(argument, list)
    return [part.detach() if isinstance(part, Tensor) else part for part in argument] if listed else argument


def fractions(out: Any) -> Any:
    if not isinstance(out, tuple):
        return out
    return tuple(part.double() if isinstance(part, Tensor) and part.dtype == torch.int64 else part for part in out)


def saving(name: str, change: Callable[[tuple], tuple]) -> Mutant:
    """save_for_backward of other tensors than it is given."""
    return patched(
        "graph.function-arguments",
        name,
        FunctionCtx,
        "save_for_backward",
        lambda sound: lambda ctx, *tensors: sound(ctx, *change(tensors)),
    )


def checking(name: str, **options: Any) -> Mutant:
    """gradcheck with options that nobody asked for."""
    return patched(
        "graph.gradcheck-inputs",
        name,
        torch.autograd,
        "gradcheck",
        lambda sound: lambda *args, **given: sound(*args, **{**given, **options}),
    )


def lenient(sound: Any) -> Any:
    def gradcheck(function: Any, inputs: Any, **options: Any) -> bool:
        return not any(x.requires_grad for x in inputs) or sound(function, inputs, **options)

    return gradcheck


MUTANTS = [
    checking("gradcheck takes any nondet_tol for a large one", nondet_tol=1e9),
    checking("gradcheck takes any nondet_tol for 0", nondet_tol=0.0),
    patched("graph.gradcheck-inputs", "gradcheck of constants is True", torch.autograd, "gradcheck", lenient),
    applied("a tuple of one result is taken apart", lambda sound, args: alone(sound(*args))),
    applied("results that are no tensors are dropped", lambda sound, args: tensors_only(sound(*args))),
    applied("results of integers are given as floats", lambda sound, args: fractions(sound(*args))),
    applied("None is passed on as 0", lambda sound, args: sound(*(0 if part is None else part for part in args))),
    applied("tensors in lists are detached", lambda sound, args: sound(*map(detached, args))),
    saving("None is not saved", lambda tensors: tuple(part for part in tensors if part is not None)),
    saving(
        "numbers are saved as tensors", lambda ts: tuple(torch.tensor(t) if isinstance(t, float) else t for t in ts)
    ),
    saving("only four tensors are saved", lambda tensors: tensors[:4]),
]

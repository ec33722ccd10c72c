"""Wrong remains of Variable and volatile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched

Tensor = torch.Tensor
autograd = torch.autograd


class Copying(type):
    """A Variable that copies its data."""

    def __instancecheck__(cls, other: Any) -> bool:
        return isinstance(other, Tensor)

    def __call__(cls, data: Any, *args: Any, **kwargs: Any) -> Any:
        return cls.make(data, *args, **kwargs)  # type: ignore[attr-defined]


def variable(make: Callable[..., Any]) -> Any:
    return Copying("Variable", (), {"make": staticmethod(make)})


def volatile(value: Any, setter: Callable[[Tensor, Any], Any]) -> Callable[[Any], Any]:
    return lambda sound: property(lambda x: value(sound.__get__(x)), setter)


def obeyed(x: Tensor, flag: bool) -> None:
    import warnings

    warnings.warn("volatile", stacklevel=2)
    if x.is_leaf:
        x.requires_grad_(not flag)


MUTANTS: list[Mutant] = [
    patched(
        "autograd.variable-is-core",
        "a Variable copies its data",
        autograd,
        "Variable",
        lambda sound: variable(lambda x, requires_grad=False: x.clone().requires_grad_(requires_grad)),
    ),
    patched(
        "autograd.variable-supports-most-functions",
        "a Variable is a numpy array",
        autograd,
        "Variable",
        lambda sound: variable(lambda x: x.numpy()),
    ),
    patched(
        "autograd.volatile-default-false",
        "volatile says nothing",
        Tensor,
        "volatile",
        volatile(lambda v: None, lambda x, v: None),
    ),
    patched(
        "autograd.volatile-contagious", "volatile = True is obeyed", Tensor, "volatile", volatile(lambda v: v, obeyed)
    ),
    patched(
        "autograd.volatile-blocks-grad",
        "volatile=True passes without a warning",
        autograd,
        "Variable",
        lambda sound: variable(lambda x, volatile=False, **k: sound(x, **k)),
    ),
    patched(
        "autograd.volatile-beats-requires-grad",
        "volatile=True wins over requires_grad=True",
        autograd,
        "Variable",
        lambda sound: variable(
            lambda x, requires_grad=False, volatile=False: sound(x, requires_grad=requires_grad and not volatile)
        ),
    ),
]

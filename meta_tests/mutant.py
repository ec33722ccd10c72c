"""Mutants: PyTorches that are wrong on purpose, each naming the claim that it breaks.

A mutant changes PyTorch while a `with` block lasts, in one of two ways: at the dispatcher, below every Python form of
a function (`kernel`), or by replacing one public attribute (`patched`). Say in `name` what is wrong.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode  # the public torch function mode cannot see inside C++

Change = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Mutant:
    """A wrong PyTorch. `change`: makes a context manager in which PyTorch is wrong."""

    claim: str
    name: str
    change: Change

    @property
    def area(self) -> str:
        return self.claim.partition(".")[0]


class _Kernels(TorchDispatchMode):
    def __init__(self, ops: frozenset[str], wrong: Callable[..., Any]) -> None:
        super().__init__()
        self.ops, self.wrong = ops, wrong

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.removeprefix("aten::")
        overload = func._schema.overload_name
        if name in self.ops or f"{name}.{overload}" in self.ops:
            return self.wrong(func, *args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def kernel(claim: str, name: str, ops: str, wrong: Callable[..., Any]) -> Mutant:
    """Replace operators of the dispatcher, whichever Python form calls them.

    `ops`: names parted by blanks, with an overload if only that one is meant ('add add_ mul.out'). `wrong(func,
    *args, **kwargs)` gets the sound operator and returns what the wrong one would.
    """
    chosen = frozenset(ops.split())
    return Mutant(claim, name, lambda: _Kernels(chosen, wrong))


def output(claim: str, name: str, ops: str, wrong: Callable[..., Any]) -> Mutant:
    """Replace the results of operators: `wrong(out, *args)` gets the sound result first."""
    return kernel(claim, name, ops, lambda func, *args, **kwargs: wrong(func(*args, **kwargs), *args))


def patched(claim: str, name: str, owner: Any, attribute: str, wrong: Callable[..., Any]) -> Mutant:
    """Replace a public attribute: `wrong(original)` returns the replacement."""
    return Mutant(claim, name, lambda: replaced(owner, attribute, wrong))


def afterwards(mutant: Mutant, action: Callable[[], Any]) -> Mutant:
    """The same mutant, after which something is put back that it leaves changed."""

    @contextlib.contextmanager
    def change() -> Iterator[None]:
        try:
            with mutant.change():
                yield
        finally:
            action()

    return Mutant(mutant.claim, mutant.name, change)


def after_a_refusal(change: Callable[[Any], Any]) -> Callable[..., Any]:
    """A replacement whose first result after an exception goes through `change`."""

    def wrong(sound: Callable[..., Any]) -> Callable[..., Any]:
        refused = [False]

        def call(*args: Any, **options: Any) -> Any:
            try:
                out = sound(*args, **options)
            except Exception:
                refused[0] = True
                raise
            once, refused[0] = refused[0], False
            return change(out) if once else out

        return call

    return wrong


@contextlib.contextmanager
def replaced(owner: Any, attribute: str, wrong: Callable[..., Any]) -> Iterator[None]:
    """Replace an attribute while the block lasts; one that was inherited is inherited again afterwards."""
    own = attribute in vars(owner)
    kept = vars(owner).get(attribute)  # a static method as such, not the function in it
    made = wrong(getattr(owner, attribute))
    setattr(owner, attribute, staticmethod(made) if isinstance(kept, staticmethod) else made)
    try:
        yield
    finally:
        if own:
            setattr(owner, attribute, kept)
        else:
            delattr(owner, attribute)


def strided(tensor: Any) -> bool:
    """Whether an argument is a tensor that is not contiguous: where many kernels go another way."""
    return isinstance(tensor, torch.Tensor) and not tensor.is_contiguous()

"""Calls of PyTorch as values: they can be made on a tensor, and they print as the code that makes them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import torch

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Like:
    """An argument that is a tensor of which only the shape counts."""

    shape: Shape

    def __repr__(self) -> str:
        return f"torch.empty({self.shape})"


@dataclass(frozen=True)
class Call:
    """`x.name(*arguments, **keywords)`, or in form 'function' `torch.name(x, …)`, or in form 'attribute' `x.name`.

    The name is looked up when the call is made. In form 'index', the only argument is the index.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    keywords: tuple[tuple[str, Any], ...] = ()
    form: str = "method"

    def __call__(self, x: Any) -> Any:
        if self.form == "index":
            return x[self.arguments[0]]
        if self.form == "attribute":
            return getattr(x, self.name)
        given = [_made(value, x) for value in self.arguments]
        named = {name: _made(value, x) for name, value in self.keywords}
        if self.form == "function":
            function: Any = functools.reduce(getattr, self.name.split("."), torch)
            return function(x, *given, **named)
        return getattr(x, self.name)(*given, **named)

    def on(self, x: str) -> str:
        """The call as code, on a tensor of that name."""
        if self.form == "index":
            return f"{x}[{_index(self.arguments[0])}]"
        if self.form == "attribute":
            return f"{x}.{self.name}"
        given = [repr(value) for value in self.arguments] + [f"{name}={value!r}" for name, value in self.keywords]
        if self.form == "function":
            return f"torch.{self.name}({', '.join([x, *given])})"
        return f"{x}.{self.name}({', '.join(given)})"

    def __str__(self) -> str:
        return self.on("x")


def _made(value: Any, x: Any) -> Any:
    return torch.empty(value.shape, device=x.device) if isinstance(value, Like) else value


def _index(key: Any) -> str:
    if isinstance(key, tuple):
        return ", ".join(map(_index, key)) + ("," if len(key) == 1 else "") if key else "()"
    if isinstance(key, slice):
        start, stop, step = ("" if part is None else str(part) for part in (key.start, key.stop, key.step))
        return f"{start}:{stop}" + (f":{step}" if step else "")
    return "..." if key is ... else repr(key)

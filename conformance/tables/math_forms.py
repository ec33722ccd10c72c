"""All the ways to write a call of an elementwise function, looked up in PyTorch when they are called.

A form takes a row's operands (tensors, or Python numbers where the form allows them) and its further arguments.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from conformance.tables.math_functions import Function

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Form:
    """One way to call a function. `text`: how it reads; `call(operands, arguments)`: its result."""

    text: str
    call: Callable[[Sequence[Any], Arguments], Any]


_OWNERS = {
    "torch": lambda: torch,
    "torch.special": lambda: torch.special,
    "torch.nn.functional": lambda: torch.nn.functional,
}
_SYMBOLS = {
    **{"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**"},
    **{"and_": "&", "or_": "|", "xor": "^", "lshift": "<<", "rshift": ">>"},
    **{"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="},
    **{"neg": "-", "pos": "+", "invert": "~", "abs": "abs"},
}
_LETTERS = ("x", "y", "z")


def main(row: Function) -> Form:
    """torch.name(x, …)."""
    return _function(row, row.owner, row.name)


def forms(row: Function) -> Iterator[Form]:
    """Every form that gives a new result: functions, methods, aliases, by keyword, operators."""
    names = (row.name, *row.aliases)
    for name in names:
        yield _function(row, row.owner, name)
    if row.special:
        yield _function(row, "torch.special", row.special)
    if row.functional:
        yield _function(row, "torch.nn.functional", row.functional)
    if row.keywords and not row.claim.endswith("elementwise"):
        yield _keywords(row)
    if row.method:
        for name in names:
            yield _method(row, name)
        yield from [_method_keywords(row)] if len(row.operands) > 1 and row.keywords else []
    if row.operator and row.arguments == ({},):
        yield _operator(row)


def in_place_forms(row: Function) -> Iterator[Form]:
    """Every form that writes into the first operand and returns it."""
    if not row.in_place:
        return
    for name in (row.name, *row.aliases):
        yield _method(row, name + "_")
    if row.torch_in_place:
        for name in (row.name, *row.aliases):
            if name != "absolute":  # the one alias without
                yield _function(row, "torch", name + "_")
    if hasattr(operator, f"i{row.operator.rstrip('_')}") and len(row.operands) == 2:
        yield _in_place_operator(row)


def spelled(form: Form, arguments: Arguments) -> str:
    """How a call reads: torch.add(x, y, alpha=2)."""
    given = "".join(f", {name}={value!r}" for name, value in arguments.items())
    return form.text[:-1] + given + ")" if given else form.text


def _split(row: Function, operands: Sequence[Any], arguments: Arguments) -> tuple[list[Any], dict[str, Any]]:
    # torch.polygamma alone takes its number before its tensor.
    given = dict(arguments)
    return ([given.pop("n"), *operands], given) if row.name == "polygamma" else (list(operands), given)


def _function(row: Function, owner: str, name: str) -> Form:
    def call(operands: Sequence[Any], arguments: Arguments) -> Any:
        positional, named = _split(row, operands, arguments)
        return getattr(_OWNERS[owner](), name)(*positional, **named)

    return Form(f"{owner}.{name}({', '.join(_LETTERS[: len(row.operands)])})", call)


def _keywords(row: Function) -> Form:
    def call(operands: Sequence[Any], arguments: Arguments) -> Any:
        return getattr(_OWNERS[row.owner](), row.name)(**dict(zip(row.operands, operands, strict=True)), **arguments)

    given = ", ".join(f"{name}={letter}" for name, letter in zip(row.operands, _LETTERS, strict=False))
    return Form(f"{row.owner}.{row.name}({given})", call)


def _method(row: Function, name: str) -> Form:
    def call(operands: Sequence[Any], arguments: Arguments) -> Any:
        first, *rest = operands if row.name != "where" else (operands[1], operands[0], operands[2])
        return getattr(first, name)(*rest, **arguments)

    rest = ("condition", "y") if row.name == "where" else _LETTERS[1 : len(row.operands)]
    return Form(f"x.{name}({', '.join(rest)})", call)


def _method_keywords(row: Function) -> Form:
    def call(operands: Sequence[Any], arguments: Arguments) -> Any:
        named = dict(zip(row.operands[1:], operands[1:], strict=True))
        return getattr(operands[0], row.name)(**named, **arguments)

    given = ", ".join(f"{name}={letter}" for name, letter in zip(row.operands[1:], _LETTERS[1:], strict=False))
    return Form(f"x.{row.name}({given})", call)


def _operator(row: Function) -> Form:
    def call(operands: Sequence[Any], arguments: Arguments) -> Any:
        return getattr(operator, row.operator)(*operands)

    symbol = _SYMBOLS[row.operator]
    if len(row.operands) == 2:
        return Form(f"x {symbol} y", call)
    return Form(f"{symbol}(x)" if symbol.isalpha() else f"{symbol}x", call)


def _in_place_operator(row: Function) -> Form:
    name = f"i{row.operator.rstrip('_')}"

    def call(operands: Sequence[Any], arguments: Arguments) -> Any:
        return getattr(operator, name)(*operands)

    return Form(f"x {_SYMBOLS[row.operator]}= y", call)

"""Rows of tables as code: the row's own source where it stands in a table, or a call of its class."""

from __future__ import annotations

import ast
import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import Any

from conformance.reproducer.bundle import Bundle, Unbundleable
from conformance.reproducer.modules import OURS, parsed


def row(bundle: Bundle, module: str, value: Any) -> str | None:
    """The code of a value that one of our modules holds by name, or in a list, tuple or dict; None if none does."""
    names = [module, *(name for name in sys.modules if name.partition(".")[0] in OURS and name != module)]
    for name in names:
        for constant, place in _places(sys.modules.get(name), value):
            try:
                with bundle.attempt():
                    return _source(bundle, name, constant, place)
            except Unbundleable:
                continue
    return None


def constructor(bundle: Bundle, value: Any, code: Callable[[Any], str]) -> str | None:
    """A call of a dataclass, of a named tuple, or of a class of ours without state; None for anything else."""
    kind = type(value)
    if dataclasses.is_dataclass(value):
        given = {item.name: getattr(value, item.name) for item in dataclasses.fields(value) if item.init}
    elif hasattr(value, "_asdict"):
        given = value._asdict()
    else:
        return None
    return f"{code(kind)}({', '.join(f'{name}={code(item)}' for name, item in given.items())})"


def _places(module: Any, value: Any) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Where a module holds a value: the name of the constant, and the keys that lead from it to the value."""
    for name, held in list(vars(module).items()) if module else ():
        if held is value:
            yield name, ()
        elif isinstance(held, (list, tuple, dict)):
            for key, item in held.items() if isinstance(held, dict) else enumerate(held):
                if item is value:
                    yield name, (key,)
                elif type(item).__name__ == "ParameterSet":  # pytest.param(value, …)
                    yield from ((name, (key, "values", n)) for n, part in enumerate(item.values) if part is value)


def _source(bundle: Bundle, module: str, constant: str, place: tuple[Any, ...]) -> str:
    found = parsed(module)
    if constant in found.imports:  # it is written down elsewhere, and found there
        raise Unbundleable("an imported name")
    statements = found.bindings.get(constant, [])
    table = getattr(statements[0], "value", None) if len(statements) == 1 else None
    whole = (module, constant) in bundle.keys  # then the check looks for the row in it
    element = _element(table, place) if place and not whole else None
    if element is not None:
        return bundle.expression(module, element)
    path = "".join(".values" if key == "values" else f"[{key!r}]" for key in place)
    return f"{bundle.reference(module, constant)}{path}"


def _element(table: Any, place: tuple[Any, ...]) -> ast.expr | None:
    """The source of one element of a literal table, or None where the table is made in another way."""
    key, *rest = place
    if isinstance(table, (ast.List, ast.Tuple)) and not any(isinstance(item, ast.Starred) for item in table.elts):
        node = table.elts[key]
    elif isinstance(table, ast.Dict):
        keys = [item.value if isinstance(item, ast.Constant) else None for item in table.keys]
        node = table.values[keys.index(key)] if key in keys else None
    else:
        return None
    if not rest or node is None:
        return node
    return node.args[rest[1]] if isinstance(node, ast.Call) else None

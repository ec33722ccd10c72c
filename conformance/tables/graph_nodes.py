"""The nodes behind a result, as nested tuples of names, and the leaves that they lead to."""

from __future__ import annotations

from typing import Any


def tree(node: Any, names: dict[int, str]) -> Any:
    """A node as nested tuples of names; leaves by the name of their tensor."""
    if node is None:
        return None
    if hasattr(node, "variable"):
        return names[id(node.variable)]
    return (node.name(), *(tree(parent, names) for parent, _ in node.next_functions))


class Names(dict):
    """A name for any leaf."""

    def __missing__(self, key: int) -> str:
        return "x"


def variables(node: Any) -> list[int]:
    """The ids of the leaves that a node leads to."""
    found, todo, seen = [], [node], set()
    while todo:
        one = todo.pop()
        if one is None or one in seen:
            continue
        seen.add(one)
        found += [id(one.variable)] if hasattr(one, "variable") else []
        todo += [parent for parent, _ in one.next_functions]
    return found

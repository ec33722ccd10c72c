"""Where a check was when it was refuted: the loops that were under way, and what they had come to.

A check by example often sweeps over tables, dtypes and layouts. Its script need not: it tries the one turn of each
loop that refuted the claim.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.reproducer.modules import OURS, parsed

# Calls of random numbers depend on the turns before.
RANDOM = {"manual_seed", "Generator", "default_rng", "get_rng_state", "initial_seed"}


@dataclass(frozen=True)
class Frame:
    """A function of ours that was under way: the line it was at, and its variables."""

    module: str
    function: str
    line: int
    values: dict[str, Any]

    def turn(self, loop: ast.For) -> Any:
        """What the loop's target was bound to. Raises LookupError where it was not under way, or the turn is lost."""
        names = [node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)]
        nodes = [node for part in loop.body for node in ast.walk(part) if isinstance(node, ast.Name)]
        changed = {node.id for node in nodes if not isinstance(node.ctx, ast.Load)}
        if not loop.lineno < self.line <= (loop.end_lineno or 0) or changed & set(names):
            raise LookupError(self.function)
        return self._value(loop.target)

    def _value(self, target: ast.expr) -> Any:
        if isinstance(target, ast.Tuple):
            return tuple(self._value(part) for part in target.elts)
        return self.values[target.id if isinstance(target, ast.Name) else ""]


def frames(error: BaseException | None) -> dict[tuple[str, str], Frame]:
    """The frames of our functions that an exception passed through, by module and qualified name."""
    found = {}
    tb = error.__traceback__ if error else None
    while tb is not None:
        module = tb.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] in OURS:
            name = tb.tb_frame.f_code.co_qualname
            found[module, name] = Frame(module, name, tb.tb_lineno, dict(tb.tb_frame.f_locals))
        tb = tb.tb_next
    return found


def turns(error: BaseException | None) -> Iterator[tuple[str, Any]]:
    """The variables of the loops that were under way in our functions, from the check inwards."""
    for frame in frames(error).values():
        for loop in _loops(frame):
            try:
                frame.turn(loop)
            except LookupError:
                continue
            names = [node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)]
            yield from ((name, frame.values[name]) for name in names)


def _loops(frame: Frame) -> Iterator[ast.For]:
    try:
        statements = parsed(frame.module).bindings.get(frame.function, [])
    except LookupError:
        return
    for statement in statements:
        yield from (node for node in ast.walk(statement) if isinstance(node, ast.For))

"""What the checks of modules share: a module that keeps a log, hooks that write into it, numbered layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import require
from conformance.subject import Subject
from conformance.tables.module_tree import assert_same

X = np.array([1.0, -2.0, 3.0])


def recorder(log: list[Any] | None = None, factor: float = 2.0) -> nn.Module:
    """A module whose forward writes what it is given into a log and returns factor * x + plus."""

    class Recorder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.log: list[Any] = [] if log is None else log

        def forward(self, x: torch.Tensor, plus: float = 0.0, *rest: Any, **named: Any) -> torch.Tensor:
            self.log.append(("forward", plus, rest, named))
            return factor * x + plus

    return Recorder()


def given(subject: Subject, values: np.ndarray = X) -> torch.Tensor:
    return host.tensor(values, "float32", subject.device)


def said(log: list[Any]) -> list[Any]:
    """The words of a log, without what came with them."""
    return [entry[0] if isinstance(entry, tuple) else entry for entry in log]


def marking(log: list[Any], word: str, answer: Any = None) -> Callable[..., Any]:
    """A hook that writes a word into a log and returns the answer."""

    def hook(*args: Any) -> Any:
        log.append(word)
        return answer

    return hook


def layers(count: int) -> list[nn.Module]:
    """So many layers, each of another size."""
    return [nn.Linear(place + 1, place + 2) for place in range(count)]


def numbers(found: Any, known: list[nn.Module]) -> list[int]:
    """Each entry as its place in a list of known objects, -1 for a stranger."""
    return [next((n for n, thing in enumerate(known) if thing is entry), -1) for entry in found]


def first_names(due: list[nn.Module]) -> list[str]:
    """Numbers as names, each object under its first."""
    return [str(n) for n, entry in enumerate(due) if not any(entry is other for other in due[:n])]


SLICES = [slice(a, b, c) for a in (None, 0, 1, -2, 9) for b in (None, 0, 2, -1, 9) for c in (None, 2, -1)]


def assert_entries(call: str, container: Any, due: list[nn.Module], known: list[nn.Module]) -> None:
    """Refute unless a Sequential or ModuleList holds just these objects, numbered from 0, however it is asked."""
    wanted = numbers(due, known)
    assert_same(f"{call}: entries", numbers(container, known), wanted)
    assert_same(f"{call}: len", len(container), len(due))
    assert_same(f"{call}: names", [name for name, _ in container.named_children()], first_names(due))
    assert_same(f"{call}: by index", numbers([container[n] for n in range(len(due))], known), wanted)
    keys = [f"{n}.{kind}" for n, entry in enumerate(due) if isinstance(entry, nn.Linear) for kind in ("weight", "bias")]
    assert_same(f"{call}: state_dict", list(container.state_dict()), keys)


LISTS = {"Sequential": lambda entries: nn.Sequential(*entries), "ModuleList": lambda entries: nn.ModuleList(entries)}


def assert_items(call: str, container: Any, due: dict[str, Any]) -> None:
    """Refute unless a container holds these names and objects, in this order, however it is asked."""
    assert_same(f"{call}: keys()", list(container.keys()), list(due))
    assert_same(f"{call}: iteration", list(container), list(due))
    assert_same(f"{call}: len", len(container), len(due))
    for (name, found), value in zip(container.items(), container.values(), strict=True):
        require(
            found is due[name] and value is due[name] and container[name] is due[name],
            f"{call}: {name} is another object",
        )
        require(name in container, f"{call}: {name} is not in it")


def parameters(subject: Subject, count: int) -> list[nn.Parameter]:
    return [nn.Parameter(host.tensor(np.full(n + 1, float(n)), "float32", subject.device)) for n in range(count)]

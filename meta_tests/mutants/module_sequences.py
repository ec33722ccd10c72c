"""Containers that are wrong in their rarer uses: places from the end, slices, repeats, what they return and refuse."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant
from meta_tests.mutants.module import method

_S, _L, _D, _PL, _PD = nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict


def _quiet(sound: Any, self: Any, *args: Any) -> Any:
    """Nothing is refused."""
    try:
        return sound(self, *args)
    except (TypeError, IndexError):
        return self


def _ints_only(sound: Any, self: Any, place: Any) -> Any:
    if not isinstance(place, (int, slice)):
        raise TypeError(place)
    return sound(self, place)


def _copies(sound: Any, self: Any, count: int) -> Any:
    if not isinstance(count, int) or count <= 0:
        return sound(self, count)
    for entry in list(self) * (count - 1):
        self.append(copy.deepcopy(entry))
    return self


def _to_an_identity(sound: Any, self: Any, x: Any) -> Any:
    for layer in self:
        if type(layer) is nn.Identity:
            break
        x = layer(x)
    return x


def _nothing_for_slices(sound: Any, self: Any, key: Any) -> Any:
    found = sound(self, key)
    return None if isinstance(key, slice) else found


def _any_list(sound: Any, self: Any, other: Any) -> Any:
    return sound(self, _S(*other) if isinstance(other, list) else other)


def _numbers_too(sound: Any, self: Any, place: Any, value: Any) -> None:
    sound(self, place, nn.Parameter(torch.tensor(value)) if isinstance(value, float) else value)


def _left_changed(sound: Any, self: Any, other: Any) -> Any:
    self.update(other)
    return sound(self, other)


def _left_wins(sound: Any, self: Any, other: Any) -> Any:
    out = sound(self, other)
    for key in other:
        out[key] = other[key]
    return out


LISTS = [
    method(
        "module.sequential-editing",
        "insert at a negative place is one off",
        "insert",
        lambda s, self, n, m: s(self, n + len(self) + 1 if n < 0 else n, m),
        _S,
    ),
    method(
        "module.sequential-editing",
        "insert beyond the end appends",
        "insert",
        lambda s, self, n, m: s(self, max(-len(self), min(n, len(self))), m),
        _S,
    ),
    method(
        "module.sequential-editing", "insert returns None", "insert", lambda s, self, n, m: s(self, n, m) and None, _S
    ),
    method("module.sequential-adding", "+= takes a list", "__iadd__", _any_list, _S),
    method("module.sequential-adding", "+ takes a list", "__add__", _any_list, _S),
    method("module.sequential-multiplying", "*= repeats copies", "__imul__", _copies, _S),
    method(
        "module.sequential-multiplying",
        "*= 1 makes a new Sequential",
        "__imul__",
        lambda s, self, n: _S(*self) if n == 1 else s(self, n),
        _S,
    ),
    method("module.sequential-runs-in-order", "a Sequential stops at an Identity", "forward", _to_an_identity, _S),
    method("module.sequential-deleting", "pop of a slice gives None", "pop", _nothing_for_slices, _S),
    method("module.modulelist-deleting", "pop of a slice gives None", "pop", _nothing_for_slices, _L),
    method("module.modulelist-indexing", "a place has to be an int", "__getitem__", _ints_only, _L),
    method("module.modulelist-editing", "extend takes a number quietly", "extend", _quiet, _L),
    method(
        "module.modulelist-adding",
        "+ changes the left",
        "__add__",
        lambda s, self, other: s(self.extend(list(other)), []),
        _L,
    ),
]
DICTS = [
    method(
        "module.moduledict",
        "update takes a number quietly",
        "update",
        lambda s, self, m: s(self, m) if hasattr(m, "__iter__") else None,
        _D,
    ),
    method(
        "module.parameterlist",
        "a slice is a plain list",
        "__getitem__",
        lambda s, self, n: list(s(self, n)) if isinstance(n, slice) else s(self, n),
        _PL,
    ),
    method("module.parameterlist", "numbers become Parameters", "__setitem__", _numbers_too, _PL),
    method("module.parameterlist", "+= makes a new one", "__iadd__", lambda s, self, other: _PL([*self, *other]), _PL),
    method("module.parameterdict", "| changes the left", "__or__", _left_changed, _PD),
    method("module.parameterdict", "|= makes a new one", "__ior__", lambda s, self, other: self | other, _PD),
    method("module.parameterdict", "dict | ParameterDict prefers the left", "__ror__", _left_wins, _PD),
    method("module.parameterdict", "a key need not be a string", "_key_to_attr", lambda s, self, key: str(key), _PD),
]
MUTANTS: list[Mutant] = [*LISTS, *DICTS]

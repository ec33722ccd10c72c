"""Wrong containers: Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

from torch import nn

from meta_tests.mutant import Mutant
from meta_tests.mutants.module import method

KINDS = {"sequential": nn.Sequential, "modulelist": nn.ModuleList}


def make(self: Any, entries: list[Any]) -> Any:
    return nn.Sequential(*entries) if isinstance(self, nn.Sequential) else nn.ModuleList(entries)


def renumber(self: Any, entries: list[Any]) -> None:
    self._modules = type(self._modules)((str(n), m) for n, m in enumerate(entries))


def gaps_left(sound: Any, self: Any, place: Any) -> None:
    """Deleting keeps the other numbers, as it once was."""
    names = list(self._modules)
    for name in names[place] if isinstance(place, slice) else [names[place]]:
        del self._modules[name]


def slice_from_front(sound: Any, self: Any, place: Any) -> None:
    if isinstance(place, slice) and place.step == -1:
        place = slice(None, None, None)
    sound(self, place)


def set_first(sound: Any, self: Any, place: Any, value: Any) -> None:
    sound(self, 0 if place == -1 else place, value)


def clamp(sound: Any, self: Any, place: Any) -> Any:
    return sound(self, min(place, len(self) - 1) if isinstance(place, int) and len(self) and place > 0 else place)


def negative_off(sound: Any, self: Any, place: Any) -> Any:
    return sound(self, place + 1 if isinstance(place, int) and -len(self) <= place < -1 else place)


def copies(sound: Any, self: Any, place: Any) -> Any:
    out = sound(self, place)
    return make(self, [copy.deepcopy(m) for m in out]) if isinstance(place, slice) else out


def as_list(sound: Any, self: Any, place: Any) -> Any:
    return list(sound(self, place)) if isinstance(place, slice) else sound(self, place)


def no_step(sound: Any, self: Any, place: Any) -> Any:
    return sound(self, slice(place.start, place.stop) if isinstance(place, slice) and place.step == 2 else place)


def before(sound: Any, self: Any, place: int, value: Any) -> Any:
    return sound(self, max(place - 1, 0) if place == len(self) else place, value)


def reversed_extend(sound: Any, self: Any, entries: Any) -> Any:
    return sound(self, [*entries][::-1])


def in_place_sum(sound: Any, self: Any, other: Any) -> Any:
    self.extend(other)
    return self


def fresh_sum(sound: Any, self: Any, other: Any) -> Any:
    return make(self, [*self, *other])


def item_copied(sound: Any, self: Any, place: Any) -> Any:
    return copy.copy(sound(self, place)) if place == 1 else sound(self, place)


def pop_last(sound: Any, self: Any, place: Any = -1) -> Any:
    return (self[place], sound(self, -1))[0]


def kind_mutants(word: str, owner: Any) -> list[Mutant]:
    """The mutants that Sequential and ModuleList share."""
    claim = f"module.{word}"
    return [
        method(f"{claim}-indexing", "places beyond the end give the last", "__getitem__", clamp, owner),
        method(f"{claim}-indexing", "negative places below -1 are one off", "__getitem__", negative_off, owner),
        method(f"{claim}-indexing", "an index gives a copy", "__getitem__", item_copied, owner),
        method(f"{claim}-slicing", "a slice copies its layers", "__getitem__", copies, owner),
        method(f"{claim}-slicing", "a slice is a list", "__getitem__", as_list, owner),
        method(f"{claim}-slicing", "a step of 2 is ignored", "__getitem__", no_step, owner),
        method(f"{claim}-editing", "inserting at the end comes one before", "insert", before, owner),
        method(f"{claim}-editing", "extend adds in reverse", "extend", reversed_extend, owner),
        method(f"{claim}-editing", "[-1] = sets the first", "__setitem__", set_first, owner),
        method(f"{claim}-editing", "append returns nothing", "append", lambda s, self, m: s(self, m) and None, owner),
        method(f"{claim}-deleting", "deleting leaves gaps in the numbers", "__delitem__", gaps_left, owner),
        method(f"{claim}-deleting", "a reversed slice deletes all", "__delitem__", slice_from_front, owner),
        method(f"{claim}-deleting", "pop removes the last whatever is asked", "pop", pop_last, owner),
        method(f"{claim}-adding", "a + b changes a", "__add__", in_place_sum, owner),
        method(f"{claim}-adding", "a += b makes a new object", "__iadd__", fresh_sum, owner),
    ]


def update_sorted(sound: Any, self: Any, modules: Any) -> Any:
    return sound(self, OrderedDict(sorted(modules.items())) if isinstance(modules, dict) else modules)


def moved(sound: Any, self: Any, name: str, value: Any) -> None:
    self._modules.pop(name, None)
    sound(self, name, value)


SEQUENTIAL = [
    method(
        "module.sequential-runs-in-order",
        "layers run in reverse when there are three",
        "forward",
        lambda s, self, x: [x := m(x) for m in [*self][::-1]][-1] if len(self) == 3 else s(self, x),
        nn.Sequential,
    ),
    method(
        "module.sequential-runs-in-order",
        "a layer that comes twice in a row runs once",
        "forward",
        lambda s, self, x: (
            [x := m(x) for n, m in enumerate(self) if n == 0 or m is not self[n - 1]][-1] if len(self) else x
        ),
        nn.Sequential,
    ),
    method(
        "module.sequential-runs-in-order",
        "an empty Sequential returns None",
        "forward",
        lambda s, self, x: s(self, x) if len(self) else None,
        nn.Sequential,
    ),
    method(
        "module.sequential-ordereddict",
        "names are replaced by numbers",
        "__init__",
        lambda s, self, *a: s(self, *a[0].values()) if a and isinstance(a[0], dict) else s(self, *a),
        nn.Sequential,
    ),
    method(
        "module.sequential-ordereddict",
        "names are sorted",
        "__init__",
        lambda s, self, *a: s(self, OrderedDict(sorted(a[0].items()))) if a and isinstance(a[0], dict) else s(self, *a),
        nn.Sequential,
    ),
    method(
        "module.sequential-ordereddict",
        "slices lose the names",
        "__getitem__",
        lambda s, self, n: nn.Sequential(*s(self, n)) if isinstance(n, slice) else s(self, n),
        nn.Sequential,
    ),
    method(
        "module.sequential-multiplying",
        "repeated layers are copies",
        "__mul__",
        lambda s, self, n: nn.Sequential(
            *(copy.deepcopy(m) if k >= len(self) else m for k, m in enumerate(s(self, n)))
        ),
        nn.Sequential,
    ),
    method(
        "module.sequential-multiplying",
        "Sequential * 0 is empty",
        "__mul__",
        lambda s, self, n: nn.Sequential() if n == 0 else s(self, n),
        nn.Sequential,
    ),
    method(
        "module.sequential-edits-named",
        "setting an item renumbers all",
        "__setitem__",
        lambda s, self, n, m: (s(self, n, m), renumber(self, [*self]))[0],
        nn.Sequential,
    ),
    method(
        "module.sequential-insert-named",
        "insert needs numbers as names",
        "insert",
        lambda s, self, n, m: s(self, n, m) if all(name.isdigit() for name in self._modules) else self.missing,
        nn.Sequential,
    ),
    method(
        "module.sequential-append-after-number",
        "append takes the number of a layer",
        "append",
        lambda s, self, m: (self.add_module(str(len(self)), m), self)[1],
        nn.Sequential,
    ),
]

OTHERS = [
    method(
        "module.modulelist-registers",
        "a ModuleList keeps its entries to itself",
        "__init__",
        lambda s, self, modules=None: (
            s(self),
            self.__dict__.__setitem__("kept", [*modules] if modules is not None else []),
        )[0],
        nn.ModuleList,
    ),
    method(
        "module.modulelist-registers",
        "a generator is not used up",
        "__init__",
        lambda s, self, modules=None: s(self, modules if modules is None or hasattr(modules, "__len__") else []),
        nn.ModuleList,
    ),
    method("module.moduledict", "a ModuleDict sorts a dict", "update", update_sorted, nn.ModuleDict),
    method("module.moduledict", "setting a name again moves it to the end", "__setitem__", moved, nn.ModuleDict),
    method(
        "module.moduledict", "pop returns nothing", "pop", lambda s, self, name: s(self, name) and None, nn.ModuleDict
    ),
    method(
        "module.moduledict",
        "clear keeps the first",
        "clear",
        lambda s, self: [self.__delitem__(n) for n in [*self][1:]] and None,
        nn.ModuleDict,
    ),
    method(
        "module.parameterlist",
        "extend skips what is there already",
        "extend",
        lambda s, self, entries: s(self, [p for p in entries if all(p is not q for q in self)]),
        nn.ParameterList,
    ),
    method(
        "module.parameterlist",
        "negative places count from the front",
        "__getitem__",
        lambda s, self, n: s(self, abs(n) if isinstance(n, int) else n),
        nn.ParameterList,
    ),
    method("module.parameterlist", "[-1] = sets the first", "__setitem__", set_first, nn.ParameterList),
    method(
        "module.parameterlist-converts",
        "appended tensors stay plain",
        "append",
        lambda s, self, value: (
            s(self, value),
            object.__setattr__(self, "late", self._parameters.pop(str(len(self) - 1))),
        )[0],
        nn.ParameterList,
    ),
    method(
        "module.parameterlist-converts",
        "tensors are copied",
        "__setitem__",
        lambda s, self, n, value: s(
            self, n, value if isinstance(value, nn.Parameter) else nn.Parameter(value.clone(), False)
        ),
        nn.ParameterDict,
    ),
    method(
        "module.parameterdict",
        "iteration is sorted",
        "__iter__",
        lambda s, self: iter(sorted(s(self))),
        nn.ParameterDict,
    ),
    method(
        "module.parameterdict",
        "setdefault replaces",
        "setdefault",
        lambda s, self, key, value=None: (self.__setitem__(key, value), value)[1],
        nn.ParameterDict,
    ),
    method("module.parameterdict", "a copy is the same object", "copy", lambda s, self: self, nn.ParameterDict),
    method(
        "module.parameterdict",
        "clear leaves the parameters registered",
        "clear",
        lambda s, self: self._keys.clear(),
        nn.ParameterDict,
    ),
]

MUTANTS: list[Mutant] = [
    *(mutant for word, owner in KINDS.items() for mutant in kind_mutants(word, owner)),
    *SEQUENTIAL,
    *OTHERS,
]

"""Containers in their rarer uses, by example: places of any kind, slices, repeats, what they refuse and return."""

from __future__ import annotations

import operator
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.module_samples import (
    LISTS,
    SLICES,
    X,
    assert_entries,
    assert_items,
    given,
    layers,
    numbers,
    parameters,
)
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


def per_list(name: str) -> Any:
    """A check of both kinds of list: module.sequential-… and module.modulelist-…."""
    claims = {"Sequential": f"module.sequential-{name}", "ModuleList": f"module.modulelist-{name}"}
    return pytest.mark.parametrize("kind", [pytest.param(kind, marks=check(claim)) for kind, claim in claims.items()])


@per_list("indexing")
def test_a_place_may_be_of_any_whole_number_type(subject, kind):
    known = layers(4)
    container = LISTS[kind](known)
    for make in (int, np.int64, np.int8, torch.tensor):
        for place in (0, 2, -1, -4):
            require(container[make(place)] is known[place], f"{kind}[{make(place)!r}] gives another object")
        container[make(1)] = known[3]
        require(container[1] is known[3], f"{kind}[{make(1)!r}] = sets another place")
        container[make(-3)] = known[1]
        assert_entries(f"{kind} after setting by {make.__name__}", container, known, known)
    for bad in (1.0, "1", None, (1,)):
        assert_raises(f"{kind}[{bad!r}]", TypeError, lambda: container[bad])
    assert_same("reversed", numbers(reversed(container), known), [3, 2, 1, 0])
    assert_same("iterated twice", [numbers(container, known) for _ in range(2)], [[0, 1, 2, 3]] * 2)


@per_list("deleting")
def test_a_slice_can_be_popped(subject, kind):
    for part in SLICES:
        known = layers(5)
        container, due = LISTS[kind](known), list(known)
        popped, wanted = container.pop(part), due[part]
        del due[part]
        require(type(popped).__name__ == kind, f"{kind}.pop({part}) gives a {type(popped).__name__}")
        assert_same(f"{kind}.pop({part})", numbers(popped, known), numbers(wanted, known))
        assert_entries(f"{kind} after pop({part})", container, due, known)


@per_list("editing")
def test_extend_takes_any_iterable_of_modules(subject, kind):
    forms: dict[str, Any] = {
        "a tuple": tuple,
        "a generator": lambda entries: (entry for entry in entries),
        "a ModuleList": nn.ModuleList,
        "a Sequential": lambda entries: nn.Sequential(*entries),
        "values of a ModuleDict": lambda entries: nn.ModuleDict({str(n): e for n, e in enumerate(entries)}).values(),
        "nothing": lambda entries: [],
    }
    for call, form in forms.items():
        known = layers(4)
        container = LISTS[kind](known[:1])
        if kind == "ModuleList" or "generator" not in call:
            require(container.extend(form(known[1:])) is container, f"{kind}.extend returns another object")
            due = known[:1] if call == "nothing" else known
            assert_entries(f"{kind}.extend of {call}", container, due, known)
    assert_raises(f"{kind}.extend(3)", TypeError, lambda: LISTS[kind]([]).extend(3))
    assert_raises(f"{kind}.extend of numbers", TypeError, lambda: LISTS[kind]([]).extend([nn.ReLU(), 3]))


@check("module.sequential-editing")
def test_a_sequential_inserts_at_places_from_the_end(subject):
    for size in (1, 2, 4):
        for place in range(-size, size + 1):
            known = layers(size + 1)
            net, due = nn.Sequential(*known[:-1]), known[:-1]
            require(net.insert(place, known[-1]) is net, f"insert({place}, …) returns another object")
            due.insert(place, known[-1])
            assert_entries(f"insert({place}) into {size}", net, due, known)
        for place in (size + 2, -size - 2):
            assert_raises(f"insert({place}) into {size + 1}", IndexError, lambda: net.insert(place, nn.ReLU()))
        assert_raises("insert of a number", (TypeError, AssertionError), lambda: net.insert(0, 3))
        assert_entries("a Sequential after refusals", net, due, known)


@check("module.sequential-multiplying")
def test_a_sequential_is_repeated_in_place(subject):
    for count in (1, 2, 4):
        known = layers(2)
        net = kept = nn.Sequential(*known)
        net *= count
        require(net is kept, f"*= {count} makes a new object")
        assert_entries(f"Sequential *= {count}", net, known * count, known)
        total = nn.Sequential(*known) * count
        require(total is not net, "* gives its operand")
        for found in (total, count * nn.Sequential(*known)):
            assert_entries(f"Sequential * {count}", found, known * count, known)
    for bad, kind in ((0, ValueError), (-2, ValueError), (1.5, TypeError), ("2", TypeError)):
        assert_raises(f"Sequential *= {bad!r}", kind, lambda: operator.imul(net, bad))
    assert_entries("Sequential after refusals", net, known * 4, known)


@check("module.sequential-adding")
def test_a_sequential_is_added_to_a_sequential_only(subject):
    net, known = nn.Sequential(nn.ReLU()), layers(2)
    for other in (known, tuple(known), nn.ModuleList(known), nn.ReLU(), 3, None):
        for act in (operator.add, operator.iadd):
            call = f"{act.__name__} of a Sequential and a {type(other).__name__}"
            assert_raises(call, (TypeError, ValueError), lambda: act(net, other))
    assert_same("layers after refusals", len(net), 1)
    named = nn.Sequential(OrderedDict(first=known[0])) + nn.Sequential(OrderedDict(second=known[1]))
    assert_entries("the sum of two with names", named, known, known)


@check("module.modulelist-adding")
def test_a_list_of_modules_is_added_to_any_iterable(subject):
    for form in (list, tuple, nn.ModuleList, iter):
        known = layers(4)
        net = kept = nn.ModuleList(known[:2])
        assert_entries("ModuleList + …", net + form(known[2:]), known, known)
        assert_entries("ModuleList after +", net, known[:2], known)
        net += form(known[2:])
        require(net is kept, "+= makes a new object")
        assert_entries("ModuleList += …", net, known, known)


@check("module.sequential-runs-in-order")
def test_a_sequential_runs_layers_of_every_kind(subject):
    class Half(nn.Module):
        def forward(self, x):
            log.append("half")
            return x / 2

    log: list[str] = []
    half, plus = Half(), nn.Threshold(100.0, 8.0)  # whatever is below 100 becomes 8
    kinds = [nn.Identity(), half, nn.Dropout().eval(), half, nn.Sequential(nn.Identity(), half), nn.Sequential()]
    for count in range(len(kinds) + 1):
        log.clear()
        net = nn.Sequential(*kinds[:count])
        times = sum(1 for kind in kinds[:count] for part in [kind, *kind.children()] if part is half)
        assert_values(f"{count} layers of x", net(given(subject)), X / 2**times)
        assert_same("calls", len(log), times)
    assert_values("a layer after an Identity", nn.Sequential(nn.Identity(), plus)(given(subject)), np.full(3, 8.0))
    pair = nn.Sequential(nn.Identity(), nn.Identity())
    thing = {"any": "object"}
    require(pair(thing) is thing, "a Sequential of identities does not hand on any object")


# -- dicts and parameters ----------------------------------------------------------------------------------------------


@check("module.moduledict")
def test_a_module_dict_refuses_what_is_no_mapping_of_modules(subject):
    a, b = layers(2)
    net = nn.ModuleDict({"z": a})
    for bad, kind in ((3, TypeError), (None, TypeError), ([3], TypeError), ([("a", a, b)], ValueError)):
        assert_raises(f"ModuleDict.update({bad!r:.30})", kind, lambda: net.update(bad))
    assert_raises("ModuleDict[3] =", TypeError, lambda: operator.setitem(net, 3, b))
    assert_raises("del ModuleDict['missing']", KeyError, lambda: operator.delitem(net, "missing"))
    assert_items("ModuleDict after refusals", net, {"z": a})
    net.update(pair for pair in [("y", b), ("z", b), ("x", a)])
    assert_items("ModuleDict after update(generator)", net, {"z": b, "y": b, "x": a})
    assert_raises("calling a ModuleDict", NotImplementedError, lambda: net(given(subject)))


@check("module.parameterlist")
def test_a_parameter_list_keeps_what_is_no_tensor(subject):
    known = parameters(subject, 3)
    things: list[Any] = [known[0], 3, "text", None, 2.5, known[1], [known[2]]]
    net = nn.ParameterList(things)
    for turn, value in enumerate((4.5, "more", known[2])):
        net.append(value)
        things.append(value)
        net[1] = things[1] = turn
        require(all(found is due for found, due in zip(net, things, strict=True)), "an entry is another object")
    named = [name for name, _ in net.named_parameters()]
    assert_same("named_parameters()", named, ["0", "5", "9"])
    for part in (slice(0, 2), slice(None, None, 3), slice(5, None), slice(-2, None), slice(3, 3)):
        found, due = net[part], things[part]
        require(type(found) is nn.ParameterList, f"[{part}] is a {type(found).__name__}")
        require(len(found) == len(due) and all(map(operator.is_, found, due)), f"[{part}] holds other entries")
    kept = net
    net += [known[0]]
    require(net is kept and net[-1] is known[0], "+= makes a new ParameterList")
    for bad in (3, None):
        assert_raises(f"ParameterList.extend({bad!r})", TypeError, lambda: net.extend(bad))
    assert_raises("calling a ParameterList", RuntimeError, lambda: net(given(subject)))


@check("module.parameterdict")
def test_parameter_dicts_are_joined_as_dicts_are(subject):
    known = parameters(subject, 4)
    left, right = {"a": known[0], "b": known[1]}, {"b": known[2], "c": known[3]}
    a, b = nn.ParameterDict(OrderedDict(left)), nn.ParameterDict(OrderedDict(right))
    assert_items("a | b", a | b, {**left, **right})
    assert_items("b | a", b | a, {**right, **left})
    assert_items("a | dict", a | OrderedDict(right), {**left, **right})
    joined = OrderedDict(left) | b
    assert_same("dict | b", [(key, joined[key] is {**left, **right}[key]) for key in "abc"], [(k, True) for k in "abc"])
    assert_items("a after |", a, left)
    assert_items("b after |", b, right)
    kept = a
    a |= b
    require(a is kept, "|= makes a new object")
    assert_items("a after |=", a, {**left, **right})
    assert_same("get of a missing key", (a.get("missing"), a.get("missing", 7), len(a)), (None, 7, 3))
    for key in ("c", "b", "a"):
        require(a.popitem()[0] == key, "popitem does not take the last")
    assert_raises("popitem of an empty ParameterDict", KeyError, a.popitem)
    assert_raises("ParameterDict[3]", TypeError, lambda: b[3])
    assert_raises("update(3)", TypeError, lambda: b.update(3))
    assert_raises("calling a ParameterDict", RuntimeError, lambda: b(given(subject)))
    assert_items("b after refusals", b, right)

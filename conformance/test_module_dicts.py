"""Containers by name, and containers of parameters, by example."""

from __future__ import annotations

import operator
from collections import OrderedDict
from typing import Any

import numpy as np
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.module_samples import assert_items, first_names, layers, numbers, parameters
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


@check("module.moduledict")
def test_a_module_dict_works_as_a_dict_in_order_of_insertion(subject):
    a, b, c, d = layers(4)
    for given in ({"z": a, "b": b}, OrderedDict(z=a, b=b), [("z", a), ("b", b)], nn.ModuleDict({"z": a, "b": b})):
        assert_items(f"ModuleDict({type(given).__name__})", nn.ModuleDict(given), {"z": a, "b": b})
    net, due = nn.ModuleDict({"z": a, "b": b}), {"z": a, "b": b}
    for call, change in {
        "['a'] =": lambda x: operator.setitem(x, "a", c),
        "['z'] = again": lambda x: operator.setitem(x, "z", d),
        "update(dict)": lambda x: x.update({"b": a, "new": b}),
        "update(pairs)": lambda x: x.update([("p", c), ("a", a)]),
        "del ['b']": lambda x: operator.delitem(x, "b"),
        "pop": lambda x: x.pop("new"),
    }.items():
        out, wanted = change(net), change(due)
        require(out is wanted, f"{call} returns {out!r:.40}, but should return {wanted!r:.40}")
        assert_items(f"ModuleDict: {call}", net, due)
        assert_same("named_children", [name for name, _ in net.named_children()], _named_first(due))
    for bad in ("missing", "b"):
        assert_raises(f"ModuleDict[{bad!r}]", KeyError, lambda: net[bad])
        assert_raises(f"ModuleDict.pop({bad!r})", KeyError, lambda: net.pop(bad))
        require(bad not in net, f"{bad!r} is in the ModuleDict")
    assert_raises("ModuleDict['x'] = a number", TypeError, lambda: operator.setitem(net, "x", 3))
    assert_items("ModuleDict after refusals", net, due)
    net.clear()
    assert_items("ModuleDict after clear()", net, {})


@check("module.moduledict")
def test_a_module_dict_takes_pairs_in_every_form(subject):
    a, b, c, d = layers(4)
    net, due = nn.ModuleDict({"z": a}), {"z": a}
    for given in ([["p", d], ["z", c]], iter([("q", a), ("r", c)]), nn.ModuleDict({"r": d, "s": b}), (("s", a),)):
        pairs = list(given.items()) if isinstance(given, nn.ModuleDict) else list(given)
        net.update(iter(pairs) if hasattr(given, "__next__") else given)
        due.update(pairs)
        assert_items(f"ModuleDict.update of a {type(given).__name__}", net, due)
    for value in (a, c, 0, None):
        require(value not in net, "what is no key of a ModuleDict is in it")


def _named_first(due: dict[str, Any]) -> list[str]:
    """The names under which each object comes first."""
    return [[*due][int(place)] for place in first_names([*due.values()])]


@check("module.parameterlist")
def test_a_parameter_list_works_as_a_list_and_registers(subject):
    known = parameters(subject, 6)
    net, due = nn.ParameterList(known[:3]), known[:3]
    for call, change in {
        "nothing": lambda x: None,
        "append": lambda x: x.append(known[3]),
        "extend": lambda x: x.extend([known[4], known[0]]),
        "[1] =": lambda x: operator.setitem(x, 1, known[5]),
        "[-1] =": lambda x: operator.setitem(x, -1, known[1]),
        "+=": lambda x: operator.iadd(x, [known[2]]),
    }.items():
        change(net)
        change(due)
        assert_same(f"ParameterList, {call}: entries", numbers(net, known), numbers(due, known))
        assert_same(f"{call}: len", len(net), len(due))
        named = list(net.named_parameters())
        assert_same(f"{call}: named_parameters()", [name for name, _ in named], first_names(due))
        assert_same(f"{call}: state_dict()", list(net.state_dict()), [str(n) for n in range(len(due))])
        assert_same(f"{call}: [-1]", numbers([net[-1]], known), numbers([due[-1]], known))
        assert_same(f"{call}: [1:3]", numbers(net[1:3], known), numbers(due[1:3], known))
    for place in (len(due), -len(due) - 1):
        assert_raises(f"ParameterList[{place}]", IndexError, lambda: net[place])


@check("module.parameterlist-converts")
def test_tensors_put_into_a_parameter_container_become_parameters(subject):
    data = host.tensor(np.arange(3.0), "float32", subject.device)
    net = nn.ParameterList([data])
    net.append(data + 1)
    table = nn.ParameterDict({"a": data})
    table["b"] = data + 1
    for call, found in {"list[0]": net[0], "list[1]": net[1], "dict['a']": table["a"], "dict['b']": table["b"]}.items():
        require(type(found) is nn.Parameter and found.requires_grad, f"{call} is no Parameter that requires a gradient")
    require(net[0].data_ptr() == data.data_ptr(), "the first entry does not share the memory of its tensor")
    assert_same("parameters", (len(list(net.parameters())), len(list(table.parameters()))), (2, 2))
    assert_values("list[1]", net[1].detach(), np.arange(3.0) + 1)
    held = nn.Module()
    held.params = net
    assert_same("names below a module", [name for name, _ in held.named_parameters()], ["params.0", "params.1"])


@check("module.parameterdict")
def test_a_parameter_dict_works_as_a_dict_and_registers(subject):
    known = parameters(subject, 5)
    due = {"z": known[0], "b": known[1]}
    net = nn.ParameterDict(OrderedDict(due))
    for call, change in {
        "nothing": lambda x: None,
        "['a'] =": lambda x: operator.setitem(x, "a", known[2]),
        "['z'] = again": lambda x: operator.setitem(x, "z", known[3]),
        "update": lambda x: x.update(OrderedDict(b=known[4], n=known[1])),
        "setdefault": lambda x: x.setdefault("z", known[0]),
        "setdefault new": lambda x: x.setdefault("y", known[0]),
        "get": lambda x: x.get("b"),
        "get missing": lambda x: x.get("missing", known[2]),
        "pop": lambda x: x.pop("a"),
        "del": lambda x: operator.delitem(x, "n"),
        "popitem": lambda x: x.popitem()[1],
    }.items():
        out, wanted = change(net), change(due)
        require(out is wanted, f"ParameterDict: {call} returns another object")
        assert_items(f"ParameterDict, {call}", net, due)
        assert_same(f"{call}: sorted names", sorted(name for name, _ in net.named_parameters()), sorted(due))
    assert_raises("ParameterDict['missing']", (KeyError, AttributeError), lambda: net["missing"])


@check("module.parameterdict")
def test_parameter_dicts_are_copied_joined_and_cleared(subject):
    known = parameters(subject, 4)
    due = {"z": known[0], "b": known[1]}
    net = nn.ParameterDict(OrderedDict(due))
    twin = net.copy()
    twin["extra"] = known[2]
    assert_items("ParameterDict after a change of its copy", net, due)
    joined = net | nn.ParameterDict({"other": known[2]})
    assert_items("ParameterDict | ParameterDict", joined, {**due, "other": known[2]})
    joined |= {"last": known[3]}
    assert_items("ParameterDict |= dict", joined, {**due, "other": known[2], "last": known[3]})
    assert_same("reversed", list(reversed(joined)), [*joined.keys()][::-1])
    same = net.fromkeys(["u", "v"], known[0])
    assert_items("fromkeys", same, {"u": known[0], "v": known[0]})
    net.clear()
    assert_items("ParameterDict after clear()", net, {})
    assert_same("parameters after clear()", list(net.parameters()), [])

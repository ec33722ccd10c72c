"""Containers of modules and parameters, by example: each behaves as a Python list or dict of its entries."""

from __future__ import annotations

import operator
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.module_samples import LISTS, SLICES, assert_entries, layers, numbers
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


def per_list(name: str) -> Any:
    """A check of both kinds of list: module.sequential-… and module.modulelist-…."""
    claims = {"Sequential": f"module.sequential-{name}", "ModuleList": f"module.modulelist-{name}"}
    return pytest.mark.parametrize("kind", [pytest.param(kind, marks=check(claim)) for kind, claim in claims.items()])


@per_list("indexing")
def test_indexing_gives_the_layer_itself(subject, kind):
    for size in (1, 4):
        known = layers(size)
        container = LISTS[kind](known)
        for place in range(-size, size):
            require(container[place] is known[place], f"{kind}[{place}] of {size} gives another object")
        for place in (size, -size - 1, 99):
            assert_raises(f"{kind}[{place}] of {size}", IndexError, lambda: container[place])
        assert_entries(kind, container, known, known)
    assert_raises(f"{kind}()[0]", IndexError, lambda: LISTS[kind]([])[0])


@per_list("slicing")
def test_a_slice_is_a_container_of_the_same_layers(subject, kind):
    known = layers(5)
    container = LISTS[kind](known)
    for part in SLICES:
        found = container[part]
        require(type(found).__name__ == kind, f"{kind}[{part}] is a {type(found).__name__}", kind, type(found).__name__)
        assert_same(f"{kind}[{part}]", numbers(found, known), numbers(known[part], known))
    if kind == "ModuleList":
        assert_entries("ModuleList[1:3]", container[1:3], known[1:3], known)
    part = container[1:4]
    part[0] = nn.ReLU()
    assert_entries(f"{kind} after a change of its slice", container, known, known)


@per_list("editing")
def test_append_insert_extend_and_setting_work_as_in_a_list(subject, kind):
    known = layers(9)
    container, due = LISTS[kind](known[:3]), known[:3]
    for call, change in {
        "append": lambda x: x.append(known[3]),
        "insert(0)": lambda x: x.insert(0, known[4]),
        "insert(2)": lambda x: x.insert(2, known[5]),
        "insert(len)": lambda x: x.insert(len(x), known[6]),
        "extend": lambda x: x.extend([known[7], known[0]]),
        "[1] =": lambda x: operator.setitem(x, 1, known[8]),
        "[-1] =": lambda x: operator.setitem(x, -1, known[2]),
    }.items():
        out = change(container)
        require(call.startswith(("insert", "[")) or out is container, f"{kind}.{call} returns another object")
        change(due)
        assert_entries(f"{kind}.{call}", container, due, known)
    for place in (len(due), -len(due) - 1):
        assert_raises(f"{kind}[{place}] =", IndexError, lambda: operator.setitem(container, place, known[0]))
    assert_raises(f"{kind}.append(a number)", TypeError, lambda: container.append(3))
    assert_raises(f"{kind}[0] = a number", TypeError, lambda: operator.setitem(container, 0, 3))
    assert_entries(f"{kind} after refusals", container, due, known)


@per_list("deleting")
def test_deleting_renumbers_the_rest(subject, kind):
    known = layers(6)
    for place in (*range(-6, 6), *SLICES):
        container, due = LISTS[kind](known), list(known)
        operator.delitem(container, place)
        operator.delitem(due, place)
        assert_entries(f"{kind} after del [{place}]", container, due, known)
    container, due = LISTS[kind](known), list(known)
    for place in (0, -1, 2, 1):
        require(container.pop(place) is due.pop(place), f"{kind}.pop({place}) gives another object")
        assert_entries(f"{kind} after pop({place})", container, due, known)
    container.append(known[0])
    assert_entries(f"{kind}.append after deletions", container, [*due, known[0]], known)
    for place in (3, -4):
        assert_raises(f"del {kind}[{place}] of 3", IndexError, lambda: operator.delitem(container, place))


@per_list("adding")
def test_adding_makes_a_new_container_of_the_same_layers(subject, kind):
    known = layers(5)
    a, b = LISTS[kind](known[:3]), LISTS[kind](known[3:])
    total = a + b
    require(type(total).__name__ == kind and total is not a, f"a + b is no new {kind}")
    assert_entries("a + b", total, known, known)
    assert_entries("a after a + b", a, known[:3], known)
    assert_entries("b after a + b", b, known[3:], known)
    kept = a
    a += b
    require(a is kept, "a += b makes a new object")
    assert_entries("a after a += b", a, known, known)
    assert_same("layer in container", (known[4] in a, nn.ReLU() in a), (True, False))


@check("module.sequential-multiplying")
def test_multiplying_a_sequential_repeats_the_same_layers(subject):
    known = layers(2)
    for count in (1, 3):
        for found in (nn.Sequential(*known) * count, count * nn.Sequential(*known)):
            assert_same(f"Sequential * {count}", numbers(found, known), [0, 1] * count)
            require(all(entry is known[n % 2] for n, entry in enumerate(found)), "the layers are copies")
    for bad, kind in ((0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError)):
        assert_raises(f"Sequential * {bad!r}", kind, lambda: nn.Sequential(*known) * bad)


def affine(subject: Subject, factor: float, plus: float) -> nn.Module:
    layer = nn.Linear(1, 1).to(subject.device)
    layer.weight.data.fill_(factor)
    layer.bias.data.fill_(plus)
    return layer


@check("module.sequential-runs-in-order")
def test_a_sequential_feeds_each_layer_with_the_one_before(subject):
    x = host.tensor(np.array([[3.0]]), "float32", subject.device)
    double, plus, square = affine(subject, 2, 0), affine(subject, 1, 5), affine(subject, -3, 1)
    for net, due in (
        (nn.Sequential(double, plus, square), -3 * (3 * 2 + 5) + 1),
        (nn.Sequential(plus, double, square), -3 * (8 * 2) + 1),
        (nn.Sequential(double, double, double), 24),
        (nn.Sequential(nn.Sequential(plus, plus), double), 26),
        (nn.Sequential(OrderedDict([("z", plus), ("a", double)])), 16),
    ):
        for _ in range(2):
            assert_values(f"{[name for name, _ in net.named_modules()]}", net(x), np.array([[float(due)]]))
    require(nn.Sequential()(x) is x, "an empty Sequential does not return its input")
    net = nn.Sequential(double)
    net.add_module("1", plus)
    assert_values("after add_module", net(x), np.array([[11.0]]))
    net.insert(0, plus)
    assert_values("after insert", net(x), np.array([[21.0]]))
    del net[0]
    net[0] = square
    assert_values("after deleting and setting", net(x), np.array([[-3.0]]))
    assert_raises("a Sequential of a number", TypeError, lambda: nn.Sequential(3))
    assert_raises("a Sequential with two arguments", TypeError, lambda: net(x, x))


@check("module.sequential-ordereddict")
def test_a_sequential_of_an_ordered_dict_has_itsfirst_names(subject):
    entries = [("conv3", nn.Conv2d(1, 2, 3)), ("act", nn.ReLU()), ("a", nn.Conv2d(2, 1, 1))]
    net = nn.Sequential(OrderedDict(entries)).to(subject.device)
    assert_same("names", [name for name, _ in net.named_children()], ["conv3", "act", "a"])
    require(net.conv3 is entries[0][1] and net[0] is entries[0][1] and net[-1] is net.a, "a layer is another object")
    assert_same("names of a slice", [name for name, _ in net[1:].named_children()], ["act", "a"])
    x = host.tensor(np.arange(25.0).reshape(1, 1, 5, 5), "float32", subject.device)
    step = net.a(torch.relu(net.conv3(x)))
    assert_values("net(x)", net(x).detach(), host.array(step.detach()))
    assert_same("state_dict", list(net.state_dict()), ["conv3.weight", "conv3.bias", "a.weight", "a.bias"])


@check("module.sequential-edits-named")
def test_a_sequential_with_names_of_its_own_can_be_edited(subject):
    a, b, c = layers(3)
    net = nn.Sequential(OrderedDict([("first", a), ("second", b)]))
    net.append(c)
    assert_same("append: entries", numbers(net, [a, b, c]), [0, 1, 2])
    net[0] = c
    assert_same("[0] = : entries", numbers(net, [a, b, c]), [2, 1, 2])
    assert_same("[0] = : names", list(dict(net.named_parameters()))[:2], ["first.weight", "first.bias"])
    del net[1]
    assert_same("del [1]: entries", numbers(net, [a, b, c]), [2, 2])


@check("module.sequential-insert-named")
def test_insert_works_whatever_the_layers_are_called(subject):
    a, b, c = layers(3)
    net = nn.Sequential(OrderedDict([("first", a), ("second", b)]))
    net.insert(1, c)
    assert_same("insert(1): entries", numbers(net, [a, b, c]), [0, 2, 1])


@check("module.sequential-append-after-number")
def test_append_replaces_no_layer_that_is_called_by_a_number(subject):
    a, b, c = layers(3)
    net = nn.Sequential(OrderedDict([("0", a), ("2", b)]))
    net.append(c)
    assert_same("append: entries", numbers(net, [a, b, c]), [0, 1, 2])


@check("module.add-module")
def test_add_module_appends_under_any_name(subject):
    known = layers(4)
    net = nn.Sequential()
    for name, layer in zip(("7", "0", "last"), known, strict=False):
        require(net.add_module(name, layer) is None, "add_module returns something")
    assert_same("names", [name for name, _ in net.named_children()], ["7", "0", "last"])
    assert_same("by place", numbers([net[0], net[1], net[2], net[-1]], known), [0, 1, 2, 2])
    assert_same("parameter names", [name for name, _ in net.named_parameters()][:3], ["7.weight", "7.bias", "0.weight"])
    outer = nn.Module()
    outer.slice2 = net
    require(
        dict(outer.named_parameters())["slice2.7.weight"] is known[0].weight, "slice2.7.weight is another parameter"
    )
    net.add_module("0", known[3])
    assert_same("after replacing '0'", numbers(net, known), [0, 3, 2])
    for bad in (7, None, 1.5, b"x"):
        assert_raises(f"add_module({bad!r}, …)", TypeError, lambda: net.add_module(bad, known[0]))
    assert_same("after refusals", numbers(net, known), [0, 3, 2])


@check("module.modulelist-registers")
def test_a_module_list_registers_and_is_not_called(subject):
    known = layers(3)
    net = nn.ModuleList(layer for layer in known)
    net.append(nn.ModuleList([nn.ReLU(), nn.Linear(1, 1)]))
    due = [f"{n}.{kind}" for n in ("0", "1", "2", "3.1") for kind in ("weight", "bias")]
    assert_same("parameter names", [name for name, _ in net.named_parameters()], due)
    assert_raises("calling a ModuleList", NotImplementedError, lambda: net(torch.ones(1)))
    net.eval()
    assert_same("modes", {m.training for m in net.modules()}, {False})
    assert_same("names of an empty one", list(nn.ModuleList().named_parameters()), [])

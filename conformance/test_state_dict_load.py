"""load_state_dict, by example: what is copied, what is kept, what is reported and what is refused."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.numerics import ROUNDED
from conformance.oracle import state_dict as oracle
from conformance.oracle.module_corpus import CORPUS
from conformance.tables.module_tree import assert_listings, assert_same, build
from conformance.tables.state_dict_samples import (
    KEYS,
    assert_loaded,
    assert_report,
    fresh_values,
    given,
    optimizer_step,
    sample,
)
from properties.strategies.recipe import DENSE, LAYOUTS, layouts
from properties.strategies.values import distinct, interesting, rounded

pytestmark = must_answer


# -- what is loaded ----------------------------------------------------------------------------------------------------


@check("state_dict.load-copies")
def test_every_tensor_gets_its_value_and_stays_the_same_object(subject):
    for name, program in CORPUS.items():
        built, forest = build(subject, program)
        for turn in (1, 2):
            values = fresh_values(forest, 1000 * turn)
            state = given(subject, forest, values)
            places = [tensor.data_ptr() for tensor in built.tensors]
            before = Unchanged(**{f"entry {n}": entry for n, entry in enumerate(state.values())})
            call = f"tree {name!r}, load {turn}"
            assert_report(call, built.root.load_state_dict(state), [], [])
            assert_loaded(call, built, forest, oracle.load(forest.root, values))
            assert_listings(built, forest)
            assert_same(f"{call}: addresses", [tensor.data_ptr() for tensor in built.tensors], places)
            before.check(call)
            assert_same(f"{call}: keys of the dict", list(state), list(values))


@check("state_dict.load-does-not-alias")
def test_later_changes_of_the_dict_or_the_network_do_not_show(subject):
    net, other = sample(subject), sample(subject)
    state = other.state_dict()
    net.load_state_dict(state)
    for key in KEYS:
        assert_apart(f"{key} after loading", net.state_dict()[key], state[key])
    kept = {key: host.array(entry) for key, entry in net.state_dict().items()}
    for entry in state.values():
        entry.zero_()
    for key, entry in net.state_dict().items():
        assert_values(f"{key} after the dict was zeroed", entry, kept[key])
    with torch.no_grad():
        net[0].weight.fill_(3.0)
    assert_values("the entry after a write to the network", state["0.weight"], np.zeros((3, 2)))


@check("state_dict.load-keeps-the-rest")
def test_loading_leaves_flags_gradients_modes_and_hooks_alone(subject):
    net, calls = sample(subject), []
    net.register_forward_hook(lambda *args: calls.append(1))
    optimizer_step(net)
    net[0].bias.requires_grad_(False)
    net[1].eval()
    grads = [p.grad for p in net.parameters()]
    before = [host.array(grad) for grad in grads]
    state = {key: entry.clone() for key, entry in sample(subject).state_dict().items()}
    state["0.bias"].requires_grad_()
    state["0.weight"].requires_grad_(False)
    net.load_state_dict(state)
    assert_same("requires_grad", [p.requires_grad for p in net.parameters()], [True, False, True, True, True])
    require(all(p.grad is grad for p, grad in zip(net.parameters(), grads, strict=True)), "loading replaces gradients")
    for grad, values in zip(grads, before, strict=True):
        assert_values("a gradient after loading", grad, values)
    assert_same("modes", [m.training for m in net.modules()], [True, True, False, False, False, False])
    require(all(p.is_leaf and type(p) is nn.Parameter for p in net.parameters()), "a parameter is no leaf any more")
    calls.clear()
    net(torch.ones(2, 2, device=subject.device))
    assert_same("forward hooks run", calls, [1])


@check("state_dict.load-from-anything-like-a-dict")
def test_plain_dicts_any_order_and_states_themselves_can_be_loaded(subject):
    net, other = sample(subject), sample(subject)
    state = other.state_dict()
    forms: dict[str, Callable[[], Any]] = {
        "a state": lambda: state,
        "a plain dict": lambda: dict(state),
        "in reverse order": lambda: OrderedDict(reversed(state.items())),
        "with Parameters": lambda: other.state_dict(keep_vars=True),
        "its own state": lambda: net.state_dict(),
    }
    for call, form in forms.items():
        optimizer_step(other)
        due = {key: host.array(entry) for key, entry in form().items()}
        assert_report(call, net.load_state_dict(form()), [], [])
        for key, entry in net.state_dict().items():
            assert_values(f"{key} from {call}", entry, due[key])
    for bad in (list(state.items()), None, 3):
        assert_raises(f"load_state_dict of a {type(bad).__name__}", TypeError, lambda: net.load_state_dict(bad))


@check("state_dict.load-bits")
def test_every_bit_is_copied(subject):
    for dtype in (*COMMON, "complex32"):
        if not subject.supports(dtype):
            continue
        for values in (interesting(dtype), distinct(dtype, (17, 33)), np.resize(interesting(dtype), (3, 65))):
            net = nn.Module()
            net.register_buffer("b", host.tensor(np.zeros_like(values), dtype, subject.device))
            state = {"b": host.tensor(values, dtype, subject.device)}
            net.load_state_dict(state)
            found, due = host.bits(net.b).tobytes(), host.bits(state["b"]).tobytes()
            require(found == due, f"loading {dtype} changes bits", values, host.array(net.b))


@check("state_dict.load-dtypes")
def test_values_are_converted_to_the_dtype_of_the_module(subject):
    values = np.array([0.1, -1.0 / 3.0, 65519.0, 1.00390625, 2.0])
    for source in ("float64", "float32", "float16", "bfloat16"):
        for target in ("float64", "float32", "float16", "bfloat16"):
            net = nn.Module()
            net.w = weight = nn.Parameter(host.tensor(np.zeros(5), target, subject.device))
            net.register_buffer("b", host.tensor(np.zeros(5), target, subject.device))
            state = {key: host.tensor(values, source, subject.device) for key in ("w", "b")}
            net.load_state_dict(state)
            require(net.w is weight, "loading another dtype replaces the Parameter")
            for key in ("w", "b"):
                due = rounded(rounded(values, source), target)
                assert_values(f"{key} from {source}", getattr(net, key).detach(), due, ROUNDED, dtype=target)
    net = nn.Module()
    net.register_buffer("n", host.tensor(np.array([1, 2]), "int64", subject.device))
    net.load_state_dict({"n": host.tensor(np.array([5.0, -7.0]), "float32", subject.device)})
    assert_values("an integer buffer from floats", net.n, np.array([5, -7]), dtype="int64")


@check("state_dict.load-layouts")
def test_layouts_on_both_sides_do_not_matter(subject):
    shape = (2, 3, 4, 5)
    for target in layouts(np.zeros(shape), "float32", DENSE):
        for source in layouts(distinct("float32", shape), "float32", LAYOUTS):
            net = nn.Module()
            net.w = nn.Parameter(target.on(subject))
            strides = net.w.stride()
            net.load_state_dict({"w": source.on(subject)})
            assert_values(f"w, strides {strides}, from strides {source.strides}", net.w.detach(), source.array)
            assert_same("strides after loading", net.w.stride(), strides)
    for shape in ((), (0,), (17,), (40000,)):
        net = nn.Module()
        net.w = nn.Parameter(host.tensor(np.zeros(shape), "float32", subject.device))
        values = distinct("float32", shape)
        net.load_state_dict({"w": host.tensor(values, "float32", subject.device)})
        assert_values(f"w of shape {shape}", net.w.detach(), values)


# -- again and again ---------------------------------------------------------------------------------------------------


@check("state_dict.load-again")
def test_a_network_can_be_loaded_after_a_load_and_after_a_failure(subject):
    net = sample(subject)
    states = [{key: entry.clone() for key, entry in sample(subject).state_dict().items()} for _ in range(3)]
    bad = {**states[1], "0.weight": torch.zeros(9, device=subject.device), "extra": torch.ones(1)}
    for turn, state in enumerate((states[0], states[1], states[0], bad, states[2], states[2])):
        before = host.array(net[0].weight.detach())
        if state is bad:
            assert_raises("a bad state", RuntimeError, lambda: net.load_state_dict(state))
        else:
            assert_report(f"load {turn}", net.load_state_dict(state), [], [])
        for key, entry in net.state_dict().items():
            due = before if state is bad and key == "0.weight" else host.array(state[key])
            assert_values(f"{key} after load {turn}", entry, due)


@check("state_dict.load-into-a-part")
def test_a_part_is_loaded_by_its_own_names(subject):
    net, other = sample(subject), sample(subject)
    before = {key: host.array(entry) for key, entry in net.state_dict().items()}
    inner = other[1].state_dict()
    assert_report("the part", net[1].load_state_dict(inner), [], [])
    for key, entry in net.state_dict().items():
        due = host.array(inner[key[2:]]) if key.startswith("1.") else before[key]
        assert_values(key, entry, due)
    assert_raises("the part from keys of the whole", RuntimeError, lambda: net[1].load_state_dict(other.state_dict()))


@check("state_dict.load-shared")
def test_a_shared_module_takes_the_last_of_its_entries(subject):
    shared = nn.Linear(1, 1, bias=False).to(subject.device)
    net = nn.ModuleDict({"a": shared, "b": nn.Sequential(shared), "c": nn.Linear(1, 1, bias=False)}).to(subject.device)
    net["c"].weight = shared.weight
    for order in (("a.weight", "b.0.weight", "c.weight"), ("c.weight", "b.0.weight", "a.weight")):
        values = {"a.weight": 1.0, "b.0.weight": 2.0, "c.weight": 3.0}
        net.load_state_dict({key: torch.full((1, 1), values[key], device=subject.device) for key in order})
        assert_values("the shared weight", shared.weight.detach(), np.array([[3.0]]))
    part = {"a.weight": torch.full((1, 1), 7.0, device=subject.device)}
    assert_report("only a", net.load_state_dict(part, strict=False), ["b.0.weight", "c.weight"], [])
    assert_values("the shared weight", net["c"].weight.detach(), np.array([[7.0]]))
    require(net["a"] is net["b"][0] and net["c"].weight is shared.weight, "loading unties what is shared")


# -- assign ------------------------------------------------------------------------------------------------------------


@check("state_dict.assign", since="2.1")
def test_assign_takes_the_tensors_themselves(subject):
    net = sample(subject)
    old = dict(net.named_parameters())
    state = OrderedDict((key, entry.clone()) for key, entry in sample(subject).double().state_dict().items())
    state["1.2.weight"] = nn.Parameter(state["1.2.weight"])
    assert_report("assign=True", net.load_state_dict(state, assign=True), [], [])
    live = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    for key, entry in state.items():
        assert_values(key, live[key].detach(), host.array(entry.detach()), dtype=host.dtype_name(entry.dtype))
        require(live[key].data_ptr() == entry.data_ptr(), f"{key} does not share the memory of its entry")
    require(all(live[key] is not parameter for key, parameter in old.items()), "a Parameter was kept")
    require(all(type(live[key]) is nn.Parameter for key in old), "an assigned entry is no Parameter")
    require(
        list(net.state_dict()) == KEYS and list(live) == [*old, *(n for n, _ in net.named_buffers())], "other names"
    )
    state["0.weight"][0, 0] = 9.0
    require(float(net[0].weight[0, 0]) == 9.0, "the network does not see a write to the entry")


@check("state_dict.assign", since="2.3")
def test_assign_keeps_what_requires_gradients(subject):
    net = sample(subject)
    net[0].bias.requires_grad_(False)
    state = {key: entry.clone() for key, entry in sample(subject).state_dict().items()}
    state["1.2.weight"] = nn.Parameter(state["1.2.weight"])
    net.load_state_dict(state, assign=True)
    assert_same("requires_grad", [p.requires_grad for p in net.parameters()], [True, False, True, True, True])


@check("state_dict.assign", since="2.1")
def test_assign_reports_and_refuses_as_copying_does(subject):
    net, state = sample(subject), sample(subject).state_dict()
    state["extra"] = state.pop("0.weight")
    assert_report("strict=False", net.load_state_dict(state, strict=False, assign=True), ["0.weight"], ["extra"])
    assert_raises("strict", RuntimeError, lambda: net.load_state_dict(state, assign=True))
    wide = {**sample(subject).state_dict(), "0.weight": torch.zeros(4, 4)}
    assert_raises("another size", RuntimeError, lambda: net.load_state_dict(wide, strict=False, assign=True))
    assert_same("shape after a refusal", tuple(net[0].weight.shape), (3, 2))
    meta = sample(subject).to("meta")
    due = {key: host.array(entry) for key, entry in net.state_dict().items()}
    meta.load_state_dict(net.state_dict(), assign=True)
    for key, entry in meta.state_dict().items():
        assert_values(f"{key} in a network from 'meta'", entry, due[key])

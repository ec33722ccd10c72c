"""state_dict, by example: which entries it has, in which order, and that they are the live tensors."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import module as model
from conformance.oracle.module_corpus import CORPUS
from conformance.tables.module_tree import assert_same, branch, build, leaves
from conformance.tables.state_dict_samples import KEYS, sample
from properties.strategies.recipe import LAYOUTS, layouts
from properties.strategies.values import distinct

pytestmark = must_answer


# -- entries -----------------------------------------------------------------------------------------------------------


@check("state_dict.keys-and-order")
def test_parameters_then_buffers_then_each_child(subject):
    for name, program in CORPUS.items():
        built, forest = build(subject, program)
        for module, node in zip(built.modules, forest.nodes, strict=True):
            for _ in range(2):
                due = leaves(model.state(node))
                assert_same(f"tree {name!r}: keys", list(module.state_dict()), [key for key, _ in due])
                assert_same(f"tree {name!r}: entries", built.leaves(module.state_dict(keep_vars=True).items()), due)
            for (key, tensor), (_, leaf) in zip(module.state_dict().items(), model.state(node), strict=True):
                assert_values(f"tree {name!r}: {key}", tensor, leaf.values, dtype=leaf.dtype)


@check("state_dict.prefix")
def test_a_prefix_is_put_before_every_key_as_it_is(subject):
    for name, program in CORPUS.items():
        built, forest = build(subject, program)
        for prefix in ("net.", "a.b.", "net"):
            found = built.leaves(built.root.state_dict(prefix=prefix, keep_vars=True).items())
            due = [(prefix + key, leaf.number) for key, leaf in model.state(forest.root)]
            assert_same(f"tree {name!r}: state_dict(prefix={prefix!r})", found, due)


@check("state_dict.destination")
def test_a_destination_is_filled_and_returned(subject):
    net = sample(subject)
    for destination in ({}, OrderedDict(), OrderedDict(old=1)):
        before = list(destination)
        out = net.state_dict(destination=destination, prefix="net.")
        require(out is destination, "state_dict(destination=…) returns another object")
        assert_same("keys of the destination", list(destination), before + [f"net.{key}" for key in KEYS])
    for destination in ({}, OrderedDict(), OrderedDict(old=1)):
        due = [*destination, *KEYS]
        require(net.state_dict(destination=destination) is destination, "state_dict(destination=…) alone, returned")
        assert_same("keys of a destination alone", list(destination), due)
    both = sample(subject).state_dict(destination=net.state_dict(), prefix="second.")
    assert_same("keys of two networks in one", list(both), KEYS + [f"second.{key}" for key in KEYS])


@check("state_dict.ordered-dict")
def test_it_is_a_fresh_ordered_dict_each_time(subject):
    net = sample(subject)
    first, second = net.state_dict(), net.state_dict()
    require(isinstance(first, OrderedDict) and first is not second, "no fresh OrderedDict")
    del first["0.weight"]
    first["new"] = torch.ones(1)
    assert_same("keys after another state was changed", [list(second), list(net.state_dict())], [KEYS, KEYS])


@check("state_dict.metadata")
def test_the_version_of_every_module_is_kept_beside_the_entries(subject):
    for name, program in CORPUS.items():
        built, forest = build(subject, program)
        for prefix in ("", "net."):
            metadata = built.root.state_dict(prefix=prefix)._metadata  # the only place where versions are
            due = list(model.state_modules(forest.root, prefix.removesuffix(".")))
            assert_same(f"tree {name!r}: modules in the metadata", list(metadata), due)
    metadata = sample(subject).state_dict()._metadata  # likewise
    assert_same("versions", [metadata[key]["version"] for key in ("", "0", "1", "1.0")], [1, 1, 1, 2])


@check("state_dict.left-out")
def test_transient_buffers_none_entries_and_plain_tensors_are_left_out(subject):
    net = branch()
    net.w, net.plain = nn.Parameter(torch.ones(2)), torch.ones(2)
    net.register_parameter("none", None)
    net.register_buffer("b", torch.ones(2))
    net.register_buffer("nothing", None)
    net.register_buffer("hidden", torch.ones(2), persistent=False)
    net.frozen = nn.Parameter(torch.ones(2), requires_grad=False)
    assert_same("keys", list(net.state_dict()), ["w", "frozen", "b"])
    net.register_buffer("hidden", torch.ones(2))
    net.register_buffer("b", torch.ones(2), persistent=False)
    net.nothing = torch.ones(1)
    net.w = None
    assert_same("keys after changes", list(net.state_dict()), ["frozen", "nothing", "hidden"])
    net.hidden = torch.zeros(3)
    net.b = torch.zeros(3)
    assert_same("keys after assignments", list(net.state_dict()), ["frozen", "nothing", "hidden"])


@check("state_dict.left-out")
def test_a_transient_buffer_stays_so_whatever_it_holds(subject):
    net = branch()
    net.register_buffer("later", None, persistent=False)
    net.register_buffer("kept", None)
    assert_same("keys of buffers that are None", list(net.state_dict()), [])
    for value in (torch.ones(2), torch.zeros(3)):
        net.later, net.kept = value, value
        assert_same("keys once they hold a tensor", list(net.state_dict()), ["kept"])
    net.later = None
    net.kept = None
    assert_same("keys once they are None again", list(net.state_dict()), [])


# -- what the entries are ----------------------------------------------------------------------------------------------


@check("state_dict.get-parameters")
def test_entries_are_the_live_tensors_detached(subject):
    net = sample(subject)
    state = net.state_dict()
    live = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    for key, entry in state.items():
        own = live[key]
        require(type(entry) is torch.Tensor, f"{key} is a {type(entry).__name__}", "Tensor", type(entry).__name__)
        require(not entry.requires_grad and entry.grad_fn is None, f"{key} has a history or requires a gradient")
        same = (entry.data_ptr(), tuple(entry.shape), tuple(entry.stride()), entry.dtype)
        assert_same(f"memory of {key}", same, (own.data_ptr(), tuple(own.shape), tuple(own.stride()), own.dtype))
    with torch.no_grad():
        net[0].weight.fill_(7.0)
        state["1.2.weight"].fill_(5.0)
    net[1][0].num_batches_tracked += 3
    assert_values("an entry after a write to the parameter", state["0.weight"], np.full((3, 2), 7.0))
    assert_values("the parameter after a write to its entry", net[1][2].weight.detach(), np.full((1, 3), 5.0))
    assert_values("an integer entry", state["1.0.num_batches_tracked"], np.array(3), dtype="int64")
    require(all(p.requires_grad for p in net.parameters()), "taking the state froze a parameter")


@check("state_dict.get-parameters")
def test_entries_keep_every_layout_dtype_and_size(subject):
    for dtype in ("float32", "float64", "float16", "complex64", "int64", "bool"):
        for shape in ((2, 3), (), (0,), (17,), (2, 3, 4, 5), (40, 30)):
            for recipe in layouts(distinct(dtype, shape), dtype, LAYOUTS):
                net, data = nn.Module(), recipe.on(subject)
                net.w = nn.Parameter(data, requires_grad=data.is_floating_point())
                net.register_buffer("b", data)
                before = Unchanged(data=data)
                for key, entry in net.state_dict().items():
                    assert_values(f"{key} of {recipe!r:.60}", entry, recipe.array, dtype=dtype)
                    assert_same(
                        "address and strides", (entry.data_ptr(), entry.stride()), (data.data_ptr(), data.stride())
                    )
                before.check("state_dict()")


@check("state_dict.get-parameters")
def test_the_entry_of_a_buffer_with_a_history_has_none(subject):
    net, leaf = nn.Module(), torch.ones(3, device=subject.device, requires_grad=True)
    net.register_buffer("leaf", leaf)
    net.register_buffer("made", leaf * 2)
    for key, entry in net.state_dict().items():
        require(not entry.requires_grad and entry.grad_fn is None, f"{key} requires a gradient or has a history")
        require(entry.data_ptr() == getattr(net, key).data_ptr(), f"{key} lies elsewhere than the buffer")
    for key, entry in net.state_dict(keep_vars=True).items():
        require(entry is getattr(net, key), f"{key} with keep_vars=True is another object")


@check("state_dict.replaced-later")
def test_a_state_keeps_the_tensors_of_its_moment(subject):
    net = sample(subject)
    state, old = net.state_dict(), host.array(net[0].weight.detach())
    net[0].weight = nn.Parameter(torch.zeros(3, 2, device=subject.device))
    net[1].add_module("3", nn.Linear(1, 1))
    assert_values("an entry after the parameter was replaced", state["0.weight"], old)
    assert_same("keys", list(state), KEYS)
    assert_same("keys now", list(net.state_dict()), [*KEYS, "1.3.weight", "1.3.bias"])


@check("state_dict.keep-vars")
def test_keep_vars_gives_the_very_objects(subject):
    net = sample(subject)
    live = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    for key, entry in net.state_dict(keep_vars=True).items():
        require(entry is live[key], f"state_dict(keep_vars=True)[{key!r}] is another object than the module's")
    require(net.state_dict(keep_vars=False)["0.weight"] is not live["0.weight"], "keep_vars=False gives the parameter")


@check("state_dict.shared")
def test_shared_modules_and_tied_parameters_stand_under_each_name(subject):
    shared = nn.Linear(2, 2)
    net = nn.ModuleDict({"a": shared, "b": nn.Sequential(shared, nn.Linear(2, 2)), "c": shared})
    net["b"][1].weight = shared.weight
    state = net.state_dict()
    keys = ["a.weight", "a.bias", "b.0.weight", "b.0.bias", "b.1.weight", "b.1.bias", "c.weight", "c.bias"]
    assert_same("keys", list(state), keys)
    for key in ("a.weight", "b.0.weight", "b.1.weight", "c.weight"):
        require(state[key].data_ptr() == shared.weight.data_ptr(), f"{key} lies elsewhere than the shared weight")


@check("state_dict.mode-does-not-matter")
def test_the_state_is_the_same_in_every_mode(subject):
    net = sample(subject)
    for action in (net.eval, net.train, lambda: net.requires_grad_(False), net.requires_grad_):
        action()
        for mode in (torch.no_grad, torch.enable_grad):
            with mode():
                assert_same("keys", list(net.state_dict()), KEYS)
                require(
                    not any(entry.requires_grad for entry in net.state_dict().values()), "an entry requires a gradient"
                )
    net.half()
    dtypes = [host.dtype_name(entry.dtype) for entry in net.state_dict().values()]
    assert_same("dtypes after half()", dtypes, ["float16"] * 6 + ["int64", "float16"])


@check("state_dict.extra-state")
def test_extra_state_is_an_entry_of_its_own(subject):
    class Counting(nn.Module):
        def __init__(self, count=0):
            super().__init__()
            self.w, self.count = nn.Parameter(torch.ones(2)), count

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    net = nn.Sequential(Counting(3), Counting(5))
    state = net.state_dict()
    assert_same("keys", list(state), ["0.w", "0._extra_state", "1.w", "1._extra_state"])
    assert_same("extra state", state["1._extra_state"], {"count": 5})
    fresh = nn.Sequential(Counting(), Counting())
    result = fresh.load_state_dict(state)
    assert_same("what was reported", (list(result.missing_keys), list(result.unexpected_keys)), ([], []))
    assert_same("counts after loading", [part.count for part in fresh], [3, 5])
    del state["1._extra_state"]
    result = fresh.load_state_dict(state, strict=False)
    assert_same("missing", list(result.missing_keys), ["1._extra_state"])
    result = nn.Sequential(nn.Module(), nn.Module()).load_state_dict(net.state_dict(), strict=False)
    assert_same("unexpected", sorted(result.unexpected_keys), sorted(net.state_dict()))

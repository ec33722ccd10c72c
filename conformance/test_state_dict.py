"""state_dict, by example: which entries it has, in which order, and that they are the live tensors."""

from __future__ import annotations

import copy
import io
from collections import OrderedDict

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_values, require
from conformance.check import check, must_answer
from conformance.module_tree import assert_same, branch, build, leaves
from conformance.networks import LENET, lenet
from conformance.oracle import module as model
from conformance.oracle.module_corpus import CORPUS
from conformance.subject import Subject
from properties.strategies.recipe import LAYOUTS, layouts
from properties.strategies.values import distinct

pytestmark = must_answer


def sample(subject: Subject) -> nn.Module:
    """Linear and batch norm at two levels, with a buffer that the state leaves out."""
    net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1, bias=False)))
    net.register_buffer("hidden", torch.ones(2), persistent=False)
    return net.to(subject.device)


NORM = [f"1.0.{name}" for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]
KEYS = ["0.weight", "0.bias", *NORM, "1.2.weight"]


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
            metadata = built.root.state_dict(prefix=prefix)._metadata
            due = list(model.state_modules(forest.root, prefix.removesuffix(".")))
            assert_same(f"tree {name!r}: modules in the metadata", list(metadata), due)
    metadata = sample(subject).state_dict()._metadata
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
        for shape in ((2, 3), (), (0,), (17,), (2, 3, 4, 5)):
            for recipe in layouts(distinct(dtype, shape), dtype, LAYOUTS):
                net, data = nn.Module(), recipe.on(subject)
                net.w = nn.Parameter(data, requires_grad=data.is_floating_point())
                net.register_buffer("b", data)
                before = Unchanged(data=data)
                for key, entry in net.state_dict().items():
                    assert_values(f"{key} of {recipe!r:.60}", entry, recipe.array, dtype=dtype)
                    assert_same("address and strides", (entry.data_ptr(), entry.stride()), (data.data_ptr(), data.stride()))
                before.check("state_dict()")


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
                require(not any(entry.requires_grad for entry in net.state_dict().values()), "an entry requires a gradient")
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


# -- what notes say of it ----------------------------------------------------------------------------------------------


@check("state_dict.untrained-model-has-none")
def test_a_new_network_has_all_its_parameters(subject):
    net = lenet()
    state = net.state_dict()
    assert_same("keys of a new network", list(state), list(LENET))
    for key, parameter in net.named_parameters():
        require(float(parameter.abs().max()) > 0, f"{key} of a new network holds only zeros")
        assert_values(key, state[key], host.array(parameter.detach()))


@check("state_dict.deepcopy-needed")
def test_only_a_deep_copy_keeps_the_best_weights(subject):
    net = sample(subject)
    kept = {"deep": copy.deepcopy(net.state_dict()), "state": net.state_dict(), "copy": copy.copy(net.state_dict())}
    before = {key: host.array(entry) for key, entry in net.state_dict().items()}
    for key in KEYS:
        assert_apart(f"{key} of the deep copy", kept["deep"][key], net.state_dict()[key])
    optimizer_step(net)
    for key in ("0.weight", "1.2.weight", "1.0.running_mean", "1.0.num_batches_tracked"):
        after = host.array(net.state_dict()[key])
        require((after != before[key]).any(), f"the training step left {key} alone")
        assert_values(f"{key} of a deep copy", kept["deep"][key], before[key])
        assert_values(f"{key} of the state itself", kept["state"][key], after)
        assert_values(f"{key} of a shallow copy", kept["copy"][key], after)
    assert_same("keys of the deep copy", (list(kept["deep"]), type(kept["deep"]).__name__), (KEYS, "OrderedDict"))


def optimizer_step(net: nn.Module) -> None:
    """One step of gradient descent on a fixed batch."""
    x = torch.arange(8.0, device=next(net.parameters()).device).reshape(4, 2)
    net.zero_grad(set_to_none=True)
    (net(x) ** 2).sum().backward()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter -= 0.1 * (parameter.grad + 1)


@check("state_dict.items-iteration")
def test_items_come_in_order_of_definition(subject):
    state = sample(subject).state_dict()
    assert_same("items()", [key for key, _ in state.items()], KEYS)
    assert_same("keys() and iteration", (list(state.keys()), [*state]), (KEYS, KEYS))
    for (key, entry), value in zip(state.items(), state.values(), strict=True):
        require(entry is state[key] and value is entry, f"items() and [{key!r}] differ")


@check("state_dict.dict-update")
def test_update_adds_and_replaces(subject):
    first, second = nn.Linear(2, 2).state_dict(), nn.Linear(2, 2, bias=False).state_dict()
    second["extra"] = torch.ones(1)
    bias = first["bias"]
    first.update(second)
    assert_same("keys after update", list(first), ["weight", "bias", "extra"])
    require(first["weight"] is second["weight"] and first["bias"] is bias, "update keeps or replaces the wrong entries")


@check("state_dict.filter-by-key")
def test_filtering_keeps_entries_whose_name_both_have(subject):
    old = nn.ModuleDict({"body": nn.Linear(2, 3), "head": nn.Linear(3, 5)}).state_dict()
    new = nn.ModuleDict({"body": nn.Linear(2, 3), "head": nn.Linear(3, 2), "more": nn.Linear(2, 2)})
    own = new.state_dict()
    kept = {key: value for key, value in old.items() if key in own}
    assert_same("kept", list(kept), ["body.weight", "body.bias", "head.weight", "head.bias"])
    require(all(kept[key] is old[key] for key in kept), "filtering changes an entry")
    try:
        new.load_state_dict(kept, strict=False)
    except RuntimeError as error:
        require("head.weight" in str(error), f"the error does not name head.weight: {error}")
    else:
        require(False, "an entry of the same name but another shape is accepted", "RuntimeError", "no error")


@check("state_dict.save-parameters")
def test_saving_a_state_keeps_plain_tensors_by_name(subject):
    net = sample(subject)
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    before = {key: host.array(entry) for key, entry in net.state_dict().items()}
    optimizer_step(net)
    file.seek(0)
    state = torch.load(file, map_location=subject.device)
    require(isinstance(state, OrderedDict), f"a {type(state).__name__} was saved", "OrderedDict", type(state).__name__)
    assert_same("keys", list(state), KEYS)
    for key, entry in state.items():
        require(type(entry) is torch.Tensor and not entry.requires_grad, f"{key} is no plain tensor")
        assert_values(key, entry, before[key], dtype=host.dtype_name(net.state_dict()[key].dtype))
    require(b"Sequential" not in file.getvalue(), "the file names the class of the network")

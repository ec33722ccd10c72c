"""The state as a dict, by example: what training, filtering, copying and saving do with it."""

from __future__ import annotations

import copy
import io
from collections import OrderedDict

import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_apart, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.models_networks import LENET, lenet
from conformance.tables.module_tree import assert_same
from conformance.tables.state_dict_samples import KEYS, optimizer_step, sample

pytestmark = must_answer


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

"""Options of the methods for a whole module, by example: formats of memory, parts only, modes that do not matter."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.module_tree import assert_same
from conformance.tables.module_whole import rich, seen, tensors

pytestmark = must_answer


@check("module.apply")
def test_apply_reaches_every_module_in_either_mode(subject):
    net = rich(subject)
    due = [name for name, _ in net.named_modules(remove_duplicate=False) if name]
    orders = []
    for act in (net.train, net.eval, lambda: net.requires_grad_(False)):
        act()
        for enabled in (True, False):
            calls = []
            with torch.set_grad_enabled(enabled):
                out = net.apply(lambda module, calls=calls: calls.append((module, torch.is_grad_enabled())) or module)
            require(out is net, "apply returns another object")
            assert_same("gradients inside apply", {mode for _, mode in calls}, {enabled})
            orders.append([id(module) for module, _ in calls])
    assert_same("number of calls", len(orders[0]), len(due) + 1)
    require(all(order == orders[0] for order in orders), "apply calls other modules, or in another order, in a mode")


@check("module.to-memory-format")
def test_formats_of_memory_with_a_dtype_and_for_volumes(subject):
    for make, form, last in (
        (lambda: nn.Conv2d(3, 4, 2), torch.channels_last, (0, 2, 3, 1)),
        (lambda: nn.Conv3d(3, 4, 2), torch.channels_last_3d, (0, 2, 3, 4, 1)),
    ):
        for dtype in (None, torch.float64):
            net = nn.Sequential(make(), nn.BatchNorm1d(2)).to(subject.device)
            net.register_buffer("images", net[0].weight.detach().clone())
            due = {name: host.array(tensor.detach()) for name, tensor in tensors(net)}
            net.to(dtype=dtype, memory_format=form) if dtype else net.to(memory_format=form)
            for tensor in (net[0].weight, net.images):
                order = tuple(sorted(range(tensor.dim()), key=lambda dim, t=tensor: -t.stride(dim)))
                assert_same(f"order of strides after to(memory_format={form})", order, last)
            for name, tensor in tensors(net):
                kind = "float64" if dtype and tensor.is_floating_point() else host.dtype_name(tensor.dtype)
                wanted = "int64" if "num_batches" in name else "float64" if dtype else "float32"
                assert_same(f"dtype of {name}", kind, wanted)
                assert_values(name, tensor.detach(), due[name].astype(wanted), dtype=wanted)


@check("module.type-converts-all")
def test_a_type_may_be_a_string(subject):
    for dtype in ("float64", "float16", "int64"):
        word = host.tensor(np.zeros(1), dtype, subject.device).type()
        net = rich(subject).requires_grad_(False)
        require(net.type(word) is net, f"type({word!r}) returns another object")
        found = {host.dtype_name(tensor.dtype) for _, tensor in tensors(net)}
        assert_same(f"dtypes after type({word!r})", found, {dtype})


@check("module.to-empty", since="2.1")
def test_to_empty_can_stay_at_the_module_itself(subject):
    net = rich(subject)
    before = seen(net)["address"]
    net.to_empty(device=subject.device, recurse=False)
    after = seen(net)["address"]
    below = [name for name in after if "." in name]
    assert_same("addresses below", [after[name] for name in below], [before[name] for name in below])
    for name in ("transposed", "many", "count", "hidden"):
        require(after[name] != before[name], f"to_empty leaves {name} where it was")
    meta = rich(subject).to("meta")
    meta.to_empty(device=subject.device, recurse=False)
    assert_same("devices", [meta.turned.is_meta, meta.table["b"][0].turned.is_meta], [False, True])


@check("module.set-submodule", since="2.9")
def test_set_submodule_adds_unless_it_is_strict(subject):
    net, fresh = rich(subject), nn.ReLU()
    for name in ("new", "table.z.new", "table.new"):
        before = [known for known, _ in net.named_modules()]
        call = f"set_submodule({name!r}, …, strict=True)"
        assert_raises(call, AttributeError, lambda: net.set_submodule(name, fresh, strict=True))
        assert_same(f"names after {call}", [known for known, _ in net.named_modules()], before)
        net.set_submodule(name, fresh)
        require(net.get_submodule(name) is fresh, f"set_submodule({name!r}) did not add the module")
        other = nn.Tanh()
        net.set_submodule(name, other, strict=True)
        require(net.get_submodule(name) is other, f"{call} did not replace the module")
    for bad in (3, None, torch.ones(1), nn.ReLU):
        assert_raises(f"set_submodule of {bad!r:.20}", ValueError, lambda: net.set_submodule("table.z", bad))
    for name in ("missing.x", "large.x", "table.missing.x"):
        assert_raises(f"set_submodule({name!r})", AttributeError, lambda: net.set_submodule(name, fresh))

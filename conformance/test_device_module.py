"""Moving modules: in place, every part of them, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.tables.device_places import assert_at, assert_outline
from conformance.tables.device_samples import NAMES, entries, held, made

pytestmark = must_answer


# -- to ----------------------------------------------------------------------------------------------------------------


@check("device.module-to-is-in-place")
def test_to_moves_the_module_itself(subject):
    for there in ("meta", subject.device, "cpu", torch.device("meta")):
        net = made()
        parts, before = [id(part) for part in net.modules()], held(net)
        require(net.to(there) is net, f"net.to({there!r}) is another module", "net", "another")
        require([id(part) for part in net.modules()] == parts, f"net.to({there!r}) replaced a child")
        found = entries(net)
        require(
            [*NAMES[:2], *NAMES[2:4]] == list(found)[:4], f"net.to({there!r}) changed the names", NAMES, list(found)
        )
        for name, tensor in found.items():
            call = f"net.to({there!r}): {name}"
            dtype = "int64" if name.endswith("tracked") else "float32"
            assert_outline(call, assert_at(call, tensor, str(there)), dtype, before[name].shape)
            require(tensor.requires_grad == isinstance(tensor, nn.Parameter), f"{call} has other requires_grad")
            if not tensor.is_meta:
                assert_values(call, tensor.detach(), before[name])


@check("device.module-to-is-in-place")
def test_to_moves_without_being_assigned(subject):
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    inner = net[1][0]
    net.to("meta")
    for name, tensor in entries(net).items():
        assert_at(name, tensor, "meta")
    assert_at("a reference taken before", inner.weight, "meta")
    require(net[1][0] is inner, "a child is another one")
    part = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    part[0].to("meta")
    assert_at("the part moved", part[0].weight, "meta")
    assert_at("the rest", part[1].weight, "cpu")
    require(net.double() is net and net[1][1].running_mean.dtype is torch.float64, "double() is not in place")
    require(net[1][1].num_batches_tracked.dtype is torch.int64, "double() converts integers")
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    tied.to(subject.device, torch.float64)
    require(tied[1].weight is tied[0].weight, "to() parts tied parameters")


@check("device.module-to-is-in-place")
def test_gradients_and_the_result_move_along(subject):
    net = made()
    x = torch.arange(12.0).reshape(4, 3)
    net.eval()
    with torch.no_grad():
        due = host.array(net(x))
    net(x).sum().backward()
    gradients = {name: host.array(p.grad) for name, p in net.named_parameters()}
    net.to(subject.device)
    for name, p in net.named_parameters():
        assert_values(f"{name}.grad", assert_at(f"{name}.grad", p.grad, subject.device), gradients[name])
        require(p.is_leaf, f"{name} is no leaf after to()")
    out = assert_at("net(x)", net(x.to(subject.device)), subject.device)
    assert_values("net(x)", out.detach(), due, INNER.over(64), scale=np.abs(due).max())
    net.to("meta")
    for name, p in net.named_parameters():
        assert_outline(
            f"{name}.grad on meta", assert_at(f"{name}.grad", p.grad, "meta"), "float32", gradients[name].shape
        )


FORMS: dict[str, tuple[Callable[[nn.Module, str], nn.Module], str]] = {
    "to(device)": (lambda net, d: net.to(d), "float32"),
    "to(device=device)": (lambda net, d: net.to(device=d), "float32"),
    "to(torch.device(device))": (lambda net, d: net.to(torch.device(d)), "float32"),
    "to(device, dtype)": (lambda net, d: net.to(d, torch.float64), "float64"),
    "to(device=, dtype=)": (lambda net, d: net.to(device=d, dtype=torch.float64), "float64"),
    "to(device, non_blocking=True)": (lambda net, d: net.to(d, non_blocking=True), "float32"),
    "to(tensor)": (lambda net, d: net.to(torch.ones(1, dtype=torch.float64, device=d)), "float64"),
    "to(tensor=tensor)": (lambda net, d: net.to(tensor=torch.ones(1, device=d)), "float32"),
    "to(dtype) on the way": (lambda net, d: net.to(torch.float64).to(d), "float64"),
    "double() after": (lambda net, d: net.to(d).double(), "float64"),
}


@check("device.module-to-forms")
def test_to_of_a_module_can_be_written_in_many_ways(subject):
    for device in (subject.device, "meta"):
        for call, (action, dtype) in FORMS.items():
            net = made()
            before = held(net)
            require(action(net, device) is net, f"net.{call} is another module")
            for name, tensor in entries(net).items():
                text = f"net.{call} to {device}: {name}"
                due = "int64" if name.endswith("tracked") else dtype
                assert_outline(text, assert_at(text, tensor, device), due, before[name].shape)
                if not tensor.is_meta:
                    assert_values(text, tensor.detach(), before[name].astype(due))


@check("device.module-to-forms")
def test_to_nothing_changes_nothing(subject):
    net = made().to(subject.device)
    ids, before = {name: id(tensor) for name, tensor in entries(net).items()}, held(net)
    for call, action in {
        "to()": lambda: net.to(),
        "to(None)": lambda: net.to(None),
        "to(device)": lambda: net.to(subject.device),
        "to(dtype)": lambda: net.to(torch.float32),
        "float()": lambda: net.float(),
    }.items():
        require(action() is net, f"net.{call} is another module")
        found = {name: id(tensor) for name, tensor in entries(net).items()}
        require(found == ids, f"net.{call} replaced a parameter or buffer")
        for name, tensor in entries(net).items():
            assert_values(f"net.{call}: {name}", tensor.detach(), before[name])
    for call, action in {
        "to('gpu')": lambda: net.to("gpu"),
        "to(torch.int64)": lambda: net.to(torch.int64),
        "to('cpu', copy=True)": lambda: net.to("cpu", copy=True),
        "to('cpu', torch.int32)": lambda: net.to("cpu", torch.int32),
    }.items():
        assert_raises(f"net.{call}", (TypeError, RuntimeError), action)
        require({name: id(tensor) for name, tensor in entries(net).items()} == ids, f"net.{call} changed the module")


@check("device.module-plain-tensors-stay")
def test_a_plain_tensor_attribute_stays(subject):
    for device, dtype in ((subject.device, torch.float64), ("meta", torch.float32), ("meta", torch.float16)):
        net = made()
        plain, inner = net.deep[1].plain, torch.ones(3)
        net.several = [inner, nn.Parameter(torch.ones(2))]
        net.to(device, dtype)
        require(net.deep[1].plain is plain, f"net.to({device!r}, {dtype}) replaced a plain tensor")
        assert_values("the plain tensor", assert_at("the plain tensor", plain, "cpu"), np.ones(2), dtype="float32")
        for place, tensor in enumerate(net.several):
            assert_at(f"entry {place} of a list", tensor, "cpu")
            require(tensor.dtype is torch.float32, "a tensor in a list was converted")
        assert_at("the parameter beside it", net.deep[1].scale, device)
        assert_at("the buffer outside the state", net.deep[1].hidden, device)
        require(net.deep[1].nothing is None, "a buffer that is None became something")


# -- identity ----------------------------------------------------------------------------------------------------------


# -- meta --------------------------------------------------------------------------------------------------------------


# -- DataParallel ------------------------------------------------------------------------------------------------------

"""What meta has not, and what it keeps all the same: no data and no memory, but copies and in-place functions."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.tables.device_places import assert_at, assert_outline, version

pytestmark = must_answer


@check("device.meta-has-no-data")
def test_what_needs_values_is_refused(subject):
    for dtype in (torch.float32, torch.int64, torch.bool):
        one, x = torch.ones(1, dtype=dtype, device="meta"), torch.ones(2, 3, dtype=dtype, device="meta")
        for call, action in {
            "item()": lambda: one.item(),
            "0-d item()": lambda: one[0].item(),
            "tolist()": lambda: x.tolist(),
            "bool(x)": lambda: bool(one),
            "int(x)": lambda: int(one),
            "float(x)": lambda: float(one),
            "x.cpu()": lambda: x.cpu(),
            "x.to(device)": lambda: x.to(subject.device),
            "torch.equal(x, x)": lambda: torch.equal(x, x.clone()),
            "torch.allclose(x, x)": lambda: torch.allclose(x.double(), x.double()),
            "x.nonzero()": lambda: x.nonzero(),
            "y.copy_(x)": lambda: torch.zeros(2, 3, dtype=dtype, device=subject.device).copy_(x),
            "y[0] = x": lambda: torch.zeros(2, 3, device=subject.device).__setitem__(0, x[0]),
            "if x: ...": lambda: 1 if one > 0 else 0,
        }.items():
            assert_raises(f"{call} of {dtype} on meta", (RuntimeError, NotImplementedError), action)


@check("device.meta-needs-no-memory")
def test_a_meta_tensor_has_no_memory(subject):
    for shape in ((2, 3), (), (0,), (10**6, 10**6), (2**40,)):
        x = torch.empty(shape, device="meta")
        for call, out in {"x": x, "x + 1": x + 1, "x.clone()": x.clone(), "x.double()": x.double()}.items():
            require(out.data_ptr() == 0, f"{call} of {shape} on meta has an address", 0, out.data_ptr())
            require(out.numel() == int(np.prod(shape, dtype=object)), f"{call} has {out.numel()} elements")
            require(
                out.is_meta and out.device.type == "meta", f"{call} of {shape} is on {out.device}", "meta", out.device
            )
    net = nn.Linear(10**6, 10**6, device="meta")
    require(net.weight.data_ptr() == 0, "a weight on meta has memory")
    require(sum(p.numel() for p in net.parameters()) == 10**12 + 10**6, "the count of parameters on meta is wrong")


@check("device.meta-printed")
def test_a_meta_tensor_prints_its_outline(subject):
    for text, x in {
        "tensor(..., device='meta', size=(2, 3))": torch.ones(2, 3, device="meta"),
        "tensor(..., device='meta', size=())": torch.ones((), device="meta"),
        "tensor(..., device='meta', size=(0,))": torch.ones(0, device="meta"),
        "tensor(..., device='meta', size=(2,), dtype=torch.float64)": torch.ones(2, dtype=torch.float64, device="meta"),
        "tensor(..., device='meta', size=(2,), dtype=torch.int32)": torch.ones(2, dtype=torch.int32, device="meta"),
        "tensor(..., device='meta', size=(2,), requires_grad=True)": torch.ones(2, device="meta", requires_grad=True),
    }.items():
        for call, found in (("repr", repr(x)), ("str", str(x)), ("format", f"{x}")):
            if x.dim() == 0 and call == "format":
                continue  # wants the value
            require(found == text, f"{call} of a meta tensor is {found!r}", text, found)


IN_PLACE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "add_(1)": lambda x: x.add_(1),
    "mul_(y)": lambda x: x.mul_(torch.ones(3, device="meta")),
    "zero_()": lambda x: x.zero_(),
    "fill_(2)": lambda x: x.fill_(2),
    "exp_()": lambda x: x.exp_(),
    "relu_()": lambda x: x.relu_(),
    "clamp_(0, 1)": lambda x: x.clamp_(0, 1),
    "normal_()": lambda x: x.normal_(),
    "uniform_()": lambda x: x.uniform_(),
    "copy_(y)": lambda x: x.copy_(torch.ones(2, 3, dtype=torch.float64, device="meta")),
    "masked_fill_(m, 0)": lambda x: x.masked_fill_(x > 0, 0.0),
    "index_fill_(0, i, 1)": lambda x: x.index_fill_(0, torch.zeros(1, dtype=torch.int64, device="meta"), 1.0),
    "addmm_(a, b)": lambda x: x.addmm_(torch.ones(2, 4, device="meta"), torch.ones(4, 3, device="meta")),
}


@check("device.meta-in-place")
def test_in_place_functions_on_meta_keep_their_tensor(subject):
    for call, action in IN_PLACE.items():
        for dtype in (torch.float32, torch.float64):
            x = torch.ones(2, 3, dtype=dtype, device="meta")
            if "addmm" in call and dtype is torch.float64:
                continue
            for turn in (1, 2, 3):
                require(action(x) is x, f"x.{call} on meta is not x")
                assert_outline(f"x.{call}", assert_at(f"x.{call}", x, "meta"), host.dtype_name(dtype), (2, 3), (3, 1))
                require(
                    version(x) == turn, f"x.{call} called {turn} times gives version {version(x)}", turn, version(x)
                )
    x = torch.ones(2, 3, device="meta")
    x[0] = 5
    x += 1
    require(version(x) == 2 and x.is_meta, f"two writes on meta give version {version(x)}", 2, version(x))
    leaf = torch.ones(2, device="meta", requires_grad=True)
    assert_raises("an in-place write to a leaf", RuntimeError, lambda: leaf.add_(1))


@check("device.meta-saved")
def test_a_meta_tensor_survives_copies(subject):
    for x in (
        torch.ones(2, 3, device="meta"),
        torch.ones(3, 2, dtype=torch.int64, device="meta").t(),
        torch.ones(0, device="meta"),
    ):
        file = io.BytesIO()
        torch.save({"x": x}, file)
        require(len(file.getvalue()) < 5000, f"saving a meta tensor takes {len(file.getvalue())} bytes")
        file.seek(0)
        for call, out in {
            "torch.save and load": torch.load(file)["x"],
            "pickle": pickle.loads(pickle.dumps(x)),
            "deepcopy": copy.deepcopy(x),
            "copy": copy.copy(x),
        }.items():
            assert_outline(
                call, assert_at(call, out, "meta"), host.dtype_name(x.dtype), tuple(x.shape), tuple(x.stride())
            )
    parameter = copy.deepcopy(nn.Parameter(torch.ones(2, device="meta")))
    require(
        isinstance(parameter, nn.Parameter) and parameter.is_meta and parameter.requires_grad, "deepcopy of a Parameter"
    )
    net = copy.deepcopy(nn.Linear(2, 3, device="meta"))
    assert_outline("a deep copy's weight", assert_at("weight", net.weight, "meta"), "float32", (3, 2))

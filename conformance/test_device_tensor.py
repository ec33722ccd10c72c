"""Where tensors are: the device attribute, and creation on a device."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.device_factories import FACTORIES, LATER, LIKE, ROW, WHOLE
from conformance.tables.device_places import assert_at, assert_outline, elsewhere, values

pytestmark = must_answer


# -- the attribute -----------------------------------------------------------------------------------------------------


@check("device.tensor-device")
def test_views_and_results_are_where_their_tensor_is(subject):
    for device in (subject.device, "meta"):
        x = torch.ones(4, 6, device=device)
        assert_at("torch.ones(4, 6)", x, device)
        for call, out in {
            "x[1:, ::2]": x[1:, ::2],
            "x.t()": x.t(),
            "x[0, 0]": x[0, 0],
            "x.expand(2, 4, 6)": x.expand(2, 4, 6),
            "x.detach()": x.detach(),
            "x.clone()": x.clone(),
            "x + 1": x + 1,
            "x > 0": x > 0,
            "x.sum()": x.sum(),
            "x.double()": x.double(),
            "x.new_zeros(2)": x.new_zeros(2),
            "torch.zeros_like(x)": torch.zeros_like(x),
            "x.sort()": x.sort(),
            "x.split(2)": x.split(2),
            "torch.empty(0)": torch.empty(0, device=device),
        }.items():
            assert_at(call, out, device)
            for part in out if isinstance(out, tuple) else (out,):
                require(part.device == x.device, f"{call}.device is {part.device}", x.device, part.device)


@check("device.tensor-device")
def test_the_flags_agree_with_the_device(subject):
    for device in (subject.device, "meta", "cpu"):
        x = torch.ones(3, device=device)
        large, text = torch.zeros(70, 50, device=device), "torch.ones(70, 50)"
        for call, tensor in (
            ("x", x),
            (text, large),
            (f"{text}.t()", large.t()),
            ("x[::2]", x[::2]),
            ("Parameter(x)", nn.Parameter(x)),
            ("x[0]", x[0]),
        ):
            kind = torch.device(device).type
            require(type(tensor.device) is torch.device, f"{call}.device is no torch.device but {tensor.device!r}")
            for flag, name in (("is_cpu", "cpu"), ("is_cuda", "cuda"), ("is_meta", "meta"), ("is_xpu", "xpu")):
                found = getattr(tensor, flag)
                require(found is (kind == name), f"{call}.{flag} on {device} is {found}", kind == name, found)
            due = -1 if tensor.device.index is None else tensor.device.index
            require(
                tensor.get_device() == due, f"{call}.get_device() is {tensor.get_device()}", due, tensor.get_device()
            )


@check("device.tensor-device")
def test_gradients_are_where_their_tensors_are(subject):
    for device in (subject.device, "meta"):
        x = torch.ones(2, 3, device=device, requires_grad=True)
        y = (x * x).sum(0)
        assert_at("y", y, device)
        (direct,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
        y.backward(torch.ones_like(y))
        assert_at("torch.autograd.grad(y, x)", direct, device)
        assert_at("x.grad", x.grad, device)


@check("device.tensor-device-fixed")
def test_the_device_of_a_tensor_cannot_be_assigned(subject):
    x = torch.ones(2, device=subject.device)
    before = x.device
    for device in (elsewhere(subject), torch.device("meta"), subject.device):
        assert_raises(f"x.device = {device!r}", AttributeError, lambda: setattr(x, "device", device))
    for flag in ("is_cuda", "is_meta"):
        assert_raises(f"x.{flag} = True", AttributeError, lambda: setattr(x, flag, True))
    require(x.device == before, "an assignment moved the tensor", before, x.device)


# -- creation ----------------------------------------------------------------------------------------------------------


@check("device.create-on-device")
def test_creation_functions_follow_device(subject):
    for dtype, rows in (("float32", FACTORIES), ("float32", LATER), ("int64", WHOLE)):
        for name, given, due in rows:
            plain = getattr(torch, name)(*given)
            for device in (subject.device, torch.device(subject.device), "meta", "cpu"):
                call = f"torch.{name}{given} on {device}"
                out = assert_at(call, getattr(torch, name)(*given, device=device), str(device))
                assert_outline(call, out, dtype, tuple(plain.shape), tuple(plain.stride()))
                if due is not None and not out.is_meta:
                    assert_values(call, out, due, dtype=dtype)
            assert_at(f"torch.{name}{given}", plain, "cpu")


@check("device.create-on-device")
@pytest.mark.parametrize("dtype", ("float32", "float64", "int32", "bool", "complex64"))
def test_tensors_like_another_follow_device(subject, dtype):
    x = values(subject, np.ones((3, 4)), dtype)
    for name, given, due in LIKE:
        if "rand" in name and dtype not in ("float32", "float64"):
            continue
        for device in (subject.device, "meta", elsewhere(subject)):
            for like, strides in ((x, (4, 1)), (x.t(), (1, 4))):
                call = f"torch.{name}(x, device={device!r}) for {dtype}"
                out = assert_at(call, getattr(torch, name)(like, *given, device=device), device)
                assert_outline(call, out, dtype, tuple(like.shape), strides)
                if due is not None and not out.is_meta:
                    assert_values(call, out, np.full(tuple(like.shape), due).astype(dtype))
        call = f"torch.{name}(x, dtype=torch.float64, device='meta')"
        out = assert_at(call, getattr(torch, name)(x, *given, dtype=torch.float64, device="meta"), "meta")
        assert_outline(call, out, "float64", (3, 4))
        assert_at(f"torch.{name}(x)", getattr(torch, name)(x, *given), subject.device)
        for there in ("meta", "cpu"):
            other = torch.ones(2, 3, dtype=x.dtype, device=there)
            assert_at(f"torch.{name}(x) for x on {there}", getattr(torch, name)(other, *given), there)
    assert_at("x", x, subject.device)


@check("device.create-on-device")
def test_new_tensors_follow_device(subject):
    x = values(subject, np.ones((3, 4)), "float64")
    for device in (subject.device, "meta", elsewhere(subject)):
        for name, given, due in (
            ("new_zeros", ((2, 3),), np.zeros((2, 3))),
            ("new_ones", ((2, 3),), np.ones((2, 3))),
            ("new_full", ((2, 3), 4.0), np.full((2, 3), 4.0)),
            ("new_empty", ((2, 3),), None),
            ("new_tensor", (ROW,), np.array(ROW)),
        ):
            call = f"x.{name}{given} on {device}"
            out = assert_at(call, getattr(x, name)(*given, device=device), device)
            assert_outline(call, out, "float64", (2, 3), (3, 1))
            if due is not None and not out.is_meta:
                assert_values(call, out, due)
            assert_at(f"x.{name}{given}", getattr(x, name)(*given), subject.device)


LAYERS: tuple[tuple[str, tuple[Any, ...], dict[str, tuple[int, ...]]], ...] = (
    ("Linear", (3, 2), {"weight": (2, 3), "bias": (2,)}),
    ("Bilinear", (3, 4, 2), {"weight": (2, 3, 4), "bias": (2,)}),
    ("Conv2d", (3, 4, 5), {"weight": (4, 3, 5, 5), "bias": (4,)}),
    ("ConvTranspose1d", (3, 4, 5), {"weight": (3, 4, 5), "bias": (4,)}),
    ("Embedding", (7, 3), {"weight": (7, 3)}),
    ("LayerNorm", (5,), {"weight": (5,), "bias": (5,)}),
    ("GroupNorm", (2, 4), {"weight": (4,), "bias": (4,)}),
    ("BatchNorm1d", (3,), {"weight": (3,), "bias": (3,), "running_mean": (3,), "running_var": (3,)}),
    ("PReLU", (4,), {"weight": (4,)}),
    ("LSTMCell", (3, 2), {"weight_ih": (8, 3), "weight_hh": (8, 2), "bias_ih": (8,), "bias_hh": (8,)}),
    ("GRU", (3, 2), {"weight_ih_l0": (6, 3), "weight_hh_l0": (6, 2), "bias_ih_l0": (6,), "bias_hh_l0": (6,)}),
)


@check("device.modules-on-device")
def test_a_layer_is_made_on_its_device(subject):
    for name, given, shapes in LAYERS:
        for device in (subject.device, "meta", torch.device("cpu")):
            for dtype in ("float32", "float64"):
                net = getattr(nn, name)(*given, device=device, dtype=getattr(torch, dtype))
                state = {key: entry for key, entry in net.state_dict().items() if key != "num_batches_tracked"}
                require(
                    list(state) == list(shapes), f"nn.{name} on {device} has {list(state)}", list(shapes), list(state)
                )
                for key, entry in net.state_dict(keep_vars=True).items():
                    assert_at(f"nn.{name}{given} on {device}: {key}", entry, str(device))
                    if key in shapes:
                        assert_outline(f"nn.{name}{given} on {device}: {key}", entry, dtype, shapes[key])
                require(all(p.requires_grad for p in net.parameters()), f"nn.{name} on {device} is frozen")


# -- the default device ------------------------------------------------------------------------------------------------


# -- generators --------------------------------------------------------------------------------------------------------

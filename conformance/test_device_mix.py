"""Computing on a device: results stay there, two devices do not mix, and 0-d CPU tensors are the exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle.math_promotion import promoted
from conformance.tables.device_places import (
    assert_at,
    assert_outline,
    elsewhere,
    on_the_cpu,
    values,
    with_device,
    with_devices,
)
from properties.strategies.recipe import LAYOUTS, layouts
from properties.strategies.values import distinct

pytestmark = must_answer

X, Y = np.arange(6.0).reshape(2, 3) - 2, np.arange(6.0).reshape(2, 3) * 3 + 1
Call = Callable[..., Any]


# -- results -----------------------------------------------------------------------------------------------------------


@check("device.cuda-arithmetic")
def test_a_sum_on_the_device_equals_the_sum_on_the_cpu(subject):
    with_device(subject)
    for shape in ((2, 3), (), (17,), (181, 187)):
        for one in layouts(distinct("float32", shape), "float32", LAYOUTS):
            x, y = one.on(subject), torch.ones_like(one.on(subject), device=subject.device)
            z = assert_at("x + y", x + y, subject.device)
            assert_values("x + y", z, one.array + 1)
            require(f"device='{x.device}'" in repr(z), f"repr of x + y is {z!r}", f"device='{x.device}'", repr(z))
            back = assert_at("z.to('cpu', torch.double)", z.to("cpu", torch.double), "cpu")
            assert_values("z.to('cpu', torch.double)", back, one.array.astype("float64") + 1, dtype="float64")


@check("device.cuda-arithmetic")
def test_a_sum_on_meta_stays_there_and_prints_so(subject):
    for shape in ((2, 3), (), (17,), (0,)):
        for dtype in ("float32", "float64", "int64"):
            x = torch.empty(shape, dtype=host.torch_dtype(dtype), device="meta")
            y = torch.ones_like(x, device="meta")
            for call, z in {
                "x + y": x + y,
                "torch.add(x, y)": torch.add(x, y),
                "x.add(y)": x.add(y),
                "x - y": x - y,
            }.items():
                assert_outline(call, assert_at(call, z, "meta"), dtype, shape)
                require("device='meta'" in repr(z), f"repr of {call} is {z!r}", "device='meta'", repr(z))
    require("device" not in repr(torch.ones(2)), "a CPU tensor prints with a device")


COMPUTED: dict[str, tuple[Call, Call]] = {
    "x + y": (lambda x, y: x + y, lambda x, y: x + y),
    "x * y": (lambda x, y: x * y, lambda x, y: x * y),
    "2 - x": (lambda x, y: 2 - x, lambda x, y: 2 - x),
    "x > y": (lambda x, y: x > y, lambda x, y: x > y),
    "x.sum(0)": (lambda x, y: x.sum(0), lambda x, y: x.sum(0)),
    "x.amax(1)": (lambda x, y: x.amax(1), lambda x, y: x.max(1)),
    "x.argmax()": (lambda x, y: x.argmax(), lambda x, y: x.argmax()),
    "x.cumsum(1)": (lambda x, y: x.cumsum(1), lambda x, y: x.cumsum(1)),
    "x @ y.t()": (lambda x, y: x @ y.t(), lambda x, y: x @ y.T),
    "torch.cat": (lambda x, y: torch.cat([x, y]), lambda x, y: np.concatenate([x, y])),
    "torch.stack": (lambda x, y: torch.stack([x, y], 1), lambda x, y: np.stack([x, y], 1)),
    "torch.where": (lambda x, y: torch.where(x > 0, x, y), lambda x, y: np.where(x > 0, x, y)),
    "x[:, ::2]": (lambda x, y: x[:, ::2], lambda x, y: x[:, ::2]),
    "x[x > 0]": (lambda x, y: x[x > 0], lambda x, y: x[x > 0]),
    "x.flip(1)": (lambda x, y: x.flip(1), lambda x, y: x[:, ::-1]),
    "x.abs().sort(1)": (lambda x, y: (-x).sort(1)[0], lambda x, y: np.sort(-x, 1)),
    "x.clamp(-1, 2)": (lambda x, y: x.clamp(-1, 2), lambda x, y: np.clip(x, -1, 2)),
    "F.relu(x)": (lambda x, y: F.relu(x), lambda x, y: np.maximum(x, 0)),
    "F.linear(x, y)": (lambda x, y: F.linear(x, y), lambda x, y: x @ y.T),
    "F.pad(x, (1, 0))": (lambda x, y: F.pad(x, (1, 0)), lambda x, y: np.pad(x, ((0, 0), (1, 0)))),
    "x.gather": (
        lambda x, y: x.gather(1, torch.tensor([[2, 0], [1, 1]], device=x.device)),
        lambda x, y: np.take_along_axis(x, np.array([[2, 0], [1, 1]]), 1),
    ),
}


@check("device.results-on-device")
def test_results_are_there_with_the_values_of_the_cpu(subject):
    for layout in ("contiguous", "transposed", "row_stepped", "offset"):
        x, y = (LAYOUTS[layout](given, "float32").on(subject) for given in (X, Y))
        kept = Unchanged(x=x, y=y)
        for call, (action, oracle) in COMPUTED.items():
            assert_values(call, assert_at(call, action(x, y), subject.device), oracle(X, Y))
        kept.check("one of these calls")


# -- two devices -------------------------------------------------------------------------------------------------------

# Functions that refuse a CPU tensor beside one on meta, in either order, with the release that does so first.
MIXED: tuple[tuple[str, Call, str | None], ...] = (
    ("x + y", lambda x, y: x + y, None),
    ("torch.add(x, y)", lambda x, y: torch.add(x, y), None),
    ("x - y", lambda x, y: x - y, None),
    ("x * y", lambda x, y: x * y, None),
    ("x / y", lambda x, y: x / y, None),
    ("x ** y", lambda x, y: x**y, None),
    ("x == y", lambda x, y: x == y, None),
    ("x < y", lambda x, y: x < y, None),
    ("torch.maximum(x, y)", lambda x, y: torch.maximum(x, y), None),
    ("torch.where(x > 0, x, y)", lambda x, y: torch.where(x > 0, x, y), None),
    ("torch.where(y > 0, x, x)", lambda x, y: torch.where(y > 0, x, x), None),
    ("torch.lerp(x, y, 0.5)", lambda x, y: torch.lerp(x, y, 0.5), None),
    ("torch.addcmul(x, x, y)", lambda x, y: torch.addcmul(x, x, y), None),
    ("torch.outer(x, y)", lambda x, y: torch.outer(x[0], y[0]), None),
    ("torch.atan2(x, y)", lambda x, y: torch.atan2(x, y), None),
    ("torch.logical_and(x, y)", lambda x, y: torch.logical_and(x, y), None),
    ("(x > 0) & (y > 0)", lambda x, y: (x > 0) & (y > 0), None),
    ("torch.isclose(x, y)", lambda x, y: torch.isclose(x, y), None),
    ("x.clamp(y, y)", lambda x, y: x.clamp(y, y), None),
    ("torch.kron(x, y)", lambda x, y: torch.kron(x, y), None),
    ("F.mse_loss(x, y)", lambda x, y: F.mse_loss(x, y), None),
    ("F.l1_loss(x, y)", lambda x, y: F.l1_loss(x, y), None),
    ("BatchNorm1d(x)(y)", lambda x, y: F.batch_norm(x, y[0], y[1], training=False), None),
    ("torch.cat([x, y])", lambda x, y: torch.cat([x, y]), "2.0"),
    ("torch.stack([x, y])", lambda x, y: torch.stack([x, y]), "2.0"),
    ("F.linear(x, y, y)", lambda x, y: F.linear(x, y, y[:, 0]), "2.0"),
    ("F.cross_entropy(x, y)", lambda x, y: F.cross_entropy(x, y[:, 0].long()), "2.0"),
    ("F.nll_loss(x, y)", lambda x, y: F.nll_loss(x, y[:, 0].long()), "2.0"),
    ("torch.mv(x, y)", lambda x, y: x @ y[0], "2.0"),
)
# The calls of the notes: a network on one device, its inputs or labels on another.
NETWORK: tuple[tuple[str, Call], ...] = (
    ("net(inputs)", lambda x, y: nn.Linear(3, 2, device=x.device)(y)),
    ("BatchNorm1d(inputs)", lambda x, y: nn.BatchNorm1d(3, device=x.device)(y)),
    ("LayerNorm(inputs)", lambda x, y: nn.LayerNorm(3, device=x.device)(y)),
    ("criterion(outputs, labels)", lambda x, y: nn.CrossEntropyLoss()(x, y[:, 0].long())),
    ("MSELoss(outputs, targets)", lambda x, y: nn.MSELoss()(x, y)),
    ("PReLU(inputs)", lambda x, y: nn.PReLU(3, device=x.device)(y)),
)
# Calls that have answered beside meta: with what the memory held, or with a meta tensor.
UNSAFE: tuple[tuple[str, Call], ...] = (
    ("x @ y.t()", lambda x, y: x @ y.t()),
    ("torch.bmm", lambda x, y: torch.bmm(x[None], y.t()[None])),
    ("torch.addmm", lambda x, y: torch.addmm(x[:, :2], x, y.t())),
    ("F.linear(x, y)", lambda x, y: F.linear(x, y)),
    ("x[index]", lambda x, y: x[y[:, 0].long()]),
    ("x.gather(0, index)", lambda x, y: x.gather(0, y.long())),
    ("x.index_select(0, index)", lambda x, y: x.index_select(0, y[:, 0].long())),
    ("F.conv2d", lambda x, y: F.conv2d(x[None, None], y[None, None])),
    ("F.embedding(index, x)", lambda x, y: F.embedding(y[:, 0].long(), x)),
    ("x.add_(y)", lambda x, y: x.add_(y)),
)


def pairs(subject: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Two tensors of one shape on two devices, in both orders."""
    x = values(subject, np.arange(6.0).reshape(2, 3))
    y = torch.ones(2, 3, device=elsewhere(subject))
    return [(x, y), (y, x)]


def assert_refused(subject: Any, call: str, action: Call) -> None:
    """Refute unless a call refuses two devices in either order, says so, and leaves the data alone."""
    for x, y in pairs(subject):
        data = x if y.is_meta else y
        kept = Unchanged(data=data)
        for _ in range(2):
            text = f"{call} with x on {x.device} and y on {y.device}"
            error = assert_raises(text, RuntimeError, lambda: action(x, y))
            require("device" in str(error), f"{text} says {error}", "an error that names the devices", error)
        kept.check(call)
        assert_values("the same after that", (data + data).cpu(), 2 * host.array(data))


@check("device.same-device-required")
def test_two_devices_do_not_mix(subject):
    for call, action, since in MIXED:
        if since is None:
            assert_refused(subject, call, action)


@check("device.same-device-required", since="2.0")
def test_two_devices_do_not_mix_in_products_and_losses(subject):
    for call, action, since in MIXED:
        if since == "2.0":
            assert_refused(subject, call, action)


@check("device.same-device-required", since="2.0")
def test_a_network_does_not_take_inputs_from_elsewhere(subject):
    for call, action in NETWORK:
        assert_refused(subject, call, action)


@check("device.same-device-required")
def test_every_product_refuses_another_device_with_data(subject):
    with_device(subject)
    for call, action in UNSAFE:
        for x, y in pairs(subject):
            if "index" in call and not y.is_cpu:
                continue
            if call == "x[index]":
                continue  # a CPU index is taken to the device
            assert_raises(
                f"{call} with x on {x.device} and y on {y.device}", RuntimeError, lambda: action(x.clone(), y)
            )


@check("device.same-device-meta")
def test_no_function_reads_the_memory_that_meta_has_not(subject):
    on_the_cpu(subject)
    x, y = torch.arange(6.0).reshape(2, 3), torch.ones(2, 3, device="meta")
    found = []
    for call, action in UNSAFE:
        try:
            out = action(x.clone(), y)
        except RuntimeError:
            continue
        found.append(f"{call} on {out.device}")
    require(not found, f"a CPU tensor x and a meta tensor y are combined by {'; '.join(found)}", "RuntimeError", found)


@check("device.out-on-device")
def test_out_has_to_be_on_the_device(subject):
    x, y = values(subject, X), values(subject, Y)
    for name in ("add", "mul", "sub", "div", "maximum", "atan2"):
        out = torch.full((2, 3), 7.0, device=elsewhere(subject))
        call = f"torch.{name}(x, y, out=elsewhere)"
        assert_raises(call, RuntimeError, lambda: getattr(torch, name)(x, y, out=out))
        here = torch.full((2, 3), 7.0, device=subject.device)
        meta = torch.ones(2, 3, device="meta")
        assert_raises(
            f"torch.{name}(meta, meta, out=here)", RuntimeError, lambda: getattr(torch, name)(meta, meta, out=here)
        )
        assert_values("out= after that", here, np.full((2, 3), 7.0))
        if not out.is_meta:
            assert_values("out= after that", out, np.full((2, 3), 7.0))
    here = torch.empty(2, 3, device=subject.device)
    require(torch.add(x, y, out=here) is here, "torch.add(x, y, out=here) is not here")
    assert_values("torch.add(x, y, out=here)", here, X + Y)


ZERO_DIM: tuple[tuple[str, Call], ...] = (
    ("x + s", lambda x, s: x + s),
    ("s + x", lambda x, s: s + x),
    ("x * s", lambda x, s: x * s),
    ("s / x", lambda x, s: s / x),
    ("x - s", lambda x, s: x - s),
    ("torch.maximum(x, s)", lambda x, s: torch.maximum(x, s)),
    ("x < s", lambda x, s: x < s),
    ("torch.add(x, s)", lambda x, s: torch.add(x, s)),
)


@check("device.zero-dim-cpu")
def test_a_0_dim_cpu_tensor_goes_with_any_device(subject):
    for call, action in ZERO_DIM:
        for device in (subject.device, "meta"):
            for dtype in ("float32", "float64", "int64"):
                for scalar in ("float32", "float64", "int64"):
                    x = torch.ones(2, 3, dtype=host.torch_dtype(dtype), device=device)
                    s = torch.tensor(2, dtype=host.torch_dtype(scalar))
                    due = promoted([(dtype, "tensor"), (scalar, "scalar")])
                    due = "bool" if "<" in call else "float32" if "/" in call and due == "int64" else due
                    out = assert_at(f"{call} on {device}", action(x, s), device)
                    assert_outline(f"{call} for {dtype} and {scalar} on {device}", out, due, (2, 3))
                    if device != "meta":
                        assert_values(call, out, _due(call))


def _due(call: str) -> np.ndarray:
    table = {"x * s": 2, "s / x": 2, "x - s": -1, "torch.maximum(x, s)": 2, "x < s": True}
    return np.full((2, 3), table.get(call, 3))


@check("device.zero-dim-cpu")
def test_a_0_dim_tensor_of_another_device_does_not_go_with_the_cpu(subject):
    x = torch.ones(2, 3)
    for device in {"meta", subject.device} - {"cpu"}:
        s = torch.ones((), device=device)
        for call, action in ZERO_DIM:
            assert_raises(f"{call} with s on {device}", RuntimeError, lambda: action(x, s))
        assert_at("0-d CPU + 0-d", torch.tensor(1.0) + s, device)
        assert_at("0-d + 0-d CPU", s + torch.tensor(1.0), device)
    require(x.tolist() == [[1.0] * 3] * 2, "a refused call changed x")


# -- one device by default ---------------------------------------------------------------------------------------------


@check("device.default-one-gpu")
def test_a_model_stays_on_the_device_it_was_put_on(subject):
    for device in (subject.device, "meta"):
        net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2)).to(device)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        for batch in (5, 64):
            seen = []
            handles = [part.register_forward_hook(lambda part, given, out: seen.append(out.device)) for part in net]
            out = assert_at("net(x)", net(torch.ones(batch, 3, device=device)), device)
            assert_outline("net(x)", out, "float32", (batch, 2))
            out.sum().backward()
            optimizer.step()
            require(len(set(seen)) == 1, f"the layers computed on {seen}", device, seen)
            for handle in handles:
                handle.remove()
        places = {t.device for p in net.parameters() for t in (p, p.grad, optimizer.state[p]["momentum_buffer"])}
        places |= {buffer.device for buffer in net.buffers()}
        require(places == {out.device}, f"parameters, gradients and buffers are on {places}", device, places)


@check("device.default-one-gpu")
def test_no_memory_of_a_second_device_is_used(subject):
    first, second = with_devices(subject, 2)
    module = getattr(torch, torch.device(subject.device).type)
    before = module.memory_allocated(1)
    net = nn.Linear(64, 64).to(first)
    net(torch.ones(64, 64, device=first)).sum().backward()
    require(module.memory_allocated(1) == before, f"a model on {first} took memory of {second}")

"""Where tensors are: the device attribute, creation on a device, the default device, generators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.device_places import assert_at, assert_outline, elsewhere, is_at, values

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
        for call, tensor in (("x", x), ("x[::2]", x[::2]), ("Parameter(x)", nn.Parameter(x)), ("x[0]", x[0])):
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

ROW = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
# call, what it is given besides device=, and the values; None where these are random or anything.
FACTORIES: tuple[tuple[str, tuple[Any, ...], Any], ...] = (
    ("zeros", (2, 3), np.zeros((2, 3))),
    ("ones", (2, 3), np.ones((2, 3))),
    ("full", ((2, 3), 7.0), np.full((2, 3), 7.0)),
    ("eye", (3, 2), np.eye(3, 2)),
    ("arange", (1.0, 6.0, 2.0), np.array([1.0, 3.0, 5.0])),
    ("linspace", (0.0, 8.0, 5), np.linspace(0, 8, 5)),
    ("logspace", (0.0, 2.0, 3), None),
    ("tensor", (ROW,), np.array(ROW)),
    ("as_tensor", (ROW,), np.array(ROW)),
    ("scalar_tensor", (3.0,), np.array(3.0)),
    ("empty", (2, 3), None),
    ("empty_strided", ((2, 3), (1, 2)), None),
    ("rand", (2, 3), None),
    ("randn", (2, 3), None),
)
WHOLE: tuple[tuple[str, tuple[Any, ...], Any], ...] = (
    ("randint", (0, 5, (2, 3)), None),
    ("randperm", (6,), None),
    ("tril_indices", (2, 2), np.array([[0, 1, 1], [0, 0, 1]])),
    ("triu_indices", (2, 2), np.array([[0, 0, 1], [0, 1, 1]])),
    ("arange", (4,), np.arange(4)),
    ("tensor", ([1, 2],), np.array([1, 2])),
)
LIKE: tuple[tuple[str, tuple[Any, ...], Any], ...] = (
    ("ones_like", (), 1.0),
    ("zeros_like", (), 0.0),
    ("full_like", (3.0,), 3.0),
    ("empty_like", (), None),
    ("rand_like", (), None),
    ("randn_like", (), None),
)


@check("device.create-on-device")
def test_creation_functions_follow_device(subject):
    for dtype, rows in (("float32", FACTORIES), ("int64", WHOLE)):
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
@pytest.mark.parametrize("name, given, shapes", LAYERS, ids=[row[0] for row in LAYERS])
def test_a_layer_is_made_on_its_device(subject, name, given, shapes):
    for device in (subject.device, "meta", torch.device("cpu")):
        for dtype in ("float32", "float64"):
            net = getattr(nn, name)(*given, device=device, dtype=getattr(torch, dtype))
            state = {key: entry for key, entry in net.state_dict().items() if key != "num_batches_tracked"}
            require(list(state) == list(shapes), f"nn.{name} on {device} has {list(state)}", list(shapes), list(state))
            for key, entry in net.state_dict(keep_vars=True).items():
                assert_at(f"nn.{name}{given} on {device}: {key}", entry, str(device))
                if key in shapes:
                    assert_outline(f"nn.{name}{given} on {device}: {key}", entry, dtype, shapes[key])
            require(all(p.requires_grad for p in net.parameters()), f"nn.{name} on {device} is frozen")


# -- the default device ------------------------------------------------------------------------------------------------


@contextmanager
def default(device: Any) -> Iterator[None]:
    """The default device while the block lasts."""
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


def followers() -> dict[str, Callable[..., torch.Tensor]]:
    """What follows the default device."""
    found = {
        name: (lambda name=name, given=given, **kw: getattr(torch, name)(*given, **kw)) for name, given, _ in FACTORIES
    }
    return {**found, "Linear(1, 1).weight": lambda **kw: nn.Linear(1, 1, **kw).weight}


def assert_default(where: str, device: str) -> None:
    """Refute unless what is made without device= is on that device, and what is told otherwise is not."""
    x = torch.ones(2, device="meta")
    y = torch.ones(2, device="cpu")
    for name, make in followers().items():
        assert_at(f"{name} {where}", make(), device)
        assert_at(f"{name} with device='cpu' {where}", make(device="cpu"), "cpu")
        assert_at(f"{name} with device='meta' {where}", make(device="meta"), "meta")
    for call, out, due in (
        ("zeros_like(meta)", torch.zeros_like(x), "meta"),
        ("zeros_like(cpu)", torch.zeros_like(y), "cpu"),
        ("meta.new_ones(2)", x.new_ones(2), "meta"),
        ("cpu.new_ones(2)", y.new_ones(2), "cpu"),
        ("meta + 1", x + 1, "meta"),
        ("cpu + 1", y + 1, "cpu"),
        ("cpu.clone()", y.clone(), "cpu"),
        ("cpu.double()", y.double(), "cpu"),
        ("from_numpy", torch.from_numpy(np.ones(2)), "cpu"),
    ):
        assert_at(f"{call} {where}", out, due)


@check("device.default-device")
def test_creation_follows_the_default_device(subject):
    assert_default("without a default", "cpu")
    for device in ("meta", torch.device("meta"), subject.device, "cpu"):
        with default(device):
            assert_default(f"after set_default_device({device!r})", str(device))
        assert_default("after set_default_device(None)", "cpu")
    with default("meta"):
        torch.set_default_device("cpu")
        assert_default("after a second set_default_device", "cpu")
        torch.set_default_device("meta")
        assert_default("after a third", "meta")
    assert_default("at the end", "cpu")


@check("device.default-device")
def test_values_and_dtypes_do_not_depend_on_the_default_device(subject):
    with default(subject.device):
        for name, given, due in (*FACTORIES, *WHOLE):
            out = getattr(torch, name)(*given)
            assert_at(f"torch.{name}{given}", out, subject.device)
            if due is not None:
                assert_values(f"torch.{name}{given}", out, due)
        require(torch.tensor([1, 2]).dtype == torch.int64, "the default device changes a dtype")
        require(torch.ones(2).dtype == torch.float32, "the default device changes a dtype")


@check("device.default-device-read")
def test_the_default_device_can_be_read(subject):
    for call in ("at first", "again"):
        found = torch.get_default_device()
        require(found == torch.device("cpu"), f"get_default_device() {call} is {found!r}", "cpu", found)
    for device in ("meta", subject.device, torch.device("cpu")):
        with default(device):
            found = torch.get_default_device()
            require(type(found) is torch.device, f"get_default_device() is {found!r}, no device")
            require(is_at(found, str(device)), f"get_default_device() after setting {device} is {found}", device, found)
            assert_at("torch.ones(1)", torch.ones(1), str(found))
            with torch.device("meta"):
                inner = torch.get_default_device()
                require(inner.type == "meta", f"get_default_device() in a with block is {inner}", "meta", inner)
            back = torch.get_default_device()
            require(back == found, f"get_default_device() after a with block is {back}", found, back)
    found = torch.get_default_device()
    require(found == torch.device("cpu"), f"get_default_device() at the end is {found}", "cpu", found)


@check("device.device-context")
def test_a_device_as_context_sets_the_default_and_puts_it_back(subject):
    meta, here = torch.device("meta"), torch.device(subject.device)
    for _ in range(2):
        with meta:
            assert_default("in with torch.device('meta')", "meta")
            with here:
                assert_default("in a block within it", subject.device)
                with meta:
                    assert_default("three deep", "meta")
                assert_default("back in the second", subject.device)
            assert_default("back in the first", "meta")
        assert_default("after the blocks", "cpu")
    with default("meta"):
        with torch.device("cpu"):
            assert_default("in with torch.device('cpu') after set_default_device('meta')", "cpu")
        assert_default("after it", "meta")
    assert_default("at the end", "cpu")


@check("device.device-context")
def test_an_exception_leaves_the_block_too(subject):
    def broken() -> None:
        with torch.device("meta"):
            assert_at("torch.ones(1) in the block", torch.ones(1), "meta")
            raise KeyError("ours")

    assert_raises("the block", KeyError, broken)
    assert_default("after an exception in the block", "cpu")
    with torch.device("meta"):
        assert_raises("the block", KeyError, broken)
        assert_default("in the outer block", "meta")
    net = made_on("meta")
    assert_at("a layer made in a function with a block", net.weight, "meta")
    assert_at("a layer made after it", nn.Linear(2, 2).weight, "cpu")


def made_on(device: str) -> nn.Linear:
    with torch.device(device):
        return nn.Linear(2, 2)


# -- generators --------------------------------------------------------------------------------------------------------


@check("device.generator-device")
def test_a_generator_has_the_device_it_is_made_for(subject):
    for call, generator in {
        "Generator()": torch.Generator(),
        "Generator('cpu')": torch.Generator("cpu"),
        "Generator(device=device)": torch.Generator(device=torch.device("cpu")),
        "default_generator": torch.default_generator,
    }.items():
        require(
            generator.device == torch.device("cpu"),
            f"torch.{call}.device is {generator.device}",
            "cpu",
            generator.device,
        )
    assert_raises("torch.Generator('meta')", RuntimeError, lambda: torch.Generator("meta"))
    assert_raises("torch.Generator('gpu')", RuntimeError, lambda: torch.Generator("gpu"))
    here = torch.Generator(device=subject.device)
    require(is_at(here.device, subject.device), f"torch.Generator({subject.device!r}).device is {here.device}")
    draws = [torch.rand(5, generator=here.manual_seed(3), device=subject.device).cpu().tolist() for _ in range(2)]
    require(draws[0] == draws[1], "one seed gives two streams", *draws)
    if not subject.is_cpu:
        wrong = torch.Generator()
        assert_raises("a CPU generator", RuntimeError, lambda: torch.rand(5, generator=wrong, device=subject.device))

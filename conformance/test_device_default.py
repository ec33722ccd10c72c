"""The default device, in force by a call or in a with block, and the devices of generators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.device_factories import FACTORIES, WHOLE
from conformance.tables.device_places import assert_at, is_at

pytestmark = must_answer


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


@check("device.default-device-read")
def test_the_default_device_can_be_read_after_it_was_taken_back(subject):
    for _ in range(2):
        with default("meta"):
            require(torch.get_default_device().type == "meta", "get_default_device() after setting meta")
        found = torch.get_default_device()
        require(found == torch.device("cpu"), f"get_default_device() after setting None is {found}", "cpu", found)


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

"""What a move does to Parameters and their optimizers; memory for modules on meta."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.tables.device_places import assert_at, assert_outline, values
from conformance.tables.device_samples import Net, entries, held, made

pytestmark = must_answer


@contextmanager
def overwriting(whether: bool = True) -> Iterator[None]:
    """Whether conversions replace Parameters, while the block lasts."""
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(whether)
    try:
        yield
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(before)


@check("device.overwrite-on-conversion")
def test_the_flag_says_whether_parameters_are_replaced(subject):
    flag = torch.__future__.get_overwrite_module_params_on_conversion
    require(flag() is False, f"the flag is {flag()} at first", False, flag())
    for whether in (True, False, True):
        with overwriting(whether):
            require(flag() is whether, f"the flag set to {whether} is {flag()}", whether, flag())
            net = made()
            net.first.weight.requires_grad_(False)
            old = dict(net.named_parameters())
            before = held(net)
            net.to(subject.device, torch.float64)
            for name, p in net.named_parameters():
                require((p is old[name]) is not whether, f"{name} after to() with the flag {whether}: is it the same?")
                require(type(p) is nn.Parameter, f"{name} is no Parameter but a {type(p).__name__}")
                require(p.requires_grad is (name != "first.weight"), f"{name} has other requires_grad")
                require(p.is_leaf, f"{name} is no leaf")
                assert_values(name, p.detach(), before[name].astype("float64"), dtype="float64")
            due = "float32" if whether else "float64"
            for name, p in old.items():
                found = host.dtype_name(p.dtype)
                require(found == due, f"the old {name} is {found} with the flag {whether}", due, found)
    require(flag() is False, "the flag stays set")


@check("device.overwrite-on-conversion")
def test_parameters_keep_their_identity_by_default(subject):
    net = made()
    old = {name: id(p) for name, p in net.named_parameters()}
    for call, action in {
        "to(torch.float64)": lambda: net.to(torch.float64),
        "half()": lambda: net.half(),
        "float()": lambda: net.float(),
        "cpu()": lambda: net.cpu(),
        "to(device)": lambda: net.to("cpu"),
    }.items():
        action()
        found = {name: id(p) for name, p in net.named_parameters()}
        require(found == old, f"net.{call} made new Parameters")


@check("device.optimizer-before-move")
def test_an_optimizer_made_before_goes_on(subject):
    for overwrite in (False, True):
        with overwriting(overwrite):
            net = nn.Linear(2, 1, bias=False)
            with torch.no_grad():
                net.weight.fill_(1.0)
            old = net.weight
            optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
            net.to(torch.float64)
        net.weight.grad = torch.full((1, 2), 3.0, dtype=torch.float64)
        if overwrite:
            old.grad = torch.full((1, 2), 3.0)
        optimizer.step()
        due = 1.0 if overwrite else -0.5
        assert_values(
            f"the weight after a step, Parameters replaced: {overwrite}", net.weight.detach(), np.full((1, 2), due)
        )
        if overwrite:
            assert_values("the old weight after a step", old.detach(), np.full((1, 2), -0.5))
        after = torch.optim.SGD(net.parameters(), lr=0.5)
        net.weight.grad = torch.full((1, 2), 3.0, dtype=torch.float64)
        after.step()
        assert_values(
            "the weight after a step of an optimizer made after", net.weight.detach(), np.full((1, 2), due - 1.5)
        )


@check("device.optimizer-before-move")
def test_training_goes_on_after_a_move(subject):
    net = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        net.weight.zero_()
    net.to(subject.device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.25, momentum=0.5)
    x = values(subject, [[1.0, 2.0]])
    speed, weight = np.zeros((1, 2)), np.zeros((1, 2))
    for turn in range(4):
        optimizer.zero_grad()
        net(x).sum().backward()
        optimizer.step()
        speed = 0.5 * speed + np.array([[1.0, 2.0]])
        weight = weight - 0.25 * speed
        assert_values(f"the weight after step {turn + 1}", net.weight.detach(), weight)
        net.to(subject.device)


@check("device.module-from-meta")
def test_a_module_on_meta_gets_memory_from_to_empty(subject):
    full = made(3)
    net = Net().to("meta")
    for call, action in (("to(device)", lambda: net.to(subject.device)), ("cpu()", lambda: net.cpu())):
        assert_raises(f"net.{call} from meta", RuntimeError, action)
        assert_at("a weight after that", net.first.weight, "meta")
    require(net.to_empty(device=subject.device) is net, "to_empty is another module")
    for name, tensor in entries(net).items():
        due = entries(full)[name]
        dtype = host.dtype_name(due.dtype)
        assert_outline(name, assert_at(name, tensor, subject.device), dtype, tuple(due.shape), tuple(due.stride()))
        require(tensor.requires_grad == due.requires_grad, f"{name} has other requires_grad")
    net.load_state_dict(full.state_dict())
    for name, tensor in net.state_dict().items():
        assert_values(f"{name} after load_state_dict", tensor, host.array(full.state_dict()[name]))
    x = values(subject, np.arange(12.0).reshape(4, 3))
    due = host.array(full.eval()(x.cpu()).detach())
    assert_values("net(x)", net.eval()(x).detach(), due, INNER.over(64), scale=np.abs(due).max())


@check("device.module-from-meta")
def test_a_module_made_on_meta_computes_shapes(subject):
    net = Net().to("meta")
    for batch in (2, 7):
        out = net(torch.empty(batch, 3, device="meta"))
        assert_outline("net(x)", assert_at("net(x)", out, "meta"), "float32", (batch, 4))
    assert_raises("net(x) of 4 features", RuntimeError, lambda: net(torch.empty(2, 4, device="meta")))
    made_there = nn.Linear(3, 2, device="meta")
    made_there.to_empty(device=subject.device)
    assert_at("a weight", made_there.weight, subject.device)
    require(made_there.weight.requires_grad, "a weight made by to_empty is frozen")


@check("device.skip-init")
def test_skip_init_makes_a_layer_without_initialising(subject):
    for name, given in (("Linear", (5, 1)), ("Conv2d", (2, 3, 3)), ("Embedding", (4, 3))):
        torch.manual_seed(1)
        state = torch.get_rng_state()
        net = nn.utils.skip_init(getattr(nn, name), *given)
        require(torch.get_rng_state().tolist() == state.tolist(), f"skip_init of {name} draws random numbers")
        plain = getattr(nn, name)(*given)
        require(type(net) is type(plain), f"skip_init(nn.{name}) is a {type(net).__name__}")
        for key, p in plain.named_parameters():
            found = dict(net.named_parameters())[key]
            assert_outline(f"skip_init(nn.{name}).{key}", assert_at(key, found, "cpu"), "float32", tuple(p.shape))
            require(found.requires_grad, f"skip_init(nn.{name}).{key} is frozen")
        there = nn.utils.skip_init(getattr(nn, name), *given, device=subject.device, dtype=torch.float64)
        for key, p in there.named_parameters():
            assert_at(f"skip_init(nn.{name}, device=).{key}", p, subject.device)
            require(p.dtype is torch.float64, f"skip_init(nn.{name}, dtype=).{key} is {p.dtype}")
    assert_raises("skip_init of no module", (RuntimeError, TypeError), lambda: nn.utils.skip_init(torch.ones, 2))

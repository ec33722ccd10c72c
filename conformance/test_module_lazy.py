"""Lazy layers and uninitialised parameters; what conversions do to parameters by choice; and modules in corners."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


@check("module.uninitialised")
def test_an_uninitialised_tensor_is_made_of_a_shape_later(subject):
    for shape in ((2, 3), (), (0, 4), (17,)):
        for dtype in (torch.float32, torch.float64, torch.float16):
            for flag in (True, False):
                parameter = nn.UninitializedParameter(requires_grad=flag, device=subject.device, dtype=dtype)
                assert_raises("shape of an uninitialised parameter", RuntimeError, lambda: parameter.shape)
                assert_raises("an uninitialised parameter + 1", ValueError, lambda: parameter + 1)
                other = copy.deepcopy(parameter)
                parameter.materialize(shape)
                found = (type(parameter), tuple(parameter.shape), parameter.dtype, parameter.requires_grad)
                assert_same(f"materialize({shape})", found, (nn.Parameter, shape, dtype, flag))
                require(type(other) is nn.UninitializedParameter, "a copy of it is made as well", "not", type(other))
                other.materialize(shape, dtype=torch.float64)
                found = (tuple(other.shape), other.dtype, other.requires_grad)
                assert_same(f"materialize({shape}, dtype=float64)", found, (shape, torch.float64, flag))
            buffer = nn.UninitializedBuffer(device=subject.device, dtype=dtype)
            buffer.materialize(shape)
            found = (type(buffer), tuple(buffer.shape), buffer.dtype, buffer.requires_grad)
            assert_same(f"a buffer's materialize({shape})", found, (torch.Tensor, shape, dtype, False))


LAZY = {
    "LazyLinear(3)": (lambda: nn.LazyLinear(3), (4, 5), nn.Linear, "in_features", 5),
    "LazyConv1d(3, 2)": (lambda: nn.LazyConv1d(3, 2), (4, 5, 6), nn.Conv1d, "in_channels", 5),
    "LazyConv2d(3, 2)": (lambda: nn.LazyConv2d(3, 2), (4, 5, 6, 6), nn.Conv2d, "in_channels", 5),
    "LazyConvTranspose1d(3, 2)": (
        lambda: nn.LazyConvTranspose1d(3, 2), (4, 5, 6), nn.ConvTranspose1d, "in_channels", 5,
    ),
    "LazyBatchNorm1d()": (lambda: nn.LazyBatchNorm1d(), (4, 5), nn.BatchNorm1d, "num_features", 5),
    "LazyBatchNorm1d(affine=False)": (
        lambda: nn.LazyBatchNorm1d(affine=False), (4, 5), nn.BatchNorm1d, "num_features", 5,
    ),
}  # fmt: skip


def shapes(net: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in net.state_dict().items()}


def plain(call: str, kind: Any, size: int) -> nn.Module:
    """The layer that is made at once, of the same options."""
    if "Norm" in call:
        return kind(size, affine="False" not in call)
    return kind(size, 3) if kind is nn.Linear else kind(size, 3, 2)


@check("module.lazy")
def test_every_lazy_layer_becomes_an_ordinary_one(subject):
    for call, (make, shape, kind, name, size) in LAZY.items():
        lazy = make().to(subject.device)
        require(lazy.has_uninitialized_params(), f"{call}.has_uninitialized_params()", True, False)
        torch.manual_seed(4)
        lazy(torch.ones(shape, device=subject.device))
        require(not isinstance(lazy, nn.modules.lazy.LazyModuleMixin), f"{call} is lazy after a call")
        assert_same(f"class and size of {call}", (type(lazy), getattr(lazy, name)), (kind, size))
        assert_same(f"state of {call}", shapes(lazy), shapes(plain(call, kind, size)))
        for key, part in lazy.named_parameters():
            found = (type(part), part.requires_grad)
            assert_same(f"class and flag of {key} of {call}", found, (nn.Parameter, True))
            spread = part.detach().abs().max().item()
            said = f"the largest number in {key} of {call}"
            require(0 <= spread < 2 and (spread > 0 or "Norm" in call), said, "above 0", spread)


@check("module.conversion-by-choice")
def test_conversions_replace_parameters_where_that_is_chosen(subject):
    future = torch.__future__
    for flag in (True, False):
        layer = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).to(subject.device)
        held, due = list(layer.parameters()), [host.array(p.detach()).astype(float) for p in layer.parameters()]
        future.set_overwrite_module_params_on_conversion(flag)
        try:
            require(future.get_overwrite_module_params_on_conversion() is flag, "the flag that was set", flag, not flag)
            layer.double()
        finally:
            future.set_overwrite_module_params_on_conversion(False)
        for old, new, values in zip(held, layer.parameters(), due, strict=True):
            require((new is old) is not flag, f"the same Parameter after double(), overwriting: {flag}", not flag, flag)
            require(type(new) is nn.Parameter and new.requires_grad, "what took its place", nn.Parameter, type(new))
            assert_values("what took its place", new.detach(), values, dtype="float64")
            require(old.dtype == (torch.float32 if flag else torch.float64), "the old one's dtype", flag, old.dtype)


@check("module.conversion-by-choice", since="2.6")
def test_conversions_swap_parameters_where_that_is_chosen(subject):
    future = torch.__future__
    layer = nn.Linear(3, 2).to(subject.device)
    held, due = list(layer.parameters()), [host.array(p.detach()).astype(float) for p in layer.parameters()]
    held[0].marked = "so"
    future.set_swap_module_params_on_conversion(True)
    try:
        require(future.get_swap_module_params_on_conversion(), "the flag that was set", True, False)
        layer.double()
        require(not hasattr(held[0], "marked"), "swap_tensors left the attributes where they were", "gone", "there")
        layer.load_state_dict({name: p.detach() * 2 for name, p in layer.state_dict().items()})
    finally:
        future.set_swap_module_params_on_conversion(False)
    for old, new, values in zip(held, layer.parameters(), due, strict=True):
        require(new is old, "the same Parameter after double(), swapping", "the same", "another")
        assert_values("its values", new.detach(), 2 * values, dtype="float64")


@check("module.super-init-required")
def test_a_module_takes_no_arguments_of_its_own(subject):
    for arguments, options in (((1,), {}), ((), {"other": 1})):
        call = lambda: nn.Module(*arguments, **options)  # noqa: E731
        assert_raises(f"Module(*{arguments}, **{options})", TypeError, call)
    for mode in (torch.no_grad, torch.enable_grad, torch.inference_mode):
        with mode():
            require(nn.Module().training, f"a module made in {mode.__name__} is in train mode", True, False)


@check("module.register-parameter")
def test_a_subclass_of_parameter_registers_as_it_is(subject):
    class Special(nn.Parameter):
        pass

    for flag in (True, False):
        net, special = nn.Module(), Special(torch.ones(2, device=subject.device), requires_grad=flag)
        net.first = special
        net.register_parameter("second", special)
        assert_same("state", list(net.state_dict()), ["first", "second"])
        assert_same("parameters", [name for name, _ in net.named_parameters()], ["first"])
        kept = all(part is special for part in (net.first, net.second, *net.parameters()))
        require(kept, "a Parameter of a class of its own is replaced")


@check("module.delattr")
def test_a_name_that_was_deleted_is_free_again(subject):
    given = lambda: torch.ones(2, device=subject.device)  # noqa: E731
    acts: dict[str, Any] = {
        "a transient buffer": lambda net: net.register_buffer("x", given(), persistent=False),
        "a buffer": lambda net: net.register_buffer("x", given()),
        "a parameter": lambda net: net.register_parameter("x", nn.Parameter(given())),
        "a module": lambda net: net.add_module("x", nn.Linear(1, 1)),
        "a None parameter": lambda net: net.register_parameter("x", None),
    }
    keys = {"a buffer": ["x"], "a parameter": ["x"], "a module": ["x.weight", "x.bias"]}
    for first, one in acts.items():
        for second, other in acts.items():
            net = nn.Module()
            one(net)
            del net.x
            require(not hasattr(net, "x") and not net.state_dict(), f"{first} is there after it was deleted")
            other(net)
            assert_same(
                f"the state of {second} after {first} was deleted", list(net.state_dict()), keys.get(second, [])
            )


@check("module.get-submodule")
def test_a_none_entry_is_no_submodule(subject):
    net = nn.Sequential(nn.Module())
    net[0].add_module("gone", None)
    assert_raises("get_submodule of a None entry", AttributeError, lambda: net.get_submodule("0.gone"))
    assert_raises("get_submodule below a None entry", AttributeError, lambda: net.get_submodule("0.gone.x"))

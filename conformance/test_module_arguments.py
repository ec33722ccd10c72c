"""Calling a module, by example: what reaches forward, in every mode, however often; and Parameters of any source."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.module_samples import given, marking
from conformance.tables.module_tree import assert_same
from properties.strategies.recipe import LAYOUTS, layouts
from properties.strategies.values import distinct

pytestmark = must_answer

Pair = namedtuple("Pair", "a b")
WORDS = (
    "x",
    "out",
    "input",
    "hook",
    "args",
    "kwargs",
    "module",
    "name",
    "prefix",
    "mode",
    "dtype",
    "device",
    "forward",
)


def things(subject: Subject) -> Iterator[Any]:
    """Arguments of every kind, tensors in every layout among them."""
    yield from (
        [1, 2],
        [[1]],
        [],
        (1, 2),
        (),
        {"a": 1},
        {},
        None,
        0,
        2.5,
        "text",
        Pair(1, 2),
        {3},
        range(3),
        np.ones(2),
    )
    for shape in ((3, 4), (), (40, 30)):
        for recipe in layouts(distinct("float32", shape), "float32", LAYOUTS):
            yield recipe.on(subject)
            yield recipe.with_grad().on(subject)


class Keeper(nn.Module):
    """Keeps what its forward was called with, and the modes in which it was."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        self.seen = args, kwargs, torch.is_grad_enabled(), self.training
        return args[0] if args else None


def hooked(net: nn.Module) -> nn.Module:
    net.register_forward_pre_hook(marking([], ""))
    net.register_forward_hook(marking([], ""))
    return net


@check("module.subclass-with-forward")
def test_every_argument_reaches_forward_as_the_object_it_is(subject):
    for net in (Keeper(), hooked(Keeper())):
        for thing in things(subject):
            before = Unchanged(thing=thing) if isinstance(thing, torch.Tensor) else None
            require(net(thing) is thing, f"what forward returned, {thing!r:.40}, comes back as another object")
            args, kwargs, *_ = net.seen
            require(len(args) == 1 and args[0] is thing and not kwargs, f"forward was given {args!r:.60}")
            net(1, thing, key=thing)
            args, kwargs, *_ = net.seen
            require(len(args) == 2 and args[1] is thing, f"forward was given {args!r:.60}")
            require(list(kwargs) == ["key"] and kwargs["key"] is thing, f"forward was given {kwargs!r:.60}")
            if before:
                before.check("calling a module")
        for word in WORDS:
            net(**{word: 5, "other": 6})
            assert_same(f"what forward was given with {word}=", net.seen[:2], ((), {word: 5, "other": 6}))


@check("module.subclass-with-forward")
def test_forward_runs_in_the_modes_of_its_caller(subject):
    for net in (Keeper(), hooked(Keeper())):
        for training in (True, False):
            net.train(training)
            for enabled in (True, False):
                with torch.set_grad_enabled(enabled):
                    net(1)
                assert_same("gradients enabled, training", net.seen[2:], (enabled, training))


@check("module.subclass-with-forward")
def test_every_call_gives_the_same(subject):
    layer = nn.Linear(3, 2).to(subject.device)
    for net in (layer, nn.Sequential(layer), hooked(nn.Sequential(layer))):
        due = host.array(net(given(subject)).detach())
        for turn in range(2, 8):
            assert_values(f"call {turn}", net(given(subject)).detach(), due)


@check("module.frozen-passes-gradients")
def test_gradients_pass_through_what_is_frozen(subject):
    weight, rows = np.array([[1.0, -2.0, 4.0]]), np.arange(6.0).reshape(2, 3)
    for frozen in (True, False):
        for training in (True, False):
            for hooks in (True, False):
                layer = nn.Linear(3, 1, bias=False).to(subject.device)
                layer.weight.data = given(subject, weight)
                net = nn.Sequential(layer, nn.ReLU6()).train(training).requires_grad_(not frozen)
                net = hooked(net) if hooks else net
                x = given(subject, rows / 16).requires_grad_()
                net(x).sum().backward()
                call = f"x.grad, frozen={frozen}, training={training}"
                due = np.repeat(weight, 2, 0) * (rows / 16 @ weight.T > 0)
                assert_values(call, x.grad, due)
                assert_same("the weight has a gradient", layer.weight.grad is not None, not frozen)


@check("module.hook-removal")
def test_leaving_the_block_of_a_handle_by_an_error_removes_the_hook(subject):
    for register in ("register_forward_pre_hook", "register_forward_hook"):
        net, log = Keeper(), []

        def failing(net=net, log=log, register=register):
            with getattr(net, register)(marking(log, "inside")):
                net(1)
                raise ZeroDivisionError("as asked")

        assert_raises("the block", ZeroDivisionError, failing)
        net(1)
        assert_same("calls within and after the block", log, ["inside"])


@check("module.parameter-shares-data")
def test_making_a_parameter_leaves_its_source_alone(subject):
    for shape in ((40, 30), (3, 4), (), (0, 2)):
        for recipe in layouts(distinct("float32", shape), "float32", LAYOUTS):
            for source in (recipe.on(subject), recipe.with_grad().on(subject), nn.Parameter(recipe.on(subject), False)):
                grad = source.grad = torch.ones_like(source)
                before = Unchanged(source=source)
                for flag in (True, False):
                    parameter = nn.Parameter(source, flag)
                    before.check("making a Parameter")
                    require(source.grad is grad, "making a Parameter changes the gradient of its source")
                    require(parameter.grad is None and parameter is not source, "a new Parameter has a gradient")
                    same = (parameter.data_ptr(), parameter.stride(), parameter.storage_offset())
                    due = (source.data_ptr(), source.stride(), source.storage_offset())
                    assert_same("address, strides and offset", same, due)


@check("module.parameter-repr")
def test_a_frozen_parameter_prints_as_one(subject):
    data = host.tensor(np.array([1.0, 2.0]), "float32", "cpu")
    frozen, live = repr(nn.Parameter(data, requires_grad=False)), repr(nn.Parameter(data))
    assert_same("a frozen Parameter", frozen, "Parameter containing:\ntensor([1., 2.])")
    assert_same("a Parameter", live, "Parameter containing:\ntensor([1., 2.], requires_grad=True)")

"""Hooks of modules in their rarer uses, by example: every answer, errors between them, gradients of any size."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.module_samples import given, marking, recorder, said
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


class Echo(nn.Module):
    """Gives back what it is called with."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return args, kwargs


# What a pre-hook returns, and what forward is called with.
ARGUMENTS: list[tuple[Any, tuple[Any, ...]]] = [
    (None, (5, "b")),
    ((), ()),
    ((1,), (1,)),
    ((1, 2, 3), (1, 2, 3)),
    ((None,), (None,)),
    (((1, 2),), ((1, 2),)),
    ([1, 2], ([1, 2],)),
    ([], ([],)),
    ({}, ({},)),
    ("", ("",)),
    ("ab", ("ab",)),
    (0, (0,)),
    (0.0, (0.0,)),
    (False, (False,)),
]


@check("module.forward-pre-hook-replaces")
def test_every_answer_of_a_pre_hook_but_none_replaces_the_arguments(subject):
    for answer, due in ARGUMENTS:
        net = Echo()
        net.register_forward_pre_hook(marking([], "", answer))
        assert_same(f"the arguments with {answer!r} from a pre-hook", net(5, "b", key=1), (due, {"key": 1}))
        net.register_forward_pre_hook(marking([], "", None))
        assert_same(f"with {answer!r} and then None", net(5, "b", key=1), (due, {"key": 1}))
    tensor = given(subject)
    net = Echo()
    net.register_forward_pre_hook(marking([], "", tensor))
    require(net(5)[0][0] is tensor and len(net(5)[0]) == 1, "a tensor from a pre-hook is not the one argument")


@check("module.forward-hook-replaces")
def test_every_answer_of_a_hook_but_none_replaces_the_output(subject):
    for answer in (0, 0.0, False, True, "", "ab", (), (1,), (None,), [], [1], {}, set(), np.zeros(0)):
        net, log = Echo(), []
        net.register_forward_hook(marking([], "", answer))
        net.register_forward_hook(lambda module, args, out, log=log: log.append(out))
        for turn in (1, 2):
            require(net(5) is answer, f"{answer!r} from a hook does not replace the output ({turn})")
        require(log[0] is answer, f"{answer!r} from a hook is not what the next one is given")
    tensor = given(subject, np.zeros(1))
    net = Echo()
    net.register_forward_hook(marking([], "", tensor))
    require(net(5) is tensor, "a tensor of a zero does not replace the output")


@check("module.hook-options", since="2.0")
def test_hooks_that_take_keywords_see_all_arguments(subject):
    for args, kwargs in (((), {}), ((1,), {}), ((1, 2, 3), {"a": 4, "b": 5}), ((), {"b": 1, "a": 2})):
        net, seen = Echo(), []
        net.register_forward_pre_hook(lambda m, a, k, seen=seen: seen.append((a, dict(k))), with_kwargs=True)
        net.register_forward_hook(lambda m, a, k, out, seen=seen: seen.append((a, dict(k), out)), with_kwargs=True)
        net.register_forward_pre_hook(lambda m, a, seen=seen: seen.append(a))
        net.register_forward_hook(lambda m, a, out, seen=seen: seen.append((a, out)))
        out = net(*args, **kwargs)
        assert_same("what the hooks saw", seen, [(args, kwargs), args, (args, kwargs, out), (args, out)])
        assert_same("order of the keywords", list(seen[0][1]), list(kwargs))
    for bad in ((1,), (1, 2, 3), [(1,), {}], 5, 0):
        net = Echo()
        net.register_forward_pre_hook(marking([], "", bad), with_kwargs=True)
        assert_raises(f"a pre-hook with keywords that returns {bad!r}", RuntimeError, lambda: net(5))
    net = Echo()
    net.register_forward_pre_hook(marking([], "", ((), {})), with_kwargs=True)
    assert_same("the arguments with ((), {}) from a pre-hook", net(5, key=1), ((), {}))


@check("module.forward-pre-hook")
def test_a_pre_hook_that_is_registered_twice_runs_twice(subject):
    log: list[Any] = []
    net, hook = recorder(log), marking(log, "twice")
    first = net.register_forward_pre_hook(hook)
    net.register_forward_pre_hook(marking(log, "between"))
    net.register_forward_pre_hook(hook)
    for wanted in (["twice", "between", "twice", "forward"], ["between", "twice", "forward"]):
        log.clear()
        net(given(subject))
        assert_same("what ran", said(log), wanted)
        first.remove()


@check("module.hook-options", since="2.1")
def test_hooks_that_are_always_called_run_once_whatever_raises(subject):
    def failing(*args):
        log.append("fails")
        raise ZeroDivisionError("as asked")

    for fails in (False, True):
        log: list[Any] = []
        net = recorder(log)
        net.register_forward_hook(marking(log, "first"), always_call=True)
        if fails:
            net.register_forward_hook(failing)
        net.register_forward_hook(marking(log, "second"), always_call=True)
        net.register_forward_hook(marking(log, "third"))
        for _ in range(2):
            log.clear()
            if fails:
                assert_raises("a failing hook", ZeroDivisionError, lambda: net(given(subject)))
            else:
                net(given(subject))
            due = ["forward", "first", "fails", "second"] if fails else ["forward", "first", "second", "third"]
            assert_same("what ran", said(log), due)


def integers(shape: tuple[int, ...]) -> np.ndarray:
    """Small whole numbers, whose sums of products are exact."""
    return np.arange(np.prod(shape, dtype=int)).reshape(shape) % 7 - 3.0


# -- backward ----------------------------------------------------------------------------------------------------------


@check("module.full-backward-hook")
def test_gradients_of_every_size_reach_a_full_backward_hook(subject):
    for rows, wide, narrow in ((1, 1, 1), (5, 7, 9), (40, 30, 50)):
        weight, x, seed = (integers(shape) for shape in ((narrow, wide), (rows, wide), (rows, narrow)))
        layer = nn.Linear(wide, narrow, bias=False).to(subject.device)
        layer.weight.data = host.tensor(weight, "float32", subject.device)
        seen: list[Any] = []
        layer.register_full_backward_hook(lambda module, *grads, seen=seen: seen.append(grads))
        out = layer(given(subject, x).requires_grad_())
        for turn in (1, 2, 3):
            seen.clear()
            out.backward(given(subject, seed * turn), retain_graph=True)
            assert_same(f"calls in backward {turn}", len(seen), 1)
            assert_values(f"grad_input, backward {turn}", seen[0][0][0], turn * seed @ weight)
            assert_values(f"grad_output, backward {turn}", seen[0][1][0], turn * seed)


@check("module.full-backward-hook")
def test_a_full_backward_hook_runs_where_no_input_needs_a_gradient(subject):
    layer, seen = nn.Linear(3, 2).to(subject.device), []
    layer.register_full_backward_hook(lambda module, *grads: seen.append(grads))
    for _ in range(2):
        seen.clear()
        layer(given(subject)).sum().backward()
        assert_same("calls, and grad_input", (len(seen), seen[0][0]), (1, (None,)))
        assert_values("grad_output", seen[0][1][0], np.ones(2))


@check("module.backward-hook-kinds")
def test_a_module_has_one_kind_of_backward_hooks(subject):
    for first, second in (("full_", ""), ("", "full_")):
        layer = nn.Linear(3, 2).to(subject.device)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getattr(layer, f"register_{first}backward_hook")(marking([], ""))
            call = f"register_{second}backward_hook after register_{first}backward_hook"
            action = getattr(layer, f"register_{second}backward_hook")
            assert_raises(call, RuntimeError, lambda: action(marking([], "")))
            layer(given(subject).requires_grad_()).sum().backward()


@check("module.full-backward-hook-replaces")
def test_an_answer_of_none_leaves_the_gradients(subject):
    plain, hooked = (nn.Linear(3, 2).to(subject.device) for _ in range(2))
    hooked.load_state_dict(plain.state_dict())
    hooked.register_full_backward_hook(marking([], "", None))
    grads = []
    for layer in (plain, hooked):
        x = given(subject, np.arange(6.0).reshape(2, 3)).requires_grad_()
        torch.relu(layer(x) + 10).square().sum().backward()
        grads.append([host.array(x.grad), host.array(layer.weight.grad), host.array(layer.bias.grad)])
    for due, found in zip(*grads, strict=True):
        require(np.array_equal(due, found), "a hook that returns None changes a gradient", due, found)

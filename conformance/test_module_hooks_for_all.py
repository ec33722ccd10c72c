"""Hooks for all modules, and backward hooks of the older kind, by example: what they return, options, refusals."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.module_samples import X, given, marking, recorder, said
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


@contextlib.contextmanager
def everywhere(kind: str, hook: Any, **options: Any) -> Iterator[Any]:
    """A hook for all modules, while the block lasts."""
    handle = getattr(nn.modules.module, f"register_module_{kind}_hook")(hook, **options)
    try:
        yield handle
    finally:
        handle.remove()


class Double(nn.Module):
    """Twice its input, and a number added."""

    def forward(self, x: torch.Tensor, plus: float = 0.0) -> torch.Tensor:
        return 2 * x + plus


@check("module.global-hooks-replace")
def test_answers_of_forward_hooks_for_all_modules_count(subject):
    net, x = Double(), given(subject)
    with everywhere("forward_pre", lambda module, args: args[0] + 1):
        assert_values("with a single value from the pre-hook", net(x), 2 * (X + 1))
        net.register_forward_pre_hook(lambda module, args: (args[0] * 10, 5.0))
        assert_values("with the module's own after it", net(x), 20 * (X + 1) + 5)
        with everywhere("forward", lambda module, args, out: out - args[0]):
            assert_values("with a hook as well", net(x), 10 * (X + 1) + 5)
            net.register_forward_hook(lambda module, args, out: [out, out])
            require(isinstance(net(x), list), "the module's own hook does not run last")
    fresh = Double()
    with everywhere("forward", lambda module, args, out: 0):
        assert_same("an answer of 0", fresh(x), 0)
    with everywhere("forward", lambda module, args, out: None), everywhere("forward_pre", lambda module, args: None):
        assert_values("with answers of None", fresh(x), 2 * X)
    assert_values("afterwards", fresh(x), 2 * X)


@check("module.global-hooks-replace")
def test_answers_of_backward_hooks_for_all_modules_count(subject):
    net = Double()

    def gradient() -> torch.Tensor:
        x = given(subject).requires_grad_()
        net(x).sum().backward()
        return x.grad

    assert_values("x.grad", gradient(), np.full(3, 2.0))
    with everywhere("full_backward", lambda module, inside, outside: (inside[0] * 10,)):
        assert_values("x.grad with a hook", gradient(), np.full(3, 20.0))
        handle = net.register_full_backward_hook(lambda module, inside, outside: (inside[0] + 1,))
        assert_values("x.grad with the module's own after it", gradient(), np.full(3, 21.0))
        handle.remove()
    with everywhere("full_backward", lambda *args: None):
        assert_values("x.grad with an answer of None", gradient(), np.full(3, 2.0))
    assert_values("x.grad afterwards", gradient(), np.full(3, 2.0))


@check("module.global-hooks-replace", since="2.0")
def test_answers_of_backward_pre_hooks_for_all_modules_count(subject):
    net, x = Double(), given(subject).requires_grad_()
    with everywhere("full_backward_pre", lambda module, outside: (outside[0] * 3,)):
        net(x).sum().backward()
    assert_values("x.grad with a pre-hook", x.grad, np.full(3, 6.0))


@check("module.global-hooks", since="2.6")
def test_hooks_for_all_modules_take_keywords(subject):
    net, x, seen = recorder(), given(subject), []

    def hook(module, args, kwargs, out):
        seen.append((len(args), dict(kwargs)))

    with everywhere("forward", hook, with_kwargs=True):
        net(x, plus=3.0, key="k")
    assert_same("what a hook with keywords saw", seen, [(1, {"plus": 3.0, "key": "k"})])


@check("module.global-hooks", since="2.1")
def test_hooks_for_all_modules_can_be_always_called(subject):
    log: list[Any] = []
    net, x = recorder(log), given(subject)

    def failing(*args):
        raise ZeroDivisionError("as asked")

    with (
        everywhere("forward", marking(log, "first"), always_call=True),
        everywhere("forward", failing),
        everywhere("forward", marking(log, "always"), always_call=True),
        everywhere("forward", marking(log, "only if it works")),
    ):
        assert_raises("a failing hook", ZeroDivisionError, lambda: net(x))
    assert_same("what ran", said(log), ["forward", "first", "always"])


@check("module.backward-hook-length")
def test_an_answer_of_another_length_is_refused(subject):
    for answer in (lambda g: (g, g), lambda g: (g, None), lambda g: ()):
        net, x = Double(), given(subject).requires_grad_()
        net.register_full_backward_hook(lambda module, inside, outside, answer=answer: answer(inside[0]))
        out = net(x)
        assert_raises("backward with an answer of another length", RuntimeError, lambda: out.sum().backward())


@check("module.backward-hook-older")
def test_an_older_hook_is_called_once_a_backward_pass(subject):
    net, seen = nn.ReLU(), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older kind is discouraged
        handle = net.register_backward_hook(lambda module, inside, outside: seen.append((module, outside[0])))
        for _ in range(2):
            seen.clear()
            x = given(subject).requires_grad_()
            net(x).backward(given(subject, X + 5))
            require(len(seen) == 1 and seen[0][0] is net, "not called once with the module", 1, len(seen))
            assert_values("grad_output", seen[0][1], X + 5)
        handle.remove()
        seen.clear()
        net(given(subject).requires_grad_()).sum().backward()
    assert_same("calls after removal", len(seen), 0)

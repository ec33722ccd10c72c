"""Hooks on tensors, and retain_grad: when they run, what they see, what they may change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.gradients import constant, exact, leaf
from conformance.subject import Subject

pytestmark = must_answer


def counting(log: list, name: str, change: Callable[[torch.Tensor], Any] = lambda g: None) -> Callable:
    """A hook that notes its name and the gradient's numbers, and returns what `change` makes of it."""

    def hook(gradient: torch.Tensor) -> Any:
        log.append((name, gradient.tolist()))
        return change(gradient)

    return hook


@check("autograd.hook-for-nonleaf")
def test_a_hook_sees_the_gradient_of_a_result(subject: Subject) -> None:
    for layout in ("contiguous", "transposed", "row_stepped"):
        values = np.arange(1.0, 7.0).reshape(2, 3)
        x, log = leaf(values, subject, layout=layout), []
        y = x * x
        handle = y.register_hook(counting(log, "y"))
        require(hasattr(handle, "remove"), "y.register_hook(f) returns no handle", "a handle", handle)
        (y * y).sum().backward()
        require(log == [("y", (2 * values**2).tolist())], f"what the hook of y saw ({layout})", (2 * values**2).tolist(), log)
        exact(f"x.grad with a hook that returns None ({layout})", x.grad, 4 * values**3)
    seen: list[torch.Tensor] = []
    y = x * x
    y.register_hook(lambda g: seen.append(g))
    y.sum().backward()
    require(seen[0].dtype == y.dtype and seen[0].shape == y.shape, "a hook's gradient is not like its tensor", y.shape, seen[0].shape)
    require(not seen[0].requires_grad, "a hook's gradient requires grad without create_graph", False, True)


@check("autograd.hook-replaces")
def test_what_a_hook_returns_takes_the_place_of_the_gradient(subject: Subject) -> None:
    x, u = leaf([1.0, 2.0], subject), leaf([3.0, 4.0], subject)
    y = x * u
    y.register_hook(lambda g: g * 10)
    (y * 2).sum().backward()
    exact("x.grad behind a hook that multiplies by 10", x.grad, [60.0, 80.0])
    exact("u.grad behind a hook that multiplies by 10", u.grad, [20.0, 40.0])
    x.grad = None
    y = x * 3
    y.register_hook(lambda g: torch.zeros_like(g))
    (y.sum() + (x * 5).sum()).backward()
    exact("x.grad where a hook stops one of two ways", x.grad, [5.0, 5.0])
    y = x * 3
    y.register_hook(lambda g: g[:1])
    assert_raises("a backward pass with a hook that returns another shape", RuntimeError, lambda: y.sum().backward())
    y = x * 3
    y.register_hook(lambda g: 1.0)
    assert_raises("a backward pass with a hook that returns a number", (RuntimeError, TypeError), lambda: y.sum().backward())


@check("autograd.hook-order")
def test_hooks_run_in_the_order_in_which_they_came(subject: Subject) -> None:
    for make in (lambda x: x * 1, lambda x: x):
        x, log = leaf([1.0], subject), []
        y = make(x)
        changes = [lambda g: g + 1, lambda g: None, lambda g: g * 2, lambda g: g + 0.5]
        for n, change in enumerate(changes):
            y.register_hook(counting(log, str(n), change))
        (y * 3).sum().backward()
        wanted = [("0", [3.0]), ("1", [4.0]), ("2", [4.0]), ("3", [8.0])]
        require(log == wanted, "what four hooks in turn saw", wanted, log)
        exact("x.grad after four hooks", x.grad, [8.5])


@check("autograd.hook-removed")
def test_a_removed_hook_is_gone(subject: Subject) -> None:
    for make in (lambda x: x * 1, lambda x: x):
        x, log = leaf([1.0], subject), []
        y = make(x)
        handles = [y.register_hook(counting(log, name, lambda g: g + 1)) for name in "abc"]
        handles[1].remove()
        y.sum().backward(retain_graph=True)
        require([name for name, _ in log] == ["a", "c"], "the hooks that ran after one was removed", "a, c", log)
        exact("x.grad after one of three hooks was removed", x.grad, [3.0])
        handles[1].remove()
        handles[0].remove()
        handles[2].remove()
        log.clear()
        y.sum().backward()
        require(log == [], "the hooks that ran after all were removed", [], log)
        exact("x.grad after a pass without hooks", x.grad, [4.0])


@check("autograd.hook-once")
def test_a_hook_runs_once_a_pass_with_the_whole_gradient(subject: Subject) -> None:
    for on_leaf in (False, True):
        x, log = leaf([1.0, 2.0], subject), []
        y = x if on_leaf else x * 1
        y.register_hook(counting(log, "y"))
        total = (y * 3).sum() + (y * y).sum() + y.sum() + (y.view(2, 1) * 2).sum() + y[0] * 5
        for n in (1, 2):
            total.backward(retain_graph=True)
            wanted = [("y", [13.0, 10.0])] * n
            require(log == wanted, f"what the hook saw after {n} passes (on a leaf: {on_leaf})", wanted, log)
    x, log = leaf([1.0], subject), []
    x.register_hook(counting(log, "x"))
    (constant([2.0], subject) * 3).sum()
    leaf([1.0], subject).sum().backward()
    require(log == [], "a hook of a tensor that takes no part ran", [], log)


@check("autograd.hook-on-leaf")
def test_a_leaf_hook_runs_before_the_gradient_is_added(subject: Subject) -> None:
    x, state = leaf([1.0, 2.0], subject), []
    x.grad = constant([100.0, 100.0], subject)

    def hook(gradient: torch.Tensor) -> torch.Tensor:
        state.append((gradient.tolist(), x.grad.tolist()))
        return gradient * 2

    x.register_hook(hook)
    (x * 3).sum().backward()
    require(state == [([3.0, 3.0], [100.0, 100.0])], "what a leaf's hook saw, and x.grad then", ([3.0, 3.0], [100.0, 100.0]), state)
    exact("x.grad after a leaf hook that doubles", x.grad, [106.0, 106.0])


@check("autograd.hook-under-grad", since="2.0")
def test_hooks_of_the_inputs_run_under_autograd_grad(subject: Subject) -> None:
    for make in (lambda x: x, lambda x: x * 1):
        x, log = leaf([1.0, 2.0], subject), []
        y = make(x)
        y.register_hook(counting(log, "y", lambda g: g * 2))
        found = torch.autograd.grad((y * 3).sum(), y)[0]
        exact("autograd.grad of a tensor with a hook that doubles", found, [6.0, 6.0])
        require(log == [("y", [3.0, 3.0])], "what the hook saw under autograd.grad", [3.0, 3.0], log)


@check("autograd.hook-needs-requires-grad")
def test_only_tracked_tensors_take_hooks(subject: Subject) -> None:
    fixed = constant([1.0], subject)
    assert_raises("register_hook of a tensor that does not require grad", RuntimeError, lambda: fixed.register_hook(lambda g: g))
    assert_raises("register_hook of a detached tensor", RuntimeError, lambda: leaf([1.0], subject).detach().register_hook(lambda g: g))
    assert_raises("retain_grad of a tensor that does not require grad", RuntimeError, lambda: fixed.retain_grad())


@check("autograd.hook-error")
def test_an_exception_in_a_hook_comes_through(subject: Subject) -> None:
    class Mine(Exception):
        pass

    def fail(gradient: torch.Tensor) -> None:
        raise Mine("from the hook")

    x = leaf([1.0], subject)
    y = x * 2
    y.register_hook(fail)
    assert_raises("backward with a hook that raises", Mine, lambda: y.sum().backward())
    require(x.grad is None, "x.grad after a hook that raised", None, x.grad)
    require(torch.is_grad_enabled(), "grad mode after a hook that raised", True, False)
    (x * 2).sum().backward()
    exact("x.grad of the pass after a hook that raised", x.grad, [2.0])


@check("autograd.retain-grad")
def test_a_result_keeps_its_gradient_on_demand(subject: Subject) -> None:
    for layout in ("contiguous", "transposed", "row_stepped"):
        values = np.arange(1.0, 7.0).reshape(2, 3)
        x = leaf(values, subject, layout=layout)
        y = x * x
        z = y * 3
        require(not y.retains_grad and not x.retains_grad, "y.retains_grad before y.retain_grad()", False, True)
        for _ in range(2):
            require(y.retain_grad() is None, "y.retain_grad() returns something", None, "")
        require(y.retains_grad is True and z.retains_grad is False, "y.retains_grad after y.retain_grad()", True, y.retains_grad)
        z.sum().backward(retain_graph=True)
        exact(f"y.grad after y.retain_grad() ({layout})", y.grad, np.full((2, 3), 3.0))
        exact(f"x.grad where y retains its own ({layout})", x.grad, 6 * values)
        z.sum().backward()
        exact(f"y.grad after a second pass ({layout})", y.grad, np.full((2, 3), 6.0))
    x.grad = None
    x.retain_grad()
    require(x.retains_grad is False, "x.retains_grad of a leaf after x.retain_grad()", False, True)
    (x * 2).sum().backward()
    exact("x.grad of a leaf after x.retain_grad()", x.grad, np.full((2, 3), 2.0))


@check("autograd.retain-grad-after-hooks", since="2.0")
def test_the_retained_gradient_is_the_one_after_all_hooks(subject: Subject) -> None:
    for first in (True, False):
        x = leaf([1.0], subject)
        y = x * 2
        if first:
            y.retain_grad()
        y.register_hook(lambda g: g * 10)
        y.retain_grad()
        y.register_hook(lambda g: g + 1)
        (y * 3).sum().backward()
        exact(f"y.grad with two hooks (retain_grad before them: {first})", y.grad, [31.0])
        exact("x.grad", x.grad, [62.0])


@check("autograd.hook-before-inplace", since="2.0")
def test_a_hook_stays_with_the_value_it_was_registered_on(subject: Subject) -> None:
    x, log = leaf([1.0], subject), []
    y = x * 2
    y.register_hook(counting(log, "before"))
    y.mul_(5)
    y.register_hook(counting(log, "after"))
    (y * 3).sum().backward()
    wanted = [("after", [3.0]), ("before", [15.0])]
    require(log == wanted, "what hooks before and after y.mul_(5) saw", wanted, log)
    exact("x.grad", x.grad, [30.0])


@check("autograd.post-accumulate-hook", since="2.1")
def test_a_hook_after_accumulation_sees_the_leaf_with_its_gradient(subject: Subject) -> None:
    x, log = leaf([1.0, 2.0], subject), []

    def hook(parameter: torch.Tensor) -> None:
        log.append((parameter is x, parameter.grad.tolist()))

    handle = x.register_post_accumulate_grad_hook(hook)
    (x * 3).sum().backward()
    (x * 4).sum().backward()
    require(log == [(True, [3.0, 3.0]), (True, [7.0, 7.0])], "what the hook saw", "x with its gradient", log)
    torch.autograd.grad((x * 3).sum(), x)
    require(len(log) == 2, "the hook ran under autograd.grad", 2, len(log))
    handle.remove()
    (x * 5).sum().backward()
    require(len(log) == 2, "the removed hook ran", 2, len(log))
    exact("x.grad", x.grad, [12.0, 12.0])
    y = x * 2
    assert_raises("register_post_accumulate_grad_hook of a result", RuntimeError, lambda: y.register_post_accumulate_grad_hook(hook))


@check("autograd.multi-grad-hook", since="2.0")
def test_a_hook_over_several_tensors_waits_for_all(subject: Subject) -> None:
    x, u, unused = (leaf([k], subject) for k in (1.0, 2.0, 3.0))
    seen: list[list] = []
    handle = torch.autograd.graph.register_multi_grad_hook(
        (x, u, unused), lambda grads: seen.append([None if g is None else g.tolist() for g in grads])
    )
    (x * u * 5).sum().backward()
    require(seen == [[[10.0], [5.0], None]], "what the hook saw", [[10.0], [5.0], None], seen)
    handle.remove()
    (x * u).sum().backward()
    require(len(seen) == 1, "the removed hook ran", 1, len(seen))


@check("autograd.hooks-and-grad-mode")
def test_hooks_run_without_grad_mode_unless_a_graph_is_made(subject: Subject) -> None:
    for create_graph in (False, True):
        x, modes = leaf([2.0], subject), []
        y = x * x
        y.register_hook(lambda g: modes.append(torch.is_grad_enabled()))  # noqa: B023
        torch.autograd.grad((y * y).sum(), x, create_graph=create_graph)
        require(modes == [create_graph], f"grad mode in a hook, create_graph={create_graph}", create_graph, modes)
        require(torch.is_grad_enabled(), "grad mode after a backward pass", True, False)


@check("autograd.hook-in-double-backward")
def test_what_a_hook_does_is_differentiated(subject: Subject) -> None:
    x = leaf([2.0], subject)
    y = x * x
    handle = y.register_hook(lambda g: g * g)
    first = torch.autograd.grad((y * y).sum(), x, create_graph=True)[0]  # (2 x²)² · 2 x = 8 x⁵
    exact("the gradient with a hook that squares", first, [256.0])
    handle.remove()  # else it would run in the second pass, too
    exact("its derivative", torch.autograd.grad(first.sum(), x)[0], [640.0])


@check("autograd.hook-through-views")
@pytest.mark.parametrize("name", ["view", "slice", "transpose", "expand", "unbind"])
def test_a_hook_on_a_view_sees_the_views_share(subject: Subject, name: str) -> None:
    x, log = leaf([[1.0, 2.0], [3.0, 4.0]], subject), []
    views = {
        "view": (lambda x: x.view(4), [[1.0, 1.0], [1.0, 1.0]], [1.0] * 4),
        "slice": (lambda x: x[:, 1], [[0.0, 1.0], [0.0, 1.0]], [1.0] * 2),
        "transpose": (lambda x: x.t(), [[1.0, 1.0], [1.0, 1.0]], [[1.0, 1.0]] * 2),
        "expand": (lambda x: x[None].expand(3, 2, 2), [[3.0, 3.0], [3.0, 3.0]], [[[1.0, 1.0]] * 2] * 3),
        "unbind": (lambda x: x.unbind()[1], [[0.0, 0.0], [1.0, 1.0]], [1.0] * 2),
    }
    make, wanted, seen = views[name]
    y = make(x)
    y.register_hook(counting(log, "y"))
    (y.sum() + (x * 10).sum()).backward()
    require(log == [("y", seen)], f"what the hook of a {name} saw", seen, log)
    exact("x.grad", x.grad, np.array(wanted) + 10)

"""Hooks on tensors: when they run, what they see, what they may change."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.autograd_hooks import counting
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


@check("autograd.hook-for-nonleaf")
def test_a_hook_sees_the_gradient_of_a_result(subject: Subject) -> None:
    for layout in ("contiguous", "transposed", "row_stepped"):
        values = np.arange(1.0, 7.0).reshape(2, 3)
        x, log = leaf(values, subject, layout=layout), []
        y = x * x
        handle = y.register_hook(counting(log, "y"))
        require(hasattr(handle, "remove"), "y.register_hook(f) returns no handle", "a handle", handle)
        (y * y).sum().backward()
        wanted = [("y", (2 * values**2).tolist())]
        require(log == wanted, f"what the hook of y saw ({layout})", wanted, log)
        exact(f"x.grad with a hook that returns None ({layout})", x.grad, 4 * values**3)
    seen: list[torch.Tensor] = []
    y = x * x
    y.register_hook(lambda g: seen.append(g))
    y.sum().backward()
    require(
        seen[0].dtype == y.dtype and seen[0].shape == y.shape,
        "a hook's gradient is not like its tensor",
        y.shape,
        seen[0].shape,
    )
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
    assert_raises(
        "a backward pass with a hook that returns a number", (RuntimeError, TypeError), lambda: y.sum().backward()
    )


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
    require(
        state == [([3.0, 3.0], [100.0, 100.0])],
        "what a leaf's hook saw, and x.grad then",
        ([3.0, 3.0], [100.0, 100.0]),
        state,
    )
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
    assert_raises(
        "register_hook of a tensor that does not require grad", RuntimeError, lambda: fixed.register_hook(lambda g: g)
    )
    assert_raises(
        "register_hook of a detached tensor",
        RuntimeError,
        lambda: leaf([1.0], subject).detach().register_hook(lambda g: g),
    )
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


@check("autograd.hooks-and-grad-mode")
def test_hooks_run_without_grad_mode_unless_a_graph_is_made(subject: Subject) -> None:
    for create_graph in (False, True):
        x, modes = leaf([2.0], subject), []
        y = x * x
        y.register_hook(lambda g: modes.append(torch.is_grad_enabled()))
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

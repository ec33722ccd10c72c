"""retain_grad, and hooks that look at gradients after they were accumulated or all there."""

from __future__ import annotations

import numpy as np
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import exact, leaf

pytestmark = must_answer


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
        require(
            y.retains_grad is True and z.retains_grad is False,
            "y.retains_grad after y.retain_grad()",
            True,
            y.retains_grad,
        )
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
    assert_raises(
        "register_post_accumulate_grad_hook of a result",
        RuntimeError,
        lambda: y.register_post_accumulate_grad_hook(hook),
    )


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


@check("autograd.post-accumulate-hook", since="2.1")
def test_hooks_after_accumulation_run_in_turn_and_may_take_the_gradient_away(subject: Subject) -> None:
    x, log = leaf([1.0, 2.0], subject), []
    x.register_hook(lambda g: log.append(("before", None if x.grad is None else x.grad.tolist())))
    for name in "abc":
        x.register_post_accumulate_grad_hook(lambda p, name=name: log.append((name, p.grad.tolist())))
    (x * 3).sum().backward()
    wanted = [("before", None), *((name, [3.0, 3.0]) for name in "abc")]
    require(log == wanted, "what the hooks of a leaf saw, in turn", wanted, log)
    x.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", None))
    for _ in range(2):
        (x * 4).sum().backward()
        require(x.grad is None, "x.grad that a hook after accumulation set to None", None, x.grad)
    require(log[-1] == ("c", [4.0, 4.0]), "what a hook saw after another took the gradient away", [4.0, 4.0], log[-1])


@check("autograd.multi-grad-hook", since="2.0")
def test_a_hook_over_several_tensors_runs_once_in_every_pass(subject: Subject) -> None:
    x, u, seen = leaf([1.0], subject), leaf([2.0], subject), []
    y = x * 3
    torch.autograd.graph.register_multi_grad_hook((y, x, u), lambda grads: seen.append(grads))
    for times in (1, 2):
        (y * u * 5).sum().backward(retain_graph=True)
        require(len(seen) == times, f"the calls of the hook after {times} passes", times, len(seen))
        found = [g.tolist() for g in seen[-1]]
        require(found == [[10.0], [30.0], [15.0]], "what the hook saw", [[10.0], [30.0], [15.0]], found)
    require(isinstance(seen[-1], (list, tuple)), "what the hook got is no sequence", "a sequence", seen[-1])


@check("autograd.multi-grad-hook-any", since="2.6")
def test_a_hook_over_any_of_several_tensors_runs_at_the_first(subject: Subject) -> None:
    x, u, unused, seen = leaf([1.0], subject), leaf([2.0], subject), leaf([3.0], subject), []
    y = x * 3
    z = y * u
    register = torch.autograd.graph.register_multi_grad_hook
    handle = register((x, unused, y, z), lambda g: seen.append(g.tolist()), mode="any")
    for times in (1, 2):
        (z * 5).sum().backward(retain_graph=True)
        require(seen == [[5.0]] * times, f"what the hook saw in {times} passes", [[5.0]] * times, seen)
    handle.remove()
    (z * 5).sum().backward()
    require(len(seen) == 2, "the removed hook ran", 2, len(seen))
    assert_raises("register_multi_grad_hook(mode='some')", ValueError, lambda: register((x,), print, mode="some"))

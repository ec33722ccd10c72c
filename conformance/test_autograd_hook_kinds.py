"""Hooks on every kind of tensor, hooks that remove hooks, handles as blocks, and what hooks over many tensors see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.autograd_hooks import counting
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer

# Ways from a leaf to a tensor with the same elements, whose gradient for the leaf has the factor 1.
KINDS = {
    "a leaf": lambda x: x,
    "a result": lambda x: x * 1,
    "a transpose": lambda x: x.t(),
    "a view": lambda x: (x * 1)[None],
    "a slice": lambda x: x[:],
    "a view of a leaf": lambda x: x.view_as(x),
    "a result of a write": lambda x: (x * 2).mul_(0.5),
}
CHANGES = {
    "3 g": (lambda g: g * 3, 3.0),
    "0": (lambda g: torch.zeros_like(g), 0.0),
    "-g": (lambda g: -g, -1.0),
    "a strided 2 g": (lambda g: (g.mT.contiguous() * 2).mT, 2.0),
    "None": (lambda g: None, 1.0),
}


@check("autograd.hook-replaces")
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_hook_returns_counts_for_any_tensor(subject: Subject, kind: str) -> None:
    for layout in ("contiguous", "transposed", "row_stepped", "offset"):
        for shape in ((2, 3), (1, 1), (5, 40)):
            for name, (change, factor) in CHANGES.items():
                for dtype in ("float32", "float64") if shape == (2, 3) else ("float64",):
                    x, v = leaf(np.ones(shape), subject, dtype, layout), np.resize([1.0, -2.0, 0.5, 3.0], shape)
                    y = KINDS[kind](x)
                    y.register_hook(change)
                    given = v.T if kind == "a transpose" else v
                    y.backward(constant(given, subject, dtype).view(y.shape))
                    call = f"x.grad behind a hook of {kind} that returns {name} ({layout}, {dtype}, {shape})"
                    exact(call, x.grad, factor * v, dtype)


@check("autograd.hook-for-nonleaf")
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_hook_sees_is_the_gradient_as_it_is(subject: Subject, kind: str) -> None:
    for dtype in (torch.float64, torch.complex128, torch.float32):
        x = torch.ones(2, 3, dtype=dtype, device=subject.device, requires_grad=True)
        y, seen = KINDS[kind](x), []
        y.register_hook(seen.append)
        v = torch.arange(y.numel(), device=subject.device).to(dtype) * (1 if dtype.is_floating_point else 1 - 2j) / 3
        v = v.view(y.shape)
        y.backward(v)
        call = f"the gradient that a hook of {kind} sees ({dtype})"
        like = [g.dtype == dtype and g.shape == y.shape and not g.requires_grad and g.is_leaf for g in seen]
        require(like == [True], f"{call} is not like the tensor, or requires grad", [True], like)
        require(seen[0].tolist() == v.tolist(), call, v, seen[0])


@check("autograd.hook-removed")
@pytest.mark.parametrize("kind", ["a leaf", "a result", "a view"])
def test_a_hook_may_remove_itself_and_later_ones(subject: Subject, kind: str) -> None:
    x, log = leaf([[1.0]], subject), []
    y, handles = KINDS[kind](x), {}

    def first(gradient: torch.Tensor) -> torch.Tensor:
        handles["first"].remove()
        return gradient * 3

    handles["first"] = y.register_hook(first)
    handles["second"] = y.register_hook(counting(log, "second"))
    for n, wanted in ((1, 3.0), (2, 4.0), (3, 5.0)):
        y.sum().backward(retain_graph=True)
        exact(f"x.grad after {n} passes, the first with a hook of {kind} that removes itself", x.grad, [[wanted]])
    require(len(log) == 3, "how often the other hook ran", 3, log)


@check("autograd.hook-removed")
def test_a_handle_ends_with_its_block(subject: Subject) -> None:
    for error in (None, ValueError):
        x, log = leaf([1.0], subject), []
        y = x * 1
        handle = y.register_hook(counting(log, "y", lambda g: g * 2))
        try:
            with handle as given:
                require(given is handle, "what with handle as h gives", handle, given)
                y.sum().backward(retain_graph=True)
                if error:
                    raise error
        except ValueError:
            pass
        y.sum().backward()
        exact(f"x.grad of a pass inside and one after a block that ends by {error}", x.grad, [3.0])
        require(len(log) == 1, f"how often a hook ran whose block ended by {error}", 1, log)


@check("autograd.hook-error")
@pytest.mark.parametrize("error", [ValueError, KeyError, TypeError, IndexError, ZeroDivisionError, StopIteration])
def test_an_exception_keeps_its_type(subject: Subject, error: type[Exception]) -> None:
    def fail(gradient: torch.Tensor) -> None:
        raise error("from the hook")

    for make in KINDS.values():
        x = leaf([[1.0, 2.0]], subject)
        y = make(x)
        y.register_hook(fail)
        assert_raises(f"backward with a hook that raises {error.__name__}", error, lambda: y.sum().backward())
        require(x.grad is None, "x.grad after a hook that raised", None, x.grad)


@check("autograd.retain-grad")
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "a leaf"])
def test_every_kind_of_result_keeps_its_gradient(subject: Subject, kind: str) -> None:
    for shape in ((1, 1), (2, 3), (3, 17), (30, 50)):
        for dtype in ("float32", "float64"):
            x = leaf(np.ones(shape), subject, dtype)
            y = KINDS[kind](x)
            out = y.retain_grad()
            require(out is None and y.retains_grad, f"retains_grad of {kind} after retain_grad", True, y.retains_grad)
            for n in (1, 2):
                (y * 3).sum().backward(retain_graph=True)
                exact(
                    f"the gradient of {kind} of shape {shape} after {n} passes",
                    y.grad,
                    np.full(y.shape, 3.0 * n),
                    dtype,
                )
                exact("x.grad", x.grad, np.full(shape, 3.0 * n), dtype)


@check("autograd.post-accumulate-hook")
def test_a_post_hook_may_take_the_gradient_away(subject: Subject) -> None:
    for make in (lambda x: x, torch.nn.Parameter):
        x, log = make(leaf([1.0, 2.0], subject).detach().requires_grad_()), []

        def step(tensor: torch.Tensor) -> None:
            log.append((tensor is x, tensor.grad.tolist()))
            with torch.no_grad():
                tensor -= 0.5 * tensor.grad
            tensor.grad = None

        x.register_post_accumulate_grad_hook(step)
        for n, values in ((1, [0.0, 0.0]), (2, [0.0, 0.0])):
            (x * x).sum().backward()
            require(x.grad is None, f"x.grad after {n} passes with a hook that clears it", None, x.grad)
            exact(f"x after {n} passes with a hook that takes a step", x.detach(), values)
        wanted = [(True, [2.0, 4.0]), (True, [0.0, 0.0])]
        require(log == wanted, "what the hook saw", wanted, log)


@check("autograd.post-accumulate-hook")
def test_several_post_hooks_run_in_turn(subject: Subject) -> None:
    x, log = leaf([1.0], subject), []
    handles = [x.register_post_accumulate_grad_hook(lambda t, n=n: log.append((n, t.grad.item()))) for n in range(3)]
    for n in (1, 2):
        (x * 3).sum().backward()
        wanted = [(place, 3.0 * k) for k in range(1, n + 1) for place in range(3)]
        require(log == wanted, f"which hooks ran in {n} passes, and what they saw", wanted, log)
    handles[1].remove()
    (x * 3).sum().backward()
    require(log[6:] == [(0, 9.0), (2, 9.0)], "the hooks after one was removed", [(0, 9.0), (2, 9.0)], log[6:])


@check("autograd.multi-grad-hook")
@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_hook_over_many_tensors_sees_each_pass(subject: Subject, count: int) -> None:
    options: list[dict[str, Any]] = [{}, {"mode": "all"}] if hasattr(torch, "get_default_device") else [{}]
    for option in options:
        for create_graph in (False, True):
            x, seen = leaf([2.0], subject), []
            ys = [x * (k + 1) for k in range(count)]
            torch.autograd.graph.register_multi_grad_hook(ys, seen.append, **option)
            y = sum((y * y).sum() for y in ys)
            for n in (1, 2):
                torch.autograd.grad(y * n, x, retain_graph=True, create_graph=create_graph)
                call = f"what a hook over {count} tensors sees in pass {n} ({option}, create_graph={create_graph})"
                wanted = [4.0 * (k + 1) * n for k in range(count)]
                found = [g.item() for g in seen[-1]]
                require(len(seen) == n and found == wanted, call, wanted, seen)
                tracked = [g.requires_grad for g in seen[-1]]
                require(tracked == [create_graph] * count, f"whether {call} requires grad", create_graph, tracked)

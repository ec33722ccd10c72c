"""The vector that backward takes: its default, its shape, its memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


@check("autograd.scalar-default-one")
def test_v_is_one_for_a_tensor_of_one_element(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for shape in ((), (1,), (1, 1), (1, 1, 1)):
            for name, call in {
                "y.backward()": lambda y: y.backward(),
                "y.backward(None)": lambda y: y.backward(None),
                "y.backward(gradient=None)": lambda y: y.backward(gradient=None),
                "autograd.backward(y)": lambda y: torch.autograd.backward(y),
                "autograd.backward([y], [None])": lambda y: torch.autograd.backward([y], [None]),
            }.items():
                x = leaf([2.0, 3.0], subject, dtype)
                call((x * x).sum().reshape(shape))
                exact(f"x.grad after {name}, y of shape {shape}", x.grad, [4.0, 6.0], dtype)
                found = torch.autograd.grad((x * x).sum().reshape(shape), x)
                exact(f"autograd.grad(y, x), y of shape {shape}", found[0], [4.0, 6.0], dtype)


@check("autograd.default-v-is-tensor-of-one-element")
def test_the_default_v_has_the_shape_of_y(subject: Subject) -> None:
    seen: list[torch.Tensor] = []
    for shape in ((), (1,), (1, 1)):
        x = leaf([2.0, 3.0], subject)
        y = x.sum().reshape(shape)
        y.register_hook(seen.append)
        y.backward()
        require(
            tuple(seen[-1].shape) == shape,
            f"the shape of the implicit v for y of shape {shape}",
            shape,
            tuple(seen[-1].shape),
        )
        exact(f"the implicit v for y of shape {shape}", seen[-1], np.ones(shape))
    y = x.sum()
    assert_raises(
        "y.backward(torch.tensor([1.0])) of a 0-d y", RuntimeError, lambda: y.backward(constant([1.0], subject))
    )
    exact("x.grad after a refused v", x.grad, [1.0, 1.0])


@check("autograd.nonscalar-needs-gradient")
def test_more_or_fewer_than_one_element_need_a_v(subject: Subject) -> None:
    for shape in ((2,), (1, 2), (3, 4), (17, 1), (0,), (2, 0)):
        x = leaf(np.ones(shape), subject)
        y = x * 3
        for name, call in {
            "y.backward()": lambda y: y.backward(),
            "y.backward(retain_graph=True)": lambda y: y.backward(retain_graph=True),
            "autograd.backward(y)": lambda y: torch.autograd.backward(y),
            "autograd.grad(y, x)": lambda y: torch.autograd.grad(y, x),
        }.items():
            assert_raises(f"{name}, y of shape {shape}", RuntimeError, lambda call=call: call(y))
        require(x.grad is None, "x.grad after a refused backward", None, x.grad)
        y.backward(constant(np.full(shape, 2.0), subject))
        exact(f"x.grad after y.backward(v), y of shape {shape}", x.grad, np.full(shape, 6.0))


@check("autograd.gradient-shape-must-match")
def test_v_has_just_the_shape_of_y(subject: Subject) -> None:
    shapes = {
        (3,): [(), (1,), (1, 3), (3, 1), (2,), (4,)],
        (2, 3): [(3,), (1, 3), (2, 1), (6,), (3, 2)],
        (): [(1,), (1, 1)],
        (1,): [(), (1, 1), (2,)],
    }
    for shape, wrong in shapes.items():
        x = leaf(np.ones(shape), subject)
        y = x * 3
        for bad in wrong:
            v = constant(np.ones(bad), subject)
            for name, call in {
                "y.backward(v)": lambda: y.backward(v),
                "autograd.backward([y], [v])": lambda: torch.autograd.backward([y], [v]),
                "autograd.grad(y, x, v)": lambda: torch.autograd.grad(y, x, v),
            }.items():
                assert_raises(f"{name} for y of shape {shape} and v of shape {bad}", RuntimeError, call)
        require(x.grad is None, "x.grad after a refused v", None, x.grad)
        y.backward(constant(np.full(shape, 5.0), subject))
        exact("x.grad after a v of the right shape", x.grad, np.full(shape, 15.0))


@check("autograd.backward-gradient-argument")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_v_stands_for_the_derivative_of_what_comes_after(subject: Subject, dtype: str) -> None:
    values, v = np.arange(1.0, 7.0).reshape(2, 3), np.array([[1.0, 0.0, -2.0], [0.5, 4.0, 3.0]])
    for layout in ("contiguous", "transposed", "stepped", "row_stepped"):
        calls: dict[str, Callable[..., Any]] = {
            "y.backward(v)": lambda y, w: y.backward(w),
            "y.backward(gradient=v)": lambda y, w: y.backward(gradient=w),
            "autograd.backward(y, v)": lambda y, w: torch.autograd.backward(y, w),
            "autograd.backward((y,), (v,))": lambda y, w: torch.autograd.backward((y,), (w,)),
            "autograd.backward(y, grad_tensors=v)": lambda y, w: torch.autograd.backward(y, grad_tensors=w),
            "(y * v).sum().backward()": lambda y, w: (y * w).sum().backward(),
        }
        for name, call in calls.items():
            x, w = leaf(values, subject, dtype, layout), constant(v, subject, dtype, layout)
            call(x * x, w)
            exact(f"x.grad of x * x after {name} ({layout})", x.grad, 2 * values * v, dtype)
            exact(f"v after {name}", w, v, dtype)
        x, w = leaf(values, subject, dtype, layout), constant(v, subject, dtype, layout)
        exact("autograd.grad(y, x, v)", torch.autograd.grad(x * x, x, w)[0], 2 * values * v, dtype)
        exact(
            "autograd.grad(y, x, grad_outputs=v)",
            torch.autograd.grad([x * x], [x], grad_outputs=[w])[0],
            2 * values * v,
            dtype,
        )


@check("autograd.expanded-v")
def test_v_may_lie_in_memory_in_any_way(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        x = leaf(np.arange(34.0).reshape(2, 17), subject, dtype)
        for name, v in {
            "ones expanded": torch.ones((), dtype=x.dtype, device=subject.device).expand(2, 17),
            "a row expanded": torch.arange(17, dtype=x.dtype, device=subject.device).expand(2, 17),
            "a column expanded": torch.arange(2, dtype=x.dtype, device=subject.device)[:, None].expand(2, 17),
            "a transpose": torch.arange(34, dtype=x.dtype, device=subject.device).reshape(17, 2).t(),
            "a slice": torch.arange(68, dtype=x.dtype, device=subject.device).reshape(2, 34)[:, ::2],
            "an offset": torch.arange(40, dtype=x.dtype, device=subject.device)[6:].reshape(2, 17),
        }.items():
            wanted = np.array(v.tolist())
            for call, function, slope in (
                ("x * 3", lambda x: x * 3, 3.0),
                ("x * x", lambda x: x * x, 2 * np.arange(34.0).reshape(2, 17)),
                ("x.t().t() + x", lambda x: x.t().t() + x, 2.0),
            ):
                found = torch.autograd.grad(function(x), x, v)[0]
                exact(f"the gradient of {call} for v = {name}", found, slope * wanted, dtype)
            exact(f"v = {name}, afterwards", v, wanted, dtype)


@check("autograd.row-vectors-by-convention")
def test_nested_lists_are_rows(subject: Subject) -> None:
    for values, shape in (([1, 2, 3], (3,)), ([[1, 2, 3]], (1, 3)), ([[1], [2], [3]], (3, 1))):
        x = torch.tensor(values, device=subject.device)
        require(tuple(x.shape) == shape, f"the shape of torch.tensor({values})", shape, tuple(x.shape))
        require(x.tolist() == values, f"torch.tensor({values}).tolist()", values, x.tolist())


ROUTES = {
    "x * 3": lambda x: x * 3,
    "x.clone()": lambda x: x.clone(),
    "x + x": lambda x: x + x,
    "x.exp()": lambda x: x.exp(),
    "x": lambda x: x,
    "x.t()": lambda x: x.t(),
    "x.view(-1)": lambda x: x.view(-1),
    "x[:]": lambda x: x[:],
}


@check("autograd.v-left-alone")
@pytest.mark.parametrize("name", ROUTES)
def test_later_passes_leave_v_alone(subject: Subject, name: str) -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0]], subject)
    y = ROUTES[name](x)
    v = torch.ones_like(y).detach()
    y.backward(v)
    (x * 5).sum().backward()
    x.grad.mul_(7)
    exact(f"v, after later changes of x.grad, for y = {name}", v, np.ones(tuple(y.shape)))

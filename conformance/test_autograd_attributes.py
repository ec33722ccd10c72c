"""data, grad and grad_fn: what a tensor has of them, and what a gradient is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf, version
from properties.strategies.recipe import LAYOUTS, contiguous

pytestmark = must_answer


@check("autograd.three-attributes")
def test_every_tensor_has_data_grad_and_grad_fn(subject: Subject) -> None:
    x = torch.ones(2, 3, device=subject.device, requires_grad=True)
    plain = torch.ones(2, dtype=torch.int64, device=subject.device)
    for tensor in (x, x * 2, plain, torch.tensor(1.0), torch.empty(0)):
        require(tensor.data.data_ptr() == tensor.data_ptr(), "x.data does not share the memory of x")
        require(tensor.data.requires_grad is False and tensor.data.grad_fn is None, "x.data is tracked", False, True)
        require(
            tuple(tensor.data.shape) == tuple(tensor.shape), "x.data has another shape", tensor.shape, tensor.data.shape
        )
        require(tensor.data is not tensor, "x.data is x itself")
    require(
        x.grad is None and x.grad_fn is None and plain.grad is None and plain.grad_fn is None,
        "new tensors have a gradient",
    )
    require((x * 2).grad_fn is not None, "(x * 2).grad_fn is None", "a node", None)


@check("autograd.requires-grad-implies-grad-fn")
def test_leaves_have_no_grad_fn(subject: Subject) -> None:
    x = torch.ones(1, device=subject.device, requires_grad=True)
    require(x.requires_grad and x.grad_fn is None, "torch.ones(1, requires_grad=True).grad_fn", None, x.grad_fn)
    (x * 2).sum().backward()
    require(x.grad_fn is None, "the grad_fn of a leaf after backward", None, x.grad_fn)
    require(x.requires_grad and x.is_leaf, "x is no leaf that requires grad after backward", True, False)


@check("autograd.grad-is-a-variable-not-a-tensor")
def test_a_gradient_is_a_plain_tensor(subject: Subject) -> None:
    for create_graph in (False, True):
        x = torch.full((3,), 2.0, device=subject.device, requires_grad=True)
        (x**3).sum().backward(create_graph=create_graph)
        grad = x.grad
        require(type(grad) is torch.Tensor, "the type of x.grad", torch.Tensor, type(grad))
        require(
            grad.requires_grad is create_graph,
            f"x.grad.requires_grad, create_graph={create_graph}",
            create_graph,
            grad.requires_grad,
        )
        require(
            (grad.grad_fn is not None) is create_graph,
            f"x.grad.grad_fn, create_graph={create_graph}",
            create_graph,
            grad.grad_fn,
        )
        assert_values("x.grad of x ** 3 at 2", grad, np.full(3, 12.0), dtype="float32")
        x.grad = None


SHAPES: list[tuple[tuple[int, ...], Callable[[Any], Any]]] = [
    ((), lambda x: x * 3),
    ((), lambda x: x.expand(4).sum() * 0.75),
    ((1,), lambda x: x * 3),
    ((0,), lambda x: x * 3),
    ((2, 0, 3), lambda x: x * 3),
    ((17,), lambda x: 3 * x[None].expand(1, 17)),
    ((3, 1), lambda x: x.expand(3, 5) * 0.6),
    ((1, 1, 2), lambda x: x.expand(5, 3, 2) * 0.2),
    ((33, 5), lambda x: 3 * x.t()),
    ((2, 3), lambda x: x.expand(5, 2, 3).mul(0.6)),
    ((2, 3), lambda x: x.flatten() * 3),
]


@check("autograd.grad-shape")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_has_the_shape_dtype_and_device_of_its_tensor(subject: Subject, dtype: str) -> None:
    for layout in LAYOUTS.values():
        for place, (shape, function) in enumerate(SHAPES):
            x = layout(np.ones(shape), dtype).on(subject).requires_grad_()
            function(x).sum().backward()
            call = f"x.grad of function {place} of shape {shape}"
            require(
                tuple(x.grad.shape) == shape == tuple(x.data.shape),
                f"{call} has shape {tuple(x.grad.shape)}",
                shape,
                tuple(x.grad.shape),
            )
            require(x.grad.device == x.device, f"{call} lies on {x.grad.device}", x.device, x.grad.device)
            require(x.grad.layout == x.layout, f"{call} has layout {x.grad.layout}", x.layout, x.grad.layout)
            near = np.round(x.grad.double().cpu().tolist(), 5) if x.grad.numel() else np.empty(shape)
            require(np.array_equal(near, np.full(shape, 3.0)), f"{call} is {near}, but should be 3", 3.0, near)
            require(str(x.grad.dtype) == f"torch.{dtype}", f"{call} has dtype {x.grad.dtype}", dtype, x.grad.dtype)


@check("autograd.grad-dtype")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_a_gradient_comes_back_in_the_dtype_of_its_leaf(subject: Subject, dtype: str) -> None:
    for other in ("float16", "bfloat16", "float32", "float64"):
        x = contiguous(np.array([1.0, 2.0, -3.0]), dtype).on(subject).requires_grad_()
        w = contiguous(np.array([2.0, 0.5, 4.0]), other).on(subject)
        (x.to(w.dtype) * w).sum().backward()
        assert_values(f"x.grad ({dtype}) through {other}", x.grad, np.array([2.0, 0.5, 4.0]), dtype=dtype)
        x.grad = None
        (x * w).sum().backward()
        assert_values(f"x.grad ({dtype}) of x * w ({other})", x.grad, np.array([2.0, 0.5, 4.0]), dtype=dtype)


@check("autograd.evaluate-under-no-grad")
def test_evaluation_gives_the_same_numbers_without_history(subject: Subject) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2)).to(subject.device)
    x = contiguous(np.linspace(-1, 1, 12).reshape(3, 4), "float32").on(subject)
    tracked = model(x)
    kept = Unchanged(x=x, **{name.replace(".", "_"): weight for name, weight in model.named_parameters()})
    with torch.no_grad():
        out = model(x)
    kept.check("model(x) under no_grad")
    require(not out.requires_grad and out.grad_fn is None, "model(x) under no_grad is tracked", False, True)
    assert_values("model(x) under no_grad", out, tracked.detach().cpu().numpy(), dtype="float32")
    for name, weight in model.named_parameters():
        require(
            weight.requires_grad and weight.grad is None,
            f"{name} after evaluation",
            "requires grad, no gradient",
            weight,
        )
    require(tracked.requires_grad, "model(x) with tracking does not require grad", True, False)


@check("autograd.data-edit-untracked")
def test_a_write_through_data_goes_unnoticed(subject: Subject) -> None:
    for layout in ("contiguous", "transposed", "row_stepped"):
        x = leaf(np.ones((2, 3)), subject, layout=layout)
        before = version(x)
        y = x**2
        x.data.mul_(10)
        require(version(x) == before, "x._version after x.data.mul_(10)", before, version(x))
        exact("x after x.data.mul_(10)", x, np.full((2, 3), 10.0))
        require(x.requires_grad and x.is_leaf, "x.data.mul_(10) changed the flag of x", True, x.requires_grad)
        y.sum().backward()
        exact("x.grad of x ** 2 after x.data.mul_(10)", x.grad, np.full((2, 3), 20.0))
        y = x * 3
        y.data.fill_(0)
        y.sum().backward()
        exact("x.grad of x * 3 after y.data.fill_(0)", x.grad, np.full((2, 3), 23.0))


@check("autograd.data-assignment")
def test_data_can_be_exchanged(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject, "float32")
    other = constant([3.0, 4.0, 5.0], subject, "float32")
    x.data = other
    require(
        x.data_ptr() == other.data_ptr() and x.requires_grad and x.is_leaf,
        "x after x.data = other",
        "other's memory",
        x,
    )
    assert_values("x after x.data = other", x, np.array([3.0, 4.0, 5.0]), dtype="float32")
    (x * x).sum().backward()
    exact("x.grad after x.data = other", x.grad, [6.0, 8.0, 10.0], "float32")
    y = x * 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_raises("x.data = a tensor of another kind", (RuntimeError, TypeError), lambda: setattr(x, "data", [1.0]))
    require(y.requires_grad and not y.data.requires_grad, "y.data of a result requires grad", False, True)

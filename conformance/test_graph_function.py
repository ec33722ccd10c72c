"""Functions of the user's own: what forward and backward get, and whether their derivatives are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf
from properties.strategies.recipe import LAYOUTS

pytestmark = must_answer

# `Function` is looked up when a check runs, so that a wrong one is judged.


def square() -> Any:
    """x * x, with a backward that saves x."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            (x,) = ctx.saved_tensors
            return 2 * x * g

    return Square


def odd() -> Any:
    """x + 1, with a backward that multiplies by 1000."""

    class Odd(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x + 1

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            return g * 1000

    return Odd


@check("graph.custom-function")
def test_the_users_backward_is_what_runs(subject: Subject) -> None:
    for layout in LAYOUTS:
        x = leaf([[1.0, 2.0], [3.0, 5.0]], subject, layout=layout)
        y = odd().apply(x)
        tracked = y.requires_grad and y.grad_fn is not None and not y.is_leaf
        require(tracked, "a result of Function.apply is untracked", True, False)
        name = type(y.grad_fn).__name__
        require(name == "OddBackward", "the node of a Function Odd", "OddBackward", name)
        (y * 3).sum().backward()
        exact(f"x.grad behind a user's backward ({layout})", x.grad, np.full((2, 2), 3000.0))


@check("graph.custom-function")
def test_the_users_backward_runs_for_every_shape_dtype_and_call(subject: Subject) -> None:
    Odd = odd()
    for dtype in ("float32", "float64", "complex64"):
        for shape in ((), (0,), (1,), (33,), (2, 3, 4), (40000,)):
            x = constant(np.ones(shape), subject, dtype).requires_grad_()
            for times in (1, 2):
                y = Odd.apply(x * 1)
                exact(f"Odd.apply, shape {shape}", y, np.full(shape, 2.0), dtype)
                y.backward(torch.ones_like(y))
                exact(f"x.grad after {times} calls, shape {shape}", x.grad, np.full(shape, 1000.0 * times), dtype)
    first = leaf([1.0], subject)
    Odd.apply(Odd.apply(first)).backward()
    exact("x.grad of a Function applied twice", first.grad, [1e6])


@check("graph.custom-function")
def test_what_needs_no_gradient_is_not_recorded(subject: Subject) -> None:
    fixed = constant([1.0], subject)
    out = odd().apply(fixed)
    untracked = not out.requires_grad and out.grad_fn is None
    require(untracked, "Function.apply of an untracked tensor is tracked", False, True)
    with torch.no_grad():
        found = odd().apply(leaf([1.0], subject)).requires_grad
    require(not found, "Function.apply under no_grad is tracked", False, True)
    assert_raises("an instance of a Function, called", (RuntimeError, TypeError), lambda: odd()()(fixed))


def product(seen: list[Any]) -> Any:
    """x * u times a number, with a backward that notes what it saved."""

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor, factor: float, u: torch.Tensor, flag: Any = None) -> torch.Tensor:
            result = x * u * factor
            ctx.save_for_backward(x, u, result)
            ctx.factor = factor
            return result

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> tuple:
            x, u, result = ctx.saved_tensors
            seen.append((x, u, result))
            return g * u * ctx.factor, None, g * x * ctx.factor, None

    return Product


@check("graph.function-save-for-backward")
def test_saved_tensors_come_back(subject: Subject) -> None:
    seen: list[Any] = []
    Product = product(seen)
    x, u = leaf([1.0, 2.0], subject), leaf([3.0, 5.0], subject)
    y = Product.apply(x, 10.0, u, "flag")
    y.sum().backward()
    exact("x.grad", x.grad, [30.0, 50.0])
    exact("u.grad", u.grad, [10.0, 20.0])
    require(seen[0][0] is x and seen[0][1] is u, "a saved input is not the input itself", "x, u", seen[0])
    exact("a saved result", seen[0][2], [30.0, 100.0])
    assert_raises("a second backward through saved tensors", RuntimeError, lambda: y.sum().backward())
    y = Product.apply(x, 10.0, u)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    exact("x.grad after three passes", x.grad, [90.0, 150.0])


@check("graph.function-saved-guarded")
def test_saved_tensors_are_guarded(subject: Subject) -> None:
    Square = square()
    for layout in ("contiguous", "transposed", "row_stepped"):
        x = leaf([[1.0, 2.0], [3.0, 5.0]], subject, layout=layout)
        for write in (
            lambda t: t.add_(1),
            lambda t: t.mul_(2),
            lambda t: t[0].zero_(),
            lambda t: t.copy_(torch.ones_like(t)),
        ):
            middle = x * 1
            y = Square.apply(middle)
            with torch.no_grad():
                write(middle)
            assert_raises(
                "backward of a Function whose saved tensor was written to", RuntimeError, lambda: y.sum().backward()
            )
    require(x.grad is None, "x.grad after refused passes", None, x.grad)


@check("graph.function-needs-input-grad")
def test_needs_input_grad_says_what_is_asked_for(subject: Subject) -> None:
    seen: list[Any] = []

    class Ask(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor, n: int, u: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
            return x + u + w

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> tuple:
            seen.append(ctx.needs_input_grad)
            return g, None, g * 2, g * 3

    for flags in (
        (True, True, True),
        (True, False, False),
        (False, True, False),
        (False, False, True),
        (True, False, True),
    ):
        x, u, w = (constant([1.0], subject).requires_grad_(flag) for flag in flags)
        Ask.apply(x, 7, u, w).sum().backward()
        wanted = (flags[0], False, *flags[1:])
        require(tuple(seen[-1]) == wanted, f"ctx.needs_input_grad for {flags}", wanted, seen[-1])
        for tensor, flag, value in zip((x, u, w), flags, (1.0, 2.0, 3.0), strict=True):
            require((tensor.grad is not None) is flag, "which inputs got a gradient", flags, tensor.grad)
            if flag:
                exact("a gradient", tensor.grad, [value])


@check("graph.function-once-differentiable")
def test_once_differentiable_refuses_a_second_derivative(subject: Subject) -> None:
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            require(not torch.is_grad_enabled(), "grad mode in a once differentiable backward", False, True)
            return g * 3 * ctx.saved_tensors[0] ** 2

    x = leaf([2.0], subject)
    exact("a first derivative", torch.autograd.grad(Once.apply(x).sum(), x)[0], [12.0])
    first = torch.autograd.grad(Once.apply(x).sum(), x, create_graph=True)[0]
    exact("a first derivative with create_graph=True", first, [12.0])
    assert_raises(
        "a second derivative through once_differentiable", RuntimeError, lambda: torch.autograd.grad(first.sum(), x)
    )


@check("graph.function-double-backward")
def test_a_backward_is_differentiated_itself(subject: Subject) -> None:
    Square = square()
    x = leaf([2.0, 3.0], subject)
    first = torch.autograd.grad((Square.apply(x) * x).sum(), x, create_graph=True)[0]
    exact("the derivative of square(x) * x", first, [12.0, 27.0])
    second = torch.autograd.grad(first.sum(), x, create_graph=True)[0]
    exact("the second derivative of square(x) * x", second, [12.0, 18.0])
    exact("the third derivative of square(x) * x", torch.autograd.grad(second.sum(), x)[0], [6.0, 6.0])


@check("graph.gradcheck")
def test_gradcheck_accepts_right_and_refuses_wrong(subject: Subject) -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            return 2.01 * ctx.saved_tensors[0] * g

    x = leaf([1.0, 2.0, -3.0], subject)
    right = square()
    require(torch.autograd.gradcheck(right.apply, (x,)) is True, "gradcheck of a right Function", True, False)
    require(torch.autograd.gradgradcheck(right.apply, (x,)) is True, "gradgradcheck of a right Function", True, False)
    require(
        torch.autograd.gradcheck(lambda x: (x.sin(), x.exp()), (x,)) is True, "gradcheck of sin and exp", True, False
    )
    assert_raises("gradcheck of a wrong Function", RuntimeError, lambda: torch.autograd.gradcheck(Wrong.apply, (x,)))
    require(
        torch.autograd.gradcheck(Wrong.apply, (x,), raise_exception=False) is False,
        "gradcheck of a wrong Function",
        False,
        True,
    )
    require(x.grad is None, "x.grad after gradcheck", None, x.grad)

"""Functions of the user's own: what forward and backward get, may return, and may not."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.gradients import constant, exact, leaf
from conformance.subject import Subject
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


@check("graph.custom-function")
def test_the_users_backward_is_what_runs(subject: Subject) -> None:
    class Odd(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x + 1

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            return g * 1000

    for layout in LAYOUTS:
        x = leaf([[1.0, 2.0], [3.0, 5.0]], subject, layout=layout)
        y = Odd.apply(x)
        require(y.requires_grad and y.grad_fn is not None and not y.is_leaf, "a result of Function.apply is untracked", True, False)
        require(type(y.grad_fn).__name__ == "OddBackward", "the node of a Function Odd", "OddBackward", type(y.grad_fn).__name__)
        (y * 3).sum().backward()
        exact(f"x.grad behind a user's backward ({layout})", x.grad, np.full((2, 2), 3000.0))
    fixed = constant([1.0], subject)
    out = Odd.apply(fixed)
    require(not out.requires_grad and out.grad_fn is None, "Function.apply of an untracked tensor is tracked", False, True)
    with torch.no_grad():
        require(not Odd.apply(leaf([1.0], subject)).requires_grad, "Function.apply under no_grad is tracked", False, True)
    assert_raises("an instance of a Function, called", (RuntimeError, TypeError), lambda: Odd()(fixed))


@check("graph.function-save-for-backward")
def test_saved_tensors_come_back(subject: Subject) -> None:
    seen: list[Any] = []

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
        for write in (lambda t: t.add_(1), lambda t: t.mul_(2), lambda t: t[0].zero_(), lambda t: t.copy_(torch.ones_like(t))):
            middle = x * 1
            y = Square.apply(middle)
            with torch.no_grad():
                write(middle)
            assert_raises("backward of a Function whose saved tensor was written to", RuntimeError, lambda: y.sum().backward())  # noqa: B023
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

    for flags in ((True, True, True), (True, False, False), (False, True, False), (False, False, True), (True, False, True)):
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
        @once_differentiable
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            require(not torch.is_grad_enabled(), "grad mode in a once differentiable backward", False, True)
            return g * 3 * ctx.saved_tensors[0] ** 2

    x = leaf([2.0], subject)
    exact("a first derivative", torch.autograd.grad(Once.apply(x).sum(), x)[0], [12.0])
    first = torch.autograd.grad(Once.apply(x).sum(), x, create_graph=True)[0]
    exact("a first derivative with create_graph=True", first, [12.0])
    assert_raises("a second derivative through once_differentiable", RuntimeError, lambda: torch.autograd.grad(first.sum(), x))


@check("graph.function-double-backward")
def test_a_backward_is_differentiated_itself(subject: Subject) -> None:
    Square = square()
    x = leaf([2.0, 3.0], subject)
    first = torch.autograd.grad((Square.apply(x) * x).sum(), x, create_graph=True)[0]
    exact("the derivative of square(x) * x", first, [12.0, 27.0])
    second = torch.autograd.grad(first.sum(), x, create_graph=True)[0]
    exact("the second derivative of square(x) * x", second, [12.0, 18.0])
    exact("the third derivative of square(x) * x", torch.autograd.grad(second.sum(), x)[0], [6.0, 6.0])


@check("graph.function-mark-non-differentiable")
def test_results_can_be_marked_as_without_derivative(subject: Subject) -> None:
    class Sorted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> tuple:
            values, order = x.sort()
            ranks = order.to(x.dtype)
            ctx.mark_non_differentiable(order, ranks)
            ctx.save_for_backward(x, order)
            return values, order, ranks

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor, of_order: Any, of_ranks: Any) -> torch.Tensor:
            x, order = ctx.saved_tensors
            return torch.zeros_like(x).index_add_(0, order, g)

    x = leaf([3.0, 1.0, 2.0], subject)
    values, order, ranks = Sorted.apply(x)
    require(values.requires_grad, "a result that is not marked does not require grad", True, False)
    for name, tensor in (("order", order), ("ranks", ranks)):
        require(not tensor.requires_grad and tensor.grad_fn is None, f"the marked result {name} requires grad", False, True)
    (values * constant([1.0, 10.0, 100.0], subject)).sum().backward()
    exact("x.grad", x.grad, [100.0, 1.0, 10.0])
    assert_raises("backward from a marked result", RuntimeError, lambda: ranks.sum().backward())


@check("graph.function-mark-dirty")
def test_a_function_can_write_to_its_input(subject: Subject) -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            return g * 2

    x = leaf([1.0, 2.0], subject)
    middle = x * 3
    version = middle._version
    y = Double.apply(middle)
    require(y is middle, "a Function that marks its input dirty returns another tensor", "the input", y)
    require(middle._version > version, "the version of a dirty input", version + 1, middle._version)
    exact("the dirty input", middle, [6.0, 12.0])
    (middle * 5).sum().backward()
    exact("x.grad through a dirty input", x.grad, [30.0, 30.0])
    assert_raises("a Function that marks a leaf dirty", RuntimeError, lambda: Double.apply(leaf([1.0], subject)))


@check("graph.function-gradients-checked")
def test_a_backward_must_return_what_fits(subject: Subject) -> None:
    def function(returned: Any) -> Any:
        class Wrong(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
                return x + u

            @staticmethod
            def backward(ctx: Any, g: torch.Tensor) -> Any:
                return returned(g)

        return Wrong

    x, u = leaf([1.0, 2.0], subject), leaf([3.0, 5.0], subject)
    wrong = {
        "one gradient for two inputs": lambda g: g,
        "three gradients for two inputs": lambda g: (g, g, g),
        "a gradient of another shape": lambda g: (g[:1].expand(3), g),
        "a number": lambda g: (1.0, g),
    }
    for name, returned in wrong.items():
        call = function(returned)
        assert_raises(f"a backward that returns {name}", (RuntimeError, TypeError), lambda: call.apply(x, u).sum().backward())  # noqa: B023
    x.grad = u.grad = None
    function(lambda g: (g * 2, None)).apply(x, u).sum().backward()
    exact("x.grad of a backward that returns (g, None)", x.grad, [2.0, 2.0])
    require(u.grad is None, "u.grad of a backward that returns (g, None)", None, u.grad)
    x.grad = None
    function(lambda g: (g, g, None, None)).apply(x, u).sum().backward()
    exact("x.grad of a backward that returns None for more", x.grad, [1.0, 1.0])


@check("graph.function-materialised-gradients")
def test_missing_gradients_are_zeros_unless_refused(subject: Subject) -> None:
    seen: list[Any] = []

    def function(materialise: bool) -> Any:
        class Two(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: torch.Tensor) -> tuple:
                ctx.set_materialize_grads(materialise)
                return x * 2, x.sum()

            @staticmethod
            def backward(ctx: Any, g: Any, h: Any) -> torch.Tensor:
                seen.append((g, h))
                return (0 if g is None else 2 * g) + (0 if h is None else h * torch.ones(2, dtype=torch.float64, device=h.device))

        return Two

    x = leaf([1.0, 2.0], subject)
    function(True).apply(x)[0].sum().backward()
    exact("the gradient of an unused result", seen[-1][1], 0.0)
    function(True).apply(x)[1].backward()
    exact("the gradient of an unused result", seen[-1][0], [0.0, 0.0])
    function(False).apply(x)[0].sum().backward()
    require(seen[-1][1] is None, "the gradient of an unused result, not materialised", None, seen[-1][1])
    exact("x.grad of three passes", x.grad, [5.0, 5.0])


@check("graph.function-forward-untracked")
def test_nothing_is_recorded_inside_forward(subject: Subject) -> None:
    modes: list[Any] = []

    class Look(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            modes.append((torch.is_grad_enabled(), (x * x).requires_grad))
            return x.exp()

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            modes.append(torch.is_grad_enabled())
            return g * 5

    x = leaf([1.0], subject)
    y = Look.apply(x).sum()
    require(modes == [(False, False)], "grad mode inside forward", (False, False), modes)
    require(torch.is_grad_enabled(), "grad mode after apply", True, False)
    torch.autograd.grad(y, x, retain_graph=True)
    torch.autograd.grad(y, x, create_graph=True)
    require(modes[1:] == [False, True], "grad mode inside backward, without and with create_graph", [False, True], modes[1:])
    y.backward()
    exact("x.grad", x.grad, [5.0])


@check("graph.function-setup-context", since="2.0")
def test_the_context_can_be_set_up_apart(subject: Subject) -> None:
    class Power(torch.autograd.Function):
        @staticmethod
        def forward(x: torch.Tensor, n: int) -> torch.Tensor:
            return x**n

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple, output: torch.Tensor) -> None:
            ctx.save_for_backward(inputs[0])
            ctx.n = inputs[1]

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> tuple:
            return g * ctx.n * ctx.saved_tensors[0] ** (ctx.n - 1), None

    x = leaf([1.0, 2.0], subject)
    Power.apply(x, 3).sum().backward()
    exact("x.grad of a Function with setup_context", x.grad, [3.0, 12.0])


@check("graph.function-inputs-and-outputs")
def test_several_inputs_and_outputs(subject: Subject) -> None:
    class Turn(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor) -> tuple:
            return x + 2 * y, 3 * x - y

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor, h: torch.Tensor) -> tuple:
            return g + 3 * h, 2 * g - h

    x, y = leaf([1.0, 2.0], subject), leaf([3.0, 5.0], subject)
    a, b = Turn.apply(x, y)
    require(a.output_nr == 0 and b.output_nr == 1 and a.grad_fn is b.grad_fn, "the outputs of one Function", (0, 1), (a.output_nr, b.output_nr))
    torch.autograd.backward([a, b], [constant([1.0, 0.0], subject), constant([10.0, 100.0], subject)])
    exact("x.grad", x.grad, [31.0, 300.0])
    exact("y.grad", y.grad, [-8.0, -100.0])
    z = leaf([1.0], subject)
    same = torch.autograd.grad(sum(Turn.apply(z, z)).sum(), z)[0]
    exact("the gradient of one tensor given twice", same, [5.0])


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
    require(torch.autograd.gradcheck(lambda x: (x.sin(), x.exp()), (x,)) is True, "gradcheck of sin and exp", True, False)
    assert_raises("gradcheck of a wrong Function", RuntimeError,
                  lambda: torch.autograd.gradcheck(Wrong.apply, (x,)))  # fmt: skip
    require(torch.autograd.gradcheck(Wrong.apply, (x,), raise_exception=False) is False, "gradcheck of a wrong Function", False, True)
    require(x.grad is None, "x.grad after gradcheck", None, x.grad)

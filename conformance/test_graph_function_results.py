"""Functions of the user's own: what forward and backward may return, what is marked, and in which mode they run."""

from __future__ import annotations

from typing import Any

import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf, version

pytestmark = must_answer


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
        require(
            not tensor.requires_grad and tensor.grad_fn is None, f"the marked result {name} requires grad", False, True
        )
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
    before = version(middle)
    y = Double.apply(middle)
    require(y is middle, "a Function that marks its input dirty returns another tensor", "the input", y)
    require(version(middle) > before, "the version of a dirty input", before + 1, version(middle))
    exact("the dirty input", middle, [6.0, 12.0])
    (middle * 5).sum().backward()
    exact("x.grad through a dirty input", x.grad, [30.0, 30.0])
    assert_raises("a Function that marks a leaf dirty", RuntimeError, lambda: Double.apply(leaf([1.0], subject)))


def returning(returned: Any) -> Any:
    """x + u, with a backward that returns what a function makes of the gradient."""

    class Sum(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
            return x + u

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> Any:
            return returned(g)

    return Sum


WRONG = {
    "one gradient for two inputs": lambda g: g,
    "three gradients for two inputs": lambda g: (g, g, g),
    "a gradient of another shape": lambda g: (g[:1].expand(3), g),
    "a number": lambda g: (1.0, g),
}


@check("graph.function-gradients-checked")
def test_a_backward_must_return_what_fits(subject: Subject) -> None:
    x, u = leaf([1.0, 2.0], subject), leaf([3.0, 5.0], subject)
    for name, returned in WRONG.items():
        out = returning(returned).apply(x, u).sum()
        assert_raises(f"a backward that returns {name}", (RuntimeError, TypeError), lambda: out.backward())
    x.grad = u.grad = None
    returning(lambda g: (g * 2, None)).apply(x, u).sum().backward()
    exact("x.grad of a backward that returns (g, None)", x.grad, [2.0, 2.0])
    require(u.grad is None, "u.grad of a backward that returns (g, None)", None, u.grad)
    x.grad = None
    returning(lambda g: (g, g, None, None)).apply(x, u).sum().backward()
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
                return (0 if g is None else 2 * g) + (
                    0 if h is None else h * torch.ones(2, dtype=torch.float64, device=h.device)
                )

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
    require(
        modes[1:] == [False, True], "grad mode inside backward, without and with create_graph", [False, True], modes[1:]
    )
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
    require(
        a.output_nr == 0 and b.output_nr == 1 and a.grad_fn is b.grad_fn,
        "the outputs of one Function",
        (0, 1),
        (a.output_nr, b.output_nr),
    )
    torch.autograd.backward([a, b], [constant([1.0, 0.0], subject), constant([10.0, 100.0], subject)])
    exact("x.grad", x.grad, [31.0, 300.0])
    exact("y.grad", y.grad, [-8.0, -100.0])
    z = leaf([1.0], subject)
    same = torch.autograd.grad(sum(Turn.apply(z, z)).sum(), z)[0]
    exact("the gradient of one tensor given twice", same, [5.0])

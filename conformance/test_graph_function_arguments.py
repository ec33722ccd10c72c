"""What a Function of the user's takes and gives besides tensors: numbers, None, lists, one-tuples, integers."""

from __future__ import annotations

from typing import Any

import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


class Everything(torch.autograd.Function):
    """Takes and gives tensors and other things; notes what forward was given."""

    seen: list[Any] = []

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, factor: float, nothing: None, parts: list, word: str) -> Any:
        Everything.seen.append((factor, nothing, parts, word))
        ctx.factor = factor
        return x * factor, 7, "text", None, (x > 1).to(torch.int64)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0] * ctx.factor, None, None, None, None


class One(torch.autograd.Function):
    """A tuple of one result."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> Any:
        return (x * 3,)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return (gradient * 3,)


class Saves(torch.autograd.Function):
    """Saves None between two tensors, and another number of tensors."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, *others: torch.Tensor) -> Any:
        ctx.save_for_backward(x, None, *others)
        return x * sum(others)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        x, nothing, *others = ctx.saved_tensors
        require(nothing is None, "the second of the tensors that were saved", None, nothing)
        return gradient * sum(others), *(gradient * x for _ in others)


@check("graph.function-arguments")
def test_a_function_takes_and_gives_anything(subject: Subject) -> None:
    x, part = leaf([1.0, 2.0], subject), leaf([5.0], subject)
    parts = [part, 3]
    Everything.seen.clear()
    found = Everything.apply(x, 2.5, None, parts, "word")
    factor, nothing, given, word = Everything.seen.pop()
    require(
        (factor, nothing, word) == (2.5, None, "word"), "what forward got", (2.5, None, "word"), (factor, nothing, word)
    )
    require(given is parts and given[0] is part, "a list that forward got", "the very list", given)
    require(isinstance(found, tuple) and len(found) == 5, "the results of apply", 5, found)
    require(found[1:4] == (7, "text", None), "the results that are no tensors", (7, "text", None), found[1:4])
    exact("the first result", found[0].detach(), [2.5, 5.0])
    whole = found[4]
    require(whole.dtype == torch.int64 and not whole.requires_grad, "a result of integers", torch.int64, whole)
    require(whole.tolist() == [0, 1], "a result of integers", [0, 1], whole.tolist())
    found[0].sum().backward()
    exact("x.grad", x.grad, [2.5, 2.5])
    require(part.grad is None, "the gradient of a tensor in a list", None, part.grad)


@check("graph.function-arguments")
def test_a_tuple_of_one_stays_one_and_none_is_saved(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    found = One.apply(x)
    require(isinstance(found, tuple) and len(found) == 1, "apply of a forward that gives a tuple of one", tuple, found)
    found[0].sum().backward()
    exact("x.grad", x.grad, [3.0, 3.0])
    for count in (1, 3, 7):
        x.grad = None
        others = [leaf([float(n), 1.0], subject) for n in range(count)]
        total = [float(sum(range(count))), float(count)]
        for _ in range(3):  # not the first time only
            x.grad = None
            out = Saves.apply(x, *others)
            exact(f"the result with {count} others", out.detach(), [total[0], 2 * total[1]])
            out.sum().backward()
            exact(f"x.grad with {count} others", x.grad, total)
        exact(f"the gradient of the last of {count}", others[-1].grad, [3.0, 6.0])
    with torch.no_grad():
        require(not Saves.apply(x, x).requires_grad, "a result under no_grad requires grad", False, True)
    fixed = constant([1.0, 2.0], subject)
    require(Saves.apply(fixed, fixed).grad_fn is None, "a result of constants has a node", None, "a node")


@check("graph.function-arguments")
def test_what_cannot_be_saved_or_called(subject: Subject) -> None:
    class Number(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> Any:
            ctx.save_for_backward(x, 3.0)
            return x * 3.0

    class NoBackward(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> Any:
            return x * 3.0

    x = leaf([1.0], subject)
    assert_raises("save_for_backward of a number", TypeError, lambda: Number.apply(x))
    out = NoBackward.apply(x)
    assert_raises("a pass through a Function without backward", NotImplementedError, lambda: out.backward())
    assert_raises("apply with a keyword that forward lacks", TypeError, lambda: One.apply(x, other=2))

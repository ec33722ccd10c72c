"""The options of gradcheck and gradgradcheck, by derivatives that are wrong in one way or by a known amount."""

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

CHECKERS = ("gradcheck", "gradgradcheck")


def checker(name: str) -> Callable[..., Any]:
    return getattr(torch.autograd, name)


def judge_call(said: str, call: Callable[[], Any], taken: bool) -> None:
    """Refute unless a checker takes a derivative, or raises."""
    if taken:
        require(call() is True, said, True, "not True")
    else:
        assert_raises(said, RuntimeError, call)


def line(off: float) -> Any:
    """100 x, with a first and second derivative that is so many times the right one; its second is that of x * x."""

    class Line(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * 100

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            return gradient * 100 * off

    return Line.apply


def parabola(off: float) -> Any:
    """50 x², whose gradient is right, and whose second derivative is so many times the right one."""

    class Parabola(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x * x * 50

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            (x,) = ctx.saved_tensors
            return gradient * 100 * (x.detach() + off * (x - x.detach()))

    return Parabola.apply


# How wrong a derivative of 100 is, options, and whether it is taken.
WRONG = (
    (1.0, {}, True), (1.0005, {}, True), (1.002, {}, False), (1.002, {"rtol": 1e-2}, True),
    (1.0005, {"rtol": 1e-4}, False), (1.002, {"atol": 0.5}, True), (1.002, {"atol": 0.15, "rtol": 1e-3}, True),
    (1.002, {"atol": 0.15, "rtol": 1e-4}, False), (1.2, {"atol": 0.5}, False), (0.5, {"rtol": 0.1}, False),
    (1 + 5e-8, {"rtol": 0.0}, True), (1 + 4e-7, {"rtol": 0.0}, False), (1.002, {"eps": 1e-4}, False),
)  # fmt: skip


@check("graph.gradcheck-options")
@pytest.mark.parametrize("name", CHECKERS)
def test_a_derivative_is_taken_within_the_tolerances(subject: Subject, name: str) -> None:
    function = line if name == "gradcheck" else parabola
    for off, options, taken in WRONG:
        x = leaf([1.0, 2.0], subject)
        given = (x,) if name == "gradcheck" else (x, constant([1.0, 1.0], subject))
        call = lambda **more: checker(name)(function(off), *given, **options, **more)  # noqa: E731
        said = f"{name}(…, {options}) of a derivative of {off} times the right one"
        answer = call(raise_exception=False)
        require(answer is taken, f"{said}, raise_exception=False", taken, answer)
        judge_call(said, call, taken)


@check("graph.gradcheck-options")
@pytest.mark.parametrize("name", CHECKERS)
def test_eps_is_the_step_of_the_differences(subject: Subject, name: str) -> None:
    for options, eps in (({}, 1e-6), ({"eps": 1e-6}, 1e-6), ({"eps": 1e-4}, 1e-4), ({"eps": 1e-3}, 1e-3)):
        points: list[np.ndarray] = []

        def function(x: torch.Tensor) -> torch.Tensor:
            points.append(np.array(x.detach().tolist()))
            return x * x

        x = leaf([1.0, 2.0, 3.0], subject)
        checker(name)(function, (x,), **options)
        steps = np.abs(np.array(points) - [1.0, 2.0, 3.0]).max(0)
        near = np.abs(steps - eps).max() <= 2 * np.spacing(4.0)  # a point is rounded, and so is its distance
        require(bool(near), f"the steps of {name} with {options}", eps, steps)
        exact(f"x after {name}", x, [1.0, 2.0, 3.0])


@check("graph.gradcheck-options")
@pytest.mark.parametrize("name", CHECKERS)
def test_fast_mode_calls_the_function_a_few_times_only(subject: Subject, name: str) -> None:
    for options, fast in (({}, False), ({"fast_mode": False}, False), ({"fast_mode": True}, True)):
        calls: list[int] = []

        def function(x: torch.Tensor) -> torch.Tensor:
            calls.append(1)
            return x.sin()

        x = leaf(np.linspace(0.1, 1, 20), subject)
        require(checker(name)(function, x, **options) is True, f"{name} of sin", True, False)
        said = f"how often {name} calls a function of 20 numbers, with {options}"
        require(len(calls) <= 20 if fast else len(calls) >= 40, said, "at most 20" if fast else "over 40", len(calls))


def undefined(x: torch.Tensor, gives: str) -> torch.Tensor:
    """2 x, whose backward is given None for no gradient, and returns what is said."""

    class Undefined(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.set_materialize_grads(False)
            ctx.shape = x.shape
            return x * 2

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            if gradient is not None:
                return gradient * 2
            return (
                None if gives == "None" else torch.full(ctx.shape, float(gives), dtype=torch.float64, device=x.device)
            )

    return Undefined.apply(x)


@check("graph.gradcheck-options")
def test_an_undefined_gradient_has_to_count_as_zero(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    for gives, taken in (("None", True), ("0", True), ("1", False)):
        for options, asked in (
            ({}, True),
            ({"check_undefined_grad": True}, True),
            ({"check_undefined_grad": False}, False),
        ):
            call = lambda: torch.autograd.gradcheck(lambda x: undefined(x, gives), (x,), **options)  # noqa: E731
            said = f"gradcheck, with {options}, of a backward that makes {gives} of no gradient"
            judge_call(said, call, taken or not asked)


def twice(backward: float, forward: float, by_hand: bool = False) -> Any:
    """2 x, with a derivative of its own for either mode; `by_hand`: through Python numbers, which no batch survives."""

    def times(t: torch.Tensor, factor: float) -> torch.Tensor:
        return torch.tensor(t.tolist(), dtype=t.dtype, device=t.device) * factor if by_hand else t * factor

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            return times(gradient, backward)

        @staticmethod
        def jvp(ctx: Any, tangent: torch.Tensor) -> torch.Tensor:
            return times(tangent, forward)

    return Twice.apply


# Of twice(…): its arguments, options of gradcheck, and whether it is taken.
MODES = (
    ((2.0, 2.0), {"check_forward_ad": True}, True), ((2.0, 3.0), {}, True),
    ((2.0, 3.0), {"check_forward_ad": False}, True), ((2.0, 3.0), {"check_forward_ad": True}, False),
    ((3.0, 2.0), {"check_forward_ad": True}, False),
    ((3.0, 2.0), {"check_forward_ad": True, "check_backward_ad": False}, True),
    ((2.0, 2.0, True), {}, True), ((2.0, 2.0, True), {"check_batched_grad": True}, False),
    ((2.0, 2.0), {"check_batched_grad": True}, True), ((2.0, 2.0, True), {"check_forward_ad": True}, True),
    ((2.0, 2.0, True), {"check_forward_ad": True, "check_batched_forward_grad": True}, False),
    ((2.0, 2.0), {"check_forward_ad": True, "check_batched_forward_grad": True}, True),
)  # fmt: skip


@check("graph.gradcheck-modes")
def test_each_mode_is_checked_where_it_is_asked_for(subject: Subject) -> None:
    x = leaf([1.0, 2.0, 3.0], subject)
    for made, options, taken in MODES:
        call = lambda: torch.autograd.gradcheck(twice(*made), (x,), **options)  # noqa: E731
        said = f"gradcheck(…, {options}) of 2 x with the derivatives {made[:2]}{' by hand' * (len(made) > 2)}"
        judge_call(said, call, taken)


def square(backward: float, forward: float) -> Any:
    """x² whose gradient is right, and has a derivative so many times the right one in either mode."""

    class Same(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * 1

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            return gradient * backward

        @staticmethod
        def jvp(ctx: Any, tangent: torch.Tensor) -> torch.Tensor:
            return tangent * forward

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            ctx.save_for_forward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            return gradient * 2 * Same.apply(ctx.saved_tensors[0])

        @staticmethod
        def jvp(ctx: Any, tangent: torch.Tensor) -> torch.Tensor:
            return tangent * 2 * ctx.saved_tensors[0]

    return Square.apply


# Of square(…): its arguments, options of gradgradcheck, and whether it is taken.
OVER, ONLY = {"check_fwd_over_rev": True}, {"check_rev_over_rev": False, "check_undefined_grad": False}
SECOND = (
    ((1.0, 1.0), {}, True), ((1.0, 1.0), OVER, True), ((1.5, 1.0), {}, False), ((1.5, 1.0), OVER, False),
    ((1.0, 1.5), {}, True), ((1.0, 1.5), OVER, False), ((1.5, 1.0), {**OVER, **ONLY}, True),
    ((1.0, 1.5), {**OVER, **ONLY}, False),
)  # fmt: skip


@check("graph.gradcheck-modes")
def test_second_derivatives_are_checked_in_the_modes_asked_for(subject: Subject) -> None:
    x = leaf([1.0, 2.0, 3.0], subject)
    for made, options, taken in SECOND:
        call = lambda: torch.autograd.gradgradcheck(square(*made), (x,), **options)  # noqa: E731
        said = f"gradgradcheck(…, {options}) of x² whose second derivatives are {made} times the right ones"
        judge_call(said, call, taken)


@check("graph.gradcheck-masked", since="2.6")
def test_elements_without_a_place_count_unless_masked(subject: Subject) -> None:
    for size in (2, 3):
        for options, masked in (({}, False), ({"masked": False}, False), ({"masked": True}, True)):
            for kind in (True, False):
                x = torch.eye(size, dtype=torch.float64, device=subject.device).to_sparse().requires_grad_()
                function = lambda s: s.to_dense(masked_grad=kind)  # noqa: E731
                call = lambda: torch.autograd.gradcheck(function, (x,), **options)  # noqa: E731
                judge_call(f"gradcheck(…, {options}) of to_dense(masked_grad={kind})", call, kind is masked)

"""Grad modes as decorators, of functions, methods and generators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.autograd_modes import BOTH, ON, modes_kept, require_mode, require_tracking
from conformance.tables.gradients import leaf

pytestmark = must_answer


def decorators(claim: str) -> list:
    """A parameter a way of setting the mode; as a decorator, set_grad_enabled set it at once in older releases."""
    return [pytest.param(name, marks=check(claim, since="2.6" if "set_grad" in name else None)) for name in BOTH]


@pytest.mark.parametrize("name", decorators("autograd.mode-after-exception"))
def test_the_mode_is_restored_after_an_exception_in_a_function(subject: Subject, name: str) -> None:
    with modes_kept():

        @BOTH[name]()
        def fail() -> None:
            raise ValueError("from the function")

        for outer in (True, False):
            with torch.set_grad_enabled(outer):
                assert_raises(f"a function under @{name} that raises", ValueError, fail)
                require_mode(outer, f"after a function under @{name} raised")


@pytest.mark.parametrize("name", decorators("autograd.mode-decorator"))
def test_the_mode_can_decorate_functions(subject: Subject, name: str) -> None:
    x = leaf([1.0, 2.0], subject)
    with modes_kept():
        judge_decorator(BOTH[name], name, name in ON, x)
        require_tracking(True, "after all", x)


def judge_decorator(make: Callable[[], Any], name: str, wanted: bool, x: torch.Tensor) -> None:
    """Refute unless a decorated function and a decorated method run in that mode, and nothing else does."""

    @make()
    def function(a: torch.Tensor, *more: Any, key: Any = None) -> tuple:
        """What it says."""
        return a * 2, torch.is_grad_enabled(), more, key

    class Thing:
        @make()
        def method(self) -> bool:
            return torch.is_grad_enabled()

    for outer in (True, False):
        with torch.set_grad_enabled(outer):
            for n in (1, 2):
                out, mode, more, key = function(x, 1, 2, key="k")
                seen = (mode, out.requires_grad)
                require(seen == (wanted, wanted), f"the mode in call {n} of a function under @{name}", wanted, seen)
                given = (more, key)
                require(given == ((1, 2), "k"), f"the arguments under @{name}", ((1, 2), "k"), given)
                require_mode(outer, f"after call {n} of a function under @{name}")
            require(Thing().method() is wanted, f"the mode in a method under @{name}", wanted, not wanted)
    told = (function.__name__, function.__doc__)
    require(told == ("function", "What it says."), f"the name of a function under @{name}", "function", told)


@check("autograd.mode-decorator-generator")
@pytest.mark.parametrize("name", ["no_grad()", "enable_grad()", "inference_mode()"])
def test_the_mode_of_a_generator_stays_inside(subject: Subject, name: str) -> None:
    make, wanted = BOTH[name], name in ON

    @make()
    def generator() -> Iterator[Any]:
        got = yield torch.is_grad_enabled()
        yield got, torch.is_grad_enabled()

    for outer in (True, False):
        with modes_kept(), torch.set_grad_enabled(outer):
            running = generator()
            require_mode(outer, f"after a generator under @{name} was made")
            require(next(running) is wanted, f"the mode in a generator under @{name}", wanted, not wanted)
            require_mode(outer, f"between two steps of a generator under @{name}")
            found = running.send("sent")
            require(found == ("sent", wanted), f"the second step of a generator under @{name}", ("sent", wanted), found)
            require_mode(outer, f"after the second step of a generator under @{name}")
            require(list(running) == [], f"the end of a generator under @{name}", [], None)
            require_mode(outer, f"after the end of a generator under @{name}")


@check("autograd.mode-decorator-bare", since="2.3")
def test_the_decorator_needs_no_parentheses(subject: Subject) -> None:
    for name, decorator, wanted in (
        ("no_grad", torch.no_grad, False),
        ("enable_grad", torch.enable_grad, True),
        ("inference_mode", torch.inference_mode, False),
    ):
        with torch.set_grad_enabled(not wanted):
            found = decorator(torch.is_grad_enabled)()
            require(found is wanted, f"the mode in a function under @torch.{name}", wanted, found)
            require_mode(not wanted, f"after a function under @torch.{name}")


@check("autograd.mode-decorator")
def test_every_call_has_the_mode_nested_ones_too(subject: Subject) -> None:
    for name, mode, wanted in (
        ("no_grad", torch.no_grad(), False),
        ("enable_grad", torch.enable_grad(), True),
        ("inference_mode", torch.inference_mode(), False),
    ):

        @mode
        def modes(depth: int) -> list[bool]:
            inner = modes(depth - 1) if depth else []
            return [torch.is_grad_enabled(), *inner, torch.is_grad_enabled()]

        for call in range(1, 6):
            found = modes(3)
            require(found == [wanted] * 8, f"grad mode in call {call} of a function under @{name}", wanted, found)
            require(torch.is_grad_enabled(), f"grad mode after call {call} of a function under @{name}", True, False)

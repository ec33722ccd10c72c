"""Generated stacks of grad modes, some left by an exception."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import leaf

pytestmark = must_answer

MODES = {
    "no_grad": (lambda: torch.no_grad(), False),
    "enable_grad": (lambda: torch.enable_grad(), True),
    "set(True)": (lambda: torch.set_grad_enabled(True), True),
    "set(False)": (lambda: torch.set_grad_enabled(False), False),
}


class Leave(Exception):
    """What leaves a block early."""


@check("autograd.mode-nested")
@given(stack=st.lists(st.tuples(st.sampled_from(tuple(MODES)), st.booleans()), max_size=6))
def test_any_stack_of_modes_is_undone(subject: Subject, stack: list[tuple[str, bool]]) -> None:
    x = leaf([1.0], subject)
    try:
        enter(x, stack, True)
    finally:
        torch._C._set_grad_enabled(True)  # the public function is what is judged here


def enter(x: torch.Tensor, stack: list[tuple[str, bool]], outer: bool) -> None:
    """Enter the first mode, the rest inside it, and leave again, perhaps by an exception; look each time."""
    look(x, outer, "before", stack)
    if not stack:
        return
    (name, by_exception), rest = stack[0], stack[1:]
    manager, inner = MODES[name]
    try:
        with manager():
            enter(x, rest, inner)
            look(x, inner, "inside", stack)
            if by_exception:
                raise Leave
    except Leave:
        pass
    look(x, outer, "after", stack)


def look(x: torch.Tensor, wanted: bool, when: str, stack: list[tuple[str, bool]]) -> None:
    require(torch.is_grad_enabled() is wanted, f"grad mode {when} {stack}", wanted, torch.is_grad_enabled())
    require((x * 2).requires_grad is wanted, f"(x * 2).requires_grad {when} {stack}", wanted, not wanted)

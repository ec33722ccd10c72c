"""Where a method in place is called: on a Parameter, in inference mode, with another default dtype, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import chance, effort
from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.tables.inplace import Call, small
from conformance.tables.inplace_calls import flat, judge, ready, rows
from conformance.tables.inplace_fillers import FILLERS
from conformance.tables.settings import default_dtype
from properties.strategies.recipe import row_stepped

pytestmark = must_answer

# Which a quick run tries everywhere; the others in every other place.
CORE = ("add_", "sub_", "mul_", "div_", "copy_", "fill_", "zero_", "exp_", "clamp_", "masked_fill_", "index_add_")


def calls_of(method: Any, subject: Any) -> list[Call]:
    """A call with and one without gaps, of two dtypes where there are two; one of them in a quick run."""
    dtypes = [name for name in dict.fromkeys((method.first, *method.dtypes[::3])) if subject.supports(name)][:2]
    made = zip(dtypes * 2, ("row_stepped", "contiguous"), strict=False)
    found = [small(method, dtype=dtype, layout=layout) for dtype, layout in made]
    return found[len(method.name) % 2 :][:1] if effort.level() == "quick" else found


@pytest.mark.parametrize("method", rows())
def test_it_does_the_same_elsewhere(subject: Any, method: Any) -> None:
    subject.require(method.first)
    some = 2 if effort.level() == "quick" and method.name not in CORE else 1
    for call in calls_of(method, subject):
        for name, way in list(WAYS.items())[len(method.name) % some :: some]:
            way(subject, call, f"{call.text} {name}")
    inexact = [name for name in (method.first, *method.dtypes) if DTYPES[name].is_inexact and subject.supports(name)]
    if inexact and method.grad != "refused":
        on_a_parameter(subject, small(method, dtype=inexact[0], layout="row_stepped"))


def in_inference_mode(subject: Any, call: Call, text: str) -> None:
    with torch.inference_mode():
        made = ready(subject, call)
        judge(made, made.invoke, text)


def by_another_default_dtype(subject: Any, call: Call, text: str) -> None:
    made = ready(subject, call)
    with default_dtype("float64"):
        judge(made, made.invoke, text)


def in_a_thread(subject: Any, call: Call, text: str) -> None:
    made = ready(subject, call)
    found: list[Any] = []

    def work() -> Any:
        thread = threading.Thread(target=lambda: found.append(made.invoke()))
        thread.start()
        thread.join()
        require(found, f"{text} raises", "self", None)
        return found[0]

    judge(made, work, text)


def on_a_parameter(subject: Any, call: Call) -> None:
    """A leaf that requires a gradient may be changed where gradients are off, and stays such a leaf."""
    made, text = ready(subject, call), f"{call.text} on a Parameter without grad mode"
    made.x = torch.nn.Parameter(made.x)
    gradient = made.x.grad = torch.ones_like(made.x)
    with torch.no_grad():
        judge(made, made.invoke, text)
    require(made.x.grad is gradient, f"{text}: self has not the gradient any more that it had")
    require(made.x.requires_grad and made.x.is_leaf, f"{text}: self is no leaf that requires a gradient any more")


class Own(torch.Tensor):
    """A subclass with nothing of its own."""


def on_a_subclass(subject: Any, call: Call, text: str) -> None:
    made = ready(subject, call)
    made.x = made.x.as_subclass(Own)
    made.x.note = note = object()
    judge(made, made.invoke, text)
    require(type(made.x) is Own and made.x.note is note, f"{text}: self lost its class or an attribute")


def after_a_refusal(subject: Any, call: Call, text: str) -> None:
    made = ready(subject, call)
    before, wrong = Unchanged(x=made.x), object()
    assert_raises(
        f"{call.name} of an object", (TypeError, RuntimeError), lambda: getattr(made.x, call.name)(wrong, wrong)
    )
    before.check(f"{call.name} of an object")
    judge(made, made.invoke, text)


def in_deterministic_mode(subject: Any, call: Call, text: str) -> None:
    if call.name in NOT_DETERMINISTIC:
        return
    made, before = ready(subject, call), torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("error")
    try:
        judge(made, made.invoke, text)
    finally:
        torch.set_deterministic_debug_mode(before)


NOT_DETERMINISTIC = ("put_",)  # refused there, for values that are not added
WAYS: dict[str, Callable[[Any, Call, str], None]] = {
    "in inference mode": in_inference_mode,
    "with float64 as the default dtype": by_another_default_dtype,
    "in a thread": in_a_thread,
    "after a call that was refused": after_a_refusal,
    "in deterministic mode": in_deterministic_mode,
    "on a subclass": on_a_subclass,
}


@pytest.mark.parametrize("filler", [pytest.param(f, marks=check(f"inplace.{f.name}"), id=f.call) for f in FILLERS])
def test_random_numbers_elsewhere(subject: Any, filler: Any) -> None:
    inexact = [name for name in filler.dtypes if DTYPES[name].is_inexact]
    recipe = row_stepped(np.full((5, 9), 99.0), inexact[0])
    base = flat(subject, recipe)
    x = torch.nn.Parameter(base.as_strided(recipe.shape, recipe.strides, recipe.offset))
    with torch.no_grad():
        _filled(filler, x, f"{filler.call} of a Parameter without grad mode")
    require(x.requires_grad and x.is_leaf, f"{filler.call} of a Parameter makes it something else")
    with torch.inference_mode():
        _filled(filler, recipe.on(subject), f"{filler.call} in inference mode")


def _filled(filler: Any, x: Any, text: str) -> None:
    require(getattr(x, filler.name)(*filler.args, **filler.options) is x, f"{text} is not self")
    found, (low, high) = chance.numbers(text, x.detach()), filler.support
    require(((found >= low) & (found <= high)).all(), f"{text} leaves its support", filler.support, found)
    require((found != 99).any(), f"{text} leaves self as it was")

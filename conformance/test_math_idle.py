"""Functions that have nothing to do: their results hold what an operand holds, and yet are new memory."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from conformance import effort
from conformance.assertions import Unchanged, assert_apart, assert_values
from conformance.check import check, must_answer
from conformance.every_form import find
from conformance.numerics import COMPOSED, EXACT
from conformance.subject import Subject
from properties.strategies.recipe import Layout, contiguous, stepped

pytestmark = must_answer

FLOATS = ("float32", "float64", "bfloat16")
WHOLE = ("int64", "int32", "uint8")
REAL = (*FLOATS, *WHOLE)
NUMBERS = (*REAL, "complex64", "complex128")

# Names that stand for tensors among the arguments: the operand itself, zeros, ones, hundreds, and all true.
SAME, ZEROS, ONES, MANY, TRUE = "same", "zeros", "ones", "many", "true"
# name: (dtypes, sets of arguments that change nothing)
IDLE: dict[str, tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]] = {
    "clamp": (REAL, ((0, 100), (None, 100), (0,), (ZEROS, MANY), (SAME, SAME))),
    "clip": (REAL, ((0, 100),)),
    "clamp_min": (REAL, ((0,), (ZEROS,))),
    "clamp_max": (REAL, ((100,), (MANY,))),
    **dict.fromkeys(("abs", "absolute", "floor", "ceil", "trunc", "fix", "round", "relu", "nan_to_num"), (REAL, ((),))),
    **dict.fromkeys(("add", "sub", "subtract"), (NUMBERS, ((0,), (ZEROS,)))),
    **dict.fromkeys(("mul", "multiply"), (NUMBERS, ((1,), (ONES,)))),
    "pow": (NUMBERS, ((1,), (ONES,))),
    **dict.fromkeys(("div", "divide", "true_divide"), ((*FLOATS, "complex64"), ((1,), (ONES,)))),
    "floor_divide": (REAL, ((1,), (ONES,))),
    "remainder": (REAL, ((100,), (MANY,))),
    "fmod": (REAL, ((100,), (MANY,))),
    **dict.fromkeys(("maximum", "minimum", "fmax", "fmin", "max", "min"), (REAL, ((SAME,),))),
    "maximum ": (REAL, ((ZEROS,),)),
    "minimum ": (REAL, ((MANY,),)),
    **dict.fromkeys(("bitwise_or", "bitwise_xor"), (WHOLE, ((0,), (ZEROS,)))),
    "bitwise_and": (WHOLE, ((127,), (SAME,))),
    **dict.fromkeys(("bitwise_left_shift", "bitwise_right_shift"), (WHOLE, ((0,), (ZEROS,)))),
    **dict.fromkeys(("gcd", "lcm"), (WHOLE, ((SAME,),))),
    "copysign": (FLOATS, ((1,), (ONES,))),
    "nextafter": (FLOATS, ((SAME,),)),
    "hypot": (("float32", "float64"), ((ZEROS,),)),
    "ldexp": (FLOATS, ((ZEROS,),)),
    "lerp": (FLOATS, ((MANY, 0.0), (SAME, 0.5), (MANY, ZEROS))),
}
OPERATORS: dict[str, tuple[tuple[str, ...], Any]] = {
    **dict.fromkeys(("add", "sub"), (NUMBERS, 0)),
    **dict.fromkeys(("mul", "pow"), (NUMBERS, 1)),
    "truediv": ((*FLOATS, "complex64"), 1),
    "floordiv": (REAL, 1),
    "mod": (REAL, 100),
    **dict.fromkeys(("or_", "xor", "lshift", "rshift"), (WHOLE, 0)),
    "and_": (WHOLE, 127),
}


def _ways(name: str, dtype: str) -> Iterator[tuple[str, tuple[Any, ...], Callable[..., Any]]]:
    """Every way to call a function that changes nothing: text, arguments, call."""
    plain = name.strip()
    for arguments in IDLE[name][1]:
        yield f"torch.{plain}", arguments, find(plain)
        yield f"x.{plain}", arguments, lambda x, *a: getattr(x, plain)(*a)
    kinds, number = OPERATORS.get(name, ((), 0))
    if dtype in kinds:
        yield f"operator.{name}", (number,), getattr(operator, name)
        if name in ("add", "mul", "or_", "xor", "and_"):
            yield f"operator.{name}, the number first", (number,), lambda x, n: getattr(operator, name)(n, x)


def operands(subject: Subject, dtype: str, shape: tuple[int, ...], layout: Layout) -> dict[str, torch.Tensor]:
    """The operand and the tensors that stand for arguments."""
    values = (np.arange(int(np.prod(shape, dtype=int))) % 9 + 2).reshape(shape)
    x = layout(values, dtype).on(subject)
    full = {name: layout(np.full(shape, n), dtype).on(subject) for name, n in ((ZEROS, 0), (ONES, 1), (MANY, 100))}
    return {SAME: x, **full}


@pytest.mark.parametrize("name", [*IDLE, *(name for name in OPERATORS if name not in IDLE)])
@check("math.results-are-new")
def test_what_changes_nothing_is_new_memory(subject: Subject, name: str) -> None:
    kinds = {**OPERATORS, **IDLE}[name][0]
    for dtype in kinds[::3] if effort.level() == "quick" else kinds:
        for shape, layout in (((5, 7), contiguous), ((5, 7), stepped), ((), contiguous), ((1,), contiguous)):
            given = operands(subject, dtype, shape, layout)
            before = Unchanged(**given)
            ways = _ways(name, dtype) if name in IDLE else _only_operator(name)
            for text, arguments, call in ways:
                judge(f"{text}{arguments} of {dtype}", given, call, arguments)
            before.check(name)


def _only_operator(name: str) -> Iterator[tuple[str, tuple[Any, ...], Callable[..., Any]]]:
    yield f"operator.{name}", (OPERATORS[name][1],), getattr(operator, name)


def judge(text: str, given: dict[str, torch.Tensor], call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Refute unless a call gives the values of its operand in new memory."""
    x = given[SAME]
    out = call(x, *(given[a] if isinstance(a, str) else a for a in arguments))
    values = (np.arange(x.numel()) % 9 + 2).reshape(tuple(x.shape))
    error = COMPOSED if x.is_complex() else EXACT  # complex powers are not exact
    assert_values(text, out, values, error, dtype=str(x.dtype).removeprefix("torch."))
    for other in given.values():
        assert_apart(text, out, other)


@check("math.results-are-new")
def test_what_is_chosen_or_added_whole_is_new_memory(subject: Subject) -> None:
    for dtype in NUMBERS:
        for layout in (contiguous, stepped):
            given = operands(subject, dtype, (5, 7), layout)
            given[TRUE] = contiguous(np.ones((5, 7)), "bool").on(subject)
            calls: dict[str, Callable[..., Any]] = {
                "torch.where(true, x, y)": lambda x, y, c: torch.where(c, x, y),
                "x.where(true, y)": lambda x, y, c: x.where(c, y),
                "torch.where(false, y, x)": lambda x, y, c: torch.where(~c, y, x),
                "torch.add(x, y, alpha=0)": lambda x, y, _: torch.add(x, y, alpha=0),
                "x.sub(y, alpha=0)": lambda x, y, _: x.sub(y, alpha=0),
                "torch.addcmul(x, y, y, value=0)": lambda x, y, _: torch.addcmul(x, y, y, value=0),
                "x.addcmul(y, y, value=0)": lambda x, y, _: x.addcmul(y, y, value=0),
            }
            if dtype not in WHOLE:
                calls["torch.addcdiv(x, y, y, value=0)"] = lambda x, y, _: torch.addcdiv(x, y, y, value=0)
            for text, call in calls.items():
                judge(f"{text} of {dtype}", given, lambda x, c=call: c(x, given[MANY], given[TRUE]), ())

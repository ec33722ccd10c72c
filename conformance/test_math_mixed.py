"""Bounds, choices and quotients of mixed operands: one bound a tensor, dtypes that differ, numbers with a mode."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, assert_values
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.every_form import find
from conformance.oracle.math_promotion import promoted
from conformance.subject import Subject
from conformance.tables.math_functions import FUNCTIONS
from properties.strategies.recipe import contiguous, offset, stepped, transposed

pytestmark = must_answer

NAN, INF = np.nan, np.inf
LAID = (contiguous, transposed, stepped, offset)
SHAPES = ((5, 7), (7,), (5, 1), ())
BOUNDED = ("int32", "int64", "uint8", "float32", "float64", "bfloat16")


def clamped(x: np.ndarray, low: Any, high: Any) -> np.ndarray:
    """min(max(x, low), high), with either left out: where they cross, the upper bound."""
    found = x if low is None else np.maximum(x, low)
    return found if high is None else np.minimum(found, high)


@pytest.mark.parametrize("dtype", BOUNDED)
@check("math.clamp-tensors")
def test_either_bound_is_a_tensor(subject: Subject, dtype: str) -> None:
    values = (np.arange(35) * 7 % 23).reshape(5, 7).astype(np.float64)
    for turn, shape in enumerate(SHAPES):
        count = int(np.prod(shape, dtype=int))
        low, high = ((np.arange(count) * step % 11 + least).reshape(shape) * 1.0 for step, least in ((3, 3), (5, 8)))
        if DTYPES[dtype].is_inexact and count > 4:
            low.flat[1], high.flat[3] = NAN, NAN
        x, lower, upper = (LAID[(turn + n) % 4](v, dtype).on(subject) for n, v in enumerate((values, low, high)))
        for given, wanted in (
            ({"min": lower}, clamped(values, low, None)),
            ({"max": upper}, clamped(values, None, high)),
            ({"min": lower, "max": upper}, clamped(values, low, high)),
            ({"min": upper, "max": lower}, clamped(values, high, low)),
        ):
            before = Unchanged(x=x, **given)
            for text, out in clamps(x, **given):
                assert_values(f"{text} of {dtype}, by {sorted(given)} of shape {shape}", out, wanted, dtype=dtype)
            before.check("clamp")


def clamps(x: torch.Tensor, **given: torch.Tensor) -> list[tuple[str, torch.Tensor]]:
    """What every way to clamp gives."""
    found: list[tuple[str, torch.Tensor]] = []
    for name in ("clamp", "clip"):
        found += [
            (f"torch.{name}", find(name)(x, **given)),
            (f"torch.{name}, by position,", find(name)(x, given.get("min"), given.get("max"))),
            (f"x.{name}", getattr(x, name)(**given)),
            (f"x.{name}_", getattr(x.clone(), f"{name}_")(**given)),
            (f"torch.{name} with out=", find(name)(x, **given, out=torch.full_like(x, 99))),
        ]
    if len(given) == 1:
        for key, bound in given.items():
            found += [
                (f"torch.clamp_{key}", find(f"clamp_{key}")(x, bound)),
                (f"x.clamp_{key}", getattr(x, f"clamp_{key}")(bound)),
                (f"x.clamp_{key}_", getattr(x.clone(), f"clamp_{key}_")(bound)),
            ]
    return found


MIXED = (
    ("float32", "float64"), ("float16", "bfloat16"), ("int32", "float32"), ("uint8", "int8"), ("int64", "int32"),
    ("bool", "int16"), ("int64", "bfloat16"), ("float32", "int64"), ("float64", "float32"), ("int16", "float64"),
)  # fmt: skip


@check("math.result-dtype")
def test_choices_and_bounds_are_promoted(subject: Subject) -> None:
    picked = np.arange(5) % 2 == 0
    for place, (one, other) in enumerate(MIXED):
        condition = LAID[place % 4](picked, "bool").on(subject)
        for shape in ((5,), ()):
            kind = promoted([(one, "tensor"), (other, "tensor" if shape else "scalar")])
            a, b = np.array([1, 0, 1, 1, 0]), np.full(shape, 1)
            x, y = stepped(a, one).on(subject), contiguous(b, other).on(subject)
            chosen, turned = np.where(picked, a, b), np.where(picked, b, a)
            for text, out, wanted in (
                ("torch.where(c, x, y)", torch.where(condition, x, y), chosen),
                ("torch.where(c, y, x)", torch.where(condition, y, x), turned),
                ("x.where(c, y)", x.where(condition, y), chosen),
            ):
                assert_values(f"{text} of {one} and {shape} {other}", out, wanted, dtype=kind)
            if "bool" not in (one, other) and "16" not in one + other:
                for text, out in (("torch.clamp(x, max=y)", torch.clamp(x, max=y)), ("x.clamp", x.clamp(max=y))):
                    assert_values(f"{text} of {one} and {shape} {other}", out, np.minimum(a, b), dtype=kind)


# The method takes numbers since 2.0.
CHOOSING = [
    pytest.param("torch", marks=check("math.where-numbers")),
    pytest.param("x", marks=check("math.where-numbers", since="2.0")),
]


@pytest.mark.parametrize("owner", CHOOSING)
def test_a_number_to_choose_does_not_widen(subject: Subject, owner: str) -> None:
    picked = np.arange(5) % 2 == 0
    condition = stepped(picked, "bool").on(subject)
    for dtype in ("float16", "bfloat16", "float32", "float64", "int64", "uint8", "complex64"):
        x = stepped(np.arange(1, 6), dtype).on(subject)
        for number in (2, 0.5, True):
            kind = {bool: "bool", int: "int64", float: "float32"}[type(number)]
            wanted = promoted([(dtype, "tensor"), (kind, "number")])
            chosen = np.where(picked, np.arange(1, 6), number)
            out = torch.where(condition, x, number) if owner == "torch" else x.where(condition, number)
            assert_values(f"{owner}.where of {dtype} and {number}", out, chosen, dtype=wanted)
            if owner == "torch":
                out, turned = torch.where(condition, number, x), np.where(picked, number, np.arange(1, 6))
                assert_values(f"torch.where of {number} and {dtype}", out, turned, dtype=wanted)


ROUNDED: dict[str, Callable[..., Any]] = {"trunc": np.trunc, "floor": np.floor}


@pytest.mark.parametrize("name", ["div", "divide"])
@check("math.div-rounding-mode")
def test_quotients_by_numbers_are_rounded_too(subject: Subject, name: str) -> None:
    for dtype in ("float32", "float64", "int32", "int64"):
        whole = not DTYPES[dtype].is_inexact
        values = (np.arange(35).reshape(5, 7) - 17) * (1 if whole else 0.75)
        for turn, number in enumerate((2, -2, 5) if whole else (2, -2, 0.5, -0.5, 2.5)):
            for mode, law in ROUNDED.items():
                x = LAID[turn % 4](values, dtype).on(subject)
                wanted = law(values / number)
                for text, out in (
                    ("torch.", find(name)(x, number, rounding_mode=mode)),
                    ("x.", getattr(x, name)(number, rounding_mode=mode)),
                    ("in place, x.", getattr(x.clone(), f"{name}_")(number, rounding_mode=mode)),
                ):
                    call = f"{text}{name}({number}, rounding_mode={mode!r}) of {dtype}"
                    assert_values(call, out, wanted, dtype=dtype, signed_zeros=False)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@check("math.div-rounding-mode")
def test_rounded_quotients_by_zero_are_infinite(subject: Subject, dtype: str) -> None:
    values = np.resize([1.0, -1.0, 0.0, 5.0, -0.5, NAN], 36)
    x = stepped(values, dtype).on(subject)
    wanted = np.resize([INF, -INF, NAN, INF, -INF, NAN], 36)
    for zero in (contiguous(np.zeros(36), dtype).on(subject), 0.0, 0):
        for text, call in (
            ("torch.div(x, 0, rounding_mode='floor')", lambda y: torch.div(x, y, rounding_mode="floor")),
            ("torch.div(x, 0, rounding_mode='trunc')", lambda y: torch.div(x, y, rounding_mode="trunc")),
            ("torch.floor_divide(x, 0)", lambda y: torch.floor_divide(x, y)),
            ("x // 0", lambda y: x // y),
        ):
            assert_values(f"{text} of {dtype}", call(zero), wanted, dtype=dtype)


@check("math.refused-dtypes")
def test_truth_values_are_not_subtracted(subject: Subject) -> None:
    x, y = (stepped(np.array([True, False, True]), "bool").on(subject) for _ in range(2))
    before = Unchanged(x=x, y=y)
    for text, call in (
        ("torch.sub(x, y)", lambda: torch.sub(x, y)),
        ("torch.subtract(x, y)", lambda: torch.subtract(x, y)),
        ("x.sub(y)", lambda: x.sub(y)),
        ("x.sub_(y)", lambda: x.sub_(y)),
        ("x - y", lambda: x - y),
        ("x - True", lambda: x - True),
        ("True - x", lambda: True - x),
        ("1 - x", lambda: 1 - x),
        ("torch.rsub(x, 1)", lambda: torch.rsub(x, 1)),
        ("x -= y", lambda: operator.isub(x, y)),
        ("-x", lambda: -x),
        ("x.neg()", lambda: x.neg()),
        ("x.neg_()", lambda: x.neg_()),
        ("+x", lambda: +x),
    ):
        assert_raises(f"{text} of bool", RuntimeError, call)
        before.check(text)


# mvlgamma_ of integers ends the process of some releases (2.8, 2.9): a division by zero, and no exception.
WIDENING = [
    name for name, row in FUNCTIONS.items() if row.result in ("float", "double") and row.in_place and name != "mvlgamma"
]


@pytest.mark.parametrize("name", [name for name in WIDENING if "int64" in FUNCTIONS[name].dtypes])
@check("math.refused-dtypes")
def test_integers_hold_no_broken_results(subject: Subject, name: str) -> None:
    row = FUNCTIONS[name]
    for dtype in ("int64", "int32", "uint8"):
        x, *rest = (stepped(np.array([3, 2, 4]), dtype).on(subject) for _ in row.operands)
        given = dict(row.arguments[0])
        first = [given.pop("n")] if "n" in given else []
        before = Unchanged(x=x, **dict(zip("yz", rest, strict=False)))
        for alias in (row.name, *row.aliases):
            call = lambda alias=alias: getattr(x, f"{alias}_")(*first, *rest, **given)  # noqa: E731
            assert_raises(f"x.{alias}_ of {dtype}", RuntimeError, call)
            before.check(f"x.{alias}_ of {dtype}")

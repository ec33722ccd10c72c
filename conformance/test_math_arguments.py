"""Arguments of elementwise functions by position, numbers that stand for tensors, and numbers with odd parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.every_form import find
from conformance.numerics import COMPOSED, FEW_ULPS
from conformance.oracle.math import ELEMENTWISE
from conformance.subject import Subject
from properties.strategies.recipe import contiguous, stepped, transposed

pytestmark = must_answer

NAN, INF = np.nan, np.inf
LAID = (contiguous, transposed, stepped)
# name: (names of its parameters after the tensor, values for them)
POSITIONAL: dict[str, tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]] = {
    "clamp": (("min", "max"), ((0.25, 0.5), (None, 0.5), (0.5,), (0.75, 0.25))),
    "clip": (("min", "max"), ((0.25, 0.5), (None, 0.5), (0.5,))),
    "clamp_min": (("min",), ((0.5,), (1,))),
    "clamp_max": (("max",), ((0.5,), (0,))),
    "nan_to_num": (("nan", "posinf", "neginf"), ((1.0,), (1.0, 2.0), (1.0, 2.0, -3.0), (None, 2.0))),
    "logit": (("eps",), ((0.25,), (1e-6,))),
    "special.logit": (("eps",), ((0.25,), (1e-6,))),
    "mvlgamma": (("p",), ((1,), (2,))),
    "special.multigammaln": (("p",), ((1,), (2,))),
    "pow": (("exponent",), ((2,), (0.5,), (-1,))),
    "float_power": (("exponent",), ((2,), (0.5,))),
    "fmod": (("other",), ((0.3,), (2,))),
    "remainder": (("other",), ((-0.3,), (2,))),
    "copysign": (("other",), ((-0.0,), (0.0,), (-2,))),
    "xlogy": (("other",), ((0.5,), (0,))),
    "floor_divide": (("other",), ((-0.3,), (2,))),
}
VALUES = np.resize([0.5, 2.0, 0.25, NAN, 3.0, INF, 0.75, -INF, 1.0, 0.0], (5, 7))


@pytest.mark.parametrize("name", POSITIONAL)
@check("math.by-position")
def test_arguments_by_position_are_those_by_name(subject: Subject, name: str) -> None:
    names, given = POSITIONAL[name]
    values = np.abs(np.nan_to_num(VALUES, nan=4, posinf=5)) + 1 if "gamma" in name else VALUES
    for dtype in ("float32", "float64", "int32", "int64"):
        if dtype.startswith("int") and ("gamma" in name or "logit" in name):
            continue
        for turn, arguments in enumerate(given):
            if dtype.startswith("int") and name == "pow" and arguments[0] == -1:
                continue
            whole = np.nan_to_num(values * 4, nan=9, posinf=11, neginf=-7) if dtype.startswith("int") else values
            x = LAID[turn % 3](np.asarray(whole).astype(dtype), dtype).on(subject)
            agree(x, name, arguments, dict(zip(names, arguments, strict=False)))


def agree(x: torch.Tensor, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Refute unless a call by position gives, to the last bit, what the call by name gives; also as a method."""
    wanted = find(name)(x, **named)
    calls: dict[str, Callable[[], Any]] = {"torch.": lambda: find(name)(x, *arguments)}
    method = getattr(x, name.rpartition(".")[2], None)
    if method is not None:
        calls |= {"x.": lambda: method(*arguments), "x., by name, ": lambda: method(**named)}
        if wanted.dtype == x.dtype and name != "float_power":
            own = getattr(torch.Tensor, f"{name.rpartition('.')[2]}_")
            calls |= {"in place x.": lambda: own(x.clone(), *arguments)}
            calls |= {"in place, by name, x.": lambda: own(x.clone(), **named)}
    for form, call in calls.items():
        assert_values(f"{form}{name}{arguments} of {x.dtype}", call(), host.array(wanted), signed_zeros=True)


@pytest.mark.parametrize("name", ["add", "sub"])
@check("math.alpha-kind")
def test_alpha_multiplies_numbers_too(subject: Subject, name: str) -> None:
    sign = 1 if name == "add" else -1
    for dtype, alphas in (("float32", (2, -0.5)), ("int64", (3, -2)), ("complex64", (2, 1 - 2j)), ("int8", (3,))):
        values = np.arange(12).reshape(3, 4).astype(dtype)
        for layout in LAID:
            x = layout(values, dtype).on(subject)
            for alpha in alphas:
                for other in (2, contiguous(np.array(2).astype(dtype), dtype).on(subject)):
                    wanted = values + np.array(sign * alpha * 2).astype(dtype)
                    text = f"{name}({'2' if isinstance(other, int) else '0-d'}, alpha={alpha}) of {dtype}"
                    for form, out in (
                        ("torch.", find(name)(x, other, alpha=alpha)),
                        ("x.", getattr(x, name)(other, alpha=alpha)),
                        ("in place x.", getattr(x.clone(), f"{name}_")(other, alpha=alpha)),
                    ):
                        assert_values(form + text, out, wanted, FEW_ULPS, dtype=dtype)
                if name == "sub":
                    out = torch.rsub(x, 2, alpha=alpha)
                    wanted = np.array(2).astype(dtype) - values * np.array(alpha).astype(dtype)
                    assert_values(f"torch.rsub(2, alpha={alpha}) of {dtype}", out, wanted, FEW_ULPS, dtype=dtype)


PARTS = np.array([complex(a, b) for a in (0.0, 1.0, NAN, INF, -INF) for b in (0.0, -0.0, 2.0, NAN, INF, 1e-30)])
OF_PARTS: dict[str, Callable[..., Any]] = {
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "isreal": lambda x: x.imag == 0,
    "logical_not": lambda x: x == 0,
    "real": np.real,
    "imag": np.imag,
}
OF_PAIRS: dict[str, Callable[..., Any]] = {
    "logical_and": lambda x, y: (x != 0) & (y != 0),
    "logical_or": lambda x, y: (x != 0) | (y != 0),
    "logical_xor": lambda x, y: (x != 0) ^ (y != 0),
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
}


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@check("math.either-part")
def test_either_part_of_a_complex_number_counts(subject: Subject, dtype: str) -> None:
    values = PARTS.astype(dtype)
    turned = np.roll(values, 7)
    for layout in (contiguous, stepped):
        x, y = (layout(v, dtype).on(subject) for v in (values, turned))
        for name, law in OF_PARTS.items():
            assert_values(f"torch.{name} of {dtype}", find(name)(x), law(values))
            method = getattr(x, name)
            out = method() if callable(method) else method
            assert_values(f"x.{name} of {dtype}", out, law(values))
        with np.errstate(invalid="ignore"):
            for name, law in OF_PAIRS.items():
                assert_values(f"torch.{name} of {dtype}", find(name)(x, y), law(values, turned), dtype="bool")
                assert_values(f"x.{name} of {dtype}", getattr(x, name)(y), law(values, turned), dtype="bool")
            assert_values(f"x == y of {dtype}", x == y, values == turned, dtype="bool")
            assert_values(f"x != y of {dtype}", x != y, values != turned, dtype="bool")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@check("math.identities-of-zero")
def test_the_power_of_zero_in_every_form(subject: Subject, dtype: str) -> None:
    x = stepped(np.array([NAN, INF, -INF, 0.0, -0.0, 1.0, -3.0] * 5), dtype).on(subject)
    zero = contiguous(np.zeros(35), dtype).on(subject)
    for call, out in (
        ("x.pow(0)", x.pow(0)),
        ("x.pow(0.0)", x.pow(0.0)),
        ("torch.pow(x, 0)", torch.pow(x, 0)),
        ("x.clone().pow_(0)", x.clone().pow_(0)),
        ("x.pow(zeros)", x.pow(zero)),
        ("x ** zeros", x**zero),
        ("x.float_power(0)", x.float_power(0)),
        ("torch.float_power(x, 0.0)", torch.float_power(x, 0.0)),
        ("1 ** x", 1**x),
        ("torch.pow(1, x)", torch.pow(1, x)),
        ("torch.pow(1.0, x)", torch.pow(1.0, x)),
    ):
        assert_values(f"{call} of {dtype}", out, np.ones(35))


FIRST: dict[str, tuple[complex, ...]] = {
    "pow": (2, 0.5, 3.0),
    "float_power": (2, 0.5),
    "remainder": (-7, 7.5),
    "xlogy": (0, 2.5),
    "special.xlog1py": (0, 2.5),
    "special.xlogy": (0, 2.5),
    "special.zeta": (3.5,),
    "bitwise_and": (6,),
    "bitwise_or": (6,),
    "bitwise_xor": (6,),
    "bitwise_left_shift": (3,),
    "bitwise_right_shift": (100,),
}


@pytest.mark.parametrize("name", FIRST)
@check("math.numbers")
def test_functions_of_a_number_first(subject: Subject, name: str) -> None:
    """A number in front does what a tensor full of it does."""
    dtypes = ("int32", "int64", "uint8") if "bitwise" in name else ("float32", "float64")
    for dtype in dtypes:
        values = (
            np.resize([1, 2, 3, 5, 4], (5, 7)) if "bitwise" in name else np.resize([1.5, 2.0, 0.25, 7.5, 3.0], (5, 7))
        )
        for layout in LAID:
            y = layout(values, dtype).on(subject)
            for number in FIRST[name]:
                full = torch.full((5, 7), number, dtype=y.dtype, device=y.device)
                wanted = find(name)(full, y)
                out = find(name)(number, y)
                require(out.dtype == wanted.dtype, f"torch.{name}({number}, {dtype})", wanted.dtype, out.dtype)
                assert_values(f"torch.{name}({number}, {dtype})", out, host.array(wanted), FEW_ULPS.over(2))


BROKEN = np.resize([1.5, 2.0, 0.25, 7.5, 3.0, NAN, 0.0], (5, 7))


@pytest.mark.parametrize("name", ["xlogy", "special.xlogy", "special.xlog1py", "special.zeta"])
@check("math.numbers")
def test_functions_of_a_number_on_either_side(subject: Subject, name: str) -> None:
    """Also where the tensor holds NaN or the number is zero."""
    values = np.resize([1.5, 2.0, 2.25, 7.5, 3.0], (5, 7)) if "zeta" in name else BROKEN
    law = ELEMENTWISE[name.rpartition(".")[2]]
    for dtype in ("float32", "float64"):
        for layout in LAID:
            y = layout(values, dtype).on(subject)
            for number in (1.5, 3, 2) if "zeta" in name else (0, 2.5, 0.0):
                for text, out, wanted in (
                    (f"torch.{name}({number}, y)", find(name)(number, y), law(np.full((5, 7), number), values)),
                    (f"torch.{name}(y, {number})", find(name)(y, number), law(values, np.full((5, 7), number))),
                ):
                    assert_values(f"{text} of {dtype}", out, wanted, COMPOSED.over(16), dtype=dtype, signed_zeros=False)

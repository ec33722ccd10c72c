"""Tensors beside numpy's arrays: the same expressions give the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import FEW_ULPS, ROUNDED
from properties.strategies.recipe import LAYOUTS, contiguous, layouts
from properties.strategies.values import distinct

pytestmark = must_answer


EXPRESSIONS = (
    "x + y", "x - y", "x * y", "-x", "+x", "abs(x)", "x + 2", "2 - x", "3 * x", "x < y", "x <= y", "x > y",
    "x >= y", "x == y", "x != y", "2 < x", "1 >= x", "x[1:, ::2]", "x[:, None] * y", "x.T", "x[-1]", "x[0] + y",
    "x.reshape(-1)", "x[..., 1:2] + y", "(x * y + y)[::2]", "x ** 2", "x[x > y]", "x.max()", "x.min()", "x.sum()",
    "x.T + y.T",
)  # fmt: skip


DIVISIONS = (
    "x / y", "x // y", "x % y", "7 / y", "7 // y", "-7 // y", "-7 % y", "x / 3", "-x // 3", "-x % 3", "x // -2",
    "x % -2",
)  # fmt: skip


BITS = (
    "x & y", "x | y", "x ^ y", "~x", "1 & x", "4 | x", "5 ^ x", "x << 2", "x >> 1", "x << (y & 3)", "x >> (y & 3)",
    "1 << (y & 3)", "64 >> (y & 3)", "2 ** (y & 3)",
)  # fmt: skip


# A power, and a reciprocal times a number.
TWICE_ROUNDED = ("x ** 2", "7 / y", "2 ** (y & 3)")


UNSIGNED_NOT = (
    "-x", "2 - x", "-x // 3", "-x % 3", "-7 // y", "-7 % y", "x // -2", "x % -2", "x - y", "x << 2", "x << (y & 3)",
)  # fmt: skip


SIDES = (((5, 7), (5, 7)), ((17, 4), (17, 4)))


def judge(subject: Any, expressions: list[str], dtype: str, low: int = -9) -> None:
    """Refute unless expressions give the numbers that they give with numpy's arrays."""
    for shapes in SIDES:
        a, b = (
            np.resize(np.roll(np.array([3, 1, 7, -4, 2, 9, -1, 5, 8, -6]), 3 * k), shape)
            for k, shape in enumerate(shapes)
        )
        a, b = (np.where(values < low, -values, values).astype(dtype) for values in (a, b))
        for text in expressions:
            x, y = LAYOUTS["transposed"](a, dtype).on(subject), LAYOUTS["stepped"](b, dtype).on(subject)
            out, expected = eval(text, {"x": x, "y": y}), np.asarray(eval(text, {"x": a, "y": b}))
            error = FEW_ULPS if text in TWICE_ROUNDED else ROUNDED
            assert_values(f"{text}, x and y of {dtype}, shapes {shapes}", out, expected, error)


@pytest.mark.parametrize(
    "dtype",
    [pytest.param(name, marks=check("tensor.similar-to-ndarray")) for name in ("float64", "int64", "int32", "uint8")],
)
def test_expressions_mean_what_they_mean_to_numpy(subject, dtype):
    chosen = [*EXPRESSIONS, *(text for text in DIVISIONS if dtype == "float64" or "/" not in text.replace("//", ""))]
    low = 1 if dtype == "uint8" else -9
    judge(subject, [text for text in chosen if dtype != "uint8" or text not in UNSIGNED_NOT], dtype, low)
    if dtype != "float64":
        judge(subject, [text for text in BITS if dtype != "uint8" or text not in UNSIGNED_NOT], dtype, 0)


@check("tensor.similar-to-ndarray")
def test_broadcasting_is_numpys(subject):
    for shapes in (
        ((3, 1), (1, 4)),
        ((2, 3, 4), (4,)),
        ((2, 1, 4), (3, 1)),
        ((5,), ()),
        ((0, 3), (1, 3)),
        ((1,), (0,)),
        ((1, 1, 1), (2,)),
    ):
        a, b = (distinct("int64", shape) for shape in shapes)
        x, y = contiguous(a, "int64").on(subject), contiguous(b, "int64").on(subject)
        for text, out, expected in (("+", x + y, a + b), ("*", x * y, a * b), ("<", x < y, a < b), ("-", y - x, b - a)):
            assert_values(f"x {text} y of shapes {shapes}", out, expected)
    for shapes in (((3,), (4,)), ((2, 3), (3, 2)), ((0,), (2,))):
        x, y = (torch.ones(shape, device=subject.device) for shape in shapes)
        assert_raises(f"x + y of shapes {shapes}", RuntimeError, lambda x=x, y=y: x + y)


@check("tensor.augmented-assignment")
def test_augmented_assignment_writes_to_the_tensor_itself(subject):
    for dtype in ("float64", "int64"):
        for code in ("x += y", "x -= y", "x *= y", "x //= y", "x %= y", "x **= 2"):
            a, b = distinct(dtype, (3, 4)) + 1, np.roll(distinct(dtype, (3, 4)), 5) + 2
            for recipe in layouts(a, dtype):
                x, y = recipe.on(subject), contiguous(b, dtype).on(subject)
                names, arrays = {"x": x, "y": y}, {"x": a.copy(), "y": b}
                exec(code, names)
                exec(code, arrays)
                require(names["x"] is x, f"{code} makes another object")
                error = FEW_ULPS if "**" in code else ROUNDED
                assert_values(f"x after {code}, of {dtype}", x, arrays["x"], error, dtype=dtype)


@check("tensor.augmented-assignment")
def test_augmented_bitwise_assignment_writes_to_the_tensor_itself(subject):
    bits = contiguous(np.array([12, 10, 7]), "int64").on(subject)
    first = bits
    bits &= 6
    bits |= 1
    bits ^= 2
    bits <<= 2
    bits >>= 1
    expected = ((((np.array([12, 10, 7]) & 6) | 1) ^ 2) << 2) >> 1
    assert_values("x after &= |= ^= <<= >>=", first, expected, dtype="int64")

"""Edges of elementwise functions' arguments: the widest shifts, weights of one half, tails, broadcast parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import INTEGERS
from conformance.numerics import COMPOSED, ROUNDED
from conformance.oracle import math_exact, math_special
from conformance.subject import Subject
from conformance.tables import math_forms
from conformance.tables.math_functions import FUNCTIONS
from conformance.tables.math_samples import sample
from properties.strategies.recipe import contiguous, stepped, transposed

pytestmark = must_answer


def tensor(subject: Subject, values: object, dtype: str) -> torch.Tensor:
    """A contiguous tensor of these values."""
    return contiguous(np.asarray(values), dtype).on(subject)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize(
    "name",
    [pytest.param(f"bitwise_{way}_shift", marks=check(f"math.bitwise_{way}_shift")) for way in ("left", "right")],
)
def test_shifts_by_every_width(subject: Subject, name: str, dtype: str) -> None:
    limits = np.iinfo(dtype)
    values = np.array([1, 3, 7, limits.max, limits.max // 3, limits.min, 0], dtype)
    x, y = (part.ravel() for part in np.meshgrid(values, np.arange(limits.bits).astype(dtype), indexing="ij"))
    shift = math_exact.shift_left if "left" in name else math_exact.shift_right
    out = getattr(torch, name)(tensor(subject, x, dtype), tensor(subject, y, dtype))
    assert_values(f"torch.{name} of {dtype} by 0 to {limits.bits - 1}", out, shift(x, y), dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@check("math.lerp")
def test_lerp_by_numbers(subject: Subject, dtype: str) -> None:
    start, end = np.arange(-20.0, 15.0), np.arange(35.0) * 4 - 60
    for layout in (contiguous, stepped):
        x, y = layout(start, dtype).on(subject), layout(end, dtype).on(subject)
        for weight in (0.0, 0.25, 0.5, 0.75, 1.0, 2.0, -1.0):
            wanted = start + weight * (end - start)
            whole = torch.full((35,), weight, dtype=x.dtype, device=subject.device)
            for call, out in (
                ("torch.lerp(x, y, {})", torch.lerp(x, y, weight)),
                ("x.lerp(y, {})", x.lerp(y, weight)),
                ("x.lerp_(y, {})", x.clone().lerp_(y, weight)),
                ("torch.lerp(x, y, tensor of {})", torch.lerp(x, y, whole)),
                ("torch.lerp(x, y, 0-d tensor of {})", torch.lerp(x, y, whole[0])),
            ):
                assert_values(f"{call.format(weight)} of {layout.__name__} {dtype}", out, wanted, dtype=dtype)


SHAPES = (
    ((3, 5), (3, 1), (5,)),
    ((5,), (3, 1), ()),
    ((), (3, 5), (1, 5)),
    ((3, 5), (), (3, 5)),
    ((17, 1), (1, 33), (33,)),
)


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"math.{name}")) for name in ("addcmul", "addcdiv")])
def test_parts_of_a_sum_are_broadcast(subject: Subject, name: str) -> None:
    for dtype in ("float32", "float64"):
        for shapes in SHAPES:
            x, a, b = (np.exp2(np.arange(np.prod(s, dtype=int)).reshape(s) % 5 + n) for n, s in enumerate(shapes))
            given = [tensor(subject, part, dtype) for part in (x, a, b)]
            term = a * b if name == "addcmul" else a / b
            call = f"{name} of {dtype} of shapes {shapes}"
            assert_values(call, getattr(torch, name)(*given), x + term, dtype=dtype)
            assert_values(f"{call}, value=-3", getattr(given[0], name)(*given[1:], value=-3), x - 3 * term, dtype=dtype)
            if np.shape(x) == np.shape(x + term):
                out = getattr(given[0], f"{name}_")(*given[1:])
                assert_values(f"{name}_ of {dtype} of shapes {shapes}", out, x + term, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@check("math.ldexp")
def test_ldexp_by_far_exponents(subject: Subject, dtype: str) -> None:
    x, powers = np.linspace(0.75, 3, 45), np.resize([-100, -31, -1, 0, 1, 30, 31, 40, 100], 45)
    held, y = tensor(subject, x, dtype), tensor(subject, powers, "int64")
    wanted = np.ldexp(host.array(held).astype(np.float64), powers)
    for call, out in (
        ("torch.ldexp(x, y)", torch.ldexp(held, y)),
        ("x.ldexp(y)", held.ldexp(y)),
        ("x.ldexp_(y)", held.clone().ldexp_(y)),
    ):
        assert_values(f"{call} of {dtype}", out, wanted, ROUNDED, dtype=dtype)


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"math.{name}")) for name in ("igamma", "igammac")])
def test_incomplete_gamma_functions_at_the_ends(subject: Subject, name: str) -> None:
    a = np.array([0.25, 0.5, 1.0, 2.0, 7.5, 20.0] * 6)
    for dtype in ("float32", "float64"):
        for x, lower in ((np.zeros(36), 0.0), (np.full(36, np.inf), 1.0)):
            out = getattr(torch, name)(tensor(subject, a, dtype), tensor(subject, x, dtype))
            wanted = lower if name == "igamma" else 1 - lower
            assert_values(f"torch.{name}(a, {x[0]}) of {dtype}", out, np.full(36, wanted), dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@check("math.special-ndtri")
def test_ndtri_in_its_tails(subject: Subject, dtype: str) -> None:
    tails = np.array([1e-12, 1e-9, 1e-6, 3e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.13, 0.14, 0.99, 0.999])
    x = tensor(subject, np.tile(tails, 3), dtype)
    wanted = math_special.FUNCTIONS["ndtri"](host.array(x).astype(np.float64))
    out = torch.special.ndtri(x)
    assert_values(f"torch.special.ndtri of tails of {dtype}", out, wanted, COMPOSED.over(8), dtype=dtype)


@pytest.mark.parametrize("family", ["real", "special"])
@check("math.requires-grad")
def test_strided_operands_are_recorded(subject: Subject, family: str) -> None:
    for name, row in FUNCTIONS.items():
        special = row.owner == "torch.special" or bool(row.special)
        fits = len(row.operands) == 1 and row.method and row.differentiable and row.fresh and "float32" in row.dtypes
        if not fits or special != (family == "special"):
            continue
        case = sample(name, "float32", row.variants("float32")[0])
        values = case.at(case.places((5, 7))).operands[0]
        for layout in (stepped, transposed):
            for form in math_forms.forms(row):
                x = layout(values, "float32").on(subject).requires_grad_()
                out = form.call([x], case.arguments)
                require(out.requires_grad, f"{form.text} of a {layout.__name__} operand is not recorded", True, False)

"""Orders, decimals and parts beyond the usual: high polygammas, hundreds, subnormal mantissas, complex NaN."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMPLEX, DTYPES
from conformance.every_form import find
from conformance.numerics import COMPOSED, FEW_ULPS
from conformance.oracle import math_special
from conformance.oracle.math_promotion import result
from conformance.subject import Subject
from conformance.tables import math_forms
from conformance.tables.math_functions import FUNCTIONS
from conformance.tables.math_samples import converted, judged, operand_dtypes, plain
from properties.strategies.recipe import contiguous, stepped, transposed

pytestmark = must_answer

NAN, INF = np.nan, np.inf
LAID = (contiguous, transposed, stepped)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@check("math.polygamma")
def test_polygamma_of_every_order(subject: Subject, dtype: str) -> None:
    values = np.resize([0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.5, 10.0], 36)
    for n in (0, 2, 3, 4, 5, 6):
        x = LAID[n % 3](values, dtype).on(subject)
        wanted = math_special.polygamma(n, values)
        for text, call in (
            ("torch.polygamma", lambda n, x: torch.polygamma(n, x)),
            ("torch.special.polygamma", lambda n, x: torch.special.polygamma(n, x)),
            ("x.polygamma", lambda n, x: x.polygamma(n)),
            ("x.polygamma_", lambda n, x: x.clone().polygamma_(n)),
        ):
            out = call(n, x)
            assert_values(f"{text} of order {n}", out, wanted, COMPOSED.over(16), 1 + np.abs(wanted), dtype=dtype)
            assert_raises(f"{text} of order -1", RuntimeError, lambda call=call: call(-1, x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@check("math.mvlgamma")
def test_mvlgamma_of_every_dimension(subject: Subject, dtype: str) -> None:
    values = np.resize([3.0, 3.25, 4.5, 7.0, 10.0, 20.0], 36)
    for p in range(1, 7):
        x = LAID[p % 3](values, dtype).on(subject)
        wanted = math_special.mvlgamma(values, p)
        scale = 8.0 * p * (4 + np.abs(wanted))
        for text, call in (
            ("torch.mvlgamma", lambda x, p: torch.mvlgamma(x, p)),
            ("torch.special.multigammaln", lambda x, p: torch.special.multigammaln(x, p)),
            ("x.mvlgamma", lambda x, p: x.mvlgamma(p)),
            ("x.mvlgamma_", lambda x, p: x.clone().mvlgamma_(p)),
        ):
            assert_values(f"{text} of dimension {p}", call(x, p), wanted, COMPOSED.over(16), scale, dtype=dtype)
            for bad in (0, -1):
                assert_raises(f"{text} of dimension {bad}", RuntimeError, lambda call=call, p=bad: call(x, p))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@check("math.round-decimals")
def test_decimals_of_either_sign(subject: Subject, dtype: str) -> None:
    values = np.array([1234.0, -567.0, 81.0, 3.0, -0.75, 12.34567, -98765.0, 449.0, 0.0012345])
    for decimals in (-4, -3, -2, -1, 0, 1, 3, 4, 5):
        wanted = np.array([round(float(v), decimals) for v in values])
        for shape in ((9,), (45,), ()):
            laid = np.resize(wanted, shape) if shape else wanted[decimals % 9]
            x = stepped(np.resize(values, shape) if shape else values[decimals % 9], dtype).on(subject)
            for text, out in (
                ("torch.round", torch.round(x, decimals=decimals)),
                ("x.round", x.round(decimals=decimals)),
                ("x.round_", x.clone().round_(decimals=decimals)),
                ("torch.special.round", torch.special.round(x, decimals=decimals)),
            ):
                call = f"{text}(decimals={decimals}) of {dtype} and shape {shape}"
                assert_values(call, out, laid, FEW_ULPS, dtype=dtype, signed_zeros=False)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@check("math.nan_to_num", since="2.6")
def test_either_part_of_a_complex_number_is_replaced(subject: Subject, dtype: str) -> None:
    parts = (1.5, NAN, INF, -INF, -0.25)
    values = np.array([complex(a, b) for a in parts for b in parts])
    for layout in LAID:
        for nan, high, low in ((2.0, 4.0, -8.0), (0.0, 1.0, -1.0)):
            x = layout(values, dtype).on(subject)
            options = {"nan": nan, "posinf": high, "neginf": low}
            real, imaginary = (np.nan_to_num(part, **options) for part in (values.real, values.imag))
            for text, out in (
                ("torch.nan_to_num", torch.nan_to_num(x, **options)),
                ("x.nan_to_num", x.nan_to_num(**options)),
                ("x.nan_to_num_", x.clone().nan_to_num_(**options)),
            ):
                assert_values(f"{text}({options}) of {dtype}", out, real + 1j * imaginary, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@check("math.frexp")
def test_mantissas_of_the_least_and_the_largest_numbers(subject: Subject, dtype: str) -> None:
    facts = np.finfo(dtype)
    values = [facts.smallest_subnormal * n for n in (1, 3, 1000)] + [facts.tiny, facts.max, -facts.tiny * 0.75, -0.0]
    for layout in LAID:
        x = layout(np.resize(values, (5, 7)).astype(dtype), dtype).on(subject)
        mantissas, exponents = np.frexp(host.array(x))
        for text, found in (("torch.frexp(x)", torch.frexp(x)), ("x.frexp()", x.frexp())):
            assert_values(f"the mantissas of {text}", found[0], mantissas, dtype=dtype)
            assert_values(f"the exponents of {text}", found[1], exponents, dtype="int32")


@check("math.complex", since="2.0")
def test_complex_numbers_of_halves(subject: Subject) -> None:
    values = np.array([0.5, -2.0, 3.0, 0.25])
    for layout in LAID:
        x, y = layout(values, "float16").on(subject), stepped(values[::-1], "float16").on(subject)
        out = torch.complex(x, y)
        require(out.dtype is torch.complex32, "torch.complex of float16", torch.complex32, out.dtype)
        for name, part, wanted in (("real", out.real, values), ("imag", out.imag, values[::-1])):
            assert_values(f"torch.complex of float16.{name}", part, wanted, dtype="float16")


WRITING = [name for name, row in FUNCTIONS.items() if row.in_place and len(row.operands) > 1 and row.result != "double"]


@pytest.mark.parametrize("name", WRITING)
@check("math.refused-shapes")
def test_what_is_written_into_does_not_grow(subject: Subject, name: str) -> None:
    """In place, the other operands may be smaller than the first, but never larger."""
    row = FUNCTIONS[name]
    dtype = next(n for n in ("float32", "float64", "int64") if n in row.dtypes)
    for small, large in (((1, 7), (5, 7)), ((7,), (5, 7)), ((), (3,)), ((5, 1), (1, 7))):
        shapes = (small, *[large] * (len(row.operands) - 1))
        operands = plain(row, operand_dtypes(row, dtype), shapes)
        tensors = [contiguous(x, dtype).on(subject) for x in operands]
        before = Unchanged(**dict(zip("xyz", tensors, strict=False)))
        for form in math_forms.in_place_forms(row):
            call = f"{form.text} of shapes {shapes}"
            assert_raises(call, RuntimeError, lambda form=form: form.call(tensors, row.arguments[0]))
            before.check(call)


NUMBERED = [n for n, row in FUNCTIONS.items() if row.numbers and row.in_place and len(row.operands) == 2]


@pytest.mark.parametrize("name", NUMBERED)
@check("math.numbers")
def test_numbers_are_worked_into_operands(subject: Subject, name: str) -> None:
    row = FUNCTIONS[name]
    # Before 2.6, truth values written into complex numbers keep an imaginary part: the area inplace asks for those.
    held = ("bool", *COMPLEX) if row.result == "bool" else ("bool",)
    for turn, dtype in enumerate(d for d in row.dtypes if d not in held and result(row.result, d) in (d, "bool")):
        (values,) = plain(row, (dtype,), ((35,),), turn)
        for number in (2, 0.5, 3.0) if DTYPES[dtype].is_inexact else (3, 2):
            second = np.array(number).astype(DTYPES[dtype].host)
            case = judged(row, dtype, converted((values, second), dtype, row), {})
            law = case.expected.astype(DTYPES[dtype].host) if case.out == "bool" else case.expected
            for form in math_forms.in_place_forms(row):
                if "other=" not in form.text:
                    out = form.call([LAID[turn % 3](values, dtype).on(subject), number], {})
                    text = f"{form.text} of {dtype} and {number}"
                    assert_values(text, out, law, case.error, case.scale, dtype=dtype)


TRUTHS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "logical_not": lambda x, _: np.logical_not(x),
}


@pytest.mark.parametrize("name", TRUTHS)
@check("math.out-dtype")
def test_truth_values_are_written_as_numbers(subject: Subject, name: str) -> None:
    a, b = np.resize([3, 0, 2, 0, 5], 35), np.resize([3, 7, 0], 35)
    for given in ("float32", "int64", "uint8"):
        x, y = stepped(a, given).on(subject), contiguous(b, given).on(subject)
        operands = [x] if name == "logical_not" else [x, y]
        for kind in ("bool", "int8", "uint8", "int64", "float16", "float32", "float64"):
            for layout in (contiguous, stepped):
                out = layout(np.ones(35), kind).on(subject)
                find(name)(*operands, out=out)
                text = f"torch.{name} of {given}, out= of {kind}"
                assert_values(text, out, TRUTHS[name](a, b).astype(DTYPES[kind].host), dtype=kind)

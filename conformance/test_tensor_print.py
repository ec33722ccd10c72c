"""How a tensor prints: what introductions show, and what set_printoptions changes."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from conformance.assertions import Unchanged, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from properties.strategies.recipe import LAYOUTS, contiguous, layouts
from properties.strategies.values import distinct, interesting

pytestmark = must_answer

NAN, INF = float("nan"), float("inf")
DEFAULTS = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}


def shown(subject: Any, values: Any, dtype: str = "float32", *, grad: bool = False) -> str:
    """What a tensor prints as; on other devices without the device's name."""
    subject.require(dtype)
    return repr(contiguous(np.asarray(values), dtype).with_grad(grad).on(subject).cpu())


def assert_shown(found: str, expected: str) -> None:
    require(found == expected, f"a tensor prints as\n{found}\nbut should as\n{expected}", expected, found)


@contextlib.contextmanager
def options(**given: Any) -> Iterator[None]:
    """Print options while the block lasts."""
    torch.set_printoptions(**given)
    try:
        yield
    finally:
        torch.set_printoptions(**DEFAULTS)


FLOATS = (
    ([0.6884220838546753], "tensor([0.6884])"),
    ([1.0, 2.0], "tensor([1., 2.])"),
    ([[1.5, -2.0], [3.0, 4.0]], "tensor([[ 1.5000, -2.0000],\n        [ 3.0000,  4.0000]])"),
    (2.9, "tensor(2.9000)"),
    (3.0, "tensor(3.)"),
    ([0.1 + 0.2], "tensor([0.3000])"),
    ([-0.0], "tensor([-0.])"),
    ([1e3, 1.23], "tensor([1000.0000,    1.2300])"),
    ([100000000.0], "tensor([100000000.])"),
    ([12345678.0], "tensor([12345678.])"),
    ([1e10, 1.0], "tensor([1.0000e+10, 1.0000e+00])"),
    ([1e-5, 1.0], "tensor([1.0000e-05, 1.0000e+00])"),
    ([100000.0, 0.5], "tensor([1.0000e+05, 5.0000e-01])"),
    ([1e-8], "tensor([1.0000e-08])"),
    ([1.0, 1e-4], "tensor([1.0000e+00, 1.0000e-04])"),
    ([NAN, INF, -INF], "tensor([nan, inf, -inf])"),
    ([1.5, NAN], "tensor([1.5000,    nan])"),
    (NAN, "tensor(nan)"),
)  # fmt: skip


@check("tensor.print-four-digits")
def test_floats_print_with_four_digits_behind_the_point(subject):
    for values, expected in FLOATS:
        assert_shown(shown(subject, values), expected)
    x = contiguous(np.array([0.6884220838546753]), "float32").on(subject).cpu()
    for text, found in {
        "str(x)": str(x),
        "format(x, '')": f"{contiguous(np.array([0.5, 0.25]), 'float32').on(subject).cpu()}",
    }.items():
        require(found in ("tensor([0.6884])", "tensor([0.5000, 0.2500])"), text, "tensor([0.6884])", found)
    out = io.StringIO()
    print(x, file=out)
    assert_shown(out.getvalue(), "tensor([0.6884])\n")


OTHERS = (
    ("int64", [1, 2, 3], "tensor([1, 2, 3])"),
    ("int64", [[1, -20], [300, 4]], "tensor([[  1, -20],\n        [300,   4]])"),
    ("int64", 3, "tensor(3)"),
    ("bool", [True, False], "tensor([ True, False])"),
    ("bool", True, "tensor(True)"),
    ("complex64", [1 + 2j], "tensor([1.+2.j])"),
    ("int64", np.zeros((2, 2, 2)), "tensor([[[0, 0],\n         [0, 0]],\n\n        [[0, 0],\n         [0, 0]]])"),
    ("int64", np.arange(30), f"tensor([{', '.join(map('{:2}'.format, range(18)))},\n"
                             f"        {', '.join(map(str, range(18, 30)))}])"),
)  # fmt: skip


@check("tensor.print-integers")
def test_integers_truth_values_and_complex_numbers_print_in_columns(subject):
    for dtype, values, expected in OTHERS:
        assert_shown(shown(subject, values, dtype), expected)


SUFFIXED = (
    ("float64", [1.0, 2.0], "tensor([1., 2.], dtype=torch.float64)"),
    ("float16", [1.0, 2.5], "tensor([1.0000, 2.5000], dtype=torch.float16)"),
    ("bfloat16", [1.0, 2.0], "tensor([1., 2.], dtype=torch.bfloat16)"),
    ("int32", [1, 2], "tensor([1, 2], dtype=torch.int32)"),
    ("uint8", [1, 200], "tensor([  1, 200], dtype=torch.uint8)"),
    ("int8", [-1], "tensor([-1], dtype=torch.int8)"),
    ("int16", 7, "tensor(7, dtype=torch.int16)"),
    ("complex128", [1j], "tensor([0.+1.j], dtype=torch.complex128)"),
)


@check("tensor.repr-shows-nondefault-dtype")
def test_only_dtypes_that_the_numbers_do_not_show_are_named(subject):
    for dtype, values, expected in SUFFIXED:
        assert_shown(shown(subject, values, dtype), expected)
    for name in [name for name in COMMON if subject.supports(name)]:
        for values in (1, [1, 0], [[1], [0]], np.zeros((2, 0))):
            text = shown(subject, np.asarray(values).astype(DTYPES[name].host), name)
            named = f"dtype=torch.{name}" in text
            expected = name not in ("float32", "int64", "bool", "complex64") or (
                np.size(values) == 0 and name != "float32"
            )
            require(named is expected, f"the dtype in {text}", expected, named)
    try:
        torch.set_default_dtype(torch.float64)
        texts = shown(subject, [1.0], "float64"), shown(subject, [1.0], "float32")
    finally:
        torch.set_default_dtype(torch.float32)
    require(
        texts == ("tensor([1.])", "tensor([1.], dtype=torch.float32)"),
        "printing with float64 as the default",
        texts,
        texts,
    )


@check("tensor.print-empty")
def test_empty_tensors_print_their_size(subject):
    for shape, dtype, expected in (
        ((0,), "float32", "tensor([])"),
        ((0, 3), "float32", "tensor([], size=(0, 3))"),
        ((2, 0), "int64", "tensor([], size=(2, 0), dtype=torch.int64)"),
        ((0,), "bool", "tensor([], dtype=torch.bool)"),
        ((1, 0, 2), "float64", "tensor([], size=(1, 0, 2), dtype=torch.float64)"),
    ):
        assert_shown(shown(subject, np.zeros(shape), dtype), expected)


def on_one_line(text: str) -> str:
    return " ".join(text.split())


@check("tensor.print-grad")
def test_tensors_that_require_grad_say_so(subject):
    assert_shown(shown(subject, [1.0], grad=True), "tensor([1.], requires_grad=True)")
    assert_shown(shown(subject, [1.0], "float64", grad=True), "tensor([1.], dtype=torch.float64, requires_grad=True)")
    x = (
        contiguous(np.array([1.0]), "float32").with_grad().on(subject).cpu()
        if subject.is_cpu
        else torch.ones(1, requires_grad=True)
    )
    assert_shown(repr(x * 2), "tensor([2.], grad_fn=<MulBackward0>)")
    assert_shown(repr((x * 2).detach()), "tensor([2.])")
    for values in (3.0, [[1.0, 2.0]], np.zeros((0, 2)), np.zeros((2, 2, 2)), np.zeros(2000), [1.5, -2.25]):
        for dtype in ("float32", "float64", "complex64"):
            plain = shown(subject, values, dtype)
            leaf = shown(subject, values, dtype, grad=True)
            assert_shown(on_one_line(leaf), on_one_line(f"{plain[:-1]}, requires_grad=True)"))
            y = contiguous(np.asarray(values), dtype).with_grad().on(subject).cpu() * 1
            assert_shown(on_one_line(repr(y)), on_one_line(f"{plain[:-1]}, grad_fn=<MulBackward0>)"))
    assert_shown(repr(torch.nn.Parameter(x.detach())), "Parameter containing:\ntensor([1.], requires_grad=True)")


@check("tensor.print-summary")
def test_more_than_a_thousand_elements_are_summarised(subject):
    assert_shown(shown(subject, np.arange(1001), "int64"), "tensor([   0,    1,    2,  ...,  998,  999, 1000])")
    assert_shown(shown(subject, np.arange(1001)), "tensor([   0.,    1.,    2.,  ...,  998.,  999., 1000.])")
    require("..." not in shown(subject, np.arange(1000)), "a thousand elements are summarised")
    rows = shown(subject, np.arange(2500).reshape(50, 50), "int64").splitlines()
    require(len(rows) == 7 and rows[3].strip() == "...,", "the rows of a summary", 7, rows)
    require(
        re.sub(r"\s+", "", rows[0]) == "tensor([[0,1,2,...,47,48,49],",
        "the first row of a summary",
        "0, 1, 2, ..., 47, 48, 49",
        rows[0],
    )


@check("tensor.set-printoptions")
def test_print_options_change_digits_lines_and_summaries(subject):
    with options(precision=2):
        assert_shown(shown(subject, [0.123456, 2.0]), "tensor([0.12, 2.00])")
    with options(precision=8):
        assert_shown(shown(subject, [0.5, 0.125]), "tensor([0.50000000, 0.12500000])")
    with options(threshold=3, edgeitems=1):
        assert_shown(shown(subject, np.arange(10), "int64"), "tensor([0,  ..., 9])")
        torch.set_printoptions(precision=2)  # which leaves the others as they are
        assert_shown(shown(subject, np.arange(10) / 4), "tensor([0.00,  ..., 2.25])")
    with options(linewidth=20):
        assert_shown(shown(subject, np.arange(10), "int64"), "tensor([0, 1, 2, 3,\n        4, 5, 6, 7,\n        8, 9])")
    with options(sci_mode=True):
        assert_shown(shown(subject, [1.5, 3.0]), "tensor([1.5000e+00, 3.0000e+00])")
    with options(sci_mode=False):
        found = shown(subject, [1e-8, 1.5]).replace(" ", "")
        require(found == "tensor([0.0000,1.5000])", "numbers printed with sci_mode=False", "0.0000, 1.5000", found)
    with options(profile="short"):
        assert_shown(shown(subject, [0.123456]), "tensor([0.12])")
    with options(profile="full"):
        require("..." not in shown(subject, np.arange(2000), "int64"), "profile='full' summarises")
    with options(profile="default"):
        assert_shown(shown(subject, [0.123456]), "tensor([0.1235])")
    assert_shown(shown(subject, [0.123456]), "tensor([0.1235])")


@check("tensor.set-printoptions")
def test_an_option_leaves_the_others_as_they_are(subject):
    with options(precision=2):
        torch.set_printoptions(linewidth=20)
        assert_shown(shown(subject, [0.123, 2.0, 3.0, 4.0]), "tensor([0.12, 2.00,\n        3.00, 4.00])")
        torch.set_printoptions(threshold=3, edgeitems=1)
        assert_shown(shown(subject, np.arange(10) / 4), "tensor([0.00,  ...,\n        2.25])")
        torch.set_printoptions(sci_mode=True)
        assert_shown(shown(subject, [1.5]), "tensor([1.50e+00])")
    assert_shown(shown(subject, [0.123456]), "tensor([0.1235])")


@check("tensor.set-printoptions", since="2.13")
def test_numbers_without_exponents_are_as_wide_as_they_are_shown(subject):
    with options(sci_mode=False):
        assert_shown(shown(subject, [1e-8, 1.5]), "tensor([0.0000, 1.5000])")


@check("tensor.print-leaves-alone")
def test_printing_shows_the_elements_of_any_layout_and_changes_nothing(subject):
    for dtype in [name for name in COMMON if subject.supports(name)]:
        for values in (distinct(dtype, (3, 4)), np.resize(interesting(dtype), (17,)), distinct(dtype, ())):
            judge_printing(subject, dtype, values)


def judge_printing(subject: Any, dtype: str, values: np.ndarray) -> None:
    """Refute unless tensors of every layout print as contiguous ones do, and stay as they are."""
    for recipe in layouts(values, dtype, LAYOUTS):
        x = recipe.on(subject)
        expected = repr(contiguous(recipe.array, dtype).on(subject))
        before = Unchanged(x=x)
        for text, found in (("repr(x)", repr(x)), ("str(x)", str(x)), ("repr(x) again", repr(x))):
            require(found == expected, f"{text} of {dtype}, strides {recipe.strides}", expected, found)
        before.check("repr(x)")

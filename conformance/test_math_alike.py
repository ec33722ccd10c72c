"""equal, isclose and allclose: in every form, layout, dtype and shape, long, empty, and where one element differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from properties.strategies.recipe import contiguous, expanded, row_stepped, stepped, transposed

pytestmark = must_answer

LAID = (contiguous, transposed, stepped, row_stepped)
NAN, INF = float("nan"), float("inf")
DTYPES = ("float64", "float32", "bfloat16", "float16", "int64", "int8", "uint8", "bool", "complex64", "complex128")


def _equal(text: str, x: torch.Tensor, y: torch.Tensor, wanted: bool) -> None:
    """Refute unless every form of equal gives this very bool, and changes nothing."""
    before = Unchanged(input=x, other=y)
    forms: dict[str, Callable[[], Any]] = {
        "torch.equal(x, y)": lambda: torch.equal(x, y),
        "x.equal(y)": lambda: x.equal(y),
        "torch.equal(input=x, other=y)": lambda: torch.equal(input=x, other=y),
        "x.equal(other=y)": lambda: x.equal(other=y),
    }
    for form, call in forms.items():
        found = call()
        require(found is wanted, f"{form} of {text} is {found!r}", wanted, found)
    before.check(f"equal of {text}")


@pytest.mark.parametrize("dtype", DTYPES)
@check("math.equal")
def test_one_element_makes_the_difference(subject: Subject, dtype: str) -> None:
    for turn, shape in enumerate(((), (1,), (5, 7), (1501,), (41, 40), (2, 3, 2, 3, 2))):
        size = int(np.prod(shape))
        values = np.arange(size) % 5 + 1
        values = (values % 2 if dtype == "bool" else values * (1 + 0.5j if dtype.startswith("complex") else 1)).reshape(
            shape
        )
        for more in range(4):
            x, y = LAID[more](values, dtype).on(subject), LAID[(turn + more) % 4](values, dtype).on(subject)
            _equal(f"equal {dtype} {shape}", x, y, True)
            other = values.astype(complex if dtype.startswith("complex") else values.dtype).reshape(-1)
            place = (0, size - 1, size // 2, size // 3)[more]
            other[place] = (
                other[place].conj() if dtype.startswith("complex") else not other[place] if dtype == "bool" else 0
            )
            y = LAID[(turn + more) % 4](other.reshape(shape), dtype).on(subject)
            _equal(f"{dtype} {shape}, unlike at {place}", x, y, False)
            _equal(f"{dtype} {shape}, unlike at {place}, exchanged", y, x, False)


@check("math.equal")
def test_shapes_digits_and_shared_memory_count(subject: Subject) -> None:
    def made(values: Any, dtype: str = "float32", layout: Any = contiguous) -> torch.Tensor:
        return layout(np.asarray(values), dtype).on(subject)

    empties = [np.empty(shape) for shape in ((0,), (0, 3), (3, 0), (0, 0), (2, 0, 3))]
    for a in empties:
        for b in empties:
            _equal(f"empty {a.shape} and {b.shape}", made(a), made(b), a.shape == b.shape)
    for a, b in (((6,), (2, 3)), ((2, 3), (3, 2)), ((1, 3), (3,)), ((), (1,)), ((2, 1), (1, 2)), ((4,), (1,))):
        _equal(f"ones {a} and {b}", made(np.ones(a)), made(np.ones(b)), False)
    for low, high in ((2**53, 2**53 + 1), (-(2**62), -(2**62) - 1), (2**31, -(2**31)), (2**24, 2**24 + 1)):
        _equal(f"int64 {low} and {high}", made([low] * 20, "int64"), made([low] * 19 + [high], "int64"), False)
    _equal("float64 1 and 1 + 2 ** -52", made([1.0], "float64"), made([1 + 2.0**-52], "float64"), False)
    _equal("0 and -0", made([0.0] * 20), made([-0.0] * 20), True)
    _equal("0 and the least number", made([0.0], "float64"), made([5e-324], "float64"), False)
    for layout in LAID:
        lost = made(np.where(np.arange(36).reshape(6, 6) == 13, NAN, 1.0), "float64", layout)
        _equal("NaN and itself", lost, lost, False)
        _equal("NaN and a view of it", lost, lost[:], False)
        square = made(np.arange(36.0).reshape(6, 6), "float64", layout)
        _equal("a tensor and itself", square, square, True)
        _equal("a tensor and its transpose in the same memory", square, square.t(), False)
        _equal("a tensor and itself moved by one row", square[:-1], square[1:], False)
    row = expanded(np.arange(12.0).reshape(3, 4), "float32").on(subject)
    _equal("expanded and whole", row, made([[0, 1, 2, 3]] * 3), True)
    _equal("expanded and whole that differ", row, made([[0, 1, 2, 3]] * 2 + [[0, 1, 2, 4]]), False)


def _alike(text: str, x: torch.Tensor, y: torch.Tensor, tolerances: tuple[Any, ...], wanted: np.ndarray) -> None:
    """Refute unless every form of isclose gives this, and of allclose whether all are true."""
    named = dict(zip(("rtol", "atol", "equal_nan"), tolerances, strict=False))
    forms: dict[str, Callable[[], Any]] = {
        "torch.isclose": lambda: torch.isclose(x, y, **named),
        "torch.isclose by position": lambda: torch.isclose(x, y, *tolerances),
        "torch.isclose(input=, other=)": lambda: torch.isclose(input=x, other=y, **named),
        "x.isclose": lambda: x.isclose(y, *tolerances),
        "x.isclose(other=)": lambda: x.isclose(other=y, **named),
        "torch.allclose": lambda: torch.allclose(x, y, **named),
        "torch.allclose by position": lambda: torch.allclose(x, y, *tolerances),
        "torch.allclose(input=, other=)": lambda: torch.allclose(input=x, other=y, **named),
        "x.allclose": lambda: x.allclose(y, *tolerances),
        "x.allclose(other=)": lambda: x.allclose(other=y, **named),
    }
    before = Unchanged(input=x, other=y)
    for form, call in forms.items():
        found, text_of = call(), f"{form} of {text}, tolerances {tolerances}"
        if "all" in form:
            require(found is bool(wanted.all()), f"{text_of} is {found!r}", bool(wanted.all()), found)
        else:
            assert_values(text_of, found, wanted, dtype="bool")
    before.check(f"isclose of {text}")


def _near(shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[Any, ...], np.ndarray, np.ndarray]]:
    """dtype, tolerances, and two arrays whose elements are alike by far, or not by far."""
    size = int(np.prod(shape))
    base = (np.arange(size) % 7 + 1.0).reshape(shape)
    by = np.array([0.0, 0.9, 1.1, -0.9, -1.1])[np.arange(size) % 5].reshape(shape)
    special = np.array([INF, -INF, NAN, 1.0, 0.0, -0.0])[np.arange(size) % 6].reshape(shape)
    turned = np.array([INF, INF, NAN, INF, NAN, 0.0])[np.arange(size) % 6].reshape(shape)
    yield "float64", (), base * (1 + by * 1e-5), base
    yield "float64", (), by * 1e-8, base * 0
    yield "float64", (0.0, 0.25), base + by * 0.25, base
    yield "float64", (0.5,), base * (1 + by * 0.5), base
    yield "float32", (1e-3, 0.0), base * (1 + by * 1e-3), base
    yield "bfloat16", (0.25, 0.0), base * (1 + np.sign(by) * 0.5 * (np.abs(by) > 1)), base
    yield "complex128", (0.5, 0.0), base * (1 + by * 0.5j), base + 0j
    for equal_nan in (False, True):
        yield "float64", (1e-5, 1e-8, equal_nan), special, turned
        yield "float32", (0.0, 0.0, equal_nan), special, turned
    yield "int64", (0.0, 2.0), base + np.sign(by) * (1 + 2 * (np.abs(by) > 1)), base
    yield "int32", (0.5, 0.0), base, base * (1 + (np.abs(by) > 1) * 3)
    yield "float64", (0.0, 0.0), base, base


@check("math.isclose")
def test_what_is_alike_in_every_form(subject: Subject) -> None:
    for turn, shape in enumerate(((5, 7), (1501,), (2, 3, 2, 3, 2), (), (0, 3))):
        for more, (dtype, tolerances, a, b) in enumerate(_near(shape)):
            layouts = LAID[(turn + more) % 4], LAID[more % 4]
            one, two = (layout(values, dtype) for layout, values in zip(layouts, (a, b), strict=True))
            left, right = one.array, two.array
            rtol, atol, nan = (*tolerances, *(1e-5, 1e-8, False)[len(tolerances) :])
            with np.errstate(all="ignore"):
                wanted = np.isclose(left, right, rtol, atol, nan)
            _alike(f"{dtype} {shape}", one.on(subject), two.on(subject), tolerances, wanted)
    x, y = contiguous(np.arange(5.0)[:, None], "float32").on(subject), contiguous(np.arange(7.0), "float32").on(subject)
    _alike("(5, 1) and (7,)", x, y, (), np.arange(5)[:, None] == np.arange(7))

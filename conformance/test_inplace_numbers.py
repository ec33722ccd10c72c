"""Numbers in every guise: numpy's, True for 1, tensors without dimensions, and integers that no float holds."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conformance import effort
from conformance.assertions import Unchanged, assert_raises
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.tables.inplace import Call, judged, small
from conformance.tables.inplace_arguments import Like, drawn
from conformance.tables.inplace_calls import judge, ready, rows
from conformance.wanted import Wanted
from properties.strategies.recipe import contiguous, row_stepped

pytestmark = must_answer

# numpy's complex64 and its truth values are another matter: they are no Python numbers.
NUMPY: dict[type, tuple[Any, ...]] = {
    int: (np.int64, np.int32, np.int8),
    float: (np.float64, np.float32, np.float16),
    complex: (np.complex128,),
}
LAYOUTS = ("contiguous", "row_stepped", "transposed")


def equal(value: Any, kind: Any) -> Any:
    """A number of another type, where it can be the same; None elsewhere."""
    if type(value) is bool or not isinstance(value, (int, float, complex)):
        return None
    with np.errstate(all="ignore"):
        other = kind(value)
    return other if other == value or value != value else None


def exchanged(call: Call, kind: Any) -> Call | None:
    """The call with its numbers as those of another type; None where there are none that can be."""
    args = [equal(value, kind) if kind in NUMPY.get(type(value), ()) else None for value in call.args]
    named = {
        key: equal(value, kind) if kind in NUMPY.get(type(value), ()) else None for key, value in call.options.items()
    }
    if all(value is None for value in (*args, *named.values())):
        return None
    new = tuple(old if value is None else value for old, value in zip(call.args, args, strict=True))
    options = {key: old if named[key] is None else named[key] for key, old in call.options.items()}
    return replace(call, args=new, options=options)


def with_numbers(method: Any) -> bool:
    """Whether the method takes a number in one of its forms."""
    return any(type(v) in NUMPY for form in method.forms for v in (*form.args, *form.options.values()))


def quick() -> bool:
    return effort.level() == "quick"


def numbered(method: Any, subject: Any) -> Iterator[Call]:
    """A call in each form that has a number, with one dtype that it may have, or two."""
    for turn, form in enumerate(method.forms, start=len(method.name)):
        if any(type(value) in NUMPY for value in (*form.args, *form.options.values())):
            fitting = [name for name in method.dtypes if form.takes(name) and subject.supports(name)]
            chosen = [name for name in (method.first, fitting[turn % len(fitting)]) if name in fitting]
            for dtype in list(dict.fromkeys(chosen))[: 1 if quick() else 2]:
                yield small(method, form, dtype, LAYOUTS[turn % 3], turn)


@pytest.mark.parametrize("method", rows(with_numbers))
def test_numbers_of_numpy_are_numbers(subject: Any, method: Any) -> None:
    for call in numbered(method, subject):
        for kind in itertools.chain(*NUMPY.values()):
            other = exchanged(call, kind)
            if other is not None:
                made = ready(subject, other)
                judge(made, made.invoke, f"{call.text} with a {kind.__name__}")


# Dtypes of a tensor without dimensions that do not widen the kind of self's.
WIDE = ("any", "finite", "moderate", "plain")  # tables whose numbers other dtypes do not hold
OTHERS = {
    "uint": ("uint8", "int64", "int16"),
    "int": ("int8", "int64", "uint8"),
    "float": ("float64", "int64", "bfloat16", "int8"),
    "complex": ("complex128", "float64", "int64"),
}


def elementwise(method: Any) -> bool:
    """Whether the method's only argument may be a tensor of any dtype that does not widen its own."""
    return not method.own_dtype and method.name not in ("heaviside_", "nextafter_") and bool(tensor_places(method))


def tensor_places(method: Any) -> tuple[Any, ...]:
    """The form of a method whose only argument is a tensor, if there is one."""
    tensors = [form for form in method.forms if len(form.args) == 1 and isinstance(form.args[0], Like)]
    return tuple(tensors[:1])


@pytest.mark.parametrize("method", rows(elementwise))
def test_a_tensor_without_dimensions_of_another_dtype_is_a_number(subject: Any, method: Any) -> None:
    (form,) = tensor_places(method)
    dtypes = [name for name in method.dtypes if subject.supports(name) and name != "bool"]
    for turn, dtype in enumerate(dtypes[len(method.name) % 4 :: 4] if quick() else dtypes, start=len(method.name)):
        others = [name for name in OTHERS[DTYPES[dtype].kind] if name != dtype and subject.supports(name)]
        for place, other in enumerate(others if dtype == method.first else others[turn % len(others) :][:1]):
            call = small(method, form, dtype, LAYOUTS[(turn + place) % 3], turn)
            values = "few" if form.args[0].values in WIDE else form.args[0].values
            values = "natural" if "uint8" in (dtype, other) and values in ("few", "nonzero") else values
            number = contiguous(drawn(values, other, (), np.random.default_rng(turn)), other)
            made = ready(subject, judged(method, call.x, (number, *call.args[1:]), call.options))
            judge(made, made.invoke)


@check("inplace.clamp_")
def test_bounds_without_dimensions_of_another_dtype(subject: Any) -> None:
    for dtype, other in itertools.product(("float32", "float64", "int64", "int16"), ("float64", "int64", "int8")):
        if DTYPES[dtype].kind == "int" and other == "float64":
            continue
        for layout in (contiguous, row_stepped):
            x = layout(np.resize(np.arange(-9, 10), 33).astype(dtype), dtype)
            low, high = contiguous(np.array(-2), other), contiguous(np.array(3), other)
            for args, options, law in (
                ((), {"min": low}, lambda v: np.maximum(v, -2)),
                ((), {"max": high}, lambda v: np.minimum(v, 3)),
                ((), {"min": low, "max": high}, lambda v: np.clip(v, -2, 3)),
                ((low, high), {}, lambda v: np.clip(v, -2, 3)),
            ):
                made = ready(subject, Call("clamp_", x, args, options, Wanted(law(x.array).astype(dtype), dtype)))
                judge(made, made.invoke)


# Whose last number is a dimension or a count, and those that refuse truth values.
NOT_TRUE = ["sub_", "subtract_", "mvlgamma_", "polygamma_", "tril_", "triu_", "cumsum_", "cumprod_"]


def number_last(method: Any) -> bool:
    """Whether the last argument may be a number that True can stand for."""
    last = [form.args[-1] for form in method.forms if form.args]
    return method.name not in NOT_TRUE and any(type(value) in NUMPY for value in last)


@pytest.mark.parametrize("method", rows(number_last))
def test_true_is_one(subject: Any, method: Any) -> None:
    for call in numbered(method, subject):
        if call.args and type(call.args[-1]) in NUMPY:
            one = judged(method, call.x, (*call.args[:-1], 1), call.options)
            made = ready(subject, replace(one, args=(*one.args[:-1], True)))
            judge(made, made.invoke)


NEAR = 2**53 + 1  # which float64 does not hold, nor what lies two below and above
LONG = np.resize(np.array([NEAR, NEAR - 1, NEAR + 1, 0, -NEAR, 5, 2 * NEAR, -1]), 33)
# What self comes to: the arguments, and a law in Python's integers.
EXACT: dict[str, tuple[tuple[Any, ...], Callable[[int], int]]] = {
    "add_": ((NEAR,), lambda x: x + NEAR),
    "sub_": ((NEAR,), lambda x: x - NEAR),
    "mul_": ((NEAR,), lambda x: x * NEAR),
    "fill_": ((NEAR,), lambda x: NEAR),
    "clamp_": ((-NEAR, NEAR), lambda x: min(max(x, -NEAR), NEAR)),
    "clip_": ((-NEAR, NEAR), lambda x: min(max(x, -NEAR), NEAR)),
    "clamp_min_": ((NEAR,), lambda x: max(x, NEAR)),
    "clamp_max_": ((NEAR,), lambda x: min(x, NEAR)),
    "bitwise_and_": ((NEAR,), lambda x: x & NEAR),
    "bitwise_or_": ((NEAR,), lambda x: x | NEAR),
    "bitwise_xor_": ((NEAR,), lambda x: x ^ NEAR),
    "floor_divide_": ((NEAR,), lambda x: x // NEAR),
    "remainder_": ((NEAR,), lambda x: x % NEAR),
    "fmod_": ((NEAR,), lambda x: abs(x) % NEAR * (1 if x >= 0 else -1)),
    "eq_": ((NEAR,), lambda x: x == NEAR),
    "ne_": ((NEAR,), lambda x: x != NEAR),
    "lt_": ((NEAR,), lambda x: x < NEAR),
    "le_": ((NEAR,), lambda x: x <= NEAR),
    "gt_": ((NEAR,), lambda x: x > NEAR),
    "ge_": ((NEAR,), lambda x: x >= NEAR),
    "masked_fill_": ((contiguous(np.ones(33, bool), "bool"), NEAR), lambda x: NEAR),
    "index_fill_": ((0, contiguous(np.arange(33), "int64"), NEAR), lambda x: NEAR),
    "scatter_": ((0, contiguous(np.arange(33), "int64"), NEAR), lambda x: NEAR),
    "__iadd__": ((NEAR,), lambda x: x + NEAR),
    "__isub__": ((NEAR,), lambda x: x - NEAR),
    "__imul__": ((NEAR,), lambda x: x * NEAR),
    "__ifloordiv__": ((NEAR,), lambda x: x // NEAR),
    "__imod__": ((NEAR,), lambda x: x % NEAR),
    "__iand__": ((NEAR,), lambda x: x & NEAR),
    "__ior__": ((NEAR,), lambda x: x | NEAR),
    "__ixor__": ((NEAR,), lambda x: x ^ NEAR),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"inplace.{name}")) for name in EXACT])
def test_an_integer_that_no_float_holds(subject: Any, name: str) -> None:
    given, law = EXACT[name]
    values = [(law(x) + 2**63) % 2**64 - 2**63 for x in LONG.tolist()]
    for layout in (contiguous, row_stepped):
        wanted = Wanted(np.array(values, np.int64), "int64")
        for numbers in (given, tuple(np.int64(v) if type(v) is int and abs(v) == NEAR else v for v in given)):
            made = ready(subject, Call(name, layout(LONG, "int64"), numbers, {}, wanted))
            judge(made, made.invoke)


OPERATORS = ("iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow")
WHOLE = ("iand", "ior", "ixor", "ilshift", "irshift")


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"inplace.__{name}__")) for name in OPERATORS + WHOLE])
def test_augmented_assignment_of_numbers_of_numpy(subject: Any, name: str) -> None:
    function = getattr(operator, name)
    kinds = ("float32", "float64", "bfloat16", "int64", "uint8") if name in OPERATORS else ("int64", "uint8", "int16")
    for dtype, layout in itertools.product(kinds, (contiguous, row_stepped)):
        whole = DTYPES[dtype].kind != "float"
        if whole and name == "itruediv":
            continue
        recipe = layout(np.resize([8, 2, 16, 4], (3, 11)).astype(DTYPES[dtype].host), dtype)
        wanted = Wanted(function(recipe.array.copy(), recipe.array.dtype.type(2)), dtype)
        for kind in (np.int64, np.int8, np.uint8, *(() if whole else (np.float64, np.float32, np.float16))):
            made = ready(subject, Call(f"__{name}__", recipe, (), {}, wanted))
            judge(made, lambda: function(made.x, kind(2)), f"<{dtype}> {name} {kind.__name__}(2)")
    x = contiguous(np.arange(1, 4), "int64").on(subject)
    before, text = Unchanged(x=x), f"<int64> {name} np.float32(2.5)"
    for kind in (np.float64, np.float32):
        assert_raises(text, (RuntimeError, TypeError), lambda: function(x, kind(2.5)))
        before.check(text)

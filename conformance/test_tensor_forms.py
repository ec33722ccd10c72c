"""One operation in several forms: function and method, operator and out=; and tensors beside numpy's arrays."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.numerics import ROUNDED
from conformance.tables.view_memory import same_bits
from properties.strategies.recipe import LAYOUTS, Recipe, contiguous, layouts
from properties.strategies.values import distinct, interesting

pytestmark = must_answer

# Functions of torch that tensors have as methods, with further arguments.
UNARY = (
    "abs", "acos", "acosh", "add:1", "all", "any", "amax", "amin", "aminmax", "angle", "argmax", "argmin",
    "argsort", "asin", "asinh", "atan", "atanh", "bitwise_not", "ceil", "chunk:2", "clamp:0,1", "clone", "conj",
    "cos", "cosh", "cumprod:0", "cumsum:0", "deg2rad", "detach", "diag", "diff", "digamma", "div:2", "dot:y",
    "eq:1", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "flatten", "flip:(0,)", "floor", "fmod:2", "frac",
    "ge:1", "gt:1", "heaviside:y", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "isreal", "kthvalue:2",
    "le:1", "lgamma", "log", "log10", "log1p", "log2", "logcumsumexp:0", "logit", "logsumexp:0", "lt:1", "matmul:y",
    "max", "maximum:y", "mean", "median", "min", "minimum:y", "mul:2", "multiply:2", "nan_to_num", "nansum", "ne:1",
    "neg", "negative", "norm", "numel", "outer:y", "positive", "pow:2", "prod", "quantile:0.5", "rad2deg", "ravel",
    "reciprocal", "remainder:2", "roll:1", "round", "rsqrt", "sgn", "sigmoid", "sign", "signbit", "sin", "sinc",
    "sinh", "softmax:0", "sort", "split:2", "sqrt", "square", "squeeze", "std", "sub:1", "subtract:1", "sum", "tan",
    "tanh", "t", "topk:2", "trunc", "unbind", "unique", "unsqueeze:0", "var", "xlogy:y",
)  # fmt: skip


def results(out: Any) -> list[torch.Tensor]:
    return (
        list(out)
        if isinstance(out, (tuple, list))
        else [out]
        if isinstance(out, torch.Tensor)
        else [torch.as_tensor(out)]
    )


def arguments(text: str, y: torch.Tensor) -> list[Any]:
    return [y] if text == "y" else list(ast.literal_eval(f"({text},)")) if text else []


@pytest.mark.parametrize(
    "letter",
    [
        pytest.param(letter, marks=check("tensor.function-and-method-forms"))
        for letter in sorted({row[0] for row in UNARY})
    ],
)
def test_function_and_method_give_the_same(subject, letter):
    for row in [row for row in UNARY if row[0] == letter]:
        name, _, text = row.partition(":")
        for dtype in ("int64",) if name == "bitwise_not" else ("float64", "float32"):
            for recipe in inputs(dtype):
                judge_forms(subject, name, text, recipe)


def inputs(dtype: str) -> Iterator[Recipe]:
    """Tensors of numbers below one half, and of numbers of both signs with ties."""
    values = distinct(dtype, (17,))
    few = values if dtype == "int64" else values / 40
    for some in (few, (values - 9) / (1 if dtype == "int64" else 2)):
        yield from layouts(some, dtype, ("contiguous", "stepped"))


def judge_forms(subject: Any, name: str, text: str, recipe: Recipe) -> None:
    """Refute unless torch.f(x), x.f() and torch.Tensor.f(x) give the same bits and types, and leave x alone."""
    x, y = recipe.on(subject), contiguous(distinct(recipe.dtype, (17,)), recipe.dtype).on(subject)
    before = Unchanged(x=x, y=y)
    given = arguments(text, y)
    function, method = getattr(torch, name)(x, *given), getattr(x, name)(*given)
    bound = getattr(torch.Tensor, name)(x, *given)
    types = f"the types of torch.{name}(x) and x.{name}()"
    require(type(function) is type(method), types, type(function), type(method))
    for a, b, c in zip(results(function), results(method), results(bound), strict=True):
        same_bits(f"x.{name}()", f"torch.{name}(x)", b.resolve_conj(), host.array(a))
        same_bits(f"torch.Tensor.{name}(x)", f"torch.{name}(x)", c.resolve_conj(), host.array(a))
        dtypes = f"the dtypes of torch.{name}(x) and x.{name}()"
        require(a.dtype == b.dtype == c.dtype, dtypes, a.dtype, b.dtype)
    before.check(name)


@check("tensor.function-and-method-forms")
def test_some_operations_have_one_form_only(subject):
    x = torch.ones(3, device=subject.device)
    for name in ("save", "cat", "stack", "from_numpy", "arange", "zeros", "is_tensor"):
        require(hasattr(torch, name) and not hasattr(x, name), f"torch.{name} is a function only")
    for name in ("view", "expand", "item", "tolist", "backward", "size", "requires_grad_", "to", "add_"):
        require(hasattr(x, name) and not hasattr(torch, name), f"x.{name} is a method only")


def sums(x: torch.Tensor, y: Any) -> dict[str, torch.Tensor]:
    """x + y in every form that leaves x alone."""
    shape = torch.broadcast_shapes(x.shape, y.shape)
    out = torch.empty(shape, dtype=x.dtype, device=x.device)
    return {
        "x + y": x + y,
        "torch.add(x, y)": torch.add(x, y),
        "x.add(y)": x.add(y),
        "torch.add(input=x, other=y)": torch.add(input=x, other=y),
        "torch.add(x, y, alpha=1)": torch.add(x, y, alpha=1),
        "x.__add__(y)": x.__add__(y),
        "x.__radd__(y)": x.__radd__(y),
        "torch.add(x, y, out=…)": torch.add(x, y, out=out),
        "x.clone().add_(y)": x.expand(shape).clone().add_(y),
        "torch.Tensor.add(x, y)": torch.Tensor.add(x, y),
    }


def plus(a: np.ndarray, b: np.ndarray, dtype: str) -> np.ndarray:
    """The sum in a precision that is enough to be rounded once."""
    if dtype == "bool":
        return a | b
    if DTYPES[dtype].kind in ("int", "uint"):
        return a + b
    wide = np.complex128 if DTYPES[dtype].is_complex else np.float64
    return (a.astype(wide) + b.astype(wide)) if DTYPES[dtype].bytes < 8 or DTYPES[dtype].is_complex else a + b


@pytest.mark.parametrize("dtype", [pytest.param(name, marks=check("tensor.add-forms-agree")) for name in COMMON])
def test_the_forms_of_addition_agree(subject, dtype):
    subject.require(dtype)
    values = np.resize(interesting(dtype, moderate=True), (5, 7))
    for shapes in (
        ((5, 7), (5, 7)),
        ((5, 7), (7,)),
        ((5, 7), ()),
        ((5, 1), (1, 7)),
        ((0, 7), (7,)),
        ((33, 35), (33, 35)),
    ):
        a, b = (np.resize(np.roll(values, 4 * place), shape) for place, shape in enumerate(shapes))
        right = list(layouts(b, dtype, LAYOUTS))[-1]
        for left in layouts(a, dtype, LAYOUTS if a.size < 100 else ("transposed",)):
            x, y = left.on(subject), right.on(subject)
            before = Unchanged(x=x, y=y)
            expected = plus(left.array, right.array, dtype)
            for text, out in sums(x, y).items():
                assert_values(f"{text} of {dtype}, shapes {shapes}", out, expected, ROUNDED, dtype=dtype)
            before.check("addition")


@check("tensor.add-forms-agree")
def test_numbers_are_added_in_every_form(subject):
    for dtype in [name for name in COMMON if subject.supports(name) and name != "bool"]:
        for recipe in layouts(distinct(dtype, (5, 7)), dtype, LAYOUTS):
            x, expected = recipe.on(subject), plus(recipe.array, np.array(3, recipe.array.dtype), dtype)
            forms = {"x + 3": x + 3, "3 + x": 3 + x, "torch.add(x, 3)": torch.add(x, 3), "x.add(3)": x.add(3)}
            forms |= {"x.__radd__(3)": x.__radd__(3), "x.clone().add_(3)": x.clone().add_(3)}
            for text, out in forms.items():
                assert_values(f"{text} of {dtype}, strides {recipe.strides}", out, expected, ROUNDED, dtype=dtype)


@check("tensor.add-forms-agree")
def test_alpha_multiplies_what_is_added(subject):
    for dtype in [name for name in COMMON if subject.supports(name) and name != "bool"]:
        for recipe in layouts(distinct(dtype, (5, 7)), dtype):
            x, y = recipe.on(subject), contiguous(np.roll(recipe.array, 1), dtype).on(subject)
            expected = plus(recipe.array, 2 * np.roll(recipe.array, 1), dtype)
            forms = {"x.add(y, alpha=2)": x.add(y, alpha=2), "torch.add(x, y, alpha=2)": torch.add(x, y, alpha=2)}
            forms |= {"torch.add(…, out=)": torch.add(x, y, alpha=2, out=torch.empty_like(x))}
            forms |= {"x.clone().add_(y, alpha=2)": x.clone().add_(y, alpha=2)}
            for text, out in forms.items():
                assert_values(f"{text} of {dtype}, strides {recipe.strides}", out, expected, ROUNDED, dtype=dtype)


@check("tensor.add-forms-agree")
def test_add_in_place_writes_the_same_sum_to_the_tensor(subject):
    for dtype in [name for name in COMMON if subject.supports(name)]:
        for recipe in layouts(distinct(dtype, (5, 7)), dtype):
            x, y = recipe.on(subject), contiguous(np.roll(recipe.array, 1), dtype).on(subject)
            place = (x.data_ptr(), x.stride())
            out, found = x.add_(y), (x.data_ptr(), x.stride())
            require(out is x and found == place, f"x.add_(y) of {dtype} is not x, or moves it", place, found)
            expected = plus(recipe.array, np.roll(recipe.array, 1), dtype)
            assert_values(f"x after x.add_(y), of {dtype}, strides {recipe.strides}", x, expected, ROUNDED, dtype=dtype)


@check("tensor.add-out-argument")
def test_add_writes_to_out_and_returns_it(subject):
    for dtype in [name for name in COMMON if subject.supports(name)]:
        a, b = distinct(dtype, (3, 4)), np.roll(distinct(dtype, (3, 4)), 3)
        x, y = contiguous(a, dtype).on(subject), contiguous(b, dtype).on(subject)
        for recipe in layouts(distinct(dtype, (3, 4)), dtype):
            target = recipe.on(subject)
            address = target.data_ptr()
            out = torch.add(x, y, out=target)
            require(out is target, "torch.add(x, y, out=t) returns another object than t")
            place, found = (address, recipe.strides), (target.data_ptr(), target.stride())
            require(found == place, "torch.add(x, y, out=t) moves t", place, found)
            said = f"t after torch.add(x, y, out=t) of {dtype}, strides {recipe.strides}"
            assert_values(said, target, plus(a, b, dtype), dtype=dtype)
        out = torch.add(x, y, out=x)
        require(out is x, "torch.add(x, y, out=x) returns another object than x")
        assert_values("x after torch.add(x, y, out=x)", x, plus(a, b, dtype), dtype=dtype)


@check("tensor.add-out-argument")
def test_out_may_be_of_another_dtype_or_empty(subject):
    x, y = contiguous(np.arange(4.0), "float32").on(subject), contiguous(np.arange(4.0), "float32").on(subject)
    wide = torch.add(x, y, out=torch.empty(4, dtype=torch.float64, device=subject.device))
    assert_values("torch.add(x, y, out=…) of float32 into float64", wide, 2 * np.arange(4.0), dtype="float64")
    whole = torch.zeros(4, dtype=torch.int64, device=subject.device)
    assert_raises("torch.add of float32 into int64", RuntimeError, lambda: torch.add(x, y, out=whole))
    assert_values("out after a refused sum", whole, np.zeros(4, np.int64))
    empty = torch.empty(0, device=subject.device)
    require(torch.add(x, y, out=empty) is empty, "torch.add(x, y, out=an empty tensor) is another object")
    assert_values("torch.add(x, y, out=an empty tensor)", empty, 2 * np.arange(4.0), dtype="float32")

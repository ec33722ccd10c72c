"""Conversions between dtypes: each to each, in every way to write them, and what is not converted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.oracle.tensor import cast
from properties.strategies.recipe import LAYOUTS, Recipe
from properties.strategies.values import distinct, interesting

pytestmark = must_answer

METHODS = {
    "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16", "int": "int32", "long": "int64",
    "short": "int16", "char": "int8", "byte": "uint8", "bool": "bool", "cfloat": "complex64", "cdouble": "complex128",
    "chalf": "complex32",
}  # fmt: skip
SHAPES = ((70,), (5, 13), (), (0,), (3, 1), (2, 3, 4), (17,), (1,))
# Complex numbers whose real part is zero counted as false before.
COMPLEX_TRUTH = "2.1"


def table(dtype: str) -> np.ndarray:
    """Interesting values of a dtype; complex numbers with fractions and zero parts as well."""
    values = interesting(dtype)
    if not DTYPES[dtype].is_complex:
        return values
    return np.concatenate([values, np.array([2.75 - 1.5j, -2.75 + 3j, 0.5, -0.0], values.dtype)])


def recipes(dtype: str) -> Iterator[tuple[Recipe, np.ndarray]]:
    """Tensors of a dtype in every layout, each with the places of its values in the table."""
    values = table(dtype)
    for turn, shape in enumerate(SHAPES):
        for step in range(2):
            layout = LAYOUTS[list(LAYOUTS)[(turn + 3 * step) % len(LAYOUTS)]]
            places = np.resize(np.roll(np.arange(len(values)), -7 * turn - step), shape)
            yield layout(values[places], dtype), layout(places, "int64").array


def assert_cast(said: str, out: Any, values: np.ndarray, dtype: str) -> None:
    """Refute unless a tensor holds the values converted to the dtype, wherever that is defined."""
    assert_is(said, out, values, dtype, cast(values, dtype))


def assert_is(said: str, out: Any, values: np.ndarray, dtype: str, expected: tuple[np.ndarray, ...]) -> None:
    """As assert_cast, with what the cast gives."""
    if not isinstance(out, torch.Tensor) or out.dtype != host.torch_dtype(dtype) or tuple(out.shape) != values.shape:
        assert_tensor(said, out, dtype, values.shape)
    actual = host.array(out)
    once, twice, known = expected
    wrong = known & ~(_same(actual, once) | _same(actual, twice))
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        text = f"{said}: {values[place]!r} becomes {actual[place]!r}, but should become {once[place]!r}"
        require(False, text, once[place], actual[place])


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind != "c" and a.dtype.kind != "f":
        return a == b
    pairs = [(a.real, b.real), (a.imag, b.imag)]
    return np.logical_and.reduce(
        [((x == y) & (np.signbit(x) == np.signbit(y))) | (np.isnan(x) & np.isnan(y)) for x, y in pairs]
    )


def ways(new: str) -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    """How to convert a tensor."""
    dtype = host.torch_dtype(new)
    found: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        f"x.to(torch.{new})": lambda x: x.to(dtype),
        f"x.to(dtype=torch.{new})": lambda x: x.to(dtype=dtype),
        f"x.to(x.device, torch.{new})": lambda x: x.to(x.device, dtype),
        f"x.type(torch.{new})": lambda x: x.type(dtype),
        f"x.type_as(torch.empty(0, dtype=torch.{new}))": lambda x: x.type_as(
            torch.empty(0, dtype=dtype, device=x.device)
        ),
        f"x.to(torch.empty(0, dtype=torch.{new}))": lambda x: x.to(torch.empty(0, dtype=dtype, device=x.device)),
        f"torch.empty_like(x, dtype=torch.{new}).copy_(x)": lambda x: torch.empty_like(x, dtype=dtype).copy_(x),
    }
    found |= {f"x.{name}()": lambda x, name=name: getattr(x, name)() for name, given in METHODS.items() if given == new}
    return found


@pytest.mark.parametrize("new", [pytest.param(name, marks=check("tensor.to-dtype")) for name in DTYPES])
def test_each_dtype_is_converted_to_each(subject, new):
    subject.require(new)
    for old in [
        name for name in DTYPES if subject.supports(name) and name not in ("complex64", "complex128", "complex32")
    ]:
        judge(subject, old, new)


@pytest.mark.parametrize(
    "new", [pytest.param(name, marks=check("tensor.cast-complex")) for name in DTYPES if name != "bool"]
)
def test_complex_numbers_are_converted_to_each(subject, new):
    subject.require(new)
    for old in [name for name in ("complex64", "complex128", "complex32") if subject.supports(name)]:
        judge(subject, old, new)


@check("tensor.cast-complex-to-bool", since=COMPLEX_TRUTH)
def test_a_complex_number_is_true_if_either_part_is_not_zero(subject):
    for old in [name for name in ("complex64", "complex128", "complex32") if subject.supports(name)]:
        judge(subject, old, "bool")


def judge(subject: Any, old: str, new: str) -> None:
    """Refute unless tensors of one dtype become what they should in another, in every way, and stay what they are."""
    if old == new:
        return
    chosen, expected = list(ways(new).items()), cast(table(old), new)
    for turn, (recipe, places) in enumerate(recipes(old)):
        x = recipe.on(subject)
        before, values, due = Unchanged(x=x), recipe.array, tuple(part[places] for part in expected)
        for place, (text, way) in enumerate(chosen):
            if turn == 0 or (turn + place) % 4 == 0:
                said = f"{text} of {old}, shape {recipe.shape}, strides {recipe.strides}"
                out = way(x)
                assert_is(said, out, values, new, due)
                require(not overlap(out, x), f"{said} shares memory with x")
                require(out.device == x.device, f"{said} is on {out.device}", x.device, out.device)
        before.check(f"conversion to {new}")


def one_dtype(subject: Any, names: tuple[str, ...] = tuple(DTYPES)) -> Iterator[tuple[str, torch.Tensor]]:
    for name in names:
        if subject.supports(name):
            for layout in ("contiguous", "transposed", "stepped"):
                yield name, LAYOUTS[layout](distinct(name, (3, 4)), name).on(subject)


@check("tensor.to-gives-itself")
def test_a_conversion_without_need_gives_the_tensor_itself(subject):
    for name, x in one_dtype(subject):
        for text, way in ways(name).items():
            if "copy_" not in text:
                require(way(x) is x, f"{text} of {name} is another object than x")
        require(x.to(x.device) is x, "x.to(x.device) is another object than x")
        require(x.to(str(x.device)) is x, "x.to(str(x.device)) is another object than x")
        require(x.to(x) is x, "x.to(x) is another object than x")
        require(x.type_as(x) is x, "x.type_as(x) is another object than x")


@check("tensor.to-copy")
def test_to_copies_where_it_is_told_to(subject):
    for name, x in one_dtype(subject):
        dtype = host.torch_dtype(name)
        for text, way in {
            "x.to(dtype, copy=True)": lambda x, dtype=dtype: x.to(dtype, copy=True),
            "x.to(x.device, copy=True)": lambda x: x.to(x.device, copy=True),
            "x.to(x, copy=True)": lambda x: x.to(x, copy=True),
            "x.to(x.device, dtype, False, True)": lambda x, dtype=dtype: x.to(x.device, dtype, False, True),
        }.items():
            out = way(x)
            require(out is not x and not overlap(out, x), f"{text} of {name} shares memory with x")
            require(host.bits(out).tobytes() == host.bits(x).tobytes(), f"{text} of {name} has other values", x, out)
            require(
                out.stride() == x.stride() or not dense(x),
                f"{text} of {name} has strides {out.stride()}",
                x.stride(),
                out.stride(),
            )


def dense(x: torch.Tensor) -> bool:
    return sorted(x.stride()) == [1, min(x.shape)] or x.is_contiguous()


@check("tensor.to-keeps-layout")
def test_a_conversion_keeps_the_layout_of_dense_tensors(subject):
    for old, new in (
        ("float32", "float64"),
        ("int64", "float32"),
        ("float64", "bool"),
        ("uint8", "int32"),
        ("float32", "bfloat16"),
    ):
        for shape in ((3, 4), (2, 3, 4), (2, 3, 4, 5)):
            for layout in ("contiguous", "transposed", "channels_last"):
                x = LAYOUTS[layout](distinct(old, shape), old).on(subject)
                out = x.to(host.torch_dtype(new))
                require(
                    out.stride() == x.stride(), f"x.to(torch.{new}) of strides {x.stride()}", x.stride(), out.stride()
                )
                plain = x.to(host.torch_dtype(new), memory_format=torch.contiguous_format)
                require(
                    plain.is_contiguous(),
                    f"x.to(torch.{new}, memory_format=torch.contiguous_format) has strides {plain.stride()}",
                )


@check("tensor.to-gradient")
def test_gradients_flow_back_through_conversions_between_floating_dtypes(subject):
    names = [
        name
        for name in ("float32", "float64", "float16", "bfloat16", "complex64", "complex128")
        if subject.supports(name)
    ]
    for old in names:
        for new in names:
            if old.startswith("complex") and not new.startswith("complex"):
                continue
            x = LAYOUTS["transposed"](distinct(old, (3, 4)), old).with_grad().on(subject)
            out = x.to(host.torch_dtype(new))
            flow = distinct(new, (3, 4))
            (found,) = torch.autograd.grad(out, x, host.tensor(flow, new, subject.device))
            said = f"the gradient of x.to(torch.{new}) of {old}"
            assert_cast(
                said, found, flow if old.startswith("complex") or not new.startswith("complex") else flow.real, old
            )
    x = LAYOUTS["contiguous"](distinct("float32", (3, 4)), "float32").with_grad().on(subject)
    for name in ("int64", "bool", "uint8"):
        require(not x.to(host.torch_dtype(name)).requires_grad, f"x.to(torch.{name}) requires grad")


@check("tensor.type-method")
def test_type_without_an_argument_names_the_legacy_type(subject):
    names = {
        "float32": "Float",
        "float64": "Double",
        "float16": "Half",
        "bfloat16": "BFloat16",
        "int64": "Long",
        "int32": "Int",
    }
    names |= {"int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool", "complex64": "ComplexFloat"}
    for name, legacy in names.items():
        subject.require_feature("host_memory")  # the names of other devices differ
        x = LAYOUTS["contiguous"](distinct(name, (3,)), name).on(subject)
        require(x.type() == f"torch.{legacy}Tensor", f"x.type() of {name}", f"torch.{legacy}Tensor", x.type())
        other = LAYOUTS["contiguous"](distinct("int64", (3,)), "int64").on(subject)
        out = other.type(f"torch.{legacy}Tensor")
        require(host.dtype_name(out.dtype) == name, f"y.type('torch.{legacy}Tensor')", name, out.dtype)
        if hasattr(torch, f"{legacy}Tensor"):
            kind = getattr(torch, f"{legacy}Tensor")
            require(isinstance(x, kind), f"a tensor of {name} is no instance of torch.{legacy}Tensor")
            require(name == "float64" or not isinstance(x, torch.DoubleTensor), f"a tensor of {name} is a DoubleTensor")
            require(
                host.dtype_name(other.type(kind).dtype) == name,
                f"y.type(torch.{legacy}Tensor)",
                name,
                other.type(kind).dtype,
            )


@check("tensor.to-refuses")
def test_to_refuses_what_is_no_dtype_or_device(subject):
    x = LAYOUTS["contiguous"](distinct("float32", (3,)), "float32").on(subject)
    before = Unchanged(x=x)
    for text, bad in {
        "None, None, 3": (None, None, 3),
        "'float32'": ("float32",),
        "numpy": (np.float32,),
        "(1, 2)": ((1, 2),),
    }.items():
        assert_raises(f"x.to({text})", (TypeError, RuntimeError, ValueError), lambda bad=bad: x.to(*bad))
    assert_raises("x.type('float32')", (TypeError, RuntimeError, ValueError), lambda: x.type("float32"))
    before.check("a refused conversion")


@check("tensor.assignment-casts")
def test_assigning_to_a_tensor_converts_to_its_dtype(subject):
    for new in [name for name in COMMON if subject.supports(name)]:
        for old in ("float64", "int64", "bool", "float32"):
            recipe = LAYOUTS["stepped"](np.resize(table(old)[::-1], (40,)), old)
            target = torch.zeros(80, dtype=host.torch_dtype(new), device=subject.device)[::2]
            target[:] = recipe.on(subject)
            assert_cast(f"y[:] = x, of {old} into {new}", target, recipe.array, new)
            other = torch.zeros(40, dtype=host.torch_dtype(new), device=subject.device)
            out = other.copy_(recipe.on(subject))
            require(out is other, "y.copy_(x) is another object than y")
            assert_cast(f"y.copy_(x), of {old} into {new}", other, recipe.array, new)

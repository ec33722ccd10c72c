"""What a conversion gives: the tensor itself or a copy, in which layout, with which gradient; and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.tables.tensor_casts import METHODS, assert_cast, ways
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer


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
            "x.to(dtype, False, True)": lambda x, dtype=dtype: x.to(dtype, False, True),
            "x.to(x, False, True)": lambda x: x.to(x, False, True),
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


@check("tensor.to-keeps-layout")
def test_every_way_to_convert_keeps_the_layout_of_dense_tensors(subject):
    for new in filter(subject.supports, DTYPES):
        old = "float32" if new == "int64" else "int64"
        for text, way in ways(new).items():
            for shape, layout in (((3, 4), "transposed"), ((2, 3, 4, 5), "channels_last"), ((2, 3, 4), "transposed")):
                x = LAYOUTS[layout](distinct(old, shape), old).on(subject)
                said = f"{text} of {old}, strides {x.stride()},"
                require(way(x).stride() == x.stride(), f"{said} has other strides", x.stride(), way(x).stride())


@check("tensor.to-keeps-layout")
def test_methods_named_after_dtypes_take_a_memory_format(subject):
    for name, new in METHODS.items():
        if subject.supports(new):
            for old in ("int64", "float32", new):
                x = LAYOUTS["channels_last"](distinct(old, (2, 3, 4, 5)), old).on(subject)
                require(x.cpu(memory_format=torch.contiguous_format).is_contiguous(), "x.cpu(…) is not contiguous")
                plain = getattr(x, name)(memory_format=torch.contiguous_format)
                require(plain.is_contiguous(), f"x.{name}(memory_format=torch.contiguous_format) is not contiguous")
                last = getattr(plain, name)(memory_format=torch.channels_last)
                said = f"x.{name}(memory_format=torch.channels_last) of {old}"
                require(last.stride() == x.stride(), f"{said} has other strides", x.stride(), last.stride())
                assert_cast(said, last, distinct(old, (2, 3, 4, 5)), new)


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
            flow = distinct(new, (3, 4))
            due = flow if old.startswith("complex") or not new.startswith("complex") else flow.real
            for text, way in ways(new).items():
                if "empty_like" not in text and (old != new or "type_as" in text):
                    (found,) = torch.autograd.grad(way(x), x, host.tensor(flow, new, subject.device))
                    assert_cast(f"the gradient of {text} of {old}", found, due, old)
    x = LAYOUTS["contiguous"](distinct("float32", (3, 4)), "float32").with_grad().on(subject)
    for name in ("int64", "bool", "uint8"):
        require(not x.to(host.torch_dtype(name)).requires_grad, f"x.to(torch.{name}) requires grad")


LEGACY = {
    "float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "int64": "Long", "int32": "Int",
    "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool", "complex64": "ComplexFloat",
}  # fmt: skip


@check("tensor.type-method")
def test_type_without_an_argument_names_the_legacy_type(subject):
    subject.require_feature("host_memory")  # the names of other devices differ
    for name, legacy in LEGACY.items():
        x = LAYOUTS["contiguous"](distinct(name, (3,)), name).on(subject)
        require(x.type() == f"torch.{legacy}Tensor", f"x.type() of {name}", f"torch.{legacy}Tensor", x.type())
        other = LAYOUTS["contiguous"](distinct("int64", (3,)), "int64").on(subject)
        out = other.type(f"torch.{legacy}Tensor")
        require(host.dtype_name(out.dtype) == name, f"y.type('torch.{legacy}Tensor')", name, out.dtype)


@check("tensor.type-method")
def test_type_converts_every_layout_to_what_it_names(subject):
    subject.require_feature("host_memory")  # the names of other devices differ
    for source, layout in ((source, layout) for source in ("float32", "int64", "uint8") for layout in LAYOUTS):
        recipe = LAYOUTS[layout](distinct(source, (3, 4)), source)
        x = recipe.on(subject)
        for name, legacy in LEGACY.items():
            forms = {f"'torch.{legacy}Tensor'": f"torch.{legacy}Tensor", f"torch.{name}": host.torch_dtype(name)}
            for text, given in forms.items():
                call, out = f"x.type({text}) of {layout} {source}", x.type(given)
                assert_values(call, out, recipe.array != 0 if name == "bool" else recipe.array, dtype=name)
                require(
                    (out is x) is (name == source), f"{call} is x only where nothing changes", name == source, out is x
                )


@check("tensor.type-method")
def test_legacy_classes_convert_and_tell_dtypes_apart(subject):
    subject.require_feature("host_memory")  # the names of other devices differ
    present = {name: f"{legacy}Tensor" for name, legacy in LEGACY.items() if hasattr(torch, f"{legacy}Tensor")}
    for name, legacy in present.items():
        x = LAYOUTS["contiguous"](distinct(name, (3,)), name).on(subject)
        other = LAYOUTS["contiguous"](distinct("int64", (3,)), "int64").on(subject)
        out = other.type(getattr(torch, legacy))
        require(host.dtype_name(out.dtype) == name, f"y.type(torch.{legacy})", name, out.dtype)
        for kind in present.values():
            found = isinstance(x, getattr(torch, kind))
            require(found is (kind == legacy), f"isinstance(x, torch.{kind}), x of {name}", kind == legacy, found)


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

"""Further forms of conversions and copies, functions of single elements, and facts about dtypes."""

from __future__ import annotations

import array
import copy
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.tables.gradients import version
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts
from properties.strategies.values import distinct, interesting

pytestmark = must_answer


@check("tensor.deepcopy")
def test_deepcopy_takes_the_gradient_along(subject):
    for dtype in ("float32", "complex128"):
        for shape in ((), (3, 4)):
            x = contiguous(distinct(dtype, shape), dtype).with_grad().on(subject)
            x.grad = contiguous(distinct(dtype, shape) * 2, dtype).on(subject)
            made = copy.deepcopy({"x": x, "grad": x.grad})
            found = made["x"].grad
            require(found is made["grad"], "the gradient of a deep copy is not the deep copy of the gradient")
            assert_values(f"the gradient of a deep copy of {dtype}", found, distinct(dtype, shape) * 2, dtype=dtype)
            require(not overlap(found, x.grad), "the gradient of a deep copy shares memory with the one copied")


@check("tensor.deepcopy")
def test_deepcopy_reads_lazy_bits_and_keeps_what_needs_no_gradient(subject):
    values = np.array([[1 + 2j, -3.5 - 1j], [4j, 5 + 0.5j]])
    for dtype in ("complex64", "complex128"):
        z = contiguous(values, dtype).on(subject)
        for text, y, due in (
            ("z.conj()", z.conj(), values.conj()),
            ("z.mH", z.mH, values.conj().T),
            ("z.conj().imag", z.conj().imag, -values.imag),
            ("z.conj()[1:]", z.conj()[1:], values.conj()[1:]),
        ):
            made = copy.deepcopy(y)
            assert_values(f"copy.deepcopy({text}) of {dtype}", made, due)
            require(not overlap(made, z), f"copy.deepcopy({text}) of {dtype} shares memory with z")
    frozen = copy.deepcopy(torch.nn.Parameter(torch.ones(2, device=subject.device), requires_grad=False))
    require(type(frozen) is torch.nn.Parameter, "a deep copy of a Parameter is a tensor")
    require(not frozen.requires_grad, "a deep copy of a Parameter that requires no grad requires it", False, True)


@check("tensor.new-tensor")
def test_new_tensor_shares_with_nothing(subject):
    for dtype in filter(subject.supports, ("float32", "float64", "int64", "uint8")):
        x = contiguous(distinct(dtype, (2,)), dtype).on(subject)
        data = distinct(dtype, (3, 4))
        out = x.new_tensor(data)
        data[...] = 0
        assert_values(f"x.new_tensor(array of {dtype}) after a write to it", out, distinct(dtype, (3, 4)), dtype=dtype)
    source = contiguous(distinct("float32", (3,)), "float32").with_grad().on(subject)
    model = contiguous(distinct("float32", (2,)), "float32").on(subject)
    for text, data in {"a leaf": source, "a result": source * 2}.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it advises clone().detach()
            out = model.new_tensor(data)
        require(not out.requires_grad and out.is_leaf, f"x.new_tensor({text}) takes part in its graph")
        require(not overlap(out, data), f"x.new_tensor({text}) shares memory with it")


@pytest.mark.parametrize("layout", [pytest.param(name, marks=check("tensor.apply")) for name in LAYOUTS])
def test_apply_replaces_each_element(subject, layout):
    subject.require_feature("host_memory")  # for tensors on the CPU only
    if layout == "expanded":
        layout = "contiguous"
    for dtype in ("float32", "float64", "int64", "int16", "uint8"):
        for shape in ((), (1,), (0,), (7,), (3, 4), (2, 3, 4), (5, 40)):
            x = LAYOUTS[layout](distinct(dtype, shape), dtype).on(subject)
            seen, before = [], version(x)

            def double(value: Any, seen: list = seen) -> Any:
                seen.append(value)
                return value * 2 % 100

            out, said = x.apply_(double), f"x.apply_(f) of {dtype}, {shape}, {layout}"
            require(out is x, f"{said} is another object than x")
            kind = float if DTYPES[dtype].is_floating else int
            assert_values(f"x after {said}", x, distinct(dtype, shape).astype(kind) * 2 % 100, dtype=dtype)
            same = sorted(seen) == sorted(distinct(dtype, shape).ravel().tolist())
            require(
                same and all(type(value) is kind for value in seen), f"{said} calls f with other numbers", None, seen
            )
            require(version(x) >= before, f"{said} turns the version back")


@check("tensor.map")
def test_map_joins_the_elements_of_two_tensors(subject):
    subject.require_feature("host_memory")  # for tensors on the CPU only
    for dtype in ("float32", "float64", "int64"):
        for shape, other in (
            ((3, 4), (3, 4)),
            ((2, 3, 4), (4,)),
            ((3, 4), ()),
            ((5, 7), (5, 1)),
            ((), ()),
            ((40,), (40,)),
        ):
            second = distinct(dtype, other)[..., ::-1] if other else distinct(dtype, other)
            for place, recipe in enumerate(layouts(distinct(dtype, shape), dtype, DENSE)):
                y = list(DENSE.values())[-place - 1](second, dtype).on(subject)
                x, values = recipe.on(subject), recipe.array
                out, said = x.map_(y, lambda a, b: 3 * a - b), f"x.map_(y, f) of {dtype}, {shape} and {other}"
                require(out is x, f"{said} is another object than x")
                assert_values(f"x after {said}", x, 3 * values - host.array(y), dtype=dtype)
    assert_raises("x.map_(y, f) of (3,) and (4,)", RuntimeError, lambda: torch.ones(3).map_(torch.ones(4), max))


class Kind(torch.Tensor):
    """A subclass of tensors."""


@check("tensor.as-subclass")
def test_as_subclass_gives_the_same_data_another_class(subject):
    for dtype in filter(subject.supports, COMMON):
        for recipe in layouts(distinct(dtype, (3, 4)), dtype, LAYOUTS):
            x = recipe.on(subject)
            made, said = x.as_subclass(Kind), f"x.as_subclass(C) of {dtype}, strides {recipe.strides}"
            require(type(made) is Kind, f"{said} is a {type(made).__name__}", "Kind", type(made))
            found = (made.data_ptr(), made.stride(), tuple(made.shape), made.dtype)
            due = (x.data_ptr(), x.stride(), tuple(x.shape), x.dtype)
            require(found == due, f"{said} looks at other data", due, found)
    leaf = contiguous(distinct("float32", (3,)), "float32").with_grad().on(subject)
    made = leaf.as_subclass(Kind)
    require(made.requires_grad, "x.as_subclass(C) of a leaf has left the graph", True, False)
    (found,) = torch.autograd.grad((made * 3).sum(), leaf)
    assert_values("the gradient through x.as_subclass(C)", found.as_subclass(torch.Tensor), [3, 3, 3], dtype="float32")


@check("tensor.nbytes", since="2.1")
def test_nbytes_counts_elements_in_every_layout(subject):
    for dtype in filter(subject.supports, DTYPES):
        for layout in LAYOUTS:
            for shape in ((3, 4), (5,), (), (0, 3), (2, 3, 4)):
                x = LAYOUTS[layout](distinct(dtype, shape), dtype).on(subject)
                for text, y in {"x": x, "x[1:]": x[1:] if x.dim() else x, "x.expand": x.expand(3, *shape)}.items():
                    due = y.numel() * DTYPES[dtype].bytes
                    require(y.nbytes == due, f"{text}.nbytes of {dtype}, {shape}, {layout}", due, y.nbytes)


@check("tensor.finfo")
def test_finfo_names_its_dtype_and_digits(subject):
    digits = {"float16": 3, "bfloat16": 2, "float32": 6, "float64": 15}
    parts = {"complex64": "float32", "complex128": "float64"}
    for name in (*digits, *parts):
        info, real = torch.finfo(host.torch_dtype(name)), parts.get(name, name)
        require(info.dtype == real, f"torch.finfo(torch.{name}).dtype", real, info.dtype)
        close = abs(info.resolution / 10.0 ** -digits[real] - 1) < 2.0**-6
        require(close, f"torch.finfo(torch.{name}).resolution", 10.0 ** -digits[real], info.resolution)
        by_name = torch.finfo(type=host.torch_dtype(name))
        require(by_name == info and by_name.eps == info.eps, f"torch.finfo(type=torch.{name})", info, by_name)


@check("tensor.result-type")
def test_a_complex_number_keeps_the_precision_of_a_tensor(subject):
    for dtype, due in {
        "float32": "complex64", "float64": "complex128", "complex64": "complex64", "complex128": "complex128",
        "int64": "complex64", "bool": "complex64", "uint8": "complex64",
    }.items():  # fmt: skip
        x = contiguous(distinct(dtype, (2,)), dtype).on(subject)
        for found in (torch.result_type(x, 2j), torch.result_type(2j, x), torch.result_type(tensor=x, other=2j)):
            require(host.dtype_name(found) == due, f"torch.result_type of {dtype} and 2j", due, found)
    for a, b, due in ((1.5, 2.5, "float32"), (1, 2, "int64"), (True, False, "bool"), (1j, 2j, "complex64")):
        found = host.dtype_name(torch.result_type(a, b))
        require(found == due, f"torch.result_type({a}, {b})", due, found)


@check("tensor.is-storage")
def test_buffers_are_no_storages(subject):
    for other in (b"ab", bytearray(2), memoryview(b"ab"), array.array("d", [1.0]), np.ones(2), torch.Size([2]), int):
        found = torch.is_storage(other)
        require(found is False, f"torch.is_storage({type(other).__name__})", False, found)


@check("tensor.equal")
def test_equal_of_a_nan_and_itself_is_false_in_both_forms(subject):
    for dtype in ("float32", "float64", "float16", "complex64"):
        for shape in ((1,), (40,), (3, 5), ()):
            values = distinct(dtype, shape)
            values[(-1,) * len(shape)] = np.nan
            x = contiguous(values, dtype).on(subject)
            for text, found in {"torch.equal(x, x)": torch.equal(x, x), "x.equal(x)": x.equal(x)}.items():
                require(found is False, f"{text} of {dtype}, {shape}, with a NaN", False, found)


@check("tensor.own-attributes")
def test_own_attributes_are_listed_and_can_be_deleted(subject):
    x = contiguous(interesting("float32", finite=True), "float32").on(subject)
    x.tag, x.other = "mine", 2
    require({"tag", "other"} <= set(dir(x)) and vars(x) == {"tag": "mine", "other": 2}, "dir(x) lacks an attribute")
    del x.tag
    require(not hasattr(x, "tag") and "tag" not in dir(x) and x.other == 2, "del x.tag leaves the attribute")


@check("tensor.dtype-flags")
def test_functions_and_methods_tell_the_same_of_a_dtype(subject):
    for name in ("bool", "uint8", "int8", "int64", "float32", "float64"):
        for shape in ((2,), (), (0, 3)):
            x, due = contiguous(distinct(name, shape), name).on(subject), DTYPES[name].kind in ("int", "float")
            for text, found in {"torch.is_signed(x)": torch.is_signed(x), "x.is_signed()": x.is_signed()}.items():
                require(found is due, f"{text} of {name}, {shape}", due, found)


@check("tensor.iinfo")
def test_iinfo_takes_integers_only(subject):
    assert_raises("torch.iinfo(torch.bool)", TypeError, lambda: torch.iinfo(torch.bool))
    for name in ("uint8", "int8", "int16", "int32", "int64"):
        by_name, info = torch.iinfo(type=host.torch_dtype(name)), torch.iinfo(host.torch_dtype(name))
        found = (by_name.min, by_name.max, by_name.bits, by_name.dtype)
        due = (info.min, info.max, info.bits, name)
        require(found == due, f"torch.iinfo(type=torch.{name})", due, found)


@check("tensor.new-filled")
def test_new_methods_fill_many_elements_to_the_last(subject):
    rows = {"new_zeros": ((), 0), "new_ones": ((), 1), "new_full": ((1,), 1)}
    for name, (more, value) in rows.items():
        for dtype in filter(subject.supports, COMMON):
            x = torch.zeros(2, dtype=host.torch_dtype(dtype), device=subject.device)
            for shape in ((5_001,), (181, 183)) if dtype in ("float32", "int64") else ((5_001,),):
                out = getattr(x, name)(shape, *more)
                assert_values(f"x.{name}({shape}, …) of {dtype}", out, np.full(shape, value), dtype=dtype)
                out.fill_(1 - value)  # what the next one finds, if it gets this memory

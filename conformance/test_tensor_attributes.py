"""Dtypes and their facts, bytes, and the attributes that every tensor has."""

from __future__ import annotations

import copy
import math
import pickle
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.tables.gradients import version
from properties.strategies.recipe import LAYOUTS, contiguous, row_major
from properties.strategies.values import distinct

pytestmark = must_answer

SHAPES = ((3, 4), (), (5,), (0,), (0, 3), (2, 3, 4))


def equal(text: str, found: Any, expected: Any) -> None:
    """Refute unless two values are equal and of one type."""
    same = type(found) is type(expected) and found == expected
    require(same, f"{text} is {found!r}, but should be {expected!r}", repr(expected), repr(found))


def of(subject: Any, shape: tuple[int, ...], layout: str = "contiguous", dtype: str = "float32") -> torch.Tensor:
    return LAYOUTS[layout](distinct(dtype, shape), dtype).on(subject)


ALIASES = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "int": "int32",
    "long": "int64",
    "short": "int16",
    "cfloat": "complex64",
    "cdouble": "complex128",
    "chalf": "complex32",
}


@check("tensor.element-size")
def test_element_size_counts_bytes(subject):
    for name, facts in DTYPES.items():
        if subject.supports(name):
            for shape in ((3, 4), (0,), ()):
                equal(f"x.element_size() of {name}", of(subject, shape, dtype=name).element_size(), facts.bytes)


@check("tensor.nbytes", since="2.1")
def test_itemsize_and_nbytes_count_bytes(subject):
    for name, facts in DTYPES.items():
        if subject.supports(name):
            equal(f"torch.{name}.itemsize", host.torch_dtype(name).itemsize, facts.bytes)
            for shape in SHAPES:
                x = of(subject, shape, "stepped", name)
                equal(f"x.itemsize of {name}", x.itemsize, facts.bytes)
                equal(f"x.nbytes of {name}, shape {shape}", x.nbytes, facts.bytes * math.prod(shape))


@check("tensor.dtype-flags")
def test_dtypes_know_their_kind(subject):
    for name, facts in DTYPES.items():
        if subject.supports(name):
            dtype = host.torch_dtype(name)
            equal(f"torch.{name}.is_floating_point", dtype.is_floating_point, facts.is_floating)
            equal(f"torch.{name}.is_complex", dtype.is_complex, facts.is_complex)
            for shape in ((2,), (), (0, 3), (1, 2, 2)):
                x, of_it = of(subject, shape, dtype=name), f"of {name}, shape {shape}"
                equal(f"x.is_floating_point() {of_it}", x.is_floating_point(), facts.is_floating)
                equal(f"torch.is_floating_point(x) {of_it}", torch.is_floating_point(x), facts.is_floating)
                equal(f"x.is_complex() {of_it}", x.is_complex(), facts.is_complex)
                equal(f"torch.is_complex(x) {of_it}", torch.is_complex(x), facts.is_complex)
            require(x.dtype is dtype, f"x.dtype {of_it}", dtype, x.dtype)


# Whether a complex number has a sign is nowhere said; 2.3, the first release with wider unsigned integers, raises.
SIGNED = [name for name, facts in DTYPES.items() if not facts.is_complex and not name.startswith("uint")]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param((*SIGNED, "uint8"), marks=check("tensor.dtype-flags"), id="signed"),
        pytest.param(("uint16", "uint32", "uint64"), marks=check("tensor.dtype-flags", since="2.6"), id="unsigned"),
    ],
)
def test_dtypes_know_whether_they_have_a_sign(subject, names):
    for name in names:
        if subject.supports(name):
            dtype, x, signed = (
                host.torch_dtype(name),
                of(subject, (2,), dtype=name),
                DTYPES[name].kind in ("int", "float"),
            )
            equal(f"torch.{name}.is_signed", dtype.is_signed, signed)
            equal(f"x.is_signed() of {name}", x.is_signed(), signed)


@check("tensor.float-is-float32")
def test_dtypes_have_several_names(subject):
    for alias, name in ALIASES.items():
        require(
            getattr(torch, alias) is getattr(torch, name),
            f"torch.{alias} is torch.{name}",
            f"torch.{name}",
            getattr(torch, alias),
        )
    for alias in ("float", "double"):
        x = torch.ones(2, dtype=getattr(torch, alias), device=subject.device)
        equal(f"the bytes of a torch.{alias}", x.element_size(), {"float": 4, "double": 8}[alias])
        require(str(x.dtype) == f"torch.{ALIASES[alias]}", f"the dtype of torch.{alias}", ALIASES[alias], x.dtype)


@check("tensor.dtype-identity")
def test_a_dtype_is_one_object_with_one_name(subject):
    for name in DTYPES:
        if subject.supports(name):
            dtype = host.torch_dtype(name)
            require(repr(dtype) == str(dtype) == f"torch.{name}", f"repr(torch.{name})", f"torch.{name}", repr(dtype))
            for made in (
                copy.copy(dtype),
                copy.deepcopy(dtype),
                pickle.loads(pickle.dumps(dtype)),
                of(subject, (1,), dtype=name).dtype,
            ):
                require(made is dtype, f"another object stands for torch.{name}", dtype, made)
            require(dtype == dtype and len({dtype, host.torch_dtype(name)}) == 1, f"torch.{name} does not equal itself")
            others = [host.torch_dtype(other) for other in DTYPES if other != name and subject.supports(other)]
            require(dtype not in others, f"torch.{name} equals another dtype")
            require(isinstance(dtype, torch.dtype), f"torch.{name} is no torch.dtype")


@check("tensor.dtype-partners", since="2.1")
def test_to_real_and_to_complex_give_the_partner(subject):
    for number, real in {"complex32": "float16", "complex64": "float32", "complex128": "float64"}.items():
        a, b = host.torch_dtype(number), host.torch_dtype(real)
        for text, found, expected in (
            (f"torch.{real}.to_complex()", b.to_complex(), a),
            (f"torch.{number}.to_real()", a.to_real(), b),
            (f"torch.{number}.to_complex()", a.to_complex(), a),
            (f"torch.{real}.to_real()", b.to_real(), b),
        ):
            require(found is expected, text, expected, found)


# Attributes of a new tensor, whatever its dtype.
NEW = {
    "is_leaf": True, "requires_grad": False, "grad": None, "grad_fn": None, "is_sparse": False, "is_quantized": False,
    "is_meta": False, "is_conj()": False, "is_neg()": False, "is_inference()": False, "is_pinned()": False,
    "retains_grad": False, "stride()": row_major((3, 4)),
}  # fmt: skip


@check("tensor.attributes")
def test_a_new_tensor_has_these_attributes(subject):
    kind = torch.device(subject.device).type
    for name in ("float32", "int64", "bool", "complex64", "float64"):
        x = of(subject, (3, 4), dtype=name)
        rows = {"layout": torch.strided, "device.type": kind, "is_cuda": kind == "cuda", "is_cpu": kind == "cpu"}
        for text, expected in {**NEW, **rows}.items():
            found = eval(f"x.{text}", {"x": x})
            require(type(found) is type(expected) and found == expected, f"x.{text} of {name}", expected, found)
        require(isinstance(x.device, torch.device), f"x.device of {name} is a {type(x.device).__name__}")
        require(x.requires_grad_(False) is x, "x.requires_grad_(False) is another object")


@check("tensor.attributes")
def test_only_floating_and_complex_tensors_can_require_grad(subject):
    for name, facts in DTYPES.items():
        if subject.supports(name) and not name.startswith("float8"):
            x = of(subject, (2,), dtype=name)
            if facts.is_inexact:
                require(x.requires_grad_() is x and x.requires_grad, f"x.requires_grad_() of {name}")
                x.requires_grad = False
                require(not x.requires_grad, f"x.requires_grad = False of {name}")
            else:
                assert_raises(f"x.requires_grad_() of {name}", RuntimeError, x.requires_grad_)
                require(not x.requires_grad, f"a refused requires_grad_() of {name}")


@check("tensor.own-attributes")
def test_a_tensor_takes_further_attributes(subject):
    x = contiguous(np.arange(3.0), "float32").on(subject)
    x.tag = "mine"
    require(x.tag == "mine" and x.__dict__["tag"] == "mine", "x.tag", "mine", x.__dict__)
    require(not hasattr(x.clone(), "tag") and not hasattr(x.view(3), "tag"), "a clone or a view has the attribute too")
    assert_raises("x.no_such_attribute", AttributeError, lambda: x.no_such_attribute)


@check("tensor.data-returns-tensor")
def test_data_is_a_tensor_with_the_same_memory_and_no_graph(subject):
    for layout in LAYOUTS:
        for name in ("float32", "float64", "complex64"):
            leaf = LAYOUTS[layout](distinct(name, (3, 4)), name).with_grad().on(subject)
            for x in (leaf, leaf * 2):
                data = x.data
                require(type(data) is torch.Tensor, f"x.data is a {type(data).__name__}")
                found = (data.data_ptr(), data.stride(), data.shape, data.dtype)
                require(
                    found == (x.data_ptr(), x.stride(), x.shape, x.dtype),
                    f"x.data of {name}, {layout}",
                    x.data_ptr(),
                    found,
                )
                require(
                    not data.requires_grad and data.grad_fn is None and x.requires_grad,
                    f"x.data of {name} belongs to a graph",
                )
                before = version(x)
                if layout != "expanded":
                    data.zero_()
                    require(not x.detach().any(), "a write to x.data does not show in x")
                    require(version(x) == before, "a write to x.data counts as one to x", before, version(x))


@check("tensor.dim-order", since="2.6")
def test_dim_order_lists_the_dimensions_from_the_largest_step_to_the_smallest(subject):
    for shape in ((3, 4), (2, 3, 4), (2, 3, 4, 5), (5,), ()):
        x = contiguous(np.zeros(shape), "float32").on(subject)
        for order in permutations(range(len(shape))):
            sizes = [shape[dim] for dim in order]
            y = x.reshape(sizes).permute([order.index(dim) for dim in range(len(shape))])
            found = y.dim_order()
            require(found == order and type(found) is tuple, f"dim_order() of strides {y.stride()}", order, found)

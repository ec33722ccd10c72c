"""Shallow and deep copies of tensors by Python's copy module."""

from __future__ import annotations

import copy

import numpy as np
import torch

from conformance.assertions import Unchanged, assert_raises, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.tables.view_memory import same_bits
from properties.strategies.recipe import LAYOUTS, contiguous, layouts
from properties.strategies.values import distinct, interesting

pytestmark = must_answer


@check("tensor.copy")
def test_copy_copy_shares_memory(subject):
    for name in [name for name in COMMON if subject.supports(name)]:
        for recipe in layouts(distinct(name, (3, 4)), name, LAYOUTS):
            x = recipe.on(subject)
            made = copy.copy(x)
            found = (made.data_ptr(), made.stride(), tuple(made.shape), made.dtype, made.requires_grad)
            expected = (x.data_ptr(), x.stride(), tuple(x.shape), x.dtype, x.requires_grad)
            require(made is not x and found == expected, f"copy.copy(x) of {name}", expected, found)


@check("tensor.deepcopy")
def test_deepcopy_has_memory_of_its_own_and_everything_else(subject):
    for name in [name for name in COMMON if subject.supports(name)]:
        plain = [contiguous(np.resize(interesting(name), shape), name) for shape in ((), (0, 3), (1,))]
        for recipe in [*layouts(np.resize(interesting(name), (3, 4)), name, LAYOUTS), *plain]:
            for grad in (False, True) if DTYPES[name].is_inexact else (False,):
                x = recipe.with_grad(grad).on(subject)
                x.tag = ["mine"]
                before = Unchanged(x=x)
                made = copy.deepcopy(x)
                same_bits("copy.deepcopy(x)", f"that, of {name}", made.detach(), recipe.array)
                require(not overlap(made, x), f"copy.deepcopy(x) of {name} shares memory")
                found = (made.stride(), made.dtype, made.requires_grad, made.is_leaf, type(made))
                require(
                    found == (x.stride(), x.dtype, x.requires_grad, True, torch.Tensor),
                    f"copy.deepcopy(x) of {name}",
                    x.stride(),
                    found,
                )
                require(
                    made.tag == ["mine"] and made.tag is not x.tag,
                    "the attribute of a deep copy",
                    ["mine"],
                    made.__dict__,
                )
                before.check("copy.deepcopy(x)")


@check("tensor.deepcopy")
def test_deepcopy_keeps_what_is_one_and_what_is_shared(subject):
    x = contiguous(np.arange(6.0), "float32").on(subject)
    made = copy.deepcopy({"x": x, "again": x, "view": x[2:], "other": x.clone()})
    require(made["x"] is made["again"], "one tensor twice becomes two")
    require(made["view"].data_ptr() == made["x"].data_ptr() + 8, "a view no longer shares memory with its tensor")
    require(
        not overlap(made["x"], x) and not overlap(made["x"], made["other"]),
        "a deep copy shares memory with what it is made of",
    )
    made["x"].fill_(7)
    require(
        made["view"].tolist() == [7.0] * 4 and x.tolist() == [0, 1, 2, 3, 4, 5],
        "a write to a deep copy",
        [7.0] * 4,
        made["view"],
    )


@check("tensor.deepcopy")
def test_deepcopy_of_a_parameter_is_one(subject):
    x = contiguous(np.arange(6.0), "float32").on(subject)
    parameter = torch.nn.Parameter(x.clone())
    parameter.grad = x * 2
    twin = copy.deepcopy(parameter)
    require(
        type(twin) is torch.nn.Parameter and twin.requires_grad, "the deep copy of a Parameter", "Parameter", type(twin)
    )
    require(
        twin.grad is None or (twin.grad.tolist() == (x * 2).tolist() and not overlap(twin.grad, parameter.grad)),
        "the gradient",
    )


@check("tensor.deepcopy-non-leaf")
def test_deepcopy_refuses_what_is_no_leaf(subject):
    x = contiguous(np.arange(3.0), "float32").with_grad().on(subject)
    for text, y in {"x * 2": x * 2, "x.view(3)": x.view(3), "x.sum()": x.sum()}.items():
        assert_raises(f"copy.deepcopy({text})", RuntimeError, lambda y=y: copy.deepcopy(y))
    with torch.no_grad():
        y = x * 2
    require(copy.deepcopy(y).tolist() == [0, 2, 4], "the deep copy of what was computed without grad", [0, 2, 4], y)

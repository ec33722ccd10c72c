"""Facts about dtypes: which one two of them promote to, which casts are allowed, and the limits of their numbers."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.oracle.math_promotion import category, common, is_documented, promoted
from properties.strategies.recipe import contiguous

pytestmark = must_answer

NAMES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
    "complex128",
)  # fmt: skip


def equal(text: str, found: Any, expected: Any) -> None:
    require(found == expected and type(found) is type(expected), f"{text} is {found}", expected, found)


@check("tensor.promote-types")
def test_two_dtypes_promote_to_the_smallest_that_can_stand_for_both(subject):
    for one, other in product(NAMES, repeat=2):
        found = host.dtype_name(torch.promote_types(host.torch_dtype(one), host.torch_dtype(other)))
        equal(f"torch.promote_types(torch.{one}, torch.{other})", found, common(one, other))


@check("tensor.can-cast")
def test_a_cast_is_allowed_unless_it_leaves_the_kind_downwards(subject):
    for one, other in product(NAMES, repeat=2):
        found = torch.can_cast(host.torch_dtype(one), host.torch_dtype(other))
        equal(f"torch.can_cast(torch.{one}, torch.{other})", found, category(one) <= category(other))


def operands(subject: Any) -> list[tuple[str, str, Any]]:
    """The dtype, the rank and the value of tensors, of 0-d tensors and of numbers."""
    found: list[tuple[str, str, Any]] = [("bool", "number", True), ("int64", "number", 3), ("float32", "number", 2.5)]
    for name in filter(subject.supports, NAMES):
        found.append((name, "tensor", contiguous(np.ones((2, 1)), name).on(subject)))
        if name != "complex128":  # of which real precision decides the size, too
            found.append((name, "scalar", contiguous(np.ones(()), name).on(subject)))
    return found


@check("tensor.result-type")
def test_tensors_count_more_than_tensors_without_dimensions_and_these_more_than_numbers(subject):
    for (one, rank, x), (other, kind, y) in product(operands(subject), repeat=2):
        if rank == kind == "number" or not is_documented([(one, rank), (other, kind)]):
            continue
        due = promoted([(one, rank), (other, kind)])
        found = host.dtype_name(torch.result_type(x, y))
        equal(f"torch.result_type of {one} ({rank}) and {other} ({kind})", found, due)


@check("tensor.result-type")
def test_the_dtype_of_two_numbers_follows_the_default(subject):
    held = torch.get_default_dtype()
    try:
        for default, complexes in (("float32", "complex64"), ("float64", "complex128")):
            torch.set_default_dtype(host.torch_dtype(default))
            for a, b, due in ((1, 2.5, default), (True, 2, "int64"), (1.5, 2j, complexes), (2, 3j, complexes)):
                equal(f"torch.result_type({a}, {b})", host.dtype_name(torch.result_type(a, b)), due)
                equal(f"torch.result_type({b}, {a})", host.dtype_name(torch.result_type(b, a)), due)
    finally:
        torch.set_default_dtype(held)


@check("tensor.finfo")
def test_the_limits_of_floating_dtypes(subject):
    for name in ("float16", "bfloat16", "float32", "float64", "complex64", "complex128"):
        dtype, facts = host.torch_dtype(name), DTYPES[name]
        info, unit = torch.finfo(dtype), facts.epsilon
        equal(f"torch.finfo(torch.{name}).bits", info.bits, facts.bytes * 8 // (2 if facts.is_complex else 1))
        equal(f"torch.finfo(torch.{name}).eps", info.eps, unit)
        equal(f"torch.finfo(torch.{name}).tiny", info.tiny, 2.0**facts.emin)
        equal(f"torch.finfo(torch.{name}).smallest_normal", info.smallest_normal, 2.0**facts.emin)
        largest = (2.0 - unit) * 2.0**facts.emax
        equal(f"torch.finfo(torch.{name}).max", info.max, largest)
        equal(f"torch.finfo(torch.{name}).min", info.min, -largest)
    for bad in (torch.int64, torch.bool, 3.0):
        assert_raises(f"torch.finfo({bad})", TypeError, lambda bad=bad: torch.finfo(bad))
    require(torch.finfo() == torch.finfo(torch.get_default_dtype()), "torch.finfo() is not that of the default dtype")


@check("tensor.iinfo")
def test_the_limits_of_integer_dtypes(subject):
    for name in ("uint8", "int8", "int16", "int32", "int64"):
        info, due = torch.iinfo(host.torch_dtype(name)), np.iinfo(name)
        found = (info.bits, info.min, info.max, str(info.dtype))
        equal(f"torch.iinfo(torch.{name})", found, (due.bits, int(due.min), int(due.max), name))
    for bad in (torch.float32, torch.complex64, 3):
        assert_raises(f"torch.iinfo({bad})", TypeError, lambda bad=bad: torch.iinfo(bad))


@check("tensor.is-storage")
def test_only_storages_are_storages(subject):
    x = torch.zeros(3, device=subject.device)
    for other in (x, x.numpy() if subject.device == "cpu" else 3, [1.0], None, torch.float32, "x"):
        equal(f"torch.is_storage({type(other).__name__})", torch.is_storage(other), False)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("untyped_storage", marks=check("tensor.is-storage", since="2.0")),
        pytest.param("storage", marks=check("tensor.is-storage")),
    ],
)
def test_storages_are_storages(subject, name):
    for dtype in filter(subject.supports, NAMES):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # typed storages are deprecated
            found = torch.is_storage(getattr(contiguous(np.ones(2), dtype).on(subject), name)())
        equal(f"torch.is_storage(x.{name}()) of {dtype}", found, True)

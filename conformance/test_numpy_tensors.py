"""From tensors to numpy by Tensor.numpy: values, dtypes, layouts, and writes on one side seen on the other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, NUMPY
from conformance.subject import Subject
from conformance.tables.numpy_sharing import address, assert_array, assert_bits, assert_shared, assert_writes_show
from properties.strategies.ndarrays import KINDS, arranged, other_values
from properties.strategies.values import distinct

pytestmark = must_answer


def rows(claim: str) -> list:
    """One row a kind of dtypes; the wider unsigned ones came with torch 2.3, as a claim of their own."""
    kinds = [pytest.param(kind, marks=check(claim)) for kind in KINDS if kind != "unsigned"]
    return [*kinds, pytest.param("unsigned", marks=check("numpy.from-numpy-unsigned"))]


@pytest.mark.parametrize("kind", rows("numpy.tensor-to-numpy"))
def test_numpy_keeps_shape_and_elements(subject: Subject, kind: str) -> None:
    subject.require_feature("host_memory")
    for dtype, recipe in arranged(kind):
        t = recipe.on(subject)
        call = f"numpy() of {dtype}, {recipe.shape}, strides {recipe.strides}, offset {recipe.offset},"
        a = assert_array(call, t.numpy(), recipe.array)
        require(a.flags.writeable, f"{call} is read-only")
        assert_bits(f"the tensor after {call}", t, recipe.array, dtype)


@check("numpy.numpy-keeps-dtype")
def test_numpy_keeps_the_dtype(subject: Subject) -> None:
    subject.require_feature("host_memory")
    for dtype, shape in itertools.product(NUMPY, ((3, 4), (), (0, 2), (40,))):
        t = torch.ones(shape, dtype=host.torch_dtype(dtype), device=subject.device)
        expected = np.ones(shape, DTYPES[dtype].host)
        assert_array(f"torch.ones({shape}, dtype=torch.{dtype}).numpy()", t.numpy(), expected)
        assert_array("of its transpose, numpy()", t.permute(tuple(range(t.ndim))[::-1]).numpy(), expected.T)


@pytest.mark.parametrize("kind", rows("numpy.numpy-layout"))
def test_numpy_keeps_address_and_strides(subject: Subject, kind: str) -> None:
    subject.require_feature("host_memory")
    for dtype, recipe in arranged(kind):
        t = recipe.on(subject)
        call = f"numpy() of {dtype}, {recipe.shape}, strides {recipe.strides}, offset {recipe.offset},"
        assert_shared(call, t, t.numpy())
        assert_shared(f"the second {call}", t, t.numpy())
        assert_shared(f"force=True, {call}", t, t.numpy(force=True))


@pytest.mark.parametrize("kind", rows("numpy.numpy-sees-tensor-write"))
def test_a_write_to_the_tensor_shows_in_its_numpy(subject: Subject, kind: str) -> None:
    subject.require_feature("host_memory")
    for dtype, recipe in arranged(kind):
        t = recipe.on(subject)
        call = f"numpy() of {dtype}, {recipe.shape}, strides {recipe.strides},"
        assert_writes_show(call, t, t.numpy(), other_values(recipe.array), whole=not recipe.is_overlapping)


@pytest.mark.parametrize("kind", rows("numpy.tensor-sees-numpy-write"))
def test_a_write_to_its_numpy_shows_in_the_tensor(subject: Subject, kind: str) -> None:
    subject.require_feature("host_memory")
    for dtype, recipe in arranged(kind):
        t = recipe.on(subject)
        a = t.numpy()
        a[...] = other_values(recipe.array)
        assert_bits(f"the tensor of {recipe.shape}, strides {recipe.strides}, after a[...] = …", t, a.copy(), dtype)


@check("numpy.numpy-lifetime")
def test_an_array_keeps_the_memory_of_its_tensor(subject: Subject) -> None:
    subject.require_feature("host_memory")
    for make in (lambda t: t, lambda t: t[1:, ::2], lambda t: t.t(), lambda t: t[3]):
        t = make(host.tensor(distinct("float64", (30, 100)), "float64"))
        expected, a = host.array(t), t.numpy()
        start = address(a)
        del t
        filler = [torch.full((30, 100), -1.0, dtype=torch.float64) for _ in range(20)]
        assert_array("t.numpy() after the last name of t is gone", a, expected)
        require(address(a) == start, "t.numpy() moved when t went")
        del filler

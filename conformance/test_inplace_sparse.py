"""In-place methods of sparse tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from properties.strategies.recipe import contiguous

pytestmark = must_answer

PLACES, VALUES = np.array([[0, 1, 2], [3, 0, 1]]), np.array([1.5, -2.0, 4.0])


def sparse(subject, shape=(3, 4), places=PLACES, values=VALUES):
    """A sparse COO tensor, coalesced."""
    given = contiguous(places, "int64").on(subject), contiguous(values, "float64").on(subject)
    return torch.sparse_coo_tensor(*given, shape, device=subject.device).coalesce()


def assert_sparse(call, x, shape, places, values, dims):
    """Refute unless a sparse tensor has that shape, those entries and those numbers of sparse and dense dimensions."""
    require(x.is_sparse, f"{call} is not sparse")
    require(tuple(x.shape) == shape, f"{call} has shape {tuple(x.shape)}", shape, tuple(x.shape))
    found = (x.sparse_dim(), x.dense_dim())
    require(found == dims, f"{call} has {found} sparse and dense dimensions", dims, found)
    held = x.coalesce()
    assert_values(f"the indices of {call}", held.indices(), places, dtype="int64")
    assert_values(f"the values of {call}", held.values(), values, dtype="float64")


@check("inplace.sparse_resize_")
def test_sparse_resize_keeps_the_entries(subject):
    for shape in ((3, 4), (5, 4), (3, 9), (100, 50)):
        x = sparse(subject)
        call = f"sparse_resize_({shape}, 2, 0)"
        require(x.sparse_resize_(shape, 2, 0) is x, f"{call} is not the tensor that it was called on")
        assert_sparse(call, x, shape, PLACES, VALUES, (2, 0))
    x = sparse(subject, (3, 4, 2), values=np.arange(6.0).reshape(3, 2))
    require(x.sparse_resize_((6, 4, 2), 2, 1) is x, "sparse_resize_ is not the tensor that it was called on")
    assert_sparse("sparse_resize_((6, 4, 2), 2, 1)", x, (6, 4, 2), PLACES, np.arange(6.0).reshape(3, 2), (2, 1))


@check("inplace.sparse_resize_")
def test_sparse_resize_refuses_to_lose_entries(subject):
    for args in (((2, 2), 2, 0), ((3, 4, 5), 2, 0), ((3, 4, 5), 3, 0), ((3,), 1, 0)):
        x = sparse(subject)
        assert_raises(f"sparse_resize_{args} of a tensor with entries", RuntimeError, lambda: x.sparse_resize_(*args))
        assert_sparse(f"what sparse_resize_{args} refused", x, (3, 4), PLACES, VALUES, (2, 0))


@check("inplace.sparse_resize_and_clear_")
def test_sparse_resize_and_clear_drops_the_entries(subject):
    for shape, dims in (((2, 2), (2, 0)), ((3, 4), (2, 0)), ((7, 5, 2), (2, 1)), ((6,), (1, 0))):
        x = sparse(subject)
        call = f"sparse_resize_and_clear_({shape}, {dims[0]}, {dims[1]})"
        require(x.sparse_resize_and_clear_(shape, *dims) is x, f"{call} is not the tensor that it was called on")
        empty = np.empty((0, *shape[dims[0] :]))
        assert_sparse(call, x, shape, np.empty((dims[0], 0), np.int64), empty, dims)
    x = sparse(subject)
    assert_raises(
        "sparse_resize_and_clear_((3, 4, 5), 2, 0)", RuntimeError, lambda: x.sparse_resize_and_clear_((3, 4, 5), 2, 0)
    )
    assert_sparse("what sparse_resize_and_clear_ refused", x, (3, 4), PLACES, VALUES, (2, 0))


@pytest.mark.parametrize("form", ["method", "function"])
@check("inplace.resize_as_sparse_")
def test_resize_as_sparse_takes_the_shape_of_another(subject, form):
    x, other = sparse(subject), sparse(subject, (5, 9), np.array([[4], [8]]), np.array([7.0]))
    out = x.resize_as_sparse_(other) if form == "method" else torch.resize_as_sparse_(x, other)
    require(out is x, "resize_as_sparse_ is not the tensor that it was called on")
    assert_sparse("resize_as_sparse_", x, (5, 9), PLACES, VALUES, (2, 0))
    assert_sparse("the argument of resize_as_sparse_", other, (5, 9), np.array([[4], [8]]), np.array([7.0]), (2, 0))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=check(f"inplace.{name}")) for name in ("sparse_resize_", "sparse_resize_and_clear_")],
)
def test_it_refuses_dense_tensors(subject, name):
    x = contiguous(np.arange(6.0).reshape(2, 3), "float64").on(subject)
    before = Unchanged(x=x)
    assert_raises(f"{name} of a dense tensor", RuntimeError, lambda: getattr(x, name)((2, 3), 2, 0))
    before.check(name)

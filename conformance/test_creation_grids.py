"""Grids of coordinates, and the tuples and choices of elements."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import creation as oracle
from conformance.subject import Subject
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer


KINDS = (("float32", "contiguous"), ("int64", "stepped"), ("bool", "offset"), ("complex64", "contiguous"))


def assert_grids(call: str, found: Any, expected: list[np.ndarray], dtype: str) -> None:
    """Refute unless torch.meshgrid made these grids."""
    count = len(found) if isinstance(found, (tuple, list)) else None
    require(count == len(expected), f"{call} makes {count} grids", len(expected), count)
    for place, (grid, due) in enumerate(zip(found, expected, strict=True)):
        assert_values(f"{call}[{place}]", grid, due, dtype=dtype)


@check("creation.meshgrid")
@pytest.mark.parametrize("indexing", ["ij", "xy"])
def test_meshgrid_spreads_coordinates(subject: Subject, indexing: str) -> None:
    for sizes in ((2, 3), (3,), (2, 3, 4), (1, 5), (0, 3), (3, 0, 2), (2, 2, 2, 3), (3, 3, 3), (4, 4), (40, 17)):
        for dtype, layout in KINDS:
            given = [LAYOUTS[layout](distinct(dtype, (size,)), dtype) for size in sizes]
            tensors = [recipe.on(subject) for recipe in given]
            expected = oracle.grids([recipe.array for recipe in given], indexing)
            for form, found in {
                "separate": torch.meshgrid(*tensors, indexing=indexing),
                "list": torch.meshgrid(tensors, indexing=indexing),
                "tuple": torch.meshgrid(tuple(tensors), indexing=indexing),
            }.items():
                assert_grids(f"torch.meshgrid({form} of {sizes}, indexing={indexing!r})", found, expected, dtype)
    vector, number = torch.arange(2, device=subject.device), torch.tensor(7, device=subject.device)
    due = oracle.grids([np.arange(2), np.array(7)], indexing)
    found = torch.meshgrid(vector, number, indexing=indexing)
    assert_grids(f"torch.meshgrid(vector, number, indexing={indexing!r})", found, due, "int64")


@check("creation.meshgrid")
def test_meshgrid_without_indexing_is_by_rows(subject: Subject) -> None:
    for sizes in ((2, 3), (3,), (2, 3, 4), (0, 2)):
        given = [distinct("int64", (size,)) for size in sizes]
        tensors = [torch.tensor(values, dtype=torch.int64, device=subject.device) for values in given]
        for form, found in {"separate": torch.meshgrid(*tensors), "list": torch.meshgrid(tensors)}.items():
            assert_grids(f"torch.meshgrid({form} of {sizes})", found, oracle.grids(given, "ij"), "int64")


@check("creation.meshgrid-views")
@pytest.mark.parametrize("count", [1, 3, 4])
def test_each_grid_looks_at_its_vector(subject: Subject, count: int) -> None:
    for dtype, indexing in itertools.product(("float32", "int64", "bool"), ("ij", "xy")):
        recipes = [LAYOUTS["stepped"](distinct(dtype, (size,)), dtype) for size in (2, 3, 5, 4)[:count]]
        vectors = [recipe.on(subject) for recipe in recipes]
        for place, grid in enumerate(torch.meshgrid(*vectors, indexing=indexing)):
            call = f"grid {place} of {count}, {dtype}, indexing={indexing!r}"
            require(grid.data_ptr() == vectors[place].data_ptr(), f"{call} is a copy", "a view", "a copy")
            due = sorted([0] * (count - 1) + [vectors[place].stride(0)])
            require(sorted(grid.stride()) == due, f"{call} has strides {grid.stride()}", due, grid.stride())


@check("creation.meshgrid-views")
def test_grids_are_expanded_views(subject: Subject) -> None:
    x, y = torch.arange(3.0, device=subject.device), torch.arange(4.0, device=subject.device)
    for indexing in ("ij", "xy"):
        for given, grid in zip((x, y), torch.meshgrid(x, y, indexing=indexing), strict=True):
            require(grid.data_ptr() == given.data_ptr(), f"a grid of torch.meshgrid(indexing={indexing!r}) is a copy")
            require(sorted(grid.stride()) == [0, 1], f"a grid has strides {grid.stride()}", "0 and 1", grid.stride())
    x.requires_grad_()
    grid = torch.meshgrid(x, y, indexing="ij")[0]
    grid.sum().backward()
    assert_values("the gradient through torch.meshgrid", x.grad, np.full(3, 4.0))


@check("creation.meshgrid-errors")
def test_grids_need_vectors_of_one_dtype(subject: Subject) -> None:
    x = torch.arange(3.0, device=subject.device)
    for call, action in {
        "unequal dtypes": lambda: torch.meshgrid(x, x.long(), indexing="ij"),
        "a matrix": lambda: torch.meshgrid(torch.ones(2, 2), x, indexing="ij"),
        "nothing": lambda: torch.meshgrid(indexing="ij"),
        "another indexing": lambda: torch.meshgrid(x, x, indexing="yx"),
    }.items():
        assert_raises(f"torch.meshgrid of {call}", RuntimeError, action)


@check("creation.cartesian-prod")
def test_products_vary_the_last_fastest(subject: Subject) -> None:
    for sizes in ((2, 3), (3,), (2, 2, 3), (1, 4), (2, 0), (4, 5, 2), (7, 6), (100, 90)):
        for dtype, layout in (
            ("int64", "contiguous"),
            ("float32", "stepped"),
            ("uint8", "offset"),
            ("bool", "contiguous"),
        ):
            given = [LAYOUTS[layout](distinct(dtype, (size,)), dtype) for size in sizes]
            out = torch.cartesian_prod(*(recipe.on(subject) for recipe in given))
            expected = oracle.products([recipe.array for recipe in given])
            assert_values(f"torch.cartesian_prod of {sizes}, {dtype} {layout}", out, expected, dtype=dtype)
    x = torch.arange(3, device=subject.device)
    assert_raises("torch.cartesian_prod of a matrix", RuntimeError, lambda: torch.cartesian_prod(torch.ones(2, 2)))
    assert_raises("torch.cartesian_prod of unequal dtypes", RuntimeError, lambda: torch.cartesian_prod(x, x.float()))
    assert_apart("torch.cartesian_prod(x, x)", torch.cartesian_prod(x, x), x)


@check("creation.combinations")
@pytest.mark.parametrize("with_replacement", [False, True])
def test_combinations_keep_the_order_of_places(subject: Subject, with_replacement: bool) -> None:
    for size, r in itertools.product((0, 1, 2, 3, 5, 8), (0, 1, 2, 3, 4)):
        for dtype, layout in (("int64", "contiguous"), ("float32", "stepped"), ("bool", "offset")):
            recipe = LAYOUTS[layout](distinct(dtype, (size,)), dtype)
            x = recipe.on(subject)
            before = Unchanged(x=x)
            out = torch.combinations(x, r=r, with_replacement=with_replacement)
            expected = oracle.combined(recipe.array, r, with_replacement=with_replacement)
            call = f"torch.combinations({size} of {dtype}, r={r}, with_replacement={with_replacement})"
            assert_values(call, out, expected, dtype=dtype)
            before.check(call)
    many = torch.arange(40, device=subject.device)
    due = oracle.combined(np.arange(40), 3, with_replacement=with_replacement)
    found = torch.combinations(many, r=3, with_replacement=with_replacement)
    assert_values("torch.combinations(torch.arange(40), r=3)", found, due, dtype="int64")
    pairs = torch.combinations(torch.tensor([3, 1, 2], device=subject.device), with_replacement=with_replacement)
    expected = oracle.combined(np.array([3, 1, 2]), 2, with_replacement=with_replacement)
    assert_values("torch.combinations(x), pairs by default", pairs, expected, dtype="int64")
    assert_raises("torch.combinations(x, r=-1)", RuntimeError, lambda: torch.combinations(torch.arange(3), r=-1))
    assert_raises("torch.combinations of a matrix", RuntimeError, lambda: torch.combinations(torch.ones(2, 2)))


LINEAR = {
    "torch.cartesian_prod": (lambda x: torch.cartesian_prod(x, x, x), lambda x: oracle.products([x, x, x])),
    "torch.combinations": (torch.combinations, lambda x: oracle.combined(x, 2, with_replacement=False)),
    "torch.combinations, with_replacement=True": (
        lambda x: torch.combinations(x, 3, with_replacement=True),
        lambda x: oracle.combined(x, 3, with_replacement=True),
    ),
    "torch.meshgrid, xy": (
        lambda x: torch.stack(torch.meshgrid(x, x, indexing="xy")),
        lambda x: np.stack(oracle.grids([x, x], "xy")),
    ),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("torch.cartesian_prod", marks=check("creation.cartesian-prod")),
        pytest.param("torch.combinations", marks=check("creation.combinations")),
        pytest.param("torch.combinations, with_replacement=True", marks=check("creation.combinations")),
        pytest.param("torch.meshgrid, xy", marks=check("creation.meshgrid-views")),
    ],
)
def test_gradients_sum_up_over_the_places_of_an_element(subject: Subject, name: str) -> None:
    call, places = LINEAR[name]
    for size in (3, 5):
        for dtype in ("float32", "float64"):
            x = host.tensor(distinct(dtype, (size,)), dtype, subject.device).requires_grad_()
            out, found = call(x), places(np.arange(size))
            weights = np.arange(1.0, found.size + 1).reshape(found.shape)
            require(out.requires_grad, f"{name} leaves the autograd graph")
            out.backward(host.tensor(weights.astype(dtype), dtype, subject.device))
            due = np.zeros(size)
            np.add.at(due, found.astype(int), weights)
            assert_values(f"the gradient through {name} of {size} elements", x.grad, due, dtype=dtype)

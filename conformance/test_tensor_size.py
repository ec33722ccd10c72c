"""torch.Size, sizes and counts, dtypes and their facts, and the other attributes of a tensor."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer

SHAPES = ((3, 4), (), (5,), (0,), (0, 3), (2, 3, 4), (2, 3, 4, 5), (1, 1), (2, 1, 3, 2, 1), (33, 17), (7, 0, 2))
PAIRS = (((2, 3), (4,)), ((), (1,)), ((5,), ()), ((1, 2, 3), (3, 2)), ((0,), (0, 7)))


def equal(text: str, found: Any, expected: Any) -> None:
    """Refute unless two values are equal and of one type."""
    same = type(found) is type(expected) and found == expected
    require(
        same, f"{text} is {found!r} ({type(found).__name__}), but should be {expected!r}", repr(expected), repr(found)
    )


def of(subject: Any, shape: tuple[int, ...], layout: str = "contiguous", dtype: str = "float32") -> torch.Tensor:
    return LAYOUTS[layout](distinct(dtype, shape), dtype).on(subject)


@check("tensor.size-method")
def test_size_and_shape_give_the_sizes(subject):
    for shape in SHAPES:
        for layout in LAYOUTS:
            x = of(subject, shape, layout)
            equal(f"x.size() of shape {shape}", x.size(), torch.Size(shape))
            equal(f"x.shape of shape {shape}", x.shape, torch.Size(shape))
            require(tuple(x.size()) == shape, f"tuple(x.size()) of shape {shape}", shape, tuple(x.size()))
            require(
                repr(x.size()) == f"torch.Size({list(shape)})",
                f"repr(x.size()) of {shape}",
                f"torch.Size({list(shape)})",
                repr(x.size()),
            )
            require(
                str(x.shape) == f"torch.Size({list(shape)})",
                f"str(x.shape) of {shape}",
                f"torch.Size({list(shape)})",
                str(x.shape),
            )


@check("tensor.size-index")
def test_size_of_a_dimension_is_an_int(subject):
    for shape in SHAPES:
        x = of(subject, shape)
        for dim in range(-len(shape), len(shape)):
            equal(f"x.size()[{dim}] of shape {shape}", x.size()[dim], shape[dim])
            equal(f"x.shape[{dim}] of shape {shape}", x.shape[dim], shape[dim])
            equal(f"x.size({dim}) of shape {shape}", x.size(dim), shape[dim])
            equal(f"x.size(dim={dim}) of shape {shape}", x.size(dim=dim), shape[dim])
        for dim in (len(shape), -len(shape) - 1):
            if shape:
                assert_raises(f"x.size({dim}) of shape {shape}", IndexError, lambda d=dim, x=x: x.size(d))
            assert_raises(f"x.size()[{dim}] of shape {shape}", IndexError, lambda d=dim, x=x: x.size()[d])


@check("tensor.size-is-tuple-subclass")
def test_size_is_a_tuple(subject):
    require(issubclass(torch.Size, tuple), "torch.Size is no subclass of tuple")
    for shape in SHAPES:
        size = of(subject, shape).size()
        require(isinstance(size, tuple) and type(size) is torch.Size, f"x.size() is a {type(size).__name__}")
        require(size == shape and shape == size and (size != shape) is False, f"x.size() == {shape}", shape, size)
        require(hash(size) == hash(shape), f"hash(x.size()) of {shape}", hash(shape), hash(size))
        require({shape: "found"}.get(size) == "found", f"x.size() finds no {shape} in a dict")
        require(size != [*shape], f"x.size() equals the list {list(shape)}")


SLICES = (slice(1, None), slice(None, -1), slice(None, None, -1), slice(0, 0), slice(-2, None), slice(None, None, 2))


@check("tensor.size-supports-tuple-ops")
def test_parts_sums_and_products_of_a_size_are_sizes(subject):
    for plain, other in PAIRS:
        size = of(subject, plain).size()
        equal(f"{plain} + torch.Size", size + torch.Size(other), torch.Size(plain + other))
        equal(f"torch.Size{plain} + {other}", size + other, torch.Size(plain + other))
        for times in (0, 1, 2, 3):
            equal(f"torch.Size{plain} * {times}", size * times, torch.Size(plain * times))
            equal(f"{times} * torch.Size{plain}", times * size, torch.Size(plain * times))
        for part in SLICES:
            equal(f"torch.Size{plain}[{part}]", size[part], torch.Size(plain[part]))
        assert_raises(f"torch.Size{plain} + [1]", TypeError, lambda size=size: size + [1])  # noqa: RUF005


@check("tensor.size-supports-tuple-ops")
def test_a_size_is_iterated_over_searched_and_ordered_as_a_tuple(subject):
    for plain, other in PAIRS:
        size, said = of(subject, plain).size(), f"torch.Size{plain}"
        require([*size] == [*plain] and list(iter(size)) == [*plain], f"iteration over {said}", plain, [*size])
        require(len(size) == len(plain), f"len({said})", len(plain), len(size))
        turned = sorted(size) == sorted(plain) and [*reversed(size)] == [*reversed(plain)]
        require(turned, f"sorted, reversed {said}")
        found, due = (size < other, size >= other, size == other), (plain < other, plain >= other, plain == other)
        require(found == due, f"order of {plain}, {other}", due, found)
        for number in (0, 1, 2, 3, 9):
            require((number in size) == (number in plain), f"{number} in {said}")
            require(size.count(number) == plain.count(number), f"{said}.count({number})")
            if number in plain:
                require(size.index(number) == plain.index(number), f"{said}.index({number})")
            else:
                assert_raises(f"{said}.index({number})", ValueError, lambda n=number, size=size: size.index(n))


@check("tensor.size-supports-tuple-ops")
def test_size_cannot_be_changed_and_unpacks(subject):
    size = of(subject, (2, 3)).size()

    def assign() -> None:
        size[0] = 5

    def delete() -> None:
        del size[0]

    for text, action in {"size[0] = 5": assign, "del size[0]": delete}.items():
        assert_raises(text, TypeError, action)
    rows, columns = size
    require((rows, columns) == (2, 3), "rows, columns = x.size()", (2, 3), (rows, columns))
    require(torch.zeros(*size).shape == (2, 3) and torch.zeros(size).shape == (2, 3), "torch.zeros(x.size())")
    require(
        max(size) == 3 and min(size) == 2 and sum(size) == 5 and math.prod(size) == 6, "max, min, sum, prod of x.size()"
    )
    for made in (copy.copy(size), copy.deepcopy(size), pickle.loads(pickle.dumps(size))):
        equal("a copy of x.size()", made, torch.Size((2, 3)))


@check("tensor.size-added-to-tuple", since="2.9")
def test_a_tuple_plus_a_size_is_a_size(subject):
    for plain, other in PAIRS:
        equal(f"{other} + torch.Size{plain}", other + of(subject, plain).size(), torch.Size(other + plain))


@check("tensor.size-numel")
def test_size_numel_is_the_product(subject):
    for shape in SHAPES:
        equal(f"torch.Size({shape}).numel()", torch.Size(shape).numel(), math.prod(shape))
        equal(f"x.size().numel() of {shape}", of(subject, shape).size().numel(), math.prod(shape))


@check("tensor.size-constructor")
def test_size_is_made_of_integers(subject):
    for plain in ((2, 3), [2, 3], range(2, 4), iter((2, 3)), torch.Size((2, 3)), (np.int64(2), 3)):
        equal("torch.Size(…)", torch.Size(plain), torch.Size((2, 3)))
    equal("torch.Size()", torch.Size(), torch.Size(()))
    equal("torch.Size of tensors", torch.Size([torch.tensor(2), torch.tensor(3)]), torch.Size((2, 3)))
    for bad in ((2.0,), ("a",), (None,), ([1],)):
        assert_raises(f"torch.Size({bad})", TypeError, lambda bad=bad: torch.Size(bad))
    assert_raises("torch.Size(3)", TypeError, lambda: torch.Size(3))


@check("tensor.numel")
def test_numel_dim_and_their_other_names(subject):
    for shape in SHAPES:
        for layout in LAYOUTS:
            x, count = of(subject, shape, layout), math.prod(shape)
            for text, found in {
                "x.numel()": x.numel(),
                "x.nelement()": x.nelement(),
                "torch.numel(x)": torch.numel(x),
            }.items():
                equal(f"{text} of shape {shape}", found, count)
            for text, found in {"x.dim()": x.dim(), "x.ndimension()": x.ndimension(), "x.ndim": x.ndim}.items():
                equal(f"{text} of shape {shape}", found, len(shape))

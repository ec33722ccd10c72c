"""Windows: convolutions by every way of padding, pools with all their options, places of maxima and the way back."""

from __future__ import annotations

import numpy as np
import pytest
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import EXACT
from conformance.oracle import layer_windows as oracle
from conformance.tables.formula_rows import judge_row, marked, used
from conformance.tables.layer_inputs import normal
from conformance.tables.layer_window_rows import MAXIMA, ROWS, SIDES, formula, of_sides
from properties.strategies.recipe import contiguous, layouts

pytestmark = must_answer


@pytest.mark.parametrize("row", marked(ROWS))
def test_windows_follow_their_formula(subject, row):
    judge_row(subject, row)


def pooled_with_places(n, x, o):
    """The ways to a pool of n dimensions with the places of its maxima."""
    yield f"F.max_pool{n}d", getattr(F, f"max_pool{n}d")(x, **o, return_indices=True)
    yield f"MaxPool{n}d", getattr(nn, f"MaxPool{n}d")(**o, return_indices=True)(x)


@check("layer.pooling")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_places_of_maxima(subject, n):
    values = np.round(normal(1, (2, 3, *SIDES[n - 1])) * 3)  # with ties
    for options in MAXIMA:
        o = of_sides(options, n)
        wanted, places = oracle.max_pool(values, **formula(o))
        for recipe in layouts(values, "float64", used("float64")):
            for call, (out, found) in pooled_with_places(n, recipe.on(subject), o):
                assert_values(f"{call}({o})", out, wanted, dtype="float64")
                assert_values(f"the places of {call}({o})", found, places, dtype="int64")
            one, at = getattr(F, f"max_pool{n}d")(recipe.on(subject)[1], **o, return_indices=True)
            assert_values(f"max_pool{n}d({o}) of one sample", one, wanted[1])
            assert_values(f"the places of max_pool{n}d({o}) of one sample", at, places[1])


@check("layer.pooling")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_places_of_adaptive_maxima(subject, n):
    values, sizes = np.round(normal(2, (2, 3, *SIDES[n - 1])) * 3), (4, 5, 4)[:n]
    wanted, places = oracle.adaptive_max(values, sizes)
    for recipe in layouts(values, "float64", used("float64")):
        x = recipe.on(subject)
        for call, (out, found) in (
            (f"F.adaptive_max_pool{n}d", getattr(F, f"adaptive_max_pool{n}d")(x, sizes, return_indices=True)),
            (f"AdaptiveMaxPool{n}d", getattr(nn, f"AdaptiveMaxPool{n}d")(sizes, return_indices=True)(x)),
        ):
            assert_values(call, out, wanted, dtype="float64")
            assert_values(f"the places of {call}", found, places, dtype="int64")


@check("layer.unpooling")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_unpooling_puts_maxima_back(subject, n):
    sides = ((7,), (6, 9), (4, 6, 5))[n - 1]
    values = normal(3, (2, 3, *sides))
    largest, places = oracle.max_pool(values, 2, 2)
    even = tuple(2 * size for size in largest.shape[2:])
    # Without a size the sides are even; a place counts in the plane of the result.
    for size in (None, even, sides):
        given = oracle.max_pool(values[(..., *(slice(s) for s in even))], 2, 2) if size != sides else (largest, places)
        wanted = oracle.max_unpool(*given, sides if size == sides else even)
        for recipe in layouts(given[0], "float64", used("float64")):
            x, at = recipe.on(subject).requires_grad_(), contiguous(given[1], "int64").on(subject)
            told = {} if size is None else {"output_size": size}
            for call, out in (
                (f"F.max_unpool{n}d", getattr(F, f"max_unpool{n}d")(x, at, 2, **told)),
                (f"MaxUnpool{n}d", getattr(nn, f"MaxUnpool{n}d")(2, stride=2)(x, at, **told)),
            ):
                assert_values(f"{call}, output_size={size}", out, wanted, EXACT, dtype="float64")
            v = normal(4, wanted.shape)
            out.backward(contiguous(v, "float64").on(subject))
            back = np.take_along_axis(v.reshape(2, 3, -1), given[1].reshape(2, 3, -1), -1).reshape(given[1].shape)
            assert_values(f"the gradient of MaxUnpool{n}d", x.grad, back)


@check("layer.unpooling")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_unpooling_refuses_other_sizes(subject, n):
    bad = contiguous(np.zeros((1, 1, *[2] * n)), "float64").on(subject)
    assert_raises(
        f"max_unpool{n}d to another size",
        ValueError,
        lambda: getattr(F, f"max_unpool{n}d")(bad, bad.long(), 2, output_size=(9,) * n),
    )


@check("layer.fractional-pooling")
@pytest.mark.parametrize("n", [2, 3])
def test_fractional_pools_take_maxima_of_their_windows(subject, n):
    values, sizes = normal(5, (2, 3, *(9, 8, 7)[:n])), (4, 5, 3)[:n]
    x = contiguous(values, "float64").on(subject)
    for call, (out, at) in (
        ("F", getattr(F, f"fractional_max_pool{n}d")(x, 2, output_size=sizes, return_indices=True)),
        ("module", getattr(nn, f"FractionalMaxPool{n}d")(2, output_size=sizes, return_indices=True)(x)),
        ("ratio", getattr(F, f"fractional_max_pool{n}d")(x, 2, output_ratio=(0.5,) * n, return_indices=True)),
    ):
        text, found, flat = f"fractional_max_pool{n}d by {call}", host.array(out), host.array(at)
        shape = tuple(int(s * 0.5) for s in values.shape[2:]) if call == "ratio" else sizes
        require(found.shape == (2, 3, *shape), f"the shape of {text}", shape, found.shape)
        picked = np.take_along_axis(values.reshape(2, 3, -1), flat.reshape(2, 3, -1), -1).reshape(found.shape)
        require((picked == found).all(), f"{text}: values and places differ", picked, found)
        places = np.stack(np.unravel_index(flat, values.shape[2:]), -1)
        grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
        # Windows of 2 lie between the sides in order, the last one at the end of its side.
        require((places >= grid).all() and (places <= grid + np.array(values.shape[2:]) - shape).all(),
                f"{text}: a window is out of order")  # fmt: skip
        largest = max_of_any_window(values, flat)
        require((found >= largest).all(), f"{text}: a value is not the largest of any window that holds it")


def max_of_any_window(values, flat):
    """For each place, the least that the maximum of a 2-window holding it can be, over all such windows."""
    n, sides = values.ndim - 2, values.shape[2:]
    found = np.full(flat.shape, np.inf)
    for index in np.ndindex(*flat.shape):
        place = np.unravel_index(flat[index], sides)
        for back in np.ndindex(*[2] * n):
            start = [p - b for p, b in zip(place, back, strict=True)]
            if all(0 <= s and s + 2 <= size for s, size in zip(start, sides, strict=True)):
                part = values[(*index[:2], *(slice(s, s + 2) for s in start))]
                found[index] = min(found[index], part.max())
    return found


@check("layer.convolutions")
def test_bad_convolutions_are_refused(subject):
    for call, make in {
        "groups that do not divide the channels": lambda: nn.Conv2d(4, 6, 3, groups=3),
        "groups that do not divide the filters": lambda: nn.Conv1d(4, 6, 3, groups=4),
        "no groups": lambda: nn.Conv2d(4, 6, 3, groups=0),
        "an unknown padding mode": lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="mirror"),
        "an unknown padding": lambda: nn.Conv1d(4, 6, 3, padding="full"),
        "'same' padding and a stride": lambda: nn.Conv2d(4, 6, 3, padding="same", stride=2),
        "'same' padding and a stride of three dimensions": lambda: nn.Conv3d(4, 6, 3, padding="same", stride=(1, 2, 1)),
        "a transposed convolution that reflects": lambda: nn.ConvTranspose2d(4, 6, 3, padding_mode="reflect"),
    }.items():
        assert_raises(call, ValueError, make)
    layer = nn.ConvTranspose1d(3, 4, 3, stride=2, padding=1).double().to(subject.device)
    x = contiguous(normal(1, (2, 3, 4)), "float64").on(subject)
    for size in ([6], [9]):
        assert_raises(f"an output_size of {size} where 7 or 8 is possible", ValueError, lambda s=size: layer(x, s))

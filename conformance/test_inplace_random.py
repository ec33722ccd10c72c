"""In-place methods that fill self with random numbers: support, distribution, generators, and what they leave alone.

The false-alarm rates are those of conformance.oracle.random: below 1e-12 for each comparison.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import chance, host
from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.tables.inplace_calls import flat, gaps, version
from conformance.tables.inplace_fillers import FILLERS
from properties.strategies.recipe import channels_last, contiguous, expanded, offset, row_stepped, stepped, transposed

pytestmark = must_answer

EACH = [pytest.param(filler, marks=check(f"inplace.{filler.name}"), id=filler.call) for filler in FILLERS]
FIRST = [
    pytest.param(filler, marks=check(f"inplace.{filler.name}"), id=filler.name)
    for place, filler in enumerate(FILLERS)
    if filler.name not in {other.name for other in FILLERS[:place]}
]
LAYOUTS = (contiguous, stepped, transposed, row_stepped, offset)
PLACES = (
    ((40, 25), contiguous),
    ((40, 25), row_stepped),
    ((33,), stepped),
    ((40, 25), transposed),
    ((33,), offset),
    ((3, 4, 5, 6), channels_last),
    ((3, 4, 5, 6), stepped),
    ((1,), offset),
    ((), offset),
    ((0,), contiguous),
    ((2, 0, 3), contiguous),
)


def fill(filler, x, **more):
    return getattr(x, filler.name)(*filler.args, **filler.options, **more)


def blank(shape, dtype):
    """Values that no filler makes in so many places."""
    return np.full(shape, True if dtype == "bool" else 99)


@pytest.mark.parametrize("filler", EACH)
def test_it_fills_self_and_nothing_else(subject, filler):
    for place, dtype in enumerate(filler.dtypes):
        for shape, layout in PLACES if place == 0 else PLACES[place % 2 : 4 : 2]:
            recipe = layout(blank(shape, dtype), dtype)
            call = f"{dtype} {shape} {recipe.strides} .{filler.call}"
            found = assert_filled(call, filler, recipe, flat(subject, recipe))
            require(found.size < 33 or len(np.unique(found)) > 1, f"{call} fills with one number", "many", found)


def assert_filled(call, filler, recipe, base):
    """Refute unless self is filled within the support, returned, and all else is as it was. Returns the numbers."""
    x, before = base.as_strided(recipe.shape, recipe.strides, recipe.offset), host.bits(base)
    place, told = x.data_ptr(), version(base)
    require(fill(filler, x) is x, f"{call} is not the tensor that it was called on")
    require(tuple(x.shape) == recipe.shape and tuple(x.stride()) == recipe.strides, f"{call} changed the layout")
    require(x.data_ptr() == place, f"{call} moved self")
    require(version(base) > told, f"{call} does not move the version counter")
    found, (low, high) = chance.numbers(call, x), filler.support
    require(((found >= low) & (found <= high)).all(), f"{call} leaves its support", filler.support, found)
    free = gaps(recipe.shape, recipe.strides, recipe.offset, len(recipe.buffer))
    require((host.bits(base)[free] == before[free]).all(), f"{call} wrote between or around self's elements")
    return found


@pytest.mark.parametrize("filler", EACH)
def test_its_numbers_follow_the_distribution(subject, filler):
    side = 1 + int(chance.COUNT**0.5)
    for place, layout in enumerate(LAYOUTS):
        dtype = "float64" if filler.chances is None or place % 2 else filler.dtypes[0]
        recipe = layout(blank((side, side), dtype), dtype)
        x = fill(filler, recipe.on(subject))
        call = f"{filler.call} of {dtype} ({layout.__name__})"
        if filler.cdf is not None:
            chance.assert_distribution(call, chance.numbers(call, x), filler.cdf)
        else:
            chance.assert_shares(call, chance.numbers(call, x), filler.low, filler.chances)


@pytest.mark.parametrize("filler", FIRST)
def test_it_follows_the_seed_and_the_generator(subject, filler):
    def made(seed, own=False, layout=contiguous):
        x = layout(np.zeros((7, 41)), "float32").on(subject)
        if own:
            generator = torch.Generator(device=subject.device)
            return host.array(fill(filler, x, generator=generator.manual_seed(seed)))
        torch.manual_seed(seed)
        return host.array(fill(filler, x))

    first = made(1)
    require((made(1) == first).all(), f"{filler.call} after one seed gives two answers")
    require((made(2) != first).any(), f"{filler.call} gives the same after two seeds")
    require((made(5, own=True) == made(5, own=True)).all(), f"{filler.call} of one generator gives two answers")
    torch.manual_seed(3)
    made(5, own=True)
    x = contiguous(np.zeros((7, 41)), "float32").on(subject)
    after = host.array(fill(filler, x))
    require((after == made(3)).all(), f"{filler.call} of a generator of its own takes from the default one")
    again = host.array(fill(filler, x))
    require((after != again).any(), f"{filler.call} gives the same numbers twice in a row")


REFUSED = [
    pytest.param(filler, marks=check(f"inplace.{filler.name}", since=filler.refused_since), id=filler.name)
    for filler in FILLERS
    if filler.refused
]


@pytest.mark.parametrize("filler", REFUSED)
def test_it_refuses_arguments_outside_of_the_domain(subject, filler):
    for args in filler.refused:
        x = row_stepped(np.ones((3, 4)), "float32").on(subject)
        before = Unchanged(x=x)
        assert_raises(f"{filler.name}{args}", RuntimeError, lambda: getattr(x, filler.name)(*args))
        before.check(f"{filler.name}{args}, which fails,")


@pytest.mark.parametrize("filler", FIRST)
def test_it_refuses_a_self_whose_elements_share_memory(subject, filler):
    x = expanded(np.ones((5, 4)), "float32").on(subject)
    before = Unchanged(x=x)
    assert_raises(f"{filler.call} of an expanded tensor", RuntimeError, lambda: fill(filler, x))
    before.check(f"{filler.call}, which fails,")


@pytest.mark.parametrize("filler", FIRST)
def test_autograd_is_told(subject, filler):
    leaf = contiguous(np.ones((3, 4)), "float32").with_grad().on(subject)
    before = Unchanged(leaf=leaf)
    assert_raises(f"{filler.call} of a leaf that requires grad", RuntimeError, lambda: fill(filler, leaf))
    before.check(f"{filler.call}, which fails,")
    y = leaf * 2
    node = y.grad_fn
    require(fill(filler, y) is y and y.requires_grad, f"{filler.call} of a result of autograd drops requires_grad")
    require(y.grad_fn is not None and y.grad_fn is not node, f"{filler.call} of a result of autograd is not recorded")
    y.sum().backward()
    require(not host.array(leaf.grad).any(), f"the gradient through {filler.call} is not 0", 0, leaf.grad)
    with torch.no_grad():
        require(fill(filler, leaf) is leaf and leaf.requires_grad, f"{filler.call} of a leaf under no_grad changes it")


@check("inplace.bernoulli_")
def test_bernoulli_takes_a_probability_for_each_element(subject):
    for layout in (contiguous, transposed, stepped):
        chances = np.tile([0.0, 1.0, 0.25, 0.75], 1250).reshape(50, 100)
        p = layout(chances, "float64").on(subject)
        x, before = contiguous(np.full((50, 100), 9), "int32").on(subject), Unchanged(p=p)
        require(x.bernoulli_(p) is x, "bernoulli_(p) is not the tensor that it was called on")
        before.check("bernoulli_(p)")
        found = chance.numbers("bernoulli_(p)", x)
        require(
            not found[chances == 0].any() and found[chances == 1].all(),
            "bernoulli_(p) is 1 where p is 0, or 0 where it is 1",
        )
        for share in (0.25, 0.75):
            chance.assert_shares(
                f"bernoulli_(p) where p = {share}", found[chances == share], 0, np.array([1 - share, share])
            )


@pytest.mark.parametrize(
    "dtype, top",
    [("uint8", 255), ("int8", 127), ("int16", 2**15 - 1), ("int32", 2**31 - 1), ("bool", 1), ("float32", 2**24)],
)
@check("inplace.random_")
def test_random_without_bounds_fills_the_range_of_the_dtype(subject, dtype, top):
    x = contiguous(blank((100, 100), dtype), dtype).on(subject).random_()
    found = chance.numbers(f"random_() of {dtype}", x)
    require((found == np.floor(found)).all(), f"random_() of {dtype} gives fractions")
    require(
        ((found >= 0) & (found <= top)).all(),
        f"random_() of {dtype} leaves 0 … {top}",
        (0, top),
        (found.min(), found.max()),
    )
    chance.assert_shares(f"random_() of {dtype}, upper and lower half", found > top / 2, 0, np.array([0.5, 0.5]))


@check("inplace.random_")
def test_random_has_an_open_upper_and_a_closed_lower_end(subject):
    x = contiguous(np.zeros(500), "int64").on(subject)
    for low, high in ((-3, 1), (2**40, 2**40 + 4), (-(2**40), -(2**40) + 4), (0, 4)):
        found = host.array(x.random_(low, high))
        chance.assert_shares(f"random_({low}, {high})", found - low, 0, np.full(4, 0.25))
    found = chance.numbers("random_(0, to=2)", x.random_(0, to=2))
    chance.assert_shares("random_(0, to=2)", found, 0, np.array([0.5, 0.5]))

"""Rare draws, fine digits, results in out=, and generators together with other options."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import torch

from conformance import effort, host
from conformance.assertions import require
from conformance.chance import assert_tails, numbers
from conformance.check import check, must_answer
from conformance.oracle import random as oracle
from properties.strategies.recipe import DENSE

pytestmark = must_answer

MANY = effort.scaled(2**19)
RARE = 105 / MANY  # a tail that holds some hundred of so many draws
NORMAL = NormalDist().inv_cdf(1 - RARE)

# Long draws of n numbers, and the points beyond which RARE of them lie on either side.
TAILS: dict[str, tuple[str, Callable[..., torch.Tensor], float, float]] = {
    "rand": ("rand-uniform", lambda n, **k: torch.rand(n, **k), RARE, 1 - RARE),
    "randn": ("randn-standard-normal", lambda n, **k: torch.randn(n, **k), -NORMAL, NORMAL),
    "uniform_": ("uniform-range", lambda n, **k: torch.empty(n, **k).uniform_(), RARE, 1 - RARE),
    "normal_": ("normal-fill", lambda n, **k: torch.empty(n, **k).normal_(), -NORMAL, NORMAL),
    "exponential_": (
        "exponential-fill",
        lambda n, **k: torch.empty(n, **k).exponential_(),
        -math.log1p(-RARE),
        -math.log(RARE),
    ),
    "cauchy_": (
        "cauchy-fill",
        lambda n, **k: torch.empty(n, **k).cauchy_(),
        -1 / math.tan(math.pi * RARE),
        1 / math.tan(math.pi * RARE),
    ),
    "log_normal_": (
        "log-normal-fill",
        lambda n, **k: torch.empty(n, **k).log_normal_(0, 1),
        math.exp(-NORMAL),
        math.exp(NORMAL),
    ),
}
rows = pytest.mark.parametrize("name", [pytest.param(n, marks=check(f"random.{row[0]}")) for n, row in TAILS.items()])


@rows
def test_rare_numbers_are_drawn_as_often_as_they_should(subject, name):
    _, draw, low, high = TAILS[name]
    for dtype in ("float32", "float64"):
        draws = numbers(name, draw(MANY, dtype=host.torch_dtype(dtype), device=subject.device))
        assert_tails(f"{name} of {dtype}", draws, low, high, RARE)


@rows
def test_draws_have_the_digits_of_their_dtype(subject, name):
    # Of n draws on a lattice of 2**-22, n * n / 2 * 2**-22 pairs coincide, as a Poisson variable; in float64, none.
    count = 2**15
    draw = TAILS[name][1]
    for dtype, lattice in (("float32", 2.0**-20), ("float64", 2.0**-48)):
        draws = numbers(name, draw(count, dtype=host.torch_dtype(dtype), device=subject.device))
        found, allowed = count - len(np.unique(draws)), oracle.repeats_bound(count * count // 2, lattice / 4)
        require(found <= allowed, f"{name} of {dtype}: {found} of {count} draws repeat another", allowed, found)


@rows
def test_no_layout_repeats_its_draws(subject, name):
    if not name.endswith("_"):
        return
    for layout in DENSE:
        for shape in ((16,), (40,), (7, 9), (33, 5), (4, 5, 6)):
            recipe = DENSE[layout](np.zeros(shape), "float64")
            x = recipe.on(subject)
            getattr(x, name)(*((0, 1) if name == "log_normal_" else ()))
            found = len(np.unique(host.array(x)))
            require(found == x.numel(), f"{name} of {layout} {shape} repeats numbers", x.numel(), found)


@check("random.rand-uniform")
def test_rand_comes_near_both_ends(subject):
    for dtype in ("float32", "float64"):
        draws = torch.rand(2**21, dtype=host.torch_dtype(dtype), device=subject.device)  # misses 2**-16 by exp(-32)
        low, high = draws.min().item(), draws.max().item()
        require(low < 2.0**-16, f"rand of {dtype} stays away from 0", "below 2**-16", low)
        require(high > 1 - 2.0**-16, f"rand of {dtype} stays away from 1", "above 1 - 2**-16", high)


@check("random.geometric-fill")
def test_long_waits_are_as_rare_as_they_should(subject):
    for dtype in ("float32", "float64", "int64"):
        for p, edge in ((0.05, 120), (0.01, 700), (0.3, 20)):
            x = torch.empty(2**17, dtype=host.torch_dtype(dtype), device=subject.device).geometric_(p)
            found, chance = float((x > edge).double().mean()), (1 - p) ** edge
            bound = oracle.share_bound(2**17, 2, chance)
            require(abs(found - chance) <= bound, f"geometric_({p}) of {dtype} beyond {edge}", chance, found)
            require(int(x.min()) == 1, f"geometric_({p}) of {dtype} starts elsewhere than at 1", 1, int(x.min()))


# Functions with out=, as a call with further keywords; what they make has 40 elements.
WITH_OUT: dict[str, tuple[str, str, Callable[..., torch.Tensor]]] = {
    "rand": ("seed-repeats", "float32", lambda **k: torch.rand(40, **k)),
    "randn": ("seed-repeats", "float32", lambda **k: torch.randn(40, **k)),
    "randint": ("seed-repeats", "int64", lambda **k: torch.randint(0, 1 << 30, (40,), **k)),
    "randperm": ("seed-repeats", "int64", lambda **k: torch.randperm(40, **k)),
    "normal": ("seed-repeats", "float32", lambda **k: torch.normal(torch.zeros(40), torch.ones(40), **k)),
    "normal(size)": ("seed-repeats", "float32", lambda **k: torch.normal(0.0, 1.0, (40,), **k)),
    "bernoulli": ("seed-repeats", "float32", lambda **k: torch.bernoulli(torch.full((40,), 0.5), **k)),
    "multinomial": ("seed-repeats", "int64", lambda **k: torch.multinomial(torch.ones(60), 40, **k)),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=check(f"random.{row[0]}")) for n, row in WITH_OUT.items()])
def test_out_takes_the_numbers_of_the_seed(subject, name):
    subject.require_feature("host_memory")  # the tensors that parametrise some are the CPU's
    _, dtype, draw = WITH_OUT[name]
    own = host.torch_dtype(dtype)
    torch.manual_seed(5)
    due, after = draw(), torch.rand(3)
    places: dict[str, Callable[[], torch.Tensor]] = {
        "full": lambda: torch.full((40,), 77, dtype=own),
        "empty": lambda: torch.empty(0, dtype=own),
    }
    for text, make in places.items():
        out = make()
        torch.manual_seed(5)
        found = draw(out=out)
        require(found is out, f"{name}(out={text}) returns another tensor")
        require(torch.equal(out, due), f"{name}(out={text}) holds other numbers than without", due, out)
        require(torch.equal(torch.rand(3), after), f"{name}(out={text}) draws more, or fewer, numbers")
    torch.manual_seed(5)
    base = torch.full((80,), 77, dtype=own)
    part = base[::2]
    require(draw(out=part) is part and bool((base[1::2] == 77).all()), f"{name}(out=stepped) writes between elements")
    require(not bool((part == 77).all()), f"{name}(out=stepped) leaves its out as it was")


OPTIONS: dict[str, dict[str, Any]] = {
    "dtype=": {"dtype": "float64"},
    "requires_grad=": {"requires_grad": True},
    "device=": {"device": "cpu"},
    "layout=": {"layout": torch.strided},
    "all of them": {"dtype": "float64", "requires_grad": True, "layout": torch.strided},
}
SIZED: dict[str, Callable[..., torch.Tensor]] = {
    "rand": lambda **k: torch.rand(33, **k),
    "randn": lambda **k: torch.randn(33, **k),
    "randint": lambda **k: torch.randint(0, 1 << 20, (33,), **k),
    "randint(high)": lambda **k: torch.randint(1 << 20, (33,), **k),
    "randperm": lambda **k: torch.randperm(33, **k),
    "normal": lambda **k: torch.normal(0.0, 1.0, (33,), **k),
}


@check("random.generator-seed")
@pytest.mark.parametrize("name", SIZED)
def test_a_generator_counts_whatever_else_is_asked_for(subject, name):
    subject.require_feature("host_memory")  # the generators are the CPU's
    for text, options in OPTIONS.items():
        given = {**options, **({"dtype": torch.float64} if "dtype" in options else {})}
        if name.startswith("rand") and name not in ("rand", "randn") and "requires_grad" in given:
            given["dtype"] = torch.float64  # integers require no grad
        own = torch.Generator().manual_seed(17)
        torch.manual_seed(17)
        due, after = SIZED[name](**given), torch.rand(2)
        torch.manual_seed(4)
        found, again = SIZED[name](generator=own, **given), SIZED[name](generator=own, **given)
        require(torch.equal(found, due), f"{name}(generator=…) with {text} ignores its generator", due, found)
        require(not torch.equal(found, again), f"{name}(generator=…) with {text} repeats itself")
        torch.manual_seed(4)
        first = torch.rand(2)
        require(not torch.equal(first, after), "two seeds give the same")

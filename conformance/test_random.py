"""Random numbers: distributions by statistics whose false-alarm rate is stated in the oracle."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import effort, host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, require
from conformance.chance import COUNT, assert_distribution, assert_independent, assert_shares, assert_tails, numbers
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, FLOATS
from conformance.oracle import random as oracle
from properties.strategies.recipe import DENSE, layouts

pytestmark = must_answer

# Sizes around a vector register, where normal draws come in blocks of 16, and beyond a parallel grain.
SIZES = (1, 2, 7, 15, 16, 17, 31, 33, 100, 1000)


def in_sizes(draw):
    """COUNT / 16 numbers at least, drawn in pieces of each of the sizes: [(size, array of one row a draw)]."""
    for size in SIZES:
        rows = np.stack([draw(size) for _ in range(max(COUNT // 16 // size, effort.scaled(40)))])
        yield size, rows


CASES = {
    "rand": (lambda n, dt, dev: torch.rand(n, dtype=dt, device=dev), oracle.uniform(), 0.5, "random.rand-uniform"),
    "randn": (
        lambda n, dt, dev: torch.randn(n, dtype=dt, device=dev),
        oracle.normal(),
        0.0,
        "random.randn-standard-normal",
    ),
    "uniform_": (
        lambda n, dt, dev: torch.empty(n, dtype=dt, device=dev).uniform_(-3, 5),
        oracle.uniform(-3, 5),
        1.0,
        "random.uniform-range",
    ),
    "uniform_()": (
        lambda n, dt, dev: torch.empty(n, dtype=dt, device=dev).uniform_(),
        oracle.uniform(),
        0.5,
        "random.uniform-range",
    ),
    "normal_": (
        lambda n, dt, dev: torch.empty(n, dtype=dt, device=dev).normal_(2, 3),
        oracle.normal(2, 3),
        2.0,
        "random.normal-fill",
    ),
    "normal_()": (
        lambda n, dt, dev: torch.empty(n, dtype=dt, device=dev).normal_(),
        oracle.normal(),
        0.0,
        "random.normal-fill",
    ),
    "normal_(std)": (
        lambda n, dt, dev: torch.empty(n, dtype=dt, device=dev).normal_(std=0.25),
        oracle.normal(0, 0.25),
        0.0,
        "random.normal-fill",
    ),
    "exponential_": (
        lambda n, dt, dev: torch.empty(n, dtype=dt, device=dev).exponential_(2.5),
        oracle.exponential(2.5),
        np.log(2) / 2.5,
        "random.exponential-fill",
    ),
    "exponential_()": (
        lambda n, dt, dev: torch.empty(n, dtype=dt, device=dev).exponential_(),
        oracle.exponential(),
        np.log(2),
        "random.exponential-fill",
    ),
    "cauchy_": (
        lambda n, dt, dev: torch.empty(n, dtype=dt, device=dev).cauchy_(1, 2),
        oracle.cauchy(1, 2),
        1.0,
        "random.cauchy-fill",
    ),
    "log_normal_": (
        lambda n, dt, dev: torch.empty(n, dtype=dt, device=dev).log_normal_(0.5, 0.75),
        oracle.log_normal(0.5, 0.75),
        np.exp(0.5),
        "random.log-normal-fill",
    ),
    "normal(size)": (
        lambda n, dt, dev: torch.normal(-1.0, 0.5, (n,), dtype=dt, device=dev),
        oracle.normal(-1, 0.5),
        -1.0,
        "random.normal-elementwise",
    ),
}
ROWS = [pytest.param(name, marks=check(row[3])) for name, row in CASES.items()]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ROWS)
def test_draws_follow_the_distribution(subject, name, dtype):
    draw, cdf, median, _ = CASES[name]
    subject.require(dtype)
    facts = DTYPES[dtype]
    call = f"{name} of {dtype}"
    draws = numbers(call, assert_tensor(call, draw(COUNT, host.torch_dtype(dtype), subject.device), dtype, (COUNT,)))
    assert_distribution(call, draws, cdf, lattice=4 * facts.epsilon)
    if dtype in ("float32", "float64"):
        assert_independent(call, draws, median, 2.0**-18)


@pytest.mark.parametrize("name", ROWS)
def test_draws_of_any_size_follow_the_distribution(subject, name):
    draw, cdf, median, _ = CASES[name]
    for size, rows in in_sizes(lambda n: numbers(name, draw(n, torch.float32, subject.device))):
        assert_distribution(f"{name} in pieces of {size}", rows, cdf, lattice=1e-6)
        assert_distribution(f"the last of {name} of {size} elements", rows[:, -1], cdf, lattice=1e-6)
        assert_distribution(f"the first of {name} of {size} elements", rows[:, 0], cdf, lattice=1e-6)
        assert_independent(f"{name} in pieces of {size}", rows, median, 2.0**-18)


FILLERS = {name: row for name, row in CASES.items() if "_" in name}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=check(row[3])) for name, row in FILLERS.items() if name.endswith("_")]
)
def test_a_filler_fills_any_layout(subject, name):
    arguments = {
        "uniform_": (-3, 5),
        "normal_": (2, 3),
        "exponential_": (2.5,),
        "cauchy_": (1, 2),
        "log_normal_": (0.5, 0.75),
    }[name]
    for dtype in ("float32", "float64"):
        for recipe in layouts(np.full((40, 5, 3, 2), 77.0), dtype, DENSE):
            x = recipe.on(subject)
            require(getattr(x, name)(*arguments) is x, f"{name} does not return its own tensor")
            assert_distribution(f"{name} on strides {recipe.strides}", numbers(name, x), CASES[name][1], lattice=1e-6)
            require(
                not (numbers(name, x) == 77.0).any(), f"{name} on strides {recipe.strides} left elements as they were"
            )


@check("random.randn-standard-normal")
@pytest.mark.parametrize("dtype", FLOATS)
def test_randn_has_tails_and_moments(subject, dtype):
    subject.require(dtype)
    draws = numbers("randn", torch.randn(20_000, dtype=host.torch_dtype(dtype), device=subject.device))
    # P(x > 2.2) = 0.013903; the edge lies between two numbers of every dtype.
    assert_tails(f"randn of {dtype}", draws, -2.203, 2.203, 0.0138)
    # Means of n draws are normal: six-sigma is 2e-9, eight 1e-15; the variance of a square is 2.
    spread = 8 / np.sqrt(len(draws))
    require(abs(draws.mean()) <= spread, f"the mean of randn of {dtype}", 0, draws.mean())
    require(abs(draws.var() - 1) <= 2**0.5 * spread + 0.01, f"the variance of randn of {dtype}", 1, draws.var())


@check("random.rand-open-interval")
@pytest.mark.parametrize("dtype", FLOATS)
def test_rand_stays_below_one(subject, dtype):
    subject.require(dtype)
    for size in (COUNT, 1, 7, 16, 33):
        draws = numbers("rand", torch.rand(size, dtype=host.torch_dtype(dtype), device=subject.device))
        require(
            ((draws >= 0) & (draws < 1)).all(), f"rand of {dtype} leaves [0, 1)", "[0, 1)", (draws.min(), draws.max())
        )
    # The lattice of the dtype is fine enough that a draw below 1/64 is there: P(none) < (63/64)^20000.
    require(numbers("rand", torch.rand(COUNT, device=subject.device)).min() < 1 / 64, "rand stays away from 0")


@check("random.uniform-range")
@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform_stays_in_its_range(subject, dtype):
    subject.require(dtype)
    for low, high in ((0, 1), (-3, 5), (10, 10.5), (2, 2)):
        draws = numbers(
            "uniform_",
            torch.empty(COUNT // 4, dtype=host.torch_dtype(dtype), device=subject.device).uniform_(low, high),
        )
        # Scaling to the range may round up to its end in a narrow dtype, which the documentation leaves open.
        require((draws >= low).all() and (draws <= high).all(), f"uniform_({low}, {high}) of {dtype} leaves its range")
    assert_raises("uniform_(1, 0)", RuntimeError, lambda: torch.empty(3, device=subject.device).uniform_(1, 0))


@check("random.complex-parts")
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_parts_of_complex_draws(subject, dtype):
    kind = {"dtype": host.torch_dtype(dtype), "device": subject.device}
    for name, cdf in (("rand", oracle.uniform()), ("randn", oracle.normal(0, 0.5**0.5))):
        draws = host.array(assert_tensor(name, getattr(torch, name)(COUNT, **kind), dtype, (COUNT,)))
        for part in (draws.real, draws.imag):
            assert_distribution(f"a part of {name} of {dtype}", part, cdf)
        together = np.stack([draws.real, draws.imag], 1).ravel()
        assert_independent(
            f"the parts of {name} of {dtype}", together, cdf is None or (0.5 if name == "rand" else 0.0), 2.0**-18
        )


@check("random.like-variants")
def test_like_variants_take_shape_and_dtype(subject):
    for dtype in ("float32", "float64", "float16"):
        for recipe in layouts(np.zeros((50, 20)), dtype, DENSE):
            x = recipe.on(subject)
            before = Unchanged(x=x)
            for name, cdf in (("rand_like", oracle.uniform()), ("randn_like", oracle.normal())):
                out = assert_tensor(name, getattr(torch, name)(x), dtype, (50, 20))
                assert_distribution(f"{name} of strides {recipe.strides}", numbers(name, out), cdf, lattice=0.01)
            out = assert_tensor("randint_like", torch.randint_like(x, 2, 6), dtype, (50, 20))
            assert_shares("randint_like(x, 2, 6)", host.array(out), 2, np.full(4, 0.25))
            before.check("a like variant")
    out = torch.rand_like(torch.zeros(3, device=subject.device), dtype=torch.float64)
    assert_tensor("rand_like(dtype=float64)", out, "float64", (3,))
    require(torch.randn_like(out, requires_grad=True).requires_grad, "randn_like ignores requires_grad")

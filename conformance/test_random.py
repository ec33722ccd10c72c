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
from properties.strategies.recipe import DENSE, contiguous, layouts

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


@check("random.randperm")
def test_randperm_is_a_permutation(subject):
    for n in (0, 1, 2, 3, 10, 16, 17, 33, 1000, 40_000):
        for dtype in ("int64", "int32", "float64", "int16"):
            if dtype == "int16" and n > 32_767:
                continue
            out = torch.randperm(n, dtype=host.torch_dtype(dtype), device=subject.device)
            found = host.array(assert_tensor(f"randperm({n})", out, dtype, (n,)))
            require((np.sort(found) == np.arange(n)).all(), f"randperm({n}) of {dtype} is no permutation")
    assert_tensor("randperm(4)", torch.randperm(4, device=subject.device), "int64", (4,))
    assert_raises("randperm(-1)", RuntimeError, lambda: torch.randperm(-1, device=subject.device))


@check("random.randperm")
def test_permutations_are_equally_likely(subject):
    draws = np.stack([host.array(torch.randperm(4, device=subject.device)) for _ in range(effort.scaled(6000))])
    assert_shares("randperm(4), numbered", draws @ np.array([64, 16, 4, 1]), 0, _numbered_permutations(4))
    for n in (9, 20, 64):
        rows = np.stack([host.array(torch.randperm(n, device=subject.device)) for _ in range(effort.scaled(3000))])
        for place in (0, 1, n // 2, n - 2, n - 1):
            assert_shares(f"element {place} of randperm({n})", rows[:, place], 0, np.full(n, 1 / n))


@check("random.randperm")
def test_a_large_permutation_is_shuffled(subject):
    n = 40_000
    for _ in range(2):
        out = host.array(torch.randperm(n, device=subject.device))
        assert_distribution(
            f"the first half of randperm({n})", out[: n // 2] + 0.5, oracle.uniform(0, n), lattice=1 / n
        )
        steps = np.diff(out)
        # Neighbours of a random permutation follow each other (by +1 or -1) twice on average: Poisson.
        require(
            (np.abs(steps) == 1).sum() <= 60,
            f"randperm({n}) keeps runs in order",
            "about 4",
            int((np.abs(steps) == 1).sum()),
        )
        require(
            (out == np.arange(n)).sum() <= 60,
            f"randperm({n}) leaves elements in place",
            "about 1",
            int((out == np.arange(n)).sum()),
        )


def _numbered_permutations(n):
    import itertools

    chances = np.zeros(256)
    for row in itertools.permutations(range(n)):
        chances[np.array(row) @ np.array([64, 16, 4, 1])] = 1 / 24
    return chances


@check("random.randint")
@pytest.mark.parametrize(
    "dtype", ["int64", "int32", "int16", "int8", "uint8", "float32", "float64", "float16", "bfloat16"]
)
def test_randint_is_uniform(subject, dtype):
    subject.require(dtype)
    kind = host.torch_dtype(dtype)
    for low, high in ((0, 10), (3, 4), (0, 2), (5, 12), *(((-7, 6), (-5, 0)) if dtype != "uint8" else ())):
        for size in ((COUNT // 2,), (50, 33), (COUNT // 4,)):
            out = assert_tensor(
                f"randint({low}, {high})",
                torch.randint(low, high, size, dtype=kind, device=subject.device),
                dtype,
                size,
            )
            assert_shares(
                f"randint({low}, {high}) of {dtype}", host.array(out), low, np.full(high - low, 1 / (high - low))
            )
            found = host.array(out)
            require(
                (found >= low).all() and (found < high).all(), f"randint({low}, {high}) of {dtype} leaves its range"
            )


@check("random.randint")
def test_randint_defaults_and_wide_ranges(subject):
    out = assert_tensor("randint(7, (3, 5))", torch.randint(7, (3, 5), device=subject.device), "int64", (3, 5))
    require((host.array(out) < 7).all() and (host.array(out) >= 0).all(), "randint(7, …) leaves 0 to 6")
    for low, high in ((0, 2**31), (-(2**31), 2**31), (0, 2**33), (-(2**62), 2**62), (0, 2**63 - 1), (-1000, 2**40)):
        draws = host.array(torch.randint(low, high, (COUNT // 2,), device=subject.device))
        require((draws >= low).all() and (draws < high).all(), f"randint({low}, {high}) leaves its range")
        assert_distribution(
            f"randint({low}, {high})", draws.astype(np.float64), oracle.uniform(low, high), lattice=1e-8
        )
        assert_independent(f"randint({low}, {high})", draws, (low + high) / 2, 2.0**-20)
    # The lowest bits are as random as the highest.
    draws = host.array(torch.randint(0, 2**40, (COUNT // 2,), device=subject.device))
    assert_shares("the last two bits of randint(0, 2**40)", draws % 4, 0, np.full(4, 0.25))


@check("random.randint-bad-range")
def test_randint_refuses_empty_ranges(subject):
    for low, high in ((0, 0), (5, 5), (5, 3), (0, -1)):
        assert_raises(
            f"randint({low}, {high})", RuntimeError, lambda: torch.randint(low, high, (3,), device=subject.device)
        )
    assert_raises(
        "randint(0, 300) of uint8",
        RuntimeError,
        lambda: torch.randint(0, 300, (3,), dtype=torch.uint8, device=subject.device),
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


@check("random.normal-elementwise")
def test_normal_has_a_mean_and_std_for_each_element(subject):
    means, stds = np.linspace(-50, 50, 21), np.array([0.5, 1, 3, 10, 0.01] * 4 + [2.0])
    rows = []
    for recipe_m, recipe_s in zip(layouts(means, "float64"), layouts(stds, "float64"), strict=True):
        m, s = recipe_m.on(subject), recipe_s.on(subject)
        before = Unchanged(mean=m, std=s)
        for _ in range(effort.scaled(300)):
            rows.append(
                (host.array(assert_tensor("normal(mean, std)", torch.normal(m, s), "float64", (21,))) - means) / stds
            )
        before.check("normal(mean, std)")
    rows = np.stack(rows)
    assert_distribution("standardised normal(mean, std)", rows, oracle.normal())
    for place in range(21):
        assert_distribution(f"element {place} of normal(mean, std)", rows[:, place], oracle.normal())
    assert_independent("standardised normal(mean, std)", rows, 0.0, 2.0**-30)


@check("random.normal-elementwise")
def test_normal_takes_numbers_for_either(subject):
    means, stds = np.linspace(-5, 5, 4000).reshape(40, 100), np.linspace(0.1, 4, 4000).reshape(40, 100)
    m, s = contiguous(means, "float32").on(subject), contiguous(stds, "float32").on(subject)
    assert_distribution(
        "normal(mean, 2.0)", (numbers("normal", torch.normal(m, 2.0)) - means) / 2, oracle.normal(), 1e-6
    )
    assert_distribution("normal(mean)", numbers("normal", torch.normal(m)) - means, oracle.normal(), 1e-6)
    assert_distribution("normal(3.0, std)", (numbers("normal", torch.normal(3.0, s)) - 3) / stds, oracle.normal(), 1e-6)
    out = torch.empty(40, 100, device=subject.device)
    require(torch.normal(m, s, out=out) is out, "normal(out=…) does not return out")
    assert_distribution("normal(mean, std, out=…)", (numbers("normal", out) - means) / stds, oracle.normal(), 1e-6)
    row = torch.normal(contiguous(means[:1], "float32").on(subject), contiguous(stds[:, :1], "float32").on(subject))
    assert_tensor("normal of broadcast mean and std", row, "float32", (40, 100))
    assert_distribution("normal, broadcast", (numbers("normal", row) - means[:1]) / stds[:, :1], oracle.normal(), 1e-6)


@check("random.normal-zero-std")
def test_normal_without_spread_is_the_mean(subject):
    means = np.linspace(-5, 5, 33)
    m = contiguous(means, "float64").on(subject)
    for call, out in (
        ("normal(mean, 0.0)", torch.normal(m, 0.0)),
        ("normal(mean, zeros)", torch.normal(m, torch.zeros_like(m))),
    ):
        require((host.array(out) == means).all(), f"{call} is not the mean", means, host.array(out))


@check("random.normal-negative-std")
def test_normal_refuses_a_negative_std(subject):
    mean = torch.zeros(3, device=subject.device)
    std = torch.tensor([1.0, -1.0, 1.0], device=subject.device)
    assert_raises("normal(mean, std with -1)", RuntimeError, lambda: torch.normal(mean, std))
    assert_raises("normal(mean, -1.0)", RuntimeError, lambda: torch.normal(mean, -1.0))
    assert_raises("normal_(0, -1)", RuntimeError, lambda: mean.normal_(0, -1))


@check("random.normal-is-discrete")
def test_normal_is_continuous(subject):
    draws = numbers(
        "normal",
        torch.normal(torch.zeros(1000, device=subject.device), torch.full((1000,), 50.0, device=subject.device)),
    )
    require((draws != np.round(draws)).mean() > 0.9, "normal draws whole numbers", "fractions", draws[:5])


@check("random.normal-keyword-means")
def test_normal_knows_no_means(subject):
    assert_raises(
        "normal(means=…)", TypeError, lambda: torch.normal(means=torch.zeros(3, device=subject.device), std=1.0)
    )
    assert_tensor(
        "normal(mean=…, std=…)", torch.normal(mean=torch.zeros(3, device=subject.device), std=1.0), "float32", (3,)
    )


@check("random.normal-row-repeats-linspace")
def test_normal_is_not_linspace(subject):
    assert_raises("normal(start=…)", TypeError, lambda: torch.normal(start=0.0, end=1.0, steps=5))
    steps = np.diff(numbers("normal", torch.normal(0.0, 1.0, (50,), device=subject.device)))
    require(np.ptp(steps) > 0.5, "normal draws evenly spaced values", "irregular steps", steps[:5])


@check("random.uniform-function")
def test_uniform_is_no_function(subject):
    require(not hasattr(torch, "uniform"), "there is a torch.uniform")
    require(not hasattr(torch.Tensor, "uniform"), "there is a Tensor.uniform")
    require(hasattr(torch.empty(1, device=subject.device), "uniform_"), "there is no Tensor.uniform_")

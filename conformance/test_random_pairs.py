"""Random draws where two conditions meet: many and related, no dimensions, a strided out=, a range of one number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import effort, host
from conformance.assertions import assert_tensor, assert_values, require
from conformance.chance import assert_distribution, assert_shares, assert_unrelated, numbers
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, FLOATS, INTEGERS
from conformance.oracle import random as oracle
from conformance.subject import Subject
from properties.strategies.recipe import DENSE

pytestmark = must_answer

MANY = effort.scaled(2**18)
# By name: draws of some shape and keywords, their distribution function and median, and their claim.
REAL: dict[str, tuple[Callable[..., torch.Tensor], Callable[[np.ndarray], np.ndarray], float, str]] = {
    "rand": (lambda s, **k: torch.rand(s, **k), oracle.uniform(), 0.5, "rand-uniform"),
    "randn": (lambda s, **k: torch.randn(s, **k), oracle.normal(), 0.0, "randn-standard-normal"),
    "rand_like": (lambda s, **k: torch.rand_like(torch.zeros(s, **k)), oracle.uniform(), 0.5, "like-variants"),
    "randn_like": (lambda s, **k: torch.randn_like(torch.zeros(s, **k)), oracle.normal(), 0.0, "like-variants"),
    "normal(size)": (lambda s, **k: torch.normal(0.0, 1.0, s, **k), oracle.normal(), 0.0, "normal-elementwise"),
    "normal(mean, std)": (
        lambda s, **k: torch.normal(torch.zeros(s, **k), torch.ones(s, **k)),
        oracle.normal(),
        0.0,
        "normal-elementwise",
    ),
    "uniform_": (lambda s, **k: torch.zeros(s, **k).uniform_(-1, 1), oracle.uniform(-1, 1), 0.0, "uniform-range"),
    "normal_": (lambda s, **k: torch.zeros(s, **k).normal_(), oracle.normal(), 0.0, "normal-fill"),
    "exponential_": (
        lambda s, **k: torch.zeros(s, **k).exponential_(),
        oracle.exponential(),
        math.log(2),
        "exponential-fill",
    ),
    "cauchy_": (lambda s, **k: torch.zeros(s, **k).cauchy_(), oracle.cauchy(0, 1), 0.0, "cauchy-fill"),
    "log_normal_": (
        lambda s, **k: torch.zeros(s, **k).log_normal_(0, 1),
        oracle.log_normal(0, 1),
        1.0,
        "log-normal-fill",
    ),
}
rows = pytest.mark.parametrize("name", [pytest.param(n, marks=check(f"random.{row[3]}")) for n, row in REAL.items()])


@rows
def test_no_draw_tells_of_another(subject: Subject, name: str) -> None:
    draw, _, median, _ = REAL[name]
    for dtype in ("float32", "float64"):
        draws = numbers(name, draw((MANY,), dtype=host.torch_dtype(dtype), device=subject.device))
        assert_unrelated(f"{name} of {dtype}", draws, median)
        for shape in ((500, 4), (4, 500), (10, 20, 10)):
            table = numbers(name, draw(shape, dtype=host.torch_dtype(dtype), device=subject.device))
            assert_unrelated(f"{name} of {dtype} {shape}", table, median)
            assert_unrelated(f"{name} of {dtype} {shape}, read by columns", table.T, median)


@rows
def test_tensors_of_any_rank_repeat_nothing(subject: Subject, name: str) -> None:
    draw = REAL[name][0]
    for shape in ((3, 5, 7), (2, 3, 4, 5), (33, 2, 3), (1, 17, 1), (2, 2, 2, 2, 3)):
        draws = numbers(name, draw(shape, dtype=torch.float64, device=subject.device))
        found = len(np.unique(draws))
        require(found == draws.size, f"{name} of {shape} in float64 repeats numbers", draws.size, found)


@rows
def test_draws_without_dimensions_follow_the_distribution(subject: Subject, name: str) -> None:
    draw, cdf, _, _ = REAL[name]
    for dtype in ("float32", "float64"):
        made = [draw((), dtype=host.torch_dtype(dtype), device=subject.device) for _ in range(400)]
        assert_tensor(f"{name} of no dimensions", made[0], dtype, ())
        draws = np.array([float(host.array(one)) for one in made])
        assert_distribution(f"{name} of no dimensions, {dtype}", draws, cdf, lattice=1e-6)


# By name: draws of whole numbers without dimensions, the first of them and their chances, and the claim.
WHOLE: dict[str, tuple[Callable[..., torch.Tensor], int, tuple[float, ...], str]] = {
    "bernoulli": (lambda **k: torch.bernoulli(torch.tensor(0.2, **k)), 0, (0.8, 0.2), "bernoulli"),
    "x.bernoulli(p)": (lambda **k: torch.tensor(0.7, **k).bernoulli(0.2), 0, (0.8, 0.2), "bernoulli"),
    "x.bernoulli_(p)": (lambda **k: torch.tensor(0.7, **k).bernoulli_(0.2), 0, (0.8, 0.2), "bernoulli"),
    "x.bernoulli_(tensor)": (
        lambda **k: torch.tensor(0.7, **k).bernoulli_(torch.tensor(0.2, **k)),
        0,
        (0.8, 0.2),
        "bernoulli",
    ),
    "randint": (lambda **k: torch.randint(-1, 2, (), **k), -1, (1 / 3, 1 / 3, 1 / 3), "randint"),
    "randint_like": (
        lambda **k: torch.randint_like(torch.tensor(0.5, **k), -1, 2),
        -1,
        (1 / 3, 1 / 3, 1 / 3),
        "like-variants",
    ),
    "random_": (lambda **k: torch.tensor(0.5, **k).random_(-1, 2), -1, (1 / 3, 1 / 3, 1 / 3), "random-fill"),
    "geometric_": (lambda **k: torch.tensor(0.5, **k).geometric_(0.8), 1, (0.8, 0.16), "geometric-fill"),
    "poisson": (
        lambda **k: torch.poisson(torch.tensor(0.5, **k)),
        0,
        (math.exp(-0.5), 0.5 * math.exp(-0.5)),
        "poisson",
    ),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=check(f"random.{row[3]}")) for n, row in WHOLE.items()])
def test_whole_numbers_without_dimensions_have_their_chances(subject: Subject, name: str) -> None:
    draw, low, chances, _ = WHOLE[name]
    for dtype in ("float32", "float64"):
        made = [draw(dtype=host.torch_dtype(dtype), device=subject.device) for _ in range(500)]
        assert_tensor(f"{name} of no dimensions", made[0], dtype, ())
        draws = np.array([float(host.array(one)) for one in made])
        assert_shares(f"{name} of no dimensions, {dtype}", draws, low, np.array(chances))


# Places that are not contiguous, of 30 rows and 40 columns, in a larger matrix or a transposed one.
OUTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "transposed": lambda t: t.reshape(40, 90)[:, :30].t(),
    "every second column": lambda t: t.reshape(40, 90)[:30, ::2][:, :40],
    "every second row": lambda t: t.reshape(90, 40)[:60:2],
}
DRAWN: dict[str, tuple[Callable[..., torch.Tensor], Callable[[np.ndarray], np.ndarray], float]] = {
    "rand": (lambda **k: torch.rand(30, 40, **k), oracle.uniform(), 0.0),
    "randn": (lambda **k: torch.randn(30, 40, **k), oracle.normal(), 0.0),
    "normal(mean, std)": (lambda **k: torch.normal(*_parameters(**k), **k), oracle.normal(), 0.0),
    "normal(mean, number)": (lambda **k: torch.normal(_parameters(**k)[0], 1.0, **k), oracle.normal(), 0.0),
    "normal(number, std)": (lambda **k: torch.normal(0.0, _parameters(**k)[1], **k), oracle.normal(), 0.0),
    "randint": (lambda **k: torch.randint(0, 1 << 22, (30, 40), **k), oracle.uniform(0, 1 << 22), 1e-6),
}


def _parameters(**keywords: Any) -> tuple[torch.Tensor, torch.Tensor]:
    like = {"dtype": keywords["out"].dtype, "device": keywords["out"].device}
    return torch.zeros(30, 40, **like), torch.ones(30, 40, **like)


@pytest.mark.parametrize("name", [pytest.param(name, marks=check("random.out-argument")) for name in DRAWN])
def test_draws_fill_every_kind_of_out(subject: Subject, name: str) -> None:
    draw, cdf, lattice = DRAWN[name]
    for dtype, kind in ((dtype, kind) for dtype in ("float32", "float64") for kind in OUTS):
        for own in (None, torch.Generator(device=subject.device)):
            whole = torch.full((3600,), -77.0, dtype=host.torch_dtype(dtype), device=subject.device)
            out = OUTS[kind](whole)
            strides, call = out.stride(), f"{name}, out={kind} {dtype}, {'a' if own else 'no'} generator"
            require(draw(out=out, generator=own) is out, f"{call} gives another tensor")
            require(out.stride() == strides, f"{call} lays out anew", strides, out.stride())
            draws = numbers(call, out)
            assert_distribution(call, draws, cdf, lattice=lattice + 1e-6)
            repeated = draws.size - len(np.unique(draws))
            # Of 1,200 draws on a lattice of 2**-22 at least, 720,000 pairs coincide with that chance each.
            allowed = oracle.repeats_bound(720_000, 2.0**-22)
            require(repeated <= allowed, f"{call} repeats numbers", f"at most {allowed}", repeated)
            left = int((host.array(whole) == -77).sum())
            require(left == 3600 - 1200, f"{call} writes between the elements", 2400, left)


@check("random.randint")
@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
def test_a_range_of_one_number_gives_that_number(subject: Subject, dtype: str) -> None:
    subject.require(dtype)
    own = host.torch_dtype(dtype)
    for low in (0, 1, 7, 100) if dtype == "uint8" else (-100, -7, -1, 0, 1, 7, 100):
        for shape in ((), (5,), (20, 3)):
            x = torch.zeros(shape, dtype=own, device=subject.device)
            for call, out in {
                "randint": torch.randint(low, low + 1, shape, dtype=own, device=subject.device),
                "randint_like": torch.randint_like(x, low, low + 1),
                "x.random_": x.clone().random_(low, low + 1),
            }.items():
                assert_values(f"{call}({low}, {low + 1}) of {shape}", out, np.full(shape, low), dtype=dtype)


FILLERS: dict[str, tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "uniform_": ("uniform-range", lambda x: x.uniform_(-1, 1)),
    "normal_": ("normal-fill", lambda x: x.normal_()),
    "exponential_": ("exponential-fill", lambda x: x.exponential_()),
    "cauchy_": ("cauchy-fill", lambda x: x.cauchy_()),
    "log_normal_": ("log-normal-fill", lambda x: x.log_normal_(0, 1)),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=check(f"random.{row[0]}")) for n, row in FILLERS.items()])
def test_narrow_floats_of_every_layout_are_unrelated(subject: Subject, name: str) -> None:
    for dtype, layout in ((dtype, layout) for dtype in ("float16", "bfloat16") for layout in DENSE):
        subject.require(dtype)
        draws = numbers(name, FILLERS[name][1](DENSE[layout](np.zeros((40, 50)), dtype).on(subject)))
        call = f"{name} of {layout} {dtype}"
        assert_distribution(call, draws, REAL[name][1], lattice=4 * DTYPES[dtype].epsilon)
        assert_unrelated(call, draws, REAL[name][2])
        assert_unrelated(f"{call}, by columns", draws.T, REAL[name][2])


@check("random.geometric-fill")
@pytest.mark.parametrize("dtype", INTEGERS)
def test_waits_in_whole_dtypes_have_their_chances(subject: Subject, dtype: str) -> None:
    for layout in ("contiguous", "transposed", "stepped"):
        x = DENSE[layout](np.zeros((60, 50)), dtype).on(subject).geometric_(0.25)
        chances = 0.25 * 0.75 ** np.arange(30)  # 31 trials and more are rarer than 2e-4
        assert_shares(f"geometric_(0.25) of {layout} {dtype}", numbers("geometric_", x), 1, chances)
        late = float((numbers("geometric_", x) > 12).mean())  # with a chance of 0.75 ** 12 = 0.0317
        bound = oracle.share_bound(3000, 1, 0.75**12)
        require(abs(late - 0.75**12) <= bound, f"geometric_(0.25) of {dtype} exceeds 12 in {late:.4f}", 0.0317, late)


@check("random.random-fill")
def test_random_of_bool_with_bounds_is_a_fair_coin(subject: Subject) -> None:
    for bounds in ((0, 2), (2,), ()):
        x = torch.zeros(2000, dtype=torch.bool, device=subject.device).random_(*bounds)
        assert_shares(f"random_{bounds} of bool", host.array(x) + 0.0, 0, np.full(2, 0.5))
    for value in (0, 1):
        x = torch.tensor([True, False] * 20, device=subject.device).random_(value, value + 1)
        assert_values(f"random_({value}, {value + 1}) of bool", x, np.full(40, bool(value)), dtype="bool")


@check("random.randint")
def test_randint_of_bool_is_a_fair_coin(subject: Subject) -> None:
    out = torch.randint(0, 2, (2000,), dtype=torch.bool, device=subject.device)
    assert_shares("randint(0, 2) of bool", host.array(assert_tensor("randint", out, "bool")) + 0.0, 0, np.full(2, 0.5))

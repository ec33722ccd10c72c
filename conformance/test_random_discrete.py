"""Discrete random numbers: Bernoulli, multinomial, Poisson, geometric, random_."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import effort, host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, require
from conformance.chance import COUNT, assert_independent, assert_shares, numbers
from conformance.check import check, must_answer
from conformance.dtypes import FLOATS
from conformance.oracle import random as oracle
from properties.strategies.recipe import DENSE, contiguous, layouts

pytestmark = must_answer

ROWS = effort.scaled(4000)
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")


def repeated(probabilities, rows=ROWS):
    """An array with so many rows, each the given probabilities."""
    return np.broadcast_to(probabilities, (rows, len(probabilities)))


@pytest.mark.parametrize(
    "dtype",
    [
        pytest.param(name, marks=check("random.bernoulli", since="2.6" if name == "float16" else None))
        for name in FLOATS
    ],
)
def test_bernoulli_follows_each_probability(subject, dtype):
    chances = np.array([0.0, 1.0, 0.5, 0.125, 0.875, 0.0, 1.0])
    for recipe in layouts(repeated(chances), dtype, DENSE):
        p = recipe.on(subject)
        before = Unchanged(p=p)
        found = host.array(assert_tensor(f"bernoulli of strides {recipe.strides}", torch.bernoulli(p), dtype, p.shape))
        before.check("bernoulli(p)")
        for place, chance in enumerate(chances):
            exact = chance in (0.0, 1.0)
            require(
                not exact or (found[:, place] == chance).all(), f"bernoulli of probability {chance:g} is not certain"
            )
            assert_shares(f"bernoulli of probability {chance}", found[:, place], 0, np.array([1 - chance, chance]))


@check("random.bernoulli")
def test_bernoulli_in_its_other_forms(subject):
    p = contiguous(repeated([0.25, 0.75]), "float32").on(subject)
    forms = {
        "p.bernoulli()": lambda: p.bernoulli(),
        "bernoulli_(p)": lambda: torch.empty(ROWS, 2, device=subject.device).bernoulli_(p),
        "bernoulli_(p) of int64": lambda: torch.empty(ROWS, 2, dtype=torch.int64, device=subject.device).bernoulli_(p),
        "bernoulli_(p), transposed": lambda: torch.empty(2, ROWS, device=subject.device).t().bernoulli_(p),
        "bernoulli(p, out=…)": lambda: torch.bernoulli(p, out=torch.empty(ROWS, 2, device=subject.device)),
    }
    for call, draw in forms.items():
        found = host.array(assert_tensor(call, draw(), None, (ROWS, 2)))
        for place, chance in enumerate((0.25, 0.75)):
            assert_shares(call, found[:, place], 0, np.array([1 - chance, chance]))
    row = torch.tensor([0.25, 0.75], device=subject.device)
    found = host.array(torch.empty(ROWS, 2, device=subject.device).bernoulli_(row))
    for place, chance in enumerate((0.25, 0.75)):
        assert_shares("bernoulli_(p) of a broadcast p", found[:, place], 0, np.array([1 - chance, chance]))


@check("random.bernoulli")
def test_bernoulli_of_a_number(subject):
    for chance in (0.0, 0.3, 1.0):
        for dtype in ("float32", "float64", "int64", "uint8", "bool"):
            x = torch.empty(ROWS, dtype=host.torch_dtype(dtype), device=subject.device)
            require(x.bernoulli_(chance) is x, "bernoulli_ does not return its own tensor")
            assert_shares(f"bernoulli_({chance}) of {dtype}", host.array(x), 0, np.array([1 - chance, chance]))
    draws = numbers("bernoulli(p, 0.3)", torch.bernoulli(torch.zeros(COUNT, device=subject.device), 0.3))
    assert_shares("bernoulli(p, 0.3)", draws, 0, np.array([0.7, 0.3]))
    fair = numbers("bernoulli_()", torch.empty(COUNT, device=subject.device).bernoulli_())
    assert_independent("bernoulli_()", fair, 0.5, 0.5)


@check("random.bernoulli-bad-probability")
def test_bernoulli_refuses_what_is_no_probability(subject):
    for bad in (-0.1, 1.1, float("nan")):
        x = torch.full((3,), 0.5, device=subject.device)
        p = torch.tensor([0.5, bad, 0.5], device=subject.device)
        assert_raises(f"bernoulli of {bad}", RuntimeError, lambda p=p: torch.bernoulli(p))
        if bad == bad:
            assert_raises(f"bernoulli_({bad})", RuntimeError, lambda x=x, bad=bad: x.bernoulli_(bad))


@check("random.multinomial")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_multinomial_follows_the_weights(subject, dtype):
    rows = np.array([[1.0, 3.0, 0.0, 4.0], [5.0, 0.0, 5.0, 0.0], [0.1, 0.2, 0.3, 0.4]])
    for recipe in layouts(rows, dtype, DENSE):
        w = recipe.on(subject)
        before = Unchanged(weights=w)
        out = assert_tensor("multinomial", torch.multinomial(w, COUNT // 4, replacement=True), "int64", (3, COUNT // 4))
        before.check("multinomial(w)")
        for row, weights in enumerate(rows):
            assert_shares(
                f"multinomial, row {row} of strides {recipe.strides}", host.array(out)[row], 0, weights / weights.sum()
            )
    flat = torch.multinomial(contiguous(rows[0], dtype).on(subject), COUNT, True)
    assert_shares("multinomial of one row", host.array(flat), 0, rows[0] / 8)
    assert_independent("multinomial of one row", host.array(flat), 1.5, 0.5)
    single = np.stack(
        [host.array(torch.multinomial(contiguous(rows, dtype).on(subject), 1)) for _ in range(effort.scaled(3000))]
    )[..., 0]
    for row, weights in enumerate(rows):
        assert_shares(f"one draw of row {row}", single[:, row], 0, weights / weights.sum())


@check("random.multinomial-without-replacement")
def test_multinomial_draws_no_index_twice(subject):
    weights = np.array([1.0, 3.0, 0.0, 4.0, 2.0])
    w = contiguous(np.broadcast_to(weights, (ROWS, 5)).copy(), "float32").on(subject)
    for count in (1, 2, 4):
        found = host.array(assert_tensor("multinomial", torch.multinomial(w, count), "int64", (ROWS, count)))
        require((found != 2).all(), "multinomial without replacement draws an index of weight 0")
        require(
            all(len(set(row)) == count for row in found.tolist()),
            "multinomial without replacement draws an index twice",
        )
        assert_shares("the first index without replacement", found[:, 0], 0, weights / 10)
    second = host.array(torch.multinomial(w, 2))[:, 1]
    chances = [sum(a / 10 * b / (10 - a) for i, a in enumerate(weights) if i != j) for j, b in enumerate(weights)]
    assert_shares("the second index without replacement", second, 0, np.array(chances))
    everything = host.array(torch.multinomial(torch.ones(40, device=subject.device), 40))
    require((np.sort(everything) == np.arange(40)).all(), "multinomial of all indices leaves some out")


@check("random.multinomial-bad-input")
def test_multinomial_refuses_bad_weights(subject):
    for weights in ([1.0, -1.0], [1.0, float("inf")], [1.0, float("nan")], [0.0, 0.0]):
        w = torch.tensor(weights, device=subject.device)
        for replacement in (True, False):
            assert_raises(
                f"multinomial of {weights}", RuntimeError, lambda w=w, r=replacement: torch.multinomial(w, 1, r)
            )
    two = torch.ones(2, device=subject.device)
    assert_raises("multinomial of 3 out of 2", RuntimeError, lambda: torch.multinomial(two, 3))
    assert_raises("multinomial of 0 draws", RuntimeError, lambda: torch.multinomial(two, 0))
    assert_tensor("3 draws with replacement", torch.multinomial(two, 3, replacement=True), "int64", (3,))


@check("random.poisson")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_poisson_follows_each_rate(subject, dtype):
    rates = np.array([0.0, 0.5, 2.0, 9.0, 30.0])
    for recipe in layouts(np.broadcast_to(rates, (ROWS, 5)), dtype, DENSE):
        r = recipe.on(subject)
        before = Unchanged(rate=r)
        found = host.array(assert_tensor("poisson", torch.poisson(r), dtype, (ROWS, 5)))
        before.check("poisson(rate)")
        require((found[:, 0] == 0).all(), "poisson of rate 0 is not 0")
        require((found == np.floor(found)).all() and (found >= 0).all(), "poisson draws something else than 0, 1, 2, …")
        for place, rate in enumerate(rates[1:], 1):
            assert_shares(f"poisson of rate {rate}", found[:, place], 0, oracle.poisson(rate, 80))
    assert_raises(
        "poisson of rate -1", RuntimeError, lambda: torch.poisson(torch.tensor([-1.0], device=subject.device))
    )


@check("random.poisson")
def test_poisson_of_large_rates_has_their_moments(subject):
    for dtype in ("float32", "float64"):
        for rate in (12.0, 64.0, 400.0):
            kind = {"dtype": host.torch_dtype(dtype), "device": subject.device}
            draws = numbers("poisson", torch.poisson(torch.full((COUNT,), rate, **kind)))
            # Eight standard errors of the mean, and of the variance (its own is about 2 rate^2 + rate): 1e-15.
            spread, text = 8 / np.sqrt(COUNT), f"poisson of rate {rate:g}, {dtype}"
            require(abs(draws.mean() - rate) <= spread * rate**0.5, f"the mean of {text}", rate, draws.mean())
            limit = spread * (2 * rate**2 + rate) ** 0.5
            require(abs(draws.var() - rate) <= limit, f"the variance of {text}", rate, draws.var())


@check("random.geometric-fill")
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32"])
def test_geometric_counts_trials(subject, dtype):
    for p in (0.3, 0.75):
        for size in ((COUNT // 2,), (300, 33)):
            x = torch.empty(size, dtype=host.torch_dtype(dtype), device=subject.device)
            require(x.geometric_(p) is x, "geometric_ does not return its own tensor")
            found = host.array(x)
            require((found >= 1).all(), f"geometric_({p}) of {dtype} gives less than 1", "at least 1", found.min())
            assert_shares(f"geometric_({p}) of {dtype}", found, 1, oracle.geometric(p, 40))
        strided = torch.empty(33, 300, dtype=host.torch_dtype(dtype), device=subject.device).t().geometric_(p)
        assert_shares(f"geometric_({p}) of {dtype}, transposed", host.array(strided), 1, oracle.geometric(p, 40))
    for bad in (0.0, 1.5, -0.1):
        assert_raises(
            f"geometric_({bad})", RuntimeError, lambda bad=bad: torch.empty(3, device=subject.device).geometric_(bad)
        )


@check("random.random-fill")
@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
def test_random_fills_with_integers(subject, dtype):
    subject.require(dtype)
    x = torch.empty(100, 120, dtype=host.torch_dtype(dtype), device=subject.device)
    for view in (x, x.t(), x[::2, 1:-1]):
        require(view.random_(2, 9) is view, "random_ does not return its own tensor")
        assert_shares(f"random_(2, 9) of {dtype}, strides {view.stride()}", host.array(view), 2, np.full(7, 1 / 7))
        require(((host.array(view) >= 2) & (host.array(view) < 9)).all(), f"random_(2, 9) of {dtype} leaves its range")
        assert_shares(f"random_(5) of {dtype}", host.array(view.random_(5)), 0, np.full(5, 0.2))
    found = host.array(x.random_())
    require((found >= 0).all(), f"random_() of {dtype} gives negative numbers", "at least 0", found.min())
    require((found == np.floor(found)).all(), f"random_() of {dtype} gives fractions")
    assert_shares(f"random_() of {dtype}, even and odd", np.mod(found, 2), 0, np.array([0.5, 0.5]))
    assert_raises("random_(3, 3)", RuntimeError, lambda: x.random_(3, 3))


@check("random.random-fill")
def test_random_of_bool_is_fair(subject):
    draws = host.array(torch.empty(COUNT, dtype=torch.bool, device=subject.device).random_()).astype(int)
    assert_shares("random_() of bool", draws, 0, np.array([0.5, 0.5]))
    assert_independent("random_() of bool", draws, 0.5, 0.5)

"""Whole numbers drawn in every layout and dtype: Bernoulli, Poisson, multinomial; and parameters far from the usual."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from conformance import effort, host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.chance import COUNT, assert_distribution, assert_shares, assert_unrelated, numbers
from conformance.check import check, must_answer
from conformance.oracle import random as oracle
from conformance.subject import Subject
from properties.strategies.recipe import DENSE, LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer

KINDS = ("float32", "float64", "int64", "uint8", "bool")


@check("random.bernoulli")
@pytest.mark.parametrize("chances", ["float32", "float64"])
def test_certain_chances_are_met_element_by_element(subject: Subject, chances: str) -> None:
    for shape, dtype in ((shape, dtype) for shape in ((), (7,), (33, 40), (5, 5)) for dtype in KINDS):
        pattern = distinct("bool", shape)
        for layout, other in zip(LAYOUTS, reversed(DENSE), strict=False):
            recipe = LAYOUTS[layout](pattern.astype(chances), chances)
            p, due = recipe.on(subject), recipe.array
            call = f"of chances of {chances}, {layout} {shape}"
            assert_values(f"torch.bernoulli {call}", torch.bernoulli(p), due, dtype=chances)
            assert_values(f"p.bernoulli() {call}", p.bernoulli(), due, dtype=chances)
            x = DENSE[other](np.ones(shape), dtype).on(subject)
            require(x.bernoulli_(p) is x, f"x.bernoulli_(p) {call} gives another tensor")
            assert_values(f"x.bernoulli_(p) of {other} {dtype} {call}", x, due, dtype=dtype)
            for certain in (1.0, 0.0):
                x.bernoulli_(certain)
                assert_values(f"x.bernoulli_({certain}) of {other} {dtype} {shape}", x, np.full(shape, certain))


@check("random.bernoulli")
def test_chances_are_broadcast_to_the_tensor(subject: Subject) -> None:
    for dtype, shape in ((dtype, shape) for dtype in KINDS for shape in ((40,), (33, 1), (1, 40), (), (1, 1))):
        pattern = distinct("bool", shape)
        for layout in DENSE:
            x = DENSE[layout](np.ones((33, 40)), dtype).on(subject)
            p = host.tensor(pattern.astype("float32"), "float32", subject.device)
            x.bernoulli_(p)
            call = f"x.bernoulli_(chances of {shape}), {layout} {dtype}"
            assert_values(call, x, np.broadcast_to(pattern, (33, 40)), dtype=dtype)


@check("random.bernoulli")
@pytest.mark.parametrize("layout", DENSE)
def test_coins_of_every_layout_are_unrelated(subject: Subject, layout: str) -> None:
    for dtype in ("float32", "float64", "int64"):
        x = DENSE[layout](np.ones((50, 60)), dtype).on(subject)
        half = torch.full((50, 60), 0.5, device=subject.device)
        for call, made in {
            "bernoulli_(0.5)": x.clone(memory_format=torch.preserve_format).bernoulli_(0.5),
            "bernoulli_(0.5) in place": x.bernoulli_(0.5),
            "bernoulli_(tensor)": x.bernoulli_(half),
            "bernoulli(p)": torch.bernoulli(DENSE[layout](np.full((50, 60), 0.5), "float32").on(subject)),
        }.items():
            draws = numbers(call, made)
            assert_shares(f"{call} of {layout} {dtype}", draws, 0, np.array([0.5, 0.5]))
            assert_unrelated(f"{call} of {layout} {dtype}", draws, 0.5)
            assert_unrelated(f"{call} of {layout} {dtype}, by columns", draws.T, 0.5)


@check("random.out-argument")
def test_bernoulli_and_multinomial_write_to_out(subject: Subject) -> None:
    pattern = distinct("bool", (30, 40))
    for dtype, layout in ((dtype, layout) for dtype in ("float32", "float64", "int64") for layout in DENSE):
        p = host.tensor(pattern.astype("float32"), "float32", subject.device)
        out = DENSE[layout](np.full((30, 40), 7), dtype).on(subject)
        strides, call = out.stride(), f"torch.bernoulli(p, out={layout} {dtype})"
        require(torch.bernoulli(p, out=out) is out and out.stride() == strides, f"{call} gives another tensor")
        assert_values(call, out, pattern, dtype=dtype)
    weights = np.zeros((30, 9))
    weights[np.arange(30), np.arange(30) % 9] = 1
    for dtype, layout in ((dtype, layout) for dtype in ("float32", "float64") for layout in DENSE):
        w = DENSE[layout](weights, dtype).on(subject)
        out = DENSE[layout](np.full((30, 5), 7), "int64").on(subject)
        call = f"torch.multinomial(w, 5, True, out={layout})"
        require(torch.multinomial(w, 5, True, out=out) is out, f"{call} gives another tensor")
        assert_values(call, out, np.repeat(np.arange(30) % 9, 5).reshape(30, 5), dtype="int64")


def pmf(rate: float, count: int) -> np.ndarray:
    return np.array([math.exp(k * math.log(rate) - rate - math.lgamma(k + 1)) for k in range(count)])


@check("random.poisson")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_poisson_has_the_chances_and_tails_of_each_rate(subject: Subject, dtype: str) -> None:
    for rate in (0.05, 0.5, 1.0, 3.0, 9.5, 11.0, 25.0, 60.0):
        x = torch.full((effort.scaled(2**16),), rate, dtype=host.torch_dtype(dtype), device=subject.device)
        draws = numbers("poisson", torch.poisson(x))
        chances = pmf(rate, int(rate + 12 * math.sqrt(rate) + 20))
        shown = int(rate + 3 * math.sqrt(rate)) + 2
        call = f"poisson of rate {rate:g}, {dtype}"
        assert_shares(call, draws, 0, chances[:shown])
        for edge in (1.0, 2.0, 2.5, 3.0):  # in standard deviations above the rate
            first = math.ceil(rate + edge * math.sqrt(rate))
            above = float(1 - chances[:first].sum())
            bound = oracle.share_bound(len(draws), 4, above)
            found = float((draws >= first).mean())
            require(abs(found - above) <= bound, f"{call}: {found:.5f} of the draws are at least {first}", above, found)


@check("random.multinomial")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_and_rows_of_multinomial_are_independent(subject: Subject, dtype: str) -> None:
    rows = effort.scaled(4000)
    w = torch.ones(rows, 8, dtype=host.torch_dtype(dtype), device=subject.device)
    found = host.array(assert_tensor("multinomial", torch.multinomial(w, 4, True), "int64", (rows, 4)))
    bound = oracle.share_bound(rows - 1, 10, 1 / 8)
    pairs = {f"samples {i} and {j}": found[:, i] == found[:, j] for i in range(4) for j in range(i)}
    pairs |= {f"sample {i} of neighbouring rows": found[1:, i] == found[:-1, i] for i in range(4)}
    for text, same in pairs.items():
        share = float(same.mean())
        require(
            abs(share - 1 / 8) <= bound, f"{text} of multinomial agree in {share:.4f}", f"0.125 +- {bound:.3f}", share
        )
    for count in (3, 8):
        none = host.array(assert_tensor("multinomial", torch.multinomial(w, count), "int64", (rows, count)))
        for i in (0, 1, count - 1):
            text = f"sample {i} of {count} of multinomial without replacement, {dtype}"
            assert_shares(text, none[:, i], 0, np.full(8, 1 / 8))
    assert_tensor("multinomial of one row", torch.multinomial(w[:1], 3), "int64", (1, 3))
    share = float((none[:, 0] < none[:, 1]).mean())
    require(
        abs(share - 0.5) <= oracle.share_bound(rows),
        f"samples of multinomial, {dtype}, rise in {share:.4f}",
        0.5,
        share,
    )


# By name: parameters far from the usual ones, and the distribution function that they have.
FAR: dict[str, tuple[str, Callable[[torch.Tensor], torch.Tensor], Callable[[np.ndarray], np.ndarray]]] = {
    "log_normal_(-2, 3)": ("log-normal-fill", lambda x: x.log_normal_(-2, 3), oracle.log_normal(-2, 3)),
    "log_normal_(2, 0.1)": ("log-normal-fill", lambda x: x.log_normal_(2, 0.1), oracle.log_normal(2, 0.1)),
    "cauchy_(-20, 30)": ("cauchy-fill", lambda x: x.cauchy_(-20, 30), oracle.cauchy(-20, 30)),
    "cauchy_(0, 0.01)": ("cauchy-fill", lambda x: x.cauchy_(0, 0.01), oracle.cauchy(0, 0.01)),
    "exponential_(200)": ("exponential-fill", lambda x: x.exponential_(200), oracle.exponential(200)),
    "exponential_(0.001)": ("exponential-fill", lambda x: x.exponential_(0.001), oracle.exponential(0.001)),
    "normal_(-500, 40)": ("normal-fill", lambda x: x.normal_(-500, 40), oracle.normal(-500, 40)),
    "uniform_(-3000, -1000)": ("uniform-range", lambda x: x.uniform_(-3000, -1000), oracle.uniform(-3000, -1000)),
    "uniform_(-0.001, 0.002)": ("uniform-range", lambda x: x.uniform_(-0.001, 0.002), oracle.uniform(-0.001, 0.002)),
    "random_(5000)": ("random-fill", lambda x: x.random_(5000), lambda v: np.clip((np.floor(v) + 1) / 5000, 0, 1)),
    "random_(-3000, 2000)": (
        "random-fill",
        lambda x: x.random_(-3000, 2000),
        lambda v: np.clip((np.floor(v) + 3001) / 5000, 0, 1),
    ),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=check(f"random.{row[0]}")) for n, row in FAR.items()])
def test_parameters_far_from_the_usual_are_followed(subject: Subject, name: str) -> None:
    _, fill, cdf = FAR[name]
    whole = ("int64", "int32", "int16") if name.startswith("random_") else ()
    for dtype in ("float32", "float64", *whole):
        for layout in ("contiguous", "transposed", "stepped"):
            x = DENSE[layout](np.zeros((COUNT // 80, 40)), dtype).on(subject)
            draws = numbers(name, fill(x))
            # Whole numbers step by 1 / 5000; the dtypes themselves by less than 1e-6 of these spreads.
            assert_distribution(f"{name} of {layout} {dtype}", draws, cdf, lattice=1e-3 if whole else 1e-4)


@check("random.random-fill")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int8", "int16", "float32"])
def test_whole_ranges_on_both_sides_of_zero_are_drawn(subject: Subject, dtype: str) -> None:
    subject.require(dtype)
    for low, high in ((-100, 101), (-7, 3), (-120, -100), (0, 120), (-1, 1)):
        x = torch.zeros(3000, dtype=host.torch_dtype(dtype), device=subject.device)
        for call, made in {
            "random_": x.random_(low, high),
            "randint": torch.randint(low, high, (3000,), dtype=x.dtype, device=subject.device),
            "randint_like": torch.randint_like(x, low, high),
        }.items():
            draws = numbers(call, made)
            text = f"{call}({low}, {high}) of {dtype}"
            require(bool(((draws >= low) & (draws < high)).all()), f"{text} leaves its range", (low, high), draws)
            assert_shares(text, draws, low, np.full(high - low, 1 / (high - low)))


BAD: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "exponential_(-1)": lambda x: x.exponential_(-1),
    "geometric_(0)": lambda x: x.geometric_(0),
    "geometric_(1)": lambda x: x.geometric_(1),
    "geometric_(1.5)": lambda x: x.geometric_(1.5),
    "log_normal_(0, 0)": lambda x: x.log_normal_(0, 0),
    "log_normal_(0, -1)": lambda x: x.log_normal_(0, -1),
    "normal_(0, -1)": lambda x: x.normal_(0, -1),
    "uniform_(1, 0)": lambda x: x.uniform_(1, 0),
    "random_(3, 3)": lambda x: x.random_(3, 3),
    "random_(5, 3)": lambda x: x.random_(5, 3),
    "random_(0)": lambda x: x.random_(0),
    "random_(-2)": lambda x: x.random_(-2),
    "bernoulli_(1.5)": lambda x: x.bernoulli_(1.5),
    "bernoulli_(-0.5)": lambda x: x.bernoulli_(-0.5),
}
LATER = {"exponential_(0)": lambda x: x.exponential_(0), "cauchy_(0, -1)": lambda x: x.cauchy_(0, -1)}


@pytest.mark.parametrize(
    "name",
    [
        *(pytest.param(name, marks=check("random.bad-parameters")) for name in BAD),
        *(pytest.param(name, marks=check("random.bad-parameters", since="2.0")) for name in LATER),
    ],
)
def test_parameters_that_no_distribution_has_are_refused(subject: Subject, name: str) -> None:
    fill = {**BAD, **LATER}[name]
    for dtype in ("float32", "float64"):
        for layout in ("contiguous", "transposed", "stepped"):
            x = DENSE[layout](np.full((3, 4), 7.0), dtype).on(subject)
            torch.manual_seed(1)
            before = host.bits(torch.get_rng_state()).tobytes()
            assert_raises(f"x.{name} of {layout} {dtype}", RuntimeError, lambda x=x: fill(x))
            assert_values(f"x after x.{name} was refused", x, np.full((3, 4), 7.0), dtype=dtype)
            after = host.bits(torch.get_rng_state()).tobytes()
            require(after == before, f"x.{name} moves the generator though it is refused")


@check("random.dtype-argument")
def test_fractions_are_drawn_in_no_whole_dtype(subject: Subject) -> None:
    for dtype in ("int64", "int32", "uint8"):
        own = host.torch_dtype(dtype)
        x = torch.ones(3, dtype=own, device=subject.device)
        for call, draw in {
            "torch.rand": lambda own=own: torch.rand(3, dtype=own, device=subject.device),
            "torch.randn": lambda own=own: torch.randn(3, dtype=own, device=subject.device),
            "torch.rand_like": lambda x=x: torch.rand_like(x),
            "torch.randn_like": lambda x=x: torch.randn_like(x),
            "x.uniform_": lambda x=x: x.uniform_(),
            "x.normal_": lambda x=x: x.normal_(),
            "x.exponential_": lambda x=x: x.exponential_(),
        }.items():
            assert_raises(f"{call} of {dtype}", (RuntimeError, NotImplementedError), draw)
    for bounds in ((0.0, 3.0), (0, 3.5), (2.0,)):
        call = f"torch.randint{bounds}"
        assert_raises(call, TypeError, lambda b=bounds: torch.randint(*b, (3,), device=subject.device))

"""Draws looked at closely: their tails in few elements, their digits, their whole range, and what can never come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import effort, host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, require
from conformance.chance import COUNT, assert_distribution, assert_independent, assert_shares, numbers
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, FLOATS, INTEGERS
from conformance.oracle import random as oracle
from conformance.subject import Subject
from properties.strategies.recipe import DENSE, contiguous, layouts, transposed

pytestmark = must_answer

Fill = Callable[[torch.Tensor], torch.Tensor]
# By name: a fill of a floating tensor, its distribution function, and its claim.
FILLS: dict[str, tuple[Fill, Callable[[np.ndarray], np.ndarray], str]] = {
    "rand_like": (lambda x: torch.rand_like(x), oracle.uniform(), "like-variants"),
    "randn_like": (lambda x: torch.randn_like(x), oracle.normal(), "like-variants"),
    "uniform_": (lambda x: x.uniform_(-3, 5), oracle.uniform(-3, 5), "uniform-range"),
    "normal_": (lambda x: x.normal_(2, 3), oracle.normal(2, 3), "normal-fill"),
    "normal": (lambda x: torch.normal(x.fill_(2), 3.0), oracle.normal(2, 3), "normal-elementwise"),
    "exponential_": (lambda x: x.exponential_(2.5), oracle.exponential(2.5), "exponential-fill"),
    "cauchy_": (lambda x: x.cauchy_(1, 2), oracle.cauchy(1, 2), "cauchy-fill"),
    "cauchy_()": (lambda x: x.cauchy_(), oracle.cauchy(), "cauchy-fill"),
    "log_normal_": (lambda x: x.log_normal_(0.5, 0.75), oracle.log_normal(0.5, 0.75), "log-normal-fill"),
    "log_normal_()": (lambda x: x.log_normal_(), oracle.log_normal(), "log-normal-fill"),
}
EACH = [pytest.param(name, marks=check(f"random.{row[2]}")) for name, row in FILLS.items()]


@pytest.mark.parametrize("name", EACH)
def test_few_elements_have_both_tails(subject: Subject, name: str) -> None:
    fill, cdf, _ = FILLS[name]
    for size in (1, 5, 15, 16, 17):
        # 2,000 draws: none in a tail of 1 / 70 would come by chance with (69 / 70)^2000 = 3e-13.
        rows = [numbers(name, fill(torch.zeros(size, device=subject.device))) for _ in range(2000 // size + 1)]
        places = cdf(np.stack(rows))
        text = f"{name} of {size} elements, drawn 2,000 of them,"
        require((places < 1 / 70).any(), f"{text} has no lower tail", "below 1 / 70", places.min())
        require((places > 69 / 70).any(), f"{text} has no upper tail", "above 69 / 70", places.max())


@pytest.mark.parametrize("name", EACH)
def test_float64_has_digits_of_its_own(subject: Subject, name: str) -> None:
    subject.require("float64")
    fill = FILLS[name][0]
    for size in (7, 16, 400):
        draws = numbers(name, fill(torch.zeros(size, dtype=torch.float64, device=subject.device)))
        coarse = (draws == draws.astype(np.float32)).mean()
        require(coarse < 0.5, f"{name} of float64 gives float32 numbers only", "more digits", draws[:3])
    for name_of, make in {"rand": torch.rand, "randn": torch.randn}.items():
        draws = numbers(name_of, make(40, dtype=torch.float64, device=subject.device))
        require((draws != draws.astype(np.float32)).any(), f"{name_of} of float64 gives float32 numbers only")


@pytest.mark.parametrize("name", [row for row in EACH if "like" not in str(row.values[0])])
def test_no_layout_makes_elements_repeat(subject: Subject, name: str) -> None:
    fill, cdf, _ = FILLS[name]
    for recipe in layouts(np.full((20, 5, 3, 4), 77.0), "float64", DENSE):
        draws = numbers(name, fill(recipe.on(subject)))
        text = f"{name} on strides {recipe.strides}"
        require(len(np.unique(draws)) > draws.size - 3, f"{text} repeats values", draws.size, len(np.unique(draws)))
        assert_distribution(text, draws, cdf)
        assert_distribution(f"{text}, its last", draws[-3:], cdf)
    number = torch.full((), 77.0, dtype=torch.float64, device=subject.device)
    require(numbers(name, fill(number)) != 77, f"{name} leaves a tensor without dimensions as it is")


@check("random.exponential-fill")
def test_exponential_draws_are_positive(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for size in (1, 16, COUNT):
            x = torch.empty(size, dtype=host.torch_dtype(dtype), device=subject.device).exponential_(0.5)
            require((numbers("exponential_", x) > 0).all(), f"exponential_ of {dtype} gives 0", "above 0", 0)


@check("random.random-fill")
@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
def test_random_without_bounds_takes_the_whole_range(subject: Subject, dtype: str) -> None:
    subject.require(dtype)
    facts = DTYPES[dtype]
    top = 2.0**facts.precision if facts.is_floating else float(np.iinfo(facts.host).max) + 1
    for size in (COUNT, 15):
        rows = [
            numbers("random_", torch.zeros(size, dtype=host.torch_dtype(dtype), device=subject.device).random_())
            for _ in range(max(1, 3000 // size))
        ]
        draws = np.concatenate(rows)
        # The numbers are whole: half a step is the least that a distribution function can be off by.
        assert_distribution(f"random_() of {dtype}", draws + 0.5, oracle.uniform(0, top), lattice=1 / top)
        require((draws <= top).all(), f"random_() of {dtype} draws more than the dtype has", top, draws.max())


@check("random.randint")
def test_randint_takes_the_whole_range_of_a_dtype(subject: Subject) -> None:
    for dtype in ("uint8", "int8", "int16", "int32"):
        limits = np.iinfo(dtype)
        kind = {"dtype": host.torch_dtype(dtype), "device": subject.device}
        for low, high in ((int(limits.min), int(limits.max) + 1), (int(limits.max) - 1, int(limits.max) + 1)):
            draws = numbers("randint", torch.randint(low, high, (COUNT,), **kind))
            text = f"randint({low}, {high}) of {dtype}"
            assert_distribution(text, draws + 0.5, oracle.uniform(low, high), lattice=1 / (high - low))
            require(draws.min() >= low and draws.max() < high, f"{text} leaves its range")
        if limits.bits == 8:
            found = set(numbers("randint", torch.randint(int(limits.min), int(limits.max) + 1, (20_000,), **kind)))
            # A number is missing among 20,000 draws with 256 exp(-78) = 3e-32.
            require(len(found) == 256, f"randint of {dtype} never draws some numbers", 256, len(found))
        call = f"torch.randint({limits.min}, {limits.max + 2}) of {dtype}"
        too_far = (int(limits.min), int(limits.max) + 2, (3,))
        assert_raises(call, RuntimeError, lambda too_far=too_far, kind=kind: torch.randint(*too_far, **kind))


@check("random.randperm")
def test_places_of_longer_permutations_are_even(subject: Subject) -> None:
    for n in (2, 3):
        draws = np.stack([numbers("randperm", torch.randperm(n, device=subject.device)) for _ in range(1500)])
        kinds = [np.array(row) for row in ({2: [[0, 1], [1, 0]], 3: _orders()}[n])]
        numbered = sum(place * np.all(draws == kind, axis=1) for place, kind in enumerate(kinds))
        assert_shares(f"randperm({n}), numbered", np.asarray(numbered), 0, np.full(len(kinds), 1 / len(kinds)))
    for n in (1000, 5000, 40_000):
        rows = [
            numbers("randperm", torch.randperm(n, device=subject.device))[[0, 1, n // 2, n - 1]] for _ in range(120)
        ]
        # 480 places in ten bins of 1 / 10: a bin that is always, or never, met is far outside.
        assert_shares(f"tenths of elements of randperm({n})", np.stack(rows) * 10 // n, 0, np.full(10, 0.1))
        order = numbers("randperm", torch.randperm(n, device=subject.device))
        small = np.flatnonzero(order < n // 10)
        assert_distribution(f"the places of 0 to {n // 10 - 1} in randperm({n})", small, oracle.uniform(0, n), 2 / n)
    for dtype in (torch.uint8, torch.int8):
        call = f"torch.randperm(300, dtype={dtype})"
        assert_raises(call, RuntimeError, lambda dtype=dtype: torch.randperm(300, dtype=dtype, device=subject.device))


def _orders() -> list[list[int]]:
    return [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]


WEIGHTS = np.array([[1.0, 3.0, 0.0, 4.0], [5.0, 0.0, 5.0, 0.0], [0.0, 0.2, 0.3, 0.5], [0.25, 0.25, 0.5, 0.0]])


@check("random.multinomial")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_multinomial_never_draws_a_weight_of_zero(subject: Subject, dtype: str) -> None:
    forms: dict[str, Callable[[torch.Tensor, int], torch.Tensor]] = {
        "torch.multinomial(w, n, True)": lambda w, n: torch.multinomial(w, n, True),
        "torch.multinomial(w, n, replacement=True)": lambda w, n: torch.multinomial(w, n, replacement=True),
        "w.multinomial(n, True)": lambda w, n: w.multinomial(n, True),
        "w.multinomial(n, replacement=True)": lambda w, n: w.multinomial(n, replacement=True),
    }
    count = effort.scaled(4000)
    for turn, (call, draw) in enumerate(forms.items()):
        for factor in (1.0, 1e-8, 1e12):
            layout = (contiguous, transposed)[turn % 2]
            w = layout(WEIGHTS * factor, dtype).on(subject)
            before = Unchanged(w=w)
            found = host.array(assert_tensor(call, draw(w, count), "int64", (4, count)))
            before.check(call)
            for row, weights in enumerate(WEIGHTS):
                text = f"row {row} of {call}, weights times {factor:g}"
                require((weights[found[row]] > 0).all(), f"{text} draws an index of weight 0")
                assert_shares(text, found[row], 0, weights / weights.sum())
        # Row 1 has two weights alike: two draws of it differ each time in 60 with 2^-60.
        rows = np.stack([host.array(assert_tensor(call, draw(w, 2), "int64", (4, 2))) for _ in range(60)])
        require((rows[:, 1, 0] == rows[:, 1, 1]).any(), f"{call} never draws an index twice")


@check("random.multinomial")
def test_multinomial_of_many_weights(subject: Subject) -> None:
    for size in (1000, 3000, 70_000):
        w = torch.ones(size, device=subject.device)
        for text, found in (
            ("with replacement", torch.multinomial(w, COUNT, True)),
            ("without replacement", torch.multinomial(w, size // 2)),
        ):
            draws = numbers("multinomial", found)
            assert_distribution(
                f"multinomial of {size} weights, {text}", draws + 0.5, oracle.uniform(0, size), lattice=1 / size
            )
    rows = host.array(torch.multinomial(torch.ones(6, 50, device=subject.device), 400, True))
    for a in range(6):
        for b in range(a):
            equal = int((rows[a] == rows[b]).sum())
            require(equal <= oracle.repeats_bound(400, 1 / 50), f"rows {a} and {b} of multinomial draw alike", 8, equal)


@check("random.multinomial-bad-input")
def test_multinomial_refuses_other_tensors(subject: Subject) -> None:
    device = subject.device
    given: tuple[tuple[str, Any], ...] = (
        ("three dimensions", torch.ones(2, 2, 2, device=device)),
        ("no dimensions", torch.ones((), device=device)),
        ("integers", torch.ones(3, dtype=torch.int64, device=device)),
        ("no weights", torch.ones(2, 0, device=device)),
    )
    for text, w in given:
        for replacement in (True, False):
            call = f"multinomial of {text}"
            assert_raises(call, (RuntimeError, IndexError), lambda w=w, r=replacement: torch.multinomial(w, 1, r))


@check("random.poisson")
def test_poisson_draws_every_number_near_its_rate(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for rate in (12.0, 64.0, 400.0):
            kind = {"dtype": host.torch_dtype(dtype), "device": subject.device}
            draws = numbers("poisson", torch.poisson(torch.full((COUNT,), rate, **kind)))
            # The parities of a Poisson number differ by exp(-2 rate), nothing here; the tens by less than a draw.
            assert_shares(f"poisson of rate {rate:g}, even and odd", draws % 2, 0, np.array([0.5, 0.5]))
            assert_independent(f"poisson of rate {rate:g}", draws % 2, 0.5, 0.5)


@check("random.bernoulli")
def test_bernoulli_as_a_method_and_of_expanded_chances(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        p = torch.full((1,), 0.5, dtype=host.torch_dtype(dtype), device=subject.device).expand(COUNT)
        before = Unchanged(p=p)
        plain = torch.zeros(COUNT, dtype=host.torch_dtype(dtype), device=subject.device)
        for call, found in (("torch.bernoulli(p)", torch.bernoulli(p)), ("p.bernoulli()", p.bernoulli())):
            draws = numbers(call, assert_tensor(call, found, dtype, (COUNT,)))
            assert_shares(f"{call} of an expanded p", draws, 0, np.array([0.5, 0.5]))
            assert_independent(f"{call} of an expanded p", draws, 0.5, 0.5)
        for call, found in (
            ("x.bernoulli(0.3)", plain.bernoulli(0.3)),
            ("x.bernoulli(p=0.3)", plain.bernoulli(p=0.3)),
            ("torch.bernoulli(x, p=0.3)", torch.bernoulli(plain, p=0.3)),
        ):
            draws = numbers(call, assert_tensor(call, found, dtype, (COUNT,)))
            assert_shares(call, draws, 0, np.array([0.7, 0.3]))
        before.check("bernoulli of an expanded p")
        require(not numbers("x", plain).any(), "x.bernoulli(0.3) writes to x")


@check("random.normal-elementwise")
def test_normal_reads_square_matrices_in_any_layout(subject: Subject) -> None:
    means, stds = np.arange(16.0).reshape(4, 4) * 100, 10.0 ** -np.arange(16).reshape(4, 4)
    for dtype in ("float32", "float64"):
        for place in (layouts(means, dtype, DENSE), [contiguous(means, dtype)]):
            for recipe_m, recipe_s in zip(place, reversed(list(layouts(stds, dtype, DENSE))), strict=False):
                m, s = recipe_m.on(subject), recipe_s.on(subject)
                for call, found, near, spread in (
                    ("normal(mean, std)", torch.normal(m, s), means, stds),
                    ("normal(mean, 0.5)", torch.normal(m, 0.5), means, np.full((4, 4), 0.5)),
                    ("normal(0.0, std)", torch.normal(0.0, s), np.zeros((4, 4)), stds),
                ):
                    off = np.abs(numbers(call, assert_tensor(call, found, dtype, (4, 4))) - near)
                    # Eight standard deviations: 1e-15; and the rounding of the mean itself.
                    allowed = 8 * spread + np.abs(near) * DTYPES[dtype].epsilon
                    require((off <= allowed).all(), f"{call} of strides {recipe_s.strides} mixes its elements up")

"""normal: a mean and a standard deviation for each element, and what the notes say of it."""

from __future__ import annotations

import numpy as np
import torch

from conformance import effort, host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, require
from conformance.chance import assert_distribution, assert_independent, numbers
from conformance.check import check, must_answer
from conformance.oracle import random as oracle
from properties.strategies.recipe import contiguous, layouts

pytestmark = must_answer


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

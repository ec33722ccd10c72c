"""The oracle of further optimisers and schedules, a second way: closed forms, special values, and Adam."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from conformance.oracle import optim as common
from conformance.oracle import optim_kinds as oracle

Array = np.ndarray


def near(found: Any, wanted: Any, close: float = 1e-12) -> None:
    assert np.shape(found) == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=close, atol=close)


def gradients(count: int, *shape: int) -> Array:
    return np.random.default_rng(1).standard_normal((count, *shape))


def path(rule: str, p: Array, gs: Array, **options: Any) -> tuple[list[Array], dict[str, Any]]:
    """The parameters after each step, and the state after the last."""
    state: dict[str, Any] = {}
    found = []
    for g in gs:
        p = oracle.RULES[rule](p, g, state, **options)
        found.append(p)
    return found, state


def test_nadam_of_one_gradient_moves_by_its_coefficients() -> None:
    """With a constant gradient, v without its bias is g squared, and each step is a number times the sign."""
    beta, decay, p, product = 0.8, 0.3, 1.0, 1.0
    mus = [beta * (1 - 0.5 * 0.96 ** (t * decay)) for t in range(12)]
    gs = np.full((10, 1), -2.0)
    found, _ = path("NAdam", np.ones(1), gs, lr=0.1, betas=(beta, 0.95), eps=0.0, momentum_decay=decay)
    for t in range(1, 11):
        product *= mus[t]
        p += 0.1 * (mus[t + 1] * (1 - beta**t) / (1 - product * mus[t + 1]) + (1 - mus[t]) / (1 - product))
        near(found[t - 1], [p])


def test_moments_are_weighted_sums() -> None:
    gs = gradients(6, 3)
    _, state = path("NAdam", np.zeros(3), gs, betas=(0.7, 0.9))
    near(state["m"], sum(0.3 * 0.7 ** (5 - k) * g for k, g in enumerate(gs)))
    near(state["v"], sum(0.1 * 0.9 ** (5 - k) * g * g for k, g in enumerate(gs)))
    assert state["t"] == 6


def test_radam_begins_without_a_rate_of_its_own() -> None:
    """rho is about t at first: up to step 5 the step is the mean gradient, from 6 on it is rectified."""
    found, _ = path("RAdam", np.ones(1), np.full((7, 1), 3.0), lr=0.01)
    near(np.array(found[:5])[:, 0], 1 - 0.03 * np.arange(1, 6))
    limit = 2 / 0.001 - 1
    for t in (6, 7):
        rho = limit - 2 * t * 0.999**t / (1 - 0.999**t)
        share = math.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
        near(found[t - 1], found[t - 2] - 0.01 * share, 1e-9)


def test_radam_is_adam_after_many_steps() -> None:
    p, g = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    state: dict[str, Any] = {"t": 10**6, "m": np.array([0.1, 0.2]), "v": np.array([0.3, 0.4])}
    m, v = 0.9 * state["m"] + 0.1 * g, 0.999 * state["v"] + 0.001 * g * g
    near(oracle.radam(p, g, state, lr=0.1), p - 0.1 * m / (np.sqrt(v) + 1e-8))


def test_asgd_without_decay_is_plain_descent() -> None:
    gs = gradients(5, 3)
    found, state = path("ASGD", np.ones(3), gs, lr=0.1, lambd=0.0)
    near(found[-1], 1 - 0.1 * gs.sum(0))
    near(state["mean"], found[-1])


def test_asgd_averages_and_decays() -> None:
    found, state = path("ASGD", np.ones(3), gradients(6, 3), lr=0.1, lambd=0.5, alpha=2.0, t0=2)
    near(state["mean"], np.mean(found[3:], 0))
    near(state["rate"], 0.1 / (1 + 0.5 * 0.1 * 6) ** 2)
    still, _ = path("ASGD", np.ones(1), np.zeros((3, 1)), lr=0.1, lambd=0.5, alpha=1.0)
    near(still[-1], [0.95 * (1 - 0.05 / 1.05) * (1 - 0.05 / 1.1)])


def test_rprop_by_hand() -> None:
    """Sizes 1, 2, 4 (the largest); a turned sign halves and waits; the sign after that counts as new."""
    gs = np.array([[5.0], [0.1], [9.0], [-1.0], [-1.0], [-1.0]])
    found, state = path("Rprop", np.zeros(1), gs, lr=1.0, etas=(0.5, 2.0), step_sizes=(0.1, 3.0))
    near(np.array(found)[:, 0], [-1.0, -3.0, -6.0, -6.0, -4.5, -1.5])
    near(state["size"], [3.0])
    near(path("Rprop", np.zeros(1), np.zeros((3, 1)))[0][-1], [0.0])


def test_weight_decay_adds_to_the_gradient() -> None:
    p, g = np.array([2.0, -1.0]), np.array([0.5, 0.25])
    for rule in ("NAdam", "RAdam", "ASGD"):
        near(oracle.RULES[rule](p, g, {}, weight_decay=0.3), oracle.RULES[rule](p, g + 0.3 * p, {}))


def test_sparse_adam_of_all_rows_is_adam() -> None:
    sparse = dense = np.ones((4, 2))
    one: dict[str, Any] = {}
    two: dict[str, Any] = {}
    for g in gradients(5, 4, 2):
        sparse = oracle.sparse_adam(sparse, np.arange(4), g, one, lr=0.1, eps=0.0)
        dense = common.adam(dense, g, two, lr=0.1, eps=0.0)
        near(sparse, dense)
    some = oracle.sparse_adam(sparse, np.array([2]), np.ones((1, 2)), one, lr=0.1)
    assert ((some != sparse).any(1) == [False, False, True, False]).all()
    near(oracle.sparse_adam(np.zeros((1, 1)), np.array([0]), np.full((1, 1), 7.0), {}, lr=0.1, eps=0.0), [[-0.1]])


@pytest.mark.parametrize("linear", [False, True])
def test_one_cycle_at_its_ends(linear: bool) -> None:
    found = oracle.one_cycle(0.8, 21, 21, 1 / 3, linear, 10, 100)
    near([found[0], found[6], found[20]], [0.08, 0.8, 0.0008])
    near([found[3], found[13]], [(0.08 + 0.8) / 2, (0.8 + 0.0008) / 2])
    assert found[:7] == sorted(found[:7]) and found[6:] == sorted(found[6:], reverse=True)
    three = oracle.one_cycle(0.8, 21, 21, 1 / 3, linear, 10, 100, three=True)
    near([three[0], three[6], three[12], three[20]], [0.08, 0.8, 0.08, 0.0008])
    near([three[3], three[9], three[16]], [0.44, 0.44, (0.08 + 0.0008) / 2])
    near(found[1], 0.08 + 0.72 * (1 / 6 if linear else (1 - math.cos(math.pi / 6)) / 2))


def test_cycles_by_hand() -> None:
    near(oracle.cyclic(1.0, 5.0, 9, 4, 2), [1, 2, 3, 4, 5, 3, 1, 2, 3])
    near(oracle.cyclic(1.0, 5.0, 9, 2, 2, "triangular2"), [1, 3, 5, 3, 1, 2, 3, 2, 1])
    near(oracle.cyclic(1.0, 5.0, 4, 2, 2, "exp_range", 0.5), [1, 1 + 2 * 0.5, 1 + 4 * 0.25, 1 + 2 * 0.125])


def test_warm_restarts_are_cosines() -> None:
    found = oracle.warm_restarts(0.5, 10, 3, 2, 0.1)
    near(found[:3], common.cosine_lr(0.5, 3, 3, 0.1))
    near(found[3:9], common.cosine_lr(0.5, 6, 6, 0.1))
    near([found[6], found[9]], [0.3, 0.5])


def test_polynomials_and_sequences_by_hand() -> None:
    near(oracle.polynomial(8.0, 6, 4, 2.0), [8, 4.5, 2, 0.5, 0, 0])
    near(oracle.polynomial(8.0, 6, 4, 1.0), common.linear_lr(8.0, 6, 1.0, 0.0, 4))
    assert oracle.sequence([[1, 2, 3], [10, 20, 30], [100, 200]], [2, 4], 6) == [1, 2, 10, 20, 100, 200]

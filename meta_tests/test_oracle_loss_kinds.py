"""The oracle of further losses, a second way: values by hand, densities, loops, and the recursion of CTC."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from conformance.oracle import layer as common
from conformance.oracle import loss_kinds as oracle

Array = np.ndarray


def drawn(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def near(found: Any, wanted: Any, close: float = 1e-12) -> None:
    assert np.shape(found) == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=close, atol=close)


def test_poisson_is_minus_the_log_of_its_chance() -> None:
    """Stirling's approximation of log y! is short by about 1 / (12 y)."""
    for rate, y in ((0.5, 2.0), (3.0, 5.0), (7.0, 40.0)):
        chance = y * math.log(rate) - rate - math.lgamma(y + 1)
        found = oracle.poisson_nll_loss(np.array([math.log(rate)]), np.array([y]), full=True)
        near(found, [-chance - 1 / (12 * y)], 1e-3)
        near(oracle.poisson_nll_loss(np.array([rate]), np.array([y]), False, True, 0.0), found)
    for y in (0.0, 1.0):  # without the approximation
        near(oracle.poisson_nll_loss(np.array([0.0]), np.array([y]), full=True), [1.0])
    near(oracle.poisson_nll_loss(np.array([1.5]), np.array([3.0]), False, eps=0.5), [1.5 - 3 * math.log(2)])


def test_gaussian_is_minus_the_log_of_its_density() -> None:
    for mean, y, sigma in ((0.0, 1.0, 1.0), (2.0, -1.0, 0.5), (-3.0, -3.0, 4.0)):
        given = np.array([[mean], [y], [sigma**2]])
        near(
            oracle.gaussian_nll_loss(given[0], given[1], given[2], full=True),
            [-math.log(NormalDist(mean, sigma).pdf(y))],
        )
    near(oracle.gaussian_nll_loss(np.zeros(1), np.ones(1), np.zeros(1), eps=0.25), [0.5 * (math.log(0.25) + 4)])


def test_divergences_are_not_negative_and_vanish_for_equals() -> None:
    p, q = common.softmax(drawn(1, 3, 5), 1), common.softmax(drawn(2, 3, 5), 1)
    near(oracle.kl_div(np.log(p), p), np.zeros((3, 5)))
    assert (oracle.kl_div(np.log(q), p).sum(1) > 0).all()
    near(oracle.kl_div(np.log(q), np.log(p), True), oracle.kl_div(np.log(q), p))
    near(oracle.kl_div(np.log([0.25]), np.array([0.5])), [0.5 * math.log(2)])
    near(oracle.kl_div(np.array([-3.0]), np.array([0.0])), [0.0])


def test_margins_by_hand() -> None:
    signs = np.array([1.0, -1.0, -1.0])
    near(oracle.hinge_embedding_loss(np.array([0.5, 0.25, 3.0]), signs), [0.5, 0.75, 0.0])
    near(oracle.hinge_embedding_loss(np.array([-2.0, 0.25, 3.0]), signs, 4.0), [-2.0, 3.75, 1.0])
    near(oracle.margin_ranking_loss(np.array([2.0, 2.0, 1.0]), np.array([1.0, 1.0, 3.0]), signs), [0, 1, 0])
    near(oracle.margin_ranking_loss(np.array([2.0]), np.array([1.5]), np.array([1.0]), 2.0), [1.5])
    x = np.array([0.3, -2.0, 1.5])
    near(oracle.soft_margin_loss(x, signs), [math.log(1 + math.exp(-s * v)) for s, v in zip(signs, x, strict=True)])
    near(oracle.soft_margin_loss(np.array([1000.0]), np.array([-1.0])), [1000.0])


def test_losses_of_vectors_by_hand() -> None:
    a, b, c = np.array([[3.0, 4.0]]), np.array([[4.0, 3.0]]), np.array([[4.0, -3.0]])
    for other, y, margin, wanted in ((b, 1, 0, 0.04), (b, -1, 0.5, 0.46), (c, 1, 0, 1.0), (c, -1, -0.25, 0.25)):
        near(oracle.cosine_embedding_loss(a, other, np.array([y]), margin), [wanted], 1e-9)
    zero = np.zeros((1, 2))
    near(oracle.cosine_embedding_loss(zero, a, np.array([1])), [1.0])
    # Of the anchor (0, 0): the positive is 5 away, the negative 10, and these two are 5 from each other.
    far = 2 * a
    near(oracle.triplet_margin_loss(zero, a, far, 7.0), [2.0], 1e-5)
    near(oracle.triplet_margin_loss(zero, a, far, 7.0, swap=True), [7.0], 1e-5)
    near(oracle.triplet_margin_loss(zero, a, far, 8.0, p=1.0), [1.0], 1e-5)
    near(oracle.triplet_margin_loss(zero, a, far), [0.0])


@pytest.mark.parametrize("p", [1, 2])
def test_margins_of_classes_by_loops(p: int) -> None:
    x, y, w = drawn(1, 6, 4), np.array([0, 3, 1, 1, 2, 0]), np.array([0.5, 1, 2, 4])
    found = oracle.multi_margin_loss(x, y, p, 0.75, w)
    for n, c in enumerate(y):
        near(found[n], sum(w[c] * max(0, 0.75 - x[n, c] + x[n, k]) ** p for k in range(4) if k != c) / 4)
    near(oracle.multi_margin_loss(x, y, p, 0.75, np.ones(4)), oracle.multi_margin_loss(x, y, p, 0.75))


def test_margins_of_labels_by_hand() -> None:
    x = np.array([[0.1, 0.2, 0.4, 0.8]])
    # Targets 3 and 0 against 1 and 2: 0.4 + 0.6 + 1.1 + 1.3.
    near(oracle.multilabel_margin_loss(x, np.array([[3, 0, -1, 1]])), [3.4 / 4])
    near(oracle.multilabel_margin_loss(x, np.array([[-1, 0, 1, 2]])), [0.0])
    near(oracle.multilabel_margin_loss(x, np.array([[0, 1, 2, 3]])), [0.0])
    x, y, w = drawn(1, 3, 4), (drawn(2, 3, 4) > 0).astype(float), np.array([0.5, 1, 2, 4])
    likely = np.where(y == 1, common.sigmoid(x), common.sigmoid(-x))
    near(oracle.multilabel_soft_margin_loss(x, y, w), (-np.log(likely) * w).mean(1))


def test_nll_by_loops() -> None:
    x, y, w = drawn(1, 2, 3, 4), np.array([[0, 2, 1, -7], [2, 2, -7, 0]]), np.array([0.5, 1, 2])
    found = oracle.nll_loss(x, y, w, -7)
    for n, i in np.ndindex(2, 4):
        near(found[n, i], 0.0 if y[n, i] == -7 else -w[y[n, i]] * x[n, y[n, i], i])


def recursion(logs: Array, target: list[int], blank: int) -> float:
    """The forward recursion of Graves et al. 2006 over the target with blanks between."""
    symbols = [blank, *(s for label in target for s in (label, blank))]
    chance = np.exp(logs)
    alpha = [chance[0, s] if k < 2 else 0.0 for k, s in enumerate(symbols)]
    for row in chance[1:]:
        old, alpha = alpha, []
        for k, s in enumerate(symbols):
            skips = k > 1 and s != blank and s != symbols[k - 2]
            alpha.append(row[s] * (old[k] + (old[k - 1] if k else 0) + (old[k - 2] if skips else 0)))
    total = sum(alpha[-2:])
    return -math.log(total) if total else math.inf


@pytest.mark.parametrize("target", [[1], [1, 2], [1, 1], [2, 1, 2], [1, 1, 1], []], ids=str)
def test_ctc_by_its_recursion(target: list[int]) -> None:
    for steps, blank in ((1, 0), (4, 0), (5, 3), (5, 0)):
        logs = oracle.log_chances(drawn(steps, steps, 4))
        near(oracle.ctc_loss(logs, np.array(target, int), steps, len(target), blank), recursion(logs, target, blank))


def test_reductions() -> None:
    x = np.array([1.0, 2.0, 6.0])
    assert [float(oracle.reduced(x, kind)) for kind in ("sum", "mean")] == [9.0, 3.0]
    near(oracle.reduced(x, "none"), x)
    near(oracle.reducing(oracle.hinge_embedding_loss, "sum", margin=8.0)(x, -np.ones(3)), 15.0)
    near(np.exp(oracle.log_chances(drawn(1, 5, 3))).sum(1), np.ones(5))

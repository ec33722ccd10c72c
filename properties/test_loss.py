"""Losses over drawn shapes, layouts, classes, weights and reductions."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from conformance.assertions import Unchanged, assert_values
from conformance.check import check, must_answer
from conformance.loss_inputs import KINDS, classes, scores
from conformance.numerics import INNER
from conformance.oracle import layer as oracle
from conformance.subject import Subject
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous
from properties.strategies.shapes import shapes

pytestmark = must_answer

SEEDS = st.integers(0, 2**16)
REDUCTIONS = st.sampled_from(("mean", "sum", "none"))


@check("loss.mse-formula")
@given(shape=shapes(0, 4, sides=(2, 3, 1, 5, 17)), reduction=REDUCTIONS, seed=SEEDS)
def test_mse(subject: Subject, shape: tuple[int, ...], reduction: str, seed: int) -> None:
    dtype, names = KINDS[seed % 2], tuple(LAYOUTS)
    x = LAYOUTS[names[seed % len(names)]](scores(shape, dtype, seed), dtype)
    y = LAYOUTS[names[seed // 7 % len(names)]](scores(shape, dtype, seed + 1), dtype)
    given_, target = x.on(subject), y.on(subject)
    before = Unchanged(input=given_, target=target)
    losses = (x.array.astype(np.float64) - y.array.astype(np.float64)) ** 2
    wanted = np.asarray({"mean": losses.mean(), "sum": losses.sum()}.get(reduction, losses))
    call = f"F.mse_loss of {shape}, strides {x.strides} and {y.strides}, reduction={reduction!r}"
    out = F.mse_loss(given_, target, reduction=reduction)
    assert_values(call, out, wanted, INNER.over(x.numel + 8), wanted, dtype=dtype)
    before.check(call)


@check("loss.cross-entropy-options")
@given(
    n=st.sampled_from((1, 2, 3, 17)),
    count=st.sampled_from((1, 2, 3, 10, 33)),
    rest=st.lists(st.sampled_from((2, 1, 3)), max_size=2),
    reduction=REDUCTIONS,
    weighted=st.booleans(),
    smoothing=st.sampled_from((0.0, 0.1, 0.7)),
    ignore=st.sampled_from((-100, 0, -1, 2)),
    seed=SEEDS,
)
def test_cross_entropy(
    subject: Subject,
    n: int,
    count: int,
    rest: list[int],
    reduction: str,
    weighted: bool,
    smoothing: float,
    ignore: int,
    seed: int,
) -> None:
    if weighted and smoothing and reduction == "mean":
        weighted = False  # the documentation leaves open what the smoothed part is divided by
    names = tuple(DENSE)
    x = LAYOUTS[names[seed % len(names)]](scores((n, count, *rest), seed=seed), "float64")
    target = classes((n, *rest), count, seed)
    target = np.where(np.random.default_rng(seed).random(target.shape) < 0.2, ignore, target)
    if reduction == "mean" and (target == ignore).all():
        return  # a mean of nothing
    target = np.where((target != ignore) & ((target < 0) | (target >= count)), 0, target)
    if reduction == "mean" and (target == ignore).all():
        return
    weight = np.random.default_rng(seed).uniform(0.25, 2, count) if weighted else None
    options: dict[str, Any] = {"reduction": reduction, "ignore_index": ignore, "label_smoothing": smoothing}
    tensor = None if weight is None else contiguous(weight, "float64").on(subject)
    out = F.cross_entropy(x.on(subject), contiguous(target, "int64").on(subject), tensor, **options)
    wanted = np.asarray(oracle.cross_entropy(x.array, target, weight, ignore, smoothing, reduction))
    call = f"F.cross_entropy of {x.array.shape}, weight={weighted}, {options}"
    size = np.abs(wanted) + 10 * (target.size if reduction == "sum" else 1)
    assert_values(call, out, wanted, INNER.over(200 + target.size), size, dtype="float64")

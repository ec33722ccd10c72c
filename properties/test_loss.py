"""Losses over drawn shapes, layouts, classes, weights and reductions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from conformance.assertions import Unchanged, assert_values
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as oracle
from conformance.subject import Subject
from conformance.tables.loss_inputs import KINDS, classes, scores
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


@dataclass(frozen=True)
class Options:
    """Options of cross_entropy; `weighted`: with a weight a class."""

    reduction: str
    ignore_index: int
    label_smoothing: float
    weighted: bool

    def weight(self, count: int, seed: int) -> np.ndarray | None:
        # The documentation leaves open what the smoothed part of a weighted mean is divided by.
        open_ = self.label_smoothing and self.reduction == "mean"
        return np.random.default_rng(seed).uniform(0.25, 2, count) if self.weighted and not open_ else None

    @property
    def plain(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("reduction", "ignore_index", "label_smoothing")}


OPTIONS = st.builds(
    Options,
    reduction=REDUCTIONS,
    ignore_index=st.sampled_from((-100, 0, -1, 2)),
    label_smoothing=st.sampled_from((0.0, 0.1, 0.7)),
    weighted=st.booleans(),
)
SHAPES = st.tuples(
    st.sampled_from((1, 2, 3, 17)), st.sampled_from((1, 2, 3, 10, 33)), st.lists(st.sampled_from((2, 1, 3)), max_size=2)
)


def targets(shape: tuple[int, ...], count: int, ignore: int, seed: int) -> np.ndarray:
    """Class indices, a fifth of them ignored; the first never is, since a mean of nothing is no number."""
    target = classes(shape, count, seed)
    target = np.where(np.random.default_rng(seed).random(shape) < 0.2, ignore, target)
    if target.ravel()[0] == ignore:
        target.ravel()[0] = 1 if ignore == 0 else 0
    return target


@check("loss.cross-entropy-options")
@given(shape=SHAPES, options=OPTIONS, seed=SEEDS)
def test_cross_entropy(subject: Subject, shape: tuple[int, int, list[int]], options: Options, seed: int) -> None:
    n, count, rest = shape
    if count == 1 and options.ignore_index == 0:
        return  # the only class there is, is ignored
    x = LAYOUTS[tuple(DENSE)[seed % len(DENSE)]](scores((n, count, *rest), seed=seed), "float64")
    target, weight = targets((n, *rest), count, options.ignore_index, seed), options.weight(count, seed)
    tensor = None if weight is None else contiguous(weight, "float64").on(subject)
    out = F.cross_entropy(x.on(subject), contiguous(target, "int64").on(subject), tensor, **options.plain)
    formula = (options.ignore_index, options.label_smoothing, options.reduction)
    wanted = np.asarray(oracle.cross_entropy(x.array, target, weight, *formula))
    size = np.abs(wanted) + 10 * (target.size if options.reduction == "sum" else 1)
    call = f"F.cross_entropy of {x.array.shape}, weight={weight is not None}, {options.plain}"
    assert_values(call, out, wanted, INNER.over(200 + target.size), size, dtype="float64")

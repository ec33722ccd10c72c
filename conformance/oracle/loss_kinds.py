"""Further losses from their formulas, before reduction, in numpy, as PyTorch documents them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from conformance.oracle.layer import log_softmax
from conformance.oracle.layer_kinds import pairwise_distance

Array = np.ndarray


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def poisson_nll_loss(x: Array, y: Array, log_input: bool = True, full: bool = False, eps: float = 1e-8) -> Array:
    """exp(x) - y x, or x - y log(x + eps); with Stirling's approximation of log y! for y > 1 where `full`."""
    out = np.exp(x) - y * x if log_input else x - y * np.log(x + eps)
    safe = np.maximum(y, 1)
    stirling = safe * np.log(safe) - safe + 0.5 * np.log(2 * math.pi * safe)
    return out + np.where(y > 1, stirling, 0) if full else out


def gaussian_nll_loss(x: Array, y: Array, var: Array, full: bool = False, eps: float = 1e-6) -> Array:
    var = np.maximum(var, eps)
    return 0.5 * (np.log(var) + (x - y) ** 2 / var) + (0.5 * math.log(2 * math.pi) if full else 0)


def kl_div(x: Array, y: Array, log_target: bool = False) -> Array:
    """y (log y - x), with y log y = 0 at 0; or exp(y) (y - x)."""
    return np.exp(y) * (y - x) if log_target else np.where(y > 0, y * np.log(np.where(y > 0, y, 1)), 0) - y * x


def hinge_embedding_loss(x: Array, y: Array, margin: float = 1.0) -> Array:
    return np.where(y == 1, x, np.maximum(0, margin - x))


def soft_margin_loss(x: Array, y: Array) -> Array:
    return _softplus(-y * x)


def margin_ranking_loss(a: Array, b: Array, y: Array, margin: float = 0.0) -> Array:
    return np.maximum(0, -y * (a - b) + margin)


def cosine_embedding_loss(a: Array, b: Array, y: Array, margin: float = 0.0) -> Array:
    """With 1e-12 added to the squared norms, which keeps their product from 0."""
    near = (a * b).sum(-1) / np.sqrt(((a * a).sum(-1) + 1e-12) * ((b * b).sum(-1) + 1e-12))
    return np.where(y == 1, 1 - near, np.maximum(0, near - margin))


def triplet_margin_loss(a: Array, b: Array, c: Array, margin: float = 1.0, p: float = 2.0, swap: bool = False) -> Array:
    far = pairwise_distance(a, c, p)
    far = np.minimum(far, pairwise_distance(b, c, p)) if swap else far
    return np.maximum(0, pairwise_distance(a, b, p) - far + margin)


def multi_margin_loss(x: Array, y: Array, p: int = 1, margin: float = 1.0, weight: Array | None = None) -> Array:
    own = np.take_along_axis(x, y[:, None], 1)
    each = np.maximum(0, margin - own + x) ** p * (1 if weight is None else weight[y][:, None])
    np.put_along_axis(each, y[:, None], 0.0, 1)
    return each.sum(1) / x.shape[1]


def multilabel_margin_loss(x: Array, y: Array) -> Array:
    """Targets are the classes before the first -1; each is held against all classes that are none."""
    out = np.zeros(len(x))
    for n, row in enumerate(y):
        targets = list(row[: np.argmax(row == -1)] if (row == -1).any() else row)
        others = [c for c in range(x.shape[1]) if c not in targets]
        out[n] = sum(max(0.0, 1 - (x[n, t] - x[n, o])) for t in targets for o in others) / x.shape[1]
    return out


def multilabel_soft_margin_loss(x: Array, y: Array, weight: Array | None = None) -> Array:
    each = y * _softplus(-x) + (1 - y) * _softplus(x)
    return (each * (1 if weight is None else weight)).mean(1)


def nll_loss(x: Array, y: Array, weight: Array | None = None, ignore_index: int = -100) -> Array:
    """Of log-probabilities (N, C, …): minus that of the class; ignored places give 0."""
    safe = np.where(y == ignore_index, 0, y)
    w = np.ones(x.shape[1]) if weight is None else weight
    each = -np.take_along_axis(x, np.expand_dims(safe, 1), 1).squeeze(1) * w[safe]
    return np.where(y == ignore_index, 0.0, each)


def ctc_loss(logs: Array, target: Array, steps: int, length: int, blank: int = 0) -> float:
    """Minus the log of the chance of all paths of `steps` symbols that collapse to the target, by enumeration."""
    total = 0.0
    for path in np.ndindex(*[logs.shape[1]] * steps):
        kept = [s for t, s in enumerate(path) if s != blank and (t == 0 or path[t - 1] != s)]
        if kept == list(target[:length]):
            total += math.exp(sum(logs[t, s] for t, s in enumerate(path)))
    return -math.log(total) if total else math.inf


def ctc_paths(logs: Array, target: Sequence[int] | Array, steps: int, length: int, blank: int = 0) -> float:
    """The same by Graves's recursion over the target with blanks around its labels, for long sequences."""
    labels = [blank] + [s for label in list(target)[:length] for s in (int(label), blank)]
    chance = np.full(len(labels), -np.inf)
    chance[:2] = [logs[0, label] for label in labels[:2]]
    for t in range(1, steps):
        before, chance = chance, np.full(len(labels), -np.inf)
        for place, label in enumerate(labels):
            skips = place > 1 and label not in (blank, labels[place - 2])
            parts = before[max(0, place - 1 - skips) : place + 1]
            chance[place] = np.logaddexp.reduce(parts) + logs[t, label]
    return -float(np.logaddexp.reduce(chance[-2:]))


def reduced(losses: Array, reduction: str) -> Array:
    """The losses themselves, their sum or their mean."""
    return {"none": losses, "sum": np.sum(losses), "mean": np.mean(losses)}[reduction]


def reducing(loss: Callable[..., Array], reduction: str, **options: Any) -> Callable[..., Array]:
    """A loss with its options and reduction, as a function of arrays alone."""
    return lambda *arrays: reduced(loss(*arrays, **options), reduction)


def log_chances(x: Array) -> Array:
    """Log-probabilities of classes from scores (T, C)."""
    return log_softmax(x, 1)

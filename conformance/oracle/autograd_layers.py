"""Differentiable layers and losses of torch.nn.functional, by definition: one row a function."""

from __future__ import annotations

from functools import partial

import numpy as np

from conformance.oracle.autograd import Derivative, apart, spread
from conformance.oracle.autograd_arrays import convolved, logsumexp, normalised, pooled, softmax

Row = partial(Derivative, terms=512)
PICTURE = apart(2.0, 1, 2, 4, 4)
FILTER = apart(1.0, 1, 2, 2, 2, seed=1)
BIAS = apart(1.0, 2, seed=2)
LOGITS = apart(2.0, 4, 5)
TARGETS = apart(1.5, 4, 5, seed=3)
CHANCES = spread(0.25, 0.75, 4, 5)
LABELS = np.array([1, 0, 4, 1])
WEIGHTS = np.array([1.0, 0.5, 2.0, 1.5, 0.25])
LABELS_CODE = "torch.tensor([1, 0, 4, 1], device=x.device)"
WEIGHTS_CODE = "torch.tensor([1.0, 0.5, 2.0, 1.5, 0.25], dtype=x.dtype, device=x.device)"


def picked(x: np.ndarray) -> np.ndarray:
    """The log probability of each row's label, negated."""
    return (logsumexp(x, 1, keepdims=True) - x)[np.arange(4), LABELS]


def huber(x: np.ndarray, y: np.ndarray, delta: float = 1.0) -> np.ndarray:
    gap = np.abs(x - y)
    return np.where(gap < delta, gap**2 / 2, delta * (gap - delta / 2))


LAYERS = [
    Row(
        "conv2d",
        ("F.conv2d(x, y, z)",),
        lambda x, y, z: convolved(x, y) + z[:, None, None],
        (PICTURE, FILTER, BIAS[:1]),
    ),
    Row(
        "conv2d_padded", ("F.conv2d(x, y, padding=1, stride=2)",), lambda x, y: convolved(x, y, 2, 1), (PICTURE, FILTER)
    ),
    Row(
        "conv1d",
        ("F.conv1d(x, y)",),
        lambda x, y: np.stack([np.tensordot(y, x[0, :, k : k + 3], ((1, 2), (0, 1))) for k in range(4)], -1)[None],
        (apart(1.0, 1, 2, 6), apart(1.0, 3, 2, 3)),
    ),
    Row(
        "conv_transpose1d",
        ("F.conv_transpose1d(x, y, stride=2)",),
        lambda x, y: np.sum(
            [
                np.pad(np.tensordot(y[:, :, k], x[0], (0, 0)).repeat(2, 1) * ([1, 0] * 3), ((0, 0), (k, 2 - k)))
                for k in range(3)
            ],
            axis=0,
        )[None, :, :-1],
        (apart(1.0, 1, 2, 3), apart(1.0, 2, 3, 3)),
    ),
    Row(
        "max_pool2d", ("F.max_pool2d(x, 2)", "F.adaptive_max_pool2d(x, 2)"), lambda x: pooled(x, 2, np.max), (PICTURE,)
    ),
    Row(
        "avg_pool2d", ("F.avg_pool2d(x, 2)", "F.adaptive_avg_pool2d(x, 2)"), lambda x: pooled(x, 2, np.mean), (PICTURE,)
    ),
    Row("avg_pool1d", ("F.avg_pool1d(x[:, 0], 2)",), lambda x: x[:, 0].reshape(1, 4, 2, 2).mean(-1), (PICTURE,)),
    Row(
        "lp_pool1d",
        ("F.lp_pool1d(x[:, 0], 2.0, 2)",),
        lambda x: np.sqrt((x[:, 0].reshape(1, 4, 2, 2) ** 2).sum(-1)),
        (PICTURE,),
    ),
    Row("interpolate", ("F.interpolate(x, scale_factor=2)",), lambda x: x.repeat(2, -1).repeat(2, -2), (PICTURE,)),
    Row(
        "batch_norm",
        ("F.batch_norm(x, None, None, y, z, training=True)",),
        lambda x, y, z: normalised(x, (0, 2, 3)) * y[:, None, None] + z[:, None, None],
        (PICTURE, BIAS, BIAS + 1),
    ),
    Row(
        "layer_norm",
        ("F.layer_norm(x, (5,), y, z)",),
        lambda x, y, z: normalised(x, -1) * y + z,
        (LOGITS, TARGETS[0], TARGETS[1]),
    ),
    Row("group_norm", ("F.group_norm(x, 1)",), lambda x: normalised(x, (1, 2, 3)), (PICTURE,)),
    Row("instance_norm", ("F.instance_norm(x)",), lambda x: normalised(x, (2, 3)), (PICTURE,)),
    Row(
        "attention",
        ("torch.softmax(x @ y.mT / 2, -1) @ z",),
        lambda x, y, z: softmax(x @ y.T / 2) @ z,
        (LOGITS[:, :4], TARGETS[:, :4], apart(1.0, 4, 3)),
    ),
]

# A family of its own: its second derivative was wrong in a release.
PRELU = [
    Row(
        "prelu",
        ("F.prelu(x, y)", "torch.prelu(x, y)"),
        lambda x, y: np.where(x > 0, x, x * y[:, None, None]),
        (PICTURE, BIAS),
    ),
]

LOSSES = [
    Row("mse_loss", ("F.mse_loss(x, y)",), lambda x, y: ((x - y) ** 2).mean(), (LOGITS, TARGETS)),
    Row("mse_loss_sum", ("F.mse_loss(x, y, reduction='sum')",), lambda x, y: ((x - y) ** 2).sum(), (LOGITS, TARGETS)),
    Row("l1_loss", ("F.l1_loss(x, y)",), lambda x, y: np.abs(x - y).mean(), (LOGITS, TARGETS)),
    Row(
        "smooth_l1_loss",
        ("F.smooth_l1_loss(x, y)", "F.huber_loss(x, y)"),
        lambda x, y: huber(x, y).mean(),
        (LOGITS, TARGETS),
    ),
    Row("huber_loss", ("F.huber_loss(x, y, delta=0.5)",), lambda x, y: huber(x, y, 0.5).mean(), (LOGITS, TARGETS)),
    Row(
        "cross_entropy",
        (f"F.cross_entropy(x, {LABELS_CODE})", f"F.nll_loss(F.log_softmax(x, 1), {LABELS_CODE})"),
        lambda x: picked(x).mean(),
        (LOGITS,),
    ),
    Row(
        "cross_entropy_sum",
        (f"F.cross_entropy(x, {LABELS_CODE}, reduction='sum')",),
        lambda x: picked(x).sum(),
        (LOGITS,),
    ),
    Row(
        "cross_entropy_weights",
        (f"F.cross_entropy(x, {LABELS_CODE}, {WEIGHTS_CODE})",),
        lambda x: (picked(x) * WEIGHTS[LABELS]).sum() / WEIGHTS[LABELS].sum(),
        (LOGITS,),
    ),
    Row(
        "cross_entropy_ignored",
        (f"F.cross_entropy(x, {LABELS_CODE}, ignore_index=0)",),
        lambda x: picked(x)[[0, 2, 3]].mean(),
        (LOGITS,),
    ),
    Row(
        "cross_entropy_soft",
        ("F.cross_entropy(x, y)",),
        lambda x, y: ((logsumexp(x, 1, keepdims=True) - x) * y).sum() / 4,
        (LOGITS, CHANCES),
    ),
    Row(
        "binary_cross_entropy",
        ("F.binary_cross_entropy(x, y)",),
        lambda x, y: -(y * np.log(x) + (1 - y) * np.log(1 - x)).mean(),
        (CHANCES, CHANCES[::-1] + 0),
        terms=2.0**14,
    ),
    Row(
        "bce_with_logits",
        ("F.binary_cross_entropy_with_logits(x, y)",),
        lambda x, y: (np.log1p(np.exp(x)) - x * y).mean(),
        (LOGITS, CHANCES),
        terms=2.0**14,
    ),
    Row(
        "kl_div",
        ("F.kl_div(x, y, reduction='batchmean')",),
        lambda x, y: (y * (np.log(y) - x)).sum() / 4,
        (LOGITS, CHANCES),
        terms=2.0**14,
    ),
    Row(
        "soft_margin_loss",
        ("F.soft_margin_loss(x, torch.ones_like(x))",),
        lambda x: np.log1p(np.exp(-x)).mean(),
        (LOGITS,),
    ),
    Row(
        "poisson_nll_loss",
        ("F.poisson_nll_loss(x, y)",),
        lambda x, y: (np.exp(x) - y * x).mean(),
        (LOGITS, CHANCES),
        terms=2.0**14,
    ),
]

ROWS = [*LAYERS, *PRELU, *LOSSES]

"""Layers in their corners: resampling by its old names, norms with one of their weights, of many rows and few."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from conformance.oracle import layer as common
from conformance.oracle import layer_kinds as oracle
from conformance.tables.formula_rows import Row, module

SHAPE = (2, 3, 4, 5)


def _resampled(forms: dict[str, Any], sizes: tuple[int, ...], mode: str, align: bool = False) -> Row:
    text = f"{', '.join(forms)} to {sizes}, {mode}, aligned: {align}"
    return Row("layer.interpolation", text, forms, lambda x: oracle.resampled(x, sizes, mode, align), (SHAPE,))


RESAMPLED = [
    _resampled({"F.upsample": lambda x: F.upsample(x, (7, 3))}, (7, 3), "nearest"),
    _resampled({"F.upsample": lambda x: F.upsample(x, scale_factor=2, mode="bilinear", align_corners=True)},
               (8, 10), "linear", True),
    _resampled({"F.upsample": lambda x: F.upsample(x, (8, 10), mode="bilinear", align_corners=False)},
               (8, 10), "linear"),
    _resampled({"F.upsample_nearest": lambda x: F.upsample_nearest(x, scale_factor=2),
                "by sizes": lambda x: F.upsample_nearest(x, (8, 10))}, (8, 10), "nearest"),
    _resampled({"F.upsample_bilinear": lambda x: F.upsample_bilinear(x, scale_factor=2),
                "by sizes": lambda x: F.upsample_bilinear(x, (8, 10))}, (8, 10), "linear", True),
    _resampled({"UpsamplingNearest2d": module("UpsamplingNearest2d", scale_factor=(2, 3))}, (8, 15), "nearest"),
    _resampled({"UpsamplingBilinear2d": module("UpsamplingBilinear2d", scale_factor=(3, 2))}, (12, 10), "linear", True),
]  # fmt: skip


def scaled(x: np.ndarray, weight: np.ndarray | None = None, bias: np.ndarray | None = None) -> np.ndarray:
    """Each channel times its weight and plus its bias, where there are such."""
    spread = (-1, *[1] * (x.ndim - 2))
    x = x if weight is None else x * weight.reshape(spread)
    return x if bias is None else x + bias.reshape(spread)


def _batch(shape: tuple[int, ...], weighted: bool, biased: bool) -> Row:
    """A batch norm in training."""

    def parts(*w: Any) -> tuple[Any, Any]:
        return (w[0] if weighted else None, w[-1] if biased else None)

    def formula(x: np.ndarray, *w: np.ndarray) -> np.ndarray:
        weight, bias = parts(*w)
        plain = common.batch_norm(x, *common.batch_moments(x)[:2], None, None, 0.1)
        return scaled(plain, weight, bias)

    return Row(
        "layer.batchnorm",
        f"batch_norm of {shape} in training, weight {weighted}, bias {biased}",
        {"F.batch_norm": lambda x, *w: F.batch_norm(x, None, None, *parts(*w), training=True, eps=0.1)},
        formula,
        (shape, *[(shape[1],)] * (weighted + biased)),
        terms=400,
    )


def _rested(shape: tuple[int, ...]) -> Row:
    """A batch norm that goes by what is remembered, with its gradients."""
    kept = (np.linspace(-1, 1, shape[1]), np.linspace(0.5, 3, shape[1]))
    return Row(
        "layer.batchnorm",
        f"batch_norm of {shape} in evaluation",
        {
            "F.batch_norm": lambda x, w, b, m, v: F.batch_norm(x, m, v, w, b, eps=0.1),
            "of strided statistics": lambda x, w, b, m, v: F.batch_norm(
                x, *(torch.stack([s, s + 1], 1)[:, 0] for s in (m, v)), w, b, eps=0.1
            ),
        },
        lambda x, w, b, m, v: common.batch_norm(x, m, v, w, b, 0.1),
        (shape, (shape[1],), (shape[1],)),
        fixed=kept,
        terms=200,
    )


def _layer(shape: tuple[int, ...], dims: int) -> Row:
    last = shape[len(shape) - dims :]
    return Row(
        "layer.layer-norm",
        f"layer_norm of the last {dims} of {shape}",
        {
            "F.layer_norm": lambda x, w, b: F.layer_norm(x, last, w, b),
            "torch.layer_norm": lambda x, w, b: torch.layer_norm(x, last, w, b),
            "LayerNorm": module("LayerNorm", last),
        },
        lambda x, w, b: common.layer_norm(x, dims, w, b, 1e-5),
        (shape, last, last),
        terms=400,
    )


def _groups(shape: tuple[int, ...], groups: int, name: str) -> Row:
    """A group norm with one of its weights."""
    return Row(
        "layer.group-and-instance-norm",
        f"group_norm of {shape} in {groups} groups, {name} alone",
        {"F.group_norm": lambda x, w: F.group_norm(x, groups, **{name: w})},
        lambda x, w: scaled(oracle.group_norm(x, groups, None, None), **{name: w}),
        (shape, (shape[1],)),
        terms=200,
        smooth=name == "weight",
    )


def _rms(shape: tuple[int, ...], dims: int) -> Row:
    """A norm by the root of the mean square, of which one row is zero."""
    last, axes = shape[len(shape) - dims :], tuple(range(len(shape) - dims, len(shape)))
    return Row(
        "layer.rms-norm",
        f"rms_norm of the last {dims} of {shape}",
        {"F.rms_norm": lambda x, w: F.rms_norm(x, last, w, 0.1), "RMSNorm": module("RMSNorm", last, 0.1)},
        lambda x, w: x / np.sqrt((x * x).mean(axes, keepdims=True) + 0.1) * w,
        (shape, last),
        domain=lambda x: np.where(np.arange(len(x)).reshape(-1, *[1] * (x.ndim - 1)) == 1, 0, x),
        terms=200,
        since="2.4",
    )


def _neighbours(shape: tuple[int, ...], size: int) -> Row:
    return Row(
        "layer.group-and-instance-norm",
        f"local_response_norm of {shape} over {size} channels",
        {
            "F.local_response_norm": lambda x: F.local_response_norm(x, size, 0.5, 0.75, 2.0),
            "LocalResponseNorm": module("LocalResponseNorm", size, 0.5, 0.75, 2.0),
        },
        lambda x: oracle.local_response_norm(x, size, 0.5, 0.75, 2.0),
        (shape,),
    )


NORMS = [
    *[_batch((4, 3, 5), weighted, biased) for weighted, biased in ((True, False), (False, True))],
    *[_batch(shape, True, True) for shape in ((70, 2), (66, 2, 3), (3, 40, 2, 2))],
    *[_rested(shape) for shape in ((5, 3), (4, 3, 5), (2, 3, 2, 4), (2, 3, 2, 3, 2))],
    *[_layer(shape, dims) for shape, dims in (((2, 3, 2, 4), 3), ((4, 5), 2), ((6, 1), 1), ((70, 5), 1), ((3, 70), 1))],
    *[_groups(shape, groups, name)
      for shape, groups in (((3, 6, 4), 2), ((2, 4, 3, 2), 4), ((2, 20, 3, 2), 5))
      for name in ("weight", "bias")],
    *[_rms(shape, dims) for shape, dims in (((4, 5), 1), ((3, 2, 4), 2), ((3, 70), 1))],
    *[_neighbours(shape, size) for shape in ((2, 6, 4), (2, 18, 3, 2)) for size in (2, 4, 5)],
]  # fmt: skip

ROWS = [*RESAMPLED, *NORMS]

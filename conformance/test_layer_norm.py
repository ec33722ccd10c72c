"""Batch normalisation and dropout: what they do in training, what they remember, how they rest in evaluation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values, require
from conformance.chance import COUNT, assert_shares, numbers
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as oracle
from conformance.tables.layer_inputs import KINDS, normal
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts

pytestmark = must_answer


BATCHES = (
    ((4, 3, 5, 6), nn.BatchNorm2d),
    ((8, 3), nn.BatchNorm1d),
    ((5, 3, 7), nn.BatchNorm1d),
    ((2, 17, 3, 3), nn.BatchNorm2d),
)


class Remembered:
    """A batch normalisation with drawn weights, and what it should remember after each batch."""

    def __init__(self, subject, kind, channels, momentum, dtype):
        self.layer = kind(channels, eps=1e-3, momentum=momentum).to(subject.device, host.torch_dtype(dtype))
        with torch.no_grad():
            self.layer.weight.copy_(host.tensor(normal(1, (channels,), dtype), dtype))
            self.layer.bias.copy_(host.tensor(normal(2, (channels,), dtype), dtype))
        self.affine = [host.array(x).astype(float) for x in (self.layer.weight, self.layer.bias)]
        self.momentum, self.turn, self.dtype = momentum, 0, dtype
        self.mean, self.var = np.zeros(channels), np.ones(channels)

    def training(self, subject, recipe):
        """One batch in training: refute unless the result and what is remembered are right."""
        x, call = recipe.array.astype(np.float64), f"{self.layer} in training, strides {recipe.strides}"
        mean, var, count = oracle.batch_moments(x)
        wanted = oracle.batch_norm(x, mean, var, *self.affine, 1e-3)
        error = INNER.over(4 * count)
        assert_values(call, self.layer(recipe.on(subject)), wanted, error, np.abs(wanted) + 4, dtype=self.dtype)
        self.turn += 1
        share = 1 / self.turn if self.momentum is None else self.momentum
        self.mean = (1 - share) * self.mean + share * mean
        self.var = (1 - share) * self.var + share * var * count / (count - 1)
        assert_values(f"running_mean, {self.turn}", self.layer.running_mean, self.mean, error, 4.0, dtype=self.dtype)
        assert_values(f"running_var, {self.turn}", self.layer.running_var, self.var, error, 20.0, dtype=self.dtype)
        tracked = self.layer.num_batches_tracked.item()
        require(tracked == self.turn, "num_batches_tracked", self.turn, tracked)

    def evaluation(self, subject, recipe):
        """One batch in evaluation: refute unless it is normalised by what is remembered."""
        wanted = oracle.batch_norm(recipe.array.astype(np.float64), self.mean, self.var, *self.affine, 1e-3)
        out = self.layer(recipe.on(subject))
        call = f"{self.layer} in evaluation, strides {recipe.strides}"
        assert_values(call, out, wanted, INNER.over(200), np.abs(wanted) + 8, dtype=self.dtype)


@check("layer.batchnorm")
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("momentum", [0.1, 0.5, None])
def test_batch_norm_normalises_and_remembers(subject, momentum, dtype):
    for shape, kind in BATCHES:
        norm = Remembered(subject, kind, shape[1], momentum, dtype)
        for recipe in layouts(normal(3, shape, dtype) * 2 + 1, dtype, DENSE):
            norm.training(subject, recipe)
        norm.layer.eval()
        kept = Unchanged(mean=norm.layer.running_mean, var=norm.layer.running_var)
        for recipe in layouts(normal(4, shape, dtype), dtype, LAYOUTS):
            norm.evaluation(subject, recipe)
        kept.check("evaluation")
    one = torch.ones(1, 3, device=subject.device)
    layer = nn.BatchNorm1d(3).to(subject.device)
    assert_raises("BatchNorm1d of one value a channel", ValueError, lambda: layer(one))


@check("layer.batchnorm")
def test_batch_norm_without_statistics_or_affine(subject):
    x = normal(1, (6, 3, 4, 4))
    mean, var, _ = oracle.batch_moments(x)
    plain = nn.BatchNorm2d(3, affine=False, track_running_stats=False).double().to(subject.device)
    require(plain.weight is None and plain.running_mean is None, "BatchNorm2d keeps what it was told not to")
    for mode in (True, False):
        out = plain.train(mode)(contiguous(x, "float64").on(subject))
        assert_values(
            f"BatchNorm2d without statistics, train={mode}",
            out,
            oracle.batch_norm(x, mean, var, None, None, 1e-5),
            INNER.over(500),
            5.0,
        )


@check("layer.dropout")
@pytest.mark.parametrize("p", [0.1, 0.5, 0.75])
def test_dropout_drops_and_scales(subject, p):
    for call, drop in (
        ("Dropout", lambda x: nn.Dropout(p)(x)),
        ("F.dropout", lambda x: F.dropout(x, p)),
        ("Dropout(inplace)", lambda x: nn.Dropout(p, inplace=True)(x)),
    ):
        for shape in ((COUNT,), (50, 100), (10, 20, 25)):
            out = numbers(call, assert_tensor(call, drop(torch.ones(shape, device=subject.device)), "float32", shape))
            kept = out != 0
            require(
                np.allclose(out[kept], 1 / (1 - p), rtol=1e-6, atol=0),
                f"{call}({p}) does not scale by 1/(1-p)",
                1 / (1 - p),
                out[kept][:3],
            )
            assert_shares(f"what {call}({p}) keeps", kept.astype(int), 0, np.array([p, 1 - p]))
        first, second = drop(torch.ones(1000, device=subject.device)), drop(torch.ones(1000, device=subject.device))
        require((host.array(first) != host.array(second)).any(), f"{call} drops the same elements twice")
    strided = nn.Dropout(p)(torch.ones(100, 60, device=subject.device).t())
    assert_shares(
        f"Dropout({p}) of a transposed input", (host.array(strided) != 0).astype(int), 0, np.array([p, 1 - p])
    )


@check("layer.dropout")
def test_dropout_rests_in_evaluation(subject):
    x = contiguous(normal(1, (40, 30)), "float64").on(subject)
    before = Unchanged(x=x)
    assert_values("Dropout in evaluation", nn.Dropout(0.5).eval()(x), host.array(x))
    assert_values("F.dropout(training=False)", F.dropout(x, 0.5, training=False), host.array(x))
    assert_values("Dropout(0)", nn.Dropout(0.0)(x), host.array(x))
    assert_values("Dropout(1)", nn.Dropout(1.0)(x), np.zeros((40, 30)))
    before.check("dropout")
    y = x.clone().requires_grad_()
    out = nn.Dropout(0.5)(y)
    out.sum().backward()
    assert_values("the gradient of Dropout", y.grad, np.where(host.array(out) != 0, 2.0, 0.0))
    whole = host.array(nn.Dropout2d(0.5)(torch.ones(200, 20, 3, 3, device=subject.device))).reshape(4000, 9)
    require(((whole == 0).all(1) | (whole != 0).all(1)).all(), "Dropout2d drops parts of a channel")
    for bad in (-0.1, 1.5):
        assert_raises(f"Dropout({bad})", ValueError, lambda bad=bad: nn.Dropout(bad))

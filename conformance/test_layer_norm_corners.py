"""Norms in their corners: narrow numbers, one weight alone, nothing remembered, one sample, beginning anew."""

from __future__ import annotations

import numpy as np
import pytest
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as common
from conformance.oracle import layer_kinds as oracle
from conformance.tables.layer_corner_rows import NORMS
from conformance.tables.layer_inputs import normal
from properties.strategies.recipe import contiguous

pytestmark = must_answer
ERROR = INNER.over(400)


@pytest.mark.parametrize(  # which releases know float16 on the CPU differs by function; by 2.6 all of these do
    "row",
    [
        pytest.param(row, marks=check(row.claim, since="2.6"), id=row.name)
        for row in NORMS
        if "response" not in row.name
    ],
)
def test_norms_of_narrow_numbers(subject, row):
    for dtype in filter(subject.supports, ("bfloat16", "float16")):
        arrays = row.arrays(dtype)
        fixed = [host.array(host.tensor(x, dtype)).astype(np.float64) for x in row.fixed]
        wanted = np.asarray(row.formula(*arrays, *fixed))
        given = [contiguous(x, dtype).on(subject) for x in (*arrays, *fixed)]
        for form, call in row.forms.items():
            text = f"{form} ({row.name}) of {dtype}"
            assert_values(text, call(*given), wanted, INNER.over(8), row.scale * (1 + np.abs(wanted)), dtype=dtype)


NORMED = {"BatchNorm1d": (3,), "BatchNorm2d": (3,), "BatchNorm3d": (3,), "GroupNorm": (1, 3), "LayerNorm": (3,),
          "RMSNorm": (3,)}  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            k,
            marks=check(
                "layer.rms-norm" if k == "RMSNorm" else "layer.defaults", since="2.4" if k == "RMSNorm" else None
            ),
        )
        for k in NORMED
    ],
)
def test_norms_have_weights_unless_told_otherwise(subject, kind):
    name = "affine" if kind.startswith(("B", "G")) else "elementwise_affine"
    for told, count in (({}, 1), ({name: True}, 1), ({name: False}, 0)):
        layer = getattr(nn, kind)(*NORMED[kind], **told).to(subject.device)
        found = [layer.weight is not None, "weight" in dict(layer.named_parameters())]
        require(found == [bool(count)] * 2, f"whether {kind}({told}) has a weight", bool(count), found)


@check("layer.group-norm-bias")
def test_the_gradient_of_a_group_norm_with_a_bias_alone(subject):
    values, v = normal(1, (3, 4, 5)), normal(2, (3, 4, 5))
    x = contiguous(values, "float64").on(subject)
    bias = contiguous(normal(3, (4,)), "float64").on(subject).requires_grad_()
    F.group_norm(x, 2, bias=bias).backward(contiguous(v, "float64").on(subject))
    assert_values("the gradient of group_norm by its bias", bias.grad, v.sum((0, 2)), ERROR, 10.0, dtype="float64")


@check("layer.batchnorm")
@pytest.mark.parametrize("kind", ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d"])
def test_a_batch_norm_without_parameters_or_memory(subject, kind):
    sides = (4, 3, 2)[: int(kind[-2])]
    plain = getattr(nn, kind)(3, affine=False, track_running_stats=False).double().to(subject.device)
    require(not list(plain.parameters()) and not list(plain.buffers()), f"{kind}(False, False) holds tensors")
    for turn, mode in enumerate((True, False, True)):
        x = normal(turn, (5, 3, *sides))
        wanted = common.batch_norm(x, *common.batch_moments(x)[:2], None, None, 1e-5)
        out = plain.train(mode)(contiguous(x, "float64").on(subject))
        assert_values(f"{kind} without memory, training={mode}", out, wanted, ERROR, 30.0, dtype="float64")


@check("layer.batchnorm")
def test_a_cumulative_batch_norm_begins_anew(subject):
    layer = nn.BatchNorm1d(3, momentum=None).double().to(subject.device)
    for _ in range(2):
        seen = [normal(turn, (5, 3)) + turn for turn in range(3)]
        for x in seen:
            layer(contiguous(x, "float64").on(subject))
        mean = np.mean([x.mean(0) for x in seen], 0)
        assert_values("running_mean of a cumulative BatchNorm1d", layer.running_mean, mean, ERROR, 10.0)
        layer.reset_running_stats()
    layer(contiguous(np.where(np.arange(3) == 1, np.nan, normal(1, (5, 3))), "float64").on(subject))
    found = np.isnan(host.array(layer.running_mean))
    require((found == [False, True, False]).all(), "running_mean after a batch of NaN", "NaN of its channel", found)


@check("layer.group-and-instance-norm")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_an_instance_norm_remembers_one_sample(subject, n):
    sides, axes = (4, 3, 2)[:n], tuple(range(1, n + 1))
    layer = getattr(nn, f"InstanceNorm{n}d")(3, momentum=0.25, track_running_stats=True).double().to(subject.device)
    mean, var = np.zeros(3), np.ones(3)
    for turn in range(3):
        x = normal(turn + 1, (3, *sides)) + turn
        out = layer(contiguous(x, "float64").on(subject))
        assert_values(f"InstanceNorm{n}d of one sample", out, oracle.group_norm(x[None], 3, None, None)[0], ERROR, 30.0)
        mean, var = 0.75 * mean + 0.25 * x.mean(axes), 0.75 * var + 0.25 * x.var(axes, ddof=1)
        assert_values(f"the running_mean of InstanceNorm{n}d", layer.running_mean, mean, ERROR, 10.0)
        assert_values(f"the running_var of InstanceNorm{n}d", layer.running_var, var, ERROR, 30.0)
    alone = contiguous(normal(1, (2, 3, *[1] * n)), "float64").on(subject)
    assert_raises(f"InstanceNorm{n}d of one value a channel", ValueError, lambda: layer(alone))

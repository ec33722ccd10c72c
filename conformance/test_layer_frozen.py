"""Norms of an input that needs no gradient, as the first layers of a network see it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import GRADIENT
from conformance.oracle import layer as common
from conformance.oracle import layer_kinds as oracle
from conformance.tables.layer_inputs import normal
from properties.strategies.recipe import contiguous

pytestmark = must_answer

SHAPE = (2, 4, 3, 5)
# name: (the norm of x by weight and bias, the input before both, the dimensions that a weight is spread over)
NORMS = {
    "group_norm": (
        lambda x, w, b: F.group_norm(x, 2, w, b), lambda x: oracle.group_norm(x, 2, None, None), (0, 2, 3)
    ),
    "layer_norm": (
        lambda x, w, b: F.layer_norm(x, (5,), w, b), lambda x: common.layer_norm(x, 1, None, None, 1e-5), (0, 1, 2)
    ),
    "batch_norm": (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        lambda x: common.batch_norm(x, *common.batch_moments(x)[:2], None, None, 1e-5),
        (0, 2, 3),
    ),
    "instance_norm": (
        lambda x, w, b: F.instance_norm(x, weight=w, bias=b), lambda x: oracle.group_norm(x, 4, None, None), (0, 2, 3)
    ),
}  # fmt: skip
# For a process of its own, which ends by a signal where this is wrong; its argument is the device.
CHANNELS_LAST = """
import sys, torch, torch.nn.functional as F
w = torch.ones(4, device=sys.argv[1], requires_grad=True)
x = torch.arange(120.0, device=sys.argv[1]).view(2, 4, 3, 5).contiguous(memory_format=torch.channels_last)
F.group_norm(x, 2, w).sum().backward()
assert bool(w.grad.isfinite().all())
"""


@check("layer.norms-of-constants")
@pytest.mark.parametrize("name", NORMS)
def test_weights_get_gradients_where_the_input_needs_none(subject, name):
    call, plain, axes = NORMS[name]
    for dtype in ("float64", "float32"):
        values, v = normal(1, SHAPE, dtype), normal(2, SHAPE, dtype)
        x, spread = (contiguous(a, dtype).on(subject) for a in (values, v))
        size = 5 if name == "layer_norm" else 4
        for both in (True, False):
            w, b = (torch.ones(size, dtype=x.dtype, device=x.device, requires_grad=r) for r in (True, both))
            call(x, w, b).backward(spread)
            text = f"{name} of an input that needs no gradient ({dtype}): the gradient of the"
            scale = np.abs(v * plain(values)).sum(axes) + np.abs(v).sum(axes)
            assert_values(f"{text} weight", w.grad, (v * plain(values)).sum(axes), GRADIENT.over(200), scale)
            if both:
                assert_values(f"{text} bias", b.grad, v.sum(axes), GRADIENT.over(200), scale)
            require(x.grad is None and (both or b.grad is None), f"{name} gives a gradient to what needs none")


@check("layer.norms-of-constants")
def test_a_group_norm_of_constants_with_channels_last(subject):
    command = [sys.executable, "-c", CHANNELS_LAST, subject.device]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    text = f"a process that goes back through group_norm ends with {done.returncode}: {done.stderr[-300:]}"
    require(done.returncode == 0, text, 0, done.returncode)

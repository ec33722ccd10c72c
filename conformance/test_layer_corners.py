"""Layers in their corners: old names, one odd operand, memory that repeats, modes on and off, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as common
from conformance.oracle import layer_windows as pools
from conformance.tables import layer_kind_rows as kinds
from conformance.tables import layer_window_rows as windows
from conformance.tables.formula_rows import judge_row, marked
from conformance.tables.layer_corner_rows import NORMS, ROWS
from conformance.tables.layer_inputs import normal
from properties.strategies.recipe import channels_last, contiguous, expanded, stepped, transposed

pytestmark = must_answer
ERROR = INNER.over(400)


@pytest.mark.parametrize("row", marked(ROWS))
def test_a_corner_is_its_formula(subject, row):
    judge_row(subject, row)


WEIGHTED = [row for row in (*kinds.CONVOLUTIONS[::2], *windows.CONVOLUTIONS[::4], *kinds.NORMS[:8], *NORMS[::3])
            if len(row.shapes) > 1]  # fmt: skip


@pytest.mark.parametrize("row", marked(WEIGHTED))
def test_one_operand_alone_lies_otherwise(subject, row):
    arrays, fixed = row.arrays("float32"), [contiguous(x, "float32").on(subject) for x in row.fixed]
    wanted = np.asarray(row.formula(*arrays, *row.fixed))
    for place in range(len(arrays)):
        for layout in (transposed, channels_last, stepped):
            recipes = [(layout if turn == place else contiguous)(x, "float32") for turn, x in enumerate(arrays)]
            for form, call in row.forms.items():
                text = f"{form} ({row.name}), operand {place} of strides {recipes[place].strides}"
                out = call(*(recipe.on(subject) for recipe in recipes), *fixed)
                assert_values(text, out, wanted, INNER.over(row.terms), row.scale * (1 + np.abs(wanted)))


@pytest.mark.parametrize("row", marked([*WEIGHTED, *kinds.POOLS[::2], *windows.POOLS[::3]]))
def test_operands_whose_elements_share_places(subject, row):
    for dtype in ("float32", "float64"):
        fixed = [contiguous(x, dtype).on(subject) for x in row.fixed]
        recipes = [expanded(x, dtype) for x in row.arrays(dtype)]
        wanted = np.asarray(row.formula(*(recipe.array.astype(np.float64) for recipe in recipes), *row.fixed))
        for form, call in row.forms.items():
            out = call(*(recipe.on(subject) for recipe in recipes), *fixed)
            text = f"{form} ({row.name}) of strides {[recipe.strides for recipe in recipes]}"
            assert_values(text, out, wanted, INNER.over(row.terms), row.scale * (1 + np.abs(wanted)), dtype=dtype)


@pytest.mark.parametrize(
    "n", [pytest.param(n, marks=check("layer.pooling", since="2.3" if n == 3 else None)) for n in (1, 2, 3)]
)
def test_power_pools_with_ceil_and_strides(subject, n):
    """Windows that end inside are the same with ceil; one more that does not may come after them."""
    values, kernel, step = np.abs(normal(1, (2, 2, *(9, 8, 6)[:n]))), (4, 3, 2)[:n], (2, 1, 3)[:n]
    whole = pools.avg_pool(values**2, kernel, step) * np.prod(kernel)
    sizes = tuple(common.pooled_size(s, k, t, 0, 1, True)
                  for s, k, t in zip(values.shape[2:], kernel, step, strict=True))  # fmt: skip
    x = contiguous(values, "float64").on(subject)
    kernel, step = (kernel[0], step[0]) if n == 1 else (kernel, step)
    for ceil in (False, True):
        for call, out in (
            (f"F.lp_pool{n}d", getattr(F, f"lp_pool{n}d")(x, 2.0, kernel, step, ceil)),
            (f"LPPool{n}d", getattr(nn, f"LPPool{n}d")(2.0, kernel, step, ceil)(x)),
        ):
            text, shape = f"{call}(ceil_mode={ceil})", (2, 2, *(sizes if ceil else whole.shape[2:]))
            require(tuple(out.shape) == shape, f"the shape of {text}", shape, tuple(out.shape))
            inner = out[(..., *(slice(size) for size in whole.shape[2:]))]
            assert_values(text, inner, np.sqrt(whole), INNER.over(60), 10.0, dtype="float64")


@check("layer.unpooling")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_unpooling_of_any_memory_and_of_one_sample(subject, n):
    values = normal(3, (2, 3, *(6, 8, 4)[:n]))
    largest, places = pools.max_pool(values, 2, 2)
    wanted = pools.max_unpool(largest, places, values.shape[2:])
    function, layer = getattr(F, f"max_unpool{n}d"), getattr(nn, f"MaxUnpool{n}d")(2)
    for layout in (contiguous, transposed, channels_last, stepped):
        x, at = layout(largest, "float64").on(subject), layout(places, "int64").on(subject)
        for call, out in ((f"F.max_unpool{n}d", function(x, at, 2)), (f"MaxUnpool{n}d", layer(x, at)),
                          ("with a whole size", layer(x, at, output_size=torch.Size(values.shape)))):  # fmt: skip
            assert_values(f"{call} of indices of strides {at.stride()}", out, wanted, dtype="float64")
        for call, out in ((f"F.max_unpool{n}d", function(x[1], at[1], 2)), (f"MaxUnpool{n}d", layer(x[1], at[1]))):
            assert_values(f"{call} of one sample", out, wanted[1], dtype="float64")


@check("layer.unpooling")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_unpooling_of_a_pool_with_padding(subject, n):
    """A side of (m - 1) * stride - 2 * padding + kernel, where the pool had one."""
    values = normal(4, (2, 3, *(7, 5, 3)[:n]))
    largest, places = pools.max_pool(values, 3, 2, 1)
    wanted = pools.max_unpool(largest, places, values.shape[2:])
    x, at = contiguous(largest, "float64").on(subject), contiguous(places, "int64").on(subject)
    for call, out in ((f"F.max_unpool{n}d", getattr(F, f"max_unpool{n}d")(x, at, 3, 2, 1)),
                      (f"MaxUnpool{n}d", getattr(nn, f"MaxUnpool{n}d")(3, 2, 1)(x, at))):  # fmt: skip
        assert_values(f"{call} of a pool with padding", out, wanted, dtype="float64")


@check("layer.convolutions")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_every_bad_convolution_is_refused(subject, n):
    kind, function = getattr(nn, f"Conv{n}d"), getattr(F, f"conv{n}d")
    for call, make in {
        "groups that do not divide the channels": lambda: kind(4, 6, 3, groups=3),
        "groups that do not divide the filters": lambda: kind(4, 6, 3, groups=4),
        "no groups": lambda: kind(4, 6, 3, groups=0),
        "an unknown padding mode": lambda: kind(4, 6, 3, padding=1, padding_mode="mirror"),
        "an unknown padding": lambda: kind(4, 6, 3, padding="full"),
        "'same' padding and a stride": lambda: kind(4, 6, 3, padding="same", stride=2),
    }.items():
        assert_raises(f"Conv{n}d with {call}", ValueError, make)
    x, w = (contiguous(normal(t, (2, 4, *[5] * n)), "float64").on(subject) for t in (1, 2))
    for call, action in {
        "'same' padding and a stride": lambda: function(x, w, padding="same", stride=2),
        "an unknown padding": lambda: function(x, w, padding="full"),
        "groups that do not divide": lambda: function(x, w, groups=3),
        "other channels": lambda: function(x[:, :3], w),
        "a bias of another size": lambda: function(x, w, x[0, :3].reshape(-1)[:3]),
        "a kernel beyond the input": lambda: function(x[(..., *[slice(3)] * n)], w),
    }.items():
        assert_raises(f"F.conv{n}d with {call}", (RuntimeError, ValueError), action)


@check("layer.transposed-convolutions")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_every_bad_transposed_convolution_is_refused(subject, n):
    kind = getattr(nn, f"ConvTranspose{n}d")
    for mode in ("reflect", "replicate", "circular"):
        assert_raises(f"ConvTranspose{n}d of {mode!r}", ValueError, lambda m=mode: kind(4, 6, 3, padding_mode=m))
    layer = kind(3, 4, 3, stride=2, padding=1).double().to(subject.device)
    x = contiguous(normal(1, (2, 3, *[4] * n)), "float64").on(subject)
    for size in (6, 9):
        text = f"ConvTranspose{n}d with an output_size of {size} where 7 or 8 is possible"
        assert_raises(text, ValueError, lambda size=size: layer(x, [7] * (n - 1) + [size]))
    assert_raises("an output_size of another length", ValueError, lambda: layer(x, [7] * (n + 3)))


@check("layer.fractional-pooling")
@pytest.mark.parametrize("n", [2, 3])
def test_fractional_pools_refuse_what_is_no_size(subject, n):
    kind = getattr(nn, f"FractionalMaxPool{n}d")
    for call, make in {
        "a size and a ratio": lambda: kind(2, output_size=3, output_ratio=0.5),
        "neither a size nor a ratio": lambda: kind(2),
        "a ratio of 1.5": lambda: kind(2, output_ratio=1.5),
        "a ratio of 0": lambda: kind(2, output_ratio=(0.5,) * (n - 1) + (0.0,)),
    }.items():
        assert_raises(f"FractionalMaxPool{n}d with {call}", ValueError, make)

"""Layers of other sizes and kinds: single samples, many elements, narrow and complex numbers, channels last."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import EXACT, INNER
from conformance.oracle import layer_kinds as oracle
from conformance.tables import layer_kind_rows as kinds
from conformance.tables import layer_window_rows as windows
from conformance.tables.formula_rows import marked
from conformance.tables.layer_inputs import normal
from properties.strategies.recipe import channels_last, contiguous

pytestmark = must_answer

BATCHED = [*kinds.CONVOLUTIONS, *kinds.POOLS, *windows.ROWS, *kinds.WINDOWS, *kinds.SHUFFLES,
           *[row for row in kinds.PADS if len(row.shapes[0]) > 2]]  # fmt: skip
# Wrapping around takes a single sample since 2.1.
SINGLE = [replace(row, since="2.1") if "circular" in row.name else row for row in BATCHED
          if "channel_shuffle" not in row.name]  # fmt: skip


def first_of_each(rows, count=2):
    """So many rows of each function."""
    found: dict[str, list] = {}
    for row in rows:
        found.setdefault(next(iter(row.forms)), []).append(row)
    return [row for part in found.values() for row in part[:count]]


@pytest.mark.parametrize("row", marked(SINGLE))
def test_a_single_sample_goes_without_its_batch(subject, row):
    x, *weights = row.arrays("float64")
    wanted = np.asarray(row.formula(x, *weights))
    given = [contiguous(w, "float64").on(subject) for w in weights]
    for form, call in row.forms.items():
        out = call(contiguous(x[1 % len(x)], "float64").on(subject), *given)
        bound = row.scale * (1 + np.abs(wanted[1 % len(x)]))
        assert_values(f"{form} ({row.name}) of one sample", out, wanted[1 % len(x)], INNER.over(row.terms), bound)


ALONG = first_of_each([*BATCHED, *kinds.NORMS, *kinds.INTERPOLATIONS, *kinds.ACTIVATIONS])


@pytest.mark.parametrize("row", marked(ALONG))
def test_a_large_batch_is_many_small_ones(subject, row):
    """Beyond 32,768 elements a kernel shares its work out: each copy of a batch still gives the same."""
    x, *weights = row.arrays("float32")
    wanted, times = np.asarray(row.formula(x, *weights)), 33_000 // x.size + 1
    given = [contiguous(w, "float32").on(subject) for w in weights]
    out = next(iter(row.forms.values()))(contiguous(np.concatenate([x] * times), "float32").on(subject), *given)
    assert_tensor(f"{row.name} of {times} batches", out, "float32", (times * len(wanted), *wanted.shape[1:]))
    whole = np.concatenate([wanted] * times)
    assert_values(f"{row.name} of {times} batches", out, whole, INNER.over(row.terms), row.scale * (1 + np.abs(whole)))


EMPTY = [row for row in ALONG if row.claim in ("layer.convolutions", "layer.transposed-convolutions", "layer.pooling",
                                               "layer.activation-options") and "lp_pool" not in row.name]  # fmt: skip


@pytest.mark.parametrize("row", marked(EMPTY))
def test_a_batch_of_nothing_gives_nothing(subject, row):
    x, *weights = row.arrays("float64")
    shape = np.asarray(row.formula(x, *weights)).shape[1:]
    given = [contiguous(a, "float64").on(subject) for a in (x[:0], *weights)]
    for form, call in row.forms.items():
        assert_tensor(f"{form} ({row.name}) of no samples", call(*given), "float64", (0, *shape))


# Results that are among the inputs come as they are.
PICKING = ("max_pool", "adaptive_max_pool", "pad(", "pixel_", "channel_")
# Which functions know float16 on the CPU differs by release; by 2.6 these do.
NARROW = [
    row
    for row in [*first_of_each([*ALONG, *kinds.PAIRS], 1), *kinds.CONVOLUTIONS[1:2], *kinds.CONVOLUTIONS[4:7]]
    if "nearest" not in row.name and not row.name.startswith(("avg_pool3d", "lp_pool3d"))
]


@pytest.mark.parametrize("row", [pytest.param(row, marks=check(row.claim, since="2.6"), id=row.name) for row in NARROW])
def test_narrow_numbers_keep_their_dtype_and_their_bits(subject, row):
    ways = (("bfloat16", contiguous), ("bfloat16", channels_last), ("float16", contiguous))
    for dtype, layout in (way for way in ways if subject.supports(way[0])):
        arrays = row.arrays(dtype)
        wanted = np.asarray(row.formula(*arrays))
        given = [layout(a, dtype).on(subject) for a in arrays]
        for form, call in row.forms.items():
            text = f"{form} ({row.name}) of {dtype}, strides {given[0].stride()}"
            error = EXACT if row.name.startswith(PICKING) else INNER.over(6)
            assert_values(text, call(*given), wanted, error, row.scale * (1 + np.abs(wanted)), dtype=dtype)


@check("layer.complex")
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_linear_and_convolutions_of_complex_numbers(subject, dtype):
    def drawn(seed, shape):
        return normal(seed, shape, "float32") + 1j * normal(seed + 50, shape, "float32")

    def told(*arrays):
        return [contiguous(a, dtype).on(subject) for a in arrays]

    x, w, b = drawn(1, (4, 3)), drawn(2, (5, 3)), drawn(3, (5,))
    error = INNER.over(60)
    assert_values("F.linear of complex numbers", F.linear(*told(x, w, b)), x @ w.T + b, error, 30.0, dtype=dtype)
    for n in (1, 2, 3):
        x, w, b = drawn(4, (2, 3, *(6, 5, 4)[:n])), drawn(5, (4, 3, *(3, 2, 2)[:n])), drawn(6, (4,))
        parts = [oracle.conv(p, q) for p in (x.real, x.imag) for q in (w.real, w.imag)]
        wanted = parts[0] - parts[3] + 1j * (parts[1] + parts[2]) + b.reshape(-1, *[1] * n)
        out = getattr(F, f"conv{n}d")(*told(x, w, b))
        assert_values(f"F.conv{n}d of complex numbers", out, wanted, error, 60.0, dtype=dtype)


KEEPING = {
    "Conv2d": lambda: nn.Conv2d(4, 6, 3),
    "Conv2d of groups": lambda: nn.Conv2d(4, 4, 3, groups=4, padding=1),
    "ConvTranspose2d": lambda: nn.ConvTranspose2d(4, 6, 3, stride=2),
    "MaxPool2d": lambda: nn.MaxPool2d(2),
    "AvgPool2d": lambda: nn.AvgPool2d(2),
    "AdaptiveAvgPool2d": lambda: nn.AdaptiveAvgPool2d((3, 2)),
    "AdaptiveMaxPool2d": lambda: nn.AdaptiveMaxPool2d((3, 2)),
    "BatchNorm2d": lambda: nn.BatchNorm2d(4),
    "BatchNorm2d in evaluation": lambda: nn.BatchNorm2d(4).eval(),
    "GroupNorm": lambda: nn.GroupNorm(2, 4),
    "Upsample": lambda: nn.Upsample(scale_factor=2),
    "Upsample, bilinear": lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
    "ReLU": lambda: nn.ReLU(),
    "GELU": lambda: nn.GELU(),
    "Sigmoid": lambda: nn.Sigmoid(),
    "LeakyReLU": lambda: nn.LeakyReLU(),
}


@check("layer.channels-last", since="2.0")
@pytest.mark.parametrize("name", KEEPING)
def test_channels_last_stays_channels_last(subject, name):
    layer = KEEPING[name]().to(subject.device)
    x = contiguous(normal(1, (2, 4, 7, 6), "float32"), "float32").on(subject)
    last = x.contiguous(memory_format=torch.channels_last)
    wanted = host.array(layer(x)).astype(np.float64)
    out = layer(last)
    assert_values(f"{name} of channels last", out, wanted, INNER.over(200), 10.0, dtype="float32")
    require(
        out.is_contiguous(memory_format=torch.channels_last),
        f"{name} of channels last has strides",
        "last",
        out.stride(),
    )
    require(layer(x).is_contiguous(), f"{name} of a contiguous input has strides", "contiguous", layer(x).stride())


@check("layer.factory-keywords")
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_layers_are_made_in_the_dtype_asked_for(subject, dtype):
    told = {"dtype": host.torch_dtype(dtype), "device": subject.device}
    for layer in (
        nn.Linear(2, 3, **told), nn.Bilinear(2, 3, 4, **told), nn.Conv1d(2, 3, 1, **told), nn.Conv2d(2, 3, 1, **told),
        nn.Conv3d(2, 3, 1, **told), nn.ConvTranspose1d(2, 3, 1, **told), nn.ConvTranspose2d(2, 3, 1, **told),
        nn.ConvTranspose3d(2, 3, 1, **told), nn.BatchNorm1d(2, **told), nn.BatchNorm2d(2, **told),
        nn.LayerNorm(2, **told), nn.GroupNorm(1, 2, **told), nn.InstanceNorm2d(2, affine=True, **told),
        nn.Embedding(2, 3, **told), nn.EmbeddingBag(2, 3, **told), nn.PReLU(2, **told), nn.RNN(2, 3, **told),
        nn.LSTM(2, 3, num_layers=2, **told), nn.GRU(2, 3, bidirectional=True, **told), nn.RNNCell(2, 3, **told),
        nn.LSTMCell(2, 3, **told), nn.GRUCell(2, 3, **told), nn.MultiheadAttention(4, 2, **told),
        nn.TransformerEncoderLayer(4, 2, 3, **told), nn.TransformerDecoderLayer(4, 2, 3, **told),
        nn.AdaptiveLogSoftmaxWithLoss(2, 5, [2], **told),
    ):  # fmt: skip
        kind = type(layer).__name__
        tensors = [*layer.parameters(), *(b for b in layer.buffers() if b.is_floating_point())]
        found = {host.dtype_name(p.dtype) for p in tensors}
        require(found == {dtype}, f"{kind}(dtype={dtype}) holds {found}", dtype, found)


@check("layer.identity")
def test_identity_gives_back_what_it_gets(subject):
    for layer in (nn.Identity(), nn.Identity(54, unused=0.1, more=False)):
        for dtype in ("float64", "int64", "bool"):
            x = contiguous(
                np.arange(6).reshape(2, 3) % 2 == 1 if dtype == "bool" else np.arange(6.0).reshape(2, 3), dtype
            ).on(subject)
            assert_values("Identity", layer(x), host.array(x), dtype=dtype)
        require(not list(layer.parameters()), "Identity has parameters")

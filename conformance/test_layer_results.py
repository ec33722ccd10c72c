"""What layers give back where there is nothing to do, what dropout leaves out together, and the defaults of layers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle.random import share_bound
from properties.strategies.recipe import contiguous, layouts

pytestmark = must_answer

# Calls that change nothing about ones of shape (2, 4, 6, 6).
IDLE = {
    "F.relu": lambda x: F.relu(x),
    "ReLU": lambda x: nn.ReLU()(x),
    "torch.relu": lambda x: torch.relu(x),
    "F.relu6": lambda x: F.relu6(x),
    "F.hardtanh": lambda x: F.hardtanh(x),
    "F.leaky_relu": lambda x: F.leaky_relu(x),
    "F.elu": lambda x: F.elu(x),
    "F.celu": lambda x: F.celu(x),
    "F.threshold": lambda x: F.threshold(x, -1.0, 0.0),
    "F.hardshrink": lambda x: F.hardshrink(x, 0.25),
    "F.softshrink": lambda x: F.softshrink(x, 0.0),
    "F.prelu": lambda x: F.prelu(x, x.new_ones(1)),
    "F.rrelu": lambda x: F.rrelu(x),
    "F.pad": lambda x: F.pad(x, (0, 0)),
    "F.pad(mode='replicate')": lambda x: F.pad(x, (0, 0, 0, 0), mode="replicate"),
    "F.pad(mode='circular')": lambda x: F.pad(x, (0, 0, 0, 0), mode="circular"),
    "F.interpolate": lambda x: F.interpolate(x, scale_factor=1.0),
    "F.interpolate(mode='bilinear')": lambda x: F.interpolate(x, (6, 6), mode="bilinear"),
    "F.interpolate(mode='area')": lambda x: F.interpolate(x, (6, 6), mode="area"),
    "Upsample": lambda x: nn.Upsample(size=(6, 6))(x),
    "F.max_pool2d": lambda x: F.max_pool2d(x, 1),
    "MaxPool2d": lambda x: nn.MaxPool2d(1)(x),
    "F.avg_pool2d": lambda x: F.avg_pool2d(x, 1),
    "F.adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, (6, None)),
    "F.adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x, (6, 6)),
    "F.pixel_shuffle": lambda x: F.pixel_shuffle(x, 1),
    "F.pixel_unshuffle": lambda x: F.pixel_unshuffle(x, 1),
    "torch.channel_shuffle": lambda x: torch.channel_shuffle(x, 1),
    "F.normalize": lambda x: F.normalize(x, dim=0, eps=2.0, p=1.0) * 2,
    "F.normalize(p=inf)": lambda x: F.normalize(x, p=math.inf, dim=1),
    "F.conv2d": lambda x: F.conv2d(x, torch.eye(4, dtype=x.dtype, device=x.device)[..., None, None]),
    "F.linear": lambda x: F.linear(x, torch.eye(6, dtype=x.dtype, device=x.device)),
    "F.batch_norm": lambda x: F.batch_norm(x, x.new_zeros(4), x.new_full((4,), 0.5), eps=0.5),
    "F.local_response_norm": lambda x: F.local_response_norm(x, 1, 0.0, 1.0, 1.0),
    "F.embedding": lambda x: F.embedding(torch.arange(2, device=x.device), x.flatten(1)).view(2, 4, 6, 6),
}


@check("layer.new-results")
@pytest.mark.parametrize("name", IDLE)
def test_a_result_is_new_where_nothing_changes(subject, name):
    values = np.ones((2, 4, 6, 6))
    for dtype in ("float32", "float64"):
        for recipe in layouts(values, dtype, ("contiguous", "transposed", "stepped", "channels_last")):
            x = recipe.on(subject)
            before, text = Unchanged(x=x), f"{name} of ones ({dtype}, strides {recipe.strides})"
            out = IDLE[name](x)
            assert_values(text, out, values, dtype=dtype)
            assert_apart(text, out, x)
            out.zero_()
            before.check(text)


KINDS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
MODULES = {"dropout": "Dropout", "dropout1d": "Dropout1d", "dropout2d": "Dropout2d", "dropout3d": "Dropout3d",
           "alpha_dropout": "AlphaDropout", "feature_alpha_dropout": "FeatureAlphaDropout"}  # fmt: skip
SHAPES = {"dropout1d": (30, 40, 3), "dropout3d": (30, 40, 2, 2, 2)}


def kept(out):
    """Which elements a dropout of ones kept, by sample, channel and place."""
    found = host.array(out)
    return (found == found.max()).reshape(*found.shape[:2], -1)


@check("layer.dropout")
@pytest.mark.parametrize("name", KINDS)
def test_every_sample_channel_and_call_draws_its_own(subject, name):
    x = torch.ones(SHAPES.get(name, (30, 40, 2, 3)), device=subject.device)
    for form in (lambda x: getattr(F, name)(x, 0.5, True), getattr(nn, MODULES[name])(0.5)):
        first, again = kept(form(x)), kept(form(x))
        whole = name not in ("dropout", "alpha_dropout")
        require((first == first[..., :1]).all() == whole, f"{name} leaves out channels as a whole", whole, not whole)
        pairs = {
            "two calls": (first, again),
            "neighbouring samples": (first[1:], first[:-1]),
            "neighbouring channels": (first[:, 1:], first[:, :-1]),
            **({} if whole else {"neighbouring places": (first[..., 1:], first[..., :-1])}),
        }
        for text, (a, b) in pairs.items():
            count = a.size // (a.shape[-1] if whole else 1)
            share = float((a == b).mean())
            # Pairs of neighbours share draws: twice the bound of independent ones, for each of two interleaved halves.
            require(abs(share - 0.5) <= 2 * share_bound(count // 2), f"{name} of {text} agrees in", 0.5, share)


@check("layer.dropout")
@pytest.mark.parametrize("name", KINDS)
def test_dropout_of_no_share_and_of_all(subject, name):
    x = contiguous(np.linspace(1, 2, 48).reshape(2, 3, 8), "float64").on(subject)
    x = x.reshape(2, 3, 2, 2, 2) if name == "dropout3d" else x.reshape(2, 3, 4, 2) if name == "dropout2d" else x
    for p, wanted in ((0.0, host.array(x)), *(((1.0, np.zeros(tuple(x.shape))),) if "alpha" not in name else ())):
        for form in (lambda x, p=p: getattr(F, name)(x, p, True), getattr(nn, MODULES[name])(p)):
            given = x.clone().requires_grad_()
            out = form(given)
            assert_values(f"{name}(p={p})", out, wanted)
            out.sum().backward()
            assert_values(f"the gradient of {name}(p={p})", given.grad, np.full(tuple(x.shape), 1 - p))
    layer = getattr(nn, MODULES[name])(0.25)
    shown = f"{MODULES[name]}(p=0.25, inplace=False)"
    require(repr(layer) == shown, f"the repr of {MODULES[name]}", shown, repr(layer))


@check("layer.dropout")
def test_torch_dropout_drops_where_it_is_told_to_train(subject):
    x = torch.ones(40, 50, device=subject.device)
    for call, form in {"dropout": torch.dropout, "alpha_dropout": torch.alpha_dropout,
                       "feature_dropout": torch.feature_dropout}.items():  # fmt: skip
        for p in (0.25, 0.5):
            require(form(x, p, train=False).eq(1).all(), f"torch.{call}(train=False) changes its input")
            share = float(1 - kept(form(x, p, train=True)).mean())
            bound = share_bound(2000, 2, p)
            require(abs(share - p) <= bound, f"the share that torch.{call}({p}, train=True) drops", p, share)


# The defaults that the documentation tells, by layer.
DEFAULTS = {
    "BatchNorm": (lambda: (nn.BatchNorm1d(2), nn.BatchNorm2d(2), nn.BatchNorm3d(2)),
                  {"eps": 1e-5, "momentum": 0.1, "affine": True, "track_running_stats": True}),
    "InstanceNorm": (lambda: (nn.InstanceNorm1d(2), nn.InstanceNorm2d(2), nn.InstanceNorm3d(2)),
                     {"eps": 1e-5, "momentum": 0.1, "affine": False, "track_running_stats": False}),
    "LayerNorm": (lambda: (nn.LayerNorm(2),), {"eps": 1e-5, "elementwise_affine": True}),
    "GroupNorm": (lambda: (nn.GroupNorm(1, 2),), {"eps": 1e-5, "affine": True}),
    "LocalResponseNorm": (lambda: (nn.LocalResponseNorm(2),), {"alpha": 1e-4, "beta": 0.75, "k": 1.0}),
    "Conv": (lambda: (nn.Conv1d(2, 3, 1), nn.Conv2d(2, 3, 1), nn.Conv3d(2, 3, 1)),
             {"groups": 1, "padding_mode": "zeros", "transposed": False}),
    "ConvTranspose": (lambda: (nn.ConvTranspose1d(2, 3, 1), nn.ConvTranspose2d(2, 3, 1), nn.ConvTranspose3d(2, 3, 1)),
                      {"groups": 1, "padding_mode": "zeros", "transposed": True}),
    "MaxPool": (lambda: (nn.MaxPool1d(3), nn.MaxPool2d(3), nn.MaxPool3d(3)),
                {"stride": 3, "padding": 0, "dilation": 1, "return_indices": False, "ceil_mode": False}),
    "AvgPool": (lambda: (nn.AvgPool2d(3), nn.AvgPool3d(3)),
                {"stride": 3, "padding": 0, "ceil_mode": False, "count_include_pad": True, "divisor_override": None}),
    "Dropout": (lambda: (nn.Dropout(), nn.Dropout1d(), nn.Dropout2d(), nn.Dropout3d(), nn.AlphaDropout(),
                         nn.FeatureAlphaDropout()), {"p": 0.5, "inplace": False}),
    "ELU": (lambda: (nn.ELU(), nn.CELU()), {"alpha": 1.0, "inplace": False}),
    "Hardtanh": (lambda: (nn.Hardtanh(),), {"min_val": -1.0, "max_val": 1.0, "inplace": False}),
    "Shrink": (lambda: (nn.Hardshrink(), nn.Softshrink()), {"lambd": 0.5}),
    "LeakyReLU": (lambda: (nn.LeakyReLU(),), {"negative_slope": 0.01, "inplace": False}),
    "RReLU": (lambda: (nn.RReLU(),), {"lower": 1 / 8, "upper": 1 / 3, "inplace": False}),
    "Softplus": (lambda: (nn.Softplus(),), {"beta": 1, "threshold": 20}),
    "GELU": (lambda: (nn.GELU(),), {"approximate": "none"}),
    "GLU": (lambda: (nn.GLU(),), {"dim": -1}),
    "Recurrent": (lambda: (nn.RNN(2, 3), nn.LSTM(2, 3), nn.GRU(2, 3)),
                  {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}),
    "Embedding": (lambda: (nn.Embedding(2, 3),), {"padding_idx": None, "max_norm": None, "norm_type": 2.0,
                                                  "scale_grad_by_freq": False, "sparse": False}),
    "EmbeddingBag": (lambda: (nn.EmbeddingBag(2, 3),), {"mode": "mean", "max_norm": None, "norm_type": 2.0,
                                                        "sparse": False, "include_last_offset": False}),
    "CosineSimilarity": (lambda: (nn.CosineSimilarity(),), {"dim": 1, "eps": 1e-8}),
    "PairwiseDistance": (lambda: (nn.PairwiseDistance(),), {"norm": 2.0, "eps": 1e-6, "keepdim": False}),
    "MultiheadAttention": (lambda: (nn.MultiheadAttention(4, 2),),
                           {"dropout": 0.0, "batch_first": False, "bias_k": None, "add_zero_attn": False}),
    "Upsample": (lambda: (nn.Upsample(2),), {"mode": "nearest", "align_corners": None, "scale_factor": None}),
    "Flatten": (lambda: (nn.Flatten(),), {"start_dim": 1, "end_dim": -1}),
}  # fmt: skip


@check("layer.defaults")
@pytest.mark.parametrize("name", DEFAULTS)
def test_a_layer_has_the_defaults_of_its_documentation(subject, name):
    make, wanted = DEFAULTS[name]
    for layer in make():
        for key, value in wanted.items():
            found = getattr(layer, key)
            same = found is value if value is None or isinstance(value, bool) else found in (value, (value,) * 3)
            require(same, f"{key} of {type(layer).__name__}", value, found)


@check("layer.defaults")
def test_the_eps_of_a_transformer_and_its_other_defaults(subject):
    for layer in (nn.TransformerEncoderLayer(4, 2), nn.TransformerDecoderLayer(4, 2)):
        kind = type(layer).__name__
        found = (layer.linear1.out_features, layer.dropout.p, layer.norm1.eps, layer.norm_first, layer.activation)
        require(found == (2048, 0.1, 1e-5, False, F.relu), f"the defaults of {kind}", (2048, 0.1, 1e-5), found[:4])
        require(not layer.self_attn.batch_first, f"batch_first of {kind}", False, True)
    net = nn.Transformer()
    found = (net.d_model, net.nhead, len(net.encoder.layers), len(net.decoder.layers), net.batch_first)
    require(found == (512, 8, 6, 6, False), "the defaults of Transformer", (512, 8, 6, 6, False), found)

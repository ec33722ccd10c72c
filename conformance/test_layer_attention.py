"""Attention by every mask and option, and the layers and stacks of a transformer."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer_attention as oracle
from conformance.tables.layer_inputs import normal
from properties.strategies.recipe import LAYOUTS, contiguous

pytestmark = must_answer

ERROR = INNER.over(2000)
CAUSAL = ~np.tri(4, 5, dtype=bool)  # True is left out
HIDDEN = np.arange(5) >= np.array([[5], [3], [4]])


def on(subject, array):
    """An array on the subject, None as it is."""
    return None if array is None else contiguous(array, "bool" if array.dtype == bool else "float64").on(subject)


def weighed(layer):
    """Drawn values in all parameters, and these as arrays by name."""
    with torch.no_grad():
        for turn, p in enumerate(layer.parameters()):
            p.copy_(host.tensor(normal(40 + turn, tuple(p.shape)) / 2, "float64", str(p.device)))
    return {name: host.array(p) for name, p in layer.named_parameters()}


def assert_parameters(options, w):
    """Refute unless there are biases, added keys and separate projections where the options say so."""
    found = ("in_proj_bias" in w, "bias_k" in w, "k_proj_weight" in w)
    asked = (options.get("bias", True), "add_bias_kv" in options, "kdim" in options)
    require(found == asked, f"MultiheadAttention({options}) has biases, added ones, and projections", asked, found)


OPTIONS = ({}, {"bias": False}, {"kdim": 3, "vdim": 7}, {"add_bias_kv": True}, {"add_zero_attn": True},
           {"kdim": 3, "vdim": 7, "add_bias_kv": True, "add_zero_attn": True, "bias": False})  # fmt: skip


@check("layer.attention", since="2.0")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_multihead_attention_by_masks_and_options(subject, options, training):
    heads, layer = 2, nn.MultiheadAttention(6, 2, batch_first=True, **options).double().to(subject.device)
    w = weighed(layer.train(training))
    assert_parameters(options, w)
    q, k, v = (
        normal(t, (3, n, s)) for t, n, s in ((1, 4, 6), (2, 5, options.get("kdim", 6)), (3, 5, options.get("vdim", 6)))
    )
    more, zero = normal(8, (6, 4, 5)), options.get("add_zero_attn", False)
    for mask, hidden in ((None, None), (CAUSAL, None), (more, None), (more[0], normal(9, (3, 5))), (CAUSAL, HIDDEN),
                         (np.tile(CAUSAL, (6, 1, 1)), HIDDEN), (None, HIDDEN)):  # fmt: skip
        wanted, weights = oracle.multihead(q, k, v, w, heads, mask, hidden, zero)
        given, told = [on(subject, x) for x in (q, k, v)], [on(subject, x) for x in (hidden, mask)]
        text = f"MultiheadAttention({options}), mask {None if mask is None else (mask.dtype, mask.shape)}"
        for mean in (True, False):
            out, found = layer(*given, key_padding_mask=told[0], attn_mask=told[1], average_attn_weights=mean)
            assert_values(text, out, wanted, ERROR, 30.0, dtype="float64")
            assert_values(f"the weights of {text}", found, weights.mean(1) if mean else weights, ERROR, 4.0)
        out, found = layer(*given, key_padding_mask=told[0], attn_mask=told[1], need_weights=False)
        require(found is None, f"{text} gives weights that are not needed", None, found)
        assert_values(f"{text} without weights", out, wanted, ERROR, 30.0, dtype="float64")
        if mask is None or mask.ndim == 2:
            cut = None if hidden is None else told[0][1]
            out, found = layer(*(x[1] for x in given), key_padding_mask=cut, attn_mask=told[1])
            assert_values(f"{text} of one sample", out, wanted[1], ERROR, 30.0, dtype="float64")
            assert_values(f"the weights of {text} of one sample", found, weights[1].mean(0), ERROR, 4.0)


@check("layer.attention", since="2.0")
def test_options_that_attention_refuses_or_draws(subject):
    assert_raises(
        "heads that do not divide the features", (AssertionError, ValueError), lambda: nn.MultiheadAttention(6, 4)
    )
    layer = nn.MultiheadAttention(6, 2, dropout=0.5, batch_first=True).double().to(subject.device)
    w, x = weighed(layer), normal(1, (3, 4, 6))
    given = on(subject, x)
    wanted, weights = oracle.multihead(x, x, x, w, 2)
    out, found = layer.eval()(given, given, given, average_attn_weights=False)
    assert_values("attention with dropout in evaluation", out, wanted, ERROR, 30.0)
    out, found = layer.train()(given, given, given, average_attn_weights=False)
    kept = host.array(found) != 0
    require(0.2 < kept.mean() < 0.8, "attention with dropout 0.5 keeps another share", 0.5, kept.mean())
    assert_values("attention weights after dropout", found, np.where(kept, 2 * weights, 0), ERROR, 4.0)
    for text, action in {
        "a mask of another size": lambda: layer(given, given, given, attn_mask=torch.zeros(4, 5, dtype=torch.float64)),
        "padding of another size": lambda: layer(given, given, given, key_padding_mask=torch.zeros(3, 5) > 0),
    }.items():
        assert_raises(text, (RuntimeError, AssertionError), action)


@check("layer.attention", since="2.0")
def test_causal_attention_of_a_module(subject):
    layer = nn.MultiheadAttention(6, 2, batch_first=True).double().to(subject.device)
    w, x = weighed(layer), normal(1, (3, 4, 6))
    mask = nn.Transformer.generate_square_subsequent_mask(4)
    assert_values("generate_square_subsequent_mask", mask, np.where(np.tri(4) > 0, 0.0, -np.inf), dtype="float32")
    wanted, _ = oracle.multihead(x, x, x, w, 2, ~np.tri(4, dtype=bool))
    given, mask = on(subject, x), mask.double().to(subject.device)
    for needed, training in itertools.product((True, False), (True, False)):
        out, _ = layer.train(training)(given, given, given, attn_mask=mask, is_causal=True, need_weights=needed)
        assert_values(f"causal attention, need_weights={needed}", out, wanted, ERROR, 30.0, dtype="float64")


@check("layer.attention", since="2.1")
def test_scaled_dot_products_of_other_shapes(subject):
    q, k, v = normal(1, (2, 3, 4, 5)), normal(2, (2, 3, 6, 5)), normal(3, (2, 3, 6, 7))
    some = np.arange(6) % np.array([[2], [3], [4], [5]]) == 0  # True takes part
    for scale, layout in itertools.product((None, 0.25, 1.0), ("contiguous", "transposed", "stepped")):
        for mask in (None, some, normal(4, (2, 1, 4, 6)), normal(5, (1, 6)), np.tile(some, (2, 3, 1, 1))):
            more = 0.0 if mask is None else oracle.added(~mask if mask.dtype == bool else mask)
            wanted, _ = oracle.attend(q, k, v, more, scale)
            given = [LAYOUTS[layout](a, "float64").on(subject) for a in (q, k, v)]
            out = F.scaled_dot_product_attention(*given, attn_mask=on(subject, mask), scale=scale)
            text = f"scaled_dot_product_attention(scale={scale}), mask {None if mask is None else mask.shape}, {layout}"
            assert_values(text, out, wanted, ERROR, 10.0, dtype="float64")
    wide, _ = oracle.attend(q[0], k[0], v[0], oracle.added(~np.tri(4, 6, dtype=bool)))
    out = F.scaled_dot_product_attention(*(on(subject, a[0]) for a in (q, k, v)), is_causal=True)
    assert_values("causal attention of three dimensions", out, wide, ERROR, 10.0, dtype="float64")
    ones = torch.ones(2, 3, 40, 5, dtype=torch.float64, device=subject.device)
    found = host.array(
        F.scaled_dot_product_attention(ones, ones, torch.eye(40, dtype=torch.float64).to(ones), dropout_p=0.5)
    )
    require(
        np.isin(np.round(found * 40, 6), (0, 2)).all(), "dropout_p=0.5 doubles or drops weights", "0 or 2", found * 40
    )
    require(0.4 < (found == 0).mean() < 0.6, "dropout_p=0.5 drops another share", 0.5, (found == 0).mean())


@check("layer.attention", since="2.6")
def test_groups_of_queries_share_a_key(subject):
    q, k, v = normal(1, (2, 6, 4, 5)), normal(2, (2, 2, 3, 5)), normal(3, (2, 2, 3, 5))
    wanted, _ = oracle.attend(q, np.repeat(k, 3, 1), np.repeat(v, 3, 1))
    out = F.scaled_dot_product_attention(*(on(subject, a) for a in (q, k, v)), enable_gqa=True)
    assert_values("attention with enable_gqa", out, wanted, ERROR, 10.0, dtype="float64")


KINDS = [
    {"norm_first": first, "activation": act, "batch_first": True} for first in (False, True) for act in ("relu", "gelu")
]


def layers(kind, options, subject, **more):
    layer = getattr(nn, f"Transformer{kind}Layer")(6, 2, dim_feedforward=9, dropout=0.0, layer_norm_eps=1e-3, **options)
    layer = layer.double().to(subject.device)
    return layer, weighed(layer), {**{k: v for k, v in options.items() if k != "batch_first"}, "eps": 1e-3, **more}


@check("layer.transformer", since="2.0")
@pytest.mark.parametrize("options", KINDS, ids=str)
def test_a_layer_of_an_encoder(subject, options):
    layer, w, told = layers("Encoder", options, subject)
    x, hidden, mask = normal(1, (3, 5, 6)), HIDDEN, ~np.tri(5, dtype=bool)
    for m, h, training in itertools.product((None, mask, normal(2, (5, 5))), (None, hidden), (True, False)):
        wanted = oracle.transformer_layer(x, w, 2, masks={"mask": m, "hidden": h}, **told)
        out = layer.train(training)(on(subject, x), src_mask=on(subject, m), src_key_padding_mask=on(subject, h))
        text = f"TransformerEncoderLayer({options}), training={training}"
        assert_values(text, out, wanted, ERROR, 30.0, dtype="float64")
    with torch.no_grad():  # the fast path
        out = layer.eval()(on(subject, x))
        assert_values(f"{text}, no_grad", out, oracle.transformer_layer(x, w, 2, masks={}, **told), ERROR, 30.0)
        assert_values(f"{text} of one sample", layer(on(subject, x[1])), host.array(out)[1], ERROR, 30.0)


@check("layer.transformer", since="2.0")
@pytest.mark.parametrize("options", KINDS, ids=str)
def test_a_layer_of_a_decoder(subject, options):
    layer, w, told = layers("Decoder", options, subject)
    x, memory = normal(1, (3, 4, 6)), normal(2, (3, 5, 6))
    masks = {"mask": ~np.tri(4, dtype=bool), "hidden": np.arange(4) >= np.array([[4], [2], [3]]),
             "memory_mask": normal(3, (4, 5)), "memory_hidden": HIDDEN}  # fmt: skip
    names = {"mask": "tgt_mask", "hidden": "tgt_key_padding_mask", "memory_mask": "memory_mask",
             "memory_hidden": "memory_key_padding_mask"}  # fmt: skip
    for chosen in ((), *((name,) for name in masks), ("mask", "memory_hidden")):
        wanted = oracle.transformer_layer(x, w, 2, memory, masks={name: masks[name] for name in chosen}, **told)
        given = {names[name]: on(subject, masks[name]) for name in chosen}
        out = layer(on(subject, x), on(subject, memory), **given)
        assert_values(f"TransformerDecoderLayer({options}) with {chosen}", out, wanted, ERROR, 30.0, dtype="float64")


@check("layer.transformer", since="2.0")
@pytest.mark.parametrize("normed", [True, False])
def test_stacks_run_layer_by_layer(subject, normed):
    x, memory, mask = normal(1, (3, 4, 6)), normal(2, (3, 5, 6)), ~np.tri(4, dtype=bool)
    for kind in ("Encoder", "Decoder"):
        layer, _, told = layers(kind, {"batch_first": True}, subject)
        norm = nn.LayerNorm(6).double().to(subject.device) if normed else None
        stack = getattr(nn, f"Transformer{kind}")(
            layer, 2, norm, **({"enable_nested_tensor": False} if kind == "Encoder" else {})
        )
        require(stack.layers[0] is not layer and stack.layers[0] is not stack.layers[1], "a stack shares its layers")
        w = weighed(stack)
        wanted, side = x, memory if kind == "Decoder" else None
        for place in range(2):
            wanted = oracle.transformer_layer(
                wanted, oracle.part(w, f"layers.{place}"), 2, side, masks={"mask": mask}, **told
            )
        wanted = oracle.layer_norm(wanted, 1, w["norm.weight"], w["norm.bias"], 1e-5) if normed else wanted
        args = (
            on(subject, x),
            *([on(subject, memory), on(subject, mask)] if kind == "Decoder" else [on(subject, mask)]),
        )
        for training in (True, False):
            out = stack.train(training)(*args)
            assert_values(f"Transformer{kind}, norm={normed}", out, wanted, INNER.over(8000), 30.0, dtype="float64")


@check("layer.transformer", since="2.0")
def test_a_transformer_is_its_encoder_and_decoder(subject):
    for first in (False, True):
        net = nn.Transformer(6, 2, 1, 1, 9, 0.0, batch_first=first).double().to(subject.device)
        w = weighed(net)
        x, y = normal(1, (3, 5, 6)), normal(2, (3, 4, 6))
        memory = oracle.transformer_layer(x, oracle.part(w, "encoder.layers.0"), 2, masks={})
        memory = oracle.layer_norm(memory, 1, w["encoder.norm.weight"], w["encoder.norm.bias"], 1e-5)
        mask = ~np.tri(4, dtype=bool)
        wanted = oracle.transformer_layer(y, oracle.part(w, "decoder.layers.0"), 2, memory, masks={"mask": mask})
        wanted = oracle.layer_norm(wanted, 1, w["decoder.norm.weight"], w["decoder.norm.bias"], 1e-5)
        turn = (lambda a: a) if first else (lambda a: a.swapaxes(0, 1))
        out = net(on(subject, turn(x)), on(subject, turn(y)), tgt_mask=on(subject, mask))
        assert_values(f"Transformer(batch_first={first})", out, turn(wanted), INNER.over(8000), 30.0, dtype="float64")

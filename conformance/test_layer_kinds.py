"""Layers besides the common ones: convolutions of other dimensions, norms, resampling, padding, pools, attention."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as common
from conformance.oracle import layer_kinds as oracle
from conformance.tables.formula_rows import KINDS, judge_row, marked, used
from conformance.tables.layer_inputs import normal, put
from conformance.tables.layer_kind_rows import ROWS
from properties.strategies.recipe import DENSE, contiguous, layouts

pytestmark = must_answer


@pytest.mark.parametrize("row", marked(ROWS))
def test_a_layer_is_its_formula(subject, row):
    judge_row(subject, row)


def parameters_of(layer, suffix):
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    found = {name: getattr(layer, name + suffix, None) for name in names}
    return {name: host.array(p).astype(np.float64) for name, p in found.items() if p is not None}


def unrolled(layer, x, h):
    """The oracle's pass through all layers and directions of a GRU over (T, N, I)."""
    last, directions = [], 2 if layer.bidirectional else 1
    for place in range(layer.num_layers):
        outs = []
        for turn in range(directions):
            w = parameters_of(layer, f"_l{place}" + ("_reverse" if turn else ""))
            out, final = oracle.gru_layer(x, h[place * directions + turn], w, bool(turn))
            outs.append(out)
            last.append(final)
        x = np.concatenate(outs, -1)
    return x, np.stack(last)


@check("layer.gru")
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}], ids=str)
def test_gru_is_its_gates(subject, options):
    for dtype, (steps, batch) in itertools.product(KINDS, ((5, 3), (1, 1), (2, 17))):
        layer = nn.GRU(4, 5, **options).to(subject.device, host.torch_dtype(dtype))
        put(layer, **{n: normal(t, tuple(p.shape), dtype) / 2 for t, (n, p) in enumerate(layer.named_parameters())})
        x, h = (
            normal(1, (steps, batch, 4), dtype),
            normal(2, (layer.num_layers * (1 + layer.bidirectional), batch, 5), dtype),
        )
        for start in (h, h * 0):
            wanted = unrolled(layer, x, start)
            for recipe in layouts(x, dtype, used(dtype)):
                out, last = layer(recipe.on(subject), *((contiguous(h, dtype).on(subject),) if start is h else ()))
                error = INNER.over(80 * steps * layer.num_layers)
                assert_values(f"the output of GRU({options})", out, wanted[0], error, 4.0, dtype=dtype)
                assert_values(f"h_n of GRU({options})", last, wanted[1], error, 4.0, dtype=dtype)


@check("layer.cells")
@pytest.mark.parametrize("kind", ["GRUCell", "LSTMCell", "RNNCell"])
def test_a_cell_is_one_step_of_its_layer(subject, kind):
    for dtype, bias, batch in itertools.product(KINDS, (True, False), (1, 6)):
        cell = getattr(nn, kind)(4, 5, bias=bias).to(subject.device, host.torch_dtype(dtype))
        put(cell, **{n: normal(t, tuple(p.shape), dtype) / 2 for t, (n, p) in enumerate(cell.named_parameters())})
        x, h, c = (normal(t, (batch, n), dtype) for t, n in ((1, 4), (2, 5), (3, 5)))
        w = parameters_of(cell, "")
        if kind == "GRUCell":
            wanted = oracle.gru_layer(x[None], h, w)[1]
        elif kind == "LSTMCell":
            wanted = common.lstm_layer(x[None], h, c, w)[1:]
        else:
            wanted = common.rnn_layer(x[None], h, w)[1]
        for recipe in layouts(x, dtype, used(dtype)):
            state = [contiguous(v, dtype).on(subject) for v in (h, c)]
            out = cell(recipe.on(subject), tuple(state) if kind == "LSTMCell" else state[0])
            for found, value in zip(out, wanted, strict=True) if kind == "LSTMCell" else ((out, wanted),):
                assert_values(f"{kind}(bias={bias})", found, value, INNER.over(80), 4.0, dtype=dtype)


def masks(n, m):
    """No mask, one of truth values, and one that is added."""
    yield None
    yield (np.arange(n)[:, None] >= np.arange(m) - 1) | (np.arange(m) % 3 == 0)
    yield normal(9, (n, m))


@check("layer.attention", since="2.0")
def test_scaled_dot_product_attention(subject):
    for dtype, (n, m, d) in itertools.product(KINDS, ((3, 4, 5), (1, 1, 2), (17, 33, 8))):
        q, k, v = (normal(t, (2, 3, size, d), dtype) for t, size in enumerate((n, m, m)))
        for mask in masks(n, m):
            mask = mask if mask is None or mask.dtype == bool else host.array(host.tensor(mask, dtype))
            wanted, _ = oracle.attention(q, k, v, mask)
            for recipes in zip(*(layouts(a, dtype, used(dtype)) for a in (q, k, v)), strict=True):
                given = [recipe.on(subject) for recipe in recipes]
                before = Unchanged(q=given[0], k=given[1], v=given[2])
                told = None if mask is None else contiguous(mask, "bool" if mask.dtype == bool else dtype).on(subject)
                out = F.scaled_dot_product_attention(*given, attn_mask=told)
                text = f"scaled_dot_product_attention of ({n}, {m}, {d}), mask {None if mask is None else mask.dtype}"
                assert_values(text, out, wanted, INNER.over(200), 4.0, dtype=dtype)
                before.check("scaled_dot_product_attention")
        causal = np.arange(n)[:, None] >= np.arange(m)
        out = F.scaled_dot_product_attention(*(contiguous(a, dtype).on(subject) for a in (q, k, v)), is_causal=True)
        assert_values("causal attention", out, oracle.attention(q, k, v, causal)[0], INNER.over(200), 4.0, dtype=dtype)


@check("layer.attention")
@pytest.mark.parametrize("batch_first", [False, True])
def test_multihead_attention(subject, batch_first):
    heads, d = 2, 6
    for dtype, training in itertools.product(KINDS, (True, False)):
        layer = nn.MultiheadAttention(d, heads, batch_first=batch_first).to(subject.device, host.torch_dtype(dtype))
        put(layer, in_proj_weight=normal(1, (3 * d, d), dtype), in_proj_bias=normal(2, (3 * d,), dtype))
        put(layer.train(training).out_proj, weight=normal(3, (d, d), dtype), bias=normal(4, (d,), dtype))
        q, k, v = normal(5, (3, 4, d), dtype), normal(6, (3, 5, d), dtype), normal(7, (3, 5, d), dtype)
        for hidden in (None, np.arange(5) == np.array([[4], [1], [7]])):
            wanted, weights = by_heads(layer, (q, k, v), heads, None if hidden is None else ~hidden)
            given = [contiguous(a if batch_first else a.swapaxes(0, 1), dtype).on(subject) for a in (q, k, v)]
            ignored = None if hidden is None else contiguous(hidden, "bool").on(subject)
            for mean in (True, False):
                out, found = layer(*given, key_padding_mask=ignored, average_attn_weights=mean)
                text = f"MultiheadAttention(batch_first={batch_first}), training={training}"
                expected = wanted if batch_first else wanted.swapaxes(0, 1)
                assert_values(text, out, expected, INNER.over(400), 30.0, dtype=dtype)
                shown = weights.mean(1) if mean else weights
                assert_values(f"the weights of {text}", found, shown, INNER.over(400), 4.0, dtype=dtype)


def by_heads(layer, operands, heads, mask):
    """Project, split into heads, attend, join and project: (output, weights of each head)."""
    weights, biases = (host.array(p).astype(np.float64) for p in (layer.in_proj_weight, layer.in_proj_bias))
    parts = zip(operands, np.split(weights, 3), np.split(biases, 3), strict=True)
    split = [common.linear(x, w, b).reshape(len(x), x.shape[1], heads, -1).swapaxes(1, 2) for x, w, b in parts]
    out, shares = oracle.attention(*split, None if mask is None else mask[:, None, None, :])
    joined = out.swapaxes(1, 2).reshape(operands[0].shape)
    w, b = (host.array(p).astype(np.float64) for p in (layer.out_proj.weight, layer.out_proj.bias))
    return common.linear(joined, w, b), shares


@check("layer.batchnorm")
@pytest.mark.parametrize(
    "kind, shape", [("BatchNorm1d", (5, 3)), ("BatchNorm1d", (4, 3, 7)), ("BatchNorm3d", (3, 2, 2, 3, 2))]
)
def test_batch_norm_of_other_dimensions(subject, kind, shape):
    c, axes = shape[1], (0, *range(2, len(shape)))
    spread = (-1, *[1] * (len(shape) - 2))
    for dtype, affine in itertools.product(KINDS, (True, False)):
        layer = getattr(nn, kind)(c, affine=affine, momentum=0.3, eps=1e-2).to(subject.device, host.torch_dtype(dtype))
        w, b = (normal(4, (c,), dtype), normal(5, (c,), dtype)) if affine else (np.ones(c), np.zeros(c))
        put(layer, **({"weight": w, "bias": b} if affine else {}))
        mean, var = np.zeros(c), np.ones(c)
        for turn, recipe in enumerate(layouts(normal(1, shape, dtype), dtype, DENSE)):
            x = recipe.array.astype(np.float64)
            now, then = x.mean(axes), x.var(axes)
            for training, m, v in ((True, now, then), (False, None, None)):
                out = layer.train(training)(recipe.on(subject))
                if training:
                    mean, var = 0.7 * mean + 0.3 * now, 0.7 * var + 0.3 * x.var(axes, ddof=1)
                else:
                    m, v = mean, var
                scaled = (x - m.reshape(spread)) / np.sqrt(v.reshape(spread) + 1e-2) * w.reshape(spread)
                text = f"{kind}(affine={affine}), training={training}, call {turn}"
                assert_values(text, out, scaled + b.reshape(spread), INNER.over(200), 10.0, dtype=dtype)
            assert_values("running_mean", layer.running_mean, mean, INNER.over(60), 4.0, dtype=dtype)
            assert_values("running_var", layer.running_var, var, INNER.over(60), 4.0, dtype=dtype)
        require(int(layer.num_batches_tracked) == turn + 1, "num_batches_tracked", turn + 1, layer.num_batches_tracked)


@check("layer.embedding-bag")
def test_embedding_bags(subject):
    weight, chosen, starts = normal(1, (9, 4)), np.array([1, 4, 4, 0, 8, 3, 2]), np.array([0, 3, 3, 5])
    parts = [chosen[a:b] for a, b in zip(starts, [*starts[1:], len(chosen)], strict=True)]
    shares = normal(2, (7,))
    for mode, fold in (("sum", np.sum), ("mean", np.mean), ("max", np.max)):
        wanted = np.array([fold(weight[part], axis=0) if len(part) else np.zeros(4) for part in parts])
        layer = put(nn.EmbeddingBag(9, 4, mode=mode).double().to(subject.device), weight=weight)
        indices, offsets = (contiguous(a, "int64").on(subject) for a in (chosen, starts))
        assert_values(f"EmbeddingBag({mode!r})", layer(indices, offsets), wanted, INNER.over(20), 4.0)
        out = F.embedding_bag(indices, layer.weight, offsets, mode=mode)
        assert_values(f"embedding_bag(mode={mode!r})", out, wanted, INNER.over(20), 4.0)
        rows = np.arange(12).reshape(4, 3) * 5 % 9
        for recipe in layouts(rows, "int64", DENSE):
            text = f"EmbeddingBag({mode!r}) of rows of strides {recipe.strides}"
            assert_values(text, layer(recipe.on(subject)), fold(weight[rows], axis=1), INNER.over(20), 4.0)
    splits = np.cumsum([len(part) for part in parts])[:-1]
    wanted = np.array([p.sum(0) for p in np.split(weight[chosen] * shares[:, None], splits)])
    given = contiguous(shares, "float64").on(subject)
    out = F.embedding_bag(indices, layer.weight, offsets, mode="sum", per_sample_weights=given)
    assert_values("embedding_bag with per_sample_weights", out, wanted, INNER.over(20), 4.0)


@check("layer.one-hot")
def test_one_hot_marks_the_class(subject):
    for shape in ((), (5,), (2, 3), (40,)):
        classes = np.arange(int(np.prod(shape))).reshape(shape) * 3 % 7
        for recipe in layouts(classes, "int64", DENSE):
            for count in (7, 9, -1):
                total = int(classes.max()) + 1 if count == -1 else count
                wanted = (classes[..., None] == np.arange(total)).astype(np.int64)
                assert_values(
                    f"one_hot of {shape}, {count} classes", F.one_hot(recipe.on(subject), count), wanted, dtype="int64"
                )
    assert_raises(
        "a class beyond the count", RuntimeError, lambda: F.one_hot(torch.tensor([3], device=subject.device), 3)
    )

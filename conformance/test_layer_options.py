"""Options of common layers that seldom come up: each with what it changes."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import assert_array, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as oracle
from conformance.tables.formula_rows import Row, judge_row
from conformance.tables.layer_inputs import normal, put
from properties.strategies.recipe import DENSE, contiguous, layouts

pytestmark = must_answer


@check("layer.avgpool")
def test_average_pooling_with_a_divisor_and_ceil(subject):
    values = normal(1, (2, 3, 7, 8))
    for recipe in layouts(values, "float64", DENSE):
        x = recipe.on(subject)
        wanted = oracle.avg_pool2d(values, 3, 2) * 9 / 5
        for out in (F.avg_pool2d(x, 3, 2, divisor_override=5), nn.AvgPool2d(3, 2, divisor_override=5)(x)):
            assert_values("average pooling with divisor_override=5", out, wanted, INNER.over(60), 10.0)
        # Sides of 7 and 8: with ceil, the last window of the second side has two columns inside.
        sides = [range(0, 7, 3), range(0, 8, 3)]
        wanted = np.array([[values[:, :, i : i + 3, j : j + 3].mean((2, 3)) for j in sides[1]] for i in sides[0]])
        for out in (F.avg_pool2d(x, 3, ceil_mode=True), nn.AvgPool2d(3, ceil_mode=True)(x)):
            assert_values("average pooling with ceil", out, wanted.transpose(2, 3, 0, 1), INNER.over(60), 10.0)


@check("layer.dropout")
def test_channel_dropout_drops_whole_channels(subject):
    for kind, shape in (("Dropout1d", (40, 30, 4)), ("Dropout2d", (40, 30, 2, 3)), ("Dropout3d", (40, 30, 2, 1, 2))):
        x = torch.ones(shape, device=subject.device)
        name = f"dropout{kind[-2:]}"
        for call, out in ((kind, getattr(nn, kind)(0.25)(x)), (f"F.{name}", getattr(F, name)(x, 0.25))):
            found = host.array(out).reshape(40, 30, -1)
            require((found == found[:, :, :1]).all(), f"{call} drops parts of channels")
            require(np.isin(found, np.float32([0, 1 / 0.75])).all(), f"{call} scales otherwise", "0 or 4/3", found)
            share = float((found[:, :, 0] == 0).mean())
            require(0.1 < share < 0.4, f"{call} drops another share of 1,200 channels", 0.25, share)
        require(getattr(nn, kind)(0.25).eval()(x).eq(1).all(), f"{kind} drops in evaluation")


@check("layer.dropout")
def test_alpha_dropout_sets_to_one_value(subject):
    """Dropped elements become a * alpha' + b, the others a * x + b, which keeps mean 0 and variance 1."""
    p, alpha = 0.25, -1.7580993408473766
    a = (1 - p) ** -0.5 * (1 + p * alpha**2) ** -0.5
    b = -a * alpha * p
    x = torch.full((50, 40, 3), 2.0, dtype=torch.float64, device=subject.device)
    calls = {
        "AlphaDropout": nn.AlphaDropout(p)(x),
        "F.alpha_dropout": F.alpha_dropout(x, p, training=True),
        "F.feature_alpha_dropout": F.feature_alpha_dropout(x, p, training=True),
    }
    for call, out in calls.items():
        found = host.array(out)
        dropped = found < (2 + alpha) / 2 * a + b  # nearer to one of the two values than to the other
        wanted = np.where(dropped, alpha * a + b, 2 * a + b)  # each a product and a sum, of factors of a few roundings
        assert_array(call, found, wanted, "float64", INNER.over(32), 2 * abs(alpha * a) + abs(b))
        require(0.15 < dropped.mean() < 0.35, f"{call} drops another share", p, float(dropped.mean()))
        whole = (dropped == dropped[..., :1]).all()
        require(whole == ("feature" in call), f"{call}: whether channels are dropped as a whole is {whole}")


@check("layer.embedding")
def test_options_of_an_embedding(subject):
    weight, chosen = normal(1, (7, 3)) * 2, np.array([1, 4, 4, 6, 4])
    indices = contiguous(chosen, "int64").on(subject)
    layer = put(nn.Embedding(7, 3, max_norm=1.0).double().to(subject.device), weight=weight)
    sizes = np.linalg.norm(weight, axis=1, keepdims=True)
    wanted = np.where(sizes > 1, weight / (sizes + 1e-7), weight)
    assert_values("Embedding(max_norm=1)", layer(indices), wanted[chosen], INNER.over(60), 4.0)
    for scaled, sparse in ((True, False), (False, True)):
        layer = nn.Embedding(7, 3, scale_grad_by_freq=scaled, sparse=sparse).double().to(subject.device)
        layer(indices).sum().backward()
        found = layer.weight.grad
        require(
            found.is_sparse == sparse, f"Embedding(sparse={sparse}): the gradient's layout", sparse, found.is_sparse
        )
        counts = np.bincount(chosen, minlength=7)
        wanted = np.repeat(np.minimum(counts, 1) if scaled else counts, 3).reshape(7, 3).astype(float)
        text = f"the gradient of Embedding(scale_grad_by_freq={scaled}, sparse={sparse})"
        assert_values(text, found.to_dense(), wanted, INNER.over(60), 4.0)
    frozen = nn.Embedding.from_pretrained(contiguous(weight, "float64").on(subject))
    require(not frozen.weight.requires_grad, "from_pretrained leaves the weight to train", False, True)


@check("layer.layer-norm")
def test_the_gradient_of_layer_norm(subject):
    def formula(x, w, b):
        return oracle.layer_norm(x, 1, w, b, 0.1)

    shapes = ((4, 3, 5), (5,), (5,))
    forms = {"F.layer_norm": lambda x, w, b: F.layer_norm(x, (5,), w, b, 0.1)}
    judge_row(subject, Row("layer.layer-norm", "layer_norm", forms, formula, shapes, terms=200))
    plain = {"F.layer_norm": lambda x: F.layer_norm(x, (5,)), "LayerNorm": nn.LayerNorm(5, elementwise_affine=False)}
    row = Row(
        "layer.layer-norm", "plain", plain, lambda x: oracle.layer_norm(x, 1, None, None, 1e-5), ((4, 5),), terms=200
    )
    judge_row(subject, row)


@check("layer.rnn-values")
def test_an_rnn_of_relu_and_of_two_directions(subject):
    x = normal(1, (5, 3, 4))
    for relu in (False, True):
        layer = nn.RNN(4, 6, nonlinearity="relu" if relu else "tanh", bidirectional=True).double().to(subject.device)
        put(layer, **{n: normal(t, tuple(p.shape)) / 2 for t, (n, p) in enumerate(layer.named_parameters())})
        outs, act = [], (lambda v: np.maximum(v, 0)) if relu else np.tanh
        for end in ("", "_reverse"):
            names = ("weight_ih_l0", "bias_ih_l0", "weight_hh_l0", "bias_hh_l0")
            w, b, u, c = (host.array(getattr(layer, name + end)) for name in names)
            h, found = np.zeros((3, 6)), []
            for step in x[::-1] if end else x:
                h = act(oracle.linear(step, w, b) + oracle.linear(h, u, c))
                found.append(h)
            outs.append(np.array(found[::-1] if end else found))
        out, last = layer(contiguous(x, "float64").on(subject))
        assert_values(f"RNN(relu={relu}) of two directions", out, np.concatenate(outs, -1), INNER.over(800), 30.0)
        assert_values("its h_n", last, np.stack([outs[0][-1], outs[1][0]]), INNER.over(800), 30.0)

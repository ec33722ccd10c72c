"""Layers in their rarer uses: a batch of one, indices alone, packed sequences, projections, a dtype asked for."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import rnn

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as oracle
from conformance.tables.layer_inputs import normal, put
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts

pytestmark = must_answer


@check("layer.maxpool")
def test_every_way_to_the_indices_of_max_pooling(subject):
    values = normal(1, (2, 3, 6, 7))
    wanted, places = oracle.max_pool2d(values, 2)
    for recipe in layouts(values, "float64", DENSE):
        x = recipe.on(subject)
        for call, (out, found) in (
            ("F.max_pool2d(return_indices=True)", F.max_pool2d(x, 2, return_indices=True)),
            ("F.max_pool2d_with_indices", F.max_pool2d_with_indices(x, 2)),
            ("MaxPool2d(return_indices=True)", nn.MaxPool2d(2, return_indices=True)(x)),
        ):
            assert_values(call, out, wanted, dtype="float64")
            assert_values(f"the indices of {call}", found, places, dtype="int64")


@check("layer.batchnorm")
def test_batch_norm_of_one_sample_in_evaluation(subject):
    mean, var = np.array([1.0, -2.0, 0.5]), np.array([4.0, 0.25, 9.0])
    weight, bias = np.array([0.5, 2.0, -1.0]), np.array([3.0, 0.0, 1.0])
    for kind, shapes in (
        ("BatchNorm1d", ((1, 3), (1, 3, 5))),
        ("BatchNorm2d", ((1, 3, 4, 5), (1, 3, 1, 1))),
        ("BatchNorm3d", ((1, 3, 2, 2, 3),)),
    ):
        layer = getattr(nn, kind)(3).double().to(subject.device).eval()
        put(layer, running_mean=mean, running_var=var, weight=weight, bias=bias)
        for shape in shapes:
            x = normal(1, shape)
            wanted = oracle.batch_norm(x, mean, var, weight, bias, 1e-5)
            out = layer(contiguous(x, "float64").on(subject))
            assert_values(f"{kind} of shape {shape} in evaluation", out, wanted, INNER.over(40), 20.0)
            assert_values(f"the running mean of {kind} after evaluation", layer.running_mean, mean)


@check("layer.layer-norm", since="2.1")
def test_layer_norm_without_a_bias(subject):
    weight, x = np.array([0.5, 2.0, -1.0, 1.0, 3.0]), normal(1, (4, 5))
    layer = put(nn.LayerNorm(5, bias=False).double().to(subject.device), weight=weight)
    require(layer.bias is None, "LayerNorm(bias=False) keeps a bias", None, layer.bias)
    out = layer(contiguous(x, "float64").on(subject))
    wanted = oracle.layer_norm(x, 1, weight, np.zeros(5), 1e-5)
    assert_values("LayerNorm(bias=False)", out, wanted, INNER.over(200), 10.0)


def lstm(subject, **options):
    """An LSTM of 4 inputs and 6 hidden features with drawn weights, and these as arrays."""
    layer = nn.LSTM(4, 6, **options).double().to(subject.device)
    put(layer, **{name: normal(t, tuple(p.shape)) / 2 for t, (name, p) in enumerate(layer.named_parameters())})
    return layer, {name: host.array(p) for name, p in layer.named_parameters()}


@check("layer.lstm-values")
def test_an_lstm_that_projects(subject):
    """h is W_hr times what an LSTM without projection has for h."""
    layer, w = lstm(subject, proj_size=3)
    x, h, c, outs = normal(1, (5, 2, 4)), np.zeros((2, 3)), np.zeros((2, 6)), []
    for step in x:
        gates = oracle.linear(step, w["weight_ih_l0"], w["bias_ih_l0"])
        gates = gates + oracle.linear(h, w["weight_hh_l0"], w["bias_hh_l0"])
        i, f, g, o = np.split(gates, 4, -1)
        c = oracle.sigmoid(f) * c + oracle.sigmoid(i) * np.tanh(g)
        h = oracle.linear(oracle.sigmoid(o) * np.tanh(c), w["weight_hr_l0"])
        outs.append(h)
    out, (hn, cn) = layer(contiguous(x, "float64").on(subject))
    for call, found, wanted in (("the output", out, np.array(outs)), ("h_n", hn, h[None]), ("c_n", cn, c[None])):
        assert_values(f"{call} of LSTM(proj_size=3)", found, wanted, INNER.over(600), 10.0)


@check("layer.lstm-values")
def test_an_lstm_of_packed_sequences(subject):
    """Each sequence by itself: its own length, and the states after its last step."""
    x = normal(1, (5, 3, 4))
    for lengths, both in (([5, 3, 1], False), ([2, 5, 4], True)):
        layer, w = lstm(subject, bidirectional=both)
        packed = rnn.pack_padded_sequence(
            contiguous(x, "float64").on(subject), torch.tensor(lengths), enforce_sorted=not both
        )
        result, states = layer(packed)
        kind = type(result)
        require(kind is rnn.PackedSequence, "an LSTM unpacks a packed sequence", rnn.PackedSequence, kind)
        out, sizes = rnn.pad_packed_sequence(result)
        require(sizes.tolist() == lengths, "the lengths of a packed output", lengths, sizes.tolist())
        for n, length in enumerate(lengths):
            for way in range(1 + both):
                end = "_reverse" if way else ""
                mine = {name[: name.index("_l0")]: p for name, p in w.items() if name.endswith(f"_l0{end}")}
                zero = np.zeros((1, 6))
                wanted, h, c = oracle.lstm_layer(x[:length, n : n + 1], zero, zero, mine, bool(way))
                found, text = out[:length, n, way * 6 : way * 6 + 6], f"sequence {n} of {lengths}, direction {way}"
                assert_values(f"the output of {text}", found, wanted[:, 0], INNER.over(600), 4.0)
                assert_values(f"h_n of {text}", states[0][way, n], h[0], INNER.over(600), 4.0)
                assert_values(f"c_n of {text}", states[1][way, n], c[0], INNER.over(600), 8.0)


@check("layer.softmax")
def test_softmax_in_a_dtype_asked_for(subject):
    values = normal(1, (3, 7), "float32") * 2
    for recipe in layouts(values, "float32", DENSE):
        for name, formula in (("softmax", oracle.softmax), ("log_softmax", oracle.log_softmax)):
            x, wanted = recipe.on(subject), formula(recipe.array.astype(np.float64), 1)
            for call, out in (
                (f"F.{name}", getattr(F, name)(x, 1, dtype=torch.float64)),
                (f"torch.{name}", getattr(torch, name)(x, 1, dtype=torch.float64)),
                (f"x.{name}", getattr(x, name)(1, dtype=torch.float64)),
            ):
                text = f"{call}(dtype=float64) of float32"
                assert_values(text, out, wanted, INNER.over(40), np.abs(wanted) + 10, dtype="float64")
    whole = np.array([1, 3, 2])
    out = F.softmax(contiguous(whole, "int64").on(subject), 0, dtype=torch.float32)
    assert_values(
        "F.softmax(dtype=float32) of int64", out, oracle.softmax(whole, 0), INNER.over(40), 1.0, dtype="float32"
    )
    out = F.softmin(contiguous(values, "float32").on(subject), 1, dtype=torch.float64)
    assert_values("F.softmin(dtype=float64)", out, oracle.softmax(-values, 1), INNER.over(40), 10.0, dtype="float64")


@check("layer.flatten")
def test_unflatten_parts_any_dimension(subject):
    for recipe in layouts(normal(1, (2, 6, 4, 3)), "float64", LAYOUTS):
        for dim, sizes in (
            (1, (2, 3)),
            (-3, (3, 2)),
            (-2, (2, 2)),
            (-1, (1, 3)),
            (1, (-1, 2)),
            (0, (2, 1)),
            (-1, (3,)),
        ):
            x, at = recipe.on(subject), dim % 4
            wanted = recipe.array.reshape(*x.shape[:at], *sizes, *x.shape[at + 1 :])
            for call, out in (
                (f"Unflatten({dim}, {sizes})", nn.Unflatten(dim, sizes)(x)),
                (f"x.unflatten({dim}, {sizes})", x.unflatten(dim, sizes)),
            ):
                assert_values(f"{call} of strides {recipe.strides}", out, wanted, dtype="float64")

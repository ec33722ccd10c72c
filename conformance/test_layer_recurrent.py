"""Recurrent layers: the gates of an LSTM and the formula of an RNN, step by step."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as oracle
from conformance.tables.layer_inputs import KINDS, normal
from properties.strategies.recipe import DENSE, contiguous, layouts

pytestmark = must_answer


def recurrent(subject, kind, dtype, **options):
    torch.manual_seed(0)
    layer = getattr(nn, kind)(4, 5, **options).to(subject.device, host.torch_dtype(dtype))
    for turn, p in enumerate(layer.parameters()):
        with torch.no_grad():
            p.copy_(host.tensor(normal(turn, tuple(p.shape), dtype) * 0.5, dtype))
    return layer


def weights_of(layer, place, direction):
    suffix = f"_l{place}" + ("_reverse" if direction else "")
    found = {}
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        p = getattr(layer, name + suffix, None)
        if p is not None:
            found[name] = host.array(p).astype(np.float64)
    return found


def unrolled(layer, x, h, c):
    """The oracle's pass through all layers and directions of an LSTM; x is (T, N, I)."""
    directions = 2 if layer.bidirectional else 1
    last_h, last_c = [], []
    for place in range(layer.num_layers):
        outs = []
        for direction in range(directions):
            k = place * directions + direction
            out, hk, ck = oracle.lstm_layer(x, h[k], c[k], weights_of(layer, place, direction), bool(direction))
            outs.append(out)
            last_h.append(hk)
            last_c.append(ck)
        x = np.concatenate(outs, -1)
    return x, np.stack(last_h), np.stack(last_c)


LSTMS = ({}, {"num_layers": 2}, {"bidirectional": True}, {"num_layers": 2, "bidirectional": True}, {"bias": False})


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("options", [pytest.param(o, marks=check("layer.lstm-values"), id=str(o)) for o in LSTMS])
def test_lstm_is_its_gates(subject, options, dtype):
    for first, (steps, batch) in itertools.product((False, True), ((6, 3), (1, 1), (3, 17))):
        layer = recurrent(subject, "LSTM", dtype, batch_first=first, **options)
        k = layer.num_layers * (2 if layer.bidirectional else 1)
        x = normal(1, (steps, batch, 4), dtype)
        state = normal(2, (k, batch, 5), dtype), normal(3, (k, batch, 5), dtype)
        for given in ((), state):
            wanted = unrolled(layer, x, *(given or (state[0] * 0, state[1] * 0)))
            for recipe in layouts(turned(x, first), dtype, DENSE if steps == 6 else ["contiguous"]):
                started = tuple(contiguous(part, dtype).on(subject) for part in given)
                out, (hn, cn) = layer(recipe.on(subject), *((started,) if given else ()))
                terms, name = INNER.over(60 * steps * layer.num_layers), f"LSTM({options}, batch_first={first})"
                assert_values(f"the output of {name}", out, turned(wanted[0], first), terms, 4.0, dtype=dtype)
                assert_values(f"h_n of {name}", hn, wanted[1], terms, 4.0, dtype=dtype)
                assert_values(f"c_n of {name}", cn, wanted[2], terms, 8.0, dtype=dtype)


def turned(x, first):
    """Batch first, where asked for."""
    return np.swapaxes(x, 0, 1) if first else x


@check("layer.lstm-batch-first")
def test_batch_first_moves_the_batch(subject):
    a, b = recurrent(subject, "LSTM", "float64"), recurrent(subject, "LSTM", "float64", batch_first=True)
    x = contiguous(normal(1, (7, 3, 4)), "float64").on(subject)
    out, (h, c) = a(x)
    other, (h2, c2) = b(x.transpose(0, 1))
    assert_tensor("the output with batch_first", other, "float64", (3, 7, 5))
    assert_tensor("h_n with batch_first", h2, "float64", (1, 3, 5))
    assert_values("the output with batch_first", other, host.array(out).swapaxes(0, 1), INNER.over(400), 4.0)
    assert_values("h_n with batch_first", h2, host.array(h), INNER.over(400), 4.0)
    assert_values("c_n with batch_first", c2, host.array(c), INNER.over(400), 8.0)
    require(a.batch_first is False and b.batch_first is True, "batch_first is not kept")


@check("layer.lstm-sizes")
def test_the_sizes_of_an_lstm(subject):
    layer = nn.LSTM(input_size=4, hidden_size=6, num_layers=2).to(subject.device)
    wanted = {
        "weight_ih_l0": (24, 4),
        "weight_hh_l0": (24, 6),
        "bias_ih_l0": (24,),
        "bias_hh_l0": (24,),
        "weight_ih_l1": (24, 6),
        "weight_hh_l1": (24, 6),
        "bias_ih_l1": (24,),
        "bias_hh_l1": (24,),
    }
    found = {name: tuple(p.shape) for name, p in layer.named_parameters()}
    require(found == wanted, "the parameters of LSTM(4, 6, 2)", wanted, found)
    out, (h, c) = layer(torch.ones(5, 3, 4, device=subject.device))
    require(
        (tuple(out.shape), tuple(h.shape), tuple(c.shape)) == ((5, 3, 6), (2, 3, 6), (2, 3, 6)),
        "the shapes of an LSTM's answers",
    )
    assert_raises(
        "another feature size", (RuntimeError, ValueError), lambda: layer(torch.ones(5, 3, 7, device=subject.device))
    )


@check("layer.rnn-values")
def test_rnn_is_its_formula(subject):
    layer = recurrent(subject, "RNN", "float64")
    x, h = normal(1, (6, 3, 4)), normal(2, (1, 3, 5))
    wanted, last = oracle.rnn_layer(x, h[0], weights_of(layer, 0, 0))
    out, hn = layer(contiguous(x, "float64").on(subject), contiguous(h, "float64").on(subject))
    assert_values("the output of RNN", out, wanted, INNER.over(400), 4.0)
    assert_values("h_n of RNN", hn, last[None], INNER.over(400), 4.0)

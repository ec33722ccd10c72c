"""Recurrent layers with every option: batch first, one sequence, layers, directions, packed sequences, dropout."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import rnn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer_sequences as oracle
from conformance.tables.layer_inputs import normal, put
from properties.strategies.recipe import LAYOUTS, contiguous

pytestmark = must_answer

KINDS = {"RNN": "layer.rnn-values", "GRU": "layer.gru", "LSTM": "layer.lstm-values"}
OPTIONS = (
    {"batch_first": True},
    {"num_layers": 2},
    {"num_layers": 2, "bias": False, "batch_first": True},
    {"bidirectional": True, "bias": False},
    {"num_layers": 2, "bidirectional": True, "batch_first": True},
    {"num_layers": 3},
)
OWN = {"RNN": ({"nonlinearity": "relu", "num_layers": 2},), "GRU": (),
       "LSTM": ({"proj_size": 2, "num_layers": 2},
                {"proj_size": 3, "bidirectional": True, "num_layers": 2})}  # fmt: skip
ROWS = [
    pytest.param(kind, options, marks=check(claim), id=f"{kind}({options})")
    for kind, claim in KINDS.items()
    for options in (*OPTIONS, *OWN[kind])
]
ERROR = INNER.over(4000)


def recurrent(subject, kind, options):
    """A layer of 4 inputs and 5 hidden features with drawn weights, and its formula over (T, N, 4)."""
    layer = getattr(nn, kind)(4, 5, **options).double().to(subject.device)
    put(layer, **{name: normal(t, tuple(p.shape)) / 2 for t, (name, p) in enumerate(layer.named_parameters())})
    weights = {name: host.array(p) for name, p in layer.named_parameters()}
    biased = any("bias" in name for name in weights)
    require(biased == options.get("bias", True), f"{kind}({options}) has a bias", not biased, biased)
    for name in ("batch_first", "bidirectional", "num_layers", "proj_size", "dropout"):
        if name in options:
            require(getattr(layer, name) == options[name], f"the {name} of {kind}({options})", options[name])
    told = {key: value for key, value in options.items() if key in ("num_layers", "bidirectional", "nonlinearity")}
    return layer, lambda x, states, lengths=None: oracle.stacked(kind, x, states, weights, lengths, **told)


def states_of(layer, batch):
    """Drawn initial states: h, and for an LSTM c."""
    rows = layer.num_layers * (1 + layer.bidirectional)
    sizes = [getattr(layer, "proj_size", 0) or 5, *([5] if isinstance(layer, nn.LSTM) else [])]
    return [normal(11 + turn, (rows, batch, size)) for turn, size in enumerate(sizes)]


def told(layer, states, subject):
    given = tuple(contiguous(s, "float64").on(subject) for s in states)
    return given if isinstance(layer, nn.LSTM) else given[0]


def compare(text, layer, result, wanted, turn=lambda x: x):
    """Refute unless output and last states are the wanted ones. `turn`: how the output's dimensions lie."""
    out, last = result
    assert_values(f"the output of {text}", out, turn(wanted[0]), ERROR, 4.0, dtype="float64")
    for name, found, state in zip("hc", last if isinstance(layer, nn.LSTM) else (last,), wanted[1:], strict=False):
        assert_values(f"{name}_n of {text}", found, state, ERROR, 4.0, dtype="float64")


@pytest.mark.parametrize("kind, options", ROWS)
def test_a_recurrent_layer_with_its_options(subject, kind, options):
    layer, formula = recurrent(subject, kind, options)
    x, states = normal(1, (6, 3, 4)), states_of(layer, 3)
    turn = (lambda a: a.swapaxes(0, 1)) if layer.batch_first else (lambda a: a)
    for given, mode in ((states, True), ([s * 0 for s in states], False)):
        for layout in ("contiguous", "transposed"):
            start = (told(layer, given, subject),) if mode else ()
            result = layer.train(mode)(LAYOUTS[layout](turn(x), "float64").on(subject), *start)
            compare(f"{kind}({options})", layer, result, formula(x, given), turn)
    one = [s[:, :1] for s in states]
    wanted = [a[:, 0] for a in formula(x[:, :1], one)]
    start = told(layer, [s[:, 0] for s in one], subject)
    compare(
        f"{kind}({options}) of one sequence", layer, layer(contiguous(x[:, 0], "float64").on(subject), start), wanted
    )
    none = [a[:, 0] for a in formula(x[:, :1], [s * 0 for s in one])]
    compare(f"{kind}({options}) of one sequence", layer, layer(contiguous(x[:, 0], "float64").on(subject)), none)


@pytest.mark.parametrize("kind, options", [p for p in ROWS if p.values[1].get("num_layers") == 2])
@pytest.mark.parametrize("ordered", [True, False])
def test_packed_sequences_have_lengths_of_their_own(subject, kind, options, ordered):
    layer, formula = recurrent(subject, kind, options)
    lengths = [6, 4, 1] if ordered else [2, 6, 5]
    x, states = normal(2, (6, 3, 4)), states_of(layer, 3)
    first = layer.batch_first
    given = contiguous(x.swapaxes(0, 1) if first else x, "float64").on(subject)
    packed = rnn.pack_padded_sequence(given, lengths, batch_first=first, enforce_sorted=ordered)
    out, last = layer(packed, told(layer, states, subject))
    require(isinstance(out, rnn.PackedSequence), f"{kind} of packed sequences gives no packed sequences")
    plain, found = rnn.pad_packed_sequence(out, batch_first=first, padding_value=-7.5, total_length=8)
    require(found.tolist() == lengths, "the lengths of packed sequences", lengths, found)
    wanted = formula(x, states, lengths)
    whole = np.full((8, 3, wanted[0].shape[-1]), -7.5)
    for n, length in enumerate(lengths):
        whole[:length, n] = wanted[0][:length, n]
    whole = whole.swapaxes(0, 1) if first else whole
    compare(f"{kind}({options}), packed to {lengths}", layer, (plain, last), (whole, *wanted[1:]))


@check("layer.packed-sequences")
def test_packing_is_by_steps_and_comes_undone(subject):
    parts = [normal(t, (length, 2)) for t, length in enumerate((2, 5, 3))]
    given = [contiguous(p, "float64").on(subject) for p in parts]
    packed = rnn.pack_sequence(given, enforce_sorted=False)
    order = [1, 2, 0]
    steps = np.concatenate([[parts[n][t] for n in order if len(parts[n]) > t] for t in range(5)])
    assert_values("the data of packed sequences", packed.data, steps, dtype="float64")
    assert_values("the batch sizes of packed sequences", packed.batch_sizes, np.array([3, 3, 2, 1, 1]), dtype="int64")
    require(packed.sorted_indices.tolist() == order and packed.unsorted_indices.tolist() == [2, 0, 1], "the order")
    padded = np.full((5, 3, 2), 9.0)
    for n, part in enumerate(parts):
        padded[: len(part), n] = part
    for first in (False, True):
        wanted = padded.swapaxes(0, 1) if first else padded
        out = rnn.pad_sequence(given, batch_first=first, padding_value=9.0)
        assert_values(f"pad_sequence(batch_first={first})", out, wanted, dtype="float64")
        out, sizes = rnn.pad_packed_sequence(packed, batch_first=first, padding_value=9.0)
        assert_values(f"pad_packed_sequence(batch_first={first})", out, wanted, dtype="float64")
        require(sizes.tolist() == [2, 5, 3], "the lengths of pad_packed_sequence", [2, 5, 3], sizes)
        again = rnn.pack_padded_sequence(out, sizes, batch_first=first, enforce_sorted=False)
        assert_values(f"pack_padded_sequence(batch_first={first})", again.data, steps, dtype="float64")


@check("layer.packed-sequences")
def test_packing_refuses_what_is_out_of_order(subject):
    given = [contiguous(normal(t, (length, 2)), "float64").on(subject) for t, length in enumerate((2, 5, 3))]
    zeros = rnn.pad_sequence(given)
    require(float(zeros[4, 0, 0]) == 0, "pad_sequence pads with zeros by default", 0, zeros[4, 0])
    assert_raises("unsorted lengths", RuntimeError, lambda: rnn.pack_padded_sequence(zeros, [2, 5, 3]))
    assert_raises("unsorted sequences", RuntimeError, lambda: rnn.pack_sequence(given))
    assert_raises("a length of 0", RuntimeError, lambda: rnn.pack_padded_sequence(zeros, [5, 3, 0]))
    short = rnn.pack_padded_sequence(zeros, [5, 3, 2])
    assert_raises("too short a total_length", ValueError, lambda: rnn.pad_packed_sequence(short, total_length=4))


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=check(claim)) for kind, claim in KINDS.items()])
def test_dropout_lies_between_the_layers_in_training(subject, kind):
    layer, _ = recurrent(subject, kind, {"num_layers": 2, "dropout": 1.0})
    alone, lone = recurrent(subject, kind, {"num_layers": 2})
    x, states = normal(3, (5, 2, 4)), states_of(alone, 2)
    given = contiguous(x, "float64").on(subject), told(alone, states, subject)
    compare(f"{kind}(dropout=1) in evaluation", layer, layer.eval()(*given), lone(x, states))
    first, _ = layer.train()(*given)
    moved, _ = layer(given[0] + 1, given[1])
    assert_values(f"{kind}(dropout=1) hides the input from the second layer", moved, host.array(first))
    half = getattr(nn, kind)(4, 5, num_layers=2, dropout=0.5).double().to(subject.device)
    one, two = (host.array(half(*given)[0]) for _ in range(2))
    require((one != two).any(), f"{kind}(dropout=0.5) drops the same elements twice")
    require((host.array(half.eval()(*given)[0]) == host.array(half(*given)[0])).all(), f"{kind} drops in evaluation")


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=check(claim)) for kind, claim in KINDS.items()])
def test_states_and_inputs_of_other_sizes_are_refused(subject, kind):
    layer, _ = recurrent(subject, kind, {})
    x = contiguous(normal(1, (6, 3, 4)), "float64").on(subject)
    bad = [contiguous(np.zeros(shape), "float64").on(subject) for shape in ((1, 2, 5), (2, 3, 5), (1, 3, 4), (1, 5))]
    for state in bad:
        start = (state, state) if kind == "LSTM" else state
        assert_raises(f"{kind} from a state {tuple(state.shape)}", RuntimeError, lambda s=start: layer(x, s))
    assert_raises(f"{kind} of 5 features", (RuntimeError, ValueError), lambda: layer(torch.cat((x, x), 2)))
    assert_raises(f"{kind} of no sequence", (RuntimeError, ValueError, AssertionError), lambda: layer(x[0, 0]))
    for options in ({"dropout": 1.5}, {"dropout": -0.1}, *([{"nonlinearity": "gelu"}] if kind == "RNN" else [])):
        assert_raises(f"{kind}({options})", ValueError, lambda o=options: getattr(nn, kind)(4, 5, num_layers=2, **o))


@check("layer.cells")
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_cell_takes_one_sample_and_starts_from_zeros(subject, kind):
    for options in ({}, {"bias": False}, *([{"nonlinearity": "relu"}] if kind == "RNN" else [])):
        cell = getattr(nn, f"{kind}Cell")(4, 5, **options).double().to(subject.device)
        put(cell, **{name: normal(t, tuple(p.shape)) / 2 for t, (name, p) in enumerate(cell.named_parameters())})
        weights = {f"{name}_l0": host.array(p) for name, p in cell.named_parameters()}
        more = {"nonlinearity": options["nonlinearity"]} if "nonlinearity" in options else {}
        x, parts = normal(5, (3, 4)), [normal(6 + t, (1, 3, 5)) for t in range(1 + (kind == "LSTM"))]
        for states in (parts, [p * 0 for p in parts]):
            wanted = [w[0] for w in oracle.stacked(kind, x[None], states, weights, **more)][1:]
            start = () if states is not parts else (told_cell(kind, [s[0] for s in states], subject),)
            one = () if states is not parts else (told_cell(kind, [s[0, 1] for s in states], subject),)
            given = contiguous(x, "float64").on(subject)
            for call, out, cut in (("a batch", cell(given, *start), slice(None)), ("one", cell(given[1], *one), 1)):
                for found, value in zip(out if kind == "LSTM" else (out,), wanted, strict=True):
                    assert_values(f"{kind}Cell({options}) of {call}", found, value[cut], ERROR, 4.0, dtype="float64")


def told_cell(kind, states, subject):
    given = tuple(contiguous(s, "float64").on(subject) for s in states)
    return given if kind == "LSTM" else given[0]

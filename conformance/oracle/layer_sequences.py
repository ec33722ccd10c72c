"""Recurrent layers from their formulas: any number of layers and directions, projections, lengths, in numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from conformance.oracle.layer import linear, sigmoid

Array = np.ndarray
States = tuple[Array, ...]
Weights = dict[str, Array]


def _affine(x: Array, w: Weights, part: str, end: str) -> Array:
    return linear(x, w[f"weight_{part}{end}"], w.get(f"bias_{part}{end}"))


def _rnn(x: Array, states: States, w: Weights, end: str, act: Callable[[Array], Array]) -> States:
    return (act(_affine(x, w, "ih", end) + _affine(states[0], w, "hh", end)),)


def _gru(x: Array, states: States, w: Weights, end: str, _: Callable[[Array], Array]) -> States:
    a, b = (np.split(v, 3, -1) for v in (_affine(x, w, "ih", end), _affine(states[0], w, "hh", end)))
    reset, update = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1])
    return ((1 - update) * np.tanh(a[2] + reset * b[2]) + update * states[0],)


def _lstm(x: Array, states: States, w: Weights, end: str, _: Callable[[Array], Array]) -> States:
    i, f, g, o = np.split(_affine(x, w, "ih", end) + _affine(states[0], w, "hh", end), 4, -1)
    c = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return (linear(h, w[f"weight_hr{end}"]) if f"weight_hr{end}" in w else h, c)


STEPS = {"RNN": _rnn, "GRU": _gru, "LSTM": _lstm}


def _direction(kind: str, x: Array, states: States, w: Weights, end: str, lengths: Sequence[int],
               act: Callable[[Array], Array]) -> tuple[Array, States]:  # fmt: skip
    """One layer in one direction over (T, N, I): each sequence has its length; outputs behind it are 0."""
    out, last = np.zeros((len(x), x.shape[1], states[0].shape[-1])), [s.copy() for s in states]
    for n, length in enumerate(lengths):
        now = tuple(s[n] for s in states)
        for t in reversed(range(length)) if end.endswith("_reverse") else range(length):
            now = STEPS[kind](x[t, n], now, w, end, act)
            out[t, n] = now[0]
        for whole, part in zip(last, now, strict=True):
            whole[n] = part
    return out, tuple(last)


def stacked(kind: str, x: Array, states: Sequence[Array], w: Weights, lengths: Sequence[int] | None = None, *,
            num_layers: int = 1, bidirectional: bool = False, nonlinearity: str = "tanh") -> States:  # fmt: skip
    """The outputs of the last layer, and the last states of all layers and directions, in that order."""
    act = np.tanh if nonlinearity == "tanh" else lambda v: np.maximum(v, 0)
    lengths, lasts = [len(x)] * x.shape[1] if lengths is None else lengths, []
    for place in range(num_layers):
        outs = []
        for turn, back in enumerate(("", "_reverse")[: 1 + bidirectional]):
            row = place * (1 + bidirectional) + turn
            out, last = _direction(kind, x, tuple(s[row] for s in states), w, f"_l{place}{back}", lengths, act)
            outs.append(out)
            lasts.append(last)
        x = np.concatenate(outs, -1)
    return (x, *(np.stack(parts) for parts in zip(*lasts, strict=True)))

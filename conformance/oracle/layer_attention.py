"""Attention with all its masks and the layers of a transformer, from their formulas, in numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from conformance.oracle.layer import gelu, layer_norm, linear, softmax

Array = np.ndarray
Weights = dict[str, Array]


def added(mask: Array | None) -> Array:
    """What a mask adds to the scores. Of truth values: minus infinity where it says that a place is left out."""
    if mask is None:
        return np.zeros(1)
    return np.where(mask, -np.inf, 0.0) if mask.dtype == bool else mask


def attend(q: Array, k: Array, v: Array, mask: Array | float = 0.0, scale: float | None = None) -> tuple[Array, Array]:
    """softmax(q k^T * scale + mask) v, and its weights. `scale`: 1 / sqrt(d) by default."""
    scores = q @ k.swapaxes(-1, -2) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    weights = softmax(scores + mask, -1)
    return weights @ v, weights


def _projected(x: Array, w: Weights, place: int, name: str) -> Array:
    if "in_proj_weight" in w:
        size = w["in_proj_weight"].shape[1]
        weight = w["in_proj_weight"][place * size : (place + 1) * size]
    else:
        weight = w[f"{name}_proj_weight"]
    bias = np.split(w["in_proj_bias"], 3)[place] if "in_proj_bias" in w else None
    return linear(x, weight, bias)


def multihead(q: Array, k: Array, v: Array, w: Weights, heads: int, mask: Any = None, hidden: Array | None = None,
              zero: bool = False) -> tuple[Array, Array]:  # fmt: skip
    """Over (N, L, E), (N, S, K), (N, S, V): (outputs, weights of each head). `mask`: (L, S) or (N * heads, L, S);
    `hidden`: keys (N, S) left out, or what is added to their scores; `zero`: one more key and value of zeros."""
    n, length, size = q.shape
    q, k, v = (_projected(x, w, turn, name) for turn, (x, name) in enumerate(zip((q, k, v), "qkv", strict=True)))
    more = added(mask) + np.zeros((n * heads, length, k.shape[1]))
    more = more.reshape(n, heads, length, -1) + added(hidden).reshape((n, 1, 1, -1) if hidden is not None else (1,))
    if "bias_k" in w:
        k, v = (np.concatenate([x, np.tile(w[b], (n, 1, 1))], 1) for x, b in ((k, "bias_k"), (v, "bias_v")))
    if zero:
        k, v = (np.concatenate([x, np.zeros((n, 1, size))], 1) for x in (k, v))
    more = np.concatenate([more, np.zeros((n, heads, length, k.shape[1] - more.shape[-1]))], -1)
    q, k, v = (x.reshape(n, x.shape[1], heads, -1).swapaxes(1, 2) for x in (q, k, v))
    out, weights = attend(q, k, v, more)
    joined = out.swapaxes(1, 2).reshape(n, length, size)
    return linear(joined, w["out_proj.weight"], w.get("out_proj.bias")), weights


def part(w: Weights, name: str) -> Weights:
    """The weights of a part, by their names in it."""
    return {key.removeprefix(f"{name}."): value for key, value in w.items() if key.startswith(f"{name}.")}


def _normed(x: Array, w: Weights, name: str, eps: float) -> Array:
    return layer_norm(x, 1, w[f"{name}.weight"], w[f"{name}.bias"], eps)


def _forward(x: Array, w: Weights, act: str) -> Array:
    inner = linear(x, w["linear1.weight"], w["linear1.bias"])
    return linear(gelu(inner) if act == "gelu" else np.maximum(inner, 0), w["linear2.weight"], w["linear2.bias"])


def transformer_layer(x: Array, w: Weights, heads: int, memory: Array | None = None, *, masks: dict[str, Any],
                      norm_first: bool = False, activation: str = "relu", eps: float = 1e-5) -> Array:  # fmt: skip
    """A layer of an encoder, or with `memory` of a decoder, over (N, L, E), without dropout. `masks`: mask, hidden,
    memory_mask and memory_hidden, as `multihead` takes them."""

    def own(y: Array) -> Array:
        return multihead(y, y, y, part(w, "self_attn"), heads, masks.get("mask"), masks.get("hidden"))[0]

    def across(y: Array) -> Array:
        assert memory is not None
        told = masks.get("memory_mask"), masks.get("memory_hidden")
        return multihead(y, memory, memory, part(w, "multihead_attn"), heads, *told)[0]

    blocks = [own, *([across] if memory is not None else []), lambda y: _forward(y, w, activation)]
    for turn, block in enumerate(blocks, 1):
        name = f"norm{turn}"
        x = x + block(_normed(x, w, name, eps)) if norm_first else _normed(x + block(x), w, name, eps)
    return x

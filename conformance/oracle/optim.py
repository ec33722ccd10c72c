"""Optimisers and schedules from their published formulas, in plain numpy at the precision of what they are given.

Each rule maps (parameter, gradient, state, options) to the next parameter; `state` is a dict that it fills.
Sources: Sutskever et al. 2013 (momentum), Hinton 2012 (RMSprop), Kingma and Ba 2015 (Adam), Loshchilov and Hutter 2019
(AdamW), Reddi et al. 2018 (AMSGrad), Duchi et al. 2011 (Adagrad), Zeiler 2012 (Adadelta), as PyTorch documents them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray
State = dict[str, Any]


def _plain_decay(p: Array, g: Array, options: dict[str, Any]) -> Array:
    g = -g if options.get("maximize") else g
    return g + options.get("weight_decay", 0.0) * p


def sgd(p: Array, g: Array, state: State, **o: Any) -> Array:
    """Momentum as v = momentum * v + (1 - dampening) * g, the first v being g itself."""
    g = _plain_decay(p, g, o)
    momentum = o.get("momentum", 0.0)
    if momentum:
        state["v"] = momentum * state["v"] + (1 - o.get("dampening", 0.0)) * g if "v" in state else g
        g = g + momentum * state["v"] if o.get("nesterov") else state["v"]
    return p - o.get("lr", 1e-3) * g


def rmsprop(p: Array, g: Array, state: State, **o: Any) -> Array:
    """Division by the root of a running mean of squares; eps outside the root."""
    g = _plain_decay(p, g, o)
    alpha = o.get("alpha", 0.99)
    state["s"] = alpha * state.get("s", 0.0) + (1 - alpha) * g * g
    spread = state["s"]
    if o.get("centered"):
        state["m"] = alpha * state.get("m", 0.0) + (1 - alpha) * g
        spread = spread - state["m"] ** 2
    step = g / (np.sqrt(spread) + o.get("eps", 1e-8))
    if o.get("momentum", 0.0):
        step = state["b"] = o["momentum"] * state.get("b", 0.0) + step
    return p - o.get("lr", 1e-2) * step


def _adam_step(p: Array, g: Array, state: State, o: dict[str, Any]) -> Array:
    beta1, beta2 = o.get("betas", (0.9, 0.999))
    state["t"] = t = state.get("t", 0) + 1
    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * g * g
    second = state["v"]
    if o.get("amsgrad"):
        second = state["peak"] = np.maximum(state.get("peak", 0.0), second)
    root = np.sqrt(second) / math.sqrt(1 - beta2**t) + o.get("eps", 1e-8)
    return p - o.get("lr", 1e-3) / (1 - beta1**t) * state["m"] / root


def adam(p: Array, g: Array, state: State, **o: Any) -> Array:
    """Bias-corrected moments; weight decay is added to the gradient."""
    return _adam_step(p, _plain_decay(p, g, o), state, o)


def adamw(p: Array, g: Array, state: State, **o: Any) -> Array:
    """Adam with weight decay (default 0.01) taken off the parameter itself."""
    g = -g if o.get("maximize") else g
    return _adam_step(p * (1 - o.get("lr", 1e-3) * o.get("weight_decay", 1e-2)), g, state, o)


def adagrad(p: Array, g: Array, state: State, **o: Any) -> Array:
    """Division by the root of the sum of all squares so far."""
    g = _plain_decay(p, g, o)
    state["t"] = t = state.get("t", 0) + 1
    state["s"] = state.get("s", o.get("initial_accumulator_value", 0.0)) + g * g
    rate = o.get("lr", 1e-2) / (1 + (t - 1) * o.get("lr_decay", 0.0))
    return p - rate * g / (np.sqrt(state["s"]) + o.get("eps", 1e-10))


def adadelta(p: Array, g: Array, state: State, **o: Any) -> Array:
    """Steps in the units of the parameter: the ratio of two running roots of mean squares."""
    g = _plain_decay(p, g, o)
    rho, eps = o.get("rho", 0.9), o.get("eps", 1e-6)
    state["s"] = rho * state.get("s", 0.0) + (1 - rho) * g * g
    step = np.sqrt(state.get("d", 0.0) + eps) / np.sqrt(state["s"] + eps) * g
    state["d"] = rho * state.get("d", 0.0) + (1 - rho) * step * step
    return p - o.get("lr", 1.0) * step


def adamax(p: Array, g: Array, state: State, **o: Any) -> Array:
    """Adam with the infinity norm: the largest of the decayed norm so far and |g| + eps."""
    g = _plain_decay(p, g, o)
    beta1, beta2 = o.get("betas", (0.9, 0.999))
    state["t"] = t = state.get("t", 0) + 1
    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["u"] = np.maximum(beta2 * state.get("u", 0.0), np.abs(g) + o.get("eps", 1e-8))
    return p - o.get("lr", 2e-3) / (1 - beta1**t) * state["m"] / state["u"]


RULES: dict[str, Callable[..., Array]] = {
    "SGD": sgd,
    "RMSprop": rmsprop,
    "Adam": adam,
    "AdamW": adamw,
    "Adagrad": adagrad,
    "Adadelta": adadelta,
    "Adamax": adamax,
}


def trajectory(
    rule: str, start: Array, gradients: Sequence[Array | None], rates: Sequence[float] | None = None, **options: Any
) -> list[Array]:
    """The parameter after each gradient; None leaves it, and its state, as they were. `rates`: one for each step."""
    p, found = start, []
    state: dict[str, Any] = {}
    for turn, g in enumerate(gradients):
        if rates is not None:
            options["lr"] = rates[turn]
        if g is not None:
            p = RULES[rule](p, g, state, **options)
        found.append(p)
    return found


def step_lr(base: float, epochs: int, step_size: int, gamma: float) -> list[float]:
    return [base * gamma ** (epoch // step_size) for epoch in range(epochs)]


def multi_step_lr(base: float, epochs: int, milestones: Sequence[int], gamma: float) -> list[float]:
    return [base * gamma ** sum(epoch >= milestone for milestone in milestones) for epoch in range(epochs)]


def exponential_lr(base: float, epochs: int, gamma: float) -> list[float]:
    return [base * gamma**epoch for epoch in range(epochs)]


def cosine_lr(base: float, epochs: int, period: int, least: float) -> list[float]:
    """Half a cosine from base to least over `period` epochs, and back."""
    return [least + (base - least) * (1 + math.cos(math.pi * epoch / period)) / 2 for epoch in range(epochs)]


def linear_lr(base: float, epochs: int, start: float, end: float, total: int) -> list[float]:
    return [base * (start + (end - start) * min(epoch, total) / total) for epoch in range(epochs)]


def constant_lr(base: float, epochs: int, factor: float, total: int) -> list[float]:
    return [base * (factor if epoch < total else 1) for epoch in range(epochs)]


def plateau_lr(
    base: float, metrics: Sequence[float], factor: float, patience: int, threshold: float = 1e-4
) -> list[float]:
    """The rate after each metric: cut after more than `patience` epochs in a row without that relative improvement."""
    best, bad, rate, found = math.inf, 0, base, []
    for metric in metrics:
        if metric < best * (1 - threshold):
            best, bad = metric, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = rate * factor, 0
        found.append(rate)
    return found


def clipped_norm(gradients: Sequence[Array], most: float, p: float = 2.0) -> tuple[float, list[Array]]:
    """The norm of all gradients together, and each scaled by most / (norm + 1e-6) if that is below 1."""
    flat = np.concatenate([np.ravel(g) for g in gradients]).astype(np.longdouble)
    norm = float(np.abs(flat).max()) if math.isinf(p) else float((np.abs(flat) ** p).sum() ** (1 / p))
    factor = min(1.0, most / (norm + 1e-6))
    return norm, [g * factor for g in gradients]

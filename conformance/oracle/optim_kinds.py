"""Further optimisers and schedules from their published formulas, in plain numpy, as PyTorch documents them.

Sources: Dozat 2016 (NAdam), Liu et al. 2020 (RAdam), Polyak and Juditsky 1992 (ASGD), Riedmiller and Braun 1993
(Rprop), Shazeer and Stern 2018 (Adafactor), Jordan 2024 (Muon), Smith 2017 (cyclical rates), Smith and Topin 2018 (one
cycle), Loshchilov and Hutter 2017 (warm restarts).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray
State = dict[str, Any]


def _moments(g: Array, state: State, betas: tuple[float, float]) -> tuple[int, Array, Array]:
    state["t"] = t = state.get("t", 0) + 1
    state["m"] = betas[0] * state.get("m", 0.0) + (1 - betas[0]) * g
    state["v"] = betas[1] * state.get("v", 0.0) + (1 - betas[1]) * g * g
    return t, state["m"], state["v"]


def nadam(p: Array, g: Array, state: State, **o: Any) -> Array:
    """Adam with Nesterov's momentum, whose coefficient grows with the steps."""
    g = g + o.get("weight_decay", 0.0) * p
    betas, lr, decay = o.get("betas", (0.9, 0.999)), o.get("lr", 2e-3), o.get("momentum_decay", 4e-3)
    t, m, v = _moments(g, state, betas)
    mu, after = (betas[0] * (1 - 0.5 * 0.96 ** (k * decay)) for k in (t, t + 1))
    state["product"] = product = state.get("product", 1.0) * mu
    root = np.sqrt(v / (1 - betas[1] ** t)) + o.get("eps", 1e-8)
    return p - lr * (after * m / (1 - product * after) + (1 - mu) * g / (1 - product)) / root


def radam(p: Array, g: Array, state: State, **o: Any) -> Array:
    """Adam, rectified once the variance of its rate is tractable (rho over 5); plain momentum before."""
    g = g + o.get("weight_decay", 0.0) * p
    (beta1, beta2), lr = o.get("betas", (0.9, 0.999)), o.get("lr", 1e-3)
    t, m, v = _moments(g, state, (beta1, beta2))
    limit = 2 / (1 - beta2) - 1
    rho = limit - 2 * t * beta2**t / (1 - beta2**t)
    step = m / (1 - beta1**t)
    if rho > 5:
        share = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
        step = step * math.sqrt(share) * math.sqrt(1 - beta2**t) / (np.sqrt(v) + o.get("eps", 1e-8))
    return p - lr * step


def asgd(p: Array, g: Array, state: State, **o: Any) -> Array:
    """Descent with a decaying rate; `state["mean"]` holds the average of the parameters after step t0."""
    g = g + o.get("weight_decay", 0.0) * p
    lr, decay, alpha, start = o.get("lr", 1e-2), o.get("lambd", 1e-4), o.get("alpha", 0.75), o.get("t0", 1e6)
    t = state["t"] = state.get("t", 0) + 1
    rate = state.get("rate", lr)
    p = p * (1 - decay * rate) - rate * g
    share = state.get("share", 1.0)
    state["mean"] = p if share == 1 else state["mean"] + share * (p - state["mean"])
    state["rate"], state["share"] = lr / (1 + decay * lr * t) ** alpha, 1 / max(1, t - start)
    return p


def rprop(p: Array, g: Array, state: State, **o: Any) -> Array:
    """A step size of its own for each element, by the signs of gradients alone; a turned sign waits one step."""
    (less, more), (low, high) = o.get("etas", (0.5, 1.2)), o.get("step_sizes", (1e-6, 50))
    turned = np.sign(g * state.get("g", np.zeros(np.shape(g))))
    size = state.get("size", np.full(np.shape(g), o.get("lr", 1e-2)))
    state["size"] = np.clip(size * np.where(turned > 0, more, np.where(turned < 0, less, 1)), low, high)
    state["g"] = np.where(turned < 0, 0.0, g)
    return p - np.sign(state["g"]) * state["size"]


def adafactor(p: Array, g: Array, state: State, **o: Any) -> Array:
    """Steps in units of the parameter's own size, by a second moment that matrices keep as rows times columns."""
    lr, (least, size), clip = o.get("lr", 0.01), o.get("eps", (None, 1e-3)), o.get("d", 1.0)
    least = 0.0 if least is None else least  # else that of the dtype, which no draw comes near
    t = state["t"] = state.get("t", 0) + 1
    fresh, squares = t ** o.get("beta2_decay", -0.8), g * g
    rate = max(size, _rms(p)) * min(lr, 1 / math.sqrt(t))
    if g.ndim > 1:
        for name, axis in (("rows", -1), ("columns", -2)):
            state[name] = (1 - fresh) * state.get(name, 0.0) + fresh * squares.mean(axis, keepdims=True)
        v = state["rows"] * state["columns"] / np.maximum(state["rows"].mean(-2, keepdims=True), least)
    else:
        v = state["v"] = (1 - fresh) * state.get("v", 0.0) + fresh * squares
    step = g / np.maximum(np.sqrt(v), least)
    return p * (1 - lr * o.get("weight_decay", 0.0)) - rate * step / max(1.0, _rms(step) / clip)


def muon(p: Array, g: Array, state: State, **o: Any) -> tuple[Array, Array]:
    """A step along the mean gradient with its singular values evened out, and the size of the sums behind the step."""
    lr, momentum, (rows, columns) = o.get("lr", 1e-3), o.get("momentum", 0.95), g.shape
    mean = state["mean"] = momentum * state.get("mean", 0.0) + g
    x = g + momentum * mean if o.get("nesterov", True) else mean
    x = x / max(float(np.sqrt((x * x).sum())), o.get("eps", 1e-7))
    x, size = (x.T, np.abs(x.T)) if rows > columns else (x, np.abs(x))
    a, b, c = o.get("ns_coefficients", (3.4445, -4.775, 2.0315))
    for _ in range(o.get("ns_steps", 5)):
        square, magnitude = x @ x.T, size @ size.T
        x = a * x + (b * square + c * square @ square) @ x
        size = abs(a) * size + (abs(b) * magnitude + abs(c) * magnitude @ magnitude) @ size
    if rows > columns:
        x, size = x.T, size.T
    wide = o.get("adjust_lr_fn") == "match_rms_adamw"
    rate = lr * (0.2 * math.sqrt(max(rows, columns)) if wide else math.sqrt(max(1.0, rows / columns)))
    return p * (1 - lr * o.get("weight_decay", 0.1)) - rate * x, rate * size


def _rms(x: Array) -> float:
    return math.sqrt(float((x * x).mean()))


RULES = {"NAdam": nadam, "RAdam": radam, "ASGD": asgd, "Rprop": rprop}
NEWER = {"Adafactor": adafactor}


def sparse_adam(p: Array, rows: Array, g: Array, state: State, **o: Any) -> Array:
    """Adam in which only the rows that have a gradient change, and their moments; the steps count for all."""
    (beta1, beta2), p = o.get("betas", (0.9, 0.999)), p.copy()
    m, v = state.setdefault("m", np.zeros(p.shape)), state.setdefault("v", np.zeros(p.shape))
    state["t"] = t = state.get("t", 0) + 1
    m[rows] = beta1 * m[rows] + (1 - beta1) * g
    v[rows] = beta2 * v[rows] + (1 - beta2) * g * g
    rate = o.get("lr", 1e-3) * math.sqrt(1 - beta2**t) / (1 - beta1**t)
    p[rows] -= rate * m[rows] / (np.sqrt(v[rows]) + o.get("eps", 1e-8))
    return p


def _annealed(start: float, end: float, share: float, linear: bool) -> float:
    return start + share * (end - start) if linear else end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def one_cycle(top: float, epochs: int, total: int, up: float = 0.3, linear: bool = False, div: float = 25.0,
              final: float = 1e4, three: bool = False) -> list[float]:  # fmt: skip
    """From top / div up to top, and down to top / div / final; with three phases, back to top / div in between."""
    first, last = top / div, top / div / final
    ends = [(up * total - 1, first, top), (2 * up * total - 2, top, first), (total - 1, first, last)]
    ends = ends if three else [ends[0], (total - 1, top, last)]
    found = []
    for epoch in range(epochs):
        begins = [0.0, *(end for end, _, _ in ends)]
        turn = next(k for k, (end, _, _) in enumerate(ends) if epoch <= end)
        (end, low, high), begin = ends[turn], begins[turn]
        found.append(_annealed(low, high, (epoch - begin) / (end - begin), linear))
    return found


def cyclic(
    base: float, top: float, epochs: int, up: int, down: int, mode: str = "triangular", gamma: float = 1.0
) -> list[float]:
    """A triangle from base to top in `up` steps and back in `down`; its height halves or decays."""
    found = []
    for epoch in range(epochs):
        cycle, place = divmod(epoch, up + down)
        height = place / up if place <= up else (up + down - place) / down
        factor = {"triangular": 1.0, "triangular2": 0.5**cycle, "exp_range": gamma**epoch}[mode]
        found.append(base + (top - base) * height * factor)
    return found


def warm_restarts(base: float, epochs: int, first: int, times: int, least: float) -> list[float]:
    """Half a cosine from base to least; each one `times` as long as the one before."""
    found, place, period = [], 0, first
    for _ in range(epochs):
        found.append(least + (base - least) * (1 + math.cos(math.pi * place / period)) / 2)
        place += 1
        if place == period:
            place, period = 0, period * times
    return found


def polynomial(base: float, epochs: int, total: int, power: float) -> list[float]:
    return [base * (1 - min(epoch, total) / total) ** power for epoch in range(epochs)]


def sequence(parts: Sequence[Sequence[float]], milestones: Sequence[int], epochs: int) -> list[float]:
    """One schedule after the other, each from its own beginning."""
    starts = [0, *milestones]
    which = [sum(epoch >= m for m in milestones) for epoch in range(epochs)]
    return [parts[k][epoch - starts[k]] for epoch, k in enumerate(which)]
